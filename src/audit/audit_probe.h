/*-------------------------------------------------------------------------
 *
 * audit_probe.h
 *	  Keys of a child looked up in the parent's unique index (audit_probe.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_PROBE_H
#define SG_AUDIT_PROBE_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "audit/audit_codec.h"

/* Maximum number of partitions of a parent whose indexes are used; otherwise it is read */
#define AUDIT_PROBE_LEAVES 16

/* The parent itself or a partition of it, and its index */
typedef struct AuditProbeLeaf
{
	Oid			table;
	Oid			index;
} AuditProbeLeaf;

/*
 * Finds and locks the indexes that cover all rows of a parent in the active
 * snapshot.  Returns their number; 0 if there are too many, if one is locked by
 * others or compares otherwise than the key, or if code other than the server's
 * own could run.
 */
extern int	audit_probe_leaves(const FkKey *key, List *kept, AuditProbeLeaf *leaves);

typedef struct AuditProbe AuditProbe;

/*
 * Starts look-ups in the leaves of audit_probe_leaves().  Answers are cached in
 * `memory` bytes. *asking is the index while it is read.
 */
extern AuditProbe *audit_probe_begin(const FkKey *key, const AuditCodec *codec, const AuditProbeLeaf *leaves, int nleaves,
									 Size memory, Oid *asking);

/* Returns whether the indexes lead to a row of this key; *asked: the answer was not cached. */
extern bool audit_probe_has(AuditProbe *probe, const AuditBytes *key, bool *asked);
extern void audit_probe_end(AuditProbe *probe);

#endif							/* SG_AUDIT_PROBE_H */
