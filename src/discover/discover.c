/*-------------------------------------------------------------------------
 *
 * discover.c
 *	  In which order a discovery goes over the candidates, what it proposes
 *	  of them, and its functions that SQL sees.
 *
 * The candidates of some tables after the other, as many as there is room for
 * in schemaguard.audit_memory beside the facts: no score depends on those of
 * other tables.  The facts are the floor: they grow with the columns and the
 * names.  What is proposed in full is counted by the audit engine.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "base/args.h"
#include "base/body.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "base/words.h"
#include "discover/discover.h"
#include "discover/discover_names.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_input.h"

SG_FUNCTION(sg_discovery_candidates);
SG_FUNCTION(sg_discover_fks);
SG_FUNCTION(sg_discovery);
SG_FUNCTION(sg_discover_unmatched);
SG_FUNCTION(sg_plan_from_discovery);

#define DENIED_NAMED 5			/* number of tables that a NOTICE names */
#define PROPOSED 0.4			/* default of min_score */
#define LIKELY 0.5				/* score of a proposal that is more likely
								 * right than wrong */
#define WORDS_EVIDENCE 7		/* number of signals that are put in words */
#define CANDIDATE_BYTES 528		/* memory per candidate */
#define AUDIT_KEYS (2 * AUDIT_BATCH_KEYS)	/* number of candidates that are
											 * counted together */

typedef enum Verify
{
	VERIFY_NONE,
	VERIFY_SAMPLE,
	VERIFY_FULL
} Verify;

static const SgWord verify_words[] = {
	{VERIFY_NONE, "none"}, {VERIFY_SAMPLE, "sample"}, {VERIFY_FULL, "full"}, {0, NULL}
};

SG_WORDS_OF(verify_words, VERIFY_FULL + 1);

static int
child_of(const Facts *facts, const Candidate *cand)
{
	return facts->columns[cand->column].table;
}

/*
 * Removes one of two opposite one-to-one proposals: if each item has a state,
 * both could reference the other; the surer one stays.
 */
bool
run_concerns(const Facts *facts, const Candidate *cand)
{
	return facts->tables[child_of(facts, cand)].asked ||
		(facts->tables[facts->keys[cand->key].table].asked && cand->n == 1 && facts->columns[cand->column].alone_unique);
}

static void
run_begin(Discovery *d)
{
	Size		memory = sg_audit_memory_bytes();
	Size		taken;

	d->facts = facts_read();
	feedback_read(d->facts);
	names_prepare(d->facts);
	stats_begin(d->facts);
	d->weights = weights_read();

	/*
	 * number of candidates that fit into memory beside the facts, at least a
	 * few
	 */
	taken = MemoryContextMemAllocated(d->facts->context, true);
	d->room = Max(memory - Min(taken, memory), memory / 8) / CANDIDATE_BYTES;
	d->caller = CurrentMemoryContext;
	d->context = AllocSetContextCreate(d->caller, "discovery candidates", ALLOCSET_DEFAULT_SIZES);
	d->facts->reasons = d->context;
}

/*
 * Makes the candidates of the next tables, with scores by names and statistics;
 * those of the last call are freed.  Returns false if there are no more.
 * Leaves their memory context current.
 */
static bool
run_next(Discovery *d)
{
	int			last_set = d->facts->ncolumns;

	MemoryContextReset(d->context);
	MemoryContextSwitchTo(d->next < d->facts->ncolumns ? d->context : d->caller);
	if (d->next >= d->facts->ncolumns)
		return false;
	d->from = d->next;
	d->candidates = match_candidates(d->facts, &d->next, d->room);
	foreach_ptr(const Candidate, cand, d->candidates)
		last_set = Max(last_set, cand->set);
	d->candidates = feedback_apply(d->facts, d->candidates);
	d->candidates = list_concat(d->candidates, feedback_beyond(d->facts, d->from, d->next, last_set));
	foreach_ptr(Candidate, cand, d->candidates)
	{
		CHECK_FOR_INTERRUPTS();
		signals_fill(d->facts, cand);
	}
	score_all(d->weights, d->candidates);
	return true;
}

