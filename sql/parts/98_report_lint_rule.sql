-- The rules that are shipped: a query, a message and a fix each. Names in queries are looked up in pg_catalog.
INSERT INTO schemaguard.lint_rule (source, added_by, added_at, name, severity, message, fix, query) VALUES
('shipped', NULL, NULL, 'key-not-valid', 'warning', 'rows from before the key may be orphans',
 'ALTER TABLE %2 VALIDATE CONSTRAINT %3;', $rule$
SELECT schema_name, object, child_name, quote_ident(fk_name) FROM schemaguard.lint_key WHERE NOT validated AND enforced
$rule$),

('shipped', NULL, NULL, 'key-not-enforced', 'error', 'the server does not check the key',
 'ALTER TABLE %2 ALTER CONSTRAINT %3 ENFORCED;', $rule$
SELECT schema_name, object, child_name, quote_ident(fk_name) FROM schemaguard.lint_key WHERE NOT enforced
$rule$),

('shipped', NULL, NULL, 'key-unarmed', 'error', '%2', '%3', $rule$
SELECT k.schema_name, k.object, f.unarmed_reason,
       (SELECT string_agg(format('ALTER TABLE %s ENABLE TRIGGER %I;', t.tgrelid::regclass, t.tgname), ' ' ORDER BY t.oid)
        FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled IN ('D', 'R'))
FROM schemaguard.sg_fk_facts() f JOIN schemaguard.lint_key k ON k.oid = f.constraint_oid
WHERE NOT f.armed AND k.enforced
$rule$),

