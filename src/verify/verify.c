/*-------------------------------------------------------------------------
 *
 * verify.c
 *	  sg_verify_fks: are the keys there, and do they hold?
 *
 * Each test is a row with what was expected and what was observed.  With a
 * plan, its steps say what to expect, and a key that is missing is a failure;
 * without one, every declared key has to be enforced, valid and armed.  The
 * catalogs are always looked at; verify_live.c adds attempts on the
 * tables, and verify_smoke.c tests that users have written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "base/words.h"
#include "deploy/deploy.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "plan/plan_option.h"
#include "run/run_unit.h"
#include "verify/verify.h"

SG_FUNCTION(sg_smoke_run);
SG_FUNCTION(sg_verify_fks);

/*
 * Number of keys after which the caches of tables are reset, as by an
 * invalidation: entries that the live tests of one key leave are of no use for
 * the next one.
 */
#define FORGET_AFTER	20

void
verify_add_test(VerifyKey *vk, const char *test, const char *expected,
				const char *observed, AuditResult result, const char *reason)
{
	VerifyTest *row = palloc(sizeof(VerifyTest));

	/*
	 * the catalog of one node proves nothing about a key whose rows are on
	 * others
	 */
	if (result == AUDIT_PASS && vk->key && vk->key->doubt)
	{
		result = AUDIT_UNKNOWN;
		reason = vk->key->doubt;
	}
	row->test = test;
	row->expected = expected;
	row->observed = observed;
	row->result = result;
	row->reason = reason;
	vk->tests = lappend(vk->tests, row);
}

/* Adds a test that passes if both words are equal */
static void
compare(VerifyKey *vk, const char *test, const char *expected, const char *observed, const char *reason)
{
	bool		same = strcmp(expected, observed) == 0;

	verify_add_test(vk, test, expected, observed, same ? AUDIT_PASS : AUDIT_FAIL, same ? NULL : reason);
}

/* Like compare(), but reports a "yes" of the catalogs as unknown if there is doubt about the key */
static void
compare_protection(VerifyKey *vk, const char *test, const char *expected, const char *observed, const char *reason)
{
	if (vk->key->doubt && strcmp(expected, observed) == 0)
		verify_add_test(vk, test, expected, "unknown", AUDIT_UNKNOWN, vk->key->doubt);
	else
		compare(vk, test, expected, observed, reason);
}

/*
 * Returns the action, such as set null (a, b), with sorted column names,
 * because their order in the clause has no meaning
 */
static char *
delete_words(const FkKey *key)
{
	List	   *names;

	if (key->ndelete_set == 0)
		return pstrdup(sg_action_word(key->on_delete));
	names = sg_attribute_names(key->child, key->delete_set, key->ndelete_set);
	list_sort(names, sg_compare_names);
	return psprintf("%s (%s)", sg_action_word(key->on_delete), sg_quote_list(names));
}

static const char *
timing_words(const FkKey *key)
{
	if (!key->deferrable)
		return "not deferrable";
	return key->initially_deferred ? "deferrable, initially deferred" : "deferrable, initially immediate";
}

static void
test_protection(VerifyKey *vk)
{
	const FkKey *key = vk->key;
	bool		wanted = vk->expected.enforced;

	compare_protection(vk, "enforced", wanted ? "enforced" : "not enforced",
					   key->enforced ? "enforced" : "not enforced",
					   wanted ? "nothing checks the rows" : NULL);
	if (!wanted)
	{
		verify_add_test(vk, "valid", NULL, NULL, AUDIT_SKIPPED, "a key that is not enforced is never valid");
		verify_add_test(vk, "armed", NULL, NULL, AUDIT_SKIPPED, "a key that is not enforced has no triggers");
		return;
	}
	compare_protection(vk, "valid", "valid", key->validated ? "valid" : "not valid",
					   "rows that were there before the key may be orphans");
	compare_protection(vk, "armed", "armed", key->armed ? "armed" : "unarmed", key->unarmed_reason);
}

/* Adds tests of the clauses */
static void
test_clauses(VerifyKey *vk)
{
	const FkKey *planned = &vk->expected;
	const FkKey *key = vk->key;

	/* MATCH has no meaning for a single column */
	if (fk_same_match(planned, key))
		verify_add_test(vk, "match", sg_match_word(planned->match), sg_match_word(key->match), AUDIT_PASS, NULL);
	else
		compare(vk, "match", sg_match_word(planned->match), sg_match_word(key->match), NULL);
	compare(vk, "on delete", delete_words(planned), delete_words(key), NULL);
	compare(vk, "on update", sg_action_word(planned->on_update), sg_action_word(key->on_update), NULL);
	compare(vk, "deferrable", timing_words(planned), timing_words(key), NULL);
}

