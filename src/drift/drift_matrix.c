/*-------------------------------------------------------------------------
 *
 * drift_matrix.c
 *	  sg_drift_matrix(): several environments, object by object.
 *
 * The first environment that can be read is what the others are compared
 * with, by sg_drift()'s rules.  Of objects that it lacks, the first one that
 * has them takes its place.  Foreign servers are read once, into snapshots
 * that are gone again at the end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nametable.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "drift/drift.h"
#include "snapshot/snapshot.h"

SG_FUNCTION(sg_drift_matrix);

#define MIN_ENVIRONMENTS 2
#define MAX_ENVIRONMENTS 100

typedef struct Environment
{
	char	   *name;
	char	   *snapshot;		/* snapshot, or 'live'; NULL: not read */
	bool		temporary;		/* the snapshot is temporary */
	char	   *problem;		/* why it was not read, or NULL */
} Environment;

typedef enum ObjectState
{
	OBJECT_PRESENT,
	OBJECT_MISSING,
	OBJECT_DIFFERENT,
	OBJECT_UNKNOWN
} ObjectState;

static const char *const state_words[] = {"present", "missing", "different", "unknown"};

/* Row of the matrix */
typedef struct MatrixObject
{
	char	   *kind;
	char	   *identity;
	int			holder;			/* environment that the others are compared
								 * with */
	ObjectState *states;		/* states by environment */
	StringInfoData *details;	/* differing properties by environment */
} MatrixObject;

/* Object with another name than in the first environment */
typedef struct Renamed
{
	const DriftRow *row;
	int			environment;
} Renamed;

typedef struct Matrix
{
	Environment *environments;
	int			n;
	int			base;			/* the first environment that was read */
	SgNameTable *objects;		/* MatrixObject by kind and identity */
	List	   *order;			/* MatrixObject * */
	List	   *renamed;		/* Renamed * */
} Matrix;

/* ---- environments ---- */

static bool
snapshot_exists(const char *name)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	SgScope		scope;
	bool		exists;

	sg_owner_begin(&scope);
	SPI_connect();
	exists = sg_owner_execute(SPI_OK_SELECT, "SELECT FROM schemaguard.snapshot WHERE name = $1",
							  1, types, values, NULL) > 0;
	SPI_finish();
	sg_scope_end(&scope);
	return exists;
}

/*
 * Calls a function of the extension as the caller, with one or two texts.  Each
 * argument is cast to its type, so that no other function of that name fits as
 * well.
 */
static void
call_function(const char *call, const char *snapshot, const char *server)
{
	Oid			types[] = {TEXTOID, TEXTOID};
	Datum		values[2];
	SgScope		scope;

	values[0] = CStringGetTextDatum(snapshot);
	values[1] = server ? CStringGetTextDatum(server) : (Datum) 0;
	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args(call, server ? 2 : 1, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run %s", call);
	SPI_finish();
	sg_scope_end(&scope);
}

static void
read_server(void *arg)
{
	Environment *environment = arg;

	call_function(psprintf(sg_calls("SELECT sg_snapshot_take($1, NULL::text[], $2)")),
				  environment->snapshot, environment->name);
}

/* Finds out what a name denotes */
static void
find_environment(Matrix *matrix, int number)
{
	Environment *environment = &matrix->environments[number];

	if (strcmp(environment->name, SNAPSHOT_LIVE) == 0 || snapshot_exists(environment->name))
	{
		environment->snapshot = environment->name;
		return;
	}
	if (GetForeignServerByName(environment->name, true) == NULL)
	{
		char	   *near = snapshot_nearest(environment->name);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is neither a snapshot nor a foreign server", environment->name),
				 near ? errhint("Perhaps you meant snapshot \"%s\".", near) :
				 errhint("Name snapshots (schemaguard.snapshot), foreign servers for dblink, or 'live' for this database.")));
	}

	environment->snapshot = psprintf("sg_drift_matrix %d.%d", MyProcPid, number);
	environment->temporary = true;
}

