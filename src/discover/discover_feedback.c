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
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "base/quote.h"
#include "base/spi.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"

typedef struct FeedbackRule
{
	bool		accepted;
	bool		pattern;		/* the three are regular expressions */
	text	   *child_table;	/* NULL: any */
	text	   *child_columns;
	text	   *parent_table;
	bool		used;			/* some candidate is what it speaks of */
} FeedbackRule;

/* A candidate, and what the rules have said of it so far */
typedef struct Verdict
{
	Candidate  *cand;
	text	   *columns;
	bool		rejected;
} Verdict;

/* What a rule says of each table's name, asked once */
typedef enum Answer
{
	UNASKED,
	YES,
	NO
} Answer;

static text *
rule_text(HeapTuple tuple, TupleDesc desc, const char *column)
{
	char	   *value = sg_spi_text(tuple, desc, column);

	return value ? cstring_to_text(value) : NULL;
}

List *
feedback_read(void)
{
	List	   *rules = NIL;
	MemoryContext caller = CurrentMemoryContext;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT verdict OPERATOR(pg_catalog.=) 'accepted' AS accepted, pattern, child_table, child_columns, parent_table"
					 " FROM schemaguard.discovery_feedback ORDER BY id",
					 0, NULL, NULL, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);
		FeedbackRule *rule = palloc0(sizeof(FeedbackRule));

		rule->accepted = sg_spi_bool(tuple, desc, "accepted");
		rule->pattern = sg_spi_bool(tuple, desc, "pattern");
		rule->child_table = rule_text(tuple, desc, "child_table");
		rule->child_columns = rule_text(tuple, desc, "child_columns");
		rule->parent_table = rule_text(tuple, desc, "parent_table");
		rules = lappend(rules, rule);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return rules;
}

static bool
says(const FeedbackRule *rule, text *wanted, text *name)
{
	return wanted == NULL ||
		DatumGetBool(DirectFunctionCall2Coll(rule->pattern ? textregexeq : texteq, C_COLLATION_OID,
											 PointerGetDatum(name), PointerGetDatum(wanted)));
}

/* The same of a table's name; the answers of one rule about children or about parents are kept */
static bool
says_of_table(const FeedbackRule *rule, text *wanted, text **names, Answer *answers, const Facts *facts, int table)
{
	if (wanted == NULL)
		return true;
	if (answers[table] == UNASKED)
	{
		if (names[table] == NULL)
			names[table] = cstring_to_text(sg_relation_name(facts->tables[table].oid));
		answers[table] = says(rule, wanted, names[table]) ? YES : NO;
	}
	return answers[table] == YES;
}

static text *
column_list(const Facts *facts, const Candidate *cand)
{
	StringInfoData buf;
	text	   *list;

	initStringInfo(&buf);
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(&buf, "%s%s", i ? "," : "", facts->columns[cand->columns[i]].name);
	list = cstring_to_text_with_len(buf.data, buf.len);
	pfree(buf.data);
	return list;
}

static void
apply_rule(const Facts *facts, FeedbackRule *rule, Verdict *verdicts, int n, text **names)
{
	Answer	   *children = palloc0((facts->ntables + 1) * sizeof(Answer));
	Answer	   *parents = palloc0((facts->ntables + 1) * sizeof(Answer));

	for (int i = 0; i < n; i++)
	{
		Verdict    *verdict = &verdicts[i];
		Candidate  *cand = verdict->cand;

		CHECK_FOR_INTERRUPTS();
		if (!says_of_table(rule, rule->child_table, names, children, facts, facts->columns[cand->column].table) ||
			!says_of_table(rule, rule->parent_table, names, parents, facts, facts->keys[cand->key].table))
			continue;
		if (rule->child_columns && verdict->columns == NULL)
			verdict->columns = column_list(facts, cand);
		if (!says(rule, rule->child_columns, verdict->columns))
			continue;
		rule->used = true;
		if (rule->accepted)
			cand->accepted = true;
		else
			verdict->rejected = true;
	}
	pfree(children);
	pfree(parents);
}

/* ---- accepted, though no name suggests it ---- */

/* The table of that name, or -1; what is no name at all is that of no table */
static int
find_table(const Facts *facts, text *name)
{
	char	   *wanted = text_to_cstring(name);

	for (int t = 0; t < facts->ntables; t++)
	{
		const FactTable *table = &facts->tables[t];

		if (!table->partition && !table->denied &&
			strcmp(sg_relation_name(table->oid), wanted) == 0)
			return t;
	}
	return -1;
}

/* The columns that a list names, or 0 */
static int
find_columns(const Facts *facts, int table, char *list, int *columns)
{
	int			n = 0;

	for (char *name = list; name; n++)
	{
		char	   *comma = strchr(name, ',');
		int			c = facts->tables[table].columns;
		int			end = c + facts->tables[table].ncolumns;

		if (comma)
			*comma = '\0';
		while (c < end && (facts->columns[c].name == NULL || strcmp(facts->columns[c].name, name) != 0))
			c++;
		if (c == end || n == GROUP_MAX)
			return 0;
		columns[n] = c;
		name = comma ? comma + 1 : NULL;
	}
	return n;
}

