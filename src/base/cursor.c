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

/* A cursor that is hidden, and what to give back */
typedef struct HiddenCursor
{
	const char *name;
	void		(*cleanup) (Portal portal);
	bool		pinned;
	struct HiddenCursor *next;
} HiddenCursor;

/* Kept in the memory context that sg_cursors_hide() returns */
typedef struct HiddenCursors
{
	MemoryContextCallback callback;
	MemoryContext context;		/* that one */
	SubTransactionId subid;		/* in which the hiding began */
	MemoryContext *where;		/* to be NULL when that is over, or NULL */
	HiddenCursor *first;
} HiddenCursors;

/* The hiding that is under way, or NULL */
static HiddenCursors *hiding = NULL;

/* Calls a function for each cursor that could be fetched from now and that pg_cursors lists */
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
 * The state of a cursor that has failed is the one in which the server neither
 * runs it, nor ends it otherwise than one that is ready when the (sub)transaction
 * is aborted that has opened it.  One that has failed where it was last run loses
 * what it has open when that is aborted: it counts as not run since it was opened.
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
		/* an abort may have ended it */
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
