/*-------------------------------------------------------------------------
 *
 * check_fix.c
 *	  Orphans of a step: their number, whether they can be mended, and the
 *	  cost.
 *
 *	  For each deleted row, each key that refers to its table looks for rows
 *	  that refer to the row.  Without an index for that, it reads a whole
 *	  table, once for each row: this can turn seconds into hours, and the row
 *	  names the missing index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/calls.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/quote.h"
#include "check/check.h"
#include "deploy/deploy.h"
#include "fix/fix.h"
#include "fix/fix_sql.h"
#include "plan/plan_call.h"
#include "plan/plan_choice.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"

/* Duration and blocks from which mending gets a row */
#define LONG_SECONDS	1
#define MANY_BLOCKS		100000

#define HINTS_ALIKE		3		/* number of steps with hints; with more, one
								 * row has the hint */

/* Cost of fixing the orphans of one step */
typedef struct FixCost
{
	PlanCheck  *check;
	double		blocks;			/* blocks read for want of indexes */
	StringInfoData keys;		/* keys that lack an index */
	StringInfoData statements;
	List	   *seen;			/* tables whose rows are reached */
} FixCost;

/* ---- orphans ---- */

/*
 * Returns the hint that lists orphans: by a declared key's name, because the
 * form by columns does not find rows that break MATCH FULL by a null.
 */
static char *
list_orphans_hint(const CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	char	   *columns = check_columns(key->child, key->child_att, key->nkeys);
	char	   *by_columns;

	if (cs->view.existing)
		return psprintf(sg_calls("SELECT * FROM sg_fk_orphans(%s, %s);"), quote_literal_cstr(plan_given(cs->step->child_table)),
						quote_literal_cstr(cs->view.existing->name));
	by_columns = psprintf(sg_calls("SELECT * FROM sg_orphans(%s, %s, %s, %s);"), quote_literal_cstr(plan_given(cs->step->child_table)),
						  sg_names_literal(sg_attribute_names(key->child, key->child_att, key->nkeys)),
						  quote_literal_cstr(plan_given(cs->step->parent_table)),
						  sg_names_literal(sg_attribute_names(key->parent, key->parent_att, key->nkeys)));
	if (key->match != FKCONSTR_MATCH_FULL || key->nkeys == 1)
		return by_columns;
	return psprintf("%s\n%s", by_columns,
					fk_owner_hint("Those with some nulls", key->child, InvalidOid,
								  psprintf("SELECT * FROM %s WHERE num_nulls(%s) BETWEEN 1 AND %d",
										   cs->step->child_table, columns, key->nkeys - 1)));
}

/* Returns why CALL sg_fix_orphans() could not apply the policy, or NULL */
static FkProblem *
fix_obstacle(CheckStep *cs)
{
	FixKey		key = {&cs->view.key, cs->step};
	FkProblem  *problem = audit_access_problem(key.key, true);

	if (problem == NULL && fix_policy_fate(cs->step) == FIX_SET_NULL)
		(void) fix_null_columns(&key, FIX_SET_NULL, &problem);
	if (problem == NULL && cs->step->sentinel)
		(void) fix_null_columns(&key, FIX_SENTINEL, &problem);
	return problem;
}

/* Returns the hint for rows that can't be fixed: another policy, or no sentinel */
static char *
fix_hint(CheckStep *cs, const char *policy)
{
	FixKey		key = {&cs->view.key, cs->step};
	FkProblem  *problem = audit_access_problem(key.key, true);

	if (problem == NULL && fix_policy_fate(cs->step) == FIX_SET_NULL)
		(void) fix_null_columns(&key, FIX_SET_NULL, &problem);
	if (problem || cs->step->sentinel == NULL)
		return psprintf("Choose another policy:\n%s", check_set(cs, "orphans", policy));
	return psprintf("Do without the sentinel:\n%s", check_set(cs, "sentinel", NULL));
}

