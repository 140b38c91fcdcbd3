/*-------------------------------------------------------------------------
 *
 * audit_scan.c
 *	  Reading tables: parents into sets, children against them.
 *
 * One scan of a child judges all of its keys.  Rows are taken apart once;
 * each key collects its values in a batch, which is looked up when it is
 * full, so that the pages of the child need not stay pinned and the cache
 * misses of many look-ups overlap.
 *
 * Keys of a set that is not built are looked up in the parent's index
 * (audit_probe.c) instead.  Those that are not found there are kept; the
 * parent is read for them afterwards.
 *
 * Runs in the leader and in workers alike.  Tables are read by the table
 * access method's interface, in the active snapshot.  No index can make an
 * orphan look like none, nor a row like an orphan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/audit_codec.h"
#include "audit/audit_distinct.h"
#include "audit/audit_job.h"
#include "audit/audit_rows.h"
#include "audit/audit_rule_job.h"
#include "audit/audit_set.h"
#include "base/compat.h"
#include "base/gone.h"

/* pages between two reports of progress */
#define REPORT_PAGES 128

/* bytes of values beyond which a batch is looked up early */
#define BATCH_BYTES (256 * 1024)

/* Batch of a child's rows that are judged together */
typedef struct TaskBatch
{
	AuditTask  *task;
	AuditCodec *codec;
	AuditSetView *view;
	AuditProbe *probe;			/* look-up in the index; NULL: the set is
								 * built */
	uint64		probed;			/* number of keys looked up */
	bool		given_up;		/* too many look-ups: given up */
	AuditDistinct *distinct;
	AttrNumber	att[INDEX_MAX_KEYS];	/* column numbers in the leaf, in the
										 * codec's order */
	uint32		nparts;
	uint32		part;
	bool		simple;			/* one by-value column, set not divided */
	int16		len;			/* of its type */
	uint64		orphan_rows;
	uint64		orphan_pages;
	uint64		from_page;		/* pages read before the batch */
	int			n;				/* keys in the batch */
	uint64	   *words;			/* SHAPE_WORDS */
	char	   *data;			/* other shapes: bytes of the keys */
	Size		room;
	Size		used;
	Size		start[AUDIT_BATCH];
	AuditBytes	keys[AUDIT_BATCH];
} TaskBatch;

typedef struct JudgeState
{
	AuditParticipant *participant;
	MemoryContext work;			/* reset after each look-up */
	TaskBatch  *batches;
	int			nbatches;
	int			nactive;		/* number of batches that are not given up */
} JudgeState;

/* Maps a codec's columns to a leaf, by their names in the key's table */
static int
map_columns(const AuditCodec *codec, bool parent, Oid root, Oid leaf, AttrNumber *att)
{
	int			last = 0;

	for (int i = 0; i < codec->ncols; i++)
	{
		att[i] = parent ? codec->cols[i].parent_att : codec->cols[i].child_att;
		if (leaf != root)
			att[i] = sg_column_in(leaf, root, att[i]);
		last = Max(last, att[i]);
	}
	return last;
}

/* Marks the columns that a codec reads, by their numbers in the table */
static void
want_columns(const AuditCodec *codec, const AttrNumber *att, bool *wanted)
{
	for (int i = 0; i < codec->ncols; i++)
		wanted[att[i] - 1] = true;
}

static void
begin_rows(AuditRows *rows, AuditParticipant *participant, AuditRead *read, Relation rel,
		   const bool *wanted, int last)
{
	AuditJob   *job = participant->job;

	participant->last_block = InvalidBlockNumber;
	audit_rows_begin(rows, rel, job->parallel ?
					 (ParallelTableScanDesc) ((char *) job + read->pscan) : NULL, wanted, last);
}

/* Counts the pages that rows come from */
static inline void
count_page(AuditParticipant *participant, const AuditRows *rows)
{
	/* page of the current row, also if a page is read as a whole */
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(&rows->slot->tts_tid);

	if (block == participant->last_block)
		return;
	participant->last_block = block;
	participant->pages++;
	if (++participant->blocks >= REPORT_PAGES)
		audit_report_progress(participant);
}

