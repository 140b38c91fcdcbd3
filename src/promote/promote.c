/*-------------------------------------------------------------------------
 *
 * promote.c
 *	  sg_promote() and sg_promotion_approve(): bundles are made and approved.
 *
 *	  A bundle is made in the database that it is for.  What the caller may
 *	  read goes into it; it is stored by the owner of the extension, and no
 *	  function changes what its hash covers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_store.h"
#include "promote/promote.h"
#include "run/run.h"

SG_FUNCTION(sg_promote);
SG_FUNCTION(sg_promotion_approve);

/* ---- the log ---- */

void
promote_log(const char *action, const char *bundle, const char *message)
{
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, action, LOG_DONE);

	entry.object = bundle;
	entry.message = message;
	(void) log_write(&entry);
}

/* ---- environments ---- */

typedef struct Environment
{
	char	   *name;
	char	   *server;			/* NULL: this database */
	List	   *path;			/* char *: its name, and those that follow */
	bool		protected;
	List	   *approvers;		/* char * */
} Environment;

static void *
read_environment(HeapTuple tuple, TupleDesc desc)
{
	Environment *environment = palloc0(sizeof(Environment));

	environment->name = sg_spi_text(tuple, desc, "name");
	environment->server = sg_spi_text(tuple, desc, "server");
	environment->path = sg_spi_text_array(tuple, desc, "path");
	environment->protected = sg_spi_bool(tuple, desc, "protected");
	environment->approvers = sg_spi_text_array(tuple, desc, "approvers");
	return environment;
}

/* Returns the environment of that name; raises 42704 */
static Environment *
get_environment(const char *name)
{
	StoreArgs	args = {0};
	List	   *found;

	store_arg_text(&args, name);
	found = store_query("SELECT name, server, protected, approvers, schemaguard.sg_environment_path(name) AS path"
						" FROM schemaguard.environment WHERE name = $1", &args, read_environment);
	if (found == NIL)
	{
		args = (StoreArgs)
		{
			0
		};
		found = store_query("SELECT name, server, protected, approvers, NULL::text AS path FROM schemaguard.environment", &args, read_environment);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no environment \"%s\"", name),
				 found ? errhint("These are there:\nSELECT name, server, stage, next FROM schemaguard.environment;") :
				 errhint("None is declared yet. Declare each one, with the foreign server that leads to it, or without if it is this database:\n"
						 "INSERT INTO schemaguard.environment (name, stage) VALUES (%s, 'development');", quote_literal_cstr(name))));
	}
	return linitial(found);
}

/*
 * Raises 55000 unless the target is this database, 22023 if source and target
 * are one, or a protected target would be given what did not pass through the
 * environment before it
 */
static void
check_way(const Environment *source, const Environment *target)
{
	if (target->server)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("environment \"%s\" is not this database", target->name),
				 errdetail("It is the one that foreign server \"%s\" leads to.", target->server),
				 errhint(sg_calls("A bundle is made, approved and applied in the database that it is for. There:\nSELECT * FROM sg_promote(%s, %s);"),
						 quote_literal_cstr(source->name), quote_literal_cstr(target->name))));
	if (strcmp(source->name, target->name) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("source and target are both \"%s\"", target->name),
				 errhint("Name the environment that has what this one lacks.")));
	if (target->protected && !sg_has_name(target->path, source->name) &&
		!(list_length(source->path) > 1 && strcmp(lsecond(source->path), target->name) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("environment \"%s\" is protected, and \"%s\" is not the one before it", target->name, source->name),
				 errhint("Promote from the environment whose next is \"%s\", or say so in schemaguard.environment.", target->name)));
}

/* ---- sg_promote ---- */

typedef struct Bundle
{
	char	   *name;
	char	   *server;			/* NULL: the reference is a snapshot */
	char	   *reference;		/* name of a snapshot, or NULL */
	Datum		options;
	MemoryContext context;		/* of the values below */
	Datum		document;
	Datum		content;
	Datum		digest;
} Bundle;

