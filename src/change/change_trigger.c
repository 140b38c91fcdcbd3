/*-------------------------------------------------------------------------
 *
 * change_trigger.c
 *	  Restored triggers: whether they fire, also on partitions.
 *
 *	  CREATE TRIGGER on a partitioned table, and ATTACH PARTITION, make a
 *	  trigger of each partition that fires as the one above it.  A partition's
 *	  own setting by ALTER TABLE ONLY is recorded with the deed, and restored
 *	  in the same transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "plan/plan_deed.h"

/* A trigger of a table, from its catalog row */
typedef struct Firing
{
	char	   *name;
	Oid			parent;			/* OID of the trigger above the partition's,
								 * or InvalidOid */
	char		fires;			/* tgenabled */
} Firing;

/* Returns the users' triggers of a table (Firing *) */
static List *
triggers_of(Oid table)
{
	List	   *triggers = NIL;
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		Firing	   *trigger = palloc(sizeof(Firing));

		if (form->tgisinternal)
			continue;
		trigger->name = pstrdup(NameStr(form->tgname));
		trigger->parent = form->tgparentid;
		trigger->fires = form->tgenabled;
		triggers = lappend(triggers, trigger);
	}
	sg_catalog_end(&scan);
	return triggers;
}

static const Firing *
find_trigger(Oid table, const char *name)
{
	foreach_ptr(const Firing, trigger, triggers_of(table))
	{
		if (strcmp(trigger->name, name) == 0)
			return trigger;
	}
	return NULL;
}

/* Returns the statement that makes a trigger fire so, by tgenabled */
static char *
fires_statement(const char *table, char fires, const char *trigger)
{
	return psprintf("ALTER TABLE %s %s TRIGGER %s", table,
					fires == TRIGGER_DISABLED ? "DISABLE" : fires == TRIGGER_FIRES_ALWAYS ? "ENABLE ALWAYS" :
					fires == TRIGGER_FIRES_ON_REPLICA ? "ENABLE REPLICA" : "ENABLE",
					quote_identifier(trigger));
}

/* ---- triggers of an attached partition ---- */

char *
change_partition_fires(Oid whole, Oid partition)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const Firing, trigger, triggers_of(partition))
	{
		const Firing *above = OidIsValid(trigger->parent) ? find_trigger(whole, trigger->name) : NULL;

		if (above && above->fires != trigger->fires)
			appendStringInfo(&text, " %c %s", trigger->fires, quote_identifier(trigger->name));
	}
	return text.data;
}

List *
change_partition_fires_again(const char *text, Oid whole, const char *partition)
{
	List	   *statements = NIL;

	for (text +=strspn(text, " "); *text; text +=strspn(text, " "))
	{
		char		fires = *text;
		char	   *name = linitial(sg_parse_names(text +strlen("D "), &text));
		const Firing *above = find_trigger(whole, name);

		if (above && above->fires != fires)
			statements = lappend(statements, fires_statement(psprintf("ONLY %s", partition), fires, name));
	}
	return statements;
}

/* ---- a recreated trigger ---- */

/*
 * A trigger's definition in a deed begins with WAS_ENABLED and its tgenabled,
 * then has WAS_PARTITION, tgenabled and name for each partition whose clone
 * fires otherwise.  All that is missing if the trigger and its clones fire as
 * CREATE TRIGGER makes them.
 */
#define WAS_ENABLED "enabled "
#define WAS_PARTITION "partition "

char *
change_fires(Oid table, const char *name)
{
	const Firing *trigger = find_trigger(table, name);
	StringInfoData text;

	if (trigger == NULL)
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a trigger");
	initStringInfo(&text);
	appendStringInfo(&text, WAS_ENABLED "%c ", trigger->fires);
	foreach_oid(partition, sg_all_inheritors(table))
	{
		const Firing *below = partition == table ? NULL : find_trigger(partition, name);

		if (below && OidIsValid(below->parent) && below->fires != trigger->fires)
			appendStringInfo(&text, WAS_PARTITION "%c %s %s ", below->fires, plan_deed_mark(partition), sg_relation_name(partition));
	}
	return strcmp(text.data, WAS_ENABLED "O ") == 0 ? "" : text.data;
}

List *
change_fires_again(const char **text, Oid table, const char *name)
{
	List	   *partitions = sg_all_inheritors(table);
	List	   *statements = NIL;

	if (strncmp(*text, WAS_ENABLED, strlen(WAS_ENABLED)) != 0)
		return NIL;
	*text +=strlen(WAS_ENABLED);
	if (**text !=TRIGGER_FIRES_ON_ORIGIN)
		statements = list_make1(fires_statement(sg_relation_name(table), **text, name));
	*text +=strlen("D ");
	while (strncmp(*text, WAS_PARTITION, strlen(WAS_PARTITION)) == 0)
	{
		char		fires = (*text)[strlen(WAS_PARTITION)];
		Oid			partition;
		bool		known;
		List	   *names;

		*text +=strlen(WAS_PARTITION "D ");
		known = plan_deed_read_mark(text, &partition);
		names = sg_parse_names(*text +strspn(*text, " "), text);
		*text +=strspn(*text, " ");
		if (!known)
			partition = sg_find_qualified(quote_qualified_identifier(linitial(names), llast(names)));
		if (list_member_oid(partitions, partition))
			statements = lappend(statements, fires_statement(psprintf("ONLY %s", sg_relation_name(partition)), fires, name));
	}
	return statements;
}
