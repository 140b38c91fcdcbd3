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
	SG_VERBOSITY_AUTO,			/* depends on the number of steps */
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
extern int	sg_progress_interval;	/* ms between two progress messages; 0:
									 * none */
extern int	sg_workers;			/* background workers of a deployment; 0: none */
extern int	sg_ensure_wait;		/* ms, for a sign of who works */
extern bool sg_require_approval;	/* superusers set it */
extern int	sg_require_backup;	/* minutes, superusers set it; 0: none is
								 * asked for */
extern bool sg_accept_publication;	/* used by sg_refuse_publications(),
									 * change_object.c and sync_apply.c */

/* settings by which a deployment pauses or stops; see run_throttle.c */
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
extern int	sg_fill_target;		/* ms for which a batch locks its rows */
extern int	sg_fix_pause;		/* ms, between two batches of orphans */
extern int	sg_validate_with;	/* SG_VALIDATE_* */
extern int	sg_audit_method;	/* SG_AUDIT_* */
extern int	sg_audit_workers;	/* -1: by the size of the table */
extern int	sg_live_search;		/* ms, for rows of one key to try */
extern bool sg_audit_yield;		/* see audit_yield.c */

extern char *sg_notify_channel; /* channel of checks and gates; "" is none */
extern int	sg_connect_timeout; /* s, to reach another server */
extern int	sg_remote_timeout;	/* ms, one statement there */

/* origin of DDL; see ddl_origin.c */
extern char *sg_migration;		/* name of the migration that runs; "" is none */
extern char *sg_migration_applications; /* patterns, separated by commas */
extern char *sg_reason;			/* why DDL is run by hand; "" is none */

/* Returns whether a CALL on a plan emits messages of this level, SG_VERBOSITY_STEPS or _ALL */
extern bool sg_tells(int level);

/*
 * Returns whether schemaguard.drift_partitions names this kind of partition:
 * list, hash, range or default
 */
extern bool sg_drift_counts_partition(const char *kind);

/* Returns schemaguard.audit_memory in bytes, with its default resolved */
extern int64 sg_audit_memory_bytes(void);

/*
 * Setting of a plan: full name and value. sg_set_options() sets a List of
 * SgOption * as the caller could: 22023 for an invalid value.  GUC_ACTION_LOCAL
 * lasts until the end of the transaction, GUC_ACTION_SAVE until that of the
 * nest level.
 */
typedef struct SgOption
{
	char	   *name;
	char	   *value;
} SgOption;

extern void sg_options_apply(List *options, GucAction action);

/*
 * Some settings change the meaning of a statement's text: with
 * standard_conforming_strings off a literal may end elsewhere.  The first
 * function returns whether they have PostgreSQL's defaults, the second one sets
 * these.
 */
extern bool sg_is_plain(void);
extern void sg_set_plain(GucAction action);

/*
 * Begins a level of settings: those that a procedure sets with GUC_ACTION_LOCAL
 * end when it returns, also within the transaction of its caller.
 */
extern void sg_locals_begin(void);

/*
 * Enclose a procedure; the first function returns the argument of the second.
 * A COMMIT ends the level: enter again.
 */
extern int	sg_locals_enter(void);
extern void sg_locals_leave(int outer);

extern void sg_guc_init(void);

/*
 * Returns the ms to wait for a lock: schemaguard.lock_timeout, but no longer
 * than the session's deadlock_timeout.  An application that starts to wait for
 * us after we have looked for a deadlock looks deadlock_timeout later, and
 * would be the victim if we still waited.
 */
extern int	sg_lock_wait(int session_deadlock_timeout);

/* ---- guc_early.c: what was given before the settings were defined ---- */

/* Read the values before the settings are defined, and judge them afterwards */
extern void sg_guc_early_read(void);
extern void sg_guc_early_judge(void);

/*
 * Raises 22023 while a setting has an invalid early value, or an early
 * setting's name is unknown.
 */
extern void sg_guc_early_check(void);

#endif							/* SG_GUC_H */
