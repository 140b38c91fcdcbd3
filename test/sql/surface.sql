-- What can be reached from outside: every function, relation and setting, whose it is, who may use it, and in whose name it runs.
-- A change here is a change of what a stranger can do: read the difference as that.
-- rooms: base log
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\pset format unaligned
\pset null '-'

CREATE TEMPORARY VIEW member AS
  SELECT d.classid, d.objid, e.extowner, e.extnamespace
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
   WHERE e.extname = 'schemaguard' AND d.deptype = 'e';
-- To whom an ACL gives something besides the owner. Names are sorted as type name, which has one order everywhere.
CREATE FUNCTION pg_temp.others(acl aclitem[], owner oid) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(who || ': ' || what, '; ' ORDER BY who::name)
    FROM (SELECT coalesce(nullif(grantee, 0)::regrole::text, 'PUBLIC') AS who, string_agg(lower(privilege_type), ', ' ORDER BY privilege_type) AS what
            FROM aclexplode(acl) WHERE grantee <> owner GROUP BY 1) g $$;

-- functions
SELECT (CASE p.pronamespace WHEN m.extnamespace THEN '' ELSE p.pronamespace::regnamespace || '.' END || p.proname)::name AS routine,
       p.proowner = m.extowner AS extension_owns, p.provolatile AS volatile, p.prosecdef AS definer, l.lanname AS language,
       pg_temp.others(coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner) AS others, p.proconfig AS config
  FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
       JOIN pg_language l ON l.oid = p.prolang
 ORDER BY 1;

-- What PUBLIC may call of schema schemaguard, and why: somebody's own statement runs it as who calls. Whatever nobody needs so is
-- the extension's alone. One that the library calls, or that a user's trigger does, is named here.
CREATE TEMPORARY TABLE needed (name name, by text);
INSERT INTO needed VALUES
  ('sg_archive_live_children', 'triggers of users'' tables'), ('sg_refuse_archived_parent', 'triggers of users'' tables'),
  ('sg_refuse_live_children', 'triggers of users'' tables'), ('sg_stamp_row', 'triggers of users'' tables'),
  ('sg_discovered_steps', 'sg_plan_from_discovery()'), ('sg_discovery_indexed', 'sg_discover_fks()'), ('sg_discovery_keys', 'sg_discover_fks()'),
  ('sg_discovery_rules', 'sg_discover_fks()'), ('sg_discovery_tables', 'sg_discover_fks()'), ('sg_server_check', 'sg_plan_check()'),
  ('sg_snapshot_probe', 'sg_snapshot_take()'), ('sg_snapshot_statement', 'sg_snapshot_take()'), ('sg_sync_rows', 'sg_sync_check()'), ('sg_replay', 'sg_snapshot_from_files()'),
  ('sg_ensure_critical', 'sg_ensure()'), ('sg_ensure_list', 'sg_ensure()'), ('sg_ensure_names', 'sg_ensure()'),
  ('sg_ensure_result', 'sg_ensure()'), ('sg_ensure_verdict', 'sg_ensure()'), ('sg_sync_steps', 'sg_sync_apply()'), ('sg_sync_write', 'sg_compare_fks()'), ('sg_promotion_made', 'sg_promote()'), ('sg_promotion_import', 'sg_promote_apply()'),
  ('sg_sync_lookup_beyond', 'sg_promote_apply()'), ('sg_promotion_strange', 'sg_promote_apply()'), ('sg_promotion_gate', 'sg_promote_apply()'), ('sg_promotion_note', 'sg_promote_apply()'), ('sg_promotion_findings', 'sg_promotion_check()'),
  ('sg_promotion_status_body', 'sg_body()'),
  ('sg_names_in', 'arguments'), ('sg_names_out', 'arguments'), ('sg_table_name_in', 'arguments'), ('sg_table_name_out', 'arguments'),
  ('sg_steps_in', 'arguments'), ('sg_steps_out', 'arguments'),
  ('sg_discover_fks_body', 'sg_body()'), ('sg_plan_add_archive_columns_body', 'sg_body()'), ('sg_plan_add_audit_columns_body', 'sg_body()'),
  ('sg_sync_files_body', 'sg_body()'), ('sg_migration_history_body', 'sg_body()'), ('sg_files_history_body', 'sg_body()'), ('sg_lookup_counts', 'sg_drift()'),
  ('sg_plan_isolate_body', 'sg_body()'), ('sg_plan_retarget_body', 'sg_body()'), ('sg_sync_sql_body', 'sg_body()'), ('sg_report_body', 'sg_body()'),
  ('sg_plan_explain_body', 'sg_body()'), ('sg_graph_body', 'sg_body()'), ('sg_schema_doc_body', 'sg_body()'), ('sg_lint_found_body', 'sg_body()'), ('sg_lint_sql_body', 'sg_body()'), ('sg_dashboard_body', 'sg_body()'), ('sg_watch_body', 'sg_body()'),
  ('sg_stats_figures', 'sg_stats_take()'),
  ('sg_discover_unmatched', 'people, rarely'), ('sg_measure_overhead', 'people, rarely'), ('sg_plan_hash', 'people, rarely');
