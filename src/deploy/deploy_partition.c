/*-------------------------------------------------------------------------
 *
 * deploy_partition.c
 *	  The key of a partitioned table, before 18 made of those of its partitions.
 *
 * Before 18 a key of a partitioned table can't be NOT VALID, so that adding
 * it would read all rows under the locks.  Instead, each partition gets the
 * key NOT VALID and has it validated, every time as an action of its own, by
 * workers where there are some, and then the table gets it: it attaches the
 * valid keys of the partitions (deploy_attach.c) and reads nothing.  Partitions
 * come and go meanwhile, so that the catalog is looked at after each round,
 * and again under the locks of the last action: the table never gets the key
 * while a partition has no valid one.
 *
 * From 18 on the table gets the key NOT VALID at once, which attaches keys
 * that partitions have already.
 *
 * To attach a key, the server drops its triggers on the parent, and where the
 * parent is partitioned also parts of it on the child.  Both takes ACCESS
 * EXCLUSIVE, which must not be acquired on top of a weaker lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "deploy/deploy.h"
#include "deploy/deploy_index.h"
#include "deploy/deploy_partition.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

void
deploy_look_partitions(StepView *view)
{
	ListCell   *lc;

	view->problem = fk_partitions(&view->key, &view->partitions);
	view->by_partition = !SG_PARTITIONED_NOT_VALID;
	view->need = NEED_ADD;
	if (view->problem)
		view->need = NEED_SKIP;
	else if (view->by_partition)
	{
		view->need = NEED_VALIDATE;
		foreach(lc, view->partitions)
		{
			if (((FkPartition *) lfirst(lc))->own == NULL)
				view->need = NEED_ADD;
		}
	}
}

void
deploy_add_key_targets(RunAction *action, const StepView *view)
{
	bool		attaches = false;
	bool		parent_parts = get_rel_relkind(view->key.parent) == RELKIND_PARTITIONED_TABLE;
	ListCell   *lc;

	foreach(lc, view->partitions)
		attaches |= ((FkPartition *) lfirst(lc))->own != NULL;

	run_add_target(action, view->key.parent,
				   attaches ? AccessExclusiveLock : ShareRowExclusiveLock);
	run_add_target(action, view->key.child,
				   attaches && parent_parts ? AccessExclusiveLock : ShareRowExclusiveLock);
}

void
deploy_record_own_keys(const StepWork *work, const StepView *view)
{
	foreach_ptr(const FkPartition, partition, work->restoring ? NIL : view->partitions)
	{
		PlanStep   *part = plan_partition_step(work->step, partition->relid);

		if (partition->own == NULL)
			continue;
		part->fk_name = partition->own->name;
		if (!plan_deed_has_added(work->run->plan, part))
			plan_deed_replace(work->run->plan, work->step->step, plan_step_object(part), partition->own, work->started_id, true);
	}
}

/* Looks again; the step is skipped if a table without partitions has taken the child's place */
static void
look(StepWork *work, StepView *view)
{
	CHECK_FOR_INTERRUPTS();
	PushActiveSnapshot(GetTransactionSnapshot());
	deploy_look(work->step, view);
	PopActiveSnapshot();
	if (!view->by_partition && (view->need == NEED_ADD || view->need == NEED_VALIDATE))
	{
		view->need = NEED_SKIP;
		view->problem = fk_problem(FK_PROBLEM_OTHER, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
								   psprintf("table %s, which had partitions, was replaced meanwhile", work->step->child_table),
								   psprintf("Run the plan again, it looks the table up anew:\n%s",
											run_call_text(work->run, work->run->procedure)));
	}
}

/* Returns the step's work on one partition of its child */
static StepWork *
partition_work(const StepWork *work, const FkKey *whole, FkPartition *partition)
{
	StepWork   *part = palloc(sizeof(StepWork));

	*part = *work;
	part->step = plan_partition_step(work->step, partition->relid);
	part->whole = whole;
	part->reached = STEP_ADDED;
	part->key = &partition->planned;
	if (partition->own)
		part->step->fk_name = partition->own->name;
	part->object = plan_step_object(part->step);
	part->hint = NULL;
	initStringInfo(&part->notice);
	return part;
}

