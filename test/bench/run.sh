#!/usr/bin/env bash
# make bench: how fast schemaguard is, as ratios against what PostgreSQL does in the same run on the same data.
#
# Builds the checkout in a private directory, starts a private server, makes the data, measures, prints a table. A round
# runs every variant once, one after the other, so that a machine that slows down slows down all of them; what counts is
# the median of the rounds. Every result that is timed is checked too, and each engine must first find orphans that
# were planted. The exit status says whether the checks held: a target that is missed is printed, and no failure.
#
# The data set (data.sql): a child of 5 million rows with six foreign keys, bigint to 1 million rows, the same again with
# 70 % nulls, uuid to 500, text to 200,000, int to 3,000, and (bigint, int) to 100,000.
#
#   data.sql growth.sql probe.sql small.sql many.sql catalog.sql stamp.sql rollback.sql rules.sql chains.sql   make what is measured
#   reference.sql                                       checks before the reference data set is measured
#   timed/VARIANT.sql                                   what is timed, with its check
#   memory.sh memory.pl                                 the memory of an audit
#   ddl.sh ddl.sql                                      what catching DDL costs
#   deploy.sh deploy.sql deploy.pl                      deployment: its time, and what an application feels
#   backfill.sh waits.sh                                what it feels while columns are filled, and beside any call
#   neighbour.sh                                        what calls do to the server around them
#   linear.sh                                           four times as many tables, and steps
#   chains.sh                                           orphans with what refers to them, into quarantine and back
#   rules.sh                                            all constraints of a table, one by one and in one pass
#   report.pl                                           table, page and picture; it also has the targets
#
# Environment (all of it can be given to make as well: `make bench SCALE=0.1 ROUNDS=3`)
#   SCALE=1            of the child and its larger parents, of the number of tables, of deployment, and of the memory check
#   ROUNDS=5           after one that warms up and is not counted; deployment takes three at most, rollback one
#   ONLY="NAME ..."    of read core sql validate growth probe small many stamp rollback deploy rules backfill waits neighbour linear chains memory ddl (default: all but the last eight)
#   BENCH_MEMORY=1     the memory check too
#   KEYS=5             millions of parent keys in the memory check; 50 is the full one
#   WORKERS=2          parallel workers of every parallel query, and of an audit
#   BENCH_DOCS=1       write docs/benchmarks.md and docs/benchmarks.svg
#   PG_CONFIG, KEEP=1, TMPDIR   as in test/tools/lib.sh

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/../tools/lib.sh"
# shellcheck source=test/bench/memory.sh
. "$(dirname "$0")/memory.sh"
# shellcheck source=test/bench/deploy.sh
. "$(dirname "$0")/deploy.sh"
# shellcheck source=test/bench/ddl.sh
. "$(dirname "$0")/ddl.sh"
# shellcheck source=test/bench/backfill.sh
. "$(dirname "$0")/backfill.sh"
# shellcheck source=test/bench/rules.sh
. "$(dirname "$0")/rules.sh"
# shellcheck source=test/bench/waits.sh
. "$(dirname "$0")/waits.sh"
# shellcheck source=test/bench/neighbour.sh
. "$(dirname "$0")/neighbour.sh"
# shellcheck source=test/bench/linear.sh
. "$(dirname "$0")/linear.sh"
# shellcheck source=test/bench/chains.sh
. "$(dirname "$0")/chains.sh"

scale=${SCALE:-1} rounds=${ROUNDS:-5} workers=${WORKERS:-2} million_keys=${KEYS:-5}
only=${ONLY:-read core sql validate growth probe small many stamp rollback deploy}
[ -z "${BENCH_MEMORY:-}" ] || only+=" memory"

for name in $only; do
  case $name in
    read | core | sql | validate | growth | probe | small | many | stamp | rollback | deploy | rules | backfill | waits | neighbour | linear | chains | memory | ddl) ;;
    *) sg_die "ONLY: there is no measure $name" ;;
  esac
