/*-------------------------------------------------------------------------
 *
 * snapshot_live.c
 *	  The snapshot statement, run here.
 *
 * It runs with the caller's privileges and the settings that its prologue
 * pins.  Functions such as pg_get_viewdef() lock what they print and look at
 * the newest catalogs, while the statement has its own snapshot: they may
 * wait for another session's DDL until lock_timeout, or find an object gone.
 * So a failed attempt is tried again, without the text of what is locked when
 * it begins.  If that fails as well, each object is printed alone beforehand,
 * and those that can't be are left out; the last attempt does without any such
 * text.  What was left out is marked as unknown by the statement.
 *
 * Each attempt is a subtransaction that is rolled back, so that the locks are
 * free again.  Not so on a standby, where a recovery conflict inside of one
 * would end the session: there is a single attempt, a careful one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "base/body.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/spi.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_internal.h"

#define ATTEMPTS 5

/*
 * Returns the texts to run, in the current memory context.  For SNAPSHOT_PROBE
 * the probe comes behind the settings and before the statement.  Connects SPI.
 */
void
snapshot_texts(SnapshotTexts *texts)
{
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	if (sg_owner_execute(SPI_OK_SELECT,
						 "SELECT prologue, statement, environment, system, schemaguard.sg_snapshot_probe() AS probe"
						 " FROM schemaguard.sg_snapshot_statement()",
						 0, NULL, NULL, NULL) != 1)
		elog(ERROR, "the snapshot statement is missing");
	texts->prologue = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "prologue");
	texts->statement = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "statement");
	texts->environment = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "environment");
	texts->system = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "system");
	texts->probe = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "probe");
	SPI_finish();
	sg_scope_end(&scope);
}

/* Returns the settings of the statement, to follow the prologue */
char *
snapshot_settings(const SnapshotInfo *info, SnapshotCare care)
{
	StringInfoData sql;
	char	   *names = info->schemas == NIL ? "" :
		OidOutputFunctionCall(F_ARRAY_OUT, sg_text_array(info->schemas));

	initStringInfo(&sql);
	appendStringInfo(&sql, "SET LOCAL sg_snapshot.schemas = %s; SET LOCAL sg_snapshot.skip_locked = '%s';"
					 "SET LOCAL sg_snapshot.unprintable = ''; SET LOCAL sg_snapshot.sequences = '%s';"
					 "SET LOCAL sg_snapshot.system = ''",
					 quote_literal_cstr(names),
					 care == SNAPSHOT_WAIT ? "off" : care == SNAPSHOT_SKIP_TEXT ? "all" : "on",
					 info->sequence_values ? "on" : "off");

	return sql.data;
}

/*
 * Returns whether an error may be due to another session's DDL, and thus
 * temporary, or to a single object that can't be printed
 */
static bool
may_pass(const ErrorData *edata)
{
	switch (ERRCODE_TO_CATEGORY(edata->sqlerrcode))
	{
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
			return edata->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE;
		case ERRCODE_INTERNAL_ERROR:	/* for example from relation_open() */
		case ERRCODE_SYSTEM_ERROR:	/* missing library */
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return true;
		default:
			return edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
				edata->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||	/* cache lookup failed */
				edata->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
	}
}

typedef struct Attempt
{
	SnapshotReader *reader;
	SnapshotCare care;
	void		(*run) (SnapshotReader *reader, SnapshotCare care);
} Attempt;

static void
run_attempt(void *arg)
{
	Attempt    *attempt = arg;

	attempt->run(attempt->reader, attempt->care);
}

/* Runs one attempt; without CONTEXT in errors, which would be a statement of 3,000 lines */
static void
attempt_once(void *arg)
{
	sg_call_alone(run_attempt, arg);
}

/*
 * Fills the reader by attempt(), more carefully each time, until it succeeds.
 * Raises the last error with its own SQLSTATE, except 40001 for a race.
 */
