/*-------------------------------------------------------------------------
 *
 * fix_restore.c
 *	  CALL sg_restore_quarantine: rows go back from schemaguard.quarantine.
 *
 *	  A copy goes through the input functions of its columns' present types.
 *	  Each restored row is read back and compared with the copy's text, so
 *	  that a row either returns as it was or stays.
 *
 *	  Rows go back many at a time, and their AFTER triggers, foreign keys
 *	  among them, fire when all are in.  If a key refuses one, all that it
 *	  refuses are found by one query, and stay (fix_restore_refused.c).  If
 *	  that fails, halves are tried, down to the single row, which stays, with
 *	  the reason.  To make failures rare, tables to which others with copies
 *	  refer come first (fix_restore_order.c), and rows that depend on a later
 *	  row, of their own table or of one that refers to it, are tried again, in
 *	  reverse order.
 *
 *	  Rows that a trigger would change or suppress stay.  A rollback, which is
 *	  to leave the tables as they were, tries these once more with the table's
 *	  BEFORE triggers disabled, by name and in the same transaction, if the
 *	  caller owns the table.  Copies are users' data: a role that may not see
 *	  a copy may not restore it either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "base/calls.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "base/args.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/meant.h"
#include "base/progress.h"
#include "base/quote.h"
#include "fix/fix.h"
#include "fix/fix_restore.h"
#include "fix/fix_sql.h"
#include "log/log_grant.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "plan/plan_store.h"
#include "run/run.h"
#include "run/run_deed.h"
#include "run/run_lock.h"
#include "run/run_name.h"
#include "run/run_rights.h"
#include "run/run_throttle.h"
#include "run/run_unit.h"

SG_FUNCTION(sg_restore_quarantine);

/* limits of one transaction of a restore */
#define RESTORE_ROWS		1000
#define RESTORE_BYTES		(16 * INT64CONST(1024) * 1024)

/* but for rows that refer to one another in a circle: these go back together, or not at all */
#define MOST_ROWS			(RESTORE_ROWS * 1000)
#define MORE_ROWS			4	/* factor by which passes in vain grow */

/* fraction of a part's rows that a key has to refuse for the rest to be judged again, rather than halved */
#define FEW_REFUSED			8

/* A copy, and its outcome */
typedef struct Copy
{
	int64		id;
	char	   *table;
	char	   *owner;
	List	   *readers;		/* char *: sg_role_marks() of roles, the owner
								 * among them */
	TimestampTz at;
	List	   *columns;		/* names of its columns when it was made */
	char	   *identity;		/* plan_deed_mark_columns() of the columns, or
								 * NULL */
	List	   *now;			/* present names of its columns */
	char	   *renamed;		/* a column known by name only, which the plan
								 * has renamed since, or NULL */
	char	   *text;
	Oid			relid;
	bool		elsewhere;		/* the plan ran in another database, as before
								 * a restore from a dump */
	Datum	   *values;
	char	   *nulls;
	SPIPlanPtr	insert;			/* plan of the INSERT, in the first copy of
								 * each table in a part */
	struct Copy *first;			/* first copy of its table */
	TupleDesc	desc;			/* row type with the types that the columns
								 * had before the first row went back */
	Datum		parsed;			/* row value of that type to insert */
	Datum		back;			/* row value that INSERT returned; its types
								 * may differ, because a trigger may change
								 * them */
	Oid			leaf;			/* table or partition that got the row */
	ItemPointerData tid;
	bool		looked;			/* it was looked for in its restored table */
	bool		there;			/* and is there already */
	bool		refused;		/* a key has refused it, and those beside it */
	bool		restored;
} Copy;

/* Order in which copies are tried */
typedef struct RestorePass
{
	List	   *tables;			/* names */
	int			rows;			/* rows of one transaction, at most; more than
								 * RESTORE_ROWS after fewer have been tried in
								 * vain */
	bool		oldest_first;
	int64		tried;			/* rows, of all tables */
} RestorePass;

/* Copies that go back in one transaction */
typedef struct RestoreAction
{
	RunAction	action;
	List	   *steps;			/* int: steps; NIL: all chosen ones */
	const RestorePass *pass;
	int64		after;			/* id of the last copy that was tried before */
	Copy	   *copies;
	int			n;
	int64		restored;
	MemoryContext context;
	List	   *disabled;		/* names of disabled triggers, with their
								 * tables */
	List	   *changed;		/* names of tables, as in RestorePart */
} RestoreAction;

/* Copies that are tried together */
typedef struct RestorePart
{
	Copy	   *copies;
	int			n;
	const PlanRun *run;
	Oid			role;			/* role of the statements; InvalidOid: the
								 * caller */
	bool		by_trigger;		/* a trigger has changed a row, or suppressed
								 * it */
	bool		by_type;		/* a column has another type now */
	bool		doubles;		/* some are there already */
	const FkKey *refusing;		/* key by which all rows are judged that it
								 * refuses, in place of being restored; or
								 * NULL */
	List	   *others;			/* OIDs of further keys that refuse those */
	List	   *disabled;		/* RowTrigger *: disabled triggers */
	List	   *changed;		/* names of tables: AFTER triggers have
								 * changed restored rows */
} RestorePart;

int64
fix_kept_by(const PlanRun *run)
{
	return run->kept_by ? run->kept_by : run->plan->id;
}

Oid
fix_table_of_rows(const PlanRun *run, const char *name, const char *identity)
{
	Oid			table;
	List	   *columns;

	if (identity && plan_deed_read_columns(identity, &table, &columns))
		return OidIsValid(table) || run->urgent ? table : sg_find_qualified(name);
	table = plan_deed_table(fix_kept_by(run), name);
	return OidIsValid(table) || run->urgent ? table : sg_find_qualified(name);
}

/* Returns the steps whose copies go back, as int4[]; empty: all */
static Datum
steps_array(const RestoreAction *action)
{
	FkPlan		plan = *action->action.run->plan;

	if (action->steps)
		plan.chosen = action->steps;
	return plan_chosen_array(&plan);
}

/*
 * Returns whether the columns of a copy are known by number in this database;
 * sets their present names, NULL for dropped ones
 */
static bool
knows_numbers(const Copy *copy, List **names)
{
	Oid			table;

	return plan_deed_read_columns(copy->identity, &table, names) && table == copy->relid;
}

/* Returns the renames and drops of columns that the plan has not taken back, of all its steps */
static List *
open_renames(const PlanRun *run)
{
	FkPlan		plan = *run->plan;
	List	   *renames = NIL;

	plan.id = fix_kept_by(run);
	plan.chosen = NIL;
	foreach_ptr(PlanDeed, deed, plan_deeds(&plan, DEED_BIT(DEED_CHANGE)))
	{
		if ((deed->what->kind == STEP_RENAME || deed->what->kind == STEP_DROP) && plan_changed_object(deed->what) == CHANGED_COLUMN)
			renames = lappend(renames, deed);
	}
	return renames;
}

/*
 * Returns a column of a copy, known by name, whose name such a deed has since
 * given to another column, or removed; NULL if there is none
 */
static char *
renamed_since(const PlanRun *run, const Copy *copy, const List *renames)
{
	foreach_ptr(const PlanDeed, deed, renames)
	{
		const PlanStep *what = deed->what;
		const char *name = sg_has_name(copy->columns, what->fk_name) ? what->fk_name :
			what->kind == STEP_RENAME && sg_has_name(copy->columns, what->new_name) ? what->new_name : NULL;

		if (name && deed->done_at > copy->at && plan_deed_table(fix_kept_by(run), what->child_table) == copy->relid)
			return pstrdup(name);
	}
	return NULL;
}

