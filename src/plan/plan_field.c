/*-------------------------------------------------------------------------
 *
 * plan_field.c
 *	  The fields of a step, and their values between C, SQL and users.
 *
 * A new field is a member of PlanStep, a column of schemaguard.plan_step, an
 * argument of sg_plan_add_fk(), and a line here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/quote.h"
#include "base/spi.h"
#include "plan/plan_field.h"
#include "plan/plan_input.h"

static const SgWord kind_words[] = {
	{STEP_FOREIGN_KEY, "foreign key"},
	{STEP_CHECK, "check"},
	{STEP_NOT_NULL, "not null"},
	{STEP_UNIQUE, "unique"},
	{STEP_COLUMN, "column"},
	{STEP_DEFAULT, "default"},
	{STEP_INDEX, "index"},
	{STEP_STATEMENT, "statement"},
	{STEP_DROP, "drop"},
	{STEP_RENAME, "rename"},
	{STEP_TABLE, "table"},
	{STEP_ROWS, "rows"},
	{0}
};

SG_WORDS_OF(kind_words, STEP_KINDS);

static const SgWord priority_words[] = {
	{PRIORITY_CRITICAL, "critical"},
	{PRIORITY_HIGH, "high"},
	{PRIORITY_MEDIUM, "medium"},
	{PRIORITY_LOW, "low"},
	{0}
};

SG_WORDS_OF(priority_words, PRIORITY_LOW + 1);

static const SgWord policy_words[] = {
	{ORPHANS_STOP, "stop"},
	{ORPHANS_LEAVE, "leave"},
	{ORPHANS_QUARANTINE, "quarantine"},
	{ORPHANS_DELETE, "delete"},
	{ORPHANS_SET_NULL, "set null"},
	{ORPHANS_SET, "set"},
	{0}
};

SG_WORDS_OF(policy_words, ORPHANS_SET + 1);

static const SgWord state_words[] = {
	{STEP_PENDING, "pending"},
	{STEP_ADDED, "added"},
	{STEP_VALIDATED, "validated"},
	{STEP_SKIPPED, "skipped"},
	{STEP_FAILED, "failed"},
	{STEP_ROLLED_BACK, "rolled back"},
	{STEP_WAITING, "waiting"},
	{0}
};

SG_WORDS_OF(state_words, STEP_WAITING);

#define FIELD(name) #name, offsetof(PlanStep, name)

/*
 * Sets of flags: of a field that the author of a step gives; of one that is
 * also part of the key itself; of one that other kinds have
 */
#define OPTION	(FIELD_OPTION | FIELD_DOCUMENT)
#define CLAUSE	(OPTION | FIELD_DEED)
#define CHANGE	(FIELD_OPTION | FIELD_SPARSE | FIELD_NULLABLE)

