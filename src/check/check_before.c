/*-------------------------------------------------------------------------
 *
 * check_before.c
 *	  Objects that earlier steps take away before a statement: names in the
 *	  statement, and dependents of the object that it drops; and rows and
 *	  rules that earlier steps change, at which a check looks too early.
 *
 *	  A statement qualifies names of objects outside of pg_catalog, so two
 *	  words with a dot between them are a name. pg_depend tells the
 *	  dependents, as for the server's own DROP.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "common/keywords.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/depend.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_drops.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_reads.h"
#include "plan/plan_relation.h"

/* Number of dependents that a row names */
#define NAMED_DEPENDENTS 3

/* ---- the order ---- */

/* Returns whether a step needs another one, directly or through others */
static bool
needs(const PlanGraph *graph, int step, int other, List **seen)
{
	if (list_member_int(*seen, step))
		return false;
	*seen = lappend_int(*seen, step);
	foreach_ptr(const PlanEdge, edge, plan_needs(graph, step))
	{
		if (edge->needed->step == other || needs(graph, edge->needed->step, other, seen))
			return true;
	}
	return false;
}

static bool
is_needed(const PlanGraph *graph, int step, int other)
{
	List	   *seen = NIL;

	return needs(graph, step, other, &seen);
}

bool
check_comes_before(const PlanCheck *check, const CheckStep *other, const CheckStep *cs)
{
	if (other == cs || !plan_step_is_ahead(other->step))
		return false;
	return is_needed(check->graph, cs->step->step, other->step->step) ||
		(other->place < cs->place && !is_needed(check->graph, other->step->step, cs->step->step));
}

/* ---- names that go ---- */

static bool
same_name(const StepName *name, const StepName *other)
{
	return sg_same_text(name->relation, other->relation) && sg_same_text(name->column, other->column) &&
		(strcmp(name->kind, "function") == 0) == (strcmp(other->kind, "function") == 0);
}

static bool
has_name(const List *names, const StepName *wanted)
{
	foreach_ptr(const StepName, name, names)
	{
		if (same_name(name, wanted))
			return true;
	}
	return false;
}

/* Returns whether a name, or the table that has the column, is in the list */
static bool
has_name_or_table(const List *names, const StepName *wanted)
{
	StepName	table = *wanted;

	table.column = NULL;
	return has_name(names, wanted) || (wanted->column && has_name(names, &table));
}

static List *
without_name(List *names, const StepName *unwanted)
{
	List	   *left = NIL;

	foreach_ptr(StepName, name, names)
	{
		if (!same_name(name, unwanted))
			left = lappend(left, name);
	}
	return left;
}

static void
take(CheckNames *names, const char *kind, const char *does, char *relation, char *column)
{
	StepName   *name = palloc(sizeof(StepName));

	*name = (StepName)
	{
		kind, does, relation, column
	};
	names->gives = without_name(names->gives, name);
	names->takes = lappend(names->takes, name);
}

static void
give(CheckNames *names, const char *kind, char *relation, char *column, bool anew)
{
	StepName   *name = palloc(sizeof(StepName));

	*name = (StepName)
	{
		kind, NULL, relation, column, false
	};
	name->anew = anew && !has_name(names->takes, name);
	names->takes = without_name(names->takes, name);
	names->gives = lappend(names->gives, name);
}

static char *
qualified(const RangeVar *name)
{
	return name && name->schemaname ? quote_qualified_identifier(name->schemaname, name->relname) : NULL;
}

static void
take_renamed(CheckNames *names, const RenameStmt *rename)
{
	char	   *relation = qualified(rename->relation);

	if (relation == NULL)
		return;
	if (rename->renameType == OBJECT_COLUMN)
	{
		take(names, "column", "renames", relation, rename->subname);
		give(names, "column", relation, rename->newname, true);
	}
	else if (rename->renameType == OBJECT_TABLE || rename->renameType == OBJECT_VIEW || rename->renameType == OBJECT_MATVIEW)
	{
		take(names, "table", "renames", relation, NULL);
		give(names, "table", quote_qualified_identifier(rename->relation->schemaname, rename->newname), NULL, true);
	}
}

/* Adds the names that steps of kind drop, or those that stand for a statement's drops, take away */
static void
take_dropped(CheckNames *names, List *drops)
{
	foreach_ptr(const PlanStep, drop, drops)
	{
		if (drop->kind != STEP_DROP)
			take(names, "function", "drops", drop->child_table, NULL);
		else if (plan_step_is_of_relation(drop))
			take(names, drop->definition, "drops", drop->child_table, NULL);
		else if (plan_changed_object(drop) == CHANGED_COLUMN)
			take(names, "column", "drops", drop->child_table, drop->fk_name);
	}
}

