-- Returns DDL that was run by hand, with its present state: the last command on each object, beside a snapshot.
CREATE FUNCTION sg_manual_changes(
    since     timestamptz DEFAULT '-infinity',
    reference text DEFAULT NULL,
    OUT state  text,
    OUT object text,
    OUT tag    text,
    OUT role   text,
    OUT at     timestamptz,
    OUT reason text,
    OUT file   text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET row_security = on
BEGIN ATOMIC
    -- raises for a name that no snapshot has
    SELECT FROM sg_drift_details(reference)
    WHERE reference IS NOT NULL AND NOT EXISTS (SELECT FROM schemaguard.snapshot n WHERE n.name = reference);
    WITH snapshot AS MATERIALIZED (
        SELECT n.name, n.taken_at FROM schemaguard.snapshot n
        WHERE n.name = reference OR reference IS NULL AND n.server IS NULL AND n.imported_at IS NULL
        ORDER BY n.taken_at DESC LIMIT 1),
    direct AS MATERIALIZED (
        SELECT l.kind, l.object, l.tag, l.session_role, l.at, l.origin_name, l.parts FROM schemaguard.ddl_log l
        WHERE l.origin = 'direct' AND l.event <> 'lost' AND l.object IS NOT NULL AND l.at >= since),
    part AS (
        SELECT l.kind, l.object, array_agg(DISTINCT p.part) AS parts FROM direct l, unnest(l.parts) p (part) GROUP BY l.kind, l.object),
    last AS (
        SELECT DISTINCT ON (l.kind, l.object) l.kind, l.object, l.tag, l.session_role, l.at, l.origin_name
        FROM direct l ORDER BY l.kind, l.object, l.at DESC),
    manual AS MATERIALIZED (
        SELECT l.*, p.parts FROM last l LEFT JOIN part p ON p.kind = l.kind AND p.object = l.object),
    drift AS MATERIALIZED (
        SELECT d.object, d.class, CASE d.change WHEN 'renamed' THEN d.actual END AS renamed FROM snapshot n, sg_drift_details(n.name) d
        WHERE d.class <> 'unmanaged' AND EXISTS (SELECT FROM manual)),
    named AS MATERIALIZED (
        SELECT m.*, ARRAY[m.object] || m.parts || ARRAY(SELECT CASE m.object WHEN x.object THEN x.renamed ELSE x.object END
            FROM drift x WHERE m.object IN (x.object, x.renamed) AND x.renamed IS NOT NULL) AS names FROM manual m),
    statement AS MATERIALIZED (
        SELECT e.e ->> 'object' AS object, e.e ->> 'statement' AS statement, e.n
        FROM snapshot n, jsonb_array_elements(schemaguard.sg_sync_list('live', n.name, NULL, true, false, 'ask', true, false))
             WITH ORDINALITY e (e, n)
        WHERE (e.e ->> 'section')::int > 0 AND EXISTS (SELECT FROM drift))
    SELECT CASE WHEN n.name IS NULL OR d.unknown THEN 'unknown' WHEN d.unknown IS NOT NULL THEN 'open'
               WHEN n.taken_at >= m.at THEN 'adopted' ELSE 'reverted' END,
           schemaguard.sg_cut(m.object, 40, 19), m.tag, m.session_role, date_trunc('second', m.at),
           coalesce(schemaguard.sg_cut(m.origin_name, 20), CASE WHEN n.name IS NULL THEN 'no snapshot' END),
           (SELECT string_agg(s.statement, E';\n' ORDER BY s.n) || ';' FROM statement s
            WHERE EXISTS (SELECT FROM unnest(m.names) o (name)
                          WHERE s.object = o.name OR m.kind <> 'schema' AND starts_with(s.object, o.name || '.')))
    FROM named m
    LEFT JOIN snapshot n ON true
    LEFT JOIN LATERAL (SELECT bool_and(x.class = 'unknown') AS unknown FROM drift x
                       WHERE EXISTS (SELECT FROM unnest(m.names) o (name)
                                     WHERE x.object = o.name OR m.kind <> 'schema' AND starts_with(x.object, o.name || '.'))) d ON true
    ORDER BY m.at, m.object COLLATE "C", m.kind;
END;
COMMENT ON FUNCTION sg_manual_changes(timestamptz, text)
    IS 'returns DDL run by hand since a time, whether open, adopted or reverted, and the statements that make it official';
