/*-------------------------------------------------------------------------
 *
 * plan_field.h
 *	  Fields of a plan's step: one table, from which statements, arguments,
 *	  options and documents are made.  A field has the same name everywhere:
 *	  it is a column of schemaguard.plan_step, an argument of
 *	  sg_plan_add_fk(), an option of sg_plan_set() and a member of a step in a
 *	  document.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_FIELD_H
#define SG_PLAN_FIELD_H

#include "postgres.h"

#include "base/words.h"
#include "plan/plan.h"
#include "plan/plan_store.h"

typedef enum FieldType
{
	FIELD_TEXT,
	FIELD_TABLE,				/* a qualified name */
	FIELD_COLUMNS,
	FIELD_BOOL,
	FIELD_INT,
	FIELD_WORD					/* a member of an enum or a code of the
								 * server's, an int, by `words` */
} FieldType;

/* Flags of a field */
#define FIELD_KEY		(1 << 0)	/* identifies the row; never changes */
#define FIELD_NULLABLE	(1 << 1)
#define FIELD_REQUIRED	(1 << 2)	/* has no default */
#define FIELD_OPTION	(1 << 3)	/* sg_plan_set() changes it */
#define FIELD_ANY_TIME	(1 << 4)	/* changeable also when the key exists */
#define FIELD_DOCUMENT	(1 << 5)	/* part of the document of a plan */
#define FIELD_SPARSE	(1 << 6)	/* part of the document unless null or
									 * false */
#define FIELD_DEED		(1 << 7)	/* recorded by a deed about a key */
#define FIELD_STATUS	(1 << 8)	/* progress of the step */
#define FIELD_CHANGE	(1 << 9)	/* recorded by a deed of another kind of
									 * step, too */
#define FIELD_ANY		((1 << 10) - 1)

typedef struct StepField
{
	const char *name;
	size_t		offset;			/* in PlanStep */
	FieldType	type;
	int			flags;
	int			argument;		/* position among the arguments of
								 * sg_plan_add_fk(), from 0; or -1 */
	const SgWord *words;
} StepField;

/* All fields, in the order in which sg_plan_set() lists its options */
extern const StepField step_fields[];
extern const int step_nfields;

/* Returns the field of that name with one of the flags, or NULL */
extern const StepField *plan_field(const char *name, int flags);

/*
 * Returns the fields with one of the flags, as a list in a statement: `entry`
 * for each, with @ for its name, ~ for its type in SQL and # for the number of
 * its parameter, which is counted from `first`.
 */
extern char *plan_field_list(int flags, const char *entry, int first);

/*
 * Returns all fields as they are read out of a table; columns that the table
 * lacks before an update are null.
 */
extern char *plan_field_columns(Oid table);

/*
 * plan_field_store() appends the value as the next argument of a statement (of
 * no step: null); plan_field_fetch() reads it from the column of its name.
 */
extern void plan_field_store(const StepField *field, const PlanStep *step, StoreArgs *args);
extern void plan_field_fetch(const StepField *field, PlanStep *step, HeapTuple tuple, TupleDesc desc);

/*
 * Check and set values from users.  A text is the input of any type; NULL is
 * for FIELD_NULLABLE only.  Raise 22023 for an invalid one.
 */
extern void plan_field_set_text(const StepField *field, PlanStep *step, char *value);
extern void plan_field_set_columns(const StepField *field, PlanStep *step, List *columns);
extern void plan_field_set_bool(const StepField *field, PlanStep *step, bool value);

#endif							/* SG_PLAN_FIELD_H */
