/*-------------------------------------------------------------------------
 *
 * audit_codec.c
 *	  A key as bytes: how it is stored, hashed and compared.
 *
 * Where equal means the same bytes, which the operator class says itself by
 * its support function "equalimage", bytes are all that a set holds:
 * fixed-width types as 8-byte words, integers of any width as the same word.
 * Where the operator has an opinion of its own (numeric, float, nondeterministic
 * collations, types that are cast, ...), values are stored as they are, hashed
 * by the operator's hash functions and compared by the operator, with the
 * parent's collation, as core does.
 *
 * What to compare is written so that the same parent columns give the same
 * bytes for every key: columns are in the order of the parent's attnums.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/nbtree.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "parser/parse_coerce.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "audit/audit_codec.h"
#include "base/compat.h"

/* Alignment of a value within the bytes of BYTES and DATUMS */
#define VALUE_ALIGN(len) MAXALIGN(len)

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/*
 * Returns whether all btree operator classes of the operator say that equal
 * values have the same bytes.  All of them, because text_pattern_ops always
 * does, and shares its operator with text_ops, which depends on the collation.
 */
static bool
equal_means_same_bytes(Oid op, Oid type, Oid collation)
{
	List	   *families = get_mergejoin_opfamilies(op);
	ListCell   *lc;

	/*
	 * a blank-padded value equals one without blanks; a name has undefined
	 * bytes
	 */
	if (type == BPCHAROID || type == NAMEOID || type >= FirstNormalObjectId)
		return false;
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		return false;

	foreach(lc, families)
	{
		Oid			proc = get_opfamily_proc(lfirst_oid(lc), type, type, BTEQUALIMAGE_PROC);

		if (!OidIsValid(proc) ||
			!DatumGetBool(OidFunctionCall1Coll(proc, collation, ObjectIdGetDatum(type))))
			return false;
	}
	return families != NIL;
}

/* Finds the cast from the child's type to the operator's */
static bool
find_cast(Oid child_type, Oid op_type, Oid *function)
{
	*function = InvalidOid;
	if (child_type == op_type)
		return true;

	switch (find_coercion_pathway(op_type, child_type, COERCION_IMPLICIT, function))
	{
		case COERCION_PATH_FUNC:
			return true;
		case COERCION_PATH_RELABELTYPE:
			*function = InvalidOid;
			return true;
		default:

			/*
			 * anyarray, anyenum, record and similar types take the value
			 * unchanged
			 */
			return IsBinaryCoercible(child_type, op_type);
	}
}

static void
add_function(AuditCodec *codec, Oid function, FmgrInfo *info)
{
	fmgr_info(function, info);
	if (func_parallel(function) != PROPARALLEL_SAFE)
		codec->parallel_safe = false;
}

/* Fills one column; returns why that is impossible, or NULL */
static const char *
column_make(const FkKey *key, int position, AuditCodec *codec, AuditColumn *col, bool *by_bytes)
{
	Oid			op = key->pf_eq_op[position];
	Oid			parent_type,
				child_base,
				left,
				right,
				cast,
				child_collation;
	int32		typmod;

	col->position = position;
	col->parent_att = key->parent_att[position];
	col->child_att = key->child_att[position];
	get_atttypetypmodcoll(key->parent, col->parent_att, &parent_type, &typmod, &col->collation);
	get_atttypetypmodcoll(key->child, col->child_att, &col->child_type, &typmod, &child_collation);
	get_typlenbyval(parent_type, &col->parent_len, &col->parent_byval);
	get_typlenbyval(col->child_type, &col->child_len, &col->child_byval);
	op_input_types(op, &left, &right);
	parent_type = getBaseType(parent_type);
	child_base = getBaseType(col->child_type);

	if (col->parent_len == -2 || col->child_len == -2)
		return "a column is of a type that is stored as a C string";

	if (left != parent_type && !IsBinaryCoercible(parent_type, left))
		return "the operator of the key is not for the parent's type";

	/* integers of any two widths, compared by their family's operators */
	if (is_integer(parent_type) && is_integer(child_base) &&
		left == parent_type && right == child_base &&
		op_in_opfamily(op, INTEGER_BTREE_FAM_OID))
	{
		col->words = 1;
		return NULL;
	}

	if (!find_cast(child_base, right, &cast))
		return "the child's type has no implicit cast to the operator's";

	if (left == right && !OidIsValid(cast) && equal_means_same_bytes(op, left, col->collation))
	{
		if (col->parent_len > 0)
			col->words = (Max(col->parent_len, 8) + 7) / 8;
		return NULL;
	}

	*by_bytes = false;
	{
		Oid			parent_hash,
					child_hash;

		if (!op_hashjoinable(op, parent_type) ||
			!get_op_hash_functions(op, &parent_hash, &child_hash))
			return "an operator of the key has no hash function";
		add_function(codec, parent_hash, &col->parent_hash);
		add_function(codec, child_hash, &col->child_hash);
		add_function(codec, get_opcode(op), &col->equal);
		if (OidIsValid(cast))
			add_function(codec, cast, &col->cast);
	}
	return NULL;
}

