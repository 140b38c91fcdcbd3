/*-------------------------------------------------------------------------
 *
 * change_step.c
 *	  Runs or undoes one step that is no foreign key, move by move.
 *
 *	  A move is found without a lock, and again under its locks, where it has
 *	  to be the same.  Its statements, the step's state, the deed and the log
 *	  are one transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/made.h"
#include "base/nearest.h"
#include "base/origin.h"
#include "base/progress.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "change/change_need.h"
#include "deploy/deploy.h"
#include "deploy/deploy_backfill.h"
#include "deploy/deploy_index.h"
#include "deploy/deploy_scan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"
#include "plan/plan_rows.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_name.h"
#include "run/run_rights.h"
#include "run/run_rows.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

/* More moves than any kind has, so that a kind without an end is detected */
#define MOST_MOVES 16

/* ---- looking ---- */

/* Finds the table, if the step has one; returns false if it can't be changed */
static bool
find_table(const PlanStep *step, ChangeMove *move)
{
	char	   *near;
	char		relkind;

	memset(move, 0, sizeof(ChangeMove));
	if (step->child_table == NULL)
		return true;
	move->table = sg_find_qualified(step->child_table);
	if (!OidIsValid(move->table) && step->kind == STEP_TABLE)
		return true;
	if (!OidIsValid(move->table))
	{
		/* a finished step has found its table, so the name is not misspelt */
		near = step->state == STEP_VALIDATED ? NULL : sg_nearest_table(step->child_table);
		change_problem(move, ERRCODE_UNDEFINED_TABLE, psprintf("table %s does not exist", step->child_table),
					   step->kind == STEP_DROP ? change_nearest_hint(step, InvalidOid) :
					   near ? psprintf("Perhaps you meant %s:\n%s", near, plan_set_call(step, "child_table", near, NULL)) :
					   psprintf("Create the table, or leave the step out:\n%s", plan_skip_call(step, "there is no such table")));
		return false;
	}
	relkind = get_rel_relkind(move->table);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE &&
		!(step->kind == STEP_STATEMENT || step->kind == STEP_DROP || step->kind == STEP_RENAME))
	{
		change_problem(move, ERRCODE_WRONG_OBJECT_TYPE, psprintf("%s is no table", step->child_table),
					   "Views, foreign tables and others have no such thing of their own.");
		return false;
	}
	return true;
}

/* Arguments of change_look() */
typedef struct Look
{
	const PlanStep *step;
	ChangeMove *move;
} Look;

/* Finds the next move of a step, for sg_read() */
static void
look_once(void *arg)
{
	const PlanStep *step = ((Look *) arg)->step;
	ChangeMove *move = ((Look *) arg)->move;

	/*
	 * the kind handles a missing table that is dropped, or has its new name
	 * already
	 */
	bool		found = find_table(step, move);

	if (!found && (step->kind != STEP_DROP && step->kind != STEP_RENAME))
		return;
	if (change_kinds[step->kind].look == NULL)
		change_problem(move, ERRCODE_FEATURE_NOT_SUPPORTED,
					   psprintf("steps of kind \"%s\" can't be run yet", plan_kind_word(step->kind)), NULL);
	else
		change_kinds[step->kind].look(step, move);
}

/*
 * Completes the hint of a problem with names in a step, unless it has a
 * statement: the step can be skipped
 */
static void
add_way_out(const PlanStep *step, FkProblem *problem)
{
	if (ERRCODE_TO_CATEGORY(problem->sqlerrcode) != ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR) ||
		problem->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE || (problem->hint && strchr(problem->hint, '\n')))
		return;
	problem->hint = psprintf("%s%sCorrect the step, or leave it out:\n%s", problem->hint ? problem->hint : "", problem->hint ? " " : "",
							 plan_skip_call(step, "it can't be done here"));
}

void
change_look(const PlanStep *step, ChangeMove *move)
{
	Look		arg = {step, move};

	sg_read(look_once, &arg);
	if (move->kind == MOVE_PROBLEM)
		add_way_out(step, move->problem);
}

/* Returns whether a way back makes an object of a recorded text */
static bool
is_made_of_text(const PlanDeed *deed)
{
	const PlanStep *what = deed->what;

	if (deed->own || what->kind == STEP_DEFAULT)
		return true;
	if (what->kind == STEP_DROP && plan_changed_object(what) == CHANGED_VIEW)
		return strchr(deed->was, '\n') != NULL;
	return what->kind == STEP_DROP && plan_changed_object(what) != CHANGED_TABLE;
}

/* Leaves alone what a partition that was attached since had itself: the way back would take it from there, too */
static void
leave_to_attached(const PlanDeed *deed, ChangeMove *move)
{
	char	   *attached = move->kind == MOVE_STATEMENT ? plan_deed_attached_since(deed) : NULL;

	if (attached)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, attached,
					   psprintf("Where nobody needs it any more:\n%s;", (char *) linitial(move->statements)));
}

void
change_look_back(const PlanDeed *deed, const PlanStep *step, ChangeMove *move)
{
	plan_deed_follow(deed);
	if (find_table(deed->what, move) || deed->what->kind == STEP_DROP || deed->what->kind == STEP_RENAME)
	{
		change_kinds[deed->what->kind].undo(deed, step, move);
		leave_to_attached(deed, move);
		move->kept = deed->was && is_made_of_text(deed);
		return;
	}
	memset(move, 0, sizeof(ChangeMove));

	/* the effects of a statement need not be gone with the table */
	if (deed->what->kind == STEP_STATEMENT)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT,
					   psprintf("table %s is gone, so its undo was not run", deed->what->child_table), NULL);
}

/* Like change_look(), with a snapshot of its own */
static void
look(const PlanStep *step, ChangeMove *move)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	change_look(step, move);
	PopActiveSnapshot();
}

/* Returns a sentence that the caller may not create objects in a schema, or NULL */
static char *
lacks_create(Oid schema, const char *what, const char *takes)
{
	if (object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_CREATE) == ACLCHECK_OK)
		return NULL;
	return psprintf("role %s has no CREATE on the schema of %s, which %s takes", GetUserNameFromId(GetUserId(), false), what, takes);
}

char *
change_lacks(const PlanStep *step, const ChangeMove *move)
{
	char	   *lack = NULL;

	if (step->kind == STEP_TABLE && move->kind == MOVE_STATEMENT)
		return lacks_create(get_namespace_oid(sg_parse_table_name(step->child_table).schema, false), step->child_table, "the table");
	if (move->kind == MOVE_NONE || !OidIsValid(move->table) || move->kind == MOVE_PROBLEM)
		return NULL;
	if (move->kind == MOVE_BUILD)
		lack = lacks_create(get_rel_namespace(move->table), step->child_table, "building an index");
	return lack ? lack : run_lacks_ownership("table", move->table);
}

/* ---- doing ---- */

/*
 * Finds as whom a move runs; the caller has been found to own the table.  All
 * statements are analysed, whatever they run: what that comes to is added to the
 * reach.  Returns a problem where no role may, or the caller may not become that one.
 */
