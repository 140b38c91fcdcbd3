/*-------------------------------------------------------------------------
 *
 * script.c
 *	  sg_plan_from_sql(): the foreign keys of a SQL script as steps of a plan.
 *
 * Two phases.  First every statement is parsed, alone, by PostgreSQL's own
 * parser; keys are collected, and nothing is written.  Then each key takes
 * the way of sg_plan_add_fk into the plan.  What can't be read or added
 * becomes a note with line and column, and the rest goes on; in strict mode
 * the first such problem is an error, and nothing is added.
 *
 * Nothing of the script is executed, and nothing of it gets into the log.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"
#include "script/script.h"

PG_FUNCTION_INFO_V1(sg_plan_from_sql);

/* Bytes of a message that a note keeps */
#define NOTE_MAX 300

/* Something to be said about a place in the script */
typedef struct ScriptRemark
{
	int			offset;
	int			sqlerrcode;		/* 0: not a problem, not even in strict mode */
	char	   *message;
} ScriptRemark;

typedef struct TagCount
{
	const char *tag;
	int			count;
} TagCount;

typedef struct ScriptReader
{
	Script	   *script;
	const char *plan;
	ScriptPath *path;
	int			next;			/* statement to parse */
	ScriptStatement *statement; /* the current one */

	MemoryContext context;		/* of what is kept */
	MemoryContext scratch;		/* of one statement */
	List	   *keys;			/* of ScriptKey * */
	List	   *remarks;		/* of ScriptRemark * */
	List	   *tags;			/* of TagCount *: statements without key or
								 * remark */
} ScriptReader;

/* ---- remarks ---- */

/* The message as one line of bounded length */
static char *
shorten(const char *message)
{
	int			length = pg_mbcliplen(message, strcspn(message, "\r\n"), NOTE_MAX);

	return message[length] ? psprintf("%.*s ...", length, message) : pstrdup(message);
}

static void
remark(ScriptReader *reader, int offset, int sqlerrcode, const char *message)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	ScriptRemark *r = palloc(sizeof(ScriptRemark));

	r->offset = offset;
	r->sqlerrcode = sqlerrcode;
	r->message = shorten(message);
	reader->remarks = lappend(reader->remarks, r);
	MemoryContextSwitchTo(old);
}

/*
 * The parser's message without the token at which it stopped, where that is,
 * or has, a literal: everybody may read the notes of a plan.  In a translation
 * the token's place is not known: there it is left out with all that the
 * message says beside it.
 */
static char *
hide_literal(const ErrorData *error)
{
	const char *message = error->message;
	const char *near = strstr(message, " at or near \"");
	const char *token = near ? near + strlen(" at or near \"") : NULL;

	if (token == NULL && error->message_id && strcmp(error->message_id, "%s at or near \"%s\"") == 0)
		return pstrdup(dgettext(PG_TEXTDOMAIN("postgres"), "syntax error"));
	if (token == NULL ||
		(strpbrk(token, "'$ \t\r\n") == NULL && !(*token >= '0' && *token <= '9')))
		return pstrdup(message);
	return pnstrdup(message, near - message);
}

/*
 * An error that a statement has raised is a remark when it is about the
 * statement; anything else, such as a cancel, goes on.
 */
static void
remark_error(ScriptReader *reader, int offset, ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR):
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			remark(reader, offset, error->sqlerrcode, hide_literal(error));
			break;
		default:
			ReThrowError(error);
	}
}

