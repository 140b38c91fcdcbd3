/*-------------------------------------------------------------------------
 *
 * deploy_validate.c
 *	  Keys become valid: by VALIDATE CONSTRAINT, or by one scan of a table.
 *
 * VALIDATE reads both tables once per key.  A scan (schemaguard.validate_with
 * = scan) judges all keys of a table that wait for it in one pass
 * (deploy_scan.c); every key that it can't judge, or that does not hold, is left
 * to VALIDATE, so that none becomes valid that the server would refuse.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "deploy/deploy_scan.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

/* ---- by VALIDATE ---- */

/*
 * Raises an error if row security is forced on the owner: policies would hide
 * rows from the server's query, and a key would become valid by rows that
 * nobody has read. (For a role that is not the owner the server checks row by
 * row, past all policies.)
 */
static void
check_sees_rows(Oid relid)
{
	if (check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED ||
		!sg_owns_relation(relid, GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row security of %s is forced on its owner: VALIDATE would not see all rows",
					sg_relation_name(relid)),
			 errhint("Run the plan as a role with BYPASSRLS, or without FORCE ROW LEVEL SECURITY on the table.")));
}

/*
 * Audits a PERIOD key under the same locks before VALIDATE CONSTRAINT: in
 * PostgreSQL 18.6 and 19rc1 that accepts a row if some parent overlaps it, and
 * misses gaps, which ADD FOREIGN KEY and INSERT detect.
 */
static void
check_coverage(const FkKey *key)
{
	AuditKey   *proof = audit_key_new(key, AUDIT_PLAN, fk_state(key));
	AuditTable	table = {.child = key->child,.results = CurrentMemoryContext};

	table.keys = list_make1(proof);
	PushActiveSnapshot(GetLatestSnapshot());
	audit_table_locked(&table);
	PopActiveSnapshot();
	if (proof->result == AUDIT_UNKNOWN)
		ereport(ERROR,
				(errcode(ERRCODE_SG_NOT_JUDGED),
				 errmsg("the PERIOD key could not be audited: %s", proof->reason),
				 errhint("VALIDATE CONSTRAINT alone would miss gaps between the parent's periods.")));
	if (proof->result == AUDIT_FAIL)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("the parent's periods leave gaps: %s", deploy_orphans_text(proof))));
}

typedef struct ValidateArg
{
	const FkKey *key;
	const char *statement;
} ValidateArg;

/*
 * Runs VALIDATE CONSTRAINT as the role that may run the code of comparing rows.
 * The caller keeps its own search_path, which event triggers may rely on.
 */
static void
do_validate(void *p)
{
	const FkKey *key = ((ValidateArg *) p)->key;
	Oid			role;
	FkProblem  *problem = audit_reading_role(key, false, &role);
	SgScope		scope = {0};
	int			guc_level;

	/*
	 * For a role that may not read both tables the server checks row by row,
	 * by triggers that run as the parent's owner, and so would that code.
	 */
	if (problem == NULL && OidIsValid(role))
		problem = audit_access_problem(key, false);
	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("VALIDATE CONSTRAINT: %s", problem->reason)));
	if (key->period)
		check_coverage(key);
	if (OidIsValid(role))
		run_become_owner(&scope, key->child, role);
	check_sees_rows(key->child);
	check_sees_rows(key->parent);

	/*
	 * row_security off: the server raises an error for policies of
	 * partitions. Set for this statement only, because our own plans would
	 * have to be made anew.  Planning must not evaluate CHECK constraints,
	 * which are the owner's code.
	 */
	guc_level = NewGUCNestLevel();
	sg_scope_set("row_security", "off");
	sg_scope_set("constraint_exclusion", "off");
	run_statement(((ValidateArg *) p)->statement);
	AtEOXact_GUC(true, guc_level);
	if (OidIsValid(role))
		sg_scope_end(&scope);
}

/*
 * Marked as a deed that reads: the lock on the parent allows others to create
 * indexes and statistics objects there, so the server's query must not be
 * planned.  A stronger lock would keep other workers from validating keys to
 * the same parent while rows are written.
 */
void
deploy_run_validate(const FkKey *key, const char *statement)
{
	ValidateArg arg = {key, statement};

	sg_progress_silent(key->child, key->parent);
	run_deed_reading(do_validate, &arg);
}

/* Records a key that is valid already: VALIDATE would read no row, which proves nothing */
static void
record_valid_already(const RunAction *action, const StepWork *work)
{
	const char *reason = "somebody else has validated the key meanwhile";

	if (!work->shared)
		plan_step_set_state(work->step->plan, work->step->step, run_state_after(work, STEP_VALIDATED),
							reason, action->attempts);
	run_record_skipped(action, work, reason);
}

