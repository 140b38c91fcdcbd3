/*-------------------------------------------------------------------------
 *
 * undo.c
 *	  Taking back one thing that a plan has done.
 *
 *	  Each object is examined twice: before its tables are locked, and again
 *	  under the locks, when it stays as it is until the transaction commits.
 *	  The outcome, and the step's state, are written by that transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/spi.h"
#include "change/change.h"
#include "deploy/deploy.h"
#include "deploy/deploy_partition.h"
#include "fix/fix.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_unit.h"
#include "undo/undo.h"

/* Present state of an object that the plan made */
typedef struct Standing
{
	bool		ours;			/* the object is there as the plan made it */
	bool		another;		/* another object has its name */
	bool		twin;			/* another key has the same definition */
	int			sqlerrcode;		/* otherwise: 42704 the object is gone, SG002
								 * it is another one; 0 it is, or went with, a
								 * part of the partitioned table's object */
	const char *reason;
} Standing;

static const Standing is_ours = {.ours = true};

static Standing
not_ours(int sqlerrcode, const char *reason)
{
	Standing	standing = {.sqlerrcode = sqlerrcode,.reason = reason};

	return standing;
}

static Standing
gone(const char *reason)
{
	return not_ours(ERRCODE_UNDEFINED_OBJECT, reason);
}

static Standing
changed(const char *reason)
{
	return not_ours(ERRCODE_SG_KEY_CONFLICT, reason);
}

static Standing
another(const char *reason)
{
	Standing	standing = changed(reason);

	standing.another = true;
	return standing;
}

static Standing
twin(const FkKey *key)
{
	Standing	standing = changed(psprintf("key %s has taken its place", quote_identifier(key->name)));

	standing.twin = true;
	return standing;
}

/* ---- common functions ---- */

/* Sets the work's step; its state becomes the one in which the deed leaves the step, if any */
static void
set_step(StepWork *work, const PlanDeed *deed, PlanStep *step)
{
	step->state = deed->last ? STEP_ROLLED_BACK : STEP_AS_IT_IS;
	work->step = step;
}

StepWork *
undo_begin(PlanRun *run, const PlanDeed *deed)
{
	StepWork   *work = palloc0(sizeof(StepWork));
	PlanStep   *step = plan_step_default(run->plan->name);

	step->step = deed->step;
	work->run = run;
	work->object = deed->object;
	work->deed = deed->id;
	set_step(work, deed, step);
	initStringInfo(&work->notice);
	return work;
}

char *
undo_name(const PlanDeed *deed)
{
	return psprintf("rollback %s", plan_deed_action(deed->kind));
}

/* Begins the reason of an object that is left alone for good */
#define LEFT_ALONE "left alone: "

/* Begins the reason of a step whose deeds are undone, but whose rows may not be back */
#define ROWS_ARE_OUT PLAN_NOT_BACK "rows may still be in quarantine, or without their old values"

/* Returns whether rows of the step were away when this call first looked */
static bool
has_rows_out(const StepWork *work)
{
	PlanRun    *run = work->run;

	if (!run->rows_out_known)
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);

		run->rows_out = fix_rows_out(run->plan);
		run->rows_out_known = true;
		MemoryContextSwitchTo(old);
	}
	return list_member_int(run->rows_out, work->step->step);
}

/*
 * Marks the step as rolled back, and adds the reason to those of its other
 * deeds, unless a role has skipped the step for good. "rolled back" requires
 * that the step's rows are back as well: until fix_settle_rolled_back() has
 * found that, the step is "failed", with the reason.
 */
static void
set_rolled_back(const StepWork *work, const char *reason, int attempts)
{
	PlanStep   *row = plan_step_get(work->step->plan, work->step->step, true);
	StepState	state = work->step->state;
	bool		told;

	if (row == NULL || row->skipped_by || (reason == NULL && state == STEP_AS_IT_IS))
		return;
	if (state == STEP_ROLLED_BACK && has_rows_out(work))
	{
		state = STEP_FAILED;
		reason = psprintf(ROWS_ARE_OUT "; to go on: %s%s%s", run_call_text(work->run, "sg_rollback_fks"), reason ? "; " : "", reason ? reason : "");
	}
	else if (row->reason && strncmp(row->reason, ROWS_ARE_OUT, strlen(ROWS_ARE_OUT)) == 0)
		reason = reason && strstr(row->reason, reason) == NULL ? psprintf("%s; %s", row->reason, reason) : row->reason;
	told = row->reason && (row->state == STEP_ROLLED_BACK || strncmp(row->reason, LEFT_ALONE, strlen(LEFT_ALONE)) == 0);
	if (told && (reason == NULL || strstr(row->reason, reason)))
		reason = row->reason;
	else if (told)
		reason = psprintf("%s; %s", row->reason, strncmp(reason, LEFT_ALONE, strlen(LEFT_ALONE)) == 0 ? reason + strlen(LEFT_ALONE) : reason);
	plan_step_set_state(row->plan, row->step, state, reason, attempts);
}