/* Adds the test that the replaced key is gone, once the new one is in force */
static void
test_replaced(VerifyKey *vk, const PlanStep *step)
{
	const FkKey *old = fk_by_name(vk->expected.child, step->replaces);

	compare(vk, "replaced", "old key is gone", old ? "old key is there" : "old key is gone",
			psprintf("key %s", quote_identifier(plan_given(step->replaces))));
}

const PlanStep *
verify_step_now(const PlanStep *step, DeedKind kind)
{
	foreach_ptr(const PlanDeed, deed, plan_deeds_of_step(step, kind))
	{
		if (deed->what->kind == step->kind && plan_deed_follow(deed) == DEED_BY_OID)
		{
			deed->what->state = step->state;
			return deed->what;
		}
	}
	return NULL;
}

typedef struct StepLook
{
	const PlanStep *step;
	VerifyKey  *vk;
} StepLook;

/* Reads the step's key from the catalogs; for sg_try(), since a table may be dropped meanwhile */
static void
look_at_step(void *arg)
{
	const PlanStep *step = ((StepLook *) arg)->step;
	VerifyKey  *vk = ((StepLook *) arg)->vk;
	FkProblem  *problem = plan_step_key(step, &vk->expected);
	bool		moved = problem && deploy_was_done(step, problem);
	const PlanStep *now = moved ? verify_step_now(step, DEED_ADD) : NULL;

	if (now)
		problem = plan_step_key(now, &vk->expected);
	vk->key = problem ? NULL : fk_declared_twin(&vk->expected);
	if (vk->key == NULL)
	{
		if (moved || deploy_was_done(step, problem))
			verify_add_test(vk, "present", "present", "unknown", AUDIT_UNKNOWN, VERIFY_MOVED);
		else
			verify_add_test(vk, "present", "present", "missing", AUDIT_FAIL,
							problem ? problem->reason : step->reason && step->state != STEP_PENDING ? step->reason :
							psprintf("the step is %s", plan_state_word(step->state)));
		return;
	}
	fk_citus_ask(vk->key);
	verify_add_test(vk, "present", "present", "present", AUDIT_PASS,
					strcmp(vk->key->name, step->fk_name) == 0 ? NULL :
					psprintf("its name is %s", quote_identifier(vk->key->name)));
	test_protection(vk);
	test_clauses(vk);
	if (step->replaces)
		test_replaced(vk, step);
}

VerifyKey *
verify_step(const PlanStep *step)
{
	VerifyKey  *vk = palloc0(sizeof(VerifyKey));
	StepLook	look = {step, vk};
	ErrorData  *edata;

	vk->fk_name = step->fk_name;
	vk->child_table = step->child_table;
	vk->parent_table = step->parent_table;
	vk->step = step->step;
	if (step->kind != STEP_FOREIGN_KEY)
	{
		vk->change = step;
		return vk;
	}
	if (step->skipped_by)
	{
		verify_add_test(vk, "present", NULL, NULL, AUDIT_SKIPPED,
						psprintf("the step is skipped: %s", step->reason ? step->reason : "no reason given"));
		return vk;
	}

	edata = sg_try_undo(look_at_step, &look);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		vk->key = NULL;
		vk->tests = NIL;
		verify_add_test(vk, "present", "present", NULL, AUDIT_UNKNOWN, sg_error_text(edata));
	}
	return vk;
}

VerifyKey *
verify_declared(FkKey *key)
{
	VerifyKey  *vk = palloc0(sizeof(VerifyKey));

	vk->fk_name = key->name;
	vk->child_table = sg_relation_name(key->child);
	vk->parent_table = sg_relation_name(key->parent);
	vk->expected = *key;
	vk->expected.enforced = true;
	vk->key = key;
	fk_citus_ask(key);
	test_protection(vk);
	return vk;
}

static int
compare_verify_keys(const ListCell *a, const ListCell *b)
{
	const VerifyKey *ka = lfirst(a);
	const VerifyKey *kb = lfirst(b);
	int			c = strcmp(ka->child_table, kb->child_table);

	return c ? c : strcmp(ka->fk_name, kb->fk_name);
}

