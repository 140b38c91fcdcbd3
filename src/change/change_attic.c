/*-------------------------------------------------------------------------
 *
 * change_attic.c
 *	  Place where dropped tables and views are kept, and their effects on
 *	  other objects.
 *
 *	  The schema is schemaguard_attic, or the first of schemaguard_attic_1,
 *	  _2, ... in which no name of the relation is taken.  The roles with USAGE
 *	  on an attic are those with USAGE on the relation's former schema: the
 *	  relation's privileges stay as they are, and open it to nobody else.  The
 *	  deed remembers, line by line, that schema and the relation by OID, and
 *	  each publication with the part of a table that it sends.
 *
 *	  A view holds no rows: its text goes into the deed, and what is kept of it
 *	  reads nothing, so that what it has read can be changed and dropped.
 *
 *	  A partition is detached before, in a move and with a deed of its own,
 *	  which remembers the partitioned table, the triggers that fire otherwise
 *	  than its triggers, and in the next line the bound.  So it is attached
 *	  again last, when it is back in its place and its keys are valid, and the
 *	  tables of these are not read for them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "partitioning/partdesc.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/spi.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "plan/plan_deed.h"
#include "run/run_rights.h"

/* ---- the schema ---- */

/* Returns the names of a table's extended statistics that are in its schema */
static List *
statistics_names(Oid relid, Oid schema)
{
	SgCatalog	statistics;
	HeapTuple	tuple;
	List	   *names = NIL;

	sg_catalog_begin(&statistics, StatisticExtRelationId, StatisticExtRelidIndexId, Anum_pg_statistic_ext_stxrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&statistics)))
	{
		Form_pg_statistic_ext form = (Form_pg_statistic_ext) GETSTRUCT(tuple);

		if (form->stxnamespace == schema)
			names = lappend(names, pstrdup(NameStr(form->stxname)));
	}
	return names;
}

/* Returns the names of a table's indexes, and of the sequences that its columns own */
static List *
relation_names(Oid relid)
{
	SgCatalog	indexes;
	HeapTuple	tuple;
	List	   *relations = getOwnedSequences(relid);
	List	   *names = NIL;

	sg_catalog_begin(&indexes, IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&indexes)))
		relations = lappend_oid(relations, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
	foreach_oid(relation, relations)
	{
		char	   *name = get_rel_name(relation);

		if (name)
			names = lappend(names, name);
	}
	return names;
}

List *
change_move_statistics(Oid relid, const char *schema)
{
	Oid			from = get_rel_namespace(relid);
	List	   *statements = NIL;

	foreach_ptr(const char, name, statistics_names(relid, from))
	{
		statements = lappend(statements, psprintf("ALTER STATISTICS %s SET SCHEMA %s",
												  quote_qualified_identifier(sg_schema_name(from), name), quote_identifier(schema)));
	}
	return statements;
}

/* Checks names of the row type, indexes, sequences and statistics as well, which move with the table */
char *
change_name_in_use(Oid schema, Oid relid, const char *name)
{
	const char *used = NULL;

	if (SearchSysCacheExists2(TYPENAMENSP, CStringGetDatum(name), ObjectIdGetDatum(schema)))
		used = name;
	foreach_ptr(const char, relation, lcons(unconstify(char *, name), relation_names(relid)))
	{
		if (OidIsValid(get_relname_relid(relation, schema)))
			used = relation;
	}
	foreach_ptr(const char, one, statistics_names(relid, get_rel_namespace(relid)))
	{
		if (SearchSysCacheExists2(STATEXTNAMENSP, CStringGetDatum(one), ObjectIdGetDatum(schema)))
			used = one;
	}
	return used ? sg_qualified_name(sg_schema_name(schema), used) : NULL;
}

/* Returns the roles with USAGE in a schema's ACL, except superusers; 0 is PUBLIC */
static List *
roles_of(const Acl *acl)
{
	const AclItem *items = ACL_DAT(acl);
	List	   *roles = NIL;

	for (int i = 0; i < ACL_NUM(acl); i++)
	{
		if ((ACLITEM_GET_PRIVS(items[i]) & ACL_USAGE) && !superuser_arg(items[i].ai_grantee))
			roles = list_append_unique_oid(roles, items[i].ai_grantee);
	}
	return roles;
}

