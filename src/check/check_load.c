/*-------------------------------------------------------------------------
 *
 * check_load.c
 *	  Load: whether the run would begin now, pause, or not begin at all, by
 *	  the window, the limits of load and the user's function in this session's
 *	  settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/calls.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/disk.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/quote.h"
#include "check/check.h"
#include "plan/plan_option.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

/* ---- the window ---- */

static void
read_window(void *end)
{
	*(TimestampTz *) end = plan_window_end(sg_window_end);
}

static void
check_window(PlanCheck *check)
{
	static const char *const hint = "Give a time that is to come, or none:\nSET schemaguard.window_end = '';";
	TimestampTz end = 0;
	ErrorData  *edata = check_try(read_window, &end);
	double		left = ((double) end - GetCurrentTimestamp()) / 1000000.0;

	if (edata)
		check_row(&check->server, "window", CHECK_BLOCK,
				  psprintf("%s: %s", edata->message, edata->detail),
				  psprintf("%s Or none:\nSET schemaguard.window_end = '';", edata->hint));
	else if (end == 0 || TIMESTAMP_IS_NOEND(end))
		check_row(&check->server, "window", CHECK_OK, pstrdup("schemaguard.window_end sets none"), NULL);
	else if (left <= 0)
		check_row(&check->server, "window", CHECK_BLOCK,
				  psprintf("the window is over: schemaguard.window_end is %s", timestamptz_to_str(end)),
				  pstrdup(hint));
	else if (left < check->seconds)
		check_row(&check->server, "window", CHECK_WARN,
				  psprintf("the window ends in %s (%s), and the plan takes about %s: a later call has to do the rest",
						   check_duration(left), timestamptz_to_str(end), check_duration(check->seconds)),
				  pstrdup(hint));
	else
		check_row(&check->server, "window", CHECK_OK,
				  psprintf("the window ends in %s (%s)", check_duration(left), timestamptz_to_str(end)), NULL);
}

/* ---- load ---- */

/* A floor below each that schemaguard.min_free_disk has by default */
#define LESS_THAN_DEFAULT_MB 32

static char *
pause_text(const char *load)
{
	return psprintf("the run would pause now, and end after %s of that (schemaguard.throttle_budget): %s",
					check_duration(sg_throttle_budget / 1000.0), load);
}

/* Checks a limit of the throttle; returns whether there is a row about it */
static bool
check_limit(PlanCheck *check, char *load, const char *setting)
{
	if (load == NULL)
		return false;
	check_row(&check->server, "load", CHECK_WARN, pause_text(load),
			  psprintf("Wait until it is less, or lift the limit:\nSET schemaguard.%s = -1;", setting));
	return true;
}

/* Calls schemaguard.throttle_function, in a subtransaction that is undone, and reports its answer */
static bool
check_function(PlanCheck *check)
{
	static const char *const hint = "Mend it, or do without, as a role that may set it:\nSET schemaguard.throttle_function = '';";
	ThrottleAnswer answer = {CurrentMemoryContext, NULL};
	ErrorData  *edata;
	bool		struck;

	if (sg_throttle_function[0] == '\0')
		return false;
	edata = run_try_undo(sg_statement_timeout, run_throttle_ask, &answer);
	struck = edata && run_timeout_struck();
	if (edata && !struck)
		sg_rethrow_cancel(edata);

	if (edata && XactReadOnly && edata->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION)
		check_row(&check->server, "load", CHECK_WARN,
				  psprintf("schemaguard.throttle_function could not be asked in this transaction: %s", sg_error_message(edata)),
				  psprintf(sg_calls("Check in one that may write:\nSELECT * FROM sg_plan_check(%s);"),
						   quote_literal_cstr(check->plan->name)));
	else if (edata)
		check_row(&check->server, "load", CHECK_BLOCK,
				  psprintf("schemaguard.throttle_function can't be asked: %s",
						   struck ? RUN_TIMEOUT_TEXT : sg_error_message(edata)),
				  edata->hint && !struck ? psprintf("%s\n%s", edata->hint, hint) : pstrdup(hint));
	else if (answer.reason)
		check_row(&check->server, "load", CHECK_WARN, pause_text(answer.reason),
				  "Wait until it says something else, or do without, as a role that may set it:\nSET schemaguard.throttle_function = '';");
	return edata || answer.reason;
}

