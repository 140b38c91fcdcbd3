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

/* A statement that is tried may reach so many rows of other tables */
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
	OUTCOME_ORPHANED,			/* the parent went, its children stayed */
	OUTCOME_DELETED,			/* children, by an UPDATE of the parent */
	OUTCOME_CHANGED,			/* in a way that no action explains */
	OUTCOME_MIXED				/* different from row to row */
} LiveOutcome;

/* Actions that a statement on one table would set off by ON DELETE and ON UPDATE */
typedef struct VerifyReach
{
	VerifyKeys *declared;
	const FkKey *key;			/* the one under test */
	Oid			relid;			/* the table that the statement names */
	CmdType		event;			/* INSERT, UPDATE, DELETE */
	Bitmapset  *columns;		/* that an UPDATE sets */
	bool		inserts;		/* a parent and its child are made before */

	/* filled in by verify_reach_tables */
	CodeReach  *code;			/* what all of it could run */
	List	   *tables;			/* with their partitions, by OID */
	List	   *beside;			/* other keys that lead from the parent to the
								 * child of the key under test */
	List	   *rejecting;		/* other keys that refuse the statement itself */
	bool		other_path;		/* its child is also reached by a detour */
} VerifyReach;

/*
 * Rows to try with.  A parent that is tried has no child here, unless a copy
 * of it is tried, which gets a copy of this child.
 */
typedef struct Candidate
{
	RowId		child;
	RowId		parent;
	bool		use_parent;		/* the copy gets the key of this parent */
	bool		copied;			/* the parent to be tried is a copy of this
								 * one */
} Candidate;

typedef struct LiveTest
{
	const FkKey *key;
	const FkKey *planned;
	LiveKind	kind;
	LiveOutcome expected;
	VerifyReach reach;
	MemoryContext context;		/* of what outlives SPI */
	Oid			role;			/* for sg_role_begin */
	bool		may_insert;		/* into both tables */
	TimestampTz look_until;		/* rows to try are looked for until then */
	bool		no_copies;		/* they can't be made */

	/* prepared */
	List	   *candidates;		/* of Candidate * */
	int			fresh_column;	/* of the key, by index */
	Bitmapset  *fresh;			/* other columns of a copy that must differ */
	Bitmapset  *null;
	Bitmapset  *parent_fresh;	/* the same, of the copy of a parent */
	Bitmapset  *parent_null;
	bool		some_unfit;		/* of the parents that were looked at */
	bool		no_time;		/* left to look for rows */
	const char *unfit;			/* why no parent that is there was tried */

	/* of one attempt */
	const Candidate *candidate;
	bool		negative;		/* try negative numbers */
	bool		changing;		/* the statement under test has begun */
	bool		gone;			/* a row to be tried is another one now */
	int			timeouts;		/* of all attempts */

	/* what was seen, or the reason why nothing was */
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

/* A reason that outlives SPI */
extern void live_set_reason(LiveTest *lt, const char *reason);

/* Return the action of the declared key when a parent goes, and whether it refuses that */
extern char live_declared_action(const LiveTest *lt);
extern bool live_rejects_parent(const LiveTest *lt);

/* ---- verify_live.c ---- */

/* Other keys reach the same rows: who has acted can't be told */
extern const char *const verify_other_path_text;

/* ---- verify_find.c ---- */

/*
 * Can the test be made at all, and as whom?  Looks at catalogs only, as the
 * caller; sets lt->role, or the reason why not.
 */
extern void verify_find_role(LiveTest *lt);

/* Find rows to try, or set the reason why there are none.  Reads only, as that role; connects SPI. */
extern void verify_find(LiveTest *lt);

/* Where there are none: may that role try a copy of a parent, with a copy of a child?  As the caller. */
extern bool verify_may_copy(LiveTest *lt);

/* Find rows to copy; why no other parent is fit stays on record.  As verify_find. */
extern void verify_find_copies(LiveTest *lt);

/* Look at all parents, as long as there is time.  As verify_find. */
extern void verify_find_all(LiveTest *lt);

/*
 * SQL: is c a child by which the key can be judged at its parent p?  Not the
 * parent itself, and none that another key would touch as well.
 */
extern char *verify_judging_child(const LiveTest *lt);

/* ---- verify_live.c ---- */

/* Returns why nothing can be attempted in this session, or NULL */
extern const char *live_session_problem(void);

/* Like sg_role_begin(), with short waits and no surprises in planning */
extern void live_begin_as(SgScope *scope, Oid role);

/* How long an attempt may hold up others, in ms */
extern int	live_attempt_limit(void);

#define LIVE_TIMEOUT_TEXT "an attempt took longer than %d ms, the least of schemaguard.lock_timeout and schemaguard.statement_timeout"

/* ---- verify_try.c ---- */

/*
 * The statement under test, with lt->candidate: sets lt->observed, or the
 * reason why there is nothing to see, or raises the error of whoever refuses
 * it.  Connects SPI; the caller rolls back.
 */
extern void verify_try(LiveTest *lt);

/* ---- verify_reach.c ---- */

/* Is one of them the other, or part of one partitioned table with it? */
extern bool verify_same_tree(Oid a, Oid b);

/*
 * Follow the keys from table to table.  Returns why the statement can't be
 * tried without side effects that a rollback would leave behind, or NULL.
 */
extern char *verify_reach_tables(VerifyReach *reach);

/*
 * As whom may the statement be tried, for sg_role_begin: the caller, or the
 * owner of the table or of the one at the key's other end.  Returns why
 * nobody may, or NULL.
 */
extern char *verify_reach_role(const VerifyReach *reach, Oid *role);

/* Look again, in a deed, which locks those tables; also whether it is still that role */
extern char *verify_reach_again(const VerifyReach *reach, Oid role);

/*
 * Count the rows that the statement would reach from one row.  Returns why
 * that row is not fit to be tried, or NULL.  Connects SPI.
 */
extern char *verify_reach_rows(const VerifyReach *reach, const RowId *row);

/* Why a role can't read all rows of a table, or NULL */
extern char *verify_read_problem(Oid relid, Oid role);

#endif							/* SG_VERIFY_LIVE_H */
