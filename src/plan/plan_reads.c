/*-------------------------------------------------------------------------
 *
 * plan_reads.c
 *	  Relations and columns that the SQL of a step reads.
 *
 *	  The parse tree has the names, and the catalogs have the objects behind a
 *	  view or a users' function.  Nothing is analysed, locked or run: a plan
 *	  is ordered when half of the objects that its steps name do not exist
 *	  yet.  If the columns can't be told (a whole row, *, NATURAL, names of an
 *	  alias, the text of a function), all columns count as read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/formatting.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/depend.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"
#include "plan/plan_reads.h"

SG_FUNCTION(sg_fill_lacks);

struct PlanReads
{
	List	   *reads;			/* PlanRead * */
	List	   *names;			/* names of columns in the text */
	List	   *rows;			/* names by which the text may mean a whole
								 * row */
	List	   *functions;		/* OIDs of users' functions */
	List	   *visited;		/* OIDs of relations and functions whose own
								 * reads are added */
	bool		all;			/* every column of each named relation */
	bool		of_query;		/* names may be unqualified */
};

static void add_function(PlanReads *reads, Oid function);
static void add_behind(PlanReads *reads, Oid relid);

static PlanRead *
add_read(PlanReads *reads, const char *schema, const char *name, const char *column, bool all)
{
	PlanRead   *read = palloc0(sizeof(PlanRead));

	read->schema = schema ? pstrdup(schema) : NULL;
	read->name = pstrdup(name);
	read->column = column ? pstrdup(column) : NULL;
	read->all = all;
	reads->reads = lappend(reads->reads, read);
	return read;
}

/* ---- the text ---- */

/* Adds the users' functions of a name, in a schema, or in any */
static void
add_functions_called(PlanReads *reads, const char *name, Oid schema)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if ((!OidIsValid(schema) || form->pronamespace == schema) && form->oid >= FirstNormalObjectId)
			reads->functions = list_append_unique_oid(reads->functions, form->oid);
	}
	ReleaseSysCacheList(list);
}

static void
add_named_functions(PlanReads *reads, List *names)
{
	Oid			schema;

	/* an unqualified one is built in */
	if (list_length(names) < 2)
		return;
	schema = get_namespace_oid(strVal(list_nth(names, list_length(names) - 2)), true);
	if (OidIsValid(schema))
		add_functions_called(reads, strVal(llast(names)), schema);
}

static void
add_column_ref(PlanReads *reads, const ColumnRef *ref)
{
	if (!IsA(llast(ref->fields), String))
		reads->all = true;
	else
		reads->names = lappend(reads->names, strVal(llast(ref->fields)));
}

static bool
visit(Node *node, void *context)
{
	PlanReads  *reads = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
	{
		const RangeVar *var = (RangeVar *) node;

		if (var->schemaname || reads->of_query)
			(void) add_read(reads, var->schemaname, var->relname, NULL, var->alias && var->alias->colnames);
		reads->rows = lappend(reads->rows, var->alias ? var->alias->aliasname : var->relname);
		return false;
	}
	if (IsA(node, ColumnRef))
	{
		add_column_ref(reads, (ColumnRef *) node);
		return false;
	}
	if (IsA(node, JoinExpr))
	{
		reads->all |= ((JoinExpr *) node)->isNatural || ((JoinExpr *) node)->alias;
		foreach_ptr(String, name, ((JoinExpr *) node)->usingClause)
		{
			reads->names = lappend(reads->names, strVal(name));
		}
	}
	else if (IsA(node, RangeSubselect))
		reads->all |= ((RangeSubselect *) node)->alias && ((RangeSubselect *) node)->alias->colnames;
	else if (IsA(node, A_Indirection))
	{
		foreach_ptr(Node, part, ((A_Indirection *) node)->indirection)
		{
			if (IsA(part, String))
				reads->names = lappend(reads->names, strVal(part));
			else
				reads->all |= IsA(part, A_Star);
		}
	}
	else if (IsA(node, FuncCall))
		add_named_functions(reads, ((FuncCall *) node)->funcname);
	else if (IsA(node, ResTarget))
	{
		if (((ResTarget *) node)->name)
			reads->names = lappend(reads->names, ((ResTarget *) node)->name);
	}
	else if (IsA(node, InsertStmt))
		reads->all |= ((InsertStmt *) node)->cols == NIL;
	return raw_expression_tree_walker(node, visit, context);
}

