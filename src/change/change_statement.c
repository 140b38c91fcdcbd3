/*-------------------------------------------------------------------------
 *
 * change_statement.c
 *	  Statements that a plan's author has written.
 *
 * Whether one is done says its own query, done_when, or, without one, the
 * step's state.  The tables that it names are looked through for code that
 * others could have planted there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "parser/parsetree.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/scope.h"
#include "change/change.h"
#include "plan/plan_change.h"
#include "run/run_deed.h"
#include "run/run_lock.h"

/* ---- code ---- */

/*
 * A table or view, with its partitions and what inherits from it: planning
 * looks into those, too.  `mode` is the lock that the statement takes on it, or
 * NoLock.
 */
static void
reach_table(CodeReach *reach, Oid relid, LOCKMODE mode)
{
	char		relkind = get_rel_relkind(relid);
	ListCell   *lc;

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE && relkind != RELKIND_MATVIEW &&
		relkind != RELKIND_FOREIGN_TABLE && relkind != RELKIND_VIEW)
		return;
	foreach(lc, code_tree(relid, mode))
	{
		code_reach_row(reach, lfirst_oid(lc));
		code_reach_write(reach, lfirst_oid(lc), CMD_INSERT);
		code_reach_write(reach, lfirst_oid(lc), CMD_UPDATE);
		code_reach_write(reach, lfirst_oid(lc), CMD_DELETE);
	}
}

static bool
keeps_rows(char action)
{
	return action == FKCONSTR_ACTION_NOACTION || action == FKCONSTR_ACTION_RESTRICT;
}

/* The table whose rows a query deletes or changes, or InvalidOid */
static Oid
changed_table(const Query *query)
{
	if (query->commandType != CMD_UPDATE && query->commandType != CMD_DELETE && query->commandType != CMD_MERGE)
		return InvalidOid;
	return rt_fetch(query->resultRelation, query->rtable)->relid;
}

/*
 * Tables whose rows go or change with those of a table, by ON DELETE and ON
 * UPDATE of keys.  Their AFTER triggers fire as whoever ran the statement,
 * before 18.
 */
static void
reach_actions(CodeReach *reach, Oid relid)
{
	List	   *changed = code_tree(relid, NoLock);
	List	   *keys = fk_declared(InvalidOid);

	/* the list grows while it is walked */
	for (int i = 0; i < list_length(changed); i++)
	{
		foreach_ptr(const FkKey, key, keys)
		{
			if (key->parent != list_nth_oid(changed, i) || !key->enforced || list_member_oid(changed, key->child) ||
				(keeps_rows(key->on_delete) && keeps_rows(key->on_update)))
				continue;
			reach_table(reach, key->child, ShareUpdateExclusiveLock);
			fk_code_reach(reach, key);
			changed = list_concat_unique_oid(changed, code_tree(key->child, ShareUpdateExclusiveLock));
		}
	}
}

static bool
visit_tables(Node *node, void *reach)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (OidIsValid(((RangeTblEntry *) node)->relid))
			reach_table(reach, ((RangeTblEntry *) node)->relid, NoLock);
		return false;
	}
	if (IsA(node, Query) && OidIsValid(changed_table((Query *) node)))
		reach_actions(reach, changed_table((Query *) node));
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, visit_tables, reach, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, visit_tables, reach);
}

typedef struct ReachArg
{
	const char *sql;
	Node	   *raw;
	Oid			table;			/* of the step, or InvalidOid */
	CodeReach  *reach;
} ReachArg;

/* What a query could run: it is analysed and rewritten, and neither planned nor run */
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
	plan = SPI_prepare(arg->sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), arg->sql);
	foreach_ptr(CachedPlanSource, source, SPI_plan_get_plan_sources(plan))
	{
		ListCell   *lc;

		code_reach_expression(arg->reach, (Node *) source->query_list, GetUserId());
		foreach(lc, source->query_list)
			(void) visit_tables(lfirst(lc), arg->reach);
	}
	SPI_finish();
	sg_scope_end(&scope);
	sg_scope_end(&caller);
}

/* An owner and settings, in the catalog alone: no row and no expression is looked at */
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

/* The table that a utility statement is about, and whose code it could run, with the lock that it takes */
static const RangeVar *
target_of(Node *statement, LOCKMODE *mode)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			*mode = AlterTableGetLockLevel(((AlterTableStmt *) statement)->cmds);
			return runs_nothing((AlterTableStmt *) statement) ? NULL : ((AlterTableStmt *) statement)->relation;
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