/* ---- parents ---- */

/* Counts a row that its table's index should have led to */
static void
count_missed(AuditSetView *view, const AuditRead *read, const AttrNumber *att, TupleTableSlot *slot)
{
	AuditSet   *set = view->set;

	if (!audit_set_has_missed(view, att, slot))
		return;
	for (int i = 0; i < set->nleaves; i++)
	{
		if (set->leaf[i].table == read->relid)
			pg_atomic_fetch_add_u64(&set->lost[i], 1);
	}
}

/* Adds a row of the parent to the set, or counts it in it; returns false if the set is full */
static bool
take_parent_row(AuditSetView *view, const AuditRead *read, const AttrNumber *att, TupleTableSlot *slot)
{
	if (view->set->stage != SET_CHECK)
		return audit_set_add(view, att, slot);
	count_missed(view, read, att, slot);
	return true;
}

/* Reads the parent into the set; returns false if the set is full */
static bool
read_parent(AuditParticipant *participant, AuditRead *read, AuditSetView *view)
{
	Relation	rel = table_open(read->relid, AccessShareLock);
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "schemaguard parent row",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = CurrentMemoryContext;
	AttrNumber	att[INDEX_MAX_KEYS];
	int			last = map_columns(view->codec, true, read->root, read->relid, att);
	bool		leaks = view->codec->shape != SHAPE_WORDS;
	bool		wanted[MaxTupleAttributeNumber] = {false};
	AuditRows	rows;
	bool		room = true;

	want_columns(view->codec, att, wanted);
	begin_rows(&rows, participant, read, rel, wanted, last);
	while (room && audit_rows_next(&rows))
	{
		if (leaks)
		{
			MemoryContextSwitchTo(work);
			room = take_parent_row(view, read, att, rows.slot);
			MemoryContextSwitchTo(old);
			MemoryContextReset(work);
		}
		else
			room = take_parent_row(view, read, att, rows.slot);
		count_page(participant, &rows);
	}
	audit_rows_end(&rows);
	table_close(rel, NoLock);
	MemoryContextDelete(work);

	return room;
}

static void
build_sets(AuditParticipant *participant)
{
	AuditJob   *job = participant->job;
	int			open = -1;
	bool		room = true;

	for (int i = 0; i < job->nreads; i++)
	{
		AuditRead  *read = &AUDIT_READS(job)[i];

		if (read->set != open)
		{
			if (open >= 0)
				audit_set_close(&participant->views[open]);
			open = read->set;
			room = true;
		}
		if (room)
			room = read_parent(participant, read, &participant->views[open]);
	}
	if (open >= 0)
		audit_set_close(&participant->views[open]);
}

/* ---- children ---- */

/* Adds an orphan of the batch, by its bytes */
static void
add_orphan(TaskBatch *batch, char *data, Size len)
{
	Datum		values[INDEX_MAX_KEYS];

	batch->orphan_rows++;
	if (audit_distinct_seen(batch->distinct, data, len))
		return;
	audit_decode(batch->codec, data, len, values);
	audit_distinct_add(batch->distinct, values, NULL);
}

/* Looks keys up in the parent's index; gives up beyond the limit, and the parent is read. */
static void
ask_index(TaskBatch *batch, const AuditBytes *keys, int n, bool *found)
{
	AuditSet   *set = batch->view->set;

	for (int i = 0; i < n; i++)
	{
		bool		asked;

		found[i] = audit_probe_has(batch->probe, &keys[i], &asked);
		if (!asked)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (++batch->probed > batch->task->limit ||
			(!found[i] && !audit_set_add_missed(batch->view, &keys[i])))
			pg_atomic_write_u32(&set->full, 1);
	}
}