/* Returns the query of a statement, or NULL */
static Node *
query_of(Node *statement)
{
	if (code_is_query(statement))
		return statement;
	switch (nodeTag(statement))
	{
		case T_CreateTableAsStmt:
			return query_of(((CreateTableAsStmt *) statement)->query);
		case T_ViewStmt:
			return ((ViewStmt *) statement)->query;
		case T_CopyStmt:
			return ((CopyStmt *) statement)->query;
		default:
			return NULL;
	}
}

static void
add_text(PlanReads *reads, const char *sql)
{
	ErrorData  *edata;

	foreach_ptr(RawStmt, raw, plan_parse(sql, &edata))
	{
		Node	   *query = query_of(raw->stmt);

		if (query)
			(void) visit(query, reads);
	}
}

/* ---- objects behind names ---- */

/* Adds the relations, columns and functions that an object depends on */
static void
add_dependencies(PlanReads *reads, Oid classid, Oid objectid)
{
	SgCatalog	scan;
	HeapTuple	tuple;
	List	   *relations = NIL;
	List	   *functions = NIL;

	sg_catalog_begin_depend(&scan, false, classid, objectid, 0);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		char	   *name = depend->refclassid == RelationRelationId ? get_rel_name(depend->refobjid) : NULL;
		char	   *schema = name ? get_namespace_name(get_rel_namespace(depend->refobjid)) : NULL;
		char	   *column = schema && depend->refobjsubid ? get_attname(depend->refobjid, depend->refobjsubid, true) : NULL;

		if (depend->refclassid == ProcedureRelationId)
			functions = lappend_oid(functions, depend->refobjid);
		if (schema == NULL)
			continue;
		(void) add_read(reads, schema, name, column, depend->refobjsubid && column == NULL);
		relations = list_append_unique_oid(relations, depend->refobjid);
	}
	sg_catalog_end(&scan);
	foreach_oid(relation, relations)
	{
		add_behind(reads, relation);
	}
	foreach_oid(function, functions)
	{
		add_function(reads, function);
	}
}

/* Returns the OIDs of users' relations of a name, in any schema */
static List *
relations_called(const char *name)
{
	CatCList   *list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(name));
	List	   *relations = NIL;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(&list->members[i]->tuple);

		if (form->oid >= FirstNormalObjectId && form->relkind != RELKIND_INDEX && form->relkind != RELKIND_PARTITIONED_INDEX)
			relations = lappend_oid(relations, form->oid);
	}
	ReleaseSysCacheList(list);
	return relations;
}

/* Returns the relations that a read may be of, by its name, in any schema if unqualified */
static List *
relations_of(const PlanRead *read)
{
	Oid			named;

	if (read->schema == NULL)
		return relations_called(read->name);
	named = sg_find_qualified(quote_qualified_identifier(read->schema, read->name));
	return OidIsValid(named) ? list_make1_oid(named) : NIL;
}

/* Adds the tables that share rows or columns with a table that is read: those above it, and below */
static void
add_family(PlanReads *reads, const PlanRead *read, Oid relid)
{
	List	   *family = list_concat(sg_all_inheritors(relid), sg_tables_above(relid));

	foreach_oid(relative, family)
	{
		char	   *name = get_rel_name(relative);
		char	   *schema = name ? get_namespace_name(get_rel_namespace(relative)) : NULL;

		if (schema && relative != relid)
			add_read(reads, schema, name, read->column, read->all)->own_rows = read->own_rows;
	}
}

static void
add_families(PlanReads *reads, const PlanRead *read)
{
	List	   *relations = relations_of(read);

	foreach_oid(relation, relations)
	{
		add_family(reads, read, relation);
	}
}

