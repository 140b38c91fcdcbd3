/*-------------------------------------------------------------------------
 *
 * plan_backfill.c
 *	  A step whose columns are filled: the expressions as SQL.
 *
 *	  The option backfill is a list of expressions over the child's row, one
 *	  per column of the key.  They are used in two places: in UPDATEs of
 *	  existing rows, and in a trigger for rows that are written meanwhile.
 *	  Both look names up in pg_catalog alone, so that no other user's object
 *	  can interfere; other names need their schema.  Only empty columns are
 *	  filled.  The trigger of a key's columns also follows a row whose values
 *	  change, unless the application writes the columns itself; so does that
 *	  of a new column that is to replace another one.  A trigger never fails:
 *	  a row for which the expressions raise an error stays without values, and
 *	  is found before the step goes on. (plan_filler.c makes it.)
 *
 *	  A step of another kind is filled by a copy of it, which has the value of
 *	  its only column as option backfill: a new column and NOT NULL for empty
 *	  columns, CHECK for rows that break it (plan_filling_step()).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "fk/fk.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"
#include "plan/plan_reads.h"

/* ---- accepted expressions ---- */

/* Returns whether a SELECT has nothing but a list of expressions */
static bool
is_plain_list(const SelectStmt *select)
{
	ListCell   *lc;

	if (select->op != SETOP_NONE || select->distinctClause || select->intoClause ||
		select->fromClause || select->whereClause || select->groupClause ||
		select->havingClause || select->windowClause || select->valuesLists ||
		select->sortClause || select->limitOffset || select->limitCount ||
		select->lockingClause || select->withClause)
		return false;

	foreach(lc, select->targetList)
	{
		Node	   *value = lfirst_node(ResTarget, lc)->val;

		if (IsA(value, ColumnRef) && IsA(llast(((ColumnRef *) value)->fields), A_Star))
			return false;
	}
	return true;
}

void
plan_check_backfill(const PlanStep *step)
{
	ErrorData  *edata;
	List	   *statements = plan_parse(psprintf("SELECT %s", step->backfill), &edata);
	SelectStmt *select = NULL;

	if (list_length(statements) == 1 && IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;

	if (select == NULL || !is_plain_list(select))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("backfill is not a list of expressions"),
				 edata ? errdetail("The parser says: %s.", edata->message) : 0,
				 errhint("Write what would stand between SELECT and FROM; a subquery in parentheses may read a table of pairs.")));
	if (list_length(select->targetList) != list_length(step->child_columns))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("backfill has %d expressions for %d columns",
						list_length(select->targetList), list_length(step->child_columns)),
				 errhint("Give one expression for each of child_columns, in their order.")));
}

PlanStep *
plan_filling_step(const PlanStep *step, const char *column, const char *value, bool carries)
{
	PlanStep   *filling = palloc(sizeof(PlanStep));

	memcpy(filling, step, sizeof(PlanStep));
	filling->child_columns = list_make1(pstrdup(column));
	filling->backfill = pstrdup(value);
	filling->parent_table = step->child_table;
	filling->carries = carries;
	return filling;
}

/* ---- tables ---- */

List *
plan_backfill_tables(const PlanStep *step)
{
	PlanRowReads reads = plan_reads_of_row(psprintf("SELECT %s\n WHERE (%s\n)", step->backfill,
													step->kind == STEP_CHECK ? step->definition : "true"), step->child_table);
	List	   *tables = NIL;
	SgScope		scope;

	sg_caller_begin(&scope);
	foreach_ptr(RangeVar, relation, reads.relations)
	{
		Oid			relid = RangeVarGetRelid(relation, NoLock, true);

		if (OidIsValid(relid))
			tables = list_append_unique_oid(tables, relid);
	}
	sg_scope_end(&scope);
	return tables;
}

/* ---- as SQL ---- */

char *
plan_backfill_each(const PlanStep *step, const char *separator, const char *pattern)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, step->child_columns)
	{
		if (buf.len > 0)
			appendStringInfoString(&buf, separator);
		for (const char *p = pattern; *p; p++)
		{
			if (p[0] == '%' && p[1] == 'c')
				appendStringInfoString(&buf, quote_identifier(lfirst(lc)));
			else if (p[0] == '%' && p[1] == 'n')
				appendStringInfo(&buf, "\"~v%d\"", foreach_current_index(lc) + 1);
			else
			{
				appendStringInfoChar(&buf, *p);
				continue;
			}
			p++;
		}
	}
	return buf.data;
}

