/*-------------------------------------------------------------------------
 *
 * code_reach.c
 *	  What using a type, function, operator or stored expression could run.
 *
 * A walk over pg_depend and the catalogs of types, casts and operator
 * classes; each object is looked at once.  Objects that came with initdb end
 * the walk.  Nothing is evaluated: types are not looked up in the type cache,
 * since that would load and plan domain constraints.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/code.h"
#include "base/code_internal.h"
#include "base/compat.h"

CodeReach *
code_reach(void)
{
	return palloc0(sizeof(CodeReach));
}

/* Is it there before us?  Marks it as seen. */
static bool
is_seen(CodeReach *reach, Oid classid, Oid objectid)
{
	ObjectAddress *object;
	ListCell   *lc;

	foreach(lc, reach->seen)
	{
		object = lfirst(lc);
		if (object->objectId == objectid && object->classId == classid)
			return true;
	}
	object = palloc(sizeof(ObjectAddress));
	ObjectAddressSet(*object, classid, objectid);
	reach->seen = lappend(reach->seen, object);
	return false;
}

static bool
is_built_in(Oid objectid)
{
	return objectid < FirstNormalObjectId;
}

void
code_reach_owner(CodeReach *reach, Oid owner, const char *what)
{
	reach->found = true;
	if (!superuser_arg(owner) && !list_member_oid(reach->owners, owner))
	{
		reach->owners = lappend_oid(reach->owners, owner);
		reach->whats = lappend(reach->whats, pstrdup(what));
	}
}

/* Who could add code to it at any time, though there is none now */
static void
add_planter(CodeReach *reach, Oid owner)
{
	reach->found = true;
	if (!superuser_arg(owner))
		reach->planters = list_append_unique_oid(reach->planters, owner);
}

/* ---- functions, operators, operator classes ---- */

void
code_reach_function(CodeReach *reach, Oid function)
{
	HeapTuple	tuple;

	if (!OidIsValid(function) || is_built_in(function) ||
		is_seen(reach, ProcedureRelationId, function))
		return;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return;
	code_reach_owner(reach, ((Form_pg_proc) GETSTRUCT(tuple))->proowner,
					 psprintf("function %s", format_procedure_qualified(function)));
	ReleaseSysCache(tuple);

	/* its arguments' types, its support function, what an SQL body names */
	code_reach_object(reach, ProcedureRelationId, function);
}

void
code_reach_operator(CodeReach *reach, Oid operator)
{
	HeapTuple	tuple;
	FormData_pg_operator form;

	if (!OidIsValid(operator) || is_built_in(operator) ||
		is_seen(reach, OperatorRelationId, operator))
		return;
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	if (!HeapTupleIsValid(tuple))
		return;
	form = *(Form_pg_operator) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);

	add_planter(reach, form.oprowner);
	code_reach_function(reach, form.oprcode);
	code_reach_function(reach, form.oprrest);
	code_reach_function(reach, form.oprjoin);
	code_reach_operator(reach, form.oprcom);
	code_reach_operator(reach, form.oprnegate);
	code_reach_type(reach, form.oprleft);
	code_reach_type(reach, form.oprright);
}

static void
reach_opfamily(CodeReach *reach, Oid family)
{
	CatCList   *list;

	if (!OidIsValid(family) || is_seen(reach, OperatorFamilyRelationId, family))
		return;

	list = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(family));
	for (int i = 0; i < list->n_members; i++)
		code_reach_function(reach, ((Form_pg_amproc) GETSTRUCT(&list->members[i]->tuple))->amproc);
	ReleaseSysCacheList(list);

	list = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	for (int i = 0; i < list->n_members; i++)
		code_reach_operator(reach, ((Form_pg_amop) GETSTRUCT(&list->members[i]->tuple))->amopopr);
	ReleaseSysCacheList(list);
}

void
code_reach_opclass(CodeReach *reach, Oid opclass)
{
	HeapTuple	tuple;

	if (!OidIsValid(opclass) || is_built_in(opclass) ||
		is_seen(reach, OperatorClassRelationId, opclass))
		return;
	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	if (!HeapTupleIsValid(tuple))
		return;
	reach_opfamily(reach, ((Form_pg_opclass) GETSTRUCT(tuple))->opcfamily);
	ReleaseSysCache(tuple);
}

/* ---- types ---- */