/* Returns the roles with USAGE on a schema, except superusers; only 0 if PUBLIC has it */
static List *
roles_with_usage(Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	bool		isnull;
	Datum		acl;
	List	   *roles;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_SCHEMA, "a schema");
	acl = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &isnull);
	roles = roles_of(isnull ? acldefault(OBJECT_SCHEMA, ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner) : DatumGetAclP(acl));
	ReleaseSysCache(tuple);
	return list_member_oid(roles, ACL_ID_PUBLIC) ? list_make1_oid(ACL_ID_PUBLIC) : roles;
}

static bool
same_roles(Oid schema, Oid other)
{
	List	   *roles = roles_with_usage(schema);
	List	   *others = roles_with_usage(other);

	return list_difference_oid(roles, others) == NIL && list_difference_oid(others, roles) == NIL;
}

/* Returns names of roles, PUBLIC among them, for GRANT and REVOKE; dropped roles are left out */
static char *
role_list(List *roles)
{
	StringInfoData buf;

	initStringInfo(&buf);
	foreach_oid(role, roles)
	{
		char	   *name = role == ACL_ID_PUBLIC ? NULL : GetUserNameFromId(role, true);

		if (name || role == ACL_ID_PUBLIC)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", name ? quote_identifier(name) : "PUBLIC");
	}
	return buf.data;
}

/*
 * Returns the statements that create a schema on which the same roles have
 * USAGE as on another one, whatever default privileges are
 */
static List *
make_attic(const char *name, Oid like)
{
	const Acl  *defaults = get_user_default_acl(OBJECT_SCHEMA, sg_checked_owner(), InvalidOid);
	char	   *revoked = defaults ? role_list(roles_of(defaults)) : "";
	char	   *granted = role_list(roles_with_usage(like));
	List	   *statements = list_make1(psprintf("CREATE SCHEMA %s", name));

	if (*revoked)
		statements = lappend(statements, psprintf("REVOKE ALL ON SCHEMA %s FROM %s", name, revoked));
	if (*granted)
		statements = lappend(statements, psprintf("GRANT USAGE ON SCHEMA %s TO %s", name, granted));
	return statements;
}

static char *
schema_for(Oid relid)
{
	char	   *name = SG_ATTIC;

	for (int n = 1;; n++)
	{
		Oid			schema = get_namespace_oid(name, true);

		if (!OidIsValid(schema) ||
			(sg_is_attic(schema) && same_roles(schema, get_rel_namespace(relid)) &&
			 change_name_in_use(schema, relid, sg_rel_name(relid)) == NULL))
			return name;
		name = psprintf("%s_%d", SG_ATTIC, n);
	}
}

static uint32
hash_of_name(const NameData *name)
{
	return hash_bytes((const unsigned char *) NameStr(*name), strlen(NameStr(*name)));
}

/* Returns a hash of a relation's kind, and of its columns' names and types; 0 if it is gone */
static uint32
shape_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	FormData_pg_attribute column;
	AttrNumber	natts;
	uint32		shape;

	if (!HeapTupleIsValid(tuple))
		return 0;
	natts = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	shape = ((Form_pg_class) GETSTRUCT(tuple))->relkind;
	ReleaseSysCache(tuple);
	for (AttrNumber attnum = 1; attnum <= natts; attnum++)
	{
		HeapTuple	type;

		if (!sg_read_column(relid, attnum, &column))
			continue;
		type = SearchSysCache1(TYPEOID, ObjectIdGetDatum(column.atttypid));
		if (!HeapTupleIsValid(type))
			continue;
		shape = hash_combine(hash_combine(shape, hash_of_name(&column.attname)), hash_of_name(&((Form_pg_type) GETSTRUCT(type))->typname));
		ReleaseSysCache(type);
	}
	return shape;
}

/* A kept relation, as its deed describes it in a text, after the name of the schema that keeps it */
typedef struct Kept
{
	bool		here;			/* the OIDs are of this database */
	Oid			relid;
	uint32		shape;			/* 0: an old deed, without a shape */
	Oid			schema;			/* former schema, or InvalidOid */
} Kept;

#define WAS_SHAPE " %08x %u"

