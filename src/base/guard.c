/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Functions of other roles that would run as the caller of schemaguard.
 *
 *	  Looks collect the code that a statement could run, and refuse it
 *	  (code.h).  A look can miss something: a literal that a domain's check
 *	  judges while a statement is analysed, a name that leads elsewhere by
 *	  then, a table that is altered while the server waits for its lock.  So
 *	  fmgr_hook, the server's own place for such gates, is one more gate, as
 *	  in sepgsql.  While schemaguard works, no function of a role that could
 *	  gain by it is called with the caller's privileges.
 *
 *	  A function that runs as its owner, or as no role, passes: it gains
 *	  nothing; schemaguard restricts it if the server does not.  Functions
 *	  called by a trusted function pass, too, because its owner chose its
 *	  body; so do functions of event triggers, which only superusers make.
 *
 *	  A document is code of its author, whatever roles own the functions it
 *	  creates.  So functions created since sg_sync_apply() began are never
 *	  called with the privileges of a role that could lose by it, also not by
 *	  trusted functions and event triggers.
 *
 *	  The server calls its own functions without fmgr_hook: the looks tell
 *	  which of these are harmless (code_builtin.c), and meant.c checks once
 *	  more.
 *
 *	  A parallel worker of the server loads this library and takes over its
 *	  leader's settings before it works.  So the guarded role is a setting,
 *	  which only the library writes, for workers to read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/code.h"
#include "base/compat.h"
#include "base/connection.h"
#include "base/cursor.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"

static SgGuard guard = {0};

/* Role whose session is guarded also between calls, or InvalidOid */
static Oid	guarded_session = InvalidOid;

/* Procedure whose statements are examined each by itself, or InvalidOid */
static Oid	frame = InvalidOid;

int			sg_guarded_role = 0;
int			sg_guarded_since = 0;

static needs_fmgr_hook_type next_needs;
static fmgr_hook_type next_hook;

bool
sg_guard_is_on(void)
{
	return guard.level > 0 || OidIsValid(guarded_session);
}

static bool
in_function(void)
{
	return guard.trusted + guard.around > 0;
}

bool
sg_guard_is_nested(void)
{
	return in_function() || guard.within > 1 || guard.by_others;
}

int
sg_guard_event_triggers(void)
{
	Oid			role;
	int			context;

	GetUserIdAndSecContext(&role, &context);
	return guard.trusted + guard.around == guard.event.functions && role == guard.event.role && context == guard.event.context ?
		guard.event.depth : 0;
}

/* Returns the role in whose name no function of others may run */
static Oid
guarded_role(void)
{
	return guard.level > 0 ? guard.role : guarded_session;
}

void
sg_guard_within(bool begins)
{
	guard.within += begins ? 1 : -1;
}

/*
 * Writes the settings for parallel workers that are started from now on, which
 * are trusted as their leader is
 */
static void
tell_workers(void)
{
	sg_guarded_role = guard.trusted == 0 ? (int) guarded_role() : 0;
	sg_guarded_since = (int) guard.since;
}

/*
 * Returns whether a function was created or changed since sg_guard_documents().
 * Functions of an extension come from this server's files, and do not count.
 */
static bool
is_of_document(HeapTuple tuple)
{
	TransactionId made = HeapTupleHeaderGetRawXmin(tuple->t_data);

	return TransactionIdIsNormal(guard.since) && !HeapTupleHeaderXminFrozen(tuple->t_data) &&
		TransactionIdFollowsOrEquals(made, guard.since) &&
		!OidIsValid(getExtensionOfObject(ProcedureRelationId, ((Form_pg_proc) GETSTRUCT(tuple))->oid));
}

/*
 * Returns whether a function in schema schemaguard belongs to the extension.
 * Functions of fills are in that schema, too, but belong to owners of tables.
 */
static bool
is_our_own(Form_pg_proc form)
{
	return form->pronamespace == sg_schema_oid() &&
		getExtensionOfObject(ProcedureRelationId, form->oid) == get_extension_oid("schemaguard", true);
}

/*
 * Returns the pg_proc row, for ReleaseSysCache(), of a function whose code
 * could be somebody's.  Returns NULL for a function of the server, of this
 * extension, or in a language in which only superusers write.
 */