static void
execute_validate(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	FkKey	   *key = fk_by_oid(work->key->conid);
	AuditKey   *proof;

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the key was dropped meanwhile"),
				 errhint("Run the plan again: it adds the key anew.")));
	if (key->validated)
	{
		record_valid_already(action, work);
		return;
	}
	proof = audit_key_new(key, AUDIT_PLAN, fk_state(key));
	audit_proof_begin(proof);
	deploy_run_validate(key, work->statement);

	CommandCounterIncrement();
	key = fk_by_oid(work->key->conid);
	if (key == NULL || !key->validated)
		elog(ERROR, "key %u is not valid after VALIDATE CONSTRAINT", work->key->conid);
	proof->result = AUDIT_PASS;
	proof->method = key->period ? "sql" : "validate";
	proof->orphan_rows = 0;
	audit_proof_record(list_make1(proof));
	run_record_done(action, work, STEP_VALIDATED, NULL);
}

static void
execute_drop(RunAction *action)
{
	StepWork   *work = linitial(action->works);
	FkKey	   *key = fk_by_oid(work->key->conid);
	LogEntry	entry;

	if (key == NULL || key->validated)
	{
		run_record_skipped(action, work, "somebody else has dropped or validated the key meanwhile");
		return;
	}
	entry = run_entry(action, work, LOG_DONE);
	entry.message = action->message;
	run_statement(work->statement);
	plan_deed_close_object(work->run->plan, DEED_ADD, work->step->step, plan_step_object(work->step),
						   DEED_TAKEN_BACK);
	plan_step_set_state(work->step->plan, work->step->step, STEP_FAILED, action->message, action->attempts);
	log_write(&entry);
}

/*
 * Drops a key that refuses every row, which does more harm than a missing one,
 * and its deed, so that a rollback does not look for it.
 */
static void
drop_unworkable(StepWork *work, const ErrorData *error)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "rollback add",
	.execute = execute_drop};

	action.message = psprintf("the key was dropped, since with it every INSERT fails with SQLSTATE %s",
							  unpack_sql_state(error->sqlerrcode));
	work->statement = plan_drop_statement(work->step->child_table, work->key->name);
	run_add_target(&action, work->key->parent, AccessExclusiveLock);
	run_add_target(&action, work->key->child, AccessExclusiveLock);
	if (run_attempt(&action))
		run_append_notice(work, action.message);
	else
	{
		work->hint = psprintf("Drop it at once, for with it every INSERT fails:\n%s;", work->statement);
		run_record_failure(&action, work, run_state_short_of(work->key),
						   action.error->sqlerrcode, run_failure_text(&action), LOG_NONE);
	}
}

/* Records why VALIDATE failed: counts orphans after a violation, else takes the error's text */
static void
explain_validation(StepWork *work, RunAction *action)
{
	AuditKey   *ak;

	if (action->error->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION)
	{
		bool		timeout = run_timeout_struck();
		ErrorData  *every;

		run_record_failure(action, work, run_state_short_of(work->key),
						   action->error->sqlerrcode, run_failure_text(action), LOG_NONE);
		if (timeout || run_is_lock_failure(action->error) || !plan_deed_has_added(work->run->plan, work->step))
			return;
		every = fk_check_one_row(work->key);
		if (every)
			drop_unworkable(work, every);
		return;
	}

	ak = deploy_count_orphans(action, work->key);
	audit_proof_record(list_make1(ak));
	work->run->orphan_rows += Max(ak->orphan_rows, 0);
	work->hint = deploy_orphans_hint(work);
	run_record_failure(action, work, STEP_ADDED, ERRCODE_FOREIGN_KEY_VIOLATION,
					   ak->result == AUDIT_FAIL ? deploy_orphans_text(ak) :
					   sg_error_text(action->error),
					   ak->orphan_rows < 0 ? LOG_NONE : ak->orphan_rows);
}

void
deploy_validate_key(StepWork *work, FkKey *key)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "validate",
	.message = work->why_core,.execute = execute_validate};

	work->statement = plan_validate_statement(work->step->child_table, key->name);
	work->key = key;
	if (key->parent != key->child)
		run_add_target(&action, key->parent, RowShareLock);
	run_add_target(&action, key->child, ShareUpdateExclusiveLock);

	sg_progress_step(SG_PROGRESS_VALIDATE, work->step->step, key->child);
	if (run_attempt(&action))
		run_append_notice(work, psprintf("validated%s", run_took_text(&action)));
	else
		explain_validation(work, &action);
}

/* ---- by one scan ---- */

/* Ends the scan for a step, whose next action will be VALIDATE */
static void
leave_to_core(const RunAction *action, StepWork *work, const char *reason,
			  const ErrorData *error)
{
	LogEntry	entry = run_entry(action, work, LOG_SKIPPED);

	work->why_core = psprintf("left to VALIDATE CONSTRAINT: %s", reason);
	entry.message = work->why_core;
	if (error)
		entry.sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	log_write(&entry);
}

