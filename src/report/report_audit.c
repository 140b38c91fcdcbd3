/*-------------------------------------------------------------------------
 *
 * report_audit.c
 *	  sg_orphan_audit: keys to judge, and the verdicts as rows.
 *
 *	  The engine (audit_*) judges; this file collects declared keys and plans.
 *	  A key that is both declared and planned is one row, the declared one.
 *	  Rules that rows can break are among the steps of a plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "audit/audit.h"
#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "change/change.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan_choice.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"
#include "plan/plan_option.h"
#include "report/report.h"

SG_FUNCTION(sg_orphan_audit);

/* Returns whether two keys make the same demand on the rows */
static bool
judge_the_same(const FkKey *a, const FkKey *b)
{
	return fk_same_columns(a, b) && fk_same_match(a, b) && a->period == b->period;
}

/* Returns whether the list has a key with the same demand already */
static bool
already_listed(AuditSet *set, const FkKey *key)
{
	foreach_ptr(const AuditKey, ak, set->keys)
	{
		if (ak->rule == NULL && judge_the_same(&ak->key, key))
			return true;
	}
	return false;
}

/*
 * Returns whether the child is among those whose keys are judged; a child that
 * does not exist is compared by its qualified name
 */
static bool
is_wanted(const AuditSet *set, Oid child, const char *name)
{
	char	   *schema;

	if (OidIsValid(set->child) && child != set->child)
		return false;
	if (set->schemas == NIL)
		return true;
	schema = OidIsValid(child) ? get_namespace_name(get_rel_namespace(child)) : sg_parse_table_name(name).schema;
	return sg_has_name(set->schemas, schema);
}

/*
 * Replaces the columns of a partitioned table by those of its partition;
 * returns false if one does not exist any more
 */
static bool
take_partition(FkKey *key, Oid partition)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		char	   *name = get_attname(key->child, key->child_att[i], true);

		key->child_att[i] = name ? get_attnum(partition, name) : InvalidAttrNumber;
		if (key->child_att[i] == InvalidAttrNumber)
			return false;
	}
	key->child = partition;
	/* a proof of one partition is no proof of the key */
	key->conid = InvalidOid;
	return true;
}

/* Adds the keys that a partition has from the tables above it, for its own rows */
static void
add_inherited(AuditSet *set)
{
	foreach_oid(whole, sg_partition_ancestors(set->child))
	{
		foreach_ptr(FkKey, key, fk_declared(whole))
		{
			FkState		state = fk_state(key);

			if (take_partition(key, set->child) && is_wanted(set, set->child, NULL))
				set->keys = lappend(set->keys, audit_key_new(key, AUDIT_CATALOG, state));
		}
	}
}

void
report_add_declared(AuditSet *set)
{
	if (OidIsValid(set->child))
		add_inherited(set);
	foreach_ptr(FkKey, key, fk_declared(set->child))
	{
		if (is_wanted(set, key->child, NULL))
			set->keys = lappend(set->keys, audit_key_new(key, AUDIT_CATALOG, fk_state(key)));
	}
}

/* Returns the row of a step that is no key in this database, with the names as the plan has them */
static AuditKey *
unresolved_step(PlanStep *step, const FkKey *key, AuditResult result, char *reason)
{
	AuditKey   *ak = palloc0(sizeof(AuditKey));

	ak->key.child = key->child;
	ak->source = AUDIT_PLAN;
	ak->state = FK_MISSING;
	ak->fk_name = step->fk_name;
	ak->child_table = step->child_table;
	ak->child_columns = step->child_columns;
	ak->parent_table = step->parent_table;
	ak->parent_columns = step->parent_columns;
	ak->result = result;
	ak->reason = reason;
	ak->rows_checked = ak->orphan_rows = ak->orphan_keys = -1;

	return ak;
}

typedef struct StepLook
{
	AuditSet   *set;
	PlanStep   *step;
	bool		judged;
	AuditKey   *key;			/* the step's key; NULL: not wanted */
} StepLook;

