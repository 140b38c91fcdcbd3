/*-------------------------------------------------------------------------
 *
 * plan_index_form.c
 *	  Comparison of definitions of indexes.
 *
 *	  A user's definition and the catalog's are both parsed, and normalised:
 *	  names of columns, operator classes and collations as OIDs, defaults
 *	  filled in, expressions as the server prints them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/amapi.h"
#include "access/reloptions.h"
#include "catalog/pg_index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_tablespace_d.h"
#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "parser/parse_target.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/hold.h"
#include "base/quote.h"
#include "base/scope.h"
#include "fk/fk.h"
#include "plan/plan_index.h"

/* Prefixes of a definition, with which no list of columns begins */
#define PLAIN_WORD "INDEX "
#define UNIQUE_WORD "UNIQUE INDEX "

char *
plan_index_definition(bool unique, const char *rest)
{
	return psprintf("%s%s", unique ? UNIQUE_WORD : PLAIN_WORD, rest);
}

char *
plan_index_written(const char *text)
{
	static const char word[] = "unique";
	static const char spaces[] = " \t\n\r\f\v";
	const char *rest = text +strspn(text, spaces);

	if (pg_strncasecmp(rest, word, strlen(word)) != 0)
		return plan_index_definition(false, text);
	rest += strlen(word);
	return plan_index_definition(true, rest + strspn(rest, spaces));
}

bool
plan_index_is_definition(const char *text)
{
	return strncmp(text, PLAIN_WORD, strlen(PLAIN_WORD)) == 0 ||
		strncmp(text, UNIQUE_WORD, strlen(UNIQUE_WORD)) == 0;
}

char *
plan_index_statement(const char *definition, const char *name, const char *table, bool concurrently)
{
	bool		unique = strncmp(definition, UNIQUE_WORD, strlen(UNIQUE_WORD)) == 0;

	return psprintf("CREATE %sINDEX %s%s ON %s %s", unique ? "UNIQUE " : "", concurrently ? "CONCURRENTLY " : "",
					quote_identifier(name), table, definition + strlen(unique ? UNIQUE_WORD : PLAIN_WORD));
}

IndexStmt *
plan_index_parse(const char *definition)
{
	List	   *statements = raw_parser(plan_index_statement(definition, "i", "t", false), RAW_PARSE_DEFAULT);

	return castNode(IndexStmt, linitial_node(RawStmt, statements)->stmt);
}

/* Joins the parts as PostgreSQL's ChooseIndexNameAddition() does */
char *
plan_index_name_part(const char *definition)
{
	IndexStmt  *stmt = plan_index_parse(definition);
	List	   *names = NIL;
	StringInfoData part;

	initStringInfo(&part);
	foreach_ptr(IndexElem, element, list_concat_copy(stmt->indexParams, stmt->indexIncludingParams))
	{
		const char *wanted = element->name ? element->name : FigureIndexColname(element->expr);
		char	   *name = pstrdup(wanted ? wanted : "expr");

		for (int n = 1; sg_has_name(names, name); n++)
			name = psprintf("%s%d", wanted ? wanted : "expr", n);
		names = lappend(names, name);
		appendStringInfo(&part, "%s%s", part.len ? "_" : "", name);
	}
	return part.data;
}

List *
plan_index_columns(const char *definition, bool *unique, bool *plain, bool *nulls_equal)
{
	IndexStmt  *stmt = plan_index_parse(definition);
	List	   *names = NIL;

	foreach_ptr(IndexElem, element, stmt->indexParams)
	{
		if (element->name)
			names = lappend(names, element->name);
	}
	*unique = stmt->unique;
	*plain = stmt->whereClause == NULL && list_length(names) == list_length(stmt->indexParams);
	*nulls_equal = stmt->nulls_not_distinct;
	return names;
}

/* ---- the form ---- */

typedef struct FormArg
{
	Oid			table;
	const char *statement;
	CodeReach  *reach;			/* code that the index could run; NULL: not
								 * requested */
	IndexStmt  *form;
} FormArg;

static Node *
oid_node(Oid oid)
{
	return (Node *) makeString(psprintf("%u", oid));
}

