/*-------------------------------------------------------------------------
 *
 * guc.c
 *	  The settings schemaguard.*.
 *
 * All of them may be set by any role: they only bound what that role's own
 * statements do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "guc.h"

int			sg_lock_timeout = 100;
int			sg_max_attempts = 200;
int			sg_retry_budget = 600000;
int			sg_statement_timeout = 0;

void
sg_guc_init(void)
{
	DefineCustomIntVariable("schemaguard.lock_timeout",
							"Longest time that one attempt to lock the tables of a step may wait.",
							"Bounds all locks of the attempt together, and so how long the application can be held up behind it.",
							&sg_lock_timeout,
							100, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.max_attempts",
							"Attempts to lock the tables of a step before the step fails.",
							NULL,
							&sg_max_attempts,
							200, 1, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.retry_budget",
							"Time for all attempts to lock the tables of a step, pauses included.",
							NULL,
							&sg_retry_budget,
							600000, 1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("schemaguard.statement_timeout",
							"Longest time that one statement of a step may run; 0 is no limit.",
							"Takes the place of statement_timeout, which would count the whole CALL.",
							&sg_statement_timeout,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	MarkGUCPrefixReserved("schemaguard");
}
