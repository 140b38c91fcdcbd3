-- Lint: what a schema should not have. Rules are rows of schemaguard.lint_rule; 98_report_lint_rule.sql ships them.

CREATE TABLE schemaguard.lint_rule (
    name     text NOT NULL CHECK (name ~ '^[a-z0-9-]+$'),
    severity text CHECK (severity IN ('error', 'warning', 'note')),
    query    text,
    message  text CHECK (message <> ''),
    fix      text,
    enabled  boolean NOT NULL DEFAULT true,
    source   text NOT NULL DEFAULT 'user' CHECK (source IN ('shipped', 'user')),
    added_by text DEFAULT CURRENT_USER,
    author_id oid DEFAULT pg_catalog.quote_ident(CURRENT_USER)::pg_catalog.regrole::pg_catalog.oid,
    added_at timestamptz DEFAULT pg_catalog.now(),
    PRIMARY KEY (name, source)
);
COMMENT ON TABLE schemaguard.lint_rule IS 'rules of sg_lint(); a user''s row precedes the shipped one of its name';
COMMENT ON COLUMN schemaguard.lint_rule.name IS 'name of the rule';
COMMENT ON COLUMN schemaguard.lint_rule.severity IS 'severity: error, warning or note; null: that of the shipped rule, or warning';
COMMENT ON COLUMN schemaguard.lint_rule.query IS 'query that returns schema, object and further texts; null: that of the shipped rule';
COMMENT ON COLUMN schemaguard.lint_rule.message IS 'description of the problem; %1 is the object, %2 to %9 are the further texts';
COMMENT ON COLUMN schemaguard.lint_rule.fix
    IS 'statement that fixes it, with %1 to %9; %0 is the extension''s schema; no fix if one of its texts is null';
COMMENT ON COLUMN schemaguard.lint_rule.enabled IS 'false: the rule is not run';
COMMENT ON COLUMN schemaguard.lint_rule.source IS 'origin of the rule: shipped, or user, which precedes the shipped rule';
COMMENT ON COLUMN schemaguard.lint_rule.added_by IS 'role that wrote the query, and as which it runs; null: the rule is shipped';
COMMENT ON COLUMN schemaguard.lint_rule.author_id IS 'OID of the role added_by: the query does not run as another role of the same name';
COMMENT ON COLUMN schemaguard.lint_rule.added_at IS 'time at which the rule was added';
-- A rule decides for everybody: for the owner of the database, who can give it to others. Nobody writes a query in another role's name.
ALTER TABLE schemaguard.lint_rule ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON schemaguard.lint_rule TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.lint_rule TO pg_database_owner;
CREATE POLICY read_all ON schemaguard.lint_rule FOR SELECT USING (true);
CREATE POLICY own_rules ON schemaguard.lint_rule TO pg_database_owner USING (source OPERATOR(pg_catalog.=) 'user')
    WITH CHECK (source OPERATOR(pg_catalog.=) 'user' AND added_by OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
                AND author_id OPERATOR(pg_catalog.=) pg_catalog.quote_ident(CURRENT_USER)::pg_catalog.regrole::pg_catalog.oid);
SELECT pg_catalog.pg_extension_config_dump('schemaguard.lint_rule', 'WHERE source OPERATOR(pg_catalog.=) ''user''');

