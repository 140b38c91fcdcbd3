/*-------------------------------------------------------------------------
 *
 * plan_index.c
 *	  Indexes that a plan's steps want on the child's columns.
 *
 *	  Names are those that CREATE INDEX would choose.  The name of a key's
 *	  index is chosen when the step is added, and stored with it; that of a
 *	  partition's index before its build, and recorded: a killed build leaves
 *	  an index behind, which is recognised by name and definition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/name.h"
#include "base/oidlist.h"
#include "base/origin.h"
#include "base/quote.h"
#include "base/spi.h"
#include "log/log.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_choice.h"
#include "plan/plan_deed.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_name.h"

/* Returns the CREATE INDEX statement; index is an unqualified name */
static char *
format_statement(const char *index, const char *table, const char *columns, bool concurrently)
{
	return psprintf("CREATE INDEX %s%s ON %s (%s)", concurrently ? "CONCURRENTLY " : "",
					quote_identifier(index), table, columns);
}

bool
plan_index_is(Oid index, const char *table, const char *columns, bool partitioned)
{
	char	   *its_columns;
	Oid			relid;

	if (!OidIsValid(index) || get_rel_relkind(index) != (partitioned ? RELKIND_PARTITIONED_INDEX : RELKIND_INDEX))
		return false;
	relid = IndexGetRelation(index, true);
	if (!OidIsValid(relid) || strcmp(sg_relation_name(relid), table) != 0)
		return false;
	if (plan_index_is_definition(columns))
		return plan_index_is_defined(index, relid, columns);
	its_columns = fk_plain_index_columns(index);
	return its_columns && strcmp(its_columns, columns) == 0;
}

/* ---- names ---- */

static bool
is_taken(List *indexes, const char *schema, const char *name)
{
	Oid			namespace = get_namespace_oid(schema, true);
	char	   *qualified = sg_qualified_name(schema, name);
	ListCell   *lc;

	if (OidIsValid(namespace) && OidIsValid(get_relname_relid(name, namespace)))
		return true;
	foreach(lc, indexes)
	{
		if (strcmp(((PlanIndex *) lfirst(lc))->name, qualified) == 0)
			return true;
	}
	return false;
}

/* Returns the columns that the server searches for: an index on the period itself would not serve */
static List *
searched_columns(const PlanStep *step)
{
	return step->period ? list_copy_head(step->child_columns, list_length(step->child_columns) - 1) :
		step->child_columns;
}

char *
plan_default_index_name(const PlanStep *step, int n)
{
	return sg_make_nth_name(sg_parse_table_name(plan_given(step->child_table)).name, sg_join_names(searched_columns(step)), "idx", n);
}

/* Returns the relation that has the name in the schema of the step's child, or InvalidOid */
static Oid
relation_of_name(const PlanStep *step, const char *name)
{
	Oid			namespace = get_namespace_oid(sg_parse_table_name(plan_given(step->child_table)).schema, true);

	return OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
}

/* Returns whether another relation than the step's own index has the name */
static bool
has_other_relation(const PlanStep *step, const char *name)
{
	Oid			relid = relation_of_name(step, name);
	char		relkind;
	FkKey		key;

	if (!OidIsValid(relid))
		return false;
	relkind = get_rel_relkind(relid);
	if ((relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX) || plan_step_key(step, &key))
		return true;
	return !get_index_isvalid(relid) ||
		!plan_index_is(relid, plan_given(step->child_table), fk_index_columns(&key), relkind == RELKIND_PARTITIONED_INDEX);
}

char *
plan_make_index_name(const PlanStep *step)
{
	for (int n = 0;; n++)
	{
		char	   *name = plan_default_index_name(step, n);

		if (!plan_index_name_is_planned(step, name) && !has_other_relation(step, name))
			return name;
	}
}

/*
 * Returns table_column_column_idx, with a number if that is taken: for a
 * partition, and a step of 0.1.0
 */
static char *
choose_name(List *indexes, const char *plan, const char *qualified, List *columns)
{
	SgTableName table = sg_parse_table_name(qualified);

	for (int n = 0;; n++)
	{
		char	   *name = sg_make_nth_name(table.name, sg_join_names(columns), "idx", n);

		if (!is_taken(indexes, table.schema, name) && !plan_part_index_name_is_planned(plan, qualified, name))
			return name;
	}
}

/* ---- missing indexes ---- */

/*
 * Sets the obstacle if another relation has the name now; the leftover of an
 * interrupted build will be dropped
 */
