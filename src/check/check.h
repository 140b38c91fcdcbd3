/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Shared by the files of check: one call of sg_plan_check().
 *
 * check.c is the function and its rows, check_key.c what the
 * definition of a key comes to here, check_twin.c other keys, check_access.c
 * who may do and see what, check_tables.c sizes, partitions, replication and time,
 * check_index.c indexes, check_cascade.c how far a delete
 * reaches, check_fix.c orphans and what mending them costs, check_change.c steps of other kinds,
 * check_rows.c the rows that such steps meet, check_trial.c tables that are to be made,
 * check_statement.c what statements name and write, check_refusal.c what
 * the server refuses of them, check_query.c the rows that they would write, check_written.c the rules that these meet,
 * check_server.c the state of the server, check_load.c
 * the window and the limits of load.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CHECK_H
#define SG_CHECK_H

#include "postgres.h"

#include "base/oidlist.h"
#include "change/change.h"
#include "deploy/deploy.h"
#include "plan/plan_index.h"

typedef enum CheckResult
{
	CHECK_OK,
	CHECK_WARN,					/* it hurts, or could not be looked at */
	CHECK_BLOCK					/* the step, or the plan, can't be done */
} CheckResult;

/* Reading of tables: none, a sample, or every row */
typedef enum CheckVerify
{
	CHECK_READ_NONE,
	CHECK_READ_SAMPLE,			/* of large tables, but for those of keys */
	CHECK_READ_FULL
} CheckVerify;

typedef struct CheckRow
{
	const char *name;
	CheckResult result;
	char	   *detail;
	char	   *hint;
} CheckRow;

/* A table with its partitions, as far as it can be looked at without waiting */
typedef struct CheckTable
{
	Oid			relid;
	List	   *relids;			/* itself and everything below it */
	List	   *leaves;			/* those that hold rows */
	double		blocks;
	double		toast;			/* blocks of values that are stored apart */
	double		rows;			/* estimated; -1: never vacuumed nor analyzed */
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
	double		growth;			/* of tables, indexes and copies */
	List	   *elsewhere;		/* of CheckGrowth *: the part of growth that
								 * goes to other tablespaces than the
								 * database's own */
	double		temp;			/* files of sorts, at a time */
	double		along;			/* rows that go with those that a policy takes
								 * out */
	bool		counted;		/* these, and not by averages */
	bool		most;			/* no more than that */
	bool		unknown;		/* and what else, is not known */
} CheckWrites;

/* Step that is checked, or (step NULL) the plan and the server, with what was found about it */
typedef struct CheckStep
{
	const char *plan;
	PlanStep   *step;
	int			place;			/* in the order of deployment */
	StepView	view;
	List	   *rows;			/* of CheckRow * */
	bool		blocked;
	bool		left_alone;		/* skipped for good */
	bool		on_trial;		/* it makes a table, or waits for what another
								 * step makes */
	const char *makes;			/* the table that it makes, or NULL */
	char	   *waits;			/* for steps that it needs, or NULL */
	bool		is_early;		/* columns of the key are still to be added */
	bool		unproved;		/* the key is valid, and nothing says that its
								 * rows hold */
	CheckTable *child;			/* NULL unless there is something to do */
	CheckTable *parent;
	AuditKey   *audit;			/* NULL: its rows were not read */
	double		index_bytes;	/* of an index that deployment builds */
	List	   *questions;		/* of RowQuestion *: check_rows.c */
	List	   *along;			/* of FixTally *: rows that go with its own,
								 * if writes.counted */
	CheckWrites writes;
} CheckStep;

/* A session or prepared transaction that has a lock in the way of a step */
typedef struct LockHolder
{
	Oid			relid;
	int			pid;			/* 0: prepared */
	char	   *gid;			/* of a prepared transaction */
	char	   *mode;
	double		seconds;		/* that its transaction lasts; -1: hidden */
	bool		wraparound;		/* a vacuum that won't give way */
} LockHolder;

/* A table in a publication */
typedef struct PublishedTable
{
	Oid			relid;
	char	   *publication;
	bool		updates;
	bool		deletes;
} PublishedTable;

/* An edge of the graph of cascading keys: check_cascade.c */
typedef struct CheckEdge CheckEdge;

