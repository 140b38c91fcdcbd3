/*-------------------------------------------------------------------------
 *
 * plan_field.h
 *	  What a step of a plan is made of: one table, from which statements,
 *	  arguments, options and documents are made.
 *
 * A field goes by the same name everywhere: it is a column of
 * schemaguard.plan_step, an argument of sg_plan_add_fk(), an option of
 * sg_plan_set() and a member of a step in a document.
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
#define FIELD_KEY		(1 << 0)	/* names the row; never changes */
#define FIELD_NULLABLE	(1 << 1)
#define FIELD_REQUIRED	(1 << 2)	/* has no default */
#define FIELD_OPTION	(1 << 3)	/* sg_plan_set() changes it */
#define FIELD_ANY_TIME	(1 << 4)	/* even when the key is there already */
#define FIELD_DOCUMENT	(1 << 5)	/* travels with the plan */
#define FIELD_SPARSE	(1 << 6)	/* does unless it is null or false */
#define FIELD_DEED		(1 << 7)	/* a deed about a key remembers it */
#define FIELD_STATUS	(1 << 8)	/* how far the step has come */
#define FIELD_CHANGE	(1 << 9)	/* a deed of another kind of step does,
									 * too */
#define FIELD_ANY		((1 << 10) - 1)

typedef struct StepField
{
	const char *name;
	size_t		offset;			/* in PlanStep */
	FieldType	type;
	int			flags;
	int			argument;		/* its place in sg_plan_add_fk(), from 0; or
								 * -1 */
	const SgWord *words;
} StepField;

/* All of them, in the order in which sg_plan_set() lists its options */
extern const StepField step_fields[];
extern const int step_nfields;

/* The field of that name that has one of the flags, or NULL */
extern const StepField *plan_field(const char *name, int flags);

/*
 * The fields that have one of the flags, as a list in a statement: `entry` for
 * each, with @ for its name, ~ for its type in SQL and # for the number of its
 * parameter, which is counted from `first`.
 */
extern char *plan_field_list(int flags, const char *entry, int first);

/*
 * All of them as they are read out of a table, which an update has not given
 * all columns yet: those are null.
 */
extern char *plan_field_columns(Oid table);

/*
 * The value as the next argument of a statement (of no step: null), and out of
 * the column of its name.
 */
extern void plan_field_store(const StepField *field, const PlanStep *step, StoreArgs *args);
extern void plan_field_fetch(const StepField *field, PlanStep *step, HeapTuple tuple, TupleDesc desc);

/*
 * Values from users: checks and sets them.  A text is the input of any type; NULL is for
 * FIELD_NULLABLE alone.  22023 for what is none.
 */
extern void plan_field_set_text(const StepField *field, PlanStep *step, char *value);
extern void plan_field_set_columns(const StepField *field, PlanStep *step, List *columns);
extern void plan_field_set_bool(const StepField *field, PlanStep *step, bool value);

#endif							/* SG_PLAN_FIELD_H */