/* Reads a server.  If it can't be read, it is unknown, with the reason. */
static void
open_environment(Matrix *matrix, int number)
{
	Environment *environment = &matrix->environments[number];
	ErrorData  *error;

	if (!environment->temporary)
		return;
	error = sg_try(read_server, environment);
	if (error)
	{
		sg_rethrow_cancel(error);
		environment->problem = sg_error_text(error);
		environment->snapshot = NULL;
	}
}

static void
open_environments(Matrix *matrix)
{
	/* raise errors about names before waiting for servers */
	for (int i = 0; i < matrix->n; i++)
		find_environment(matrix, i);

	matrix->base = -1;
	for (int i = 0; i < matrix->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		open_environment(matrix, i);
		if (matrix->base < 0 && matrix->environments[i].snapshot)
			matrix->base = i;
	}
}

static void
close_environments(Matrix *matrix)
{
	for (int i = 0; i < matrix->n; i++)
	{
		if (matrix->environments[i].temporary && matrix->environments[i].snapshot)
			call_function(psprintf(sg_calls("SELECT sg_snapshot_drop($1)")), matrix->environments[i].snapshot, NULL);
	}
}

/* ---- objects ---- */

/* Returns the row of an object; a new one gets a state per environment that the caller fills in */
static MatrixObject *
enter_object(Matrix *matrix, const DriftRow *row, int holder, bool *found)
{
	MatrixObject *object = sg_names_value(matrix->objects, row->kind, row->object);

	*found = object != NULL;
	if (*found)
		return object;

	object = palloc(sizeof(MatrixObject));
	object->kind = pstrdup(row->kind);
	object->identity = pstrdup(row->object);
	object->holder = holder;
	object->states = palloc(sizeof(ObjectState) * matrix->n);
	object->details = palloc(sizeof(StringInfoData) * matrix->n);
	for (int i = 0; i < matrix->n; i++)
		initStringInfo(&object->details[i]);
	matrix->order = lappend(matrix->order, object);
	sg_names_enter(matrix->objects, object->kind, object->identity)->value = object;
	return object;
}

static void
set_state(Matrix *matrix, MatrixObject *object, int environment, ObjectState state)
{
	object->states[environment] = matrix->environments[environment].snapshot ? state : OBJECT_UNKNOWN;
}

/*
 * Returns the entry for a row of a comparison with the first environment; a new
 * one is present in all, or only where it is extra
 */
static MatrixObject *
find_object(Matrix *matrix, const DriftRow *row, int environment)
{
	bool		extra = row->change == DRIFT_EXTRA;
	bool		found;
	MatrixObject *object = enter_object(matrix, row, extra ? environment : matrix->base, &found);

	for (int i = 0; i < matrix->n && !found; i++)
		set_state(matrix, object, i, extra ? OBJECT_MISSING : OBJECT_PRESENT);
	return object;
}

/* Enters a row of sg_drift() for an object in an environment */
static void
take_row(MatrixObject *object, const DriftRow *row, int environment)
{
	StringInfo	detail = &object->details[environment];
	ObjectState state = OBJECT_DIFFERENT;
	const char *text = row->property;

	if (row->class == CLASS_UNKNOWN)
	{
		state = OBJECT_UNKNOWN;
		text = row->detail;
	}
	else if (row->change == DRIFT_MISSING)
		state = OBJECT_MISSING;
	else if (row->change == DRIFT_EXTRA)
		state = OBJECT_PRESENT;
	else if (row->change == DRIFT_RENAMED && row->actual)
		text = psprintf("renamed to %s", row->actual);

	/* of several rows unknown outweighs different, which outweighs present */
	if (state == OBJECT_PRESENT || object->states[environment] == OBJECT_PRESENT || state == OBJECT_UNKNOWN)
		object->states[environment] = state;
	if (text)
		appendStringInfo(detail, "%s%s", detail->len ? ", " : "", text);
}

static bool
matters(const DriftRow *row)
{
	return row->class != CLASS_COSMETIC && row->class != CLASS_UNMANAGED;
}

