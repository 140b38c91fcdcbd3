/*-------------------------------------------------------------------------
 *
 * sync_session.c
 *	  A session that runs a script of sg_sync_sql().
 *
 *	  A script's statements are judged when it is written.  Code that they run
 *	  can be planted after that, or be reached through objects that the script
 *	  itself makes.  So a script calls sg_sync_guard() if the extension is
 *	  installed: each statement of the session is then examined as a plan's
 *	  statements are, in the catalogs of that moment and under the same locks,
 *	  and runs as the role that its code allows.  A statement that can't run
 *	  in a transaction is examined, and left to the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/made.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "plan/plan_change.h"
#include "run/run_deed.h"
#include "sync/sync_scratch.h"

SG_FUNCTION(sg_sync_guard);
SG_FUNCTION(sg_sync_run);

static ProcessUtility_hook_type next_utility = NULL;

static bool is_guarded = false; /* each statement of the session is examined */
static Oid	guarded_by = InvalidOid;	/* role that asked for that */
static bool is_running = false; /* an examined statement runs now */

/* ---- statements ---- */

/* Returns whether CALL is of a procedure of the session's own schema pg_temp, with constants */
static bool
calls_temporary(const CallStmt *call)
{
	foreach_ptr(Node, argument, call->funcexpr->args)
	{
		if (!IsA(argument, Const))
			return false;
	}
	return isTempNamespace(get_func_namespace(call->funcexpr->funcid));
}

/* Returns whether a statement itself runs no code, or consists of others, which come here, too */
static bool
is_frame(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CallStmt:
			return calls_temporary((CallStmt *) statement);
		case T_ConstraintsSetStmt:
		case T_DiscardStmt:
		case T_DoStmt:
		case T_LockStmt:
		case T_NotifyStmt:
		case T_TransactionStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
			return true;
		default:
			return false;
	}
}

static bool
detaches_concurrently(const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (cmd->subtype == AT_DetachPartition && ((PartitionCmd *) cmd->def)->concurrent)
			return true;
	}
	return false;
}

bool
sync_session_is_outside(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return detaches_concurrently((AlterTableStmt *) statement);
		case T_DropStmt:
			return ((DropStmt *) statement)->concurrent;
		case T_IndexStmt:
			return ((IndexStmt *) statement)->concurrent;
		case T_ReindexStmt:
			return plan_option_is_on(((ReindexStmt *) statement)->params, "concurrently");
		default:
			return false;
	}
}

/*
 * Returns whether a text is that one statement alone.  A statement that a rule
 * adds to a query comes with the query's text.
 */
static bool
is_text_of(const char *text, Node *statement)
{
	List	   *parsed = raw_parser(text, RAW_PARSE_DEFAULT);

	return list_length(parsed) == 1 && nodeTag(linitial_node(RawStmt, parsed)->stmt) == nodeTag(statement);
}

/* Returns the text of one among several statements */
static char *
text_of(const PlannedStmt *planned, const char *query)
{
	const char *text = query + Max(planned->stmt_location, 0);

	return planned->stmt_len > 0 ? pnstrdup(text, planned->stmt_len) : pstrdup(text);
}

/* ---- looking ---- */

static void
run_looked_at(void *text)
{
	ChangeMove	move = {.kind = MOVE_STATEMENT,.action = "statement",.statements = plan_change_texts(text),.one_by_one = true};

	change_run(&move);
}

/* Raises 42501 if the server must not run the statement outside of a transaction */
static void
look_at_outside(void *text)
{
	ChangeMove	move = {.action = "statement"};
	char	   *reason;

	if (!change_reach_statement(&move, text))
		ereport(ERROR,
				(errcode(move.problem->sqlerrcode),
				 errmsg("%s", move.problem->reason)));
	reason = change_outside_refusal(&move, text);
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("statement is left alone: %s", reason)));
}

typedef struct Statement
{
	PlannedStmt *planned;
	const char *query;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *dest;
	QueryCompletion *completion;
} Statement;

static void
pass_on(const Statement *s)
{
	ProcessUtility_hook_type utility = next_utility ? next_utility : standard_ProcessUtility;

	utility(s->planned, s->query, s->read_only_tree, s->context, s->params, s->environment, s->dest, s->completion);
}

/* Passes on a statement that runs no code itself */
static void
pass_on_frame(const Statement *s)
{
	Node	   *statement = s->planned->utilityStmt;
	Oid			before = sg_guard_frame(IsA(statement, CallStmt) ? ((CallStmt *) statement)->funcexpr->funcid : InvalidOid);

	PG_TRY();
	{
		pass_on(s);
	}
	PG_FINALLY();
	{
		(void) sg_guard_frame(before);
	}
	PG_END_TRY();
}