/* Returns whether a statement fails if the name of its new object is taken */
static bool
makes_anew(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return !((CreateStmt *) statement)->if_not_exists;
		case T_CreateTableAsStmt:
			return !((CreateTableAsStmt *) statement)->if_not_exists;
		case T_ViewStmt:
			return !((ViewStmt *) statement)->replace;
		default:
			return true;
	}
}

static void
change_by_statement(CheckNames *names, const PlanStep *step, char *text, Node *statement)
{
	PlanStep	one = *step;

	one.definition = text;

	take_dropped(names, plan_drops(&one));
	foreach_ptr(char, made, plan_makes(&one))
	{
		give(names, "table", made, NULL, makes_anew(statement));
	}
	if (IsA(statement, RenameStmt))
		take_renamed(names, (RenameStmt *) statement);
	else if (IsA(statement, AlterObjectSchemaStmt) && qualified(((AlterObjectSchemaStmt *) statement)->relation))
	{
		const AlterObjectSchemaStmt *move = (AlterObjectSchemaStmt *) statement;

		take(names, "table", "moves", qualified(move->relation), NULL);
		give(names, "table", quote_qualified_identifier(move->newschema, move->relation->relname), NULL, true);
	}
	else if (IsA(statement, CreateFunctionStmt) && list_length(((CreateFunctionStmt *) statement)->funcname) == 2)
		give(names, "function", NameListToQuotedString(((CreateFunctionStmt *) statement)->funcname), NULL, false);
	foreach_ptr(const AlterTableCmd, command, IsA(statement, AlterTableStmt) ? ((AlterTableStmt *) statement)->cmds : NIL)
	{
		char	   *relation = qualified(((AlterTableStmt *) statement)->relation);

		if (command->subtype == AT_AddColumn && relation)
			give(names, "column", relation, castNode(ColumnDef, command->def)->colname, !command->missing_ok);
	}
}

static Node *
parsed(const char *text)
{
	return linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
}

static CheckNames
read_names(const PlanStep *step)
{
	CheckNames	names = {NIL, NIL};

	switch (step->kind)
	{
		case STEP_DROP:
			take_dropped(&names, list_make1(unconstify(PlanStep *, step)));
			break;
		case STEP_RENAME:
			if (plan_step_is_of_relation(step))
			{
				take(&names, step->definition, "renames", step->child_table, NULL);
				give(&names, step->definition, plan_renamed_table(step), NULL, true);
			}
			else if (plan_changed_object(step) == CHANGED_COLUMN)
			{
				take(&names, "column", "renames", step->child_table, step->fk_name);
				give(&names, "column", step->child_table, step->new_name, true);
			}
			break;
		case STEP_TABLE:
			give(&names, "table", step->child_table, NULL, true);
			break;
		case STEP_COLUMN:
			give(&names, "column", step->child_table, step->fk_name, true);
			break;
		case STEP_STATEMENT:
			foreach_ptr(char, text, step->outside ? NIL : plan_change_texts(step->definition))
			{
				change_by_statement(&names, step, text, parsed(text));
			}
			break;
		default:
			break;
	}
	return names;
}

bool
check_name_is_there(const StepName *name)
{
	Oid			relid = sg_find_qualified(name->relation);

	return strcmp(name->kind, "function") == 0 || (OidIsValid(relid) && (name->column == NULL || get_attnum(relid, name->column) != InvalidAttrNumber));
}

const CheckNames *
check_step_names(CheckStep *cs)
{
	if (cs->names == NULL)
	{
		cs->names = palloc(sizeof(CheckNames));
		*cs->names = read_names(cs->step);
	}
	return cs->names;
}

/* ---- names that a statement has ---- */

/* Above all codes of the scanner's own, for keywords; and the code of names */
#define KEYWORD_BASE 1000
#define TOKEN_IDENT 258
#define TOKEN_UIDENT 259

typedef struct Token
{
	const char *word;			/* a name or keyword, or NULL */
	int			code;
} Token;

typedef struct Tokens
{
	Token	   *tokens;			/* followed by some empty tokens */
	int			n;
} Tokens;

/* Reads the tokens of a statement, which has been parsed */
static Tokens
tokens_of(const char *text)
{
	uint16	   *codes = palloc(sizeof(uint16) * ScanKeywords.num_keywords);
	Token	   *tokens = palloc0(sizeof(Token) * (strlen(text) + 5));
	int			n;
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		location;

	for (int i = 0; i < ScanKeywords.num_keywords; i++)
		codes[i] = KEYWORD_BASE + i;
	scanner = scanner_init(text, &extra, &ScanKeywords, codes);
	for (n = 0; (tokens[n].code = core_yylex(&value, &location, scanner)) != 0; n++)
	{
		int			code = tokens[n].code;

		tokens[n].word = code >= KEYWORD_BASE ? value.keyword : code == TOKEN_IDENT || code == TOKEN_UIDENT ? value.str : NULL;
	}
	scanner_finish(scanner);
	return (Tokens)
	{
		tokens, n
	};
}

