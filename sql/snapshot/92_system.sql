SELECT set_config('sg_snapshot.system', c.system_identifier || ' ' || CASE
        WHEN pg_is_in_recovery() THEN ' ' || coalesce(pg_last_wal_replay_lsn()::text, '')
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int || ' ' || pg_current_wal_lsn() END, true) AS system
FROM pg_control_system() c