static void
look_up_words(TaskBatch *batch)
{
	int			nwords = batch->codec->nwords;
	bool		found[AUDIT_BATCH];

	if (batch->probe)
	{
		for (int i = 0; i < batch->n; i++)
		{
			batch->keys[i].data = (char *) (batch->words + i * nwords);
			batch->keys[i].len = sizeof(uint64) * nwords;
		}
		ask_index(batch, batch->keys, batch->n, found);
	}
	else
		audit_set_probe_words(batch->view, batch->words, batch->n, found);
	for (int i = 0; i < batch->n; i++)
	{
		uint64	   *words = batch->words + i * nwords;

		if (!found[i])
			add_orphan(batch, (char *) words, sizeof(uint64) * nwords);
	}
}

static void
look_up_bytes(TaskBatch *batch)
{
	bool		found[AUDIT_BATCH];
	int			n = 0;

	/* set the pointers only now, because the buffer no longer moves */
	for (int i = 0; i < batch->n; i++)
	{
		AuditBytes *key = &batch->keys[n];
		Size		end = i + 1 < batch->n ? batch->start[i + 1] : batch->used;

		key->data = batch->data + batch->start[i];
		key->len = end - batch->start[i];
		if (batch->nparts == 1 ||
			audit_in_part(audit_hash_bytes(batch->codec, false, key->data, key->len,
										   batch->view->seed),
						  batch->nparts, batch->part))
			n++;
	}
	if (batch->probe)
		ask_index(batch, batch->keys, n, found);
	else
		audit_set_probe_bytes(batch->view, batch->codec, batch->keys, n, found);
	for (int i = 0; i < n; i++)
	{
		if (!found[i])
			add_orphan(batch, batch->keys[i].data, batch->keys[i].len);
	}
}

static void
look_up(JudgeState *state, TaskBatch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(state->work);
	uint64		before = batch->orphan_rows;

	if (batch->codec->shape == SHAPE_WORDS)
		look_up_words(batch);
	else
		look_up_bytes(batch);
	batch->n = 0;
	batch->used = 0;
	state->participant->orphans += batch->orphan_rows - before;
	if (batch->orphan_rows > before)
		batch->orphan_pages += state->participant->pages - batch->from_page + 1;
	batch->from_page = state->participant->pages;
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->work);

	if (batch->probe && !batch->given_up && pg_atomic_read_u32(&batch->view->set->full))
	{
		batch->given_up = true;
		state->nactive--;
	}
}

/* Adds a row that is an orphan whatever the parent contains */
static void
add_row(JudgeState *state, TaskBatch *batch, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(state->work);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < batch->codec->ncols; i++)
	{
		int			position = batch->codec->cols[i].position;

		values[position] = slot->tts_values[batch->att[i] - 1];
		nulls[position] = slot->tts_isnull[batch->att[i] - 1];
	}
	batch->orphan_rows++;
	state->participant->orphans++;
	audit_distinct_add(batch->distinct, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->work);
}

/*
 * Returns whether a value is longer than any key can be.  Only if bytes decide:
 * a blank-padded value may equal one of another length.
 */
static bool
too_long(const TaskBatch *batch, TupleTableSlot *slot)
{
	if (batch->codec->shape != SHAPE_BYTES)
		return false;
	for (int i = 0; i < batch->codec->ncols; i++)
	{
		if (batch->codec->cols[i].child_len == -1 &&
			toast_raw_datum_size(slot->tts_values[batch->att[i] - 1]) > AUDIT_MAX_KEY_LEN)
			return true;
	}
	return false;
}

/* Fast path for one plain value in the row: copies its bytes */
static bool
take_plain_text(TaskBatch *batch, TupleTableSlot *slot)
{
	Pointer		p;
	Size		len;

	if (batch->codec->shape != SHAPE_BYTES || batch->codec->ncols > 1)
		return false;
	p = DatumGetPointer(slot->tts_values[batch->att[0] - 1]);
	if (VARATT_IS_EXTERNAL(p) || VARATT_IS_COMPRESSED(p))
		return false;
	len = VARSIZE_ANY_EXHDR(p);
	if (batch->used + len > batch->room)
		return false;

	batch->start[batch->n++] = batch->used;
	memcpy(batch->data + batch->used, VARDATA_ANY(p), len);
	batch->used += len;
	return true;
}

