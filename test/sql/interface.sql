-- The public interface: names, arguments, result columns and their order, which only ever grow at the end
-- needs: pgtap
-- rooms: base
\set ECHO none
\set QUIET on
\pset format unaligned
\pset tuples_only on
\pset pager off
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE EXTENSION IF NOT EXISTS pgtap;
RESET client_min_messages;

BEGIN;
SELECT no_plan();

-- functions and procedures, by signature
SELECT is(pg_get_function_arguments(f::regprocedure), arguments, f || ' has the arguments of the interface')
FROM (VALUES
  ('sg_plan_create(text, text, boolean)', 'plan text, description text DEFAULT ''''::text, replace boolean DEFAULT false'),
  ('sg_plan_from_sql(text, text, boolean)', 'plan text, script text, strict boolean DEFAULT false'),
  ('sg_plan_set(text, schemaguard.steps, jsonb)', 'plan text, steps schemaguard.steps, options jsonb'),
  ('sg_plan_skip(text, schemaguard.steps, text, boolean)', 'plan text, steps schemaguard.steps, reason text DEFAULT NULL::text, done boolean DEFAULT false'),
  ('sg_plan_drop(text, boolean)', 'plan text, force boolean DEFAULT false'),
  ('sg_plan_export(text)', 'plan text'),
  ('sg_plan_import(text, anycompatible)', 'plan text, document anycompatible'),
  ('sg_plan_from_discovery(text, float8)', 'plan text, min_score double precision DEFAULT 0.8'),
  ('sg_plan_sql(text, schemaguard.steps)', 'plan text, steps schemaguard.steps DEFAULT NULL::schemaguard.steps'),
  ('sg_plan_approve(text, text)', 'plan text, hash text DEFAULT NULL::text'),
  ('schemaguard.sg_plan_hash(text)', 'plan text'),
  ('sg_plan_allow(text, text, boolean)', 'plan text, role text, allowed boolean DEFAULT true'),
  ('sg_capture_ddl(boolean)', 'enabled boolean'),
  ('sg_guard_ddl(text, schemaguard.names, schemaguard.names)', 'mode text, schemas schemaguard.names DEFAULT NULL::schemaguard.names, roles schemaguard.names DEFAULT NULL::schemaguard.names'),
  ('sg_sync_apply(text, schemaguard.names, boolean, boolean, boolean, boolean, text, bigint, text)', 'IN reference text, IN schemas schemaguard.names DEFAULT NULL::schemaguard.names, IN allow_drop boolean DEFAULT false, IN partitions boolean DEFAULT false, IN fix boolean DEFAULT false, IN fail boolean DEFAULT true, IN plan text DEFAULT NULL::text, IN max_rows bigint DEFAULT NULL::bigint, IN renames text DEFAULT ''ask''::text'),
  ('sg_ensure(anycompatible, schemaguard.names, text, jsonb, boolean)', 'IN reference anycompatible, IN critical schemaguard.names DEFAULT NULL::schemaguard.names, IN mode text DEFAULT ''apply''::text, INOUT result jsonb DEFAULT NULL::jsonb, IN fail boolean DEFAULT false'),
  ('sg_promote(text, text, text, schemaguard.names, boolean, text, jsonb)', 'source text, target text, reference text DEFAULT NULL::text, schemas schemaguard.names DEFAULT NULL::schemaguard.names, allow_drop boolean DEFAULT false, renames text DEFAULT ''ask''::text, files jsonb DEFAULT ''{}''::jsonb, OUT bundle text, OUT changes bigint, OUT left_out bigint, OUT losses bigint, OUT findings bigint, OUT hash text, OUT next_call text'),
  ('sg_promotion_check(text)', 'bundle text, OUT result text, OUT part text, OUT object text, OUT reason text'),
  ('sg_promote_apply(text, text, boolean, bigint, boolean)', 'IN bundle text, IN confirm text DEFAULT NULL::text, IN fix boolean DEFAULT false, IN max_rows bigint DEFAULT NULL::bigint, IN fail boolean DEFAULT true'),
  ('sg_promote_rollback(text, text)', 'IN bundle text, IN confirm text DEFAULT NULL::text'),
  ('sg_promotion_approve(text, text)', 'bundle text, hash text'),
  ('sg_promotion_status()', 'OUT environment text, OUT ahead bigint, OUT behind bigint, OUT waiting bigint, OUT since timestamp with time zone, OUT author text, OUT blocked_by text, OUT next_call text'),
  ('sg_rollback_fks(text, text, boolean, schemaguard.steps, text)', 'IN plan text, IN author text DEFAULT NULL::text, IN fail boolean DEFAULT false, IN steps schemaguard.steps DEFAULT NULL::schemaguard.steps, IN confirm text DEFAULT NULL::text'),
  ('sg_plan_from_snapshot(text, text)', 'plan text, reference text'),
  ('sg_sync_sql(text, text, schemaguard.names, boolean, boolean, text)', 'reference text, target text DEFAULT ''live''::text, schemas schemaguard.names DEFAULT NULL::schemaguard.names, allow_drop boolean DEFAULT false, partitions boolean DEFAULT false, renames text DEFAULT ''ask''::text'),
  ('sg_sync_files(text, text, text, text, text[], text, text, schemaguard.names, boolean, boolean, text)', 'reference text, target text, tool text, first text DEFAULT NULL::text, existing text[] DEFAULT NULL::text[], register text DEFAULT NULL::text, project text DEFAULT ''app''::text, schemas schemaguard.names DEFAULT NULL::schemaguard.names, allow_drop boolean DEFAULT false, partitions boolean DEFAULT false, renames text DEFAULT ''ask''::text, OUT path text, OUT content text'),
  ('sg_drift_check(text, text, boolean)', 'reference text, target text DEFAULT ''live''::text, fail boolean DEFAULT false'),
  ('sg_audit_gate(schemaguard.names, text, boolean, boolean)', 'IN schemas schemaguard.names DEFAULT NULL::schemaguard.names, IN plan text DEFAULT NULL::text, IN only_new boolean DEFAULT true, IN fail boolean DEFAULT true'),
  ('sg_drift_gate(text, text)', 'IN reference text, IN target text DEFAULT ''live''::text'),
  ('sg_snapshot_take(text, schemaguard.names, text, boolean)', 'snapshot text, schemas schemaguard.names DEFAULT NULL::schemaguard.names, server text DEFAULT NULL::text, sequence_values boolean DEFAULT false'),
  ('sg_snapshot_export(text)', 'snapshot text'),
  ('sg_snapshot_from_files(text, text[], text[], text, jsonb, text)', 'name text, paths text[], contents text[], tool text DEFAULT ''psql''::text, placeholders jsonb DEFAULT NULL::jsonb, data text DEFAULT ''run''::text'),
  ('sg_snapshot_import(text, anycompatible)', 'snapshot text, document anycompatible'),
  ('sg_snapshot_drop(text)', 'snapshot text')) AS v (f, arguments);

SELECT is(format_type(p.proallargtypes[n], NULL) || ' ' || p.proargnames[n], c.column, f || ': column ' || c.position)
FROM (VALUES
  ('sg_orphan_audit(schemaguard.table_name, text, boolean, int, schemaguard.names, schemaguard.steps)',
   '{schemaguard.table_name child,text plan,boolean inferred,integer samples,schemaguard.names schemas,schemaguard.steps steps,text result,text child_table,text fk_name,text parent_table,text state,bigint orphan_rows,text source,text reason}'::text[]),
  ('sg_plan_check(text, schemaguard.steps, boolean, text)',
   '{text plan,schemaguard.steps steps,boolean everything,text verify,integer step,text result,text object,text check_name,text detail,text hint}'),
  ('sg_discover_fks(schemaguard.table_name, float8, text, schemaguard.names)',
   '{schemaguard.table_name child,double precision min_score,text verify,schemaguard.names schemas,double precision score,text result,text child_table,text child_columns,text parent_table,text parent_columns,bigint orphan_rows,text why}'),
  ('sg_drift(text, text, schemaguard.names, boolean)',
   '{text reference,text target,schemaguard.names schemas,boolean cosmetic,text class,text risk,text change,text kind,text object,text property,text expected,text actual}'),
  ('sg_compare_fks(text, text, boolean)',
   '{text reference,text target,boolean everything,text recommendation,text risk,text run_on,text child_table,text fk_name,text reason}'),
  ('sg_verify_fks(text, boolean, schemaguard.steps)',
   '{text plan,boolean live,schemaguard.steps steps,text result,text child_table,text fk_name,text test,text expected,text observed,text reason}'),
  ('sg_rule_audit(schemaguard.table_name, text, text, int)',
   '{schemaguard.table_name child,text kind,text definition,integer samples,text result,text rule_name,text rule_kind,text rule_columns,bigint rows_checked,bigint violating_rows,text reason}'),
  ('sg_tenant_audit(text, schemaguard.table_name, schemaguard.names, int)',
   '{text tenant_column,schemaguard.table_name tenant_table,schemaguard.names schemas,integer samples,text result,text finding,text table_name,text fk_name,bigint leaking_rows,text reason}'),
  ('sg_snapshot_objects(text, schemaguard.names)',
   '{text snapshot,schemaguard.names schemas,text kind,text identity,text parent,text properties}'),
  ('sg_sync_check(text, text, schemaguard.names, boolean, boolean, text, text)',
   '{text reference,text target,schemaguard.names schemas,boolean allow_drop,boolean partitions,text server,text renames,text class,boolean left_out,text change,text kind,text object,text property,text expected,text actual}'),
  ('sg_impact(schemaguard.table_name, boolean)',
   '{schemaguard.table_name object,boolean internals,text certainty,text kind,text dependent,integer depth,text via,text on_drop,text on_change}'),
  ('sg_orphan_audit_details(schemaguard.table_name, text, boolean, int, schemaguard.names, schemaguard.steps)',
   '{schemaguard.table_name child,text plan,boolean inferred,integer samples,schemaguard.names schemas,schemaguard.steps steps,name fk_name,text result,text state,bigint orphan_rows,bigint orphan_keys,bigint rows_checked,text child_table,text[] child_columns,text parent_table,text[] parent_columns,text reason,text method,double precision elapsed_ms,text source,jsonb sample}'::text[]),
  ('sg_orphans(schemaguard.table_name, schemaguard.names, schemaguard.table_name, schemaguard.names, bigint)',
   '{schemaguard.table_name child,schemaguard.names columns,schemaguard.table_name parent,schemaguard.names parent_columns,bigint max_rows,regclass row_table,tid row_id,jsonb key,jsonb data}'),
  ('sg_tenant_audit_details(text, schemaguard.table_name, schemaguard.names, int)',
   '{text tenant_column,schemaguard.table_name tenant_table,schemaguard.names schemas,integer samples,text finding,text table_name,text fk_name,text[] columns,text result,bigint rows_checked,bigint leaking_rows,jsonb sample,text reason,text hint}'),
  ('sg_plan_check_details(text, schemaguard.steps, text)', '{text plan,schemaguard.steps steps,text verify,integer step,name fk_name,text check_name,text result,text detail,text hint}'),
  ('sg_fk_orphans(schemaguard.table_name, text, bigint)',
   '{schemaguard.table_name child,text fk_name,bigint max_rows,regclass row_table,tid row_id,jsonb key,jsonb data}'),
  ('sg_verify_fks_details(text, boolean, schemaguard.steps)',
   '{text plan,boolean live,schemaguard.steps steps,name fk_name,text test,text result,text expected,text observed,text child_table,text parent_table,text reason}'),
  ('schemaguard.sg_measure_overhead(text, int, int, schemaguard.steps)',
   '{text plan,integer sample,integer rounds,schemaguard.steps steps,integer step,name fk_name,text operation,double precision ratio,bigint rows,double precision without_us,double precision without_q1_us,double precision without_q3_us,double precision with_us,double precision with_q1_us,double precision with_q3_us,text child_table,text parent_table,text reason}'),
  ('sg_discover_fks_details(schemaguard.table_name, float8, text, schemaguard.names)',
   '{schemaguard.table_name child,double precision min_score,text verify,schemaguard.names schemas,double precision score,text result,text child_table,text[] child_columns,text parent_table,text[] parent_columns,bigint orphan_rows,bigint rows_checked,text why,text reason,text on_delete,text on_delete_reason,boolean index,text index_reason,jsonb evidence}'),
  ('sg_snapshot_objects_details(text, schemaguard.names)',
   '{text snapshot,schemaguard.names schemas,text kind,text identity,text parent,jsonb properties,bytea checksum,oid oid}'),
  ('sg_compare_fks_details(text, text)',
   '{text reference,text target,text child_table,text reference_name,text target_name,text status,text recommendation,text risk,text[] differences,text reason,text run_on,text level,jsonb counts,text reference_definition,text target_definition,text migration}'),
  ('sg_drift_matrix(schemaguard.names)', '{schemaguard.names names,text kind,text object,text result,text detail,json states}'),
  ('sg_impact_details(schemaguard.table_name, boolean)', '{schemaguard.table_name object,boolean internals,text kind,text dependent,text certainty,text on_drop,integer depth,text via,text on_change}'),
  ('sg_drift_details(text, text, schemaguard.names, boolean)',
   '{text reference,text target,schemaguard.names schemas,boolean cosmetic,text kind,text object,text change,text class,text risk,text property,text expected,text actual,text detail}'),
  ('schemaguard.sg_discover_unmatched(schemaguard.names)', '{schemaguard.names schemas,text table_name,text[] columns,text reason}')) AS v (f, columns),
  unnest(columns) WITH ORDINALITY AS c ("column", position),
  pg_proc p, LATERAL (SELECT c.position::int AS n) x
WHERE p.oid = f::regprocedure
ORDER BY f, c.position;

SELECT is(pronargdefaults::int, 17, 'sg_plan_add_fk: everything from parent_columns on has a default')
FROM pg_proc WHERE proname = 'sg_plan_add_fk';
SELECT is(pronargdefaults::int, 3, proname || ': three arguments have a default')
FROM pg_proc WHERE proname IN ('sg_verify_fks', 'sg_verify_fks_details', 'sg_measure_overhead') ORDER BY proname;
SELECT is(proargnames::text[],
  '{plan,child_table,child_columns,parent_table,parent_columns,fk_name,on_delete,on_update,priority,orphans,index,replaces,match,deferrable,initially_deferred,on_delete_columns,enforced,sentinel,quarantine_cascades,backfill,period}',
  'sg_plan_add_fk: names of the arguments')
FROM pg_proc WHERE proname = 'sg_plan_add_fk';
SELECT is(p.prokind::text, 'p', p.proname || ' is a procedure') FROM pg_proc p WHERE proname IN ('sg_add_fks', 'sg_apply', 'sg_audit_gate', 'sg_drift_gate', 'sg_ensure', 'sg_promote_apply', 'sg_promote_rollback', 'sg_prune', 'sg_fix_orphans', 'sg_restore_quarantine', 'sg_rollback_fks', 'sg_sync_apply') ORDER BY proname;
SELECT is(proargnames::text[], '{plan,validate,fix,author,fail,steps,max_rows}', 'sg_add_fks: names of the arguments') FROM pg_proc WHERE proname = 'sg_add_fks';
SELECT is(proargnames::text[], '{plan,validate,fix,author,fail,steps,confirm,max_rows}', 'sg_apply: names of the arguments') FROM pg_proc WHERE proname = 'sg_apply';
SELECT is(proargnames::text[], '{plan,batch,dry_run,author,fail,steps,confirm,max_rows}', 'sg_fix_orphans: names of the arguments') FROM pg_proc WHERE proname = 'sg_fix_orphans';
SELECT is(proargnames::text[], '{plan,plan_id,author,retyped,past_keys}', 'sg_restore_quarantine: names of the arguments') FROM pg_proc WHERE proname = 'sg_restore_quarantine';

-- tables and views
SELECT is((SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
           WHERE attrelid = ('schemaguard.' || relation)::regclass AND attnum BETWEEN 1 AND cardinality(columns)),
          columns, 'columns of ' || relation)
FROM (VALUES
  ('plan', '{name,description,author,created_at,approved_by,approved_at}'::text[]),
  ('plan_step', '{plan,step,fk_name,state,child_table,child_columns,parent_table,parent_columns,reason,priority,on_delete,on_update,match,deferrable,initially_deferred,on_delete_columns,enforced,orphans,index,replaces,attempts,updated_at,skipped_by,sentinel,quarantine_cascades,backfill,period,kind,definition,new_name,fill,undo,done_when,keep_by,primary_key,discard,outside,after,phase}'),
  ('quarantine', '{id,run_id,at,role,plan,step,fk_name,cause,row_table,table_owner,columns,row_text,data,reason,plan_id}'),
  ('plan_note', '{plan,line,reason}'),
  ('plan_deed', '{id,plan_id,step,kind,object,undo,before,after,rows_affected,begun_at,done_at,undone_at,outcome,log_id}'),
  ('audit_log', '{id,run_id,at,role,plan,step,action,phase,object,statement,sqlstate,message,rows_affected,orphan_rows,elapsed_ms,blockers,attempt}'),
  ('discovery_weight', '{signal,weight,source}'),
  ('discovery_word', '{word,class,means,source}'),
  ('discovery_feedback', '{id,verdict,child_table,child_columns,parent_table,pattern,note,role,at}'),
  ('snapshot', '{name,taken_at,role,server,database,server_version_num,schemas,format,objects,unknown,checksum,imported_at,environment}'),
  ('snapshot_object', '{snapshot,kind,identity,parent,properties,checksum,oid,file}'),
  ('drift_ignore', '{kind,object,reason,until,change,property,added_by,added_at}'),
  ('lookup_table', '{table_name,key_columns,ignored_columns,condition,author,author_id,added_at}'),
  ('snapshot_lookup', '{snapshot,table_name,relid,key_columns,ignored_columns,contents,reason}'),
  ('rename', '{kind,old,new,same,added_by,added_at}'),
  ('drift_run', '{id,run_id,at,role,reference,target,result,drifts,drift,extra,unknown,cosmetic,unmanaged,ignored,appeared,gone,notified,problems,elapsed_ms}'),
  ('deprecated_table', '{table_name,replacement,reason,added_by,added_at}'),
  ('finding', '{id,source,kind,object,property,result,count,reference,target,role,first_seen,last_seen,gone_at,change,expected,actual,risk,detail,first_run,run,gone_run,accepted_by,accepted_at,accepted_count,accepted_until,reason,delivered_at,relayed_at,fingerprint,identity}'),
  ('ddl_log', '{at,pid,session_role,role,application,client_addr,event,tag,kind,object,parts,statement,origin,origin_name,detail}'),
  ('fk_trust', '{fk_name,stands,state,armed,rows_checked,child_table,parent_table,stale_reason,proved_at,proved_lsn,method,strength}'),
  ('progress', '{pid,plan,step,action,phase,done,total,unit,orphan_rows,estimated_end,object,started_at}')) AS v (relation, columns);

-- no function takes a name, which would cut what is longer than 63 bytes
SELECT is_empty($$
  SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
  WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemaguard') AND d.deptype = 'e'
    AND 'name'::regtype = ANY (p.proargtypes::oid[])
$$, 'no argument of type name');

-- what users hold on our tables: reading, nothing else
SELECT is_empty($$
  SELECT relation, privilege
  FROM unnest('{plan,plan_step,plan_note,plan_deed,plan_value,audit_log,evidence,stats,watch,backup,proof,quarantine,discovery_weight,discovery_word,discovery_feedback,snapshot,snapshot_object,snapshot_lookup,lookup_table,drift_ignore,rename,drift_run,finding,go_rule,lint_rule,lint_ignore,critical_table,smoke_test,module,ddl_log,ddl_capture,ddl_guard,ensured,environment,promotion,subscription_mark}'::text[]) relation,
       unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) privilege
  WHERE has_table_privilege('public', ('schemaguard.' || relation)::regclass, privilege)
$$, 'nobody writes our tables');

-- a dump takes tables and sequences along
SELECT set_eq($$ SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'schemaguard' $$,
  ARRAY['schemaguard.plan', 'schemaguard.plan_id_seq', 'schemaguard.plan_step', 'schemaguard.plan_note', 'schemaguard.plan_note_id_seq',
        'schemaguard.plan_pause', 'schemaguard.plan_deed', 'schemaguard.plan_deed_id_seq', 'schemaguard.plan_value', 'schemaguard.plan_value_id_seq',
        'schemaguard.audit_log', 'schemaguard.audit_log_id_seq', 'schemaguard.backup', 'schemaguard.backup_id_seq', 'schemaguard.evidence', 'schemaguard.evidence_id_seq', 'schemaguard.stats', 'schemaguard.stats_id_seq', 'schemaguard.watch', 'schemaguard.watch_id_seq', 'schemaguard.proof', 'schemaguard.proof_id_seq',
        'schemaguard.subscription_mark', 'schemaguard.subscription_mark_id_seq',
        'schemaguard.quarantine', 'schemaguard.quarantine_id_seq',
        'schemaguard.ddl_log', 'schemaguard.ddl_capture', 'schemaguard.ddl_guard', 'schemaguard.ensured',
        'schemaguard.discovery_weight', 'schemaguard.discovery_word', 'schemaguard.discovery_feedback', 'schemaguard.discovery_feedback_id_seq',
        'schemaguard.snapshot', 'schemaguard.snapshot_object', 'schemaguard.snapshot_lookup', 'schemaguard.lookup_table', 'schemaguard.drift_ignore', 'schemaguard.rename',
        'schemaguard.drift_run', 'schemaguard.drift_run_id_seq', 'schemaguard.finding', 'schemaguard.finding_id_seq', 'schemaguard.go_rule', 'schemaguard.go_rule_id_seq', 'schemaguard.lint_rule', 'schemaguard.lint_ignore', 'schemaguard.critical_table', 'schemaguard.smoke_test', 'schemaguard.smoke_test_id_seq', 'schemaguard.module', 'schemaguard.deprecated_table', 'schemaguard.environment', 'schemaguard.promotion', 'schemaguard.promotion_id_seq'], 'configuration tables');

SELECT * FROM finish();
ROLLBACK;
