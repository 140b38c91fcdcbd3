-- Files of migrations: what tools have noted of those that have run

-- Returns the tables of tools. Columns: the name of a migration, the digest of its file, whether it failed or was taken back, what orders
-- them. Name: what stands for a file, of its path's last part; digest: how it is taken; wrote: a row for a migration that has run.
CREATE FUNCTION schemaguard.sg_history_tables(OUT tool text, OUT table_name text, OUT columns text[], OUT failed text, OUT file_name text,
    OUT digest text, OUT wrote text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
VALUES
    ('django', 'django_migrations', '{name,"",app,id}'::text[], NULL, E'^(.*?)(\\.py)?$', NULL,
        'INSERT INTO %1$s (app, name, applied) VALUES (%5$L, %2$L, now());'),
    ('rails', 'schema_migrations', '{version,"",dirty,version}', '^t$', '^([0-9]+)', NULL,
        'INSERT INTO %1$s (version) VALUES (%2$L);'),
    ('golang-migrate', 'schema_migrations', '{version,"",dirty,version}', '^t$', '^0*([0-9]+)', NULL,
        E'DELETE FROM %1$s;\nINSERT INTO %1$s (version, dirty) VALUES (%2$L, false);'),
    ('flyway', 'flyway_schema_history', '{version,checksum,success,installed_rank}', '^f$', '^V([0-9][0-9._]*?)__', 'crc32',
        E'INSERT INTO %1$s (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)\n'
        '    SELECT coalesce(max(installed_rank), 0) + 1, %2$L, %4$L, ''SQL'', %3$L, %6$s, current_user, 0, true FROM %1$s;'),
    ('prisma', '_prisma_migrations', '{migration_name,checksum,rolled_back_at,started_at}', '.', '^(.*)$', 'sha256',
        E'INSERT INTO %1$s (id, checksum, finished_at, migration_name, applied_steps_count)\n'
        '    VALUES (gen_random_uuid(), %6$s, now(), %2$L, 1);'),
    ('goose', 'goose_db_version', '{version_id,"",is_applied,id}', '^f$', '^0*([0-9]+)', NULL,
        'INSERT INTO %1$s (version_id, is_applied) VALUES (%2$L, true);'),
    ('node-pg-migrate', 'pgmigrations', '{name,"","",id}', NULL, E'^(.*?)(\\.[cm]?[jt]s|\\.sql)?$', NULL,
        'INSERT INTO %1$s (name, run_on) VALUES (%2$L, now());'),
    ('sqitch', 'changes', '{change,script_hash,"",committed_at}', NULL, E'^(.*?)(\\.sql)?$', 'sha1',
        '-- sqitch deploy --log-only --to %7$s'),
    ('drizzle', '__drizzle_migrations', '{hash,hash,"",created_at}', NULL, E'^(.*?)(\\.sql)?$', 'sha256',
        'INSERT INTO %1$s (hash, created_at) VALUES (%6$s, (extract(epoch FROM now()) * 1000)::bigint);'),
    ('liquibase', 'databasechangelog', '{filename,"",exectype,orderexecuted}', '^(FAILED|SKIPPED)$', '^(.*)$', NULL,
        '-- liquibase changelog-sync')
$function$;
COMMENT ON FUNCTION schemaguard.sg_history_tables()
    IS 'returns the tables in which tools record the migrations that have run';

CREATE FUNCTION schemaguard.sg_history_rows(relation oid, columns text[])
RETURNS SETOF text[]
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_history_rows';
COMMENT ON FUNCTION schemaguard.sg_history_rows(oid, text[])
    IS 'returns the columns of each row of a plain table; one row with null and the reason if it cannot be read';

CREATE FUNCTION schemaguard.sg_history_digest(kind text, content text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_history_digest';
COMMENT ON FUNCTION schemaguard.sg_history_digest(text, text)
    IS 'returns the digest that Flyway or sqitch takes of a file';

-- Returns the digest of a file as a tool takes it; null: it takes none
CREATE FUNCTION schemaguard.sg_history_sum(kind text, content text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE kind WHEN 'sha256' THEN encode(sha256(convert_to(content, 'UTF8')), 'hex')
    ELSE schemaguard.sg_history_digest(kind, content) END;
COMMENT ON FUNCTION schemaguard.sg_history_sum(text, text)
    IS 'returns the digest of a file as a tool takes it; null: it takes none';

-- Returns the files of a tool, each with the name that its table has for it
CREATE FUNCTION schemaguard.sg_history_files(tool text, names text[], contents text[],
    OUT n bigint, OUT file text, OUT name text, OUT sum text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
    rule record;
BEGIN
    SELECT t.* INTO rule FROM schemaguard.sg_history_tables() t WHERE t.tool = sg_history_files.tool;
    IF rule IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('there is no tool with a history %L', tool), HINT = format('One of %s.',
            (SELECT string_agg(t.tool, ', ' ORDER BY t.tool COLLATE "C") FROM schemaguard.sg_history_tables() t));
    ELSIF array_position(names, NULL) IS NOT NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = '"names" has a null', HINT = 'The names of the files that there are.';
    ELSIF cardinality(contents) <> cardinality(names) THEN
        RAISE invalid_parameter_value USING MESSAGE = format('there are %s names, and %s contents', cardinality(names),
            cardinality(contents)), HINT = 'One text for each name, null where it is not known.';
    END IF;
    RETURN QUERY SELECT row_number() OVER (ORDER BY CASE WHEN k.name ~ '^[0-9]{1,40}([.][0-9]{1,40})*$'
            THEN string_to_array(k.name, '.')::numeric[] END, k.name COLLATE "C", x.n),
        x.file, k.name, schemaguard.sg_history_sum(rule.digest, x.content)
        FROM unnest(names, contents) WITH ORDINALITY x (file, content, n)
        CROSS JOIN LATERAL (SELECT CASE sg_history_files.tool WHEN 'liquibase' THEN x.file ELSE regexp_replace(
            regexp_replace(x.file, E'/migration\\.sql$', ''), '^.*/', '') END AS base) b
        CROSS JOIN LATERAL (SELECT replace((regexp_match(b.base, rule.file_name))[1], '_',
            CASE rule.tool WHEN 'flyway' THEN '.' ELSE '_' END) AS name) k
        WHERE k.name IS NOT NULL;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_history_files(text, text[], text[])
    IS 'returns files, each with its name in the table of a tool';

-- Returns the table of a tool: the only one of its name that belongs to the caller, to the database's owner or to a superuser; the rows
-- of any other role's table prove nothing, and a statement on it runs that role's code. Membership is no trust: up to 15 a role can make
-- anybody a member of itself. Problem: why there is none.
CREATE FUNCTION schemaguard.sg_history_place(table_name text, tool text, OUT oid oid, OUT name text, OUT problem text)
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH found AS MATERIALIZED (
    SELECT c.oid, format('%I.%I', s.nspname, c.relname) AS name, r.rolname, r.rolsuper OR r.rolname = current_user
        OR c.relowner = (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database()) AS known
    FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.relname = sg_history_place.table_name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND (sg_history_place.tool <> 'sqitch' OR s.nspname = 'sqitch')
), sum AS (
    SELECT count(*) AS all, count(*) FILTER (WHERE f.known) AS known, min(f.oid) FILTER (WHERE f.known) AS oid,
        min(f.name) FILTER (WHERE f.known) AS name, string_agg(f.name, ', ' ORDER BY f.name) FILTER (WHERE f.known) AS names,
        string_agg(format('%s of role %s', f.name, f.rolname), ', ' ORDER BY f.name) AS told
    FROM found f
)
SELECT CASE s.known WHEN 1 THEN s.oid END, CASE s.known WHEN 1 THEN s.name END,
    CASE WHEN s.all = 0 THEN format('this database has no table %s', sg_history_place.table_name)
        WHEN s.known = 0 THEN format('call as the role of the table: %s', s.told)
        WHEN s.known > 1 THEN format('there are several tables: %s', s.names) END
FROM sum s
$function$;
COMMENT ON FUNCTION schemaguard.sg_history_place(text, text)
    IS 'returns the table of a tool, or the reason why there is none';

CREATE FUNCTION schemaguard.sg_migration_history_body(tool text, names text[], contents text[],
    OUT result text, OUT state text, OUT migration text, OUT reason text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
    rule   record;
    place  record;
    broken text;
    found  jsonb;
BEGIN
    PERFORM schemaguard.sg_history_files(tool, names, contents);
    SELECT t.* INTO rule FROM schemaguard.sg_history_tables() t WHERE t.tool = sg_migration_history_body.tool;
    SELECT p.* INTO place FROM schemaguard.sg_history_place(rule.table_name, rule.tool) p;
    IF place.problem IS NOT NULL THEN
        RETURN QUERY SELECT 'unknown', 'unknown', NULL::text, place.problem;
        RETURN;
    END IF;
    SELECT min(r.r[2]) FILTER (WHERE cardinality(r.r) = 2), jsonb_agg(jsonb_build_object('name', r.r[1], 'sum', r.r[2], 'failed',
            coalesce(r.r[3] ~ rule.failed, false), 'at', r.r[4], 'app', CASE rule.tool WHEN 'django' THEN r.r[3] END))
            FILTER (WHERE r.r[1] IS NOT NULL AND NOT (rule.tool = 'goose' AND r.r[1] = '0'))
        INTO broken, found FROM schemaguard.sg_history_rows(place.oid, rule.columns) r (r);
    IF broken IS NOT NULL THEN
        RETURN QUERY SELECT 'unknown', 'unknown', place.name, broken;
        RETURN;
    END IF;
    RETURN QUERY SELECT m.* FROM schemaguard.sg_history_matched(tool, names, contents, coalesce(found, '[]')) m;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_migration_history_body(text, text[], text[])
    IS 'does the work of sg_migration_history()';

-- Returns each migration with its state. Found: rows of the table, as objects
CREATE FUNCTION schemaguard.sg_history_matched(tool text, names text[], contents text[], found jsonb,
    OUT result text, OUT state text, OUT migration text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH rule AS (
    SELECT t.* FROM schemaguard.sg_history_tables() t WHERE t.tool = sg_history_matched.tool
), noted AS (
    -- the last row about a migration says what it is
    SELECT DISTINCT ON (x.name) x.name, x.sum, x.failed, x.at
    FROM jsonb_to_recordset(found) x (name text, sum text, failed boolean, at text)
    ORDER BY x.name, CASE WHEN x.at ~ '^[0-9]{1,40}$' THEN x.at::numeric END DESC, x.at DESC
), file AS (
    SELECT f.*, CASE (SELECT r.tool FROM rule r) WHEN 'drizzle' THEN f.sum ELSE f.name END AS key
    FROM schemaguard.sg_history_files(tool, names, contents) f
), pair AS (
    SELECT f.n, coalesce(f.file, x.name) AS migration, f.file IS NOT NULL AS there,
        x.name IS NOT NULL AS ran, x.failed, f.sum, x.sum AS was,
        max(f.n) FILTER (WHERE x.name IS NOT NULL AND NOT x.failed) OVER () AS last,
        -- of golang-migrate, one row speaks for all before it
        r.tool = 'golang-migrate' AS single, r.digest
    FROM rule r CROSS JOIN (file f FULL JOIN noted x ON x.name = f.key)
)
SELECT CASE s.state WHEN 'applied' THEN CASE WHEN p.digest IS NULL OR p.sum IS NULL OR p.was IS NULL THEN 'unknown' ELSE 'pass' END
    ELSE 'fail' END, s.state, p.migration, CASE s.state
        WHEN 'applied' THEN CASE WHEN p.digest IS NULL THEN 'the tool keeps no digest, so nobody knows whether the file has changed'
            WHEN p.sum IS NULL THEN 'the content was not given' WHEN p.was IS NULL THEN 'no digest was kept' END
        WHEN 'gone' THEN 'it has run, and no file has that name'
        WHEN 'changed' THEN format('the file had digest %s when it ran, now %s', p.was, p.sum)
        WHEN 'out of order' THEN 'it has not run, and one behind it has' WHEN 'failed' THEN 'it failed, or was taken back'
        ELSE 'it has not run' END
FROM pair p CROSS JOIN LATERAL (SELECT CASE WHEN NOT p.there THEN 'gone' WHEN p.ran AND p.failed THEN 'failed'
    WHEN p.ran AND p.sum <> p.was THEN 'changed' WHEN p.ran OR p.single AND p.n < p.last THEN 'applied'
    WHEN p.n < p.last THEN 'out of order' ELSE 'pending' END AS state) s
ORDER BY p.n, p.migration COLLATE "C"
$function$;
COMMENT ON FUNCTION schemaguard.sg_history_matched(text, text[], text[], jsonb)
    IS 'returns migrations, each with its state';

CREATE FUNCTION sg_migration_history(tool text, names text[], contents text[] DEFAULT NULL,
                                     OUT result text, OUT state text, OUT migration text, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_migration_history(text, text[], text[])
    IS 'compares a tool''s record of migrations with their files';

CREATE FUNCTION schemaguard.sg_files_history_body(tool text, names text[], contents text[], project text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    rule  record;
    place record;
BEGIN
    PERFORM schemaguard.sg_history_files(tool, names, contents);
    SELECT t.* INTO rule FROM schemaguard.sg_history_tables() t WHERE t.tool = sg_files_history_body.tool;
    SELECT p.* INTO place FROM schemaguard.sg_history_place(rule.table_name, rule.tool) p;
    -- what the database's owner has noted is believed, but nobody is to run that role's triggers
    place.problem := coalesce(place.problem, (SELECT format('call as the role of the table: %s of role %s', place.name, r.rolname)
        FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = place.oid AND NOT r.rolsuper AND r.rolname <> current_user));
    IF place.problem IS NOT NULL AND place.problem NOT LIKE 'this database has no table%' THEN
        RAISE insufficient_privilege USING MESSAGE = place.problem,
            HINT = 'What is printed runs the code of the table''s owner: call it, and run what it prints, as that role.';
    END IF;
    RETURN QUERY SELECT format(rule.wrote, coalesce(place.name, quote_ident(rule.table_name)),
        regexp_replace(f.name, E'[\\r\\n]', ' ', 'g'), regexp_replace(f.file, '^.*/', ''),
        replace(substring(f.file FROM E'__(.*?)(?:\\.sql)?$'), '_', ' '), project,
        coalesce(CASE rule.digest WHEN 'crc32' THEN f.sum ELSE quote_literal(f.sum) END, 'NULL'),
        -- as a word of a shell
        CASE WHEN f.name ~ '^[[:alnum:]_][[:alnum:]_./-]*$' THEN f.name
            ELSE '''' || replace(regexp_replace(f.name, E'[\\r\\n]', ' ', 'g'), '''', E'''\\''''') || '''' END)
    FROM schemaguard.sg_history_files(tool, names, contents) f ORDER BY f.n;
    IF NOT FOUND THEN
        RAISE NOTICE 'no file is named, so that there is nothing to note' USING HINT = format(
            E'Name the files that have run; this shows which ones are noted:\nSELECT * FROM %s.sg_migration_history(%L, %L);',
            schemaguard.sg_schema(), tool, '{}');
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_history_body(text, text[], text[], text)
    IS 'does the work of sg_files_history()';

CREATE FUNCTION sg_files_history(tool text, names text[], contents text[] DEFAULT NULL, project text DEFAULT 'app')
RETURNS SETOF text
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_files_history(text, text[], text[], text)
    IS 'returns statements that record migrations as run in the table of a tool';
