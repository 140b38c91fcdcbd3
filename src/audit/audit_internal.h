/*-------------------------------------------------------------------------
 *
 * audit_internal.h
 *	  What the files of the audit engine share among themselves.
 *
 * The scan method in three steps, each in its file:
 *
 *	  audit_set.c	 the keys of a parent, read once, as a set to look up
 *	  audit_scan.c	 the rows of a child, read once, against all its sets
 *	  audit_round.c	 which sets fit into memory together, and how often to read
 *
 * below them audit_codec.c (a key as bytes, its hash and its equality),
 * audit_distinct.c (distinct orphan keys, in bounded memory) and
 * audit_parallel.c (memory that workers share, and the workers).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_INTERNAL_H
#define SG_AUDIT_INTERNAL_H

#include "postgres.h"
#include "access/relscan.h"
#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "port/atomics.h"
#include "storage/spin.h"
#include "utils/dsa.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"
#include "utils/sharedtuplestore.h"

#include "audit/audit.h"

/* ---- audit_sample.c ---- */

/*
 * A key as an object, {"column": value, ...}, as jsonb_build_object prints
 * the values; allocated in `context`.  Connects SPI.
 */
extern Jsonb *audit_key_object(const FkKey *key, const Datum *values, const bool *nulls,
							   MemoryContext context);

/* ---- audit_place.c ---- */

/* A table or index itself, or the leaves of its partitions */
extern List *audit_leaves(Oid relid);

/*
 * ATTACH PARTITION does not wait for our locks.  So that all that is read
 * belongs to one moment, the leaves of the keys' tables are listed and locked
 * (false: one can't be), the snapshot is taken, and the list is looked at
 * again; from then on, audit_leaves says what it said then.
 */
extern bool audit_keep_leaves(List *keys);
extern bool audit_leaves_stand(void);
extern void audit_forget_leaves(void);

/* ---- audit_codec.c: a key as bytes ---- */

typedef enum AuditShape
{
	SHAPE_WORDS,				/* a fixed number of 8-byte words */
	SHAPE_BYTES,				/* any number of bytes; equal means same bytes */
	SHAPE_DATUMS				/* the operator decides what is equal */
} AuditShape;

/* One column of a key.  Columns are in the order of the parent's attnums. */
typedef struct AuditColumn
{
	int			position;		/* in FkKey's arrays */
	AttrNumber	parent_att;
	AttrNumber	child_att;
	int			words;			/* that it takes; 0: varies */
	Oid			child_type;
	int16		child_len;
	int16		parent_len;
	bool		child_byval;
	bool		parent_byval;
	/* SHAPE_DATUMS only */
	Oid			collation;		/* of the comparison: the parent's */
	FmgrInfo	equal;			/* (parent, child) */
	FmgrInfo	parent_hash;
	FmgrInfo	child_hash;
	FmgrInfo	cast;			/* child to the operator's type; fn_oid 0:
								 * none */
} AuditColumn;

/* Numbers that are packed into one, at most */
#define AUDIT_NUMBERS 4

typedef struct AuditCodec
{
	AuditShape	shape;
	int			nwords;			/* SHAPE_WORDS */
	int			numbers;		/* SHAPE_WORDS: how many words, if all are by
								 * value and few; else 0 */
	bool		parallel_safe;
	int			ncols;
	AuditColumn cols[FLEXIBLE_ARRAY_MEMBER];
} AuditCodec;

/* A key in hand: its bytes, which belong to somebody else */
typedef struct AuditBytes
{
	char	   *data;
	Size		len;
} AuditBytes;

/* NULL, with *reason set, when no set can judge this key */
extern AuditCodec *audit_codec_make(const FkKey *key, const char **reason);

/* Do two keys look up the same set? */
extern bool audit_codec_same_set(const AuditCodec *a, const AuditCodec *b);

/* Bytes of one key in a set, as far as statistics tell; the table of slots included */
extern double audit_codec_width(const AuditCodec *codec, Oid parent);

