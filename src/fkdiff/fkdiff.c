/*-------------------------------------------------------------------------
 *
 * fkdiff.c
 *	  sg_compare_fks(): the foreign keys of two sides, key by key;
 *	  sg_plan_from_snapshot(): those that only the reference has, as a plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "fkdiff/fkdiff.h"
#include "log/log_grant.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"
#include "snapshot/snapshot.h"
#include "sync/sync_write.h"

SG_FUNCTION(sg_compare_fks);
SG_FUNCTION(sg_plan_from_snapshot);

/* Number of missing tables that the summary names */
#define NAMED_TABLES 10

static const char *const status_words[KEY_STATUSES] = {
	"common", "only_reference", "only_target", "renamed", "changed", "unknown"
};

static const char *const advice_words[] = {
	[ADVICE_NONE] = "none",
	[ADVICE_ADD_HERE] = "add here",
	[ADVICE_ADD_THERE] = "add there",
	[ADVICE_CHANGE_HERE] = "change here",
	[ADVICE_VALIDATE_HERE] = "validate here",
	[ADVICE_VALIDATE_THERE] = "validate there",
	[ADVICE_RENAME] = "rename",
	[ADVICE_DROP] = "drop as duplicate",
	[ADVICE_IGNORE] = "ignore",
};

StaticAssertDecl(lengthof(advice_words) == KEY_ADVICES, "an advice has no word");

/* Counts of a table's pairs, or of all */
typedef struct KeySummary
{
	int64		status[KEY_STATUSES];
	int64		recommended[KEY_ADVICES];
	int64		reference;		/* number of keys of each side */
	int64		target;
	DriftRisk	risk;
	List	   *missing;		/* char *: tables that one side lacks */
} KeySummary;

/* ---- counting ---- */

static void
count_missing(KeySummary *summary, const KeySide *side, const SideKey *key)
{
	char	   *tables[] = {key->step->child_table, key->step->parent_table};

	for (int i = 0; i < lengthof(tables); i++)
	{
		char	   *entry;

		if (fkdiff_presence(side, tables[i]) != KEY_TABLE_MISSING)
			continue;
		entry = psprintf("%s (not in the %s)", tables[i], side->word);
		if (!sg_has_name(summary->missing, entry))
			summary->missing = lappend(summary->missing, entry);
	}
}

static void
count_pair(KeySummary *summary, const KeyComparison *comparison, const KeyPair *pair)
{
	summary->status[pair->status]++;
	summary->reference += pair->reference != NULL;
	summary->target += pair->target != NULL;
	summary->risk = Max(summary->risk, pair->risk);
	summary->recommended[pair->advice]++;

	if (pair->reference)
		count_missing(summary, &comparison->target, pair->reference);
	if (pair->target)
		count_missing(summary, &comparison->reference, pair->target);
}

static void
add_summary(KeySummary *total, const KeySummary *part)
{
	ListCell   *lc;

	for (int i = 0; i < KEY_STATUSES; i++)
		total->status[i] += part->status[i];
	for (int i = 0; i < KEY_ADVICES; i++)
		total->recommended[i] += part->recommended[i];
	total->reference += part->reference;
	total->target += part->target;
	total->risk = Max(total->risk, part->risk);
	foreach(lc, part->missing)
	{
		if (!sg_has_name(total->missing, lfirst(lc)))
			total->missing = lappend(total->missing, lfirst(lc));
	}
}

/* ---- rows ---- */

static Datum
counts_json(const KeySummary *summary)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"reference\": " INT64_FORMAT ", \"target\": " INT64_FORMAT,
					 summary->reference, summary->target);
	for (int i = 0; i < KEY_STATUSES; i++)
		appendStringInfo(&json, ", \"%s\": " INT64_FORMAT, status_words[i], summary->status[i]);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* Returns the recommendation of a summary, such as "add here: 3, rename: 1" */
static char *
summary_recommendation(const KeySummary *summary)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = ADVICE_NONE + 1; i < KEY_ADVICES; i++)
	{
		if (summary->recommended[i] > 0)
			appendStringInfo(&text, "%s%s: " INT64_FORMAT, text.len ? ", " : "",
							 advice_words[i], summary->recommended[i]);
	}
	return text.len ? text.data : pstrdup(advice_words[ADVICE_NONE]);
}

