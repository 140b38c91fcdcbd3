/*-------------------------------------------------------------------------
 *
 * audit_rule_parse.c
 *	  Rules as people write them.
 *
 * A definition is read as a part of ALTER TABLE ... ADD, and must be no more
 * than that.  The analysis of a condition runs what turns literals into
 * values: of an array of a domain, that is the domain's CHECK, and so code of
 * whoever owns the domain.  So before, all that the names in it can lead to is
 * looked at: types, functions and operators, by their arguments.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "utils/catcache.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "base/compat.h"
#include "base/quote.h"

pg_noreturn static void
refuse(const char *what, const char *definition)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("this is no %s: %s", what, definition),
			 errhint("Give what ALTER TABLE ... ADD has after CHECK without its brackets, after UNIQUE with them, or the name of a column that is not to be null.")));
}

/* The place of an error is one in our statement, not in the caller's */
static void
point_at_statement(void *statement)
{
	int			position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(statement);
}

static List *
parse_statement(char *statement)
{
	ErrorContextCallback callback = {.callback = point_at_statement,.arg = statement,.previous = error_context_stack};
	List	   *statements;

	error_context_stack = &callback;
	statements = raw_parser(statement, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;
	return statements;
}

/* The constraint of "ALTER TABLE x ADD ..." */
static Constraint *
parse_constraint(const char *format, const char *definition, ConstrType type, const char *what)
{
	List	   *statements = parse_statement(psprintf(format, definition));
	AlterTableStmt *alter;
	AlterTableCmd *cmd;
	Constraint *constraint;

	if (list_length(statements) != 1)
		refuse(what, definition);
	alter = castNode(AlterTableStmt, ((RawStmt *) linitial(statements))->stmt);
	cmd = linitial(alter->cmds);
	if (list_length(alter->cmds) != 1 || cmd->subtype != AT_AddConstraint)
		refuse(what, definition);
	constraint = castNode(Constraint, cmd->def);
	if (constraint->contype != type)
		refuse(what, definition);
	return constraint;
}

/* ---- what the analysis can run ---- */

/* Is the object that a name may mean the one of this schema? */
static bool
is_meant(List *names, Oid namespace, bool visible)
{
	char	   *schema = list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : NULL;

	return schema ? namespace == get_namespace_oid(schema, true) : visible;
}

static void
reach_functions(CodeReach *reach, List *names)
{
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(llast(names))));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (is_meant(names, form->pronamespace, FunctionIsVisible(form->oid)))
			code_reach_function(reach, form->oid);
	}
	ReleaseSysCacheList(list);
}

static void
reach_operators(CodeReach *reach, List *names)
{
	CatCList   *list = SearchSysCacheList1(OPERNAMENSP, CStringGetDatum(strVal(llast(names))));

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_operator form = (Form_pg_operator) GETSTRUCT(&list->members[i]->tuple);

		if (is_meant(names, form->oprnamespace, OperatorIsVisible(form->oid)))
			code_reach_operator(reach, form->oid);
	}
	ReleaseSysCacheList(list);
}

static bool
reach_names(Node *node, void *context)
{
	CodeReach  *reach = context;

	if (node == NULL)
		return false;
	if (IsA(node, TypeName))
		code_reach_type(reach, LookupTypeNameOid(NULL, (TypeName *) node, true));
	else if (IsA(node, FuncCall))
		reach_functions(reach, ((FuncCall *) node)->funcname);
	else if (IsA(node, A_Expr))
		reach_operators(reach, ((A_Expr *) node)->name);
	return raw_expression_tree_walker(node, reach_names, context);
}

/* ---- a condition ---- */

/* As core does it for a CHECK of a table (cookConstraint) */
static Node *
cook(Oid relid, Node *raw)
{
	ParseState *pstate = make_parsestate(NULL);
	Relation	rel = table_open(relid, AccessShareLock);
	ParseNamespaceItem *item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock, NULL, false, true);
	Node	   *condition;

	addNSItemToQuery(pstate, item, true, true, true);
	condition = transformExpr(pstate, raw, EXPR_KIND_CHECK_CONSTRAINT);
	condition = coerce_to_boolean(pstate, condition, "CHECK");
	assign_expr_collations(pstate, condition);
	free_parsestate(pstate);
	table_close(rel, NoLock);
	return condition;
}

