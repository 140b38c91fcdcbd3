/*-------------------------------------------------------------------------
 *
 * script_change.c
 *	  Statements of a script as steps: keys, and other changes of tables.
 *
 *	  A clause that no step has a field for keeps its whole constraint out of
 *	  the plan, with a remark, because a constraint without a clause is not
 *	  what the script's author wants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "plan/plan.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"
#include "script/script.h"

static int
offset_of(const ScriptReader *reader, int location)
{
	return reader->statement->start + Max(location, 0);
}

static void
cannot_hold(ScriptReader *reader, int location, const char *what)
{
	script_remark(reader, offset_of(reader, location), 0, psprintf("%s is not for a plan", what));
}

/* ---- keys ---- */

/* Returns whether no plan can hold the key, and then adds a remark */
static bool
is_unreadable(ScriptReader *reader, const ScriptTable *table, const char *parent_table, Constraint *c)
{
	int			offset = offset_of(reader, c->location);
	List	   *names = list_concat(plan_node_strings(c->fk_attrs), plan_node_strings(c->pk_attrs));

	names = lappend(lappend(names, table->name->relname), c->pktable->relname);
	names = lappend(lappend(names, table->name->schemaname), c->pktable->schemaname);
	names = lappend(names, c->conname);
	if (script_remark_cut(reader, offset, names))
		return true;

	if (c->initdeferred && !c->deferrable)
		script_remark(reader, offset, ERRCODE_SYNTAX_ERROR,
					  "constraint declared INITIALLY DEFERRED must be DEFERRABLE");
	else if (SG_CONSTRAINT_HALF_PERIOD(c))
		script_remark(reader, offset, ERRCODE_INVALID_FOREIGN_KEY,
					  "PERIOD is on one side of the key only");
	else if (script_path_is_temporary(table->qualified) || script_path_is_temporary(parent_table))
		script_remark(reader, offset, 0, "a key of a temporary table is not for a plan");
	else if (table->name->catalogname || c->pktable->catalogname)
		script_remark(reader, offset, ERRCODE_FEATURE_NOT_SUPPORTED,
					  "a name with three parts is not followed");
	else
		return false;

	return true;
}

/*
 * Adds a key of the current statement. c->fk_attrs has the child's columns, and
 * the attributes after a column's REFERENCES have been applied to c.
 */
void
script_add_key(ScriptReader *reader, const ScriptTable *table, Constraint *c)
{
	char	   *parent_table = script_path_table(reader->path, c->pktable);
	MemoryContext old;
	PlanStep   *step;

	if (is_unreadable(reader, table, parent_table, c))
		return;

	old = MemoryContextSwitchTo(reader->context);
	step = plan_step_of_constraint(reader->plan, table->qualified, parent_table, c);
	if (table->unsupported)
		plan_step_skip(step, table->unsupported);
	(void) script_keep(reader, step, c->location);
	MemoryContextSwitchTo(old);
}

/* Applies an attribute that follows a column's constraint; returns false if it is no attribute */
static bool
apply_attribute(Constraint *c, ConstrType attribute)
{
	switch (attribute)
	{
		case CONSTR_ATTR_DEFERRABLE:
			c->deferrable = true;
			return true;
		case CONSTR_ATTR_NOT_DEFERRABLE:
			c->deferrable = false;
			return true;
		case CONSTR_ATTR_DEFERRED:
			c->initdeferred = true;
			return true;
		case CONSTR_ATTR_IMMEDIATE:
			c->initdeferred = false;
			return true;
#if SG_HAVE_NOT_ENFORCED
		case CONSTR_ATTR_ENFORCED:
			c->is_enforced = true;
			return true;
		case CONSTR_ATTR_NOT_ENFORCED:
			c->is_enforced = false;
			return true;
#endif
		default:
			return false;
	}
}

/* Applies to each constraint of a column the attributes that follow it */
static void
apply_attributes(ColumnDef *column)
{
	Constraint *last = NULL;
	bool		timing_given = false;

	foreach_ptr(Constraint, c, column->constraints)
	{
		if (!IsA(c, Constraint))
			continue;
		if (last && apply_attribute(last, c->contype))
		{
			timing_given |= c->contype == CONSTR_ATTR_DEFERRABLE ||
				c->contype == CONSTR_ATTR_NOT_DEFERRABLE;
			/* alone, INITIALLY DEFERRED implies DEFERRABLE */
			if (c->contype == CONSTR_ATTR_DEFERRED && !timing_given)
				last->deferrable = true;
			continue;
		}
		last = c;
		timing_given = false;
	}
}