/* Raises an error if the child is in use in this session, like ALTER TABLE */
static void
check_not_in_use(Oid child)
{
	Relation	rel = table_open(child, NoLock);

	CheckTableNotInUse(rel, "ALTER TABLE");
	table_close(rel, NoLock);
}

/*
 * Returns whether a step of another kind than a key still waits for the same,
 * now that its table is locked
 */
static bool
still_waits(StepWork *work)
{
	Oid			conid = work->conid;
	Oid			table = work->table;

	return work->key != NULL || (deploy_waits_hook(work) && work->conid == conid && work->table == table);
}

/* Reads the constraints again under the lock, and judges those that a scan can */
static int
judge_works(RunAction *action, Oid child)
{
	List	   *keys = NIL;

	/* collect all of them first: an error during the scan may name one */
	foreach_ptr(StepWork, work, action->works)
	{
		work->verdict = deploy_scan_key(still_waits(work) ? work->conid : InvalidOid, &work->why_core);
		if (work->verdict)
			keys = lappend(keys, work->verdict);
	}
	sg_progress_phase(SG_PHASE_SCANNING);
	deploy_scan(child, keys);
	return list_length(keys);
}

static bool
holds(const StepWork *work)
{
	return work->verdict && work->verdict->result == AUDIT_PASS;
}

static void
mark_works(const RunAction *action)
{
	foreach_ptr(StepWork, work, action->works)
	{
		if (holds(work))
			deploy_mark_valid(work->conid);
	}
}

/* Returns why a scan has not validated a constraint */
static const char *
verdict_text(const StepWork *work)
{
	const AuditKey *verdict = work->verdict;

	if (verdict == NULL)
		return work->why_core;
	if (verdict->result != AUDIT_FAIL)
		return verdict->reason;
	if (verdict->rule == NULL)
		return deploy_orphans_text(verdict);
	return psprintf(INT64_FORMAT " %s", verdict->orphan_rows, verdict->orphan_rows == 1 ? "row breaks it" : "rows break it");
}

/* Records the outcome of a scan for one step */
static void
record_verdict(const RunAction *action, StepWork *work, const char *scan)
{
	FkKey	   *key;
	LogEntry	entry;

	if (!holds(work))
	{
		leave_to_core(action, work, verdict_text(work), NULL);
		return;
	}

	key = work->key ? fk_by_oid(work->conid) : NULL;
	if (work->key && (key == NULL || !key->validated))
		elog(ERROR, "key %u is not valid after it was marked", work->conid);
	entry = run_entry(action, work, LOG_DONE);
	entry.message = psprintf("validated by %s", scan);
	work->step->state = run_state_after(work, work->validated);
	plan_step_set_state(work->step->plan, work->step->step, work->step->state, NULL, action->attempts);
	log_write(&entry);
}

/* Returns a text such as "one scan of 2 keys of t", for the log; "constraints" if one of them is no key */
static char *
scan_text(const List *works, int n, Oid table)
{
	const char *what = "key";
	ListCell   *lc;

	foreach(lc, works)
	{
		if (((StepWork *) lfirst(lc))->key == NULL)
			what = "constraint";
	}
	return psprintf("one scan of %d %s%s of %s", n, what, n == 1 ? "" : "s", sg_relation_name(table));
}

static void
execute_scan(RunAction *action)
{
	Oid			child = ((StepWork *) linitial(action->works))->table;
	List	   *proofs = NIL;
	char	   *scan;
	ListCell   *lc;

	check_not_in_use(child);
	scan = scan_text(action->works, judge_works(action, child), child);
	foreach(lc, action->works)
	{
		if (((StepWork *) lfirst(lc))->verdict)
			proofs = lappend(proofs, ((StepWork *) lfirst(lc))->verdict);
	}

	/*
	 * write catalogs only after all rows are read: parallel workers may take
	 * part
	 */
	sg_progress_phase(SG_PHASE_EXECUTING);
	mark_works(action);
	foreach(lc, action->works)
		record_verdict(action, lfirst(lc), scan);
	audit_proof_record(proofs);
}

/* Returns whether the conditions that raised the scan's error are known, and there are other steps */
static bool
knows_who_raised(const RunAction *action)
{
	int			raised = 0;

	foreach_ptr(StepWork, work, action->works)
	{
		if (work->verdict && work->verdict->raised)
			raised++;
	}
	return raised > 0 && raised < list_length(action->works);
}

