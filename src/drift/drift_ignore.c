/*-------------------------------------------------------------------------
 *
 * drift_ignore.c
 *	  schemaguard.drift_ignore: drift that somebody has decided to live with.
 *
 * Patterns are names with * for any text and ? for one character; a backslash
 * takes the meaning away from the next one.  Everything else stands for
 * itself, underscores too, so that the name of an object is a pattern for
 * that object alone.  A pattern that is no such thing is reported by every
 * check, and ignores nothing: it must not stop the check.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/spi.h"
#include "drift/drift_check.h"

typedef struct IgnoreEntry
{
	char	   *kind;
	char	   *object;
	char	   *change;
	char	   *property;
} IgnoreEntry;

/* ---- patterns ---- */

/* Returns why a pattern is invalid, or NULL */
static const char *
pattern_problem(const char *pattern)
{
	if (*pattern == '\0')
		return "is empty";
	for (const char *p = pattern; *p; p++)
	{
		if (*p != '\\')
			continue;
		if (*++p == '\0')
			return "ends with a backslash";
	}
	return NULL;
}

/*
 * Returns whether a name matches a pattern.  On a mismatch the last star takes
 * one more character; so the time is bounded by the product of the lengths.
 */
static bool
matches(const char *pattern, const char *name)
{
	const char *star = NULL;
	const char *resume = NULL;

	while (*name)
	{
		if (*pattern == '*')
		{
			star = ++pattern;
			resume = name;
			continue;
		}
		if (*pattern == '?')
		{
			pattern++;
			name += pg_mblen(name);
			continue;
		}
		if (*pattern == '\\' && pattern[1] == *name)
		{
			pattern += 2;
			name++;
			continue;
		}
		if (*pattern != '\\' && *pattern == *name)
		{
			pattern++;
			name++;
			continue;
		}
		if (star == NULL)
			return false;
		resume += pg_mblen(resume);
		pattern = star;
		name = resume;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* ---- entries ---- */

static void
read_entry(HeapTuple tuple, TupleDesc desc, List **entries, List **problems)
{
	static const char *const columns[] = {"kind", "object", "change", "property"};
	IgnoreEntry *entry = palloc(sizeof(IgnoreEntry));
	char	  **fields[] = {&entry->kind, &entry->object, &entry->change, &entry->property};

	for (int i = 0; i < lengthof(columns); i++)
	{
		const char *problem;

		*fields[i] = SPI_getvalue(tuple, desc, SPI_fnumber(desc, columns[i]));
		problem = pattern_problem(*fields[i]);
		if (problem)
		{
			*problems = lappend(*problems, psprintf("schemaguard.drift_ignore: the pattern \"%s\" for %s %s",
													*fields[i], columns[i], problem));
			return;
		}
	}
	*entries = lappend(*entries, entry);
}

List *
drift_ignore_load(List **problems)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	List	   *entries = NIL;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT,
					 "SELECT kind, object, change, property FROM schemaguard.drift_ignore"
					 " WHERE until IS NULL OR until > clock_timestamp()"
					 " ORDER BY kind, object, change, property", 0, NULL, NULL, NULL);
	old = MemoryContextSwitchTo(context);
	for (uint64 row = 0; row < SPI_processed; row++)
		read_entry(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, &entries, problems);
	MemoryContextSwitchTo(old);
	SPI_finish();
	sg_scope_end(&scope);

	return entries;
}

bool
drift_is_ignored(List *entries, const DriftRow *row)
{
	foreach_ptr(IgnoreEntry, entry, entries)
	{
		if (matches(entry->kind, row->kind) && matches(entry->object, row->object) &&
			matches(entry->change, sg_word(drift_change_words, row->change)) &&
			matches(entry->property, row->property ? row->property : ""))
			return true;
	}
	return false;
}