done
awk -v s="$scale" -v k="$million_keys" 'BEGIN { exit !(s >= 0.001 && s <= 10 && k >= 0.1 && k <= 200) }' \
  || sg_die "SCALE is from 0.001 to 10, KEYS from 0.1 to 200"
[[ $rounds =~ ^[1-9][0-9]*$ && $workers =~ ^[0-9]+$ ]] || sg_die "ROUNDS and WORKERS are whole numbers"

wanted() {
  local name
  for name in "$@"; do
    case " $only " in *" $name "*) return 0 ;; esac
  done
  return 1
}

# So many at full scale
scaled() { awk -v n="$1" -v s="$scale" 'BEGIN { printf "%d", n * s }'; }

# ---------------------------------------------------------------------------------------------------------------------
# Measuring

fact() { printf '%s\t%s\n' "$@" >> "$SG_DIR/facts"; }

# One psql session: tell DATABASE ARGUMENT...
tell() {
  local database=$1
  shift
  sg_wait psql -qX -v ON_ERROR_STOP=1 -d "$database" "${variables[@]}" "$@"
}

new_database() {
  sg_as createdb "$1"
  tell "$1" -f "$bench/tools.sql" "${@:2}"
}

# measure TITLE DATABASE PREPARATION VARIANT...: prepares, then times the variants round by round, all in one session
measure() {
  local title=$1 database=$2 preparation=$3 round variant arguments=()
  shift 3
  sg_say "$title"
  for ((round = 0; round <= rounds; round++)); do
    arguments+=(-c "\\set round $round")
    for variant in "$@"; do
      arguments+=(-c "\\set variant $variant" -f "$bench/timed/$variant.sql")
    done
  done
  tell "$database" -f "$bench/session.sql" -f "$bench/$preparation" "${arguments[@]}" \
    || sg_die "stopped while measuring: $title"
  sg_as psql -qXAt -F $'\t' -d "$database" -c 'SELECT * FROM bench.sample' -c 'TRUNCATE bench.sample' >> "$SG_DIR/samples"
}

need_disk() {
  [ "$(df -m --output=avail "$SG_DIR" | tail -n 1)" -gt "$1" ] || sg_die "needs $1 MB in ${SG_DIR%/*}; TMPDIR moves it"
}

# start_server NAME [LINE...]: everything in memory, nothing else going on
start_server() {
  local name=$1 buffers
  shift
  buffers=$(scaled 4096)
  settings=('jit = off' 'autovacuum = off' 'fsync = off' 'wal_level = minimal' 'max_wal_senders = 0'
    'max_wal_size = 20GB' 'checkpoint_timeout = 1h' "shared_buffers = $((buffers + 512))MB"
    'maintenance_work_mem = 256MB' 'work_mem = 256MB' 'max_locks_per_transaction = 1024' 'parallel_setup_cost = 0'
    "max_worker_processes = $((workers + 8))" "max_parallel_workers = $workers"
    "max_parallel_workers_per_gather = $workers" "max_parallel_maintenance_workers = $workers"
    "schemaguard.audit_workers = $workers")
  [ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -gt $((buffers * 5 / 4 + 1536)) ] \
    || sg_die "everything is to be in memory, which takes $((buffers * 5 / 4 + 1536)) MB here: choose a smaller SCALE"
  need_disk $((buffers * 5 / 4 + 1024))
  sg_cluster_start "$name" "${settings[@]}" "$@"
}