/* What ALTER TABLE computes for rows, beside what the table has */
static void
reach_commands(const AlterTableStmt *statement, CodeReach *reach)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		Node	   *def = cmd->def;

		if (def == NULL)
			continue;
		if (IsA(def, Constraint))
			code_reach_raw(reach, ((Constraint *) def)->raw_expr);
		else if (IsA(def, PartitionCmd) && ((PartitionCmd *) def)->bound)
		{
			PartitionBoundSpec *bound = ((PartitionCmd *) def)->bound;

			code_reach_raw(reach, (Node *) list_concat(list_concat_copy(bound->listdatums, bound->lowerdatums), bound->upperdatums));
		}
		else if (IsA(def, ColumnDef))
		{
			code_reach_raw(reach, (Node *) ((ColumnDef *) def)->typeName);
			code_reach_raw(reach, ((ColumnDef *) def)->raw_default);
			foreach_ptr(const Constraint, c, ((ColumnDef *) def)->constraints)
			{
				code_reach_raw(reach, c->raw_expr);
			}
		}
		else if (cmd->subtype == AT_ColumnDefault)
			code_reach_raw(reach, def);
	}
}

/* A check of a domain is evaluated over rows of any table, with those that it has, and whatever they run: as its owner */
static void
reach_domain(ChangeMove *move, const AlterDomainStmt *statement, CodeReach *reach)
{
	Oid			domain = LookupTypeNameOid(NULL, makeTypeNameFromNameList(statement->typeName), true);
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));

	if (!HeapTupleIsValid(tuple))
		return;
	if (statement->def)
		code_reach_raw(reach, IsA(statement->def, Constraint) ? ((Constraint *) statement->def)->raw_expr : statement->def);
	code_reach_type(reach, domain);
	move->owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
}

static bool
visit_types(Node *node, void *reach)
{
	if (node == NULL || IsA(node, NotifyStmt))
		return false;
	if (IsA(node, TypeName))
		code_reach_type(reach, LookupTypeNameOid(NULL, (TypeName *) node, true));
	/* which the walker does not know */
	if (IsA(node, ReturnStmt))
		return visit_types(((ReturnStmt *) node)->returnval, reach);
	return raw_expression_tree_walker(node, visit_types, reach);
}

static void
visit_constraints(List *elements, CodeReach *reach)
{
	foreach_ptr(Node, element, elements)
	{
		if (IsA(element, Constraint))
			(void) visit_types(((Constraint *) element)->raw_expr, reach);
		else if (IsA(element, ColumnDef))
			visit_constraints(((ColumnDef *) element)->constraints, reach);
	}
}

/*
 * The types of what a statement only has analysed: a literal goes through the
 * input of its type then, which for an array of a domain is the domain's check
 */
static void
reach_literals(Node *statement, CodeReach *reach)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			visit_constraints(((CreateStmt *) statement)->tableElts, reach);
			break;
		case T_CreateDomainStmt:
			visit_constraints(((CreateDomainStmt *) statement)->constraints, reach);
			break;
		case T_ViewStmt:
			(void) visit_types(((ViewStmt *) statement)->query, reach);
			break;
		case T_CreateTableAsStmt:
			(void) visit_types(((CreateTableAsStmt *) statement)->query, reach);
			break;
		case T_RuleStmt:
			(void) visit_types(((RuleStmt *) statement)->whereClause, reach);
			(void) visit_types((Node *) ((RuleStmt *) statement)->actions, reach);
			break;
		case T_CreatePolicyStmt:
			(void) visit_types(((CreatePolicyStmt *) statement)->qual, reach);
			(void) visit_types(((CreatePolicyStmt *) statement)->with_check, reach);
			break;
		case T_AlterPolicyStmt:
			(void) visit_types(((AlterPolicyStmt *) statement)->qual, reach);
			(void) visit_types(((AlterPolicyStmt *) statement)->with_check, reach);
			break;
		case T_CreateTrigStmt:
			(void) visit_types(((CreateTrigStmt *) statement)->whenClause, reach);
			break;
		case T_IndexStmt:
			(void) visit_types(((IndexStmt *) statement)->whereClause, reach);
			foreach_ptr(const IndexElem, element, ((IndexStmt *) statement)->indexParams)
			{
				(void) visit_types(element->expr, reach);
			}
			break;
		case T_CreateStatsStmt:
			foreach_ptr(const StatsElem, element, ((CreateStatsStmt *) statement)->exprs)
			{
				(void) visit_types(element->expr, reach);
			}
			break;
		case T_CreateFunctionStmt:
			(void) visit_types(((CreateFunctionStmt *) statement)->sql_body, reach);
			foreach_ptr(const FunctionParameter, parameter, ((CreateFunctionStmt *) statement)->parameters)
			{
				(void) visit_types(parameter->defexpr, reach);
			}
			break;
		case T_DefineStmt:
			/* the initial value of an aggregate */
			foreach_ptr(const DefElem, option, ((DefineStmt *) statement)->definition)
			{
				if (option->arg && IsA(option->arg, TypeName))
					(void) visit_types(option->arg, reach);
			}
			break;
		default:
			break;
	}
}

