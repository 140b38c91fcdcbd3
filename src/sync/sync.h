/*-------------------------------------------------------------------------
 *
 * sync.h
 *	  The SQL that makes one database what another one is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SYNC_H
#define SG_SYNC_H

#include "postgres.h"
#include "utils/jsonb.h"

/* A template with an object's values, or NULL where it does not apply: see sync_template.c */
extern char *sync_fill(const char *template, Jsonb *object);

#endif							/* SG_SYNC_H */
