/*-------------------------------------------------------------------------
 *
 * fk_check.c
 *	  Can the server check a key at all?
 *
 * The server makes queries from the key's columns and operators, which
 * ADD FOREIGN KEY does not look at: where they can't be analysed (arrays with
 * a length, as varchar(10)[], get a cast that leads nowhere), the key is
 * added, and from then on every INSERT fails.  Here the same queries are made
 * by the server's own function, as ri_triggers.c does it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/code.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "fk/fk.h"

static char *
column(Oid relid, AttrNumber attnum, const char *alias)
{
	return psprintf("%s%s", alias, quote_identifier(sg_column_name(relid, attnum)));
}

/* Returns the comparisons of all pairs of columns; a side without alias is a parameter */
static char *
comparisons(const FkKey *key, const char *parent, const char *child)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < key->nkeys; i++)
	{
		char	   *parameter = psprintf("$%d", i + 1);

		appendStringInfoString(&sql, i ? " AND " : "");
		generate_operator_clause(&sql,
								 parent ? column(key->parent, key->parent_att[i], parent) : parameter,
								 get_atttype(key->parent, key->parent_att[i]), key->pf_eq_op[i],
								 child ? column(key->child, key->child_att[i], child) : parameter,
								 get_atttype(key->child, key->child_att[i]));
	}
	return sql.data;
}

static char *
only(Oid relid)
{
	return psprintf("%s%s", get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					sg_relation_name(relid));
}

/* Returns the query by which an INSERT into the child looks for the parent */
static char *
insert_query(const FkKey *key)
{
	return psprintf("SELECT 1 FROM %s x WHERE %s", only(key->parent), comparisons(key, "", NULL));
}

static Oid *
column_types(const FkKey *key, bool of_parent)
{
	Oid		   *types = palloc(sizeof(Oid) * key->nkeys);

	for (int i = 0; i < key->nkeys; i++)
		types[i] = of_parent ? get_atttype(key->parent, key->parent_att[i]) :
			get_atttype(key->child, key->child_att[i]);
	return types;
}

static void
analyse(const char *sql, int nargs, Oid *types)
{
	if (SPI_prepare(sql, nargs, types) == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), sql);
}

/* Analyses the queries of an INSERT, VALIDATE and a DELETE; neither plans nor runs them */
static void
analyse_queries(void *arg)
{
	const FkKey *key = arg;
	SgScope		scope;

	if (!ConditionalLockRelationOid(key->child, AccessShareLock) ||
		!ConditionalLockRelationOid(key->parent, AccessShareLock))
		return;
	sg_caller_begin(&scope);
	SPI_connect();
	analyse(insert_query(key), key->nkeys, column_types(key, false));
	analyse(psprintf("SELECT 1 FROM %s fk LEFT OUTER JOIN %s pk ON (%s)", only(key->child),
					 only(key->parent), comparisons(key, "pk.", "fk.")), 0, NULL);
	analyse(psprintf("SELECT 1 FROM %s x WHERE %s", only(key->child), comparisons(key, NULL, "")),
			key->nkeys, column_types(key, true));
	SPI_finish();
	sg_scope_end(&scope);
}

/* Returns whether an operator has a polymorphic argument, whose type follows the column's */
static bool
is_polymorphic(Oid opno)
{
	Oid			left;
	Oid			right;

	op_input_types(opno, &left, &right);
	return IsPolymorphicType(left) || IsPolymorphicType(right);
}

char *
fk_check_error(const FkKey *key)
{
	bool		doubtful = false;
	ErrorData  *error;

	for (int i = 0; i < key->nkeys; i++)
		doubtful |= is_polymorphic(key->pf_eq_op[i]);
	if (!doubtful || key->period || RecoveryInProgress())
		return NULL;
	error = sg_try_undo(analyse_queries, unconstify(FkKey *, key));
	if (error == NULL)
		return NULL;
	sg_rethrow_cancel(error);
	return psprintf("the server can't check the key: %s", sg_error_message(error));
}

/* ---- one row ---- */

/* Fetches the key of one row of the parent, in the columns that have the child's type */
static void
fetch_values(const FkKey *key, Datum *values, char *nulls)
{
	char	   *sql = psprintf("SELECT %s FROM %s x LIMIT 1",
							   sg_quote_list(sg_attribute_names(key->parent, key->parent_att, key->nkeys)),
							   only(key->parent));

	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run: %s", sql);
	for (int i = 0; i < key->nkeys; i++)
	{
		bool		isnull = true;

		if (SPI_processed == 1 &&
			get_atttype(key->parent, key->parent_att[i]) == get_atttype(key->child, key->child_att[i]))
			values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
}

/*
 * Runs the server's check of one row as the owner of the parent, in a
 * security-restricted context; for sg_try_undo()
 */
static void
check_one_row(void *arg)
{
	const FkKey *key = arg;
	Oid			owner = code_table_owner(key->parent);
	CodeReach  *reach = code_reach();
	Datum		values[INDEX_MAX_KEYS] = {0};
	char		nulls[INDEX_MAX_KEYS + 1] = {0};
	SgScope		scope;

	fk_code_reach(reach, key);
	code_reach_read(reach, key->parent);
	if (code_refusal(reach, owner) != NULL)
		return;
	sg_role_begin(&scope, owner);
	SPI_connect();
	fetch_values(key, values, nulls);
	if (SPI_execute_with_args(psprintf("%s FOR KEY SHARE OF x", insert_query(key)), key->nkeys,
							  column_types(key, false), values, nulls, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not check a row");
	SPI_finish();
	sg_scope_end(&scope);
}

/* Returns whether an error says nothing about the key, because it is temporary or about this session */
static bool
will_pass(int sqlerrcode)
{
	static const int classes[] = {
		MAKE_SQLSTATE('0', '8', '0', '0', '0'), MAKE_SQLSTATE('2', '5', '0', '0', '0'),
		MAKE_SQLSTATE('4', '0', '0', '0', '0'), MAKE_SQLSTATE('5', '3', '0', '0', '0'),
		MAKE_SQLSTATE('5', '5', '0', '0', '0'), MAKE_SQLSTATE('5', '7', '0', '0', '0'),
		MAKE_SQLSTATE('5', '8', '0', '0', '0')
	};

	for (int i = 0; i < lengthof(classes); i++)
	{
		if (ERRCODE_TO_CATEGORY(sqlerrcode) == classes[i])
			return true;
	}
	return false;
}

ErrorData *
fk_check_one_row(const FkKey *key)
{
	ErrorData  *error;

	if (key->period || fk_citus_table(key->child))
		return NULL;
	error = sg_try_undo(check_one_row, unconstify(FkKey *, key));
	if (error)
		sg_rethrow_cancel(error);
	return error && will_pass(error->sqlerrcode) ? NULL : error;
}
