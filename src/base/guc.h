/*-------------------------------------------------------------------------
 *
 * guc.h
 *	  The settings schemaguard.*, each with its unit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_GUC_H
#define SG_GUC_H

#include "nodes/pg_list.h"
#include "utils/guc.h"

/* values of sg_validate_with */
enum
{
	SG_VALIDATE_CORE,
	SG_VALIDATE_SCAN
};

/* values of sg_verbosity; each tells what those before it do */
enum
{
	SG_VERBOSITY_AUTO,			/* by the number of steps */
	SG_VERBOSITY_PROBLEMS,
	SG_VERBOSITY_STEPS,
	SG_VERBOSITY_ALL
};

/* values of sg_audit_method */
enum
{
	SG_AUDIT_AUTO,
	SG_AUDIT_SCAN,
	SG_AUDIT_SQL
};

extern int	sg_lock_timeout;	/* ms, bound of one attempt to lock */
extern int	sg_lock_attempts;	/* attempts to lock, for one step */
extern int	sg_lock_budget;		/* ms, all attempts of one step and their
								 * pauses */
extern int	sg_lock_breaker;	/* failed attempts to lock one table; 0 is off */
extern int	sg_statement_timeout;	/* ms, one statement of a step; 0 is none */

extern int	sg_verbosity;		/* SG_VERBOSITY_* */
extern int	sg_progress_interval;	/* ms; 0: nothing is told on the way */
extern int	sg_workers;			/* background workers of a deployment; 0: none */
extern bool sg_require_approval;	/* superusers set it */
extern bool sg_accept_publication;	/* see sg_refuse_publications(),
									 * change_object.c and sync_apply.c */

/* what makes a deployment pause or stop; see run_throttle.c */
extern int	sg_throttle_lag;	/* kB of WAL; -1 is no limit */
extern char *sg_throttle_ignore;	/* names of standbys and slots; "" is none */
extern bool sg_throttle_backup;
extern int	sg_throttle_waiting;	/* sessions; -1 is no limit */
extern char *sg_throttle_function;	/* a name; "" is none */
extern int	sg_throttle_budget; /* ms, one pause */
extern int	sg_min_free_disk;	/* MB; 0 is no limit, -1 by the file system:
								 * see disk.c */
extern char *sg_window_end;		/* a time; "" is none */
extern int	sg_fix_limit;		/* rows of a call; -1: none */
extern int	sg_fill_batch;		/* rows of a batch that fills or mends */
extern int	sg_fill_target;		/* ms, for which it locks them */
extern int	sg_fix_pause;		/* ms, between two batches of orphans */
extern int	sg_validate_with;	/* SG_VALIDATE_* */
extern int	sg_audit_method;	/* SG_AUDIT_* */
extern int	sg_audit_workers;	/* -1: by the size of the table */
extern int	sg_live_search;		/* ms, for rows of one key to try */
extern bool sg_audit_yield;		/* see audit_yield.c */

extern char *sg_notify_channel; /* of checks and gates; "" is none */
extern int	sg_connect_timeout; /* s, to reach another server */
extern int	sg_remote_timeout;	/* ms, one statement there */

/* where DDL comes from; see ddl_origin.c */
extern char *sg_migration;		/* name of the migration that runs; "" is none */
extern char *sg_migration_applications; /* patterns, separated by commas */
extern char *sg_reason;			/* why DDL is run by hand; "" is none */

/* Does a CALL on a plan tell what belongs to this level, SG_VERBOSITY_STEPS or _ALL? */
extern bool sg_tells(int level);

/* Does schemaguard.drift_partitions name this kind: list, hash, range or default? */
extern bool sg_drift_counts_partition(const char *kind);

/* schemaguard.audit_memory in bytes, its default resolved */
extern int64 sg_audit_memory_bytes(void);

/*
 * A setting by its whole name and a value for it, as a plan has them; and a
 * List of SgOption *, set as the caller could: 22023 for what a setting does
 * not take.  GUC_ACTION_LOCAL is until the end of the transaction,
 * GUC_ACTION_SAVE until that of the nest level.
 */
typedef struct SgOption
{
	char	   *name;
	char	   *value;
} SgOption;

extern void sg_options_apply(List *options, GucAction action);

/*
 * Some settings decide which statement a text is: a literal ends elsewhere with
 * standard_conforming_strings off.  The first function returns whether they are as
 * PostgreSQL ships them, the second one sets them so.
 */
extern bool sg_is_plain(void);
extern void sg_set_plain(GucAction action);

/*
 * Begins a level of settings: those that a procedure makes from now on in this
 * transaction, by GUC_ACTION_LOCAL, end when it returns, also within the
 * transaction of its caller.
 */
extern void sg_locals_begin(void);

/* Around a procedure: the first function returns what the second one is given.  A COMMIT ends the level: enter anew. */
extern int	sg_locals_enter(void);
extern void sg_locals_leave(int outer);

extern void sg_guc_init(void);

/*
 * Returns the ms to wait for a lock: schemaguard.lock_timeout, but no longer than
 * the session's deadlock_timeout.  An application that comes to wait for us
 * after we have looked for a deadlock looks deadlock_timeout later, and would be
 * the victim if it found us still waiting.
 */
extern int	sg_lock_wait(int session_deadlock_timeout);

/* ---- guc_early.c: what was given before the settings were defined ---- */

/* Read it before they are, judge it after that */
extern void sg_guc_early_read(void);
extern void sg_guc_early_judge(void);

/*
 * Raise 22023 while there is a value that its setting did not take, or a name
 * that is none.
 */
extern void sg_guc_early_check(void);

#endif							/* SG_GUC_H */
