# memory.sh: does an audit keep to schemaguard.audit_memory? Sourced by run.sh, which says how to call it.
#
# A parent with KEYS million uuid keys, and a child with as many rows that names each key once, in another order. The
# audit runs twice, bounded to 64 MB and to 4 GB, so that one sees what the bound costs; memory.pl watches.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

measure_memory() {
  local keys bound
  keys=$(awk -v k="$million_keys" -v s="$scale" 'BEGIN { printf "%d", k * s * 1000000 }')
  need_disk $((keys / 2500 + 1024))
  # mmap keeps the dynamic shared memory of this server in files of its own data directory, where it can be counted.
  sg_cluster_start memory 'jit = off' 'autovacuum = off' 'fsync = off' 'wal_level = minimal' 'max_wal_senders = 0' \
    'max_wal_size = 20GB' 'checkpoint_timeout = 1h' 'shared_buffers = 512MB' 'maintenance_work_mem = 256MB' \
    'dynamic_shared_memory_type = mmap' "max_worker_processes = $((workers + 8))" "max_parallel_workers = $workers" \
    "max_parallel_workers_per_gather = $workers" "max_parallel_maintenance_workers = $workers" \
    "schemaguard.audit_workers = $workers"
  new_database memory -v "keys=$keys" -f "$bench/memory.sql"
  fact memory_keys "$keys"
  for bound in 64MB 4GB; do
    sg_say "memory: an audit with schemaguard.audit_memory = '$bound'"
    sg_wait perl "$bench/memory.pl" "$SG_DIR/memory/data" "$bound" "$keys" > "$SG_DIR/memory.facts" \
      || sg_die "stopped while measuring: memory"
    cat "$SG_DIR/memory.facts" >> "$SG_DIR/facts"
  done
  sg_cluster_stop memory
}
