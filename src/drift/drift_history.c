/*-------------------------------------------------------------------------
 *
 * drift_history.c
 *	  schemaguard.drift_run: how much each check for drift has found.
 *
 * The differences themselves are in schemaguard.finding.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/rowsink.h"
#include "base/spi.h"
#include "drift/drift_check.h"
#include "finding/finding.h"
#include "log/log.h"

void
drift_history_write(const DriftCheck *check)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, UUIDOID, TEXTOID,
		INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
	BOOLOID, TEXTARRAYOID, FLOAT8OID};
	Datum		values[] = {
		CStringGetTextDatum(check->history.role),
		CStringGetTextDatum(check->history.reference),
		CStringGetTextDatum(check->history.target),
		TimestampTzGetDatum(check->history.started_at),
		UUIDPGetDatum(&check->history.run),
		CStringGetTextDatum(drift_check_result(check)),
		Int64GetDatum(drift_check_count(check)),
		Int64GetDatum(check->drift),
		Int64GetDatum(check->extra),
		Int64GetDatum(check->unknown),
		Int64GetDatum(check->cosmetic),
		Int64GetDatum(check->unmanaged),
		Int64GetDatum(check->ignored),
		Int64GetDatum(check->history.appeared),
		Int64GetDatum(check->history.gone),
		BoolGetDatum(check->notified),
		sg_text_array(check->problems),
		Float8GetDatum(sg_rounded((GetCurrentTimestamp() - check->history.started_at) / 1000.0, 1))
	};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.drift_run"
					 " (role, reference, target, at, run_id, result, drifts, drift, extra, unknown, cosmetic,"
					 "  unmanaged, ignored, appeared, gone, notified, problems, elapsed_ms)"
					 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
					 lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/*
 * Deletes older runs of drift checks, except the newest of each comparison
 * whose reference still exists: without it and its findings the next check
 * would report known differences as new.  Also deletes old entries of
 * schemaguard.rename.
 */
static uint64
prune(TimestampTz before)
{
	uint64		n;

	n = log_prune_before("DELETE FROM schemaguard.drift_run r WHERE r.at < $1"
						 " AND (EXISTS (SELECT FROM schemaguard.drift_run n WHERE n.role = r.role"
						 "              AND n.reference = r.reference AND n.target = r.target AND n.id > r.id)"
						 "      OR NOT EXISTS (SELECT FROM schemaguard.snapshot s WHERE s.name = r.reference))",
						 before);
	(void) finding_prune("drift", "NOT EXISTS (SELECT FROM schemaguard.drift_run r WHERE r.role = f.role"
						 " AND r.reference = f.reference AND r.target = f.target)", before);
	(void) log_prune_before("DELETE FROM schemaguard.rename r WHERE r.added_at < $1", before);
	return n;
}

void
drift_history_init(void)
{
	log_register_prune("drift", "checks for drift", prune);
}