static int
compare_remarks(const ListCell *a, const ListCell *b)
{
	const ScriptRemark *x = lfirst(a);
	const ScriptRemark *y = lfirst(b);

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/*
 * Turn remarks into notes, with line and column.  In strict mode the first
 * problem is raised instead.
 */
static List *
notes_of_remarks(ScriptReader *reader, bool strict)
{
	const char *sql = reader->script->sql;
	List	   *notes = NIL;
	int			offset = 0;
	int			line = 1;
	int			line_start = 0;

	list_sort(reader->remarks, compare_remarks);
	foreach_ptr(ScriptRemark, r, reader->remarks)
	{
		PlanNote   *note = palloc(sizeof(PlanNote));
		int			column;

		for (; offset < r->offset; offset++)
		{
			if (sql[offset] == '\n')
			{
				line++;
				line_start = offset + 1;
			}
		}
		column = pg_mbstrlen_with_len(sql + line_start, r->offset - line_start) + 1;

		if (strict && r->sqlerrcode)
			ereport(ERROR,
					(errcode(r->sqlerrcode),
					 errmsg("line %d, column %d of the script: %s", line, column, r->message),
					 errhint("Without strict => true such a place becomes a row of schemaguard.plan_note, and the rest is read.")));

		note->line = line;
		note->reason = psprintf("column %d: %s", column, r->message);
		notes = lappend(notes, note);
	}

	return notes;
}

/* ---- keys ---- */

static bool
is_cut(ScriptReader *reader, const char *name)
{
	ListCell   *lc;

	foreach(lc, reader->statement->cut_names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}

	return reader->statement->cut_unicode &&
		strlen(name) >= NAMEDATALEN - MAX_MULTIBYTE_CHAR_LEN;
}

/* The first name of a key that is not what the script says, or NULL */
static const char *
find_cut_name(ScriptReader *reader, RangeVar *child, Constraint *c)
{
	List	   *names = list_concat(plan_node_strings(c->fk_attrs), plan_node_strings(c->pk_attrs));
	ListCell   *lc;

	names = lappend(names, child->relname);
	names = lappend(names, c->pktable->relname);
	if (child->schemaname)
		names = lappend(names, child->schemaname);
	if (c->pktable->schemaname)
		names = lappend(names, c->pktable->schemaname);
	if (c->conname)
		names = lappend(names, c->conname);

	foreach(lc, names)
	{
		if (is_cut(reader, lfirst(lc)))
			return lfirst(lc);
	}
	return NULL;
}

/* What keeps a key out of any plan; a remark about it has been made then */
static bool
is_unreadable(ScriptReader *reader, int offset, RangeVar *child,
			  const char *child_table, const char *parent_table, Constraint *c)
{
	const char *cut = find_cut_name(reader, child, c);

	if (cut)
		remark(reader, offset, ERRCODE_NAME_TOO_LONG,
			   psprintf("the name that begins with \"%s\" is longer than %d bytes and would be cut",
						cut, NAMEDATALEN - 1));
	else if (c->initdeferred && !c->deferrable)
		remark(reader, offset, ERRCODE_SYNTAX_ERROR,
			   "constraint declared INITIALLY DEFERRED must be DEFERRABLE");
	else if (SG_CONSTRAINT_HALF_PERIOD(c))
		remark(reader, offset, ERRCODE_INVALID_FOREIGN_KEY,
			   "PERIOD is on one side of the key only");
	else if (script_path_is_temporary(child_table) || script_path_is_temporary(parent_table))
		remark(reader, offset, 0, "a key of a temporary table is not for a plan");
	else if (child->catalogname || c->pktable->catalogname)
		remark(reader, offset, ERRCODE_FEATURE_NOT_SUPPORTED,
			   "a name with three parts is not followed");
	else
		return false;

	return true;
}

/*
 * Keep a key of the current statement.  c->fk_attrs has the child's columns,
 * the attributes behind a column's REFERENCES have been applied to c.
 * unsupported is a reason to skip the step, or NULL.
 */
static void
add_key(ScriptReader *reader, RangeVar *child, const char *child_table,
		Constraint *c, const char *unsupported)
{
	int			offset = reader->statement->start + Max(c->location, 0);
	char	   *parent_table = script_path_table(reader->path, c->pktable);
	MemoryContext old;
	ScriptKey  *key;
	PlanStep   *step;

	if (is_unreadable(reader, offset, child, child_table, parent_table, c))
		return;

	old = MemoryContextSwitchTo(reader->context);
	step = plan_step_of_constraint(reader->plan, child_table, parent_table, c);
	if (unsupported)
		plan_step_skip(step, unsupported);

	key = palloc0(sizeof(ScriptKey));
	key->step = step;
	key->offset = offset;
	reader->keys = lappend(reader->keys, key);
	MemoryContextSwitchTo(old);
}

/* Apply what follows a column's REFERENCES; false when it is no such thing */
static bool
apply_attribute(Constraint *key, ConstrType attribute)
{
	switch (attribute)
	{
		case CONSTR_ATTR_DEFERRABLE:
			key->deferrable = true;
			return true;
		case CONSTR_ATTR_NOT_DEFERRABLE:
			key->deferrable = false;
			return true;
		case CONSTR_ATTR_DEFERRED:
			key->initdeferred = true;
			return true;
		case CONSTR_ATTR_IMMEDIATE:
			key->initdeferred = false;
			return true;
#if SG_HAVE_NOT_ENFORCED
		case CONSTR_ATTR_ENFORCED:
			key->is_enforced = true;
			return true;
		case CONSTR_ATTR_NOT_ENFORCED:
			key->is_enforced = false;
			return true;
#endif
		default:
			return false;
	}
}

/* REFERENCES of a column, with the attributes that come after it */
static void
read_column(ScriptReader *reader, RangeVar *child, const char *child_table,
			ColumnDef *column, const char *unsupported)
{
	List	   *keys = NIL;
	Constraint *last = NULL;
	bool		timing_given = false;
	ListCell   *lc;

	foreach_ptr(Constraint, c, column->constraints)
	{
		if (!IsA(c, Constraint))
			continue;
		if (c->contype == CONSTR_FOREIGN)
		{
			c->fk_attrs = list_make1(makeString(column->colname));
			keys = lappend(keys, c);
			last = c;
			timing_given = false;
		}
		else if (last && apply_attribute(last, c->contype))
		{
			timing_given |= c->contype == CONSTR_ATTR_DEFERRABLE ||
				c->contype == CONSTR_ATTR_NOT_DEFERRABLE;
			/* alone, INITIALLY DEFERRED says DEFERRABLE, too */
			if (c->contype == CONSTR_ATTR_DEFERRED && !timing_given)
				last->deferrable = true;
		}
		else
			last = NULL;
	}

	foreach(lc, keys)
		add_key(reader, child, child_table, lfirst(lc), unsupported);
}

/* ---- statements ---- */

static void
read_create_table(ScriptReader *reader, CreateStmt *stmt, const char *unsupported)
{
	char	   *child = script_path_new_table(reader->path, stmt->relation);

	foreach_ptr(Node, element, stmt->tableElts)
	{
		if (IsA(element, ColumnDef))
			read_column(reader, stmt->relation, child, (ColumnDef *) element, unsupported);
		else if (IsA(element, Constraint) && ((Constraint *) element)->contype == CONSTR_FOREIGN)
			add_key(reader, stmt->relation, child, (Constraint *) element, unsupported);
	}
}

static void
read_alter_table(ScriptReader *reader, AlterTableStmt *stmt)
{
	const char *unsupported = NULL;
	char	   *child;

	if (stmt->objtype == OBJECT_FOREIGN_TABLE)
		unsupported = "the child is a foreign table";
	else if (stmt->objtype != OBJECT_TABLE)
		return;

	child = script_path_table(reader->path, stmt->relation);
	foreach_ptr(AlterTableCmd, cmd, stmt->cmds)
	{
		if (cmd->subtype == AT_AddColumn && IsA(cmd->def, ColumnDef))
			read_column(reader, stmt->relation, child, (ColumnDef *) cmd->def, unsupported);
		else if (cmd->subtype == AT_AddConstraint && IsA(cmd->def, Constraint) &&
				 ((Constraint *) cmd->def)->contype == CONSTR_FOREIGN)
			add_key(reader, stmt->relation, child, (Constraint *) cmd->def, unsupported);
		else if (cmd->subtype == AT_DropConstraint)
			script_follow_drop_constraint(reader->keys, child, cmd->name);
		else if (cmd->subtype == AT_AlterConstraint)
			script_follow_alter_constraint(reader->keys, child, cmd->def);
		else if (cmd->subtype == AT_DropColumn)
			script_follow_drop_column(reader->keys, child, cmd->name);
	}
}

static void read_statement(ScriptReader *reader, Node *statement);

static void
read_create_schema(ScriptReader *reader, CreateSchemaStmt *stmt)
{
	const char *schema = stmt->schemaname;
	ListCell   *lc;

	if (schema == NULL && stmt->authrole->roletype == ROLESPEC_CSTRING)
		schema = stmt->authrole->rolename;
	if (schema == NULL)
		schema = GetUserNameFromId(GetUserId(), false);

	script_path_enter_schema(reader->path, schema);
	foreach(lc, stmt->schemaElts)
		read_statement(reader, lfirst(lc));
	script_path_leave_schema(reader->path);
}

/* Code that may add keys when it runs, which we don't run */
static void
check_body(ScriptReader *reader, List *options, const char *what)
{
	foreach_ptr(DefElem, option, options)
	{
		Node	   *body = option->arg;
		char	   *code;

		if (strcmp(option->defname, "as") != 0 || body == NULL)
			continue;
		if (IsA(body, List))
			body = llast((List *) body);
		if (!IsA(body, String))
			continue;
		code = asc_tolower(strVal(body), strlen(strVal(body)));
		if (strstr(code, "references") || strstr(code, "foreign key"))
			remark(reader, reader->statement->start, 0,
				   psprintf("%s mentions foreign keys; it is not run, so the plan has none of them", what));
	}
}

static void
read_statement(ScriptReader *reader, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			read_alter_table(reader, (AlterTableStmt *) statement);
			break;
		case T_CreateStmt:
			read_create_table(reader, (CreateStmt *) statement, NULL);
			break;
		case T_CreateForeignTableStmt:
			read_create_table(reader, &((CreateForeignTableStmt *) statement)->base,
							  "the child is a foreign table");
			break;
		case T_CreateTableAsStmt:
			(void) script_path_new_table(reader->path, ((CreateTableAsStmt *) statement)->into->rel);
			break;
		case T_CreateSchemaStmt:
			read_create_schema(reader, (CreateSchemaStmt *) statement);
			break;
		case T_DoStmt:
			check_body(reader, ((DoStmt *) statement)->args, "a DO block");
			break;
		case T_CreateFunctionStmt:
			check_body(reader, ((CreateFunctionStmt *) statement)->options, "the body of a function");
			break;
		case T_TransactionStmt:
			if (((TransactionStmt *) statement)->kind == TRANS_STMT_ROLLBACK && reader->keys != NIL)
				remark(reader, reader->statement->start, 0,
					   "ROLLBACK is not followed: the keys before it are in the plan");
			script_path_follow(reader->path, statement);
			break;
		default:
			script_path_follow(reader->path, statement);
			script_follow_statement(reader->keys, reader->path, statement);
			break;
	}
}