/* Returns a value that is not null of the only row of SPI_tuptable, in `context` */
static Datum
take(const char *column, MemoryContext context)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	int			number = SPI_fnumber(desc, column);
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], desc, number, &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (isnull)
		elog(ERROR, "a bundle has no %s", column);
	value = datumCopy(value, TupleDescAttr(desc, number - 1)->attbyval, TupleDescAttr(desc, number - 1)->attlen);
	MemoryContextSwitchTo(old);
	return value;
}

/* Reads everything that the bundle is made of, as the caller; for sg_try_undo(): no snapshot stays */
static void
make(void *arg)
{
	Bundle	   *bundle = arg;
	StoreArgs	args = {0};
	SgScope		scope;

	store_arg_text(&args, bundle->name);
	store_arg_text(&args, bundle->server);
	store_arg_text(&args, bundle->reference);
	store_arg_datum(&args, JSONBOID, bundle->options, false);
	(void) sg_caller_execute(&scope, "SELECT m.document, m.content, m.digest FROM schemaguard.sg_promotion_made($1, $2, $3, $4) m",
							 args.n, args.types, args.values, args.nulls);
	bundle->document = take("document", bundle->context);
	bundle->content = take("content", bundle->context);
	bundle->digest = take("digest", bundle->context);
	sg_caller_finish(&scope);
}

/* Returns the options as stored, from the arguments behind the environments */
static Datum
read_options(FunctionCallInfo fcinfo)
{
	Oid			types[] = {TEXTARRAYOID, BOOLOID, TEXTOID, JSONBOID};
	Datum		values[] = {PG_GETARG_DATUM(3), BoolGetDatum(sg_arg_bool(fcinfo, 4)), CStringGetTextDatum(sg_arg_text(fcinfo, 5)),
	PG_GETARG_DATUM(6)};
	MemoryContext context = CurrentMemoryContext;
	SgScope		scope;
	Datum		options;

	sg_arg_check(fcinfo, 6);
	(void) sg_caller_execute(&scope, "SELECT jsonb_build_object('schemas', $1, 'allow_drop', $2, 'renames', $3, 'files', $4) AS options",
							 lengthof(types), types, values, sg_arg_is_null(fcinfo, 3) ? "n   " : NULL);
	options = take("options", context);
	sg_caller_finish(&scope);
	return options;
}

/* Stores the bundle, in the place of the author's earlier ones that wait; returns the result of sg_promote() */
static HeapTupleHeader
store(const Bundle *bundle, int64 id, const Environment *source, const Environment *target, TupleDesc desc)
{
	StoreArgs	args = {0};
	HeapTupleHeader result;
	SgScope		scope;
	char	   *author = GetUserNameFromId(GetUserId(), false);

	store_arg_text(&args, source->name);
	store_arg_text(&args, target->name);
	store_arg_text(&args, author);
	(void) store_change(SPI_OK_UPDATE, "UPDATE schemaguard.promotion SET state = 'replaced'"
						" WHERE source = $1 AND target = $2 AND author = $3 AND state = 'waiting'", &args);

	store_arg_texts(&args, plan_present_role_names());
	store_arg_datum(&args, INT8OID, Int64GetDatum(id), false);
	store_arg_text(&args, bundle->name);
	store_arg_datum(&args, JSONBOID, bundle->options, false);
	store_arg_datum(&args, TEXTARRAYOID, bundle->document, false);
	store_arg_datum(&args, JSONBOID, bundle->content, false);
	store_arg_datum(&args, TEXTOID, bundle->digest, false);
	(void) store_change(SPI_OK_INSERT, "INSERT INTO schemaguard.promotion AS p"
						" (source, target, author, authors, id, bundle, options, document, content, digest, hash)"
						" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '')", &args);
	args.n = 0;
	store_arg_text(&args, bundle->name);
	(void) store_change(SPI_OK_UPDATE, "UPDATE schemaguard.promotion p SET hash = schemaguard.sg_promotion_hash(p) WHERE bundle = $1", &args);

	sg_owner_begin(&scope);
	SPI_connect();
	if (sg_owner_execute(SPI_OK_SELECT,
						 "SELECT p.bundle, count(*) FILTER (WHERE i.part = 'change'), count(*) FILTER (WHERE i.part IN ('left out', 'in the way')),"
						 " count(*) FILTER (WHERE i.part IN ('loss', 'no way back')), count(*) FILTER (WHERE i.part = 'lint'), p.hash,"
						 " format('SELECT * FROM schemaguard.promotion_item WHERE bundle = %L;', p.bundle)"
						 " FROM schemaguard.promotion p LEFT JOIN schemaguard.promotion_item i ON i.bundle = p.bundle"
						 " WHERE p.bundle = $1 GROUP BY p.bundle, p.hash", args.n, args.types, args.values, args.nulls) != 1)
		elog(ERROR, "the bundle could not be read");
	result = SPI_returntuple(SPI_tuptable->vals[0], desc);
	SPI_finish();
	sg_scope_end(&scope);
	return result;
}

