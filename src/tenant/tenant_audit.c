/*-------------------------------------------------------------------------
 *
 * tenant_audit.c
 *	  sg_tenant_audit: is each row of a tenant's kept among that tenant's?
 *
 * A tenant table is one that has the tenant column.  Four things are looked
 * at: tables that ought to have the column; the column's key to the table of
 * tenants; keys between tenant tables that leave the column out; and, for
 * these, the rows: does each have the tenant of the row that it refers to?
 *
 * A key's rows are judged by one join of its tables, with the audit's access
 * checks, locks, snapshot and role.  To these the tenant's columns are one
 * more pair of the key's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "parser/parse_oper.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "audit/audit.h"
#include "audit/audit_yield.h"
#include "base/args.h"
#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/nametable.h"
#include "base/nearest.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"

SG_FUNCTION(sg_tenant_audit);

/* State of a call */
typedef struct TenantAudit
{
	char	   *column;			/* name of the tenant column */
	Oid			tenants;		/* table of tenants, or InvalidOid */
	List	   *schemas;		/* NIL: all */
	int			samples;
	List	   *tables;			/* TenantTable *, sorted by name */
	List	   *reached;		/* Reached *: tables without the column */
	HTAB	   *places;			/* Place by OID */
} TenantAudit;

/* Table as the call found it; another session may drop it before it is audited */
typedef struct TenantTable
{
	Oid			relid;
	char	   *name;
	char	   *schema;			/* NULL: dropped already */
} TenantTable;

/* Facts about a table that is a tenant table, has a key, or is referenced */
typedef struct Place
{
	Oid			relid;			/* hash key */
	bool		owned;			/* rows belong to a tenant: it has the column,
								 * is reached, or is the table of tenants */
	bool		tenant;			/* has the tenant column */
	List	   *keys;			/* its declared keys (FkKey *) */
	List	   *references;		/* declared keys (FkKey *) that reference it */
} Place;

/* Table without the column, and the key that leads from it to a tenant table */
typedef struct Reached
{
	TenantTable *table;
	const FkKey *key;
} Reached;

/* Row of the result */
typedef struct Finding
{
	const char *finding;
	const TenantTable *table;
	const char *key;			/* NULL: about a column */
	List	   *columns;
	AuditResult result;
	char	   *reason;
	char	   *hint;
} Finding;

/* Attempts to lock a table that others keep locking */
#define MAX_WAITS 20

/* Reason for a column that is gone; a look by name can't tell DROP from RENAME */
#define COLUMN_GONE "the column was dropped or renamed meanwhile"

/* ---- the tables ---- */

static TenantTable *
new_table(Oid relid)
{
	TenantTable *table = palloc(sizeof(TenantTable));

	table->relid = relid;
	table->name = sg_relation_name(relid);
	table->schema = get_namespace_name(get_rel_namespace(relid));
	return table;
}

/* Returns the Place of a table, creating it if needed */
static Place *
place_of(const TenantAudit *ta, Oid relid)
{
	bool		found;
	Place	   *place = hash_search(ta->places, &relid, HASH_ENTER, &found);

	if (!found)
	{
		place->owned = place->tenant = false;
		place->keys = place->references = NIL;
	}
	return place;
}

static bool
is_tenant(const TenantAudit *ta, Oid relid)
{
	return place_of(ta, relid)->tenant;
}

static int
compare_tables(const ListCell *a, const ListCell *b)
{
	return strcmp(((TenantTable *) lfirst(a))->name, ((TenantTable *) lfirst(b))->name);
}

static int
compare_reached(const ListCell *a, const ListCell *b)
{
	return strcmp(((Reached *) lfirst(a))->table->name, ((Reached *) lfirst(b))->table->name);
}

/* Returns whether a relation is a user's table; partitions are represented by their root */
static bool
is_users_table(Form_pg_class class)
{
	return (class->relkind == RELKIND_RELATION || class->relkind == RELKIND_PARTITIONED_TABLE) &&
		!class->relispartition && !IsCatalogRelationOid(class->oid) &&
		!(class->relpersistence == RELPERSISTENCE_TEMP && !isTempNamespace(class->relnamespace)) &&
		class->relnamespace != sg_schema_oid() && !sg_is_attic(class->relnamespace);
}

