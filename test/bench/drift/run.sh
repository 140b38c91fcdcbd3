#!/usr/bin/env bash
# How fast drift is found: a snapshot beside pg_dump --schema-only of the same database, the comparison of two snapshots that
# differ, of two that are equal, and growth. Ratios, each against what was timed in the same round.
#
# The database has 10,000 tables of 10 columns and 9,999 foreign keys, and half as many to see the growth. The other side is
# the same with 100 tables altered.
#
#   SCALE=1            of the number of tables
#   ROUNDS=3           what counts is the median
#   PG_CONFIG, KEEP=1, TMPDIR   as in test/tools/lib.sh

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/../../tools/lib.sh"

tables=$(awk -v s="${SCALE:-1}" 'BEGIN { printf "%d", 10000 * s }') rounds=${ROUNDS:-3}

tell() { sg_wait psql -qAtX -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }

# database NAME TABLES
database() {
  sg_as createdb "$1"
  sg_as psql -qAtX -v ON_ERROR_STOP=1 -v n="$2" -d "$1" <<'SQL'
SELECT format('CREATE TABLE t%s (id bigint PRIMARY KEY, parent bigint %s, a int NOT NULL, b text, c numeric(10,2) DEFAULT 0,'
    ' d timestamptz DEFAULT now(), e varchar(40), f boolean, g date, h jsonb)',
  i, CASE WHEN i > 1 THEN format('REFERENCES t%s', 1 + i * 7 % (i - 1)) END)
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

sg_need
sg_private_dir
sg_build
sg_cluster_start server 'fsync = off' 'autovacuum = off' 'shared_buffers = 512MB' 'max_locks_per_transaction = 512' 'jit = off'
sg_say "making $tables tables ..."
database big "$tables"
database half "$((tables / 2))"

tell big -c "SELECT sg_snapshot_take('reference'), sg_snapshot_take('equal')" > /dev/null
sg_as psql -qAtX -v ON_ERROR_STOP=1 -d big > /dev/null <<'SQL'
BEGIN;
SELECT format('ALTER TABLE t%s ADD z int, ALTER a DROP NOT NULL, DROP CONSTRAINT t%s_parent_fkey', i * 50, i * 50)
FROM generate_series(1, (SELECT least(100, count(*) / 50) FROM pg_class WHERE relname ~ '^t[0-9]+$')) i \gexec
SELECT sg_snapshot_take('changed');
ROLLBACK;
SQL

has_drift=$(tell big -c "SELECT count(*) FROM pg_proc WHERE proname = 'sg_drift'")
for round in $(seq 0 "$rounds"); do
  milliseconds dump sg_as pg_dump --schema-only -f /dev/null big
  milliseconds snapshot tell big -c "BEGIN; SELECT sg_snapshot_take('x'); ROLLBACK"
  milliseconds live tell big -c "SELECT count(*) FROM sg_snapshot_objects('live')"
  milliseconds half tell half -c "BEGIN; SELECT sg_snapshot_take('x'); ROLLBACK"
  if [ "$has_drift" != 0 ]; then
    milliseconds drift tell big -c "SELECT count(*) FROM sg_drift('reference', 'live')"
    milliseconds equal tell big -c "SELECT count(*) FROM sg_drift('reference', 'equal')"
  fi
  # the first one warms up
  [ "$round" != 0 ] || rm "$SG_DIR/times"
done

perl -lane '
  push @{ $t{$F[0]} }, $F[1] / 1000;
  END {
    my %m = map { my @s = sort { $a <=> $b } @{ $t{$_} }; ($_ => $s[ $#s / 2 ]) } keys %t;
    my $line = sub {
      my ($what, $name, $base, $target) = @_;
      return if !$m{$name} || !$m{$base};
      my $ratio = $m{$name} / $m{$base};
      printf "%-44s %8.0f ms  %5.2f times %s (target: %s)%s\n", $what, $m{$name}, $ratio, $base, $target, $ratio > $target ? ", missed" : "";
    };
    printf "%-44s %8.0f ms\n", "pg_dump --schema-only (dump)", $m{dump};
    $line->("a snapshot, kept (snapshot)", "snapshot", "dump", 1);
    $line->("a snapshot, read only", "live", "dump", 1);
    $line->("twice the tables", "snapshot", "half", 2.4);
    $line->("a stored snapshot compared with a live one", "drift", "snapshot", 3);
    $line->("two equal snapshots compared", "equal", "snapshot", 0.1);
  }' "$SG_DIR/times"
