/*-------------------------------------------------------------------------
 *
 * nametable.h
 *	  Hash tables whose keys are a name, or two words such as a kind and a
 *	  name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_NAMETABLE_H
#define SG_NAMETABLE_H

#include "postgres.h"

typedef struct SgNameKey
{
	const char *kind;
	const char *name;
} SgNameKey;

typedef struct SgNameEntry
{
	SgNameKey	key;			/* key; the texts are not copied */
	void	   *value;			/* NULL in a new entry */
	uint32		hash;
	char		status;			/* used by simplehash */
} SgNameEntry;

typedef struct names_hash SgNameTable;

/* Create an empty table in a memory context, which frees it unless it is destroyed before */
extern SgNameTable *sg_names_create(MemoryContext context);
extern void sg_names_destroy(SgNameTable *table);

/* Returns the entry of a name, creating it if needed; valid until the next one is created */
extern SgNameEntry *sg_names_enter(SgNameTable *table, const char *kind, const char *name);

/* Return whether there is an entry, and its value, NULL if there is none */
extern bool sg_names_has(SgNameTable *table, const char *kind, const char *name);
extern void *sg_names_value(SgNameTable *table, const char *kind, const char *name);

#endif							/* SG_NAMETABLE_H */
