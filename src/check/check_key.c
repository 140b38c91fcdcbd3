/*-------------------------------------------------------------------------
 *
 * check_key.c
 *	  Checks that the key of a step can be made in this database.
 *
 *	  A problem of the key itself comes from plan_step_key() and
 *	  deploy_look(), which deployment calls, too.  Here it gets the name of
 *	  its check and the statement that mends it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "base/calls.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"
#include "base/words.h"
#include "check/check.h"
#include "deploy/deploy.h"
#include "plan/plan_backfill.h"
#include "plan/plan_input.h"
#include "plan/plan_call.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"

/* Names of the checks for the parts of resolving a key, in that order */
static const char *const resolve_checks[] = {
	[FK_PROBLEM_TABLE] = "table",
	[FK_PROBLEM_PERSISTENCE] = "persistence",
	[FK_PROBLEM_COLUMN] = "column",
	[FK_PROBLEM_TARGET] = "target",
	[FK_PROBLEM_OPERATOR] = "operator",
	[FK_PROBLEM_COLLATION] = "collation",
	[FK_PROBLEM_ENFORCEMENT] = "enforcement",
};

/* Facts about a column */
typedef struct ColumnFacts
{
	Oid			type;
	int32		typmod;
	Oid			collation;
	bool		not_null;
	bool		must_not_null;	/* NOT NULL that can't be dropped */
	bool		has_default;
	char		generated;		/* ATTRIBUTE_GENERATED_*, or 0 */
} ColumnFacts;

/* Returns whether a type is a domain with NOT NULL, or based on one */
static bool
type_not_null(Oid type)
{
	while (get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		Form_pg_type form;
		bool		not_null;

		if (!HeapTupleIsValid(tuple))
			return false;
		form = (Form_pg_type) GETSTRUCT(tuple);
		not_null = form->typnotnull;
		type = form->typbasetype;
		ReleaseSysCache(tuple);
		if (not_null)
			return true;
	}
	return false;
}

static ColumnFacts
column_facts(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute column;
	ColumnFacts facts = {0};

	if (sg_read_column(relid, attnum, &column))
	{
		facts.type = column.atttypid;
		facts.typmod = column.atttypmod;
		facts.collation = column.attcollation;
		facts.not_null = column.attnotnull || type_not_null(column.atttypid);
		facts.must_not_null = column.attidentity != '\0' || type_not_null(column.atttypid) ||
			(column.attnotnull && get_rel_relispartition(relid));
		facts.has_default = column.atthasdef;
		facts.generated = column.attgenerated;
	}
	return facts;
}

static char *
type_name(ColumnFacts facts)
{
	return format_type_with_typemod(facts.type, facts.typmod);
}

/* Returns COLLATE with the collation of a column, if it is not the type's */
static char *
collate_clause(ColumnFacts facts)
{
	return OidIsValid(facts.collation) && facts.collation != get_typcollation(facts.type) ?
		psprintf(" COLLATE %s", generate_collation_name(facts.collation)) : "";
}

/* ---- resolving ---- */

/* Blocks a missing table; returns whether it is missing */
static bool
check_table_exists(CheckStep *cs, const char *side, const char *table, Oid relid)
{
	char	   *near;

	if (OidIsValid(relid))
		return false;
	near = sg_nearest_table(table);
	check_row(cs, "table", CHECK_BLOCK, psprintf("%s table %s does not exist", side, table),
			  near ? plan_near_table_hint(cs->step, near, strcmp(side, "parent") == 0) :
			  psprintf("Create the table, or leave the step out:\n%s",
					   check_skip(cs, psprintf("there is no table %s", table))));
	return true;
}

/* Returns a list of columns as sg_plan_set() takes it */
static char *
columns_value(List *columns)
{
	return OidOutputFunctionCall(F_ARRAY_OUT, sg_text_array(columns));
}

/* Returns the columns of a step with one name replaced */
static List *
corrected_columns(List *columns, int n, char *name)
{
	columns = list_copy(columns);
	lfirst(list_nth_cell(columns, n)) = name;
	return columns;
}

/* Returns the key of the parent that may be meant, if the step's can't be; or NULL */
static char *
meant_key_hint(CheckStep *cs)
{
	List	   *columns = fk_fitting_key(&cs->view.key);

	return columns ? psprintf("Perhaps you meant %s of the parent, which the types go with:\n%s",
							  sg_quote_list(columns), check_set(cs, "parent_columns", columns_value(columns))) : NULL;
}