/* Returns the column name of any table that is nearest to name, or NULL */
static char *
nearest_column(const char *name)
{
	const char *dot = strrchr(name, '.');
	SgNearest	nearest = {dot ? dot + 1 : name};
	SgCatalog	classes;
	HeapTuple	tuple;

	sg_catalog_begin_all(&classes, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&classes)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);
		char	   *column = is_users_table(class) ? sg_nearest_column(class->oid, name) : NULL;

		if (column)
			sg_nearest_try(&nearest, column);
	}
	return nearest.found;
}

static void
find_tables(TenantAudit *ta)
{
	SgCatalog	classes;
	HeapTuple	tuple;

	sg_catalog_begin_all(&classes, RelationRelationId);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&classes)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (is_users_table(class) && class->oid != ta->tenants && get_attnum(class->oid, ta->column) > 0)
			ta->tables = lappend(ta->tables, new_table(class->oid));
	}
	if (ta->tables == NIL)
	{
		char	   *near = nearest_column(ta->column);

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("no table has a column %s", quote_identifier(ta->column)),
				 near ? errhint("Perhaps you meant column %s.", quote_identifier(near)) :
				 errhint("Name the column that says in each table which tenant a row belongs to.")));
	}
	list_sort(ta->tables, compare_tables);
}

/* Fills the places: tenant columns, and the declared keys between tables */
static void
find_places(TenantAudit *ta)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Place),.hcxt = CurrentMemoryContext};

	ta->places = hash_create("schemaguard tenant tables", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach_ptr(TenantTable, table, ta->tables)
	{
		Place	   *place = place_of(ta, table->relid);

		place->tenant = place->owned = true;
	}
	if (OidIsValid(ta->tenants))
		place_of(ta, ta->tenants)->owned = true;
	foreach_ptr(FkKey, key, fk_declared(InvalidOid))
	{
		Place	   *child = place_of(ta, key->child);
		Place	   *parent;

		child->keys = lappend(child->keys, key);
		parent = place_of(ta, key->parent);
		parent->references = lappend(parent->references, key);

		/* a partition that has keys of its own counts for itself */
		if (!child->tenant && get_rel_relispartition(key->child) && get_attnum(key->child, ta->column) > 0)
		{
			ta->tables = lappend(ta->tables, new_table(key->child));
			child->tenant = child->owned = true;
		}
	}
	list_sort(ta->tables, compare_tables);
}

/* Adds to ta->reached the tables that reference this one and have no owner yet */
static void
reach_from(TenantAudit *ta, Oid relid)
{
	foreach_ptr(FkKey, key, place_of(ta, relid)->references)
	{
		Place	   *child = place_of(ta, key->child);
		Reached    *reached;

		if (child->owned)
			continue;
		child->owned = true;
		reached = palloc(sizeof(Reached));
		reached->table = new_table(key->child);
		reached->key = key;
		ta->reached = lappend(ta->reached, reached);
	}
}

/*
 * Finds the tables that reference tenant tables, at any distance, and lack the
 * tenant column.  Tables that tenant tables reference may be shared by all
 * tenants.
 */
static void
find_reached(TenantAudit *ta)
{
	if (OidIsValid(ta->tenants))
		reach_from(ta, ta->tenants);
	foreach_ptr(TenantTable, table, ta->tables)
	{
		reach_from(ta, table->relid);
	}

	/* the list grows meanwhile */
	for (int i = 0; i < list_length(ta->reached); i++)
		reach_from(ta, ((Reached *) list_nth(ta->reached, i))->table->relid);
	list_sort(ta->reached, compare_reached);
}

/* ---- keys ---- */

/* Returns the position at which the key pairs the tenant columns of both sides, or -1 */
static int
tenant_pair(const TenantAudit *ta, const FkKey *key)
{
	AttrNumber	child = get_attnum(key->child, ta->column);
	AttrNumber	parent = get_attnum(key->parent, ta->column);

	for (int i = 0; i < key->nkeys; i++)
	{
		if (key->child_att[i] == child && key->parent_att[i] == parent)
			return i;
	}
	return -1;
}

/* Returns the operator parent = child for two types; the type's own if they are equal */
static Oid
equality(Oid parent_type, Oid child_type)
{
	Oid			parent = getBaseType(parent_type);
	Oid			child = getBaseType(child_type);

	if (parent == child)
		return lookup_type_cache(parent, TYPECACHE_EQ_OPR)->eq_opr;
	return compatible_oper_opid(list_make2(makeString("pg_catalog"), makeString("=")), parent, child, true);
}

