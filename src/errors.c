/*-------------------------------------------------------------------------
 *
 * errors.c
 *	  Running code in a subtransaction and keeping its error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "errors.h"
#include "progress.h"

static void
roll_back(void)
{
	sg_progress_keep();
	RollbackAndReleaseCurrentSubTransaction();
	sg_progress_kept();
}

static ErrorData *
run_subtransaction(void (*fn) (void *arg), void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *edata = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);

	PG_TRY();
	{
		fn(arg);

		if (keep)
			ReleaseCurrentSubTransaction();
		else
			roll_back();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		edata = CopyErrorData();
		FlushErrorState();
		roll_back();
	}
	PG_END_TRY();

	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	return edata;
}

ErrorData *
sg_try(void (*fn) (void *arg), void *arg)
{
	return run_subtransaction(fn, arg, true);
}

ErrorData *
sg_try_undo(void (*fn) (void *arg), void *arg)
{
	return run_subtransaction(fn, arg, false);
}

bool
sg_is_cancel(const ErrorData *edata)
{
	/*
	 * A cancel by request or timeout, a termination, the crash of another
	 * session.  User code can raise these codes as well, but not in the name
	 * of the function that answers to signals.
	 */
	return (edata->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			edata->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
			edata->sqlerrcode == ERRCODE_CRASH_SHUTDOWN) &&
		edata->funcname && strcmp(edata->funcname, "ProcessInterrupts") == 0;
}

void
sg_rethrow_cancel(ErrorData *edata)
{
	if (sg_is_cancel(edata))
		ReThrowError(edata);
}

char *
sg_error_text(const ErrorData *edata)
{
	char	   *text = pstrdup(edata->message ? edata->message : "error without a message");

	for (char *p = text; *p; p++)
	{
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	}

	return text;
}

bool
sg_error_is_of_users(const ErrorData *edata)
{
	const char *state = unpack_sql_state(edata->sqlerrcode);

	/* languages have messages of their own, whatever code a user gives to one */
	if (strcmp(edata->domain, PG_TEXTDOMAIN("postgres")) != 0)
		return true;

	switch (ERRCODE_TO_CATEGORY(edata->sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
			/* expressions of tables have no context, a literal of ours has its place */
			return edata->internalpos == 0 || edata->context;
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return false;
		default:
			break;
	}
	if (strncmp(state, "SG", 2) == 0 || edata->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || sg_is_cancel(edata))
		return false;

	/* a statement of ours is one line; a function of a user's adds others */
	return edata->context && strchr(edata->context, '\n');
}

char *
sg_error_code_text(const ErrorData *edata, const char *work)
{
	return psprintf("code that %s runs raised SQLSTATE %s", work, unpack_sql_state(edata->sqlerrcode));
}

void
sg_null_argument(const char *function, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s: argument \"%s\" must not be null", function, name),
			 errhint("Give a value for \"%s\".", name)));
}
