/*-------------------------------------------------------------------------
 *
 * audit_set.h
 *	  The keys of a parent as a set to look up (audit_set.c), and its memory (audit_parallel.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_SET_H
#define SG_AUDIT_SET_H

#include "postgres.h"
#include "executor/tuptable.h"
#include "port/atomics.h"
#include "storage/spin.h"
#include "utils/dsa.h"

#include "audit/audit_codec.h"
#include "audit/audit_probe.h"

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
	SET_PROBE,					/* ask the parent's index, keep keys that it
								 * does not find */
	SET_CHECK,					/* read the parent, look for rows with these
								 * keys */
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

	/*
	 * SET_PROBE and SET_CHECK: the keys are those of children, and rows of
	 * the parent are looked up.
	 */
	bool		of_child;
	int			nleaves;
	AuditProbeLeaf leaf[AUDIT_PROBE_LEAVES];
	pg_atomic_uint64 lost[AUDIT_PROBE_LEAVES];	/* rows that the index should
												 * have led to */
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

/* Add a key of a child that no index has led to; false when the set is full */
extern bool audit_set_add_missed(AuditSetView *view, const AuditBytes *key);

/* Add all keys of a set of such ones, which is in another memory; false when it is full */
extern bool audit_set_take(AuditSetView *view, AuditSetView *from);

/* Is a row of the parent one of these keys? */
extern bool audit_set_has_missed(AuditSetView *view, const AttrNumber *att, TupleTableSlot *slot);
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

#endif							/* SG_AUDIT_SET_H */