static Kept
read_kept(const char *was)
{
	const char *rest = was ? was + strcspn(was, " \n") : "";
	Kept		kept = {0};

	if (*rest != ' ')
		return kept;
	kept.here = plan_deed_read_mark(&rest, &kept.relid);
	(void) sscanf(rest, WAS_SHAPE, &kept.shape, &kept.schema);
	return kept;
}

bool
change_knows_kept(const char *was)
{
	return read_kept(was).here;
}

bool
change_goes_by_name(const PlanDeed *deed)
{
	Kept		kept = read_kept(deed->was);
	char	   *name;

	return !change_is_detached(deed) && (!kept.here || shape_of(kept.relid) == 0) && OidIsValid(change_kept_relation(deed, &name));
}

/*
 * Returns the relation that a deed has kept, with its name: by its OID, so that
 * another one of the name does not count; where the deed is of another
 * database, or the relation is gone, as when a dump was restored over it, by its
 * name and shape, unless another deed has kept it here, or later
 */
Oid
change_kept_relation(const PlanDeed *deed, char **name)
{
	const char *was = deed->was;
	const char *schema = was && was[0] ? pnstrdup(was, strcspn(was, " \n")) : SG_ATTIC;
	const char *relname = sg_parse_table_name(deed->what->child_table).name;
	Kept		kept = read_kept(was);
	Oid			named;

	*name = quote_qualified_identifier(schema, relname);
	if (kept.here && shape_of(kept.relid) != 0)
	{
		*name = sg_relation_name(kept.relid);
		return kept.relid;
	}
	named = sg_find_qualified(*name);
	if (!OidIsValid(named) || ((kept.here || kept.shape != 0) && kept.shape != shape_of(named)) || plan_deed_keeps_relation(named) ||
		plan_deed_is_outdated(deed, schema, relname))
		return InvalidOid;
	return named;
}

char *
change_like_kept(const PlanDeed *deed, Oid except)
{
	const char *relname = sg_parse_table_name(deed->what->child_table).name;
	Oid			former = change_schema_before(deed->what, deed->was);
	uint32		shape = read_kept(deed->was).shape;
	CatCList   *list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(relname));
	List	   *relids = NIL;
	StringInfoData names;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(&list->members[i]->tuple);

		if (form->relnamespace != former && form->relpersistence != RELPERSISTENCE_TEMP && form->oid != except)
			relids = lappend_oid(relids, form->oid);
	}
	ReleaseCatCacheList(list);
	list_sort(relids, list_oid_cmp);
	initStringInfo(&names);
	foreach_oid(relid, relids)
	{
		if (shape != 0 && shape_of(relid) == shape && !plan_deed_keeps_relation(relid))
			appendStringInfo(&names, "%s%s", names.len ? ", " : "", sg_relation_name(relid));
	}
	return names.len ? names.data : NULL;
}

Oid
change_schema_before(const PlanStep *step, const char *was)
{
	Kept		kept = read_kept(was);

	if (kept.here && SearchSysCacheExists1(NAMESPACEOID, ObjectIdGetDatum(kept.schema)))
		return kept.schema;
	return get_namespace_oid(sg_parse_table_name(step->child_table).schema, true);
}

/*
 * Returns the first of some characters in a text, or its end; characters
 * between double quotes do not count
 */
static const char *
end_of_name(const char *name, const char *ends)
{
	bool		quoted = false;

	for (; *name && (quoted || strchr(ends, *name) == NULL); name++)
		quoted ^= *name == '"';
	return name;
}

/* ---- publications ---- */

void
change_note(ChangeMove *move, char *text)
{
	move->note = move->note ? psprintf("%s; %s", move->note, text) : text;
}

void
change_stays(ChangeMove *move, char *text)
{
	change_note(move, text);
	move->stays = move->stays ? psprintf("%s; %s", move->stays, text) : text;
}

/*
 * Returns publications by these rules: a column list says which columns are
 * sent, generated ones too; without a list, generated columns are not sent,
 * except stored ones if the publication says so.  A partition is sent under its
 * own name, and a partitioned table not at all, unless
 * publish_via_partition_root is on. prexcept exists from 19 on.
 */
