/*-------------------------------------------------------------------------
 *
 * plan_statement.c
 *	  A key out of the statement that adds it.
 *
 * What a script says, and what the log says that a plan has done, are both
 * ALTER TABLE ... ADD FOREIGN KEY.  Here such a text becomes a step again, so
 * that nothing which is only read from a table is ever executed as it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "parser/parser.h"

#include "compat.h"
#include "errors.h"
#include "plan.h"
#include "quote.h"

List *
plan_node_strings(List *nodes)
{
	List	   *strings = NIL;
	ListCell   *lc;

	foreach(lc, nodes)
		strings = lappend(strings, pstrdup(strVal(lfirst(lc))));

	return strings;
}

PlanStep *
plan_step_of_constraint(const char *plan, const char *child_table,
						const char *parent_table, const Constraint *c)
{
	PlanStep   *step = plan_step_default(plan);

	step->child_table = pstrdup(child_table);
	step->child_columns = plan_node_strings(c->fk_attrs);
	step->parent_table = pstrdup(parent_table);
	step->parent_columns = plan_node_strings(c->pk_attrs);
	step->fk_name = c->conname ? pstrdup(c->conname) : NULL;
	step->on_delete = pstrdup(sg_action_word(c->fk_del_action));
	step->on_update = pstrdup(sg_action_word(c->fk_upd_action));
	step->on_delete_columns = plan_node_strings(c->fk_del_set_cols);
	step->match = pstrdup(sg_match_word(c->fk_matchtype));
	step->deferrable = c->deferrable;
	step->initially_deferred = c->initdeferred;
	step->enforced = SG_CONSTRAINT_ENFORCED(c);
	if (c->skip_validation || !step->enforced)
		step->orphans = "leave";

	return step;
}

typedef struct ParseArg
{
	const char *sql;
	Node	   *statement;
} ParseArg;

static void
parse(void *p)
{
	ParseArg   *arg = p;
	List	   *statements = raw_parser(arg->sql, RAW_PARSE_DEFAULT);

	if (list_length(statements) == 1)
		arg->statement = linitial_node(RawStmt, statements)->stmt;
}

Node *
plan_parse_statement(const char *sql)
{
	ParseArg	arg = {sql, NULL};
	ErrorData  *error = sql ? sg_try(parse, &arg) : NULL;

	/* one that was written by a newer server, perhaps */
	if (error)
		sg_rethrow_cancel(error);
	return arg.statement;
}

char *
plan_range_name(const RangeVar *rel)
{
	SgTableName name = {rel->schemaname, rel->relname};
	char	   *qualified;

	(void) sg_find_table(&name, &qualified);
	return qualified;
}

PlanStep *
plan_step_of_statement(const char *plan, int number, const char *sql)
{
	AlterTableStmt *stmt = (AlterTableStmt *) plan_parse_statement(sql);
	AlterTableCmd *cmd;
	Constraint *c;
	PlanStep   *step;

	if (stmt == NULL || !IsA(stmt, AlterTableStmt) || list_length(stmt->cmds) != 1)
		return NULL;
	cmd = linitial_node(AlterTableCmd, stmt->cmds);
	if (cmd->subtype != AT_AddConstraint || !IsA(cmd->def, Constraint))
		return NULL;
	c = (Constraint *) cmd->def;
	if (c->contype != CONSTR_FOREIGN || c->conname == NULL || SG_CONSTRAINT_PERIOD(c))
		return NULL;

	step = plan_step_of_constraint(plan, plan_range_name(stmt->relation),
								   plan_range_name(c->pktable), c);
	step->step = number;
	return step;
}