/* What a utility statement computes, or has analysed */
static void
reach_utility(ChangeMove *move, Node *statement, CodeReach *reach)
{
	CodeReach  *types = code_reach();
	SgScope		scope;

	sg_caller_begin(&scope);
	reach_literals(statement, types);
	if (code_is_others(types))
		reach_literals(statement, reach);
	if (IsA(statement, AlterTableStmt))
		reach_commands((AlterTableStmt *) statement, reach);
	else if (IsA(statement, AlterDomainStmt))
		reach_domain(move, (AlterDomainStmt *) statement, reach);
	sg_scope_end(&scope);
}

/* Add what a statement could run to the move; false with a problem if it can't be analysed */
bool
change_reach_statement(ChangeMove *move, const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	Node	   *statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	ReachArg	arg = {.sql = sql,.raw = statement,.table = move->table,.reach = move->reach ? move->reach : code_reach()};
	LOCKMODE	mode = NoLock;
	const RangeVar *target = target_of(statement, &mode);
	ErrorData  *edata = NULL;

	if (IsA(statement, SelectStmt) || IsA(statement, InsertStmt) || IsA(statement, UpdateStmt) ||
		IsA(statement, DeleteStmt) || IsA(statement, MergeStmt))
		edata = code_locks() ? sg_try(reach_query, &arg) : sg_try_undo(reach_query, &arg);
	MemoryContextSwitchTo(context);
	if (edata && code_locks() && run_is_lock_failure(edata))
		ReThrowError(edata);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		change_problem(move, edata->sqlerrcode, psprintf("the statement can't be run: %s", edata->message),
					   "Names in it are looked up in pg_catalog; others need their schema.");
		return false;
	}
	if (target)
	{
		SgScope		scope;
		Oid			relid;

		sg_caller_begin(&scope);
		relid = RangeVarGetRelid(target, NoLock, true);
		sg_scope_end(&scope);
		if (OidIsValid(relid))
		{
			reach_table(arg.reach, relid, mode);
			if (!OidIsValid(move->table))
				move->owner = code_table_owner(relid);
		}
	}
	reach_utility(move, statement, arg.reach);
	move->reach = arg.reach;
	return true;
}

/* ---- done already? ---- */

typedef struct DoneArg
{
	const char *sql;
	ChangeMove	move;			/* as whom the query may run */
	bool		done;
} DoneArg;

static void
ask(void *p)
{
	DoneArg    *arg = p;
	SgScope		scope;

	if (!change_reach_statement(&arg->move, arg->sql))
		return;
	change_check_caller(&arg->move);
	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute(arg->sql, true, 2) != SPI_OK_SELECT || SPI_processed != 1 || SPI_tuptable->tupdesc->natts != 1 ||
		SPI_gettypeid(SPI_tuptable->tupdesc, 1) != BOOLOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("done_when gives no single boolean")));
	else
	{
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		arg->done = !isnull && DatumGetBool(value);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* Asks under ACCESS SHARE: a query that only reads needs no stronger lock, whatever the deed takes afterwards */
static void
ask_locked(void *arg)
{
	run_deed_reading(ask, arg);
}

/* Its own query says so; false with a problem where that can't be asked */
static bool
is_done(const PlanStep *step, ChangeMove *move, bool *done)
{
	DoneArg		arg = {.sql = step->done_when};
	ErrorData  *edata;

	*done = step->state == STEP_VALIDATED;
	/* a query in a subtransaction would end a session of a standby */
	if (step->done_when == NULL || RecoveryInProgress())
		return true;
	arg.move.action = "done_when";
	edata = sg_try_undo(ask_locked, &arg);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		if (code_locks() && run_is_lock_failure(edata))
			ReThrowError(edata);
		change_problem(move, edata->sqlerrcode, psprintf("done_when fails: %s", sg_error_message(edata)),
					   "It is a query of one row and one boolean; correct it with sg_plan_set().");
		return false;
	}
	if (arg.move.kind == MOVE_PROBLEM)
	{
		move->kind = MOVE_PROBLEM;
		move->problem = arg.move.problem;
		return false;
	}
	*done = arg.done;
	return true;
}

