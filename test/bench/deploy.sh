# deploy.sh: what deployment costs. Sourced by run.sh, which says how to call it.
#
# First the time: a plan of 226 keys, while nothing blocks, against ALTER TABLE ... ADD FOREIGN KEY one after another; no
# index is built on either side. Then the application: what it feels while 20 keys are added, against the same load alone,
# and against ALTER TABLE without lock handling; deploy.pl watches. Both with fsync on.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

measure_deploy() {
  local tables rounds=$((rounds < 3 ? rounds : 3)) variants=(deploy_plain deploy_core deploy_scan)
  start_server plan 'fsync = on'
  new_database plan
  # Two workers, where this version has them
  [ "$(sg_as psql -qXAt -d plan -c 'SELECT sg_plan_create($$probe$$)' -c 'SELECT sg_plan_drop($$probe$$)' \
    -c "SELECT count(*) FROM pg_settings WHERE name = 'schemaguard.workers'" | tail -n 1)" = 0 ] || variants+=(deploy_workers)
  fact plan_rows "$plan_rows"
  measure "226 keys: ${variants[*]}" plan deploy.sql "${variants[@]}"
  sg_cluster_stop plan

  tables=$(scaled 10)
  [ "$tables" -ge 2 ] || tables=2
  sg_cluster_start live 'fsync = on' 'shared_buffers = 256MB' 'max_wal_size = 4GB'
  new_database live
  sg_say "$((2 * tables)) keys under load"
  sg_wait perl "$bench/deploy.pl" "$tables" 100000 $((tables * 6)) > "$SG_DIR/live.facts" \
    || sg_die "stopped while measuring: deploy"
  cat "$SG_DIR/live.facts" >> "$SG_DIR/facts"
  sg_cluster_stop live
}
