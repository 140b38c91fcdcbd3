/*-------------------------------------------------------------------------
 *
 * change.h
 *	  Steps that are no foreign keys: the changes of each kind to the catalog.
 *
 *	  Each kind has a line in change_kinds[] and a file of this room with its
 *	  look() and undo(); CONTRIBUTING.md has the other places.  look() finds
 *	  the next move in the catalog, not in the step's state; change_step.c
 *	  makes the move in a transaction of its own and looks again, until
 *	  nothing is left to do.  So a call resumes where another one, or a crash,
 *	  has left off.  undo() finds the way back likewise.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHANGE_H
#define SG_CHANGE_H

#include "postgres.h"
#include "access/htup.h"
#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"

#include "audit/audit_rule.h"
#include "base/code.h"
#include "base/scope.h"
#include "deploy/deploy.h"
#include "fk/fk.h"
#include "plan/plan.h"
#include "plan/plan_deed.h"
#include "run/run.h"

typedef enum MoveKind
{
	MOVE_NONE,					/* the catalog is as the step wants it */
	MOVE_STATEMENT,				/* statements that are instant, under a lock */
	MOVE_VALIDATE,				/* a statement that reads all rows, under a
								 * lock */
	MOVE_BUILD,					/* indexes, built by workers */
	MOVE_FILL,					/* rows get a value, in batches */
	MOVE_OUTSIDE,				/* a statement outside of a transaction, by a
								 * worker */
	MOVE_PROBLEM				/* the step can't be done: see problem */
} MoveKind;

/* The result of a statement about rows */
typedef struct ChangeReturned
{
	char	   *text;			/* of its only column, or NULL */
	List	   *gone;			/* char *: columns on record that are gone */
	int64		alone;			/* rows of the step that were left alone */
	MemoryContext context;		/* for that text */
} ChangeReturned;

typedef struct ChangeMove
{
	MoveKind	kind;
	const char *action;			/* in the log */
	Oid			table;			/* table of the move; InvalidOid: none */
	LOCKMODE	mode;			/* lock mode for the table and its partitions */
	bool		alone;			/* lock the table without its partitions */
	List	   *statements;		/* of char * */
	bool		one_by_one;		/* each statement is examined again before it
								 * runs */
	bool		on_trial;		/* the move is made on trial, and rolled back */
	StepState	state;			/* state of the step after the move */
	bool		ends;			/* way back: the last move */
	bool		first;			/* a deed begins with this move */
	bool		rewrites;		/* the move rewrites the table */
	bool		identity;		/* drop: the index is the table's replica
								 * identity */
	bool		stands;			/* no other step can solve the problem, except
								 * a statement */
	char	   *was;			/* text that the deed remembers, or NULL */
	bool		kept;			/* way back: the move makes an object of such
								 * a text */
	List	   *known;			/* ObjectAddress *: code that the object used,
								 * by OIDs of this database */
	char	   *kept_as;		/* name under which a column is kept, or NULL */
	List	   *columns;		/* names of columns in the dropped definition */
	char	   *whole;			/* the deed is of leaving this partitioned
								 * table */
	char	   *index;			/* the deed is of an index with this
								 * definition, whose partitions have deeds of
								 * their own */
	List	   *taken;			/* indexes that it takes over, which get no
								 * deeds of their own */
	List	   *builds;			/* PlanIndex * */
	CodeReach  *reach;			/* code that the move may run, or NULL */
	Oid			owner;			/* owner of an object that is no table, or
								 * InvalidOid */
	Oid			conid;			/* MOVE_VALIDATE: OID of the constraint */
	char	   *note;			/* note about an existing object, or NULL */
	char	   *stays;			/* way back: what does not come back, or
								 * stays, or NULL */
	char	   *show_again;		/* statements that add the table to
								 * publications that have shown it and are
								 * gone */
	FkProblem  *problem;

	AuditKey   *rule;			/* rule for the rows that break it, or NULL */
	DeployRule	rows;			/* treatment of these rows */

	ObjectAddress object;		/* object that is renamed or dropped */
	List	   *keys;			/* FkKey *: keys that go along, each with a
								 * deed */
	List	   *rules;			/* PlanDeed *: constraints and indexes that go
								 * along */
	List	   *tables;			/* OIDs of further tables to lock */
	List	   *owner_statements;	/* statements run last as the extension's
									 * owner */
	List	   *last_statements;	/* statements run after those, as the
									 * caller */
	List	   *along;			/* char *: objects that a CASCADE in the
								 * author's statement takes along */
	List	   *gone;			/* PlanGone *: rows and values that the
								 * author's statements delete for good */
	RunRows    *counts;			/* rows that queries among the statements
								 * delete or change, or NULL */
	int64	   *processed;		/* rows that a statement has processed: -1
								 * until it begins; or NULL */
	ChangeReturned *returns;	/* where the result of a statement about rows
								 * goes, or NULL */
} ChangeMove;