static FkProblem *
find_role(const ChangeMove *move, CodeReach *reach, Oid *role)
{
	char	   *reason;

	*role = InvalidOid;
	foreach_ptr(const char, statement, move->statements)
	{
		change_reach_written(statement, reach);
	}

	/*
	 * the server may evaluate the partition key, and folds constants in it
	 */
	if (OidIsValid(move->table) && get_rel_relkind(move->table) == RELKIND_PARTITIONED_TABLE)
		code_reach_read(reach, move->table);
	reason = code_role(reach, OidIsValid(move->owner) ? move->owner :
					   OidIsValid(move->table) ? code_table_owner(move->table) : GetUserId(), role);
	if (reason)
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE,
						  psprintf("%s is left alone: %s", move->action, reason), CODE_REFUSED_HINT);
	reason = OidIsValid(*role) ? sg_may_not_become(*role) : NULL;
	return reason ? fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE, reason, NULL) : NULL;
}

static void
raise_refusal(const FkProblem *problem)
{
	ereport(ERROR,
			(errcode(problem->sqlerrcode),
			 errmsg("%s", problem->reason),
			 problem->hint ? errhint("%s", problem->hint) : 0));
}

/* A statement, and the counts of rows that it deletes or changes, or NULL */
typedef struct RunText
{
	const char *sql;
	const ChangeMove *move;		/* NULL: not a user's statement */
} RunText;

static void
count_written(const RunText *text)
{
	Node	   *statement = linitial_node(RawStmt, raw_parser(text->sql, RAW_PARSE_DEFAULT))->stmt;
	Oid			table = IsA(statement, InsertStmt) ? InvalidOid : change_find_named(change_written(statement));

	if (OidIsValid(table) && SPI_processed > 0)
		run_rows_add(text->move->counts, table, IsA(statement, DeleteStmt) ? ROWS_DELETED : ROWS_CHANGED, SPI_processed);
}

static void
run_text(void *arg)
{
	const RunText *text = arg;
	const ChangeMove *move = text->move;
	int			rc;

	if (move && move->on_trial)
	{
		change_run_on_trial(text->sql);
		return;
	}
	if (move && move->processed)
		*move->processed = 0;
	rc = sg_origin_execute(text->sql);
	if (rc < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), text->sql);
	if (move && move->processed)
		*move->processed = SPI_processed;
	if (move && move->returns && SPI_processed == 1)
	{
		char	   *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);

		move->returns->text = text ? MemoryContextStrdup(move->returns->context, text) : NULL;
	}
	if (move && move->counts && !move->returns && !pgstat_track_counts)
		count_written(text);
}

/*
 * Executes a statement of any kind, like run_statement(); expressions in it,
 * and of the table, reach no other code than `reach` has found
 */
static void
execute(const char *statement, const CodeReach *reach, const ChangeMove *move)
{
	RunText text = {statement, move};

	SPI_connect();
	sg_progress_keep();
	run_check_names(statement);
	if (reach && change_has_expressions(statement))
		code_analyse_as_meant(reach, run_text, &text);
	else if (reach)
		code_run_as_meant(reach, statement, run_text, &text);
	else
		run_text(&text);
	sg_progress_kept();
	SPI_finish();
}

bool
change_is_callers(const ChangeMove *move)
{
	Oid			role;

	return find_role(move, move->reach ? move->reach : code_reach(), &role) == NULL && !OidIsValid(role);
}

void
change_check_caller(const ChangeMove *move)
{
	Oid			role;
	FkProblem  *problem = find_role(move, move->reach ? move->reach : code_reach(), &role);

	if (OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s is left alone: it reaches code that is not the caller's", move->action)));
	if (problem)
		raise_refusal(problem);
}

/*
 * Returns the role to which a later statement gives the table that this one
 * makes, or InvalidOid: code of that role may run while it is made, but only as
 * that role.
 */
static Oid
owner_to_be(const char *statement, const List *statements)
{
	Node	   *made = linitial_node(RawStmt, raw_parser(statement, RAW_PARSE_DEFAULT))->stmt;

	if (!IsA(made, CreateStmt) || ((CreateStmt *) made)->relation->schemaname == NULL)
		return InvalidOid;
	foreach_ptr(const char, text, statements)
	{
		AlterTableStmt *altered = (AlterTableStmt *) linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		AlterTableCmd *cmd;

		if (!IsA(altered, AlterTableStmt) || altered->relation->schemaname == NULL ||
			!sg_same_text(altered->relation->schemaname, ((CreateStmt *) made)->relation->schemaname) ||
			!sg_same_text(altered->relation->relname, ((CreateStmt *) made)->relation->relname))
			continue;
		cmd = linitial_node(AlterTableCmd, altered->cmds);
		if (cmd->subtype == AT_ChangeOwner)
			return get_rolespec_oid(cmd->newowner, true);
	}
	return InvalidOid;
}

static void run_move(const ChangeMove *move);

/* Returns one of the statements of a move as a move of its own, still to be looked at */
static ChangeMove
one_of(const ChangeMove *move, char *statement)
{
	return (ChangeMove)
	{
		.action = move->action,.table = move->table,.statements = list_make1(statement),.counts = move->counts,
			.on_trial = move->on_trial,.owner = owner_to_be(statement, move->statements)
	};
}

/* Runs a user's statements, each as the role that the code existing by then allows */
static void
run_one_by_one(const ChangeMove *move)
{
	foreach_ptr(char, statement, move->statements)
	{
		ChangeMove	one = one_of(move, statement);

		if (!change_reach_statement(&one, statement))
			ereport(ERROR,
					(errcode(one.problem->sqlerrcode),
					 errmsg("%s", one.problem->reason)));
		run_move(&one);
	}
}

/* A statement that can't be examined yet depends on an earlier one's object */
FkProblem *
change_refusal(const ChangeMove *move)
{
	FkProblem  *problem = NULL;
	Oid			role;

	if (move->kind != MOVE_STATEMENT && move->kind != MOVE_VALIDATE)
		return NULL;
	if (!move->one_by_one)
		return find_role(move, move->reach ? move->reach : code_reach(), &role);
	foreach_ptr(char, statement, move->statements)
	{
		ChangeMove	one = one_of(move, statement);

		if (problem == NULL && change_reach_statement(&one, statement))
			problem = find_role(&one, one.reach, &role);
	}
	return problem;
}

static void
run_move(const ChangeMove *move)
{
	CodeReach  *reach = move->reach ? move->reach : code_reach();
	FkProblem  *problem;
	Oid			role;
	bool		sees_all;
	SgScope		scope;
	ListCell   *lc;

	if (move->one_by_one)
	{
		run_one_by_one(move);
		return;
	}
	problem = find_role(move, reach, &role);
	if (problem)
		raise_refusal(problem);
	if (OidIsValid(role) && (OidIsValid(move->owner) || !OidIsValid(move->table)))
	{
		/*
		 * a restricted operation's deferred triggers fire at the end of each
		 * statement
		 */
		run_fire_deferred();
		sees_all = has_bypassrls_privilege(GetUserId());
		sg_role_begin(&scope, role);
		sg_scope_pin();
		/* rows that the caller may see must not be left out silently */
		if (sees_all)
			sg_scope_see_own();
		sg_scope_set("row_security", "off");
	}
	else if (OidIsValid(role))
	{
		run_become_owner(&scope, move->table, role);
		sg_scope_pin();
	}
	else
		sg_caller_begin(&scope);

	if (move->kept)
		sg_make_of_kept(code_table_owner(move->table), move->known);

	change_pin_meaning();
	if (move->returns)
		sg_scope_pin_texts();
	foreach(lc, move->statements)
	{
		if (change_hides_body(lfirst(lc)))
			sg_scope_set("check_function_bodies", "off");
		execute(lfirst(lc), reach, move);
	}
	sg_scope_end(&scope);

	if (move->owner_statements == NIL)
		return;
	sg_owner_begin(&scope);
	foreach(lc, move->owner_statements)
		execute(lfirst(lc), NULL, NULL);
	sg_scope_end(&scope);
	sg_caller_begin(&scope);
	foreach(lc, move->last_statements)
		execute(lfirst(lc), NULL, NULL);
	sg_scope_end(&scope);
}

/* Returns whether a column gets values when it is added: by its default, or its domain's */
static bool
gets_values(const ColumnDef *def)
{
	Oid			type = def->typeName ? LookupTypeNameOid(NULL, def->typeName, true) : InvalidOid;

	foreach_ptr(const Constraint, constraint, def->constraints)
	{
		if (constraint->raw_expr)
			return true;
	}
	return def->raw_default || (OidIsValid(type) && get_typtype(type) == TYPTYPE_DOMAIN);
}

/*
 * Returns whether a statement evaluates expressions, for rows or once, which
 * may call code that writes rows
 */
static bool
evaluates(const Node *statement)
{
	if (IsA(statement, CreateTableAsStmt) || IsA(statement, IndexStmt))
		return true;
	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach_ptr(const AlterTableCmd, cmd, ((const AlterTableStmt *) statement)->cmds)
	{
		if (cmd->subtype == AT_AlterColumnType || cmd->subtype == AT_ValidateConstraint ||
			(cmd->subtype == AT_AddConstraint && ((const Constraint *) cmd->def)->raw_expr) ||
			(cmd->subtype == AT_AddColumn && gets_values((const ColumnDef *) cmd->def)))
			return true;
	}
	return false;
}

void
change_run(const ChangeMove *move)
{
	bool		counted = false;
	List	   *before;

	foreach_ptr(const char, text, move->counts ? move->statements : NIL)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		bool		runs_code = (move->returns || evaluates(statement)) && (move->reach == NULL || code_found(move->reach));

		if (runs_code && !pgstat_track_counts)
			run_set_local("track_counts", "on");
		counted |= runs_code || (pgstat_track_counts && code_is_query(statement));
	}
	before = counted ? run_rows_written() : NIL;
	run_move(move);
	/* including effects of keys, triggers and WITH */
	if (counted)
	{
		run_fire_deferred();
		run_rows_add_written(move->counts, before);
	}
}

