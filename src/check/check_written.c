/*-------------------------------------------------------------------------
 *
 * check_written.c
 *	  Rules that rows meet when a statement of a plan writes them.
 *
 *	  Places are the table and the tables below it, each with the rules that
 *	  it does not have from above: CHECK, NOT NULL, indexes, foreign keys,
 *	  bounds.  Each rule is an aggregate that counts the rows which break it,
 *	  among those that go to its place.  Volatile code is not run: such a rule
 *	  is listed as not asked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check_written.h"
#include "plan/plan.h"
#include "plan/plan_key.h"

/*
 * Number of partitions beyond which rows are not checked for one, and number of
 * rules that are asked at most
 */
#define MOST_PARTITIONS 200
#define MOST_RULES 1000

/* ---- volatile code ---- */

/* Returns the base type of a domain, which may be another domain */
static Oid
base_of_domain(Oid domain)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	Oid			type = tuple ? ((Form_pg_type) GETSTRUCT(tuple))->typbasetype : InvalidOid;

	if (tuple)
		ReleaseSysCache(tuple);
	return type;
}

static bool
is_volatile(Node *node, void *context)
{
	SgCatalog	checks;
	HeapTuple	tuple;
	Oid			type = InvalidOid;
	bool		found = false;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, is_volatile, context, 0);
	/* a null of a domain has to pass its CHECK as well */
	if (IsA(node, CoerceToDomain) || IsA(node, Const))
		type = exprType(node);
	for (; !found && OidIsValid(type) && get_typtype(type) == TYPTYPE_DOMAIN; type = base_of_domain(type))
	{
		sg_catalog_begin(&checks, ConstraintRelationId, ConstraintTypidIndexId, Anum_pg_constraint_contypid, type, NULL);
		while (!found && (tuple = sg_catalog_next(&checks)) != NULL)
		{
			bool		isnull;
			Datum		condition = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(checks.rel), &isnull);

			found = !isnull && contain_volatile_functions(stringToNode(TextDatumGetCString(condition)));
		}
		sg_catalog_end(&checks);
	}
	return found || expression_tree_walker(node, is_volatile, context);
}

bool
written_is_volatile(Node *node)
{
	return contain_volatile_functions(node) || is_volatile(node, NULL);
}

/* ---- rules ---- */

void
written_not_asked(Written *w, char *what)
{
	if (!sg_has_name(w->unasked, what))
		w->unasked = lappend(w->unasked, what);
}

static WrittenRule *
add_count(Written *w, char *count, char *breaks, CheckResult result)
{
	WrittenRule *rule = palloc0(sizeof(WrittenRule));

	if (list_length(w->rules) >= MOST_RULES)
	{
		written_not_asked(w, psprintf("more rules than %d", MOST_RULES));
		return rule;
	}
	rule->count = count;
	rule->breaks = breaks;
	rule->result = result;
	w->rules = lappend(w->rules, rule);
	return rule;
}

WrittenRule *
written_add_condition(Written *w, char *broken, char *breaks, CheckResult result)
{
	return add_count(w, psprintf("pg_catalog.count(*) FILTER (WHERE %s)", broken), breaks, result);
}

void
written_add(Written *w, char *broken, char *breaks, CheckResult result)
{
	(void) written_add_condition(w, broken, breaks, result);
}

/* Turns a rule's result into a warning, because something may let the rows pass */
void
written_soften(WrittenRule *rule, char *unless)
{
	rule->result = Min(rule->result, CHECK_WARN);
	rule->unless = unless;
}

/* ---- columns ---- */

/* Returns whether some of these columns are set, and each is computed */
bool
written_is_set(const Written *w, List *names)
{
	foreach_ptr(const char, name, names)
	{
		if (sg_has_name(w->set, name))
			return true;
	}
	return false;
}

bool
written_is_known(const Written *w, List *names)
{
	foreach_ptr(const char, name, names)
	{
		if (sg_has_name(w->unknown, name))
			return false;
	}
	return true;
}