char *
change_published(List *tables, const char *column, bool changes)
{
#define PUBLISHED(WHICH) \
	"SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname)" \
	" FROM pg_publication p, (SELECT split_part($1, ' ', 1)::oid[], substr($1, strpos($1, ' ') + 1)) t (relids, name)" \
	" WHERE " WHICH " EXISTS (" \
	"  SELECT FROM pg_class o CROSS JOIN LATERAL (SELECT o.oid UNION SELECT a.relid FROM pg_partition_ancestors(o.oid) a WHERE NOT p.pubviaroot) l" \
	"    JOIN pg_class c ON c.oid = l.oid LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid" \
	"    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = t.name" \
	"  WHERE o.relpersistence = 'p' AND (o.relkind = 'r' OR o.relkind = 'p' AND p.pubviaroot) AND NOT coalesce((to_jsonb(r) ->> 'prexcept')::boolean, false)" \
	"    AND (r.oid IS NOT NULL OR p.puballtables OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = c.relnamespace))" \
	"    AND CASE WHEN t.name = '' THEN true WHEN r.prattrs IS NOT NULL THEN coalesce(a.attnum = ANY (r.prattrs), false)" \
	"             ELSE coalesce(a.attgenerated, '') = '' OR a.attgenerated = 's' AND coalesce(to_jsonb(p) ->> 'pubgencols' = 's', false) END" \
	"    AND o.oid = ANY (t.relids)) HAVING count(*) > 0"
	StringInfoData sent;
	Datum		names;

	initStringInfo(&sent);
	foreach_oid(relid, tables)
	{
		appendStringInfo(&sent, "%s%u", sent.len ? "," : "{", relid);
	}
	appendStringInfo(&sent, "%s} %s", sent.len ? "" : "{", column ? column : "");
	return sg_owner_fetch(changes ? PUBLISHED("(p.pubupdate OR p.pubdelete) AND") : PUBLISHED(""), sent.data, &names) ? TextDatumGetCString(names) : NULL;
#undef PUBLISHED
}

char *
change_published_in(Oid schema, Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	Datum		names;

	if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) || sg_rel_persistence(relid) != RELPERSISTENCE_PERMANENT)
		return NULL;
	return sg_owner_fetch("SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname)"
						  " FROM pg_publication p, (SELECT split_part($1, ' ', 1)::oid, split_part($1, ' ', 2)::oid) t (schema, relid)"
						  " WHERE p.puballtables AND NOT EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = t.relid)"
						  "   OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = t.schema) HAVING count(*) > 0",
						  psprintf("%u %u", schema, relid), &names) ? TextDatumGetCString(names) : NULL;
}

/* Returns "publication (a, b) WHERE (c)" of a row of pg_publication_rel */
static char *
publish_text(Relation catalog, HeapTuple tuple, const char *publication, Oid relid)
{
	StringInfoData buf;
	bool		isnull;
	Datum		datum;

	initStringInfo(&buf);
	appendStringInfoString(&buf, quote_identifier(publication));
	datum = heap_getattr(tuple, Anum_pg_publication_rel_prattrs, RelationGetDescr(catalog), &isnull);
	if (!isnull)
	{
		int2vector *columns = (int2vector *) DatumGetPointer(datum);
		List	   *names = NIL;

		for (int i = 0; i < columns->dim1; i++)
			names = lappend(names, sg_column_name(relid, columns->values[i]));
		appendStringInfo(&buf, " (%s)", sg_quote_list(names));
	}
	datum = heap_getattr(tuple, Anum_pg_publication_rel_prqual, RelationGetDescr(catalog), &isnull);
	if (!isnull)
	{
		SgScope		scope;

		change_text_begin(&scope);
		appendStringInfo(&buf, " WHERE (%s)",
						 sg_expression(datum, relid));
		sg_scope_end(&scope);
	}
	return buf.data;
}

/* Returns whether the row excludes the table from the publication */
static bool
is_exception(Relation catalog, HeapTuple tuple)
{
	AttrNumber	attnum = get_attnum(PublicationRelRelationId, "prexcept");
	bool		isnull;

	return attnum != InvalidAttrNumber && DatumGetBool(heap_getattr(tuple, attnum, RelationGetDescr(catalog), &isnull));
}