/* Distinguishes the partitions' keys in the log, because a rollback removes only what was added */
const char *
deploy_partition_action(const StepWork *work)
{
	return work->restoring ? "restore key" : "add";
}

/* Adds the failure on a partition to the notice about the step */
static void
tell_failure(StepWork *work, const StepWork *part)
{
	run_append_notice(work, psprintf("%s on partition %s", part->notice.data,
									 part->step->child_table));
	work->hint = part->hint;
}

static void
tell_count(StepWork *work, const char *what, int partitions)
{
	if (partitions > 0)
		run_append_notice(work, psprintf("%s %d %s", what, partitions,
										 partitions == 1 ? "partition" : "partitions"));
}

/* ---- NOT VALID ---- */

static void
execute_add(RunAction *action)
{
	StepWork   *part = linitial(action->works);
	FkPartition now;
	FkProblem  *problem;

	if (fk_declared_twin(part->whole))
	{
		run_record_skipped(action, part, "somebody else has added the key to the whole table meanwhile");
		return;
	}
	problem = fk_partition_look(part->whole, part->key->child, &now);
	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason)));
	if (!OidIsValid(now.relid) || now.own)
	{
		run_record_skipped(action, part, now.own ? "somebody else has added the key meanwhile" :
						   "it is no partition any more");
		return;
	}

	run_statement(part->statement);
	if (!part->restoring)
		plan_deed_add(part->run->plan, part->step, part->started_id);
	run_record_done(action, part, part->reached, action->message);
}

/* Adds the key to a partition without it; `last`: all others have it */
static bool
add_to_partition(StepWork *work, const FkKey *whole, FkPartition *partition,
				 const char *message, bool last)
{
	StepWork   *part = partition_work(work, whole, partition);
	RunAction	action = {.run = work->run,.works = list_make1(part),.name = deploy_partition_action(work),
	.message = message,.references = true,.execute = execute_add};

	if (!last)
		part->reached = STEP_PENDING;
	part->statement = plan_add_statement(part->step, true);
	run_add_target(&action, part->key->parent, ShareRowExclusiveLock);
	run_add_target(&action, part->key->child, ShareRowExclusiveLock);

	sg_progress_step(SG_PROGRESS_ADD, work->step->step, part->key->child);
	if (run_attempt(&action))
		return true;

	run_record_failure(&action, part, STEP_FAILED, action.error->sqlerrcode,
					   run_failure_text(&action), LOG_NONE);
	tell_failure(work, part);
	return false;
}

/* Adds the keys that partitions of a view lack; returns their number, or -1 */
static int
add_to_partitions(StepWork *work, const StepView *view)
{
	int			total = list_length(view->partitions);
	int			have = 0;
	int			added = 0;
	ListCell   *lc;

	foreach(lc, view->partitions)
		have += ((FkPartition *) lfirst(lc))->own != NULL;

	foreach_ptr(FkPartition, partition, view->partitions)
	{
		CHECK_FOR_INTERRUPTS();
		if (partition->own)
			continue;
		if (!run_throttle(work->run))
			return -1;
		have++;
		if (!add_to_partition(work, &view->key, partition,
							  psprintf("partition %d of %d", have, total), have == total))
			return -1;
		added++;
	}
	return added;
}

bool
deploy_partition_add(StepWork *work)
{
	int			added = 0;

	for (;;)
	{
		StepView	view;
		int			n;

		look(work, &view);
		if (view.need == NEED_SKIP)
		{
			deploy_skip_step(work, view.problem);
			return false;
		}
		if (view.need != NEED_ADD)
			break;
		n = add_to_partitions(work, &view);
		if (n < 0)
			return false;
		added += n;
	}
	tell_count(work, "added to", added);
	return true;
}

/* ---- valid ---- */

static bool
validate_partition(StepWork *work, const FkKey *whole, FkPartition *partition)
{
	StepWork   *part = partition_work(work, whole, partition);
	FkKey	   *key;

	deploy_validate_key(part, partition->own);
	key = fk_by_oid(partition->own->conid);
	if (key && key->validated)
		return true;
	tell_failure(work, part);
	return false;
}