/* Adds the reads of a view, by its rules */
static void
add_behind(PlanReads *reads, Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	List	   *rules = NIL;
	SgCatalog	scan;
	HeapTuple	tuple;

	if ((relkind != RELKIND_VIEW && relkind != RELKIND_MATVIEW) || list_member_oid(reads->visited, relid))
		return;
	reads->visited = lappend_oid(reads->visited, relid);
	sg_catalog_begin(&scan, RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
		rules = lappend_oid(rules, ((Form_pg_rewrite) GETSTRUCT(tuple))->oid);
	sg_catalog_end(&scan);
	foreach_oid(rule, rules)
	{
		add_dependencies(reads, RewriteRelationId, rule);
	}
}

/*
 * Adds a word of a text: it may be a table of any schema, with any column;
 * before a parenthesis it may be a function
 */
static void
add_word(PlanReads *reads, char *word, const char *behind)
{
	(void) add_read(reads, NULL, word, NULL, true);
	while (isspace((unsigned char) *behind))
		behind++;
	if (*behind == '(')
		add_functions_called(reads, word, InvalidOid);
}

static void
add_words(PlanReads *reads, const char *text)
{
	for (const char *at = text; *at;)
	{
		const char *start = at;

		while (isalnum((unsigned char) *at) || *at == '_' || *at == '$' || IS_HIGHBIT_SET(*at))
			at++;
		if (at == start)
		{
			const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;

			if (end)
				add_word(reads, pnstrdup(at + 1, end - at - 1), end + 1);
			at = end ? end + 1 : at + 1;
		}
		else if (at - start < NAMEDATALEN)
			add_word(reads, asc_tolower(start, at - start), at);
	}
}

/* Adds the names in a function's body, and those of the functions that it calls */
static void
add_function(PlanReads *reads, Oid function)
{
	HeapTuple	tuple;
	Datum		source;
	bool		isnull;

	if (function < FirstNormalObjectId || list_member_oid(reads->visited, function))
		return;
	reads->visited = lappend_oid(reads->visited, function);
	reads->functions = list_append_unique_oid(reads->functions, function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return;
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	if (!isnull)
		add_words(reads, TextDatumGetCString(source));
	ReleaseSysCache(tuple);
	add_dependencies(reads, ProcedureRelationId, function);
}

/* Adds the reads behind all names: a view may call a function, whose text may name a view */
static void
add_all_behind(PlanReads *reads)
{
	int			n = 0;
	int			called = 0;

	while (n < list_length(reads->reads) || called < list_length(reads->functions))
	{
		List	   *relations;

		if (called < list_length(reads->functions))
		{
			add_function(reads, list_nth_oid(reads->functions, called++));
			continue;
		}
		relations = relations_of(list_nth(reads->reads, n++));
		foreach_oid(relation, relations)
		{
			add_behind(reads, relation);
		}
	}
}

PlanReads *
plan_reads(const PlanStep *step)
{
	PlanReads  *reads = palloc0(sizeof(PlanReads));
	List	   *direct;

	reads->of_query = step->kind == STEP_STATEMENT;
	if (step->kind == STEP_STATEMENT)
		add_text(reads, step->definition);
	if (step->kind == STEP_CHECK)
		add_text(reads, psprintf("SELECT %s\n", step->definition));
	if (step->backfill)
		add_text(reads, psprintf("SELECT %s\n", step->backfill));
	if (step->fill)
		add_text(reads, psprintf("SELECT (%s\n)", step->fill));

	/* columns of the row itself are named without a relation */
	if (!reads->of_query && step->child_table && (reads->names || reads->all || step->orphans == ORPHANS_QUARANTINE))
	{
		SgTableName own = sg_parse_table_name(step->child_table);

		PlanRead   *row = add_read(reads, own.schema, own.name, NULL, false);

		row->own = step->fill ? step->fill : step->backfill;
		row->own_rows = true;
		reads->rows = lappend(reads->rows, own.name);
	}
	foreach_ptr(const char, name, reads->names)
	{
		reads->all |= sg_has_name(reads->rows, name);
	}

	add_all_behind(reads);
	direct = list_copy(reads->reads);
	foreach_ptr(const PlanRead, read, direct)
	{
		add_families(reads, read);
	}
	return reads;
}

/* ---- dropped objects ---- */

/* Adds the direct dependencies of an object */
static void
add_stands_on(PlanReads *reads, Oid classid, Oid objectid)
{
	ObjectAddress object = {classid, objectid, 0};

	foreach_ptr(const SgDependency, dependency, sg_dependencies(&object, false))
	{
		Oid			id = dependency->object.objectId;
		Oid			relid = dependency->object.classId == RelationRelationId ? id :
			dependency->object.classId == TypeRelationId ? get_typ_typrelid(id) : InvalidOid;
		char	   *name = OidIsValid(relid) ? get_rel_name(relid) : NULL;
		char	   *schema = name ? get_namespace_name(get_rel_namespace(relid)) : NULL;
		int			attnum = dependency->object.objectSubId;
		char	   *column = attnum ? get_attname(relid, attnum, true) : NULL;

		/* a reader of a column that is gone is gone, too */
		if (schema && (attnum == 0 || column))
			(void) add_read(reads, schema, name, column, false);
		if (dependency->object.classId == ProcedureRelationId)
			reads->functions = list_append_unique_oid(reads->functions, id);
	}
}

static void
add_view_stands_on(PlanReads *reads, Oid view)
{
	SgCatalog	rules;
	HeapTuple	tuple;

	if (!OidIsValid(view))
		return;
	sg_catalog_begin(&rules, RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, view, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rules)))
		add_stands_on(reads, RewriteRelationId, ((Form_pg_rewrite) GETSTRUCT(tuple))->oid);
	sg_catalog_end(&rules);
}

