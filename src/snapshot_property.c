/*-------------------------------------------------------------------------
 *
 * snapshot_property.c
 *	  What the names and properties of a snapshot's objects mean.
 *
 * docs/snapshots.md describes the same for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "snapshot.h"

/*
 * Keywords of some of the majors 12 to 19 only, or that became more of a
 * keyword there.  sql/parts/71_snapshot_statement.sql has the same list.
 */
static const char *const unsteady_keywords[] = {
	"graph_table", "json", "json_array", "json_arrayagg", "json_exists", "json_object",
	"json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table",
	"json_value", "merge_action", "normalize", "system_user"
};

/* Properties that are not compared as they are */
static const struct
{
	const char *kind;
	const char *property;
	SnapshotText text;
}			texts[] =

{
	{"column", "default", SNAPSHOT_EXPRESSION},
	{"column", "generated", SNAPSHOT_EXPRESSION},
	{"constraint", "expression", SNAPSHOT_EXPRESSION},
	{"constraint", "expressions", SNAPSHOT_EXPRESSION},
	{"constraint", "predicate", SNAPSHOT_EXPRESSION},
	{"domain", "default", SNAPSHOT_EXPRESSION},
	{"function", "sql_body", SNAPSHOT_STATEMENT},
	{"index", "expressions", SNAPSHOT_EXPRESSION},
	{"index", "predicate", SNAPSHOT_EXPRESSION},
	{"materialized view", "query", SNAPSHOT_QUERY},
	{"policy", "check", SNAPSHOT_EXPRESSION},
	{"policy", "using", SNAPSHOT_EXPRESSION},
	{"procedure", "sql_body", SNAPSHOT_STATEMENT},
	{"publication", "table_filters", SNAPSHOT_EXPRESSION},
	{"rule", "definition", SNAPSHOT_STATEMENT},
	{"statistics", "expressions", SNAPSHOT_EXPRESSION},
	{"trigger", "when", SNAPSHOT_EXPRESSION},
	{"view", "column_defaults", SNAPSHOT_EXPRESSION},
	{"view", "query", SNAPSHOT_QUERY},
};

char *
snapshot_quote(const char *name)
{
	bool		quote_all = quote_all_identifiers;
	char	   *quoted;

	for (int i = 0; i < lengthof(unsteady_keywords); i++)
	{
		if (strcmp(name, unsteady_keywords[i]) == 0)
			return psprintf("\"%s\"", name);
	}

	quote_all_identifiers = false;
	quoted = pstrdup(quote_identifier(name));
	quote_all_identifiers = quote_all;

	return quoted;
}

SnapshotText
snapshot_property_text(const char *kind, const char *property)
{
	for (int i = 0; i < lengthof(texts); i++)
	{
		if (strcmp(texts[i].kind, kind) == 0 && strcmp(texts[i].property, property) == 0)
			return texts[i].text;
	}

	return SNAPSHOT_PLAIN;
}
