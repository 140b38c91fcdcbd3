/*-------------------------------------------------------------------------
 *
 * script_brief.c
 *	  Indexes of constraints, statements that find their work already done, as
 *	  with IF NOT EXISTS, and names that statements before them change.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "script/script.h"

static IndexElem *
index_element(String *column)
{
	IndexElem  *element = makeNode(IndexElem);

	element->name = strVal(column);
	return element;
}

IndexStmt *
script_constraint_index(const Constraint *c, const char *column)
{
	IndexStmt  *statement = makeNode(IndexStmt);

	if ((c->contype != CONSTR_UNIQUE && c->contype != CONSTR_PRIMARY && c->contype != CONSTR_EXCLUSION) || c->indexname)
		return NULL;
	statement->accessMethod = c->contype == CONSTR_EXCLUSION ? c->access_method : NULL;
	statement->whereClause = c->where_clause;
	statement->tableSpace = c->indexspace;
	statement->unique = c->contype != CONSTR_EXCLUSION;
	foreach_ptr(String, key, c->keys ? c->keys : column && c->contype != CONSTR_EXCLUSION ? list_make1(makeString(pstrdup(column))) : NIL)
	{
		statement->indexParams = lappend(statement->indexParams, index_element(key));
	}
	foreach_ptr(const List, part, c->exclusions)
	{
		statement->indexParams = lappend(statement->indexParams, linitial(part));
	}
	foreach_ptr(String, key, c->including)
	{
		statement->indexIncludingParams = lappend(statement->indexIncludingParams, index_element(key));
	}
	return statement;
}

/* ---- names that change ---- */

typedef struct Renamed
{
	char	   *name;			/* new name; for a table qualified */
	char	   *relname;		/* unqualified name of a table */
	Oid			relid;			/* table, or the column's table; InvalidOid:
								 * nothing has the name */
	char	   *now;			/* present name of a column or schema */
	const ColumnDef *def;		/* definition with a column's type */
} Renamed;

static void
add_table(ScriptTouched *touched, const char *schema, const char *name, Oid relid)
{
	Renamed    *renamed = palloc0(sizeof(Renamed));

	renamed->name = sg_qualified_name(schema, name);
	renamed->relname = pstrdup(name);
	renamed->relid = relid;
	touched->tables = lcons(renamed, touched->tables);
}

static Renamed *
add_name(List **list, const char *name, Oid relid, const char *now)
{
	Renamed    *renamed = palloc0(sizeof(Renamed));

	renamed->name = pstrdup(name);
	renamed->relid = relid;
	renamed->now = pstrdup(now);
	*list = lcons(renamed, *list);
	return renamed;
}

void
script_touch_type(ScriptTouched *touched, Oid relid, const char *column, const ColumnDef *def)
{
	add_name(&touched->types, column, relid, column)->def = def;
}

const ColumnDef *
script_type_given(const ScriptTouched *touched, Oid relid, const char *column)
{
	foreach_ptr(const Renamed, type, touched->types)
	{
		if (type->relid == relid && strcmp(type->name, column) == 0)
			return type->def;
	}
	return NULL;
}

void
script_touch_constraint(ScriptTouched *touched, Oid relid, const char *name)
{
	(void) add_name(&touched->constraints, name, relid, name);
}

List *
script_lost_constraints(const ScriptTouched *touched, Oid relid)
{
	List	   *names = NIL;

	foreach_ptr(const Renamed, constraint, touched->constraints)
	{
		if (constraint->relid == relid)
			names = lappend(names, constraint->name);
	}
	return names;
}

void
script_touch_constraints_of(ScriptTouched *touched, Oid relid, const char *column)
{
	AttrNumber	attnum = get_attnum(relid, script_column_now(touched, relid, column));
	SgCatalog	dependents;
	HeapTuple	tuple;

	if (attnum <= 0)
		return;
	sg_catalog_begin_depend(&dependents, true, RelationRelationId, relid, attnum);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&dependents)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		char	   *name = depend->classid == ConstraintRelationId ? get_constraint_name(depend->objid) : NULL;

		if (name)
			script_touch_constraint(touched, relid, name);
	}
	sg_catalog_end(&dependents);
}

ScriptTouched
script_touched_copy(const ScriptTouched *touched)
{
	ScriptTouched copy = {
		.names = list_copy(touched->names),
		.tables = list_copy(touched->tables),
		.columns = list_copy(touched->columns),
		.schemas = list_copy(touched->schemas),
		.types = list_copy(touched->types),
		.constraints = list_copy(touched->constraints),
		.domains = list_copy(touched->domains),
	};

	return copy;
}