static bool
is_word(const Token *token, const char *word)
{
	return token->word && strcmp(token->word, word) == 0;
}

/* Returns whether the next word is the name of another kind of object than a column */
static bool
is_of_other_kind(const Token *token)
{
	static const char *const kinds[] = {"constraint", "trigger", "policy", "rule", "statistics", "index", "publication", "role", "user", "to", "function", "as"};

	for (int i = 0; token->code >= KEYWORD_BASE && i < lengthof(kinds); i++)
	{
		if (is_word(token, kinds[i]))
			return true;
	}
	return false;
}

/*
 * Returns whether a statement has a name.  Sets *maybe for a column's name, if
 * several objects could have it, or a function's, because there may be
 * overloads.
 */
static bool
mentions(const Tokens *text, const StepName *name, bool *maybe)
{
	SgTableName relation = sg_parse_table_name(name->relation);
	const Token *tokens = text->tokens;
	bool		found = false;
	bool		has_column = false;

	*maybe = strcmp(name->kind, "function") == 0;
	for (int i = 0; i < text->n; i++)
	{
		bool		behind_dot = i > 0 && tokens[i - 1].code == '.';
		bool		before_dot = tokens[i].word && tokens[i + 1].code == '.';

		if (before_dot && !behind_dot && is_word(&tokens[i], relation.schema) && is_word(&tokens[i + 2], relation.name))
		{
			found = true;
			has_column |= name->column && tokens[i + 3].code == '.' && is_word(&tokens[i + 4], name->column);
			i += 2;
		}
		else if (before_dot && !behind_dot)
			*maybe |= name->column != NULL;
		else if (name->column && is_word(&tokens[i], name->column) && !(i > 0 && is_of_other_kind(&tokens[i - 1])))
			has_column = true;
	}
	return found && (name->column == NULL || has_column);
}

/* Returns whether a statement does nothing if the name is gone */
static bool
is_optional(Node *statement, const StepName *name)
{
	switch (nodeTag(statement))
	{
		case T_DropStmt:
			return ((DropStmt *) statement)->missing_ok;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->missing_ok;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) statement)->missing_ok;
		case T_AlterTableStmt:
			foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
			{
				if (command->subtype == AT_DropColumn && command->missing_ok && sg_same_text(command->name, name->column))
					return true;
			}
			return ((AlterTableStmt *) statement)->missing_ok && name->column == NULL;
		default:
			return false;
	}
}

static char *
named_text(const StepName *name)
{
	return name->column ? psprintf("column %s of %s", quote_identifier(name->column), name->relation) : psprintf("%s %s", name->kind, name->relation);
}

/* Returns whether a step between the two gives the name again */
static bool
is_given_again(const PlanCheck *check, const CheckStep *taker, const CheckStep *cs, const StepName *name)
{
	foreach_ptr(CheckStep, other, check->steps)
	{
		if (has_name_or_table(check_step_names(other)->gives, name) && check_comes_before(check, other, cs) &&
			(other == taker || !check_comes_before(check, other, taker)))
			return true;
	}
	return false;
}

/*
 * Returns a name in a statement that is taken away by then, with the step that
 * takes it (NULL: `before`, of this one), or NULL
 */
static const StepName *
find_taken(const PlanCheck *check, const CheckStep *cs, const char *text, Node *statement, const CheckNames *before, const CheckStep **taker, bool *maybe)
{
	CheckNames	own = {NIL, NIL};
	Tokens		tokens = tokens_of(text);

	change_by_statement(&own, cs->step, pstrdup(text), statement);
	*taker = NULL;
	foreach_ptr(const StepName, name, before->takes)
	{
		if (!has_name_or_table(own.gives, name) && !is_optional(statement, name) && mentions(&tokens, name, maybe))
			return name;
	}
	foreach_ptr(CheckStep, other, check->steps)
	{
		foreach_ptr(const StepName, name, other == cs || plan_step_is_done(other->step) ? NIL : check_step_names(other)->takes)
		{
			if (has_name_or_table(own.gives, name) || has_name_or_table(before->gives, name) || is_optional(statement, name) || !mentions(&tokens, name, maybe) || !check_name_is_there(name) ||
				!check_comes_before(check, other, cs) || is_given_again(check, other, cs, name))
				continue;
			*taker = other;
			return name;
		}
	}
	return NULL;
}

