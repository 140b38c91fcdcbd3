/*-------------------------------------------------------------------------
 *
 * script_name.c
 *	  Schemas for the names of a statement that a plan keeps as it is written.
 *
 *	  A plan runs statements with search_path = pg_catalog, so a name that the
 *	  author's search_path finds elsewhere needs its schema.  Names in kinds
 *	  of statements that are unknown here stay as they are: sg_plan_check()
 *	  reports those that are not found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"

#include "base/code.h"
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
	qualify(arg, column->raw_default);
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
		if (command->subtype == AT_ColumnDefault || command->subtype == AT_AddOf)
			qualify(arg, command->def);
		else
			qualify_element(arg, command->def);
	}
}

/* ---- indexes ---- */

/*
 * Returns the last token between `from` and `end` at the depth of `from` that
 * is this name, quoted or not; or `end`
 */
static int
find_name(const ScriptTokens *tokens, int from, int end, const char *name)
{
	for (int i = end - 1; i >= from; i--)
	{
		const ScriptToken *token = &tokens->token[i];
		char	   *text = pnstrdup(tokens->sql + token->start, token->end - token->start);

		if (token->depth == tokens->token[from].depth &&
			(pg_strcasecmp(text, name) == 0 || strcmp(text, quote_identifier(name)) == 0 ||
			 strcmp(text, psprintf("\"%s\"", name)) == 0))
			return i;
	}
	return end;
}

/* Qualifies names in an index element, from one token to the one before `end` */
static void
qualify_index_element(const NameArg *arg, IndexElem *element, Oid method, int from, int end)
{
	ScriptTokens *tokens = arg->tokens;
	int			at;

	qualify(arg, element->expr);
	at = script_token_find(tokens, from, end, script_keyword("collate")) + 1;
	if (list_length(element->collation) == 1 && at < end)
		tokens->token[at].schema = script_path_schema(arg->path, SCRIPT_COLLATION, strVal(linitial(element->collation)), InvalidOid);
	at = list_length(element->opclass) == 1 ? find_name(tokens, from, end, strVal(linitial(element->opclass))) : end;
	if (at < end)
		tokens->token[at].schema = script_path_schema(arg->path, SCRIPT_OPCLASS, strVal(linitial(element->opclass)), method);
}

void
script_qualify_index(ScriptTokens *tokens, ScriptPath *path, const IndexStmt *statement)
{
	NameArg		arg = {tokens, path};
	int			open = script_token_find(tokens, script_token_at(tokens, statement->relation->location), tokens->n, '(');
	int			close = script_token_find(tokens, open, tokens->n, ')');
	int			from = open + 1;
	Oid			method = get_index_am_oid(statement->accessMethod, true);

	foreach_ptr(IndexElem, element, statement->indexParams)
	{
		int			comma = script_token_find(tokens, from, close, ',');

		qualify_index_element(&arg, element, method, from, comma);
		from = comma + 1;
	}
	qualify(&arg, statement->whereClause);
}

/* ---- names that the parser keeps without a place ---- */

/* Returns whether an object of this kind is named by a table, and by its own name if it has one */
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

/* Returns the first token after a keyword that is outside of parentheses */
static int
behind(const NameArg *arg, const char *keyword)
{
	return script_token_find(arg->tokens, 0, arg->tokens->n, script_keyword(keyword)) + 1;
}

/* Qualifies an object whose name has no schema, if it is neither a relation nor of an access method */
static void
qualify_name(const NameArg *arg, ScriptObject object, List *names, int from)
{
	if (list_length(names) == 1)
		script_qualify_words(arg->tokens, arg->path, object, names, InvalidOid, from);
}

/* Qualifies an operator class or family; names: of its access method, then its own */
static void
qualify_of_method(const NameArg *arg, ScriptObject object, List *names, int from)
{
	if (list_length(names) == 2)
		script_qualify_words(arg->tokens, arg->path, object, list_copy_tail(names, 1), get_index_am_oid(strVal(linitial(names)), true), from);
}

