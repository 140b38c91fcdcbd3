/*-------------------------------------------------------------------------
 *
 * fkdiff_rename.c
 *	  Tables and columns that the target calls otherwise, as sg_drift() finds
 *	  them.
 *
 * From here on the keys of the target have the tables by the names that the
 * reference has; what these are called in the target is kept with the table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/quote.h"
#include "drift/drift.h"
#include "fkdiff/fkdiff.h"
#include "snapshot/snapshot_property.h"

static bool
has_columns(const KeyTable *table, List *columns)
{
	ListCell   *lc;

	if (table == NULL || !table->present)
		return false;
	foreach(lc, columns)
	{
		if (!sg_has_name(table->columns, lfirst(lc)))
			return false;
	}
	return true;
}

/*
 * Returns whether the other side has all tables and columns that the keys of a
 * side name, so that no rename matters
 */
static bool
knows_all(const KeySide *other, const KeySide *side)
{
	foreach_ptr(const SideKey, key, side->keys)
	{
		if (!has_columns(fkdiff_table(other, key->step->child_table), key->step->child_columns) ||
			!has_columns(fkdiff_table(other, key->step->parent_table), key->step->parent_columns))
			return false;
	}
	return true;
}

/* Stores the evidence of a rename ("score 0.80: ..."), without further remarks */
static void
note_evidence(KeyRename *rename, const DriftRow *row)
{
	rename->evidence = pnstrdup(row->detail, strcspn(row->detail, ";"));
	rename->guess = row->risk != DRIFT_SAFE;
}

static KeyRename *
make_rename(KeyRenamed what, const char *from, const char *to, const DriftRow *row)
{
	KeyRename  *rename = palloc0(sizeof(KeyRename));

	rename->what = what;
	rename->from = pstrdup(from);
	rename->to = pstrdup(to);
	note_evidence(rename, row);
	return rename;
}

/* Registers a table of the target under its new name */
static void
rename_table(KeySide *side, const char *from, const char *to, KeyRename *rename)
{
	KeyTable   *table = fkdiff_table(side, from);
	char	   *name = pstrdup(to);

	if (table == NULL || fkdiff_table(side, to) != NULL)
		return;
	if (table->called == NULL)
		table->called = table->identity;
	table->renames = lappend(table->renames, rename);
	sg_names_enter(side->tables, "", table->identity)->value = NULL;
	table->identity = name;
	sg_names_enter(side->tables, "", name)->value = table;
	foreach_ptr(SideKey, key, side->keys)
	{
		if (sg_same_text(key->step->child_table, from))
			key->step->child_table = name;
		if (sg_same_text(key->step->parent_table, from))
			key->step->parent_table = name;
	}
}

/* Registers the tables of a renamed schema of the target */
static void
rename_schema(KeySide *side, const DriftRow *row)
{
	KeyRename  *rename = make_rename(RENAMED_SCHEMA, row->actual, row->object, row);
	size_t		length = strlen(row->actual);

	foreach_ptr(SideKey, key, side->keys)
	{
		char	   *tables[] = {key->step->child_table, key->step->parent_table};

		for (int i = 0; i < lengthof(tables); i++)
		{
			if (strncmp(tables[i], row->actual, length) == 0 && tables[i][length] == '.')
				rename_table(side, tables[i], psprintf("%s%s", row->object, tables[i] + length), rename);
		}
	}
}

/* Registers a renamed table, whose schema may be registered as renamed already */
static void
rename_one_table(KeySide *side, const DriftRow *row)
{
	const char *from = row->actual;

	foreach_ptr(const SideKey, key, side->keys)
	{
		const char *tables[] = {key->step->child_table, key->step->parent_table};

		for (int i = 0; i < lengthof(tables); i++)
		{
			if (strcmp(fkdiff_called(side, tables[i]), row->actual) == 0)
				from = tables[i];
		}
	}
	rename_table(side, from, row->object, make_rename(RENAMED_TABLE, from, row->object, row));
}

const char *
fkdiff_called(const KeySide *side, const char *identity)
{
	KeyTable   *table = fkdiff_table(side, identity);

	if (table)
	{
		foreach_ptr(const KeyRename, rename, table->renames)
		{
			if (!rename->stated)
				return table->called;
		}
	}
	return identity;
}

/* Records a renamed column */
static void
note_column(KeyComparison *comparison, const DriftRow *row)
{
	const char *rest;
	List	   *to = sg_parse_names(row->object, &rest);
	List	   *from = sg_parse_names(row->actual, &rest);
	KeyRename  *rename;

	if (list_length(to) != 3 || list_length(from) != 3)
		return;
	rename = make_rename(RENAMED_COLUMN, lthird(from), lthird(to), row);
	rename->table = sg_qualified_name(linitial(to), lsecond(to));
	comparison->columns = lappend(comparison->columns, rename);
}

static bool
is_renamed(const DriftRow *row, SnapshotKind kind)
{
	return row->change == DRIFT_RENAMED && strcmp(row->kind, snapshot_kinds[kind].word) == 0;
}

void
fkdiff_rename(KeyComparison *comparison)
{
	List	   *rows;

	if (knows_all(&comparison->target, &comparison->reference) &&
		knows_all(&comparison->reference, &comparison->target))
		return;
	rows = drift_compare(comparison->reference.name, comparison->target.name, comparison->target.schemas, false);

	/* in the order of the migration */
	foreach_ptr(const DriftRow, row, rows)
	{
		if (is_renamed(row, KIND_SCHEMA))
			rename_schema(&comparison->target, row);
	}
	foreach_ptr(const DriftRow, row, rows)
	{
		if (is_renamed(row, KIND_TABLE))
			rename_one_table(&comparison->target, row);
		else if (is_renamed(row, KIND_COLUMN))
			note_column(comparison, row);
	}
	list_sort(comparison->target.keys, fkdiff_compare_keys);
}
