/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Shared by the files of check: one call of sg_plan_check().
 *
 *	  check.c is the function and its rows, check_key.c the definition of a
 *	  key in this database, check_twin.c other keys, check_access.c privileges
 *	  and visibility, check_tables.c sizes, partitions, replication and time,
 *	  check_index.c indexes, check_cascade.c the reach of a delete,
 *	  check_fix.c orphans and the cost of mending them, check_change.c steps
 *	  of other kinds, check_rows.c the rows that such steps meet,
 *	  check_trial.c tables that steps make, check_stand_in.c those that stand
 *	  in for existing ones there, check_statement.c names in statements and
 *	  rows that they write, check_before.c names that earlier steps take from
 *	  them, check_refusal.c statements that the server refuses, check_clone.c
 *	  those that it refuses on an empty table, check_query.c the rows that
 *	  statements would write, check_written.c the rules that these rows meet,
 *	  check_planned.c those that the plan adds, check_server.c the state of the
 *	  server, check_load.c the window and the limits of load.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHECK_H
#define SG_CHECK_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "base/oidlist.h"
#include "change/change.h"
#include "change/change_need.h"
#include "deploy/deploy.h"
#include "plan/plan_index.h"

typedef enum CheckResult
{
	CHECK_OK,
	CHECK_WARN,					/* the step hurts, or could not be examined */
	CHECK_BLOCK					/* the step, or the plan, can't be done */
} CheckResult;

/* Reading of tables: none, a sample, or every row */
typedef enum CheckVerify
{
	CHECK_READ_NONE,
	CHECK_READ_SAMPLE,			/* a sample of large tables; tables of keys
								 * are read fully */
	CHECK_READ_FULL
} CheckVerify;

typedef struct CheckRow
{
	const char *name;
	CheckResult result;
	char	   *detail;
	char	   *hint;
} CheckRow;

/* A table with its partitions, as far as they can be examined without waiting */
typedef struct CheckTable
{
	Oid			relid;
	List	   *relids;			/* the table and all tables below it */
	List	   *leaves;			/* tables among them that hold rows */
	double		blocks;
	double		toast;			/* blocks of TOAST tables */
	double		rows;			/* estimated number of rows; -1: never
								 * vacuumed nor analyzed */
} CheckTable;

/* Bytes that a tablespace gets */
typedef struct CheckGrowth
{
	Oid			tablespace;
	double		bytes;
} CheckGrowth;

/* Bytes that a step writes */
typedef struct CheckWrites
{
	double		wal;
	double		growth;			/* growth of tables, indexes and copies */
	List	   *elsewhere;		/* CheckGrowth *: part of the growth in
								 * tablespaces other than the database's own */
	double		temp;			/* temporary files of sorts, at one time */
	double		along;			/* rows that go with those that a policy
								 * removes */
	bool		counted;		/* counted, not estimated by averages */
	bool		most;			/* an upper bound */
	List	   *triggers;		/* char *: triggers that may write to other
								 * tables */
	bool		unknown;		/* further writes are unknown */
	bool		uncounted;		/* among them rows that a policy mends, which
								 * were not counted */
	bool		unsized;		/* values of an unknown size are written */
} CheckWrites;

/* A name that a step takes away, or gives */
typedef struct StepName
{
	const char *kind;			/* "table", "view", "column" or "function" */
	const char *does;			/* "drops", "renames" or "moves" */
	char	   *relation;		/* qualified; for a function its own name */
	char	   *column;			/* or NULL */
	bool		anew;			/* given to an object that the step makes or
								 * renames, and that no other one may have */
} StepName;

/* Names that a step's statements remove, and names that they create */
typedef struct CheckNames
{
	List	   *takes;			/* StepName * */
	List	   *gives;
} CheckNames;

