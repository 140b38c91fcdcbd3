/*-------------------------------------------------------------------------
 *
 * audit_set.c
 *	  The keys of a parent as a set, built once and looked up by all children.
 *
 * Building has two steps.  First the parent is read, by any number of
 * participants, and its keys are appended to chunks: nothing has to be known
 * beforehand about how many there are.  Then the leader looks at what came
 * together and lays the set out: bits, where one integer column is dense,
 * else an open hash table.  Its slots hold the keys themselves if those are
 * short and memory allows, so that a look-up costs one cache miss; else they
 * point into the chunks.  Keys are unique in the parent, so that inserting
 * one never has to compare it; should the index have let two equal ones pass,
 * the set holds both, which harms nobody.
 *
 * A dense range of integers that is too large to be collected first is read
 * twice: once for the least and the greatest key, once to set the bits.
 *
 * A set may also be of the keys of children that the parent's index has not
 * led to; then the parent's rows are looked up in it.
 *
 * Once built, a set is only read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "miscadmin.h"

#include "audit/audit_codec.h"
#include "audit/audit_set.h"
#include "audit/audit_slot.h"


/* with more, some slots could never be reached by a position */
#define MAX_SLOTS PG_UINT32_MAX

#define CLEAR_BYTES ((Size) 16 * 1024 * 1024)

#define MIN_CHUNK_SHIFT 13
#define MAX_CHUNK_SHIFT 20

/* bytes: estimated size of the whole set. */
bool
audit_set_init(AuditSet *set, AuditMemory *memory, double bytes, uint32 nparts,
			   uint32 part, AuditSetStage stage)
{
	int			shift = MIN_CHUNK_SHIFT;

	memset(set, 0, sizeof(AuditSet));
	set->stage = stage;
	set->nparts = nparts;
	set->part = part;
	for (int i = 0; i < AUDIT_NUMBERS; i++)
	{
		set->least[i] = PG_INT64_MAX;
		set->greatest[i] = PG_INT64_MIN;
	}
	set->prefix.len = -1;
	SpinLockInit(&set->mutex);
	pg_atomic_init_u32(&set->nchunks, 0);
	pg_atomic_init_u32(&set->next_chunk, 0);
	pg_atomic_init_u32(&set->full, 0);
	pg_atomic_init_u32(&set->crowded, 0);
	set->of_child = stage == SET_PROBE;
	for (int i = 0; i < AUDIT_PROBE_LEAVES; i++)
		pg_atomic_init_u64(&set->lost[i], 0);

	/* limit the chunk's size: a participant wastes half a chunk on average */
	while (shift < MAX_CHUNK_SHIFT && ((double) (1 << shift)) * 64 < bytes)
		shift++;
	set->chunk_shift = shift;
	if (stage == SET_COLLECT || stage == SET_PROBE)
	{
		set->max_chunks = Min(memory->limit, (Size) bytes * 4 + 64 * 1024) / (1 << shift) + 16;
		set->chunks = audit_alloc(memory, sizeof(AuditChunk) * set->max_chunks);
		return set->chunks != 0;
	}
	return true;
}

static char *
chunk_address(AuditSetView *view, uint32 n)
{
	AuditChunk *chunks = audit_address(view->memory, view->set->chunks);

	return audit_address(view->memory, chunks[n].ref);
}

void
audit_set_open(AuditSetView *view, AuditSet *set, AuditMemory *memory,
			   AuditCodec *codec, uint64 seed)
{
	memset(view, 0, sizeof(AuditSetView));
	view->set = set;
	view->memory = memory;
	view->codec = codec;
	view->seed = seed;
	memcpy(view->least, set->least, sizeof(view->least));
	memcpy(view->greatest, set->greatest, sizeof(view->greatest));
	view->prefix.len = -1;
	view->numbers = set->stage == SET_COLLECT && set->nparts == 1 &&
		codec->ncols == 1 && codec->numbers == 1 && codec->cols[0].parent_byval;
	view->room = 64;
	view->buffer = palloc(view->room);

	if (set->bits)
		view->bits = audit_address(memory, set->bits);
	if (set->slots)
	{
		uint32		n = pg_atomic_read_u32(&set->nchunks);

		view->slots = audit_address(memory, set->slots);
		view->chunk = palloc(sizeof(char *) * n);
		for (uint32 i = 0; i < n; i++)
			view->chunk[i] = chunk_address(view, i);
	}
}