/*
 * Fills *both with the key and the tenant columns as one more pair; returns
 * false if these can't be compared
 */
static bool
with_tenant(const TenantAudit *ta, const FkKey *key, FkKey *both)
{
	AttrNumber	child = get_attnum(key->child, ta->column);
	AttrNumber	parent = get_attnum(key->parent, ta->column);
	Oid			operator;

	if (child == InvalidAttrNumber || parent == InvalidAttrNumber || key->nkeys >= INDEX_MAX_KEYS)
		return false;
	operator = equality(sg_column(key->parent, parent).atttypid, sg_column(key->child, child).atttypid);
	if (!OidIsValid(operator))
		return false;
	*both = *key;
	both->child_att[key->nkeys] = child;
	both->parent_att[key->nkeys] = parent;
	both->pf_eq_op[key->nkeys] = operator;
	both->nkeys++;
	return true;
}

/* ---- rows ---- */

/* Appends the condition that a row has another tenant than its parent; null differs from any tenant */
static void
append_differs(StringInfo buf, const FkKey *both)
{
	FkKey		tenant = *both;
	int			last = both->nkeys - 1;

	tenant.nkeys = 1;
	tenant.child_att[0] = both->child_att[last];
	tenant.parent_att[0] = both->parent_att[last];
	tenant.pf_eq_op[0] = both->pf_eq_op[last];
	appendStringInfo(buf, "%s IS DISTINCT FROM NULL AND (",
					 audit_sql_column("pk", both->parent, both->parent_att[0]));
	audit_sql_match(buf, &tenant);
	appendStringInfo(buf, ") IS NOT TRUE AND (%s IS DISTINCT FROM NULL OR %s IS DISTINCT FROM NULL)",
					 audit_sql_column("pk", both->parent, tenant.parent_att[0]),
					 audit_sql_column("fk", both->child, tenant.child_att[0]));
}

static void
append_join(StringInfo buf, const FkKey *key)
{
	audit_sql_table(buf, key->child, "fk");
	appendStringInfoString(buf, " LEFT JOIN ");
	audit_sql_table(buf, key->parent, "pk");
	appendStringInfoString(buf, " ON (");
	audit_sql_match(buf, key);
	appendStringInfoChar(buf, ')');
}

/* Returns the query (leaks, number of rows, sample); rows that do not leak form one group */
static char *
rows_query(const FkKey *key, const FkKey *both)
{
	StringInfoData buf;
	int			last = both->nkeys - 1;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT s.d, pg_catalog.count(*), CASE WHEN s.d THEN pg_catalog.jsonb_build_object(");
	for (int i = 0; i < both->nkeys; i++)
		appendStringInfo(&buf, "%s, s.k%d, ", quote_literal_cstr(sg_column_name(both->child, both->child_att[i])), i);
	appendStringInfo(&buf, "%s, s.p) END FROM (SELECT b.d",
					 quote_literal_cstr(psprintf("parent's %s", sg_column_name(both->parent, both->parent_att[last]))));
	for (int i = 0; i < both->nkeys; i++)
		appendStringInfo(&buf, ", CASE WHEN b.d THEN b.k%d END AS k%d", i, i);
	appendStringInfoString(&buf, ", CASE WHEN b.d THEN b.p END AS p FROM (SELECT ");
	append_differs(&buf, both);
	appendStringInfoString(&buf, " AS d");
	/* as text, because not every type has an order */
	for (int i = 0; i < both->nkeys; i++)
		appendStringInfo(&buf, ", %s::pg_catalog.text AS k%d", audit_sql_column("fk", both->child, both->child_att[i]), i);
	appendStringInfo(&buf, ", %s::pg_catalog.text AS p FROM ", audit_sql_column("pk", both->parent, both->parent_att[last]));
	append_join(&buf, key);
	appendStringInfoString(&buf, ") b) s GROUP BY s.d, s.p");
	for (int i = 0; i < both->nkeys; i++)
		appendStringInfo(&buf, ", s.k%d", i);
	appendStringInfoString(&buf, " ORDER BY s.d");
	for (int i = 0; i < both->nkeys; i++)
		appendStringInfo(&buf, ", s.k%d COLLATE pg_catalog.\"C\"", i);
	appendStringInfoString(&buf, ", s.p COLLATE pg_catalog.\"C\"");

	return buf.data;
}

/* Returns a query that lists the leaking rows, to be run by hand */
static char *
listing(const FkKey *key, const FkKey *both)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT fk.* FROM ");
	append_join(&buf, key);
	appendStringInfoString(&buf, " WHERE ");
	append_differs(&buf, both);
	appendStringInfoChar(&buf, ';');
	return buf.data;
}