/* Qualifies an object of a kind whose name is a list without more */
static void
qualify_listed(const NameArg *arg, ObjectType type, List *names, int from)
{
	static const struct
	{
		ObjectType	type;
		ScriptObject object;
	}			kinds[] = {
		{OBJECT_TYPE, SCRIPT_TYPE}, {OBJECT_DOMAIN, SCRIPT_TYPE}, {OBJECT_COLLATION, SCRIPT_COLLATION},
		{OBJECT_CONVERSION, SCRIPT_CONVERSION}, {OBJECT_STATISTIC_EXT, SCRIPT_STATISTICS},
		{OBJECT_TSCONFIGURATION, SCRIPT_TS_CONFIGURATION}, {OBJECT_TSDICTIONARY, SCRIPT_TS_DICTIONARY},
		{OBJECT_TSPARSER, SCRIPT_TS_PARSER}, {OBJECT_TSTEMPLATE, SCRIPT_TS_TEMPLATE}
	};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (kinds[i].type == type)
			qualify_name(arg, kinds[i].object, names, from);
	}
}

/* Qualifies an object's name, or its table's, which is so many tokens on */
static void
qualify_object(const NameArg *arg, ObjectType type, Node *object, int from)
{
	int			own_names;

	if (object == NULL)
		return;
	if (IsA(object, ObjectWithArgs))
	{
		qualify_name(arg, type == OBJECT_OPERATOR ? SCRIPT_OPERATOR : SCRIPT_FUNCTION, ((ObjectWithArgs *) object)->objname, from);
		qualify(arg, (Node *) ((ObjectWithArgs *) object)->objargs);
	}
	else if (IsA(object, TypeName))
		qualify(arg, object);
	else if (type == OBJECT_CAST || type == OBJECT_TRANSFORM)
	{
		foreach_ptr(Node, part, (List *) object)
		{
			if (IsA(part, TypeName))
				qualify(arg, part);
		}
	}
	else if (type == OBJECT_OPCLASS || type == OBJECT_OPFAMILY)
		qualify_of_method(arg, type == OBJECT_OPCLASS ? SCRIPT_OPCLASS : SCRIPT_OPFAMILY, (List *) object, from);
	else if (type == OBJECT_DOMCONSTRAINT && IsA(object, List))
	{
		/*
		 * COMMENT ON DOMAIN has a TypeName without location here, ALTER
		 * DOMAIN a list of names
		 */
		if (IsA(linitial((List *) object), TypeName))
			qualify_name(arg, SCRIPT_TYPE, linitial_node(TypeName, (List *) object)->names, behind(arg, "domain"));
		else
			qualify_name(arg, SCRIPT_TYPE, (List *) object, from);
	}
	else if (is_of_table(type, &own_names) && IsA(object, List) && list_length((List *) object) == own_names + 1)
		script_qualify_words(arg->tokens, arg->path, SCRIPT_TABLE, (List *) object, InvalidOid, from);
	else if (IsA(object, List))
		qualify_listed(arg, type, (List *) object, from);
}

static void
qualify_objects(const NameArg *arg, ObjectType type, List *objects, int from)
{
	foreach_ptr(Node, object, objects)
	{
		qualify_object(arg, type, object, from);
	}
}

static void
qualify_grant(const NameArg *arg, const GrantStmt *statement)
{
	if (statement->targtype != ACL_TARGET_OBJECT)
		return;
	if (statement->objtype == OBJECT_TABLE || statement->objtype == OBJECT_SEQUENCE)
		qualify_tables(arg, statement->objects);
	else
		qualify_objects(arg, statement->objtype, statement->objects, behind(arg, "on") + 1);
}

