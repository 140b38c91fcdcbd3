/*-------------------------------------------------------------------------
 *
 * change_reach.c
 *	  Code that a statement of a plan could run.
 *
 *	  Queries are analysed and rewritten.  Other statements are examined by
 *	  kind: the tables whose rows, constraints or triggers they affect, and
 *	  the types as which literals in them are read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "parser/parsetree.h"
#include "parser/parse_func.h"
#include "parser/parser.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "plan/plan_change.h"
#include "run/run_lock.h"

/* ---- tables ---- */

/* Returns whether the relation is a table or view of any kind */
static bool
is_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE || relkind == RELKIND_MATVIEW ||
		relkind == RELKIND_FOREIGN_TABLE || relkind == RELKIND_VIEW;
}

/*
 * Adds a table or view, with its partitions and inheriting tables, which
 * planning examines, too. `mode` is the lock that the statement takes on it, or
 * NoLock.
 */
static void
reach_table(CodeReach *reach, Oid relid, LOCKMODE mode)
{
	if (is_table(relid))
		code_reach_changed(reach, relid, mode);
}

/* Adds code that comparing the rows of a table with those of another could run, and its planning */
static void
reach_compared(CodeReach *reach, Oid relid, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, code_tree(relid, mode))
	{
		code_reach_row(reach, lfirst_oid(lc));
		code_reach_read(reach, lfirst_oid(lc));
		code_reach_policies(reach, lfirst_oid(lc));
	}
}

/*
 * Adds the keys of a table and its children, and keys that refer to them, which
 * the server may check by queries
 */
static void
reach_keys(CodeReach *reach, Oid relid)
{
	List	   *tree = code_tree(relid, NoLock);

	foreach_ptr(const FkKey, key, fk_declared(InvalidOid))
	{
		bool		refers = fk_is_of(key, tree);

		if (!refers && !fk_refers_to(key, tree))
			continue;
		reach_compared(reach, refers ? key->parent : key->child, NoLock);
		fk_code_reach(reach, key);
	}
}

/*
 * Adds the triggers that TRUNCATE of a table fires: those of its children, too,
 * and with CASCADE those of all tables that refer to one of them.
 */
static void
reach_truncate(CodeReach *reach, Oid relid, const TruncateStmt *statement, bool children)
{
	List	   *emptied = children ? code_tree(relid, AccessExclusiveLock) : list_make1_oid(relid);
	List	   *keys = statement->behavior == DROP_CASCADE ? fk_declared(InvalidOid) : NIL;

	/* by number: the list grows during the loop */
	for (int i = 0; i < list_length(emptied); i++)
	{
		code_reach_truncate(reach, list_nth_oid(emptied, i));
		code_reach_foreign(reach, list_nth_oid(emptied, i));
		foreach_ptr(const FkKey, key, keys)
		{
			if (fk_refers_to(key, list_make1_oid(list_nth_oid(emptied, i))) && !list_member_oid(emptied, key->child))
				emptied = list_concat_unique_oid(emptied, code_tree(key->child, AccessExclusiveLock));
		}
	}
}

/* Returns whether the caller may change rows of the table so, at least in some columns */
static bool
may_change(Oid relid, CmdType event)
{
	AclMode		rights = event == CMD_INSERT ? ACL_INSERT : event == CMD_UPDATE ? ACL_UPDATE : event == CMD_DELETE ? ACL_DELETE :
		ACL_UPDATE | ACL_DELETE;

	return pg_class_aclmask(relid, GetUserId(), rights, ACLMASK_ANY) != 0 ||
		(event != CMD_DELETE && pg_attribute_aclcheck_all(relid, GetUserId(), rights & ~ACL_DELETE, ACLMASK_ANY) == ACLCHECK_OK);
}

/*
 * Adds code that changing the rows of a query's table could run.  For a caller
 * without the privilege, takes no stronger lock than for reading.
 */
