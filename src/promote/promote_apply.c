/*-------------------------------------------------------------------------
 *
 * promote_apply.c
 *	  Bundles are checked, applied and taken back; the source is told.
 *
 *	  CALL sg_promote_apply() is sg_sync_apply() with the bundle's document,
 *	  under the same lock, by a plan of the caller.  The state of the bundle
 *	  is committed before the first step and after the last one: a call that
 *	  was cut off is continued by the next one of the same role, and takes no
 *	  step that the bundle does not have.  All that a document could plant is
 *	  guarded; whoever applies another role's bundle confirms its hash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guard.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_store.h"
#include "promote/promote.h"
#include "run/run.h"
#include "run/run_unit.h"
#include "snapshot/snapshot.h"
#include "sync/sync_apply.h"
#include "undo/undo.h"

SG_FUNCTION(sg_promotion_check);
SG_FUNCTION(sg_promote_apply);
SG_FUNCTION(sg_promote_rollback);
SG_FUNCTION(sg_promotion_note);

/* A bundle, as it is stored */
typedef struct Bundle
{
	char	   *name;
	char	   *source;
	char	   *target;
	char	   *state;
	char	   *author;
	char	   *hash;
	char	   *approved_by;	/* NULL: nobody */
	char	   *applied_by;		/* NULL: nobody */
	char	   *reference;		/* snapshot of the role that applies it, or
								 * NULL */
	char	   *plan;			/* NULL: not applied */
	char	   *gate;			/* NULL: not applied */
	bool		told;			/* the source knows the outcome */
	char	   *server;			/* of the source; NULL: none */
	List	   *schemas;		/* char *; NIL: all */
	bool		allow_drop;
	char	   *renames;
	char	   *rows;			/* what look-up rows may become (JSON) */
} Bundle;

/* ---- the row ---- */

static void *
read_bundle(HeapTuple tuple, TupleDesc desc)
{
	Bundle	   *bundle = palloc0(sizeof(Bundle));

	bundle->name = sg_spi_text(tuple, desc, "bundle");
	bundle->source = sg_spi_text(tuple, desc, "source");
	bundle->target = sg_spi_text(tuple, desc, "target");
	bundle->state = sg_spi_text(tuple, desc, "state");
	bundle->author = sg_spi_text(tuple, desc, "author");
	bundle->hash = sg_spi_text(tuple, desc, "hash");
	bundle->approved_by = sg_spi_text(tuple, desc, "approver");
	bundle->applied_by = sg_spi_text(tuple, desc, "applied_by");
	bundle->reference = sg_spi_text(tuple, desc, "reference");
	bundle->plan = sg_spi_text(tuple, desc, "plan");
	bundle->gate = sg_spi_text(tuple, desc, "gate");
	bundle->told = sg_spi_bool(tuple, desc, "told");
	bundle->server = sg_spi_text(tuple, desc, "server");
	bundle->schemas = sg_spi_text_array(tuple, desc, "schemas");
	bundle->allow_drop = sg_spi_bool(tuple, desc, "allow_drop");
	bundle->renames = sg_spi_text(tuple, desc, "renames");
	bundle->rows = sg_spi_text(tuple, desc, "rows");
	return bundle;
}

/* Returns the bundle, if the caller may read it; else raises 42704 */
static Bundle *
get_bundle(const char *name)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(name);
	MemoryContext context = CurrentMemoryContext;
	Bundle	   *bundle = NULL;
	SgScope		scope;

	if (sg_caller_execute(&scope, "SELECT p.bundle, p.source, p.target, p.state, p.author, p.hash, p.applied_by, p.reference, p.plan, p.gate, e.server,"
						  " CASE WHEN p.approved_hash = p.hash THEN p.approved_by END AS approver, p.told_at IS NOT NULL AS told,"
						  " (SELECT array_agg(s) FROM jsonb_array_elements_text(nullif(p.options -> 'schemas', 'null')) s) AS schemas,"
						  " (p.options ->> 'allow_drop')::bool AS allow_drop, p.options ->> 'renames' AS renames,"
						  " coalesce(p.content ->> 'rows', '{}') AS rows"
						  " FROM schemaguard.promotion p LEFT JOIN schemaguard.environment e ON e.name = p.source WHERE p.bundle = $1",
						  1, &type, &value, NULL) == 1)
	{
		HeapTuple	tuple = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(context);

		bundle = read_bundle(tuple, desc);
		MemoryContextSwitchTo(old);
	}
	sg_caller_finish(&scope);
	if (bundle == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no bundle \"%s\", or it is not for you to read", name),
				 errhint(sg_calls("What waits:\nSELECT * FROM sg_promotion_status();"))));
	return bundle;
}

