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
#include "utils/json.h"
#include "utils/jsonb.h"

#include "discover.h"
#include "quote.h"

#define LARGE_TABLE 1000000.0	/* rows over which a cascade is no small thing */
#define WORDS_EVIDENCE 7		/* signals that are put in words */
#define WORDS_PLAN 4
#define HABIT_MIN 3				/* declared keys that make a habit */

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

static void
append_pair(StringInfo buf, const char *key, const char *value)
{
	appendStringInfo(buf, "%s\"%s\": ", buf->data[buf->len - 1] == '{' ? "" : ", ", key);
	escape_json(buf, value);
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
		if (parts[i].signal != 0)
			appendStringInfo(&why, "%s%s: %s", why.len ? "; " : "",
							 parts[i].weight > 0 ? "for" : "against", signal_names[parts[i].signal].words);
	}
	return why.data;
}

/*
 * The signals with their weights, the greatest first; the same in words; the
 * candidate that comes next.
 */
Datum
advice_evidence(const Facts *facts, const Weights *weights, const Candidate *cand)
{
	int			n;
	Contribution *parts = contributions(weights, cand, &n);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "{\"signals\": [");
	for (int i = 0; i < n; i++)
	{
		appendStringInfo(&buf, "%s{", i ? ", " : "");
		append_pair(&buf, "signal", signal_names[parts[i].signal].name);
		appendStringInfo(&buf, ", \"value\": %.3g, \"weight\": %.3g}", parts[i].value, parts[i].weight);
	}
	appendStringInfoChar(&buf, ']');
	append_pair(&buf, "why", in_words(cand, parts, n, WORDS_EVIDENCE));
	if (cand->rival)
	{
		appendStringInfoString(&buf, ", \"next\": {");
		append_pair(&buf, "parent", sg_relation_name(facts->tables[facts->keys[cand->rival->key].table].oid));
		appendStringInfo(&buf, ", \"score\": %.3g}", cand->rival->score);
	}
	appendStringInfoChar(&buf, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data));
}

/* One line for a step of a plan: how sure, why, and what else would suit */
char *
advice_reason(const Facts *facts, const Weights *weights, const Candidate *cand)
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

/* What most declared keys to this parent do, or most keys of all; 0: no habit */
static char
habit_of(const Facts *facts, int parent, bool *of_parent)
{
	static const char actions[] = {FKCONSTR_ACTION_NOACTION, FKCONSTR_ACTION_RESTRICT,
	FKCONSTR_ACTION_CASCADE, FKCONSTR_ACTION_SETNULL, FKCONSTR_ACTION_SETDEFAULT};

	for (int pass = 0; pass < 2; pass++)
	{
		int			count[lengthof(actions)] = {0};
		int			all = 0;

		for (int r = 0; r < facts->nreferences; r++)
		{
			const FactReference *reference = &facts->references[r];

			if (reference->on_delete == '\0' || (pass == 0 && reference->parent != parent))
				continue;
			all++;
			for (int a = 0; a < lengthof(actions); a++)
				count[a] += reference->on_delete == actions[a];
		}
		for (int a = 0; a < lengthof(actions) && all >= HABIT_MIN; a++)
		{
			if (count[a] >= all * 0.8)
			{
				*of_parent = pass == 0;
				return actions[a];
			}
		}
	}
	return '\0';
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
advice_on_delete(const Facts *facts, const Candidate *cand, const char **reason)
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
