/*-------------------------------------------------------------------------
 *
 * fix_restore_refused.c
 *	  Which of many rows a key refuses that are to go back from quarantine.
 *
 *	  The server names one row that a key refuses, and only by an error: one
 *	  query finds all of them, while the rows are in their tables and no
 *	  AFTER trigger has fired.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_trigger.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "fix/fix.h"
#include "fix/fix_restore.h"
#include "fix/fix_sql.h"

/* Returns whether AFTER triggers of users fire for rows that go into a table: they could insert parents */
static bool
has_after_triggers(Oid table)
{
	bool		found = false;

	foreach_oid(part, sg_with_partitions(table))
	{
		Relation	rel = table_open(part, AccessShareLock);

		for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
		{
			const Trigger *trigger = &rel->trigdesc->triggers[i];

			found |= !trigger->tgisinternal && TRIGGER_FOR_INSERT(trigger->tgtype) && TRIGGER_FOR_AFTER(trigger->tgtype);
		}
		table_close(rel, AccessShareLock);
	}
	return found;
}

void
fix_find_refused(const FkKey *key, List *tables, const FixPlaces *rows, FixPlaces *refused)
{
	static const PlanStep no_step = {0};
	FixKey		judged = {.key = unconstify(FkKey *, key),.step = &no_step};
	FixPlaces	within;
	FixPlaces	sentinels;

	if (key->period || !key->armed || !fix_may_judge(key))
		return;
	foreach_oid(table, tables)
	{
		if (has_after_triggers(table))
			return;
	}
	fix_places_init(&within);
	fix_places_init(&sentinels);
	for (int64 i = 0; i < rows->n; i++)
	{
		if (sg_is_within(rows->places[i].leaf, key->child))
			fix_places_add(&within, rows->places[i].leaf, &rows->places[i].tid);
	}
	fix_judge(&judged, &within, refused, &sentinels);
}