/* An object that depends on another one; change_dependents_hook lists them, set by a higher room */
typedef struct ChangeDependent
{
	ObjectAddress address;
	char	   *identity;		/* "view public.v" */
	bool		blocks;			/* DROP fails because of it */
	bool		mentions;		/* its text has the object's name */
	bool		along;			/* it uses a sequence that goes with the
								 * object */
} ChangeDependent;

extern List *(*change_dependents_hook) (const ObjectAddress *object);

/*
 * Returns the identities (char *) of all objects that DROP ... CASCADE of an
 * object takes along, also through others; set by the room that knows
 * dependents
 */
extern List *(*change_cascade_hook) (const ObjectAddress *object);

/* Objects that a statement with CASCADE takes along, and the rows and values that are deleted */
typedef struct ChangeAlong
{
	bool		cascades;		/* the statement has CASCADE */
	bool		known;			/* the named objects are found, so names are
								 * complete */
	bool		owned;			/* names are objects that roles own */
	List	   *names;			/* char *: objects, or tables of TRUNCATE */
	List	   *gone;			/* PlanGone *, by CASCADE or without it */
} ChangeAlong;

/*
 * change_along() looks up what a statement drops or empties;
 * change_along_text() returns the number of such objects with the first names
 */
extern void change_along(Node *statement, ChangeAlong *along);
extern char *change_along_text(List *names);

