/*-------------------------------------------------------------------------
 *
 * audit_index.h
 *	  Audits that read indexes: because they are fast, or to find them wrong.
 *
 *	  audit_index.c		which index may be read, in which order, at which cost
 *	  audit_sorted.c	the child's distinct keys, read from its heap
 *	  audit_skip.c		the same, read from an index of the child
 *	  audit_probe.c		is a key in the parent's unique index?
 *	  audit_btree.c		is a btree sound enough to be read?
 *	  audit_paranoid.c	heaps and indexes compared
 *
 * All of it reads tables of the access method heap, in the active snapshot,
 * under the locks of audit_lock and in a scope of audit_scope_begin.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_INDEX_H
#define SG_AUDIT_INDEX_H

#include "postgres.h"
#include "utils/relcache.h"
#include "utils/typcache.h"

#include "audit/audit.h"
#include "base/compat.h"

/* ---- what the rest of the engine calls ---- */

/*
 * Judge a key by index where schemaguard.audit_use_index allows it and that
 * is much cheaper.  False: not done, and the key is as it was.  Here and
 * below, leaves are what audit_keep_leaves has kept.
 *
 * An index that is seen to be damaged on the way is an error (XX002).
 */
extern bool audit_by_index(AuditKey *key, List *leaves, int samples, MemoryContext results);

/*
 * Where schemaguard.audit_paranoid is on, compare a verdict that was read from
 * heaps with what the indexes of both tables say.  The counts stay; `pass`
 * becomes `unknown` when an index is corrupt, and the reason names it.
 */
extern void audit_paranoid(AuditKey *key, List *leaves, MemoryContext results);

/* ---- audit_index.c ---- */

/*
 * The child's key columns in the order of an index on them, or any other.
 * Values are compared by their types' default operators in the columns' own
 * collations, ascending.
 */
typedef struct KeyOrder
{
	int			nkeys;
	int			position[INDEX_MAX_KEYS];	/* in FkKey's arrays */
	AttrNumber	att[INDEX_MAX_KEYS];	/* of the child */
	TypeCacheEntry *type[INDEX_MAX_KEYS];
	int32		typmod[INDEX_MAX_KEYS];
	Oid			collation[INDEX_MAX_KEYS];
} KeyOrder;

/* False when a type has no default order.  positions: a permutation, or NULL */
extern bool key_order_make(KeyOrder *order, const FkKey *key, const int *positions);
extern int	key_order_compare(const KeyOrder *order, const Datum *a, const Datum *b);

/* Has one of the equal child keys a parent exactly when all of them have? */
extern bool key_order_stands(const KeyOrder *order, const FkKey *key);

/*
 * Why no index method can read the key's tables, or NULL.  They are locked; so
 * are their partitions, which are looked at, too.
 */
extern char *audit_heap_problem(const FkKey *key, List *leaves);

/* Why an index, opened, can't answer for all rows of the active snapshot, or NULL */
extern char *audit_index_problem(Relation index);

/* Indexes that have all rows of the child without a null in the key, in its order */
extern List *audit_skip_indexes(const FkKey *key);

/* The child's columns in the order of an index from audit_skip_indexes */
extern bool audit_skip_order(Relation index, const FkKey *key, KeyOrder *order);

/* Raise XX002: index <name> is corrupt: <how> */
pg_noreturn extern void audit_index_corrupt(Oid index, const char *how);

/* Say something more about a key */
extern void audit_add_reason(AuditKey *ak, const char *reason, MemoryContext results);

/* ---- counts that become a verdict ---- */

typedef struct IndexVerdict
{
	int64		orphan_rows;
	int64		orphan_keys;
	List	   *sample;
	int64		max_keys;		/* more distinct keys than this are too dear */
} IndexVerdict;

/* An orphan key and its rows; values in the order's order */
extern void index_verdict_add(IndexVerdict *verdict, const FkKey *key, const KeyOrder *order,
							  const Datum *values, const bool *nulls, int64 rows,
							  int samples, MemoryContext results);

/* ---- audit_sorted.c ---- */

/*
 * Distinct keys of the rows that the key looks at, with the number of rows,
 * from the heap of the child or of its partitions: read and sorted by
 * audit_sorted_begin, in memory bounded by schemaguard.audit_memory.
 */
typedef struct SortedKeys SortedKeys;

extern SortedKeys *audit_sorted_begin(const FkKey *key, List *leaves, const KeyOrder *order);

/* The values are in the order's order and valid until the next call */
extern bool audit_sorted_next(SortedKeys *sorted, Datum **values, bool **nulls, int64 *rows);
extern void audit_sorted_end(SortedKeys *sorted);

/* ---- audit_skip.c ---- */

typedef struct SkipScan SkipScan;

extern SkipScan *audit_skip_begin(const FkKey *key, Oid index);

/* On to the next distinct key that a visible row has; NULL after the last */
extern const Datum *audit_skip_next(SkipScan *skip);

/* How many visible rows have the current key? */
extern int64 audit_skip_rows(SkipScan *skip);
extern void audit_skip_end(SkipScan *skip);

/* The method; false when it gave up, because there are too many keys */
extern bool audit_skip_scan(IndexVerdict *verdict, const FkKey *key, Oid index,
							int samples, MemoryContext results);

/* ---- audit_probe.c ---- */

typedef struct IndexProbe IndexProbe;

typedef enum ProbeResult
{
	PROBE_ABSENT,
	PROBE_FOUND,
	PROBE_WRONG					/* the index leads to a row with another key */
} ProbeResult;

/*
 * Ask the parent's unique index, or that of one of its partitions.  NULL,
 * with *problem set, when it can't be asked.
 */
extern IndexProbe *audit_probe_begin(const FkKey *key, Oid index, char **problem);

/* Look a key of the child up; values in the order's order, none null */
extern ProbeResult audit_probe_find(IndexProbe *probe, const KeyOrder *order, const Datum *values);

/* Is it there?  PROBE_WRONG is an error (XX002) */
extern bool audit_probe_has(IndexProbe *probe, const KeyOrder *order, const Datum *values);
extern void audit_probe_end(IndexProbe *probe);

/* The method, as above */
extern bool audit_index_probe(IndexVerdict *verdict, const FkKey *key, List *leaves,
							  int samples, MemoryContext results);

/* ---- audit_btree.c ---- */

/*
 * Reads all pages of a btree; one that would mislead its readers is an error
 * (XX002), and so is one that can't be read.  The table is a heap.
 */
extern void audit_btree_check(Relation table, Relation index);

#endif							/* SG_AUDIT_INDEX_H */