/* Runs a query on functions of ours as the caller, with two texts; returns so many texts of its row, NULL for null */
static char **
ask(const char *sql, const char *first, const char *second, int columns)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(first), second ? CStringGetTextDatum(second) : 0};
	MemoryContext context = CurrentMemoryContext;
	char	  **texts = palloc0(sizeof(char *) * columns);
	SgScope		scope;

	if (sg_caller_execute(&scope, sql, second ? 2 : 1, types, values, NULL) != 1)
		elog(ERROR, "could not run: %s", sql);
	for (int i = 0; i < columns; i++)
	{
		char	   *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);

		texts[i] = text ? MemoryContextStrdup(context, text) : NULL;
	}
	sg_caller_finish(&scope);
	return texts;
}

/* Changes columns of the bundle's row: $1 is the bundle, $2 to $4 are the texts */
static void
change(const Bundle *bundle, const char *set, const char *second, const char *third, const char *fourth)
{
	StoreArgs	args = {0};

	store_arg_text(&args, bundle->name);
	store_arg_text(&args, second);
	store_arg_text(&args, third);
	store_arg_text(&args, fourth);
	(void) store_change(SPI_OK_UPDATE, psprintf("UPDATE schemaguard.promotion SET %s WHERE bundle = $1", set), &args);
}

static void
commit(void)
{
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	run_commit();
	SPI_finish();
}

/* ---- sg_promotion_check ---- */

/*
 * sg_promotion_check(bundle text)
 *
 * Runs the bundle in a scratch database (sg_sync_check), and looks for rows of this database that are in its way; returns
 * what was found, and keeps the worst result.  Needs the right to read the bundle, sg_grant(), and what sg_sync_check()
 * needs: without, the result is unknown.  Errors: 42704 no such bundle; 25006; 42501; those of sg_sync_sql().
 */
static Datum
sg_promotion_check_entered(PG_FUNCTION_ARGS)
{
	static const char *const words[] = {"pass", "unknown", "fail"};
	Bundle	   *bundle;
	Oid			type = TEXTOID;
	Datum		value;
	int			worst = 0;
	uint64		n;
	SgRowSink	sink;
	SgScope		scope;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_promotion_check()");
	bundle = get_bundle(sg_arg_text(fcinfo, 0));
	value = CStringGetTextDatum(bundle->name);
	sg_sink_begin(&sink, fcinfo);
	n = sg_caller_execute(&scope, "SELECT f.result, f.part, f.object, f.reason FROM schemaguard.sg_promotion_findings($1) f",
						  1, &type, &value, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		char	   *result = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		for (int word = 0; word < lengthof(words); word++)
			worst = result && strcmp(result, words[word]) == 0 ? Max(worst, word) : worst;
		for (int column = 1; column <= 4; column++)
			sg_sink_text(&sink, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column));
		sg_sink_emit(&sink);
	}
	sg_caller_finish(&scope);
	change(bundle, "checked_at = clock_timestamp(), check_result = $2", words[worst], NULL, NULL);
	promote_log("promotion check", bundle->name, words[worst]);
	PG_RETURN_NULL();
}

/* ---- the source ---- */

typedef struct Telling
{
	const Bundle *bundle;
	const char *outcome;
} Telling;

static void
tell(void *arg)
{
	const Telling *telling = arg;
	const Bundle *bundle = telling->bundle;

	snapshot_remote_open(bundle->server, NULL);
	(void) snapshot_remote_ask(psprintf("SELECT schemaguard.sg_promotion_note(%s, %s, %s, %s)", quote_literal_cstr(bundle->name),
										quote_literal_cstr(bundle->target), quote_literal_cstr(telling->outcome), quote_literal_cstr(bundle->hash)));
	snapshot_remote_close();
}

/*
 * Tells the source what has become of the bundle, and keeps that it knows; a source that can't be told is a WARNING. In
 * a transaction of its own.
 */
