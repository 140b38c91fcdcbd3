/*-------------------------------------------------------------------------
 *
 * discover_feedback.c
 *	  What users have said of proposals: schemaguard.discovery_feedback.
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
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "discover/discover.h"

typedef struct FeedbackRule
{
	bool		accepted;
	bool		pattern;		/* columns are a regular expression */
	bool		any_child;		/* else one of these, in Facts.tables */
	Bitmapset  *children;
	bool		any_parent;
	Bitmapset  *parents;
	text	   *columns;		/* NULL: any */
	List	   *attnums;		/* of int: of the columns, if it accepts and
								 * names all; else NIL */
	bool		used;			/* some candidate is what it speaks of */
} FeedbackRule;

typedef struct FeedbackReader
{
	const Facts *facts;
	List	   *rules;
} FeedbackReader;

/* An array of int */
static List *
number_list(Datum array)
{
	List	   *numbers = NIL;
	Datum	   *elements;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		numbers = lappend_int(numbers, DatumGetInt32(elements[i]));
	return numbers;
}

/* The tables of a rule, of those that the facts have */
static Bitmapset *
rule_tables(const Facts *facts, Datum oids)
{
	Bitmapset  *tables = NULL;

	foreach_int(oid, number_list(oids))
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
	FeedbackReader *reader = arg;
	FeedbackRule *rule = palloc0(sizeof(FeedbackRule));

	rule->accepted = DatumGetBool(row[0]);
	rule->pattern = DatumGetBool(row[1]);
	rule->columns = nulls[2] ? NULL : DatumGetTextPCopy(row[2]);
	rule->any_child = nulls[3];
	rule->children = nulls[3] ? NULL : rule_tables(reader->facts, row[3]);
	rule->any_parent = nulls[4];
	rule->parents = nulls[4] ? NULL : rule_tables(reader->facts, row[4]);
	rule->attnums = nulls[5] ? NIL : number_list(row[5]);
	reader->rules = lappend(reader->rules, rule);
}

List *
feedback_read(const Facts *facts)
{
	FeedbackReader reader = {.facts = facts};

	facts_query("SELECT * FROM schemaguard.sg_discovery_rules()", -1, take_rule, &reader);
	return reader.rules;
}

/* Does a rule speak of a candidate?  *columns are its names, once somebody asks for them. */
static bool
speaks_of(const FeedbackRule *rule, const Facts *facts, const Candidate *cand, text **columns)
{
	if (!(rule->any_child || bms_is_member(facts->columns[cand->column].table, rule->children)) ||
		!(rule->any_parent || bms_is_member(facts->keys[cand->key].table, rule->parents)))
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

/* The columns that a rule names, or 0 */
static int
find_columns(const Facts *facts, const FactTable *table, List *attnums, int *columns)
{
	int			n = 0;

	foreach_int(attnum, attnums)
	{
		if (n == GROUP_MAX || attnum < 1 || attnum > table->ncolumns || facts->columns[table->columns + attnum - 1].name == NULL)
			return 0;
		columns[n++] = table->columns + attnum - 1;
	}
	return n;
}

/* The parent's key that such columns could refer to, the primary one if it can be; -1: none */
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
				facts_types_match(facts, facts->columns[columns[i]].type, facts->columns[key->columns[i]].type);
		if (fits)
			found = k;
	}
	return found;
}

/* What a rule accepts that names all it is about, or NULL; groups get a set after last_set */
static Candidate *
accepted_by(Facts *facts, const FeedbackRule *rule, int *last_set)
{
	int			columns[GROUP_MAX];
	Candidate  *cand;
	int			child;
	int			parent;
	int			n;
	int			k;

	CHECK_FOR_INTERRUPTS();
	if (rule->attnums == NIL || rule->children == NULL || rule->parents == NULL)
		return NULL;
	child = bms_singleton_member(rule->children);
	parent = bms_singleton_member(rule->parents);
	n = find_columns(facts, &facts->tables[child], rule->attnums, columns);
	if (n == 0 || facts_is_declared(facts, child, parent, columns, n) ||
		(k = find_key(facts, parent, columns, n)) < 0)
		return NULL;
	cand = candidate_new(k, columns, n);
	if (n > 1)
		cand->set = ++*last_set;
	cand->polymorphic = match_polymorphic(facts, columns[0]);
	cand->accepted = true;
	return cand;
}

/*
 * Applies the users' verdicts to some of the candidates; returns those that
 * are left.
 */
List *
feedback_apply(Facts *facts, List *rules, List *candidates)
{
	List	   *left = NIL;

	foreach_ptr(Candidate, cand, candidates)
	{
		bool		rejected = false;
		text	   *columns = NULL;

		CHECK_FOR_INTERRUPTS();
		foreach_ptr(FeedbackRule, rule, rules)
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

/* What was accepted by its names teaches like a declared key: before names are learned from */
void
feedback_teach(Facts *facts, List *rules)
{
	int			set = 0;

	foreach_ptr(const FeedbackRule, rule, rules)
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
feedback_beyond(Facts *facts, List *rules, int from, int to, int last_set)
{
	List	   *beyond = NIL;

	foreach_ptr(FeedbackRule, rule, rules)
	{
		Candidate  *cand = rule->used ? NULL : accepted_by(facts, rule, &last_set);

		if (cand && cand->column >= from && cand->column < to)
			beyond = lappend(beyond, cand);
	}
	return beyond;
}
