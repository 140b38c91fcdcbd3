/*-------------------------------------------------------------------------
 *
 * drift_history.c
 *	  schemaguard.drift_run and drift_item: what checks have found, since when.
 *
 * A history is that of one role's comparison of one reference with one
 * target: roles may see different things, and would take each other's drift
 * for new or gone.  An item is one difference, values included, from the run
 * that first found it to the last one in a row; when it comes back, a new
 * item begins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/payload.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "drift/drift_check.h"
#include "log/log.h"

/* Columns of a row, as arrays of one statement */
#define ROW_FIELDS 9
#define BATCH_ROWS 1000

/* ---- the lock ---- */

/*
 * Two checks of one history take turns.  Other histories may share the hash,
 * and wait then without need.
 */
static void
lock_history(const DriftCheck *check)
{
	char	   *key = psprintf("%s\n%s\n%s", check->role, check->reference, check->target);
	Oid			table = get_relname_relid("drift_run", sg_schema_oid());
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, table,
					   DatumGetUInt32(hash_any((const unsigned char *) key, strlen(key))), 0);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* ---- statements ---- */

/* Run one, in an owner's scope, whose $1 to $3 are role, reference and target, $4 the run's id, $5 its time */
static uint64
execute(const DriftCheck *check, int expected, const char *sql, int nargs)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID};
	Datum		values[] = {
		CStringGetTextDatum(check->role),
		CStringGetTextDatum(check->reference),
		CStringGetTextDatum(check->target),
		Int64GetDatum(check->id),
		TimestampTzGetDatum(check->started_at)
	};

	return sg_owner_execute(expected, sql, nargs, types, values, NULL);
}

/* A bigint of the first row of the result */
static int64
result_int64(const char *column)
{
	return sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

/* ---- a run ---- */

void
drift_history_begin(DriftCheck *check)
{
	SgScope		scope;

	lock_history(check);
	check->started_at = GetCurrentTimestamp();

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT, "SELECT nextval('schemaguard.drift_run_id_seq') AS id", 0, NULL, NULL, NULL);
	check->id = result_int64("id");
	SPI_finish();
	sg_scope_end(&scope);
}

/* The fields of rows, one array each */
static void
row_arrays(List *rows, Datum *arrays)
{
	for (int field = 0; field < ROW_FIELDS; field++)
	{
		ArrayBuildState *state = NULL;

		foreach_ptr(DriftRow, row, rows)
		{
			const char *texts[ROW_FIELDS] = {row->kind, row->object, sg_word(drift_change_words, row->change),
				row->property, row->expected, row->actual, sg_word(drift_class_words, row->class),
			drift_risk_word(row->risk), row->detail};
			const char *text = texts[field];

			state = accumArrayResult(state, text ? CStringGetTextDatum(text) : (Datum) 0, text == NULL,
									 TEXTOID, CurrentMemoryContext);
		}
		arrays[field] = makeArrayResult(state, CurrentMemoryContext);
	}
}