/* Removes the table from publications that name it; returns false with a problem */
static bool
leave_publications(Oid relid, ChangeMove *move, StringInfo was)
{
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, PublicationRelRelationId, PublicationRelPrrelidPrpubidIndexId, Anum_pg_publication_rel_prrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		char	   *name = get_publication_name(((Form_pg_publication_rel) GETSTRUCT(tuple))->prpubid, true);
		char	   *back;

		/* the publication is being dropped */
		if (name == NULL || is_exception(scan.rel, tuple))
			continue;
		back = psprintf("%s %s", plan_deed_mark(((Form_pg_publication_rel) GETSTRUCT(tuple))->prpubid),
						publish_text(scan.rel, tuple, name, relid));
		if (strchr(back, '\n'))
			change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						   psprintf("it can't be kept: the text by which publication %s names it has more than one line", quote_identifier(name)),
						   "Take it out first: ALTER PUBLICATION ... DROP TABLE, as a statement of the plan with its undo.");
		appendStringInfo(was, "\n%s", back);
		move->statements = lappend(move->statements, psprintf("ALTER PUBLICATION %s DROP TABLE ONLY %s", quote_identifier(name),
															  sg_relation_name(relid)));
	}
	sg_catalog_end(&scan);
	return move->kind != MOVE_PROBLEM;
}

/*
 * Returns the statement that adds a table to a publication again, from a line
 * of a deed, or NULL if the publication, which is known by its OID or name, is
 * gone: the move then tells of it, and has the statement as a remedy
 */
static char *
publish_statement(const PlanDeed *deed, const char *line, ChangeMove *move)
{
	const char *rest = line;
	Oid			publication;
	bool		known = plan_deed_read_mark(&rest, &publication);
	const char *name = rest += strspn(rest, " ");
	char	   *then;
	char	   *now;
	char	   *statement;
	AlterPublicationStmt *parsed;

	rest = end_of_name(name, " ");
	then = pnstrdup(name, rest - name);
	if (!known)
		publication = get_publication_oid(linitial(sg_parse_names(then, &line)), true);
	now = OidIsValid(publication) ? get_publication_name(publication, true) : NULL;
	statement = psprintf("ALTER PUBLICATION %s ADD TABLE ONLY %s%s", now ? quote_identifier(now) : then, deed->what->child_table, rest);
	if (now == NULL)
	{
		char	   *gone = psprintf(known ? "publication %s, which has shown it, is gone" :
									"publication %s, which has shown it, is not found, and nothing but its name is known: if it has another one, add the table to it", then);

		change_stays(move, gone);
		move->show_again = psprintf("%s%s;", move->show_again ? psprintf("%s\n", move->show_again) : "", statement);
		return NULL;
	}
	if (!known)
		change_note(move, psprintf("publication %s shows it again, found by its name alone", then));
	parsed = (AlterPublicationStmt *) change_kept_statement(deed->what, statement, T_AlterPublicationStmt, move);
	if (parsed && list_length(parsed->pubobjects) != 1)
		change_problem(move, ERRCODE_DATA_CORRUPTED, psprintf("the recorded text of publication %s names more than this table", quote_identifier(now)),
					   "Add the table to the publication by hand, and skip the step.");
	return statement;
}

void
change_publish_again(const PlanDeed *deed, ChangeMove *move)
{
	const char *line = deed->was ? strchr(deed->was, '\n') : NULL;

	while (line)
	{
		char	   *statement = publish_statement(deed, pnstrdup(line + 1, strcspn(line + 1, "\n")), move);

		if (statement)
			move->last_statements = lappend(move->last_statements, statement);
		line = strchr(line + 1, '\n');
	}
}

/* ---- partitions ---- */

/* Begins the text of a detached partition's deed: no schema has such a name */
#define WAS_PARTITION "partition of "

bool
change_is_detached(const PlanDeed *deed)
{
	return deed->was && strncmp(deed->was, WAS_PARTITION, strlen(WAS_PARTITION)) == 0;
}

static char *
partition_bound(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	char	   *bound = NULL;
	bool		isnull;
	Datum		datum;
	SgScope		scope;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a table");
	datum = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &isnull);
	change_text_begin(&scope);
	if (!isnull)
		bound = sg_expression(datum, relid);
	sg_scope_end(&scope);
	ReleaseSysCache(tuple);
	return bound;
}

/*
 * Returns a key that refers to the partitioned table: before a partition
 * leaves, the server looks for rows that refer to it
 */
