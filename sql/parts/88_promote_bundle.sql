-- Promotion: bundles. A bundle is what an environment had and this database lacked, as a document, and what was found about it then.

CREATE TABLE schemaguard.promotion (
    id          bigint PRIMARY KEY,
    bundle      text NOT NULL UNIQUE,
    source      text NOT NULL,
    target      text NOT NULL,
    state       text NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'replaced', 'applying', 'applied', 'rolled back')),
    author      text NOT NULL,
    authors     text[] NOT NULL,                -- the author, by login and by SET ROLE
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    options     jsonb NOT NULL,
    document    text[] NOT NULL,
    content     jsonb NOT NULL,
    digest      text NOT NULL,                  -- of the target when the bundle was made
    hash        text NOT NULL,
    place       text NOT NULL DEFAULT schemaguard.sg_place(),
    approved_by text,
    approved_at timestamptz,
    approved_hash text,
    checked_at  timestamptz,
    check_result text,
    applied_by  text,
    applied_at  timestamptz,
    reference   text,                           -- null: nothing has been applied
    plan        text,
    gate        text,
    told_at     timestamptz                     -- null: the source does not know
);
CREATE SEQUENCE schemaguard.promotion_id_seq OWNED BY schemaguard.promotion.id;
ALTER TABLE schemaguard.promotion ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.promotion_id_seq');
COMMENT ON TABLE schemaguard.promotion IS 'bundles of sg_promote(): what an environment had and this database lacked';
COMMENT ON COLUMN schemaguard.promotion.id IS 'number of the bundle';
COMMENT ON COLUMN schemaguard.promotion.bundle IS 'name of the bundle, as calls take it';
COMMENT ON COLUMN schemaguard.promotion.source IS 'environment that the bundle comes from';
COMMENT ON COLUMN schemaguard.promotion.target IS 'environment that the bundle is for, which is this database';
COMMENT ON COLUMN schemaguard.promotion.state IS 'state: waiting, replaced by a later bundle, applying, applied or rolled back';
COMMENT ON COLUMN schemaguard.promotion.author IS 'role that made the bundle';
COMMENT ON COLUMN schemaguard.promotion.authors IS 'roles that made the bundle, by login and by SET ROLE: none of them may approve it';
COMMENT ON COLUMN schemaguard.promotion.created_at IS 'time at which the bundle was made';
COMMENT ON COLUMN schemaguard.promotion.options IS 'arguments of sg_promote()';
COMMENT ON COLUMN schemaguard.promotion.document IS 'snapshot of the source, as sg_snapshot_export() returns it';
COMMENT ON COLUMN schemaguard.promotion.content IS 'files, script, and the rows of schemaguard.promotion_item';
COMMENT ON COLUMN schemaguard.promotion.digest IS 'hash of this database''s structure when the bundle was made';
COMMENT ON COLUMN schemaguard.promotion.hash IS 'hash of all the columns before it';
COMMENT ON COLUMN schemaguard.promotion.place IS 'server, by its system identifier, and database of the target';
COMMENT ON COLUMN schemaguard.promotion.approved_by IS 'role that approved the bundle; null: nobody';
COMMENT ON COLUMN schemaguard.promotion.approved_at IS 'time at which the bundle was approved';
COMMENT ON COLUMN schemaguard.promotion.approved_hash IS 'hash that was approved: a bundle with another one is not approved';
COMMENT ON COLUMN schemaguard.promotion.checked_at IS 'time of the last sg_promotion_check(); null: never';
COMMENT ON COLUMN schemaguard.promotion.check_result IS 'result of the last sg_promotion_check(): pass, fail or unknown';
COMMENT ON COLUMN schemaguard.promotion.applied_by IS 'role that applied, or took back, the bundle';
COMMENT ON COLUMN schemaguard.promotion.applied_at IS 'time at which that began';
COMMENT ON COLUMN schemaguard.promotion.reference IS 'snapshot of the document, of the role that applies it; null: not applied';
COMMENT ON COLUMN schemaguard.promotion.plan IS 'plan that makes the bundle''s changes; null: not applied';
COMMENT ON COLUMN schemaguard.promotion.gate IS 'result of tests and drift after the changes: pass, fail or unknown; null: not applied';
COMMENT ON COLUMN schemaguard.promotion.told_at IS 'time at which the source''s log was told the outcome; null: not yet';