void
check_taken_names(const PlanCheck *check, CheckStep *cs, const char *text, Node *statement, List *before)
{
	CheckNames	earlier = {NIL, NIL};
	const CheckStep *taker;
	const StepName *name;
	bool		maybe = false;
	char	   *who;
	char	   *hint;

	foreach_ptr(char, one, before)
	{
		change_by_statement(&earlier, cs->step, one, parsed(one));
	}
	name = find_taken(check, cs, text, statement, &earlier, &taker, &maybe);
	if (name == NULL)
		return;
	who = taker ? psprintf("step %d, which comes first,", taker->step->step) : "an earlier statement of the step";
	if (taker && taker->step->after == NIL && cs->step->after == NIL)
		hint = psprintf("Have it come behind this one:\n%s",
						plan_set_call(taker->step, "after", plan_steps_text(list_make1_int(cs->step->step)), NULL));
	else
		hint = psprintf("Leave one of the two out:\n%s", check_skip(cs, "an object that it names is gone by then"));
	check_row(cs, "names", maybe ? CHECK_WARN : CHECK_BLOCK,
			  psprintf("%s %s %s, which it %s", who, name->does, named_text(name), maybe ? "may name" : "names"), hint);
}

/* Returns whether a step that is no statement is about a table, or a column of it */
static bool
is_about(const PlanStep *step, const StepName *name)
{
	bool		has_condition = (step->kind == STEP_CHECK || step->kind == STEP_INDEX) && step->definition;

	if (name->column == NULL)
		return strcmp(name->kind, "function") != 0 && (sg_same_text(step->child_table, name->relation) || sg_same_text(step->parent_table, name->relation) ||
													   (step->kind == STEP_TABLE && sg_has_name(plan_table_relatives(step), name->relation)));
	return (sg_same_text(step->child_table, name->relation) &&
			(sg_has_name(step->child_columns, name->column) || (step->fill && plan_has_word(step->fill, name->column) && plan_reads_own(step->fill, name->relation, name->column)) ||
			 (step->kind == STEP_DROP && plan_changed_object(step) == CHANGED_COLUMN && sg_same_text(step->fk_name, name->column)) ||
			 (has_condition && plan_has_word(step->definition, name->column)))) ||
		(sg_same_text(step->parent_table, name->relation) && sg_has_name(step->parent_columns, name->column));
}

/*
 * Returns the step that renames or drops the column, constraint, index or
 * trigger of a drop or rename before it, or NULL
 */
static const CheckStep *
find_part_taken(const PlanCheck *check, const CheckStep *cs)
{
	const PlanStep *step = cs->step;
	const CheckStep *taker = NULL;

	if ((step->kind != STEP_DROP && step->kind != STEP_RENAME) || plan_step_is_of_relation(step) || !plan_change_finds(step))
		return NULL;
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if ((other->step->kind == STEP_RENAME || (other->step->kind == STEP_DROP && step->kind == STEP_RENAME)) &&
			sg_same_text(other->step->child_table, step->child_table) && sg_same_text(other->step->fk_name, step->fk_name) &&
			plan_changed_object(other->step) == plan_changed_object(step) && check_comes_before(check, other, cs))
			taker = other;
	}
	foreach_ptr(const CheckStep, other, taker ? check->steps : NIL)
	{
		if (plan_step_frees(taker->step, other->step) && check_comes_before(check, other, cs))
			return NULL;
	}
	return taker;
}

static void
say_taken(CheckStep *cs, const CheckStep *taker, const char *does, const char *object)
{
	check_row(cs, "definition", CHECK_BLOCK, psprintf("step %d, which comes first, %s %s", taker->step->step, does, object),
			  psprintf("Leave one of the two out:\n%s", check_skip(cs, cs->step->kind == STEP_DROP ? "the object has another name by then" :
																   "the object that it is about is gone")));
}

void
check_taken_object(const PlanCheck *check, CheckStep *cs)
{
	const CheckStep *taker;
	bool		is_drop = cs->step->kind == STEP_DROP;

	if (cs->step->kind == STEP_STATEMENT || !plan_step_is_ahead(cs->step))
		return;
	foreach_ptr(CheckStep, other, check->steps)
	{
		foreach_ptr(const StepName, name, other == cs || plan_step_is_done(other->step) ? NIL : check_step_names(other)->takes)
		{
			/*
			 * an object that is gone needs no drop, and one of another name
			 * is left alone
			 */
			if ((is_drop && strcmp(name->does, "drops") == 0) || !check_name_is_there(name) || !is_about(cs->step, name) || has_name(check_step_names(cs)->gives, name) ||
				!check_comes_before(check, other, cs) || is_given_again(check, other, cs, name))
				continue;
			say_taken(cs, other, name->does, named_text(name));
			return;
		}
	}
	taker = find_part_taken(check, cs);
	if (taker)
		say_taken(cs, taker, taker->step->kind == STEP_DROP ? "drops" : "renames",
				  psprintf("%s %s of %s", taker->step->definition, quote_identifier(taker->step->fk_name), taker->step->child_table));
}

/* Returns whether an earlier step takes a name away, which leads to an object now */
static bool
is_taken_before(const PlanCheck *check, const CheckStep *cs, const StepName *name)
{
	foreach_ptr(CheckStep, other, check_name_is_there(name) ? check->steps : NIL)
	{
		if (has_name(check_step_names(other)->takes, name) && check_comes_before(check, other, cs))
			return true;
	}
	return false;
}

