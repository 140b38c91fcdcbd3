/*-------------------------------------------------------------------------
 *
 * drift_left_out.c
 *	  Objects that statements of migration files are about which could not run.
 *
 * sg_snapshot_from_files() leaves out statements that need an extension of
 * which the server has no files.  A difference in an object that these name,
 * or in a part of such a table, is unknown: with those statements the object
 * might be there, be gone, or be another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/nametable.h"
#include "drift/drift_compare.h"

/* Returns why an object is unknown, or NULL; of a part of a table its table counts */
static const char *
reason_of(SgNameTable *names, SnapshotKind kind, const char *identity, const char *parent)
{
	switch (kind)
	{
		case KIND_SCHEMA:
		case KIND_EXTENSION:
			return NULL;
		case KIND_COLUMN:
		case KIND_CONSTRAINT:
		case KIND_INDEX:
		case KIND_POLICY:
		case KIND_RULE:
		case KIND_TRIGGER:
			return parent ? sg_names_value(names, "", drift_name(parent)) : NULL;
		default:
			return sg_names_value(names, "", drift_name(identity));
	}
}

/* Adds a row, unless it is about the same object as the one before */
static void
add_row(DriftComparison *c, DriftSide side, SnapshotKind kind, char *identity, const char *reason)
{
	DriftRow   *row = c->rows ? llast(c->rows) : NULL;

	if (row && strcmp(row->object, identity) == 0 && strcmp(row->kind, snapshot_kinds[kind].word) == 0)
		return;
	row = palloc0(sizeof(DriftRow));
	row->kind = snapshot_kinds[kind].word;
	row->object = identity;
	row->change = DRIFT_CHANGED;
	row->class = CLASS_UNKNOWN;
	row->detail = psprintf("unknown in the %s: %s", side == DRIFT_REFERENCE ? "reference" : "target", reason);
	c->rows = lappend(c->rows, row);
}

void
drift_take_left_out(DriftComparison *c)
{
	for (int side = 0; side < 2; side++)
	{
		SgNameTable *names = snapshot_left_out(c->info[side]->name);
		const char *reason;
		ListCell   *lc;

		for (int i = 0; names && i < 2; i++)
		{
			foreach(lc, c->objects[i])
			{
				DriftObject *object = lfirst(lc);

				reason = reason_of(names, object->kind, object->identity, object->parent);
				if (reason == NULL)
					continue;
				add_row(c, side, object->kind, object->identity, reason);
				c->objects[i] = foreach_delete_current(c->objects[i], lc);
			}
		}
		foreach(lc, names ? c->changes : NIL)
		{
			DriftChange *change = lfirst(lc);

			reason = reason_of(names, change->kind, change->identity, change->parent);
			if (reason == NULL)
				continue;
			add_row(c, side, change->kind, change->identity, reason);
			c->changes = foreach_delete_current(c->changes, lc);
		}
	}
}
