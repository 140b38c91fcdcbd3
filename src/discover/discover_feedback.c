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
#include "nodes/bitmapset.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "base/spi.h"
#include "discover/discover.h"
#include "discover/discover_candidate.h"
#include "discover/discover_facts.h"

typedef struct FeedbackRule
{
	bool		accepted;
	bool		pattern;		/* columns are a regular expression */
	bool		any_child;		/* else one of these, in Facts.tables */
	Bitmapset  *children;
	bool		any_parent;
	Bitmapset  *parents;
	text	   *columns;		/* NULL: any */
	bool		used;			/* some candidate is what it speaks of */
} FeedbackRule;

/* The tables of a rule, of those that the facts have; null is any */
static Bitmapset *
rule_tables(const Facts *facts, HeapTuple tuple, TupleDesc desc, const char *column, bool *any)
{
	Datum		array = SPI_getbinval(tuple, desc, SPI_fnumber(desc, column), any);
	Bitmapset  *tables = NULL;
	Datum	   *oids;
	int			n;

	if (*any)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(array), OIDOID, sizeof(Oid), true, TYPALIGN_INT, &oids, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		int			t = facts_find_table(facts, DatumGetObjectId(oids[i]));

		if (t >= 0 && !facts->tables[t].partition && !facts->tables[t].denied)
			tables = bms_add_member(tables, t);
	}
	return tables;
}

/* Which tables a rule means is asked of the catalog, once.  What is no name at all is that of no table. */
List *
feedback_read(const Facts *facts)
{
	List	   *rules = NIL;
	MemoryContext caller = CurrentMemoryContext;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "WITH named AS MATERIALIZED (SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) COLLATE \"C\" AS name"
					 " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p'))"
					 " SELECT f.verdict = 'accepted' AS accepted, f.pattern, f.child_columns,"
					 " CASE WHEN f.child_table IS NOT NULL THEN ARRAY(SELECT t.oid FROM named t"
					 "  WHERE CASE WHEN f.pattern THEN t.name ~ f.child_table ELSE t.name = f.child_table END) END AS children,"
					 " CASE WHEN f.parent_table IS NOT NULL THEN ARRAY(SELECT t.oid FROM named t"
					 "  WHERE CASE WHEN f.pattern THEN t.name ~ f.parent_table ELSE t.name = f.parent_table END) END AS parents"
					 " FROM schemaguard.discovery_feedback f ORDER BY f.id",
					 0, NULL, NULL, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);
		FeedbackRule *rule = palloc0(sizeof(FeedbackRule));
		char	   *columns = sg_spi_text(tuple, desc, "child_columns");

		CHECK_FOR_INTERRUPTS();
		rule->accepted = sg_spi_bool(tuple, desc, "accepted");
		rule->pattern = sg_spi_bool(tuple, desc, "pattern");
		rule->children = rule_tables(facts, tuple, desc, "children", &rule->any_child);
		rule->parents = rule_tables(facts, tuple, desc, "parents", &rule->any_parent);
		rule->columns = columns ? cstring_to_text(columns) : NULL;
		rules = lappend(rules, rule);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return rules;
}

static text *
column_list(const Facts *facts, const Candidate *cand)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(&buf, "%s%s", i ? "," : "", facts->columns[cand->columns[i]].name);
	return cstring_to_text_with_len(buf.data, buf.len);
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
		*columns = column_list(facts, cand);
	return DatumGetBool(DirectFunctionCall2Coll(rule->pattern ? textregexeq : texteq, C_COLLATION_OID,
												PointerGetDatum(*columns), PointerGetDatum(rule->columns)));
}

/* ---- accepted, though no name suggests it ---- */

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
	if (!rule->accepted || rule->pattern || rule->columns == NULL || rule->children == NULL || rule->parents == NULL)
		return NULL;
	child = bms_singleton_member(rule->children);
	parent = bms_singleton_member(rule->parents);
	if ((n = find_columns(facts, child, text_to_cstring(rule->columns), columns)) == 0 ||
		is_declared(facts, child, parent, columns, n) ||
		(k = find_key(facts, parent, columns, n)) < 0)
		return NULL;
	cand = candidate_new(k, columns, n);
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

		if (cand)
			learn(facts, cand);
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