static void
add_dropped_by(PlanReads *reads, const DropStmt *statement)
{
	foreach_ptr(Node, object, statement->objects)
	{
		ObjectAddress code = plan_dropped_code(statement->removeType, object);

		if (code.classId == ProcedureRelationId && OidIsValid(code.objectId))
			add_stands_on(reads, ProcedureRelationId, code.objectId);
		if ((statement->removeType == OBJECT_VIEW || statement->removeType == OBJECT_MATVIEW) && list_length((List *) object) == 2)
			add_view_stands_on(reads, sg_find_qualified(quote_qualified_identifier(strVal(linitial((List *) object)), strVal(lsecond((List *) object)))));
	}
}

PlanReads *
plan_reads_dropped(const PlanStep *step)
{
	PlanReads  *reads = palloc0(sizeof(PlanReads));
	Oid			relid = step->kind == STEP_DROP ? sg_find_qualified(step->child_table) : InvalidOid;
	Oid			constraint = OidIsValid(relid) && plan_changed_object(step) == CHANGED_CONSTRAINT ?
		get_relation_constraint_oid(relid, step->fk_name, true) : InvalidOid;
	ErrorData  *edata;

	if (OidIsValid(relid) && plan_changed_object(step) == CHANGED_VIEW)
		add_view_stands_on(reads, relid);
	if (OidIsValid(constraint))
		add_stands_on(reads, ConstraintRelationId, constraint);
	foreach_ptr(const RawStmt, raw, step->kind == STEP_STATEMENT ? plan_parse(step->definition, &edata) : NIL)
	{
		if (IsA(raw->stmt, DropStmt))
			add_dropped_by(reads, (DropStmt *) raw->stmt);
	}
	return reads;
}

/* ---- lost rows and values ---- */

/* Adds the tables whose rows foreign keys delete or change along with those of a table, and those keys' tables in turn */
static void
add_followers(PlanReads *reads, Oid relid, bool all)
{
	ObjectAddress table = {RelationRelationId, relid, 0};

	if (list_member_oid(reads->visited, relid))
		return;
	reads->visited = lappend_oid(reads->visited, relid);
	foreach_ptr(const SgDependency, dependency, sg_dependencies(&table, true))
	{
		HeapTuple	tuple;
		Form_pg_constraint key;

		if (dependency->object.classId != ConstraintRelationId)
			continue;
		tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(dependency->object.objectId));
		if (!HeapTupleIsValid(tuple))
			continue;
		key = (Form_pg_constraint) GETSTRUCT(tuple);
		if (key->contype == CONSTRAINT_FOREIGN && key->confrelid == relid &&
			(all || strchr("cnd", key->confdeltype) || strchr("cnd", key->confupdtype)))
		{
			SgTableName child = sg_parse_table_name(sg_relation_name(key->conrelid));

			(void) add_read(reads, child.schema, child.name, NULL, true);
			add_followers(reads, key->conrelid, all);
		}
		ReleaseSysCache(tuple);
	}
}

