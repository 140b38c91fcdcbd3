/*-------------------------------------------------------------------------
 *
 * discover_feedback.c
 *	  What users have said of proposals: schemaguard.discovery_feedback.
 *
 * What was rejected is no candidate any more, so the next best one takes its
 * place.  What was accepted is proposed with score 1, and teaches like a
 * declared key.  A rejection counts before an acceptance.
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

#include "discover.h"
#include "quote.h"
#include "spi.h"

typedef struct FeedbackRule
{
	bool		accepted;
	bool		pattern;		/* the three are regular expressions */
	text	   *child_table;	/* NULL: any */
	text	   *child_columns;
	text	   *parent_table;
} FeedbackRule;

static text *
rule_text(HeapTuple tuple, TupleDesc desc, const char *column)
{
	char	   *value = sg_spi_text(tuple, desc, column);

	return value ? cstring_to_text(value) : NULL;
}

static List *
read_rules(void)
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
		FeedbackRule *rule = palloc(sizeof(FeedbackRule));

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
says(const FeedbackRule *rule, text *wanted, const char *name)
{
	Datum		value;

	if (wanted == NULL)
		return true;
	value = PointerGetDatum(cstring_to_text(name));
	return DatumGetBool(DirectFunctionCall2Coll(rule->pattern ? textregexeq : texteq,
												C_COLLATION_OID, value, PointerGetDatum(wanted)));
}

/* The name of a table, made once */
static const char *
table_name(const Facts *facts, char **names, int table)
{
	if (names[table] == NULL)
		names[table] = sg_relation_name(facts->tables[table].oid);
	return names[table];
}

static char *
column_list(const Facts *facts, const Candidate *cand)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < cand->n; i++)
		appendStringInfo(&buf, "%s%s", i ? "," : "", facts->columns[cand->columns[i]].name);
	return buf.data;
}

/* From now on, columns of that name are known to refer to that key */
static void
learn(Facts *facts, const Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];
	FactReference *reference;

	facts->references = repalloc_huge(facts->references,
									  (facts->nreferences + 2) * sizeof(FactReference));
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
 * Applies the users' verdicts to the candidates; returns those that are left.
 * A pattern that can't be read as one raises 2201B: the table refuses those.
 */
List *
feedback_apply(Facts *facts, List *candidates)
{
	List	   *rules = read_rules();
	List	   *left = NIL;
	char	  **names;
	ListCell   *lc;

	if (rules == NIL)
		return candidates;
	names = palloc0((facts->ntables + 1) * sizeof(char *));
	foreach(lc, candidates)
	{
		Candidate  *cand = lfirst(lc);
		const char *child = table_name(facts, names, facts->columns[cand->column].table);
		const char *parent = table_name(facts, names, facts->keys[cand->key].table);
		char	   *columns = column_list(facts, cand);
		bool		rejected = false;
		ListCell   *r;

		CHECK_FOR_INTERRUPTS();
		foreach(r, rules)
		{
			FeedbackRule *rule = lfirst(r);

			if (!says(rule, rule->child_columns, columns) ||
				!says(rule, rule->child_table, child) ||
				!says(rule, rule->parent_table, parent))
				continue;
			if (rule->accepted)
				cand->accepted = true;
			else
				rejected = true;
		}
		if (rejected)
			continue;
		if (cand->accepted)
			learn(facts, cand);
		left = lappend(left, cand);
	}
	return left;
}