/*
 * Returns the nearest name; for the parent, the key that may be meant; else
 * ALTER TABLE ... ADD COLUMN with the type of the column on the other side, if
 * known.
 */
static char *
missing_column_hint(CheckStep *cs, bool is_child, int n)
{
	PlanStep   *step = cs->step;
	Oid			other = is_child ? cs->view.key.parent : cs->view.key.child;
	List	   *others = is_child ? step->parent_columns : step->child_columns;
	List	   *columns = is_child ? step->child_columns : step->parent_columns;
	const char *column = list_nth(columns, n);
	char	   *near = sg_nearest_column(is_child ? cs->view.key.child : cs->view.key.parent, column);
	char	   *meant;
	AttrNumber	attnum;

	if (near && !sg_has_name(columns, near))
	{
		columns = corrected_columns(columns, n, near);
		return is_child ? plan_near_columns_hint(step, quote_identifier(near), columns, columns_value(columns)) :
			psprintf("Perhaps you meant %s:\n%s", quote_identifier(near), check_set(cs, "parent_columns", columns_value(columns)));
	}
	if (!is_child && (meant = meant_key_hint(cs)) != NULL)
		return meant;
	if (others == NIL && is_child)
		others = fk_primary_key(other);
	attnum = n < list_length(others) ? get_attnum(other, list_nth(others, n)) : InvalidAttrNumber;
	if (attnum <= 0)
		return psprintf("Correct the step, or leave it out:\n%s",
						check_skip(cs, psprintf("there is no column %s", column)));
	return fk_owner_hint("Correct the step, or add the column", is_child ? cs->view.key.child : cs->view.key.parent,
						 column_facts(other, attnum).type,
						 psprintf("ALTER TABLE %s ADD COLUMN %s %s%s",
								  is_child ? step->child_table : step->parent_table, quote_identifier(column),
								  type_name(column_facts(other, attnum)), collate_clause(column_facts(other, attnum))));
}

/* Blocks every column that a side lacks, not only the first */
static bool
check_columns_exist(CheckStep *cs, bool is_child)
{
	Oid			relid = is_child ? cs->view.key.child : cs->view.key.parent;
	List	   *columns = is_child ? cs->step->child_columns : cs->step->parent_columns;
	bool		missing = false;

	for (int i = 0; i < list_length(columns); i++)
	{
		if (get_attnum(relid, list_nth(columns, i)) != InvalidAttrNumber)
			continue;
		missing = true;
		check_row(cs, "column", CHECK_BLOCK,
				  psprintf("%s %s has no column %s", is_child ? "child" : "parent",
						   sg_relation_name(relid), quote_identifier(list_nth(columns, i))),
				  missing_column_hint(cs, is_child, i));
	}
	return missing;
}

/*
 * Reports columns of the child that a backfill adds, whose rows are unknown
 * now; returns whether there are such.
 */
static bool
check_backfilled_columns(CheckStep *cs)
{
	char	   *statement = cs->step->backfill ? plan_backfill_column_statement(cs->step) : NULL;

	if (statement == NULL)
		return false;
	cs->is_early = true;
	check_row(cs, "backfill", CHECK_WARN,
			  "deployment adds columns of the key and fills them, so their rows could not be looked at",
			  fk_owner_hint("To look at them before the key is added, add the columns, fill them by hand, and check again",
							cs->view.key.child, InvalidOid, statement));
	return true;
}

/* Reports whose expressions the backfill has, and that the columns' present values will change */
static void
check_backfill(PlanCheck *check, CheckStep *cs)
{
	Oid			author = check->plan->author_id;

	if (cs->step->backfill == NULL)
		return;
	if (!OidIsValid(author) || (author != GetUserId() && !superuser_arg(author)))
		check_row(cs, "backfill", CHECK_BLOCK,
				  psprintf("the expressions are those of role %s, which nobody else runs",
						   quote_identifier(check->plan->author)),
				  psprintf("Run the plan as that role:\nSET ROLE %s;", quote_identifier(check->plan->author)));
	else
		check_filler(cs, cs->step->fills && !plan_filler_is_current(cs->step, sg_find_qualified(cs->step->child_table)));
	check_subscribed(check, cs);
	if (cs->view.need == NEED_ADD)
		check_row(cs, "backfill", CHECK_WARN,
				  "deployment fills the columns of the key: what is said about their rows is from before",
				  psprintf(sg_calls("What is filled is looked at once more before the key is added; until then:\nSELECT * FROM sg_orphan_audit(plan => %s);"),
						   quote_literal_cstr(cs->plan)));
}

