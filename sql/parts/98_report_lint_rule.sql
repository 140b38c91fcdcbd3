-- The rules that are shipped: a query, a message and a fix each. Names in queries are looked up in pg_catalog.
INSERT INTO schemaguard.lint_rule (source, added_by, added_at, name, severity, message, fix, query) VALUES
('shipped', NULL, NULL, 'key-not-valid', 'warning', 'rows from before the key may be orphans',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %2);', $rule$
SELECT schema_name, object, quote_literal(format('ALTER TABLE %s VALIDATE CONSTRAINT %I', child_name, fk_name))
FROM schemaguard.lint_key k
WHERE NOT validated AND enforced
  -- that is key-duplicate
  AND NOT EXISTS (SELECT FROM schemaguard.lint_key o WHERE (o.child, o.parent, o.pairs, o.actions) = (k.child, k.parent, k.pairs, k.actions)
                                                       AND o.place < k.place)
$rule$),

('shipped', NULL, NULL, 'key-not-enforced', 'error', 'the server does not check the key',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %2);', $rule$
SELECT schema_name, object, quote_literal(format('ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED', child_name, fk_name))
FROM schemaguard.lint_key WHERE NOT enforced
$rule$),

('shipped', NULL, NULL, 'key-unarmed', 'error', '%2', '%3', $rule$
SELECT k.schema_name, k.object, f.unarmed_reason,
       -- also triggers of its partitions
       (WITH RECURSIVE key AS (
            SELECT k.oid UNION ALL SELECT c.oid FROM key JOIN pg_constraint c ON c.conparentid = key.oid)
        SELECT string_agg(format('ALTER TABLE %s ENABLE TRIGGER %I;', t.tgrelid::regclass, t.tgname), ' ' ORDER BY t.oid)
        FROM key JOIN pg_trigger t ON t.tgconstraint = key.oid AND t.tgenabled IN ('D', 'R'))
FROM schemaguard.sg_fk_facts() f JOIN schemaguard.lint_key k ON k.oid = f.constraint_oid
WHERE NOT f.armed AND k.enforced
$rule$),

('shipped', NULL, NULL, 'key-type-narrower', 'error', '%2 cannot hold all values of %3',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %4);', $rule$
SELECT k.schema_name, k.object, format_type(c.atttypid, NULL), format_type(p.atttypid, NULL),
       quote_literal(schemaguard.sg_lint_retype(k.child, u.c, format_type(p.atttypid, NULL)))
FROM schemaguard.lint_key k CROSS JOIN LATERAL unnest(k.child_columns, k.parent_columns) u (c, p)
     JOIN pg_attribute c ON c.attrelid = k.child AND c.attnum = u.c
     JOIN pg_attribute p ON p.attrelid = k.parent AND p.attnum = u.p
WHERE array_position('{smallint,integer,bigint}', format_type(c.atttypid, NULL))
    < array_position('{smallint,integer,bigint}', format_type(p.atttypid, NULL))
$rule$),

('shipped', NULL, NULL, 'key-type-mismatch', 'warning', '%2 refers to %3; %4',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %5);', $rule$
WITH pair AS (
    SELECT k.schema_name, k.object, k.child, u.c AS attnum, c.atttypid AS child_type, p.atttypid AS parent_type, p.atttypmod,
           CASE WHEN p.attcollation <> t.typcollation THEN ' COLLATE ' || p.attcollation::regcollation ELSE '' END AS collation
    FROM schemaguard.lint_key k CROSS JOIN LATERAL unnest(k.child_columns, k.parent_columns) u (c, p)
         JOIN pg_attribute c ON c.attrelid = k.child AND c.attnum = u.c
         JOIN pg_attribute p ON p.attrelid = k.parent AND p.attnum = u.p
         JOIN pg_type t ON t.oid = p.atttypid
    WHERE c.atttypid <> p.atttypid)
SELECT r.schema_name, r.object, format_type(r.child_type, NULL), format_type(r.parent_type, NULL),
       CASE WHEN s.kept IS NULL THEN 'there is no fix, because a value or a rule of the type could be lost'
            WHEN s.sql IS NULL THEN 'there is no fix, because a view or something else that uses the column forbids it'
            ELSE 'aligning ' || (SELECT CASE WHEN bool_or('rewrites' = ANY (f.flags)) THEN 'rewrites'
                                             WHEN bool_or('may rewrite' = ANY (f.flags)) THEN 'may rewrite' ELSE 'does not rewrite' END
                                 FROM schemaguard.sg_script_facts(ARRAY[s.sql], false) f) || ' the table' END,
       quote_literal(s.sql)
