/*-------------------------------------------------------------------------
 *
 * verify_overhead.c
 *	  sg_measure_overhead: what would a key cost each row that is written?
 *
 * Measured on temporary copies of child and parent, filled with a sample of
 * their rows: one pair without the key, one with it.  Each round does the
 * same statements on both, in turns, and is rolled back, so that every round
 * finds the same tables.  The locks that reading the real tables took are
 * given back before the first round: what is measured holds up nobody.  In
 * the end the subtransaction that made the copies is rolled back, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/args.h"
#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "log/log.h"
#include "log/log_grant.h"
#include "plan/plan_choice.h"
#include "plan/plan_key.h"
#include "plan/plan_option.h"
#include "run/run_deed.h"
#include "run/run_unit.h"
#include "verify/verify_live.h"
#include "verify/verify_row.h"

SG_FUNCTION(sg_measure_overhead);

/* Names of the copies, and of their column that numbers the rows of the sample */
#define CHILD_COPY	"pg_temp.schemaguard_child_%d"
#define PARENT_COPY "pg_temp.schemaguard_parent_%d"
#define CHILD_ROWS	"pg_temp.schemaguard_child_rows"
#define PARENT_ROWS "pg_temp.schemaguard_parent_rows"
#define NUMBER		"\"schemaguard number\""

#define MAX_SAMPLE	1000000
#define MAX_ROUNDS	1000

typedef enum Operation
{
	OP_INSERT,
	OP_DELETE,
	OP_UPDATE,
	OPERATIONS
} Operation;

static const char *const operation_names[] = {
	[OP_INSERT] = "insert",
	[OP_DELETE] = "delete parent",
	[OP_UPDATE] = "update key",
};

/* Each statement is measured without and with the key */
enum
{
	WITHOUT,
	WITH,
	VARIANTS
};

typedef struct Measure
{
	PlanStep   *step;
	FkKey		key;
	int			sample;
	int			rounds;
	int			round;			/* number of the round; round 0 warms up and
								 * is not counted */
	Operation	at;				/* running operation */
	int			variant;

	double	   *us[OPERATIONS][VARIANTS];	/* microseconds per row, for each
											 * round */
	int64		rows[OPERATIONS];
	const char *reason;			/* why nothing was measured, or NULL */
	bool		raised;			/* the reason is the text of an error, which
								 * may have values */
	const char *op_reason[OPERATIONS];
	uint64		parents;		/* parents in the sample; those with children
								 * come first */
	uint64		referenced;
	bool		has_rows;		/* whether the sample has rows */
	bool		indexed;		/* whether an index serves the child's columns */
} Measure;

/* ---- locks ---- */

/* Returns a table and its partitions, with their indexes and TOAST tables */
static List *
lockable_relids(Oid relid)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, sg_all_inheritors(relid))
	{
		Relation	rel = sg_relation_open(lfirst_oid(lc), AccessShareLock);

		relids = lappend_oid(relids, lfirst_oid(lc));
		relids = list_concat(relids, RelationGetIndexList(rel));
		if (OidIsValid(rel->rd_rel->reltoastrelid))
		{
			Relation	toast = relation_open(rel->rd_rel->reltoastrelid, AccessShareLock);

			relids = lappend_oid(relids, RelationGetRelid(toast));
			relids = list_concat(relids, RelationGetIndexList(toast));
			relation_close(toast, AccessShareLock);
		}
		relation_close(rel, AccessShareLock);
	}
	return relids;
}

static bool
is_locked(Oid relid, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	return LockHeldByMe(&tag, mode, false);
}

/*
 * Returns the relations that this transaction has not locked yet, so that their
 * locks will be the measurement's own
 */
static List *
not_locked_yet(List *relids, LOCKMODE mode)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relids)
	{
		if (!is_locked(lfirst_oid(lc), mode))
			result = list_append_unique_oid(result, lfirst_oid(lc));
	}
	return result;
}

static void
unlock_all(List *relids, LOCKMODE mode)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		while (is_locked(lfirst_oid(lc), mode))
			UnlockRelationOid(lfirst_oid(lc), mode);
	}
}

/* ---- the copies ---- */

/* Returns the columns that a copy gets values for, each with a prefix */
static char *
column_names(Oid relid, const char *prefix)
{
	StringInfoData names;
	ListCell   *lc;

	initStringInfo(&names);
	foreach(lc, verify_given_columns(relid))
		appendStringInfo(&names, "%s%s%s", names.len ? ", " : "", prefix,
						 quote_identifier(sg_column_name(relid, lfirst_int(lc))));
	return names.data;
}

