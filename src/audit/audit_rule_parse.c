/*-------------------------------------------------------------------------
 *
 * audit_rule_parse.c
 *	  Rules as people write them.
 *
 * A definition is read as a part of ALTER TABLE ... ADD, and must be no more
 * than that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/nearest.h"
#include "base/quote.h"

pg_noreturn static void
refuse(const char *what, const char *definition)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("this is no %s: %s", what, definition),
			 errhint("Give what ALTER TABLE ... ADD has after CHECK without its brackets, after UNIQUE with them, or the name of a column that is not to be null.")));
}

typedef struct ParseArg
{
	const char *statement;
	List	   *parsed;
} ParseArg;

static void
parse(void *p)
{
	ParseArg   *arg = p;

	arg->parsed = raw_parser(arg->statement, RAW_PARSE_DEFAULT);
}

/* Returns the constraint of "ALTER TABLE x ADD ..." */
static Constraint *
parse_constraint(const char *format, const char *definition, ConstrType type, const char *what)
{
	ParseArg	arg = {psprintf(format, definition)};
	ErrorData  *edata = sg_try(parse, &arg);
	List	   *statements = arg.parsed;
	AlterTableStmt *alter;
	AlterTableCmd *cmd;
	Constraint *constraint;

	if (edata)
		sg_rethrow_cancel(edata);
	if (edata || list_length(statements) != 1)
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

/* ---- a condition ---- */

static AuditKey *
parse_check(Oid relid, const char *definition, Oid author, bool pinned)
{
	Constraint *constraint = parse_constraint("ALTER TABLE x ADD CHECK (%s\n)", definition, CONSTR_CHECK, "condition");
	CodeExpression condition = {.relid = relid,.raw = constraint->raw_expr,.kind = EXPR_KIND_CHECK_CONSTRAINT,
	.condition = "CHECK",.any_path = !pinned};

	return audit_rule_check(relid, NULL, code_analyse(&condition), true, author);
}

/* ---- columns ---- */

static AttrNumber
column_number(Oid relid, const char *name)
{
	AttrNumber	attnum = get_attnum(relid, name);
	char	   *near = attnum <= 0 ? sg_nearest_column(relid, name) : NULL;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", sg_relation_name(relid), name),
				 near ? errhint("Perhaps you meant column %s.", quote_identifier(near)) : 0));
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

/* Raises an error, before a lock is requested, if the caller may not read any column of the table */
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
				 errmsg("no rule of %s can be judged: %s", sg_relation_name(relid), problem->reason),
				 problem->hint ? errhint("%s", problem->hint) : 0));
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
