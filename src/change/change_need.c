/*-------------------------------------------------------------------------
 *
 * change_need.c
 *	  Conditions of a drop: checked once more, in catalog and rows.
 *
 *	  A needed step was done at some time.  Before something is dropped, and
 *	  again under its lock, each needed step is looked at as its own kind
 *	  does; and if values go from the dropped column to another one, no row
 *	  may be left whose value did not go.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
#include "utils/typcache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/meant.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "base/spi.h"
#include "change/change_need.h"
#include "deploy/deploy_backfill.h"
#include "fk/fk_subscription.h"
#include "plan/plan_call.h"
#include "plan/plan_backfill.h"
#include "plan/plan_change.h"
#include "plan/plan_deed.h"
#include "plan/plan_drops.h"
#include "plan/plan_key.h"
#include "plan/plan_reads.h"
#include "run/run_rows.h"

/* A query of a table that returns a number */
typedef struct Counting
{
	Oid			table;
	List	   *others;			/* OIDs of other tables that it reads */
	Oid			role;			/* role that runs it; InvalidOid: the caller */
	bool		apart;			/* planned as no role, because others own
								 * tables of it */
	const char *sql;
	int64		rows;
} Counting;

static void
run_count(void *p)
{
	Counting   *counting = p;
	bool		isnull;

	SPI_connect();
	if (sg_spi_execute_meant(counting->sql, lcons_oid(counting->table, counting->others), true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "no number from: %s", counting->sql);
	counting->rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
}

static void
count(void *p)
{
	Counting   *counting = p;
	SgScope		scope;

	sg_role_begin(&scope, counting->role);
	if (OidIsValid(counting->role))
		sg_scope_see_own();
	sg_scope_pin();
	sg_scope_set("row_security", "off");
	sg_plan_apart_if(&counting->apart, run_count, counting);
	sg_scope_end(&scope);
}

/* Arguments of sg_try_undo() */
typedef struct QueryRole
{
	const PlanStep *filling;
	Counting   *counting;
} QueryRole;

/*
 * Finds the role as which rows are compared with a fill that is a query: the
 * one that wrote its batches.  Raises 42501 if no role may.
 */
static void
find_query_role(void *p)
{
	QueryRole  *query = p;
	Counting   *counting = query->counting;

	counting->others = plan_backfill_tables(query->filling);
	foreach_oid(other, counting->others)
	{
		foreach_oid(part, code_tree(other, NoLock))
		{
			counting->apart |= code_table_owner(part) != GetUserId();
		}
	}
	counting->role = deploy_backfill_role(query->filling, counting->table, NULL);
}

/* Returns why the rows can't be counted, with expressions over them; or NULL once the role is known */
static char *
judge_count(Counting *counting, List *expressions)
{
	Oid			table = counting->table;
	CodeReach  *reach = code_reach();

	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK || check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		return psprintf("role %s may not read all rows of %s", sg_role_name(GetUserId()), sg_relation_name(table));
	foreach_oid(part, code_tree(table, NoLock))
	{
		code_reach_read(reach, part);
		counting->apart |= code_table_owner(part) != GetUserId();
	}
	code_reach_foreign(reach, table);
	foreach_ptr(Node, expression, expressions)
	{
		code_reach_expression(reach, expression, code_table_owner(table));
		code_reach_type(reach, exprType(expression));
	}
	return code_role(reach, code_table_owner(table), &counting->role);
}

/*
 * Returns the number that a query of a table returns, as a role that the code
 * in it allows, or -1 and in *why the reason: the owner's code may fail, or
 * have been planted a moment ago.
 */
static int64
count_counting(Counting *counting, List *expressions, const PlanStep *filling, char **why)
{
	QueryRole	query = {filling, counting};
	ErrorData  *error = NULL;

	*why = judge_count(counting, expressions);
	if (*why == NULL && filling)
		error = sg_try_undo(find_query_role, &query);
	if (*why)
		return -1;
	if (error == NULL && RecoveryInProgress())
		count(counting);
	else if (error == NULL)
		error = sg_try_undo(count, counting);
	if (error == NULL)
		return counting->rows;
	sg_rethrow_cancel(error);
	*why = sg_error_text_of(error, filling ? filling->backfill : counting->sql);
	return -1;
}

static int64
count_rows(Oid table, List *expressions, const char *sql, char **why)
{
	Counting	counting = {.table = table,.sql = sql};

	return count_counting(&counting, expressions, NULL, why);
}

/* Sets a problem with a needed step */
static void
not_held(ChangeMove *move, char *reason, const char *hint)
{
	change_problem(move, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason, hint);
}

/* Returns "(a IS NULL OR b IS NULL)" */
static char *
any_null(List *columns)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const char, column, columns)
	{
		appendStringInfo(&text, "%s%s IS NULL", text.len ? " OR " : "(", quote_identifier(column));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

/* Checks for rows with a value in the dropped column, and none in the key's columns that replace it */
static void
check_references(const PlanStep *step, const PlanStep *key, ChangeMove *move)
{
	int64		rows;
	char	   *why;

	foreach_ptr(const char, column, key->child_columns)
	{
		if (get_attnum(move->table, column) == InvalidAttrNumber)
		{
			not_held(move, psprintf("%s has no column %s yet", step->child_table, quote_identifier(column)), NULL);
			return;
		}
	}
	rows = count_rows(move->table, NIL, psprintf("SELECT count(*) FROM %s WHERE %s AND %s IS NOT NULL", step->child_table,
												 any_null(key->child_columns), quote_identifier(step->fk_name)), &why);
	if (rows < 0)
		not_held(move, psprintf("whether all rows have a value in (%s) of step %d can't be said: %s", sg_quote_list(key->child_columns), key->step, why), NULL);
	else if (rows > 0)
		not_held(move, psprintf(INT64_FORMAT " %s a value in %s, and none in (%s) of step %d", rows, rows == 1 ? "row has" : "rows have",
								quote_identifier(step->fk_name), sg_quote_list(key->child_columns), key->step),
				 "Give these rows the new reference, or take the old one from them, and CALL again.");
}

/*
 * Checks for objects whose text still has the name of the column, though DROP
 * would not fail because of them
 */
static void
check_readers(const PlanStep *step, ChangeMove *move)
{
	foreach_ptr(const ChangeDependent, dependent, change_dependents_hook ? change_dependents_hook(&move->object) : NIL)
	{
		if (dependent->mentions)
		{
			not_held(move, psprintf("%s still reads it", dependent->identity),
					 psprintf(sg_calls("Change that first. All that reads the column:\nSELECT * FROM sg_impact(%s);"),
							  quote_literal_cstr(psprintf("%s.%s", step->child_table, quote_identifier(step->fk_name)))));
			return;
		}
	}
}

/* Returns the hint that keeps a column as it is, so that no drop compares it any more */
static char *
keep_hint(const PlanStep *filled)
{
	return psprintf("If column %s is right there, say that it is filled no more, and CALL again:\n%s%s%s",
					quote_identifier(linitial(filled->child_columns)), filled->fills ? plan_release_call(filled->plan) : "",
					filled->fills ? "\n" : "", plan_set_call(filled, "fill", NULL, NULL));
}

/* Returns the hint that makes a drop keep its object */
static char *
kept_hint(const PlanStep *drop)
{
	if (plan_step_get(drop->plan, drop->step, true)->kind == STEP_STATEMENT)
		return psprintf("Have steps of their own drop each of its objects, and keep what they take, in its place:\n%s",
						plan_skip_call(drop, "other steps drop it, and keep it"));
	return psprintf("Have the drop keep what it takes, so that nothing is lost:\n%s", plan_set_call(drop, "keep", "true", NULL));
}

/*
 * Returns a condition for the rows whose value in a column differs from an
 * expression of the column's type, rounded, or truncated, as the column would.
 */
static char *
differs(Oid table, const char *column, const char *value)
{
	Oid			type;
	int32		typmod;
	Oid			collation;
	const char *cast;

	get_atttypetypmodcoll(table, get_attnum(table, column), &type, &typmod, &collation);
	/* some types, such as json, have no equality */
	cast = OidIsValid(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr) ? "" : "::text";
	if (typmod >= 0)
		value = psprintf("CAST(%s AS %s)", value, format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	return psprintf("%s%s IS DISTINCT FROM (%s)%s", quote_identifier(column), cast, value, cast);
}

/* Returns the step that fills a column, if its fill is a query; else NULL */
static PlanStep *
query_step(const PlanStep *filled, const ChangeMove *filling)
{
	return !change_fill_is_query(filled) ? NULL : plan_filling_step(filled, linitial(filled->child_columns), filling->rows.fill, false);
}

/*
 * Sets a problem for values of which it is unknown whether they were carried
 * over to a column.  A key keeps its backfill for good, so the drop has to keep
 * its object.
 */
static void
cannot_say(const PlanStep *drop, const PlanStep *filled, const char *why, ChangeMove *move)
{
	not_held(move, psprintf("whether all values were carried over to column %s can't be said: %s",
							quote_identifier(linitial(filled->child_columns)), why),
			 filled->kind == STEP_FOREIGN_KEY ? kept_hint(drop) :
			 psprintf("If names have changed since, give its fill those of now by option fill.  %s", keep_hint(filled)));
}

/*
 * Returns the number of rows in which a filled column meets a condition; -1
 * with a problem if they can't be counted
 */
static int64
count_filled(const PlanStep *drop, const PlanStep *filled, const ChangeMove *filling, const char *condition, ChangeMove *move)
{
	Counting	counting = {.table = filling->table,.sql = psprintf("SELECT count(*) FROM %s WHERE %s", filled->child_table, condition)};
	char	   *why;
	int64		rows = count_counting(&counting, filling->rows.expressions, query_step(filled, filling), &why);

	if (rows < 0)
		cannot_say(drop, filled, why, move);
	return rows;
}

/*
 * Returns a condition for the rows without the value that the fill gives now.
 * If it gives none, the column's default is right, too; another value may
 * belong to a row whose source was removed since.
 */
static char *
condition_of_stale(ChangeMove *filling, const char *column, const char *value)
{
	Node	   *initial = sg_column_default(filling->table, get_attnum(filling->table, column));
	char	   *condition = differs(filling->table, column, value);

	if (initial == NULL || contain_mutable_functions(initial))
		return condition;
	filling->rows.expressions = lappend(filling->rows.expressions, initial);
	return psprintf("%s AND ((%s) IS NOT NULL OR %s)", condition, value,
					differs(filling->table, column, change_deparse(filling->table, initial)));
}

/* Returns a text as a literal on one line, for hints */
static char *
line_literal(const char *text)
{
	const char *quoted = quote_literal_cstr(text);
	StringInfoData literal;

	initStringInfo(&literal);
	if (strchr(quoted, '\n') && *quoted == '\'')
		appendStringInfoChar(&literal, 'E');
	for (; *quoted; quoted++)
	{
		if (*quoted == '\n')
			appendStringInfoString(&literal, "\\n");
		else
			appendStringInfoChar(&literal, *quoted);
	}
	return literal.data;
}

/*
 * Returns the call that adds a step to the drop's plan which gives rows the
 * fill's values, as the table's owner, because it runs code of that role,
 * whoever runs the step
 */
static char *
carry_call(const PlanStep *drop, const PlanStep *filled, const char *value, const char *condition)
{
	const char *pattern = filled->kind == STEP_FOREIGN_KEY ? "UPDATE %s SET (%s) = (SELECT %s\n) WHERE %s" : "UPDATE %s SET %s = %s WHERE %s";

	return psprintf(sg_calls("SELECT sg_plan_add(%s, %s);"), quote_literal_cstr(drop->plan),
					line_literal(psprintf(pattern, filled->child_table, sg_quote_list(filled->child_columns), value, condition)));
}

/*
 * Returns the hint about rows that meet a condition: keep the new column as it
 * is, so that the drop no longer compares it, or give it the fill's values, if
 * it accepts them for any row; NULL with a problem.
 */
static char *
stale_hint(const PlanStep *drop, const PlanStep *filled, const ChangeMove *filling, const char *value, const char *condition, ChangeMove *move)
{
	const char *column = linitial(filled->child_columns);
	char	   *keep = keep_hint(filled);
	int64		rows = 1;

	if (change_is_not_null(filling->table, get_attnum(filling->table, column)))
	{
		condition = psprintf("%s AND (%s) IS NOT NULL", condition, value);
		rows = count_filled(drop, filled, filling, condition, move);
	}
	return rows < 0 ? NULL : rows == 0 ? keep :
		psprintf("%s\nOtherwise have a step carry the values over:\n%s", keep, carry_call(drop, filled, value, condition));
}

/* A step that fills columns, and the OIDs that it read when it was done, or NULL */
typedef struct Reader
{
	PlanStep   *step;			/* the step with its columns' present names */
	const char *reads;
	const char *why;			/* why it can't be compared, or NULL */
} Reader;

/* Returns in words a name that a fill has read and that means something else now; or NULL */
static char *
renamed_since(const Reader *reader)
{
	const char *now = reader->reads ? plan_reads_by_oid(plan_reads(reader->step)) : "";
	Oid			relation;
	int			attnum;
	int			length;
	FormData_pg_attribute column;

	for (const char *at = reader->reads; at && sscanf(at, " %u:%d %n", &relation, &attnum, &length) == 2; at += length)
	{
		char	   *name = get_rel_name(relation);

		if (name && (attnum <= 0 || sg_read_column(relation, attnum, &column)) &&
			strstr(now, plan_reads_part(relation, attnum)) == NULL)
			return attnum > 0 ? psprintf("column %s of %s", quote_identifier(pstrdup(NameStr(column.attname))), sg_relation_name(relation)) :
				sg_relation_name(relation);
	}
	return NULL;
}

/* Returns whether a step is of another plan than a drop */
static bool
is_elsewhere(const PlanStep *drop, const PlanStep *step)
{
	return !sg_same_text(drop->plan, step->plan);
}

/*
 * Returns whether a fill's values can be compared.  If not, and the dropped
 * object is not kept, sets a problem.
 */
static bool
can_be_compared(const PlanStep *step, const Reader *reader, const ChangeMove *filling, ChangeMove *move)
{
	const PlanStep *filled = reader->step;
	PlanStep   *before = change_dropped_before(filled, is_elsewhere(step, filled) ? 0 : step->step);
	char	   *renamed = renamed_since(reader);
	const FkPlan *plan = plan_get(filled->plan);
	const char *why = NULL;

	if (before)
		why = psprintf("step %d, %s, has taken what its fill reads", before->step, plan_step_object(before));
	else if (renamed)
		why = psprintf("what its fill reads is %s by now", renamed);
	else if (reader->why)
		why = reader->why;
	else if (filling && filling->kind == MOVE_PROBLEM)
		why = filling->problem->reason;
	else if ((filling == NULL || (filling->kind == MOVE_FILL && query_step(filled, filling))) && !deploy_backfill_is_trusted(plan->author_id))
		why = psprintf("its fill is a query of role %s, which nobody else runs", plan->author);
	if (why && step->discard)
		cannot_say(step, filled, why, move);
	return why == NULL && (filling == NULL || filling->kind == MOVE_FILL);
}

/*
 * Checks for rows of a key's child for which its expressions give other values
 * now than its columns have; where they give none, there was nothing to carry
 * over.  A key may be right with other values, so only a drop for good
 * compares.
 */
static void
check_key_carried(const PlanStep *step, const Reader *reader, ChangeMove *move)
{
	const PlanStep *key = reader->step;
	Counting	counting = {.table = sg_find_qualified(key->child_table)};
	StringInfoData differ;
	StringInfoData values;
	char	   *condition;
	char	   *columns = sg_quote_list(key->child_columns);
	char	   *why;
	int64		rows;
	int			n = 0;

	if (!step->discard || !can_be_compared(step, reader, NULL, move))
		return;
	initStringInfo(&differ);
	initStringInfo(&values);
	foreach_ptr(const char, column, key->child_columns)
	{
		AttrNumber	attnum = OidIsValid(counting.table) ? get_attnum(counting.table, column) : InvalidAttrNumber;
		char	   *value = psprintf("\"~v%d\"", ++n);

		if (attnum == InvalidAttrNumber)
		{
			cannot_say(step, key, "it is gone", move);
			return;
		}
		appendStringInfo(&values, "%s%s", values.len ? ", " : "", value);
		appendStringInfo(&differ, "%s%s IS NOT NULL AND %s", differ.len ? " OR " : "", value,
						 differs(counting.table, column, psprintf("CAST(%s AS %s)", value, format_type_be_qualified(get_atttype(counting.table, attnum)))));
	}
	condition = psprintf("EXISTS (SELECT FROM (SELECT %s\n) AS \"~v\" (%s) WHERE %s)", key->backfill, values.data, differ.data);
	counting.sql = psprintf("SELECT count(*) FROM %s WHERE %s", key->child_table, condition);
	rows = count_counting(&counting, NIL, key, &why);
	if (rows < 0)
		cannot_say(step, key, why, move);
	else if (rows > 0)
		not_held(move, psprintf(INT64_FORMAT " %s other values in (%s) than step %d takes from %s", rows, rows == 1 ? "row has" : "rows have",
								columns, key->step, quote_identifier(step->fk_name)),
				 psprintf("%s\nOtherwise have a step carry the values over:\n%s", kept_hint(step), carry_call(step, key, key->backfill, condition)));
}

/* Returns whether an expression is converted to the type of its column, which may round */
static bool
is_converted(Node *expression)
{
	return exprType(strip_implicit_coercions(expression)) != exprType(expression);
}

/*
 * Checks for rows of a column that was filled from the dropped one, and that
 * lack the right value: they have none, or one from before somebody changed the
 * source.
 */
static void
check_column_carried(const PlanStep *step, const Reader *reader, ChangeMove *move)
{
	const PlanStep *filled = reader->step;
	const char *column = linitial(filled->child_columns);
	const char *name = quote_identifier(column);
	PlanStep	again = *filled;
	ChangeMove	filling;
	const char *value;
	char	   *condition;
	char	   *hint;
	int64		rows;
	int64		others;

	again.state = STEP_ADDED;
	change_look(&again, &filling);
	/* a step that is skipped, and counts as done, may have made none */
	if (step->discard && filled->skipped_by && OidIsValid(filling.table) && get_attnum(filling.table, column) == InvalidAttrNumber)
	{
		not_held(move, psprintf("column %s, which step %d takes from %s, does not exist", name, filled->step, quote_identifier(step->fk_name)),
				 psprintf("If nothing is to be carried over, say so, and CALL again:\n%s", plan_set_call(filled, "fill", NULL, NULL)));
		return;
	}
	if (!can_be_compared(step, reader, &filling, move))
		return;
	foreach_ptr(Node, expression, filling.rows.expressions)
	{
		if (!contain_volatile_functions(expression))
			continue;

		/*
		 * a volatile expression carries nothing over, but a users' function
		 * may read tables, and only be declared volatile
		 */
		if (step->discard && plan_reads_functions(plan_reads(filled)))
			cannot_say(step, filled, "its fill calls a volatile function", move);
		return;
	}
	value = filling.rows.expressions && !is_converted(linitial(filling.rows.expressions)) ? filling.rows.fill :
		psprintf("CAST(%s AS %s)", filling.rows.fill, format_type_be_qualified(get_atttype(filling.table, get_attnum(filling.table, column))));
	value = plan_backfill_of_empty(plan_filling_step(filled, column, filled->fill, false), value);
	condition = condition_of_stale(&filling, column, value);
	rows = count_filled(step, filled, &filling, condition, move);
	others = rows > 0 ? count_filled(step, filled, &filling, psprintf("%s AND %s IS NOT NULL", condition, name), move) : 0;
	if (rows <= 0 || others < 0)
		return;
	hint = others > 0 ? stale_hint(step, filled, &filling, value, condition, move) :
		psprintf("Have a step carry them over, and CALL again:\n%s", carry_call(step, filled, value, filling.rows.broken));
	if (others == 0)
		not_held(move, psprintf(INT64_FORMAT " %s not carried over to column %s", rows, rows == 1 ? "value was" : "values were", name), hint);
	else if (hint)
		not_held(move, psprintf(INT64_FORMAT " %s another value in column %s than %s gives", rows, rows == 1 ? "row has" : "rows have", name,
								quote_identifier(step->fk_name)), hint);
}

static void
check_carried(const PlanStep *step, const Reader *reader, ChangeMove *move)
{
	if (reader->step->kind == STEP_FOREIGN_KEY)
		check_key_carried(step, reader, move);
	else
		check_column_carried(step, reader, move);
}

/* Returns whether a step writes other columns than those that a drop or rename itself is about */
static bool
is_of_others(const PlanStep *moving, const PlanStep *filled)
{
	bool		is_column = moving->kind != STEP_STATEMENT && plan_changed_object(moving) == CHANGED_COLUMN;

	if (!is_column && moving->kind != STEP_STATEMENT && !plan_step_is_of_relation(moving))
		return false;
	/* the column goes with its own table */
	return !sg_same_text(moving->child_table, filled->child_table) ||
		(is_column && !sg_has_name(filled->child_columns, moving->fk_name));
}

/* Returns whether a step fills such columns with values that it reads, and keeps their expressions */
static bool
fills_others(const PlanStep *moving, const PlanStep *filled)
{
	return (filled->kind == STEP_FOREIGN_KEY ? filled->backfill != NULL : filled->kind == STEP_COLUMN && filled->fill) &&
		is_of_others(moving, filled);
}

/*
 * Returns whether the fill of another step's column reads the object that a
 * drop takes away; with `named`, not only by a word in a function's text
 */
static bool
drop_is_read(const PlanStep *drop, const PlanStep *filled, const PlanReads *reads, bool named)
{
	if (!fills_others(drop, filled))
		return false;
	if (drop->kind == STEP_STATEMENT)
		return plan_reads_calls(reads ? reads : plan_reads(filled), drop->child_table);
	return plan_reads_any(reads ? reads : plan_reads(filled), drop->child_table,
						  plan_changed_object(drop) == CHANGED_COLUMN ? drop->fk_name : NULL, named);
}

static bool
takes_what_fills(const PlanStep *drop, const PlanStep *filled)
{
	return drop_is_read(drop, filled, NULL, false);
}

/* Returns whether the object of a step still exists, and is as it should be */
static bool
still_holds(PlanStep *needed)
{
	ChangeMove	move;
	StepView	view;

	switch (needed->kind)
	{
		case STEP_FOREIGN_KEY:
			deploy_look(needed, &view);
			return view.need == NEED_NOTHING || view.need == NEED_REPLACE || deploy_was_done(needed, view.problem) ||
				(view.need == NEED_VALIDATE && needed->state == STEP_ADDED);
		case STEP_STATEMENT:	/* only the author's query knows the effect of
								 * a statement */
		case STEP_DROP:
		case STEP_RENAME:
			return true;
		default:
			change_look(needed, &move);
			return move.kind == MOVE_NONE || (needed->state == STEP_ADDED && move.kind == MOVE_VALIDATE) ||
				change_was_done(needed, &move);
	}
}

PlanStep *
change_dropped_before(const PlanStep *filled, int but)
{
	const PlanReads *reads = NULL;

	foreach_ptr(PlanStep, other, plan_steps(filled->plan))
	{
		if (other->step == but || other->state != STEP_VALIDATED || other->skipped_by)
			continue;
		foreach_ptr(const PlanStep, drop, plan_drops(other))
		{
			if (drop->kind == STEP_DROP && plan_change_finds(drop))
				continue;
			if (reads == NULL)
				reads = plan_reads(filled);
			if (drop_is_read(drop, filled, reads, true))
				return other;
		}
	}
	return NULL;
}

PlanStep *
change_read_until(const PlanStep *filled)
{
	const PlanReads *reads = NULL;

	foreach_ptr(PlanStep, other, filled->fill ? plan_steps(filled->plan) : NIL)
	{
		if (other->skipped_by || other->state == STEP_VALIDATED)
			continue;
		foreach_ptr(const PlanStep, drop, other->kind == STEP_RENAME ? list_make1(other) : plan_drops(other))
		{
			if (reads == NULL)
				reads = plan_reads(filled);

			/* a word in a function's text is no name that a rename ends */
			if (drop_is_read(drop, filled, reads, other->kind == STEP_RENAME))
				return other;
		}
	}
	return NULL;
}

/* Returns a step with the present names of its table and columns, if its deed knows them by OID */
static PlanStep *
by_names_of_now(PlanStep *step)
{
	List	   *deeds = plan_deeds_of_step(step, step->kind == STEP_FOREIGN_KEY ? DEED_ADD : DEED_CHANGE);
	PlanDeed   *deed = deeds ? linitial(deeds) : NULL;
	PlanStep   *now;

	if (deed == NULL || deed->what == NULL || plan_deed_follow(deed) != DEED_BY_OID ||
		list_length(deed->what->child_columns) != list_length(step->child_columns))
		return step;
	now = palloc(sizeof(PlanStep));
	*now = *step;
	now->child_table = deed->what->child_table;
	now->child_columns = deed->what->child_columns;
	return now;
}

/* Adds a step that fills columns from the object of a drop or rename, unless the list has it */
static List *
add_reader(List *readers, PlanStep *step, const char *reads)
{
	Reader	   *reader;

	foreach_ptr(Reader, other, readers)
	{
		if (other->step->step != step->step || is_elsewhere(other->step, step))
			continue;
		if (reads)
			other->reads = reads;
		return readers;
	}
	reader = palloc0(sizeof(Reader));
	reader->step = by_names_of_now(step);
	reader->reads = reads;
	return lappend(readers, reader);
}

/*
 * Returns a drop with the names that its object had when a deed was done, as
 * far as the plan has renamed it since
 */
static PlanStep *
by_names_of_then(const PlanStep *drop, int64 deed_id, const List *renames)
{
	PlanStep   *then = palloc(sizeof(PlanStep));

	*then = *drop;
	foreach_ptr(const PlanDeed, deed, renames)
	{
		const PlanStep *what = deed->what;
		bool		of_relation = plan_step_is_of_relation(what);
		const char *table = of_relation ? quote_qualified_identifier(sg_parse_table_name(what->child_table).schema, what->new_name) : what->child_table;

		if (deed->id < deed_id || !sg_same_text(table, then->child_table))
			continue;
		if (of_relation)
			then->child_table = what->child_table;
		else if (plan_changed_object(what) == CHANGED_COLUMN && sg_same_text(what->new_name, then->fk_name))
			then->fk_name = what->fk_name;
	}
	return then;
}

/*
 * Returns whether the plan has renamed a relation, or a column of it unless
 * NULL, since a deed was done
 */
static bool
is_renamed(const char *table, const char *column, int64 deed_id, const List *renames)
{
	foreach_ptr(const PlanDeed, deed, renames)
	{
		if (deed->id > deed_id && sg_same_text(deed->what->child_table, table) &&
			(plan_step_is_of_relation(deed->what) || (column && sg_same_text(deed->what->fk_name, column))))
			return true;
	}
	return false;
}

/*
 * Returns in words a relation, or a column of it, that a fill names, that does
 * not exist, and that the plan has not renamed since; or NULL
 */
static char *
not_found(const PlanStep *filled, int64 deed_id, const List *renames)
{
	foreach_ptr(const PlanRead, read, plan_reads_list(plan_reads(filled)))
	{
		char	   *name = read->schema ? quote_qualified_identifier(read->schema, read->name) : NULL;
		Oid			relation = name ? sg_find_qualified(name) : InvalidOid;

		if (name && (!OidIsValid(relation) || (read->column && get_attnum(relation, read->column) == InvalidAttrNumber)) &&
			!is_renamed(name, read->column, deed_id, renames))
			return read->column ? psprintf("column %s of %s", quote_identifier(read->column), name) : name;
	}
	return NULL;
}

/*
 * Adds the steps of which only names tell what they have read, as after a
 * restore, if that may be the object that a drop deletes for good: under
 * another name that the plan has given it, or because the name no longer
 * exists.
 */
static List *
add_readers_elsewhere(List *readers, const PlanStep *drop)
{
	const FkPlan *plan = plan_get(drop->plan);
	List	   *elsewhere = plan_deed_readers_elsewhere(plan);
	List	   *renames = elsewhere ? plan_deed_renames(plan) : NIL;

	foreach_ptr(const DeedReader, done, elsewhere)
	{
		PlanStep   *step = plan_step_get(drop->plan, done->step, true);
		int			n = list_length(readers);
		char	   *why = NULL;

		if (step == NULL || step->step == drop->step || !fills_others(drop, step))
			continue;
		if (takes_what_fills(by_names_of_then(drop, done->id, renames), step))
			why = psprintf("what its fill reads is %s%s by now", plan_changed_object(drop) != CHANGED_COLUMN ? "" :
						   psprintf("column %s of ", quote_identifier(drop->fk_name)), drop->child_table);
		else if ((why = not_found(step, done->id, renames)) != NULL)
			why = psprintf("%s, which its fill reads, is not found, and may have another name; its name is all that is known, as after a restore", why);
		if (why)
			readers = add_reader(readers, step, NULL);
		if (list_length(readers) > n)
			((Reader *) llast(readers))->why = why;
	}
	return readers;
}

/* Returns whether the columns that a step fills exist, under their present names */
static bool
has_columns(const PlanStep *filled)
{
	Oid			table = sg_find_qualified(filled->child_table);

	foreach_ptr(const char, column, filled->child_columns)
	{
		if (!OidIsValid(table) || get_attnum(table, column) == InvalidAttrNumber)
			return false;
	}
	return true;
}

/*
 * Returns whether a step has to do with a drop: one of another plan while its
 * trigger fills rows, and before values go for good
 */
static bool
may_be_reader(const PlanStep *moving, const PlanStep *step)
{
	if (is_elsewhere(moving, step))
		return moving->kind == STEP_DROP && (plan_filler_is_armed(step) || (moving->discard && !step->skipped_by && has_columns(by_names_of_now(unconstify(PlanStep *, step)))));
	return step->step != moving->step;
}

/*
 * Returns the steps that fill columns from the object of a drop or rename
 * (Reader *): by their names, or by the OIDs that they have read
 */
static List *
find_readers(const PlanGraph *graph, const PlanStep *moving)
{
	Oid			table = sg_find_qualified(moving->child_table);
	bool		is_column = moving->kind != STEP_STATEMENT && plan_changed_object(moving) == CHANGED_COLUMN;
	AttrNumber	attnum = is_column && OidIsValid(table) ? get_attnum(table, moving->fk_name) : InvalidAttrNumber;
	List	   *readers = NIL;

	foreach_ptr(const PlanEdge, edge, graph ? plan_needs(graph, moving->step) : NIL)
	{
		if (edge->kind != EDGE_CONTRACT && takes_what_fills(moving, edge->needed))
			readers = add_reader(readers, edge->needed, NULL);
	}
	/* such a step has no edges */
	foreach_ptr(PlanStep, other, graph && plan_step_is_in_order(moving) ? plan_steps(moving->plan) : NIL)
	{
		if (other->step < moving->step && takes_what_fills(moving, other))
			readers = add_reader(readers, other, NULL);
	}
	foreach_ptr(PlanStep, other, moving->kind == STEP_DROP ? plan_steps_filling_elsewhere(moving->plan) : NIL)
	{
		/* the trigger may have gone with its table */
		if (plan_filler_is_armed(other) && takes_what_fills(moving, other))
			readers = add_reader(readers, other, NULL);
	}
	if (!OidIsValid(table) || moving->kind == STEP_STATEMENT || (is_column && attnum == InvalidAttrNumber) || (!is_column && !plan_step_is_of_relation(moving)))
		return readers;
	foreach_ptr(const DeedReader, done, plan_deed_readers(table, attnum))
	{
		const char *reads = done->reads;
		PlanStep   *step = plan_step_get(done->plan, done->step, true);
		Oid			unused;

		if (step && may_be_reader(moving, step) && plan_deed_read_mark(&reads, &unused) && fills_others(moving, by_names_of_now(step)))
			readers = add_reader(readers, step, reads);
	}
	return moving->kind == STEP_DROP && moving->discard ? add_readers_elsewhere(readers, moving) : readers;
}

List *
change_readers(const PlanGraph *graph, const PlanStep *moving)
{
	List	   *drops = moving->kind == STEP_RENAME ? list_make1(unconstify(PlanStep *, moving)) : plan_drops(moving);
	List	   *steps = NIL;

	foreach_ptr(const PlanStep, drop, drops)
	{
		foreach_ptr(const Reader, reader, find_readers(graph, drop))
		{
			/* a word in a function's text is no name that a rename ends */
			if (moving->kind != STEP_RENAME || drop_is_read(moving, reader->step, NULL, true))
				steps = lappend(steps, reader->step);
		}
	}
	return steps;
}

/* Sets a problem for a step of another plan that fills columns from the object, or has yet to */
static void
fills_elsewhere(const PlanStep *filled, ChangeMove *move)
{
	not_held(move, psprintf("plan \"%s\": step %d, %s, takes values from it", filled->plan, filled->step, plan_step_object(filled)),
			 plan_step_is_done(filled) ? psprintf("Its trigger fills new rows. Drop it first, and CALL again:\n%s", plan_release_call(filled->plan)) :
			 psprintf(sg_calls("Have that step done first, and CALL again:\nCALL sg_apply(%s);\nIf nothing is to be carried over, leave it out:\n%s"),
					  quote_literal_cstr(filled->plan), plan_skip_call(filled, "nothing is carried over")));
}

/* A step that gives values to others, once it runs or is taken back, and what it reads then */
typedef struct Carrying
{
	PlanStep   *step;
	const PlanReads *reads;
	bool		undo;			/* the step is done, and reads that when it is
								 * taken back */
} Carrying;

/* Returns whether a query names a table */
static bool
names_table(Node *node, void *table)
{
	const RangeVar *named = node && IsA(node, RangeVar) ? (const RangeVar *) node : NULL;

	if (node == NULL)
		return false;
	if (named && named->schemaname)
		return sg_same_text(quote_qualified_identifier(named->schemaname, named->relname), table);
	return raw_expression_tree_walker(node, names_table, table);
}

/* Returns whether a statement gives values to other rows than those of a table, or to other columns of it than one */
static bool
gives_to_others(const Node *statement, const char *table, const char *column)
{
	const RangeVar *written = IsA(statement, InsertStmt) ? ((const InsertStmt *) statement)->relation :
		IsA(statement, UpdateStmt) ? ((const UpdateStmt *) statement)->relation :
		IsA(statement, MergeStmt) ? ((const MergeStmt *) statement)->relation : NULL;

	if (written == NULL)
		return false;
	if (written->schemaname == NULL || !sg_same_text(quote_qualified_identifier(written->schemaname, written->relname), table))
		return true;
	if (column == NULL || IsA(statement, MergeStmt))
		return column != NULL;
	if (IsA(statement, InsertStmt))
		return names_table(((const InsertStmt *) statement)->selectStmt, unconstify(char *, table));
	foreach_ptr(const ResTarget, target, ((const UpdateStmt *) statement)->targetList)
	{
		if (!sg_same_text(target->name, column))
			return true;
	}
	return false;
}

/*
 * Returns whether a step reads the object that a drop takes for good, and gives
 * its rows or values to others
 */
static bool
carries_from(const PlanStep *step, const PlanReads *reads, const PlanStep *drop)
{
	const char *column = drop->kind == STEP_DROP && plan_changed_object(drop) == CHANGED_COLUMN ? drop->fk_name : NULL;
	bool		gives = step->kind != STEP_STATEMENT;
	ErrorData  *edata;

	if (drop->kind != STEP_DROP || !drop->discard || !is_of_others(drop, step) || !plan_reads_any(reads, drop->child_table, column, false))
		return false;
	foreach_ptr(const RawStmt, raw, gives ? NIL : plan_parse(step->definition, &edata))
	{
		gives |= gives_to_others(raw->stmt, drop->child_table, column);
	}
	return gives;
}

static List *
add_carrying(List *carrying, PlanStep *step, bool undo)
{
	Carrying   *one = palloc(sizeof(Carrying));

	if (!plan_step_carries(step))
		return carrying;
	*one = (Carrying)
	{
		step, plan_reads(step), undo
	};
	return lappend(carrying, one);
}

/* Returns the steps of other plans (Carrying *) that have yet to give rows or values to others */
static List *
find_carrying(const char *plan)
{
	List	   *carrying = NIL;

	foreach_ptr(PlanStep, step, plan_steps_to_carry_elsewhere(plan))
	{
		if (plan_step_is_ahead(step))
			carrying = add_carrying(carrying, step, false);
	}
	return carrying;
}

/* Checks for steps of other plans that have yet to read what a step drops for good */
static void
check_to_carry(List *drops, const char *plan, ChangeOthers *others, ChangeMove *move)
{
	ChangeOthers now = {0};
	bool		discards = false;

	foreach_ptr(const PlanStep, drop, drops)
	{
		discards |= drop->kind == STEP_DROP && drop->discard;
	}
	if (!discards)
		return;
	others = others ? others : &now;
	if (!others->known)
		others->carrying = find_carrying(plan);
	others->known = true;
	foreach_ptr(const Carrying, one, others->carrying)
	{
		foreach_ptr(const PlanStep, drop, drops)
		{
			if (carries_from(one->step, one->reads, drop))
			{
				fills_elsewhere(one->step, move);
				return;
			}
		}
	}
}

/* Compares the values of a drop's object with those filled from it */
static void
check_readers_of(const PlanGraph *graph, const PlanStep *drop, ChangeMove *move)
{
	/* a function has no values */
	foreach_ptr(const Reader, reader, drop->kind == STEP_DROP ? find_readers(graph, drop) : NIL)
	{
		/* the call may have ended the fill since the graph was made */
		PlanStep   *now = plan_step_get(reader->step->plan, reader->step->step, true);
		bool		elsewhere = is_elsewhere(drop, reader->step);

		if (move->kind == MOVE_PROBLEM)
			return;
		if (now)
			reader->step->fills = now->fills;
		now = now ? now : reader->step;
		if (elsewhere && (plan_filler_is_armed(now) || !plan_step_is_done(now)))
		{
			fills_elsewhere(now, move);
			return;
		}
		if (plan_step_is_done(now))
			check_carried(drop, reader, move);
		if (elsewhere && move->kind == MOVE_PROBLEM)
			move->problem->reason = psprintf("plan \"%s\": %s", now->plan, move->problem->reason);
	}
}

/*
 * Does not compute the fill, which knows the column by its former name: if it
 * gives no value, or the application has removed one, the author has to say so.
 */
void
change_check_kept(const PlanDeed *deed, const char *kept)
{
	PlanStep	drop = *deed->what;

	drop.step = deed->step;
	drop.fk_name = pstrdup(kept);
	/* now it goes for good */
	drop.discard = true;
	foreach_ptr(const Reader, reader, find_readers(NULL, &drop))
	{
		PlanStep   *filled = reader->step;
		Oid			table = sg_find_qualified(filled->child_table);
		char	   *condition;
		char	   *take_back;
		char	   *let_go;
		int64		rows;
		char	   *why;

		if (!has_columns(filled) || filled->skipped_by || !sg_same_text(filled->child_table, drop.child_table))
			continue;
		condition = psprintf("%s AND %s IS NOT NULL", any_null(filled->child_columns), quote_identifier(kept));
		rows = count_rows(table, NIL, psprintf("SELECT count(*) FROM %s WHERE %s", filled->child_table, condition), &why);
		if (rows == 0)
			continue;
		take_back = psprintf(sg_calls("To have them filled, take the drop back, and apply the plan again:\nCALL sg_rollback_fks(%s, steps => '{%d}');"),
							 quote_literal_cstr(drop.plan), drop.step);
		let_go = psprintf("UPDATE %s SET %s = NULL WHERE %s", filled->child_table, quote_identifier(kept), condition);
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 rows < 0 ? errmsg("whether all of its values are in (%s) can't be said: %s", sg_quote_list(filled->child_columns), why) :
				 errmsg(INT64_FORMAT " %s a value in it, and none in (%s), which step %d%s has filled from it",
						rows, rows == 1 ? "row has" : "rows have", sg_quote_list(filled->child_columns), filled->step,
						is_elsewhere(&drop, filled) ? psprintf(" of plan \"%s\"", filled->plan) : ""),
				 rows < 0 ? errhint("%s", take_back) :
				 errhint("%s\n%s", take_back,
						 fk_owner_hint("If they need none there, let these values go, and prune again", table, InvalidOid, let_go))));
	}
}

