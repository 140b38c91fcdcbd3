/*-------------------------------------------------------------------------
 *
 * impact_graph.c
 *	  Objects that DROP ... CASCADE would reach, by pg_depend.
 *
 * Breadth first, so that the depth of an object is that of the shortest way.
 * Which objects go without CASCADE is worked out afterwards, since a longer
 * way may be free of dependencies that need it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "rewrite/rewriteSupport.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/depend.h"
#include "impact/impact.h"

/* ---- the graph ---- */

static ImpactNode *
find_node(Impact *impact, const ObjectAddress *address)
{
	return hash_search(impact->nodes, address, HASH_FIND, NULL);
}

static ImpactNode *
add_node(Impact *impact, const ObjectAddress *address, ImpactNode *via)
{
	bool		found;
	ImpactNode *node = hash_search(impact->nodes, address, HASH_ENTER, &found);

	if (!found)
	{
		node->number = list_length(impact->order);
		node->depth = via ? via->depth + 1 : 0;
		node->via = via;
		node->edges = NIL;
		node->automatic = false;
		node->stays = false;
		node->recurses = via == NULL;
		node->mentioned = via && via->mentioned;
		impact->order = lappend(impact->order, node);
	}
	return node;
}

static ImpactNode *
add_edge(Impact *impact, ImpactNode *from, const ObjectAddress *to, bool automatic)
{
	ImpactEdge *edge = palloc(sizeof(ImpactEdge));

	edge->to = add_node(impact, to, from);
	edge->automatic = automatic;
	from->edges = lappend(from->edges, edge);
	return edge->to;
}

/*
 * Adds the same column of inheriting tables that have it from this table alone:
 * DROP COLUMN drops it by itself, not by pg_depend.  A column that is dropped
 * as a dependent, a generated one for example, does not recurse.
 */
static void
add_inherited_columns(Impact *impact, ImpactNode *node)
{
	char	   *column = get_attname(node->address.objectId, node->address.objectSubId, true);
	ListCell   *lc;

	if (column == NULL)
		return;
	foreach(lc, sg_children(node->address.objectId))
	{
		HeapTuple	tuple = SearchSysCacheAttName(lfirst_oid(lc), column);
		Form_pg_attribute attribute;
		ObjectAddress child;

		if (!HeapTupleIsValid(tuple))
			continue;
		attribute = (Form_pg_attribute) GETSTRUCT(tuple);
		ObjectAddressSubSet(child, RelationRelationId, lfirst_oid(lc), attribute->attnum);
		if (attribute->attinhcount == 1 && !attribute->attislocal)
			add_edge(impact, node, &child, true)->recurses = true;
		else if (find_node(impact, &child) == NULL)
			add_node(impact, &child, node)->stays = true;
		ReleaseSysCache(tuple);
	}
}

static void
expand(Impact *impact, ImpactNode *node)
{
	if (node->stays)
		return;
	foreach_ptr(SgDependency, dependency, sg_dependencies(&node->address, true))
	{
		ObjectAddress whole;

		if (sg_depend_covers(&node->address, &dependency->object))
			continue;
		whole = sg_depend_whole(dependency->object, &node->address);
		if (sg_depend_covers(&node->address, &whole))
			continue;
		add_edge(impact, node, &whole, dependency->type != DEPENDENCY_NORMAL);
	}
	if (node->recurses && node->address.classId == RelationRelationId && node->address.objectSubId != 0)
		add_inherited_columns(impact, node);
}

/* Expands the nodes from the n-th on: appends their dependents, which are expanded in turn */
static void
expand_from(Impact *impact, int n)
{
	for (; n < list_length(impact->order); n++)
	{
		CHECK_FOR_INTERRUPTS();
		expand(impact, list_nth(impact->order, n));
	}
}

/* Marks nodes that the root's drop takes along: those that go automatically with a node that does */
static void
mark_automatic(ImpactNode *root)
{
	List	   *queue = list_make1(root);

	root->automatic = true;
	while (queue != NIL)
	{
		ImpactNode *node = llast(queue);

		queue = list_delete_last(queue);
		foreach_ptr(ImpactEdge, edge, node->edges)
		{
			if (!edge->automatic || edge->to->automatic || edge->to->mentioned)
				continue;
			edge->to->automatic = true;
			queue = lappend(queue, edge->to);
		}
	}
}

