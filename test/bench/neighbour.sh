# neighbour.sh: what calls do to the server around them, beside core's or the plain statement's, in one run. Sourced by
# run.sh, which says how to call it. docs/operating.md has its figures.
#
# A busy table (pgbench updates it in two sessions), a child with two keys to a parent, and what each call does meanwhile:
# rows that VACUUM can't remove, WAL, latencies of writers at the same pace, buffers of the busy table that go, transaction
# IDs, the wait of a new logical slot, autovacuums that are cancelled. fsync and autovacuum are on.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

neighbour_sql() { sg_as psql -qXAt -v ON_ERROR_STOP=1 -d neighbour -c "SET client_min_messages = error" "$@"; }

# The same with a script on standard input
neighbour_script() { sg_as psql -qXAt -v ON_ERROR_STOP=1 -d neighbour -c "SET client_min_messages = error" -f -; }

# neighbour_note MEASURE WHAT FIGURE
neighbour_note() { neighbour_sql -c "INSERT INTO bench_neighbour VALUES ('$1', '$2', round(($3)::numeric, 2))"; }

# neighbour_alone: nothing waits for disk, and the counters are even
neighbour_alone() { neighbour_sql -c 'VACUUM ANALYZE' -c 'CHECKPOINT' > /dev/null; }

# neighbour_load RATE SCRIPT NAME: the application in the background, until neighbour_calm
neighbour_load() {
  local rate=()
  [ "$1" = 0 ] || rate=(-R "$1")
  sg_as rm -f "$SG_DIR"/neighbour_log.*
  sg_wait pgbench -n -d neighbour -c 2 -j 1 -T 3600 "${rate[@]}" -l --log-prefix="$SG_DIR/neighbour_log" -f "$SG_DIR/$2.pgbench" \
    > "$SG_DIR/neighbour.out" 2>&1 &
  neighbour_load=$!
  until compgen -G "$SG_DIR/neighbour_log.*" > /dev/null; do sleep 0.1; done
}

neighbour_calm() {
  neighbour_sql -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pgbench'" > /dev/null
  wait "$neighbour_load" || true
}

# neighbour_dead NAME SQL...: the most rows of the busy table that are dead and can't be removed while the call runs
neighbour_dead() {
  local most=0 now call name=$1
  shift
  neighbour_alone
  neighbour_load 0 busy
  neighbour_sql "$@" > "$SG_DIR/neighbour.call" 2>&1 &
  call=$!
  while kill -0 $call 2> /dev/null; do
    sg_as psql -qXAt -d neighbour -c 'VACUUM (VERBOSE, INDEX_CLEANUP off, TRUNCATE off) busy' > "$SG_DIR/neighbour.vacuum" 2>&1 \
      || sg_die "$name: $(tail -n 2 "$SG_DIR/neighbour.vacuum")"
    now=$(sed -n 's/.* \([0-9]*\) \(are dead but not yet removable\|dead row versions cannot be removed yet\).*/\1/p' "$SG_DIR/neighbour.vacuum" | awk '{ n += $1 } END { print n + 0 }')
    # what ended meanwhile does not count
    kill -0 $call 2> /dev/null || break
    [ "${now:-0}" -le "$most" ] || most=$now
  done
  wait $call || sg_die "$name: $(tail -n 2 "$SG_DIR/neighbour.call")"
  neighbour_calm
  neighbour_note 'dead rows held' "$name" "$most"
}

# neighbour_cost NAME ROWS SQL...: WAL and transaction IDs of a call that is alone
neighbour_cost() {
  local before after name=$1 rows=$2 look="SELECT pg_current_wal_insert_lsn() - '0/0' || ' ' || txid_snapshot_xmax(txid_current_snapshot())"
  shift 2
  neighbour_alone
  before=$(neighbour_sql -c "$look")
  neighbour_sql "$@" > "$SG_DIR/neighbour.call" 2>&1 || sg_die "$name: $(tail -n 2 "$SG_DIR/neighbour.call")"
  after=$(neighbour_sql -c "$look")
  [ "$rows" = 0 ] || neighbour_note 'WAL, bytes a row' "$name" "(${after% *} - ${before% *})::numeric / $rows"
  neighbour_note 'transaction IDs, subtransactions counted in' "$name" "${after#* } - ${before#* }"
}