-- For those who made it, may approve it or own the database: it has the structure of another database.
ALTER TABLE schemaguard.promotion ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_readers ON schemaguard.promotion FOR SELECT
    USING (author OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER')
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_database_owner', 'MEMBER')
           OR EXISTS (SELECT FROM schemaguard.environment e, pg_catalog.unnest(e.approvers) a (role), pg_catalog.pg_roles r
                      WHERE e.name OPERATOR(pg_catalog.=) promotion.target AND r.rolname OPERATOR(pg_catalog.=) a.role
                        AND pg_catalog.pg_has_role(CURRENT_USER, r.oid, 'MEMBER')));
GRANT SELECT ON schemaguard.promotion TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.promotion', '');
GRANT SELECT ON SEQUENCE schemaguard.promotion_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.promotion_id_seq', '');

CREATE VIEW schemaguard.promotion_item WITH (security_invoker) AS
    SELECT p.bundle, i.n::int AS item, i.e OPERATOR(pg_catalog.->>) 'part' AS part, i.e OPERATOR(pg_catalog.->>) 'object' AS object,
           i.e OPERATOR(pg_catalog.->>) 'detail' AS detail, i.e OPERATOR(pg_catalog.->>) 'statement' AS statement
    FROM schemaguard.promotion p, pg_catalog.jsonb_array_elements(p.content OPERATOR(pg_catalog.->) 'items') WITH ORDINALITY i (e, n);
COMMENT ON VIEW schemaguard.promotion_item
    IS 'contents of bundles by part: change, left out, loss, no way back, rows, in the way, lock, impact, lint, file';
GRANT SELECT ON schemaguard.promotion_item TO PUBLIC;

-- All but what happens to a bundle later
CREATE FUNCTION schemaguard.sg_promotion_hash(promotion schemaguard.promotion)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN encode(sha256(convert_to(jsonb_build_array(promotion.id, promotion.bundle, promotion.source, promotion.target, promotion.author,
    promotion.authors, extract(epoch FROM promotion.created_at), promotion.options, promotion.document, promotion.content,
    promotion.digest)::text, 'UTF8')), 'hex');
COMMENT ON FUNCTION schemaguard.sg_promotion_hash(schemaguard.promotion)
    IS 'returns the hash of what a bundle is made of';

-- Returns a hash of this database's structure, and of what people have said that sync and the drift gate obey: look-up tables, renames and
-- what is ignored. User mappings and subscriptions are left out: who may see their options depends on the role.
CREATE FUNCTION schemaguard.sg_promotion_digest(schemas text[])
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    digest text;
BEGIN
    -- a column that has come and gone meanwhile leaves no trace that counts
    EXECUTE format('SELECT encode(sha256(convert_to(coalesce(string_agg(concat_ws('' '', o.kind, o.identity, o.properties - '
        '''{dropped_columns,number}''::text[]), ''|'' ORDER BY o.kind, o.identity), ''''), ''UTF8'')), ''hex'') FROM '
        '%s.sg_snapshot_objects_details(''live'', $1) o WHERE o.kind <> ALL (''{user mapping,subscription}'')',
        schemaguard.sg_schema()) INTO digest USING schemas;
    RETURN encode(sha256(convert_to(concat_ws('|', digest,
        (SELECT jsonb_agg(to_jsonb(l) - 'added_at' ORDER BY l.table_name) FROM schemaguard.lookup_table l
         WHERE schemas IS NULL OR (parse_ident(l.table_name))[1] = ANY (schemas)),
        (SELECT jsonb_agg(jsonb_build_array(r.kind, r.old, r.new, r.same) ORDER BY r.kind, r.old, r.new) FROM schemaguard.rename r),
        (SELECT jsonb_agg(to_jsonb(i) - '{reason,added_by,added_at}'::text[] ORDER BY i.kind, i.object, i.change, i.property)
         FROM schemaguard.drift_ignore i)), 'UTF8')), 'hex');
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_digest(text[])
    IS 'returns a hash of this database''s structure, look-up tables, renames and ignored drift';