/* A checked step, or (step NULL) the plan and the server, with its results */
typedef struct CheckStep
{
	const char *plan;
	PlanStep   *step;
	int			place;			/* position in the order of deployment */
	StepView	view;
	List	   *rows;			/* CheckRow * */
	bool		blocked;
	bool		left_alone;		/* skipped for good */
	bool		on_trial;		/* it makes a table, or waits for another
								 * step's object */
	const char *makes;			/* the table that it makes, or NULL */
	char	   *waits;			/* why it waits for steps that it needs, or
								 * NULL */
	bool		is_early;		/* columns of the key are still to be added */
	bool		unproved;		/* the key is valid without a proof about its
								 * rows */
	CheckTable *child;			/* NULL if there is nothing to do */
	CheckTable *parent;
	AuditKey   *audit;			/* NULL: its rows were not read */
	double		index_bytes;	/* size of an index that deployment builds */
	List	   *questions;		/* RowQuestion *: see check_rows.c */
	List	   *along;			/* FixTally *: rows that go along with its
								 * own, counted or by averages */
	double		fill_width;		/* average size of the values that its fill
								 * gives; 0: not computed */
	CheckWrites writes;
	CheckNames *names;			/* NULL until requested */
	List	   *made;			/* char *: functions, types and others that
								 * its statements make, if made_known */
	bool		made_known;
} CheckStep;

/* A session or prepared transaction whose lock blocks a step */
typedef struct LockHolder
{
	Oid			relid;
	int			pid;			/* 0: prepared */
	char	   *gid;			/* name of a prepared transaction */
	char	   *mode;
	LOCKMODE	lock;			/* the lock mode as a number */
	double		seconds;		/* seconds since its transaction began; -1:
								 * hidden */
	bool		wraparound;		/* an anti-wraparound vacuum, which does not
								 * give way */
	bool		autovacuum;		/* an autovacuum worker */
} LockHolder;

/* A table in a publication */
typedef struct PublishedTable
{
	Oid			relid;
	char	   *publication;
	bool		updates;
	bool		deletes;
	char	   *sends;			/* words: what else it sends of its tables */
	char	   *columns;		/* names, with commas */
	char	   *filter;			/* or NULL */
} PublishedTable;

/* An edge of the graph of cascading keys: see check_cascade.c */
typedef struct CheckEdge CheckEdge;

/* A step that fills a column, and the first drop for good of something that it reads */
typedef struct CheckCompared
{
	const PlanStep *filled;
	const PlanStep *drop;
} CheckCompared;

typedef struct PlanCheck
{
	FkPlan	   *plan;
	CheckVerify verify;
	CheckStep	server;
	List	   *steps;			/* CheckStep *, in the order of deployment */
	PlanGraph  *graph;			/* graph of all steps of the plan */
	List	   *declared;		/* FkKey *: every key of this database */
	List	   *proved;			/* OIDs of keys with a standing proof */
	SgOidLists *keys_of;		/* FkKey *: declared keys, by their child */
	SgOidLists *steps_of;		/* CheckStep *: steps with a key to examine,
								 * by its child */
	SgOidLists *keys_to;		/* FkKey *: declared keys, by the topmost
								 * table of their parent; NULL until requested */
	SgOidLists *steps_to;		/* CheckStep *, likewise */
	SgOidLists *tables;			/* CheckTable *, one for each table */
	List	   *holders;		/* LockHolder * */
	List	   *published;		/* PublishedTable * */
	char	   *unpublished_reason; /* why they could not be read, or NULL */

	SgOidLists *edges;			/* CheckEdge *, by parent; NULL until
								 * requested */
	SgOidLists *reaching;		/* CheckEdge *: keys by which mending reaches
								 * further rows, likewise */
	SgOidLists *hard;			/* FkKey *: keys without which no row can be
								 * written, by child; set with edges */

	SgOidLists *indexes;		/* PlanIndex * that deployment builds, by
								 * table; NULL until requested */
	HTAB	   *given;			/* names that steps give and take away: see
								 * check_given.c; NULL until requested */

	/* time to read a table */
	double		ms_per_block;	/* 0: not measured */
	char	   *measured_on;

	double		paces[ORPHANS_SET + 1]; /* rows mended per second, by policy;
										 * 0: not looked up, -1: unknown here */

	List	   *compared;		/* CheckCompared *: fills that drops for good
								 * compare with what they take */
	ChangeOthers others;

	int			mending;		/* number of keys with orphans that their
								 * policies fix */

	/* total over all steps */
	bool		mends;			/* rows are mended in addition, in an unknown
								 * time */
	double		seconds;
	double		longest;
} PlanCheck;

