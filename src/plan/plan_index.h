/*-------------------------------------------------------------------------
 *
 * plan_index.h
 *	  Indexes that the steps of a plan want.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PLAN_INDEX_H
#define SG_PLAN_INDEX_H

#include "postgres.h"

#include "catalog/pg_statistic.h"

#include "base/code.h"
#include "base/disk.h"
#include "fk/fk.h"
#include "plan/plan.h"

/* An index on a child's columns that steps want and this database lacks */
typedef struct PlanIndex
{
	int			step;			/* number of the first step that wants it */
	FkKey	   *key;			/* the key that it serves; NULL: the table
								 * does not exist, or the columns are yet to
								 * be added */
	char	   *table;			/* qualified, as the index' name is */
	char	   *columns;
	char	   *name;
	char	   *statement;
	bool		partitioned;	/* built without CONCURRENTLY when all
								 * partitions have theirs */
	char	   *obstacle;		/* why it is not built, because it would not
								 * serve or can't have its name; or NULL */
	char	   *hint;			/* hint for an obstacle that the plan can
								 * remove */
} PlanIndex;

/* Returns the n-th name (from 0) that CREATE INDEX would try for the index of the step's key */
extern char *plan_default_index_name(const PlanStep *step, int n);

/*
 * Returns the first of those names that neither a relation nor another step of
 * the plan has; the step's own index does not count.
 */
extern char *plan_make_index_name(const PlanStep *step);

/*
 * Returns the indexes that some steps (a List of PlanStep *) lack, in the order
 * of their builds; for a partitioned child one for each partition that has
 * none, then the one that joins them.
 */
extern List *plan_missing_indexes(List *steps);

/*
 * Returns whether an index is the one that plan_missing_indexes() would want on
 * these columns, or that a definition (below) makes
 */
extern bool plan_index_is(Oid index, const char *table, const char *columns, bool partitioned);

/*
 * plan_index_is_leftover() returns whether an index is the leftover of an
 * interrupted build of such an index; plan_index_leftovers() returns the deeds
 * (PlanDeed *, plan_deed.h) of all leftovers of a plan.
 */
extern bool plan_index_is_leftover(Oid index, const char *table, const char *columns);
extern List *plan_index_leftovers(const FkPlan *plan);

/*
 * Raises an error if the just created index of a partitioned table is invalid,
 * because the index of a partition is.
 */
extern void plan_index_check_whole(const char *name);

/*
 * Drops the leftovers of a plan that is about to be deleted, each within
 * schemaguard.lock_timeout (an error if that is not enough), and reports those
 * that stay because they are not the caller's.
 */
extern void plan_index_drop_leftovers(const FkPlan *plan);

/* Returns the partitions of a partitioned table that have rows of their own */
extern List *plan_leaves(Oid relid);

/* ---- plan_index_form.c: indexes that are more than a list of columns ---- */

/*
 * Returns a definition, the text of CREATE INDEX without name and table; it can
 * replace the columns of a key's index.
 */
extern char *plan_index_definition(bool unique, const char *rest);

/*
 * Return the index that a step's text defines, and whether it defines one; the
 * text may begin with UNIQUE
 */
extern char *plan_index_written(const char *text);
extern bool plan_index_is_definition(const char *text);

/* Returns the parsed statement, with made-up names */
extern IndexStmt *plan_index_parse(const char *definition);

/* Returns the part of an index's generated name that its definition gives */
extern char *plan_index_name_part(const char *definition);

/* Returns the columns of a definition; plain: it has nothing else, and no WHERE */
extern List *plan_index_columns(const char *definition, bool *unique, bool *plain, bool *nulls_equal);
extern char *plan_index_statement(const char *definition, const char *name, const char *table, bool concurrently);

/* Adds the types as which literals in the expressions of an index are read */
extern void plan_index_literals(const IndexStmt *statement, CodeReach *reach);

/* Returns why the caller must not have the server analyse CREATE INDEX, as one line, or NULL */
extern const char *plan_index_refusal(const char *statement);

/* Returns why names in a CREATE INDEX lead to code that `owner`, of the table, does not trust, or NULL */
extern char *plan_index_code_refusal(const char *statement, Oid owner);

/*
 * Called in the transaction in which CREATE INDEX with expressions begins,
 * before it: locks the table, and holds the names of its schema and of the
 * types in the statement; raises 42501 if plan_index_code_refusal() gives a
 * reason.  Other statements are left alone.
 */
extern void plan_index_hold(const char *statement);

/* Returns why a table can't have such an index, or NULL; adds the code that it could run to reach */
extern ErrorData *plan_index_try(Oid table, const char *definition, CodeReach *reach);

/* Returns whether the index has that definition */
extern bool plan_index_is_defined(Oid index, Oid table, const char *definition);

/* Returns whether the index has that definition except for the tablespace */
extern bool plan_index_is_moved(Oid index, Oid table, const char *definition);

/*
 * Returns a valid index of the table with that definition, or InvalidOid; of
 * that name, or of any if NULL; indexes of constraints, and parts of a
 * partitioned table's, only if wanted.
 */
extern Oid	plan_index_like(Oid table, const char *definition, const char *name, bool constraints, bool inherited);

/* ---- plan_index_size.c: how large indexes become ---- */

/* Assumed bytes of a row of a table without statistics */
#define PLAN_UNKNOWN_ROW 82

/* Bytes of an index, and of the temporary files of its sort */
typedef struct PlanIndexSize
{
	double		bytes;
	double		temporary;
	bool		most;			/* an upper bound: the index may compress
								 * values that the table has as they are */
} PlanIndexSize;

/*
 * Returns the size of a btree on columns of a table with so many rows and
 * blocks; column 0 stands for an expression
 */
extern PlanIndexSize plan_index_size(Oid table, double rows, double blocks, const AttrNumber *attnums, int n);

/*
 * Finds the size of an index by its CREATE INDEX, for all rows, whatever its
 * WHERE; returns false if it is a guess: neither btree nor hash.
 */
extern bool plan_index_statement_size(Oid table, double rows, double blocks, const IndexStmt *stmt, PlanIndexSize *size);

/*
 * Finds the room that the build of an index by CREATE INDEX takes, and where.
 * Returns false if unknown: neither btree nor hash, a WHERE, values that the
 * index may compress, or a table that another session has locked or dropped.
 */
extern bool plan_index_use(Oid table, const char *statement, SgDiskUse *use);

/* Returns the average bytes of a column's values; 0 if unknown */
extern int	plan_column_width(Oid relid, AttrNumber attnum);

/* Reads the statistics of a column; returns false if there are none */
extern bool plan_column_statistics(Oid relid, AttrNumber attnum, FormData_pg_statistic *form);

#endif							/* SG_PLAN_INDEX_H */
