#!/usr/bin/env bash
# run-tests.sh: what `make test` does. Builds the checkout in a private directory, starts a private server, runs the
# regression tests, the isolation specs and the TAP files, and removes everything, also after a failure or Ctrl-C.
# Nothing is installed into the system but packages that are missing (by root, on Debian). Runs as root and as anybody
# else, and any number of times at once.
#
# The regression tests are one job, the specs another, each TAP file one of its own, with its own servers, folder and log;
# some run at the same time. As each ends, a line tells its outcome and what is left.
# The last line is `N passed, N failed, N skipped`: regression tests, specs, and the single assertions of TAP files.
# The exit status is 0 only if something ran and nothing failed.
#
# Environment
#   ONLY="audit fk"  the tests of these rooms of src/, but for files that take 25 s and more
#   SG_JOBS=N        how many jobs at once (default: two more than there are cores, for many wait; with SG_LONG one, for then
#                    what they measure has bounds)
#   PG_CONFIG        the server to build for and to test with (default: pg_config on the PATH)
#   SG_LONG=1        full counts and durations: `make test-long`
#   SG_SEED=N        what tests that draw at random start from (default 1)
#   SG_OTHER_MAJOR=1 leave out what is the same on all majors: another run has it
#   SG_SHARE=K/N     of the TAP files every N-th only, from the K-th on: other runs have the rest
#   SG_REGRESS_SHARE=K/N  the same of the regression tests
#   WERROR=1         compiler warnings are errors
#   SG_UNTIMED=1     on a server that is slow by design, such as one with assertions: no bound of time and no ratio is judged
#   COPT=FLAGS       more flags for the compiler
#   SG_PRELOAD=FILE  preloaded into all servers: libasan.so, with COPT=-fsanitize=address (assertion build) and
#                    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0
#   SG_DISCARD=1     in the regression tests' database no cache entry outlives the next look at an invalidation
#                    (debug_discard_caches, assertion build); the extension is there before, for creating it takes minutes
#   KEEP=1           leave the private directory, with all logs, and print its name
#   TMPDIR=DIR       where the private directory is made (needs a short path; default /dev/shm where that is in memory and
#                    has room, for creating files on a disk is a fifth of the work; else /tmp)
#   SG_NO_INSTALL=1  never install packages, only say what is missing
#   SG_TIMEOUT=N     seconds for one job (default 1200; with SG_LONG 7200)
#   CORPUS=DIR       real schemas, for the tests that have a use for them (default ../shared/corpus beside the checkout)
# To run a few only (any of these turns off what the others do not name):
#   ONLY_REGRESS="audit plan" (all: each)  ONLY_ISOLATION="iso_lock_add" (all: each)  ONLY_TAP="050_crash"
#
# What a test says about itself, in a comment of one line (`# key: ...`; in a regression test `-- key: ...`):
#   rooms: audit fk          whose tests it belongs to; each test has this one
#   needs: pgtap             a regression test is skipped where the server does not have that extension
#   since: 18                and before that major
#   takes: 40 s              a TAP file that is among the first to begin
#   majors: one (why)        a TAP file that is the same on all majors

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/lib.sh"

passed=0 failed=0 skipped=0
failing=()
export SG_SEED=${SG_SEED:-1}
# Tests run in a copy, from which it could not be found.
export CORPUS=${CORPUS:-$SG_ROOT/../shared/corpus}

# One line of the report: ok, not ok or skip, and what.
report() {
  case $1 in
    ok) passed=$((passed + 1)) ;;
    'not ok') failed=$((failed + 1)) ;;
    skip) skipped=$((skipped + 1)) ;;
  esac
  printf '  %-7s %s\n' "$1" "$2"
}

show_file() {
  sg_say "---- $1" && cat "$2" && sg_say "----"
}

# ---------------------------------------------------------------------------------------------------------------------
# What is to run

make_value() { sg_make -s "print-$1"; }

# What a file of test/ says about itself: mark FILE KEY
mark() { sed -nE "s/^(#|--) $2: *//p" "$SG_DIR/src/test/$1"; }

# Those of the files FOLDER/NAME.SUFFIX that belong to a room of ONLY: of_rooms FOLDER SUFFIX NAME...
of_rooms() {
  local folder=$1 suffix=$2 name room rooms
  shift 2
  for name in "$@"; do
    rooms=" $(mark "$folder/$name.$suffix" rooms) "
    for room in $ONLY; do
      case $rooms in *" $room "*) echo "$name"; break ;; esac
    done
  done
}