/* Returns an expression, analysed with names of pg_catalog and the table */
static Node *
analyse(const FormArg *arg, Node *raw, ParseExprKind kind)
{
	CodeExpression expression = {.relid = arg->table,.raw = raw,.kind = kind,
	.condition = kind == EXPR_KIND_INDEX_PREDICATE ? "WHERE" : NULL};
	Node	   *cooked = code_analyse(&expression);

	if (contain_mutable_functions(cooked))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in an index must be marked IMMUTABLE"),
				 errhint("What depends on the time, on settings or on other rows can't be indexed.")));
	if (arg->reach)
		code_reach_expression(arg->reach, cooked, code_table_owner(arg->table));
	return cooked;
}

/* Returns an expression as text that is the same under any settings */
static Node *
text_node(const FormArg *arg, Node *cooked)
{
	char	   *name = sg_rel_name(arg->table);
	SgScope		scope;
	char	   *text;

	sg_caller_begin(&scope);
	sg_scope_pin_texts();
	text = deparse_expression(cooked, deparse_context_for(name, arg->table), false, false);

	sg_scope_end(&scope);
	return (Node *) makeString(text);
}

/*
 * Normalises a column by its name, which the parser may have taken for an
 * expression, and sets its type and collation
 */
static void
settle_value(const FormArg *arg, IndexElem *element, Oid *type, Oid *collation)
{
	int32		typmod;
	AttrNumber	attnum;
	Node	   *cooked;

	if (element->expr)
	{
		cooked = analyse(arg, element->expr, EXPR_KIND_INDEX_EXPRESSION);
		*type = exprType(cooked);
		*collation = exprCollation(cooked);
		while (IsA(cooked, CollateExpr))
			cooked = (Node *) ((CollateExpr *) cooked)->arg;
		element->expr = NULL;
		if (IsA(cooked, Var) && ((Var *) cooked)->varattno > 0)
			element->name = sg_column_name(arg->table, ((Var *) cooked)->varattno);
		else
			element->expr = text_node(arg, cooked);
		return;
	}
	attnum = get_attnum(arg->table, element->name);
	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column %s does not exist", quote_identifier(element->name))));
	get_atttypetypmodcoll(arg->table, attnum, type, &typmod, collation);
}

static void
settle_options(List *options)
{
	foreach_ptr(DefElem, option, options)
	{
		option->arg = (Node *) makeString(option->arg ? defGetString(option) : pstrdup("true"));
	}
}

static void
settle_element(const FormArg *arg, IndexElem *element)
{
	Oid			method = get_index_am_oid(arg->form->accessMethod, false);
	bool		down = element->ordering == SORTBY_DESC;
	Oid			type;
	Oid			collation;
	Oid			opclass;

	settle_value(arg, element, &type, &collation);
	if (element->collation)
		collation = get_collation_oid(element->collation, false);
	opclass = ResolveOpClass(element->opclass, type, arg->form->accessMethod, method);
	if (arg->reach)
		code_reach_opclass(arg->reach, opclass);
	element->collation = list_make1(oid_node(collation));
	element->opclass = list_make1(oid_node(opclass));
	settle_options(element->opclassopts);
	element->indexcolname = NULL;
	if (element->ordering == SORTBY_DEFAULT)
		element->ordering = SORTBY_ASC;
	if (element->nulls_ordering == SORTBY_NULLS_DEFAULT)
		element->nulls_ordering = down ? SORTBY_NULLS_FIRST : SORTBY_NULLS_LAST;
}

/*
 * Raises the server's errors about the access method: it can't be unique, have
 * several columns or an order, or has no such option
 */
static void
check_method(const IndexStmt *form)
{
	const IndexAmRoutine *am = GetIndexAmRoutineByAmId(get_index_am_oid(form->accessMethod, false), false);
	const char *lacks = form->unique && !am->amcanunique ? "unique indexes" :
		list_length(form->indexParams) > 1 && !am->amcanmulticol ? "multicolumn indexes" :
		form->indexIncludingParams && !am->amcaninclude ? "included columns" : NULL;

	foreach_ptr(const IndexElem, element, form->indexParams)
	{
		if (!am->amcanorder && (element->ordering != SORTBY_DEFAULT || element->nulls_ordering != SORTBY_NULLS_DEFAULT))
			lacks = "an order of their entries";
	}
	if (lacks)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("indexes of access method %s do not support %s", form->accessMethod, lacks)));
	(void) index_reloptions(am->amoptions, transformRelOptions((Datum) 0, form->options, NULL, NULL, false, false), true);
}

