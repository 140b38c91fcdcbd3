/*-------------------------------------------------------------------------
 *
 * change_taken.c
 *	  Rules that go along with a column that is dropped and kept.
 *
 *	  The application has no such column any more: new rows have a null in it,
 *	  and rules by it would refuse, delete or change them.  So all that DROP
 *	  COLUMN takes along is dropped in the same transaction: foreign keys to
 *	  other tables, CHECKs, and unique constraints and indexes.  Each is
 *	  recorded with a deed, and comes back after the column.  A non-unique
 *	  index refuses no row: it stays with the column.
 *
 *	  Partitions and inheriting tables may have such rules of their own.  The
 *	  parent's are dropped first, because rules that are merged into theirs
 *	  stay then, and come back last, so that they are merged again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/depend.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "change/change.h"
#include "fk/fk.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"

/* ---- rules that can't go along ---- */

/* Returns the hint that a step of its own drops a constraint first */
static char *
drop_hint(const PlanStep *step, const char *table, const char *constraint)
{
	return psprintf(sg_calls("Drop it first, by a step of its own:\nSELECT sg_plan_add_drop(%s, 'constraint', %s, %s);"),
					quote_literal_cstr(step->plan), quote_literal_cstr(table), quote_literal_cstr(constraint));
}

static Node *
null_value(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, CoerceToDomainValue))
		return (Node *) makeNullConst(exprType(node), exprTypmod(node), exprCollation(node));
	return expression_tree_mutator(node, null_value, context);
}

/*
 * Returns whether a CHECK of a domain may refuse a null: it has functions that
 * are not built in, or volatile
 */
static bool
may_refuse_null(Node *condition)
{
	CodeReach  *reach = code_reach();

	code_reach_expression(reach, condition, BOOTSTRAP_SUPERUSERID);
	if (code_found(reach) || contain_mutable_functions(condition))
		return true;
	condition = eval_const_expressions(NULL, null_value(condition, NULL));
	return !IsA(condition, Const) || (!((Const *) condition)->constisnull && !DatumGetBool(((Const *) condition)->constvalue));
}

/* Returns whether the domain, without its base domains, refuses a null */
static bool
domain_refuses_null(Oid domain, Oid *base)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	bool		refuses;
	SgCatalog	checks;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a type");
	refuses = ((Form_pg_type) GETSTRUCT(tuple))->typnotnull;
	*base = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
	ReleaseSysCache(tuple);
	sg_catalog_begin(&checks, ConstraintRelationId, ConstraintTypidIndexId, Anum_pg_constraint_contypid, domain, NULL);
	while (!refuses && HeapTupleIsValid(tuple = sg_catalog_next(&checks)))
	{
		bool		isnull;
		Datum		condition = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(checks.rel), &isnull);

		refuses = !isnull && may_refuse_null(stringToNode(TextDatumGetCString(condition)));
	}
	sg_catalog_end(&checks);
	return refuses;
}

/* Sets a problem for a column whose type refuses rows that are written without it */
static bool
takes_nulls(const PlanStep *step, AttrNumber attnum, ChangeMove *move)
{
	FormData_pg_attribute column = sg_column(move->table, attnum);
	Oid			type = column.atttypid;
	Oid			base;

	if (column.attgenerated || column.attidentity || get_typtype(type) != TYPTYPE_DOMAIN || get_typdefault(type))
		return true;
	for (bool refuses = false; get_typtype(type) == TYPTYPE_DOMAIN; type = base)
	{
		int32		typmod = column.atttypmod;

		refuses |= domain_refuses_null(type, &base);
		if (!refuses || get_typtype(base) == TYPTYPE_DOMAIN)
			continue;
		base = getBaseTypeAndTypmod(column.atttypid, &typmod);
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("its type, domain %s, may refuse a null, and with it rows that are written without the column",
								format_type_extended(column.atttypid, -1, FORMAT_TYPE_FORCE_QUALIFY)),
					   change_owner_hint("Give it the type that the domain is made of, which reads no row", move->table,
										 psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", step->child_table, quote_identifier(step->fk_name),
												  format_type_extended(base, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY)),
										 NULL));
		move->stands = true;
		return false;
	}
	return true;
}

