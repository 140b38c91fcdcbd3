/*-------------------------------------------------------------------------
 *
 * log_evidence.c
 *	  schemaguard.evidence: figures that calls leave for reports.
 *
 * Counts and times, never a value of a row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/spi.h"
#include "log/log.h"

/* Returns whether the table exists: the objects of version 0.1.0 lack it */
static bool
has_evidence(void)
{
	return OidIsValid(get_relname_relid("evidence", sg_schema_oid()));
}

void
log_evidence(const pg_uuid_t *run, const char *plan, int64 plan_id, const char *kind, const char *figures)
{
	Oid			types[] = {UUIDOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	SgScope		scope;

	if (!has_evidence())
		return;
	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(run);
	values[1] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	values[2] = plan ? CStringGetTextDatum(plan) : (Datum) 0;
	values[3] = Int64GetDatum(plan_id);
	nulls[2] = nulls[3] = plan ? ' ' : 'n';
	values[4] = CStringGetTextDatum(kind);
	values[5] = figures ? CStringGetTextDatum(figures) : (Datum) 0;
	nulls[5] = figures ? ' ' : 'n';

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.evidence (run_id, role, plan, plan_id, kind, figures)"
					 " VALUES ($1, $2, $3, $4, $5, coalesce($6::jsonb, schemaguard.sg_figures()))",
					 lengthof(types), types, values, nulls);
	SPI_finish();
	sg_scope_end(&scope);
}

static uint64
prune(TimestampTz before)
{
	return has_evidence() ? log_prune_before("DELETE FROM schemaguard.evidence e WHERE e.at < $1", before) : 0;
}

void
log_evidence_init(void)
{
	log_register_prune("evidence", "figures for reports", prune);
}