/* Qualifies names in ALTER of a type or a function; returns false for another statement */
static bool
qualify_altered(const NameArg *arg, Node *statement)
{
	const int	from = 2;

	switch (nodeTag(statement))
	{
		case T_RenameStmt:
			qualify_table(arg, ((RenameStmt *) statement)->relation);
			qualify_object(arg, ((RenameStmt *) statement)->renameType, ((RenameStmt *) statement)->object, from);
			return true;
		case T_AlterObjectSchemaStmt:
			qualify_table(arg, ((AlterObjectSchemaStmt *) statement)->relation);
			qualify_object(arg, ((AlterObjectSchemaStmt *) statement)->objectType, ((AlterObjectSchemaStmt *) statement)->object, from);
			return true;
		case T_AlterOwnerStmt:
			qualify_object(arg, ((AlterOwnerStmt *) statement)->objectType, ((AlterOwnerStmt *) statement)->object, from);
			return true;
		case T_AlterFunctionStmt:
			qualify_object(arg, ((AlterFunctionStmt *) statement)->objtype, (Node *) ((AlterFunctionStmt *) statement)->func, from);
			return true;
		case T_AlterEnumStmt:
			qualify_name(arg, SCRIPT_TYPE, ((AlterEnumStmt *) statement)->typeName, from);
			return true;
		case T_AlterTypeStmt:
			qualify_name(arg, SCRIPT_TYPE, ((AlterTypeStmt *) statement)->typeName, from);
			return true;
		case T_AlterDomainStmt:
			qualify_name(arg, SCRIPT_TYPE, ((AlterDomainStmt *) statement)->typeName, from);
			if (((AlterDomainStmt *) statement)->def && IsA(((AlterDomainStmt *) statement)->def, Constraint))
				qualify_element(arg, ((AlterDomainStmt *) statement)->def);
			else
				qualify(arg, ((AlterDomainStmt *) statement)->def);
			return true;
		default:
			return false;
	}
}

/* ---- statements ---- */

/*
 * Qualifies names in a statement that creates a relation from others; returns
 * false for another statement
 */
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
			qualify(arg, (Node *) code_queries(((CreateTableAsStmt *) statement)->query));
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

/*
 * Qualifies names in a statement about a part of a table, such as a policy;
 * returns false for another statement
 */
static bool
qualify_part(const NameArg *arg, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateTrigStmt:
			qualify_table(arg, ((CreateTrigStmt *) statement)->relation);
			qualify(arg, ((CreateTrigStmt *) statement)->whenClause);
			qualify_name(arg, SCRIPT_FUNCTION, ((CreateTrigStmt *) statement)->funcname, behind(arg, "execute") + 1);
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
			script_qualify_index(arg->tokens, arg->path, (IndexStmt *) statement);
			return true;
		default:
			return false;
	}
}

static void
qualify_published(const NameArg *arg, List *objects)
{
	foreach_ptr(const PublicationObjSpec, object, objects)
	{
		if (object->pubtable)
		{
			qualify_table(arg, object->pubtable->relation);
			qualify(arg, object->pubtable->whereClause);
		}
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
		case T_CreatePublicationStmt:
			qualify_published(arg, ((CreatePublicationStmt *) statement)->pubobjects);
			break;
		case T_AlterPublicationStmt:
			qualify_published(arg, ((AlterPublicationStmt *) statement)->pubobjects);
			break;
		case T_CreateStatsStmt:
			foreach_ptr(Node, table, ((CreateStatsStmt *) statement)->relations)
			{
				qualify(arg, table);
			}
			foreach_ptr(const StatsElem, element, ((CreateStatsStmt *) statement)->exprs)
			{
				qualify(arg, element->expr);
			}
			break;
		case T_AlterSeqStmt:
			qualify_table(arg, ((AlterSeqStmt *) statement)->sequence);
			break;
		case T_GrantStmt:
			qualify_grant(arg, (GrantStmt *) statement);
			break;
		case T_DropStmt:
			qualify_objects(arg, ((DropStmt *) statement)->removeType, ((DropStmt *) statement)->objects, 2);
			break;
		case T_CommentStmt:
			qualify_object(arg, ((CommentStmt *) statement)->objtype, ((CommentStmt *) statement)->object, 3);
			break;
		default:
			(void) (qualify_new(arg, statement) || qualify_part(arg, statement) || qualify_altered(arg, statement));
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
