/*-------------------------------------------------------------------------
 *
 * sync_replay.c
 *	  Files of migrations that run in a scratch database.
 *
 *	  Anybody may have written the files, so their code runs as
 *	  pg_database_owner: a role that cannot log in, has no privileges of its
 *	  own and can be a member of none.  It cannot become another role, nor
 *	  reach beyond the scratch database: the checks of sync_sandbox.c hold for
 *	  it, except that it writes rows.  Statements about roles, databases and
 *	  other servers are left out, and so are owners: what the files make
 *	  belongs to that one role, and runs as that role only.  No other process
 *	  runs it, because none has the checks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/rowsink.h"
#include "base/scope.h"
#include "base/spi.h"
#include "log/log_grant.h"
#include "script/script.h"
#include "sync/sync_scratch.h"
#include "worker/worker.h"

SG_FUNCTION(sg_replay_statements);
SG_FUNCTION(sg_replay_note_files);

static Oid	caller = InvalidOid;	/* role of this process, if it has
									 * replayed files */
static SgGuard guard_before;
static List *trusted = NIL;		/* names (char *) of trusted extensions */

/* ---- the role ---- */

/* Sets the settings that code of the files can't change, because it runs like a SECURITY DEFINER function */
static void
lock_settings(void)
{
	static const char *const settings[][2] = {
		{"client_encoding", NULL},	/* this worker's leader expects it */
		{"max_parallel_workers", "0"},	/* a parallel worker has no checks */
		{"track_counts", "off"} /* without counts there is no autovacuum,
								 * which would run code for ANALYZE */
	};

	for (int i = 0; i < lengthof(settings); i++)
	{
		if (settings[i][1])
			(void) set_config_option(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
		sg_find_setting(settings[i][0])->flags |= GUC_NOT_WHILE_SEC_REST | GUC_NO_RESET_ALL;
	}
}

static void
begin(void *context)
{
	char	   *database = get_database_name(MyDatabaseId);

	SPI_connect();
	if (SPI_execute("SELECT DISTINCT name FROM pg_catalog.pg_available_extension_versions WHERE trusted", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "extensions could not be listed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		trusted = lappend(trusted, pstrdup(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1)));
		MemoryContextSwitchTo(old);
	}
	if (database == NULL)
		sg_gone(ERRCODE_UNDEFINED_DATABASE, "the scratch database");
	(void) SPI_execute(psprintf("GRANT CREATE, TEMPORARY ON DATABASE %s TO pg_database_owner", quote_identifier(database)), false, 0);
	SPI_finish();
	lock_settings();
	caller = GetUserId();
	/* guard the files' role, so that code of another role raises an error */
	sg_become(ROLE_PG_DATABASE_OWNER, false);
	sg_guard_begin(&guard_before);
	sync_replay_leave();
}

void
sync_replay_begin(void)
{
	ErrorData  *error = worker_try(begin, CurrentMemoryContext);

	if (error)
		ReThrowError(error);
}

void
sync_replay_end(void)
{
	sg_guard_end(&guard_before);
}

void
sync_replay_enter(void)
{
	/*
	 * as in a SECURITY DEFINER function: no SET ROLE, no SET SESSION
	 * AUTHORIZATION
	 */
	sg_become(ROLE_PG_DATABASE_OWNER, true);
}

void
sync_replay_leave(void)
{
	sg_become(caller, false);
}

bool
sync_replay_runs(void)
{
	return OidIsValid(caller) && GetUserId() == ROLE_PG_DATABASE_OWNER;
}

void
sync_replay_extension(Node *statement)
{
	if (IsA(statement, CreateExtensionStmt) && superuser_arg(caller))
		sg_become(caller, true);
}

/* ---- statements ---- */

/* Returns whether a statement that makes no structure runs all the same, for what it does to this database */
static bool
acts_here(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CallStmt:
		case T_ConstraintsSetStmt:
		case T_CreateTableAsStmt:
		case T_LockStmt:
		case T_TruncateStmt:
		case T_VariableShowStmt:
			return true;
		default:
			return false;
	}
}

/*
 * Returns whether SET does nothing here: for role, session_authorization and the
 * settings of lock_settings(); and for the characteristics of a transaction,
 * which has begun with another statement
 */
static bool
is_locked(const VariableSetStmt *statement)
{
	struct config_generic *setting = statement->kind != VAR_SET_MULTI && statement->name ? sg_find_setting(statement->name) : NULL;

	return statement->kind == VAR_SET_MULTI || (setting && (setting->flags & GUC_NOT_WHILE_SEC_REST));
}

/*
 * Leaves an option out by which an autovacuum worker, which has no checks, would
 * compute an index's expressions
 */
static List *
without_autosummarize(List *options)
{
	List	   *left = NIL;

	foreach_ptr(DefElem, option, options)
	{
		if (pg_strcasecmp(option->defname, "autosummarize") == 0)
			sync_script_left_out("autosummarize");
		else
			left = lappend(left, option);
	}
	return left;
}

/* Leaves ALTER TABLE's OWNER TO out; returns whether another command is left */
static bool
keep_owner(AlterTableStmt *statement)
{
	List	   *cmds = NIL;

	foreach_ptr(AlterTableCmd, cmd, statement->cmds)
	{
		if (cmd->subtype == AT_DetachPartition)
			((PartitionCmd *) cmd->def)->concurrent = false;
		if (cmd->subtype == AT_SetRelOptions || cmd->subtype == AT_ReplaceRelOptions)
			cmd->def = (Node *) without_autosummarize((List *) cmd->def);
		if (cmd->subtype != AT_ChangeOwner)
			cmds = lappend(cmds, cmd);
	}
	statement->cmds = cmds;
	return cmds != NIL;
}

/* Changes a copy of a statement to what runs here; returns false if it is left out */
static bool
adapt(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VariableSetStmt:
			return !is_locked((VariableSetStmt *) statement);
		case T_IndexStmt:
			((IndexStmt *) statement)->concurrent = false;
			((IndexStmt *) statement)->options = without_autosummarize(((IndexStmt *) statement)->options);
			return true;
		case T_DropStmt:
			((DropStmt *) statement)->concurrent = false;
			return sync_sandbox_is_structure(statement);
		case T_RefreshMatViewStmt:
			((RefreshMatViewStmt *) statement)->concurrent = false;
			return true;
		case T_AlterTableStmt:
			return keep_owner((AlterTableStmt *) statement);
		case T_AlterOwnerStmt:
			return false;
		case T_CommentStmt:
			/* an extension is its creator's */
			return ((CommentStmt *) statement)->objtype != OBJECT_EXTENSION && sync_sandbox_is_structure(statement);
		case T_CreateSchemaStmt:
			{
				CreateSchemaStmt *schema = (CreateSchemaStmt *) statement;

				if (schema->schemaname == NULL && schema->authrole && schema->authrole->roletype == ROLESPEC_CSTRING)
					schema->schemaname = schema->authrole->rolename;
				if (schema->schemaname)
					schema->authrole = NULL;
				return true;
			}
		default:
			return sync_sandbox_is_structure(statement) || acts_here(statement);
	}
}

