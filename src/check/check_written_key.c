/*-------------------------------------------------------------------------
 *
 * check_written_key.c
 *	  Foreign keys that rows meet when a statement of a plan writes them.  New
 *	  rows need their parents; rows that refer to deleted ones matter, also
 *	  along ON DELETE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/gone.h"
#include "base/quote.h"
#include "check/check_written.h"

/* Length of a chain of keys that a DELETE is followed along */
#define MOST_CASCADES 5

/*
 * Number of keys that it is followed along in all, because tables that refer to
 * each other make the number of chains explode
 */
#define MOST_FOLLOWED 1000

static List *
child_columns(const FkKey *key)
{
	return written_names(key->child, key->child_att, key->nkeys);
}

static List *
parent_columns(const FkKey *key)
{
	return written_names(key->parent, key->parent_att, key->nkeys);
}

static bool
is_plain_key(const FkKey *key)
{
	return written_is_plain(key->child, child_columns(key)) && written_is_plain(key->parent, parent_columns(key)) && !key->period;
}

static char *
label_of(const FkKey *key)
{
	return psprintf("foreign key %s of %s", quote_identifier(key->name), sg_relation_name(key->child));
}

bool
written_needs_old(const Written *w, const char *column)
{
	foreach_ptr(const FkKey, key, w->check->declared)
	{
		if (key->enforced && !key->validated && sg_has_name(child_columns(key), column) &&
			(list_member_oid(sg_all_inheritors(w->table), key->child) || list_member_oid(sg_partition_ancestors(w->table), key->child)))
			return true;
	}
	return false;
}

/*
 * Returns the condition under which the server looks for the parent again: not
 * for an UPDATE that leaves the key unchanged
 */
static char *
is_changed(const Written *w, List *names)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const char, name, names)
	{
		appendStringInfo(&text, "%s\"~n\".%s IS DISTINCT FROM \"~n\".\"~old%d\"", text.len ? " OR " : "", quote_identifier(name), get_attnum(w->table, name));
	}
	return text.data;
}

/* Asks for parents of the new rows */
static void
add_parents(Written *w, const FkKey *key, WrittenPlace *place)
{
	List	   *child = child_columns(key);
	char	   *broken;
	WrittenRule *rule;

	if (!written_is_set(w, child) && (place->table == w->table || !written_is_partitioned(w)))
		return;
	if (!is_plain_key(key) || !written_is_known(w, child) || !place->known)
	{
		written_not_asked(w, label_of(key));
		return;
	}
	broken = psprintf("%s AND NOT %s", written_no_nulls(child), written_equal_row(key->parent, "~o", parent_columns(key), "~n", child, "true"));
	if (key->match == FKCONSTR_MATCH_FULL)
		broken = psprintf("(%s OR pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.*) pg_catalog.num_nonnulls(%s) OPERATOR(pg_catalog.>) 0)",
						  broken, written_columns(child), written_columns(child));
	if (!key->validated && w->event == CMD_UPDATE && !written_is_partitioned(w))
		broken = psprintf("(%s) AND %s", is_changed(w, child), broken);
	rule = written_add_condition(w, written_there(w, place, broken), psprintf("have no parent by %s", label_of(key)), written_place(w, key->parent) ? CHECK_WARN : CHECK_BLOCK);
	if (w->conflicts)
		written_soften(rule, ", unless ON CONFLICT leaves them out");
	else if (key->initially_deferred && !w->last)
		written_soften(rule, ", unless a later statement adds it");
	else if (!key->armed)
		written_soften(rule, psprintf(", unless the key is not looked at: %s", key->unarmed_reason));
	else if (written_fires(w, true))
		written_soften(rule, ", unless a trigger adds it");
	else if (!key->validated && w->event == CMD_UPDATE && written_is_partitioned(w))
		written_soften(rule, ", unless they have that value already");
}

