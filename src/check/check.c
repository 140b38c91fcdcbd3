/*-------------------------------------------------------------------------
 *
 * check.c
 *	  sg_plan_check: conditions that could stop or hurt the steps of a plan.
 *
 *	  Every check is a row: "block" says that deployment would fail or skip
 *	  the step in the database's present state, "warn" that the step hurts, or
 *	  that something could not be examined, and "ok" that it was examined and
 *	  is all right.  The verdict comes from the functions that deployment
 *	  itself calls (deploy_look, the audit), so that both agree.  Nothing
 *	  written stays: tables that steps make are made on trial (check_trial.c).
 *	  Tables are locked in ACCESS SHARE while their rows are read, and a table
 *	  that another session has locked is not waited for longer than
 *	  schemaguard.lock_timeout.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "base/words.h"
#include "check/check.h"
#include "deploy/deploy.h"
#include "plan/plan_call.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "plan/plan_option.h"

SG_FUNCTION(sg_plan_check);
SG_FUNCTION(sg_plan_check_rows);

static const SgWord verify_words[] = {
	{CHECK_READ_NONE, "none"}, {CHECK_READ_SAMPLE, "sample"}, {CHECK_READ_FULL, "full"}, {0, NULL}
};

SG_WORDS_OF(verify_words, CHECK_READ_FULL + 1);

void
check_row(CheckStep *cs, const char *name, CheckResult result, char *detail, char *hint)
{
	CheckRow   *row = palloc(sizeof(CheckRow));

	row->name = name;
	row->result = result;
	row->detail = detail;
	row->hint = hint;
	cs->rows = lappend(cs->rows, row);
	if (result == CHECK_BLOCK)
		cs->blocked = true;
}

bool
check_is_due(const CheckStep *cs)
{
	return !cs->left_alone &&
		(cs->view.need == NEED_ADD || cs->view.need == NEED_VALIDATE);
}

/* Returns the value of an option that has to be set along with another one; booleans have no null */
static const char *
set_alone(const char *option)
{
	return option && strcmp(option, "quarantine_cascades") == 0 ? "false" : NULL;
}

/*
 * Sets further options in the same call if sg_plan_set() would refuse the value
 * otherwise; drops a key that the plan has added first, and resets its step
 */
char *
check_set(const CheckStep *cs, const char *option, const char *value)
{
	const PlanStep *step = cs->step;
	const char *also[3] = {NULL};
	int			n = 0;
	bool		anew = step->state == STEP_ADDED && !plan_option_is_free(option);
	char	   *set;

	if (strcmp(option, "on_delete") == 0 && step->on_delete_columns && strncmp(value, "set ", 4) != 0)
		also[n++] = "on_delete_columns";
	if (strcmp(option, "orphans") == 0 && step->sentinel && plan_policy(value) == ORPHANS_STOP)
		also[n++] = "sentinel";
	if (strcmp(option, "orphans") == 0 && step->quarantine_cascades && !plan_policy_deletes(plan_policy(value)) && plan_policy(value) != ORPHANS_LEAVE)
		also[n++] = "quarantine_cascades";
	set = anew ? plan_set_call(step, option, value, "state", "pending", also[0], NULL, NULL) :
		plan_set_call(step, option, value, also[0], set_alone(also[0]), also[1], set_alone(also[1]), NULL);
	if (!anew)
		return set;
	return psprintf("%s%s\n%s",
					cs->view.existing == NULL ? "" :
					psprintf("ALTER TABLE %s DROP CONSTRAINT %s;\n", step->child_table, quote_identifier(cs->view.existing->name)),
					check_skip(cs, "its key is to be another one"), set);
}

char *
check_skip(const CheckStep *cs, const char *reason)
{
	return plan_skip_call(cs->step, reason);
}

char *
check_later(const CheckStep *cs, const char *hint)
{
	const char *way = hint ? strchr(hint, '\n') : NULL;

	if (way && strstr(way, "sg_plan_skip") == NULL)
		return pstrdup(hint);
	/* the sentence that leads to the call is cut with it */
	while (way && way > hint && strncmp(way - 2, ". ", 2) != 0)
		way--;
	return psprintf(sg_calls("%.*s%sLook again when the steps before it are done:\nSELECT * FROM sg_plan_check(%s);"),
					(int) (way ? way - hint : hint ? strlen(hint) : 0), hint ? hint : "", hint && way == NULL ? " " : "",
					quote_literal_cstr(cs->plan));
}

