/*-------------------------------------------------------------------------
 *
 * code_reach.c
 *	  Code that using a type, function, operator or stored expression could
 *	  run.
 *
 *	  A walk over pg_depend and the catalogs of types, casts and operator
 *	  classes visits each object once.  Objects that came with initdb end the
 *	  walk.  Nothing is evaluated: types are not looked up in the type cache,
 *	  because that would load and plan domain constraints.
 *
 *	  Anybody can nest types and functions as deeply as they like, so the walk
 *	  keeps a queue instead of recursing.  Only expressions are read by
 *	  recursion, which the server's own readers bound.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
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
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/code_internal.h"
#include "base/compat.h"
#include "base/gone.h"

CodeReach *
code_reach(void)
{
	CodeReach  *reach = palloc0(sizeof(CodeReach));

	reach->context = CurrentMemoryContext;
	return reach;
}

static bool
is_built_in(Oid objectid)
{
	return objectid < FirstNormalObjectId;
}

/* Queues the object for a lazy visit, unless it is queued already */
static void
add_object(CodeReach *reach, Oid classid, Oid objectid)
{
	ReachObject object = {classid, objectid};
	ReachObject *entry;
	MemoryContext old;
	bool		found;

	/* users can add members to built-in operator families */
	if (is_built_in(objectid) && classid != OperatorFamilyRelationId)
		return;
	if (reach->seen == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(ReachObject),.entrysize = sizeof(ReachObject),.hcxt = reach->context};

		reach->seen = hash_create("schemaguard reachable objects", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(reach->seen, &object, HASH_ENTER, &found);
	if (found)
		return;
	old = MemoryContextSwitchTo(reach->context);
	reach->objects = lappend(reach->objects, entry);
	MemoryContextSwitchTo(old);
}

void
code_reach_owner(CodeReach *reach, Oid owner, const char *what)
{
	MemoryContext old = MemoryContextSwitchTo(reach->context);

	reach->found = true;
	if (!superuser_arg(owner) && !list_member_oid(reach->owners, owner))
	{
		reach->owners = lappend_oid(reach->owners, owner);
		reach->whats = lappend(reach->whats, pstrdup(what));
	}
	MemoryContextSwitchTo(old);
}

void
code_reach_planter(CodeReach *reach, Oid owner, const char *what)
{
	MemoryContext old = MemoryContextSwitchTo(reach->context);

	reach->found = true;
	if (!superuser_arg(owner) && !list_member_oid(reach->planters, owner))
	{
		reach->planters = lappend_oid(reach->planters, owner);
		reach->plants = lappend(reach->plants, pstrdup(what));
	}
	MemoryContextSwitchTo(old);
}

static void visit_dependencies(CodeReach *reach, Oid classid, Oid objectid);

/* ---- functions, operators, operator classes ---- */

void
code_reach_function(CodeReach *reach, Oid function)
{
	add_object(reach, ProcedureRelationId, function);
}

static void
visit_function(CodeReach *reach, Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		return;
	code_reach_owner(reach, ((Form_pg_proc) GETSTRUCT(tuple))->proowner,
					 psprintf("function %s", format_procedure_qualified(function)));
	ReleaseSysCache(tuple);

	/*
	 * dependencies: types of arguments, the support function, objects that an
	 * SQL body names
	 */
	visit_dependencies(reach, ProcedureRelationId, function);
}

void
code_reach_operator(CodeReach *reach, Oid operator)
{
	add_object(reach, OperatorRelationId, operator);
}

static void
visit_operator(CodeReach *reach, Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	FormData_pg_operator form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = *(Form_pg_operator) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);

	code_reach_planter(reach, form.oprowner, psprintf("a function of operator %s", NameStr(form.oprname)));
	code_reach_function(reach, form.oprcode);
	code_reach_function(reach, form.oprrest);
	code_reach_function(reach, form.oprjoin);
	code_reach_operator(reach, form.oprcom);
	code_reach_operator(reach, form.oprnegate);
	code_reach_type(reach, form.oprleft);
	code_reach_type(reach, form.oprright);
}

