/*-------------------------------------------------------------------------
 *
 * spi.h
 *	  Our own tables, read and written as the owner of the extension.
 *
 * Users hold no right to write schemaguard's tables: every change goes
 * through C code that has checked the caller first.  Inside an owner scope
 * the search_path is pg_catalog alone, so that no object of a user's can
 * capture an operator or a function.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SPI_H
#define SG_SPI_H

#include "postgres.h"
#include "executor/spi.h"
#include "fmgr.h"

#include "base/scope.h"

/*
 * Run a statement as the owner; SPI must be connected.  Its plan is kept for
 * the session: sql is one of a fixed number of texts.  Returns the number of
 * rows processed; raises XX000 unless SPI returns `expected`.
 */
extern uint64 sg_owner_execute(int expected, const char *sql, int nargs,
							   Oid *argtypes, Datum *values, const char *nulls);

/*
 * Connects SPI and runs a statement on functions of ours as the caller; returns
 * the number of rows, which are in SPI_tuptable until sg_caller_finish().
 * Raises XX000 if it can't be run.
 */
extern uint64 sg_caller_execute(SgScope *scope, const char *sql, int nargs, Oid *argtypes, Datum *values, const char *nulls);
extern void sg_caller_finish(SgScope *scope);

/* The plan that is kept for such a text: for a cursor, or for another role's scope */
extern SPIPlanPtr sg_kept_plan(const char *sql, int nargs, Oid *argtypes);

/*
 * Fetches the first column of such a query's only row, in the caller's
 * context: not null, and a varlena, which a name is not.  $1 is `argument`.
 * Returns false if there is no row.
 */
extern bool sg_owner_fetch(const char *sql, const char *argument, Datum *value);

/*
 * Plans a statement now, as it is analysed with the settings in force, and runs
 * it later, which SPI_execute_plan() would analyse again under another
 * search_path.  So what somebody has written means what it meant then, and
 * triggers see the settings in force when it runs, which is once, in the same
 * transaction.  Returns how many rows the statement itself has changed.  SPI is
 * connected all the time.
 */
typedef struct SgPlanned SgPlanned;

extern SgPlanned *sg_spi_plan(const char *sql, int nargs, Oid *argtypes);
extern uint64 sg_spi_run_planned(SgPlanned *planned, ParamListInfo params, DestReceiver *receiver);

/*
 * A receiver for sg_spi_receive(), whose query may be parallel, which a run
 * with a limit may not.  It is given one row after the other.
 */
extern DestReceiver sg_receiver(bool (*receive) (TupleTableSlot *slot, DestReceiver *self));

/*
 * Runs run(arg) with queries that run as the caller but are planned as no role,
 * so that an index which others create at that moment runs none of their code.
 * Queries of a role that was switched to, restricted, are planned as that role.
 * Raises 0A000 if a query reads a foreign table that was planned as no role,
 * and 42704 if its planning asks for current_user.
 */
extern void sg_plan_apart(void (*run) (void *), void *arg);

/* Like sg_plan_apart(), for the queries that are planned while *apart is true */
extern void sg_plan_apart_if(const bool *apart, void (*run) (void *), void *arg);

/* Installs the planner hook that does so, once, when the library is loaded */
extern void sg_plan_apart_init(void);

/*
 * Give the rows of a query, planned once and for these values, and apart, to
 * such a receiver; $1 is `argument` unless that is negative.  `relations` are the
 * OIDs of the users' tables that it names, and no other one is read (meant.h);
 * NIL: it reads our own and the catalogs.
 */
extern void sg_spi_receive(const char *query, const List *relations, int64 argument, bool parallel, DestReceiver *receiver);

/*
 * For procedures that commit: raise 25001, with this detail, where they could
 * not, and 25006 as sg_check_writable; not only at the first COMMIT.
 */
extern void sg_check_procedure(FunctionCallInfo fcinfo, const char *procedure, const char *detail);

/*
 * Raise 25006 on a standby and in a read-only transaction.  A session that is
 * read only by default is a fence, and nothing of ours takes it down.
 */
extern void sg_check_writable(const char *function);

/* The schema that holds our tables, or InvalidOid before CREATE EXTENSION */
extern Oid	sg_schema_oid(void);

/* Columns of the current SPI result, copied into the caller's context */
extern char *sg_spi_text(HeapTuple tuple, TupleDesc desc, const char *column);
extern List *sg_spi_text_array(HeapTuple tuple, TupleDesc desc, const char *column);
extern bool sg_spi_bool(HeapTuple tuple, TupleDesc desc, const char *column);
extern int64 sg_spi_int64(HeapTuple tuple, TupleDesc desc, const char *column);

/* Text datums and arrays of text from C strings (a List of char *) */
extern Datum sg_text_array(List *strings);
extern List *sg_text_array_list(Datum array);	/* NULL elements raise 22004 */

/* An array of int as a list; no element is null */
extern List *sg_int_array_list(Datum array);

#endif							/* SG_SPI_H */