/* Calls fn(arg) as a deed, with a snapshot of its own */
static void
look(void (*fn) (void *arg), void *arg)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	run_deed_alone(fn, arg);
	PopActiveSnapshot();
}

static void
look_and_run(void *text)
{
	look(run_looked_at, text);
}

/* Raises 0A000 for statements that no plan can have: a statement with a query, a cursor, COPY, CALL */
pg_noreturn static void
refuse(Node *statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is no statement that is looked at before it runs", GetCommandTagName(CreateCommandTag(statement))),
			 errhint("Scripts have none such. For other work end the looks of this session:\nSELECT schemaguard.sg_sync_guard(false);")));
}

static void
run_guarded(void *arg)
{
	const Statement *s = arg;
	char	   *text = text_of(s->planned, s->query);

	/* a query within a statement has already been analysed here */
	if (!plan_accepts_statement(s->planned->utilityStmt) || IsA(s->planned->utilityStmt, CreateTableAsStmt) ||
		!is_text_of(text, s->planned->utilityStmt))
		refuse(s->planned->utilityStmt);
	if (sync_session_is_outside(s->planned->utilityStmt))
	{
		look(look_at_outside, text);
		pass_on(s);
	}
	else
		look_and_run(text);
}

/* Calls fn(arg), within which statements are not examined again */
static void
run_inside(void (*fn) (void *arg), void *arg)
{
	bool		was_running = is_running;

	is_running = true;
	PG_TRY();
	{
		sg_call(fn, arg);
	}
	PG_FINALLY();
	{
		is_running = was_running;
	}
	PG_END_TRY();
}

static void
guard_session(bool on)
{
	is_guarded = on;
	guarded_by = GetUserId();
	sg_guard_session(is_guarded);
	sg_seen_session(is_guarded);
}

static void
utility(PlannedStmt *planned, const char *query, bool read_only_tree, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Statement	s = {planned, query, read_only_tree, context, params, environment, dest, completion};
	bool		discards = IsA(planned->utilityStmt, DiscardStmt) && ((DiscardStmt *) planned->utilityStmt)->target == DISCARD_ALL;

	if (!is_guarded || is_running)
		pass_on(&s);
	else if (is_frame(planned->utilityStmt))
		pass_on_frame(&s);
	else
		run_inside(run_guarded, &s);

	/*
	 * DISCARD ALL of a pooler, which hands the session on; the statement may
	 * be freed by now, with a portal that a ROLLBACK in a CALL has ended
	 */
	if (discards && is_guarded)
		guard_session(false);
}

void
sync_session_init(void)
{
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}

/*
 * schemaguard.sg_sync_guard(on boolean)
 *
 * Turns the guard on or off: each statement of the session except queries is
 * examined before it runs, as a plan's statements are, and no function of a
 * role without the caller's privileges runs in the caller's name, also not at
 * commit.  Raises 42501 unless the session's own role calls it, because code
 * that runs as somebody else within a statement could turn off the guard for
 * the next one; 55006 within such a statement.  DISCARD ALL turns it off, too.
 */
static Datum
sg_sync_guard_entered(PG_FUNCTION_ARGS)
{
	Oid			owner = is_guarded ? guarded_by : GetOuterUserId();

	if (InLocalUserIdChange() || InSecurityRestrictedOperation() || GetUserId() != owner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("sg_sync_guard() can be called by role %s only, whose session it is", sg_role_name(owner)),
				 errhint("Call it outside of functions that run as their owner:\nSELECT schemaguard.sg_sync_guard(true);")));
	if (sg_is_making())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("sg_sync_guard() can't be called within a statement that is looked at"),
				 errhint("Call it by itself:\nSELECT schemaguard.sg_sync_guard(%s);", PG_GETARG_BOOL(0) ? "true" : "false")));
	guard_session(PG_GETARG_BOOL(0));
	PG_RETURN_VOID();
}

/*
 * schemaguard.sg_sync_run(statements text)
 *
 * Runs statements with the checks of a guarded session.  CREATE MATERIALIZED
 * VIEW is analysed before the server calls the hook, and so has to be passed as
 * a text.  Raises 0A000 for statements that no plan can have, and 42501 for
 * those that must not run.
 */
static Datum
sg_sync_run_entered(PG_FUNCTION_ARGS)
{
	char	   *sql = sg_arg_text(fcinfo, 0);

	foreach_ptr(const RawStmt, raw, raw_parser(sql, RAW_PARSE_DEFAULT))
	{
		if (!plan_accepts_statement(raw->stmt))
			refuse(raw->stmt);
	}
	run_inside(look_and_run, sql);
	PG_RETURN_VOID();
}