# neighbour_slot NAME SQL...: how long a new logical slot waits that is asked for once the call reads
neighbour_slot() {
  local call began name=$1
  shift
  neighbour_alone
  neighbour_sql "$@" > "$SG_DIR/neighbour.call" 2>&1 &
  call=$!
  until [ "$(neighbour_sql -c "SELECT count(*) FROM pg_locks WHERE relation = 'child'::regclass AND pid <> pg_backend_pid()")" -gt 0 ]; do
    kill -0 $call 2> /dev/null || break
  done
  began=$(date +%s%N)
  neighbour_sql -c "SELECT pg_create_logical_replication_slot('bench', 'test_decoding')" > /dev/null
  neighbour_note 'wait of a new slot, ms' "$name" "$((($(date +%s%N) - began) / 1000000))"
  neighbour_sql -c "SELECT pg_drop_replication_slot('bench')" > /dev/null
  wait $call || sg_die "$name: $(tail -n 2 "$SG_DIR/neighbour.call")"
}

# neighbour_buffers NAME SQL...: buffers of the busy table that have gone
neighbour_buffers() {
  local before after name=$1 look="SELECT count(*) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('busy') AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())"
  shift
  neighbour_alone
  neighbour_sql -c "SELECT sum(hashtext(pad)) FROM busy" -c "SELECT sum(hashtext(pad)) FROM busy" > /dev/null
  before=$(neighbour_sql -c "$look")
  neighbour_sql "$@" > "$SG_DIR/neighbour.call" 2>&1 || sg_die "$name: $(tail -n 2 "$SG_DIR/neighbour.call")"
  after=$(neighbour_sql -c "$look")
  neighbour_note 'buffers of a busy table evicted' "$name" "$before - $after"
}

# neighbour_writers NAME SQL...: p99 and p99.9 of 800 updates a second of the table that is filled, which is made anew;
# and what became of autovacuums of it
neighbour_writers() {
  local name=$1 cancelled vacuums
  shift
  neighbour_script > /dev/null <<SQL
SET client_min_messages = error;
DROP TABLE IF EXISTS filled;
CREATE TABLE filled (id int PRIMARY KEY, n int, note text) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
INSERT INTO filled SELECT g, g, 'a' FROM generate_series(1, $neighbour_fill) g;
SELECT sg_plan_create('fill', replace => true), sg_plan_add_column('fill', 'filled', 'b', 'int', fill => 'n * 2');
SQL
  neighbour_alone
  cancelled=$(grep -c 'canceling autovacuum task' "$SG_DIR/neighbour/server.log" || true)
  vacuums=$(neighbour_sql -c "SELECT autovacuum_count FROM pg_stat_user_tables WHERE relname = 'filled'")
  neighbour_load 800 filled
  neighbour_sql "$@" > "$SG_DIR/neighbour.call" 2>&1 || sg_die "$name: $(tail -n 2 "$SG_DIR/neighbour.call")"
  neighbour_calm
  cat "$SG_DIR"/neighbour_log.* | awk 'NF >= 6 { print $3 - $NF }' | sort -n > "$SG_DIR/neighbour.us"
  neighbour_note 'writers, p99 in ms' "$name" "$(awk '{ a[NR] = $1 } END { print a[int(NR * 0.99)] / 1000 }' "$SG_DIR/neighbour.us")"
  neighbour_note 'writers, p99.9 in ms' "$name" "$(awk '{ a[NR] = $1 } END { print a[int(NR * 0.999)] / 1000 }' "$SG_DIR/neighbour.us")"
  neighbour_note 'writers, longest in ms' "$name" "$(tail -n 1 "$SG_DIR/neighbour.us") / 1000.0"
  neighbour_note 'autovacuums cancelled' "$name" "$(($(grep -c 'canceling autovacuum task' "$SG_DIR/neighbour/server.log" || true) - cancelled))"
  neighbour_note 'autovacuums finished' "$name" "(SELECT autovacuum_count - $vacuums FROM pg_stat_user_tables WHERE relname = 'filled')"
}