FROM pair r
     -- of these types each value has one of the other type, and equal are those that were equal: not so of other implicit casts
     LEFT JOIN LATERAL (
         SELECT schemaguard.sg_lint_retype(r.child, r.attnum, format_type(r.parent_type, NULL) || r.collation), true
         FROM pg_cast i
         WHERE i.castsource = r.child_type AND i.casttarget = r.parent_type AND i.castcontext = 'i' AND r.atttypmod < 0
           AND (r.parent_type = ANY ('{smallint,integer,bigint,numeric}'::regtype[])
                OR ARRAY[r.child_type, r.parent_type]::regtype[] <@ '{text,varchar}'::regtype[])) s (sql, kept) ON true
WHERE (array_position('{smallint,integer,bigint}', format_type(r.child_type, NULL))
       < array_position('{smallint,integer,bigint}', format_type(r.parent_type, NULL))) IS NOT TRUE
  -- a domain has the values of its type
  AND (schemaguard.sg_lint_domain(r.child_type)).base <> (schemaguard.sg_lint_domain(r.parent_type)).base
$rule$),

('shipped', NULL, NULL, 'key-collation-mismatch', 'warning', 'collation %2 refers to %3',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %4);', $rule$
SELECT k.schema_name, k.object, c.attcollation::regcollation::text, p.attcollation::regcollation::text,
       quote_literal(schemaguard.sg_lint_retype(k.child, u.c,
                         format_type(c.atttypid, c.atttypmod) || ' COLLATE ' || p.attcollation::regcollation))
FROM schemaguard.lint_key k CROSS JOIN LATERAL unnest(k.child_columns, k.parent_columns) u (c, p)
     JOIN pg_attribute c ON c.attrelid = k.child AND c.attnum = u.c
     JOIN pg_attribute p ON p.attrelid = k.parent AND p.attnum = u.p
WHERE c.atttypid = p.atttypid AND c.attcollation <> p.attcollation
$rule$),

('shipped', NULL, NULL, 'key-duplicate', 'warning', 'says the same as key %2',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %3);', $rule$
SELECT k.schema_name, k.object, quote_ident(k.first), quote_literal(format('ALTER TABLE %s DROP CONSTRAINT %I', k.child_name, k.fk_name))
FROM (SELECT k.*, first_value(k.fk_name) OVER same AS first
      FROM schemaguard.lint_key k
           CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_trigger t
                                              WHERE t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A'))) u (unarmed)
      WINDOW same AS (PARTITION BY k.child, k.parent, k.pairs, k.actions ORDER BY u.unarmed, k.place)) k
WHERE k.first <> k.fk_name
$rule$),

('shipped', NULL, NULL, 'key-contradictory', 'error', 'key %2 on the same columns does other things', NULL, $rule$
SELECT k.schema_name, k.object, quote_ident(k.first)
FROM (SELECT k.*, first_value(k.fk_name) OVER same AS first, first_value(k.actions) OVER same AS does FROM schemaguard.lint_key k
      WINDOW same AS (PARTITION BY k.child, k.parent, k.pairs ORDER BY k.place)) k
WHERE k.does <> k.actions
$rule$),

('shipped', NULL, NULL, 'key-overlapping', 'note', 'key %2 has all of its columns', NULL, $rule$
WITH key AS MATERIALIZED (
    SELECT k.* FROM (SELECT k.*, count(*) OVER (PARTITION BY k.child, k.parent) AS keys FROM schemaguard.lint_key k) k WHERE k.keys > 1)
SELECT DISTINCT ON (k.oid) k.schema_name, k.object, quote_ident(o.fk_name)
FROM key k JOIN key o ON o.child = k.child AND o.parent = k.parent AND o.pairs @> k.pairs AND o.pairs <> k.pairs
ORDER BY k.oid, o.place
$rule$),

('shipped', NULL, NULL, 'key-without-index', 'warning', 'no index on %2',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %3);', $rule$
WITH key AS (
    SELECT k.*, u.columns, u.obstacle, schemaguard.sg_lint_columns(k.child, k.child_columns) AS names,
           -- one index serves all keys on its columns; one that is not valid is to be mended, and no second one made
           row_number() OVER (PARTITION BY k.child, ARRAY(SELECT unnest(k.child_columns) ORDER BY 1)
                              ORDER BY u.columns IS NULL, k.place) = 1
           AND NOT EXISTS (
               SELECT FROM pg_index i
               WHERE i.indrelid = k.child AND NOT i.indisvalid
                 AND CASE WHEN i.indexprs IS NULL THEN k.child_columns <@ (i.indkey::int2[])[0:cardinality(k.child_columns) - 1]
                          ELSE starts_with((SELECT string_agg(pg_get_indexdef(i.indexrelid, n, true) || ', ', '' ORDER BY n)
                                            FROM generate_series(1, i.indnkeyatts) n), u.columns || ', ') END) AS wanted
    FROM schemaguard.sg_unserved_keys() u JOIN schemaguard.lint_key k ON k.oid = u.oid)