void
script_read_column_keys(ScriptReader *reader, const ScriptTable *table, ColumnDef *column)
{
	apply_attributes(column);
	foreach_ptr(Constraint, c, column->constraints)
	{
		if (!IsA(c, Constraint) || c->contype != CONSTR_FOREIGN)
			continue;
		c->fk_attrs = list_make1(makeString(column->colname));
		script_add_key(reader, table, c);
	}
}

/* ---- other steps ---- */

static ScriptTokens *
tokens_of(ScriptReader *reader)
{
	if (reader->tokens == NULL)
		reader->tokens = script_tokens(reader->script->sql + reader->statement->start);
	return reader->tokens;
}

/*
 * Adds a step of the table, with copies of its fields; returns NULL, with a
 * remark, if a plan can't have it
 */
static ScriptStep *
keep_change(ScriptReader *reader, const ScriptTable *table, StepKind kind, int location, const char *name,
			List *columns, const char *definition)
{
	int			offset = offset_of(reader, location);
	List	   *names = lappend(list_copy(columns), unconstify(char *, name));
	MemoryContext old;
	PlanStep   *step;
	ListCell   *lc;

	names = lappend(lappend(names, table->name->relname), table->name->schemaname);
	if (script_remark_cut(reader, offset, names))
		return NULL;
	foreach(lc, definition ? reader->statement->cut_names : NIL)
	{
		if (strstr(definition, lfirst(lc)))
			return (void) script_remark_cut(reader, offset, list_make1(lfirst(lc))), NULL;
	}
	if (table->unsupported || script_path_is_temporary(table->qualified))
		return cannot_hold(reader, location, table->unsupported ? "a change of a foreign table" : "a change of a temporary table"), NULL;
	if (table->name->catalogname)
	{
		script_remark(reader, offset, ERRCODE_FEATURE_NOT_SUPPORTED, "a name with three parts is not followed");
		return NULL;
	}

	old = MemoryContextSwitchTo(reader->context);
	step = plan_step_default(reader->plan);
	step->kind = kind;
	step->child_table = pstrdup(table->qualified);
	step->fk_name = name ? pstrdup(name) : NULL;
	foreach(lc, columns)
		step->child_columns = lappend(step->child_columns, pstrdup(lfirst(lc)));
	step->definition = definition ? pstrdup(definition) : NULL;
	MemoryContextSwitchTo(old);

	return script_keep(reader, step, location);
}

/* Returns the text between the parentheses of CHECK, or of a similar clause */
static char *
cut_check(ScriptReader *reader, Constraint *c)
{
	ScriptTokens *tokens = tokens_of(reader);
	int			word = script_token_find(tokens, script_token_at(tokens, c->location), tokens->n, script_keyword("check"));
	int			end = script_token_find(tokens, word, tokens->n, ')');

	script_qualify(tokens, reader->path, c->raw_expr);
	return script_cut(tokens, word + 2, end);
}

static void
read_check(ScriptReader *reader, const ScriptTable *table, Constraint *c)
{
	ScriptStep *kept;

	if (c->is_no_inherit || !SG_CONSTRAINT_ENFORCED(c))
	{
		cannot_hold(reader, c->location, c->is_no_inherit ? "CHECK ... NO INHERIT" : "CHECK ... NOT ENFORCED");
		return;
	}
	kept = keep_change(reader, table, STEP_CHECK, c->location, c->conname, NIL, cut_check(reader, c));
	if (kept && c->skip_validation)
		kept->step->orphans = ORPHANS_LEAVE;
}

static void
read_not_null(ScriptReader *reader, const ScriptTable *table, Constraint *c, List *columns)
{
	ScriptStep *kept;

	if (c->is_no_inherit)
	{
		cannot_hold(reader, c->location, "NOT NULL ... NO INHERIT");
		return;
	}
	kept = keep_change(reader, table, STEP_NOT_NULL, c->location, c->conname, columns ? columns : plan_node_strings(c->keys), NULL);
	if (kept && c->skip_validation)
		kept->step->orphans = ORPHANS_LEAVE;
}

/*
 * Turns the step of a unique index into one of the constraint that ADD
 * CONSTRAINT ... USING INDEX makes of it; returns whether the script has such
 * an index
 */
static bool
use_index(ScriptReader *reader, const ScriptTable *table, const Constraint *c)
{
	foreach_ptr(ScriptStep, step, reader->steps)
	{
		if (!step->index_only || strcmp(step->step->fk_name, c->indexname) != 0 ||
			!sg_same_text(step->step->child_table, table->qualified))
			continue;
		step->index_only = false;
		step->step->fk_name = MemoryContextStrdup(reader->context, c->conname ? c->conname : c->indexname);
		step->step->primary_key = c->contype == CONSTR_PRIMARY;
		step->step->deferrable = c->deferrable;
		step->step->initially_deferred = c->initdeferred;
		return true;
	}
	return false;
}