/* Records how far the open chunk is filled */
static void
close_chunk(AuditSetView *view)
{
	AuditChunk *chunks;

	if (view->open == NULL)
		return;
	chunks = audit_address(view->memory, view->set->chunks);
	chunks[view->open_chunk].used = view->used;
	view->open = NULL;
}

static bool
open_chunk(AuditSetView *view, Size size)
{
	AuditSet   *set = view->set;
	AuditChunk *chunks = audit_address(view->memory, set->chunks);
	AuditRef	ref;
	uint32		n;

	close_chunk(view);
	if (pg_atomic_read_u32(&set->full))
		return false;
	ref = audit_alloc(view->memory, size);
	n = ref ? pg_atomic_fetch_add_u32(&set->nchunks, 1) : set->max_chunks;
	if (n >= set->max_chunks)
	{
		if (ref)
		{
			pg_atomic_fetch_sub_u32(&set->nchunks, 1);
			pg_atomic_write_u32(&set->crowded, 1);
		}
		pg_atomic_write_u32(&set->full, 1);
		return false;
	}
	chunks[n].ref = ref;
	chunks[n].used = 0;
	view->open_chunk = n;
	view->open = audit_address(view->memory, ref);
	view->used = 0;
	return true;
}

/*
 * Returns room for a key in the chunks, or NULL.  A key longer than a chunk
 * gets a chunk of its own size and begins at its start, so that positions in
 * chunks stay valid.
 */
static inline char *
reserve(AuditSetView *view, Size size)
{
	Size		chunk_size = (Size) 1 << view->set->chunk_shift;
	char	   *p;

	size = MAXALIGN(size);
	if ((view->open == NULL || view->used + size > chunk_size) &&
		!open_chunk(view, Max(size, chunk_size)))
		return NULL;
	p = view->open + view->used;
	view->used += size;
	view->nkeys++;
	return p;
}

/* Sets bits of a word.  Whole words are allocated, and no key has a bit beyond nbits. */
static void
set_bits(AuditSetView *view, uint64 place, uint64 bits)
{
	if (place > view->set->nbits / 64)
		elog(ERROR, "a key was not there when the table was read before");
	pg_atomic_fetch_or_u64((pg_atomic_uint64 *) &view->bits[place], bits);
}

static void
set_bit(AuditSetView *view, uint64 bit)
{
	if (bit >= view->set->nbits)
		elog(ERROR, "a key was not there when the table was read before");
	set_bits(view, bit / 64, UINT64CONST(1) << (bit % 64));
}

/* Stores a key of words in the chunks; in SET_RANGE only its bounds */
static bool
keep_words(AuditSetView *view, const uint64 *words)
{
	Size		size = sizeof(uint64) * view->codec->nwords;
	char	   *p;

	for (int i = 0; i < view->codec->numbers; i++)
	{
		view->least[i] = Min(view->least[i], (int64) words[i]);
		view->greatest[i] = Max(view->greatest[i], (int64) words[i]);
	}
	if (view->set->stage == SET_RANGE)
	{
		view->nkeys++;
		return true;
	}
	p = reserve(view, size);
	if (p == NULL)
		return false;
	memcpy(p, words, size);
	return true;
}

static bool
add_words(AuditSetView *view, const AttrNumber *att, const Datum *values)
{
	AuditSet   *set = view->set;
	AuditCodec *codec = view->codec;
	uint64		words[INDEX_MAX_KEYS * 8];

	audit_encode_words(codec, true, att, values, words);
	if (set->nparts > 1 &&
		!audit_in_part(audit_hash_words(words, codec->nwords, view->seed),
					   set->nparts, set->part))
		return true;

	if (set->stage == SET_FILL)
	{
		set_bit(view, pack(set, codec->numbers, words));
		return true;
	}
	return keep_words(view, words);
}

/* Shortens a prefix to its common part with these bytes */
static inline void
shorten_prefix(AuditPrefix *prefix, const char *data, int len)
{
	if (prefix->len < 0)
	{
		prefix->len = Min(len, AUDIT_PREFIX);
		memcpy(prefix->bytes, data, prefix->len);
		return;
	}
	prefix->len = Min(prefix->len, len);
	for (int i = 0; i < prefix->len; i++)
	{
		if (prefix->bytes[i] != data[i])
			prefix->len = i;
	}
}