/*
 * Loads the next copies that the caller may see, of the pass' tables, latest
 * first: within a table, a row mostly goes into quarantine after the rows that
 * refer to it.
 */
static void
load_copies(RestoreAction *action)
{
	static const char *const query =
		"SELECT q.id, q.row_table, q.table_owner, q.readers, q.at, q.columns, q.identity, q.row_text"
		" FROM (SELECT c.*, sum(octet_length(c.row_text)) OVER (ORDER BY c.id %2$s) - octet_length(c.row_text) AS before"
		"       FROM (SELECT * FROM schemaguard.quarantine"
		"             WHERE plan_id = $1 AND id %1$s $2 AND (cardinality($6) = 0 OR step = ANY ($6))"
		"               AND row_table = ANY ($7) AND readers && (SELECT schemaguard.sg_roles_of($3))"
		"             ORDER BY id %2$s LIMIT $4) c) q"
		" WHERE q.before < $5 ORDER BY q.id %2$s";
	Oid			types[] = {INT8OID, INT8OID, TEXTOID, INT8OID, INT8OID, INT4ARRAYOID, TEXTARRAYOID};
	bool		oldest_first = action->pass->oldest_first;
	Datum		values[] = {Int64GetDatum(fix_kept_by(action->action.run)),
		Int64GetDatum(action->after),
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
		Int64GetDatum(action->pass->rows),
		Int64GetDatum(RESTORE_BYTES / RESTORE_ROWS * action->pass->rows),
		steps_array(action),
	sg_text_array(action->pass->tables)};
	MemoryContext context = CurrentMemoryContext;
	List	   *renames = NIL;
	List	   *names;
	bool		loaded = false;
	SgScope		scope;
	uint64		n;

	/* in index order, because many may be left for later */
	sg_owner_begin(&scope);
	sg_scope_set("jit", "off");
	sg_scope_set("enable_bitmapscan", "off");
	sg_scope_set("enable_sort", "off");
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, psprintf(query, oldest_first ? ">" : "<", oldest_first ? "ASC" : "DESC"),
						 lengthof(types), types, values, NULL);
	action->n = (int) n;
	action->copies = MemoryContextAllocZero(context, sizeof(Copy) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		Copy	   *copy = &action->copies[i];
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		copy->id = sg_spi_int64(row, desc, "id");
		copy->table = sg_spi_text(row, desc, "row_table");
		copy->owner = sg_spi_text(row, desc, "table_owner");
		copy->readers = sg_spi_text_array(row, desc, "readers");
		copy->at = (TimestampTz) sg_spi_int64(row, desc, "at");
		copy->columns = sg_spi_text_array(row, desc, "columns");
		copy->identity = sg_spi_text(row, desc, "identity");
		copy->text = sg_spi_text(row, desc, "row_text");
	}
	SPI_finish();
	sg_scope_end(&scope);
	action->after = n > 0 ? action->copies[n - 1].id : action->after;
	for (int i = 0; i < action->n; i++)
	{
		Copy	   *copy = &action->copies[i];
		bool		same = i > 0 && strcmp(copy->table, copy[-1].table) == 0;

		copy->relid = same && sg_same_text(copy->identity, copy[-1].identity) ? copy[-1].relid : fix_table_of_rows(action->action.run, copy->table, copy->identity);
		copy->elsewhere = same ? copy[-1].elsewhere : plan_deed_is_elsewhere(fix_kept_by(action->action.run), copy->table);
		if (!OidIsValid(copy->relid) || knows_numbers(copy, &names))
			continue;
		if (!loaded)
			renames = open_renames(action->action.run);
		loaded = true;
		copy->renamed = renamed_since(action->action.run, copy, renames);
	}
	/* by their present names */
	for (int i = 0; i < action->n; i++)
	{
		if (OidIsValid(action->copies[i].relid))
			action->copies[i].table = sg_relation_name(action->copies[i].relid);
	}
}

bool
fix_takes_over(bool elsewhere, Oid owner)
{
	return elsewhere && superuser() && superuser_arg(owner);
}

/* Was the table this role's, which may be called otherwise by now? */
static bool
was_of(const Copy *copy, Oid owner)
{
	const char *rest = copy->identity;
	Oid			table;

	return strcmp(GetUserNameFromId(owner, false), copy->owner) == 0 ||
		(!copy->elsewhere && plan_deed_read_mark(&rest, &table) && sg_has_name(copy->readers, psprintf("%s %u", copy->owner, owner)));
}

/* Finds the table of a copy, which must still have the same owner */
static void
find_table(Copy *copy)
{
	char		relkind;

	if (!OidIsValid(copy->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 OidIsValid(sg_find_qualified(copy->table)) ? errmsg("table %s is another one by now", copy->table) :
				 errmsg("table %s does not exist", copy->table)));
	/* the table was created after the locks were taken */
	if (!run_deed_holds(copy->relid))
		sg_raise_replaced(copy->table);
	relkind = get_rel_relkind(copy->relid);
	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a table", copy->table)));
	if (!was_of(copy, code_table_owner(copy->relid)) &&
		!fix_takes_over(copy->elsewhere, code_table_owner(copy->relid)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table %s belonged to role %s, and belongs to another role now",
						copy->table, copy->owner)));
}

/*
 * Returns the present names of the columns.  Columns without numbers in this
 * database, as after a restore from a dump, go by their former names, unless
 * the plan has changed these since.  By calling sg_restore_quarantine() the
 * caller confirms that a recreated column of the name is the one.
 */
static List *
names_of_now(const PlanRun *run, const Copy *copy)
{
	List	   *names;
	List	   *there = NIL;
	ListCell   *name;
	ListCell   *then;

	if (copy->renamed)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("the plan has renamed or dropped column %s of table %s since, which is known by its name alone",
						quote_identifier(copy->renamed), copy->table)));
	if (!knows_numbers(copy, &names))
		return copy->columns;
	foreach(name, names)
	{
		if (lfirst(name))
			there = lappend(there, lfirst(name));
	}
	forboth(name, names, then, copy->columns)
	{
		const char *column = quote_identifier(lfirst(then));

		if (lfirst(name))
			continue;
		if (get_attnum(copy->relid, lfirst(then)) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table %s has no column %s any more", copy->table, column)));
		if (run->urgent || sg_has_name(there, lfirst(then)))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column %s of table %s is another one by now", column, copy->table)));
		lfirst(name) = lfirst(then);
	}
	return names;
}

/* Returns a row type with the present types of the columns */
static TupleDesc
row_descriptor(const Copy *copy)
{
	Relation	rel = table_open(copy->relid, NoLock);
	TupleDesc	desc = CreateTemplateTupleDesc(list_length(copy->now));
	ListCell   *lc;

	foreach(lc, copy->now)
	{
		AttrNumber	attnum = get_attnum(copy->relid, lfirst(lc));
		int			n = foreach_current_index(lc) + 1;
		Form_pg_attribute att;

		if (attnum <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table %s has no column %s any more", copy->table,
							quote_identifier(lfirst(lc)))));
		att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
		if (att->attgenerated != '\0')
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("column %s of table %s is generated by now",
							quote_identifier(lfirst(lc)), copy->table)));
		TupleDescInitEntry(desc, n, lfirst(lc), att->atttypid, att->atttypmod, att->attndims);
		TupleDescInitEntryCollation(desc, n, att->attcollation);
	}
	table_close(rel, NoLock);
	TupleDescFinalize(desc);
	return BlessTupleDesc(desc);
}

