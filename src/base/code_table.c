/*-------------------------------------------------------------------------
 *
 * code_table.c
 *	  Code that planning, reading or writing a table could run.
 *
 *	  The planner evaluates what it can of the expressions of indexes,
 *	  statistics objects and partition keys whenever it opens a table,
 *	  whatever the query, and of CHECK constraints as constraint_exclusion
 *	  says.  Row security is left out: schemaguard reads with row_security
 *	  off, which turns a policy into an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "optimizer/cost.h"
#include "rewrite/rewriteDefine.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/code_internal.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"

Oid
code_table_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a table");
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	return owner;
}

/* State of a scan over one catalog's rows about one table */
typedef struct Look
{
	CodeReach  *reach;
	Oid			relid;
	Oid			owner;
	bool		above;			/* the table inherits from this one, and has
								 * taken over its code */
	CmdType		event;
	TupleDesc	desc;			/* descriptor of the scanned catalog */
} Look;

/* Calls visit() for each catalog row whose column has the table's OID */
static void
scan_catalog(Look *look, Oid catalog, Oid index, AttrNumber column,
			 void (*visit) (Look *look, HeapTuple tuple))
{
	SgCatalog	rows;
	HeapTuple	tuple;

	sg_catalog_begin(&rows, catalog, index, column, look->relid, NULL);
	look->desc = RelationGetDescr(rows.rel);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
		visit(look, tuple);
}

/* ---- reading ---- */

static bool
has_expressions(HeapTuple tuple)
{
	return !heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
}

static bool
has_own_opclass(Look *look, HeapTuple tuple)
{
	bool		isnull;
	oidvector  *opclasses = (oidvector *) DatumGetPointer(heap_getattr(tuple, Anum_pg_index_indclass,
																	   look->desc, &isnull));

	for (int i = 0; i < opclasses->dim1; i++)
	{
		if (opclasses->values[i] >= FirstNormalObjectId)
			return true;
	}
	return false;
}