/* A by-value datum as a word: integers of any width that are equal give the same */
static inline uint64
audit_word(Datum value, int16 len)
{
	switch (len)
	{
		case 4:
			return (uint64) (int64) DatumGetInt32(value);
		case 8:
			return (uint64) DatumGetInt64(value);
		case 2:
			return (uint64) (int64) DatumGetInt16(value);
		default:
			return (uint64) (int64) DatumGetChar(value);
	}
}

/* Words of SHAPE_WORDS from a row's values (att: attnums in the codec's order) */
static inline void
audit_encode_words(const AuditCodec *codec, bool parent, const AttrNumber *att,
				   const Datum *values, uint64 *words)
{
	for (int i = 0; i < codec->ncols; i++)
	{
		const AuditColumn *col = &codec->cols[i];
		int16		len = parent ? col->parent_len : col->child_len;
		Datum		value = values[att[i] - 1];

		if (parent ? col->parent_byval : col->child_byval)
			*words++ = audit_word(value, len);
		else
		{
			words[col->words - 1] = 0;
			memcpy(words, DatumGetPointer(value), len);
			words += col->words;
		}
	}
}

/*
 * Spread a word over all 64 bits.  The multipliers are the golden ratio's, as
 * Knuth proposes for multiplicative hashing (The Art of Computer Programming,
 * vol. 3, 6.4), and any odd number with well-spread bits.
 */
static inline uint64
audit_mix(uint64 h)
{
	h *= UINT64CONST(0x9E3779B97F4A7C15);
	h ^= h >> 32;
	return h;
}

static inline uint64
audit_hash_words(const uint64 *words, int n, uint64 seed)
{
	uint64		h = seed;

	for (int i = 0; i < n; i++)
		h = audit_mix(h ^ words[i]);
	return h * UINT64CONST(0xD6E8FEB86659FD93);
}

/*
 * Bytes of the other shapes, appended at *data, which has room for *room bytes
 * and is enlarged (repalloc) where that is too small.  Returns the length.
 */
extern Size audit_encode_bytes(const AuditCodec *codec, bool parent, const AttrNumber *att,
							   const Datum *values, char **data, Size *room, Size at);

extern uint64 audit_hash_bytes(const AuditCodec *codec, bool parent, char *data, Size len, uint64 seed);
extern bool audit_equal_datums(AuditCodec *codec, char *parent, char *child);

/* The child's values again, in FkKey's order; by-reference ones point into data or are palloc'd */
extern void audit_decode(const AuditCodec *codec, char *data, Size len, Datum *values);

/* ---- audit_parallel.c: memory and workers ---- */

/* A place in the memory of a round: a dsa_pointer, or an address of this process */
typedef uint64 AuditRef;

typedef struct AuditMemory
{
	MemoryContext context;		/* serial: everything is allocated here */
	dsa_area   *area;			/* parallel: everything is allocated there */
	Size		limit;			/* bytes; more is refused */
	Size		used;			/* serial only: dsa counts by itself */
} AuditMemory;

/* 0 when the limit is reached; the memory is not cleared */
extern AuditRef audit_alloc(AuditMemory *memory, Size size);
extern void *audit_address(AuditMemory *memory, AuditRef ref);

/* ---- audit_set.c ---- */

/* Keys are looked up so many at a time */
#define AUDIT_BATCH 64

/* Bytes that a prefix common to all keys of a set may have */
#define AUDIT_PREFIX 32

/*
 * No key of a parent is longer: a btree takes a third of a page, and no
 * compression makes a value less than a 255th.
 */
#define AUDIT_MAX_KEY_LEN (BLCKSZ * 128)

typedef enum AuditSetStage
{
	SET_COLLECT,				/* read the parent, keep its keys */
	SET_RANGE,					/* read the parent, find the least and
								 * greatest key */
	SET_FILL,					/* read it again, set bits */
	SET_READY
} AuditSetStage;

typedef struct AuditChunk
{
	AuditRef	ref;
	uint32		used;			/* bytes */
} AuditChunk;

