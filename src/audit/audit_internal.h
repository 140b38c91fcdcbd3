/*-------------------------------------------------------------------------
 *
 * audit_internal.h
 *	  What the files of the audit engine share among themselves.
 *
 * The scan method in three steps, each in its file:
 *
 *	  audit_set.c	 the keys of a parent, read once, as a set to look up
 *	  audit_scan.c	 the rows of a child, read once, against all its sets
 *	  audit_round.c	 which sets fit into memory together, and how often to read
 *
 * beside them the rules that are judged with the keys (audit_rule.c, what they
 * are; audit_rule_parse.c, audit_rule_scan.c, audit_rule_sql.c), and
 * below them audit_codec.c (a key as bytes, its hash and its equality),
 * audit_probe.c (a key looked up in the parent's index instead of a set),
 * audit_distinct.c (distinct orphan keys, in bounded memory) and
 * audit_parallel.c (memory that workers share, and the workers).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_INTERNAL_H
#define SG_AUDIT_INTERNAL_H

#include "postgres.h"
#include "utils/jsonb.h"

#include "audit/audit.h"

/* ---- audit_sample.c ---- */

/*
 * A key as an object, {"column": value, ...}, as jsonb_build_object prints
 * the values; allocated in `context`.  Connects SPI.
 */
extern Jsonb *audit_key_object(const FkKey *key, const Datum *values, const bool *nulls,
							   MemoryContext context);

/* Returns an object of those names, types and values */
extern Jsonb *audit_object(int n, char **names, Oid *types, const Datum *values, const bool *nulls,
						   MemoryContext context);

/* ---- audit_access.c ---- */

/* Returns the reason why nobody can read the table in this session, or NULL */
extern FkProblem *audit_placed(Oid relid);

/* ---- audit_place.c ---- */

/*
 * ATTACH PARTITION does not wait for our locks.  So that all that is read
 * belongs to one moment, the leaves of the keys' tables are listed and locked
 * (false: one can't be), the snapshot is taken, and the list is looked at
 * again; it goes to whoever reads in that snapshot.
 */
extern bool audit_keep_leaves(List *keys, List **kept);
extern bool audit_leaves_stand(List *kept);

/*
 * A table or index itself, or the leaves of its partitions: as they were kept,
 * or as they are now, where they are not.
 */
extern List *audit_leaves(Oid relid, List *kept);

/* tree: all that inherits from it, too, as in audit_spreads */
extern List *audit_tree_leaves(Oid relid, bool tree, List *kept);
extern bool audit_spreads(Oid relid, bool tree);

/* Why a table's rows can't be read as those of relations, or NULL */
extern const char *audit_table_problem(Oid relid, bool tree, List *kept);

/* audit_place_problem with the leaves that were kept */
extern const char *audit_leaves_problem(const FkKey *key, List *kept);

/* ---- audit_foreign.c ---- */

/*
 * As whom the tables of a key or a rule are read, given what that could run:
 * as code_role() says, but where a table or partition is foreign, always as
 * the owner of that, or by nobody.
 */
extern char *audit_key_role(const FkKey *key, CodeReach *reach, Oid *role);
extern char *audit_rule_owner(const AuditKey *ak, CodeReach *reach, Oid *role);

/*
 * A key or a rule for each partition of a table that has foreign ones; else
 * itself alone.  To be called again under the locks.
 */
extern List *audit_key_parts(const FkKey *key);
extern List *audit_rule_parts(const AuditKey *ak);

/*
 * Judges such a key or rule by queries, part by part.  Rows that break it are a
 * fail, whatever could not be read; else what could not be read is unknown.
 */
extern bool audit_is_foreign(const AuditKey *ak);
extern void audit_apart(AuditKey *ak, int samples, MemoryContext results, bool parallel);

/* ---- audit_round.c ---- */

/*
 * Judge keys by reading each of their tables once or, beyond the memory,
 * several times, in the active snapshot and under locks that the caller
 * holds; leaves are those that it has kept.  With `probe`, the index of a
 * large parent may be asked for a child's few keys.  Returns those that need
 * another method.
 */
extern List *audit_scan(List *keys, List *leaves, int samples, MemoryContext results, bool parallel, bool probe);

/* "index X is corrupt: HOW; rebuild it with ..." */
extern char *audit_index_damage(Oid index, const char *how);

/* ---- audit_yield.c; see audit_yield.h, too ---- */

/* To be called before a table or index is locked: one that the transaction has locked already is not given up */
extern void audit_yield_lock(Oid relid);

/* To be called when a table is locked, for its indexes, none of which the batch has locked yet */
extern void audit_yield_indexes(Oid relid);

/* ---- audit_sql.c ---- */

/* The result of what was counted in this database: that of a table with copies elsewhere is unknown where it would pass */
extern void audit_sql_judge(AuditKey *key, MemoryContext results);

/* ---- audit_orphans.c: what lists of rows have in common ---- */

/* "WHAT of TABLE can't be listed", with its SQLSTATE */
extern void audit_raise_problem(const FkProblem *problem, const char *what, Oid child);

/*
 * Run a query, whose only parameter is max_rows, into the sink; a null first
 * column is the child.  Returns the number of rows.
 */
extern int64 audit_run_list(SgRowSink *sink, const FkKey *key, const char *query, int64 max_rows);

#endif							/* SG_AUDIT_INTERNAL_H */
