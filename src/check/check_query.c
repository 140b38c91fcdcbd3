/*-------------------------------------------------------------------------
 *
 * check_query.c
 *	  Rows that statements of a plan, and fills with subqueries, would write.
 *
 * INSERT, UPDATE and DELETE are turned into a query that gives the rows as they
 * would be written, with defaults, conversions and generated columns; and the
 * rules of the table are asked of these.  That computes what the statement
 * would compute, and writes nothing.  A value that a volatile expression gives,
 * such as that of a sequence, is not computed; rules about it are not asked.
 *
 * A rule that can't be judged so is a warning that names it.  The query runs as the
 * caller, if he is the plan's author, and not at all where it could run code of others: change_ask().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
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
#include "check/check.h"
#include "plan/plan_call.h"

/* Partitions beyond which nobody looks whether each row has one */
#define MOST_PARTITIONS 200

/* A rule of the table, with the number of computed rows that break it */
typedef struct WrittenRule
{
	char	   *count;			/* an aggregate over "~n" */
	char	   *breaks;			/* said of the rows that it counts */
	CheckResult result;
} WrittenRule;

typedef struct Written
{
	PlanCheck  *check;
	CheckStep  *cs;
	const char *given;			/* the statement, or a query */
	Oid			table;
	Oid			type;			/* of the one value that a fill gives, or
								 * InvalidOid */
	int32		typmod;

	Query	   *query;
	CmdType		event;
	bool		joins;			/* more than one table, or a row several times */
	List	   *set;			/* of char *: columns that get another value */
	List	   *unknown;		/* of char *: columns whose value is not
								 * computed */
	List	   *rules;			/* of WrittenRule * */
	List	   *unasked;		/* of char *: rules that were not asked */
	char	   *sql;
	int64		rows;			/* that were computed */
	int64	   *counts;
} Written;

/* ---- the query ---- */

/* Makes each conversion one that is seen when the expression is printed */
static Node *
show_conversions(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, show_conversions, context, 0);
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

/* Analyses and rewrites the statement as its look does; its one query, or NULL */
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

static void
not_asked(Written *w, char *what)
{
	w->unasked = lappend(w->unasked, what);
}

/* Is a volatile expression one that always gives a value of the column's type? */
static bool
is_sure_value(Node *expression)
{
	Node	   *bare = strip_implicit_coercions(expression);

	return IsA(bare, NextValueExpr) ||
		(IsA(bare, FuncExpr) && (((FuncExpr *) bare)->funcid == F_NEXTVAL || ((FuncExpr *) bare)->funcid == F_GEN_RANDOM_UUID ||
								 ((FuncExpr *) bare)->funcid == F_CLOCK_TIMESTAMP));
}

/* Returns the value that the statement gives a column */
static Expr *
value_of(Written *w, const FormData_pg_attribute *column)
{
	foreach_ptr(const TargetEntry, entry, w->event == CMD_DELETE ? NIL : w->query->targetList)
	{
		if (entry->resno == column->attnum && !entry->resjunk)
		{
			w->set = lappend(w->set, pstrdup(NameStr(column->attname)));
			if (!contain_volatile_functions((Node *) entry->expr))
				return entry->expr;
			w->unknown = lappend(w->unknown, pstrdup(NameStr(column->attname)));
			if (!is_sure_value((Node *) entry->expr))
				not_asked(w, psprintf("column %s, which gets another value each time", quote_identifier(NameStr(column->attname))));
			return (Expr *) makeNullConst(column->atttypid, column->atttypmod, column->attcollation);
		}
	}
	if (w->event == CMD_INSERT)
	{
		w->set = lappend(w->set, pstrdup(NameStr(column->attname)));
		return (Expr *) makeNullConst(column->atttypid, column->atttypmod, column->attcollation);
	}
	return (Expr *) makeVar(w->query->resultRelation, column->attnum, column->atttypid, column->atttypmod, column->attcollation, 0);
}

static void
add_target(List **targets, Expr *expr, const char *name)
{
	*targets = lappend(*targets, makeTargetEntry(expr, list_length(*targets) + 1, pstrdup(name), false));
}

/* The query that gives the rows, as text; sets what is known of the columns */
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
	if (w->event == CMD_UPDATE)
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

