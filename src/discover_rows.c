/*-------------------------------------------------------------------------
 *
 * discover_rows.c
 *	  What the rows say of candidates.
 *
 * First a sample of the child's blocks, one query per table for all of its
 * candidates; each value is looked up in the parent.  Values that are not
 * there refute; values that are all there say much for texts and uuids, and
 * little for numbers: a key of 1 to n holds every small number.  After that,
 * the audit engine counts exactly, on demand, what the sample has not
 * refuted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "audit.h"
#include "discover.h"
#include "errors.h"
#include "quote.h"

#define SAMPLE_BLOCKS 100		/* of a child, about */
#define SAMPLE_KEYS 64			/* candidates that one query looks at */
#define WORTH_LOOKING 0.1		/* score below which rows are not asked */
#define REFUTED 0.05			/* share of orphans in a sample */

/* A batch of candidates of one child */
typedef struct Sample
{
	Facts	   *facts;
	Oid			child;
	List	   *candidates;
	double		percent;
	int64		counts[SAMPLE_KEYS][3]; /* not null, without parent, distinct */
} Sample;

static List *
names_of(const Facts *facts, const int *columns, int n)
{
	List	   *names = NIL;

	for (int i = 0; i < n; i++)
		names = lappend(names, facts->columns[columns[i]].name);
	return names;
}

bool
rows_resolve(const Facts *facts, Candidate *cand)
{
	const FactKey *key = &facts->keys[cand->key];

	if (cand->fk == NULL)
	{
		cand->fk = palloc0(sizeof(FkKey));
		cand->fk->name = "inferred";
		cand->fk->match = FKCONSTR_MATCH_SIMPLE;
		cand->fk->on_update = cand->fk->on_delete = FKCONSTR_ACTION_NOACTION;
		cand->fk->enforced = true;
		cand->problem = fk_resolve(facts->tables[facts->columns[cand->column].table].oid,
								   names_of(facts, cand->columns, cand->n),
								   facts->tables[key->table].oid,
								   names_of(facts, key->columns, key->n), cand->fk);
	}
	return cand->problem == NULL;
}

/* pk.a OPERATOR(s.=) s.c1 AND ... */
static void
append_match(StringInfo buf, const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		Oid			parent_type = get_atttype(key->parent, key->parent_att[i]);
		Oid			child_type = get_atttype(key->child, key->child_att[i]);

		if (i > 0)
			appendStringInfoString(buf, " AND ");
		generate_operator_clause(buf,
								 psprintf("pk.%s", quote_identifier(get_attname(key->parent, key->parent_att[i], false))),
								 parent_type, key->pf_eq_op[i],
								 psprintf("fk.%s", quote_identifier(get_attname(key->child, key->child_att[i], false))),
								 child_type);
	}
}

static void
append_not_null(StringInfo buf, const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
		appendStringInfo(buf, "%sfk.%s IS NOT NULL", i ? " AND " : "",
						 quote_identifier(get_attname(key->child, key->child_att[i], false)));
}

static char *
table_ref(Oid relid)
{
	return psprintf("%s%s", get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					sg_relation_name(relid));
}

static char *
sample_query(const Sample *sample)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	foreach(lc, sample->candidates)
	{
		const FkKey *key = ((Candidate *) lfirst(lc))->fk;

		appendStringInfo(&buf, "%spg_catalog.count(*) FILTER (WHERE ", lc == list_head(sample->candidates) ? "" : ", ");
		append_not_null(&buf, key);
		appendStringInfoString(&buf, "), pg_catalog.count(*) FILTER (WHERE ");
		append_not_null(&buf, key);
		appendStringInfo(&buf, " AND NOT EXISTS (SELECT FROM %s pk WHERE ", table_ref(key->parent));
		append_match(&buf, key);
		appendStringInfo(&buf, ")), pg_catalog.count(DISTINCT fk.%s)",
						 quote_identifier(get_attname(key->child, key->child_att[0], false)));
	}
	appendStringInfo(&buf, " FROM %s fk", table_ref(sample->child));
	if (sample->percent < 100)
		appendStringInfo(&buf, " TABLESAMPLE pg_catalog.system (%.6f)", sample->percent);
	return buf.data;
}

/* Blocks of a table and its partitions, by what was counted last or by the file */
static double
count_blocks(Oid relid)
{
	double		blocks = 0;
	List	   *relids = find_all_inheritors(relid, NoLock, NULL);
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		relids = list_make1_oid(relid);
	foreach(lc, relids)
	{
		Relation	rel = try_table_open(lfirst_oid(lc), AccessShareLock);

		if (rel == NULL)
			continue;
		if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
			blocks += RelationGetNumberOfBlocks(rel);
		table_close(rel, NoLock);
	}
	return blocks;
}