/* ---- check.c ---- */

/* Adds a row about a step; the texts are kept, not copied */
extern void check_row(CheckStep *cs, const char *name, CheckResult result,
					  char *detail, char *hint);

/* Returns whether deployment has anything to do for the step */
extern bool check_is_due(const CheckStep *cs);

/* Return the call that changes an option of the step, or skips the step */
extern char *check_set(const CheckStep *cs, const char *option, const char *value);
extern char *check_skip(const CheckStep *cs, const char *reason);

/* Returns a hint about a problem that an earlier step may solve: without the call that skips this one */
extern char *check_later(const CheckStep *cs, const char *hint);

/* Returns a column, or a list of columns, quoted for SQL */
extern char *check_column(Oid relid, AttrNumber attnum);
extern char *check_columns(Oid relid, const AttrNumber *attnums, int n);

/* Returns the texts (char *) with commas between them */
extern char *check_list(List *texts);

/* Return "3.2 MB", "1.5 s" */
extern char *check_bytes(double bytes);
extern char *check_duration(double seconds);

/*
 * Runs fn(arg), and releases its locks; returns an error; cancels go through.
 * On a standby there is no subtransaction: errors go through, and locks stay
 * until the end of the transaction.
 */
extern ErrorData *check_try(void (*fn) (void *arg), void *arg);

/* ---- check_key.c ---- */
extern void check_definition(PlanCheck *check, CheckStep *cs);

/* Blocks a key that waits for a deferrable unique constraint of the plan */
extern void check_deferrable_target(const PlanCheck *check, CheckStep *cs);

/* Returns whether an action gives the child's columns values that are not the parent's */
extern bool check_writes_columns(char action);
extern bool check_in_delete_set(const FkKey *key, AttrNumber attnum);

/* ---- check_twin.c: other keys ---- */
extern void check_name(const PlanCheck *check, CheckStep *cs);
extern void check_existing(PlanCheck *check, CheckStep *cs);
extern void check_overlap(PlanCheck *check, CheckStep *cs);
extern void check_replaces(CheckStep *cs);

/* ---- check_access.c ---- */
extern void check_access(CheckStep *cs);
extern void check_early_access(CheckStep *cs);

/* ---- check_tables.c ---- */
extern CheckTable *check_table(PlanCheck *check, Oid relid);

/* Returns a subscription that writes to one of the tables (OIDs), quoted, or NULL */
extern const char *check_subscription_name(List *tables);
extern void check_tables(PlanCheck *check, CheckStep *cs);

/* Checks who holds a lock on a table of a step's next move that conflicts with the lock of that */
extern void check_lock_of_move(PlanCheck *check, CheckStep *cs, Oid relid, LOCKMODE mode);

/* Returns whether a table has a replica identity, so that subscribers can find its changed rows */
extern bool check_has_replica_identity(Oid relid);

/*
 * Adds a row with `result` if rows of a published table without replica
 * identity are updated or deleted
 */
extern void check_published_writes(PlanCheck *check, CheckStep *cs, Oid relid, CheckResult result, bool updates, bool deletes);

/* Blocks a step that fills or mends such rows of its table; warns of a policy that no row needs yet */
extern void check_published_step(PlanCheck *check, CheckStep *cs, Oid relid);
extern void check_measure(PlanCheck *check);
extern void check_estimate(PlanCheck *check, CheckStep *cs);

/* ---- check_index.c ---- */
extern void check_index(PlanCheck *check, CheckStep *cs);
extern void check_index_use(CheckStep *cs);