static void
count_tag(ScriptReader *reader, Node *statement)
{
	const char *tag = CreateCommandName(statement);
	MemoryContext old;
	TagCount   *count;
	ListCell   *lc;

	foreach(lc, reader->tags)
	{
		count = lfirst(lc);
		if (strcmp(count->tag, tag) == 0)
		{
			count->count++;
			return;
		}
	}

	old = MemoryContextSwitchTo(reader->context);
	count = palloc(sizeof(TagCount));
	count->tag = tag;
	count->count = 1;
	reader->tags = lappend(reader->tags, count);
	MemoryContextSwitchTo(old);
}

/*
 * Parse and read statements until one raises an error; reader->next is the
 * one behind it then.
 */
static void
read_statements(void *arg)
{
	ScriptReader *reader = arg;

	MemoryContextSwitchTo(reader->scratch);
	while (reader->next < reader->script->nstatements)
	{
		int			nkeys = list_length(reader->keys);
		int			nremarks = list_length(reader->remarks);
		List	   *parsed;
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(reader->scratch);
		reader->statement = &reader->script->statements[reader->next++];
		parsed = raw_parser(reader->script->sql + reader->statement->start, RAW_PARSE_DEFAULT);
		foreach(lc, parsed)
		{
			Node	   *statement = lfirst_node(RawStmt, lc)->stmt;

			read_statement(reader, statement);
			if (list_length(reader->keys) == nkeys && list_length(reader->remarks) == nremarks)
				count_tag(reader, statement);
		}
	}
}

