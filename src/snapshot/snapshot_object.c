/*-------------------------------------------------------------------------
 *
 * snapshot_object.c
 *	  Objects by kind and identity, in the words and the spelling that
 *	  snapshots use.
 *
 * Core's own identities are good for much.  But "c on public.t" does not sort
 * next to its table, and does not say whether it is a constraint or a trigger,
 * so that is public.t.c here; and a snapshot has the types of arguments as
 * SQL spells them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"

#include "snapshot/snapshot.h"
#include "snapshot/snapshot_object.h"

/* Core's words for types of objects that snapshots name differently */
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

	initStringInfo(&buf);
	foreach(lc, names)
		appendStringInfo(&buf, "%s%s", buf.len ? "." : "", snapshot_quote(lfirst(lc)));

	return buf.data;
}

/* Joins argument types, as format_type() prints them with only pg_catalog in search_path */
static char *
join_types(List *types)
{
	static const char prefix[] = "pg_catalog.";
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, types)
	{
		const char *type = lfirst(lc);

		appendStringInfo(&buf, "%s%s", buf.len ? ", " : "",
						 strncmp(type, prefix, strlen(prefix)) == 0 ? type + strlen(prefix) : type);
	}
	return buf.data;
}

char *
snapshot_default_privilege_identity(const char *role, const char *schema, const char *objects)
{
	return psprintf("FOR ROLE %s%s%s ON %s", snapshot_quote(role), schema ? " IN SCHEMA " : "",
					schema ? snapshot_quote(schema) : "", objects);
}

/* Returns the identity of default privileges, which core calls "for role a in schema b on tables" */
static char *
default_privilege(const char *core, List *names)
{
	const char *objects = NULL;

	for (const char *p = strstr(core, " on "); p; p = strstr(p + 1, " on "))
		objects = p + 4;
	if (objects == NULL)
		return pstrdup(core);
	return snapshot_default_privilege_identity(linitial(names), list_length(names) > 1 ? lsecond(names) : NULL,
											   asc_toupper(objects, strlen(objects)));
}

char *
snapshot_identity_of_parts(Oid classid, char *core, List *names, List *arguments)
{
	int			n = list_length(names);

	switch (classid)
	{
		case PublicationRelRelationId:
		case PublicationNamespaceRelationId:
			return arguments ? snapshot_join_names(arguments) : core;
		case RelationRelationId:
			return n > 1 ? snapshot_join_names(names) : core;
		case ProcedureRelationId:
			return n == 2 ? psprintf("%s(%s)", snapshot_join_names(names), join_types(arguments)) : core;
		case OperatorRelationId:
			return n == 2 ? psprintf("%s.%s(%s%s)", snapshot_quote(linitial(names)), (char *) lsecond(names),
									 list_length(arguments) == 1 ? "none, " : "", join_types(arguments)) : core;
		case UserMappingRelationId:
			return n == 1 && arguments ?
				psprintf("%s.%s", snapshot_join_names(arguments),
						 strcmp(linitial(names), "public") == 0 ? "PUBLIC" : snapshot_quote(linitial(names))) : core;
		case DefaultAclRelationId:
			return names ? default_privilege(core, names) : core;
		default:
			break;
	}
	if (snapshot_object_has_table(classid))
	{
		/*
		 * a domain's constraint: core gives the quoted type name, and the
		 * constraint's name as an argument
		 */
		if (n == 1 && arguments)
			return psprintf("%s.%s", (char *) linitial(names), snapshot_join_names(arguments));
		if (n > 1)
			return snapshot_join_names(names);
	}
	return core;
}

char *
snapshot_object_identity(const ObjectAddress *object)
{
	List	   *names = NIL;
	List	   *arguments = NIL;
	char	   *identity = getObjectIdentityParts(object, &names, &arguments, true);

	return identity ? snapshot_identity_of_parts(object->classId, identity, names, arguments) : NULL;
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
