/*-------------------------------------------------------------------------
 *
 * worker_main.c
 *	  The worker's side: become what the leader is, run one function.
 *
 * A worker logs in as the role that the leader's session logged in with, then
 * takes over its settings, SET SESSION AUTHORIZATION and SET ROLE among them.
 * It reports through the leader's queue from the first moment on, so that
 * even a failure to connect has a reason.  Errors end it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "executor/spi.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "parser/parser.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guard.h"
#include "base/origin.h"
#include "worker/worker.h"
#include "worker/worker_internal.h"

PGDLLEXPORT void worker_main(Datum main_arg);

/* ---- start ---- */

static void
set_option(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_USERSET, PGC_S_SESSION);
}

/* Takes over the leader's role and settings */
static void
take_over(WorkerShared *shared)
{
	StartTransactionCommand();
	RestoreGUCState((char *) shared + shared->settings);

	/* the leader passes messages on, and expects its own encoding */
	set_option("client_encoding", pg_encoding_to_char(shared->encoding));
	set_option("application_name", psprintf("schemaguard worker for PID %d", shared->leader_pid));
	set_option("default_transaction_isolation", "read committed");

	if (GetUserId() != shared->role)
		set_option("role", GetUserNameFromId(shared->role, false));
	if (GetUserId() != shared->role)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a worker could not become role %s",
						GetUserNameFromId(shared->role, false))));
	CommitTransactionCommand();
}

/*
 * Releases session locks at exit.  Core releases a session lock that is held
 * outside of a transaction only on an abort or on a client's command; it would
 * outlive the worker in shared memory.
 */
static void
release_session_locks(int code, Datum arg)
{
	LockReleaseAll(DEFAULT_LOCKMETHOD, true);
}

int
worker_number(void)
{
	int			number;

	memcpy(&number, MyBgworkerEntry->bgw_extra, sizeof(int));
	return number;
}

void
worker_main(Datum main_arg)
{
	dsm_segment *segment;
	WorkerShared *shared;
	WorkerFunction function;
	const char	done = WORKER_MESSAGE_DONE;
	shm_mq	   *queue;
	shm_mq_handle *handle;

	/* terminate like a session: at the next check for interrupts */
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	/* without a resource owner it stays attached until the end */
	segment = dsm_attach(DatumGetUInt32(main_arg));
	if (segment == NULL)
		return;					/* the leader is gone */
	shared = dsm_segment_address(segment);
	queue = worker_queue(shared, worker_number());
	shm_mq_set_sender(queue, MyProc);
	handle = shm_mq_attach(queue, segment, NULL);
	if (strncmp(shared->version, SG_VERSION, sizeof(shared->version)) != 0)
	{
		static const char other[] = {WORKER_MESSAGE_VERSION};
		shm_mq_iovec message[] = {{other, sizeof(other)}, {SG_VERSION, sizeof(SG_VERSION)}};

		(void) shm_mq_sendv(handle, message, lengthof(message), false, true);
		return;
	}
	pq_redirect_to_shm_mq(segment, handle);

	BackgroundWorkerInitializeConnectionByOid(shared->database, shared->login, 0);

	/*
	 * on_shmem_exit: behind the transaction's abort, which is a
	 * before_shmem_exit callback
	 */
	on_shmem_exit(release_session_locks, (Datum) 0);
	(void) SetClientEncoding(GetDatabaseEncoding());	/* as yet */
	take_over(shared);
	sg_guard_process();

	function = (WorkerFunction) load_external_function(WORKER_LIBRARY, shared->function,
													   true, NULL);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "schemaguard worker",
												ALLOCSET_DEFAULT_SIZES));
	sg_call(function, (char *) shared + shared->argument);
	worker_report_activity(NULL);
	(void) shm_mq_send(handle, 1, &done, false, true);
}

void
worker_send(const char *text)
{
	StringInfoData message;

	pq_beginmessage(&message, WORKER_MESSAGE_TEXT);
	pq_sendstring(&message, text);
	pq_endmessage(&message);
}

void
worker_report_activity(const char *text)
{
	debug_query_string = text;

	pgstat_report_activity(text ? STATE_RUNNING : STATE_IDLE, text);
}

/* ---- transactions ---- */

/*
 * Begins a portal like that of a client's statement: it keeps the snapshot, and
 * lets a procedure go on after a COMMIT.
 */
static Portal
begin_portal(void)
{
	Portal		portal = CreatePortal("", true, true);

	portal->visible = false;
	portal->status = PORTAL_ACTIVE;
	ActivePortal = portal;
	PortalContext = portal->portalContext;
	PushActiveSnapshotWithLevel(GetTransactionSnapshot(), portal->createLevel);
	portal->portalSnapshot = GetActiveSnapshot();
	return portal;
}

static void
end_portal(Portal portal)
{
	if (portal->portalSnapshot && ActiveSnapshotSet())
		PopActiveSnapshot();
	portal->portalSnapshot = NULL;
	portal->status = PORTAL_DONE;
	ActivePortal = NULL;
	PortalContext = NULL;
	PortalDrop(portal, false);
}

void
worker_procedure(void (*fn) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	Portal		portal;

	StartTransactionCommand();
	portal = begin_portal();
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	MemoryContextSwitchTo(PortalContext);
	fn(arg);
	SPI_finish();
	MemoryContextSwitchTo(context);
	end_portal(portal);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

ErrorData *
worker_try(void (*fn) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *edata = NULL;

	PG_TRY();
	{
		Portal		portal;

		StartTransactionCommand();
		portal = begin_portal();

		/* run fn in a context that survives its own COMMIT */
		MemoryContextSwitchTo(context);
		fn(arg);
		end_portal(portal);
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		edata = sg_caught(context);

		/*
		 * a failed portal is dropped by the abort, or by the next portal of
		 * that name
		 */
		if (ActivePortal)
			MarkPortalFailed(ActivePortal);
		ActivePortal = NULL;
		PortalContext = NULL;
		AbortCurrentTransaction();
	}
	PG_END_TRY();

	MemoryContextSwitchTo(context);
	return edata;
}

typedef struct Utility
{
	const char *sql;
	void		(*check) (const char *statement);
} Utility;

static void
run_utility(void *arg)
{
	const Utility *utility = arg;
	const char *sql = utility->sql;
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT));
	PlannedStmt *statement = makeNode(PlannedStmt);
	SgOrigin	origin;

	statement->commandType = CMD_UTILITY;
	statement->canSetTag = true;
	statement->utilityStmt = raw->stmt;
	statement->stmt_location = raw->stmt_location;
	statement->stmt_len = raw->stmt_len;
	if (utility->check)
		utility->check(sql);
	sg_origin_begin(&origin, "");
	sg_origin_utility(statement, sql, PROCESS_UTILITY_TOPLEVEL);
	sg_origin_end(&origin);
}

ErrorData *
worker_execute_checked(const char *statement, void (*check) (const char *statement))
{
	Utility		utility = {statement, check};

	worker_report_activity(statement);
	return worker_try(run_utility, &utility);
}

ErrorData *
worker_execute(const char *statement)
{
	return worker_execute_checked(statement, NULL);
}