List *
change_wanting(void)
{
	List	   *wanting = find_carrying("");

	foreach_ptr(PlanStep, step, plan_steps_with_undo())
	{
		step->definition = step->undo;
		wanting = add_carrying(wanting, step, true);
	}
	return wanting;
}

void
change_check_wanted(const PlanDeed *deed, const List *wanting)
{
	PlanStep	drop = *deed->what;

	drop.step = deed->step;
	drop.discard = true;
	/* another object has the name by now */
	if (plan_change_finds(&drop))
		return;
	foreach_ptr(const Carrying, one, wanting)
	{
		/* a plan's own fills are compared with what they have read */
		if (!(one->undo || is_elsewhere(&drop, one->step)) || !carries_from(one->step, one->reads, &drop))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg(one->undo ? "step %d of plan \"%s\", %s, takes values from it when it is taken back" :
						"step %d of plan \"%s\", %s, has yet to take values from it", one->step->step, one->step->plan, plan_step_object(one->step)),
				 errhint(sg_calls("To have it back for that:\nCALL sg_rollback_fks(%s, steps => '{%d}');\nIf nobody needs them, say so, and prune again:\n%s"),
						 quote_literal_cstr(drop.plan), drop.step,
						 one->undo ? plan_set_call(one->step, "undo", NULL, NULL) : plan_skip_call(one->step, "nothing is carried over"))));
	}
}

