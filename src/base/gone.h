/*-------------------------------------------------------------------------
 *
 * gone.h
 *	  Answers of the catalogs about objects that another session may have
 *	  dropped since they were found.
 *
 * An OID that no lock protects may name nothing at the next look.  Functions
 * here either raise, with the SQLSTATE of a missing object, or return "gone"
 * as false or InvalidOid.  Nobody else passes a name from the catalogs on
 * untested; .ci/check-repo finds who does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_GONE_H
#define SG_GONE_H

#include "postgres.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "nodes/pg_list.h"

#include "base/compat.h"

/* Raises "<what> was dropped meanwhile" with the SQLSTATE */
pg_noreturn extern void sg_gone(int sqlstate, const char *what);

/* Returns a relation's own name, or its schema's; raises 42P01 */
extern char *sg_rel_name(Oid relid);
extern char *sg_rel_schema(Oid relid);

/* Returns relpersistence, or '\0' for a dropped relation, for which get_rel_persistence() raises XX000 */
extern char sg_rel_persistence(Oid relid);

/* Returns a schema's name; raises 3F000 */
extern char *sg_schema_name(Oid schema);

/* Returns a function's own name; raises 42883 */
extern char *sg_function_name(Oid function);

/* Returns a collation's own name; raises 42704 */
extern char *sg_collation_name(Oid collation);

/* Returns a role's name, or "(dropped)"; raises nothing */
extern char *sg_role_name(Oid role);

/* Returns a column's name; raises 42P01 or 42703 */
extern char *sg_column_name(Oid relid, AttrNumber attnum);

/*
 * Returns the number of the column with the same name in another relation;
 * raises sg_column_name()'s errors
 */
extern AttrNumber sg_column_in(Oid other, Oid relid, AttrNumber attnum);

/*
 * Calls a function of the server with an object's OID; returns false if it
 * returns null for a dropped object, for which DirectFunctionCall1() raises
 * XX000.
 */
extern bool sg_ask(PGFunction function, Oid object, Datum *answer);

/*
 * Returns whether the current role has a privilege, by the server's
 * has_..._privilege(oid, text); false for a dropped object
 */
extern bool sg_may(PGFunction function, Oid object, const char *privilege);

/* Returns the text of a function that sg_ask() can call, for example pg_get_indexdef(); raises 42704 */
extern char *sg_definition(PGFunction function, Oid object);

/* Returns an expression of a relation as text, by pg_get_expr(); raises 42P01 */
extern char *sg_expression(Datum tree, Oid relid);

/* Copy a row of pg_class or pg_attribute without its nullable columns; return false if there is none */
extern bool sg_read_class(Oid relid, FormData_pg_class *class);
extern bool sg_read_column(Oid relid, AttrNumber attnum, FormData_pg_attribute *column);

/* Like sg_read_column(), but raises as sg_column_name() */
extern FormData_pg_attribute sg_column(Oid relid, AttrNumber attnum);

/*
 * Returns whether a role has the privileges of a relation's owner; false for a
 * dropped relation, for which the server raises an error
 */
extern bool sg_owns_relation(Oid relid, Oid role);

/*
 * Returns the partitioned tables above a table, the nearest first, or NIL.  A
 * partition with a pending DETACH CONCURRENTLY has none.
 */
extern List *sg_partition_ancestors(Oid relid);

/* Returns the tables from which a table inherits, directly or through others, as a partition or a child; some may be gone by now */
extern List *sg_tables_above(Oid relid);

/* Returns whether a table is another one, or a partition of it, at any depth */
extern bool sg_is_within(Oid table, Oid whole);

/* Returns the topmost partitioned table above a table, or the table itself */
extern Oid	sg_partition_root(Oid relid);

/*
 * Returns the nearest partitioned table, or InvalidOid; *leaving: a DETACH
 * CONCURRENTLY from it is pending
 */
extern Oid	sg_partition_parent(Oid relid, bool *leaving);

#endif							/* SG_GONE_H */