/* The bytes that keys have in common at their beginning; len -1: no key yet */
typedef struct AuditPrefix
{
	int			len;
	char		bytes[AUDIT_PREFIX];
} AuditPrefix;

/* A set as its participants share it */
typedef struct AuditSet
{
	AuditSetStage stage;
	uint32		nparts;			/* keys of one hash partition only: a power of
								 * 2 */
	uint32		part;
	int			chunk_shift;
	uint32		max_chunks;
	AuditRef	chunks;			/* AuditChunk[max_chunks] */
	pg_atomic_uint32 nchunks;
	pg_atomic_uint32 next_chunk;	/* to insert from */
	pg_atomic_uint32 full;		/* it can't take more: memory is exhausted, */
	pg_atomic_uint32 crowded;	/* or there are more chunks than expected */
	slock_t		mutex;			/* for the five below */
	uint64		nkeys;
	int64		least[AUDIT_NUMBERS];	/* of each word */
	int64		greatest[AUDIT_NUMBERS];
	uint64		longest;		/* bytes of the longest key, SHAPE_BYTES */
	AuditPrefix prefix;			/* that all of them begin with */

	/*
	 * Once built: keys of numbers may be packed into one, each number less
	 * its least, in a mixed radix; a dense range of such numbers is bits. All
	 * else is an open hash table.  Its slots are the keys themselves where
	 * those are short, with one bit a slot that says whether it is taken, or
	 * else say where in the chunks the key is.
	 */
	bool		packed;
	uint64		range[AUDIT_NUMBERS];	/* radix: how many values a word has */
	AuditRef	bits;
	uint64		nbits;			/* number of packed values; 0: not dense */
	AuditRef	slots;
	uint64		nslots;
	int			slot_words;		/* words of a key in its slot; 0: elsewhere */
} AuditSet;

/* A set as one participant sees it */
typedef struct AuditSetView
{
	AuditSet   *set;
	AuditMemory *memory;
	AuditCodec *codec;			/* of any of its keys */
	uint64		seed;
	bool		numbers;		/* keys of one number are collected */
	char	  **chunk;			/* addresses */
	uint64	   *slots;
	uint64	   *bits;
	/* the chunk that this participant writes */
	uint32		open_chunk;
	char	   *open;
	uint32		used;
	uint64		nkeys;
	int64		least[AUDIT_NUMBERS];
	int64		greatest[AUDIT_NUMBERS];
	uint64		longest;
	AuditPrefix prefix;
	char	   *buffer;			/* one encoded key */
	Size		room;
} AuditSetView;

extern bool audit_set_init(AuditSet *set, AuditMemory *memory, double bytes, uint32 nparts,
						   uint32 part, AuditSetStage stage);
extern void audit_set_open(AuditSetView *view, AuditSet *set, AuditMemory *memory,
						   AuditCodec *codec, uint64 seed);

/* Add a row of the parent; false when the set is full */
extern bool audit_set_add(AuditSetView *view, const AttrNumber *att, TupleTableSlot *slot);
extern void audit_set_close(AuditSetView *view);

/* Between the stages, by the leader; false when memory is exhausted */
extern bool audit_set_layout(AuditSetView *view);
extern void audit_set_insert(AuditSetView *view);

/* Which of n keys are in the set?  Words of fixed-width keys one after the other. */
extern void audit_set_probe_words(AuditSetView *view, const uint64 *words, int n, bool *found);
extern void audit_set_probe_bytes(AuditSetView *view, AuditCodec *codec, const AuditBytes *keys, int n, bool *found);

static inline bool
audit_in_part(uint64 hash, uint32 nparts, uint32 part)
{
	return ((hash >> 16) & (nparts - 1)) == part;
}

/* a partition is chosen by bits 16 to 31 of the hash */
#define AUDIT_MAX_PARTS 65536

/* ---- audit_distinct.c: distinct orphan keys ---- */

typedef struct AuditDistinct AuditDistinct;

/*
 * For one key, in CurrentMemoryContext; nothing more is allocated before the
 * first orphan.  A worker hands them on through sts; the leader, without one,
 * sorts them in so many kB.
 */
