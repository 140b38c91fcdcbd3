/*-------------------------------------------------------------------------
 *
 * impact_text.c
 *	  Describes the effect of a change or a drop on a dependent object.
 *
 * Texts about a drop begin with "dropped" (goes along), "DROP fails" (needs
 * CASCADE) or "stays".
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "impact/impact.h"
#include "snapshot/snapshot_object.h"

#define STANDS_IN_THE_WAY "ALTER COLUMN TYPE fails for a column that it uses: drop it before, make it again afterwards"

const char *
impact_kind(const ObjectAddress *address)
{
	if (address->classId == AttrDefaultRelationId)
		return "default";
	return snapshot_object_kind(address);
}

static bool
is_generated(const ObjectAddress *column)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(column->objectId),
										Int16GetDatum(column->objectSubId));
	bool		generated;

	if (!HeapTupleIsValid(tuple))
		return false;
	generated = ((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated != '\0';
	ReleaseSysCache(tuple);
	return generated;
}

static char
constraint_type(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	char		type;

	if (!HeapTupleIsValid(tuple))
		return '\0';
	type = ((Form_pg_constraint) GETSTRUCT(tuple))->contype;
	ReleaseSysCache(tuple);
	return type;
}

/* ---- on change ---- */

/* Returns the effect of changing the type of the root column, or of a column of the root */
static const char *
on_column_change(const ImpactNode *node)
{
	const ObjectAddress *address = &node->address;

	switch (address->classId)
	{
		case RelationRelationId:
			switch (get_rel_relkind(address->objectId))
			{
				case RELKIND_VIEW:
				case RELKIND_MATVIEW:
					return STANDS_IN_THE_WAY;
				case RELKIND_INDEX:
				case RELKIND_PARTITIONED_INDEX:
					return "ALTER COLUMN TYPE builds it anew, unless the new type stores the same";
				case RELKIND_SEQUENCE:
					return "goes on";
			}
			if (address->objectSubId == 0)
				return "changes along: it inherits, or is a partition";
			if (is_generated(address))
				return "ALTER COLUMN TYPE fails for a column that it is generated from";
			if (address->objectId == node->via->address.objectId)
				return "goes on";
			if (node->via->address.classId == RelationRelationId)
				return node->stays ? "changes along: its table inherits" : "changes along: it is inherited";
			return "a change that rewrites the table fails while this column stores its row type";
		case RewriteRelationId:
		case PolicyRelationId:
			return STANDS_IN_THE_WAY;
		case TriggerRelationId:
			return "ALTER COLUMN TYPE fails for a column in its WHEN or UPDATE OF; its function meets the new type";
		case ProcedureRelationId:
			return "ALTER COLUMN TYPE fails for a column that its body uses";
		case PublicationRelRelationId:
			return "ALTER COLUMN TYPE fails for a column in its list or WHERE; subscribers need the new type first";
		case AttrDefaultRelationId:
			return "ALTER COLUMN TYPE casts it, or fails where there is no cast";
		case StatisticExtRelationId:
			return "ALTER COLUMN TYPE makes it anew, empty until ANALYZE";
		case ConstraintRelationId:
			switch (constraint_type(address->objectId))
			{
				case CONSTRAINT_FOREIGN:
					return "ALTER COLUMN TYPE makes it anew: both tables are locked, and all rows checked unless the type stores the same";
				case CONSTRAINT_CHECK:
					return "ALTER COLUMN TYPE checks all rows again";
				case CONSTRAINT_PRIMARY:
				case CONSTRAINT_UNIQUE:
				case CONSTRAINT_EXCLUSION:
					return "ALTER COLUMN TYPE builds its index anew, unless the new type stores the same";
			}
			return "goes on";
		default:
			return "look at it before a change";
	}
}

static const char *
on_type_change(const ImpactNode *node, Oid type)
{
	bool		is_column = node->address.classId == RelationRelationId && node->address.objectSubId != 0;

	switch (get_typtype(type))
	{
		case TYPTYPE_ENUM:
			return is_column ? "new and renamed values are there at once; a value can't be taken away" :
				"new and renamed values are there at once";
		case TYPTYPE_DOMAIN:
			return is_column ? "a new constraint of the domain checks its rows, and locks its table" :
				"meets the changed domain";
		case TYPTYPE_COMPOSITE:
			return is_column ? "changing the type's attributes fails while this column stores it" :
				"meets the changed type";
		default:
			return "look at it before a change";
	}
}

static const char *
on_function_change(const ImpactNode *node)
{
	switch (node->address.classId)
	{
		case RelationRelationId:
			if (node->address.objectSubId != 0)
				return "keeps what the old body computed; new rows get the new";
			switch (get_rel_relkind(node->address.objectId))
			{
				case RELKIND_INDEX:
				case RELKIND_PARTITIONED_INDEX:
					return "keeps what the old body computed: REINDEX";
				case RELKIND_MATVIEW:
					return "keeps what the old body computed: REFRESH";
			}
			break;
		case ConstraintRelationId:
			return "old rows are not checked again";
	}
	return "runs the new body at once; a new signature is another function";
}

const char *
impact_on_change(const Impact *impact, const ImpactNode *node)
{
	const ObjectAddress *root = &impact->root->address;

	if (node->mentioned)
		return "read it: its text may need the same change";
	if (node->depth > 1 && !(node->via && impact_is_internal(node->via)))
		return "only if what it uses changes with it";
	if (root->classId == RelationRelationId)
		return on_column_change(node);
	if (root->classId == TypeRelationId)
		return on_type_change(node, root->objectId);
	return on_function_change(node);
}

/* ---- on drop ---- */

/* Returns the effect of dropping a column that a view's query needs */
static const char *
on_column_drop(char relkind)
{
	switch (relkind)
	{
		case RELKIND_VIEW:
			return "DROP fails; CASCADE drops the whole view";
		case RELKIND_MATVIEW:
			return "DROP fails; CASCADE drops the whole materialized view with its rows";
		case RELKIND_COMPOSITE_TYPE:
			return "DROP fails; CASCADE takes the attribute away, with its values where the type is stored";
		default:
			return "DROP fails; CASCADE drops the column with its values";
	}
}

const char *
impact_on_drop(const Impact *impact, const ImpactNode *node)
{
	const ObjectAddress *address = &node->address;

	if (node->mentioned)
		return node->via && node->via->mentioned ? "stays; fails when it runs what breaks" : "stays; fails when it runs";
	if (node->stays)
		return "stays: it is the table's own";
	if (address->classId == PublicationRelRelationId)
		return node->automatic ? "dropped along: the publication goes on without the table" :
			"DROP fails; CASCADE takes the table out of the publication";
	if (node->automatic)
		return "dropped along";

	switch (address->classId)
	{
		case ConstraintRelationId:
			return constraint_type(address->objectId) == CONSTRAINT_FOREIGN ?
				"DROP fails; CASCADE drops the key, rows stay" : "DROP fails; CASCADE drops the constraint, rows stay";
		case AttrDefaultRelationId:
			return "DROP fails; CASCADE takes the default away";
		case ExtensionRelationId:
			return "DROP fails; CASCADE drops the whole extension";
		case RelationRelationId:
			if (address->objectSubId != 0)
				return on_column_drop(get_rel_relkind(address->objectId));
			switch (get_rel_relkind(address->objectId))
			{
				case RELKIND_RELATION:
				case RELKIND_PARTITIONED_TABLE:
				case RELKIND_MATVIEW:
					return "DROP fails; CASCADE drops it with its rows";
			}
			break;
	}
	return "DROP fails; CASCADE drops it";
}