/* Sets a problem for a primary key, which nobody means to drop with one of its columns */
static bool
is_no_primary_key(const PlanStep *step, Oid relid, ChangeMove *move)
{
	Oid			constraint;
	char	   *name;

	if (!sg_has_name(fk_primary_key(relid), step->fk_name))
		return true;
	change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
				   psprintf("the primary key of %s has the column, and needs it to be NOT NULL", sg_relation_name(relid)),
				   "Drop the primary key first, by a step of its own.");
	bms_free(get_primary_key_attnos(relid, false, &constraint));
	name = get_constraint_name(constraint);
	if (name)
		move->problem->dependents = list_make1(psprintf("constraint %s on %s", quote_identifier(name), sg_relation_name(relid)));
	return false;
}

static bool
reads_row(Node *node, void *context)
{
	if (node == NULL)
		return false;
	return (IsA(node, Var) && ((Var *) node)->varattno == InvalidAttrNumber) || expression_tree_walker(node, reads_row, context);
}

/*
 * Sets a problem for a CHECK that reads whole rows: it would judge the null
 * that new rows have in the column
 */
static bool
is_no_part_of_rows(const PlanStep *step, Oid relid, ChangeMove *move)
{
	SgCatalog	checks;
	HeapTuple	tuple;
	char	   *name = NULL;

	sg_catalog_begin(&checks, ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, relid, NULL);
	while (name == NULL && HeapTupleIsValid(tuple = sg_catalog_next(&checks)))
	{
		bool		isnull;
		Datum		condition = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(checks.rel), &isnull);

		if (!isnull && reads_row(stringToNode(TextDatumGetCString(condition)), NULL))
			name = pstrdup(NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname));
	}
	sg_catalog_end(&checks);
	if (name)
	{
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf("check %s of %s reads whole rows, and may refuse those that are written without the column", quote_identifier(name), sg_relation_name(relid)),
					   drop_hint(step, sg_relation_name(relid), name));
		move->problem->dependents = list_make1(psprintf("constraint %s on %s", quote_identifier(name), sg_relation_name(relid)));
	}
	return name == NULL;
}

/*
 * Sets a problem for keys, views and others that depend on an index or a
 * constraint which is to go along
 */
static bool
is_unused(const PlanStep *step, const PlanDeed *rule, const ObjectAddress *object, ChangeMove *move)
{
	ObjectAddress column = move->object;
	Oid			index = object->classId == ConstraintRelationId ? get_constraint_index(object->objectId) : object->objectId;
	char	   *called = psprintf("%s %s of %s, which would go with it", rule->what->definition, quote_identifier(rule->what->fk_name),
								  rule->what->child_table);
	bool		used = false;

	foreach_ptr(const FkKey, key, OidIsValid(index) ? fk_declared(InvalidOid) : NIL)
	{
		if (key->index != index || move->kind == MOVE_PROBLEM)
			continue;
		change_problem(move, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
					   psprintf("foreign key %s of %s depends on %s", quote_identifier(key->name), sg_relation_name(key->child), called),
					   drop_hint(step, sg_relation_name(key->child), key->name));
		move->problem->dependents = list_make1(psprintf("constraint %s on %s", quote_identifier(key->name), sg_relation_name(key->child)));
	}
	foreach_ptr(const SgDependency, dependency, sg_dependencies(object, true))
	{
		used |= dependency->type == DEPENDENCY_NORMAL;
	}
	if (!used || move->kind == MOVE_PROBLEM)
		return move->kind != MOVE_PROBLEM;
	move->object = *object;
	used = !change_is_free(step, called, move);
	move->object = column;
	return !used;
}

