/*-------------------------------------------------------------------------
 *
 * script_name.c
 *	  Schemas for the names of a statement that a plan keeps as it stands.
 *
 * A plan runs statements with search_path = pg_catalog, so a name that the
 * author's search_path finds elsewhere needs its schema.  Names of a kind of
 * statement that is not known here stay as they are: sg_plan_check() says
 * which of them are not found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "base/compat.h"
#include "script/script.h"

typedef struct NameArg
{
	ScriptTokens *tokens;
	ScriptPath *path;
} NameArg;

static void
qualify(const NameArg *arg, Node *node)
{
	if (node)
		script_qualify(arg->tokens, arg->path, node);
}

static void
qualify_table(const NameArg *arg, const RangeVar *name)
{
	script_qualify_table(arg->tokens, arg->path, name, false);
}

static void
qualify_tables(const NameArg *arg, List *names)
{
	foreach_ptr(RangeVar, name, names)
	{
		qualify_table(arg, name);
	}
}

/* ---- parts of tables ---- */

static void
qualify_constraint(const NameArg *arg, const Constraint *c)
{
	qualify_table(arg, c->pktable);
	qualify(arg, c->raw_expr);
}

static void
qualify_column(const NameArg *arg, const ColumnDef *column)
{
	qualify(arg, (Node *) column->typeName);
	qualify(arg, (Node *) column->collClause);
	foreach_ptr(Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint))
			qualify_constraint(arg, c);
		else
			qualify(arg, (Node *) c);
	}
}

static void
qualify_element(const NameArg *arg, Node *node)
{
	if (node == NULL)
		return;
	switch (nodeTag(node))
	{
		case T_ColumnDef:
			qualify_column(arg, (ColumnDef *) node);
			break;
		case T_Constraint:
			qualify_constraint(arg, (Constraint *) node);
			break;
		case T_RangeVar:
			qualify_table(arg, (RangeVar *) node);
			break;
		case T_PartitionCmd:
			qualify_table(arg, ((PartitionCmd *) node)->name);
			break;
		case T_TableLikeClause:
			qualify_table(arg, ((TableLikeClause *) node)->relation);
			break;
		default:
			break;
	}
}

static void
qualify_elements(const NameArg *arg, List *nodes)
{
	foreach_ptr(Node, node, nodes)
	{
		qualify_element(arg, node);
	}
}

static void
qualify_alter(const NameArg *arg, const AlterTableStmt *statement)
{
	qualify_table(arg, statement->relation);
	foreach_ptr(const AlterTableCmd, command, statement->cmds)
	{
		if (command->subtype == AT_ColumnDefault)
			qualify(arg, command->def);
		else
			qualify_element(arg, command->def);
	}
}

/* ---- names that the parser keeps without a place ---- */

/* Is an object of this kind named by a table, and by its own name if it has one? */
static bool
is_of_table(ObjectType type, int *own_names)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
			*own_names = 0;
			return true;
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_POLICY:
		case OBJECT_RULE:
			*own_names = 1;
			return true;
		default:
			return false;
	}
}

/* Its first word is behind so many tokens */
static void
qualify_object(const NameArg *arg, ObjectType type, Node *object, int from)
{
	int			own_names;

	if (is_of_table(type, &own_names) && IsA(object, List) && list_length((List *) object) == own_names + 1)
		script_qualify_words(arg->tokens, arg->path, (List *) object, from);
}

static void
qualify_grant(const NameArg *arg, const GrantStmt *statement)
{
	if (statement->targtype == ACL_TARGET_OBJECT && (statement->objtype == OBJECT_TABLE || statement->objtype == OBJECT_SEQUENCE))
		qualify_tables(arg, statement->objects);
}

static void
qualify_drop(const NameArg *arg, const DropStmt *statement)
{
	foreach_ptr(Node, object, statement->objects)
	{
		qualify_object(arg, statement->removeType, object, 2);
	}
}

/* ---- statements ---- */

