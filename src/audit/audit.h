/*-------------------------------------------------------------------------
 *
 * audit.h
 *	  The engine that judges rows against foreign keys, and against rules.
 *
 * The unit of work is an AuditTable: one child table and all the keys of it
 * that somebody wants judged.  audit_tables() checks privileges, locks, takes
 * the snapshot and chooses the method: one scan of the child for all of its
 * keys (audit_scan.c), or a generated query per key where a scan can't judge
 * (audit_sql.c).  Rules, which are CHECK, NOT NULL and UNIQUE, stand among
 * the keys of their table and are judged in the same scan (audit_rule.h).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_H
#define SG_AUDIT_H

#include "postgres.h"
#include "access/xlogdefs.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "fk/fk.h"

typedef enum AuditResult
{
	AUDIT_UNKNOWN,				/* not judged: see reason */
	AUDIT_PASS,
	AUDIT_FAIL,
	AUDIT_SKIPPED
} AuditResult;

/* Origin of a key or a rule */
typedef enum AuditSource
{
	AUDIT_CATALOG,
	AUDIT_PLAN,
	AUDIT_INFERRED
} AuditSource;

typedef struct AuditKey
{
	FkKey		key;
	struct AuditRule *rule;		/* audit_rule.h; NULL: a foreign key */
	AuditSource source;
	FkState		state;			/* of a key */

	/*
	 * names, stored because the objects may be dropped while we wait for a
	 * lock
	 */
	char	   *fk_name;
	char	   *child_table;
	List	   *child_columns;
	char	   *parent_table;
	List	   *parent_columns;

	AuditResult result;
	char	   *reason;
	const char *method;			/* method; NULL until rows are read */
	int64		rows_checked;	/* -1: not counted, also in the next two */
	int64		orphan_rows;
	int64		orphan_pages;	/* pages of the child that may have orphans;
								 * 0: unknown */
	int64		orphan_keys;
	int64		partial_rows;	/* orphans with a null within a composite
								 * value */
	List	   *sample;			/* Jsonb *, one object per key */
	double		elapsed_ms;

	/* what a proof rests on: audit_proof_begin() */
	FkFingerprint fingerprint;
	TimestampTz judged_at;
	XLogRecPtr	judged_lsn;
	char	   *damage;			/* damage of an index, as a reason; the index
								 * is not used again */
	Oid			asked;			/* index whose reading raised an error */
	bool		raised;			/* a rule's condition raised an error */
	Oid			waits_for;		/* table that another session has locked */
	int			yields;			/* number of times that it gave way */
} AuditKey;

typedef struct AuditTable
{
	Oid			child;
	List	   *keys;			/* AuditKey * */
	int			samples;		/* number of orphan keys to keep per key */
	MemoryContext results;		/* memory context of reasons and samples */
} AuditTable;

/*
 * Judges all keys of some tables.  Errors about a key's tables or rows make the
 * key AUDIT_UNKNOWN, with the reason.  Cancels, and on a standby every error of
 * a scan, are raised.  Small tables that follow each other are read together,
 * in one snapshot, and share what is read of their parents. `judged`, if given,
 * is called with arg after each such batch, when its locks are released.
 *
 * Locks: ACCESS SHARE on child, parent and their partitions, released with the
 * subtransaction that took them (on a standby: with the transaction).
 */
typedef void (*AuditJudged) (List *keys, void *arg);

/*
 * Treatment of sessions that wait for ACCESS EXCLUSIVE on the audit's tables
 * for longer than schemaguard.lock_timeout, on a primary and unless
 * schemaguard.audit_yield is off
 */
typedef enum AuditYield
{
	AUDIT_HOLDS,				/* never gives way: it belongs to a deed */
	AUDIT_YIELDS,				/* gives way; keys of the table stay unknown */
	AUDIT_COMES_BACK			/* gives way up to three times, and judges
								 * those keys at the end */
} AuditYield;

extern void audit_tables(List *tables, AuditYield yield, AuditJudged judged, void *arg);
extern void audit_table(AuditTable *table);

/*
 * Limits of a batch, whose tables are read in one snapshot: 1 GB, unless one
 * table is larger, and a number of keys
 */
#define AUDIT_BATCH_PAGES (1024 * 1024 / (BLCKSZ / 1024))
#define AUDIT_BATCH_KEYS 300

/*
 * Returns the pages of a table; if it is locked, as many as make it a batch of
 * its own.
 */
extern int64 audit_pages(Oid relid);

/*
 * Judges the keys of some tables as one batch, without waiting: a key with a
 * table that another session has locked stays AUDIT_UNKNOWN.
 */
extern void audit_tables_at_once(List *tables);

/*
 * Judges the keys of one child in the active snapshot; the caller holds the
 * locks and has checked the access.  Reads tables only, no index.  Without a
 * subtransaction: errors are raised.
 */