SELECT k.schema_name, k.object, format('(%s)', coalesce(k.columns, k.names)) || coalesce(', and none can serve: ' || k.obstacle, ''),
       -- that of another key serves, too, if it begins with these columns: in this order, the next one does
       CASE WHEN k.wanted AND starts_with(lead(k.columns || ', ') OVER (PARTITION BY k.child, k.wanted
                                                                        ORDER BY (k.columns || ', ') COLLATE "C"),
                                          k.columns || ', ') IS NOT TRUE
            THEN quote_literal(format('CREATE INDEX ON %s (', k.child_name) || k.columns || ')') END
FROM key k
$rule$),

('shipped', NULL, NULL, 'key-across-schemas', 'note', 'refers to another schema: %2', NULL, $rule$
SELECT k.schema_name, k.object, k.parent_name FROM schemaguard.lint_key k JOIN pg_class p ON p.oid = k.parent
WHERE p.relnamespace::regnamespace::text <> quote_ident(k.schema_name)
$rule$),

('shipped', NULL, NULL, 'set-null-on-not-null', 'error', 'SET NULL of %2, which is NOT NULL', NULL, $rule$
SELECT k.schema_name, k.object, schemaguard.sg_lint_columns(k.child, array_agg(a.attnum ORDER BY a.attnum))
FROM schemaguard.lint_key k
     JOIN pg_constraint o ON o.oid = k.oid
     JOIN pg_attribute a ON a.attrelid = k.child AND (a.attnotnull OR (schemaguard.sg_lint_domain(a.atttypid)).not_null)
          AND (o.confdeltype = 'n' AND a.attnum = ANY (coalesce(nullif(o.confdelsetcols, '{}'), o.conkey))
               OR o.confupdtype = 'n' AND a.attnum = ANY (o.conkey))
GROUP BY k.schema_name, k.object, k.child
$rule$),

('shipped', NULL, NULL, 'parent-without-primary-key', 'warning', 'keys refer to it, and it has no primary key%3', '%2', $rule$
SELECT t.schema_name, t.name,
       CASE WHEN u.columns IS NOT NULL THEN
           format('SELECT %s%s.sg_plan_add_unique(schemaguard.sg_lint_plan(), %L, %L, primary_key => true);',
                  (SELECT string_agg(format('%s.sg_plan_add_not_null(schemaguard.sg_lint_plan(), %L, %L), ',
                                            schemaguard.sg_schema(), t.name, c), '' ORDER BY c COLLATE "C")
                   FROM unnest(u.empty) c),
                  schemaguard.sg_schema(), t.name, u.columns) END,
       coalesce('; the fix makes NOT NULL: ' || (SELECT string_agg(quote_ident(c), ', ' ORDER BY c COLLATE "C") FROM unnest(u.empty) c), '')
FROM schemaguard.lint_table t
     -- one whose columns are not null before another
     LEFT JOIN LATERAL (
         SELECT array_agg(a.attname::text ORDER BY k.place) AS columns,
                array_agg(a.attname::text ORDER BY k.place) FILTER (WHERE NOT a.attnotnull) AS empty
         FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k (n, place)
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n
         WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
           AND i.indnatts = i.indnkeyatts AND i.indimmediate
         GROUP BY i.indexrelid ORDER BY bool_and(a.attnotnull) DESC, i.indexrelid LIMIT 1) u ON true
WHERE NOT t.is_partition AND EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = t.oid)
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.contype = 'p' AND p.conrelid = t.oid)
$rule$),

('shipped', NULL, NULL, 'table-without-primary-key', 'warning', 'no primary key', NULL, $rule$
SELECT t.schema_name, t.name
FROM schemaguard.lint_table t
WHERE NOT t.is_partition AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = t.oid)
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.contype = 'p' AND p.conrelid = t.oid)
$rule$),

('shipped', NULL, NULL, 'cascade-chain', 'warning', 'ON DELETE CASCADE %2', NULL, $rule$
WITH RECURSIVE link AS (
    SELECT DISTINCT confrelid AS parent, conrelid AS child FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND confdeltype = 'c'),
chain AS (
    SELECT parent AS root, child, 1 AS level FROM link
    UNION
    SELECT c.root, l.child, c.level + 1 FROM chain c JOIN link l ON l.parent = c.child
    WHERE c.level < 5 AND c.child <> c.root AND l.child <> l.parent)
SELECT t.schema_name, t.name, CASE WHEN bool_or(c.child = c.root) THEN 'comes back to the table, for as long as rows refer to rows'
                                   ELSE 'goes on for 5 levels or more' END
FROM chain c JOIN schemaguard.lint_table t ON t.oid = c.root WHERE c.child = c.root OR c.level = 5
GROUP BY t.schema_name, t.name
$rule$),