const StepField step_fields[] = {
	{FIELD(plan), FIELD_TEXT, FIELD_KEY, -1},
	{FIELD(step), FIELD_INT, FIELD_KEY, -1},
	{FIELD(priority), FIELD_WORD, OPTION | FIELD_ANY_TIME, 8, priority_words},
	{FIELD(orphans), FIELD_WORD, OPTION | FIELD_ANY_TIME | FIELD_NULLABLE, 9, policy_words},
	{FIELD(index), FIELD_BOOL, OPTION | FIELD_ANY_TIME, 10},
	{FIELD(sentinel), FIELD_TEXT, FIELD_OPTION | FIELD_ANY_TIME | FIELD_NULLABLE | FIELD_SPARSE, 17},
	{FIELD(quarantine_cascades), FIELD_BOOL, FIELD_OPTION | FIELD_ANY_TIME | FIELD_SPARSE, 18},
	{FIELD(state), FIELD_WORD, FIELD_STATUS | FIELD_OPTION | FIELD_ANY_TIME, -1, state_words},
	{FIELD(child_table), FIELD_TABLE, CLAUSE | FIELD_REQUIRED, 1},
	{FIELD(child_columns), FIELD_COLUMNS, CLAUSE | FIELD_REQUIRED, 2},
	{FIELD(parent_table), FIELD_TABLE, CLAUSE | FIELD_REQUIRED, 3},
	{FIELD(parent_columns), FIELD_COLUMNS, CLAUSE | FIELD_NULLABLE, 4},
	{FIELD(fk_name), FIELD_TEXT, CLAUSE | FIELD_NULLABLE, 5},
	{FIELD(on_delete), FIELD_WORD, CLAUSE, 6, sg_action_words},
	{FIELD(on_update), FIELD_WORD, CLAUSE, 7, sg_action_words},
	{FIELD(on_delete_columns), FIELD_COLUMNS, CLAUSE | FIELD_NULLABLE, 15},
	{FIELD(match), FIELD_WORD, CLAUSE, 12, sg_match_words},
	{FIELD(deferrable), FIELD_BOOL, CLAUSE, 13},
	{FIELD(initially_deferred), FIELD_BOOL, CLAUSE, 14},
	{FIELD(enforced), FIELD_BOOL, CLAUSE, 16},
	{FIELD(replaces), FIELD_TEXT, OPTION | FIELD_NULLABLE, 11},
	{FIELD(backfill), FIELD_TEXT, OPTION | FIELD_NULLABLE, 19},
	{FIELD(period), FIELD_BOOL, FIELD_OPTION | FIELD_SPARSE | FIELD_DEED, 20},
	{FIELD(kind), FIELD_WORD, FIELD_SPARSE | FIELD_NULLABLE | FIELD_CHANGE, -1, kind_words},
	{FIELD(definition), FIELD_TEXT, CHANGE | FIELD_CHANGE, -1},
	{FIELD(new_name), FIELD_TEXT, CHANGE | FIELD_CHANGE, -1},
	{FIELD(fill), FIELD_TEXT, CHANGE | FIELD_ANY_TIME, -1},
	{FIELD(undo), FIELD_TEXT, CHANGE | FIELD_ANY_TIME, -1},
	{FIELD(done_when), FIELD_TEXT, CHANGE, -1},
	{FIELD(keep_by), FIELD_TEXT, CHANGE | FIELD_ANY_TIME, -1},
	{FIELD(primary_key), FIELD_BOOL, FIELD_OPTION | FIELD_SPARSE | FIELD_CHANGE, -1},
	{FIELD(nulls_not_distinct), FIELD_BOOL, FIELD_OPTION | FIELD_SPARSE | FIELD_DEED, -1},
	{FIELD(discard), FIELD_BOOL, FIELD_OPTION | FIELD_SPARSE | FIELD_CHANGE, -1},
	{FIELD(outside), FIELD_BOOL, FIELD_OPTION | FIELD_SPARSE, -1},
	{FIELD(after), FIELD_COLUMNS, CHANGE | FIELD_ANY_TIME, -1},
	{FIELD(phase), FIELD_TEXT, CHANGE | FIELD_ANY_TIME, -1},
	{FIELD(index_name), FIELD_TEXT, CHANGE | FIELD_ANY_TIME, -1},
	{FIELD(rationale), FIELD_TEXT, CHANGE | FIELD_ANY_TIME, -1},
	{FIELD(reason), FIELD_TEXT, FIELD_STATUS | FIELD_NULLABLE, -1},
	{FIELD(attempts), FIELD_INT, FIELD_STATUS, -1},
	{FIELD(skipped_by), FIELD_TEXT, FIELD_STATUS | FIELD_NULLABLE, -1},
	{FIELD(skip_done), FIELD_BOOL, FIELD_STATUS, -1},
	{FIELD(missing), FIELD_BOOL, FIELD_STATUS, -1},
	{FIELD(object_mark), FIELD_TEXT, FIELD_STATUS | FIELD_NULLABLE, -1},
	{FIELD(fills), FIELD_BOOL, FIELD_STATUS, -1},
};
const int	step_nfields = lengthof(step_fields);

const StepField *
plan_field(const char *name, int flags)
{
	for (int i = 0; i < step_nfields; i++)
	{
		if ((step_fields[i].flags & flags) != 0 && strcmp(step_fields[i].name, name) == 0)
			return &step_fields[i];
	}
	return NULL;
}

/* ---- words ---- */

const char *
plan_kind_word(StepKind kind)
{
	return sg_word(kind_words, kind);
}

const char *
plan_priority_word(StepPriority priority)
{
	return sg_word(priority_words, priority);
}

const char *
plan_policy_word(OrphanPolicy policy)
{
	return sg_word(policy_words, policy);
}

bool
plan_policy_loses(OrphanPolicy policy)
{
	return policy == ORPHANS_DELETE || policy == ORPHANS_SET_NULL;
}

