/*-------------------------------------------------------------------------
 *
 * stamp.h
 *	  Trigger functions: who made and changed a row, and archived rows.
 *
 * A row is archived where the column that says so is true, if it is a
 * boolean, and else where it is not null.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_STAMP_H
#define SG_STAMP_H

#include "postgres.h"
#include "access/attnum.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/lsyscache.h"

static inline bool
stamp_is_boolean(Oid type)
{
	return getBaseType(type) == BOOLOID;
}

/* Returns whether a row is archived; never if column is 0 */
static inline bool
stamp_is_archived(TupleTableSlot *slot, AttrNumber column, bool boolean)
{
	bool		isnull;
	Datum		value;

	if (column == 0)
		return false;
	value = slot_getattr(slot, column, &isnull);
	return !isnull && (!boolean || DatumGetBool(value));
}

#endif							/* SG_STAMP_H */
