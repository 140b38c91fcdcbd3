/*-------------------------------------------------------------------------
 *
 * plan_deed.h
 *	  schemaguard.plan_deed: records of what a plan has done, to undo it.
 *
 *	  A deed is written in the transaction that does it, and closed in the one
 *	  that undoes it.  It has names and definitions in columns, but no
 *	  statement: the undo compares it with the catalog and builds the
 *	  statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_DEED_H
#define SG_PLAN_DEED_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "datatype/timestamp.h"

#include "fk/fk.h"
#include "plan/plan.h"

typedef enum DeedKind
{
	DEED_ADD,					/* a key */
	DEED_REPLACE,				/* an old key was dropped */
	DEED_INDEX,
	DEED_COLUMNS,				/* columns were added, to be filled */
	DEED_CHANGE,				/* done by a step of another kind than keys */
	DEED_DELETE,				/* rows deleted without a copy */
	DEED_SET_NULL,				/* rows changed without a copy */
	DEED_SET,					/* rows given a value by policy "set"; old
								 * values are in schemaguard.plan_value */
	DEED_KINDS
} DeedKind;

#define DEED_BIT(kind) (1 << (kind))
#define DEEDS_OF_CATALOG \
	(DEED_BIT(DEED_ADD) | DEED_BIT(DEED_REPLACE) | DEED_BIT(DEED_INDEX) | DEED_BIT(DEED_COLUMNS) | \
	 DEED_BIT(DEED_CHANGE))

/* Why there is nothing left to undo */
typedef enum DeedOutcome
{
	DEED_TAKEN_BACK,
	DEED_GONE,					/* somebody else has undone it */
	DEED_LEFT_ALONE,			/* its object is another one now, or can't be
								 * undone */
	DEED_DONE_AGAIN				/* undone by somebody else, and done again */
} DeedOutcome;

typedef struct PlanDeed
{
	int64		id;
	DeedKind	kind;
	int			step;
	char	   *object;			/* name of the object, as in the log */
	bool		done;			/* false: an index build that has not reported
								 * its end */
	int64		log_id;			/* id of the log's row that began it, which
								 * may be pruned */

	/*
	 * The key that was added, or that was dropped; for an index and columns
	 * only plan, step, child_table and child_columns; for a change all of it.
	 */
	PlanStep   *what;
	bool		valid;			/* the dropped key was valid */
	char	   *was;			/* former definition that a change has
								 * replaced; the comment of a dropped key */
	char	   *index_columns;	/* as CREATE INDEX has them */
	bool		partitioned;	/* the index is that of a partitioned table */
	bool		own;			/* a partition, or an inheriting table, had it
								 * of its own before the parent got it */
	int64		rows;
	int64		values;			/* values of columns that are gone for good */
	int64		uncounted;		/* tables with such rows or values, without a
								 * number */
	char	   *identity;		/* OIDs of what it made (plan_deed_follow.c),
								 * or NULL */

	/* set when it is read */
	TimestampTz done_at;		/* 0: not read */
	bool		last;			/* the first deed of its step: undoing it
								 * completes the undo */
	bool		open;			/* it is not closed */
	bool		key_left;		/* the step's key is somebody else's now */
	bool		rows_out;		/* rows went into quarantine from its table
								 * since */
} PlanDeed;

/* Returns a deed with these members, and all others empty */
extern PlanDeed plan_deed(DeedKind kind, int step, const char *object);

/* Returns the log's name of the action that does deeds of this kind */
extern const char *plan_deed_action(DeedKind kind);

/* Writes a deed; an older one on the same object is closed: done again */
extern void plan_deed_write(const FkPlan *plan, const PlanDeed *deed);

/* Write that a step has added a key, and that it has dropped one */
extern void plan_deed_add(const FkPlan *plan, const PlanStep *step, int64 log_id);
extern void plan_deed_replace(const FkPlan *plan, int step, const char *object,
							  const FkKey *key, int64 log_id, bool own);

/* Records the OIDs of what the latest deed on an object has made, once it exists */
extern void plan_deed_identify(const FkPlan *plan, PlanDeed *deed);

/* Numbers of rows and values that are gone without a copy */
typedef struct PlanLoss
{
	int64		deleted;
	int64		changed;
	int64		values;			/* values of columns that were dropped or
								 * converted */
	int64		uncounted;		/* tables with such rows or values, without a
								 * number */
} PlanLoss;

/* Record the losses of an open deed, and add those of taking a deed back */
extern void plan_deed_written(const FkPlan *plan, const PlanDeed *deed, const PlanLoss *loss);
extern void plan_deed_unwritten(int64 id, const PlanLoss *loss);

/* Adds to the rows that a step has deleted or set to null */
extern void plan_deed_rows(const FkPlan *plan, DeedKind kind, int step, const char *object, int64 rows);

