/*-------------------------------------------------------------------------
 *
 * audit_slot.h
 *	  Slots in which a set keeps its keys: shared by the builder of sets
 *	  (audit_set.c) and the lookup of keys (audit_lookup.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_SLOT_H
#define SG_AUDIT_SLOT_H

#include "audit/audit_codec.h"
#include "audit/audit_set.h"

/*
 * Slot that refers to a key: 16 bits of the hash, then the key's position in
 * units of 8 bytes plus one; 0 is empty.  The slot's number comes from the
 * upper half of the hash, the partition from bits 16 to 31.
 */
#define SLOT_TAG(hash) ((uint64) (hash) << 48)
#define SLOT_TAG_MASK (UINT64CONST(0xFFFF) << 48)
#define SLOT_OFFSET(slot) (((slot) & ~SLOT_TAG_MASK) - 1)

/* maximum words of a key that is in its slot: 36 characters of a UUID fit */
#define MAX_SLOT_WORDS 5

/* keys of SHAPE_BYTES begin with their length, keys of SHAPE_DATUMS with their hash */
#define HEADER_SIZE sizeof(uint64)

/*
 * Packs a key of numbers into one.  A key outside of the parent's ranges
 * becomes a number that no key of the parent is packed into.
 */
static inline uint64
pack(const AuditSet *set, int numbers, const uint64 *words)
{
	uint64		packed = 0;

	for (int i = 0; i < numbers; i++)
	{
		uint64		number = words[i] - (uint64) set->least[i];

		if (number >= set->range[i])
			return PG_UINT64_MAX;
		packed = packed * set->range[i] + number;
	}
	return packed;
}

static inline uint64
slot_position(const AuditSet *set, uint64 hash)
{
	return ((hash >> 32) * set->nslots) >> 32;
}

static inline uint64 *
slot_keys(AuditSetView *view)
{
	return view->slots + view->set->nslots / 64 + 1;
}

static inline void
next_position(AuditSetView *view, uint64 *position)
{
	if (++*position == view->set->nslots)
		*position = 0;
}

/*
 * Encodes a short key of SHAPE_BYTES as words: the bytes behind the prefix,
 * padded with zeros, the length at the end.  A key that can't be in the set
 * becomes words that no key has.
 */
static inline void
words_of_bytes(const AuditSet *set, const char *data, Size len, uint64 *words)
{
	Size		size = set->slot_words * sizeof(uint64);
	Size		prefix = Max(set->prefix.len, 0);

	if (len < prefix || len - prefix >= size || memcmp(data, set->prefix.bytes, prefix) != 0)
	{
		memset(words, 0xFF, size);
		return;
	}
	memset(words, 0, size);
	memcpy(words, data + prefix, len - prefix);
	((unsigned char *) words)[size - 1] = len - prefix;
}

#endif							/* SG_AUDIT_SLOT_H */
