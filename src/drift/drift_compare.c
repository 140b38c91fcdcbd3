/*-------------------------------------------------------------------------
 *
 * drift_compare.c
 *	  sg_drift(): two streams of objects, merged.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/secrets.h"
#include "base/spi.h"
#include "drift/drift_compare.h"
#include "plan/plan.h"

SG_FUNCTION(sg_drift);

/* ---- which schemas ---- */

/*
 * Returns the schemas that both snapshots cover, NIL for all.  Others are no
 * drift; 22023 if the caller asked for one of them.
 */
static List *
common_schemas(SnapshotInfo *const info[2], List *schemas)
{
	List	   *common = schemas;

	for (int i = 0; i < 2; i++)
	{
		if (info[i] == NULL || info[i]->schemas == NIL)
			continue;
		if (common == NIL)
			common = info[i]->schemas;
		else
			common = sg_common_names(common, info[i]->schemas);
		if (common == NIL || (schemas != NIL && list_length(common) < list_length(schemas)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 common == NIL ? errmsg("there is no schema to compare") :
					 errmsg("snapshot \"%s\" is not of all schemas that are to be compared", info[i]->name),
					 errdetail("Snapshot \"%s\" is one of the schemas %s.",
							   info[i]->name, sg_quote_list(info[i]->schemas)),
					 errhint("Compare schemas that both snapshots have, or take a snapshot without schemas.")));
	}
	return common;
}

List *
drift_present_schemas(List *schemas)
{
	List	   *present = NIL;
	ListCell   *lc;

	foreach(lc, schemas)
	{
		if (OidIsValid(get_namespace_oid(lfirst(lc), true)))
			present = lappend(present, lfirst(lc));
	}
	return present;
}

static SnapshotReader *
open_side(const char *name, List *schemas, bool checksums)
{
	if (strcmp(name, SNAPSHOT_LIVE) == 0 && schemas)
	{
		schemas = drift_present_schemas(schemas);
		if (schemas == NIL)
			return NULL;
	}
	return snapshot_open(name, schemas, checksums);
}

/* ---- the merge ---- */