/* Returns whether the "=" of pg_catalog is that of each index and key for the types of the columns */
bool
written_is_plain(Oid table, List *names)
{
	foreach_ptr(const char, name, names)
	{
		Oid			type = get_atttype(table, get_attnum(table, name));

		if (type >= FirstNormalObjectId || get_typtype(type) != TYPTYPE_BASE || OidIsValid(get_element_type(type)))
			return false;
	}
	return true;
}

List *
written_names(Oid table, const AttrNumber *attnums, int n)
{
	List	   *names = NIL;

	for (int i = 0; i < n; i++)
		names = lappend(names, sg_column_name(table, attnums[i]));
	return names;
}

/* Returns "~n"."a", "~n"."b" */
char *
written_columns(List *names)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const char, name, names)
	{
		appendStringInfo(&text, "%s\"~n\".%s", text.len ? ", " : "", quote_identifier(name));
	}
	return text.data;
}

char *
written_no_nulls(List *names)
{
	return psprintf("pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.=) 0", written_columns(names));
}

/* Returns the rows of a table that its keys and unique indexes cover */
static char *
own_rows(Oid table)
{
	return psprintf("%s%s", get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ", sg_relation_name(table));
}

/*
 * Returns EXISTS: a row "other" of a table whose columns equal those of a row,
 * with a further condition
 */
char *
written_equal_row(Oid table, const char *other, List *theirs, const char *row, List *ours, const char *more)
{
	StringInfoData text;
	ListCell   *lc;
	ListCell   *our;

	initStringInfo(&text);
	appendStringInfo(&text, "EXISTS (SELECT 1 FROM %s AS \"%s\" WHERE %s", own_rows(table), other, more);
	forboth(lc, theirs, our, ours)
	{
		appendStringInfo(&text, " AND \"%s\".%s OPERATOR(pg_catalog.=) \"%s\".%s", other, quote_identifier(lfirst(lc)), row, quote_identifier(lfirst(our)));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

/* ---- places ---- */

bool
written_is_partitioned(const Written *w)
{
	return get_rel_relkind(w->table) == RELKIND_PARTITIONED_TABLE;
}

/* Returns whether a table is partitioned by one of these columns */
static bool
go_by(Oid table, List *columns)
{
	Relation	rel = sg_relation_open(table, AccessShareLock);
	bool		found = false;

	foreach_ptr(const char, name, rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? columns : NIL)
	{
		bool		is_expression;

		found |= has_partition_attrs(rel, bms_make_singleton(get_attnum(table, name) - FirstLowInvalidHeapAttributeNumber), &is_expression);
	}
	table_close(rel, NoLock);
	return found;
}

void
written_find_places(Written *w)
{
	bool		by_bound = written_is_partitioned(w) && w->event != CMD_DELETE && !w->stays;
	List	   *tables = w->below ? sg_all_inheritors(w->table) : list_make1_oid(w->table);
	bool		known = true;

	foreach_oid(table, tables)
	{
		if (by_bound)
			known &= !go_by(table, w->unknown);
	}
	foreach_oid(table, tables)
	{
		WrittenPlace *place = palloc0(sizeof(WrittenPlace));

		place->table = table;
		place->known = known || table == w->table;
		if (!by_bound && (table != w->table || (list_length(tables) > 1 && !written_is_partitioned(w))))
			place->goes = psprintf("\"~n\".\"~table\" OPERATOR(pg_catalog.=) %u", table);
		w->places = lappend(w->places, place);
	}
}

/* Returns the condition of a partition's rows, as text, or NULL */
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

/* Prefixes a condition with the condition that a row goes to a place */
char *
written_there(const Written *w, WrittenPlace *place, char *condition)
{
	if (place->goes == NULL && place->table != w->table)
	{
		char	   *bound = bound_of(place->table);

		place->goes = psprintf("coalesce(%s, false)", bound ? bound : "true");
	}
	return place->goes ? psprintf("%s AND (%s)", place->goes, condition) : condition;
}

/* Returns " of its place", or nothing for the table itself */
static char *
of_place(const Written *w, const WrittenPlace *place)
{
	return place->table == w->table ? "" : psprintf(" of %s", sg_relation_name(place->table));
}

/* Returns the place of a table; a partition has the rules of all tables above it; or NULL */
WrittenPlace *
written_place(const Written *w, Oid table)
{
	foreach_ptr(WrittenPlace, place, w->places)
	{
		if (place->table == table)
			return place;
	}
	return list_member_oid(sg_partition_ancestors(w->table), table) ? linitial(w->places) : NULL;
}

/* Asks whether each row, which stays in its partition, belongs there with its new values */
static void
add_bounds(Written *w)
{
	bool		moves = false;
	bool		unknown = false;

	foreach_ptr(WrittenPlace, place, w->places)
	{
		char	   *bound;

		moves |= go_by(place->table, w->set);
		unknown |= go_by(place->table, w->unknown);
		bound = moves && place->table != w->table && get_rel_relkind(place->table) != RELKIND_PARTITIONED_TABLE ? bound_of(place->table) : NULL;
		if (bound && unknown)
			written_not_asked(w, psprintf("bound of %s", sg_relation_name(place->table)));
		else if (bound)
			written_add(w, written_there(w, place, psprintf("NOT coalesce(%s, false)", bound)),
						psprintf("do not belong to %s any more, and are not moved", sg_relation_name(place->table)), CHECK_BLOCK);
	}
}

/* Asks whether each row has its partition, or belongs to this one */
static void
add_partitions(Written *w)
{
	char	   *own = sg_partition_ancestors(w->table) ? bound_of(w->table) : NULL;
	StringInfoData fits;
	int			leaves = 0;
	bool		holds_all = true;

	if (own && w->unknown)
		written_not_asked(w, pstrdup("bound of the partition"));
	else if (own)
		written_add(w, psprintf("NOT coalesce(%s, false)", own), pstrdup("do not belong to the partition"), CHECK_BLOCK);
	if (w->stays)
		add_bounds(w);
	if (w->stays || !written_is_partitioned(w))
		return;
	initStringInfo(&fits);
	foreach_ptr(const WrittenPlace, place, w->places)
	{
		char	   *bound;

		if (get_rel_relkind(place->table) == RELKIND_PARTITIONED_TABLE)
		{
			holds_all &= OidIsValid(get_default_partition_oid(place->table));
			continue;
		}
		if (++leaves > MOST_PARTITIONS)
			break;
		bound = bound_of(place->table);
		appendStringInfo(&fits, " OR coalesce(%s, false)", bound ? bound : "true");
	}
	if (holds_all)
		return;
	if (leaves > MOST_PARTITIONS || !((WrittenPlace *) llast(w->places))->known)
		written_not_asked(w, pstrdup("partitions of the rows"));
	else
		written_add(w, psprintf("NOT (false%s)", fits.data), pstrdup("have no partition"), CHECK_BLOCK);
}

/* ---- NOT NULL and CHECK ---- */

static void
add_not_null(Written *w, WrittenPlace *place)
{
	int			natts = 0;
	FormData_pg_class class;
	FormData_pg_attribute column;

	if (sg_read_class(place->table, &class))
		natts = class.relnatts;
	for (AttrNumber attnum = 1; attnum <= natts; attnum++)
	{
		char	   *name;
		char	   *broken;

		if (!sg_read_column(place->table, attnum, &column) || column.attisdropped || !column.attnotnull)
			continue;
		name = pstrdup(NameStr(column.attname));
		if (sg_has_name(w->unknown, name) ||
			(place->table != w->table && (get_rel_relkind(place->table) == RELKIND_PARTITIONED_TABLE || get_attnum(w->table, name) == InvalidAttrNumber ||
										  sg_column(w->table, get_attnum(w->table, name)).attnotnull)))
			continue;
		broken = psprintf("pg_catalog.num_nulls(\"~n\".%s) OPERATOR(pg_catalog.=) 1", quote_identifier(name));
		if (!place->known)
			written_not_asked(w, psprintf("NOT NULL of %s.%s", sg_relation_name(place->table), quote_identifier(name)));
		else
			written_add(w, place->table == w->table ? broken : written_there(w, place, broken),
						psprintf("have no value in column %s%s", quote_identifier(name), of_place(w, place)), CHECK_BLOCK);
	}
}

/*
 * Returns the columns of a condition, or NIL if it has a whole row or another
 * node without a name among the computed rows
 */
static List *
columns_of(const Written *w, Oid table, Node *condition)
{
	List	   *names = NIL;

	foreach_ptr(const Var, var, pull_var_clause(condition, 0))
	{
		char	   *name = var->varattno > 0 ? sg_column_name(table, var->varattno) : NULL;

		if (name == NULL || get_attnum(w->table, name) == InvalidAttrNumber)
			return NIL;
		names = lappend(names, name);
	}
	return names;
}

static void
add_checks(Written *w, WrittenPlace *place)
{
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, place->table, NULL);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		char	   *label = psprintf("CHECK %s%s", quote_identifier(NameStr(form->conname)), of_place(w, place));
		bool		isnull;
		Datum		bin;
		Node	   *condition;
		List	   *names;

		if (form->contype != CONSTRAINT_CHECK || !SG_CON_ENFORCED(form) || (place->table != w->table && form->coninhcount > 0))
			continue;
		bin = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(scan.rel), &isnull);
		if (isnull)
			continue;
		condition = stringToNode(TextDatumGetCString(bin));
		names = columns_of(w, place->table, condition);
		if (written_is_volatile(condition))
			written_not_asked(w, psprintf("%s, which calls a volatile function", label));
		else if (names == NIL || !written_is_known(w, names) || !place->known)
			written_not_asked(w, label);
		else
		{
			char	   *broken = psprintf("NOT (%s)", change_condition(tuple));

			/*
			 * inheriting tables have the table's CHECK, unless it is NO
			 * INHERIT
			 */
			written_add(w, place->table == w->table && !form->connoinherit ? broken : written_there(w, place, broken), psprintf("break %s", label), CHECK_BLOCK);
		}
	}
	sg_catalog_end(&scan);
}

