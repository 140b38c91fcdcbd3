/*-------------------------------------------------------------------------
 *
 * check_query.c
 *	  Rows that statements of a plan, and fills with subqueries, would write.
 *
 *	  INSERT, UPDATE and DELETE are turned into a query that returns the rows
 *	  as they would be written, with defaults, conversions and generated
 *	  columns; these rows are checked against the table's rules.  That
 *	  computes the statement's values, and writes nothing.  Values of volatile
 *	  expressions, such as those of a sequence, are not computed, nor are
 *	  rules about them checked.  A rule that can't be judged is a warning that
 *	  names it.
 *
 *	  The query runs as the caller, if the caller is the plan's author, and
 *	  not at all if it could run code of others: change_ask().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check_written.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"

/* ---- the query ---- */

/* Returns whether an assignment refuses too long elements, which a cast truncates */
static bool
refuses_length(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && list_length(((FuncExpr *) node)->args) == 3 && ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST)
	{
		const Const *cuts = llast(((FuncExpr *) node)->args);

		return IsA(cuts, Const) && cuts->consttype == BOOLOID && !DatumGetBool(cuts->constvalue);
	}
	return expression_tree_walker(node, refuses_length, context);
}

/*
 * Returns an array's conversion by its text, in which the input function of the
 * elements refuses too long ones
 */
static Node *
by_text(const ArrayCoerceExpr *coerce)
{
	Node	   *element = (Node *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(get_element_type(coerce->resulttype)), false, true);
	Node	   *typmod = (Node *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(coerce->resulttypmod), false, true);
	Node	   *text = (Node *) makeFuncExpr(F_ARRAY_OUT, CSTRINGOID, list_make1(coerce->arg), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	CoerceViaIO *to_text = makeNode(CoerceViaIO);
	CoerceViaIO *back = makeNode(CoerceViaIO);

	to_text->arg = (Expr *) makeFuncExpr(F_ARRAY_IN, ANYARRAYOID, list_make3(text, element, typmod), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	to_text->resulttype = TEXTOID;
	to_text->resultcollid = DEFAULT_COLLATION_OID;
	to_text->coerceformat = COERCE_EXPLICIT_CAST;
	to_text->location = -1;
	back->arg = (Expr *) to_text;
	back->resulttype = coerce->resulttype;
	back->resultcollid = coerce->resultcollid;
	back->coerceformat = COERCE_EXPLICIT_CAST;
	back->location = -1;
	return (Node *) back;
}

/* Makes each conversion explicit, so that the printed expression has it, and removes FOR UPDATE */
static Node *
show_conversions(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		Query	   *query = query_tree_mutator((Query *) node, show_conversions, context, 0);

		/* the query locks nothing */
		query->rowMarks = NIL;
		query->hasForUpdate = false;
		return (Node *) query;
	}
	if (IsA(node, ArrayCoerceExpr) && refuses_length((Node *) ((ArrayCoerceExpr *) node)->elemexpr, NULL))
		return expression_tree_mutator(by_text((ArrayCoerceExpr *) node), show_conversions, context);
	node = expression_tree_mutator(node, show_conversions, context);
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST)
		((FuncExpr *) node)->funcformat = COERCE_EXPLICIT_CALL;
	else if (IsA(node, RelabelType))
		((RelabelType *) node)->relabelformat = COERCE_EXPLICIT_CAST;
	else if (IsA(node, CoerceViaIO))
		((CoerceViaIO *) node)->coerceformat = COERCE_EXPLICIT_CAST;
	else if (IsA(node, ArrayCoerceExpr))
		((ArrayCoerceExpr *) node)->coerceformat = COERCE_EXPLICIT_CAST;
	else if (IsA(node, CoerceToDomain))
		((CoerceToDomain *) node)->coercionformat = COERCE_EXPLICIT_CAST;
	return node;
}