/* Stores bytes in the chunks, behind the header of their shape */
static bool
keep_bytes(AuditSetView *view, const char *data, Size len, uint64 hash)
{
	uint64		header = view->codec->shape == SHAPE_DATUMS ? hash : len;
	char	   *p = reserve(view, HEADER_SIZE + len);

	if (p == NULL)
		return false;
	memcpy(p, &header, HEADER_SIZE);
	memcpy(p + HEADER_SIZE, data, len);
	view->longest = Max(view->longest, len);
	shorten_prefix(&view->prefix, data, len);
	return true;
}

static bool
add_bytes(AuditSetView *view, const AttrNumber *att, const Datum *values)
{
	AuditSet   *set = view->set;
	Size		len = audit_encode_bytes(view->codec, true, att, values, &view->buffer, &view->room, 0);
	uint64		hash = 0;

	if (view->codec->shape == SHAPE_DATUMS || set->nparts > 1)
	{
		hash = audit_hash_bytes(view->codec, true, view->buffer, len, view->seed);
		if (!audit_in_part(hash, set->nparts, set->part))
			return true;
	}
	if (len > AUDIT_MAX_KEY_LEN)
		elog(ERROR, "a key is longer than an index can hold");
	return keep_bytes(view, view->buffer, len, hash);
}

/* Fast path: stores a key of one number */
static inline bool
add_number(AuditSetView *view, int64 number)
{
	char	   *p = reserve(view, sizeof(int64));

	if (p == NULL)
		return false;
	*(int64 *) p = number;
	view->least[0] = Min(view->least[0], number);
	view->greatest[0] = Max(view->greatest[0], number);
	return true;
}

/* Skips a key with a null, which can't be referenced. */
bool
audit_set_add(AuditSetView *view, const AttrNumber *att, TupleTableSlot *slot)
{
	if (view->numbers)
		return slot->tts_isnull[att[0] - 1] ||
			add_number(view, audit_word(slot->tts_values[att[0] - 1],
										view->codec->cols[0].parent_len));
	for (int i = 0; i < view->codec->ncols; i++)
	{
		if (slot->tts_isnull[att[i] - 1])
			return true;
	}
	if (view->codec->shape == SHAPE_WORDS)
		return add_words(view, att, slot->tts_values);
	return add_bytes(view, att, slot->tts_values);
}

bool
audit_set_add_missed(AuditSetView *view, const AuditBytes *key)
{
	if (view->codec->shape == SHAPE_WORDS)
		return keep_words(view, (const uint64 *) key->data);
	return keep_bytes(view, key->data, key->len,
					  view->codec->shape == SHAPE_BYTES ? 0 :
					  audit_hash_bytes(view->codec, false, key->data, key->len, view->seed));
}

bool
audit_set_take(AuditSetView *view, AuditSetView *from)
{
	AuditChunk *chunks = audit_address(from->memory, from->set->chunks);
	uint32		n = pg_atomic_read_u32(&from->set->nchunks);

	for (uint32 i = 0; i < n; i++)
	{
		if (!open_chunk(view, Max(chunks[i].used, (Size) 1 << view->set->chunk_shift)))
			return false;
		memcpy(view->open, chunk_address(from, i), chunks[i].used);
		view->used = chunks[i].used;
	}
	view->nkeys = from->set->nkeys;
	memcpy(view->least, from->set->least, sizeof(view->least));
	memcpy(view->greatest, from->set->greatest, sizeof(view->greatest));
	view->longest = from->set->longest;
	view->prefix = from->set->prefix;
	audit_set_close(view);
	return true;
}

bool
audit_set_has_missed(AuditSetView *view, const AttrNumber *att, TupleTableSlot *slot)
{
	bool		found;

	for (int i = 0; i < view->codec->ncols; i++)
	{
		if (slot->tts_isnull[att[i] - 1])
			return false;
	}
	if (view->codec->shape == SHAPE_WORDS)
	{
		uint64		words[INDEX_MAX_KEYS * 8];

		audit_encode_words(view->codec, true, att, slot->tts_values, words);
		audit_set_probe_words(view, words, 1, &found);
	}
	else
	{
		AuditBytes	key;

		key.len = audit_encode_bytes(view->codec, true, att, slot->tts_values, &view->buffer, &view->room, 0);
		key.data = view->buffer;
		audit_set_probe_bytes(view, view->codec, &key, 1, &found);
	}
	return found;
}