static void
take_bytes(JudgeState *state, TaskBatch *batch, TupleTableSlot *slot)
{
	MemoryContext old;

	if (take_plain_text(batch, slot))
		return;
	if (too_long(batch, slot))
	{
		/*
		 * count it in one partition of the set only
		 */
		if (batch->part == 0)
			add_row(state, batch, slot);
		return;
	}

	old = MemoryContextSwitchTo(state->work);
	batch->start[batch->n] = batch->used;
	batch->used += audit_encode_bytes(batch->codec, false, batch->att, slot->tts_values,
									  &batch->data, &batch->room, batch->used);
	MemoryContextSwitchTo(old);
	batch->n++;
}

static inline void
take_row(JudgeState *state, TaskBatch *batch, TupleTableSlot *slot)
{
	int			ncols = batch->codec->ncols;
	int			nulls = 0;

	if (batch->simple)
	{
		/* fast path: one number, null or not */
		AttrNumber	att = batch->att[0];

		if (!slot->tts_isnull[att - 1])
			batch->words[batch->n++] = audit_word(slot->tts_values[att - 1], batch->len);
		if (batch->n == AUDIT_BATCH)
			look_up(state, batch);
		return;
	}

	for (int i = 0; i < ncols; i++)
		nulls += slot->tts_isnull[batch->att[i] - 1];
	if (nulls > 0)
	{
		if (nulls < ncols && batch->task->key.match == FKCONSTR_MATCH_FULL &&
			batch->task->partly_null)
			add_row(state, batch, slot);
		return;
	}

	if (batch->codec->shape == SHAPE_WORDS)
	{
		uint64	   *words = batch->words + batch->n * batch->codec->nwords;

		audit_encode_words(batch->codec, false, batch->att, slot->tts_values, words);
		if (batch->nparts == 1 ||
			audit_in_part(audit_hash_words(words, batch->codec->nwords, batch->view->seed),
						  batch->nparts, batch->part))
			batch->n++;
	}
	else
		take_bytes(state, batch, slot);

	if (batch->n == AUDIT_BATCH || batch->used > BATCH_BYTES)
		look_up(state, batch);
}

static void
read_child(JudgeState *state, int number)
{
	AuditParticipant *participant = state->participant;
	AuditRead  *read = &AUDIT_READS(participant->job)[number];
	Relation	rel = table_open(read->relid, AccessShareLock);
	bool		wanted[MaxTupleAttributeNumber] = {false};
	AuditRuleReader *rules;
	AuditRows	rows;
	uint64		nrows = 0;
	int			last = 0;

	for (int i = 0; i < state->nbatches; i++)
	{
		TaskBatch  *batch = &state->batches[i];

		last = Max(last, map_columns(batch->codec, false, read->root, read->relid, batch->att));
		want_columns(batch->codec, batch->att, wanted);
	}
	rules = audit_rules_begin(participant, number, rel, wanted, &last);

	begin_rows(&rows, participant, read, rel, wanted, last);
	while ((state->nactive > 0 || rules) && audit_rows_next(&rows))
	{
		for (int i = 0; i < state->nbatches; i++)
		{
			if (!state->batches[i].given_up)
				take_row(state, &state->batches[i], rows.slot);
		}
		if (rules)
			audit_rules_judge(rules, &rows);
		nrows++;
		count_page(participant, &rows);
	}
	audit_rows_end(&rows);
	if (rules)
		audit_rules_end(rules);
	for (int i = 0; i < state->nbatches; i++)
		look_up(state, &state->batches[i]);
	table_close(rel, NoLock);
	pg_atomic_fetch_add_u64(&read->rows, nrows);
}