static void
reach_changed(CodeReach *reach, Query *query)
{
	Oid			relid = query->resultRelation ? rt_fetch(query->resultRelation, query->rtable)->relid : InvalidOid;
	LOCKMODE	mode;
	char	   *refusal;

	if (!OidIsValid(relid))
		return;
	mode = may_change(relid, query->commandType) ? code_write_lock(query->commandType) : NoLock;
	reach_table(reach, relid, mode);
	if (query->commandType != CMD_INSERT || query->onConflict)
		fk_reach_actions(reach, relid, query->commandType == CMD_INSERT ? CMD_UPDATE : query->commandType, mode);
	/* the server's actions on keys run as the owners of the other tables */
	refusal = fk_query_refusal(relid, query->onConflict ? CMD_MERGE : query->commandType);
	if (refusal)
		code_reach_never(reach, refusal);
}

/*
 * Adds the query of a view: its expressions are its owner's, whoever reads the
 * view, and can't be told from the reader's after rewriting.  With
 * security_invoker, so are the tables that it reads with the reader's
 * privileges: its owner chooses them at any moment, also if the rows then go to
 * the owner's table.
 */
static void
reach_view(CodeReach *reach, Oid relid)
{
	Relation	rel;

	if (get_rel_relkind(relid) != RELKIND_VIEW)
		return;
	rel = sg_relation_open(relid, AccessShareLock);
	for (int i = 0; rel->rd_rules && i < rel->rd_rules->numLocks; i++)
		code_reach_expression(reach, (Node *) copyObject(rel->rd_rules->rules[i]->actions), rel->rd_rel->relowner);
	if (RelationHasSecurityInvoker(rel))
		code_reach_reader(reach, "security_invoker view", relid);
	table_close(rel, NoLock);
}

/*
 * Adds policies of a table: they are its owner's, whoever reads or writes the
 * table, and their subqueries have the privileges of that role
 */
static void
reach_policy(CodeReach *reach, Node *conditions, Oid relid)
{
	code_reach_expression(reach, conditions, code_table_owner(relid));
	if (checkExprHasSubLink(conditions))
		code_reach_reader(reach, "a policy of", relid);
}

/* Adds the policies that rewriting has put before the rows of a table */
static void
reach_policies(CodeReach *reach, const RangeTblEntry *rte)
{
	if (rte->securityQuals)
		reach_policy(reach, (Node *) rte->securityQuals, rte->relid);
}

/* Adds the policies and check options that rewriting has put before rows that a query writes */
static void
reach_checks(CodeReach *reach, const Query *query)
{
	if (query->withCheckOptions && query->resultRelation)
		reach_policy(reach, (Node *) query->withCheckOptions, rt_fetch(query->resultRelation, query->rtable)->relid);
}

static bool
visit_tables(Node *node, void *reach)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (OidIsValid(((RangeTblEntry *) node)->relid))
		{
			reach_table(reach, ((RangeTblEntry *) node)->relid, NoLock);
			reach_view(reach, ((RangeTblEntry *) node)->relid);
			code_reach_foreign(reach, ((RangeTblEntry *) node)->relid);
			reach_policies(reach, (RangeTblEntry *) node);
		}
		return false;
	}
	if (IsA(node, Query))
	{
		reach_changed(reach, (Query *) node);
		reach_checks(reach, (Query *) node);
		return query_tree_walker((Query *) node, visit_tables, reach, QTW_EXAMINE_RTES_BEFORE);
	}
	return expression_tree_walker(node, visit_tables, reach);
}

/* The relations of a query, including views and the relations behind them */
typedef struct Written
{
	CodeReach  *reach;
	Oid			table;			/* table that the statement changes, by its
								 * name, or InvalidOid */
	List	   *relations;
} Written;

static bool
visit_written(Node *node, void *p)
{
	Written    *written = p;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (OidIsValid(((RangeTblEntry *) node)->relid))
			written->relations = list_append_unique_oid(written->relations, ((RangeTblEntry *) node)->relid);
		return false;
	}
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		Written		inner = {.reach = written->reach};
		Oid			table = OidIsValid(written->table) ? written->table :
			query->resultRelation ? rt_fetch(query->resultRelation, query->rtable)->relid : InvalidOid;

		(void) query_tree_walker(query, visit_written, &inner, QTW_EXAMINE_RTES_BEFORE);
		if (OidIsValid(table) && list_difference_oid(inner.relations, list_make1_oid(table)) != NIL)
			code_reach_table_owner(written->reach, table);
		written->relations = list_concat_unique_oid(written->relations, inner.relations);
		return false;
	}
	return expression_tree_walker(node, visit_written, written);
}