static char *
summary_reason(const KeySummary *summary)
{
	StringInfoData text;
	int			n = 0;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfo(&text, INT64_FORMAT " %s in the reference, " INT64_FORMAT " in the target",
					 summary->reference, summary->reference == 1 ? "key" : "keys", summary->target);
	foreach(lc, summary->missing)
	{
		if (n++ == NAMED_TABLES)
		{
			appendStringInfo(&text, " and %d more", list_length(summary->missing) - NAMED_TABLES);
			break;
		}
		appendStringInfo(&text, "%s%s", n == 1 ? "; missing tables: " : ", ", (char *) lfirst(lc));
	}
	return text.data;
}

static void
emit_summary(SgRowSink *sink, const char *level, const char *table, const KeySummary *summary)
{
	sg_sink_text(sink, table);
	sg_sink_null(sink);			/* names of the key */
	sg_sink_null(sink);
	/* status: null except for single keys, so that rows can be counted by it */
	sg_sink_null(sink);
	sg_sink_text(sink, summary_recommendation(summary));
	sg_sink_text(sink, drift_risk_word(Max(summary->risk, DRIFT_SAFE)));
	sg_sink_null(sink);			/* differences */
	sg_sink_text(sink, summary_reason(summary));
	sg_sink_null(sink);			/* run_on */
	sg_sink_text(sink, level);
	sg_sink_datum(sink, counts_json(summary));
	sg_sink_null(sink);			/* definitions */
	sg_sink_null(sink);
	sg_sink_null(sink);			/* migration */
	sg_sink_emit(sink);
}

static void
emit_pair(SgRowSink *sink, const char *table, const KeyPair *pair)
{
	const SideKey *reference = pair->reference;
	const SideKey *target = pair->target;

	sg_sink_text(sink, table);
	sg_sink_text(sink, reference ? reference->step->fk_name : NULL);
	sg_sink_text(sink, target ? target->step->fk_name : NULL);
	sg_sink_text(sink, status_words[pair->status]);
	sg_sink_text(sink, advice_words[pair->advice]);
	sg_sink_text(sink, drift_risk_word(Max(pair->risk, DRIFT_SAFE)));
	sg_sink_names(sink, pair->differences);
	sg_sink_text(sink, pair->reason);
	sg_sink_text(sink, pair->migration ? pair->run_on : NULL);
	sg_sink_text(sink, "key");
	sg_sink_null(sink);			/* counts */
	sg_sink_text(sink, reference ? reference->definition : NULL);
	sg_sink_text(sink, target ? target->definition : NULL);
	sg_sink_text(sink, pair->migration);
	sg_sink_emit(sink);
}

/* ---- the comparison ---- */

/*
 * Reads both sides, pairs and judges the keys; returns a summary per table, in
 * the tables' order, and fills *total
 */
static List *
compare(KeyComparison *comparison, const char *reference, const char *target, KeySummary *total)
{
	List	   *summaries = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	fkdiff_read(comparison, reference, target);
	fkdiff_rename(comparison);
	fkdiff_match(comparison);
	foreach(lc, comparison->tables)
	{
		KeySummary *summary = palloc0(sizeof(KeySummary));

		foreach(lc2, ((KeyTablePair *) lfirst(lc))->pairs)
		{
			fkdiff_advise(comparison, lfirst(lc2));
			count_pair(summary, comparison, lfirst(lc2));
		}
		add_summary(total, summary);
		summaries = lappend(summaries, summary);
	}
	return summaries;
}

/*
 * Withdraws a migration that validates a key in this database, if validating
 * runs other roles' code as the caller: the server plans and proves with
 * indexes and checks of both tables
 */
static void
leave_to_owner(const KeyComparison *comparison, KeyPair *pair)
{
	bool		there = strcmp(pair->run_on, comparison->reference.word) == 0;
	const KeySide *side = there ? &comparison->reference : &comparison->target;
	const SideKey *made = there ? pair->target : pair->reference;
	FkKey		key;

	if (pair->migration == NULL || strcmp(side->name, "live") != 0 || made == NULL || strstr(pair->migration, "VALIDATE CONSTRAINT") == NULL ||
		plan_step_key(made->step, &key) != NULL || !audit_needs_owner(&key, true))
		return;
	pair->migration = NULL;
	pair->reason = psprintf(sg_calls("%s; validating it runs code of its tables' owners, so no migration is written: CALL sg_add_fks() runs that as them"),
							pair->reason);
}