# Ends the run where there is no FOLDER/NAME.SUFFIX: there FOLDER SUFFIX "NAME..."
there() {
  local name
  for name in $3; do
    [ -e "$SG_DIR/src/test/$1/$(basename "$name" ".$2").$2" ] || sg_die "there is no test/$1/$name.$2"
  done
}

# Sets regress, isolation and tap.
choose_tests() {
  if [ -n "${ONLY_REGRESS:-}${ONLY_ISOLATION:-}${ONLY_TAP:-}" ]; then
    [ "${ONLY_REGRESS:-}" != all ] || ONLY_REGRESS=$(make_value REGRESS)
    [ "${ONLY_ISOLATION:-}" != all ] || ONLY_ISOLATION=$(make_value ISOLATION)
    regress=${ONLY_REGRESS:-} isolation=${ONLY_ISOLATION:-} tap=${ONLY_TAP:-} ONLY=
    there sql sql "$regress"
    there specs spec "$isolation"
    there t pl "$tap"
    return
  fi
  regress=$(make_value REGRESS) isolation=$(make_value ISOLATION) tap=$(cd "$SG_DIR/src/test/t" && echo *.pl)
  [ -n "${ONLY:-}" ] || return 0
  # shellcheck disable=SC2086  # names, separated by blanks
  regress=$(of_rooms sql sql $regress) isolation=$(of_rooms specs spec $isolation) tap=$(of_rooms t pl ${tap//.pl/})
  [ -n "$regress$isolation$tap" ] || sg_die "no test is of room $ONLY; there are:" \
    "$(sed -nE 's/^(#|--) rooms: *//p' "$SG_DIR"/src/test/{sql,specs,t}/*.* | tr ' ' '\n' | sort -u | tr '\n' ' ')"
}

# Leaves the regression tests whose needs are met; the others are reported as skipped.
leave_out_unmet() {
  local test need lacking met=()
  for test in $regress; do
    lacking=
    for need in $(mark "sql/$test.sql" needs 2> /dev/null); do
      sg_has_extension "$need" || lacking="$lacking $need"
    done
    need=$(mark "sql/$test.sql" since 2> /dev/null)
    [ "${need:-0}" -le "$SG_MAJOR" ] || lacking="$lacking PostgreSQL $need"
    if [ -n "$lacking" ]; then report skip "$test (needs$lacking)"; else met+=("$test"); fi
  done
  regress=${met[*]}
}

# Leaves in that variable every N-th of its names: leave_share VARIABLE K/N WHAT
leave_share() {
  local -n names=$1
  local name n=0 kept=()
  for name in $names; do
    if [ $((n++ % ${2#*/} + 1)) -eq "${2%/*}" ]; then kept+=("$name"); fi
  done
  report skip "$((n - ${#kept[@]})) of $n $3 (share $2)"
  names=${kept[*]}
}

# Sets queue to the jobs, those that take long first.
order_jobs() {
  local file name why seconds list=()
  queue=()
  [ -z "$regress" ] || list+=('60 regression')
  [ -z "$isolation" ] || list+=('25 isolation')
  for file in $tap; do
    name=$(basename "$file" .pl)
    why=$(mark "t/$name.pl" majors)
    seconds=$(mark "t/$name.pl" takes | sed 's/ .*//')
    if [ -n "${SG_OTHER_MAJOR:-}" ] && [ -n "$why" ]; then
      report skip "test/t/$name.pl (majors: $why)"
    elif [ -n "${ONLY:-}" ] && [ "${seconds:-0}" -ge 25 ]; then
      report skip "test/t/$name.pl (takes $seconds s: ONLY_TAP=$name)"
    else
      list+=("${seconds:-0} $name")
    fi
  done
  [ ${#list[@]} -eq 0 ] || mapfile -t queue < <(printf '%s\n' "${list[@]}" | sort -s -k1,1nr | sed 's/.* //')
}

# Is there room in memory for all servers, and for what they do? In GB, with a reserve.
has_room_in_memory() {
  [ "$(stat -f -c %T /dev/shm 2> /dev/null)" = tmpfs ] \
    && [ "$(df --output=avail -B1G /dev/shm | tail -n 1)" -ge 6 ] \
    && [ "$(awk '$1 == "MemAvailable:" {print int($2 / 1024 / 1024)}' /proc/meminfo)" -ge 10 ]
}

# ---------------------------------------------------------------------------------------------------------------------
# Jobs

declare -A running=() began=()

# All through PGXS, in a folder for each, as in a VPATH build: hence with the server's own drivers, modules and paths.
start_job() {
  local name=$1 dir=$SG_DIR/jobs/$1 arguments options="--launcher='bash $SG_DIR/src/test/tools/untimed.sh'"
  case $name in
    regression) arguments=("REGRESS=$regress" ISOLATION= TAP_TESTS=) ;;
    isolation) arguments=("ISOLATION=$isolation" REGRESS= TAP_TESTS=) ;;
    *) arguments=(REGRESS= ISOLATION= "PROVE_TESTS=test/t/$name.pl" 'PROVE_FLAGS=--verbose --nocolor -j1') ;;
  esac
  sg_as mkdir -p "$dir"
  # An autovacuum that comes by holds locks and changes statistics.
  case $name in regression | isolation) sg_cluster_start "$name" 'autovacuum = off' ;; esac
  if [ -n "${SG_DISCARD:-}" ] && [ "$name" = regression ]; then
    sg_as psql -Xq -c 'CREATE DATABASE contrib_regression' -c '\c contrib_regression' -c 'CREATE EXTENSION schemaguard' \
      -c 'ALTER DATABASE contrib_regression SET debug_discard_caches = 1'
    options+=' --use-existing'
  fi
  [ "$name" != regression ] || arguments+=("EXTRA_REGRESS_OPTS=$options")
  "${SG_AS[@]}" env --default-signal=INT,QUIT timeout "$timeout" make -C "$dir" -f "$SG_DIR/src/Makefile" \
    "PG_CONFIG=$PG_CONFIG" with_llvm=no installcheck "${arguments[@]}" > "$dir.log" 2>&1 < /dev/null &
  running[$!]=$name began[$!]=$SECONDS
}

# Waits for the next job to end, and reports it.
end_job() {
  local pid status=0 name seconds left remark
  wait -n -p pid "${!running[@]}" || status=$?
  name=${running[$pid]} seconds=$((SECONDS - began[$pid]))
  unset "running[$pid]"
  left=("${running[@]}" "${queue[@]}")
  remark="$seconds s; left: $([ ${#left[@]} -gt 4 ] && echo "${#left[@]}" || echo "${left[*]:-nothing}")"
  case $name in
    regression | isolation) report_suite "$name" "$status" "$remark" ;;
    *) report_tap_file "$name" "$status" "$remark" ;;
  esac
  [ -n "${KEEP:-}" ] || rm -rf "$SG_DIR/jobs/$name"
}

# One of the two suites of pg_regress: report_suite NAME STATUS REMARK
report_suite() {
  local name=$1 status=$2 dir=$SG_DIR/jobs/$1 before=$failed verdict test
  sg_say "$name ($3)"
  # "test NAME ... ok|FAILED" up to PostgreSQL 15, "ok|not ok N - NAME" since 16.
  while IFS=: read -r verdict test; do
    case $verdict in FAILED | 'not ok') verdict='not ok' ;; esac
    report "$verdict" "$test"
  done < <(sed -nE -e 's/^test +([^ ]+) +\.\.\. +(ok|FAILED).*/\2:\1/p' \
    -e 's/^(ok|not ok) +[0-9]+ +[-+] ([^ ]+).*/\1:\2/p' "$dir.log")
  # Such as a missing file or a lost server, for which no test is blamed.
  if [ "$status" -ne 0 ] && [ $failed -eq "$before" ]; then report 'not ok' "$name ended with status $status"; fi
  if [ $failed -ne "$before" ]; then
    find "$dir" -name regression.diffs -size +0 -exec cp {} "$dir.diffs" \;
    if [ -s "$dir.diffs" ]; then show_file "$name: regression.diffs" "$dir.diffs"; else show_file "$name" "$dir.log"; fi
    failing+=("$name")
  fi
  check_server_log "$name"
  sg_cluster_stop "$name" || true
}

# What only a bug in C writes into a server's log; a PANIC, which some TAP files bring about, is a signal 6
bug='TRAP:|AddressSanitizer|runtime error:|was terminated by signal (4|7|8|11)\b'
bug="$bug|WARNING: .*( leak\b|not closed|past chunk end|problem in alloc set|non-empty SPI stack|missing lock for relation)"

# has_bug PATTERN LOG...: shows it
has_bug() {
  local found
  found=$(grep -nE -A 5 "$@" | head -n 60)
  [ -n "$found" ] && sg_say "$found"
}

# The tests that kill a server run their own.
check_server_log() {
  if has_bug "$bug|PANIC:|was terminated by signal" "$SG_DIR/$1/server.log"; then
    report 'not ok' 'no crash in the server log'
    failing+=("server of $1")
  else
    report ok 'no crash in the server log'
  fi
}

# report_tap_file NAME STATUS REMARK
report_tap_file() {
  local file=test/t/$1.pl status=$2 log=$SG_DIR/jobs/$1.log ok not_ok skip
  if grep -q '^Result: NOTESTS' "$log"; then
    report skip "$file ($(sed -nE 's/.*\.\. skipped: //p' "$log"))"
    return
  fi
  skip=$(grep -ciE '^ok [0-9]+.*# skip' "$log" || true)
  ok=$(($(grep -cE '^ok [0-9]+' "$log" || true) - skip))
  not_ok=$(grep -v '# [T]ODO' "$log" | grep -cE '^not ok [0-9]+' || true)
  # Whatever prove is unhappy about counts: a plan that was not met, a file that died, a time-out.
  [ "$status" -eq 0 ] || [ "$not_ok" -gt 0 ] || not_ok=1
  ! has_bug "$bug" -r --include='*.log' "$SG_DIR/jobs/$1/tmp_check/log" || not_ok=$((not_ok + 1))
  passed=$((passed + ok)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
  printf '  %-7s %s (%s assertions, %s)\n' "$([ "$not_ok" -eq 0 ] && echo ok || echo 'not ok')" "$file" $((ok + not_ok)) "$3"
  if [ "$not_ok" -gt 0 ]; then
    failing+=("$file")
    show_file "$file (end of the output, status $status)" <(tail -n 60 "$log")
    for log in "$SG_DIR/jobs/$1"/tmp_check/log/*; do
      [ ! -f "$log" ] || show_file "$file: ${log##*/} (end)" <(tail -n 40 "$log")
    done
  fi
}

# ---------------------------------------------------------------------------------------------------------------------

timeout=${SG_TIMEOUT:-$([ -z "${SG_LONG:-}" ] && echo 1200 || echo 7200)}
jobs=${SG_JOBS:-$([ -z "${SG_LONG:-}" ] && echo $(($(nproc) + 2)) || echo 1)}

sg_need tap pgtap cron
if [ -z "${TMPDIR:-}" ] && has_room_in_memory; then export TMPDIR=/dev/shm; fi
sg_private_dir
sg_say "schemaguard $SG_VERSION on $("$PG_CONFIG" --version)"
sg_build
built=$SECONDS
# Servers of TAP files read their settings from here, and keep track of their ports there.
export TEMP_CONFIG=$SG_CONF PG_TEST_PORT_DIR=$SG_DIR/ports
# How long the server's own tools wait: a machine may be busy with other suites. A step of a spec that
# waits for longer is cancelled, and then the spec is.
export PGCTLTIMEOUT=300 PG_TEST_TIMEOUT_DEFAULT=600 PGISOLATIONTIMEOUT=120
sg_as mkdir "$PG_TEST_PORT_DIR" jobs
# What their servers are copies of, without the extension and with it: see new_node() in SgTest.pm.
export SG_TEMPLATE=$SG_DIR/template
sg_as "$SG_BINDIR/initdb" -D "$SG_TEMPLATE" -A trust -N -E UTF8 --locale=C.UTF-8 > /dev/null
sg_as cp -a "$SG_TEMPLATE" "$SG_TEMPLATE.with"
sg_as cp "$SG_CONF" "$SG_TEMPLATE.with/postgresql.conf"
# Not in single-user mode, where new objects get OIDs of the system's.
sg_pg_ctl -D "$SG_TEMPLATE.with" -l "$SG_TEMPLATE.log" -o "-F -c listen_addresses= -k $SG_DIR" -w -s start
sg_as "$SG_BINDIR/psql" -Xq -h "$SG_DIR" -d postgres -c 'CREATE EXTENSION schemaguard' || sg_die "no extension in the template"
sg_as "$SG_BINDIR/pg_ctl" -D "$SG_TEMPLATE.with" -w -s stop
sg_as rm -f "$SG_TEMPLATE.with/postmaster.opts"
sg_as cp "$SG_TEMPLATE/postgresql.conf" "$SG_TEMPLATE.with/"

choose_tests
leave_out_unmet
[ -z "${SG_SHARE:-}" ] || leave_share tap "$SG_SHARE" 'TAP files'
[ -z "${SG_REGRESS_SHARE:-}" ] || leave_share regress "$SG_REGRESS_SHARE" 'regression tests'
order_jobs
while [ $((${#running[@]} + ${#queue[@]})) -gt 0 ]; do
  if [ ${#queue[@]} -gt 0 ] && [ ${#running[@]} -lt "$jobs" ]; then
    start_job "${queue[0]}"
    queue=("${queue[@]:1}")
  else
    end_job
  fi
done

sg_say ""
if [ ${#failing[@]} -gt 0 ]; then sg_say "failing: ${failing[*]}"; fi
if [ $((passed + failed)) -eq 0 ]; then sg_say "nothing ran"; fi
sg_say "$SECONDS s, $built of them to build"
sg_say "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
