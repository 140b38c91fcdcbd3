# judge.sh: how right discovery is as it stands, on schemas that JUDGE names, or those of test_part. Sourced by run.sh.

# shellcheck shell=bash disable=SC2154  # what run.sh sets

in_test_part() { grep -qx "$1" "$here/test_part"; }

# What is judged: the code and what it weighs
code_digest() { cat "$SG_ROOT"/src/discover/*.[ch] "$SG_ROOT"/sql/parts/7*discover*.sql | sha256sum | cut -c1-64; }

# A line for each reference of the schema, and one for each proposal with its score and whether it is one of them
judge_proposals() {
  cat <<SQL
CREATE EXTENSION IF NOT EXISTS schemaguard;
SELECT 'truth', '$1', '$2' FROM truth;
SELECT 'found', '$1', '$2', d.score, (t.reference IS NOT NULL)::int
FROM sg_discover_fks_details(min_score => 0.05, verify => '$3') d
     JOIN pg_class c1 ON c1.oid = d.child_table::regclass JOIN pg_namespace n1 ON n1.oid = c1.relnamespace
     JOIN pg_class c2 ON c2.oid = d.parent_table::regclass JOIN pg_namespace n2 ON n2.oid = c2.relnamespace
     CROSS JOIN LATERAL (SELECT string_agg(c, ',' ORDER BY c) AS child, string_agg(q, ',' ORDER BY c) AS parent
                         FROM unnest(d.child_columns::text[], d.parent_columns::text[]) u (c, q)) p
     LEFT JOIN truth t ON t.reference = n1.nspname || '.' || c1.relname || '(' || p.child || ') > ' || n2.nspname || '.' || c2.relname || '(' || p.parent || ')';
SQL
}

judge_schema() {
  local facts=$1 name
  name=$(basename "$facts")
  sg_as env PGOPTIONS="-c client_min_messages=warning" bash "$corpus/load_facts.sh" "${facts%/}" "$name" --no-fks > /dev/null
  { fact_truth "$facts"; judge_proposals names "$name" none; } | tell "$name" -F $'\t'
  { echo 'BEGIN;'; fact_truth "$facts"; echo '\set ON_ERROR_ROLLBACK on'; some_declared 20; judge_proposals fifth "$name" none; echo 'ROLLBACK;'; } |
    sg_as psql -qAtX -d "$name" -F $'\t' 2> /dev/null
  perl "$here/rows.pl" "$facts" 1 2>> "$SG_DIR/rows.log" | tell "$name" > /dev/null
  { fact_truth "$facts"; echo 'ANALYZE;'; judge_proposals rows "$name" sample; } | tell "$name" -F $'\t'
}

# Precision, recall and F1 of each schema from the score on that sg_discover_fks() proposes by default, their means, and
# of all proposals of a score how many are right
judge() {
  local name names=("$@")
  [ "$1" != test ] || mapfile -t names < <(grep -v '^#' "$here/test_part")
  sg_say "digest of the code: $(code_digest)"
  for name in "${names[@]}"; do judge_schema "$corpus/$name"; done > "$SG_DIR/judged.tsv"
  awk -F '\t' '
    $1 == "truth" { truth[$2, $3]++; total[$2]++; schemas[$3] = 1; variants[$2] = 1 }
    $1 == "found" && $4 >= 0.4 { found[$2, $3]++; right[$2, $3] += $5 }
    $1 == "found" { band = $4 >= 1 ? 9 : int($4 * 10); n[$2, band]++; r[$2, band] += $5; sum[$2, band] += $4 }
    END {
      for (v in variants) {
        count = P = R = F = 0
        for (s in schemas) {
          p = found[v, s] ? right[v, s] / found[v, s] : 1; t = truth[v, s] ? right[v, s] / truth[v, s] : 1
          f = p + t ? 2 * p * t / (p + t) : 0
          printf "%s  %-16s keys %4d  precision %.2f  recall %.2f  F1 %.2f\n", v, s, truth[v, s], p, t, f
          count++; P += p; R += t; F += f
        }
        printf "%s  %-16s keys %4d  precision %.3f  recall %.3f  F1 %.3f\n", v, "macro", total[v], P / count, R / count, F / count
        for (b = 0; b < 10; b++)
          if (n[v, b]) printf "%s  score %.1f to %.1f  %4d proposals  mean score %.2f  right %.2f\n", v, b / 10, (b + 1) / 10, n[v, b], sum[v, b] / n[v, b], r[v, b] / n[v, b]
      }
    }' "$SG_DIR/judged.tsv" | sort -s -k1,1
}