/* Casts from and to a type, of every context */
static void
reach_casts(CodeReach *reach, Oid type)
{
	Relation	rel = table_open(CastRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *functions = NIL;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_cast cast = (Form_pg_cast) GETSTRUCT(tuple);

		if ((cast->castsource == type || cast->casttarget == type) && OidIsValid(cast->castfunc))
			functions = lappend_oid(functions, cast->castfunc);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	foreach(lc, functions)
		code_reach_function(reach, lfirst_oid(lc));
}

static void
reach_domain_checks(CodeReach *reach, Oid type, Oid owner)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *constraints = NIL;
	ListCell   *lc;

	ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(rel, ConstraintTypidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		constraints = lappend_oid(constraints, ((Form_pg_constraint) GETSTRUCT(tuple))->oid);
		code_reach_stored(reach, tuple, Anum_pg_constraint_conbin, RelationGetDescr(rel), owner);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	foreach(lc, constraints)
		code_reach_object(reach, ConstraintRelationId, lfirst_oid(lc));
}

static void
reach_range(CodeReach *reach, Oid type)
{
	HeapTuple	tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(type));
	FormData_pg_range form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = *(Form_pg_range) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);

	code_reach_type(reach, form.rngsubtype);
	code_reach_opclass(reach, form.rngsubopc);
	code_reach_function(reach, form.rngcanonical);
	code_reach_function(reach, form.rngsubdiff);
}

void
code_reach_columns(CodeReach *reach, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	AttrNumber	natts = HeapTupleIsValid(tuple) ? ((Form_pg_class) GETSTRUCT(tuple))->relnatts : 0;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	for (AttrNumber i = 1; i <= natts; i++)
		code_reach_type(reach, get_atttype(relid, i));
}

void
code_reach_type(CodeReach *reach, Oid type)
{
	HeapTuple	tuple;
	FormData_pg_type form;

	if (!OidIsValid(type) || is_built_in(type) || is_seen(reach, TypeRelationId, type))
		return;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return;
	form = *(Form_pg_type) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);

	add_planter(reach, form.typowner);
	code_reach_function(reach, form.typinput);
	code_reach_function(reach, form.typoutput);
	code_reach_function(reach, form.typreceive);
	code_reach_function(reach, form.typsend);
	code_reach_function(reach, form.typmodin);
	code_reach_function(reach, form.typmodout);
	code_reach_function(reach, form.typanalyze);
	code_reach_function(reach, form.typsubscript);
	code_reach_type(reach, form.typelem);
	reach_casts(reach, type);

	switch (form.typtype)
	{
		case TYPTYPE_DOMAIN:
			code_reach_type(reach, form.typbasetype);
			reach_domain_checks(reach, type, form.typowner);
			break;
		case TYPTYPE_COMPOSITE:
			code_reach_columns(reach, form.typrelid);
			break;
		case TYPTYPE_RANGE:
			reach_range(reach, type);
			break;
		case TYPTYPE_MULTIRANGE:
			code_reach_type(reach, get_multirange_range(type));
			break;
		default:
			break;
	}

	code_reach_opclass(reach, GetDefaultOpClass(type, BTREE_AM_OID));
	code_reach_opclass(reach, GetDefaultOpClass(type, HASH_AM_OID));
}

/* ---- what depends on what ---- */

/* A view runs its query for who reads it */
static void
reach_view(CodeReach *reach, Oid relid)
{
	Relation	rel = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *rules = NIL;
	ListCell   *lc;

	ScanKeyInit(&key, Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, RewriteRelRulenameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		rules = lappend_oid(rules, ((Form_pg_rewrite) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	code_reach_owner(reach, code_table_owner(relid), psprintf("view %s", get_rel_name(relid)));
	foreach(lc, rules)
		code_reach_object(reach, RewriteRelationId, lfirst_oid(lc));
}

static void
reach_referenced(CodeReach *reach, const ObjectAddress *object)
{
	if (is_built_in(object->objectId))
		return;
	switch (object->classId)
	{
		case ProcedureRelationId:
			code_reach_function(reach, object->objectId);
			break;
		case TypeRelationId:
			code_reach_type(reach, object->objectId);
			break;
		case OperatorRelationId:
			code_reach_operator(reach, object->objectId);
			break;
		case OperatorClassRelationId:
			code_reach_opclass(reach, object->objectId);
			break;
		case OperatorFamilyRelationId:
			reach_opfamily(reach, object->objectId);
			break;
		case CastRelationId:
			if (!is_seen(reach, CastRelationId, object->objectId))
				code_reach_object(reach, CastRelationId, object->objectId);
			break;
		case RelationRelationId:
			if (get_rel_relkind(object->objectId) == RELKIND_VIEW &&
				!is_seen(reach, RelationRelationId, object->objectId))
				reach_view(reach, object->objectId);
			break;
		default:
			break;
	}
}

void
code_reach_object(CodeReach *reach, Oid classid, Oid objectid)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *referenced = NIL;
	ListCell   *lc;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(classid));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(objectid));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress *object;

		/* the types of a table's columns count only where rows are put out */
		if (classid == RelationRelationId && form->objsubid != 0)
			continue;
		object = palloc(sizeof(ObjectAddress));
		ObjectAddressSubSet(*object, form->refclassid, form->refobjid, form->refobjsubid);
		referenced = lappend(referenced, object);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	foreach(lc, referenced)
		reach_referenced(reach, lfirst(lc));
}

