/*-------------------------------------------------------------------------
 *
 * fix_quarantine.c
 *	  schemaguard.quarantine: copies of rows that are removed.
 *
 *	  A row is kept as the text of a row value with the names of its columns.
 *	  Every setting that such texts depend on is pinned, here and when the row
 *	  goes back (fix_restore.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/quote.h"
#include "fix/fix.h"
#include "fix/fix_sql.h"
#include "plan/plan_deed.h"
#include "run/run.h"
#include "run/run_lock.h"
#include "run/run_name.h"
#include "run/run_rights.h"

/* number of copies written in one statement */
#define COPY_ROWS			100


/* Returns the columns of a table that an INSERT may name */
static List *
stored_columns(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *columns = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attgenerated == '\0')
			columns = lappend(columns, pstrdup(NameStr(att->attname)));
	}
	table_close(rel, NoLock);
	return columns;
}

/* Returns whether to_jsonb() is safe for the column: it fails for some json, and may run code. */
static bool
is_plain_type(Oid type)
{
	Oid			element = get_base_element_type(type);

	if (OidIsValid(element))
		type = element;
	return type < FirstNormalObjectId && type != JSONOID && type != RECORDOID;
}

/* Returns the query for row text, row as jsonb, partition, place */
static char *
copy_query(Oid relid, List *columns)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT (ROW(");
	foreach(lc, columns)
		appendStringInfo(&buf, "%sfk.%s", foreach_current_index(lc) ? ", " : "",
						 quote_identifier(lfirst(lc)));
	appendStringInfoString(&buf, "))::pg_catalog.text, (SELECT pg_catalog.to_jsonb(j.*) FROM (SELECT ");
	foreach(lc, columns)
	{
		const char *name = quote_identifier(lfirst(lc));
		AttrNumber	attnum = get_attnum(relid, lfirst(lc));

		appendStringInfo(&buf, "%sfk.%s%s AS %s", foreach_current_index(lc) ? ", " : "", name,
						 is_plain_type(get_atttype(relid, attnum)) ? "" : "::pg_catalog.text", name);
	}
	appendStringInfoString(&buf, ") j)");
	fix_append_at_places(&buf, relid);
	return buf.data;
}

/* Target that the copies of some rows share */
typedef struct CopyTarget
{
	const PlanRun *run;
	int			step;
	const FixRow *like;
	const char *role;			/* role whose privileges are used */
	List	   *columns;
} CopyTarget;

/* Writes the copies that an open query has just fetched */
static void
write_copies(const CopyTarget *target)
{
	Oid			types[] = {UUIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	TEXTARRAYOID, TEXTARRAYOID, JSONBARRAYOID, INT8OID, TEXTOID};
	Datum		values[lengthof(types)];
	Datum	   *texts = palloc(sizeof(Datum) * SPI_processed);
	Datum	   *documents = palloc(sizeof(Datum) * SPI_processed);
	int			n = (int) SPI_processed;
	pg_uuid_t	run = target->run->id;
	SgScope		scope;
	bool		isnull;

	for (int i = 0; i < n; i++)
	{
		texts[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		documents[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull);
	}
	values[0] = UUIDPGetDatum(&run);
	values[1] = CStringGetTextDatum(target->role);
	values[2] = CStringGetTextDatum(target->run->plan->name);
	values[3] = Int32GetDatum(target->step);
	values[4] = CStringGetTextDatum(target->like->by->key->name);
	values[5] = CStringGetTextDatum(target->like->reached ? "reached" : "orphan");
	values[6] = CStringGetTextDatum(sg_relation_name(target->like->table));
	values[7] = CStringGetTextDatum(GetUserNameFromId(code_table_owner(target->like->table), false));
	values[8] = sg_text_array(target->columns);
	values[9] = PointerGetDatum(construct_array(texts, n, TEXTOID, -1, false, TYPALIGN_INT));
	values[10] = PointerGetDatum(construct_array(documents, n, JSONBOID, -1, false, TYPALIGN_INT));
	values[11] = Int64GetDatum(target->run->plan->id);
	values[12] = CStringGetTextDatum(plan_deed_mark_columns(target->like->table, target->like->place.leaf, target->columns));

	sg_owner_begin(&scope);
	SPI_connect();
	if (sg_owner_execute(SPI_OK_INSERT,
						 "INSERT INTO schemaguard.quarantine"
						 " (run_id, role, plan, step, fk_name, cause, row_table, table_owner, columns, identity, plan_id, readers, row_text, data)"
						 " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $13, $12, (SELECT schemaguard.sg_role_marks($2, $8, 'pg_read_all_data')), t.* FROM ROWS FROM"
						 " (pg_catalog.unnest($10), pg_catalog.unnest($11)) t",
						 lengthof(types), types, values, NULL) != n)
		elog(ERROR, "rows were lost on the way into quarantine");
	SPI_finish();
	sg_scope_end(&scope);
}

/* Copies rows of one table or partition that one key has reached */
static void
copy_rows(const CopyTarget *target, const FixPlaces *places)
{
	Oid			table = target->like->table;
	char	   *sql = copy_query(table, target->columns);
	FixUnit    *unit = fix_unit(table);
	SgScope		scope;
	Datum		values[2];
	Portal		portal;
	int64		copied = 0;

	fix_unit_rows(unit, table);
	fix_scope_begin(&scope, unit);
	sg_scope_pin_texts();
	SPI_connect();
	fix_places_args(places, values);
	portal = SPI_cursor_open(NULL, fix_prepare(sql, 1), values, NULL, false);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, COPY_ROWS);
		if (SPI_processed == 0)
			break;
		copied += SPI_processed;
		write_copies(target);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	sg_scope_end(&scope);

	if (copied != places->n)
		elog(ERROR, "rows that are locked can't be copied");
}

static bool
copied_together(const FixRow *a, const FixRow *b)
{
	return a->table == b->table && a->place.leaf == b->place.leaf && a->by == b->by && a->reached == b->reached;
}

void
fix_quarantine(const FixBatch *batch, const PlanRun *run, int step)
{
	bool	   *copied = palloc0(sizeof(bool) * Max(batch->n, 1));
	const char *role = GetUserNameFromId(GetUserId(), false);

	/*
	 * the deepest rows first, so that restoring, latest first, begins with
	 * the rows that others refer to
	 */
	for (int i = batch->n - 1; i >= 0; i--)
	{
		CopyTarget	target = {run, step, &batch->rows[i], role};
		FixPlaces	places;

		if (batch->rows[i].fate != FIX_QUARANTINE || copied[i])
			continue;
		fix_places_init(&places);
		for (int j = i; j >= 0; j--)
		{
			const FixRow *row = &batch->rows[j];

			if (row->fate != FIX_QUARANTINE || copied[j] || !copied_together(target.like, row))
				continue;
			fix_places_add(&places, row->place.leaf, &row->place.tid);
			copied[j] = true;
		}
		target.columns = stored_columns(target.like->table);
		copy_rows(&target, &places);
	}
}
