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

/* Reference into the memory of a round: a dsa_pointer, or an address of this process */
typedef uint64 AuditRef;

typedef struct AuditMemory
{
	MemoryContext context;		/* serial: context of all allocations */
	dsa_area   *area;			/* parallel: area of all allocations */
	Size		limit;			/* maximum bytes */
	Size		used;			/* bytes used; serial only, because dsa counts
								 * itself */
} AuditMemory;

/* audit_alloc() returns 0 if the limit is reached; the memory is not cleared */
extern AuditRef audit_alloc(AuditMemory *memory, Size size);
extern void *audit_address(AuditMemory *memory, AuditRef ref);

/* Number of keys that are looked up at a time */
#define AUDIT_BATCH 64

/* Maximum bytes of a prefix common to all keys of a set */
#define AUDIT_PREFIX 32

/*
 * Upper bound of the length of a parent's key: a btree allows a third of a
 * page, and no compression makes a value less than a 255th.
 */
#define AUDIT_MAX_KEY_LEN (BLCKSZ * 128)

typedef enum AuditSetStage
{
	SET_COLLECT,				/* read the parent, keep its keys */
	SET_RANGE,					/* read the parent for the least and greatest
								 * key */
	SET_FILL,					/* read it again, set bits */
	SET_PROBE,					/* look keys up in the parent's index, keep
								 * those not found */
	SET_CHECK,					/* read the parent, search for rows with these
								 * keys */
	SET_READY
} AuditSetStage;

typedef struct AuditChunk
{
	AuditRef	ref;
	uint32		used;			/* bytes */
} AuditChunk;

/* Common prefix of keys; len -1: no key yet */
typedef struct AuditPrefix
{
	int			len;
	char		bytes[AUDIT_PREFIX];
} AuditPrefix;

/* Set, shared by its participants */
typedef struct AuditSet
{
	AuditSetStage stage;
	uint32		nparts;			/* number of hash partitions, a power of 2;
								 * the set has the keys of one */
	uint32		part;
	int			chunk_shift;
	uint32		max_chunks;
	AuditRef	chunks;			/* AuditChunk[max_chunks] */
	pg_atomic_uint32 nchunks;
	pg_atomic_uint32 next_chunk;	/* next chunk to insert */
	pg_atomic_uint32 full;		/* memory is exhausted */
	pg_atomic_uint32 crowded;	/* more chunks than expected */
	slock_t		mutex;			/* protects the next five members */
	uint64		nkeys;
	int64		least[AUDIT_NUMBERS];	/* least and greatest value of each
										 * word */
	int64		greatest[AUDIT_NUMBERS];
	uint64		longest;		/* SHAPE_BYTES: bytes of the longest key */
	AuditPrefix prefix;			/* common prefix of all keys */

	/*
	 * Layout of a built set.  Numbers may be packed into one, each minus its
	 * least value, in a mixed radix; a dense range of such numbers is stored
	 * as bits.  Otherwise the set is an open hash table.  Its slots are the
	 * keys themselves if they are short, with one bit per slot that says
	 * whether it is taken; or they refer to the key in the chunks.
	 */
	bool		packed;
	uint64		range[AUDIT_NUMBERS];	/* radix: number of values of a word */
	AuditRef	bits;
	uint64		nbits;			/* number of packed values; 0: not dense */
	AuditRef	slots;
	uint64		nslots;
	int			slot_words;		/* words of a key in its slot; 0: in the
								 * chunks */

	/*
	 * SET_PROBE and SET_CHECK: the keys are children's, and rows of the
	 * parent are looked up.
	 */
	bool		of_child;
	int			nleaves;
	AuditProbeLeaf leaf[AUDIT_PROBE_LEAVES];
	pg_atomic_uint64 lost[AUDIT_PROBE_LEAVES];	/* number of rows that the
												 * index should have led to */
} AuditSet;

/* A set as one participant of a parallel audit sees it */
typedef struct AuditSetView
{
	AuditSet   *set;
	AuditMemory *memory;
	AuditCodec *codec;			/* codec of any of its keys */
	uint64		seed;
	bool		numbers;		/* each key is one number, and they are
								 * collected */
	char	  **chunk;			/* addresses */
	uint64	   *slots;
	uint64	   *bits;
	/* chunk that this participant writes */
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

/* Adds a row of the parent; returns false if the set is full */
extern bool audit_set_add(AuditSetView *view, const AttrNumber *att, TupleTableSlot *slot);

/* Adds a child's key that no index has led to; returns false if the set is full */
extern bool audit_set_add_missed(AuditSetView *view, const AuditBytes *key);

/* Adds all keys of another such set, which is in other memory; returns false if the set is full */
extern bool audit_set_take(AuditSetView *view, AuditSetView *from);

/* Returns whether a row of the parent has one of these keys */
extern bool audit_set_has_missed(AuditSetView *view, const AttrNumber *att, TupleTableSlot *slot);
extern void audit_set_close(AuditSetView *view);

/* Lays the set out, by the leader between the stages; returns false if memory is exhausted */
extern bool audit_set_layout(AuditSetView *view);
extern void audit_set_insert(AuditSetView *view);

/* Set found[] for n keys; words are those of fixed-width keys, one after the other. */
extern void audit_set_probe_words(AuditSetView *view, const uint64 *words, int n, bool *found);
extern void audit_set_probe_bytes(AuditSetView *view, AuditCodec *codec, const AuditBytes *keys, int n, bool *found);

static inline bool
audit_in_part(uint64 hash, uint32 nparts, uint32 part)
{
	return ((hash >> 16) & (nparts - 1)) == part;
}

/* partitions are chosen by bits 16 to 31 of the hash */
#define AUDIT_MAX_PARTS 65536

#endif							/* SG_AUDIT_SET_H */
