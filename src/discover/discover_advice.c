/*-------------------------------------------------------------------------
 *
 * discover_advice.c
 *	  What else to say of a proposal: why, ON DELETE, an index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "base/quote.h"
#include "base/words.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"
#include "discover/discover_score.h"

#define LARGE_TABLE 1000000.0	/* rows over which a cascade is no small thing */
#define WORDS_EVIDENCE 7		/* signals that are put in words */
#define WORDS_PLAN 4
#define NEXT_WORTH_A_WORD 0.1	/* score of the next candidate */
#define HABIT_MIN 3				/* declared keys that make a habit */
#define DELETE_KINDS 5
#define DELETE_ACTIONS \
	{FKCONSTR_ACTION_NOACTION, FKCONSTR_ACTION_RESTRICT, FKCONSTR_ACTION_CASCADE, FKCONSTR_ACTION_SETNULL, \
	 FKCONSTR_ACTION_SETDEFAULT, '\0'}

typedef struct Contribution
{
	int			signal;
	double		value;
	double		weight;			/* weight times value */
} Contribution;

static int
by_size(const void *a, const void *b)
{
	double		wa = fabs(((const Contribution *) a)->weight);
	double		wb = fabs(((const Contribution *) b)->weight);

	if (wa != wb)
		return wa < wb ? 1 : -1;
	return ((const Contribution *) a)->signal - ((const Contribution *) b)->signal;
}

/* What the score is made of, the greatest first */
static Contribution *
contributions(const Weights *weights, const Candidate *cand, int *n)
{
	Contribution *parts = palloc((cand->nsignals + 1) * sizeof(Contribution));

	*n = 0;
	for (int i = 0; i < cand->nsignals; i++)
	{
		const SignalValue *s = &cand->signals[i];

		if (weights->signal[s->signal] == 0)
			continue;
		parts[*n].signal = s->signal;
		parts[*n].value = s->value;
		parts[(*n)++].weight = weights->signal[s->signal] * s->value;
	}
	qsort(parts, *n, sizeof(Contribution), by_size);
	return parts;
}

/* The first `most` of them in words */
static char *
in_words(const Candidate *cand, const Contribution *parts, int n, int most)
{
	StringInfoData why;

	if (cand->accepted)
		return "accepted by a user";
	initStringInfo(&why);
	for (int i = 0; i < Min(n, most); i++)
	{
		/* the first signal is what all candidates have */
		if (parts[i].signal == 0)
			continue;
		if (why.len)
			appendStringInfoString(&why, "; ");
		appendStringInfoString(&why, parts[i].weight > 0 ? "for: " : "against: ");
		appendStringInfoString(&why, signal_names[parts[i].signal].words);
	}
	return why.data;
}

/* ---- one sentence: what the name says, the type, the rows, and which other parent there would be ---- */

/* What a column's name has to do with the parent's */
static const char *
name_match(const Candidate *cand)
{
	switch (cand->match)
	{
		case MATCH_WHOLE:
			return cand->abbreviated ? "is short for" : cand->before ? "ends in the name of" : "is called after";
		case MATCH_TAIL:
			return "is called after the end of the name of";
		case MATCH_HEAD:
			return "is called after the beginning of the name of";
		case MATCH_NONE:
			break;
	}
	return NULL;
}

static void
append_name(StringInfo why, const Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];
	const FactColumn *lead = &facts->columns[cand->n > 1 ? cand->columns[cand->lead] : cand->column];
	char	   *column = pstrdup(quote_identifier(lead->name));
	char	   *parent = pstrdup(quote_identifier(facts->tables[key->table].name));
	const char *match = name_match(cand);

	if (cand->accepted)
		appendStringInfoString(why, "a user has accepted it");
	else if (cand->n > 1 && !cand->leads)
		appendStringInfo(why, "(%s) is called like a key of %s",
						 sg_quote_list(facts_column_names(facts, cand->columns, cand->n)), parent);
	else if (match)
		appendStringInfo(why, "%s %s %s%s", column, match, parent, !cand->key_match ? "" :
						 cand->key_before && !cand->before ? " and ends in the name of its key" : " and its key");
	else if (cand->key_match)
		appendStringInfo(why, "%s %s the name of the key of %s", column, cand->key_before ? "ends in" : "has", parent);
	else if (cand->self_word)
		appendStringInfo(why, "%s says that it is another row of the same table", column);
	else if (cand->actor_word)
		appendStringInfo(why, "%s says who acts, and people are in %s", column, parent);
	else
		appendStringInfo(why, cand->by_rows ? "the values of %s are keys of %s" : "%s may mean %s", column, parent);
	if (cand->n > 1 && cand->leads && !cand->accepted)
		appendStringInfoString(why, ", and the other columns of its key are beside it");
}

