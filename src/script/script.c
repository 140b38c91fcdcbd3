/*-------------------------------------------------------------------------
 *
 * script.c
 *	  sg_plan_from_sql(): what a SQL script adds to tables, as steps of a
 *	  plan.
 *
 *	  Two phases.  First every statement is parsed, alone, by PostgreSQL's own
 *	  parser; steps are collected, and nothing is written.  Then each step is
 *	  added to the plan as by sg_plan_add_fk or sg_plan_add.  A statement that
 *	  can't be read or added becomes a note with line and column, and the rest
 *	  goes on; in strict mode the first such problem is an error, and nothing
 *	  is added.
 *
 *	  Nothing of the script is executed, and nothing of it gets into the log.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/defrem.h"
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
#include "base/calls.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/name.h"
#include "base/quote.h"
#include "log/log_grant.h"
#include "plan/plan.h"
#include "plan/plan_input.h"
#include "plan/plan_key.h"
#include "script/script.h"

SG_FUNCTION(sg_plan_from_sql);

static const char strict_hint[] = "Without strict => true such a place becomes a row of schemaguard.plan_note, and the rest is read.";

static const char left_alone[] = "left alone: it adds nothing to a table that a step could hold";

/* Length in bytes of a note's message */
#define NOTE_MAX 300

/* A remark about a place in the script */
typedef struct ScriptRemark
{
	int			offset;
	int			sqlerrcode;		/* 0: no problem, also in strict mode */
	char	   *message;
	const char *tag;			/* command tag of a statement that makes no
								 * step, or NULL */
} ScriptRemark;

/* ---- remarks ---- */

/* Returns the message as one line of bounded length */
static char *
shorten(const char *message)
{
	int			length = pg_mbcliplen(message, strcspn(message, "\r\n"), NOTE_MAX);

	return message[length] ? psprintf("%.*s ...", length, message) : pstrdup(message);
}

static void
remark_tagged(ScriptReader *reader, int offset, int sqlerrcode, const char *message, const char *tag)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	ScriptRemark *r = palloc(sizeof(ScriptRemark));

	r->offset = offset;
	r->sqlerrcode = sqlerrcode;
	r->message = shorten(message);
	r->tag = tag;
	reader->remarks = lappend(reader->remarks, r);
	MemoryContextSwitchTo(old);
}

void
script_remark(ScriptReader *reader, int offset, int sqlerrcode, const char *message)
{
	remark_tagged(reader, offset, sqlerrcode, message, NULL);
}

/*
 * Returns the parser's message without the token at which it stopped, if that
 * is, or contains, a literal, because everybody may read the notes of a plan.
 * The token's place in a translated message is unknown: returns only "syntax
 * error" then.
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
 * Turns an error that is about the statement into a remark; any other error,
 * such as a cancel, is raised again.
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
			script_remark(reader, offset, error->sqlerrcode, hide_literal(error));
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

/* Turns remarks into notes, with line and column.  With a hint, raises the first problem instead. */
List *
script_notes(ScriptReader *reader, const char *hint)
{
	const char *sql = reader->script->sql;
	List	   *notes = NIL;
	int			offset = 0;
	int			line = 1;
	int			line_start = 0;

	list_sort(reader->remarks, compare_remarks);
	foreach_ptr(ScriptRemark, r, reader->remarks)
	{
		PlanNote   *note = palloc0(sizeof(PlanNote));
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

		if (hint && r->sqlerrcode)
			ereport(ERROR,
					(errcode(r->sqlerrcode),
					 errmsg("line %d, column %d of the script: %s", line, column, r->message),
					 errhint("%s", hint)));

		note->line = line;
		note->reason = psprintf("column %d: %s", column, r->message);
		note->tag = r->tag;
		notes = lappend(notes, note);
	}

	return notes;
}

/* ---- steps ---- */

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

bool
script_remark_cut(ScriptReader *reader, int offset, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (lfirst(lc) == NULL || !is_cut(reader, lfirst(lc)))
			continue;
		script_remark(reader, offset, ERRCODE_NAME_TOO_LONG,
					  psprintf("the name that begins with \"%s\" is longer than %d bytes and would be cut",
							   (char *) lfirst(lc), NAMEDATALEN - 1));
		return true;
	}
	return false;
}

ScriptStep *
script_keep(ScriptReader *reader, PlanStep *step, int location)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	ScriptStep *kept = palloc0(sizeof(ScriptStep));

	kept->step = step;
	kept->offset = reader->statement->start + Max(location, 0);
	reader->steps = lappend(reader->steps, kept);
	MemoryContextSwitchTo(old);

	return kept;
}