typedef struct PlanCheck
{
	FkPlan	   *plan;
	CheckVerify verify;
	CheckStep	server;
	List	   *steps;			/* of CheckStep *, in the order of deployment */
	PlanGraph  *graph;			/* of all steps of the plan */
	List	   *declared;		/* of FkKey *: every key of this database */
	List	   *proved;			/* OIDs of those whose proof stands */
	SgOidLists *keys_of;		/* of FkKey *: those declared, by their child */
	SgOidLists *steps_of;		/* of CheckStep *: those with a key to look
								 * at, by its child */
	SgOidLists *keys_to;		/* of FkKey *: those declared, by the topmost
								 * table of their parent; NULL until they are
								 * asked for */
	SgOidLists *steps_to;		/* of CheckStep *, likewise */
	SgOidLists *tables;			/* of CheckTable *, one for each table */
	List	   *holders;		/* of LockHolder * */
	List	   *published;		/* of PublishedTable * */
	char	   *unpublished_reason; /* why they could not be read, or NULL */

	SgOidLists *edges;			/* of CheckEdge *, by parent; NULL until they
								 * are asked for */
	SgOidLists *hard;			/* of FkKey *: those that no row can be
								 * written without, by child; along with edges */

	SgOidLists *indexes;		/* of PlanIndex * that deployment builds, by
								 * table; NULL until they are asked for */

	/* how fast a table is read */
	double		ms_per_block;	/* 0: not measured */
	char	   *measured_on;

	double		paces[ORPHANS_SET + 1]; /* rows that are mended in a second;
										 * 0: not looked up, -1: not known
										 * here */

	int			mending;		/* keys with orphans that their policies fix */

	/* of all steps */
	bool		mends;			/* rows, in addition, in a time that is not
								 * known */
	double		seconds;
	double		longest;
} PlanCheck;

/* ---- check.c ---- */

/* A row about a step; texts are kept, not copied */
extern void check_row(CheckStep *cs, const char *name, CheckResult result,
					  char *detail, char *hint);

/* Does deployment have anything to do for the step? */
extern bool check_is_due(const CheckStep *cs);

/* The call that changes an option of the step, or leaves the step out */
extern char *check_set(const CheckStep *cs, const char *option, const char *value);
extern char *check_skip(const CheckStep *cs, const char *reason);

/* The hint of what a step before this one may change: without the call that leaves this one out */
extern char *check_later(const CheckStep *cs, const char *hint);

/* A column as it is spelled in SQL */
extern char *check_column(Oid relid, AttrNumber attnum);
extern char *check_columns(Oid relid, const AttrNumber *attnums, int n);

/* Texts (of char *) with commas between them */
extern char *check_list(List *texts);

/* "3.2 MB", "1.5 s" */
extern char *check_bytes(double bytes);
extern char *check_duration(double seconds);

/*
 * Run fn(arg), and undo what it locked; an error is returned, cancels go
 * through.  On a standby there is no subtransaction: errors go through, and
 * locks stay until the end of the transaction.
 */
extern ErrorData *check_try(void (*fn) (void *arg), void *arg);

/* ---- check_key.c ---- */
extern void check_definition(PlanCheck *check, CheckStep *cs);

/* Blocks a key that waits for a unique constraint of the plan which is deferrable */
extern void check_deferrable_target(const PlanCheck *check, CheckStep *cs);

/* Does an action give the child's columns values that are not the parent's? */
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

/* A subscription that writes to one of some tables (OIDs), quoted, or NULL */
extern const char *check_subscription_name(List *tables);
extern void check_tables(PlanCheck *check, CheckStep *cs);

/* Can changed rows of a table be told on the other side? */
extern bool check_has_replica_identity(Oid relid);

/* Adds a row of a result if rows of a published table are updated or deleted that have no replica identity */
extern void check_published_writes(PlanCheck *check, CheckStep *cs, Oid relid, CheckResult result, bool updates, bool deletes);

/* Blocks a step that fills or mends such rows of its table; warns of a policy while no row needs it */
extern void check_published_step(PlanCheck *check, CheckStep *cs, Oid relid);
extern void check_measure(PlanCheck *check);
extern void check_estimate(PlanCheck *check, CheckStep *cs);

