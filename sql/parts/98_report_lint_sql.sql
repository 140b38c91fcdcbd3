-- Lint of a script before it runs, against this database: what its statements do (script_facts.c), to which tables, and the rules.

CREATE TYPE schemaguard.script_fact AS (
    file      int,                              -- of the scripts, from 1
    statement int,                              -- in it, from 1
    line      int,
    last_line int,
    unit      int,                              -- transaction, of all scripts
    command   text,
    relation  text,
    name      text,                             -- of a part of it
    other     text,                             -- a second table, a new name or type, or the message of an error
    lock      text,
    flags     text[],
    sql       text,
    relid     oid,                              -- null: not here, or made by the script
    object    text);
COMMENT ON TYPE schemaguard.script_fact IS 'effect of a statement of a script, for sg_lint_sql()';

CREATE FUNCTION schemaguard.sg_script_facts(
    scripts        text[],
    in_transaction boolean,
    OUT file      int,
    OUT statement int,
    OUT line      int,
    OUT last_line int,
    OUT unit      int,
    OUT command   text,
    OUT relation  text,
    OUT name      text,
    OUT other     text,
    OUT lock      text,
    OUT flags     text[],
    OUT sql       text,
    OUT relid     oid)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_script_facts';
COMMENT ON FUNCTION schemaguard.sg_script_facts(text[], boolean)
    IS 'returns the effects of consecutive scripts'' statements on tables, and the locks that they take';

-- A restart keeps statistics. The recovery after a crash throws all away, and leaves stats_reset of the database null, but that of what
-- belongs to the server is the recovery's time; somebody's reset of one of these alone changes it alone.
CREATE FUNCTION schemaguard.sg_stats_since() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN (SELECT greatest(d.stats_reset, least(a.stats_reset, b.stats_reset, w.stats_reset))
        FROM pg_stat_database d, pg_stat_archiver a, pg_stat_bgwriter b, pg_stat_wal w WHERE d.datname = current_database());
COMMENT ON FUNCTION schemaguard.sg_stats_since()
    IS 'returns the time from which on statistics of this database count: their reset, or the recovery after the last crash';

-- By the statistics: nobody's lock is waited for, as by pg_partition_tree().  heirs: a statement comes to tables that inherit, too.
CREATE FUNCTION schemaguard.sg_lint_weight(relid oid, heirs boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
    WITH RECURSIVE tree (relid) AS (
        SELECT sg_lint_weight.relid
        UNION SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relid
        JOIN pg_class c ON c.oid = i.inhrelid AND (c.relispartition OR sg_lint_weight.heirs)),
    part AS (
        SELECT c.relpages, c.reltuples, s.n_tup_ins + s.n_tup_upd + s.n_tup_del AS writes, c.relispartition,
               c.oid = sg_lint_weight.relid AS top, format('%I.%I', n.nspname, c.relname) AS name,
               row_number() OVER (ORDER BY c.oid = sg_lint_weight.relid, n.nspname, c.relname) AS place
        FROM tree p JOIN pg_class c ON c.oid = p.relid AND c.relkind <> 'p' JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid)
    SELECT CASE WHEN min(reltuples) < 0 THEN 'size not known, never analysed'
                ELSE format('%s, about %s rows', pg_size_pretty(sum(relpages)::bigint * current_setting('block_size')::bigint),
                            to_char(sum(reltuples), 'FM999,999,999,999,990')) END
        || CASE WHEN sum(relpages) > 12800 THEN format(', %s s to read at 100 MB a second', round(sum(relpages) / 12800.0)) ELSE '' END
        || coalesce(', ' || nullif(round(sum(writes) * 60 / (SELECT greatest(extract(epoch FROM now() - s.since), 60)
                                                             FROM schemaguard.sg_stats_since() s (since) WHERE s.since IS NOT NULL)), 0)
                    || ' writes a minute', '')
        || (SELECT coalesce(', with ' || CASE WHEN bool_or(b.relispartition) THEN 'partitions ' ELSE '' END
                       || string_agg(b.name, ', ' ORDER BY b.place) FILTER (WHERE b.place <= 5)
                       || CASE WHEN count(*) > 5 THEN format(' and %s more', count(*) - 5) ELSE '' END
                       || CASE WHEN bool_or(b.relispartition) THEN '' WHEN count(*) = 1 THEN ', which inherits from it'
                               ELSE ', which inherit from it' END, '')
            FROM part b WHERE NOT b.top)
    FROM part;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_weight(oid, boolean)
    IS 'returns the size and load of a table and of the tables below it, by the statistics';

-- The facts of the last script; what earlier ones make is not here yet.  With what is no relation, and goes by CASCADE, go columns,
-- defaults, constraints and triggers of tables, and views: these are locked, too.
CREATE FUNCTION schemaguard.sg_lint_sql_facts(script text, after text[], in_transaction boolean) RETURNS SETOF schemaguard.script_fact
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH RECURSIVE f AS MATERIALIZED (
        SELECT s.*, row_number() OVER () AS number
        FROM schemaguard.sg_script_facts(coalesce(after, '{}') || script, in_transaction) s
        WHERE s.file = cardinality(coalesce(after, '{}')) + 1),
    undo AS MATERIALIZED (
        SELECT f.statement, f.other::int AS since FROM f WHERE f.command = 'undo'),
    gone (number, classid, objid, objsubid) AS (
        SELECT f.number, r.classid, r.objid, 0
        FROM f CROSS JOIN LATERAL (VALUES
            ('pg_type'::regclass::oid, CASE f.command WHEN 'drop type' THEN to_regtype(f.name)::oid END),
            ('pg_proc'::regclass, CASE f.command WHEN 'drop function' THEN to_regproc(f.name)::oid END),
            ('pg_class'::regclass, CASE f.command WHEN 'drop sequence' THEN to_regclass(f.name)::oid END),
            ('pg_namespace'::regclass, CASE f.command WHEN 'drop schema' THEN to_regnamespace(f.name)::oid END)) r (classid, objid)
        WHERE r.objid IS NOT NULL AND 'cascade' = ANY (f.flags)
        UNION SELECT g.number, d.classid, d.objid, d.objsubid
        FROM gone g JOIN pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid AND g.objsubid IN (0, d.refobjsubid)),
    along AS (
        SELECT DISTINCT g.number, c.oid, format('%I.%I', n.nspname, c.relname) AS name
        FROM gone g
             LEFT JOIN pg_attrdef a ON g.classid = 'pg_attrdef'::regclass AND a.oid = g.objid
             LEFT JOIN pg_trigger t ON g.classid = 'pg_trigger'::regclass AND t.oid = g.objid
             LEFT JOIN pg_constraint k ON g.classid = 'pg_constraint'::regclass AND k.oid = g.objid
             LEFT JOIN pg_rewrite e ON g.classid = 'pg_rewrite'::regclass AND e.oid = g.objid
             LEFT JOIN pg_index i ON g.classid = 'pg_class'::regclass AND i.indexrelid = g.objid
             JOIN pg_class c ON c.oid IN (coalesce(a.adrelid, t.tgrelid, k.conrelid, e.ev_class, i.indrelid,
                                                   CASE g.classid WHEN 'pg_class'::regclass THEN g.objid END), k.confrelid)
                 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
             JOIN pg_namespace n ON n.oid = c.relnamespace)
    SELECT f.file, f.statement, f.line, f.last_line, f.unit, f.command, f.relation, f.name, f.other, f.lock,
           f.flags || ARRAY(SELECT 'undone ' || u.statement FROM undo u WHERE f.statement BETWEEN u.since + 1 AND u.statement - 1),
           f.sql, f.relid,
           CASE WHEN f.relation IS NULL OR f.command = 'drop index' THEN coalesce(f.name, '')
                WHEN f.command = 'create index' THEN f.relation
                ELSE f.relation || coalesce('.' || quote_ident(f.name), '') END
    FROM f
    UNION ALL
    SELECT f.file, f.statement, f.line, f.last_line, f.unit, 'also', a.name, NULL, NULL, 'AccessExclusiveLock', f.flags, f.sql, a.oid,
           a.name
    FROM f JOIN along a USING (number);
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_facts(text, text[], boolean) IS 'returns the effects of a script on objects of this database';

-- Where the script has rolled it back before the other
CREATE FUNCTION schemaguard.sg_lint_sql_undone(fact schemaguard.script_fact, later schemaguard.script_fact) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM unnest(fact.flags) w
                   WHERE CASE WHEN w ~ '^undone [0-9]+$' THEN substr(w, 8)::int < later.statement END);
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_undone(schemaguard.script_fact, schemaguard.script_fact)
    IS 'tells whether an effect of a script no longer counts for a later statement, because of a ROLLBACK between them';

