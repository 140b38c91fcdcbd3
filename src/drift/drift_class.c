/*-------------------------------------------------------------------------
 *
 * drift_class.c
 *	  From differences to rows: what each means, and what repairing it takes.
 *
 * The repair in mind makes the target what the reference is.  safe: catalog
 * changes under a short lock; blocking: rows are read or rewritten under a
 * lock that keeps writers out; lossy: rows or values go away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/quote.h"
#include "drift/drift_compare.h"

/* Folded objects that a detail names one by one */
#define NAMED_PARTS 5

static DriftRow *
add_row(DriftComparison *c, const char *kind, const char *object, const char *change, const char *class)
{
	DriftRow   *row = palloc0(sizeof(DriftRow));

	row->kind = kind;
	row->object = object;
	row->change = change;
	row->class = class;
	c->rows = lappend(c->rows, row);
	return row;
}

/* "about 1200 rows" of a table of this database, or NULL */
static char *
row_count(DriftComparison *c, const char *table)
{
	Oid			relid = c->live && table ? sg_find_qualified(table) : InvalidOid;
	HeapTuple	tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : NULL;
	float4		rows;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows < 0 ? pstrdup("an unknown number of rows") : psprintf("about %.0f rows", rows);
}

static void
add_detail(DriftRow *row, const char *text)
{
	if (text)
		row->detail = row->detail ? psprintf("%s; %s", row->detail, text) : text;
}

static void
add_rows_to_detail(DriftComparison *c, DriftRow *row, const char *table)
{
	if (row->risk && strcmp(row->risk, "safe") != 0)
		add_detail(row, row_count(c, table));
}

