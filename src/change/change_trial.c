/*-------------------------------------------------------------------------
 *
 * change_trial.c
 *	  Statements that are run on trial, in a subtransaction that is rolled
 *	  back.
 *
 *	  The trial blocks neither readers nor writers: its tables are its own.  A
 *	  partition of a table that others use would lock that table's default
 *	  partition, and the tables that its keys reference.  So it is made LIKE
 *	  that table instead, and only its bound is compared with the other
 *	  partitions'. No event trigger fires, because the server takes the
 *	  statement for a part of another one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"
#include "partitioning/partbounds.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/origin.h"
#include "change/change.h"
#include "plan/plan_index.h"
#include "run/run_deed.h"

/*
 * Raises the server's errors about the bound of a new partition, except those
 * about rows of the default partition
 */
static void
check_bound(Relation parent, const CreateStmt *create)
{
	ParseState *pstate = make_parsestate(NULL);

	if (parent->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not partitioned", RelationGetRelationName(parent))));
	if (!sg_owns_relation(RelationGetRelid(parent), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", RelationGetRelationName(parent))));
	check_new_partition_bound(create->relation->relname, parent, transformPartitionBound(pstate, parent, create->partbound), pstate);
}

/*
 * Returns whether the elements of a table have a constraint with an index; the
 * partition's own may equal its parent's.
 */
static bool
has_index(const List *elements)
{
	foreach_ptr(Node, element, elements)
	{
		if (IsA(element, ColumnDef) && has_index(((ColumnDef *) element)->constraints))
			return true;
		if (IsA(element, Constraint) && (((Constraint *) element)->contype == CONSTR_PRIMARY || ((Constraint *) element)->contype == CONSTR_UNIQUE ||
										 ((Constraint *) element)->contype == CONSTR_EXCLUSION))
			return true;
	}
	return false;
}

/* Turns PARTITION OF into LIKE */
static void
make_like(CreateStmt *create)
{
	TableLikeClause *like = makeNode(TableLikeClause);
	List	   *elements = list_make1(like);

	like->relation = linitial(create->inhRelations);
	like->options = CREATE_TABLE_LIKE_DEFAULTS | CREATE_TABLE_LIKE_GENERATED;
	if (!has_index(create->tableElts))
		like->options |= CREATE_TABLE_LIKE_INDEXES;
	foreach_ptr(Node, element, create->tableElts)
	{
		/* columns have no types here */
		if (IsA(element, Constraint))
			elements = lappend(elements, element);
	}
	create->tableElts = elements;
	create->inhRelations = NIL;
	create->partbound = NULL;
}

/* Makes a partition of a table that others see stand alone on trial */
static void
settle_partition(CreateStmt *create)
{
	Relation	parent = table_openrv(linitial(create->inhRelations), AccessShareLock);

	if (parent->rd_createSubid == InvalidSubTransactionId)
	{
		check_bound(parent, create);
		make_like(create);
	}
	table_close(parent, NoLock);
}

/* Removes keys, because a key would lock the table that it references */
static List *
without_keys(List *elements)
{
	List	   *others = NIL;

	foreach_ptr(Node, element, elements)
	{
		if (IsA(element, ColumnDef))
			((ColumnDef *) element)->constraints = without_keys(((ColumnDef *) element)->constraints);
		if (!IsA(element, Constraint) || ((Constraint *) element)->contype != CONSTR_FOREIGN)
			others = lappend(others, element);
	}
	return others;
}

static bool
calls_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, A_Const) && !IsA(node, ColumnRef) && !IsA(node, List) && !IsA(node, PartitionBoundSpec))
		return true;
	return !IsA(node, ColumnRef) && raw_expression_tree_walker(node, calls_function, context);
}

bool
change_computes_nothing(const char *sql)
{
	CreateStmt *create = (CreateStmt *) linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	PartitionBoundSpec *bound = IsA(create, CreateStmt) ? create->partbound : NULL;

	return bound == NULL || !(calls_function((Node *) bound->listdatums, NULL) || calls_function((Node *) bound->lowerdatums, NULL) ||
							  calls_function((Node *) bound->upperdatums, NULL));
}

static bool
has_key(List *elements)
{
	foreach_ptr(Node, element, elements)
	{
		if ((IsA(element, Constraint) && ((Constraint *) element)->contype == CONSTR_FOREIGN) ||
			(IsA(element, ColumnDef) && has_key(((ColumnDef *) element)->constraints)))
			return true;
	}
	return false;
}

const char *
change_untried(const char *sql)
{
	CreateStmt *create = (CreateStmt *) linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;

	if (!IsA(create, CreateStmt))
		return NULL;
	return has_key(create->tableElts) ? "its foreign keys" :
		create->partbound && create->tableElts ? "what it says of its columns" : NULL;
}

static void
settle(CreateStmt *create)
{
	create->tableElts = without_keys(create->tableElts);
	if (create->partbound)
		settle_partition(create);
}

void
change_try_statement(RawStmt *raw, const char *sql)
{
	PlannedStmt *statement = makeNode(PlannedStmt);

	statement->commandType = CMD_UTILITY;
	statement->canSetTag = true;
	statement->utilityStmt = raw->stmt;
	statement->stmt_location = raw->stmt_location;
	statement->stmt_len = raw->stmt_len;
	PushActiveSnapshot(GetTransactionSnapshot());
	sg_origin_utility(statement, sql, PROCESS_UTILITY_SUBCOMMAND);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

void
change_run_on_trial(const char *sql)
{
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT));

	if (IsA(raw->stmt, CreateStmt))
		settle((CreateStmt *) raw->stmt);
	change_try_statement(raw, sql);
}

typedef struct TrialMove
{
	const PlanStep *step;
	ChangeMove *move;
} TrialMove;

/* Looks again under the locks of the deed, and makes the move */
static void
make_move(void *arg)
{
	const PlanStep *step = ((TrialMove *) arg)->step;
	ChangeMove *move = ((TrialMove *) arg)->move;

	change_look(step, move);
	if (move->kind == MOVE_BUILD)
	{
		PlanIndex  *build = linitial(move->builds);

		move->statements = list_make1(plan_index_statement(build->columns, step->fk_name, step->child_table, false));
		move->one_by_one = true;
	}
	else if (move->kind != MOVE_STATEMENT && move->kind != MOVE_VALIDATE)
		return;
	move->on_trial = true;
	change_run(move);
}

bool
change_try_move(const PlanStep *step, ChangeMove *move)
{
	TrialMove	arg = {step, move};

	run_deed_reading(make_move, &arg);
	return move->on_trial;
}