-- Tells whether an object leads to environments: no promotion drops it
CREATE FUNCTION schemaguard.sg_promotion_leads(kind text, object text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN kind = 'extension' AND object = ANY ('{dblink,schemaguard}') OR kind = ANY ('{foreign server,user mapping}') AND EXISTS (
    SELECT FROM schemaguard.environment e WHERE object = quote_ident(e.server) OR starts_with(object, quote_ident(e.server) || '.'));
COMMENT ON FUNCTION schemaguard.sg_promotion_leads(text, text)
    IS 'tells whether an object leads to environments';

-- Returns what is said of the statements of sg_sync_list(), as an array of part, object, detail and statement
CREATE FUNCTION schemaguard.sg_promotion_changes(statements jsonb, blocked jsonb, allow_drop boolean)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH statement AS MATERIALIZED (
    SELECT e.n, concat_ws(' ', x.kind, x.object) AS object, x.kind, x.object AS name, x.what, x.statement,
        blocked ->> x.n::text AS blocked,
        nullif(split_part(x.note, ' loses ', 2), '') AS loss, x.section > 0 AS runs,
        schemaguard.sg_sync_leaves_out(e.e, allow_drop, blocked) OR x.section = 0 AS left_out
    FROM jsonb_array_elements(statements) WITH ORDINALITY e (e, n),
        jsonb_to_record(e.e) x (section int, kind text, object text, what text, statement text, note text, n int)
    WHERE x.note NOT IN ('need', 'along', 'sent', 'closed', 'unmanaged')
        AND NOT (schemaguard.sg_promotion_leads(x.kind, x.object) AND x.what LIKE 'dropped%')
), item AS (
    SELECT 1 AS place, s.n, 'change' AS part, s.object, s.what AS detail, s.statement FROM statement s WHERE NOT s.left_out
    UNION ALL
    SELECT 2, s.n, CASE WHEN s.blocked IS NULL THEN 'left out' ELSE 'in the way' END, s.object,
        concat_ws(', ', s.what, coalesce(s.blocked, 'loses ' || s.loss, CASE WHEN NOT s.runs THEN s.statement END)),
        CASE WHEN s.runs THEN s.statement END
    FROM statement s WHERE s.left_out
    UNION ALL
    SELECT 3, s.n, 'loss', s.object, 'loses ' || s.loss || schemaguard.sg_sync_size('live', s.kind, s.name), NULL
    FROM statement s WHERE NOT s.left_out AND s.loss IS NOT NULL
    UNION ALL
    SELECT 4, min(s.n), 'rows', 'table ' || t.name, coalesce(nullif(ltrim(schemaguard.sg_sync_size('live', 'table', t.name)), ''),
        'never analysed'), NULL
    FROM statement s CROSS JOIN LATERAL (SELECT CASE WHEN s.kind = ANY ('{table,materialized view}') THEN s.name
        WHEN s.kind = ANY ('{column,constraint,trigger,policy,rule}') THEN schemaguard.sg_sync_owner(s.name) END) t (name)
    WHERE NOT s.left_out AND to_regclass(t.name) IS NOT NULL GROUP BY t.name
)
SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('part', i.part, 'object', i.object, 'detail', i.detail,
    'statement', i.statement)) ORDER BY i.place, i.n), '[]') FROM item i
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_changes(jsonb, jsonb, boolean)
    IS 'returns the items of a bundle that are about its statements';

