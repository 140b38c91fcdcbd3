/*-------------------------------------------------------------------------
 *
 * fk_cascade.c
 *	  Obstacles between a key's action and the rows of its child.
 *
 * ON DELETE and ON UPDATE change the child by ordinary statements, which a
 * user's BEFORE trigger or INSTEAD rule can swallow or bend: then the parent
 * is gone, the child stays, and nothing has failed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "nodes/parsenodes.h"
#include "rewrite/rewriteDefine.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/catalog.h"
#include "base/quote.h"
#include "fk/fk.h"
#include "fk/fk_internal.h"

/*
 * Changes of the child's rows by ON DELETE and ON UPDATE, for messages; NULL if
 * the key has no such action
 */
typedef struct Actions
{
	const char *deletes;
	const char *updates;
} Actions;

typedef struct Look
{
	const FkKey *key;
	Snapshot	snapshot;
	Actions		actions;
	char	   *doubt;			/* the first doubtful trigger or rule */
	uint64		mark;			/* of all */
} Look;

static Actions
actions_of(const FkKey *key)
{
	Actions		actions = {NULL, NULL};

	if (key->on_delete == FKCONSTR_ACTION_CASCADE)
		actions.deletes = "ON DELETE CASCADE";
	else if (key->on_delete == FKCONSTR_ACTION_SETNULL)
		actions.updates = "ON DELETE SET NULL";
	else if (key->on_delete == FKCONSTR_ACTION_SETDEFAULT)
		actions.updates = "ON DELETE SET DEFAULT";

	if (actions.updates == NULL && key->on_update == FKCONSTR_ACTION_CASCADE)
		actions.updates = "ON UPDATE CASCADE";
	else if (actions.updates == NULL && key->on_update == FKCONSTR_ACTION_SETNULL)
		actions.updates = "ON UPDATE SET NULL";
	else if (actions.updates == NULL && key->on_update == FKCONSTR_ACTION_SETDEFAULT)
		actions.updates = "ON UPDATE SET DEFAULT";
	return actions;
}

/*
 * Returns whether an UPDATE trigger fires for changes of the key's columns;
 * UPDATE OF names columns.  A partition's columns are matched by name.
 */
static bool
fires_for_key(const FkKey *key, Relation rel, HeapTuple tuple)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	bool		isnull;
	int2vector *columns = (int2vector *) DatumGetPointer(heap_getattr(tuple, Anum_pg_trigger_tgattr,
																	  RelationGetDescr(rel), &isnull));

	if (isnull || columns->dim1 == 0)
		return true;
	for (int i = 0; i < columns->dim1; i++)
	{
		char	   *name = get_attname(form->tgrelid, columns->values[i], true);

		for (int j = 0; name && j < key->nkeys; j++)
		{
			char	   *of_key = get_attname(key->child, key->child_att[j], true);

			if (of_key && strcmp(name, of_key) == 0)
				return true;
		}
	}
	return false;
}

/*
 * Records a trigger or rule with the version of its catalog row, which changes
 * when it is enabled or disabled.  One that fires is a doubt.
 */
static void
note(Look *look, const char *what, const char *name, HeapTuple version, Oid object, Oid relid, bool fires, const char *action)
{
	/* freezing leaves the raw xmin as it is */
	uint32		words[5] = {object, relid, HeapTupleHeaderGetRawXmin(version->t_data),
	ItemPointerGetBlockNumber(&version->t_self), ItemPointerGetOffsetNumber(&version->t_self)};

	look->mark += hash_bytes_extended((unsigned char *) words, sizeof(words), 0);
	if (fires && look->doubt == NULL)
		look->doubt = psprintf("%s %s of %s can keep rows from %s", what, quote_identifier(name),
							   sg_relation_name(relid), action);
}

/* Records a trigger that can change the fate of a row: BEFORE ... FOR EACH ROW only */
static void
visit_trigger(Look *look, Relation rel, HeapTuple tuple)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	const char *action = NULL;
	bool		fires = form->tgenabled == TRIGGER_FIRES_ON_ORIGIN || form->tgenabled == TRIGGER_FIRES_ALWAYS;

	if (!TRIGGER_FOR_BEFORE(form->tgtype) || !TRIGGER_FOR_ROW(form->tgtype))
		return;
	if (look->actions.deletes && TRIGGER_FOR_DELETE(form->tgtype))
		action = look->actions.deletes;
	else if (look->actions.updates && TRIGGER_FOR_UPDATE(form->tgtype) && fires_for_key(look->key, rel, tuple))
		action = look->actions.updates;
	if (action)
		note(look, "trigger", NameStr(form->tgname), tuple, form->oid, form->tgrelid, fires, action);
}

static void
visit_rule(Look *look, Relation rel, HeapTuple tuple)
{
	Form_pg_rewrite form = (Form_pg_rewrite) GETSTRUCT(tuple);
	CmdType		event = form->ev_type - '0';
	const char *action = event == CMD_DELETE ? look->actions.deletes :
		event == CMD_UPDATE ? look->actions.updates : NULL;

	if (action && form->is_instead)
		note(look, "rule", NameStr(form->rulename), tuple, form->oid, form->ev_class,
			 form->ev_enabled == RULE_FIRES_ON_ORIGIN || form->ev_enabled == RULE_FIRES_ALWAYS, action);
}

static void
scan_catalog(Look *look, Oid catalog, Oid index, AttrNumber column, Oid relid,
			 void (*visit) (Look *look, Relation rel, HeapTuple tuple))
{
	SgCatalog	rows;
	HeapTuple	tuple;

	sg_catalog_begin(&rows, catalog, index, column, relid, look->snapshot);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
		visit(look, rows.rel, tuple);
}

bool
fk_acts_on_child(const FkKey *key)
{
	Actions		actions = actions_of(key);

	return actions.deletes || actions.updates;
}

char *
fk_cascade_doubt(const FkKey *key, Snapshot snapshot, uint64 *mark)
{
	Look		look = {.key = key,.snapshot = snapshot,.actions = actions_of(key)};
	ListCell   *lc;

	if (fk_acts_on_child(key))
	{
		scan_catalog(&look, RewriteRelationId, RewriteRelRulenameIndexId,
					 Anum_pg_rewrite_ev_class, key->child, visit_rule);
		foreach(lc, sg_with_partitions(key->child))
			scan_catalog(&look, TriggerRelationId, TriggerRelidNameIndexId,
						 Anum_pg_trigger_tgrelid, lfirst_oid(lc), visit_trigger);
	}
	*mark = look.mark;
	return look.doubt;
}
