/*-------------------------------------------------------------------------
 *
 * audit_lookup.c
 *	  Looking keys up in a set.
 *
 * Keys come in batches.  Where they would be is worked out for all of a batch
 * before any is compared, so that cache misses overlap.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/audit_codec.h"
#include "audit/audit_set.h"
#include "audit/audit_slot.h"

#if defined(__GNUC__)
#define prefetch(p) __builtin_prefetch(p)
#else
#define prefetch(p) ((void) 0)
#endif

static inline char *
key_at(AuditSetView *view, uint64 slot)
{
	uint64		offset = SLOT_OFFSET(slot);
	int			shift = view->set->chunk_shift - 3;

	return view->chunk[offset >> shift] + ((offset & ((UINT64CONST(1) << shift) - 1)) << 3);
}

/* Returns the first slot from *position on that is empty or has the hash's tag */
static inline uint64
find_tag(AuditSetView *view, uint64 hash, uint64 *position)
{
	uint64		nslots = view->set->nslots;
	uint64		tag = SLOT_TAG(hash);

	for (;;)
	{
		uint64		slot = view->slots[*position];

		if (slot == 0 || (slot & SLOT_TAG_MASK) == tag)
			return slot;
		if (++*position == nslots)
			*position = 0;
	}
}

static void
probe_bits(AuditSetView *view, const uint64 *packed, int n, bool *found)
{
	const uint64 *bits = view->bits;
	uint64		nbits = view->set->nbits;

	for (int i = 0; i < n; i++)
		found[i] = packed[i] < nbits && (bits[packed[i] / 64] >> (packed[i] % 64)) & 1;
}

/*
 * Looks up keys that are in their slots: first their positions, then their
 * contents, so that cache misses overlap.  Inlined for each number of words, so
 * that the loops over them are unrolled.
 */
static pg_attribute_always_inline void
probe_slots_of(AuditSetView *view, const uint64 *words, int n, bool *found, int nwords)
{
	const uint64 *taken = view->slots;
	const uint64 *keys = slot_keys(view);
	uint64		nslots = view->set->nslots;
	uint32		position[AUDIT_BATCH];

	for (int i = 0; i < n; i++)
	{
		uint64		hash = audit_hash_words(words + i * nwords, nwords, view->seed);

		position[i] = ((hash >> 32) * nslots) >> 32;
		prefetch(&keys[(Size) position[i] * nwords]);
	}
	for (int i = 0; i < n; i++)
	{
		const uint64 *key = words + i * nwords;
		Size		at = position[i];

		found[i] = false;
		while ((taken[at / 64] >> (at % 64)) & 1)
		{
			const uint64 *member = keys + at * nwords;
			uint64		difference = 0;

			for (int w = 0; w < nwords; w++)
				difference |= member[w] ^ key[w];
			if (difference == 0)
			{
				found[i] = true;
				break;
			}
			if (++at == nslots)
				at = 0;
		}
	}
}

static void
probe_slots(AuditSetView *view, const uint64 *words, int n, bool *found)
{
	switch (view->set->slot_words)
	{
		case 1:
			probe_slots_of(view, words, n, found, 1);
			break;
		case 2:
			probe_slots_of(view, words, n, found, 2);
			break;
		default:
			probe_slots_of(view, words, n, found, view->set->slot_words);
	}
}

static inline bool
is_member(AuditSetView *view, AuditCodec *codec, char *member, const AuditBytes *key, uint64 hash)
{
	uint64		header;

	if (codec->shape == SHAPE_WORDS)
		return memcmp(member, key->data, key->len) == 0;
	memcpy(&header, member, HEADER_SIZE);
	if (codec->shape == SHAPE_BYTES)
		return header == key->len && memcmp(member + HEADER_SIZE, key->data, key->len) == 0;
	if (header != hash)
		return false;
	member += HEADER_SIZE;
	return view->set->of_child ? audit_equal_datums(codec, key->data, member) :
		audit_equal_datums(codec, member, key->data);
}

/*
 * Looks up keys by slots that refer to chunks, in three loops: positions of
 * slots, positions of keys, contents
 */
static void
probe_pointers(AuditSetView *view, AuditCodec *codec, const AuditBytes *keys,
			   const uint64 *hash, int n, bool *found)
{
	uint64		position[AUDIT_BATCH];

	for (int i = 0; i < n; i++)
	{
		position[i] = slot_position(view->set, hash[i]);
		prefetch(&view->slots[position[i]]);
	}
	for (int i = 0; i < n; i++)
	{
		uint64		slot = find_tag(view, hash[i], &position[i]);

		if (slot)
			prefetch(key_at(view, slot));
	}
	for (int i = 0; i < n; i++)
	{
		uint64		slot;

		found[i] = false;
		while ((slot = find_tag(view, hash[i], &position[i])) != 0)
		{
			if (is_member(view, codec, key_at(view, slot), &keys[i], hash[i]))
			{
				found[i] = true;
				break;
			}
			next_position(view, &position[i]);
		}
	}
}

void
audit_set_probe_words(AuditSetView *view, const uint64 *words, int n, bool *found)
{
	int			nwords = view->codec->nwords;
	AuditBytes	keys[AUDIT_BATCH];
	uint64		hash[AUDIT_BATCH];	/* or the packed keys */

	if (view->set->nkeys == 0)
	{
		memset(found, false, n * sizeof(bool));
		return;
	}
	if (view->set->packed)
	{
		if (nwords == 1)
		{
			uint64		least = view->set->least[0];
			uint64		range = view->set->range[0];

			for (int i = 0; i < n; i++)
				hash[i] = words[i] - least < range ? words[i] - least : PG_UINT64_MAX;
		}
		else
		{
			for (int i = 0; i < n; i++)
				hash[i] = pack(view->set, nwords, words + i * nwords);
		}
		if (view->bits)
			probe_bits(view, hash, n, found);
		else
			probe_slots(view, hash, n, found);
		return;
	}
	if (view->set->slot_words > 0)
	{
		probe_slots(view, words, n, found);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		keys[i].data = (char *) (words + i * nwords);
		keys[i].len = sizeof(uint64) * nwords;
		hash[i] = audit_hash_words(words + i * nwords, nwords, view->seed);
	}
	probe_pointers(view, view->codec, keys, hash, n, found);
}

static void
probe_short(AuditSetView *view, const AuditBytes *keys, int n, bool *found)
{
	int			nwords = view->set->slot_words;
	uint64		words[AUDIT_BATCH * MAX_SLOT_WORDS];

	for (int i = 0; i < n; i++)
		words_of_bytes(view->set, keys[i].data, keys[i].len, words + i * nwords);
	probe_slots(view, words, n, found);
}

/* codec: the key's own, whose child may have another type than the set's first key */
void
audit_set_probe_bytes(AuditSetView *view, AuditCodec *codec, const AuditBytes *keys,
					  int n, bool *found)
{
	uint64		hash[AUDIT_BATCH];

	if (view->set->nkeys == 0)
	{
		memset(found, false, n * sizeof(bool));
		return;
	}
	if (view->set->slot_words > 0)
	{
		probe_short(view, keys, n, found);
		return;
	}
	for (int i = 0; i < n; i++)
		hash[i] = audit_hash_bytes(codec, view->set->of_child, keys[i].data, keys[i].len, view->seed);
	probe_pointers(view, codec, keys, hash, n, found);
}