static bool
same_table(const Copy *a, const Copy *b)
{
	return strcmp(a->table, b->table) == 0 && strcmp(a->owner, b->owner) == 0 &&
		sg_equal_names(a->columns, b->columns) && sg_same_text(a->identity, b->identity) && b->renamed == NULL;
}

/* Raises an error if the row would mean something else in the table now, or go into another partition */
static void
check_origin(RestorePart *part, const Copy *copy)
{
	Oid			leaf = fix_detached_from(copy->relid, copy->identity);

	if (OidIsValid(leaf))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition %s of table %s, which the row is from, is a table of its own by now", sg_relation_name(leaf), copy->table)));
	if (part->run->retyped)
		return;
	part->by_type = true;
	fix_check_retyped(copy->relid, copy->identity, copy->at, copy->columns, copy->now);
	part->by_type = false;
}

/* Returns the copy in the list that is of the same table, or NULL */
static Copy *
first_of_table(const List *firsts, const Copy *copy)
{
	foreach_ptr(Copy, first, firsts)
	{
		if (same_table(copy, first))
			return first;
	}
	return NULL;
}

/*
 * Finds the tables of the copies, and the one role for all of them, because
 * triggers of several tables fire together
 */
static void
resolve_copies(RestorePart *part)
{
	FixUnit    *unit = NULL;
	List	   *firsts = NIL;

	for (int i = 0; i < part->n; i++)
	{
		Copy	   *copy = &part->copies[i];

		copy->first = first_of_table(firsts, copy);
		if (copy->first)
		{
			copy->relid = copy->first->relid;
			copy->desc = copy->first->desc;
			copy->now = copy->first->now;
			continue;
		}
		copy->first = copy;
		copy->insert = NULL;
		firsts = lappend(firsts, copy);
		find_table(copy);
		copy->now = names_of_now(part->run, copy);
		copy->desc = row_descriptor(copy);
		check_origin(part, copy);
		if (unit == NULL)
			unit = fix_unit(copy->relid);
		fix_unit_write(unit, copy->relid, CMD_INSERT, copy->now);
	}
	part->role = fix_unit_role(unit);
}

/* Converts texts to values, by the types' own input functions */
static void
parse_copies(RestorePart *part)
{
	SgScope		scope;

	sg_role_begin(&scope, part->role);
	sg_scope_pin_texts();
	for (int i = 0; i < part->n; i++)
	{
		Copy	   *copy = &part->copies[i];
		int			n = list_length(copy->columns);
		HeapTupleData tuple;
		HeapTupleHeader header;
		bool	   *nulls = palloc(sizeof(bool) * n);

		header = DatumGetHeapTupleHeader(OidFunctionCall3(F_RECORD_IN,
														  CStringGetDatum(copy->text),
														  ObjectIdGetDatum(RECORDOID),
														  Int32GetDatum(copy->desc->tdtypmod)));
		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		tuple.t_data = header;
		copy->parsed = HeapTupleHeaderGetDatum(header);
		copy->values = palloc(sizeof(Datum) * n);
		copy->nulls = palloc(n);
		heap_deform_tuple(&tuple, copy->desc, copy->values, nulls);
		for (int j = 0; j < n; j++)
			copy->nulls[j] = nulls[j] ? 'n' : ' ';
	}
	sg_scope_end(&scope);
}

/* Prepares INSERT ... RETURNING the same columns */
static SPIPlanPtr
insert_plan(const Copy *copy)
{
	int			n = list_length(copy->columns);
	char	   *names = sg_quote_list(copy->now);
	Oid		   *types = palloc(sizeof(Oid) * n);
	StringInfoData buf;
	SPIPlanPtr	plan;

	initStringInfo(&buf);
	appendStringInfo(&buf, "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (",
					 sg_relation_name(copy->relid), names);
	for (int i = 0; i < n; i++)
	{
		types[i] = TupleDescAttr(copy->desc, i)->atttypid;
		appendStringInfo(&buf, "%s$%d", i ? ", " : "", i + 1);
	}
	appendStringInfo(&buf, ") RETURNING ROW(%s), tableoid, ctid", names);
	run_check_names(buf.data);
	plan = SPI_prepare(buf.data, n, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), buf.data);
	return plan;
}

/* Returns whether the table is another one than the rows were taken from: restored from a dump, for one */
static bool
is_another_table(const Copy *copy)
{
	const char *mark = copy->identity;
	Oid			table;

	return plan_deed_read_mark(&mark, &table) && table != copy->relid;
}

/*
 * Returns the query for the numbers of copies whose equals are in the table
 * since before this call: of equal copies, as many as there are rows
 */
static char *
there_query(const Copy *copy)
{
	char	   *row = psprintf("ROW(%s)::text COLLATE \"C\"", sg_quote_list(copy->now));

	return psprintf("SELECT c.n::bigint AS n FROM (SELECT text, n, row_number() OVER (PARTITION BY text ORDER BY n) AS nth"
					" FROM unnest($1) WITH ORDINALITY u (text, n)) c JOIN (SELECT %s AS text, count(*) AS n FROM %s"
					" WHERE age(xmin) > $2 AND %s = ANY ($1) GROUP BY 1) t ON t.text = c.text AND c.nth <= t.n",
					row, sg_relation_name(copy->relid), row);
}

/* Finds the copies of one table, not looked for yet, that are there already */
static void
find_there(RestorePart *part, const Copy *first)
{
	Oid			types[] = {TEXTARRAYOID, INT4OID};
	Datum		values[] = {0, Int32GetDatum((int32) (GetStableLatestTransactionId() - part->run->restores_since))};
	char	   *query = there_query(first);
	List	   *texts = NIL;
	List	   *copies = NIL;

	for (int i = 0; i < part->n; i++)
	{
		Copy	   *copy = &part->copies[i];

		if (copy->first != first || copy->looked)
			continue;
		copy->looked = true;
		texts = lappend(texts, copy->text);
		copies = lappend(copies, copy);
	}
	if (copies == NIL)
		return;
	values[0] = sg_text_array(texts);
	run_check_names(query);
	if (SPI_execute_with_args(query, lengthof(types), types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "rows were not looked for by: %s", query);
	for (uint64 i = 0; i < SPI_processed; i++)
		((Copy *) list_nth(copies, (int) sg_spi_int64(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, "n") - 1))->there = true;
	part->doubles |= SPI_processed > 0;
}

/*
 * Raises an error if copies are in their table already, which was restored from
 * before they were taken: without a key, the table would take them twice
 */
static void
check_doubles(RestorePart *part)
{
	SgScope		scope;

	if (part->run->past_keys)
		return;
	sg_role_begin(&scope, part->role);
	sg_scope_pin();
	sg_scope_pin_texts();
	sg_scope_set("row_security", "off");
	SPI_connect();
	for (int i = 0; i < part->n; i++)
	{
		if (part->copies[i].first == &part->copies[i] && is_another_table(&part->copies[i]))
			find_there(part, &part->copies[i]);
	}
	SPI_finish();
	sg_scope_end(&scope);
	if (part->doubles)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("%s", RESTORED_ALREADY)));
}

static void
kept_by_trigger(RestorePart *part, const Copy *copy)
{
	part->by_trigger = true;
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
			 errmsg("a trigger or rule of %s keeps the row out", copy->table)));
}

/* Keeps the row that INSERT has returned */
static void
keep_back(Copy *copy, HeapTuple row, TupleDesc desc)
{
	bool		isnull;

	copy->back = datumCopy(SPI_getbinval(row, desc, 1, &isnull), false, -1);
	copy->leaf = DatumGetObjectId(SPI_getbinval(row, desc, 2, &isnull));
	copy->tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(row, desc, 3, &isnull));
}