/* Key whose rows are judged */
typedef struct RowsJob
{
	const TenantAudit *ta;
	AuditKey   *ak;
	FkKey		key;
	FkKey		both;
	MemoryContext results;
	char	   *listing;		/* query that lists the leaking rows */
	Oid			busy;			/* table that another session has locked */
} RowsJob;

static void
set_unknown(RowsJob *job, const char *reason)
{
	job->ak->result = AUDIT_UNKNOWN;
	job->ak->reason = MemoryContextStrdup(job->results, reason);
	job->ak->rows_checked = job->ak->orphan_rows = -1;
	job->ak->sample = NIL;
}

/* Reads the key again, under locks; returns false if it has changed */
static bool
look_again(RowsJob *job)
{
	FkKey	   *now = fk_by_oid(job->key.conid);

	if (now == NULL)
	{
		set_unknown(job, "the key was dropped meanwhile");
		return false;
	}
	job->key = *now;
	if (get_attnum(now->child, job->ta->column) == InvalidAttrNumber ||
		get_attnum(now->parent, job->ta->column) == InvalidAttrNumber)
	{
		set_unknown(job, COLUMN_GONE);
		return false;
	}
	if (!with_tenant(job->ta, now, &job->both))
	{
		set_unknown(job, "the tenant columns of both tables have types that are not compared with one another");
		return false;
	}
	return true;
}

static void
run_query(RowsJob *job)
{
	SgScope		scope;

	audit_scope_begin(&scope, &job->both, false);
	audit_sql_groups(job->ak, rows_query(&job->key, &job->both), job->ta->samples, job->results, true);
	sg_scope_end(&scope);
	job->ak->result = job->ak->orphan_rows > 0 ? AUDIT_FAIL : AUDIT_PASS;
	if (job->ak->result == AUDIT_FAIL)
		job->listing = MemoryContextStrdup(job->results, listing(&job->key, &job->both));
}

static void
judge_rows(void *arg)
{
	RowsJob    *job = arg;
	FkProblem  *problem = NULL;

	job->busy = InvalidOid;
	job->both = job->key;
	if (!look_again(job))
		return;
	problem = audit_access_problem(&job->both, false);
	if (problem == NULL)
		problem = audit_lock(&job->both, RecoveryInProgress(), &job->busy);
	if (problem)
		set_unknown(job, problem->reason);
	else if (job->key.period)
		set_unknown(job, "it is a key of periods");
	if (problem || OidIsValid(job->busy) || job->key.period || !look_again(job))
		return;

	audit_push_snapshot();
	run_query(job);
	PopActiveSnapshot();
}

static void
wait_for_table(void *relid)
{
	LockRelationOid(*(Oid *) relid, AccessShareLock);
}

/*
 * Judges the rows of a key like audit_table.c: it keeps no locks, never waits
 * for a lock while it holds others, and gives way to sessions that wait for
 * long.
 */
static void
judge_key(RowsJob *job)
{
	ErrorData  *edata = NULL;
	AuditStop	stop = {0};

	for (int i = 0; i < MAX_WAITS; i++)
	{
		CHECK_FOR_INTERRUPTS();
		edata = audit_run(judge_rows, job, true, &stop);
		if (edata || !OidIsValid(job->busy))
			break;
		edata = sg_try_undo(wait_for_table, &job->busy);
		if (edata)
			break;
	}
	if (stop.reason)
		set_unknown(job, stop.reason);
	else if (edata)
	{
		sg_rethrow_cancel(edata);
		set_unknown(job, sg_error_text(edata));
	}
	else if (OidIsValid(job->busy))
		set_unknown(job, psprintf("%s is locked by others again and again", sg_relation_name(job->busy)));
}

/* ---- the result ---- */

static bool
is_wanted(const TenantAudit *ta, const TenantTable *table)
{
	return ta->schemas == NIL || sg_has_name(ta->schemas, table->schema);
}