/* Leaves all steps to VALIDATE; or only those that raised an error, and the others to another scan */
static void
leave_to_others(void *arg)
{
	const RunAction *action = arg;
	bool		known = knows_who_raised(action);

	foreach_ptr(StepWork, work, action->works)
	{
		if (!known || (work->verdict && work->verdict->raised))
			leave_to_core(action, work, run_failure_text(action), action->error);
		else
		{
			LogEntry	entry = run_entry(action, work, LOG_SKIPPED);

			entry.message = "the scan begins again without the condition that has raised an error";
			log_write(&entry);
			work->why_core = NULL;
		}
	}
}

static void scan_works(PlanRun *run, List *works);

/*
 * Records a failed scan.  Without locks, or after a timeout, all steps fail;
 * other trouble may be that of one key, so VALIDATE is tried.
 */
static void
explain_scan(RunAction *action)
{
	bool		for_all = run_timeout_struck() || run_is_lock_failure(action->error);
	bool		again = !for_all && knows_who_raised(action);
	List	   *others = NIL;

	if (!for_all)
	{
		run_settle(action, leave_to_others, action);
		run_commit();
	}
	foreach_ptr(StepWork, work, action->works)
	{
		if (again && !(work->verdict && work->verdict->raised))
			others = lappend(others, work);
		work->verdict = NULL;
		if (!for_all)
			continue;
		work->why_core = NULL;
		run_record_failure(action, work, STEP_ADDED, action->error->sqlerrcode,
						   run_failure_text(action), LOG_NONE);
	}
	if (others != NIL)
		scan_works(action->run, others);
}

/* Validates by one action what one scan can judge, and marks the steps that are left to VALIDATE */
static void
scan_works(PlanRun *run, List *works)
{
	RunAction	action = {.run = run,.works = works,.name = "validate",
	.execute = execute_scan};
	Oid			child = ((StepWork *) linitial(works))->table;
	ListCell   *lc;

	action.message = scan_text(works, list_length(works), child);
	foreach(lc, works)
	{
		const FkKey *key = ((StepWork *) lfirst(lc))->key;

		if (key && key->parent != child)
			run_add_target(&action, key->parent, RowShareLock);
	}
	run_add_target(&action, child, ShareUpdateExclusiveLock);

	sg_progress_step(SG_PROGRESS_VALIDATE, 0, child);
	if (!run_attempt(&action))
	{
		explain_scan(&action);
		return;
	}
	foreach(lc, works)
	{
		if (holds(lfirst(lc)))
			run_append_notice(lfirst(lc), psprintf("validated by %s%s", action.message,
												   run_took_text(&action)));
	}
}

/* Returns whether the step's key waits for validation, and adds it to the work */
static bool
key_waits(StepWork *work)
{
	StepView	view;

	deploy_look(work->step, &view);
	if (view.need != NEED_VALIDATE || view.existing == NULL)
		return false;
	if (run_breaker_open(work, view.existing))
		return false;
	work->key = view.existing;
	work->conid = view.existing->conid;
	work->table = view.existing->child;
	work->validated = STEP_VALIDATED;
	return true;
}

/* Returns the works of the steps whose constraint waits; *for_scan gets those that a scan can validate */
static List *
waiting_works(PlanRun *run, List *steps, List **for_scan)
{
	List	   *works = NIL;
	ListCell   *lc;

	foreach(lc, steps)
	{
		StepWork   *work = run_begin_step(run, lfirst_int(lc));
		bool		waits;

		if (work == NULL)
			continue;
		PushActiveSnapshot(GetTransactionSnapshot());
		waits = work->step->kind == STEP_FOREIGN_KEY ? key_waits(work) : deploy_waits_hook(work);
		if (waits && sg_validate_with == SG_VALIDATE_SCAN)
			work->why_core = deploy_scan_obstacle(work->conid);
		PopActiveSnapshot();
		if (!waits)
		{
			run_end_step(work);
			continue;
		}
		works = lappend(works, work);
		if (work->why_core == NULL && sg_validate_with == SG_VALIDATE_SCAN)
			*for_scan = lappend(*for_scan, work);
		else if (work->why_core)
			work->why_core = psprintf("left to VALIDATE CONSTRAINT: %s", work->why_core);
	}
	return works;
}

void
deploy_validate_table(PlanRun *run, List *steps)
{
	List	   *for_scan = NIL;
	List	   *works = waiting_works(run, steps, &for_scan);

	if (for_scan != NIL)
		scan_works(run, for_scan);
	foreach_ptr(StepWork, work, works)
	{
		bool		left = work->why_core || sg_validate_with != SG_VALIDATE_SCAN;

		/* what no scan has validated, and what follows it */
		if (work->key && left)
			deploy_validate_key(work, work->key);
		else if (work->key == NULL && (left || holds(work)))
			(void) deploy_change_hook(work, false);
		run_end_step(work);
	}
}