/* ---- rules that go along ---- */

/* A constraint or index that goes with a column */
typedef struct Rule
{
	ObjectAddress object;
	char	   *name;
	char		type;			/* contype, 'u' for a unique index, or 0 */
	bool		enforced;		/* false for a constraint that is not enforced */
	bool		by_index;		/* only its index has the column, in an
								 * expression: the server drops neither */
} Rule;

/* Returns contype of a constraint; unless `all`, 0 for an inherited one, which goes with its parent's */
static char
type_of_constraint(Oid conid, bool all, Rule *rule)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));
	Form_pg_constraint con = tuple ? (Form_pg_constraint) GETSTRUCT(tuple) : NULL;
	char		type;

	if (con == NULL)
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "a constraint");
	rule->name = pstrdup(NameStr(con->conname));
	rule->enforced = SG_CON_ENFORCED(con);
	type = !all && (OidIsValid(con->conparentid) || (con->coninhcount > 0 && !con->conislocal)) ? 0 : con->contype;
	ReleaseSysCache(tuple);
	return type;
}

/* Returns 'u' for a unique index, 0 for another one, and, unless `all`, for a part of a parent's */
static char
type_of_index(Oid index, bool all)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		unique = HeapTupleIsValid(tuple) && ((Form_pg_index) GETSTRUCT(tuple))->indisunique;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return unique && (all || !get_rel_relispartition(index)) ? CONSTRAINT_UNIQUE : 0;
}

/*
 * Returns the rules that DROP COLUMN drops with one of a table's columns (Rule
 * *); with `all`, inherited ones, too
 */
static List *
rules_of(Oid relid, const char *name, bool all)
{
	ObjectAddress column;
	List	   *seen = NIL;
	List	   *rules = NIL;

	ObjectAddressSubSet(column, RelationRelationId, relid, get_attnum(relid, name));
	foreach_ptr(const SgDependency, dependency, column.objectSubId > 0 ? sg_dependencies(&column, true) : NIL)
	{
		Rule	   *rule = palloc0(sizeof(Rule));

		rule->object = sg_depend_whole(dependency->object, &column);
		/* OIDs found here are unique across the catalogs */
		if (dependency->type != DEPENDENCY_AUTO || list_member_oid(seen, rule->object.objectId))
			continue;
		seen = lappend_oid(seen, rule->object.objectId);
		rule->by_index = rule->object.classId != dependency->object.classId;
		if (rule->object.classId == ConstraintRelationId)
			rule->type = type_of_constraint(rule->object.objectId, all, rule);
		else if (rule->object.classId == RelationRelationId && (rule->name = get_rel_name(rule->object.objectId)) != NULL)
			rule->type = type_of_index(rule->object.objectId, all);
		if (rule->type)
			rules = lappend(rules, rule);
	}
	return rules;
}

/* Returns the step that would drop a rule by itself */
static PlanStep *
dropping(const PlanStep *step, Oid relid, const Rule *rule)
{
	PlanStep   *what = palloc(sizeof(PlanStep));

	*what = *step;
	what->definition = rule->object.classId == ConstraintRelationId ? "constraint" : "index";
	what->child_table = sg_relation_name(relid);
	what->fk_name = rule->name;
	what->orphans = ORPHANS_STOP;
	return what;
}

/* Adds a table of one of the statements to the deed's locks */
static void
reach(Oid relid, ChangeMove *move)
{
	if (OidIsValid(relid) && relid != move->table)
		move->tables = list_append_unique_oid(move->tables, relid);
}

/* Lists a rule with the move */
static PlanDeed *
list_rule(const PlanStep *step, Oid relid, const Rule *rule, ChangeMove *move)
{
	PlanStep   *what = dropping(step, relid, rule);
	PlanDeed   *deed = palloc(sizeof(PlanDeed));

	*deed = plan_deed(DEED_CHANGE, step->step, plan_step_object(what));
	deed->what = what;
	deed->own = true;
	move->rules = lappend(move->rules, deed);
	return deed;
}

