/*-------------------------------------------------------------------------
 *
 * verify_live.c
 *	  Does a key do what it should?  Tried on the real tables.
 *
 * A test prepares by reading: is there a trigger in the way, which row could
 * be tried?  Then come the attempts, each in a subtransaction that is rolled
 * back whatever happens, and so are the locks that it took.  The application
 * may have to wait for rows that an attempt has locked or changed: therefore
 * one that lasts longer than schemaguard.lock_timeout is stopped, rows that
 * are locked by others are left alone, and nothing is done inside that could
 * be done before.
 *
 * The error tells who has refused a row: only a foreign key violation that
 * names this very key counts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/proc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/audit_yield.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_unit.h"
#include "verify/verify.h"
#include "verify/verify_live.h"
#include "verify/verify_row.h"

#define ATTEMPTS		5
#define LOOKS			3		/* searches for other rows, if those found are
								 * gone */
#define MOST_IDS		60		/* transaction IDs per transaction: standbys
								 * know up to 64 of its subtransactions */
#define IDS_OF_TEST		2		/* transaction IDs per test: the search and
								 * the attempt, both of which lock rows of
								 * catalogs */
#define KINDS			(LIVE_UPDATE_PARENT + 1)
#define LOOK_SHARE		2		/* a new search begins within this fraction of
								 * the time */

const char *const verify_other_path_text =
"other keys reach the same rows, so it can't be told which one has acted";

static const char *const test_names[] = {
	[LIVE_INSERT_ORPHAN] = "live: insert an orphan",
	[LIVE_UPDATE_ORPHAN] = "live: update to an orphan",
	[LIVE_INSERT_VALID] = "live: insert a valid row",
	[LIVE_DELETE_PARENT] = "live: delete a parent",
	[LIVE_UPDATE_PARENT] = "live: update a parent",
};

static const char *const outcome_words[] = {
	[OUTCOME_UNSEEN] = NULL,
	[OUTCOME_REJECTED] = "rejected",
	[OUTCOME_ACCEPTED] = "accepted",
	[OUTCOME_CASCADED] = "cascaded",
	[OUTCOME_SET_NULL] = "set null",
	[OUTCOME_SET_DEFAULT] = "set default",
	[OUTCOME_ORPHANED] = "accepted, and left orphans",
	[OUTCOME_DELETED] = "deleted",
	[OUTCOME_CHANGED] = "changed otherwise",
	[OUTCOME_MIXED] = "different from row to row",
};

/* Number of this transaction's subtransactions that have an ID */
static int	ids_used = 0;

void
verify_live_begin(void)
{
	ids_used = 0;
}

bool
verify_live_has_room(void)
{
	return ids_used + KINDS * IDS_OF_TEST <= MOST_IDS;
}

void
live_set_reason(LiveTest *lt, const char *reason)
{
	lt->reason = MemoryContextStrdup(lt->context, reason);
}

char
live_declared_action(const LiveTest *lt)
{
	return lt->kind == LIVE_DELETE_PARENT ? lt->key->on_delete : lt->key->on_update;
}

bool
live_rejects_parent(const LiveTest *lt)
{
	return live_declared_action(lt) == FKCONSTR_ACTION_NOACTION || live_declared_action(lt) == FKCONSTR_ACTION_RESTRICT;
}

/*
 * Returns whether the key has a generated column; a column may have been
 * dropped since the key was read
 */
static bool
has_generated_column(const FkKey *key)
{
	bool		found = false;

	for (int i = 0; i < key->nkeys; i++)
	{
		FormData_pg_attribute column;

		found |= sg_read_column(key->child, key->child_att[i], &column) && column.attgenerated != '\0';
	}
	return found;
}

const char *
live_session_problem(void)
{
	if (RecoveryInProgress())
		return "a standby can't write";
	if (XactReadOnly)
		return "this transaction is read-only";
	if (IsolationUsesXactSnapshot())
		return "this transaction is not READ COMMITTED: what it tries could make others fail";
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		return "session_replication_role is replica, which silences keys";
	return NULL;
}

/* Returns why no test of the key can be made, or NULL */
static const char *
key_problem(const FkKey *key)
{
	const char *problem = live_session_problem();

	if (problem)
		return problem;
	if (key->period)
		return "the key uses PERIOD";
	if (has_generated_column(key))
		return "a column of the key is generated";
	return NULL;
}

