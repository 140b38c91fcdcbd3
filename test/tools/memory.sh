#!/usr/bin/env bash
# memory.sh [PART...]: what `make test-memory` does: looks for memory and cache entries that are used after they are gone.
# An hour at most, on two cores: what is not through by then has failed. Parts (the first three without arguments; valgrind, which
# has one core at most, beside the others):
#
#   discards     each public function while no cache entry outlives the next look at an invalidation (079_discards.pl)
#   valgrind     a scenario through all rooms, memory.sql, on a server under valgrind, with PostgreSQL's suppressions
#   asan         TAP files, with AddressSanitizer in the library
#   regression   regression tests with both, AddressSanitizer and discards: `.ci/run asan`
#
# For a server with assertions, and CPPFLAGS=-DUSE_VALGRIND: that of PG_CONFIG; without it that which `.ci/run 18` keeps in the
# chroot of SG_CI_CACHE, as root. Exits with 3, loudly, where there is none.
#
# Environment: SG_TIMEOUT=N gives each part so many seconds instead. SG_FUNCTIONS="sg_drift sg_impact" is for discards,
# ONLY_TAP="054_fix" for asan, ONLY_REGRESS="trust" for regression.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
chroot=${SG_CI_CACHE:-/var/cache/schemaguard-ci}/pg-18
prefix=/opt/pgsql-assert

skip() { printf '\n!!! %s: memory is NOT TESTED\n\n' "$*"; exit 3; }

# Slow by design: nothing is judged by the clock.
tests() { SG_UNTIMED=1 SG_TIMEOUT=${SG_TIMEOUT:-3500} bash "$root/test/tools/run-tests.sh"; }

# The server leaves memory to the end of its processes, which is no leak; and the checks of the stack after a return put
# frames elsewhere, where the server's own check of the stack's depth sees an overflow.
sanitized() {
  export COPT=-fsanitize=address ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0
  SG_PRELOAD=$(gcc -print-file-name=libasan.so) tests
}

discards() { SG_DISCARD=1 ONLY_TAP=079_discards tests; }

# Documents, arguments and plans of others' making, and all that changes rows and tables; no file that measures memory, of which
# the sanitizer keeps what is freed
asan() { ONLY_TAP=${ONLY_TAP:-054_fix 055_rollback 058_verify 115_odd_arguments 116_documents_by_path 117_random_plans 142_sync} sanitized; }

# Those that end within the hour, of audit, discover and verify, with a deployment and a rollback in audit_gate: of few rows, each
# of which costs a tenth of a second where a key is checked, and without snapshots and plans of many steps, each of which
# costs minutes. audit_18 takes 20 s, a call of sg_verify_fks(live) about a minute.
regression() { ONLY_REGRESS=${ONLY_REGRESS:-audit_18 verify_18 audit_gate discover_names} SG_DISCARD=1 sanitized; }

valgrind() {
  # shellcheck source=test/tools/lib.sh
  . "$root/test/tools/lib.sh"
  export PGCTLTIMEOUT=600
  sg_need
  sg_private_dir
  sg_build
  SG_POSTGRES=$SG_DIR/valgrind-postgres
  printf '%s\n' '#!/bin/sh' "exec valgrind --quiet --error-markers=VALGRINDERROR-BEGIN,VALGRINDERROR-END \\" \
    "  --suppressions='$SG_SHAREDIR/valgrind.supp' '$SG_BINDIR/postgres' \"\$@\"" > "$SG_POSTGRES"
  chmod 755 "$SG_POSTGRES"
  sg_cluster_start valgrind 'autovacuum = off'
  sg_wait psql -X -v ON_ERROR_STOP=1 -f "$SG_DIR/src/test/tools/memory.sql" > "$SG_DIR/psql.log" 2>&1 \
    || { tail -n 20 "$SG_DIR/psql.log"; sg_die "the scenario does not come to its end"; }
  sg_cluster_stop valgrind
  if grep -nE -A 40 'VALGRINDERROR-BEGIN|TRAP:|was terminated by signal' "$SG_DIR/valgrind/server.log"; then
    sg_die "valgrind or the server found errors"
  fi
  grep '^-- ' "$SG_DIR/psql.log"
  sg_say "$(grep -c '^-- ' "$SG_DIR/psql.log") rooms, no report of valgrind"
}

if [ -z "${PG_CONFIG:-}" ]; then
  [ "$(id -u)" = 0 ] || skip 'this is not root'
  [ -x "$chroot$prefix/bin/postgres" ] || skip "there is no $chroot$prefix (.ci/run 18 makes it)"
  mapfile -t settings < <(env | grep -E '^(SG|ONLY)_')
  exec "$root/test/tools/pg-chroot.sh" run "$chroot" "$root" env "${settings[@]}" PG_CONFIG=$prefix/bin/pg_config SG_NO_INSTALL=1 \
    bash /mnt/test/tools/memory.sh "$@"
fi

[ $# -gt 0 ] || set -- discards valgrind asan
case $#:$1 in
  1:discards | 1:valgrind | 1:asan | 1:regression) "$1"; exit ;;
  1:*) echo "memory.sh: there is no part $1" >&2; exit 2 ;;
esac
status=0

# A part, with what is left of the hour; a test that takes longer ends before, and says how far it came
part() {
  local start=$SECONDS left=${SG_TIMEOUT:-$((3600 - SECONDS))} failed=
  SG_TIMEOUT=$((left - 30)) timeout "$left" bash "${BASH_SOURCE[0]}" "$1" || failed=', FAILED'
  printf '=== %s: %s s%s\n' "$1" $((SECONDS - start)) "$failed"
  [ -z "$failed" ]
}

beside=$(mktemp)
case " $* " in *' valgrind '*) part valgrind > "$beside" 2>&1 & ;; esac
for name in "$@"; do
  [ "$name" = valgrind ] || part "$name" || status=1
done
[ -z "$(jobs -p)" ] || wait "$(jobs -p)" || status=1
cat "$beside"
rm -f "$beside"
printf '=== all: %s s\n' "$SECONDS"
exit $status