static void
read_unique(ScriptReader *reader, const ScriptTable *table, Constraint *c, List *columns)
{
	const char *clause = c->indexname ? "USING INDEX" : c->including ? "INCLUDE" : c->options ? "WITH" :
		c->indexspace ? "TABLESPACE" : SG_CONSTRAINT_PERIOD(c) ? "WITHOUT OVERLAPS" : NULL;
	ScriptStep *kept;

	if (c->indexname && use_index(reader, table, c))
		return;
	if (clause)
	{
		cannot_hold(reader, c->location,
					psprintf("%s with %s", c->contype == CONSTR_PRIMARY ? "PRIMARY KEY" : "UNIQUE", clause));
		return;
	}
	if (c->initdeferred && !c->deferrable)
	{
		script_remark(reader, offset_of(reader, c->location), ERRCODE_SYNTAX_ERROR,
					  "constraint declared INITIALLY DEFERRED must be DEFERRABLE");
		return;
	}
	kept = keep_change(reader, table, STEP_UNIQUE, c->location, c->conname, columns ? columns : plan_node_strings(c->keys), NULL);
	if (kept == NULL)
		return;
	kept->step->primary_key = c->contype == CONSTR_PRIMARY;
	kept->step->nulls_not_distinct = c->nulls_not_distinct;
	kept->step->deferrable = c->deferrable;
	kept->step->initially_deferred = c->initdeferred;
	kept->leading = kept->step->child_columns;
}

/* Reads a constraint of the table, or of one of its columns; returns false if it makes no step */
static bool
read_constraint(ScriptReader *reader, const ScriptTable *table, Constraint *c, List *columns)
{
	switch (c->contype)
	{
		case CONSTR_CHECK:
			read_check(reader, table, c);
			return true;
		case CONSTR_NOTNULL:
			read_not_null(reader, table, c, columns);
			return true;
		case CONSTR_PRIMARY:
		case CONSTR_UNIQUE:
			read_unique(reader, table, c, columns);
			return true;
		case CONSTR_FOREIGN:
			script_add_key(reader, table, c);
			return true;
		default:
			return false;
	}
}

/* ---- columns ---- */

static int
compare_locations(const ListCell *a, const ListCell *b)
{
	return (lfirst_int(a) > lfirst_int(b)) - (lfirst_int(a) < lfirst_int(b));
}

/* Returns whether the constraint is part of the column's step, rather than a step of its own */
static bool
belongs_to_column(const Constraint *c)
{
	return c->contype == CONSTR_DEFAULT || c->contype == CONSTR_IDENTITY || c->contype == CONSTR_GENERATED;
}

/* Returns the column's type, collation, default, identity and generation; its clauses end before `end` */
static char *
cut_column(ScriptReader *reader, ColumnDef *column, int end)
{
	ScriptTokens *tokens = tokens_of(reader);
	List	   *all = NIL;
	List	   *kept = NIL;
	StringInfoData text;

	script_qualify(tokens, reader->path, (Node *) column->typeName);
	if (column->collClause)
	{
		script_qualify(tokens, reader->path, (Node *) column->collClause);
		all = kept = list_make1_int(column->collClause->location);
		kept = list_copy(kept);
	}
	foreach_ptr(Constraint, c, column->constraints)
	{
		all = lappend_int(all, c->location);
		if (!belongs_to_column(c))
			continue;
		kept = lappend_int(kept, c->location);
		script_qualify(tokens, reader->path, c->raw_expr);
	}
	list_sort(all, compare_locations);

	initStringInfo(&text);
	appendStringInfoString(&text, script_cut(tokens, script_token_at(tokens, column->typeName->location),
											 all ? script_token_at(tokens, linitial_int(all)) : end));
	for (int i = 0; i < list_length(all); i++)
	{
		if (list_member_int(kept, list_nth_int(all, i)))
			appendStringInfo(&text, " %s",
							 script_cut(tokens, script_token_at(tokens, list_nth_int(all, i)),
										i + 1 < list_length(all) ? script_token_at(tokens, list_nth_int(all, i + 1)) : end));
	}
	return text.data;
}

/*
 * Returns whether a misspelt FOREIGN KEY or PRIMARY KEY makes a column of type
 * "key", and then adds a remark
 */
