/*-------------------------------------------------------------------------
 *
 * audit_internal.h
 *	  What the files of the audit engine share among themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_INTERNAL_H
#define SG_AUDIT_INTERNAL_H

#include "postgres.h"
#include "utils/jsonb.h"

#include "audit.h"

/* ---- audit_sample.c ---- */

/*
 * A key as an object, {"column": value, ...}, as jsonb_build_object prints
 * the values; allocated in `context`.  Connects SPI.
 */
extern Jsonb *audit_key_object(const FkKey *key, const Datum *values, const bool *nulls,
							   MemoryContext context);

#endif							/* SG_AUDIT_INTERNAL_H */
