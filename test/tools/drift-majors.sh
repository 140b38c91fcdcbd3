#!/usr/bin/env bash
# drift-majors.sh: a database that was moved to another major by pg_dump has no drift.
#
#   drift-majors.sh [SCHEMA...]     each SCHEMA a folder of facts as load_facts.sh reads it, or a dump in SQL
#                                   (default: all folders of CORPUS, which is ../shared/corpus beside the checkout)
#
# Each schema is loaded on the server of PG_CONFIG, and its snapshot taken by docs/snapshot.sql. pg_dump moves it to a
# server of each other major, in the chroots that .ci/run keeps in SG_CI_CACHE, and the same file takes the snapshot
# there. Both are imported and compared, and then the moved one with the database itself, live. Nothing is installed on the
# other servers. Needs root, for the chroots.
#
# One line per schema and major: objects in either snapshot, rows of sg_drift by class (cosmetic ones included), and
# errors while the dump was restored. Exit status 1 if there is a row of class drift or unknown, one that is extra,
# or an error. As a control the first schema is moved once more with three changes planted in its dump: it has to be
# these that are found.
#
#   MAJORS="17 18 19"               what to move to; a major without a chroot is skipped, visibly
#   PG_CONFIG, KEEP=1, TMPDIR       as in test/tools/lib.sh

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/lib.sh"

corpus=${CORPUS:-$SG_ROOT/../shared/corpus}
chroots=${SG_CI_CACHE:-/var/cache/schemaguard-ci}
failures=0