static void
visit_opfamily(CodeReach *reach, Oid family)
{
	CatCList   *list = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(family));

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
	add_object(reach, OperatorClassRelationId, opclass);
}

static void
visit_opclass(CodeReach *reach, Oid opclass)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));

	if (!HeapTupleIsValid(tuple))
		return;
	add_object(reach, OperatorFamilyRelationId, ((Form_pg_opclass) GETSTRUCT(tuple))->opcfamily);
	ReleaseSysCache(tuple);
}

/* ---- types ---- */

/* Visits casts from and to a type, of every cast context */
static void
visit_casts(CodeReach *reach, Oid type)
{
	SgCatalog	casts;
	HeapTuple	tuple;

	sg_catalog_begin_all(&casts, CastRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&casts)))
	{
		Form_pg_cast cast = (Form_pg_cast) GETSTRUCT(tuple);

		if ((cast->castsource == type || cast->casttarget == type) && OidIsValid(cast->castfunc))
			code_reach_function(reach, cast->castfunc);
	}
}

static void
visit_domain_checks(CodeReach *reach, Oid type, Oid owner)
{
	SgCatalog	rows;
	HeapTuple	tuple;

	sg_catalog_begin(&rows, ConstraintRelationId, ConstraintTypidIndexId, Anum_pg_constraint_contypid, type, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
	{
		add_object(reach, ConstraintRelationId, ((Form_pg_constraint) GETSTRUCT(tuple))->oid);
		code_reach_stored(reach, tuple, Anum_pg_constraint_conbin, RelationGetDescr(rows.rel), owner);
	}
}

static void
visit_range(CodeReach *reach, Oid type)
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
code_reach_called(CodeReach *reach, Oid function)
{
	MemoryContext old = MemoryContextSwitchTo(reach->context);

	reach->harmful = list_append_unique_oid(reach->harmful, function);
	MemoryContextSwitchTo(old);
}

static void
add_domain_owner(CodeReach *reach, Oid owner)
{
	MemoryContext old = MemoryContextSwitchTo(reach->context);

	reach->domain_owners = list_append_unique_oid(reach->domain_owners, owner);
	MemoryContextSwitchTo(old);
}

void
code_reach_take_called(CodeReach *reach, const CodeReach *from)
{
	foreach_oid(function, from->harmful)
	{
		code_reach_called(reach, function);
	}
}

void
code_reach_take_query(CodeReach *reach, const CodeReach *from)
{
	MemoryContext old = MemoryContextSwitchTo(reach->context);

	reach->sql = pstrdup(from->sql);
	reach->query = copyObject(from->query);
	MemoryContextSwitchTo(old);
}

void
code_reach_type(CodeReach *reach, Oid type)
{
	add_object(reach, TypeRelationId, type);
}

static void
visit_type(CodeReach *reach, Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	FormData_pg_type form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = *(Form_pg_type) GETSTRUCT(tuple);
	ReleaseSysCache(tuple);

	code_reach_planter(reach, form.typowner, psprintf(form.typtype == TYPTYPE_DOMAIN ? "checks of domain %s" : "a cast of type %s",
													  quote_identifier(NameStr(form.typname))));
	code_reach_function(reach, form.typinput);
	code_reach_function(reach, form.typoutput);
	code_reach_function(reach, form.typreceive);
	code_reach_function(reach, form.typsend);
	code_reach_function(reach, form.typmodin);
	code_reach_function(reach, form.typmodout);
	code_reach_function(reach, form.typanalyze);
	code_reach_function(reach, form.typsubscript);
	code_reach_type(reach, form.typelem);
	visit_casts(reach, type);

	switch (form.typtype)
	{
		case TYPTYPE_DOMAIN:
			code_reach_type(reach, form.typbasetype);
			visit_domain_checks(reach, type, form.typowner);
			if (!superuser_arg(form.typowner))
				add_domain_owner(reach, form.typowner);
			break;
		case TYPTYPE_COMPOSITE:
			code_reach_columns(reach, form.typrelid);
			break;
		case TYPTYPE_RANGE:
			visit_range(reach, type);
			break;
		case TYPTYPE_MULTIRANGE:
			code_reach_type(reach, get_multirange_range(type));
			break;
		default:
			break;
	}

	/*
	 * a domain has the operator classes of its base type, which the server
	 * would look up at each level
	 */
	if (form.typtype != TYPTYPE_DOMAIN)
	{
		code_reach_opclass(reach, GetDefaultOpClass(type, BTREE_AM_OID));
		code_reach_opclass(reach, GetDefaultOpClass(type, HASH_AM_OID));
	}
}

/* ---- dependencies ---- */

/* Visits a view's query, which runs when the view is read */
static void
visit_view(CodeReach *reach, Oid relid)
{
	SgCatalog	rows;
	HeapTuple	tuple;

	sg_catalog_begin(&rows, RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
		add_object(reach, RewriteRelationId, ((Form_pg_rewrite) GETSTRUCT(tuple))->oid);

	code_reach_owner(reach, code_table_owner(relid), psprintf("view %s", sg_rel_name(relid)));
}

static void
add_referenced(CodeReach *reach, Oid classid, Oid objectid)
{
	switch (classid)
	{
		case ProcedureRelationId:
		case TypeRelationId:
		case OperatorRelationId:
		case OperatorClassRelationId:
		case OperatorFamilyRelationId:
		case CastRelationId:
			break;
		case RelationRelationId:
			if (get_rel_relkind(objectid) != RELKIND_VIEW)
				return;
			break;
		default:
			return;
	}
	if (!is_built_in(objectid))
		add_object(reach, classid, objectid);
}

void
code_reach_object(CodeReach *reach, Oid classid, Oid objectid)
{
	add_object(reach, classid, objectid);
}

static void
visit_dependencies(CodeReach *reach, Oid classid, Oid objectid)
{
	SgCatalog	depend;
	HeapTuple	tuple;

	sg_catalog_begin_depend(&depend, false, classid, objectid, 0);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&depend)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		/* types of a table's columns count only if rows are output */
		if (classid != RelationRelationId || form->objsubid == 0)
			add_referenced(reach, form->refclassid, form->refobjid);
	}
}