/* ---- all rows ---- */

static void
show_judged(List *keys, void *arg)
{
	RowProgress *progress = arg;

	foreach_ptr(const AuditKey, key, keys)
		progress->orphans += Max(key->orphan_rows, 0);
	progress->done += list_length(keys);
	sg_progress_done(progress->done, progress->orphans);
}

/* Replaces the sample's orphans by the exact count */
static void
take_verdict(Candidate *cand, const AuditKey *key)
{
	cand->rows_checked = key->rows_checked;
	cand->orphan_rows = key->orphan_rows;
	cand->whole = key->result != AUDIT_UNKNOWN;
	cand->reason = key->reason;
	cand->fk = NULL;
	if (cand->whole && cand->rows_checked > 0)
		EVIDENCE_OF(cand)[EVIDENCE_MISSING] = (double) cand->orphan_rows / cand->rows_checked;
}

/* Counts some candidates, grouped by child, by the audit engine; keeps the reasons */
static void
audit_some(const Facts *facts, List *candidates, RowProgress *progress)
{
	List	   *tables = NIL;
	List	   *keys = NIL;
	AuditTable *table = NULL;
	ListCell   *lc;
	ListCell   *k;

	foreach_ptr(Candidate, cand, candidates)
	{
		AuditKey   *key = audit_key_new(cand->fk, AUDIT_INFERRED, FK_MISSING);

		if (table == NULL || table->child != cand->fk->child)
		{
			table = palloc0(sizeof(AuditTable));
			table->child = cand->fk->child;
			table->results = facts->reasons;
			tables = lappend(tables, table);
		}
		table->keys = lappend(table->keys, key);
		keys = lappend(keys, key);
	}
	audit_tables(tables, AUDIT_YIELDS, show_judged, progress);
	forboth(lc, candidates, k, keys)
		take_verdict(lfirst(lc), lfirst(k));
}

/*
 * Counts the orphans of the requested proposals that no sample has refuted.
 * Many keys are counted in parts, divided between tables, because each takes
 * memory until it is judged.
 */
static void
audit_proposals(const Facts *facts, List *proposals)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "discovery audit", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	RowProgress progress = {0};
	List	   *some = NIL;
	int			last = -1;

	sg_progress_begin(SG_PROGRESS_AUDIT, 0, list_length(proposals));
	foreach_ptr(Candidate, cand, proposals)
	{
		int			child = child_of(facts, cand);

		CHECK_FOR_INTERRUPTS();
		if (child != last && list_length(some) >= AUDIT_KEYS)
		{
			audit_some(facts, some, &progress);
			some = NIL;
			MemoryContextReset(context);
		}
		last = child;
		if (facts->tables[child].asked && (cand->rows_checked <= 0 || !cand->refuted) && rows_resolve(facts, cand) == NULL)
			some = lappend(some, cand);
		else
			progress.done++;
	}
	if (some != NIL)
		audit_some(facts, some, &progress);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	sg_progress_end();
}

/* ---- what to propose ---- */

/*
 * Returns whether a candidate's values alone suffice to propose it: they surely
 * are keys of that one table
 */
static bool
values_tell(const Candidate *cand)
{
	const Candidate *rival = cand->rival;

	return !cand->by_rows ||
		(cand->rows_checked > 0 && !cand->refuted &&
		 (rival == NULL || rival->rows_checked <= 0 || rival->refuted || rival->score < cand->score / 2));
}

/* Returns the best candidates of each set, ties included, if they have min_score */
static List *
choose(const Discovery *d, double min_score)
{
	List	   *chosen = NIL;

	foreach_ptr(Candidate, cand, d->candidates)
	{
		CHECK_FOR_INTERRUPTS();
		if (values_tell(cand) && cand->score >= min_score &&
			(cand->rival == NULL || cand->score >= cand->rival->score - 1e-6) &&
			run_concerns(d->facts, cand) && rows_possible(d->facts, cand))
			chosen = lappend(chosen, cand);
	}
	return chosen;
}

