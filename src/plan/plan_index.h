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
	int			step;			/* the first that wants it */
	FkKey	   *key;			/* it serves; NULL: the table is not here, or
								 * the columns are yet to be added */
	char	   *table;			/* qualified, as the index' name is */
	char	   *columns;
	char	   *name;
	char	   *statement;
	bool		partitioned;	/* to be made when all partitions have theirs,
								 * not concurrently */
	char	   *obstacle;		/* why it would not serve or can't have its
								 * name, so why it is not made, or NULL */
	char	   *hint;			/* of an obstacle that the plan can mend */
} PlanIndex;

/* The n-th name (from 0) that CREATE INDEX would try for the index of the step's key */
extern char *plan_default_index_name(const PlanStep *step, int n);

/*
 * Returns the first of those that neither a relation nor another step of the
 * plan has, but for the very index that the step wants.
 */
extern char *plan_make_index_name(const PlanStep *step);

/*
 * The indexes that some steps (a List of PlanStep *) lack, in the order in
 * which they are to be made; for a partitioned child one for each partition
 * that has none, then the one that joins them.
 */
extern List *plan_missing_indexes(List *steps);

/*
 * Is it the index that plan_missing_indexes() would have made on these columns,
 * or that a definition (below) makes?
 */
extern bool plan_index_is(Oid index, const char *table, const char *columns, bool partitioned);

/*
 * Is it what an interrupted build of such an index has left?  And all that a
 * plan's builds have left: their deeds, of PlanDeed * (plan_deed.h).
 */
extern bool plan_index_is_leftover(Oid index, const char *table, const char *columns);
extern List *plan_index_leftovers(const FkPlan *plan);

/*
 * Raises an error where the index of a partitioned table, which has just been
 * made, is invalid, as the server makes it of one of a partition that is.
 */
extern void plan_index_check_whole(const char *name);

/*
 * Drop those for a plan that is about to go, each within
 * schemaguard.lock_timeout (an error where that does not do), and say which
 * ones stay because they are not the caller's.
 */
extern void plan_index_drop_leftovers(const FkPlan *plan);

/* The partitions of a partitioned table that hold rows of their own */
extern List *plan_leaves(Oid relid);

/* ---- plan_index_form.c: indexes that are more than a list of columns ---- */

/*
 * A definition is what CREATE has, but for name and table; where an index of a
 * key has its columns, it stands in place of them.  The statement that it makes.
 */
extern char *plan_index_definition(bool unique, const char *rest);

/* Return the index that a step's text defines, and whether it defines one; the text may begin with UNIQUE */
extern char *plan_index_written(const char *text);
extern bool plan_index_is_definition(const char *text);

/* The statement by the parser, of made-up names */
extern IndexStmt *plan_index_parse(const char *definition);

/* Returns the part of an index's generated name that its definition gives */
extern char *plan_index_name_part(const char *definition);

/* Its columns; plain: it has nothing else, and no WHERE */
extern List *plan_index_columns(const char *definition, bool *unique, bool *plain, bool *nulls_equal);
extern char *plan_index_statement(const char *definition, const char *name, const char *table, bool concurrently);

/* Adds the types as which literals in the expressions of an index are read */
extern void plan_index_literals(const IndexStmt *statement, CodeReach *reach);

/* Returns why the caller must not have the server analyse CREATE INDEX, as one line, or NULL */
extern const char *plan_index_refusal(const char *statement);

/* Returns why names in a CREATE INDEX lead to code that `owner`, of the table, does not trust, or NULL */
extern char *plan_index_code_refusal(const char *statement, Oid owner);

/*
 * In the transaction in which CREATE INDEX with expressions begins, before it: locks
 * the table, and holds its schema and the types that are named; 42501 where that
 * function gives a reason.  Other statements are left alone.
 */
extern void plan_index_hold(const char *statement);

/* Why a table can't have such an index, or NULL; what it could run is added to reach */
extern ErrorData *plan_index_try(Oid table, const char *definition, CodeReach *reach);

/* Has the index that definition? */
extern bool plan_index_is_defined(Oid index, Oid table, const char *definition);

/* Has it, but in another tablespace than the one that is named? */
extern bool plan_index_is_moved(Oid index, Oid table, const char *definition);

/*
 * A valid index of the table with that definition, no part of one of a
 * partitioned table, or InvalidOid; of that name, or of any if that is NULL;
 * of constraints only if they are wanted.
 */
extern Oid	plan_index_like(Oid table, const char *definition, const char *name, bool constraints);

/* ---- plan_index_size.c: how large indexes become ---- */

/* A table without statistics: its rows are taken to have so many bytes */
#define PLAN_UNKNOWN_ROW 82

/* Bytes of an index, and of the files of its sort, which are gone afterwards */
typedef struct PlanIndexSize
{
	double		bytes;
	double		temporary;
} PlanIndexSize;

/* Returns the size of a btree on columns of a table that has so many rows and blocks; 0 stands for an expression */
extern PlanIndexSize plan_index_size(Oid table, double rows, double blocks, const AttrNumber *attnums, int n);

/*
 * Finds the size of an index by its CREATE INDEX, as if it had all rows, whatever
 * its WHERE says; returns false where it is a guess: neither btree nor hash.
 */
extern bool plan_index_statement_size(Oid table, double rows, double blocks, const IndexStmt *stmt, PlanIndexSize *size);

/*
 * Finds how much room the build of an index by CREATE INDEX takes, and where.
 * Returns false where that is not known: neither btree nor hash, a WHERE, a
 * table that somebody has locked or dropped.
 */
extern bool plan_index_use(Oid table, const char *statement, SgDiskUse *use);

/* Returns the bytes of a column's values, on average; 0 where nothing is known */
extern int	plan_column_width(Oid relid, AttrNumber attnum);

/* Reads the statistics of a column; false where there are none */
extern bool plan_column_statistics(Oid relid, AttrNumber attnum, FormData_pg_statistic *form);

#endif							/* SG_PLAN_INDEX_H */
