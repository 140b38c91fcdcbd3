/*-------------------------------------------------------------------------
 *
 * verify_live.h
 *	  Live tests: what is tried, on which rows, and what was seen.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_VERIFY_LIVE_H
#define SG_VERIFY_LIVE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"

#include "base/code.h"
#include "fk/fk.h"
#include "verify/verify_keys.h"
#include "verify/verify_row.h"

/* Maximum number of rows of other tables that an attempt may reach */
#define VERIFY_REACH_ROWS	100

typedef enum LiveKind
{
	LIVE_INSERT_ORPHAN,
	LIVE_UPDATE_ORPHAN,
	LIVE_INSERT_VALID,
	LIVE_DELETE_PARENT,
	LIVE_UPDATE_PARENT
} LiveKind;

/* Outcomes that a test expects or sees */
typedef enum LiveOutcome
{
	OUTCOME_UNSEEN,
	OUTCOME_REJECTED,
	OUTCOME_ACCEPTED,
	OUTCOME_CASCADED,
	OUTCOME_SET_NULL,
	OUTCOME_SET_DEFAULT,
	OUTCOME_ORPHANED,			/* the parent was deleted, its children stayed */
	OUTCOME_DELETED,			/* children were deleted by an UPDATE of the
								 * parent */
	OUTCOME_CHANGED,			/* changed in a way that no action explains */
	OUTCOME_MIXED				/* rows differ in their outcome */
} LiveOutcome;

/* Actions that a statement on one table triggers by ON DELETE and ON UPDATE */
typedef struct VerifyReach
{
	VerifyKeys *declared;
	const FkKey *key;			/* key under test */
	Oid			relid;			/* table of the statement */
	CmdType		event;			/* INSERT, UPDATE, DELETE */
	Bitmapset  *columns;		/* columns that an UPDATE sets */
	bool		inserts;		/* a parent and its child are inserted first */

	/* filled in by verify_reach_tables */
	CodeReach  *code;			/* code that all of it could run */
	List	   *beside;			/* other keys that lead from the parent to the
								 * child of the key under test */
	List	   *rejecting;		/* other keys that may refuse the statement
								 * itself */
	bool		other_path;		/* other keys lead to its child, too */
} VerifyReach;

/*
 * Rows to try.  A parent that is tried itself has no child here; a parent that
 * is copied comes with the child to copy.
 */
typedef struct Candidate
{
	RowId		child;
	RowId		parent;
	bool		use_parent;		/* the copied child gets the key of this
								 * parent */
	bool		copied;			/* a copy of this parent is tried */
} Candidate;

typedef struct LiveTest
{
	const FkKey *key;
	const FkKey *planned;
	LiveKind	kind;
	LiveOutcome expected;
	VerifyReach reach;
	MemoryContext context;		/* context that survives SPI */
	Oid			role;			/* role to try as, for sg_role_begin() */
	bool		may_insert;		/* the role may insert into both tables */
	TimestampTz look_until;		/* end of the search for rows */
	bool		no_copies;		/* copies are impossible */

	/* prepared */
	List	   *tables;			/* tables of the look (LookedTable *), which
								 * the attempts lock in one order */
	List	   *candidates;		/* Candidate * */
	int			fresh_column;	/* index into the key's columns */
	Bitmapset  *fresh;			/* other columns of a copy that must differ */
	Bitmapset  *null;
	Bitmapset  *parent_fresh;	/* likewise for the copy of a parent */
	Bitmapset  *parent_null;
	bool		some_unfit;		/* some of the parents seen were unfit */
	bool		no_time;		/* no time is left to search */
	const char *unfit;			/* why no existing parent was tried */

	/* state of one attempt */
	const Candidate *candidate;
	bool		negative;		/* try negative numbers */
	bool		changing;		/* whether the statement under test has begun */
	bool		gone;			/* a row to try was changed or deleted
								 * meanwhile */
	int			timeouts;		/* number of attempts that timed out */

	/* outcome, or the reason why there is none */
	LiveOutcome observed;
	const char *reason;
} LiveTest;