/* Returns the subscription that keeps a fill with an intact trigger from ever being complete, or NULL */
static char *
written_past(const PlanStep *filled)
{
	ChangeMove	move;
	Oid			subscription;
	char	   *name;

	if (filled->kind != STEP_COLUMN || filled->state != STEP_VALIDATED)
		return NULL;
	change_look(filled, &move);
	if (move.kind != MOVE_FILL || !change_keeps_filling(filled, &move))
		return NULL;
	subscription = fk_subscription_of(list_concat(sg_with_partitions(move.table), sg_partition_ancestors(move.table)));
	name = OidIsValid(subscription) ? get_subscription_name(subscription, true) : NULL;
	if (name == NULL)
		return NULL;
	return pstrdup(quote_identifier(name));
}

void
change_check_needs(const PlanGraph *graph, const PlanStep *step, ChangeOthers *others, ChangeMove *move)
{
	List	   *drops;

	foreach_ptr(const PlanEdge, edge, graph ? plan_needs(graph, step->step) : NIL)
	{
		/* the call may have ended the fill since the graph was made */
		PlanStep   *now = plan_step_get(step->plan, edge->needed->step, true);
		PlanStep   *needed = now ? now : edge->needed;

		if (move->kind == MOVE_PROBLEM)
			return;
		if (needed->skipped_by && plan_step_is_done(needed))
			continue;
		if (!still_holds(needed))
		{
			char	   *subscriber = written_past(needed);

			if (subscriber)
				not_held(move, psprintf("subscription %s writes rows past the trigger of step %d, %s, so that it never ends to fill them",
										subscriber, needed->step, plan_step_object(needed)),
						 psprintf("When no row comes from there any more, end it, and CALL again:\n%s", plan_release_call(needed->plan)));
			else
				not_held(move, psprintf("step %d, %s, does not hold any more", needed->step, plan_step_object(needed)),
						 "CALL again for all steps: that makes it anew.");
		}
		else if (edge->kind == EDGE_CONTRACT)
		{
			check_references(step, needed, move);
			if (move->kind != MOVE_PROBLEM)
				check_readers(step, move);
			if (move->kind != MOVE_PROBLEM)
				change_check_rules(step, needed, move);
		}
	}
	drops = move->kind == MOVE_PROBLEM ? NIL : plan_drops(step);
	foreach_ptr(const PlanStep, drop, drops)
	{
		check_readers_of(graph, drop, move);
	}
	if (move->kind != MOVE_PROBLEM)
		check_to_carry(drops, step->plan, others, move);
}