/* Analyses and rewrites the statement as its look does; returns its one query, or NULL */
static Query *
read_query(const Written *w)
{
	Node	   *raw = linitial_node(RawStmt, raw_parser(w->given, RAW_PARSE_DEFAULT))->stmt;
	MemoryContext context = CurrentMemoryContext;
	CodeReach  *reach = code_reach();
	List	   *queries = NIL;
	SgScope		caller;
	SgScope		scope;
	SPIPlanPtr	plan;

	sg_caller_begin(&caller);
	code_reach_raw(reach, raw);
	code_analysis_begin(&scope, reach, code_table_owner(w->table), "statement");
	SPI_connect();
	plan = code_prepare(reach, w->given);
	foreach_ptr(CachedPlanSource, source, SPI_plan_get_plan_sources(plan))
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		queries = list_concat(queries, copyObject(source->query_list));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	sg_scope_end(&caller);
	return list_length(queries) == 1 ? linitial_node(Query, queries) : NULL;
}

/* Returns whether a volatile expression always returns a value of the column's type */
static bool
is_sure_value(Node *expression)
{
	Node	   *bare = strip_implicit_coercions(expression);

	return IsA(bare, NextValueExpr) ||
		(IsA(bare, FuncExpr) && (((FuncExpr *) bare)->funcid == F_NEXTVAL || ((FuncExpr *) bare)->funcid == F_GEN_RANDOM_UUID ||
								 ((FuncExpr *) bare)->funcid == F_CLOCK_TIMESTAMP));
}

/* Records that nextval() of one sequence gives a column its values */
static void
remember_sequence(Written *w, Node *expression, const char *column)
{
	Node	   *bare = strip_implicit_coercions(expression);
	WrittenSequence *by = palloc0(sizeof(WrittenSequence));

	if (IsA(bare, NextValueExpr))
		by->sequence = ((NextValueExpr *) bare)->seqid;
	else if (IsA(bare, FuncExpr) && ((FuncExpr *) bare)->funcid == F_NEXTVAL && IsA(linitial(((FuncExpr *) bare)->args), Const))
		by->sequence = DatumGetObjectId(linitial_node(Const, ((FuncExpr *) bare)->args)->constvalue);
	by->column = pstrdup(column);
	if (OidIsValid(by->sequence))
		w->given_by = lappend(w->given_by, by);
}

/* Returns the value that the statement gives a column, or NULL if it leaves the column alone */
static Expr *
given_value(Written *w, const FormData_pg_attribute *column)
{
	foreach_ptr(const TargetEntry, entry, w->event == CMD_DELETE ? NIL : w->query->targetList)
	{
		if (entry->resno == column->attnum && !entry->resjunk)
			return entry->expr;
	}
	return w->event == CMD_INSERT ? (Expr *) makeNullConst(column->atttypid, column->atttypmod, column->attcollation) : NULL;
}

/* Returns the value of a column in the rows, or NULL if it is not computed */
static Expr *
value_of(Written *w, const FormData_pg_attribute *column)
{
	Node	   *value = (Node *) given_value(w, column);
	char	   *name = pstrdup(NameStr(column->attname));

	if (value == NULL)
		return (Expr *) makeVar(w->query->resultRelation, column->attnum, column->atttypid, column->atttypmod, column->attcollation, 0);
	w->set = lappend(w->set, name);
	if (!written_is_volatile(value))
		return (Expr *) value;
	remember_sequence(w, value, name);
	w->unknown = lappend(w->unknown, name);
	if (!is_sure_value(value))
		written_not_asked(w, psprintf("column %s, %s", quote_identifier(name), contain_volatile_functions(value) ? "which gets another value each time" :
									  "whose domain calls a volatile function"));
	return (Expr *) makeNullConst(getBaseType(column->atttypid), -1, column->attcollation);
}

static void
add_target(List **targets, Expr *expr, const char *name)
{
	*targets = lappend(*targets, makeTargetEntry(expr, list_length(*targets) + 1, pstrdup(name), false));
}