/* Samples the rows of the current candidates, unless verify is none */
static void
run_look(Discovery *d, double min_score, Verify verify)
{
	if (verify == VERIFY_NONE)
		return;
	if (verify == VERIFY_FULL)
		values_add(d);
	rows_sample(d, min_score);
	values_choose(d->facts, d->candidates);
	score_all(d->weights, d->candidates);
}

/* Like run_look(), but returns the candidates to propose, and with verify full counts their rows */
static List *
run_propose(Discovery *d, double min_score, Verify verify)
{
	List	   *proposals;

	run_look(d, min_score, verify);
	proposals = choose(d, min_score);
	if (verify != VERIFY_FULL)
		return proposals;
	audit_proposals(d->facts, proposals);
	score_all(d->weights, d->candidates);
	return choose(d, min_score);
}

/* ---- results ---- */

static void
notice_denied(const Facts *facts)
{
	StringInfoData names;
	int			n = 0;

	initStringInfo(&names);
	for (int t = 0; t < facts->ntables; t++)
	{
		if (!facts->tables[t].denied || facts->tables[t].partition)
			continue;
		if (n++ < DENIED_NAMED)
			appendStringInfo(&names, "%s%s", n > 1 ? ", " : "", sg_relation_name(facts->tables[t].oid));
	}
	if (n > 0)
		ereport(NOTICE,
				(errmsg_plural("%d table is left out, for you may read none of it: %s%s",
							   "%d tables are left out, for you may read none of them: %s%s",
							   n, n, names.data, n > DENIED_NAMED ? ", ..." : ""),
				 errhint("Ask for SELECT on them, or call this as a role that has it.")));
}

/* ---- schemaguard.sg_discovery ---- */

static int
by_size(const void *a, const void *b, void *parts)
{
	int			x = *(const int *) a;
	int			y = *(const int *) b;
	double		wx = fabs(((const double *) parts)[x]);
	double		wy = fabs(((const double *) parts)[y]);

	return wx != wy ? (wx < wy ? 1 : -1) : x - y;
}

/*
 * Emits the signals with their weights, the greatest first, with `all` also
 * those of weight 0; the same in words, without the first, which all candidates
 * have; and the next candidate
 */
