/*-------------------------------------------------------------------------
 *
 * guc_early.c
 *	  Settings that were given a bad value before this library was loaded.
 *
 *	  Until then the server takes any value for any schemaguard.* name.  When
 *	  the settings are defined, the server discards invalid values with a
 *	  warning, and a limit that somebody relies on is off.  So such a value is
 *	  remembered, and a misspelt name with the setting of the nearest name,
 *	  until that setting is SET or RESET; meanwhile functions that judge or
 *	  write refuse to run.
 *
 *	  A RESET would leave no trace if the setting has its initial value
 *	  already.  So the setting is given its own value once more, from a source
 *	  that only this file uses: any other SET or RESET changes the source.
 *	  That is done while a transaction's memory is freed, because no abort
 *	  takes it back any more.
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

/* Source of settings that the server itself never uses */
#define MARK_SOURCE PGC_S_INTERACTIVE

typedef struct EarlySetting
{
	char	   *name;
	char	   *value;

	/* known to be bad since the settings are defined */
	struct config_generic *setting; /* setting whose SET or RESET repairs this
									 * value */
	bool		misspelt;
	GucSource	source;			/* source of the setting; a changed source is
								 * a repair */
} EarlySetting;

static List *early = NIL;		/* EarlySetting * */
static bool mark_is_due = false;	/* mark() runs when the transaction has
									 * ended */

/* Settings with their names in earlier versions */
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

/*
 * Reads placeholders before the settings are defined.  A load that failed may
 * have replaced some of them.
 */
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

/* Returns the setting that an unknown name means: the new name of a renamed one, or the nearest name */
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
 * Returns whether the setting accepts the value, whoever sets it.  There is no
 * user yet if the library is preloaded, or a worker's entry point is looked up.
 */
static bool
takes(const char *name, const char *value)
{
	return set_config_option_ext(name, value, PGC_SUSET, PGC_S_SESSION, BOOTSTRAP_SUPERUSERID,
								 GUC_ACTION_SET, false, DEBUG5, false) != 0;
}

/*
 * Returns whether the setting has the value that it was given.  Without memory,
 * a setting has none of its valid values, and the comparison may fail.  A value
 * that an unprivileged role gives to a superuser's setting does not count.
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

/* Marks settings when the transaction is over, so that a repair is not undone; must not raise */
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

/* Keeps the bad values, once the settings are defined */
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

		/* a SET of the setting that a misspelt name meant is a repair */
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