static const FkKey *
key_to_whole(Oid relid)
{
	List	   *ancestors = sg_partition_ancestors(relid);

	foreach_ptr(const FkKey, key, fk_declared(InvalidOid))
	{
		if (list_member_oid(ancestors, key->parent))
			return key;
	}
	return NULL;
}

void
change_detach(const PlanStep *step, Oid relid, ChangeMove *move)
{
	bool		leaving;
	Oid			whole = sg_partition_parent(relid, &leaving);
	char	   *bound = partition_bound(relid);
	const FkKey *key = key_to_whole(relid);
	char	   *lack = run_lacks_ownership("partition", relid);

	if (!OidIsValid(whole))
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a partition");
	if (lack)
		change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE, lack, NULL);
	else if (leaving)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   "a DETACH CONCURRENTLY of the partition is pending",
					   fk_owner_hint("End it, and CALL again", whole, InvalidOid,
									 psprintf("ALTER TABLE %s DETACH PARTITION %s FINALIZE", sg_relation_name(whole), step->child_table)));
	else if (key)
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("DETACH would look, under ACCESS EXCLUSIVE, for rows of %s that refer to the partition by key %s",
								sg_relation_name(key->child), quote_identifier(key->name)),
					   fk_owner_hint("Run it outside of a transaction, and CALL again", whole, InvalidOid,
									 psprintf("ALTER TABLE %s DETACH PARTITION %s CONCURRENTLY", sg_relation_name(whole), step->child_table)));
	if (lack || leaving || key || bound == NULL)
		return;
	move->table = whole;
	move->alone = true;
	move->tables = list_make1_oid(relid);
	move->whole = sg_relation_name(whole);
	move->was = psprintf(WAS_PARTITION "%s %s%s\n%s", plan_deed_mark(whole), move->whole, change_partition_fires(whole, relid), bound);
	change_statement(move, MOVE_STATEMENT, "detach", AccessExclusiveLock, STEP_ADDED,
					 psprintf("ALTER TABLE %s DETACH PARTITION %s", move->whole, step->child_table));
}

/*
 * Returns whether ATTACH PARTITION would read the default partition, for rows
 * that belong into the new one
 */
static bool
must_read_default(Oid whole)
{
	Oid			other = get_default_partition_oid(whole);
	Relation	rel = OidIsValid(other) ? try_table_open(other, AccessShareLock) : NULL;
	bool		must;

	if (rel == NULL)
		return false;
	must = rel->rd_rel->relkind != RELKIND_RELATION || RelationGetNumberOfBlocks(rel) > 0;
	table_close(rel, AccessShareLock);
	return must;
}

/*
 * Returns the publications that will send a table under its own name once it is
 * a partition of another one; or NULL
 */
static char *
published_with(Oid whole, Oid relid)
{
	Datum		names;

	if (sg_rel_persistence(relid) != RELPERSISTENCE_PERMANENT)
		return NULL;
	return sg_owner_fetch("SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname)"
						  " FROM pg_publication p, (SELECT split_part($1, ' ', 1)::oid, split_part($1, ' ', 2)::oid) t (whole, relid)"
						  " WHERE NOT p.pubviaroot AND NOT p.puballtables"
						  "   AND EXISTS (SELECT FROM pg_partition_ancestors(t.whole) a JOIN pg_class c ON c.oid = a.relid"
						  "     WHERE EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)"
						  "       OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = c.relnamespace))"
						  "   AND NOT EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = t.relid)"
						  "   AND NOT EXISTS (SELECT FROM pg_publication_namespace n JOIN pg_class c ON c.relnamespace = n.pnnspid"
						  "     WHERE n.pnpubid = p.oid AND c.oid = t.relid)"
						  " HAVING count(*) > 0",
						  psprintf("%u %u", whole, relid), &names) ? TextDatumGetCString(names) : NULL;
}