static int64
next_id(void)
{
	Datum		value;

	if (!sg_owner_fetch("SELECT nextval('schemaguard.promotion_id_seq')::text WHERE $1 IS NOT NULL", "", &value))
		elog(ERROR, "there is no number for a bundle");
	return strtoi64(TextDatumGetCString(value), NULL, 10);
}

/*
 * sg_promote(source text, target text, reference text DEFAULT NULL, schemas text[] DEFAULT NULL, allow_drop boolean
 *			  DEFAULT false, renames text DEFAULT 'ask', files jsonb DEFAULT '{}')
 *
 * Makes a bundle of what the source has, or a snapshot of it, and the target, which is this database, lacks: its
 * document, and what sg_sync_sql(), sg_sync_files(), sg_lint_sql() and sg_impact() say of that now.  Takes the place of
 * the caller's earlier bundles of that way which wait.  Needs the privileges of these functions, of sg_snapshot_take()
 * with a server, and sg_grant().
 *
 * Errors: theirs; 42704 no such environment; 55000 the target is elsewhere; 22023 source and target are one, or a
 * protected target is not the next one; 25006; 42501.
 */
static Datum
sg_promote_entered(PG_FUNCTION_ARGS)
{
	Environment *source,
			   *target;
	Bundle		bundle = {.context = CurrentMemoryContext};
	ErrorData  *error;
	TupleDesc	desc;
	int64		id;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_promote()");
	source = get_environment(sg_arg_text(fcinfo, 0));
	target = get_environment(sg_arg_text(fcinfo, 1));
	check_way(source, target);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	id = next_id();
	bundle.name = psprintf("%s to %s " INT64_FORMAT, source->name, target->name, id);
	bundle.reference = sg_arg_optional_text(fcinfo, 2);
	bundle.server = source->server;
	bundle.options = read_options(fcinfo);
	error = sg_try_undo(make, &bundle);
	if (error)
		ReThrowError(error);
	promote_log("promote", bundle.name, NULL);
	PG_RETURN_HEAPTUPLEHEADER(store(&bundle, id, source, target, desc));
}

/* ---- sg_promotion_approve ---- */

typedef struct Approval
{
	char	   *target;
	char	   *author;
	List	   *authors;
	char	   *hash;			/* as it is now */
	bool		waits;
} Approval;

static void *
read_approval(HeapTuple tuple, TupleDesc desc)
{
	Approval   *approval = palloc0(sizeof(Approval));

	approval->target = sg_spi_text(tuple, desc, "target");
	approval->author = sg_spi_text(tuple, desc, "author");
	approval->authors = sg_spi_text_array(tuple, desc, "authors");
	approval->hash = sg_spi_text(tuple, desc, "hash");
	approval->waits = sg_spi_bool(tuple, desc, "waits");
	return approval;
}

/* Returns whether the caller owns the database, or is one of the environment's approvers, or a member of one */
static bool
may_approve(const Environment *environment)
{
	if (has_privs_of_role(GetUserId(), ROLE_PG_DATABASE_OWNER))
		return true;
	foreach_ptr(const char, name, environment->approvers)
	{
		Oid			role = get_role_oid(name, true);

		if (OidIsValid(role) && has_privs_of_role(GetUserId(), role))
			return true;
	}
	return false;
}