static void
tell_source(const Bundle *bundle, const char *outcome)
{
	Telling		telling = {bundle, outcome};
	ErrorData  *error;

	if (bundle->server == NULL || GetForeignServerByName(bundle->server, true) == NULL)
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	error = sg_try(tell, &telling);
	if (error == NULL)
		change(bundle, "told_at = clock_timestamp()", NULL, NULL, NULL);
	else
		snapshot_remote_close();
	PopActiveSnapshot();
	commit();
	if (error == NULL)
		return;
	sg_rethrow_cancel(error);
	ereport(WARNING,
			(errmsg("the source of bundle \"%s\" could not be told that it is %s", bundle->name, outcome),
			 errdetail("%s", sg_error_message(error)),
			 errhint(sg_calls("When it can be reached, and has the extension and sg_grant() for your user mapping:\nCALL sg_promote_apply(%s);"),
					 quote_literal_cstr(bundle->name))));
}

/*
 * schemaguard.sg_promotion_note(bundle text, target text, outcome text, hash text)
 *
 * Writes into the log what another database says has become of a bundle from here: the claim of whoever calls.  Needs
 * sg_grant().  Errors: 22023 no such outcome; 22001 a text is too long; 22004; 25006; 42501.
 */
static Datum
sg_promotion_note_entered(PG_FUNCTION_ARGS)
{
	char	   *outcome;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_promotion_note()");
	outcome = sg_arg_text(fcinfo, 2);
	if (strcmp(outcome, "applied") != 0 && strcmp(outcome, "rolled back") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid outcome \"%s\"", outcome),
				 errhint("An outcome is applied or rolled back.")));
	for (int n = 0; n < 4; n++)
	{
		if (strlen(sg_arg_text(fcinfo, n)) > 200)
			ereport(ERROR,
					(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
					 errmsg("a note of a bundle is longer than 200 bytes"),
					 errhint("Give the names of bundle and target, and the hash.")));
	}
	promote_log(psprintf("promotion %s", outcome), sg_arg_text(fcinfo, 0),
				psprintf("in %s, hash %s", sg_arg_text(fcinfo, 1), sg_arg_text(fcinfo, 3)));
	PG_RETURN_TEXT_P(cstring_to_text(outcome));
}

/* ---- sg_promote_apply ---- */

/* Raises 55000, and logs it in a transaction of its own, if something keeps the bundle from being applied now */
static void
check_problem(const Bundle *bundle)
{
	char	  **found = ask("SELECT cause, problem, hint FROM schemaguard.sg_promotion_problem($1)", bundle->name, NULL, 3);
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, "promotion apply", LOG_FAILED);

	if (found[1] == NULL)
		return;
	entry.object = bundle->name;
	entry.sqlstate = pstrdup(unpack_sql_state(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE));
	entry.message = found[0];
	(void) log_write(&entry);
	PopActiveSnapshot();
	commit();
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("bundle \"%s\" can't be applied: %s", bundle->name, found[1]),
			 errhint("%s", found[2])));
}

/* Tells whose bundle it is; raises 42501 unless it is the caller's, or the caller has approved it or confirms its hash */
static void
check_confirmed(const Bundle *bundle, const char *confirm)
{
	char	   *role = GetUserNameFromId(GetUserId(), false);

	if (strcmp(bundle->author, role) == 0)
		return;
	if (!(bundle->approved_by && strcmp(bundle->approved_by, role) == 0) && !(confirm && strcmp(confirm, bundle->hash) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("bundle \"%s\" is by role %s", bundle->name, bundle->author),
				 errdetail("What it makes runs with the privileges of role %s. Its hash is %s%s.", role, bundle->hash,
						   confirm ? ", not the one that you confirm" : ""),
				 errhint(sg_calls("Read it, in schemaguard.promotion_item, and confirm its hash:\nCALL sg_promote_apply(%s, confirm => %s);"),
						 quote_literal_cstr(bundle->name), quote_literal_cstr(bundle->hash))));
	ereport(NOTICE,
			(errmsg("bundle \"%s\" is by role %s; it runs with the privileges of role %s", bundle->name, bundle->author, role)));
}

/* Goes on where another call was cut off, with what the bundle has and nothing else */
static void
check_begun(const Bundle *bundle)
{
	char	   *role = GetUserNameFromId(GetUserId(), false);
	char	   *strange;

	if (strcmp(bundle->applied_by, role) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role %s has begun to apply bundle \"%s\"", bundle->applied_by, bundle->name),
				 errhint(sg_calls("As that role:\nCALL sg_promote_apply(%s);"), quote_literal_cstr(bundle->name))));
	strange = ask("SELECT schemaguard.sg_promotion_strange($1, $2)", bundle->name, bundle->reference, 1)[0];
	if (strange)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" has moved on since bundle \"%s\" was begun", bundle->target, bundle->name),
				 errdetail("Not in the bundle: %s.", strange),
				 errhint(sg_calls("Undo that, or take the bundle back, and make another one:\nCALL sg_promote_rollback(%s);"),
						 quote_literal_cstr(bundle->name))));
}

