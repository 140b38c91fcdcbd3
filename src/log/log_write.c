/*-------------------------------------------------------------------------
 *
 * log_write.c
 *	  schemaguard.audit_log: writing it, guarding it, pruning it.
 *
 * Rows are written as the owner of the extension, with the name of the role
 * whose privileges the logged work used.  They are part of the caller's
 * transaction: who wants a row to outlive an error commits it first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "base/words.h"
#include "log/log.h"

SG_FUNCTION(sg_log_guard);
SG_FUNCTION(sg_prune);

/* Days for which only a superuser can delete rows of the log */
#define SG_LOG_KEPT_DAYS 7

/* set while sg_prune() deletes, which the guard allows and nothing else */
static bool pruning = false;

/* Word for the log in sg_prune's argument */
#define LOG_PRUNE_WORD "log"

/* Pruning functions of other rooms */
#define MAX_PRUNERS 16
static struct
{
	const char *word;			/* value of sg_prune's argument */
	const char *what;
	uint64		(*prune) (TimestampTz before);
	void		(*tell) (TimestampTz before);	/* reports what is left
												 * instead, unless asked for
												 * by the word; or NULL */
}			pruners[MAX_PRUNERS];
static int	npruners = 0;

static const SgWord phase_words[] = {
	{LOG_STARTED, "started"},
	{LOG_DONE, "done"},
	{LOG_FAILED, "failed"},
	{LOG_SKIPPED, "skipped"},
	{LOG_INTERRUPTED, "interrupted"},
	{0}
};

SG_WORDS_OF(phase_words, LOG_INTERRUPTED + 1);

const char *
log_phase_word(LogPhase phase)
{
	return sg_word(phase_words, phase);
}

LogEntry
log_entry(const pg_uuid_t *run, const char *plan, const char *action, LogPhase phase)
{
	LogEntry	entry = {0};

	entry.run = *run;
	entry.plan = plan;
	entry.action = action;
	entry.phase = phase;
	entry.rows_affected = LOG_NONE;
	entry.orphan_rows = LOG_NONE;
	entry.elapsed_ms = -1;

	return entry;
}

pg_uuid_t
log_new_run(void)
{
	/* gen_random_uuid ignores its fcinfo */
	return *DatumGetUUIDP(DirectFunctionCall1(gen_random_uuid, (Datum) 0));
}

bool
log_writable(void)
{
	return !RecoveryInProgress() && !XactReadOnly;
}

/* Sets a nullable text argument of the INSERT */
static void
set_text(Datum *value, char *null, const char *text)
{
	*null = text ? ' ' : 'n';
	*value = text ? CStringGetTextDatum(text) : (Datum) 0;
}

int64
log_write(const LogEntry *entry)
{
	static Oid	types[] = {UUIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID,
		TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, INT8OID, FLOAT8OID,
	TEXTOID, INT4OID, INT8OID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	char	   *role = GetUserNameFromId(GetUserId(), false);
	SgScope		scope;
	int64		id;
	bool		isnull;

	sg_owner_begin(&scope);
	SPI_connect();

	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(&entry->run);
	set_text(&values[1], &nulls[1], role);
	set_text(&values[2], &nulls[2], entry->plan);
	values[3] = Int32GetDatum(entry->step);
	nulls[3] = entry->step ? ' ' : 'n';
	set_text(&values[4], &nulls[4], entry->action);
	set_text(&values[5], &nulls[5], log_phase_word(entry->phase));
	set_text(&values[6], &nulls[6], entry->object);
	set_text(&values[7], &nulls[7], entry->statement);
	set_text(&values[8], &nulls[8], entry->sqlstate);
	set_text(&values[9], &nulls[9], entry->message);
	values[10] = Int64GetDatum(entry->rows_affected);
	nulls[10] = entry->rows_affected == LOG_NONE ? 'n' : ' ';
	values[11] = Int64GetDatum(entry->orphan_rows);
	nulls[11] = entry->orphan_rows == LOG_NONE ? 'n' : ' ';
	values[12] = Float8GetDatum(sg_rounded(entry->elapsed_ms, 1));
	nulls[12] = entry->elapsed_ms < 0 ? 'n' : ' ';
	set_text(&values[13], &nulls[13], entry->blockers);
	values[14] = Int32GetDatum(entry->attempt);
	nulls[14] = entry->attempt ? ' ' : 'n';
	values[15] = Int64GetDatum(entry->started_id);
	nulls[15] = entry->started_id ? ' ' : 'n';

	if (sg_owner_execute(SPI_OK_INSERT_RETURNING,
						 "INSERT INTO schemaguard.audit_log"
						 " (run_id, role, plan, step, action, phase, object, statement, sqlstate,"
						 "  message, rows_affected, orphan_rows, elapsed_ms, blockers, attempt, started_id)"
						 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15, $16)"
						 " RETURNING id", lengthof(types), types, values, nulls) != 1)
		elog(ERROR, "no row was written into the log");
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));

	SPI_finish();
	sg_scope_end(&scope);

	return id;
}

