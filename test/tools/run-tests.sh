#!/usr/bin/env bash
# run-tests.sh: what `make test` does. Builds the checkout in a private directory, starts a private server, runs the
# regression tests, the isolation specs and the TAP files, and removes everything, also after a failure or Ctrl-C.
# Nothing is installed into the system but packages that are missing (by root, on Debian). Runs as root and as anybody
# else, and any number of times at once.
#
# The last line is `N passed, N failed, N skipped`: regression tests, specs, and the single assertions of TAP files.
# The exit status is 0 only if something ran and nothing failed.
#
# Environment
#   PG_CONFIG        the server to build for and to test with (default: pg_config on the PATH)
#   SG_LONG=1        full counts and durations: `make test-long`
#   SG_SEED=N        what tests that draw at random start from (default 1)
#   WERROR=1         compiler warnings are errors
#   COPT=FLAGS       more flags for the compiler
#   SG_PRELOAD=FILE  preloaded into the servers of TAP files: libasan.so, with COPT=-fsanitize=address (assertion build) and
#                    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0
#   KEEP=1           leave the private directory, with all logs, and print its name
#   TMPDIR=DIR       where the private directory is made (default /tmp; needs a short path)
#   SG_NO_INSTALL=1  never install packages, only say what is missing
#   SG_TIMEOUT=N     seconds for one step: all regression tests, all specs, one TAP file (default 1200)
#   CORPUS=DIR       real schemas, for the tests that have a use for them (default ../shared/corpus beside the checkout)
#   SG_LEAVE_OUT="060_live ..."  TAP files that are not run, which the report says
# To run a few only (any of these turns off what the others do not name):
#   ONLY_REGRESS="audit plan"  ONLY_ISOLATION="iso_deploy"  ONLY_TAP="t/crash.pl"
#
# A regression test that needs another extension says so in a line of its own, `-- needs: pgtap`; it is skipped where the
# server does not have that.

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/lib.sh"

passed=0 failed=0 skipped=0
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

make_value() { sg_make -s "print-$1"; }

# The tests among $@ whose needs are met; the others are reported as skipped.
select_tests() {
  local test need lacking
  selected=()
  for test in "$@"; do
    lacking=
    # shellcheck disable=SC2013  # words are wanted
    for need in $(sed -n 's/^-- needs: *//p' "$SG_DIR/src/test/sql/$test.sql" 2> /dev/null); do
      sg_has_extension "$need" || lacking="$lacking $need"
    done
    if [ -n "$lacking" ]; then report skip "$test (needs$lacking)"; else selected+=("$test"); fi
  done
}

# Runs one of the two suites of pg_regress through PGXS: run_suite TITLE VARIABLE OTHER_VARIABLE TEST...
run_suite() {
  local title=$1 variable=$2 other=$3 log=$SG_DIR/$2.log status=0 before=$failed verdict name
  shift 3
  [ $# -gt 0 ] || return 0
  sg_wait timeout "${SG_TIMEOUT:-1200}" make -C "$SG_DIR/src" "PG_CONFIG=$PG_CONFIG" with_llvm=no installcheck \
    "$variable=$*" "$other=" TAP_TESTS= > "$log" 2>&1 || status=$?
  # "test NAME ... ok|FAILED" up to PostgreSQL 15, "ok|not ok N - NAME" since 16.
  while IFS=: read -r verdict name; do
    case $verdict in FAILED | 'not ok') verdict='not ok' ;; esac
    report "$verdict" "$name"
  done < <(sed -nE -e 's/^test +([^ ]+) +\.\.\. +(ok|FAILED).*/\2:\1/p' \
    -e 's/^(ok|not ok) +[0-9]+ +[-+] ([^ ]+).*/\1:\2/p' "$log")
  # Such as a missing file or a lost server, for which no test is blamed.
  if [ $status -ne 0 ] && [ $failed -eq "$before" ]; then
    report 'not ok' "$title ended with status $status"
  fi
  if [ $failed -ne "$before" ]; then
    if [ -s "$SG_DIR/src/regression.diffs" ]; then
      show_file "$title: regression.diffs" "$SG_DIR/src/regression.diffs"
    else
      show_file "$title" "$log"
    fi
    failing_suites+=("$title")
  fi
}