static HeapTuple
find_candidate(Oid function)
{
	HeapTuple	tuple;
	Form_pg_proc form;

	if (function < FirstNormalObjectId)
		return NULL;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if ((form->prolang != INTERNALlanguageId && form->prolang != ClanguageId && !is_our_own(form)) || is_of_document(tuple))
		return tuple;
	ReleaseSysCache(tuple);
	return NULL;
}

/* Returns whether a users' function, in any language, has that result type */
static bool
returns(Oid function, Oid type)
{
	HeapTuple	tuple = function < FirstNormalObjectId ? NULL : SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_proc) GETSTRUCT(tuple))->prorettype == type;
	ReleaseSysCache(tuple);
	return result;
}

static bool
needs_hook(Oid function)
{
	HeapTuple	tuple;

	if (next_needs && next_needs(function))
		return true;
	tuple = sg_guard_is_on() && IsTransactionState() ? find_candidate(function) : NULL;
	if (tuple)
		ReleaseSysCache(tuple);
	return tuple || (sg_guard_is_on() && IsTransactionState() && (returns(function, EVENT_TRIGGEROID) || returns(function, FDW_HANDLEROID)));
}

bool
sg_could_gain(Oid owner, Oid role)
{
	return !superuser_arg(owner) && !has_privs_of_role(owner, role);
}

/* Raises 42501 unless a function's owner has the privileges of the role that the function would run as */
static void
check_owner(HeapTuple tuple)
{
	Oid			owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	char	   *name = NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname);

	if (!sg_could_gain(owner, GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("it could run function %s of role %s as role %s",
					quote_identifier(name), sg_role_name(owner), sg_role_name(GetUserId())),
			 errhint("Give the table or other object that uses that code to the code's owner, or make the call as that owner.")));
}

/* Returns whether the current role is the caller's own, and not one that the caller's code was left to */
static bool
is_callers(void)
{
	return GetUserId() == guarded_role();
}

/*
 * Raises 42501 for a function that the looks would not leave to the current
 * role.  That role is the caller, or a superuser, as whom the server may check
 * a key, or the role that a deed has switched to, which also runs code of roles
 * whose privileges it has.
 */
static void
check_role(HeapTuple tuple)
{
	Oid			owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;

	if (is_callers() || superuser_arg(GetUserId()) ||
		(GetUserId() == guard.deed && !has_privs_of_role(guard.deed, owner)))
		check_owner(tuple);
}

bool
sg_guard_is_other(Oid role)
{
	return sg_guard_is_on() && !superuser_arg(role) && (guard.by_others || role != guarded_role());
}

/* Checks and actions of foreign keys run as another role, too, and are not restricted */
bool
sg_guard_is_others(void)
{
	Oid			role;
	int			context;

	GetUserIdAndSecContext(&role, &context);
	return (context & (SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION)) != 0 && sg_guard_is_other(role);
}

Oid
sg_guard_deed(Oid role)
{
	Oid			before = guard.deed;

	guard.deed = role;
	return before;
}

bool
sg_guard_is_callers(void)
{
	return sg_guard_is_on() && guard.trusted == 0 && is_callers();
}

void
sg_guard_foreign(Oid relid)
{
	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		return;
	foreach_oid(owner, code_foreign_owners(relid))
	{
		if (sg_could_gain(owner, GetUserId()))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("foreign table %s would be read with the user mapping of role %s, at a place that role %s has chosen",
							sg_relation_name(relid), sg_role_name(GetUserId()), sg_role_name(owner)),
					 errhint("Have the owner of the foreign table run it, or give table and server to a role that you trust.")));
	}
}

/*
 * Raises 42501 for a document's function, whoever owns and calls it, in the
 * name of the caller or of a superuser
 */
static void
check_document(HeapTuple tuple)
{
	if (!is_of_document(tuple) || (!is_callers() && !superuser_arg(GetUserId())))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("it could run function %s as role %s, which has come or changed since the call began",
					quote_identifier(NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname)), sg_role_name(GetUserId())),
			 errhint("Look at the function, and make the same call again if it may run; where one step makes and runs it, run a script of sync instead.")));
}

/*
 * State that the server keeps for each FmgrInfo whose function runs through the
 * hook.  A function that runs itself again by the same FmgrInfo, as a support
 * function of an index that inserts into another one does, is entered again
 * before it ends: entries are counted.  The server ends each entry, also by an
 * error, so no entry is left when a call of schemaguard or a transaction is
 * over.
 */