/*
 * Returns an index of the child that serves the key; for a partitioned child,
 * the last of its partitions' indexes, if each has one
 */
extern Oid	check_serving_index(const FkKey *key);

/*
 * Returns the index that deployment builds for the key, or for another key that
 * it serves as well; or NULL
 */
extern const PlanIndex *check_planned_index(PlanCheck *check, const FkKey *key);

/* ---- check_fill.c ---- */

/*
 * Warns of triggers, rules and owners that keep a step's trigger from filling
 * rows, and with `lost` of the trigger's loss
 */
extern void check_filler(CheckStep *cs, bool lost);

/*
 * Warns, by a row of that name, of rules that replace a step's UPDATE or DELETE
 * of a table's rows (instead), or add to it
 */
extern void check_rewrite_rules(CheckStep *cs, const char *name, Oid table, CmdType event, bool instead);

/* Warns of triggers and rules of users that run for each row, or batch, that a step fills */
extern void check_filled(PlanCheck *check, CheckStep *cs, Oid table);

/*
 * Warns of NOT NULL for a column that the plan adds, if an INSERT that does not
 * name it would have no value for it
 */
extern void check_inserts(CheckStep *cs);

/* ---- check_fix.c ---- */
extern void check_orphans(PlanCheck *check, CheckStep *cs);
extern void check_all_orphans(PlanCheck *check);

/*
 * Adds obstacles to mending so many rows of a table by the step's policy:
 * triggers, rules, and rows that refer to deleted ones
 */
extern void check_fixing(PlanCheck *check, CheckStep *cs, Oid table, double rows);
extern void check_fix(PlanCheck *check, CheckStep *cs);

/* Returns how the orphans of a step can be counted; NULL if they were */
extern char *check_count_hint(const CheckStep *cs);

/* ---- check_change.c ---- */
/*
 * Warns if a step fills new rows by its trigger, while a subscription writes
 * rows, for which triggers do not fire
 */
extern void check_subscribed(PlanCheck *check, CheckStep *cs);

/* Returns whether the caller is the author of the plan */
extern bool check_is_authors(const PlanCheck *check);

/*
 * Checks a step that is no foreign key; check_plan_changes() checks the effect
 * of such steps on the plan as a whole
 */
extern void check_change(PlanCheck *check, CheckStep *cs);

/*
 * Returns whether an earlier step of the plan can solve the problem, and adds a
 * row that says so; otherwise the problem stays.
 */
extern bool check_waits(const PlanCheck *check, CheckStep *cs, const FkProblem *problem);
extern void check_plan_changes(PlanCheck *check);

/* Returns whether an earlier step may solve a problem of another one; sets *sure if that is a name which it gives or takes away */
extern bool check_may_mend(const PlanStep *before, const PlanStep *step, const FkProblem *problem, bool *sure);

/* ---- check_sent.c ---- */

/*
 * Warns of names that publications will send after the step and a subscriber
 * may lack, and of rows that publications then refuse to change
 */
extern void check_sent(PlanCheck *check, CheckStep *cs, const ChangeMove *move);

/* ---- check_replica.c ---- */

/* Warns of a statement after which the two sides of logical replication do not go together */
extern void check_replica(CheckStep *cs, Node *statement, const char *text);

/* ---- check_rows.c: what rows do to steps that are no foreign keys ---- */

/* Adds the questions to the rows for the step's next move; an audit of all tables answers them */
extern void check_ask_rows(PlanCheck *check, CheckStep *cs, const ChangeMove *move);

/* Asks about a column that an earlier step adds, and that is to be NOT NULL; returns false for other steps */
extern bool check_ask_early(PlanCheck *check, CheckStep *cs);
extern List *check_row_rules(const CheckStep *cs);

/* Adds rows with the answers */
extern void check_row_answers(PlanCheck *check, CheckStep *cs);

/*
 * Returns the share of the rows of the step's table that get a null by its fill,
 * as far as rows were read; 0 if unknown
 */
extern double check_share_without_value(const CheckStep *cs);

