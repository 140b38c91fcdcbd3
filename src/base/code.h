/*-------------------------------------------------------------------------
 *
 * code.h
 *	  Code that a piece of work could run, and as whom it may.
 *
 * The owner of a table, type, operator or function can make it do anything
 * at any time.  So what a piece of work could run is collected beforehand,
 * from the catalogs, without evaluating any of it:
 *
 *		CodeReach  *reach = code_reach();
 *
 *		code_reach_read(reach, relid);
 *		reason = code_role(reach, code_table_owner(relid), &role);
 *
 * Reachable is what pg_depend leads to: over types (with their casts of every
 * context, their domains' checks, their default operator classes), operators,
 * operator classes and functions.  Bodies are not read.  In an expression
 * that somebody has stored, a built-in function counts as code of who stored
 * it where it is volatile, or takes a relation, a query, or a value of any
 * type (to_jsonb looks for casts); a superuser's function does unless it is
 * immutable.  A type or an operator counts as if its owner had given it code
 * already (a cast, a domain's check, an estimator): no lock keeps that away.
 *
 * Not here: what a superuser has made, and what core itself runs as the
 * table's owner (index expressions in CREATE INDEX, ANALYZE).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CODE_H
#define SG_CODE_H

#include "postgres.h"
#include "executor/spi.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"
#include "parser/parse_node.h"
#include "storage/lockdefs.h"

#include "base/scope.h"

typedef struct CodeReach CodeReach;

/* Returns an empty CodeReach, in the current memory context */
extern CodeReach *code_reach(void);

/* Hint for a statement that is refused because of the code that it could run */
#define CODE_REFUSED_HINT "The rows of one table are changed as its owner. Let the owner of that code plan and run anything else."

/* ---- code_reach.c: add what using one of these could run ---- */

extern void code_reach_type(CodeReach *reach, Oid type);
extern void code_reach_function(CodeReach *reach, Oid function);
extern void code_reach_operator(CodeReach *reach, Oid operator);

/*
 * Adds only the functions named in texts that `from` has examined, so that
 * code_analyse_as_meant() lets them run
 */
extern void code_reach_take_called(CodeReach *reach, const CodeReach *from);

/* Takes over the query that code_prepare() stored in `from`, for code_run_as_meant() */
extern void code_reach_take_query(CodeReach *reach, const CodeReach *from);

extern void code_reach_opclass(CodeReach *reach, Oid opclass);

/* Records that no role may run the code, and why */
extern void code_reach_never(CodeReach *reach, const char *reason);

/* Adds an expression that `owner` has stored; a Query only within a SubLink. */
extern void code_reach_expression(CodeReach *reach, Node *expression, Oid owner);

/* Adds the code that an object depends on by pg_depend */
extern void code_reach_object(CodeReach *reach, Oid classid, Oid objectid);

/*
 * Adds the roles that could make a stored text mean other code when it is
 * analysed again: those that may create a better match in the schema of one of
 * its functions or operators (as in CVE-2018-1058), and those that could
 * replace one of the tables that it reads
 */
extern void code_reach_kept(CodeReach *reach, Node *raw, const List *tables);

/* ---- code_table.c: the same for tables, with their partitions at all levels ---- */

/* Adds the code of planning and reading: expressions of indexes, statistics, partition keys, checks */
extern void code_reach_read(CodeReach *reach, Oid relid);

/* Adds the code of proofs by a table's checks, in which the server evaluates constant parts */
extern void code_reach_proof(CodeReach *reach, Oid relid);

/*
 * Adds the code of output of whole rows, also as jsonb: types of all columns,
 * virtual generated columns
 */
extern void code_reach_row(CodeReach *reach, Oid relid);

/*
 * Adds the expressions of a table's policies, if row security applies to the
 * current role.  Reading alone does not need them: it has row security off.
 */
extern void code_reach_policies(CodeReach *reach, Oid relid);

/*
 * Adds the code of writing by CMD_INSERT, CMD_UPDATE or CMD_DELETE: that of
 * reading, triggers, rules and, for written rows, checks, defaults, generated
 * columns and types.  Actions of foreign keys are the caller's to follow.
 */
