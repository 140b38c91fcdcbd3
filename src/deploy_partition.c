/*-------------------------------------------------------------------------
 *
 * deploy_partition.c
 *	  The key of a partitioned table, before 18 made of those of its partitions.
 *
 * Before 18 a key of a partitioned table can't be NOT VALID, so that adding
 * it would read all rows under the locks.  Instead, each partition gets the
 * key NOT VALID and has it validated, every time as an action of its own, and
 * then the table gets it: it attaches the valid keys of the partitions and
 * reads nothing.  Partitions come and go meanwhile, so that the catalog is
 * looked at after each round, and again under the locks of the last action:
 * the table never gets the key while a partition has no valid one.
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

#include "deploy.h"
#include "progress.h"
#include "quote.h"

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
deploy_add_key_targets(DeployAction *action, const StepView *view)
{
	bool		attaches = false;
	bool		parent_parts = get_rel_relkind(view->key.parent) == RELKIND_PARTITIONED_TABLE;
	ListCell   *lc;

	foreach(lc, view->partitions)
		attaches |= ((FkPartition *) lfirst(lc))->own != NULL;

	deploy_add_target(action, view->key.parent,
					  attaches ? AccessExclusiveLock : ShareRowExclusiveLock);
	deploy_add_target(action, view->key.child,
					  attaches && parent_parts ? AccessExclusiveLock : ShareRowExclusiveLock);
}

static void
look(StepWork *work, StepView *view)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	deploy_look(work->step, view);
	PopActiveSnapshot();
}

/* The step's work on one of its child's partitions */
static StepWork *
partition_work(const StepWork *work, const FkKey *whole, FkPartition *partition)
{
	StepWork   *part = palloc(sizeof(StepWork));

	*part = *work;
	part->step = plan_partition_step(work->step, partition->relid);
	part->whole = whole;
	part->reached = "added";
	part->key = &partition->planned;
	if (partition->own)
		part->step->fk_name = partition->own->name;
	part->object = plan_step_object(part->step);
	part->hint = NULL;
	initStringInfo(&part->notice);
	return part;
}

/* What the log calls it; only what was added is taken back by a rollback */
static const char *
action_name(const StepWork *work)
{
	return work->restoring ? "restore key" : "add";
}

/* What stopped the work on a partition, for the notice about the step */
static void
tell_failure(StepWork *work, const StepWork *part)
{
	deploy_append_notice(work, psprintf("%s on partition %s", part->notice.data,
										part->step->child_table));
	work->hint = part->hint;
}

static void
tell_count(StepWork *work, const char *what, int partitions)
{
	if (partitions > 0)
		deploy_append_notice(work, psprintf("%s %d %s", what, partitions,
											partitions == 1 ? "partition" : "partitions"));
}

/* ---- NOT VALID ---- */

static void
execute_add(DeployAction *action)
{
	StepWork   *part = linitial(action->works);
	FkPartition now;
	FkProblem  *problem;

	if (fk_declared_twin(part->whole))
	{
		deploy_record_skipped(action, part, "somebody else has added the key to the whole table meanwhile");
		return;
	}
	problem = fk_partition_look(part->whole, part->key->child, &now);
	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("%s", problem->reason)));
	if (!OidIsValid(now.relid) || now.own)
	{
		deploy_record_skipped(action, part, now.own ? "somebody else has added the key meanwhile" :
							  "it is no partition any more");
		return;
	}

	deploy_run_statement(part->statement);
	deploy_record_done(action, part, part->reached, action->message);
}

/* One that has no key yet; `last` when all others have it */
static bool
add_to_partition(StepWork *work, const FkKey *whole, FkPartition *partition,
				 const char *message, bool last)
{
	StepWork   *part = partition_work(work, whole, partition);
	DeployAction action = {.run = work->run,.works = list_make1(part),.name = action_name(work),
	.message = message,.references = true,.execute = execute_add};

	if (!last)
		part->reached = "pending";
	part->statement = plan_add_statement(part->step, true);
	deploy_add_target(&action, part->key->parent, ShareRowExclusiveLock);
	deploy_add_target(&action, part->key->child, ShareRowExclusiveLock);

	sg_progress_step(SG_PROGRESS_ADD, work->step->step, part->key->child);
	if (deploy_attempt(&action))
		return true;

	deploy_record_failure(&action, part, "failed", action.error->sqlerrcode,
						  deploy_failure_text(&action), LOG_NONE);
	tell_failure(work, part);
	return false;
}