('shipped', NULL, NULL, 'check-not-valid', 'warning', 'rows from before the constraint may break it',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %2);', $rule$
SELECT t.schema_name, format('%s.%I', t.name, k.conname), quote_literal(format('ALTER TABLE %s VALIDATE CONSTRAINT %I', t.name, k.conname))
FROM pg_constraint k JOIN schemaguard.lint_table t ON t.oid = k.conrelid
WHERE k.contype IN ('c', 'n') AND NOT k.convalidated AND k.coninhcount = 0
  AND coalesce((to_jsonb(k) ->> 'conenforced')::bool, true)
$rule$),

('shipped', NULL, NULL, 'trigger-disabled', 'warning', '%4', 'ALTER TABLE %2 ENABLE TRIGGER %3;', $rule$
SELECT t.schema_name, format('%s.%I', t.name, g.tgname), t.name, quote_ident(g.tgname),
       CASE g.tgenabled WHEN 'D' THEN 'the trigger is disabled' ELSE 'the trigger is for replicas: it does not fire for an application' END
FROM pg_trigger g JOIN schemaguard.lint_table t ON t.oid = g.tgrelid
WHERE g.tgenabled IN ('D', 'R') AND NOT g.tgisinternal
$rule$),

('shipped', NULL, NULL, 'deprecated-reference', 'warning', 'refers to %2, which is deprecated',
 'SELECT %0.sg_plan_retarget(schemaguard.sg_lint_plan(), %3, %4);', $rule$
SELECT k.schema_name, k.object, k.parent_name, quote_literal(d.table_name), quote_literal(d.replacement)
FROM schemaguard.lint_key k JOIN schemaguard.deprecated_table d ON d.table_name = k.parent_name
$rule$),

('shipped', NULL, NULL, 'column-without-key', 'note', 'may refer to %2 (score %3)',
 'SELECT %0.sg_plan_add_fk(schemaguard.sg_lint_plan(), %4);', $rule$
SELECT t.schema_name, format('%s.%s', d.child_table, array_to_string(ARRAY(SELECT quote_ident(c) FROM unnest(d.child_columns) c), ', ')),
       d.parent_table, d.score::text,
       format('%L, %L, %L, %L', d.child_table, d.child_columns, d.parent_table, d.parent_columns)
FROM schemaguard.sg_discover_fks_body(NULL, 0, 'none', NULL) d
     JOIN schemaguard.lint_table t ON t.name = d.child_table
WHERE d.score >= 0.7
  -- of another type: action is no reference to actions.actionid, main_actionid is one
  AND (d.evidence -> 'signals' @> '[{"signal": "same type"}]'
       OR NOT EXISTS (SELECT FROM unnest(d.child_columns, d.parent_columns) u (c, p)
                      WHERE NOT (right(c, length(p)) = p OR right(p, length(c)) = c)))
$rule$),

('shipped', NULL, NULL, 'column-looks-secret', 'warning', 'its name is a secret''s, its values are no hashes', NULL, $rule$
SELECT t.schema_name, format('%s.%I', t.name, s.attname)
FROM pg_stats s JOIN schemaguard.lint_table t ON t.schema_name = s.schemaname AND t.bare_name = s.tablename
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = s.attname
          AND a.atttypid = ANY ('{text,varchar,bpchar}'::regtype[])
WHERE s.attname ~* '(^|_)(passw(or)?d|passwd|pwd|secret|token|(api|access|private)_?key)$'
  AND EXISTS (SELECT FROM unnest(s.most_common_vals::text::text[] || s.histogram_bounds::text::text[]) v
              WHERE v !~ '^([$]|[{]|[[:alnum:]]+[:$]|[[:xdigit:]]{32,}$|[[:alnum:]+/=_-]{40,} *$)' AND v <> '')
$rule$),

