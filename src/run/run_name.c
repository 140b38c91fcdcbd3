/*-------------------------------------------------------------------------
 *
 * run_name.c
 *	  Names that lead, while a deed is done, to the tables it has looked at.
 *
 * A deed looks at tables by OID and runs statements by name.  A lock on a table
 * keeps it from being renamed, but not its schema: who owns that could put
 * another schema in its place between the look and the statement, with a table
 * of the same name, and the statement would run that table's triggers as
 * whoever called.  ALTER SCHEMA ... RENAME takes no lock on what is in the
 * schema, only on its row.  So the row is locked with the table, and what the
 * names lead to by then is compared with what is locked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "storage/bufmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "base/code.h"
#include "base/compat.h"
#include "base/quote.h"
#include "base/spi.h"
#include "run/run_deed.h"
#include "run/run_name.h"

static const char replaced_message[] = "%s was renamed or replaced while it was looked at";

/* Most reads of a row of pg_namespace that others keep changing */
#define MOST_READS 10

/* ---- schemas ---- */

/* Returns whether the row is locked, or need not be; false: read it again */
static bool
lock_row(Relation rel, HeapTuple row)
{
	HeapTupleData target = {.t_self = row->t_self};
	TM_FailureData failure;
	Buffer		buffer;
	TM_Result	result = heap_lock_tuple(rel, &target, GetCurrentCommandId(true), LockTupleKeyShare,
										 LockWaitError, true, &buffer, &failure);

	ReleaseBuffer(buffer);
	return result == TM_Ok || result == TM_Invisible || result == TM_SelfModified;
}

/* Returns whether the schema is held, or nobody but superusers could rename it, or it is gone */
static bool
try_hold(Relation rel, Oid schema)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	bool		done = true;

	ScanKeyInit(&key, Anum_pg_namespace_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(schema));
	scan = systable_beginscan(rel, NamespaceOidIndexId, true, NULL, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row) && !superuser_arg(((Form_pg_namespace) GETSTRUCT(row))->nspowner))
		done = lock_row(rel, row);
	systable_endscan(scan);
	return done;
}

void
run_hold_schema(Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	Relation	rel;

	if (!OidIsValid(schema) || isAnyTempNamespace(schema) || RecoveryInProgress() || XactReadOnly || IsInParallelMode())
		return;
	rel = table_open(NamespaceRelationId, RowShareLock);
	for (int reads = 0; !try_hold(rel, schema); reads++)
	{
		if (reads == MOST_READS)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not lock the schema of table %s", sg_relation_name(relid))));
		AcceptInvalidationMessages();
	}
	table_close(rel, NoLock);
}

/* ---- names ---- */

typedef struct Names
{
	List	   *tables;			/* of RangeVar * */
	List	   *queries;		/* names of WITH, of char * */
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

/* Adds the other table of a foreign key, also of one that a column is written with */
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

/* Adds what a new table is a part or a likeness of; a key of it has no rows to check */
static void
add_related(Names *names, const CreateStmt *statement)
{
	foreach_ptr(RangeVar, parent, statement->inhRelations)
	{
		add_table(names, parent);
	}
	foreach_ptr(Node, element, statement->tableElts)
	{
		if (IsA(element, TableLikeClause) && ((TableLikeClause *) element)->options)
			add_table(names, ((TableLikeClause *) element)->relation);
	}
}

/* Adds the tables that a statement names and whose code it may run, or whose rows it may judge */
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

/* A user's table or view, which it is the deed's business to lock */
static bool
is_users(Oid relid)
{
	Oid			schema = get_rel_namespace(relid);
	char		relkind = get_rel_relkind(relid);

	return relid >= FirstNormalObjectId && !isAnyTempNamespace(schema) && schema != sg_schema_oid() &&
		relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX && relkind != RELKIND_SEQUENCE &&
		relkind != RELKIND_COMPOSITE_TYPE;
}

bool
run_names_changed(const ErrorData *error)
{
	return error->message_id == replaced_message;
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
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg(replaced_message, sg_relation_name(relid)),
					 errhint("Run it again: it looks anew.")));
	}
}