/* Returns the child's unqualified name, by which the expressions may refer to its row */
static const char *
row_name(const PlanStep *step)
{
	return quote_identifier(sg_parse_table_name(step->child_table).name);
}

/* Returns the query for the values of the expressions for each row of `source`, as "~v1", "~v2", ... */
static char *
values_from(const PlanStep *step, const char *columns, const char *source)
{
	/* with a line break, because the expressions may end in a comment */
	return psprintf("SELECT %s FROM %s AS %s CROSS JOIN LATERAL (SELECT %s\n) AS \"~v\" (%s)",
					columns, source, row_name(step), step->backfill,
					plan_backfill_each(step, ", ", "%n"));
}

/* Returns the expression of a generated column, as text that means the same under any settings */
static char *
generated_value(Oid table, AttrNumber attnum)
{
	Node	   *expression = sg_column_default(table, attnum);
	char	   *name = sg_rel_name(table);
	SgScope		scope;
	char	   *text;

	sg_caller_begin(&scope);
	sg_scope_pin_texts();
	text = deparse_expression(expression, deparse_context_for(name, table), false, false);

	sg_scope_end(&scope);
	return text;
}

/*
 * Returns the condition for rows that are to get values, by their alias; the
 * condition names columns alone, or by the table
 */
static char *
is_wanting(const PlanStep *step, const char *alias)
{
	StringInfoData sql;
	ListCell   *lc;

	if (step->kind == STEP_CHECK)
		return psprintf("(NOT (%s\n))", step->definition);
	initStringInfo(&sql);
	foreach(lc, step->child_columns)
		appendStringInfo(&sql, "%s%s.%s IS NULL", sql.len ? " OR " : "(", alias,
						 quote_identifier(lfirst(lc)));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* Returns a column of a row, or the value that replaces it */
static char *
row_column(const PlanStep *step, const char *row, const Form_pg_attribute att, const char *value)
{
	if (value == NULL || strcmp(NameStr(att->attname), linitial(step->child_columns)) != 0)
		return psprintf("%s.%s", row, quote_identifier(NameStr(att->attname)));
	return psprintf("CAST(%s AS %s) AS %s", value,
					format_type_extended(att->atttypid, att->atttypmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY),
					quote_identifier(NameStr(att->attname)));
}

/*
 * Returns a row before it is written, as a subquery: the one that a trigger
 * sees, or, with a value, one whose column has that value.  Generated columns,
 * which are computed after BEFORE triggers, are computed here.
 */
static char *
row_source(const PlanStep *step, const char *row, const char *value)
{
	Oid			table = sg_find_qualified(step->child_table);
	SgCatalog	attributes;
	HeapTuple	tuple;
	StringInfoData stored;
	StringInfoData columns;
	bool		any = value != NULL;

	initStringInfo(&stored);
	initStringInfo(&columns);
	sg_catalog_begin(&attributes, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, table, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&attributes)))
	{
		Form_pg_attribute att = (Form_pg_attribute) GETSTRUCT(tuple);
		const char *name = quote_identifier(NameStr(att->attname));

		if (att->attnum <= 0 || att->attisdropped)
			continue;
		any |= att->attgenerated != '\0';
		appendStringInfoString(&columns, columns.len ? ", " : "");
		if (att->attgenerated != '\0')
			appendStringInfo(&columns, "(%s) AS %s", generated_value(table, att->attnum), name);
		else
		{
			appendStringInfo(&columns, "\"~r\".%s", name);
			appendStringInfo(&stored, "%s%s", stored.len ? ", " : "", row_column(step, row, att, value));
		}
	}
	return any ? psprintf("(SELECT %s FROM (SELECT %s) AS \"~r\")", columns.data, value ? stored.data : psprintf("%s.*", row)) :
		psprintf("(SELECT %s.*)", row);
}

/*
 * Returns the condition that a value mends a row that breaks a CHECK.  Other
 * values are never written, so that each row gets its value once, or stays as
 * it is.
 */
