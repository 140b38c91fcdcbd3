/*-------------------------------------------------------------------------
 *
 * sync_script.c
 *	  The statements of a script, run in a scratch database by a worker.
 *
 *	  Not strict: each statement in a transaction of its own; a failed one is
 *	  reported and skipped.  Strict: as psql runs the script of sg_sync_sql(),
 *	  section by section with its guards, up to the first error.  At the end
 *	  the worker returns the database's contents as the lines of a snapshot.
 *	  On another server the session itself does so through a connection.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/json.h"
#include "snapshot/snapshot.h"
#include "sync/sync_scratch.h"
#include "worker/worker.h"

PGDLLEXPORT void sync_script_main(void *argument);

#define SECTION_CONCURRENTLY 3
#define SECTION_ONE_BY_ONE 5

typedef struct ScriptStep
{
	int			number;			/* from 0 on */
	int			section;
	char	   *object;			/* object with its kind */
	char	   *what;
	char	   *statement;		/* statement; NULL: only the step's guard */
	char	   *guard;			/* or NULL */
	char	   *before;
	char	   *after;
	bool		drop;
	char	   *check;			/* check of an index that is built
								 * concurrently */
	char	   *checked;
} ScriptStep;

/* Functions for the place where a script runs: here or on another server */
typedef struct ScriptPlace
{
	char	   *(*ask) (const char *sql);
	void		(*execute) (const char *sql);
	ErrorData  *(*execute_alone) (const char *sql); /* runs a statement
													 * outside of a
													 * transaction */
	ErrorData  *(*transaction) (void (*fn) (void *arg), void *arg);
	void		(*report) (const char *text);
} ScriptPlace;

static const ScriptPlace *place;
static int	current_step;		/* number of the step that runs */
static List *left_out;			/* commands (const char *) that it has left
								 * out */
static char *current_file;		/* its file of migrations, or NULL */
static int	file_timeout;		/* ms, of one statement of a file */
static TimestampTz statement_began;

typedef struct ScriptRun
{
	SyncScript *script;
	List	   *steps;			/* ScriptStep *: steps of one transaction */
	ScriptStep *step;			/* the current step */
	bool		needed;
} ScriptRun;

/* ---- settings ---- */

/* Sets the settings of a script, or of a file of migrations */
static void
pin_settings(bool files)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"check_function_bodies", "off"},
		{"default_tablespace", ""},
		{"default_table_access_method", "heap"},
		{"synchronous_commit", "off"},
		{"client_min_messages", "error"},
		{"row_security", "off"},
		{"standard_conforming_strings", "on"},
		{"backslash_quote", "safe_encoding"},
		{"transform_null_equals", "off"},
		{"array_nulls", "on"},
		{"xmloption", "content"},
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "1"},
		{"quote_all_identifiers", "off"},
	};

	static const char *const of_files[][2] = {
		{"search_path", "\"$user\", public"},
		{"lock_timeout", "0"},
		{"statement_timeout", "0"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SET, true, 0, false);
	for (int i = 0; files && i < lengthof(of_files); i++)
		(void) set_config_option(of_files[i][0], of_files[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SET, true, 0, false);
}

/* ---- the steps ---- */

static ScriptStep *
read_step(const SgJson *object)
{
	ScriptStep *step = palloc0(sizeof(ScriptStep));
	SgJson		section;

	sg_json_get(object, "section", &section);
	step->number = object->index;
	step->section = (int) sg_json_integer(&section, 1, PG_INT32_MAX);
	step->object = sg_json_get_text(object, "object");
	step->what = sg_json_get_text(object, "what");
	step->statement = sg_json_find_text(object, "statement");
	step->guard = sg_json_find_text(object, "guard");
	step->before = sg_json_find_text(object, "before");
	step->after = sg_json_find_text(object, "after");
	step->drop = strcmp(sg_json_get_text(object, "step"), "drop") == 0;
	step->check = sg_json_find_text(object, "check");
	step->checked = sg_json_find_text(object, "checked");
	return step;
}

static List *
read_steps(char *text)
{
	SgJson		array;
	List	   *steps = NIL;

	sg_json_begin(&array, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))), "list of statements", NULL);
	for (uint32 i = 0; i < sg_json_size(&array); i++)
	{
		SgJson		object;

		sg_json_element(&array, i, &object);
		steps = lappend(steps, read_step(&object));
	}
	return steps;
}

/* ---- one statement ---- */

static bool
is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Returns the value of an expression over the catalogs, as text */
static char *
ask(const char *expression)
{
	return place->ask(psprintf("SELECT (%s)::pg_catalog.text", expression));
}

