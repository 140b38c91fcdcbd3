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
extern const char *drift_kind(const char *description);
extern char *drift_kind_of(const ObjectAddress *object);

/* Are objects of this kind spelled as their table, a dot, and a name? */
extern bool drift_has_table(Oid classid);

/*
 * Names (of char *), each quoted where it has to be, joined by dots.  The
 * setting quote_all_identifiers has no say.
 */
extern char *drift_join_names(List *names);

/*
 * The identity of an object, or NULL when it is gone.  The caller has turned
 * quote_all_identifiers off.
 */
extern char *drift_identity(const ObjectAddress *object);

/* Does an identity lead into a schema of temporary objects? */
extern bool drift_is_temporary(const char *identity);

#endif							/* SG_SNAPSHOT_OBJECT_H */
