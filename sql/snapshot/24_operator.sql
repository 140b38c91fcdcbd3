SELECT 'operator', n.identity, NULL::text,
    o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'none' ELSE format_type(o.oprleft, NULL) END || ', '
        || CASE WHEN o.oprright = 0 THEN 'none' ELSE format_type(o.oprright, NULL) END || ')', n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(o.oprowner)), 'function',
        o.oprcode::text,
        'result', CASE WHEN o.oprresult <> 0 THEN format_type(o.oprresult, NULL) END,
        'commutator', CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END,
        'negator', CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END,
        'hashes', CASE WHEN o.oprcanhash THEN true END, 'merges', CASE WHEN o.oprcanmerge THEN true END,
        'restrict', CASE WHEN o.oprrest::oid <> 0 THEN o.oprrest::text END, 'join',
            CASE WHEN o.oprjoin::oid <> 0 THEN o.oprjoin::text END,
        'comment', c.description, 'extension', e.extension)),
    'pg_operator'::regclass, o.oid, 0
FROM pg_operator o
JOIN nsp n ON n.oid = o.oprnamespace
LEFT JOIN ext e ON e.classid = 'pg_operator'::regclass AND e.objid = o.oid
LEFT JOIN com c ON c.classoid = 'pg_operator'::regclass AND c.objoid = o.oid
WHERE o.oprcode::oid <> 0       -- else only named as another one's commutator or negator; dumps leave it out