/* Returns whether the pair's collations differ, and one of them is nondeterministic */
static bool
collations_clash(const FkKey *key, int i)
{
	Oid			child = column_facts(key->child, key->child_att[i]).collation;
	Oid			parent = column_facts(key->parent, key->parent_att[i]).collation;

	return OidIsValid(child) && OidIsValid(parent) && child != parent &&
		(!get_collation_isdeterministic(child) || !get_collation_isdeterministic(parent));
}

/* Returns a hint with the statement that gives the child's column the parent's type and collation */
static char *
alter_type_hint(const char *lead, const FkKey *key, int i)
{
	ColumnFacts parent = column_facts(key->parent, key->parent_att[i]);
	char	   *column = check_column(key->child, key->child_att[i]);
	char	   *type = type_name(parent);
	char	   *collate = "";

	if (OidIsValid(parent.collation) &&
		parent.collation != column_facts(key->child, key->child_att[i]).collation)
		collate = psprintf(" COLLATE %s", generate_collation_name(parent.collation));
	return fk_owner_hint(lead, key->child, parent.type,
						 psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s%s USING %s::%s",
								  sg_relation_name(key->child), column, type, collate, column, type));
}

/* Returns whether there is an assignment cast; an explicit one may fail for any value */
static bool
can_be_cast(Oid from, Oid to)
{
	Oid			function;

	return find_coercion_pathway(getBaseType(to), getBaseType(from), COERCION_ASSIGNMENT, &function) !=
		COERCION_PATH_NONE;
}

/* Returns that hint for the first pair that breaks the rule: no operator, or clashing collations */
static char *
alter_pair_hint(CheckStep *cs, bool by_operator)
{
	const FkKey *key = &cs->view.key;
	char	   *meant = by_operator ? meant_key_hint(cs) : NULL;

	if (meant)
		return meant;
	for (int i = 0; i < key->nkeys; i++)
	{
		if (!(by_operator ? !OidIsValid(key->pf_eq_op[i]) : collations_clash(key, i)))
			continue;
		if (!can_be_cast(column_facts(key->child, key->child_att[i]).type,
						 column_facts(key->parent, key->parent_att[i]).type))
			return psprintf("No assignment cast leads from the child's type to the parent's: give the child another column, which option backfill can fill, or leave the step out:\n%s",
							check_skip(cs, "the types do not go together"));
		return alter_type_hint("Give the child's column the parent's type, which rewrites the table under a lock", key, i);
	}
	return NULL;
}