static void
run_sample(void *arg)
{
	Sample	   *sample = arg;
	SgScope		scope;
	int			n = 0;
	bool		isnull;

	sample->percent = Min(100.0, 100.0 * SAMPLE_BLOCKS / Max(count_blocks(sample->child), 1));
	sg_caller_begin(&scope);
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	if (SPI_execute(sample_query(sample), true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "a sample gave no row");
	for (int i = 0; i < list_length(sample->candidates); i++)
	{
		for (int j = 0; j < 3; j++)
			sample->counts[i][j] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
															   ++n, &isnull));
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* Lock them without waiting, so that nobody's ALTER TABLE makes us wait */
static void
lock_and_sample(void *arg)
{
	Sample	   *sample = arg;
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, sample->candidates)
	{
		Candidate  *cand = lfirst(lc);
		Oid			busy = InvalidOid;
		FkProblem  *problem = audit_lock(cand->fk, false, &busy);

		if (OidIsValid(busy))
			cand->reason = "another session has one of the tables locked";
		else if (problem)
			cand->reason = MemoryContextStrdup(sample->facts->context, problem->reason);
		else
			kept = lappend(kept, cand);
	}
	sample->candidates = kept;
	if (kept != NIL)
		run_sample(sample);
}

static void
take_counts(Sample *sample)
{
	ListCell   *lc;
	int			i = 0;

	foreach(lc, sample->candidates)
	{
		Candidate  *cand = lfirst(lc);
		int64	   *count = sample->counts[i++];

		cand->rows_checked = count[0];
		cand->orphan_rows = count[1];
		cand->whole = sample->percent >= 100;
		signals_rows(sample->facts, cand, count[0], count[1], count[2]);
	}
}

static void
sample_batch(Facts *facts, Oid child, List *candidates)
{
	Sample	   *sample = palloc0(sizeof(Sample));
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *error = NULL;
	ListCell   *lc;

	sample->facts = facts;
	sample->child = child;
	sample->candidates = candidates;

	/* on a standby, an error inside of a subtransaction may end the session */
	if (RecoveryInProgress())
		lock_and_sample(sample);
	else
		error = sg_try_undo(lock_and_sample, sample);
	MemoryContextSwitchTo(caller);
	if (error == NULL)
	{
		take_counts(sample);
		return;
	}
	sg_rethrow_cancel(error);
	foreach(lc, candidates)
	{
		Candidate  *cand = lfirst(lc);

		if (cand->reason == NULL)
			cand->reason = sg_error_text(error);
	}
}

/* May the rows be read?  Where not, the reason is kept. */
static bool
readable(const Facts *facts, Candidate *cand)
{
	FkProblem  *problem;

	if (!rows_resolve(facts, cand))
		return false;
	problem = audit_access_problem(cand->fk, false);
	if (problem)
		cand->reason = problem->reason;
	else if (audit_needs_owner(cand->fk, false))
		cand->reason = "comparing these columns runs code that is not built in: only a full audit does it";
	return cand->reason == NULL;
}

void
rows_sample(Facts *facts, List *candidates, Oid child_only)
{
	List	   *batch = NIL;
	Oid			child = InvalidOid;
	ListCell   *lc;

	foreach(lc, candidates)
	{
		Candidate  *cand = lfirst(lc);
		Oid			its = facts->tables[facts->columns[cand->column].table].oid;

		CHECK_FOR_INTERRUPTS();
		if (cand->score < WORTH_LOOKING || (OidIsValid(child_only) && its != child_only) ||
			!readable(facts, cand))
			continue;
		if (its != child || list_length(batch) == SAMPLE_KEYS)
		{
			if (batch != NIL)
				sample_batch(facts, child, batch);
			batch = NIL;
			child = its;
		}
		batch = lappend(batch, cand);
	}
	if (batch != NIL)
		sample_batch(facts, child, batch);
}

/* Count exactly, by the audit engine, what is to be proposed */
void
rows_audit(Facts *facts, List *proposals)
{
	List	   *tables = NIL;
	List	   *keys = NIL;
	List	   *judged = NIL;
	AuditTable *table = NULL;
	ListCell   *lc;
	ListCell   *k;

	foreach(lc, proposals)
	{
		Candidate  *cand = lfirst(lc);
		AuditKey   *key;

		if (!rows_resolve(facts, cand) || (cand->orphan_rows > cand->rows_checked * REFUTED && cand->rows_checked > 0))
			continue;
		cand->reason = NULL;
		key = audit_key_new(cand->fk, "inferred", "missing");
		if (table == NULL || table->child != cand->fk->child)
		{
			table = palloc0(sizeof(AuditTable));
			table->child = cand->fk->child;
			table->results = CurrentMemoryContext;
			tables = lappend(tables, table);
		}
		table->keys = lappend(table->keys, key);
		keys = lappend(keys, key);
		judged = lappend(judged, cand);
	}
	audit_tables(tables, NULL, NULL);
	forboth(lc, judged, k, keys)
	{
		Candidate  *cand = lfirst(lc);
		AuditKey   *key = lfirst(k);

		cand->rows_checked = key->rows_checked;
		cand->orphan_rows = key->orphan_rows;
		cand->whole = key->result != AUDIT_UNKNOWN;
		cand->reason = key->reason;
		if (cand->whole)
			signals_rows(facts, cand, key->rows_checked, key->orphan_rows, -1);
	}
}