static void
visit_object(CodeReach *reach, Oid classid, Oid objectid)
{
	switch (classid)
	{
		case ProcedureRelationId:
			visit_function(reach, objectid);
			break;
		case TypeRelationId:
			visit_type(reach, objectid);
			break;
		case OperatorRelationId:
			visit_operator(reach, objectid);
			break;
		case OperatorClassRelationId:
			visit_opclass(reach, objectid);
			break;
		case OperatorFamilyRelationId:
			visit_opfamily(reach, objectid);
			break;
		case RelationRelationId:
			if (get_rel_relkind(objectid) == RELKIND_VIEW)
				visit_view(reach, objectid);
			else
				visit_dependencies(reach, classid, objectid);
			break;
		default:
			visit_dependencies(reach, classid, objectid);
			break;
	}
}

/* Visits all queued objects, before any judgement */
static void
visit_all(CodeReach *reach)
{
	MemoryContext old = MemoryContextSwitchTo(reach->context);

	while (reach->visited < list_length(reach->objects))
	{
		ReachObject *object = list_nth(reach->objects, reach->visited);

		CHECK_FOR_INTERRUPTS();
		visit_object(reach, object->classid, object->objectid);
		reach->visited++;
	}
	MemoryContextSwitchTo(old);
}

void
code_reach_missing(CodeReach *reach, const char *what)
{
	if (reach->missing == NULL)
		reach->missing = MemoryContextStrdup(reach->context, what);
}

void
code_reach_never(CodeReach *reach, const char *reason)
{
	reach->unknown = MemoryContextStrdup(reach->context, reason);
}

