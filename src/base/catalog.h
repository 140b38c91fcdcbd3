/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  The rows of a catalog, by one column; a relation by its OID; what inherits
 *	  from a table.
 *
 *		SgCatalog	triggers;
 *		HeapTuple	tuple;
 *
 *		sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId,
 *						 Anum_pg_trigger_tgrelid, relid, NULL);
 *		while (HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
 *			...
 *
 * The end closes the catalog; a loop that is left earlier is followed by
 * sg_catalog_end().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CATALOG_H
#define SG_CATALOG_H

#include "postgres.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef struct SgCatalog
{
	Relation	rel;			/* catalog; NULL: closed */
	SysScanDesc scan;
} SgCatalog;

/*
 * Starts a scan of the rows with a value in an OID column, the first one of the
 * index (InvalidOid: read all rows); snapshot NULL: as of now.
 */
extern void sg_catalog_begin(SgCatalog *catalog, Oid relid, Oid index, AttrNumber column, Oid value,
							 Snapshot snapshot);

/* Starts a scan of all rows, unordered */
extern void sg_catalog_begin_all(SgCatalog *catalog, Oid relid);

/*
 * Starts a scan of pg_depend: the dependents of an object, or the objects that
 * it depends on; of one column of it, or of all if subid is 0.
 */
extern void sg_catalog_begin_depend(SgCatalog *catalog, bool dependents, Oid classid, Oid objid, int32 subid);

/*
 * Starts a scan of pg_depend for what an object, or one column of it, depends
 * on, including rows that the running command has written
 */
extern void sg_catalog_begin_depend_now(SgCatalog *catalog, Oid classid, Oid objid, int32 subid);

/* Returns the next row, valid until the next call, or NULL at the end */
extern HeapTuple sg_catalog_next(SgCatalog *catalog);

/* Closes the catalog; no effect if it is closed already */
extern void sg_catalog_end(SgCatalog *catalog);

/* Locks and opens a relation; raises 42P01 if it is gone */
extern Relation sg_relation_open(Oid relid, LOCKMODE mode);

/*
 * Returns a column's expression in pg_attrdef, its default or that of a
 * generated column, or NULL; raises sg_column()'s errors, or 42704.  Takes no
 * lock and keeps no relcache entry: the server raises XX000 when it rebuilds
 * that of a dropped relation, which any catalog look-up may cause.
 */
extern Node *sg_column_default(Oid relid, AttrNumber attnum);

/*
 * Returns whether tables inherit from a relation, or did lately; false if it is
 * gone, of which has_subclass() raises XX000.
 */
extern bool sg_has_subclass(Oid relid);

/*
 * Return the tables that inherit from a relation directly, like
 * find_inheritance_children(), or at any distance with the relation first, like
 * find_all_inheritors(): as of now, without locks.  A dropped relation has
 * none.
 */
extern List *sg_children(Oid relid);
extern List *sg_all_inheritors(Oid relid);

/* Returns the tables OF a composite type, given by its relation, without locks */
extern List *sg_typed_tables(Oid relid);

/* Returns the relations of a schema, without locks */
extern List *sg_relations_in(Oid schema);

/*
 * Returns a table and, if it is partitioned, all its partitions; no other
 * inheriting tables, whose rows keys ignore.
 */
extern List *sg_with_partitions(Oid relid);

/*
 * Returns a number that, with the system identifier, identifies this database.
 * The number changes whenever OIDs say nothing about earlier objects: in a copy, or
 * after pg_restore --clean, which recreates all objects.
 */
extern uint32 sg_database_mark(void);

/*
 * Prefixes of the schemas in which plans keep dropped tables and views, and of
 * dropped columns that are kept
 */
#define SG_ATTIC "schemaguard_attic"
#define SG_DROPPED "_sg_dropped"

/*
 * Returns whether a schema is an attic, by the rule of view schemaguard.attic.
 * A schema of that name that belongs to a role without superuser's privileges
 * does not count: its owner could drop the kept objects.
 */
extern bool sg_is_attic(Oid schema);

#endif							/* SG_CATALOG_H */