static int
compare_columns(const void *a, const void *b)
{
	return ((const AuditColumn *) a)->parent_att - ((const AuditColumn *) b)->parent_att;
}

AuditCodec *
audit_codec_make(const FkKey *key, const char **reason)
{
	AuditCodec *codec = palloc0(offsetof(AuditCodec, cols) + sizeof(AuditColumn) * key->nkeys);
	bool		by_bytes = true;

	codec->parallel_safe = true;
	codec->ncols = key->nkeys;
	for (int i = 0; i < key->nkeys; i++)
	{
		*reason = column_make(key, i, codec, &codec->cols[i], &by_bytes);
		if (*reason)
			return NULL;
	}

	/* if one column needs functions, look up those of the others, too */
	if (!by_bytes)
	{
		codec->shape = SHAPE_DATUMS;
		for (int i = 0; i < key->nkeys; i++)
		{
			AuditColumn *col = &codec->cols[i];
			Oid			parent_hash,
						child_hash;

			if (OidIsValid(col->equal.fn_oid))
				continue;
			if (!get_op_hash_functions(key->pf_eq_op[i], &parent_hash, &child_hash))
			{
				*reason = "an operator of the key has no hash function";
				return NULL;
			}
			add_function(codec, parent_hash, &col->parent_hash);
			add_function(codec, child_hash, &col->child_hash);
			add_function(codec, get_opcode(key->pf_eq_op[i]), &col->equal);
		}
	}
	else
	{
		codec->shape = SHAPE_WORDS;
		for (int i = 0; i < key->nkeys; i++)
		{
			codec->nwords += codec->cols[i].words;
			if (codec->cols[i].words == 0)
				codec->shape = SHAPE_BYTES;
			if (codec->cols[i].parent_byval && codec->cols[i].child_byval)
				codec->numbers++;
		}
		if (codec->numbers < codec->ncols || codec->numbers > AUDIT_NUMBERS)
			codec->numbers = 0;
	}
	qsort(codec->cols, codec->ncols, sizeof(AuditColumn), compare_columns);

	return codec;
}

bool
audit_codec_same_set(const AuditCodec *a, const AuditCodec *b)
{
	if (a->shape != b->shape || a->ncols != b->ncols)
		return false;
	for (int i = 0; i < a->ncols; i++)
	{
		if (a->cols[i].parent_att != b->cols[i].parent_att ||
			a->cols[i].parent_hash.fn_oid != b->cols[i].parent_hash.fn_oid ||
			(a->shape == SHAPE_DATUMS &&
			 (a->cols[i].collation != b->cols[i].collation || a->cols[i].child_type != b->cols[i].child_type)))
			return false;
	}
	return true;
}

double
audit_codec_width(const AuditCodec *codec, Oid parent)
{
	double		width = 12;		/* one and a half slots */

	if (codec->shape == SHAPE_WORDS)
		return width + codec->nwords * 8;

	width += 8;					/* length or hash in front */
	for (int i = 0; i < codec->ncols; i++)
	{
		Oid			type;
		int32		typmod;
		Oid			collation;
		int32		known = get_attavgwidth(parent, codec->cols[i].parent_att);

		get_atttypetypmodcoll(parent, codec->cols[i].parent_att, &type, &typmod, &collation);
		width += known > 0 ? known : get_typavgwidth(type, typmod);
	}
	return width + 4;			/* average padding to a multiple of 8 */
}

static inline Datum
datum_of(uint64 word, int16 len)
{
	switch (len)
	{
		case 1:
			return CharGetDatum((char) word);
		case 2:
			return Int16GetDatum((int16) word);
		case 4:
			return Int32GetDatum((int32) word);
		default:
			return Int64GetDatum((int64) word);
	}
}

/* Returns the bytes of a by-reference value, detoasted */
static Pointer
flat_value(Datum value, int16 len, Size *size)
{
	Pointer		p;

	if (len > 0)
	{
		*size = len;
		return DatumGetPointer(value);
	}
	p = (Pointer) PG_DETOAST_DATUM_PACKED(value);
	*size = VARSIZE_ANY(p);
	return p;
}

static char *
make_room(char **data, Size *room, Size need)
{
	if (need > *room)
	{
		*room = Max(need, *room * 2);
		*data = repalloc_huge(*data, *room);
	}
	return *data;
}

