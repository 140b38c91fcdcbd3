-- Which references of one column are found by their values alone, by type: all names become meaningless first. For values.sh; the
-- table pg_temp.truth holds the references, by names. Numbers, and texts that are numbers, count as sparse where at most one in 64 of those
-- between the ends of the parent's key is there.
SET client_min_messages = error;
CREATE TEMP TABLE key AS
SELECT format('%I.%I', f[1], f[2])::regclass AS child, a.attnum AS child_column, format('%I.%I', f[4], f[5])::regclass AS parent,
       b.attnum AS parent_column, coalesce(nullif(t.typbasetype, 0), t.oid)::regtype AS type, 0::int8 AS rows, false AS digits, 0::numeric AS spread
FROM truth
     CROSS JOIN LATERAL regexp_matches(reference, '^([^.]+)\.([^(]+)\(([^,]+)\) > ([^.]+)\.([^(]+)\(([^,]+)\)$') f
     JOIN pg_attribute a ON a.attrelid = format('%I.%I', f[1], f[2])::regclass AND a.attname = f[3]
     JOIN pg_attribute b ON b.attrelid = format('%I.%I', f[4], f[5])::regclass AND b.attname = f[6]
     JOIN pg_type t ON t.oid = a.atttypid;
SELECT format('UPDATE key SET (rows, digits) = (SELECT count(DISTINCT %I), coalesce(bool_and(%I::text ~ ''^[0-9]{1,9}$''), false) FROM %s)
               WHERE child = %L::regclass AND child_column = %s', attname, attname, child, child, child_column)
FROM key JOIN pg_attribute ON attrelid = child AND attnum = child_column \gexec

SELECT format('UPDATE key SET spread = (SELECT (max(n) - min(n) + 1) / count(n) FROM (SELECT CASE WHEN %I::text ~ ''^[0-9]{1,15}$'' THEN %I::text::numeric END AS n FROM %s) p)
               WHERE parent = %L::regclass AND parent_column = %s', attname, attname, parent, parent, parent_column)
FROM (SELECT DISTINCT parent, parent_column FROM key) k JOIN pg_attribute ON attrelid = parent AND attnum = parent_column \gexec

SELECT format('ALTER TABLE %s RENAME COLUMN %I TO %I', c.oid::regclass, attname, 'c' || translate(md5(attname || c.oid), '0123456789', 'ghijklmnop'))
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname NOT IN ('pg_catalog', 'information_schema', 'schemaguard')
  AND nspname !~ '^pg_t' AND :'names' = 'meaningless' \gexec
SELECT format('ALTER TABLE %s RENAME TO %I', c.oid::regclass, 't' || translate(md5(relname || c.oid), '0123456789', 'ghijklmnop'))
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname NOT IN ('pg_catalog', 'information_schema', 'schemaguard')
  AND nspname !~ '^pg_t' AND :'names' = 'meaningless' \gexec
ANALYZE;
CREATE EXTENSION IF NOT EXISTS schemaguard;

CREATE TEMP TABLE found AS
SELECT child_table::regclass AS child, a.attnum AS child_column, parent_table::regclass AS parent, b.attnum AS parent_column,
       coalesce(nullif(t.typbasetype, 0), t.oid)::regtype AS type
FROM sg_discover_fks_details(verify => 'full') d
     JOIN pg_attribute a ON a.attrelid = child_table::regclass AND a.attname = child_columns[1]
     JOIN pg_attribute b ON b.attrelid = parent_table::regclass AND b.attname = parent_columns[1]
     JOIN pg_type t ON t.oid = a.atttypid
WHERE cardinality(child_columns) = 1;
-- type, references that rows name, those that name three or more, of these found, proposals, right ones
SELECT CASE WHEN type::text = 'uuid' THEN 'uuid' WHEN type::text ~ 'int|numeric' OR k.digits THEN
           concat(CASE WHEN k.spread >= 64 THEN 'sparse ' END, 'number', CASE WHEN k.digits AND type::text !~ 'int|numeric' THEN ' as text' END) ELSE 'text' END, count(*) FILTER (WHERE k.rows > 0),
       count(*) FILTER (WHERE k.rows >= 3), count(*) FILTER (WHERE k.rows >= 3 AND f.child IS NOT NULL), count(f.child),
       count(*) FILTER (WHERE f.child IS NOT NULL AND k.child IS NOT NULL)
FROM key k FULL JOIN found f USING (child, child_column, parent, parent_column, type)
GROUP BY 1 ORDER BY 1;