/* ---- indexes ---- */

/* Counts rows of a table with values that a sequence is about to give to a unique column */
static void
add_sequence(Written *w, Oid index, const char *column, Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	Oid			type = get_atttype(w->table, get_attnum(w->table, column));
	int64		step;
	char	   *next;
	char	   *distance;

	if (!HeapTupleIsValid(tuple))
		return;
	step = ((Form_pg_sequence) GETSTRUCT(tuple))->seqincrement;
	ReleaseSysCache(tuple);
	if (pg_class_aclcheck(sequence, GetUserId(), ACL_SELECT) != ACLCHECK_OK || (type != INT2OID && type != INT4OID && type != INT8OID))
	{
		written_not_asked(w, psprintf("values that %s gives", sg_relation_name(sequence)));
		return;
	}
	next = psprintf("(SELECT last_value OPERATOR(pg_catalog.+) CASE WHEN is_called THEN %lld::pg_catalog.int8 ELSE 0::pg_catalog.int8 END FROM %s)",
					(long long) step, sg_relation_name(sequence));
	distance = psprintf("(\"~o\".%s::pg_catalog.int8 OPERATOR(pg_catalog.-) %s)", quote_identifier(column), next);
	add_count(w, psprintf("(SELECT pg_catalog.count(*) FROM %s AS \"~o\" WHERE %s OPERATOR(pg_catalog./) (%lld)::pg_catalog.int8 OPERATOR(pg_catalog.>=) 0"
						  " AND %s OPERATOR(pg_catalog.%%) (%lld)::pg_catalog.int8 OPERATOR(pg_catalog.=) 0"
						  " AND %s OPERATOR(pg_catalog./) (%lld)::pg_catalog.int8 OPERATOR(pg_catalog.<) pg_catalog.count(\"~n\"))",
						  own_rows(w->table), distance, (long long) step, distance, (long long) step, distance, (long long) step),
			  psprintf("get a value of sequence %s that is there already: unique index %s", sg_relation_name(sequence), quote_identifier(sg_rel_name(index))), CHECK_WARN);
}