/* plan_deed_finish() records that an index is built; plan_deed_close() that nothing is left to undo */
extern void plan_deed_finish(int64 id);
extern void plan_deed_close(int64 id, DeedOutcome outcome);

/* Finish and close the deeds on an object, whether they are done or only begun */
extern void plan_deed_finish_object(const FkPlan *plan, DeedKind kind, int step, const char *object);
extern void plan_deed_close_object(const FkPlan *plan, DeedKind kind, int step,
								   const char *object, DeedOutcome outcome);

/* Opens the deed of a step that was skipped while old values of its rows were on record: a rollback tries again */
extern void plan_deed_reopen_values(const PlanStep *step);

/* Passes the deed on to another step */
extern void plan_deed_pass(int64 id, int step);

/* Returns the open deeds of the chosen steps, of some kinds (DEED_BIT), as PlanDeed *, latest first */
extern List *plan_deeds(const FkPlan *plan, int kinds);

/*
 * Returns the deeds of all steps, chosen or not, that are no keys or indexes of
 * keys, but also rows that policies deleted or changed without a copy, and that
 * are open or were left alone, latest first
 */
extern List *plan_deeds_standing(const FkPlan *plan);

/*
 * Returns the steps (PlanStep *), of any plan, that have filled columns of a
 * table, and have no trigger any more that would do so
 */
extern List *plan_deed_fills(Oid table);

/* Returns the names of plans (char *) with deeds since then that are not undone */
extern List *plans_with_deeds_since(TimestampTz since);

/*
 * Returns the open deeds of one step, chosen or not, and of one kind, in a time
 * independent of the number of steps
 */
extern List *plan_deeds_of_step(const PlanStep *step, DeedKind kind);

/* Returns the deeds of index builds that have not reported their end, on tables by their present names */
extern List *plan_deeds_unfinished(const FkPlan *plan);

/* Returns the children of chosen steps with a key, or with anything to undo: names without duplicates */
extern List *plan_deed_children(const FkPlan *plan);

/* A step, and the OIDs that its expressions read (plan_reads_by_oid()) when its open deed was done */
typedef struct DeedReader
{
	char	   *plan;
	int			step;
	char	   *reads;
	int64		id;				/* of the deed */
} DeedReader;

/*
 * Returns the steps of all plans (DeedReader *) that have read a relation, or a
 * column of it: 0 is the relation
 */
extern List *plan_deed_readers(Oid relation, AttrNumber attnum);

/* Returns the steps of a plan whose OIDs are of another database, as after a restore */
extern List *plan_deed_readers_elsewhere(const FkPlan *plan);

/*
 * Returns the open deeds of all steps of a plan, chosen or not, that have
 * renamed something, latest first
 */
extern List *plan_deed_renames(const FkPlan *plan);

/* Begins the text by which a deed remembers a kept column that was NOT NULL */
#define DEED_NOT_NULL "not null "

/*
 * For deeds of a plan's CHECK, NOT NULL or unique constraint, which a later
 * step of it took along with a column that it keeps: return the step that keeps
 * it, or 0; whether the column is back; and for the deed of that drop, the step
 * whose rule is still to be taken back, or 0
 */
extern int	plan_deed_rule_keeper(const PlanDeed *rule);
extern bool plan_deed_was_kept(const PlanDeed *rule);
extern int	plan_deed_rule_step(const PlanDeed *drop);

/* Returns whether a role has skipped the deed's step, and so confirmed that its object does not exist */
extern bool plan_deed_is_given_up(const PlanDeed *deed);

/* Returns whether sg_prune() has ended what a step had kept, so that nothing of it comes back */
extern bool plan_deed_was_ended(const FkPlan *plan, int step);

/* Returns whether the step has been done again since */
extern bool plan_deed_is_repeated(const PlanDeed *deed);

/* Returns whether the plan has added the step's key, and nobody undone it */
extern bool plan_deed_has_added(const FkPlan *plan, const PlanStep *step);

/* ---- plan_deed_follow.c ---- */

/*
 * plan_deed_mark() returns an OID as a text that identifies its database and
 * server; plan_deed_read_mark() reads such a text, moves *rest past it, and
 * returns false if it is of another database.
 */
extern char *plan_deed_mark(Oid oid);
extern bool plan_deed_read_mark(const char **rest, Oid *oid);

/*
 * Return columns of a table as such a text; and their present names, NULL for
 * dropped ones, or false if the text is of another database.  A dropped table
 * is InvalidOid.
 */
extern char *plan_deed_mark_columns(Oid table, Oid leaf, List *names);
extern bool plan_deed_read_columns(const char *text, Oid *table, List **names);

