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

/* A parent of more partitions is read */
#define AUDIT_PROBE_LEAVES 16

/* A table, the parent itself or a partition of it, and its index */
typedef struct AuditProbeLeaf
{
	Oid			table;
	Oid			index;
} AuditProbeLeaf;

/*
 * Finds and locks the indexes that answer for all rows of a parent in the active
 * snapshot.  Returns their number; 0 where there are too many, or one is
 * locked by others or does not compare as the key does, or where any code but
 * the server's own could run.
 */
extern int	audit_probe_leaves(const FkKey *key, List *kept, AuditProbeLeaf *leaves);

typedef struct AuditProbe AuditProbe;

/*
 * The leaves are those of audit_probe_leaves().  Answers are remembered in so
 * many bytes.  *asking is the index that is read, while it is read.
 */
extern AuditProbe *audit_probe_begin(const FkKey *key, const AuditCodec *codec, const AuditProbeLeaf *leaves, int nleaves,
									 Size memory, Oid *asking);

/* Do the indexes lead to a row of this key?  *asked: it was not remembered, so they were asked. */
extern bool audit_probe_has(AuditProbe *probe, const AuditBytes *key, bool *asked);
extern void audit_probe_end(AuditProbe *probe);

#endif							/* SG_AUDIT_PROBE_H */
