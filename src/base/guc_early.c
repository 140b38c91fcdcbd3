/*-------------------------------------------------------------------------
 *
 * guc_early.c
 *	  Settings that were given before this library was loaded, and are none.
 *
 * Until then the server takes any value for any schemaguard.* name.  When the
 * settings are defined it discards what they do not take, with a warning, and
 * a limit that somebody relies on is off.  So such a value is remembered, and
 * a misspelt name with the setting whose name is nearest, until that setting
 * is SET or RESET; procedures refuse to run meanwhile.
 *
 * A RESET would leave no trace where the setting has the value of the start
 * already.  So the setting is given its own value once more, from a source of
 * its own: whatever else sets or resets it changes the source.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/guc.h"

#define PREFIX "schemaguard."

/* What the server never uses itself */
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

/* Before the settings are defined: what stands in for them */
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
			pg_strncasecmp(settings[i]->name, PREFIX, strlen(PREFIX)) != 0)
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

/* Does the setting take it, whoever sets it? */
static bool
takes(const char *name, const char *value)
{
	return set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SET, false, DEBUG5, false) != 0;
}

static bool
is_repaired(const EarlySetting *e)
{
	return e->setting->source != e->source;
}

/* What the transaction leaves marked stays so: from now on that is the setting's source */
static void
keep_marks(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT)
		return;
	foreach_ptr(EarlySetting, e, early)
	{
		if (e->setting->source == MARK_SOURCE)
			e->source = MARK_SOURCE;
	}
}

void
sg_guc_early_mark(void)
{
	if (!IsTransactionState() || IsInParallelMode())
		return;
	foreach_ptr(EarlySetting, e, early)
	{
		if (e->source != MARK_SOURCE && !is_repaired(e))
			(void) set_config_option(e->setting->name, GetConfigOption(e->setting->name, false, false),
									 PGC_SUSET, MARK_SOURCE, GUC_ACTION_SET, true, WARNING, false);
	}
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
		if (e->misspelt ? e->source == PGC_S_SESSION : takes(e->name, e->value))
			early = foreach_delete_current(early, lc);
	}
	if (early != NIL)
	{
		RegisterXactCallback(keep_marks, NULL);
		sg_guc_early_mark();
	}
}

void
sg_guc_early_check(void)
{
	ListCell   *lc;

	foreach(lc, early)
	{
		EarlySetting *e = lfirst(lc);
		const char *name = e->setting->name;

		if (is_repaired(e))
			early = foreach_delete_current(early, lc);
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 e->misspelt ? errmsg("there is no setting \"%s\", which was set to \"%s\"", e->name, e->value) :
					 errmsg("setting \"%s\" does not take the value \"%s\" that it was given", e->name, e->value),
					 errdetail("It came before the library was loaded, and was dropped then. %s is \"%s\".",
							   psprintf(e->misspelt ? "The setting that it may mean, %s," : "Setting %s", name),
							   GetConfigOption(name, false, false)),
					 errhint("SET %s to what was meant, or RESET it. What comes from postgresql.conf, ALTER DATABASE, ALTER ROLE or PGOPTIONS has to be mended there, or the next session has it again.",
							 name)));
	}
}
