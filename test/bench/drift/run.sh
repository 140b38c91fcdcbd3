#!/usr/bin/env bash
# How fast drift is found: a snapshot beside pg_dump --schema-only of the same database, the comparison of two snapshots that
# differ, of two that are equal, the script that mends 500 differences, and growth. Ratios, each against what was timed in the same round.
#
# The database "big" has 10,000 tables of 10 columns and 9,999 foreign keys, "half" has half as many, to see the growth. The
# other side is the same with 100 tables altered. Also how much memory one session takes that does it all. "both" is what it
# takes to read two sides of "half" and compare them: one session that keeps a snapshot, and compares another one with the
# live database; beside it are other tools that compare schemas, each where it is there: migra, apgdiff (on two dumps,
# which are not timed), check_postgres --action=same_schema.
#
#   SCALE=1            of the number of tables
#   ROUNDS=3           what counts is the median; other tools run once
#   MIGRA=migra        the command, or nothing to leave it out; also APGDIFF=apgdiff, CHECK_POSTGRES=check_postgres.
#                      Without a migra in PATH, npm installs its port of it (@pgkit/migra), for this run only
#   PG_CONFIG, KEEP=1, TMPDIR   as in test/tools/lib.sh

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/../../tools/lib.sh"

tables=$(awk -v s="${SCALE:-1}" 'BEGIN { printf "%d", 10000 * s }') rounds=${ROUNDS:-3} memory=''

tell() { sg_wait psql -qAtX -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }

# database NAME TABLES
database() {
  sg_as createdb "$1"
  sg_as psql -qAtX -v ON_ERROR_STOP=1 -v n="$2" -d "$1" <<'SQL'
SELECT format('CREATE TABLE t%s (id bigint PRIMARY KEY, parent bigint %s, a int NOT NULL, b text, c numeric(10,2) DEFAULT 0,'
    ' d timestamptz DEFAULT now(), e varchar(40), f boolean, g date, h jsonb)',
  i, CASE WHEN i > 1 THEN format('REFERENCES t%s', i / 2) END)
FROM generate_series(1, :n) i \gexec
CREATE EXTENSION schemaguard;
VACUUM ANALYZE;
SQL
}

# milliseconds NAME COMMAND ...: runs it, and adds its time to those of that name
milliseconds() {
  local name=$1 start
  shift
  start=$(date +%s%N)
  "$@" > /dev/null
  echo "$name $((($(date +%s%N) - start) / 1000))" >> "$SG_DIR/times"
}