CREATE TABLE schemaguard.lint_ignore (
    rule     text NOT NULL DEFAULT '*',
    object   text NOT NULL DEFAULT '*',
    reason   text NOT NULL,
    until    timestamptz,                       -- null: for good
    added_by text NOT NULL DEFAULT CURRENT_USER,
    added_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (rule, object)
);
COMMENT ON TABLE schemaguard.lint_ignore IS 'findings that sg_lint() leaves out, with reason and expiry';
COMMENT ON COLUMN schemaguard.lint_ignore.rule IS 'pattern for the rule: * is any text';
COMMENT ON COLUMN schemaguard.lint_ignore.object IS 'pattern for the object';
COMMENT ON COLUMN schemaguard.lint_ignore.reason IS 'reason to ignore the finding';
COMMENT ON COLUMN schemaguard.lint_ignore.until IS 'time after which the entry no longer counts; null: for good';
COMMENT ON COLUMN schemaguard.lint_ignore.added_by IS 'role that added the entry';
COMMENT ON COLUMN schemaguard.lint_ignore.added_at IS 'time at which the entry was added';
ALTER TABLE schemaguard.lint_ignore ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_own_name ON schemaguard.lint_ignore USING (true)
    WITH CHECK (added_by OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text);
GRANT SELECT ON schemaguard.lint_ignore TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.lint_ignore TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.lint_ignore', '');

-- The subjects of rules: users' tables, and their keys
CREATE VIEW schemaguard.lint_table WITH (security_invoker = true) AS
SELECT c.oid, n.nspname AS schema_name, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relname AS bare_name, c.relkind AS kind,
       c.relispartition AS is_partition, c.reltuples AS rows
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}')
  AND n.nspname OPERATOR(pg_catalog.!~) '^(pg_|information_schema$|schemaguard$)'
  AND NOT EXISTS (SELECT FROM schemaguard.attic k WHERE k.oid OPERATOR(pg_catalog.=) n.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) c.oid
                    AND d.deptype OPERATOR(pg_catalog.=) 'e');
GRANT SELECT ON schemaguard.lint_table TO PUBLIC;
COMMENT ON VIEW schemaguard.lint_table IS 'tables and partitions that rules of schemaguard.lint_rule are about';
COMMENT ON COLUMN schemaguard.lint_table.oid IS 'OID of the table';
COMMENT ON COLUMN schemaguard.lint_table.schema_name IS 'name of the table''s schema';
COMMENT ON COLUMN schemaguard.lint_table.name IS 'name of the table, qualified and quoted';
COMMENT ON COLUMN schemaguard.lint_table.bare_name IS 'name of the table alone';
COMMENT ON COLUMN schemaguard.lint_table.kind IS 'relkind: r, a table; p, a partitioned one';
COMMENT ON COLUMN schemaguard.lint_table.is_partition IS 'true if the table is a partition';
COMMENT ON COLUMN schemaguard.lint_table.rows IS 'number of rows by the statistics; negative: the table was never analysed';

