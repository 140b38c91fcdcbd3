/*-------------------------------------------------------------------------
 *
 * change.h
 *	  Steps that are no foreign keys: what each kind does to the catalog.
 *
 * A kind is a file of this room, and a line in change_kinds[].  Its look()
 * finds in the catalog, not in the step's state, what the next move is;
 * change_step.c makes it in a transaction of its own and looks again, until
 * nothing is left to do.  So a call takes up where another one, or a crash,
 * has left it.  Its undo() finds the same way back.
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
	MOVE_NONE,					/* it is as the step wants it */
	MOVE_STATEMENT,				/* statements that take no time, under a lock */
	MOVE_VALIDATE,				/* a statement that reads all rows, the same */
	MOVE_BUILD,					/* indexes, by workers */
	MOVE_FILL,					/* rows get a value, in batches */
	MOVE_OUTSIDE,				/* a statement by a worker, in no transaction */
	MOVE_PROBLEM				/* it can't be done: see problem */
} MoveKind;

typedef struct ChangeMove
{
	MoveKind	kind;
	const char *action;			/* in the log */
	Oid			table;			/* InvalidOid: none */
	LOCKMODE	mode;			/* for the table and its partitions */
	bool		alone;			/* not for its partitions */
	List	   *statements;		/* of char * */
	bool		one_by_one;		/* each is looked at again before it runs */
	bool		on_trial;		/* what it does is rolled back */
	StepState	state;			/* of the step, when it is done */
	bool		ends;			/* back: it is the last one */
	bool		first;			/* a deed begins with it */
	bool		rewrites;		/* the table is written anew under it */
	bool		identity;		/* drop: the table's identity is that index */
	bool		stands;			/* no step mends the problem, unless it is a
								 * statement */
	char	   *was;			/* what the deed remembers, or NULL */
	bool		kept;			/* back: it makes something of such a text */
	List	   *known;			/* of ObjectAddress *: code that this used, by
								 * OIDs that are those of this database */
	char	   *kept_as;		/* name of a column that is kept, or NULL */
	List	   *columns;		/* names: of the definition that is dropped */
	char	   *whole;			/* the deed is that of leaving this one */
	char	   *index;			/* the deed is that of an index with this
								 * definition, whose partitions have theirs */
	List	   *taken;			/* indexes it takes over: no deeds of theirs */
	List	   *builds;			/* of PlanIndex * */
	CodeReach  *reach;			/* code that it may run, or NULL */
	Oid			owner;			/* of what is no table, or InvalidOid */
	Oid			conid;			/* MOVE_VALIDATE: the constraint */
	char	   *note;			/* of what is there already, or NULL */
	FkProblem  *problem;

	AuditKey   *rule;			/* which rows break the rule, or NULL */
	DeployRule	rows;			/* what is done about these */

	ObjectAddress object;		/* is renamed or dropped */
	List	   *keys;			/* of FkKey *: go along, each with a deed */
	List	   *rules;			/* of PlanDeed *: constraints and indexes that
								 * go along */
	List	   *tables;			/* OIDs of others that are locked as well */
	List	   *owner_statements;	/* by the extension\'s owner, at the end */
	List	   *last_statements;	/* and behind those, as the caller */
	List	   *along;			/* of char *: what a CASCADE of the author's
								 * takes along */
	List	   *gone;			/* of PlanGone *: what statements of the
								 * author's let go */
	RunRows    *counts;			/* of rows that the queries among them delete
								 * or change, or NULL */
	int64	   *processed;		/* rows that a statement came to: -1 until it
								 * begins; or NULL */
} ChangeMove;

/* An object that depends on another one; the hook below lists them, set by the room that knows */
typedef struct ChangeDependent
{
	ObjectAddress address;
	char	   *identity;		/* "view public.v" */
	bool		blocks;			/* DROP fails on it */
	bool		mentions;		/* its text has the name */
} ChangeDependent;