/* Adds a rule to the move, with its deed, unless it is dropped for good; returns false with a problem */
static bool
add_rule(const PlanStep *step, Oid relid, const Rule *rule, ChangeMove *move)
{
	PlanDeed   *deed = list_rule(step, relid, rule, move);
	PlanStep   *what = deed->what;
	ChangeMove	drop = {.table = relid,.object = rule->object};

	if (step->discard && rule->by_index)
		change_problem(move, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
					   psprintf("%s %s of %s depends on it", what->definition, quote_identifier(rule->name), what->child_table),
					   drop_hint(step, what->child_table, rule->name));
	if (step->discard && rule->by_index)
		move->problem->dependents = list_make1(psprintf("%s %s on %s", what->definition, quote_identifier(rule->name), what->child_table));
	if (step->discard)
		return !rule->by_index;
	reach(relid, move);
	deed->was = change_definition(what, &drop, &what->child_columns);
	move->statements = lappend(move->statements, linitial(plan_change_statements(what)));
	return is_unused(step, deed, &rule->object, move);
}

/* Takes the foreign keys by which rows of a table depend on others */
static void
take_keys(const PlanStep *step, Oid relid, ChangeMove *move)
{
	foreach_ptr(const Rule, rule, rules_of(relid, step->fk_name, false))
	{
		FkKey	   *key = rule->type == CONSTRAINT_FOREIGN ? fk_by_oid(rule->object.objectId) : NULL;

		if (key == NULL)
			continue;
		move->keys = lappend(move->keys, key);
		reach(relid, move);
		reach(key->parent, move);
		move->statements = lappend(move->statements, linitial(plan_change_statements(dropping(step, relid, rule))));
	}
}

/* Returns whether a drop for good takes a rule along */
static bool
goes_for_good(const Rule *rule)
{
	return rule->type == CONSTRAINT_CHECK || rule->type == CONSTRAINT_UNIQUE || rule->type == CONSTRAINT_EXCLUSION ||
		rule->type == CONSTRAINT_FOREIGN || rule->type == CONSTRAINT_PRIMARY;
}

bool
change_take_rules(const PlanStep *step, ChangeMove *move)
{
	List	   *tables = sg_all_inheritors(move->table);

	if (!step->discard && !takes_nulls(step, move->object.objectSubId, move))
		return false;
	foreach_oid(relid, step->discard ? NIL : tables)
	{
		take_keys(step, relid, move);
	}
	foreach_oid(relid, tables)
	{
		if (!is_no_primary_key(step, relid, move) || (!step->discard && !is_no_part_of_rows(step, relid, move)))
			return false;
		foreach_ptr(const Rule, rule, rules_of(relid, step->fk_name, false))
		{
			if (goes_for_good(rule) && (step->discard || rule->type != CONSTRAINT_FOREIGN) && !add_rule(step, relid, rule, move))
				return false;
		}
	}
	return true;
}

void
change_list_rules(const PlanStep *step, ChangeMove *move)
{
	List	   *listed = NIL;

	foreach_ptr(const PlanStep, drop, plan_drops(step))
	{
		Oid			table = drop->kind == STEP_DROP && plan_changed_object(drop) == CHANGED_COLUMN ? sg_find_qualified(drop->child_table) : InvalidOid;

		foreach_oid(relid, OidIsValid(table) ? sg_all_inheritors(table) : NIL)
		{
			foreach_ptr(const Rule, rule, rules_of(relid, drop->fk_name, false))
			{
				if (!goes_for_good(rule) || list_member_oid(listed, rule->object.objectId))
					continue;
				listed = lappend_oid(listed, rule->object.objectId);
				(void) list_rule(step, relid, rule, move);
			}
		}
	}
}