/* Adds a table of which all rows are taken, or the values of some columns (of ResTarget *) */
static void
add_taken(PlanReads *reads, const RangeVar *table, const List *columns)
{
	if (table->schemaname == NULL)
		return;
	if (columns == NIL)
		(void) add_read(reads, table->schemaname, table->relname, NULL, true);
	foreach_ptr(const ResTarget, column, columns)
	{
		(void) add_read(reads, table->schemaname, table->relname, column->name, false);
	}
}

/*
 * Adds the columns to which ALTER TABLE gives another type, or which it drops,
 * and the parent without whose rows it leaves it: a table that no longer
 * inherits has them alone
 */
static void
add_altered(PlanReads *reads, const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		ResTarget	column = {.type = T_ResTarget,.name = command->name};

		if (command->subtype == AT_AlterColumnType || command->subtype == AT_DropColumn)
			add_taken(reads, statement->relation, list_make1(&column));
		else if (command->subtype == AT_DetachPartition)
			add_taken(reads, statement->relation, NIL);
		else if (command->subtype == AT_DropInherit)
			add_taken(reads, (RangeVar *) command->def, NIL);
	}
}

/* Adds the tables from which a statement can take rows or values; returns whether it takes along all that refers to them */
static bool
add_taken_by(PlanReads *reads, Node *statement)
{
	WithClause *with = NULL;

	switch (nodeTag(statement))
	{
		case T_DeleteStmt:
			with = ((DeleteStmt *) statement)->withClause;
			add_taken(reads, ((DeleteStmt *) statement)->relation, NIL);
			break;
		case T_UpdateStmt:
			with = ((UpdateStmt *) statement)->withClause;
			add_taken(reads, ((UpdateStmt *) statement)->relation, ((UpdateStmt *) statement)->targetList);
			break;
		case T_MergeStmt:
			with = ((MergeStmt *) statement)->withClause;
			add_taken(reads, ((MergeStmt *) statement)->relation, NIL);
			break;
		case T_InsertStmt:
			with = ((InsertStmt *) statement)->withClause;
			if (((InsertStmt *) statement)->onConflictClause)
				add_taken(reads, ((InsertStmt *) statement)->relation, ((InsertStmt *) statement)->onConflictClause->targetList);
			break;
		case T_AlterTableStmt:
			add_altered(reads, (AlterTableStmt *) statement);
			break;
		case T_TruncateStmt:
			foreach_ptr(const RangeVar, table, ((TruncateStmt *) statement)->relations)
			{
				add_taken(reads, table, NIL);
			}
			return ((TruncateStmt *) statement)->behavior == DROP_CASCADE;
		case T_ViewStmt:
			/* others have read the rows of the old query */
			if (((ViewStmt *) statement)->replace)
				add_taken(reads, ((ViewStmt *) statement)->view, NIL);
			break;
		case T_RuleStmt:
			/* rows that others write may go elsewhere */
			add_taken(reads, ((RuleStmt *) statement)->relation, NIL);
			break;
		default:
			break;
	}
	if (with)
		(void) visit((Node *) with, reads);
	return false;
}

PlanReads *
plan_takes(const PlanStep *step)
{
	PlanReads  *takes = palloc0(sizeof(PlanReads));
	bool		all = false;
	List	   *direct;
	ErrorData  *edata;

	foreach_ptr(const RawStmt, raw, step->kind == STEP_STATEMENT ? plan_parse(step->definition, &edata) : NIL)
	{
		all |= add_taken_by(takes, raw->stmt);
	}
	foreach_ptr(const PlanStep, drop, step->kind == STEP_STATEMENT ? plan_drops(step) : NIL)
	{
		SgTableName dropped = sg_parse_table_name(drop->child_table);
		bool		is_column = drop->kind == STEP_DROP && strcmp(drop->definition, "column") == 0;

		if (drop->kind == STEP_DROP)
			add_read(takes, dropped.schema, dropped.name, is_column ? drop->fk_name : NULL, !is_column);
	}
	if (step->enforced && (step->orphans == ORPHANS_DELETE || step->orphans == ORPHANS_SET_NULL || step->orphans == ORPHANS_SET ||
						   (step->sentinel && plan_step_fixes(step))))
		add_read(takes, sg_parse_table_name(step->child_table).schema, sg_parse_table_name(step->child_table).name, NULL, true);
	if (takes->reads == NIL)
		return NULL;
	add_all_behind(takes);
	direct = list_copy(takes->reads);
	foreach_ptr(const PlanRead, read, direct)
	{
		List	   *relations = relations_of(read);

		foreach_oid(relation, relations)
		{
			add_followers(takes, relation, all);
		}
	}
	return takes;
}

