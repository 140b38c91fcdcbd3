/*-------------------------------------------------------------------------
 *
 * fix.h
 *	  Shared by the files that fix orphans: places of rows, their fates, and
 *	  the statements on them.
 *
 *	  A row is identified by its place, table and ctid.  A place serves to
 *	  find a row, never to judge it: between two snapshots the row may have
 *	  moved or changed.  So rows are locked first, judged when they are
 *	  locked, and judged once more by the statement that changes them.
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
	Oid			leaf;			/* OID of the partition, or of the table
								 * itself */
	ItemPointerData tid;
	uint16		unused;			/* always 0, because places are hashed as
								 * bytes */
} FixPlace;

/* A growing array, in its own memory context */
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
	FIX_SENTINEL,				/* columns with the sentinel become null */
	FIX_SET_NULL,
	FIX_DELETE,
	FIX_QUARANTINE,				/* deleted, with a copy in quarantine */
	FIX_BLOCK					/* nothing may be done to the row that it
								 * refers to */
} FixFate;

#define FIX_FATES (FIX_BLOCK + 1)

/* A key of the plan or the database, as seen by the walk over rows */
typedef struct FixKey
{
	FkKey	   *key;
	const PlanStep *step;		/* the key's step; NULL: no unfinished step */
	const DeployRule *rule;		/* rule that replaces the key, of which only
								 * the table is set; or NULL */
	HTAB	   *kept;			/* FixTwin, for a rule about equal rows */
	List	   *referred;		/* OIDs of tables to which rows in quarantine
								 * may refer: see fix_referred_by_copies() */
} FixKey;

/* A row that is deleted because it equals one that stays */
typedef struct FixTwin
{
	FixPlace	place;			/* hash key */
	FixPlace	kept;
} FixTwin;

/* A row that goes with a step, as the scan before its batches has found it */
typedef struct FixKnown
{
	FixPlace	place;			/* hash key */
	int			set;			/* number of its set: rows that refer to one
								 * another */
	bool		copy;			/* a copy of it is kept */
} FixKnown;

/* A row of a batch */
typedef struct FixRow
{
	FixPlace	place;
	Oid			table;			/* table that statements name */
	const FixKey *by;			/* the key that it breaks, or by which it is
								 * reached */
	List	   *also;			/* FixKey *: further keys that reach it, and
								 * set their columns to null; fate is
								 * FIX_SENTINEL or FIX_SET_NULL */
	FixFate		fate;
	bool		reached;		/* reached from an orphan by a key, not an
								 * orphan itself */
	bool		updates;		/* the row that it refers to is changed, not
								 * deleted */
	bool		kept;			/* a statement was to change it, and a trigger
								 * kept it */
	bool		held;			/* stays, because rows that refer to it stay */
} FixRow;

/* Number of rows reached by a key, and their fate */
typedef struct FixTally
{
	const FixKey *by;
	FixFate		fate;
	bool		updates;		/* as in FixRow */
	int64		rows;
} FixTally;

/* Some orphans of a key, with all rows that go with them */
typedef struct FixBatch
{
	const FixKey *key;
	List	   *keys;			/* FixKey *: every key that may reach further
								 * rows */
	bool		lock;			/* lock the rows to change them; else only
								 * count */
	int64		most;			/* limit of rows reached, per key and in all;
								 * 0: none */
	int			depth;			/* length of the longest chain that was
								 * followed */
	int64		held;			/* number of rows that are left to later
								 * batches */
	HTAB	   *gone;			/* FixPlace: rows that earlier batches of the
								 * count would have deleted, or NULL */
	HTAB	   *gone_before;	/* FixPlace: rows that steps counted before
								 * would have deleted, or NULL */
	HTAB	   *known;			/* FixKnown: rows whose fates are decided, or
								 * NULL */
	bool		in_doubt;		/* keep a copy of every row, because not all
								 * rows that go are known */
	FixRow	   *rows;
	int			n;
	int			max;
	HTAB	   *index;			/* hash table from a place to its row */
	bool		again;			/* rows were kept by triggers: do the batch
								 * again without them */
	bool		follow;			/* continue from blocking rows as if they went
								 * into quarantine */
	List	   *blocking;		/* FixTally *: blocking rows, by key */
} FixBatch;