extern void audit_table_locked(AuditTable *table);

/* Makes a key for audit_tables() from facts */
extern AuditKey *audit_key_new(const FkKey *key, AuditSource source, FkState state);
extern const char *audit_source_word(AuditSource source);
extern const char *audit_result_word(AuditResult result);

/* Emits the sample as one array of objects, or null */
extern void audit_sink_sample(SgRowSink *sink, const AuditKey *ak);

/* ---- what methods and sg_orphans share (audit_access.c) ---- */

/*
 * Returns why the current role may not read these rows now (no SELECT, row
 * security, another session's temporary table, recovery), or NULL. whole_row
 * requires every column of the child.
 */
extern FkProblem *audit_access_problem(const FkKey *key, bool whole_row);

/* Like audit_access_problem(), but for the caller, even if another role will read */
extern FkProblem *audit_caller_problem(const FkKey *key, bool whole_row);

/*
 * Returns why a role lacks SELECT on the columns, or with whole_row on the
 * table, or has rows hidden from it; or NULL
 */
extern FkProblem *audit_readable(Oid relid, Oid role, const AttrNumber *columns, int n, bool whole_row);

/*
 * Locks both tables and their partitions in ACCESS SHARE.  Returns NULL, or why
 * they can't be judged.  Without `wait`, *busy gets a table that is locked by
 * others; InvalidOid if all locks were granted.
 */
extern FkProblem *audit_lock(const FkKey *key, bool wait, Oid *busy);

/* Like audit_lock(), for one table; the caller sets *busy to InvalidOid before */
extern FkProblem *audit_lock_rows(Oid relid, bool tree, bool wait, Oid *busy);

/* Pushes the snapshot in which tables are read, as the active one, under the locks; the caller pops it */
extern void audit_push_snapshot(void);

/*
 * Sets *role to the role that reads a key's rows: InvalidOid for the caller, or
 * the child's owner if comparing, printing or planning could run code other
 * than the caller's.  Returns why no role may, or NULL.
 */
extern FkProblem *audit_reading_role(const FkKey *key, bool whole_row, Oid *role);

/*
 * Takes the role that reads a key's rows, and the settings for scans of users'
 * data, until sg_scope_end()
 */
extern void audit_scope_begin(SgScope *scope, const FkKey *key, bool whole_row);
extern bool audit_needs_owner(const FkKey *key, bool whole_row);

/* Returns whether a table of the key, or a partition of one, is foreign */
extern bool audit_key_is_foreign(const FkKey *key);

/* Returns why the key's tables can't be read as relations, or NULL (audit_place.c) */
extern const char *audit_place_problem(const FkKey *key);

/* ---- the trust ledger (audit_proof.c) ---- */

/*
 * Records what a proof about a declared key will rest on.  Called under locks
 * on its tables, before the snapshot is taken in which they are read.
 */
extern void audit_proof_begin(AuditKey *key);

/*
 * Records the verdicts (pass or fail) about the declared keys in a List of
 * AuditKey *, each begun; skips other keys.  Belongs to the caller's
 * transaction; waits for no other one.  Does nothing if the session can't
 * write.  Connects SPI.
 */
extern void audit_proof_record(List *keys);

/*
 * Deletes the proofs of the declared keys of these tables (names), into which
 * the caller's transaction has put rows that no key has seen
 */
extern void audit_proof_forget(List *tables);

/* Registers proofs and marks of subscriptions with sg_prune() */
extern void audit_proof_init(void);

/* ---- methods ---- */

/* Judges a key by a generated query in the active snapshot; parallel: the planner may use workers */
extern void audit_sql(AuditKey *key, int samples, MemoryContext results, bool parallel);

/*
 * Counts the groups of a query, under the role that is set: whether the group's
 * rows are wrong (null: no), their number (bigint), and their key (jsonb).
 */
extern void audit_sql_groups(AuditKey *key, const char *query, int samples, MemoryContext results, bool parallel);

/*
 * Parts of queries about a key's rows, with child and parent as fk and pk: a
 * column by number; a table, with ONLY unless it is partitioned; the key's
 * comparison of both; the condition under which the key applies to a child row.
 */
extern char *audit_sql_column(const char *alias, Oid relid, AttrNumber attnum);
extern void audit_sql_table(StringInfo buf, Oid relid, const char *alias);
extern void audit_sql_match(StringInfo buf, const FkKey *key);
extern void audit_sql_checked(StringInfo buf, const FkKey *key);

/* Returns whether a column of the child is a composite value, or a domain over one */
extern bool audit_sql_is_composite(const FkKey *key);

/*
 * Returns a query for the rows that break the key: row_table (null: the child
 * itself), row_id, key, data; LIMIT $1
 */
extern char *audit_sql_orphans(const FkKey *key);

#endif							/* SG_AUDIT_H */