/*
 * Gives a bundle that waits a snapshot and the name of a plan, of the caller; raises 55000 if rows of look-up tables would
 * be written otherwise than the bundle has it
 */
static void
begin(Bundle *bundle)
{
	char	   *beyond;

	bundle->reference = ask("SELECT schemaguard.sg_promotion_import($1)", bundle->name, NULL, 1)[0];
	beyond = ask("SELECT schemaguard.sg_sync_lookup_beyond(schemaguard.sg_sync_lookup_steps($2, (SELECT array_agg(s)"
				 " FROM jsonb_array_elements_text(nullif(p.options -> 'schemas', 'null')) s), (p.options ->> 'allow_drop')::bool, false),"
				 " coalesce(p.content -> 'rows', '{}')) FROM schemaguard.promotion p WHERE p.bundle = $1", bundle->name, bundle->reference, 1)[0];
	if (beyond)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("bundle \"%s\" can't be applied: rows of look-up tables are not what they were when the bundle was made", bundle->name),
				 errdetail("Not in the bundle: rows of %s.", beyond),
				 errhint(sg_calls("Make another one:\nSELECT * FROM sg_promote(%s, %s);"),
						 quote_literal_cstr(bundle->source), quote_literal_cstr(bundle->target))));
	bundle->plan = pstrdup(bundle->name);
	for (int n = 2; plan_find(bundle->plan); n++)
		bundle->plan = psprintf("%.50s %d", bundle->name, n);
	change(bundle, "state = 'applying', reference = $2, plan = $3, applied_by = $4, applied_at = clock_timestamp(), told_at = NULL",
		   bundle->reference, bundle->plan, GetUserNameFromId(GetUserId(), false));
	promote_log("promotion begin", bundle->name, NULL);
}

/* Looks at what has come of it: users' tests, and drift; ends the bundle; with fail, raises SG005 if that is not what it should be */
static void
end(Bundle *bundle, bool fail)
{
	char	  **gate;

	PushActiveSnapshot(GetTransactionSnapshot());
	gate = ask("SELECT result, detail FROM schemaguard.sg_promotion_gate($1, $2)", bundle->name, bundle->reference, 2);
	change(bundle, "state = 'applied', gate = $2", gate[0], NULL, NULL);
	promote_log("promotion applied", bundle->name, gate[0]);
	PopActiveSnapshot();
	commit();
	tell_source(bundle, "applied");
	if (strcmp(gate[0], "pass") != 0)
		ereport(fail && strcmp(gate[0], "fail") == 0 ? ERROR : WARNING,
				(errcode(ERRCODE_SG_DRIFT),
				 errmsg("bundle \"%s\" is applied, and what came of it is not what it should be: %s", bundle->name, gate[0]),
				 gate[1] ? errdetail("%s", gate[1]) : 0,
				 errhint(sg_calls("To take it back:\nCALL sg_promote_rollback(%s);"), quote_literal_cstr(bundle->name))));
	ereport(NOTICE, (errmsg("bundle \"%s\" is applied", bundle->name)));
}

static void
apply(FunctionCallInfo fcinfo, Bundle *bundle, MemoryContext context)
{
	SyncBundle	sync = {.procedure = "sg_promote_apply",.given = quote_literal_cstr(bundle->name),
	.fix = sg_arg_bool(fcinfo, 2),.max_rows = sg_arg_limit(fcinfo, 3),.fail = sg_arg_bool(fcinfo, 4)};

	PushActiveSnapshot(GetTransactionSnapshot());
	check_problem(bundle);
	check_confirmed(bundle, sg_arg_optional_text(fcinfo, 1));
	if (strcmp(bundle->state, "applying") == 0)
		check_begun(bundle);
	else
		begin(bundle);
	PopActiveSnapshot();
	commit();
	sync.reference = bundle->reference;
	sync.plan = bundle->plan;
	sync.schemas = bundle->schemas;
	sync.allow_drop = bundle->allow_drop;
	sync.renames = bundle->renames;
	sync.approved = bundle->approved_by != NULL;
	sync.approved_rows = bundle->rows;
	if (!sync_apply_bundle(fcinfo, &sync, context))
		return;
	MemoryContextSwitchTo(context);
	end(bundle, sync.fail);
}