/* Returns the reason why no role may run the code, whatever else was found, or NULL */
static const char *
nobody_may(const CodeReach *reach)
{
	return reach->unknown ? reach->unknown : reach->missing;
}

/* ---- stored expressions ---- */

typedef struct Walk
{
	CodeReach  *reach;
	Oid			owner;			/* role that stored the expression */
} Walk;

/* Visits a function that a stored expression calls, with any arguments */
static bool
visit_called(Oid function, void *context)
{
	Walk	   *walk = context;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (!code_is_harmless(form))
	{
		code_reach_owner(walk->reach, walk->owner,
						 psprintf(form->proowner == walk->owner ? "function %s" : "function %s, called by a query or expression",
								  format_procedure_qualified(function)));
		code_reach_called(walk->reach, function);
	}
	ReleaseSysCache(tuple);

	code_reach_function(walk->reach, function);
	return false;
}

static void
visit_types(CodeReach *reach, const List *types)
{
	foreach_oid(type, types)
		code_reach_type(reach, type);
}

/* Adds the objects that a node names by OID, except its own type */
static void
visit_named(Walk *walk, Node *node)
{
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			code_reach_operator(walk->reach, ((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			code_reach_operator(walk->reach, ((ScalarArrayOpExpr *) node)->opno);
			break;
		case T_RowCompareExpr:
			foreach_oid(operator, ((RowCompareExpr *) node)->opnos)
				code_reach_operator(walk->reach, operator);
			break;
		case T_SortGroupClause:
			code_reach_operator(walk->reach, ((SortGroupClause *) node)->eqop);
			code_reach_operator(walk->reach, ((SortGroupClause *) node)->sortop);
			break;
		case T_CoerceViaIO:
			code_reach_type(walk->reach, exprType((Node *) ((CoerceViaIO *) node)->arg));
			break;
		case T_RangeTblFunction:
			visit_types(walk->reach, ((RangeTblFunction *) node)->funccoltypes);
			break;
		case T_TableFunc:
			visit_types(walk->reach, ((TableFunc *) node)->coltypes);
			break;
		case T_SetOperationStmt:
			visit_types(walk->reach, ((SetOperationStmt *) node)->colTypes);
			break;
		default:
			break;
	}
}

/*
 * Returns whether the value of a keyword such as current_user depends on the
 * role that asks; keywords for dates and times do not
 */
static bool
asks_for_role(Node *node)
{
	if (!IsA(node, SQLValueFunction))
		return false;
	switch (((SQLValueFunction *) node)->op)
	{
		case SVFOP_CURRENT_ROLE:
		case SVFOP_CURRENT_USER:
		case SVFOP_USER:
		case SVFOP_SESSION_USER:
		case SVFOP_CURRENT_SCHEMA:
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
		return query_tree_walker((Query *) node, visit_node, context, QTW_EXAMINE_SORTGROUP);
	visit_named(walk, node);
	if (code_node_has_type(node))
		code_reach_type(walk->reach, exprType(node));
	else if (!code_node_is_plain(node))
	{
		/*
		 * a node of an unknown kind: the server's tree walkers may not know
		 * it, either
		 */
		walk->reach->unknown = "an expression that it could run is of a kind that is not looked into";
		return true;
	}
	if (asks_for_role(node))
		code_reach_owner(walk->reach, walk->owner, "an expression that asks for the role");
	(void) check_functions_in_node(node, visit_called, context);
	return expression_tree_walker(node, visit_node, context);
}

/*
 * Walks a stored expression, given as text or as a tree.  An expression nested
 * too deeply for the server's readers, which touch nothing but memory, cannot
 * be run by anybody.
 */
static void
walk_expression(CodeReach *reach, const char *text, Node *expression, Oid owner)
{
	Walk		walk = {.reach = reach,.owner = owner};
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		(void) visit_node(text ? stringToNode(text) : expression, &walk);
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_STATEMENT_TOO_COMPLEX)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		reach->unknown = "an expression that it could run is nested too deeply to be looked at";
	}
	PG_END_TRY();
}

void
code_reach_expression(CodeReach *reach, Node *expression, Oid owner)
{
	walk_expression(reach, NULL, expression, owner);
}

void
code_reach_stored(CodeReach *reach, HeapTuple tuple, AttrNumber attnum, TupleDesc desc, Oid owner)
{
	bool		isnull;
	Datum		datum = heap_getattr(tuple, attnum, desc, &isnull);

	if (!isnull)
		walk_expression(reach, TextDatumGetCString(datum), NULL, owner);
}

/* ---- verdicts ---- */

bool
code_found(CodeReach *reach)
{
	visit_all(reach);
	return reach->found || nobody_may(reach);
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

bool
code_is_others(CodeReach *reach)
{
	visit_all(reach);
	return nobody_may(reach) || !is_caller_alone(reach->owners);
}

bool
code_has_domains(CodeReach *reach)
{
	visit_all(reach);
	return !is_caller_alone(reach->domain_owners);
}

Oid
code_stranger(CodeReach *reach)
{
	Oid			stranger = InvalidOid;
	List	   *roles;

	visit_all(reach);
	roles = list_concat_unique_oid(list_copy(reach->owners), reach->domain_owners);
	foreach_oid(role, roles)
	{
		if (!OidIsValid(stranger) || stranger == GetUserId())
			stranger = role;
	}
	return stranger;
}

static char *
of_whom(Oid role)
{
	return OidIsValid(role) ? psprintf("of role %s", sg_role_name(role)) : pstrdup("for its author, who no longer exists,");
}

/*
 * Returns why `owner` must not run the code of these roles, or NULL; `whats`
 * has an object of each role in words
 */
static char *
refusal_of(const List *roles, const List *whats, Oid owner)
{
	ListCell   *lc;
	ListCell   *lw;

	forboth(lc, roles, lw, whats)
	{
		if (superuser_arg(owner))
			return psprintf("it could run %s %s as a superuser, who owns the table", (char *) lfirst(lw),
							of_whom(lfirst_oid(lc)));
		if (!has_privs_of_role(owner, lfirst_oid(lc)))
			return psprintf("it could run %s %s, whose privileges the owner, role %s, does not have",
							(char *) lfirst(lw), of_whom(lfirst_oid(lc)), sg_role_name(owner));
	}
	return NULL;
}

char *
code_refusal_alone(CodeReach *reach, Oid owner)
{
	ListCell   *lc;
	ListCell   *lw;

	visit_all(reach);
	if (nobody_may(reach))
		return pstrdup(nobody_may(reach));
	forboth(lc, reach->owners, lw, reach->whats)
	{
		if (lfirst_oid(lc) != owner)
			return psprintf("it could run %s %s as role %s", (char *) lfirst(lw), of_whom(lfirst_oid(lc)),
							sg_role_name(owner));
	}
	foreach_oid(planter, reach->planters)
	{
		if (planter != owner)
			return psprintf("role %s, who owns a type or an operator, could add code that runs as role %s",
							sg_role_name(planter), sg_role_name(owner));
	}
	return NULL;
}

char *
code_refusal(CodeReach *reach, Oid owner)
{
	char	   *refusal;

	visit_all(reach);
	if (nobody_may(reach))
		return pstrdup(nobody_may(reach));
	refusal = refusal_of(reach->owners, reach->whats, owner);
	return refusal ? refusal : refusal_of(reach->planters, reach->plants, owner);
}

char *
code_role(CodeReach *reach, Oid owner, Oid *role)
{
	char	   *refusal;

	*role = InvalidOid;
	visit_all(reach);
	if (nobody_may(reach) == NULL && is_caller_alone(reach->owners) && is_caller_alone(reach->planters))
		return NULL;
	refusal = code_refusal(reach, owner);
	if (refusal == NULL)
		*role = owner;
	return refusal;
}