/* ---- statements ---- */

static void
read_create_table(ScriptReader *reader, CreateStmt *stmt, const char *unsupported)
{
	ScriptTable table = {stmt->relation, script_path_new_table(reader->path, stmt->relation), unsupported};

	script_read_table(reader, &table, stmt);
	foreach_ptr(Node, element, stmt->tableElts)
	{
		if (IsA(element, ColumnDef))
			script_read_column_keys(reader, &table, (ColumnDef *) element);
		else if (IsA(element, Constraint) && ((Constraint *) element)->contype == CONSTR_FOREIGN)
			script_add_key(reader, &table, (Constraint *) element);
	}
}

/* Remarks a part of a statement that makes no step, while other parts do */
static void
remark_command(ScriptReader *reader, int token)
{
	script_remark(reader, reader->statement->start + reader->tokens->token[token].start, 0,
				  "this command of the statement is left alone: a script gives a plan what it adds, not what it drops or alters");
}

static void
read_alter_table(ScriptReader *reader, AlterTableStmt *stmt)
{
	ScriptTable table = {stmt->relation};
	int			nsteps = list_length(reader->steps);
	int			from = 0;
	List	   *left = NIL;
	ListCell   *lc;

	if (stmt->objtype == OBJECT_FOREIGN_TABLE)
		table.unsupported = "the child is a foreign table";
	else if (stmt->objtype != OBJECT_TABLE)
		return;

	table.qualified = script_path_table(reader->path, stmt->relation);
	reader->tokens = script_tokens(reader->script->sql + reader->statement->start);
	foreach_ptr(AlterTableCmd, cmd, stmt->cmds)
	{
		int			end = script_token_find(reader->tokens, from, reader->tokens->n, ',');
		bool		followed = script_follow_command(reader->steps, table.qualified, cmd);

		if (!script_read_command(reader, &table, cmd, from, end))
		{
			script_follow_unread(reader->steps, reader->path, table.qualified, cmd);
			if (!followed)
				left = lappend_int(left, from);
		}
		from = Min(end + 1, reader->tokens->n);
	}
	if (list_length(reader->steps) == nsteps)
		return;
	foreach(lc, left)
		remark_command(reader, lfirst_int(lc));
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

/* Remarks on code that may add keys when it runs, because the script is not run */
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
			script_remark(reader, reader->statement->start, 0,
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
		case T_IndexStmt:
			script_read_index(reader, (IndexStmt *) statement);
			break;
		case T_CreateEnumStmt:
			script_path_new_type(reader->path, ((CreateEnumStmt *) statement)->typeName);
			break;
		case T_CreateDomainStmt:
			script_path_new_type(reader->path, ((CreateDomainStmt *) statement)->domainname);
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
			if (((TransactionStmt *) statement)->kind == TRANS_STMT_ROLLBACK && reader->steps != NIL)
				script_remark(reader, reader->statement->start, 0,
							  "ROLLBACK is not followed: the steps before it are in the plan");
			script_path_follow(reader->path, statement);
			break;
		default:
			script_path_follow(reader->path, statement);
			script_follow_statement(reader->steps, reader->path, statement);
			break;
	}
}

/*
 * Parses and reads statements until one raises an error; reader->next is the
 * next statement then.
 */