/*
 * sg_promote_apply(bundle text, confirm text DEFAULT NULL, fix boolean DEFAULT false, max_rows bigint DEFAULT NULL,
 *					fail boolean DEFAULT true)
 *
 * Makes in this database what the bundle has, by a plan of the caller; runs the tests of schemaguard.smoke_test, looks
 * for drift, and tells the source.  A bundle that is applied and whose source was not told: tells it.  Needs the
 * privileges of sg_sync_apply(), and the right to read the bundle.
 *
 * Errors: those of sg_sync_apply(); 42704 no such bundle; 42501 another role's, without its hash in confirm; 55000 it is not
 * approved, the window is closed, a backup is asked for, the target has moved on, or it does not wait; SG005 a test fails, or drift.
 */
static Datum
sg_promote_apply_entered(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext caller;
	Bundle	   *bundle;

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, "sg_promote_apply");
	sg_check_version();
	context = AllocSetContextCreate(PortalContext, "schemaguard promotion", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);

	/*
	 * no code that the document gives to the caller or to a superuser runs in
	 * this call
	 */
	sg_guard_documents();
	run_disarm_statement_timeout();
	if (!sync_lock_database())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("another session changes this database by a snapshot or a bundle"),
				 errhint("Try again when it is done. What runs:\nSELECT * FROM schemaguard.progress;")));
	PG_TRY();
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		bundle = get_bundle(sg_arg_text(fcinfo, 0));
		PopActiveSnapshot();
		if (bundle->plan && !bundle->told && (strcmp(bundle->state, "applied") == 0 || strcmp(bundle->state, "rolled back") == 0))
			tell_source(bundle, bundle->state);
		else
			apply(fcinfo, bundle, context);
	}
	PG_FINALLY();
	{
		sync_unlock_database();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

/* ---- sg_promote_rollback ---- */

/* Takes the plan back, as sg_rollback_fks() does */
static void
roll_back(FunctionCallInfo fcinfo, const Bundle *bundle)
{
	LOCAL_FCINFO(call, 2);
	PlanRun		run = {.procedure = "sg_promote_rollback",.shows = SG_PROGRESS_ROLLBACK,.urgent = true,.as_defined = true,.fail = true,
	.confirm = sg_arg_optional_text(fcinfo, 1),.given = quote_literal_cstr(bundle->name)};

	InitFunctionCallInfoData(*call, fcinfo->flinfo, 2, InvalidOid, fcinfo->context, NULL);
	memset(call->args, 0, 2 * sizeof(NullableDatum));
	call->args[0].value = CStringGetTextDatum(bundle->plan);
	call->args[1].value = CStringGetTextDatum(bundle->applied_by);
	undo_call(call, &run);
}

/*
 * sg_promote_rollback(bundle text, confirm text DEFAULT NULL)
 *
 * Takes back what the bundle's plan has done, as sg_rollback_fks() does, and tells the source.  Needs no window, approval
 * or backup.  Errors: those of sg_rollback_fks(); 42704 no such bundle; 55000 it is not applied.
 */
static Datum
sg_promote_rollback_entered(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	MemoryContext caller;
	Bundle	   *bundle;
	bool		has_plan;

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, "sg_promote_rollback");
	sg_check_version();
	context = AllocSetContextCreate(PortalContext, "schemaguard promotion", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	PushActiveSnapshot(GetTransactionSnapshot());
	bundle = get_bundle(sg_arg_text(fcinfo, 0));
	if (strcmp(bundle->state, "applied") != 0 && strcmp(bundle->state, "applying") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("bundle \"%s\" is not applied: it is %s", bundle->name, bundle->state),
				 errhint(sg_calls("What waits:\nSELECT * FROM sg_promotion_status();"))));
	has_plan = plan_find(bundle->plan) != NULL;
	if (!has_plan && strcmp(bundle->applied_by, GetUserNameFromId(GetUserId(), false)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role %s has applied bundle \"%s\"", bundle->applied_by, bundle->name),
				 errdetail("Its plan is gone, which would say who else may take it back."),
				 errhint(sg_calls("As that role:\nCALL sg_promote_rollback(%s);"), quote_literal_cstr(bundle->name))));
	PopActiveSnapshot();
	if (has_plan)
		roll_back(fcinfo, bundle);
	MemoryContextSwitchTo(context);
	PushActiveSnapshot(GetTransactionSnapshot());
	change(bundle, "state = 'rolled back', told_at = NULL", NULL, NULL, NULL);
	promote_log("promotion rolled back", bundle->name, NULL);
	PopActiveSnapshot();
	commit();
	tell_source(bundle, "rolled back");
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}
