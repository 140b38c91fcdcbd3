# linear.sh: calls on many tables, and on plans of many steps: processor time and private memory for four times as many,
# against four times what they take. Sourced by run.sh, which says how to call it. docs/internals/measurements.md has its figures.
#
# Two databases, of so many tables and of four times as many, all of them empty, with one declared key each and one that is missing; a plan has
# the keys that are missing of half of them. Policy set keeps old values in a table without statistics. Each call has a session of its own. The target is 1.2 times linear, for both.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

# What is called, in this order: a title, and SQL in which N is the number of tables
linear_calls=(
  'sg_status|SELECT count(*) FROM sg_status()'
  'sg_orphan_audit|SELECT count(*) FROM sg_orphan_audit_details()'
  'sg_lint|SELECT count(*) FROM sg_lint_details()'
  'sg_health|SELECT sg_health()'
  'sg_snapshot_take|SELECT sg_snapshot_take('"'linear'"')'
  'sg_drift|SELECT count(*) FROM sg_drift_details('"'linear'"')'
  'sg_compare_fks|SELECT count(*) FROM sg_compare_fks('"'linear'"')'
  'sg_discover_fks, names|SELECT count(*) FROM sg_discover_fks_details(verify => '"'none'"')'
  'sg_discover_fks|SELECT count(*) FROM sg_discover_fks_details()'
  'sg_discover_unmatched|SELECT count(*) FROM schemaguard.sg_discover_unmatched()'
  'sg_plan_from_discovery|SELECT sg_plan_create('"'d'"'), sg_plan_from_discovery('"'d'"')'
  'sg_plan_skip|SELECT sg_plan_skip('"'d'"', sg_plan_steps('"'d'"'), '"'later'"')'
  'sg_plan_create|SELECT sg_plan_create('"'p'"'), sg_plan_create('"'o'"'), sg_plan_add_rename('"'o'"', '"'column'"', '"'t_0'"', '"'text'"', '"'note'"')'
  'sg_plan_add_fk, one by one|SELECT count(sg_plan_add_fk('"'p'"', '"'t_'"' || g, '"'t_'"' || (g + N - 7) % N || '"'_id'"', '"'t_'"' || (g + N - 7) % N)) FROM generate_series(0, N / 2 - 1) g'
  'the same, in a plan with an order|SELECT count(sg_plan_add_fk('"'o'"', '"'t_'"' || g, '"'t_'"' || (g + N - 7) % N || '"'_id'"', '"'t_'"' || (g + N - 7) % N)) FROM generate_series(1, N / 2) g'
  'sg_plan_set, all steps|SELECT sg_plan_set('"'p'"', sg_plan_steps('"'p'"'), '"'{\"orphans\": \"quarantine\"}'"')'
  'sg_plan_check|SELECT count(*) FROM sg_plan_check_details('"'p'"')'
  'sg_plan_add_statement|SELECT sg_plan_create('"'s'"'), (SELECT count(sg_plan_add_statement('"'s'"', format('"'UPDATE %st_%s SET note = %L'"', CASE WHEN g % 2 = 0 THEN '"'public.'"' ELSE '"''"' END, g, g))) FROM generate_series(0, N / 2 - 1) g)'
  'sg_plan_check, of statements|SELECT count(*) FROM sg_plan_check_details('"'s'"')'
  'sg_plan_referencing|SELECT count(*) FROM sg_plan_referencing('"'p'"')'
  'sg_fix_orphans, dry run|CALL sg_fix_orphans('"'p'"', dry_run => true)'
  'sg_plan_sql|SELECT count(*) FROM sg_plan_sql('"'p'"')'
  'sg_apply|CALL sg_apply('"'p'"')'
  'sg_verify_fks|SELECT count(*) FROM sg_verify_fks_details('"'p'"')'
  'sg_verify_fks, live|SELECT count(*) FROM sg_verify_fks_details('"'p'"', live => true)'
  'sg_report|SELECT length(sg_report('"'p'"'))'
  'sg_sync_sql|SELECT count(*) FROM sg_sync_sql('"'linear'"', allow_drop => true)'
  'sg_rollback_fks|CALL sg_rollback_fks('"'p'"')'
  'policy set, of as many rows|CALL sg_apply('"'v'"', fix => true, max_rows => N)'
  'the rollback of old values|CALL sg_rollback_fks('"'v'"')'
)

