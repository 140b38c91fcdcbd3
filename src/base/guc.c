/*-------------------------------------------------------------------------
 *
 * guc.c
 *	  The settings schemaguard.*.
 *
 *	  A setting is for superusers if it names code (throttle_function), bounds
 *	  what other roles want (require_approval), judges what other roles do
 *	  (migration_applications) or gets past the guard (reason): the owner of a
 *	  database gives it a value for everybody by ALTER DATABASE, and a role
 *	  with CREATEROLE one for other roles.  Any role may set the other
 *	  settings, because they only bound what a call does.
 *
 *	  The server lets only superusers store a value, by ALTER DATABASE or
 *	  ALTER ROLE, for a name that no loaded library has defined.  Before this
 *	  library is loaded, anybody may give settings for superusers a value,
 *	  too, at the start of the session or by SET: see set_beforehand() and
 *	  guc_early.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/quote.h"

int			sg_lock_timeout = 100;
int			sg_lock_attempts = 200;
int			sg_lock_budget = 600000;
int			sg_statement_timeout = 0;
int			sg_verbosity = SG_VERBOSITY_AUTO;
int			sg_progress_interval = 5000;
int			sg_workers = 2;
int			sg_ensure_wait = 30000;
bool		sg_require_approval = false;
int			sg_require_backup = 0;
bool		sg_accept_publication = false;
char	   *sg_migration = "";
char	   *sg_migration_applications = "";
char	   *sg_reason = "";
int			sg_throttle_lag = 65536;
char	   *sg_throttle_ignore = "";
bool		sg_throttle_backup = false;
int			sg_throttle_waiting = -1;
char	   *sg_throttle_function = "";
int			sg_throttle_budget = 600000;
int			sg_min_free_disk = -1;
char	   *sg_window_end = "";
int			sg_lock_breaker = 10;
int			sg_fix_limit = 1000;
int			sg_fill_batch = 2000;
int			sg_fill_target = 25;
int			sg_fix_pause = 100;
int			sg_validate_with = SG_VALIDATE_CORE;
int			sg_audit_method = SG_AUDIT_AUTO;
int			sg_audit_workers = -1;
static int	sg_audit_memory = -1;	/* in kB; -1 stands for
									 * maintenance_work_mem */
bool		sg_audit_yield = true;
int			sg_live_search = 500;
char	   *sg_notify_channel = "schemaguard";
static char *sg_drift_partitions = "list, hash, default";	/* kinds of partitions,
															 * separated by commas */
int			sg_connect_timeout = 10;
int			sg_remote_timeout = 300000;

static const struct config_enum_entry validate_with_options[] = {
	{"core", SG_VALIDATE_CORE, false},
	{"scan", SG_VALIDATE_SCAN, false},
	{NULL, 0, false}
};