/* Returns TABLESAMPLE for twice the sample of a large table */
static char *
sampling_clause(Oid relid, int sample)
{
	FormData_pg_class class;
	double		rows = sg_read_class(relid, &class) ? class.reltuples : 0;

	return rows > 10.0 * sample ? psprintf(" TABLESAMPLE SYSTEM (%g)", 200.0 * sample / rows) : "";
}

static void
take_children(const Measure *m, const char *sampling)
{
	const FkKey *key = &m->key;

	verify_run(psprintf("CREATE TEMP TABLE schemaguard_child_rows AS"
						" SELECT %s, pg_catalog.row_number() OVER () AS " NUMBER
						" FROM (SELECT * FROM %s%s WHERE %s LIMIT %d) c",
						column_names(key->child, "c."), verify_table(key->child, "c"), sampling,
						verify_complete(key->child, key->child_att, key->nkeys, "c"), m->sample));
}

/* Copies a sample of children with their parents, and as many parents without children */
static bool
take_sample(Measure *m)
{
	const FkKey *key = &m->key;
	char	   *sampling = sampling_clause(key->child, m->sample);
	char	   *match = verify_match(key, "p", "c");
	char	   *columns = column_names(key->parent, "p.");

	take_children(m, sampling);
	if (*sampling && verify_run("SELECT FROM " CHILD_ROWS) < m->sample / 2)
	{
		verify_run("DROP TABLE " CHILD_ROWS);
		take_children(m, "");
	}
	verify_run("ANALYZE " CHILD_ROWS);
	verify_run(psprintf("CREATE TEMP TABLE schemaguard_parent_rows AS"
						" SELECT %s, pg_catalog.row_number() OVER (ORDER BY p.\"schemaguard childless\") AS " NUMBER " FROM ("
						"(SELECT %s, false AS \"schemaguard childless\" FROM %s"
						" WHERE EXISTS (SELECT FROM " CHILD_ROWS " c WHERE %s) LIMIT %d)"
						" UNION ALL "
						"(SELECT %s, true FROM %s"
						" WHERE NOT EXISTS (SELECT FROM " CHILD_ROWS " c WHERE %s) LIMIT %d)) p",
						columns, columns, verify_table(key->parent, "p"), match, m->sample,
						columns, verify_table(key->parent, "p"), match, m->sample));
	verify_run(psprintf("DELETE FROM " CHILD_ROWS " c WHERE NOT EXISTS (SELECT FROM " PARENT_ROWS " p WHERE %s)", match));
	verify_run("ANALYZE " CHILD_ROWS);
	verify_run("ANALYZE " PARENT_ROWS);
	m->parents = verify_run("SELECT FROM " PARENT_ROWS);
	m->referenced = verify_run(psprintf("SELECT FROM " PARENT_ROWS " p WHERE EXISTS (SELECT FROM " CHILD_ROWS " c WHERE %s)",
										match));
	return verify_run("SELECT FROM " CHILD_ROWS " LIMIT 1") > 0;
}

static char *
copy_name(const char *pattern, int variant)
{
	char		name[NAMEDATALEN];

	snprintf(name, sizeof(name), pattern, variant);
	return pstrdup(name);
}

/*
 * Returns why a copy of one of the tables could run other roles' code, or NULL;
 * whole: with defaults and constraints, else with columns and indexes only
 */
static const char *
code_problem(const FkKey *key, bool whole)
{
	CodeReach  *reach = code_reach();
	Oid			tables[] = {key->child, key->parent};
	Oid			owner = code_table_owner(key->child);
	Oid			role;
	char	   *reason;

	fk_code_reach(reach, key);
	for (int i = 0; i < lengthof(tables); i++)
	{
		code_reach_read(reach, tables[i]);
		code_reach_row(reach, tables[i]);
		if (whole)
			code_reach_write(reach, tables[i], CMD_INSERT);
	}
	reason = code_role(reach, owner, &role);
	if (reason == NULL && OidIsValid(role))
		reason = psprintf("it could run code of role %s, who has to call it then", sg_role_name(role));
	return reason ? psprintf("reading and copying these tables is left alone: %s", reason) : NULL;
}

