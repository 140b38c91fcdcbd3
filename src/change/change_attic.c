/*-------------------------------------------------------------------------
 *
 * change_attic.c
 *	  Where dropped tables and views are kept, and what they leave behind.
 *
 * The schema is schemaguard_attic; what would meet something of its name
 * there goes to the first of schemaguard_attic_1, _2, ... that is free.  The
 * deed remembers, line by line, which one that is and the statements that
 * put a table back into its publications.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "plan/plan_deed.h"

/* ---- the schema ---- */

static bool
has_name(Oid schema, Oid relid)
{
	char	   *name = get_rel_name(relid);

	return name && OidIsValid(get_relname_relid(name, schema));
}

/* With the table go its row type, indexes and sequences; one that is gone meanwhile needs none */
static bool
has_room(Oid schema, Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);
	List	   *others;
	bool		room;

	if (rel == NULL)
		return true;
	others = list_concat_copy(RelationGetIndexList(rel), getOwnedSequences(relid));
	room = !has_name(schema, relid) &&
		!SearchSysCacheExists2(TYPENAMENSP, CStringGetDatum(RelationGetRelationName(rel)), ObjectIdGetDatum(schema));
	RelationClose(rel);
	foreach_oid(other, others)
	{
		room = room && !has_name(schema, other);
	}
	return room;
}

static char *
schema_for(Oid relid)
{
	char	   *name = SG_ATTIC;

	for (int n = 1;; n++)
	{
		Oid			schema = get_namespace_oid(name, true);

		if (!OidIsValid(schema) || has_room(schema, relid))
			return name;
		name = psprintf("%s_%d", SG_ATTIC, n);
	}
}

Oid
change_kept_relation(const PlanStep *step, const char *was, char **name)
{
	const char *schema = was && was[0] ? pnstrdup(was, strcspn(was, "\n")) : SG_ATTIC;

	*name = quote_qualified_identifier(schema, sg_parse_table_name(step->child_table).name);
	return sg_find_qualified(*name);
}

/* ---- publications ---- */

/* "ADD TABLE t (a, b) WHERE (c)" of a row of pg_publication_rel */
static char *
publish_statement(Relation catalog, HeapTuple tuple, const char *publication, Oid relid)
{
	StringInfoData buf;
	bool		isnull;
	Datum		datum;

	initStringInfo(&buf);
	appendStringInfo(&buf, "ALTER PUBLICATION %s ADD TABLE ONLY %s", quote_identifier(publication), sg_relation_name(relid));
	datum = heap_getattr(tuple, Anum_pg_publication_rel_prattrs, RelationGetDescr(catalog), &isnull);
	if (!isnull)
	{
		int2vector *columns = (int2vector *) DatumGetPointer(datum);
		List	   *names = NIL;

		for (int i = 0; i < columns->dim1; i++)
			names = lappend(names, get_attname(relid, columns->values[i], false));
		appendStringInfo(&buf, " (%s)", sg_quote_list(names));
	}
	datum = heap_getattr(tuple, Anum_pg_publication_rel_prqual, RelationGetDescr(catalog), &isnull);
	if (!isnull)
	{
		SgScope		scope;

		sg_caller_begin(&scope);
		appendStringInfo(&buf, " WHERE (%s)",
						 TextDatumGetCString(DirectFunctionCall2(pg_get_expr, datum, ObjectIdGetDatum(relid))));
		sg_scope_end(&scope);
	}
	return buf.data;
}

/* Is it there to say that the table is not published? */
static bool
is_exception(Relation catalog, HeapTuple tuple)
{
	AttrNumber	attnum = get_attnum(PublicationRelRelationId, "prexcept");
	bool		isnull;

	return attnum != InvalidAttrNumber && DatumGetBool(heap_getattr(tuple, attnum, RelationGetDescr(catalog), &isnull));
}

/* The table leaves those that name it; false with a problem */
static bool
leave_publications(Oid relid, ChangeMove *move, StringInfo was)
{
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, PublicationRelRelationId, PublicationRelPrrelidPrpubidIndexId, Anum_pg_publication_rel_prrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		char	   *name = get_publication_name(((Form_pg_publication_rel) GETSTRUCT(tuple))->prpubid, false);
		char	   *back;

		if (is_exception(scan.rel, tuple))
			continue;
		back = publish_statement(scan.rel, tuple, name, relid);
		if (strchr(back, '\n'))
			change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						   psprintf("it can't be kept: what publication %s shows of it is too long for one line", quote_identifier(name)),
						   "Take it out first: ALTER PUBLICATION ... DROP TABLE, as a statement of the plan with its undo.");
		appendStringInfo(was, "\n%s", back);
		move->statements = lappend(move->statements, psprintf("ALTER PUBLICATION %s DROP TABLE ONLY %s", quote_identifier(name),
															  sg_relation_name(relid)));
	}
	sg_catalog_end(&scan);
	return move->kind != MOVE_PROBLEM;
}

void
change_publish_again(const char *was, ChangeMove *move)
{
	const char *line = was ? strchr(was, '\n') : NULL;

	while (line)
	{
		char	   *statement = pnstrdup(line + 1, strcspn(line + 1, "\n"));
		List	   *parsed = raw_parser(statement, RAW_PARSE_DEFAULT);
		AlterPublicationStmt *stmt = castNode(AlterPublicationStmt, linitial_node(RawStmt, parsed)->stmt);

		if (OidIsValid(get_publication_oid(stmt->pubname, true)))
			move->last_statements = lappend(move->last_statements, statement);
		line = strchr(line + 1, '\n');
	}
}

/* ---- keeping ---- */

bool
change_into_attic(const PlanStep *step, Oid relid, ChangeMove *move)
{
	char	   *schema = schema_for(relid);
	StringInfoData was;

	initStringInfo(&was);
	appendStringInfoString(&was, schema);
	if (!leave_publications(relid, move, &was))
		return false;
	if (!OidIsValid(get_namespace_oid(schema, true)))
		move->owner_statements = lappend(move->owner_statements, psprintf("CREATE SCHEMA %s", schema));
	move->owner_statements = lappend(move->owner_statements, change_move_statement(step, step->child_table, schema));
	move->was = was.data;
	return true;
}

/* The deed of a step that has dropped something which is kept, or NULL */
static const PlanDeed *
deed_of(const PlanStep *step)
{
	const PlanDeed *found = NULL;

	foreach_ptr(PlanDeed, deed, plan_deeds(plan_get(step->plan), DEED_BIT(DEED_CHANGE)))
	{
		if (deed->step == step->step && deed->what->kind == STEP_DROP && (found == NULL || deed->id > found->id))
			found = deed;
	}
	return found;
}

char *
change_kept_as(const PlanStep *step)
{
	const PlanDeed *deed = deed_of(step);
	char	   *name;

	return deed && OidIsValid(change_kept_relation(deed->what, deed->was, &name)) ? name : NULL;
}

char *
change_kept_text(const PlanStep *step)
{
	const PlanDeed *deed = step->kind == STEP_DROP && !step->discard ? deed_of(step) : NULL;
	char	   *name;
	Oid			relid = deed ? change_kept_relation(deed->what, deed->was, &name) : InvalidOid;
	Datum		size;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_VIEW)
		return NULL;
	size = DirectFunctionCall1(pg_total_relation_size, ObjectIdGetDatum(relid));
	return psprintf("%s takes %s, since %s", name, TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, size)),
					timestamptz_to_str(deed->done_at));
}