Impact *
impact_build(const ObjectAddress *root)
{
	Impact	   *impact = palloc0(sizeof(Impact));
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(ObjectAddress);
	ctl.entrysize = sizeof(ImpactNode);
	ctl.hcxt = CurrentMemoryContext;
	impact->nodes = hash_create("schemaguard impact", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	impact->root = add_node(impact, root, NULL);
	expand_from(impact, 0);
	mark_automatic(impact->root);
	foreach_ptr(SgDependency, dependency, sg_dependencies(root, false))
	{
		if ((dependency->type == DEPENDENCY_INTERNAL || dependency->type == DEPENDENCY_EXTENSION) &&
			!sg_depend_covers(root, &dependency->object))
			impact->owners = lappend(impact->owners, &dependency->object);
	}

	return impact;
}

ImpactNode *
impact_add_mentioned(Impact *impact, const ObjectAddress *address, ImpactNode *via)
{
	int			n = list_length(impact->order);
	ImpactNode *node;

	if (find_node(impact, address))
		return NULL;
	node = add_node(impact, address, via);
	node->mentioned = true;
	expand_from(impact, n);
	return node;
}

/* ---- parts ---- */

static bool
is_internal_type(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(oid));
	bool		internal = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_type type = (Form_pg_type) GETSTRUCT(tuple);

		/* array types, multiranges, and row types of tables */
		internal = type->typtype == TYPTYPE_MULTIRANGE ||
			(OidIsValid(type->typelem) && get_array_type(type->typelem) == oid) ||
			(OidIsValid(type->typrelid) && get_rel_relkind(type->typrelid) != RELKIND_COMPOSITE_TYPE);
		ReleaseSysCache(tuple);
	}
	return internal;
}

static bool
is_internal_relation(Oid oid)
{
	char		relkind = get_rel_relkind(oid);

	return relkind == RELKIND_TOASTVALUE || relkind == RELKIND_COMPOSITE_TYPE ||
		get_rel_namespace(oid) == PG_TOAST_NAMESPACE ||
		((relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX) &&
		 OidIsValid(get_index_constraint(oid)));
}

static bool
is_internal_trigger(Oid oid)
{
	SgCatalog	triggers;
	HeapTuple	tuple;
	bool		internal;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, oid, NULL);
	tuple = sg_catalog_next(&triggers);
	internal = HeapTupleIsValid(tuple) && ((Form_pg_trigger) GETSTRUCT(tuple))->tgisinternal;
	sg_catalog_end(&triggers);
	return internal;
}

/*
 * Returns whether a constraint is a partition's clone of the partitioned
 * table's, or (18+) made for a column's NOT NULL
 */
static bool
is_clone(Oid oid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid));
	bool		clone = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		clone = OidIsValid(form->conparentid) || form->contype == 'n';
		ReleaseSysCache(tuple);
	}
	return clone;
}

/* Returns whether a rule is a view's _RETURN rule */
static bool
is_view_rule(const ObjectAddress *rule)
{
	List	   *names = NIL;
	List	   *arguments = NIL;

	return getObjectIdentityParts(rule, &names, &arguments, true) &&
		strcmp(llast(names), ViewSelectRuleName) == 0;
}

bool
impact_is_internal(const ImpactNode *node)
{
	Oid			oid = node->address.objectId;

	switch (node->address.classId)
	{
		case TypeRelationId:
			return is_internal_type(oid);
		case RelationRelationId:
			return node->address.objectSubId == 0 && is_internal_relation(oid);
		case TriggerRelationId:
			return is_internal_trigger(oid);
		case RewriteRelationId:
			return is_view_rule(&node->address);
		case AttrDefaultRelationId:
			{
				ObjectAddress column = GetAttrDefaultColumnAddress(oid);

				/*
				 * it changes with its column or table; but a new type of the
				 * root column itself must suit it
				 */
				return node->via && sg_depend_covers(&node->via->address, &column) &&
					(node->via->depth > 0 || node->via->address.objectSubId == 0);
			}
		case ConstraintRelationId:
			return is_clone(oid);
		default:
			return false;
	}
}