/* ---- the rules ---- */

static void
add_count(Written *w, char *count, char *breaks, CheckResult result)
{
	WrittenRule *rule = palloc0(sizeof(WrittenRule));

	rule->count = count;
	rule->breaks = breaks;
	rule->result = result;
	w->rules = lappend(w->rules, rule);
}

static void
add_condition(Written *w, char *broken, char *breaks, CheckResult result)
{
	add_count(w, psprintf("pg_catalog.count(*) FILTER (WHERE %s)", broken), breaks, result);
}

/* Are some of these columns set, and is each computed? */
static bool
is_set(const Written *w, List *names)
{
	foreach_ptr(const char, name, names)
	{
		if (sg_has_name(w->set, name))
			return true;
	}
	return false;
}

static bool
is_known(const Written *w, List *names)
{
	foreach_ptr(const char, name, names)
	{
		if (sg_has_name(w->unknown, name))
			return false;
	}
	return true;
}

/* Are the types of the columns such that the "=" of pg_catalog is the one of each index and key? */
static bool
is_plain(Oid table, List *names)
{
	foreach_ptr(const char, name, names)
	{
		Oid			type = get_atttype(table, get_attnum(table, name));

		if (type >= FirstNormalObjectId || get_typtype(type) != TYPTYPE_BASE || OidIsValid(get_element_type(type)))
			return false;
	}
	return true;
}

static List *
names_of(Oid table, const AttrNumber *attnums, int n)
{
	List	   *names = NIL;

	for (int i = 0; i < n; i++)
		names = lappend(names, sg_column_name(table, attnums[i]));
	return names;
}

/* "~n"."a", "~n"."b" */
static char *
new_columns(List *names)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const char, name, names)
	{
		appendStringInfo(&text, "%s\"~n\".%s", text.len ? ", " : "", quote_identifier(name));
	}
	return text.data;
}

/* EXISTS: is there a row of a table whose columns equal those of a new one? */
static char *
equal_row(Oid table, List *theirs, List *ours, const char *more)
{
	StringInfoData text;
	ListCell   *lc;
	ListCell   *other;

	initStringInfo(&text);
	appendStringInfo(&text, "EXISTS (SELECT 1 FROM %s AS \"~o\" WHERE %s", sg_relation_name(table), more);
	forboth(lc, theirs, other, ours)
	{
		appendStringInfo(&text, " AND \"~o\".%s OPERATOR(pg_catalog.=) \"~n\".%s", quote_identifier(lfirst(lc)), quote_identifier(lfirst(other)));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

static char *
no_nulls(List *names)
{
	return psprintf("pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.=) 0", new_columns(names));
}

/* Asks for equal keys among the new rows, and in those that are there */
static void
add_unique(Written *w, Oid index, const FormData_pg_index *form, bool plain)
{
	List	   *names = NIL;
	char	   *label = psprintf("unique index %s", quote_identifier(sg_rel_name(index)));

	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] == InvalidAttrNumber)
			plain = false;
		else
			names = lappend(names, sg_column_name(w->table, form->indkey.values[i]));
	}
	if (plain && (!is_set(w, names) || !is_known(w, names)))
		return;
	if (!plain || !is_plain(w->table, names))
	{
		not_asked(w, label);
		return;
	}
	add_count(w, psprintf("pg_catalog.count(*) FILTER (WHERE %s) - pg_catalog.count(DISTINCT %s(%s)) FILTER (WHERE %s)",
						  no_nulls(names), list_length(names) > 1 ? "ROW" : "", new_columns(names), no_nulls(names)),
			  psprintf("have keys that come twice: %s", label), w->joins ? CHECK_WARN : CHECK_BLOCK);
	if (w->event == CMD_INSERT)
		add_condition(w, equal_row(w->table, names, names, "true"), psprintf("have keys that are there already: %s", label), CHECK_BLOCK);
	else
		add_condition(w, equal_row(w->table, names, names, "(\"~o\".ctid, \"~o\".tableoid) IS DISTINCT FROM (\"~n\".\"~place\", \"~n\".\"~table\")"),
					  psprintf("have keys that other rows have now: %s", label), CHECK_WARN);
}

