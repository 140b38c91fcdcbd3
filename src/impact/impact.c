/*-------------------------------------------------------------------------
 *
 * impact.c
 *	  sg_impact(): what depends on an object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "change/change.h"
#include "impact/impact.h"
#include "plan/plan_backfill.h"
#include "snapshot/snapshot_object.h"

SG_FUNCTION(sg_impact);

/* Returns the nearest node on the way to the root that the result shows */
static ImpactNode *
shown_via(const ImpactNode *node, bool internals)
{
	ImpactNode *via = node->via;

	while (via && via->depth > 0 && !internals && impact_is_internal(via))
		via = via->via;
	return via;
}

static int
shown_depth(const ImpactNode *node, bool internals)
{
	int			depth = 0;

	for (; node && node->depth > 0; node = shown_via(node, internals))
		depth++;
	return depth;
}

static char *
identity_or_dropped(const ObjectAddress *address)
{
	char	   *identity = snapshot_object_identity(address);

	return identity ? identity : pstrdup("(dropped)");
}

static void
emit_node(SgRowSink *sink, const Impact *impact, const ImpactNode *node, bool internals)
{
	char	   *identity = snapshot_object_identity(&node->address);
	ImpactNode *via = shown_via(node, internals);

	/* dropped meanwhile */
	if (identity == NULL)
		return;
	sg_sink_text(sink, impact_kind(&node->address));
	sg_sink_text(sink, identity);
	sg_sink_text(sink, node->mentioned ? "mentioned" : "certain");
	sg_sink_text(sink, impact_on_drop(impact, node));
	sg_sink_int32(sink, shown_depth(node, internals));
	sg_sink_text(sink, via ? identity_or_dropped(&via->address) : NULL);
	sg_sink_text(sink, impact_on_change(impact, node));
	sg_sink_emit(sink);
}

/* Emits the objects that the root is a part of */
static void
emit_owners(SgRowSink *sink, const Impact *impact)
{
	foreach_ptr(ObjectAddress, owner, impact->owners)
	{
		sg_sink_text(sink, impact_kind(owner));
		sg_sink_text(sink, identity_or_dropped(owner));
		sg_sink_text(sink, "certain");
		sg_sink_text(sink, "stays, and needs it: DROP fails, also with CASCADE");
		sg_sink_int32(sink, 1);
		sg_sink_text(sink, identity_or_dropped(&impact->root->address));
		sg_sink_text(sink, "look at it before a change");
		sg_sink_emit(sink);
	}
}

/* Query for objects that concern the table but are not in pg_depend; $1: its OID, $2: its name, $3: the column or null */
static const char beyond[] =
"SELECT 'publication' AS kind, pg_catalog.quote_ident(p.pubname) AS object,"
"       'goes on' AS on_change, 'stays, without it' AS on_drop"
" FROM pg_catalog.pg_publication p, pg_catalog.pg_class c"
" WHERE c.oid OPERATOR(pg_catalog.=) $1 AND c.relkind IN ('r', 'p') AND $3 IS NULL"
"   AND (p.puballtables OR EXISTS (SELECT FROM pg_catalog.pg_publication_namespace n"
"                                  WHERE n.pnpubid OPERATOR(pg_catalog.=) p.oid"
"                                    AND n.pnnspid OPERATOR(pg_catalog.=) c.relnamespace))"
" UNION ALL "
"SELECT 'plan step', s.plan OPERATOR(pg_catalog.||) ', step ' OPERATOR(pg_catalog.||) s.step,"
"       'sg_plan_check() tells whether its key still fits', 'stays; its key can''t be added any more'"
" FROM schemaguard.plan_step s"
" WHERE s.child_table OPERATOR(pg_catalog.=) $2 AND ($3 IS NULL OR $3 OPERATOR(pg_catalog.=) ANY (s.child_columns))"
"    OR s.parent_table OPERATOR(pg_catalog.=) $2 AND ($3 IS NULL OR $3 OPERATOR(pg_catalog.=) ANY (s.parent_columns))"
" ORDER BY 1, 2";