PlannedStmt *
sync_replay_statement(PlannedStmt *plan)
{
	PlannedStmt *copy = copyObject(plan);

	if (adapt(copy->utilityStmt))
		return copy;
	if (!IsA(plan->utilityStmt, VariableSetStmt))
		sync_script_left_out(IsA(plan->utilityStmt, AlterTableStmt) ? "OWNER TO" : CreateCommandName(plan->utilityStmt));
	return NULL;
}

/* ---- functions ---- */

bool
sync_replay_allows(Oid function)
{
	static const char *const here[] = {"set_config", "setval", "pg_notify"};
	char	   *name = get_func_name(function);

	for (int i = 0; name && i < lengthof(here); i++)
	{
		if (strcmp(name, here[i]) == 0)
			return true;
	}
	return false;
}

bool
sync_replay_is_planted(Oid owner)
{
	return OidIsValid(caller) && owner == ROLE_PG_DATABASE_OWNER && (creating_extension || !sync_replay_runs());
}

bool
sync_replay_refuses(Oid function, Oid language, char volatility)
{
	Oid			extension;
	char	   *name;

	if (language != ClanguageId || volatility != PROVOLATILE_VOLATILE)
		return false;
	extension = getExtensionOfObject(ProcedureRelationId, function);
	name = OidIsValid(extension) ? get_extension_name(extension) : NULL;
	foreach_ptr(const char, other, trusted)
	{
		if (name && strcmp(name, other) == 0)
			return false;
	}
	return true;
}

/* ---- reading ---- */

/* Returns the number of a line of a text, from 1 on */
static int
line_of(const char *text, int offset)
{
	int			line = 1;

	for (int i = 0; i < offset; i++)
		line += text[i] == '\n';

	return line;
}

