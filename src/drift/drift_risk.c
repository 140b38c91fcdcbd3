/*-------------------------------------------------------------------------
 *
 * drift_risk.c
 *	  Risk of the repair of a difference.
 *
 * The repair in mind makes the target what the reference is.  safe: catalog
 * changes under a short lock; blocking: rows are read or rewritten under a
 * lock that keeps writers out; lossy: rows or values go away.  Unsure is
 * lossy: nobody is told that values survive who then loses some.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "base/compat.h"
#include "base/quote.h"
#include "drift/drift_compare.h"

static const SgWord risk_words[] = {
	{DRIFT_SAFE, "safe"},
	{DRIFT_BLOCKING, "blocking"},
	{DRIFT_LOSSY, "lossy"},
	{0}
};

SG_WORDS_OF(risk_words, DRIFT_LOSSY);

const char *
drift_risk_word(DriftRisk risk)
{
	return risk == DRIFT_RISKLESS ? NULL : sg_word(risk_words, risk);
}

/* ---- types of columns ---- */

/* Splits varchar(20)[] into "character varying[]" and "20" */
static char *
split_type(const char *type, char **modifiers)
{
	const char *paren = strchr(type, '(');
	const char *end = paren ? strchr(paren, ')') : NULL;

	*modifiers = NULL;
	if (end == NULL)
		return pstrdup(type);
	*modifiers = pnstrdup(paren + 1, end - paren - 1);
	return psprintf("%.*s%s", (int) (paren - type), type, end + 1);
}

/* Returns the risk of another length or precision; NULL: none */
static DriftRisk
modifier_risk(const char *type, const char *expected, const char *actual)
{
	/* risk of a wider one */
	static const struct
	{
		const char *type;
		DriftRisk	risk;
	}			types[] =

	{
		{"character varying", DRIFT_SAFE},
		{"bit varying", DRIFT_SAFE},
		{"numeric", DRIFT_SAFE},
		{"time without time zone", DRIFT_SAFE},
		{"time with time zone", DRIFT_SAFE},
		{"timestamp without time zone", DRIFT_SAFE},
		{"timestamp with time zone", DRIFT_SAFE},
		{"interval", DRIFT_SAFE},
		{"character", DRIFT_BLOCKING},
	};
	const char *array = strstr(type, "[]");
	size_t		length = array ? array - type : strlen(type);
	int			was[2] = {0, 0};
	int			is[2] = {0, 0};

	if (expected == NULL)
		return DRIFT_SAFE;
	if (actual == NULL ||
		sscanf(actual, "%d,%d", &was[0], &was[1]) < 1 || sscanf(expected, "%d,%d", &is[0], &is[1]) < 1)
		return DRIFT_LOSSY;

	for (int i = 0; i < lengthof(types); i++)
	{
		if (strlen(types[i].type) != length || strncmp(types[i].type, type, length) != 0)
			continue;
		/* digits before and after the decimal point */
		if (is[0] - is[1] < was[0] - was[1] || is[1] < was[1])
			return DRIFT_LOSSY;
		return array || is[1] > was[1] ? DRIFT_BLOCKING : types[i].risk;
	}
	return DRIFT_LOSSY;
}

static DriftRisk
type_risk(const char *expected, const char *actual)
{
	static const char *const wider[][2] = {
		{"smallint", "integer"}, {"smallint", "bigint"}, {"integer", "bigint"},
		{"smallint", "numeric"}, {"integer", "numeric"}, {"bigint", "numeric"},
		{"real", "double precision"}, {"date", "timestamp without time zone"},
		{"smallint", "text"}, {"integer", "text"}, {"bigint", "text"}, {"uuid", "text"},
	};
	char	   *was;
	char	   *is;
	char	   *from = split_type(actual, &was);
	char	   *to = split_type(expected, &is);

	if (strcmp(from, to) == 0)
		return modifier_risk(to, is, was);
	if (is)
		return DRIFT_LOSSY;
	if ((strcmp(to, "text") == 0 && strcmp(from, "character varying") == 0) ||
		(strcmp(to, "character varying") == 0 && strcmp(from, "text") == 0))
		return DRIFT_SAFE;
	for (int i = 0; i < lengthof(wider); i++)
	{
		if (strcmp(from, wider[i][0]) == 0 && strcmp(to, wider[i][1]) == 0)
			return DRIFT_BLOCKING;
	}
	return DRIFT_LOSSY;
}

/* ---- lists ---- */

/*
 * Returns whether a list contains the elements of another one in order; without
 * `between`, as its beginning
 */
static bool
has_in_order(List *list, List *elements, bool between)
{
	ListCell   *le = list_head(elements);
	ListCell   *lc;

	foreach(lc, list)
	{
		if (le == NULL)
			break;
		if (lfirst(lc) && lfirst(le) && strcmp(lfirst(lc), lfirst(le)) == 0)
			le = lnext(elements, le);
		else if (!between)
			return false;
	}
	return le == NULL;
}

/* Returns the risk of changing labels, which can be added anywhere, but not dropped or moved */
static DriftRisk
labels_risk(const DriftChange *change)
{
	List	   *expected = drift_elements(change->expected);
	List	   *actual = drift_elements(change->actual);

	if (!sg_has_names(expected, actual))
		return DRIFT_LOSSY;
	return has_in_order(expected, actual, true) ? DRIFT_SAFE : DRIFT_BLOCKING;
}

/* ---- properties ---- */

static bool
is_materialized(const DriftChange *change)
{
	return change->kind == KIND_MATERIALIZED_VIEW;
}

/*
 * Returns the risk of changing a generated column: own values are overwritten,
 * values of a virtual column do not exist
 */