void
live_begin_as(SgScope *scope, Oid role)
{
	sg_role_begin(scope, role);
	run_set_local("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	run_set_local("deadlock_timeout", psprintf("%d", Max(sg_lock_wait(DeadlockTimeout) / 2, 1)));
	run_set_local("row_security", "off");
	run_set_local("jit", "off");

	/*
	 * planning must not evaluate CHECK constraints, which may contain
	 * anybody's code
	 */
	run_set_local("constraint_exclusion", "off");
}

/* ---- one attempt ---- */

/* Prepares a test: reads catalogs as the caller, and tables as the role that may */
static void
do_prepare(void *arg)
{
	LiveTest   *lt = arg;
	SgScope		scope;
	bool		may_copy;

	live_begin_as(&scope, InvalidOid);
	verify_find_role(lt);
	sg_scope_end(&scope);
	if (lt->reason)
		return;
	live_begin_as(&scope, lt->role);

	/*
	 * take a new snapshot: the caller's statement may have begun a thousand
	 * keys ago
	 */
	PushActiveSnapshot(GetTransactionSnapshot());
	verify_find(lt);
	PopActiveSnapshot();
	sg_scope_end(&scope);
	if (lt->candidates != NIL)
		return;
	live_begin_as(&scope, InvalidOid);
	may_copy = verify_may_copy(lt);
	sg_scope_end(&scope);
	live_begin_as(&scope, lt->role);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (may_copy)
		verify_find_copies(lt);
	if (lt->candidates == NIL)
		verify_find_all(lt);
	PopActiveSnapshot();
	sg_scope_end(&scope);
}

static void
prepare(void *arg)
{
	LiveTest   *lt = arg;

	run_deed_look(&lt->tables, do_prepare, lt);
}

/*
 * Fires the deferred triggers of this transaction, so that their errors do not
 * count as a result.  They are the caller's own, and run as the caller; a
 * restricted role can't defer anything.
 */
static void
do_at_once(const LiveTest *lt)
{
	const FkKey *key = lt->key;

	if (!key->deferrable && !OidIsValid(lt->role))
		return;
	SPI_connect();
	(void) verify_run(OidIsValid(lt->role) ? "SET CONSTRAINTS ALL IMMEDIATE" :
					  psprintf("SET CONSTRAINTS %s IMMEDIATE",
							   sg_qualified_name(sg_rel_schema(key->child), key->name)));
	SPI_finish();
}

static void
do_attempt(void *arg)
{
	LiveTest   *lt = arg;
	SgScope		scope;

	live_begin_as(&scope, InvalidOid);
	lt->reason = verify_reach_again(&lt->reach, lt->role);
	/* nobody had to wait for a row so far */
	run_restart_timeout(live_attempt_limit());
	if (lt->reason == NULL)
		do_at_once(lt);
	sg_scope_end(&scope);
	if (lt->reason)
		return;
	live_begin_as(&scope, lt->role);
	verify_try(lt);
	sg_scope_end(&scope);
}

static void
attempt(void *arg)
{
	LiveTest   *lt = arg;

	run_deed_looked_at(lt->tables, do_attempt, lt);
}

/* Returns whether an error names this key, or its clone on a partition */
static bool
names_key(const FkKey *key, const ErrorData *edata)
{
	return (edata->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION || edata->sqlerrcode == ERRCODE_RESTRICT_VIOLATION) &&
		fk_of_error(edata) == key->conid;
}

/* Returns the reason for an attempt without a result, for people: that the key is gone, if it is */
static const char *
error_reason(const LiveTest *lt, const ErrorData *edata)
{
	if (fk_by_oid(lt->key->conid) == NULL)
		return "the key was dropped meanwhile";
	return psprintf("%s%s: %s", lt->changing || lt->candidates == NIL ? "" : "before it was tried, ",
					unpack_sql_state(edata->sqlerrcode), sg_error_message(edata));
}

int
live_attempt_limit(void)
{
	return sg_statement_timeout ? Min(sg_statement_timeout, sg_lock_timeout) : sg_lock_timeout;
}

/* Makes one attempt, and rolls it back; returns whether another attempt may tell more */
static bool
attempt_once(LiveTest *lt)
{
	const char *known = lt->reason;
	ErrorData  *edata;

	ids_used++;
	lt->observed = OUTCOME_UNSEEN;
	lt->reason = NULL;
	lt->changing = false;
	/* the end of the last subtransaction has reset the progress report */
	sg_progress_phase(SG_PHASE_EXECUTING);
	edata = run_try_undo(sg_lock_wait(DeadlockTimeout) + live_attempt_limit(), attempt, lt);

	if (edata == NULL)
		return lt->observed == OUTCOME_UNSEEN;
	if (run_timeout_struck())
	{
		lt->reason = psprintf(LIVE_TIMEOUT_TEXT,
							  live_attempt_limit());
		/* the first attempt also had to plan and to fill caches */
		return ++lt->timeouts == 1;
	}
	sg_rethrow_cancel(edata);
	if (lt->changing && names_key(lt->key, edata))
	{
		lt->observed = OUTCOME_REJECTED;
		/* the parent of a valid row may have been deleted at that moment */
		return lt->kind == LIVE_INSERT_VALID;
	}
	if (lt->candidate->copied && !lt->changing)
		lt->reason = lt->unfit;
	else if (known && !lt->changing && run_is_lock_failure(edata))
		lt->reason = known;		/* this reason says more than the lock's
								 * holder */
	else
		lt->reason = error_reason(lt, edata);
	return lt->changing || lt->candidate->copied || run_is_lock_failure(edata);
}

/* ---- one test ---- */

static LiveOutcome
expected_outcome(const FkKey *planned, LiveKind kind)
{
	switch (kind)
	{
		case LIVE_INSERT_ORPHAN:
		case LIVE_UPDATE_ORPHAN:
			return OUTCOME_REJECTED;
		case LIVE_INSERT_VALID:
			return OUTCOME_ACCEPTED;
		case LIVE_DELETE_PARENT:
		case LIVE_UPDATE_PARENT:
			break;
	}
	switch (kind == LIVE_DELETE_PARENT ? planned->on_delete : planned->on_update)
	{
		case FKCONSTR_ACTION_CASCADE:
			return OUTCOME_CASCADED;
		case FKCONSTR_ACTION_SETNULL:
			return OUTCOME_SET_NULL;
		case FKCONSTR_ACTION_SETDEFAULT:
			return OUTCOME_SET_DEFAULT;
		default:
			return OUTCOME_REJECTED;
	}
}

static void
add_verdict(VerifyKey *vk, const LiveTest *lt)
{
	AuditResult result = AUDIT_UNKNOWN;
	const char *reason = lt->reason;

	if (lt->no_time && lt->observed == OUTCOME_UNSEEN)
	{
		result = AUDIT_SKIPPED;
		reason = psprintf("no row found to try in %d ms%s%s", sg_live_search, lt->reason ? "; " : "", lt->reason ? lt->reason : "");
	}
	else if (lt->expected == OUTCOME_SET_DEFAULT && lt->observed == OUTCOME_REJECTED)
		reason = "refused by the key itself, as it does where the column's default is no key of the parent";
	else if (lt->observed == lt->expected)
		result = AUDIT_PASS;
	else if (lt->observed != OUTCOME_UNSEEN && fk_by_oid(lt->key->conid) == NULL)
		reason = "the key was dropped meanwhile";
	else if (lt->observed != OUTCOME_UNSEEN)
		result = AUDIT_FAIL;
	verify_add_test(vk, test_names[lt->kind], outcome_words[lt->expected], outcome_words[lt->observed],
					result, reason);
}

/*
 * Prepares within the remaining search time of the key, *search_ms, and reduces
 * it; releases its locks.
 */
static void
prepare_within_limit(LiveTest *lt, int *search_ms)
{
	TimestampTz start = GetCurrentTimestamp();
	ErrorData  *edata;
	char	   *gave_way;

	if (*search_ms <= 0)
	{
		lt->no_time = true;
		return;
	}
	lt->look_until = start + *search_ms * INT64CONST(1000) / LOOK_SHARE;
	sg_progress_phase(SG_PHASE_SCANNING);
	ids_used++;
	audit_yield_begin();
	edata = run_try_undo(*search_ms, prepare, lt);
	gave_way = audit_yield_end();
	/* do not count the time of waiting for a locked table */
	if (edata == NULL || run_timeout_struck())
		*search_ms -= (int) ((GetCurrentTimestamp() - start) / 1000);
	if (edata == NULL)
		return;

	lt->candidates = NIL;
	if (run_timeout_struck())
		lt->no_time = true;
	else if (gave_way && sg_is_cancel(edata))
		lt->reason = gave_way;
	else
	{
		sg_rethrow_cancel(edata);
		lt->reason = error_reason(lt, edata);
	}
}

/* Pauses between attempts, which hold nothing, so that a blocker may end */
static void
pause_briefly(int attempt)
{
	pg_usleep(10000L * attempt);
	CHECK_FOR_INTERRUPTS();
}

/* Finds rows, and tries them in turn, until there is a result or no other attempt could tell more */
static void
look_and_try(LiveTest *lt, int *search_ms)
{
	prepare_within_limit(lt, search_ms);
	for (int i = 0; lt->candidates != NIL && i < ATTEMPTS && ids_used < MOST_IDS; i++)
	{
		if (i > 0)
			pause_briefly(i);
		lt->candidate = list_nth(lt->candidates, i % list_length(lt->candidates));
		lt->negative = i % 2 == 1;
		if (!attempt_once(lt))
			break;
	}
}

static void
run_test(VerifyKey *vk, VerifyKeys *declared, LiveKind kind, int *search_ms)
{
	LiveTest	untried = {
		.key = vk->key,
		.planned = &vk->expected,
		.kind = kind,
		.expected = expected_outcome(&vk->expected, kind),
		.context = CurrentMemoryContext,
		.reach = {
			.declared = declared,
			.key = vk->key,
			.relid = live_is_child_test(kind) ? vk->key->child : vk->key->parent,
			.event = live_is_insert(kind) ? CMD_INSERT : kind == LIVE_DELETE_PARENT ? CMD_DELETE : CMD_UPDATE,
		},
	};
	LiveTest	lt = untried;

	if (kind == LIVE_UPDATE_ORPHAN)
		untried.reach.columns = verify_column_set(vk->key->child_att, vk->key->nkeys);
	else if (kind == LIVE_UPDATE_PARENT)
		untried.reach.columns = verify_column_set(vk->key->parent_att, vk->key->nkeys);

	/* in a busy table all rows may have moved since they were found */
	for (int look = 1; look <= LOOKS && ids_used + IDS_OF_TEST <= MOST_IDS; look++)
	{
		lt = untried;
		look_and_try(&lt, search_ms);
		if (lt.observed != OUTCOME_UNSEEN)
			break;
		if (lt.candidate && lt.candidate->copied && !lt.changing)
			untried.no_copies = true;
		else if (!lt.gone)
			break;
	}
	if (lt.observed == OUTCOME_UNSEEN && lt.reason == NULL && !lt.no_time)
		lt.reason = "other tests of the key took all attempts that one transaction has";
	add_verdict(vk, &lt);
}

bool
verify_live_tries(const VerifyKey *vk)
{
	return vk->expected.enforced && key_problem(vk->key) == NULL;
}

void
verify_add_live(VerifyKey *vk, int n, const char *observed, AuditResult result, const char *reason)
{
	verify_add_test(vk, test_names[n], outcome_words[expected_outcome(&vk->expected, n)], observed, result, reason);
}

void
verify_leave_live(VerifyKey *vk, const char *reason)
{
	while (vk->tried < KINDS)
		verify_add_live(vk, vk->tried++, NULL, AUDIT_UNKNOWN, reason);
}

void
verify_live(VerifyKey *vk, VerifyKeys *declared)
{
	const char *problem = key_problem(vk->key);
	int			search_ms = sg_live_search;

	for (int kind = LIVE_INSERT_ORPHAN; kind <= LIVE_UPDATE_PARENT; kind++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!vk->expected.enforced)
			verify_add_test(vk, test_names[kind], NULL, NULL, AUDIT_SKIPPED, "a key that is not enforced does nothing");
		else if (problem)
			verify_add_live(vk, kind, NULL, AUDIT_UNKNOWN, problem);
		else
			run_test(vk, declared, kind, &search_ms);
	}
}
