/*-------------------------------------------------------------------------
 *
 * plan_deed.h
 *	  schemaguard.plan_deed: what a plan has done, and what undoes it.
 *
 * A deed is written in the transaction that does it, and closed in the one
 * that undoes it.  It holds names and definitions in columns, no statement:
 * who undoes it compares it with the catalog and makes the statement anew.
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
	DEED_COLUMNS,				/* were added, to be filled */
	DEED_CHANGE,				/* by a step of another kind than keys */
	DEED_DELETE,				/* of rows, of which there is no copy */
	DEED_SET_NULL,				/* the same */
	DEED_SET,					/* given a value: the same */
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
	DEED_LEFT_ALONE,			/* it is another one by now, or can't be
								 * undone */
	DEED_DONE_AGAIN				/* undone by somebody else, and done anew */
} DeedOutcome;

typedef struct PlanDeed
{
	int64		id;
	DeedKind	kind;
	int			step;
	char	   *object;			/* as in the log */
	bool		done;			/* false: an index whose build has not said so */
	int64		log_id;			/* the row of the log that began it; it may be
								 * gone */

	/*
	 * The key that was added, or that was dropped; of an index and of columns
	 * plan, step, child_table and child_columns alone; of a change all of it.
	 */
	PlanStep   *what;
	bool		valid;			/* the key that was dropped was */
	char	   *was;			/* what a change has taken the place of; the
								 * comment of a key that was dropped */
	char	   *index_columns;	/* as CREATE INDEX has them */
	bool		partitioned;	/* the index is that of a partitioned table */
	bool		own;			/* a partition, or an inheriting table, had it
								 * by itself before the whole got it */
	int64		rows;
	char	   *identity;		/* what it made, by OID (plan_deed_follow.c),
								 * or NULL */

	/* when it is read */
	TimestampTz done_at;		/* 0: it is not */
	bool		last;			/* the first one of its step: with it, all is
								 * undone */
	bool		key_left;		/* the step's key is somebody else's by now */
} PlanDeed;

/* Returns a deed with these members, and all others empty */
extern PlanDeed plan_deed(DeedKind kind, int step, const char *object);

/* Returns the log's name of the action that does deeds of this kind */
extern const char *plan_deed_action(DeedKind kind);

/* Write one; an older one on the same object is closed: done again */
extern void plan_deed_write(const FkPlan *plan, const PlanDeed *deed);

/* Write that a step has added a key, and that it has dropped one */
extern void plan_deed_add(const FkPlan *plan, const PlanStep *step, int64 log_id);
extern void plan_deed_replace(const FkPlan *plan, int step, const char *object,
							  const FkKey *key, int64 log_id, bool own);

/* Remember what a deed has made by its OIDs, once it is there; of the latest deed on its object */
extern void plan_deed_identify(const FkPlan *plan, PlanDeed *deed);

/* Records how many rows the queries of an open deed have deleted and changed, without a copy */
extern void plan_deed_written(const FkPlan *plan, const PlanDeed *deed, int64 deleted, int64 changed);

/* Adds rows that taking a deed back has deleted and changed, without a copy */
extern void plan_deed_unwritten(int64 id, int64 deleted, int64 changed);

/* Rows that a step has deleted or set to null, in addition to those before */
extern void plan_deed_rows(const FkPlan *plan, DeedKind kind, int step, const char *object, int64 rows);

/* The index is built; there is nothing left to undo */
extern void plan_deed_finish(int64 id);
extern void plan_deed_close(int64 id, DeedOutcome outcome);

/* Finish and close the deeds on an object, whether they are done or only begun */
extern void plan_deed_finish_object(const FkPlan *plan, DeedKind kind, int step, const char *object);
extern void plan_deed_close_object(const FkPlan *plan, DeedKind kind, int step,
								   const char *object, DeedOutcome outcome);

/* From now on it is another step that keeps what was done */
extern void plan_deed_pass(int64 id, int step);

/* Returns the open deeds of the chosen steps, of some kinds (DEED_BIT), as PlanDeed *, the latest first */
extern List *plan_deeds(const FkPlan *plan, int kinds);

/*
 * Returns the steps (of PlanStep *), of whatever plan, that have filled columns of a
 * table, and have no trigger any more that would do so
 */
extern List *plan_deed_fills(Oid table);

/* Names of plans (of char *) that have done, since then, what nobody has taken back */
extern List *plans_with_deeds_since(TimestampTz since);

/* Returns the open deeds of one step, chosen or not, and of one kind; the time does not depend on the number of steps */
extern List *plan_deeds_of_step(const PlanStep *step, DeedKind kind);

/* Indexes whose builds have not said that they are done, on tables by the names that these have now; the same */
extern List *plan_deeds_unfinished(const FkPlan *plan);

/* The children of chosen steps that have a key, or of which anything can be undone: names, each once */
extern List *plan_deed_children(const FkPlan *plan);

/* A step, and what its expressions read, by OID (plan_reads_by_oid()), when its open deed was done */
typedef struct DeedReader
{
	int			step;
	char	   *reads;
	int64		id;				/* of the deed */
} DeedReader;

/* Returns the steps of a plan (of DeedReader *) that have read a relation, or a column of it: 0 is the relation */
extern List *plan_deed_readers(const FkPlan *plan, Oid relation, AttrNumber attnum);

/* Returns those whose OIDs are of another database, as after a restore */
extern List *plan_deed_readers_elsewhere(const FkPlan *plan);

