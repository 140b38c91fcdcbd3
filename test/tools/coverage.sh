#!/usr/bin/env bash
# coverage.sh: what `make coverage` does. Runs the tests with a library that counts how often each line runs; prints for
# each room of src/ how many of its lines of code ran, and then each ereport(ERROR) that no test reached. The variables of
# run-tests.sh choose the tests. Needs gcov, which comes with gcc. A backend that is killed writes no counts.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
KEEP=1 COPT="--coverage -O0 ${COPT:-}" bash "$here/run-tests.sh" 2>&1 | tee "$log" || status=$?
kept=$(sed -n 's/^kept: //p' "$log")
[ -n "$kept" ] || exit 1

# A line of gcov's is COUNT:LINE:TEXT: a count is a number, `-` where there is no code, or ##### for code that did not run.
cd "$kept/src"
for file in src/*/*.c; do
  gcov -t -o "${file%.c}.o" "$file" 2> /dev/null | awk -v file="$file" -F: '$1 !~ /-$/ && $2 + 0 > 0 { print file ":" $0 }' || true
done | awk -F: '
  { split($1, path, "/"); room = path[2]; missed = $2 ~ /#/; lines[room]++; ran[room] += !missed }
  missed && /ereport\(ERROR/ { errors[++nerrors] = $1 ":" $3 + 0 }
  END {
    printf "\n%-12s %7s %7s %6s\n", "room", "lines", "run", "%"
    for (room in lines) printf "%-12s %7d %7d %6.1f\n", room, lines[room], ran[room], 100 * ran[room] / lines[room] | "sort"
    close("sort")
    printf "\n%d ereport(ERROR) not reached\n", nerrors
    for (i = 1; i <= nerrors; i++) print "  " errors[i]
  }'
rm -rf "$kept"
exit $status
