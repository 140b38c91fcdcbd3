/*-------------------------------------------------------------------------
 *
 * guc.c
 *	  The settings schemaguard.*.
 *
 * All of them may be set by any role, since they only bound what that role's
 * own statements do; but require_approval, which bounds what others want, is
 * for superusers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "guc.h"

int			sg_lock_timeout = 100;
int			sg_max_attempts = 200;
int			sg_retry_budget = 600000;
int			sg_statement_timeout = 0;
int			sg_workers = 2;
bool		sg_require_approval = false;
int			sg_throttle_lag = -1;
int			sg_throttle_waiting = -1;
char	   *sg_throttle_function = "";
int			sg_throttle_budget = 600000;
char	   *sg_window_end = "";
int			sg_breaker = 10;
int			sg_fix_pause = 100;
int			sg_validate_with = SG_VALIDATE_CORE;
int			sg_audit_method = SG_AUDIT_AUTO;
int			sg_audit_workers = -1;
int			sg_audit_memory = -1;
bool		sg_audit_use_index = false;
bool		sg_audit_paranoid = false;
int			sg_connect_timeout = 10;
int			sg_remote_timeout = 300000;

static const struct config_enum_entry validate_with_options[] = {
	{"core", SG_VALIDATE_CORE, false},
	{"scan", SG_VALIDATE_SCAN, false},
	{NULL, 0, false}
};

static const struct config_enum_entry audit_method_options[] = {
	{"auto", SG_AUDIT_AUTO, false},
	{"scan", SG_AUDIT_SCAN, false},
	{"sql", SG_AUDIT_SQL, false},
	{NULL, 0, false}
};

/* -1 stands for maintenance_work_mem; below the minimum of work_mem nothing fits */
static bool
check_audit_memory(int *newval, void **extra, GucSource source)
{
	if (*newval == -1)
		return true;
	if (*newval < 64)
		*newval = 64;
	return true;
}

int64
sg_audit_memory_bytes(void)
{
	return (int64) (sg_audit_memory < 0 ? maintenance_work_mem : sg_audit_memory) * 1024;
}

/* What deploy_throttle.c and plan_approve.c act upon */
static void
define_control(void)
{
	DefineCustomBoolVariable("schemaguard.require_approval",
							 "Lets a plan run only after sg_plan_approve() by another role than its author.",
							 "Only superusers change it.",
							 &sg_require_approval,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.throttle_lag",
							"Replication lag above which a deployment pauses; -1 is no limit.",
							"WAL that this server has written and a connected standby or subscriber has not replayed yet.",
							&sg_throttle_lag,
							-1, -1, INT_MAX,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.throttle_waiting",
							"Sessions of this database waiting for a lock above which a deployment pauses; -1 is no limit.",
							NULL,
							&sg_throttle_waiting,
							-1, -1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomStringVariable("schemaguard.throttle_function",
							   "A function without arguments that says whether a deployment has to pause; empty is none.",
							   "It returns boolean, or text with the reason, and belongs to the role that calls or to a superuser.",
							   &sg_throttle_function,
							   "",
							   PGC_USERSET, 0,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.throttle_budget",
							"Longest pause; after it the call ends and leaves the other steps for a later one.",
							NULL,
							&sg_throttle_budget,
							600000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomStringVariable("schemaguard.window_end",
							   "Time after which a deployment begins nothing new; empty is none.",
							   "A time stamp, or a time of day, which is the next one after the beginning of the call.",
							   &sg_window_end,
							   "",
							   PGC_USERSET, 0,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.breaker",
							"Failed attempts to lock one table after which its steps are put last; 0 never does.",
							NULL,
							&sg_breaker,
							10, 0, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);
}

/* Other servers: see snapshot_remote.c */
static void
define_remote(void)
{
	DefineCustomIntVariable("schemaguard.connect_timeout",
							"Longest time that connecting to another server may take.",
							NULL,
							&sg_connect_timeout,
							10, 1, 3600,
							PGC_USERSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.remote_timeout",
							"Longest time that a statement on another server may run.",
							"It is the statement_timeout there, and bounds the wait for an answer here.",
							&sg_remote_timeout,
							300000, 1, INT_MAX - 10000,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
}

void
sg_guc_init(void)
{
	DefineCustomIntVariable("schemaguard.lock_timeout",
							"Longest time that one attempt to lock the tables of a step may wait.",
							"Bounds all locks of the attempt together, and so how long the application can be held up behind it.",
							&sg_lock_timeout,
							100, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.max_attempts",
							"Attempts to lock the tables of a step before the step fails.",
							NULL,
							&sg_max_attempts,
							200, 1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.retry_budget",
							"Time for all attempts to lock the tables of a step, pauses included.",
							NULL,
							&sg_retry_budget,
							600000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.statement_timeout",
							"Longest time that one statement of a step may run; 0 is no limit.",
							"Takes the place of statement_timeout, which would count the whole CALL.",
							&sg_statement_timeout,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.workers",
							"Background workers that build indexes and validate keys of different tables at once.",
							"0 builds no index; 0 and 1 validate one key after the other, in the session itself.",
							&sg_workers,
							2, 0, 256,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.fix_pause",
							"Pause between two batches of orphans that are fixed, or of rows that are restored.",
							NULL,
							&sg_fix_pause,
							100, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomEnumVariable("schemaguard.validate_with",
							 "What validates added keys: core's VALIDATE CONSTRAINT, or one scan for all keys of a table.",
							 "Keys that the scan can't judge as core does go to core.",
							 &sg_validate_with,
							 SG_VALIDATE_CORE, validate_with_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("schemaguard.audit_method",
							 "How an audit reads tables: by its own scan where that is possible, or by generated queries.",
							 "\"auto\" leaves sets that are far beyond audit_memory to queries; \"scan\" never does.",
							 &sg_audit_method,
							 SG_AUDIT_AUTO, audit_method_options,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.audit_workers",
							"Parallel workers of an audit's scans; -1 chooses by the size of the tables.",
							"Tables smaller than min_parallel_table_scan_size get none; -1 chooses up to max_parallel_maintenance_workers.",
							&sg_audit_workers,
							-1, -1, 1024,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.audit_memory",
							"Memory for the sets of parent keys of one audit; -1 is maintenance_work_mem.",
							"Larger sets are read in several passes or spilled to temporary files.",
							&sg_audit_memory,
							-1, -1, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							check_audit_memory, NULL, NULL);

	DefineCustomBoolVariable("schemaguard.audit_use_index",
							 "Lets an audit read indexes instead of tables where that is cheaper.",
							 "Such a verdict trusts the index.",
							 &sg_audit_use_index,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomBoolVariable("schemaguard.audit_paranoid",
							 "Compares what an audit reads from tables with what their indexes say.",
							 NULL,
							 &sg_audit_paranoid,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	define_control();
	define_remote();
	MarkGUCPrefixReserved("schemaguard");
}