/* Returns whether a row is still as it was inserted, after the AFTER triggers */
static bool
is_as_inserted(const Copy *copy)
{
	Relation	rel = table_open(copy->leaf, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ItemPointerData tid = copy->tid;
	bool		result = rel->rd_rel->relkind != RELKIND_RELATION ||
		table_tuple_fetch_row_version(rel, &tid, GetActiveSnapshot(), slot);

	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * Records tables whose AFTER triggers changed restored rows: AFTER triggers
 * stay enabled, because they act on other tables as well
 */
static void
find_changed(RestorePart *part)
{
	part->changed = NIL;
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	for (int i = 0; i < part->n; i++)
	{
		if (!sg_has_name(part->changed, part->copies[i].table) && !is_as_inserted(&part->copies[i]))
			part->changed = lappend(part->changed, part->copies[i].table);
	}
	PopActiveSnapshot();
}

static int
compare_places(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(FixPlace));
}

/* Records the other keys that refuse these rows, too: the server names one key at a time */
static void
note_others(RestorePart *part, List *tables, const FixPlaces *rows)
{
	foreach_oid(table, tables)
	{
		foreach_ptr(const FkKey, key, fk_declared(table))
		{
			FixPlaces	refused;
			MemoryContext old;

			if (!key->enforced || key->conid == part->refusing->conid || list_member_oid(part->others, key->conid))
				continue;
			fix_places_init(&refused);
			fix_find_refused(key, tables, rows, &refused);
			if (refused.n == 0)
				continue;
			old = MemoryContextSwitchTo(part->run->context);
			part->others = lappend_oid(part->others, key->conid);
			MemoryContextSwitchTo(old);
		}
	}
}

/* Marks the inserted copies that the part's key refuses, and raises an error, which takes all of them out again */
static void
mark_refused(RestorePart *part)
{
	List	   *tables = NIL;
	FixPlaces	rows;
	FixPlaces	refused;

	fix_places_init(&rows);
	fix_places_init(&refused);
	for (int i = 0; i < part->n; i++)
	{
		const Copy *copy = &part->copies[i];

		if (copy->first == copy)
			tables = lappend_oid(tables, copy->relid);
		fix_places_add(&rows, copy->leaf, &copy->tid);
	}
	fix_find_refused(part->refusing, tables, &rows, &refused);
	if (refused.n > 0)
		note_others(part, tables, &refused);
	if (refused.n > 0)
		qsort(refused.places, refused.n, sizeof(FixPlace), compare_places);
	for (int i = 0; i < part->n && refused.n > 0; i++)
		part->copies[i].refused = bsearch(&rows.places[i], refused.places, refused.n, sizeof(FixPlace), compare_places) != NULL;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("key %s refuses rows", quote_identifier(part->refusing->name))));
}