/* Returns the outcome of a deed that was not undone, by its SQLSTATE */
static DeedOutcome
outcome_of(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_SG_KEY_CONFLICT ? DEED_LEFT_ALONE : DEED_GONE;
}

/* Closes a deed without an action; writes the reason into the step if `told`. Commits. */
static void
close_deed(StepWork *work, const PlanDeed *deed, DeedOutcome outcome, int sqlerrcode,
		   const char *message, bool told)
{
	LogEntry	entry = log_entry(&work->run->id, work->run->plan->name, undo_name(deed), LOG_SKIPPED);

	entry.step = work->step->step;
	entry.object = work->object;
	entry.message = message;
	if (sqlerrcode)
		entry.sqlstate = pstrdup(unpack_sql_state(sqlerrcode));
	set_rolled_back(work, told ? message : NULL, 0);
	plan_deed_close(deed->id, outcome);
	log_write(&entry);
	run_commit();
}

void
undo_leave_alone(StepWork *work, const PlanDeed *deed, int sqlerrcode, const char *reason)
{
	char	   *message = psprintf(LEFT_ALONE "%s", reason);

	close_deed(work, deed, outcome_of(sqlerrcode), sqlerrcode, message, true);
	run_append_notice(work, message);
}

/* Reports an object that is not as the plan made it; returns false if the deed stays open */
static bool
leave_standing(StepWork *work, const PlanDeed *deed, const Standing *standing)
{
	FkProblem  *doubt = NULL;

	if (standing->another || standing->twin || standing->sqlerrcode == ERRCODE_UNDEFINED_OBJECT)
		doubt = undo_doubt(deed, standing->another || standing->twin ? standing->reason : NULL);
	if (doubt)
		return undo_tell_problem(work, deed, doubt);
	if (standing->sqlerrcode == 0)
		close_deed(work, deed, DEED_GONE, 0, standing->reason, false);
	else
		undo_leave_alone(work, deed, standing->sqlerrcode, standing->reason);
	return true;
}

void
undo_record_done(const RunAction *action, const StepWork *work, const char *message)
{
	LogEntry	entry = run_entry(action, work, LOG_DONE);

	entry.message = message;
	if (action->rows > 0)
		entry.rows_affected = action->rows;
	set_rolled_back(work, message, action->attempts);
	plan_deed_close(work->deed, DEED_TAKEN_BACK);
	log_write(&entry);
}

/*
 * Closes a deed without undoing it, in an action under its locks; writes the
 * reason into the step if `told`
 */
static void
record_closed(const RunAction *action, const StepWork *work, DeedOutcome outcome, int sqlerrcode,
			  const char *message, bool told)
{
	LogEntry	entry = run_entry(action, work, LOG_SKIPPED);

	entry.message = message;
	if (sqlerrcode)
		entry.sqlstate = pstrdup(unpack_sql_state(sqlerrcode));
	set_rolled_back(work, told ? message : NULL, action->attempts);
	plan_deed_close(work->deed, outcome);
	log_write(&entry);
}

void
undo_record_left_alone(const RunAction *action, StepWork *work, int sqlerrcode, const char *reason)
{
	char	   *message = psprintf(LEFT_ALONE "%s", reason);

	record_closed(action, work, outcome_of(sqlerrcode), sqlerrcode, message, true);
	run_append_notice(work, message);
}

void
undo_record_gone(const RunAction *action, const StepWork *work, int sqlerrcode, const char *reason)
{
	record_closed(action, work, DEED_GONE, sqlerrcode, reason, false);
}

