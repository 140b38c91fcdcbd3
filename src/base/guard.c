/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Functions of others that would run as whoever has called us.
 *
 * Looks collect what a statement could run, and refuse it (code.h).  A look
 * can miss something: a literal that a domain's check judges while a statement
 * is analysed, a name that leads elsewhere by then, a table that is altered
 * while the server waits for it.  So there is one more gate, at the server's
 * own place for such ones: fmgr_hook, as sepgsql uses it.  No function of a role
 * that could gain by it is called in the caller's name while we work.
 *
 * A function that runs as its owner or in nobody's name passes, restricted by us
 * where the server does not: it gains nothing.  So does what a trusted function
 * calls, for its body is its owner's choice, and a function for event triggers,
 * which superusers make.
 *
 * A document is code of whoever wrote it, whomever it gives its functions to.
 * So what has come since sg_sync_apply() began is called in nobody's name who
 * could lose by it, also by trusted functions and as an event trigger.
 *
 * The server calls its own functions without fmgr_hook: of these, the looks
 * tell which are harmless (code_builtin.c), and meant.c asks once more.
 *
 * A parallel worker of the server loads this library, and takes over the settings
 * of its leader, before it works.  So the role whose name is guarded is a setting:
 * the library alone writes it, for workers to read.
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

/* Whose session is guarded between calls, too; or InvalidOid */
static Oid	guarded_session = InvalidOid;

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

/* In whose name nothing of others may run */
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

/* Writes what a worker that is started from here on has to know: it is trusted as its leader is */
static void
tell_workers(void)
{
	sg_guarded_role = guard.trusted == 0 ? (int) guarded_role() : 0;
	sg_guarded_since = (int) guard.since;
}

/*
 * Has a function come, or changed, since sg_guard_documents()?  What an
 * extension has made comes from this server's files.
 */
static bool
is_of_document(HeapTuple tuple)
{
	TransactionId made = HeapTupleHeaderGetRawXmin(tuple->t_data);

	return TransactionIdIsNormal(guard.since) && !HeapTupleHeaderXminFrozen(tuple->t_data) &&
		TransactionIdFollowsOrEquals(made, guard.since) &&
		!OidIsValid(getExtensionOfObject(ProcedureRelationId, ((Form_pg_proc) GETSTRUCT(tuple))->oid));
}

/* Is a function in our schema one of ours?  Those of fills, which are there too, belong to tables' owners. */
static bool
is_our_own(Form_pg_proc form)
{
	return form->pronamespace == sg_schema_oid() &&
		getExtensionOfObject(ProcedureRelationId, form->oid) == get_extension_oid("schemaguard", true);
}

/*
 * Returns the pg_proc row, for ReleaseSysCache(), of a function that could be
 * somebody's code, or NULL: it is the server's, one of ours, or in a language
 * that superusers alone write.
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

/* Has a function of users, in whatever language, that type as its result? */
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

/* Raises 42501 unless a function's owner has the rights of the role that it would run as */
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
			 errhint("Give what it belongs to to the owner of that code, or have that role run it.")));
}

/* Is the current role the one that has called us, and not one that its code was left to? */
static bool
is_callers(void)
{
	return GetUserId() == guarded_role();
}

/*
 * Raises 42501 for a function that the looks would not leave to the current role:
 * the caller, a superuser, as whom the server may check a key, or the role that a
 * deed has taken, which runs code of roles whose privileges it has as well
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

/* The checks and actions of keys run as another role, too, and not restricted */
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
 * Raises 42501 for a function of a document, whoever owns it and whatever calls
 * it, in the name of the caller or of a superuser
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
			 errhint("Look at the function, and make the same call again if it may run.")));
}

/*
 * State that the server keeps for each FmgrInfo whose function runs through the
 * hook.  A function that runs itself again by the same FmgrInfo, as a support
 * function of an index does that inserts into another one, begins again before
 * it ends: entries are counted.  The server ends each that has begun, also by
 * an error, so that no entry is left when a call of ours or a transaction is over.
 */
typedef struct HookState
{
	int			entries;		/* that count as trusted now */
	int			restricted;		/* the one that we have restricted, from 1 on,
								 * or 0 */
	bool		is_event;		/* of a function of event triggers, which is
								 * entered once */
	SgGuardEvent outer;			/* what was under way before it */
	MemoryContext cursors;		/* hidden from it, or NULL */
	Datum		next;			/* of the next hook */
} HookState;

static HookState *
state_of(FmgrInfo *flinfo, Datum *arg)
{
	if (*arg == (Datum) 0)
		*arg = PointerGetDatum(MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(HookState)));
	return (HookState *) DatumGetPointer(*arg);
}

/* An error here is before the server's own PG_TRY: nothing is counted by then, for nothing would end it */
static void
begin_call(FmgrInfo *flinfo, HookState *state)
{
	HeapTuple	tuple = sg_guard_is_on() ? find_candidate(flinfo->fn_oid) : NULL;
	bool		counts = tuple != NULL;
	bool		is_event = sg_guard_is_on() && returns(flinfo->fn_oid, EVENT_TRIGGEROID);
	MemoryContext cursors = NULL;

	/* a foreign table that the server comes to in the middle of a statement */
	if (guard.within > 0 && sg_guard_is_other(GetUserId()) && returns(flinfo->fn_oid, FDW_HANDLEROID))
		sg_check_wrapper(flinfo->fn_oid);
	if (counts)
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

/* Showing cursors comes last, for it may raise, and whoever holds this state may call again */
static void
end_call(FmgrHookEventType event, FmgrInfo *flinfo, HookState *state)
{
	MemoryContext cursors = NULL;

	if (state->entries > 0)
	{
		if (state->restricted == state->entries)
		{
			/* an error ends what has switched roles since, and that with it */
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
 * transaction_timeout (17 and later) and exit_on_error end the session, whatever
 * catches errors.  Any role may set them, so that code which runs as another role
 * than the caller could end the caller's session: what is set while a call of ours
 * is under way has no effect.  RESET asks no hook, so that it leads to what the
 * session has as well.  The seed of random() outlives the setting.
 */
static GucRealCheckHook next_seed_check;
static GucIntCheckHook next_timeout_check;
static GucBoolCheckHook next_exit_check;
static struct config_generic *timeout_setting;
static struct config_generic *exit_setting;

/* Where RESET leads outside of a call, and leads within one */
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

/* A value that a reload has brought meanwhile stays */
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
	/* it may raise: first */
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

/* Has code that a call of ours runs set a setting? */
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