measure_neighbour() {
  local rows keys round plain_fill attempts
  rows=$(scaled 2000000)
  keys=$(scaled 100)
  neighbour_fill=$(scaled 200000)
  [ "$keys" -ge 10 ] || keys=10
  sg_cluster_start neighbour 'fsync = on' 'wal_level = logical' "shared_buffers = $(($(scaled 100) + 64))MB" 'jit = off' 'max_wal_size = 4GB' \
    'autovacuum_naptime = 1s' 'schemaguard.fix_limit = -1'
  new_database neighbour
  echo "\\set id random(1, $(scaled 200000))
UPDATE busy SET n = n + 1 WHERE id = :id;" > "$SG_DIR/busy.pgbench"
  echo "\\set id random(1, $neighbour_fill)
UPDATE filled SET note = 'x' WHERE id = :id;" > "$SG_DIR/filled.pgbench"
  chmod a+r "$SG_DIR"/{busy,filled}.pgbench
  neighbour_script > /dev/null <<SQL
CREATE EXTENSION pg_buffercache;
CREATE TABLE bench_neighbour (measure text, what text, figure numeric, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE busy (id int PRIMARY KEY, n int, pad text) WITH (fillfactor = 80, autovacuum_enabled = off);
INSERT INTO busy SELECT g, 0, repeat('x', 100) FROM generate_series(1, $(scaled 200000)) g;
CREATE TABLE parent (id int PRIMARY KEY, pad text);
INSERT INTO parent SELECT g, repeat('y', 100) FROM generate_series(1, $rows / 10) g;
CREATE TABLE child (id int, a int, pad text);
INSERT INTO child SELECT g, 1 + g % ($rows / 10), repeat('z', 60) FROM generate_series(1, $rows) g;
ALTER TABLE child ADD CONSTRAINT child_a FOREIGN KEY (a) REFERENCES parent NOT VALID;
CREATE INDEX ON child (a);
CREATE TABLE bad (id int PRIMARY KEY, a int, pad text);
CREATE TABLE one (id int PRIMARY KEY);
INSERT INTO one VALUES (1);
SQL
  sg_say "$rows rows of a child, $keys keys, $neighbour_fill rows to fill, $rounds rounds of that"

  neighbour_dead 'VALIDATE CONSTRAINT' -c 'ALTER TABLE child VALIDATE CONSTRAINT child_a'
  neighbour_sql -c 'ALTER TABLE child DROP CONSTRAINT child_a, ADD CONSTRAINT child_a FOREIGN KEY (a) REFERENCES parent NOT VALID'
  neighbour_dead 'sg_orphan_audit' -c "SELECT * FROM sg_orphan_audit('child')"
  neighbour_dead 'sg_audit_gate' -c "CALL sg_audit_gate(fail => false)"

  neighbour_slot 'VALIDATE CONSTRAINT' -c 'ALTER TABLE child VALIDATE CONSTRAINT child_a'
  neighbour_sql -c 'ALTER TABLE child DROP CONSTRAINT child_a, ADD CONSTRAINT child_a FOREIGN KEY (a) REFERENCES parent NOT VALID'
  neighbour_slot 'sg_orphan_audit' -c "SELECT * FROM sg_orphan_audit('child')"
  neighbour_slot 'sg_audit_gate' -c "CALL sg_audit_gate(fail => false)"

  neighbour_buffers 'VALIDATE CONSTRAINT' -c 'ALTER TABLE child VALIDATE CONSTRAINT child_a'
  neighbour_sql -c 'ALTER TABLE child DROP CONSTRAINT child_a, ADD CONSTRAINT child_a FOREIGN KEY (a) REFERENCES parent NOT VALID'
  neighbour_buffers 'sg_orphan_audit' -c "SELECT * FROM sg_orphan_audit('child')"

  # a column is filled
  neighbour_sql -c "CREATE TABLE filled AS SELECT g AS id, g AS n FROM generate_series(1, $neighbour_fill) g" -c 'ALTER TABLE filled ADD PRIMARY KEY (id)' \
    -c "SELECT sg_plan_create('fill'), sg_plan_add_column('fill', 'filled', 'b', 'int', fill => 'n * 2')" > /dev/null
  neighbour_cost 'fill: sg_apply' "$neighbour_fill" -c "CALL sg_apply('fill')"
  neighbour_sql -c "ALTER TABLE filled DROP b CASCADE"
  neighbour_cost 'fill: one UPDATE' "$neighbour_fill" -c "ALTER TABLE filled ADD b int" -c "UPDATE filled SET b = n * 2"

  # rows go, with a copy
  neighbour_sql -c "INSERT INTO bad SELECT g, 2, repeat('q', 100) FROM generate_series(1, $neighbour_fill / 10) g" \
    -c "SELECT sg_plan_create('bad'), sg_plan_add_fk('bad', 'bad', '{a}', 'one', orphans => 'quarantine')" > /dev/null
  neighbour_cost 'orphans: sg_fix_orphans, quarantine' $((neighbour_fill / 10)) -c "CALL sg_add_fks('bad', validate => false)" -c "CALL sg_fix_orphans('bad')"
  neighbour_sql -c "INSERT INTO one VALUES (2)" -c "INSERT INTO bad SELECT g, 2, repeat('q', 100) FROM generate_series(1, $neighbour_fill / 10) g ON CONFLICT DO NOTHING"
  neighbour_cost 'orphans: a copy by INSERT, and DELETE' $((neighbour_fill / 10)) \
    -c "CREATE TABLE bad_copy AS SELECT * FROM bad WHERE false" -c "BEGIN; INSERT INTO bad_copy SELECT * FROM bad; DELETE FROM bad; COMMIT"

  # keys are tried
  neighbour_script > /dev/null <<SQL
SELECT format('CREATE TABLE try_%s (id int PRIMARY KEY, a int REFERENCES parent); INSERT INTO try_%s SELECT g, g FROM generate_series(1, 1000) g; CREATE INDEX ON try_%s (a)', g, g, g) FROM generate_series(1, $keys) g \\gexec
SQL
  attempts="DO \$\$ DECLARE k int; BEGIN FOR k IN 1 .. $keys LOOP FOR i IN 1 .. 5 LOOP BEGIN EXECUTE format('INSERT INTO try_%s VALUES (-1, -1)', k);
    EXCEPTION WHEN foreign_key_violation THEN END; END LOOP; END LOOP; END \$\$"
  neighbour_cost "$keys keys tried: sg_verify_fks, live" 0 -c "SELECT * FROM sg_verify_fks(live => true)"
  neighbour_cost "$keys keys tried: five subtransactions each" 0 -c "$attempts"
  neighbour_cost 'audit: sg_audit_gate' 0 -c "CALL sg_audit_gate(fail => false)"

  # the pace of a filler: plain batches, and the same again, beside ours
  neighbour_script > /dev/null <<SQL
CREATE PROCEDURE plain_fill(most int) LANGUAGE plpgsql AS \$\$
DECLARE first int := 1; began timestamptz;
BEGIN
  WHILE first <= most LOOP
    began := clock_timestamp();
    UPDATE filled SET b = n * 2 WHERE id BETWEEN first AND first + 1999 AND b IS NULL;
    COMMIT;
    PERFORM pg_sleep(greatest(extract(epoch FROM clock_timestamp() - began), 0.1));
    first := first + 2000;
  END LOOP;
END \$\$;
SQL
  plain_fill=(-c 'ALTER TABLE filled ADD b int' -c "CALL plain_fill($neighbour_fill)")
  for ((round = 0; round < rounds; round++)); do
    neighbour_writers 'plain batches of 2,000 rows' "${plain_fill[@]}"
    neighbour_writers 'sg_apply' -c "CALL sg_apply('fill')"
    neighbour_writers 'plain batches again' "${plain_fill[@]}"
  done

  sg_as psql -qX -d neighbour -c "
    SELECT measure, what, percentile_cont(0.5) WITHIN GROUP (ORDER BY figure)::numeric(12, 2) AS median,
           CASE WHEN count(*) > 1 THEN min(figure) || ' to ' || max(figure) END AS spread
    FROM bench_neighbour GROUP BY measure, what ORDER BY min(at)"
  sg_cluster_stop neighbour
}