void
change_check_others(const PlanStep *step, ChangeOthers *others, ChangeMove *move)
{
	check_to_carry(plan_drops(step), step->plan, others, move);
}

/* Returns whether all parts of the table keep their rows in this database */
static bool
is_all_here(Oid relid)
{
	foreach_oid(part, sg_all_inheritors(relid))
	{
		if (get_rel_relkind(part) == RELKIND_FOREIGN_TABLE)
			return false;
	}
	return true;
}

/*
 * Returns the number that a query over a whole table returns; -1 if a part
 * keeps its rows elsewhere, or they can't be counted
 */
static int64
count_here(Oid table, Node *expression, const char *sql)
{
	char	   *why;

	return is_all_here(table) ? count_rows(table, expression ? list_make1(expression) : NIL, sql, &why) : -1;
}

/*
 * Returns n, the number of rows or values deleted for good (-1: unknown), and
 * adds it to the counts, unless these are NULL
 */
static int64
count_dropped(RunRows *rows, Oid table, bool values, int64 n)
{
	if (rows && n != 0)
		run_rows_add(rows, table, n < 0 ? UNCOUNTED_DROPPED : values ? VALUES_DROPPED : ROWS_DROPPED, Max(n, 1));
	return n;
}

int64
change_count_gone(List *gone, RunRows *counts)
{
	int64		sum = 0;
	bool		known = true;

	foreach_ptr(const PlanGone, one, gone)
	{
		const char *what = one->column == NULL ? "*" : quote_identifier(one->column);
		int64		rows;

		if (one->attribute)
			what = psprintf("(%s).%s", what, quote_identifier(one->attribute));
		rows = count_here(one->table, one->value, psprintf("SELECT count(%s) FROM %s%s%s", what, sg_relation_name(one->table), one->changed ? " WHERE " : "",
														   one->changed ? one->changed : ""));
		known &= count_dropped(counts, one->table, one->column != NULL, rows) >= 0;
		sum += Max(rows, 0);
	}
	return known ? sum : -1;
}

