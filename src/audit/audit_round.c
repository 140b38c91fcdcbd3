/*-------------------------------------------------------------------------
 *
 * audit_round.c
 *	  Judging by scan: which sets are in memory together, how often to read.
 *
 * Keys that refer to the same columns of the same parent share one set.  All
 * sets together have to fit into schemaguard.audit_memory.  If they do not,
 * there are several rounds, each with as many sets as fit; a set that is too
 * large by itself is divided by hash into partitions, one a round, and the
 * child is read once for each of them.  What is expected of a set comes from
 * statistics, what happens from what is found: a set that runs out of memory
 * is divided in two.
 *
 * Where a child has few keys and the parent many rows, keys are looked up in
 * the parent's index while the child is read, instead of in a set.  Those that
 * are not found there become a set, in which one read of the parent looks its
 * rows up.  A row that is found in it is one that the index has lost; then,
 * and where there were more keys than expected, both tables are read.
 *
 * Rules need no set.  They go with the first round that reads their table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "common/pg_prng.h"
#include "optimizer/paths.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "audit/audit_codec.h"
#include "audit/audit_distinct.h"
#include "audit/audit_internal.h"
#include "audit/audit_items.h"
#include "audit/audit_job.h"
#include "audit/audit_rule_job.h"
#include "audit/audit_set.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"

/* memory to sort orphans of all keys of an audit, in kB */
#define SORT_MEMORY 8192

/* maximum rows of a rule's sample, which are kept in shared memory */
#define MAX_RULE_SAMPLES 1000

/*
 * number of keys from which on workers help to insert them, and number of bits
 * that cost as much as one key
 */
#define PARALLEL_INSERT_KEYS 300000
#define BITS_PER_INSERT 20

/* Round: one pass over some sets and the children that reference them */
typedef struct Round
{
	ScanAudit  *audit;
	List	   *items;			/* of WorkItem * */
	List	   *keys;			/* ScanKeyState *: keys whose set is in it,
								 * and rules */
	AuditMemory memory;
	AuditSet   *sets;
	AuditRef	sets_ref;
	AuditParticipant leader;
	int			build_workers;
	int			judge_workers;
	bool		check;			/* searches for keys that indexes missed */
	List	   *unread;			/* WorkItem *: parents that must be read after
								 * all */
} Round;

/* ---- a round ---- */

static int
item_number(Round *round, int set)
{
	for (int i = 0; i < list_length(round->items); i++)
	{
		if (((WorkItem *) list_nth(round->items, i))->set == set)
			return i;
	}
	return -1;
}

static void
fill_task(Round *round, AuditTask *task, const ScanKeyState *key)
{
	task->key = key->ak->key;
	task->set = key->set < 0 ? -1 : item_number(round, key->set);
	if (task->set >= 0)
		task->limit = ((ParentSet *) list_nth(round->audit->sets, key->set))->keys / ROWS_PER_PROBE;
	task->partly_null = task->set >= 0 && ((WorkItem *) list_nth(round->items, task->set))->part == 0;
	if (key->ak->rule)
	{
		task->kind = key->ak->rule->kind;
		task->nulls_equal = key->ak->rule->nulls_equal;
	}
	pg_atomic_init_u64(&task->orphan_rows, 0);
	pg_atomic_init_u64(&task->orphan_pages, 0);
}

/* Places the state of a job's rules behind its tasks, if the job is allocated; returns the end */
static Size
place_rules(const Round *round, AuditJob *job, AuditTask *tasks, Size end, int participants)
{
	int			i = 0;

	foreach_ptr(ScanKeyState, key, round->keys)
	{
		AuditTask  *task = &tasks[i++];
		char	   *text;

		if (key->set >= 0)
			continue;
		end = task->hits = MAXALIGN(end);
		end += AUDIT_HITS_SIZE(round->audit->samples) * participants;
		if (key->ak->rule->condition == NULL)
			continue;
		text = nodeToString(key->ak->rule->condition);

		task->condition = end;
		if (job)
			strcpy((char *) job + end, text);
		end += strlen(text) + 1;
	}
	return end;
}