('shipped', NULL, NULL, 'sequence-exhausted', 'error', '%2 percent of the numbers of its sequence are used', '%3', $rule$
SELECT t.schema_name, format('%s.%I', t.name, a.attname), trunc(100 * u.share)::text,
       CASE WHEN u.narrow AND r.sql IS NOT NULL THEN
           format('SELECT %s.sg_plan_add(schemaguard.sg_lint_plan(), %L)', schemaguard.sg_schema(), r.sql)
           || CASE WHEN d.deptype = 'a' AND b.clauses <> '' THEN
                  format(', %s.sg_plan_add(schemaguard.sg_lint_plan(), %L)', schemaguard.sg_schema(),
                         format('ALTER SEQUENCE %I.%I', q.schemaname, q.sequencename) || b.clauses) ELSE '' END || ';' END
FROM pg_sequences q
     JOIN pg_class c ON c.relname = q.sequencename AND c.relnamespace::regnamespace::text = quote_ident(q.schemaname)
     -- columns that own it, and whose default draws from it
     CROSS JOIN LATERAL (
         SELECT o.refobjid AS relid, o.refobjsubid AS attnum, o.deptype::text FROM pg_depend o
         WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.refclassid = 'pg_class'::regclass
           AND o.deptype IN ('a', 'i') AND o.refobjsubid > 0
         UNION
         SELECT e.adrelid, e.adnum, 'a' FROM pg_depend o JOIN pg_attrdef e ON e.oid = o.objid
         WHERE o.classid = 'pg_attrdef'::regclass AND o.refclassid = 'pg_class'::regclass AND o.refobjid = c.oid) d
     JOIN schemaguard.lint_table t ON t.oid = d.relid
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.attnum
     CROSS JOIN LATERAL (
         SELECT CASE d.base WHEN 'smallint'::regtype THEN 32767 WHEN 'integer'::regtype THEN 2147483647
                            ELSE 9223372036854775807 END::numeric
         FROM schemaguard.sg_lint_domain(a.atttypid) d) m (most)
     CROSS JOIN LATERAL (SELECT greatest(q.min_value, 1)::numeric) l (first)
     CROSS JOIN LATERAL (
         SELECT CASE WHEN q.increment_by > 0 THEN (q.last_value - l.first + 1) / nullif(least(q.max_value, m.most) - l.first + 1, 0)
                     ELSE (q.max_value::numeric - q.last_value) / nullif(q.max_value - greatest(q.min_value, - m.most - 1), 0) END,
                a.atttypid = ANY ('{smallint,integer}'::regtype[])
                -- not where the sequence's own bound ends it first
                AND CASE WHEN q.increment_by > 0 THEN q.max_value >= m.most ELSE q.min_value <= - m.most END) u (share, narrow)
     CROSS JOIN LATERAL (SELECT schemaguard.sg_lint_retype(a.attrelid, a.attnum, 'bigint')) r (sql)
     -- a bound that is not the type's own stays as it is
     CROSS JOIN LATERAL (
         SELECT CASE WHEN q.data_type <> 'bigint'::regtype THEN ' AS bigint' ELSE '' END
                || CASE WHEN q.increment_by > 0 AND q.max_value <> y.top THEN ' NO MAXVALUE'
                        WHEN q.increment_by < 0 AND q.min_value <> - y.top - 1 THEN ' NO MINVALUE' ELSE '' END
         FROM (VALUES (CASE q.data_type WHEN 'smallint'::regtype THEN 32767 WHEN 'integer'::regtype THEN 2147483647
                                        ELSE 9223372036854775807 END::numeric)) y (top)) b (clauses)
WHERE NOT q.cycle AND u.share > 0.75
$rule$),

('shipped', NULL, NULL, 'index-invalid', 'warning', '%3',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %2);', $rule$
SELECT t.schema_name, n.name,
       CASE WHEN c.relkind = 'i'
            THEN quote_literal(CASE WHEN m.left_over THEN 'DROP INDEX ' ELSE 'REINDEX INDEX CONCURRENTLY ' END || n.name) END,
       CASE WHEN c.relkind = 'I' THEN 'the index is not valid: a partition has none that is attached to it (ALTER INDEX ... ATTACH)'
            WHEN m.left_over THEN 'the index is not valid: REINDEX CONCURRENTLY has left it'
            WHEN i.indisunique THEN 'the index is not valid: its build has failed, as it does again while rows are equal in it, '
                                    || 'and each time leaves one more (_ccnew): look for them first'
            ELSE 'the index is not valid: its build has failed' END
FROM pg_index i JOIN schemaguard.lint_table t ON t.oid = i.indrelid
     JOIN pg_class c ON c.oid = i.indexrelid
     CROSS JOIN LATERAL (SELECT format('%I.%I', t.schema_name, c.relname)) n (name)
     CROSS JOIN LATERAL (SELECT c.relname ~ '_cc(new|old)[0-9]*$') m (left_over)
WHERE NOT i.indisvalid
  -- a build that goes on; who builds which index is not for every role to see, but that somebody builds one, and locks the table
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index b JOIN pg_locks l ON l.pid = b.pid
                  WHERE l.relation = i.indrelid AND l.database = b.datid AND b.datname = current_database()
                    AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted)
$rule$),