static void
visit_index(Look *look, HeapTuple tuple)
{
	code_reach_stored(look->reach, tuple, Anum_pg_index_indexprs, look->desc, look->owner);
	code_reach_stored(look->reach, tuple, Anum_pg_index_indpred, look->desc, look->owner);
	if (has_expressions(tuple) || has_own_opclass(look, tuple))
		code_reach_object(look->reach, RelationRelationId, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
}

static void
visit_partition_key(Look *look, HeapTuple tuple)
{
	code_reach_stored(look->reach, tuple, Anum_pg_partitioned_table_partexprs, look->desc, look->owner);
	code_reach_object(look->reach, RelationRelationId, look->relid);
}

static void
visit_statistics(Look *look, HeapTuple tuple)
{
	Form_pg_statistic_ext form = (Form_pg_statistic_ext) GETSTRUCT(tuple);

	code_reach_stored(look->reach, tuple, Anum_pg_statistic_ext_stxexprs, look->desc, form->stxowner);
	code_reach_object(look->reach, StatisticExtRelationId, form->oid);
}

static void
visit_check(Look *look, HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

	if (form->contype != CONSTRAINT_CHECK || (look->above && form->coninhcount == 0))
		return;
	code_reach_stored(look->reach, tuple, Anum_pg_constraint_conbin, look->desc, look->owner);
	code_reach_object(look->reach, ConstraintRelationId, form->oid);
}

/* Returns whether the planner evaluates the table's CHECK constraints, by constraint_exclusion */
static bool
plans_checks(const Look *look)
{
	return constraint_exclusion == CONSTRAINT_EXCLUSION_ON ||
		(constraint_exclusion == CONSTRAINT_EXCLUSION_PARTITION &&
		 (has_superclass(look->relid) || sg_has_subclass(look->relid)));
}

static void
prove_one(Look *look)
{
	scan_catalog(look, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
				 Anum_pg_constraint_conrelid, visit_check);
}

static void
read_one(Look *look)
{
	scan_catalog(look, IndexRelationId, IndexIndrelidIndexId,
				 Anum_pg_index_indrelid, visit_index);
	scan_catalog(look, PartitionedRelationId, PartitionedRelidIndexId,
				 Anum_pg_partitioned_table_partrelid, visit_partition_key);
	scan_catalog(look, StatisticExtRelationId, StatisticExtRelidIndexId,
				 Anum_pg_statistic_ext_stxrelid, visit_statistics);
	if (plans_checks(look))
		prove_one(look);
}

/* ---- whole rows ---- */

static void
visit_virtual_column(Look *look, HeapTuple tuple)
{
	Form_pg_attrdef form = (Form_pg_attrdef) GETSTRUCT(tuple);

	if (get_attgenerated(form->adrelid, form->adnum) != ATTRIBUTE_GENERATED_VIRTUAL)
		return;
	code_reach_stored(look->reach, tuple, Anum_pg_attrdef_adbin, look->desc, look->owner);
	code_reach_object(look->reach, AttrDefaultRelationId, form->oid);
}

static void
row_one(Look *look)
{
	code_reach_columns(look->reach, look->relid);
	scan_catalog(look, AttrDefaultRelationId, AttrDefaultIndexId,
				 Anum_pg_attrdef_adrelid, visit_virtual_column);
}

static void
visit_policy(Look *look, HeapTuple tuple)
{
	code_reach_stored(look->reach, tuple, Anum_pg_policy_polqual, look->desc, look->owner);
	code_reach_object(look->reach, PolicyRelationId, ((Form_pg_policy) GETSTRUCT(tuple))->oid);
}

void
code_reach_policies(CodeReach *reach, Oid relid)
{
	Look		look = {.reach = reach,.relid = relid,.owner = code_table_owner(relid)};

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		scan_catalog(&look, PolicyRelationId, PolicyPolrelidPolnameIndexId, Anum_pg_policy_polrelid, visit_policy);
}

/* ---- writing ---- */

/* Visits a pg_attrdef entry: a default, or the expression of a generated column */
static void
visit_default(Look *look, HeapTuple tuple)
{
	code_reach_stored(look->reach, tuple, Anum_pg_attrdef_adbin, look->desc, look->owner);
	code_reach_object(look->reach, AttrDefaultRelationId, ((Form_pg_attrdef) GETSTRUCT(tuple))->oid);
}

/*
 * Adds the roles that may create triggers on a table without owning it, if a
 * trigger, whose creator nobody knows, has a WHEN condition that could run
 * code.  A trigger's arguments are the responsibility of the role that grants
 * TRIGGER: GRANT ALL on tables with audit triggers is common.
 */
static void
add_makers(Look *look, HeapTuple trigger, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		isnull = true;
	Datum		datum = (Datum) 0;
	Acl		   *acl;

	if (HeapTupleIsValid(tuple))
		datum = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &isnull);
	acl = isnull ? NULL : DatumGetAclPCopy(datum);
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	for (int i = 0; acl && i < ACL_NUM(acl); i++)
	{
		AclItem		item = ACL_DAT(acl)[i];

		if ((item.ai_privs & ACL_TRIGGER) && item.ai_grantee != look->owner)
			code_reach_stored(look->reach, trigger, Anum_pg_trigger_tgqual, look->desc, item.ai_grantee);
	}
}

/*
 * Visits a trigger: the owner of the table, or of the parent it came from,
 * chose function and arguments.  Triggers of foreign keys and of deferrable
 * uniqueness belong to the server.
 */