/* Validates the partitions one by one in this session; returns false if one fails */
static bool
validate_one_by_one(StepWork *work, const StepView *view, List *partitions, int *validated)
{
	ListCell   *lc;

	foreach(lc, partitions)
	{
		CHECK_FOR_INTERRUPTS();
		if (!run_throttle(work->run) ||
			!validate_partition(work, &view->key, lfirst(lc)))
			return false;
		(*validated)++;
	}
	return true;
}

/*
 * Validates the partitions' keys that are not valid; returns false if one
 * fails.  A key that a rollback restores is validated here, because workers
 * could not read its step.
 */
static bool
validate_partitions(StepWork *work, const StepView *view, int *validated)
{
	List	   *waiting = NIL;
	int			taken = 0;
	ListCell   *lc;

	foreach(lc, view->partitions)
	{
		if (!((FkPartition *) lfirst(lc))->own->validated)
			waiting = lappend(waiting, lfirst(lc));
	}
	if (sg_workers > 1 && list_length(waiting) > 1 && !work->restoring)
	{
		if (!run_throttle(work->run))
			return false;
		taken = deploy_validate_partitions(work->run, work->step->step, waiting);
	}
	for (int i = 0; i < taken; i++)
	{
		FkPartition *partition = list_nth(waiting, i);
		FkKey	   *key = fk_by_oid(partition->own->conid);

		if (key == NULL || !key->validated)
			return false;
		(*validated)++;
	}
	return validate_one_by_one(work, view, list_copy_tail(waiting, taken), validated);
}

void
deploy_partition_validate_one(PlanRun *run, int step, Oid relid)
{
	StepWork   *work = run_begin_step(run, step);
	StepView	view;

	if (work == NULL)
		return;
	work->shared = true;
	look(work, &view);
	foreach_ptr(FkPartition, partition, view.by_partition ? view.partitions : NIL)
	{
		if (partition->relid == relid && partition->own && !partition->own->validated)
			(void) validate_partition(work, &view.key, partition);
	}
	run_end_step(work);
}

bool
deploy_partitions_are_valid(const StepView *view)
{
	foreach_ptr(const FkPartition, partition, view->partitions)
	{
		if (partition->own == NULL || !partition->own->validated)
			return false;
	}
	return true;
}

/*
 * Counts the orphans of the whole table once a partition has failed for some,
 * because the step's reason has those of one partition; `before`: orphans that
 * the call had counted until then
 */
static void
count_all_orphans(StepWork *work, const StepView *view, int64 before)
{
	RunAction	action = {.run = work->run,.works = list_make1(work),.name = "count"};
	AuditKey   *ak;
	char	   *orphans;

	if (work->restoring || work->run->orphan_rows == before)
		return;
	sg_progress_step(SG_PROGRESS_AUDIT, work->step->step, view->key.child);
	ak = deploy_count_orphans(&action, &view->key);
	if (ak->result != AUDIT_FAIL)
		return;
	orphans = deploy_orphans_text(ak);
	work->run->orphan_rows = before + ak->orphan_rows;
	plan_step_set_state(work->step->plan, work->step->step, STEP_AS_IT_IS, orphans, 0);
	run_commit();
	run_append_notice(work, psprintf("%s in all partitions", orphans));
}

bool
deploy_partition_validate(StepWork *work)
{
	int			validated = 0;

	work->reached = STEP_AS_IT_IS;
	for (;;)
	{
		StepView	view;

		if (!deploy_partition_add(work))
			return false;
		look(work, &view);
		if (view.existing || view.need == NEED_SKIP)
		{
			tell_count(work, "validated on", validated);
			if (work->reached != STEP_AS_IT_IS)
				run_append_notice(work, "attached");
			else if (view.problem)
				deploy_skip_step(work, view.problem);
			else
				deploy_accept_existing(work, &view);
			return view.problem == NULL;
		}
		if (view.need == NEED_ADD)
			continue;

		if (!deploy_partitions_are_valid(&view))
		{
			int64		before = work->run->orphan_rows;

			if (!validate_partitions(work, &view, &validated))
			{
				count_all_orphans(work, &view, before);
				return false;
			}
		}
		else if (!deploy_attach(work, &view))
			return false;
	}
}