void
undo_record_failed(const RunAction *action, StepWork *work, char *hint)
{
	work->hint = hint ? hint : psprintf("When that is mended:\n%s", run_call_text(work->run, "sg_rollback_fks"));
	run_record_failure(action, work, STEP_AS_IT_IS, action->error->sqlerrcode,
					   run_failure_text(action), LOG_NONE);
}

void
undo_close_gone(StepWork *work, const PlanDeed *deed, int sqlerrcode, const char *reason)
{
	close_deed(work, deed, DEED_GONE, sqlerrcode, reason, false);
}

/*
 * An action with the deed that it takes back; begins with the RunAction, so
 * that a pointer to one is a pointer to the other
 */
typedef struct DeedAction
{
	RunAction	action;
	const PlanDeed *deed;
} DeedAction;

/* Returns whether the deed's object belongs to a table, which must be found first */
static bool
is_of_table(const PlanDeed *deed)
{
	const PlanStep *what = deed->what;
	ChangedObject object;

	if (what->child_table == NULL || deed->kind != DEED_CHANGE)
		return what->child_table != NULL;
	if (what->kind != STEP_DROP && what->kind != STEP_RENAME)
		return what->kind != STEP_STATEMENT;
	object = plan_changed_object(what);
	return object != CHANGED_TABLE && object != CHANGED_VIEW;
}

bool
undo_knows_name_only(const PlanDeed *deed)
{
	return is_of_table(deed) ? plan_deed_follow(deed) == DEED_BY_NAME :
		deed->kind == DEED_CHANGE && deed->what->kind == STEP_DROP && change_goes_by_name(deed);
}

/* Returns the problem that asks for the object's present name */
static FkProblem *
missing(const PlanDeed *deed, int sqlerrcode, char *reason)
{
	return fk_problem(FK_PROBLEM_OTHER, sqlerrcode, reason,
					  psprintf("Give it this name again if it has another one, or skip step %d if it is gone for good, and roll back again:\n%s",
							   deed->step, plan_rollback_call(deed->what)));
}

FkProblem *
undo_doubt(const PlanDeed *deed, const char *reason)
{
	if (deed->kind == DEED_REPLACE || deed->what->kind == STEP_DROP || deed->what->kind == STEP_STATEMENT ||
		plan_deed_follow(deed) != DEED_BY_NAME || plan_deed_is_given_up(deed))
		return NULL;
	if (deed->what->kind == STEP_ROWS && OidIsValid(sg_find_qualified(deed->what->child_table)))
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_OBJECT, "no old value is on record, as in a copy without these rows",
						  psprintf("Put the rows back by hand, then skip the step:\n%s", plan_skip_call(deed->what, "put back by hand")));
	return missing(deed, ERRCODE_UNDEFINED_OBJECT,
				   reason ? pstrdup(reason) :
				   psprintf("%s is not found, and nothing but its name is known, as after a restore", deed->object));
}

/* Returns the statement that takes a constraint or column of a deed off a restored table, as a line of a hint; "" for other deeds */
static char *
taken_off_by_hand(const PlanDeed *deed)
{
	const PlanStep *what = deed->what;

	if (deed->own)
		return "";
	if (deed->kind == DEED_CHANGE && what->kind == STEP_NOT_NULL)
		return psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;\n", what->child_table, quote_identifier(linitial(what->child_columns)));
	if (deed->kind == DEED_CHANGE && what->kind == STEP_COLUMN)
		return psprintf("ALTER TABLE %s DROP COLUMN IF EXISTS %s;\n", what->child_table, quote_identifier(linitial(what->child_columns)));
	if (deed->kind == DEED_ADD || (deed->kind == DEED_CHANGE && (what->kind == STEP_CHECK || what->kind == STEP_UNIQUE)))
		return psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s;\n", what->child_table, quote_identifier(what->fk_name));
	return "";
}

/*
 * Names alone do not tell whether a missing table was dropped or renamed; and
 * another table under a dropped one's name may have been restored from a dump.
 */