/* Examines a step within sg_try(), because its table may be dropped meanwhile */
static void
look_at_step(void *arg)
{
	StepLook   *look = arg;
	PlanStep   *step = look->step;
	FkKey		key = {0};
	FkKey	   *twin;
	FkProblem  *problem = plan_step_key(step, &key);

	if (!is_wanted(look->set, key.child, step->child_table))
		return;

	if (!look->judged)
		look->key = unresolved_step(step, &key, AUDIT_SKIPPED,
									step->reason ? step->reason : pstrdup(plan_state_word(step->state)));
	else if (problem)
		look->key = unresolved_step(step, &key, AUDIT_UNKNOWN, problem->reason);
	else if (!already_listed(look->set, &key))
	{
		bool		inherited;

		key.name = step->fk_name;
		twin = fk_declared_twin(&key);
		inherited = twin && twin->child != key.child;
		if (inherited && already_listed(look->set, twin))
			return;
		look->key = inherited || (twin && judge_the_same(twin, &key)) ?
			audit_key_new(twin, AUDIT_CATALOG, fk_state(twin)) : audit_key_new(&key, AUDIT_PLAN, FK_MISSING);
	}
}

static void
add_step(AuditSet *set, PlanStep *step, bool judged)
{
	StepLook	look = {set, step, judged};
	const FkKey key = {0};
	ErrorData  *edata = sg_try_undo(look_at_step, &look);

	if (edata)
	{
		sg_rethrow_cancel(edata);
		look.key = unresolved_step(step, &key, AUDIT_UNKNOWN, sg_error_text(edata));
	}
	if (look.key)
		set->keys = lappend(set->keys, look.key);
}

typedef struct RuleArg
{
	const PlanStep *step;
	Oid			author;
	AuditKey   *rule;
} RuleArg;

static void
make_rule(void *p)
{
	RuleArg    *arg = p;

	arg->rule = change_rule(arg->step, arg->author);
}

/* Adds a step of another kind, if it is a rule that rows can break */
static void
add_rule(AuditSet *set, const FkPlan *plan, PlanStep *step, bool judged)
{
	FkKey		key = {.child = step->child_table ? sg_find_qualified(step->child_table) : InvalidOid};
	RuleArg		arg = {step, plan->author_id};
	ErrorData  *edata;

	if (!change_is_rule(step) || !is_wanted(set, key.child, step->child_table))
		return;
	if (!judged)
	{
		set->keys = lappend(set->keys, unresolved_step(step, &key, AUDIT_SKIPPED,
													   step->reason ? step->reason : pstrdup(plan_state_word(step->state))));
		return;
	}
	edata = sg_try_undo(make_rule, &arg);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		arg.rule = unresolved_step(step, &key, AUDIT_UNKNOWN, edata->message);
	}
	arg.rule->source = AUDIT_PLAN;
	set->keys = lappend(set->keys, arg.rule);
}

void
report_add_plan(AuditSet *set, const FkPlan *plan, ReportSteps which)
{
	foreach_ptr(PlanStep, step, plan_chosen_steps(plan))
	{
		bool		judged = step->skipped_by == NULL &&
			(which == REPORT_ALL || step->state != STEP_ROLLED_BACK);

		if (step->kind != STEP_FOREIGN_KEY && which != REPORT_UNFINISHED)
			add_rule(set, plan, step, judged);
		else if (step->kind == STEP_FOREIGN_KEY && (judged || which != REPORT_UNFINISHED))
			add_step(set, step, judged);
	}
}

static void
add_proposal(AuditSet *set, HeapTuple tuple, TupleDesc desc)
{
	PlanStep   *step = plan_step_default("");
	FkKey		key = {0};

	step->child_table = sg_spi_text(tuple, desc, "child_table");
	step->child_columns = sg_spi_text_array(tuple, desc, "child_columns");
	step->parent_table = sg_spi_text(tuple, desc, "parent_table");
	step->parent_columns = sg_spi_text_array(tuple, desc, "parent_columns");
	step->fk_name = plan_default_fk_name(step, 0);
	if (plan_step_key(step, &key) != NULL || already_listed(set, &key))
		return;
	key.name = step->fk_name;
	set->keys = lappend(set->keys, audit_key_new(&key, AUDIT_INFERRED, FK_MISSING));
}

