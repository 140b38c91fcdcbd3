/*-------------------------------------------------------------------------
 *
 * plan_name.h
 *	  Names that plans make up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_NAME_H
#define SG_PLAN_NAME_H

#include "postgres.h"

#include "plan/plan.h"

/* Does a step on another table of the same schema make an index, a constraint or a relation of the name? */
extern bool plan_name_is_planned(const PlanStep *step, const char *name);

#endif							/* SG_PLAN_NAME_H */