static void
emit(SgRowSink *sink, const TenantAudit *ta, const Finding *f, const AuditKey *ak)
{
	if (!is_wanted(ta, f->table))
		return;
	sg_sink_text(sink, f->finding);
	sg_sink_text(sink, f->table->name);
	sg_sink_text(sink, f->key);
	sg_sink_names(sink, f->columns);
	sg_sink_text(sink, audit_result_word(f->result));
	sg_sink_count(sink, ak ? ak->rows_checked : -1);
	sg_sink_count(sink, ak ? ak->orphan_rows : -1);
	if (ak)
		audit_sink_sample(sink, ak);
	else
		sg_sink_null(sink);
	sg_sink_text(sink, f->reason);
	sg_sink_text(sink, f->hint);
	sg_sink_emit(sink);
}

/* Formats a statement with its arguments as literals */
static char *
call(const char *format, const char *a, const char *b, const char *c)
{
	return psprintf(format, quote_literal_cstr(a), quote_literal_cstr(b), c ? quote_literal_cstr(c) : "");
}

/* Emits the column of a table, and its key to the table of tenants; returns false if the column is gone */
static bool
emit_column(SgRowSink *sink, const TenantAudit *ta, const TenantTable *table)
{
	AttrNumber	number = get_attnum(table->relid, ta->column);
	FormData_pg_attribute column;
	Finding		f = {.finding = "column",.table = table,.columns = list_make1(ta->column),.result = AUDIT_PASS};

	if (!sg_read_column(table->relid, number, &column))
	{
		f.result = AUDIT_UNKNOWN;
		f.reason = COLUMN_GONE;
		emit(sink, ta, &f, NULL);
		return false;
	}
	if (!column.attnotnull)
	{
		f.result = AUDIT_FAIL;
		f.reason = "it may be null, and a row without a tenant is checked by no key";
		f.hint = call(sg_calls("SELECT sg_plan_add_not_null(schemaguard.sg_lint_plan(), %s, %s);"), table->name, ta->column, NULL);
	}
	emit(sink, ta, &f, NULL);
	if (!OidIsValid(ta->tenants))
		return true;

	f.finding = "tenant key";
	f.result = AUDIT_FAIL;
	f.reason = "no key leads from it to the table of tenants";
	f.hint = call(sg_calls("SELECT sg_plan_add_fk(schemaguard.sg_lint_plan(), %s, ARRAY[%s], %s);"), table->name, ta->column, sg_relation_name(ta->tenants));
	foreach_ptr(FkKey, key, place_of(ta, table->relid)->keys)
	{
		if (key->parent != ta->tenants || key->nkeys != 1 || key->child_att[0] != number)
			continue;
		f.key = key->name;
		f.result = fk_state(key) == FK_VALID ? AUDIT_PASS : AUDIT_UNKNOWN;
		f.reason = f.result == AUDIT_PASS ? NULL : psprintf("the key is %s", fk_state_word(fk_state(key)));
		f.hint = NULL;
		break;
	}
	emit(sink, ta, &f, NULL);
	return true;
}

/* Emits a key between tenant tables, and judges its rows if the key leaves out the tenant */
static void
emit_key(SgRowSink *sink, const TenantAudit *ta, const TenantTable *table, const FkKey *key)
{
	Finding		f = {.finding = "key",.table = table,.key = key->name,.result = AUDIT_PASS};
	AuditKey   *ak;
	RowsJob		job = {.ta = ta,.key = *key,.results = CurrentMemoryContext};

	f.columns = sg_attribute_names(key->child, key->child_att, key->nkeys);
	if (get_attnum(key->child, ta->column) == InvalidAttrNumber || get_attnum(key->parent, ta->column) == InvalidAttrNumber)
	{
		f.result = AUDIT_UNKNOWN;
		f.reason = COLUMN_GONE;
		emit(sink, ta, &f, NULL);
		return;
	}
	if (tenant_pair(ta, key) >= 0)
	{
		if (fk_state(key) != FK_VALID)
		{
			f.result = AUDIT_UNKNOWN;
			f.reason = psprintf("the key is %s", fk_state_word(fk_state(key)));
			f.hint = psprintf(sg_calls("SELECT * FROM sg_orphan_audit(%s);"), quote_literal_cstr(table->name));
		}
		emit(sink, ta, &f, NULL);
		return;
	}

	f.result = AUDIT_FAIL;
	f.reason = psprintf("it leaves the tenant out, so a row may refer to another tenant's in %s", sg_relation_name(key->parent));
	f.hint = call(OidIsValid(ta->tenants) ? sg_calls("SELECT sg_plan_isolate(schemaguard.sg_lint_plan(), %s, %s);") : sg_calls("SELECT sg_plan_isolate(schemaguard.sg_lint_plan(), %s);"), ta->column,
				  OidIsValid(ta->tenants) ? sg_relation_name(ta->tenants) : "", NULL);
	emit(sink, ta, &f, NULL);

	ak = audit_key_new(key, AUDIT_CATALOG, fk_state(key));
	job.ak = ak;
	if (is_wanted(ta, table))
		judge_key(&job);
	f.finding = "rows";
	f.result = ak->result;
	f.reason = ak->reason;
	f.hint = NULL;
	if (ak->result == AUDIT_FAIL)
	{
		f.reason = "rows refer to rows of another tenant";
		f.hint = job.listing;
	}
	emit(sink, ta, &f, ak);
}

