/*-------------------------------------------------------------------------
 *
 * snapshot_object.h
 *	  Objects by kind and identity, in the words and the spelling that
 *	  snapshots use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SNAPSHOT_OBJECT_H
#define SG_SNAPSHOT_OBJECT_H

#include "postgres.h"
#include "catalog/objectaddress.h"
#include "nodes/pg_list.h"

/*
 * Return the kind of an object, from core's description of its type ("table
 * column" is a column, "foreign table" a table) or from its address.
 */
extern const char *snapshot_kind_of_description(const char *description);
extern char *snapshot_object_kind(const ObjectAddress *object);

/* Returns whether the identity of such objects is their table, a dot, and a name */
extern bool snapshot_object_has_table(Oid classid);

/*
 * Joins names (char *) by dots, each quoted by snapshot_quote()
 */
extern char *snapshot_join_names(List *names);

/*
 * Returns the identity of an object, or NULL if it was dropped.  The caller has
 * turned quote_all_identifiers off.
 */
extern char *snapshot_object_identity(const ObjectAddress *object);

/*
 * Returns the identity of a dropped object from core's report: its identity,
 * names and arguments (char *)
 */
extern char *snapshot_identity_of_parts(Oid classid, char *core, List *names, List *arguments);

/* Returns the identity of default privileges; objects: TABLES and the like, schema: NULL for those of the database */
extern char *snapshot_default_privilege_identity(const char *role, const char *schema, const char *objects);

/* Returns whether an identity is in a schema of temporary objects */
extern bool snapshot_identity_is_temporary(const char *identity);

#endif							/* SG_SNAPSHOT_OBJECT_H */
