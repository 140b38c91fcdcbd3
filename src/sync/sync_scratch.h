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
#include "nodes/plannodes.h"
#include "parser/parser.h"
#include "port/atomics.h"

/* ---- sync_script.c: what a worker in the scratch database is given ---- */

typedef struct SyncScript
{
	pg_atomic_uint32 done;		/* statements */
	pg_atomic_uint32 begun;		/* statements of files; one more than done
								 * while one runs */
	int			encoding;		/* encoding of the texts that follow */
	bool		strict;			/* run as by psql: in sections, up to the
								 * first error */
	bool		files;			/* files of migrations, see sync_replay.c */
	Size		snapshot;		/* offsets of the statements, and of the query
								 * for the lines of a snapshot */
	char		steps[FLEXIBLE_ARRAY_MEMBER];	/* JSON, see sg_scratch_run() */
} SyncScript;

/*
 * Runs the script through the connection of snapshot_remote.c; returns the
 * lines that a worker would send (char *)
 */
extern List *sync_script_run_there(SyncScript *script);

/* Reports to the leader that the current step has left out a statement */
extern void sync_script_left_out(const char *what);

/* ---- sync_replay.c: files of migrations in a scratch database ---- */

/* Lets files of migrations run from now on, for the role of this process */
extern void sync_replay_begin(void);
extern void sync_replay_end(void);

/* Becomes the role that the files run as, until the transaction's end and sync_replay_leave() */
extern void sync_replay_enter(void);
extern void sync_replay_leave(void);

/* Returns whether code of the files runs now */
extern bool sync_replay_runs(void);

/*
 * Returns the statement as it runs here, without CONCURRENTLY and owners; NULL
 * if it is left out, which is reported
 */
extern PlannedStmt *sync_replay_statement(PlannedStmt *plan);

/* Becomes the caller, in order to create an extension, if that is a superuser */
extern void sync_replay_extension(Node *statement);

/* Returns whether a built-in function that is not harmless acts on this database alone */
extern bool sync_replay_allows(Oid function);

/*
 * Returns whether a function's owner is the files' role, and another role would
 * run it: the script of an extension, or who reads the database afterwards
 */
extern bool sync_replay_is_planted(Oid owner);

/* Returns whether a function is C code that an untrusted extension has for more than computing */
extern bool sync_replay_refuses(Oid function, Oid language, char volatility);

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

/* Returns whether a statement makes objects of one database */
extern bool sync_sandbox_is_structure(Node *statement);

/* Raises 42501 for a statement that makes no structure, or that directly names code to run */
extern void sync_sandbox_check(const char *sql);

/* ---- sync_session.c ---- */

/* Installs the hook, once, when the library is loaded; it is inactive at first */
extern void sync_session_init(void);

/* Returns whether a raw statement is CONCURRENTLY, and so can't run in a transaction */
extern bool sync_session_is_outside(Node *statement);

/* ---- sync_text.c ---- */

/* Returns the statements of a text, parsed under a script's settings (RawStmt *), or NIL with *problem */
extern List *sync_parse_text(const char *sql, RawParseMode mode, char **problem);

#endif							/* SG_SYNC_SCRATCH_H */