static void
check_name(PlanIndex *index, const PlanStep *step)
{
	Oid			relid = relation_of_name(step, step->index_name);

	if (!OidIsValid(relid) || plan_index_is_leftover(relid, index->table, index->columns))
		return;
	index->obstacle = psprintf("the name %s is taken by another relation", index->name);
	index->hint = psprintf("Give the index another name:\n%s", plan_rename_call(step, "index_name"));
}

static PlanIndex *
new_index(List *indexes, const PlanStep *step, const char *table, List *names,
		  const char *columns, bool partitioned)
{
	SgTableName parsed = sg_parse_table_name(table);
	bool		stored = step->index_name && strcmp(table, plan_given(step->child_table)) == 0;
	char	   *name = stored ? step->index_name : choose_name(indexes, step->plan, table, names);
	PlanIndex  *index = palloc0(sizeof(PlanIndex));

	index->step = step->step;
	index->table = pstrdup(table);
	index->columns = pstrdup(columns);
	index->name = sg_qualified_name(parsed.schema, name);
	index->partitioned = partitioned;
	index->statement = format_statement(name, table, columns, !partitioned);
	if (stored)
		check_name(index, step);
	return index;
}

/* Indexes that steps lack: all in order, and those on existing columns by their tables */
typedef struct Missing
{
	List	   *indexes;
	SgOidLists *by_table;
} Missing;

/* Adds an index on a table or columns that do not exist yet */
static void
add_unresolved(Missing *missing, const PlanStep *step, const char *table, bool partitioned)
{
	List	   *names = searched_columns(step);
	char	   *columns = sg_quote_list(names);

	foreach_ptr(const PlanIndex, index, missing->indexes)
	{
		if (strcmp(index->table, table) == 0 && strcmp(index->columns, columns) == 0)
			return;
	}
	missing->indexes = lappend(missing->indexes, new_index(missing->indexes, step, table, names, columns, partitioned));
}

static bool
is_planned(const Missing *missing, const FkKey *key)
{
	foreach_ptr(const PlanIndex, index, sg_lists_of(missing->by_table, key->child))
	{
		if (fk_index_covers(index->key, key))
			return true;
	}
	return false;
}

static void
add_index(Missing *missing, const PlanStep *step, FkKey *key, bool partitioned)
{
	PlanIndex  *index;

	if (is_planned(missing, key))
		return;
	index = new_index(missing->indexes, step, sg_relation_name(key->child), searched_columns(step),
					  fk_index_columns(key), partitioned);
	index->key = key;
	if (index->obstacle == NULL)
		index->obstacle = fk_index_obstacle(key);
	missing->indexes = lappend(missing->indexes, index);
	sg_lists_add(missing->by_table, key->child, index);
}

List *
plan_leaves(Oid relid)
{
	List	   *leaves = NIL;
	ListCell   *lc;

	foreach(lc, sg_all_inheritors(relid))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			leaves = lappend_oid(leaves, lfirst_oid(lc));
	}
	return leaves;
}

/*
 * Adds the index of a partitioned child, and those that its partitions lack.  A
 * call that was killed, or could not lock the table, may have left the
 * partitions with theirs and the table without: it takes these over at once.
 * If each partition has an index of another form, none is built.
 */
static void
add_partitioned(Missing *missing, const PlanStep *step, FkKey *key)
{
	List	   *leaves = plan_leaves(key->child);
	bool		lacking = leaves == NIL;
	ListCell   *lc;

	foreach(lc, leaves)
	{
		FkKey	   *leaf = fk_on_partition(key, lfirst_oid(lc));

		lacking |= !OidIsValid(fk_serving_index(leaf)) || OidIsValid(fk_plain_index(leaf));
	}
	if (!lacking)
		return;

	foreach(lc, leaves)
	{
		FkKey	   *leaf = fk_on_partition(key, lfirst_oid(lc));

		if (!OidIsValid(fk_plain_index(leaf)) && fk_index_obstacle(key) == NULL)
			add_index(missing, step, leaf, false);
	}
	add_index(missing, step, key, true);
}

/* Adds an index on columns that a backfill adds, where none can exist yet */
static void
add_backfilled(Missing *missing, const PlanStep *step, Oid child)
{
	bool		partitioned = get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE;
	ListCell   *lc;

	foreach(lc, partitioned ? plan_leaves(child) : NIL)
		add_unresolved(missing, step, sg_relation_name(lfirst_oid(lc)), false);
	add_unresolved(missing, step, step->child_table, partitioned);
}