static void
begin_batches(JudgeState *state, AuditRead *read)
{
	AuditParticipant *participant = state->participant;

	state->nbatches = state->nactive = 0;
	state->batches = palloc0(sizeof(TaskBatch) * read->ntasks);
	for (int i = 0; i < read->ntasks; i++)
	{
		TaskBatch  *batch = &state->batches[state->nbatches];
		int			task = read->first_task + i;

		if (AUDIT_TASKS(participant->job)[task].set < 0)
			continue;
		state->nbatches++;
		state->nactive++;
		batch->task = &AUDIT_TASKS(participant->job)[task];
		batch->codec = participant->codecs[task];
		batch->view = &participant->views[batch->task->set];
		if (batch->view->set->stage == SET_PROBE)
			batch->probe = audit_probe_begin(&batch->task->key, batch->codec, batch->view->set->leaf, batch->view->set->nleaves,
											 participant->job->probe_memory, &participant->asking);
		batch->distinct = participant->distinct[task];
		batch->from_page = participant->pages;
		batch->nparts = batch->view->set->nparts;
		batch->part = batch->view->set->part;
		batch->simple = batch->codec->shape == SHAPE_WORDS && batch->codec->ncols == 1 &&
			batch->codec->cols[0].child_byval && batch->nparts == 1;
		batch->len = batch->codec->cols[0].child_len;
		if (batch->codec->shape == SHAPE_WORDS)
			batch->words = palloc(sizeof(uint64) * batch->codec->nwords * AUDIT_BATCH);
		else
		{
			batch->room = 8192;
			batch->data = palloc(batch->room);
		}
	}
}

static void
end_batches(JudgeState *state)
{
	for (int i = 0; i < state->nbatches; i++)
	{
		TaskBatch  *batch = &state->batches[i];

		pg_atomic_fetch_add_u64(&batch->task->orphan_rows, batch->orphan_rows);
		pg_atomic_fetch_add_u64(&batch->task->orphan_pages, batch->orphan_pages);
		if (batch->words)
			pfree(batch->words);
		if (batch->data)
			pfree(batch->data);
		if (batch->probe)
			audit_probe_end(batch->probe);
	}
	pfree(state->batches);
}

/* Returns whether two reads judge the same keys */
static bool
same_tasks(const AuditRead *a, const AuditRead *b)
{
	return a->first_task == b->first_task && a->ntasks == b->ntasks;
}

static void
judge_children(AuditParticipant *participant)
{
	AuditJob   *job = participant->job;
	JudgeState	state = {participant};

	state.work = AllocSetContextCreate(CurrentMemoryContext, "schemaguard child rows",
									   ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < job->nreads; i++)
	{
		AuditRead  *read = &AUDIT_READS(job)[i];

		/* leaves of one table are adjacent */
		if (i == 0 || !same_tasks(read, read - 1))
			begin_batches(&state, read);
		read_child(&state, i);
		if (i + 1 == job->nreads || !same_tasks(read, read + 1))
			end_batches(&state);
	}
	for (int i = 0; i < job->nsets; i++)
	{
		if (participant->views[i].set->stage == SET_PROBE)
			audit_set_close(&participant->views[i]);
	}
	MemoryContextDelete(state.work);
}

void
audit_participate(AuditParticipant *participant)
{
	AuditJob   *job = participant->job;

	switch (job->phase)
	{
		case PHASE_BUILD:
			build_sets(participant);
			break;
		case PHASE_INSERT:
			for (int i = 0; i < job->nsets; i++)
				audit_set_insert(&participant->views[i]);
			break;
		case PHASE_JUDGE:
			participant->evaluated = -1;
			PG_TRY();
			{
				judge_children(participant);
			}
			PG_CATCH();
			{
				if (participant->evaluated >= 0)
					pg_atomic_write_u32(&job->raised, participant->evaluated + 1);
				if (OidIsValid(participant->asking))
					pg_atomic_write_u32(&job->asked, participant->asking);
				PG_RE_THROW();
			}
			PG_END_TRY();
			break;
	}
	audit_report_progress(participant);
}
