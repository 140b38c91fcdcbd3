-- Documentation of a schema: a page of all tables, or a page each. It has the catalogs' facts about them, in a fixed order, and
-- nothing that changes while the schema does not, so that it can be kept in git. 98_report_write.sql writes it.
--
-- A table is left out, and named, for who has no privilege on it or on its schema, as in information_schema.

-- No two names have the same word, and any word can be a file on any system, an argument of a shell's command and the end of a link.
CREATE FUNCTION schemaguard.sg_doc_word(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN name COLLATE "C" ~ '^[a-z0-9_]+$' AND name !~ '^(con|prn|aux|nul|(com|lpt)[0-9])$' THEN name
            ELSE regexp_replace(regexp_replace(lower(name COLLATE "C"), '[^a-z0-9_]', '-', 'g'), '^-', '_') || '-'
                 || left(md5(name), 8) END;
COMMENT ON FUNCTION schemaguard.sg_doc_word(text)
    IS 'returns a name as part of a link or file name: the name itself if it has only a-z, 0-9 and _';

CREATE FUNCTION schemaguard.sg_doc_id(schema_name text, table_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN schemaguard.sg_doc_word(schema_name) || '.' || schemaguard.sg_doc_word(table_name);
COMMENT ON FUNCTION schemaguard.sg_doc_id(text, text) IS 'returns the target of links to a table';

CREATE FUNCTION schemaguard.sg_doc_visible(relid oid, owner oid, namespace oid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(has_schema_privilege(namespace, 'USAGE')
                AND (pg_has_role(owner, 'USAGE')
                     OR has_table_privilege(relid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                     OR has_any_column_privilege(relid, 'SELECT, INSERT, UPDATE, REFERENCES')), false);
COMMENT ON FUNCTION schemaguard.sg_doc_visible(oid, oid, oid) IS 'tells whether the caller may see the structure of a table';

CREATE FUNCTION schemaguard.sg_doc_tables(schemas text[], OUT oid oid, OUT id text, OUT schema_name text, OUT table_name text,
    OUT name text, OUT module text, OUT kind text, OUT facts text, OUT remark text, OUT visible boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.oid, schemaguard.sg_doc_id(n.nspname, c.relname), n.nspname, c.relname, f.name,
           coalesce(schemaguard.sg_module_of(f.name), n.nspname),
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view'
                          ELSE 'materialized view' END,
           CASE WHEN v.visible THEN nullif(concat_ws(' ',
               CASE WHEN c.relkind = 'p' THEN format('Partitioned by %s.', pg_get_partkeydef(c.oid)) END,
               CASE WHEN c.relpersistence = 'u' THEN 'Unlogged.' END,
               'Inherits from ' || (SELECT string_agg(format('%I.%I', pn.nspname, p.relname), ', ' ORDER BY i.inhseqno)
                                    FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
                                         JOIN pg_namespace pn ON pn.oid = p.relnamespace
                                    WHERE i.inhrelid = c.oid) || '.',
               CASE WHEN c.relforcerowsecurity AND c.relrowsecurity THEN 'Row security is on, for the owner as well.'
                    WHEN c.relrowsecurity THEN 'Row security is on.' END), '') END,
           d.description, v.visible
    FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname)) f (name)
         CROSS JOIN LATERAL (SELECT schemaguard.sg_doc_visible(c.oid, c.relowner, n.oid)) v (visible)
         LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition
      AND n.nspname !~ '^(pg_|information_schema$|schemaguard$)' AND n.oid NOT IN (SELECT k.oid FROM schemaguard.attic k)
      AND (schemas IS NULL OR n.nspname = ANY (schemas))
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');
END;
COMMENT ON FUNCTION schemaguard.sg_doc_tables(text[])
    IS 'returns tables and views of users'' schemas, without partitions; by name only if not visible to the caller';

CREATE FUNCTION schemaguard.sg_doc_columns(tables oid[], OUT relid oid, OUT place int, OUT title text, OUT columns text[], OUT rows jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.attrelid, 1, 'Columns', '{Column,Type,Not null,Default,Comment}'::text[],
           jsonb_agg(jsonb_build_array(a.attname,
               format_type(a.atttypid, a.atttypmod)
                   || CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %I.%I', n.nspname, l.collname) ELSE '' END,
               CASE WHEN a.attnotnull THEN 'yes' END,
               -- without a table the server locks none
               CASE WHEN a.attidentity = 'a' THEN 'identity, always' WHEN a.attidentity = 'd' THEN 'identity, by default'
                    WHEN a.attgenerated = '' THEN pg_get_expr(e.adbin, 0)
                    ELSE 'generated: ' || pg_get_expr(e.adbin, a.attrelid) END,
               d.description) ORDER BY a.attnum)
    FROM unnest(tables) o (oid)
         JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
         JOIN pg_type t ON t.oid = a.atttypid
         LEFT JOIN pg_collation l ON l.oid = a.attcollation
         LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
         LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
         LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
    GROUP BY a.attrelid;
END;
COMMENT ON FUNCTION schemaguard.sg_doc_columns(oid[]) IS 'returns the part of the pages of tables on columns';

-- Both ends of a key; those of partitions are their roots'
CREATE FUNCTION schemaguard.sg_doc_keys(tables oid[], OUT relid oid, OUT place int, OUT title text, OUT columns text[], OUT rows jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH shown AS MATERIALIZED (
        SELECT o.oid FROM unnest(tables) o (oid)),
    key AS MATERIALIZED (
        SELECT k.conrelid, k.confrelid, k.conname, pg_get_constraintdef(k.oid) AS definition, d.description
        FROM pg_constraint k
             LEFT JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid
        WHERE k.contype = 'f' AND k.conparentid = 0
          AND (k.conrelid IN (SELECT s.oid FROM shown s) OR k.confrelid IN (SELECT s.oid FROM shown s))),
    link AS MATERIALIZED (                      -- what is not on the page is named
        SELECT c.oid, f.name, schemaguard.sg_doc_visible(c.oid, c.relowner, n.oid) AS visible,
               CASE WHEN s.oid IS NULL THEN to_jsonb(f.name)
                    ELSE jsonb_build_object('text', f.name, 'to', schemaguard.sg_doc_id(n.nspname, c.relname)) END AS link
        FROM (SELECT k.conrelid AS oid FROM key k UNION SELECT k.confrelid FROM key k) e
             JOIN pg_class c ON c.oid = e.oid
             JOIN pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, c.relname)) f (name)
             LEFT JOIN shown s ON s.oid = c.oid)
    SELECT k.conrelid, 2, 'Foreign keys', '{Key,Refers to,Definition,Comment}'::text[],
           jsonb_agg(jsonb_build_array(k.conname, l.link, k.definition, k.description) ORDER BY k.conname COLLATE "C")
    FROM key k JOIN shown s ON s.oid = k.conrelid JOIN link l ON l.oid = k.confrelid GROUP BY k.conrelid
    UNION ALL
    SELECT k.confrelid, 3, 'Referred to by', '{Table,Key,Definition}',
           jsonb_agg(jsonb_build_array(l.link, k.conname, CASE WHEN l.visible THEN k.definition END)
                     ORDER BY l.name COLLATE "C", k.conname COLLATE "C")
    FROM key k JOIN shown s ON s.oid = k.confrelid JOIN link l ON l.oid = k.conrelid GROUP BY k.confrelid;
END;
COMMENT ON FUNCTION schemaguard.sg_doc_keys(oid[]) IS 'returns the parts of the pages of tables on foreign keys, from and to the table';

-- Shows the constraint of a constraint's index, and for any other index the text after its names
CREATE FUNCTION schemaguard.sg_doc_indexes(tables oid[], OUT relid oid, OUT place int, OUT title text, OUT columns text[], OUT rows jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH index AS MATERIALIZED (
        SELECT x.indrelid, i.relname, k.oid AS of_constraint, x.indisunique, x.indisvalid, coalesce(c.description, d.description) AS remark,
               CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.oid) ELSE pg_get_constraintdef(k.oid) END AS definition,
               format('CREATE %sINDEX %I ON %s%I.%I USING ', CASE WHEN x.indisunique THEN 'UNIQUE ' END, i.relname,
                      CASE WHEN t.relkind = 'p' THEN 'ONLY ' END, n.nspname, t.relname) AS head
        FROM unnest(tables) o (oid)
             JOIN pg_index x ON x.indrelid = o.oid
             JOIN pg_class i ON i.oid = x.indexrelid
             JOIN pg_class t ON t.oid = x.indrelid
             JOIN pg_namespace n ON n.oid = t.relnamespace
             LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = x.indrelid AND k.contype IN ('p', 'u', 'x')
             LEFT JOIN pg_description c ON c.classoid = 'pg_constraint'::regclass AND c.objoid = k.oid
             LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = i.oid AND d.objsubid = 0)
    SELECT i.indrelid, 4, 'Indexes', '{Index,Definition,Comment}'::text[],
           jsonb_agg(jsonb_build_array(i.relname,
               CASE WHEN starts_with(i.definition, i.head)
                    THEN CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END || substr(i.definition, length(i.head) + 1)
                    ELSE i.definition END || CASE WHEN i.indisvalid THEN '' ELSE ' (not valid)' END,
               i.remark) ORDER BY i.of_constraint IS NULL, i.relname COLLATE "C")
    FROM index i GROUP BY i.indrelid;
END;
COMMENT ON FUNCTION schemaguard.sg_doc_indexes(oid[])
    IS 'returns the part of the pages of tables on indexes, with primary, unique and exclusion constraints';

CREATE FUNCTION schemaguard.sg_doc_rules(tables oid[], OUT relid oid, OUT place int, OUT title text, OUT columns text[], OUT rows jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT k.conrelid, 5, 'Checks', '{Check,Definition,Comment}'::text[],
           jsonb_agg(jsonb_build_array(k.conname, pg_get_constraintdef(k.oid), d.description) ORDER BY k.conname COLLATE "C")
    FROM unnest(tables) o (oid) JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype = 'c'
         LEFT JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid
    GROUP BY k.conrelid
    UNION ALL
    SELECT p.polrelid, 6, 'Policies', '{Policy,Kind,Command,Roles,Using,With check,Comment}',
           jsonb_agg(jsonb_build_array(p.polname, CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
               CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'all' END,
               (SELECT string_agg(coalesce(quote_ident(r.rolname), 'PUBLIC'), ', ' ORDER BY r.rolname COLLATE "C")
                FROM unnest(p.polroles) u (oid) LEFT JOIN pg_roles r ON r.oid = u.oid),
               pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), d.description) ORDER BY p.polname COLLATE "C")
    FROM unnest(tables) o (oid) JOIN pg_policy p ON p.polrelid = o.oid
         LEFT JOIN pg_description d ON d.classoid = 'pg_policy'::regclass AND d.objoid = p.oid
    GROUP BY p.polrelid
    UNION ALL
    SELECT t.tgrelid, 7, 'Triggers', '{Trigger,Definition,Comment}',
           jsonb_agg(jsonb_build_array(t.tgname, pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'D' THEN ' (disabled)'
               WHEN 'R' THEN ' (on replicas)' WHEN 'A' THEN ' (always)' ELSE '' END, d.description) ORDER BY t.tgname COLLATE "C")
    FROM unnest(tables) o (oid) JOIN pg_trigger t ON t.tgrelid = o.oid AND NOT t.tgisinternal
         LEFT JOIN pg_description d ON d.classoid = 'pg_trigger'::regclass AND d.objoid = t.oid
    GROUP BY t.tgrelid;
END;
COMMENT ON FUNCTION schemaguard.sg_doc_rules(oid[]) IS 'returns the parts of the pages of tables on checks, policies and triggers';

-- Returns figures as of the last VACUUM and ANALYZE; those of a partitioned table are the sums of its partitions
CREATE FUNCTION schemaguard.sg_doc_figures(tables oid[], OUT relid oid, OUT rows text, OUT size text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE part (root, oid) AS (
        SELECT u.oid, u.oid FROM unnest(tables) u (oid)
        UNION ALL
        SELECT p.root, i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
        WHERE c.relispartition),
    leaf AS (
        SELECT p.root, c.oid, c.reltoastrelid, c.reltuples FROM part p JOIN pg_class c ON c.oid = p.oid WHERE c.relkind IN ('r', 'f', 'm')),
    stored AS (
        SELECT l.root, s.oid FROM leaf l CROSS JOIN LATERAL (VALUES (l.oid), (l.reltoastrelid)) s (oid)
        UNION ALL
        SELECT l.root, x.indexrelid FROM leaf l JOIN pg_index x ON x.indrelid IN (l.oid, l.reltoastrelid)),
    size AS (
        SELECT s.root, sum(c.relpages::bigint) * current_setting('block_size')::bigint AS bytes
        FROM stored s JOIN pg_class c ON c.oid = s.oid GROUP BY s.root)
    SELECT l.root, CASE WHEN bool_or(l.reltuples < 0) THEN 'unknown' ELSE sum(l.reltuples)::numeric(40, 0)::text END,
           CASE WHEN bool_or(l.reltuples < 0) THEN 'unknown' ELSE pg_size_pretty(s.bytes) END
    FROM leaf l JOIN size s ON s.root = l.root GROUP BY l.root, s.bytes;
END;
COMMENT ON FUNCTION schemaguard.sg_doc_figures(oid[]) IS 'returns rows and sizes of tables by the catalogs'' estimates';

-- The sections about groups of tables, place 0, and about each table, in their order
CREATE FUNCTION schemaguard.sg_doc_sections(schemas text[], figures boolean, OUT module text, OUT id text, OUT name text, OUT n bigint,
    OUT section jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH listed AS MATERIALIZED (
        SELECT t.* FROM schemaguard.sg_doc_tables(schemas) t),
    shown AS MATERIALIZED (
        SELECT l.*, f.rows, f.size
        FROM listed l
             LEFT JOIN schemaguard.sg_doc_figures(CASE WHEN figures THEN ARRAY(SELECT v.oid FROM listed v WHERE v.visible) END) f
                 ON f.relid = l.oid
        WHERE l.visible),
    ids AS MATERIALIZED (
        SELECT ARRAY(SELECT s.oid FROM shown s) AS all),
    part AS (
        SELECT p.* FROM ids i, schemaguard.sg_doc_columns(i.all) p
        UNION ALL SELECT p.* FROM ids i, schemaguard.sg_doc_keys(i.all) p
        UNION ALL SELECT p.* FROM ids i, schemaguard.sg_doc_indexes(i.all) p
        UNION ALL SELECT p.* FROM ids i, schemaguard.sg_doc_rules(i.all) p),
    section AS (
        SELECT s.module, NULL AS id, NULL AS name, NULL AS schema_name, NULL AS table_name, 0 AS place,
               jsonb_build_object('title', s.module, 'note', min(d.description),
                   'columns', '{Table,Kind,Comment}' || CASE WHEN figures THEN '{Rows,Size}' ELSE '{}'::text[] END,
                   'rows', jsonb_agg(jsonb_build_array(jsonb_build_object('text', s.name, 'to', s.id), s.kind, s.remark)
                                     || CASE WHEN figures THEN jsonb_build_array(s.rows, s.size) ELSE '[]' END
                                     ORDER BY s.schema_name COLLATE "C", s.table_name COLLATE "C")) AS section
        FROM shown s LEFT JOIN pg_namespace e ON e.nspname = s.module
             LEFT JOIN pg_description d ON d.classoid = 'pg_namespace'::regclass AND d.objoid = e.oid
        GROUP BY s.module
        UNION ALL
        SELECT e.nspname, NULL, NULL, NULL, NULL, 0,
               jsonb_build_object('title', e.nspname, 'note', obj_description(e.oid, 'pg_namespace'), 'columns', '{Table}'::text[],
                                  'rows', '[]'::jsonb)
        FROM pg_namespace e
        WHERE e.nspname = ANY (schemas) AND NOT EXISTS (SELECT FROM listed l WHERE l.schema_name = e.nspname)
        UNION ALL
        SELECT s.module, s.id, s.name, s.schema_name, s.table_name, 0,
               jsonb_build_object('title', s.name, 'note', s.remark, 'level', 3, 'id', s.id, 'of', s.id)
        FROM shown s
        UNION ALL
        SELECT s.module, s.id, s.name, s.schema_name, s.table_name, p.place,
               jsonb_build_object('title', p.title, 'note', CASE p.place WHEN 1 THEN s.facts END, 'level', 4, 'of', s.id, 'name', s.name,
                                  'columns', p.columns, 'rows', p.rows)
        FROM shown s JOIN part p ON p.relid = s.oid)
    SELECT s.module, s.id, s.name, row_number() OVER (ORDER BY s.module COLLATE "C", s.id IS NOT NULL, s.schema_name COLLATE "C",
                                                      s.table_name COLLATE "C", s.place), s.section
    FROM section s;
END;
COMMENT ON FUNCTION schemaguard.sg_doc_sections(text[], boolean) IS 'returns the sections of the documentation of schemas, in order';

-- Returns the end of the first page: tables that are left out, and on request the findings of lint
CREATE FUNCTION schemaguard.sg_doc_end(schemas text[], findings boolean) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT coalesce((SELECT jsonb_build_array(jsonb_build_object('title', 'Left out',
                         'note', format('Role %s has no privilege on these, or on their schemas.', current_user),
                         'columns', '{Table}'::text[],
                         'rows', jsonb_agg(jsonb_build_array(t.name) ORDER BY t.schema_name COLLATE "C", t.table_name COLLATE "C")))
                     FROM schemaguard.sg_doc_tables(schemas) t WHERE NOT t.visible HAVING count(*) > 0), '[]')
           || CASE WHEN findings
                   THEN (SELECT jsonb_build_array(jsonb_build_object('title', 'Findings', 'note', 'By sg_lint().',
                                    'columns', '{Severity,Rule,Object,Message,Fix}'::text[],
                                    'rows', coalesce(jsonb_agg(jsonb_build_array(f.severity, f.rule, f.object, f.message, f.fix)
                                                               ORDER BY f.n), '[]')))
                         FROM schemaguard.sg_lint_found(schemas::schemaguard.names, false)
                              WITH ORDINALITY f (severity, rule, object, message, fix, author, own_fix, n))
                   ELSE '[]' END;
END;
COMMENT ON FUNCTION schemaguard.sg_doc_end(text[], boolean) IS 'returns the last sections of the documentation of schemas';

-- Names and constants are written in one way, whatever the session says of them. The server locks a table for expressions in its
-- definitions; without one of them the page would change while the schema does not, so that it fails.
CREATE FUNCTION schemaguard.sg_schema_doc_body(schemas schemaguard.names, format text, figures boolean, findings boolean,
    OUT path text, OUT content text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET jit = off SET row_security = on SET quote_all_identifiers = off SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres'
SET timezone = 'UTC' SET bytea_output = 'hex' SET extra_float_digits = 1 SET lc_monetary = 'C' SET xmlbinary = 'base64'
SET lock_timeout = 0
AS $$
DECLARE
    names text[] := schemaguard.sg_schemas(schemas);
    page jsonb;
    locked text;
BEGIN
    PERFORM schemaguard.sg_check_word('format', format, '{markdown,files,html}'),
            set_config('lock_timeout', current_setting('schemaguard.lock_timeout'), true);
    page := jsonb_build_object(
        'title', coalesce('Schema ' || (SELECT string_agg(n, ', ' ORDER BY n COLLATE "C") FROM unnest(names) n), 'Database schema'),
        'lead', jsonb_build_array('By sg_schema_doc(): what the catalogs say of tables and views.'
                                  || CASE WHEN figures THEN ' Rows and sizes are their estimates.' ELSE '' END));
    IF format = 'files' THEN
        RETURN QUERY
            WITH section AS MATERIALIZED (
                SELECT s.* FROM schemaguard.sg_doc_sections(names, figures) s)
            SELECT 'README.md', schemaguard.sg_page_markdown(page || jsonb_build_object('base', '', 'sections',
                       coalesce((SELECT jsonb_agg(s.section ORDER BY s.n) FROM section s WHERE s.id IS NULL), '[]')
                       || schemaguard.sg_doc_end(names, findings)))
            UNION ALL
            (SELECT replace(s.id, '.', '/') || '.md', schemaguard.sg_page_markdown(jsonb_build_object('title', s.name, 'base', '../',
                        'lead', coalesce(jsonb_agg(s.section -> 'note')
                                         FILTER (WHERE s.section ? 'id' AND s.section ->> 'note' <> ''), '[]'),
                        'sections', coalesce(jsonb_agg(s.section || '{"level": 2}' ORDER BY s.n)
                                             FILTER (WHERE NOT s.section ? 'id'), '[]')))
             FROM section s WHERE s.id IS NOT NULL GROUP BY s.id, s.name ORDER BY min(s.n));
        RETURN;
    END IF;
    page := page || jsonb_build_object('sections', coalesce((SELECT jsonb_agg(s.section ORDER BY s.n)
                                                             FROM schemaguard.sg_doc_sections(names, figures) s), '[]')
                                                   || schemaguard.sg_doc_end(names, findings));
    path := CASE format WHEN 'html' THEN 'schema.html' ELSE 'schema.md' END;
    content := CASE format WHEN 'html' THEN schemaguard.sg_page_html(page || '{"search": "Search tables"}')
                           ELSE schemaguard.sg_page_markdown(page) END;
    RETURN NEXT;
EXCEPTION WHEN lock_not_available THEN
    -- who waits for such a lock is in the way, too; by now it may be free
    SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.relname), ', ') INTO locked
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid() AND (names IS NULL OR n.nspname = ANY (names))
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_';
    RAISE lock_not_available USING MESSAGE = format('a table was locked for longer than schemaguard.lock_timeout, %s',
                                                    current_setting('schemaguard.lock_timeout'))
            || coalesce(': ' || locked, ''),
        HINT = E'Make the page again, or wait longer before that:\nSET schemaguard.lock_timeout = ''10s'';';
END $$;
COMMENT ON FUNCTION schemaguard.sg_schema_doc_body(schemaguard.names, text, boolean, boolean) IS 'does the work of sg_schema_doc()';

CREATE FUNCTION sg_schema_doc(schemas schemaguard.names DEFAULT NULL, format text DEFAULT 'markdown', figures boolean DEFAULT false,
    findings boolean DEFAULT false, OUT path text, OUT content text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_schema_doc(schemaguard.names, text, boolean, boolean)
    IS 'returns documentation of tables and views with columns, keys and rules: a page in Markdown or HTML, or files for git';