bool
check_is_freed(const PlanCheck *check, CheckStep *cs)
{
	foreach_ptr(const StepName, name, check_step_names(cs)->gives)
	{
		if (is_taken_before(check, cs, name))
			return true;
	}
	return false;
}

const PlanStep *
check_giver_before(const PlanCheck *check, const CheckStep *cs)
{
	foreach_ptr(CheckStep, other, check->steps)
	{
		foreach_ptr(const StepName, name, other == cs ? NIL : check_step_names(other)->gives)
		{
			if (!is_about(cs->step, name) || !check_comes_before(check, other, cs))
				continue;
			/* a table that the plan makes has no rows yet */
			if (check_name_is_there(name) ? is_taken_before(check, cs, name) : (name->column || other->step->kind == STEP_RENAME))
				return other->step;
		}
	}
	return NULL;
}

PlanStep *
check_present_step(const PlanCheck *check, const CheckStep *cs)
{
	PlanStep   *present = palloc(sizeof(PlanStep));

	*present = *cs->step;
	for (int i = cs->place - 1; i >= 0; i--)
	{
		const CheckStep *other = list_nth(check->steps, i);

		if (other->step->kind == STEP_RENAME && check_comes_before(check, other, cs))
			plan_name_before(present, other->step);
	}
	return OidIsValid(plan_step_target(present, present->fk_name).objectId) ? present : NULL;
}

/* Returns whether rows can have a value in the column that a step gives its name */
static bool
gives_values(const PlanStep *giver)
{
	return giver->kind != STEP_COLUMN || giver->fill || plan_has_word(giver->definition, "default") || plan_has_word(giver->definition, "generated");
}

void
check_unread(CheckStep *cs, const PlanStep *giver)
{
	const PlanStep *step = cs->step;
	bool		loses = step->kind == STEP_DROP && step->discard;
	bool		is_rule = step->kind == STEP_INDEX ? plan_index_parse(plan_index_written(step->definition))->unique : plan_step_adds_rule(step);

	if (loses || (is_rule && (giver == NULL || gives_values(giver))))
		check_row(cs, "rows", CHECK_WARN,
				  psprintf("%s%s was not looked at", giver ? psprintf("step %d, %s, comes first: ", giver->step, plan_step_object(giver)) : "",
						   loses ? "how many rows or values go for good" : "whether rows break the rule"), NULL);
}

/* ---- dependents of dropped objects ---- */

static bool
is_covered(const List *objects, const ObjectAddress *object)
{
	foreach_ptr(const ObjectAddress, one, objects)
	{
		if (sg_depend_covers(one, object))
			return true;
	}
	return false;
}

static List *
add_object(List *objects, ObjectAddress object)
{
	ObjectAddress *added = palloc(sizeof(ObjectAddress));

	*added = object;
	return is_covered(objects, &object) ? objects : lappend(objects, added);
}

/* Adds the columns of inheriting tables that are inherited only, and go with a column */
static List *
add_heirs(List *roots)
{
	List	   *all = list_copy(roots);

	foreach_ptr(const ObjectAddress, root, roots)
	{
		bool		is_column = root->classId == RelationRelationId && root->objectSubId > 0;
		FormData_pg_attribute column;

		if (!is_column || !sg_read_column(root->objectId, root->objectSubId, &column))
			continue;
		foreach_oid(heir, sg_all_inheritors(root->objectId))
		{
			AttrNumber	attnum = get_attnum(heir, NameStr(column.attname));
			ObjectAddress inherited;
			FormData_pg_attribute of_heir;

			ObjectAddressSubSet(inherited, RelationRelationId, heir, attnum);
			if (heir != root->objectId && attnum > 0 && sg_read_column(heir, attnum, &of_heir) && !of_heir.attislocal)
				all = add_object(all, inherited);
		}
	}
	return all;
}

/* Returns the objects (ObjectAddress *) on which a DROP RESTRICT of all these would fail */
static List *
blockers_of(List *dropped)
{
	List	   *blockers = NIL;

	foreach_ptr(const ObjectAddress, object, dropped)
	{
		foreach_ptr(const SgDependency, dependency, sg_dependencies(object, true))
		{
			ObjectAddress whole = sg_depend_whole(dependency->object, object);

			if (dependency->type == DEPENDENCY_NORMAL && !is_covered(dropped, &dependency->object) && !is_covered(dropped, &whole))
				blockers = add_object(blockers, whole);
		}
	}
	return blockers;
}

