/*-------------------------------------------------------------------------
 *
 * ddl_write.c
 *	  Keeping DDL commands until commit, and writing them into the log.
 *
 * Rows are put into the table as the server itself writes its catalogs: no
 * query is planned, no trigger fires, nobody's privileges or search_path
 * count.  What the table has of others' code (there is none, unless its owner
 * adds some) runs as the owner, restricted.
 *
 * Invariant: commands are kept in the order of their subtransactions' ids, so
 * that those of the current one are the last ones.  What is written before
 * the end goes with the subtransaction that writes it, so each writes only
 * its own; its parents' wait for theirs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/calls.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/spi.h"
#include "ddl/ddl.h"
#include "log/log.h"

/* Memory for pending commands; beyond it the subtransaction writes its own at once */
#define PENDING_MAX (1024 * 1024)

/* Time to wait for a lock on the log */
#define LOCK_WAIT_MS 100

/* The columns of the log */
enum
{
	COLUMN_AT,
	COLUMN_PID,
	COLUMN_SESSION_ROLE,
	COLUMN_ROLE,
	COLUMN_APPLICATION,
	COLUMN_CLIENT_ADDR,
	COLUMN_EVENT,
	COLUMN_TAG,
	COLUMN_KIND,
	COLUMN_OBJECT,
	COLUMN_PARTS,
	COLUMN_STATEMENT,
	COLUMN_ORIGIN,
	COLUMN_ORIGIN_NAME,
	COLUMN_DETAIL,
	COLUMN_COUNT
};

static const struct
{
	const char *name;
	Oid			type;
}			columns[COLUMN_COUNT] =

{
	{"at", TIMESTAMPTZOID},
	{"pid", INT4OID},
	{"session_role", TEXTOID},
	{"role", TEXTOID},
	{"application", TEXTOID},
	{"client_addr", INETOID},
	{"event", TEXTOID},
	{"tag", TEXTOID},
	{"kind", TEXTOID},
	{"object", TEXTOID},
	{"parts", TEXTARRAYOID},
	{"statement", TEXTOID},
	{"origin", TEXTOID},
	{"origin_name", TEXTOID},
	{"detail", TEXTOID},
};

static MemoryContext pending_context = NULL;	/* freed with the transaction */
static List *pending = NIL;		/* of DdlCommand * */
static bool registered = false;

/* Numbers of commands that were not written: in this transaction, and before it */
static int	lost_now = 0;
static int	lost_before = 0;
static bool lost_written = false;
static char lost_reason[200];

/* ---- keeping ---- */

static void xact_event(XactEvent event, void *arg);
static void subxact_event(SubXactEvent event, SubTransactionId subid,
						  SubTransactionId parent, void *arg);

static char *
copy_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static DdlObject *
copy_object(const DdlObject *object)
{
	DdlObject  *copy = palloc(sizeof(DdlObject));
	ListCell   *lc;

	copy->kind = copy_text(object->kind);
	copy->identity = copy_text(object->identity);
	copy->detail = copy_text(object->detail);
	copy->parts = NIL;
	foreach(lc, object->parts)
		copy->parts = lappend(copy->parts, pstrdup(lfirst(lc)));
	return copy;
}

void
ddl_keep(const DdlCommand *command)
{
	MemoryContext old;
	DdlCommand *copy;
	ListCell   *lc;

	if (!registered)
	{
		RegisterXactCallback(xact_event, NULL);
		RegisterSubXactCallback(subxact_event, NULL);
		registered = true;
	}
	if (pending_context == NULL)
		pending_context = AllocSetContextCreate(TopTransactionContext, "schemaguard DDL",
												ALLOCSET_DEFAULT_SIZES);

	old = MemoryContextSwitchTo(AllocSetContextCreate(pending_context, "schemaguard DDL command",
													  ALLOCSET_SMALL_SIZES));
	copy = palloc(sizeof(DdlCommand));
	*copy = *command;
	copy->subid = GetCurrentSubTransactionId();
	copy->session_role = copy_text(command->session_role);
	copy->role = copy_text(command->role);
	copy->application = copy_text(command->application);
	if (command->client_addr)
	{
		inet	   *address = DatumGetInetPP(command->client_addr);

		copy->client_addr = PointerGetDatum(memcpy(palloc(VARSIZE_ANY(address)), address, VARSIZE_ANY(address)));
	}
	copy->statement = copy_text(command->statement);
	copy->origin_name = copy_text(command->origin_name);
	copy->objects = NIL;
	foreach(lc, command->objects)
		copy->objects = lappend(copy->objects, copy_object(lfirst(lc)));
	MemoryContextSwitchTo(pending_context);
	pending = lappend(pending, copy);
	MemoryContextSwitchTo(old);
}

