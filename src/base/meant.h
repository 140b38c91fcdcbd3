/*-------------------------------------------------------------------------
 *
 * meant.h
 *	  Makes sure that a text means the intended objects, and nothing else.
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
	const char *sql;			/* query of the extension, or NULL: a text is
								 * analysed, not run */
	const List *relations;		/* OIDs of the tables that it names; NIL: not
								 * compared */
	List	   *harmful;		/* OIDs of harmful functions that it may run */
	Query	   *query;			/* result of the text's analysis when it was
								 * examined, which is expected again; NULL:
								 * not compared.  The functions that it runs
								 * are not checked then. */
	Query	  **keep;			/* gets that result, in the context; or NULL */
	MemoryContext context;
} SgMeant;

/*
 * Calls run(arg), which makes the server analyse and run that text.  Raises
 * 40001 if it names another table, and 42501 if it comes to another function.
 */
extern void sg_as_meant(const SgMeant *meant, void (*run) (void *arg), void *arg);

/*
 * Returns the functions that a query may call by the names and operators in it,
 * as the list that SgMeant has
 */
extern List *sg_functions_named(const char *sql);

/*
 * Sets what is checked, for a call of the extension within the text, in which
 * nothing is; returns the former value, to be set again
 */
extern const SgMeant *sg_meant_set(const SgMeant *meant);

/* Like SPI_execute(), for a query of the extension that reads these tables (a List of OIDs) */
extern int	sg_spi_execute_meant(const char *sql, const List *relations, bool read_only, long count);

/* Raises 40001: a name means another object now than the one that was examined */
pg_noreturn extern void sg_raise_replaced(const char *name);

/* Returns whether an error is that 40001 */
extern bool sg_was_replaced(const ErrorData *error);

/* Installs the hooks; called once, when the library is loaded */
extern void sg_meant_init(void);

#endif							/* SG_MEANT_H */