/* Inserts the copies; triggers are deferred until all rows are in */
static void
insert_copies(RestorePart *part)
{
	MemoryContext context = CurrentMemoryContext;
	EState	   *estate = CreateExecutorState();
	SgScope		scope;

	fix_write_begin(&scope, part->role);
	AfterTriggerBeginQuery();
	SPI_connect();
	for (int i = 0; i < part->n; i++)
	{
		Copy	   *copy = &part->copies[i];
		MemoryContext old;
		int			rc;

		if (copy->first->insert == NULL)
			copy->first->insert = insert_plan(copy);
		rc = SPI_execute_snapshot(copy->first->insert, copy->values, copy->nulls, InvalidSnapshot,
								  InvalidSnapshot, false, false, 0);
		if (rc < 0)
			elog(ERROR, "SPI returned %s", SPI_result_code_string(rc));
		if (rc != SPI_OK_INSERT_RETURNING || SPI_processed != 1)
			kept_by_trigger(part, copy);
		old = MemoryContextSwitchTo(context);
		keep_back(copy, SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
		MemoryContextSwitchTo(old);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_finish();
	if (part->refusing)
	{
		fix_write_end(&scope, part->role);
		mark_refused(part);
	}
	AfterTriggerEndQuery(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseResultRelations(estate);
	FreeExecutorState(estate);
	fix_write_end(&scope, part->role);
}

/*
 * Raises an error unless the restored rows equal the kept copies to the letter;
 * with types that were changed since, at the caller's request, unless they
 * equal the values read from the copies
 */
static void
compare_copies(RestorePart *part)
{
	SgScope		scope;

	sg_role_begin(&scope, part->role);
	sg_scope_pin_texts();
	for (int i = 0; i < part->n; i++)
	{
		Copy	   *copy = &part->copies[i];
		const char *text = part->run->retyped ? OidOutputFunctionCall(F_RECORD_OUT, copy->parsed) : copy->text;

		if (strcmp(OidOutputFunctionCall(F_RECORD_OUT, copy->back), text) != 0)
		{
			part->by_trigger = true;
			ereport(ERROR,
					(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
					 errmsg("the row would come back changed, by a trigger of %s or because a type was changed",
							copy->table)));
		}
	}
	sg_scope_end(&scope);
}

static Datum
copy_ids(const RestorePart *part)
{
	Datum	   *ids = palloc(sizeof(Datum) * part->n);

	for (int i = 0; i < part->n; i++)
		ids[i] = Int64GetDatum(part->copies[i].id);
	return PointerGetDatum(construct_array(ids, part->n, INT8OID, sizeof(int64), true,
										   TYPALIGN_DOUBLE));
}

/* Changes these copies' rows of the quarantine, as its owner, and no others */
static void
change_copies(int expected, const char *sql, const RestorePart *part, const char *reason)
{
	Oid			types[] = {INT8ARRAYOID, TEXTOID};
	Datum		values[] = {copy_ids(part), CStringGetTextDatum(reason ? reason : "")};
	SgScope		scope;

	sg_owner_begin(&scope);
	SPI_connect();
	if (sg_owner_execute(expected, sql, reason ? 2 : 1, types, values, NULL) != part->n)
		elog(ERROR, "copies in quarantine were changed by somebody else");
	SPI_finish();
	sg_scope_end(&scope);
}

/*
 * Appends a table's triggers that fire before such a change of a row; returns
 * false if the caller may not disable them
 */
static bool
find_table_triggers(Oid relid, int16 events, List **triggers)
{
	SgCatalog	scan;
	HeapTuple	tuple;
	bool		found = false;

	sg_catalog_begin(&scan, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		RowTrigger *trigger;

		if (form->tgisinternal || (form->tgtype & events) == 0 || !TRIGGER_FOR_ROW(form->tgtype) || !TRIGGER_FOR_BEFORE(form->tgtype) ||
			(form->tgenabled != TRIGGER_FIRES_ON_ORIGIN && form->tgenabled != TRIGGER_FIRES_ALWAYS))
			continue;
		trigger = palloc(sizeof(RowTrigger));
		trigger->table = relid;
		trigger->name = pstrdup(NameStr(form->tgname));
		trigger->enabled = form->tgenabled;
		*triggers = lappend(*triggers, trigger);
		found = true;
	}
	return !found || sg_owns_relation(relid, GetUserId());
}

List *
fix_row_triggers(Oid relid, int16 events)
{
	List	   *triggers = NIL;

	foreach_oid(part, sg_with_partitions(relid))
	{
		if (!find_table_triggers(part, events, &triggers))
			return NIL;
	}
	return triggers;
}

void
fix_switch_triggers(List *triggers, bool on)
{
	foreach_ptr(const RowTrigger, trigger, triggers)
	{
		run_statement(psprintf("ALTER TABLE ONLY %s %s TRIGGER %s", sg_relation_name(trigger->table),
							   !on ? "DISABLE" : trigger->enabled == TRIGGER_FIRES_ALWAYS ? "ENABLE ALWAYS" : "ENABLE",
							   quote_identifier(trigger->name)));
	}
}

List *
fix_trigger_names(List *triggers)
{
	List	   *names = NIL;

	foreach_ptr(const RowTrigger, trigger, triggers)
	{
		names = lappend(names, psprintf("%s ON %s", quote_identifier(trigger->name), sg_relation_name(trigger->table)));
	}
	return names;
}

char *
fix_disabled_text(List *names)
{
	char	   *text = NULL;

	foreach_ptr(const char, name, names)
	{
		text = text ? psprintf("%s, %s", text, name) : psprintf("disabled meanwhile: trigger %s", name);
	}
	return text;
}

/* Returns such triggers of all tables of some copies */
static List *
find_part_triggers(const RestorePart *part)
{
	List	   *tables = NIL;
	List	   *triggers = NIL;

	for (int i = 0; i < part->n; i++)
	{
		Oid			relid = sg_find_qualified(part->copies[i].table);

		if (OidIsValid(relid) && !list_member_oid(tables, relid))
		{
			tables = lappend_oid(tables, relid);
			triggers = list_concat(triggers, fix_row_triggers(relid, TRIGGER_TYPE_INSERT));
		}
	}
	return triggers;
}

static void
restore_part(void *arg)
{
	RestorePart *part = arg;

	fix_switch_triggers(part->disabled, false);
	resolve_copies(part);
	parse_copies(part);
	check_doubles(part);
	insert_copies(part);
	compare_copies(part);
	change_copies(SPI_OK_DELETE, "DELETE FROM schemaguard.quarantine WHERE id = ANY ($1)",
				  part, NULL);
	run_fire_deferred();
	find_changed(part);
	fix_switch_triggers(part->disabled, true);
}

/* Records the disabled triggers, and the tables whose rows were changed, for the log and the last line */
static void
note_triggers(RestoreAction *action, const RestorePart *part)
{
	MemoryContext old = MemoryContextSwitchTo(action->context);

	foreach_ptr(const char, table, part->changed)
	{
		if (!sg_has_name(action->changed, table))
			action->changed = lappend(action->changed, pstrdup(table));
	}

	foreach_ptr(const char, name, fix_trigger_names(part->disabled))
	{
		if (!sg_has_name(action->disabled, name))
			action->disabled = lappend(action->disabled, pstrdup(name));
	}
	MemoryContextSwitchTo(old);
}

/* Restores some copies together; if triggers interfere, once more without these */
static ErrorData *
try_part(RestoreAction *action, RestorePart *part)
{
	ErrorData  *error = sg_try(restore_part, part);

	if (error && part->by_trigger && action->action.run->urgent)
	{
		part->disabled = find_part_triggers(part);
		if (part->disabled)
			error = sg_try(restore_part, part);
	}
	if (error == NULL)
		note_triggers(action, part);
	return error;
}

/* Returns the key that has refused a row, or InvalidOid */
static Oid
refusing_key(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION ? fk_of_error(error) : InvalidOid;
}

/* Records the key that has refused a row */
static void
note_refusing(PlanRun *run, const ErrorData *error)
{
	Oid			key = refusing_key(error);
	MemoryContext old = MemoryContextSwitchTo(run->context);

	if (OidIsValid(key))
		run->refusing = list_append_unique_oid(run->refusing, key);
	MemoryContextSwitchTo(old);
}

/*
 * Moves the copies that are there already, or that a key has refused, to the
 * end, with the reason; returns the number of the others
 */
static int
set_aside(const PlanRun *run, Copy *copies, int n, const char *reason)
{
	Copy	   *stay = palloc(sizeof(Copy) * n);
	int			nstay = 0;
	int			rest = 0;
	RestorePart aside = {.run = run};

	for (int i = 0; i < n; i++)
	{
		if (copies[i].there || copies[i].refused)
			stay[nstay++] = copies[i];
		else
			copies[rest++] = copies[i];
	}
	memcpy(&copies[rest], stay, sizeof(Copy) * nstay);
	aside.copies = &copies[rest];
	aside.n = nstay;
	if (nstay > 0)
		change_copies(SPI_OK_UPDATE, "UPDATE schemaguard.quarantine SET reason = $2 WHERE id = ANY ($1)", &aside, reason);
	return rest;
}

/*
 * After a key has refused a row of a part, finds all rows that it refuses;
 * returns the number of the others, which come first
 */
static int
leave_refused(RestoreAction *action, RestorePart *part, const ErrorData *error)
{
	Oid			conid = refusing_key(error);
	ErrorData  *marked;
	int			rest;

	for (int i = 0; i < part->n; i++)
		part->copies[i].refused = false;
	part->refusing = OidIsValid(conid) ? fk_by_oid(conid) : NULL;
	if (part->refusing == NULL)
		return part->n;
	marked = sg_try(restore_part, part);
	sg_rethrow_cancel(marked);
	if (run_is_lock_failure(marked))
		ReThrowError(marked);
	rest = set_aside(part->run, part->copies, part->n, sg_error_text(error));
	if (rest < part->n)
	{
		note_refusing(action->action.run, error);
		action->action.run->refusing = list_concat_unique_oid(action->action.run->refusing, part->others);
	}
	return rest;
}

/*
 * Restores all copies at once, or those that no key refuses, or halves; returns
 * the number of restored rows
 */
static int64
restore_copies(RestoreAction *action, Copy *copies, int n, bool judges)
{
	RestorePart part = {copies, n, action->action.run};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard restore",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorData  *error;
	int64		restored = n;
	int			rest = n;

	for (int i = 0; i < n; i++)
		copies[i].restored = false;
	CHECK_FOR_INTERRUPTS();
	error = try_part(action, &part);
	if (error)
	{
		sg_rethrow_cancel(error);
		if (run_is_lock_failure(error))
			ReThrowError(error);
		if (part.doubles)
		{
			action->action.run->doubled = true;
			rest = set_aside(part.run, copies, n, RESTORED_ALREADY ", since its table was restored");
		}
		else if (judges || n == 1)
		{
			rest = leave_refused(action, &part, error);
			/* few of them, as in a chain of rows: halves are no worse */
			judges = n - rest > n / FEW_REFUSED;
		}
		if (rest < n)
			restored = rest > 0 ? restore_copies(action, copies, rest, judges) : 0;
		else if (n > 1 && (n > RESTORE_ROWS || action->pass->rows == RESTORE_ROWS))
			restored = restore_copies(action, copies, n / 2, judges) + restore_copies(action, copies + n / 2, n - n / 2, judges);
		else if (n > 1)
			restored = 0;
		else
		{
			restored = 0;
			note_refusing(action->action.run, error);
			action->action.run->by_type |= part.by_type;
			change_copies(SPI_OK_UPDATE, "UPDATE schemaguard.quarantine SET reason = $2 WHERE id = ANY ($1)",
						  &part, sg_error_text(error));
		}
	}
	for (int i = 0; i < n && error == NULL; i++)
		copies[i].restored = true;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return restored;
}

/* Resets steps whose column was filled while restored rows were away */
static void
leave_unfilled(const RestoreAction *action)
{
	const Copy *last = NULL;

	for (int i = 0; i < action->n; i++)
	{
		const Copy *copy = &action->copies[i];

		if (!copy->restored || (last && last->relid == copy->relid && sg_equal_names(last->columns, copy->columns)))
			continue;
		fix_leave_unfilled(copy->relid, copy->columns);
		last = copy;
	}
}

/* Ends the proofs of keys that have not seen the rows which went back */
static void
forget_proofs(const RestoreAction *action)
{
	List	   *tables = NIL;

	for (int i = 0; i < action->n; i++)
	{
		const Copy *copy = &action->copies[i];

		if (!copy->restored || sg_has_name(tables, copy->table))
			continue;
		foreach_oid(relid, list_concat(sg_partition_ancestors(copy->relid), sg_with_partitions(copy->relid)))
			tables = lappend(tables, sg_relation_name(relid));
	}
	if (tables)
		audit_proof_forget(tables);
}

static void
do_restore(void *arg)
{
	RestoreAction *action = arg;
	LogEntry	entry;
	char	   *left = NULL;
	char	   *disabled;

	action->disabled = NIL;
	action->changed = NIL;
	action->restored = restore_copies(action, action->copies, action->n, true);
	leave_unfilled(action);
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		forget_proofs(action);
	entry = run_entry(&action->action, linitial(action->action.works), LOG_DONE);
	entry.rows_affected = action->restored;
	if (action->restored < action->n)
		left = psprintf("%d of %d rows are left in quarantine", action->n - (int) action->restored, action->n);
	disabled = fix_disabled_text(action->disabled);
	entry.message = left && disabled ? psprintf("%s; %s", left, disabled) : left ? left : disabled;
	log_write(&entry);
}

static void
execute_restore(RunAction *action)
{
	run_deed(action, do_restore, action);
}

/* Returns the number in column n of a query about quarantine */
static int64
ask_number(const char *query, int nargs, Oid *types, Datum *values)
{
	SgScope		scope;
	int64		n;

	sg_owner_begin(&scope);
	sg_scope_set("jit", "off");
	SPI_connect();
	sg_owner_execute(SPI_OK_SELECT, query, nargs, types, values, NULL);
	n = sg_spi_int64(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, "n");
	SPI_finish();
	sg_scope_end(&scope);
	return n;
}

/* Returns the number of copies that the caller may see, or may not see */
static int64
count_copies(const PlanRun *run, bool visible)
{
	Oid			types[] = {INT8OID, TEXTOID, BOOLOID, INT4ARRAYOID};
	Datum		values[] = {Int64GetDatum(fix_kept_by(run)),
		CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
		BoolGetDatum(visible),
	plan_chosen_array(run->plan)};

	return ask_number("SELECT count(*) AS n FROM schemaguard.quarantine WHERE plan_id = $1"
					  " AND readers && (SELECT schemaguard.sg_roles_of($2)) = $3"
					  " AND (cardinality($4) = 0 OR step = ANY ($4))",
					  lengthof(types), types, values);
}

/* Returns the number of kept rows, for sg_plan_drop() */
static int64
kept_rows(const FkPlan *plan)
{
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(plan->id)};

	return ask_number("SELECT count(*) AS n FROM schemaguard.quarantine WHERE plan_id = $1", lengthof(types), types, values);
}

/* Returns the work under which restoring is logged: no single step */
static StepWork *
restore_work(PlanRun *run)
{
	StepWork   *work = palloc0(sizeof(StepWork));

	work->run = run;
	work->step = palloc0(sizeof(PlanStep));
	work->step->plan = run->plan->name;
	work->object = "schemaguard.quarantine";
	initStringInfo(&work->notice);
	return work;
}

/* Adds the existing tables as targets, within one deadline */
static void
add_targets(RestoreAction *action)
{
	for (int i = 0; i < action->n; i++)
	{
		Oid			relid;

		if (i > 0 && strcmp(action->copies[i].table, action->copies[i - 1].table) == 0)
			continue;
		relid = sg_find_qualified(action->copies[i].table);
		if (OidIsValid(relid))
			run_add_target(&action->action, relid, action->action.run->urgent && fix_row_triggers(relid, TRIGGER_TYPE_INSERT) ?
						   ShareRowExclusiveLock : run_deed_mode(relid));
	}
}

/*
 * Restores the next copies; returns false if there are none, or *error says why
 * they can't be loaded now
 */
static bool
restore_batch(StepWork *work, List *steps, RestorePass *pass, int64 *after, int64 *restored, ErrorData **error)
{
	RestoreAction action = {.steps = steps,.pass = pass,.after = *after,.context = CurrentMemoryContext};

	action.action.run = work->run;
	action.action.works = list_make1(work);
	action.action.name = "restore";
	action.action.execute = execute_restore;
	/* a rollback may need locks that a busy table never has free at once */
	action.action.never_queues = !work->run->urgent;
	load_copies(&action);
	if (action.n == 0)
		return false;
	add_targets(&action);
	if (!run_attempt(&action.action))
	{
		LogEntry	entry = run_entry(&action.action, work, LOG_FAILED);

		*error = action.action.error;
		if (*error == NULL)
		{
			run_record_skipped(&action.action, work, work->run->stop_reason);
			run_commit();
			return false;
		}
		if (action.action.never_queues && run_is_lock_failure(*error) && OidIsValid(action.action.wanted))
		{
			(*error)->message = run_unlocked_text(&action.action);
			(*error)->hint = psprintf("When that is over:\n%s", run_call_text(work->run, work->run->procedure));
			entry.message = (*error)->message;
		}
		else
			entry.message = run_failure_text(&action.action);
		entry.sqlstate = pstrdup(unpack_sql_state((*error)->sqlerrcode));
		run_settle_with(&action.action, &entry);
		run_commit();
		return false;
	}
	*after = action.after;
	*restored += action.restored;
	pass->tried += action.n;
	foreach_ptr(const char, name, action.disabled)
	{
		run_say(work->run, NOTICE,
				psprintf("trigger %s was disabled while rows went back, because they would have been changed or kept out", name));
	}
	foreach_ptr(const char, table, action.changed)
	{
		run_say(work->run, WARNING,
				psprintf("rows of %s were put back, and then changed by a trigger of the table: they are not as they were", table));
	}
	return true;
}

/* Returns the tables of copies that a query returns */
static List *
read_tables(const char *query, int nargs, Oid *types, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *tables = NIL;
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	sg_scope_set("jit", "off");
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, query, nargs, types, values, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		tables = lappend(tables, sg_spi_text(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, "row_table"));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);
	return tables;
}

/* Returns the names of all tables with copies */
static List *
read_kept_tables(const PlanRun *run)
{
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(fix_kept_by(run))};

	return read_tables("SELECT DISTINCT row_table FROM schemaguard.quarantine WHERE plan_id = $1", lengthof(types), types, values);
}

