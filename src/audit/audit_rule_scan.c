/*-------------------------------------------------------------------------
 *
 * audit_rule_scan.c
 *	  Rules, judged while their table is read (audit_scan.c).
 *
 * Conditions are evaluated as the server does it when it checks rows: prepared
 * for each table that is read, with its own numbers of columns and its own
 * generated columns, and null is no violation.  The values of UNIQUE go to a
 * sort, by the columns' default operator classes and collations, as those of
 * the index would be compared.
 *
 * Which rows a sample shows does not depend on who read them: each participant
 * keeps the first ones by their place, and the first ones of those are shown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit_internal.h"
#include "audit/audit_rule_job.h"
#include "base/compat.h"
#include "base/gone.h"

typedef struct RuleState
{
	AuditTask  *task;
	int			number;			/* of the task */
	ExprState  *condition;		/* condition; NULL: NOT NULL of a stored
								 * column, or UNIQUE */
	AttrNumber	att[INDEX_MAX_KEYS];	/* column numbers in the table that is
										 * read */
	AuditDistinct *distinct;	/* UNIQUE */
	AuditHits  *hits;
	uint64		rows;			/* rows that break the rule */
} RuleState;

struct AuditRuleReader
{
	AuditParticipant *participant;
	int			read;
	Relation	rel;
	EState	   *estate;
	TupleTableSlot *slot;		/* slot that shows the executor the columns
								 * that were read */
	int			n;
	RuleState	rules[FLEXIBLE_ARRAY_MEMBER];
};

/* ---- preparing ---- */

static void
want(Node *condition, Relation rel, bool *wanted, int *last)
{
	Bitmapset  *columns = NULL;
	int			natts = RelationGetNumberOfAttributes(rel);
	int			i = -1;

	pull_varattnos(condition, 1, &columns);
	while ((i = bms_next_member(columns, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (attnum == 0)
			memset(wanted, true, sizeof(bool) * natts);
		else if (attnum > 0)
			wanted[attnum - 1] = true;
		*last = Max(*last, attnum == 0 ? natts : attnum);
	}
}

/*
 * Returns the condition of a rule for the table that is read, or NULL if values
 * alone decide.  Expressions of generated columns are the table's own, as in
 * its constraint.  A condition over a tree never uses whole rows
 * (audit_rule_problem).
 */
static Node *
make_condition(const AuditJob *job, const AuditRead *read, const RuleState *rule, Relation rel)
{
	Node	   *condition = NULL;
	Relation	root;

	if (rule->task->condition)
		condition = stringToNode((char *) job + rule->task->condition);
	else if (rule->task->kind == AUDIT_NOT_NULL &&
			 TupleDescAttr(RelationGetDescr(rel), rule->att[0] - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), rule->att[0] - 1);
		NullTest   *test = makeNode(NullTest);

		test->arg = (Expr *) makeVar(1, rule->att[0], att->atttypid, att->atttypmod, att->attcollation, 0);
		test->nulltesttype = IS_NOT_NULL;
		test->argisrow = false;
		test->location = -1;
		return expand_generated_columns_in_expr((Node *) test, rel, 1);
	}
	if (condition == NULL)
		return NULL;
	if (read->relid != read->root)
	{
		root = table_open(read->root, AccessShareLock);
		condition = linitial(map_partition_varattnos(list_make1(condition), 1, rel, root));
		table_close(root, NoLock);
	}
	return expand_generated_columns_in_expr(condition, rel, 1);
}

static void
map_columns(RuleState *rule, const AuditRead *read)
{
	const FkKey *key = &rule->task->key;

	for (int i = 0; i < key->nkeys; i++)
		rule->att[i] = read->relid == read->root ? key->child_att[i] :
			sg_column_in(read->relid, read->root, key->child_att[i]);
}

static void
prepare_rule(AuditRuleReader *reader, RuleState *rule, bool *wanted, int *last)
{
	AuditParticipant *participant = reader->participant;
	AuditJob   *job = participant->job;
	AuditRead  *read = &AUDIT_READS(job)[reader->read];
	Node	   *condition;

	map_columns(rule, read);
	rule->hits = (AuditHits *) ((char *) job + rule->task->hits +
								AUDIT_HITS_SIZE(job->samples) * participant->number);
	rule->distinct = participant->distinct[rule->number];
	condition = make_condition(job, read, rule, reader->rel);
	if (condition)
	{
		want(condition, reader->rel, wanted, last);
		participant->evaluated = rule->number;
		rule->condition = ExecPrepareExpr((Expr *) condition, reader->estate);
		participant->evaluated = -1;
		return;
	}
	for (int i = 0; i < rule->task->key.nkeys; i++)
	{
		wanted[rule->att[i] - 1] = true;
		*last = Max(*last, rule->att[i]);
	}
}

AuditRuleReader *
audit_rules_begin(AuditParticipant *participant, int read, Relation rel, bool *wanted, int *last)
{
	AuditRead  *reads = AUDIT_READS(participant->job);
	int			ntasks = reads[read].ntasks;
	AuditRuleReader *reader = palloc0(offsetof(AuditRuleReader, rules) + sizeof(RuleState) * ntasks);

	for (int i = 0; i < ntasks; i++)
	{
		int			number = reads[read].first_task + i;
		AuditTask  *task = &AUDIT_TASKS(participant->job)[number];

		if (task->set >= 0)
			continue;
		reader->rules[reader->n].task = task;
		reader->rules[reader->n++].number = number;
	}
	if (reader->n == 0)
	{
		pfree(reader);
		return NULL;
	}

	reader->participant = participant;
	reader->read = read;
	reader->rel = rel;
	reader->estate = CreateExecutorState();
	for (int i = 0; i < reader->n; i++)
		prepare_rule(reader, &reader->rules[i], wanted, last);
	return reader;
}

/*
 * Sets up a slot of the columns that the scan has read, so that the executor
 * does not deform the row again.
 */
static void
begin_slot(AuditRuleReader *reader, const AuditRows *rows)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(reader->rel), &TTSOpsVirtual);

	slot->tts_values = rows->slot->tts_values;
	slot->tts_isnull = rows->slot->tts_isnull;
	slot->tts_tableOid = RelationGetRelid(reader->rel);
	ExecStoreVirtualTuple(slot);
	reader->slot = slot;
	GetPerTupleExprContext(reader->estate)->ecxt_scantuple = slot;
}

