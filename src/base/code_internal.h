/*-------------------------------------------------------------------------
 *
 * code_internal.h
 *	  Declarations that the files which collect reachable code share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CODE_INTERNAL_H
#define SG_CODE_INTERNAL_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "base/code.h"

typedef struct ReachObject
{
	Oid			classid;
	Oid			objectid;
} ReachObject;

struct CodeReach
{
	List	   *owners;			/* roles, no superusers, whose code was found */
	List	   *whats;			/* for each of them its first piece of code,
								 * in words */
	List	   *planters;		/* owners of types, operators and foreign
								 * tables that were met, who could add code at
								 * any moment */
	List	   *plants;			/* for each of them that code, in words */
	List	   *domain_owners;	/* owners of domains among them */
	bool		found;			/* anything was found that is not built in */
	List	   *harmful;		/* called functions that are not harmless */
	const char *missing;		/* named type that does not exist, but could
								 * be created at any moment; or NULL */
	const char *unknown;		/* why no role may run it, for example an
								 * unreadable expression; or NULL */
	const char *sql;			/* text and result of an analysed query; or
								 * NULL */
	Query	   *query;

	MemoryContext context;
	HTAB	   *seen;			/* ReachObject, or NULL */
	List	   *objects;		/* ReachObject *, in the order of discovery */
	int			visited;		/* number of them that were visited */
};

/* Records a piece of code, in words, of an owner */
extern void code_reach_owner(CodeReach *reach, Oid owner, const char *what);

/*
 * Adds a role that could add code at any moment, against which no lock helps:
 * the owner of a type or an operator (a cast, a domain's check, an estimator),
 * or of a foreign server. `what` is that code in words.
 */
extern void code_reach_planter(CodeReach *reach, Oid role, const char *what);

/* Records that a named object does not exist, in one line */
extern void code_reach_missing(CodeReach *reach, const char *what);

/* Adds the types of a table's columns, except dropped ones */
extern void code_reach_columns(CodeReach *reach, Oid relid);

/* Adds an expression in a nullable column of a catalog */
extern void code_reach_stored(CodeReach *reach, HeapTuple tuple, AttrNumber attnum, TupleDesc desc, Oid owner);

/* Returns whether a function is harmless for any role that calls it in an expression of another role */
extern bool code_is_harmless(Form_pg_proc form);

/* Allows a call of a function that may be harmful, because an examined expression or text names it */
extern void code_reach_called(CodeReach *reach, Oid function);

/* Return the kind of a node; nodes of neither kind are refused */
extern bool code_node_has_type(Node *node);
extern bool code_node_is_plain(Node *node);

#endif							/* SG_CODE_INTERNAL_H */