const char *
plan_policy_text(OrphanPolicy policy)
{
	return psprintf("policy %s%s", plan_policy_word(policy), plan_policy_loses(policy) ? ", no copy" : "");
}

OrphanPolicy
plan_policy(const char *word)
{
	return sg_parse_word(policy_words, "orphans", word);
}

const char *
plan_state_word(StepState state)
{
	return sg_word(state_words, state);
}

StepState
plan_state(const char *word)
{
	return sg_parse_word(state_words, "state", word);
}

bool
plan_policy_deletes(OrphanPolicy policy)
{
	switch (policy)
	{
		case ORPHANS_QUARANTINE:
		case ORPHANS_DELETE:
			return true;
		case ORPHANS_STOP:
		case ORPHANS_LEAVE:
		case ORPHANS_SET_NULL:
		case ORPHANS_SET:
			return false;
	}
	pg_unreachable();
}

char *
plan_given(char *field)
{
	if (field == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a step lacks what its kind needs"),
				 errhint("Drop the step, and add it again.")));
	return field;
}

bool
plan_step_is_there(const PlanStep *step)
{
	return step->state == STEP_ADDED || step->state == STEP_VALIDATED;
}

/* ---- in SQL ---- */

static const char *
sql_type(FieldType type)
{
	switch (type)
	{
		case FIELD_TEXT:
		case FIELD_TABLE:
		case FIELD_WORD:
			return "text";
		case FIELD_COLUMNS:
			return "text[]";
		case FIELD_BOOL:
			return "boolean";
		case FIELD_INT:
			return "int";
	}
	pg_unreachable();
}

char *
plan_field_list(int flags, const char *entry, int first)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < step_nfields; i++)
	{
		if ((step_fields[i].flags & flags) == 0)
			continue;
		if (list.len > 0)
			appendStringInfoString(&list, ", ");
		for (const char *c = entry; *c; c++)
		{
			if (*c == '@')
				appendStringInfoString(&list, step_fields[i].name);
			else if (*c == '~')
				appendStringInfoString(&list, sql_type(step_fields[i].type));
			else if (*c == '#')
				appendStringInfo(&list, "$%d", first++);
			else
				appendStringInfoChar(&list, *c);
		}
	}
	return list.data;
}

char *
plan_field_columns(Oid table)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < step_nfields; i++)
	{
		const char *name = step_fields[i].name;

		appendStringInfo(&list, "%s%s\"%s\"", i > 0 ? ", " : "",
						 get_attnum(table, name) != InvalidAttrNumber ? "" :
						 psprintf("NULL::%s AS ", sql_type(step_fields[i].type)), name);
	}
	return list.data;
}

/* The value of a field in a step */
#define VALUE(field, step, type) (*(type *) ((char *) (step) + (field)->offset))

StaticAssertDecl(sizeof(StepState) == sizeof(int), "enums are no ints");

/* Reads a word from a column, which has no unknown words; a field that deeds do not have stays */
static void
fetch_word(const StepField *field, PlanStep *step, const char *word)
{
	int			code = word ? sg_word_code(field->words, word) : 0;

	if (code < 0)
		elog(ERROR, "%s has no word \"%s\"", field->name, word);
	if (word)
		VALUE(field, step, int) = code;
}

void
plan_field_store(const StepField *field, const PlanStep *step, StoreArgs *args)
{
	switch (field->type)
	{
		case FIELD_TEXT:
		case FIELD_TABLE:
			store_arg_text(args, step ? VALUE(field, step, char *) : NULL);
			break;
		case FIELD_WORD:
			store_arg_text(args, step ? sg_word(field->words, VALUE(field, step, int)) : NULL);
			break;
		case FIELD_COLUMNS:
			store_arg_texts(args, step ? VALUE(field, step, List *) : NIL);
			break;
		case FIELD_BOOL:
			store_arg_datum(args, BOOLOID, BoolGetDatum(step && VALUE(field, step, bool)), step == NULL);
			break;
		case FIELD_INT:
			store_arg_datum(args, INT4OID, Int32GetDatum(step ? VALUE(field, step, int) : 0), step == NULL);
			break;
	}
}

