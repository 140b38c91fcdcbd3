/*-------------------------------------------------------------------------
 *
 * body.h
 *	  Functions that people call, whose bodies are SQL or PL/pgSQL of ours.
 *
 * Their errors have no CONTEXT of what is inside, which would be longer than
 * the message, and means nothing to people.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_BODY_H
#define SG_BODY_H

#include "postgres.h"
#include "fmgr.h"

/* Call a function whose errors have only the CONTEXT of the caller */
extern void sg_call_alone(void (*fn) (void *arg), void *arg);
extern Datum sg_enter_alone(PGFunction function, FunctionCallInfo fcinfo);

#endif							/* SG_BODY_H */