/*
 * sg_promotion_approve(bundle text, hash text)
 *
 * Approves the bundle that has this hash.  For the owner of the database and roles in the environment's approvers,
 * except those that made the bundle or could have: its author, members of the author's role, and who was logged in
 * (42501).  42704 no such bundle; 55000 it has another hash, or does not wait; 22004; 25006.
 */
static Datum
sg_promotion_approve_entered(PG_FUNCTION_ARGS)
{
	char	   *bundle,
			   *hash;
	StoreArgs	args = {0};
	List	   *found;
	Approval   *approval;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_promotion_approve()");
	bundle = sg_arg_text(fcinfo, 0);
	hash = sg_arg_text(fcinfo, 1);
	store_arg_text(&args, bundle);
	found = store_query("SELECT p.target, p.author, p.authors, schemaguard.sg_promotion_hash(p) AS hash, p.state = 'waiting' AS waits"
						" FROM schemaguard.promotion p WHERE p.bundle = $1 FOR UPDATE", &args, read_approval);
	if (found == NIL || !may_approve(get_environment(((Approval *) linitial(found))->target)))
		ereport(ERROR,
				(errcode(found ? ERRCODE_INSUFFICIENT_PRIVILEGE : ERRCODE_UNDEFINED_OBJECT),
				 found ? errmsg("role %s can't approve bundle \"%s\"", GetUserNameFromId(GetUserId(), false), bundle) :
				 errmsg("there is no bundle \"%s\"", bundle),
				 found ? errdetail("It is none of the environment's approvers, and does not own the database.") : 0,
				 found ? errhint("The owner of the database names approvers in schemaguard.environment.") :
				 errhint(sg_calls("What waits:\nSELECT * FROM sg_promotion_status();"))));
	approval = linitial(found);
	plan_check_no_author("bundle", bundle, approval->author, approval->authors);
	if (!approval->waits || strcmp(approval->hash, hash) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 approval->waits ? errmsg("bundle \"%s\" does not have that hash", bundle) :
				 errmsg("bundle \"%s\" does not wait for an approval", bundle),
				 errhint("Read it as it is now:\nSELECT * FROM schemaguard.promotion_item WHERE bundle = %s;", quote_literal_cstr(bundle))));
	store_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	store_arg_text(&args, hash);
	(void) store_change(SPI_OK_UPDATE, "UPDATE schemaguard.promotion SET approved_by = $2, approved_at = clock_timestamp(), approved_hash = $3"
						" WHERE bundle = $1", &args);
	promote_log("promotion approve", bundle, hash);
	PG_RETURN_VOID();
}

/* ---- the window ---- */

/* Returns why the window of this environment lets no plan run now, or NULL */
static char *
window_problem(void)
{
	Datum		problem;

	/* the objects of version 0.1.0 lack it */
	if (!OidIsValid(get_relname_relid("environment", sg_schema_oid())) ||
		!sg_owner_fetch("SELECT format('The window of environment %I is %s; it opens %s.', e.name, e.\"window\","
						" coalesce(o.opens::text, 'never')) FROM schemaguard.environment e"
						" CROSS JOIN LATERAL schemaguard.sg_window_opens(e.\"window\", now()) o (opens)"
						" WHERE e.server IS NULL AND e.\"window\" IS NOT NULL AND o.opens IS DISTINCT FROM now() AND $1 IS NOT NULL",
						"", &problem))
		return NULL;
	return TextDatumGetCString(problem);
}

/* A bundle that is being applied stays */
static uint64
prune(TimestampTz before)
{
	return OidIsValid(get_relname_relid("promotion", sg_schema_oid())) ?
		log_prune_before("DELETE FROM schemaguard.promotion p WHERE p.created_at < $1 AND p.state <> 'applying'", before) : 0;
}

void
promote_init(void)
{
	log_register_prune("promotions", "bundles", prune);
	run_window_hook = window_problem;
}