extern void code_reach_write(CodeReach *reach, Oid relid, CmdType event);

/* Adds all of that for the tables of code_tree(relid, mode) */
extern void code_reach_changed(CodeReach *reach, Oid relid, LOCKMODE mode);

/*
 * Add the owner of a table, who may plant code at any moment; the second also
 * adds the owners of all tables of its code_tree(), and of tables above these
 */
extern void code_reach_table_owner(CodeReach *reach, Oid relid);
extern void code_reach_owners(CodeReach *reach, Oid relid);

/*
 * Adds the owner of a relation, who chooses what the relation, or its part
 * `what`, reads with the rights of the role that runs a query
 */
extern void code_reach_reader(CodeReach *reach, const char *what, Oid relid);

/* Adds the triggers that TRUNCATE of this one table fires */
extern void code_reach_truncate(CodeReach *reach, Oid relid);

/*
 * Adds the roles that choose what a query reads on a foreign server with the
 * user mapping of the role that runs it, if the table or a table below it is
 * foreign
 */
extern void code_reach_foreign(CodeReach *reach, Oid relid);

/* Returns the owners of a foreign table and of its server (a List of OIDs); NIL if it was dropped */
extern List *code_foreign_owners(Oid relid);

/* Returns the owner of a table; raises 42P01 if it was dropped */
extern Oid	code_table_owner(Oid relid);

/*
 * Returns a table with all tables that inherit from it, at all levels (a List
 * of OIDs), locked as below if looks take locks: `mode` is the mode in which
 * the deed itself will lock them, or NoLock.
 */
extern List *code_tree(Oid relid, LOCKMODE mode);

/* ---- looks that a deed may trust ---- */

/*
 * Locks a table before anything about it is read.  The caller's rights to
 * `named`, the table or the topmost one above it, are those that count. `mode`
 * is the deed's own one, or NoLock.
 */
typedef void (*CodeLock) (Oid relid, Oid named, LOCKMODE mode, void *lock_arg);

/*
 * Returns the lock mode for code_tree() if a deed changes rows of a table, once
 * its right to do so is checked.  UPDATE and DELETE justify SHARE UPDATE
 * EXCLUSIVE; INSERT justifies its own lock, which keeps triggers, rules and
 * policies away, and lets an index become ready only afterwards.
 */
static inline LOCKMODE
code_write_lock(CmdType event)
{
	return event == CMD_INSERT ? RowExclusiveLock : ShareUpdateExclusiveLock;
}

/*
 * Calls fn(arg), during which all looks take locks.  Without locks an answer of
 * code_role() is only true of a moment ago.
 */
extern void code_with_locks(CodeLock lock, void *lock_arg, void (*fn) (void *arg), void *arg);

/* Returns whether looks take locks now */
extern bool code_locks(void);

/* Calls fn(arg), during which looks hold the names of types, and lock no table */
extern void code_with_holds(void (*fn) (void *arg), void *arg);

/* Returns whether looks hold names now */
extern bool code_holds(void);

/* ---- code_raw.c: what somebody has written, which runs code when it is analysed ---- */

/* Returns whether a token code of the server's scanner is a quoted literal's */
extern bool code_is_literal(int token);

/*
 * Returns whether a text has quoted literals.  Without one its analysis calls
 * no input function of a type.
 */
extern bool code_has_literal(const char *sql);

/*
 * Adds the code that names in a raw expression or query lead to, by the current
 * search_path; code_reach_row() adds the rest for an expression over a table's
 * row.
 */
extern void code_reach_raw(CodeReach *reach, Node *raw);

/*
 * Returns the type that a name means, or InvalidOid.  If looks take locks, the
 * meaning is held until the (sub)transaction ends; raises 40001 if it has just
 * changed.
 */
extern Oid	code_find_type(CodeReach *reach, TypeName *name);

/*
 * Calls analyse(arg), which analyses the examined text and runs nothing: a
 * function, built in or in C, that was not found before and is not harmless
 * raises 42501 (meant.h).
 */
