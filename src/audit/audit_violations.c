/*-------------------------------------------------------------------------
 *
 * audit_violations.c
 *	  sg_rule_audit and sg_rule_violations: rules for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "base/args.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/words.h"

SG_FUNCTION(sg_rule_violations);
SG_FUNCTION(sg_nobodys_violations);
SG_FUNCTION(sg_rule_audit);

static const SgWord kind_words[] = {
	{AUDIT_CHECK, "check"},
	{AUDIT_NOT_NULL, "not null"},
	{AUDIT_UNIQUE, "unique"},
	{0}
};

/* Tables that may have rules */
static const char rule_relkinds[] = {RELKIND_RELATION, RELKIND_PARTITIONED_TABLE, RELKIND_FOREIGN_TABLE, 0};

/*
 * Returns the rule of arguments n and n + 1, as if `author` had written it; the
 * names of a rule without author are pinned
 */
static AuditKey *
rule_argument(FunctionCallInfo fcinfo, int n, Oid relid, Oid author)
{
	return audit_rule_parse(relid, sg_parse_word(kind_words, "kind", sg_arg_text(fcinfo, n)), sg_arg_text(fcinfo, n + 1), author,
							!OidIsValid(author));
}

/* Finds the rule that a call's arguments mean; raises an error if there is none */
typedef AuditKey *(*FindRule) (FunctionCallInfo fcinfo);

/* Returns why the caller must not see the rows, or why they can't be judged */
static FkProblem *
listing_problem(const AuditKey *rule)
{
	FkProblem  *problem = audit_rule_caller_problem(rule, true);
	const char *reason = audit_rule_problem(rule);

	foreach_ptr(const AuditKey, part, problem ? NIL : audit_rule_parts(rule))
	{
		if (problem == NULL)
			problem = audit_rule_access(part, true);
	}
	if (problem == NULL && reason)
		problem = fk_problem(FK_PROBLEM_OTHER, ERRCODE_FEATURE_NOT_SUPPORTED, reason, NULL);
	return problem;
}

/* Lists the rows that break a rule, which is found and checked before the locks and again under them */
static void
list_violations(FunctionCallInfo fcinfo, const AuditKey *rule, FindRule find, int64 max_rows)
{
	SgRowSink	sink;
	FkProblem  *problem;
	Oid			busy;

	if (find)
		rule = find(fcinfo);
	problem = listing_problem(rule);
	sg_sink_begin(&sink, fcinfo);
	if (problem == NULL)
		problem = audit_rule_lock(rule, true, &busy);
	if (problem == NULL && find)
		rule = find(fcinfo);
	if (problem == NULL)
		problem = listing_problem(rule);
	if (problem)
		audit_raise_problem(problem, "the violations", rule->key.child);
	audit_push_snapshot();
	foreach_ptr(const AuditKey, part, audit_rule_parts(rule))
	{
		SgScope		scope;

		audit_rule_scope_begin(&scope, part, true);
		max_rows -= audit_run_list(&sink, &part->key, audit_rule_rows(part), max_rows);
		sg_scope_end(&scope);
	}
	PopActiveSnapshot();
}

void
audit_list_violations(FunctionCallInfo fcinfo, const AuditKey *rule, int64 max_rows)
{
	list_violations(fcinfo, rule, NULL, max_rows);
}

static AuditKey *
callers_rule(FunctionCallInfo fcinfo)
{
	return rule_argument(fcinfo, 1, sg_arg_table(fcinfo, 0, rule_relkinds), GetUserId());
}

static AuditKey *
nobodys_rule(FunctionCallInfo fcinfo)
{
	return rule_argument(fcinfo, 1, sg_arg_table(fcinfo, 0, rule_relkinds), InvalidOid);
}

/*
 * sg_rule_violations(child regclass, kind text, definition text, max_rows
 * bigint DEFAULT 1000)
 *
 * Returns the rows for which ALTER TABLE would refuse the rule.  Needs SELECT
 * on the table and no row security on it (42501); locks it in ACCESS SHARE
 * until the end of the transaction.  Raises ALTER TABLE's errors for an
 * impossible rule.
 */
static Datum
sg_rule_violations_entered(PG_FUNCTION_ARGS)
{
	sg_check_version();
	list_violations(fcinfo, NULL, callers_rule, sg_arg_count(fcinfo, 3, INT8OID));

	PG_RETURN_NULL();
}