/* Raises 42501, under the locks, if the caller does not own the table any more */
static void
check_owner(const ChangeMove *move)
{
	char	   *lack = OidIsValid(move->table) ? run_lacks_ownership("table", move->table) : NULL;

	if (lack)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", lack)));
}

static char *
statements_text(const ChangeMove *move)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, list_concat_copy(move->statements, move->owner_statements))
		appendStringInfo(&text, "%s%s", text.len ? "; " : "", (char *) lfirst(lc));
	return text.data;
}

static bool
is_same_move(const ChangeMove *a, const ChangeMove *b)
{
	return a->kind == b->kind && a->table == b->table && strcmp(statements_text(a), statements_text(b)) == 0;
}

/*
 * Records the deeds of a step, first those of the keys and rules that go along,
 * so that these come back last; returns its own
 */
static PlanDeed
write_deeds(const StepWork *work, const ChangeMove *move)
{
	const FkPlan *plan = work->run->plan;
	int			step = work->step->step;
	PlanStep   *what = palloc(sizeof(PlanStep));
	PlanDeed	deed = plan_deed(move->index ? DEED_INDEX : DEED_CHANGE, step, move->index ?
								 sg_qualified_name(sg_rel_schema(move->table), work->step->fk_name) :
								 move->whole ? psprintf("%s OF %s", work->object, move->whole) : work->object);

	foreach_ptr(const FkKey, key, move->keys)
	{
		plan_deed_replace(plan, step,
						  psprintf("%s ON %s", quote_identifier(key->name), sg_relation_name(key->child)), key,
						  work->started_id, false);
	}
	foreach_ptr(PlanDeed, own, list_concat_copy(work->step->kind != STEP_DROP || work->step->discard ? NIL : move->rules, change_own_deeds(work->step, move->table)))
	{
		own->log_id = work->started_id;
		own->identity = plan_deed_identity(own);
		plan_deed_write(plan, own);
	}
	*what = *work->step;
	if (move->kept_as)
		what->new_name = move->kept_as;
	if (move->columns)
		what->child_columns = move->columns;
	deed.what = what;
	deed.was = move->was;
	deed.index_columns = move->index;
	deed.partitioned = move->index != NULL;
	deed.log_id = work->started_id;
	plan_deed_write(plan, &deed);
	foreach_ptr(const char, index, move->taken)
	{
		plan_deed_close_object(plan, DEED_INDEX, step, index, DEED_DONE_AGAIN);
	}
	return deed;
}

/*
 * An action with its move; begins with the RunAction, so that a pointer to one
 * is a pointer to the other
 */
typedef struct MoveAction
{
	RunAction	action;
	ChangeMove	move;
	int64		lost;			/* number of rows or values that are deleted
								 * for good */
	RunRows    *dropped;		/* these rows by table */
	RunRows    *counts;			/* rows that its queries, and what they call,
								 * have deleted or changed */
} MoveAction;

/*
 * Returns whether a step ends the filling of rows for another one.  A rule that
 * exists now keeps rows right by itself, and so does NOT NULL for the column
 * that a step has added, unless another step is to drop the source of its fill;
 * and filling from a column ends with that column, or its name.
 */
static bool
ends_filling(const PlanStep *step, const PlanStep *other)
{
	switch (step->kind)
	{
		case STEP_CHECK:
			return other->step == step->step;
		case STEP_NOT_NULL:
			return other->step == step->step ||
				(other->kind == STEP_COLUMN && strcmp(linitial(other->child_columns), linitial(step->child_columns)) == 0 &&
				 change_carries_until(other) == NULL && change_read_until(other) == NULL);
		case STEP_DROP:
		case STEP_RENAME:
			if (plan_changed_object(step) != CHANGED_COLUMN)
				return false;
			if (other->kind == STEP_FOREIGN_KEY)
				return other->backfill && plan_has_word(other->backfill, step->fk_name);
			return other->kind == STEP_COLUMN && other->fill &&
				(plan_has_word(other->fill, step->fk_name) || strcmp(linitial(other->child_columns), step->fk_name) == 0);
		default:
			return false;
	}
}

/* Returns whether the filling ends before the statement, which would fail because of the trigger */
static bool
ends_first(const PlanStep *step)
{
	return step->kind == STEP_RENAME || plan_step_drops(step);
}

static void
drop_triggers(const StepWork *work, Oid table)
{
	const PlanStep *step = work->step;

	/* most tables have no filler, and no step is read */
	if (step->child_table == NULL || !OidIsValid(table) || !plan_filler_is_on(table))
		return;
	foreach_ptr(const PlanStep, other, plan_steps(step->plan))
	{
		if (!sg_same_text(other->child_table, step->child_table) || !ends_filling(step, other) ||
			!plan_filler_is_armed(other))
			continue;
		plan_filler_disarm(other);
		if (other->step != step->step)
			plan_step_set_state(other->plan, other->step, STEP_AS_IT_IS, NULL, 0);
	}
}

/*
 * Returns the table of a step whose column is filled from the object of a drop
 * or rename, if the caller owns it; or InvalidOid
 */
static Oid
filled_table(const PlanStep *reader)
{
	Oid			table = sg_find_qualified(reader->child_table);

	return OidIsValid(table) && run_lacks_ownership("table", table) == NULL ? table : InvalidOid;
}