typedef struct HookState
{
	int			entries;		/* number of entries that count as trusted now */
	int			restricted;		/* number of the entry that schemaguard has
								 * restricted, from 1 on, or 0 */
	bool		is_event;		/* a function of event triggers, which is
								 * entered once */
	SgGuardEvent outer;			/* event that was under way before this entry */
	MemoryContext cursors;		/* cursors hidden from this entry, or NULL */
	Datum		next;			/* state of the next hook */
} HookState;

static HookState *
state_of(FmgrInfo *flinfo, Datum *arg)
{
	if (*arg == (Datum) 0)
		*arg = PointerGetDatum(MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(HookState)));
	return (HookState *) DatumGetPointer(*arg);
}

/*
 * An error here is raised before the server's own PG_TRY, so nothing may be
 * counted yet: no event would end the entry
 */
static void
begin_call(FmgrInfo *flinfo, HookState *state)
{
	HeapTuple	tuple = sg_guard_is_on() ? find_candidate(flinfo->fn_oid) : NULL;
	bool		counts = tuple != NULL && flinfo->fn_oid != frame;
	bool		is_event = sg_guard_is_on() && returns(flinfo->fn_oid, EVENT_TRIGGEROID);
	MemoryContext cursors = NULL;

	/* the server opens a foreign table in the middle of a statement */
	if (guard.within > 0 && sg_guard_is_other(GetUserId()) && returns(flinfo->fn_oid, FDW_HANDLEROID))
		sg_check_wrapper(flinfo->fn_oid);
	if (tuple)
	{
		check_document(tuple);
		if (guard.trusted == 0 && !is_event)
			check_role(tuple);
		ReleaseSysCache(tuple);
	}
	if (counts && !in_function() && !is_callers())
		cursors = sg_cursors_hide(NULL);
	if (next_hook)
		next_hook(FHET_START, flinfo, &state->next);
	if (is_event)
	{
		state->is_event = true;
		state->outer = guard.event;
		guard.event.depth++;
		guard.event.functions = guard.trusted + guard.around + counts;
		GetUserIdAndSecContext(&guard.event.role, &guard.event.context);
	}
	if (counts)
	{
		if (cursors)
			state->cursors = cursors;
		guard.trusted++;
		state->entries++;
		tell_workers();
		if (!is_event && !is_callers() && !superuser_arg(GetUserId()) && sg_scope_restrict())
			state->restricted = state->entries;
	}
}

/* Showing cursors comes last, because it may raise, and the holder of this state may call again */
static void
end_call(FmgrHookEventType event, FmgrInfo *flinfo, HookState *state)
{
	MemoryContext cursors = NULL;

	if (state->entries > 0)
	{
		if (state->restricted == state->entries)
		{
			/*
			 * an error has ended the scopes that switched roles since, and
			 * the restriction with them
			 */
			if (event == FHET_END)
				sg_scope_unrestrict();
			state->restricted = 0;
		}
		state->entries--;
		guard.trusted--;
		tell_workers();
		if (state->cursors && !in_function())
		{
			cursors = state->cursors;
			state->cursors = NULL;
		}
	}
	if (state->is_event)
	{
		guard.event = state->outer;
		state->is_event = false;
	}
	if (next_hook)
		next_hook(event, flinfo, &state->next);
	if (cursors && event == FHET_END)
		sg_cursors_show(cursors);
	else if (cursors)
		MemoryContextDelete(cursors);
}

static void
hook(FmgrHookEventType event, FmgrInfo *flinfo, Datum *arg)
{
	HookState  *state = state_of(flinfo, arg);

	if (event == FHET_START)
		begin_call(flinfo, state);
	else
		end_call(event, flinfo, state);
}

/* ---- settings that end the session, or outlive a call ---- */

/*
 * transaction_timeout (17 and later) and exit_on_error end the session,
 * whatever catches errors.  Any role may set them, so code that runs as another
 * role could end the caller's session.  Setting them has no effect while a call
 * of schemaguard is under way.  RESET calls no check hook, so the reset values
 * are pinned to the session's values, too. random()'s seed outlives a
 * transaction, too, and is guarded alike.
 */
static GucRealCheckHook next_seed_check;
static GucIntCheckHook next_timeout_check;
static GucBoolCheckHook next_exit_check;
static struct config_generic *timeout_setting;
static struct config_generic *exit_setting;

/* Reset values outside of a call, and within a call */
static int	outer_timeout;
static int	inner_timeout;
static bool outer_exit;