static void
put_evidence(SgRowSink *sink, const Discovery *d, const Candidate *cand, bool all)
{
	StringInfoData json;
	double		parts[SIGNAL_COUNT];	/* parts of the score */
	int			order[SIGNAL_COUNT];
	int			n = 0;

	for (int i = 0; i < SIGNAL_COUNT; i++)
	{
		parts[i] = d->weights->signal[i] * cand->signals[i];
		if ((all || d->weights->signal[i] != 0) && cand->signals[i] != 0)
			order[n++] = i;
	}
	qsort_arg(order, n, sizeof(int), by_size, parts);

	initStringInfo(&json);
	appendStringInfo(&json, "{\"why\": \"%s", cand->accepted ? "accepted by a user" : "");
	for (int i = 0, shown = 0; i < Min(n, WORDS_EVIDENCE) && !cand->accepted; i++)
	{
		if (order[i] != SIGNAL_CANDIDATE)
			appendStringInfo(&json, "%s%s: %s", shown++ ? "; " : "", parts[order[i]] > 0 ? "for" : "against", signal_names[order[i]].words);
	}
	appendStringInfoString(&json, "\", \"signals\": [");
	for (int i = 0; i < n; i++)
		appendStringInfo(&json, "%s{\"signal\": \"%s\", \"value\": %.*g, \"weight\": %.3g}", i ? ", " : "",
						 signal_names[order[i]].name, all ? 6 : 3, cand->signals[order[i]], parts[order[i]]);
	appendStringInfoChar(&json, ']');
	if (cand->rival)
	{
		appendStringInfo(&json, ", \"next\": {\"score\": %.3g, \"parent\": ", cand->rival->score);
		escape_json(&json, facts_table_name(d->facts, d->facts->keys[cand->rival->key].table));
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, '}');
	sg_sink_datum(sink, DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* Returns whether the child only links tables: its primary key consists of references */
static bool
is_link_table(const Facts *facts, const Candidate *cand)
{
	const FactTable *child = &facts->tables[child_of(facts, cand)];
	const FactKey *key = &facts->keys[child->primary];

	if (child->primary < 0 || key->n < 2 || child->ncolumns > key->n + 2)
		return false;
	for (int i = 0; i < cand->n; i++)
	{
		if (!facts->columns[cand->columns[i]].in_primary)
			return false;
	}
	return true;
}

static void
put_proposal(SgRowSink *sink, const Discovery *d, const Candidate *cand, bool all)
{
	static const char *const matches[] = {[MATCH_NONE] = NULL,[MATCH_TAIL] = "tail",[MATCH_WHOLE] = "whole"};
	const Facts *facts = d->facts;
	const FactKey *key = &facts->keys[cand->key];
	const FactTable *parent = &facts->tables[key->table];
	const FactTable *child = &facts->tables[child_of(facts, cand)];
	bool		nullable = true;
	bool		indexed = false;
	bool		same_types = true;

	for (int i = 0; i < cand->n; i++)
	{
		const FactColumn *column = &facts->columns[cand->columns[i]];

		nullable &= !column->not_null;
		indexed |= column->leads_any;
		same_types &= column->type == facts->columns[key->columns[i]].type;
	}
	sg_sink_float8(sink, cand->score);
	sg_sink_text(sink, facts_table_name(facts, child_of(facts, cand)));
	sg_sink_names(sink, facts_column_names(facts, cand->columns, cand->n));
	sg_sink_text(sink, facts_table_name(facts, key->table));
	sg_sink_names(sink, facts_column_names(facts, key->columns, key->n));
	sg_sink_count(sink, cand->orphan_rows);
	sg_sink_count(sink, cand->rows_checked);
	sg_sink_bool(sink, cand->whole);
	sg_sink_text(sink, cand->reason);
	put_evidence(sink, d, cand, all);
	sg_sink_bool(sink, child->asked);
	sg_sink_int32(sink, cand->column);
	sg_sink_int32(sink, cand->key);
	sg_sink_int32(sink, key->columns[0]);
	sg_sink_bool(sink, cand->n == 1 && facts->columns[cand->column].alone_unique);
	/* candidates that tie need a person's decision */
	sg_sink_bool(sink, !cand->accepted && cand->rival && cand->rival->score > cand->score - 1e-6);
	sg_sink_bool(sink, cand->accepted);
	sg_sink_text(sink, facts->columns[cand->n > 1 ? cand->columns[cand->lead] : cand->column].name);
	sg_sink_text(sink, parent->name);
	sg_sink_text(sink, matches[cand->match]);
	sg_sink_bool(sink, cand->before > 0);
	sg_sink_bool(sink, cand->key_match);
	sg_sink_bool(sink, cand->key_before > 0);
	sg_sink_bool(sink, cand->self_word);
	sg_sink_bool(sink, cand->actor_word);
	sg_sink_bool(sink, cand->by_rows);
	sg_sink_int32(sink, cand->others);
	sg_sink_bool(sink, cand->leads);
	sg_sink_int32(sink, cand->taught_columns);
	sg_sink_bool(sink, cand->taught_name > 0);
	sg_sink_datum(sink, ObjectIdGetDatum(parent->oid));
	sg_sink_bool(sink, key->primary);
	sg_sink_bool(sink, nullable);
	sg_sink_bool(sink, indexed);
	sg_sink_bool(sink, same_types);
	sg_sink_bool(sink, is_link_table(facts, cand));
	sg_sink_float8(sink, child->tuples);
	sg_sink_int32(sink, cand->set);
	sg_sink_emit(sink);
}

/* Emits proposals, or with `all` every current candidate */
static void
emit_proposals(SgRowSink *sink, const Discovery *d, List *proposals, bool all)
{
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "discovery row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(row);

	foreach_ptr(const Candidate, cand, proposals)
	{
		CHECK_FOR_INTERRUPTS();
		put_proposal(sink, d, cand, all);
		MemoryContextReset(row);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(row);
}

static double
score_argument(double score)
{
	if (!(score >= 0 && score <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min_score must be between 0 and 1"),
				 errhint("0.5 gives what is more likely right than wrong.")));
	return score;
}

/* Raises 42P01 for a score given as the table's argument */
static void
refuse_score(const char *table)
{
	if (strchr(table, '.') && table[strspn(table, "0123456789.")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s is not a table, which is the first argument", table),
				 errhint(sg_calls("If it is a score, say so:\nSELECT * FROM sg_discover_fks(min_score => %s);"), table)));
}

/* Tells by NOTICE where to look if no key of a table, or none at all, is proposed */
static void
notice_nothing(Oid child, double min_score)
{
	char	   *table;

	if (!OidIsValid(child))
	{
		if (min_score > 0)
			ereport(NOTICE,
					(errmsg("no key is proposed with a score of %.2f or more", min_score),
					 errhint(sg_calls("Read what scores less, and why:\nSELECT * FROM sg_discover_fks(min_score => 0);"))));
		return;
	}
	table = sg_relation_name(child);
	ereport(NOTICE,
			(errmsg("no key of table %s is proposed", table),
			 errhint("See which of its columns look like references, and why each matches nothing:\n"
					 "SELECT * FROM schemaguard.sg_discover_unmatched() WHERE table_name = %s;", quote_literal_cstr(table))));
}

/*
 * schemaguard.sg_discovery(child schemaguard.table_name, min_score float8,
 * verify text, schemas text[], every boolean)
 *
 * Returns the missing foreign keys of one child, or of the children in some
 * schemas, with parents in any schema, for sg_discovered() to put into words.
 * The score is the share of proposals of that score that are right. verify none
 * reads only catalogs; otherwise it samples or reads the tables that the
 * current role may SELECT, in ACCESS SHARE without waiting.  For some children
 * alone it also samples tables that could reference them one to one, and
 * returns these rows marked as not requested.  Tables that the role may not
 * read are left out, and named in a NOTICE. `every` returns each candidate with
 * its signals, before rows are counted. 22023 for invalid arguments, 3F000 no
 * such schema.
 */
static Datum
sg_discovery_entered(PG_FUNCTION_ARGS)
{
	Discovery	d = {0};
	Oid			child = InvalidOid;
	double		min_score;
	Verify		verify;
	List	   *schemas;
	bool		all;
	bool		proposed = false;
	SgRowSink	sink;

	sg_check_version();
	if (!sg_arg_is_null(fcinfo, 0))
	{
		refuse_score(sg_arg_text(fcinfo, 0));
		child = sg_arg_table(fcinfo, 0, "rp");
	}
	sg_arg_check(fcinfo, 1);
	min_score = score_argument(PG_GETARG_FLOAT8(1));
	verify = sg_parse_word(verify_words, "verify", sg_arg_text(fcinfo, 2));
	schemas = sg_arg_schemas(fcinfo, 3);
	all = sg_arg_bool(fcinfo, 4);
	if (get_rel_relispartition(child))
		ereport(NOTICE,
				(errmsg("%s is a partition: its keys are those of the partitioned table", sg_relation_name(child))));
	sg_sink_begin(&sink, fcinfo);

	sg_progress_begin(SG_PROGRESS_DISCOVER, 0, 0);
	run_begin(&d);
	facts_ask(d.facts, child, schemas);
	while (run_next(&d))
	{
		List	   *proposals;

		if (all)
			run_look(&d, 0, verify);
		proposals = all ? d.candidates : run_propose(&d, min_score, verify);
		foreach_ptr(const Candidate, cand, proposals)
			proposed |= d.facts->tables[child_of(d.facts, cand)].asked;
		emit_proposals(&sink, &d, proposals, all);
	}
	if (!all)
		notice_denied(d.facts);
	if (!all && !proposed)
		notice_nothing(child, min_score);
	sg_progress_end();
	PG_RETURN_NULL();
}

/*
 * Entry point of version 0.1.0's SQL function; the current one is written in
 * SQL.  The version check raises the error that says what to do.
 */
static Datum
sg_discover_fks_entered(PG_FUNCTION_ARGS)
{
	(void) facts_read();
	PG_RETURN_NULL();
}

static Datum
sg_discovery_candidates_entered(PG_FUNCTION_ARGS)
{
	return sg_discover_fks_entered(fcinfo);
}

/* ---- sg_discover_unmatched ---- */

/* Returns whether a column's name suggests a reference */
static bool
looks_like_reference(const Facts *facts, int c)
{
	const FactColumn *column = &facts->columns[c];
	Reading		readings[READINGS_MAX];

	if (!match_eligible(facts, c) || column->declared || column->alone_primary)
		return false;
	for (int r = names_read(facts, c, readings) - 1; r >= 0; r--)
	{
		if (readings[r].suffix == SUFFIX_ID)
			return true;
	}
	return false;
}

/*
 * Returns why there is no proposal for a column
 */
static char *
why_unmatched(const Facts *facts, int c, const Candidate *best)
{
	Words		front = facts->columns[c].words;

	front.n--;
	if (match_polymorphic(facts, c))
		return "another column says which table it refers to: no foreign key can";
	if (words_any(&front, WORD_EXTERNAL))
		return "the name says that it is a key of another system";
	if (best)
		return psprintf("the best candidate, %s (%s), has a score of %.2f only%s",
						sg_relation_name(facts->tables[facts->keys[best->key].table].oid),
						sg_quote_list(facts_column_names(facts, facts->keys[best->key].columns, best->n)),
						best->score, facts->tables[facts->keys[best->key].table].tuples == 0 ? "; it has no rows" :
						EVIDENCE_OF(best)[EVIDENCE_MISSING] > 0 ? "; it lacks values of the column" : "");
	return "no table with a key of a matching type goes by that name";
}

/* Emits the columns without a proposal */
static void
emit_unmatched(SgRowSink *sink, const Discovery *d, List *proposals)
{
	const Facts *facts = d->facts;
	Bitmapset  *proposed = NULL;
	int			next = 0;

	foreach_ptr(Candidate, cand, proposals)
	{
		for (int i = 0; i < cand->n; i++)
			proposed = bms_add_member(proposed, cand->columns[i]);
	}
	for (int c = d->from; c < d->next; c++)
	{
		const Candidate *best = NULL;

		CHECK_FOR_INTERRUPTS();
		for (; next < list_length(d->candidates) && ((Candidate *) list_nth(d->candidates, next))->column == c; next++)
		{
			const Candidate *cand = list_nth(d->candidates, next);

			if (cand->set == c && (best == NULL || cand->score > best->score))
				best = cand;
		}
		if (!facts->tables[facts->columns[c].table].asked || bms_is_member(c, proposed) || !looks_like_reference(facts, c))
			continue;
		sg_sink_text(sink, facts_table_name(facts, facts->columns[c].table));
		sg_sink_names(sink, list_make1(facts->columns[c].name));
		sg_sink_text(sink, why_unmatched(facts, c, best));
		sg_sink_emit(sink);
	}
}

/*
 * sg_discover_unmatched(schemas text[])
 *
 * Returns columns, of all tables or of those in some schemas (3F000), that look
 * like a reference and are neither declared nor proposed.  Reads only catalogs;
 * leaves out tables that the current role may not read.
 */
static Datum
sg_discover_unmatched_entered(PG_FUNCTION_ARGS)
{
	Discovery	d = {0};
	List	   *schemas;
	SgRowSink	sink;

	sg_check_version();
	schemas = sg_arg_schemas(fcinfo, 0);
	sg_sink_begin(&sink, fcinfo);
	run_begin(&d);
	facts_ask(d.facts, InvalidOid, schemas);
	while (run_next(&d))
		emit_unmatched(&sink, &d, run_propose(&d, PROPOSED, VERIFY_NONE));
	PG_RETURN_NULL();
}

/* ---- sg_plan_from_discovery ---- */

/* Tells by NOTICE where to look if a plan gets no step of this score */
static void
tell_nothing_added(const FkPlan *plan, double score)
{
	ereport(NOTICE,
			(errmsg("plan \"%s\" lacks no key that is proposed with a score of %.2f or more", plan->name, score),
			 score > PROPOSED ?
			 errhint(sg_calls("Read what discovery proposes with lower scores, and why, then take it:\nSELECT sg_plan_from_discovery(%s, %.1f);"),
					 quote_literal_cstr(plan->name), score > LIKELY ? LIKELY : PROPOSED) :
			 errhint("See which columns look like references, and why each matches nothing:\n"
					 "SELECT * FROM schemaguard.sg_discover_unmatched();")));
}

/*
 * sg_plan_from_discovery(plan text, min_score float8)
 *
 * Adds to a plan the proposals of sg_discover_fks(min_score, 'sample') that it
 * lacks; returns the number of steps.  The steps have the plan's options, by
 * default orphans stop them and nothing cascades; their reason says why each is
 * proposed, and which ON DELETE would suit. 42704, 42501 and 55006 as
 * sg_plan_add_fk().
 */
static Datum
plan_from_discovery(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {TEXTOID, FLOAT8OID};
	Datum		values[] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	FkPlan	   *plan;
	PlanDraft  *draft;
	SPITupleTable *rows;
	uint64		n;
	SgScope		scope;

	sg_check_granted(fcinfo);
	sg_arg_check(fcinfo, 1);
	(void) score_argument(PG_GETARG_FLOAT8(1));
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_from_discovery()");

	SPI_connect();
	sg_caller_begin(&scope);
	sg_scope_set("row_security", "on");
	if (SPI_execute_with_args("SELECT * FROM schemaguard.sg_discovered_steps($1, $2)", lengthof(types), types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "no proposals");
	sg_scope_end(&scope);
	rows = SPI_tuptable;
	n = SPI_processed;

	/* steps must live as long as the draft */
	MemoryContextSwitchTo(context);
	draft = plan_draft_begin(plan);
	for (uint64 i = 0; i < n; i++)
	{
		PlanStep   *step = plan_step_default(plan->name);

		CHECK_FOR_INTERRUPTS();
		step->child_table = sg_spi_text(rows->vals[i], rows->tupdesc, "child_table");
		step->child_columns = sg_spi_text_array(rows->vals[i], rows->tupdesc, "child_columns");
		step->parent_table = sg_spi_text(rows->vals[i], rows->tupdesc, "parent_table");
		step->parent_columns = sg_spi_text_array(rows->vals[i], rows->tupdesc, "parent_columns");
		step->reason = sg_spi_text(rows->vals[i], rows->tupdesc, "reason");
		plan_draft_check(draft, step);
		(void) plan_draft_insert(draft, step);
	}
	plan_draft_end(draft);
	plan_log(plan, 0, "plan discover", plan->name, psprintf("%d steps", (int) n));
	if (n == 0)
		tell_nothing_added(plan, PG_GETARG_FLOAT8(1));
	SPI_finish();
	PG_RETURN_INT32((int32) n);
}

static Datum
sg_plan_from_discovery_entered(PG_FUNCTION_ARGS)
{
	return sg_enter_alone(plan_from_discovery, fcinfo);
}
