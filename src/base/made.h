/*-------------------------------------------------------------------------
 *
 * made.h
 *	  Code that a statement makes something of.
 *
 * A look goes by the names in a statement, and so does the server, later: no
 * lock keeps a better match for the name of a function away in between.  So
 * what has been made tells, by OID, what it uses.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_MADE_H
#define SG_MADE_H

#include "postgres.h"

/*
 * Calls fn(arg), which looks at what is to be done, and does it.  Raises 42501
 * if something that was made or altered there uses a function, an operator or
 * an operator class that another transaction has made or changed meanwhile.
 */
extern void sg_make_as_seen(void (*fn) (void *arg), void *arg);

/*
 * Installs the hook, once, when the library is loaded.  While a call of ours or
 * a session is guarded (guard.h), an index that uses code which its table's
 * owner does not trust can't be made: 42501.
 */
extern void sg_made_init(void);

#endif							/* SG_MADE_H */