static void
add_indexes(Written *w, bool asks_unique)
{
	foreach_oid(index, fk_table_indexes(w->table))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_index) GETSTRUCT(tuple);
		if (form->indisexclusion)
			not_asked(w, psprintf("exclusion constraint %s", quote_identifier(sg_rel_name(index))));
		else if (form->indisunique && asks_unique)
			add_unique(w, index, form, heap_attisnull(tuple, Anum_pg_index_indpred, NULL));
		ReleaseSysCache(tuple);
	}
}

/* Asks the CHECKs of the table */
static void
add_checks(Written *w)
{
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, w->table, NULL);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		bool		isnull;
		Datum		keys;
		char	   *label = psprintf("CHECK %s", quote_identifier(NameStr(form->conname)));
		ArrayType  *array;
		List	   *names;

		if (form->contype != CONSTRAINT_CHECK || !SG_CON_ENFORCED(form))
			continue;
		keys = heap_getattr(tuple, Anum_pg_constraint_conkey, RelationGetDescr(scan.rel), &isnull);
		array = isnull ? NULL : DatumGetArrayTypeP(keys);
		names = isnull ? NIL : names_of(w->table, (AttrNumber *) ARR_DATA_PTR(array), ARR_DIMS(array)[0]);
		/* a whole row has no name here */
		if (names == NIL || !is_known(w, names))
			not_asked(w, label);
		else
			add_condition(w, psprintf("NOT (%s)", change_condition(tuple)), psprintf("break %s", label), CHECK_BLOCK);
	}
	sg_catalog_end(&scan);
}

/* Asks for parents of the new rows, and for rows that refer to those that go */
static void
add_keys(Written *w)
{
	List	   *ours = lcons_oid(w->table, sg_partition_ancestors(w->table));

	foreach_ptr(const FkKey, key, w->check->declared)
	{
		bool		refers = list_member_oid(ours, key->child);
		bool		is_parent = list_member_oid(ours, key->parent);
		char	   *label = psprintf("foreign key %s of %s", quote_identifier(key->name), sg_relation_name(key->child));
		List	   *child;
		List	   *parent;
		bool		plain;

		if (!key->enforced || !(refers || is_parent) || !OidIsValid(key->parent))
			continue;
		child = names_of(key->child, key->child_att, key->nkeys);
		parent = names_of(key->parent, key->parent_att, key->nkeys);
		plain = is_plain(key->child, child) && is_plain(key->parent, parent) && key->match == FKCONSTR_MATCH_SIMPLE && !key->period;
		if (refers && w->event != CMD_DELETE && is_set(w, child))
		{
			if (!plain || !is_known(w, child))
				not_asked(w, label);
			else
				add_condition(w, psprintf("%s AND NOT %s", no_nulls(child), equal_row(key->parent, parent, child, "true")),
							  psprintf("have no parent by %s", label), is_parent ? CHECK_WARN : CHECK_BLOCK);
		}
		if (is_parent && w->event == CMD_UPDATE && is_set(w, parent))
			not_asked(w, label);
		if (is_parent && w->event == CMD_DELETE && (key->on_delete == FKCONSTR_ACTION_NOACTION || key->on_delete == FKCONSTR_ACTION_RESTRICT))
		{
			if (!plain)
				not_asked(w, label);
			else
				add_condition(w, equal_row(key->child, child, parent, "true"), psprintf("are referred to by %s", label), CHECK_WARN);
		}
	}
}

/* Returns the condition that rows of a partition fulfil, as text, or NULL */
static char *
bound_of(Oid table)
{
	Datum		bound;
	SgScope		scope;
	char	   *condition;

	change_text_begin(&scope);
	condition = sg_ask(pg_get_partition_constraintdef, table, &bound) ? TextDatumGetCString(bound) : NULL;

	sg_scope_end(&scope);
	return condition;
}

