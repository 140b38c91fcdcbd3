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
	Relation	rel;			/* NULL when it is closed */
	SysScanDesc scan;
} SgCatalog;

/*
 * The rows in which an OID column, the first one of the index (InvalidOid: all
 * are read), has the value; snapshot NULL: as they are now.
 */
extern void sg_catalog_begin(SgCatalog *catalog, Oid relid, Oid index, AttrNumber column, Oid value,
							 Snapshot snapshot);

/* All rows, in no order */
extern void sg_catalog_begin_all(SgCatalog *catalog, Oid relid);

/*
 * Rows of pg_depend: what depends on an object, or what it depends on; one
 * column of it, or subid 0: all.
 */
extern void sg_catalog_begin_depend(SgCatalog *catalog, bool dependents, Oid classid, Oid objid, int32 subid);

/* Rows of pg_depend for what an object, or one column of it, depends on: also those that the command which runs now has written */
extern void sg_catalog_begin_depend_now(SgCatalog *catalog, Oid classid, Oid objid, int32 subid);

/* A row that is valid until the next call, or NULL */
extern HeapTuple sg_catalog_next(SgCatalog *catalog);

/* Does nothing when it is closed already */
extern void sg_catalog_end(SgCatalog *catalog);

/* Locks and opens a relation; raises 42P01 if it is gone */
extern Relation sg_relation_open(Oid relid, LOCKMODE mode);

/*
 * Returns what pg_attrdef has for a column, its default or what it is generated
 * from, or NULL; raises as sg_column(), or 42704.  Takes no lock and keeps no
 * relcache entry: the server raises XX000 when it reads that of a dropped
 * relation anew, which any look into the catalogs may bring about.
 */
extern Node *sg_column_default(Oid relid, AttrNumber attnum);

/*
 * Returns whether tables inherit from a relation, or did lately; false if it is
 * gone, of which has_subclass() raises XX000.
 */
extern bool sg_has_subclass(Oid relid);

/*
 * Returns what inherits from a relation directly, as find_inheritance_children()
 * does, or at any distance, the relation first, as find_all_inheritors() does:
 * as of now, none of them locked.  One that is gone has none.
 */
extern List *sg_children(Oid relid);
extern List *sg_all_inheritors(Oid relid);

/* Returns the tables OF a composite type, by the relation of that, none of them locked */
extern List *sg_typed_tables(Oid relid);

/* Returns the relations of a schema, none of them locked */
extern List *sg_relations_in(Oid schema);

/*
 * Returns a table and, if it is partitioned, all its partitions.  Not what
 * merely inherits: no key knows these rows.
 */
extern List *sg_with_partitions(Oid relid);

/*
 * Returns a number for this database on its server, beside the system identifier: that
 * of another one where OIDs say nothing of what was there before, as in a copy, or
 * after pg_restore --clean, which makes all objects anew
 */
extern uint32 sg_database_mark(void);

/* How the schemas begin where plans keep the tables and views that they drop, and how columns that they drop begin */
#define SG_ATTIC "schemaguard_attic"
#define SG_DROPPED "_sg_dropped"

/* Is it one of these schemas?  One that a role without superuser's rights owns only has the name: its owner could drop what is kept there. */
extern bool sg_is_attic(Oid schema);

#endif							/* SG_CATALOG_H */