extern AuditDistinct *audit_distinct_begin(const FkKey *key, SharedTuplestoreAccessor *sts,
										   int memory_kb);

/* values in FkKey's order; bytes, if there are any, are those of the codec */
extern bool audit_distinct_seen(AuditDistinct *distinct, const char *bytes, Size len);
extern void audit_distinct_add(AuditDistinct *distinct, const Datum *values, const bool *nulls);

/* A worker's last word: what it added can be read */
extern void audit_distinct_flush(AuditDistinct *distinct);
extern void audit_distinct_drain(AuditDistinct *distinct, SharedTuplestoreAccessor *sts);

/* Count them, keep the first `samples`, free everything */
extern void audit_distinct_end(AuditDistinct *distinct, AuditKey *ak, int samples, MemoryContext results);
extern bool audit_distinct_possible(const FkKey *key);

/* ---- what participants of a region share ---- */

typedef enum AuditPhase
{
	PHASE_BUILD,				/* read parents into sets */
	PHASE_INSERT,				/* chunks into tables of slots */
	PHASE_JUDGE					/* read children */
} AuditPhase;

/* A key to judge in this round */
typedef struct AuditTask
{
	FkKey		key;
	int			set;			/* number of its set in the round */
	bool		partly_null;	/* MATCH FULL: judge partly null keys, too */
	pg_atomic_uint64 orphan_rows;
} AuditTask;

/* A relation to read */
typedef struct AuditRead
{
	Oid			relid;			/* a leaf */
	Oid			root;			/* the table of the key: columns are found by
								 * name */
	int			set;			/* PHASE_BUILD: the set to fill */
	int			first_task;		/* PHASE_JUDGE: its keys, and how many */
	int			ntasks;
	Size		pscan;			/* offset of its ParallelTableScanDesc in the
								 * job */
	pg_atomic_uint64 rows;
} AuditRead;

/* Flat: followed by tasks, reads and parallel scans */
typedef struct AuditJob
{
	AuditPhase	phase;
	uint64		seed;
	dsa_handle	area;
	AuditRef	sets;			/* AuditSet[nsets] */
	int			nsets;
	int			ntasks;
	int			nreads;
	int			nparticipants;	/* workers asked for, and the leader */
	Size		size;			/* of all, in bytes */
	bool		parallel;
	pg_atomic_uint64 blocks;	/* read so far */
	pg_atomic_uint64 orphans;	/* found so far */
} AuditJob;

#define AUDIT_TASKS(job) ((AuditTask *) ((char *) (job) + MAXALIGN(sizeof(AuditJob))))
#define AUDIT_READS(job) ((AuditRead *) ((char *) AUDIT_TASKS(job) + MAXALIGN(sizeof(AuditTask) * (job)->ntasks)))

/* One process at work on a job */
typedef struct AuditParticipant
{
	AuditJob   *job;
	AuditMemory *memory;
	bool		leader;
	AuditCodec **codecs;		/* one per task */
	AuditSetView *views;		/* one per set */
	AuditDistinct **distinct;	/* one per task; PHASE_JUDGE */
	uint64		blocks;			/* read and not yet reported */
	uint64		orphans;
	BlockNumber last_block;
} AuditParticipant;

/* Do a share of the job (audit_scan.c) */
extern void audit_participate(AuditParticipant *participant);
extern void audit_report_progress(AuditParticipant *participant);

/* How many workers a job over relations of so many pages gets */
extern int	audit_choose_workers(BlockNumber pages);

/*
 * Run a job with up to so many workers.  The leader takes part; orphan keys
 * of all participants end in `distinct`.
 */
extern void audit_run_job(AuditParticipant *leader, int nworkers);

/* ---- audit_round.c ---- */

/*
 * Judge keys by reading each of their tables once or, beyond the memory,
 * several times, in the active snapshot and under locks that the caller
 * holds.  Returns those that need another method.
 */
extern List *audit_scan(List *keys, int samples, MemoryContext results, bool parallel);

#endif							/* SG_AUDIT_INTERNAL_H */
