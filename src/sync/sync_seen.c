/*-------------------------------------------------------------------------
 *
 * sync_seen.c
 *	  Names in a statement of a script, and the code that they lead to.
 *
 *	  A document lists its objects' dependencies, and can omit some.  So names
 *	  are taken from the statements, by the server's scanner and parser: an
 *	  unqualified name is one of pg_catalog in a script.  A name that a
 *	  document presents as a function can be a type in this database, and f(x)
 *	  a cast to it.  So if a script is for this database, the objects that the
 *	  names lead to are examined in its catalogs, by the same walks as for a
 *	  plan's statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/scope.h"
#include "base/spi.h"
#include "change/change_literal.h"
#include "sync/sync_scratch.h"

SG_FUNCTION(sg_sync_seen);

/* ---- names and types of values ---- */

/* Codes of the scanner's tokens, from the comment in parser/scanner.h */
#define TOKEN_END 0
#define TOKEN_IDENT 258
#define TOKEN_TYPECAST 268

/* Code of all keywords */
#define TOKEN_KEYWORD 10000

#define OPERATOR_CHARACTERS "+-*/<>=~!@#%^&|`?"

/* A dotted name, and the tokens before it */
typedef struct SeenName
{
	StringInfoData text;		/* parts, unquoted */
	int			last;			/* offset of its last part */
	int			parts;
	bool		is_cast;
} SeenName;

/* Results of a scan */
typedef struct Seen
{
	List	   *names;			/* char *: schema and name */
	List	   *types;			/* char *: types that values are given */
	bool		untyped;		/* there is a literal whose type the server
								 * determines */
	bool		literal;		/* there is a literal */
	bool		within;			/* literals may be statements, too, as in a DO
								 * block */
} Seen;

typedef struct ScanArg
{
	const char *sql;
	Seen	   *seen;
} ScanArg;

static void scan_literal(const char *literal, Seen *seen);

/*
 * Adds a name that has ended, by the token that follows; an array type's own
 * name counts as its element type with []
 */
static void
add_name(Seen *seen, const SeenName *name, int token, const char *keyword)
{
	bool		is_array = token == '[' || (keyword && strcmp(keyword, "array") == 0);
	const char *last = name->text.data + name->last;
	const char *dot = strchr(name->text.data, '.');
	const char *second = dot ? strchr(dot + 1, '.') : NULL;

	if (name->parts < 2)
		return;
	seen->names = lappend(seen->names, second ? pnstrdup(name->text.data, second - name->text.data) : pstrdup(name->text.data));
	if (!(name->is_cast || token == '(' || code_is_literal(token)))
		return;
	seen->types = lappend(seen->types, psprintf("%s%s", name->text.data, is_array ? "[]" : ""));
	if (last[0] == '_')
		seen->types = lappend(seen->types, psprintf("%.*s%s[]", name->last, name->text.data, last + 1));
}

static void
append_part(SeenName *name, const char *part)
{
	for (; *part; part++)
	{
		if (*part != '"')
			appendStringInfoChar(&name->text, *part);
	}
	name->parts++;
}

/* Begins the next name, after one that has been added */
static void
begin_name(SeenName *name, bool is_cast)
{
	resetStringInfo(&name->text);
	name->last = name->parts = 0;
	name->is_cast = is_cast;
}

/*
 * Adds the names in a statement, the types that it gives to values (by ::,
 * CAST, a name before a literal, or a name called like a function), and whether
 * it has an untyped literal.  All names in a script are qualified.
 */
static void
scan(const char *sql, Seen *seen)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		location;
	uint16	   *codes = palloc(sizeof(uint16) * ScanKeywords.num_keywords);
	SeenName	name = {0};
	bool		after_dot = false;
	bool		after_cast = false;
	bool		after_literal = false;	/* after a literal without a type
										 * before it */
	int			token;

	for (int i = 0; i < ScanKeywords.num_keywords; i++)
		codes[i] = TOKEN_KEYWORD;
	initStringInfo(&name.text);
	scanner = scanner_init(sql, &extra, &ScanKeywords, codes);
	SG_SCANNER_QUIET(extra);
	for (;;)
	{
		const char *word;
		bool		is_as;

		token = core_yylex(&value, &location, scanner);
		word = token == TOKEN_KEYWORD ? value.keyword : token == TOKEN_IDENT ? value.str : NULL;
		is_as = token == TOKEN_KEYWORD && strcmp(word, "as") == 0;
		if (after_literal && token != TOKEN_TYPECAST && !is_as)
			seen->untyped = true;
		seen->literal = seen->literal || code_is_literal(token);
		after_literal = code_is_literal(token) && name.parts < 2;
		if (seen->within && code_is_literal(token))
			scan_literal(value.str, seen);
		if (token == '.' && name.parts > 0)
		{
			after_dot = true;
			continue;
		}
		if (after_dot)
		{
			appendStringInfoChar(&name.text, '.');
			name.last = name.text.len;
			if (!word)
				append_part(&name, pnstrdup(sql + location, strspn(sql + location, OPERATOR_CHARACTERS)));
		}
		if (!word || !after_dot)
		{
			add_name(seen, &name, token, token == TOKEN_KEYWORD ? word : NULL);
			begin_name(&name, after_cast);
		}
		if (word)
			append_part(&name, word);
		after_dot = false;
		after_cast = token == TOKEN_TYPECAST || is_as;
		if (token == TOKEN_END)
			break;
	}
	scanner_finish(scanner);
}