typedef struct ReachArg
{
	const char *sql;
	Node	   *raw;
	Oid			table;			/* table of the step, or InvalidOid */
	CodeReach  *reach;
	ChangeMove *move;			/* gets a problem if the statement can't run */
	bool		left_alone;
} ReachArg;

/*
 * Makes a statement that reads relations, and writes the rows to a table, run
 * as that table's owner, who needs the privileges to read them: a name may lead
 * to another relation by then, such as a view with the privileges of the role
 * that runs it.
 */
static void
reach_lent(const ReachArg *arg, Node *query)
{
	Written		written = {.reach = arg->reach,.table = change_find_named(change_written(arg->raw))};

	(void) visit_written(query, &written);
}

/* Adds code that a query could run: analyses and rewrites it, but neither plans nor runs it */
static void
reach_query(void *p)
{
	ReachArg   *arg = p;
	CodeReach  *names = code_reach();
	SgScope		caller;
	SgScope		scope;
	SPIPlanPtr	plan;

	sg_caller_begin(&caller);
	code_reach_raw(names, arg->raw);
	code_analysis_begin(&scope, names, OidIsValid(arg->table) ? code_table_owner(arg->table) : GetUserId(), "statement");
	SPI_connect();
	plan = code_prepare(names, arg->sql);
	foreach_ptr(CachedPlanSource, source, SPI_plan_get_plan_sources(plan))
	{
		code_reach_expression(arg->reach, (Node *) source->query_list, GetUserId());
	}
	sg_scope_end(&scope);
	/* with the caller's privileges */
	foreach_ptr(CachedPlanSource, source, SPI_plan_get_plan_sources(plan))
	{
		ListCell   *lc;

		foreach(lc, source->query_list)
		{
			(void) visit_tables(lfirst(lc), arg->reach);
			reach_lent(arg, lfirst(lc));
		}
	}
	SPI_finish();
	sg_scope_end(&caller);
	code_reach_take_query(arg->reach, names);
}

/*
 * Returns whether the command changes only the catalog, such as owner and
 * settings, without rows and expressions
 */
static bool
runs_nothing(const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		switch (cmd->subtype)
		{
			case AT_ChangeOwner:
			case AT_SetRelOptions:
			case AT_ResetRelOptions:
			case AT_SetOptions:
			case AT_ResetOptions:
			case AT_SetStatistics:
			case AT_SetStorage:
			case AT_SetCompression:
			case AT_EnableRowSecurity:
			case AT_DisableRowSecurity:
			case AT_ForceRowSecurity:
			case AT_NoForceRowSecurity:
				break;
			default:
				return false;
		}
	}
	return true;
}

/*
 * Returns the table of a utility statement, the lock that it takes, and whether
 * it could run code of the table
 */
static const RangeVar *
target_of(Node *statement, LOCKMODE *mode, bool *runs)
{
	*runs = true;
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			*mode = AlterTableGetLockLevel(((AlterTableStmt *) statement)->cmds);
			/* the look takes that lock anyway, for roles that may */
			if (*mode <= ShareUpdateExclusiveLock)
				*mode = NoLock;
			*runs = !runs_nothing((AlterTableStmt *) statement);
			return ((AlterTableStmt *) statement)->relation;
		case T_RenameStmt:
			*mode = AccessExclusiveLock;
			*runs = false;
			return ((RenameStmt *) statement)->relation;
		case T_RuleStmt:
			*mode = AccessExclusiveLock;
			*runs = false;
			return ((RuleStmt *) statement)->relation;
		case T_CreatePolicyStmt:
			*mode = AccessExclusiveLock;
			*runs = false;
			return ((CreatePolicyStmt *) statement)->table;
		case T_AlterPolicyStmt:
			*mode = AccessExclusiveLock;
			*runs = false;
			return ((AlterPolicyStmt *) statement)->table;
		case T_IndexStmt:
			*mode = ShareLock;
			return ((IndexStmt *) statement)->relation;
		case T_CreateTrigStmt:
			*mode = ShareRowExclusiveLock;
			return ((CreateTrigStmt *) statement)->relation;
		default:
			return NULL;
	}
}

