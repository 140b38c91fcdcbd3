-- Sync: the statements of sg_sync_statements() as steps of a plan
CREATE FUNCTION schemaguard.sg_sync_done(state text, before text, after text, gone boolean, object text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF state IS NOT DISTINCT FROM after OR gone AND state IS NULL THEN
        RETURN true;
    ELSIF state IS NOT DISTINCT FROM before THEN
        RETURN false;
    END IF;
    RAISE '% is neither as it was nor as it should be', object USING ERRCODE = 'object_not_in_prerequisite_state';
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_done(text, text, text, boolean, text)
    IS 'tells whether an object is as it should be, or gone if that suffices; raises an error if it is not as it was, either';

-- Returns the statements that recreate an enum, without DO, and without the checks and defaults that other statements drop and add
CREATE FUNCTION schemaguard.sg_sync_relabel_plain(type text, name text, labels jsonb, dropped text[])
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    first text[];
    last text[];
BEGIN
    EXECUTE schemaguard.sg_sync_labelled(type) INTO first, last;
    RETURN (
        SELECT array_to_string(ARRAY(SELECT l FROM unnest(first) WITH ORDINALITY x (l, n) WHERE l <> ALL (dropped) ORDER BY n) || r.make
            || ARRAY(SELECT coalesce((SELECT d FROM unnest(dropped) d (d)
                WHERE starts_with(d, split_part(l, ' SET DEFAULT ', 1) || ' SET DEFAULT ')), l) FROM unnest(last) WITH ORDINALITY x (l, n)
                    WHERE NOT EXISTS (SELECT FROM unnest(dropped) d (d)
                        WHERE starts_with(l, replace(replace(d, ' DROP CONSTRAINT ', ' ADD CONSTRAINT '), ' DROP DEFAULT', ' SET DEFAULT')
                            || ' ')) ORDER BY n)
            || r.finish, E';\n')
        FROM schemaguard.sg_sync_relabel(type, name, labels) r);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_relabel_plain(text, text, jsonb, text[])
    IS 'returns the statements that recreate an enum, for the columns that it has now';

-- Returns the text behind a block. Its quote ends it, and nothing within: that may hold what looks like the end of another one
CREATE FUNCTION schemaguard.sg_sync_behind_block(statement text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN nullif(ltrim(split_part(statement, substring(statement FROM E'^DO (\\$[a-z_0-9]+\\$)'), 3), E';\n'), '');
COMMENT ON FUNCTION schemaguard.sg_sync_behind_block(text)
    IS 'returns the statements after a DO block; null: there are none';

-- A statement as a plan can hold it: DO is none
CREATE FUNCTION schemaguard.sg_sync_plain(statement text, object text, parent text, name text, properties jsonb, dropped text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE
        WHEN statement ~ '^DO \$storage[_$]' THEN (
            SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', parent, name,
                CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END)
            FROM pg_type t WHERE t.oid = to_regtype(properties ->> 'type'))
        WHEN statement ~ '^DO \$not_null[_$]' THEN (
            WITH RECURSIVE heir AS (
                SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = to_regclass(parent)
                UNION SELECT i.inhrelid FROM heir h JOIN pg_inherits i ON i.inhparent = h.inhrelid)
            SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', parent, name)
                || coalesce(string_agg(format(E';\nALTER TABLE %s ALTER COLUMN %I SET NOT NULL', a.attrelid::regclass, a.attname), ''
                    ORDER BY a.attrelid), '')
            FROM heir h JOIN pg_attribute a ON a.attrelid = h.inhrelid AND a.attname = name AND a.attnotnull
            WHERE a.attrelid::regclass::text <> ALL (replace(substring(statement
                FROM $re$<> ALL \('((?:[^']|'')*)'::pg_catalog\._text\)$re$), '''''', '''')::text[]))
        WHEN statement ~ '^DO \$restart[_$]' THEN (
            SELECT format(replace(substr(x.m[1], 2, length(x.m[1]) - 2), '''''', ''''), VARIADIC CASE WHEN q.owned THEN ARRAY[parent, name]
                ELSE ARRAY[object, properties ->> 'type'] END)
                || CASE WHEN coalesce(v.last, s.seqstart) NOT BETWEEN x.m[2]::bigint AND x.m[3]::bigint
                    AND coalesce((v.last < x.m[2]::bigint) = (substring(x.m[1] FROM 'INCREMENT BY (-?\d+)')::bigint > 0), true)
                    THEN ' RESTART' ELSE '' END
            FROM regexp_match(statement, $re$EXECUTE pg_catalog\.format\(('(?:[^']|'')*'), .* NOT BETWEEN (-?\d+) AND (-?\d+) $re$) x (m),
                LATERAL (SELECT x.m[1] LIKE '''ALTER TABLE %' AS owned) q
                    JOIN pg_sequence s ON s.seqrelid = to_regclass(CASE WHEN q.owned
                        THEN (SELECT pg_get_serial_sequence(parent, a.attname) FROM pg_attribute a
                 WHERE a.attrelid = to_regclass(parent) AND a.attname = name AND NOT a.attisdropped) ELSE object END)
                    CROSS JOIN LATERAL (SELECT pg_sequence_last_value(s.seqrelid) AS last) v)
        WHEN statement ~ '^DO \$labels[_$]' THEN schemaguard.sg_sync_relabel_plain(object, name, properties -> 'labels', dropped)
            || coalesce(E';\n' || schemaguard.sg_sync_behind_block(statement), '')
        WHEN statement ~ '^DO \$sequence[_$]' THEN (
            SELECT string_agg(format(replace(substr(x.m[1], 2, length(x.m[1]) - 2), '''''', ''''), q.sequence), E';\n')
            FROM regexp_matches(statement, $re$EXECUTE pg_catalog\.format\(('(?:[^']|'')*'), $re$, 'g') x (m),
                (SELECT pg_get_serial_sequence(parent, a.attname) AS sequence FROM pg_attribute a
                 WHERE a.attrelid = to_regclass(parent) AND a.attname = name AND NOT a.attisdropped) q
            WHERE q.sequence IS NOT NULL)
        WHEN statement ~ '^DO \$triggers[_$]' THEN (
            SELECT string_agg(format('ALTER TABLE %s %s TRIGGER %I', g.tgrelid::regclass,
                CASE substring(properties ->> 'triggers' FROM x.part || ' (\w+)')
                WHEN 'disabled' THEN 'DISABLE' WHEN 'replica' THEN 'ENABLE REPLICA' WHEN 'always' THEN 'ENABLE ALWAYS'
                    ELSE 'ENABLE' END, g.tgname), E';\n' ORDER BY g.tgrelid, g.tgname)
            FROM pg_constraint c JOIN pg_trigger g ON g.tgconstraint = c.oid JOIN pg_proc f ON f.oid = g.tgfoid
                CROSS JOIN LATERAL (SELECT CASE WHEN f.proname IN ('RI_FKey_check_ins', 'RI_FKey_check_upd', 'unique_key_recheck')
                    THEN 'check' ELSE 'action' END AS part) x
            WHERE c.conrelid = to_regclass(parent) AND c.conname = name)
        WHEN statement ~ '^DO \$stored[_$]' THEN (
            SELECT string_agg(format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I SET STORAGE %s', a.attrelid::regclass, a.attname,
                CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END), E';\n'
                    ORDER BY a.attnum)
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = to_regclass(object) AND a.attnum > 0 AND NOT a.attisdropped
                AND position(format('a.attname = %L', a.attname) IN statement) > 0)
        -- a step of its own drops what has nothing but itself
        WHEN statement ~ '^DO \$partitions[_$]' THEN schemaguard.sg_sync_behind_block(statement)
        WHEN statement ~ E'(^|;\n)\\s*DO \\$(storage|labels|sequence|triggers|stored|partitions|restart|not_null)[_$]'
            AND statement !~ '^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) ' THEN NULL
        -- in a transaction
        ELSE regexp_replace(statement, '^(CREATE (UNIQUE )?INDEX) CONCURRENTLY ', '\1 ') END
$function$;

COMMENT ON FUNCTION schemaguard.sg_sync_plain(text, text, text, text, jsonb, text[])
    IS 'returns a statement as a plan can hold it; null: there is none';

-- Blocks are not what sg_sync_problem() has looked at
CREATE FUNCTION schemaguard.sg_sync_fitting(kind text, statement text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN schemaguard.sg_sync_problem(kind, NULL, statement, NULL) IS NULL THEN statement END;
COMMENT ON FUNCTION schemaguard.sg_sync_fitting(text, text)
    IS 'returns a plan''s statement if it fits the kind of object; null: it is no statement, or of another kind';

CREATE FUNCTION schemaguard.sg_sync_texts(names jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT array_agg(x.name ORDER BY x.n)::text FROM jsonb_array_elements_text(names) WITH ORDINALITY x (name, n)
$function$;

COMMENT ON FUNCTION schemaguard.sg_sync_texts(jsonb)
    IS 'returns an array of names as the text of a text[]';

-- Returns the identities of tables, columns and all else that plans have kept, and of objects under them
CREATE FUNCTION schemaguard.sg_sync_under_kept()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH kept (classid, objid, objsubid) AS (
    SELECT 'pg_class'::regclass, c.oid, 0 FROM pg_class c JOIN schemaguard.attic a ON a.oid = c.relnamespace
    UNION ALL
    SELECT 'pg_class'::regclass, k.relid, k.number::int FROM schemaguard.kept_column k
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0 FROM pg_proc p JOIN schemaguard.attic a ON a.oid = p.pronamespace
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0 FROM pg_type t JOIN schemaguard.attic a ON a.oid = t.typnamespace
), part AS (
    -- with their defaults, constraints, triggers, rules and policies
    SELECT d.classid, d.objid, -1 AS objsubid FROM kept k JOIN pg_depend d ON d.refclassid = k.classid AND d.refobjid = k.objid
        AND (k.objsubid = 0 OR d.refobjsubid = k.objsubid) AND d.deptype IN ('a', 'i')
    UNION
    SELECT k.classid, k.objid, k.objsubid FROM kept k
), below AS MATERIALIZED (
    SELECT DISTINCT d.refclassid, d.refobjid FROM part p JOIN pg_depend d ON d.classid = p.classid AND d.objid = p.objid
        AND (p.objsubid <= 0 OR d.objsubid = p.objsubid)
)
SELECT (pg_identify_object(d.refclassid, d.refobjid, 0)).identity FROM below d
WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_collation'::regclass) AND d.refobjid >= 16384
UNION
SELECT quote_ident(x.extname) FROM below d JOIN pg_depend e ON e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'
    AND e.refclassid = 'pg_extension'::regclass JOIN pg_extension x ON x.oid = e.refobjid
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_under_kept()
    IS 'returns the identities of objects that plans keep, and of the objects under them';

-- The names of what is in the attic, so that what comes there gets another one
CREATE FUNCTION schemaguard.sg_sync_kept_names()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT n.name
    FROM schemaguard.attic a CROSS JOIN LATERAL (
        SELECT p.proname AS name FROM pg_proc p WHERE p.pronamespace = a.oid
        UNION ALL SELECT c.relname FROM pg_class c WHERE c.relnamespace = a.oid
        UNION ALL SELECT t.typname FROM pg_type t WHERE t.typnamespace = a.oid AND t.typrelid = 0) n
    WHERE a.nspname = 'schemaguard_attic'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_kept_names()
    IS 'returns the names of objects that are kept in schemaguard_attic';

-- Returns the steps that statements alone do: n and part are the place, kind and fields as schemaguard.sg_plan_add_step() takes them
CREATE FUNCTION schemaguard.sg_sync_statement_steps(members schemaguard.sync_member[], lines schemaguard.sync_line[],
    backs schemaguard.sync_back[], pairs schemaguard.sync_pair[], OUT n bigint, OUT part int, OUT kind text, OUT fields text[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT s.n, 5, 'statement', ARRAY['definition', s.statements, 'undo', coalesce(u.undo, '-- another step takes it back'),
    'done_when', 'SELECT ' || s.done, 'child_table', CASE WHEN NOT s.in_new THEN s.child_table END,
    'fk_name', s.kind || ' ' || s.object || CASE WHEN s.objects > 1 THEN format(' and %s more', s.objects - 1) WHEN s.part = '' THEN ''
        ELSE ', ' || s.part END]
FROM schemaguard.sg_sync_islands(members) s
LEFT JOIN schemaguard.sg_sync_undos(members, lines, backs, pairs) u ON u.island = s.island
UNION ALL
SELECT l.n, 5, 'statement', ARRAY['definition', l.statement, 'undo', CASE WHEN l.freed THEN '-- another step takes it back'
        ELSE 'DROP INDEX CONCURRENTLY ' || i.name END,
    'done_when', format('SELECT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(%L) AND '
        'i.indisvalid AND i.indrelid = pg_catalog.to_regclass(%L) AND i.indisunique = %L)', i.name, l.parent,
        l.statement LIKE 'CREATE UNIQUE %'), 'outside', 'true', 'fk_name', l.kind || ' ' || l.object]
FROM unnest(lines) l
CROSS JOIN LATERAL (SELECT schemaguard.sg_sync_schema(l.parent) || '.' || quote_ident(l.index_name) AS name) i
WHERE l.form = 'outside'
UNION ALL
-- what can't be kept where it is
SELECT l.n, 1, 'statement', ARRAY['definition', format('ALTER TABLE %s NO INHERIT %s', l.object, i.parent), 'undo',
    format('ALTER TABLE %s INHERIT %s', l.object, i.parent),
    'done_when', format('SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass(%L) AND '
        'i.inhparent = pg_catalog.to_regclass(%L))', l.object, i.parent),
    'child_table', l.object, 'fk_name', 'table ' || l.object || ', from ' || i.parent]
FROM unnest(lines) l CROSS JOIN jsonb_array_elements_text(l.old -> 'inherits') i (parent) WHERE l.form = 'drop' AND l.kind = 'table'
UNION ALL
SELECT l.n, 1, 'statement', ARRAY['definition', format('COMMENT ON CONSTRAINT %I ON %s IS NULL', l.name, l.parent),
    'undo', format('COMMENT ON CONSTRAINT %I ON %s IS %L', l.name, l.parent, l.old ->> 'comment'),
    'fk_name', 'comment of constraint ' || l.object]
FROM unnest(lines) l WHERE l.kind = 'constraint' AND l.old ? 'comment'
    -- the step of a key drops the one that it replaces
    AND (l.form = 'drop' OR l.what = 'replaced' AND l.form = CASE l.type WHEN 'f' THEN 'foreign key' ELSE 'swap' END)
UNION ALL
SELECT k.n, 5, 'statement',
    ARRAY['definition', format(E'ALTER %1$s %2$s RENAME TO %3$s;\nALTER %1$s %4$s.%3$s%5$s SET SCHEMA schemaguard_attic', upper(k.kind),
        x.address, x.as_name, x.schema, x.arguments),
    'undo', format(E'ALTER %1$s schemaguard_attic.%3$s%5$s SET SCHEMA %4$s;\nALTER %1$s %4$s.%3$s%5$s RENAME TO %2$s', upper(k.kind),
        x.was, x.as_name, x.schema, x.arguments),
    'fk_name', k.kind || ' ' || k.object || ', kept']
FROM schemaguard.sg_sync_stays(lines, pairs) k CROSS JOIN LATERAL schemaguard.sg_sync_attic_name(k.kind, k.object, k.name) x
WHERE k.kept
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_statement_steps(schemaguard.sync_member[], schemaguard.sync_line[], schemaguard.sync_back[],
    schemaguard.sync_pair[])
    IS 'returns the steps that consist of statements alone';

-- Returns how an object is called on its way to schemaguard_attic: address for ALTER, its schema, arguments behind its name, its name, and
-- the one that it gets there
CREATE FUNCTION schemaguard.sg_sync_attic_name(kind text, object text, name text,
    OUT address text, OUT schema text, OUT arguments text, OUT was text, OUT as_name text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN x.bare THEN left(object, -1) || '*)' ELSE object END, schemaguard.sg_sync_schema(object),
        CASE WHEN x.bare THEN '(*)' ELSE substr(object, length(CASE WHEN kind IN ('function', 'procedure', 'aggregate')
            THEN schemaguard.sg_sync_name(object) ELSE object END) + 1) END,
        substring(schemaguard.sg_sync_name(object) FROM '([^".]+|"(?:[^"]|"")*")$'),
        quote_ident(schemaguard.sg_make_name(regexp_replace(name, '\(.*$', ''), NULL, x.digest || coalesce('_' || nullif((
            SELECT count(*) FROM schemaguard.sg_sync_kept_names() a (name) WHERE position(x.digest IN a.name) > 0), 0), '')))
    FROM (SELECT kind = 'aggregate' AND object LIKE '%()' AS bare, left(md5(object), 8) AS digest) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_attic_name(text, text, text)
    IS 'returns the names of an object on its way to schemaguard_attic';

-- Returns the steps of other kinds. Fix: rows that break a rule go to quarantine.
CREATE FUNCTION schemaguard.sg_sync_other_steps(lines schemaguard.sync_line[], fix boolean,
    OUT n bigint, OUT part int, OUT kind text, OUT fields text[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH line AS MATERIALIZED (
    SELECT l.*, CASE l.what WHEN 'replaced' THEN l.new_name ELSE l.name END AS made_name, CASE WHEN fix THEN 'quarantine' END AS orphans
    FROM unnest(lines) l WHERE l.form NOT IN ('statement', 'outside', 'with')
)
SELECT l.n, 5, 'rename', ARRAY['definition', 'column', 'child_table', l.parent, 'fk_name', l.target_name, 'new_name', l.name]
FROM line l WHERE l.form = 'rename'
UNION ALL
SELECT l.n, 5, 'column', ARRAY['child_table', l.parent, 'child_columns', ARRAY[l.name]::text,
    'definition', CASE WHEN (l.new ->> 'not_null')::boolean THEN regexp_replace(d.definition, ' NOT NULL$', '') ELSE d.definition END]
FROM line l CROSS JOIN LATERAL (
    SELECT substr(l.statement, length(format('ALTER TABLE %s ADD COLUMN %I ', l.parent, l.name)) + 1) AS definition) d
WHERE l.form = 'column'
UNION ALL
-- once for each column, be it a new one or not
SELECT min(l.n), 6, 'not null', ARRAY['child_table', l.parent, 'child_columns', ARRAY[l.name]::text, 'orphans', l.orphans]
FROM line l WHERE l.form = 'not null' OR l.form = 'column' AND (l.new ->> 'not_null')::boolean AND NOT l.new ? 'identity'
GROUP BY l.parent, l.name, l.orphans
UNION ALL
SELECT l.n, 5, 'default', ARRAY['child_table', l.parent, 'child_columns', ARRAY[l.name]::text, 'definition',
    schemaguard.sg_sync_portable(l.new ->> 'default')]
FROM line l WHERE l.form = 'default'
UNION ALL
SELECT l.n, 5, 'foreign key', ARRAY['child_table', l.parent, 'child_columns', schemaguard.sg_sync_texts(l.new -> 'columns'),
    'parent_table', l.new ->> 'references', 'parent_columns', schemaguard.sg_sync_texts(l.new -> 'referenced_columns'),
    'fk_name', l.made_name, 'replaces', CASE l.what WHEN 'replaced' THEN l.name END,
    'on_delete', l.new ->> 'on_delete', 'on_update', l.new ->> 'on_update', 'match', l.new ->> 'match', 'deferrable',
    l.new ->> 'deferrable', 'initially_deferred', l.new ->> 'deferred',
    'on_delete_columns', schemaguard.sg_sync_texts(l.new -> 'on_delete_columns'), 'period', l.new ->> 'period', 'index', 'false',
    'orphans', CASE WHEN NOT l.new ? 'period' THEN l.orphans END]
FROM line l WHERE l.form = 'foreign key'
UNION ALL
SELECT l.n, 5, 'check', ARRAY['child_table', l.parent, 'definition', schemaguard.sg_sync_portable(l.new ->> 'expression'),
    'fk_name', l.made_name, 'orphans', l.orphans]
FROM line l WHERE l.form = 'check'
UNION ALL
SELECT l.n, 5, 'unique', ARRAY['child_table', l.parent, 'child_columns', schemaguard.sg_sync_texts(l.new -> 'columns'),
    'fk_name', l.name, 'primary_key', (l.type = 'p')::text, 'deferrable', l.new ->> 'deferrable',
    'initially_deferred', l.new ->> 'deferred']
FROM line l WHERE l.form = 'unique'
UNION ALL
SELECT l.n, 5, 'index', ARRAY['child_table', l.parent, 'fk_name', l.index_name,
    'definition', coalesce(substring(l.statement FROM '^CREATE (UNIQUE )INDEX '), '')
        || substr(l.statement, position(x.at IN l.statement) + length(x.at))]
FROM line l CROSS JOIN LATERAL format(' %I ON %s%s ', l.index_name, CASE WHEN position(format(' %I ON ONLY %s ', l.index_name, l.parent)
    IN l.statement) > 0 THEN 'ONLY ' END, l.parent) x (at)
WHERE l.form = 'index'
UNION ALL
-- the old one goes, the new one gets its name
SELECT l.n, 4, 'drop', ARRAY['definition', 'constraint', 'child_table', l.parent, 'fk_name', l.name]
FROM line l WHERE l.form = 'swap' AND l.type = 'c'
UNION ALL
SELECT l.n, 5, 'rename', ARRAY['definition', 'constraint', 'child_table', l.parent, 'fk_name', l.new_name, 'new_name', l.name]
FROM line l WHERE l.form = 'swap'
UNION ALL
-- partitions before the whole
SELECT coalesce(w.n, l.n), coalesce(-w.depth, 5), 'drop', ARRAY['definition', l.kind,
    'child_table', CASE WHEN l.kind IN ('column', 'constraint') THEN l.parent ELSE l.object END,
    'fk_name', CASE WHEN l.kind IN ('column', 'constraint') THEN l.name END]
FROM line l LEFT JOIN schemaguard.sg_sync_trees(lines) w ON w.object = l.object AND l.kind = 'table' WHERE l.form = 'drop'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_other_steps(schemaguard.sync_line[], boolean)
    IS 'returns the steps that do not consist of statements';

-- Returns what sg_sync_steps() says beside its steps: what is left out, and why; kinds: bare (made without options), sent and closed (what
-- publications send), asked (what may be renamed, with the two answers), refused (what is in the way of all of it)
CREATE FUNCTION schemaguard.sg_sync_said(acts schemaguard.sync_act[], OUT kind text, OUT fields text[], OUT left_out text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT NULL, NULL::text[], CASE WHEN a.blocked LIKE '% in the way: %' THEN 'wait, for ' || a.blocked
    WHEN a.note LIKE '% loses %' AND a.blocked IS NULL THEN 'would lose something (allow_drop)'
    WHEN a.note = 'unknown' THEN 'could not be read' WHEN a.note = 'asked' THEN 'may be renamed'
    WHEN a.note = 'unmanaged' THEN 'are made by something else' WHEN a.note = 'hidden' THEN 'are hidden' ELSE 'nothing alters' END
FROM unnest(acts) a
WHERE a.lost AND a.note NOT IN ('need', 'refused', 'along', 'sent', 'closed') AND NOT (a.kind = 'user mapping' AND a.note = 'hidden')
UNION ALL
SELECT 'bare', NULL, a.kind || ' ' || a.object FROM unnest(acts) a WHERE a.kind = 'user mapping' AND a.note = 'hidden'
UNION ALL
SELECT a.note, ARRAY[a.statement, a.before], NULL FROM unnest(acts) a WHERE a.note IN ('sent', 'closed')
UNION ALL
SELECT 'asked', ARRAY[concat_ws(' ', a.kind, a.object, a.statement), schemaguard.sg_sync_answer(a.kind, a.before, a.after, true),
    schemaguard.sg_sync_answer(a.kind, a.before, a.after, false)], NULL
FROM unnest(acts) a WHERE a.note = 'asked' AND a.what = 'asked'
UNION ALL
SELECT 'refused', ARRAY[CASE a.note WHEN 'need' THEN a.kind || ' ' || a.object || ' is not there'
    ELSE concat_ws(' ', a.kind, a.object, a.what) END], NULL
FROM unnest(acts) a WHERE a.note = 'refused' OR a.note = 'need' AND NOT CASE a.kind
    WHEN 'role' THEN to_regrole(a.object) IS NOT NULL
    WHEN 'tablespace' THEN EXISTS (SELECT FROM pg_tablespace t WHERE t.spcname = a.object)
    WHEN 'extension' THEN EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name || ' ' || v.version = a.object)
    WHEN 'collation' THEN to_regcollation(a.object) IS NOT NULL
    ELSE current_setting('server_version_num')::int >= a.object::int * 10000 END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_said(schemaguard.sync_act[])
    IS 'returns the objects that are left out of a plan, with the reason';

-- Returns the steps that make this database what the reference is, in order: kind, and fields as schemaguard.sg_plan_add_step() takes them;
-- and what sg_sync_said() says. A statement that a kind of step of its own stands for is none; the others are put together by object, and
-- what takes them back is what makes the reference what this database is. Names come first, alone: all else is planned when they are what
-- they will be. Safe: those that sg_sync_safe() lets through.
CREATE FUNCTION schemaguard.sg_sync_steps(
    reference text, schemas text[], allow_drop boolean, partitions boolean, fix boolean, renames text, safe boolean,
    OUT kind text, OUT fields text[], OUT left_out text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET quote_all_identifiers = off
SET jit = off
SET enable_nestloop = off
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
    pairs schemaguard.sync_pair[] := ARRAY(SELECT p FROM schemaguard.sg_sync_pairs(reference, 'live', schemas, renames) p);
    acts   schemaguard.sync_act[] := ARRAY(SELECT a FROM schemaguard.sg_sync_acts(pairs, reference, allow_drop, partitions) a);
    lines  schemaguard.sync_line[] := ARRAY(SELECT l FROM schemaguard.sg_sync_lines(acts, pairs) l);
    stays  bigint[];
    kept   bigint[];
    backs  schemaguard.sync_back[];
    spoken schemaguard.sync_spoken[];
    members schemaguard.sync_member[];
    looked jsonb := schemaguard.sg_sync_lookup_steps(reference, schemas, allow_drop, safe);
    keys   bigint := (SELECT min(a.n) FROM unnest(acts) a WHERE a.section > 3);
BEGIN
    IF safe THEN
        lines := ARRAY(SELECT l FROM unnest(lines) l JOIN schemaguard.sg_sync_safe(acts, pairs) s ON s.n = l.n WHERE s.reason IS NULL);
        -- nothing takes back what is not made
        pairs := ARRAY(SELECT p FROM unnest(pairs) p WHERE EXISTS (SELECT FROM unnest(lines) l WHERE l.kind = p.kind
            AND l.object = coalesce(p.identity, p.target_identity)));
    END IF;
    lines := ARRAY(SELECT l FROM schemaguard.sg_sync_formed(lines, acts, pairs) l);
    SELECT coalesce(array_agg(s.n) FILTER (WHERE s.kept), '{}'), coalesce(array_agg(s.n) FILTER (WHERE NOT s.kept), '{}')
        INTO kept, stays FROM schemaguard.sg_sync_stays(lines, pairs) s;
    spoken := ARRAY(SELECT s FROM schemaguard.sg_sync_spoken(lines, schemaguard.sg_sync_own_drops(acts), kept, stays) s);
    members := ARRAY(SELECT m FROM schemaguard.sg_sync_members(lines, spoken) m);
    backs := ARRAY(SELECT b FROM schemaguard.sg_sync_backs(schemaguard.sg_sync_backward(pairs, acts, reference, partitions), pairs)
        b);

    RETURN QUERY SELECT s.kind, s.fields || ARRAY['after', s.after], NULL FROM (
            SELECT x.*, '{*?}' AS after FROM schemaguard.sg_sync_statement_steps(members, lines, backs, pairs) x
            UNION ALL SELECT x.*, '{*?}' FROM schemaguard.sg_sync_other_steps(lines, fix) x
            -- rows before the keys that need them; names change first
            UNION ALL SELECT coalesce(keys, 9223372036854775807), r.n::int - 1000000, 'rows', f.fields, coalesce(r.step ->> 'after', '{*?}')
            FROM jsonb_array_elements(looked) WITH ORDINALITY r (step, n) CROSS JOIN LATERAL (
                SELECT array_agg(x.part ORDER BY e.key, x.o) FROM jsonb_each_text(r.step - 'after') e
                    CROSS JOIN LATERAL unnest(ARRAY[e.key, e.value]) WITH ORDINALITY x (part, o)) f (fields)
            WHERE jsonb_typeof(r.step) = 'object' AND NOT EXISTS (SELECT FROM unnest(acts) a WHERE a.what IN ('renamed', 'announced'))
            ) s ORDER BY s.n, s.part;
    RETURN QUERY SELECT NULL, NULL::text[], r #>> '{}' FROM jsonb_array_elements(looked) r WHERE jsonb_typeof(r) = 'string';
    RETURN QUERY SELECT s.* FROM schemaguard.sg_sync_said(acts) s;
    RETURN QUERY SELECT 'filled', ARRAY[f.told, f.ending], NULL FROM schemaguard.sg_sync_fillers(schemaguard.sg_sync_before(
        ARRAY(SELECT l.object FROM unnest(lines) l WHERE schemaguard.sg_sync_needs_free(l.kind, l.what, l.statement)),
        ARRAY(SELECT l.statement FROM unnest(lines) l WHERE l.what LIKE 'renamed%' ORDER BY l.n))) f;
    RETURN QUERY SELECT NULL, NULL::text[], 'stay, for what the plan keeps' FROM unnest(stays);
    RETURN QUERY SELECT NULL, NULL::text[], 'are done by a script alone' FROM unnest(spoken) s JOIN unnest(lines) l ON l.n = s.n
        WHERE s.text IS NULL AND l.statement !~ '^DO \$partitions[_$]';
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_steps(text, text[], boolean, boolean, boolean, text, boolean)
    IS 'returns the steps of a plan that makes this database like a snapshot';

-- Returns the tables of which these steps write rows otherwise than was approved (steps, and the columns that each table had then); null:
-- none. A step holds each row as it shall be (a row to delete: its key) and as it was. New columns of rows that were right may be filled.
CREATE FUNCTION schemaguard.sg_sync_lookup_beyond(steps jsonb, approved jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH pair AS MATERIALIZED (
    SELECT row_number() OVER () AS n, l.side, e ->> 'child_table' AS table_name, d.names AS key_columns,
        schemaguard.sg_lookup_key(s.shall, d.names) AS key, d.d ? 'delete' AS deletes, s.shall, nullif(w.was, 'null') AS was
    FROM (VALUES (1, steps), (2, approved -> 'steps'), (2, approved -> 'later')) l (side, list)
        CROSS JOIN LATERAL jsonb_array_elements(nullif(l.list, 'null')) e
        CROSS JOIN LATERAL (SELECT (e ->> 'definition')::jsonb, (e ->> 'child_columns')::text[]) d (d, names)
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(d.d -> 'delete', d.d -> 'rows')) WITH ORDINALITY s (shall, n)
        JOIN LATERAL jsonb_array_elements(d.d -> 'was') WITH ORDINALITY w (was, n) ON w.n = s.n
    WHERE jsonb_typeof(e) = 'object'
), value AS MATERIALIZED (
    SELECT p.n, p.side, p.table_name, p.key, c.name, c.value, c.written
    FROM pair p CROSS JOIN LATERAL (
        SELECT w.key, w.value, false FROM jsonb_each(p.was) w
        UNION ALL SELECT s.key, s.value, true FROM jsonb_each(p.shall) s WHERE NOT p.deletes) c (name, value, written)
), known AS MATERIALIZED (
    SELECT v.table_name, v.key, v.name, v.value FROM value v WHERE v.side = 2 GROUP BY 1, 2, 3, 4
), strange AS (
    SELECT v.n FROM value v LEFT JOIN known k ON (k.table_name, k.key, k.name, k.value) = (v.table_name, v.key, v.name, v.value)
        LEFT JOIN (SELECT x.table_name, x.key, x.name FROM known x GROUP BY 1, 2, 3) c
        ON (c.table_name, c.key, c.name) = (v.table_name, v.key, v.name)
    WHERE v.side = 1 AND k.name IS NULL AND (v.written OR c.name IS NOT NULL)
), whole AS (
    SELECT p.table_name, p.key_columns, p.key, bool_or(p.deletes) AS deletes, bool_or(NOT p.deletes) AS writes,
        bool_or(p.was IS NULL) AS inserts FROM pair p WHERE p.side = 2 GROUP BY 1, 2, 3
)
SELECT string_agg(DISTINCT p.table_name, ', ')
FROM pair p LEFT JOIN whole a ON (a.table_name, a.key_columns, a.key) = (p.table_name, p.key_columns, p.key)
WHERE p.side = 1 AND (a.key IS NULL OR p.deletes AND NOT a.deletes OR NOT p.deletes AND NOT a.writes OR p.was IS NULL AND NOT a.inserts
        OR p.n IN (SELECT x.n FROM strange x))
    AND (p.deletes OR p.was IS NULL OR NOT coalesce(approved -> 'columns' ? p.table_name, false) OR EXISTS (
        SELECT FROM jsonb_array_elements_text(approved -> 'columns' -> p.table_name) c (name)
        WHERE p.shall ? c.name AND p.was -> c.name IS DISTINCT FROM p.shall -> c.name))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_beyond(jsonb, jsonb)
    IS 'returns the tables of which steps write rows otherwise than approved ones; null: none';

CREATE PROCEDURE sg_sync_apply(reference text, schemas schemaguard.names DEFAULT NULL, allow_drop boolean DEFAULT false,
                               partitions boolean DEFAULT false, fix boolean DEFAULT false, fail boolean DEFAULT true,
                               plan text DEFAULT NULL, max_rows bigint DEFAULT NULL, renames text DEFAULT 'ask')
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_sync_apply';
COMMENT ON PROCEDURE sg_sync_apply(text, schemaguard.names, boolean, boolean, boolean, boolean, text, bigint, text)
    IS 'makes this database like a snapshot, by a plan that can be rolled back';
