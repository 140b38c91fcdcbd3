/*-------------------------------------------------------------------------
 *
 * fix.h
 *	  Shared by the files that fix orphans: rows by their place, what becomes
 *	  of them, and the statements on them.
 *
 * A row is known by its place, table and ctid.  A place is good for finding a
 * row, never for judging it: between two snapshots the row may have moved or
 * changed.  So rows are locked first, judged when they are locked, and judged
 * once more by the statement that changes them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FIX_H
#define SG_FIX_H

#include "postgres.h"
#include "storage/itemptr.h"
#include "utils/hsearch.h"

#include "base/spi.h"
#include "deploy/deploy.h"
#include "run/run.h"

typedef struct FixPlace
{
	Oid			leaf;			/* the partition, or the table itself */
	ItemPointerData tid;
	uint16		unused;			/* 0: places are hashed as bytes */
} FixPlace;

/* A growing array, in a memory context of its own choice */
typedef struct FixPlaces
{
	MemoryContext context;
	FixPlace   *places;
	int64		n;
	int64		max;
} FixPlaces;

/* Fate of a row; of two fates the later one in this list wins */
typedef enum FixFate
{
	FIX_LEAVE,
	FIX_SENTINEL,				/* columns that hold the sentinel become null */
	FIX_SET_NULL,
	FIX_DELETE,
	FIX_QUARANTINE,				/* deleted, and a copy kept */
	FIX_BLOCK					/* nothing may be done to what it refers to */
} FixFate;

#define FIX_FATES (FIX_BLOCK + 1)

/* A key of the plan or the database, as far as rows are reached by it */
typedef struct FixKey
{
	FkKey	   *key;
	const PlanStep *step;		/* NULL: no step that is unfinished */
	const DeployRule *rule;		/* in place of the key, of which there is only
								 * the table; or NULL */
	HTAB	   *kept;			/* of FixTwin, of a rule about equal rows */
} FixKey;

/* A row that goes since it is equal to one that stays */
typedef struct FixTwin
{
	FixPlace	place;			/* hash key */
	FixPlace	kept;
} FixTwin;

/* A row of a batch */
typedef struct FixRow
{
	FixPlace	place;
	Oid			table;			/* as statements name it */
	const FixKey *by;			/* the key that it breaks, or is reached by */
	List	   *also;			/* of FixKey *: more keys that reach it, and
								 * set their columns to null */
	FixFate		fate;
	bool		reached;		/* it is no orphan: it refers to one */
	bool		updates;		/* what it refers to is changed, not deleted */
	bool		kept;			/* a statement was to change it, and has not */
	bool		held;			/* rows that refer to it stay, and so does it */
} FixRow;

/* How many rows are reached by a key, and what is to become of them */
typedef struct FixTally
{
	const FixKey *by;
	FixFate		fate;
	bool		updates;		/* as of FixRow */
	int64		rows;
} FixTally;

/* Some orphans of a key, with all the rows that go with them */
typedef struct FixBatch
{
	const FixKey *key;
	List	   *keys;			/* of FixKey *: every key that may lead on */
	bool		lock;			/* to be changed, not only counted */
	int64		most;			/* rows to be reached, by each key and in all;
								 * 0: no limit */
	int64		held;			/* rows that are left to later batches */
	HTAB	   *gone;			/* of FixPlace: rows that batches counted
								 * before would have deleted, or NULL */
	HTAB	   *gone_before;	/* the same, of steps counted before */
	FixRow	   *rows;
	int			n;
	int			max;
	HTAB	   *index;			/* from a place to its row */
	bool		again;			/* rows were kept: do it again without them */
	bool		follow;			/* go on from rows that block, as if those
								 * went into quarantine, too */
	List	   *blocking;		/* of FixTally *: these rows, by key */
} FixBatch;

/* Registers what the room below asks of this one */
extern void fix_init(void);

/* Returns the tables whose rows a rule is about: its own, and those that inherit from it, unless it is one about equal rows */
extern List *fix_rule_tables(const DeployRule *rule);

/* Returns a copy of a rule for one of these */
extern DeployRule *fix_rule_of(const DeployRule *rule, Oid table);

/* ---- fix_role.c ---- */

/*
 * A statement on a table, and all that is known of what it could run and the
 * rights that it takes.  Its owner is the one who may do it where the caller
 * may not.  SELECT of keys has been checked (audit_access_problem).
 */
typedef struct FixUnit FixUnit;

extern FixUnit *fix_unit(Oid table);
extern void fix_unit_key(FixUnit *unit, const FkKey *key);
extern void fix_unit_judge(FixUnit *unit, const FixKey *key);	/* as orphans of it, or
																 * by its rule */
extern void fix_unit_rows(FixUnit *unit, Oid relid);	/* put out, or parsed,
														 * whole */
extern void fix_unit_lock(FixUnit *unit, Oid relid);	/* FOR UPDATE */

/* CMD_INSERT, CMD_UPDATE or CMD_DELETE; columns by name, NIL for all */
extern void fix_unit_write(FixUnit *unit, Oid relid, CmdType event, List *columns);

/* As whom: InvalidOid for the caller.  Raises SG003, or 42501 for what the caller may not do. */
extern Oid	fix_unit_role(const FixUnit *unit);

/*
 * Takes the role of the unit, with a pinned search_path; a row that a policy
 * would hide is an error.  Statements that fire triggers begin with
 * fix_write_begin() instead, after which no trigger is deferred.
 */
extern void fix_scope_begin(SgScope *scope, const FixUnit *unit);
extern void fix_write_begin(SgScope *scope, Oid role);
extern void fix_write_end(SgScope *scope, Oid role);