/* Returns the number of keys that are looked up in an index */
static int
count_probed(const Round *round)
{
	int			n = 0;

	foreach_ptr(ScanKeyState, key, round->keys)
	{
		if (key->set >= 0 && ((ParentSet *) list_nth(round->audit->sets, key->set))->nleaves > 0)
			n++;
	}
	return n;
}

/*
 * Creates a job with room for its reads, a List of AuditRead *, and for the
 * results of that many participants
 */
static AuditJob *
make_job(Round *round, AuditPhase phase, List *reads, int participants)
{
	int			ntasks = list_length(round->keys);
	int			nreads = list_length(reads);
	Size		size = MAXALIGN(sizeof(AuditJob)) + MAXALIGN(sizeof(AuditTask) * ntasks) +
		sizeof(AuditRead) * nreads;
	Size		end = size;
	AuditTask  *tasks = palloc0(sizeof(AuditTask) * ntasks);
	AuditJob   *job;
	ListCell   *lc;
	int			i = 0;

	if (phase == PHASE_JUDGE)
		end = place_rules(round, NULL, tasks, size, participants);
	job = palloc0(end);
	job->phase = phase;
	job->seed = round->audit->seed;
	job->sets = round->sets_ref;
	job->nsets = list_length(round->items);
	job->ntasks = ntasks;
	job->nreads = nreads;
	job->nparticipants = participants;
	job->samples = round->audit->samples;
	job->probe_memory = round->audit->probe_memory / Max(count_probed(round), 1) / participants;
	job->size = end;
	if (round->memory.area)
		job->area = dsa_get_handle(round->memory.area);
	pg_atomic_init_u64(&job->blocks, 0);
	pg_atomic_init_u64(&job->orphans, 0);
	pg_atomic_init_u32(&job->raised, 0);
	pg_atomic_init_u32(&job->asked, InvalidOid);

	foreach(lc, round->keys)
		fill_task(round, &AUDIT_TASKS(job)[i++], lfirst(lc));
	if (phase == PHASE_JUDGE)
		(void) place_rules(round, job, AUDIT_TASKS(job), size, participants);
	i = 0;
	foreach(lc, reads)
	{
		AuditRead  *read = &AUDIT_READS(job)[i++];

		*read = *(AuditRead *) lfirst(lc);
		pg_atomic_init_u64(&read->rows, 0);
	}
	return job;
}

static List *
add_reads(List *reads, Oid root, List *relids, int set, int first_task, int ntasks)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		AuditRead  *read = palloc0(sizeof(AuditRead));

		read->relid = lfirst_oid(lc);
		read->root = root;
		read->set = set;
		read->first_task = first_task;
		read->ntasks = ntasks;
		reads = lappend(reads, read);
	}
	return reads;
}

static void
run_phase(Round *round, AuditPhase phase, List *reads, int nworkers)
{
	round->leader.job = make_job(round, phase, reads, nworkers + 1);
	audit_run_job(&round->leader, nworkers);
}

static ParentSet *
set_of_item(Round *round, int i)
{
	return list_nth(round->audit->sets, ((WorkItem *) list_nth(round->items, i))->set);
}

/* Returns whether a set takes part in a stage; in SET_COLLECT all whose parent is to be read do. */
static bool
takes_part(const Round *round, int i, AuditSetStage stage)
{
	return stage == SET_COLLECT ? round->sets[i].stage != SET_PROBE : round->sets[i].stage == stage;
}