static void
read_script(ScriptReader *reader)
{
	Script	   *script = reader->script;

	while (reader->next < script->nstatements)
	{
		ErrorData  *error = sg_try(read_statements, reader);

		if (error)
		{
			const char *sql = script->sql + reader->statement->start;

			remark_error(reader, reader->statement->start + script_error_offset(sql, error), error);
		}
	}
	if (script->error)
		remark(reader, script->error_offset, script->error->sqlerrcode,
			   psprintf("%s; the script is not read from there on", hide_literal(script->error)));
}

/* ---- into the plan ---- */

typedef struct CheckedKey
{
	PlanDraft  *draft;
	PlanStep   *step;
} CheckedKey;

static void
check_key(void *arg)
{
	CheckedKey *checked = arg;
	PlanStep   *step = checked->step;

	/* what exists, but can't be in a key, makes a step that says so */
	if (step->state != STEP_SKIPPED)
	{
		FkProblem  *problem = fk_check_tables(sg_find_qualified(step->child_table),
											  sg_find_qualified(step->parent_table));

		if (problem)
			plan_step_skip(step, problem->reason);
	}
	plan_draft_check(checked->draft, step);
}

/* Add the keys that have passed; returns how many */
static int
add_steps(ScriptReader *reader, const FkPlan *plan)
{
	CheckedKey	checked = {plan_draft_begin(plan, NULL), NULL};
	int			added = 0;

	plan_draft_set_quiet(checked.draft);
	foreach_ptr(ScriptKey, key, reader->keys)
	{
		ErrorData  *error;

		CHECK_FOR_INTERRUPTS();
		if (key->gone)
			continue;
		checked.step = key->step;
		error = sg_try(check_key, &checked);
		if (error)
			remark_error(reader, key->offset, error);
		else
		{
			(void) plan_draft_insert(checked.draft, key->step);
			added++;
		}
	}
	plan_draft_end(checked.draft);

	return added;
}