/* Compares all environments with the first */
static void
compare_with_base(Matrix *matrix)
{
	for (int i = matrix->base + 1; i < matrix->n; i++)
	{
		ListCell   *lc;

		if (matrix->environments[i].snapshot == NULL)
			continue;
		foreach(lc, drift_compare(matrix->environments[matrix->base].snapshot,
								  matrix->environments[i].snapshot, NIL, false))
		{
			DriftRow   *row = lfirst(lc);

			if (!matters(row))
				continue;
			take_row(find_object(matrix, row, i), row, i);
			if (row->change == DRIFT_RENAMED && row->actual)
			{
				Renamed    *renamed = palloc(sizeof(Renamed));

				renamed->row = row;
				renamed->environment = i;
				matrix->renamed = lappend(matrix->renamed, renamed);
			}
		}
	}
}

/*
 * Marks an object as different, not missing, in an environment where an object
 * of the first one was renamed to its name
 */
static void
find_renamed(Matrix *matrix)
{
	foreach_ptr(Renamed, renamed, matrix->renamed)
	{
		MatrixObject *object = sg_names_value(matrix->objects, renamed->row->kind, renamed->row->actual);

		if (object == NULL || object->states[renamed->environment] != OBJECT_MISSING)
			continue;
		object->states[renamed->environment] = OBJECT_DIFFERENT;
		appendStringInfo(&object->details[renamed->environment], "renamed from %s", renamed->row->object);
	}
}

/* Returns whether an environment shares objects that the first one lacks with a later one */
static bool
shares(const Matrix *matrix, int holder, int other)
{
	foreach_ptr(MatrixObject, object, matrix->order)
	{
		if (object->holder == holder && object->states[other] == OBJECT_PRESENT)
			return true;
	}
	return false;
}

/*
 * Returns the row of an object in a comparison of two environments that share
 * objects which the first one lacks, NULL for other objects.  A new row is a
 * part of such an object, because everything else that the first one has
 * differs from it in one of the two.
 */
static MatrixObject *
find_held_object(Matrix *matrix, const DriftRow *row, int holder, const bool *sharing)
{
	bool		found;
	MatrixObject *object = enter_object(matrix, row, holder, &found);

	for (int i = 0; i < matrix->n && !found; i++)
		set_state(matrix, object, i, i == holder || sharing[i] ? OBJECT_PRESENT : OBJECT_MISSING);
	return object->holder == holder ? object : NULL;
}

/* Compares two environments that share objects which the first one lacks */
static void
compare_with_holder(Matrix *matrix, int holder, int other, const bool *sharing)
{
	ListCell   *lc;

	foreach(lc, drift_compare(matrix->environments[holder].snapshot,
							  matrix->environments[other].snapshot, NIL, false))
	{
		DriftRow   *row = lfirst(lc);
		MatrixObject *object;

		if (!matters(row) || row->change == DRIFT_EXTRA)
			continue;
		object = find_held_object(matrix, row, holder, sharing);
		if (object)
			take_row(object, row, other);
	}
}

static void
compare_holders(Matrix *matrix)
{
	bool	   *sharing = palloc(sizeof(bool) * matrix->n);

	for (int holder = matrix->base + 1; holder < matrix->n; holder++)
	{
		if (matrix->environments[holder].snapshot == NULL)
			continue;
		for (int i = 0; i < matrix->n; i++)
			sharing[i] = i > holder && shares(matrix, holder, i);
		for (int i = holder + 1; i < matrix->n; i++)
		{
			if (sharing[i])
				compare_with_holder(matrix, holder, i, sharing);
		}
	}
}

/* ---- rows ---- */

static void
append_state(StringInfo json, const char *name, ObjectState state)
{
	appendStringInfoString(json, json->len > 1 ? ", " : "");
	escape_json(json, name);
	appendStringInfo(json, ": \"%s\"", state_words[state]);
}

/* Emits a row for each environment that could not be read, ahead of all others */
static void
emit_problems(SgRowSink *sink, const Matrix *matrix)
{
	for (int i = 0; i < matrix->n; i++)
	{
		Environment *environment = &matrix->environments[i];
		StringInfoData json;

		if (environment->problem == NULL)
			continue;
		initStringInfo(&json);
		appendStringInfoChar(&json, '{');
		append_state(&json, environment->name, OBJECT_UNKNOWN);
		appendStringInfoChar(&json, '}');
		sg_sink_text(sink, "environment");
		sg_sink_text(sink, environment->name);
		sg_sink_text(sink, "unknown");
		sg_sink_text(sink, environment->problem);
		sg_sink_text(sink, json.data);
		sg_sink_emit(sink);
	}
}

