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
	AUDIT_UNKNOWN,				/* could not be judged: see reason */
	AUDIT_PASS,
	AUDIT_FAIL,
	AUDIT_SKIPPED
} AuditResult;

/* Where a key or a rule is from */
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
	int64		orphan_pages;	/* of the child that may have these; 0: not
								 * known */
	int64		orphan_keys;
	int64		partial_rows;	/* orphans whose composites have a null */
	List	   *sample;			/* of Jsonb *, one object per key */
	double		elapsed_ms;

	/* what a proof is about: audit_proof_begin() */
	FkFingerprint fingerprint;
	TimestampTz judged_at;
	XLogRecPtr	judged_lsn;
	char	   *damage;			/* of an index, as a reason; it is not asked
								 * again */
	Oid			asked;			/* the index whose reading raised an error */
	bool		raised;			/* it was a rule's condition that raised an
								 * error */
	Oid			waits_for;		/* a table that somebody else has locked */
	int			yields;			/* how often it gave way */
} AuditKey;

typedef struct AuditTable
{
	Oid			child;
	List	   *keys;			/* of AuditKey * */
	int			samples;		/* how many orphan keys to keep per key */
	MemoryContext results;		/* where reasons and samples are put */
} AuditTable;

/*
 * Judge all keys of some tables.  Never raises an error for what a key's
 * tables or rows are like: such a key is AUDIT_UNKNOWN, with the reason.
 * Cancels, and on a standby every error of a scan, go through.
 *
 * Small tables that follow each other are read together, in one snapshot, and
 * share what is read of their parents.  `judged`, if given, is called with
 * arg after each such batch, outside of its locks.
 *
 * Locks: ACCESS SHARE on child, parent and their partitions, released with
 * the subtransaction that held them (on a standby: with the transaction).
 */
typedef void (*AuditJudged) (List *keys, void *arg);

/*
 * The way in which an audit treats sessions that wait for ACCESS EXCLUSIVE on its
 * tables for longer than schemaguard.lock_timeout, on a primary and unless
 * schemaguard.audit_yield is off
 */
typedef enum AuditYield
{
	AUDIT_HOLDS,				/* nothing: it belongs to a deed */
	AUDIT_YIELDS,				/* gives way: keys of the table stay unknown */
	AUDIT_COMES_BACK			/* gives way three times, and judges those
								 * keys at the end */
} AuditYield;

extern void audit_tables(List *tables, AuditYield yield, AuditJudged judged, void *arg);
extern void audit_table(AuditTable *table);

/* Tables that are read in one snapshot hold at most 1 GB together, unless one table is larger */
#define AUDIT_BATCH_PAGES (1024 * 1024 / (BLCKSZ / 1024))
#define AUDIT_BATCH_KEYS 300

/*
 * Pages of a table, if it can be looked at without waiting; else as many as
 * make it a batch of its own.
 */
extern int64 audit_pages(Oid relid);

/*
 * Judge the keys of some tables as one such batch, and wait for nobody: a key
 * of which somebody else has locked a table stays AUDIT_UNKNOWN.
 */
extern void audit_tables_at_once(List *tables);

/*
 * Judge the keys of one child in the active snapshot, under locks that the
 * caller holds and after the caller has checked the access; reads tables
 * only, no index.  No subtransaction: errors go through.
 */
extern void audit_table_locked(AuditTable *table);

/* A key for audit_table, from facts */
extern AuditKey *audit_key_new(const FkKey *key, AuditSource source, FkState state);
extern const char *audit_source_word(AuditSource source);
extern const char *audit_result_word(AuditResult result);

/* The sample as one array of objects, null where there is none */
extern void audit_sink_sample(SgRowSink *sink, const AuditKey *ak);

/* ---- what methods and sg_orphans share (audit_access.c) ---- */

/*
 * Why the current role may not read these rows here and now (no SELECT, row
 * security, another session's temporary table, recovery), or NULL.  whole_row
 * asks for every column of the child.
 */
extern FkProblem *audit_access_problem(const FkKey *key, bool whole_row);

