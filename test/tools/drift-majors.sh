#!/usr/bin/env bash
# drift-majors.sh: a database that was moved to another major by pg_dump has no drift.
#
#   drift-majors.sh [SCHEMA...]     each SCHEMA a folder of facts as load_facts.sh reads it, or a dump in SQL
#                                   (default: all folders of CORPUS, which is ../shared/corpus beside the checkout)
#
# Each schema is loaded on the server of PG_CONFIG, and its snapshot taken by docs/snapshot.sql. pg_dump moves it to a
# server of each other major, in the chroots that .ci/run keeps in SG_CI_CACHE, and the same file takes the snapshot
# there. Both are imported and compared. Nothing is installed on the other servers. Needs root, for the chroots.
#
# One line per schema and major: objects in either snapshot, rows of sg_drift by class (cosmetic ones included), and
# errors while the dump was restored. Exit status 1 if there is a row of class drift or unknown, one that is extra,
# or an error.
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

compare() {
  local name=$1 major=$2 errors counts
  import "$name.$major" "$SG_DIR/$major/$name.json"
  errors=$(grep -c 'ERROR:' "$SG_DIR/$major/$name.errors" || true)
  counts=$(tell -F ' ' -c "SELECT (SELECT count(*) FROM sg_snapshot_objects('$name')), (SELECT count(*) FROM sg_snapshot_objects('$name.$major')),
      count(*) FILTER (WHERE class = 'drift'), count(*) FILTER (WHERE class = 'extra'), count(*) FILTER (WHERE class = 'unknown'),
      count(*) FILTER (WHERE class = 'cosmetic'), count(*) FILTER (WHERE class = 'unmanaged')
    FROM sg_drift('$name', '$name.$major', cosmetic => true)")
  # shellcheck disable=SC2086  # seven words
  printf '%-20s %5s %9s %9s %6s %6s %8s %9s %10s %7s\n' "$name" "$major" $counts "$errors"
  tell -F '  ' -c "SELECT kind, object, change, property, expected, actual, class
    FROM sg_drift('$name', '$name.$major') WHERE class IN ('drift', 'extra', 'unknown')" | cut -c 1-300 | sed 's/^/    /' > "$SG_DIR/rows"
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
sg_as pg_dumpall --roles-only --no-role-passwords > "$moved/roles"

printf '%-20s %5s %9s %9s %6s %6s %8s %9s %10s %7s\n' "from $SG_MAJOR" to objects there drift extra unknown cosmetic unmanaged errors
for major in "${majors[@]}"; do
  mkdir "$SG_DIR/$major"
  bash "$SG_ROOT/test/tools/pg-chroot.sh" run "$chroots/pg-$major" "$moved" bash -ec "$move_to" move "$major" | tar -C "$SG_DIR/$major" -xf -
  for name in "${names[@]}"; do compare "$name" "$major"; done
done
if [ $failures -gt 0 ]; then sg_say "drift or errors in $failures of $((${#names[@]} * ${#majors[@]}))"; exit 1; fi
sg_say "no drift in ${#names[@]} schemas moved to ${#majors[@]} majors"
