WITH
proc AS (
    SELECT p.*
    FROM (VALUES (NULL::text)) d (prosqlbody),
        LATERAL (SELECT p.oid, p.proname, p.pronamespace, p.proowner, p.prolang, p.procost, p.prorows, p.provariadic,
            p.prosupport, p.prokind,
                p.prosecdef, p.proleakproof, p.proisstrict, p.proretset, p.provolatile, p.proparallel, p.proargtypes,
                    p.protrftypes,
                p.prosrc, p.probin, p.proconfig, prosqlbody IS NOT NULL AS parsed
            FROM pg_proc p
            WHERE p.pronamespace <> 11
                AND NOT (left(p.proname, 18) = '~schemaguard_fill_' AND EXISTS (
                    SELECT FROM pg_namespace s WHERE s.oid = p.pronamespace AND s.nspname = 'schemaguard'))
            OFFSET 0) p
)
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, n.identity,
    p.proname::text,
    '(' || oidvectortypes(p.proargtypes) || ')', n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(p.proowner)), 'language', l.lanname,
        'arguments', CASE WHEN b.objid IS NULL THEN pg_get_function_arguments(p.oid) END,
        'returns', pg_get_function_result(p.oid),
        'volatility', CASE WHEN p.prokind <> 'p' THEN CASE p.provolatile WHEN 'i' THEN 'immutable'
            WHEN 's' THEN 'stable' ELSE 'volatile' END END,
        'parallel', CASE WHEN p.prokind <> 'p' THEN CASE p.proparallel WHEN 's' THEN 'safe'
            WHEN 'r' THEN 'restricted' ELSE 'unsafe' END END,
        'strict', CASE WHEN p.proisstrict THEN true END,
        'security_definer', CASE WHEN p.prosecdef THEN true END,
        'leakproof', CASE WHEN p.proleakproof THEN true END,
        'window', CASE WHEN p.prokind = 'w' THEN true END,
        'cost', CASE WHEN p.prokind IN ('f', 'w') THEN p.procost END,
        'rows', CASE WHEN p.proretset THEN p.prorows END,
        'support', CASE WHEN p.prosupport::oid <> 0 THEN p.prosupport::text END,
        'configuration', to_jsonb(CASE WHEN p.proconfig IS NOT NULL
            THEN ARRAY(SELECT o FROM unnest(p.proconfig) o ORDER BY o COLLATE "C") END),
        'transforms', to_jsonb(CASE WHEN p.protrftypes IS NOT NULL
            THEN ARRAY(SELECT format_type(o, NULL) FROM unnest(p.protrftypes) o ORDER BY 1) END),
        'body', CASE WHEN p.prokind <> 'a' AND NOT p.parsed THEN p.prosrc END,
        'library', p.probin,
        'sql_body', CASE WHEN p.parsed AND w.objid IS NULL AND b.objid IS NULL
            THEN substring(pg_get_functiondef(p.oid) FROM chr(10) || '((BEGIN ATOMIC|RETURN ).*)$') END))
    || CASE WHEN g.aggfnoid IS NULL THEN '{}' ELSE jsonb_strip_nulls(jsonb_build_object(
        'aggregate_kind', CASE g.aggkind WHEN 'n' THEN 'normal'
            WHEN 'o' THEN 'ordered set' ELSE 'hypothetical set' END,
        'state_function', g.aggtransfn::regprocedure::text, 'state_type', format_type(g.aggtranstype, NULL),
            'state_size', nullif(g.aggtransspace, 0),
        'initial_value', g.agginitval,
        'final_function', CASE WHEN g.aggfinalfn::oid <> 0 THEN g.aggfinalfn::regprocedure::text END,
        'final_extra', CASE WHEN g.aggfinalextra THEN true END, 'final_modify', g.aggfinalmodify,
        'combine_function', CASE WHEN g.aggcombinefn::oid <> 0 THEN g.aggcombinefn::regprocedure::text END,
        'serial_function', CASE WHEN g.aggserialfn::oid <> 0 THEN g.aggserialfn::regprocedure::text END,
        'deserial_function', CASE WHEN g.aggdeserialfn::oid <> 0 THEN g.aggdeserialfn::regprocedure::text END,
        'moving_state_function', CASE WHEN g.aggmtransfn::oid <> 0 THEN g.aggmtransfn::regprocedure::text END,
        'moving_inverse_function', CASE WHEN g.aggminvtransfn::oid <> 0
            THEN g.aggminvtransfn::regprocedure::text END,
        'moving_final_function', CASE WHEN g.aggmfinalfn::oid <> 0 THEN g.aggmfinalfn::regprocedure::text END,
        'moving_state_type', CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END,
            'moving_initial_value', g.aggminitval, 'moving_state_size', nullif(g.aggmtransspace, 0),
        'moving_final_extra', CASE WHEN g.aggmfinalextra THEN true END,
        'moving_final_modify', CASE WHEN g.aggmtranstype <> 0
            THEN nullif(g.aggmfinalmodify, CASE g.aggkind WHEN 'n' THEN 'r' ELSE 'w' END) END,
        'sort_operator', CASE WHEN g.aggsortop <> 0 THEN g.aggsortop::regoperator::text END)) END
    || jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'grantors', t.grantors, 'comment', c.description,
        'extension', e.extension,
        'unknown', CASE WHEN b.objid IS NOT NULL THEN b.reason
            WHEN p.parsed AND w.objid IS NOT NULL THEN 'what it reads is locked by another session'
            WHEN pg_get_function_arguments(p.oid) IS NULL THEN 'dropped while it was read' END)),
    'pg_proc'::regclass, p.oid, 0
FROM proc p
JOIN nsp n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
LEFT JOIN waiting w ON w.classid = 'pg_proc'::regclass AND w.objid = p.oid
LEFT JOIN broken b ON b.catalog = 'function' AND b.objid = p.oid
LEFT JOIN ext e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid
LEFT JOIN com c ON c.classoid = 'pg_proc'::regclass AND c.objoid = p.oid
LEFT JOIN acl a ON a.classid = 'pg_proc'::regclass AND a.objid = p.oid
LEFT JOIN grantor t ON t.classid = 'pg_proc'::regclass AND t.objid = p.oid
LEFT JOIN internal i ON i.classid = 'pg_proc'::regclass AND i.objid = p.oid
WHERE i.objid IS NULL