/* Drops NOT NULL of a column: a generated one is empty in a bare copy */
static void
drop_not_null(Oid relid, const char *name)
{
	Relation	rel = sg_relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && att->attgenerated != '\0' && att->attnotnull)
			verify_run(psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL", name,
								quote_identifier(NameStr(att->attname))));
	}
	relation_close(rel, AccessShareLock);
}

/*
 * Creates a temporary table like another one, with a column of numbers.  A bare
 * copy has no CHECK, default or generated column, which could run code of the
 * table's owner; a restricted role can't create temporary tables.
 */
static void
make_copy(Oid relid, const char *name, bool bare)
{
	verify_run(psprintf("CREATE TEMP TABLE %s (LIKE %s INCLUDING %s)", name, sg_relation_name(relid),
						bare ? "INDEXES INCLUDING STORAGE" : "ALL"));
	if (bare)
		drop_not_null(relid, name);
	verify_run(psprintf("ALTER TABLE %s ADD COLUMN " NUMBER " pg_catalog.int8", name));
}

static char *
fill_statement(Oid relid, const char *copy, const char *rows)
{
	return psprintf("INSERT INTO %s (%s, " NUMBER ") OVERRIDING SYSTEM VALUE SELECT %s, r." NUMBER " FROM %s r",
					copy, column_names(relid, ""), column_names(relid, "r."), rows);
}

/* Adds the step's key between the copies, and makes its checks immediate */
static void
add_key(const Measure *m)
{
	PlanStep	step = *m->step;

	step.child_table = copy_name(CHILD_COPY, WITH);
	step.parent_table = copy_name(PARENT_COPY, WITH);
	step.parent_columns = sg_attribute_names(m->key.parent, m->key.parent_att, m->key.nkeys);
	verify_run(plan_add_statement(&step, false));
	if (step.deferrable)
		verify_run(psprintf("SET CONSTRAINTS pg_temp.%s IMMEDIATE", quote_identifier(step.fk_name)));
}

static void
make_copies(const Measure *m)
{
	const FkKey *key = &m->key;
	bool		bare = code_problem(key, true) != NULL;

	for (int v = 0; v < VARIANTS; v++)
	{
		make_copy(key->child, copy_name(CHILD_COPY, v), bare);
		make_copy(key->parent, copy_name(PARENT_COPY, v), bare);
	}
	add_key(m);
}

/* ---- rounds ---- */

static void
measure(Measure *m, Operation op, const char *sql)
{
	instr_time	start,
				end;
	uint64		rows;

	/*
	 * restore the progress report: TRUNCATE has built indexes, which report
	 * in the same slots
	 */
	sg_progress_phase(SG_PHASE_EXECUTING);
	m->at = op;
	INSTR_TIME_SET_CURRENT(start);
	rows = verify_run(sql);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);

	m->rows[op] = rows;
	if (rows > 0 && m->round > 0)
		m->us[op][m->variant][m->round - 1] = INSTR_TIME_GET_DOUBLE(end) * 1e6 / rows;
	CHECK_FOR_INTERRUPTS();
}

/* Returns the assignments k1 = p.k1, ... */
static char *
key_assignments(const FkKey *key)
{
	StringInfoData sets;

	initStringInfo(&sets);
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(&sets, "%s%s = %s", i ? ", " : "",
						 quote_identifier(sg_column_name(key->child, key->child_att[i])),
						 verify_column("p", key->parent, key->parent_att[i]));
	return sets.data;
}

/*
 * Returns the UPDATE that gives each remaining child, of a parent with an odd
 * number, another parent: one without children if possible, so that a unique
 * key stays unique.
 */
static char *
update_statement(const Measure *m, const char *child)
{
	const FkKey *key = &m->key;
	char	   *target;

	if (m->parents > m->referenced)
		target = psprintf("o." NUMBER " + " UINT64_FORMAT, m->referenced + m->referenced % 2);
	else
		target = psprintf("1 + (o." NUMBER " + 1) %% " UINT64_FORMAT, m->parents + m->parents % 2);
	return psprintf("UPDATE %s c SET %s FROM " PARENT_ROWS " o, " PARENT_ROWS " p"
					" WHERE %s AND o." NUMBER " %% 2 = 1 AND p." NUMBER " = %s",
					child, key_assignments(key), verify_match(key, "o", "c"), target);
}

/*
 * Runs all operations on one pair of copies.  Parents with an even number lose
 * their children and are deleted; then the other children are updated.
 */