/* Raise 42501 with what the caller lacks for the steps that sg_fix_orphans() would work on */
extern void fix_check_rights(PlanRun *run);

/* ---- fix_reach.c ---- */

/* Every key that deleting or changing rows could lead on by */
extern List *fix_keys(const char *plan);

/* Is a table the other one, or is either a partition of the other? */
extern bool fix_shares_rows(Oid a, Oid b);

/* Does a key that is there refer to one of these columns (names; NIL: any) of a table? */
extern bool fix_is_referred(const FkKey *key, Oid table, List *columns);

/* The tables whose rows refer to rows of the child, or to rows of these, and so on */
extern List *fix_tables(const FixKey *key, List *keys);

/* Returns the tables to read in order to know whether rows of these are orphans of which a step would keep copies */
extern List *fix_judging_tables(List *tables, List *keys);

/*
 * Can the rows that go with orphans of a key go before these, in batches of
 * their own?  Not if a row's fate depends on all of the rows that refer to it,
 * or that it refers to: then the first batch would not know it.
 */
extern bool fix_goes_ahead(const FixKey *key, List *keys, List *tables);

/* The fate that the step's policy has for its orphans */
extern FixFate fix_policy_fate(const PlanStep *step);

/*
 * The orphans at these places, judged, and all that goes with them;
 * batch->lock: locked, or 55P03.  batch->most: no more rows than that, the
 * deepest first; rows to which others refer that have no place in the batch
 * stay (FIX_LEAVE).  The limit grows while no row could go.
 */
extern void fix_collect(FixBatch *batch, const FixPlaces *places);
extern FixRow *fix_batch_find(FixBatch *batch, const FixPlace *place);

/* Count by key what a batch has reached, and add it up (a List of FixTally *) */
extern List *fix_add_tallies(List *tallies, const FixBatch *batch);

/* "3 rows of t by key k (on delete cascade)", or (on update ...), for those blocked or the others; or NULL */
extern char *fix_tallies_text(List *tallies, bool blocked);

/* ---- fix_referring.c ---- */

/* Rows that refer to those which a step takes out or changes, and so keep it from that or go along */
typedef struct FixBlocking
{
	char	   *text;			/* "3 rows of t by key k (on delete no
								 * action)", or NULL: none */
	char	   *hint;
	char	   *unknown;		/* why they could not be looked at, or NULL */
	List	   *tables;			/* OIDs of the tables of these rows */
	List	   *along;			/* of FixTally *: the others, and, as
								 * FIX_BLOCK, these */
} FixBlocking;

/*
 * Looks for it, and changes nothing: reads the tables of the step, and those
 * that refer to them, in ACCESS SHARE; what others have locked is not waited for.
 */
extern void fix_find_blocking(const PlanStep *step, FixBlocking *blocking);

/* ---- fix_restore.c ---- */

/*
 * Put back what the plan has quarantined, in batches with a commit each; what
 * can't go back stays, with the reason.  Rows that the caller may not see
 * stay, too.  Of some steps (numbers; NIL: of all that are chosen).  Returns
 * how many rows went back.  *error: why a batch, of which the log says that it
 * failed, was the last one, or NULL.
 */
extern int64 fix_restore_plan(PlanRun *run, List *steps, ErrorData **error);

/* How many copies there are, seen or not */
extern int64 fix_restore_left(const PlanRun *run);

/*
 * Returns how many rows of a table the plan has in quarantine that could not go
 * back without one of these columns; or, renamed, under its other name.  Rows whose
 * columns are known by name alone, as after a restore, count if they are younger
 * than what was done to the columns.
 */
extern int64 fix_restore_needs(const PlanRun *run, const char *table, List *columns, bool renamed, TimestampTz done_at);

/* Returns the steps (of int) of which rows are in quarantine, or have not got their old values back */
extern List *fix_rows_out(const FkPlan *plan);

/* Ends steps of a rollback that waited for their rows, and have them: they are "rolled back".  Commits. */
extern void fix_settle_rolled_back(PlanRun *run);

/* Record in the plan's steps how many are left of each, and why; returns that of all steps together */
extern char *fix_restore_tell(const PlanRun *run);

/* Returns the statements that put back rows which a key keeps out, for a hint; or NULL where no key does */
extern char *fix_restore_hint(const PlanRun *run);

/* Registers what sg_plan_drop() asks */
extern void fix_restore_init(void);

/* ---- fix_since.c ---- */

/*
 * Raises 42804 if values that were taken out of columns, as texts, would mean something
 * else in them by now.  `identity` is plan_deed_mark_columns() of these columns, whose
 * names were `then`, and are `now`; all are there.
 */
extern void fix_check_retyped(Oid table, const char *identity, TimestampTz at, List *then, List *now);

/* Returns how many rows in quarantine, of whatever plan, have a value in a column of a table */
extern int64 fix_rows_with_column(Oid table, const char *column);

/* Returns the partition of a table that a row is from if that is a table of its own by now; else InvalidOid */
extern Oid	fix_detached_from(Oid table, const char *identity);

/*
 * Has each step look at its rows again that has added and filled a column of the table
 * which rows that are back had not: it is not validated until the next call.
 */
extern void fix_leave_unfilled(Oid table, List *columns);

/* ---- fix_quarantine.c ---- */

/* Put copies of the rows that are to be quarantined, and are locked, into the table; no commit */
extern void fix_quarantine(const FixBatch *batch, const PlanRun *run, int step);

#endif							/* SG_FIX_H */