/*
 * Adds the keys that discovery proposes by names alone, because their rows are
 * about to be read.  Asks by SQL, as a user would.
 */
static void
add_inferred(AuditSet *set)
{
	char	   *query = psprintf("SELECT child_table, child_columns, parent_table, parent_columns"
								 " FROM %s(child => $1, verify => 'none', schemas => $2)",
								 sg_call_name("sg_discover_fks_details"));
	Oid			types[] = {REGCLASSOID, TEXTARRAYOID};
	Datum		values[] = {ObjectIdGetDatum(set->child), sg_text_array(set->schemas)};
	const char	nulls[] = {OidIsValid(set->child) ? ' ' : 'n', set->schemas ? ' ' : 'n'};
	MemoryContext caller = CurrentMemoryContext;

	SPI_connect();
	if (SPI_execute_with_args(query, lengthof(types), types, values, nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "discovery gave no rows");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		add_proposal(set, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

static int
compare_audit_keys(const ListCell *a, const ListCell *b)
{
	const AuditKey *ka = lfirst(a);
	const AuditKey *kb = lfirst(b);
	int			c = strcmp(ka->child_table, kb->child_table);

	return c ? c : strcmp(ka->fk_name, kb->fk_name);
}

static void
tell_nothing_to_do(Oid child, List *schemas)
{
	if (schemas)
		ereport(NOTICE,
				(errmsg("no table of the chosen schemas has a foreign key, declared or planned: %s", sg_quote_list(schemas))));
	else if (OidIsValid(child))
		ereport(NOTICE,
				(errmsg("table %s has no foreign key, declared or planned", sg_relation_name(child))));
	else
		ereport(NOTICE,
				(errmsg("this database declares no foreign key, and no plan has one"),
				 errhint(sg_calls("Find those that are missing, and read their rows:\nSELECT * FROM sg_discover_fks();"))));
}

const char *
report_reason(const AuditKey *ak)
{
	if (ak->reason)
		return ak->reason;
	if (ak->key.unarmed_reason)
		return ak->key.unarmed_reason;
	if (ak->key.doubt)
		return ak->key.doubt;
	if (ak->result == AUDIT_FAIL && ak->state == FK_VALID && ak->rule == NULL)
		return "rows came in past the valid key, as in a replica session: sg_plan_add_fk() and sg_fix_orphans() fix them";
	return NULL;
}

char *
report_finding(const AuditKey *ak)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s ON %s: ", quote_identifier(ak->fk_name), ak->child_table);
	if (ak->result == AUDIT_FAIL && ak->rule)
		appendStringInfo(&text, INT64_FORMAT " %s", ak->orphan_rows, ak->orphan_rows == 1 ? "row breaks it" : "rows break it");
	else if (ak->result == AUDIT_FAIL)
		appendStringInfo(&text, INT64_FORMAT " orphan %s", ak->orphan_rows, ak->orphan_rows == 1 ? "row" : "rows");
	else if (ak->result == AUDIT_PASS)
		appendStringInfo(&text, "%s: %s", fk_state_word(ak->state), report_reason(ak));
	else
		appendStringInfo(&text, "%s: %s", audit_result_word(ak->result), ak->reason ? ak->reason : "no reason");
	return text.data;
}

static void
emit_key(SgRowSink *sink, const AuditKey *ak)
{
	bool		is_key = ak->rule == NULL && ak->parent_table;

	sg_sink_name(sink, ak->fk_name);
	sg_sink_text(sink, audit_result_word(ak->result));
	sg_sink_text(sink, is_key ? fk_state_word(ak->state) : NULL);
	sg_sink_count(sink, ak->orphan_rows);
	sg_sink_count(sink, ak->orphan_keys);
	sg_sink_count(sink, ak->rows_checked);
	sg_sink_text(sink, ak->child_table);
	sg_sink_names(sink, ak->child_columns);
	sg_sink_text(sink, is_key ? ak->parent_table : NULL);
	if (is_key)
		sg_sink_names(sink, ak->parent_columns);
	else
		sg_sink_null(sink);
	sg_sink_text(sink, report_reason(ak));
	sg_sink_text(sink, ak->method);
	if (ak->method)
		sg_sink_float8(sink, sg_rounded(ak->elapsed_ms, 1));
	else
		sg_sink_null(sink);
	sg_sink_text(sink, audit_source_word(ak->source));
	audit_sink_sample(sink, ak);
	sg_sink_emit(sink);
}

static LogEntry *
log_entry_of(const pg_uuid_t *run, const char *plan, const AuditKey *ak)
{
	LogEntry   *entry = palloc(sizeof(LogEntry));

	*entry = log_entry(run, plan, "audit", LOG_DONE);
	entry->object = psprintf("%s ON %s", quote_identifier(ak->fk_name), ak->child_table);
	entry->message = psprintf("%s%s%s", audit_result_word(ak->result),
							  ak->reason ? ": " : "", ak->reason ? ak->reason : "");
	entry->orphan_rows = ak->orphan_rows < 0 ? LOG_NONE : ak->orphan_rows;
	entry->elapsed_ms = ak->elapsed_ms;
	return entry;
}

void
report_write(List *keys, const pg_uuid_t *run, const char *plan)
{
	List	   *entries = NIL;

	if (!log_writable())
		return;
	foreach_ptr(AuditKey, ak, sg_is_granted() ? keys : NIL)
		entries = lappend(entries, log_entry_of(run, plan, ak));
	if (entries != NIL)
		log_write_all(entries);
	audit_proof_record(keys);
}

/* State of the report, over batches of verdicts */
typedef struct ReportState
{
	AuditJudged judged;			/* or NULL */
	void	   *arg;
	int64		done;
	int64		orphans;
} ReportState;

static void
report_judged(List *keys, void *arg)
{
	ReportState *report = arg;

	foreach_ptr(AuditKey, ak, keys)
	{
		report->done++;
		report->orphans += Max(ak->orphan_rows, 0);
	}
	sg_progress_done(report->done, report->orphans);
	if (report->judged)
		report->judged(keys, report->arg);
}

/* Returns the keys that need rows to be judged, by child table */
static List *
group_by_table(AuditSet *set, int samples)
{
	List	   *tables = NIL;
	AuditTable *table = NULL;
	const char *last = "";

	foreach_ptr(AuditKey, ak, set->keys)
	{
		/* its verdict is known without reading rows */
		if (ak->result != AUDIT_UNKNOWN || ak->reason != NULL)
			continue;
		if (table == NULL || !sg_same_text(ak->child_table, last))
		{
			table = palloc0(sizeof(AuditTable));
			table->child = ak->key.child;
			table->samples = samples;
			table->results = CurrentMemoryContext;
			tables = lappend(tables, table);
			last = ak->child_table;
		}
		table->keys = lappend(table->keys, ak);
	}
	return tables;
}

void
report_judge(AuditSet *set, int samples, AuditJudged judged, void *arg)
{
	ReportState report = {judged, arg};
	List	   *known = NIL;

	list_sort(set->keys, compare_audit_keys);
	sg_progress_total(list_length(set->keys));
	foreach_ptr(AuditKey, ak, set->keys)
	{
		if (ak->result != AUDIT_UNKNOWN || ak->reason != NULL)
			known = lappend(known, ak);
	}
	report_judged(known, &report);
	audit_tables(group_by_table(set, samples), judged ? AUDIT_COMES_BACK : AUDIT_YIELDS, report_judged, &report);
}

/* Raises 42P01 if the first argument is a plan's name, a common mistake */
static void
check_no_plan(const char *name)
{
	FkPlan	   *plan = OidIsValid(sg_table_of_text(name)) ? NULL : plan_find(name);

	if (plan && plan_is_readable(plan))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" does not exist", name),
				 errhint(sg_calls("There is a plan of that name:\nSELECT * FROM sg_orphan_audit(plan => %s);"), quote_literal_cstr(name))));
}