/* plan_read_is_of() for a name in parts, for it is asked of each pair of steps */
static bool
is_of(const PlanReads *reads, const PlanRead *read, const char *schema, const char *name, const char *column)
{
	if (strcmp(read->name, name) != 0 || (read->schema && schema && strcmp(read->schema, schema) != 0))
		return false;
	if (column == NULL || read->all)
		return true;
	if (read->column)
		return strcmp(read->column, column) == 0;
	return reads->all || (sg_has_name(reads->names, column) &&
						  (read->own == NULL || plan_reads_own(read->own, schema ? sg_qualified_name(schema, name) : quote_identifier(name), column)));
}

bool
plan_takes_from(const PlanReads *takes, const PlanReads *reads)
{
	foreach_ptr(const PlanRead, take, takes ? takes->reads : NIL)
	{
		foreach_ptr(const PlanRead, read, reads ? reads->reads : NIL)
		{
			if (strcmp(read->name, take->name) == 0 &&
				((read->column == NULL && reads->names == NIL) || is_of(reads, read, take->schema, take->name, take->column)))
				return true;
		}
	}
	return false;
}

List *
plan_reads_list(const PlanReads *reads)
{
	return reads->reads;
}

bool
plan_read_is_of(const PlanReads *reads, const PlanRead *read, const char *table, const char *column)
{
	SgTableName name = sg_parse_table_name(table);

	return is_of(reads, read, name.schema, name.name, column);
}

bool
plan_reads_any(const PlanReads *reads, const char *table, const char *column, bool named)
{
	foreach_ptr(const PlanRead, read, reads->reads)
	{
		if ((read->schema || !named) && (column || !read->own_rows) && plan_read_is_of(reads, read, table, column))
			return true;
	}
	return false;
}

/* ---- by OID ---- */

char *
plan_reads_part(Oid relation, AttrNumber attnum)
{
	return psprintf(" %u:%d ", relation, attnum);
}

static void
append_part(StringInfo text, Oid relation, AttrNumber attnum)
{
	char	   *part = plan_reads_part(relation, attnum);

	if (strstr(text->data, part) == NULL)
		appendStringInfoString(text, part);
}

/* Appends a relation, and its columns in a read */
static void
append_read(StringInfo text, const PlanReads *reads, const PlanRead *read, Oid relation)
{
	char	   *name = sg_relation_name(relation);
	SgCatalog	attributes;
	HeapTuple	tuple;

	if (!read->own_rows)
		append_part(text, relation, PLAN_READS_RELATION);
	if (read->all || (reads->all && read->column == NULL))
	{
		append_part(text, relation, InvalidAttrNumber);
		return;
	}
	sg_catalog_begin(&attributes, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, relation, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&attributes)))
	{
		Form_pg_attribute att = (Form_pg_attribute) GETSTRUCT(tuple);

		if (att->attnum > 0 && !att->attisdropped && plan_read_is_of(reads, read, name, NameStr(att->attname)))
			append_part(text, relation, att->attnum);
	}
	sg_catalog_end(&attributes);
}

char *
plan_reads_by_oid(const PlanReads *reads)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const PlanRead, read, reads->reads)
	{
		List	   *relations = relations_of(read);

		foreach_oid(relation, relations)
		{
			append_read(&text, reads, read, relation);
		}
	}
	return text.data;
}

/* ---- the row ---- */