-- A step that does the same without blocking anybody
CREATE FUNCTION schemaguard.sg_lint_step(statement text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN statement IS NOT NULL THEN
    format('SELECT %s.sg_plan_add(schemaguard.sg_lint_plan(), %L);', schemaguard.sg_schema(), statement) END;
COMMENT ON FUNCTION schemaguard.sg_lint_step(text) IS 'returns the call that makes a statement a step of the plan for fixes';

-- By a CHECK that is valid, or that the script validates before, and that is still there, or by a SET NOT NULL of the script: then SET
-- NOT NULL reads no row
CREATE FUNCTION schemaguard.sg_lint_sql_checked(fact schemaguard.script_fact, facts schemaguard.script_fact[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH f AS MATERIALIZED (
        SELECT u.* FROM unnest(facts) u
        WHERE u.relation = fact.relation AND u.statement <= fact.statement AND NOT schemaguard.sg_lint_sql_undone(u, fact)),
    v AS (
        SELECT f.* FROM f WHERE f.statement < fact.statement
           AND NOT EXISTS (SELECT FROM f d WHERE d.command = 'drop column' AND d.name = fact.name AND d.statement >= f.statement))
    SELECT EXISTS (SELECT FROM v WHERE v.command = 'set not null' AND v.name = fact.name)
        OR EXISTS (SELECT FROM pg_constraint c
                   WHERE c.conrelid = fact.relid AND c.contype = 'c' AND NOT 'without ' || c.conname = ANY (fact.flags)
                     AND pg_get_constraintdef(c.oid) ^@ ('CHECK ((' || quote_ident(coalesce(
                         (SELECT substr(w, 5) FROM unnest(fact.flags) w WHERE w LIKE 'was %'), fact.name)) || ' IS NOT NULL))')
                     AND (c.convalidated OR EXISTS (SELECT FROM v WHERE v.command = 'validate constraint' AND v.name = c.conname)))
        OR EXISTS (SELECT FROM v JOIN f a ON a.name = v.name
                   WHERE v.command = 'validate constraint' AND a.command = 'add constraint' AND 'check' = ANY (a.flags)
                     AND a.statement < v.statement
                     AND a.sql ~* (E'CHECK\\s*[(]\\s*"?' || regexp_replace(fact.name, E'(\\W)', E'\\\\\\1', 'g')
                                   || E'"?\\s+IS\\s+NOT\\s+NULL\\s*[)]')
                     AND NOT EXISTS (SELECT FROM f d WHERE d.command = 'drop constraint' AND d.name = a.name
                                        AND d.statement >= v.statement));
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_checked(schemaguard.script_fact, schemaguard.script_fact[])
    IS 'tells whether a CHECK, valid by then, proves that the column of a script''s SET NOT NULL has no nulls';

-- Rules about what holds up whom: of tables that are here, since nobody waits for a new one
CREATE FUNCTION schemaguard.sg_lint_sql_locks(
    facts schemaguard.script_fact[],
    OUT fact schemaguard.script_fact,
    OUT rule text,
    OUT more text,
    OUT safe text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT f::schemaguard.script_fact, r.rule, r.more, r.safe
    FROM unnest(facts) f CROSS JOIN LATERAL (VALUES
        ('require-concurrent-index-creation', f.command = 'create index' AND NOT 'concurrently' = ANY (f.flags)
             AND 'builds' = ANY (f.flags), NULL, schemaguard.sg_lint_step(f.sql)),
        ('require-concurrent-index-deletion', f.command = 'drop index' AND NOT 'concurrently' = ANY (f.flags), NULL,
         schemaguard.sg_lint_step('DROP INDEX ' || f.name)),
        ('adding-foreign-key-constraint', f.command = 'add constraint' AND 'foreign key' = ANY (f.flags) AND NOT 'not valid' = ANY (f.flags)
             OR f.command = 'add column' AND 'foreign key' = ANY (f.flags) OR f.command = 'enforce constraint' AND 'checks' = ANY (f.flags),
         f.other,
         CASE WHEN f.command = 'add constraint' THEN schemaguard.sg_lint_step(f.sql) END),
        ('constraint-missing-not-valid', f.command IN ('add constraint', 'add column') AND 'check' = ANY (f.flags)
             AND NOT 'not valid' = ANY (f.flags), NULL,
         CASE WHEN NOT 'clauses' = ANY (f.flags) THEN schemaguard.sg_lint_step(f.sql) END),
        ('disallowed-unique-constraint', f.command = 'add constraint' AND f.flags && '{unique,"primary key"}'
             AND NOT 'using index' = ANY (f.flags), NULL,
         CASE WHEN NOT 'clauses' = ANY (f.flags) THEN schemaguard.sg_lint_step(f.sql) END),
        ('adding-exclusion-constraint', f.command = 'add constraint' AND 'exclude' = ANY (f.flags), NULL, NULL),
        ('adding-not-nullable-field', f.command = 'set not null' AND NOT schemaguard.sg_lint_sql_checked(f, facts), NULL,
         schemaguard.sg_lint_step(f.sql)),
        ('adding-required-field', f.command = 'add column' AND f.flags && '{not null,primary key}'
             AND NOT f.flags && '{default,generated,identity,serial}', NULL, NULL),
        ('adding-field-with-default', f.command = 'add column' AND 'computed' = ANY (f.flags), NULL, NULL),
        ('adding-unique-field', f.command = 'add column' AND f.flags && '{unique,"primary key"}', NULL, NULL),
        ('changing-column-type', f.command = 'alter type' AND f.flags && '{rewrites,"may rewrite"}', f.other,
         CASE WHEN f.command = 'alter type' AND NOT 'clauses' = ANY (f.flags) THEN schemaguard.sg_lint_step(f.sql) END),
        ('changing-type-reads-rows', f.command = 'alter type' AND f.flags && '{reads,builds}', f.other, NULL),
        ('changing-type-checks-keys', '{retyped,checks}' <@ f.flags, NULL, NULL),
        ('validating-under-lock', f.command = 'validate constraint' AND f.flags && '{reads,checks}', NULL, NULL),
        ('rewriting-under-lock', f.command IN ('rewrite table', 'move rows')
             OR f.command = 'set expression' AND 'rewrites' = ANY (f.flags), NULL, NULL),
        ('require-concurrent-reindex', f.command = 'reindex' AND NOT 'concurrently' = ANY (f.flags), NULL,
         CASE WHEN f.sql ~* E'^REINDEX\\s+(TABLE|INDEX)\\s+' THEN
             schemaguard.sg_lint_step(regexp_replace(f.sql, E'^REINDEX\\s+(TABLE|INDEX)\\s+', E'REINDEX \\1 CONCURRENTLY ', 'i')) END),
        ('require-concurrent-refresh', f.command = 'refresh' AND NOT 'concurrently' = ANY (f.flags), NULL, NULL),
        ('require-concurrent-detach', f.command = 'detach partition' AND NOT 'concurrently' = ANY (f.flags), f.other, NULL),
        ('attaching-reads-rows', f.command = 'attach partition' AND NOT 'other made' = ANY (f.flags), f.other, NULL),
        ('attaching-builds-indexes', '{attached,builds}' <@ f.flags, f.other, schemaguard.sg_lint_step(f.other)),
        ('attaching-checks-keys', '{attached,checks}' <@ f.flags, f.other, schemaguard.sg_lint_step(f.other)),
        ('reading-default-partition', 'default partition' = ANY (f.flags), NULL,
         schemaguard.sg_lint_step(f.other)),
        ('whole-table-write', f.command IN ('update', 'delete', 'merge') AND NOT 'where' = ANY (f.flags), NULL, NULL),
        ('locking-table', f.command = 'lock', f.lock, NULL))
        r (rule, found, more, safe)
    WHERE r.found AND f.relid IS NOT NULL;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_locks(schemaguard.script_fact[])
    IS 'returns findings of sg_lint_sql() about locks, reads and rewrites';

-- Rules about what goes, and what stops working
CREATE FUNCTION schemaguard.sg_lint_sql_loss(
    facts schemaguard.script_fact[],
    OUT fact schemaguard.script_fact,
    OUT rule text,
    OUT more text,
    OUT safe text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH f AS MATERIALIZED (
        SELECT u AS fact, (u).* FROM unnest(facts) u WHERE (u).relid IS NOT NULL),
    reached AS MATERIALIZED (
        SELECT * FROM f WHERE f.command IN ('drop table', 'drop view', 'rename table', 'rename view')
            OR f.command IN ('drop column', 'rename column', 'alter type')
               AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = f.relid AND a.attname = f.name AND NOT a.attisdropped)),
    touched AS MATERIALIZED (
        -- by its name as it is now: a statement before may give it another
        SELECT r.fact, r.command, r.flags, r.statement, i.*
        FROM reached r JOIN pg_class c ON c.oid = r.relid JOIN pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL sg_impact_details(format('%I.%I', n.nspname, c.relname) || coalesce('.' || quote_ident(r.name), '')) i),
    -- what the script itself drops
    gone AS MATERIALIZED (
        SELECT f.fact, f.statement, format('%I.%I', n.nspname, c.relname)
               || CASE WHEN f.command IN ('drop constraint', 'drop part') THEN '.' || quote_ident(f.name) ELSE '' END AS object
        FROM f JOIN pg_class c ON c.oid = f.relid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE f.command IN ('drop table', 'drop view', 'drop constraint', 'drop part')
        UNION ALL
        SELECT t.fact, t.statement, t.dependent FROM touched t
        WHERE t.command LIKE 'drop %' AND (t.on_drop LIKE 'dropped along%' OR t.on_drop LIKE 'DROP fails%' AND 'cascade' = ANY (t.flags))),
    broken AS (
        SELECT t.fact, b.rule, string_agg(DISTINCT t.kind || ' ' || t.dependent, ', ') AS more
        FROM touched t CROSS JOIN LATERAL (VALUES
            ('drop-refused', t.command LIKE 'drop %' AND t.on_drop LIKE 'DROP fails%' AND NOT 'cascade' = ANY (t.flags)),
            ('drop-cascades', t.command LIKE 'drop %' AND t.on_drop LIKE 'DROP fails%' AND 'cascade' = ANY (t.flags)),
            ('breaks-code', t.command ~ '^(drop|rename) ' AND t.certainty = 'mentioned' AND t.depth = 1),
            ('type-change-refused', t.command = 'alter type' AND t.on_change LIKE 'ALTER COLUMN TYPE fails%')) b (rule, found)
        WHERE b.found AND NOT EXISTS (
            SELECT FROM gone g WHERE g.object = t.dependent
               AND (g.statement < t.statement AND NOT schemaguard.sg_lint_sql_undone(g.fact, t.fact)
                    OR g.statement = t.statement AND NOT b.rule = 'drop-cascades'))
        GROUP BY t.fact, b.rule)
    SELECT b.fact, b.rule, b.more, NULL FROM broken b
    UNION ALL
    SELECT f.fact, r.rule, r.more,
           -- a statement may drop several tables: a step each
           CASE WHEN r.by_step THEN
               schemaguard.sg_lint_step(CASE f.command WHEN 'drop table' THEN 'DROP TABLE ' || f.relation ELSE f.sql END) END
    FROM f CROSS JOIN LATERAL (VALUES
        ('ban-drop-column', f.command = 'drop column', NULL, NOT 'cascade' = ANY (f.flags)),
        ('ban-drop-table', f.command = 'drop table', NULL, NOT 'cascade' = ANY (f.flags)),
        -- other statements do not read all facts for it
        ('ban-truncate-cascade', f.command = 'truncate' AND 'cascade' = ANY (f.flags), CASE WHEN f.command = 'truncate' THEN coalesce(
            (SELECT string_agg(u.relation, ', ') FROM unnest(facts) u
             WHERE u.command = 'also' AND (u.file, u.statement) = (f.file, f.statement)), 'none as things are now') END, false),
        ('truncating', f.command = 'truncate' AND NOT 'cascade' = ANY (f.flags), NULL, false),
        ('ban-drop-not-null', f.command = 'drop not null', NULL, false),
        ('renaming-table', f.command = 'rename table', f.other, true),
        ('renaming-column', f.command = 'rename column', f.other, true),
        ('casting-needs-using', f.command = 'alter type' AND 'no cast' = ANY (f.flags), f.other, false))
        r (rule, found, more, by_step)
    WHERE r.found;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_loss(schemaguard.script_fact[])
    IS 'returns findings of sg_lint_sql() about lost data and broken applications';

CREATE FUNCTION schemaguard.sg_lint_sql_part(classid oid, objid oid, objsubid int, OUT relid oid, OUT name name) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT k.conrelid, k.conname FROM pg_constraint k WHERE classid = 'pg_constraint'::regclass AND k.oid = objid
    UNION ALL SELECT k.conrelid, a.attname
    FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
    WHERE classid = 'pg_constraint'::regclass AND k.oid = objid
    UNION ALL SELECT t.tgrelid, t.tgname FROM pg_trigger t WHERE classid = 'pg_trigger'::regclass AND t.oid = objid
    UNION ALL SELECT p.polrelid, p.polname FROM pg_policy p WHERE classid = 'pg_policy'::regclass AND p.oid = objid
    UNION ALL SELECT e.ev_class, e.rulename FROM pg_rewrite e WHERE classid = 'pg_rewrite'::regclass AND e.oid = objid
    UNION ALL
    SELECT a.attrelid, a.attname
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE classid = 'pg_attrdef'::regclass AND d.oid = objid
       OR classid = 'pg_class'::regclass AND a.attrelid = objid AND a.attnum = objsubid;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_part(oid, oid, int)
    IS 'returns the table and the name of an object of pg_depend that is a part of a table, such as a trigger or a column';

-- Rules about drops of what is no relation, with what is in it or depends on it, and about rows that go unnamed
CREATE FUNCTION schemaguard.sg_lint_sql_drops(facts schemaguard.script_fact[],
    OUT fact schemaguard.script_fact, OUT rule text, OUT more text, OUT safe text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH f AS MATERIALIZED (
        SELECT u AS fact, (u).*, 'cascade' = ANY ((u).flags) AS cascades, row_number() OVER () AS number
        FROM unnest(facts) u),
    dropped AS MATERIALIZED (
        SELECT f.* FROM f WHERE f.command IN ('drop table', 'drop view')),
    held AS (
        SELECT f.number, nullif(concat_ws('; ',
                   'tables: ' || nullif(count(c.oid) FILTER (WHERE c.relkind IN ('r', 'p')), 0) || ', with about '
                       || to_char(coalesce(sum(c.reltuples) FILTER (WHERE c.relkind = 'r' AND c.reltuples > 0), 0),
                                  'FM999,999,999,999,990') || ' rows',
                   'other relations: ' || nullif(count(c.oid) FILTER (WHERE c.relkind NOT IN ('r', 'p', 'i', 'I', 't')), 0)), '') AS more
        FROM f JOIN pg_class c ON f.command = 'drop schema' AND c.relnamespace = to_regnamespace(f.name)::oid
             OR f.command = 'drop owned' AND c.relowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = f.name)
        WHERE NOT EXISTS (SELECT FROM dropped g WHERE g.relid = c.oid AND g.number < f.number
                             AND NOT schemaguard.sg_lint_sql_undone(g.fact, f.fact)) GROUP BY f.number),
    roots AS MATERIALIZED (
        SELECT f.number, f.fact, f.cascades, r.classid, r.objid
        FROM f CROSS JOIN LATERAL (
            SELECT 'pg_type'::regclass::oid, t.oid FROM pg_type b CROSS JOIN LATERAL (VALUES (b.oid), (nullif(b.typarray, 0))) t (oid)
            WHERE f.command = 'drop type' AND b.oid = to_regtype(f.name)::oid
            UNION ALL SELECT 'pg_proc'::regclass, to_regproc(f.name)::oid WHERE f.command = 'drop function'
            UNION ALL SELECT 'pg_class'::regclass, to_regclass(f.name)::oid WHERE f.command IN ('drop sequence', 'drop index')
            -- foreign keys need the index of a primary key or unique constraint
            UNION ALL SELECT c.classid, c.objid FROM pg_constraint k CROSS JOIN LATERAL (VALUES
                ('pg_constraint'::regclass::oid, k.oid),
                ('pg_class'::regclass, CASE WHEN k.contype IN ('p', 'u', 'x') THEN k.conindid END)) c (classid, objid)
            WHERE f.command = 'drop constraint' AND k.conrelid = f.relid AND k.conname = f.name
            UNION ALL SELECT e.classid, e.objid FROM pg_extension x JOIN pg_depend e
                ON e.refclassid = 'pg_extension'::regclass AND e.refobjid = x.oid AND e.deptype = 'e'
            WHERE f.command = 'drop extension' AND quote_ident(x.extname) = f.name) r (classid, objid)
        WHERE r.objid IS NOT NULL),
    needed AS (
        SELECT r.number, string_agg(DISTINCT regexp_replace(i.type || ' ' || i.identity, '^rule "_RETURN" on', 'view'), ', ') AS more
        FROM roots r JOIN pg_depend d ON d.refclassid = r.classid AND d.refobjid = r.objid AND d.deptype = 'n'
             CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i
        WHERE NOT EXISTS (SELECT FROM roots o WHERE o.number = r.number AND o.classid = d.classid AND o.objid = d.objid)
          AND NOT EXISTS (SELECT FROM pg_depend w JOIN roots o ON o.classid = w.refclassid AND o.objid = w.refobjid
                          WHERE o.number = r.number AND w.classid = d.classid AND w.objid = d.objid AND w.deptype IN ('a', 'i'))
          -- what the script itself has dropped, or made independent, before
          AND NOT EXISTS (SELECT FROM roots o
                          WHERE o.number < r.number AND NOT schemaguard.sg_lint_sql_undone(o.fact, r.fact) AND (o.classid, o.objid) IN (
                              (d.classid, d.objid), (CASE WHEN o.cascades THEN r.classid END, r.objid)))
          AND NOT EXISTS (SELECT FROM f g JOIN schemaguard.sg_lint_sql_part(d.classid, d.objid, d.objsubid) p ON p.relid = g.relid
                          WHERE g.number < r.number AND NOT schemaguard.sg_lint_sql_undone(g.fact, r.fact)
                            AND (g.command IN ('drop table', 'drop view') OR g.name = p.name
                                 AND g.command IN ('drop part', 'drop constraint', 'drop column', 'alter type', 'alter default')))
        GROUP BY r.number),
    stored AS (SELECT f.number, string_agg(c.oid::regclass || '.' || quote_ident(a.attname), ', ' ORDER BY c.oid, a.attnum) AS more
        FROM f JOIN pg_attribute a ON f.command = 'drop attribute' AND a.atttypid = to_regtype(f.name)::oid AND NOT a.attisdropped
             JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm')
        GROUP BY f.number),
    children AS (SELECT f.number, string_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
                   || CASE k.confdeltype WHEN 'c' THEN ' (deleted)' ELSE ' (set)' END, ', ') AS more
        FROM f JOIN pg_constraint k ON f.command = 'delete' AND k.confrelid = f.relid AND k.contype = 'f'
             AND k.confdeltype IN ('c', 'n', 'd') AND k.conparentid = 0
             JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        GROUP BY f.number)
    SELECT f.fact, r.rule, r.more, NULL
    FROM f LEFT JOIN held USING (number) LEFT JOIN needed USING (number) LEFT JOIN stored USING (number) LEFT JOIN children USING (number)
         CROSS JOIN LATERAL (VALUES
        ('ban-drop-schema', f.command = 'drop schema' AND f.cascades AND held.more IS NOT NULL, held.more),
        ('drop-refused', f.command = 'drop schema' AND NOT f.cascades AND held.more IS NOT NULL, 'it has ' || held.more),
        ('ban-drop-owned', f.command = 'drop owned',
         coalesce(held.more, CASE f.name WHEN 'CURRENT_USER' THEN 'not counted' ELSE 'nothing as things are now' END)),
        ('renaming-table', f.command = 'rename schema' AND to_regnamespace(quote_ident(f.name)) IS NOT NULL, f.other),
        ('ban-drop-extension', f.command = 'drop extension'
             AND EXISTS (SELECT FROM pg_extension x WHERE quote_ident(x.extname) = f.name), NULL),
        ('drop-refused', needed.more IS NOT NULL AND NOT f.cascades, needed.more || ' needs it'),
        ('drop-cascades', needed.more IS NOT NULL AND f.cascades, needed.more),
        ('drop-cascades', f.command = 'drop' AND f.cascades, 'whatever depends on it'),
        ('dropping-attribute', stored.more IS NOT NULL, stored.more),
        ('delete-reaches-further', children.more IS NOT NULL, children.more))
        r (rule, found, more)
    WHERE r.found;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_drops(schemaguard.script_fact[])
    IS 'returns findings of sg_lint_sql() about drops of non-relations, and about rows lost without being named';

CREATE FUNCTION schemaguard.sg_lint_refusal(statement text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_lint_refusal';
COMMENT ON FUNCTION schemaguard.sg_lint_refusal(text) IS 'returns the error by which the server would refuse a statement, or null';

-- Rules about names, types and single statements, wherever they are
CREATE FUNCTION schemaguard.sg_lint_sql_form(
    facts schemaguard.script_fact[],
    OUT fact schemaguard.script_fact,
    OUT rule text,
    OUT more text,
    OUT safe text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT f::schemaguard.script_fact, r.rule, r.more, NULL
    FROM unnest(facts) f
         CROSS JOIN LATERAL (SELECT (SELECT substr(w, 6) FROM unnest(f.flags) w WHERE w LIKE 'type %')) t (type)
         CROSS JOIN LATERAL (
             SELECT CASE WHEN f.command = 'create table' THEN
                        CASE WHEN 'is here' = ANY (f.flags) AND NOT 'touched' = ANY (f.flags) THEN f.relation || ' already exists' END
                    WHEN NOT 'touched' = ANY (f.flags)
                         AND f.command NOT IN ('also', 'column', 'constraint', 'aside', 'undo', 'error', 'psql')
                         AND (f.relation IS NULL OR f.relid IS NOT NULL) THEN schemaguard.sg_lint_refusal(f.sql) END) s (refusal)
         CROSS JOIN LATERAL (VALUES
        ('syntax-error', f.command = 'error', f.other),
        ('statement-refused', s.refusal IS NOT NULL, s.refusal),
        ('missing-object', f.relation IS NOT NULL AND f.relid IS NULL
             AND f.command NOT IN ('create table', 'create view', 'column', 'constraint')
             AND NOT f.flags && '{made,"if exists",temporary}' AND f.relation NOT LIKE 'pg_temp.%', f.relation),
        ('all-tables-under-lock', f.command = 'rewrite table' AND 'all tables' = ANY (f.flags), 'be read or written while it is rewritten'),
        ('all-tables-under-lock', f.command = 'reindex' AND 'all tables' = ANY (f.flags) AND NOT 'concurrently' = ANY (f.flags),
         'be written, nor begin to be read, while its indexes are built anew'),
        ('disabling-triggers', f.command = 'disable trigger' AND f.relid IS NOT NULL AND NOT f.flags && '{all,made}', NULL),
        ('ban-disable-trigger-all', f.command = 'disable trigger' AND f.relid IS NOT NULL AND NOT 'made' = ANY (f.flags)
             AND 'all' = ANY (f.flags), NULL),
        ('disabling-row-security', f.command = 'disable row security' AND f.relid IS NOT NULL AND NOT 'made' = ANY (f.flags), NULL),
        ('ban-replica-role', f.command IN ('set', 'set default') AND f.name = 'session_replication_role' AND lower(f.other) = 'replica',
         NULL),
        ('unread-code', f.command = 'run code', NULL),
        ('unread-commands', f.command = 'psql', NULL),
        ('ban-drop-database', f.command = 'drop database', NULL),
        ('ban-create-domain-with-constraint', f.command = 'create domain' AND f.flags && '{check,"not null"}', NULL),
        ('ban-alter-domain-with-add-constraint', f.command = 'alter domain' AND f.flags && '{check,"not null"}'
             AND NOT 'not valid' = ANY (f.flags), NULL),
        ('altering-domain-reads-tables', f.command = 'alter domain' AND 'reads' = ANY (f.flags)
             AND NOT f.flags && '{check,"not null"}', NULL),
        ('ban-char-field', t.type ~ '^(character|bpchar)([(]|$)', t.type),
        ('prefer-bigint-over-int', t.type IN ('integer', 'serial', 'serial4') AND f.flags && '{"primary key",identity}', t.type),
        ('prefer-bigint-over-smallint', t.type IN ('smallint', 'smallserial', 'serial2') AND f.flags && '{"primary key",identity}', t.type),
        ('prefer-identity', 'serial' = ANY (f.flags), NULL),
        ('prefer-text-field', t.type LIKE 'character varying(%', t.type),
        ('prefer-timestamptz', t.type ~ '^timestamp.* without time zone', NULL)) r (rule, found, more)
    WHERE r.found;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_form(schemaguard.script_fact[])
    IS 'returns findings of sg_lint_sql() about single statements, wherever they stand';

-- Rules about transactions: what is held until their end, and what can't be in one
CREATE FUNCTION schemaguard.sg_lint_sql_units(
    facts          schemaguard.script_fact[],
    in_transaction boolean,
    OUT fact schemaguard.script_fact,
    OUT rule text,
    OUT more text,
    OUT safe text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH f AS MATERIALIZED (
        SELECT u AS fact, (u).*, (u).lock = ANY ('{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}')
                   AND (u).relid IS NOT NULL AS blocks,
               in_transaction OR count(*) FILTER (WHERE (u).command = 'begin') OVER (PARTITION BY (u).unit) > 0 AS together
        FROM unnest(facts) u),
    held AS (
        SELECT (array_agg(f.fact ORDER BY f.statement))[1] AS first, count(DISTINCT f.relation) AS tables,
               string_agg(DISTINCT f.relation, ', ') AS names, (array_agg(f.fact ORDER BY f.statement DESC))[1] AS last
        FROM f WHERE f.blocks AND f.together GROUP BY f.unit),
    untimed AS (
        SELECT f.fact FROM f WHERE f.blocks AND NOT 'timed' = ANY (f.flags) ORDER BY f.statement LIMIT 1)
    SELECT f.fact, r.rule, CASE f.command WHEN 'add value' THEN f.other END, NULL::text
    FROM f CROSS JOIN LATERAL (VALUES
        ('ban-concurrent-index-creation-in-transaction', 'concurrently' = ANY (f.flags) AND f.command <> 'refresh' AND f.together),
        ('refused-in-transaction', 'outside' = ANY (f.flags) AND NOT 'concurrently' = ANY (f.flags) AND f.together),
        ('using-enum-value-in-the-same-transaction', f.command = 'add value' AND NOT 'made' = ANY (f.flags) AND f.together AND EXISTS (
            SELECT FROM f a WHERE a.unit = f.unit AND a.statement > f.statement AND position(quote_literal(f.other) IN a.sql) > 0)),
        ('transaction-nesting', 'nested' = ANY (f.flags)),
        ('ban-uncommitted-transaction', f.command = 'open'),
        -- a constraint that is not here is one of the script, perhaps one that the server names
        ('validating-in-the-same-transaction', f.command = 'validate constraint' AND f.together AND EXISTS (
            SELECT FROM f a WHERE a.unit = f.unit AND a.relation = f.relation AND 'not valid' = ANY (a.flags)
               AND a.statement <= f.statement AND f.relid IS NOT NULL
               AND (a.name = f.name OR a.name IS NULL
                    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = f.relid AND c.conname = f.name)))),
        ('write-in-ddl-transaction', f.command IN ('update', 'delete', 'insert') AND f.relid IS NOT NULL AND f.together
            AND EXISTS (SELECT FROM f a WHERE a.unit = f.unit AND a.blocks AND a.statement < f.statement))) r (rule, found)
    WHERE r.found
    UNION ALL
    SELECT h.last, 'locks-held-together', h.names, NULL FROM held h WHERE h.tables > 1
    UNION ALL
    SELECT u.fact, 'require-timeout-settings', NULL, NULL FROM untimed u;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_units(schemaguard.script_fact[], boolean)
    IS 'returns findings of sg_lint_sql() about transactions';

-- Findings in order. A line `-- sg-ignore RULE, ...` above a statement or within it leaves these rules out, without a rule all.
CREATE FUNCTION schemaguard.sg_lint_sql_body(
    script         text,
    path           text,
    after          schemaguard.names,
    in_transaction boolean,
    OUT line      int,
    OUT severity  text,
    OUT rule      text,
    OUT lock      text,
    OUT object    text,
    OUT message   text,
    OUT statement text,
    OUT safe_form text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH read AS MATERIALIZED (
        SELECT array_agg(f) AS facts
        FROM schemaguard.sg_lint_sql_facts(sg_lint_sql_body.script, sg_lint_sql_body.after, sg_lint_sql_body.in_transaction) f),
    found AS (
        SELECT x.* FROM read r CROSS JOIN LATERAL (
            SELECT l.*, true AS done FROM schemaguard.sg_lint_sql_locks(r.facts) l
            UNION ALL SELECT l.*, true FROM schemaguard.sg_lint_sql_loss(r.facts) l
            UNION ALL SELECT l.*, true FROM schemaguard.sg_lint_sql_drops(r.facts) l
            UNION ALL SELECT l.*, false FROM schemaguard.sg_lint_sql_form(r.facts) l
            UNION ALL SELECT l.*, false FROM schemaguard.sg_lint_sql_units(r.facts, sg_lint_sql_body.in_transaction) l) x),
    -- a statement that the server refuses does nothing else
    judged AS (
        SELECT f.*,
               bool_or(f.rule IN ('drop-refused', 'type-change-refused', 'casting-needs-using')) OVER same AS told,
               bool_or(f.rule = 'statement-refused') OVER same AS fails
        FROM found f
        WINDOW same AS (PARTITION BY (f.fact).statement, (f.fact).sql)),
    -- a step reads literals such as dates by its caller's settings
    read_by AS (
        SELECT s.name, min(s.statement) AS statement
        FROM read r CROSS JOIN LATERAL unnest(r.facts) s
        WHERE s.command = 'set' AND s.name IN ('datestyle', 'intervalstyle', 'timezone') GROUP BY s.name),
    said AS (
        SELECT (f.fact).line, (f.fact).last_line, (f.fact).statement, coalesce(u.severity, s.severity) AS severity, f.rule,
               upper(btrim(regexp_replace(replace((f.fact).lock, 'Lock', ''), '(?=Exclusive|Share|Row|Update)', ' ', 'g'))) AS lock,
               coalesce((f.fact).object, '') AS object,
               schemaguard.sg_lint_whose(CASE WHEN u.message IS NOT NULL THEN u.added_by END, u.author_id)
               || schemaguard.sg_lint_fill(coalesce(u.message, s.message), ARRAY['', coalesce((f.fact).object, ''), coalesce(f.more, ''),
                   coalesce(schemaguard.sg_lint_weight((f.fact).relid, 'heirs' = ANY ((f.fact).flags)), '')])
               || coalesce('; there is no safe form, because the script sets ' || b.names
                           || ', by which a step may read a literal otherwise', '')
               || CASE WHEN f.rule = 'changing-column-type' AND f.safe IS NOT NULL THEN '; as a step of a plan it takes its lock in short '
                   'attempts, and the rows are looked at before' ELSE '' END AS message,
               (f.fact).sql, CASE WHEN b.names IS NULL AND NOT 'only' = ANY ((f.fact).flags) THEN f.safe END AS safe
        FROM judged f
             CROSS JOIN LATERAL (
                 SELECT string_agg(s.name, ', ' ORDER BY s.name) FROM read_by s
                 WHERE f.safe IS NOT NULL AND s.statement < (f.fact).statement
                   AND EXISTS (SELECT FROM regexp_matches((f.fact).sql, E'''[^'']*''', 'g') l WHERE l[1] ~ '[0-9][-/.: ][0-9]')) b (names)
             JOIN schemaguard.lint_rule s ON s.name = f.rule AND s.source = 'shipped'
             LEFT JOIN schemaguard.lint_rule u ON u.name = f.rule AND u.source = 'user'
        WHERE coalesce(u.enabled, s.enabled)
          AND CASE f.rule WHEN 'statement-refused' THEN NOT f.told ELSE NOT (f.done AND f.fails AND NOT f.told) END),
    asides AS MATERIALIZED (
        SELECT a.line AS number, 'alone' = ANY (a.flags) AS alone,
               array_remove(regexp_split_to_array(split_part(a.other, '*/', 1), '[[:space:],]+'), '') AS rules
        FROM read r CROSS JOIN LATERAL unnest(r.facts) a WHERE a.command = 'aside')
    SELECT s.line, s.severity, s.rule, s.lock, s.object, s.message, s.sql, s.safe
    FROM said s
    WHERE NOT EXISTS (
            SELECT FROM asides a WHERE (a.rules = '{}' OR s.rule = ANY (a.rules))
               AND (a.number BETWEEN s.line AND s.last_line OR a.number = s.line - 1 AND a.alone))
      AND NOT EXISTS (
            SELECT FROM schemaguard.lint_ignore i WHERE (i.until IS NULL OR i.until > now())
               AND schemaguard.sg_lint_like(s.rule, i.rule)
               AND (schemaguard.sg_lint_like(s.object, i.object) OR schemaguard.sg_lint_like(sg_lint_sql_body.path, i.object)))
    ORDER BY s.line, s.statement, array_position('{error,warning,note}', s.severity), s.rule, s.object COLLATE "C";
END;
COMMENT ON FUNCTION schemaguard.sg_lint_sql_body(text, text, schemaguard.names, boolean) IS 'does the work of sg_lint_sql_details()';

CREATE FUNCTION sg_lint_sql_details(
    script         text,
    path           text DEFAULT NULL,
    after          schemaguard.names DEFAULT NULL,
    in_transaction boolean DEFAULT true,
    OUT line      int,
    OUT severity  text,
    OUT rule      text,
    OUT lock      text,
    OUT object    text,
    OUT message   text,
    OUT statement text,
    OUT safe_form text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_lint_sql_details(text, text, schemaguard.names, boolean) IS 'all columns of sg_lint_sql()';

CREATE FUNCTION sg_lint_sql(
    script         text,
    path           text DEFAULT NULL,
    after          schemaguard.names DEFAULT NULL,
    in_transaction boolean DEFAULT true,
    OUT line      int,
    OUT severity  text,
    OUT rule      text,
    OUT lock      text,
    OUT message   text,
    OUT safe_form text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.line, d.severity, schemaguard.sg_cut(d.rule, 30), d.lock, schemaguard.sg_cut(d.message, 30), d.safe_form
    FROM @extschema@.sg_lint_sql_details(script, path, after, in_transaction) d;
END;
COMMENT ON FUNCTION sg_lint_sql(text, text, schemaguard.names, boolean)
    IS 'returns the dangers of a migration to this database, statement by statement, before it runs';

-- SARIF 2.1.0 with the file and the line
CREATE FUNCTION sg_lint_sql_sarif(
    script         text,
    path           text,
    after          schemaguard.names DEFAULT NULL,
    in_transaction boolean DEFAULT true)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET row_security = on
BEGIN ATOMIC
    WITH found AS MATERIALIZED (
        SELECT f.* FROM @extschema@.sg_lint_sql_details(script, path, after, in_transaction) WITH ORDINALITY f),
    rules AS (
        SELECT f.rule, row_number() OVER (ORDER BY f.rule COLLATE "C") - 1 AS place, min(f.severity) AS level, min(r.message) AS message
        FROM found f JOIN schemaguard.lint_rule r ON r.name = f.rule AND r.source = 'shipped' GROUP BY f.rule)
    SELECT schemaguard.sg_sarif(
        (SELECT jsonb_agg(schemaguard.sg_sarif_rule(r.rule, r.level, r.message) ORDER BY r.place) FROM rules r),
        (SELECT jsonb_agg(jsonb_build_object(
             'ruleId', f.rule, 'ruleIndex', r.place, 'level', f.severity, 'message', schemaguard.sg_sarif_text(f.message),
             'locations', jsonb_build_array(jsonb_build_object('physicalLocation', jsonb_build_object(
                 'artifactLocation', jsonb_build_object('uri', schemaguard.sg_sarif_uri(path)),
                 'region', jsonb_build_object('startLine', f.line)))),
             'partialFingerprints', jsonb_build_object('statement/v1', md5(concat_ws(chr(10), f.rule, path, f.statement))),
             'properties', jsonb_build_object('safeForm', f.safe_form, 'lock', f.lock)) ORDER BY f.ordinality)
         FROM found f JOIN rules r ON r.rule = f.rule), NULL);
END;
COMMENT ON FUNCTION sg_lint_sql_sarif(text, text, schemaguard.names, boolean) IS 'returns the findings of sg_lint_sql() as SARIF 2.1.0';
