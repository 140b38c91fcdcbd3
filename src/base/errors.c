/*-------------------------------------------------------------------------
 *
 * errors.c
 *	  Running code in a subtransaction and keeping its error; the part of an
 *	  error that may be written down.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "base/errors.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/meant.h"
#include "base/origin.h"
#include "base/progress.h"

/*
 * Beginnings of the server's messages about an object that it looked up without
 * a lock, by an OID from another catalog row, and that another session dropped
 * or changed meanwhile.
 */
static const char *const racing_words[] = {
	"cache lookup failed for ",
	"could not find tuple for ",
	"could not open relation with OID ",
	"enum value %u not found ",
	"relation %u has no parent ",
	"relation %u is not a partition",
	"tuple concurrently "
};

/*
 * End of the server's messages, with various SQLSTATEs, about a concurrently
 * dropped object that another object would have depended on
 */
static const char racing_end[] = " was concurrently dropped";

static bool
raised_by_race(const ErrorData *edata)
{
	size_t		length = edata->message_id ? strlen(edata->message_id) : 0;

	if (length == 0 || edata->domain == NULL || strcmp(edata->domain, PG_TEXTDOMAIN("postgres")) != 0)
		return false;
	if (length >= strlen(racing_end) && strcmp(edata->message_id + length - strlen(racing_end), racing_end) == 0)
		return true;
	if (edata->sqlerrcode != ERRCODE_INTERNAL_ERROR)
		return false;
	for (int i = 0; i < lengthof(racing_words); i++)
	{
		if (strncmp(edata->message_id, racing_words[i], strlen(racing_words[i])) == 0)
			return true;
	}
	return false;
}

/* docs/caveats.md has it, too; an id that was given before must not be given again */
#define SG_SET_SEQUENCES \
	"DO $$DECLARE s record; BEGIN\n" \
	"  FOR s IN SELECT pg_get_serial_sequence(attrelid::regclass::text, attname) AS name, attrelid::regclass AS owner\n" \
	"    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'schemaguard'::regnamespace AND relkind = 'r' AND attname = 'id'\n" \
	"      AND pg_get_serial_sequence(attrelid::regclass::text, attname) IS NOT NULL\n" \
	"  LOOP\n" \
	"    EXECUTE format('SELECT setval(%L, greatest(max(id), (SELECT last_value FROM %1$s))) FROM %s', s.name, s.owner);\n" \
	"  END LOOP;\n" \
	"END$$;"

static const char race_message[] = "another session dropped or changed an object meanwhile";

/* Turns the server's error about a race into one that says what to do */
static void
name_race(ErrorData *edata)
{
	edata->sqlerrcode = ERRCODE_T_R_SERIALIZATION_FAILURE;
	edata->detail = edata->message;
	edata->message_id = race_message;
	edata->message = pstrdup(race_message);
	edata->domain = TEXTDOMAIN;
	edata->hint = pstrdup("Try again.");
}

/*
 * Returns whether the error says that an object found by one look was missing
 * at the next, by its OID: raised by sg_gone(), or by the server's privilege
 * checks.
 */
static bool
says_gone(const ErrorData *edata)
{
	switch (edata->sqlerrcode)
	{
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_SCHEMA:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_OBJECT:
			return (edata->funcname && strcmp(edata->funcname, "sg_gone") == 0) ||
				(edata->filename && strcmp(edata->filename, "aclchk.c") == 0);
		default:
			return false;
	}
}

bool
sg_is_race(const ErrorData *edata)
{
	return edata->message_id == race_message;
}

/*
 * Says what to do if an id of our tables is there already: pg_restore --clean,
 * where DROP EXTENSION is refused, keeps rows and sets sequences back
 */
static void
name_sequence(ErrorData *edata)
{
	if (edata->sqlerrcode != ERRCODE_UNIQUE_VIOLATION || edata->hint || edata->schema_name == NULL || strcmp(edata->schema_name, "schemaguard") != 0 ||
		edata->detail == NULL || strstr(edata->detail, "(id)=(") == NULL)
		return;
	edata->hint = pstrdup("Its sequence was set back, as by pg_restore --clean. Set all of them forward as a superuser, and make the same call again:\n"
						  SG_SET_SEQUENCES);
}

ErrorData *
sg_caught(MemoryContext context)
{
	ErrorData  *edata;

	MemoryContextSwitchTo(context);
	edata = CopyErrorData();
	FlushErrorState();
	if (raised_by_race(edata))
		name_race(edata);
	name_sequence(edata);
	return edata;
}

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
	bool		exit_on_error = ExitOnAnyError;

	/* a caught error does not end the session */
	ExitOnAnyError = false;
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
		edata = sg_caught(context);
		roll_back();
	}
	PG_END_TRY();

	ExitOnAnyError = exit_on_error;
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