char *
check_list(List *texts)
{
	StringInfoData list;

	initStringInfo(&list);
	foreach_ptr(const char, text, texts)
	{
		appendStringInfo(&list, "%s%s", list.len ? ", " : "", text);
	}
	return list.data;
}

char *
check_column(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return pstrdup(sg_read_column(relid, attnum, &column) ? quote_identifier(NameStr(column.attname)) : "(dropped)");
}

char *
check_columns(Oid relid, const AttrNumber *attnums, int n)
{
	return sg_quote_list(sg_attribute_names(relid, attnums, n));
}

char *
check_bytes(double bytes)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	int			unit = 0;

	while (bytes >= 1024 && unit < lengthof(units) - 1)
	{
		bytes /= 1024;
		unit++;
	}
	return unit == 0 || bytes >= 100 ? psprintf("%.0f %s", bytes, units[unit]) :
		psprintf("%.1f %s", bytes, units[unit]);
}

char *
check_duration(double seconds)
{
	if (seconds >= 7200)
		return psprintf("%.1f h", seconds / 3600);
	if (seconds >= 120)
		return psprintf("%.0f min", seconds / 60);
	if (seconds >= 1)
		return psprintf("%.1f s", seconds);
	if (seconds >= 0.01)
		return psprintf("%.0f ms", seconds * 1000);
	return psprintf("%.1f ms", seconds * 1000);
}

ErrorData *
check_try(void (*fn) (void *arg), void *arg)
{
	ErrorData  *edata;

	if (RecoveryInProgress())
	{
		fn(arg);
		return NULL;
	}
	edata = sg_try_undo(fn, arg);
	if (edata)
		sg_rethrow_cancel(edata);
	return edata;
}

/* Returns whether deployment leaves the step alone, in any state of the database */
static bool
is_left_alone(CheckStep *cs)
{
	if (cs->step->skipped_by)
		check_row(cs, "skipped", CHECK_OK,
				  psprintf("left alone: %s", cs->step->reason ? cs->step->reason : "no reason given"),
				  NULL);
	return cs->step->skipped_by != NULL;
}

/* Adds deployment's own reason if it would skip the step for one that no check has named. */
static void
check_skipped(CheckStep *cs)
{
	if (cs->view.need != NEED_SKIP || cs->blocked || cs->is_early)
		return;
	check_row(cs, get_rel_relkind(cs->view.key.child) == RELKIND_PARTITIONED_TABLE ?
			  "partitions" : "deployment", CHECK_BLOCK, cs->view.problem->reason, cs->view.problem->hint);
}

/* Adds that an earlier statement may make a missing table; for other kinds of steps the graph tells */
static char *
waits_for_statement(const PlanCheck *check, const char *table)
{
	if (table == NULL || OidIsValid(sg_find_qualified(table)))
		return NULL;
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if (other->step->kind == STEP_STATEMENT && sg_same_text(other->makes, table) && plan_step_is_ahead(other->step))
			return psprintf("waits for step %d, which makes %s", other->step->step, table);
	}
	return NULL;
}

/* Begins a step; one that is not chosen counts as left alone, without rows */
static CheckStep *
begin_step(PlanCheck *check, PlanStep *step)
{
	CheckStep  *cs = palloc0(sizeof(CheckStep));

	cs->plan = check->plan->name;
	cs->step = step;
	cs->place = list_length(check->steps);
	cs->makes = check_makes_table(step);
	cs->waits = plan_waits_for(check->graph, step->step);
	if (cs->waits == NULL && cs->makes == NULL)
		cs->waits = waits_for_statement(check, step->child_table);
	if (cs->waits == NULL && cs->makes == NULL)
		cs->waits = waits_for_statement(check, step->parent_table);
	cs->left_alone = !plan_is_chosen(check->plan, step->step) || is_left_alone(cs);
	return cs;
}