static void
one_pass(void *arg)
{
	Measure    *m = arg;
	const FkKey *key = &m->key;
	char	   *child = copy_name(CHILD_COPY, m->variant);
	char	   *parent = copy_name(PARENT_COPY, m->variant);

	SPI_connect();
	/* TRUNCATE gives each pass new files, without dead rows of others */
	verify_run(psprintf("TRUNCATE %s, %s", child, parent));
	verify_run(fill_statement(key->parent, parent, PARENT_ROWS));
	measure(m, OP_INSERT, fill_statement(key->child, child, CHILD_ROWS));
	verify_run(psprintf("DELETE FROM %s c USING " PARENT_ROWS " p WHERE %s AND p." NUMBER " %% 2 = 0",
						child, verify_match(key, "p", "c")));
	measure(m, OP_DELETE, psprintf("DELETE FROM %s WHERE " NUMBER " %% 2 = 0", parent));
	measure(m, OP_UPDATE, update_statement(m, child));
	SPI_finish();
}

/*
 * Runs one pass, and rolls it back.  An operation that fails, like the update
 * of a unique key, ends the pass.
 */
static void
run_pass(Measure *m)
{
	ErrorData  *edata = sg_try_undo(one_pass, m);

	if (edata == NULL)
		return;
	sg_rethrow_cancel(edata);
	for (int op = m->at; op < OPERATIONS; op++)
	{
		if (m->op_reason[op] == NULL)
			m->op_reason[op] = psprintf("%s: %s", unpack_sql_state(edata->sqlerrcode), sg_error_message(edata));
	}
}

static void
run_rounds(Measure *m)
{
	for (m->round = 0; m->round <= m->rounds; m->round++)
	{
		/* alternate the order, because the first variant finds colder caches */
		m->variant = m->round % VARIANTS;
		run_pass(m);
		m->variant = VARIANTS - 1 - m->variant;
		run_pass(m);
	}
}

/* ---- one step ---- */

static const char *
generated_problem(const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		if (get_attgenerated(key->child, key->child_att[i]) != '\0' ||
			get_attgenerated(key->parent, key->parent_att[i]) != '\0')
			return "a column of the key is generated";
	}
	return NULL;
}

/* Returns why the caller can't copy the tables, or NULL */
static const char *
copy_problem(const FkKey *key)
{
	const char *problem = audit_place_problem(key);

	if (problem == NULL)
		problem = verify_read_problem(key->child, GetUserId());
	if (problem == NULL)
		problem = verify_read_problem(key->parent, GetUserId());
	if (problem == NULL)
		problem = code_problem(key, false);
	if (problem == NULL)
		problem = generated_problem(key);
	return problem;
}

/* Returns whether an index of the child without a predicate begins with a column of the key */
static bool
has_index(const FkKey *key)
{
	Relation	rel = sg_relation_open(key->child, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = relation_open(lfirst_oid(lc), AccessShareLock);

		for (int i = 0; i < key->nkeys && heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL); i++)
			found |= index->rd_index->indisvalid && index->rd_index->indkey.values[0] == key->child_att[i];
		relation_close(index, AccessShareLock);
	}
	relation_close(rel, AccessShareLock);
	return found;
}

/*
 * Takes the sample and creates the copies, unless the tables have changed when
 * the deed's locks are held
 */
static void
copy_tables(void *arg)
{
	Measure    *m = arg;
	MemoryContext context = CurrentMemoryContext;

	m->reason = copy_problem(&m->key);
	if (m->reason)
		return;
	m->indexed = has_index(&m->key);
	sg_progress_phase(SG_PHASE_SCANNING);
	SPI_connect();
	m->has_rows = take_sample(m);
	if (m->has_rows)
		make_copies(m);
	SPI_finish();
	MemoryContextSwitchTo(context);
}

/*
 * Creates the copies and runs the rounds, in a subtransaction that is rolled
 * back; no lock on the real tables is held during the rounds
 */