static int
compare_tags(const ListCell *a, const ListCell *b)
{
	const TagCount *x = lfirst(a);
	const TagCount *y = lfirst(b);

	return x->count != y->count ? y->count - x->count : strcmp(x->tag, y->tag);
}

/* One note about everything that has no key, or NULL */
static PlanNote *
summary_note(ScriptReader *reader)
{
	Script	   *script = reader->script;
	StringInfoData reason;
	StringInfoData tags;
	PlanNote   *note;
	ListCell   *lc;
	int			statements = 0;
	int			gone = 0;

	foreach(lc, reader->keys)
		gone += ((ScriptKey *) lfirst(lc))->gone;

	initStringInfo(&reason);
	initStringInfo(&tags);
	list_sort(reader->tags, compare_tags);
	foreach_ptr(TagCount, count, reader->tags)
	{
		statements += count->count;
		appendStringInfo(&tags, "%s%s %d", tags.len ? ", " : "", count->tag, count->count);
	}

	if (statements)
		appendStringInfo(&reason, "%d %s without a foreign key left alone: %s", statements,
						 statements == 1 ? "statement" : "statements", tags.data);
	if (script->copy_lines)
		appendStringInfo(&reason, "%s" INT64_FORMAT " %s of COPY data", reason.len ? "; " : "",
						 script->copy_lines, script->copy_lines == 1 ? "line" : "lines");
	if (script->commands)
		appendStringInfo(&reason, "%s" INT64_FORMAT " psql %s", reason.len ? "; " : "",
						 script->commands, script->commands == 1 ? "command" : "commands");
	if (script->unfollowed)
		appendStringInfo(&reason, ", " INT64_FORMAT " of them to include a file or to choose by a condition, which was not done",
						 script->unfollowed);
	if (gone)
		appendStringInfo(&reason, "%s%d foreign %s that the script drops again", reason.len ? "; " : "",
						 gone, gone == 1 ? "key" : "keys");
	if (reason.len == 0)
		return NULL;

	note = palloc(sizeof(PlanNote));
	note->line = 0;
	note->reason = reason.data;

	return note;
}

