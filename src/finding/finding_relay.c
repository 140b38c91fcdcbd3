/*-------------------------------------------------------------------------
 *
 * finding_relay.c
 *	  Findings for a relay that sends mail or calls a web hook.
 *
 * NOTIFY is lost on who does not listen at that moment; a column of
 * schemaguard.finding is not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/errors.h"
#include "base/rowsink.h"
#include "base/scope.h"
#include "base/spi.h"
#include "finding/finding.h"
#include "log/log_grant.h"

SG_FUNCTION(sg_findings_take);

/* $1 is the role, $2 whether it belongs to pg_monitor, $3 the size of the batch */
#define TAKE "WITH taken AS (" \
	" UPDATE schemaguard.finding SET relayed_at = pg_catalog.now() WHERE id IN (" \
	"  SELECT f.id FROM schemaguard.finding f WHERE f.relayed_at IS NULL AND ($2 OR f.role = $1)" \
	"   AND coalesce(f.place = schemaguard.sg_place(), true)" \
	"  ORDER BY f.id LIMIT $3 FOR UPDATE SKIP LOCKED)" \
	" RETURNING *)" \
	" SELECT jsonb_build_object('id', id, 'state', CASE WHEN gone_at IS NULL THEN 'found' ELSE 'gone' END, 'source', source," \
	"        'target', target, 'reference', reference, 'role', role, 'kind', kind, 'object', object, 'property', property," \
	"        'change', change, 'result', result, 'count', count, 'detail', detail, 'run', coalesce(gone_run, run)," \
	"        'first_seen', first_seen, 'at', coalesce(gone_at, last_seen))" \
	" FROM taken ORDER BY id"

static int64
read_batch(FunctionCallInfo fcinfo)
{
	int64		batch = sg_arg_is_null(fcinfo, 0) ? 0 : PG_GETARG_INT32(0);

	if (batch < 1)
		ereport(ERROR,
				(errcode(sg_arg_is_null(fcinfo, 0) ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a batch of findings has at least one"),
				 errhint(sg_calls("Leave it out, for at most 100:\nSELECT * FROM sg_findings_take();"))));
	return batch;
}

/*
 * sg_findings_take(batch integer DEFAULT 100)
 *
 * Returns as jsonb, oldest first, up to `batch` findings that no relay has
 * taken since they appeared, changed their result or were closed, and marks
 * them as taken.  A rollback undoes that; two concurrent relays get different
 * findings.  For writers: findings of their own runs; a member of pg_monitor
 * takes those of all roles.  Locks the rows that it returns, and waits for no
 * lock.  Errors: 22004, 22023, 25006, 42501.
 */
static Datum
sg_findings_take_entered(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, BOOLOID, INT8OID};
	Datum		values[] = {CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
	BoolGetDatum(is_member_of_role(GetUserId(), ROLE_PG_MONITOR)), (Datum) 0};
	SgRowSink	sink;
	SgScope		scope;

	sg_check_granted(fcinfo);
	sg_check_writable("sg_findings_take()");
	values[2] = Int64GetDatum(read_batch(fcinfo));
	sg_sink_begin_scalar(&sink, fcinfo);
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT, TAKE, lengthof(types), types, values, NULL);
	for (uint64 n = 0; n < SPI_processed; n++)
	{
		bool		isnull;

		sg_sink_datum(&sink, SPI_getbinval(SPI_tuptable->vals[n], SPI_tuptable->tupdesc, 1, &isnull));
		sg_sink_emit(&sink);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return (Datum) 0;
}
