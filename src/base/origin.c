/*-------------------------------------------------------------------------
 *
 * origin.c
 *	  DDL of our own, marked for who writes down where DDL comes from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/guard.h"
#include "base/origin.h"

static SgOrigin origin = {NULL, 0};

void
sg_origin_begin(SgOrigin *before, const char *plan)
{
	*before = origin;
	origin.plan = plan;
	origin.functions = sg_guard_functions();
}

void
sg_origin_end(const SgOrigin *before)
{
	origin = *before;
}

const char *
sg_origin_plan(void)
{
	return sg_guard_functions() == origin.functions ? origin.plan : NULL;
}