char *
change_rules_text(List *rules)
{
	StringInfoData names;

	initStringInfo(&names);
	foreach_ptr(const PlanDeed, rule, rules)
	{
		appendStringInfo(&names, "%s%s %s of %s", names.len ? ", " : "", rule->what->definition, quote_identifier(rule->what->fk_name),
						 rule->what->child_table);
	}
	return names.len ? names.data : NULL;
}

/* ---- replacements of rules ---- */

/* Columns and expressions that an index makes unique, and the rows in which it does so */
typedef struct UniqueRule
{
	List	   *columns;
	List	   *expressions;
	List	   *predicate;		/* Node *: conditions that all hold */
	bool		with_nulls;
	bool		valid;
} UniqueRule;

/* A column in expressions, and the column of its table that replaces it */
typedef struct Renamed
{
	AttrNumber	from;
	Var		   *to;
} Renamed;

static Node *
rename_column(Node *node, void *renamed)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Renamed *) renamed)->to && ((Var *) node)->varattno == ((Renamed *) renamed)->from)
		return (Node *) copyObject(((Renamed *) renamed)->to);
	return expression_tree_mutator(node, rename_column, renamed);
}

/* Returns a part of an index as the parser has left it; no users' code runs */
static Node *
index_part(HeapTuple tuple, AttrNumber part, Renamed *renamed)
{
	bool		isnull;
	Datum		stored = SysCacheGetAttr(INDEXRELID, tuple, part, &isnull);

	return isnull ? NULL : rename_column(stringToNode(TextDatumGetCString(stored)), renamed);
}

static UniqueRule
unique_of(Oid relid, const Rule *rule, Renamed *renamed)
{
	bool		is_constraint = rule->object.classId == ConstraintRelationId;
	HeapTuple	tuple;
	Form_pg_index form;
	UniqueRule	unique = {0};

	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(is_constraint ? get_constraint_index(rule->object.objectId) : rule->object.objectId));
	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "an index");
	form = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		/* an expression has no column */
		if (attnum > 0)
			unique.columns = lappend(unique.columns, sg_column_name(relid, attnum));
	}
	unique.expressions = (List *) index_part(tuple, Anum_pg_index_indexprs, renamed);
	unique.predicate = make_ands_implicit((Expr *) index_part(tuple, Anum_pg_index_indpred, renamed));
	unique.with_nulls = form->indnullsnotdistinct;
	unique.valid = form->indisvalid;
	ReleaseSysCache(tuple);
	return unique;
}

static Var *
column_var(Oid relid, const char *name)
{
	FormData_pg_attribute column = sg_column(relid, get_attnum(relid, name));

	return makeVar(1, column.attnum, column.atttypid, column.atttypmod, column.attcollation, 0);
}

/* Returns the column that replaces another one in expressions; none if several do */
static Renamed
renamed_column(Oid relid, const char *from, const List *to)
{
	Renamed		renamed = {.from = get_attnum(relid, from)};

	if (list_length(to) == 1)
		renamed.to = column_var(relid, linitial(to));
	return renamed;
}

/*
 * Returns conditions that hold in each row that a rule binds: its predicate,
 * and that its columns are not null
 */
static List *
bound_rows(Oid relid, const UniqueRule *unique, const List *columns)
{
	List	   *clauses = list_copy(unique->predicate);

	foreach_ptr(const char, name, unique->with_nulls ? NIL : columns)
	{
		NullTest   *test = makeNode(NullTest);

		test->arg = (Expr *) column_var(relid, name);
		test->nulltesttype = IS_NOT_NULL;
		clauses = lappend(clauses, test);
	}
	return clauses;
}

/*
 * Returns whether an index makes no more than the wanted columns and
 * expressions unique, in all rows for which the clauses are true
 */