# In the chroot: restores every dump of /mnt and writes an archive of NAME.json and NAME.errors to standard output, since
# nothing else comes out of there. Of the roles, postgres is there already.
# shellcheck disable=SC2016  # for the shell inside
move_to='
  major=$1
  PATH=/usr/lib/postgresql/$major/bin:$PATH
  export PGHOST=/tmp PGUSER=postgres
  setpriv --reuid=postgres --regid=postgres --init-groups sh -ec "cd /tmp
    initdb -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N
    pg_ctl -D data -w -l log -o \"-c listen_addresses= -c unix_socket_directories=/tmp -c fsync=off\" start" > /dev/null
  mkdir /tmp/out
  psql -qX -d postgres -f /mnt/roles 2> /dev/null > /dev/null
  for dump in /mnt/*.dump; do
    name=$(basename "$dump" .dump)
    createdb -T template0 -E UTF8 "$name"
    PGOPTIONS="-c client_min_messages=warning" psql -qX -d "$name" -f "$dump" > /dev/null 2> "/tmp/out/$name.errors" || true
    psql -X -f /mnt/snapshot.sql "$name" > "/tmp/out/$name.json"
  done
  tar -C /tmp/out -cf - .'

tell() { sg_as psql -qAtX -v ON_ERROR_STOP=1 -d judge "$@"; }

load() {
  local source=$1 name=$2
  if [ -d "$source" ]; then
    sg_as env PGOPTIONS="-c client_min_messages=warning" bash "$corpus/load_facts.sh" "${source%/}" "$name" > /dev/null
  else
    sg_as createdb -T template0 -E UTF8 "$name"
    sg_as psql -qX -d "$name" > /dev/null 2> "$SG_DIR/$name.loading" < "$source" || true
  fi
}

import() { tell > /dev/null <<< "\\set document \`cat $2\`
SELECT sg_snapshot_import('$1', :'document');"; }

# drift NAME REFERENCE TARGET: the rows that there should not be. The live one has the extension, too, which the dump had not.
drift() {
  sg_as psql -qAtX -v ON_ERROR_STOP=1 -F '  ' -d "$1" -c "SELECT kind, object, change, property, expected, actual, class
    FROM sg_drift_details('$2', '$3') WHERE class IN ('drift', 'extra', 'unknown') AND NOT (kind = 'extension' AND object = 'schemaguard')"
}

compare_live() {
  local name=$1 major=$2
  sg_as psql -qAtX -v ON_ERROR_STOP=1 -d "$name" > /dev/null <<< "SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
\\set document \`cat $SG_DIR/$major/$name.json\`
SELECT sg_snapshot_import('$major', :'document');"
  drift "$name" "$major" live | cut -c 1-300 | sed 's/^/    live: /' > "$SG_DIR/rows"
  [ ! -s "$SG_DIR/rows" ] || { failures=$((failures + 1)); cat "$SG_DIR/rows"; }
}

# The dump of the first schema again, with changes: a column, a property of another one, a table less
plant() {
  local table column
  IFS=$'\t' read -r table column < <(sg_as psql -qAtX -F $'\t' -d "$1" -c "SELECT c.oid::regclass, quote_ident(a.attname)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.oid >= 16384 AND NOT c.relispartition AND NOT c.relhassubclass ORDER BY c.oid::regclass::text COLLATE \"C\", a.attnum LIMIT 1")
  [ -n "$column" ] || return 1
  { sg_as pg_dump --schema-only "$1"
    printf '%s\n' 'RESET search_path;' "ALTER TABLE $table ADD sg_planted int DEFAULT 1;" "ALTER TABLE $table ALTER $column SET STATISTICS 77;" \
      'CREATE TABLE public.sg_planted (id int PRIMARY KEY);'; } > "$moved/planted.dump"
}

compare_planted() {
  local name=$1 major=$2 found
  import "planted.$major" "$SG_DIR/$major/planted.json"
  found=$(tell -F ' ' -c "SELECT kind, change, property FROM sg_drift_details('$name', 'planted.$major')
    WHERE class IN ('drift', 'extra', 'unknown') ORDER BY 1, 2" | tr '\n' ',')
  if [ "$found" = 'column changed statistics,column extra ,table extra ,' ]; then
    printf '%-20s %5s what was planted is found, and nothing else\n' "$name" "$major"
  else
    failures=$((failures + 1))
    printf '%-20s %5s of what was planted is found: %s\n' "$name" "$major" "$found"
  fi
}

compare() {
  local name=$1 major=$2 errors counts
  import "$name.$major" "$SG_DIR/$major/$name.json"
  errors=$(grep -c 'ERROR:' "$SG_DIR/$major/$name.errors" || true)
  counts=$(tell -F ' ' -c "SELECT (SELECT count(*) FROM sg_snapshot_objects_details('$name')), (SELECT count(*) FROM sg_snapshot_objects_details('$name.$major')),
      count(*) FILTER (WHERE class = 'drift'), count(*) FILTER (WHERE class = 'extra'), count(*) FILTER (WHERE class = 'unknown'),
      count(*) FILTER (WHERE class = 'cosmetic'), count(*) FILTER (WHERE class = 'unmanaged')
    FROM sg_drift_details('$name', '$name.$major', cosmetic => true)")
  # shellcheck disable=SC2086  # seven words
  printf '%-20s %5s %9s %9s %6s %6s %8s %9s %10s %7s\n' "$name" "$major" $counts "$errors"
  drift judge "$name" "$name.$major" | cut -c 1-300 | sed 's/^/    /' > "$SG_DIR/rows"
  [ ! -s "$SG_DIR/rows" ] && [ "$errors" = 0 ] || { failures=$((failures + 1)); cat "$SG_DIR/rows"; }
}

if [ $# -eq 0 ] && [ -e "$corpus/load_facts.sh" ]; then set -- "$corpus"/*/; fi
[ $# -gt 0 ] || { sg_say "SKIPPED: there are no schemas in $corpus (CORPUS names the folder)"; exit 0; }
sources=()
for source in "$@"; do sources+=("$(realpath "$source")"); done

majors=()
for major in ${MAJORS:-17 18 19}; do
  if [ -d "$chroots/pg-$major" ]; then majors+=("$major"); else
    sg_say "SKIPPED: major $major, for there is no $chroots/pg-$major (test/tools/pg-chroot.sh makes it)"
  fi
done
[ ${#majors[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || sg_die "the chroots need root"

sg_need
sg_private_dir
sg_build
sg_cluster_start server 'fsync = off' 'autovacuum = off' 'max_locks_per_transaction = 1000'
sg_as createdb judge
tell -c 'CREATE EXTENSION schemaguard'
moved=$SG_DIR/moved
sg_as mkdir "$moved"
cp "$SG_ROOT/docs/snapshot.sql" "$moved/"

names=()
for source in "${sources[@]}"; do
  name=$(basename "${source%.sql}")
  load "$source" "$name"
  sg_as psql -X -f "$moved/snapshot.sql" "$name" > "$SG_DIR/$name.json"
  sg_as pg_dump --schema-only "$name" > "$moved/$name.dump"
  import "$name" "$SG_DIR/$name.json"
  names+=("$name")
done
plant "${names[0]}" || sg_die "${names[0]} has no table in which something could be planted"
sg_as pg_dumpall --roles-only --no-role-passwords > "$moved/roles"

printf '%-20s %5s %9s %9s %6s %6s %8s %9s %10s %7s\n' "from $SG_MAJOR" to objects there drift extra unknown cosmetic unmanaged errors
for major in "${majors[@]}"; do
  mkdir "$SG_DIR/$major"
  bash "$SG_ROOT/test/tools/pg-chroot.sh" run "$chroots/pg-$major" "$moved" bash -ec "$move_to" move "$major" | tar -C "$SG_DIR/$major" -xf -
  for name in "${names[@]}"; do
    compare "$name" "$major"
    compare_live "$name" "$major"
  done
  compare_planted "${names[0]}" "$major"
done
if [ $failures -gt 0 ]; then sg_say "drift or errors: $failures"; exit 1; fi
sg_say "no drift in ${#names[@]} schemas moved to ${#majors[@]} majors"