/*
 * Adds the tables that statements drop, or drop columns of, so that nobody
 * writes them between the comparison and the drop
 */
static void
add_dropped_targets(RunAction *action, const PlanStep *step)
{
	foreach_ptr(const PlanStep, drop, step->kind == STEP_STATEMENT ? plan_drops(step) : NIL)
	{
		Oid			table = drop->kind == STEP_DROP && drop->discard ? sg_find_qualified(drop->child_table) : InvalidOid;

		foreach_oid(part, OidIsValid(table) && run_lacks_ownership("table", table) == NULL ? sg_all_inheritors(table) : NIL)
		{
			run_add_target(action, part, AccessExclusiveLock);
		}
	}
}

/*
 * Adds the tables whose columns are filled from the object of a drop or rename:
 * nobody writes them until a drop is done, and their triggers are dropped with
 * it
 */
static void
add_filled_targets(RunAction *action, const PlanStep *step, const ChangeMove *move)
{
	List	   *readers = change_readers(action->run->graph, step);

	if (readers)
		add_dropped_targets(action, step);
	foreach_ptr(const PlanStep, reader, readers)
	{
		Oid			table = filled_table(reader);

		if (table == move->table)
			continue;
		if (OidIsValid(table) && plan_filler_is_armed(reader))
			run_add_target(action, table, AccessExclusiveLock);
		else if (OidIsValid(table) && step->kind != STEP_RENAME)
			run_add_target(action, table, ShareLock);
	}
}

/*
 * Drops the triggers, of any table, that fill columns from the object of a
 * drop, or by a name that a rename takes away
 */
static void
drop_triggers_of_readers(const RunAction *action, const PlanStep *step)
{
	foreach_ptr(const PlanStep, reader, change_readers(action->run->graph, step))
	{
		if (!OidIsValid(filled_table(reader)) || !plan_filler_is_armed(reader))
			continue;
		plan_filler_disarm(reader);
		plan_step_set_state(reader->plan, reader->step, STEP_AS_IT_IS, NULL, 0);
	}
}

/* Returns the step as its trigger fills rows of the table, or NULL */
static PlanStep *
as_filling(PlanStep *step, Oid table)
{
	ChangeMove	move;

	if (!step->fills || sg_find_qualified(step->child_table) != table)
		return NULL;
	if (step->kind == STEP_FOREIGN_KEY)
		return step;
	change_look(step, &move);
	return move.rows.fill ? plan_filling_step(step, move.rows.column, move.rows.fill, move.rows.carries) : NULL;
}

/* Returns the table whose columns a move may add or rename, or InvalidOid */
static Oid
altered_table(const PlanStep *step, const ChangeMove *move)
{
	if (step->kind == STEP_COLUMN || step->kind == STEP_RENAME)
		return move->table;
	foreach_ptr(const char, text, step->kind == STEP_STATEMENT ? plan_change_texts(step->definition) : NIL)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		const RangeVar *name = IsA(statement, AlterTableStmt) ? ((AlterTableStmt *) statement)->relation :
			IsA(statement, RenameStmt) ? ((RenameStmt *) statement)->relation : NULL;

		if (name)
			return change_find_named(name);
	}
	return InvalidOid;
}

static bool
has_generated(Oid table)
{
	FormData_pg_class class;

	if (!sg_read_class(table, &class))
		return false;
	for (AttrNumber attnum = 1; attnum <= class.relnatts; attnum++)
	{
		if (get_attgenerated(table, attnum) != '\0')
			return true;
	}
	return false;
}

/*
 * Returns the other steps of the plan whose triggers fill rows of the table
 * now, if their texts name all of its columns, because one is generated
 */
static List *
current_fillers(const PlanStep *step, Oid table)
{
	bool		any = OidIsValid(table) && plan_filler_is_on(table) && has_generated(table);
	List	   *fillers = NIL;

	foreach_ptr(PlanStep, other, any ? plan_steps(step->plan) : NIL)
	{
		const PlanStep *filling = other->step == step->step ? NULL : as_filling(other, table);

		if (filling && plan_filler_is_current(filling, table))
			fillers = lappend(fillers, other);
	}
	return fillers;
}

static void
arm_anew(List *fillers, Oid table)
{
	CommandCounterIncrement();
	foreach_ptr(PlanStep, filler, fillers)
	{
		const PlanStep *filling = plan_filler_is_armed(filler) ? as_filling(filler, table) : NULL;

		if (filling && !plan_filler_is_current(filling, table))
			plan_filler_arm(filling, table);
	}
}

char *
change_gone_text(const PlanStep *step, int64 lost, const RunRows *counts)
{
	int64		deleted = counts ? run_rows_count(counts, InvalidOid, ROWS_DELETED) : 0;
	int64		changed = counts ? run_rows_count(counts, InvalidOid, ROWS_CHANGED) : 0;
	StringInfoData text;

	initStringInfo(&text);
	if (lost)
		appendStringInfoString(&text, change_lost_text(step, lost, true));
	if (deleted)
		appendStringInfo(&text, "%s" INT64_FORMAT " %s deleted", text.len ? ", " : "", deleted, deleted == 1 ? "row" : "rows");
	if (changed)
		appendStringInfo(&text, "%s" INT64_FORMAT " %s changed", text.len ? ", " : "", changed, changed == 1 ? "row" : "rows");
	if (deleted || changed)
		appendStringInfoString(&text, ", without a copy");
	return text.len ? text.data : NULL;
}

int64
change_stays_gone(const PlanDeed *deed)
{
	return deed->values + (deed->what->kind == STEP_DROP ? deed->rows : 0);
}

bool
change_may_give_back(const PlanStep *step)
{
	foreach_ptr(const char, text, step->kind == STEP_STATEMENT && step->undo ? plan_change_texts(step->undo) : NIL)
	{
		AlterTableStmt *alter = (AlterTableStmt *) linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

		if (!IsA(alter, AlterTableStmt))
			return true;
		foreach_ptr(const AlterTableCmd, command, alter->cmds)
		{
			if (command->subtype == AT_AlterColumnType && castNode(ColumnDef, command->def)->raw_default)
				return true;
		}
	}
	return false;
}

char *
change_stays_gone_text(const PlanDeed *deed, const PlanStep *step)
{
	int64		n = change_stays_gone(deed);
	bool		rows = deed->what->kind == STEP_DROP && plan_changed_object(deed->what) == CHANGED_TABLE;

	if (n == 0 && deed->uncounted == 0)
		return NULL;
	return psprintf("%s%s%s", n == 0 ? "rows or values that could not be counted stay gone" :
					psprintf(INT64_FORMAT " %s%s gone", n, rows ? "row" : "value", n == 1 ? " stays" : "s stay"),
					n > 0 && deed->uncounted > 0 ? ", with others that could not be counted" : "",
					change_may_give_back(step) ? " unless its undo gives them back" : "");
}

/* Starts counts of the rows that queries and other code of this attempt delete or change */
static RunRows *
count_anew(MoveAction *ma)
{
	MemoryContext old = MemoryContextSwitchTo(ma->action.run->context);

	ma->counts = run_rows_new();
	MemoryContextSwitchTo(old);
	return ma->counts;
}

/*
 * Leaves the rows of which a step of rows has kept a copy out of its counts: its
 * own deleted rows, and all changed rows of its table, because a trigger may
 * change the step's rows once more
 */