void
log_write_all(List *entries)
{
	const LogEntry *first = linitial(entries);
	Oid			types[] = {UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	TEXTARRAYOID, TEXTARRAYOID, INT8ARRAYOID, FLOAT8ARRAYOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	ArrayBuildState *columns[4] = {0};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard log",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SgScope		scope;

	foreach_ptr(LogEntry, entry, entries)
	{
		columns[0] = accumArrayResult(columns[0], CStringGetTextDatum(entry->object), false,
									  TEXTOID, context);
		columns[1] = accumArrayResult(columns[1], CStringGetTextDatum(entry->message), false,
									  TEXTOID, context);
		columns[2] = accumArrayResult(columns[2], Int64GetDatum(entry->orphan_rows),
									  entry->orphan_rows == LOG_NONE, INT8OID, context);
		columns[3] = accumArrayResult(columns[3], Float8GetDatum(sg_rounded(entry->elapsed_ms, 1)),
									  entry->elapsed_ms < 0, FLOAT8OID, context);
	}

	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(&first->run);
	values[1] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	set_text(&values[2], &nulls[2], first->plan);
	values[3] = CStringGetTextDatum(first->action);
	values[4] = CStringGetTextDatum(log_phase_word(first->phase));
	for (int i = 0; i < lengthof(columns); i++)
		values[5 + i] = makeArrayResult(columns[i], context);

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.audit_log"
					 " (run_id, role, plan, action, phase, object, message, orphan_rows, elapsed_ms)"
					 " SELECT $1, $2, $3, $4, $5, t.* FROM ROWS FROM"
					 " (pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9)) t",
					 lengthof(types), types, values, nulls);
	SPI_finish();
	sg_scope_end(&scope);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Columns of an outcome that are copied from its started row s */
#define OUTCOME \
	"INSERT INTO schemaguard.audit_log" \
	" (run_id, role, plan, step, action, object, statement, attempt, started_id, phase, message)" \
	" SELECT s.run_id, s.role, s.plan, s.step, s.action, s.object, s.statement, s.attempt, s.id"

/*
 * Condition on starts without an outcome.  Outcomes are looked up one by one
 * in the index, so that the log's size does not matter.
 */
#define NO_OUTCOME \
	" (SELECT o.id FROM schemaguard.audit_log o WHERE o.started_id = s.id) IS NULL"

/*
 * Each call of a plan closes the rows of the call before it, so that rows
 * without an outcome always belong to the plan's last run.
 */
int
log_close_interrupted(const char *plan)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(plan)};
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_INSERT,
						 OUTCOME ", 'interrupted', 'the session ended before the outcome was known'"
						 " FROM schemaguard.audit_log s"
						 " WHERE s.plan = $1 AND s.phase = 'started'"
						 "   AND s.run_id = (SELECT l.run_id FROM schemaguard.audit_log l"
						 "                   WHERE l.plan = $1 AND l.phase = 'started' ORDER BY l.id DESC LIMIT 1)"
						 "   AND" NO_OUTCOME " ORDER BY s.id",
						 1, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);

	return (int) n;
}

void
log_end(int64 started_id, LogPhase phase, const char *message)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID};
	Datum		values[] = {Int64GetDatum(started_id), CStringGetTextDatum(log_phase_word(phase)), CStringGetTextDatum(message)};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 OUTCOME ", $2, $3 FROM schemaguard.audit_log s"
					 " WHERE s.id = $1 AND s.phase = 'started' AND" NO_OUTCOME, 3, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

bool
log_is_open(int64 started_id)
{
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(started_id)};
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT,
						 "SELECT FROM schemaguard.audit_log s WHERE s.id = $1 AND" NO_OUTCOME,
						 1, types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);

	return n > 0;
}

/*
 * sg_log_guard() trigger: refuse every change of a log but sg_prune's.
 */
static Datum
sg_log_guard_entered(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_log_guard is a trigger function")));

	if (!pruning || !TRIGGER_FIRED_BY_DELETE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schemaguard.%s is append-only", RelationGetRelationName(data->tg_relation)),
				 errhint(sg_calls("Delete what is older than a time:\nCALL sg_prune(now() - interval '1 year');"))));

	return PointerGetDatum(data->tg_trigtuple);
}

uint64
log_prune(const char *sql, int nargs, Oid *types, Datum *values)
{
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	SPI_connect();
	PG_TRY();
	{
		pruning = true;
		n = sg_owner_execute(SPI_OK_DELETE, sql, nargs, types, values, NULL);
	}
	PG_FINALLY();
	{
		pruning = false;
	}
	PG_END_TRY();
	SPI_finish();
	sg_scope_end(&scope);

	return n;
}

uint64
log_prune_before(const char *sql, TimestampTz before)
{
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(before)};

	return log_prune(sql, 1, types, values);
}

/*
 * Deletes older rows.  A started row stays until its outcome is old enough,
 * too; rows that record a deletion stay for good.
 */