static char *
mends(const PlanStep *step, const char *alias, const char *value)
{
	return psprintf("(SELECT (%s\n) IS NOT FALSE FROM %s AS %s)", step->definition,
					row_source(step, alias, value), row_name(step));
}

/*
 * No write of a row fails because of the trigger; the server's log has errors
 * of the expressions themselves, such as a renamed column
 */
#define UNFIT \
	"EXCEPTION WHEN OTHERS THEN\n" \
	"	IF SQLSTATE LIKE '42%%' THEN RAISE LOG 'rows of %% come without a value: %%', TG_RELID::regclass, SQLERRM; END IF;\n"

static PlanRowReads
reads_of(const PlanStep *step)
{
	return plan_reads_of_row(psprintf("SELECT %s", step->backfill), step->child_table);
}

/*
 * Returns the columns (names) that the expressions read of the row, except
 * those that they fill.  The row as a whole, and a generated column, stand for
 * all columns, and set *all.
 */
static List *
columns_read(const PlanStep *step, bool *all)
{
	PlanRowReads reads = reads_of(step);
	List	   *columns = NIL;
	SgCatalog	attributes;
	HeapTuple	tuple;

	sg_catalog_begin(&attributes, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, reads.relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&attributes)))
	{
		Form_pg_attribute att = (Form_pg_attribute) GETSTRUCT(tuple);
		char	   *name = NameStr(att->attname);

		if (att->attnum > 0 && !att->attisdropped && att->attgenerated == '\0' && !sg_has_name(step->child_columns, name) &&
			(reads.all || sg_has_name(reads.columns, name)))
			columns = lappend(columns, pstrdup(name));
	}
	sg_catalog_end(&attributes);
	*all = reads.all;
	return columns;
}

char *
plan_backfill_of_empty(const PlanStep *step, const char *value)
{
	PlanRowReads reads = reads_of(step);
	const char *column = linitial(step->child_columns);
	StringInfoData row;
	SgCatalog	attributes;
	HeapTuple	tuple;

	if (!reads.all && !sg_has_name(reads.columns, column))
		return pstrdup(value);
	initStringInfo(&row);
	sg_catalog_begin(&attributes, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, reads.relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&attributes)))
	{
		Form_pg_attribute att = (Form_pg_attribute) GETSTRUCT(tuple);

		if (att->attnum > 0 && !att->attisdropped)
			appendStringInfo(&row, "%s%s", row.len ? ", " : "", strcmp(NameStr(att->attname), column) == 0 ? "NULL" :
							 psprintf("%s.%s", row_name(step), quote_identifier(NameStr(att->attname))));
	}
	sg_catalog_end(&attributes);
	return psprintf("(SELECT %s FROM pg_catalog.unnest(ARRAY[CAST(ROW(%s) AS %s)]) AS %s)", value, row.data, step->child_table, row_name(step));
}

/*
 * Returns a condition that is true if an UPDATE changes columns that the
 * expressions read, or the expressions are volatile.
 */
static char *
reads_change(const PlanStep *step)
{
	StringInfoData sql;
	bool		all;

	initStringInfo(&sql);
	foreach_ptr(const char, column, columns_read(step, &all))
	{
		const char *name = quote_identifier(column);

		appendStringInfo(&sql, "%sNEW.%s::text IS DISTINCT FROM OLD.%s::text", sql.len ? " OR " : "", name, name);
	}
	return sql.len ? sql.data : pstrdup("false");
}

char *
plan_backfill_change(const PlanStep *step)
{
	StringInfoData new;
	StringInfoData old;
	bool		all;

	initStringInfo(&new);
	initStringInfo(&old);
	foreach_ptr(const char, column, columns_read(step, &all))
	{
		const char *name = quote_identifier(column);

		appendStringInfo(&new, "%sNEW.%s", new.len ? ", " : "", name);
		appendStringInfo(&old, "%sOLD.%s", old.len ? ", " : "", name);
	}
	return all || new.len == 0 ? NULL : psprintf("pg_catalog.record_image_ne(ROW(%s), ROW(%s))", new.data, old.data);
}