static bool
visit_relations(Node *node, void *context)
{
	PlanRowReads *reads = context;
	const RangeVar *var = (RangeVar *) node;

	if (node == NULL)
		return false;
	if (!IsA(node, RangeVar))
		return raw_expression_tree_walker(node, visit_relations, context);
	reads->relations = lappend(reads->relations, node);
	if (strcmp(var->relname, reads->table.name) == 0 &&
		(var->schemaname == NULL || reads->table.schema == NULL || strcmp(var->schemaname, reads->table.schema) == 0))
	{
		reads->rows = lappend(reads->rows, var->alias ? var->alias->aliasname : var->relname);
		reads->renamed |= var->alias && var->alias->colnames;
	}
	return false;
}

static void
add_row_ref(PlanRowReads *reads, List *fields)
{
	const char *last = IsA(llast(fields), String) ? strVal(llast(fields)) : NULL;
	const char *of = list_length(fields) > 1 ? strVal(list_nth(fields, list_length(fields) - 2)) : NULL;
	AttrNumber	attnum = last ? get_attnum(reads->relid, last) : InvalidAttrNumber;

	if (of && !sg_has_name(reads->rows, of))
	{
		reads->others = lappend(reads->others, unconstify(char *, last ? last : ""));
		return;
	}
	if (last)
		reads->columns = lappend(reads->columns, unconstify(char *, last));
	/* a function may be called like a column of the row */
	reads->all |= last == NULL || sg_has_name(reads->rows, last) || (of && attnum == InvalidAttrNumber) || attnum < 0 ||
		(attnum > 0 && get_attgenerated(reads->relid, attnum) != '\0');
}

static bool
visit_row(Node *node, void *context)
{
	PlanRowReads *reads = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
		add_row_ref(reads, ((ColumnRef *) node)->fields);
	else if (IsA(node, A_Indirection) || IsA(node, JoinExpr))
	{
		List	   *names = IsA(node, JoinExpr) ? ((JoinExpr *) node)->usingClause : ((A_Indirection *) node)->indirection;

		foreach_ptr(Node, name, names)
		{
			if (IsA(name, String))
				reads->columns = lappend(reads->columns, strVal(name));
		}
	}
	return raw_expression_tree_walker(node, visit_row, context);
}

PlanRowReads
plan_reads_of_row(const char *select, const char *table)
{
	PlanRowReads reads = {.table = sg_parse_table_name(table),.relid = sg_find_qualified(table)};
	ErrorData  *edata;
	List	   *parsed = plan_parse(select, &edata);

	reads.rows = list_make1(reads.table.name);
	foreach_ptr(RawStmt, raw, parsed)
	{
		(void) visit_relations(raw->stmt, &reads);
		(void) visit_row(raw->stmt, &reads);
	}
	return reads;
}

bool
plan_reads_own(const char *expression, const char *table, const char *column)
{
	PlanRowReads reads = plan_reads_of_row(psprintf("SELECT (%s\n)", expression), table);

	/* a column in no name may be in a literal, which is a text, or a name */
	return reads.renamed || sg_has_name(reads.columns, column) || !sg_has_name(reads.others, column);
}

List *
plan_reads_made(const PlanStep *step)
{
	List	   *names = NIL;
	ErrorData  *edata;

	foreach_ptr(RawStmt, raw, step->kind == STEP_STATEMENT ? plan_parse(step->definition, &edata) : NIL)
	{
		Node	   *stmt = raw->stmt;

		if (IsA(stmt, CreateStmt))
			names = lappend(names, ((CreateStmt *) stmt)->relation->relname);
		else if (IsA(stmt, CreateTableAsStmt))
			names = lappend(names, ((CreateTableAsStmt *) stmt)->into->rel->relname);
		else if (IsA(stmt, ViewStmt))
			names = lappend(names, ((ViewStmt *) stmt)->view->relname);
		else if (IsA(stmt, SelectStmt) && ((SelectStmt *) stmt)->intoClause)
			names = lappend(names, ((SelectStmt *) stmt)->intoClause->rel->relname);
		else if (IsA(stmt, RenameStmt) && ((RenameStmt *) stmt)->newname)
			names = lappend(names, ((RenameStmt *) stmt)->newname);
	}
	return names;
}