static void
leave_out_kept(const PlanStep *step, const ChangeMove *move, int64 kept)
{
	RunRows    *counts = move->counts;
	Oid			root = sg_partition_root(move->table);
	bool		deletes = plan_rows_delete(step);

	run_rows_add(counts, root, ROWS_CHANGED, -run_rows_count(counts, root, ROWS_CHANGED));
	run_rows_add(counts, root, ROWS_DELETED, -Min(deletes ? kept : 0, run_rows_count(counts, root, ROWS_DELETED)));
}

/*
 * Records rows and values that were dropped by a move, and rows that the
 * author's queries have deleted and changed
 */
static void
record_written(RunAction *action, const PlanDeed *deed, const RunRows *counts, const RunRows *dropped)
{
	PlanLoss	loss = {0};
	bool		any = run_rows_sum(counts, &loss);

	any |= run_rows_sum(dropped, &loss);
	action->rows = loss.deleted + loss.changed;
	if (any)
		plan_deed_written(action->run->plan, deed, &loss);
}

static void
do_move(void *arg)
{
	RunAction  *action = arg;
	StepWork   *work = linitial(action->works);
	const ChangeMove *move = &((MoveAction *) action)->move;
	int64		lost = ((MoveAction *) action)->lost;
	int64		kept = 0;
	char	   *rows;
	char	   *told;
	FkProblem  *left;
	Oid			altered;
	List	   *fillers;
	PlanDeed	deed;
	ChangeMove	now;

	change_look(work->step, &now);
	if (now.kind == MOVE_STATEMENT && plan_step_drops(work->step))
		change_check_needs(action->run->graph, work->step, NULL, &now);
	if (now.kind == MOVE_PROBLEM)
		ereport(ERROR,
				(errcode(now.problem->sqlerrcode),
				 errmsg("%s", now.problem->reason)));
	if (!is_same_move(move, &now))
	{
		run_record_skipped(action, work, "somebody else has changed it meanwhile");
		return;
	}
	check_owner(&now);
	if (now.returns)
		now.returns->context = CurrentMemoryContext;
	now.counts = count_anew((MoveAction *) action);
	if (move->first)
		deed = write_deeds(work, &now);
	if (ends_first(work->step))
	{
		drop_triggers(work, now.table);
		drop_triggers_of_readers(action, work->step);
	}
	altered = altered_table(work->step, &now);
	fillers = current_fillers(work->step, altered);
	change_run(&now);
	arm_anew(fillers, altered);
	left = work->step->kind == STEP_STATEMENT ? change_not_done(work->step) : NULL;
	if (left)
		ereport(ERROR,
				(errcode(left->sqlerrcode),
				 errmsg("%s", left->reason),
				 errhint("%s", left->hint)));
	rows = now.returns ? change_rows_made(work->step, &now) : NULL;
	if (rows)
		kept = plan_rows_keep(action->run->plan, work->step, rows);
	if (now.returns)
		leave_out_kept(work->step, &now, kept);
	run_check_written(action->run, now.counts, ((MoveAction *) action)->dropped);
	if (move->first && now.index)
		plan_index_check_whole(deed.object);
	if (move->first)
		plan_deed_identify(action->run->plan, &deed);
	if (move->first)
		record_written(action, &deed, now.counts, ((MoveAction *) action)->dropped);
	if (now.returns)
		action->rows = kept;
	if (work->step->kind == STEP_STATEMENT)
		plan_deeds_follow_anew();
	if (move->first && !ends_first(work->step))
		drop_triggers(work, now.table);
	told = change_gone_text(work->step, lost, now.counts);
	if (now.returns && now.returns->alone)
		told = psprintf("%s%s" INT64_FORMAT " left alone, no longer as %s", told ? told : "", told ? ", " : "", now.returns->alone,
						now.returns->alone == 1 ? "it was" : "they were");
	run_record_done(action, work, move->state, told);
}

static void
execute_move(RunAction *action)
{
	run_deed(action, do_move, action);
}

/* Returns whether the error is one of this extension, whose text has no values */
static bool
is_ours(const ErrorData *error)
{
	return error->domain && strcmp(error->domain, TEXTDOMAIN) == 0;
}

/* Returns why a move has failed, without the message of user code, which may contain a row's values */
static char *
failure_text(const RunAction *action)
{
	int			category = ERRCODE_TO_CATEGORY(action->error->sqlerrcode);
	const char *place = sg_error_place(action->error);
	const char *code = unpack_sql_state(action->error->sqlerrcode);

	if (!run_timeout_struck() && !is_ours(action->error) && (category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_PLPGSQL_ERROR))
		return place ? psprintf("user code fails with SQLSTATE %s: %s", code, place) : psprintf("the expression fails with SQLSTATE %s", code);
	return run_failure_text(action);
}

void
change_add_target(RunAction *action, const ChangeMove *move)
{
	if (move->mode == NoLock)
		return;
	if (OidIsValid(move->table) && move->alone)
		run_add_target_alone(action, move->table, move->mode);
	else if (OidIsValid(move->table))
		run_add_target(action, move->table, move->mode);
	foreach_oid(table, move->tables)
	{
		run_add_target(action, table, move->mode);
	}
}

char *
change_keys_text(List *keys)
{
	StringInfoData names;

	initStringInfo(&names);
	foreach_ptr(const FkKey, key, keys)
	{
		appendStringInfo(&names, "%s%s of %s", names.len ? ", " : "", quote_identifier(key->name), sg_relation_name(key->child));
	}
	return names.len ? names.data : NULL;
}

static bool
make_move(StepWork *work, const ChangeMove *move)
{
	MoveAction	ma = {.action = {.run = work->run,.works = list_make1(work),.name = move->action,
	.execute = execute_move},.move = *move};
	bool		takes = work->step->kind == STEP_DROP && plan_changed_object(work->step) != CHANGED_CONSTRAINT;
	char	   *keys = takes ? change_keys_text(move->keys) : NULL;
	char	   *rules = change_rules_text(move->rules);

	/* a user's statement may contain values that must not be logged */
	work->statement = work->step->kind == STEP_STATEMENT || move->returns ? NULL : statements_text(move);
	change_add_target(&ma.action, move);
	add_filled_targets(&ma.action, work->step, move);
	PushActiveSnapshot(GetTransactionSnapshot());
	ma.dropped = run_rows_new();
	ma.lost = change_count_lost(work->step, move, ma.dropped);
	PopActiveSnapshot();
	sg_progress_step(move->kind == MOVE_VALIDATE ? SG_PROGRESS_VALIDATE : SG_PROGRESS_ADD, work->step->step, move->table);
	if (run_attempt(&ma.action))
	{
		char	   *gone = change_gone_text(work->step, ma.lost, ma.counts);

		run_append_notice(work, psprintf("%s%s%s%s%s", move->action,
										 ma.action.attempts > 1 ? psprintf(" after %d attempts", ma.action.attempts) : "",
										 run_took_text(&ma.action),
										 move->returns ? psprintf(", " INT64_FORMAT " changed", ma.action.rows) : "",
										 gone ? psprintf(move->returns ? ", and by triggers %s" : ", %s", gone) : ""));
		if (keys)
			run_append_notice(work, psprintf("foreign keys went with it: %s", keys));
		if (rules)
			run_append_notice(work, psprintf("rules went with it: %s", rules));
		if (move->along)
			run_append_notice(work, psprintf("it took along %s", change_along_text(move->along)));
		run_rows_merge(work->run->written, ma.dropped);
		if (ma.counts)
			run_rows_merge(work->run->written, ma.counts);
		work->step->state = move->state;
		return true;
	}
	if (move->index || ma.action.error->sqlerrcode == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED || ((move->returns || work->step->kind == STEP_STATEMENT) && is_ours(ma.action.error)))
		work->hint = ma.action.error->hint;
	else if (move->returns)
		work->hint = change_rows_hint(work->step, ma.action.error);
	if (move->rule && (ma.action.error->sqlerrcode == ERRCODE_CHECK_VIOLATION ||
					   ma.action.error->sqlerrcode == ERRCODE_NOT_NULL_VIOLATION))
		deploy_explain_rule(&ma.action, work, move->rule);
	else
		run_record_failure(&ma.action, work, move->kind == MOVE_VALIDATE ? STEP_ADDED : STEP_FAILED,
						   ma.action.error->sqlerrcode, failure_text(&ma.action), LOG_NONE);
	return false;
}