/* Returns the number of rows that break the step's rule, as far as rows were read; -1 if unknown */
extern double check_rows_broken(const CheckStep *cs);

/* Largest size of a btree entry without its header: BTMaxItemSize less IndexTupleData */
#define LARGEST_ENTRY (BLCKSZ / 3 - 34)

/* Largest size of a brin entry: BrinMaxItemSize */
#define LARGEST_RANGE (BLCKSZ - 40)

/* ---- check_trial.c ---- */

/*
 * Returns the name of the table that a step makes, or that its statement makes
 * and nothing else; or NULL
 */
extern const char *check_makes_table(const PlanStep *step);

/* Returns whether the step is a statement that makes a type, a domain or a function, and runs no code */
extern bool check_makes_other(const PlanStep *step);

/* Returns whether things may be made on trial */
extern bool check_tries(const PlanCheck *check);

/* Makes the tables of the plan on trial, and checks the steps about them */
extern void check_trials(PlanCheck *check);

/* ---- check_planned.c ---- */

/*
 * Returns whether another step adds a rule that rows of a table meet which this
 * one writes; sets the result if one breaks it
 */
extern bool check_meets_rule(const PlanCheck *check, const CheckStep *cs, const CheckStep *other, Oid table, CheckResult *result);

/* Returns "the rule of step 1, check c ON s.t" */
extern char *check_rule_text(const CheckStep *cs);

/* Warns steps that update rows behind a CHECK which leaves rows that break it */
extern void check_left_rows(const PlanCheck *check, CheckStep *cs);

/* ---- check_stand_in.c ---- */

/*
 * Returns the existing table that a name leads to when a step runs, by the
 * renames before it, if another one can stand in for it; or InvalidOid
 */
extern Oid	check_origin(const PlanCheck *check, const CheckStep *cs, const char *table);

/*
 * Makes an empty table like that (Oid *), in a subtransaction; raises 42501 if
 * other code than the caller's could run, or the caller may make no schema
 */
extern void check_make_stand_in(void *table);

/* Return the name of the stand-in of a table; and a text with tables' own names */
extern char *check_stand_in_name(const char *table);
extern char *check_real_names(const char *text);

/* Returns whether the texts of a step mean the same on a stand-in: none has the table with its schema */
extern bool check_names_stand_in(const PlanStep *step);

/* ---- check_statement.c ---- */

/* Sets plan_names_hook */
extern void check_init(void);

/* Returns whether an error is about a column that an earlier step, still to be run, adds to the step's table */
extern bool check_adds_column(const PlanCheck *check, const CheckStep *cs, const ErrorData *edata);

/* Returns an earlier step that is still to be run, or NULL */
extern const PlanStep *check_step_before(const PlanCheck *check, const CheckStep *cs);

/*
 * Returns whether an earlier step may make objects that the check does not
 * know, other than tables unless `tables`
 */
extern bool check_may_be_made(const PlanCheck *check, const CheckStep *cs, bool tables);

/*
 * Warns of each trigger that fires on an event (such as TRIGGER_TYPE_UPDATE)
 * for the rows that a step writes (their number; -1: unknown), because its
 * effects are unknown. `columns` are those that an UPDATE sets; NIL: any.
 */
extern void check_triggers(CheckStep *cs, Oid table, int event, List *columns, double rows);

/* Adds a table's triggers that fire for the event, here of these columns, and may write to other tables */
extern void check_triggers_write(Oid table, int event, List *columns, CheckWrites *writes);

/* Checks the names in the statements of a step, and the tables whose rows they write */
extern void check_statement(PlanCheck *check, CheckStep *cs, const ChangeMove *move);

/*
 * Checks an INSERT, UPDATE or DELETE of a table: its triggers, its publications,
 * and the rows; first, last: as of check_query_rows()
 */
extern void check_table_written(PlanCheck *check, CheckStep *cs, Oid table, const char *text, bool first, bool last);

/*
 * Reports the locks of a statement, or of creating a table, that others wait
 * for, longer for a larger table
 */
