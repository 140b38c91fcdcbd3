/*-------------------------------------------------------------------------
 *
 * verify_row.c
 *	  SQL for rows that a key should accept or refuse.
 *
 * A row is tried as a copy of one that is there, so that every other rule of
 * the table has been kept once already.  Some columns have to differ: the
 * key's, and those of unique indexes, which get values that are at random and
 * far from what applications use, so that nobody waits for ours.  No column
 * is left to its default: a sequence that has moved is not moved back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/progress.h"
#include "base/quote.h"
#include "run/run_name.h"
#include "verify/verify_row.h"

/* Number of values, in the middle of a number's upper half, among which a random one is drawn */
#define NUMBER_SPREAD	1000000

uint64
verify_run(const char *sql)
{
	int			rc;

	sg_progress_keep();
	run_check_names(sql);
	rc = SPI_execute(sql, false, 0);
	sg_progress_kept();
	if (rc < 0)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
	return SPI_processed;
}

bool
verify_result_bool(int row, int column)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(datum);
}

RowId
verify_result_row(int row, int column)
{
	bool		isnull;
	RowId		id;

	id.relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
											  column, &isnull));
	id.tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
														  column + 1, &isnull));
	return id;
}

Bitmapset *
verify_column_set(const AttrNumber *columns, int n)
{
	Bitmapset  *set = NULL;

	for (int i = 0; i < n; i++)
		set = bms_add_member(set, columns[i]);
	return set;
}

char *
verify_column(const char *alias, Oid relid, AttrNumber attnum)
{
	return psprintf("%s.%s", alias, quote_identifier(sg_column_name(relid, attnum)));
}

char *
verify_table(Oid relid, const char *alias)
{
	return psprintf("%s%s %s", get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					sg_relation_name(relid), alias);
}

char *
verify_is_row(const char *alias, const RowId *row)
{
	return psprintf("%s.tableoid = %u AND %s.ctid = '(%u,%u)'", alias, row->relid, alias,
					ItemPointerGetBlockNumber(&row->tid), ItemPointerGetOffsetNumber(&row->tid));
}

char *
verify_match(const FkKey *key, const char *parent, const char *child)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < key->nkeys; i++)
	{
		appendStringInfoString(&buf, i ? " AND " : "");
		fk_append_equal(&buf, key, i, verify_column(parent, key->parent, key->parent_att[i]),
						verify_column(child, key->child, key->child_att[i]));
	}
	return buf.data;
}

/* Not by IS NOT NULL, which tests the fields of a composite value. */
char *
verify_complete(Oid relid, const AttrNumber *columns, int n, const char *alias)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
		appendStringInfo(&buf, "%s%s IS DISTINCT FROM NULL", i ? " AND " : "",
						 verify_column(alias, relid, columns[i]));
	return buf.data;
}

List *
verify_given_columns(Oid relid)
{
	Relation	rel = sg_relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *columns = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attgenerated == '\0')
			columns = lappend_int(columns, i + 1);
	}
	table_close(rel, AccessShareLock);
	return columns;
}

/* ---- values that are in no table ---- */

/* Returns the largest integer that a column can hold, or 0 if it holds none */
static int64
number_limit(Oid type, int32 typmod)
{
	switch (type)
	{
		case INT2OID:
			return PG_INT16_MAX;
		case INT4OID:
			return PG_INT32_MAX;
		case INT8OID:
			return PG_INT64_MAX;
		case FLOAT4OID:
			return INT64CONST(1) << 24;
		case FLOAT8OID:
			return INT64CONST(1) << 53;
		case NUMERICOID:
			{
				int			digits = 18;
				int64		limit = 1;

				if (typmod >= (int32) VARHDRSZ)
				{
					int			precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
					int			scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;

					digits = Min(digits, precision - scale);
				}
				for (int i = 0; i < digits; i++)
					limit *= 10;
				return limit - 1;
			}
		default:
			return 0;
	}
}

/* Returns the length of the longest string to put into a column, or 0 if it holds none */
static int
string_limit(Oid type, int32 typmod)
{
	if (TypeCategory(type) != TYPCATEGORY_STRING)
		return 0;
	if ((type == VARCHAROID || type == BPCHAROID) && typmod >= (int32) VARHDRSZ)
		return Min(typmod - VARHDRSZ, 32);
	return type == CHAROID ? 1 : 32;
}

static uint64
draw(uint64 n)
{
	return n == 0 ? 0 : pg_prng_uint64_range(&pg_global_prng_state, 0, n - 1);
}

static char *
random_string(int length, const char *characters)
{
	char	   *s = palloc(length + 1);

	for (int i = 0; i < length; i++)
		s[i] = characters[draw(strlen(characters))];
	s[length] = '\0';
	return s;
}

static char *
random_uuid(void)
{
	const char *hex = "0123456789abcdef";

	return psprintf("%s-%s-4%s-a%s-%s", random_string(8, hex), random_string(4, hex),
					random_string(3, hex), random_string(3, hex), random_string(12, hex));
}

/* Returns the text of a value that fits both types, or NULL */
static char *
fresh_text(Oid type, int32 typmod, Oid other, int32 other_typmod, bool negative)
{
	int64		number = Min(number_limit(type, typmod), number_limit(other, other_typmod));
	int			length = Min(string_limit(type, typmod), string_limit(other, other_typmod));

	/* twice the number must not overflow */
	if (number > 0)
		return psprintf("%s" INT64_FORMAT, negative ? "-" : "",
						(number + 1) / 2 - (int64) draw(Min(number / 4, NUMBER_SPREAD)));
	if (length > 0)
		return random_string(length, "abcdefghijklmnopqrstuvwxyz0123456789");
	if (type != other)
		return NULL;

	switch (type)
	{
		case UUIDOID:
			return random_uuid();
		case BYTEAOID:
			return psprintf("\\x%s", random_string(32, "0123456789abcdef"));
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return psprintf("%d-%02d-%02d", 5000 + (int) draw(4000), 1 + (int) draw(12), 1 + (int) draw(28));
		default:
			return NULL;
	}
}