measure_ratios() {
  local variants=()
  start_server server
  if wanted read core sql validate growth; then
    new_database reference -f "$bench/data.sql"
  fi
  if wanted read core sql validate; then
    ! wanted read || variants+=(read)
    ! wanted read core sql || variants+=(audit)
    ! wanted core validate || variants+=(core)
    ! wanted validate || variants+=(scan)
    ! wanted sql || variants+=(antijoins combined)
    measure "six keys: ${variants[*]}" reference reference.sql "${variants[@]}"
  fi
  if wanted growth; then
    measure "six keys: more rows" reference growth.sql growth_1 growth_5 growth_20
    tell reference -c 'DROP TABLE child_1, child_20'
  fi
  if wanted probe; then
    new_database probe
    measure "few keys of many" probe probe.sql probe_few_sql probe_few probe_orphan_sql probe_orphan probe_many_sql probe_many
  fi
  if wanted small; then
    new_database small
    measure "one key: small tables" small small.sql small_sql small_audit small_method small_recorded
  fi
  if wanted many; then
    new_database many
    measure "many tables" many many.sql many_sql many_audit
    new_database catalog
    measure "catalogs of many tables" catalog catalog.sql many_count many_status many_join many_health
  fi
  if wanted stamp; then
    new_database stamp
    measure "rows are stamped by a trigger" stamp stamp.sql stamp_none stamp_core stamp_c stamp_plpgsql
  fi
  if wanted rollback; then
    new_database rollback
    rounds=1 measure "a plan is checked, and taken back" rollback rollback.sql check_fifth check_whole rollback_add rollback_back
  fi
  sg_cluster_stop server
}

describe() {
  local setting
  fact cpu "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
  fact cores "$(nproc)"
  fact ram "$(awk '/^MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo)"
  fact postgresql "$("$PG_CONFIG" --version)"
  fact schemaguard "$SG_VERSION"
  fact scale "$scale"
  fact rounds "$rounds"
  fact workers "$workers"
  fact child_rows "$child_rows"
  fact rows_1 "$rows_1"
  fact rows_20 "$rows_20"
  fact probe_rows "$probe_rows"
  fact probe_keys "$probe_keys"
  fact tables "$tables"
  fact rollback_keys "$rollback_keys"
  for setting in "${settings[@]}"; do fact setting "$setting"; done
}

# ---------------------------------------------------------------------------------------------------------------------

sg_need
sg_private_dir
sg_build
bench=$SG_DIR/src/test/bench
settings=()
child_rows=$(scaled 5000000) rows_1=$(scaled 1000000) rows_20=$(($(scaled 5000000) * 4)) tables=$(scaled 1000)
plan_rows=$(scaled 10000000) rollback_keys=$(($(scaled 1000) * 5)) log_rows=$(scaled 1000000)
probe_rows=$(scaled 10000000) probe_keys=$(scaled 1000000)
[ "$rollback_keys" -ge 50 ] || rollback_keys=50
[ "$tables" -ge 10 ] || tables=10
variables=(-v "workers=$workers" -v "child_rows=$child_rows" -v "rows_1=$rows_1" -v "rows_20=$rows_20"
  -v "big_rows=$(scaled 1000000)" -v "code_rows=$(scaled 200000)" -v "pair_rows=$(scaled 100000)" -v "tables=$tables"
  -v "plan_rows=$plan_rows" -v "rollback_keys=$rollback_keys" -v "log_rows=$log_rows"
  -v "probe_rows=$probe_rows" -v "probe_keys=$probe_keys")
: > "$SG_DIR/facts"
: > "$SG_DIR/samples"
sg_say "schemaguard $SG_VERSION, $("$PG_CONFIG" --version), scale $scale, $rounds rounds, $workers workers"

! wanted read core sql validate growth probe small many stamp rollback || measure_ratios
! wanted deploy || measure_deploy
! wanted memory || measure_memory
! wanted ddl || measure_ddl
! wanted backfill || measure_backfill
! wanted rules || measure_rules
! wanted waits || measure_waits
! wanted neighbour || measure_neighbour
! wanted linear || measure_linear
! wanted chains || measure_chains
# what has a table of its own needs no report
wanted read core sql validate growth probe small many stamp rollback deploy memory || exit 0
describe
sg_say
folder=()
[ -z "${BENCH_DOCS:-}" ] || folder=("$SG_ROOT/docs")
perl "$SG_ROOT/test/bench/report.pl" "$SG_DIR/facts" "$SG_DIR/samples" "${folder[@]}"