/* ---- stored expressions ---- */

typedef struct Walk
{
	CodeReach  *reach;
	Oid			owner;			/* who stored the expression */
} Walk;

static bool
takes_anything(Form_pg_proc form)
{
	for (int i = 0; i < form->pronargs; i++)
	{
		Oid			type = form->proargtypes.values[i];

		if (type == REGCLASSOID ||
			(get_typtype(type) == TYPTYPE_PSEUDO && type != CSTRINGOID && type != INTERNALOID))
			return true;
	}
	/* schema_to_xml() and database_to_xml() take no more than a name */
	return strstr(NameStr(form->proname), "_to_xml") != NULL;
}

/* A function in an expression that somebody has stored, with any arguments */
static bool
visit_function(Oid function, void *context)
{
	Walk	   *walk = context;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		harmless;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	harmless = (form->provolatile == PROVOLATILE_IMMUTABLE ||
				(form->provolatile == PROVOLATILE_STABLE && is_built_in(function))) &&
		!takes_anything(form);
	if (!harmless)
		code_reach_owner(walk->reach, walk->owner,
						 psprintf("function %s", format_procedure_qualified(function)));
	ReleaseSysCache(tuple);

	code_reach_function(walk->reach, function);
	return false;
}

/* Is it an expression whose value may be of a user's type? */
static bool
has_type(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_Param:
		case T_Aggref:
		case T_WindowFunc:
		case T_FuncExpr:
		case T_OpExpr:
		case T_SubscriptingRef:
		case T_FieldSelect:
		case T_FieldStore:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_CoerceToDomain:
		case T_CoerceToDomainValue:
			return true;
		default:
			return false;
	}
}

static bool
visit_node(Node *node, void *context)
{
	Walk	   *walk = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, visit_node, context, 0);
	if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
		code_reach_operator(walk->reach, ((OpExpr *) node)->opno);
	if (IsA(node, ScalarArrayOpExpr))
		code_reach_operator(walk->reach, ((ScalarArrayOpExpr *) node)->opno);
	if (IsA(node, CoerceViaIO))
		code_reach_type(walk->reach, exprType((Node *) ((CoerceViaIO *) node)->arg));
	if (has_type(node))
		code_reach_type(walk->reach, exprType(node));
	(void) check_functions_in_node(node, visit_function, context);
	return expression_tree_walker(node, visit_node, context);
}

void
code_reach_expression(CodeReach *reach, Node *expression, Oid owner)
{
	Walk		walk = {.reach = reach,.owner = owner};

	(void) visit_node(expression, &walk);
}

void
code_reach_stored(CodeReach *reach, HeapTuple tuple, AttrNumber attnum, TupleDesc desc, Oid owner)
{
	bool		isnull;
	Datum		datum = heap_getattr(tuple, attnum, desc, &isnull);

	if (!isnull)
		code_reach_expression(reach, stringToNode(TextDatumGetCString(datum)), owner);
}

/* ---- verdicts ---- */

bool
code_found(const CodeReach *reach)
{
	return reach->found;
}

static bool
is_caller_alone(const List *roles)
{
	ListCell   *lc;

	foreach(lc, roles)
	{
		if (lfirst_oid(lc) != GetUserId())
			return false;
	}
	return true;
}

char *
code_refusal(const CodeReach *reach, Oid owner)
{
	ListCell   *lc;
	ListCell   *lw;

	forboth(lc, reach->owners, lw, reach->whats)
	{
		if (superuser_arg(owner))
			return psprintf("it could run %s of role %s as a superuser, who owns the table", (char *) lfirst(lw),
							GetUserNameFromId(lfirst_oid(lc), true));
		if (!has_privs_of_role(owner, lfirst_oid(lc)))
			return psprintf("it could run %s of role %s, whose privileges the owner, role %s, does not have",
							(char *) lfirst(lw), GetUserNameFromId(lfirst_oid(lc), true),
							GetUserNameFromId(owner, true));
	}
	return NULL;
}

char *
code_role(const CodeReach *reach, Oid owner, Oid *role)
{
	char	   *refusal;

	*role = InvalidOid;
	if (is_caller_alone(reach->owners) && is_caller_alone(reach->planters))
		return NULL;
	refusal = code_refusal(reach, owner);
	if (refusal == NULL)
		*role = owner;
	return refusal;
}