static void
emit_reached(SgRowSink *sink, const TenantAudit *ta, const Reached *reached)
{
	Finding		f = {.finding = "column",.table = reached->table,.key = reached->key->name,.result = AUDIT_FAIL};
	Oid			model = is_tenant(ta, reached->key->parent) ? reached->key->parent : ((TenantTable *) linitial(ta->tables))->relid;
	char	   *type = format_type_extended(get_atttype(model, get_attnum(model, ta->column)), -1,
											FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_INVALID_AS_NULL);

	f.reason = psprintf("there is no column %s, though its rows are a tenant's by this key to %s",
						quote_identifier(ta->column), sg_relation_name(reached->key->parent));
	if (type)
		f.hint = call(sg_calls("SELECT sg_plan_add_column(schemaguard.sg_lint_plan(), %s, %s, %s);"), reached->table->name, ta->column, type);
	emit(sink, ta, &f, NULL);
}

/* Returns the keys from the table to other tenant tables */
static List *
tenant_keys(const TenantAudit *ta, const TenantTable *table)
{
	List	   *keys = NIL;

	foreach_ptr(FkKey, key, place_of(ta, table->relid)->keys)
	{
		if (is_tenant(ta, key->parent))
			keys = lappend(keys, key);
	}
	return keys;
}

/*
 * Emits the findings about a table and its keys; done is the number of keys
 * audited before.  Returns the new number.
 */
static int64
emit_table(SgRowSink *sink, const TenantAudit *ta, const TenantTable *table, int64 done)
{
	if (!emit_column(sink, ta, table))
		return done;
	foreach_ptr(FkKey, key, tenant_keys(ta, table))
	{
		emit_key(sink, ta, table, key);
		sg_progress_done(++done, 0);
	}
	return done;
}

/*
 * sg_tenant_audit(tenant_column text, tenant_table regclass DEFAULT NULL,
 * schemas text[] DEFAULT NULL, samples int DEFAULT 5)
 *
 * Returns findings about tables, sorted by name, each followed by those about
 * its keys.  Raises 42703 if no table has the column.  Needs the privileges and
 * takes the locks of sg_orphan_audit(); what can't be read is unknown.  Writes
 * nothing.
 */
static Datum
sg_tenant_audit_entered(PG_FUNCTION_ARGS)
{
	TenantAudit ta = {0};
	SgRowSink	sink;
	MemoryContext context;
	int64		keys = 0;
	int64		done = 0;

	sg_check_version();
	ta.column = sg_arg_text(fcinfo, 0);
	sg_check_name(ta.column, "column name");
	ta.tenants = sg_arg_is_null(fcinfo, 1) ? InvalidOid : sg_arg_table(fcinfo, 1, NULL);
	ta.schemas = sg_arg_schemas(fcinfo, 2);
	ta.samples = sg_arg_count(fcinfo, 3, INT4OID);

	sg_sink_begin(&sink, fcinfo);
	sg_progress_begin(SG_PROGRESS_AUDIT, 0, 0);
	find_tables(&ta);
	find_places(&ta);
	find_reached(&ta);
	foreach_ptr(TenantTable, table, ta.tables)
	{
		keys += list_length(tenant_keys(&ta, table));
	}
	sg_progress_total(keys);
	context = AllocSetContextCreate(CurrentMemoryContext, "schemaguard tenant table", ALLOCSET_DEFAULT_SIZES);

	foreach_ptr(Reached, reached, ta.reached)
	{
		emit_reached(&sink, &ta, reached);
	}
	foreach_ptr(TenantTable, table, ta.tables)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		done = emit_table(&sink, &ta, table, done);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	sg_progress_end();

	PG_RETURN_NULL();
}