/* Tries all copies of a pass; returns the number of rows restored by it */
static int64
restore_pass(PlanRun *run, List *steps, RestorePass *pass, ErrorData **error)
{
	int64		after = pass->oldest_first ? 0 : PG_INT64_MAX;
	int64		restored = 0;
	MemoryContext context = CurrentMemoryContext;

	while (run_throttle(run) && restore_batch(restore_work(run), steps, pass, &after, &restored, error))
	{
		MemoryContextReset(context);
		sg_progress_blocks(pass->tried, 0);
		sg_progress_phase(SG_PHASE_PAUSING);
		run_sleep_until(GetCurrentTimestamp() + sg_fix_pause * INT64CONST(1000));
	}
	return restored;
}

/*
 * Returns whether a key refers from a table to one of the same level, so that
 * rows may refer to each other in a cycle
 */
static bool
any_in_circle(List *keys, List *levels)
{
	foreach_oid(conid, keys)
	{
		const FkKey *key = fk_by_oid(conid);

		foreach_ptr(List, level, key ? levels : NIL)
		{
			if (sg_has_name(level, sg_relation_name(key->child)) && sg_has_name(level, sg_relation_name(key->parent)))
				return true;
		}
	}
	return false;
}

int64
fix_restore_plan(PlanRun *run, List *steps, ErrorData **error)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard restore",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RestorePass pass = {.rows = RESTORE_ROWS};
	List	   *tables;
	List	   *levels;
	int64		total = 0;
	int64		restored;

	*error = NULL;
	run_commit();
	if (run->copies == 0)
		run->copies = count_copies(run, true);
	if (!TransactionIdIsValid(run->restores_since))
		run->restores_since = ReadNextTransactionId();
	MemoryContextSwitchTo(run->context);
	tables = read_kept_tables(run);

	/*
	 * few rows go back together, for the sake of triggers that look at each
	 * other's rows
	 */
	levels = run->copies <= RESTORE_ROWS ? list_make1(tables) : fix_restore_levels(run, tables);
	MemoryContextSwitchTo(context);
	sg_progress_step(SG_PROGRESS_RESTORE, 0, InvalidOid);
	for (;;)
	{
		/* repeated, because a row may depend on a later one */
		restored = pass.tried = 0;
		sg_progress_tables(SG_PHASE_STARTING, InvalidOid, run->copies - run->copies_back - total);
		if (pass.rows == RESTORE_ROWS)
		{
			run->refusing = NIL;
			run->by_type = run->doubled = false;
		}
		foreach_ptr(List, level, levels)
		{
			pass.tables = level;
			restored += restore_pass(run, steps, &pass, error);
			if (*error)
				break;
		}
		total += restored;
		if (*error || run_must_stop(run))
			break;
		if (restored > 0)
		{
			pass.oldest_first = pass.rows == RESTORE_ROWS && !pass.oldest_first;
			pass.rows = RESTORE_ROWS;
		}
		else if (pass.rows < Min(run->copies - total, MOST_ROWS) && any_in_circle(run->refusing, levels))
			pass.rows *= MORE_ROWS;
		else
			break;
	}
	run->copies_back += total;
	MemoryContextSwitchTo(old);
	/* kept otherwise, because the error is allocated in it */
	if (*error == NULL)
		MemoryContextDelete(context);
	return total;
}

