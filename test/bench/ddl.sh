# ddl.sh: what catching DDL costs. Sourced by run.sh, which says how to call it.
#
# CREATE TABLE with a primary key, with event triggers and without, in turns; the ratio of each pair of batches, of the
# time that a command takes with fsync on, which is what a user waits for, of the time without waiting for the disk, and
# of the processor's time alone. Then the first command of a session, which has the library loaded.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

# Sessions whose first command is timed: without capture, with it, with it and the library loaded beforehand
measure_ddl_first() {
  local n=$1 i variant
  for ((i = 0; i < n; i++)); do
    for variant in without captured preloaded; do
      tell ddl -c "SELECT sg_capture_ddl($([ "$variant" = without ] && echo false || echo true))" > "$SG_DIR/ddl.out"
      PGOPTIONS="$([ "$variant" = preloaded ] && echo "-c session_preload_libraries=schemaguard")" \
        tell ddl -c "CALL bench_first('$variant')" > "$SG_DIR/ddl.out"
      tell ddl -c "DROP TABLE bench_first_one" > "$SG_DIR/ddl.out"
    done
  done
  sg_as psql -qX -d ddl -c "
    SELECT variant AS \"first command of a session\", count(*) AS sessions,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY us)::numeric) AS us
    FROM bench_first GROUP BY variant ORDER BY 3"
}

measure_ddl() {
  local pairs round waits
  pairs=$(scaled 16)
  [ "$pairs" -ge 2 ] || pairs=2
  sg_cluster_start ddl 'fsync = on' 'shared_buffers = 256MB' 'autovacuum = off' 'jit = off'
  new_database ddl
  tell ddl -f "$bench/ddl.sql"
  sg_say "CREATE TABLE with a primary key, $rounds rounds, each $((pairs * 50)) times with and without capture"
  for ((round = 1; round <= rounds; round++)); do
    for waits in true false; do
      # what was dropped is cleared away, or the catalogs would grow from round to round
      tell ddl -c "VACUUM" -c "CALL bench_ddl($round, $pairs, 50, $waits)"
    done
  done
  sg_as psql -qX -d ddl -c "
    SELECT t.name AS \"time\", count(*) AS pairs,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.plain)::numeric) AS without_us,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.caught)::numeric) AS captured_us,
           round(percentile_cont(0.25) WITHIN GROUP (ORDER BY t.caught / t.plain)::numeric, 3) AS quarter,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.caught / t.plain)::numeric, 3) AS ratio,
           round(percentile_cont(0.75) WITHIN GROUP (ORDER BY t.caught / t.plain)::numeric, 3) AS three_quarters,
           1.05 AS target
    FROM bench_ddl w JOIN bench_ddl o USING (round, pair, waits),
         LATERAL (VALUES ('elapsed', o.us, w.us), ('processor', o.cpu_us, w.cpu_us)) v(name, plain, caught),
         LATERAL (SELECT v.name || CASE WHEN waits THEN ', fsync' ELSE '' END, v.plain, v.caught) t(name, plain, caught)
    WHERE w.captured AND NOT o.captured
    GROUP BY t.name ORDER BY t.name"
  measure_ddl_first "$(awk -v s="$scale" 'BEGIN { n = int(20 * s); print n < 3 ? 3 : n }')"
  sg_cluster_stop ddl
}
