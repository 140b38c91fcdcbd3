/*-------------------------------------------------------------------------
 *
 * plan_change.h
 *	  Steps that are no foreign keys: what each kind consists of.
 *
 * What the fields of a step hold, by its kind; * stands for what has to be
 * there.
 *
 *	kind		table	columns	name			definition			others
 *	check		*		set's	constraint		* condition			fill
 *	not null	*		* one	constraint							fill
 *	unique		*		*		constraint							keep_by, primary_key
 *	column		*		* one	the column's	* type and clauses	fill
 *	default		*		* one	the column's	expression or none
 *	index		*				index			* from USING on
 *	statement	or none			any				* statements		undo, done_when, outside
 *	drop		*				object's		* what it is		discard
 *	rename		*				object's		* what it is		* new_name
 *
 * Expressions and definitions are SQL that somebody has written: they are
 * parsed here, as one piece that has no end of its own, and no name in them is
 * looked up but with search_path pinned to pg_catalog.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_CHANGE_H
#define SG_PLAN_CHANGE_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "utils/array.h"

#include "fk/fk.h"
#include "plan/plan.h"

/* Kind of object that a step of kind drop or rename is about: a word of `definition` */
typedef enum ChangedObject
{
	CHANGED_TABLE,
	CHANGED_COLUMN,
	CHANGED_CONSTRAINT,
	CHANGED_INDEX,
	CHANGED_TRIGGER,
	CHANGED_VIEW
} ChangedObject;

/*
 * Raise 22023 unless the step, which is no foreign key, has what its kind
 * needs, and nothing else; 42601 for SQL that is none.  Makes up fk_name.
 * `names` says which names are taken.
 */
extern void plan_change_check(PlanStep *step, bool (*is_taken) (void *arg, const char *name), void *arg);

/* Statements (of RawStmt *), or NIL and the parser's error; a cancel is raised */
extern List *plan_parse(const char *sql, ErrorData **edata);

/* Statements, each as it was written (of char *); they have passed the check */
extern List *plan_change_texts(const char *sql);

/* The fields of a step that a user can give, names and values by turns */
extern void plan_step_set_fields(PlanStep *step, ArrayType *pairs);

/* Is a step about a relation as such: made, renamed, dropped? */
extern bool plan_step_is_of_relation(const PlanStep *step);

/* Text that a step of kind "table" or "statement" runs */
extern char *plan_change_run(const PlanStep *step);

/* CREATE TABLE of a step of kind "table", or of a statement that does nothing else; else NULL */
extern struct CreateStmt *plan_made_table(const PlanStep *step);

/* The tables (of char *, as qualified names) that such a step makes its table a part, a child or a likeness of */
extern List *plan_table_relatives(const PlanStep *step);

/* Is what a step drops there? */
extern bool plan_change_finds(const PlanStep *step);

/* Does the step take the option, by its kind, and the policy? */
extern bool plan_step_takes(const PlanStep *step, const char *option);
extern bool plan_step_takes_policy(const PlanStep *step, OrphanPolicy policy);

/* Raises 22023 for a policy that no foreign key has */
extern void plan_check_key_policy(OrphanPolicy policy);

/* Returns the kind of object that a step of kind drop or rename is about */
extern ChangedObject plan_changed_object(const PlanStep *step);

/* Returns the word of ALTER and DROP for the relation of that name: TABLE, VIEW or MATERIALIZED VIEW */
extern const char *plan_relation_word(const PlanStep *step, const char *name);

/* The raw expression of a text; it has passed the check */
extern Node *plan_change_expression(const char *text);

/* Parses a list behind ORDER BY into raw SortBy nodes; raises 42601 if it is none */
extern List *plan_change_order(const char *text);

/*
 * Does the step hold SQL or expressions, which whoever runs it would run?  And
 * has the plan a step among the chosen ones that does?
 */
extern bool plan_step_holds_sql(const PlanStep *step);

/*
 * The statements of a step, as deployment runs them one after the other, from
 * the plan alone (of char *).
 */
extern List *plan_change_statements(const PlanStep *step);

/*
 * Returns the statements that add the step's column to its table, which
 * exists; *fill is the expression for existing rows, or NULL; NIL if the
 * statements are not known.
 */
extern List *(*plan_column_statements_hook) (const PlanStep *step, char **fill);

/* Returns what stands in the way of a step that is no foreign key, as things are, or NULL; set by the room that runs it */
extern FkProblem *(*plan_problem_hook) (const PlanStep *step);

/* The constraint of a unique step, on the table or a partition: made of an index, or, without one, of the columns */
extern char *plan_unique_statement(const PlanStep *step, const char *table, const char *name, const char *index);

/* "check orders_total ON public.orders" */
extern char *plan_change_object(const PlanStep *step);

/* Returns whether a plan takes a statement of this kind (a raw parse node) */
extern bool plan_accepts_statement(Node *statement);

/* Does the server refuse the statement within a transaction block? */
extern bool plan_needs_no_transaction(Node *statement);

/*
 * Returns a table, index or type that a statement which runs outside of a
 * transaction names without its schema, or NULL: a worker looks for it in
 * pg_catalog alone.
 */
extern const char *plan_unqualified_name(Node *statement);

/* Is a boolean option of a statement (of DefElem *) on?  Of several the last one counts, as for the server. */
extern bool plan_option_is_on(List *options, const char *name);

#endif							/* SG_PLAN_CHANGE_H */
