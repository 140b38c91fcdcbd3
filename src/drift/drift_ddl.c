/*-------------------------------------------------------------------------
 *
 * drift_ddl.c
 *	  Rows of drift name the DDL that made them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "ddl/ddl.h"
#include "drift/drift.h"
#include "drift/drift_compare.h"

/* Returns the table of an object that is named as its part, or NULL */
static char *
table_of(const DriftRow *row)
{
	static const char *const kinds[] = {"column", "constraint", "trigger", "policy", "rule"};
	bool		quoted = false;
	int			last = -1;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(row->kind, kinds[i]) != 0)
			continue;
		for (int k = 0; row->object[k]; k++)
		{
			if (row->object[k] == '"')
				quoted = !quoted;
			else if (row->object[k] == '.' && !quoted)
				last = k;
		}
		return last > 0 ? pnstrdup(row->object, last) : NULL;
	}
	return NULL;
}

void
drift_name_ddl(List *rows)
{
	List	   *identities = NIL;
	char	  **texts;
	int			i = 0;

	if (rows == NIL)
		return;

	/* for each row the object, and its table if it has one */
	foreach_ptr(const DriftRow, row, rows)
	{
		char	   *table = table_of(row);

		identities = lappend(identities, unconstify(char *, row->object));
		identities = lappend(identities, table ? table : unconstify(char *, row->object));
	}
	texts = ddl_last(identities);

	foreach_ptr(DriftRow, row, rows)
	{
		const char *own = texts[i++];
		const char *whole = texts[i++];

		if (own || whole)
			row->detail = psprintf("%s%slast DDL%s: %s", row->detail ? row->detail : "", row->detail ? "; " : "",
								   own ? "" : " of the table", own ? own : whole);
	}
}
