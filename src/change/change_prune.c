/*-------------------------------------------------------------------------
 *
 * change_prune.c
 *	  The end of kept objects: sg_prune(..., 'attic').
 *
 *	  All losses are counted before the first object is locked.  An object
 *	  that can't be dropped, because of dependents or another session's lock,
 *	  stays on record.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/made.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "log/log.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_relation.h"
#include "run/run_unit.h"

/* Length in bytes after which a message names no more objects */
#define LONG_LIST 250

/* Keeps an object on record, because of what it is, with the way to end its step */
pg_noreturn static void
keep(const PlanDeed *deed, const char *what, const char *way, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s", what),
			 errhint("%s\n%s", way, plan_skip_call(plan_step_get(deed->what->plan, deed->step, false), reason))));
}

/* Keeps an object that a name alone does not identify, in a restored copy */
pg_noreturn static void
keep_by_name(const PlanDeed *deed, const char *what)
{
	keep(deed, psprintf("%s, as after a restore", what), "Drop it by hand, if it is there, and say so:", "dropped by hand");
}

/* Keeps an object that somebody has taken into use again: dropping it is theirs, and a rollback finds it */
pg_noreturn static void
keep_in_use(const PlanDeed *deed, const char *present)
{
	keep(deed, psprintf("it is %s by now", present), "If it is to stay so, leave the step out:", "in use again");
}

/*
 * Returns the statement that drops for good what a deed has kept, and sets its
 * description; or NULL if it is gone
 */
static char *
end_statement(const PlanDeed *deed, PlanGone *gone)
{
	const PlanStep *what = deed->what;
	bool		by_name = plan_deed_follow(deed) == DEED_BY_NAME;
	char	   *column;
	char	   *kept;
	Oid			relid;

	switch (plan_changed_object(what))
	{
		case CHANGED_TABLE:
		case CHANGED_VIEW:
			relid = change_is_detached(deed) ? InvalidOid : change_kept_relation(deed, &kept);
			if (!OidIsValid(relid) && !change_is_detached(deed) && !change_knows_kept(deed->was) && !plan_deed_is_given_up(deed))
				keep_by_name(deed, "it is not found, and nothing but its name and columns is known");
			if (!OidIsValid(relid))
				return NULL;
			if (!sg_is_attic(get_rel_namespace(relid)))
				keep_in_use(deed, kept);
			gone->table = relid;
			return psprintf("DROP %s %s", plan_relation_word(what, kept), kept);
		case CHANGED_COLUMN:
			column = change_kept_column(what);
			relid = sg_find_qualified(what->child_table);
			if (by_name && !plan_deed_is_given_up(deed))
				keep_by_name(deed, "nothing but its name is known");
			if (by_name || !OidIsValid(relid) || get_attnum(relid, column) == InvalidAttrNumber ||
				get_attnum(relid, column) != plan_deed_column(deed, 0, column))
				return NULL;
			if (strncmp(column, SG_DROPPED, strlen(SG_DROPPED)) != 0)
				keep_in_use(deed, psprintf("column %s", quote_identifier(column)));
			gone->table = relid;
			gone->column = column;
			return psprintf("ALTER TABLE %s DROP COLUMN %s", what->child_table, quote_identifier(column));
		case CHANGED_CONSTRAINT:
		case CHANGED_INDEX:
		case CHANGED_TRIGGER:
			break;
	}
	return NULL;
}

/* Switches to the table's owner, because the caller, the database's owner, need not own the table */
static void
become_owner(SgScope *scope, Oid table)
{
	CodeReach  *reach = code_reach();
	char	   *reason;

	code_reach_read(reach, table);
	reason = code_refusal(reach, code_table_owner(table));
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", reason)));
	sg_role_begin(scope, code_table_owner(table));
}

