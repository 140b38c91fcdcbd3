/*-------------------------------------------------------------------------
 *
 * script_column.c
 *	  Effects of a new column, or of a new type of one, on the rows of a table.
 *
 * A change of type is judged as ATColumnChangeRequiresRewrite() does it in
 * tablecmds.c, for types of pg_catalog alone: the casts of other types are
 * somebody's code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "script/script.h"

/* Sets the type, if it is one of pg_catalog */
static bool
is_builtin_type(const TypeName *name, Oid *type, int32 *typmod)
{
	*type = LookupTypeNameOid(NULL, name, true);
	if (!OidIsValid(*type) || *type >= FirstUnpinnedObjectId)
		return false;
	typenameTypeIdAndMod(NULL, name, type, typmod);
	return true;
}

char *
script_type_text(const TypeName *name)
{
	Oid			type;
	int32		typmod;

	if (name == NULL)
		return NULL;
	return is_builtin_type(name, &type, &typmod) ? format_type_with_typemod(type, typmod) : TypeNameToString(name);
}

/* As in ATColumnChangeRequiresRewrite() */
static bool
keeps_bits(Node *expr)
{
	for (;;)
	{
		if (IsA(expr, Var))
			return true;
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else if (IsA(expr, FuncExpr) && !TimestampTimestampTzRequiresRewrite() &&
				 (((FuncExpr *) expr)->funcid == F_TIMESTAMPTZ_TIMESTAMP || ((FuncExpr *) expr)->funcid == F_TIMESTAMP_TIMESTAMPTZ))
			expr = linitial(((FuncExpr *) expr)->args);
		else
			return false;
	}
}

ScriptTypeChange
script_type_change(Oid relid, const char *column, const ColumnDef *def)
{
	FormData_pg_attribute attribute;
	AttrNumber	attnum = OidIsValid(relid) ? get_attnum(relid, column) : InvalidAttrNumber;
	Node	   *expr;
	Oid			type;
	int32		typmod;

	if (attnum <= 0 || !sg_read_column(relid, attnum, &attribute))
		return TYPE_NOT_HERE;
	if (def->raw_default || attribute.atttypid >= FirstUnpinnedObjectId || !is_builtin_type(def->typeName, &type, &typmod))
		return TYPE_MAY_REWRITE;
	expr = coerce_to_target_type(make_parsestate(NULL),
								 (Node *) makeVar(1, attnum, attribute.atttypid, attribute.atttypmod, attribute.attcollation, 0),
								 attribute.atttypid, type, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		return TYPE_NO_CAST;
	return keeps_bits((Node *) expression_planner((Expr *) expr)) ? TYPE_KEEPS_ROWS : TYPE_REWRITES;
}

/* Is the index built anew, as in CheckIndexCompatible(), if a column of it gets the type?  Its expressions and WHERE are somebody's code. */
static bool
is_rebuilt(Oid index, Oid before, Oid after, bool collated)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	FormData_pg_class class;
	bool		rebuilt;

	if (!HeapTupleIsValid(tuple))
		return false;
	rebuilt = collated || !heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) || !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return rebuilt || (sg_read_class(index, &class) && GetDefaultOpClass(before, class.relam) != GetDefaultOpClass(after, class.relam));
}

/* Finds out whether a constraint is a CHECK whose rows are read again, or which index it has */
static bool
is_read_again(Oid constraint, Oid *index)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	bool		reads;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	reads = form->contype == CONSTRAINT_CHECK && form->convalidated;
	if (form->contype != CONSTRAINT_FOREIGN)
		*index = form->conindid;
	ReleaseSysCache(tuple);
	return reads;
}

void
script_type_redo(Oid relid, const char *column, const ColumnDef *def, bool *reads, bool *builds)
{
	FormData_pg_attribute attribute;
	AttrNumber	attnum = get_attnum(relid, column);
	SgCatalog	dependents;
	HeapTuple	tuple;
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (attnum <= 0 || !sg_read_column(relid, attnum, &attribute) || !is_builtin_type(def->typeName, &type, &typmod))
		return;
	collation = def->collClause ? get_collation_oid(def->collClause->collname, true) : get_typcollation(type);
	sg_catalog_begin_depend(&dependents, true, RelationRelationId, relid, attnum);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&dependents)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		Oid			index = InvalidOid;

		if (depend->classid == ConstraintRelationId)
			*reads |= is_read_again(depend->objid, &index);
		else if (depend->classid == RelationRelationId && strchr("iI", get_rel_relkind(depend->objid)))
			index = depend->objid;
		if (OidIsValid(index))
			*builds |= is_rebuilt(index, attribute.atttypid, type, collation != attribute.attcollation);
	}
	sg_catalog_end(&dependents);
}

/* Could a function of that name be volatile?  One that is not here could. */
static bool
may_be_volatile(List *names)
{
	char	   *schema;
	char	   *name;
	CatCList   *functions;
	bool		found;

	DeconstructQualifiedName(names, &schema, &name);
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	found = functions->n_members == 0;
	for (int i = 0; i < functions->n_members && !found; i++)
		found = ((Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple))->provolatile == PROVOLATILE_VOLATILE;
	ReleaseSysCacheList(functions);
	return found;
}

static bool
calls_volatile(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && may_be_volatile(((FuncCall *) node)->funcname))
		return true;
	return raw_expression_tree_walker(node, calls_volatile, context);
}

Oid
script_serial_type(const TypeName *name)
{
	static const struct
	{
		const char *name;
		Oid			type;
	}			serials[] = {
		{"smallserial", INT2OID}, {"serial2", INT2OID}, {"serial", INT4OID}, {"serial4", INT4OID},
		{"bigserial", INT8OID}, {"serial8", INT8OID},
	};

	if (name == NULL || list_length(name->names) != 1 || name->pct_type || name->arrayBounds)
		return InvalidOid;
	for (int i = 0; i < lengthof(serials); i++)
	{
		if (strcmp(strVal(linitial(name->names)), serials[i].name) == 0)
			return serials[i].type;
	}
	return InvalidOid;
}

/* The value of each row is checked as one of the domain */
static bool
is_checked_domain(const TypeName *name)
{
	Oid			type = name ? LookupTypeNameOid(NULL, name, true) : InvalidOid;

	return OidIsValid(type) && sg_domain_rewrites(type);
}

bool
script_column_computes(const ColumnDef *column)
{
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint) && (c->contype == CONSTR_IDENTITY || (c->contype == CONSTR_GENERATED && !SG_IS_VIRTUAL(c))))
			return true;
	}
	return column->identity || OidIsValid(script_serial_type(column->typeName));
}

bool
script_column_rewrites(const ColumnDef *column, bool default_apart)
{
	if (script_column_computes(column) || is_checked_domain(column->typeName))
		return true;
	foreach_ptr(const Constraint, c, default_apart ? NIL : column->constraints)
	{
		if (IsA(c, Constraint) && c->contype == CONSTR_DEFAULT && calls_volatile(c->raw_expr, NULL))
			return true;
	}
	return !default_apart && column->raw_default && calls_volatile(column->raw_default, NULL);
}
