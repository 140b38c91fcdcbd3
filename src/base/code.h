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

/* Nothing yet, in the current memory context */
extern CodeReach *code_reach(void);

/* Hint for a statement that is refused because of the code that it could run */
#define CODE_REFUSED_HINT "The rows of one table are changed as its owner. Let the owner of that code plan and run anything else."

/* ---- code_reach.c: add what using one of these could run ---- */

extern void code_reach_type(CodeReach *reach, Oid type);
extern void code_reach_function(CodeReach *reach, Oid function);
extern void code_reach_operator(CodeReach *reach, Oid operator);

/* Adds the functions that are named in texts which `from` has looked at, so that code_analyse_as_meant() lets them run; and nothing else */
extern void code_reach_take_called(CodeReach *reach, const CodeReach *from);

/* Takes over the query that code_prepare() has had `from` keep, for code_run_as_meant() */
extern void code_reach_take_query(CodeReach *reach, const CodeReach *from);

extern void code_reach_opclass(CodeReach *reach, Oid opclass);

/* Adds that nobody may run it, and why */
extern void code_reach_never(CodeReach *reach, const char *reason);

/* An expression that `owner` has stored.  No Query but as a SubLink's. */
extern void code_reach_expression(CodeReach *reach, Node *expression, Oid owner);

/* Adds the code that an object depends on by pg_depend */
extern void code_reach_object(CodeReach *reach, Oid classid, Oid objectid);

/*
 * Adds who could have a text that is kept come to other code, when it is analysed anew:
 * who may make a better match in the schema of a function or an operator of it
 * (CVE-2018-1058 is such a case), and who could put something else in the place of one
 * of the tables that it reads
 */
extern void code_reach_kept(CodeReach *reach, Node *raw, const List *tables);

/* ---- code_table.c: the same for tables, with their partitions at all levels ---- */

/* Planning and reading: expressions of indexes, statistics, partition keys, checks */
extern void code_reach_read(CodeReach *reach, Oid relid);

/* Having the checks of a table prove something: the server computes what is constant in them */
extern void code_reach_proof(CodeReach *reach, Oid relid);

/* Output of whole rows, also as jsonb: types of all columns, columns computed when read */
extern void code_reach_row(CodeReach *reach, Oid relid);

/* Adds the expressions of a table's policies, if row security holds for the current role.  Reading alone does not: it has row security off. */
extern void code_reach_policies(CodeReach *reach, Oid relid);

/*
 * Writing, by CMD_INSERT, CMD_UPDATE or CMD_DELETE: what reading could run,
 * and triggers, rules, and, for rows that are written, checks, defaults,
 * generated columns and types.  Not what foreign keys lead to: that is for
 * the caller to follow.
 */
extern void code_reach_write(CodeReach *reach, Oid relid, CmdType event);

/* All of that, of a table with all that code_tree() gives by this mode */
extern void code_reach_changed(CodeReach *reach, Oid relid, LOCKMODE mode);

/* Adds the owner of a table, who may give it code at any moment; and those of all tables of its code_tree(), and of tables above these */
extern void code_reach_table_owner(CodeReach *reach, Oid relid);
extern void code_reach_owners(CodeReach *reach, Oid relid);

/*
 * Adds the owner of a relation, who chooses what that, or something of it (`what`),
 * reads with the rights of the role that runs a query
 */
extern void code_reach_reader(CodeReach *reach, const char *what, Oid relid);

/* Adds the triggers that TRUNCATE of this one table fires */
extern void code_reach_truncate(CodeReach *reach, Oid relid);

/*
 * Adds who chooses what a query reads elsewhere, with the user mapping of the role
 * that runs it, where the table or something below it is foreign
 */
extern void code_reach_foreign(CodeReach *reach, Oid relid);

/* Returns the owner of a foreign table and that of its server (a List of OIDs); NIL if it is gone */
extern List *code_foreign_owners(Oid relid);

/* The owner of a table; raises 42P01 when it is gone */
extern Oid	code_table_owner(Oid relid);

/*
 * Returns a table with its partitions and all that inherits from it, at all
 * levels (a List of OIDs), locked as below if looks lock: `mode` is the one in
 * which the deed itself will lock them, or NoLock.
 */
extern List *code_tree(Oid relid, LOCKMODE mode);

/* ---- looks that a deed may trust ---- */

/*
 * Locks a table that a look comes to, before anything about it is read.  The
 * caller's rights to `named`, the table or the topmost one above it, are those
 * that count.  `mode` is the deed's own one, or NoLock.
 */
typedef void (*CodeLock) (Oid relid, Oid named, LOCKMODE mode, void *lock_arg);

/*
 * Returns the mode to ask code_tree() for where a deed changes rows of a table,
 * once its right to do so is checked.  UPDATE and DELETE buy SHARE UPDATE
 * EXCLUSIVE; INSERT buys the lock that it takes anyway, which keeps triggers,
 * rules and policies away, and lets an index become ready only afterwards.
 */
static inline LOCKMODE
code_write_lock(CmdType event)
{
	return event == CMD_INSERT ? RowExclusiveLock : ShareUpdateExclusiveLock;
}

/*
 * Calls fn(arg).  Until it returns, all looks lock.  Without locks, an answer
 * of code_role() tells only what could be run a moment ago.
 */