bool
undo_is_found(StepWork *work, const PlanDeed *deed, bool *done)
{
	const PlanStep *what = deed->what;
	bool		is_drop = deed->kind == DEED_CHANGE && what->kind == STEP_DROP;
	DeedTable	table;
	bool		named;
	const char *reason;

	PushActiveSnapshot(GetTransactionSnapshot());
	table = plan_deed_follow(deed);
	named = OidIsValid(sg_find_qualified(what->child_table));
	PopActiveSnapshot();
	if (!is_of_table(deed) || (named ? table != DEED_TABLE_GONE : table != DEED_BY_NAME && !is_drop))
		return true;
	reason = psprintf(named ? "table %s is another one by now" : "table %s is not found", what->child_table);
	*done = plan_deed_is_given_up(deed) || (deed->own && !named);
	if (*done)
		undo_leave_alone(work, deed, ERRCODE_UNDEFINED_TABLE, reason);
	else if (table == DEED_TABLE_GONE)
		undo_tell_problem(work, deed, fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_TABLE, pstrdup(reason),
												 psprintf("The table of the step is gone. If it was restored, take the step back by hand. Then say so:\n%s%s\n%s",
														  taken_off_by_hand(deed), plan_skip_call(plan_step_get(what->plan, deed->step, false), "its table is another one"),
														  plan_rollback_call(what))));
	else
		undo_tell_problem(work, deed, missing(deed, ERRCODE_UNDEFINED_TABLE, pstrdup(reason)));
	return false;
}

FkProblem *
undo_made_anew(const PlanDeed *deed)
{
	bool		is_index = deed->kind == DEED_INDEX;

	if (deed->what->kind == STEP_RENAME || !plan_deed_is_made_anew(deed))
		return NULL;
	return fk_problem(FK_PROBLEM_OTHER, plan_deed_is_given_up(deed) ? ERRCODE_SG_KEY_CONFLICT : ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					  psprintf("the %s was made anew since, perhaps by somebody else", is_index ? "index" : "constraint"),
					  psprintf("%s recreates it, too. If nobody needs it any more, drop it and roll back again:\n%s;\n%s",
							   is_index ? "REINDEX CONCURRENTLY or ALTER TYPE" : "ALTER TYPE",
							   is_index ? psprintf("DROP INDEX %s", deed->object) : plan_drop_statement(deed->what->child_table, deed->what->fk_name),
							   plan_rollback_call(deed->what)));
}

/* Returns whether somebody has recreated the deed's object, and reports it */
static bool
is_made_anew(StepWork *work, const PlanDeed *deed, bool *done)
{
	FkProblem  *problem;

	PushActiveSnapshot(GetTransactionSnapshot());
	problem = undo_made_anew(deed);
	PopActiveSnapshot();
	if (problem == NULL)
		return false;
	*done = problem->sqlerrcode == ERRCODE_SG_KEY_CONFLICT;
	if (*done)
		undo_leave_alone(work, deed, problem->sqlerrcode, problem->reason);
	else
		undo_tell_problem(work, deed, problem);
	return true;
}

bool
undo_tell_problem(StepWork *work, const PlanDeed *deed, const FkProblem *problem)
{
	work->hint = problem->hint;
	plan_step_set_state(work->run->plan->name, deed->step, STEP_AS_IT_IS, psprintf(PLAN_NOT_BACK "%s", problem->reason), 0);
	run_outcome(work, undo_name(deed), LOG_FAILED, STEP_AS_IT_IS, problem->sqlerrcode, problem->reason);
	run_append_warning(work, psprintf(PLAN_NOT_BACK "%s", problem->reason));
	return false;
}

/* ---- keys ---- */

/*
 * Examines the key that a step adds; needs a snapshot.  Sets *existing if the
 * key is there as it was made.
 */
static Standing
look_at_key(PlanStep *step, FkKey **existing)
{
	FkKey	   *planned = palloc(sizeof(FkKey));
	FkProblem  *problem = plan_step_key(step, planned);
	FkKey	   *found = OidIsValid(planned->child) ? fk_by_name(planned->child, step->fk_name) : NULL;
	FkKey	   *same = problem ? NULL : fk_declared_twin(planned);
	char	   *difference;

	*existing = NULL;
	if (found == NULL && OidIsValid(planned->child) && get_rel_relispartition(planned->child))
		return not_ours(0, "part of the key of the partitioned table");
	if (found == NULL && problem)
		return gone(problem->reason);
	if (found == NULL)
		return same ? twin(same) : gone("somebody else has dropped the key");
	if (problem)
		return another(psprintf("the key can't be compared with the plan's: %s", problem->reason));
	if (!fk_same_columns(planned, found))
		return another("a key of that name joins other columns by now");
	difference = fk_clause_difference(planned, found);
	if (difference)
		return changed(psprintf("somebody else has changed the key: %s", difference));

	*existing = found;
	return is_ours;
}