/* Returns the columns of a unique index of the parent with as many columns as the key, or NIL */
static List *
unique_columns(Oid parent, int n)
{
	SgCatalog	indexes;
	HeapTuple	tuple;
	List	   *columns = NIL;

	sg_catalog_begin(&indexes, IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, parent, NULL);
	while (columns == NIL && HeapTupleIsValid(tuple = sg_catalog_next(&indexes)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		if (form->indisunique && form->indimmediate && form->indisvalid && form->indnkeyatts == n &&
			heap_attisnull(tuple, Anum_pg_index_indpred, RelationGetDescr(indexes.rel)) &&
			heap_attisnull(tuple, Anum_pg_index_indexprs, RelationGetDescr(indexes.rel)))
			columns = sg_attribute_names(parent, form->indkey.values, n);
	}
	sg_catalog_end(&indexes);
	return columns;
}

/* Returns whether the list has all columns of a table's partition key */
static bool
holds_partition_key(Oid relid, List *columns)
{
	Relation	rel;
	PartitionKey key;
	bool		all = true;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return true;
	/* not waited for while another session has it locked */
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return true;
	rel = sg_relation_open(relid, NoLock);
	key = RelationGetPartitionKey(rel);
	for (int i = 0; i < get_partition_natts(key); i++)
	{
		AttrNumber	attnum = get_partition_col_attnum(key, i);

		all &= attnum > 0 && sg_has_name(columns, sg_column_name(relid, attnum));
	}
	table_close(rel, AccessShareLock);
	return all;
}

/* Returns a hint if only one of the parent's key and the step compares periods; else NULL */
static char *
period_hint(CheckStep *cs)
{
	PlanStep	other = *cs->step;
	FkKey		key;

	other.period = !other.period;
	if (SG_HAVE_PERIOD && plan_step_key(&other, &key) == NULL)
		return psprintf("%s:\n%s", other.period ? "Compare the last columns as periods" : "Compare all columns by their values",
						check_set(cs, "period", other.period ? "true" : "false"));
	return cs->step->period ? psprintf("Give the parent a key whose last column is WITHOUT OVERLAPS, or leave the step out:\n%s",
									   check_skip(cs, "the parent has no such key")) : NULL;
}

static char *
target_hint(CheckStep *cs)
{
	char	   *hint = period_hint(cs);
	PlanStep   *step = cs->step;
	int			n = list_length(step->child_columns);
	List	   *columns;

	if (hint)
		return hint;
	if (step->parent_columns == NIL || list_length(step->parent_columns) != n)
	{
		columns = unique_columns(cs->view.key.parent, n);
		if (columns == NIL)
			return psprintf("Give the parent a key of %d %s, or leave the step out:\n%s", n, n == 1 ? "column" : "columns",
							check_skip(cs, "the parent has no such key"));
		return psprintf("Name the columns that the key references, perhaps these:\n%s",
						check_set(cs, "parent_columns", columns_value(columns)));
	}
	if (!fk_same_types(&cs->view.key, n) && (hint = meant_key_hint(cs)) != NULL)
		return hint;
	if (!holds_partition_key(cs->view.key.parent, step->parent_columns))
		return psprintf("A unique index of a partitioned table has all columns of its partition key: reference these, too, or leave the step out:\n%s",
						check_skip(cs, "no index of the parent can be unique on these columns"));
	return plan_unique_call(step);
}

static char *
problem_hint(CheckStep *cs, const FkProblem *problem, FkProblemKind kind)
{
	switch (kind)
	{
		case FK_PROBLEM_PERSISTENCE:
			if (sg_rel_persistence(cs->view.key.parent) == RELPERSISTENCE_UNLOGGED)
				return fk_owner_hint("Make the parent permanent", cs->view.key.parent, InvalidOid,
									 psprintf("ALTER TABLE %s SET LOGGED", cs->step->parent_table));
			break;
		case FK_PROBLEM_TARGET:
			return target_hint(cs);
		case FK_PROBLEM_OPERATOR:
			return alter_pair_hint(cs, true);
		case FK_PROBLEM_COLLATION:
			return alter_pair_hint(cs, false);
		case FK_PROBLEM_ENFORCEMENT:
			return psprintf("Have the key enforced:\n%s", check_set(cs, "enforced", "true"));
		default:
			break;
	}
	return psprintf("%s Or leave the step out:\n%s", problem->hint ? problem->hint : "Correct the step.",
					check_skip(cs, problem->reason));
}

static char *
operators_text(const FkKey *key)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(&text, "%s%s", i ? ", " : "", format_operator(key->pf_eq_op[i]));
	return text.data;
}

/*
 * Adds rows for each part of resolving the key, up to the first that fails.
 * Returns whether the key can be resolved.
 */
static bool
check_resolved(CheckStep *cs, FkProblem *problem)
{
	FkKey	   *key = &cs->view.key;
	FkProblemKind failed = problem == NULL ? FK_PROBLEM_ENFORCEMENT :
		problem->kind == FK_PROBLEM_NO_COLUMN ? FK_PROBLEM_COLUMN : problem->kind;

	bool		missing = false;

	missing |= check_table_exists(cs, "child", cs->step->child_table, key->child);
	if (!sg_same_text(cs->step->child_table, cs->step->parent_table))
		missing |= check_table_exists(cs, "parent", cs->step->parent_table, key->parent);
	if (missing)
		return false;
	if (failed >= FK_PROBLEM_COLUMN)
	{
		missing |= check_columns_exist(cs, false);
		if (!missing && check_backfilled_columns(cs))
			return false;
		missing |= check_columns_exist(cs, true);
	}
	if (missing)
		return false;

	for (int i = 0; i < failed; i++)
	{
		char	   *detail = i == FK_PROBLEM_OPERATOR ? operators_text(key) :
			i == FK_PROBLEM_TARGET && OidIsValid(key->index) ? psprintf("index %s", sg_relation_name(key->index)) :
			NULL;

		/* other checks examine these two more closely */
		if (i != FK_PROBLEM_COLLATION && i != FK_PROBLEM_PERSISTENCE)
			check_row(cs, resolve_checks[i], CHECK_OK, detail, NULL);
	}
	if (problem)
		check_row(cs, resolve_checks[failed], CHECK_BLOCK, problem->reason, problem_hint(cs, problem, failed));
	return problem == NULL;
}

