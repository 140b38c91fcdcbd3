/*-------------------------------------------------------------------------
 *
 * snapshot_object.c
 *	  Objects by kind and identity, in the words and the spelling that
 *	  snapshots use.
 *
 * Core's own identities are good for everything but what belongs to a table
 * or a domain: "c on public.t" does not sort next to its table, and does not
 * say whether it is a constraint or a trigger, so that is public.t.c here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "snapshot/snapshot_object.h"

/* Core's words for types of objects, where ours are others */
static const struct
{
	const char *description;
	const char *kind;
}			kinds[] =

{
	{"foreign table", "table"},
	{"toast table", "table"},
	{"composite type", "type"},
	{"table constraint", "constraint"},
	{"domain constraint", "constraint"},
	{"default value", "column"},
	{"statistics object", "statistics"},
	{"server", "foreign server"},
	{"foreign-data wrapper", "foreign data wrapper"},
	{"default acl", "default privilege"},
	{"publication relation", "publication"},
	{"publication namespace", "publication"},
};

const char *
snapshot_kind_of_description(const char *description)
{
	size_t		length = strlen(description);

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i].description, description) == 0)
			return kinds[i].kind;
	}
	/* "table column", "view column", ... */
	if (length > 7 && strcmp(description + length - 7, " column") == 0)
		return "column";
	return description;
}

char *
snapshot_object_kind(const ObjectAddress *object)
{
	char	   *description;

	if (object->classId == TypeRelationId && get_typtype(object->objectId) == TYPTYPE_DOMAIN)
		return "domain";
	description = getObjectTypeDescription(object, true);
	return description ? pstrdup(snapshot_kind_of_description(description)) : NULL;
}

bool
snapshot_object_has_table(Oid classid)
{
	return classid == ConstraintRelationId || classid == TriggerRelationId ||
		classid == PolicyRelationId || classid == RewriteRelationId ||
		classid == AttrDefaultRelationId;
}

char *
snapshot_join_names(List *names)
{
	StringInfoData buf;
	ListCell   *lc;
	bool		quote_all = quote_all_identifiers;

	quote_all_identifiers = false;
	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", buf.len ? "." : "", quote_identifier(lfirst(lc)));
	quote_all_identifiers = quote_all;

	return buf.data;
}

char *
snapshot_object_identity(const ObjectAddress *object)
{
	List	   *names = NIL;
	List	   *arguments = NIL;
	char	   *identity = getObjectIdentityParts(object, &names, &arguments, true);

	if (identity == NULL)
		return NULL;

	if (object->classId == PublicationRelRelationId || object->classId == PublicationNamespaceRelationId)
		return arguments ? snapshot_join_names(arguments) : identity;
	if (snapshot_object_has_table(object->classId))
	{
		/*
		 * of a domain: core gives its type's name, quoted, and the
		 * constraint's as an argument
		 */
		if (object->classId == ConstraintRelationId && list_length(names) == 1)
			return psprintf("%s.%s", (char *) linitial(names), snapshot_join_names(arguments));
		return snapshot_join_names(names);
	}
	return identity;
}

bool
snapshot_identity_is_temporary(const char *identity)
{
	if (strncmp(identity, "pg_temp", 7) == 0)
		identity += 7;
	else if (strncmp(identity, "pg_toast_temp", 13) == 0)
		identity += 13;
	else
		return false;

	if (*identity == '_')
		identity += 1 + strspn(identity + 1, "0123456789");
	return *identity == '.';
}