static bool
is_check(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		result = tuple && ((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_CHECK;

	if (tuple)
		ReleaseSysCache(tuple);
	return result;
}

/* Returns whether a column that ON DELETE sets must have a value, or a CHECK demands one */
static bool
may_refuse_set(const FkKey *key)
{
	for (int i = 0; i < (key->ndelete_set ? key->ndelete_set : key->nkeys); i++)
	{
		AttrNumber	attnum = key->ndelete_set ? key->delete_set[i] : key->child_att[i];
		SgCatalog	scan;
		HeapTuple	tuple;
		bool		found = false;

		if (key->on_delete == FKCONSTR_ACTION_SETDEFAULT || sg_column(key->child, attnum).attnotnull)
			return true;
		sg_catalog_begin_depend(&scan, true, RelationRelationId, key->child, attnum);
		while (!found && (tuple = sg_catalog_next(&scan)) != NULL)
		{
			Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

			found = depend->classid == ConstraintRelationId && is_check(depend->objid);
		}
		sg_catalog_end(&scan);
		if (found)
			return true;
	}
	return false;
}

/* A key that a DELETE is followed along, and the one before it */
typedef struct Followed
{
	const FkKey *key;
	const struct Followed *before;
	int			depth;
} Followed;

/* Returns the rows of the key's child that refer to deleted ones, from the first deleted rows on */
static char *
along(const Written *w, const Followed *last, const char *more)
{
	char	   *row = last->before ? psprintf("~o%d", last->before->depth) : "~n";
	char	   *exists = written_equal_row(last->key->child, psprintf("~o%d", last->depth), child_columns(last->key), row, parent_columns(last->key), more);

	return last->before ? along(w, last->before, exists) : exists;
}

static bool
is_followed(const Followed *last, const FkKey *key)
{
	return last && (last->key == key || is_followed(last->before, key));
}

/* Returns why rows that refer to deleted ones need not keep these, or NULL */
static char *
why_let_go(const Written *w, const FkKey *key)
{
	if (!key->armed)
		return psprintf(", unless the key is not looked at: %s", key->unarmed_reason);
	if (key->initially_deferred && !w->last)
		return ", unless a later statement mends that";
	if (written_fires(w, true) || written_fires(w, false))
		return ", unless a trigger changes that";
	foreach_ptr(const FkKey, other, w->check->declared)
	{
		if (other->child == key->child && other->enforced && other->on_delete != FKCONSTR_ACTION_NOACTION && other->on_delete != FKCONSTR_ACTION_RESTRICT)
			return ", unless another key takes them along";
	}
	return written_place(w, key->child) ? ", unless they are deleted, too" : NULL;
}

/* Asks for rows that refer to deleted ones, and to those that these take along */
static void
add_referring(Written *w, Oid table, WrittenPlace *place, const Followed *before)
{
	List	   *tables = before ? list_concat(sg_with_partitions(table), sg_partition_ancestors(table)) : NIL;

	CHECK_FOR_INTERRUPTS();
	w->followed++;
	foreach_ptr(const FkKey, key, w->check->declared)
	{
		Followed	followed = {key, before, before ? before->depth + 1 : 0};
		WrittenRule *rule;
		char	   *what;
		char	   *unless;

		if (!key->enforced || !OidIsValid(key->parent) || !(before ? list_member_oid(tables, key->parent) : (place = written_place(w, key->parent)) != NULL))
			continue;
		if (key->on_delete == FKCONSTR_ACTION_CASCADE)
		{
			if (w->followed >= MOST_FOLLOWED)
				written_not_asked(w, psprintf("more than %d ways of keys", MOST_FOLLOWED));
			else if (followed.depth < MOST_CASCADES && !is_followed(before, key) && is_plain_key(key))
				add_referring(w, key->child, place, &followed);
			else if (!is_followed(before, key))
				written_not_asked(w, label_of(key));
			continue;
		}
		if (key->on_delete != FKCONSTR_ACTION_NOACTION && key->on_delete != FKCONSTR_ACTION_RESTRICT && !may_refuse_set(key))
			continue;
		if (!is_plain_key(key))
		{
			written_not_asked(w, label_of(key));
			continue;
		}
		what = key->on_delete == FKCONSTR_ACTION_NOACTION || key->on_delete == FKCONSTR_ACTION_RESTRICT ? "" :
			", which sets a column that may not be set so";
		rule = written_add_condition(w, written_there(w, place, along(w, &followed, "true")),
									 psprintf("%s referred to by %s%s", before ? "take rows along that are" : "are", label_of(key), what),
									 before || *what ? CHECK_WARN : CHECK_BLOCK);
		unless = before || *what ? NULL : why_let_go(w, key);
		if (unless)
			written_soften(rule, unless);
	}
}

void
written_add_keys(Written *w)
{
	if (w->event == CMD_DELETE)
	{
		add_referring(w, w->table, NULL, NULL);
		return;
	}
	foreach_ptr(const FkKey, key, w->check->declared)
	{
		WrittenPlace *place = key->enforced && OidIsValid(key->parent) ? written_place(w, key->child) : NULL;

		if (place)
			add_parents(w, key, place);
		if (key->enforced && w->event == CMD_UPDATE && written_place(w, key->parent) && written_is_set(w, parent_columns(key)))
			written_not_asked(w, label_of(key));
	}
}
