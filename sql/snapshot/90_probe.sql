DO LANGUAGE plpgsql $do$
DECLARE
    unprintable jsonb := '{}';
    patience    text := current_setting('lock_timeout');
    until       timestamptz := clock_timestamp() + interval '20 s';
    o           record;
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR o IN
        WITH space AS (
            SELECT n.oid
            FROM pg_namespace n
            WHERE left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
                AND coalesce(n.nspname = ANY (nullif(current_setting('sg_snapshot.schemas', true), '')::name[]), true)
        ), held AS (
            SELECT DISTINCT l.relation AS oid
            FROM pg_locks l
            WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
                AND l.database = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
        ), waiting AS (
            SELECT d.classid, d.objid
            FROM pg_depend d JOIN held h ON h.oid = d.refobjid
            WHERE d.refclassid = 'pg_class'::regclass AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
        ), rel AS (
            SELECT c.oid, c.relkind, c.relpartbound
            FROM pg_class c JOIN space s ON s.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT EXISTS (SELECT FROM held h WHERE h.oid = c.oid)
        )
        SELECT 'relation' AS catalog, r.oid AS objid, 'tree' AS what, r.oid, NULL::smallint AS n, x.tree
        FROM rel r JOIN (
            SELECT f.adrelid, f.adbin FROM pg_attrdef f
            UNION ALL SELECT c.conrelid, c.conbin FROM pg_constraint c WHERE c.contype = 'c'
            UNION ALL SELECT i.indrelid, i.indpred FROM pg_index i WHERE i.indpred IS NOT NULL
            UNION ALL SELECT p.polrelid, p.polqual FROM pg_policy p WHERE p.polqual IS NOT NULL
            UNION ALL SELECT p.polrelid, p.polwithcheck FROM pg_policy p WHERE p.polwithcheck IS NOT NULL
            UNION ALL SELECT r.oid, r.relpartbound FROM rel r WHERE r.relpartbound IS NOT NULL) x (oid, tree)
            ON x.oid = r.oid
        UNION ALL
        SELECT 'relation', r.oid, x.what, x.oid, x.n, NULL
        FROM rel r JOIN (
            SELECT e.ev_class, CASE WHEN e.rulename = '_RETURN' THEN 'view' ELSE 'rule' END,
                CASE WHEN e.rulename = '_RETURN' THEN e.ev_class ELSE e.oid END, NULL::smallint
            FROM pg_rewrite e
            WHERE NOT EXISTS (SELECT FROM waiting w WHERE w.classid = 'pg_rewrite'::regclass AND w.objid = e.oid)
            UNION ALL
            SELECT i.indrelid, 'index', i.indexrelid, k.n
            FROM pg_index i, generate_series(1, i.indnkeyatts) k (n) WHERE i.indkey[k.n - 1] = 0
            UNION ALL SELECT t.tgrelid, 'trigger', t.oid, NULL FROM pg_trigger t WHERE t.tgqual IS NOT NULL
            UNION ALL SELECT s.stxrelid, 'statistics', s.oid, NULL FROM pg_statistic_ext s
            UNION ALL SELECT p.partrelid, 'partition key', p.partrelid, NULL FROM pg_partitioned_table p
                WHERE p.partexprs IS NOT NULL) x (relation, what, oid, n) ON x.relation = r.oid
        UNION ALL
        SELECT 'type', t.oid, 'tree', 0, NULL, x.tree
        FROM pg_type t JOIN space s ON s.oid = t.typnamespace JOIN (
            SELECT t.oid, t.typdefaultbin FROM pg_type t WHERE t.typdefaultbin IS NOT NULL
            UNION ALL SELECT c.contypid, c.conbin FROM pg_constraint c WHERE c.conbin IS NOT NULL) x (oid, tree)
            ON x.oid = t.oid
        WHERE t.typtype = 'd'
        UNION ALL
        -- the body of an SQL-standard function is in no column that every major has, but its text is empty
        SELECT 'function', p.oid, CASE WHEN p.prosrc = '' AND p.prokind <> 'a' THEN 'function' ELSE 'arguments' END,
            p.oid, NULL, NULL
        FROM pg_proc p JOIN space s ON s.oid = p.pronamespace
        WHERE (p.prosrc = '' AND p.prokind <> 'a' OR p.proargdefaults IS NOT NULL)
            AND NOT EXISTS (SELECT FROM waiting w WHERE w.classid = 'pg_proc'::regclass AND w.objid = p.oid)
    LOOP
        EXIT WHEN clock_timestamp() > until;
        BEGIN
            PERFORM CASE o.what
                WHEN 'tree' THEN pg_get_expr(o.tree, o.oid)
                WHEN 'view' THEN pg_get_viewdef(o.oid)
                WHEN 'rule' THEN pg_get_ruledef(o.oid)
                WHEN 'index' THEN pg_get_indexdef(o.oid, o.n, false)
                WHEN 'trigger' THEN pg_get_triggerdef(o.oid)
                WHEN 'statistics' THEN pg_get_statisticsobjdef(o.oid)
                WHEN 'partition key' THEN pg_get_partkeydef(o.oid)
                WHEN 'function' THEN pg_get_functiondef(o.oid)
                ELSE pg_get_function_arguments(o.oid) END;
        EXCEPTION
            WHEN lock_not_available THEN
                unprintable := unprintable || jsonb_build_object(o.catalog || ' ' || o.objid,
                    'its table is locked by another session');
            WHEN OTHERS THEN
                unprintable := unprintable || jsonb_build_object(o.catalog || ' ' || o.objid,
                    'cannot be printed: ' || SQLERRM);
        END;
    END LOOP;
    PERFORM set_config('sg_snapshot.unprintable', unprintable::text, true), set_config('lock_timeout', patience, true);
END
$do$;