/* Like look_again(), before any lock */
static Standing
look_before(StepWork *work)
{
	Standing	standing;

	PushActiveSnapshot(GetTransactionSnapshot());
	standing = look_at_key(work->step, &work->key);
	PopActiveSnapshot();
	return standing;
}

/* Returns whether the step's key is gone, and, before 18, those of its partitions */
static bool
key_is_gone(PlanStep *step)
{
	FkKey		planned;
	FkKey	   *existing;
	List	   *partitions;
	ListCell   *lc;

	if (look_at_key(step, &existing).sqlerrcode != ERRCODE_UNDEFINED_OBJECT)
		return false;
	if (plan_step_key(step, &planned) ||
		get_rel_relkind(planned.child) != RELKIND_PARTITIONED_TABLE ||
		fk_partitions(&planned, &partitions))
		return true;
	foreach(lc, partitions)
	{
		if (((FkPartition *) lfirst(lc))->own)
			return false;
	}
	return true;
}

void
undo_settle_stuck(StepWork *work, const PlanDeed *deed)
{
	PlanStep   *step = plan_step_get(work->run->plan->name, deed->step, true);
	bool		gone;

	if (step == NULL || step->skipped_by || step->kind != STEP_FOREIGN_KEY || !plan_step_is_there(step) || plan_deed_follow(deed) == DEED_BY_NAME)
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	gone = key_is_gone(step);
	PopActiveSnapshot();
	if (!gone)
		return;

	plan_step_set_state(step->plan, step->step, STEP_FAILED,
						psprintf("%s%sthe step's key is gone", step->reason ? step->reason : "",
								 step->reason ? ", and " : ""), 0);
	run_commit();
	run_append_notice(work, "and the step's key is gone");
}

static void
execute_drop_key(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	const PlanDeed *deed = ((DeedAction *) action)->deed;
	FkKey	   *key;
	Standing	standing;

	plan_deed_follow(deed);
	standing = look_at_key(work->step, &key);
	if (standing.ours && undo_made_anew(deed))
		standing = changed("somebody else has made the key anew meanwhile");
	if (!standing.ours)
	{
		undo_record_left_alone(action, work, standing.sqlerrcode, standing.reason);
		return;
	}

	work->statement = plan_drop_statement(work->step->child_table, work->step->fk_name);
	run_statement(work->statement);
	CommandCounterIncrement();
	if (fk_by_oid(key->conid) != NULL)
		elog(ERROR, "key %u is there after DROP CONSTRAINT", key->conid);

	/* the step's key is gone, although keys of partitions may still exist */
	if (work->step->state == STEP_AS_IT_IS)
		work->step->state = STEP_PENDING;
	undo_record_done(action, work, NULL);
	run_append_notice(work, "key dropped");
}

bool
undo_key(StepWork *work, const PlanDeed *deed)
{
	DeedAction	da = {.action = {.run = work->run,.works = list_make1(work),.name = undo_name(deed),
	.execute = execute_drop_key},.deed = deed};
	Standing	standing;
	bool		done;

	set_step(work, deed, deed->what);
	standing = look_before(work);
	if (!standing.ours)
		return leave_standing(work, deed, &standing);
	if (is_made_anew(work, deed, &done))
		return done;

	work->statement = plan_drop_statement(deed->what->child_table, deed->what->fk_name);
	run_add_target(&da.action, work->key->parent, AccessExclusiveLock);
	run_add_target(&da.action, work->key->child, AccessExclusiveLock);
	sg_progress_step(SG_PROGRESS_ROLLBACK, deed->step, work->key->child);
	if (run_attempt(&da.action))
		return true;
	undo_record_failed(&da.action, work, NULL);
	return false;
}

/* ---- keys that were replaced ---- */

/*
 * Returns the standing of a key that was dropped by a drop step as gone: keys
 * with the same columns were beside it, or have another definition, so none
 * stands in its place.
 */
static Standing
beside_twins(const PlanDeed *deed, const PlanStep *successor, Standing standing)
{
	if (standing.twin && !deed->own && successor && successor->kind != STEP_FOREIGN_KEY)
		return gone("the key was dropped");
	return standing;
}