('shipped', NULL, NULL, 'index-duplicate', 'warning', 'the same as index %2',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %3);', $rule$
WITH index AS (
    SELECT i.*, t.schema_name, c.relname, c.relam, i.indexprs::text AS expressions, i.indpred::text AS predicate,
           -- a constraint of the table's, or another table's foreign key
           EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) AS bound,
           -- parameters of operator classes, and of the index: a B-tree finds the same whatever these are
           (SELECT array_agg(a.attoptions::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = i.indexrelid)
           || CASE WHEN m.amname <> 'btree' THEN c.reloptions::text END AS options
    FROM pg_index i JOIN schemaguard.lint_table t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_am m ON m.oid = c.relam
    WHERE NOT c.relispartition AND i.indisvalid)
SELECT DISTINCT ON (i.indexrelid) i.schema_name, n.name, quote_ident(o.relname), quote_literal('DROP INDEX ' || n.name)
FROM index i CROSS JOIN LATERAL (SELECT format('%I.%I', i.schema_name, i.relname)) n (name)
     JOIN index o ON o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND o.relam = i.relam
                 AND o.indkey::text = i.indkey::text AND o.indclass::text = i.indclass::text
                 AND o.indcollation::text = i.indcollation::text AND o.indoption::text = i.indoption::text
                 AND o.indnkeyatts = i.indnkeyatts AND o.expressions IS NOT DISTINCT FROM i.expressions
                 AND o.predicate IS NOT DISTINCT FROM i.predicate AND o.options IS NOT DISTINCT FROM i.options
                 AND (o.bound, o.indisunique, i.indexrelid) > (i.bound, i.indisunique, o.indexrelid)
                 AND (NOT i.indisunique
                      OR o.indisunique AND o.indimmediate AND o.indnullsnotdistinct = i.indnullsnotdistinct)
WHERE NOT i.bound AND NOT i.indisreplident AND NOT i.indisclustered
ORDER BY i.indexrelid, o.bound DESC, o.indexrelid
$rule$),

('shipped', NULL, NULL, 'index-redundant', 'note', 'index %2 begins with its columns',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %3);', $rule$
WITH index AS (
    SELECT i.*, t.schema_name, c.relname, concat(i.indkey, ' ') AS key, concat(i.indclass, ' ') AS classes,
           concat(i.indcollation, ' ') AS collations, concat(i.indoption, ' ') AS options,
           EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) AS bound
    FROM pg_index i JOIN schemaguard.lint_table t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'
    WHERE NOT c.relispartition AND i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL AND i.indnatts = i.indnkeyatts)
SELECT DISTINCT ON (i.indexrelid) i.schema_name, n.name, quote_ident(o.relname), quote_literal('DROP INDEX ' || n.name)
FROM index i CROSS JOIN LATERAL (SELECT format('%I.%I', i.schema_name, i.relname)) n (name)
     JOIN index o ON o.indrelid = i.indrelid AND o.indnkeyatts > i.indnkeyatts AND starts_with(o.key, i.key)
                 AND starts_with(o.classes, i.classes) AND starts_with(o.collations, i.collations) AND starts_with(o.options, i.options)
WHERE NOT i.indisunique AND NOT i.indisreplident AND NOT i.indisclustered
  -- that is index-duplicate
  AND NOT EXISTS (SELECT FROM index d WHERE d.indrelid = i.indrelid AND (d.key, d.classes, d.collations, d.options)
                      = (i.key, i.classes, i.collations, i.options) AND d.indexrelid <> i.indexrelid
                      AND (d.bound, d.indisunique, i.indexrelid) > (i.bound, i.indisunique, d.indexrelid))
ORDER BY i.indexrelid, o.indnkeyatts, o.indexrelid
$rule$),

('shipped', NULL, NULL, 'index-bloated', 'note', '%2 pages; about %3 would do, by its widths',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %4);', $rule$
SELECT t.schema_name, n.name, c.relpages::text, e.pages::text, quote_literal('REINDEX INDEX CONCURRENTLY ' || n.name)
FROM pg_index i JOIN schemaguard.lint_table t ON t.oid = i.indrelid
     JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' AND c.reltuples >= 0 AND c.relpages > 128
     JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
     CROSS JOIN LATERAL (SELECT format('%I.%I', t.schema_name, c.relname)) n (name)
     -- a line pointer and a header of 12 bytes, 8 for padding; pages are filled to nine tenths unless a fillfactor says otherwise
     CROSS JOIN LATERAL (
         SELECT ceil(c.reltuples * (20 + sum(coalesce(s.avg_width, 32)))
                     / (81.1 * coalesce((SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) o
                                         WHERE o.option_name = 'fillfactor'), 90))) + 2
         FROM pg_attribute a
              LEFT JOIN pg_attribute b ON b.attrelid = t.oid AND b.attnum = i.indkey[a.attnum - 1]
              LEFT JOIN pg_stats s ON s.schemaname = t.schema_name AND s.tablename = t.bare_name AND s.attname = b.attname
         WHERE a.attrelid = i.indexrelid) e (pages)