/* Registers this room's hooks with the rooms below */
extern void fix_init(void);

/*
 * Returns the tables of a rule: its own, and those that inherit from it, unless
 * the rule is about equal rows
 */
extern List *fix_rule_tables(const DeployRule *rule);

/* Returns a copy of a rule for one of its tables */
extern DeployRule *fix_rule_of(const DeployRule *rule, Oid table);

/* ---- fix_role.c ---- */

/*
 * A statement on a table, with all code that it could run and all privileges
 * that it needs.  If the caller may not run it, the table's owner may.  SELECT
 * on the tables of keys has been checked (audit_access_problem).
 */
typedef struct FixUnit FixUnit;

extern FixUnit *fix_unit(Oid table);
extern void fix_unit_key(FixUnit *unit, const FkKey *key);
extern void fix_unit_judge(FixUnit *unit, const FixKey *key);	/* The statement judges
																 * rows, as orphans of
																 * the key, or by its
																 * rule */
extern void fix_unit_rows(FixUnit *unit, Oid relid);	/* The statement
														 * outputs, or parses,
														 * whole rows of the
														 * relation */
extern void fix_unit_lock(FixUnit *unit, Oid relid);	/* FOR UPDATE */

/* The statement writes: CMD_INSERT, CMD_UPDATE or CMD_DELETE; columns by name, NIL for all */
extern void fix_unit_write(FixUnit *unit, Oid relid, CmdType event, List *columns);

/*
 * Returns the role as which the statement runs; InvalidOid for the caller.
 * Raises SG003, or 42501 for privileges that the caller lacks.
 */
extern Oid	fix_unit_role(const FixUnit *unit);

/*
 * fix_scope_begin() switches to the unit's role, with a pinned search_path; a
 * row that a policy would hide is an error.  Statements that fire triggers use
 * fix_write_begin() instead, after which no trigger is deferred.
 */
extern void fix_scope_begin(SgScope *scope, const FixUnit *unit);
extern void fix_write_begin(SgScope *scope, Oid role);
extern void fix_write_end(SgScope *scope, Oid role);

/* Raises 42501 with the privileges that the caller lacks for the steps of sg_fix_orphans() */
extern void fix_check_rights(PlanRun *run);

/* ---- fix_reach.c ---- */

/* Returns every key by which deleting or changing rows could reach others */
extern List *fix_keys(const char *plan);

/* Returns whether two tables are the same, or one is a partition of the other */
extern bool fix_shares_rows(Oid a, Oid b);

/* Returns whether a declared key refers to one of these columns (names; NIL: any) of a table */
extern bool fix_is_referred(const FkKey *key, Oid table, List *columns);

/* Returns the tables whose rows refer to rows of the child, or to rows of these, and so on */
extern List *fix_tables(const FixKey *key, List *keys);

/* Returns whether the caller may read, and this server has, the rows of a key's tables */
extern bool fix_may_judge(const FkKey *key);

/*
 * Returns the tables that have to be read to judge whether rows of these are
 * orphans of a step that keeps copies
 */
extern List *fix_judging_tables(List *tables, List *keys);

/* A table of which a step of the plan has put rows into quarantine */
typedef struct FixCopied
{
	int			step;
	Oid			table;
} FixCopied;

/* Returns these (FixCopied *) of a plan; reads all of its rows in quarantine */
extern List *fix_copied(int64 plan_id);

/* Adds a table to such a list, once */
extern List *fix_copied_add(List *copied, int step, Oid table);