static void
visit_trigger(Look *look, HeapTuple tuple)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	int16		bit = look->event == CMD_INSERT ? TRIGGER_TYPE_INSERT :
		look->event == CMD_UPDATE ? TRIGGER_TYPE_UPDATE :
		look->event == CMD_DELETE ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_TRUNCATE;

	if (form->tgisinternal || form->tgenabled == TRIGGER_DISABLED || (form->tgtype & bit) == 0 ||
		(look->above && !OidIsValid(form->tgparentid)))
		return;
	add_makers(look, tuple, look->relid);
	/* a partition's trigger was made with the trigger of a table above */
	foreach_oid(above, OidIsValid(form->tgparentid) ? sg_partition_ancestors(look->relid) : NIL)
	{
		add_makers(look, tuple, above);
	}
	code_reach_owner(look->reach, look->owner,
					 psprintf("trigger %s", quote_identifier(NameStr(form->tgname))));
	code_reach_object(look->reach, TriggerRelationId, form->oid);
}

static void
visit_rule(Look *look, HeapTuple tuple)
{
	Form_pg_rewrite form = (Form_pg_rewrite) GETSTRUCT(tuple);

	if (form->ev_type - '0' != (int) look->event || form->ev_enabled == RULE_DISABLED)
		return;
	code_reach_owner(look->reach, look->owner,
					 psprintf("rule %s", quote_identifier(NameStr(form->rulename))));
	code_reach_object(look->reach, RewriteRelationId, form->oid);
}

static void
truncate_one(Look *look)
{
	scan_catalog(look, TriggerRelationId, TriggerRelidNameIndexId,
				 Anum_pg_trigger_tgrelid, visit_trigger);
}

static void
write_one(Look *look)
{
	read_one(look);
	scan_catalog(look, TriggerRelationId, TriggerRelidNameIndexId,
				 Anum_pg_trigger_tgrelid, visit_trigger);
	scan_catalog(look, RewriteRelationId, RewriteRelRulenameIndexId,
				 Anum_pg_rewrite_ev_class, visit_rule);
	if (look->event == CMD_DELETE)
		return;

	row_one(look);
	scan_catalog(look, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
				 Anum_pg_constraint_conrelid, visit_check);
	scan_catalog(look, AttrDefaultRelationId, AttrDefaultIndexId,
				 Anum_pg_attrdef_adrelid, visit_default);
}

/* ---- locks, and partitions ---- */

/* Lock function of the current looks; NULL: looks take no locks */
static CodeLock lock_table;
static void *lock_table_arg;

void
code_with_locks(CodeLock lock, void *lock_arg, void (*fn) (void *arg), void *arg)
{
	CodeLock	outer_lock = lock_table;
	void	   *outer_arg = lock_table_arg;

	PG_TRY();
	{
		lock_table = lock;
		lock_table_arg = lock_arg;
		fn(arg);
	}
	PG_FINALLY();
	{
		lock_table = outer_lock;
		lock_table_arg = outer_arg;
	}
	PG_END_TRY();
}

bool
code_locks(void)
{
	return lock_table != NULL;
}

static bool holds_names;

void
code_with_holds(void (*fn) (void *arg), void *arg)
{
	bool		outer = holds_names;

	PG_TRY();
	{
		holds_names = true;
		fn(arg);
	}
	PG_FINALLY();
	{
		holds_names = outer;
	}
	PG_END_TRY();
}

bool
code_holds(void)
{
	return holds_names || code_locks();
}

/*
 * Locks each table before listing its children, because a locked table neither
 * gets nor loses children.  Skips a table that was dropped while this session
 * waited for its lock.
 */
List *
code_tree(Oid relid, LOCKMODE mode)
{
	List	   *tree = list_make1_oid(relid);

	for (int i = 0; i < list_length(tree); i++)
	{
		Oid			member = list_nth_oid(tree, i);

		if (lock_table)
			lock_table(member, relid, mode, lock_table_arg);
		if (i > 0 && !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(member)))
			tree = list_delete_nth_cell(tree, i--);
		else
			tree = list_concat_unique_oid(tree, sg_children(member));
	}
	return tree;
}