/* Asks for equal keys among the new rows, and in the existing ones */
static void
add_unique(Written *w, WrittenPlace *place, Oid index, const FormData_pg_index *form, bool plain)
{
	List	   *names = NIL;
	char	   *label = psprintf("unique index %s%s", quote_identifier(sg_rel_name(index)), of_place(w, place));
	char	   *others = w->event == CMD_INSERT ? "true" : "(\"~o\".ctid, \"~o\".tableoid) IS DISTINCT FROM (\"~n\".\"~place\", \"~n\".\"~table\")";
	char	   *counted;
	char	   *equal;
	WrittenRule *twice;
	WrittenRule *taken;

	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] == InvalidAttrNumber)
			plain = false;
		else
			names = lappend(names, sg_column_name(place->table, form->indkey.values[i]));
	}
	foreach_ptr(const WrittenSequence, by, plain && list_length(names) == 1 && place->table == w->table ? w->given_by : NIL)
	{
		if (strcmp(by->column, linitial(names)) == 0)
			add_sequence(w, index, by->column, by->sequence);
	}

	/*
	 * a row that moves to another partition meets that one's indexes with all
	 * columns
	 */
	if (plain && (!written_is_known(w, names) || (!written_is_set(w, names) && (place->table == w->table || !written_is_partitioned(w)))))
		return;
	if (!plain || !written_is_plain(place->table, names) || !place->known || (form->indnullsnotdistinct && list_length(names) > 1))
	{
		written_not_asked(w, label);
		return;
	}
	counted = written_there(w, place, form->indnullsnotdistinct ? "true" : written_no_nulls(names));
	twice = add_count(w, psprintf("pg_catalog.count(*) FILTER (WHERE %s) OPERATOR(pg_catalog.-) pg_catalog.count(DISTINCT ROW(%s)) FILTER (WHERE %s)",
								  counted, written_columns(names), counted),
					  psprintf("have keys that come twice: %s", label), w->joins ? CHECK_WARN : CHECK_BLOCK);
	equal = written_equal_row(place->table, "~o", names, "~n", names, others);
	if (form->indnullsnotdistinct)
		equal = psprintf("%s OR (%s IS NULL AND EXISTS (SELECT 1 FROM %s AS \"~o\" WHERE \"~o\".%s IS NULL AND %s))", equal, written_columns(names),
						 own_rows(place->table), quote_identifier(linitial(names)), others);
	taken = written_add_condition(w, written_there(w, place, equal), psprintf("have keys that %s: %s", w->event == CMD_INSERT ? "are there already" : "other rows have now", label),
								  w->event == CMD_INSERT ? CHECK_BLOCK : CHECK_WARN);
	if (!form->indisvalid)
	{
		written_soften(twice, ", unless the index, which is not valid, leaves rows out");
		written_soften(taken, twice->unless);
	}
	else if (!form->indimmediate && !w->last)
	{
		written_soften(twice, ", unless a later statement changes that");
		written_soften(taken, twice->unless);
	}
}