/*
 * Returns a condition that is true if NULL in a column would be refused: by NOT
 * NULL, or by a step's CHECK that, before PostgreSQL 18, is to become it.
 */
static char *
refuses_null(const char *column)
{
	return psprintf("EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = TG_RELID AND a.attname = %s"
					" AND (a.attnotnull OR EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = a.attrelid AND c.contype = 'c'"
					" AND c.conkey = ARRAY[a.attnum] AND pg_get_expr(c.conbin, c.conrelid) LIKE '%%IS NOT NULL%%')))",
					quote_literal_cstr(column));
}

/*
 * Returns the trigger's code for a row that has a value: an UPDATE of the
 * columns from which the value was computed gives it the new one, unless the
 * application has written the column itself, now or before, or the new value
 * would be refused as NULL.  Such a row keeps its value, and the drop of those
 * columns waits.
 */
static char *
carrying_body(const PlanStep *step)
{
	Oid			table = sg_find_qualified(step->child_table);
	Oid			type;
	int32		typmod;
	Oid			collation;
	StringInfoData body;

	get_atttypetypmodcoll(table, get_attnum(table, linitial(step->child_columns)), &type, &typmod, &collation);
	initStringInfo(&body);
	appendStringInfo(&body,
					 "	IF NOT (NEW.%s IS NULL) THEN\n"
					 "		IF %s THEN RETURN NEW; END IF;\n",
					 quote_identifier(linitial(step->child_columns)),
					 plan_backfill_each(step, " OR ", "NEW.%c::text IS DISTINCT FROM OLD.%c::text"));
	appendStringInfo(&body,
					 "		%s INTO sg_now;\n"
					 "		IF %s THEN RETURN NEW; END IF;\n"
					 "		%s INTO sg_now;\n",
					 values_from(step, "\"~v\".*", row_source(step, "OLD", NULL)),
					 plan_backfill_each(step, " OR ", psprintf("CAST(sg_now.%%n AS %s)::text IS DISTINCT FROM OLD.%%c::text",
															   format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY))),
					 values_from(step, "\"~v\".*", row_source(step, "NEW", NULL)));
	appendStringInfo(&body,
					 "		IF %s AND %s THEN RETURN NEW; END IF;\n"
					 "		%s;\n"
					 "		RETURN NEW;\n"
					 "	END IF;\n",
					 plan_backfill_each(step, " AND ", "sg_now.%n IS NULL"), refuses_null(linitial(step->child_columns)),
					 plan_backfill_each(step, "; ", "NEW.%c := sg_now.%n"));
	return body.data;
}

/*
 * Returns the trigger's body for fills that no application follows: a row that
 * wants a value gets it, whoever has written it.  By policy "set" a row that
 * broke the rule before is left to the passes, which keep its old value for a
 * rollback.
 */
static char *
mending_body(const PlanStep *step)
{
	StringInfoData body;
	char	   *passed = step->kind == STEP_COLUMN ? "" :
		psprintf("	IF TG_OP = 'UPDATE' THEN\n"
				 "		IF EXISTS (SELECT FROM %s AS %s WHERE %s) THEN RETURN NEW; END IF;\n"
				 "	END IF;\n", row_source(step, "OLD", NULL), row_name(step), is_wanting(step, row_name(step)));

	initStringInfo(&body);
	appendStringInfoString(&body,
						   "#variable_conflict use_column\n"
						   "DECLARE\n"
						   "	sg_now record;\n"
						   "BEGIN\n");
	appendStringInfo(&body,
					 "	IF NOT EXISTS (SELECT FROM pg_class t WHERE t.oid = TG_RELID"
					 " AND pg_get_userbyid(t.relowner) = current_user) THEN RETURN NEW; END IF;\n"
					 "%s%s"
					 "	%s INTO sg_now WHERE %s%s;\n"
					 "	IF FOUND THEN %s; END IF;\n"
					 "	RETURN NEW;\n"
					 UNFIT
					 "	RETURN NEW;\n"
					 "END\n",
					 step->carries ? carrying_body(step) : "", passed,
					 values_from(step, "\"~v\".*", row_source(step, "NEW", NULL)), is_wanting(step, row_name(step)),
					 step->kind == STEP_CHECK ? psprintf(" AND %s", mends(step, row_name(step), "\"~v1\"")) : "",
					 plan_backfill_each(step, "; ", "NEW.%c := sg_now.%n"));
	return body.data;
}

