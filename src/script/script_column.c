/*-------------------------------------------------------------------------
 *
 * script_column.c
 *	  Effects of a new column, or of a column's new type, on the rows of a
 *	  table.
 *
 *	  A change of type is judged as by ATColumnChangeRequiresRewrite() in
 *	  tablecmds.c, for types of pg_catalog only, because casts of other types
 *	  are their owners' code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/index.h"
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

/* Returns whether the cast keeps the stored values, as ATColumnChangeRequiresRewrite() does */
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

/* Returns whether USING changes nothing: it is missing, or the column, or (sets that) its cast to the new type */
static bool
is_plain_using(const ColumnDef *def, const char *column, Oid type, int32 typmod, CoercionContext *context)
{
	Node	   *using = def->raw_default;
	Oid			cast_type;
	int32		cast_typmod;

	*context = COERCION_ASSIGNMENT;
	if (using && IsA(using, TypeCast) && is_builtin_type(((TypeCast *) using)->typeName, &cast_type, &cast_typmod) &&
		cast_type == type && cast_typmod == typmod)
	{
		using = ((TypeCast *) using)->arg;
		*context = COERCION_EXPLICIT;
	}
	return using == NULL || (IsA(using, ColumnRef) && list_length(((ColumnRef *) using)->fields) == 1 &&
							 IsA(linitial(((ColumnRef *) using)->fields), String) &&
							 strcmp(strVal(linitial(((ColumnRef *) using)->fields)), column) == 0);
}

/* Returns whether a CHECK of a domain makes the server check each row's value */
static bool
checks_rows(Form_pg_constraint constraint, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		condition;

	if (constraint->contype != CONSTRAINT_CHECK)
		return false;
	condition = heap_getattr(tuple, Anum_pg_constraint_conbin, desc, &isnull);
	return !SG_DOMAIN_REWRITES_IF_VOLATILE ||
		(!isnull && contain_volatile_functions(stringToNode(TextDatumGetCString(condition))));
}

/*
 * Returns whether each row's value is checked by a domain.  Reads only the
 * catalogs, because DomainHasConstraints() has the domain's checks planned,
 * which runs immutable functions in them.
 */