static void
append_type(StringInfo why, const Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];

	for (int i = 0; i < cand->n; i++)
	{
		if (facts->columns[cand->columns[i]].type != facts->columns[key->columns[i]].type)
			return;
	}
	appendStringInfo(why, ", with the type%s of its %s key", cand->n > 1 ? "s" : "", key->primary ? "primary" : "unique");
}

static void
append_taught(StringInfo why, const Candidate *cand)
{
	if (cand->taught_columns > 0)
		appendStringInfo(why, ngettext("; %d other column of that %s refers there", "; %d other columns of that %s refer there", cand->taught_columns),
						 cand->taught_columns, cand->taught_name > 0 ? "name" : "ending");
}

static void
append_rows(StringInfo why, const Candidate *cand)
{
	const char *read = cand->whole ? "" : " of a sample";

	if (cand->rows_checked < 0)
		return;
	if (cand->rows_checked == 0)
		appendStringInfo(why, "; no row%s refers to anything", read);
	else if (cand->orphan_rows == 0)
		appendStringInfo(why, "; no orphan in " INT64_FORMAT " rows%s", cand->rows_checked, read);
	else
		appendStringInfo(why, "; " INT64_FORMAT " of " INT64_FORMAT " rows%s are orphans",
						 cand->orphan_rows, cand->rows_checked, read);
}

char *
advice_why(Facts *facts, const Candidate *cand)
{
	StringInfoData why;

	initStringInfo(&why);
	append_name(&why, facts, cand);
	append_type(&why, facts, cand);
	append_taught(&why, cand);
	append_rows(&why, cand);
	if (cand->rival && cand->rival->score >= NEXT_WORTH_A_WORD)
		appendStringInfo(&why, "; else %s (%.2f)", facts_table_name(facts, facts->keys[cand->rival->key].table),
						 cand->rival->score);
	return why.data;
}

/* ---- evidence: the jsonb is put together from values, for text that is parsed again costs more than all else ---- */

static JsonbValue
evidence_text(const char *text)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	return value;
}

/* As %.3g prints it */
static JsonbValue
evidence_number(double number)
{
	JsonbValue	value = {.type = jbvNumeric};
	char		digits[32];

	snprintf(digits, sizeof(digits), "%.3g", number);
	value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(digits),
															ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return value;
}

/* Most signals are there or not, so most weights are printed again and again */
static JsonbValue
evidence_weight(const Facts *facts, Weights *weights, const Contribution *part)
{
	JsonbValue	value;

	if (part->value != 1)
		return evidence_number(part->weight);
	if (weights->printed == NULL)
		weights->printed = MemoryContextAllocZero(facts->context, signal_count() * sizeof(struct NumericData *));
	if (weights->printed[part->signal] == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(facts->context);

		weights->printed[part->signal] = evidence_number(part->weight).val.numeric;
		MemoryContextSwitchTo(caller);
	}
	value.type = jbvNumeric;
	value.val.numeric = weights->printed[part->signal];
	return value;
}

/* Adds a key to an object: shorter ones first, then by their letters, as jsonb has them */
static void
evidence_add(JsonbValue *object, const char *key, JsonbValue value)
{
	JsonbPair  *pair = &object->val.object.pairs[object->val.object.nPairs];

	pair->key = evidence_text(key);
	pair->value = value;
	pair->order = object->val.object.nPairs++;
}

static JsonbValue
evidence_object(int room)
{
	JsonbValue	object = {.type = jbvObject};

	object.val.object.nPairs = 0;
	object.val.object.pairs = palloc(room * sizeof(JsonbPair));
	return object;
}

static JsonbValue
evidence_signals(const Facts *facts, Weights *weights, const Contribution *parts, int n)
{
	JsonbValue	array = {.type = jbvArray};

	array.val.array.rawScalar = false;
	array.val.array.nElems = n;
	array.val.array.elems = palloc(Max(n, 1) * sizeof(JsonbValue));
	for (int i = 0; i < n; i++)
	{
		JsonbValue	object = evidence_object(3);

		evidence_add(&object, "value", evidence_number(parts[i].value));
		evidence_add(&object, "signal", evidence_text(signal_names[parts[i].signal].name));
		evidence_add(&object, "weight", evidence_weight(facts, weights, &parts[i]));
		array.val.array.elems[i] = object;
	}
	return array;
}

/*
 * The signals with their weights, the greatest first; the same in words; the
 * candidate that comes next.
 */
Datum
advice_evidence(Facts *facts, Weights *weights, const Candidate *cand)
{
	int			n;
	Contribution *parts = contributions(weights, cand, &n);
	JsonbValue	evidence = evidence_object(3);

	evidence_add(&evidence, "why", evidence_text(in_words(cand, parts, n, WORDS_EVIDENCE)));
	if (cand->rival)
	{
		JsonbValue	next = evidence_object(2);

		evidence_add(&next, "score", evidence_number(cand->rival->score));
		evidence_add(&next, "parent", evidence_text(facts_table_name(facts, facts->keys[cand->rival->key].table)));
		evidence_add(&evidence, "next", next);
	}
	evidence_add(&evidence, "signals", evidence_signals(facts, weights, parts, n));
	return JsonbPGetDatum(JsonbValueToJsonb(&evidence));
}