typedef struct Statement
{
	const char *sql;
	const char *tag;
	bool		alone;
} Statement;

/* Tells the two commands about a savepoint apart, and gives its name in place of the statement */
static void
name_savepoint(Statement *statement, const TransactionStmt *stmt)
{
	if (stmt->kind != TRANS_STMT_SAVEPOINT && stmt->kind != TRANS_STMT_ROLLBACK_TO)
		return;
	statement->tag = stmt->kind == TRANS_STMT_SAVEPOINT ? "SAVEPOINT" : "ROLLBACK TO";
	statement->sql = stmt->savepoint_name;
}

static void
parse(void *arg)
{
	Statement  *statement = arg;
	List	   *raws = raw_parser(statement->sql, RAW_PARSE_DEFAULT);
	Node	   *stmt = raws ? linitial_node(RawStmt, raws)->stmt : NULL;

	statement->tag = stmt ? CreateCommandName(stmt) : NULL;
	statement->alone = stmt && sync_session_is_outside(stmt);
	if (stmt && IsA(stmt, TransactionStmt))
		name_savepoint(statement, (const TransactionStmt *) stmt);
}

/*
 * schemaguard.sg_replay_statements(content text)
 *
 * Returns the statements of a file as psql cuts it, each with its line, command
 * tag, text, or of SAVEPOINT and ROLLBACK TO the savepoint's name, and whether it
 * can't run in a transaction; an error of the scanner or parser is in place of
 * the text, without a tag.  The commands of psql follow, each with a backslash
 * and its name as the tag.
 * Raises nothing for what the file says.
 */
static Datum
sg_replay_statements_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	Script	   *script = script_split(sg_arg_text(fcinfo, 0));
	int			line = 1;
	int			at = 0;

	sg_sink_begin(&sink, fcinfo);
	for (int i = 0; i < script->nstatements; i++)
	{
		ScriptStatement *cut = &script->statements[i];
		Statement	statement = {script->sql + cut->start};
		ErrorData  *error = sg_try(parse, &statement);

		CHECK_FOR_INTERRUPTS();
		line += line_of(script->sql + at, cut->start - at) - 1;
		at = cut->start;
		if (error && sg_is_cancel(error))
			ReThrowError(error);
		if (error == NULL && statement.tag == NULL)
			continue;
		sg_sink_int32(&sink, line + (error ? line_of(statement.sql, script_error_offset(statement.sql, error)) - 1 : 0));
		sg_sink_text(&sink, statement.tag);
		sg_sink_text(&sink, error ? sg_error_message(error) : statement.sql);
		sg_sink_bool(&sink, statement.alone);
		sg_sink_emit(&sink);
	}
	if (script->error)
	{
		sg_sink_int32(&sink, line_of(script->sql, script->error_offset));
		sg_sink_null(&sink);
		sg_sink_text(&sink, sg_error_message(script->error));
		sg_sink_bool(&sink, false);
		sg_sink_emit(&sink);
	}
	line = 1;
	at = 0;
	foreach_ptr(const ScriptCommand, command, script->commands)
	{
		line += line_of(script->sql + at, command->offset - at) - 1;
		at = command->offset;
		sg_sink_int32(&sink, line);
		sg_sink_text(&sink, psprintf("\\%s", command->name));
		sg_sink_null(&sink);
		sg_sink_bool(&sink, false);
		sg_sink_emit(&sink);
	}
	return (Datum) 0;
}

/*
 * schemaguard.sg_replay_note_files(snapshot text, kinds text[], identities
 * text[], files text[])
 *
 * Notes for objects of a snapshot that the caller has taken the file that names
 * each of them last; other objects stay as they are.
 */
static Datum
sg_replay_note_files_entered(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID};
	Datum		values[5];
	SgScope		scope;

	sg_check_granted(fcinfo);
	for (int i = 0; i < 4; i++)
	{
		if (sg_arg_is_null(fcinfo, i))
			PG_RETURN_VOID();
		values[i] = PG_GETARG_DATUM(i);
	}
	values[4] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	sg_owner_begin(&scope);
	SPI_connect();
	(void) sg_owner_execute(SPI_OK_UPDATE,
							"UPDATE schemaguard.snapshot_object o SET file = f.file"
							" FROM unnest($2, $3, $4) f (kind, identity, file), schemaguard.snapshot s"
							" WHERE s.name = $1 AND s.role = $5 AND o.snapshot = s.name AND o.kind = f.kind AND o.identity = f.identity",
							lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
	PG_RETURN_VOID();
}