void
change_attach(const PlanDeed *deed, ChangeMove *move)
{
	const char *table = deed->what->child_table;
	Oid			relid = sg_find_qualified(table);
	const char *name = deed->was + strlen(WAS_PARTITION);
	bool		known = plan_deed_read_mark(&name, &move->table);
	const char *fires;
	const char *bound;
	char	   *whole;
	char	   *statement;

	name += strspn(name, " ");
	fires = end_of_name(name, " \n");
	whole = pnstrdup(name, fires - name);
	bound = end_of_name(fires, "\n") + 1;
	if (!known)
		move->table = sg_find_qualified(whole);
	else if (get_rel_relkind(move->table) != '\0')
		whole = sg_relation_name(move->table);
	else
		move->table = InvalidOid;
	statement = psprintf("ALTER TABLE %s ATTACH PARTITION %s %s", whole, table, bound);
	if (!OidIsValid(relid))
		change_problem(move, ERRCODE_UNDEFINED_TABLE, psprintf("table %s, which was a partition of %s, does not exist", table, whole), NULL);
	if (!OidIsValid(relid))
		return;
	if (get_rel_relispartition(relid))
	{
		bool		leaving;

		if (sg_partition_parent(relid, &leaving) != move->table)
			change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("it is a partition of another table than %s by now", whole), NULL);
		return;
	}
	if (!OidIsValid(move->table) && !known)
		change_problem(move, ERRCODE_UNDEFINED_TABLE, psprintf("table %s is not found", whole),
					   "Give it this name again, then make the same call again.");
	else if (!OidIsValid(move->table) || get_rel_relkind(move->table) != RELKIND_PARTITIONED_TABLE)
		change_problem(move, ERRCODE_SG_KEY_CONFLICT, psprintf("it is no partition any more, for %s is gone", whole), NULL);
	else if (change_kept_command(deed->what, statement, AT_AttachPartition, move) == NULL)
		return;
	else if (must_read_default(move->table))
		change_problem(move, ERRCODE_SG_KEY_CONFLICT,
					   psprintf("it is a table of its own: ATTACH would read the default partition of %s under ACCESS EXCLUSIVE", whole),
					   fk_owner_hint("Attach it in a quiet hour", move->table, InvalidOid, statement));
	else
	{
		char	   *sent = published_with(move->table, relid);

		if (sent)
			move->note = psprintf("publication %s sends it, and a subscription stops where there is no %s", sent, table);
		move->alone = true;
		change_statement(move, MOVE_STATEMENT, "attach", ShareUpdateExclusiveLock, STEP_ROLLED_BACK, statement);
		foreach_ptr(char, again, change_partition_fires_again(pnstrdup(fires, bound - 1 - fires), move->table, table))
		{
			change_statement(move, MOVE_STATEMENT, "attach", ShareUpdateExclusiveLock, STEP_ROLLED_BACK, again);
		}
		change_reach_proof(move, relid);
	}
}

/* ---- views ---- */

/* Returns whether all code of a view belongs to its owner or superusers, so that its text means no other code later */
static bool
uses_own_code(Oid view)
{
	CodeReach  *reach = code_reach();
	SgCatalog	rules;
	HeapTuple	tuple;

	sg_catalog_begin(&rules, RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, view, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rules)))
		code_reach_object(reach, RewriteRelationId, ((Form_pg_rewrite) GETSTRUCT(tuple))->oid);
	sg_catalog_end(&rules);
	return code_refusal_alone(reach, code_table_owner(view)) == NULL;
}

bool
change_empties_view(Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	FormData_pg_attribute column;

	if (get_rel_relkind(relid) != RELKIND_VIEW || !uses_own_code(relid) ||
		object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_CREATE) != ACLCHECK_OK ||
		object_aclcheck(NamespaceRelationId, schema, code_table_owner(relid), ACL_CREATE) != ACLCHECK_OK)
		return false;
	/* the server may evaluate what a domain allows */
	for (AttrNumber attnum = 1; sg_read_column(relid, attnum, &column); attnum++)
	{
		if (column.atttypid >= FirstNormalObjectId && get_typtype(column.atttypid) == TYPTYPE_DOMAIN)
			return false;
	}
	return true;
}

/* Returns the text behind the name of a view in the statement that makes it, on as many lines as it has */
static char *
view_text(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	StringInfoData text;
	bool		isnull;
	Datum		options;
	SgScope		scope;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a view");
	initStringInfo(&text);
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	foreach_ptr(const DefElem, option, isnull ? NIL : untransformRelOptions(options))
	{
		appendStringInfo(&text, "%s%s = %s", text.len ? ", " : "WITH (", quote_identifier(option->defname),
						 quote_literal_cstr(defGetString(unconstify(DefElem *, option))));
	}
	ReleaseSysCache(tuple);
	change_text_begin(&scope);
	appendStringInfo(&text, "%sAS %s", text.len ? ") " : "", sg_definition(pg_get_viewdef, relid));
	sg_scope_end(&scope);
	return text.data;
}

