/*-------------------------------------------------------------------------
 *
 * audit_internal.h
 *	  Declarations that the files of the audit engine share.
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
 * Returns a key as an object, {"column": value, ...}, with values as
 * jsonb_build_object() prints them; allocated in `context`. Connects SPI.
 */
extern Jsonb *audit_key_object(const FkKey *key, const Datum *values, const bool *nulls,
							   MemoryContext context);

/* Returns an object of these names, types and values */
extern Jsonb *audit_object(int n, char **names, Oid *types, const Datum *values, const bool *nulls,
						   MemoryContext context);

/* ---- audit_access.c ---- */

/* Returns why nobody can read the table in this session, or NULL */
extern FkProblem *audit_placed(Oid relid);

/* ---- audit_place.c ---- */

/*
 * ATTACH PARTITION does not wait for our locks.  For a consistent view,
 * audit_keep_leaves() lists and locks the leaves of the keys' tables (false:
 * one is locked by others), the caller takes the snapshot, and
 * audit_leaves_stand() returns whether the list is still true.  Readers in that
 * snapshot get the list.
 */
extern bool audit_keep_leaves(List *keys, List **kept);
extern bool audit_leaves_stand(List *kept);

/*
 * Returns a table or index itself, or the leaves of its partitions: as kept, or
 * as of now if they were not kept.
 */
extern List *audit_leaves(Oid relid, List *kept);

/* Likewise; tree: including other inheriting tables, as in audit_spreads() */
extern List *audit_tree_leaves(Oid relid, bool tree, List *kept);
extern bool audit_spreads(Oid relid, bool tree);

/* Returns why a table's rows can't be read as those of relations, or NULL */
extern const char *audit_table_problem(Oid relid, bool tree, List *kept);

/* Like audit_place_problem(), with the kept leaves */
extern const char *audit_leaves_problem(const FkKey *key, List *kept);

/* ---- audit_foreign.c ---- */

/*
 * Set *role to the role that reads the tables of a key or a rule, given the
 * code that could run: as code_role() does, but a foreign table or partition is
 * read as its owner, or not at all.
 */
extern char *audit_key_role(const FkKey *key, CodeReach *reach, Oid *role);
extern char *audit_rule_owner(const AuditKey *ak, CodeReach *reach, Oid *role);

/*
 * Return a key or a rule for each partition of a table with foreign partitions;
 * else it alone.  Called again under the locks.
 */
extern List *audit_key_parts(const FkKey *key);
extern List *audit_rule_parts(const AuditKey *ak);

/*
 * Judges a key or rule with foreign tables by queries, part by part.  Rows that
 * break it make it fail, whatever else could not be read; otherwise unread
 * parts make it unknown.
 */
extern bool audit_is_foreign(const AuditKey *ak);
extern void audit_apart(AuditKey *ak, int samples, MemoryContext results, bool parallel);

/* ---- audit_round.c ---- */

/*
 * Judges keys by reading each of their tables once, or several times if memory
 * requires it, in the active snapshot and under locks that the caller holds;
 * leaves are those that it has kept.  With `probe`, a child's few keys may be
 * looked up in a large parent's index.  Returns the keys that need another
 * method.
 */
extern List *audit_scan(List *keys, List *leaves, int samples, MemoryContext results, bool parallel, bool probe);

/* Returns "index X is corrupt: HOW; rebuild it with ..." */
extern char *audit_index_damage(Oid index, const char *how);

/* ---- audit_yield.c; see audit_yield.h, too ---- */

/* Called when a table is locked, for its indexes, which the batch has not locked yet */
extern void audit_yield_indexes(Oid relid);

/* ---- audit_sql.c ---- */

/*
 * Sets the result of what was counted in this database: a pass becomes unknown
 * for a table with copies elsewhere
 */
extern void audit_sql_judge(AuditKey *key, MemoryContext results);

/* ---- audit_orphans.c: what lists of rows have in common ---- */

/* Raises "WHAT of TABLE can't be listed", with the problem's SQLSTATE */
extern void audit_raise_problem(const FkProblem *problem, const char *what, Oid child);

/*
 * Emits the rows of a query, whose only parameter is max_rows; a null first
 * column means the child.  Returns the number of rows.
 */
extern int64 audit_run_list(SgRowSink *sink, const FkKey *key, const char *query, int64 max_rows);

#endif							/* SG_AUDIT_INTERNAL_H */
