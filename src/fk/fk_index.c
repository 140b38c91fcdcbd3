/*-------------------------------------------------------------------------
 *
 * fk_index.c
 *	  Which index of the child serves a key.
 *
 * Deleting or changing a parent row makes the server look for children by
 * "$1 = column": the key's own operator, turned round, under the child's
 * collation, or the parent's where that differs and is nondeterministic.  A
 * column of a type that the operator does not take is cast.  An index serves if
 * the planner can use it for just that, whatever the values: what is not proved
 * does not serve.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "fk/fk.h"
#include "fk/fk_internal.h"

/* Properties of an index that decide whether it serves a key */
typedef struct IndexFacts
{
	Oid			oid;
	Oid			table;
	Oid			method;
	bool		valid;
	bool		unique;
	bool		plain_order;	/* no DESC, no NULLS FIRST */
	int			nkeys;
	int			natts;			/* columns, INCLUDE's counted in */
	AttrNumber	atts[INDEX_MAX_KEYS];	/* column numbers; 0: an expression */
	Oid			opclass[INDEX_MAX_KEYS];
	Oid			collation[INDEX_MAX_KEYS];
	List	   *expressions;	/* of the columns whose number is 0 */
	Node	   *predicate;
} IndexFacts;

static Datum
index_attribute(HeapTuple tuple, AttrNumber attnum)
{
	bool		isnull;
	Datum		datum = SysCacheGetAttr(INDEXRELID, tuple, attnum, &isnull);

	return isnull ? (Datum) 0 : datum;
}

static Oid
access_method(Oid index)
{
	FormData_pg_class class;

	return sg_read_class(index, &class) ? class.relam : InvalidOid;
}

static bool
read_index(Oid index, IndexFacts *facts)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;
	oidvector  *classes;
	oidvector  *collations;
	int2vector *options;
	Datum		expressions;
	Datum		predicate;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	classes = (oidvector *) DatumGetPointer(index_attribute(tuple, Anum_pg_index_indclass));
	collations = (oidvector *) DatumGetPointer(index_attribute(tuple, Anum_pg_index_indcollation));
	options = (int2vector *) DatumGetPointer(index_attribute(tuple, Anum_pg_index_indoption));
	expressions = index_attribute(tuple, Anum_pg_index_indexprs);
	predicate = index_attribute(tuple, Anum_pg_index_indpred);

	memset(facts, 0, sizeof(IndexFacts));
	facts->oid = index;
	facts->table = form->indrelid;
	facts->method = access_method(index);
	facts->valid = form->indisvalid && form->indisready && form->indislive;
	facts->unique = form->indisunique;
	facts->plain_order = true;
	facts->nkeys = form->indnkeyatts;
	facts->natts = form->indnatts;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		facts->atts[i] = form->indkey.values[i];
		facts->opclass[i] = classes->values[i];
		facts->collation[i] = collations->values[i];
		facts->plain_order = facts->plain_order && options->values[i] == 0;
	}
	if (expressions)
		facts->expressions = stringToNode(TextDatumGetCString(expressions));
	if (predicate)
		facts->predicate = stringToNode(TextDatumGetCString(predicate));
	ReleaseSysCache(tuple);

	return true;
}

/* ---- how the server compares the child's columns ---- */

static Oid
column_collation(Oid relid, AttrNumber att)
{
	Oid			type,
				collation;
	int32		typmod;

	get_atttypetypmodcoll(relid, att, &type, &typmod, &collation);
	return collation;
}

static Oid
compared_collation(const FkKey *key, int i)
{
	Oid			parent = column_collation(key->parent, key->parent_att[i]);
	Oid			child = column_collation(key->child, key->child_att[i]);

	return parent != child && OidIsValid(parent) &&
		!get_collation_isdeterministic(parent) ? parent : child;
}

Oid
fk_child_cast(const FkKey *key, int i)
{
	Oid			left,
				right,
				func;

	op_input_types(key->pf_eq_op[i], &left, &right);
	switch (find_coercion_pathway(right, getBaseType(get_atttype(key->child, key->child_att[i])),
								  COERCION_IMPLICIT, &func))
	{
		case COERCION_PATH_FUNC:
		case COERCION_PATH_ARRAYCOERCE:
		case COERCION_PATH_COERCEVIAIO:
			return right;
		default:
			return InvalidOid;
	}
}