void
plan_field_fetch(const StepField *field, PlanStep *step, HeapTuple tuple, TupleDesc desc)
{
	switch (field->type)
	{
		case FIELD_TEXT:
		case FIELD_TABLE:
			VALUE(field, step, char *) = sg_spi_text(tuple, desc, field->name);
			break;
		case FIELD_WORD:
			fetch_word(field, step, sg_spi_text(tuple, desc, field->name));
			break;
		case FIELD_COLUMNS:
			VALUE(field, step, List *) = sg_spi_text_array(tuple, desc, field->name);
			break;
		case FIELD_BOOL:
			VALUE(field, step, bool) = sg_spi_bool(tuple, desc, field->name);
			break;
		case FIELD_INT:
			VALUE(field, step, int) = (int) sg_spi_int64(tuple, desc, field->name);
			break;
	}
}

/* ---- from users ---- */

static int
check_word(const StepField *field, const char *value)
{
	if (field->words == sg_match_words && pg_strcasecmp(value, "partial") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("MATCH PARTIAL is not supported"),
				 errdetail("PostgreSQL has no such keys."),
				 errhint("Use \"simple\" or \"full\".")));

	return sg_parse_word(field->words, field->name, value);
}

static bool
check_bool(const StepField *field, const char *value)
{
	bool		result;

	if (!parse_bool(value, &result))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for %s: \"%s\"", field->name, value),
				 errhint("Valid values are: true, false.")));

	return result;
}

/* Reads columns: a name, or the text of an array, as in '{a,b}' */
static List *
check_columns(const StepField *field, char *value)
{
	List	   *columns = sg_names_of_text(value);

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", field->name),
				 strcmp(field->name, "after") == 0 ? errhint("Name at least one step, as in '{1,2}', or give null.") :
				 errhint("Name at least one column, as in '{a,b}'.")));

	return columns;
}

void
plan_field_set_text(const StepField *field, PlanStep *step, char *value)
{
	switch (field->type)
	{
		case FIELD_TEXT:
			VALUE(field, step, char *) = value;
			break;
		case FIELD_TABLE:
			VALUE(field, step, char *) = plan_qualify(value);
			break;
		case FIELD_WORD:
			VALUE(field, step, int) = value ? check_word(field, value) : 0;
			if (field->words == policy_words)
				step->policy_is_plans = value == NULL;
			break;
		case FIELD_COLUMNS:
			VALUE(field, step, List *) = value ? check_columns(field, value) : NIL;
			break;
		case FIELD_BOOL:
			VALUE(field, step, bool) = check_bool(field, value);
			break;
		case FIELD_INT:
			elog(ERROR, "%s is not for users to set", field->name);
	}
}

/* Returns whether a user's value of the field is the same in both steps */
static bool
is_same_value(const StepField *field, const PlanStep *a, const PlanStep *b)
{
	const char *texts[2];

	switch (field->type)
	{
		case FIELD_TEXT:
		case FIELD_TABLE:
			texts[0] = VALUE(field, a, char *);
			texts[1] = VALUE(field, b, char *);
			return strcmp(texts[0] ? texts[0] : "", texts[1] ? texts[1] : "") == 0;
		case FIELD_COLUMNS:
			return sg_equal_names(VALUE(field, a, List *), VALUE(field, b, List *));
		case FIELD_BOOL:
			return VALUE(field, a, bool) == VALUE(field, b, bool);
		case FIELD_INT:
		case FIELD_WORD:
			break;
	}
	return VALUE(field, a, int) == VALUE(field, b, int);
}

bool
plan_step_says_same(const PlanStep *a, const PlanStep *b)
{
	for (int i = 0; i < step_nfields; i++)
	{
		const StepField *field = &step_fields[i];

		if ((field->flags & (FIELD_KEY | FIELD_STATUS | FIELD_ANY_TIME)) == 0 && strcmp(field->name, "fk_name") != 0 &&
			!is_same_value(field, a, b))
			return false;
	}
	return a->kind == STEP_STATEMENT || a->fk_name == NULL || b->fk_name == NULL || strcmp(a->fk_name, b->fk_name) == 0;
}

void
plan_field_set_columns(const StepField *field, PlanStep *step, List *columns)
{
	Assert(field->type == FIELD_COLUMNS);
	VALUE(field, step, List *) = columns;
}

void
plan_field_set_bool(const StepField *field, PlanStep *step, bool value)
{
	Assert(field->type == FIELD_BOOL);
	VALUE(field, step, bool) = value;
}
