-- The snapshot statement goes on: what else is in schemas
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, n.identity,
        p.proname::text,
        '(' || oidvectortypes(p.proargtypes) || ')', n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(p.proowner), 'language', l.lanname,
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
                WHEN pg_get_function_arguments(p.oid) IS NULL THEN 'dropped while it was read' END))
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
    UNION ALL
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.identity, t.typname::text, NULL, n.identity,
        CASE t.typtype
            WHEN 'd' THEN jsonb_strip_nulls(jsonb_build_object('type', format_type(t.typbasetype, t.typtypmod),
                'not_null', t.typnotnull,
                'collation', CASE WHEN t.typcollation <> b.typcollation THEN cl.identity END, 'default',
                    CASE WHEN db.objid IS NULL THEN pg_get_expr(t.typdefaultbin, 0) END, 'unknown', db.reason))
            WHEN 'e' THEN jsonb_build_object('type', 'enum', 'labels', coalesce(l.labels, '[]'))
            WHEN 'c' THEN jsonb_build_object('type', 'composite', 'attributes', coalesce(a.columns, '[]'))
                || CASE WHEN a.comments IS NULL THEN '{}' ELSE jsonb_build_object('attribute_comments', a.comments) END
            WHEN 'r' THEN jsonb_strip_nulls(jsonb_build_object('type', 'range', 'subtype',
                format_type(g.rngsubtype, NULL),
                'operator_class', CASE WHEN NOT oc.opcdefault THEN quote_ident(ocn.nspname) || '.'
                    || quote_ident(oc.opcname) END,
                'collation', rc.identity,
                'canonical', CASE WHEN g.rngcanonical::oid <> 0 THEN g.rngcanonical::text END,
                'difference', CASE WHEN g.rngsubdiff::oid <> 0 THEN g.rngsubdiff::text END,
                'multirange', CASE WHEN g.rngmultitypid <> 0 THEN format_type(g.rngmultitypid, NULL) END))
            WHEN 'p' THEN '{"type": "shell"}'
            ELSE jsonb_strip_nulls(jsonb_build_object('type', 'base', 'input', t.typinput::text, 'output',
                t.typoutput::text,
                'length', t.typlen, 'category', t.typcategory, 'alignment', t.typalign, 'storage', t.typstorage,
                    'by_value', t.typbyval,
                'default', t.typdefault, 'element', CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END,
                'preferred', CASE WHEN t.typispreferred THEN true END, 'delimiter', nullif(t.typdelim, ','),
                'collatable', CASE WHEN t.typcollation <> 0 THEN true END,
                'receive', CASE WHEN t.typreceive::oid <> 0 THEN t.typreceive::text END,
                'send', CASE WHEN t.typsend::oid <> 0 THEN t.typsend::text END,
                'modifier_input', CASE WHEN t.typmodin::oid <> 0 THEN t.typmodin::text END,
                'modifier_output', CASE WHEN t.typmodout::oid <> 0 THEN t.typmodout::text END,
                'analyze', CASE WHEN t.typanalyze::oid <> 0 THEN t.typanalyze::text END,
                -- majors before 14 have none for arrays
                'subscript', (SELECT x.typsubscript::text
                    FROM (VALUES (0::oid::regproc)) d (typsubscript),
                        LATERAL (SELECT typsubscript FROM pg_type b WHERE b.oid = t.oid OFFSET 0) x
                    WHERE x.typsubscript::oid <> 0 AND x.typsubscript::text NOT LIKE '%array_subscript_handler')))
        END
        || jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(t.typowner), 'acl', p.acl, 'grantors',
            w.grantors,
            'comment', coalesce(c.description, rc2.description), 'extension', e.extension))
    FROM pg_type t
    JOIN nsp n ON n.oid = t.typnamespace
    LEFT JOIN rel r ON r.oid = t.typrelid AND r.relkind = 'c'
    LEFT JOIN broken db ON db.catalog = 'type' AND db.objid = t.oid
    LEFT JOIN pg_type el ON el.typarray = t.oid
    LEFT JOIN pg_type b ON b.oid = t.typbasetype
    LEFT JOIN coll cl ON cl.oid = t.typcollation
    LEFT JOIN (SELECT l.enumtypid, jsonb_agg(l.enumlabel ORDER BY l.enumsortorder) AS labels
        FROM pg_enum l GROUP BY l.enumtypid) l ON l.enumtypid = t.oid
    LEFT JOIN attributes a ON a.attrelid = r.oid
    LEFT JOIN range g ON g.rngtypid = t.oid
    LEFT JOIN pg_opclass oc ON oc.oid = g.rngsubopc
    LEFT JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
    LEFT JOIN coll rc ON rc.oid = g.rngcollation
    LEFT JOIN ext e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_type'::regclass AND c.objoid = t.oid
    LEFT JOIN com rc2 ON rc2.classoid = 'pg_class'::regclass AND rc2.objoid = r.oid AND rc2.objsubid = 0
    LEFT JOIN acl p ON p.classid = 'pg_type'::regclass AND p.objid = t.oid
    LEFT JOIN grantor w ON w.classid = 'pg_type'::regclass AND w.objid = t.oid
    WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND r.oid IS NOT NULL OR t.typtype IN ('b', 'p')
        AND el.oid IS NULL)
    UNION ALL
    SELECT 'collation', n.identity, x.collname::text, CASE WHEN x.collencoding = -1 THEN NULL ELSE ' FOR '
        || pg_encoding_to_char(x.collencoding) END, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(x.collowner),
            'provider', CASE x.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu'
                WHEN 'b' THEN 'builtin' ELSE 'default' END,
            'locale', coalesce(x.colllocale, x.colliculocale,
                CASE WHEN x.collprovider = 'i' THEN x.collcollate::text END),
            'lc_collate', CASE WHEN x.collprovider = 'c' THEN x.collcollate::text END,
            'lc_ctype', CASE WHEN x.collprovider = 'c' THEN x.collctype::text END,
            'deterministic', x.collisdeterministic, 'rules', x.collicurules,
            'comment', c.description, 'extension', e.extension))
    FROM (SELECT x.* FROM (VALUES (NULL::text, NULL::text, NULL::text)) d (colllocale, colliculocale, collicurules),
              LATERAL (SELECT x.oid, x.collname, x.collnamespace, x.collowner, x.collprovider, x.collisdeterministic,
                  x.collencoding,
                      x.collcollate, x.collctype, colllocale, colliculocale, collicurules
                  FROM pg_collation x WHERE x.collnamespace <> 11 OFFSET 0) x) x
    JOIN nsp n ON n.oid = x.collnamespace
    LEFT JOIN ext e ON e.classid = 'pg_collation'::regclass AND e.objid = x.oid
    LEFT JOIN com c ON c.classoid = 'pg_collation'::regclass AND c.objoid = x.oid
    UNION ALL
    SELECT 'operator', n.identity, NULL::text,
        o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'none' ELSE format_type(o.oprleft, NULL) END || ', '
            || CASE WHEN o.oprright = 0 THEN 'none' ELSE format_type(o.oprright, NULL) END || ')', n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(o.oprowner), 'function',
            o.oprcode::regprocedure::text,
            'result', CASE WHEN o.oprresult <> 0 THEN format_type(o.oprresult, NULL) END,
            'commutator', CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END,
            'negator', CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END,
            'hashes', CASE WHEN o.oprcanhash THEN true END, 'merges', CASE WHEN o.oprcanmerge THEN true END,
            'restrict', CASE WHEN o.oprrest::oid <> 0 THEN o.oprrest::text END, 'join',
                CASE WHEN o.oprjoin::oid <> 0 THEN o.oprjoin::text END,
            'comment', c.description, 'extension', e.extension))
    FROM pg_operator o
    JOIN nsp n ON n.oid = o.oprnamespace
    LEFT JOIN ext e ON e.classid = 'pg_operator'::regclass AND e.objid = o.oid
    LEFT JOIN com c ON c.classoid = 'pg_operator'::regclass AND c.objoid = o.oid
    WHERE o.oprcode::oid <> 0       -- else only named as another one's commutator or negator; dumps leave it out
    UNION ALL
    SELECT 'operator family', n.identity, f.opfname::text, ' USING ' || m.amname, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(f.opfowner), 'operators', o.operators,
            'functions', p.functions,
            'comment', c.description, 'extension', e.extension))
    FROM pg_opfamily f
    JOIN nsp n ON n.oid = f.opfnamespace
    JOIN pg_am m ON m.oid = f.opfmethod
    LEFT JOIN (SELECT a.amopfamily, jsonb_agg(a.amopstrategy || ' ' || a.amopopr::regoperator::text
                       || CASE a.amoppurpose WHEN 'o' THEN ' FOR ORDER BY ' || quote_ident(sn.nspname) || '.'
                           || quote_ident(s.opfname) ELSE '' END
                       ORDER BY a.amopstrategy, a.amopopr::regoperator::text COLLATE "C") AS operators
               FROM pg_amop a JOIN pg_opfamily f ON f.oid = a.amopfamily AND f.opfnamespace <> 11
               LEFT JOIN pg_opfamily s ON s.oid = a.amopsortfamily
               LEFT JOIN pg_namespace sn ON sn.oid = s.opfnamespace
               GROUP BY a.amopfamily) o ON o.amopfamily = f.oid
    LEFT JOIN (SELECT a.amprocfamily, jsonb_agg(a.amprocnum || ' (' || format_type(a.amproclefttype, NULL) || ', '
        || format_type(a.amprocrighttype, NULL) || ') '
                       || a.amproc::regprocedure::text
                       ORDER BY a.amprocnum, format_type(a.amproclefttype, NULL) COLLATE "C",
                           format_type(a.amprocrighttype, NULL) COLLATE "C") AS functions
               FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily
                   AND f.opfnamespace <> 11 GROUP BY a.amprocfamily) p ON p.amprocfamily = f.oid
    LEFT JOIN ext e ON e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid
    LEFT JOIN com c ON c.classoid = 'pg_opfamily'::regclass AND c.objoid = f.oid
    UNION ALL
    SELECT 'operator class', n.identity, o.opcname::text, ' USING ' || m.amname, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(o.opcowner), 'type',
            format_type(o.opcintype, NULL), 'default', o.opcdefault,
            'family', quote_ident(fn.nspname) || '.' || quote_ident(f.opfname), 'storage',
                CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END,
            'comment', c.description, 'extension', e.extension))
    FROM pg_opclass o
    JOIN nsp n ON n.oid = o.opcnamespace
    JOIN pg_am m ON m.oid = o.opcmethod
    JOIN pg_opfamily f ON f.oid = o.opcfamily
    JOIN pg_namespace fn ON fn.oid = f.opfnamespace
    LEFT JOIN ext e ON e.classid = 'pg_opclass'::regclass AND e.objid = o.oid
    LEFT JOIN com c ON c.classoid = 'pg_opclass'::regclass AND c.objoid = o.oid
    UNION ALL
    SELECT 'text search dictionary', n.identity, d.dictname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(d.dictowner), 'template',
            quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname),
            'options', d.dictinitoption, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_dict d
    JOIN nsp n ON n.oid = d.dictnamespace
    JOIN pg_ts_template t ON t.oid = d.dicttemplate
    JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_dict'::regclass AND e.objid = d.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_dict'::regclass AND c.objoid = d.oid
    UNION ALL
    SELECT 'text search configuration', n.identity, s.cfgname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.cfgowner), 'parser',
            quote_ident(pn.nspname) || '.' || quote_ident(p.prsname),
            'mappings', m.mappings, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_config s
    JOIN nsp n ON n.oid = s.cfgnamespace
    JOIN pg_ts_parser p ON p.oid = s.cfgparser
    JOIN pg_namespace pn ON pn.oid = p.prsnamespace
    LEFT JOIN (SELECT m.mapcfg, jsonb_object_agg(m.maptokentype::text, m.dictionaries) AS mappings
               FROM (SELECT m.mapcfg, m.maptokentype, jsonb_agg(m.mapdict::regdictionary::text ORDER BY m.mapseqno)
                   AS dictionaries
                     FROM pg_ts_config_map m WHERE m.mapcfg >= 16384 GROUP BY m.mapcfg,
                         m.maptokentype) m GROUP BY m.mapcfg) m ON m.mapcfg = s.oid
    LEFT JOIN ext e ON e.classid = 'pg_ts_config'::regclass AND e.objid = s.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_config'::regclass AND c.objoid = s.oid
    UNION ALL
    SELECT 'text search parser', n.identity, p.prsname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('start', p.prsstart::text, 'token', p.prstoken::text,
            'end', p.prsend::text, 'headline', CASE WHEN p.prsheadline::oid <> 0 THEN p.prsheadline::text END,
            'lextypes', p.prslextype::text, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_parser p
    JOIN nsp n ON n.oid = p.prsnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_parser'::regclass AND e.objid = p.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_parser'::regclass AND c.objoid = p.oid
    UNION ALL
    SELECT 'text search template', n.identity, t.tmplname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('init', CASE WHEN t.tmplinit::oid <> 0 THEN t.tmplinit::text END,
            'lexize', t.tmpllexize::text, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_template t
    JOIN nsp n ON n.oid = t.tmplnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_template'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_template'::regclass AND c.objoid = t.oid
    UNION ALL
    SELECT 'conversion', n.identity, v.conname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(v.conowner),
            'from', pg_encoding_to_char(v.conforencoding), 'to', pg_encoding_to_char(v.contoencoding),
            'function', v.conproc::text, 'default', CASE WHEN v.condefault THEN true END,
            'comment', c.description, 'extension', e.extension))
    FROM pg_conversion v
    JOIN nsp n ON n.oid = v.connamespace
    LEFT JOIN ext e ON e.classid = 'pg_conversion'::regclass AND e.objid = v.oid
    LEFT JOIN com c ON c.classoid = 'pg_conversion'::regclass AND c.objoid = v.oid
    UNION ALL
    SELECT 'default privilege', NULL::text, NULL::text,
        'FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole)) || CASE
            WHEN d.defaclnamespace = 0 THEN '' ELSE ' IN SCHEMA ' || n.identity END
            || ' ON ' || CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                WHEN 'T' THEN 'TYPES'
                WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' ELSE d.defaclobjtype::text END,
        n.identity,
        jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'grantors', g.grantors))
    FROM pg_default_acl d
    LEFT JOIN nsp n ON n.oid = d.defaclnamespace
    LEFT JOIN acl a ON a.classid = 'pg_default_acl'::regclass AND a.objid = d.oid
    LEFT JOIN grantor g ON g.classid = 'pg_default_acl'::regclass AND g.objid = d.oid
    WHERE n.oid IS NOT NULL OR d.defaclnamespace = 0 AND (SELECT s.schemas FROM setting s) IS NULL
