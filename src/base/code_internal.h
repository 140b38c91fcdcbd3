/*-------------------------------------------------------------------------
 *
 * code_internal.h
 *	  What the files that collect reachable code share.
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
	List	   *owners;			/* whose code was found: roles, no superusers */
	List	   *whats;			/* for each of them its first piece, in words */
	List	   *planters;		/* owners of types, operators and foreign
								 * tables on the way: who could add code at
								 * any moment */
	List	   *plants;			/* for each of them what that could be, in
								 * words */
	List	   *domain_owners;	/* those of domains among them */
	bool		found;			/* anything that is not built in, of whomever */
	List	   *harmful;		/* functions that are called though they are
								 * not harmless */
	const char *missing;		/* a type that was named and not found: it
								 * could come at any moment; or NULL */
	const char *unknown;		/* why nobody may run it, as where an
								 * expression could not be read; or NULL */
	const char *sql;			/* the text of a query that was analysed, and
								 * what it came to; or NULL */
	Query	   *query;

	MemoryContext context;
	HTAB	   *seen;			/* of ReachObject, or NULL */
	List	   *objects;		/* ReachObject *, as they came */
	int			visited;		/* that many of them have been looked at */
};

/* Found: a piece of code, in words, of an owner */
extern void code_reach_owner(CodeReach *reach, Oid owner, const char *what);

/*
 * Adds a role that could add code at any moment, which no lock keeps away: the
 * owner of a type or an operator (a cast, a domain's check, an estimator), or of
 * what is read from a foreign server.  `what` is that code in words.
 */
extern void code_reach_planter(CodeReach *reach, Oid role, const char *what);

/* Something that is named is not there, in a line */
extern void code_reach_missing(CodeReach *reach, const char *what);

/* The types of a table's columns, dropped ones apart */
extern void code_reach_columns(CodeReach *reach, Oid relid);

/* An expression in a catalog's column that may be null */
extern void code_reach_stored(CodeReach *reach, HeapTuple tuple, AttrNumber attnum, TupleDesc desc, Oid owner);

/* May anybody call a function, in an expression that somebody else has written? */
extern bool code_is_harmless(Form_pg_proc form);

/* A function may be called, though it may be harmful: an expression that is looked at, or a text, names it */
extern void code_reach_called(CodeReach *reach, Oid function);

/* Kinds of nodes; one of neither kind is not looked into */
extern bool code_node_has_type(Node *node);
extern bool code_node_is_plain(Node *node);

#endif							/* SG_CODE_INTERNAL_H */