/* Examines the step's state in the catalog, as deployment does */
static void
look_at_step(PlanCheck *check, CheckStep *cs)
{
	const PlanStep *giver;

	if (cs->waits && cs->step->state == STEP_WAITING)
		check_row(cs, "order", CHECK_WARN, cs->waits,
				  psprintf(sg_calls("Mend that, or skip it with done => true where others need it no more, and CALL again:\nCALL sg_apply(%s);"),
						   quote_literal_cstr(check->plan->name)));
	check_given_twice(check, cs);
	if (cs->step->kind != STEP_FOREIGN_KEY)
	{
		check_change(check, cs);
		check_changed_before(check, cs);
		cs->left_alone = true;
		return;
	}
	check_taken_object(check, cs);
	giver = check_giver_before(check, cs);
	deploy_look(cs->step, &cs->view);
	if (cs->view.need == NEED_SKIP && check_waits(check, cs, cs->view.problem))
	{
		check_deferrable_target(check, cs);
		if (giver || cs->view.problem->sqlerrcode == ERRCODE_SG_KEY_CONFLICT)
			check_unread(cs, giver);
		cs->left_alone = true;
		return;
	}
	if (giver && cs->waits)
	{
		check_row(cs, "deployment", CHECK_OK, cs->waits, NULL);
		check_unread(cs, giver);
		cs->left_alone = true;
		return;
	}
	cs->unproved = (cs->view.need == NEED_NOTHING || cs->view.need == NEED_REPLACE) &&
		cs->view.existing->enforced && !list_member_oid(check->proved, cs->view.existing->conid);
	if (check_is_due(cs) || cs->unproved)
	{
		cs->child = check_table(check, cs->view.key.child);
		cs->parent = check_table(check, cs->view.key.parent);
		check_changed_before(check, cs);
	}
}

/* Runs the checks of a step that read no rows */
static void
check_step(PlanCheck *check, CheckStep *cs)
{
	check_definition(check, cs);
	if (check_is_due(cs))
	{
		check_index_use(cs);
		check_access(cs);
		check_tables(check, cs);
	}
	check_skipped(cs);
}

/* Tables whose rows are judged, AuditTable *, as a list and by OID */
typedef struct AuditTables
{
	List	   *all;
	SgOidLists *by_oid;
} AuditTables;

/* Adds a key or rule to those that are judged with its table */
static void
add_to_audit(AuditTables *tables, AuditKey *ak)
{
	List	   *known = sg_lists_of(tables->by_oid, ak->key.child);
	AuditTable *table = known ? linitial(known) : palloc0(sizeof(AuditTable));

	if (known == NIL)
	{
		table->child = ak->key.child;
		table->results = CurrentMemoryContext;
		tables->all = lappend(tables->all, table);
		sg_lists_add(tables->by_oid, table->child, table);
	}
	table->keys = lappend(table->keys, ak);
}

/*
 * Counts the orphans of all steps that could be deployed, as their deployment
 * would, and asks the rows other steps' questions
 */
static void
audit_steps(PlanCheck *check)
{
	AuditTables tables = {NIL, sg_lists_create()};

	if (check->verify == CHECK_READ_NONE)
		return;
	foreach_ptr(CheckStep, cs, check->steps)
	{
		foreach_ptr(AuditKey, rule, check_row_rules(cs))
		{
			add_to_audit(&tables, rule);
		}
		if (!cs->unproved && (!check_is_due(cs) || !cs->step->enforced))
			continue;
		cs->audit = audit_key_new(cs->unproved ? cs->view.existing : &cs->view.key, AUDIT_PLAN, FK_MISSING);
		add_to_audit(&tables, cs->audit);
	}
	audit_tables(tables.all, AUDIT_YIELDS, NULL, NULL);
}

/* A part of the checks of one step */
typedef void (*StepChecker) (PlanCheck *check, CheckStep *cs);

typedef struct StepPart
{
	PlanCheck  *check;
	CheckStep  *cs;
	StepChecker fn;
} StepPart;

static void
run_part(void *arg)
{
	StepPart   *part = arg;

	part->fn(part->check, part->cs);
}

/* Runs a part of a step's checks; repeats it, up to three times, after the error of a race */
static ErrorData *
try_part(StepPart *part)
{
	int			nrows = list_length(part->cs->rows);
	bool		blocked = part->cs->blocked;
	ErrorData  *edata;

	for (int i = 1;; i++)
	{
		edata = check_try(run_part, part);
		if (edata == NULL || !sg_is_race(edata) || i == SG_READS)
			return edata;
		part->cs->rows = list_truncate(part->cs->rows, nrows);
		part->cs->blocked = blocked;
	}
}

/*
 * Runs a part; an error, as from tables that somebody changes meanwhile, ends
 * the checks of that step only.
 */