/* ---- the parent ---- */

/*
 * Resolves a step's key, whose parent may be read as the owner of the child:
 * code on it is that role's own, or a superuser's. *locks: its rows may be
 * locked, too.
 */
static bool
find_parent(const PlanStep *step, FkKey *key, bool *locks)
{
	Oid			owner;
	Oid			parents;

	if (step->kind != STEP_FOREIGN_KEY || plan_step_key(step, key) != NULL || key->period)
		return false;
	owner = code_table_owner(key->child);
	parents = code_table_owner(key->parent);
	*locks = pg_class_aclcheck(key->parent, owner, ACL_UPDATE) == ACLCHECK_OK;
	return (parents == owner || superuser_arg(parents)) && pg_class_aclcheck(key->parent, owner, ACL_SELECT) == ACLCHECK_OK;
}

/* Returns FROM and WHERE for the parent of a row, whose empty columns get these values, if given */
static char *
from_parent(const PlanStep *step, const FkKey *key, const char *row, List *values)
{
	List	   *columns = step->child_columns;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "FROM %s%s AS \"~p\" WHERE ", get_rel_relkind(key->parent) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 sg_relation_name(key->parent));
	for (int i = 0; i < key->nkeys; i++)
	{
		char	   *given = psprintf("%s.%s", row, quote_identifier(list_nth(columns, i)));
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(key->child, key->child_att[i], &type, &typmod, &collation);
		if (values)
			given = psprintf("coalesce(%s, CAST(%s AS %s))", given, (char *) list_nth(values, i),
							 format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
		appendStringInfoString(&sql, i ? " AND " : "");
		fk_append_equal(&sql, key, i, psprintf("\"~p\".%s", quote_identifier(sg_column_name(key->parent, key->parent_att[i]))), given);
	}
	return sql.data;
}

/*
 * Returns the trigger's body once the key exists: the server looks for the
 * parent of each value that the trigger gives, and would make the application
 * wait for a session that has locked that row, or fail if it is deleted.  So a
 * row whose parent is locked, or missing, stays without a value.
 */
static char *
checked_by_parent(const PlanStep *step)
{
	FkKey		key;
	bool		locks;

	if (!find_parent(step, &key, &locks))
		return pstrdup("");
	return psprintf("	IF %s AND EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = TG_RELID AND c.contype = 'f'"
					" AND c.confrelid = to_regclass(%s)) THEN\n"
					"		PERFORM %s%s;\n"
					"		IF NOT FOUND THEN %s; END IF;\n"
					"	END IF;\n",
					plan_backfill_each(step, " AND ", "NEW.%c IS NOT NULL"), quote_literal_cstr(sg_relation_name(key.parent)),
					from_parent(step, &key, "NEW", NIL), locks ? " FOR KEY SHARE OF \"~p\" SKIP LOCKED" : "",
					plan_backfill_each(step, ";\n\t\t", "IF sg_all OR sg_given.%c IS NULL THEN NEW.%c := NULL; END IF"));
}