/* Asks whether each row has its partition, or belongs to this one */
static void
add_partitions(Written *w)
{
	List	   *parts = sg_children(w->table);
	char	   *own = sg_partition_ancestors(w->table) ? bound_of(w->table) : NULL;
	StringInfoData fits;

	if (own && !w->unknown)
		add_condition(w, psprintf("NOT coalesce(%s, false)", own), pstrdup("do not belong to the partition"), CHECK_BLOCK);
	if (get_rel_relkind(w->table) != RELKIND_PARTITIONED_TABLE || OidIsValid(get_default_partition_oid(w->table)))
		return;
	if (list_length(parts) > MOST_PARTITIONS || w->unknown)
	{
		not_asked(w, pstrdup("partitions of the rows"));
		return;
	}
	initStringInfo(&fits);
	foreach_oid(part, parts)
	{
		char	   *bound = bound_of(part);

		appendStringInfo(&fits, " OR coalesce(%s, false)", bound ? bound : "true");
	}
	add_condition(w, psprintf("NOT (false%s)", fits.data), pstrdup("have no partition"), CHECK_BLOCK);
}

/* Has the table a trigger that may change a row before it is written? */
static bool
changes_rows(Oid table)
{
	SgCatalog	scan;
	HeapTuple	tuple;
	bool		found = false;

	sg_catalog_begin(&scan, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while (!found && (tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		found = !form->tgisinternal && form->tgenabled != TRIGGER_DISABLED && TRIGGER_FOR_BEFORE(form->tgtype);
	}
	sg_catalog_end(&scan);
	return found;
}

/* ---- asking ---- */

static void
read_counts(void *arg)
{
	Written    *w = arg;
	bool		isnull;

	if (SPI_execute(w->sql, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "rows of a statement could not be counted");
	w->rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	for (int i = 0; i < list_length(w->rules); i++)
		w->counts[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 2, &isnull));
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
	appendStringInfo(&sql, " FROM (%s) AS \"~n\"", rows);
	w->sql = sql.data;
	w->counts = palloc0(sizeof(int64) * (list_length(w->rules) + 1));
	change_ask(w->sql, &move, read_counts, w);
	if (move.kind == MOVE_PROBLEM)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", move.problem->reason)));
}

/* No more rows than a sample has; and a subquery that is computed once */
#define LIMIT_OF(w) ((w)->check->verify == CHECK_READ_FULL ? "OFFSET 0" : "LIMIT 100000")

/* Has each of these values computed, by a condition that no row fulfils */
static void
add_computed(Written *w, List *names)
{
	if (names)
		add_condition(w, psprintf("pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.<) 0", new_columns(names)), pstrdup(""), CHECK_OK);
}

/* Adds generated columns to what the query gives, and rules about all of them */
static char *
rows_with_rules(Written *w)
{
	Relation	rel = sg_relation_open(w->table, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	FormData_pg_attribute *columns = palloc(sizeof(FormData_pg_attribute) * (desc->natts + 1));
	int			n = 0;
	StringInfoData given;
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

		if (columns[i].attgenerated && (w->unknown || w->event == CMD_DELETE))
			w->unknown = lappend(w->unknown, name);
		else if (columns[i].attgenerated)
		{
			appendStringInfo(&given, ", %s AS %s", change_deparse(w->table, sg_column_default(w->table, columns[i].attnum)), quote_identifier(name));
			w->set = lappend(w->set, name);
		}
		if (sg_has_name(w->set, name) && !sg_has_name(w->unknown, name))
			all = lappend(all, name);
		if (columns[i].attnotnull && w->event != CMD_DELETE && !sg_has_name(w->unknown, name))
			add_condition(w, psprintf("pg_catalog.num_nulls(\"~n\".%s) OPERATOR(pg_catalog.=) 1", quote_identifier(name)),
						  psprintf("have no value in column %s", quote_identifier(name)), CHECK_BLOCK);
		if (list_length(all) == FUNC_MAX_ARGS || i == n - 1)
		{
			add_computed(w, all);
			all = NIL;
		}
	}
	sg_scope_end(&scope);
	return psprintf("SELECT \"~r\".*%s FROM (%s) AS \"~r\" %s", given.data, rows, LIMIT_OF(w));
}

/* Is there something that only the statement itself can have, and no query? */
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
		not_asked(w, pstrdup("all rules of the table"));
		return;
	}
	w->query = query;
	w->event = query->commandType;
	w->table = rt_fetch(query->resultRelation, query->rtable)->relid;
	w->joins = w->event == CMD_UPDATE && list_length(query->jointree->fromlist) > 1;
	if (query->withCheckOptions)
		not_asked(w, pstrdup("policies and WITH CHECK OPTION"));
	if (query->onConflict)
	{
		asks_unique = false;
		if (query->onConflict->action == ONCONFLICT_UPDATE || query->onConflict->arbiterElems)
			not_asked(w, pstrdup("ON CONFLICT"));
	}
	rows = rows_with_rules(w);
	if (contain_volatile_functions((Node *) query))
	{
		w->rules = NIL;
		not_asked(w, pstrdup("all rules of the table, since it calls a volatile function"));
		return;
	}
	if (w->event != CMD_DELETE)
	{
		add_checks(w);
		add_indexes(w, asks_unique);
		add_partitions(w);
	}
	add_keys(w);
	ask_counts(w, rows);
}

