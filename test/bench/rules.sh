# rules.sh: what it takes to validate all constraints of a table. Sourced by run.sh, which says how to call it.
#
# A table of 5 million rows with four foreign keys, three CHECKs and two columns that are to be NOT NULL, all of them added
# NOT VALID. The server validates one after the other, CALL sg_apply with schemaguard.validate_with = scan in one pass.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

measure_rules() {
  local round variant arguments=()
  start_server rules
  new_database rules -f "$bench/rules.sql"
  sg_say "4 keys, 3 CHECKs, 2 NOT NULLs of $child_rows rows, $rounds rounds"
  for ((round = 0; round <= rounds; round++)); do
    arguments+=(-c "\\set round $round")
    for variant in rules_core rules_scan; do
      arguments+=(-c "\\set variant $variant" -f "$bench/timed/$variant.sql")
    done
  done
  tell rules -f "$bench/session.sql" "${arguments[@]}" || sg_die "stopped while measuring: rules"
  sg_as psql -qX -d rules -c "
    SELECT count(*) AS rounds, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.seconds)::numeric, 2) AS one_by_one_s,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds)::numeric, 2) AS one_pass_s,
           round(percentile_cont(0.25) WITHIN GROUP (ORDER BY c.seconds / s.seconds)::numeric, 1) AS quarter,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.seconds / s.seconds)::numeric, 1) AS times_faster,
           round(percentile_cont(0.75) WITHIN GROUP (ORDER BY c.seconds / s.seconds)::numeric, 1) AS three_quarters, 10 AS target
    FROM bench.sample c JOIN bench.sample s USING (round) WHERE c.variant = 'rules_core' AND s.variant = 'rules_scan'"
  sg_cluster_stop rules
}