static bool
makes_unique(Oid relid, const Rule *other, const UniqueRule *wanted, List *columns, List *clauses)
{
	Renamed		none = {0};
	UniqueRule	unique = unique_of(relid, other, &none);

	return unique.valid && sg_has_names(columns, unique.columns) && list_difference(unique.expressions, wanted->expressions) == NIL &&
		(unique.with_nulls || !wanted->with_nulls || other->type == CONSTRAINT_PRIMARY) &&
		predicate_implied_by(unique.predicate, clauses, false);
}

/*
 * Returns whether a table has a rule on the new columns that binds rows as its
 * old one does: a CHECK that reads one of them, or a unique constraint or index
 */
static bool
is_replaced(Oid relid, const Rule *rule, const List *columns, const UniqueRule *wanted, List *wanted_columns)
{
	foreach_ptr(const char, column, columns)
	{
		foreach_ptr(const Rule, other, rules_of(relid, column, true))
		{
			if (other->type != rule->type && (rule->type != CONSTRAINT_UNIQUE || other->type != CONSTRAINT_PRIMARY))
				continue;
			if (rule->type == CONSTRAINT_CHECK ? other->enforced :
				makes_unique(relid, other, wanted, wanted_columns, bound_rows(relid, wanted, wanted_columns)))
				return true;
		}
	}
	return false;
}

/*
 * Sets a problem for the first rule on the old column, of a table or a part of
 * it, that no rule on the new columns replaces
 */
static void
check_rules_of(Oid relid, const PlanStep *step, const PlanStep *key, ChangeMove *move)
{
	Renamed		renamed = renamed_column(relid, step->fk_name, key->child_columns);
	const char *of = relid == move->table ? "" : psprintf(" of %s", sg_relation_name(relid));

	foreach_ptr(const Rule, rule, rules_of(relid, step->fk_name, false))
	{
		const PlanStep *drop = dropping(step, relid, rule);
		ChangeMove	dropped = {.table = relid,.object = rule->object};
		UniqueRule	unique = {0};
		List	   *wanted = NIL;
		bool		is_plain;

		if (rule->type == CONSTRAINT_CHECK)
			(void) change_definition(drop, &dropped, &unique.columns);
		else if (rule->type == CONSTRAINT_UNIQUE || rule->type == CONSTRAINT_EXCLUSION)
			unique = unique_of(relid, rule, &renamed);
		else
			continue;
		foreach_ptr(char, column, unique.columns)
		{
			if (strcmp(column, step->fk_name) != 0 && !sg_has_name(wanted, column))
				wanted = lappend(wanted, column);
		}

		/*
		 * only in an expression or a condition: its own values make no row
		 * unique
		 */
		is_plain = rule->type == CONSTRAINT_CHECK || sg_has_name(unique.columns, step->fk_name);
		if (is_plain)
			wanted = list_concat(wanted, key->child_columns);
		if (is_replaced(relid, rule, key->child_columns, &unique, wanted))
			continue;
		change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					   psprintf(!is_plain ? "%s%s goes with it, and nothing on (%s) takes its place" :
								rule->type == CONSTRAINT_CHECK ? "%s%s goes with it, and no CHECK reads (%s) in its place" :
								"%s%s goes with it, and nothing makes (%s) unique in its place", quote_identifier(rule->name), of, sg_quote_list(is_plain ? wanted : key->child_columns)),
					   psprintf(sg_calls("Have a step of the plan add one, and CALL again. Where that is no rule any more, have it dropped by a step of its own:\n"
										 "SELECT sg_plan_add_drop(%s, '%s', %s, %s);"), quote_literal_cstr(step->plan), drop->definition,
								quote_literal_cstr(sg_relation_name(relid)), quote_literal_cstr(rule->name)));
		return;
	}
}

void
change_check_rules(const PlanStep *step, const PlanStep *key, ChangeMove *move)
{
	foreach_oid(relid, sg_all_inheritors(move->table))
	{
		if (move->kind != MOVE_PROBLEM)
			check_rules_of(relid, step, key, move);
	}
}