/*
 * Returns whether the plan has renamed or dropped the column, or renamed the
 * table, of a finished step, so that its name leads elsewhere or nowhere
 */
static bool
has_gone_on(const PlanStep *step)
{
	const PlanDeed *deed = step->child_columns ? change_deed_of(step) : NULL;
	Oid			table = sg_find_qualified(step->child_table);

	if (deed && plan_deed_follow(deed) == DEED_BY_OID && !sg_same_text(deed->what->child_table, step->child_table))
		return true;
	foreach_ptr(const PlanStep, other, step->child_columns ? plan_steps(step->plan) : NIL)
	{
		AttrNumber	attnum;

		if ((other->kind != STEP_RENAME && other->kind != STEP_DROP) || other->state != STEP_VALIDATED ||
			plan_changed_object(other) != CHANGED_COLUMN || !sg_same_text(other->child_table, step->child_table) ||
			!sg_same_text(other->fk_name, linitial(step->child_columns)))
			continue;
		attnum = get_attnum(table, other->fk_name);
		if (attnum == InvalidAttrNumber || (deed && attnum != plan_deed_column(deed, 0, other->fk_name)))
			return true;
	}
	return false;
}

/*
 * True for a done step whose object is not found by the same names any more, or
 * is another one by now, because a later step of the plan has renamed, dropped
 * or changed it
 */
bool
change_was_done(const PlanStep *step, const ChangeMove *move)
{
	if (step->state != STEP_VALIDATED)
		return false;
	if (step->kind == STEP_RENAME || step->kind == STEP_DROP)
		return move->kind != MOVE_PROBLEM || move->problem->sqlerrcode != ERRCODE_SG_KEY_CONFLICT;
	if (move->kind == MOVE_NONE || step->child_table == NULL)
		return false;
	return (plan_has_moved(step->plan, step->child_table) && (move->kind == MOVE_PROBLEM || has_gone_on(step))) ||
		plan_step_undone(step);
}

/* Returns whether there are workers for a move that only they can make; false with the step skipped */
static bool
has_workers(StepWork *work, const ChangeMove *move, const char *statement)
{
	const char *by_hand = "With schemaguard.workers = 1 a worker runs it. By hand";
	const char *reason = move->kind == MOVE_BUILD ? "no index is built, since schemaguard.workers is 0" :
		"it can't be in a transaction, and schemaguard.workers is 0";

	if (sg_workers > 0)
		return true;
	PushActiveSnapshot(GetTransactionSnapshot());
	/* without a table, the server runs code as the owner of the named object */
	work->hint = OidIsValid(move->table) ? change_owner_hint(by_hand, move->table, statement, NULL) : psprintf("%s:\n%s;", by_hand, statement);
	PopActiveSnapshot();
	run_outcome(work, move->action, LOG_SKIPPED, STEP_SKIPPED, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason);
	run_append_warning(work, reason);
	return false;
}

/* Makes the builds; each is recorded with its worker, which marks the step as failed if it fails */
static bool
make_builds(StepWork *work, const ChangeMove *move)
{
	ChangeMove	now;
	PlanStep   *step;

	if (!has_workers(work, move, ((PlanIndex *) linitial(move->builds))->statement))
		return false;
	deploy_index_make(work->run, move->builds);
	look(work->step, &now);
	step = plan_step_get(work->step->plan, work->step->step, true);
	if (now.kind != MOVE_BUILD)
	{
		if (now.kind == MOVE_NONE && step)
			plan_step_set_state(step->plan, step->step, STEP_VALIDATED, NULL, 0);
		run_commit();
		return true;
	}
	if (step && step->state != STEP_FAILED && !run_must_stop(work->run))
		run_outcome(work, move->action, LOG_FAILED, STEP_FAILED, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					"the index was not built");
	return false;
}

/*
 * Returns the index that a statement names for its build, if there is one of
 * that name in its table's schema, so that a worker can be told
 */
static Oid
named_index(const char *sql)
{
	IndexStmt  *stmt = (IndexStmt *) linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;
	SgTableName name;

	if (!IsA(stmt, IndexStmt) || stmt->idxname == NULL || stmt->relation->schemaname == NULL)
		return InvalidOid;
	name.schema = stmt->relation->schemaname;
	name.name = stmt->idxname;
	return sg_find_table(&name, NULL);
}

/* Returns whether another session holds the lock of an index build on the table */
static bool
is_being_built(Oid index)
{
	Oid			table = IndexGetRelation(index, true);

	if (!OidIsValid(table))
		return true;
	if (!ConditionalLockRelationOid(table, ShareUpdateExclusiveLock))
		return true;
	UnlockRelationOid(table, ShareUpdateExclusiveLock);
	return false;
}

/* An index whose build has begun, but may not have ended */
typedef struct HalfBuilt
{
	Oid			index;
	char	   *name;			/* its name if it is invalid and nobody builds
								 * it, or NULL */
} HalfBuilt;

/* Names the index, for sg_read(), because it may be dropped meanwhile */
static void
name_half_built(void *arg)
{
	HalfBuilt  *left = arg;
	bool		found = OidIsValid(left->index) && get_rel_relkind(left->index) == RELKIND_INDEX && !get_index_isvalid(left->index) &&
		!is_being_built(left->index);

	left->name = found ? sg_relation_name(left->index) : NULL;
}

static char *
half_built(Oid index)
{
	HalfBuilt	left = {.index = index};

	sg_read(name_half_built, &left);
	return left.name;
}

char *
change_half_built(const char *sql)
{
	return half_built(named_index(sql));
}

/* Drops an index that a failed build has left invalid */
static void
drop_half_built(PlanRun *run, Oid index)
{
	const char *name = half_built(index);

	if (name)
		(void) deploy_run_outside(run, psprintf("DROP INDEX CONCURRENTLY %s", name), NULL);
}

/*
 * Runs a statement outside of the transaction of its log row: if the call ends
 * between the two, done_when tells the next call
 */