/* Reads the parents of all sets that take part in a stage */
static void
read_parents(Round *round, AuditSetStage stage)
{
	List	   *reads = NIL;
	int64		pages = 0;

	for (int i = 0; i < list_length(round->items); i++)
	{
		if (!takes_part(round, i, stage))
			continue;
		reads = add_reads(reads, set_of_item(round, i)->parent,
						  audit_leaves(set_of_item(round, i)->parent, round->audit->leaves), i, 0, 0);
		pages += set_of_item(round, i)->pages;
	}
	if (reads == NIL)
		return;
	sg_progress_tables(SG_PHASE_BUILDING, ((AuditRead *) linitial(reads))->root, pages);
	run_phase(round, PHASE_BUILD, reads, round->build_workers);
}

static void
insert_keys(Round *round)
{
	uint64		keys = 0;
	int			workers = round->build_workers;

	for (int i = 0; i < list_length(round->items); i++)
		keys += round->sets[i].nkeys / (round->sets[i].bits ? BITS_PER_INSERT : 1);
	if (keys < PARALLEL_INSERT_KEYS && min_parallel_table_scan_size > 0)
		workers = 0;
	run_phase(round, PHASE_INSERT, NIL, workers);
}

/* Lays out all sets that have been read; returns items that do not fit */
static List *
lay_out(Round *round, AuditSetStage stage)
{
	List	   *failed = NIL;

	for (int i = 0; i < list_length(round->items); i++)
	{
		WorkItem   *item = list_nth(round->items, i);

		if (!takes_part(round, i, stage))
			continue;
		item->crowded = pg_atomic_read_u32(&round->sets[i].crowded);
		if (!audit_set_layout(&round->leader.views[i]))
			failed = lappend(failed, item);
	}
	return failed;
}

static List *
build(Round *round)
{
	List	   *failed;

	read_parents(round, SET_COLLECT);
	failed = lay_out(round, SET_COLLECT);
	if (failed != NIL)
		return failed;
	insert_keys(round);
	read_parents(round, SET_FILL);
	return lay_out(round, SET_FILL);
}

static void
open_views(Round *round)
{
	for (int i = 0; i < list_length(round->items); i++)
		audit_set_open(&round->leader.views[i], &round->sets[i], &round->memory,
					   set_of_item(round, i)->codec, round->audit->seed);
}

/*
 * Adds the reads of one child, for the keys from first to next; inheriting
 * tables are read for the last of them only
 */
static List *
add_child_reads(Round *round, List *reads, int first, int next)
{
	List	   *leaves = round->audit->leaves;
	Oid			child = ((ScanKeyState *) list_nth(round->keys, first))->ak->key.child;
	List	   *own = audit_leaves(child, leaves);
	int			tree = first;

	while (tree < next && !audit_key_is_tree(list_nth(round->keys, tree)))
		tree++;
	reads = add_reads(reads, child, own, 0, first, next - first);
	if (tree < next)
		reads = add_reads(reads, child, list_difference_oid(audit_tree_leaves(child, true, leaves), own),
						  0, tree, next - tree);
	return reads;
}

/* Returns whether the item looks keys up in that index */
static bool
asks(const Round *round, int item, Oid index)
{
	for (int i = 0; item >= 0 && i < round->sets[item].nleaves; i++)
	{
		if (round->sets[item].leaf[i].index == index)
			return true;
	}
	return false;
}

/* Runs the phase; after an error it is known which rule or index raised it */
static void
run_judge_phase(Round *round, List *reads)
{
	PG_TRY();
	{
		run_phase(round, PHASE_JUDGE, reads, round->judge_workers);
	}
	PG_CATCH();
	{
		uint32		raised = pg_atomic_read_u32(&round->leader.job->raised);
		Oid			asked = pg_atomic_read_u32(&round->leader.job->asked);

		if (raised > 0)
			((ScanKeyState *) list_nth(round->keys, raised - 1))->ak->raised = true;
		for (int i = 0; OidIsValid(asked) && i < list_length(round->keys); i++)
		{
			ScanKeyState *key = list_nth(round->keys, i);

			if (key->set >= 0 && asks(round, item_number(round, key->set), asked))
				key->ak->asked = asked;
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Makes keys whose index has lost rows be judged by reading, and reports the damage */
static void
blame(Round *round, int set, const char *damage)
{
	foreach_ptr(ScanKeyState, key, round->keys)
	{
		if (key->set == set)
			key->ak->damage = MemoryContextStrdup(round->audit->results, damage);
	}
}

/* Returns in words how many rows of a set its indexes have lost, or NULL */
static const char *
describe_loss(AuditSet *set)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < set->nleaves; i++)
	{
		uint64		lost = pg_atomic_read_u64(&set->lost[i]);
		char	   *rows = psprintf("it does not lead to " UINT64_FORMAT " row%s of %s", lost, lost == 1 ? "" : "s",
									sg_relation_name(set->leaf[i].table));

		if (lost > 0)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? "; " : "", audit_index_damage(set->leaf[i].index, rows));
	}
	return buf.len > 0 ? buf.data : NULL;
}