WITH callable AS (
  SELECT p.oid, p.proname FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
   WHERE p.pronamespace = 'schemaguard'::regnamespace AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0)),
texts AS MATERIALIZED (
  SELECT p.proname AS name, concat(p.prosrc, pg_get_function_sqlbody(p.oid)) AS body FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
    JOIN pg_language l ON l.oid = p.prolang AND l.lanname <> 'c'
  UNION ALL SELECT c.relname, pg_get_viewdef(c.oid) FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass AND c.relkind = 'v'
  UNION ALL SELECT o.polname, pg_get_expr(o.polqual, o.polrelid) FROM pg_policy o JOIN member m ON m.objid = o.polrelid AND m.classid = 'pg_class'::regclass)
SELECT c.proname AS routine, coalesce(n.by, (SELECT string_agg(DISTINCT t.name, ', ' ORDER BY t.name) FROM texts t WHERE t.name <> c.proname AND t.body LIKE '%' || c.proname || '(%' AND t.body ~ ('\m' || c.proname || '\M\(')), 'NOBODY') AS needed_by
  FROM callable c LEFT JOIN needed n ON n.name = c.proname
 ORDER BY 1;
SELECT name AS named_in_vain FROM needed n WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.proname = n.name AND p.pronamespace = 'schemaguard'::regnamespace);
-- The parts of sg_sync_check() do nothing for any other caller.
SELECT schemaguard.sg_scratch_open('', NULL);
SELECT schemaguard.sg_scratch_run('[{}]', true, 'select 1');
SELECT schemaguard.sg_scratch_ask('select 1');
SELECT schemaguard.sg_scratch_close();

-- relations
-- A view that is neither its reader's (security_invoker) nor a security_barrier asks functions of its reader's about rows that it hides.
SELECT c.relname AS relation, c.relkind AS kind, c.relowner = m.extowner AS extension_owns, c.relrowsecurity AS rows_apart,
       (SELECT string_agg(o, ',') FROM unnest(c.reloptions) o WHERE o LIKE 'security%') AS security,
       pg_temp.others(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)), c.relowner) AS others
  FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
 WHERE c.relkind <> 'i'
 ORDER BY 1;
SELECT c.relname AS open_view FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
 WHERE c.relkind IN ('v', 'm') AND NOT coalesce(c.reloptions && '{security_invoker=true,security_barrier=true}', false);
SELECT p.proname AS runs_as_its_owner FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass WHERE p.prosecdef OR p.proleakproof;

-- row security, and triggers
SELECT polrelid::regclass::text::name AS relation, polname, polcmd, polroles = '{0}' AS everybody, pg_get_expr(polqual, polrelid) AS rows
  FROM pg_policy JOIN member m ON m.objid = polrelid AND m.classid = 'pg_class'::regclass
 ORDER BY 1, 2;
SELECT tgrelid::regclass::text::name AS relation, tgname, tgfoid::regproc AS function, tgenabled AS enabled
  FROM pg_trigger JOIN member m ON m.objid = tgrelid AND m.classid = 'pg_class'::regclass
 WHERE NOT tgisinternal
 ORDER BY 1, 2;

-- members of any other kind
SELECT m.classid::regclass::text::name AS catalog, count(*) FROM member m
 WHERE m.classid NOT IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass)
 GROUP BY 1 ORDER BY 1;

-- Everything has a comment, and the schema that is on people's search_path holds what they call and nothing else: this list.
SELECT pg_describe_object(m.classid, m.objid, coalesce(a.attnum, 0))::name AS without_comment
  FROM member m
       LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
       LEFT JOIN LATERAL (SELECT 0 AS attnum UNION ALL
                          SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a ON c.oid IS NOT NULL
 WHERE (m.classid IN ('pg_proc'::regclass, 'pg_namespace'::regclass) OR c.relkind IN ('r', 'v'))
       AND coalesce(obj_description(m.objid, m.classid::regclass::name), '') = '' AND coalesce(a.attnum, 0) = 0
       OR a.attnum > 0 AND c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL
 ORDER BY 1;
SELECT pg_describe_object(m.classid, m.objid, 0)::name AS not_called_by_people
  FROM member m JOIN pg_depend d ON d.classid = m.classid AND d.objid = m.objid AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = m.extnamespace
 WHERE m.classid <> 'pg_proc'::regclass
 ORDER BY 1;

-- settings
LOAD 'schemaguard';
SELECT name, context, vartype, unit, boot_val FROM pg_settings WHERE name LIKE 'schemaguard.%' ORDER BY name::name;