typedef struct ChangeKind
{
	/*
	 * finds the next move; the move is empty except for its table, which
	 * exists if the step has one
	 */
	void		(*look) (const PlanStep *step, ChangeMove *move);

	/*
	 * finds the next move back from a deed of this kind: none if the object
	 * is gone, a problem with ERRCODE_SG_KEY_CONFLICT if it is somebody
	 * else's now, or can't be taken back; a problem with another SQLSTATE has
	 * to be mended before a later call
	 */
	void		(*undo) (const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
} ChangeKind;

/*
 * Return the names of keys (FkKey *), and of rules (PlanDeed *), with their
 * tables, or NULL if there are none
 */
extern char *change_keys_text(List *keys);
extern char *change_rules_text(List *rules);

/* By StepKind; foreign keys have none */
extern const ChangeKind change_kinds[];

/*
 * Register this room's hooks with the rooms below, the part of sg_prune(), and
 * columns for sg_plan_sql()
 */
extern void change_init(void);
extern void change_prune_init(void);
extern void change_column_init(void);

/* ---- change_step.c ---- */

/* Find the next move by change_kinds[], after the table; need a snapshot, write and lock nothing */
extern void change_look(const PlanStep *step, ChangeMove *move);
extern void change_look_back(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);

/* Returns whether the step was done before, and its object has been renamed or dropped since */
extern bool change_was_done(const PlanStep *step, const ChangeMove *move);

/*
 * Run the statements of a move, as the role that their code allows (42501 if
 * none may); and add the move's locks to the action
 */
extern void change_run(const ChangeMove *move);
extern void change_add_target(RunAction *action, const ChangeMove *move);

/*
 * Returns a text of the objects that a move deletes for good, and of the rows
 * (NULL: not counted) that its queries have deleted or changed; or NULL
 */
extern char *change_gone_text(const PlanStep *step, int64 lost, const RunRows *counts);

/*
 * Return the rows and values that are gone for good with a deed; whether the
 * undo of its step may give them back, as one that does more than to alter
 * tables, or has an expression for a column; and both as a text, or NULL
 */
extern int64 change_stays_gone(const PlanDeed *deed);
extern bool change_may_give_back(const PlanStep *step);
extern char *change_stays_gone_text(const PlanDeed *deed, const PlanStep *step);

/*
 * Returns in words how many of a step's rows would be inserted, changed or
 * deleted, or why that can't be told; sets *hint if the step can't be done with
 * these values, otherwise NULL.  Adds the kinds of writes (CmdType) to *writes,
 * unless there are none.
 */
extern char *change_rows_text(const PlanStep *step, char **hint, List **writes);

/*
 * Returns the record of the rows that a move of a step of rows has changed
 * (JSON, or NULL); raises an error if they are not as the step wants them
 */
extern char *change_rows_made(const PlanStep *step, ChangeMove *move);

/* Returns how a step of rows that has failed by a key would run, or NULL */
extern char *change_rows_hint(const PlanStep *step, const ErrorData *error);

/* Returns why the statement of a step that has run has not done what done_when asks for, or NULL */
extern FkProblem *change_not_done(const PlanStep *step);

/*
 * In a scope: lets a statement mean what it meant when the server wrote it.
 * NULL in the text of an array means null, and definitions that a sync compares
 * come without quotes.
 */
extern void change_pin_meaning(void);

/* Returns whether a move runs as the caller */
extern bool change_is_callers(const ChangeMove *move);

/* Raises 42501 unless the move's code may run as the caller */
extern void change_check_caller(const ChangeMove *move);

/*
 * Returns the problem that a move will raise because of code which would run, or
 * because the caller may not become the role that it would run as; or NULL
 */
extern FkProblem *change_refusal(const ChangeMove *move);

/* Returns the privilege that the caller lacks for a step in the present catalog, or NULL */
extern char *change_lacks(const PlanStep *step, const ChangeMove *move);

/* ---- change_trial.c: in a subtransaction that the caller rolls back ---- */

/*
 * Makes the next move of a step whose table this transaction has made, or of
 * one that makes a table, as the role that its code allows; fires no event
 * trigger.  Returns false if there is no move, or a problem: see the move.
 */
extern bool change_try_move(const PlanStep *step, ChangeMove *move);

/* Runs a statement in this way */
extern void change_run_on_trial(const char *sql);

/* Runs a statement on trial as it is, which reads no row of a table that others use */
extern void change_try_statement(RawStmt *raw, const char *sql);

/* Returns in words the part of a statement that a trial does not run, or NULL */
extern const char *change_untried(const char *sql);

/*
 * Returns whether a statement computes nothing when it runs.  The bound of a
 * partition may call any function, whose effects may stay.
 */
extern bool change_computes_nothing(const char *sql);

/* ---- change.c: what the kinds have in common ---- */

extern void change_problem(ChangeMove *move, int sqlerrcode, char *reason, const char *hint);

/* change_statement() sets a move with one more statement; change_move() one without */
extern void change_statement(ChangeMove *move, MoveKind kind, const char *action, LOCKMODE mode, StepState state,
							 char *statement);
extern void change_move(ChangeMove *move, MoveKind kind, const char *action, LOCKMODE mode, StepState state);

/*
 * Return whether a column is NOT NULL; whether that is valid, too; and its
 * default as the server prints it, or NULL
 */
extern bool change_is_not_null(Oid table, AttrNumber attnum);
extern bool change_is_proved_not_null(Oid table, AttrNumber attnum);
extern char *change_current_default(Oid table, AttrNumber attnum);

/*
 * Returns an expression of the plan over the table's row, analysed with
 * search_path pinned to pg_catalog, as boolean (a check) or as the column's
 * value.  Returns NULL with a problem in the move: the parser's error, or a
 * volatile function unless allowed.
 */
extern Node *change_cook(ChangeMove *move, const char *sql, AttrNumber column, bool may_be_volatile);

/* Returns whether a raw expression has a subquery */
extern bool change_has_subquery(Node *raw);

/*
 * Returns whether the fill of a step has a subquery, so that it is no
 * expression of the row alone, and is not cooked
 */
extern bool change_fill_is_query(const PlanStep *step);

/*
 * Returns whether the trigger of a column's step exists, enabled, and as the
 * move of its fill would make it
 */
extern bool change_keeps_filling(const PlanStep *step, const ChangeMove *move);

/*
 * Returns whether the column of a step, which may not exist yet, gets a value
 * in an INSERT that does not name it
 */
extern bool change_column_has_default(const PlanStep *step, Oid table);

/*
 * Returns the step that will drop or rename a column from which the trigger of
 * a column's step carries updates over until then; NULL: none.
 */
extern PlanStep *change_carries_until(const PlanStep *step);

/*
 * Like change_cook(), for a column that is still to be added;
 * change_column_values() does so for its default and fill, or NULL; returns
 * false with a problem
 */
extern Node *change_cook_value(ChangeMove *move, const char *sql, const char *column, Oid type, int32 typmod);

/* Like change_cook(), for a condition that reads columns that are still to be added, with their values */
extern Node *change_cook_added(ChangeMove *move, const char *sql, List *added, List *values);
extern bool change_column_values(const PlanStep *step, ChangeMove *move, Node **initial, Node **fill);

/* Sets the type of a column that a step adds; returns false with a problem */
extern bool change_column_type(const PlanStep *step, ChangeMove *move, Oid *type, int32 *typmod);

/*
 * Like change_cook(), for an ORDER BY: sets its expressions, and its text as
 * the server prints it, in move->rows
 */
extern bool change_order(ChangeMove *move, const char *sql);

/*
 * Sets the rows that the step is about: those for which `broken` holds, made of
 * these expressions; with policy "set", the value of its fill.  Returns false
 * with a problem if the fill is impossible.
 */
extern bool change_rows(const PlanStep *step, ChangeMove *move, char *broken, List *expressions);

/*
 * change_text_begin() pins settings for texts that the server prints, until
 * sg_scope_end(); change_deparse() prints an expression, to compare it with the
 * catalog's; change_reach() adds the code that an expression, or NULL, could
 * run; change_reach_proof() adds the code of checks of the table and those
 * below it when they are to prove something
 */
extern void change_text_begin(SgScope *scope);
extern char *change_deparse(Oid table, Node *expression);
extern void change_reach(ChangeMove *move, Node *raw);
extern void change_reach_proof(ChangeMove *move, Oid relid);

/*
 * change_column() returns the column of the step, change_named_column() one by
 * its name; InvalidAttrNumber with a problem.  The others return a copy of a
 * table's constraint by its name, or NULL, and its condition as the server
 * prints it.
 */
extern AttrNumber change_column(const PlanStep *step, ChangeMove *move);
extern AttrNumber change_named_column(const PlanStep *step, const char *name, ChangeMove *move);
extern HeapTuple change_constraint(Oid table, const char *name);
extern char *change_condition(HeapTuple tuple);

/* ---- change_object.c ---- */

/* Returns the name under which a dropped column is kept, by the text of its deed */
extern char *change_kept_column(const PlanStep *what);

/* Returns the object of a step of kind drop; objectId InvalidOid if there is none */
extern ObjectAddress change_dropped_object(const PlanStep *step);

/*
 * Parse a statement made of a deed's text.  Return NULL, with a problem, unless
 * it is a single statement of that kind; or an ALTER TABLE of the move's table
 * with one command of that kind.
 */
extern Node *change_kept_statement(const PlanStep *step, const char *statement, NodeTag kind, ChangeMove *move);
extern AlterTableCmd *change_kept_command(const PlanStep *step, const char *statement, AlterTableType subtype, ChangeMove *move);

/*
 * Returns the text by which a deed remembers the constraint, index or trigger
 * that a step drops, and sets the names of its columns
 */
extern char *change_definition(const PlanStep *step, const ChangeMove *move, List **columns);

/*
 * Looks for dependents of the move's object, which messages call `called`;
 * returns false with a problem if a DROP without CASCADE would fail
 */
extern bool change_is_free(const PlanStep *step, const char *called, ChangeMove *move);

/* ---- change_taken.c ---- */

/*
 * Makes the move of a column's drop take along the rules that would go on to
 * bind rows by it, in partitions and inheriting tables as well: keys to other
 * tables, CHECKs, unique constraints and indexes.  Returns false with a problem
 * if one can't be taken along.  For a drop for good it only lists the rules
 * that the server drops.
 */
extern bool change_take_rules(const PlanStep *step, ChangeMove *move);

/* Returns the hint that gives an existing column the default that its step names */
extern char *change_default_hint(const PlanStep *step);

/* Lists with the move of a statement the rules that go with the columns that it drops */
extern void change_list_rules(const PlanStep *step, ChangeMove *move);

/* Sets a problem for a rule on a column that a key's columns replace, if no rule on these replaces it */
extern void change_check_rules(const PlanStep *step, const PlanStep *key, ChangeMove *move);

/* ---- change_attic.c ---- */

/* Moves a table or view into the attic, and out of publications; returns false with a problem */
extern bool change_into_attic(const PlanStep *step, Oid relid, ChangeMove *move);

/* Is a view kept as a text, and reads nothing meanwhile?  Returns the statement that fills it again, or NULL */
extern bool change_empties_view(Oid relid);
extern char *change_view_again(const PlanDeed *deed, ChangeMove *move);

extern char *change_move_statement(const PlanStep *step, const char *from, const char *schema);
extern List *change_move_statistics(Oid relid, const char *schema);

/*
 * Returns the qualified name of an object in a schema whose name a relation, or
 * an index, sequence or type of it, would need there; or NULL
 */
extern char *change_name_in_use(Oid schema, Oid relid, const char *name);

/*
 * Return the kept relation, and the schema that it was in, by its deed: by OID,
 * if known, else by name; InvalidOid if it is gone
 */
extern Oid	change_kept_relation(const PlanDeed *deed, char **name);
extern Oid	change_schema_before(const PlanStep *step, const char *was);

/*
 * Returns the names of relations with the name, kind and columns of a kept one,
 * outside of the schema that it was in, or NULL; none is known to be it
 */
extern char *change_like_kept(const PlanDeed *deed, Oid except);
extern bool change_knows_kept(const char *was);

/* Returns whether the kept relation is found by its name and shape: the deed is of another database, or a dump was restored over it */
extern bool change_goes_by_name(const PlanDeed *deed);

/* Returns the latest deed of a step's own kind, or NULL */
extern const PlanDeed *change_deed_of(const PlanStep *step);

/*
 * Returns whether a step that is done is known by OID to have made a constraint
 * or default, which present settings may read in another way
 */
extern bool change_has_made(const PlanStep *step, Oid object);

/* Return the name under which a step's object is kept, or NULL; and its size and age, or NULL */
extern char *change_kept_as(const PlanStep *step);
extern char *change_kept_text(const PlanStep *step);

/*
 * Returns the publications that send one of the tables (OIDs) with this column
 * (NULL: any), existing or not; with `changes`, those that send updates or
 * deletes; as a text, or NULL.  Needs a snapshot.
 */
extern char *change_published(List *tables, const char *column, bool changes);

/*
 * Returns the publications that will send a table once it is in a schema,
 * unless they name the table; as a text, or NULL
 */
extern char *change_published_in(Oid schema, Oid relid);

/* Add to the move's note; for a way back, to what the step's reason says as well */
extern void change_note(ChangeMove *move, char *text);
extern void change_stays(ChangeMove *move, char *text);

/* Adds the relation to the publications of its deed that still exist */
extern void change_publish_again(const PlanDeed *deed, ChangeMove *move);

/*
 * Detach a partition, whose table its deed remembers; return whether a deed is
 * such a one; and attach the partition again
 */
extern void change_detach(const PlanStep *step, Oid relid, ChangeMove *move);
extern bool change_is_detached(const PlanDeed *deed);
extern void change_attach(const PlanDeed *deed, ChangeMove *move);

/* ---- change_trigger.c ---- */

/*
 * Return the triggers of a partition that fire otherwise than those of the
 * partitioned table, for a deed; and the statements (char *) that set them so
 * again, from that text, for a partition by its name
 */
extern char *change_partition_fires(Oid whole, Oid partition);
extern List *change_partition_fires_again(const char *text, Oid whole, const char *partition);

/*
 * Likewise for a trigger, and its clones on partitions; empty if all fire as
 * CREATE TRIGGER makes them. *text is moved past it.
 */
extern char *change_fires(Oid table, const char *name);
extern List *change_fires_again(const char **text, Oid table, const char *name);

/* ---- change_own.c ---- */

/*
 * Returns deeds (PlanDeed *), to be written first, of rules that partitions and
 * inheriting tables have of their own and a step replaces; change_own_back()
 * recreates that of one
 */
extern List *change_own_deeds(const PlanStep *step, Oid table);

/*
 * Returns the tables (names) below that have a NOT NULL of their own on a
 * column that is to be kept, ancestors first
 */
extern List *change_own_not_null(const PlanStep *step, Oid table);
extern void change_own_back(const PlanDeed *deed, ChangeMove *move);

/* ---- change_identity.c ---- */

/*
 * Sets a problem for a drop of a replica identity that is needed, or could not
 * be restored; sets move->identity
 */
extern bool change_keeps_identity(const PlanStep *step, ChangeMove *move);

/* Likewise for a drop by a rollback, of a constraint or index that a deed has made */
extern bool change_undo_keeps_identity(const PlanDeed *deed, const char *definition, Oid catalog, Oid object, ChangeMove *move);

/*
 * Returns the statement that makes an index (a name) the replica identity of a
 * table, qualified, that lost its index; or NULL
 */
extern char *change_identity_statement(Oid table, const char *name, const char *index);

/* ---- change_rule.c ---- */

/*
 * change_rule() returns the audit's rule for a step that rows can break; NULL
 * for others. `author` wrote its condition.  Raises ALTER TABLE's errors.
 */
extern bool change_is_rule(const PlanStep *step);
extern AuditKey *change_rule(const PlanStep *step, Oid author);

/* ---- change_index.c: for indexes, and constraints that are made of them ---- */

/* Returns whether the table can have the index, and it may be built; otherwise sets a problem */
extern bool change_index_possible(ChangeMove *move, const char *definition);

/*
 * Finds the indexes of that definition on the table, or on all of its
 * partitions (a List of OIDs); missing ones are in move->builds.  Returns false
 * with a problem, such as another object of the step's name.
 */
extern bool change_index_find(const PlanStep *step, ChangeMove *move, const char *definition, List **found);

/*
 * Makes the move take the indexes over: those that the step's builds have made
 * are in move->taken; the deed remembers an index that existed before, because
 * the index would be lost by the undo.
 */
extern void change_index_claim(const PlanStep *step, ChangeMove *move, List *indexes);

/*
 * Returns whether partitioned tables of the step are partitioned by its
 * columns, otherwise with a problem (change_unique.c)
 */
extern bool change_unique_over_partitions(const PlanStep *step, ChangeMove *move);

/* ---- the kinds ---- */

extern void change_look_check(const PlanStep *step, ChangeMove *move);
extern void change_check_back(const PlanStep *step, ChangeMove *move, bool no_inherit, bool enforced);
extern void change_undo_check(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_not_null(const PlanStep *step, ChangeMove *move);
extern char *change_not_null_name(Oid table, const char *column);
extern void change_undo_not_null(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_unique(const PlanStep *step, ChangeMove *move);
extern void change_undo_unique(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_column(const PlanStep *step, ChangeMove *move);

/* Returns whether the step's column has exactly the type, default and NOT NULL of its definition */
extern bool change_column_is_as_defined(const PlanStep *step, bool not_null);
extern void change_undo_column(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);

/*
 * Returns in words the columns (char *) that stay in tables which inherit from
 * a table when it loses them: they are local there; NULL if there are none
 */
extern char *change_kept_below(Oid table, List *columns);
extern void change_look_default(const PlanStep *step, ChangeMove *move);
extern void change_undo_default(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_rename(const PlanStep *step, ChangeMove *move);

/*
 * Returns whether the column, or (0) the table, that a step has found under the
 * name of its own is one that the plan has renamed to it; with a problem then
 */
extern bool change_is_renamed(const PlanStep *step, AttrNumber column, ChangeMove *move);
extern void change_undo_rename(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_drop(const PlanStep *step, ChangeMove *move);
extern void change_undo_drop(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_table(const PlanStep *step, ChangeMove *move);
extern void change_look_rows(const PlanStep *step, ChangeMove *move);

/*
 * Returns whether other steps' objects would be dropped with the table that a
 * step has made, or with that column of it, and sets that as a problem
 */
extern bool change_others_stand_on(const PlanStep *step, const char *column, ChangeMove *move);

extern void change_undo_table(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_undo_rows(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_index(const PlanStep *step, ChangeMove *move);

/* Returns whether a statement of the step inserts rows into a table */
extern bool change_inserts(const PlanStep *step, Oid table);
extern void change_look_statement(const PlanStep *step, ChangeMove *move);
extern void change_undo_statement(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);

/*
 * Returns the index that a statement names for its build, if it exists, is
 * invalid, and no session builds it; or NULL
 */
extern char *change_half_built(const char *sql);
extern bool change_reach_statement(ChangeMove *move, const char *sql);

/*
 * Examines a user's query, and calls run(run_arg), which runs it by SPI, under
 * ACCESS SHARE on all relations that it reads: as the current role, with names
 * looked up in pg_catalog.  Raises 42501 if it reaches code that is not the
 * role's; sets a problem in the move, and runs nothing, if it can't be
 * analysed.
 */
extern void change_ask(const char *sql, ChangeMove *move, void (*run) (void *arg), void *run_arg);

/*
 * Returns why an examined statement must not run outside of a transaction, or
 * NULL: the server runs parts of it as the table's owner, as whom it builds
 * indexes, and analyses parts as the caller
 */
extern char *change_outside_refusal(const ChangeMove *move, const char *sql);

/*
 * Returns a hint to run a statement about a table, as fk_owner_hint() does,
 * with `behind` after it, or NULL; without any statement if names in it lead to
 * code of others now
 */
extern char *change_owner_hint(const char *lead, Oid table, const char *statement, const char *behind);

#endif							/* SG_CHANGE_H */