/* Checks whether VALIDATE would see other rows than the triggers do */
static void
check_validate_differs(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;

	for (int i = 0; i < key->nkeys; i++)
	{
		ColumnFacts child = column_facts(key->child, key->child_att[i]);

		if (type_is_rowtype(child.type))
			check_row(cs, "operator", CHECK_WARN,
					  psprintf("column %s has a composite type: VALIDATE passes over values that have a null inside, which triggers and audits look up",
							   check_column(key->child, key->child_att[i])),
					  fk_owner_hint("Look for such values", key->child, InvalidOid,
									psprintf("SELECT * FROM %s WHERE NOT %s IS NULL AND NOT %s IS NOT NULL",
											 cs->step->child_table, check_column(key->child, key->child_att[i]),
											 check_column(key->child, key->child_att[i]))));
	}
}

static char *
untyped_hint(const char *lead, Oid table, AttrNumber attnum, Oid type)
{
	return fk_owner_hint(lead, table, type, psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", sg_relation_name(table),
													 check_column(table, attnum), format_type_be(type)));
}

/* Blocks a key for which the server's own queries would fail, and with them each INSERT */
static void
check_queries(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	char	   *error = fk_check_error(key);

	for (int i = 0; i < key->nkeys && error; i++)
	{
		ColumnFacts parent = column_facts(key->parent, key->parent_att[i]);

		if (parent.typmod < 0 && column_facts(key->child, key->child_att[i]).typmod < 0)
			continue;
		check_row(cs, "operator", CHECK_BLOCK, error,
				  psprintf("%s\n%s",
						   untyped_hint("Give both columns the type without a length, the parent's first", key->parent, key->parent_att[i], parent.type),
						   untyped_hint("Then the child's", key->child, key->child_att[i], parent.type)));
		return;
	}
	if (error)
		check_row(cs, "operator", CHECK_BLOCK, error,
				  psprintf("Leave the step out:\n%s", check_skip(cs, "the server can't check the key")));
}

static void
check_collations(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	bool		clash = false;

	for (int i = 0; i < key->nkeys; i++)
	{
		if (!collations_clash(key, i))
			continue;
		clash = true;
		check_row(cs, "collation", CHECK_WARN,
				  psprintf("columns %s and %s have different collations, %s and %s, and one of them is nondeterministic: PostgreSQL 18 refuses the key, so that an upgrade fails",
						   check_column(key->child, key->child_att[i]), check_column(key->parent, key->parent_att[i]),
						   generate_collation_name(column_facts(key->child, key->child_att[i]).collation),
						   generate_collation_name(column_facts(key->parent, key->parent_att[i]).collation)),
				  alter_type_hint("Give both columns one collation", key, i));
	}
	if (!clash)
		check_row(cs, "collation", CHECK_OK, NULL, NULL);
}

/* ---- columns and actions ---- */

bool
check_writes_columns(char action)
{
	return action == FKCONSTR_ACTION_SETNULL || action == FKCONSTR_ACTION_SETDEFAULT;
}

/* Returns the expression of a generated column, as SQL */
static char *
generation_expression(Oid relid, AttrNumber attnum)
{
	static const char *query =
		"SELECT pg_get_expr(adbin, adrelid) AS expr FROM pg_attrdef WHERE adrelid = $1 AND adnum = $2";
	Oid			types[] = {OIDOID, INT2OID};
	Datum		values[] = {ObjectIdGetDatum(relid), Int16GetDatum(attnum)};
	char	   *text = NULL;
	SgScope		scope;

	sg_caller_begin(&scope);
	SPI_connect();
	if (SPI_execute_with_args(query, 2, types, values, NULL, true, 1) == SPI_OK_SELECT && SPI_processed > 0)
		text = sg_spi_text(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "expr");

	SPI_finish();
	sg_scope_end(&scope);
	return text ? text : pstrdup("...");
}