List *
plan_missing_indexes(List *steps)
{
	Missing		missing = {NIL, sg_lists_create()};

	foreach_ptr(PlanStep, step, steps)
	{
		FkKey	   *key = palloc(sizeof(FkKey));
		FkProblem  *problem;

		if (!step->index || step->skipped_by)
			continue;
		problem = plan_step_key(step, key);
		if (!OidIsValid(key->child))
			add_unresolved(&missing, step, step->child_table, false);
		else if (problem && step->backfill && plan_backfill_column_statement(step))
			add_backfilled(&missing, step, key->child);
		else if (problem || OidIsValid(fk_serving_index(key)))
			continue;
		else if (get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE)
			add_partitioned(&missing, step, key);
		else
			add_index(&missing, step, key, false);
	}
	sg_lists_free(missing.by_table);
	return missing.indexes;
}

/* ---- leftovers of interrupted builds ---- */

bool
plan_index_is_leftover(Oid index, const char *table, const char *columns)
{
	return plan_index_is(index, table, columns, false) && !get_index_isvalid(index);
}

List *
plan_index_leftovers(const FkPlan *plan)
{
	List	   *left = NIL;

	foreach_ptr(PlanDeed, deed, plan_deeds_unfinished(plan))
	{
		if (plan_is_chosen(plan, deed->step) &&
			plan_index_is_leftover(sg_find_qualified(deed->object), deed->what->child_table,
								   deed->index_columns))
			left = lappend(left, deed);
	}
	return left;
}

void
plan_index_check_whole(const char *name)
{
	Oid			index = sg_find_qualified(name);

	if (get_index_isvalid(index))
		return;
	foreach_oid(part, sg_all_inheritors(index))
	{
		if (get_rel_relkind(part) == RELKIND_INDEX && !get_index_isvalid(part))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("index %s would take over %s, which is invalid", name, sg_relation_name(part)),
					 errhint("Unless somebody is building that one just now, drop it and CALL again:\nDROP INDEX CONCURRENTLY %s;",
							 sg_relation_name(part))));
	}
}

/* Drops an invalid index within sg_try(), with the usual bound on the wait for its lock */
static void
drop_leftover(void *arg)
{
	const PlanDeed *deed = arg;
	char	   *sql = psprintf("DROP INDEX %s", deed->object);
	SgScope		scope;
	int			rc;

	sg_caller_begin(&scope);
	sg_scope_set("lock_timeout", psprintf("%d", sg_lock_wait(DeadlockTimeout)));
	SPI_connect();
	rc = sg_origin_execute(sql);
	if (rc != SPI_OK_UTILITY)
		elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
	SPI_finish();
	sg_scope_end(&scope);
}

/*
 * Drops the index of a leftover's deed, and logs it; returns an error.  Not
 * called in a transaction block, where the lock would last until the user ends
 * it.
 */
static ErrorData *
try_drop_leftover(const FkPlan *plan, PlanDeed *deed)
{
	pg_uuid_t	run = log_new_run();
	ErrorData  *error;
	LogEntry	entry;
	SgOrigin	origin;

	sg_origin_begin(&origin, plan->name);
	error = sg_try(drop_leftover, deed);
	sg_origin_end(&origin);
	if (error)
		return error;

	entry = log_entry(&run, plan->name, "drop index", LOG_DONE);
	entry.step = deed->step;
	entry.object = deed->object;
	entry.statement = psprintf("DROP INDEX %s", deed->object);
	entry.message = "it was left invalid by a build that was interrupted";
	log_write(&entry);
	plan_deed_close(deed->id, DEED_TAKEN_BACK);
	ereport(NOTICE,
			(errmsg("invalid index %s of an interrupted build dropped", deed->object)));
	return NULL;
}

void
plan_index_drop_leftovers(const FkPlan *plan)
{
	foreach_ptr(PlanDeed, deed, plan_index_leftovers(plan))
	{
		Oid			index = sg_find_qualified(deed->object);
		ErrorData  *error = NULL;

		if (!sg_owns_relation(index, GetUserId()))
		{
			ereport(WARNING,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("index %s, which a build of this plan has left invalid, is not dropped: role %s does not own it",
							deed->object, GetUserNameFromId(GetUserId(), false)),
					 errhint("Its owner drops it:\nDROP INDEX CONCURRENTLY %s;", deed->object)));
			continue;
		}
		if (!IsTransactionBlock())
			error = try_drop_leftover(plan, deed);
		if (error)
			sg_rethrow_cancel(error);
		if (error || IsTransactionBlock())
			ereport(ERROR,
					(errcode(error ? error->sqlerrcode : ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("a build of plan \"%s\" has left invalid index %s", plan->name, deed->object),
					 errdetail("It was not dropped: %s.", error ? sg_error_message(error) :
							   "in a transaction block its lock would last until the end"),
					 errhint("Try again%s; or:\nDROP INDEX CONCURRENTLY %s;",
							 error ? "" : " outside of a transaction block", deed->object)));
	}
}
