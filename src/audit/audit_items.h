/*-------------------------------------------------------------------------
 *
 * audit_items.h
 *	  Work items of a judging scan (audit_items.c), round by round
 *	  (audit_round.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_ITEMS_H
#define SG_AUDIT_ITEMS_H

#include "audit/audit.h"
#include "audit/audit_codec.h"
#include "audit/audit_distinct.h"
#include "audit/audit_set.h"

/* minimum memory to sort orphan keys, in kB */
#define MIN_SORT_MEMORY 64

/*
 * The parent's index is used if the parent has more than this many rows per
 * distinct key of its children.
 */
#define ROWS_PER_PROBE 50

/* Parent with its keys */
typedef struct ParentSet
{
	Oid			parent;
	AuditCodec *codec;			/* codec of the first key that uses the set */
	int			nleaves;		/* leaves whose indexes are used; 0: the
								 * parent is read */
	AuditProbeLeaf leaf[AUDIT_PROBE_LEAVES];
	double		keys;			/* estimated */
	double		bytes;
	BlockNumber pages;
} ParentSet;

/* Key, or rule, to judge */
typedef struct ScanKeyState
{
	AuditKey   *ak;
	AuditCodec *codec;			/* NULL: a rule */
	int			set;			/* index into ScanAudit.sets; -1: a rule */
	AuditDistinct *distinct;	/* NULL: a rule other than UNIQUE */
	int			passes;			/* number of times that its child was read */
	bool		probed;			/* the parent's index was used */
} ScanKeyState;

/* Set, or partition of one, that is still to be judged */
typedef struct WorkItem
{
	int			set;
	uint32		nparts;
	uint32		part;
	AuditSetStage stage;		/* first stage */
	bool		alone;			/* did not fit together with others */
	bool		crowded;		/* much larger than expected */
	bool		sparse;			/* known not to be dense */
} WorkItem;

typedef struct ScanAudit
{
	List	   *keys;			/* ScanKeyState *, sorted by child */
	List	   *sets;			/* ParentSet * */
	List	   *items;			/* WorkItem * */
	List	   *given_up;		/* AuditKey *: left to a join */
	List	   *leaves;			/* leaves kept by audit_keep_leaves() */
	Size		memory;			/* bytes */
	Size		probe_memory;	/* memory for looked up keys, of all
								 * participants */
	int			sort_memory;	/* memory for the orphans of one key, in kB */
	bool		may_probe;
	uint64		seed;
	bool		parallel;
	int			samples;
	MemoryContext context;
	MemoryContext results;
} ScanAudit;

/* Returns whether it is a rule on a table and its inheriting tables */
extern bool audit_key_is_tree(const ScanKeyState *key);

/* Returns the pages of the children of some keys, which are sorted by child and tree */
extern BlockNumber audit_child_pages(List *keys, List *leaves);

extern void audit_add_key(ScanAudit *audit, AuditKey *ak, AuditCodec *codec);

/* nunique: number of UNIQUE rules, which share the memory to sort */
extern void audit_add_rule(ScanAudit *audit, AuditKey *ak, int nunique);

/* Compares keys by child; those that read inheriting tables come last */
extern int	audit_compare_children(const ListCell *a, const ListCell *b);

/*
 * Makes the items of all added keys: sets, or parts of sets; gives up keys that
 * are better left to a join
 */
extern void audit_plan_items(ScanAudit *audit);

/* Switches a set from the parent's index to reading the parent; discards its counts */
extern void audit_read_instead(ScanAudit *audit, int set);

/* Returns the expected memory of an item; a dense range takes a few bits per key */
extern double audit_item_bytes(ScanAudit *audit, const WorkItem *item);

/* Returns whether the set, or a part of it, is among the items */
extern bool audit_has_set(List *items, int set);

/* Returns whether a rule is left that no round has judged */
extern bool audit_rules_left(const ScanAudit *audit);

/*
 * Returns whether a round judges a rule that is left: it has a key of the same
 * child, or no further round will have one.
 */
extern bool audit_takes_rule(const ScanAudit *audit, List *items, const ScanKeyState *rule);

/* Returns the items of the next round: the first one, and those that fit beside it */
extern List *audit_choose_items(ScanAudit *audit);

/*
 * Plans again after a failed round: an item that did not fit is expected to be
 * larger, gets a round of its own, or is divided
 */
extern void audit_replan(ScanAudit *audit, List *items, List *failed);

#endif							/* SG_AUDIT_ITEMS_H */