# most DATABASE SQL: the largest RssAnon, in kB, of the backend that runs it
most() {
  local client pid='' kb largest=0
  PGAPPNAME=most tell "$1" -c "$2" > /dev/null &
  client=$!
  while kill -0 "$client" 2> /dev/null; do
    pid=${pid:-$(tell postgres -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'most'")}
    kb=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${pid:-0}/status" 2> /dev/null || true)
    [ "${kb:-0}" -le "$largest" ] || largest=$kb
    sleep 0.01
  done
  wait "$client"
  echo "$largest"
}

# Others compare two databases, and must find the altered tables; their status differs
found() {
  local output
  output=$(sg_as "$@" 2>&1 || true)
  [[ $output == *t50* ]] || sg_die "$1 found nothing: ${output:0:300}"
}
compare_migra() { found "$migra" "postgresql:///half?host=$PGHOST&port=$PGPORT&user=$PGUSER" \
  "postgresql:///reference?host=$PGHOST&port=$PGPORT&user=$PGUSER" --unsafe; }
compare_apgdiff() { found "$apgdiff" "$SG_DIR/half.sql" "$SG_DIR/reference.sql"; }
compare_check_postgres() { found "$check_postgres" --action=same_schema --dbname=half,reference --dbuser="$PGUSER" --host="$PGHOST" \
  --port="$PGPORT"; }

# npm's port of migra, in the private directory; the path of its command
npm_migra() {
  local folder=$SG_DIR/npm
  [ -n "$(command -v npm)" ] || return 0
  sg_as mkdir "$folder"
  sg_as npm install --prefix "$folder" --cache "$folder/cache" --no-audit --no-fund @pgkit/migra > "$SG_DIR/npm.log" 2>&1 || true
  command -v "$folder/node_modules/.bin/migra" || true
}

apgdiff=$(command -v "${APGDIFF-apgdiff}" || true)
check_postgres=$(command -v "${CHECK_POSTGRES-check_postgres}" || true)

sg_need
sg_private_dir
sg_build
migra=$(command -v "${MIGRA-migra}" || true)
[ -n "$migra" ] || [ "${MIGRA-migra}" != migra ] || migra=$(npm_migra)
sg_cluster_start server 'fsync = off' 'autovacuum = off' 'shared_buffers = 512MB' 'max_locks_per_transaction = 512' 'jit = off'
sg_say "making $tables tables ..."
database big "$tables"
database half "$((tables / 2))"

[ -z "$migra$apgdiff$check_postgres" ] || sg_as createdb -T half reference
for name in big half; do
  tell "$name" -c "SELECT sg_snapshot_take('reference'), sg_snapshot_take('equal')" > /dev/null
  sg_as psql -qAtX -v ON_ERROR_STOP=1 -d "$name" > /dev/null <<'SQL'
SELECT format('ALTER TABLE t%s ADD z int, ALTER a DROP NOT NULL, DROP CONSTRAINT t%s_parent_fkey', i * 50, i * 50)
FROM generate_series(1, (SELECT least(100, count(*) / 50) FROM pg_class WHERE relname ~ '^t[0-9]+$')) i \gexec
SELECT sg_snapshot_take('changed');
SQL
done
sg_as psql -qAtX -v ON_ERROR_STOP=1 -d big > /dev/null <<'SQL'
SELECT format('ALTER TABLE t%s ALTER c TYPE numeric(12,2)', i * 50 + 1) FROM generate_series(1, (SELECT least(200, count(*) / 50 - 1) FROM pg_class WHERE relname ~ '^t[0-9]+$')) i \gexec
SELECT sg_snapshot_take('edited');
SQL

for round in $(seq 0 "$rounds"); do
  # what the round before has rolled back is cleared away, or a snapshot would step over it
  for name in big half; do tell "$name" -c "VACUUM schemaguard.snapshot, schemaguard.snapshot_object"; done
  milliseconds dump sg_as pg_dump --schema-only -f /dev/null big
  milliseconds snapshot tell big -c "BEGIN; SELECT sg_snapshot_take('x'); ROLLBACK"
  milliseconds live tell big -c "SELECT count(*) FROM sg_snapshot_objects_details('live')"
  milliseconds half tell half -c "BEGIN; SELECT sg_snapshot_take('x'); ROLLBACK"
  milliseconds drift tell big -c "SELECT count(*) FROM sg_drift_details('reference', 'changed')"
  milliseconds both tell half -c "BEGIN; SELECT sg_snapshot_take('x'); SELECT count(*) FROM sg_drift_details('reference', 'live'); ROLLBACK"
  milliseconds script tell big -c "SELECT count(*) FROM sg_sync_sql('reference', 'edited', allow_drop => true)"
  milliseconds equal tell big -c "SELECT count(*) FROM sg_drift_details('reference', 'equal')"
  # the first one warms up
  [ "$round" != 0 ] || rm "$SG_DIR/times"
done

for name in big half; do
  memory+=" $(most "$name" "SELECT sg_snapshot_take('y'); SELECT count(*) FROM sg_drift_details('reference', 'live');
    SELECT count(*) FROM sg_drift_details('reference', 'changed')")"
done
[ -z "$apgdiff" ] || for name in half reference; do
  # psql's own commands are unknown to it
  sg_as pg_dump --schema-only "$name" | sed '/^[\\]/d' > "$SG_DIR/$name.sql"
done
for name in migra apgdiff check_postgres; do
  if [ -n "${!name}" ]; then milliseconds "$name" "compare_$name"; else sg_say "$name is not there: left out"; fi
done

TABLES=$tables MEMORY=$memory perl -lane '
  push @{ $t{$F[0]} }, $F[1] / 1000;
  END {
    my %m = map { my @s = sort { $a <=> $b } @{ $t{$_} }; ($_ => $s[ $#s / 2 ]) } keys %t;
    my $line = sub {
      my ($what, $name, $base, $target) = @_;
      return if !$m{$name} || !$m{$base};
      my $ratio = $m{$name} / $m{$base};
      printf "%-52s %8.0f ms  %5.2f times %s (target: %s)%s\n", $what, $m{$name}, $ratio, $base, $target, $ratio > $target ? ", missed" : "";
    };
    printf "%-52s %8.0f ms\n", "pg_dump --schema-only (dump)", $m{dump};
    $line->("a snapshot, kept (snapshot)", "snapshot", "dump", 1);
    $line->("a snapshot, read only", "live", "dump", 1);
    $line->("twice the tables", "snapshot", "half", 2.4);
    $line->("two snapshots that differ compared", "drift", "snapshot", 2);
    $line->("two equal snapshots compared", "equal", "snapshot", 0.1);
    $line->("the script of 500 differences", "script", "dump", 0.5);
    my @tables = ($ENV{TABLES}, int($ENV{TABLES} / 2));
    foreach my $kb (split " ", $ENV{MEMORY}) {
      printf "%-52s %8.0f MB (target: 200)%s\n", "memory of one session that does it all, " . shift(@tables) . " tables", $kb / 1024,
        $kb > 200 * 1024 ? ", missed" : "";
    }
    printf "%-52s %8.0f ms\n", "both snapshots and the comparison, half as many (both)", $m{both};
    foreach my $name (grep { $m{$_} } qw(migra apgdiff check_postgres)) {
      my $ratio = $m{$name} / $m{both};
      my $target = $name eq "migra" ? sprintf(" (target: 6)%s", $ratio < 6 ? ", missed" : "") : "";
      printf "%-52s %8.0f ms  %5.2f times both%s\n", $name, $m{$name}, $ratio, $target;
    }
  }' "$SG_DIR/times"
