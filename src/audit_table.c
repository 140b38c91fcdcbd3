/*-------------------------------------------------------------------------
 *
 * audit_table.c
 *	  Judging the keys of one child table: the order of things.
 *
 * Access is checked, then both tables are locked, then the snapshot is
 * taken.  A snapshot from before the lock would see nothing of a table that
 * somebody truncates and reloads while we wait, and say "pass".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "audit_index.h"
#include "errors.h"
#include "progress.h"
#include "quote.h"

typedef struct JudgeArg
{
	AuditKey   *key;
	int			samples;
	MemoryContext results;
} JudgeArg;

static void
set_unknown(JudgeArg *arg, const char *reason)
{
	arg->key->result = AUDIT_UNKNOWN;
	arg->key->reason = MemoryContextStrdup(arg->results, reason);
	arg->key->rows_checked = arg->key->orphan_rows = arg->key->orphan_keys = -1;
	arg->key->sample = NIL;
}

/*
 * Is the key still what it was before we had the locks?  A declared key is
 * read again; of a planned one, the columns must have kept their names.
 */
static const char *
key_changed(JudgeArg *arg)
{
	AuditKey   *ak = arg->key;

	if (OidIsValid(ak->key.conid))
	{
		FkKey	   *now = fk_by_oid(ak->key.conid);

		if (now == NULL)
			return "the key was dropped meanwhile";
		now->name = ak->key.name;
		if (now->unarmed_reason)
			now->unarmed_reason = MemoryContextStrdup(arg->results, now->unarmed_reason);
		ak->key = *now;
		ak->state = fk_state(now);
		return NULL;
	}

	if (!sg_equal_names(ak->child_columns,
						sg_attribute_names(ak->key.child, ak->key.child_att, ak->key.nkeys)) ||
		!sg_equal_names(ak->parent_columns,
						sg_attribute_names(ak->key.parent, ak->key.parent_att, ak->key.nkeys)))
		return "a column of the key was dropped or renamed meanwhile";
	return NULL;
}

/* Check the access, lock, look again, take the snapshot, judge */
static void
judge_locked(void *p)
{
	JudgeArg   *arg = p;
	FkProblem  *problem = audit_access_problem(&arg->key->key, false);
	const char *changed;

	if (problem == NULL)
	{
		sg_progress_phase(SG_PHASE_LOCKING);
		problem = audit_lock(&arg->key->key);
	}
	if (problem)
	{
		set_unknown(arg, problem->reason);
		return;
	}

	changed = key_changed(arg);
	problem = changed ? NULL : audit_access_problem(&arg->key->key, false);
	if (changed || problem)
		set_unknown(arg, changed ? changed : problem->reason);
	else
	{
		sg_progress_phase(SG_PHASE_SCANNING);
		if (!audit_by_index(arg->key, arg->samples, arg->results))
		{
			audit_sql(arg->key, arg->samples, arg->results);
			audit_paranoid(arg->key, arg->results);
		}
	}
	PopActiveSnapshot();
}

static void
judge_key(JudgeArg *arg)
{
	ErrorData  *edata;

	if (RecoveryInProgress())
	{
		/* no subtransaction: a recovery conflict in it would be FATAL */
		judge_locked(arg);
		return;
	}

	/* undone in any case, so that ALTER TABLE need not wait for our locks */
	edata = sg_try_undo(judge_locked, arg);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		set_unknown(arg, sg_error_text(edata));
		FreeErrorData(edata);
	}
}

void
audit_table(AuditTable *table)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "schemaguard audit",
											   ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	foreach(lc, table->keys)
	{
		AuditKey   *key = lfirst(lc);
		JudgeArg	arg = {key, table->samples, table->results};
		TimestampTz start = GetCurrentTimestamp();
		MemoryContext old = MemoryContextSwitchTo(work);

		CHECK_FOR_INTERRUPTS();
		judge_key(&arg);
		key->elapsed_ms = (GetCurrentTimestamp() - start) / 1000.0;
		MemoryContextSwitchTo(old);
		MemoryContextReset(work);
	}

	MemoryContextDelete(work);
}