/* ---- judging ---- */

static int
compare_hits(const AuditHit *a, const AuditHit *b)
{
	ItemPointerData tid_a = a->tid;
	ItemPointerData tid_b = b->tid;

	if (a->read != b->read)
		return a->read < b->read ? -1 : 1;
	return ItemPointerCompare(&tid_a, &tid_b);
}

/* Keeps a hit in order; rows usually arrive sorted */
static void
keep_hit(AuditRuleReader *reader, RuleState *rule, const AuditRows *rows)
{
	AuditHits  *hits = rule->hits;
	int			samples = reader->participant->job->samples;
	AuditHit	hit = {reader->read, audit_rows_place(rows)};
	int			i;

	if (samples == 0 || (hits->n == samples && compare_hits(&hit, &hits->hits[samples - 1]) > 0))
		return;
	for (i = hits->n < samples ? hits->n++ : samples - 1; i > 0 && compare_hits(&hit, &hits->hits[i - 1]) < 0; i--)
		hits->hits[i] = hits->hits[i - 1];
	hits->hits[i] = hit;
}

static void
sort_row(RuleState *rule, const TupleTableSlot *row)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < rule->task->key.nkeys; i++)
	{
		values[i] = row->tts_values[rule->att[i] - 1];
		nulls[i] = row->tts_isnull[rule->att[i] - 1];
		if (nulls[i] && !rule->task->nulls_equal)
			return;
	}
	audit_distinct_add(rule->distinct, values, nulls);
}

