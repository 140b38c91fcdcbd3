/*-------------------------------------------------------------------------
 *
 * hold.h
 *	  Names of schemas and types that stay what they are while a deed is done.
 *
 * ALTER ... RENAME and SET SCHEMA take no lock on a schema or a type, only on its
 * row of the catalog.  So that row is locked, as FOR KEY SHARE does it, until the
 * (sub)transaction ends: GRANT and a change of the owner are not held up.  What
 * belongs to superusers is left alone, and nothing is locked on a standby or in a
 * read-only transaction.  Nothing waits: 55P03 where somebody renames it now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_HOLD_H
#define SG_HOLD_H

#include "postgres.h"

extern void sg_hold_schema(Oid schema);

/* Holds the names of a type and of its schema */
extern void sg_hold_type(Oid type);

#endif							/* SG_HOLD_H */