void
script_touch_dropped(ScriptTouched *touched, const char *qualified)
{
	SgTableName name = sg_parse_table_name(qualified);

	add_table(touched, name.schema, name.name, InvalidOid);
}

/* A table, or what has a name like one, goes to a name; either may be as it is (NULL) */
static void
touch_renamed(ScriptTouched *touched, const RangeVar *from, const char *schema, const char *name)
{
	Oid			relid = script_table_by_then(touched, from);
	const char *old = from->schemaname ? from->schemaname : OidIsValid(relid) ? sg_rel_schema(relid) : NULL;

	if (old == NULL)
		return;
	add_table(touched, old, from->relname, InvalidOid);
	add_table(touched, schema ? schema : old, name ? name : from->relname, relid);
}

static void
touch_rename(ScriptTouched *touched, const RenameStmt *rename)
{
	Oid			relid = script_table_by_then(touched, rename->relation);

	if (rename->subname || (rename->relation && !OidIsValid(relid)) || !rename->relation || strchr("iI", get_rel_relkind(relid)))
		touched->names = list_concat(touched->names, list_make2(rename->subname ? rename->subname :
																rename->relation ? rename->relation->relname : "", rename->newname));
	if (rename->renameType == OBJECT_SCHEMA)
		(void) add_name(&touched->schemas, rename->newname, InvalidOid, rename->subname);
	else if (rename->renameType == OBJECT_COLUMN && OidIsValid(relid))
	{
		const ColumnDef *given = script_type_given(touched, relid, rename->subname);

		(void) add_name(&touched->columns, rename->newname, relid, script_column_now(touched, relid, rename->subname));
		script_touch_type(touched, relid, rename->newname, given);
	}
	else if (rename->subname == NULL && rename->relation)
		touch_renamed(touched, rename->relation, NULL, rename->newname);
}

void
script_touch(ScriptTouched *touched, Node *statement)
{
	if (IsA(statement, RenameStmt))
		touch_rename(touched, (RenameStmt *) statement);
	script_touch_domain(touched, statement);
	if (IsA(statement, AlterObjectSchemaStmt) && ((AlterObjectSchemaStmt *) statement)->relation)
		touch_renamed(touched, ((AlterObjectSchemaStmt *) statement)->relation, ((AlterObjectSchemaStmt *) statement)->newschema, NULL);
	foreach_ptr(const AlterTableCmd, cmd, IsA(statement, AlterTableStmt) ? ((AlterTableStmt *) statement)->cmds : NIL)
	{
		if (cmd->subtype == AT_AddColumn)
			touched->names = lappend(touched->names, ((ColumnDef *) cmd->def)->colname);
		else if (cmd->subtype == AT_AddConstraint && ((Constraint *) cmd->def)->conname)
			touched->names = lappend(touched->names, ((Constraint *) cmd->def)->conname);
		else if (cmd->subtype == AT_DropColumn || cmd->subtype == AT_DropConstraint)
			touched->names = lappend(touched->names, cmd->name);
		else if (cmd->subtype == AT_SetLogged || cmd->subtype == AT_SetUnLogged || cmd->subtype == AT_SetAccessMethod || cmd->subtype == AT_SetTableSpace)
			touched->names = lappend(touched->names, ((AlterTableStmt *) statement)->relation->relname);
	}
	foreach_ptr(Node, object, IsA(statement, DropStmt) ? ((DropStmt *) statement)->objects : NIL)
	{
		if (IsA(object, List) && IsA(llast((List *) object), String))
			touched->names = lappend(touched->names, strVal(llast((List *) object)));
	}
}

bool
script_is_renamed(const ScriptTouched *touched, const char *qualified, Oid *relid)
{
	foreach_ptr(const Renamed, table, touched->tables)
	{
		if (strcmp(table->name, qualified) == 0)
		{
			*relid = table->relid;
			return true;
		}
	}
	foreach_ptr(const Renamed, schema, touched->schemas)
	{
		const char *prefix = quote_identifier(schema->name);
		size_t		n = strlen(prefix);

		if (strncmp(qualified, prefix, n) == 0 && qualified[n] == '.')
		{
			*relid = sg_find_qualified(psprintf("%s%s", quote_identifier(schema->now), qualified + n));
			return true;
		}
	}
	return false;
}

Oid
script_table_by_then(const ScriptTouched *touched, const RangeVar *name)
{
	Oid			relid;

	if (name == NULL)
		return InvalidOid;
	if (name->schemaname && script_is_renamed(touched, sg_qualified_name(name->schemaname, name->relname), &relid))
		return relid;
	foreach_ptr(const Renamed, table, name->schemaname ? NIL : touched->tables)
	{
		if (strcmp(table->relname, name->relname) == 0)
			return table->relid;
	}
	return RangeVarGetRelid(name, NoLock, true);
}