/*
 * Returns the owners of all tables above, whose defaults, CHECK constraints,
 * triggers and indexes a partition or child may have inherited
 */
static List *
owners_above(Oid relid)
{
	List	   *owners = NIL;
	List	   *above = sg_tables_above(relid);

	foreach_oid(table, above)
	{
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
			owners = list_append_unique_oid(owners, code_table_owner(table));
	}
	return owners;
}

static void
each_member(CodeReach *reach, Oid relid, CmdType event, void (*one) (Look *look))
{
	List	   *members = list_make1_oid(relid);
	ListCell   *lc;

	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		members = code_tree(relid, NoLock);
	else if (lock_table)
		lock_table(relid, relid, NoLock, lock_table_arg);
	foreach(lc, members)
	{
		Look		look = {.reach = reach,.relid = lfirst_oid(lc),.event = event};

		look.owner = code_table_owner(look.relid);
		one(&look);
		look.above = true;
		foreach_oid(owner, list_delete_oid(owners_above(look.relid), look.owner))
		{
			look.owner = owner;
			one(&look);
		}
	}
}

void
code_reach_read(CodeReach *reach, Oid relid)
{
	each_member(reach, relid, CMD_SELECT, read_one);
}

void
code_reach_proof(CodeReach *reach, Oid relid)
{
	each_member(reach, relid, CMD_SELECT, prove_one);
}

void
code_reach_row(CodeReach *reach, Oid relid)
{
	each_member(reach, relid, CMD_SELECT, row_one);
}

void
code_reach_write(CodeReach *reach, Oid relid, CmdType event)
{
	each_member(reach, relid, event, write_one);
}

void
code_reach_changed(CodeReach *reach, Oid relid, LOCKMODE mode)
{
	foreach_oid(member, code_tree(relid, mode))
	{
		code_reach_row(reach, member);
		code_reach_write(reach, member, CMD_INSERT);
		code_reach_write(reach, member, CMD_UPDATE);
		code_reach_write(reach, member, CMD_DELETE);
	}
}

void
code_reach_table_owner(CodeReach *reach, Oid relid)
{
	code_reach_planter(reach, code_table_owner(relid), psprintf("code of %s", sg_relation_name(relid)));
}

void
code_reach_owners(CodeReach *reach, Oid relid)
{
	foreach_oid(member, code_tree(relid, NoLock))
	{
		code_reach_table_owner(reach, member);
		foreach_oid(owner, owners_above(member))
			code_reach_planter(reach, owner, psprintf("code that %s inherits", sg_relation_name(member)));
	}
}

void
code_reach_reader(CodeReach *reach, const char *what, Oid relid)
{
	code_reach_planter(reach, code_table_owner(relid), psprintf("what %s %s reads", what, sg_relation_name(relid)));
}

void
code_reach_truncate(CodeReach *reach, Oid relid)
{
	each_member(reach, relid, CMD_UTILITY, truncate_one);
}

List *
code_foreign_owners(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(FOREIGNTABLEREL, ObjectIdGetDatum(relid));
	HeapTuple	server;
	List	   *owners;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	owners = list_make1_oid(code_table_owner(relid));
	server = SearchSysCache1(FOREIGNSERVEROID, ObjectIdGetDatum(((Form_pg_foreign_table) GETSTRUCT(tuple))->ftserver));
	ReleaseSysCache(tuple);
	if (!HeapTupleIsValid(server))
		return owners;
	owners = list_append_unique_oid(owners, ((Form_pg_foreign_server) GETSTRUCT(server))->srvowner);
	ReleaseSysCache(server);
	return owners;
}

void
code_reach_foreign(CodeReach *reach, Oid relid)
{
	foreach_oid(member, code_tree(relid, NoLock))
	{
		foreach_oid(owner, code_foreign_owners(member))
			code_reach_planter(reach, owner, psprintf("what foreign table %s reads", sg_relation_name(member)));
	}
}