static bool
make_outside(StepWork *work, const ChangeMove *move)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = move->action,.attempts = 1};

	const char *sql = linitial(move->statements);
	bool		taken = OidIsValid(named_index(sql));
	List	   *copies;
	FkProblem  *left;

	if (!has_workers(work, move, sql))
		return false;
	/* with a deed, an earlier call has begun the statement, but not ended it */
	if (taken && change_deed_of(work->step))
	{
		drop_half_built(work->run, named_index(sql));
		taken = OidIsValid(named_index(sql));
	}
	work->statement = NULL;
	sg_progress_step(SG_PROGRESS_ADD, work->step->step, move->table);
	run_write_start(&action);
	(void) write_deeds(work, move);
	copies = change_invalid_copies(sql);
	run_commit();
	action.error = deploy_run_outside(work->run, sql, &action);
	if (action.error)
	{
		/*
		 * first, so that the failure is on record whatever happens to the
		 * rest
		 */
		run_record_failure(&action, work, STEP_FAILED, action.error->sqlerrcode, action.error->message, LOG_NONE);
		/* with IF NOT EXISTS the next build would take it for its own */
		if (!taken)
			drop_half_built(work->run, named_index(sql));
		/* those that were there before are somebody else's */
		foreach_oid(copy, list_difference_oid(change_invalid_copies(sql), copies))
			drop_half_built(work->run, copy);
		plan_deed_close_object(work->run->plan, DEED_CHANGE, work->step->step, work->object, DEED_GONE);
		run_commit();
		return false;
	}
	left = change_not_done(work->step);
	if (left)
	{
		work->hint = left->hint;
		run_record_failure(&action, work, STEP_FAILED, left->sqlerrcode, left->reason, LOG_NONE);
		run_commit();
		return false;
	}
	run_record_done(&action, work, move->state, NULL);
	run_commit();
	run_append_notice(work, psprintf("%s%s", move->action, run_took_text(&action)));
	work->step->state = move->state;
	return true;
}

/* Ends a step whose object exists: made by this call, whose last move has said so, or by somebody else */
static void
accept_existing(StepWork *work, const ChangeMove *move, bool moved)
{
	const char *reason = move->note ? move->note : "it was there already";

	if (moved || work->step->state == STEP_VALIDATED)
		return;
	run_outcome(work, "add", LOG_SKIPPED, STEP_VALIDATED, 0, reason);
	run_append_notice(work, reason);
}

/* Returns whether there is a constraint that a scan of the table can validate */
static bool
is_for_scan(const ChangeMove *move)
{
	const char *obstacle;

	if (!OidIsValid(move->conid))
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	obstacle = deploy_scan_obstacle(move->conid);
	PopActiveSnapshot();
	return obstacle == NULL;
}

/* ---- rows that break the rule of a step ---- */

/* Progress of a step whose rule is made after its rows are mended */
typedef struct RuleWork
{
	bool		fixed;			/* rows were mended with the rule in place */
	TimestampTz made_at;		/* when this call made the rule; or 0 */
} RuleWork;

/* An action with the deed that it takes back */
typedef struct TakeBack
{
	RunAction	action;
	PlanDeed   *deed;
} TakeBack;

static void
do_take_back(void *arg)
{
	RunAction  *action = arg;
	StepWork   *work = linitial(action->works);
	const PlanDeed *deed = ((TakeBack *) action)->deed;
	LogEntry	entry = run_entry(action, work, LOG_DONE);
	ChangeMove	move;

	change_look_back(deed, work->step, &move);
	if (move.kind != MOVE_STATEMENT)
	{
		run_record_skipped(action, work, "somebody else has changed it meanwhile");
		return;
	}
	check_owner(&move);
	change_run(&move);
	plan_deed_close(deed->id, DEED_TAKEN_BACK);
	plan_step_set_state(work->step->plan, work->step->step, STEP_FAILED, work->step->reason, 0);
	log_write(&entry);
}

static void
execute_take_back(RunAction *action)
{
	run_deed(action, do_take_back, action);
}

/* Returns the deed by which a step has made its constraint, or NULL */
static PlanDeed *
deed_of(const StepWork *work)
{
	foreach_ptr(PlanDeed, deed, plan_deeds(work->run->plan, DEED_BIT(DEED_CHANGE)))
	{
		if (deed->step == work->step->step && strcmp(deed->object, work->object) == 0)
			return deed;
	}
	return NULL;
}

/*
 * Drops a NOT VALID constraint that the step has made, because its rows could
 * not be mended: every call that writes one of them would fail.  The recorded
 * reason stays.
 */
static void
take_back(StepWork *work, Oid table)
{
	TakeBack	back = {.action = {.run = work->run,.works = list_make1(work),.name = "drop",.execute = execute_take_back}};
	PlanStep   *now = plan_step_get(work->step->plan, work->step->step, true);

	back.deed = deed_of(work);
	if (back.deed == NULL || now == NULL)
		return;
	work->step->reason = now->reason;
	work->statement = plan_drop_statement(work->step->child_table, work->step->fk_name);
	run_add_target(&back.action, table, AccessExclusiveLock);
	if (run_attempt(&back.action))
		run_append_notice(work, "dropped again, so that no call fails for those rows");
	else
		run_record_failure(&back.action, work, STEP_AS_IT_IS, back.action.error->sqlerrcode,
						   run_failure_text(&back.action), LOG_NONE);
}

/* Mends rows that were added before the rule existed; writes of such rows have failed since */
static bool
mend_late(StepWork *work, const ChangeMove *move, const RuleWork *rw)
{
	int64		before = work->run->orphan_rows;
	int64		late;

	if (!deploy_fix_rule_hook(work, &move->rows))
	{
		take_back(work, move->table);
		return false;
	}
	late = work->run->orphan_rows - before;
	if (late > 0 && rw->made_at != 0)
		run_append_notice(work, psprintf("for %.0f ms calls could fail that wrote " INT64_FORMAT " %s",
										 run_elapsed(rw->made_at), late,
										 late == 1 ? "row which came before it" : "rows which came before it"));
	return true;
}

/*
 * Handles rows that break the rule by the step's policy: they keep it from
 * being made, or are mended first; rows added until the rule exists are mended
 * afterwards.
 */
static bool
settle_rows(StepWork *work, const ChangeMove *move, RuleWork *rw)
{
	bool		fixes = work->run->fix && plan_step_fixes(work->step);
	DeployRule	rows = move->rows;

	if (move->rule == NULL)
		return true;
	if (move->kind != MOVE_VALIDATE && !fixes)
		return !move->first || (move->kind == MOVE_STATEMENT && work->step->orphans == ORPHANS_LEAVE) ||
			deploy_audit_rule(work, move->rule);
	if (move->kind == MOVE_STATEMENT)
	{
		rows.open = true;
		return !move->first || deploy_fix_rule_hook(work, &rows);
	}
	if (rw->fixed || !fixes)
		return true;
	rw->fixed = true;
	return move->kind == MOVE_VALIDATE ? mend_late(work, move, rw) : deploy_fix_rule_hook(work, &rows);
}

/* Returns why the trigger of a column's step stays, and until when */
static char *
keeps_filling_text(const PlanStep *step)
{
	PlanStep   *drop;
	PlanStep   *until;
	char	   *release = plan_release_call(step->plan);

	PushActiveSnapshot(GetTransactionSnapshot());
	drop = change_carries_until(step);
	until = drop ? NULL : change_read_until(step);
	PopActiveSnapshot();
	if (until)
		return psprintf("a trigger fills rows that come without a value, until step %d takes what it reads, or: %s", until->step, release);
	return drop ? psprintf("a trigger fills rows that come without a value, and carries updates of column %s over, until that goes by step %d, or: %s",
						   quote_identifier(drop->fk_name), drop->step, release) :
		psprintf("a trigger fills rows that come without a value, until the column is NOT NULL, or: %s", release);
}

/*
 * Fills rows, whatever `fix` is: nothing is lost where there was no value.  A
 * fill's trigger stays; for a default the server gives new rows the value.
 */
