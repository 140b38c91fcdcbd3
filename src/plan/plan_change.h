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
#include "catalog/objectaddress.h"
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
 * Raises 22023 unless the step, which is no foreign key, has exactly the fields
 * of its kind; 42601 for invalid SQL.  Generates fk_name. is_taken() says which
 * names are taken.
 */
extern void plan_change_check(PlanStep *step, bool (*is_taken) (void *arg, const char *name), void *arg);

/* Returns statements (RawStmt *), or NIL and the parser's error; a cancel is raised */
extern List *plan_parse(const char *sql, ErrorData **edata);

/* Returns the texts of statements, each as it was written (char *); they have passed the check */
extern List *plan_change_texts(const char *sql);

/* Sets the fields of a step that a user can give, names and values in turn */
extern void plan_step_set_fields(PlanStep *step, ArrayType *pairs);

/* Returns whether a step creates, renames or drops a relation as a whole */
extern bool plan_step_is_of_relation(const PlanStep *step);

/* Returns the text that a step of kind "table" or "statement" runs */
extern char *plan_change_run(const PlanStep *step);

/* Returns CREATE TABLE of a step of kind "table", or of a statement that does nothing else; else NULL */
extern struct CreateStmt *plan_made_table(const PlanStep *step);

/* Returns the tables (char *, qualified names) that a new table is a partition or a child of, or LIKE */
extern List *plan_table_relatives(const PlanStep *step);

/*
 * Returns the object of a step of kind drop or rename, under this name; objectId
 * InvalidOid if there is none.  plan_change_finds() returns whether there is one
 * under the step's own name.
 */
extern ObjectAddress plan_step_target(const PlanStep *step, const char *name);
extern bool plan_change_finds(const PlanStep *step);

/*
 * Returns a mark by which an object of a step is known under any name; and the
 * object of a step's mark, with objectId InvalidOid if the step has none that
 * is valid in this database
 */
extern char *plan_object_mark(const ObjectAddress *object);
extern ObjectAddress plan_marked_object(const PlanStep *step);

/* Return whether the step takes the option, by its kind, and the policy */
extern bool plan_step_takes(const PlanStep *step, const char *option);
extern bool plan_step_takes_policy(const PlanStep *step, OrphanPolicy policy);

/* Raises 22023 for a policy that no foreign key has */
extern void plan_check_key_policy(OrphanPolicy policy);

/* Returns the kind of object that a step of kind drop or rename is about */
extern ChangedObject plan_changed_object(const PlanStep *step);

/* Returns the word of ALTER and DROP for the relation of that name: TABLE, VIEW or MATERIALIZED VIEW */
extern const char *plan_relation_word(const PlanStep *step, const char *name);

/* Returns the raw expression of a text that has passed the check */
extern Node *plan_change_expression(const char *text);

/* Parses a list after ORDER BY into raw SortBy nodes; raises 42601 for an invalid one */
extern List *plan_change_order(const char *text);

/*
 * plan_step_holds_sql() returns whether the step has SQL or expressions, which
 * run as the role that runs the plan; the other whether a chosen step of the
 * plan has
 */
extern bool plan_step_holds_sql(const PlanStep *step);

/*
 * Returns the statements of a step, as deployment runs them in order, from the
 * plan alone (char *).
 */
extern List *plan_change_statements(const PlanStep *step);

/*
 * Returns the statements that add the step's column to its table, which
 * exists; *fill is the expression for existing rows, or NULL; NIL if the
 * statements are not known.
 */
extern List *(*plan_column_statements_hook) (const PlanStep *step, char **fill);

/* Returns the present problem of a step that is no foreign key, or NULL; set by the room that runs it */
extern FkProblem *(*plan_problem_hook) (const PlanStep *step);

/*
 * Returns whether the object of that name, on the table of a step, is already
 * what the step makes; set by the room that runs it
 */
extern bool (*plan_equal_hook) (const PlanStep *step, const char *name);

/* Returns the constraint, trigger or index of a table whose name is nearest to that of a drop's or rename's object, or NULL */
extern char *plan_nearest_part(const PlanStep *step, Oid table);

/* Returns the problem of a step whose statements name what is not there, or NULL; set by the room of checks */
extern FkProblem *(*plan_names_hook) (const PlanStep *step);

/*
 * Returns the constraint of a unique step, on the table or a partition: made of
 * an index, or, without one, of the columns
 */
extern char *plan_unique_statement(const PlanStep *step, const char *table, const char *name, const char *index);

/* Returns "check orders_total ON public.orders" */
extern char *plan_change_object(const PlanStep *step);

/* Returns whether a plan takes a statement of this kind (a raw parse node) */
extern bool plan_accepts_statement(Node *statement);

/* Returns whether the server refuses the statement within a transaction block */
extern bool plan_needs_no_transaction(Node *statement);

/*
 * Returns an unqualified table, index or type in a statement that runs outside
 * of a transaction, or NULL: a worker would look for it in pg_catalog alone.
 */
extern const char *plan_unqualified_name(Node *statement);

/*
 * Returns whether a boolean option of a statement (DefElem *) is on; the last
 * of several counts, as for the server.
 */
extern bool plan_option_is_on(List *options, const char *name);

#endif							/* SG_PLAN_CHANGE_H */