/* Adds the counts of a phase to the keys */
static void
add_counts(Round *round)
{
	AuditJob   *job = round->leader.job;

	for (int i = 0; i < job->ntasks; i++)
	{
		ScanKeyState *key = list_nth(round->keys, i);

		key->ak->orphan_rows += pg_atomic_read_u64(&AUDIT_TASKS(job)[i].orphan_rows);
		key->ak->orphan_pages += pg_atomic_read_u64(&AUDIT_TASKS(job)[i].orphan_pages);
		key->passes++;
		key->probed = key->set >= 0 && round->sets[item_number(round, key->set)].of_child;
		key->ak->rows_checked = 0;
		if (key->set < 0)
			key->ak->sample = audit_rule_sample(key->ak, job, i, round->audit->results);
	}
	for (int r = 0; r < job->nreads; r++)
	{
		AuditRead  *read = &AUDIT_READS(job)[r];

		for (int i = 0; i < read->ntasks; i++)
			((ScanKeyState *) list_nth(round->keys, read->first_task + i))->ak->rows_checked +=
				pg_atomic_read_u64(&read->rows);
	}
}

/* Reads each child once for all of its keys in the round */
static void
judge(Round *round)
{
	int			n = list_length(round->keys);
	List	   *reads = NIL;

	open_views(round);
	for (int i = 0; i < n;)
	{
		Oid			child = ((ScanKeyState *) list_nth(round->keys, i))->ak->key.child;
		int			next = i;

		while (next < n && ((ScanKeyState *) list_nth(round->keys, next))->ak->key.child == child)
			next++;
		reads = add_child_reads(round, reads, i, next);
		i = next;
	}
	/* nothing to read in a partitioned table without partitions */
	sg_progress_tables(SG_PHASE_SCANNING, ((ScanKeyState *) linitial(round->keys))->ak->key.child,
					   audit_child_pages(round->keys, round->audit->leaves));
	run_judge_phase(round, reads);
	add_counts(round);
}

/* Chooses the number of workers by the pages of the round's parents and children */
static void
choose_workers(Round *round)
{
	double		parents = 0;

	if (!round->audit->parallel)
		return;
	for (int i = 0; i < list_length(round->items); i++)
	{
		if (round->check || set_of_item(round, i)->nleaves == 0)
			parents += set_of_item(round, i)->pages;
	}
	round->build_workers = audit_choose_workers(Min(parents, MaxBlockNumber));
	if (!round->check)
		round->judge_workers = audit_choose_workers(audit_child_pages(round->keys, round->audit->leaves));
}