/* Writes the migrations of all pairs by one call */
static void
write_migrations(const KeyComparison *comparison)
{
	List	   *pairs = NIL;
	List	   *deeds = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach_ptr(const KeyTablePair, table, comparison->tables)
	{
		foreach_ptr(KeyPair, pair, table->pairs)
		{
			if (pair->deeds == NULL)
				continue;
			pairs = lappend(pairs, pair);
			deeds = lappend(deeds, psprintf("[%s]", pair->deeds));
		}
	}
	deeds = deeds ? sync_write(deeds) : NIL;
	forboth(lc, pairs, lc2, deeds)
	{
		KeyPair    *pair = lfirst(lc);

		pair->migration = lfirst(lc2);
		/* a document may lack the key's state */
		if (pair->migration == NULL)
			pair->reason = psprintf("%s; no migration is written, for the snapshot does not say all that it would need", pair->reason);
		leave_to_owner(comparison, pair);
	}
}

/*
 * sg_compare_fks(reference text, target text DEFAULT 'live')
 *
 * Compares the foreign keys of two sides, each a snapshot or 'live'. Returns a
 * row for the database, then for each table with keys a row for the table and
 * one for each key, sorted by name.  Reads no rows of tables and changes
 * nothing; reads catalogs with the caller's privileges, and snapshots that
 * belong to the caller.  Errors: 42704 no such snapshot, 42501 somebody else's,
 * 22023 no schema in common, 22004.
 */
static Datum
sg_compare_fks_entered(PG_FUNCTION_ARGS)
{
	KeyComparison comparison = {0};
	KeySummary	total = {0};
	List	   *summaries;
	SgRowSink	sink;
	MemoryContext context;
	MemoryContext old;
	ListCell   *lc;
	ListCell   *lc2;
	ListCell   *lc3;

	sg_check_version();

	sg_sink_begin(&sink, fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard compared keys", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	sg_progress_begin(SG_PROGRESS_COMPARE, 0, 0);
	summaries = compare(&comparison, sg_arg_text(fcinfo, 0),
						sg_arg_text(fcinfo, 1), &total);
	write_migrations(&comparison);
	snapshot_tell_same(sg_arg_text(fcinfo, 0), sg_arg_text(fcinfo, 1));

	emit_summary(&sink, "database", NULL, &total);
	forboth(lc, comparison.tables, lc2, summaries)
	{
		KeyTablePair *table = lfirst(lc);

		emit_summary(&sink, "table", table->identity, lfirst(lc2));
		foreach(lc3, table->pairs)
			emit_pair(&sink, table->identity, lfirst(lc3));
	}
	sg_progress_end();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	PG_RETURN_NULL();
}

/* ---- into a plan ---- */

typedef struct SnapshotStep
{
	PlanDraft  *draft;
	PlanStep   *step;
} SnapshotStep;

static void
check_step(void *arg)
{
	SnapshotStep *checked = arg;

	plan_draft_check(checked->draft, checked->step);
}

/* Returns whether an error is about the key, not about the session */
static bool
is_about_key(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_INVALID_FOREIGN_KEY:
		case ERRCODE_INVALID_PARAMETER_VALUE:
		case ERRCODE_INVALID_TABLE_DEFINITION:
		case ERRCODE_WRONG_OBJECT_TYPE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_INVALID_COLUMN_REFERENCE:
			return true;
		default:
			return false;
	}
}

/*
 * Makes the step for a key of the reference.  If this database lacks something
 * that it needs, the step is skipped with that reason; deployment looks again.
 */
static PlanStep *
make_step(const FkPlan *plan, const KeyComparison *comparison, const SideKey *key)
{
	PlanStep   *step = palloc(sizeof(PlanStep));
	KeyTable   *here = fkdiff_table(&comparison->target, key->step->child_table);
	PlanStep	named;
	FkProblem  *problem;
	FkKey		resolved;

	*step = *key->step;
	step->plan = plan->name;
	if (step->enforced && !key->validated)
		step->orphans = ORPHANS_LEAVE;

	/* drop a generated name that another constraint has */
	if (key->automatic && here && sg_has_name(here->names, step->fk_name))
		step->fk_name = NULL;

	named = *step;
	named.fk_name = key->step->fk_name;
	problem = plan_step_key(&named, &resolved);
	if (problem)
	{
		step->state = STEP_SKIPPED;
		step->reason = problem->reason;
	}
	return step;
}

static void
add_note(List **notes, const char *reason)
{
	PlanNote   *note = palloc0(sizeof(PlanNote));

	note->reason = pstrdup(reason);
	*notes = lappend(*notes, note);
}