/* ---- check_index.c ---- */
extern void check_index(PlanCheck *check, CheckStep *cs);
extern void check_index_use(CheckStep *cs);

/* An index of the child that serves; of a partitioned one, the last of those of its partitions, if each has one */
extern Oid	check_serving_index(const FkKey *key);

/* The index that deployment builds for the key, or for another one that it serves as well; or NULL */
extern const PlanIndex *check_planned_index(PlanCheck *check, const FkKey *key);

/* ---- check_fill.c ---- */

/* Warns of triggers, rules and owners that keep a step's trigger from filling rows, and where that trigger is `lost`, which it was */
extern void check_filler(CheckStep *cs, bool lost);

/* Warns of triggers and rules of users that run for each row, or batch, that a step fills */
extern void check_filled(PlanCheck *check, CheckStep *cs, Oid table);

/* Warns of NOT NULL for a column that the plan adds, if an INSERT that does not name it would have no value for it */
extern void check_inserts(CheckStep *cs);

/* ---- check_fix.c ---- */
extern void check_orphans(PlanCheck *check, CheckStep *cs);
extern void check_all_orphans(PlanCheck *check);

/* Tells what can keep a step from mending about so many rows of its table as its policy says: triggers, and rows that refer to those that go */
extern void check_fixing(PlanCheck *check, CheckStep *cs, Oid table, double rows);
extern void check_fix(PlanCheck *check, CheckStep *cs);

/* ---- check_change.c ---- */
/* Warns where a step has new rows filled, or whatever its trigger does, and a subscription writes rows, past triggers */
extern void check_subscribed(PlanCheck *check, CheckStep *cs);

/* Is the caller the author of the plan? */
extern bool check_is_authors(const PlanCheck *check);

/* A step that is no foreign key; and what such steps mean for the plan as a whole */
extern void check_change(PlanCheck *check, CheckStep *cs);

/* The step waits for others: can one of the plan mend what is in its way?  Says so; else the problem is one that stays. */
extern bool check_waits(const PlanCheck *check, CheckStep *cs, const FkProblem *problem);
extern void check_plan_changes(PlanCheck *check);

/* ---- check_sent.c ---- */

/* Warns of what publications send once the step's statements are run, by names that a subscriber may lack, and of rows that they then refuse to change */
extern void check_sent(PlanCheck *check, CheckStep *cs, const ChangeMove *move);

/* ---- check_rows.c: what rows do to steps that are no foreign keys ---- */

/* Adds what the rows are to be asked for the step's next move; its answers are read by an audit of all */
extern void check_ask_rows(PlanCheck *check, CheckStep *cs, const ChangeMove *move);

/* Adds the questions that are possible while the step waits for an object that an earlier step makes */
extern void check_ask_early(PlanCheck *check, CheckStep *cs);
extern List *check_row_rules(const CheckStep *cs);

/* Says what the rows have answered */
extern void check_row_answers(PlanCheck *check, CheckStep *cs);

/* Returns how many rows break the step's rule, as far as they were read; 0 if that is not known */
extern double check_rows_broken(const CheckStep *cs);

/* Bytes that an entry of a btree can have beside its header: BTMaxItemSize less IndexTupleData */
#define LARGEST_ENTRY (BLCKSZ / 3 - 34)

/* ---- check_trial.c ---- */

/* Returns the name of the table that a step makes, or a statement that does nothing else; or NULL */
extern const char *check_makes_table(const PlanStep *step);

/* Is the step a statement that makes a type, a domain or a function, and runs nothing? */
extern bool check_makes_other(const PlanStep *step);

/* Makes the tables of the plan on trial, and looks at the steps about them */
extern void check_trials(PlanCheck *check);

/* ---- check_statement.c ---- */

/* Returns a step before this one that is still to be run, or NULL */
extern const PlanStep *check_step_before(const PlanCheck *check, const CheckStep *cs);

/* Does an earlier step do something of which the check can't know what it makes, other than a table unless `tables`? */
extern bool check_may_be_made(const PlanCheck *check, const CheckStep *cs, bool tables);

