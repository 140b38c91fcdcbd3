#!/usr/bin/env bash
# make demo: a day with schemaguard on the database of Zabbix, from Debian's package, under load.
#
# The demo checks what it shows and fails where something did not come true. Everything happens in a private directory
# with a private server, see test/tools/lib.sh. In the environment:
#   DEMO_SCHEMA=shop         the project's own small schema instead
#   DEMO_PAGES=FOLDER        where the report and the dashboard are left, as HTML
#   DEMO_ZABBIX_DEB=FILE     a copy of the package zabbix-server-pgsql, where there is no network
set -euo pipefail
. "$(dirname "$0")/../tools/lib.sh"

plan=${DEMO_SCHEMA:-zabbix}
case $plan in zabbix | shop) ;; *) sg_die "DEMO_SCHEMA is zabbix or shop, not $plan" ;; esac
deb=${DEMO_ZABBIX_DEB:-}
[ -z "${DEMO_PAGES:-}" ] || mkdir -p "$DEMO_PAGES"
[ -z "$deb" ] || [ -r "$deb" ] || sg_die "DEMO_ZABBIX_DEB names no readable file: $deb"
began=$EPOCHREALTIME

# ---------------------------------------------------------------------------------------------------------------------
# Tools

title() { printf '\n== %s\n' "$*"; }
seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# As sg_wait, but with input, and without waiting.
start() { "${SG_AS[@]}" env --default-signal=INT,QUIT "$@" <&0 & }

# A script on psql's standard input, so that its messages come without file names.
tell() {
  start psql -qX -v ON_ERROR_STOP=1 -v plan="$plan" -v keys="$keys" -v rules=3 -v dir="$demo/$plan" \
    -P footer=off -P null=- -P format=wrapped -P columns=110 "${@:2}" < "$1" 2>&1
  wait $! || sg_die "stopped in ${1##*/}"
}
sql() { sg_as psql -qXAt -v ON_ERROR_STOP=1 -c "$1"; }
moment() { sql "INSERT INTO demo.moment VALUES ('$1', clock_timestamp())"; }

# Waits until a command succeeds; false if the process of that number ends before.
wait_for() {
  local process=$1
  shift
  until "$@"; do
    kill -0 "$process" 2> /dev/null || return 1
    sleep 0.05
  done
}
is_true() { [ "$(sql "SELECT EXISTS ($1)")" = t ]; }
measured() { [ "$(cat "$SG_DIR"/latency* 2> /dev/null | wc -l)" -ge "$1" ]; }

# ---------------------------------------------------------------------------------------------------------------------
# The database: schema.sql, keys.sql and data in $load

# Without package lists we fetch some of our own: that needs no root and leaves the machine as it is.
fetch_package() {
  local apt=(-o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=15)
  command -v apt-get > /dev/null || return 1
  if ! apt-cache show zabbix-server-pgsql > /dev/null 2>&1; then
    sg_as mkdir -p "$load/apt/state/lists/partial" "$load/apt/cache/archives/partial"
    apt+=(-o "Dir::State=$load/apt/state" -o "Dir::Cache=$load/apt/cache")
    sg_wait timeout 90 apt-get "${apt[@]}" update > /dev/null 2>&1 || return 1
  fi
  sg_wait env -C "$load" timeout 90 apt-get "${apt[@]}" download zabbix-server-pgsql > /dev/null 2>&1
}