CREATE FUNCTION schemaguard.sg_lint_columns(relid oid, numbers int2[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
        FROM unnest(numbers) WITH ORDINALITY u (n, place) JOIN pg_attribute a ON a.attrelid = relid AND a.attnum = u.n);
COMMENT ON FUNCTION schemaguard.sg_lint_columns(oid, int2[]) IS 'returns names of columns, quoted, as a list in SQL';

CREATE FUNCTION schemaguard.sg_lint_domain(type oid, OUT base regtype, OUT not_null boolean) RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE domain AS (
        SELECT t.oid, t.typbasetype, t.typnotnull FROM pg_type t WHERE t.oid = sg_lint_domain.type
        UNION ALL
        SELECT t.oid, t.typbasetype, t.typnotnull FROM domain d JOIN pg_type t ON t.oid = d.typbasetype)
    SELECT min(d.oid) FILTER (WHERE d.typbasetype = 0), bool_or(d.typnotnull) FROM domain d;
END;
COMMENT ON FUNCTION schemaguard.sg_lint_domain(oid)
    IS 'returns the type below a domain, or the type itself, and whether a domain forbids null';

CREATE FUNCTION schemaguard.sg_lint_retype(relid oid, attnum int, type text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', t.name, a.attname, type)
        FROM schemaguard.lint_table t JOIN pg_attribute a ON a.attrelid = t.oid
        WHERE t.oid = relid AND a.attnum = sg_lint_retype.attnum AND a.attinhcount = 0
          AND NOT EXISTS (SELECT FROM pg_partitioned_table p WHERE p.partrelid = relid AND a.attnum = ANY (p.partattrs::int2[]))
          AND NOT EXISTS (
              SELECT FROM pg_depend d
              WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relid AND d.refobjsubid = a.attnum
                AND (d.classid = ANY ('{pg_rewrite,pg_policy,pg_trigger,pg_proc,pg_publication_rel}'::regclass[])
                     -- another column that is generated from this one
                     OR d.classid = 'pg_class'::regclass AND d.objid = relid AND d.objsubid > 0
                     OR d.classid = 'pg_attrdef'::regclass
                        AND EXISTS (SELECT FROM pg_attrdef g WHERE g.oid = d.objid AND g.adnum <> a.attnum))));
COMMENT ON FUNCTION schemaguard.sg_lint_retype(oid, int, text)
    IS 'returns the statement that changes a column''s type, or null where something that uses the column forbids that';

CREATE VIEW schemaguard.lint_key WITH (security_invoker = true) AS
SELECT k.oid, t.schema_name, pg_catalog.format('%s.%I', t.name, k.conname) AS object, k.conname AS fk_name,
       k.conrelid AS child, t.name AS child_name, k.conkey AS child_columns, k.confrelid AS parent,
       pg_catalog.format('%I.%I', n.nspname, p.relname) AS parent_name, k.confkey AS parent_columns,
       pg_catalog.row_number() OVER (PARTITION BY k.conrelid ORDER BY k.convalidated DESC, k.oid) AS place,
       k.convalidated AS validated,
       coalesce((pg_catalog.to_jsonb(k) OPERATOR(pg_catalog.->>) 'conenforced')::pg_catalog.bool, true) AS enforced,
       pg_catalog.concat(k.confdeltype, k.confupdtype, k.confmatchtype, k.confdelsetcols, k.condeferrable, k.condeferred) AS actions,
       ARRAY(SELECT pg_catalog.format('%s=%s', u.c, u.p)
             FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) u (c, p) ORDER BY u.c, u.p) AS pairs
FROM pg_catalog.pg_constraint k
     JOIN schemaguard.lint_table t ON t.oid OPERATOR(pg_catalog.=) k.conrelid
     JOIN pg_catalog.pg_class p ON p.oid OPERATOR(pg_catalog.=) k.confrelid
     JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.relnamespace
WHERE k.contype OPERATOR(pg_catalog.=) 'f' AND k.conparentid OPERATOR(pg_catalog.=) 0;
GRANT SELECT ON schemaguard.lint_key TO PUBLIC;
COMMENT ON VIEW schemaguard.lint_key IS 'foreign keys that rules of schemaguard.lint_rule are about';
COMMENT ON COLUMN schemaguard.lint_key.oid IS 'OID of the key';
COMMENT ON COLUMN schemaguard.lint_key.schema_name IS 'schema of the referencing table';
COMMENT ON COLUMN schemaguard.lint_key.object IS 'the referencing table and the key, qualified and quoted';
COMMENT ON COLUMN schemaguard.lint_key.fk_name IS 'name of the key';
COMMENT ON COLUMN schemaguard.lint_key.child IS 'OID of the referencing table';
COMMENT ON COLUMN schemaguard.lint_key.child_name IS 'name of the referencing table, qualified and quoted';
COMMENT ON COLUMN schemaguard.lint_key.child_columns IS 'numbers of the referencing columns';
COMMENT ON COLUMN schemaguard.lint_key.parent IS 'OID of the referenced table';
COMMENT ON COLUMN schemaguard.lint_key.parent_name IS 'name of the referenced table, qualified and quoted';
COMMENT ON COLUMN schemaguard.lint_key.parent_columns IS 'numbers of the referenced columns';
COMMENT ON COLUMN schemaguard.lint_key.place IS 'rank among the keys of the table: valid keys first, then older ones';
COMMENT ON COLUMN schemaguard.lint_key.validated IS 'true if the rows older than the key were validated';
COMMENT ON COLUMN schemaguard.lint_key.enforced IS 'true if the server enforces the key';
COMMENT ON COLUMN schemaguard.lint_key.actions IS 'actions on delete and update, match type, and time of the check';
COMMENT ON COLUMN schemaguard.lint_key.pairs IS 'pairs of columns, in an order that is the same for equal keys';