/* The one value that a query gives, with the type of a column; and the rows */
static void
ask_fill(void *arg)
{
	Written    *w = arg;
	Query	   *query = read_query(w);
	TargetEntry *value = query ? linitial_node(TargetEntry, query->targetList) : NULL;
	SgScope		scope;
	Node	   *converted;
	char	   *rows;

	if (value == NULL || contain_volatile_functions((Node *) query))
	{
		not_asked(w, pstrdup("what the fill gives, since it calls a volatile function"));
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
	add_condition(w, pstrdup("\"~n\".v IS NULL"), pstrdup("would get a null"), CHECK_WARN);
	ask_counts(w, rows);
}

/* ---- what is said ---- */

/* Does an error say what the rows do, rather than that the query could not be asked? */
static bool
is_of_rows(int sqlerrcode)
{
	int			class = ERRCODE_TO_CATEGORY(sqlerrcode);

	return class == ERRCODE_DATA_EXCEPTION || class == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION || sqlerrcode == ERRCODE_CARDINALITY_VIOLATION ||
		sqlerrcode == ERRCODE_CANNOT_COERCE;
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
					  psprintf(INT64_FORMAT " of " INT64_FORMAT " %s %s%s", count, w->rows, w->rows == 1 ? "row" : "rows", rule->breaks, unless), NULL);
	}
	if (!broken)
		check_row(w->cs, name, CHECK_OK, psprintf("computed " INT64_FORMAT " %s: none is in the way", w->rows, w->rows == 1 ? "row" : "rows"), NULL);
}

/* Names the earlier step or trigger that could change the outcome, as the end of a sentence, or "" */
static const char *
unless_text(const Written *w, bool first)
{
	const PlanStep *before = check_step_before(w->check, w->cs);

	if (!first)
		return ", unless a statement before it changes that";
	if (before)
		return psprintf(", unless step %d changes that", before->step);
	return changes_rows(w->table) ? ", unless a trigger changes that" : "";
}

static void
say_error(const Written *w, const char *name, const ErrorData *edata, const char *unless)
{
	if (is_of_rows(edata->sqlerrcode))
		check_row(w->cs, name, unless[0] ? CHECK_WARN : CHECK_BLOCK, psprintf("the rows can't be computed: %s%s", sg_error_message(edata), unless), NULL);
	else
		check_row(w->cs, name, CHECK_WARN, psprintf("the rows that it writes could not be looked at: %s", sg_error_message(edata)), NULL);
}

/* Asks, and says what came of it */
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
	 * its author could learn what only the caller may read, by what the query
	 * does
	 */
	if (!check_is_authors(w->check))
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
check_query_rows(PlanCheck *check, CheckStep *cs, Oid table, const char *statement, bool first)
{
	Written		w = {.check = check,.cs = cs,.given = statement,.table = table};

	run_asking(&w, ask_statement, "rows", first);
}

void
check_fill_query(PlanCheck *check, CheckStep *cs, Oid table, const char *where, Oid type, int32 typmod)
{
	Written		w = {.check = check,.cs = cs,.table = table,.type = type,.typmod = typmod};

	w.given = psprintf("SELECT (%s\n) FROM %s WHERE %s", cs->step->fill, sg_relation_name(table), where);
	run_asking(&w, ask_fill, "fill", true);
}