pg_noreturn static void
report_state(const ScriptStep *step, const char *is)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s is neither as it was nor as it should be: %s", step->object, is ? is : "not there")));
}

/*
 * Returns whether a guarded statement is needed, as the code does that
 * schemaguard.sg_sync_guarded() writes around it
 */
static bool
is_needed(const ScriptStep *step)
{
	char	   *is;

	if (step->guard == NULL)
		return true;
	is = ask(step->guard);
	if (is_same(is, step->before))
		return true;
	if (!is_same(is, step->after) && !(step->drop && is == NULL))
		report_state(step, is);
	return false;
}

void
sync_script_left_out(const char *what)
{
	MemoryContext old;

	foreach_ptr(const char, other, left_out)
	{
		if (strcmp(other, what) == 0)
			return;
	}
	place->report(psprintf("?%d %s", current_step, what));
	old = MemoryContextSwitchTo(TopTransactionContext);
	left_out = lappend(left_out, unconstify(char *, what));
	MemoryContextSwitchTo(old);
}

/*
 * Runs a statement of a file; each file begins with the settings of a new
 * session.  The timeout of the last one also ends what COMMIT runs.
 */
static void
run_of_file(SyncScript *script, const ScriptStep *step)
{
	if (!is_same(step->what, current_file))
	{
		pin_settings(true);
		current_file = step->what;
	}
	sync_replay_enter();
	pg_atomic_fetch_add_u32(&script->begun, 1);
	statement_began = GetCurrentTimestamp();
	enable_timeout_after(STATEMENT_TIMEOUT, file_timeout);
	place->execute(step->statement);
}

/* Ends what a file's transaction has left in this process; returns whether its last statement took too long */
static bool
end_of_file(void)
{
	disable_timeout(STATEMENT_TIMEOUT, false);
	sync_replay_leave();
	return TimestampDifferenceExceeds(statement_began, GetCurrentTimestamp(), file_timeout);
}

static void
run_steps(void *arg)
{
	ScriptRun  *run = arg;

	foreach_ptr(ScriptStep, step, run->steps)
	{
		run->step = step;
		current_step = step->number;
		left_out = NIL;
		if (run->script->files)
			run_of_file(run->script, step);
		else if (is_needed(step) && step->statement)
			place->execute(step->statement);
		if (step != llast(run->steps))
			pg_atomic_fetch_add_u32(&run->script->done, 1);
	}
}

/*
 * Checks before a concurrent statement, as the code does that
 * schemaguard.sg_sync_concurrently() writes around it
 */
static void
look_before(void *arg)
{
	ScriptRun  *run = arg;

	run->needed = is_needed(run->step);
}

static void
look_after(void *arg)
{
	ScriptRun  *run = arg;
	char	   *is = ask(run->step->check);

	if (!is_same(is, run->step->checked))
		report_state(run->step, is);
}

static ErrorData *
run_concurrently(ScriptRun *run)
{
	ErrorData  *error;

	run->step = linitial(run->steps);
	error = place->transaction(look_before, run);
	if (error == NULL && run->needed)
		error = place->execute_alone(run->step->statement);
	if (error == NULL && run->needed)
		error = place->transaction(look_after, run);
	return error;
}

/* ---- all of them ---- */

/* Moves the list's first steps, those of one transaction, to the run; returns the rest */
static List *
take_section(ScriptRun *run, List *steps)
{
	int			section = ((ScriptStep *) linitial(steps))->section;
	int			n = 1;

	if (run->script->strict && section != SECTION_CONCURRENTLY && section != SECTION_ONE_BY_ONE)
	{
		while (n < list_length(steps) && ((ScriptStep *) list_nth(steps, n))->section == section)
			n++;
	}
	run->steps = NIL;
	for (int i = 0; i < n; i++)
		run->steps = lappend(run->steps, list_nth(steps, i));
	return list_copy_tail(steps, n);
}

/* Returns whether the error says that a function keeps an owner other than the one it should run as */
static bool
keeps_owner(const ScriptStep *step, const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && strcmp(step->what, "owner") == 0 &&
		(strncmp(step->object, "function ", strlen("function ")) == 0 ||
		 strncmp(step->object, "procedure ", strlen("procedure ")) == 0);
}

