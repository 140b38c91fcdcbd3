/*-------------------------------------------------------------------------
 *
 * guc_early.c
 *	  Settings that were given before this library was loaded, and are none.
 *
 * Until then the server takes any value for any schemaguard.* name.  When the
 * settings are defined it discards what they do not take, with a warning, and
 * a limit that somebody relies on is off.  So such a value is remembered, and
 * a misspelt name with the setting whose name is nearest, until that setting
 * is SET or RESET; what judges or writes refuses to run meanwhile.
 *
 * A RESET would leave no trace where the setting has the value of the start
 * already.  So the setting is given its own value once more, from a source of
 * its own: whatever else sets or resets it changes the source.  That is done
 * while a transaction's memory is freed, when no abort takes it back any more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/guc.h"

#define PREFIX "schemaguard."

/* A source of settings that the server itself never uses */
#define MARK_SOURCE PGC_S_INTERACTIVE

typedef struct EarlySetting
{
	char	   *name;
	char	   *value;

	/* once it is known to be bad */
	struct config_generic *setting; /* the one that repairs it */
	bool		misspelt;
	GucSource	source;			/* the setting's: another one is a repair */
} EarlySetting;

static List *early = NIL;		/* of EarlySetting * */
static bool mark_is_due = false;	/* when the transaction has ended */

/* Settings by the names that they had in earlier versions */
typedef struct RenamedSetting
{
	const char *old;
	const char *now;
} RenamedSetting;

static const RenamedSetting renamed[] = {
	{"schemaguard.breaker", "schemaguard.lock_breaker"},
	{"schemaguard.max_attempts", "schemaguard.lock_attempts"},
	{"schemaguard.retry_budget", "schemaguard.lock_budget"},
};

static bool
is_known(const char *name)
{
	foreach_ptr(const EarlySetting, e, early)
	{
		if (pg_strcasecmp(e->name, name) == 0)
			return true;
	}
	return false;
}

/* Before the settings are defined: what stands in for them.  A load that has failed may have done so for some. */
void
sg_guc_early_read(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	int			n;
	struct config_generic **settings = sg_settings(&n);

	for (int i = 0; i < n; i++)
	{
		EarlySetting *e;

		if (!(settings[i]->flags & GUC_CUSTOM_PLACEHOLDER) || settings[i]->source == PGC_S_DEFAULT ||
			pg_strncasecmp(settings[i]->name, PREFIX, strlen(PREFIX)) != 0 || is_known(settings[i]->name))
			continue;
		e = palloc0(sizeof(EarlySetting));
		e->name = pstrdup(settings[i]->name);
		e->value = pstrdup(GetConfigOption(e->name, false, false));
		early = lappend(early, e);
	}
	MemoryContextSwitchTo(old);
}

/* The one that is meant by a name which is none: what it is called today, or the nearest name */
static struct config_generic *
nearest_setting(const char *name)
{
	int			n;
	struct config_generic **settings = sg_settings(&n);
	struct config_generic *best = NULL;
	int			least = 0;

	for (int i = 0; i < lengthof(renamed); i++)
	{
		if (pg_strcasecmp(name, renamed[i].old) == 0)
			return sg_find_setting(renamed[i].now);
	}
	for (int i = 0; i < n; i++)
	{
		const char *other = settings[i]->name;
		int			distance;

		if ((settings[i]->flags & GUC_CUSTOM_PLACEHOLDER) || strncmp(other, PREFIX, strlen(PREFIX)) != 0)
			continue;
		distance = varstr_levenshtein(name, strlen(name), other, strlen(other), 1, 1, 1, true);
		if (best == NULL || distance < least)
		{
			best = settings[i];
			least = distance;
		}
	}
	return best;
}

/*
 * Does the setting take it, whoever sets it?  Where the library is preloaded,
 * or a worker's entry point is looked up, there is no user yet.
 */
static bool
takes(const char *name, const char *value)
{
	return set_config_option_ext(name, value, PGC_SUSET, PGC_S_SESSION, BOOTSTRAP_SUPERUSERID,
								 GUC_ACTION_SET, false, DEBUG5, false) != 0;
}

/*
 * Has the setting the value that it was given?  Where there was no memory, it
 * has none of those that it takes, and it may not be able to tell.  What a role
 * gives to a superuser's setting counts for nothing.
 */
static bool
has_taken(const EarlySetting *e)
{
	return strcmp(GetConfigOption(e->name, false, false), e->value) == 0 ||
		((e->setting->source != PGC_S_DEFAULT || e->setting->context == PGC_SUSET) && takes(e->name, e->value));
}

static bool
is_repaired(const EarlySetting *e)
{
	return e->setting->source != e->source;
}

/* The transaction is over, so what is repaired by now stays so; must not fail */
static void
mark(void *arg)
{
	ListCell   *lc;

	mark_is_due = false;
	foreach(lc, early)
	{
		EarlySetting *e = lfirst(lc);

		if (is_repaired(e))
			early = foreach_delete_current(early, lc);
		else if (e->source != MARK_SOURCE &&
				 set_config_option(e->setting->name, GetConfigOption(e->setting->name, false, false),
								   PGC_SUSET, MARK_SOURCE, GUC_ACTION_SET, true, WARNING, false) > 0)
			e->source = MARK_SOURCE;
	}
}

static void
mark_at_end(void)
{
	MemoryContextCallback *callback;

	if (early == NIL || mark_is_due || !IsTransactionState())
		return;
	callback = MemoryContextAllocZero(TopTransactionContext, sizeof(MemoryContextCallback));
	callback->func = mark;
	MemoryContextRegisterResetCallback(TopTransactionContext, callback);
	mark_is_due = true;
}

/* Once they are defined: keep what is bad */
void
sg_guc_early_judge(void)
{
	ListCell   *lc;

	if (IsParallelWorker())
		early = NIL;
	foreach(lc, early)
	{
		EarlySetting *e = lfirst(lc);

		e->setting = sg_find_setting(e->name);
		e->misspelt = e->setting == NULL || (e->setting->flags & GUC_CUSTOM_PLACEHOLDER);
		if (e->misspelt)
			e->setting = nearest_setting(e->name);
		e->source = e->setting->source;

		/* who has SET the setting meant by a misspelt name has mended it */
		if (e->misspelt ? e->source == PGC_S_SESSION : has_taken(e))
			early = foreach_delete_current(early, lc);
	}
	mark_at_end();
}

void
sg_guc_early_check(void)
{
	mark_at_end();
	foreach_ptr(const EarlySetting, e, early)
	{
		const char *name = e->setting->name;

		if (!is_repaired(e))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 e->misspelt ? errmsg("there is no setting \"%s\", which was set to \"%s\"", e->name, e->value) :
					 errmsg("setting \"%s\" does not take the value \"%s\" that it was given", e->name, e->value),
					 errdetail("It came before the library was loaded, and was dropped then. %s is \"%s\".",
							   psprintf(e->misspelt ? "The setting that it may mean, %s," : "Setting %s", name),
							   GetConfigOptionByName(name, NULL, false)),
					 errhint("SET %s to what was meant, or RESET it. What comes from postgresql.conf, ALTER DATABASE, ALTER ROLE or PGOPTIONS has to be mended there, or the next session has it again.",
							 name)));
	}
}