Oid
change_find_named(const RangeVar *name)
{
	return name ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
}

static void
reach_named(CodeReach *reach, const RangeVar *name, LOCKMODE mode)
{
	Oid			relid = change_find_named(name);

	if (OidIsValid(relid))
		reach_table(reach, relid, mode);
}

/* Adds code that a constraint computes for rows, and the table with whose rows a key compares them */
static void
reach_constraint(CodeReach *reach, const Constraint *constraint)
{
	Oid			parent = change_find_named(constraint->pktable);

	code_reach_raw(reach, constraint->raw_expr);
	code_reach_raw(reach, constraint->where_clause);
	foreach_ptr(List, exclusion, constraint->exclusions)
	{
		code_reach_raw(reach, linitial_node(IndexElem, exclusion)->expr);
	}
	if (OidIsValid(parent))
		reach_compared(reach, parent, ShareRowExclusiveLock);
}

/*
 * Returns whether the server could check keys of the table by queries; keys of
 * a new constraint are found by name.
 */
static bool
checks_keys(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
		case AT_AddConstraint:
		case AT_ColumnDefault:
		case AT_DropColumn:
		case AT_DropConstraint:
		case AT_DropNotNull:
		case AT_SetNotNull:
			return false;
		default:
			return true;
	}
}

static void
reach_bound(CodeReach *reach, const PartitionBoundSpec *bound)
{
	if (bound)
		code_reach_raw(reach, (Node *) list_concat(list_concat_copy(bound->listdatums, bound->lowerdatums), bound->upperdatums));
}

/* Adds typed tables, whose rows ALTER TYPE ... CASCADE rewrites */
static void
reach_typed_tables(CodeReach *reach, Oid relid)
{
	foreach_oid(table, sg_typed_tables(relid))
	{
		reach_table(reach, table, AccessExclusiveLock);
		reach_keys(reach, table);
	}
}

/* Returns whether the command's definition is an expression for a column */
static bool
gives_expression(const AlterTableCmd *cmd)
{
	return cmd->subtype == AT_ColumnDefault || sg_sets_expression(cmd->subtype);
}

/* Adds code that ALTER TABLE runs to compute rows, besides the code of the table itself */
static void
reach_commands(const AlterTableStmt *statement, CodeReach *reach)
{
	Oid			relid = change_find_named(statement->relation);

	if (statement->objtype == OBJECT_TYPE && OidIsValid(relid))
		reach_typed_tables(reach, relid);
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		Node	   *def = cmd->def;

		if (OidIsValid(relid) && checks_keys(cmd) && !runs_nothing(statement))
			reach_keys(reach, relid);
		if (def == NULL)
			continue;
		if (IsA(def, PartitionCmd))
			reach_named(reach, ((PartitionCmd *) def)->name, AccessExclusiveLock);
		if (IsA(def, Constraint))
			reach_constraint(reach, (Constraint *) def);
		else if (IsA(def, PartitionCmd))
			reach_bound(reach, ((PartitionCmd *) def)->bound);
		else if (IsA(def, ColumnDef))
		{
			code_reach_raw(reach, (Node *) ((ColumnDef *) def)->typeName);
			code_reach_raw(reach, ((ColumnDef *) def)->raw_default);
			foreach_ptr(const Constraint, c, ((ColumnDef *) def)->constraints)
			{
				reach_constraint(reach, c);
			}
		}
		else if (gives_expression(cmd))
			code_reach_raw(reach, def);
	}
}

/*
 * Adds rows of all tables with the domain, over which its CHECK is evaluated as
 * the domain's owner, and the code that these run
 */
static void
reach_domain(ChangeMove *move, const AlterDomainStmt *statement, CodeReach *reach)
{
	Oid			domain = code_find_type(reach, makeTypeNameFromNameList(statement->typeName));
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));

	if (!HeapTupleIsValid(tuple))
		return;
	if (statement->def)
		code_reach_raw(reach, IsA(statement->def, Constraint) ? ((Constraint *) statement->def)->raw_expr : statement->def);
	code_reach_type(reach, domain);
	move->owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
}

/*
 * Adds code that the constraints of a new table compute; defaults and checks
 * are only analysed, because there are no rows
 */