-- Returns what else these statements reach, lock and are blamed for, and which steps nothing takes back
CREATE FUNCTION schemaguard.sg_promotion_effects(items jsonb, reference text, schemas text[], allow_drop boolean, renames text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- each step of a plan has its own limits
    script CONSTANT text := (SELECT E'SET lock_timeout = 1;\nSET statement_timeout = 1;\n'
        || string_agg(rtrim(i ->> 'statement', ';'), E';\n') || ';' FROM jsonb_array_elements(items) i
        WHERE i ->> 'part' = 'change');
    list   jsonb := '[]';
    found  jsonb;
    object text;
BEGIN
    SELECT coalesce(jsonb_agg(jsonb_build_object('part', 'no way back', 'object', s.f ->> 'fk_name',
            'detail', 'nothing takes this step back', 'statement', s.f ->> 'definition')), '[]') INTO list
        FROM (SELECT jsonb_object(x.fields) AS f
              FROM schemaguard.sg_sync_steps(reference, schemas, allow_drop, false, false, renames, false) x
              WHERE x.kind = 'statement') s WHERE s.f ->> 'undo' IS NULL;
    FOR object IN SELECT DISTINCT i ->> 'object' FROM jsonb_array_elements(items) i WHERE i ->> 'part' = 'change'
            AND i ->> 'object' ~ '^(table|column|type|function|view|materialized view) '
            AND NOT items @> jsonb_build_array(jsonb_build_object('part', 'change', 'object', i -> 'object',
                'detail', 'created')) ORDER BY 1 LOOP
        BEGIN
            EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', ''impact'', ''object'', $1, ''detail'', concat_ws('' '', d.kind, '
                'd.dependent || '':'', coalesce(d.on_change, d.on_drop))) ORDER BY d.depth, d.kind, d.dependent) FROM '
                '%s.sg_impact_details($1) d WHERE d.depth = 1', schemaguard.sg_schema()) INTO found USING object;
            list := list || coalesce(found, '[]');
        EXCEPTION WHEN undefined_object OR undefined_column OR undefined_table OR undefined_function OR ambiguous_alias OR invalid_name THEN
            list := list || jsonb_build_array(jsonb_build_object('part', 'impact', 'object', object, 'detail', 'unknown: ' || SQLERRM));
        END;
    END LOOP;
    EXECUTE format('SELECT (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object(''part'', ''lock'', ''object'', '
        '''table '' || f.relation, ''detail'', f.lock)), ''[]'') FROM schemaguard.sg_script_facts(ARRAY[$1], false) f '
        'WHERE f.lock IS NOT NULL AND f.relid <> 0) || '
        '(SELECT coalesce(jsonb_agg(jsonb_build_object(''part'', ''lint'', ''object'', coalesce(d.object, ''''), ''detail'', '
        'concat(d.severity, '', '', d.rule, '': '', d.message)) ORDER BY d.line, d.rule), ''[]'') '
        'FROM %s.sg_lint_sql_details($1, in_transaction => false) d)', schemaguard.sg_schema()) INTO found USING coalesce(script, '');
    RETURN list || found;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_effects(jsonb, text, text[], boolean, text)
    IS 'returns the items of a bundle that are about its effects';