static void
run_part_of(PlanCheck *check, CheckStep *cs, StepChecker fn)
{
	StepPart	part = {check, cs, fn};
	ErrorData  *edata;

	CHECK_FOR_INTERRUPTS();
	edata = try_part(&part);
	if (edata == NULL)
		return;
	cs->left_alone = true;
	check_row(cs, "unchecked", CHECK_WARN,
			  psprintf("the other checks could not be made: %s", sg_error_message(edata)),
			  psprintf(sg_calls("Somebody may be changing the tables; check again:\nSELECT * FROM sg_plan_check(%s);"),
					   quote_literal_cstr(check->plan->name)));
}

/* Runs a check for each step, if due */
static void
run_parts(PlanCheck *check, bool due, StepChecker fn)
{
	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (!cs->left_alone && (!due || check_is_due(cs) || cs->unproved))
			run_part_of(check, cs, fn);
	}
}

/* Runs the checks that depend on the number of rows to read */
static void
check_costs(PlanCheck *check, CheckStep *cs)
{
	if (cs->unproved)
	{
		check_fix(check, cs);
		return;
	}
	check_index(check, cs);
	check_cascade(check, cs);
	check_estimate(check, cs);
	check_fix(check, cs);
}

/*
 * Adds a row about a step that failed and that no check blocks now, and about
 * one that a rollback has left in place
 */
static void
check_failed(CheckStep *cs)
{
	if ((cs->step->state != STEP_FAILED && !plan_is_not_back(cs->step)) || cs->step->skipped_by || cs->blocked)
		return;
	check_row(cs, "failed", CHECK_WARN,
			  cs->step->reason ? cs->step->reason : pstrdup("no reason is on record"),
			  psprintf(plan_is_not_back(cs->step) ? sg_calls("When that is mended, have the rest taken back:\nCALL sg_rollback_fks(%s, steps => '{%d}'%s);") :
					   sg_calls("When that is mended, CALL again:\nCALL sg_apply(%s, steps => '{%d}'%s);"),
					   quote_literal_cstr(cs->plan), cs->step->step, plan_step_fixes(cs->step) && !plan_is_not_back(cs->step) ? ", fix => true" : ""));
}

/*
 * Adds a row if only names identify the tables that the plan has changed, so
 * that a rollback could affect others
 */
static void
check_names(PlanCheck *check)
{
	List	   *tables = NIL;

	foreach_ptr(const PlanDeed, deed, plan_deeds(check->plan, DEEDS_OF_CATALOG))
	{
		if (deed->what->child_table && sg_find_qualified(deed->what->child_table) != InvalidOid && plan_deed_follow(deed) == DEED_BY_NAME &&
			!list_member(tables, makeString(deed->what->child_table)))
			tables = lappend(tables, makeString(deed->what->child_table));
	}
	if (tables == NIL)
		return;
	check_row(&check->server, "names", CHECK_WARN,
			  psprintf("objects that the plan has changed are known by their names only, as after a restore: a rollback takes %s%s for them",
					   strVal(linitial(tables)), list_length(tables) == 1 ? "" : psprintf(" and %d more tables of these names", list_length(tables) - 1)),
			  psprintf("Rename tables that only have the names before a rollback. To see them:\nSELECT step, kind, child_table, fk_name FROM schemaguard.plan_step WHERE plan = %s;",
					   quote_literal_cstr(check->plan->name)));
}

/* Groups the keys by their tables, so that each step is compared with its tables' keys only */
static void
group_keys(PlanCheck *check)
{
	check->keys_of = sg_lists_create();
	check->steps_of = sg_lists_create();
	foreach_ptr(FkKey, key, check->declared)
	{
		sg_lists_add(check->keys_of, key->child, key);
	}
	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (!cs->left_alone)
			sg_lists_add(check->steps_of, cs->view.key.child, cs);
	}
}

static void
run_checks(PlanCheck *check)
{
	ListCell   *lc;

	check->declared = fk_declared(InvalidOid);
	check->tables = sg_lists_create();
	check->proved = deploy_proved_keys();
	check_server_read(check);
	check->graph = plan_graph(plan_steps(check->plan->name));
	foreach(lc, plan_steps(check->plan->name))
		check->steps = lappend(check->steps, begin_step(check, lfirst(lc)));

	check_plan_changes(check);
	check_names(check);

	/*
	 * all steps are examined first, because each step is compared with the
	 * others
	 */
	run_parts(check, false, look_at_step);
	group_keys(check);
	check_trials(check);
	run_parts(check, false, check_step);
	audit_steps(check);
	foreach_ptr(CheckStep, cs, check->steps)
	{
		check_row_answers(check, cs);
		check_left_rows(check, cs);
		/* all other parts ignore steps of other kinds */
		if (cs->step->kind != STEP_FOREIGN_KEY || !cs->left_alone)
			run_part_of(check, cs, check_writes);
	}
	check_rollback(check);
	check_measure(check);
	check_all_orphans(check);
	run_parts(check, true, check_orphans);
	run_parts(check, true, check_costs);
	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (plan_is_chosen(check->plan, cs->step->step))
			check_failed(cs);
	}
	check_server(check);
}

