/*-------------------------------------------------------------------------
 *
 * ddl_guard.c
 *	  The guard of direct DDL: see sg_guard_ddl().
 *
 * A session that has the library has each statement judged before the server
 * runs it, and so before any lock; for its first one an event trigger does so.
 * Where schemas are given, names do not say whether something is temporary, or a
 * statement seems to have nothing to do (IF EXISTS, IF NOT EXISTS), a name can
 * mean something else by the time that the statement has its locks; so what passes
 * by its names is judged again when it is done, by what it has made, changed or
 * dropped: the error undoes it.
 * Nothing that a session may set by itself lets a statement pass: neither
 * application_name nor schemaguard.migration.
 *
 * Invariant: no error of ours comes but the refusal, and that never reaches a
 * superuser.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/connection.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/made.h"
#include "base/origin.h"
#include "base/quote.h"
#include "base/spi.h"
#include "ddl/ddl.h"
#include "log/log.h"

SG_FUNCTION(sg_ddl_guard_event);
SG_FUNCTION(sg_ddl_guard_mode);

/* Columns of schemaguard.ddl_guard, from 1 */
enum
{
	GUARD_MODE = 1,
	GUARD_SCHEMAS,
	GUARD_ROLES,
	GUARD_MADE_IN,
	GUARD_COLUMNS = GUARD_MADE_IN
};

/* The row of schemaguard.ddl_guard */
typedef struct Guard
{
	bool		on;
	bool		refuses;
	List	   *schemas;		/* char *; NIL: all */
	List	   *roles;			/* char *: migration roles */
} Guard;

static Guard kept;
static Oid	kept_of = InvalidOid;	/* table that the row was read from;
									 * InvalidOid: to be read */
static uint64 changes = 0;		/* number of invalidations of the table that
								 * this session has received */
static MemoryContext kept_context = NULL;

static ProcessUtility_hook_type next_utility = NULL;
static bool hooked = false;		/* whether the hook has seen a statement */

/* Whether a statement about guarded objects passes, is logged, warned of or refused */
typedef enum Sentence
{
	SENTENCE_NONE,
	SENTENCE_LOG,
	SENTENCE_WARN,
	SENTENCE_REFUSE
} Sentence;

/* Owner of the utility statement that is running */
typedef struct Whose
{
	const char *plan;			/* plan, or "" for a call or worker; NULL: not
								 * schemaguard's */
	int			events;			/* event trigger functions that were running
								 * when the plan's statement began */
	Sentence	sentence;		/* sentence for the objects that it turns out
								 * to have touched */
	List	   *statistics;		/* OIDs of objects that are not among these:
								 * see DdlTarget */
} Whose;

static Whose whose = {NULL, 0, SENTENCE_NONE, NIL};

/* ---- the row ---- */

char *
ddl_guard_mark(void)
{
	return psprintf(UINT64_FORMAT " %u", GetSystemIdentifier(), sg_database_mark());
}

static void
table_has_changed(Datum arg, Oid relid)
{
	if (relid == kept_of || !OidIsValid(relid) || !OidIsValid(kept_of))
	{
		changes++;
		kept_of = InvalidOid;
	}
}

/* Returns whether the table has the columns that the extension gave it; the guard is off otherwise */
static bool
is_as_made(Relation rel)
{
	static const Oid types[GUARD_COLUMNS] = {TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID};
	TupleDesc	desc = RelationGetDescr(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION || desc->natts < GUARD_COLUMNS ||
		getExtensionOfObject(RelationRelationId, RelationGetRelid(rel)) != get_extension_oid("schemaguard", true))
		return false;
	for (int i = 0; i < GUARD_COLUMNS; i++)
	{
		if (TupleDescAttr(desc, i)->atttypid != types[i])
			return false;
	}
	return true;
}

static List *
read_names(TupleTableSlot *slot, int column)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, column, &isnull);

	return isnull ? NIL : sg_text_array_list(value);
}

/* Reads the row.  A row that a restore has brought from another database refuses nothing. */
static void
read_row(Guard *guard, TupleTableSlot *slot)
{
	bool		isnull;
	char	   *mode = TextDatumGetCString(slot_getattr(slot, GUARD_MODE, &isnull));
	char	   *made_in = TextDatumGetCString(slot_getattr(slot, GUARD_MADE_IN, &isnull));

	guard->on = true;
	guard->refuses = strcmp(mode, "refuse") == 0 && strcmp(made_in, ddl_guard_mark()) == 0;
	guard->schemas = read_names(slot, GUARD_SCHEMAS);
	guard->roles = read_names(slot, GUARD_ROLES);
}