/* Groups keys and steps by the topmost tables that they refer to, after all steps have been examined */
static void
group_referring(PlanCheck *check)
{
	if (check->keys_to)
		return;
	check->keys_to = sg_lists_create();
	check->steps_to = sg_lists_create();
	foreach_ptr(FkKey, key, check->declared)
	{
		sg_lists_add(check->keys_to, sg_partition_root(key->parent), key);
	}
	foreach_ptr(CheckStep, cs, check->steps)
	{
		if (OidIsValid(cs->view.key.parent))
			sg_lists_add(check->steps_to, sg_partition_root(cs->view.key.parent), cs);
	}
}

/*
 * Returns whether keys refer to a table, or to these columns, so that rows may
 * refer to deleted or changed ones
 */
static bool
is_referenced(PlanCheck *check, Oid table, List *columns)
{
	Oid			root = sg_partition_root(table);

	group_referring(check);
	foreach_ptr(const FkKey, key, sg_lists_of(check->keys_to, root))
	{
		if (fix_is_referred(key, table, columns))
			return true;
	}
	foreach_ptr(const CheckStep, other, sg_lists_of(check->steps_to, root))
	{
		if (columns == NIL && !other->step->skipped_by && fix_shares_rows(table, other->view.key.parent))
			return true;
	}
	return false;
}

/* Returns the earlier step that may remove rows of some tables, or their keys, or NULL */
static const PlanStep *
takes_before(const PlanCheck *check, const CheckStep *cs, List *tables)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		const PlanStep *step = other->step;

		if (other == cs)
			return NULL;
		if (!plan_step_is_ahead(step))
			continue;
		if (step->kind == STEP_STATEMENT || step->kind == STEP_DROP ||
			(plan_step_fixes(step) && list_member_oid(tables, sg_find_qualified(step->child_table))))
			return step;
	}
	return NULL;
}

/* Reports whether rows that refer to the step's removed rows block it; only a full check reads them */
static void
check_referring(PlanCheck *check, CheckStep *cs, Oid table)
{
	FixBlocking blocking;
	const PlanStep *before;
	bool		goes = plan_policy_deletes(cs->step->orphans);
	const char *word = goes ? "go" : "change";
	bool		referenced = false;

	if (!plan_step_fixes(cs->step))
		return;
	/* a key is about the rows of its own table only */
	foreach_oid(one, cs->step->kind == STEP_FOREIGN_KEY ? list_make1_oid(table) : sg_all_inheritors(table))
	{
		referenced |= is_referenced(check, one, goes ? NIL : cs->step->child_columns);
	}
	if (!referenced)
		return;
	if (check->verify != CHECK_READ_FULL)
	{
		check_row(cs, "referring", CHECK_WARN, psprintf("other rows may refer to those that %s, and then block the step, which was not looked at", word),
				  check->mending > HINTS_ALIKE || !goes ? NULL :
				  psprintf(sg_calls("See what refers to them:\nSELECT * FROM sg_plan_referencing(%s, '{%d}');"), quote_literal_cstr(cs->plan), cs->step->step));
		return;
	}
	fix_find_blocking(cs->step, &blocking);
	if (goes)
	{
		cs->along = blocking.along;
		cs->writes.counted = blocking.unknown == NULL;
	}
	before = takes_before(check, cs, blocking.tables);
	if (blocking.unknown)
		check_row(cs, "referring", CHECK_WARN, psprintf("whether rows refer to those that %s can't be told: %s", word, blocking.unknown), NULL);
	else if (blocking.text)
		check_row(cs, "referring", before ? CHECK_WARN : CHECK_BLOCK,
				  psprintf("those that %s are referred to by %s%s", word, blocking.text,
						   before ? psprintf(", unless step %d changes that", before->step) : ""), blocking.hint);
	else
		check_row(cs, "referring", CHECK_OK, psprintf("no row that refers to those that %s is in the way", word), NULL);
}