static void
pin_path(void)
{
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* As whom the analysis is to run */
static Oid
analysing_role(Oid relid, Node *raw)
{
	CodeReach  *reach = code_reach();
	char	   *reason;
	Oid			role;

	code_reach_row(reach, relid);
	(void) reach_names(raw, reach);
	reason = code_role(reach, code_table_owner(relid), &role);
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the condition is left alone: %s", reason)));
	return role;
}

static AuditKey *
parse_check(Oid relid, const char *definition, Oid author, bool pinned)
{
	Constraint *constraint = parse_constraint("ALTER TABLE x ADD CHECK (%s\n)", definition, CONSTR_CHECK, "condition");
	SgScope		pinned_scope;
	SgScope		scope;
	Node	   *condition;
	Oid			role;

	if (pinned)
		sg_caller_begin(&pinned_scope);
	role = analysing_role(relid, constraint->raw_expr);
	if (OidIsValid(role))
	{
		sg_role_begin(&scope, role);
		if (pinned)
			pin_path();
	}
	condition = cook(relid, constraint->raw_expr);
	if (OidIsValid(role))
		sg_scope_end(&scope);
	if (pinned)
		sg_scope_end(&pinned_scope);
	return audit_rule_check(relid, NULL, condition, true, author);
}

/* ---- columns ---- */

static AttrNumber
column_number(Oid relid, const char *name)
{
	AttrNumber	attnum = get_attnum(relid, name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", sg_relation_name(relid), name)));
	return attnum;
}

static AuditKey *
parse_unique(Oid relid, const char *definition)
{
	Constraint *constraint = parse_constraint("ALTER TABLE x ADD UNIQUE %s\n", definition, CONSTR_UNIQUE, "list of columns");
	List	   *attnums = NIL;
	ListCell   *lc;

	if (constraint->keys == NIL || SG_CONSTRAINT_PERIOD(constraint))
		refuse("list of columns", definition);
	foreach(lc, constraint->keys)
		attnums = lappend_int(attnums, column_number(relid, strVal(lfirst(lc))));
	return audit_rule_unique(relid, NULL, attnums, constraint->nulls_not_distinct);
}

static AuditKey *
parse_not_null(Oid relid, const char *definition)
{
	Constraint *constraint = parse_constraint("ALTER TABLE x ADD UNIQUE (%s\n)", definition, CONSTR_UNIQUE, "name of a column");

	if (list_length(constraint->keys) != 1)
		refuse("name of a column", definition);
	return audit_rule_not_null(relid, NULL, column_number(relid, strVal(linitial(constraint->keys))), true);
}

/* Whoever may read nothing of the table waits for no lock on it */
static void
check_may_read(Oid relid)
{
	FkProblem  *problem = NULL;

	if (object_aclcheck(NamespaceRelationId, get_rel_namespace(relid), GetUserId(), ACL_USAGE) != ACLCHECK_OK ||
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		 pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK))
		problem = audit_readable(relid, GetUserId(), NULL, 0, true);
	if (problem)
		ereport(ERROR,
				(errcode(problem->sqlerrcode),
				 errmsg("no rule of %s can be judged: %s", sg_relation_name(relid), problem->reason)));
}

AuditKey *
audit_rule_parse(Oid relid, AuditRuleKind kind, const char *definition, Oid author, bool pinned)
{
	check_may_read(relid);
	switch (kind)
	{
		case AUDIT_CHECK:
			return parse_check(relid, definition, author, pinned);
		case AUDIT_NOT_NULL:
			return parse_not_null(relid, definition);
		case AUDIT_UNIQUE:
			return parse_unique(relid, definition);
	}
	return NULL;
}
