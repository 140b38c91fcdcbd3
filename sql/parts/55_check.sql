-- Preflight: what could stop or hurt the steps of a plan
CREATE FUNCTION sg_plan_check_details(
    plan   text,
    steps  schemaguard.steps DEFAULT NULL,
    verify text DEFAULT 'sample',
    OUT step       int,
    OUT fk_name    name,
    OUT check_name text,
    OUT result     text,
    OUT detail     text,
    OUT hint       text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_check_rows';
COMMENT ON FUNCTION sg_plan_check_details(text, schemaguard.steps, text)
    IS 'all columns of sg_plan_check()';

-- Rules about the server, a query each: what it finds is a warning, with what mends it.  A row without text is one that the
-- caller may not see.  A rule that finds nothing passes.
CREATE FUNCTION schemaguard.sg_server_check(
    long_seconds float8 DEFAULT 60,
    OUT check_name text,
    OUT result     text,
    OUT detail     text,
    OUT hint       text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp SET row_security = on
AS $rules$
WITH rule (place, check_name) AS (VALUES
    (1, 'long_transactions'),
    (2, 'prepared_transactions'),
    (3, 'replication_slots'),
    (4, 'wraparound'),
    (5, 'event_triggers'),
    (6, 'publications'),
    (7, 'leftovers')),

-- state is null for what may not be seen, and for processes that have none
long_transactions AS (
    SELECT CASE WHEN query <> '<insufficient privilege>'
                THEN format('pid %s, role %s: in a transaction for %s s (%s)', pid, usename,
                            extract(epoch FROM clock_timestamp() - xact_start)::int8, state) END AS what,
           'Whoever has a lock is waited for, and an index is built only after all that began before. Let it end, or end it:' AS advice,
           format('SELECT pg_terminate_backend(%s);', pid) AS mend,
           row_number() OVER (ORDER BY xact_start, pid) AS place
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid()
      AND datname = current_database()
      AND (xact_start < clock_timestamp() - long_seconds * interval '1 second' AND state IS NOT NULL
           OR query = '<insufficient privilege>')),

prepared_transactions AS (
    SELECT format('%L of role %s, prepared %s s ago', gid, owner,
                  extract(epoch FROM clock_timestamp() - prepared)::int8) AS what,
           'Its locks stay until whoever prepared it says COMMIT PREPARED, or ROLLBACK PREPARED:' AS advice,
           format('SELECT * FROM pg_prepared_xacts WHERE gid = %L;', gid) AS mend,
           row_number() OVER (ORDER BY prepared, gid) AS place
    FROM pg_prepared_xacts
    WHERE database = current_database()
      AND prepared < clock_timestamp() - long_seconds * interval '1 second'),

-- on a standby, what it has received is what its slots are behind of; an inactive one that keeps 1 GB is worth a word
replication_slots AS (
    SELECT format('%s slot %I is %s and keeps %s of WAL%s', slot_type, slot_name,
                  CASE WHEN active THEN 'behind' ELSE 'not in use' END,
                  coalesce(pg_size_pretty(behind), 'an unknown amount'),
                  CASE wal_status WHEN 'lost' THEN ', some of which is gone'
                                  WHEN 'unreserved' THEN ', some of which is about to go' ELSE '' END) AS what,
           'Have it read on, or give it up:' AS advice,
           format('SELECT pg_drop_replication_slot(%L);', slot_name) AS mend,
           row_number() OVER (ORDER BY slot_name) AS place
    FROM pg_replication_slots,
         LATERAL (SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                              ELSE pg_current_wal_lsn() END, restart_lsn)::int8 AS behind) b
    WHERE NOT active
       OR behind > 1024 * 1024 * 1024
       OR wal_status IN ('unreserved', 'lost')),

-- at this age of the database vacuum does without everything else: the default of vacuum_failsafe_age
wraparound AS (
    SELECT format('database %I is %s transactions old, and vacuum puts everything else aside', datname, age(datfrozenxid)) AS what,
           'Have vacuum finish first:' AS advice,
           'VACUUM (FREEZE);' AS mend,
           1::int8 AS place
    FROM pg_database
    WHERE datname = current_database()
      AND age(datfrozenxid) > 1600000000),

event_triggers AS (
    SELECT format('%I on %s runs for every ALTER TABLE, and may refuse it', evtname, evtevent) AS what,
           'If it is in the way:' AS advice,
           format('ALTER EVENT TRIGGER %I DISABLE;', evtname) AS mend,
           row_number() OVER (ORDER BY evtname) AS place
    FROM pg_event_trigger e
    WHERE evtenabled IN ('O', 'A')
      AND evtevent IN ('ddl_command_start', 'ddl_command_end')
      AND (evttags IS NULL OR 'ALTER TABLE' = ANY (evttags))
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')),

publications AS (
    SELECT format('publication %s replicates tables or sequences of schema schemaguard', publication) AS what,
           'A subscriber that lacks them, or writes them itself, stops. Publish the others:' AS advice,
           statement AS mend,
           row_number() OVER () AS place
    FROM schemaguard.sg_own_publications()),

leftovers AS (
    SELECT summary AS what, NULL AS advice, next_call AS mend, row_number() OVER () AS place
    FROM schemaguard.sg_status_leftovers()
    WHERE state = 'attention'),

finding AS (
    SELECT 1 AS rule, * FROM long_transactions
    UNION ALL SELECT 2, * FROM prepared_transactions
    UNION ALL SELECT 3, * FROM replication_slots
    UNION ALL SELECT 4, * FROM wraparound
    UNION ALL SELECT 5, * FROM event_triggers
    UNION ALL SELECT 6, * FROM publications
    UNION ALL SELECT 7, * FROM leftovers),

outcome AS (
    SELECT rule, 1 AS place, 'warn' AS result, string_agg(what, '; ' ORDER BY place) AS detail,
           concat_ws(E'\n', min(advice), string_agg(DISTINCT mend, E'\n')) AS hint
    FROM finding WHERE what IS NOT NULL GROUP BY rule
    UNION ALL
    SELECT rule, 2, 'warn', format('%s %s of other roles could not be looked at', count(*),
                                   CASE count(*) WHEN 1 THEN 'session' ELSE 'sessions' END),
           format(E'To see them:\nGRANT pg_read_all_stats TO %I;', current_user)
    FROM finding WHERE what IS NULL GROUP BY rule)

SELECT r.check_name, coalesce(o.result, 'ok'), o.detail, o.hint
FROM rule r LEFT JOIN outcome o ON o.rule = r.place
ORDER BY r.place, o.place
$rules$;
COMMENT ON FUNCTION schemaguard.sg_server_check(float8)
    IS 'returns the queries of sg_plan_check()''s rules about the server; argument: seconds from which a transaction is long';

CREATE FUNCTION schemaguard.sg_unserved_keys(OUT oid oid, OUT columns text, OUT obstacle text) RETURNS SETOF record
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_unserved_keys';
COMMENT ON FUNCTION schemaguard.sg_unserved_keys()
    IS 'returns declared keys that no index of the referencing table serves, with the columns of one that would, or why none can';