/* Returns the query for the rows, as text; sets the known columns */
static char *
rows_query(Written *w, const FormData_pg_attribute *columns, int n)
{
	Query	   *query = w->query;
	List	   *targets = NIL;

	for (int i = 0; i < n; i++)
	{
		if (!columns[i].attgenerated)
			add_target(&targets, value_of(w, &columns[i]), NameStr(columns[i].attname));
	}
	for (int i = 0; i < n && w->event == CMD_UPDATE; i++)
	{
		if (written_needs_old(w, NameStr(columns[i].attname)))
			add_target(&targets, (Expr *) makeVar(query->resultRelation, columns[i].attnum, columns[i].atttypid, columns[i].atttypmod, columns[i].attcollation, 0),
					   psprintf("~old%d", columns[i].attnum));
	}
	if (w->event != CMD_INSERT)
	{
		add_target(&targets, (Expr *) makeVar(query->resultRelation, SelfItemPointerAttributeNumber, TIDOID, -1, InvalidOid, 0), "~place");
		add_target(&targets, (Expr *) makeVar(query->resultRelation, TableOidAttributeNumber, OIDOID, -1, InvalidOid, 0), "~table");
	}
	query->commandType = CMD_SELECT;
	query->resultRelation = 0;
	query->returningList = NIL;
	query->onConflict = NULL;
	query->withCheckOptions = NIL;
	query->targetList = targets;
	foreach_ptr(const RangeTblRef, ref, query->jointree->fromlist)
	{
		if (IsA(ref, RangeTblRef))
			rt_fetch(ref->rtindex, query->rtable)->inFromCl = true;
	}
	return pg_get_querydef((Query *) show_conversions((Node *) query, NULL), false);
}

/* ---- asking ---- */

static void
read_counts(void *arg)
{
	Written    *w = arg;
	bool		isnull;

	/*
	 * read-only until the subtransaction ends, so that STABLE functions'
	 * calls write nothing, and use no sequence
	 */
	XactReadOnly = true;
	if (SPI_execute(w->sql, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "rows of a statement could not be counted");
	w->rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	for (int i = 0; i < list_length(w->rules); i++)
		w->counts[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 2, &isnull));
	if (OidIsValid(w->type))
		w->bytes = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, list_length(w->rules) + 2, &isnull));
}

static void
ask_counts(Written *w, const char *rows)
{
	ChangeMove	move = {.action = "check"};
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.count(*)");
	foreach_ptr(const WrittenRule, rule, w->rules)
	{
		appendStringInfo(&sql, ", %s", rule->count);
	}
	if (OidIsValid(w->type))
		appendStringInfoString(&sql, ", coalesce(pg_catalog.sum(pg_catalog.pg_column_size(\"~n\".v)), 0)");
	appendStringInfo(&sql, " FROM (%s) AS \"~n\"", rows);
	w->sql = sql.data;
	w->counts = palloc0(sizeof(int64) * (list_length(w->rules) + 1));
	change_ask(w->sql, &move, read_counts, w);
	if (move.kind == MOVE_PROBLEM)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", move.problem->reason)));
}

/* Limit of the computed rows in a sample; OFFSET 0 keeps a subquery from being computed twice */
#define LIMIT_OF(w) ((w)->check->verify == CHECK_READ_FULL && !(w)->sample ? "OFFSET 0" : "LIMIT 100000")

/* Returns whether the columns of an expression are computed */
static bool
is_known(const Written *w, Node *expression)
{
	foreach_ptr(const Var, var, pull_var_clause(expression, 0))
	{
		if (var->varattno <= 0 || sg_has_name(w->unknown, sg_column_name(w->table, var->varattno)))
			return w->unknown == NIL;
	}
	return true;
}