/* Blocks the drop of an object that is a part of another one, which stays; returns whether it did */
static bool
is_part(CheckStep *cs, List *roots)
{
	foreach_ptr(const ObjectAddress, root, roots)
	{
		foreach_ptr(const SgDependency, dependency, sg_dependencies(root, false))
		{
			if ((dependency->type != DEPENDENCY_INTERNAL && dependency->type != DEPENDENCY_EXTENSION && dependency->type != DEPENDENCY_PARTITION_PRI) ||
				is_covered(roots, &dependency->object))
				continue;
			check_row(cs, "dependents", CHECK_BLOCK, psprintf("%s requires %s", getObjectDescription(&dependency->object, false), getObjectDescription(root, false)),
					  psprintf("Drop the first in its place, or leave the step out:\n%s", check_skip(cs, "something requires what it drops")));
			return true;
		}
	}
	return false;
}

/*
 * Adds the objects that go with a step's dropped object; for a kept object,
 * those that do not stay with it; with of_schema, those that leave the schema
 * that a statement drops
 */
static List *
add_dropped_by_step(List *removed, const PlanStep *step, bool of_schema)
{
	ObjectAddress object = change_dropped_object(step);
	bool		keeps = !step->discard && !(plan_changed_object(step) == CHANGED_VIEW && change_empties_view(object.objectId)) &&
		(plan_step_is_of_relation(step) || plan_changed_object(step) == CHANGED_COLUMN);

	if (!OidIsValid(object.objectId))
		return removed;
	if (!keeps || (of_schema && object.objectSubId == 0))
		return list_concat(removed, sg_dropped_with(list_make1(&object), false));
	foreach_ptr(const SgDependency, dependency, sg_dependencies(&object, true))
	{
		bool		is_key = dependency->object.classId == ConstraintRelationId && fk_by_oid(dependency->object.objectId);

		if (is_key || (object.objectSubId && (dependency->object.classId == ConstraintRelationId || dependency->object.classId == AttrDefaultRelationId)))
			removed = add_object(removed, dependency->object);
	}
	return removed;
}

static List *
add_dropped_by_statement(List *removed, Node *statement)
{
	bool		cascade;
	List	   *roots = plan_drop_roots(statement, &cascade);

	return roots ? list_concat(removed, sg_dropped_with(add_heirs(roots), cascade)) : removed;
}

/* Adds the objects that an earlier step removes */
static List *
add_removed(List *removed, const PlanStep *step, bool of_schema)
{
	Oid			table = step->replaces && step->child_table ? sg_find_qualified(step->child_table) : InvalidOid;
	Oid			constraint = OidIsValid(table) ? get_relation_constraint_oid(table, step->replaces, true) : InvalidOid;
	ObjectAddress object;

	ObjectAddressSet(object, ConstraintRelationId, constraint);
	if (OidIsValid(constraint))
		removed = list_concat(removed, sg_dropped_with(list_make1(&object), false));
	if (step->kind == STEP_DROP)
		removed = add_dropped_by_step(removed, step, of_schema);
	foreach_ptr(const char, text, step->kind == STEP_STATEMENT ? plan_change_texts(step->definition) : NIL)
	{
		removed = add_dropped_by_statement(removed, parsed(text));
	}
	return removed;
}

/*
 * Returns whether statements may change an object so that it no longer depends
 * on another: their text has its name, or they may do anything
 */
static bool
may_change(List *texts, const ObjectAddress *object)
{
	List	   *names = NIL;
	List	   *args;

	if (getObjectIdentityParts(object, &names, &args, true) == NULL || names == NIL)
		return true;
	foreach_ptr(const char, text, texts)
	{
		NodeTag		tag = nodeTag(parsed(text));

		if (tag == T_SelectStmt || tag == T_DoStmt || tag == T_CallStmt || tag == T_AlterExtensionStmt || plan_has_word(text, llast(names)))
			return true;
	}
	return false;
}

static char *
depends_text(List *blockers, const char *more)
{
	List	   *texts = NIL;
	int			n = list_length(blockers);

	foreach_ptr(const ObjectAddress, blocker, blockers)
	{
		char	   *text = list_length(texts) < NAMED_DEPENDENTS ? getObjectDescription(blocker, true) : NULL;

		if (text)
			texts = lappend(texts, text);
	}
	if (n > list_length(texts))
		texts = lappend(texts, psprintf("%d more", n - list_length(texts)));
	return psprintf("%s %s on what it drops%s", check_list(texts), n == 1 ? "depends" : "depend", more);
}

/* Returns the earlier step that drops an object but keeps it, or NULL */
static const PlanStep *
keeper(const PlanCheck *check, const CheckStep *cs, const ObjectAddress *object)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		ObjectAddress kept;

		if (other->step->kind != STEP_DROP || other->step->discard || !check_comes_before(check, other, cs))
			continue;
		kept = change_dropped_object(other->step);
		if (OidIsValid(kept.objectId) && !(plan_changed_object(other->step) == CHANGED_VIEW && change_empties_view(kept.objectId)) && sg_depend_covers(&kept, object))
			return other->step;
	}
	return NULL;
}