char *
plan_backfill_body(const PlanStep *step)
{
	StringInfoData body;

	if (step->kind != STEP_FOREIGN_KEY)
		return mending_body(step);

	initStringInfo(&body);
	appendStringInfo(&body,
					 "#variable_conflict use_column\n"
					 "DECLARE\n"
					 "	sg_given record := NEW;\n"
					 "	sg_now record;\n"
					 "	sg_was record;\n"
					 "	sg_all boolean := false;\n"
					 "BEGIN\n"
					 "	IF NOT EXISTS (SELECT FROM pg_class t WHERE t.oid = TG_RELID"
					 " AND pg_get_userbyid(t.relowner) = current_user) THEN RETURN NEW; END IF;\n"
					 "	IF TG_OP = 'UPDATE' THEN\n"
					 "		IF %s THEN RETURN NEW; END IF;\n"
					 "		sg_all := %s;\n",
					 plan_backfill_each(step, " OR ", "NEW.%c::text IS DISTINCT FROM OLD.%c::text"),
					 plan_backfill_each(step, " AND ", "OLD.%c IS NOT NULL"));
	appendStringInfo(&body,
					 "		IF sg_all AND NOT (%s) THEN RETURN NEW; END IF;\n"
					 "	ELSIF %s THEN\n"
					 "		RETURN NEW;\n"
					 "	END IF;\n"
					 "	%s INTO sg_now;\n"
					 "	IF sg_all THEN\n",
					 reads_change(step),
					 plan_backfill_each(step, " AND ", "NEW.%c IS NOT NULL"),
					 values_from(step, "\"~v\".*", row_source(step, "NEW", NULL)));
	appendStringInfo(&body,
					 "		%s INTO sg_was;\n"
					 "		IF %s THEN RETURN NEW; END IF;\n"
					 "	END IF;\n"
					 "	%s;\n"
					 "%s"
					 "	RETURN NEW;\n"
					 UNFIT
					 "	IF sg_all THEN %s; END IF;\n"
					 "	RETURN sg_given;\n"
					 "END\n",
					 values_from(step, "\"~v\".*", row_source(step, "OLD", NULL)),
					 plan_backfill_each(step, " AND ", "sg_now.%n::text IS NOT DISTINCT FROM sg_was.%n::text"),
					 plan_backfill_each(step, ";\n\t", "IF sg_all OR NEW.%c IS NULL THEN NEW.%c := sg_now.%n; END IF"),
					 checked_by_parent(step),
					 plan_backfill_each(step, "; ", "sg_given.%c := NULL"));
	return body.data;
}

static int
count_of(const char *text, const char *part)
{
	int			n = 0;

	while ((text = strstr(text, part)) !=NULL)
	{
		text	  +=strlen(part);

		n++;
	}
	return n;
}

bool
plan_backfill_is_body(const char *body, const PlanStep *step)
{
	int			n = 0;

	foreach_ptr(const char, column, step->child_columns)
	{
		int			given = count_of(body, psprintf("NEW.%s := sg_now.", quote_identifier(column)));

		if (given == 0)
			return false;
		n += given;
	}
	if (n != count_of(body, " := sg_now."))
		return false;
	if (strstr(body, "sg_was") || step->kind == STEP_FOREIGN_KEY)
		return strstr(body, "sg_was") && step->kind == STEP_FOREIGN_KEY;
	return (step->kind == STEP_COLUMN) == (strstr(body, "	IF TG_OP = 'UPDATE' THEN") == NULL);
}

/*
 * Returns the type of a parent's column, or a domain's base type, because a
 * domain could make ADD COLUMN read all rows
 */
static char *
column_type(Oid parent, AttrNumber attnum)
{
	Oid			type;
	Oid			collation;
	int32		typmod;
	char	   *text;

	get_atttypetypmodcoll(parent, attnum, &type, &typmod, &collation);
	type = getBaseTypeAndTypmod(type, &typmod);
	text = format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);

	if (!OidIsValid(collation) || collation == get_typcollation(type))
		return text;

	return psprintf("%s COLLATE %s", text, generate_collation_name(collation));
}

char *
plan_backfill_column_statement(const PlanStep *step)
{
	Oid			child = sg_find_qualified(step->child_table);
	Oid			parent = sg_find_qualified(step->parent_table);
	List	   *parent_columns = step->parent_columns;
	StringInfoData sql;
	ListCell   *lc;
	ListCell   *lc2;

	if (step->kind != STEP_FOREIGN_KEY || !OidIsValid(child) || !OidIsValid(parent))
		return NULL;
	if (parent_columns == NIL)
		parent_columns = fk_primary_key(parent);

	initStringInfo(&sql);
	forboth(lc, step->child_columns, lc2, parent_columns)
	{
		AttrNumber	attnum = get_attnum(parent, lfirst(lc2));

		if (attnum != InvalidAttrNumber && get_attnum(child, lfirst(lc)) == InvalidAttrNumber)
			appendStringInfo(&sql, "%s ADD COLUMN IF NOT EXISTS %s %s", sql.len ? "," : "",
							 quote_identifier(lfirst(lc)), column_type(parent, attnum));
	}
	return sql.len ? psprintf("ALTER TABLE %s%s", step->child_table, sql.data) : NULL;
}

