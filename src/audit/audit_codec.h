/*-------------------------------------------------------------------------
 *
 * audit_codec.h
 *	  A key as bytes, its hash and its equality (audit_codec.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_CODEC_H
#define SG_AUDIT_CODEC_H

#include "postgres.h"
#include "fmgr.h"

#include "fk/fk.h"

typedef enum AuditShape
{
	SHAPE_WORDS,				/* a fixed number of 8-byte words */
	SHAPE_BYTES,				/* any number of bytes; equal means same bytes */
	SHAPE_DATUMS				/* the operator decides what is equal */
} AuditShape;

/* Column of a key.  Columns are sorted by the parent's attnum. */
typedef struct AuditColumn
{
	int			position;		/* index into FkKey's arrays */
	AttrNumber	parent_att;
	AttrNumber	child_att;
	int			words;			/* words that a value takes; 0: varies */
	Oid			child_type;
	int16		child_len;
	int16		parent_len;
	bool		child_byval;
	bool		parent_byval;
	/* SHAPE_DATUMS only */
	Oid			collation;		/* collation of the comparison: the parent's */
	FmgrInfo	equal;			/* equality (parent, child) */
	FmgrInfo	parent_hash;
	FmgrInfo	child_hash;
	FmgrInfo	cast;			/* cast from the child's type to the
								 * operator's; fn_oid 0: none */
} AuditColumn;

/* Maximum number of integers that are packed into one */
#define AUDIT_NUMBERS 4

typedef struct AuditCodec
{
	AuditShape	shape;
	int			nwords;			/* SHAPE_WORDS */
	int			numbers;		/* SHAPE_WORDS: number of words, if all are by
								 * value and few; else 0 */
	bool		parallel_safe;
	int			ncols;
	AuditColumn cols[FLEXIBLE_ARRAY_MEMBER];
} AuditCodec;

/* Bytes of a key, which the struct does not own */
typedef struct AuditBytes
{
	char	   *data;
	Size		len;
} AuditBytes;

/* Returns the codec of a key; NULL, with *reason set, if no set can judge it */
extern AuditCodec *audit_codec_make(const FkKey *key, const char **reason);

/* Returns whether two keys use the same set */
extern bool audit_codec_same_set(const AuditCodec *a, const AuditCodec *b);

/* Returns the estimated bytes of one key in a set, including its slot */
extern double audit_codec_width(const AuditCodec *codec, Oid parent);

/* Returns a by-value datum as a word; equal integers of any width give the same word */
static inline uint64
audit_word(Datum value, int16 len)
{
	switch (len)
	{
		case 4:
			return (uint64) (int64) DatumGetInt32(value);
		case 8:
			return (uint64) DatumGetInt64(value);
		case 2:
			return (uint64) (int64) DatumGetInt16(value);
		default:
			return (uint64) (int64) DatumGetChar(value);
	}
}

/* Encodes a row's values as words of SHAPE_WORDS (att: attnums in the codec's order) */
static inline void
audit_encode_words(const AuditCodec *codec, bool parent, const AttrNumber *att,
				   const Datum *values, uint64 *words)
{
	for (int i = 0; i < codec->ncols; i++)
	{
		const AuditColumn *col = &codec->cols[i];
		int16		len = parent ? col->parent_len : col->child_len;
		Datum		value = values[att[i] - 1];

		if (parent ? col->parent_byval : col->child_byval)
			*words++ = audit_word(value, len);
		else
		{
			words[col->words - 1] = 0;
			memcpy(words, DatumGetPointer(value), len);
			words += col->words;
		}
	}
}

/*
 * Mixes a word over all 64 bits.  One multiplier is the golden ratio's, as
 * Knuth proposes for multiplicative hashing (The Art of Computer Programming,
 * vol. 3, 6.4), the other any odd number with well-spread bits.
 */
static inline uint64
audit_mix(uint64 h)
{
	h *= UINT64CONST(0x9E3779B97F4A7C15);
	h ^= h >> 32;
	return h;
}

static inline uint64
audit_hash_words(const uint64 *words, int n, uint64 seed)
{
	uint64		h = seed;

	for (int i = 0; i < n; i++)
		h = audit_mix(h ^ words[i]);
	return h * UINT64CONST(0xD6E8FEB86659FD93);
}

/*
 * Encodes values in the other shapes at *data + at; *data has room for *room
 * bytes and is enlarged (repalloc) if needed.  Returns the length.
 */
extern Size audit_encode_bytes(const AuditCodec *codec, bool parent, const AttrNumber *att,
							   const Datum *values, char **data, Size *room, Size at);

extern uint64 audit_hash_bytes(const AuditCodec *codec, bool parent, char *data, Size len, uint64 seed);
extern bool audit_equal_datums(AuditCodec *codec, char *parent, char *child);

/* Decodes the child's values in FkKey's order; by-reference values point into data or are palloc'd */
extern void audit_decode(const AuditCodec *codec, char *data, Size len, Datum *values);

#endif							/* SG_AUDIT_CODEC_H */