static char *
dependents_hint(List *roots)
{
	const ObjectAddress *root = linitial(roots);
	char	   *relation = root->classId == RelationRelationId ? sg_relation_name(root->objectId) : NULL;

	return psprintf("Drop that first, by a step of its own that comes before, or let it go along, with CASCADE, which no rollback brings back.%s",
					relation ? psprintf(sg_calls(" What depends on the table:\nSELECT * FROM sg_impact(%s);"), quote_literal_cstr(relation)) : "");
}

static void
tell_dependents(const PlanCheck *check, CheckStep *cs, Node *statement, List *before)
{
	bool		cascade;
	List	   *roots = plan_drop_roots(statement, &cascade);
	List	   *blockers = roots && !is_part(cs, roots) && !cascade ? blockers_of(sg_dropped_with(add_heirs(roots), false)) : NIL;
	List	   *removed = NIL;
	List	   *texts = list_copy(before);
	List	   *sure = NIL;
	List	   *doubtful = NIL;

	if (blockers == NIL)
		return;
	foreach_ptr(const char, text, before)
	{
		removed = add_dropped_by_statement(removed, parsed(text));
	}
	foreach_ptr(const CheckStep, other, check->steps)
	{
		/* a key step drops the key that it replaces at the end of its round */
		if (!check_comes_before(check, other, cs) ||
			(other->step->kind == STEP_FOREIGN_KEY && !is_needed(check->graph, cs->step->step, other->step->step)))
			continue;
		removed = add_removed(removed, other->step, IsA(statement, DropStmt) && ((DropStmt *) statement)->removeType == OBJECT_SCHEMA);
		if (other->step->kind == STEP_STATEMENT)
			texts = list_concat(texts, plan_change_texts(other->step->definition));
	}
	foreach_ptr(ObjectAddress, blocker, blockers)
	{
		const PlanStep *kept = is_covered(removed, blocker) ? NULL : keeper(check, cs, blocker);

		if (kept)
			check_row(cs, "dependents", CHECK_BLOCK, psprintf("%s, which step %d keeps, depends on what it drops", getObjectDescription(blocker, false), kept->step),
					  psprintf("If it may go for good:\n%s", plan_set_call(kept, "discard", "true", NULL)));
		else if (!is_covered(removed, blocker) && may_change(texts, blocker))
			doubtful = lappend(doubtful, blocker);
		else if (!is_covered(removed, blocker))
			sure = lappend(sure, blocker);
	}
	if (sure)
		check_row(cs, "dependents", CHECK_BLOCK, depends_text(sure, ""), dependents_hint(roots));
	else if (doubtful)
		check_row(cs, "dependents", CHECK_WARN, depends_text(doubtful, ", unless an earlier statement changes that"), dependents_hint(roots));
}

void
check_dropped(const PlanCheck *check, CheckStep *cs, Node *statement, List *before)
{
	SgScope		scope;

	change_text_begin(&scope);
	tell_dependents(check, cs, statement, before);
	sg_scope_end(&scope);
}

/* ---- names that earlier statements make ---- */

/* Returns the name of the function, type, schema or value of an enum that a statement makes, or NULL */
static const char *
made_by(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateFunctionStmt:
			return strVal(llast(((CreateFunctionStmt *) statement)->funcname));
		case T_DefineStmt:
			return strVal(llast(((DefineStmt *) statement)->defnames));
		case T_CreateEnumStmt:
			return strVal(llast(((CreateEnumStmt *) statement)->typeName));
		case T_CreateRangeStmt:
			return strVal(llast(((CreateRangeStmt *) statement)->typeName));
		case T_CreateDomainStmt:
			return strVal(llast(((CreateDomainStmt *) statement)->domainname));
		case T_CompositeTypeStmt:
			return ((CompositeTypeStmt *) statement)->typevar->relname;
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) statement)->schemaname;
		case T_AlterEnumStmt:
			return ((AlterEnumStmt *) statement)->newVal;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->newname;
		default:
			return NULL;
	}
}

static const List *
names_made(CheckStep *cs)
{
	foreach_ptr(const char, text, cs->made_known || cs->step->kind != STEP_STATEMENT ? NIL : plan_change_texts(cs->step->definition))
	{
		const char *name = made_by(parsed(text));

		if (name)
			cs->made = lappend(cs->made, unconstify(char *, name));
	}
	cs->made_known = true;
	return cs->made;
}

bool
check_makes_word(const PlanStep *step, const char *message)
{
	foreach_ptr(const char, text, plan_change_texts(step->definition))
	{
		Node	   *statement = parsed(text);
		const char *name = IsA(statement, IndexStmt) && ((IndexStmt *) statement)->unique ? ((IndexStmt *) statement)->relation->relname : made_by(statement);

		if (name && plan_has_word(message, name))
			return true;
	}
	return false;
}

bool
check_is_made_before(const PlanCheck *check, const CheckStep *cs, const char *message)
{
	foreach_ptr(CheckStep, other, check->steps)
	{
		foreach_ptr(const char, name, names_made(other))
		{
			if (plan_has_word(message, name) && check_comes_before(check, other, cs))
				return true;
		}
	}
	return false;
}