int64
change_count_lost(const PlanStep *step, const ChangeMove *move, RunRows *counts)
{
	FormData_pg_attribute column;
	char	   *what = "*";

	if (step->kind == STEP_STATEMENT && move->kind == MOVE_STATEMENT)
	{
		List	   *gone = NIL;

		/* the expression of an undo computes the old values back */
		foreach_ptr(PlanGone, one, move->gone)
		{
			if (!one->converted || move->state != STEP_ROLLED_BACK)
				gone = lappend(gone, one);
		}
		return change_count_gone(gone, counts);
	}
	if (step->kind != STEP_DROP || !step->discard || move->kind != MOVE_STATEMENT || !OidIsValid(move->table))
		return 0;
	if (plan_changed_object(step) == CHANGED_COLUMN)
	{
		if (!sg_read_column(move->table, get_attnum(move->table, step->fk_name), &column) || column.attgenerated)
			return 0;
		what = pstrdup(quote_identifier(step->fk_name));
	}
	else if (plan_changed_object(step) != CHANGED_TABLE)
		return 0;
	return count_dropped(counts, move->table, plan_changed_object(step) == CHANGED_COLUMN,
						 count_here(move->table, NULL, psprintf("SELECT count(%s) FROM %s", what, step->child_table)));
}

/*
 * Returns a condition for the rows whose value in a step's column neither its
 * default nor its fill is known to give, and the expressions in it; sets *why
 * if one of these can't be compared, so that its own values are included.
 */