static void
reach_constraints(CodeReach *reach, List *elements)
{
	foreach_ptr(Node, element, elements)
	{
		if (IsA(element, Constraint) &&
			(((Constraint *) element)->contype == CONSTR_GENERATED || ((Constraint *) element)->contype == CONSTR_EXCLUSION))
			reach_constraint(reach, (Constraint *) element);
		else if (IsA(element, ColumnDef))
			reach_constraints(reach, ((ColumnDef *) element)->constraints);
	}
}

/* Adds the expressions of an index, which are planned when it is made, whatever rows there are */
static void
reach_index(const IndexStmt *statement, CodeReach *reach)
{
	code_reach_raw(reach, statement->whereClause);
	foreach_ptr(const IndexElem, element, statement->indexParams)
	{
		code_reach_raw(reach, element->expr);
	}
}

/*
 * Adds code that the server plans or computes when it creates a table:
 * generated columns, keys and bounds of partitions, exclusion constraints; and
 * parents and LIKE tables, whose constraints, indexes and statistics it gets
 */
static void
reach_creation(const CreateStmt *statement, CodeReach *reach)
{
	reach_constraints(reach, statement->tableElts);
	reach_bound(reach, statement->partbound);
	foreach_ptr(const PartitionElem, element, statement->partspec ? statement->partspec->partParams : NIL)
	{
		code_reach_raw(reach, element->expr);
	}
	foreach_ptr(const RangeVar, parent, statement->inhRelations)
	{
		reach_named(reach, parent, NoLock);
	}
	foreach_ptr(Node, element, statement->tableElts)
	{
		if (IsA(element, TableLikeClause))
			reach_named(reach, ((TableLikeClause *) element)->relation, AccessShareLock);
	}
}

static void
reach_made(Node *statement, CodeReach *reach)
{
	if (IsA(statement, CreateStmt) || IsA(statement, CreateForeignTableStmt))
		reach_creation((CreateStmt *) statement, reach);
	else if (IsA(statement, IndexStmt))
		reach_index((IndexStmt *) statement, reach);
}

static void
reach_emptied(ChangeMove *move, const TruncateStmt *statement, CodeReach *reach)
{
	foreach_ptr(const RangeVar, name, statement->relations)
	{
		Oid			relid = change_find_named(name);

		if (!OidIsValid(relid))
			continue;
		reach_truncate(reach, relid, statement, name->inh);
		if (!OidIsValid(move->table) && !OidIsValid(move->owner))
			move->owner = code_table_owner(relid);
	}
}

/* Adds code that a utility statement runs to compute values, or when its parts are analysed */
static void
reach_utility(ChangeMove *move, const char *sql, Node *statement, CodeReach *reach)
{
	CodeReach  *types = code_reach();
	SgScope		scope;

	sg_caller_begin(&scope);
	if (!change_reads_no_value(sql))
		change_reach_literals(statement, types);
	if (code_is_others(types) || code_has_domains(types))
		change_reach_literals(statement, reach);
	if (IsA(statement, AlterTableStmt))
		reach_commands((AlterTableStmt *) statement, reach);
	else if (IsA(statement, AlterDomainStmt))
		reach_domain(move, (AlterDomainStmt *) statement, reach);
	else if (IsA(statement, TruncateStmt))
		reach_emptied(move, (TruncateStmt *) statement, reach);
	/* an event trigger runs in every role's name from then on */
	else if (IsA(statement, CreateEventTrigStmt))
		code_reach_function(reach, LookupFuncName(((CreateEventTrigStmt *) statement)->funcname, 0, NULL, true));
	else if (IsA(statement, CreateSchemaStmt))
	{
		foreach_ptr(Node, element, ((CreateSchemaStmt *) statement)->schemaElts)
		{
			reach_made(element, reach);
		}
	}
	else
		reach_made(statement, reach);
	sg_scope_end(&scope);
}

static bool
visit_read(Node *node, void *reach)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (OidIsValid(((RangeTblEntry *) node)->relid))
		{
			reach_compared(reach, ((RangeTblEntry *) node)->relid, NoLock);
			reach_view(reach, ((RangeTblEntry *) node)->relid);
			code_reach_foreign(reach, ((RangeTblEntry *) node)->relid);
			reach_policies(reach, (RangeTblEntry *) node);
		}
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, visit_read, reach, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, visit_read, reach);
}