/* Returns the first argument; null: all tables */
static Oid
child_argument(FunctionCallInfo fcinfo)
{
	if (sg_arg_is_null(fcinfo, 0))
		return InvalidOid;
	check_no_plan(sg_arg_text(fcinfo, 0));
	return sg_arg_table(fcinfo, 0, NULL);
}

/*
 * Adds to a recovery conflict's error a hint how to lose less.  On a standby
 * the conflict ends the statement, and all verdicts with it, because a
 * subtransaction that caught it would end the session.
 */
static void
rethrow_conflict(MemoryContext context, Oid child)
{
	ErrorData  *edata;

	if (geterrcode() != ERRCODE_T_R_SERIALIZATION_FAILURE || !RecoveryInProgress() || OidIsValid(child))
		PG_RE_THROW();
	edata = sg_caught(context);
	edata->hint = psprintf(sg_calls("In psql, audit each table in a statement of its own:\n"
									"SELECT DISTINCT format('SELECT * FROM sg_orphan_audit(%%L);', conrelid::pg_catalog.regclass)"
									" FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conparentid = 0 \\gexec"));
	ReThrowError(edata);
}

/*
 * sg_orphan_audit(child schemaguard.table_name DEFAULT NULL, plan text DEFAULT
 * NULL, inferred boolean DEFAULT false, samples int DEFAULT 5, schemas
 * schemaguard.names DEFAULT NULL, steps schemaguard.steps DEFAULT NULL)
 *
 * Returns one row per key: every declared key and the steps of the plans that
 * the caller may read, except skipped or rolled back ones; or the keys of one
 * child table, or those of one plan (42704, 42501), with its other rules
 * (CHECK, NOT NULL, UNIQUE), or of some steps of it (22023); with schemas, only
 * keys whose child is in one of them (3F000).  A key that can't be judged is
 * "unknown" with the reason, and the rest goes on.  With inferred, adds the
 * keys that discovery proposes by names.  Needs SELECT on the columns of a key
 * on both sides.  Locks child and parent in ACCESS SHARE while they are read
 * (on a standby until the end of the transaction).  Writes the log for roles
 * with sg_grant(), except on a standby and in a read-only transaction.
 */