static void
execute_restore(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	const PlanDeed *deed = ((DeedAction *) action)->deed;
	const char *comment = deed->was;
	LogEntry	entry;
	FkKey	   *key;
	const PlanStep *successor = plan_step_get(work->run->plan->name, deed->step, true);
	Standing	standing = beside_twins(deed, successor, look_at_key(work->step, &key));

	if (standing.sqlerrcode == ERRCODE_SG_KEY_CONFLICT)
		ereport(ERROR,
				(errcode(standing.sqlerrcode),
				 errmsg("the old key can't come back: %s", standing.reason)));
	if (!standing.ours)
	{
		run_statement(work->statement);
		if (comment)
			run_statement(psprintf("COMMENT ON CONSTRAINT %s ON %s IS %s", quote_identifier(work->step->fk_name),
								   work->step->child_table, quote_literal_cstr(comment)));
		plan_deeds_follow_anew();
	}
	entry = run_entry(action, work, standing.ours ? LOG_SKIPPED : LOG_DONE);
	if (standing.ours)
		entry.message = "somebody else has restored the key meanwhile";
	log_write(&entry);
}

/* Restores the old key as NOT VALID; before 18, that of a partitioned table as valid */
static bool
restore_key(StepWork *work, const PlanDeed *deed)
{
	DeedAction	da = {.action = {.run = work->run,.works = list_make1(work),.name = "restore key",
	.references = true,.execute = execute_restore},.deed = deed};
	FkKey	   *key = palloc(sizeof(FkKey));
	FkProblem  *problem;

	PushActiveSnapshot(GetTransactionSnapshot());
	problem = plan_step_key(work->step, key);
	PopActiveSnapshot();
	work->statement = plan_add_statement(work->step, true);
	if (problem)
	{
		run_log_start(&da.action);
		work->hint = psprintf("The step keeps its key, if that is there: drop it by hand if it is to go. When that is mended:\n%s",
							  run_call_text(work->run, "sg_rollback_fks"));
		run_record_failure(&da.action, work, STEP_AS_IT_IS, problem->sqlerrcode,
						   psprintf("the old key can't come back: %s", problem->reason), LOG_NONE);
		return false;
	}

	if (!SG_PARTITIONED_NOT_VALID && get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE)
	{
		work->restoring = true;
		return deploy_partition_validate(work);
	}

	work->key = key;
	run_add_target(&da.action, key->parent, ShareRowExclusiveLock);
	run_add_target(&da.action, key->child, ShareRowExclusiveLock);
	sg_progress_step(SG_PROGRESS_ROLLBACK, work->step->step, key->child);
	if (run_attempt(&da.action))
		return true;
	undo_record_failed(&da.action, work, NULL);
	return false;
}

static void
execute_revalidate(RunAction *action)
{
	StepWork   *work = linitial(action->works);

	deploy_run_validate(work->key, work->statement);
	undo_record_done(action, work, NULL);
}

/* Validates the restored key; counts orphans that were added since */
static bool
revalidate_key(StepWork *work, const PlanDeed *deed)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = undo_name(deed),
	.execute = execute_revalidate};
	AuditKey   *ak;

	work->statement = plan_validate_statement(work->step->child_table, work->key->name);
	run_add_target(&action, work->key->parent, RowShareLock);
	run_add_target(&action, work->key->child, ShareUpdateExclusiveLock);
	sg_progress_step(SG_PROGRESS_ROLLBACK, deed->step, work->key->child);
	if (run_attempt(&action))
		return true;
	if (action.error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION)
	{
		undo_record_failed(&action, work, NULL);
		return false;
	}

	ak = deploy_count_orphans(&action, work->key);
	work->hint = psprintf("Give these rows a parent, or delete them, and CALL again:\n%s", deploy_orphans_list(work->key));
	run_record_failure(&action, work, STEP_AS_IT_IS, ERRCODE_FOREIGN_KEY_VIOLATION,
					   psprintf("the old key %s is back, but not valid: %s",
								quote_identifier(work->key->name),
								ak->result == AUDIT_FAIL ? deploy_orphans_text(ak) :
								sg_error_text(action.error)),
					   ak->orphan_rows < 0 ? LOG_NONE : ak->orphan_rows);
	return false;
}

