/*-------------------------------------------------------------------------
 *
 * audit_proof.c
 *	  The trust ledger: verdicts about declared keys, put on record.
 *
 * A proof is a row of schemaguard.proof; the view schemaguard.fk_trust says
 * whether it still stands.  Recording never waits for anybody, whose audit
 * may sit in a transaction that stays open for hours: rows are only ever
 * inserted, nothing makes them unique, and the view picks the newest.  The
 * rows that a new one puts out of use are deleted on the way, unless another
 * transaction has its hands on them; then a later call does it, or sg_prune.
 * Rows that go back past a key end its proof: that delete may wait.
 *
 * "Newest" goes by the place in the WAL at which the rows were read, not by
 * the time of writing: of two audits that overlap, the one that ends last
 * may be the one that has read first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"

/* Number of columns that are the same for all rows of a call */
#define NSHARED 4
/* Types of the columns that are passed as arrays, in the order of add_verdict() */
static const Oid column_types[] = {
	OIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, PG_LSNOID, TEXTOID, BOOLOID, TEXTOID,
	INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID
};

static const char *const delete_sql =
"DELETE FROM schemaguard.proof WHERE ctid = ANY (ARRAY("
" SELECT o.ctid FROM unnest($5, $9) n (constraint_oid, proved_lsn)"
"  JOIN schemaguard.proof o ON o.constraint_oid = n.constraint_oid"
" WHERE o.system_identifier = $1 AND o.database_oid = $2"
"  AND (o.proved_lsn <= n.proved_lsn OR o.proved_lsn > $4)"
" FOR UPDATE OF o SKIP LOCKED))";

static const char *const insert_sql =
"INSERT INTO schemaguard.proof"
" (system_identifier, database_oid, role, constraint_oid, child_table, fk_name,"
"  proved_at, proved_lsn, result, by_index, method, rows_checked, orphan_rows,"
"  columns_hash, partitions_hash, triggers_hash, files_hash, subscriptions_hash)"
" SELECT $1, $2, $3, n.*"
" FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) n";

void
audit_proof_begin(AuditKey *ak)
{
	if (!OidIsValid(ak->key.conid) || !log_writable())
		return;

	/*
	 * take marks as of an old snapshot, because newer ones would vouch for
	 * rows that it can't see
	 */
	ak->fingerprint = fk_fingerprint(&ak->key, IsolationUsesXactSnapshot() ?
									 GetTransactionSnapshot() : NULL);
	ak->judged_at = GetCurrentTimestamp();
	ak->judged_lsn = GetXLogInsertRecPtr();
}

/* Appends a verdict, with a value for each column */
static void
add_verdict(ArrayBuildState **columns, const AuditKey *ak)
{
	Datum		values[] = {
		ObjectIdGetDatum(ak->key.conid),
		CStringGetTextDatum(ak->child_table),
		CStringGetTextDatum(ak->fk_name),
		TimestampTzGetDatum(ak->judged_at),
		LSNGetDatum(ak->judged_lsn),
		CStringGetTextDatum(audit_result_word(ak->result)),
		BoolGetDatum(false),	/* true only in proofs of version 0.1.0 */
		CStringGetTextDatum(ak->method),
		Int64GetDatum(ak->rows_checked),
		Int64GetDatum(ak->orphan_rows),
		Int64GetDatum(ak->fingerprint.columns),
		Int64GetDatum(ak->fingerprint.partitions),
		Int64GetDatum(ak->fingerprint.triggers),
		Int64GetDatum(ak->fingerprint.files),
		Int64GetDatum(ak->fingerprint.subscriptions)
	};

	StaticAssertStmt(lengthof(values) == lengthof(column_types), "a type for each value");
	for (int i = 0; i < lengthof(values); i++)
	{
		bool		is_count = i == 8 || i == 9;

		columns[i] = accumArrayResult(columns[i], values[i],
									  is_count && DatumGetInt64(values[i]) < 0,
									  column_types[i], CurrentMemoryContext);
	}
}