/* The parent's key that such columns could refer to, the primary one if it can be; -1: none */
static int
find_key(Facts *facts, int parent, const int *columns, int n)
{
	int			found = -1;
	ListCell   *lc;

	foreach(lc, facts->tables[parent].keys)
	{
		const FactKey *key = &facts->keys[lfirst_int(lc)];
		bool		fits = key->n == n && (found < 0 || key->primary);

		for (int i = 0; i < n && fits; i++)
			fits = key->columns[i] != columns[i] &&
				facts_types_match(facts, facts->columns[columns[i]].type, facts->columns[key->columns[i]].type);
		if (fits)
			found = lfirst_int(lc);
	}
	return found;
}

/* Is there such a key already? */
static bool
is_declared(const Facts *facts, int child, int parent, const int *columns, int n)
{
	ListCell   *lc;

	foreach(lc, facts->tables[child].references)
	{
		const FactReference *reference = &facts->references[lfirst_int(lc)];

		if (reference->parent == parent && reference->n == n &&
			memcmp(reference->child_columns, columns, n * sizeof(int)) == 0)
			return true;
	}
	return false;
}

static Candidate *
accepted_candidate(Facts *facts, const FeedbackRule *rule, int *last_set)
{
	int			child = find_table(facts, rule->child_table);
	int			parent = find_table(facts, rule->parent_table);
	int			columns[GROUP_MAX];
	Candidate  *cand;
	int			n;
	int			k;

	if (child < 0 || parent < 0 ||
		(n = find_columns(facts, child, text_to_cstring(rule->child_columns), columns)) == 0 ||
		is_declared(facts, child, parent, columns, n) ||
		(k = find_key(facts, parent, columns, n)) < 0)
		return NULL;
	cand = candidate_new(facts, k, columns, n);
	if (n > 1)
		cand->set = ++*last_set;
	cand->polymorphic = match_polymorphic(facts, columns[0]);
	cand->accepted = true;
	return cand;
}

/* Room for one more, twice as much each time */
static void
reserve_references(Facts *facts)
{
	if (facts->nreferences < facts->references_room)
		return;
	facts->references_room = 2 * facts->references_room;
	facts->references = repalloc_huge(facts->references, facts->references_room * sizeof(FactReference));
}

/* From now on, columns of that name are known to refer to that key */
static void
learn(Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];
	FactReference *reference;

	reserve_references(facts);
	reference = &facts->references[facts->nreferences++];
	memset(reference, 0, sizeof(FactReference));
	reference->child = facts->columns[cand->column].table;
	reference->parent = key->table;
	reference->n = cand->n;
	memcpy(reference->child_columns, cand->columns, cand->n * sizeof(int));
	memcpy(reference->parent_columns, key->columns, cand->n * sizeof(int));
	reference->on_delete = '\0';
}

/*
 * Applies the users' verdicts to some of the candidates; returns those that
 * are left.  A pattern that can't be read as one raises 2201B: the table
 * refuses those.
 */
List *
feedback_apply(Facts *facts, List *rules, List *candidates)
{
	List	   *left = NIL;
	int			n = list_length(candidates);
	Verdict    *verdicts = MemoryContextAllocExtended(CurrentMemoryContext, (n + 1) * sizeof(Verdict),
													  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	text	  **names = palloc0((facts->ntables + 1) * sizeof(text *));
	ListCell   *lc;

	for (int i = 0; i < n; i++)
		verdicts[i].cand = list_nth(candidates, i);
	foreach(lc, rules)
		apply_rule(facts, lfirst(lc), verdicts, n, names);
	for (int i = 0; i < n; i++)
	{
		Candidate  *cand = verdicts[i].cand;

		if (verdicts[i].rejected || (cand->impossible && !cand->accepted))
			continue;
		left = lappend(left, cand);
	}
	pfree(verdicts);
	return left;
}

/* What a rule accepts that names all it is about, or NULL; groups get a set after last_set */
static Candidate *
accepted_by(Facts *facts, const FeedbackRule *rule, int *last_set)
{
	CHECK_FOR_INTERRUPTS();
	if (!rule->accepted || rule->pattern || !rule->child_table || !rule->child_columns || !rule->parent_table)
		return NULL;
	return accepted_candidate(facts, rule, last_set);
}

/* What was accepted by its names teaches like a declared key: before names are learned from */
void
feedback_teach(Facts *facts, List *rules)
{
	int			set = 0;

	foreach_ptr(const FeedbackRule, rule, rules)
	{
		Candidate  *cand = accepted_by(facts, rule, &set);

		if (cand)
			learn(facts, cand);
	}
}

/* What was accepted and is none of the candidates that feedback_apply() has seen */
List *
feedback_beyond(Facts *facts, List *rules, int last_set)
{
	List	   *beyond = NIL;

	foreach_ptr(FeedbackRule, rule, rules)
	{
		Candidate  *cand = rule->used ? NULL : accepted_by(facts, rule, &last_set);

		if (cand)
			beyond = lappend(beyond, cand);
	}
	return beyond;
}
