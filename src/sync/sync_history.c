/*-------------------------------------------------------------------------
 *
 * sync_history.c
 *	  Tables in which migration tools record the migrations that have run.
 *
 *	  Other roles own them, and their code must not run here: the code of a
 *	  view, a rule, a policy, a type or an index.  So only plain tables are
 *	  read, straight from the heap, without a query, and only columns of
 *	  built-in types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "common/cryptohash.h"
#include "common/sha1.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_crc.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/rowsink.h"
#include "base/spi.h"

SG_FUNCTION(sg_history_rows);
SG_FUNCTION(sg_history_digest);

/* Returns why a table is not read, or NULL */
static const char *
refusal(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relam != HEAP_TABLE_AM_OID || RELATION_IS_OTHER_TEMP(relation))
		return "it is no plain table";
	if (object_aclcheck(NamespaceRelationId, RelationGetNamespace(relation), GetUserId(), ACL_USAGE) != ACLCHECK_OK ||
		pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return "no privilege to read it";
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return "row security hides rows of it";
	return NULL;
}

/* Emits the rows of a table; missing columns are null */
static const char *
read_rows(SgRowSink *sink, Relation relation, const List *columns)
{
	TupleDesc	desc = RelationGetDescr(relation);
	int			natts = list_length(columns);
	AttrNumber *numbers = palloc0(sizeof(AttrNumber) * Max(natts, 1));
	Oid		   *outputs = palloc0(sizeof(Oid) * Max(natts, 1));
	TupleTableSlot *slot;
	TableScanDesc scan;

	for (int i = 0; i < natts; i++)
	{
		bool		varlena;
		Oid			type;

		for (int j = 0; j < desc->natts; j++)
			if (!TupleDescAttr(desc, j)->attisdropped && strcmp(NameStr(TupleDescAttr(desc, j)->attname), list_nth(columns, i)) == 0)
				numbers[i] = j + 1;
		if (numbers[i] == 0)
			continue;
		type = TupleDescAttr(desc, numbers[i] - 1)->atttypid;
		if (type >= FirstGenbkiObjectId || get_typtype(type) != TYPTYPE_BASE || TupleDescAttr(desc, numbers[i] - 1)->attgenerated)
			return "its columns are not of types that are built in";
		getTypeOutputInfo(type, &outputs[i], &varlena);
	}
	slot = table_slot_create(relation, NULL);
	scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL, SO_NONE);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Datum	   *values = palloc0(sizeof(Datum) * Max(natts, 1));
		bool	   *nulls = palloc0(sizeof(bool) * Max(natts, 1));
		int			lower = 1;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < natts; i++)
		{
			nulls[i] = true;
			if (numbers[i] == 0)
				continue;
			values[i] = slot_getattr(slot, numbers[i], &nulls[i]);
			if (!nulls[i])
				values[i] = CStringGetTextDatum(OidOutputFunctionCall(outputs[i], values[i]));
		}
		sg_sink_datum(sink, PointerGetDatum(construct_md_array(values, nulls, 1, &natts, &lower, TEXTOID, -1, false, TYPALIGN_INT)));
		sg_sink_emit(sink);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return NULL;
}

/*
 * sg_history_rows(relation oid, columns text[])
 *
 * Returns setof text[], the columns of each row.  If the table can't be read,
 * one row: null, and the reason.
 */
static Datum
sg_history_rows_entered(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	List	   *columns = sg_text_array_list(PG_GETARG_DATUM(1));
	const char *problem = NULL;
	Relation	relation = NULL;
	SgRowSink	sink;

	sg_sink_begin_scalar(&sink, fcinfo);
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		problem = "another session has it locked";
	else
	{
		relation = try_relation_open(relid, NoLock);
		if (relation == NULL)
		{
			UnlockRelationOid(relid, AccessShareLock);
			problem = "it is gone";
		}
		else
			problem = refusal(relation);
	}
	if (problem == NULL)
		problem = read_rows(&sink, relation, columns);
	if (relation)
		relation_close(relation, AccessShareLock);
	if (problem)
	{
		Datum		values[2] = {(Datum) 0, CStringGetTextDatum(problem)};
		bool		nulls[2] = {true, false};
		int			dims = 2;
		int			lower = 1;

		sg_sink_datum(&sink, PointerGetDatum(construct_md_array(values, nulls, 1, &dims, &lower, TEXTOID, -1, false, TYPALIGN_INT)));
		sg_sink_emit(&sink);
	}
	return (Datum) 0;
}

/*
 * sg_history_digest(kind text, content text)
 *
 * Returns crc32, as Flyway computes it over the lines without their ends, or
 * sha1, as sqitch does
 */
static Datum
sg_history_digest_entered(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *content = text_to_cstring(PG_GETARG_TEXT_PP(1));
	size_t		length = strlen(content);

	if (strcmp(kind, "crc32") == 0)
	{
		pg_crc32	crc;
		char	   *at = content;

		if (strncmp(at, "\xEF\xBB\xBF", 3) == 0)
			at += 3;
		INIT_TRADITIONAL_CRC32(crc);
		while (*at)
		{
			size_t		n = strcspn(at, "\r\n");

			COMP_TRADITIONAL_CRC32(crc, at, n);
			at += n;
			if (at[0] == '\r' && at[1] == '\n')
				at++;
			if (*at)
				at++;
		}
		FIN_TRADITIONAL_CRC32(crc);
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%d", (int32) crc)));
	}
	if (strcmp(kind, "sha1") == 0)
	{
		uint8		sum[SHA1_DIGEST_LENGTH];
		char		hex[SHA1_DIGEST_LENGTH * 2 + 1];
		pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA1);

		if (pg_cryptohash_init(context) < 0 || pg_cryptohash_update(context, (uint8 *) content, length) < 0
			|| pg_cryptohash_final(context, sum, sizeof(sum)) < 0)
			elog(ERROR, "could not compute a digest");
		pg_cryptohash_free(context);
		for (int i = 0; i < SHA1_DIGEST_LENGTH; i++)
			snprintf(hex + 2 * i, 3, "%02x", sum[i]);
		PG_RETURN_TEXT_P(cstring_to_text(hex));
	}
	PG_RETURN_NULL();
}