extern void code_with_locks(CodeLock lock, void *lock_arg, void (*fn) (void *arg), void *arg);

/* Do looks lock now? */
extern bool code_locks(void);

/* Calls fn(arg), in which looks hold the names of types, and lock no table */
extern void code_with_holds(void (*fn) (void *arg), void *arg);

/* Do looks hold names now? */
extern bool code_holds(void);

/* ---- code_raw.c: what somebody has written, which runs code when it is analysed ---- */

/* Is that code of the server's scanner one of a literal in quotes? */
extern bool code_is_literal(int token);

/* Has a text any?  Without one its analysis alone calls no input function of a type. */
extern bool code_has_literal(const char *sql);

/*
 * Adds the code that names in a raw expression or query lead to, by the search_path
 * that is in force; for one over a table's row, code_reach_row() has the rest.
 */
extern void code_reach_raw(CodeReach *reach, Node *raw);

/*
 * Returns the type that a name means, or InvalidOid.  If looks lock, it means the same
 * until the (sub)transaction ends; raises 40001 where it has just come to mean another.
 */
extern Oid	code_find_type(CodeReach *reach, TypeName *name);

/*
 * Calls analyse(arg), which analyses what was looked at, and runs nothing: a
 * function, built in or in C, that the look has not found, and that is not harmless,
 * raises 42501 there (meant.h).
 */
extern void code_analyse_as_meant(const CodeReach *reach, void (*analyse) (void *arg), void *arg);

/*
 * Analyses and rewrites a query as code_analyse_as_meant() does; returns its plan, for
 * SPI_plan_get_plan_sources().  SPI must be connected.
 */
extern SPIPlanPtr code_prepare(CodeReach *reach, const char *sql);

/*
 * Calls run(arg), which runs such a query, of which `looked` is what code_prepare()
 * had: raises 40001 where it comes to anything else by now, such as another operator.
 */
extern void code_run_as_meant(const CodeReach *looked, const char *sql, void (*run) (void *arg), void *arg);

/* Is a raw statement a query, or a change of rows? */
extern bool code_is_query(Node *statement);

/* The queries among what the grammar lets be any statement: that of CREATE TABLE AS, actions of a rule, the body of a function */
extern List *code_queries(Node *statements);

/*
 * The types as which literals in a raw expression or query are read, when it is
 * analysed: those that are named, of arguments of functions and operators, and of
 * columns of tables that are named.  A domain counts as its base type there, whose
 * own checks come later; an array of a domain does not.
 */
extern void code_reach_literals(CodeReach *reach, Node *raw);

/* Add such types: those of all columns of a table or composite type; that of a value */
extern void code_reach_column_types(CodeReach *reach, Oid relid);
extern void code_reach_literal_type(CodeReach *reach, Oid type);

/*
 * Analyse something that `owner` owns the table of, with search_path pinned, as
 * code_role() says; raises 42501 where nobody may, calling it `what`.  Ends with
 * sg_scope_end().
 */
extern void code_analysis_begin(SgScope *scope, CodeReach *reach, Oid owner, const char *what);

/* An expression over a table's row */
typedef struct CodeExpression
{
	Oid			relid;
	Node	   *raw;
	ParseExprKind kind;
	const char *condition;		/* it is one, of this clause: "CHECK"; or NULL */
	const char *target;			/* it is the value of this, for messages; or
								 * NULL */
	Oid			type;			/* of the target */
	int32		typmod;
	bool		any_path;		/* names by the search_path of who analyses
								 * it; else pinned */
} CodeExpression;

/* Analysed, as the table's owner where it has to be; raises what the parser does, and 42501 as above */
extern Node *code_analyse(const CodeExpression *expression);

/* ---- verdicts ---- */

/* Is there any code, type or operator at all that is not built in, whoever made it? */
extern bool code_found(CodeReach *reach);

/* Is there code of anybody's but the caller's, built-in and superusers', types and operators aside? */
extern bool code_is_others(CodeReach *reach);

/* Is a domain reachable that is anybody's but the caller's and superusers'?  It may get a check at any moment. */
extern bool code_has_domains(CodeReach *reach);

/*
 * Returns a role whose code is reachable, domains included, and that is no superuser:
 * another one than the caller if there is one; or InvalidOid.  What is not there
 * does not count.
 */
extern Oid	code_stranger(CodeReach *reach);

/*
 * As whom may the work be done on something that `owner` owns?  Returns NULL
 * with *role InvalidOid: as the caller, since nothing is reachable but
 * built-in, superusers' and the caller's own code.  NULL with another *role:
 * as that one, which is the owner, restricted, since all that is reachable is
 * its own or of roles whose privileges it inherits.  Not NULL: by nobody, and
 * why, as one line.
 */
extern char *code_role(CodeReach *reach, Oid owner, Oid *role);

/*
 * Why `owner` must not run it, whoever calls, in the same words; or NULL.  For
 * what core does as a table's owner by itself, such as the queries of foreign
 * keys' triggers.
 */
extern char *code_refusal(CodeReach *reach, Oid owner);

/*
 * Why `owner` must not run it unless all of it, now and later, is built in,
 * superusers' or its own; or NULL.
 */
extern char *code_refusal_alone(CodeReach *reach, Oid owner);

#endif							/* SG_CODE_H */