/* Returns whether the plan has a setting of its own, which SET would not change */
static bool
has_option(const PlanCheck *check, const char *name)
{
	foreach_ptr(const SgOption, option, plan_options(check->plan))
	{
		if (strcmp(option->name, name) == 0)
			return true;
	}
	return false;
}

/* Checks free space on the server: the floor, and whether it can be read */
static bool
check_room(PlanCheck *check)
{
	char	   *low = sg_disk_low();
	int			less = sg_min_free_disk > 1 ? sg_min_free_disk / 2 : LESS_THAN_DEFAULT_MB;

	if (low)
		check_row(&check->server, "load", CHECK_WARN, pause_text(low),
				  psprintf("Make room, for the server ends where a disk is full. To go on with less:\n%s",
						   has_option(check, "schemaguard.min_free_disk") ?
						   psprintf(sg_calls("SELECT sg_plan_option(%s, 'min_free_disk', '%dMB');"), quote_literal_cstr(check->plan->name), less) :
						   psprintf("SET schemaguard.min_free_disk = '%dMB';", less)));
	else if (sg_min_free_disk != 0 && !sg_disk_is_known())
		check_row(&check->server, "load", CHECK_WARN,
				  "the file system of the data directory does not say how much is free: schemaguard.min_free_disk does nothing",
				  "Look at it yourself while the plan runs.");
	return low != NULL;
}

/*
 * Checks followers: a run that begins now does not wait for one that lags now,
 * unless an earlier run has waited
 */
static bool
check_lag(PlanCheck *check)
{
	List	   *late = NIL;
	const Follower *lagging;

	if (sg_throttle_lag < 0)
		return false;
	lagging = run_throttle_lagging(run_throttle_followers(check->plan, &late));
	if (lagging)
		check_row(&check->server, "load", CHECK_WARN, pause_text(run_throttle_lag_text(lagging)), run_throttle_ignore_hint(lagging));
	foreach_ptr(const Follower, follower, late)
	{
		check_row(&check->server, "load", CHECK_WARN,
				  psprintf("the run would not wait for whom it finds behind: %s", run_throttle_lag_text(follower)),
				  run_throttle_ignore_hint(follower));
	}
	return lagging || late != NIL;
}

static bool
check_backup(PlanCheck *check)
{
	char	   *backup = run_throttle_backup();

	if (backup)
		check_row(&check->server, "load", CHECK_WARN, pause_text(backup),
				  "Wait until it has ended, or do without:\nSET schemaguard.throttle_backup = off;");
	return backup != NULL;
}

static bool
check_paused(PlanCheck *check)
{
	char	   *pause = plan_pause_text(check->plan);

	if (pause)
		check_row(&check->server, "load", CHECK_BLOCK, psprintf("the plan is paused: %s", pause),
				  psprintf(sg_calls("Have it go on:\nSELECT sg_plan_resume(%s);"), quote_literal_cstr(check->plan->name)));
	return pause != NULL;
}

static char *
limits_text(void)
{
	if (sg_throttle_lag < 0 && sg_throttle_waiting < 0 && sg_throttle_function[0] == '\0')
		return pstrdup("schemaguard.throttle_lag, throttle_waiting and throttle_function are not set: no load makes the run pause");
	return NULL;
}

static void
check_limits(PlanCheck *check)
{
	bool		found = check_paused(check);

	found |= check_room(check);
	found |= check_lag(check);
	found |= check_backup(check);
	found |= check_limit(check, run_throttle_waiting(), "throttle_waiting");
	found |= check_function(check);
	if (!found)
		check_row(&check->server, "load", CHECK_OK, limits_text(), NULL);
}

void
check_load(PlanCheck *check)
{
	/* no run is possible on a standby */
	if (RecoveryInProgress())
		return;
	check_window(check);
	check_limits(check);
}
