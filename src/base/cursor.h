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
 * From here to sg_cursors_show(), or until an error ends the (sub)transaction,
 * FETCH, MOVE and CLOSE of cursors that are open are errors (55000, 24000), and
 * pg_cursors does not list them.  Those that are opened meanwhile, and left, are
 * closed by sg_cursors_show().  `where`, if not NULL, outlives transactions: it is
 * NULL again when that is over.  Returns NULL, and nothing is to be shown, within
 * another such span: what was opened in that is of the role that it is for.
 */
extern MemoryContext sg_cursors_hide(MemoryContext *where);
extern void sg_cursors_show(MemoryContext hidden);

#endif							/* SG_CURSOR_H */
