/*-------------------------------------------------------------------------
 *
 * nametable.c
 *	  A hash table of entries with a name, or with two words such as a kind
 *	  and a name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "base/nametable.h"

static inline uint32
hash_name(SgNameKey key)
{
	return hash_combine(hash_bytes((const unsigned char *) key.name, strlen(key.name)),
						hash_bytes((const unsigned char *) key.kind, strlen(key.kind)));
}

static inline bool
same_name(SgNameKey a, SgNameKey b)
{
	return strcmp(a.kind, b.kind) == 0 && strcmp(a.name, b.name) == 0;
}

#define SH_PREFIX names
#define SH_ELEMENT_TYPE SgNameEntry
#define SH_KEY_TYPE SgNameKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_name(key)
#define SH_EQUAL(table, a, b) same_name(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

SgNameTable *
sg_names_create(MemoryContext context)
{
	return names_create(context, 128, NULL);
}

void
sg_names_destroy(SgNameTable *table)
{
	names_destroy(table);
}

SgNameEntry *
sg_names_enter(SgNameTable *table, const char *kind, const char *name)
{
	SgNameKey	key = {kind, name};
	bool		found;
	SgNameEntry *entry = names_insert(table, key, &found);

	if (!found)
		entry->value = NULL;
	return entry;
}

static SgNameEntry *
find(SgNameTable *table, const char *kind, const char *name)
{
	SgNameKey	key = {kind, name};

	return names_lookup(table, key);
}

bool
sg_names_has(SgNameTable *table, const char *kind, const char *name)
{
	return find(table, kind, name) != NULL;
}

void *
sg_names_value(SgNameTable *table, const char *kind, const char *name)
{
	SgNameEntry *entry = find(table, kind, name);

	return entry ? entry->value : NULL;
}
