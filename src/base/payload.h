/*-------------------------------------------------------------------------
 *
 * payload.h
 *	  What listeners of a gate or a check are told: a JSON document.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_PAYLOAD_H
#define SG_PAYLOAD_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* A text of at most so many bytes, "..." included, cut between characters */
extern char *sg_clip(const char *text, int length);

/* Members of the object that json has been begun with; a text is clipped, NULL is null */
extern void sg_payload_text(StringInfo json, const char *name, const char *value);
extern void sg_payload_count(StringInfo json, const char *name, int64 value);

/*
 * End the document with as many of the items (char *, JSON) as fit into a
 * NOTIFY; "more" is how many of `total` are not among them.
 */
extern void sg_payload_end(StringInfo json, List *items, int64 total);

#endif							/* SG_PAYLOAD_H */