static const struct config_enum_entry verbosity_options[] = {
	{"auto", SG_VERBOSITY_AUTO, false},
	{"problems", SG_VERBOSITY_PROBLEMS, false},
	{"steps", SG_VERBOSITY_STEPS, false},
	{"all", SG_VERBOSITY_ALL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry audit_method_options[] = {
	{"auto", SG_AUDIT_AUTO, false},
	{"scan", SG_AUDIT_SCAN, false},
	{"sql", SG_AUDIT_SQL, false},
	{NULL, 0, false}
};

/* Accepts -1, which stands for maintenance_work_mem; below the minimum of work_mem nothing fits */
static bool
check_audit_memory(int *newval, void **extra, GucSource source)
{
	if (*newval == -1)
		return true;
	if (*newval < 64)
		*newval = 64;
	return true;
}

/* Refuses names too long for a channel, which NOTIFY would reject when a check has something to tell */
static bool
check_notify_channel(char **newval, void **extra, GucSource source)
{
	if (strlen(*newval) < NAMEDATALEN)
		return true;
	GUC_check_errdetail("A channel's name has at most %d bytes.", NAMEDATALEN - 1);
	return false;
}

static bool
check_drift_partitions(char **newval, void **extra, GucSource source)
{
	static const char *const kinds[] = {"list", "hash", "range", "default"};
	List	   *names;

	if (!SplitIdentifierString(pstrdup(*newval), ',', &names))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	foreach_ptr(const char, name, names)
	{
		int			i = 0;

		while (i < lengthof(kinds) && strcmp(kinds[i], name) != 0)
			i++;
		if (i == lengthof(kinds))
		{
			GUC_check_errdetail("\"%s\" is no kind of partitions: there are list, hash, range and default.", name);
			return false;
		}
	}
	return true;
}

bool
sg_drift_counts_partition(const char *kind)
{
	List	   *names;

	return SplitIdentifierString(pstrdup(sg_drift_partitions), ',', &names) && sg_has_name(names, kind);
}

/*
 * schemaguard.verbosity is still auto only in a call on few steps: a call on
 * many steps has set it to "problems"
 */
bool
sg_tells(int level)
{
	return sg_verbosity == SG_VERBOSITY_AUTO || sg_verbosity >= level;
}

int64
sg_audit_memory_bytes(void)
{
	return (int64) (sg_audit_memory < 0 ? maintenance_work_mem : sg_audit_memory) * 1024;
}

void
sg_options_apply(List *options, GucAction action)
{
	foreach_ptr(const SgOption, option, options)
		(void) set_config_option(option->name, option->value, PGC_USERSET, PGC_S_SESSION, action, true, 0, false);
}

/*
 * Setting whose value "view" would keep schemaguard's statements from its own
 * views.  Older minor releases of 15 and 16 lack the setting: NULL.
 */
#define KINDS		"restrict_nonsystem_relation_kind"
#define KINDS_REST	"foreign-table"

bool
sg_is_plain(void)
{
	const char *kinds = GetConfigOption(KINDS, true, false);

	return SG_CONFORMING_STRINGS && backslash_quote == BACKSLASH_QUOTE_SAFE_ENCODING && !Transform_null_equals &&
		(kinds == NULL || *kinds == '\0' || strcmp(kinds, KINDS_REST) == 0);
}

void
sg_set_plain(GucAction action)
{
	static SgOption plain[] = {
		{"standard_conforming_strings", "on"}, {"backslash_quote", "safe_encoding"}, {"transform_null_equals", "off"}
	};
	SgOption	rest = {KINDS, ""};
	const char *kinds = GetConfigOption(KINDS, true, false);
	List	   *options = NIL;
	List	   *names;

	for (int i = 0; i < lengthof(plain); i++)
		options = lappend(options, &plain[i]);
	if (kinds)
	{
		if (SplitIdentifierString(pstrdup(kinds), ',', &names) && sg_has_name(names, KINDS_REST))
			rest.value = KINDS_REST;
		options = lappend(options, &rest);
	}
	sg_options_apply(options, action);
	list_free(options);
}

/* Nest level of the settings of the running procedure, in this transaction; 0: none */
static int	locals = 0;

void
sg_locals_begin(void)
{
	if (locals == 0)
		locals = NewGUCNestLevel();
}

int
sg_locals_enter(void)
{
	int			outer = locals;

	locals = 0;
	return outer;
}

void
sg_locals_leave(int outer)
{
	if (locals)
		AtEOXact_GUC(false, locals);
	locals = outer;
}

/* Accepts a list of names */
static bool
check_list(char **newval, void **extra, GucSource source)
{
	List	   *names;

	if (SplitGUCList(pstrdup(*newval), ',', &names))
		return true;
	GUC_check_errdetail("The list syntax is invalid.");
	return false;
}

/* Accepts a list of LIKE patterns that cannot raise an error */
static bool
check_patterns(char **newval, void **extra, GucSource source)
{
	List	   *patterns;

	if (!check_list(newval, extra, source))
		return false;
	(void) SplitGUCList(pstrdup(*newval), ',', &patterns);
	foreach_ptr(const char, pattern, patterns)
	{
		int			backslashes = 0;

		for (const char *p = pattern + strlen(pattern); p > pattern && p[-1] == '\\'; p--)
			backslashes++;
		if (backslashes % 2 == 1)
		{
			GUC_check_errdetail("A pattern must not end with a single backslash.");
			return false;
		}
	}
	return true;
}

/* Where somebody else has given require_backup a value beforehand, it is a day */
#define BACKUP_MINUTES (24 * 60)

/*
 * Returns whether this session has a value for a setting before its definition.
 * A value of a role that may not set it is refused with a warning; if the value
 * came with the connection, the values of ALTER SYSTEM, ALTER DATABASE or ALTER
 * ROLE are lost with it, and the default counts.  So in such a session the
 * default of a setting for superusers has to be the strict value.
 */
static bool
set_beforehand(const char *name)
{
	struct config_generic *setting = sg_find_setting(name);

	/*
	 * a value removed from the configuration file leaves a placeholder
	 * without a value
	 */
	return setting && (setting->flags & GUC_CUSTOM_PLACEHOLDER) &&
		(setting->source != PGC_S_DEFAULT || setting->reset_source != PGC_S_DEFAULT);
}

/*
 * The library may be loaded again after an error while it was loaded, or for
 * lack of memory, so each setting is defined once.
 */
static bool
is_defined(const char *name)
{
	struct config_generic *setting = sg_find_setting(name);

	return setting && !(setting->flags & GUC_CUSTOM_PLACEHOLDER);
}

static void
must_be_defined(const char *name)
{
	if (!is_defined(name))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Setting \"%s\" could not be defined.", name)));
}