/* Returns the open deeds of all steps of a plan, chosen or not, that have renamed something, the latest first */
extern List *plan_deed_renames(const FkPlan *plan);

/* Has a role skipped its step, and so said that nothing is to be found of it? */
extern bool plan_deed_is_given_up(const PlanDeed *deed);

/* Has sg_prune() ended what a step had kept, so that nothing of it comes back? */
extern bool plan_deed_was_ended(const FkPlan *plan, int step);

/* Has the step been done once more since? */
extern bool plan_deed_is_repeated(const PlanDeed *deed);

/* Has the plan added the step's key, and nobody undone it? */
extern bool plan_deed_has_added(const FkPlan *plan, const PlanStep *step);

/* ---- plan_deed_follow.c ---- */

/*
 * An OID as a text that says of which database of which server it is; and such a
 * text once more: *rest goes behind it, false where it says nothing here.
 */
extern char *plan_deed_mark(Oid oid);
extern bool plan_deed_read_mark(const char **rest, Oid *oid);

/*
 * Columns of a table as such a text; and their names of now, NULL for each that is
 * gone, false where the text says nothing here.  A table that is gone is InvalidOid.
 */
extern char *plan_deed_mark_columns(Oid table, Oid leaf, List *names);
extern bool plan_deed_read_columns(const char *text, Oid *table, List **names);

/* Type, partition and file of rows, as an identity's text has them beside the numbers of columns */
typedef struct DeedOrigin
{
	bool		here;			/* OIDs and transactions are of this database */
	Oid			leaf;			/* the partition that they were in, or the
								 * table itself */
	Oid			file;			/* plan_deed_file() of it, then */
	List	   *states;			/* of char *: plan_deed_column_state() of each
								 * column, then */
} DeedOrigin;

/* Reads it; false if the text does not say so: it is older than that */
extern bool plan_deed_read_origin(const char *text, DeedOrigin *origin);

/* Returns the number of a relation's file, which changes when it is rewritten; InvalidOid if there is none */
extern Oid	plan_deed_file(Oid relid);

/*
 * Returns a transaction and a type, with a space between them: of the last change of
 * the column's definition, and by a name that holds in other databases, too.  Behind
 * DEED_ATTRIBUTES are the attributes of a composite type.
 */
#define DEED_ATTRIBUTES "\n"
extern char *plan_deed_column_state(Oid table, const char *name);

/* Returns the type in it */
extern char *plan_deed_type_in(const char *state);

/* What plans have done after some moment that could change a column's definition */
typedef struct DeedSince
{
	bool		is_statement;	/* on whatever table */
	char	   *statement;
	bool		open;			/* it was not taken back */
} DeedSince;

/* Returns all statements of plans, and their changes of columns of a table (of DeedSince *) */
extern List *plan_deed_since(Oid table, TimestampTz at);

/* Does an open deed, of whatever plan, keep a relation that it knows by OID? */
extern bool plan_deed_keeps_relation(Oid relid);

/* Has a later open deed, known by names alone, kept something under the same name, too?  Place: an attic, or the table of a column. */
extern bool plan_deed_is_outdated(const PlanDeed *deed, const char *place, const char *name);

/* Its identity by the names that it has, once it is done; or NULL */
extern char *plan_deed_identity(const PlanDeed *deed);

/* How the table of a deed is known in this database */
typedef enum DeedTable
{
	DEED_BY_NAME,				/* by its name: it may be another one */
	DEED_BY_OID,
	DEED_TABLE_GONE				/* by OID, and gone: its name is another's */
} DeedTable;

/* Bring the names in deed->what up to date */
extern DeedTable plan_deed_follow(const PlanDeed *deed);

/* The table that a plan has called so: by the OID of its latest deed on it, where that is known, else by name; InvalidOid where it is gone */
extern Oid	plan_deed_table(int64 plan_id, const char *name);

/* Is the last deed of the plan on a table one of another database, as after a restore or in a copy? */
extern bool plan_deed_is_elsewhere(int64 plan_id, const char *name);

/* Its n-th column: by number, where that is known, else by a name; InvalidAttrNumber where it is gone */
extern AttrNumber plan_deed_column(const PlanDeed *deed, int n, const char *name);

/*
 * Returns, in words, a column of a dropped object's definition that no longer
 * has the name that it has there; NULL if there is none
 */
extern char *plan_deed_moved_column(const PlanDeed *deed);

/* Is a constraint or index gone that a deed has made, and another one of its name there? */
extern bool plan_deed_is_made_anew(const PlanDeed *deed);

/* Where this transaction has made anew what open deeds of plans have made, theirs is the new one from now on */
extern void plan_deeds_follow_anew(void);

/* Is an object the one that a deed has made or renamed?  Where nothing but names is known, any is. */
extern bool plan_deed_made(const PlanDeed *deed, const ObjectAddress *object);

/* By OID, where that is known: is its constraint there; its index; what is called now that it has renamed or kept, or NULL */
extern bool plan_deed_has_constraint(const PlanDeed *deed);
extern Oid	plan_deed_index_oid(const PlanDeed *deed);
extern char *plan_deed_renamed(const PlanDeed *deed);

/* Delete all of a plan's; by its id, which no other plan has had */
extern void plan_deeds_forget(const FkPlan *plan);

/* sg_prune() asks for them, too */
extern void plan_deed_init(void);

#endif							/* SG_PLAN_DEED_H */