extern void check_holds(PlanCheck *check, CheckStep *cs);

/* Warns of rows and objects that the undo of a step would delete for good */
extern void check_undo(CheckStep *cs);

/* ---- check_before.c ---- */

/* Returns whether another step, which is still to be run, precedes this one */
extern bool check_comes_before(const PlanCheck *check, const CheckStep *other, const CheckStep *cs);

/*
 * Blocks a statement with names that an earlier step, or an earlier statement
 * of its own step (`before`, char *), takes away
 */
extern void check_taken_names(const PlanCheck *check, CheckStep *cs, const char *text, Node *statement, List *before);

/* Blocks a step of another kind about a table or column that an earlier step takes away */
extern void check_taken_object(const PlanCheck *check, CheckStep *cs);

/* Returns the names of tables, views, columns and functions that a step takes away and gives */
extern const CheckNames *check_step_names(CheckStep *cs);

/* Returns whether a name leads to an object now */
extern bool check_name_is_there(const StepName *name);

/*
 * Return whether an earlier step takes away the name of an existing object that
 * the step gives to its own; and the earlier step that gives a name, which the
 * step is about, to other rows or values than those that it leads to now, or
 * NULL
 */
extern bool check_is_freed(const PlanCheck *check, CheckStep *cs);
extern const PlanStep *check_giver_before(const PlanCheck *check, const CheckStep *cs);

/* Returns a drop or rename under the names that its object has before the renames of earlier steps; NULL if there is none */
extern PlanStep *check_present_step(const PlanCheck *check, const CheckStep *cs);

/* Warns that rows of a rule, or of a drop for good, were not looked at; because of an earlier step, or NULL */
extern void check_unread(CheckStep *cs, const PlanStep *giver);

/* Does an earlier statement, still to be run, make a function, type, schema or value that a message names? */
extern bool check_is_made_before(const PlanCheck *check, const CheckStep *cs, const char *message);

/* Returns whether a statement makes something, or an index of a table, that a message names */
extern bool check_makes_word(const PlanStep *step, const char *message);

/* Returns an earlier statement, still to be run, that writes rows of the step's tables, or NULL */
extern const PlanStep *check_writer_before(const PlanCheck *check, const CheckStep *cs);

/* Warns of earlier steps that change the rows, or the rules, at which a full check has looked */
extern void check_changed_before(const PlanCheck *check, CheckStep *cs);

/* Blocks a drop that the server will refuse because of objects that depend on its object by then */
extern void check_dropped(const PlanCheck *check, CheckStep *cs, Node *statement, List *before);

/*
 * Returns the error by which the server would refuse a statement as things are,
 * or NULL: none, or unknown.  Names without a schema are of pg_catalog.  Locks
 * the tables that it names ACCESS SHARE until it returns.
 */
extern char *check_refusal(Node *statement);

/* ---- check_given.c ---- */

/* Blocks a step that gives a name which an earlier one gives to another object, and nobody takes away */
extern void check_given_twice(PlanCheck *check, CheckStep *cs);

/* ---- check_refusal.c ---- */

/*
 * Raises the server's error for an object that exists already, or that uses the
 * object which the statement changes
 */
extern void check_refused(Node *statement);

/* ---- check_clone.c ---- */

/* Blocks a step of one statement that the server refuses on an empty table like its own, on trial */
extern void check_on_clone(const PlanCheck *check, CheckStep *cs, const ChangeMove *move, const char *sql);

/* ---- check_query.c: rows that statements, and fills with subqueries, would write ---- */

/*
 * Computes the rows that the author's query would write to a table, and checks
 * them against the table's rules; reports rules that could not be checked.
 * `first` and `last`: no other statement of the step precedes or follows it.
 */
extern void check_query_rows(PlanCheck *check, CheckStep *cs, Oid table, const char *statement, bool first, bool last);

/* Computes the rows of a materialized view that a statement refreshes; first: no statement comes before it in its step */
extern void check_refreshed(PlanCheck *check, CheckStep *cs, Oid view, bool first);

