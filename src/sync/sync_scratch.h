/*-------------------------------------------------------------------------
 *
 * sync_scratch.h
 *	  Shared by the files of a scratch database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SYNC_SCRATCH_H
#define SG_SYNC_SCRATCH_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "parser/parser.h"
#include "port/atomics.h"

/* ---- sync_script.c: what a worker in the scratch database is given ---- */

typedef struct SyncScript
{
	pg_atomic_uint32 done;		/* statements */
	int			encoding;		/* encoding of the texts that follow */
	bool		strict;			/* run as by psql: in sections, up to the
								 * first error */
	Size		snapshot;		/* offsets of the statements, and of the query
								 * for the lines of a snapshot */
	char		steps[FLEXIBLE_ARRAY_MEMBER];	/* JSON, see sg_scratch_run() */
} SyncScript;

/*
 * Runs the script through the connection of snapshot_remote.c; returns the
 * lines that a worker would send (char *)
 */
extern List *sync_script_run_there(SyncScript *script);

/* ---- sync_sandbox.c ---- */

/* Installs the hooks, once, when the library is loaded; they are inactive until sync_sandbox_begin() */
extern void sync_sandbox_init(void);

/* Activates the checks in this process */
extern void sync_sandbox_begin(void);

/* Ends the checks of statements, which are the library's own from now on; functions are still checked */
extern void sync_sandbox_end_making(void);

/*
 * Forbids all functions that are neither built in nor an extension's, because
 * their owners are unknown from now on
 */
extern void sync_sandbox_forbid_bodies(void);

/*
 * Returns whether a built-in function only computes, reads catalogs, or takes
 * the next value of a sequence
 */
extern bool sync_sandbox_is_harmless(Oid function);

/* Raises 42501 for a statement that makes no structure, or that directly names code to run */
extern void sync_sandbox_check(const char *sql);

/* ---- sync_session.c ---- */

/* Installs the hook, once, when the library is loaded; it is inactive at first */
extern void sync_session_init(void);

/* ---- sync_text.c ---- */

/* Returns the statements of a text, parsed under a script's settings (RawStmt *), or NIL with *problem */
extern List *sync_parse_text(const char *sql, RawParseMode mode, char **problem);

#endif							/* SG_SYNC_SCRATCH_H */
