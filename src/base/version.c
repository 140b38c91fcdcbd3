/*-------------------------------------------------------------------------
 *
 * version.c
 *	  Version of the objects in the database, and the checks of an update.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/version.h"

SG_FUNCTION(sg_refuse_update);
SG_FUNCTION(sg_refuse_publications);
SG_FUNCTION(sg_library_version);

/* True if the objects had another version than the library at the last look */
static bool objects_are_old = false;

/* Returns the owner of the extension, and sets the version of its objects, from pg_extension */
static Oid
extension_owner(char **version)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner;
	Datum		datum;
	bool		isnull;

	ScanKeyInit(&key, Anum_pg_extension_extname,
				BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("schemaguard"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"schemaguard\" is not installed in this database"),
				 errhint("Make it, as a superuser:\nCREATE EXTENSION schemaguard;")));
	owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	datum = heap_getattr(tuple, Anum_pg_extension_extversion,
						 RelationGetDescr(rel), &isnull);
	*version = TextDatumGetCString(datum);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	return owner;
}

/* Returns whether version a is older than b; compares numbers, and ignores what follows them */
static bool
is_older(const char *a, const char *b)
{
	while (*a && *b)
	{
		char	   *end_a;
		char	   *end_b;
		unsigned long number_a = strtoul(a, &end_a, 10);
		unsigned long number_b = strtoul(b, &end_b, 10);

		if (number_a != number_b || end_a == a || end_b == b)
			return number_a < number_b;
		a = end_a + (*end_a == '.');
		b = end_b + (*end_b == '.');
	}
	return *a == '\0' && *b != '\0';
}

Oid
sg_checked_owner(void)
{
	char	   *version;
	Oid			owner = extension_owner(&version);

	objects_are_old = strcmp(version, SG_VERSION) != 0;
	if (objects_are_old && strcmp(version, SG_LAST_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the schemaguard library has version %s, its objects in this database have version %s",
						SG_VERSION, version),
				 errdetail("This library works with objects of version %s%s%s.", SG_VERSION,
						   strcmp(SG_LAST_VERSION, SG_VERSION) == 0 ? "" : " and of version ",
						   strcmp(SG_LAST_VERSION, SG_VERSION) == 0 ? "" : SG_LAST_VERSION),
				 is_older(version, SG_VERSION) ?
				 errhint("Update them:\nALTER EXTENSION schemaguard UPDATE;") :
				 errhint("Install the package of version %s, if that was not done, and start a new session: this one has the library that was there when it began.",
						 version)));

	return owner;
}

void
sg_check_version(void)
{
	(void) sg_checked_owner();
	sg_guc_early_check();
}

/* ---- objects that have yet to be updated ---- */

static void
version_context(void *arg)
{
	int			code = geterrcode();

	if (!objects_are_old ||
		(code != ERRCODE_UNDEFINED_COLUMN && code != ERRCODE_UNDEFINED_TABLE && code != ERRCODE_UNDEFINED_FUNCTION))
		return;
	errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
	errdetail("This needs the objects of version %s, and those in this database have version %s.",
			  SG_VERSION, SG_LAST_VERSION);
	errhint("Update them:\nALTER EXTENSION schemaguard UPDATE;");
}

void
sg_version_context_begin(ErrorContextCallback *callback)
{
	callback->callback = version_context;
	callback->arg = NULL;
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

void
sg_version_context_end(ErrorContextCallback *callback)
{
	error_context_stack = callback->previous;
}

/*
 * sg_refuse_update(dependants text), for update scripts
 *
 * Raises an error that lists the dependants.  STRICT: null, no dependants,
 * passes.
 */
static Datum
sg_refuse_update_entered(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("the update makes functions or views of schemaguard anew that other objects use"),
			 errdetail("%s", sg_arg_text(fcinfo, 0)),
			 errhint("Keep the definitions of these objects, drop them (make cron jobs inactive), update again, and create them anew; CHANGELOG.md says what has changed:\nALTER EXTENSION schemaguard UPDATE;")));

	PG_RETURN_VOID();
}

/*
 * sg_refuse_publications(publications text, statements text), for install and
 * update scripts
 *
 * Raises 55000 if publications would send the extension's tables or sequences
 * to subscribers, unless schemaguard.accept_publication is on.  STRICT: null,
 * no publications, passes.
 */
static Datum
sg_refuse_publications_entered(PG_FUNCTION_ARGS)
{
	if (!sg_accept_publication)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("publications would replicate tables or sequences of schemaguard: %s", sg_arg_text(fcinfo, 0)),
				 errdetail("A subscriber without them stops, and so does one whose own rows have the same keys; one whose sequences are set back gives numbers again. Tables that are made later must be added to the publication by hand."),
				 errhint("If nobody subscribes, set schemaguard.accept_publication. Else have them publish the other tables by name:\n%s",
						 sg_arg_text(fcinfo, 1))));

	PG_RETURN_VOID();
}

/*
 * Returns the version of the library that this session has loaded, whatever
 * version the objects have
 */
static Datum
sg_library_version_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(SG_VERSION));
}