/* Sets up memory and participants of a round */
static void
begin_round(Round *round)
{
	ScanAudit  *audit = round->audit;
	int			n = Max(list_length(round->items), 1);

	foreach_ptr(ScanKeyState, key, audit->keys)
	{
		if (key->set < 0 ? key->passes == 0 && audit_takes_rule(audit, round->items, key) :
			audit_has_set(round->items, key->set))
			round->keys = lappend(round->keys, key);
	}
	choose_workers(round);

	round->memory.context = CurrentMemoryContext;
	round->memory.limit = audit->memory;
	if (round->build_workers > 0 || round->judge_workers > 0)
	{
		round->memory.area = dsa_create(LWTRANCHE_PARALLEL_QUERY_DSA);
		dsa_set_size_limit(round->memory.area, audit->memory + 1024 * 1024);
		round->sets_ref = dsa_allocate(round->memory.area, sizeof(AuditSet) * n);
		round->sets = dsa_get_address(round->memory.area, round->sets_ref);
	}
	else
		round->sets = palloc(sizeof(AuditSet) * n);

	round->leader.memory = &round->memory;
	round->leader.views = palloc0(sizeof(AuditSetView) * n);
	round->leader.codecs = palloc(sizeof(AuditCodec *) * list_length(round->keys));
	round->leader.distinct = palloc(sizeof(AuditDistinct *) * list_length(round->keys));
	for (int i = 0; i < list_length(round->keys); i++)
	{
		round->leader.codecs[i] = ((ScanKeyState *) list_nth(round->keys, i))->codec;
		round->leader.distinct[i] = ((ScanKeyState *) list_nth(round->keys, i))->distinct;
	}
}

/* Creates the empty sets of a round; returns the items without memory */
static List *
init_sets(Round *round)
{
	List	   *failed = NIL;

	begin_round(round);
	for (int i = 0; i < list_length(round->items); i++)
	{
		WorkItem   *item = list_nth(round->items, i);
		ParentSet  *set = set_of_item(round, i);

		if (!audit_set_init(&round->sets[i], &round->memory, audit_item_bytes(round->audit, item),
							item->nparts, item->part, item->stage))
			failed = lappend(failed, item);
		round->sets[i].nleaves = set->nleaves;
		memcpy(round->sets[i].leaf, set->leaf, sizeof(set->leaf));
	}
	if (failed == NIL)
		open_views(round);
	return failed;
}

static void
end_round(Round *round)
{
	if (round->memory.area)
		dsa_detach(round->memory.area);
}

/* Builds the sets of the keys that the indexes have missed; returns false if memory is exhausted */
static bool
look_for_missed(Round *check, Round *round)
{
	if (init_sets(check) != NIL)
		return false;
	for (int i = 0; i < list_length(check->items); i++)
	{
		AuditSetView *view = &check->leader.views[i];

		if (!audit_set_take(view, &round->leader.views[item_number(round, ((WorkItem *) list_nth(check->items, i))->set)]) ||
			!audit_set_layout(view))
			return false;
	}
	insert_keys(check);
	for (int i = 0; i < list_length(check->items); i++)
		check->sets[i].stage = SET_CHECK;
	open_views(check);
	read_parents(check, SET_CHECK);
	return true;
}

/* Judges the keys that the indexes did not find, by one read of their parents */
static void
check_missed(Round *round)
{
	Round		check = {.audit = round->audit,.check = true};
	bool		read;

	for (int i = 0; i < list_length(round->items); i++)
	{
		AuditSet   *set = &round->sets[i];

		if (set->stage != SET_PROBE)
			continue;
		if (pg_atomic_read_u32(&set->full))
			round->unread = lappend(round->unread, list_nth(round->items, i));
		else if (set->nkeys > 0)
			check.items = lappend(check.items, list_nth(round->items, i));
	}
	if (check.items == NIL)
		return;

	read = look_for_missed(&check, round);
	for (int i = 0; i < list_length(check.items); i++)
	{
		WorkItem   *item = list_nth(check.items, i);
		const char *damage = read ? describe_loss(&check.sets[i]) : NULL;

		if (damage)
			blame(round, item->set, damage);
		if (damage || !read)
			round->unread = lappend(round->unread, item);
	}
	end_round(&check);
}

/* Runs a round; returns the items that did not fit, in which case nothing has been judged */
static List *
run_round(Round *round)
{
	List	   *failed = init_sets(round);

	if (failed == NIL)
		failed = build(round);
	if (failed == NIL)
	{
		judge(round);
		check_missed(round);
	}
	end_round(round);
	return failed;
}