/*
 * Warns of each trigger that fires on an event (TRIGGER_TYPE_UPDATE, for one) for the
 * rows that a step writes (so many; -1: not known), since nobody knows what it does.
 * `columns` are those that an UPDATE sets; NIL: any.
 */
extern void check_triggers(CheckStep *cs, Oid table, int event, List *columns, double rows);

/* Names in the statements of a step, and the tables whose rows they write */
extern void check_statement(PlanCheck *check, CheckStep *cs);

/* Tells the locks of a statement, or of a table that is made, which others wait for as long as a table is large */
extern void check_holds(PlanCheck *check, CheckStep *cs);

/* Warns of rows and objects that the undo of a step would let go */
extern void check_undo(CheckStep *cs);

/* ---- check_refusal.c ---- */

/* Raises the server's error for what is there already, or uses what the statement changes */
extern void check_refused(Node *statement);

/* ---- check_query.c: rows that statements, and fills with subqueries, would write ---- */

/*
 * Computes the rows that a query of the author's would write to a table, and asks
 * them for the rules of that; says what could not be asked.  `first` and `last`: no
 * other statement of the step comes before it, and after it.
 */
extern void check_query_rows(PlanCheck *check, CheckStep *cs, Oid table, const char *statement, bool first, bool last);

/* Computes the step's fill, which has a subquery, for the rows of its table for which a condition holds, as a value of that type */
extern void check_fill_query(PlanCheck *check, CheckStep *cs, Oid table, const char *where, Oid type, int32 typmod);

/* ---- check_writes.c ---- */

/* Returns how many rows have no value in a column yet, by statistics; all of them if there is no such column */
extern double check_rows_without(const CheckTable *table, const char *column);

/* Estimates what a step writes; the row about it, but of keys that are due */
extern void check_writes(PlanCheck *check, CheckStep *cs);

/* "1.2 MB of WAL, and 3.4 MB of tables and indexes" */
extern char *check_writes_text(const CheckWrites *writes);

/*
 * Adds what it takes to mend so many rows by the step's policy, on so many
 * pages (0: any of the table), and those that go along: as counted, or by
 * averages.
 */
extern void check_writes_mend(PlanCheck *check, CheckStep *cs, const CheckTable *table, double rows, double pages);

/* Adds bytes that tables or indexes in a tablespace (InvalidOid: the database's own) grow by */
extern void check_writes_grow(CheckWrites *writes, Oid tablespace, double bytes);

/* Adds what it takes to build a btree on some columns */
extern void check_writes_build(const CheckTable *table, const AttrNumber *attnums, int n, CheckWrites *writes);

/* Returns the size of a btree on some columns, by statistics */
extern double check_index_bytes(const CheckTable *table, const AttrNumber *attnums, int n);

/* Adds what it takes to have rows of a table go into quarantine, as those that refer to others which go */
extern void check_writes_along(const CheckTable *table, double rows, CheckWrites *writes);

/* ---- check_cascade.c ---- */
extern void check_cascade(PlanCheck *check, CheckStep *cs);

/*
 * Return the tables (of char *, in words) of which foreign keys delete or change rows
 * along with rows of a table that are deleted, or get other values in these columns
 */
extern List *check_deleted_along(PlanCheck *check, Oid table);
extern List *check_updated_along(PlanCheck *check, Oid table, List *columns);

/* Adds what it takes to have rows go into quarantine that ON DELETE would change, of a table and those below it */
extern void check_cascade_along(PlanCheck *check, const CheckTable *table, double rows, CheckWrites *writes);

/* ---- check_load.c ---- */
extern void check_load(PlanCheck *check);

/* ---- check_server.c ---- */

/* Read what the steps need to know of it; then, after the steps, its own rows */
extern void check_server_read(PlanCheck *check);

/* Reads which publications have which tables, in the mode of check_try() */
extern void check_read_published(void *check);
extern void check_server(PlanCheck *check);

/*
 * Bytes that are free where an index of this tablespace (InvalidOid: the
 * default one) would be; -1 when that can't be known, with the reason.
 */
extern double check_free_space(Oid tablespace, char **reason);

/* Seconds after which a transaction counts as long */
extern double check_long_seconds(void);

#endif							/* SG_CHECK_H */