/* Like audit_access_problem(), but for the caller, whoever reads in the end */
extern FkProblem *audit_caller_problem(const FkKey *key, bool whole_row);

/* Has a role SELECT on the columns, or on the table as a whole, and is no row hidden from it? */
extern FkProblem *audit_readable(Oid relid, Oid role, const AttrNumber *columns, int n, bool whole_row);

/*
 * Lock both tables and their partitions, ACCESS SHARE.  Returns NULL, or why
 * they can't be judged.  Unless `wait`, *busy is a table whose lock is not to
 * be had now; InvalidOid when all are locked.
 */
extern FkProblem *audit_lock(const FkKey *key, bool wait, Oid *busy);

/* As audit_lock, for one table; *busy is InvalidOid before */
extern FkProblem *audit_lock_rows(Oid relid, bool tree, bool wait, Oid *busy);

/* Format of the query for who has locked *busy; takes its name as a literal */
#define AUDIT_LOCKED_BY "SELECT pid, mode, granted, usename, query FROM pg_locks JOIN pg_stat_activity USING (pid)" \
	" WHERE relation = %s::regclass;"

/* Under the locks: make the snapshot to read tables in the active one; pop it */
extern void audit_push_snapshot(void);

/*
 * As whom the rows of a key are to be read: *role is InvalidOid for the
 * caller, or the child's owner where comparing, printing or planning could
 * run code that is not the caller's.  Returns why nobody may, or NULL.
 */
extern FkProblem *audit_reading_role(const FkKey *key, bool whole_row, Oid *role);

/* Takes the role that reads the key's rows, and the settings for scans of user data; sg_scope_end() ends that */
extern void audit_scope_begin(SgScope *scope, const FkKey *key, bool whole_row);
extern bool audit_needs_owner(const FkKey *key, bool whole_row);

/* Is a table of the key foreign, or a partition of one? */
extern bool audit_key_is_foreign(const FkKey *key);

/* Why the key's tables can't be read as relations, or NULL (audit_place.c) */
extern const char *audit_place_problem(const FkKey *key);

/* ---- the trust ledger (audit_proof.c) ---- */

/*
 * Note what a proof about a declared key will rest on.  To be called under
 * locks on its tables, before the snapshot is taken in which they are read.
 */
extern void audit_proof_begin(AuditKey *key);

/*
 * Put the verdicts, pass or fail, about declared keys on record (a List of
 * AuditKey *, each begun); other keys are passed over.  Part of the caller's
 * transaction; never waits for another one.  Does nothing where nothing can
 * be written.  Connects SPI.
 */
extern void audit_proof_record(List *keys);

/* sg_prune() asks for them, and for the marks of subscriptions, too */
extern void audit_proof_init(void);

/* ---- methods ---- */

/* Judges a key by a generated query in the active snapshot; parallel: the planner may use workers */
extern void audit_sql(AuditKey *key, int samples, MemoryContext results, bool parallel);

/*
 * Count what a query groups, in the scope that is open: whether the rows are
 * wrong (null: no), how many (bigint), and a key of theirs (jsonb).
 */
extern void audit_sql_groups(AuditKey *key, const char *query, int samples, MemoryContext results, bool parallel);

/*
 * Parts of queries about a key's rows, with child and parent as fk and pk: a
 * column by number; a table, with ONLY unless it is partitioned; the key's
 * comparison of both; the condition under which the key looks at a child row
 * at all.
 */
extern char *audit_sql_column(const char *alias, Oid relid, AttrNumber attnum);
extern void audit_sql_table(StringInfo buf, Oid relid, const char *alias);
extern void audit_sql_match(StringInfo buf, const FkKey *key);
extern void audit_sql_checked(StringInfo buf, const FkKey *key);

/* Is a column of the child a composite value, or a domain over one? */
extern bool audit_sql_is_composite(const FkKey *key);

/*
 * A query for the rows that break the key: row_table (null: the child itself),
 * row_id, key, data; LIMIT $1
 */
extern char *audit_sql_orphans(const FkKey *key);

#endif							/* SG_AUDIT_H */