/* Returns the cast of the child's column as the parser builds it for an index of the table */
static Node *
cast_expression(const FkKey *key, int i)
{
	Oid			type,
				collation;
	int32		typmod;
	Node	   *node;

	get_atttypetypmodcoll(key->child, key->child_att[i], &type, &typmod, &collation);
	node = coerce_to_target_type(NULL, (Node *) makeVar(1, key->child_att[i], type, typmod, collation, 0),
								 type, fk_child_cast(key, i), -1, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	assign_expr_collations(NULL, node);
	return node;
}

/*
 * Returns the operator child = parent for one pair of columns.  InvalidOid if
 * the child's column is cast before it is compared: no index on the column
 * itself can serve that.
 */
static Oid
child_operator(const FkKey *key, int i)
{
	Oid			operator = get_commutator(key->pf_eq_op[i]);
	Oid			base = getBaseType(get_atttype(key->child, key->child_att[i]));
	Oid			left,
				right;

	if (!OidIsValid(operator))
		return InvalidOid;
	op_input_types(operator, &left, &right);
	return left == base || IsBinaryCoercible(base, left) ? operator : InvalidOid;
}

static bool
is_equality(Oid operator, Oid opclass, Oid method)
{
	int			strategy = OidIsValid(operator) ?
		get_op_opfamily_strategy(operator, get_opclass_family(opclass)) : 0;

	/*
	 * GiST's strategy numbers differ between operator classes, and any of
	 * them serves
	 */
	if (method == GIST_AM_OID)
		return strategy != 0;
	return strategy == (method == HASH_AM_OID ? HTEqualStrategyNumber : BTEqualStrategyNumber);
}

/*
 * Returns how many of the key's columns an index has to search.  The period of
 * a PERIOD key is left out: few rows have equal values in the other columns,
 * and only GiST can search for an overlap.
 */
static int
searched_columns(const FkKey *key)
{
	return key->period ? key->nkeys - 1 : key->nkeys;
}

/* ---- does an index serve? ---- */

static bool
is_key_column(const FkKey *key, AttrNumber att)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (key->child_att[i] == att)
			return true;
	}
	return false;
}

/* Returns whether an index predicate excludes only rows with a null in a column of the key */
static bool
is_only_not_null(const FkKey *key, Node *node)
{
	if (node == NULL)
		return true;
	if (IsA(node, BoolExpr) && ((BoolExpr *) node)->boolop == AND_EXPR)
	{
		ListCell   *lc;

		foreach(lc, ((BoolExpr *) node)->args)
		{
			if (!is_only_not_null(key, lfirst(lc)))
				return false;
		}
		return true;
	}
	if (IsA(node, NullTest))
	{
		NullTest   *test = (NullTest *) node;

		return test->nulltesttype == IS_NOT_NULL && !test->argisrow &&
			IsA(test->arg, Var) && is_key_column(key, ((Var *) test->arg)->varattno);
	}
	return false;
}

/* Returns the expression that the n-th column of an index is, which has no column's number */
static Node *
index_expression(const IndexFacts *facts, int n)
{
	int			before = 0;

	for (int i = 0; i < n; i++)
		before += facts->atts[i] == 0;
	return list_nth(facts->expressions, before);
}

/* Returns whether the n-th column of the index can be searched for the i-th column of the key, which is cast */
static bool
cast_serves(const FkKey *key, int i, const IndexFacts *facts, int n)
{
	Node	   *cast;
	Oid			collation = compared_collation(key, i);

	if (facts->atts[n] != 0 ||
		!is_equality(get_commutator(key->pf_eq_op[i]), facts->opclass[n], facts->method))
		return false;
	cast = cast_expression(key, i);
	if (collation == column_collation(key->child, key->child_att[i]))
		collation = exprCollation(cast);
	return facts->collation[n] == collation && equal(index_expression(facts, n), cast);
}

/* Returns whether the n-th column of the index can be searched for the i-th column of the key */
static bool
column_serves(const FkKey *key, int i, const IndexFacts *facts, int n)
{
	if (OidIsValid(fk_child_cast(key, i)))
		return cast_serves(key, i, facts, n);
	return facts->atts[n] == key->child_att[i] &&
		facts->collation[n] == compared_collation(key, i) &&
		is_equality(child_operator(key, i), facts->opclass[n], facts->method);
}

static bool
index_serves(const FkKey *key, const IndexFacts *facts)
{
	int			nkeys = searched_columns(key);

	if (!facts->valid || facts->nkeys < nkeys ||
		!(facts->method == BTREE_AM_OID || (facts->method == HASH_AM_OID && nkeys == 1) ||
		  (facts->method == GIST_AM_OID && key->period)) ||
		!is_only_not_null(key, facts->predicate))
		return false;

	for (int i = 0; i < nkeys; i++)
	{
		bool		found = false;

		for (int n = 0; n < nkeys && !found; n++)
			found = column_serves(key, i, facts, n);
		if (!found)
			return false;
	}
	return true;
}

Oid
fk_serving_index(const FkKey *key)
{
	ListCell   *lc;

	foreach(lc, fk_table_indexes(key->child))
	{
		IndexFacts	facts;

		if (read_index(lfirst_oid(lc), &facts) && index_serves(key, &facts))
			return facts.oid;
	}
	return InvalidOid;
}

/* ---- an index to be made ---- */