/* Adds a step to the draft; a step that the plan can't hold, or has already, becomes a note */
static bool
add_step(PlanDraft *draft, PlanStep *step, const char *name, List **notes)
{
	SnapshotStep checked = {draft, step};
	ErrorData  *error = sg_try(check_step, &checked);

	if (error == NULL)
	{
		(void) plan_draft_insert(draft, step);
		return true;
	}
	if (!is_about_key(error))
		ReThrowError(error);
	add_note(notes, psprintf("key %s of %s: %s", quote_identifier(name), step->child_table,
							 sg_error_text(error)));
	return false;
}

/* Makes the step that gives a key its final name, once the key that it replaces is gone */
static PlanStep *
make_rename(const FkPlan *plan, const PlanStep *key, const char *name)
{
	PlanStep   *step = plan_step_default(plan->name);

	step->kind = STEP_RENAME;
	step->definition = "constraint";
	step->child_table = key->child_table;
	step->fk_name = key->fk_name;
	step->new_name = pstrdup(name);
	return step;
}

/*
 * Adds the steps for a key that exists with other clauses or another parent:
 * create a second key, validate it, drop the old one, as sg_compare_fks()
 * advises.  Returns their number; 0 if ALTER CONSTRAINT or less suffices.
 */
static int
add_changed(PlanDraft *draft, const FkPlan *plan, const KeyComparison *comparison, const KeyPair *pair, List **notes)
{
	PlanStep   *step;
	const char *name = pair->target->name;

	if (pair->beside == NULL)
		return 0;
	step = make_step(plan, comparison, pair->reference);
	step->fk_name = pair->beside;
	step->replaces = pstrdup(name);
	if (!add_step(draft, step, name, notes))
		return 0;
	return 1 + (pair->takes_name && add_step(draft, make_rename(plan, step, name), name, notes));
}

/*
 * sg_plan_from_snapshot(plan text, reference text)
 *
 * Adds steps for each foreign key of the snapshot that this database lacks or
 * has with other clauses, and returns their number.  Keys whose tables or
 * columns are missing become skipped steps with the reason.  Differences in
 * name, those that ALTER CONSTRAINT or VALIDATE can mend, and duplicates are
 * left to sg_compare_fks(); schemaguard.plan_note lists them.  For the plan's
 * author (42501). 55006 while a session runs the plan, 42704 no such plan or
 * snapshot, 25006 in a read-only transaction.
 */
static Datum
sg_plan_from_snapshot_entered(PG_FUNCTION_ARGS)
{
	KeyComparison comparison = {0};
	KeySummary	total = {0};
	FkPlan	   *plan;
	PlanDraft  *draft;
	List	   *notes = NIL;
	char	   *reference;
	int			added = 0;
	int			twins = 0;
	int64		other;
	ListCell   *lc;

	sg_check_granted(fcinfo);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_from_snapshot()");
	reference = sg_arg_text(fcinfo, 1);

	(void) compare(&comparison, reference, SNAPSHOT_LIVE, &total);
	draft = plan_draft_begin(plan);
	plan_draft_set_quiet(draft);
	foreach(lc, comparison.tables)
	{
		foreach_ptr(KeyPair, pair, ((KeyTablePair *) lfirst(lc))->pairs)
		{
			CHECK_FOR_INTERRUPTS();
			if (pair->status == KEY_CHANGED)
			{
				int			steps = add_changed(draft, plan, &comparison, pair, &notes);

				added += steps;
				total.status[KEY_CHANGED] -= steps > 0;
			}
			if (pair->status != KEY_ONLY_REFERENCE)
				continue;
			if (pair->twin)
				twins++;
			else
				added += add_step(draft, make_step(plan, &comparison, pair->reference),
								  pair->reference->step->fk_name, &notes);
		}
	}
	plan_draft_end(draft);

	other = total.status[KEY_RENAMED] + total.status[KEY_CHANGED] + total.status[KEY_UNKNOWN] + twins;
	if (other > 0)
		add_note(&notes, psprintf("left to sg_compare_fks(): " INT64_FORMAT " renamed, " INT64_FORMAT " changed, "
								  INT64_FORMAT " unknown, %d duplicate", total.status[KEY_RENAMED],
								  total.status[KEY_CHANGED], total.status[KEY_UNKNOWN], twins));
	plan_notes_insert(plan, notes);
	plan_log(plan, 0, "plan snapshot", plan->name, psprintf("%d steps, %d notes", added, list_length(notes)));

	PG_RETURN_INT32(added);
}
