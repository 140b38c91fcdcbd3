/*-------------------------------------------------------------------------
 *
 * cursor.h
 *	  Open cursors of a session, kept away from code of others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CURSOR_H
#define SG_CURSOR_H

#include "postgres.h"

/*
 * Between sg_cursors_hide() and sg_cursors_show(), or until an error ends the
 * (sub)transaction, FETCH, MOVE and CLOSE of cursors that were open are errors
 * (55000, 24000), and pg_cursors does not list them.  Cursors that are opened
 * meanwhile and left open are closed by sg_cursors_show(). `where`, if not
 * NULL, outlives transactions: it becomes NULL when the span is over.  Returns
 * NULL, and nothing is to be shown, within another such span, whose cursors
 * belong to the role that the span is for.
 */
extern MemoryContext sg_cursors_hide(MemoryContext *where);
extern void sg_cursors_show(MemoryContext hidden);

#endif							/* SG_CURSOR_H */