static void
read_statements(void *arg)
{
	ScriptReader *reader = arg;

	MemoryContextSwitchTo(reader->scratch);
	while (reader->next < reader->script->nstatements)
	{
		int			nsteps = list_length(reader->steps);
		int			nremarks = list_length(reader->remarks);
		List	   *parsed;
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(reader->scratch);
		reader->tokens = NULL;
		reader->statement = &reader->script->statements[reader->next++];
		parsed = raw_parser(reader->script->sql + reader->statement->start, RAW_PARSE_DEFAULT);
		foreach(lc, parsed)
		{
			Node	   *statement = lfirst_node(RawStmt, lc)->stmt;

			read_statement(reader, statement);
			if (list_length(reader->steps) == nsteps && list_length(reader->remarks) == nremarks)
				remark_tagged(reader, reader->statement->start, 0, left_alone, CreateCommandName(statement));
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
		script_remark(reader, script->error_offset, script->error->sqlerrcode,
					  psprintf("%s; the script is not read from there on", hide_literal(script->error)));
}

/* ---- into the plan ---- */

typedef struct CheckedStep
{
	PlanDraft  *draft;
	PlanStep   *step;
} CheckedStep;

static void
check_step(void *arg)
{
	CheckedStep *checked = arg;
	PlanStep   *step = checked->step;

	/*
	 * an existing object that can't be in a key makes a skipped step with the
	 * reason
	 */
	if (step->kind == STEP_FOREIGN_KEY && step->state != STEP_SKIPPED)
	{
		FkProblem  *problem = fk_check_tables(sg_find_qualified(step->child_table),
											  sg_find_qualified(step->parent_table));

		if (problem)
		{
			plan_step_skip(step, problem->reason);
			ereport(NOTICE,
					(errmsg("the foreign key of %s is added as a skipped step: %s", step->child_table, problem->reason),
					 problem->hint ? errhint("%s", problem->hint) : 0));
		}
	}
	plan_draft_check(checked->draft, step);
}

/* Returns whether a key's columns are the first ones of an index */
static bool
serves(const ScriptStep *index, const PlanStep *key)
{
	int			nkeys = list_length(key->child_columns);

	if (index->gone || index->index_only || list_length(index->leading) < nkeys ||
		!sg_same_text(index->step->child_table, key->child_table))
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		if (!sg_has_name(key->child_columns, list_nth(index->leading, i)))
			return false;
	}
	return true;
}

/* Returns whether the index is the one, by name and columns, that the key's step would build */
static bool
is_keys_own(const ScriptStep *index, const PlanStep *key)
{
	if (!index->plain || !sg_equal_names(index->leading, key->child_columns))
		return false;
	if (index->step->fk_name == NULL)
		return true;
	return strcmp(index->step->fk_name,
				  sg_make_name(sg_parse_table_name(key->child_table).name, sg_join_names(key->child_columns), "idx")) == 0;
}

/* Turns off the index of key steps for which the script itself builds one */
static void
join_indexes(ScriptReader *reader)
{
	List	   *indexes = NIL;

	foreach_ptr(ScriptStep, step, reader->steps)
	{
		if (step->leading)
			indexes = lappend(indexes, step);
	}
	foreach_ptr(ScriptStep, step, reader->steps)
	{
		foreach_ptr(ScriptStep, index, indexes)
		{
			if (step->gone || step->step->kind != STEP_FOREIGN_KEY || !serves(index, step->step))
				continue;
			if (is_keys_own(index, step->step))
			{
				index->keys_own = true;
				step->step->index_name = index->step->fk_name;
			}
			else
				step->step->index = false;
		}
	}
}

List *
script_add_steps(ScriptReader *reader, const FkPlan *plan)
{
	CheckedStep checked = {plan_draft_begin(plan), NULL};
	List	   *added = NIL;

	join_indexes(reader);
	plan_draft_set_quiet(checked.draft);
	foreach_ptr(ScriptStep, step, reader->steps)
	{
		ErrorData  *error;

		CHECK_FOR_INTERRUPTS();
		if (step->gone || step->keys_own)
			continue;
		if (step->index_only)
		{
			step->step->kind = STEP_INDEX;
			step->step->child_columns = NIL;
			step->step->definition = step->unique;
		}
		checked.step = step->step;
		error = sg_try(check_step, &checked);
		if (error)
			remark_error(reader, step->offset, error);
		else
		{
			(void) plan_draft_insert(checked.draft, step->step);
			added = lappend(added, step->step);
		}
	}
	plan_draft_end(checked.draft);

	return added;
}

/* Returns the note about text that is no statement, and about work that the script undoes, or NULL */
static PlanNote *
summary_note(ScriptReader *reader)
{
	Script	   *script = reader->script;
	StringInfoData reason;
	PlanNote   *note;
	ListCell   *lc;
	int			gone = 0;

	foreach(lc, reader->steps)
		gone += ((ScriptStep *) lfirst(lc))->gone;

	initStringInfo(&reason);
	if (script->copy_lines)
		appendStringInfo(&reason, "%s" INT64_FORMAT " %s of COPY data", reason.len ? "; " : "",
						 script->copy_lines, script->copy_lines == 1 ? "line" : "lines");
	if (script->commands)
		appendStringInfo(&reason, "%s%d psql %s", reason.len ? "; " : "",
						 list_length(script->commands), list_length(script->commands) == 1 ? "command" : "commands");
	if (script->unfollowed)
		appendStringInfo(&reason, ", " INT64_FORMAT " of them to include a file or to choose by a condition, which was not done",
						 script->unfollowed);
	if (gone)
		appendStringInfo(&reason, "%s%d %s that the script drops again", reason.len ? "; " : "",
						 gone, gone == 1 ? "step" : "steps");
	if (reason.len == 0)
		return NULL;

	note = palloc0(sizeof(PlanNote));
	note->line = 0;
	note->reason = reason.data;

	return note;
}

/*
 * Returns whether a statement without a step would change tables, their rows,
 * or objects that read them; settings, comments and privileges do not count.
 */
static bool
changes_database(const char *tag)
{
	static const char *const others[] = {"SET", "RESET", "SELECT", "COMMENT", "GRANT", "REVOKE", "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "ANALYZE"};

	for (int i = 0; i < lengthof(others); i++)
	{
		if (tag == NULL || strcmp(tag, others[i]) == 0)
			return false;
	}
	return true;
}

/* Reports the outcome of the script, unless all of it became steps */
static void
tell_outcome(const ScriptReader *reader, int added, int nnotes)
{
	bool		problems = false;
	int			left = 0;

	foreach_ptr(ScriptRemark, r, reader->remarks)
	{
		problems |= r->tag == NULL;
		left += changes_database(r->tag);
	}
	if (!problems && added > 0 && left == 0)
		return;
	if (!problems && added > 0)
	{
		ereport(NOTICE,
				(errmsg("script: %d %s added, %d %s left alone", added, added == 1 ? "step" : "steps",
						left, left == 1 ? "statement is" : "statements are"),
				 errhint(sg_calls("They are in no step of the plan. What has to be run along with it becomes one by sg_plan_add():\nSELECT line, tag, reason FROM schemaguard.plan_note WHERE plan = %s;"),
						 quote_literal_cstr(reader->plan))));
		return;
	}

	ereport(NOTICE,
			(errmsg("script: %d %s added, %d %s",
					added, added == 1 ? "step" : "steps", nnotes, nnotes == 1 ? "note" : "notes"),
			 nnotes > 0 ? errhint("What was left alone, and why:\nSELECT * FROM schemaguard.plan_note WHERE plan = %s;",
								  quote_literal_cstr(reader->plan)) :
			 errhint("The script has no statement; it is the text that is given, not the name of a file.")));
}

/*
 * Reads the script with the scanner's and parser's notices about truncated
 * names turned off, because remarks report those that matter.
 */
void
script_read(ScriptReader *reader, const FkPlan *plan, const char *sql)
{
	int			level = NewGUCNestLevel();

	reader->plan = plan->name;
	reader->path = script_path_begin();
	reader->context = CurrentMemoryContext;
	reader->scratch = AllocSetContextCreate(CurrentMemoryContext, "schemaguard script statement",
											ALLOCSET_DEFAULT_SIZES);
	if (client_min_messages < WARNING)
		sg_scope_set("client_min_messages", "warning");
	reader->script = script_split(sql);
	read_script(reader);
	AtEOXact_GUC(false, level);
}

bool
script_is_file_name(const char *script)
{
	int			length = strlen(script);

	return length > 4 && script[strcspn(script, " \t\r\n;")] == '\0' && pg_strcasecmp(script + length - 4, ".sql") == 0;
}

static void
check_no_file(const char *plan, const char *script)
{
	if (script_is_file_name(script))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("script must be the text itself, not the name of a file: \"%s\"", sg_clip(script, 100)),
				 errhint(sg_calls("In psql, \\set script `cat %s` reads the file, and :'script' is its text. If the file is on the server:\nSELECT sg_plan_from_sql(%s, pg_read_file(%s));"),
						 sg_clip(script, 100), quote_literal_cstr(plan), quote_literal_cstr(script))));
}

/*
 * sg_plan_from_sql(plan text, script text, strict boolean)
 *
 * Adds a step for each foreign key of the script, and for other things that it
 * gives to tables; returns the number of steps.  Statements without a step
 * become rows of schemaguard.plan_note.  With strict, a statement that can't be
 * read, or a step that can't be added, is an error.
 */
static Datum
sg_plan_from_sql_entered(PG_FUNCTION_ARGS)
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

	check_no_file(plan->name, sg_arg_text(fcinfo, 1));
	script_read(&reader, plan, sg_arg_text(fcinfo, 1));
	if (strict)
		(void) script_notes(&reader, strict_hint);

	added = list_length(script_add_steps(&reader, plan));
	notes = script_notes(&reader, strict ? strict_hint : NULL);
	summary = summary_note(&reader);
	if (summary)
		notes = lappend(notes, summary);
	plan_notes_insert(plan, notes);
	tell_outcome(&reader, added, list_length(notes));
	plan_log(plan, 0, "plan script", plan->name,
			 psprintf("%d steps, %d notes", added, list_length(notes)));

	PG_RETURN_INT32(added);
}
