# rows.sh: discovery with rows: how much better it is, how long it takes, how much memory. Sourced by run.sh.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

# The candidates of one schema with the rows of one seed, in a database of their own
rows_of_schema() {
  local facts=$1 seed=$2 name
  name=$(basename "$facts")
  sg_as env PGOPTIONS="-c client_min_messages=warning" bash "$corpus/load_facts.sh" "${facts%/}" "rows_${name}_$seed" --no-fks > /dev/null
  perl "$here/rows.pl" "$facts" "$seed" 2>> "$SG_DIR/rows.log" | tell "rows_${name}_$seed" > /dev/null
  { fact_truth "$facts"; echo 'ANALYZE;'; candidates; } | tell "rows_${name}_$seed" -F $'\t' > "$SG_DIR/$name.$seed.statistics.tsv"
  { fact_truth "$facts"; rows_of_all; } | tell "rows_${name}_$seed" -F $'\t' > "$SG_DIR/$name.$seed.rows.tsv"
  sg_as dropdb "rows_${name}_$seed"
  mv "$SG_DIR/$name.$seed.statistics.tsv" "$SG_DIR/$name.$seed.rows.tsv" "$rows_dir/"
}

# Precision and recall with rows that rows.pl makes up, SEEDS times for each schema; on top of what the names say (sums)
measure_rows() {
  local facts seed rows_dir=${ROWS_DIR:-$SG_DIR/rows} options=(--directions "$SG_ROOT/src/discover/discover_signal.h" --sums "$SG_DIR/sums.tsv")
  mkdir -p "$rows_dir"
  for facts in "$corpus"/*/; do
    ! in_test_part "$(basename "$facts")" || continue
    for seed in $(seq "${SEEDS:-2}"); do
      [ ! -s "$rows_dir/$(basename "$facts").$seed.rows.tsv" ] || continue
      while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
      rows_of_schema "$facts" "$seed" &
    done
  done
  wait
  for facts in "$corpus"/*/; do
    ! in_test_part "$(basename "$facts")" || continue
    for seed in $(seq "${SEEDS:-2}"); do
      [ -s "$rows_dir/$(basename "$facts").$seed.rows.tsv" ] || sg_die "no rows of $(basename "$facts"), seed $seed"
    done
  done
  [ -z "${FIT:-}" ] || options+=(--weights "$SG_ROOT/sql/parts/73_discover_rows_weight.sql")
  sg_say
  sg_say "the same with statistics and rows:"
  perl "$here/fit_rows.pl" "${options[@]}" "$rows_dir"/*.tsv
}

# Every candidate's rows are looked at, whatever its names say: which of them count is for fit_rows.pl to tell
rows_of_all() {
  echo 'CREATE EXTENSION IF NOT EXISTS schemaguard;'
  sed "s/sg_discovery_candidates()/sg_discovery_candidates('sample')/" "$here/candidates.sql"
}

# The time with rows, on a processor, beside what it takes to read each table of a database once; in turns, one session each
measure_ratio() {
  local verify
  tell "$1" -c "SELECT format('SELECT %s FROM %s', string_agg(format('count(%I)', attname), ', '), attrelid::regclass) FROM pg_attribute
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AND attnum > 0
    GROUP BY attrelid" | sed "s|\$| \\\\g /dev/null|" > "$SG_DIR/read_once.sql"
  for _ in 1 2 3; do
    {
      echo 'SET max_parallel_workers_per_gather = 0; SET schemaguard.audit_workers = 0;'
      spent read "\\i $SG_DIR/read_once.sql"
      for verify in sample full; do
        spent "$verify" "SELECT count(*) AS found FROM sg_discover_fks_details(verify => '$verify') \\gset"
        printf "%s\n" "SELECT format('  %-6s  %s s (%s proposals), each table read once %s s, ratio %s', '$verify', round(:$verify, 2), :found," \
          "round(:read, 2), round(:$verify / :read, 2));"
      done
    } | tell "$1" -f -
  done
}

# psql's commands to run some and to set a variable to the seconds that the server has spent on them
spent() {
  local now="split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1e9"
  printf '%s\n' "SELECT $now AS before \\gset" "$2" "SELECT $now - :before AS $1 \\gset"
}

# Every column could refer to something, and does
measure_rows_speed() {
  sg_as createdb filled
  tell filled > /dev/null <<'SQL'
SET client_min_messages = error;
CREATE EXTENSION schemaguard;
SELECT format('CREATE TABLE thing%s (id bigint PRIMARY KEY, %s, note text)', i,
              string_agg(format('thing%s_id bigint', (i + c * 3) % 20), ', '))
FROM generate_series(0, 19) i, generate_series(1, 6) c GROUP BY i \gexec
SELECT format('INSERT INTO thing%s SELECT g, %s, md5(g::text) FROM generate_series(1, %s) g', i,
              string_agg(format('g::bigint * %s %% %s + 1', 7919 + c, (100000 + (i + c * 3) % 20 * 20000)), ', '), 100000 + i * 20000)
FROM generate_series(0, 19) i, generate_series(1, 6) c GROUP BY i \gexec
VACUUM ANALYZE;
SQL
  sg_say
  sg_say "20 tables, 6 million rows, 120 references, three times each:"
  measure_ratio filled
}

# References of two columns, all of which the rows refute: one of the columns is one alone
measure_refuted() {
  sg_as createdb refuted
  tell refuted > /dev/null <<'SQL'
SET client_min_messages = error;
CREATE EXTENSION schemaguard;
SELECT format('CREATE TABLE depot%s (id int PRIMARY KEY, tenant_id int, %s, UNIQUE (tenant_id, id))', i,
              string_agg(format('depot%s_id int', (i + c * 3) % 10), ', '))
FROM generate_series(0, 9) i, generate_series(1, 3) c GROUP BY i \gexec
SELECT format('INSERT INTO depot%s SELECT g, g %% 100 + 1, %s FROM generate_series(1, 100000) g', i,
              string_agg(format('(g::bigint * %s + 50) %% 100000 + 1', 7919 + c * 100), ', '))
FROM generate_series(0, 9) i, generate_series(1, 3) c GROUP BY i \gexec
VACUUM ANALYZE;
SQL
  sg_say
  sg_say "10 tables, a million rows, 30 references of two columns that are none, three times each:"
  measure_ratio refuted
}

# RssAnon of a backend with a million candidates at once, and with those of some tables at a time
measure_many() {
  local memory pid peak now
  sg_as createdb many
  tell many > /dev/null <<'SQL'
SET client_min_messages = error;
CREATE EXTENSION schemaguard;
SELECT format('CREATE SCHEMA s%s', s) FROM generate_series(1, 8) s \gexec
SELECT format('CREATE TABLE s%s.noun%s (id int PRIMARY KEY)', s, n) FROM generate_series(1, 8) s, generate_series(1, 20) n \gexec
SELECT format('CREATE TABLE wide%s (%s)', t, string_agg(format('r%s_noun%s_id int', c, c % 20 + 1), ', '))
FROM generate_series(1, 79) t, generate_series(1, 1590) c GROUP BY t \gexec
SQL
  sg_say
  sg_say "125,610 columns with eight candidates each, a million in all:"
  for memory in 1GB 64MB; do
    exec 3> "$SG_DIR/many.sql"
    printf "SET client_min_messages = error; SET schemaguard.audit_memory = '%s';\n" "$memory" >&3
    printf "%s\n" "SELECT pg_backend_pid() \\g '$SG_DIR/many.pid'" "SELECT count(*) FROM schemaguard.sg_discovery_candidates();" >&3
    exec 3>&-
    rm -f "$SG_DIR/many.pid" && touch "$SG_DIR/many.pid" && chmod 666 "$SG_DIR/many.pid"
    tell many -f "$SG_DIR/many.sql" > "$SG_DIR/many.out" &
    peak=0
    while kill -0 $! 2> /dev/null; do
      pid=$(cat "$SG_DIR/many.pid")
      now=$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${pid:-self}/status" 2> /dev/null || true)
      [ "${now:-0}" -le "$peak" ] || peak=$now
      sleep 0.05
    done
    wait $!
    sg_say "  schemaguard.audit_memory = $memory: $(tail -n 1 "$SG_DIR/many.out") candidates, $((peak / 1024)) MB at most"
  done
  sg_as dropdb many
}