/* Type, partition and file of rows, recorded in an identity's text besides the numbers of columns */
typedef struct DeedOrigin
{
	bool		here;			/* OIDs and transactions are of this database */
	Oid			leaf;			/* partition that the rows were in, or the
								 * table itself */
	Oid			file;			/* its plan_deed_file() then */
	List	   *states;			/* char *: plan_deed_column_state() of each
								 * column then */
} DeedOrigin;

/* Reads the origin; returns false for an older text without it */
extern bool plan_deed_read_origin(const char *text, DeedOrigin *origin);

/*
 * Returns the number of a relation's file, which changes when it is rewritten;
 * InvalidOid if there is none
 */
extern Oid	plan_deed_file(Oid relid);

/*
 * Returns a transaction and a type, with a space between: of the last change of
 * the column's definition, and by a name that is valid in other databases, too.
 * After DEED_ATTRIBUTES come the attributes of a composite type.
 */
#define DEED_ATTRIBUTES "\n"
extern char *plan_deed_column_state(Oid table, const char *name);

/* Returns the type in such a text */
extern char *plan_deed_type_in(const char *state);

/* Deeds of plans after some moment that could change a column's definition */
typedef struct DeedSince
{
	bool		is_statement;	/* a statement, on any table */
	char	   *statement;
	bool		open;			/* not taken back */
} DeedSince;

/* Returns all statements of plans, and their changes of columns of a table (DeedSince *) */
extern List *plan_deed_since(Oid table, TimestampTz at);

/* Returns whether an open deed, of any plan, keeps a relation that it knows by OID */
extern bool plan_deed_keeps_relation(Oid relid);

/*
 * Returns whether a later open deed, known by names alone, has kept something
 * under the same name, too.  Place: an attic, or the table of a column.
 */
extern bool plan_deed_is_outdated(const PlanDeed *deed, const char *place, const char *name);

/* Returns the identity of a done deed by its present names; or NULL */
extern char *plan_deed_identity(const PlanDeed *deed);

/* Ways to identify the table of a deed in this database */
typedef enum DeedTable
{
	DEED_BY_NAME,				/* by its name, so it may be another one */
	DEED_BY_OID,
	DEED_TABLE_GONE				/* by OID, but dropped: its name is another
								 * table's */
} DeedTable;

/* Brings the names in deed->what up to date */
extern DeedTable plan_deed_follow(const PlanDeed *deed);

/*
 * Returns the table that a plan knows by that name: by the OID of its latest
 * deed on it, if known, else by name; InvalidOid if it is gone
 */
extern Oid	plan_deed_table(int64 plan_id, const char *name);

/*
 * Returns whether the last deed of the plan on a table is of another database,
 * as after a restore or in a copy
 */
extern bool plan_deed_is_elsewhere(int64 plan_id, const char *name);

/* Returns the deed's n-th column: by number, if known, else by a name; InvalidAttrNumber if it is gone */
extern AttrNumber plan_deed_column(const PlanDeed *deed, int n, const char *name);

/*
 * Returns, in words, a column in a dropped object's definition that no longer
 * has that name; NULL if there is none
 */
extern char *plan_deed_moved_column(const PlanDeed *deed);

/* Returns the step, of any plan, that has dropped and keeps the column of a deed: its plan and number only; or NULL */
extern PlanStep *plan_deed_keeper(const PlanDeed *deed);

/*
 * Returns, in words, a partition that has had itself what the deed has added to
 * the whole, because it was attached since; NULL if there is none
 */
extern char *plan_deed_attached_since(const PlanDeed *deed);

/* Returns whether a constraint or index of a deed is gone, and another one of its name exists */
extern bool plan_deed_is_made_anew(const PlanDeed *deed);

/* Transfers open deeds to constraints and indexes that this transaction has recreated */
extern void plan_deeds_follow_anew(void);

/* Returns whether an object is the one that a deed has made or renamed; true if only names are known. */
extern bool plan_deed_made(const PlanDeed *deed, const ObjectAddress *object);

/*
 * Returns whether a deed is known by OID to have made a constraint, index or
 * default.  It has the deed's meaning then, whatever the present settings make
 * of literals in its definition.
 */
extern bool plan_deed_is_of(const PlanDeed *deed, Oid object);

/*
 * Return, by OID if known, whether a deed's constraint exists; its index; the
 * present name of the object that it has renamed or kept, or NULL
 */
extern bool plan_deed_has_constraint(const PlanDeed *deed);
extern Oid	plan_deed_index_oid(const PlanDeed *deed);
extern char *plan_deed_renamed(const PlanDeed *deed);

/* Deletes all deeds of a plan, by its id, which no other plan has had */
extern void plan_deeds_forget(const FkPlan *plan);

/* Registers deeds with sg_prune() */
extern void plan_deed_init(void);

#endif							/* SG_PLAN_DEED_H */