static void
read_table(Guard *guard, Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);

	if (is_as_made(rel))
	{
		Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL, SO_NONE);

		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
			read_row(guard, slot);
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		UnregisterSnapshot(snapshot);
	}
	table_close(rel, AccessShareLock);
}

/* Reads the row again if it may have changed; returns false if the extension is not installed */
static bool
refresh(void)
{
	Oid			schema;
	Oid			relid;

	AcceptInvalidationMessages();
	schema = sg_schema_oid();
	relid = OidIsValid(schema) ? get_relname_relid("ddl_guard", schema) : InvalidOid;

	if (OidIsValid(relid) && relid != kept_of)
	{
		uint64		seen = changes;
		Guard		read = {0};
		MemoryContext old;

		if (kept_context == NULL)
		{
			kept_context = AllocSetContextCreate(TopMemoryContext, "schemaguard guard", ALLOCSET_SMALL_SIZES);
			CacheRegisterRelcacheCallback(table_has_changed, (Datum) 0);
		}
		MemoryContextReset(kept_context);
		old = MemoryContextSwitchTo(kept_context);
		kept = read;
		read_table(&read, relid);
		kept = read;
		MemoryContextSwitchTo(old);
		if (seen == changes)
			kept_of = relid;
	}
	return OidIsValid(relid);
}