/*
 * Runs fn(arg) without the meaning, origin and guard of the current statement.
 * Raises a copy of an internal error, or of one about a unique value; other
 * errors go on unchanged, because the code that catches them copies them.
 */
void
sg_call(void (*fn) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	const SgMeant *meant = sg_meant_set(NULL);
	SgOrigin	origin;
	SgGuard		guard;

	/* statements that fn() leads to, also by calls, have no origin of ours */
	sg_origin_begin(&origin, NULL);
	sg_guard_begin(&guard);
	PG_TRY();
	{
		fn(arg);
	}
	PG_CATCH();
	{
		sg_guard_end(&guard);
		sg_origin_end(&origin);
		(void) sg_meant_set(meant);
		if (geterrcode() == ERRCODE_INTERNAL_ERROR || geterrcode() == ERRCODE_UNIQUE_VIOLATION)
			ReThrowError(sg_caught(context));
		PG_RE_THROW();
	}
	PG_END_TRY();
	sg_guard_end(&guard);
	sg_origin_end(&origin);
	(void) sg_meant_set(meant);
}

/* Arguments of sg_enter */
typedef struct Entry
{
	PGFunction	function;
	FunctionCallInfo fcinfo;
	Datum		result;
} Entry;

static void
enter(void *arg)
{
	Entry	   *entry = arg;

	entry->result = entry->function(entry->fcinfo);
}

Datum
sg_enter(PGFunction function, FunctionCallInfo fcinfo)
{
	Entry		entry = {function, fcinfo};
	int			level = 0;
	int			outer;

	/* a procedure sets its settings for each of its transactions */
	if (fcinfo->context && IsA(fcinfo->context, CallContext))
	{
		outer = sg_locals_enter();
		sg_call(enter, &entry);
		sg_locals_leave(outer);
		return entry.result;
	}
	if (!sg_is_plain())
	{
		level = NewGUCNestLevel();
		sg_set_plain(GUC_ACTION_SAVE);
	}
	sg_call(enter, &entry);
	if (level > 0)
		AtEOXact_GUC(true, level);
	return entry.result;
}

void
sg_read(void (*fn) (void *arg), void *arg)
{
	if (RecoveryInProgress())
	{
		fn(arg);
		return;
	}
	for (int i = 1;; i++)
	{
		ErrorData  *edata = sg_try(fn, arg);

		if (edata == NULL)
			return;
		if (i == SG_READS || !(sg_is_race(edata) || says_gone(edata)))
			ReThrowError(edata);
	}
}

bool
sg_is_cancel(const ErrorData *edata)
{
	/*
	 * Cancel by request or timeout, termination, or crash of another session.
	 * User code can raise these SQLSTATEs, too, but not from the server
	 * function that handles signals.
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

/* ---- the text of an error ---- */

char *
sg_one_line(const char *text)
{
	char	   *line = pstrdup(text);

	for (char *p = line; *p; p++)
	{
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	}

	return line;
}

char *
sg_error_message(const ErrorData *edata)
{
	return sg_one_line(edata->message ? edata->message : "error without a message");
}

/*
 * Returns whether the server's messages with this SQLSTATE name nothing but
 * objects, settings and processes: a violated constraint, an unavailable lock,
 * a full disk, a damaged file.  Messages with other SQLSTATEs may contain
 * values that were taken for names, as by a cast to regclass.
 */
static bool
names_objects(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION):
		case ERRCODE_TO_CATEGORY(ERRCODE_INVALID_TRANSACTION_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED):
		case ERRCODE_TO_CATEGORY(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE):
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
		case ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR):
			return true;
		default:
			return sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE || sqlerrcode == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST;
	}
}

/* Returns the message about an object of the catalog that others depend on, with the first of these from the detail */
static char *
with_dependent(const ErrorData *edata)
{
	size_t		length = strcspn(edata->detail, "\n");

	return psprintf("%s: %s%s", sg_error_message(edata), sg_one_line(pnstrdup(edata->detail, length)), edata->detail[length] ? ", ..." : "");
}