/* Returns the query with generated columns, and rules about all columns, added */
static char *
rows_with_rules(Written *w)
{
	Relation	rel = sg_relation_open(w->table, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	FormData_pg_attribute *columns = palloc(sizeof(FormData_pg_attribute) * (desc->natts + 1));
	int			n = 0;
	StringInfoData given;
	List	   *generated = NIL;	/* those that are not computed */
	List	   *all = NIL;
	char	   *rows;
	SgScope		scope;

	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			columns[n++] = *TupleDescAttr(desc, i);
	}
	table_close(rel, NoLock);
	change_text_begin(&scope);
	rows = rows_query(w, columns, n);
	initStringInfo(&given);
	for (int i = 0; i < n; i++)
	{
		char	   *name = NameStr(columns[i].attname);

		if (columns[i].attgenerated && (w->event == CMD_DELETE || !is_known(w, sg_column_default(w->table, columns[i].attnum))))
			generated = lappend(generated, name);
		else if (columns[i].attgenerated)
		{
			appendStringInfo(&given, ", %s AS %s", change_deparse(w->table, sg_column_default(w->table, columns[i].attnum)), quote_identifier(name));
			w->set = lappend(w->set, name);
		}
		if (sg_has_name(w->set, name) && !sg_has_name(w->unknown, name) && !sg_has_name(generated, name))
			all = lappend(all, psprintf("\"~n\".%s", quote_identifier(name)));
		if (list_length(all) == FUNC_MAX_ARGS || i == n - 1)
		{
			written_add_computed(w, all);
			all = NIL;
		}
	}
	w->unknown = list_concat(w->unknown, generated);
	sg_scope_end(&scope);
	return psprintf("SELECT \"~r\".*%s FROM (%s) AS \"~r\" %s", given.data, rows, LIMIT_OF(w));
}

/* Returns whether the tree has a node that only the statement itself can have, but no query */
static bool
has_assignment(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FieldStore) || IsA(node, SetToDefault) || IsA(node, CurrentOfExpr) || (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_MULTIEXPR) ||
		(IsA(node, SubscriptingRef) && ((SubscriptingRef *) node)->refassgnexpr))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_assignment, context, 0);
	return expression_tree_walker(node, has_assignment, context);
}

static bool
can_be_asked(const Query *query)
{
	char		relkind;

	if (query == NULL || query->hasModifyingCTE ||
		(query->commandType != CMD_INSERT && query->commandType != CMD_UPDATE && query->commandType != CMD_DELETE))
		return false;
	relkind = get_rel_relkind(rt_fetch(query->resultRelation, query->rtable)->relid);
	return (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) && !has_assignment((Node *) query, NULL);
}

static void
ask_statement(void *arg)
{
	Written    *w = arg;
	Query	   *query = read_query(w);
	bool		asks_unique = true;
	char	   *rows;

	if (!can_be_asked(query))
	{
		written_not_asked(w, pstrdup("all rules of the table"));
		return;
	}
	w->query = query;
	w->event = query->commandType;
	w->table = rt_fetch(query->resultRelation, query->rtable)->relid;
	w->below = w->event == CMD_INSERT ? get_rel_relkind(w->table) == RELKIND_PARTITIONED_TABLE :
		rt_fetch(query->resultRelation, query->rtable)->inh && sg_has_subclass(w->table);
	w->joins = w->event == CMD_UPDATE && list_length(query->jointree->fromlist) > 1;
	if (query->withCheckOptions)
		written_not_asked(w, pstrdup("policies and WITH CHECK OPTION"));
	if (query->onConflict)
	{
		asks_unique = false;
		w->conflicts = true;
		if (query->onConflict->action == ONCONFLICT_UPDATE || query->onConflict->arbiterElems)
			written_not_asked(w, pstrdup("ON CONFLICT"));
	}
	rows = rows_with_rules(w);
	if (written_is_volatile((Node *) query))
	{
		w->rules = NIL;
		written_not_asked(w, pstrdup("all rules of the table, since it calls a volatile function"));
		return;
	}
	written_find_places(w);
	written_add_rules(w, asks_unique);
	ask_counts(w, rows);
}

