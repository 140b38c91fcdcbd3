/*-------------------------------------------------------------------------
 *
 * sync_scratch.h
 *	  What the parts of a scratch database share.
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
	int			encoding;		/* of the texts behind */
	bool		strict;			/* as psql would run it: in sections, to the
								 * first error */
	Size		snapshot;		/* offsets: statements and the query that give
								 * a snapshot in lines */
	char		steps[FLEXIBLE_ARRAY_MEMBER];	/* JSON, see sg_scratch_run() */
} SyncScript;

/* The same through the connection of snapshot_remote.c; what a worker would send, of char * */
extern List *sync_script_run_there(SyncScript *script);

/* ---- sync_sandbox.c ---- */

/* Installs the hooks, once, when the library is loaded; they do nothing yet */
extern void sync_sandbox_init(void);

/* From now on, in this process */
extern void sync_sandbox_begin(void);

/* What runs is ours again; functions are still looked at */
extern void sync_sandbox_end_making(void);

/* No function that is not built in or an extension's runs any more: whose it is is not known */
extern void sync_sandbox_forbid_bodies(void);

/* Does a built-in function nothing but compute, read catalogs, or take the next value of a sequence? */
extern bool sync_sandbox_is_harmless(Oid function);

/* Raise 42501 where a statement makes no structure, or says itself what it runs */
extern void sync_sandbox_check(const char *sql);

/* ---- sync_session.c ---- */

/* Installs the hook, once, when the library is loaded; it does nothing yet */
extern void sync_session_init(void);

/* ---- sync_text.c ---- */

/* Returns the statements of a text as the settings of a script read it (of RawStmt *), or NIL with *problem */
extern List *sync_parse_text(const char *sql, RawParseMode mode, char **problem);

#endif							/* SG_SYNC_SCRATCH_H */