static inline bool
live_is_child_test(LiveKind kind)
{
	return kind <= LIVE_INSERT_VALID;
}

static inline bool
live_is_insert(LiveKind kind)
{
	return kind == LIVE_INSERT_ORPHAN || kind == LIVE_INSERT_VALID;
}

/* Sets the reason, copied into a context that survives SPI */
extern void live_set_reason(LiveTest *lt, const char *reason);

/* Return the declared key's action when a parent is deleted or updated, and whether it refuses that */
extern char live_declared_action(const LiveTest *lt);
extern bool live_rejects_parent(const LiveTest *lt);

/* ---- verify_live.c ---- */

/* Reason: other keys reach the same rows, so that the acting key can't be told */
extern const char *const verify_other_path_text;

/* ---- verify_find.c ---- */

/*
 * Decides whether the test can be made, and as which role: sets lt->role, or
 * the reason.  Reads only catalogs, as the caller.
 */
extern void verify_find_role(LiveTest *lt);

/* Finds rows to try, or sets the reason why there are none.  Reads only, as lt->role; connects SPI. */
extern void verify_find(LiveTest *lt);

/*
 * Returns whether lt->role may try copies of a parent and a child, if there are
 * no rows to try.  As the caller.
 */
extern bool verify_may_copy(LiveTest *lt);

/* Finds rows to copy; keeps the reason why no parent was fit.  As verify_find(). */
extern void verify_find_copies(LiveTest *lt);

/* Examines all parents, as long as there is time.  As verify_find(). */
extern void verify_find_all(LiveTest *lt);

/*
 * Returns the SQL condition that the key can be judged by child c of parent p:
 * c is not p itself, and no other key would touch c.
 */
extern char *verify_judging_child(const LiveTest *lt);

/* ---- verify_live.c ---- */

/* Returns why nothing can be attempted in this session, or NULL */
extern const char *live_session_problem(void);

/* Like sg_role_begin(), with short lock timeouts and without planning that evaluates constraints */
extern void live_begin_as(SgScope *scope, Oid role);

/* Returns the time in ms for which an attempt may hold up others */
extern int	live_attempt_limit(void);

#define LIVE_TIMEOUT_TEXT "an attempt took longer than %d ms, the least of schemaguard.lock_timeout and schemaguard.statement_timeout"

/* ---- verify_try.c ---- */

/*
 * Runs the statement under test with lt->candidate: sets lt->observed, or the
 * reason why there is no result, or raises the error of the refusal.  Connects
 * SPI; the caller rolls back.
 */
extern void verify_try(LiveTest *lt);

/* ---- verify_reach.c ---- */

/* Returns whether two tables are equal, or belong to the same partition tree */
extern bool verify_same_tree(Oid a, Oid b);

/*
 * Follows the keys from table to table.  Returns why the statement can't be
 * tried without side effects that survive a rollback, or NULL.
 */
extern char *verify_reach_tables(VerifyReach *reach);

/*
 * Sets the role, for sg_role_begin(), as which the statement may be tried: the
 * caller, or the owner of the table or of the one at the key's other end.
 * Returns why no role may, or NULL.
 */
extern char *verify_reach_role(const VerifyReach *reach, Oid *role);

/* Repeats the look within a deed, which locks those tables, and checks that the role is still the same */
extern char *verify_reach_again(const VerifyReach *reach, Oid role);

/*
 * Counts the rows that the statement would reach from one row.  Returns why
 * that row is unfit, or NULL.  Connects SPI.
 */
extern char *verify_reach_rows(const VerifyReach *reach, const RowId *row);

/* Returns why a role can't read all rows of a table, or NULL */
extern char *verify_read_problem(Oid relid, Oid role);

#endif							/* SG_VERIFY_LIVE_H */