int64
fix_restore_left(const PlanRun *run)
{
	return count_copies(run, true) + count_copies(run, false);
}

/* Counts rows of all steps, visible to the caller or not */
int64
fix_restore_needs(const PlanRun *run, const char *table, List *columns, bool renamed, TimestampTz done_at)
{
	Oid			types[] = {INT8OID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, TEXTARRAYOID, BOOLOID, TIMESTAMPTZOID};
	Oid			relid = sg_find_qualified(table);
	Datum		values[] = {Int64GetDatum(fix_kept_by(run)), sg_text_array(columns), 0, 0, 0, BoolGetDatum(renamed), TimestampTzGetDatum(done_at)};
	List	   *names = NIL;
	List	   *numbers = NIL;

	foreach_ptr(char, name, read_kept_tables(run))
	{
		if (OidIsValid(relid) && plan_deed_table(fix_kept_by(run), name) == relid)
			names = lappend(names, name);
	}
	if (names == NIL)
		return 0;
	foreach_ptr(const char, column, columns)
	{
		numbers = lappend(numbers, psprintf("%d", get_attnum(relid, column)));
	}
	values[2] = sg_text_array(names);
	values[3] = CStringGetTextDatum(psprintf("%s {", plan_deed_mark(relid)));
	values[4] = sg_text_array(numbers);
	return ask_number("SELECT count(*) AS n FROM schemaguard.quarantine WHERE plan_id = $1 AND row_table = ANY ($3)"
					  " AND CASE WHEN starts_with(identity, $4) THEN NOT $6 AND string_to_array(split_part(substr(identity, length($4) + 1), '}', 1), ',') && $5"
					  " ELSE columns && $2 AND at > $7 END",
					  lengthof(types), types, values);
}

int64
fix_kept_of(Oid table, const PlanRun *but, TimestampTz since)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZOID, TEXTARRAYOID, TEXTARRAYOID};
	Datum		values[] = {Int64GetDatum(but ? fix_kept_by(but) : 0), TimestampTzGetDatum(since), 0, 0};
	List	   *marks = NIL;
	List	   *names = NIL;

	foreach_oid(relid, list_concat(sg_partition_ancestors(table), sg_with_partitions(table)))
	{
		marks = lappend(marks, plan_deed_mark(relid));
		names = lappend(names, sg_relation_name(relid));
	}
	values[2] = sg_text_array(marks);
	values[3] = sg_text_array(names);
	return ask_number("SELECT count(*) AS n FROM schemaguard.quarantine WHERE plan_id <> $1 AND at > $2"
					  " AND CASE WHEN starts_with(identity, concat(schemaguard.sg_place(), ' ')) THEN split_part(identity, ' {', 1) = ANY ($3)"
					  " ELSE row_table = ANY ($4) END",
					  lengthof(types), types, values);
}

static void *
read_step(HeapTuple row, TupleDesc desc)
{
	int		   *step = palloc(sizeof(int));

	*step = (int) sg_spi_int64(row, desc, "step");
	return step;
}

List *
fix_rows_out(const FkPlan *plan)
{
	StoreArgs	args = {0};
	List	   *steps = NIL;

	store_arg_text(&args, plan->name);
	foreach_ptr(const int, step, store_query("SELECT DISTINCT q.step::bigint AS step FROM schemaguard.plan p JOIN schemaguard.quarantine q ON q.plan_id = p.id"
											 " WHERE p.name = $1 AND q.step IS NOT NULL", &args, read_step))
		steps = lappend_int(steps, *step);
	foreach_ptr(const PlanDeed, deed, plan_deeds(plan, DEED_BIT(DEED_SET)))
		steps = list_append_unique_int(steps, deed->step);
	return steps;
}

void
fix_settle_rolled_back(PlanRun *run)
{
	List	   *out = fix_rows_out(run->plan);

	foreach_ptr(const PlanDeed, deed, plan_deeds(run->plan, DEEDS_OF_CATALOG))
		out = lappend_int(out, deed->step);
	foreach_ptr(const PlanStep, step, plan_chosen_steps(run->plan))
	{
		const char *rest = step->reason ? strstr(step->reason, "; left alone: ") : NULL;

		if (step->state != STEP_FAILED || !plan_is_not_back(step) || list_member_int(out, step->step))
			continue;
		plan_step_set_state(run->plan->name, step->step, STEP_ROLLED_BACK, rest ? rest + strlen("; ") : NULL, 0);
	}
	run_commit();
}

/* Reads a row of fix_restore_tell()'s query */
static void *
read_left(HeapTuple row, TupleDesc desc)
{
	PlanStep   *step = palloc0(sizeof(PlanStep));

	step->step = (int) sg_spi_int64(row, desc, "step");
	step->reason = sg_spi_text(row, desc, "why");
	return step;
}