/* Asks the one value that a fill's query returns, with the type of a column; and the rows */
static void
ask_fill(void *arg)
{
	Written    *w = arg;
	Query	   *query = read_query(w);
	TargetEntry *value = query ? linitial_node(TargetEntry, query->targetList) : NULL;
	SgScope		scope;
	Node	   *converted;
	char	   *rows;
	int64		n;

	if (value == NULL || written_is_volatile((Node *) query))
	{
		written_not_asked(w, pstrdup("what the fill gives, since it calls a volatile function"));
		return;
	}
	converted = coerce_to_target_type(NULL, (Node *) value->expr, exprType((Node *) value->expr), w->type, w->typmod,
									  COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (converted == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("the fill is of type %s, and the column of type %s", format_type_be(exprType((Node *) value->expr)), format_type_be(w->type))));
	value->expr = (Expr *) converted;
	value->resname = pstrdup("v");
	change_text_begin(&scope);
	rows = psprintf("SELECT * FROM (%s) AS \"~r\" %s", pg_get_querydef((Query *) show_conversions((Node *) query, NULL), false), LIMIT_OF(w));
	sg_scope_end(&scope);
	written_add(w, pstrdup("\"~n\".v IS NULL"), pstrdup("would get a null"), CHECK_WARN);
	ask_counts(w, rows);
	n = w->rows - w->counts[0];
	w->cs->fill_width = n > 0 ? (double) w->bytes / n : 1;
}

/* Asks the rows of a materialized view's query, to see that each can be computed */
static void
ask_refreshed(void *arg)
{
	Written    *w = arg;
	SgScope		scope;
	char	   *query;

	change_text_begin(&scope);
	query = sg_definition(pg_get_viewdef, w->table);
	sg_scope_end(&scope);
	if (query[strlen(query) - 1] == ';')
		query[strlen(query) - 1] = '\0';
	written_add_computed(w, list_make1(pstrdup("\"~n\"")));
	ask_counts(w, psprintf("SELECT * FROM (%s) AS \"~r\" %s", query, LIMIT_OF(w)));
}

/* ---- rows of the check ---- */

/* Returns whether an error is about the rows, rather than about asking the query */
static bool
is_of_rows(int sqlerrcode)
{
	int			class = ERRCODE_TO_CATEGORY(sqlerrcode);

	return class == ERRCODE_DATA_EXCEPTION || class == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION || sqlerrcode == ERRCODE_CARDINALITY_VIOLATION ||
		sqlerrcode == ERRCODE_CANNOT_COERCE || sqlerrcode == ERRCODE_GENERATED_ALWAYS;
}

static void
say_counts(const Written *w, const char *name, const char *unless)
{
	bool		broken = false;
	int			i = 0;

	foreach_ptr(const WrittenRule, rule, w->rules)
	{
		int64		count = w->counts[i++];

		broken |= count > 0;
		if (count > 0)
			check_row(w->cs, name, unless[0] ? CHECK_WARN : rule->result,
					  psprintf(INT64_FORMAT " of " INT64_FORMAT " %s %s%s", count, w->rows, w->rows == 1 ? "row" : "rows", rule->breaks,
							   rule->unless ? rule->unless : unless), NULL);
	}
	if (!broken)
		check_row(w->cs, name, CHECK_OK, psprintf("computed " INT64_FORMAT " %s: none is in the way", w->rows, w->rows == 1 ? "row" : "rows"), NULL);
}

/*
 * Returns an earlier step that could change the outcome, or NULL: a statement,
 * whatever comes before one, else a step about the same table or its partitions,
 * or about the parent of a key
 */
static const PlanStep *
may_change(const Written *w)
{
	List	   *tables = list_concat_copy(sg_all_inheritors(w->table), sg_partition_ancestors(w->table));

	foreach_ptr(const CheckStep, other, w->check->steps)
	{
		const PlanStep *step = other->step;

		if (other == w->cs)
			return NULL;
		if (plan_step_is_ahead(step) &&
			(w->cs->step->kind == STEP_STATEMENT || step->kind == STEP_STATEMENT || sg_same_text(step->child_table, w->cs->step->parent_table) ||
			 list_member_oid(tables, sg_find_qualified(step->child_table))))
			return step;
	}
	return NULL;
}