void
audit_set_close(AuditSetView *view)
{
	AuditSet   *set = view->set;

	close_chunk(view);
	SpinLockAcquire(&set->mutex);
	set->nkeys += view->nkeys;
	for (int i = 0; i < AUDIT_NUMBERS; i++)
	{
		set->least[i] = Min(set->least[i], view->least[i]);
		set->greatest[i] = Max(set->greatest[i], view->greatest[i]);
	}
	set->longest = Max(set->longest, view->longest);
	if (view->prefix.len >= 0)
		shorten_prefix(&set->prefix, view->prefix.bytes, view->prefix.len);
	SpinLockRelease(&set->mutex);
	view->nkeys = 0;
}

/* Clears memory in pieces, so that it can be cancelled */
static void
clear(void *memory, Size size)
{
	for (Size done = 0; done < size; done += CLEAR_BYTES)
	{
		CHECK_FOR_INTERRUPTS();
		memset((char *) memory + done, 0, Min(size - done, CLEAR_BYTES));
	}
}

static bool
alloc_bits(AuditSetView *view)
{
	AuditSet   *set = view->set;
	Size		size = (set->nbits / 64 + 1) * sizeof(uint64);

	set->bits = audit_alloc(view->memory, size);
	if (set->bits == 0)
		return false;
	view->bits = audit_address(view->memory, set->bits);
	clear(view->bits, size);
	return true;
}

/*
 * Decides whether the keys can be packed into one number, and sets nbits if
 * such numbers are dense: bits take less memory than slots, and fewer cache
 * lines, up to about 160 bits per key; for few keys any number of bits that
 * fits a page is fine.
 */
static void
try_to_pack(AuditSetView *view)
{
	AuditSet   *set = view->set;
	uint64		total = 1;

	set->packed = false;
	set->nbits = 0;
	if (view->codec->numbers == 0)
		return;
	for (int i = 0; i < view->codec->numbers; i++)
	{
		set->range[i] = (uint64) set->greatest[i] - (uint64) set->least[i] + 1;
		/* 0 means all 2^64 values */
		if (set->range[i] == 0 || pg_mul_u64_overflow(total, set->range[i], &total))
			return;
	}
	set->packed = true;
	if (total / 8 <= set->nkeys * 20 + BLCKSZ)
		set->nbits = total;
}

/* Returns the words that a key takes in its slot, or 0 if it is too long for that */
static int
words_of_slot(AuditSetView *view)
{
	int			words = 0;

	if (view->codec->shape == SHAPE_WORDS)
		words = view->set->packed ? 1 : view->codec->nwords;
	else if (view->codec->shape == SHAPE_BYTES)
		words = (view->set->longest - Max(view->set->prefix.len, 0)) / sizeof(uint64) + 1;
	return words <= MAX_SLOT_WORDS ? words : 0;
}

static bool
alloc_slots(AuditSetView *view, int slot_words)
{
	AuditSet   *set = view->set;
	Size		slots = set->nslots * sizeof(uint64) * Max(slot_words, 1);
	Size		taken = slot_words > 0 ? (set->nslots / 64 + 1) * sizeof(uint64) : 0;

	/* the bits of taken slots come first */
	set->slots = audit_alloc(view->memory, taken + slots);
	if (set->slots == 0)
		return false;
	set->slot_words = slot_words;
	view->slots = audit_address(view->memory, set->slots);
	clear(view->slots, slot_words > 0 ? taken : slots);
	return true;
}

bool
audit_set_layout(AuditSetView *view)
{
	AuditSet   *set = view->set;
	int			slot_words;

	if (pg_atomic_read_u32(&set->full))
		return false;

	if (set->stage == SET_FILL)
	{
		set->stage = SET_READY;
		return true;
	}
	if (set->nkeys == 0)
	{
		set->stage = SET_READY;
		return true;
	}
	try_to_pack(view);
	if (set->stage == SET_RANGE)
	{
		/* not dense: the keys must be collected, in parts if necessary */
		if (set->nbits == 0)
			return false;
		set->stage = SET_FILL;
		return alloc_bits(view);
	}

	set->stage = SET_READY;
	if (set->nbits > 0 && alloc_bits(view))
		return true;

	set->nslots = set->nkeys + set->nkeys / 2 + 1;
	if (set->nslots > MAX_SLOTS)
		return false;
	slot_words = words_of_slot(view);
	if (slot_words > 0 && alloc_slots(view, slot_words))
		return true;
	set->packed = false;
	return alloc_slots(view, 0);
}

static inline bool
is_taken(AuditSetView *view, uint64 position)
{
	return (view->slots[position / 64] >> (position % 64)) & 1;
}