/*
 * Returns why the owner of a materialized view must not run its query, or NULL.
 * REFRESH runs the query as the owner, restricted, whoever calls.
 */
static char *
refresh_refusal(const RefreshMatViewStmt *statement)
{
	CodeReach  *reach = code_reach();
	Oid			relid;
	Oid			owner;
	Relation	rel;
	Query	   *query;
	List	   *queries;
	SgScope		scope;

	sg_caller_begin(&scope);
	relid = change_find_named(statement->relation);
	sg_scope_end(&scope);
	if (OidIsValid(relid) && get_rel_relkind(relid) != RELKIND_MATVIEW)
		return psprintf("%s is not a materialized view", sg_relation_name(relid));
	if (!OidIsValid(relid))
		return NULL;
	(void) code_tree(relid, statement->concurrent ? ExclusiveLock : AccessExclusiveLock);
	if (statement->skipData)
		return NULL;
	owner = code_table_owner(relid);
	rel = sg_relation_open(relid, AccessShareLock);
	query = copyObject(linitial_node(Query, rel->rd_rules->rules[0]->actions));
	table_close(rel, NoLock);

	/* tables are locked by the deadline before the rewriter locks them */
	(void) visit_read((Node *) query, reach);
	AcquireRewriteLocks(query, true, false);
	queries = QueryRewrite(query);
	foreach_ptr(Query, rewritten, queries)
	{
		(void) visit_read((Node *) rewritten, reach);
	}
	code_reach_expression(reach, (Node *) queries, owner);
	return code_refusal(reach, owner);
}

/* Returns the name of a statement's new object, if it is unqualified, or NULL */
static char *
name_without_schema(Node *statement)
{
	const RangeVar *made = IsA(statement, CreateSeqStmt) ? ((CreateSeqStmt *) statement)->sequence :
		IsA(statement, ViewStmt) ? ((ViewStmt *) statement)->view : NULL;
	List	   *names = NIL;

	if (made && made->schemaname == NULL && made->relpersistence != RELPERSISTENCE_TEMP)
		return made->relname;

	switch (nodeTag(statement))
	{
		case T_CreateFunctionStmt:
			names = ((CreateFunctionStmt *) statement)->funcname;
			break;
		case T_CreateEnumStmt:
			names = ((CreateEnumStmt *) statement)->typeName;
			break;
		case T_CreateRangeStmt:
			names = ((CreateRangeStmt *) statement)->typeName;
			break;
		case T_CreateDomainStmt:
			names = ((CreateDomainStmt *) statement)->domainname;
			break;
		case T_CreateConversionStmt:
			names = ((CreateConversionStmt *) statement)->conversion_name;
			break;
		case T_DefineStmt:
			names = ((DefineStmt *) statement)->defnames;
			break;
		case T_CreateStatsStmt:
			names = ((CreateStatsStmt *) statement)->defnames;
			break;
		case T_CreateOpFamilyStmt:
			names = ((CreateOpFamilyStmt *) statement)->opfamilyname;
			break;
		case T_CreateOpClassStmt:
			names = ((CreateOpClassStmt *) statement)->opclassname;
			break;
		case T_CompositeTypeStmt:
			return ((CompositeTypeStmt *) statement)->typevar->schemaname ? NULL : ((CompositeTypeStmt *) statement)->typevar->relname;
		default:
			break;
	}
	return list_length(names) == 1 ? strVal(linitial(names)) : NULL;
}

const RangeVar *
change_written(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_InsertStmt:
			return ((InsertStmt *) statement)->relation;
		case T_UpdateStmt:
			return ((UpdateStmt *) statement)->relation;
		case T_DeleteStmt:
			return ((DeleteStmt *) statement)->relation;
		case T_MergeStmt:
			return ((MergeStmt *) statement)->relation;
		default:
			return NULL;
	}
}

/*
 * Makes a query run as the owner of the table that it changes, if that owner's
 * code keeps the caller from running it
 */