/* Raises the server's errors about a named tablespace */
static void
check_tablespace(const FormArg *arg)
{
	const char *name = arg->form->tableSpace;
	Oid			tablespace = name ? get_tablespace_oid(name, true) : InvalidOid;

	if (name && !OidIsValid(tablespace))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("tablespace \"%s\" does not exist", name),
				 errhint("Make the tablespace, or name another one.")));
	if (tablespace == GLOBALTABLESPACE_OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("only shared relations can be placed in pg_global tablespace")));
	if (name && tablespace == MyDatabaseTableSpace && get_rel_relkind(arg->table) == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot specify default tablespace for partitioned relations"),
				 errhint("Leave TABLESPACE out.")));
}

static void
make_form(void *p)
{
	FormArg    *arg = p;
	IndexStmt  *form = castNode(IndexStmt, linitial_node(RawStmt, raw_parser(arg->statement, RAW_PARSE_DEFAULT))->stmt);
	SgScope		scope;

	sg_caller_begin(&scope);
	arg->form = form;
	form->idxname = NULL;
	form->relation = NULL;
	form->concurrent = false;
	check_method(form);
	check_tablespace(arg);
	foreach_ptr(IndexElem, element, form->indexParams)
	{
		settle_element(arg, element);
	}
	foreach_ptr(IndexElem, element, form->indexIncludingParams)
	{
		Oid			type;
		Oid			collation;

		settle_value(arg, element, &type, &collation);
	}
	if (form->whereClause)
		form->whereClause = text_node(arg, analyse(arg, form->whereClause, EXPR_KIND_INDEX_PREDICATE));
	settle_options(form->options);
	sg_scope_end(&scope);
}

ErrorData *
plan_index_try(Oid table, const char *definition, CodeReach *reach)
{
	FormArg		arg = {.table = table,.reach = reach};
	ErrorData  *edata;

	arg.statement = plan_index_statement(definition, "i", "t", false);
	edata = sg_try_undo(make_form, &arg);
	if (edata)
		sg_rethrow_cancel(edata);
	return edata;
}

/* ---- literals ---- */

static bool
has_expressions(const IndexStmt *statement)
{
	foreach_ptr(const IndexElem, element, statement->indexParams)
	{
		if (element->expr)
			return true;
	}
	return statement->whereClause != NULL;
}

static List *
expressions_of(const IndexStmt *statement)
{
	List	   *expressions = statement->whereClause ? list_make1(statement->whereClause) : NIL;

	foreach_ptr(const IndexElem, element, statement->indexParams)
	{
		if (element->expr)
			expressions = lappend(expressions, element->expr);
	}
	return expressions;
}

/* Returns whether there is a literal whose type is resolved or given; numbers and booleans have theirs */
static bool
has_literal(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, A_Const))
		return IsA(&((A_Const *) node)->val, String) || IsA(&((A_Const *) node)->val, BitString);
	return raw_expression_tree_walker(node, has_literal, context);
}

typedef struct Columns
{
	CodeReach  *reach;
	Oid			relid;
} Columns;

/*
 * Adds the types of the named columns, beside which literals stand; of all
 * columns, if the whole row may be named
 */
static bool
visit_columns(Node *node, void *context)
{
	const Columns *columns = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *last = llast(((ColumnRef *) node)->fields);
		AttrNumber	column = IsA(last, String) ? get_attnum(columns->relid, strVal(last)) : InvalidAttrNumber;

		if (column != InvalidAttrNumber && list_length(((ColumnRef *) node)->fields) == 1)
			code_reach_literal_type(columns->reach, get_atttype(columns->relid, column));
		else
			code_reach_column_types(columns->reach, columns->relid);
	}
	return raw_expression_tree_walker(node, visit_columns, context);
}

void
plan_index_literals(const IndexStmt *statement, CodeReach *reach)
{
	Columns		columns = {.reach = reach};
	List	   *expressions = expressions_of(statement);

	if (!has_literal((Node *) expressions, NULL))
		return;
	columns.relid = statement->relation ? RangeVarGetRelid(statement->relation, NoLock, true) : InvalidOid;
	if (OidIsValid(columns.relid))
		(void) visit_columns((Node *) expressions, &columns);
	code_reach_literals(reach, (Node *) expressions);
}

/*
 * The server analyses CREATE INDEX as the role that runs it, though it computes
 * the index as the table's owner.
 */