static bool
is_misspelt_key(ScriptReader *reader, const ColumnDef *column)
{
	SgNearest	nearest = {column->colname};

	if (list_length(column->typeName->names) != 1 || strcmp(strVal(linitial(column->typeName->names)), "key") != 0)
		return false;
	sg_nearest_try(&nearest, "foreign");
	sg_nearest_try(&nearest, "primary");
	if (nearest.found == NULL)
		return false;
	script_remark(reader, offset_of(reader, column->location), ERRCODE_SYNTAX_ERROR,
				  psprintf("%s KEY makes a column of type \"key\"; perhaps %s KEY is meant", quote_identifier(column->colname),
						   nearest.found[0] == 'f' ? "FOREIGN" : "PRIMARY"));
	return true;
}

/* Reads a column, then each of its constraints */
static void
read_column(ScriptReader *reader, const ScriptTable *table, ColumnDef *column, int end)
{
	List	   *name = list_make1(column->colname);

	if (is_misspelt_key(reader, column))
		return;
	if (table->unsupported == NULL)
		(void) keep_change(reader, table, STEP_COLUMN, column->location, column->colname, name, cut_column(reader, column, end));
	apply_attributes(column);
	foreach_ptr(Constraint, c, column->constraints)
	{
		if (c->contype == CONSTR_FOREIGN)
			c->fk_attrs = list_make1(makeString(column->colname));
		(void) read_constraint(reader, table, c, name);
	}
}

bool
script_read_command(ScriptReader *reader, const ScriptTable *table, AlterTableCmd *cmd, int from, int end)
{
	ScriptTokens *tokens = tokens_of(reader);
	List	   *column = cmd->name ? list_make1(cmd->name) : NIL;
	int			location = from < tokens->n ? tokens->token[from].start : 0;

	switch (cmd->subtype)
	{
		case AT_AddColumn:
			read_column(reader, table, castNode(ColumnDef, cmd->def), end);
			return true;
		case AT_AddConstraint:
			return read_constraint(reader, table, castNode(Constraint, cmd->def), NIL);
		case AT_SetNotNull:
			(void) keep_change(reader, table, STEP_NOT_NULL, location, NULL, column, NULL);
			return true;
		case AT_ColumnDefault:
			if (cmd->def)
				script_qualify(tokens, reader->path, cmd->def);
			(void) keep_change(reader, table, STEP_DEFAULT, location, cmd->name, column, cmd->def == NULL ? NULL :
							   script_cut(tokens, script_token_find(tokens, from, end, script_keyword("default")) + 1, end));
			return true;
		default:
			return false;
	}
}

/* Returns the end of a token's statement; in CREATE SCHEMA, others follow */
static int
end_of_element(const ScriptTokens *tokens, int from)
{
	int			end = script_token_find(tokens, from, tokens->n, script_keyword("create"));

	return script_token_find(tokens, from, end, script_keyword("grant"));
}

/* ---- indexes ---- */

/* Returns the index definition from USING or the parenthesis on; `end` is the end of the statement */
static char *
cut_index(ScriptReader *reader, IndexStmt *stmt, int end)
{
	ScriptTokens *tokens = tokens_of(reader);
	int			table = script_token_at(tokens, stmt->relation->location);
	int			using = script_token_find(tokens, table, end, script_keyword("using"));
	int			open = script_token_find(tokens, table, end, '(');

	script_qualify_index(tokens, reader->path, stmt);
	return script_cut(tokens, Min(using, open), end);
}

/* Returns the index's first columns, up to the first that does not compare as a key does */
static List *
leading_columns(const IndexStmt *stmt)
{
	List	   *columns = NIL;

	if (stmt->whereClause || strcmp(stmt->accessMethod, DEFAULT_INDEX_TYPE) != 0)
		return NIL;
	foreach_ptr(IndexElem, element, stmt->indexParams)
	{
		if (element->name == NULL || element->collation || element->opclass)
			break;
		columns = lappend(columns, pstrdup(element->name));
	}
	return columns;
}

/* Returns whether the index has nothing but a list of columns, as UNIQUE does */
static bool
is_plain(const IndexStmt *stmt)
{
	foreach_ptr(IndexElem, element, stmt->indexParams)
	{
		if (element->ordering != SORTBY_DEFAULT || element->nulls_ordering != SORTBY_NULLS_DEFAULT)
			return false;
	}
	return list_length(leading_columns(stmt)) == list_length(stmt->indexParams) &&
		stmt->indexIncludingParams == NIL && stmt->options == NIL && !stmt->nulls_not_distinct && stmt->tableSpace == NULL;
}