static char *
condition_of_others(const PlanStep *step, Oid table, List **expressions, const char **why)
{
	const char *name = linitial(step->child_columns);
	ChangeMove	look = {.table = table};
	Node	   *initial = NULL;
	Node	   *fill = NULL;
	StringInfoData condition;

	*expressions = NIL;
	*why = NULL;
	initStringInfo(&condition);
	appendStringInfo(&condition, "%s IS NOT NULL", quote_identifier(name));
	if (!change_column_values(step, &look, &initial, &fill))
		*why = look.problem->reason;
	else if (step->fill && fill == NULL)
		*why = "its fill is a query";
	else if (initial == NULL && (sg_column(table, get_attnum(table, name)).attidentity != '\0' ||
								 change_current_default(table, get_attnum(table, name))))
		*why = "a sequence, or a default that is not the step's, gives values, too";
	foreach_ptr(Node, expression, list_make2(initial, fill))
	{
		char	   *value;

		if (expression == NULL)
			continue;
		if (contain_mutable_functions(expression))
		{
			*why = psprintf("its %s is not immutable", expression == initial ? "default" : "fill");
			continue;
		}
		*expressions = lappend(*expressions, expression);
		value = change_deparse(table, expression);
		/* deparsed without the cast, for which an assignment may suffice */
		if (is_converted(expression))
			value = psprintf("CAST(%s AS %s)", value, format_type_be_qualified(get_atttype(table, get_attnum(table, name))));
		appendStringInfo(&condition, " AND %s", differs(table, name, value));
	}
	return condition.data;
}

