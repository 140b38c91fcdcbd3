/*-------------------------------------------------------------------------
 *
 * plan_key.h
 *	  A step as a key in this database, and as SQL, and from both.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_KEY_H
#define SG_PLAN_KEY_H

#include "postgres.h"

#include "fk/fk.h"
#include "plan/plan.h"

/*
 * Resolves the step as a key in this database: finds both tables, checks that
 * they can be in a key, resolves columns and operators, fills in the clauses.
 * Returns NULL and fills key, or the problem (key->child and key->parent are
 * set as far as they were found).
 */
extern FkProblem *plan_step_key(const PlanStep *step, FkKey *key);

/* Returns FOREIGN KEY ... REFERENCES ... with all clauses */
extern char *plan_key_clause(const PlanStep *step, bool not_valid);

/* Return ALTER TABLE ... ADD CONSTRAINT ... [NOT VALID], and VALIDATE CONSTRAINT */
extern char *plan_add_statement(const PlanStep *step, bool not_valid);
extern char *plan_validate_statement(const char *child_table, const char *fk_name);
extern char *plan_drop_statement(const char *child_table, const char *fk_name);

/*
 * Returns the step that gives the key to a partition of its child; under
 * another name if the key's is taken there.
 */
extern PlanStep *plan_partition_step(const PlanStep *step, Oid partition);

/* Returns whether sg_fix_orphans() can do anything about the step's orphans */
extern bool plan_step_fixes(const PlanStep *step);

/*
 * Returns whether rows that refer by the step's key to quarantined rows go into
 * quarantine with them, while its own orphans stay
 */
extern bool plan_step_goes_along(const PlanStep *step);

/* Returns "fk_name ON child_table": a step's key in log and notices */
extern char *plan_step_object(const PlanStep *step);


/* ---- plan_statement.c ---- */

struct Constraint;
struct Node;
struct RangeVar;

/*
 * Returns the step for a FOREIGN KEY clause; fk_name may be NULL.  NOT VALID
 * makes its policy "leave".
 */
extern PlanStep *plan_step_of_constraint(const char *plan, const char *child_table,
										 const char *parent_table, const struct Constraint *c);

/* Returns a declared key as a step, which can't express all of a PERIOD key */
extern PlanStep *plan_step_of_key(const char *plan, const FkKey *key);

/* Returns copies of the strings of a list of String nodes */
extern List *plan_node_strings(List *nodes);

#endif							/* SG_PLAN_KEY_H */