/* Has the expressions of an index computed, and asks whether the columns fit into an entry */
static void
add_entry(Written *w, WrittenPlace *place, Oid index, const FormData_pg_index *form)
{
	Relation	rel = sg_relation_open(index, AccessShareLock);
	List	   *expressions = RelationGetIndexExpressions(rel);
	List	   *predicate = RelationGetIndexPredicate(rel);
	bool		is_btree = rel->rd_rel->relam == BTREE_AM_OID;
	char	   *where = predicate ? change_deparse(place->table, (Node *) make_ands_explicit(predicate)) : "true";
	List	   *named = list_concat_copy(expressions, predicate);
	List	   *computed = NIL;
	List	   *columns = NIL;
	bool		is_new = place->table != w->table && written_is_partitioned(w);
	StringInfoData size;

	table_close(rel, NoLock);
	initStringInfo(&size);
	foreach_ptr(Node, expression, expressions)
	{
		computed = lappend(computed, psprintf("CASE WHEN %s THEN (%s) END", where, change_deparse(place->table, expression)));
		if (get_typlen(exprType(expression)) < 0)
			appendStringInfo(&size, " + coalesce(pg_catalog.pg_column_size(%s), 0)", (char *) llast(computed));
	}
	for (int i = 0; i < form->indnatts; i++)
	{
		char	   *name = form->indkey.values[i] > 0 ? sg_column_name(place->table, form->indkey.values[i]) : NULL;

		if (name)
			columns = lappend(columns, name);
		if (name && get_typlen(get_atttype(place->table, form->indkey.values[i])) < 0)
			appendStringInfo(&size, " + coalesce(pg_catalog.pg_column_size(\"~n\".%s), 0)", quote_identifier(name));
	}
	if (named)
	{
		List	   *used = columns_of(w, place->table, (Node *) named);

		if (used == NIL && pull_var_clause((Node *) named, 0) != NIL)
		{
			written_not_asked(w, psprintf("expressions of index %s%s", quote_identifier(sg_rel_name(index)), of_place(w, place)));
			return;
		}
		columns = list_concat(columns, used);
	}
	if (!written_is_known(w, columns) || !place->known || (!is_new && !written_is_set(w, columns)))
		return;
	if (computed)
		written_add_computed(w, place->table == w->table ? computed : list_make1(psprintf("CASE WHEN %s THEN pg_catalog.num_nulls(%s) END", written_there(w, place, "true"),
																						  check_list(computed))));
	if (is_btree && size.len)
		written_soften(written_add_condition(w, written_there(w, place, psprintf("%s AND %s OPERATOR(pg_catalog.>) %d", where, size.data + 3, LARGEST_ENTRY)),
											 psprintf("are too large for an entry of index %s%s", quote_identifier(sg_rel_name(index)), of_place(w, place)), CHECK_WARN),
					   ", unless they are compressed");
}

