# values.sh: what values find where names say nothing: VALUES="SCHEMA ..." of the corpus, or DUMPS="FILE ...". Sourced by run.sh.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

# The references of a schema with rows that are made up, by type; sparse: numbers of keys are far apart
values_of_schema() {
  local facts=$1 seed=$2 names=$3 sparse=$4 name
  name=values_$(basename "$facts")_$seed
  sg_as env PGOPTIONS="-c client_min_messages=warning" bash "$corpus/load_facts.sh" "${facts%/}" "$name" --no-fks > /dev/null
  SPARSE=$sparse perl "$here/rows.pl" "$facts" "$seed" 2>> "$SG_DIR/rows.log" | tell "$name" > /dev/null
  { fact_truth "$facts"; cat "$here/values.sql"; } | tell "$name" -v names="$names" -F $'\t' | sed "s/^/$names\t$sparse\t/"
  sg_as dropdb "$name"
}

# The references that a dump of a database declares, by the rows that it has
values_of_dump() {
  local name
  name=dump_$(basename "$1" .sql)
  sg_as createdb "$name"
  sg_as psql -qX -d "$name" < "$1" > /dev/null 2>> "$SG_DIR/rows.log"
  { own_truth; echo 'ANALYZE;'; cat "$here/values.sql"; } | tell "$name" -v names="$2" -F $'\t' | sed "s/^/$2\t-\t/"
  sg_as dropdb "$name"
}

measure_values() {
  local name names sparse seed
  for name in ${DUMPS:-}; do
    for names in meaningless kept; do values_of_dump "$name" "$names"; done
  done > "$SG_DIR/values.tsv"
  for name in "$@"; do
    in_test_part "$name" && sg_die "$name is in test_part"
    for names in meaningless kept; do
      for sparse in 0 1; do
        for seed in $(seq "${SEEDS:-2}"); do values_of_schema "$corpus/$name" "$seed" "$names" "$sparse"; done
      done
    done
  done >> "$SG_DIR/values.tsv"
  sg_say "digest of the code: $(code_digest)"
  sg_say "references of one column found with verify => 'full', rows made up; sparse 1: the numbers of keys are drawn from all there are;"
  sg_say "-: rows as they are in the dumps"
  awk -F '\t' '
    { k = $1 "  sparse " $2 "  " $3; any[k] += $4; keys[k] += $5; told[k] += $6; proposed[k] += $7; right[k] += $8 }
    END {
      for (k in keys)
        printf "%-36s %4d references with a value, %4d found (%.3f); %4d with three, %4d found (%.3f); %4d proposed, %.3f right\n", k, any[k],
          right[k], any[k] ? right[k] / any[k] : 1, keys[k], told[k], keys[k] ? told[k] / keys[k] : 1, proposed[k], proposed[k] ? right[k] / proposed[k] : 1
    }' "$SG_DIR/values.tsv" | sort
}