/* Returns the log entry of a key: counts of its tests by result, and the worst of them */
static LogEntry *
log_entry_of(const pg_uuid_t *run, const char *plan, const VerifyKey *vk, double elapsed_ms)
{
	LogEntry   *entry = palloc(sizeof(LogEntry));
	int			counts[AUDIT_SKIPPED + 1] = {0};
	ListCell   *lc;

	foreach(lc, vk->tests)
		counts[((VerifyTest *) lfirst(lc))->result]++;

	*entry = log_entry(run, plan, "verify", LOG_DONE);
	entry->object = vk->change ? plan_step_object(vk->change) :
		vk->smoke ? psprintf("smoke test %s", quote_identifier(vk->fk_name)) :
		psprintf("%s ON %s", quote_identifier(vk->fk_name), vk->child_table);
	entry->message = psprintf("%d pass, %d fail, %d unknown, %d skipped", counts[AUDIT_PASS],
							  counts[AUDIT_FAIL], counts[AUDIT_UNKNOWN], counts[AUDIT_SKIPPED]);
	entry->elapsed_ms = elapsed_ms;
	return entry;
}

/* Maximum number of failed tests that the evidence names */
#define MAX_NAMED	1000

/* Results of all tests of a call, for reports, without texts of errors and values */
typedef struct Tally
{
	int64		counts[AUDIT_SKIPPED + 1];
	StringInfoData named;		/* tests that did not pass, as JSON */
	int			nnamed;
	StringInfoData smoke;		/* tests of schemaguard.smoke_test, as JSON */
} Tally;

static void
tally_tests(Tally *tally, const VerifyKey *vk, const char *object)
{
	if (vk->smoke)
		verify_smoke_figures(&tally->smoke, vk);
	foreach_ptr(const VerifyTest, row, vk->tests)
	{
		tally->counts[row->result]++;
		if (row->result == AUDIT_PASS || tally->nnamed == MAX_NAMED)
			continue;
		appendStringInfo(&tally->named, "%s{\"object\": ", tally->nnamed++ > 0 ? ", " : "");
		escape_json(&tally->named, object);
		appendStringInfoString(&tally->named, ", \"test\": ");
		escape_json(&tally->named, row->test);
		appendStringInfo(&tally->named, ", \"result\": \"%s\"}", audit_result_word(row->result));
	}
}

static char *
tally_document(const Tally *tally, bool live, bool chosen, int keys)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"live\": %s, \"chosen\": %s, \"objects\": %d", live ? "true" : "false", chosen ? "true" : "false", keys);
	for (int i = 0; i < lengthof(tally->counts); i++)
		appendStringInfo(&json, ", \"%s\": " INT64_FORMAT, audit_result_word(i), tally->counts[i]);
	appendStringInfo(&json, ", \"tests\": [%s], \"smoke\": [%s]}", tally->named.data, tally->smoke.data);
	return json.data;
}

static void
emit_tests(SgRowSink *sink, const VerifyKey *vk)
{
	foreach_ptr(VerifyTest, row, vk->tests)
	{
		sg_sink_name(sink, vk->fk_name);
		sg_sink_text(sink, row->test);
		sg_sink_text(sink, audit_result_word(row->result));
		sg_sink_text(sink, row->expected);
		sg_sink_text(sink, row->observed);
		sg_sink_text(sink, vk->child_table);
		sg_sink_text(sink, vk->parent_table);
		sg_sink_text(sink, row->reason);
		sg_sink_emit(sink);
	}
}

/* Returns the keys, each judged by the catalogs */
static List *
collect_keys(const FkPlan *plan, List *declared)
{
	List	   *keys = NIL;
	ListCell   *lc;

	if (plan)
	{
		foreach(lc, plan_chosen_steps(plan))
			keys = lappend(keys, verify_step(lfirst(lc)));
		return keys;
	}

	foreach(lc, declared)
		keys = lappend(keys, verify_declared(lfirst(lc)));
	list_sort(keys, compare_verify_keys);
	if (keys == NIL)
		ereport(NOTICE,
				(errmsg("this database declares no foreign key"),
				 errhint(sg_calls("Start a plan:\nSELECT sg_plan_create('plan');"))));
	return keys;
}

/*
 * Tries a key in this transaction, as long as that has room; `reason` says why
 * no worker has done it, or is NULL
 */
static void
try_here(VerifyKey *vk, VerifyKeys *declared, const char *reason)
{
	sg_progress_step(SG_PROGRESS_VERIFY, vk->step, vk->key->child);
	if (!verify_live_tries(vk) || verify_live_has_room())
		verify_live(vk, declared);
	else
		verify_leave_live(vk, psprintf("left out: one transaction tries as many keys as standbys can follow, and no worker did it: %s",
									   reason ? reason : "the key is of a temporary table"));
}