void
change_check_values(const PlanStep *step, ChangeMove *move)
{
	FormData_pg_attribute column;
	const char *name = linitial(step->child_columns);
	const char *trigger = plan_filler_is_armed(step) ? psprintf("%s CASCADE;\n", (char *) llast(plan_filler_disarm_statements(step))) : "";
	List	   *expressions;
	char	   *condition;
	const char *unknown;
	int64		rows;
	char	   *why;

	if (!sg_read_column(move->table, get_attnum(move->table, name), &column) ||
		column.attgenerated || column.attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
		return;
	condition = condition_of_others(step, move->table, &expressions, &unknown);
	rows = count_rows(move->table, expressions, psprintf("SELECT count(*) FROM %s WHERE %s", step->child_table, condition), &why);
	if (rows < 0)
		not_held(move, psprintf("whether it holds values that the step has not given it can't be told: %s", why), NULL);
	else if (rows > 0)
		not_held(move, psprintf("it holds " INT64_FORMAT " %s that the step %s%s", rows, rows == 1 ? "value" : "values",
								unknown ? "may not have given it: " : "has not given it", unknown ? unknown : ""),
				 psprintf("Where nobody needs them any more, drop it and roll back again:\n%sALTER TABLE %s DROP COLUMN %s;\n%s",
						  trigger, step->child_table, quote_identifier(name), plan_rollback_call(step)));
}

bool
change_has_rows(Oid relid, const char *table)
{
	return count_here(relid, NULL, psprintf("SELECT count(*) FROM (SELECT FROM %s LIMIT 1) one", table)) != 0;
}

char *
change_lost_text(const PlanStep *step, int64 rows, bool done)
{
	const char *what = step->kind == STEP_STATEMENT ? (rows == 1 ? "row or value" : "rows or value") :
		plan_changed_object(step) == CHANGED_COLUMN ? "value" : "row";
	const char *verb = done ? " gone" : rows == 1 ? " goes" : " go";

	return rows < 0 ? psprintf("%ss that could not be counted%s for good", what, verb) :
		psprintf(INT64_FORMAT " %s%s%s for good", rows, what, rows == 1 ? "" : "s", verb);
}

/* ---- objects that never existed ---- */

char *
change_nearest_hint(const PlanStep *step, Oid table)
{
	const char *option = "fk_name";
	char	   *near;

	if (!OidIsValid(table))
	{
		option = "child_table";
		near = sg_nearest_table(step->child_table);
	}
	else if (plan_changed_object(step) == CHANGED_COLUMN)
		near = sg_nearest_column(table, step->fk_name);
	else
		near = plan_nearest_part(step, table);

	/*
	 * the object may be gone already, and a hint must not drop another one
	 */
	if (step->kind == STEP_DROP)
		return psprintf("If it is gone already, leave the step out%s:\n%s",
						near ? psprintf("; if you meant %s, too, and add a step for that", OidIsValid(table) ? quote_identifier(near) : near) : "",
						plan_skip_call(step, "there is no such object"));
	if (near == NULL)
		return psprintf("Correct the step, or leave it out:\n%s", plan_skip_call(step, "there is no such object"));
	/* the name of a relation occurs twice in its step */
	return psprintf("Perhaps you meant %s:\n%s", OidIsValid(table) ? quote_identifier(near) : near,
					OidIsValid(table) ? plan_set_call(step, option, near, NULL) :
					plan_set_call(step, option, near, "fk_name", sg_parse_table_name(near).name, NULL));
}