-- Returns document, contents and digest of a bundle. Server: where the source is, unless `reference` is a snapshot of it.
CREATE FUNCTION schemaguard.sg_promotion_made(bundle text, server text, reference text, options jsonb,
    OUT document text[], OUT content jsonb, OUT digest text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET client_min_messages = warning
AS $function$
DECLARE
    schemas    CONSTANT text[] := (SELECT array_agg(s) FROM jsonb_array_elements_text(nullif(options -> 'schemas', 'null')) s);
    allow_drop CONSTANT boolean := (options ->> 'allow_drop')::boolean;
    renames    CONSTANT text := options ->> 'renames';
    here       CONSTANT text := schemaguard.sg_schema();
    name       CONSTANT text := coalesce(reference, bundle);
    files      CONSTANT jsonb := options -> 'files';
    list       jsonb;
    blocked    jsonb;
    items      jsonb;
    made       jsonb;
    script     text;
BEGIN
    IF reference IS NULL THEN
        EXECUTE format('SELECT %s.sg_snapshot_take($1, $2, $3)', here) USING name, schemas, server;
    END IF;
    list := schemaguard.sg_sync_list(name, 'live', schemas, allow_drop, false, renames, true, false);
    PERFORM schemaguard.sg_sync_refuse(list, name, 'live');
    SELECT string_agg(format('(%L, %L, ''promotion'')', e ->> 'kind', e ->> 'object'), ', ') INTO script FROM jsonb_array_elements(list) e
        WHERE allow_drop AND e ->> 'what' LIKE 'dropped%' AND schemaguard.sg_promotion_leads(e ->> 'kind', e ->> 'object')
            AND e ->> 'object' <> 'schemaguard';
    IF script IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = 'a promotion with allow_drop would drop what leads to the environments',
            HINT = format(E'Say that it is meant to differ:\nINSERT INTO schemaguard.drift_ignore (kind, object, reason) VALUES %s;',
                script);
    END IF;
    blocked := schemaguard.sg_sync_blocked(list);
    items := schemaguard.sg_promotion_changes(list, blocked, allow_drop);
    items := items || schemaguard.sg_promotion_effects(items, name, schemas, allow_drop, renames) || (
        SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('part', CASE WHEN l.definition IS NULL OR l.what = 'deleted'
            AND NOT allow_drop THEN 'left out' ELSE 'change' END, 'object', 'rows ' || l.table_name, 'detail', l.told, 'statement', (
                SELECT string_agg(s, E'\n') FROM schemaguard.sg_sync_lookup_statements(l.table_name, l.key_columns, l.what, l.definition,
                    l.was, false, schemaguard.sg_sync_lookup_referred(name, 'live', l.table_name), true) s
                WHERE l.definition IS NOT NULL))) ORDER BY l.place, l.table_name), '[]')
            || coalesce(jsonb_agg(jsonb_build_object('part', 'loss', 'object', 'rows ' || l.table_name, 'detail', 'loses '
            || jsonb_array_length(l.was) || ' rows') ORDER BY l.place, l.table_name) FILTER (WHERE l.what = 'deleted' AND allow_drop), '[]')
        FROM schemaguard.sg_sync_lookup(name, 'live', schemas, false, allow_drop) l);
    EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''part'', ''file'', ''object'', f.path, ''statement'', f.content) ORDER BY f.n) '
        'FROM %s.sg_sync_files($1, ''live'', $2, $3, $4, project => $5, schemas => $6, allow_drop => $7, renames => $8) '
        'WITH ORDINALITY f (path, content, n)', here) INTO made
        USING name, coalesce(files ->> 'tool', 'psql'), files ->> 'first',
            (SELECT array_agg(x) FROM jsonb_array_elements_text(files -> 'existing') x), coalesce(files ->> 'project', 'app'), schemas,
            allow_drop, renames;
    EXECUTE format('SELECT string_agg(l.line, E''\n'' ORDER BY l.n) FROM %s.sg_sync_sql($1, ''live'', $2, $3, false, $4) '
        'WITH ORDINALITY l (line, n)', here) INTO script USING name, schemas, allow_drop, renames;
    EXECUTE format('SELECT array_agg(l.line ORDER BY l.n) FROM %s.sg_snapshot_export($1) WITH ORDINALITY l (line, n)', here)
        INTO document USING name;
    content := jsonb_build_object('items', items || coalesce(made, '[]'), 'script', script,
        'rows', jsonb_build_object('steps', schemaguard.sg_sync_lookup_steps(name, schemas, allow_drop, false),
            -- what is left out may come to be possible while the bundle is applied
            'later', (SELECT jsonb_agg(jsonb_build_object('child_table', l.table_name, 'child_columns', l.key_columns::text,
                    'definition', l.step::text)) FROM schemaguard.sg_sync_lookup(name, 'live', schemas, false, allow_drop) l
                WHERE l.definition IS NULL AND l.step IS NOT NULL),
            'columns', (
            SELECT jsonb_object_agg(q.table_name, (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = q.relid AND a.attnum > 0 AND NOT a.attisdropped))
            FROM schemaguard.sg_lookup_queries(schemas) q WHERE q.relid IS NOT NULL)));
    digest := schemaguard.sg_promotion_digest(schemas);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_made(text, text, text, jsonb)
    IS 'returns the document and the contents of a bundle';
