#!/usr/bin/env bash
# make bench ONLY=against: how long calls take, against a build of the last version.
#
# Builds that version, from git, and the checkout in a private directory, starts a server for each, and makes the same data in both.
# A round lets one server, then the other, run against.sql, which times each call. Of a call, the least time of all rounds counts,
# for what else the machine does only adds to it. A line each; the exit status is 1 if a call takes more than BOUND times as long as before,
# where it does more than before BOUND times what against.sql says, also after three times as many rounds; 3 if the last version's source
# is not here.
#
# Environment
#   BASE=COMMIT     what is compared with (default: the commit that froze the last version's script, the newest file of sql/frozen)
#   ROUNDS=5        after one that warms up and is not counted
#   BOUND=1.5       calls that take less than 20 ms are not judged
#   PG_CONFIG, KEEP=1, TMPDIR   as in test/tools/lib.sh

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/../tools/lib.sh"

rounds=${ROUNDS:-5} bound=${BOUND:-1.5}

# The commit that froze the last version, or nothing
frozen_commit() {
  local file
  file=$(cd "$SG_ROOT" && printf '%s\n' sql/frozen/*.sql | sort -V | tail -n 1)
  git -C "$SG_ROOT" log --diff-filter=A --format=%H -- "$file" 2> /dev/null | tail -n 1
}

# Builds the commit in the same place as sg_build() does the checkout: build_base COMMIT
build_base() {
  local checkout=$SG_ROOT
  SG_ROOT=$SG_DIR/base
  sg_as mkdir "$SG_ROOT"
  git -C "$checkout" archive "$1" | sg_as tar -x -C "$SG_ROOT"
  sg_build > /dev/null
  sg_as mv "$SG_DIR/src" "$SG_DIR/src.base"
  sg_as mv "$SG_DIR/root" "$SG_DIR/root.base"
  sed "s,$SG_DIR/root,&.base," "$SG_CONF" > "$SG_CONF.base"
  SG_ROOT=$checkout
}

# A server with the data: start NAME CONFIGURATION
start() {
  SG_CONF=$2 sg_cluster_start "$1" 'autovacuum = off' 'max_locks_per_transaction = 1024' 'synchronous_commit = off'
  # the last version may lack a setting that tests want
  sg_as sed -i '/^schemaguard\./d' "$SG_DIR/$1/data/postgresql.conf"
  sg_as "$SG_BINDIR/pg_ctl" -D "$SG_DIR/$1/data" -l "$SG_DIR/$1/server.log" -m fast -w -s restart
  sg_wait psql -qX -v ON_ERROR_STOP=1 -f "$SG_DIR/src/test/bench/against_data.sql" > /dev/null
}

# One round on both servers: run_round NUMBER
run_round() {
  local server
  for server in base this; do
    PGHOST=$SG_DIR/$server sg_wait psql -qXAt -F $'\t' -v ON_ERROR_STOP=1 -v "server=$server" -v "round=$1" \
      -f "$SG_DIR/src/test/bench/against.sql" >> "$SG_DIR/samples" || sg_die "stopped in round $1 on server $server"
  done
}

# A line for each call, with its least times; status 1 if one is above the bound
compare() {
  awk -F '\t' -v bound="$bound" '
    { growth[$3] = $5 }
    $2 > 0 { key = $1 SUBSEP $3; if (!(key in least) || $4 < least[key]) least[key] = $4; if (!($3 in seen)) { seen[$3]; name[++n] = $3 } }
    END {
      for (i = 1; i <= n; i++) {
        was = least["base", name[i]]; is = least["this", name[i]]
        slow = is > bound * growth[name[i]] * was && is >= 20
        printf "  %-7s %-40s %8.1f ms, was %8.1f: %.2f%s\n", slow ? "not ok" : "ok", name[i], is, was, is / was,
          growth[name[i]] == 1 ? "" : " (" growth[name[i]] " by what it does more)"
        failed += slow
      }
      exit failed > 0
    }' "$SG_DIR/samples"
}

base=${BASE:-$(frozen_commit)}
if [ -z "$base" ] || ! git -C "$SG_ROOT" cat-file -e "$base^{commit}" 2> /dev/null; then
  sg_say "the source of the last version is not here: nothing to compare with"
  exit 3
fi
sg_need
sg_private_dir
build_base "$base"
sg_build
start base "$SG_CONF.base"
start this "$SG_CONF"
for ((round = 0; round <= rounds; round++)); do run_round "$round"; done
if ! outcome=$(compare); then
  for ((; round <= 3 * rounds; round++)); do run_round "$round"; done
  outcome=$(compare) || status=1
fi
sg_say "schemaguard $SG_VERSION against ${base:0:8}, the least of $((round - 1)) rounds"
sg_say "$outcome"
exit "${status:-0}"