void
audit_rules_judge(AuditRuleReader *reader, AuditRows *rows)
{
	AuditParticipant *participant = reader->participant;
	ExprContext *econtext = GetPerTupleExprContext(reader->estate);

	if (reader->slot == NULL)
		begin_slot(reader, rows);
	for (int i = 0; i < reader->n; i++)
	{
		RuleState  *rule = &reader->rules[i];
		bool		holds;

		if (rule->condition)
		{
			participant->evaluated = rule->number;
			holds = ExecCheck(rule->condition, econtext);
			participant->evaluated = -1;
		}
		else if (rule->distinct)
		{
			MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

			sort_row(rule, rows->slot);
			MemoryContextSwitchTo(old);
			continue;
		}
		else
			holds = !rows->slot->tts_isnull[rule->att[0] - 1];
		if (holds)
			continue;
		rule->rows++;
		participant->orphans++;
		keep_hit(reader, rule, rows);
	}
	ResetPerTupleExprContext(reader->estate);
}

void
audit_rules_end(AuditRuleReader *reader)
{
	for (int i = 0; i < reader->n; i++)
		pg_atomic_fetch_add_u64(&reader->rules[i].task->orphan_rows, reader->rules[i].rows);
	if (reader->slot)
		ExecDropSingleTupleTableSlot(reader->slot);
	FreeExecutorState(reader->estate);
	pfree(reader);
}

/* ---- the sample ---- */

/*
 * Returns a row as an object: its place, unless its key identifies it, and the
 * columns that the rule reads
 */
static Jsonb *
row_object(const AuditKey *ak, Oid relid, TupleTableSlot *slot, MemoryContext results)
{
	Datum		values[INDEX_MAX_KEYS + 2];
	bool		nulls[INDEX_MAX_KEYS + 2] = {false};
	Oid			types[INDEX_MAX_KEYS + 2];
	char	   *names[INDEX_MAX_KEYS + 2];
	int			n = 0;
	ListCell   *lc;

	/* a primary key identifies a row of its own table or of a partition */
	if (relid != ak->key.child && (ak->rule->ctid || !get_rel_relispartition(relid)))
	{
		names[n] = "tableoid";
		types[n] = REGCLASSOID;
		values[n++] = ObjectIdGetDatum(relid);
	}
	if (ak->rule->ctid)
	{
		names[n] = "ctid";
		types[n] = TIDOID;
		values[n++] = PointerGetDatum(&slot->tts_tid);
	}
	foreach(lc, ak->rule->shown)
	{
		names[n] = sg_column_name(ak->key.child, lfirst_int(lc));
		types[n] = get_atttype(ak->key.child, lfirst_int(lc));
		values[n] = slot_getattr(slot, relid == ak->key.child ? lfirst_int(lc) : get_attnum(relid, names[n]),
								 &nulls[n]);
		n++;
	}
	return audit_object(n, names, types, values, nulls, results);
}

static int
compare_hit_pointers(const void *a, const void *b)
{
	return compare_hits(a, b);
}

/* Merges the hits of all participants, and returns the first ones */
static int
merge_hits(const AuditJob *job, const AuditTask *task, AuditHit **merged)
{
	int			n = 0;

	*merged = palloc(sizeof(AuditHit) * Max(job->samples * job->nparticipants, 1));
	for (int i = 0; i < job->nparticipants; i++)
	{
		const AuditHits *hits = (const AuditHits *) ((const char *) job + task->hits +
													 AUDIT_HITS_SIZE(job->samples) * i);

		memcpy(*merged + n, hits->hits, sizeof(AuditHit) * hits->n);
		n += hits->n;
	}
	qsort(*merged, n, sizeof(AuditHit), compare_hit_pointers);
	return Min(n, job->samples);
}

List *
audit_rule_sample(const AuditKey *ak, const AuditJob *job, int task, MemoryContext results)
{
	AuditHit   *hits;
	int			n = merge_hits(job, &AUDIT_TASKS(job)[task], &hits);
	List	   *sample = NIL;

	for (int i = 0; i < n; i++)
	{
		Relation	rel = table_open(AUDIT_READS(job)[hits[i].read].relid, AccessShareLock);
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		MemoryContext old;
		Jsonb	   *object;

		if (table_tuple_fetch_row_version(rel, &hits[i].tid, GetActiveSnapshot(), slot))
		{
			object = row_object(ak, RelationGetRelid(rel), slot, results);
			old = MemoryContextSwitchTo(results);
			sample = lappend(sample, object);
			MemoryContextSwitchTo(old);
		}
		ExecDropSingleTupleTableSlot(slot);
		table_close(rel, NoLock);
	}
	return sample;
}
