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

/* Does another step make an index, a constraint or a relation of the name in the schema, unless it is the step's own index? */
extern bool plan_index_name_is_planned(const PlanStep *step, const char *name);

/* Does any step, for an index of a table that is no step's own: of a partition? */
extern bool plan_part_index_name_is_planned(const char *plan, const char *table, const char *name);

#endif							/* SG_PLAN_NAME_H */