List *
plan_reads_functions(const PlanReads *reads)
{
	List	   *names = NIL;

	foreach_oid(function, reads->functions)
	{
		char	   *name = get_func_name(function);
		char	   *schema = name ? get_namespace_name(get_func_namespace(function)) : NULL;

		if (schema)
			names = lappend(names, quote_qualified_identifier(schema, name));
	}
	return names;
}

bool
plan_reads_calls(const PlanReads *reads, const char *function)
{
	return sg_has_name(plan_reads_functions(reads), function);
}

/* ---- missing columns of expressions ---- */

/* Relations by the names that an expression gives them, and the columns that they lack */
typedef struct Lacks
{
	List	   *names;			/* names of relations */
	List	   *relations;		/* their OIDs */
	List	   *labels;			/* names of result columns, for ORDER BY */
	bool		is_open;		/* FROM has further relations, so that an
								 * unqualified name may be their column */
	char	   *lacking;		/* the first missing column */
} Lacks;

static bool
visit_from(Node *node, void *context)
{
	Lacks	   *lacks = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
	{
		const RangeVar *var = (RangeVar *) node;
		char	   *name = quote_qualified_identifier(var->schemaname, var->relname);
		Oid			relid = var->schemaname ? sg_find_qualified(name) : InvalidOid;

		if (var->schemaname && !OidIsValid(relid) && lacks->lacking == NULL)
			lacks->lacking = psprintf("relation %s", name);
		if (OidIsValid(relid) && !(var->alias && var->alias->colnames))
		{
			lacks->names = lappend(lacks->names, var->alias ? var->alias->aliasname : var->relname);
			lacks->relations = lappend_oid(lacks->relations, relid);
		}
		else
			lacks->is_open = true;
		return false;
	}
	if (IsA(node, RangeSubselect) || IsA(node, RangeFunction) || IsA(node, RangeTableFunc) || IsA(node, CommonTableExpr) ||
		(IsA(node, JoinExpr) && ((JoinExpr *) node)->alias))
		lacks->is_open = true;
	if (IsA(node, ResTarget) && ((ResTarget *) node)->name)
		lacks->labels = lappend(lacks->labels, ((ResTarget *) node)->name);
	return raw_expression_tree_walker(node, visit_from, context);
}

static bool
visit_lacking(Node *node, void *context)
{
	Lacks	   *lacks = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
	{
		List	   *fields = ((ColumnRef *) node)->fields;
		const char *name = strVal(llast(fields));
		const char *of = list_length(fields) > 1 ? strVal(list_nth(fields, list_length(fields) - 2)) : NULL;
		bool		is_called = false;
		bool		found = of == NULL && (lacks->is_open || sg_has_name(lacks->names, name) || sg_has_name(lacks->labels, name));

		for (int i = 0; i < list_length(lacks->names); i++)
		{
			if (of && strcmp(of, list_nth(lacks->names, i)) != 0)
				continue;
			is_called = true;
			found |= get_attnum(list_nth_oid(lacks->relations, i), name) != InvalidAttrNumber;
		}
		if (is_called && !found && lacks->lacking == NULL)
			lacks->lacking = psprintf("column %s", of ? quote_qualified_identifier(of, name) : quote_identifier(name));
		return false;
	}
	return raw_expression_tree_walker(node, visit_lacking, context);
}

/*
 * schemaguard.sg_fill_lacks("table" regclass, child_table text, expressions
 * text)
 *
 * Returns the first column that the expressions name and the table lacks, by
 * names and catalogs alone: locks nothing, and returns null if the names may
 * have another meaning.
 */
static Datum
sg_fill_lacks_entered(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	Lacks		lacks = {.names = list_make1(sg_parse_table_name(sg_arg_text(fcinfo, 1)).name),.relations = list_make1_oid(table)};
	ErrorData  *edata;
	List	   *parsed = plan_parse(psprintf("SELECT %s\n", sg_arg_text(fcinfo, 2)), &edata);

	foreach_ptr(RawStmt, raw, parsed)
	{
		(void) visit_from(raw->stmt, &lacks);
		(void) visit_lacking(raw->stmt, &lacks);
	}
	if (lacks.lacking == NULL || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(lacks.lacking));
}