static void
pin_resets(void)
{
	if (timeout_setting)
	{
		struct config_int *timeout = SG_INT_SETTING(timeout_setting);

		outer_timeout = timeout->reset_val;
		timeout->reset_val = inner_timeout = *timeout->variable;
	}
	outer_exit = SG_BOOL_SETTING(exit_setting)->reset_val;
	SG_BOOL_SETTING(exit_setting)->reset_val = false;
}

/* Keeps a reset value that a reload of the configuration has brought meanwhile */
static void
unpin_resets(void)
{
	if (timeout_setting && SG_INT_SETTING(timeout_setting)->reset_val == inner_timeout)
		SG_INT_SETTING(timeout_setting)->reset_val = outer_timeout;
	if (!SG_BOOL_SETTING(exit_setting)->reset_val)
		SG_BOOL_SETTING(exit_setting)->reset_val = outer_exit;
}

/* ---- a call ---- */

void
sg_guard_begin(SgGuard *before)
{
	/* first, because it may raise */
	if (guard.level == 0)
		sg_close_connections();
	*before = guard;
	guard.by_others = sg_guard_is_others();
	guard.within = 0;
	if (guard.level == 0)
		pin_resets();
	guard.level++;
	guard.role = GetUserId();
	guard.deed = InvalidOid;
	guard.around += guard.trusted;
	guard.trusted = 0;
	tell_workers();
}

void
sg_guard_end(const SgGuard *before)
{
	if (before->level == 0)
		unpin_resets();
	guard = *before;
	tell_workers();
}

void
sg_guard_process(void)
{
	SgGuard		before;

	guard.since = (TransactionId) sg_guarded_since;
	sg_guard_begin(&before);
}

void
sg_guard_session(bool on)
{
	guarded_session = on ? GetUserId() : InvalidOid;
	tell_workers();
}

Oid
sg_guard_frame(Oid procedure)
{
	Oid			before = frame;

	frame = procedure;
	return before;
}

void
sg_guard_documents(void)
{
	guard.since = ReadNextTransactionId();
	tell_workers();
}

bool
sg_guard_check_setting(int *newval, void **extra, GucSource source)
{
	if (source == PGC_S_DEFAULT || source == PGC_S_OVERRIDE)
		return true;
	GUC_check_errdetail("The library alone sets it.");
	return false;
}

void
sg_guard_take_over(int newval, void *extra)
{
	if (!InitializingParallelWorker)
		return;
	guard.level = newval != 0;
	guard.role = (Oid) newval;
}

void
sg_guard_take_over_since(int newval, void *extra)
{
	if (InitializingParallelWorker)
		guard.since = (TransactionId) newval;
}

/* Returns whether code that a call of schemaguard runs is setting a setting */
static bool
is_set_within(GucSource source)
{
	return guard.level > 0 && source == PGC_S_SESSION;
}

static bool
check_timeout(int *newval, void **extra, GucSource source)
{
	if (next_timeout_check && !next_timeout_check(newval, extra, source))
		return false;
	if (is_set_within(source))
		*newval = *SG_INT_SETTING(timeout_setting)->variable;
	return true;
}

static bool
check_exit(bool *newval, void **extra, GucSource source)
{
	if (next_exit_check && !next_exit_check(newval, extra, source))
		return false;
	if (is_set_within(source))
		*newval = ExitOnAnyError;
	return true;
}

static bool
check_seed(double *newval, void **extra, GucSource source)
{
	if (IsTransactionState() && sg_guard_is_others())
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("code of another role must not set the session's seed");
		return false;
	}
	return next_seed_check == NULL || next_seed_check(newval, extra, source);
}

static void
pin_settings(void)
{
	struct config_generic *seed = sg_find_setting("seed");

	timeout_setting = sg_find_setting("transaction_timeout");
	exit_setting = sg_find_setting("exit_on_error");
	if (timeout_setting)
	{
		next_timeout_check = SG_INT_SETTING(timeout_setting)->check_hook;
		SG_INT_SETTING(timeout_setting)->check_hook = check_timeout;
	}
	next_seed_check = SG_REAL_SETTING(seed)->check_hook;
	SG_REAL_SETTING(seed)->check_hook = check_seed;
	next_exit_check = SG_BOOL_SETTING(exit_setting)->check_hook;
	SG_BOOL_SETTING(exit_setting)->check_hook = check_exit;
}

void
sg_guard_init(void)
{
	pin_settings();
	next_needs = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	next_hook = fmgr_hook;
	fmgr_hook = hook;
}