Size
audit_encode_bytes(const AuditCodec *codec, bool parent, const AttrNumber *att,
				   const Datum *values, char **data, Size *room, Size at)
{
	Size		start = at;

	for (int i = 0; i < codec->ncols; i++)
	{
		const AuditColumn *col = &codec->cols[i];
		int16		len = parent ? col->parent_len : col->child_len;
		bool		byval = parent ? col->parent_byval : col->child_byval;
		Datum		value = values[att[i] - 1];
		Pointer		p;
		Size		size;

		if (byval)
		{
			uint64		word = audit_word(value, len);

			make_room(data, room, at + sizeof(word));
			memcpy(*data + at, codec->shape == SHAPE_DATUMS ? (void *) &value : (void *) &word,
				   sizeof(word));
			at += sizeof(word);
			continue;
		}

		p = flat_value(value, len, &size);
		if (codec->shape == SHAPE_DATUMS)
		{
			make_room(data, room, at + VALUE_ALIGN(size));
			memcpy(*data + at, p, size);
			memset(*data + at + size, 0, VALUE_ALIGN(size) - size);
			at += VALUE_ALIGN(size);
		}
		else
		{
			uint32		bytes = size;
			char	   *from = p;

			if (len < 0)
			{
				bytes = VARSIZE_ANY_EXHDR(p);
				from = VARDATA_ANY(p);
			}
			make_room(data, room, at + sizeof(bytes) + bytes);
			/* the last value has the remaining length */
			if (i < codec->ncols - 1)
			{
				memcpy(*data + at, &bytes, sizeof(bytes));
				at += sizeof(bytes);
			}
			memcpy(*data + at, from, bytes);
			at += bytes;
		}
		if (len < 0 && p != DatumGetPointer(value))
			pfree(p);
	}
	return at - start;
}

/* Returns the value of DATUMS at *p, and advances *p */
static inline Datum
next_value(char **p, int16 len, bool byval)
{
	Datum		value;

	if (byval)
	{
		memcpy(&value, *p, sizeof(Datum));
		*p += sizeof(Datum);
		return value;
	}
	value = PointerGetDatum(*p);
	*p += VALUE_ALIGN(len > 0 ? len : VARSIZE_ANY(*p));
	return value;
}

static inline Datum
cast_value(AuditColumn *col, Datum value)
{
	if (!OidIsValid(col->cast.fn_oid))
		return value;
	/* like an implicit cast in a query, without type modifier */
	return FunctionCall3(&col->cast, value, Int32GetDatum(-1), BoolGetDatum(false));
}

uint64
audit_hash_bytes(const AuditCodec *codec, bool parent, char *data, Size len, uint64 seed)
{
	uint64		h = seed;
	char	   *p = data;

	if (codec->shape == SHAPE_BYTES)
		return hash_bytes_extended((unsigned char *) data, len, seed);

	for (int i = 0; i < codec->ncols; i++)
	{
		AuditColumn *col = unconstify(AuditColumn *, &codec->cols[i]);
		Datum		value;

		if (parent)
			value = FunctionCall1Coll(&col->parent_hash, col->collation,
									  next_value(&p, col->parent_len, col->parent_byval));
		else
			value = FunctionCall1Coll(&col->child_hash, col->collation,
									  cast_value(col, next_value(&p, col->child_len, col->child_byval)));
		h = audit_mix(h ^ DatumGetUInt32(value));
	}
	return h;
}

bool
audit_equal_datums(AuditCodec *codec, char *parent, char *child)
{
	for (int i = 0; i < codec->ncols; i++)
	{
		AuditColumn *col = &codec->cols[i];
		Datum		p = next_value(&parent, col->parent_len, col->parent_byval);
		Datum		c = next_value(&child, col->child_len, col->child_byval);

		if (!DatumGetBool(FunctionCall2Coll(&col->equal, col->collation, p, cast_value(col, c))))
			return false;
	}
	return true;
}

void
audit_decode(const AuditCodec *codec, char *data, Size len, Datum *values)
{
	char	   *end = data + len;

	for (int i = 0; i < codec->ncols; i++)
	{
		const AuditColumn *col = &codec->cols[i];
		Datum	   *value = &values[col->position];

		if (codec->shape == SHAPE_DATUMS)
			*value = next_value(&data, col->child_len, col->child_byval);
		else if (col->child_byval)
		{
			uint64		word;

			memcpy(&word, data, sizeof(word));
			*value = datum_of(word, col->child_len);
			data += sizeof(word);
		}
		else if (codec->shape == SHAPE_WORDS)
		{
			*value = PointerGetDatum(data);
			data += sizeof(uint64) * col->words;
		}
		else
		{
			uint32		bytes = end - data;
			char	   *copy;

			if (i < codec->ncols - 1)
			{
				memcpy(&bytes, data, sizeof(bytes));
				data += sizeof(bytes);
			}
			if (col->child_len > 0)
			{
				copy = palloc(Max(bytes, 1));
				memcpy(copy, data, bytes);
			}
			else
			{
				copy = palloc(VARHDRSZ + bytes);
				SET_VARSIZE(copy, VARHDRSZ + bytes);
				memcpy(VARDATA(copy), data, bytes);
			}
			*value = PointerGetDatum(copy);
			data += bytes;
		}
	}
}
