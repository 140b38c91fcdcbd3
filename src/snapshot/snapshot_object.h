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
 * The kind of an object from core's description of its type: "table column"
 * is a column, "foreign table" a table.
 */
extern const char *snapshot_kind_of_description(const char *description);
extern char *snapshot_object_kind(const ObjectAddress *object);

/* Are objects of this kind spelled as their table, a dot, and a name? */
extern bool snapshot_object_has_table(Oid classid);

/*
 * Names (of char *), each quoted as snapshot_quote() does, joined by dots
 */
extern char *snapshot_join_names(List *names);

/*
 * The identity of an object, or NULL when it is gone.  The caller has turned
 * quote_all_identifiers off.
 */
extern char *snapshot_object_identity(const ObjectAddress *object);

/*
 * Returns the identity of an object that is gone, from what core reports of
 * it: its identity, names and arguments (of char *)
 */
extern char *snapshot_identity_of_parts(Oid classid, char *core, List *names, List *arguments);

/* Returns the identity of default privileges; objects: TABLES and the like, schema: NULL for those of the database */
extern char *snapshot_default_privilege_identity(const char *role, const char *schema, const char *objects);

/* Does an identity lead into a schema of temporary objects? */
extern bool snapshot_identity_is_temporary(const char *identity);

#endif							/* SG_SNAPSHOT_OBJECT_H */
