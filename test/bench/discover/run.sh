#!/usr/bin/env bash
# How well discovery finds the foreign keys of real schemas, all of them removed: precision and recall per schema,
# cross-validated, the calibration curve, the worst three schemas; and its time against pg_dump --schema-only.
#
# The schemas are read from CORPUS (default: ../shared/corpus beside the checkout): folders of facts with a script
# load_facts.sh. They are no part of the project; without them the measure says that it is skipped. The schemas in
# styles/ are the project's own: they are fitted with, and not counted.
#
#   candidates.sql     every candidate with its signals, one line each
#   fit.pl             fits the weights, prints the table
#   rows.sh rows.pl    the same with statistics and rows: rows that are made up, what fit_rows.pl fits on top of the names;
#   fit_rows.pl Fit.pm its time and memory
#   judge.sh           JUDGE="NAME ...": these schemas by the weights as they are, and nothing else; JUDGE=test: those of
#   test_part          test_part, which are in no other measure
#   values.sh          VALUES="NAME ...": what values find of these schemas where all names are meaningless, and where they are kept,
#   values.sql         and nothing else; DUMPS="FILE ...": of the databases, with rows and keys, of which these are plain dumps
#   EXTRA=DIR          more folders of facts, fitted with and counted like those of the corpus
#   FIT=1              writes the weights to sql/parts/72_discover_weight.sql and 73_discover_rows_weight.sql, too
#   ROWS=0             names only
#   SEEDS=2            times that rows are made up for each schema, as many at once as there are processors
#   ROWS_DIR=DIR       keeps what was said of the rows there, and what is there is not made again: that depends on the signals, on
#                      no weight, so weights are fitted anew in minutes
#   VERBOSE=1          every key that is missed or wrong
#   PG_CONFIG, KEEP=1, TMPDIR   as in test/tools/lib.sh

set -euo pipefail
# shellcheck source=test/tools/lib.sh
. "$(dirname "$0")/../../tools/lib.sh"
# shellcheck source=test/bench/discover/rows.sh
. "$(dirname "$0")/rows.sh"
# shellcheck source=test/bench/discover/judge.sh
. "$(dirname "$0")/judge.sh"
# shellcheck source=test/bench/discover/values.sh
. "$(dirname "$0")/values.sh"

corpus=${CORPUS:-$SG_ROOT/../shared/corpus}

tell() { sg_as psql -qAtX -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }

# The references of the database's own catalog, each once, as table truth
own_truth() {
  cat <<'SQL'
SET client_min_messages = error;
CREATE TEMP TABLE truth AS
SELECT n.nspname || '.' || c.relname || '(' || p.child || ') > ' || m.nspname || '.' || d.relname || '(' || p.parent || ')' AS reference
FROM pg_constraint k
     JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_class d ON d.oid = k.confrelid JOIN pg_namespace m ON m.oid = d.relnamespace
     CROSS JOIN LATERAL (SELECT string_agg(a.attname, ',' ORDER BY a.attname) AS child,
                                string_agg(b.attname, ',' ORDER BY a.attname) AS parent
                         FROM unnest(k.conkey, k.confkey) u (x, y)
                              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x
                              JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = y) p
WHERE k.contype = 'f';
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint WHERE contype = 'f' \gexec
SQL
}

# The references of a folder of facts; those of partitions count as their table's
fact_truth() {
  cat <<'SQL'
SET client_min_messages = error;
CREATE TEMP TABLE fact (cs text, ct text, cols text[], ps text, pt text, pcols text[], del text, upd text, mat text,
                        dfr text, valid bool, name text);
COPY fact FROM STDIN;
SQL
  cat "$1/fks.tsv"
  cat <<'SQL'
\.
CREATE TEMP TABLE truth AS
SELECT DISTINCT n.nspname || '.' || c.relname || '(' || p.child || ') > ' || f.ps || '.' || f.pt || '(' || p.parent || ')' AS reference
FROM fact f
     JOIN pg_class c ON c.oid = coalesce(pg_partition_root(format('%I.%I', f.cs, f.ct)::regclass),
                                         format('%I.%I', f.cs, f.ct)::regclass)
     JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT string_agg(c, ',' ORDER BY c) AS child, string_agg(q, ',' ORDER BY c) AS parent
                         FROM unnest(f.cols, f.pcols) u (c, q)) p;
SQL
}

# The schema's indexes that are not unique
fact_indexes() {
  cat <<'SQL'
SET client_min_messages = error;
CREATE TEMP TABLE fact (s text, t text, n text, m text, u bool, p bool, e bool, cols text[]);
COPY fact FROM STDIN;
SQL
  cat "$1/indexes.tsv"
  cat <<'SQL'
\.
SELECT format('CREATE INDEX ON %I.%I (%s)', s, t, (SELECT string_agg(quote_ident(c), ', ' ORDER BY o) FROM unnest(cols) WITH ORDINALITY u (c, o)))
FROM fact WHERE m = 'btree' AND NOT u AND NOT p AND NOT e \gexec
DROP TABLE fact;
SQL
}

# Some percent of the references, declared: what they teach about the others, which alone are judged
some_declared() {
  cat <<SQL
SELECT format('ALTER TABLE %I.%I ADD FOREIGN KEY (%s) REFERENCES %I.%I (%s)', cs, ct,
              (SELECT string_agg(quote_ident(c), ', ' ORDER BY o) FROM unnest(cols) WITH ORDINALITY u (c, o)), ps, pt,
              (SELECT string_agg(quote_ident(c), ', ' ORDER BY o) FROM unnest(pcols) WITH ORDINALITY u (c, o)))
FROM fact WHERE abs(hashtextextended(cs || ct || cols::text, 7)) % 100 < $1 \gexec
DELETE FROM truth USING (SELECT n.nspname || '.' || c.relname || '(' AS child, string_agg(a.attname, ',' ORDER BY a.attname) AS columns
                         FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                              JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = ANY (conkey)
                         WHERE contype = 'f' GROUP BY k.oid, n.nspname, c.relname) k
WHERE starts_with(reference, k.child || k.columns || ') >');
SQL
}