/* Returns the key that a step has added, with its present names; or NULL */
static PlanDeed *
added_key(const PlanStep *step)
{
	List	   *deeds = step && step->kind == STEP_FOREIGN_KEY ? plan_deeds_of_step(step, DEED_ADD) : NIL;

	if (deeds == NIL)
		return NULL;
	plan_deed_follow(linitial(deeds));
	return linitial(deeds);
}

/*
 * Returns the problem of a key that is known by name only, if no key of its
 * table has that name; else NULL
 */
static FkProblem *
key_doubt(const PlanDeed *added)
{
	Oid			child = sg_find_qualified(added->what->child_table);

	return OidIsValid(child) && fk_by_name(child, added->what->fk_name) ? NULL : undo_doubt(added, NULL);
}

bool
undo_replace(StepWork *work, const PlanDeed *deed)
{
	PlanStep   *step = deed->what;
	PlanStep   *successor = plan_step_get(work->run->plan->name, deed->step, true);
	PlanDeed   *added;
	FkProblem  *doubt;
	Standing	standing;

	PushActiveSnapshot(GetTransactionSnapshot());
	added = deed->own ? NULL : added_key(successor);
	doubt = added ? key_doubt(added) : NULL;
	PopActiveSnapshot();

	/*
	 * the plan's own key, which is dropped next, maybe on the same columns,
	 * is no obstacle
	 */
	if (added)
		step->replaces = added->what->fk_name;
	if (!deed->valid)
		step->orphans = ORPHANS_LEAVE;
	set_step(work, deed, step);
	standing = beside_twins(deed, successor, look_before(work));
	if (standing.another)
		return undo_tell_problem(work, deed, fk_problem(FK_PROBLEM_OTHER, ERRCODE_DUPLICATE_OBJECT,
														psprintf("the name %s is taken: %s", quote_identifier(step->fk_name), standing.reason),
														"Rename that one, then make the same call again."));
	if (deed->own && !standing.ours && OidIsValid(get_relation_constraint_oid(sg_find_qualified(step->child_table), step->fk_name, true)))
	{
		undo_leave_alone(work, deed, 0, "part of the key of the partitioned table");
		return true;
	}
	/* the key in its place may be the plan's, renamed */
	if (standing.twin && doubt)
		return undo_tell_problem(work, deed, doubt);
	if (standing.sqlerrcode == ERRCODE_SG_KEY_CONFLICT)
	{
		undo_leave_alone(work, deed, standing.sqlerrcode, standing.reason);
		return true;
	}
	if (!standing.ours && successor && successor->skipped_by &&
		(!OidIsValid(sg_find_qualified(step->child_table)) || !OidIsValid(sg_find_qualified(step->parent_table))))
	{
		undo_leave_alone(work, deed, ERRCODE_UNDEFINED_TABLE, "a table of the key is gone for good");
		return true;
	}
	if (!standing.ours)
	{
		if (!restore_key(work, deed))
			return false;
		run_append_notice(work, psprintf("key %s restored", quote_identifier(step->fk_name)));
		standing = beside_twins(deed, successor, look_before(work));
	}
	if (!standing.ours)
		return leave_standing(work, deed, &standing);
	if (deed->valid && !work->key->validated)
		return revalidate_key(work, deed);
	close_deed(work, deed, DEED_TAKEN_BACK, 0, "the old key is there as it was", false);
	return true;
}

/* ---- indexes ---- */

/* Returns a deed's index by its OID, if known, else by its name; or InvalidOid */
static Oid
find_index(const PlanDeed *deed)
{
	Oid			index = plan_deed_index_oid(deed);

	return OidIsValid(index) ? index : sg_find_qualified(deed->object);
}

static Standing
look_at_index(const PlanDeed *deed, Oid *table, Oid *index)
{
	*table = sg_find_qualified(deed->what->child_table);
	*index = find_index(deed);
	if (OidIsValid(*table) && get_rel_relispartition(OidIsValid(*index) ? *index : *table))
		return not_ours(0, "part of the index of the partitioned table");
	if (!OidIsValid(*table) || !OidIsValid(*index))
		return gone("somebody else has dropped the index or its table");
	if (!OidIsValid(plan_deed_index_oid(deed)) &&
		!plan_index_is(*index, deed->what->child_table, deed->index_columns, deed->partitioned))
		return another("the index of that name is another one by now");
	if (deed->was)
		return changed(psprintf("index %s was there before, and would go with it", deed->was));
	if (deed->key_left)
		return changed("the key that was left alone may need it");
	return is_ours;
}