/*
 * Returns the tables to which such rows of other steps may refer.  The step
 * keeps copies of all rows that it takes from these tables, because those could
 * never go back without them.
 */
extern List *fix_referred_by_copies(const FixKey *key, List *keys, List *copied);

/* Returns whether a step deletes rows without a copy, by its policy or that of keys */
extern bool fix_deletes(const FixKey *key, List *keys);

/*
 * Returns whether a row's fate depends on all rows that refer to it, or to
 * which it refers.  Then rows that refer to one another go in one transaction.
 * Otherwise those that go with orphans can go before these, in batches.
 */
extern bool fix_fates_depend(const FixKey *key, List *keys, List *tables);

/* Returns the fate that the step's policy has for its orphans */
extern FixFate fix_policy_fate(const PlanStep *step);

/* Returns the fate of rows that refer by a key to a row that a step deletes, or that goes along */
extern FixFate fix_reached_fate(const PlanStep *step, const FixKey *by);

/*
 * Collects and judges the orphans at these places, and all rows that go with
 * them; with batch->lock, locked, or raises 55P03.  With batch->most, at most
 * so many rows, the deepest first; rows that are referred to by rows beyond the
 * limit stay (FIX_LEAVE).  The limit grows until at least one row can go.
 */
extern void fix_collect(FixBatch *batch, const FixPlaces *places);
extern FixRow *fix_batch_find(FixBatch *batch, const FixPlace *place);

/* Adds to the tallies (a List of FixTally *) the rows that a batch has reached, by key */
extern List *fix_add_tallies(List *tallies, const FixBatch *batch);

/* Returns "deleted" and so on: what is done to a row of that fate; NULL: nothing */
extern const char *fix_fate_verb(FixFate fate);

/*
 * Returns "3 rows of t by key k (on delete cascade)", or (on update ...), for
 * the blocked rows or the others; or NULL.  If rows of a key have several
 * fates, they are named.
 */
extern char *fix_tallies_text(List *tallies, bool blocked);

/*
 * Sorts steps as every call takes them, also in a dry run: a row counts for the
 * first step that takes it
 */
extern List *fix_in_order(const FkPlan *plan, List *steps);

/* ---- fix_before.c ---- */

/*
 * Returns an earlier step of the call that keeps copies of rows which this step
 * may take without, and that has failed, or waits; *put_last: it has its turn
 * later in the call.  NULL: none.
 */
extern const PlanStep *fix_keeper_without_turn(StepWork *work, bool *put_last);

/*
 * Returns an earlier step that changes columns by which this step judges rows,
 * so that its rows can't be counted before that; or NULL.  *anew: it gives the
 * name of the column or table, which leads to another one until then.
 */
extern const PlanStep *fix_changer_before(StepWork *work, bool *anew);

/* ---- fix_referring.c ---- */

/* Rows that refer to the rows that a step removes or changes: they block the step, or go along */
typedef struct FixBlocking
{
	char	   *text;			/* "3 rows of t by key k (on delete no
								 * action)"; NULL: none */
	char	   *hint;
	char	   *unknown;		/* why they could not be examined, or NULL */
	List	   *tables;			/* OIDs of the tables of blocking rows */
	List	   *along;			/* FixTally *: rows that go along, and, as
								 * FIX_BLOCK, blocking rows */
} FixBlocking;

/*
 * Finds the blocking rows, and changes nothing: reads the tables of the step,
 * and those that refer to them, in ACCESS SHARE; does not wait for tables that
 * others have locked.
 */
extern void fix_find_blocking(const PlanStep *step, FixBlocking *blocking);

/* ---- fix_restore.c ---- */

/*
 * Restores the rows that the plan has quarantined, in batches with a commit
 * each; rows that can't go back stay, with the reason, and so do rows that the
 * caller may not see.  Restores rows of the given steps (numbers; NIL: all
 * chosen ones).  Returns the number of restored rows. *error: why a batch,
 * whose failure is logged, was the last one, or NULL.
 */
