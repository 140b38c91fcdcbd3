/*-------------------------------------------------------------------------
 *
 * plan_name.h
 *	  Names that plans generate.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_NAME_H
#define SG_PLAN_NAME_H

#include "postgres.h"

#include "plan/plan.h"

/*
 * Returns whether another step makes an index, a constraint or a relation of
 * the name in the schema, other than the step's own index
 */
extern bool plan_index_name_is_planned(const PlanStep *step, const char *name);

/* Likewise for any step, for an index of a partition, which belongs to no step of its own */
extern bool plan_part_index_name_is_planned(const char *plan, const char *table, const char *name);

#endif							/* SG_PLAN_NAME_H */
