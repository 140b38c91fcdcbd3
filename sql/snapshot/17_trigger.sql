WITH
trig AS (
    SELECT t.*
    FROM (VALUES (0::oid)) d (tgparentid),
        LATERAL (SELECT t.oid, t.tgrelid, t.tgname, t.tgfoid, t.tgtype::int AS tgtype, t.tgenabled, t.tgisinternal,
            t.tgconstrrelid, t.tgconstraint,
                t.tgdeferrable, t.tginitdeferred, t.tgattr, t.tgargs, t.tgnargs, t.tgqual, t.tgoldtable, t.tgnewtable,
                    tgparentid
            FROM pg_trigger t
            WHERE NOT t.tgisinternal
                AND NOT (left(t.tgname, 18) = '~schemaguard_fill_' AND EXISTS (
                    SELECT FROM pg_proc f JOIN pg_namespace s ON s.oid = f.pronamespace
                    WHERE f.oid = t.tgfoid AND s.nspname = 'schemaguard'))
            OFFSET 0) t
)
SELECT 'trigger', r.identity, t.tgname::text, NULL, r.identity,
    jsonb_strip_nulls(jsonb_build_object('function', t.tgfoid::regprocedure::text,
        'timing', CASE WHEN t.tgtype & 2 <> 0 THEN 'before'
            WHEN t.tgtype & 64 <> 0 THEN 'instead of' ELSE 'after' END,
        'events', to_jsonb(array_remove(ARRAY[CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END,
            CASE WHEN t.tgtype & 16 <> 0 THEN 'update' END,
            CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END, CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END],
                NULL)),
        'level', CASE WHEN t.tgtype & 1 <> 0 THEN 'row' ELSE 'statement' END,
        'update_of', u.columns,
        'when', CASE WHEN t.tgqual IS NOT NULL AND NOT r.locked THEN substring(pg_get_triggerdef(t.oid)
            FROM ' WHEN [(](.*)[)] EXECUTE (?:FUNCTION|PROCEDURE) ') END,
        -- each ends with a zero
        'arguments', CASE WHEN t.tgnargs > 0 THEN (
            SELECT jsonb_agg(convert_from(substr(t.tgargs, z.start, z.stop - z.start), getdatabaseencoding()) ORDER BY z.start)
            FROM (SELECT coalesce(lag(n) OVER (ORDER BY n), 0) + 1 AS start, n AS stop
                  FROM generate_series(1, octet_length(t.tgargs)) n WHERE get_byte(t.tgargs, n - 1) = 0) z) END,
        'old_table', t.tgoldtable, 'new_table', t.tgnewtable,
        'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
            WHEN 'R' THEN 'replica' ELSE 'always' END,
        'constraint', CASE WHEN t.tgconstraint <> 0 THEN true END,
        'deferrable', CASE WHEN t.tgconstraint <> 0 THEN t.tgdeferrable END,
        'deferred', CASE WHEN t.tgconstraint <> 0 THEN t.tginitdeferred END,
        'from_table', f.identity,
        'partition_of', p.identity,
        'comment', c.description, 'extension', coalesce(e.extension, r.extension),
        'unknown', CASE WHEN t.tgqual IS NOT NULL AND r.locked THEN r.trouble
            WHEN t.tgqual IS NOT NULL AND pg_get_triggerdef(t.oid) IS NULL
            THEN 'dropped while it was read' END)),
    'pg_trigger'::regclass, t.oid, 0
FROM trig t
JOIN rel r ON r.oid = t.tgrelid
LEFT JOIN (SELECT f.oid, f.identity FROM place f WHERE f.oid IN (SELECT t.tgconstrrelid FROM trig t)) f
    ON f.oid = t.tgconstrrelid
LEFT JOIN (SELECT p.oid, pr.identity || '.' || quote_ident(p.tgname) AS identity
           FROM pg_trigger p JOIN place pr ON pr.oid = p.tgrelid
           WHERE p.oid IN (SELECT t.tgparentid FROM trig t)) p ON p.oid = t.tgparentid
LEFT JOIN (SELECT t.oid, jsonb_agg(a.attname ORDER BY k.n) AS columns
           FROM trig t, LATERAL unnest(t.tgattr) WITH ORDINALITY k (attnum, n), pg_attribute a
           WHERE a.attrelid = t.tgrelid AND a.attnum = k.attnum GROUP BY t.oid) u ON u.oid = t.oid
LEFT JOIN ext e ON e.classid = 'pg_trigger'::regclass AND e.objid = t.oid
LEFT JOIN com c ON c.classoid = 'pg_trigger'::regclass AND c.objoid = t.oid
