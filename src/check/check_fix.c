/*-------------------------------------------------------------------------
 *
 * check_fix.c
 *	  What mending the orphans of a step costs.
 *
 * For each row that is deleted, each key that refers to its table looks for
 * rows that refer to the row.  Where no index serves that, it reads a whole
 * table, once for each row: that is what can make hours of seconds, and it is
 * named here with the index that is missing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/quote.h"
#include "check/check.h"
#include "plan/plan_index.h"

/* From then on, mending deserves a word */
#define LONG_SECONDS	1
#define MANY_BLOCKS		100000

/* What one step is about to cost */
typedef struct FixCost
{
	PlanCheck  *check;
	double		blocks;			/* read for want of indexes */
	StringInfoData keys;		/* those that lack one */
	StringInfoData statements;
	List	   *seen;			/* tables whose rows are reached */
} FixCost;

static bool
shares_rows(Oid a, Oid b)
{
	return a == b ||
		(get_rel_relispartition(a) && list_member_oid(get_partition_ancestors(a), b)) ||
		(get_rel_relispartition(b) && list_member_oid(get_partition_ancestors(b), a));
}

/* A key with no index, for which none is built before */
static void
add_missing(FixCost *cost, const FkKey *key, double rows)
{
	CheckTable *child = check_table(cost->check, key->child);

	cost->blocks += rows * child->blocks;
	appendStringInfo(&cost->keys, "%s%s (%s)", cost->keys.len ? ", " : "",
					 sg_relation_name(key->child), check_bytes(child->blocks * BLCKSZ));
	if (fk_index_obstacle(key))
		return;
	appendStringInfo(&cost->statements, "%sCREATE INDEX %sON %s (%s);", cost->statements.len ? " " : "",
					 get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE ? "" : "CONCURRENTLY ",
					 sg_relation_name(key->child), fk_index_columns(key));
}

static void add_table(FixCost *cost, Oid table, double rows, bool goes_on);

/* Rows of the parent are deleted: what that costs by one key */
static void
add_key(FixCost *cost, const FkKey *key, bool planned, double rows, bool goes_on)
{
	const PlanIndex *index = planned && sg_workers > 0 ? check_planned_index(cost->check, key) : NULL;
	CheckTable *child;
	CheckTable *parent;

	if (!key->enforced || key->period)
		return;
	if (!OidIsValid(check_serving_index(key)) && (index == NULL || index->obstacle))
		add_missing(cost, key, rows);
	if (!goes_on || list_member_oid(cost->seen, key->child))
		return;

	/* as many as there are to a row of the parent on average */
	child = check_table(cost->check, key->child);
	parent = check_table(cost->check, key->parent);
	if (child->rows > 0 && parent->rows > 0)
		add_table(cost, key->child, rows * child->rows / parent->rows, goes_on);
}

static void
add_table(FixCost *cost, Oid table, double rows, bool goes_on)
{
	check_stack_depth();
	cost->seen = lappend_oid(cost->seen, table);
	foreach_ptr(const FkKey, key, cost->check->declared)
	{
		if (shares_rows(table, key->parent))
			add_key(cost, key, false, rows, goes_on);
	}
	foreach_ptr(const CheckStep, other, cost->check->steps)
	{
		if (check_is_due(other) && other->view.existing == NULL && shares_rows(table, other->view.key.parent))
			add_key(cost, &other->view.key, true, rows, goes_on);
	}
}

static void
tell_missing(CheckStep *cs, const FixCost *cost)
{
	PlanCheck  *check = cost->check;
	double		seconds = cost->blocks * check->ms_per_block / 1000;
	bool		known = check->ms_per_block > 0;
	char	   *text;

	text = psprintf("each of " INT64_FORMAT " orphan rows that is deleted reads, for want of an index, %s: %s",
					cs->audit->orphan_rows, cost->keys.data,
					known ? psprintf("about %s in all", check_duration(seconds)) :
					psprintf("%s in all", check_bytes(cost->blocks * BLCKSZ)));

	check->seconds += seconds;
	if (known ? seconds >= LONG_SECONDS : cost->blocks >= MANY_BLOCKS)
		check_row(cs, "fix", CHECK_WARN, text,
				  cost->statements.len ? psprintf("Build it before the orphans are fixed: %s", cost->statements.data) : NULL);
	else
		check_row(cs, "fix", CHECK_OK, text, NULL);
}

void
check_fix(PlanCheck *check, CheckStep *cs)
{
	FixCost		cost = {.check = check};
	bool		deletes = plan_policy_deletes(cs->step->orphans);

	if (!deletes || cs->audit == NULL || cs->audit->result != AUDIT_FAIL)
		return;
	initStringInfo(&cost.keys);
	initStringInfo(&cost.statements);
	add_table(&cost, cs->view.key.child, cs->audit->orphan_rows, cs->step->quarantine_cascades);
	if (cost.keys.len > 0)
		tell_missing(cs, &cost);
	else
		check_row(cs, "fix", CHECK_OK, "an index serves each key that refers to the orphans", NULL);
}
