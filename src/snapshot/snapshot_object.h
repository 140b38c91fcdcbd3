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
 * Names (of char *), each quoted where it has to be, joined by dots.  The
 * setting quote_all_identifiers has no say.
 */
extern char *snapshot_join_names(List *names);

/*
 * The identity of an object, or NULL when it is gone.  The caller has turned
 * quote_all_identifiers off.
 */
extern char *snapshot_object_identity(const ObjectAddress *object);

/* Does an identity lead into a schema of temporary objects? */
extern bool snapshot_identity_is_temporary(const char *identity);

#endif							/* SG_SNAPSHOT_OBJECT_H */
