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
    IS 'the statements that make an enum anew, as its columns are now';

-- Returns the text behind a block. Its quote ends it, and nothing within: that may hold what looks like the end of another one
CREATE FUNCTION schemaguard.sg_sync_behind_block(statement text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN nullif(ltrim(split_part(statement, substring(statement FROM E'^DO (\\$[a-z_0-9]+\\$)'), 3), E';\n'), '');
COMMENT ON FUNCTION schemaguard.sg_sync_behind_block(text)
    IS 'the statements behind one that begins with DO; null: there are none';

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
    IS 'a statement as a plan can hold it; null: there is none';

-- Blocks are not what sg_sync_problem() has looked at
CREATE FUNCTION schemaguard.sg_sync_fitting(kind text, statement text)
RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN schemaguard.sg_sync_problem(kind, NULL, statement, NULL) IS NULL THEN statement END;
COMMENT ON FUNCTION schemaguard.sg_sync_fitting(text, text)
    IS 'statements that a plan has for an object of a kind; null: they are none, or another kind''s';

CREATE FUNCTION schemaguard.sg_sync_texts(names jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT array_agg(x.name ORDER BY x.n)::text FROM jsonb_array_elements_text(names) WITH ORDINALITY x (name, n)
$function$;

COMMENT ON FUNCTION schemaguard.sg_sync_texts(jsonb)
    IS 'an array of names as the text of a text[]';

-- Returns the identities of tables, columns and all else that plans have kept, and of objects under them
CREATE FUNCTION schemaguard.sg_sync_under_kept()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH attic AS (
    SELECT n.oid FROM pg_namespace n WHERE starts_with(n.nspname, 'schemaguard_attic')
), kept (classid, objid, objsubid) AS (
    SELECT 'pg_class'::regclass, c.oid, 0 FROM pg_class c JOIN attic a ON a.oid = c.relnamespace
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum::int FROM pg_attribute a WHERE starts_with(a.attname, '_sg_dropped_')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0 FROM pg_proc p JOIN attic a ON a.oid = p.pronamespace
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0 FROM pg_type t JOIN attic a ON a.oid = t.typnamespace
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
    IS 'what objects that a plan keeps need: identities';

-- The names of what is in the attic, so that what comes there gets another one
CREATE FUNCTION schemaguard.sg_sync_kept_names()
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT p.proname FROM pg_proc p WHERE p.pronamespace = to_regnamespace('schemaguard_attic')
    UNION ALL SELECT c.relname FROM pg_class c WHERE c.relnamespace = to_regnamespace('schemaguard_attic')
    UNION ALL SELECT t.typname FROM pg_type t WHERE t.typnamespace = to_regnamespace('schemaguard_attic') AND t.typrelid = 0
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_kept_names()
    IS 'the names of what is kept in schemaguard_attic';

-- The steps that make this database what the reference is, in order: kind, and fields as schemaguard.sg_plan_add_step() takes
-- them; and, without a kind, what is left out, and why. A statement that a kind of step of its own stands for is none; the
-- others are put together by object, and what takes them back is what makes the reference what this database is.
-- Names come first, alone: all else is planned when they are what they will be.
CREATE FUNCTION schemaguard.sg_sync_steps(
    reference text, schemas text[], allow_drop boolean, partitions boolean, fix boolean, renames text,
    OUT kind text, OUT fields text[], OUT left_out text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET jit = off
SET enable_nestloop = off
AS $function$
WITH RECURSIVE compared AS MATERIALIZED (
    SELECT array_agg(p) AS forth, array_agg(ROW(p.back, p.number, p.kind, p.target_identity, p.target_parent, p.target_name,
        p.target_properties,
        p.identity, p.parent, p.name, p.properties, p.changes, p.unknown, p.score,
        p.withheld)::schemaguard.sync_pair) AS back
    FROM schemaguard.sg_sync_pairs(reference, 'live', schemas, renames) p
), pair AS MATERIALIZED (
    SELECT p.kind, coalesce(p.identity, p.target_identity) AS object, p.identity, p.target_identity,
        coalesce(p.parent, p.target_parent) AS parent,
        coalesce(p.name, p.target_name) AS name, p.target_name, p.properties AS new, p.target_properties AS old, p.changes,
        -- two that are not the same may have one name
        count(*) OVER (PARTITION BY p.kind, coalesce(p.identity, p.target_identity)) > 1 AS shared,
        -- of foreign keys, one may say what another says
        x.p ? 'references' AND count(*) OVER (PARTITION BY p.kind, coalesce(p.parent, p.target_parent), x.p -> 'columns',
            x.p -> 'references', x.p -> 'referenced_columns') > 1 AS twin
    FROM compared c, unnest(c.forth) p, LATERAL (SELECT coalesce(p.properties, p.target_properties)) x (p)
), united AS MATERIALIZED (
    SELECT s.* FROM compared c, schemaguard.sg_sync_united(c.forth, reference, 'live', allow_drop, partitions) WITH ORDINALITY
        s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finders, unit, n)
), blocker AS MATERIALIZED (
    -- rows that no step of its own looks at, or mends
    SELECT c.finder, schemaguard.sg_sync_in_way(c.finder, schemaguard.sg_sync_finds(c.finder)) AS told
    FROM (SELECT DISTINCT unnest(u.finders) AS finder FROM united u
          WHERE u.kind = 'table' OR u.kind = 'column' AND u.what = 'type collation'
          UNION SELECT f FROM united u CROSS JOIN LATERAL unnest(u.finders) f WHERE starts_with(f, '!')) c
), forth AS MATERIALIZED (
    SELECT s.section, s.kind, s.object, s.what, s.statement, s.guard, s.before, s.after, s.note, s.unit, 10 * s.n AS n,
        split_part(s.note, ' loses ', 1) AS step, b.blocked, s.section = 0 OR s.note LIKE '% loses %' AND NOT allow_drop
            OR b.blocked IS NOT NULL AS lost
    FROM united s CROSS JOIN LATERAL (SELECT min(b.told) AS blocked FROM blocker b WHERE b.finder = ANY (s.finders)) b
), backward AS MATERIALIZED (
    SELECT s.* FROM compared c CROSS JOIN schemaguard.sg_sync_statements(c.back, 'live', reference, true, partitions) WITH ORDINALITY
        s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finder, n)
    WHERE s.section > 0
), dropped AS MATERIALIZED (
    -- the checks and defaults that each way drops or sets itself
    SELECT coalesce(array_agg(x.text) FILTER (WHERE d.forth), '{}') AS forth,
        coalesce(array_agg(x.text) FILTER (WHERE NOT d.forth), '{}') AS back
    FROM (SELECT true AS forth, f.kind, f.note, f.what, f.statement FROM forth f UNION ALL
        SELECT false, b.kind, b.note, b.what, b.statement FROM backward b) d
    CROSS JOIN LATERAL (SELECT replace(d.statement, 'ALTER TABLE ONLY ', 'ALTER TABLE ') AS text) x
    WHERE d.kind = 'constraint' AND d.note LIKE 'drop%' OR d.what = 'default dropped' OR d.what = 'default' AND d.kind = 'column'
), back AS MATERIALIZED (
    -- by the name that the reference has; told is the one that the statement has
    SELECT s.kind, coalesce(p.object, s.object) AS object, s.object AS told, p.parent, s.what, s.what LIKE 'dropped%' AS drops, s.n,
        schemaguard.sg_sync_fitting(s.kind, schemaguard.sg_sync_plain(s.statement, s.object, p.parent, p.name, p.old, x.back)) AS statement
    FROM backward s
    LEFT JOIN pair a ON a.kind = s.kind AND a.identity = s.object AND a.new IS NOT NULL AND s.what LIKE 'dropped%'
    LEFT JOIN pair b ON b.kind = s.kind AND b.target_identity = s.object AND b.old IS NOT NULL AND s.what NOT LIKE 'dropped%'
    CROSS JOIN LATERAL (SELECT coalesce(a.object, b.object) AS object, coalesce(a.parent, b.parent) AS parent,
        coalesce(a.target_name, b.target_name, a.name, b.name) AS name, coalesce(a.old, b.old) AS old) p
    CROSS JOIN dropped x
), gone AS MATERIALIZED (
    SELECT t.object, min(t.n) AS n FROM forth t WHERE t.kind = 'table' AND t.step = 'drop' GROUP BY 1
), joined AS MATERIALIZED (
    -- tables that become partitions, what they are partitions of, and what gets heirs
    SELECT t.object FROM forth t WHERE t.kind = 'table' AND t.statement LIKE '% ATTACH PARTITION %'
    UNION
    SELECT p.new ->> 'partition_of' FROM forth t JOIN pair p ON p.kind = 'table' AND p.object = t.object AND p.new ? 'partition_of'
        WHERE t.kind = 'table' AND t.statement LIKE '% ATTACH PARTITION %'
    UNION
    SELECT i.parent FROM forth t JOIN pair p ON p.kind = 'table' AND p.object = t.object,
        jsonb_array_elements_text(p.new -> 'inherits') i (parent) WHERE t.kind = 'table' AND t.what = 'inherits'
), line AS MATERIALIZED (
    -- what each statement is about
    SELECT f.*, p.target_identity, p.parent, p.name, p.target_name, p.new, p.old, p.changes, p.twin, g.n AS gone_at,
        coalesce(p.new, p.old) ->> 'type' AS type, schemaguard.sg_sync_new_name(p.name) AS new_name,
        -- made with this, so nothing is in the way
        EXISTS (SELECT FROM forth t WHERE t.kind = 'table' AND t.object = CASE f.kind WHEN 'table' THEN f.object ELSE p.parent END
            AND t.what = 'created') AS in_new,
        coalesce(p.new ->> 'validated', 'true') = 'true' AND coalesce(p.new ->> 'enforced', 'true') = 'true'
            AND coalesce(p.new ->> 'no_inherit', 'false') = 'false' AS firm,
        coalesce(schemaguard.sg_sync_fill('{?!include}{?!nulls_not_distinct}{?!options}{?!tablespace}{?!period}{?!index_name}', p.new),
            'no') = '' AS plain,
        -- stays when that of the whole goes
        f.kind IN ('constraint', 'index') AND coalesce('partition_of' = ANY (p.changes) AND NOT p.new ? 'partition_of', false) AS freed,
        (SELECT c.relkind FROM pg_class c WHERE c.oid = to_regclass(CASE f.kind WHEN 'table' THEN f.object ELSE p.parent END)) AS relkind
    FROM forth f LEFT JOIN pair p ON p.kind = f.kind AND p.object = f.object
        AND NOT (p.shared AND CASE WHEN f.what LIKE 'dropped%' THEN p.old ELSE p.new END IS NULL)
    LEFT JOIN gone g ON g.object = p.parent
    WHERE NOT f.lost AND (f.what = 'renamed' OR NOT EXISTS (SELECT FROM forth r WHERE r.what = 'renamed'))
), formed AS MATERIALIZED (
    -- "with" is done by another step
    SELECT l.*, CASE
        WHEN l.what = 'renamed' THEN CASE l.kind WHEN 'column' THEN 'rename' ELSE 'statement' END
        -- in the transaction of what is dropped and made again; what holds values is kept by a step of its own
        WHEN l.unit IS NOT NULL AND CASE WHEN l.what LIKE 'dropped%' THEN l.kind NOT IN ('table', 'column') OR l.old ? 'generated'
            ELSE l.kind NOT IN ('index', 'constraint') END THEN 'statement'
        WHEN l.kind = 'column' AND l.relkind IN ('r', 'p') THEN CASE
            WHEN l.what = 'created' THEN 'column'
            -- a partition or heir that joins can't have less than the whole, nor heirs lose what only it loses
            WHEN l.what LIKE 'dropped%' THEN CASE WHEN l.old ? 'generated' OR l.parent IN (SELECT j.object FROM joined j)
                OR l.statement LIKE 'ALTER TABLE ONLY %' THEN 'statement' ELSE 'drop' END
            WHEN l.what = 'not_null' AND (l.new ->> 'not_null')::boolean THEN 'not null'
            WHEN l.what = 'default' AND l.changes = '{default}' AND NOT EXISTS (SELECT FROM forth d WHERE d.kind = l.kind
                AND d.object = l.object AND d.what = 'default dropped') THEN 'default'
            ELSE 'statement' END
        -- a step for a partitioned table makes those of its partitions
        WHEN l.kind IN ('constraint', 'index') AND l.what IN ('created', 'partition_of') AND CASE l.kind WHEN 'index'
            THEN NOT l.new ? 'tablespace' ELSE l.type IN ('p', 'u') AND l.plain END
            AND EXISTS (SELECT FROM forth w WHERE w.kind = l.kind AND w.object = l.new ->> 'partition_of' AND w.what = 'created')
                THEN 'with'
        WHEN l.kind = 'constraint' AND l.statement LIKE 'ALTER DOMAIN %' THEN 'statement'
        WHEN l.kind = 'constraint' AND l.type IN ('f', 'c') THEN CASE
            -- the keys of a table go with it
            WHEN l.what LIKE 'dropped%' THEN CASE WHEN l.gone_at < l.n THEN 'with' ELSE 'drop' END
            WHEN l.twin THEN 'statement'
            WHEN l.firm AND l.what IN ('created', 'replaced') AND l.section = 4 THEN CASE l.type WHEN 'f' THEN 'foreign key'
                ELSE 'check' END
            WHEN l.firm AND l.what = 'replaced' AND l.section = 6 THEN 'swap'
            WHEN l.firm AND l.section = 5 THEN CASE WHEN l.step <> 'alter' OR l.what = 'replaced' THEN 'with' WHEN l.type = 'f'
                THEN 'foreign key' ELSE 'check' END
            ELSE 'statement' END
        WHEN l.kind = 'constraint' AND l.type IN ('p', 'u') AND l.what = 'created' AND l.plain AND l.section > 2 THEN CASE
            WHEN l.section = 3 OR l.relkind = 'p' THEN 'unique' ELSE 'with' END
        -- such an index is not built outside of a transaction; nobody writes there
        WHEN l.kind = 'index' AND l.section = 3 AND l.relkind = 'm' AND l.new ?| '{predicate,expressions}' THEN 'statement'
        WHEN l.kind IN ('constraint', 'index') AND l.section = 3 AND (l.freed OR l.relkind NOT IN ('r', 'p')) THEN 'outside'
        WHEN l.kind IN ('constraint', 'index') AND l.section = 3 THEN 'index'
        WHEN l.kind = 'index' AND l.what = 'created' AND l.relkind = 'p' AND NOT l.in_new AND NOT l.new ? 'tablespace' THEN 'index'
        WHEN l.kind = 'table' AND l.what LIKE 'dropped%' AND l.old ->> 'type' IN ('table', 'partitioned table') THEN 'drop'
        ELSE 'statement' END AS form,
        CASE WHEN l.what LIKE 'dropped%' THEN 'drop' WHEN l.what IN ('renamed', 'announced') THEN l.what ELSE '' END AS part,
        CASE WHEN l.what = 'replaced' THEN l.new_name WHEN l.kind = 'constraint' THEN coalesce(l.new ->> 'index_name', l.name)
            ELSE l.name END AS index_name
    FROM line l
), needed AS (
    -- what stands under what a plan keeps is kept with it
    SELECT p.kind, p.object, p.old FROM formed f JOIN pair p ON p.new IS NULL
        AND (p.kind = f.kind AND p.object = f.object OR f.kind = 'table' AND p.parent = f.object)
    WHERE f.form = 'drop' AND f.kind IN ('table', 'column')
    UNION
    SELECT p.kind, p.object, p.old FROM schemaguard.sg_sync_under_kept() k (identity) JOIN pair p ON CASE p.kind WHEN 'collation'
        THEN regexp_replace(p.object, ' FOR [A-Z0-9_]+$', '') ELSE p.object END = k.identity
    WHERE p.new IS NULL AND p.kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'sequence', 'view', 'materialized view',
        'collation', 'extension')
    UNION
    SELECT p.kind, p.object, p.old
    FROM needed o CROSS JOIN LATERAL (
        SELECT d.value ->> 0 AS kind, d.value ->> 1 AS object
        FROM jsonb_array_elements(coalesce(o.old -> 'depends', '[]') || CASE WHEN o.old ? 'extension'
            THEN jsonb_build_array(jsonb_build_array('extension', o.old ->> 'extension')) ELSE '[]' END) d
        UNION ALL
        SELECT c.kind, c.object FROM pair c WHERE o.kind = 'domain' AND c.kind = 'constraint' AND c.parent = o.object) d
    JOIN pair p ON p.new IS NULL AND p.kind = d.kind AND p.object = d.object
), kept AS MATERIALIZED (
    SELECT f.kind, f.object, f.n, f.name, schemaguard.sg_sync_schema(f.object) AS schema, upper(f.kind) AS word,
        CASE WHEN f.kind = 'aggregate' AND f.object LIKE '%()' THEN '(*)'
            ELSE substr(f.object, length(CASE WHEN f.kind IN ('function', 'procedure', 'aggregate') THEN schemaguard.sg_sync_name(f.object)
                ELSE f.object END) + 1) END AS arguments,
        CASE WHEN f.kind = 'aggregate' AND f.object LIKE '%()' THEN left(f.object, -1) || '*)' ELSE f.object END AS address,
        substring(schemaguard.sg_sync_name(f.object) FROM '([^".]+|"(?:[^"]|"")*")$') AS was,
        quote_ident(schemaguard.sg_make_name(regexp_replace(f.name, '\(.*$', ''), NULL, left(md5(f.object), 8)
            || coalesce('_' || nullif((SELECT count(*) FROM schemaguard.sg_sync_kept_names() a (name)
                WHERE position(left(md5(f.object), 8) IN a.name) > 0), 0), ''))) AS as_name
    FROM formed f WHERE f.form = 'statement' AND f.what LIKE 'dropped%'
        AND f.kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'sequence', 'view', 'materialized view')
      AND (f.kind, f.object) IN (SELECT o.kind, o.object FROM needed o)
      -- where who calls may put something, and no other role can drop it; or a step of a table has made it
      AND CASE WHEN to_regnamespace('schemaguard_attic') IS NOT NULL THEN has_schema_privilege('schemaguard_attic', 'CREATE')
              AND (SELECT r.rolsuper OR r.rolname = current_user FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
                   WHERE n.nspname = 'schemaguard_attic')
          ELSE (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
              AND EXISTS (SELECT FROM formed t WHERE t.kind = 'table' AND t.form = 'drop' AND t.n < f.n) END
      -- and where it is open to nobody else than where it is
      AND NOT EXISTS (
          SELECT FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
          WHERE CASE WHEN to_regnamespace('schemaguard_attic') IS NOT NULL THEN n.nspname = 'schemaguard_attic'
                    ELSE n.oid IN (SELECT to_regnamespace(schemaguard.sg_sync_schema(t.object)) FROM formed t
                                   WHERE t.kind = 'table' AND t.form = 'drop' AND t.n < f.n) END
            AND a.privilege_type = 'USAGE'
            AND NOT has_schema_privilege(a.grantee, to_regnamespace(schemaguard.sg_sync_schema(f.object)), 'USAGE'))
), stays AS MATERIALIZED (
    SELECT f.n, f.object FROM formed f
    WHERE f.form = 'statement' AND f.what LIKE 'dropped%' AND f.kind IN ('function', 'procedure', 'aggregate', 'type', 'domain',
        'sequence', 'view', 'materialized view', 'collation', 'extension')
      AND (f.kind, f.object) IN (SELECT o.kind, o.object FROM needed o) AND f.n NOT IN (SELECT k.n FROM kept k)
), ended AS (
    SELECT f.object, f.n, 0 AS depth FROM formed f WHERE f.kind = 'table' AND f.form = 'drop' AND f.old ->> 'type' = 'partitioned table'
      AND NOT EXISTS (SELECT FROM formed w WHERE w.kind = 'table' AND w.form = 'drop' AND w.object = f.old ->> 'partition_of')
    UNION ALL
    SELECT f.object, e.n, e.depth + 1 FROM ended e JOIN formed f ON f.kind = 'table' AND f.form = 'drop'
        AND f.old ->> 'partition_of' = e.object
), spoken AS MATERIALIZED (
    -- the statements that are steps; default privileges are what they will be before anything is made, and when what was there is made anew
    SELECT f.*, s.statement AS text, CASE WHEN f.kind = 'default privilege'
        AND NOT EXISTS (SELECT FROM formed s WHERE s.kind = 'schema' AND s.what = 'created'
            AND position(' IN SCHEMA ' || s.object || ' ON ' IN f.object) > 0) THEN f.n - 1000000000
            -- a partition that stays leaves before the whole goes
            ELSE coalesce((SELECT w.n - 5 FROM ended w WHERE f.kind = 'table' AND w.object = f.old ->> 'partition_of'
                AND f.statement LIKE '% DETACH PARTITION %'), f.n) END AS at
    FROM (
        SELECT f.*, count(*) FILTER (WHERE f.form NOT IN ('statement', 'with')) OVER (ORDER BY f.n) AS run FROM formed f
    ) f CROSS JOIN dropped x
    CROSS JOIN LATERAL (SELECT schemaguard.sg_sync_fitting(f.kind, schemaguard.sg_sync_plain(f.statement, f.object, f.parent, f.name,
        f.new, x.forth)) AS statement) s
    WHERE f.form = 'statement' AND f.n NOT IN (SELECT k.n FROM kept k) AND f.n NOT IN (SELECT s.n FROM stays s)
      AND NOT (f.kind = 'schema' AND f.what LIKE 'dropped%' AND f.object IN (SELECT schemaguard.sg_sync_schema(s.object) FROM stays s))
), plain AS MATERIALIZED (
    SELECT s.* FROM spoken s WHERE s.text IS NOT NULL
), reach AS (
    -- what comes earlier than it stands is not together with the rest
    SELECT p.*, p.at < p.n AS early,
        max(p.at) OVER (PARTITION BY coalesce('unit ' || p.unit, concat_ws(' ', p.kind, p.object)), p.section, p.run, p.at < p.n) AS until
    FROM plain p
), begun AS (
    SELECT r.*, r.at > coalesce(max(r.until) OVER (PARTITION BY r.section, r.run, r.early ORDER BY r.at ROWS BETWEEN UNBOUNDED PRECEDING
        AND 1 PRECEDING), r.at - 1) AS begins FROM reach r
), member AS MATERIALIZED (
    -- in one transaction: an object's statements with those that stand between them
    SELECT x.*, dense_rank() OVER (ORDER BY x.head) AS island
    FROM (SELECT i.*, min(i.at) OVER (PARTITION BY i.island_of) AS head
          FROM (SELECT b.*, count(*) FILTER (WHERE b.begins) OVER (ORDER BY b.section, b.run, b.early, b.at) AS island_of FROM begun b) i) x
), guarded AS (
    SELECT m.*,
        -- what none of the statements before it has changed
        m.several AND m.size < 1000 AND (m.rows = 1 OR m.step = 'drop' AND m.at = m.first AND m.rows = m.here AND m.after <> m.before)
            AND NOT EXISTS (SELECT FROM member o WHERE o.island = m.island AND o.object <> m.object
            AND (o.parent = m.object OR o.object = m.parent OR o.parent = m.parent AND m.parent LIKE '%.%'
                OR m.old -> 'depends' @> jsonb_build_array(jsonb_build_array(o.kind, o.object)))) AS alone, CASE WHEN m.guard IS NOT NULL
        -- the one beside is there neither before nor after, nor is the type meanwhile
        AND m.what NOT IN ('replaced', 'type, meanwhile') AND m.step <> 'fresh'
            THEN format('schemaguard.sg_sync_done(%s, %L, %L, %s, %L)', m.guard, m.before, nullif(m.after, m.before),
                (m.step = 'drop')::text, m.kind || ' ' || m.object) END AS done
    FROM (
        SELECT m.*, count(*) FILTER (WHERE m.at = m.first) OVER (PARTITION BY m.island) > 1 AS several
        FROM (SELECT m.*, count(*) OVER (PARTITION BY m.island) AS size, count(*) OVER (PARTITION BY m.island, m.kind, m.object) AS here,
            min(m.at) OVER (PARTITION BY m.island, m.kind, m.object, m.part = 'drop') AS first,
                count(*) OVER (PARTITION BY m.kind, m.object) AS rows FROM member m) m
    ) m
), stated AS MATERIALIZED (
    SELECT g.island, min(g.at) AS n, count(DISTINCT (g.kind, g.object)) AS objects, (array_agg(g.kind ORDER BY g.at))[1] AS kind,
        (array_agg(g.object ORDER BY g.at))[1] AS object,
        (array_agg(g.part ORDER BY g.at))[1] AS part, bool_or(g.in_new) AS in_new,
        CASE WHEN count(DISTINCT CASE g.kind WHEN 'table' THEN g.object ELSE g.parent END) = 1
            AND bool_and(g.relkind IN ('r', 'p') AND g.part <> 'renamed'
            AND g.kind IN ('table', 'column', 'constraint', 'index', 'trigger', 'policy', 'rule'))
                THEN min(CASE g.kind WHEN 'table' THEN g.object ELSE g.parent END) END AS child_table,
        string_agg(g.text, E';\n' ORDER BY g.at) AS statements,
        -- of what is new, whether it is there
        CASE WHEN bool_or(g.several) THEN 'pg_catalog.bool_and(d.d) FROM (VALUES ('
            || string_agg(g.done, '), (' ORDER BY g.at) FILTER (WHERE g.alone) || ')) d (d)'
            WHEN bool_or(g.step = 'create') THEN string_agg(g.done, ' AND ' ORDER BY g.at) FILTER (WHERE g.step = 'create')
            WHEN bool_and(g.done IS NOT NULL) THEN string_agg(g.done, ' AND ' ORDER BY g.at) END AS done
    FROM guarded g
    GROUP BY g.island
), turned AS MATERIALIZED (
    -- altered or replaced on the way forth, made anew on the way back
    SELECT m.kind, m.object, m.at, m.island FROM member m
    WHERE m.part = '' AND EXISTS (SELECT FROM back b WHERE b.kind = m.kind AND b.object = m.object AND b.drops)
      AND NOT EXISTS (SELECT FROM formed o WHERE o.kind = m.kind AND o.object = m.object AND (o.what = 'created' OR o.part = 'drop'))
), place AS MATERIALIZED (
    -- where an object's statements are
    SELECT m.kind, m.object, min(m.island) FILTER (WHERE m.part = 'drop') AS dropped, min(m.island) FILTER (WHERE m.part = '') AS first,
        max(m.island) FILTER (WHERE m.part = '') AS last,
        max(m.island) FILTER (WHERE m.what = 'created' OR m.kind = 'table' AND m.statement LIKE '% ATTACH PARTITION %') AS made,
            bool_or(m.what = 'replaced') AS replaced
    FROM member m GROUP BY m.kind, m.object
), property AS MATERIALIZED (
    SELECT m.kind, m.object, m.what, min(m.island) AS island FROM member m WHERE m.part = '' GROUP BY m.kind, m.object, m.what
), known AS MATERIALIZED (
    -- by another step, or with that
    SELECT o.kind, o.object, bool_or(o.what = 'created' OR o.form IN ('column', 'unique', 'foreign key', 'check', 'index', 'outside')
        AND p.replaced IS NOT TRUE) AS other,
        array_agg(o.what) FILTER (WHERE o.form IN ('not null', 'default')) AS given
    FROM formed o LEFT JOIN place p ON p.kind = o.kind AND p.object = o.object GROUP BY o.kind, o.object
), dropped_back AS MATERIALIZED (
    SELECT DISTINCT b.kind, b.object FROM back b WHERE b.drops
), leaf AS (
    -- the indexes and keys of partitions, which go with those of the whole, or are set free
    SELECT p.kind, p.object, p.dropped AS island FROM place p WHERE p.kind IN ('index', 'constraint') AND p.dropped IS NOT NULL
    UNION
    SELECT q.kind, q.object, l.island FROM leaf l JOIN pair q ON q.kind = l.kind AND q.old ->> 'partition_of' = l.object
        AND NOT coalesce(q.new ? 'partition_of', false)
), placed AS MATERIALIZED (
    -- which of them takes back what: the statements of the way back, each where it has to be undone. What is loosened last is tied again first.
    -- A partition goes with the whole.
    SELECT b.n, b.told, regexp_replace(b.statement, '^DROP (TABLE|INDEX) (?!IF )', 'DROP \1 IF EXISTS ') AS statement, b.drops,
        d.kind IS NOT NULL AND k.kind IS NULL AS along, CASE
        WHEN b.what = 'renamed' THEN r.island
        WHEN t.kind IS NOT NULL OR d.kind IS NOT NULL AND k.kind IS NULL THEN (SELECT u.island FROM turned u ORDER BY u.at LIMIT 1)
        WHEN b.drops THEN p.made
        WHEN b.statement LIKE 'ALTER INDEX % ATTACH PARTITION %' AND l.kind IS NOT NULL THEN l.island
        ELSE coalesce(p.dropped,
            -- with what it is on
            CASE WHEN k.kind IS NULL THEN w.dropped END,
            -- a table's own, which what is on it has changed
            CASE WHEN k.kind IS NULL AND b.kind = 'table' THEN c.island END,
            CASE WHEN k.kind IS NULL THEN l.island END,
            CASE WHEN k.other OR b.what = ANY (k.given) THEN NULL
                -- a name first: what else is taken back has it
                WHEN b.what IN ('default dropped', 'type, meanwhile', 'name') OR b.statement LIKE '% DETACH PARTITION %' THEN p.last
                WHEN b.what IN ('default again', 'type again') OR b.statement LIKE '% ATTACH PARTITION %' THEN p.first
                ELSE coalesce(y.island, p.first) END)
        END AS island
    FROM back b LEFT JOIN place p ON p.kind = b.kind AND p.object = b.object
    LEFT JOIN known k ON k.kind = b.kind AND k.object = b.object
    LEFT JOIN property y ON y.kind = b.kind AND y.object = b.object AND y.what = b.what
    LEFT JOIN dropped_back d ON d.kind = b.kind AND d.object = b.object
    LEFT JOIN (SELECT DISTINCT t.kind, t.object FROM turned t) t ON t.kind = b.kind AND t.object = b.object
    LEFT JOIN (SELECT m.kind, m.target_identity, min(m.island) AS island FROM member m WHERE m.part = 'renamed' GROUP BY 1, 2) r
        ON r.kind = b.kind AND r.target_identity = b.told
    LEFT JOIN (SELECT l.object, min(l.dropped) AS dropped FROM place l WHERE l.kind IN ('table', 'view', 'materialized view', 'domain')
        GROUP BY 1) w ON w.object = b.parent
    LEFT JOIN (SELECT m.parent, min(m.island) AS island FROM member m GROUP BY 1) c ON c.parent = b.object
    LEFT JOIN leaf l ON l.kind = b.kind AND l.object = b.object
    WHERE b.statement IS NOT NULL
    UNION ALL
    -- an index that went for something else comes back as it was
    SELECT 1000000000 + f.n, f.object, regexp_replace(f.statement, '^(CREATE (UNIQUE )?INDEX) CONCURRENTLY ', '\1 '), false, false,
        p.dropped
    FROM formed f JOIN place p ON p.kind = f.kind AND p.object = f.object AND p.dropped IS NOT NULL
    WHERE f.kind = 'index' AND f.form IN ('index', 'outside') AND f.what = 'created' AND f.changes IS NULL
        AND NOT EXISTS (SELECT FROM back b WHERE b.kind = f.kind AND b.object = f.object)
), taken AS MATERIALIZED (
    -- what is made anew for others goes before the first of these, and comes after the last
    SELECT p.n, p.told, p.statement, coalesce(p.island, CASE WHEN p.along THEN CASE WHEN p.drops THEN s.last ELSE s.first END END) AS island
    FROM placed p CROSS JOIN (
        SELECT min(p.island) AS first, max(p.island) AS last FROM placed p
        WHERE p.n BETWEEN (SELECT min(a.n) FROM placed a WHERE a.along) AND (SELECT max(a.n) FROM placed a WHERE a.along)) s
), undone AS (
    SELECT s.*, coalesce(t.statements || coalesce(q.statements, ''), '-- another step takes it back') AS undo
    FROM stated s
    LEFT JOIN (SELECT t.island, string_agg(t.statement, E';\n' ORDER BY t.n) AS statements FROM taken t GROUP BY 1) t ON t.island = s.island
    LEFT JOIN (
        SELECT m.island, string_agg(format(E';\nALTER SEQUENCE %s RESTART WITH %s', m.object, q.last_value + q.increment_by),
            '') AS statements
        FROM member m JOIN pg_sequences q ON format('%I.%I', q.schemaname, q.sequencename) = m.object
        WHERE m.part = 'drop' AND m.kind = 'sequence' AND q.last_value + q.increment_by BETWEEN q.min_value AND q.max_value GROUP BY 1) q
            ON q.island = s.island
), step (n, part, kind, fields) AS (
    SELECT s.n, 5, 'statement', ARRAY['definition', s.statements, 'undo', s.undo, 'done_when', 'SELECT ' || s.done, 'child_table', CASE
        WHEN NOT s.in_new THEN s.child_table END,
        'fk_name', s.kind || ' ' || s.object || CASE WHEN s.objects > 1 THEN format(' and %s more', s.objects - 1) WHEN s.part = '' THEN ''
        ELSE ', ' || s.part END]
    FROM undone s
    UNION ALL
    SELECT f.n, 5, 'statement', ARRAY['definition', f.statement, 'undo', CASE WHEN f.freed THEN '-- another step takes it back'
        ELSE 'DROP INDEX CONCURRENTLY ' || schemaguard.sg_sync_schema(f.parent) || '.' || quote_ident(f.index_name) END,
        'done_when', format('SELECT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(%L) AND '
        'i.indisvalid)',
            schemaguard.sg_sync_schema(f.parent) || '.' || quote_ident(f.index_name)),
        'outside', 'true', 'fk_name', f.kind || ' ' || f.object]
    FROM formed f WHERE f.form = 'outside'
    UNION ALL
    SELECT f.n, 5, 'rename', ARRAY['definition', 'column', 'child_table', f.parent, 'fk_name', f.target_name, 'new_name', f.name]
    FROM formed f WHERE f.form = 'rename'
    UNION ALL
    SELECT f.n, 5, 'column', ARRAY['child_table', f.parent, 'child_columns', ARRAY[f.name]::text,
        'definition', CASE WHEN (f.new ->> 'not_null')::boolean THEN regexp_replace(d.definition, ' NOT NULL$', '') ELSE d.definition END]
    FROM formed f CROSS JOIN LATERAL (SELECT substr(f.statement, length(format('ALTER TABLE %s ADD COLUMN %I ', f.parent,
        f.name)) + 1) AS definition) d
    WHERE f.form = 'column'
    UNION ALL
    -- once for each column, be it a new one or not
    SELECT min(f.n), 6, 'not null', ARRAY['child_table', f.parent, 'child_columns', ARRAY[f.name]::text, 'orphans', CASE WHEN fix
        THEN 'quarantine' END]
    FROM formed f WHERE f.form = 'not null' OR f.form = 'column' AND (f.new ->> 'not_null')::boolean AND NOT f.new ? 'identity'
    GROUP BY f.parent, f.name
    UNION ALL
    SELECT f.n, 5, 'default', ARRAY['child_table', f.parent, 'child_columns', ARRAY[f.name]::text, 'definition',
        schemaguard.sg_sync_portable(f.new ->> 'default')]
    FROM formed f WHERE f.form = 'default'
    UNION ALL
    SELECT f.n, 5, 'foreign key', ARRAY['child_table', f.parent, 'child_columns', schemaguard.sg_sync_texts(f.new -> 'columns'),
        'parent_table', f.new ->> 'references', 'parent_columns', schemaguard.sg_sync_texts(f.new -> 'referenced_columns'),
        'fk_name', CASE f.what WHEN 'replaced' THEN f.new_name ELSE f.name END, 'replaces', CASE f.what WHEN 'replaced' THEN f.name END,
        'on_delete', f.new ->> 'on_delete', 'on_update', f.new ->> 'on_update', 'match', f.new ->> 'match', 'deferrable',
        f.new ->> 'deferrable',
        'initially_deferred', f.new ->> 'deferred', 'on_delete_columns', schemaguard.sg_sync_texts(f.new -> 'on_delete_columns'),
        'period', f.new ->> 'period', 'index', 'false', 'orphans', CASE WHEN fix AND NOT f.new ? 'period' THEN 'quarantine' END]
    FROM formed f WHERE f.form = 'foreign key'
    UNION ALL
    SELECT f.n, 5, 'check', ARRAY['child_table', f.parent, 'definition', schemaguard.sg_sync_portable(f.new ->> 'expression'),
        'fk_name', CASE f.what WHEN 'replaced' THEN f.new_name ELSE f.name END, 'orphans', CASE WHEN fix THEN 'quarantine' END]
    FROM formed f WHERE f.form = 'check'
    UNION ALL
    SELECT f.n, 5, 'unique', ARRAY['child_table', f.parent, 'child_columns', schemaguard.sg_sync_texts(f.new -> 'columns'), 'fk_name',
        f.name,
        'primary_key', (f.type = 'p')::text, 'deferrable', f.new ->> 'deferrable', 'initially_deferred', f.new ->> 'deferred']
    FROM formed f WHERE f.form = 'unique'
    UNION ALL
    SELECT f.n, 5, 'index', ARRAY['child_table', f.parent, 'fk_name', f.index_name,
        'definition', coalesce(substring(f.statement FROM '^CREATE (UNIQUE )INDEX '), '')
            || substr(f.statement, position(x.at IN f.statement) + length(x.at))]
    FROM formed f, format(' %I ON %s%s ', f.index_name, CASE WHEN position(format(' %I ON ONLY %s ', f.index_name,
        f.parent) IN f.statement) > 0 THEN 'ONLY ' END, f.parent) x (at) WHERE f.form = 'index'
    UNION ALL
    -- the old one goes, the new one gets its name
    SELECT f.n, 4, 'drop', ARRAY['definition', 'constraint', 'child_table', f.parent, 'fk_name', f.name]
    FROM formed f WHERE f.form = 'swap' AND f.type = 'c'
    UNION ALL
    SELECT f.n, 5, 'rename', ARRAY['definition', 'constraint', 'child_table', f.parent, 'fk_name', f.new_name, 'new_name', f.name]
    FROM formed f WHERE f.form = 'swap'
    UNION ALL
    -- what can't be kept where it is
    SELECT f.n, 1, 'statement', ARRAY['definition', format('ALTER TABLE %s NO INHERIT %s', f.object, i.parent), 'undo',
        format('ALTER TABLE %s INHERIT %s', f.object, i.parent),
        'done_when', format('SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass(%L) AND '
        'i.inhparent = pg_catalog.to_regclass(%L))', f.object, i.parent),
        'child_table', f.object, 'fk_name', 'table ' || f.object || ', from ' || i.parent]
    FROM formed f, jsonb_array_elements_text(f.old -> 'inherits') i (parent) WHERE f.form = 'drop' AND f.kind = 'table'
    UNION ALL
    SELECT f.n, 1, 'statement', ARRAY['definition', format('COMMENT ON CONSTRAINT %I ON %s IS NULL', f.name, f.parent),
        'undo', format('COMMENT ON CONSTRAINT %I ON %s IS %L', f.name, f.parent, f.old ->> 'comment'), 'fk_name', 'comment of constraint '
        || f.object]
    FROM formed f WHERE (f.form = 'drop' OR f.form = 'swap') AND f.kind = 'constraint' AND f.old ? 'comment'
    UNION ALL
    SELECT k.n, 5, 'statement',
        ARRAY['definition', format(E'ALTER %1$s %2$s RENAME TO %3$s;\nALTER %1$s %4$s.%3$s%5$s SET SCHEMA schemaguard_attic', k.word,
            k.address, k.as_name, k.schema, k.arguments),
        'undo', format(E'ALTER %1$s schemaguard_attic.%3$s%5$s SET SCHEMA %4$s;\nALTER %1$s %4$s.%3$s%5$s RENAME TO %2$s', k.word, k.was,
        k.as_name, k.schema, k.arguments),
        'fk_name', k.kind || ' ' || k.object || ', kept']
    FROM kept k
    UNION ALL
    -- partitions before the whole
    SELECT coalesce(w.n, f.n), coalesce(-w.depth, 5), 'drop', ARRAY['definition', f.kind, 'child_table', CASE
        WHEN f.kind IN ('column', 'constraint') THEN f.parent ELSE f.object END,
        'fk_name', CASE WHEN f.kind IN ('column', 'constraint') THEN f.name END]
    FROM formed f LEFT JOIN ended w ON w.object = f.object AND f.kind = 'table' WHERE f.form = 'drop'
)
(SELECT s.kind, s.fields || '{after,"{*?}"}', NULL FROM step s ORDER BY s.n, s.part)
UNION ALL
SELECT NULL, NULL, CASE WHEN f.blocked LIKE '% in the way: %' THEN 'wait, for ' || f.blocked WHEN f.note LIKE '% loses %' AND f.blocked IS NULL
    THEN 'would lose something (allow_drop)' WHEN f.note = 'unknown'
    THEN 'could not be read'
    WHEN f.note = 'asked' THEN 'may be renamed' WHEN f.note = 'unmanaged' THEN 'are made by something else'
    WHEN f.note = 'hidden' THEN 'are hidden' ELSE 'nothing alters' END
FROM forth f WHERE f.lost AND f.note NOT IN ('need', 'refused', 'along', 'sent', 'closed') AND NOT (f.kind = 'user mapping' AND f.note = 'hidden')
UNION ALL
SELECT 'bare', NULL, f.kind || ' ' || f.object FROM forth f WHERE f.kind = 'user mapping' AND f.note = 'hidden'
UNION ALL
SELECT NULL, NULL, 'stay, for what the plan keeps' FROM stays
UNION ALL
SELECT NULL, NULL, 'are done by a script alone' FROM spoken s WHERE s.text IS NULL AND s.statement !~ '^DO \$partitions[_$]'
UNION ALL
SELECT f.note, ARRAY[f.statement, f.before], NULL FROM forth f WHERE f.note IN ('sent', 'closed')
UNION ALL
-- what nobody but a person can say
SELECT 'asked', ARRAY[concat_ws(' ', f.kind, f.object, f.statement), schemaguard.sg_sync_answer(f.kind, f.before, f.after, true),
    schemaguard.sg_sync_answer(f.kind, f.before, f.after, false)], NULL
FROM forth f WHERE f.note = 'asked' AND f.what = 'asked'
UNION ALL
-- what is in the way of all of it
SELECT 'refused', ARRAY[CASE f.note WHEN 'need' THEN f.kind || ' ' || f.object || ' is not there'
    ELSE concat_ws(' ', f.kind, f.object, f.what) END], NULL
FROM forth f WHERE f.note = 'refused' OR f.note = 'need' AND NOT CASE f.kind
    WHEN 'role' THEN to_regrole(f.object) IS NOT NULL
    WHEN 'tablespace' THEN EXISTS (SELECT FROM pg_tablespace t WHERE t.spcname = f.object)
    WHEN 'extension' THEN EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name || ' ' || v.version = f.object)
    WHEN 'collation' THEN to_regcollation(f.object) IS NOT NULL
    ELSE current_setting('server_version_num')::int >= f.object::int * 10000 END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_steps(text, text[], boolean, boolean, boolean, text)
    IS 'the steps of a plan that make this database what a snapshot says';

CREATE PROCEDURE sg_sync_apply(reference text, schemas schemaguard.names DEFAULT NULL, allow_drop boolean DEFAULT false,
                               partitions boolean DEFAULT false, fix boolean DEFAULT false, fail boolean DEFAULT true,
                               plan text DEFAULT NULL, max_rows bigint DEFAULT NULL, renames text DEFAULT 'ask')
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_sync_apply';
COMMENT ON PROCEDURE sg_sync_apply(text, schemaguard.names, boolean, boolean, boolean, boolean, text, bigint, text)
    IS 'make this database what a snapshot says, by a plan that can be taken back';
