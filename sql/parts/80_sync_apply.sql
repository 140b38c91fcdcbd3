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
    IS 'whether an object is as it should be, or gone where that is as good; an error where it is not as it was, either';

-- A statement as a plan can hold it: DO is none, nor is a query that runs as whoever makes a materialized view
CREATE FUNCTION schemaguard.sg_sync_plain(statement text, parent text, name text, type text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE
        WHEN statement LIKE 'DO $storage$%' THEN (
            SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', parent, name,
                CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END)
            FROM pg_type t WHERE t.oid = to_regtype(type))
        WHEN statement LIKE 'DO $sequence$%' THEN (
            SELECT string_agg(format(replace(substr(x.m[1], 2, length(x.m[1]) - 2), '''''', ''''), q.sequence), E';\n')
            FROM regexp_matches(statement, $re$EXECUTE pg_catalog\.format\(('(?:[^']|'')*'), $re$, 'g') x (m),
                (SELECT pg_get_serial_sequence(parent, a.attname) AS sequence FROM pg_attribute a
                 WHERE a.attrelid = to_regclass(parent) AND a.attname = name AND NOT a.attisdropped) q
            WHERE q.sequence IS NOT NULL)
        -- a step of its own drops what has nothing but itself
        WHEN statement LIKE 'DO $partitions$%' THEN substring(statement FROM 'END \$partitions\$;\s*(.*)')
        WHEN statement ~ E'(^|;\n)\\s*DO \\$' THEN NULL
        WHEN statement LIKE 'CREATE MATERIALIZED VIEW %' THEN regexp_replace(statement, '\sWITH DATA$', ' WITH NO DATA')
        -- in a transaction
        ELSE regexp_replace(statement, '^(CREATE (UNIQUE )?INDEX) CONCURRENTLY ', '\1 ') END
$function$;

COMMENT ON FUNCTION schemaguard.sg_sync_plain(text, text, text, text)
    IS 'a statement as a plan can hold it; null: there is none';

CREATE FUNCTION schemaguard.sg_sync_texts(names jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT array_agg(x.name ORDER BY x.n)::text FROM jsonb_array_elements_text(names) WITH ORDINALITY x (name, n)
$function$;

COMMENT ON FUNCTION schemaguard.sg_sync_texts(jsonb)
    IS 'an array of names as the text of a text[]';

-- The steps that make this database what the reference is, in order: kind, and fields as schemaguard.sg_plan_add() takes
-- them; and, without a kind, what is left out, and why. A statement that a kind of step of its own stands for is none; the
-- others are put together by object, and what takes them back is what makes the reference what this database is.
-- Names come first, alone: all else is planned when they are what they will be.
CREATE FUNCTION schemaguard.sg_sync_steps(
    reference text, schemas text[], allow_drop boolean, partitions boolean, fix boolean,
    OUT kind text, OUT fields text[], OUT left_out text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_nestloop = off
AS $function$
WITH compared AS MATERIALIZED (
    SELECT array_agg(p) AS forth, array_agg(ROW(p.back, p.number, p.kind, p.target_identity, p.target_parent, p.target_name, p.target_properties,
        p.identity, p.parent, p.name, p.properties, p.changes, p.unknown)::schemaguard.sync_pair) AS back
    FROM schemaguard.sg_sync_pairs(reference, 'live', schemas) p
), pair AS MATERIALIZED (
    SELECT p.kind, coalesce(p.identity, p.target_identity) AS object, p.target_identity, coalesce(p.parent, p.target_parent) AS parent,
        coalesce(p.name, p.target_name) AS name, p.target_name, p.properties AS new, p.target_properties AS old, p.changes
    FROM compared c, unnest(c.forth) p
), forth AS MATERIALIZED (
    SELECT s.*, split_part(s.note, ' loses ', 1) AS step, s.section = 0 OR s.note LIKE '% loses %' AND NOT allow_drop AS lost
    FROM compared c, schemaguard.sg_sync_statements(c.forth, reference, 'live', allow_drop, partitions) WITH ORDINALITY
        s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finder, n)
), back AS MATERIALIZED (
    SELECT s.kind, s.object, p.parent, s.what, s.what LIKE 'dropped%' AS drops, s.n, s.statement ~ '^CREATE MATERIALIZED VIEW .*\sWITH DATA$' AS refresh,
        schemaguard.sg_sync_plain(s.statement, p.parent, p.name, p.old ->> 'type') AS statement
    FROM compared c CROSS JOIN schemaguard.sg_sync_statements(c.back, 'live', reference, true, partitions) WITH ORDINALITY
        s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finder, n)
    LEFT JOIN pair p ON p.kind = s.kind AND p.object = s.object
    WHERE s.section > 0
), line AS MATERIALIZED (
    -- what each statement is about
    SELECT f.*, p.target_identity, p.parent, p.name, p.target_name, p.new, p.old, p.changes,
        coalesce(p.new, p.old) ->> 'type' AS type, schemaguard.sg_sync_new_name(p.name) AS new_name,
        -- made with this, so nothing is in the way
        EXISTS (SELECT FROM forth t WHERE t.kind = 'table' AND t.object = p.parent AND t.what = 'created') AS in_new,
        coalesce(p.new ->> 'validated', 'true') = 'true' AND coalesce(p.new ->> 'enforced', 'true') = 'true'
            AND coalesce(p.new ->> 'no_inherit', 'false') = 'false' AS firm,
        coalesce(schemaguard.sg_sync_fill('{?!include}{?!nulls_not_distinct}{?!options}{?!tablespace}{?!period}{?!index_name}', p.new), 'no') = '' AS plain,
        (SELECT c.relkind FROM pg_class c WHERE c.oid = to_regclass(CASE f.kind WHEN 'table' THEN f.object ELSE p.parent END)) AS relkind
    FROM forth f LEFT JOIN pair p ON p.kind = f.kind AND p.object = f.object
    WHERE NOT f.lost AND (f.what = 'renamed' OR NOT EXISTS (SELECT FROM forth r WHERE r.what = 'renamed'))
), formed AS MATERIALIZED (
    -- "with" is done by another step
    SELECT l.*, CASE
        WHEN l.what = 'renamed' THEN CASE l.kind WHEN 'column' THEN 'rename' ELSE 'statement' END
        WHEN l.kind = 'column' AND l.relkind IN ('r', 'p') THEN CASE
            WHEN l.what = 'created' THEN 'column'
            WHEN l.what = 'dropped' THEN 'drop'
            WHEN l.what = 'not_null' AND (l.new ->> 'not_null')::boolean THEN 'not null'
            WHEN l.what LIKE 'default%' AND l.changes = '{default}' THEN 'default'
            ELSE 'statement' END
        -- a step for a partitioned table makes those of its partitions
        WHEN l.kind IN ('constraint', 'index') AND l.what IN ('created', 'partition_of') AND CASE l.kind WHEN 'index' THEN NOT l.new ? 'tablespace' ELSE l.type IN ('p', 'u') AND l.plain END
            AND EXISTS (SELECT FROM forth w WHERE w.kind = l.kind AND w.object = l.new ->> 'partition_of' AND w.what = 'created') THEN 'with'
        WHEN l.kind = 'constraint' AND l.statement LIKE 'ALTER DOMAIN %' THEN 'statement'
        WHEN l.kind = 'constraint' AND l.type IN ('f', 'c') THEN CASE
            WHEN l.what LIKE 'dropped%' THEN 'drop'
            WHEN l.firm AND l.what IN ('created', 'replaced') AND l.section = 4 THEN CASE l.type WHEN 'f' THEN 'foreign key' ELSE 'check' END
            WHEN l.firm AND l.what = 'replaced' AND l.section = 6 THEN 'swap'
            WHEN l.firm AND l.section = 5 THEN CASE WHEN l.step <> 'alter' OR l.what = 'replaced' THEN 'with' WHEN l.type = 'f' THEN 'foreign key' ELSE 'check' END
            ELSE 'statement' END
        WHEN l.kind = 'constraint' AND l.type IN ('p', 'u') AND l.what = 'created' AND l.plain AND l.section > 2 THEN CASE WHEN l.section = 3 OR l.relkind = 'p' THEN 'unique' ELSE 'with' END
        WHEN l.kind IN ('constraint', 'index') AND l.section = 3 AND l.new ? 'tablespace' THEN 'outside'
        WHEN l.kind IN ('constraint', 'index') AND l.section = 3 THEN 'index'
        WHEN l.kind = 'index' AND l.what = 'created' AND l.relkind = 'p' AND NOT l.in_new AND NOT l.new ? 'tablespace' THEN 'index'
        WHEN l.kind = 'table' AND l.what = 'dropped' AND l.type = 'table' THEN 'drop'
        WHEN l.kind = 'view' AND l.what = 'dropped' THEN 'drop'
        ELSE 'statement' END AS form,
        CASE WHEN l.what LIKE 'dropped%' THEN 'drop' WHEN l.what IN ('renamed', 'announced', 'type, meanwhile', 'default dropped') THEN l.what ELSE '' END AS part,
        CASE WHEN l.what = 'replaced' THEN l.new_name WHEN l.kind = 'constraint' THEN coalesce(l.new ->> 'index_name', l.name) ELSE l.name END AS index_name
    FROM line l
), stated AS MATERIALIZED (
    -- an object's statements that belong together, in one transaction
    SELECT f.kind, f.object, f.part, f.section, min(f.n) AS n, bool_or(f.what = 'created') AS births, bool_or(f.what = 'replaced') AS replaces,
        bool_or(f.in_new) AS in_new, min(f.parent) AS parent, min(f.relkind::text) AS relkind, min(f.target_identity) AS target_identity,
        string_agg(s.statement, E';\n' ORDER BY f.n) || CASE WHEN bool_or(f.statement ~ '^CREATE MATERIALIZED VIEW .*\sWITH DATA$')
            THEN E';\nREFRESH MATERIALIZED VIEW ' || f.object ELSE '' END AS statements,
        -- of what is new, whether it is there
        CASE WHEN bool_or(f.step = 'create') THEN string_agg(g.done, ' AND ' ORDER BY f.n) FILTER (WHERE f.step = 'create')
            WHEN bool_and(g.done IS NOT NULL AND f.step <> 'fresh') THEN string_agg(g.done, ' AND ' ORDER BY f.n) END AS done
    FROM formed f
    CROSS JOIN LATERAL (SELECT schemaguard.sg_sync_plain(f.statement, f.parent, f.name, f.new ->> 'type') AS statement) s
    CROSS JOIN LATERAL (SELECT CASE WHEN f.guard IS NOT NULL
        -- the one beside is there neither before nor after, nor is the type meanwhile
        AND f.what NOT IN ('replaced', 'type, meanwhile') THEN format('schemaguard.sg_sync_done(%s, %L, %L, %s, %L)', f.guard, f.before, f.after, (f.step = 'drop')::text, f.kind || ' ' || f.object) END AS done) g
    WHERE f.form = 'statement' AND s.statement IS NOT NULL
    GROUP BY f.kind, f.object, f.part, f.section
), turned AS MATERIALIZED (
    -- altered or replaced on the way forth, made anew on the way back, and what has to be with them
    SELECT s.kind, s.object, s.n FROM stated s
    WHERE s.part = '' AND NOT s.births AND EXISTS (SELECT FROM back b WHERE b.kind = s.kind AND b.object = s.object AND b.drops)
      AND NOT EXISTS (SELECT FROM formed o WHERE o.kind = s.kind AND o.object = s.object AND (o.what = 'created' OR o.part = 'drop'))
), undone AS (
    SELECT s.*, CASE
        WHEN s.n = (SELECT min(t.n) FROM turned t) THEN (
            SELECT string_agg(b.statement || CASE WHEN b.refresh THEN E';\nREFRESH MATERIALIZED VIEW ' || b.object ELSE '' END, E';\n' ORDER BY b.n)
            FROM back b WHERE EXISTS (SELECT FROM turned t WHERE t.kind = b.kind AND t.object = b.object)
              OR NOT EXISTS (SELECT FROM formed o WHERE o.kind = b.kind AND o.object = b.object)
                AND EXISTS (SELECT FROM back d WHERE d.kind = b.kind AND d.object = b.object AND d.drops))
        WHEN EXISTS (SELECT FROM turned t WHERE t.kind = s.kind AND t.object = s.object) THEN ''
        WHEN s.part = 'renamed' THEN (SELECT string_agg(b.statement, E';\n' ORDER BY b.n) FROM back b
            WHERE b.kind = s.kind AND b.object = s.target_identity AND b.what = 'renamed')
        WHEN s.part = 'announced' THEN ''
        -- what is there meanwhile is there on the way back, too
        WHEN s.part IN ('type, meanwhile', 'default dropped') THEN coalesce((SELECT string_agg(b.statement, E';\n' ORDER BY b.n) FROM back b
            WHERE b.kind = s.kind AND b.object = s.object AND b.what IN ('type again', 'default again') AND split_part(b.what, ' ', 1) = substring(s.part FROM '^\w+')), '')
        WHEN s.part = 'drop' THEN (SELECT string_agg(b.statement, E';\n' ORDER BY b.n) || CASE WHEN bool_or(b.refresh) THEN E';\nREFRESH MATERIALIZED VIEW ' || s.object ELSE '' END
            -- with what is on it
            FROM back b WHERE (b.kind = s.kind AND b.object = s.object
              OR b.parent = s.object AND s.kind IN ('table', 'materialized view', 'domain') AND NOT EXISTS (SELECT FROM formed o WHERE o.kind = b.kind AND o.object = b.object))
              AND NOT b.drops)
            || coalesce((SELECT format(E';\nALTER SEQUENCE %s RESTART WITH %s', s.object, q.last_value + q.increment_by) FROM pg_sequences q
                WHERE s.kind = 'sequence' AND format('%I.%I', q.schemaname, q.sequencename) = s.object AND q.last_value + q.increment_by BETWEEN q.min_value AND q.max_value), '')
        WHEN s.births THEN coalesce((SELECT string_agg(b.statement, E';\n' ORDER BY b.n) FROM back b WHERE b.kind = s.kind AND b.object = s.object AND b.drops), '')
        -- goes with what another step takes back
        WHEN NOT s.replaces AND EXISTS (SELECT FROM formed o WHERE o.kind = s.kind AND o.object = s.object
            AND (o.form IN ('column', 'unique', 'foreign key', 'check', 'index', 'outside') OR o.what = 'created')) THEN ''
        WHEN s.n = min(s.n) FILTER (WHERE s.part = '') OVER (PARTITION BY s.kind, s.object) THEN (
            SELECT string_agg(b.statement, E';\n' ORDER BY b.n) FROM back b
            WHERE b.kind = s.kind AND b.object = s.object AND NOT b.drops AND b.what NOT IN ('type again', 'default again')
              AND NOT EXISTS (SELECT FROM formed o WHERE o.kind = s.kind AND o.object = s.object AND o.what = b.what AND o.form IN ('not null', 'default')))
        ELSE '' END AS undo
    FROM stated s
), step (n, part, kind, fields) AS (
    -- default privileges are what they will be before anything is made, and when what was there is made anew
    SELECT CASE s.kind WHEN 'default privilege' THEN 0 ELSE s.n END, 5, 'statement', ARRAY['definition', s.statements, 'undo', CASE s.undo WHEN '' THEN '-- another step takes it back' ELSE s.undo END,
        'done_when', 'SELECT ' || s.done,
        'child_table', CASE WHEN s.relkind IN ('r', 'p') AND NOT s.in_new AND s.part <> 'renamed' AND s.kind IN ('table', 'column', 'constraint', 'index', 'trigger', 'policy', 'rule')
            THEN CASE s.kind WHEN 'table' THEN s.object ELSE s.parent END END,
        'fk_name', s.kind || ' ' || s.object || CASE s.part WHEN '' THEN '' ELSE ', ' || s.part END]
    FROM undone s
    UNION ALL
    SELECT f.n, 5, 'statement', ARRAY['definition', f.statement, 'undo', 'DROP INDEX CONCURRENTLY ' || schemaguard.sg_sync_schema(f.parent) || '.' || quote_ident(f.index_name),
        'done_when', format('SELECT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(%L) AND i.indisvalid)',
            schemaguard.sg_sync_schema(f.parent) || '.' || quote_ident(f.index_name)),
        'outside', 'true', 'fk_name', f.kind || ' ' || f.object]
    FROM formed f WHERE f.form = 'outside'
    UNION ALL
    SELECT f.n, 5, 'rename', ARRAY['definition', 'column', 'child_table', f.parent, 'fk_name', f.target_name, 'new_name', f.name]
    FROM formed f WHERE f.form = 'rename'
    UNION ALL
    SELECT f.n, 5, 'column', ARRAY['child_table', f.parent, 'child_columns', ARRAY[f.name]::text,
        'definition', CASE WHEN (f.new ->> 'not_null')::boolean THEN regexp_replace(d.definition, ' NOT NULL$', '') ELSE d.definition END]
    FROM formed f CROSS JOIN LATERAL (SELECT substr(f.statement, length(format('ALTER TABLE %s ADD COLUMN %I ', f.parent, f.name)) + 1) AS definition) d
    WHERE f.form = 'column'
    UNION ALL
    -- once for each column, be it a new one or not
    SELECT min(f.n), 6, 'not null', ARRAY['child_table', f.parent, 'child_columns', ARRAY[f.name]::text, 'orphans', CASE WHEN fix THEN 'quarantine' END]
    FROM formed f WHERE f.form = 'not null' OR f.form = 'column' AND (f.new ->> 'not_null')::boolean AND NOT f.new ? 'identity'
    GROUP BY f.parent, f.name
    UNION ALL
    SELECT f.n, 5, 'default', ARRAY['child_table', f.parent, 'child_columns', ARRAY[f.name]::text, 'definition', f.new ->> 'default']
    FROM formed f WHERE f.form = 'default'
    UNION ALL
    SELECT f.n, 5, 'foreign key', ARRAY['child_table', f.parent, 'child_columns', schemaguard.sg_sync_texts(f.new -> 'columns'),
        'parent_table', f.new ->> 'references', 'parent_columns', schemaguard.sg_sync_texts(f.new -> 'referenced_columns'),
        'fk_name', CASE f.what WHEN 'replaced' THEN f.new_name ELSE f.name END, 'replaces', CASE f.what WHEN 'replaced' THEN f.name END,
        'on_delete', f.new ->> 'on_delete', 'on_update', f.new ->> 'on_update', 'match', f.new ->> 'match', 'deferrable', f.new ->> 'deferrable',
        'initially_deferred', f.new ->> 'deferred', 'on_delete_columns', schemaguard.sg_sync_texts(f.new -> 'on_delete_columns'),
        'period', f.new ->> 'period', 'index', 'false', 'orphans', CASE WHEN fix AND NOT f.new ? 'period' THEN 'quarantine' END]
    FROM formed f WHERE f.form = 'foreign key'
    UNION ALL
    SELECT f.n, 5, 'check', ARRAY['child_table', f.parent, 'definition', f.new ->> 'expression',
        'fk_name', CASE f.what WHEN 'replaced' THEN f.new_name ELSE f.name END, 'orphans', CASE WHEN fix THEN 'quarantine' END]
    FROM formed f WHERE f.form = 'check'
    UNION ALL
    SELECT f.n, 5, 'unique', ARRAY['child_table', f.parent, 'child_columns', schemaguard.sg_sync_texts(f.new -> 'columns'), 'fk_name', f.name,
        'primary_key', (f.type = 'p')::text, 'deferrable', f.new ->> 'deferrable', 'initially_deferred', f.new ->> 'deferred']
    FROM formed f WHERE f.form = 'unique'
    UNION ALL
    SELECT f.n, 5, 'index', ARRAY['child_table', f.parent, 'fk_name', f.index_name,
        'definition', coalesce(substring(f.statement FROM '^CREATE (UNIQUE )INDEX '), '')
            || substr(f.statement, position(x.at IN f.statement) + length(x.at))]
    FROM formed f, format(' %I ON %s%s ', f.index_name, CASE WHEN f.relkind = 'p' THEN 'ONLY ' END, f.parent) x (at) WHERE f.form = 'index'
    UNION ALL
    -- the old one goes, the new one gets its name
    SELECT f.n, 4, 'drop', ARRAY['definition', 'constraint', 'child_table', f.parent, 'fk_name', f.name]
    FROM formed f WHERE f.form = 'swap' AND f.type = 'c'
    UNION ALL
    SELECT f.n, 5, 'statement', ARRAY['definition', format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', f.parent, f.new_name, f.name),
        'undo', format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', f.parent, f.name, f.new_name),
        'done_when', format('SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = pg_catalog.to_regclass(%L) AND c.conname = %L)', f.parent, f.new_name),
        'child_table', f.parent, 'fk_name', 'constraint ' || f.object || ', renamed']
    FROM formed f WHERE f.form = 'swap'
    UNION ALL
    -- what can't be kept where it is
    SELECT f.n, 1, 'statement', ARRAY['definition', format('ALTER TABLE %s NO INHERIT %s', f.object, i.parent), 'undo', format('ALTER TABLE %s INHERIT %s', f.object, i.parent),
        'done_when', format('SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass(%L) AND i.inhparent = pg_catalog.to_regclass(%L))', f.object, i.parent),
        'child_table', f.object, 'fk_name', 'table ' || f.object || ', from ' || i.parent]
    FROM formed f, jsonb_array_elements_text(f.old -> 'inherits') i (parent) WHERE f.form = 'drop' AND f.kind = 'table'
    UNION ALL
    SELECT f.n, 1, 'statement', ARRAY['definition', format('COMMENT ON CONSTRAINT %I ON %s IS NULL', f.name, f.parent),
        'undo', format('COMMENT ON CONSTRAINT %I ON %s IS %L', f.name, f.parent, f.old ->> 'comment'), 'fk_name', 'comment of constraint ' || f.object]
    FROM formed f WHERE (f.form = 'drop' OR f.form = 'swap') AND f.kind = 'constraint' AND f.old ? 'comment'
    UNION ALL
    SELECT f.n, 5, 'drop', ARRAY['definition', f.kind, 'child_table', CASE WHEN f.kind IN ('column', 'constraint') THEN f.parent ELSE f.object END,
        'fk_name', CASE WHEN f.kind IN ('column', 'constraint') THEN f.name END]
    FROM formed f WHERE f.form = 'drop'
)
(SELECT s.kind, s.fields || '{after,"{*}"}', NULL FROM step s ORDER BY s.n, s.part)
UNION ALL
SELECT NULL, NULL, CASE WHEN f.note LIKE '% loses %' THEN 'would lose something (allow_drop)' WHEN f.note = 'unknown' THEN 'could not be read'
    WHEN f.note = 'unmanaged' THEN 'are made by something else' WHEN f.note = 'hidden' THEN 'are hidden' ELSE 'nothing alters' END
FROM forth f WHERE f.lost AND f.note NOT IN ('need', 'refused', 'along')
UNION ALL
-- what is in the way of all of it
SELECT 'refused', ARRAY[CASE f.note WHEN 'need' THEN f.kind || ' ' || f.object || ' is not there' ELSE concat_ws(' ', f.kind, f.object, f.what) END], NULL
FROM forth f WHERE f.note = 'refused' OR f.note = 'need' AND NOT CASE f.kind
    WHEN 'role' THEN to_regrole(f.object) IS NOT NULL
    WHEN 'tablespace' THEN EXISTS (SELECT FROM pg_tablespace t WHERE t.spcname = f.object)
    WHEN 'extension' THEN EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name || ' ' || v.version = f.object)
    WHEN 'collation' THEN to_regcollation(f.object) IS NOT NULL
    ELSE current_setting('server_version_num')::int >= f.object::int * 10000 END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_steps(text, text[], boolean, boolean, boolean)
    IS 'the steps of a plan that make this database what a snapshot says';

CREATE PROCEDURE sg_sync_apply(reference text, schemas text[] DEFAULT NULL, allow_drop boolean DEFAULT false,
                               partitions boolean DEFAULT false, fix boolean DEFAULT false, fail boolean DEFAULT true,
                               plan text DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_sync_apply';
COMMENT ON PROCEDURE sg_sync_apply(text, text[], boolean, boolean, boolean, boolean, text)
    IS 'make this database what a snapshot says, by a plan that can be taken back';