char *
script_name_by_then(const ScriptTouched *touched, Oid relid)
{
	foreach_ptr(const Renamed, table, touched->tables)
	{
		if (table->relid == relid)
			return table->name;
	}
	return sg_relation_name(relid);
}

const char *
script_column_now(const ScriptTouched *touched, Oid relid, const char *name)
{
	foreach_ptr(const Renamed, column, touched->columns)
	{
		if (column->relid == relid && strcmp(column->name, name) == 0)
			return column->now;
		if (column->relid == relid && strcmp(column->now, name) == 0)
			return "";
	}
	return name;
}

List *
script_columns_now(const ScriptTouched *touched, Oid relid, const List *names)
{
	List	   *now = NIL;

	foreach_ptr(const char, name, names)
	{
		now = lappend(now, pstrdup(script_column_now(touched, relid, name)));
	}
	return now;
}

const IndexStmt *
script_index_now(const ScriptTouched *touched, Oid relid, const IndexStmt *statement)
{
	IndexStmt  *copy;

	if (touched->columns == NIL)
		return statement;
	copy = copyObject(unconstify(IndexStmt *, statement));
	foreach_ptr(IndexElem, element, list_concat_copy(copy->indexParams, copy->indexIncludingParams))
	{
		if (element->name)
			element->name = pstrdup(script_column_now(touched, relid, element->name));
	}
	return copy;
}

/* ---- work already done ---- */

bool
script_index_is_there(Oid relid, const IndexStmt *statement, const ScriptTouched *touched)
{
	return statement->if_not_exists && statement->idxname && OidIsValid(relid) && !sg_has_name(touched->names, statement->idxname) &&
		OidIsValid(get_relname_relid(statement->idxname, get_rel_namespace(relid)));
}

/* Returns whether the statement itself drops the column before it adds one */
static bool
drops_first(const AlterTableStmt *statement, const char *column)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (cmd->subtype == AT_DropColumn && strcmp(cmd->name, column) == 0)
			return true;
	}
	return false;
}

static bool
has_column(Oid relid, const char *column)
{
	return get_attnum(relid, column) != InvalidAttrNumber;
}

/* Returns whether the table is in that tablespace; the database's own has no name in pg_class */
static bool
is_in_tablespace(const FormData_pg_class *class, const char *tablespace)
{
	Oid			oid = get_tablespace_oid(tablespace, true);

	return OidIsValid(oid) && class->reltablespace == (oid == MyDatabaseTableSpace ? InvalidOid : oid);
}

/* Returns whether the table has that access method, or the default one (NULL) */
static bool
has_method(const FormData_pg_class *class, const char *method)
{
	return class->relam == get_table_am_oid(method ? method : default_table_access_method, true);
}

bool
script_command_is_brief(Oid relid, const AlterTableStmt *statement, const AlterTableCmd *cmd, const ScriptTouched *touched)
{
	const char *name = cmd->subtype == AT_AddColumn ? ((ColumnDef *) cmd->def)->colname :
		cmd->subtype == AT_DropColumn || cmd->subtype == AT_DropConstraint ? cmd->name : statement->relation->relname;
	FormData_pg_class class;

	if (sg_has_name(touched->names, name) || !sg_read_class(relid, &class))
		return false;
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			return cmd->missing_ok && has_column(relid, name) && !drops_first(statement, name);
		case AT_DropColumn:
			return cmd->missing_ok && !has_column(relid, cmd->name);
		case AT_DropConstraint:
			return cmd->missing_ok && !OidIsValid(get_relation_constraint_oid(relid, cmd->name, true));
		case AT_AddConstraint:

			/*
			 * an index on a partitioned table alone, without those of the
			 * partitions
			 */
			return script_constraint_index((Constraint *) cmd->def, NULL) && class.relkind == RELKIND_PARTITIONED_TABLE && !statement->relation->inh;
		case AT_SetLogged:
			return class.relpersistence == RELPERSISTENCE_PERMANENT || class.relkind == RELKIND_PARTITIONED_TABLE;
		case AT_SetUnLogged:
			return class.relpersistence == RELPERSISTENCE_UNLOGGED || class.relkind == RELKIND_PARTITIONED_TABLE;
		case AT_SetAccessMethod:
			return class.relkind == RELKIND_PARTITIONED_TABLE || has_method(&class, cmd->name);
		case AT_SetTableSpace:
			return !RELKIND_HAS_STORAGE(class.relkind) || is_in_tablespace(&class, cmd->name);
		default:
			return false;
	}
}