/* Warns of triggers on a table, of which the policy changes or deletes so many rows */
static void
check_fixing_triggers(CheckStep *cs, Oid table, double rows)
{
	if (!plan_step_fixes(cs->step))
		return;
	foreach_oid(part, sg_all_inheritors(table))
	{
		check_triggers(cs, part, plan_policy_deletes(cs->step->orphans) ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_UPDATE,
					   cs->step->child_columns, rows);
	}
}

/*
 * Warns of rules for the statements by which the policy changes or deletes rows
 * of a table, and of tables whose rows go along: those of a partition do not
 * apply.  check_filler() warns of those that replace the UPDATE of policy "set".
 */
static void
check_fixing_rules(CheckStep *cs, Oid table)
{
	const PlanStep *step = cs->step;
	CmdType		event = plan_policy_deletes(step->orphans) ? CMD_DELETE : CMD_UPDATE;
	List	   *tables = step->kind == STEP_FOREIGN_KEY || get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ?
		list_make1_oid(table) : list_copy(sg_all_inheritors(table));

	if (!plan_step_fixes(step))
		return;
	foreach_ptr(const FixTally, tally, event == CMD_DELETE ? cs->along : NIL)
	{
		if (tally->fate == FIX_DELETE || tally->fate == FIX_QUARANTINE)
			tables = list_append_unique_oid(tables, tally->by->key->child);
	}
	foreach_oid(part, tables)
	{
		if (event == CMD_DELETE || step->kind == STEP_FOREIGN_KEY)
			check_rewrite_rules(cs, "rules", part, event, true);
		check_rewrite_rules(cs, "rules", part, event, false);
	}
}

/* Asks the table's other rules, and the generated columns, for rows that the policy sets */
static void
check_other_rules(PlanCheck *check, CheckStep *cs, Oid table)
{
	const PlanStep *step = cs->step;
	FixKey		key = {&cs->view.key, step};
	char	   *statement = NULL;

	if (step->kind == STEP_FOREIGN_KEY)
		statement = fix_set_statement(&key);
	else if (step->orphans == ORPHANS_SET && step->fill)
	{
		const char *column = quote_identifier(linitial(step->child_columns));

		statement = psprintf("UPDATE %s SET %s = (%s\n) WHERE %s", sg_relation_name(table), column, step->fill,
							 step->kind == STEP_NOT_NULL ? psprintf("%s IS NULL", column) : psprintf("NOT (%s\n)", plan_given(step->definition)));
	}
	if (statement)
		check_set_rows(check, cs, table, statement);
}

void
check_fixing(PlanCheck *check, CheckStep *cs, Oid table, double rows)
{
	check_other_rules(check, cs, table);
	check_fixing_triggers(cs, table, rows);
	check_referring(check, cs, table);
	check_fixing_rules(cs, table);
}

/* Checks orphans that the policy removes or mends */
static void
check_fixable_orphans(PlanCheck *check, CheckStep *cs, char *text)
{
	FkProblem  *obstacle = fix_obstacle(cs);
	bool		hints = check->mending <= HINTS_ALIKE;

	if (cs->view.existing && cs->step->state != STEP_ADDED && cs->step->orphans == ORPHANS_QUARANTINE)
		text = psprintf("%s below a key that was there before, where no rollback can put them back", text);

	if (obstacle)
	{
		check_row(cs, "orphans", CHECK_BLOCK,
				  psprintf("%s, which can't be fixed: %s", text, obstacle->reason),
				  fix_hint(cs, fix_policy_fate(cs->step) == FIX_SET_NULL ? "quarantine" : "leave"));
		return;
	}
	check_row(cs, "orphans", CHECK_WARN,
			  psprintf("%s: %s", plan_policy_text(cs->step->orphans), text),
			  !hints ? NULL :
			  psprintf(sg_calls("They are fixed only when you ask for it. To see first what it comes to:\nCALL sg_fix_orphans(%s, steps => '{%d}', dry_run => true);"),
					   quote_literal_cstr(cs->plan), cs->step->step));
	check_fixing(check, cs, cs->view.key.child, cs->audit->orphan_rows);
}

