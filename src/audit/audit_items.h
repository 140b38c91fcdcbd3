/*-------------------------------------------------------------------------
 *
 * audit_items.h
 *	  What a judging scan has to do (audit_items.c), round by round
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

/* kB, the least to sort orphan keys in */
#define MIN_SORT_MEMORY 64

/*
 * The parent's index is asked where a parent has more than so many rows for each
 * distinct key of its children.
 */
#define ROWS_PER_PROBE 50

/* Parent with its keys */
typedef struct ParentSet
{
	Oid			parent;
	AuditCodec *codec;			/* of the first key that refers to it */
	int			nleaves;		/* whose indexes can be asked; 0: it is read */
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
	int			set;			/* in ScanAudit.sets; -1: a rule */
	AuditDistinct *distinct;	/* NULL: a rule but UNIQUE */
	int			passes;			/* how often its child was read */
	bool		probed;			/* the parent's index was asked */
} ScanKeyState;

/* A set, or a partition of one, that is still to be looked up */
typedef struct WorkItem
{
	int			set;
	uint32		nparts;
	uint32		part;
	AuditSetStage stage;		/* to begin with */
	bool		alone;			/* did not fit beside others */
	bool		crowded;		/* much more was there than expected */
	bool		sparse;			/* known not to be dense */
} WorkItem;

typedef struct ScanAudit
{
	List	   *keys;			/* of ScanKeyState *, by child */
	List	   *sets;			/* of ParentSet * */
	List	   *items;			/* of WorkItem * */
	List	   *given_up;		/* of AuditKey *: for a join after all */
	List	   *leaves;			/* that audit_keep_leaves has kept */
	Size		memory;			/* bytes */
	Size		probe_memory;	/* for keys that were looked up, of all
								 * participants */
	int			sort_memory;	/* kB for the orphan keys of one key */
	bool		may_probe;
	uint64		seed;
	bool		parallel;
	int			samples;
	MemoryContext context;
	MemoryContext results;
} ScanAudit;

/* Is it a rule about a table and all that inherit from it? */
extern bool audit_key_is_tree(const ScanKeyState *key);

/* Pages of the children of some keys, which follow each other by child and tree */
extern BlockNumber audit_child_pages(List *keys, List *leaves);

extern void audit_add_key(ScanAudit *audit, AuditKey *ak, AuditCodec *codec);

/* nunique: how many rules UNIQUE there are, that share memory to sort in */
extern void audit_add_rule(ScanAudit *audit, AuditKey *ak, int nunique);

/* By child; what reads the tables that inherit from it comes last */
extern int	audit_compare_children(const ListCell *a, const ListCell *b);

/* The sets of all keys that were added, or their parts; keys that are better left to a join are given up */
extern void audit_plan_items(ScanAudit *audit);

/* Read the parent of a set whose index was to be asked; what was counted goes */
extern void audit_read_instead(ScanAudit *audit, int set);

/* Expected memory of an item: a dense range takes a few bits a key */
extern double audit_item_bytes(ScanAudit *audit, const WorkItem *item);

/* Is the set, or a part of it, among the items? */
extern bool audit_has_set(List *items, int set);

/* Is there a rule that no round has judged? */
extern bool audit_rules_left(const ScanAudit *audit);

/*
 * Does a rule that is still to be judged go with a round?  A round that has a
 * key of the same child takes it along, and so does any one where no round is
 * going to have one.
 */
extern bool audit_takes_rule(const ScanAudit *audit, List *items, const ScanKeyState *rule);

/* The items of the next round: the first, and what fits beside it */
extern List *audit_choose_items(ScanAudit *audit);

/* After a round that failed: what did not fit is expected to be larger, gets a round of its own, or is divided */
extern void audit_replan(ScanAudit *audit, List *items, List *failed);

#endif							/* SG_AUDIT_ITEMS_H */