('shipped', NULL, NULL, 'key-type-narrower', 'error', '%2 cannot hold all values of %3',
 'SELECT @extschema@.sg_plan_add(schemaguard.sg_lint_plan(), %4);', $rule$
SELECT k.schema_name, k.object, format_type(c.atttypid, NULL), format_type(p.atttypid, NULL),
       quote_literal(format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', k.child_name, c.attname, format_type(p.atttypid, NULL)))
FROM schemaguard.lint_key k CROSS JOIN LATERAL unnest(k.child_columns, k.parent_columns) u (c, p)
     JOIN pg_attribute c ON c.attrelid = k.child AND c.attnum = u.c
     JOIN pg_attribute p ON p.attrelid = k.parent AND p.attnum = u.p
WHERE array_position('{smallint,integer,bigint}', format_type(c.atttypid, NULL))
    < array_position('{smallint,integer,bigint}', format_type(p.atttypid, NULL))
$rule$),

('shipped', NULL, NULL, 'key-type-mismatch', 'warning', '%2 refers to %3; aligning %4 the table',
 'SELECT @extschema@.sg_plan_add(schemaguard.sg_lint_plan(), %5);', $rule$
SELECT k.schema_name, k.object, format_type(c.atttypid, NULL), format_type(p.atttypid, NULL),
       CASE WHEN EXISTS (SELECT FROM pg_cast x WHERE x.castsource = c.atttypid AND x.casttarget = p.atttypid AND x.castmethod = 'b')
            THEN 'does not rewrite' ELSE 'rewrites' END,
       quote_literal(format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', k.child_name, c.attname, format_type(p.atttypid, p.atttypmod))
                     || CASE WHEN p.attcollation <> t.typcollation THEN ' COLLATE ' || p.attcollation::regcollation ELSE '' END)
FROM schemaguard.lint_key k CROSS JOIN LATERAL unnest(k.child_columns, k.parent_columns) u (c, p)
     JOIN pg_attribute c ON c.attrelid = k.child AND c.attnum = u.c
     JOIN pg_attribute p ON p.attrelid = k.parent AND p.attnum = u.p
     JOIN pg_type t ON t.oid = p.atttypid
WHERE c.atttypid <> p.atttypid
  AND (array_position('{smallint,integer,bigint}', format_type(c.atttypid, NULL))
       < array_position('{smallint,integer,bigint}', format_type(p.atttypid, NULL))) IS NOT TRUE
$rule$),

('shipped', NULL, NULL, 'key-collation-mismatch', 'warning', 'collation %2 refers to %3',
 'SELECT @extschema@.sg_plan_add(schemaguard.sg_lint_plan(), %4);', $rule$
SELECT k.schema_name, k.object, c.attcollation::regcollation::text, p.attcollation::regcollation::text,
       quote_literal(format('ALTER TABLE %s ALTER COLUMN %I TYPE %s COLLATE %s', k.child_name, c.attname,
                            format_type(p.atttypid, p.atttypmod), p.attcollation::regcollation))
FROM schemaguard.lint_key k CROSS JOIN LATERAL unnest(k.child_columns, k.parent_columns) u (c, p)
     JOIN pg_attribute c ON c.attrelid = k.child AND c.attnum = u.c
     JOIN pg_attribute p ON p.attrelid = k.parent AND p.attnum = u.p
WHERE c.atttypid = p.atttypid AND c.attcollation <> p.attcollation
$rule$),

('shipped', NULL, NULL, 'key-duplicate', 'warning', 'says the same as key %2',
 'SELECT @extschema@.sg_plan_add(schemaguard.sg_lint_plan(), %3);', $rule$
SELECT DISTINCT ON (k.oid) k.schema_name, k.object, quote_ident(o.fk_name),
       quote_literal(format('ALTER TABLE %s DROP CONSTRAINT %I', k.child_name, k.fk_name))
FROM schemaguard.lint_key k
     JOIN schemaguard.lint_key o ON o.child = k.child AND o.parent = k.parent AND o.pairs = k.pairs AND o.actions = k.actions
                                AND o.place < k.place
ORDER BY k.oid, o.place
$rule$),

('shipped', NULL, NULL, 'key-contradictory', 'error', 'key %2 on the same columns does other things', NULL, $rule$
SELECT DISTINCT ON (k.oid) k.schema_name, k.object, quote_ident(o.fk_name)
FROM schemaguard.lint_key k
     JOIN schemaguard.lint_key o ON o.child = k.child AND o.parent = k.parent AND o.pairs = k.pairs AND o.actions <> k.actions
                                AND o.place < k.place
ORDER BY k.oid, o.place
$rule$),

('shipped', NULL, NULL, 'key-overlapping', 'note', 'key %2 has all of its columns', NULL, $rule$
SELECT DISTINCT ON (k.oid) k.schema_name, k.object, quote_ident(o.fk_name)
FROM schemaguard.lint_key k
     JOIN schemaguard.lint_key o ON o.child = k.child AND o.parent = k.parent AND o.pairs @> k.pairs AND o.pairs <> k.pairs
ORDER BY k.oid, o.place
$rule$),

('shipped', NULL, NULL, 'key-without-index', 'warning', 'no index on (%2)',
 'SELECT @extschema@.sg_plan_add(schemaguard.sg_lint_plan(), %3);', $rule$
SELECT k.schema_name, k.object, c.names, quote_literal(format('CREATE INDEX ON %s (%s)', k.child_name, c.names))
FROM schemaguard.lint_key k CROSS JOIN LATERAL schemaguard.sg_lint_columns(k.child, k.child_columns) c (names)
WHERE NOT EXISTS (
    SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam
    WHERE i.indrelid = k.child AND i.indisvalid AND i.indpred IS NULL
      AND (a.amname = 'btree' OR cardinality(k.child_columns) = 1 AND a.amname = 'hash')
      AND k.child_columns <@ (i.indkey::int2[])[0:cardinality(k.child_columns) - 1])
$rule$),

('shipped', NULL, NULL, 'key-across-schemas', 'note', 'refers to another schema: %2', NULL, $rule$
SELECT k.schema_name, k.object, k.parent_name FROM schemaguard.lint_key k JOIN pg_class p ON p.oid = k.parent
WHERE p.relnamespace::regnamespace::text <> quote_ident(k.schema_name)
$rule$),

('shipped', NULL, NULL, 'set-null-on-not-null', 'error', 'SET NULL of %2, which is NOT NULL', NULL, $rule$
SELECT k.schema_name, k.object, schemaguard.sg_lint_columns(k.child, array_agg(a.attnum ORDER BY a.attnum))
FROM schemaguard.lint_key k
     JOIN pg_constraint o ON o.oid = k.oid
     JOIN pg_attribute a ON a.attrelid = k.child AND a.attnotnull
          AND (o.confdeltype = 'n' AND a.attnum = ANY (coalesce(nullif(o.confdelsetcols, '{}'), o.conkey))
               OR o.confupdtype = 'n' AND a.attnum = ANY (o.conkey))
GROUP BY k.schema_name, k.object, k.child
$rule$),

('shipped', NULL, NULL, 'parent-without-primary-key', 'warning', 'keys refer to it, and it has no primary key', '%2', $rule$
SELECT t.schema_name, t.name,
       (SELECT format('SELECT @extschema@.sg_plan_add_unique(schemaguard.sg_lint_plan(), %L, %L, primary_key => true);', t.name,
                      (SELECT array_agg(a.attname ORDER BY u.place) FROM unnest(i.indkey) WITH ORDINALITY u (n, place)
                       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.n))
        FROM pg_index i
        WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
          AND i.indnatts = i.indnkeyatts
        ORDER BY i.indexrelid LIMIT 1)
FROM schemaguard.lint_table t
WHERE NOT t.is_partition AND EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = t.oid)
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.contype = 'p' AND p.conrelid = t.oid)
$rule$),

('shipped', NULL, NULL, 'table-without-primary-key', 'warning', 'no primary key', NULL, $rule$
SELECT t.schema_name, t.name
FROM schemaguard.lint_table t
WHERE NOT t.is_partition AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = t.oid)
  AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.contype = 'p' AND p.conrelid = t.oid)
$rule$);