void
snapshot_attempts(SnapshotReader *reader,
				  void (*attempt) (SnapshotReader *reader, SnapshotCare care))
{
	Attempt		this = {reader, SNAPSHOT_WAIT, attempt};

	sg_progress_begin(SG_PROGRESS_SNAPSHOT, 0, 0);
	sg_progress_phase(SG_PHASE_SCANNING);
	if (RecoveryInProgress())
	{
		this.care = SNAPSHOT_SKIP_LOCKED;
		attempt_once(&this);
		sg_progress_end();
		return;
	}

	for (int i = 1;; i++)
	{
		ErrorData  *edata = sg_try_undo(attempt_once, &this);

		if (edata == NULL)
		{
			sg_progress_end();
			return;
		}
		if (i == ATTEMPTS || !may_pass(edata))
			ReThrowError(edata);

		FreeErrorData(edata);
		snapshot_reader_clear(reader);
		sg_progress_done(0, 0);
		this.care = i == ATTEMPTS - 1 ? SNAPSHOT_SKIP_TEXT : i > 1 ? SNAPSHOT_PROBE : SNAPSHOT_SKIP_LOCKED;
	}
}

static void
set_locally(const char *sql)
{
	int			rc = SPI_execute(sql, false, 0);

	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
}

/*
 * Plans a statement in a short-lived context, so that what planning leaves
 * behind is freed before execution.  With 26,000 objects a session's peak is
 * 156 MB, instead of 187 MB.
 */
static void
plan_beforehand(SPIPlanPtr plan)
{
	MemoryContext planning = AllocSetContextCreate(CurrentMemoryContext, "schemaguard planning", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(planning);
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);

	if (cached)
		ReleaseCachedPlan(cached, CurrentResourceOwner);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(planning);
}

/* Returns the setting with facts for sql/snapshot/92_system.sql that not every role may read */
static char *
system_setting(void)
{
	TimeLineID	timeline;
	XLogRecPtr	lsn;

	if (RecoveryInProgress())
		lsn = GetXLogReplayRecPtr(&timeline);
	else
	{
		lsn = GetXLogWriteRecPtr();
		timeline = GetWALInsertionTimeLine();
	}
	return psprintf("SET LOCAL sg_snapshot.system = '" UINT64_FORMAT " %u %X/%X'",
					GetSystemIdentifier(), timeline, LSN_FORMAT_ARGS(lsn));
}

static void
read_environment(SnapshotReader *reader, const char *sql)
{
	MemoryContext old;
	bool		isnull;
	Datum		value;

	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the environment of a snapshot");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	old = MemoryContextSwitchTo(reader->context);
	reader->info.environment = DatumGetJsonbPCopy(value);
	MemoryContextSwitchTo(old);
}

static void
read_here(SnapshotReader *reader, SnapshotCare care)
{
	SnapshotTexts texts;
	SPIPlanPtr	plan;
	SgScope		scope;

	snapshot_texts(&texts);

	sg_caller_begin(&scope);
	SPI_connect();
	set_locally(texts.prologue);
	set_locally(snapshot_settings(&reader->info, care));
	set_locally(system_setting());
	if (care == SNAPSHOT_PROBE)
		set_locally(texts.probe);

	/*
	 * the latest snapshot, because the printing functions see the latest
	 * catalogs
	 */
	PushActiveSnapshot(GetLatestSnapshot());
	plan = sg_kept_plan(texts.statement, 0, NULL);
	plan_beforehand(plan);
	(void) snapshot_reader_fill(reader, plan, true, false);
	read_environment(reader, texts.environment);
	PopActiveSnapshot();

	SPI_finish();
	sg_scope_end(&scope);
}

/* So much free memory may stay with the session */
#define FREE_MEMORY_KEPT ((size_t) 32 << 20)

/*
 * Returns free memory to the system. glibc would keep for the session what the
 * statement has hashed and sorted, in pieces that are too small for the next
 * snapshot.  After one snapshot of 26,000 objects a session holds 41 MB instead
 * of 93 MB, after three instead of 102 MB.  Not of a small database: to get the
 * memory anew is half of the work there.
 */
static void
return_memory(void)
{
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 33)
	if (mallinfo2().fordblks <= FREE_MEMORY_KEPT)
		return;
#endif
	(void) malloc_trim(0);
#endif
}

/* Fills the reader with the objects of this database as they are now, restricted to info->schemas */
void
snapshot_read_live(SnapshotReader *reader)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);

	reader->info.taken_at = GetCurrentTimestamp();
	reader->info.role = GetUserNameFromId(GetUserId(), false);
	reader->info.database = get_database_name(MyDatabaseId);
	reader->info.server_version_num = atoi(GetConfigOption("server_version_num", false, false));
	MemoryContextSwitchTo(old);

	snapshot_attempts(reader, read_here);
	return_memory();
	snapshot_reader_finish(reader);
}