static void
finish_key(ScanKeyState *key, int samples, MemoryContext results)
{
	AuditKey   *ak = key->ak;

	if (key->distinct)
		audit_distinct_end(key->distinct, ak, samples, results);
	ak->result = ak->orphan_rows > 0 ? AUDIT_FAIL : AUDIT_PASS;
	ak->method = key->probed ? "probe" : key->passes == 1 ? "scan" :
		MemoryContextStrdup(results, psprintf("scan in %d passes", key->passes));
}

/* Returns why the key can't be judged by reading its tables, or NULL */
static const char *
scan_problem(const FkKey *key, List *leaves)
{
	if (key->period)
		return "a PERIOD key is about ranges that parents cover together";
	if (audit_sql_is_composite(key))
		return "VALIDATE passes over composite values with a null inside, which are counted apart";
	if (!audit_distinct_possible(key))
		return "a column of the child has no order to count distinct keys by";
	return audit_leaves_problem(key, leaves);
}

static int
count_unique(List *keys)
{
	int			n = 0;

	foreach_ptr(AuditKey, ak, keys)
	{
		if (ak->rule && ak->rule->kind == AUDIT_UNIQUE)
			n++;
	}
	return n;
}

List *
audit_scan(List *keys, List *leaves, int samples, MemoryContext results, bool parallel, bool probe)
{
	ScanAudit	audit = {0};
	List	   *others = NIL;
	ListCell   *lc;
	MemoryContext old;
	int			nunique;

	audit.context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard scan",
										  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(audit.context);
	audit.memory = sg_audit_memory_bytes();
	audit.seed = pg_prng_uint64(&pg_global_prng_state);
	audit.sort_memory = Max(SORT_MEMORY / Max(list_length(keys), 1), MIN_SORT_MEMORY);
	audit.parallel = parallel;
	audit.may_probe = probe;
	audit.leaves = leaves;
	audit.samples = Min(samples, MAX_RULE_SAMPLES);
	audit.results = results;
	nunique = count_unique(keys);
	if (nunique > 0)
		audit.memory /= 2;

	foreach_ptr(AuditKey, ak, keys)
	{
		const char *problem = ak->rule ? audit_rule_scan_problem(ak, leaves) : scan_problem(&ak->key, leaves);
		AuditCodec *codec = problem || ak->rule ? NULL : audit_codec_make(&ak->key, &problem);

		if (ak->rule && problem == NULL)
			audit_add_rule(&audit, ak, nunique);
		else if (codec)
			audit_add_key(&audit, ak, codec);
		else
		{
			MemoryContextSwitchTo(old);
			others = lappend(others, ak);
			MemoryContextSwitchTo(audit.context);
		}
	}
	list_sort(audit.keys, audit_compare_children);
	audit_plan_items(&audit);

	while (audit.items != NIL || audit_rules_left(&audit))
	{
		MemoryContext round_context = AllocSetContextCreate(audit.context, "schemaguard round",
															ALLOCSET_DEFAULT_SIZES);
		Round		round = {&audit, audit_choose_items(&audit)};
		List	   *failed;

		MemoryContextSwitchTo(round_context);
		failed = run_round(&round);
		MemoryContextSwitchTo(audit.context);
		if (failed == NIL)
		{
			audit.items = list_difference_ptr(audit.items, round.items);
			foreach_ptr(WorkItem, item, round.unread)
				audit_read_instead(&audit, item->set);
		}
		else
			audit_replan(&audit, round.items, list_copy(failed));
		MemoryContextDelete(round_context);
	}

	foreach(lc, audit.keys)
		finish_key(lfirst(lc), samples, results);
	MemoryContextSwitchTo(old);
	foreach(lc, audit.given_up)
		others = lappend(others, lfirst(lc));
	MemoryContextDelete(audit.context);

	return others;
}
