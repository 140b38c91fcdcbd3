/*-------------------------------------------------------------------------
 *
 * deploy_check_index.c
 *	  Indexes: does one serve the triggers of the key, what does it cost that
 *	  none does, and is there room for the one that deployment builds?
 *
 * A write to the child looks for the parent's row by "parent = $1"; the
 * parent's side is never cast, so that its index fails to serve only where
 * its collation is not that of the column.  A change of the parent looks for
 * rows of the child by "$1 = child": where the operator takes another type,
 * the child's column is cast, and no plain index on it serves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "deploy_check.h"
#include "quote.h"

/* A column of the child as the triggers compare it */
typedef struct WantedColumn
{
	char	   *name;
	Oid			cast_to;		/* InvalidOid: as it is */
	Oid			collation;
	Oid			operator;		/* child = parent */
} WantedColumn;

static WantedColumn
wanted_column(const FkKey *key, int i)
{
	WantedColumn wanted = {0};
	Oid			child_type,
				parent_type,
				parent_coll,
				left,
				right,
				func;
	int32		typmod;

	get_atttypetypmodcoll(key->child, key->child_att[i], &child_type, &typmod, &wanted.collation);
	get_atttypetypmodcoll(key->parent, key->parent_att[i], &parent_type, &typmod, &parent_coll);
	op_input_types(key->pf_eq_op[i], &left, &right);

	wanted.name = get_attname(key->child, key->child_att[i], false);
	wanted.operator = get_commutator(key->pf_eq_op[i]);
	switch (find_coercion_pathway(right, getBaseType(child_type), COERCION_IMPLICIT, &func))
	{
		case COERCION_PATH_FUNC:
		case COERCION_PATH_ARRAYCOERCE:
		case COERCION_PATH_COERCEVIAIO:
			wanted.cast_to = right;
			break;
		default:
			break;
	}

	/* only then do the triggers say COLLATE */
	if (OidIsValid(parent_coll) && parent_coll != wanted.collation &&
		!get_collation_isdeterministic(parent_coll))
		wanted.collation = parent_coll;
	return wanted;
}

/* The cast as the parser would build it for an index of the table */
static Node *
cast_expression(Oid relid, AttrNumber attnum, Oid target)
{
	Oid			type,
				collation;
	int32		typmod;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return coerce_to_target_type(NULL, (Node *) makeVar(1, attnum, type, typmod, collation, 0),
								 type, target, -1, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
}

/* An index of the child, opened up */
typedef struct ChildIndex
{
	Form_pg_index form;
	HeapTuple	tuple;
	TupleDesc	desc;
	oidvector  *opclasses;
	oidvector  *collations;
	List	   *expressions;
} ChildIndex;

static void *
index_datum(const ChildIndex *index, AttrNumber attnum)
{
	bool		isnull;
	Datum		datum = heap_getattr(index->tuple, attnum, index->desc, &isnull);

	return isnull ? NULL : DatumGetPointer(datum);
}

/* Does column n of the index hold what is wanted, in an order that serves? */
static bool
index_column_serves(const ChildIndex *index, int n, const WantedColumn *wanted)
{
	Oid			relid = index->form->indrelid;
	AttrNumber	attnum = get_attnum(relid, wanted->name);
	int			expression = 0;

	if (!op_in_opfamily(wanted->operator, get_opclass_family(index->opclasses->values[n])))
		return false;
	if (OidIsValid(index->collations->values[n]) && !OidIsValid(wanted->cast_to) &&
		index->collations->values[n] != wanted->collation)
		return false;
	if (!OidIsValid(wanted->cast_to))
		return index->form->indkey.values[n] == attnum;

	if (index->form->indkey.values[n] != 0)
		return false;
	for (int i = 0; i < n; i++)
		expression += index->form->indkey.values[i] == 0;
	return equal(list_nth(index->expressions, expression), cast_expression(relid, attnum, wanted->cast_to));
}

/* How many of the wanted columns, in any order, are the first ones of the index */
static int
leading_columns(const ChildIndex *index, const WantedColumn *wanted, int n)
{
	int			served = 0;

	for (int i = 0; i < Min(index->form->indnkeyatts, n); i++)
	{
		bool		found = false;

		for (int j = 0; j < n && !found; j++)
			found = index_column_serves(index, i, &wanted[j]);
		if (!found)
			break;
		served++;
	}
	return served;
}

static Oid
index_method(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	Oid			method = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		method = ((Form_pg_class) GETSTRUCT(tuple))->relam;
		ReleaseSysCache(tuple);
	}
	return method;
}

