-- Sync: the statements, in order. One row is one statement, with what its guard asks.

-- Returns statements as sg_sync_statements() does. Reasons are those of sg_sync_reasons(); live: the target is this database;
-- filled: tables that get rows of the reference before keys come.
CREATE FUNCTION schemaguard.sg_sync_written(statements schemaguard.sync_statement[], fits schemaguard.sync_fit[],
    left_over schemaguard.sync_left_over[], objects schemaguard.sync_object[], made schemaguard.sync_made[], anew schemaguard.sync_anew[],
    live boolean, filled text[],
    OUT section int, OUT place bigint, OUT kind text, OUT object text, OUT what text, OUT statement text,
    OUT guard text, OUT before text, OUT after text, OUT note text, OUT index text, OUT index_after text, OUT cost text, OUT finder text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH rule AS MATERIALIZED (
    SELECT r.kind, r.statement, string_to_array(r.property, ' ') AS properties FROM schemaguard.sg_sync_rules() r WHERE r.step = 'cost'
)
SELECT s.section, s.place, s.kind, s.object, s.what, schemaguard.sg_sync_portable(s.statement),
    CASE WHEN r.condition IS NULL THEN s.guard ELSE format('CASE WHEN %s THEN CASE %s WHEN %L THEN ''before'' ELSE %2$s END ELSE ''after'' '
        'END', r.condition, s.guard, s.before) END,
    CASE WHEN r.condition IS NULL THEN s.before ELSE 'before' END,
    CASE WHEN r.condition IS NULL THEN s.after ELSE 'after' END,
    s.step || coalesce(' loses ' || coalesce(schemaguard.sg_sync_fill(s.loss, s.context), CASE WHEN s.step <> 'alter' THEN s.loss END), ''),
    CASE WHEN s.section = 3 AND s.kind <> 'column' THEN s.context ->> CASE WHEN s.what = 'replaced' THEN 'new_index' ELSE 'index' END END,
    CASE WHEN s.section = 3 AND s.kind <> 'column' THEN s.context ->> 'index_loose' END,
    nullif(concat_ws('; ', 'runs code of role ' || f.owner, (
        SELECT string_agg(schemaguard.sg_sync_fill(c.statement, s.context), '; ') FROM rule c
        WHERE c.kind = s.kind AND c.properties && string_to_array(coalesce(s.property, s.what), ' '))), ''),
    CASE WHEN (live OR s.context ?| '{no_cast,keyed}') AND NOT s.context ? 'in_new' AND (s.section IN (2, 3, 4) OR s.kind = 'table')
            AND NOT (s.context ? 'leads_to_none' AND s.context ->> 'references' = ANY (filled))
        THEN schemaguard.sg_sync_finder(s.kind, s.step, s.what, s.property, s.context) END
FROM unnest(statements) s JOIN unnest(fits) f ON f.number = s.number
LEFT JOIN schemaguard.sg_sync_reasons(objects, made, anew, statements) r
    ON s.step = 'drop' AND s.before = s.after AND r.kind = s.kind AND r.object = s.object
-- nor what a type is meanwhile, where it is to be that
WHERE NOT (s.what = 'type collation' AND s.before = s.after)
    AND NOT EXISTS (SELECT FROM unnest(left_over) l WHERE l.kind = s.kind AND l.object = s.object)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_written(schemaguard.sync_statement[], schemaguard.sync_fit[], schemaguard.sync_left_over[],
    schemaguard.sync_object[], schemaguard.sync_made[], schemaguard.sync_anew[], boolean, text[])
    IS 'returns statements, each with its guard and all remarks of a script on it';

-- Returns the statements that make the target what the reference is, and with section 0 what is said beside them. Pairs: of
-- sg_sync_pairs(). A text that is not what its rule says is left out, with all that needs its object: src/sync/sync_text.c. leave_code:
-- so is what would compute something by code of others as whoever runs the statement; leave_native: what a scratch database does not try.
CREATE FUNCTION schemaguard.sg_sync_statements(
    pairs schemaguard.sync_pair[], reference text, target text, allow_drop boolean, partitions boolean, leave_code boolean DEFAULT false,
    leave_native boolean DEFAULT false,
    OUT section int, OUT place bigint, OUT kind text, OUT object text, OUT what text, OUT statement text,
    OUT guard text, OUT before text, OUT after text, OUT note text, OUT index text, OUT index_after text, OUT cost text, OUT finder text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
-- nobody knows how many pairs there are, and each with each is too many
SET enable_nestloop = off
-- a plan of its own would hold a copy of the arrays
SET plan_cache_mode = force_generic_plan
SET standard_conforming_strings = on
-- a script compares names and types as it prints them itself
SET quote_all_identifiers = off
AS $function$
DECLARE
    live CONSTANT boolean := target = 'live';
    side       record;
    objects    schemaguard.sync_object[];
    described  schemaguard.sync_object[];
    rules      schemaguard.sync_fired[];
    anew       schemaguard.sync_anew[];
    meanwhile  schemaguard.sync_meanwhile[];
    made       schemaguard.sync_made[];
    steps      schemaguard.sync_step[];
    statements schemaguard.sync_statement[];
    fits       schemaguard.sync_fit[];
    left_over  schemaguard.sync_left_over[];
BEGIN
    SELECT s.* INTO side FROM schemaguard.sg_sync_sides(reference, target) s;
    objects := ARRAY(SELECT o FROM schemaguard.sg_sync_changes(pairs, partitions) o);
    objects := ARRAY(SELECT o FROM schemaguard.sg_sync_managed(objects, partitions) o);
    described := ARRAY(SELECT d FROM schemaguard.sg_sync_described(objects, pairs, target, allow_drop, side.keys_at_once,
        ARRAY(SELECT o.number FROM unnest(objects) o WHERE o.managed AND o.state <> 'same')) d);
    rules := ARRAY(SELECT f FROM schemaguard.sg_sync_fired(described, allow_drop) f);
    anew := ARRAY(SELECT a FROM schemaguard.sg_sync_anew(objects, described, rules, allow_drop) a);
    meanwhile := ARRAY(SELECT m FROM schemaguard.sg_sync_meanwhile(objects, rules, anew) m);
    -- equal ones that are made anew, or are something else meanwhile
    described := described || ARRAY(SELECT d FROM schemaguard.sg_sync_described(objects, pairs, target, allow_drop, side.keys_at_once,
        ARRAY(SELECT o.number FROM unnest(objects) o WHERE o.managed AND o.state = 'same' AND o.number IN (
            SELECT a.number FROM unnest(anew) a WHERE a.again UNION ALL SELECT m.number FROM unnest(meanwhile) m))) d);
    made := ARRAY(SELECT m FROM schemaguard.sg_sync_made(described, objects, rules, anew, live) m);

    -- most templates do not apply
    steps := ARRAY(SELECT s FROM schemaguard.sg_sync_creates(made) s WHERE s.statement IS NOT NULL);
    steps := steps || ARRAY(
        SELECT s FROM schemaguard.sg_sync_drops(made) s WHERE s.statement IS NOT NULL
        UNION ALL SELECT s FROM schemaguard.sg_sync_detours(described, anew, meanwhile) s WHERE s.statement IS NOT NULL
        UNION ALL SELECT s FROM schemaguard.sg_sync_extras(made, steps, objects, allow_drop) s WHERE s.statement IS NOT NULL
        UNION ALL SELECT s FROM schemaguard.sg_sync_alters(made, rules, meanwhile, objects, allow_drop) s WHERE s.statement IS NOT NULL
        UNION ALL SELECT s FROM schemaguard.sg_sync_grantings(made, steps, objects) s WHERE s.statement IS NOT NULL);
    statements := ARRAY(SELECT g FROM schemaguard.sg_sync_guards(steps, side.other_major) g);
    steps := NULL;

    SELECT j.fits, j.left_over INTO fits, left_over
        FROM schemaguard.sg_sync_judged(statements, objects, pairs, reference, target, leave_code, leave_native) j;
    RETURN QUERY SELECT 0, r.place, r.kind, r.object, r.what, r.told, NULL, r.before, r.after, r.note, NULL, NULL, NULL, NULL FROM (
            SELECT x.* FROM schemaguard.sg_sync_alone(objects, statements, left_over, leave_native) x
            UNION ALL SELECT x.* FROM schemaguard.sg_sync_beyond(objects, described, made, rules, allow_drop) x
            UNION ALL SELECT 0, n.kind, n.name, 'is needed', NULL, NULL, NULL, 'need' FROM schemaguard.sg_sync_needed(made) n
            UNION ALL SELECT d.place, d.kind, d.object, d.what, NULL, NULL, NULL, 'refused'
                FROM schemaguard.sg_sync_doubtful(pairs, described, allow_drop) d) r
        ORDER BY r.place, r.kind COLLATE "C", r.object COLLATE "C", r.what COLLATE "C";
    RETURN QUERY SELECT s.* FROM schemaguard.sg_sync_written(statements, fits, left_over, objects, made, anew, live,
            ARRAY(SELECT l.table_name FROM schemaguard.sg_lookup_contents(reference) l WHERE live)) s
        ORDER BY s.section, s.place;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_statements(schemaguard.sync_pair[], text, text, boolean, boolean, boolean, boolean)
    IS 'returns the statements of sg_sync_sql(), in order, each with its guard';