static DriftRisk
generated_risk(const DriftChange *change)
{
	char	   *kind = drift_string(change->target, "generated_kind");

	if (drift_value(change->target, "generated") == NULL)
		return DRIFT_LOSSY;
	if (drift_value(change->reference, "generated") == NULL)
		return kind && strcmp(kind, "virtual") == 0 ? DRIFT_BLOCKING : DRIFT_SAFE;
	return DRIFT_BLOCKING;
}

static bool
adds_not_null(const DriftChange *change)
{
	return drift_flag(change->reference, "not_null") && !drift_flag(change->target, "not_null");
}

static bool
is_foreign_key(const DriftChange *change)
{
	char	   *type = drift_string(change->reference, "type");

	return type && strcmp(type, "f") == 0;
}

static bool
is_foreign_table(Jsonb *type)
{
	return type && strcmp(drift_text(type), "foreign table") == 0;
}

DriftRisk
drift_risk_of_changing(const DriftChange *change)
{
	bool		blocking = false;
	bool		lossy = false;

	switch (change->property->risk)
	{
		case RISK_OF_KIND:
			blocking = drift_has_trait(change->kind, KIND_PART);
			break;
		case RISK_SAFE:
			break;
		case RISK_BLOCKING:
			blocking = true;
			break;
		case RISK_LOSSY:
			lossy = true;
			break;
		case RISK_TYPE:
			return change->expected && change->actual ?
				type_risk(drift_text(change->expected), drift_text(change->actual)) : DRIFT_LOSSY;
		case RISK_DOMAIN:
			blocking = true;
			lossy = change->expected == NULL || change->actual == NULL ||
				type_risk(drift_text(change->expected), drift_text(change->actual)) == DRIFT_LOSSY;
			break;
		case RISK_NOT_NULL:
			blocking = adds_not_null(change);
			break;
		case RISK_IDENTITY:
			blocking = adds_not_null(change);
			lossy = change->expected == NULL;
			break;
		case RISK_GENERATED:
			return generated_risk(change);
		case RISK_LABELS:
			return labels_risk(change);
		case RISK_ATTRIBUTES:
			lossy = !has_in_order(drift_elements(change->expected), drift_elements(change->actual), false);
			break;
		case RISK_TIMING:
			blocking = !is_foreign_key(change);
			break;
		case RISK_STORED:
			lossy = is_materialized(change);
			break;
		case RISK_POPULATED:
			blocking = drift_flag(change->reference, "populated");
			lossy = !blocking;
			break;
		case RISK_TABLE:
			blocking = true;
			lossy = is_foreign_table(change->expected) || is_foreign_table(change->actual);
			break;
	}
	return lossy ? DRIFT_LOSSY : blocking ? DRIFT_BLOCKING : DRIFT_SAFE;
}

/* ---- whole objects ---- */

/* Returns whether a default calls a function, whose value may differ between rows */
static bool
is_computed(const char *expression)
{
	static const char *const once[] = {"now(", "CURRENT_"};

	for (int i = 0; i < lengthof(once); i++)
	{
		if (expression && strncmp(expression, once[i], strlen(once[i])) == 0)
			return false;
	}
	for (const char *p = expression; p && (p = strchr(p, '(')) != NULL; p++)
	{
		if (p > expression && (isalnum((unsigned char) p[-1]) || strchr("_\"", p[-1])))
			return true;
	}
	return false;
}

/* Returns whether adding a column writes each row: its value is neither null nor the same for all */
static bool
fills_rows(const DriftObject *column)
{
	Jsonb	   *properties = column->properties;
	char	   *value = drift_string(properties, "default");
	char	   *kind = drift_string(properties, "generated_kind");

	if (drift_value(properties, "generated"))
		return kind == NULL || strcmp(kind, "virtual") != 0;
	return drift_value(properties, "identity") || is_computed(value) ||
		(value == NULL && drift_flag(properties, "not_null"));
}

DriftRisk
drift_risk_of_making(const DriftObject *object)
{
	if (drift_has_trait(object->kind, KIND_PART) || (object->kind == KIND_COLUMN && fills_rows(object)))
		return DRIFT_BLOCKING;
	return DRIFT_SAFE;
}

/* Records the type of a column, without array brackets and modifiers */
static void
note_type(DriftComparison *c, Jsonb *column)
{
	char	   *type = drift_string(column, "type");

	if (type == NULL)
		return;
	type[strcspn(type, "([")] = '\0';
	sg_names_enter(c->used_types, "", type)->value = c;
}

/*
 * Returns whether a column has values of the type.  The reference lacks the
 * type, so such a column differs.
 */
static bool
is_used(DriftComparison *c, const DriftObject *type)
{
	if (type->kind != KIND_TYPE && type->kind != KIND_DOMAIN)
		return false;
	if (c->used_types == NULL)
	{
		c->used_types = sg_names_create(CurrentMemoryContext);
		foreach_ptr(const DriftChange, change, c->changes)
		{
			if (change->kind == KIND_COLUMN)
				note_type(c, change->target);
		}
		foreach_ptr(const DriftObject, column, c->objects[DRIFT_TARGET])
		{
			if (column->kind == KIND_COLUMN)
				note_type(c, column->properties);
		}
	}
	return sg_names_value(c->used_types, "", type->identity) != NULL;
}

DriftRisk
drift_risk_of_dropping(DriftComparison *c, const DriftObject *object)
{
	if (drift_has_trait(object->kind, KIND_HOLDS_DATA) || is_used(c, object))
		return DRIFT_LOSSY;
	foreach_ptr(const DriftObject, part, object->folded)
	{
		if (drift_has_trait(part->kind, KIND_HOLDS_DATA) || is_used(c, part))
			return DRIFT_LOSSY;
	}
	return DRIFT_SAFE;
}