extern void code_analyse_as_meant(const CodeReach *reach, void (*analyse) (void *arg), void *arg);

/*
 * Analyses and rewrites a query like code_analyse_as_meant(); returns its plan,
 * for SPI_plan_get_plan_sources().  SPI must be connected.
 */
extern SPIPlanPtr code_prepare(CodeReach *reach, const char *sql);

/*
 * Calls run(arg), which runs a query that code_prepare() has analysed into
 * `looked`: raises 40001 if it means anything else by now, such as another
 * operator.
 */
extern void code_run_as_meant(const CodeReach *looked, const char *sql, void (*run) (void *arg), void *arg);

/* Returns whether a raw statement is a query or a change of rows */
extern bool code_is_query(Node *statement);

/*
 * Returns the queries among statements: that of CREATE TABLE AS, actions of a
 * rule, the body of a function
 */
extern List *code_queries(Node *statements);

/*
 * Adds the types of which literals in a raw expression or query are read by
 * analysis: named types, those of arguments of functions and operators, and of
 * columns of named tables.  A domain counts as its base type, because its
 * checks come later; an array of a domain does not.
 */
extern void code_reach_literals(CodeReach *reach, Node *raw);

/* Add such types: those of all columns of a table or composite type; the type of a value */
extern void code_reach_column_types(CodeReach *reach, Oid relid);
extern void code_reach_literal_type(CodeReach *reach, Oid type);

/*
 * Begins the analysis of a text about a table of `owner`, with a pinned
 * search_path, as the role of code_role(); raises 42501 if no role may, with
 * `what` as its name.  Ends with sg_scope_end().
 */
extern void code_analysis_begin(SgScope *scope, CodeReach *reach, Oid owner, const char *what);

/* Expression over a table's row */
typedef struct CodeExpression
{
	Oid			relid;
	Node	   *raw;
	ParseExprKind kind;
	const char *condition;		/* it is a condition of this clause, such as
								 * "CHECK"; or NULL */
	const char *target;			/* it is the value of this target, for
								 * messages; or NULL */
	Oid			type;			/* type of the target */
	int32		typmod;
	bool		any_path;		/* names are found by the search_path of the
								 * role that analyses it; else it is pinned */
	List	   *added;			/* char *: columns that are still to be added */
	List	   *values;			/* Node *: their values */
} CodeExpression;

/*
 * Analyses an expression, as the table's owner if necessary; raises the
 * parser's errors, and 42501 as above
 */
extern Node *code_analyse(const CodeExpression *expression);

/* ---- verdicts ---- */

/* Returns whether any code, type or operator is not built in */
extern bool code_found(CodeReach *reach);

/*
 * Returns whether there is code of other roles than the caller and superusers;
 * types and operators do not count
 */
extern bool code_is_others(CodeReach *reach);

/*
 * Returns whether a domain of another role than the caller and superusers is
 * reachable, which may get a check at any moment.
 */
extern bool code_has_domains(CodeReach *reach);

/*
 * Returns a role, not a superuser, whose code or domain is reachable,
 * preferably another one than the caller; or InvalidOid.  Missing objects do
 * not count.
 */
extern Oid	code_stranger(CodeReach *reach);

/*
 * Decides which role may do the work on an object of `owner`. NULL with *role
 * InvalidOid: the caller, because only built-in, superusers' and the caller's
 * own code is reachable.  NULL with another *role: the owner, restricted,
 * because all reachable code is its own or of roles whose privileges it
 * inherits.  Otherwise no role may; returns why, in one line.
 */
extern char *code_role(CodeReach *reach, Oid owner, Oid *role);

/*
 * Returns, in the same words, why `owner` must not run the code, whoever calls;
 * or NULL.  For queries that core itself runs as a table's owner, such as those
 * of foreign keys' triggers.
 */
extern char *code_refusal(CodeReach *reach, Oid owner);

/*
 * Returns why `owner` must not run the code, unless all of it, now and later,
 * is built in, superusers' or its own; or NULL.
 */
extern char *code_refusal_alone(CodeReach *reach, Oid owner);

#endif							/* SG_CODE_H */