/* Qualifies names in a statement that makes a relation, and looks at others for it; false: it does not */
static bool
qualify_new(const NameArg *arg, Node *statement)
{
	const RangeVar *made;

	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			made = ((CreateStmt *) statement)->relation;
			qualify_tables(arg, ((CreateStmt *) statement)->inhRelations);
			qualify_elements(arg, ((CreateStmt *) statement)->tableElts);
			break;
		case T_ViewStmt:
			made = ((ViewStmt *) statement)->view;
			qualify(arg, ((ViewStmt *) statement)->query);
			break;
		case T_CreateTableAsStmt:
			made = ((CreateTableAsStmt *) statement)->into->rel;
			qualify(arg, ((CreateTableAsStmt *) statement)->query);
			break;
		case T_CreateSeqStmt:
			made = ((CreateSeqStmt *) statement)->sequence;
			break;
		default:
			return false;
	}
	script_qualify_table(arg->tokens, arg->path, made, true);
	return true;
}

/* Qualifies names in a statement about something on a table, such as a policy; false: it is about nothing of that kind */
static bool
qualify_part(const NameArg *arg, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateTrigStmt:
			qualify_table(arg, ((CreateTrigStmt *) statement)->relation);
			qualify(arg, ((CreateTrigStmt *) statement)->whenClause);
			return true;
		case T_RuleStmt:
			qualify_table(arg, ((RuleStmt *) statement)->relation);
			return true;
		case T_CreatePolicyStmt:
			qualify_table(arg, ((CreatePolicyStmt *) statement)->table);
			qualify(arg, ((CreatePolicyStmt *) statement)->qual);
			qualify(arg, ((CreatePolicyStmt *) statement)->with_check);
			return true;
		case T_AlterPolicyStmt:
			qualify_table(arg, ((AlterPolicyStmt *) statement)->table);
			qualify(arg, ((AlterPolicyStmt *) statement)->qual);
			qualify(arg, ((AlterPolicyStmt *) statement)->with_check);
			return true;
		case T_IndexStmt:
			qualify_table(arg, ((IndexStmt *) statement)->relation);
			qualify(arg, ((IndexStmt *) statement)->whereClause);
			return true;
		default:
			return false;
	}
}

static void
qualify_statement(const NameArg *arg, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			qualify(arg, statement);
			break;
		case T_AlterTableStmt:
			qualify_alter(arg, (AlterTableStmt *) statement);
			break;
		case T_TruncateStmt:
			qualify_tables(arg, ((TruncateStmt *) statement)->relations);
			break;
		case T_VacuumStmt:
			foreach_ptr(VacuumRelation, table, ((VacuumStmt *) statement)->rels)
			{
				qualify_table(arg, table->relation);
			}
			break;
		case T_ReindexStmt:
			qualify_table(arg, ((ReindexStmt *) statement)->relation);
			break;
		case T_RefreshMatViewStmt:
			qualify_table(arg, ((RefreshMatViewStmt *) statement)->relation);
			break;
		case T_AlterSeqStmt:
			qualify_table(arg, ((AlterSeqStmt *) statement)->sequence);
			break;
		case T_RenameStmt:
			qualify_table(arg, ((RenameStmt *) statement)->relation);
			break;
		case T_AlterObjectSchemaStmt:
			qualify_table(arg, ((AlterObjectSchemaStmt *) statement)->relation);
			break;
		case T_GrantStmt:
			qualify_grant(arg, (GrantStmt *) statement);
			break;
		case T_DropStmt:
			qualify_drop(arg, (DropStmt *) statement);
			break;
		case T_CommentStmt:
			qualify_object(arg, ((CommentStmt *) statement)->objtype, ((CommentStmt *) statement)->object, 3);
			break;
		default:
			(void) (qualify_new(arg, statement) || qualify_part(arg, statement));
			break;
	}
}

void
script_qualify_statement(ScriptTokens *tokens, ScriptPath *path, Node *statement)
{
	NameArg		arg = {tokens, path};

	qualify_statement(&arg, statement);
}

char *
script_qualified_statement(ScriptTokens *tokens, ScriptPath *path, Node *statement, int length)
{
	script_qualify_statement(tokens, path, statement);
	return script_text(tokens, length);
}