static void
fill_rows(StepWork *work, const ChangeMove *move)
{
	PlanStep   *step = work->step;
	bool		keep_up = step->fill != NULL;
	const char *reason = "the trigger that fills rows was dropped or disabled meanwhile";

	if (!deploy_fill_rule(work, &move->rows, keep_up))
		return;
	if (keep_up && !change_keeps_filling(step, move))
	{
		run_outcome(work, "fill", LOG_FAILED, STEP_FAILED, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason);
		run_append_warning(work, psprintf("fill failed: %s", reason));
		return;
	}
	plan_step_set_state(step->plan, step->step, STEP_VALIDATED, keep_up ? keeps_filling_text(step) : NULL, 0);
	run_commit();
}

/* Fails a drop or rename whose object never existed */
static void
fail_missing(StepWork *work, const ChangeMove *move)
{
	const char *action = plan_kind_word(work->step->kind);

	run_outcome(work, action, LOG_FAILED, STEP_FAILED, move->problem->sqlerrcode, move->problem->reason);
	run_append_warning(work, psprintf("%s failed: %s", action, move->problem->reason));
	work->hint = move->problem->hint;
}

/* Makes a drop wait for a needed step that does not hold any more; returns whether it waits */
static bool
is_held(StepWork *work, ChangeMove *move)
{
	if (move->kind != MOVE_STATEMENT || !plan_step_drops(work->step))
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	change_check_needs(work->run->graph, work->step, NULL, move);
	PopActiveSnapshot();
	if (move->kind != MOVE_PROBLEM)
		return false;
	run_outcome(work, "wait", LOG_SKIPPED, STEP_WAITING, move->problem->sqlerrcode, move->problem->reason);
	run_append_warning(work, psprintf("waits: %s", move->problem->reason));
	work->hint = move->problem->hint;
	return true;
}

/* Skips a column that is still to be added, and whose fill can't be used; returns whether it does */
static bool
lacks_fill(StepWork *work, const ChangeMove *move)
{
	ChangeMove	filling = {.table = move->table};
	Node	   *initial;
	Node	   *fill;
	bool		lacks;

	if (work->step->kind != STEP_COLUMN || work->step->fill == NULL || move->kind != MOVE_STATEMENT)
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	/* a step that has dropped what it reads is named when rows are filled */
	lacks = !change_column_values(work->step, &filling, &initial, &fill) && change_dropped_before(work->step, 0) == NULL;
	PopActiveSnapshot();
	if (lacks)
		deploy_skip_step(work, filling.problem);
	return lacks;
}

static Oid
work_on_change(StepWork *work, bool by_scan)
{
	RuleWork	rw = {0};

	for (int moves = 0; moves < MOST_MOVES; moves++)
	{
		ChangeMove	move;

		look(work->step, &move);
		if (moves == 0 && change_was_done(work->step, &move))
			return InvalidOid;
		if (is_held(work, &move) || lacks_fill(work, &move))
			return InvalidOid;
		switch (move.kind)
		{
			case MOVE_NONE:
				accept_existing(work, &move, moves > 0);
				return InvalidOid;
			case MOVE_PROBLEM:
				if (work->step->missing && move.problem->sqlerrcode == ERRCODE_UNDEFINED_OBJECT)
					fail_missing(work, &move);
				else
					deploy_skip_step(work, move.problem);
				return InvalidOid;
			case MOVE_VALIDATE:
				if (!settle_rows(work, &move, &rw) || !work->run->validate)
					return InvalidOid;
				if (by_scan && is_for_scan(&move))
					return move.table;
				break;
			case MOVE_FILL:
				fill_rows(work, &move);
				return InvalidOid;
			case MOVE_OUTSIDE:
				(void) make_outside(work, &move);
				return InvalidOid;
			case MOVE_STATEMENT:
			case MOVE_BUILD:
				if (!settle_rows(work, &move, &rw))
					return InvalidOid;
				break;
		}
		if (!(move.kind == MOVE_BUILD ? make_builds(work, &move) : make_move(work, &move)))
			return InvalidOid;
		if (move.first)
			rw.made_at = GetCurrentTimestamp();

		/*
		 * whatever done_when says now: the statement is not repeated
		 * endlessly
		 */
		if (work->step->kind == STEP_STATEMENT || move.returns)
			return InvalidOid;
		CHECK_FOR_INTERRUPTS();
	}
	elog(ERROR, "step %d makes more moves than any kind needs", work->step->step);
	return InvalidOid;
}

/*
 * Returns whether a scan has to validate a constraint of the step, and puts
 * that into the work; 42501 if the caller is not its owner
 */
static bool
waits_for_scan(StepWork *work)
{
	ChangeMove	move;

	look(work->step, &move);
	if (move.kind != MOVE_VALIDATE || !OidIsValid(move.conid))
		return false;
	check_owner(&move);
	work->conid = move.conid;
	work->table = move.table;
	work->validated = move.state;
	return true;
}

/* Returns the privilege that the caller lacks for a step, or NULL; called by deploy_rights.c */
static char *
lacks_for_step(const PlanStep *step)
{
	ChangeMove	move;

	change_look(step, &move);
	return change_lacks(step, &move);
}

typedef struct ProblemArg
{
	const PlanStep *step;
	ChangeMove	move;
} ProblemArg;

static void
look_for_problem(void *arg)
{
	const PlanStep *step = ((ProblemArg *) arg)->step;
	Oid			table = sg_find_qualified(step->child_table);

	/* not waited for while another session has it locked */
	if (!OidIsValid(table) || ConditionalLockRelationOid(table, AccessShareLock))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		change_look(step, &((ProblemArg *) arg)->move);
		PopActiveSnapshot();
	}
}

/* Looks at a step without waiting for locks; returns false if its object can't be examined */
static bool
look_from_plan(const PlanStep *step, ChangeMove *move)
{
	ProblemArg	arg = {step};
	int			level = NewGUCNestLevel();
	ErrorData  *edata;

	sg_scope_set("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	edata = sg_try_undo(look_for_problem, &arg);
	AtEOXact_GUC(false, level);
	if (edata)
		sg_rethrow_cancel(edata);
	*move = arg.move;
	return edata == NULL;
}

/* Called by plan_input.c; an object that can't be examined is no problem yet */
static FkProblem *
problem_of(const PlanStep *step)
{
	ChangeMove	move;

	return look_from_plan(step, &move) && move.kind == MOVE_PROBLEM ? move.problem : NULL;
}

/* Called by plan_relation.c: looks whether the step would be done if its object had that name, and needed it */
static bool
is_equal(const PlanStep *step, const char *name)
{
	PlanStep	named = *step;
	ChangeMove	move;
	FkKey		key;
	FkKey	   *there;

	if (step->kind == STEP_FOREIGN_KEY)
	{
		there = plan_step_key(step, &key) == NULL ? fk_by_name(key.child, name) : NULL;
		return there && fk_same_columns(&key, there);
	}
	named.fk_name = unconstify(char *, name);
	named.after = list_make1(PLAN_AFTER_ALL);
	named.state = STEP_PENDING;
	return look_from_plan(&named, &move) && (move.kind == MOVE_NONE || move.kind == MOVE_VALIDATE);
}

void
change_init(void)
{
	change_prune_init();
	change_column_init();
	deploy_change_hook = work_on_change;
	deploy_waits_hook = waits_for_scan;
	deploy_change_lacks_hook = lacks_for_step;
	plan_problem_hook = problem_of;
	plan_equal_hook = is_equal;
}
