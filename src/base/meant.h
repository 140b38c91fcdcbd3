/*-------------------------------------------------------------------------
 *
 * meant.h
 *	  What a text is meant to come to, and nothing else.
 *
 * Looks are made by OID, and texts name tables and types.  What reads, takes no
 * lock that keeps a schema or a type from being renamed; so a name can lead
 * elsewhere by the time when the server analyses the text.  Deeds hold the names
 * (hold.h, run_name.h).  What reads has the server's own hooks ask, while the text
 * is analysed and run:
 *
 * - post_parse_analyze_hook: does it name the tables that were looked at, and no
 *	 other one?  Is a statement that writes rows what it was then, to the operator?
 * - object_access_hook: does it run a function that is built in, or in C, and
 *	 neither harmless (code_builtin.c) nor one that it names, in the caller's name?
 *	 A domain's check would, whose functions fmgr_hook does not ask about (guard.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_MEANT_H
#define SG_MEANT_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

typedef struct SgMeant
{
	const char *sql;			/* a query of ours, or NULL: something is
								 * analysed, and not run */
	const List *relations;		/* OIDs of the tables that it names; NIL: not
								 * compared */
	List	   *harmful;		/* OIDs of functions that it may run */
	Query	   *query;			/* what the text came to when it was looked
								 * at, and is to come to; NULL: not compared.
								 * What it runs is not asked then. */
	Query	  **keep;			/* is set to that, in the context; or NULL */
	MemoryContext context;
} SgMeant;

/*
 * Calls run(arg), which has the server analyse that text, and run it.  Raises 40001
 * where it names another table, and 42501 where it comes to another function.
 */
extern void sg_as_meant(const SgMeant *meant, void (*run) (void *arg), void *arg);

/* Returns the functions that a query may call by the names and operators in it, in the list that SgMeant has */
extern List *sg_functions_named(const char *sql);

/* Within a call of ours that the text itself makes, nothing is asked: returns what was, to be set again */
extern const SgMeant *sg_meant_set(const SgMeant *meant);

/* SPI_execute() of a query of ours that reads these tables (a List of OIDs) */
extern int	sg_spi_execute_meant(const char *sql, const List *relations, bool read_only, long count);

/* Raises 40001: a name leads to another object than the one that was looked at, which is now called so */
pg_noreturn extern void sg_raise_replaced(const char *name);

/* Is that what an error says? */
extern bool sg_was_replaced(const ErrorData *error);

/* Installs the hooks; once, when the library is loaded */
extern void sg_meant_init(void);

#endif							/* SG_MEANT_H */