Oid
plan_backfill_parent(const PlanStep *step)
{
	FkKey		key;
	bool		locks;

	return find_parent(step, &key, &locks) && fk_declared_twin(&key) ? key.parent : InvalidOid;
}

/*
 * Returns, after AND, the condition that a value has a parent, if the key
 * exists and would refuse other values; else an empty text.  The value is that
 * of the one column, or, if NULL, those in "~v".
 */
static char *
and_has_parent(const PlanStep *step, const char *alias, const char *value)
{
	List	   *values = NIL;
	FkKey		key;
	bool		locks;

	if (!find_parent(step, &key, &locks) || fk_declared_twin(&key) == NULL)
		return pstrdup("");
	for (int i = 0; i < key.nkeys; i++)
		values = lappend(values, value ? unconstify(char *, value) : psprintf("\"~v%d\"", i + 1));
	return psprintf(" AND EXISTS (SELECT %s)", from_parent(step, &key, alias, values));
}

/*
 * Returns the condition that a column is empty, and has a value in "~v"; for a
 * CHECK, a value that mends the row
 */
static char *
can_be_filled(const PlanStep *step, const char *alias)
{
	StringInfoData sql;
	ListCell   *lc;

	if (step->kind == STEP_CHECK)
		return mends(step, alias, "\"~v1\"");
	initStringInfo(&sql);
	foreach(lc, step->child_columns)
		appendStringInfo(&sql, "%s(%s.%s IS NULL AND \"~v%d\" IS NOT NULL)", sql.len ? " OR " : "", alias,
						 quote_identifier(lfirst(lc)), foreach_current_index(lc) + 1);
	return psprintf("(%s)%s", sql.data, and_has_parent(step, alias, NULL));
}

/* Returns the assignment of each column; `value` is a pattern for plan_backfill_each() */
static char *
assignments(const PlanStep *step, const char *alias, const char *value)
{
	return plan_backfill_each(step, ", ", list_length(step->child_columns) == 1 ?
							  psprintf("%%c = %s", value) :
							  psprintf("%%c = coalesce(%s.%%c, %s)", alias, value));
}

/*
 * Returns the UPDATE that finds the rows first and then updates them by ctid: a
 * row that somebody else has written in between has been filled by the trigger.
 */
char *
plan_backfill_update(const PlanStep *step)
{
	char	   *found = values_from(step, psprintf("%s.tableoid AS \"~table\", %s.ctid AS \"~place\", \"~v\".*",
												   row_name(step), row_name(step)), step->child_table);

	return psprintf("WITH \"~new\" AS MATERIALIZED (%s WHERE %s)"
					" UPDATE %s AS \"~t\" SET %s FROM \"~new\" AS \"~n\""
					" WHERE \"~t\".ctid = \"~n\".\"~place\" AND \"~t\".tableoid = \"~n\".\"~table\" AND %s AND (%s)",
					found, is_wanting(step, row_name(step)), step->child_table,
					assignments(step, "\"~t\"", "\"~n\".%n"), is_wanting(step, "\"~t\""),
					plan_backfill_each(step, " OR ", "(\"~t\".%c IS NULL AND \"~n\".%n IS NOT NULL)"));
}

/*
 * Returns the condition for the rows of a batch that want a value: a single
 * volatile one, so that neither index nor statistics replace the block range
 */
static char *
of_batch(const PlanStep *step, const PlanFillBatch *batch)
{
	const char *row = row_name(step);

	return psprintf("%s.ctid >= '(%u,0)'::tid AND %s.ctid < '(%u,0)'::tid"
					" AND (%s.ctid >= '(%u,0)'::tid AND clock_timestamp() < $1 AND %s) IS TRUE",
					row, batch->from, row, batch->to, row, batch->from, is_wanting(step, row));
}

/* Returns the RETURNING list of a batch that keeps old values */
static char *
returning(const PlanStep *step, const PlanFillBatch *batch, const char *row, const char *was)
{
	StringInfoData sql;

	initStringInfo(&sql);
	foreach_ptr(const char, column, batch->key)
	{
		appendStringInfo(&sql, "%s%s.%s", sql.len ? ", " : " RETURNING ", row, quote_identifier(column));
	}
	if (sql.len)
		appendStringInfo(&sql, ", %s.%s, %s", row, quote_identifier(linitial(step->child_columns)), was);
	return sql.data;
}

