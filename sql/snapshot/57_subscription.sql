-- not its connection, and nothing that PUBLIC may not read in some of the majors
SELECT 'subscription', NULL::text, s.subname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.subowner)), 'enabled', s.subenabled, 'slot',
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
        'comment', c.description)),
    -- nor its number, in the catalog
    'pg_subscription'::regclass, NULL::oid, 0
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