/* What became of the script, unless all of it was understood and there was a key in it */
static void
tell_outcome(const ScriptReader *reader, int added, int nnotes)
{
	if (reader->remarks == NIL && added > 0)
		return;

	ereport(NOTICE,
			(errmsg("script: %d %s added, %d %s",
					added, added == 1 ? "step" : "steps", nnotes, nnotes == 1 ? "note" : "notes"),
			 nnotes > 0 ? errhint("What was left alone, and why: SELECT * FROM schemaguard.plan_note WHERE plan = %s;",
								  quote_literal_cstr(reader->plan)) :
			 errhint("The script has no statement; it is the text that is given, not the name of a file.")));
}

/*
 * Read the script with the scanner's and the parser's notices about names
 * that they cut turned off: we make remarks about those that matter.
 */
static void
read_quietly(ScriptReader *reader, const char *sql)
{
	int			level = NewGUCNestLevel();

	if (client_min_messages < WARNING)
		(void) set_config_option("client_min_messages", "warning",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	reader->script = script_split(sql);
	read_script(reader);
	AtEOXact_GUC(false, level);
}

/*
 * sg_plan_from_sql(plan text, script text, strict boolean)
 *
 * Adds a step for each foreign key of the script and returns how many; what
 * is left alone goes to schemaguard.plan_note.  With strict, a statement that
 * can't be read, or a key that can't be added, is an error.
 */
Datum
sg_plan_from_sql(PG_FUNCTION_ARGS)
{
	ScriptReader reader = {0};
	FkPlan	   *plan;
	bool		strict;
	int			added;
	List	   *notes;
	PlanNote   *summary;

	sg_check_granted(fcinfo);
	strict = sg_arg_bool(fcinfo, 2);
	plan = plan_get(sg_arg_text(fcinfo, 0));
	plan_check_writable(plan, "sg_plan_from_sql()");

	reader.plan = plan->name;
	reader.path = script_path_begin();
	reader.context = CurrentMemoryContext;
	reader.scratch = AllocSetContextCreate(CurrentMemoryContext, "schemaguard script statement",
										   ALLOCSET_DEFAULT_SIZES);
	read_quietly(&reader, sg_arg_text(fcinfo, 1));
	if (strict)
		(void) notes_of_remarks(&reader, true);

	added = add_steps(&reader, plan);
	notes = notes_of_remarks(&reader, strict);
	summary = summary_note(&reader);
	if (summary)
		notes = lappend(notes, summary);
	plan_notes_insert(plan, notes);
	tell_outcome(&reader, added, list_length(notes));
	plan_log(plan, 0, "plan script", plan->name,
			 psprintf("%d steps, %d notes", added, list_length(notes)));

	PG_RETURN_INT32(added);
}
