# ddl.sh: what catching DDL costs. Sourced by run.sh, which says how to call it.
#
# CREATE TABLE with a primary key, with event triggers and without, in turns; the ratio of each pair of batches, of the time
# that a command takes with fsync on, which is what a user waits for, and of the processor's time alone.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

measure_ddl() {
  local batches
  batches=$(scaled 40)
  [ "$batches" -ge 3 ] || batches=3
  sg_cluster_start ddl 'fsync = on' 'shared_buffers = 256MB' 'autovacuum = off'
  new_database ddl
  sg_say "CREATE TABLE with a primary key, $((batches * 50)) with and $((batches * 50)) without capture"
  tell ddl -v "batches=$batches" -f "$bench/ddl.sql"
  sg_as psql -qX -d ddl -c "
    SELECT name AS \"time\", round(without::numeric) AS without_us, round(captured::numeric) AS captured_us,
           round(ratio::numeric, 3) AS ratio, 1.05 AS target
    FROM (SELECT 'elapsed, fsync on' AS name, percentile_cont(0.5) WITHIN GROUP (ORDER BY o.us) AS without,
                 percentile_cont(0.5) WITHIN GROUP (ORDER BY w.us) AS captured, percentile_cont(0.5) WITHIN GROUP (ORDER BY w.us / o.us) AS ratio
          FROM bench_ddl w JOIN bench_ddl o USING (batch) WHERE w.captured AND NOT o.captured
          UNION ALL
          SELECT 'processor', percentile_cont(0.5) WITHIN GROUP (ORDER BY o.cpu_us), percentile_cont(0.5) WITHIN GROUP (ORDER BY w.cpu_us),
                 percentile_cont(0.5) WITHIN GROUP (ORDER BY w.cpu_us / o.cpu_us)
          FROM bench_ddl w JOIN bench_ddl o USING (batch) WHERE w.captured AND NOT o.captured) x"
  sg_cluster_stop ddl
}