static void
add_indexes(Written *w, WrittenPlace *place, bool asks_unique)
{
	foreach_oid(index, fk_table_indexes(place->table))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		const FormData_pg_index *form = tuple ? (Form_pg_index) GETSTRUCT(tuple) : NULL;

		/* an index that is not ready gets no entries */
		if (form && form->indisready && (place->table == w->table || !get_rel_relispartition(index)))
		{
			if (form->indisexclusion)
				written_not_asked(w, psprintf("exclusion constraint %s%s", quote_identifier(sg_rel_name(index)), of_place(w, place)));
			else if (form->indisunique && asks_unique)
				add_unique(w, place, index, form, heap_attisnull(tuple, Anum_pg_index_indpred, NULL));
			add_entry(w, place, index, form);
		}
		if (tuple)
			ReleaseSysCache(tuple);
	}
}

/* ---- triggers ---- */

bool
written_fires(const Written *w, bool after)
{
	int			events = w->event == CMD_INSERT ? TRIGGER_TYPE_INSERT : w->event == CMD_DELETE ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_UPDATE;

	/* a row that moves to another partition is deleted, and inserted */
	if (w->event == CMD_UPDATE && written_is_partitioned(w))
		events |= TRIGGER_TYPE_INSERT | TRIGGER_TYPE_DELETE;
	if (w->conflicts)
		events |= TRIGGER_TYPE_UPDATE;
	foreach_ptr(const WrittenPlace, place, w->places)
	{
		SgCatalog	scan;
		HeapTuple	tuple;
		bool		found = false;

		sg_catalog_begin(&scan, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, place->table, NULL);
		while (!found && (tuple = sg_catalog_next(&scan)) != NULL)
		{
			Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

			found = !form->tgisinternal && form->tgenabled != TRIGGER_DISABLED && form->tgenabled != TRIGGER_FIRES_ON_REPLICA && (form->tgtype & events) != 0 &&
				(after ? TRIGGER_FOR_AFTER(form->tgtype) : TRIGGER_FOR_BEFORE(form->tgtype));
		}
		sg_catalog_end(&scan);
		if (found)
			return true;
	}
	return false;
}