static void
emit_beyond(SgRowSink *sink, const ObjectAddress *root)
{
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID};
	Datum		values[3];
	char		nulls[] = "   ";
	SgScope		scope;

	if (root->classId != RelationRelationId)
		return;
	values[0] = ObjectIdGetDatum(root->objectId);
	values[1] = CStringGetTextDatum(sg_relation_name(root->objectId));
	if (root->objectSubId != 0)
		values[2] = CStringGetTextDatum(sg_column_name(root->objectId, root->objectSubId));
	else
		nulls[2] = 'n';

	sg_caller_begin(&scope);

	/*
	 * row_security on: leave out plans that the caller may not read, without
	 * an error
	 */
	sg_scope_set("row_security", "on");
	SPI_connect();
	if (SPI_execute_with_args(beyond, 3, types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		sg_sink_text(sink, sg_spi_text(row, desc, "kind"));
		sg_sink_text(sink, sg_spi_text(row, desc, "object"));
		sg_sink_text(sink, "certain");
		sg_sink_text(sink, sg_spi_text(row, desc, "on_drop"));
		sg_sink_int32(sink, 1);
		sg_sink_text(sink, identity_or_dropped(root));
		sg_sink_text(sink, sg_spi_text(row, desc, "on_change"));
		sg_sink_emit(sink);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

typedef struct Question
{
	SgRowSink	sink;
	const char *object;
	bool		internals;
} Question;

static void
explain(void *arg)
{
	Question   *question = arg;
	SgRowSink  *sink = &question->sink;
	ObjectAddress root = impact_find(question->object);
	Impact	   *impact = impact_build(&root);

	sg_sink_clear(sink);
	emit_owners(sink, impact);
	impact_read_bodies(impact);
	foreach_ptr(ImpactNode, node, impact->order)
	{
		if (node->depth > 0 && (question->internals || !impact_is_internal(node)))
			emit_node(sink, impact, node, question->internals);
	}
	emit_beyond(sink, &root);
}

/*
 * sg_impact(object text, internals boolean) -> kind text, dependent text, depth
 * int, via text, certainty text, on_change text, on_drop text
 *
 * Returns everything that depends on a table, column, type or function, nearest
 * first. internals: also objects that only exist as part of another one, such
 * as row types and the indexes of keys.  Reads the catalogs, which any role
 * may, and plans; takes no lock on the object.  Raises impact_find()'s errors
 * about names; 22004 for a null argument; 40001 if other sessions changed the
 * catalogs during each of four attempts.
 */
static Datum
sg_impact_entered(PG_FUNCTION_ARGS)
{
	bool		quote_all = quote_all_identifiers;
	Question	question;

	(void) sg_checked_owner();
	sg_arg_check(fcinfo, 1);

	sg_sink_begin(&question.sink, fcinfo);
	question.object = sg_arg_text(fcinfo, 0);
	question.internals = PG_GETARG_BOOL(1);
	PG_TRY();
	{
		quote_all_identifiers = false;
		sg_read(explain, &question);
	}
	PG_FINALLY();
	{
		quote_all_identifiers = quote_all;
	}
	PG_END_TRY();

	PG_RETURN_NULL();
}

/*
 * Returns the dependents of an object for steps of plans that rename or drop
 * it: what they announce, and what DROP fails on
 */
static List *
dependents_of(const ObjectAddress *object)
{
	Impact	   *impact = impact_build(object);
	List	   *dependents = NIL;

	impact_read_bodies(impact);
	foreach_ptr(const ImpactNode, node, impact->order)
	{
		ChangeDependent *dependent = palloc0(sizeof(ChangeDependent));
		char	   *identity = snapshot_object_identity(&node->address);

		/* what uses a sequence that goes along stops DROP, too */
		bool		is_along = node->depth == 2 && node->via->automatic && node->via->address.classId == RelationRelationId && get_rel_relkind(node->via->address.objectId) == RELKIND_SEQUENCE;

		if (node == impact->root || impact_is_internal(node) || identity == NULL || (node->depth > 1 && !is_along))
			continue;

		/*
		 * the drop removes the filler that reads the object, too
		 */
		if (plan_filler_has_identity(identity))
			continue;
		dependent->address = node->address;
		dependent->identity = psprintf("%s %s", impact_kind(&node->address), identity);
		dependent->blocks = !node->automatic && !node->mentioned && !node->stays;
		dependent->mentions = node->mentioned;
		dependent->along = is_along;
		dependents = lappend(dependents, dependent);
	}
	return dependents;
}

/*
 * Returns what DROP takes along only because of CASCADE, for statements; parts
 * of these objects are left out
 */
static List *
cascade_of(const ObjectAddress *object)
{
	List	   *names = NIL;
	Impact	   *impact = impact_build(object);
	bool	   *with_another = palloc0(sizeof(bool) * list_length(impact->order));

	foreach_ptr(const ImpactNode, node, impact->order)
	{
		foreach_ptr(const ImpactEdge, edge, node->edges)
		{
			with_another[edge->to->number] |= edge->automatic;
		}
	}
	foreach_ptr(const ImpactNode, node, impact->order)
	{
		char	   *identity = snapshot_object_identity(&node->address);

		if (node == impact->root || with_another[node->number] || node->stays || impact_is_internal(node) || identity == NULL)
			continue;
		names = lappend(names, psprintf("%s %s", impact_kind(&node->address), identity));
	}
	return names;
}

void
impact_init(void)
{
	change_cascade_hook = cascade_of;
	change_dependents_hook = dependents_of;
}
