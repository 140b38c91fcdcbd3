/*-------------------------------------------------------------------------
 *
 * cursor.c
 *	  Open cursors of a session, kept away from code of others.
 *
 * The server checks what a cursor reads for the role that opens it, not for the
 * one that fetches, and finds it by its name.  So code that runs in another name
 * within the same session could read the caller's rows.
 *
 * Invariant: what is hidden is shown again when the hiding is over, also by an
 * abort of the (sub)transaction: at once, for until the client's ROLLBACK the
 * server has to be able to drop what it has opened.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/tuplestore.h"

#include "base/cursor.h"

/* Saved state of a hidden cursor */
typedef struct HiddenCursor
{
	const char *name;
	void		(*cleanup) (Portal portal);
	bool		pinned;
	struct HiddenCursor *next;
} HiddenCursor;

/* The hidden cursors, kept in the memory context that sg_cursors_hide() returns */
typedef struct HiddenCursors
{
	MemoryContextCallback callback;
	MemoryContext context;		/* its own context */
	SubTransactionId subid;		/* subtransaction in which the hiding began */
	MemoryContext *where;		/* variable to set to NULL when the hiding is
								 * over, or NULL */
	HiddenCursor *first;
} HiddenCursors;

/* The current hiding, or NULL */
static HiddenCursors *hiding = NULL;

/* Calls give() for each cursor of pg_cursors that is ready to be fetched from */
static void
each_ready_cursor(void (*give) (Portal portal, HiddenCursors *hidden), HiddenCursors *hidden)
{
	LOCAL_FCINFO(call, 0);
	FmgrInfo	function;
	ReturnSetInfo result = {.type = T_ReturnSetInfo,.allowedModes = SFRM_Materialize};
	TupleTableSlot *slot;

	result.econtext = CreateStandaloneExprContext();
	fmgr_info(F_PG_CURSOR, &function);
	InitFunctionCallInfoData(*call, &function, 0, InvalidOid, NULL, (Node *) &result);
	(void) FunctionCallInvoke(call);
	slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result.setResult, true, false, slot))
	{
		bool		isnull;
		Portal		portal = GetPortalByName(TextDatumGetCString(slot_getattr(slot, 1, &isnull)));

		if (portal && portal->status == PORTAL_READY)
			give(portal, hidden);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result.setResult);
	FreeExprContext(result.econtext, true);
}

/*
 * Marks a cursor as failed: the server does not run a failed cursor, and ends
 * it like a ready one when the (sub)transaction that opened it aborts.  A
 * failed cursor loses its resources when the subtransaction that last ran it
 * aborts, so the cursor counts as not run since it was opened.
 */
static void
hide_cursor(Portal portal, HiddenCursors *hidden)
{
	HiddenCursor *cursor = palloc(sizeof(HiddenCursor));

	cursor->name = pstrdup(portal->name);
	cursor->cleanup = portal->cleanup;
	cursor->pinned = portal->portalPinned;
	cursor->next = hidden->first;
	hidden->first = cursor;
	portal->status = PORTAL_FAILED;
	portal->activeSubid = portal->createSubid;
	portal->portalPinned = true;
	portal->visible = false;
}

static void
show_cursors(void *arg)
{
	const HiddenCursors *hidden = arg;

	hiding = NULL;
	if (hidden->where)
		*hidden->where = NULL;
	for (const HiddenCursor *cursor = hidden->first; cursor; cursor = cursor->next)
	{
		Portal		portal = GetPortalByName(cursor->name);

		if (portal == NULL || portal->status != PORTAL_FAILED)
			continue;
		portal->portalPinned = cursor->pinned;
		portal->visible = true;
		/* skipped if an abort has ended the cursor meanwhile */
		if (portal->cleanup == cursor->cleanup)
			portal->status = PORTAL_READY;
	}
}

static void
show_at_abort(XactEvent event, void *arg)
{
	if (hiding && (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT))
		MemoryContextDelete(hiding->context);
}

static void
show_at_subabort(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (hiding && event == SUBXACT_EVENT_ABORT_SUB && hiding->subid == mine)
		MemoryContextDelete(hiding->context);
}

static void
close_cursor(Portal portal, HiddenCursors *hidden)
{
	if (!portal->portalPinned)
		PortalDrop(portal, false);
}

MemoryContext
sg_cursors_hide(MemoryContext *where)
{
	static bool registered = false;
	MemoryContext context;
	MemoryContext old;
	HiddenCursors *hidden;

	if (hiding)
		return NULL;
	if (!registered)
	{
		RegisterXactCallback(show_at_abort, NULL);
		RegisterSubXactCallback(show_at_subabort, NULL);
		registered = true;
	}
	context = AllocSetContextCreate(CurTransactionContext, "schemaguard cursors", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	hidden = palloc0(sizeof(HiddenCursors));

	hidden->callback.func = show_cursors;
	hidden->callback.arg = hidden;
	hidden->context = context;
	hidden->subid = GetCurrentSubTransactionId();
	hidden->where = where;
	MemoryContextRegisterResetCallback(context, &hidden->callback);
	hiding = hidden;
	if (where)
		*where = context;
	each_ready_cursor(hide_cursor, hidden);
	MemoryContextSwitchTo(old);
	return context;
}

void
sg_cursors_show(MemoryContext hidden)
{
	MemoryContext old = MemoryContextSwitchTo(hidden);

	each_ready_cursor(close_cursor, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(hidden);
}