candidates() { echo 'CREATE EXTENSION IF NOT EXISTS schemaguard;'; cat "$here/candidates.sql"; }

sg_need
sg_private_dir
sg_build
here=$SG_ROOT/test/bench/discover
sg_cluster_start server 'fsync = off' 'autovacuum = off' 'shared_buffers = 1GB'
mkdir "$SG_DIR/candidates"

if [ -n "${JUDGE:-}" ]; then
  # shellcheck disable=SC2086  # names
  judge $JUDGE
  exit 0
fi

if [ -n "${VALUES:-}${DUMPS:-}" ]; then
  # shellcheck disable=SC2086  # names
  measure_values ${VALUES:-}
  exit 0
fi

for style in "$here"/styles/*.sql; do
  name=style_$(basename "$style" .sql)
  sg_as createdb "$name"
  { cat "$style"; own_truth; candidates; } | tell "$name" -F $'\t' > "$SG_DIR/candidates/$name.keys.tsv"
done

schemas=0
folders=()
[ ! -e "$corpus/load_facts.sh" ] || folders=("$corpus"/*/)
[ -z "${EXTRA:-}" ] || folders+=("$EXTRA"/*/)
if [ ${#folders[@]} -gt 0 ]; then
  for facts in "${folders[@]}"; do
    name=$(basename "$facts")
    ! in_test_part "$name" || continue
    sg_as env PGOPTIONS="-c client_min_messages=warning" bash "$corpus/load_facts.sh" "${facts%/}" "$name" --no-fks > /dev/null
    { fact_truth "$facts"; candidates; } | tell "$name" -F $'\t' > "$SG_DIR/candidates/$name.keys.tsv"
    { fact_indexes "$facts"; fact_truth "$facts"; candidates; } | tell "$name" -F $'\t' \
      > "$SG_DIR/candidates/$name.with_indexes.tsv"
    for share in 10 20 50; do
      { echo 'BEGIN;'; fact_truth "$facts"; echo 'SET ON_ERROR_ROLLBACK on' | sed 's/^SET /\\set /'; some_declared $share; candidates; echo 'ROLLBACK;'; } |
        sg_as psql -qAtX -d "$name" -F $'\t' 2> /dev/null > "$SG_DIR/candidates/$name.declared_$share.tsv"
    done
    schemas=$((schemas + 1))
  done
fi

# The time for 20,000 columns, beside what a dump takes
sg_as createdb wide
tell wide > /dev/null <<'SQL'
SET client_min_messages = error;
SELECT format('CREATE TABLE t%s_%s (id bigint PRIMARY KEY, %s)', i % 7, i,
              string_agg(CASE WHEN c % 3 = 0 THEN format('t%s_%s_id bigint', (i + c * 37) % 1000 % 7, (i + c * 37) % 1000)
                              ELSE format('value_%s text', c) END, ', '))
FROM generate_series(0, 999) i, generate_series(1, 19) c GROUP BY i \gexec
CREATE EXTENSION schemaguard;
SQL
sg_say
sg_say "20,000 columns in 1,000 tables, three times each:"
for _ in 1 2 3; do
  start=$(date +%s%N)
  found=$(tell wide -c "SELECT count(*) FROM sg_discover_fks_details(verify => 'none')")
  middle=$(date +%s%N)
  sg_as pg_dump --schema-only -f /dev/null wide
  end=$(date +%s%N)
  awk -v n="$found" -v a="$((middle - start))" -v b="$((end - middle))" \
    'BEGIN { printf "  discovery %.2f s (%d proposals), pg_dump --schema-only %.2f s, ratio %.2f\n", a / 1e9, n, b / 1e9, a / b }'
done

if [ "${ROWS:-1}" != 0 ]; then
  measure_rows_speed
  measure_refuted
  measure_many
fi

sg_say
if [ $schemas -eq 0 ]; then
  sg_say "SKIPPED: precision and recall, for there are no schemas in $corpus (CORPUS names the folder)"
  exit 0
fi
sg_say "precision and recall, names, types and keys only, no index that is not unique, each schema by weights fitted on the others:"
options=(--directions "$SG_ROOT/src/discover/discover_signal.h" --sums "$SG_DIR/sums.tsv")
[ -z "${FIT:-}" ] || options+=(--weights "$SG_ROOT/sql/parts/72_discover_weight.sql")
[ -z "${VERBOSE:-}" ] || options+=(--verbose)
perl "$here/fit.pl" "${options[@]}" "$SG_DIR"/candidates/*.keys.tsv "$SG_DIR"/candidates/*.with_*.tsv "$SG_DIR"/candidates/*.declared_*.tsv
sg_say
sg_say "the same with their indexes:"
perl "$here/fit.pl" --directions "$SG_ROOT/src/discover/discover_signal.h" "$SG_DIR"/candidates/*.with_indexes.tsv "$SG_DIR"/candidates/*.keys.tsv "$SG_DIR"/candidates/*.declared_*.tsv |
  sed -n '1,/^macro/p'
[ "${ROWS:-1}" = 0 ] || measure_rows