unpack_zabbix() {
  local part from=$load/package/usr/share/zabbix-server-pgsql
  if [ -n "$deb" ]; then
    sg_as tee "$load/copy.deb" < "$deb" > /dev/null
  else
    fetch_package || return 1
  fi
  sg_as dpkg-deb -x "$load"/*.deb "$load/package" || return 1
  for part in schema images data; do
    sg_as gzip -dc "$from/$part.sql.gz" | sg_as tee "$load/$part.sql" > /dev/null || return 1
  done
  # The keys, each a line of its own, go from the schema into keys.sql.
  sg_as sed -i -e "/ FOREIGN KEY /{w $load/keys.sql" -e 'd}' "$load/schema.sql"
  [ -s "$load/keys.sql" ]
}

load_database() {
  local part since=$EPOCHREALTIME
  sql 'CREATE DATABASE demo'
  export PGDATABASE=demo
  for part in "$demo/setup.sql" "$load"/{schema,images,data}.sql; do
    [ ! -e "$part" ] || tell "$part"
  done
  sg_say "loaded in $(seconds_since "$since") s: $(sql "SELECT count(*) || ' tables, '
    || (SELECT count(*) FROM pg_constraint WHERE contype = 'f') || ' foreign keys'
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")"
  since=$EPOCHREALTIME
  tell "$demo/$plan/generate.sql"
  tell "$demo/$plan/plant.sql"
  sql 'VACUUM ANALYZE'
  sg_say "generated in $(seconds_since "$since") s: $(sql "SELECT demo.n(sum(n_live_tup)) || ' rows now, '
    || pg_size_pretty(pg_database_size(current_database())) FROM pg_stat_user_tables WHERE schemaname = 'public'")"
  sg_say "planted: $(sql "SELECT demo.n(sum(rows)) || ' orphan and other bad rows in ' || count(*) || ' places' FROM demo.planted")"
  # Loading may be careless, deployment is measured with everything durable.
  sql 'ALTER SYSTEM SET fsync = on'
  sql 'SELECT pg_reload_conf()' > /dev/null
  sql CHECKPOINT
}

# ---------------------------------------------------------------------------------------------------------------------
# The day

sg_need
sg_private_dir
[ "$(df -m --output=avail "$SG_DIR" | tail -n 1)" -ge 2000 ] || sg_die "needs 2 GB in ${SG_DIR%/*}; TMPDIR moves it"
sg_build
keys=0
demo=$SG_DIR/src/test/demo
load=$SG_DIR/load
sg_as mkdir "$load"
sg_say "schemaguard $SG_VERSION is built, for PostgreSQL $SG_MAJOR ($(seconds_since "$began") s)"

title "0. A database that lost track of its references"
if [ "$plan" = zabbix ] && ! unpack_zabbix; then
  [ -z "$deb" ] || sg_die "not the package zabbix-server-pgsql: $deb"
  sg_say "Debian's package zabbix-server-pgsql cannot be had here, and DEMO_ZABBIX_DEB names no copy of it."
  sg_say "A smaller schema of the project's own, a shop, serves instead."
  plan=shop
fi
[ "$plan" = zabbix ] || { sg_as rm -f "$load"/*.sql && sg_as cp "$demo"/shop/{schema,keys}.sql "$load"; }
keys=$(grep -c 'FOREIGN KEY' "$load/keys.sql")
sg_cluster_start server 'shared_buffers = 256MB' 'max_wal_size = 512MB' 'work_mem = 64MB' 'maintenance_work_mem = 128MB'
load_database

tell "$demo/1-find.sql" -v script="$(cat "$load/keys.sql")" -v statements="$(grep -c '^ALTER TABLE' "$load/keys.sql")"

title "6. The application starts: 8 clients, and one that keeps each transaction open for 2.5 seconds"
sed -n 's/^-- //p' "$SG_ROOT/test/demo/$plan/app.sql"
start psql -qX -v ON_ERROR_STOP=1 -f "$demo/watch.sql" < /dev/null > "$SG_DIR/watch.log" 2>&1
watch=$!
PGAPPNAME=application start pgbench -n -c 8 -j 2 -R 300 -T 3600 -l --log-prefix="$SG_DIR/latency" \
  -f "$demo/$plan/app.sql" < /dev/null > "$SG_DIR/app.log" 2>&1
app=$!
PGAPPNAME=application start pgbench -n -c 1 -T 3600 -f "$demo/$plan/long.sql" < /dev/null > "$SG_DIR/long.log" 2>&1
long=$!
wait_for $app measured 1 || sg_die "the application does not run"
moment 'before'
sql 'SELECT schemaguard.sg_stats_take()' > /dev/null
wait_for $app measured 1500 || sg_die "the application has ended"

title "7. CALL sg_apply('$plan'), and a look at it from another session"
sql "SELECT sg_watch_start('$plan')"
moment 'first call'
PGAPPNAME=deployment start psql -qX -v ON_ERROR_STOP=1 -c "CALL sg_apply('$plan')" \
  < /dev/null > "$SG_DIR/call.log" 2>&1
call=$!
wait_for $call is_true 'SELECT FROM schemaguard.progress WHERE step > 0' || sg_die "the call is over: $(tail -n 2 "$SG_DIR/call.log")"
tell "$demo/progress.sql" -v first=1
! wait_for $call is_true "SELECT FROM schemaguard.plan_step WHERE state = 'validated'" || tell "$demo/progress.sql" -v first=0
wait $call || { tail -n 5 "$SG_DIR/call.log" >&2; sg_die "the call failed"; }
moment 'orphans go'
echo "What the call says, a few of its $(wc -l < "$SG_DIR/call.log") lines:"
sed -E 's/^(NOTICE|WARNING): *(.{1,104}).*/  \2/' "$SG_DIR/call.log" \
  | awk 'NR <= 3 || / (failed|skipped|left)/ && n++ < 4 { print; next } { last = $0 } END { print last }'
echo
tell "$demo/2-clean.sql"
moment 'two more calls'
PGAPPNAME=deployment tell "$demo/3-finish.sql"
moment 'closed'

# SIGALRM is how pgbench learns that its time is over: it lets what is under way finish.
kill -ALRM $app $long
for name in app long; do
  wait "${!name}" || { grep error: "$SG_DIR/$name.log" >&2; sg_die "an error stopped the application ($name.sql)"; }
done
wait $watch || { cat "$SG_DIR/watch.log" >&2; sg_die "the watch broke off"; }
total() { awk -F: -v what="number of $1" '$1 == what { n += $2 } END { print n }' "$SG_DIR"/{app,long}.log; }
figures=(-v failed="$(total 'failed transactions')" -v processed="$(total 'transactions actually processed')")
cat "$SG_DIR"/latency* | sg_as psql -qX -c "\\copy demo.latency FROM STDIN (DELIMITER ' ')"
tell "$demo/4-prove.sql" "${figures[@]}"

title "14. What people look at"
sql "SELECT count(*) FROM sg_verify_fks('$plan', live => true); SELECT schemaguard.sg_stats_take()" > /dev/null
sg_as tee "$SG_DIR/report.html" <<< "$(sql "SELECT sg_report('$plan', 'html')")" > /dev/null
sg_as tee "$SG_DIR/dashboard.html" <<< "$(sql 'SELECT sg_dashboard()')" > /dev/null
for name in report dashboard; do
  sg_say "$name.html: $(wc -c < "$SG_DIR/$name.html") bytes, sections: $(grep -c '<section' "$SG_DIR/$name.html")"
  [ -z "${DEMO_PAGES:-}" ] || cat "$SG_DIR/$name.html" > "$DEMO_PAGES/$name.html"
done
sql "SELECT 'the report says ' || schemaguard.sg_go('$plan')"

title "The day in short"
tell "$demo/summary.sql" "${figures[@]}"
printf 'time           %s s, building and loading included\n' "$(seconds_since "$began")"
lies=$(sql "SELECT what FROM demo.verdict WHERE NOT ok")
[ -z "$lies" ] || sg_die "what did not come true:"$'\n'"$lies"