/* Those of a view that have none; the number of those, or -1 */
static int
add_to_partitions(StepWork *work, const StepView *view)
{
	int			total = list_length(view->partitions);
	int			have = 0;
	int			added = 0;
	ListCell   *lc;

	foreach(lc, view->partitions)
		have += ((FkPartition *) lfirst(lc))->own != NULL;

	foreach(lc, view->partitions)
	{
		FkPartition *partition = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (partition->own)
			continue;
		if (!deploy_throttle(work->run))
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

/* ---- valid, and attached ---- */

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

/* Does every partition have a key that will be attached, so that none is read? */
static bool
all_valid(const StepView *view)
{
	ListCell   *lc;

	foreach(lc, view->partitions)
	{
		const FkPartition *partition = lfirst(lc);

		if (partition->own == NULL || !partition->own->validated)
			return false;
	}
	return true;
}

static void
execute_attach(DeployAction *action)
{
	StepWork   *work = linitial(action->works);
	StepView	view;
	FkKey	   *key;
	ListCell   *lc;

	deploy_look(work->step, &view);
	if (view.need == NEED_SKIP)
		ereport(ERROR,
				(errcode(view.problem->sqlerrcode),
				 errmsg("%s", view.problem->reason)));
	if (view.existing || !all_valid(&view))
	{
		deploy_record_skipped(action, work, view.existing ?
							  "somebody else has added the key meanwhile" :
							  "a partition without a valid key of its own has come meanwhile");
		return;
	}

	deploy_run_statement(work->statement);
	CommandCounterIncrement();
	key = fk_declared_twin(&view.key);
	if (key == NULL || !key->validated)
		elog(ERROR, "the key of %s is not valid after ADD CONSTRAINT", work->step->child_table);
	foreach(lc, view.partitions)
	{
		/* one that is attached is no key of its own any more */
		if (fk_by_oid(((FkPartition *) lfirst(lc))->own->conid))
			elog(ERROR, "the key of partition %s was not attached",
				 sg_relation_name(((FkPartition *) lfirst(lc))->relid));
	}
	deploy_record_done(action, work, "validated", NULL);
	work->reached = "validated";
}

static bool
attach(StepWork *work, StepView *view)
{
	int			partitions = list_length(view->partitions);
	DeployAction action = {.run = work->run,.works = list_make1(work),.name = action_name(work),
	.references = true,.execute = execute_attach};

	action.message = psprintf("attaches the keys of %d %s", partitions,
							  partitions == 1 ? "partition" : "partitions");
	work->statement = plan_add_statement(work->step, false);
	work->key = &view->key;
	deploy_add_key_targets(&action, view);

	sg_progress_step(SG_PROGRESS_ADD, work->step->step, view->key.child);
	if (deploy_attempt(&action))
		return true;

	deploy_record_failure(&action, work, "added", action.error->sqlerrcode,
						  deploy_failure_text(&action), LOG_NONE);
	return false;
}

/* Those of a view that are not; false when one can't be */
static bool
validate_partitions(StepWork *work, const StepView *view, int *validated)
{
	ListCell   *lc;

	foreach(lc, view->partitions)
	{
		FkPartition *partition = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (partition->own->validated)
			continue;
		if (!deploy_throttle(work->run) ||
			!validate_partition(work, &view->key, partition))
			return false;
		(*validated)++;
	}
	return true;
}

bool
deploy_partition_validate(StepWork *work)
{
	int			validated = 0;

	work->reached = NULL;
	for (;;)
	{
		StepView	view;

		if (!deploy_partition_add(work))
			return false;
		look(work, &view);
		if (view.existing || view.need == NEED_SKIP)
		{
			tell_count(work, "validated on", validated);
			if (work->reached)
				deploy_append_notice(work, "attached");
			else if (view.problem)
				deploy_skip_step(work, view.problem);
			else
				deploy_accept_existing(work, &view);
			return view.problem == NULL;
		}
		if (view.need == NEED_ADD)
			continue;

		if (!all_valid(&view))
		{
			if (!validate_partitions(work, &view, &validated))
				return false;
		}
		else if (!attach(work, &view))
			return false;
	}
}