static bool
is_checked_domain(const TypeName *name)
{
	Oid			type = name ? LookupTypeNameOid(NULL, name, true) : InvalidOid;
	bool		found = false;

	while (OidIsValid(type) && !found)
	{
		HeapTuple	row = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		Form_pg_type form;
		SgCatalog	constraints;
		HeapTuple	tuple;
		Oid			base = InvalidOid;

		if (!HeapTupleIsValid(row))
			return false;
		form = (Form_pg_type) GETSTRUCT(row);
		if (form->typtype == TYPTYPE_DOMAIN)
		{
			base = form->typbasetype;
			found = form->typnotnull && !SG_DOMAIN_REWRITES_IF_VOLATILE;
		}
		ReleaseSysCache(row);
		if (!OidIsValid(base))
			break;
		sg_catalog_begin(&constraints, ConstraintRelationId, ConstraintTypidIndexId, Anum_pg_constraint_contypid, type, NULL);
		while (HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
			found |= checks_rows((Form_pg_constraint) GETSTRUCT(tuple), tuple, RelationGetDescr(constraints.rel));
		type = base;
	}
	return found;
}

/*
 * Sets the type, its modifier and the collation that a script gives a column, if
 * the type is one of pg_catalog, or a domain over one that checks no value
 */
static bool
read_given(const ColumnDef *def, FormData_pg_attribute *attribute)
{
	Oid			type = LookupTypeNameOid(NULL, def->typeName, true);

	if (OidIsValid(type) && get_typtype(type) == TYPTYPE_DOMAIN && !is_checked_domain(def->typeName))
	{
		attribute->atttypmod = -1;
		attribute->atttypid = getBaseTypeAndTypmod(type, &attribute->atttypmod);
		if (attribute->atttypid >= FirstUnpinnedObjectId)
			return false;
	}
	else if (!is_builtin_type(def->typeName, &attribute->atttypid, &attribute->atttypmod))
		return false;
	attribute->attcollation = def->collClause ? get_collation_oid(def->collClause->collname, true) : get_typcollation(type);
	return true;
}

ScriptTypeChange
script_type_change(Oid relid, const char *column, const ColumnDef *was, const ColumnDef *def)
{
	FormData_pg_attribute before;
	FormData_pg_attribute after;
	AttrNumber	attnum = OidIsValid(relid) ? get_attnum(relid, column) : InvalidAttrNumber;
	Node	   *expr;
	CoercionContext context;

	if (was == NULL && (attnum <= 0 || !sg_read_column(relid, attnum, &before)))
		return TYPE_NOT_HERE;
	if ((was && !read_given(was, &before)) || getBaseType(before.atttypid) >= FirstUnpinnedObjectId || !read_given(def, &after) ||
		!is_plain_using(def, column, after.atttypid, after.atttypmod, &context))
		return TYPE_MAY_REWRITE;
	expr = coerce_to_target_type(make_parsestate(NULL),
								 (Node *) makeVar(1, Max(attnum, 1), before.atttypid, before.atttypmod, before.attcollation, 0),
								 before.atttypid, after.atttypid, after.atttypmod, context, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		return def->raw_default ? TYPE_MAY_REWRITE : TYPE_NO_CAST;
	return keeps_bits((Node *) expression_planner((Expr *) expr)) ? TYPE_KEEPS_ROWS : def->raw_default ? TYPE_MAY_REWRITE : TYPE_REWRITES;
}

/* A column whose type changes, with its new properties */
typedef struct Retyped
{
	AttrNumber	attnum;
	Oid			before;
	Oid			collated_before;
	Oid			after;
	Oid			collated_after;
} Retyped;

/*
 * Returns whether a column of the index changes, as CheckIndexCompatible()
 * decides.  An opclass that is the default for the old type is not written
 * down.
 */
static bool
is_key_changed(Oid index, Oid method, int i, AttrNumber attnum, Oid opclass, Oid collation, const Retyped *change)
{
	FormData_pg_attribute key;
	FormData_pg_attribute column;
	Oid			type = change->after;

	if (attnum != change->attnum)
		type = sg_read_column(IndexGetRelation(index, false), attnum, &column) ? column.atttypid : InvalidOid;
	else if ((collation == change->collated_before && collation != change->collated_after) ||
			 (opclass == GetDefaultOpClass(change->before, method) && opclass != GetDefaultOpClass(type, method)))
		return true;
	return IsPolymorphicType(get_opclass_input_type(opclass)) && sg_read_column(index, i + 1, &key) && key.atttypid != type;
}

/*
 * Returns whether the index is rebuilt, as CheckIndexCompatible() decides; an
 * index with expressions or WHERE counts as rebuilt, because these are their
 * owners' code.
 */
static bool
is_rebuilt(Oid index, const Retyped *change)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	FormData_pg_class class;
	oidvector  *opclasses;
	oidvector  *collations;
	bool		is_null;
	bool		rebuilt;

	if (!HeapTupleIsValid(tuple) || !sg_read_class(index, &class))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	opclasses = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &is_null));
	collations = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indcollation, &is_null));
	/* a partition's index is made with the partitioned one */
	rebuilt = get_rel_relispartition(index) || !form->indisvalid || !heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) || !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	for (int i = 0; i < form->indnkeyatts && !rebuilt; i++)
		rebuilt = is_key_changed(index, class.relam, i, form->indkey.values[i], opclasses->values[i], collations->values[i], change);
	ReleaseSysCache(tuple);
	return rebuilt;
}

/*
 * Returns whether a constraint is a CHECK whose rows are read again; sets the
 * index of a constraint with one
 */
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

List *
script_type_redo(Oid relid, const char *column, const ColumnDef *was, const ColumnDef *def, bool *reads)
{
	FormData_pg_attribute before;
	FormData_pg_attribute after;
	Retyped		change = {.attnum = get_attnum(relid, column)};
	List	   *indexes = NIL;
	SgCatalog	dependents;
	HeapTuple	tuple;

	if (change.attnum <= 0 || !sg_read_column(relid, change.attnum, &before) || (was && !read_given(was, &before)) || !read_given(def, &after))
		return NIL;
	change.before = before.atttypid;
	change.collated_before = before.attcollation;
	change.after = after.atttypid;
	change.collated_after = after.attcollation;
	sg_catalog_begin_depend(&dependents, true, RelationRelationId, relid, change.attnum);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&dependents)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		Oid			index = InvalidOid;

		if (depend->classid == ConstraintRelationId)
			*reads |= is_read_again(depend->objid, &index);
		else if (depend->classid == RelationRelationId)
			index = depend->objid;
		if (OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX && is_rebuilt(index, &change))
			indexes = list_append_unique_oid(indexes, index);
	}
	sg_catalog_end(&dependents);
	return indexes;
}

