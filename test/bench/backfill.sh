# backfill.sh: what an application waits for while columns are filled. Sourced by run.sh, which says how to call it.
#
# A table of 200,000 rows whose first half is filled and that has never been analysed. pgbench updates one row after the
# other, by its primary key, in three sessions: while nothing else runs, beside batches of one row (a loop that fills and
# commits), and beside sg_add_fks. The longest UPDATE of each, and the one that 999 of 1,000 stay below; fsync is on.

# Then, while nothing else runs, a new column of 500,000 rows is filled, in turn by the plain UPDATE and by sg_apply.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

# backfill_load NAME SECONDS: the application, at most so long; its latencies go to the table bench_wait
backfill_load() {
  sg_as rm -f "$SG_DIR"/backfill_log.*
  sg_wait pgbench -n -d backfill -c 3 -j 1 -T "$2" -l --log-prefix="$SG_DIR/backfill_log" -f "$SG_DIR/backfill.pgbench" \
    > "$SG_DIR/backfill.out" 2>&1 || sg_die "pgbench stopped: $(tail -n 3 "$SG_DIR/backfill.out")"
  cat "$SG_DIR"/backfill_log.* | awk -v name="$1" '{ print name "\t" $3 }' > "$SG_DIR/backfill.tsv"
  sg_as psql -qX -d backfill -c '\copy bench_wait FROM STDIN' < "$SG_DIR/backfill.tsv"
}

# fill_once NAME STATEMENT: its time, in a session of its own, goes to the table bench_fill
fill_once() {
  local began
  sg_as psql -qXAt -v ON_ERROR_STOP=1 -d backfill > "$SG_DIR/backfill.made" 2>&1 <<SQL
DROP TABLE IF EXISTS fill;
CREATE TABLE fill (id int PRIMARY KEY, a int, note text);
INSERT INTO fill SELECT g, g, 'a note' FROM generate_series(1, $(scaled 500000)) g;
SELECT sg_plan_create('fill', replace => true), sg_plan_add_column('fill', 'fill', 'b', 'int', fill => 'a * 2');
VACUUM ANALYZE fill;
CHECKPOINT;
SQL
  began=$(date +%s%N)
  tell backfill -c "SET client_min_messages = warning" -c "$2" > "$SG_DIR/backfill.out" 2>&1 || sg_die "$(cat "$SG_DIR/backfill.out")"
  tell backfill -c "INSERT INTO bench_fill VALUES ('$1', $((($(date +%s%N) - began) / 1000000)))" > /dev/null
  [ "$(sg_as psql -qXAt -d backfill -c "SELECT count(*) FROM fill WHERE b IS DISTINCT FROM a * 2")" = 0 ] || sg_die "$1 has not filled all rows"
}

measure_fill() {
  local round
  sg_say "$(scaled 500000) rows, a new column filled while nothing else runs, $rounds rounds"
  sg_as psql -qX -d backfill -c 'CREATE TABLE bench_fill (name text, ms bigint)'
  for ((round = 0; round < rounds; round++)); do
    fill_once 'plain UPDATE' 'ALTER TABLE fill ADD b int; UPDATE fill SET b = a * 2 WHERE b IS NULL'
    fill_once 'sg_apply' "CALL sg_apply('fill')"
  done
  sg_as psql -qX -d backfill -c "
    SELECT name AS \"fill\", percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS median_ms,
           round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) /
                  (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM bench_fill WHERE name = 'plain UPDATE'))::numeric, 2) AS ratio,
           CASE name WHEN 'sg_apply' THEN 'ratio at most 2' END AS target
    FROM bench_fill GROUP BY name ORDER BY name"
}

measure_backfill() {
  local rows
  rows=$(scaled 200000)
  sg_cluster_start backfill 'fsync = on' 'shared_buffers = 256MB' 'autovacuum = off' 'jit = off'
  new_database backfill
  echo "\\set id random(1, $rows)
UPDATE filled SET note = note || 'x' WHERE id = :id;" > "$SG_DIR/backfill.pgbench"
  chmod a+r "$SG_DIR/backfill.pgbench"
  sg_as psql -qXAt -v ON_ERROR_STOP=1 -d backfill > "$SG_DIR/backfill.made" <<SQL
CREATE TABLE bench_wait (name text, us bigint);
CREATE TABLE parent (code text PRIMARY KEY);
INSERT INTO parent SELECT 'code ' || g FROM generate_series(0, 999) g;
CREATE TABLE filled (id int PRIMARY KEY, code text, single text, note text) WITH (fillfactor = 70);
INSERT INTO filled SELECT g, CASE WHEN g <= $rows / 2 THEN 'code ' || g % 1000 END, NULL, 'a' FROM generate_series(1, $rows) g;
CREATE PROCEDURE one_by_one(until timestamptz) LANGUAGE plpgsql AS \$\$
DECLARE one int;
BEGIN
  FOR one IN 1 .. $rows LOOP
    UPDATE filled SET single = 'code ' || id % 1000 WHERE id = one;
    COMMIT;
    EXIT WHEN clock_timestamp() > until;
  END LOOP;
END \$\$;
SELECT sg_plan_create('backfill');
SELECT sg_plan_add_fk('backfill', 'filled', '{code}', 'parent', index => false, backfill => '\$\$code \$\$ || (id % 1000)');
SQL
  sg_say "$rows rows, half of them to fill, beside one-row UPDATEs in three sessions"
  backfill_load 'nothing beside it' 10
  tell backfill -c "CALL one_by_one(now() + interval '10 s')" > /dev/null &
  backfill_load 'batches of one row' 9
  wait $!
  tell backfill -c "CALL sg_add_fks('backfill')" > /dev/null 2>&1 &
  backfill_load 'sg_add_fks' 20
  wait $!
  [ "$(sg_as psql -qXAt -d backfill -c "SELECT state FROM schemaguard.plan_step WHERE plan = 'backfill'")" = validated ] \
    || sg_die "the key was not added"
  sg_as psql -qX -d backfill -c "
    SELECT name AS \"application beside\", count(*) AS updates,
           round((percentile_cont(0.999) WITHIN GROUP (ORDER BY us) / 1000)::numeric, 1) AS p999_ms, round(max(us) / 1000.0, 1) AS longest_ms,
           round(max(us)::numeric / (SELECT max(us) FROM bench_wait WHERE name = 'batches of one row'), 2) AS ratio,
           CASE name WHEN 'sg_add_fks' THEN 'below 150 ms, ratio below 3' END AS target
    FROM bench_wait GROUP BY name ORDER BY longest_ms"
  measure_fill
  sg_cluster_stop backfill
}