/* Returns a query with the columns of a view that reads nothing */
static char *
emptied_text(Oid relid)
{
	FormData_pg_attribute column;
	StringInfoData text;

	initStringInfo(&text);
	for (AttrNumber attnum = 1; sg_read_column(relid, attnum, &column); attnum++)
	{
		char	   *type = format_type_extended(column.atttypid, column.atttypmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);

		appendStringInfo(&text, "%sNULL::%s", attnum > 1 ? ", " : "SELECT ", type);
		if (OidIsValid(column.attcollation) && column.attcollation != get_typcollation(column.atttypid))
			sg_append_collation(&text, column.attcollation);
		appendStringInfo(&text, " AS %s", quote_identifier(NameStr(column.attname)));
	}
	appendStringInfo(&text, "%s WHERE false", text.len ? "" : "SELECT");
	return text.data;
}

char *
change_view_again(const PlanDeed *deed, ChangeMove *move)
{
	const char *text = deed->was ? strchr(deed->was, '\n') : NULL;
	char	   *statement = text ? psprintf("CREATE OR REPLACE VIEW %s %s", deed->what->child_table, text +1) : NULL;
	CodeReach  *reach = code_reach();

	if (statement == NULL || change_kept_statement(deed->what, statement, T_ViewStmt, move) == NULL)
		return NULL;
	change_reach_written(statement, reach);
	if (code_is_others(reach))
		change_problem(move, ERRCODE_INSUFFICIENT_PRIVILEGE, "its text may run code of other roles", CODE_REFUSED_HINT);
	return statement;
}

/* ---- keeping ---- */

bool
change_into_attic(const PlanStep *step, Oid relid, ChangeMove *move)
{
	char	   *schema = schema_for(relid);
	StringInfoData was;

	initStringInfo(&was);
	appendStringInfo(&was, "%s %s" WAS_SHAPE, schema, plan_deed_mark(relid), shape_of(relid), get_rel_namespace(relid));
	if (!leave_publications(relid, move, &was))
		return false;
	if (!OidIsValid(get_namespace_oid(schema, true)))
		move->owner_statements = list_concat(move->owner_statements, make_attic(schema, get_rel_namespace(relid)));
	if (change_empties_view(relid))
	{
		appendStringInfo(&was, "\n%s", view_text(relid));
		move->statements = lappend(move->statements, psprintf("CREATE OR REPLACE VIEW %s AS %s", step->child_table, emptied_text(relid)));
	}
	move->owner_statements = list_concat(move->owner_statements, change_move_statistics(relid, schema));
	move->owner_statements = lappend(move->owner_statements, change_move_statement(step, step->child_table, schema));
	move->was = was.data;
	return true;
}

const PlanDeed *
change_deed_of(const PlanStep *step)
{
	foreach_ptr(PlanDeed, deed, plan_deeds_of_step(step, DEED_CHANGE))
	{
		if (deed->what->kind == step->kind && !deed->own && !change_is_detached(deed))
			return deed;
	}
	return NULL;
}

bool
change_has_made(const PlanStep *step, Oid object)
{
	const PlanDeed *deed = plan_step_is_there(step) ? change_deed_of(step) : NULL;

	return deed && plan_deed_is_of(deed, object);
}

char *
change_kept_as(const PlanStep *step)
{
	const PlanDeed *deed = change_deed_of(step);
	char	   *name;

	return deed && OidIsValid(change_kept_relation(deed, &name)) ? name : NULL;
}

char *
change_kept_text(const PlanStep *step)
{
	const PlanDeed *deed = step->kind == STEP_DROP && !step->discard ? change_deed_of(step) : NULL;
	char	   *name;
	Oid			relid = deed ? change_kept_relation(deed, &name) : InvalidOid;
	Datum		size;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_VIEW || !sg_ask(pg_total_relation_size, relid, &size))
		return NULL;
	return psprintf("%s takes %s, since %s", name, TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, size)),
					timestamptz_to_str(deed->done_at));
}