/*
 * Like the function above, for an UPDATE that directly does what the policy of
 * a step does; the policy of a rule moves no row to another partition
 */
extern void check_set_rows(PlanCheck *check, CheckStep *cs, Oid table, const char *statement);

/*
 * Computes the step's fill, which has a subquery, for the rows of its table
 * that meet a condition, as a value of that type
 */
extern void check_fill_query(PlanCheck *check, CheckStep *cs, Oid table, const char *where, Oid type, int32 typmod);

/* Finds cs->fill_width of a fill that is an expression, of a sample of rows, without a word */
extern void check_fill_size(PlanCheck *check, CheckStep *cs, Oid table, Oid type, int32 typmod);

/* ---- check_writes.c ---- */

/*
 * Returns the number of rows that have no value in a column yet, by statistics;
 * all rows if there is no such column
 */
extern double check_rows_without(const CheckTable *table, const char *column);

/* Estimates the bytes that a step writes, and adds the row about it, except for keys that are due */
extern void check_writes(PlanCheck *check, CheckStep *cs);

/* Returns whether the size of an expression's values is that of computed ones, not of a type or column */
extern bool check_size_is_computed(Node *value);

/* Returns "1.2 MB of WAL, and 3.4 MB of tables and indexes" */
extern char *check_writes_text(const CheckWrites *writes);

/*
 * Adds the writes of mending so many rows (-1: unknown) by the step's policy, on
 * so many pages (0: any of the table), and of the rows that go along: as
 * counted, or by averages.
 */
extern void check_writes_mend(PlanCheck *check, CheckStep *cs, const CheckTable *table, double rows, double pages);

/* Adds bytes by which tables or indexes in a tablespace (InvalidOid: the database's own) grow */
extern void check_writes_grow(CheckWrites *writes, Oid tablespace, double bytes);

/* Adds a trigger whose writes are not estimated */
extern void check_writes_by(CheckWrites *writes, const char *trigger);

/* Adds the writes of building a btree on some columns */
extern void check_writes_build(const CheckTable *table, const AttrNumber *attnums, int n, CheckWrites *writes);

/* Returns the size of a btree on some columns, by statistics */
extern double check_index_bytes(const CheckTable *table, const AttrNumber *attnums, int n);

/* ---- check_cascade.c ---- */
extern void check_cascade(PlanCheck *check, CheckStep *cs);

/*
 * Return the tables (char *, in words) whose rows foreign keys delete or change
 * along with deleted rows of a table, or with new values in these columns
 */
extern List *check_deleted_along(PlanCheck *check, Oid table);
extern List *check_updated_along(PlanCheck *check, Oid table, List *columns);

/* Adds to cs->along the rows that go along with so many removed rows of a table, by averages */
extern void check_cascade_along(PlanCheck *check, CheckStep *cs, const CheckTable *table, double rows);

/* ---- check_load.c ---- */
extern void check_load(PlanCheck *check);

/* ---- check_server.c ---- */

/*
 * check_server_read() reads the facts about the server that the steps need;
 * check_server(), after the steps, adds its own rows
 */
extern void check_server_read(PlanCheck *check);

/* Reads the tables of publications, for check_try() */
extern void check_read_published(void *check);
extern void check_server(PlanCheck *check);

/*
 * Returns the free bytes in the file system of an index in this tablespace
 * (InvalidOid: the default one); -1 if unknown, with the reason.
 */
extern double check_free_space(Oid tablespace, char **reason);

/* Returns the seconds after which a transaction counts as long */
extern double check_long_seconds(void);

/* ---- check_hold.c ---- */

/* Warns of steps that a rollback would leave because a later one takes rows or values away for good */
extern void check_rollback(PlanCheck *check);

/* Warns that a rollback leaves a step as it is, because a later one takes the source of its rows or values for good */
extern void check_kept_for(const PlanCheck *check, const PlanStep *step, const PlanStep *taker);

#endif							/* SG_CHECK_H */