#define DEFINE_ONCE(define, name, ...) \
	do { \
		if (!is_defined(name)) \
			define(name, __VA_ARGS__); \
		must_be_defined(name); \
	} while (0)
#define DefineCustomBoolVariable(...) DEFINE_ONCE((DefineCustomBoolVariable), __VA_ARGS__)
#define DefineCustomIntVariable(...) DEFINE_ONCE((DefineCustomIntVariable), __VA_ARGS__)
#define DefineCustomEnumVariable(...) DEFINE_ONCE((DefineCustomEnumVariable), __VA_ARGS__)
#define DefineCustomStringVariable(...) DEFINE_ONCE((DefineCustomStringVariable), __VA_ARGS__)

/* Defines the settings of ddl_origin.c */
static void
define_migration(void)
{
	DefineCustomStringVariable("schemaguard.migration",
							   "Name of the migration whose DDL this session runs; empty is none.",
							   "For SET LOCAL: schemaguard.ddl_log tells such DDL from what somebody typed.",
							   &sg_migration,
							   "",
							   PGC_USERSET, 0,
							   NULL, NULL, NULL);

	/* the default is strict anyway: no application is trusted */
	DefineCustomStringVariable("schemaguard.migration_applications",
							   "Patterns, separated by commas, of application_name whose DDL comes from migrations.",
							   "As LIKE has them: % stands for anything, _ for one character.",
							   &sg_migration_applications,
							   "",
							   PGC_SUSET, 0,
							   check_patterns, NULL, NULL);

	DefineCustomStringVariable("schemaguard.reason",
							   "Why this session runs DDL by hand, past sg_guard_ddl(); empty is no reason.",
							   "Superusers set it, and roles with GRANT SET ON PARAMETER. It is logged with each statement.",
							   &sg_reason,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);
}