static void
scan_entered(void *arg)
{
	scan(((ScanArg *) arg)->sql, ((ScanArg *) arg)->seen);
}

/*
 * Adds the names in a block's literal, as far as it consists of tokens; raises
 * 54001 if literals are nested too deeply
 */
static void
scan_literal(const char *literal, Seen *seen)
{
	ScanArg		arg = {literal, seen};
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *error;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	error = sg_try(scan_entered, &arg);
	MemoryContextSwitchTo(context);
	if (error)
	{
		sg_rethrow_cancel(error);
		/* deeper literals may have names, which nobody would see */
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
			ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
			ReThrowError(error);
	}
}

/* Returns whether an ALTER TABLE analyses an expression */
static bool
commands_analyse(const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (cmd->def && (cmd->subtype == AT_ColumnDefault || IsA(cmd->def, Constraint) || IsA(cmd->def, ColumnDef) || IsA(cmd->def, PartitionCmd)))
			return true;
	}
	return false;
}

static bool
function_analyses(const CreateFunctionStmt *statement)
{
	foreach_ptr(const FunctionParameter, parameter, statement->parameters)
	{
		if (parameter->defexpr)
			return true;
	}
	return statement->sql_body != NULL;
}

/*
 * Returns whether a statement's literals are read as values of types that the
 * server determines, rather than as texts, numbers and options
 */
static bool
analyses(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return commands_analyse((AlterTableStmt *) statement);
		case T_CreateFunctionStmt:
			return function_analyses((CreateFunctionStmt *) statement);
		case T_CreateTrigStmt:
			return ((CreateTrigStmt *) statement)->whenClause != NULL;
		case T_AlterDomainStmt:
		case T_AlterPolicyStmt:
		case T_CreateDomainStmt:
		case T_CreatePolicyStmt:
		case T_CreateStatsStmt:
		case T_CreateStmt:
		case T_CreateTableAsStmt:
		case T_IndexStmt:
		case T_RuleStmt:
		case T_ViewStmt:
			return true;
		default:
			return false;
	}
}

/* Adds the code that DO blocks among the statements would run */
static void
scan_blocks(List *parsed, Seen *seen)
{
	seen->within = true;
	foreach_ptr(const RawStmt, raw, parsed)
	{
		if (!IsA(raw->stmt, DoStmt))
			continue;
		foreach_ptr(const DefElem, option, ((DoStmt *) raw->stmt)->args)
		{
			if (strcmp(option->defname, "as") == 0)
				scan_literal(strVal(option->arg), seen);
		}
	}
}

/* ---- objects of names in this database ---- */

/* Code that a script runs, by the role that runs it */
typedef struct Running
{
	CodeReach  *caller;			/* code that runs as the script's caller */
	CodeReach  *owner;			/* code that runs as a table's owner, as in
								 * index builds */
} Running;

static void
reach_check(CodeReach *reach, const Constraint *constraint)
{
	code_reach_raw(reach, constraint->raw_expr);
}

/* Adds the expressions that an index, or a constraint's index, computes, and its WHERE */
static void
reach_index(CodeReach *reach, List *elements, Node *condition)
{
	foreach_ptr(const IndexElem, element, elements)
	{
		code_reach_raw(reach, element->expr);
	}
	code_reach_raw(reach, condition);
}

static void
reach_constraint(const Running *running, const Constraint *constraint)
{
	List	   *elements = NIL;

	foreach_ptr(List, exclusion, constraint->exclusions)
	{
		elements = lappend(elements, linitial(exclusion));
	}
	reach_check(running->caller, constraint);
	reach_index(running->owner, elements, constraint->where_clause);
}

/* Adds the values in a partition's bound, which are computed when it is parsed */
static void
reach_bound(CodeReach *reach, const PartitionBoundSpec *bound)
{
	if (bound)
		code_reach_raw(reach, (Node *) list_concat(list_concat_copy(bound->listdatums, bound->lowerdatums), bound->upperdatums));
}

/*
 * Adds the expressions that a new table computes.  Its partition key is planned
 * when the table is created, and computed for the rows of each partition that
 * is attached; checks and defaults are only analysed.
 */
static void
reach_table(const Running *running, const CreateStmt *statement)
{
	foreach_ptr(const PartitionElem, element, statement->partspec ? statement->partspec->partParams : NIL)
	{
		code_reach_raw(running->caller, element->expr);
	}
	reach_bound(running->caller, statement->partbound);
	foreach_ptr(const Node, element, statement->tableElts)
	{
		if (IsA(element, Constraint) && ((const Constraint *) element)->contype == CONSTR_EXCLUSION)
			reach_constraint(running, (const Constraint *) element);
	}
}

