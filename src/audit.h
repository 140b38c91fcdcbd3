/*-------------------------------------------------------------------------
 *
 * audit.h
 *	  The engine that judges rows against foreign keys.
 *
 * The unit of work is an AuditTable: one child table and all the keys of it
 * that somebody wants judged.  audit_table() checks privileges, locks, takes
 * the snapshot and hands the keys to a method.  The one method so far runs a
 * generated query per key (audit_sql.c); a method that reads the child once
 * for all of its keys takes the same struct.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_H
#define SG_AUDIT_H

#include "postgres.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "fk.h"
#include "spi.h"

typedef enum AuditResult
{
	AUDIT_UNKNOWN,				/* could not be judged: see reason */
	AUDIT_PASS,
	AUDIT_FAIL,
	AUDIT_SKIPPED
} AuditResult;

typedef struct AuditKey
{
	FkKey		key;
	const char *source;			/* catalog, plan */
	const char *state;			/* missing, not enforced, unarmed, ... */
	/* the names, kept because the objects may go while we wait for a lock */
	char	   *fk_name;
	char	   *child_table;
	List	   *child_columns;
	char	   *parent_table;
	List	   *parent_columns;

	AuditResult result;
	char	   *reason;
	const char *method;			/* NULL until a method has read rows */
	int64		rows_checked;	/* -1: not counted, as in the two below */
	int64		orphan_rows;
	int64		orphan_keys;
	List	   *sample;			/* of Jsonb *, one object per key */
	double		elapsed_ms;

	/* what a proof is about: taken under the locks, before the snapshot */
	uint64		fingerprint;	/* fk_fingerprint() */
	TimestampTz judged_at;
	XLogRecPtr	judged_lsn;
	bool		by_index;		/* an index was trusted */
} AuditKey;

typedef struct AuditTable
{
	Oid			child;
	List	   *keys;			/* of AuditKey * */
	int			samples;		/* how many orphan keys to keep per key */
	MemoryContext results;		/* where reasons and samples are put */
} AuditTable;

/*
 * Judge all keys of a table.  Never raises an error for what a key's tables
 * or rows are like: such a key is AUDIT_UNKNOWN, with the reason.  Cancels,
 * and on a standby every error of a scan, go through.
 *
 * Locks: ACCESS SHARE on child, parent and their partitions, released with
 * the subtransaction that held them (on a standby: with the transaction).
 */
extern void audit_table(AuditTable *table);

/*
 * The same in the active snapshot, under locks that the caller holds, for
 * keys that he may read; trusts no index.  No subtransaction: errors go
 * through.  May start parallel workers.
 */
extern void audit_table_locked(AuditTable *table);

/* A key for audit_table, from facts */
extern AuditKey *audit_key_new(const FkKey *key, const char *source, const char *state);
extern const char *audit_result_word(AuditResult result);

/* ---- what methods and sg_orphans share (audit_access.c) ---- */

/*
 * Why the current role may not read these rows here and now (no SELECT, row
 * security, another session's temporary table, recovery), or NULL.  whole_row
 * asks for every column of the child.
 */
extern FkProblem *audit_access_problem(const FkKey *key, bool whole_row);

/*
 * Lock both tables and their partitions, ACCESS SHARE, then make the snapshot
 * to read them in the active one (pop it afterwards).  Returns NULL, or why
 * they can't be judged in this transaction: then there is no snapshot to pop.
 */
extern FkProblem *audit_lock(const FkKey *key);

/*
 * Role and settings of a scan of user data; end with sg_scope_end.  The role
 * is the caller's, or the child's owner where comparing or printing columns
 * would run code that is not built in.
 */
extern void audit_scope_begin(SgScope *scope, const FkKey *key, bool whole_row);

/* ---- methods ---- */

/* One generated query, which may run in parallel, in the active snapshot */
extern void audit_sql(AuditKey *key, int samples, MemoryContext results);

/* A query for the rows that break the key: row_table, row_id, key, data; LIMIT $1 */
extern char *audit_sql_orphans(const FkKey *key);

#endif							/* SG_AUDIT_H */