/* Returns whether a table that was a partition, and still exists, could be attached again */
static bool
may_be_attached(const FkPlan *plan, const PlanDeed *deed)
{
	PlanStep   *step = change_is_detached(deed) ? plan_step_get(plan->name, deed->step, true) : NULL;

	return step && (OidIsValid(sg_find_qualified(deed->what->child_table)) || change_kept_as(step));
}

/* A deed, and whether anything was dropped to end it */
typedef struct Ending
{
	const FkPlan *plan;
	const PlanDeed *deed;
	const List *wanting;		/* change_wanting() */
	bool		dropped;
	int64		rows;			/* rows or values that were deleted; -1: not
								 * counted */
	ErrorData  *error;			/* why it is kept so far; or NULL */
} Ending;

static void
count_one(void *p)
{
	Ending	   *ending = p;
	PlanGone	gone = {0};

	run_set_local("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	(void) end_statement(ending->deed, &gone);
	if (OidIsValid(gone.table) && plan_has_rows(gone.table))
		ending->rows = change_count_gone(list_make1(&gone), NULL);
}

static void
end_one(void *p)
{
	Ending	   *ending = p;
	const PlanDeed *deed = ending->deed;
	PlanGone	gone = {0};
	char	   *statement = end_statement(deed, &gone);
	SgScope		scope;

	run_set_local("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	if (statement && !plan_deed_is_given_up(deed))
		change_check_wanted(deed, ending->wanting);
	if (plan_changed_object(deed->what) == CHANGED_COLUMN && statement && !plan_deed_is_given_up(deed))
		change_check_kept(deed, change_kept_column(deed->what));
	if (plan_changed_object(deed->what) == CHANGED_COLUMN && statement)
		become_owner(&scope, sg_find_qualified(deed->what->child_table));
	else
		sg_owner_begin(&scope);
	sg_scope_bound_waits();
	if (statement)
		run_statement(statement);
	sg_scope_end(&scope);
	plan_deed_close(deed->id, DEED_LEFT_ALONE);
	ending->dropped = statement != NULL;
}

/* Closes the deeds of objects that went with a table or column that is gone for good */
static void
close_along(const FkPlan *plan, int step)
{
	foreach_ptr(const PlanDeed, deed, plan_deeds(plan, DEED_BIT(DEED_REPLACE) | DEED_BIT(DEED_CHANGE)))
	{
		if (deed->step == step && (deed->own || deed->kind == DEED_REPLACE))
			plan_deed_close(deed->id, DEED_LEFT_ALONE);
	}
}

/* Returns whether sg_prune() ends a deed, done before a time, unless its table may be attached again */
static bool
is_kept_since(const PlanDeed *deed, TimestampTz before)
{
	return deed->what->kind == STEP_DROP && !deed->own && !deed->what->discard && deed->done_at < before;
}

/* Reports what was dropped, by a NOTICE and a lasting row of the log */
static void
tell_ended(const Ending *ending, const pg_uuid_t *run)
{
	const FkPlan *plan = ending->plan;
	const PlanDeed *deed = ending->deed;
	LogEntry	entry = log_entry(run, plan->name, "prune", LOG_DONE);
	bool		values = plan_changed_object(deed->what) == CHANGED_COLUMN;

	entry.step = deed->step;
	entry.object = deed->object;
	entry.rows_affected = ending->rows < 0 ? LOG_NONE : ending->rows;
	entry.message = ending->rows < 0 ? "the kept object is gone for good" :
		psprintf("the kept object is gone for good: " INT64_FORMAT " %s%s", ending->rows, values ? "value" : "row", ending->rows == 1 ? "" : "s");
	log_write(&entry);
	ereport(NOTICE,
			(errmsg("%s of plan \"%s\": %s", deed->object, plan->name, entry.message)));
}

/* For a call of sg_prune() without 'attic': reports what would be dropped, and the call */
static void
tell(TimestampTz before)
{
	StringInfoData text;
	int			n = 0;

	initStringInfo(&text);
	foreach_ptr(const FkPlan, plan, plan_readable())
	{
		foreach_ptr(const PlanDeed, deed, plan_deeds(plan, DEED_BIT(DEED_CHANGE)))
		{
			if (!is_kept_since(deed, before) || may_be_attached(plan, deed) || !(plan_step_is_of_relation(deed->what) || plan_changed_object(deed->what) == CHANGED_COLUMN))
				continue;
			if (text.len < LONG_LIST)
				appendStringInfo(&text, "%s%s of plan %s", n > 0 ? ", " : "", deed->object, quote_identifier(plan->name));
			else if (strcmp(text.data + text.len - 3, "...") != 0)
				appendStringInfoString(&text, ", ...");
			n++;
		}
	}
	if (n > 0)
		ereport(NOTICE,
				(errmsg_plural("what %d drop has kept stays: %s", "what %d drops have kept stays: %s", n, n, text.data),
				 errhint(sg_calls("To drop for good what is kept, after which no rollback brings it back:\nCALL sg_prune(%s, 'attic');"),
						 quote_literal_cstr(timestamptz_to_str(before)))));
}

/* Returns the Ending * list, counted before the first one is locked for its drop */
static List *
find_endings(TimestampTz before)
{
	List	   *endings = NIL;
	List	   *wanting = NIL;
	bool		looked = false;

	foreach_ptr(const FkPlan, plan, plan_readable())
	{
		foreach_ptr(const PlanDeed, deed, plan_deeds(plan, DEED_BIT(DEED_CHANGE)))
		{
			Ending	   *ending;
			ErrorData  *edata;

			if (!is_kept_since(deed, before))
				continue;
			ending = palloc0(sizeof(Ending));
			ending->plan = plan;
			ending->deed = deed;
			ending->rows = -1;
			if (!looked)
				wanting = change_wanting();
			looked = true;
			ending->wanting = wanting;
			edata = sg_try(count_one, ending);
			if (edata)
				sg_rethrow_cancel(edata);
			endings = lappend(endings, ending);
		}
	}
	return endings;
}

/*
 * Ends one, unless its table may be attached again, which is known once the
 * previous one is dropped; returns whether it is finished
 */
static bool
try_end(Ending *ending, const pg_uuid_t *run)
{
	if (may_be_attached(ending->plan, ending->deed))
		return false;
	ending->error = sg_try(end_one, ending);
	/* another session has dropped it since the look: the next look says so */
	if (ending->error && (ending->error->sqlerrcode == ERRCODE_UNDEFINED_TABLE || ending->error->sqlerrcode == ERRCODE_UNDEFINED_COLUMN ||
						  sg_is_race(ending->error)))
		ending->error = sg_try(end_one, ending);
	if (ending->error)
	{
		sg_rethrow_cancel(ending->error);
		return false;
	}
	if (ending->dropped)
		tell_ended(ending, run);
	close_along(ending->plan, ending->deed->step);
	return true;
}

/*
 * For sg_prune(), which only the database's owner may call; objects that can't
 * be dropped now are tried next time.  Objects that others depend on come after
 * these, in whatever order they were dropped.
 */
static uint64
prune(TimestampTz before)
{
	pg_uuid_t	run = log_new_run();
	List	   *endings = find_endings(before);
	int			left;
	uint64		n = 0;

	do
	{
		List	   *kept = NIL;

		left = list_length(endings);
		foreach_ptr(Ending, ending, endings)
		{
			if (try_end(ending, &run))
				n += ending->dropped;
			else
				kept = lappend(kept, ending);
		}
		endings = kept;
	} while (list_length(endings) < left);
	foreach_ptr(const Ending, ending, endings)
	{
		if (ending->error)
			ereport(WARNING,
					(errmsg("%s of plan \"%s\" is kept: %s", ending->deed->object, ending->plan->name, sg_error_message(ending->error)),
					 ending->error->hint ? errhint("%s", ending->error->hint) : 0));
	}
	return n;
}

void
change_prune_init(void)
{
	log_register_prune_named("attic", "things that were dropped and kept", prune, tell);
}
