/*-------------------------------------------------------------------------
 *
 * nametable.h
 *	  What is known by a name, or by two words such as a kind and a name.
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
	SgNameKey	key;			/* the texts are not copied */
	void	   *value;			/* NULL in a new entry */
	uint32		hash;
	char		status;			/* of simplehash */
} SgNameEntry;

typedef struct names_hash SgNameTable;

/* An empty table in a memory context, with which it goes, or before */
extern SgNameTable *sg_names_create(MemoryContext context);
extern void sg_names_destroy(SgNameTable *table);

/* The entry of a name, made unless it is there; it is valid until the next is made */
extern SgNameEntry *sg_names_enter(SgNameTable *table, const char *kind, const char *name);

/* Is there one, and what is its value?  NULL where there is none */
extern bool sg_names_has(SgNameTable *table, const char *kind, const char *name);
extern void *sg_names_value(SgNameTable *table, const char *kind, const char *name);

#endif							/* SG_NAMETABLE_H */
