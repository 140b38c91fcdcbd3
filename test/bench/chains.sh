# chains.sh: orphans with chains of rows behind them, and in a circle, into quarantine and back. Sourced by run.sh, which says how to call it.
#
# 47,000 rows in chains of six tables, and a circle of 2,350 rows, for SCALE=1; half of that before, which says whether it grows as the rows do.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

measure_chains() {
  local rows plan name
  start_server chains
  for rows in $(awk -v s="$scale" 'BEGIN { print int(23500 * s), int(47000 * s) }'); do
    name=chains_$rows
    new_database "$name" -v rows="$rows" -f "$bench/chains.sql"
    for plan in chains circle; do
      sg_as psql -qX -v ON_ERROR_STOP=1 -d "$name" -c 'SET client_min_messages = warning' -c "CALL sg_add_fks('$plan', fix => true, fail => true, max_rows => $rows)" \
        -c "CALL sg_rollback_fks('$plan', fail => true)" || sg_die "stopped while measuring: chains"
    done
    sg_as psql -qX -d "$name" -c "
      SELECT $rows AS rows, plan, action, sum(rows_affected) AS rows_moved, count(*) AS batches, round((sum(elapsed_ms) / 1000)::numeric, 1) AS seconds
      FROM schemaguard.audit_log WHERE action IN ('fix', 'restore') AND phase = 'done' GROUP BY plan, action ORDER BY plan, action"
  done
  sg_cluster_stop chains
}
