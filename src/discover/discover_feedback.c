/*-------------------------------------------------------------------------
 *
 * discover_feedback.c
 *	  Users' verdicts on proposals: schemaguard.discovery_feedback.
 *
 * What was rejected is no candidate any more, so the next best one takes its
 * place.  What was accepted is proposed with score 1, and teaches like a
 * declared key; it becomes a candidate even where no name suggests it.  A
 * rejection counts before an acceptance.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "base/spi.h"
#include "discover/discover.h"

typedef struct FeedbackRule
{
	bool		accepted;
	bool		pattern;		/* columns are a regular expression */
	Bitmapset  *children;		/* indexes into Facts.tables; NULL: any */
	Bitmapset  *parents;
	text	   *columns;		/* NULL: any */
	List	   *attnums;		/* int: column numbers, if the rule accepts
								 * and names all columns; else NIL */
	bool		used;			/* the rule matches some candidate */
} FeedbackRule;

/*
 * Returns the tables of a rule among the facts, and one that does not exist, so
 * that the set is not empty
 */
static Bitmapset *
rule_tables(const Facts *facts, Datum oids)
{
	Bitmapset  *tables = bms_make_singleton(facts->ntables);

	foreach_int(oid, sg_int_array_list(oids))
	{
		int			t = facts_find_table(facts, (Oid) oid);

		if (t >= 0 && !facts->tables[t].partition && !facts->tables[t].denied)
			tables = bms_add_member(tables, t);
	}
	return tables;
}

static void
take_rule(void *arg, const Datum *row, const bool *nulls)
{
	Facts	   *facts = arg;
	FeedbackRule *rule = palloc0(sizeof(FeedbackRule));

	rule->accepted = DatumGetBool(row[0]);
	rule->pattern = DatumGetBool(row[1]);
	rule->columns = nulls[2] ? NULL : DatumGetTextPCopy(row[2]);
	rule->children = nulls[3] ? NULL : rule_tables(facts, row[3]);
	rule->parents = nulls[4] ? NULL : rule_tables(facts, row[4]);
	rule->attnums = nulls[5] ? NIL : sg_int_array_list(row[5]);
	facts->rules = lappend(facts->rules, rule);
}

/* Returns whether a rule matches a candidate; *columns caches its column names. */
static bool
speaks_of(const FeedbackRule *rule, const Facts *facts, const Candidate *cand, text **columns)
{
	if ((rule->children && !bms_is_member(facts->columns[cand->column].table, rule->children)) ||
		(rule->parents && !bms_is_member(facts->keys[cand->key].table, rule->parents)))
		return false;
	if (rule->columns == NULL)
		return true;
	if (*columns == NULL)
	{
		StringInfoData buf;

		initStringInfo(&buf);
		for (int i = 0; i < cand->n; i++)
			appendStringInfo(&buf, "%s%s", i ? "," : "", facts->columns[cand->columns[i]].name);
		*columns = cstring_to_text(buf.data);
	}
	return DatumGetBool(DirectFunctionCall2Coll(rule->pattern ? textregexeq : texteq, C_COLLATION_OID,
												PointerGetDatum(*columns), PointerGetDatum(rule->columns)));
}

/* ---- accepted, though no name suggests it ---- */

/* Returns the parent's key that such columns could reference, preferably the primary one; -1: none */
static int
find_key(Facts *facts, int parent, const int *columns, int n)
{
	int			found = -1;

	foreach_int(k, facts->tables[parent].keys)
	{
		const FactKey *key = &facts->keys[k];
		bool		fits = key->n == n && (found < 0 || key->primary);

		for (int i = 0; i < n && fits; i++)
			fits = key->columns[i] != columns[i] &&
				facts_types_match(facts, facts->columns[columns[i]].base, facts->columns[key->columns[i]].base);
		if (fits)
			found = k;
	}
	return found;
}

/* Returns the candidate that a rule accepts by full names, or NULL; groups get a set after last_set */
static Candidate *
accepted_by(Facts *facts, const FeedbackRule *rule, int *last_set)
{
	int			columns[GROUP_MAX];
	int			n = list_length(rule->attnums);
	int			child = bms_next_member(rule->children, -1);
	int			parent = bms_next_member(rule->parents, -1);
	Candidate  *cand;
	int			k;

	CHECK_FOR_INTERRUPTS();
	if (n == 0 || n > GROUP_MAX || child == facts->ntables || parent == facts->ntables)
		return NULL;
	for (int i = 0; i < n; i++)
	{
		columns[i] = facts_find_column(facts, facts->tables[child].oid, list_nth_int(rule->attnums, i));
		if (columns[i] < 0)
			return NULL;
	}
	k = facts_is_declared(facts, child, parent, columns, n) ? -1 : find_key(facts, parent, columns, n);
	if (k < 0)
		return NULL;
	cand = candidate_new(k, columns, n);
	if (n > 1)
		cand->set = ++*last_set;
	cand->polymorphic = match_polymorphic(facts, columns[0]);
	cand->accepted = true;
	return cand;
}

List *
feedback_apply(Facts *facts, List *candidates)
{
	List	   *left = NIL;

	foreach_ptr(Candidate, cand, candidates)
	{
		bool		rejected = false;
		text	   *columns = NULL;

		CHECK_FOR_INTERRUPTS();
		foreach_ptr(FeedbackRule, rule, facts->rules)
		{
			if (!speaks_of(rule, facts, cand, &columns))
				continue;
			rule->used = true;
			cand->accepted |= rule->accepted;
			rejected |= !rule->accepted;
		}
		if (columns)
			pfree(columns);
		if (!rejected && (cand->accepted || !cand->impossible))
			left = lappend(left, cand);
	}
	return left;
}

void
feedback_read(Facts *facts)
{
	int			set = 0;

	facts_query("SELECT * FROM schemaguard.sg_discovery_rules()", -1, take_rule, facts);
	foreach_ptr(const FeedbackRule, rule, facts->rules)
	{
		Candidate  *cand = accepted_by(facts, rule, &set);
		FactReference *reference;

		if (cand == NULL)
			continue;
		facts->references = repalloc_huge(facts->references, (facts->nreferences + 1) * sizeof(FactReference));
		reference = &facts->references[facts->nreferences++];
		reference->child = facts->columns[cand->column].table;
		reference->parent = facts->keys[cand->key].table;
		reference->n = cand->n;
		memcpy(reference->child_columns, cand->columns, cand->n * sizeof(int));
		memcpy(reference->parent_columns, facts->keys[cand->key].columns, cand->n * sizeof(int));
	}
}

List *
feedback_beyond(Facts *facts, int from, int to, int last_set)
{
	List	   *beyond = NIL;

	foreach_ptr(FeedbackRule, rule, facts->rules)
	{
		Candidate  *cand = rule->used ? NULL : accepted_by(facts, rule, &last_set);

		if (cand && cand->column >= from && cand->column < to)
			beyond = lappend(beyond, cand);
	}
	return beyond;
}