/* Returns the hint that lists the orphans, with the plan's own remedy */
static char *
look_hint(const CheckStep *cs)
{
	if (cs->view.key.period)
		return psprintf("Change or delete them by hand:\n%s", list_orphans_hint(cs));
	return psprintf("Look at them:\n%s\nTo have them taken out, with copies in quarantine, by a call with fix => true:\n%s",
					list_orphans_hint(cs), plan_quarantine_call(cs->step));
}

/* Checks existing orphans by the step's policy */
static void
check_found_orphans(PlanCheck *check, CheckStep *cs)
{
	char	   *text = deploy_orphans_text(cs->audit);
	const PlanStep *writer = cs->step->orphans == ORPHANS_STOP ? check_writer_before(check, cs) : NULL;

	if (cs->step->orphans == ORPHANS_STOP)
		check_row(cs, "orphans", writer ? CHECK_WARN : CHECK_BLOCK, writer ? psprintf("%s, unless step %d changes that", text, writer->step) : text, look_hint(cs));
	else if (plan_step_fixes(cs->step))
		check_fixable_orphans(check, cs, text);
	else
		check_row(cs, "orphans", CHECK_WARN,
				  psprintf(cs->unproved ? "%s came in past the key, which is valid" :
						   "%s: the key stays NOT VALID while there are any", text),
				  look_hint(cs));
}

/* Checks the policy of a step without orphans, which may still be unable to handle future ones */
static void
check_no_orphans(CheckStep *cs)
{
	char	   *text = psprintf("none in " INT64_FORMAT " rows", cs->audit->rows_checked);
	FkProblem  *obstacle = plan_step_fixes(cs->step) ? fix_obstacle(cs) : NULL;

	if (obstacle)
		check_row(cs, "orphans", CHECK_WARN,
				  psprintf("%s; but with fix => true the step fails: %s", text, obstacle->reason),
				  fix_hint(cs, "stop"));
	else if (cs->step->backfill && cs->view.need == NEED_ADD)
		check_row(cs, "orphans", CHECK_WARN, psprintf("%s, before their columns are filled", text), NULL);
	else
		check_row(cs, "orphans", CHECK_OK, text, NULL);
}

char *
check_count_hint(const CheckStep *cs)
{
	const AuditKey *ak = cs->audit;
	const char *verify = ak ? "" : ", verify => 'full'";

	if (ak && ak->result != AUDIT_UNKNOWN)
		return NULL;
	if (ak && OidIsValid(ak->waits_for))
		return psprintf("Find out who:\n" SG_LOCKED_BY, quote_literal_cstr(sg_relation_name(ak->waits_for)));
	return psprintf(sg_calls("%s:\nSELECT * FROM sg_plan_check(%s%s);"), ak ? "Remove the reason, and check again" : "Have rows read",
					quote_literal_cstr(cs->plan), verify);
}

void
check_orphans(PlanCheck *check, CheckStep *cs)
{
	AuditKey   *ak = cs->audit;
	bool		stops = cs->step->orphans == ORPHANS_STOP && cs->view.need == NEED_ADD;

	if (ak == NULL)
		return;
	if (ak->rows_checked >= 0)
		cs->child->rows = ak->rows_checked;
	if (ak->result == AUDIT_PASS)
		check_no_orphans(cs);
	else if (ak->result == AUDIT_FAIL)
		check_found_orphans(check, cs);
	else if (OidIsValid(ak->waits_for))
		check_row(cs, "orphans", CHECK_WARN,
				  psprintf("the orphans could not be counted: somebody has locked %s", sg_relation_name(ak->waits_for)), check_count_hint(cs));
	else
		check_row(cs, "orphans", stops ? CHECK_BLOCK : CHECK_WARN,
				  psprintf("the orphans could not be counted%s: %s",
						   stops ? ", and the policy is stop" : "", ak->reason), check_count_hint(cs));
}