/* Returns whether a function of that name could be volatile; an unknown function could */
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

/* Returns whether the type is a domain with a default that is computed for each row */
static bool
has_volatile_default(const TypeName *name)
{
	Oid			type = name ? LookupTypeNameOid(NULL, name, true) : InvalidOid;

	return OidIsValid(type) && get_typtype(type) == TYPTYPE_DOMAIN && contain_volatile_functions(get_typdefault(type));
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

/* Returns whether a statement before has made the type such a domain, or it is one of that name without a schema */
static bool
is_touched_domain(const ScriptTouched *touched, const TypeName *name)
{
	foreach_ptr(const List, names, name && name->arrayBounds == NIL ? touched->domains : NIL)
	{
		if (list_length(names) == list_length(name->names) ? equal(names, name->names) : equal(llast(names), llast(name->names)))
			return true;
	}
	return false;
}

/* Returns whether a constraint or default of a domain has each row computed or checked, as checks_rows() tells */
static bool
computes_rows(const Constraint *c)
{
	switch (c->contype)
	{
		case CONSTR_DEFAULT:
			return calls_volatile(c->raw_expr, NULL);
		case CONSTR_CHECK:
			return !SG_DOMAIN_REWRITES_IF_VOLATILE || calls_volatile(c->raw_expr, NULL);
		default:
			return c->contype == CONSTR_NOTNULL && !SG_DOMAIN_REWRITES_IF_VOLATILE;
	}
}

/* Returns the type that a statement gives another name or schema, and sets that name; or NULL */
static TypeName *
renamed_domain(Node *statement, List **names)
{
	RenameStmt *rename = (RenameStmt *) statement;
	AlterObjectSchemaStmt *move = (AlterObjectSchemaStmt *) statement;
	List	   *old = NIL;

	if (IsA(statement, RenameStmt) && (rename->renameType == OBJECT_DOMAIN || rename->renameType == OBJECT_TYPE))
	{
		old = (List *) rename->object;
		*names = list_truncate(list_copy(old), list_length(old) - 1);
		*names = lappend(*names, makeString(rename->newname));
	}
	else if (IsA(statement, AlterObjectSchemaStmt) && (move->objectType == OBJECT_DOMAIN || move->objectType == OBJECT_TYPE))
	{
		old = (List *) move->object;
		*names = list_make2(makeString(move->newschema), llast(old));
	}
	return old ? makeTypeNameFromNameList(old) : NULL;
}

void
script_touch_domain(ScriptTouched *touched, Node *statement)
{
	CreateDomainStmt *made = IsA(statement, CreateDomainStmt) ? (CreateDomainStmt *) statement : NULL;
	AlterDomainStmt *altered = IsA(statement, AlterDomainStmt) ? (AlterDomainStmt *) statement : NULL;
	Constraint	set = {.type = T_Constraint,.contype = CONSTR_NULL};
	List	   *names = made ? made->domainname : altered ? altered->typeName : NIL;
	ColumnDef	column = {.type = T_ColumnDef,.typeName = made ? made->typeName : renamed_domain(statement, &names)};
	bool		computes = column.typeName && script_column_rewrites(&column, false, touched);

	if (altered && altered->subtype == 'O')
		set.contype = CONSTR_NOTNULL;
	else if (altered && altered->subtype == 'T')
	{
		set.contype = CONSTR_DEFAULT;
		set.raw_expr = altered->def;
	}
	else if (altered && altered->def && IsA(altered->def, Constraint))
		set = *(Constraint *) altered->def;
	foreach_ptr(const Constraint, c, made ? made->constraints : list_make1(&set))
	{
		computes |= computes_rows(c);
	}
	if (computes)
		touched->domains = lappend(touched->domains, names);
}

bool
script_column_rewrites(const ColumnDef *column, bool default_apart, const ScriptTouched *touched)
{
	Node	   *initial = column->raw_default;

	if (script_column_computes(column) || is_checked_domain(column->typeName) || is_touched_domain(touched, column->typeName))
		return true;
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint) && c->contype == CONSTR_DEFAULT)
			initial = c->raw_expr;
	}
	return initial ? !default_apart && calls_volatile(initial, NULL) : has_volatile_default(column->typeName);
}