/* ---- rows and rules that earlier steps change ---- */

/* Returns the table whose rows a statement writes, or that a statement about a table changes; or InvalidOid */
static Oid
table_of(Node *statement, bool *writes)
{
	*writes = code_is_query(statement);
	switch (nodeTag(statement))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return change_find_named(change_written(statement));
		case T_AlterTableStmt:
			return change_find_named(((AlterTableStmt *) statement)->relation);
		case T_CreateTrigStmt:
			return change_find_named(((CreateTrigStmt *) statement)->relation);
		case T_RuleStmt:
			return change_find_named(((RuleStmt *) statement)->relation);
		default:
			return InvalidOid;
	}
}

/* Adds the tables whose rows a step writes, and those whose rules it changes */
static void
add_changed(const PlanStep *step, List **written, List **ruled)
{
	const char *names[] = {step->child_table, step->parent_table};

	foreach_ptr(const char, text, step->kind == STEP_STATEMENT ? plan_change_texts(step->definition) : NIL)
	{
		bool		writes;
		Node	   *statement = parsed(text);
		Oid			table = table_of(statement, &writes);

		if (OidIsValid(table))
			*(writes ? written : ruled) = lappend_oid(*(writes ? written : ruled), table);
		foreach_ptr(const PublicationObjSpec, object, IsA(statement, CreatePublicationStmt) ? ((CreatePublicationStmt *) statement)->pubobjects : NIL)
		{
			if (object->pubtable)
				*ruled = lappend_oid(*ruled, change_find_named(object->pubtable->relation));
		}
	}
	for (int i = 0; i < lengthof(names) && step->kind != STEP_STATEMENT && step->kind != STEP_RENAME && step->kind != STEP_DROP; i++)
	{
		if (names[i] && (step->kind != STEP_INDEX || (step->definition && strncmp(step->definition, "UNIQUE", 6) == 0)))
			*ruled = lappend_oid(*ruled, sg_find_qualified(names[i]));
	}
}

/* Returns the earlier step whose tables of a kind are among these, or NULL */
static const PlanStep *
changer_before(const PlanCheck *check, const CheckStep *cs, const List *tables, bool writes)
{
	foreach_ptr(const CheckStep, other, tables ? check->steps : NIL)
	{
		List	   *written = NIL;
		List	   *ruled = NIL;

		if (!check_comes_before(check, other, cs))
			continue;
		add_changed(other->step, &written, &ruled);
		foreach_oid(table, writes ? written : ruled)
		{
			if (OidIsValid(table) && list_member_oid(tables, table))
				return other->step;
		}
	}
	return NULL;
}

const PlanStep *
check_writer_before(const PlanCheck *check, const CheckStep *cs)
{
	List	   *written = NIL;
	List	   *ruled = NIL;
	const PlanStep *writer;
	SgScope		scope;

	sg_caller_begin(&scope);
	add_changed(cs->step, &written, &ruled);
	writer = changer_before(check, cs, list_concat(written, ruled), true);
	sg_scope_end(&scope);
	return writer;
}

/* Returns an earlier step that makes another primary key of the step's table, or NULL */
static const PlanStep *
primary_before(const PlanCheck *check, const CheckStep *cs)
{
	foreach_ptr(const CheckStep, other, cs->step->primary_key ? check->steps : NIL)
	{
		if (other->step->primary_key && sg_same_text(other->step->child_table, cs->step->child_table) && check_comes_before(check, other, cs))
			return other->step;
	}
	return NULL;
}

void
check_changed_before(const PlanCheck *check, CheckStep *cs)
{
	List	   *written = NIL;
	List	   *ruled = NIL;
	const PlanStep *writer = check->verify == CHECK_READ_FULL ? check_writer_before(check, cs) : NULL;
	const PlanStep *primary = primary_before(check, cs);
	const PlanStep *ruler;
	SgScope		scope;

	if (primary)
		check_row(cs, "before", CHECK_WARN, psprintf("step %d makes the primary key of its table before it: the step will be skipped", primary->step),
				  psprintf("Leave one of them out:\n%s", check_skip(cs, "the table has another primary key")));
	if (check->verify != CHECK_READ_FULL || cs->blocked || plan_step_is_done(cs->step))
		return;
	sg_caller_begin(&scope);
	add_changed(cs->step, &written, &ruled);
	ruler = changer_before(check, cs, written, false);
	sg_scope_end(&scope);
	if (writer)
		check_row(cs, "before", CHECK_WARN, psprintf("step %d writes rows of its table before it: what these will be was not looked at", writer->step), NULL);
	if (ruler)
		check_row(cs, "before", CHECK_WARN, psprintf("step %d changes its table before it: what that will ask of its rows was not looked at", ruler->step), NULL);
}