/* Returns the end of a sentence with the earlier step or trigger that could change the outcome, or "" */
static const char *
unless_text(const Written *w, bool first)
{
	const PlanStep *before = may_change(w);

	if (!first)
		return ", unless a statement before it changes that";
	if (before)
		return psprintf(", unless step %d changes that", before->step);
	return written_fires(w, false) ? ", unless a trigger changes that" : "";
}

static void
say_error(const Written *w, const char *name, const ErrorData *edata, const char *unless)
{
	if (is_of_rows(edata->sqlerrcode))
		check_row(w->cs, name, unless[0] ? CHECK_WARN : CHECK_BLOCK, psprintf("the rows can't be computed: %s%s", sg_error_message(edata), unless), NULL);
	else
		check_row(w->cs, name, CHECK_WARN, psprintf("the rows that it writes could not be looked at: %s", sg_error_message(edata)), NULL);
}

/* Asks, and reports the outcome */
static void
run_asking(Written *w, void (*fn) (void *arg), const char *name, bool first)
{
	ErrorData  *edata;

	if (w->check->verify == CHECK_READ_NONE)
	{
		check_row(w->cs, name, CHECK_OK, pstrdup("rows were not computed"),
				  psprintf(sg_calls("To compute them:\nSELECT * FROM sg_plan_check(%s, verify => 'full');"), quote_literal_cstr(w->cs->plan)));
		return;
	}

	/*
	 * not for others' plans, whose author could learn from the query facts
	 * that only the caller may read
	 */
	if (plan_step_holds_sql(w->cs->step) && !check_is_authors(w->check))
	{
		check_row(w->cs, name, CHECK_WARN, psprintf("rows were not computed: the SQL is role %s's", quote_identifier(w->check->plan->author)),
				  psprintf("Read it, or have that role check the plan:\n%s", plan_sql_call(w->cs->plan)));
		return;
	}
	edata = sg_try_undo(fn, w);
	if (edata)
	{
		sg_rethrow_cancel(edata);
		if (sg_is_race(edata))
			ReThrowError(edata);
		say_error(w, name, edata, unless_text(w, first));
		return;
	}
	if (w->rules)
		say_counts(w, name, unless_text(w, first));
	if (w->unasked)
		check_row(w->cs, name, CHECK_WARN, psprintf("not looked at: %s", check_list(w->unasked)), NULL);
}

void
check_query_rows(PlanCheck *check, CheckStep *cs, Oid table, const char *statement, bool first, bool last)
{
	Written		w = {.check = check,.cs = cs,.given = statement,.table = table,.last = last};

	run_asking(&w, ask_statement, "rows", first);
}

void
check_refreshed(PlanCheck *check, CheckStep *cs, Oid view, bool first)
{
	Written		w = {.check = check,.cs = cs,.table = view};

	run_asking(&w, ask_refreshed, "rows", first);
}

void
check_set_rows(PlanCheck *check, CheckStep *cs, Oid table, const char *statement)
{
	Written		w = {.check = check,.cs = cs,.given = statement,.table = table,.last = true,.stays = cs->step->kind != STEP_FOREIGN_KEY};

	run_asking(&w, ask_statement, "set", true);
}

void
check_fill_query(PlanCheck *check, CheckStep *cs, Oid table, const char *where, Oid type, int32 typmod)
{
	Written		w = {.check = check,.cs = cs,.table = table,.type = type,.typmod = typmod};

	w.given = psprintf("SELECT (%s\n) FROM %s WHERE %s", cs->step->fill, sg_relation_name(table), where);
	run_asking(&w, ask_fill, "fill", true);
}

void
check_fill_size(PlanCheck *check, CheckStep *cs, Oid table, Oid type, int32 typmod)
{
	Written		w = {.check = check,.cs = cs,.table = table,.type = type,.typmod = typmod,.sample = true};
	ErrorData  *edata;

	if (check->verify == CHECK_READ_NONE || !check_is_authors(check))
		return;
	w.given = psprintf("SELECT (%s\n) FROM %s", cs->step->fill, sg_relation_name(table));
	edata = sg_try_undo(ask_fill, &w);
	if (edata)
		sg_rethrow_cancel(edata);
}