/* Defines the settings of run_throttle.c and plan_approve.c */
static void
define_control(void)
{
	DefineCustomIntVariable("schemaguard.ensure_wait",
							"How long sg_ensure() waits for a sign of the session that does the work.",
							"The time starts anew whenever that session moves.",
							&sg_ensure_wait,
							30000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomBoolVariable("schemaguard.require_approval",
							 "Lets a plan run only after its approval by another role than its author.",
							 "Only superusers change it.",
							 &sg_require_approval,
							 set_beforehand("schemaguard.require_approval"),
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.require_backup",
							"Age of a recorded and verified backup above which no plan runs; 0 asks for none.",
							"Only superusers change it.",
							&sg_require_backup,
							set_beforehand("schemaguard.require_backup") ? BACKUP_MINUTES : 0, 0, INT_MAX,
							PGC_SUSET, GUC_UNIT_MIN,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.throttle_lag",
							"Replication lag above which a deployment pauses; -1 is no limit.",
							"WAL that this server has written and a standby or permanent slot has not replayed yet.",
							&sg_throttle_lag,
							64 * 1024, -1, INT_MAX,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);

	DefineCustomStringVariable("schemaguard.throttle_ignore",
							   "Standbys and slots whose lag does not count, separated by commas; empty is none.",
							   "A standby without a slot has the name that its application_name says.",
							   &sg_throttle_ignore,
							   "",
							   PGC_USERSET, 0,
							   check_list, NULL, NULL);

	DefineCustomBoolVariable("schemaguard.throttle_backup",
							 "Pauses a deployment while a base backup runs.",
							 "Those by the replication protocol, as of pg_basebackup; one by pg_backup_start() is not to be seen.",
							 &sg_throttle_backup,
							 false,
							 PGC_USERSET, 0,
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
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.throttle_budget",
							"Longest pause; after it the call ends and leaves the other steps for a later one.",
							NULL,
							&sg_throttle_budget,
							600000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.min_free_disk",
							"Free space below which a deployment pauses; 0 is no limit.",
							"-1 is 5 % of the file system, but 10 GB at most, and 64 MB at least.",
							&sg_min_free_disk,
							-1, -1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MB,
							NULL, NULL, NULL);

	DefineCustomStringVariable("schemaguard.window_end",
							   "Time after which a deployment begins nothing new; empty is none.",
							   "A time stamp, or a time of day, which is the next one after the beginning of the call.",
							   &sg_window_end,
							   "",
							   PGC_USERSET, 0,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.lock_breaker",
							"Failed attempts to lock one table after which its steps are put last; 0 never does.",
							NULL,
							&sg_lock_breaker,
							10, 0, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);
}

/* Defines the settings of snapshot_remote.c */
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

/* Defines internal settings, hidden from users, of guard.c */
static void
define_guard(void)
{
	DefineCustomIntVariable("schemaguard.guarded_role",
							"Role in whose name parallel workers run no code of others.",
							NULL,
							&sg_guarded_role,
							0, INT_MIN, INT_MAX,
							PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							sg_guard_check_setting, sg_guard_take_over, NULL);
	DefineCustomIntVariable("schemaguard.guarded_since",
							"Transaction from which on workers call no function that has come or changed.",
							NULL,
							&sg_guarded_since,
							0, INT_MIN, INT_MAX,
							PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							sg_guard_check_setting, sg_guard_take_over_since, NULL);

	/*
	 * set explicitly: the server passes to workers only settings whose source
	 * is not the default
	 */
	(void) set_config_option("schemaguard.guarded_role", "0", PGC_SUSET, PGC_S_OVERRIDE, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("schemaguard.guarded_since", "0", PGC_SUSET, PGC_S_OVERRIDE, GUC_ACTION_SAVE, true, 0, false);
}

int
sg_lock_wait(int session_deadlock_timeout)
{
	return Max(Min(sg_lock_timeout, session_deadlock_timeout), 1);
}

void
sg_guc_init(void)
{
	sg_guc_early_read();

	DefineCustomIntVariable("schemaguard.lock_timeout",
							"Longest time that one attempt to lock the tables of a step may wait.",
							"Bounds all locks of the attempt together, and so how long the application can be held up behind it.",
							&sg_lock_timeout,
							100, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.lock_attempts",
							"Attempts to lock the tables of a step before the step fails.",
							NULL,
							&sg_lock_attempts,
							200, 1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.lock_budget",
							"Time for all attempts to lock the tables of a step, pauses included.",
							NULL,
							&sg_lock_budget,
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
							"Background workers that build indexes and validate keys of different tables or partitions at once.",
							"0 builds no index; 0 and 1 validate one key after the other, in the session itself.",
							&sg_workers,
							2, 0, 256,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.fix_limit",
							"Rows that a call may delete or change without a copy, or put into quarantine where that is over 10 % of a table.",
							"-1 is no limit. The argument max_rows of a call takes its place.",
							&sg_fix_limit,
							1000, -1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.fill_batch",
							"Rows of one transaction that fills columns or mends rows, at most.",
							NULL,
							&sg_fill_batch,
							2000, 1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.fill_target",
							"How long a transaction that fills columns or mends rows locks rows.",
							"At most a third of schemaguard.lock_timeout counts.",
							&sg_fill_target,
							25, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.fix_pause",
							"Pause between two batches of orphans that are fixed, or of rows that are restored.",
							NULL,
							&sg_fix_pause,
							100, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.progress_interval",
							"How often a call that takes more than two seconds says by a NOTICE how far it is.",
							"0: never. The view schemaguard.progress says it at any time.",
							&sg_progress_interval,
							5000, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomEnumVariable("schemaguard.verbosity",
							 "What a CALL on a plan tells: problems, a line for each step as well, or all.",
							 "\"auto\" is \"problems\" for plans of more than 20 steps, else \"all\".",
							 &sg_verbosity,
							 SG_VERBOSITY_AUTO, verbosity_options,
							 PGC_USERSET, 0,
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
							 "\"auto\" asks the index of a large parent for few keys, and leaves sets that are far beyond audit_memory to queries; \"scan\" does neither.",
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

	DefineCustomIntVariable("schemaguard.live_search",
							"Longest search for rows with which a live test tries one key.",
							NULL,
							&sg_live_search,
							500, 1, INT_MAX / 1000,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomBoolVariable("schemaguard.audit_yield",
							 "Lets an audit give way to who waits for its tables for longer than schemaguard.lock_timeout.",
							 NULL,
							 &sg_audit_yield,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("schemaguard.notify_channel",
							   "Channel that is notified when a drift check or an audit gate finds other than the last one did; empty is none.",
							   NULL,
							   &sg_notify_channel,
							   "schemaguard",
							   PGC_USERSET, 0,
							   check_notify_channel, NULL, NULL);

	DefineCustomBoolVariable("schemaguard.accept_publication",
							 "Lets CREATE EXTENSION schemaguard and its updates go on where a publication replicates its tables.",
							 "So do plans that keep a dropped column, which a publication goes on sending under its new name, rollbacks to names that are sent, and sg_sync_apply() where publications then stop updates.",
							 &sg_accept_publication,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("schemaguard.drift_partitions",
							   "Kinds of partitions that are drift where one side lacks them: list, hash, range, default.",
							   "Partitions of other kinds come and go by themselves.",
							   &sg_drift_partitions,
							   "list, hash, default",
							   PGC_USERSET, 0,
							   check_drift_partitions, NULL, NULL);

	define_control();
	define_remote();
	define_migration();
	define_guard();
	MarkGUCPrefixReserved("schemaguard");
	sg_guc_early_judge();
}