/*
 * sg_verify_fks(plan text DEFAULT NULL, live boolean DEFAULT false, steps
 * schemaguard.steps DEFAULT NULL)
 *
 * Returns a row per test, several for each key.  With a plan (42704), for its
 * steps, or the chosen ones (22023), in the order of deployment; without one,
 * for every declared key, sorted by child and name.  A test that can't be made
 * is "unknown", with the reason.  Any role may verify by the catalogs, also on
 * a standby. live needs the privileges that its attempts use: SELECT, INSERT,
 * UPDATE, DELETE.  Each attempt is rolled back, and holds row locks for
 * schemaguard.lock_timeout at most.  Workers try many keys, each in a
 * transaction of its own.  Unless steps are chosen, tests of
 * schemaguard.smoke_test come last, sorted by name.  Writes the log for roles
 * with sg_grant(), except on a standby and in a read-only transaction.
 */
static Datum
sg_verify_fks_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan = NULL;
	int			options = 0;
	pg_uuid_t	run = log_new_run();
	List	   *entries = NIL;
	List	   *declared;
	VerifyKeys *by_table;
	List	   *keys;
	SgRowSink	sink;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard verify",
												  ALLOCSET_DEFAULT_SIZES);
	const char *no_worker = NULL;
	Tally		tally = {0};
	bool		live;
	ListCell   *lc;

	sg_check_version();
	live = sg_arg_bool(fcinfo, 1);
	if (!sg_arg_is_null(fcinfo, 0))
		plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	plan_choose(plan, plan_steps_argument(fcinfo, 2));
	if (plan)
		options = plan_options_begin(plan);

	sg_sink_begin(&sink, fcinfo);
	sg_progress_begin(SG_PROGRESS_VERIFY, plan ? plan->id : 0, 0);
	declared = fk_declared(InvalidOid);
	by_table = verify_keys(declared);
	keys = collect_keys(plan, declared);
	/* chosen steps are not the whole plan */
	if (sg_arg_is_null(fcinfo, 2))
		keys = list_concat(keys, verify_smoke_tests(plan));
	sg_progress_total(list_length(keys));
	initStringInfo(&tally.named);
	initStringInfo(&tally.smoke);
	verify_live_begin();
	if (live)
		no_worker = verify_by_workers(plan, keys);
	foreach(lc, keys)
	{
		VerifyKey  *vk = lfirst(lc);
		TimestampTz start = GetCurrentTimestamp();
		MemoryContext old = MemoryContextSwitchTo(context);

		if (vk->change)
			verify_change(vk, plan, live);
		else if (vk->smoke)
			verify_smoke(vk, live);
		else if (live && vk->key && vk->tried == 0)
			try_here(vk, by_table, no_worker);
		emit_tests(&sink, vk);
		MemoryContextSwitchTo(old);
		entries = lappend(entries, log_entry_of(&run, plan ? plan->name : NULL, vk, vk->tried > 0 ? vk->live_ms : run_elapsed(start)));
		tally_tests(&tally, vk, ((LogEntry *) llast(entries))->object);
		vk->tests = NIL;
		MemoryContextReset(context);
		if (live && foreach_current_index(lc) % FORGET_AFTER == FORGET_AFTER - 1)
			InvalidateSystemCaches();
		sg_progress_done(foreach_current_index(lc) + 1, 0);
	}
	if (entries != NIL && log_writable() && sg_is_granted())
	{
		log_write_all(entries);
		log_evidence(&run, plan ? plan->name : NULL, plan ? plan->id : 0, "verify",
					 tally_document(&tally, live, !sg_arg_is_null(fcinfo, 2), list_length(keys)));
	}
	sg_progress_end();
	if (plan)
		plan_options_end(options);

	PG_RETURN_NULL();
}

/*
 * schemaguard.sg_smoke_run()
 *
 * Runs the tests of schemaguard.smoke_test that belong to no plan; returns the
 * rows that sg_verify_fks() with live would.
 */
static Datum
sg_smoke_run_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;

	sg_check_version();
	sg_sink_begin(&sink, fcinfo);
	verify_live_begin();
	foreach_ptr(VerifyKey, vk, verify_smoke_tests(NULL))
	{
		verify_smoke(vk, true);
		emit_tests(&sink, vk);
	}
	PG_RETURN_NULL();
}