static bool
is_one_of(const char *word, const char *const words[])
{
	for (int i = 0; words[i]; i++)
	{
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

/* ---- whole objects ---- */

/* "with 3 columns, 1 constraint" */
static char *
folded_text(const DriftObject *object)
{
	StringInfoData text;
	List	   *left = object->folded;

	if (left == NIL)
		return NULL;

	initStringInfo(&text);
	appendStringInfoString(&text, "with ");
	while (left)
	{
		const char *kind = ((DriftObject *) linitial(left))->kind;
		List	   *others = NIL;
		List	   *names = NIL;
		ListCell   *lc;

		foreach(lc, left)
		{
			DriftObject *part = lfirst(lc);

			if (strcmp(part->kind, kind) == 0)
				names = lappend(names, drift_local_name(part));
			else
				others = lappend(others, part);
		}
		appendStringInfo(&text, "%s%d %s%s", text.len > 5 ? ", " : "", list_length(names), kind,
						 list_length(names) == 1 ? "" : strcmp(kind, "index") == 0 ? "es" :
						 kind[strlen(kind) - 1] == 'y' ? " objects" : "s");
		if (list_length(names) <= NAMED_PARTS)
			appendStringInfo(&text, " (%s)", sg_quote_list(names));
		left = others;
	}
	return text.data;
}

/* What an object is, in short: what a user would want to see of it beside its name */
static char *
summary(const DriftObject *object)
{
	static const char *const left_out[] = {
		"owner", "acl", "grantors", "comment", "position", "automatic_name", "extension", NULL
	};
	JsonbIterator *it = JsonbIteratorInit(&object->properties->root);
	JsonbIteratorToken token;
	JsonbValue	key,
				value;
	StringInfoData text;

	initStringInfo(&text);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		char	   *word;
		char	   *what;

		if (token != WJB_KEY)
			continue;
		word = pnstrdup(key.val.string.val, key.val.string.len);
		(void) JsonbIteratorNext(&it, &value, true);
		what = drift_text(JsonbValueToJsonb(&value));
		if (is_one_of(word, left_out) || what == NULL || (value.type == jbvBool && !value.val.boolean))
			continue;
		appendStringInfo(&text, "%s%s", text.len ? ", " : "", word);
		if (value.type != jbvBool)
			appendStringInfo(&text, " %s", what);
	}
	return text.len ? text.data : NULL;
}

static bool
is_dynamic_partition(const DriftObject *object)
{
	return strcmp(object->kind, "table") == 0 && drift_value(object->properties, "partition_of");
}

static const char *
object_class(const DriftObject *object, const char *otherwise)
{
	if (drift_value(object->properties, "extension") || is_dynamic_partition(object))
		return "unmanaged";
	return otherwise;
}

static const char *
missing_risk(const DriftObject *object)
{
	char	   *type = drift_string(object->properties, "type");

	if (strcmp(object->kind, "index") == 0)
		return "blocking";
	if (strcmp(object->kind, "constraint") == 0)
		return "blocking";
	if (strcmp(object->kind, "column") == 0 &&
		(drift_value(object->properties, "generated") || drift_value(object->properties, "identity") ||
		 (drift_flag(object->properties, "not_null") && !drift_value(object->properties, "default")) ||
		 (type && strstr(type, "serial"))))
		return "blocking";
	return "safe";
}

static const char *
extra_risk(const DriftObject *object)
{
	static const char *const holders[] = {"table", "column", "materialized view", "sequence", "schema", NULL};

	return is_one_of(object->kind, holders) ? "lossy" : "safe";
}

static const char *
table_of(const DriftObject *object)
{
	return drift_is_table(object->kind) ? object->identity : object->parent;
}

static void
report_lone(DriftComparison *c, DriftObject *object)
{
	bool		missing = object->side == DRIFT_REFERENCE;
	DriftRow   *row = add_row(c, object->kind, object->identity, missing ? "missing" : "extra",
							  object_class(object, missing ? "drift" : "extra"));
	char	   *extension = drift_string(object->properties, "extension");

	if (missing)
		row->expected = summary(object);
	else
		row->actual = summary(object);
	row->risk = missing ? missing_risk(object) : extra_risk(object);

	add_detail(row, folded_text(object));
	add_detail(row, object->evidence);
	if (object->unknown)
		add_detail(row, psprintf("not readable: %s", object->unknown));
	if (extension)
		add_detail(row, psprintf("belongs to extension %s", quote_identifier(extension)));
	else if (is_dynamic_partition(object))
		add_detail(row, psprintf("a partition of %s", drift_string(object->properties, "partition_of")));
	add_rows_to_detail(c, row, table_of(object));
}

static void
report_pair(DriftComparison *c, DriftObject *reference)
{
	DriftObject *target = reference->partner;
	bool		automatic = reference->automatic_pair;
	DriftRow   *row;

	/* moving along with a table is no rename; a table may change its schema */
	if (strcmp(drift_local_name(reference), drift_local_name(target)) == 0 &&
		(!drift_is_table(reference->kind) || strcmp(reference->identity, target->identity) == 0))
		return;
	if (automatic && !c->cosmetic)
		return;

	row = add_row(c, reference->kind, reference->identity, "renamed", automatic ? "cosmetic" :
				  object_class(reference, "drift"));
	row->property = "name";
	row->expected = reference->identity;
	row->actual = target->identity;
	row->risk = "safe";
	row->detail = psprintf("score %.2f: %s", reference->score, reference->evidence ? reference->evidence : "the same name");
}

/* ---- properties ---- */

/* varchar(20) is "varchar" and 20, numeric(10,2) "numeric" and 10, 2 */
static void
split_type(const char *type, char **base, int modifiers[2])
{
	const char *paren = strchr(type, '(');
	const char *end = paren ? strchr(paren, ')') : NULL;

	modifiers[0] = modifiers[1] = -1;
	if (end == NULL)
	{
		*base = pstrdup(type);
		return;
	}
	*base = psprintf("%.*s%s", (int) (paren - type), type, end + 1);
	(void) sscanf(paren, "(%d,%d)", &modifiers[0], &modifiers[1]);
}

/*
 * Turning a column of the target's type into one of the reference's.  Unsure
 * is lossy: nobody is told that values survive who then loses some.
 */
static const char *
type_risk(const char *expected, const char *actual)
{
	static const char *const wider[][2] = {
		{"smallint", "integer"}, {"smallint", "bigint"}, {"integer", "bigint"},
		{"smallint", "numeric"}, {"integer", "numeric"}, {"bigint", "numeric"},
		{"real", "double precision"}, {"date", "timestamp without time zone"},
		{"json", "jsonb"}, {"smallint", "text"}, {"integer", "text"}, {"bigint", "text"}, {"uuid", "text"},
	};
	char	   *from,
			   *to;
	int			old[2],
				new[2];

	split_type(actual, &from, old);
	split_type(expected, &to, new);

	if (strcmp(to, "text") == 0 && strncmp(from, "character varying", 17) == 0)
		return "safe";
	if (strcmp(from, to) == 0)
	{
		if (new[0] < 0)
			return "safe";
		if (old[0] >= 0 && new[0] >= old[0] && new[1] == old[1])
			return "safe";
		return "lossy";
	}
	for (int i = 0; i < lengthof(wider); i++)
	{
		if (strcmp(from, wider[i][0]) == 0 && strcmp(to, wider[i][1]) == 0 && new[0] < 0)
			return "blocking";
	}
	return "lossy";
}

static bool
contains_all(List *larger, List *smaller)
{
	ListCell   *lc;

	foreach(lc, smaller)
	{
		if (!sg_has_name(larger, lfirst(lc)))
			return false;
	}
	return true;
}

static const char *
column_risk(const DriftChange *change)
{
	static const char *const rewriting[] = {"generated", "generated_kind", "collation", NULL};
	char	   *expected = drift_text(change->expected);
	char	   *actual = drift_text(change->actual);

	if (strcmp(change->property, "type") == 0)
		return expected && actual ? type_risk(expected, actual) : "lossy";
	if (strcmp(change->property, "not_null") == 0 || strcmp(change->property, "identity") == 0)
		return drift_flag(change->reference, "not_null") && !drift_flag(change->target, "not_null") ? "blocking" : "safe";
	return is_one_of(change->property, rewriting) ? "blocking" : "safe";
}

static const char *
change_risk(const DriftChange *change)
{
	static const char *const always_safe[] = {"owner", "acl", "comment", "enabled", "options", "statistics", NULL};
	static const char *const rewriting[] = {"persistence", "access_method", "tablespace", "toast_options", NULL};
	static const char *const rebuilt[] = {"type", "partition_key", "partition_of", "partition_bound", "of_type", "inherits", NULL};
	static const char *const in_place[] = {
		"deferrable", "deferred", "validated", "inherited", "clustered", "replica_identity", "index_name", "index_comment",
		"triggers", NULL
	};

	if (is_one_of(change->property, always_safe))
		return "safe";
	if (strcmp(change->kind, "column") == 0)
		return column_risk(change);
	if (strcmp(change->kind, "table") == 0)
		return is_one_of(change->property, rewriting) || is_one_of(change->property, rebuilt) ? "blocking" : "safe";
	if (strcmp(change->kind, "constraint") == 0 || strcmp(change->kind, "index") == 0)
		return is_one_of(change->property, in_place) ? "safe" : "blocking";
	if (strcmp(change->kind, "type") == 0 && strcmp(change->property, "labels") == 0)
		return contains_all(drift_strings(change->reference, "labels"), drift_strings(change->target, "labels")) ? "safe" : "blocking";
	return "safe";
}

static DriftVerdict
body_verdict(const DriftChange *change)
{
	char	   *language = drift_string(change->target, "language");
	char	   *expected = drift_text(change->expected);
	char	   *actual = drift_text(change->actual);
	DriftScope	scope = {.kind = DRIFT_TEXT_LINES};
	char	   *reason;

	if (expected == NULL || actual == NULL)
		return DRIFT_DIFFERENT;
	if (language && (strcmp(language, "sql") == 0 || strcmp(language, "plpgsql") == 0))
		scope.kind = DRIFT_TEXT_BODY;
	return expression_compare_text(&scope, expected, actual, &reason);
}

static void
report_change(DriftComparison *c, DriftChange *change)
{
	DriftPolicy policy = drift_policy(change->kind, change->property);
	bool		cosmetic = policy == POLICY_COSMETIC ||
		(policy == POLICY_BODY && body_verdict(change) == DRIFT_COSMETIC);
	bool		unmanaged = drift_value(change->reference, "extension") && drift_value(change->target, "extension");
	DriftRow   *row;

	/* what is renamed since explains some */
	if ((cosmetic && !c->cosmetic) || drift_same_value(c, change))
		return;

	row = add_row(c, change->kind, change->identity, "changed",
				  unmanaged ? "unmanaged" : cosmetic ? "cosmetic" : "drift");
	row->property = change->property;
	row->expected = drift_text(change->expected);
	row->actual = drift_text(change->actual);
	row->risk = cosmetic ? "safe" : change_risk(change);
	if (strcmp(change->identity, change->target_identity) != 0)
		add_detail(row, psprintf("%s in the target", change->target_identity));
	add_detail(row, change->reason);
	if (policy == POLICY_BODY && cosmetic)
		add_detail(row, "only white space and comments differ");
	add_rows_to_detail(c, row, drift_is_table(change->kind) ? change->target_identity : change->target_parent);
}

void
drift_report(DriftComparison *c)
{
	ListCell   *lc;

	for (int side = 0; side < 2; side++)
	{
		foreach(lc, c->objects[side])
		{
			DriftObject *object = lfirst(lc);

			if (object->partner == NULL)
			{
				if (object->within == NULL)
					report_lone(c, object);
			}
			else if (side == DRIFT_REFERENCE)
				report_pair(c, object);
		}
	}
	foreach(lc, c->changes)
		report_change(c, lfirst(lc));
}