static void
measure_step(void *arg)
{
	Measure    *m = arg;
	List	   *tables;
	List	   *read;
	List	   *kept_still;
	SgScope		scope;

	sg_caller_begin(&scope);
	run_set_local("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	run_set_local("row_security", "off");
	run_set_local("jit", "off");
	run_set_local("constraint_exclusion", "off");
	run_set_local("client_min_messages", "warning");

	m->reason = copy_problem(&m->key);
	tables = m->reason ? NIL : list_concat(lockable_relids(m->key.child), lockable_relids(m->key.parent));
	read = not_locked_yet(tables, AccessShareLock);
	kept_still = not_locked_yet(tables, ShareUpdateExclusiveLock);
	if (m->reason == NULL)
		run_deed_alone(copy_tables, m);
	unlock_all(kept_still, ShareUpdateExclusiveLock);
	unlock_all(read, AccessShareLock);
	if (m->reason == NULL)
	{
		/*
		 * make the key look rows up as in large tables, though the copies are
		 * small
		 */
		run_set_local("enable_seqscan", "off");
		if (m->has_rows)
			run_rounds(m);
		else
			m->reason = psprintf("no row of %s has a parent, so there is nothing to measure with",
								 sg_relation_name(m->key.child));
	}
	sg_scope_end(&scope);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* Returns a quantile of sorted values, interpolated as percentile_cont does */
static double
quantile(const double *values, int n, double q)
{
	double		place = q * (n - 1);
	int			below = (int) floor(place);

	if (below + 1 >= n)
		return values[n - 1];
	return values[below] + (place - below) * (values[below + 1] - values[below]);
}

/* Rounds to three significant digits: more would be noise */
static double
rounded(double value)
{
	double		unit;

	if (value <= 0)
		return 0;
	unit = pow(10, 2 - floor(log10(value)));
	return rint(value * unit) / unit;
}

static void
sink_quantiles(SgRowSink *sink, const double *values, int n)
{
	sg_sink_float8(sink, rounded(quantile(values, n, 0.5)));
	sg_sink_float8(sink, rounded(quantile(values, n, 0.25)));
	sg_sink_float8(sink, rounded(quantile(values, n, 0.75)));
}

/*
 * Returns whether the quartiles of an operation, sorted and rounded as shown,
 * overlap without and with the key; false for one round
 */
static bool
is_noise(const Measure *m, Operation op)
{
	const double *without = m->us[op][WITHOUT];
	const double *with = m->us[op][WITH];

	return m->rounds > 1 &&
		rounded(quantile(with, m->rounds, 0.25)) <= rounded(quantile(without, m->rounds, 0.75)) &&
		rounded(quantile(without, m->rounds, 0.25)) <= rounded(quantile(with, m->rounds, 0.75));
}

/* Appends the figures of an operation for reports; without times, but with our reason, if it was not measured */
static void
note_operation(StringInfo figures, const Measure *m, Operation op, bool measured)
{
	appendStringInfo(figures, "%s{\"step\": %d, \"operation\": \"%s\"", figures->len > 0 ? ", " : "", m->step->step,
					 operation_names[op]);
	if (measured)
		appendStringInfo(figures, ", \"rows\": " INT64_FORMAT ", \"without_us\": %.15g, \"with_us\": %.15g", m->rows[op],
						 rounded(quantile(m->us[op][WITHOUT], m->rounds, 0.5)), rounded(quantile(m->us[op][WITH], m->rounds, 0.5)));
	else if (m->reason && !m->raised)
	{
		appendStringInfoString(figures, ", \"reason\": ");
		escape_json(figures, m->reason);
	}
	appendStringInfoChar(figures, '}');
}

static void
emit_operation(SgRowSink *sink, const Measure *m, Operation op, StringInfo figures)
{
	const char *reason = m->reason ? m->reason : m->op_reason[op];
	bool		measured;

	if (reason == NULL && m->rows[op] == 0)
		reason = "the sample has too few rows";
	measured = reason == NULL;
	sg_sink_int32(sink, m->step->step);
	sg_sink_name(sink, m->step->fk_name);
	sg_sink_text(sink, operation_names[op]);
	if (reason)
	{
		for (int i = 0; i < 8; i++)
			sg_sink_null(sink);
	}
	else
	{
		qsort(m->us[op][WITHOUT], m->rounds, sizeof(double), compare_doubles);
		qsort(m->us[op][WITH], m->rounds, sizeof(double), compare_doubles);
		sg_sink_float8(sink, rounded(quantile(m->us[op][WITH], m->rounds, 0.5) /
									 quantile(m->us[op][WITHOUT], m->rounds, 0.5)));
		sg_sink_int64(sink, m->rows[op]);
		sink_quantiles(sink, m->us[op][WITHOUT], m->rounds);
		sink_quantiles(sink, m->us[op][WITH], m->rounds);
		if (op == OP_DELETE && !m->indexed)
			reason = "without an index on its columns the child is read as a whole for each row: on the real table that takes longer";
		if (is_noise(m, op))
			reason = psprintf("%s%sthe quartiles overlap: the difference may be noise, and more rounds tell", reason ? reason : "", reason ? "; " : "");
	}
	sg_sink_text(sink, m->step->child_table);
	sg_sink_text(sink, m->step->parent_table);
	sg_sink_text(sink, reason);
	sg_sink_emit(sink);
	note_operation(figures, m, op, measured);
}

/* Returns why the step can't be measured, or NULL */
static const char *
step_problem(Measure *m)
{
	FkProblem  *problem;

	if (m->step->skipped_by)
		return psprintf("the step is skipped: %s", m->step->reason ? m->step->reason : "no reason given");
	if (!m->step->enforced)
		return "a key that is not enforced costs nothing";
	problem = plan_step_key(m->step, &m->key);
	return problem ? problem->reason : NULL;
}

static void
report_step(SgRowSink *sink, Measure *m, StringInfo figures)
{
	ErrorData  *edata = NULL;

	for (int op = 0; op < OPERATIONS; op++)
	{
		for (int v = 0; v < VARIANTS; v++)
			m->us[op][v] = palloc0(sizeof(double) * m->rounds);
	}
	m->reason = step_problem(m);
	if (m->reason == NULL)
	{
		sg_progress_step(SG_PROGRESS_MEASURE, m->step->step, m->key.child);
		edata = run_try_undo(sg_statement_timeout, measure_step, m);
	}
	if (edata)
	{
		if (!run_timeout_struck())
			sg_rethrow_cancel(edata);
		m->raised = true;
		m->reason = run_timeout_struck() ? RUN_TIMEOUT_TEXT :
			psprintf("%s: %s", unpack_sql_state(edata->sqlerrcode), sg_error_message(edata));
	}
	for (int op = 0; op < OPERATIONS; op++)
		emit_operation(sink, m, op, figures);
}

static int
number_argument(FunctionCallInfo fcinfo, int arg, const char *name, int max)
{
	int			value;

	sg_arg_check(fcinfo, arg);
	value = PG_GETARG_INT32(arg);
	if (value < 1 || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d", name, max),
				 errhint("The defaults are good for most tables.")));
	return value;
}

/*
 * sg_measure_overhead(plan text, sample int DEFAULT 1000, rounds int DEFAULT 9,
 * steps schemaguard.steps DEFAULT NULL)
 *
 * Returns three rows per step of the plan (42704), or per chosen step (22023):
 * insert and update key for rows of the child, delete parent for rows of the
 * parent.  Each has microseconds per row without and with the key (median,
 * quartiles) and the ratio of the medians, in three digits.  What can't be
 * measured has the reason, and so has a ratio that may be noise.  Needs SELECT
 * on both tables, TEMPORARY on the database, and a transaction that may write
 * (25006).  Locks the tables in ACCESS SHARE while their rows are sampled.
 * Stores figures for reports, for roles with sg_grant().
 */
static Datum
sg_measure_overhead_entered(PG_FUNCTION_ARGS)
{
	FkPlan	   *plan;
	int			sample;
	int			rounds;
	int			options;
	List	   *steps;
	SgRowSink	sink;
	pg_uuid_t	run = log_new_run();
	StringInfoData figures;
	ListCell   *lc;

	sg_check_version();
	sample = number_argument(fcinfo, 1, "sample", MAX_SAMPLE);
	rounds = number_argument(fcinfo, 2, "rounds", MAX_ROUNDS);
	sg_check_writable("sg_measure_overhead()");
	plan = plan_get_readable(sg_arg_text(fcinfo, 0));
	plan_choose(plan, plan_steps_argument(fcinfo, 3));
	options = plan_options_begin(plan);

	initStringInfo(&figures);
	sg_sink_begin(&sink, fcinfo);
	sg_progress_begin(SG_PROGRESS_MEASURE, plan->id, 0);
	steps = plan_only_keys(plan_chosen_steps(plan));
	sg_progress_total(list_length(steps));
	foreach(lc, steps)
	{
		Measure    *m = palloc0(sizeof(Measure));

		m->step = lfirst(lc);
		m->sample = sample;
		m->rounds = rounds;
		report_step(&sink, m, &figures);
		sg_progress_done(foreach_current_index(lc) + 1, 0);
	}
	if (sg_is_granted())
		log_evidence(&run, plan->name, plan->id, "overhead", psprintf("[%s]", figures.data));
	sg_progress_end();
	plan_options_end(options);

	PG_RETURN_NULL();
}