/* ---- outside of a transaction ---- */

/* Columns alone, so that nothing of it is analysed that could run code */
static bool
is_plain_index(const IndexStmt *stmt)
{
	foreach_ptr(IndexElem, element, stmt->indexParams)
	{
		if (element->name == NULL || element->opclassopts)
			return false;
	}
	return stmt->concurrent && stmt->whereClause == NULL;
}

/* As the server reads it: of several the last one counts */
static bool
has_option(List *options, const char *name)
{
	bool		set = false;

	foreach_ptr(DefElem, option, options)
	{
		if (strcmp(option->defname, name) == 0)
			set = defGetBoolean(option);
	}
	return set;
}

/* Commits on its way or can't be in a transaction, holds up nobody who reads or writes, and runs no code but as the server does it */
static bool
may_be_outside(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return is_plain_index((IndexStmt *) statement);
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType == OBJECT_INDEX && ((DropStmt *) statement)->concurrent;
		case T_ReindexStmt:
			return has_option(((ReindexStmt *) statement)->params, "concurrently");
		case T_VacuumStmt:
			return !has_option(((VacuumStmt *) statement)->options, "full");
		case T_AlterEnumStmt:
			return true;
		default:
			return false;
	}
}

/* The caller's worker sends it, so there is no other role that it could run as */
static void
outside_statement(const char *sql, ChangeMove *move, StepState state)
{
	Node	   *statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;

	if (may_be_outside(statement))
		change_statement(move, MOVE_OUTSIDE, "statement", NoLock, state, pstrdup(sql));
	else
		change_problem(move, ERRCODE_FEATURE_NOT_SUPPORTED,
					   "a statement of this kind is not run outside of a transaction",
					   "CONCURRENTLY of CREATE INDEX on columns, REINDEX and DROP INDEX, VACUUM without FULL, ANALYZE and ALTER TYPE ... ADD VALUE are. Run others by hand, then sg_plan_skip().");
}

/* In one transaction; false with a problem where one of them can't be analysed */
static bool
run_statements(ChangeMove *move, const char *sql, StepState state)
{
	List	   *texts = plan_change_texts(sql);

	foreach_ptr(const char, text, texts)
	{
		if (!change_reach_statement(move, text))
			return false;
	}
	change_move(move, MOVE_STATEMENT, "statement", OidIsValid(move->table) ? AccessExclusiveLock : NoLock, state);
	move->statements = texts;
	move->one_by_one = list_length(texts) > 1;
	return true;
}

void
change_look_statement(const PlanStep *step, ChangeMove *move)
{
	bool		done;

	if (!is_done(step, move, &done) || done)
		return;
	if (step->outside)
	{
		outside_statement(step->definition, move, STEP_VALIDATED);
		move->first = true;
		return;
	}
	move->first = run_statements(move, step->definition, STEP_VALIDATED);
}

void
change_undo_statement(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	bool		done = true;
	List	   *texts;

	if (step->done_when && (!is_done(step, move, &done) || !done))
		return;
	texts = step->undo ? plan_change_texts(step->undo) : NIL;
	if (step->undo == NULL)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, "the step has no statement that takes it back",
					   psprintf("Give it one: SELECT sg_plan_set(%s, %d, 'undo', ...);",
								quote_literal_cstr(step->plan), step->step));
	else if (texts == NIL)
		return;					/* with another step */
	else if (step->outside && list_length(texts) == 1 &&
			 may_be_outside(linitial_node(RawStmt, raw_parser(step->undo, RAW_PARSE_DEFAULT))->stmt))
		outside_statement(step->undo, move, STEP_ROLLED_BACK);
	else
		(void) run_statements(move, step->undo, STEP_ROLLED_BACK);
}