char *
fix_restore_tell(const PlanRun *run)
{
	static const char *const query =
		"SELECT coalesce(step, 0) AS step, count(*) || CASE count(*) WHEN 1 THEN ' row is' ELSE ' rows are' END || ' left in quarantine'"
		" || coalesce(': ' || min(reason), '') AS why"
		" FROM schemaguard.quarantine WHERE plan_id = $1 AND (cardinality($2) = 0 OR step = ANY ($2))"
		" GROUP BY ROLLUP (step) ORDER BY step NULLS FIRST";
	Oid			types[] = {INT8OID, INT4ARRAYOID};
	Datum		values[] = {Int64GetDatum(fix_kept_by(run)), plan_chosen_array(run->plan)};
	MemoryContext context = CurrentMemoryContext;
	List	   *left = NIL;
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	sg_scope_set("jit", "off");
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, query, lengthof(types), types, values, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		left = lappend(left, read_left(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sg_scope_end(&scope);

	foreach_ptr(const PlanStep, step, left)
	{
		if (step->step != 0)
			plan_step_set_state(run->plan->name, step->step, STEP_AS_IT_IS, psprintf(PLAN_NOT_BACK "%s", step->reason), 0);
	}
	return ((PlanStep *) linitial(left))->reason;
}

/* Raises an error if a plan with that id exists, because it restores its rows itself */
static void
check_plan_gone(const PlanRun *run)
{
	Datum		name;

	if (run->kept_by == 0 || run->kept_by == run->plan->id ||
		!sg_owner_fetch("SELECT name FROM schemaguard.plan WHERE id = $1::bigint",
						psprintf(INT64_FORMAT, run->kept_by), &name))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("plan_id is that of plan \"%s\", which is not gone", TextDatumGetCString(name)),
			 errhint(sg_calls("Leave out plan_id, which is for the rows of a plan that is gone:\nCALL sg_restore_quarantine(%s);"),
					 quote_literal_cstr(TextDatumGetCString(name)))));
}

/* Returns the id of a dropped plan of the same name that has left copies, or 0 */
static int64
gone_namesake(const char *plan)
{
	Datum		id;

	if (!sg_owner_fetch("SELECT q.plan_id::text FROM schemaguard.quarantine q WHERE q.plan = $1"
						" AND NOT EXISTS (SELECT FROM schemaguard.plan p WHERE p.id = q.plan_id)"
						" ORDER BY q.plan_id DESC LIMIT 1", plan, &id))
		return 0;
	return pg_strtoint64(TextDatumGetCString(id));
}

/* Raises 42704 for a dropped plan that has left rows, with the calls that restore these */
static void
check_plan_there(char *plan)
{
	int64		id = plan_find(plan) ? 0 : gone_namesake(plan);
	char	   *name = quote_literal_cstr(plan);

	if (id != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("plan \"%s\" is gone, and has left rows in quarantine", plan),
				 errhint(sg_calls("To put them back in the name of a new plan:\nSELECT sg_plan_create(%s);\nCALL sg_restore_quarantine(%s, plan_id => " INT64_FORMAT ");"),
						 name, name, id)));
}

char *
fix_restore_earlier(const PlanRun *run)
{
	PlanRun		next = *run;

	next.kept_by = gone_namesake(run->plan->name);
	return next.kept_by == 0 ? NULL : psprintf("Quarantine has rows of an earlier plan of this name. To put them back:\n%s",
											   run_call_text(&next, "sg_restore_quarantine"));
}

static void
restore_all(PlanRun *run)
{
	int64		restored;
	int64		left;
	int64		hidden;
	ErrorData  *error;

	check_plan_gone(run);
	restored = fix_restore_plan(run, NIL, &error);
	if (error)
		ReThrowError(error);
	if (restored > 0 && SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		ereport(WARNING,
				(errmsg("session_replication_role is replica: no key and no trigger has seen the rows that were put back"),
				 errhint(sg_calls("To see which keys they break:\nSELECT * FROM sg_orphan_audit();"))));

	if (run->kept_by == 0)
		fix_settle_rolled_back(run);
	left = count_copies(run, true);
	hidden = count_copies(run, false);
	run->tally = psprintf(INT64_FORMAT " %s put back, " INT64_FORMAT " left in quarantine",
						  restored, restored == 1 ? "row" : "rows", left + hidden);
	if (run->stop_reason)
		run->next = run_call_text(run, run->procedure);
	else if (left > 0)
	{
		run->next = fix_restore_hint(run);
		if (run->next == NULL)
			run->next = psprintf("See why, and mend it:\n"
								 "SELECT reason, count(*) FROM schemaguard.quarantine WHERE %s GROUP BY reason;\nThen:\n%s",
								 run->kept_by ? psprintf("plan_id = " INT64_FORMAT, run->kept_by) :
								 psprintf("plan = %s", quote_literal_cstr(run->plan->name)), run_call_text(run, run->procedure));
	}
	else if (hidden > 0)
		run->next = "They were quarantined by other roles: only these, the owners of the tables and members of pg_read_all_data see and restore them.";
	else if (run->kept_by != 0 && restored == 0)
		run->next = psprintf("Quarantine has no rows of plan_id " INT64_FORMAT ". To see whose rows it has:\n"
							 "SELECT plan, plan_id, count(*) FROM schemaguard.quarantine GROUP BY plan, plan_id;", run->kept_by);
	else
	{
		run->next = restored == 0 && run->kept_by == 0 ? fix_restore_earlier(run) : NULL;
		if (run->next == NULL)
			run->next = run_select_text(run, "sg_plan_check");
	}
}

/* Checks the tables of the copies that the caller may see */
static void
check_restore(PlanRun *run)
{
	List	   *tables = NIL;

	foreach_ptr(const FixKept, kept, fix_kept_tables(run))
	{
		Oid			relid = fix_table_of_rows(run, kept->table, kept->identity);
		char	   *name = OidIsValid(relid) ? sg_relation_name(relid) : kept->table;

		if (!sg_has_name(tables, name))
			tables = lappend(tables, name);
	}
	run_check_insert(run, tables);
}

/*
 * sg_restore_quarantine(plan text, plan_id bigint DEFAULT NULL, author text
 * DEFAULT NULL, retyped boolean DEFAULT false, past_keys boolean DEFAULT false)
 *
 * Restores the rows that the plan has quarantined into their tables, exactly as
 * they were.  With plan_id, restores those of a dropped plan, in the name of
 * the given plan.  With retyped, restores rows whose columns have another type
 * now, too, with their former values.  With past_keys, restores rows past all
 * keys and triggers (each transaction of the call has session_replication_role
 * = replica, the session has not), and beside equal rows of a restored table.
 * Rows that can't go back (a parent is still missing for an enforced key,
 * another row has a unique value, a column is gone) stay, with the reason.
 *
 * Only rows that the caller may see are restored.  Needs INSERT and SELECT on
 * the tables, which must still have the same owner.  Triggers fire as the
 * caller or as the owner, as in a fix; a row that one of them changes stays.
 * Locks the tables in SHARE UPDATE EXCLUSIVE, or in ROW EXCLUSIVE for a caller
 * who has only INSERT.  Errors: as sg_add_fks; 22023 if plan_id is that of an
 * existing plan; 42501 for past_keys without the right to set
 * session_replication_role.
 */
static Datum
sg_restore_quarantine_entered(PG_FUNCTION_ARGS)
{
	PlanRun		run = {.procedure = "sg_restore_quarantine",.shows = SG_PROGRESS_RESTORE,.gives_room = true};

	sg_check_granted(fcinfo);
	run_check_call(fcinfo, run.procedure);
	if (!sg_arg_is_null(fcinfo, 1))
		run.kept_by = PG_GETARG_INT64(1);
	run.retyped = !sg_arg_is_null(fcinfo, 3) && PG_GETARG_BOOL(3);
	run.past_keys = !sg_arg_is_null(fcinfo, 4) && PG_GETARG_BOOL(4);
	check_plan_there(sg_arg_text(fcinfo, 0));
	run_call(fcinfo, 2, &run, check_restore, restore_all);

	PG_RETURN_VOID();
}

void
fix_restore_init(void)
{
	plan_kept_rows_hook = kept_rows;
}