static Datum
sg_orphan_audit_entered(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	AuditSet	set = {0};
	FkPlan	   *plan = NULL;
	int			options = 0;
	int			samples;
	SgRowSink	sink;
	pg_uuid_t	run;
	ListCell   *lc;

	sg_check_version();
	set.child = child_argument(fcinfo);
	sg_arg_check(fcinfo, 2);
	samples = sg_arg_count(fcinfo, 3, INT4OID);
	set.schemas = sg_arg_schemas(fcinfo, 4);
	if (!sg_arg_is_null(fcinfo, 1))
		plan = plan_get_readable(sg_arg_text(fcinfo, 1));
	plan_choose(plan, plan_steps_argument(fcinfo, 5));

	sg_sink_begin(&sink, fcinfo);
	sg_progress_begin(SG_PROGRESS_AUDIT, 0, 0);
	if (plan)
	{
		options = plan_options_begin(plan);
		report_add_plan(&set, plan, REPORT_ALL);
	}
	else
	{
		report_add_declared(&set);
		foreach(lc, plan_readable())
			report_add_plan(&set, lfirst(lc), REPORT_UNFINISHED);
		if (PG_GETARG_BOOL(2))
			add_inferred(&set);
		if (set.keys == NIL)
			tell_nothing_to_do(set.child, set.schemas);
	}

	PG_TRY();
	{
		report_judge(&set, samples, NULL, NULL);
	}
	PG_CATCH();
	{
		rethrow_conflict(context, set.child);
	}
	PG_END_TRY();
	/* written last, so that no transaction ID is held while tables are read */
	run = log_new_run();
	report_write(set.keys, &run, plan ? plan->name : NULL);
	foreach(lc, set.keys)
		emit_key(&sink, lfirst(lc));
	sg_progress_end();
	if (plan)
		plan_options_end(options);

	PG_RETURN_NULL();
}