const char *
plan_index_refusal(const char *statement)
{
	IndexStmt  *parsed = castNode(IndexStmt, linitial_node(RawStmt, raw_parser(statement, RAW_PARSE_DEFAULT))->stmt);
	CodeReach  *reach = code_reach();
	SgScope		scope;
	bool		refused;

	sg_caller_begin(&scope);
	plan_index_literals(parsed, reach);
	refused = code_is_others(reach) || code_has_domains(reach);
	sg_scope_end(&scope);
	return refused ? "a literal in it is read by code of another role, which would run as the caller" : NULL;
}

char *
plan_index_code_refusal(const char *statement, Oid owner)
{
	IndexStmt  *parsed = castNode(IndexStmt, linitial_node(RawStmt, raw_parser(statement, RAW_PARSE_DEFAULT))->stmt);
	CodeReach  *reach = code_reach();
	SgScope		scope;

	sg_caller_begin(&scope);
	code_reach_raw(reach, (Node *) expressions_of(parsed));
	sg_scope_end(&scope);
	return code_refusal(reach, owner);
}

static void
hold_names(void *arg)
{
	const char *statement = arg;
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(statement, RAW_PARSE_DEFAULT));
	IndexStmt  *index = (IndexStmt *) raw->stmt;
	Oid			relid;
	const char *reason;

	if (!IsA(index, IndexStmt) || !has_expressions(index))
		return;
	relid = RangeVarGetRelid(index->relation, index->concurrent ? ShareUpdateExclusiveLock : ShareLock, true);
	if (!OidIsValid(relid))
		return;
	sg_hold_schema(get_rel_namespace(relid));
	reason = plan_index_refusal(statement);
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("no index is built: %s", reason)));
}

void
plan_index_hold(const char *statement)
{
	code_with_holds(hold_names, unconstify(char *, statement));
}

/* Returns the normalised statement, or NULL if it is invalid for the table's present state */
static IndexStmt *
form_of(Oid table, const char *statement)
{
	FormArg		arg = {.table = table,.statement = statement};
	ErrorData  *edata = sg_try_undo(make_form, &arg);

	if (edata)
		sg_rethrow_cancel(edata);
	return edata ? NULL : arg.form;
}

/* Returns an index of the catalog, printed and read again under the same settings */
static IndexStmt *
form_of_index(Oid index, Oid table)
{
	SgScope		scope;
	IndexStmt  *form;

	sg_caller_begin(&scope);
	sg_scope_pin_texts();
	form = form_of(table, sg_definition(pg_get_indexdef, index));
	sg_scope_end(&scope);
	return form;
}

/* Returns whether the index is in the wanted tablespace, or none is wanted */
static bool
is_in_place(Oid index, const char *wanted)
{
	Oid			tablespace = get_rel_tablespace(index);

	return wanted == NULL ||
		(OidIsValid(tablespace) ? tablespace : MyDatabaseTableSpace) == get_tablespace_oid(wanted, true);
}

static bool
is_of_form(Oid index, Oid table, const IndexStmt *wanted)
{
	IndexStmt  *its = form_of_index(index, table);

	if (its == NULL || !is_in_place(index, wanted->tableSpace))
		return false;
	/* the server's text of an index has no tablespace */
	its->tableSpace = wanted->tableSpace;
	return equal(its, wanted);
}

bool
plan_index_is_defined(Oid index, Oid table, const char *definition)
{
	IndexStmt  *wanted = form_of(table, plan_index_statement(definition, "i", "t", false));

	return wanted && is_of_form(index, table, wanted);
}

bool
plan_index_is_moved(Oid index, Oid table, const char *definition)
{
	IndexStmt  *wanted = form_of(table, plan_index_statement(definition, "i", "t", false));

	if (wanted == NULL || is_in_place(index, wanted->tableSpace))
		return false;
	wanted->tableSpace = NULL;
	return is_of_form(index, table, wanted);
}

Oid
plan_index_like(Oid table, const char *definition, const char *name, bool constraints, bool inherited)
{
	IndexStmt  *wanted = form_of(table, plan_index_statement(definition, "i", "t", false));

	foreach_oid(index, wanted ? fk_table_indexes(table) : NIL)
	{
		if (!get_index_isvalid(index) || (!inherited && has_superclass(index)) ||
			(name && !sg_same_text(get_rel_name(index), name)) ||
			(!constraints && OidIsValid(get_index_constraint(index))))
			continue;
		if (is_of_form(index, table, wanted))
			return index;
	}
	return InvalidOid;
}