static void
take_changed(ChangeMove *move, ReachArg *arg)
{
	SgScope		scope;

	if (OidIsValid(move->table))
		return;
	sg_caller_begin(&scope);
	arg->table = change_find_named(change_written(arg->raw));
	sg_scope_end(&scope);
	if (OidIsValid(arg->table))
		move->owner = code_table_owner(arg->table);
}

char *
change_outside_refusal(const ChangeMove *move, const char *sql)
{
	CodeReach  *read = code_reach();
	Oid			role = InvalidOid;
	char	   *reason;

	change_reach_written(sql, read);
	reason = code_refusal(move->reach, OidIsValid(move->owner) ? move->owner : GetUserId());
	return reason ? reason : code_role(read, GetUserId(), &role);
}

/* Sets a problem if there is a reason; returns whether there is */
static bool
is_left_alone(ChangeMove *move, const char *reason, const char *hint)
{
	if (reason)
		change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE, psprintf("statement is left alone: %s", reason), hint);
	return reason != NULL;
}

/* Adds code that a statement which is no query could run */
static void
reach_other(ReachArg *arg)
{
	Node	   *statement = arg->raw;
	LOCKMODE	mode = NoLock;
	bool		runs;
	const RangeVar *target = target_of(statement, &mode, &runs);

	if (target)
	{
		SgScope		scope;
		Oid			relid;

		sg_caller_begin(&scope);
		relid = RangeVarGetRelid(target, NoLock, true);
		sg_scope_end(&scope);
		if (OidIsValid(relid) && runs)
			reach_table(arg->reach, relid, mode);
		else if (OidIsValid(relid) && is_table(relid))
			(void) code_tree(relid, mode);
		if (OidIsValid(relid) && !OidIsValid(arg->move->table))
			arg->move->owner = code_table_owner(relid);
	}
	arg->left_alone = (IsA(statement, RefreshMatViewStmt) &&
					   is_left_alone(arg->move, refresh_refusal((RefreshMatViewStmt *) statement),
									 "REFRESH runs the query as the view's owner: give the view to the owner of that code.")) ||
		(change_maintains(statement) &&
		 is_left_alone(arg->move, change_maintain_refusal(statement),
					   "The server runs it as the owner of each table: give the table to the owner of that code."));
	if (!arg->left_alone)
		reach_utility(arg->move, arg->sql, statement, arg->reach);
}

static void
reach(void *p)
{
	ReachArg   *arg = p;

	if (code_is_query(arg->raw))
		reach_query(arg);
	reach_other(arg);
}

/*
 * Adds code that a statement could run to the move; returns false with a
 * problem if it can't be analysed
 */
bool
change_reach_statement(ChangeMove *move, const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	Node	   *statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	ReachArg	arg = {.sql = sql,.raw = statement,.table = move->table,.reach = move->reach ? move->reach : code_reach(),.move = move};
	ErrorData  *edata;
	char	   *bare = name_without_schema(statement);

	if (bare)
	{
		change_problem(move, ERRCODE_INVALID_NAME,
					   psprintf("%s would be made in pg_catalog, for names of a statement are looked up there", quote_identifier(bare)),
					   "Write its schema before its name.");
		return false;
	}
	take_changed(move, &arg);
	edata = code_locks() ? sg_try(reach, &arg) : sg_try_undo(reach, &arg);
	MemoryContextSwitchTo(context);
	if (edata && (sg_is_race(edata) || ((code_locks() || !code_is_query(statement)) && run_is_lock_failure(edata))))
		ReThrowError(edata);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		change_problem(move, edata->sqlerrcode, psprintf("the statement can't be run: %s", edata->message),
					   edata->hint ? edata->hint : "Names in it are looked up in pg_catalog; others need their schema.");
		return false;
	}
	if (arg.left_alone)
		return false;
	move->reach = arg.reach;
	return true;
}

char *
change_owner_hint(const char *lead, Oid table, const char *statement, const char *behind)
{
	ChangeMove	move = {.action = "statement",.table = table,.owner = code_table_owner(table)};
	char	   *reason = change_reach_statement(&move, statement) ? change_outside_refusal(&move, statement) : move.problem->reason;

	if (reason)
		return psprintf("%s. No statement is given here: %s.", lead, reason);
	return fk_owner_hint(lead, table, InvalidOid, behind ? psprintf("%s;\n%s", statement, behind) : statement);
}