/* ---- rules that the plan adds ---- */

/* Returns the condition by which a row breaks the rule of another step, of columns of these names; or NULL if it can't be computed */
static char *
planned_condition(const Written *w, const PlanStep *step, List **names)
{
	ChangeMove	move = {.table = w->table};
	Node	   *condition = step->kind == STEP_CHECK ? change_cook(&move, plan_given(step->definition), InvalidAttrNumber, false) : NULL;

	*names = step->kind == STEP_CHECK ? condition ? columns_of(w, w->table, condition) : NIL : step->child_columns;
	if (*names == NIL || !written_is_known(w, *names))
		return NULL;
	if (step->kind == STEP_CHECK)
		return psprintf("NOT (%s)", change_deparse(w->table, condition));
	return step->kind == STEP_NOT_NULL ? psprintf("pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.=) 1", written_columns(*names)) : NULL;
}

/* Reports, once, with a rule that comes behind a step that whether the step's rows go with it was not looked at */
static void
tell_rule(const Written *w, CheckStep *rule)
{
	char	   *detail = psprintf("step %d, %s, comes first: whether the rows that it writes go with the rule was not looked at",
								  w->cs->step->step, plan_step_object(w->cs->step));

	if (!check_comes_before(w->check, w->cs, rule))
		return;
	foreach_ptr(const CheckRow, row, rule->rows)
	{
		if (sg_same_text(row->detail, detail))
			return;
	}
	check_row(rule, "rows", CHECK_WARN, detail, NULL);
}

/* Asks whether rows go with rules that other steps add; for keys and unique columns that is not known */
static void
add_planned(Written *w)
{
	foreach_ptr(CheckStep, other, w->check->steps)
	{
		CheckResult result;
		List	   *names;
		char	   *broken;

		if (!check_meets_rule(w->check, w->cs, other, w->table, &result))
			continue;
		broken = planned_condition(w, other->step, &names);
		if (names && !written_is_set(w, names))
			continue;

		/*
		 * a later statement of the step may mend the rows, and ON CONFLICT
		 * leave them out
		 */
		if (broken)
			written_add_condition(w, broken, psprintf("break %s", check_rule_text(other)), w->last && !w->conflicts ? result : CHECK_WARN)->unless = "";
		else
		{
			written_not_asked(w, check_rule_text(other));
			tell_rule(w, other);
		}
	}
}

/* ---- all of them ---- */

void
written_add_computed(Written *w, List *values)
{
	if (values)
		written_add(w, psprintf("pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.<) 0", check_list(values)), pstrdup(""), CHECK_OK);
}

void
written_add_rules(Written *w, bool asks_unique)
{
	foreach_ptr(WrittenPlace, place, w->event == CMD_DELETE ? NIL : w->places)
	{
		if (get_rel_relkind(place->table) == RELKIND_FOREIGN_TABLE)
		{
			written_not_asked(w, psprintf("rules of foreign table %s", sg_relation_name(place->table)));
			continue;
		}
		add_not_null(w, place);
		add_checks(w, place);
		add_indexes(w, place, asks_unique);
	}
	if (w->event != CMD_DELETE)
	{
		add_partitions(w);
		add_planned(w);
	}
	written_add_keys(w);
}