/* Returns how many commands were kept before the subtransaction began */
static int
kept_before(SubTransactionId subid)
{
	int			n = list_length(pending);

	while (n > 0 && ((DdlCommand *) list_nth(pending, n - 1))->subid >= subid)
		n--;
	return n;
}

/* Forgets all commands but the first ones */
static void
keep_first(int n)
{
	for (int i = n; i < list_length(pending); i++)
		MemoryContextDelete(GetMemoryChunkContext(list_nth(pending, i)));
	pending = list_truncate(pending, n);
}

/* Passes the commands of a subtransaction to its parent at commit, and discards them at abort */
static void
subxact_event(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	int			n = kept_before(subid);

	if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		for (; n < list_length(pending); n++)
			((DdlCommand *) list_nth(pending, n))->subid = parent;
	}
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		keep_first(n);
}

/* ---- writing ---- */

/* Locks the log, waiting for at most LOCK_WAIT_MS */
static void
lock_log(Oid relid)
{
	for (int i = 0; !ConditionalLockRelationOid(relid, RowExclusiveLock); i++)
	{
		if (i >= LOCK_WAIT_MS)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("the table is locked by another session")));
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000L);
	}
}

/* Returns the log, locked, or InvalidOid if DROP EXTENSION has dropped it */
static Oid
find_log(void)
{
	Oid			schema = sg_schema_oid();
	Oid			relid = OidIsValid(schema) ? get_relname_relid("ddl_log", schema) : InvalidOid;

	if (OidIsValid(relid))
		lock_log(relid);
	else if (OidIsValid(get_extension_oid("schemaguard", true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table does not exist")));
	return relid;
}

/* Finds the number of each column; raises an error, instead of crashing, if the table was altered */
static void
locate_columns(Relation rel, int *attributes)
{
	TupleDesc	desc = RelationGetDescr(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("it is not an ordinary table")));

	for (int i = 0; i < COLUMN_COUNT; i++)
	{
		attributes[i] = -1;
		for (int k = 0; k < desc->natts; k++)
		{
			/* the columns are usually in order */
			int			n = (i + k) % desc->natts;
			Form_pg_attribute attribute = TupleDescAttr(desc, n);

			if (!attribute->attisdropped && attribute->atttypid == columns[i].type &&
				strcmp(NameStr(attribute->attname), columns[i].name) == 0)
			{
				attributes[i] = n;
				break;
			}
		}
		if (attributes[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("the table has no column \"%s\" of type %s",
							columns[i].name, format_type_be(columns[i].type))));
	}
}

typedef struct LogTable
{
	Relation	rel;
	int			attributes[COLUMN_COUNT];
	EState	   *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot;
} LogTable;

static bool
open_log(LogTable *log)
{
	Oid			relid = find_log();

	if (!OidIsValid(relid))
		return false;
	log->rel = table_open(relid, NoLock);
	locate_columns(log->rel, log->attributes);

	log->estate = CreateExecutorState();
	log->result = makeNode(ResultRelInfo);
	InitResultRelInfo(log->result, log->rel, 0, NULL, 0);
	log->result->ri_TrigDesc = NULL;
	ExecOpenIndices(log->result, false);
	log->slot = ExecInitExtraTupleSlot(log->estate, RelationGetDescr(log->rel), &TTSOpsVirtual);
	return true;
}

static void
close_log(LogTable *log)
{
	ExecCloseIndices(log->result);
	ExecResetTupleTable(log->estate->es_tupleTable, false);
	FreeExecutorState(log->estate);
	table_close(log->rel, NoLock);
}

static void
set_column(LogTable *log, int column, Datum value)
{
	log->slot->tts_values[log->attributes[column]] = value;
	log->slot->tts_isnull[log->attributes[column]] = false;
}

static void
set_text(LogTable *log, int column, const char *text)
{
	if (text)
		set_column(log, column, CStringGetTextDatum(text));
}

static void
insert_row(LogTable *log, const DdlCommand *command, const DdlObject *object)
{
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(log->estate));

	ExecClearTuple(log->slot);
	memset(log->slot->tts_isnull, true, RelationGetDescr(log->rel)->natts);

	set_column(log, COLUMN_AT, TimestampTzGetDatum(command->at));
	set_column(log, COLUMN_PID, Int32GetDatum(MyProcPid));
	set_text(log, COLUMN_SESSION_ROLE, command->session_role);
	set_text(log, COLUMN_ROLE, command->role);
	set_text(log, COLUMN_APPLICATION, command->application);
	if (command->client_addr)
		set_column(log, COLUMN_CLIENT_ADDR, command->client_addr);
	set_text(log, COLUMN_EVENT, command->event);
	set_text(log, COLUMN_TAG, command->tag);
	set_text(log, COLUMN_KIND, object->kind);
	set_text(log, COLUMN_OBJECT, object->identity);
	if (object->parts)
		set_column(log, COLUMN_PARTS, sg_text_array(object->parts));
	set_text(log, COLUMN_STATEMENT, command->statement);
	set_text(log, COLUMN_ORIGIN, command->origin);
	set_text(log, COLUMN_ORIGIN_NAME, command->origin_name);
	set_text(log, COLUMN_DETAIL, object->detail ? object->detail : command->withheld);

	ExecStoreVirtualTuple(log->slot);
	ExecSimpleRelationInsert(log->result, log->estate, log->slot);
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(log->estate);
}

/* Inserts a row with the number of commands that the log lacks */
static void
insert_lost(LogTable *log)
{
	DdlCommand	command = {0};
	DdlObject	object = {0};

	command.at = GetCurrentTimestamp();
	command.session_role = sg_role_name(GetSessionUserId());
	command.role = command.session_role;
	command.event = "lost";
	command.tag = "";
	command.origin = "schemaguard";
	object.detail = psprintf("commands of this session that were not written: %d; the last because: %s",
							 lost_before, lost_reason);
	insert_row(log, &command, &object);
}

/* Argument of the function that writes: the number of commands to skip, and of those lost before */
typedef struct Writing
{
	int			first;
	bool		lost;
} Writing;

static void
write_pending(void *arg)
{
	const Writing *writing = arg;
	LogTable	log;
	SgScope		scope;

	PushActiveSnapshot(GetTransactionSnapshot());
	if (!open_log(&log))
	{
		PopActiveSnapshot();
		return;
	}
	sg_role_begin(&scope, log.rel->rd_rel->relowner);

	for (int i = writing->first; i < list_length(pending); i++)
	{
		const DdlCommand *command = list_nth(pending, i);
		ListCell   *lo;

		foreach(lo, command->objects)
		{
			CHECK_FOR_INTERRUPTS();
			insert_row(&log, command, lfirst(lo));
		}
	}
	if (writing->lost)
		insert_lost(&log);

	sg_scope_end(&scope);
	close_log(&log);
	PopActiveSnapshot();
}

/*
 * Writes the commands that the current subtransaction keeps, or counts them as
 * lost; at the end of the transaction that is all of them
 */
static void
flush(void)
{
	Writing		writing = {
		.first = kept_before(GetCurrentSubTransactionId()),
		.lost = GetCurrentTransactionNestLevel() == 1 && lost_before > 0 && !lost_written,
	};
	ErrorData  *error = sg_try(write_pending, &writing);
	int			commands = list_length(pending) - writing.first;

	keep_first(writing.first);
	if (error)
	{
		sg_rethrow_cancel(error);
		ddl_lost(commands, error);
		FreeErrorData(error);
	}
	else
		lost_written = lost_written || writing.lost;
}

void
ddl_bound_memory(void)
{
	if (pending != NIL && MemoryContextMemAllocated(pending_context, true) > PENDING_MAX)
		flush();
}

void
ddl_lost(int commands, const ErrorData *error)
{
	lost_now += commands;
	strlcpy(lost_reason, sg_error_text(error), sizeof(lost_reason));
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg_plural("%d DDL command was not written into schemaguard.ddl_log: %s",
						   "%d DDL commands were not written into schemaguard.ddl_log: %s",
						   commands, commands, lost_reason),
			 errdetail("The command itself is not affected."),
			 errhint(sg_calls("As a superuser, to end capturing:\nSELECT sg_capture_ddl(false);"))));
}

/* ---- the transaction's end ---- */

static void
forget(void)
{
	pending = NIL;
	pending_context = NULL;
	lost_now = 0;
	lost_written = false;
}

static void
xact_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			if (pending != NIL)
				flush();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			lost_before = lost_now + (lost_written ? 0 : lost_before);
			forget();
			break;
		case XACT_EVENT_ABORT:
			forget();
			break;
		default:
			break;
	}
}

/* ---- pruning ---- */

static uint64
prune(TimestampTz before)
{
	return log_prune_before("DELETE FROM schemaguard.ddl_log WHERE at < $1", before);
}

void
ddl_write_init(void)
{
	log_register_prune("ddl", "rows of ddl_log", prune);
}