char *
verify_fresh_value(Oid relid, AttrNumber attnum, Oid other, AttrNumber other_attnum, bool negative)
{
	Oid			type,
				collation,
				base,
				other_type;
	int32		typmod,
				base_typmod,
				other_typmod;
	char	   *text;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	base_typmod = typmod;
	base = getBaseTypeAndTypmod(type, &base_typmod);
	other_type = base;
	other_typmod = base_typmod;
	if (OidIsValid(other))
	{
		get_atttypetypmodcoll(other, other_attnum, &other_type, &other_typmod, &collation);
		other_type = getBaseTypeAndTypmod(other_type, &other_typmod);
	}

	text = fresh_text(base, base_typmod, other_type, other_typmod, negative);

	if (text == NULL)
		return NULL;
	return psprintf("%s::%s", quote_literal_cstr(text),
					format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

/* ---- which columns get one ---- */

/* Returns whether the column belongs to a key of the table other than `except` */
static bool
in_other_key(Oid relid, AttrNumber attnum, VerifyKeys *declared, const FkKey *except)
{
	foreach_ptr(FkKey, key, verify_keys_of(declared, relid))
	{
		if (except && key->conid == except->conid)
			continue;
		for (int i = 0; i < key->nkeys; i++)
		{
			if (key->child_att[i] == attnum)
				return true;
		}
	}
	return false;
}

/* Returns whether a statement may give the column a value */
static bool
can_be_given(Oid relid, AttrNumber attnum)
{
	return get_attgenerated(relid, attnum) == '\0';
}

int
verify_fresh_column(const FkKey *key, Oid relid, const AttrNumber *columns, VerifyKeys *declared)
{
	int			best = -1;

	for (int i = 0; i < key->nkeys; i++)
	{
		if (!can_be_given(relid, columns[i]) ||
			verify_fresh_value(key->parent, key->parent_att[i], key->child, key->child_att[i], false) == NULL)
			continue;

		/*
		 * other keys are likely to refuse a new value in a column that they
		 * share
		 */
		if (!in_other_key(relid, columns[i], declared, relid == key->child ? key : NULL))
			return i;
		best = i;
	}
	return best;
}

/* Returns the columns of a unique index, those in its expressions included */
static Bitmapset *
index_columns(Relation index)
{
	Bitmapset  *raw = NULL;
	Bitmapset  *columns = NULL;
	bool		isnull;
	Datum		expressions = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indexprs, &isnull);
	int			x = -1;

	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		if (index->rd_index->indkey.values[i] > 0)
			columns = bms_add_member(columns, index->rd_index->indkey.values[i]);
	}

	/*
	 * read the stored form: RelationGetIndexExpressions() evaluates constant
	 * parts
	 */
	if (!isnull)
		pull_varattnos(stringToNode(TextDatumGetCString(expressions)), 1, &raw);
	while ((x = bms_next_member(raw, x)) >= 0)
	{
		if (x + FirstLowInvalidHeapAttributeNumber > 0)
			columns = bms_add_member(columns, x + FirstLowInvalidHeapAttributeNumber);
	}
	return columns;
}

static bool
is_not_null(Relation rel, AttrNumber attnum)
{
	return TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull;
}

/* Chooses a column of the index that will differ; returns false if there is none */
static bool
make_unique(Relation rel, Relation index, VerifyKeys *declared, Bitmapset **fresh, Bitmapset **null)
{
	Oid			relid = RelationGetRelid(rel);
	Bitmapset  *columns = index_columns(index);
	int			x = -1;

	while ((x = bms_next_member(columns, x)) >= 0)
	{
		if (can_be_given(relid, x) && !in_other_key(relid, x, declared, NULL) &&
			verify_fresh_value(relid, x, InvalidOid, 0, false) != NULL)
		{
			*fresh = bms_add_member(*fresh, x);
			return true;
		}
	}
	while ((x = bms_next_member(columns, x)) >= 0)
	{
		if (can_be_given(relid, x) && !is_not_null(rel, x) && !index->rd_index->indnullsnotdistinct)
		{
			*null = bms_add_member(*null, x);
			return true;
		}
	}
	return false;
}

char *
verify_unique_columns(Oid relid, VerifyKeys *declared, const Bitmapset *changed,
					  Bitmapset **fresh, Bitmapset **null)
{
	Relation	rel = sg_relation_open(relid, AccessShareLock);
	char	   *problem = NULL;
	ListCell   *lc;

	*fresh = *null = NULL;
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Bitmapset  *columns = index_columns(index);

		if (problem == NULL && index->rd_index->indisunique &&
			!bms_overlap(columns, changed) && !bms_overlap(columns, *fresh) &&
			!(bms_overlap(columns, *null) && !index->rd_index->indnullsnotdistinct) &&
			!make_unique(rel, index, declared, fresh, null))
			problem = psprintf("no row could be made that unique index %s has not got",
							   quote_identifier(RelationGetRelationName(index)));
		index_close(index, AccessShareLock);
	}
	table_close(rel, AccessShareLock);
	return problem;
}