static bool
has_name(List *names, const char *name)
{
	foreach_ptr(const char, other, names)
	{
		if (strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* ---- who ---- */

static bool
is_migration_role(Oid role)
{
	/*
	 * an autovacuum worker has no DDL of its own: it comes from code of a
	 * table's index
	 */
	return !AmAutoVacuumWorkerProcess() && has_name(kept.roles, sg_role_name(role));
}

static bool
is_superuser(Oid role)
{
	return superuser_arg(role);
}

/* Returns whether the current role, or the login role unless other roles' code runs, meets a condition */
static bool
is_run_by(bool (*is) (Oid role))
{
	return is(GetUserId()) || (!ddl_has_lent_rights() && is(GetSessionUserId()));
}

bool
ddl_is_migration_role(void)
{
	return refresh() && kept.on && is_run_by(is_migration_role);
}

/* ---- whose ---- */

bool
ddl_is_ours(void)
{
	return creating_extension || whose.plan;
}

const char *
ddl_plan(void)
{
	return whose.plan;
}

/*
 * Notes the begin of a statement; statements of an event trigger's function
 * belong to the statement that fired it
 */
static void
begin_statement(const char *query)
{
	int			events = sg_guard_event_triggers();
	const char *plan = sg_origin_of(query);

	if (plan)
	{
		whose.plan = plan;
		whose.events = events;
	}
	else if (events <= whose.events)
		whose.plan = NULL;
}

/* ---- what ---- */

/* Returns whether a statement concerns the server rather than this database, or data, or defines nothing */
static bool
is_elsewhere(Node *statement)
{
	ObjectType	kind;

	switch (nodeTag(statement))
	{
		case T_AlterDatabaseRefreshCollStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterDatabaseStmt:
		case T_AlterRoleSetStmt:
		case T_AlterRoleStmt:
		case T_AlterSystemStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_CreateRoleStmt:
		case T_CreateTableSpaceStmt:
		case T_CreatedbStmt:
		case T_DropRoleStmt:
		case T_DropTableSpaceStmt:
		case T_DropdbStmt:
		case T_GrantRoleStmt:
		case T_RefreshMatViewStmt:
		case T_ReindexStmt:
		case T_RepackStmt:
			return true;
		case T_AlterOwnerStmt:
			kind = ((AlterOwnerStmt *) statement)->objectType;
			break;
		case T_CommentStmt:
			kind = ((CommentStmt *) statement)->objtype;
			break;
		case T_GrantStmt:
			kind = ((GrantStmt *) statement)->objtype;
			break;
		case T_RenameStmt:
			kind = ((RenameStmt *) statement)->renameType;
			break;
		case T_SecLabelStmt:
			kind = ((SecLabelStmt *) statement)->objtype;
			break;
		default:
			return false;
	}
	return kind == OBJECT_DATABASE || kind == OBJECT_LARGEOBJECT || kind == OBJECT_PARAMETER_ACL || kind == OBJECT_ROLE || kind == OBJECT_TABLESPACE;
}

/* Returns whether the objects of a statement are guarded */
static bool
is_guarded(const DdlTarget *target)
{
	if (target->unknown)
		return true;
	foreach_ptr(const char, schema, target->schemas)
	{
		if (kept.schemas == NIL || has_name(kept.schemas, schema))
			return true;
	}
	return false;
}

static void
log_reason(Node *statement, const DdlTarget *target)
{
	EventTriggerData event = {.type = T_EventTriggerData,.parsetree = statement,.tag = CreateCommandTag(statement)};
	DdlCommand	command = {0};
	pg_uuid_t	run = log_new_run();
	LogEntry	entry = log_entry(&run, NULL, "direct ddl", LOG_DONE);

	ddl_set_statement(&command, &event);
	entry.object = target->name ? target->name : GetCommandTagName(event.tag);
	entry.statement = command.statement;
	entry.message = sg_reason;
	(void) log_write(&entry);
}

/* Raises 42501, or a WARNING */
static void
tell(Node *statement, const DdlTarget *target, bool refused)
{
	const char *tag = GetCommandTagName(CreateCommandTag(statement));
	const char *what = target->name ? psprintf("%s of %s", tag, target->name) : tag;

	ereport(refused ? ERROR : WARNING,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 refused ? errmsg("%s is refused: no plan or migration role runs it", what) :
			 errmsg("no plan or migration role runs this %s", what),
			 errdetail("This database has its DDL guarded: see schemaguard.ddl_guard_state."),
			 errhint(sg_calls("Let a plan run the statement: sg_plan_add() adds it to one, which begins so:\nSELECT sg_plan_create('by_plan');"))));
}

/* Returns the sentence for a statement on guarded objects */
static Sentence
sentence_for(Node *statement)
{
	bool		by_superuser;

	if (is_elsewhere(statement) || ddl_is_ours() || !IsUnderPostmaster || IsBinaryUpgrade ||
		RecoveryInProgress() || !refresh() || !kept.on || is_run_by(is_migration_role))
		return SENTENCE_NONE;

	/* the claims of superusers alone are believed, who pass anyway */
	by_superuser = is_run_by(is_superuser);
	if (ddl_has_reason())
		return SENTENCE_LOG;
	if (by_superuser && ddl_says_migration())
		return SENTENCE_NONE;
	return kept.refuses && !by_superuser ? SENTENCE_REFUSE : SENTENCE_WARN;
}

/* Logs a statement, warns of it, or raises 42501; once */
static void
pass_sentence(Node *statement, const DdlTarget *target)
{
	Sentence	sentence = whose.sentence;

	whose.sentence = SENTENCE_NONE;
	if (sentence == SENTENCE_LOG)
		log_reason(statement, target);
	else if (sentence != SENTENCE_NONE)
		tell(statement, target, sentence == SENTENCE_REFUSE);
}

/* Judges a statement by its names */
static void
judge(Node *statement)
{
	DdlTarget	target;
	bool		explained = IsA(statement, ExplainStmt);
	MemoryContext old;

	whose.sentence = SENTENCE_NONE;
	whose.statistics = NIL;
	if (GetCommandLogLevel(statement) != LOGSTMT_DDL)
		return;

	/* EXPLAIN ANALYZE makes the table, too, and no event trigger sees that */
	if (explained)
		statement = castNode(Query, ((ExplainStmt *) statement)->query)->utilityStmt;
	whose.sentence = sentence_for(statement);
	if (whose.sentence == SENTENCE_NONE)
		return;
	target = ddl_target(statement);
	old = MemoryContextSwitchTo(TopTransactionContext);
	whose.statistics = list_copy(target.statistics);
	MemoryContextSwitchTo(old);
	if (is_guarded(&target) || (explained && target.guessed))
		pass_sentence(statement, &target);
	else if (kept.schemas == NIL && !target.guessed)
		whose.sentence = SENTENCE_NONE;
}

/*
 * Returns whether a statement has committed part of its work, so that an error
 * would leave half of it behind
 */
static bool
is_concurrent(Node *statement)
{
	if (IsA(statement, IndexStmt))
		return ((IndexStmt *) statement)->concurrent;
	if (IsA(statement, DropStmt))
		return ((DropStmt *) statement)->concurrent;
	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
	{
		if (command->def && IsA(command->def, PartitionCmd) && ((PartitionCmd *) command->def)->concurrent)
			return true;
	}
	return false;
}

/* Judges a statement by an object that it has touched */
static void
judge_touched(void *arg, EventTriggerData *event, Datum *values, bool *nulls)
{
	DdlTarget	target;

	/* once they are dropped, their table is not known any more */
	if (strcmp(event->event, "sql_drop") == 0 && list_member_oid(whose.statistics, DatumGetObjectId(values[DROPPED_OBJID])) &&
		DatumGetObjectId(values[DROPPED_CLASSID]) == StatisticExtRelationId)
		return;
	target = ddl_touched(event, values, nulls);
	if (!is_guarded(&target))
		return;
	if (whose.sentence == SENTENCE_REFUSE && is_concurrent(event->parsetree))
		whose.sentence = SENTENCE_WARN;
	pass_sentence(event->parsetree, &target);
}

/* ---- when ---- */

/* Returns whether a statement creates a function or another object in pg_temp */
static bool
is_temporary(Node *statement)
{
	List	   *names = NIL;
	char	   *name;

	if (IsA(statement, CreateFunctionStmt))
		names = ((CreateFunctionStmt *) statement)->funcname;
	else if (IsA(statement, DefineStmt))
		names = ((DefineStmt *) statement)->defnames;
	else if (IsA(statement, CreateDomainStmt))
		names = ((CreateDomainStmt *) statement)->domainname;
	else if (IsA(statement, CreateEnumStmt))
		names = ((CreateEnumStmt *) statement)->typeName;
	else if (IsA(statement, CreateRangeStmt))
		names = ((CreateRangeStmt *) statement)->typeName;
	return names != NIL && isTempNamespace(QualifiedNameGetCreationNamespace(names, &name));
}

/*
 * Refuses statements of code that runs in nobody's or an owner's name within a
 * call of schemaguard, if their effect would outlive it in the caller's session
 * and the server allows them: SET CONSTRAINTS fires the caller's deferred
 * triggers in that name, LOAD loads a library, and a function in pg_temp waits
 * to be called.
 */
static void
refuse_session_state(Node *statement)
{
	bool		constraints = IsA(statement, ConstraintsSetStmt);

	/*
	 * the server does not run a key's action as restricted: catch what a rule
	 * or check there runs outside of a restricted function
	 */
	if (sg_guard_is_others() && !InSecurityRestrictedOperation() && sg_guard_is_nested())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("code of role %s, which the action of a key comes to, must not run %s",
						sg_role_name(GetUserId()), GetCommandTagName(CreateCommandTag(statement)))));
	if (!sg_guard_is_on() || !InSecurityRestrictedOperation())
		return;
	if (constraints || IsA(statement, LoadStmt) || is_temporary(statement))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 constraints ? errmsg("cannot set constraints within a security-restricted operation") :
				 IsA(statement, LoadStmt) ? errmsg("cannot load a library within a security-restricted operation") :
				 errmsg("cannot create a temporary object within a security-restricted operation")));
}