static void
check_generated(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	bool		found = false;

	for (int i = 0; i < key->nkeys; i++)
	{
		ColumnFacts facts = column_facts(key->child, key->child_att[i]);
		char	   *column = check_column(key->child, key->child_att[i]);
		bool		update = check_writes_columns(key->on_update) || key->on_update == FKCONSTR_ACTION_CASCADE;
		bool		delete = check_writes_columns(key->on_delete);

		if (facts.generated == 0)
			continue;
		if (facts.generated == ATTRIBUTE_GENERATED_VIRTUAL)
			check_row(cs, "generated", CHECK_BLOCK,
					  psprintf("column %s is a virtual generated column, which can't be in a key", column),
					  fk_owner_hint("Make it a stored one", key->child, InvalidOid,
									psprintf("ALTER TABLE %s DROP COLUMN %s, ADD COLUMN %s %s GENERATED ALWAYS AS (%s) STORED",
											 cs->step->child_table, column, column, type_name(facts),
											 generation_expression(key->child, key->child_att[i]))));
		else if (update || delete)
			check_row(cs, "generated", CHECK_BLOCK,
					  psprintf("column %s is generated, so on_%s %s can't write it", column,
							   update ? "update" : "delete",
							   sg_action_word(update ? cs->step->on_update : cs->step->on_delete)),
					  psprintf("Choose another action:\n%s",
							   check_set(cs, update ? "on_update" : "on_delete", "no action")));
		else
			continue;
		found = true;
	}
	if (!found)
		check_row(cs, "generated", CHECK_OK, NULL, NULL);
}

bool
check_in_delete_set(const FkKey *key, AttrNumber attnum)
{
	for (int i = 0; i < key->ndelete_set; i++)
	{
		if (key->delete_set[i] == attnum)
			return true;
	}
	return key->ndelete_set == 0;
}

static bool
in_primary_key(Oid relid, AttrNumber attnum)
{
	return sg_has_name(fk_primary_key(relid), sg_column_name(relid, attnum));
}

/* Checks a column that ON DELETE or ON UPDATE would set; returns whether there is a row about it */
static bool
check_set_column(CheckStep *cs, int i, const char *event, char action)
{
	const FkKey *key = &cs->view.key;
	ColumnFacts facts = column_facts(key->child, key->child_att[i]);
	char	   *column = check_column(key->child, key->child_att[i]);

	if (action == FKCONSTR_ACTION_SETDEFAULT && facts.has_default)
	{
		check_row(cs, "not_null", CHECK_WARN,
				  psprintf("%s set default: whether the default of %s is a key of %s was not looked at", event,
						   column, cs->step->parent_table),
				  psprintf("Without such a row the parent can't be changed; choose another action if there is none:\n%s",
						   check_set(cs, event, "no action")));
		return true;
	}
	if (!facts.not_null)
		return false;
	check_row(cs, "not_null", CHECK_WARN,
			  psprintf("%s %s, but column %s is NOT NULL: the parent's rows that are referenced can't be %s", event,
					   sg_action_word(action), column, strcmp(event, "on_delete") == 0 ? "deleted" : "given another key"),
			  in_primary_key(key->child, key->child_att[i]) || facts.must_not_null ?
			  psprintf("Choose another action:\n%s", check_set(cs, event, "no action")) :
			  psprintf("Let the column be null:\nALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;",
					   cs->step->child_table, column));
	return true;
}

static void
check_not_null(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	bool		found = false;

	for (int i = 0; i < key->nkeys; i++)
	{
		if (check_writes_columns(key->on_delete) && check_in_delete_set(key, key->child_att[i]))
			found |= check_set_column(cs, i, "on_delete", cs->step->on_delete);
		if (check_writes_columns(key->on_update))
			found |= check_set_column(cs, i, "on_update", cs->step->on_update);
	}
	if (key->match == FKCONSTR_MATCH_FULL && key->on_delete == FKCONSTR_ACTION_SETNULL &&
		key->ndelete_set > 0 && key->ndelete_set < key->nkeys)
	{
		found = true;
		check_row(cs, "not_null", CHECK_WARN,
				  "on_delete set null of some of the columns leaves rows that match full forbids: the parent's rows that are referenced can't be deleted",
				  psprintf("Set all columns:\n%s", check_set(cs, "on_delete_columns", NULL)));
	}
	if (!found)
		check_row(cs, "not_null", CHECK_OK, NULL, NULL);
}