static void
write_proofs(ArrayBuildState **columns)
{
	Oid			types[NSHARED + lengthof(column_types)] = {INT8OID, OIDOID, TEXTOID, PG_LSNOID};
	Datum		values[lengthof(types)];
	SgScope		scope;

	values[0] = Int64GetDatum((int64) GetSystemIdentifier());
	values[1] = ObjectIdGetDatum(MyDatabaseId);
	values[2] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	values[3] = LSNGetDatum(GetXLogInsertRecPtr());
	for (int i = 0; i < lengthof(column_types); i++)
	{
		types[NSHARED + i] = get_array_type(column_types[i]);
		values[NSHARED + i] = makeArrayResult(columns[i], CurrentMemoryContext);
	}

	sg_owner_begin(&scope);
	SPI_connect();

	/*
	 * under a transaction's snapshot, a row that was deleted meanwhile would
	 * raise an error: leave old proofs to later calls
	 */
	if (!IsolationUsesXactSnapshot())
		sg_owner_execute(SPI_OK_DELETE, delete_sql, lengthof(types), types, values, NULL);
	sg_owner_execute(SPI_OK_INSERT, insert_sql, lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

void
audit_proof_record(List *keys)
{
	ArrayBuildState *columns[lengthof(column_types)] = {0};
	bool		granted;

	if (!log_writable())
		return;
	granted = sg_is_granted();

	foreach_ptr(AuditKey, ak, keys)
	{
		/*
		 * only writers record proofs of temporary tables, with which any role
		 * could fill the ledger
		 */
		if (OidIsValid(ak->key.conid) &&
			(granted || sg_rel_persistence(ak->key.child) != RELPERSISTENCE_TEMP) &&
			(ak->result == AUDIT_PASS || ak->result == AUDIT_FAIL))
			add_verdict(columns, ak);
	}
	if (columns[0])
		write_proofs(columns);
}

void
audit_proof_forget(List *tables)
{
	Oid			types[] = {TEXTARRAYOID};
	Datum		values[] = {sg_text_array(tables)};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	sg_owner_execute(SPI_OK_DELETE, "DELETE FROM schemaguard.proof p USING pg_constraint c"
					 " WHERE c.oid = p.constraint_oid AND c.conrelid = ANY ($1::regclass[])", lengthof(types), types, values, NULL);
	SPI_finish();
	sg_scope_end(&scope);
}

/* ---- pruning ---- */

/* Deletes older proofs that fk_trust no longer uses */
static uint64
prune_proofs(TimestampTz before)
{
	Oid			types[] = {TIMESTAMPTZOID, INT8OID, OIDOID};
	Datum		values[] = {TimestampTzGetDatum(before),
		Int64GetDatum((int64) GetSystemIdentifier()),
	ObjectIdGetDatum(MyDatabaseId)};

	return log_prune("DELETE FROM schemaguard.proof p WHERE p.proved_at < $1"
					 " AND (p.system_identifier <> $2 OR p.database_oid <> $3"
					 "      OR NOT EXISTS (SELECT FROM pg_constraint c WHERE c.oid = p.constraint_oid)"
					 "      OR EXISTS (SELECT FROM schemaguard.proof n"
					 "                 WHERE n.constraint_oid = p.constraint_oid"
					 "                   AND n.system_identifier = $2 AND n.database_oid = $3"
					 "                   AND n.proved_lsn > p.proved_lsn"
					 "                   AND n.proved_lsn <= pg_current_wal_insert_lsn()"
					 "                   AND (p.by_index OR NOT n.by_index)))", 3, types, values);
}

/* Deletes older marks of subscriptions, if no proof is older; keeps the newest mark about watching */
static uint64
prune_marks(TimestampTz before)
{
	Oid			types[] = {TIMESTAMPTZOID, INT8OID, OIDOID};
	Datum		values[] = {TimestampTzGetDatum(before),
		Int64GetDatum((int64) GetSystemIdentifier()),
	ObjectIdGetDatum(MyDatabaseId)};

	return log_prune("DELETE FROM schemaguard.subscription_mark m WHERE m.at < $1"
					 " AND (m.system_identifier <> $2 OR m.database_oid <> $3"
					 "      OR (m.table_oid IS NOT NULL AND NOT EXISTS"
					 "          (SELECT FROM schemaguard.proof p WHERE p.proved_lsn <= m.lsn"
					 "           AND p.system_identifier = $2 AND p.database_oid = $3))"
					 "      OR (m.table_oid IS NULL AND EXISTS"
					 "          (SELECT FROM schemaguard.subscription_mark n"
					 "           WHERE n.system_identifier = $2 AND n.database_oid = $3"
					 "             AND n.table_oid IS NULL AND n.lsn > m.lsn)))", 3, types, values);
}

/* Prunes proofs, then the marks that no proof needs */
static uint64
prune(TimestampTz before)
{
	uint64		n = prune_proofs(before);

	(void) prune_marks(before);
	return n;
}

void
audit_proof_init(void)
{
	log_register_prune("proofs", "proofs of no use", prune);
}