-- The slowest statements, from 100 ms a call on; none where pg_stat_statements is not there, or shows their texts to others alone.
-- PL/pgSQL finds the function of a later part, which looks whether the extension is as it was made.
CREATE FUNCTION schemaguard.sg_lint_statements(most int, OUT statement text, OUT calls bigint, OUT ms float8)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF schemaguard.sg_stats_statements(0) ? 'missing' THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format($q$
        SELECT s.query, sum(s.calls)::bigint, sum(s.total_exec_time) / sum(s.calls)
        FROM %s.pg_stat_statements(true) s
        WHERE s.queryid IS NOT NULL AND s.query ~* '^[[:space:](]*(select|with|insert|update|delete|merge)'
          AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
        GROUP BY s.queryid, s.query HAVING sum(s.total_exec_time) >= 100 * sum(s.calls) ORDER BY 3 DESC LIMIT $1$q$,
        (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements')) USING most;
END $$;
COMMENT ON FUNCTION schemaguard.sg_lint_statements(int) IS 'returns the slowest statements by pg_stat_statements, with milliseconds a call';

CREATE FUNCTION schemaguard.sg_schemas(schemas schemaguard.names) RETURNS text[]
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_schemas';
COMMENT ON FUNCTION schemaguard.sg_schemas(schemaguard.names)
    IS 'returns the existing schemas of a list, each once; raises an error for others';

CREATE FUNCTION schemaguard.sg_lint_query(query text, author text, rule text, OUT parts text[], OUT problem text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_lint_query';
COMMENT ON FUNCTION schemaguard.sg_lint_query(text, text, text)
    IS 'runs a rule''s query as its author, restricted, or as the caller if null; returns rows, or the reason for failure';

-- parts has the schema first, so %1, the object, is the second of them.
CREATE FUNCTION schemaguard.sg_lint_fill(template text, parts text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT CASE WHEN bool_and(u.m[1] IS NOT NULL OR parts[u.m[2]::int + 1] IS NOT NULL)
                    THEN string_agg(coalesce(u.m[1], parts[u.m[2]::int + 1]), '' ORDER BY u.place) END
        FROM regexp_matches(template, '((?:[^%]|%(?![1-9]))+)|%([1-9])', 'g') WITH ORDINALITY u (m, place));
COMMENT ON FUNCTION schemaguard.sg_lint_fill(text, text[]) IS 'fills a template of a rule with its texts; null if one of them is null';

CREATE FUNCTION schemaguard.sg_lint_like(value text, pattern text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN value LIKE replace(regexp_replace(pattern, E'([\\\\%_])', E'\\\\\\1', 'g'), '*', '%');
COMMENT ON FUNCTION schemaguard.sg_lint_like(text, text)
    IS 'tells whether a pattern of schemaguard.lint_ignore, in which * is any text, matches a text';

-- Messages name the author of a rule who might mean harm to the caller: neither the caller, nor a superuser, nor the extension's owner,
-- who could do anything anyway.
CREATE FUNCTION schemaguard.sg_lint_whose(author text, author_id oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN author IS NULL
                 OR EXISTS (SELECT FROM pg_roles r
                            WHERE r.oid = author_id AND r.rolname = author
                              AND (r.rolsuper OR r.rolname = current_user
                                   OR r.oid = (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'schemaguard'))) THEN ''
            ELSE format('rule of role %I: ', author) END;
COMMENT ON FUNCTION schemaguard.sg_lint_whose(text, oid)
    IS 'returns whose rule it is, for messages; empty for the caller''s, a superuser''s and the extension owner''s';

-- Findings, and with `ignored` those that schemaguard.lint_ignore leaves out as well. A fix of a rule that is foreign to the caller is one
-- that reads it.
CREATE FUNCTION schemaguard.sg_lint_found_body(
    schemas schemaguard.names,
    ignored boolean,
    OUT severity text,
    OUT rule     text,
    OUT object   text,
    OUT message  text,
    OUT fix      text,
    OUT author   text,
    OUT own_fix  text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH wanted AS MATERIALIZED (
        SELECT schemaguard.sg_schemas(schemas) AS names),
    asked AS MATERIALIZED (
        SELECT coalesce(u.name, s.name) AS name, coalesce(u.severity, s.severity, 'warning') AS severity,
               coalesce(u.query, s.query) AS query,
               -- null is the caller, no name is nobody
               CASE WHEN u.query IS NOT NULL THEN coalesce(
                   (SELECT a.rolname::text FROM pg_roles a WHERE a.oid = u.author_id AND a.rolname = u.added_by), '') END AS runs_as,
               w.author, schemaguard.sg_lint_whose(w.author, u.author_id) AS whose,
               coalesce(u.message, s.message, '%1') AS message,
               -- %0 is the schema of what people call
               replace(coalesce(u.fix, s.fix), '%0', schemaguard.sg_schema()) AS fix
        FROM (SELECT * FROM schemaguard.lint_rule WHERE source = 'shipped') s
             FULL JOIN (SELECT * FROM schemaguard.lint_rule WHERE source = 'user') u ON u.name = s.name
             CROSS JOIN LATERAL (SELECT CASE WHEN num_nonnulls(u.query, u.message, u.fix) > 0 THEN u.added_by END) w (author)
        WHERE coalesce(u.enabled, s.enabled) AND coalesce(u.query, s.query) IS NOT NULL),
    found AS (
        SELECT CASE WHEN q.problem IS NULL THEN a.severity ELSE 'unknown' END AS severity, a.name, coalesce(q.parts[2], '') AS object,
               a.whose || coalesce(q.problem, schemaguard.sg_lint_fill(a.message,
                   array_replace(q.parts || array_fill(NULL::text, '{8}'), NULL, ''))) AS message,
               CASE WHEN f.text IS NOT NULL AND a.whose <> ''
                   THEN format('SELECT author, fix FROM %s.sg_lint_details() WHERE rule = %L;', schemaguard.sg_schema(), a.name)
                   ELSE f.text END AS fix, a.author, f.text AS own_fix
        FROM asked a CROSS JOIN wanted w CROSS JOIN LATERAL schemaguard.sg_lint_query(a.query, a.runs_as, a.name) q
             CROSS JOIN LATERAL (SELECT CASE WHEN q.problem IS NULL THEN schemaguard.sg_lint_fill(a.fix, q.parts) END) f (text)
        WHERE q.problem IS NOT NULL OR w.names IS NULL OR q.parts[1] = ANY (w.names))
    SELECT f.* FROM found f
    WHERE sg_lint_found_body.ignored
       OR NOT EXISTS (
           SELECT FROM schemaguard.lint_ignore i
           WHERE f.severity <> 'unknown' AND (i.until IS NULL OR i.until > now())
             AND schemaguard.sg_lint_like(f.name, i.rule) AND schemaguard.sg_lint_like(f.object, i.object))
    ORDER BY array_position('{error,unknown,warning,note}', f.severity), f.name, f.object COLLATE "C", f.message COLLATE "C";
END;
COMMENT ON FUNCTION schemaguard.sg_lint_found_body(schemaguard.names, boolean) IS 'does the work of sg_lint_found()';

CREATE FUNCTION schemaguard.sg_lint_found(
    schemas schemaguard.names DEFAULT NULL,
    ignored boolean DEFAULT false,
    OUT severity text,
    OUT rule     text,
    OUT object   text,
    OUT message  text,
    OUT fix      text,
    OUT author   text,
    OUT own_fix  text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION schemaguard.sg_lint_found(schemaguard.names, boolean)
    IS 'returns the rows of sg_lint_details() and, on request, ignored findings';

CREATE FUNCTION sg_lint_details(
    schemas schemaguard.names DEFAULT NULL,
    OUT severity text,
    OUT rule     text,
    OUT object   text,
    OUT message  text,
    OUT fix      text,
    OUT author   text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT f.severity, f.rule, f.object, f.message, f.own_fix, f.author FROM schemaguard.sg_lint_found(schemas, false) f;
END;
COMMENT ON FUNCTION sg_lint_details(schemaguard.names) IS 'all columns of sg_lint()';

CREATE FUNCTION sg_lint(
    schemas schemaguard.names DEFAULT NULL,
    OUT severity text,
    OUT rule     text,
    OUT object   text,
    OUT message  text,
    OUT fix      text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT f.severity, f.rule, schemaguard.sg_cut(f.object, 38, 19),
           schemaguard.sg_cut(f.message, 30), f.fix
    FROM schemaguard.sg_lint_found(schemas, false) f;
END;
COMMENT ON FUNCTION sg_lint(schemaguard.names) IS 'returns violations of the rules of schemaguard.lint_rule, with fixes';

CREATE FUNCTION schemaguard.sg_lint_plan_new(name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN @extschema@.sg_plan_create(name, 'fixes of sg_lint()');
COMMENT ON FUNCTION schemaguard.sg_lint_plan_new(text) IS 'creates a plan for fixes of sg_lint()';

-- Fixes are steps of this plan, so that sg_apply() does them without blocking anybody.
CREATE FUNCTION schemaguard.sg_lint_plan() RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $plan$
DECLARE
    name text := (SELECT p.name FROM schemaguard.plan p
                  WHERE p.name IN ('lint', 'lint of ' || current_user)
                      AND schemaguard.sg_plan_author(p.author, p.author_mark) = current_user ORDER BY p.name DESC LIMIT 1);
BEGIN
    IF name IS NULL THEN
        -- names of plans are taken by whoever comes first, who need not show the plan
        BEGIN
            name := 'lint';
            PERFORM schemaguard.sg_lint_plan_new(name);
        EXCEPTION WHEN duplicate_object THEN
            name := 'lint of ' || current_user;
            PERFORM schemaguard.sg_lint_plan_new(name);
        END;
    END IF;
    RETURN name;
END
$plan$;
COMMENT ON FUNCTION schemaguard.sg_lint_plan()
    IS 'returns the plan for fixes of sg_lint(), created if missing: lint, or, if that is another role''s, lint of this role';

CREATE PROCEDURE sg_lint_gate(severity text DEFAULT 'error', only_new boolean DEFAULT true, schemas schemaguard.names DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_lint_gate';
COMMENT ON PROCEDURE sg_lint_gate(text, boolean, schemaguard.names)
    IS 'commits the findings of sg_lint(), and raises an error if any is of that severity or above, or unknown';

-- Brackets are links to readers of SARIF.
CREATE FUNCTION schemaguard.sg_sarif_text(value text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_build_object('text', regexp_replace(value, E'([][\\\\])', E'\\\\\\1', 'g'));
COMMENT ON FUNCTION schemaguard.sg_sarif_text(text) IS 'returns a text as a message of SARIF';

CREATE FUNCTION schemaguard.sg_sarif_rule(name text, level text, message text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_build_object('id', name, 'defaultConfiguration', jsonb_build_object('level', level), 'shortDescription',
    schemaguard.sg_sarif_text(regexp_replace(message, '%[1-9]', '...', 'g')));
COMMENT ON FUNCTION schemaguard.sg_sarif_rule(text, text, text) IS 'returns a rule for SARIF, described by the template of its messages';

CREATE FUNCTION schemaguard.sg_sarif_uri(path text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT string_agg(CASE WHEN c ~ '[A-Za-z0-9._~/-]' THEN c
                               ELSE regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', E'%\\1', 'g') END, '' ORDER BY n)
        FROM regexp_split_to_table(path, '') WITH ORDINALITY u (c, n));
COMMENT ON FUNCTION schemaguard.sg_sarif_uri(text) IS 'returns a path as a relative reference';

-- SARIF 2.1.0 with one run; null: none
CREATE FUNCTION schemaguard.sg_sarif(rules jsonb, results jsonb, notifications jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object(
    '$schema', 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json', 'version', '2.1.0',
    'runs', jsonb_build_array(jsonb_build_object(
        'tool', jsonb_build_object('driver', jsonb_build_object(
            'name', 'schemaguard', 'semanticVersion', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'schemaguard'),
            'rules', coalesce(rules, '[]'))),
        'invocations', jsonb_build_array(jsonb_build_object(
            'executionSuccessful', notifications IS NULL, 'toolExecutionNotifications', coalesce(notifications, '[]'))),
        'results', coalesce(results, '[]'))));
COMMENT ON FUNCTION schemaguard.sg_sarif(jsonb, jsonb, jsonb) IS 'returns a document of SARIF 2.1.0';

-- The finding of a rule is in no file, so its place is a logical location; a rule that could not be run is a notification.
CREATE FUNCTION sg_lint_sarif(schemas schemaguard.names DEFAULT NULL) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET row_security = on
BEGIN ATOMIC
    WITH found AS MATERIALIZED (
        SELECT f.*, f.severity = 'unknown' AS unknown FROM schemaguard.sg_lint_found(schemas, false) WITH ORDINALITY f),
    rules AS (
        SELECT f.rule, row_number() OVER (ORDER BY f.rule COLLATE "C") - 1 AS place,
               coalesce(min(f.severity) FILTER (WHERE NOT f.unknown), 'none') AS level,
               min(concat(schemaguard.sg_lint_whose(f.author, r.author_id), coalesce(r.message, f.rule))) AS message
        FROM found f LEFT JOIN schemaguard.lint_rule r ON r.name = f.rule
             AND r.source = CASE WHEN f.author IS NULL THEN 'shipped' ELSE 'user' END
        GROUP BY f.rule)
    SELECT schemaguard.sg_sarif(
        (SELECT jsonb_agg(schemaguard.sg_sarif_rule(r.rule, r.level, r.message) ORDER BY r.place) FROM rules r),
        (SELECT jsonb_agg(jsonb_build_object(
             'ruleId', f.rule, 'ruleIndex', r.place, 'level', f.severity, 'message', schemaguard.sg_sarif_text(f.message),
             'locations', jsonb_build_array(jsonb_build_object(
                 'logicalLocations', jsonb_build_array(jsonb_build_object('fullyQualifiedName', f.object)))),
             'partialFingerprints', jsonb_build_object('object/v1', md5(concat_ws(E'\n', f.rule, f.object))),
             'properties', jsonb_build_object('fix', f.fix, 'author', f.author)) ORDER BY f.ordinality)
         FROM found f JOIN rules r ON r.rule = f.rule WHERE NOT f.unknown),
        (SELECT jsonb_agg(jsonb_build_object('level', 'error', 'message', schemaguard.sg_sarif_text(f.message),
                                             'associatedRule', jsonb_build_object('id', f.rule, 'index', r.place)) ORDER BY f.ordinality)
         FROM found f JOIN rules r ON r.rule = f.rule WHERE f.unknown));
END;
COMMENT ON FUNCTION sg_lint_sarif(schemaguard.names) IS 'returns the findings of sg_lint() as SARIF 2.1.0';