static void
emit_object(SgRowSink *sink, const Matrix *matrix, const MatrixObject *object)
{
	StringInfoData json;
	StringInfoData detail;
	bool		differs = false;

	initStringInfo(&json);
	initStringInfo(&detail);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < matrix->n; i++)
	{
		append_state(&json, matrix->environments[i].name, object->states[i]);
		differs |= object->states[i] == OBJECT_MISSING || object->states[i] == OBJECT_DIFFERENT;
		if (object->details[i].len > 0)
			appendStringInfo(&detail, "%s%s: %s", detail.len ? "; " : "",
							 matrix->environments[i].name, object->details[i].data);
	}
	appendStringInfoChar(&json, '}');

	sg_sink_text(sink, object->kind);
	sg_sink_text(sink, object->identity);
	sg_sink_text(sink, differs ? "fail" : "unknown");
	sg_sink_text(sink, detail.len ? detail.data : NULL);
	sg_sink_text(sink, json.data);
	sg_sink_emit(sink);
}

static int
compare_objects(const ListCell *a, const ListCell *b)
{
	const MatrixObject *x = lfirst(a);
	const MatrixObject *y = lfirst(b);
	int			order = strcmp(x->kind, y->kind);

	return order ? order : strcmp(x->identity, y->identity);
}

/* ---- the function ---- */

static void
read_names(Matrix *matrix, Datum names)
{
	List	   *list = sg_text_array_list(names);
	List	   *seen = NIL;
	ListCell   *lc;

	if (list_length(list) < MIN_ENVIRONMENTS || list_length(list) > MAX_ENVIRONMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sg_drift_matrix compares %d to %d environments, not %d",
						MIN_ENVIRONMENTS, MAX_ENVIRONMENTS, list_length(list)),
				 errhint("Name snapshots, foreign servers or 'live': ARRAY['baseline', 'live'].")));

	matrix->environments = palloc0(sizeof(Environment) * list_length(list));
	foreach(lc, list)
	{
		if (sg_has_name(seen, lfirst(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("environment \"%s\" is named twice", (char *) lfirst(lc)),
					 errhint("Name each one once.")));
		seen = lappend(seen, lfirst(lc));
		matrix->environments[matrix->n++].name = lfirst(lc);
	}
}

/*
 * sg_drift_matrix(names text[])
 *
 * Compares 2 to 100 environments: names of snapshots, foreign servers that
 * dblink can use, or 'live'. Returns a row for each object that is not equal in
 * all of them, with its state in each, in the order of the names; "different"
 * means different from the first environment that can be read.  A server that
 * can't be read is a row of kind environment, and unknown in all others.  Uses
 * the caller's privileges, also by user mappings; servers are read one after
 * the other, within the limits of sg_snapshot_take().  Errors: 42704 an unknown
 * name, 42501 somebody else's snapshot, 22023 duplicate or too few names,
 * 22004.
 */
static Datum
sg_drift_matrix_entered(PG_FUNCTION_ARGS)
{
	Matrix		matrix = {0};
	SgRowSink	sink;
	MemoryContext context;
	MemoryContext old;
	ListCell   *lc;

	sg_arg_check(fcinfo, 0);
	sg_check_version();

	sg_sink_begin(&sink, fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard matrix", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	matrix.objects = sg_names_create(CurrentMemoryContext);
	sg_progress_begin(SG_PROGRESS_COMPARE, 0, 0);
	read_names(&matrix, PG_GETARG_DATUM(0));
	open_environments(&matrix);

	/* make the snapshots taken just now visible */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (matrix.base >= 0)
	{
		compare_with_base(&matrix);
		find_renamed(&matrix);
		compare_holders(&matrix);
	}
	PopActiveSnapshot();
	close_environments(&matrix);

	emit_problems(&sink, &matrix);
	list_sort(matrix.order, compare_objects);
	foreach(lc, matrix.order)
		emit_object(&sink, &matrix, lfirst(lc));
	sg_progress_end();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	PG_RETURN_NULL();
}