static void
check_enforcement(CheckStep *cs)
{
	if (cs->step->enforced)
		check_row(cs, "enforcement", CHECK_OK, NULL, NULL);
	else
		check_row(cs, "enforcement", CHECK_WARN,
				  "the key is NOT ENFORCED: no row is ever checked, and it can't be validated",
				  psprintf("Have it enforced:\n%s", check_set(cs, "enforced", "true")));
}

/*
 * Checks a finished step whose key somebody has broken since.  The key of a
 * partitioned child comes last: without it a step can be "added".
 */
static void
check_done(CheckStep *cs)
{
	const PlanStep *step = cs->step;
	const FkKey *existing = fk_declared_twin(&cs->view.key);
	char	   *call = psprintf("(%s, steps => '{%d}');", quote_literal_cstr(cs->plan), step->step);
	char	   *hint;

	if ((step->state != STEP_ADDED && step->state != STEP_VALIDATED) || (existing == NULL && deploy_was_done(step, NULL)) ||
		(existing ? existing->enforced == step->enforced && existing->armed &&
		 (existing->validated || step->state == STEP_ADDED) :
		 step->state == STEP_ADDED && get_rel_relkind(cs->view.key.child) == RELKIND_PARTITIONED_TABLE))
		return;
	if (existing == NULL)
		hint = psprintf("Deployment adds it again:\nCALL %s%s", sg_call_name("sg_add_fks"), call);
	else if (existing->enforced && existing->armed)
		hint = psprintf("Deployment validates it:\nCALL %s%s", sg_call_name("sg_add_fks"), call);
	else
		hint = psprintf(sg_calls("Rows without a parent may have come in meanwhile. Once the key is mended:\nSELECT * FROM sg_orphan_audit(plan => %s"), call + 1);
	check_row(cs, "state", CHECK_WARN,
			  psprintf("the step is %s, but its key is %s by now", plan_state_word(step->state),
					   existing ? fk_state_word(fk_state(existing)) : "gone"), hint);
}

void
check_deferrable_target(const PlanCheck *check, CheckStep *cs)
{
	const PlanStep *deferrable = NULL;

	foreach_ptr(const PlanEdge, edge, plan_needs(check->graph, cs->step->step))
	{
		if (edge->needed->kind != STEP_UNIQUE || plan_step_is_done(edge->needed))
			continue;
		if (!edge->needed->deferrable)
			return;
		deferrable = edge->needed;
	}
	if (deferrable)
		check_row(cs, "target", CHECK_BLOCK,
				  psprintf("the constraint that step %d makes is deferrable, and no key can reference it", deferrable->step),
				  psprintf("Make it one that is not:\n%s", plan_set_call(deferrable, "deferrable", "false", "initially_deferred", "false", NULL)));
}

/* Reports rows that came back from quarantine without a value, when nothing filled them any more */
static void
check_left(CheckStep *cs)
{
	char	   *hint;
	char	   *reason = plan_filler_left_text(cs->step, &hint);

	if (reason)
		check_row(cs, "backfill", CHECK_BLOCK, reason, hint);
}

void
check_definition(PlanCheck *check, CheckStep *cs)
{
	FkKey		key;
	FkProblem  *problem = plan_step_key(cs->step, &key);

	if (!check_resolved(cs, problem))
	{
		if (cs->is_early)
		{
			check_backfill(check, cs);
			check_early_access(cs);
		}
		return;
	}
	check_done(cs);
	check_existing(check, cs);
	check_left(cs);
	if (cs->view.need == NEED_NOTHING && !cs->step->fills)
		return;
	if (cs->view.need != NEED_NOTHING)
		check_replaces(cs);
	if (cs->view.need == NEED_REPLACE && !cs->step->fills)
		return;
	check_backfill(check, cs);
	if (cs->view.need == NEED_NOTHING || cs->view.need == NEED_REPLACE)
		return;
	if (cs->view.existing == NULL)
		check_name(check, cs);
	check_queries(cs);
	check_validate_differs(cs);
	check_collations(cs);
	check_generated(cs);
	check_not_null(cs);
	check_enforcement(cs);
	check_overlap(check, cs);
}