WHERE i.indisvalid AND c.relpages > 3 * e.pages
$rule$),

('shipped', NULL, NULL, 'index-unused', 'note', 'not used once since %2',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %3);', $rule$
-- statistics are not of an index that is younger: only a sample tells that it is as old
WITH sample AS MATERIALIZED (
    SELECT o.at, o.xid::text::xid8::xid AS xid
    FROM (SELECT s.at, (s.figures #>> '{server,xid}')::bigint AS xid FROM schemaguard.stats s
          WHERE s.at < now() - interval '7 days' AND s.place = schemaguard.sg_place() ORDER BY s.at DESC LIMIT 1) o
    WHERE pg_snapshot_xmax(pg_current_snapshot())::text::bigint - o.xid < 2000000000)
SELECT t.schema_name, n.name,
       CASE WHEN o.at IS NULL THEN r.since::date || ', or since it was made: no sample of sg_stats_take() tells whether it is as old'
            ELSE greatest(r.since, o.at)::date::text END,
       CASE WHEN o.at IS NOT NULL THEN quote_literal('DROP INDEX ' || n.name) END
FROM pg_index i JOIN schemaguard.lint_table t ON t.oid = i.indrelid
     JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i' AND NOT c.relispartition AND c.relpages > 128
     JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid AND s.idx_scan = 0
     CROSS JOIN LATERAL (SELECT format('%I.%I', t.schema_name, c.relname)) n (name)
     CROSS JOIN schemaguard.sg_stats_since() r (since)
     LEFT JOIN sample o ON true
WHERE i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion AND NOT i.indisreplident AND r.since < now() - interval '7 days'
  AND (o.at IS NULL OR age(i.xmin) > age(o.xid))
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = i.indrelid AND i.indkey[0] = ANY (k.conkey))
  -- index-duplicate and index-redundant may drop an index for the sake of this one
  AND NOT EXISTS (SELECT FROM pg_index o WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND NOT o.indisunique
                      AND o.indisvalid AND o.indpred::text IS NOT DISTINCT FROM i.indpred::text
                      AND o.indexprs::text IS NOT DISTINCT FROM i.indexprs::text
                      AND starts_with(concat(i.indkey, ' '), concat(o.indkey, ' '))
                      AND starts_with(concat(i.indclass, ' '), concat(o.indclass, ' '))
                      AND starts_with(concat(i.indcollation, ' '), concat(o.indcollation, ' '))
                      AND starts_with(concat(i.indoption, ' '), concat(o.indoption, ' ')))
$rule$),

('shipped', NULL, NULL, 'table-unused', 'note', 'neither read nor written since %2, or since it was made', NULL, $rule$
SELECT t.schema_name, t.name, r.since::date::text
FROM schemaguard.lint_table t
     JOIN pg_stat_user_tables s ON s.relid = t.oid
          AND coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del = 0
     CROSS JOIN schemaguard.sg_stats_since() r (since)
WHERE t.kind = 'r' AND r.since < now() - interval '7 days'
$rule$);

-- Tenants, by the catalogs alone: sg_tenant_audit() reads rows. The column's name is tenant_id; a row of the rule's name has another.
INSERT INTO schemaguard.lint_rule (source, added_by, added_at, name, severity, message, fix, query) VALUES
('shipped', NULL, NULL, 'tenant-key-left-out', 'warning',
 'both tables have tenant_id, and the key leaves it out: rows may refer to another tenant''s of %2', NULL, $rule$
SELECT k.schema_name, k.object, k.parent_name
FROM schemaguard.lint_key k
     JOIN pg_attribute c ON c.attrelid = k.child AND c.attname = 'tenant_id' AND NOT c.attisdropped
     JOIN pg_attribute p ON p.attrelid = k.parent AND p.attname = 'tenant_id' AND NOT p.attisdropped
WHERE c.attnum <> ALL (k.child_columns)
$rule$),

('shipped', NULL, NULL, 'tenant-column-null', 'warning', 'may be null: such a row is no tenant''s',
 'SELECT %0.sg_plan_add(schemaguard.sg_lint_plan(), %2);', $rule$
SELECT t.schema_name, t.name || '.tenant_id', quote_literal(format('ALTER TABLE %s ALTER COLUMN tenant_id SET NOT NULL', t.name))
FROM schemaguard.lint_table t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE NOT t.is_partition AND NOT a.attnotnull
$rule$),