/*
 * Returns the UPDATE of rows that no session has locked, which locks none of
 * them before and is half as expensive
 */
static char *
write_alone(const PlanStep *step, const char *table, const PlanFillBatch *batch)
{
	const char *row = row_name(step);
	const char *column = quote_identifier(linitial(step->child_columns));

	if (step->kind == STEP_CHECK)
		return psprintf("UPDATE ONLY %s AS %s SET %s = (%s\n) WHERE %s AND %s%s", table, row, column, step->backfill,
						of_batch(step, batch), mends(step, row, psprintf("(%s\n)", step->backfill)), returning(step, batch, row, "NULL"));
	return psprintf("UPDATE ONLY %s AS %s SET %s = (%s\n) WHERE %s AND %s.%s IS NULL AND (%s\n) IS NOT NULL%s%s",
					table, row, column, step->backfill, of_batch(step, batch), row, column, step->backfill,
					and_has_parent(step, row, psprintf("(%s\n)", step->backfill)), returning(step, batch, row, "NULL"));
}

/*
 * OFFSET 0 has each value computed once.  A row is locked when its value is
 * known, and updated before the next one is read.  A row that has moved since
 * it was read has been written by somebody else, and was filled by the trigger.
 */
char *
plan_backfill_write(const PlanStep *step, const char *table, const PlanFillBatch *batch)
{
	const char *row = row_name(step);

	if (batch->alone)
		return write_alone(step, table, batch);
	return psprintf("UPDATE ONLY %s AS \"~t\" SET %s FROM (SELECT \"~v\".*, %s.%s AS \"~was\" FROM ONLY %s AS %s"
					" CROSS JOIN LATERAL (SELECT %s.ctid, %s\n OFFSET 0) AS \"~v\" (\"~place\", %s)"
					" WHERE %s AND %s.ctid = \"~place\" AND (%s) FOR %s OF %s%s LIMIT $2) AS \"~n\""
					" WHERE \"~t\".ctid = \"~n\".\"~place\"%s",
					table, assignments(step, "\"~t\"", "\"~n\".%n"), row, quote_identifier(linitial(step->child_columns)), table, row, row,
					step->backfill,
					plan_backfill_each(step, ", ", "%n"), of_batch(step, batch), row, can_be_filled(step, row),
					batch->of_key ? "UPDATE" : "NO KEY UPDATE", row, batch->waits ? "" : " SKIP LOCKED",
					returning(step, batch, "\"~t\"", "\"~n\".\"~was\""));
}

char *
plan_backfill_left(const PlanStep *step)
{
	const char *row = row_name(step);

	return psprintf("SELECT count(*) AS found, count(*) FILTER (WHERE %s) AS fillable"
					" FROM %s AS %s CROSS JOIN LATERAL (SELECT %s\n OFFSET 0) AS \"~v\" (%s) WHERE %s",
					can_be_filled(step, row), step->child_table, row,
					step->backfill, plan_backfill_each(step, ", ", "%n"), is_wanting(step, row));
}

char *
plan_backfill_other_values(const PlanStep *step, List *columns)
{
	StringInfoData where;
	ListCell   *lc;

	initStringInfo(&where);
	foreach(lc, step->child_columns)
	{
		char	   *column = psprintf("%s.%s", row_name(step), quote_identifier(lfirst(lc)));

		if (sg_has_name(columns, lfirst(lc)))
			appendStringInfo(&where, "%s(%s IS NOT NULL AND %s::text IS DISTINCT FROM \"~v%d\"::text)",
							 where.len ? " OR " : "", column, column, foreach_current_index(lc) + 1);
	}
	return psprintf("%s WHERE %s LIMIT 1", values_from(step, "1", step->child_table), where.data);
}

/* Plans the expressions; the columns may not exist yet */
char *
plan_backfill_probe(const PlanStep *step)
{
	return psprintf("%s WHERE %s LIMIT 0",
					values_from(step, "\"~v\".*", psprintf("(SELECT * FROM ONLY %s)", step->child_table)),
					step->kind == STEP_CHECK ? is_wanting(step, row_name(step)) : "true");
}