/* Looks again, because the index may have been dropped, or given to another table, before the lock */
static void
execute_drop_index(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	Oid			index = find_index(((DeedAction *) action)->deed);
	Standing	standing = gone("somebody else has dropped the index meanwhile");

	if (index != work->key->index)
	{
		undo_record_left_alone(action, work, standing.sqlerrcode, standing.reason);
		return;
	}
	work->statement = psprintf("DROP INDEX %s", sg_relation_name(index));
	run_statement(work->statement);
	undo_record_done(action, work, NULL);
}

/*
 * Drops the index under a bounded lock on its table.  DROP INDEX CONCURRENTLY
 * would need a worker; DROP INDEX is instant once it has the lock.
 */
static bool
drop_index(StepWork *work, const PlanDeed *deed, Oid table, Oid index)
{
	DeedAction	da = {.action = {.run = work->run,.works = list_make1(work),.name = undo_name(deed),
	.execute = execute_drop_index},.deed = deed};

	work->key = palloc0(sizeof(FkKey));
	work->key->child = work->key->parent = table;
	work->key->index = index;
	work->step->child_table = work->step->parent_table = sg_relation_name(table);
	work->statement = psprintf("DROP INDEX %s", sg_relation_name(index));
	run_add_target(&da.action, table, AccessExclusiveLock);
	sg_progress_step(SG_PROGRESS_ROLLBACK, work->step->step, table);
	if (run_attempt(&da.action))
	{
		run_append_notice(work, "index dropped");
		return true;
	}
	undo_record_failed(&da.action, work, NULL);
	return false;
}

/* Returns the number of a step that is not chosen, and keeps a key that the index serves; or 0 */
static int
find_heir(const FkPlan *plan, Oid table, Oid index)
{
	foreach_ptr(PlanStep, step, plan->chosen ? plan_key_steps(plan->name) : NIL)
	{
		FkKey		key;

		if (!plan_is_chosen(plan, step->step) && step->index && plan_step_is_there(step) &&
			plan_step_key(step, &key) == NULL && key.child == table && fk_serving_index(&key) == index)
			return step->step;
	}
	return 0;
}

/* Passes the index on to the heir's step: it is dropped when that step is taken back.  Commits. */
static void
pass_on(StepWork *work, const PlanDeed *deed, int heir)
{
	char	   *message = psprintf("left to step %d, whose key it serves", heir);
	LogEntry	entry = log_entry(&work->run->id, work->run->plan->name, undo_name(deed), LOG_SKIPPED);

	entry.step = work->step->step;
	entry.object = work->object;
	entry.message = message;
	set_rolled_back(work, NULL, 0);
	plan_deed_pass(deed->id, heir);
	log_write(&entry);
	run_commit();
	run_append_notice(work, message);
}

/* Returns whether publications use the index as replica identity, and reports it */
static bool
is_sent_by(StepWork *work, const PlanDeed *deed, Oid table, Oid index, bool *done)
{
	ChangeMove	move = {.action = "drop",.table = table};
	bool		keeps;

	PushActiveSnapshot(GetTransactionSnapshot());
	keeps = change_undo_keeps_identity(deed, "index", RelationRelationId, index, &move);
	PopActiveSnapshot();
	if (!keeps)
		*done = undo_tell_problem(work, deed, move.problem);
	return !keeps;
}

bool
undo_index(StepWork *work, const PlanDeed *deed)
{
	Oid			table = InvalidOid;
	Oid			index = InvalidOid;
	int			heir = 0;
	bool		done;
	Standing	standing;

	PushActiveSnapshot(GetTransactionSnapshot());
	standing = look_at_index(deed, &table, &index);
	if (standing.ours)
		heir = find_heir(work->run->plan, table, index);
	PopActiveSnapshot();
	if (heir)
	{
		pass_on(work, deed, heir);
		return true;
	}
	if (standing.ours && is_made_anew(work, deed, &done))
		return done;
	if (standing.ours && is_sent_by(work, deed, table, index, &done))
		return done;
	if (standing.ours)
		return drop_index(work, deed, table, index);
	return leave_standing(work, deed, &standing);
}
