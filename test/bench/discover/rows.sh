# rows.sh: discovery with rows: how much better it is, how long it takes, how much memory. Sourced by run.sh.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

# The candidates of one schema with the rows of one seed, in a database of their own
rows_of_schema() {
  local facts=$1 seed=$2 name
  name=$(basename "$facts")
  sg_as env PGOPTIONS="-c client_min_messages=warning" bash "$corpus/load_facts.sh" "${facts%/}" "rows_${name}_$seed" --no-fks > /dev/null
  perl "$here/rows.pl" "$facts" "$seed" 2>> "$SG_DIR/rows.log" | tell "rows_${name}_$seed" > /dev/null
  { fact_truth "$facts"; rows_of_all; } | tell "rows_${name}_$seed" -F $'\t' > "$SG_DIR/$name.$seed.tsv"
  sg_as dropdb "rows_${name}_$seed"
  mv "$SG_DIR/$name.$seed.tsv" "$rows_dir/"
}

# Precision and recall with rows that rows.pl makes up, SEEDS times for each schema; on top of what the names say (sums)
measure_rows() {
  local facts seed rows_dir=${ROWS_DIR:-$SG_DIR/rows} options=(--sums "$SG_DIR/sums.tsv")
  mkdir -p "$rows_dir"
  for facts in "$corpus"/*/; do
    for seed in $(seq "${SEEDS:-2}"); do
      [ ! -s "$rows_dir/$(basename "$facts").$seed.tsv" ] || continue
      while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
      rows_of_schema "$facts" "$seed" &
    done
  done
  wait
  for facts in "$corpus"/*/; do
    for seed in $(seq "${SEEDS:-2}"); do
      [ -s "$rows_dir/$(basename "$facts").$seed.tsv" ] || sg_die "no rows of $(basename "$facts"), seed $seed"
    done
  done
  [ -z "${FIT:-}" ] || options+=(--weights "$SG_ROOT/sql/parts/62_discovery_rows_weight.sql")
  [ -z "${VERBOSE:-}" ] || options+=(--verbose)
  sg_say
  sg_say "the same with statistics and rows:"
  perl "$here/fit_rows.pl" "${options[@]}" "$rows_dir"/*.tsv
}

# Every candidate's rows are looked at, whatever its names say: which of them count is for fit_rows.pl to tell
rows_of_all() {
  echo 'ANALYZE; CREATE EXTENSION IF NOT EXISTS schemaguard;'
  sed "s/sg_discovery_candidates()/sg_discovery_candidates('sample')/" "$here/candidates.sql"
}

# The time with rows, beside what it takes to read each table once: every column that could refer to something
measure_rows_speed() {
  local start middle end verify
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
  for _ in 1 2 3; do
    start=$(date +%s%N)
    tell filled -c "SELECT format('SELECT %s FROM thing%s', (SELECT string_agg(format('count(%I)', attname), ', ')
      FROM pg_attribute WHERE attrelid = format('thing%s', i)::regclass AND attnum > 0), i) FROM generate_series(0, 19) i" \
      | { echo 'SET max_parallel_workers_per_gather = 0;'; sed 's/$/;/'; } | tell filled -f - > /dev/null
    middle=$(date +%s%N)
    for verify in sample full; do
      found=$(tell filled -c 'SET schemaguard.audit_workers = 0' -c "SELECT count(*) FROM sg_discover_fks(verify => '$verify')")
      end=$(date +%s%N)
      awk -v v="$verify" -v n="$found" -v a="$((end - middle))" -v b="$((middle - start))" \
        'BEGIN { printf "  %-6s  %.2f s (%d proposals), each table read once %.2f s, ratio %.2f\n", v, a / 1e9, n, b / 1e9, a / b }'
      start=$((start + end - middle)) middle=$end
    done
  done
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