/* One line for a step of a plan: how sure, why, and what else would suit */
char *
advice_reason(Facts *facts, const Weights *weights, const Candidate *cand)
{
	int			n;
	Contribution *parts = contributions(weights, cand, &n);
	const char *delete_reason;
	const char *index_reason;
	const char *action = advice_on_delete(facts, cand, &delete_reason);

	(void) advice_index(facts, cand, &index_reason);
	return psprintf("proposed with score %.2f (%s); on delete %s would suit: %s; %s",
					cand->score, in_words(cand, parts, n, WORDS_PLAN), action, delete_reason, index_reason);
}

/* What four of five of these actions are, if there are enough of them; 0: nothing */
static char
usual_action(const int *count)
{
	static const char actions[] = DELETE_ACTIONS;
	int			all = 0;

	for (int a = 0; a < lengthof(actions) - 1; a++)
		all += count[a];
	for (int a = 0; a < lengthof(actions) - 1 && all >= HABIT_MIN; a++)
	{
		if (count[a] >= all * 0.8)
			return actions[a];
	}
	return '\0';
}

/* One pass over the declared keys says it of all parents */
static void
learn_actions(Facts *facts)
{
	static const char actions[] = DELETE_ACTIONS;
	int			(*count)[DELETE_KINDS] = MemoryContextAllocExtended(CurrentMemoryContext, (facts->ntables + 1) * sizeof(*count),
																	MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	char	   *usual = MemoryContextAllocHuge(facts->context, facts->ntables + 1);

	for (int r = 0; r < facts->nreferences; r++)
	{
		const FactReference *reference = &facts->references[r];
		const char *action = reference->on_delete ? strchr(actions, reference->on_delete) : NULL;

		if (action == NULL)
			continue;
		count[reference->parent][action - actions]++;
		count[facts->ntables][action - actions]++;
	}
	for (int t = 0; t <= facts->ntables; t++)
		usual[t] = usual_action(count[t]);
	pfree(count);
	facts->usual_delete = usual;
}

/* What most declared keys to this parent do, or most keys of all; 0: no habit */
static char
habit_of(Facts *facts, int parent, bool *of_parent)
{
	if (facts->usual_delete == NULL)
		learn_actions(facts);
	*of_parent = facts->usual_delete[parent] != '\0';
	return facts->usual_delete[*of_parent ? parent : facts->ntables];
}

/* Does the child do nothing but link tables: is its key made of references? */
static bool
is_link_table(const Facts *facts, const Candidate *cand)
{
	const FactTable *child = &facts->tables[facts->columns[cand->column].table];
	const FactKey *key;

	if (child->primary < 0)
		return false;
	key = &facts->keys[child->primary];
	if (key->n < 2 || child->ncolumns > key->n + 2)
		return false;
	for (int i = 0; i < cand->n; i++)
	{
		if (!facts->columns[cand->columns[i]].in_primary)
			return false;
	}
	return true;
}

const char *
advice_on_delete(Facts *facts, const Candidate *cand, const char **reason)
{
	const FactTable *child = &facts->tables[facts->columns[cand->column].table];
	bool		of_parent;
	bool		nullable = true;
	char		habit = habit_of(facts, facts->keys[cand->key].table, &of_parent);

	for (int i = 0; i < cand->n; i++)
		nullable &= !facts->columns[cand->columns[i]].not_null;
	if (habit && (habit != FKCONSTR_ACTION_SETNULL || nullable))
	{
		*reason = of_parent ? "declared keys to this parent do so" : "most declared keys of this database do so";
		return sg_action_word(habit);
	}
	if (is_link_table(facts, cand))
	{
		if (child->tuples > LARGE_TABLE)
		{
			*reason = "a link table, but so large that a cascade would hold locks for long";
			return "no action";
		}
		*reason = "a link table: its rows mean nothing without the parent's";
		return "cascade";
	}
	if (nullable)
	{
		*reason = "the column may be null: the row can stay without its parent";
		return "set null";
	}
	*reason = "the column is not null: nothing should go unasked";
	return "no action";
}

/* Does the child need an index for the key? */
bool
advice_index(const Facts *facts, const Candidate *cand, const char **reason)
{
	const FactTable *child = &facts->tables[facts->columns[cand->column].table];

	for (int i = 0; i < cand->n; i++)
	{
		if (facts->columns[cand->columns[i]].leads_any)
		{
			*reason = "an index begins with the column";
			return false;
		}
	}
	*reason = child->tuples >= 0 && child->tuples < 1000 ?
		"no index begins with the column; the table is small now" :
		"no index begins with the column: each delete in the parent would read the whole child";
	return true;
}