static uint64
prune_rows(TimestampTz before)
{
	return log_prune_before("DELETE FROM schemaguard.audit_log l WHERE l.at < $1 AND l.action <> 'prune'"
							" AND (l.phase <> 'started' OR EXISTS"
							"      (SELECT FROM schemaguard.audit_log o"
							"       WHERE o.started_id = l.id AND o.at < $1))", before);
}

void
log_register_prune(const char *word, const char *what, uint64 (*prune) (TimestampTz before))
{
	if (npruners == MAX_PRUNERS)
		elog(ERROR, "too many tables to prune");
	pruners[npruners].word = word;
	pruners[npruners].what = what;
	pruners[npruners++].prune = prune;
}

void
log_register_prune_named(const char *word, const char *what, uint64 (*prune) (TimestampTz before), void (*tell) (TimestampTz before))
{
	log_register_prune(word, what, prune);
	pruners[npruners - 1].tell = tell;
}

/* Returns whether sg_prune() was asked for this word; NULL asks for everything */
static bool
is_asked_for(const char *asked, const char *word)
{
	return asked == NULL || strcmp(asked, word) == 0;
}

/* Raises 22023 for an unknown word */
static void
check_prune_word(const char *asked)
{
	StringInfoData words;
	SgNearest	nearest = {.wanted = asked};
	bool		known = is_asked_for(asked, LOG_PRUNE_WORD);

	initStringInfo(&words);
	appendStringInfoString(&words, "\"" LOG_PRUNE_WORD "\"");
	for (int i = 0; i < npruners; i++)
	{
		known |= is_asked_for(asked, pruners[i].word);
		if (asked)
			sg_nearest_try(&nearest, pruners[i].word);
		appendStringInfo(&words, ", \"%s\"", pruners[i].word);
	}
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for what: \"%s\"", asked),
				 errhint("%sGive null for everything but the attic, or one of %s.",
						 nearest.found ? psprintf("Perhaps you meant \"%s\". ", nearest.found) : "", words.data)));
}

/* Calls the pruning functions of the other rooms; returns what they deleted, as "; what: rows", ... */
static char *
prune_others(TimestampTz before, const char *asked)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < npruners; i++)
	{
		uint64		n = 0;

		if (asked == NULL && pruners[i].tell)
			pruners[i].tell(before);
		else if (is_asked_for(asked, pruners[i].word))
			n = pruners[i].prune(before);
		if (n > 0)
			appendStringInfo(&text, "; %s: " UINT64_FORMAT, pruners[i].what, n);
	}
	return text.data;
}

/* Raises 42501 if the caller may not delete rows from before that time */
static void
check_may_prune(TimestampTz before)
{
	if (superuser())
		return;
	if (!has_privs_of_role(GetUserId(), ROLE_PG_DATABASE_OWNER))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to prune schemaguard.audit_log"),
				 errhint("The owner of the database (role pg_database_owner) may do it.")));
	if (before > GetCurrentTimestamp() - SG_LOG_KEPT_DAYS * USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to prune the last %d days", SG_LOG_KEPT_DAYS),
				 errdetail("Nobody but a superuser deletes what is that young: it says what was done just now."),
				 errhint(sg_calls("Call it with an earlier time:\nCALL sg_prune(now() - interval '%d days');"), SG_LOG_KEPT_DAYS)));
}

/*
 * sg_prune(before timestamptz, what text DEFAULT NULL)
 *
 * Deletes rows from before a time: of the log, and what the other rooms have
 * registered (proofs, checks for drift, captured DDL, deeds, findings); with
 * `what`, only that kind (22023 for an unknown one).  Objects that plans have
 * dropped and kept go only if `what` is "attic"; otherwise a NOTICE names them.
 * For members of pg_database_owner, that is the owner of the database, and
 * superusers; only superusers delete what is younger than SG_LOG_KEPT_DAYS
 * (42501).  Records itself in a row that no later call deletes.  Locks these
 * tables in ROW EXCLUSIVE.
 */
static Datum
sg_prune_entered(PG_FUNCTION_ARGS)
{
	TimestampTz before;
	char	   *what;
	pg_uuid_t	run;
	LogEntry	entry;
	TimestampTz start = GetCurrentTimestamp();
	char	   *others;

	sg_check_version();
	sg_arg_check(fcinfo, 0);
	before = PG_GETARG_TIMESTAMPTZ(0);
	what = sg_arg_optional_text(fcinfo, 1);

	sg_check_writable("sg_prune()");
	check_prune_word(what);
	check_may_prune(before);

	run = log_new_run();
	entry = log_entry(&run, NULL, "prune", LOG_DONE);
	entry.object = "schemaguard.audit_log";
	entry.rows_affected = is_asked_for(what, LOG_PRUNE_WORD) ? (int64) prune_rows(before) : 0;
	others = prune_others(before, what);
	entry.message = psprintf("rows before %s%s", timestamptz_to_str(before), others);
	entry.elapsed_ms = (GetCurrentTimestamp() - start) / 1000.0;
	log_write(&entry);
	ereport(NOTICE,
			(errmsg("removed rows of audit_log: " INT64_FORMAT "%s", entry.rows_affected, others)));

	PG_RETURN_VOID();
}
