-- The snapshot statement ends: objects of the whole database, only where no schemas are asked for
    UNION ALL
    SELECT w.*
    FROM (
        SELECT 'extension', NULL::text, x.extname::text, NULL::text, NULL::text,
            jsonb_build_object('version', x.extversion, 'schema', n.nspname, 'owner', pg_get_userbyid(x.extowner))
        FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
        UNION ALL
        SELECT 'language', NULL::text, l.lanname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(l.lanowner), 'trusted', l.lanpltrusted,
                'handler', CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::regprocedure::text END,
                'inline', CASE WHEN l.laninline <> 0 THEN l.laninline::regprocedure::text END,
                'validator', CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::regprocedure::text END,
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension))
        FROM pg_language l
        LEFT JOIN ext e ON e.classid = 'pg_language'::regclass AND e.objid = l.oid
        LEFT JOIN com c ON c.classoid = 'pg_language'::regclass AND c.objoid = l.oid
        LEFT JOIN acl a ON a.classid = 'pg_language'::regclass AND a.objid = l.oid
        LEFT JOIN grantor g ON g.classid = 'pg_language'::regclass AND g.objid = l.oid
        WHERE l.lanispl
        UNION ALL
        SELECT 'cast', NULL::text, NULL::text, '(' || format_type(x.castsource, NULL) || ' AS '
            || format_type(x.casttarget, NULL) || ')', NULL::text,
            jsonb_strip_nulls(jsonb_build_object('method', CASE x.castmethod WHEN 'f' THEN 'function'
                WHEN 'i' THEN 'inout' ELSE 'binary' END,
                'context', CASE x.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END,
                'function', CASE WHEN x.castfunc <> 0 THEN x.castfunc::regprocedure::text END,
                'comment', c.description, 'extension', e.extension))
        FROM pg_cast x
        LEFT JOIN ext e ON e.classid = 'pg_cast'::regclass AND e.objid = x.oid
        LEFT JOIN com c ON c.classoid = 'pg_cast'::regclass AND c.objoid = x.oid
        LEFT JOIN internal i ON i.classid = 'pg_cast'::regclass AND i.objid = x.oid
        WHERE x.oid >= 16384 AND i.objid IS NULL
        UNION ALL
        SELECT 'transform', NULL::text, NULL::text, 'for ' || format_type(t.trftype, NULL) || ' on language '
            || quote_ident(l.lanname), NULL::text,
            jsonb_strip_nulls(jsonb_build_object(
                'from_sql', CASE WHEN t.trffromsql::oid <> 0 THEN t.trffromsql::oid::regprocedure::text END,
                'to_sql', CASE WHEN t.trftosql::oid <> 0 THEN t.trftosql::oid::regprocedure::text END,
                'comment', c.description, 'extension', e.extension))
        FROM pg_transform t
        JOIN pg_language l ON l.oid = t.trflang
        LEFT JOIN ext e ON e.classid = 'pg_transform'::regclass AND e.objid = t.oid
        LEFT JOIN com c ON c.classoid = 'pg_transform'::regclass AND c.objoid = t.oid
        UNION ALL
        SELECT 'access method', NULL::text, m.amname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('type', CASE m.amtype WHEN 't' THEN 'table' ELSE 'index' END,
                'handler', m.amhandler::text, 'comment', c.description, 'extension', e.extension))
        FROM pg_am m
        LEFT JOIN ext e ON e.classid = 'pg_am'::regclass AND e.objid = m.oid
        LEFT JOIN com c ON c.classoid = 'pg_am'::regclass AND c.objoid = m.oid
        WHERE m.oid >= 16384
        UNION ALL
        SELECT 'event trigger', NULL::text, t.evtname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(t.evtowner), 'event', t.evtevent, 'function',
                t.evtfoid::regprocedure::text,
                'tags', to_jsonb(CASE WHEN t.evttags IS NOT NULL
                    THEN ARRAY(SELECT o FROM unnest(t.evttags) o ORDER BY o COLLATE "C") END),
                'enabled', CASE t.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
                    WHEN 'R' THEN 'replica' ELSE 'always' END,
                'comment', c.description, 'extension', e.extension))
        FROM pg_event_trigger t
        LEFT JOIN ext e ON e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid
        LEFT JOIN com c ON c.classoid = 'pg_event_trigger'::regclass AND c.objoid = t.oid
        UNION ALL
        SELECT 'publication', NULL::text, p.pubname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(p.pubowner), 'all_tables', p.puballtables,
                'all_sequences', CASE WHEN p.puballsequences THEN true END,
                'publish', to_jsonb(array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END,
                    CASE WHEN p.pubupdate THEN 'update' END,
                    CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL)),
                'via_root', CASE WHEN p.pubviaroot THEN true END,
                'generated_columns', CASE p.pubgencols::text WHEN 's' THEN 'stored' END,
                'tables', t.tables, 'except', t.excepted,
                'table_columns', t.columns, 'table_filters', t.filters, 'schemas', s.schemas,
                'comment', c.description, 'extension', e.extension,
                'unknown', replace(t.trouble, 'its table is', 'one of its tables is')))
        FROM (SELECT p.* FROM (VALUES (false, NULL::text, false)) d (pubviaroot, pubgencols, puballsequences),
                  LATERAL (SELECT p.oid, p.pubname, p.pubowner, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
                      p.pubtruncate,
                          pubviaroot, pubgencols, puballsequences FROM pg_publication p OFFSET 0) p) p
        LEFT JOIN (SELECT r.prpubid,
                       jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE NOT r.excepted) AS tables,
                       jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE r.excepted) AS excepted,
                       jsonb_object_agg(r.identity, r.columns) FILTER (WHERE r.columns IS NOT NULL) AS columns,
                       jsonb_object_agg(r.identity, r.filter) FILTER (WHERE r.filter IS NOT NULL) AS filters,
                           min(r.trouble) AS trouble
                   FROM published r GROUP BY r.prpubid) t ON t.prpubid = p.oid
        LEFT JOIN (SELECT d.refobjid, jsonb_agg(n.nspname ORDER BY n.nspname) AS schemas
                   FROM pg_depend d
                   JOIN pg_depend o ON o.classid = d.classid AND o.objid = d.objid
                       AND o.refclassid = 'pg_namespace'::regclass
                   JOIN pg_namespace n ON n.oid = o.refobjid
                   WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace')
                       AND d.refclassid = 'pg_publication'::regclass
                   GROUP BY d.refobjid) s ON s.refobjid = p.oid
        LEFT JOIN ext e ON e.classid = 'pg_publication'::regclass AND e.objid = p.oid
        LEFT JOIN com c ON c.classoid = 'pg_publication'::regclass AND c.objoid = p.oid
        UNION ALL
        -- not its connection, and nothing that PUBLIC may not read in some of the majors
        SELECT 'subscription', NULL::text, s.subname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.subowner), 'enabled', s.subenabled, 'slot',
                s.subslotname,
                'publications', to_jsonb(ARRAY(SELECT o FROM unnest(s.subpublications) o ORDER BY o COLLATE "C")),
                'binary', CASE WHEN s.subbinary THEN true END, 'streaming',
                    CASE s.substream::text WHEN 't' THEN 'on' WHEN 'true' THEN 'on' WHEN 'p' THEN 'parallel' END,
                'two_phase', CASE WHEN s.subtwophasestate <> 'd' THEN true END, 'disable_on_error',
                    CASE WHEN s.subdisableonerr THEN true END,
                'origin', nullif(s.suborigin, 'any'), 'password_required',
                    CASE WHEN NOT s.subpasswordrequired THEN false END,
                'run_as_owner', CASE WHEN s.subrunasowner THEN true END,
                'failover', CASE WHEN s.subfailover THEN true END, 'server', f.srvname,
                'retain_dead_tuples', CASE WHEN s.subretaindeadtuples THEN true END,
                'max_retention', nullif(s.submaxretention, 0), 'receiver_timeout', nullif(s.subwalrcvtimeout, '-1'),
                'comment', c.description))
        FROM (SELECT s.* FROM (VALUES (false, NULL::text, 'd'::"char", false, NULL::text, true, false, false,
                          NULL::oid, false, 0, NULL::text))
                      d (subbinary, substream, subtwophasestate, subdisableonerr, suborigin, subpasswordrequired,
                          subrunasowner, subfailover, subserver, subretaindeadtuples, submaxretention,
                          subwalrcvtimeout),
                  LATERAL (SELECT s.subname, s.subowner, s.subenabled, s.subslotname, s.subpublications, subbinary,
                      substream,
                          subtwophasestate, subdisableonerr, suborigin, subpasswordrequired, subrunasowner, subfailover,
                          subserver, subretaindeadtuples, submaxretention, subwalrcvtimeout
                      FROM pg_subscription s
                      WHERE s.subdbid = (SELECT b.oid FROM pg_database b
                          WHERE b.datname = current_database()) OFFSET 0) s) s
        LEFT JOIN (SELECT DISTINCT w.subname, c.description FROM pg_stat_subscription w
                   JOIN pg_description c ON c.classoid = 'pg_subscription'::regclass
                       AND c.objoid = w.subid) c ON c.subname = s.subname
        LEFT JOIN pg_foreign_server f ON f.oid = s.subserver
        UNION ALL
        SELECT 'foreign data wrapper', NULL::text, w.fdwname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(w.fdwowner),
                'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regprocedure::text END,
                'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regprocedure::text END,
                'options', to_jsonb(CASE WHEN w.fdwoptions IS NOT NULL THEN ARRAY(
                    SELECT CASE WHEN split_part(o, '=', 1) ~* 'pass|pwd|secret|token|credential|key'
                        THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                    FROM unnest(w.fdwoptions) o ORDER BY 1) END),
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension))
        FROM pg_foreign_data_wrapper w
        LEFT JOIN ext e ON e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = w.oid
        LEFT JOIN com c ON c.classoid = 'pg_foreign_data_wrapper'::regclass AND c.objoid = w.oid
        LEFT JOIN acl a ON a.classid = 'pg_foreign_data_wrapper'::regclass AND a.objid = w.oid
        LEFT JOIN grantor g ON g.classid = 'pg_foreign_data_wrapper'::regclass AND g.objid = w.oid
        UNION ALL
        SELECT 'foreign server', NULL::text, s.srvname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.srvowner), 'wrapper', w.fdwname, 'type',
                s.srvtype, 'version', s.srvversion,
                'options', to_jsonb(CASE WHEN s.srvoptions IS NOT NULL THEN ARRAY(
                    SELECT CASE WHEN split_part(o, '=', 1) ~* 'pass|pwd|secret|token|credential|key'
                        THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                    FROM unnest(s.srvoptions) o ORDER BY 1) END),
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension))
        FROM pg_foreign_server s
        JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
        LEFT JOIN ext e ON e.classid = 'pg_foreign_server'::regclass AND e.objid = s.oid
        LEFT JOIN com c ON c.classoid = 'pg_foreign_server'::regclass AND c.objoid = s.oid
        LEFT JOIN acl a ON a.classid = 'pg_foreign_server'::regclass AND a.objid = s.oid
        LEFT JOIN grantor g ON g.classid = 'pg_foreign_server'::regclass AND g.objid = s.oid
        UNION ALL
        -- that there is one; its options are for the eyes of few
        SELECT 'user mapping',
            CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname
            || '"' ELSE quote_ident(m.srvname) END, CASE WHEN m.umuser <> 0 THEN m.usename::text END,
            CASE WHEN m.umuser = 0 THEN 'PUBLIC' END,
            CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname || '"'
                ELSE quote_ident(m.srvname) END, '{}'::jsonb
        FROM pg_user_mappings m
    ) w
    WHERE (SELECT s.schemas FROM setting s) IS NULL
) o (kind, prefix, name, suffix, parent, properties)
-- an identity is made once, though it is needed twice
OFFSET 0
) x
-- one key is compared faster than two; no kind has a character below a blank
ORDER BY (x.kind || chr(1) || x.identity) COLLATE "C"
$statement$
$function$;
COMMENT ON FUNCTION schemaguard.sg_snapshot_statement()
    IS 'the text that a live snapshot runs, here, on another server, or in psql';
