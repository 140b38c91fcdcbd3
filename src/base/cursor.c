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
 * abort of the (sub)transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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
	MemoryContext *where;		/* to be NULL when that is over, or NULL */
	HiddenCursor *first;
} HiddenCursors;

/* How many hidings are under way */
static int	hidings = 0;

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

	hidings--;
	if (hidden->where)
		*hidden->where = NULL;
	for (const HiddenCursor *cursor = hidden->first; cursor; cursor = cursor->next)
	{
		Portal		portal = GetPortalByName(cursor->name);

		/* an abort may have ended it */
		if (portal == NULL || portal->status != PORTAL_FAILED || portal->cleanup != cursor->cleanup)
			continue;
		portal->status = PORTAL_READY;
		portal->portalPinned = cursor->pinned;
		portal->visible = true;
	}
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
	MemoryContext context;
	MemoryContext old;
	HiddenCursors *hidden;

	if (hidings > 0)
		return NULL;
	context = AllocSetContextCreate(CurTransactionContext, "schemaguard cursors", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	hidden = palloc0(sizeof(HiddenCursors));

	hidden->callback.func = show_cursors;
	hidden->callback.arg = hidden;
	hidden->where = where;
	MemoryContextRegisterResetCallback(context, &hidden->callback);
	hidings++;
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