/* Columns that an index serves: only finished, whole btree indexes, or hash for one column */
static int
index_serves(HeapTuple tuple, TupleDesc desc, const WantedColumn *wanted, int n)
{
	ChildIndex	index = {(Form_pg_index) GETSTRUCT(tuple), tuple, desc};
	Oid			method = index_method(index.form->indexrelid);
	char	   *expressions;

	if (!index.form->indisvalid || !index.form->indislive ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, desc) ||
		!(method == BTREE_AM_OID || (method == HASH_AM_OID && n == 1)))
		return 0;
	index.opclasses = index_datum(&index, Anum_pg_index_indclass);
	index.collations = index_datum(&index, Anum_pg_index_indcollation);
	expressions = index_datum(&index, Anum_pg_index_indexprs);
	if (expressions)
		index.expressions = (List *) stringToNode(TextDatumGetCString(PointerGetDatum(expressions)));
	return leading_columns(&index, wanted, n);
}

/* The index of one table that serves most columns; *served says how many */
static Oid
best_index(Oid relid, const WantedColumn *wanted, int n, int *served)
{
	Relation	rel = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData skey;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			best = InvalidOid;

	*served = 0;
	ScanKeyInit(&skey, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, IndexIndrelidIndexId, true, NULL, 1, &skey);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int			serves = index_serves(tuple, RelationGetDescr(rel), wanted, n);

		if (serves > *served)
		{
			*served = serves;
			best = ((Form_pg_index) GETSTRUCT(tuple))->indexrelid;
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return best;
}

/*
 * The same for a table with its partitions, which may have an index each: the
 * one that serves least.
 */
static Oid
serving_index(Oid relid, const WantedColumn *wanted, int n, int *served)
{
	Oid			index = best_index(relid, wanted, n, served);
	ListCell   *lc;
	bool		first = true;

	if (*served == n || get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return index;
	foreach(lc, find_inheritance_children(relid, NoLock))
	{
		int			its;
		Oid			candidate = serving_index(lfirst_oid(lc), wanted, n, &its);

		if (first || its < *served)
		{
			*served = its;
			index = candidate;
		}
		first = false;
	}
	return index;
}

/* ---- does the operator let indexes serve? ---- */

/* The parent's index in another collation than the column's serves no check */
static bool
check_parent_index(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(key->index));
	bool		found = false;
	oidvector  *collations;
	Form_pg_index form;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);
	collations = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indcollation, &isnull));
	for (int i = 0; i < form->indnkeyatts && !found; i++)
	{
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(key->parent, form->indkey.values[i], &type, &typmod, &collation);
		if (!OidIsValid(collations->values[i]) || collations->values[i] == collation)
			continue;
		found = true;
		check_row(cs, "index_use", CHECK_WARN,
				  psprintf("index %s has collation %s for column %s, whose own is %s: each row that is written to the child reads the parent from end to end",
						   sg_relation_name(key->index), generate_collation_name(collations->values[i]),
						   check_column(key->parent, form->indkey.values[i]), generate_collation_name(collation)),
				  psprintf("Build one in the column's collation: CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s);",
						   cs->step->parent_table, check_columns(key->parent, key->parent_att, key->nkeys)));
	}
	ReleaseSysCache(tuple);
	return found;
}

/* The child's column is cast: an index on it does not serve */
static bool
check_child_cast(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	bool		found = false;

	for (int i = 0; i < key->nkeys; i++)
	{
		WantedColumn wanted = wanted_column(key, i);

		if (!OidIsValid(wanted.cast_to))
			continue;
		found = true;
		check_row(cs, "index_use", CHECK_WARN,
				  psprintf("a change of the parent compares %s cast to %s: no index on the column itself serves",
						   quote_identifier(wanted.name), format_type_be(wanted.cast_to)),
				  psprintf("Give the column the parent's type, which rewrites the table under a lock: ALTER TABLE %s ALTER COLUMN %s TYPE %s;",
						   cs->step->child_table, quote_identifier(wanted.name), format_type_be(wanted.cast_to)));
	}
	return found;
}

void
check_index_use(CheckStep *cs)
{
	bool		found = check_parent_index(cs);

	found |= check_child_cast(cs);
	if (!found)
		check_row(cs, "index_use", CHECK_OK, NULL, NULL);
}

/* ---- is there one? ---- */

/* What one delete of a parent costs that has to read the child */
static char *
scan_cost(const PlanCheck *check, const CheckStep *cs)
{
	double		blocks = cs->child->blocks;

	if (check->ms_per_block > 0)
		return psprintf("deleting one row of the parent reads %s of the child, about %s",
						check_bytes(blocks * BLCKSZ), check_duration(blocks * check->ms_per_block / 1000));
	return psprintf("deleting one row of the parent reads %s of the child, the planner's cost of which is %.0f",
					check_bytes(blocks * BLCKSZ),
					blocks * seq_page_cost + Max(cs->child->rows, 0) * cpu_tuple_cost);
}