# linear_make TABLES
linear_make() {
  new_database "linear_$1"
  sg_as psql -qX -v ON_ERROR_STOP=1 -d "linear_$1" > /dev/null <<SQL
CREATE PROCEDURE pg_temp.make(n int) LANGUAGE plpgsql AS \$\$
BEGIN
  FOR i IN 0 .. n - 1 LOOP
    EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, t_%s_id int, t_%s_id int, note text)', i, (i + n - 1) % n, (i + n - 7) % n);
    IF i % 500 = 0 THEN COMMIT; END IF;
  END LOOP;
  FOR i IN 0 .. n - 1 LOOP
    EXECUTE format('ALTER TABLE t_%s ADD FOREIGN KEY (t_%s_id) REFERENCES t_%s', i, (i + n - 1) % n, (i + n - 1) % n);
    IF i % 500 = 0 THEN COMMIT; END IF;
  END LOOP;
END \$\$;
CALL pg_temp.make($1);
ANALYZE;
CREATE TABLE old_values AS SELECT g AS id, NULL::text AS value FROM generate_series(1, $1) g;
ALTER TABLE old_values ADD PRIMARY KEY (id);
ALTER TABLE schemaguard.plan_value SET (autovacuum_enabled = false);
SELECT sg_plan_create('v'), sg_plan_add_not_null('v', 'old_values', 'value', policy => 'set', fill => '''none''');
SQL
}

# linear_cost TABLES SQL: hundredths of a second on a processor, and kB of private memory at the peak
linear_cost() {
  local stat="SELECT split_part(s, ' ', 12)::int + split_part(s, ' ', 13)::int FROM substring(pg_read_file('/proc/self/stat') FROM '.*\\) (.*)') s"
  local memory="SELECT (regexp_match(f, 'VmHWM:\\s+(\\d+)'))[1]::int - (regexp_match(f, 'RssFile:\\s+(\\d+)'))[1]::int - (regexp_match(f, 'RssShmem:\\s+(\\d+)'))[1]::int FROM pg_read_file('/proc/self/status') f"
  sg_as psql -qXAt -v ON_ERROR_STOP=1 -d "linear_$1" -c 'SET client_min_messages = error' -c "$stat" -c '\o /dev/null' -c "${2//N/$1}" -c '\o' -c "$stat" -c "$memory" \
    | awk '{ a[NR] = $1 } END { print a[2] - a[1], a[3] }'
}

measure_linear() {
  local few many call few_cost many_cost
  few=$(scaled 2500)
  many=$((few * 4))
  sg_cluster_start linear 'fsync = off' 'jit = off' 'shared_buffers = 1GB' 'max_locks_per_transaction = 1024'
  sg_say "$few and $many tables"
  linear_make "$few"
  linear_make "$many"
  printf '%-36s %10s %10s %8s %8s %8s\n' call "$few, s" "$many, s" linear 'MB' linear
  for call in "${linear_calls[@]}"; do
    read -r few_cost few_memory < <(linear_cost "$few" "${call#*|}")
    read -r many_cost many_memory < <(linear_cost "$many" "${call#*|}")
    awk -v what="${call%%|*}" -v a="$few_cost" -v b="$many_cost" -v m="$few_memory" -v n="$many_memory" 'BEGIN {
      r = a > 0 ? b / a / 4 : 0; q = n / m / 4;
      printf "%-36s %10.2f %10.2f %8.2f %8.0f %8.2f  %s\n", what, a / 100, b / 100, r, n / 1024, q, (r > 1.2 || q > 1.2) ? "MISSED" : "met" }'
  done
  sg_cluster_stop linear
}