('shipped', NULL, NULL, 'tenant-column-without-key', 'warning',
 'no key leads from it to the tenants, as from other tables to %2', NULL, $rule$
WITH home AS MATERIALIZED (
    SELECT k.parent, min(k.parent_name) AS name
    FROM schemaguard.lint_key k
         JOIN pg_attribute a ON a.attrelid = k.child AND a.attname = 'tenant_id' AND k.child_columns = ARRAY[a.attnum]
    GROUP BY k.parent)
SELECT t.schema_name, t.name || '.tenant_id', (SELECT min(h.name) FROM home h)
FROM schemaguard.lint_table t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE NOT t.is_partition AND EXISTS (SELECT FROM home) AND t.oid <> ALL (ARRAY(SELECT h.parent FROM home h))
  AND NOT EXISTS (SELECT FROM schemaguard.lint_key k WHERE k.child = t.oid AND a.attnum = ANY (k.child_columns))
$rule$),

('shipped', NULL, NULL, 'table-without-tenant-column', 'note', 'refers to %2, which has tenant_id, and has none', NULL, $rule$
SELECT DISTINCT ON (k.child) k.schema_name, k.child_name, k.parent_name
FROM schemaguard.lint_key k JOIN pg_attribute p ON p.attrelid = k.parent AND p.attname = 'tenant_id' AND NOT p.attisdropped
WHERE p.attnum <> ALL (k.parent_columns)
  AND NOT EXISTS (SELECT FROM pg_attribute c WHERE c.attrelid = k.child AND c.attname = 'tenant_id' AND NOT c.attisdropped)
ORDER BY k.child, k.oid
$rule$);

-- Slow statements, and tables whose reads ask for an index, by the server's statistics
INSERT INTO schemaguard.lint_rule (source, added_by, added_at, name, severity, message, fix, query) VALUES
('shipped', NULL, NULL, 'statement-slow', 'note',
 '%2 ms a call of %3, and names this table, which was read whole %4 times: %5', NULL, $rule$
SELECT t.schema_name, t.name, round(s.ms)::text, s.calls::text, coalesce(u.seq_scan, 0)::text,
       left(regexp_replace(s.statement, '\s+', ' ', 'g'), 200)
FROM schemaguard.sg_lint_statements(10) s
     JOIN schemaguard.lint_table t ON NOT t.is_partition AND CASE WHEN strpos(s.statement, t.bare_name) > 0 THEN
         s.statement ~ ('(^|[^[:alnum:]_])' || regexp_replace(t.bare_name, '(\W)', '\\\1', 'g') || '($|[^[:alnum:]_])') END
     LEFT JOIN pg_stat_all_tables u ON u.relid = t.oid
$rule$),

('shipped', NULL, NULL, 'index-wanted', 'note', 'read whole %2 times, %3 rows each, and by an index %4 times', NULL, $rule$
SELECT t.schema_name, t.name, s.seq_scan::text, to_char(s.seq_tup_read / s.seq_scan, 'FM999,999,999,999,990'), coalesce(s.idx_scan, 0)::text
FROM schemaguard.lint_table t JOIN pg_stat_all_tables s ON s.relid = t.oid
WHERE s.seq_scan >= 100 AND s.seq_tup_read / s.seq_scan >= 10000 AND coalesce(s.idx_scan, 0) < s.seq_scan / 10
$rule$);

-- Matters of taste, by squawk's names: whoever wants one adds a row of its name.
INSERT INTO schemaguard.lint_rule (source, added_by, added_at, enabled, name, severity, message, fix, query) VALUES
('shipped', NULL, NULL, false, 'ban-char-field', 'note', '%2 pads values with blanks', NULL, $rule$
SELECT t.schema_name, format('%s.%I', t.name, a.attname), format_type(a.atttypid, a.atttypmod)
FROM schemaguard.lint_table t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND a.atttypid = 'bpchar'::regtype
WHERE NOT t.is_partition AND NOT a.attisdropped
$rule$),

('shipped', NULL, NULL, false, 'prefer-timestamptz', 'note', 'a time without time zone', NULL, $rule$
SELECT t.schema_name, format('%s.%I', t.name, a.attname)
FROM schemaguard.lint_table t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND a.atttypid = 'timestamp'::regtype
WHERE NOT t.is_partition AND NOT a.attisdropped
$rule$),

('shipped', NULL, NULL, false, 'prefer-identity', 'note', 'serial, not GENERATED AS IDENTITY', NULL, $rule$
SELECT t.schema_name, format('%s.%I', t.name, a.attname)
FROM schemaguard.lint_table t
     JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0 AND d.deptype = 'a'
                     AND d.classid = 'pg_class'::regclass
     JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE NOT t.is_partition
$rule$);