extern List *(*change_dependents_hook) (const ObjectAddress *object);

/* Returns the identities (of char *) of all that DROP ... CASCADE of an object takes along, also through others; set by the room that knows dependents */
extern List *(*change_cascade_hook) (const ObjectAddress *object);

/* Objects that a statement with CASCADE takes along, and the rows and values that go */
typedef struct ChangeAlong
{
	bool		cascades;		/* it has CASCADE */
	bool		known;			/* what it names is found, so names are all */
	bool		owned;			/* names are of what roles own */
	List	   *names;			/* of char *: objects, or tables of TRUNCATE */
	List	   *gone;			/* of PlanGone *, by CASCADE or without it */
} ChangeAlong;

/* Looks up what a statement drops or empties; and the number of such objects with the names of the first */
extern void change_along(Node *statement, ChangeAlong *along);
extern char *change_along_text(List *names);

typedef struct ChangeKind
{
	/*
	 * the next move; the move is empty but for its table, which is there
	 * where the step has one
	 */
	void		(*look) (const PlanStep *step, ChangeMove *move);

	/*
	 * The next move back from what a deed of this kind has made: none where
	 * it is gone, a problem (ERRCODE_SG_KEY_CONFLICT) where it is another's
	 * by now, or can't be taken back; with another SQLSTATE the problem is
	 * one to be mended before a later call.
	 */
	void		(*undo) (const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
} ChangeKind;

/* Returns the names of keys (of FkKey *), and of rules (of PlanDeed *), with their tables, or NULL where there is none */
extern char *change_keys_text(List *keys);
extern char *change_rules_text(List *rules);

/* By StepKind; foreign keys have none */
extern const ChangeKind change_kinds[];

/* Register what the rooms below ask of this one, what sg_prune() ends, and columns for sg_plan_sql() */
extern void change_init(void);
extern void change_object_init(void);
extern void change_column_init(void);

/* ---- change_step.c ---- */

/* As change_kinds[] says, once the table is found; needs a snapshot, writes and locks nothing */
extern void change_look(const PlanStep *step, ChangeMove *move);
extern void change_look_back(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);

/* Was it done before, so that it has gone by another name, or is gone, since? */
extern bool change_was_done(const PlanStep *step, const ChangeMove *move);

/* Run the statements of a move, as whom its code allows: 42501 where nobody may; and what it locks of its table */
extern void change_run(const ChangeMove *move);
extern void change_add_target(RunAction *action, const ChangeMove *move);

/* Returns a text of what goes for good by a move, and of the rows (NULL: not counted) that its queries have deleted or changed; or NULL */
extern char *change_gone_text(const PlanStep *step, int64 lost, const RunRows *counts);

/* 42501 unless its code may run as the caller */
extern void change_check_caller(const ChangeMove *move);

/* Returns the privilege that the caller lacks for a step as it stands, or NULL */
extern char *change_lacks(const PlanStep *step, const ChangeMove *move);

/* ---- change_trial.c: in a subtransaction that the caller rolls back ---- */

/*
 * Makes the next move of a step whose table the transaction has made, or of one that
 * makes a table, as whom its code allows, and fires no event trigger.  Returns false
 * where there is none, or a problem: see the move.
 */
extern bool change_try_move(const PlanStep *step, ChangeMove *move);

/* Runs a statement so */
extern void change_run_on_trial(const char *sql);

/* Returns what of a statement is not run then, in words, or NULL */
extern const char *change_untried(const char *sql);

/* Does a statement compute nothing when it is run?  The bound of a partition may call any function, and what that does stays. */
extern bool change_computes_nothing(const char *sql);

/* ---- change.c: what the kinds have in common ---- */

extern void change_problem(ChangeMove *move, int sqlerrcode, char *reason, const char *hint);

/* A move with one more statement, which is printed as by psprintf(); and without one */
extern void change_statement(ChangeMove *move, MoveKind kind, const char *action, LOCKMODE mode, StepState state,
							 char *statement);
extern void change_move(ChangeMove *move, MoveKind kind, const char *action, LOCKMODE mode, StepState state);

/* Is a column NOT NULL; is that valid, too; and its default as the server writes it, or NULL */
extern bool change_is_not_null(Oid table, AttrNumber attnum);
extern bool change_is_proved_not_null(Oid table, AttrNumber attnum);
extern char *change_current_default(Oid table, AttrNumber attnum);

/*
 * An expression of the plan's over the table's row, analysed with search_path
 * pinned to pg_catalog, as boolean (check) or as the column's value; or NULL,
 * with the problem in the move: what the parser says, a volatile function
 * unless that is allowed.
 */
extern Node *change_cook(ChangeMove *move, const char *sql, AttrNumber column, bool may_be_volatile);

/* Has a raw expression a subquery? */
extern bool change_has_subquery(Node *raw);

/* Has the fill of a step a subquery, so that it is no expression of the row alone, and is not cooked? */
extern bool change_fill_is_query(const PlanStep *step);

/* Is the trigger of a column's step there, enabled, and as the move of its fill would make it? */
extern bool change_keeps_filling(const PlanStep *step, const ChangeMove *move);

/* Does the column of a step, which may not be there yet, get a value in an INSERT that does not name it? */
extern bool change_column_has_default(const PlanStep *step, Oid table);

/*
 * Returns the step that is to drop or rename a column from which the trigger of
 * a column's step carries updates over until then; NULL: it carries none.
 */
extern PlanStep *change_carries_until(const PlanStep *step);

/* Like change_cook(), for a column that is still to be added; and its default and fill, or NULL; false with a problem */
extern Node *change_cook_value(ChangeMove *move, const char *sql, const char *column, Oid type, int32 typmod);
extern bool change_column_values(const PlanStep *step, ChangeMove *move, Node **initial, Node **fill);

/* The type of a column that a step adds; false with a problem */
extern bool change_column_type(const PlanStep *step, ChangeMove *move, Oid *type, int32 *typmod);

/* Like change_cook(), for an ORDER BY: sets its expressions, and its text as the server writes it, in move->rows */
extern bool change_order(ChangeMove *move, const char *sql);

/*
 * Sets the rows that the step is about: those for which `broken` holds, an expression of
 * these nodes; with the policy "set", the value that its fill gives.  False
 * with a problem where fill can't be that.
 */
extern bool change_rows(const PlanStep *step, ChangeMove *move, char *broken, List *expressions);

/* For what the server writes, the same in all sessions, until sg_scope_end(); an expression, to be compared with the catalog's; what one, or NULL, could run; what checks of the table and those below it run when they are to prove something */
extern void change_text_begin(SgScope *scope);
extern char *change_deparse(Oid table, Node *expression);
extern void change_reach(ChangeMove *move, Node *raw);
extern void change_reach_proof(ChangeMove *move, Oid relid);

/* The column of the step, or one by its name; or InvalidAttrNumber with a problem.  A constraint of the table by its name, a copy, or NULL; and its condition as the server writes it */
extern AttrNumber change_column(const PlanStep *step, ChangeMove *move);
extern AttrNumber change_named_column(const PlanStep *step, const char *name, ChangeMove *move);
extern HeapTuple change_constraint(Oid table, const char *name);
extern char *change_condition(HeapTuple tuple);

/* ---- change_object.c ---- */

/*
 * Parses a statement made of what a deed keeps.  NULL, with a problem, unless it is one
 * statement, of that kind; or ALTER TABLE of the move's table with one command, of that one.
 */
extern Node *change_kept_statement(const PlanStep *step, const char *statement, NodeTag kind, ChangeMove *move);
extern AlterTableCmd *change_kept_command(const PlanStep *step, const char *statement, AlterTableType subtype, ChangeMove *move);

/* Returns what a deed remembers of a constraint, index or trigger that a step drops, and the names of the columns that it is made of */
extern char *change_definition(const PlanStep *step, const ChangeMove *move, List **columns);

/* Looks for what depends on the move's object, which a message calls so; false with a problem where a DROP without CASCADE would fail */
extern bool change_is_free(const PlanStep *step, const char *called, ChangeMove *move);

/* ---- change_taken.c ---- */

/*
 * Has the move of a column's drop take along what would go on to bind rows by it, in
 * partitions and heirs as well: keys to other tables, CHECKs, and what makes values unique.
 * False with a problem of what can't be taken along.  Of a drop for good it merely lists
 * what the server takes.
 */
extern bool change_take_rules(const PlanStep *step, ChangeMove *move);

/* Returns the hint that has a column which is there get the default that its step names */
extern char *change_default_hint(const PlanStep *step);

/* Lists with the move of a statement the rules that go with the columns that it drops */
extern void change_list_rules(const PlanStep *step, ChangeMove *move);

/* Makes a problem of a rule on a column in whose place a key's are, and that none on these replaces */
extern void change_check_rules(const PlanStep *step, const PlanStep *key, ChangeMove *move);

/* ---- change_attic.c ---- */

/* A table or view is moved to where it is kept, and no more published; false with a problem */
extern bool change_into_attic(const PlanStep *step, Oid relid, ChangeMove *move);
extern char *change_move_statement(const PlanStep *step, const char *from, const char *schema);
extern List *change_move_statistics(Oid relid, const char *schema);

/* Returns the qualified name of an object in a schema whose name a relation, or an index, sequence or type of it, would need there; or NULL */
extern char *change_name_in_use(Oid schema, Oid relid, const char *name);

/* Where it is kept, and the schema that it was in, by what its deed remembers: by OID, if that is known, else by name; InvalidOid where it is gone */
extern Oid	change_kept_relation(const PlanDeed *deed, char **name);
extern Oid	change_schema_before(const PlanStep *step, const char *was);
extern bool change_knows_kept(const char *was);

/* The latest deed of a step's own kind, or NULL; where a step's is, or NULL; and how large it is, since when, or NULL */
extern const PlanDeed *change_deed_of(const PlanStep *step);
extern char *change_kept_as(const PlanStep *step);
extern char *change_kept_text(const PlanStep *step);

/*
 * Returns the publications that send one of some tables (OIDs) with this column
 * (NULL: whatever columns), there or not; if `changes`, those that send what is
 * updated or deleted; as a text, or NULL.  Needs a snapshot.
 */
extern char *change_published(List *tables, const char *column, bool changes);

/* Returns those that will send a table once it is in a schema, unless they name it; as a text, or NULL */
extern char *change_published_in(Oid schema, Oid relid);

/* Back into the publications that are still there */
extern void change_publish_again(const PlanDeed *deed, ChangeMove *move);

/* A partition leaves its table, which the deed of that remembers; is it such a deed; and back */
extern void change_detach(const PlanStep *step, Oid relid, ChangeMove *move);
extern bool change_is_detached(const PlanDeed *deed);
extern void change_attach(const PlanDeed *deed, ChangeMove *move);

/* ---- change_own.c ---- */

/* Returns deeds (of PlanDeed *), to be written first, of what partitions and inheriting tables have by themselves and a step replaces; recreates that of one */
extern List *change_own_deeds(const PlanStep *step, Oid table);

/* Returns the tables (names) among these whose NOT NULL of a column that is to be kept is not the whole's, those above others first */
extern List *change_own_not_null(const PlanStep *step, Oid table);
extern void change_own_back(const PlanDeed *deed, ChangeMove *move);

/* ---- change_identity.c ---- */

/* Makes a problem of a drop that takes along a replica identity which is needed, or could not come back; sets move->identity */
extern bool change_keeps_identity(const PlanStep *step, ChangeMove *move);

/* Likewise of what a rollback drops: a constraint or index that a deed has made */
extern bool change_undo_keeps_identity(const PlanDeed *deed, const char *definition, Oid catalog, Oid object, ChangeMove *move);

/* Returns the statement that makes an index (a name) the replica identity of a table, qualified, that lost its index; or NULL */
extern char *change_identity_statement(Oid table, const char *name, const char *index);

/* ---- change_rule.c ---- */

/*
 * A step that rows can break as a rule for the audit; NULL for others.  author
 * is who wrote its condition.  Raises what ALTER TABLE would.
 */
extern bool change_is_rule(const PlanStep *step);
extern AuditKey *change_rule(const PlanStep *step, Oid author);

/* ---- change_index.c: for indexes, and constraints that are made of them ---- */

/* Can the table have it, and may it be built?  Else a problem. */
extern bool change_index_possible(ChangeMove *move, const char *definition);

/*
 * The indexes of that definition on the table, or on all of its partitions
 * (a List of OIDs); where some are missing, those are in move->builds.  false:
 * a problem, such as another object of the step's name.
 */
extern bool change_index_find(const PlanStep *step, ChangeMove *move, const char *definition, List **found);

/*
 * The move takes them over: those that builds of the step have made are in
 * move->taken; one that was there before is what the deed remembers, for the
 * index would be lost if that were taken back.
 */
extern void change_index_claim(const PlanStep *step, ChangeMove *move, List *indexes);

/* Are partitioned tables of the step partitioned by its columns?  False with a problem (change_unique.c) */
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

/* Has the step's column the type, the default and the NOT NULL of its definition, and no others? */
extern bool change_column_is_as_defined(const PlanStep *step, bool not_null);
extern void change_undo_column(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_default(const PlanStep *step, ChangeMove *move);
extern void change_undo_default(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_rename(const PlanStep *step, ChangeMove *move);
extern void change_undo_rename(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_drop(const PlanStep *step, ChangeMove *move);
extern void change_undo_drop(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_table(const PlanStep *step, ChangeMove *move);

/* Makes it a problem that what other steps have done would go with the table that a step has made, or with that column of it; returns whether it is one */
extern bool change_others_stand_on(const PlanStep *step, const char *column, ChangeMove *move);

extern void change_undo_table(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);
extern void change_look_index(const PlanStep *step, ChangeMove *move);

/* Does a statement of the step put rows into a table? */
extern bool change_inserts(const PlanStep *step, Oid table);
extern void change_look_statement(const PlanStep *step, ChangeMove *move);
extern void change_undo_statement(const PlanDeed *deed, const PlanStep *step, ChangeMove *move);

/* Returns the index that a statement names for what it builds, if it is there, invalid, and nobody builds it; or NULL */
extern char *change_half_built(const char *sql);
extern bool change_reach_statement(ChangeMove *move, const char *sql);

/*
 * Looks at a query that somebody has written, and calls run(run_arg), which runs it
 * by SPI, under ACCESS SHARE on all that it reads: as the current role, with names
 * looked up in pg_catalog.  Raises 42501 if it reaches code that is not the
 * role's; leaves a problem in the move, and runs nothing, if it can't be analysed.
 */
extern void change_ask(const char *sql, ChangeMove *move, void (*run) (void *arg), void *run_arg);

/*
 * Returns why a statement that was looked at so must not run outside of a
 * transaction, or NULL: what the server runs of it is the table's owner's, as whom
 * it builds indexes, or, where it is analysed, the caller's
 */
extern char *change_outside_refusal(const ChangeMove *move, const char *sql);

/*
 * Returns a hint to have a statement about a table run, as fk_owner_hint() does, with
 * `behind` after it, or NULL; without any if names in it lead to code of others by now
 */
extern char *change_owner_hint(const char *lead, Oid table, const char *statement, const char *behind);

#endif							/* SG_CHANGE_H */