static char *
copy(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static DriftObject *
keep_object(DriftComparison *c, DriftSide side, const SnapshotObject *object)
{
	DriftObject *kept = palloc0(sizeof(DriftObject));

	kept->side = side;
	kept->kind = object->kind;
	kept->identity = copy(object->identity);
	kept->parent = copy(object->parent);
	kept->properties = (Jsonb *) pg_detoast_datum_copy((struct varlena *) object->properties);
	kept->oid = object->oid;
	kept->unknown = snapshot_unknown(object);
	c->objects[side] = lappend(c->objects[side], kept);

	return kept;
}

static int
compare_objects(const SnapshotObject *a, const SnapshotObject *b)
{
	if (a == NULL || b == NULL)
		return a ? -1 : 1;
	return a->kind == b->kind ? strcmp(a->identity, b->identity) : (int) a->kind - (int) b->kind;
}

/*
 * Returns whether two constraints or indexes have a generated name: the same
 * name may denote different ones, so they are matched by structure.
 */
static bool
is_named_by_chance(const SnapshotObject *a, const SnapshotObject *b)
{
	return drift_has_trait(a->kind, KIND_PART) &&
		drift_flag(a->properties, "automatic_name") && drift_flag(b->properties, "automatic_name");
}

static void
add_unknown(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b)
{
	DriftRow   *row = palloc0(sizeof(DriftRow));
	char	   *expected = snapshot_unknown(a);
	char	   *actual = snapshot_unknown(b);

	row->kind = snapshot_kinds[a->kind].word;
	row->object = copy(a->identity);
	row->change = DRIFT_CHANGED;
	row->class = CLASS_UNKNOWN;
	row->detail = expected && actual ? psprintf("not readable in either: %s", actual) :
		psprintf("not readable in the %s: %s", expected ? "reference" : "target", expected ? expected : actual);
	c->rows = lappend(c->rows, row);
}

static void
compare_same_name(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b)
{
	bool		unread = c->info[0]->unknown > 0 || c->info[1]->unknown > 0;

	if (unread && (snapshot_unknown(a) || snapshot_unknown(b)))
		add_unknown(c, a, b);
	else if (drift_keep_apart(c, a, b))
		return;
	else if (snapshot_same(a, b))
		drift_keep_same(c, a, b);
	else
	{
		List	   *differences = drift_differences(c, a, b);

		if (differences && is_named_by_chance(a, b))
		{
			keep_object(c, DRIFT_REFERENCE, a);
			keep_object(c, DRIFT_TARGET, b);
		}
		else
			c->changes = list_concat(c->changes, differences);
		if (differences == NIL)
			drift_keep_same(c, a, b);
	}
}

static void
merge(DriftComparison *c, SnapshotReader *readers[2])
{
	const SnapshotObject *a = readers[0] ? snapshot_next(readers[0]) : NULL;
	const SnapshotObject *b = readers[1] ? snapshot_next(readers[1]) : NULL;

	while (a || b)
	{
		int			order = compare_objects(a, b);

		CHECK_FOR_INTERRUPTS();
		if (order < 0)
			keep_object(c, DRIFT_REFERENCE, a);
		else if (order > 0)
			keep_object(c, DRIFT_TARGET, b);
		else
			compare_same_name(c, a, b);

		if (order <= 0)
			a = snapshot_next(readers[0]);
		if (order >= 0)
			b = snapshot_next(readers[1]);
	}
}

/* ---- rows ---- */

static int
compare_words(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int
compare_rows(const ListCell *a, const ListCell *b)
{
	const DriftRow *x = lfirst(a);
	const DriftRow *y = lfirst(b);
	int			order = strcmp(x->kind, y->kind);

	if (order == 0)
		order = strcmp(x->object, y->object);
	if (order == 0)
		order = compare_words(x->property, y->property);
	return order ? order : (int) x->change - (int) y->change;
}

/* Removes secrets in bodies and options from rows, which are stored, sent and printed */
static void
hide_secrets(List *rows)
{
	foreach_ptr(DriftRow, row, rows)
	{
		const char *expected = sg_hide_secrets(row->expected);
		const char *actual = sg_hide_secrets(row->actual);

		if (row->expected && row->actual && strcmp(row->expected, row->actual) != 0 && strcmp(expected, actual) == 0)
			row->detail = psprintf("%s%swhat differs is hidden: a secret", row->detail ? row->detail : "",
								   row->detail ? "; " : "");
		row->expected = expected;
		row->actual = actual;
	}
}

/* Returns whether two snapshots are equal by their checksums, so that no object needs to be read */
static bool
is_same(const SnapshotInfo *a, const SnapshotInfo *b)
{
	return a->has_checksum && b->has_checksum && a->unknown == 0 && b->unknown == 0 && a->format == b->format &&
		memcmp(a->checksum, b->checksum, SNAPSHOT_CHECKSUM_LENGTH) == 0;
}

void
drift_find_renamed(DriftComparison *c)
{
	drift_find_renamed_schemas(c);
	drift_match_children(c);
	drift_match_automatic(c);
	drift_find_renamed_tables(c);
	drift_match_children(c);
	drift_find_renamed_columns(c);
	drift_match_sequences(c);
}

static void
find_rows(DriftComparison *c, void *arg)
{
	drift_find_renamed(c);
	drift_find_moved(c);
	drift_match_automatic(c);
	drift_match_same_names(c);
	drift_fold(c);
	drift_report(c);
	list_sort(c->rows, compare_rows);
	hide_secrets(c->rows);
	if (c->live)
		drift_name_ddl(c->rows);
	drift_name_files(c);
	drift_mark_planned(c);
}

/* Pins the settings under which snapshots print names and strings */
static void
pin_settings(void)
{
	static const char *const settings[][2] = {
		{"quote_all_identifiers", "off"},
		{"standard_conforming_strings", "on"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		sg_scope_set(settings[i][0], settings[i][1]);
}

/* Returns the schemas without those that a plan has dropped, which a repeated sync still names */
static List *
without_dropped(List *schemas)
{
	List	   *rest = NIL;

	foreach_ptr(char, schema, schemas)
	{
		if (!plan_has_dropped_schema(schema))
			rest = lappend(rest, schema);
	}
	return rest;
}

/* Returns the header of a stored snapshot; NULL for this database */
static SnapshotInfo *
stored_info(const char *name)
{
	return strcmp(name, SNAPSHOT_LIVE) == 0 ? NULL : snapshot_get(name);
}

/*
 * Merges both sides into c, then calls finish(); does not call it if the sides
 * can't differ.
 */
void
drift_run(DriftComparison *c, const char *reference, const char *target, List *schemas,
		  void (*finish) (DriftComparison *c, void *arg), void *arg)
{
	static const SnapshotInfo nothing = {.name = SNAPSHOT_LIVE,.format = SNAPSHOT_FORMAT};
	SnapshotInfo *stored[2] = {stored_info(reference), stored_info(target)};
	SnapshotReader *readers[2];
	bool		whole = schemas == NIL;
	SgScope		caller;

	c->live = stored[1] == NULL;
	snapshot_check_schemas(reference, target, without_dropped(schemas));
	sg_progress_begin(SG_PROGRESS_COMPARE, 0, 0);
	schemas = common_schemas(stored, schemas);
	if (stored[0] && stored[1] && whole &&
		sg_equal_names(stored[0]->schemas, stored[1]->schemas) && is_same(stored[0], stored[1]))
	{
		sg_progress_end();
		return;
	}

	readers[0] = open_side(reference, schemas, c->keep_same);
	readers[1] = strcmp(reference, target) == 0 ? readers[0] : open_side(target, schemas, c->keep_same);
	for (int i = 0; i < 2; i++)
	{
		c->info[i] = readers[i] ? snapshot_info(readers[i]) : &nothing;
		if (stored[i] == NULL)
			memcpy(c->digest, c->info[i]->checksum, SNAPSHOT_CHECKSUM_LENGTH);
	}

	sg_caller_begin(&caller);
	pin_settings();
	/* compare checksums only between stored snapshots */
	if (readers[0] != readers[1] && !(stored[0] && stored[1] && is_same(c->info[0], c->info[1])))
	{
		if (c->live && stored[DRIFT_REFERENCE])
			drift_look_here(c, reference);
		merge(c, readers);
		drift_take_left_out(c);
		finish(c, arg);
	}
	sg_scope_end(&caller);
	for (int i = 0; i < 2; i++)
	{
		if (readers[i] && (i == 0 || readers[1] != readers[0]))
			snapshot_close(readers[i]);
	}
	sg_progress_end();
}

List *
drift_compare(const char *reference, const char *target, List *schemas, bool cosmetic)
{
	DriftComparison c = {.cosmetic = cosmetic};

	drift_run(&c, reference, target, schemas, find_rows, NULL);
	return c.rows;
}

/*
 * sg_drift(reference text, target text, schemas text[], cosmetic boolean)
 *
 * Returns how the target differs from the reference, each a snapshot or 'live'
 * for this database, and which look-up tables differ.  Needs the privileges for taking a snapshot; takes no lock
 * that could wait, and writes nothing.  Raises 42704 for a missing snapshot,
 * 42501 for somebody else's, 22023 if the two have no schema in common, 22004
 * for a null name.
 */
static Datum
sg_drift_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	char	   *reference = sg_arg_text(fcinfo, 0);
	char	   *target = sg_arg_text(fcinfo, 1);
	List	   *schemas = sg_arg_is_null(fcinfo, 2) ? NIL : sg_text_array_list(PG_GETARG_DATUM(2));
	bool		cosmetic = !sg_arg_is_null(fcinfo, 3) && PG_GETARG_BOOL(3);
	List	   *rows;

	sg_check_version();
	sg_sink_begin(&sink, fcinfo);
	rows = list_concat(drift_compare(reference, target, schemas, cosmetic), drift_lookup_rows(reference, target, schemas));
	snapshot_tell_same(reference, target);
	foreach_ptr(const DriftRow, row, rows)
	{
		sg_sink_text(&sink, row->kind);
		sg_sink_text(&sink, row->object);
		sg_sink_text(&sink, sg_word(drift_change_words, row->change));
		sg_sink_text(&sink, sg_word(drift_class_words, row->class));
		sg_sink_text(&sink, drift_risk_word(row->risk));
		sg_sink_text(&sink, row->property);
		sg_sink_text(&sink, row->expected);
		sg_sink_text(&sink, row->actual);
		sg_sink_text(&sink, row->detail);
		sg_sink_emit(&sink);
	}
	return (Datum) 0;
}