/*
 * schemaguard.sg_nobodys_violations(child schemaguard.table_name, kind text,
 * definition text, max_rows bigint)
 *
 * Like sg_rule_violations(), for a rule of a snapshot, whose author is nobody
 * here: it runs only code that does the same for any role, and the code of the
 * table's owner as that owner.
 */
static Datum
sg_nobodys_violations_entered(PG_FUNCTION_ARGS)
{
	sg_check_version();
	list_violations(fcinfo, NULL, nobodys_rule, sg_arg_count(fcinfo, 3, INT8OID));

	PG_RETURN_NULL();
}

/* ---- verdicts ---- */

static bool
has_not_null(List *keys, AttrNumber attnum)
{
	foreach_ptr(AuditKey, ak, keys)
	{
		if (ak->rule && ak->rule->kind == AUDIT_NOT_NULL && ak->key.child_att[0] == attnum)
			return true;
	}
	return false;
}

/* Adds NOT NULL of columns that have no constraint for it, as before 18 */
static List *
add_marked_columns(List *keys, Oid relid)
{
	SgCatalog	rows;
	HeapTuple	tuple;

	sg_catalog_begin(&rows, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
	{
		Form_pg_attribute att = (Form_pg_attribute) GETSTRUCT(tuple);

		if (att->attnum > 0 && att->attnotnull && !att->attisdropped && !has_not_null(keys, att->attnum))
			keys = lappend(keys, audit_rule_not_null(relid, NULL, att->attnum, true));
	}
	return keys;
}

/*
 * Returns the keys and rules that a table declares: foreign keys, then rules,
 * sorted by name; unnamed ones last
 */
static List *
declared_keys(Oid relid)
{
	List	   *keys = NIL;
	SgCatalog	rows;
	HeapTuple	tuple;

	foreach_ptr(FkKey, key, fk_declared(relid))
	{
		keys = lappend(keys, audit_key_new(key, AUDIT_CATALOG, fk_state(key)));
	}
	sg_catalog_begin(&rows, ConstraintRelationId, ConstraintRelidTypidNameIndexId,
					 Anum_pg_constraint_conrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
	{
		AuditKey   *ak = audit_rule_declared(((Form_pg_constraint) GETSTRUCT(tuple))->oid);

		if (ak)
			keys = lappend(keys, ak);
	}
	return add_marked_columns(keys, relid);
}

static void
emit_verdict(SgRowSink *sink, const AuditKey *ak)
{
	sg_sink_text(sink, ak->fk_name);
	sg_sink_text(sink, ak->rule ? sg_word(kind_words, ak->rule->kind) : "foreign key");
	sg_sink_names(sink, ak->child_columns);
	sg_sink_text(sink, audit_result_word(ak->result));
	sg_sink_count(sink, ak->rows_checked);
	sg_sink_count(sink, ak->orphan_rows);
	sg_sink_count(sink, ak->orphan_keys);
	audit_sink_sample(sink, ak);
	sg_sink_text(sink, ak->reason);
	sg_sink_text(sink, ak->method);
	if (ak->method)
		sg_sink_float8(sink, sg_rounded(ak->elapsed_ms, 1));
	else
		sg_sink_null(sink);
	sg_sink_emit(sink);
}

/*
 * sg_rule_audit(child regclass, kind text DEFAULT NULL, definition text DEFAULT
 * NULL, samples int DEFAULT 5)
 *
 * Returns whether the table's rows meet a rule; without one, whether they meet
 * all keys and rules that the table declares, judged together in one pass.
 */
static Datum
sg_rule_audit_entered(PG_FUNCTION_ARGS)
{
	AuditTable	table = {.results = CurrentMemoryContext};
	SgRowSink	sink;
	ListCell   *lc;

	sg_check_version();
	table.child = sg_arg_table(fcinfo, 0, rule_relkinds);
	table.samples = sg_arg_count(fcinfo, 3, INT4OID);
	table.keys = sg_arg_is_null(fcinfo, 1) ? declared_keys(table.child) :
		list_make1(rule_argument(fcinfo, 1, table.child, GetUserId()));
	sg_sink_begin(&sink, fcinfo);
	if (table.keys != NIL)
		audit_table(&table);
	foreach(lc, table.keys)
		emit_verdict(&sink, lfirst(lc));

	PG_RETURN_NULL();
}