static void
add_batch(const DriftCheck *check, List *rows)
{
	Oid			types[5 + ROW_FIELDS] = {TEXTOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID};
	Datum		values[5 + ROW_FIELDS] = {
		CStringGetTextDatum(check->role),
		CStringGetTextDatum(check->reference),
		CStringGetTextDatum(check->target),
		Int64GetDatum(check->id),
		TimestampTzGetDatum(check->started_at)
	};
	SgScope		scope;

	for (int i = 0; i < ROW_FIELDS; i++)
		types[5 + i] = TEXTARRAYOID;
	row_arrays(rows, &values[5]);

	/* what a difference costs and who made it is no part of what it is */
	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.drift_item"
					 " (role, reference, target, kind, object, change, property, expected, actual, class, risk, detail,"
					 "  first_seen, last_seen, first_run, last_run, fingerprint)"
					 " SELECT DISTINCT ON (h.fingerprint) $1, $2, $3, r.*, $5, $5, $4, $4, h.fingerprint"
					 " FROM ROWS FROM (pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8),"
					 "                 pg_catalog.unnest($9), pg_catalog.unnest($10), pg_catalog.unnest($11),"
					 "                 pg_catalog.unnest($12), pg_catalog.unnest($13), pg_catalog.unnest($14))"
					 "      AS r (kind, object, change, property, expected, actual, class, risk, detail),"
					 "      LATERAL (SELECT sha256(convert_to(jsonb_build_array(r.kind, r.object, r.change, r.property,"
					 "                                        r.expected, r.actual, r.class)::text,"
					 "                                        getdatabaseencoding()))) AS h (fingerprint)"
					 " ON CONFLICT (role, reference, target, fingerprint) WHERE gone_at IS NULL"
					 " DO UPDATE SET last_seen = excluded.last_seen, last_run = excluded.last_run,"
					 "               risk = excluded.risk, detail = excluded.detail",
					 lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

void
drift_history_add(const DriftCheck *check, List *rows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard drift items",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *batch = NIL;

	for (int i = 0; i < list_length(rows); i++)
	{
		CHECK_FOR_INTERRUPTS();
		batch = lappend(batch, list_nth(rows, i));
		if (list_length(batch) < BATCH_ROWS && i < list_length(rows) - 1)
			continue;
		add_batch(check, batch);
		MemoryContextReset(context);
		batch = NIL;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
drift_history_close(DriftCheck *check)
{
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	check->gone = (int64)
		execute(check, SPI_OK_UPDATE,
				"UPDATE schemaguard.drift_item SET gone_at = $5, gone_run = $4"
				" WHERE role = $1 AND reference = $2 AND target = $3 AND gone_at IS NULL AND last_run <> $4", 5);
	execute(check, SPI_OK_SELECT,
			"SELECT count(*) AS n FROM schemaguard.drift_item"
			" WHERE role = $1 AND reference = $2 AND target = $3 AND gone_at IS NULL AND first_run = $4", 4);
	check->appeared = result_int64("n");
	SPI_finish();
	sg_scope_end(&scope);
}

void
drift_history_write(const DriftCheck *check)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, INT8OID, TIMESTAMPTZOID, UUIDOID, TEXTOID,
		INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID,
	BOOLOID, TEXTARRAYOID, FLOAT8OID};
	Datum		values[] = {
		CStringGetTextDatum(check->role),
		CStringGetTextDatum(check->reference),
		CStringGetTextDatum(check->target),
		Int64GetDatum(check->id),
		TimestampTzGetDatum(check->started_at),
		UUIDPGetDatum(&check->run),
		CStringGetTextDatum(drift_check_result(check)),
		Int64GetDatum(drift_check_count(check)),
		Int64GetDatum(check->drift),
		Int64GetDatum(check->extra),
		Int64GetDatum(check->unknown),
		Int64GetDatum(check->cosmetic),
		Int64GetDatum(check->unmanaged),
		Int64GetDatum(check->ignored),
		Int64GetDatum(check->appeared),
		Int64GetDatum(check->gone),
		BoolGetDatum(check->notified),
		sg_text_array(check->problems),
		Float8GetDatum(sg_rounded((GetCurrentTimestamp() - check->started_at) / 1000.0, 1))
	};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_INSERT,
					 "INSERT INTO schemaguard.drift_run"
					 " (role, reference, target, id, at, run_id, result, drifts, drift, extra, unknown, cosmetic,"
					 "  unmanaged, ignored, appeared, gone, notified, problems, elapsed_ms)"
					 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
					 lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

List *
drift_history_items(const DriftCheck *check)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	List	   *items = NIL;
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	execute(check, SPI_OK_SELECT,
			"SELECT CASE s.state WHEN 1 THEN 'new' WHEN 2 THEN 'gone' ELSE 'known' END AS state,"
			"       i.kind, i.object, i.change, i.property, i.class, i.risk"
			" FROM schemaguard.drift_item i, LATERAL (SELECT CASE WHEN i.first_run = $4 THEN 1"
			"      WHEN i.gone_run = $4 THEN 2 ELSE 3 END) s (state)"
			" WHERE i.role = $1 AND i.reference = $2 AND i.target = $3 AND (i.last_run = $4 OR i.gone_run = $4)"
			" ORDER BY s.state, i.kind COLLATE \"C\", i.object COLLATE \"C\", i.id LIMIT 200", 4);
	old = MemoryContextSwitchTo(context);
	for (uint64 n = 0; n < SPI_processed; n++)
	{
		TupleDesc	desc = SPI_tuptable->tupdesc;
		StringInfoData json;

		initStringInfo(&json);
		appendStringInfoChar(&json, '{');
		for (int i = 1; i <= desc->natts; i++)
			sg_payload_text(&json, SPI_fname(desc, i), SPI_getvalue(SPI_tuptable->vals[n], desc, i));
		appendStringInfoChar(&json, '}');
		items = lappend(items, json.data);
	}
	MemoryContextSwitchTo(old);
	SPI_finish();
	sg_scope_end(&scope);

	return items;
}

/* ---- pruning ---- */

/*
 * Delete older runs of drift checks, but the newest one of each comparison
 * whose reference there still is: without it, the next check would take what
 * is known for new.  Items stay as long as a run that found them.  Old
 * entries of schemaguard.rename go, too.
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
	(void) log_prune_before("DELETE FROM schemaguard.drift_item i WHERE i.gone_at < $1"
							" OR i.last_seen < $1 AND NOT EXISTS"
							"    (SELECT FROM schemaguard.drift_run r WHERE r.role = i.role"
							"     AND r.reference = i.reference AND r.target = i.target)", before);
	(void) log_prune_before("DELETE FROM schemaguard.rename r WHERE r.added_at < $1", before);
	return n;
}

void
drift_history_init(void)
{
	log_register_prune("checks for drift", prune);
}