/* Returns false if a strict script has failed */
static bool
run_all(ScriptRun *run, List *steps)
{
	while (steps)
	{
		char	   *file = current_file;
		ErrorData  *error;
		bool		expired;

		steps = take_section(run, steps);
		error = ((ScriptStep *) linitial(run->steps))->check ?
			run_concurrently(run) : place->transaction(run_steps, run);
		expired = run->script->files && end_of_file();
		pg_atomic_fetch_add_u32(&run->script->done, 1);
		if (error == NULL)
			continue;
		current_file = file;	/* its settings have gone with the transaction */
		if (sg_is_cancel(error) && !expired)
			ReThrowError(error);
		place->report(psprintf("!%d %s%s", run->step->number,
							   run->script->files ? psprintf("%s ", unpack_sql_state(error->sqlerrcode)) : "", sg_error_message(error)));
		if (run->script->strict)
			return false;
		if (keeps_owner(run->step, error))
			sync_sandbox_forbid_bodies();
	}
	return true;
}

/* ---- here ---- */

static char *
ask_here(const char *sql)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *is;

	SPI_connect();
	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the state of an object could not be asked for");
	is = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (is)
		is = MemoryContextStrdup(context, is);
	SPI_finish();
	return is;
}

static void
execute_here(const char *sql)
{
	SPI_connect();
	(void) SPI_execute(sql, false, 0);
	SPI_finish();
}

static const ScriptPlace here = {ask_here, execute_here, worker_execute, worker_try, worker_send};

/* ---- resulting snapshot ---- */

static void
send_snapshot(void *arg)
{
	const char *sql = arg;

	SPI_connect();
	/* runs the settings, and the query */
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "the scratch database could not be looked at");
	for (uint64 i = 0; i < SPI_processed; i++)
		worker_send(psprintf(" %s", SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1)));
	SPI_finish();
}

/* Converts a text from the encoding of the leader's database */
static char *
text_here(const SyncScript *script, const char *text)
{
	return pg_any_to_server(text, strlen(text), script->encoding);
}

static void
pin_again(void *arg)
{
	pin_settings(false);
}

void
sync_script_main(void *argument)
{
	SyncScript *script = argument;
	ScriptRun	run = {.script = script};
	MemoryContext context = CurrentMemoryContext;
	List	   *steps;
	char	   *snapshot;
	bool		done;
	ErrorData  *error;

	StartTransactionCommand();
	MemoryContextSwitchTo(context);
	pin_settings(false);
	steps = read_steps(text_here(script, script->steps));
	snapshot = text_here(script, (char *) script + script->snapshot);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);

	place = &here;
	file_timeout = sg_remote_timeout;
	if (script->files)
		sync_replay_begin();
	sync_sandbox_begin();
	done = run_all(&run, steps);
	sync_sandbox_end_making();
	if (script->files)
	{
		sync_replay_end();
		if (!done)
			return;
		(void) worker_try(pin_again, NULL);
	}
	error = worker_try(send_snapshot, snapshot);
	if (error)
	{
		error->context = NULL;	/* dropped, because it is the whole query */
		ReThrowError(error);
	}
}

/* ---- there ---- */

static List *told;				/* of char * */
static MemoryContext told_context;

/*
 * Executes on the other server, where no hook checks: so refuses statements
 * that a hook would have to check
 */
static void
execute_there(const char *sql)
{
	sync_sandbox_check(sql);
	(void) snapshot_remote_run(sql);
}

static void
execute_there_alone(void *sql)
{
	execute_there(sql);
}

static ErrorData *
try_there_alone(const char *sql)
{
	return sg_try(execute_there_alone, unconstify(char *, sql));
}

static ErrorData *
transaction_there(void (*fn) (void *arg), void *arg)
{
	ErrorData  *error;

	(void) snapshot_remote_run("BEGIN");
	error = sg_try(fn, arg);
	if (error && sg_is_cancel(error))
		return error;
	(void) snapshot_remote_run(error ? "ROLLBACK" : "COMMIT");
	return error;
}

static void
report_there(const char *text)
{
	MemoryContext old = MemoryContextSwitchTo(told_context);

	told = lappend(told, pstrdup(text));
	MemoryContextSwitchTo(old);
}

List *
sync_script_run_there(SyncScript *script)
{
	static const ScriptPlace there = {snapshot_remote_ask, execute_there, try_there_alone, transaction_there, report_there};
	ScriptRun	run = {.script = script};

	place = &there;
	told = NIL;
	told_context = CurrentMemoryContext;
	(void) run_all(&run, read_steps(script->steps));
	foreach_ptr(const char, line, snapshot_remote_run((char *) script + script->snapshot))
		report_there(psprintf(" %s", line));
	return told;
}