static void
utility(PlannedStmt *planned, const char *query, bool read_only_tree, ProcessUtilityContext context,
		ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	ProcessUtility_hook_type pass_on = next_utility ? next_utility : standard_ProcessUtility;
	Whose		before = whose;
	bool		within = context != PROCESS_UTILITY_SUBCOMMAND;
	CommandId	first = GetCurrentCommandId(false);

	hooked = true;
	sg_refuse_connections(planned->utilityStmt);
	if (within)
		sg_guard_within(true);
	PG_TRY();
	{
		begin_statement(query);
		refuse_session_state(planned->utilityStmt);

		/* the parts of a statement were judged with it */
		if (within)
			judge(planned->utilityStmt);
		pass_on(planned, query, read_only_tree, context, params, environment, dest, completion);
		if (within && sg_guard_is_nested())
			sg_note_written(first);
	}
	PG_FINALLY();
	{
		whose = before;
		if (within)
			sg_guard_within(false);
	}
	PG_END_TRY();
}

void
ddl_guard_init(void)
{
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}

/*
 * sg_ddl_guard_event(), event trigger: judges a command of a session with the
 * library that the hook has not seen, and the objects that each command has
 * touched.
 */
static Datum
sg_ddl_guard_event_entered(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = (EventTriggerData *) fcinfo->context;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_ddl_guard_event is an event trigger function"),
				 errhint(sg_calls("Have the event trigger made:\nSELECT sg_guard_ddl('warn');"))));
	if (strcmp(event->event, "ddl_command_start") == 0)
	{
		if (!hooked)
			judge(event->parsetree);
	}
	else if (whose.sentence != SENTENCE_NONE)
		ddl_read_rows(event, judge_touched, NULL);
	PG_RETURN_NULL();
}

/*
 * schemaguard.sg_ddl_guard_mode() -> text
 *
 * Returns the mode in force: off, warn or refuse.
 */
static Datum
sg_ddl_guard_mode_entered(PG_FUNCTION_ARGS)
{
	const char *mode = !refresh() || !kept.on ? "off" : kept.refuses ? "refuse" : "warn";

	PG_RETURN_TEXT_P(cstring_to_text(mode));
}