extern int64 fix_restore_plan(PlanRun *run, List *steps, ErrorData **error);

/* Returns the number of copies, visible to the caller or not */
extern int64 fix_restore_left(const PlanRun *run);

/*
 * Returns the number of rows that the plan has in quarantine from a table and
 * that could not go back without one of these columns; or, with `renamed`,
 * under the column's other name.  Rows whose columns are known by name alone,
 * as after a restore from a dump, count if they are younger than done_at, the
 * change of the columns.
 */
extern int64 fix_restore_needs(const PlanRun *run, const char *table, List *columns, bool renamed, TimestampTz done_at);

/*
 * Returns the number of rows in quarantine from a table, its partitions, and the
 * partitioned tables above it, since a time, of all plans but that of a run
 * (NULL: of all).  The table of a row that came with a dump is known by name.
 */
extern int64 fix_kept_of(Oid table, const PlanRun *but, TimestampTz since);

/* Returns the steps (int) with rows in quarantine, or with old values not restored */
extern List *fix_rows_out(const FkPlan *plan);

/*
 * Ends the steps of a rollback that waited for their rows, and have them: they
 * become "rolled back".  Commits.
 */
extern void fix_settle_rolled_back(PlanRun *run);

/*
 * Records in the plan's steps how many rows are left of each, and why; returns
 * the text for all steps together
 */
extern char *fix_restore_tell(const PlanRun *run);

/* Returns the statements that restore rows which a key refuses, for a hint; or NULL if no key does */
extern char *fix_restore_hint(const PlanRun *run);

/* Returns a hint with the call that restores rows of a dropped plan of the same name; NULL: there are none */
extern char *fix_restore_earlier(const PlanRun *run);

/* A user's trigger that may change a row, or suppress it */
typedef struct RowTrigger
{
	Oid			table;
	char	   *name;
	char		enabled;		/* tgenabled */
} RowTrigger;

/*
 * Returns the triggers (RowTrigger *) of a table and its partitions that fire
 * before such a change (TRIGGER_TYPE_INSERT and so on) of a row; NIL if the
 * caller may not disable one of them
 */
extern List *fix_row_triggers(Oid relid, int16 events);

/* Disables triggers by name, or restores their former states */
extern void fix_switch_triggers(List *triggers, bool on);

/* Return their names with their tables, and the text for the log about such names; NULL: none */
extern List *fix_trigger_names(List *triggers);
extern char *fix_disabled_text(List *names);

/* Registers the check of sg_plan_drop() and sg_plan_create() for rows in quarantine */
extern void fix_restore_init(void);

/* ---- fix_pass.c ---- */

/*
 * Returns whether a table has a user's trigger or rule for DELETE or UPDATE,
 * which may write other rows
 */
extern bool fix_has_code(Oid relid);

/* ---- fix_since.c ---- */

/*
 * Raises 42804 if values that were taken out of columns, as texts, would mean
 * something else in them now. `identity` is plan_deed_mark_columns() of these
 * columns, whose names were `then`, and are `now`; all exist.
 */
extern void fix_check_retyped(Oid table, const char *identity, TimestampTz at, List *then, List *now);

/* Returns the number of rows in quarantine, of all plans, that have a value in a table's column */
extern int64 fix_rows_with_column(Oid table, const char *column);

/* Returns the partition that a row comes from if it is an independent table now; else InvalidOid */
extern Oid	fix_detached_from(Oid table, const char *identity);

/*
 * Resets each step that has added and filled a column of the table while
 * restored rows were away: the step is not validated until the next call looks
 * at its rows again.
 */
extern void fix_leave_unfilled(Oid table, List *columns);

/* ---- fix_quarantine.c ---- */

/* Copies the locked rows with fate quarantine into the table; does not commit */
extern void fix_quarantine(const FixBatch *batch, const PlanRun *run, int step);

#endif							/* SG_FIX_H */