char *
fk_index_obstacle(const FkKey *key)
{
	for (int i = 0; i < searched_columns(key); i++)
	{
		const char *column = quote_identifier(sg_column_name(key->child, key->child_att[i]));
		Oid			type = get_atttype(key->child, key->child_att[i]);
		Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);

		if (!OidIsValid(opclass))
			return psprintf("type %s of column %s has no default operator class for btree",
							format_type_be(type), column);
		if (!is_equality(child_operator(key, i), opclass, BTREE_AM_OID))
			return psprintf("column %s of type %s is converted before it is compared with type %s of the parent",
							column, format_type_be(type),
							format_type_be(get_atttype(key->parent, key->parent_att[i])));
	}
	return NULL;
}

/* Returns the qualified name, so that the text does not depend on search_path */
static char *
collation_name(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a collation");
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = sg_qualified_name(sg_schema_name(form->collnamespace), NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

static void
append_column(StringInfo buf, Oid relid, AttrNumber att, Oid collation)
{
	appendStringInfo(buf, "%s%s", buf->len ? ", " : "",
					 quote_identifier(sg_column_name(relid, att)));
	if (collation != column_collation(relid, att) && OidIsValid(collation))
		appendStringInfo(buf, " COLLATE %s", collation_name(collation));
}

char *
fk_index_columns(const FkKey *key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < searched_columns(key); i++)
		append_column(&buf, key->child, key->child_att[i], compared_collation(key, i));
	return buf.data;
}

char *
fk_index_elements(const FkKey *key, char **obstacle)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < searched_columns(key); i++)
	{
		Oid			cast = fk_child_cast(key, i);
		Oid			type = OidIsValid(cast) ? cast : get_atttype(key->child, key->child_att[i]);
		Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);
		const char *column = quote_identifier(sg_column_name(key->child, key->child_att[i]));

		if (OidIsValid(cast) && contain_mutable_functions(cast_expression(key, i)))
			*obstacle = psprintf("column %s is converted to type %s before it is compared, by a function that no index can use",
								 column, format_type_be(cast));
		else if (!OidIsValid(opclass) || !is_equality(get_commutator(key->pf_eq_op[i]), opclass, BTREE_AM_OID))
			*obstacle = psprintf("type %s of column %s has no default operator class for btree that has the key's operator",
								 format_type_be(type), column);
		else if (OidIsValid(cast))
		{
			appendStringInfo(&buf, "%s(%s::%s)", buf.len ? ", " : "", column, format_type_be(cast));
			continue;
		}
		else
		{
			append_column(&buf, key->child, key->child_att[i], compared_collation(key, i));
			continue;
		}
		return NULL;
	}
	return buf.data;
}

char *
fk_plain_index_columns(Oid index)
{
	IndexFacts	facts;
	StringInfoData buf;

	if (!read_index(index, &facts) || facts.method != BTREE_AM_OID || facts.unique ||
		facts.expressions || facts.predicate || !facts.plain_order ||
		facts.natts != facts.nkeys)
		return NULL;

	initStringInfo(&buf);
	for (int i = 0; i < facts.nkeys; i++)
	{
		if (facts.opclass[i] != GetDefaultOpClass(get_atttype(facts.table, facts.atts[i]),
												  BTREE_AM_OID))
			return NULL;
		append_column(&buf, facts.table, facts.atts[i], facts.collation[i]);
	}
	return buf.data;
}

/*
 * Returns whether CREATE INDEX on the partitioned table above could attach this
 * index, by way of the topmost index that it is attached to.  All of them must
 * be valid.
 */
static bool
can_be_taken_over(Oid index)
{
	bool		leaving;

	for (Oid above = index; OidIsValid(above); above = sg_partition_parent(index, &leaving))
	{
		index = above;
		if (!get_index_isvalid(index))
			return false;
	}
	return true;
}

Oid
fk_plain_index(const FkKey *key)
{
	char	   *columns = fk_index_columns(key);

	foreach_oid(index, fk_table_indexes(key->child))
	{
		char	   *others = fk_plain_index_columns(index);

		if (others && strcmp(others, columns) == 0 && can_be_taken_over(index))
			return index;
	}
	return InvalidOid;
}

bool
fk_index_covers(const FkKey *indexed, const FkKey *key)
{
	int			nkeys = searched_columns(key);

	if (indexed->child != key->child || searched_columns(indexed) < nkeys)
		return false;

	for (int i = 0; i < nkeys; i++)
	{
		bool		found = false;

		for (int n = 0; n < nkeys && !found; n++)
			found = indexed->child_att[n] == key->child_att[i] &&
				compared_collation(indexed, n) == compared_collation(key, i);
		if (!found)
			return false;
	}
	return true;
}

FkKey *
fk_on_partition(const FkKey *key, Oid partition)
{
	FkKey	   *copy = palloc(sizeof(FkKey));

	*copy = *key;
	copy->child = partition;
	for (int i = 0; i < key->nkeys; i++)
		copy->child_att[i] = sg_column_in(partition, key->child, key->child_att[i]);
	return copy;
}