/* CREATE INDEX for the columns as the triggers compare them */
static char *
index_statement(const CheckStep *cs, const WantedColumn *wanted)
{
	const FkKey *key = &cs->view.key;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE INDEX %sON %s (",
					 get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE ? "" : "CONCURRENTLY ",
					 cs->step->child_table);
	for (int i = 0; i < key->nkeys; i++)
	{
		char	   *column = check_column(key->child, key->child_att[i]);
		Oid			own = get_typcollation(get_atttype(key->child, key->child_att[i]));

		appendStringInfoString(&sql, i ? ", " : "");
		if (OidIsValid(wanted[i].cast_to))
			appendStringInfo(&sql, "(%s::%s)", column, format_type_be(wanted[i].cast_to));
		else
			appendStringInfoString(&sql, column);
		if (OidIsValid(wanted[i].collation) && OidIsValid(own) && !OidIsValid(wanted[i].cast_to))
		{
			Oid			type,
						collation;
			int32		typmod;

			get_atttypetypmodcoll(key->child, key->child_att[i], &type, &typmod, &collation);
			if (collation != wanted[i].collation)
				appendStringInfo(&sql, " COLLATE %s", generate_collation_name(wanted[i].collation));
		}
	}
	appendStringInfoString(&sql, ");");
	return sql.data;
}

/* At most: equal keys share an entry, which statistics of one table don't foretell */
static double
estimated_index_bytes(const CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	double		rows = cs->child->rows;
	int			width = 0;

	for (int i = 0; i < key->nkeys; i++)
	{
		int32		its = get_attavgwidth(key->child, key->child_att[i]);
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(key->child, key->child_att[i], &type, &typmod, &collation);
		width += its > 0 ? its : get_typavgwidth(type, typmod);
	}
	if (rows < 0)
		rows = cs->child->blocks * 100;
	return rows * (MAXALIGN(sizeof(IndexTupleData) + width) + sizeof(ItemIdData)) / 0.9;
}

/* Room for the index, and once more for sorting it */
static void
check_disk(CheckStep *cs)
{
	Oid			tablespace = GetDefaultTablespace(get_rel_persistence(cs->child->relid), false);
	char	   *reason = NULL;
	double		available = check_free_space(tablespace, &reason);

	if (available < 0)
		check_row(cs, "disk", CHECK_WARN,
				  psprintf("the index takes up to %s; how much is free is not known: %s",
						   check_bytes(cs->index_bytes), reason),
				  psprintf("To see it: GRANT pg_read_all_stats TO %s;",
						   quote_identifier(GetUserNameFromId(GetUserId(), false))));
	else if (2 * cs->index_bytes > available)
		check_row(cs, "disk", CHECK_WARN,
				  psprintf("the index takes up to %s, and as much again while it is built; %s are free",
						   check_bytes(cs->index_bytes), check_bytes(available)),
				  psprintf("Make room, or build it elsewhere (SET default_tablespace), or do without: %s",
						   check_set(cs, "index", "false")));
	else
		check_row(cs, "disk", CHECK_OK,
				  psprintf("the index takes up to %s of %s that are free",
						   check_bytes(cs->index_bytes), check_bytes(available)), NULL);
}

/* Deployment builds the index, which takes another privilege than the key */
static void
check_may_build(CheckStep *cs)
{
	Oid			namespace = get_rel_namespace(cs->child->relid);
	Oid			role = GetUserId();

	if (object_aclcheck(NamespaceRelationId, namespace, role, ACL_CREATE) == ACLCHECK_OK)
		return;
	check_row(cs, "privileges", CHECK_WARN,
			  psprintf("role %s has no CREATE on the schema of %s, which building the index takes",
					   GetUserNameFromId(role, false), cs->step->child_table),
			  psprintf("Grant it: GRANT CREATE ON SCHEMA %s TO %s;",
					   quote_identifier(get_namespace_name(namespace)),
					   quote_identifier(GetUserNameFromId(role, false))));
}

/* There is none: what it costs, and who builds it */
static void
check_missing_index(PlanCheck *check, CheckStep *cs, const WantedColumn *wanted, Oid partly)
{
	bool		is_cast = false;
	char	   *what;

	for (int i = 0; i < cs->view.key.nkeys; i++)
		is_cast |= OidIsValid(wanted[i].cast_to);
	what = OidIsValid(partly) ?
		psprintf("index %s serves some of the columns only; without it %s", sg_relation_name(partly), scan_cost(check, cs)) :
		psprintf("no index serves the key: %s", scan_cost(check, cs));

	if (!cs->step->index || is_cast)
	{
		check_row(cs, "index", CHECK_WARN, what,
				  psprintf("Build one: %s", index_statement(cs, wanted)));
		return;
	}
	cs->index_bytes = estimated_index_bytes(cs);
	check_row(cs, "index", CHECK_OK, psprintf("%s; deployment builds one first", what), NULL);
	check_may_build(cs);
	check_disk(cs);
}

void
check_index(PlanCheck *check, CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	WantedColumn wanted[INDEX_MAX_KEYS];
	int			served;
	Oid			index;

	for (int i = 0; i < key->nkeys; i++)
		wanted[i] = wanted_column(key, i);
	index = serving_index(key->child, wanted, key->nkeys, &served);
	if (served == key->nkeys)
		check_row(cs, "index", CHECK_OK, psprintf("index %s serves", sg_relation_name(index)), NULL);
	else
		check_missing_index(check, cs, wanted, index);
}