/* Adds the expressions that a column computes when it is added, or changes its type */
static void
reach_column(CodeReach *reach, const ColumnDef *column)
{
	code_reach_raw(reach, (Node *) column->typeName);
	code_reach_raw(reach, column->raw_default);
	foreach_ptr(const Constraint, constraint, column->constraints)
	{
		reach_check(reach, constraint);
	}
}

static void
reach_commands(const Running *running, const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (cmd->def == NULL)
			continue;
		if (IsA(cmd->def, Constraint))
			reach_constraint(running, (Constraint *) cmd->def);
		else if (IsA(cmd->def, ColumnDef))
			reach_column(running->caller, (ColumnDef *) cmd->def);
		else if (IsA(cmd->def, PartitionCmd))
			reach_bound(running->caller, ((PartitionCmd *) cmd->def)->bound);
		else if (sg_sets_expression(cmd->subtype))
			code_reach_raw(running->caller, cmd->def);
	}
}

/* Adds the expressions that a statement computes, for existing rows or when it is planned */
static void
reach_computed(Node *statement, const Running *running)
{
	switch (nodeTag(statement))
	{
		case T_AlterDomainStmt:
			if (((AlterDomainStmt *) statement)->def && IsA(((AlterDomainStmt *) statement)->def, Constraint))
				reach_check(running->caller, (Constraint *) ((AlterDomainStmt *) statement)->def);
			break;
		case T_AlterTableStmt:
			reach_commands(running, (AlterTableStmt *) statement);
			break;
		case T_CreateStatsStmt:
			foreach_ptr(const StatsElem, element, ((CreateStatsStmt *) statement)->exprs)
			{
				code_reach_raw(running->owner, element->expr);
			}
			break;
		case T_CreateStmt:
			reach_table(running, (CreateStmt *) statement);
			break;
		case T_IndexStmt:
			reach_index(running->owner, ((IndexStmt *) statement)->indexParams, ((IndexStmt *) statement)->whereClause);
			break;
		default:
			break;
	}
}

/* Sets a result column to the role whose code is reached, or leaves it NULL */
static void
set_stranger(CodeReach *reach, Datum *value, bool *isnull)
{
	Oid			stranger = code_stranger(reach);

	*isnull = !OidIsValid(stranger);
	if (OidIsValid(stranger))
		*value = CStringGetTextDatum(quote_identifier(sg_role_name(stranger)));
}

/*
 * schemaguard.sg_sync_seen(statement text, here boolean, OUT names text[], OUT
 * types text[], OUT untyped boolean, OUT reader text, OUT runner text, OUT
 * builder text)
 *
 * Returns the qualified, unquoted names in a statement, the names of types that
 * it gives to values, and whether it has a literal whose type the server
 * determines.  With `here`, for a script for this database, also the role whose
 * code would read its literals, the role whose code its expressions would run,
 * and the role whose code its indexes and statistics would run, which the
 * server computes as the table's owner; NULL: superusers only.  All NULL if it
 * can't be parsed.
 */
static Datum
sg_sync_seen_entered(PG_FUNCTION_ARGS)
{
	char	   *sql = sg_arg_text(fcinfo, 0);
	char	   *problem;
	List	   *parsed;
	Seen		seen = {0};
	bool		analysed = false;
	TupleDesc	desc;
	Datum		values[6] = {0};
	bool		nulls[6] = {false};
	CodeReach  *reads = code_reach();
	Running		running = {code_reach(), code_reach()};
	SgScope		scope;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "function that returns a record was called in a context that takes none");
	sg_caller_begin(&scope);
	sg_scope_pin_source();
	parsed = sync_parse_text(sql, RAW_PARSE_DEFAULT, &problem);
	if (problem == NULL)
	{
		scan(sql, &seen);
		scan_blocks(parsed, &seen);
	}
	foreach_ptr(const RawStmt, raw, parsed)
	{
		bool		is_analysed = analyses(raw->stmt);

		analysed = analysed || is_analysed;
		if (!PG_GETARG_BOOL(1))
			continue;
		if (is_analysed && seen.literal)
			change_reach_expressions(raw->stmt, reads);
		reach_computed(raw->stmt, &running);
	}
	for (int i = 0; i < 3; i++)
		nulls[i] = problem != NULL;
	set_stranger(reads, &values[3], &nulls[3]);
	set_stranger(running.caller, &values[4], &nulls[4]);
	set_stranger(running.owner, &values[5], &nulls[5]);
	sg_scope_end(&scope);
	if (problem == NULL)
	{
		values[0] = sg_text_array(seen.names);
		values[1] = sg_text_array(seen.types);
		values[2] = BoolGetDatum(seen.untyped && analysed);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