/*
 * Limits waits for locks to the time that a step would queue.  On a standby,
 * where the error could not be caught, the session's own limit applies.
 */
static void
limit_waits(void)
{
	int			wait = sg_lock_wait(DeadlockTimeout);

	if (RecoveryInProgress() || (LockTimeout > 0 && LockTimeout <= wait))
		return;
	sg_scope_set("lock_timeout", psprintf("%d", wait));
}

/* Applies and reports the plan's options, so that checks see the settings of a call */
static void
tell_options(PlanCheck *check)
{
	char	   *options = plan_options_text(check->plan);
	List	   *settings = plan_options(check->plan);

	if (options == NULL)
		return;
	sg_options_apply(settings, GUC_ACTION_SAVE);
	check_row(&check->server, "options", CHECK_OK, options,
			  psprintf(sg_calls("They take the place of the session's settings. To remove one:\nSELECT sg_plan_option(%s, %s, NULL);"),
					   quote_literal_cstr(check->plan->name), quote_literal_cstr(settings ? ((SgOption *) linitial(settings))->name : PLAN_OPTION_POLICY)));
}

static void
emit_rows(SgRowSink *sink, const CheckStep *cs)
{
	static const char *const words[] = {"ok", "warn", "block"};

	foreach_ptr(CheckRow, row, cs->rows)
	{
		sg_sink_int32(sink, cs->step ? cs->step->step : 0);
		sg_sink_name(sink, cs->step ? cs->step->fk_name : NULL);
		sg_sink_text(sink, row->name);
		sg_sink_text(sink, words[row->result]);
		sg_sink_text(sink, row->detail);
		sg_sink_text(sink, row->hint);
		sg_sink_emit(sink);
	}
}

static Datum
check_plan(FunctionCallInfo fcinfo, CheckVerify verify)
{
	PlanCheck	check = {.verify = verify};
	SgRowSink	sink;
	int			guc_level;

	sg_check_version();
	check.plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	plan_choose(check.plan, plan_steps_argument(fcinfo, 1));
	check.server.plan = check.plan->name;

	sg_sink_begin(&sink, fcinfo);
	sg_progress_begin(SG_PROGRESS_CHECK, check.plan->id, 0);
	guc_level = NewGUCNestLevel();
	tell_options(&check);
	limit_waits();
	run_checks(&check);
	AtEOXact_GUC(false, guc_level);
	sg_progress_end();

	emit_rows(&sink, &check.server);
	foreach_ptr(const CheckStep, cs, check.steps)
	{
		emit_rows(&sink, cs);
	}

	PG_RETURN_NULL();
}

/*
 * sg_plan_check_details(plan text, steps schemaguard.steps DEFAULT NULL, verify
 * text DEFAULT 'sample')
 *
 * Returns one row per check: first about the server and the plan as a whole,
 * with step 0, then each step's in the order of deployment; with steps, as if
 * deployment were called for these (22023 no such step, or an unknown word in
 * verify).  Checks that depend on a blocking one are left out.  Facts that the
 * caller may not see are "warn" with the reason, never "ok".
 *
 * Needs the right to read the plan (42501); reads rows if the caller has SELECT
 * on the columns of a key or a rule.  Locks tables in ACCESS SHARE while it
 * reads them (on a standby until the end of the transaction), and waits for
 * each no longer than schemaguard.lock_timeout.  Writes nothing, so it runs in
 * a read-only transaction and on a standby. 42704: no such plan.
 */
static Datum
sg_plan_check_rows_entered(PG_FUNCTION_ARGS)
{
	return check_plan(fcinfo, sg_parse_word(verify_words, "verify", sg_arg_text(fcinfo, 2)));
}

/* Entry point of the previous version's objects: reads samples */
static Datum
sg_plan_check_entered(PG_FUNCTION_ARGS)
{
	return check_plan(fcinfo, CHECK_READ_SAMPLE);
}