static void
insert_pointer(AuditSetView *view, uint64 hash, uint64 offset)
{
	uint64		position = slot_position(view->set, hash);
	uint64		slot = SLOT_TAG(hash) | (offset + 1);

	for (;;)
	{
		pg_atomic_uint64 *place = (pg_atomic_uint64 *) &view->slots[position];
		uint64		empty = 0;

		if (pg_atomic_read_u64(place) == 0 &&
			pg_atomic_compare_exchange_u64(place, &empty, slot))
			return;
		next_position(view, &position);
	}
}

/*
 * Inserts keys of words; owning the slot suffices, because nobody looks up
 * before all keys are inserted
 */
static void
insert_words(AuditSetView *view, const uint64 *words)
{
	int			n = view->set->slot_words;
	uint64		position = slot_position(view->set, audit_hash_words(words, n, view->seed));

	for (;;)
	{
		uint64		bit = UINT64CONST(1) << (position % 64);

		if (!is_taken(view, position) &&
			!(pg_atomic_fetch_or_u64((pg_atomic_uint64 *) &view->slots[position / 64], bit) & bit))
			break;
		next_position(view, &position);
	}
	memcpy(slot_keys(view) + position * n, words, n * sizeof(uint64));
}

/* Returns the length of the key at p, and its hash */
static Size
measure(AuditSetView *view, char *p, uint64 *hash)
{
	AuditCodec *codec = view->codec;
	uint64		header;
	char	   *start = p;

	if (codec->shape == SHAPE_WORDS)
	{
		*hash = audit_hash_words((uint64 *) p, codec->nwords, view->seed);
		return sizeof(uint64) * codec->nwords;
	}

	memcpy(&header, p, HEADER_SIZE);
	p += HEADER_SIZE;
	if (codec->shape == SHAPE_BYTES)
	{
		*hash = audit_hash_bytes(codec, true, p, header, view->seed);
		return MAXALIGN(HEADER_SIZE + header);
	}
	*hash = header;
	for (int i = 0; i < codec->ncols; i++)
	{
		AuditColumn *col = &codec->cols[i];
		int16		typlen = view->set->of_child ? col->child_len : col->parent_len;

		p += (view->set->of_child ? col->child_byval : col->parent_byval) ? sizeof(Datum) :
			MAXALIGN(typlen > 0 ? typlen : VARSIZE_ANY(p));
	}
	return p - start;
}

/* Sets the bits of keys; keys often come in order, so bits of the same word are set together */
static void
insert_bits(AuditSetView *view, char *p, char *end)
{
	int			numbers = view->codec->numbers;
	uint64		place = 0;
	uint64		bits = 0;

	for (; p < end; p += sizeof(uint64) * numbers)
	{
		uint64		bit = pack(view->set, numbers, (uint64 *) p);

		if (bit / 64 != place)
		{
			set_bits(view, place, bits);
			place = bit / 64;
			bits = 0;
		}
		bits |= UINT64CONST(1) << (bit % 64);
	}
	set_bits(view, place, bits);
}

static void
insert_chunk(AuditSetView *view, uint32 n)
{
	AuditChunk *chunks = audit_address(view->memory, view->set->chunks);
	char	   *start = audit_address(view->memory, chunks[n].ref);
	char	   *end = start + chunks[n].used;

	if (view->bits)
	{
		insert_bits(view, start, end);
		return;
	}
	for (char *p = start; p < end;)
	{
		uint64		hash;
		Size		len = measure(view, p, &hash);

		if (view->set->slot_words == 0)
			insert_pointer(view, hash,
						   ((uint64) n << (view->set->chunk_shift - 3)) + (p - start) / 8);
		else if (view->set->packed)
		{
			uint64		packed = pack(view->set, view->codec->numbers, (uint64 *) p);

			insert_words(view, &packed);
		}
		else if (view->codec->shape == SHAPE_WORDS)
			insert_words(view, (uint64 *) p);
		else
		{
			uint64		words[MAX_SLOT_WORDS];
			uint64		bytes;

			memcpy(&bytes, p, HEADER_SIZE);
			words_of_bytes(view->set, p + HEADER_SIZE, bytes, words);
			insert_words(view, words);
		}
		p += len;
	}
}

void
audit_set_insert(AuditSetView *view)
{
	AuditSet   *set = view->set;
	uint32		n = pg_atomic_read_u32(&set->nchunks);
	uint32		next;

	while ((next = pg_atomic_fetch_add_u32(&set->next_chunk, 1)) < n)
	{
		CHECK_FOR_INTERRUPTS();
		insert_chunk(view, next);
	}
}