bool
script_leaves_partitions_out(const IndexStmt *stmt, const char *table)
{
	Oid			relid = stmt->relation->inh ? InvalidOid : sg_find_qualified(table);

	return !stmt->relation->inh && (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE);
}

void
script_read_index(ScriptReader *reader, IndexStmt *stmt)
{
	ScriptTable table = {stmt->relation, script_path_table(reader->path, stmt->relation)};
	bool		constraint = stmt->unique && is_plain(stmt) && stmt->whereClause == NULL && stmt->idxname;
	ScriptTokens *tokens = tokens_of(reader);
	int			from = script_token_at(tokens, stmt->relation->location);
	int			end;
	ScriptStep *kept;
	MemoryContext old;
	char	   *definition;

	if (script_leaves_partitions_out(stmt, table.qualified))
	{
		cannot_hold(reader, stmt->relation->location, "an index ON ONLY a table");
		return;
	}
	end = end_of_element(tokens, from);
	definition = psprintf("%s%s", stmt->unique ? "UNIQUE " : "", cut_index(reader, stmt, end));
	kept = keep_change(reader, &table, constraint ? STEP_UNIQUE : STEP_INDEX, stmt->relation->location, stmt->idxname,
					   constraint ? leading_columns(stmt) : NIL, constraint ? NULL : definition);
	if (kept == NULL)
		return;
	kept->index_only = constraint;
	kept->plain = !stmt->unique && is_plain(stmt);
	old = MemoryContextSwitchTo(reader->context);
	kept->unique = constraint ? pstrdup(definition) : NULL;
	kept->leading = leading_columns(stmt);
	MemoryContextSwitchTo(old);
}

/* ---- tables ---- */

static void
leave_out(ScriptTokens *tokens, int from, int end)
{
	for (int i = from; i < end; i++)
		tokens->token[i].left_out = true;
}

/* Returns whether the clause is an attribute of the constraint before it */
static bool
is_attribute(const Constraint *c)
{
	Constraint	none = {0};

	return apply_attribute(&none, c->contype);
}

/* Omits the keys of a column, which ends before `end`, with their attributes */
static void
leave_out_column_keys(ScriptTokens *tokens, const ColumnDef *column, int end)
{
	bool		in_key = false;
	int			from = end;

	foreach_ptr(const Constraint, c, column->constraints)
	{
		int			at = script_token_at(tokens, c->location);

		if (in_key && is_attribute(c))
			continue;
		if (in_key)
			leave_out(tokens, from, at);
		in_key = c->contype == CONSTR_FOREIGN;
		from = at;
	}
	if (in_key)
		leave_out(tokens, from, end);
}

/*
 * Omits all keys between the parentheses, because each is a step of its own;
 * and the comma of each that is an element
 */
static void
leave_out_keys(ScriptTokens *tokens, const CreateStmt *stmt, int from, int close)
{
	int			kept_comma = close;
	bool		is_key = false;

	foreach_ptr(Node, element, stmt->tableElts)
	{
		int			comma = script_token_find(tokens, from, close, ',');

		is_key = IsA(element, Constraint) && ((Constraint *) element)->contype == CONSTR_FOREIGN;
		if (is_key)
			leave_out(tokens, from, Min(comma + 1, close));
		else
			kept_comma = comma;
		if (IsA(element, ColumnDef))
			leave_out_column_keys(tokens, (ColumnDef *) element, comma);
		from = comma + 1;
	}
	if (is_key && kept_comma < close)
		leave_out(tokens, kept_comma, kept_comma + 1);
}

void
script_read_table(ScriptReader *reader, const ScriptTable *table, CreateStmt *stmt)
{
	ScriptTokens *tokens;
	int			from;
	int			end;

	if (table->unsupported || stmt->relation->relpersistence == RELPERSISTENCE_TEMP || OidIsValid(sg_find_qualified(table->qualified)))
		return;
	tokens = tokens_of(reader);
	script_qualify_statement(tokens, reader->path, (Node *) stmt);
	from = script_token_at(tokens, stmt->relation->location) + 1;
	while (from < tokens->n && tokens->token[from].code == '.')
		from += 2;
	end = end_of_element(tokens, from);
	if (stmt->tableElts)
	{
		int			open = script_token_find(tokens, from, end, '(');

		leave_out_keys(tokens, stmt, open + 1, script_token_find(tokens, open, end, ')'));
	}
	(void) keep_change(reader, table, STEP_TABLE, stmt->relation->location, stmt->relation->relname, NIL,
					   psprintf("%s%s", stmt->relation->relpersistence == RELPERSISTENCE_UNLOGGED ? "UNLOGGED " : "",
								script_cut(tokens, from, end)));
}