# Only a bug in C makes a server of this suite crash: the tests that kill one run their own.
check_server_log() {
  local log=$SG_DIR/suite/server.log
  [ $((passed + failed)) -gt 0 ] || return 0
  if grep -qE 'PANIC:|TRAP:|was terminated by signal|runtime error:' "$log"; then
    report 'not ok' 'no crash in the server log'
    failing_suites+=("server")
    grep -nE -A 5 'PANIC:|TRAP:|was terminated by signal|runtime error:' "$log" | head -n 60
  else
    report ok 'no crash in the server log'
  fi
}

# One TAP file through PGXS, hence with the server's own Perl modules, driver and paths.
run_tap_file() {
  local file=$1 log=$SG_DIR/tap.log status=0 ok not_ok skip start=$SECONDS
  case " ${SG_LEAVE_OUT:-} " in *" $(basename "$file" .pl) "*) report skip "$file (left out)"; return ;; esac
  sg_wait timeout "${SG_TIMEOUT:-1200}" make -C "$SG_DIR/src" "PG_CONFIG=$PG_CONFIG" with_llvm=no installcheck \
    REGRESS= ISOLATION= "PROVE_TESTS=$file" "PROVE_FLAGS=--verbose --nocolor -j1" > "$log" 2>&1 || status=$?
  if grep -q '^Result: NOTESTS' "$log"; then
    report skip "$file ($(sed -nE 's/.*\.\. skipped: //p' "$log"))"
    return
  fi
  skip=$(grep -ciE '^ok [0-9]+.*# skip' "$log" || true)
  ok=$(($(grep -cE '^ok [0-9]+' "$log" || true) - skip))
  not_ok=$(grep -v '# [T]ODO' "$log" | grep -cE '^not ok [0-9]+' || true)
  # Whatever prove is unhappy about counts: a plan that was not met, a file that died, a time-out.
  [ $status -eq 0 ] || [ "$not_ok" -gt 0 ] || not_ok=1
  passed=$((passed + ok)) failed=$((failed + not_ok)) skipped=$((skipped + skip))
  printf '  %-7s %s (%s assertions, %s s)\n' "$([ "$not_ok" -eq 0 ] && echo ok || echo 'not ok')" "$file" $((ok + not_ok)) \
    $((SECONDS - start))
  if [ "$not_ok" -gt 0 ]; then
    failing_suites+=("$file")
    show_file "$file (end of the output, status $status)" <(tail -n 60 "$log")
    for log in "$SG_DIR"/src/tmp_check/log/*; do
      [ ! -f "$log" ] || show_file "$file: ${log##*/} (end)" <(tail -n 40 "$log")
    done
  fi
}

narrowed=${ONLY_REGRESS:-}${ONLY_ISOLATION:-}${ONLY_TAP:-}

sg_need tap pgtap cron
sg_private_dir
sg_say "schemaguard $SG_VERSION on $("$PG_CONFIG" --version)"
sg_build
failing_suites=()

# An autovacuum that comes by holds locks and changes statistics.
sg_cluster_start suite "autovacuum = off"
regress=${ONLY_REGRESS:-} isolation=${ONLY_ISOLATION:-}
[ -n "$narrowed" ] || regress=$(make_value REGRESS)
[ -n "$narrowed" ] || isolation=$(make_value ISOLATION)
sg_say "regression"
# shellcheck disable=SC2086  # names, separated by blanks
select_tests $regress
run_suite regression REGRESS ISOLATION "${selected[@]}"
sg_say "isolation"
# shellcheck disable=SC2086
run_suite isolation ISOLATION REGRESS $isolation
check_server_log
sg_cluster_stop suite || true

sg_say "TAP"
# Servers of TAP files read their settings from here, and keep track of their ports there.
export TEMP_CONFIG=$SG_CONF PG_TEST_PORT_DIR=$SG_DIR/ports
# How long the server's own tools wait: a machine may be busy with other suites.
export PGCTLTIMEOUT=300 PG_TEST_TIMEOUT_DEFAULT=600
sg_as mkdir "$PG_TEST_PORT_DIR"
if [ -n "$narrowed" ]; then
  tap_files=()
  for file in ${ONLY_TAP:-}; do tap_files+=("test/t/$(basename "$file" .pl).pl"); done
else
  mapfile -t tap_files < <(cd "$SG_DIR/src" && find test/t -name '*.pl' 2> /dev/null | sort)
fi
for file in "${tap_files[@]}"; do run_tap_file "$file"; done

sg_say ""
if [ ${#failing_suites[@]} -gt 0 ]; then sg_say "failing: ${failing_suites[*]}"; fi
if [ $((passed + failed)) -eq 0 ]; then sg_say "nothing ran"; fi
sg_say "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