/* Returns the format of a message with dots for its arguments, or NULL if nothing but dots is left */
static char *
without_values(const char *format)
{
	StringInfoData text;
	bool		has_words = false;

	initStringInfo(&text);
	for (const char *p = format; *p; p++)
	{
		if (*p != '%')
		{
			appendStringInfoChar(&text, *p);
			has_words |= isalpha((unsigned char) *p) != 0;
			continue;
		}
		p += 1 + strspn(p + 1, "0123456789$*.-+ #hlqjzt");
		if (*p == '\0')
			break;
		appendStringInfoString(&text, *p == '%' ? "%" : "...");
	}
	return has_words ? text.data : NULL;
}

/*
 * Returns the name of a condition that the server's administrators act on, to
 * follow the SQLSTATE; or an empty text
 */
static const char *
condition_text(int sqlerrcode)
{
	switch (sqlerrcode)
	{
		case ERRCODE_DISK_FULL:
			return " (disk full)";
		case ERRCODE_OUT_OF_MEMORY:
			return " (out of memory)";
		case ERRCODE_TOO_MANY_CONNECTIONS:
			return " (too many connections)";
		case ERRCODE_IO_ERROR:
			return " (I/O error)";
		case ERRCODE_DATA_CORRUPTED:
			return " (data corrupted)";
		case ERRCODE_INDEX_CORRUPTED:
			return " (index corrupted)";
		default:
			return "";
	}
}

/*
 * Procedural languages have text domains of their own, and "%s" as the format
 * of errors that users raise.  An error from another process has no format.
 */
char *
sg_error_text(const ErrorData *edata)
{
	const char *domain = edata->domain ? edata->domain : "";
	char	   *words = NULL;

	/*
	 * an error from another process of schemaguard has lost its text domain,
	 * but not the function that raised it
	 */
	if (strcmp(domain, TEXTDOMAIN) == 0 || sg_is_cancel(edata))
		return sg_error_message(edata);
	if (strcmp(domain, PG_TEXTDOMAIN("postgres")) == 0 && edata->message_id)
		words = without_values(edata->message_id);

	if (words && names_objects(edata->sqlerrcode))
		return edata->sqlerrcode == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST && edata->detail ? with_dependent(edata) : sg_error_message(edata);
	ereport(DEBUG1,
			(errcode(edata->sqlerrcode),
			 errmsg_internal("not written down: %s", sg_error_message(edata))));
	return words ? words : psprintf("error %s%s, whose message could hold values",
									unpack_sql_state(edata->sqlerrcode), condition_text(edata->sqlerrcode));
}

/* The first line is PL/pgSQL's own: the function with its arguments' types, the line, and the kind of statement */
char *
sg_error_place(const ErrorData *edata)
{
	return edata->domain && strcmp(edata->domain, PG_TEXTDOMAIN("plpgsql")) == 0 && edata->context ?
		sg_one_line(pnstrdup(edata->context, strcspn(edata->context, "\n"))) : NULL;
}

/* Moves *format past the conversion that begins here */
static void
skip_conversion(const char **format)
{
	*format += 1 + strspn(*format + 1, "0123456789$*.-+ #hlqjzt");
	if (**format)
		(*format)++;
}

/* Returns whether the message adds nothing to the format but texts that the statement itself contains */
static bool
says_no_more(const char *format, const char *message, const char *statement)
{
	while (*format)
	{
		const char *literal;
		const char *end;

		if (*format != '%')
		{
			if (*format++ != *message++)
				return false;
			continue;
		}
		skip_conversion(&format);
		literal = pnstrdup(format, strcspn(format, "%"));
		end = literal[0] ? strstr(message, literal) : message + strlen(message);
		if (end == NULL || end == message || strstr(statement, pnstrdup(message, end - message)) == NULL)
			return false;
		message = end;
	}
	return *message == '\0';
}

char *
sg_error_text_of(const ErrorData *edata, const char *statement)
{
	if (statement && edata->message && edata->message_id && edata->domain &&
		strcmp(edata->domain, PG_TEXTDOMAIN("postgres")) == 0 &&
		ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION) &&
		says_no_more(edata->message_id, edata->message, statement))
		return sg_error_message(edata);
	return sg_error_text(edata);
}

void
sg_tell_and_log(bool client, const char *message, const char *detail, const char *hint)
{
	if (client)
		ereport(NOTICE,
				(errmsg("%s", message),
				 detail ? errdetail("%s", detail) : 0,
				 hint ? errhint("%s", hint) : 0));
	if (!client || SG_LOG_MIN_MESSAGES > NOTICE)
		ereport(LOG_SERVER_ONLY,
				(errmsg("%s", message),
				 detail ? errdetail("%s", detail) : 0,
				 hint ? errhint("%s", hint) : 0));
}