/* Reports a common remedy for keys with orphans, if there are several; before check_orphans() */
void
check_all_orphans(PlanCheck *check)
{
	List	   *stopping = NIL;
	int64		rows[2] = {0, 0};
	FkPlan	   *plan = check->plan;

	foreach_ptr(const CheckStep, cs, check->steps)
	{
		bool		stops = cs->step->orphans == ORPHANS_STOP;

		if (cs->audit == NULL || cs->audit->result != AUDIT_FAIL || cs->view.key.period || !(stops || plan_step_fixes(cs->step)))
			continue;
		rows[stops] += cs->audit->orphan_rows;
		if (stops)
			stopping = lappend_int(stopping, cs->step->step);
		else
			check->mending++;
	}
	if (list_length(stopping) > 1)
		check_row(&check->server, "orphans", CHECK_BLOCK,
				  psprintf("%d keys have " INT64_FORMAT " orphan rows, and the policy is stop", list_length(stopping), rows[true]),
				  psprintf("To have them taken out, with copies in quarantine, by a call with fix => true:\n%s",
						   plan_quarantine_all_call(plan->name, stopping)));
	if (check->mending > HINTS_ALIKE)
		check_row(&check->server, "orphans", CHECK_WARN,
				  psprintf("%d keys have " INT64_FORMAT " orphan rows, which their policies fix", check->mending, rows[false]),
				  psprintf(sg_calls("They are fixed only when you ask for it. To see first what it comes to, and what goes with them:\n"
									"CALL sg_fix_orphans(%s%s, dry_run => true);"), quote_literal_cstr(plan->name),
						   plan->chosen ? psprintf(", steps => '%s'", plan_steps_text(plan->chosen)) : ""));
}

/* ---- the cost ---- */

/* Adds a key without an index, if none is built before */
static void
add_missing(FixCost *cost, const FkKey *key, double rows)
{
	CheckTable *child = check_table(cost->check, key->child);

	cost->blocks += rows * child->blocks;
	appendStringInfo(&cost->keys, "%s%s (%s)", cost->keys.len ? ", " : "",
					 sg_relation_name(key->child), check_bytes(child->blocks * BLCKSZ));
	if (fk_index_obstacle(key))
		return;
	appendStringInfo(&cost->statements, "%s%s", cost->statements.len ? "\n" : "",
					 fk_owner_hint(cost->statements.len ? "And this" : "Build it before the orphans are fixed", key->child, InvalidOid,
								   psprintf("CREATE INDEX %sON %s (%s)",
											get_rel_relkind(key->child) == RELKIND_PARTITIONED_TABLE ? "" : "CONCURRENTLY ",
											sg_relation_name(key->child), fk_index_columns(key))));
}

static void add_table(FixCost *cost, Oid table, double rows, bool goes_on);

/* Adds the cost of deleted rows of the parent by one key */
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

	/* as many rows as a row of the parent has on average */
	child = check_table(cost->check, key->child);
	parent = check_table(cost->check, key->parent);
	if (child->rows > 0 && parent->rows > 0)
		add_table(cost, key->child, rows * child->rows / parent->rows, goes_on);
}

static void
add_table(FixCost *cost, Oid table, double rows, bool goes_on)
{
	Oid			root = sg_partition_root(table);

	check_stack_depth();
	group_referring(cost->check);
	cost->seen = lappend_oid(cost->seen, table);
	foreach_ptr(const FkKey, key, sg_lists_of(cost->check->keys_to, root))
	{
		if (fix_shares_rows(table, key->parent))
			add_key(cost, key, false, rows, goes_on);
	}
	foreach_ptr(const CheckStep, other, sg_lists_of(cost->check->steps_to, root))
	{
		if (check_is_due(other) && other->view.existing == NULL && fix_shares_rows(table, other->view.key.parent))
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
				  cost->statements.len ? cost->statements.data : NULL);
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
