/*-------------------------------------------------------------------------
 *
 * run_name.c
 *	  Names that lead, during a deed, to the tables that it has looked at.
 *
 *	  A deed looks at tables by OID and runs statements by name.  A lock on a
 *	  table keeps it from being renamed, but not its schema: the schema's
 *	  owner could replace it by another schema with a table of the same name
 *	  between the look and the statement, and the statement would run that
 *	  table's triggers as the caller.  ALTER SCHEMA ... RENAME takes no lock
 *	  on the schema's tables, only on its own row.  So that row is locked with
 *	  the table (hold.h), and the tables that the names lead to afterwards are
 *	  compared with the locked ones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/lsyscache.h"

#include "base/code.h"
#include "base/compat.h"
#include "base/meant.h"
#include "base/quote.h"
#include "base/spi.h"
#include "run/run_deed.h"
#include "run/run_name.h"

/* ---- names ---- */

typedef struct Names
{
	List	   *tables;			/* RangeVar * */
	List	   *queries;		/* char *: names of WITH queries */
} Names;

static bool
visit(Node *node, void *context)
{
	Names	   *names = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
		names->tables = lappend(names->tables, node);
	if (IsA(node, CommonTableExpr))
		names->queries = lappend(names->queries, ((CommonTableExpr *) node)->ctename);
	return raw_expression_tree_walker(node, visit, context);
}

static void
add_table(Names *names, RangeVar *table)
{
	if (table)
		names->tables = lappend(names->tables, table);
}

/* Adds the referenced table of a foreign key, also of one written in a column definition */
static void
add_referenced(Names *names, Node *element)
{
	if (element == NULL)
		return;
	if (IsA(element, Constraint))
		add_table(names, ((Constraint *) element)->pktable);
	else if (IsA(element, ColumnDef))
	{
		foreach_ptr(Node, constraint, ((ColumnDef *) element)->constraints)
		{
			add_referenced(names, constraint);
		}
	}
}

/* Adds the parents and LIKE tables of a new table; its foreign keys have no rows to check */
static void
add_related(Names *names, const CreateStmt *statement)
{
	foreach_ptr(RangeVar, parent, statement->inhRelations)
	{
		add_table(names, parent);
	}
	foreach_ptr(Node, element, statement->tableElts)
	{
		if (IsA(element, TableLikeClause))
			add_table(names, ((TableLikeClause *) element)->relation);
	}
}

/* Adds the tables that a statement names and whose code it may run, or whose rows it may validate */
static void
collect(Names *names, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			(void) visit(statement, names);
			break;
		case T_AlterTableStmt:
			add_table(names, ((AlterTableStmt *) statement)->relation);
			foreach_ptr(AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
			{
				if (command->def && IsA(command->def, PartitionCmd))
					add_table(names, ((PartitionCmd *) command->def)->name);
				else
					add_referenced(names, command->def);
			}
			break;
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			add_related(names, (CreateStmt *) statement);
			break;
		case T_CreateSchemaStmt:
			foreach_ptr(Node, element, ((CreateSchemaStmt *) statement)->schemaElts)
			{
				collect(names, element);
			}
			break;
		case T_IndexStmt:
			add_table(names, ((IndexStmt *) statement)->relation);
			break;
		case T_CreateTrigStmt:
			add_table(names, ((CreateTrigStmt *) statement)->relation);
			break;
		case T_RenameStmt:
			add_table(names, ((RenameStmt *) statement)->relation);
			break;
		case T_TruncateStmt:
			names->tables = list_concat(names->tables, ((TruncateStmt *) statement)->relations);
			break;
		case T_RefreshMatViewStmt:
			add_table(names, ((RefreshMatViewStmt *) statement)->relation);
			break;
		default:
			break;
	}
}

static bool
is_query_name(const Names *names, const RangeVar *table)
{
	if (table->schemaname)
		return false;
	foreach_ptr(const char, query, names->queries)
	{
		if (strcmp(query, table->relname) == 0)
			return true;
	}
	return false;
}

/* Returns whether the relation is a user's table or view, which the deed has to lock */
static bool
is_users(Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	char		relkind = get_rel_relkind(relid);

	return relid >= FirstNormalObjectId && !isAnyTempNamespace(schema) && schema != sg_schema_oid() &&
		relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX && relkind != RELKIND_SEQUENCE &&
		relkind != RELKIND_COMPOSITE_TYPE;
}

void
run_check_names(const char *sql)
{
	Names		names = {NIL, NIL};

	if (!code_locks())
		return;
	foreach_ptr(const RawStmt, raw, raw_parser(sql, RAW_PARSE_DEFAULT))
		collect(&names, raw->stmt);
	foreach_ptr(const RangeVar, table, names.tables)
	{
		Oid			relid = is_query_name(&names, table) ? InvalidOid : RangeVarGetRelid(table, NoLock, true);

		if (OidIsValid(relid) && is_users(relid) && !run_deed_holds(relid))
			sg_raise_replaced(sg_relation_name(relid));
	}
}
