/*-------------------------------------------------------------------------
 *
 * check_fill.c
 *	  Checks of steps that fill rows: obstructing triggers, rules and owners.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "rewrite/rewriteDefine.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "change/change.h"
#include "change/change_need.h"
#include "check/check.h"
#include "deploy/deploy_backfill.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_relation.h"

/* Returns whether a step has a trigger that fills rows during its fill, or for longer */
static bool
has_filler(const PlanStep *step)
{
	switch (step->kind)
	{
		case STEP_FOREIGN_KEY:
			return step->backfill != NULL;
		case STEP_CHECK:
		case STEP_NOT_NULL:
			return step->orphans == ORPHANS_SET;
		default:
			return step->fill != NULL;
	}
}

/* Warns of triggers that fire after the step's own and see, or take away, the value that it has given */
static void
check_later_triggers(CheckStep *cs, Oid table)
{
	const char *own = plan_filler_name(cs->step);
	SgCatalog	triggers;
	HeapTuple	tuple;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		const char *name = NameStr(trigger->tgname);

		if (trigger->tgenabled == TRIGGER_DISABLED || trigger->tgisinternal || plan_filler_is_named(name) ||
			strcmp(name, own) <= 0 || !TRIGGER_FOR_ROW(trigger->tgtype) || !TRIGGER_FOR_BEFORE(trigger->tgtype) ||
			!(TRIGGER_FOR_INSERT(trigger->tgtype) || TRIGGER_FOR_UPDATE(trigger->tgtype)))
			continue;
		check_row(cs, "filler", CHECK_WARN,
				  psprintf("trigger %s of %s fires behind the one that fills rows, and may take their values away",
						   quote_identifier(name), sg_relation_name(table)),
				  psprintf("ALTER TRIGGER %s ON %s RENAME TO %s;", quote_identifier(name), sg_relation_name(table),
						   quote_identifier(psprintf("a_%.*s", NAMEDATALEN - 3, name))));
	}
}

void
check_rewrite_rules(CheckStep *cs, const char *name, Oid table, CmdType event, bool instead)
{
	const char *word = event == CMD_DELETE ? "DELETE" : "UPDATE";
	SgCatalog	rules;
	HeapTuple	tuple;
	bool		found = false;

	sg_catalog_begin(&rules, RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, table, NULL);
	while (!found && HeapTupleIsValid(tuple = sg_catalog_next(&rules)))
	{
		Form_pg_rewrite rule = (Form_pg_rewrite) GETSTRUCT(tuple);

		found = rule->ev_type - '0' == event && rule->is_instead == instead && rule->ev_enabled != RULE_DISABLED;
	}
	sg_catalog_end(&rules);
	if (found)
		check_row(cs, name, CHECK_WARN,
				  psprintf(instead ? "a rule of %s does something else in place of %s, so the step can't change its rows" :
						   "a rule of %s does something else with each %s of the step", sg_relation_name(table), word),
				  psprintf("SELECT rulename, definition FROM pg_rules WHERE format('%%I.%%I', schemaname, tablename) = %s;",
						   quote_literal_cstr(sg_relation_name(table))));
}

/* Warns of NOT VALID constraints that existing rows may break: such a row can't be updated */
static void
check_broken_rows(CheckStep *cs, Oid table)
{
	SgCatalog	constraints;
	HeapTuple	tuple;

	sg_catalog_begin(&constraints, ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, table, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);

		if (constraint->contype == CONSTRAINT_CHECK && !constraint->convalidated && SG_CON_ENFORCED(constraint))
			check_row(cs, "filler", CHECK_WARN,
					  psprintf("constraint %s of %s is NOT VALID, and a row that breaks it can't be filled", quote_identifier(NameStr(constraint->conname)),
							   sg_relation_name(table)),
					  fk_owner_hint("Look for such rows, and mend them", table, InvalidOid,
									psprintf("SELECT * FROM %s WHERE NOT (%s)", sg_relation_name(table), change_condition(tuple))));
	}
	sg_catalog_end(&constraints);
}

void
check_filled(PlanCheck *check, CheckStep *cs, Oid table)
{
	foreach_oid(part, sg_all_inheritors(table))
	{
		check_broken_rows(cs, part);
		check_rewrite_rules(cs, "filler", part, CMD_UPDATE, false);
		check_triggers(cs, part, TRIGGER_TYPE_UPDATE, cs->step->child_columns,
					   check_rows_without(check_table(check, part), linitial(cs->step->child_columns)));
	}
}

/*
 * Warns of partitions with other owners: the trigger's function belongs to the
 * owner of the step's table, and does nothing for others
 */
static void
check_owners(CheckStep *cs, Oid child, Oid table)
{
	if (code_table_owner(table) != code_table_owner(child))
		check_row(cs, "filler", CHECK_WARN,
				  psprintf("%s has another owner than %s, so rows that come to it are not filled", sg_relation_name(table), cs->step->child_table),
				  psprintf("ALTER TABLE %s OWNER TO %s;", sg_relation_name(table), quote_identifier(GetUserNameFromId(code_table_owner(child), false))));
}

typedef struct RoleArg
{
	const PlanStep *step;
	Oid			child;
} RoleArg;

static void
find_role(void *p)
{
	const RoleArg *arg = p;

	(void) deploy_backfill_role(arg->step, arg->child, NULL);
}

/* Blocks expressions of a key that can't be analysed, or that nobody may run for the owner */
static void
check_expressions(CheckStep *cs, Oid child)
{
	RoleArg		arg = {cs->step, child};
	ErrorData  *error = sg_try_undo(find_role, &arg);

	if (error == NULL)
		return;
	sg_rethrow_cancel(error);
	check_row(cs, "backfill", CHECK_BLOCK, psprintf("the expressions can't be used: %s", sg_error_message(error)),
			  pstrdup("In backfill, names of tables, functions and operators outside pg_catalog need their schema."));
}

/* Blocks the fill of a column if nobody may run the code of its table */
static void
check_fill_code(CheckStep *cs, Oid table)
{
	const PlanStep *step = cs->step;
	char	   *reason = deploy_backfill_refusal(plan_filling_step(step, linitial(step->child_columns), step->fill, false), table);

	if (reason)
		check_row(cs, "privileges", CHECK_BLOCK, reason, pstrdup(CODE_REFUSED_HINT));
}

void
check_filler(CheckStep *cs, bool lost)
{
	PlanStep   *step = cs->step;
	Oid			child = sg_find_qualified(step->child_table);

	if (!OidIsValid(child) || !has_filler(step))
		return;
	foreach_oid(table, sg_all_inheritors(child))
	{
		check_later_triggers(cs, table);
		check_rewrite_rules(cs, "filler", table, CMD_UPDATE, true);
		check_owners(cs, child, table);
	}
	if (step->kind == STEP_FOREIGN_KEY)
		check_expressions(cs, child);
	else if (step->kind == STEP_COLUMN)
		check_fill_code(cs, child);
	if (lost)
		check_row(cs, "filler", CHECK_WARN, pstrdup("the trigger that fills rows was dropped, disabled or changed: rows come without a value"),
				  psprintf(sg_calls("Have it made anew, and these rows filled:\nCALL sg_apply(%s);"), quote_literal_cstr(cs->plan)));
}

/* Returns whether a trigger could give a column a value, by the text of its function and its arguments */
static bool
may_give(HeapTuple tuple, TupleDesc desc, const char *column)
{
	HeapTuple	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid));
	bool		isnull;
	Datum		source;
	bytea	   *args;
	bool		gives;

	if (!HeapTupleIsValid(function))
		return false;
	source = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosrc, &isnull);
	gives = isnull || ((Form_pg_proc) GETSTRUCT(function))->prolang == ClanguageId || plan_has_word(TextDatumGetCString(source), column);
	ReleaseSysCache(function);
	args = DatumGetByteaPP(heap_getattr(tuple, Anum_pg_trigger_tgargs, desc, &isnull));
	/* each argument ends with a zero byte */
	for (const char *arg = VARDATA_ANY(args); !gives && arg < VARDATA_ANY(args) + VARSIZE_ANY_EXHDR(args); arg += strlen(arg) + 1)
		gives = strcmp(arg, column) == 0;
	return gives;
}

/* Returns whether a user's trigger could give a column its value in an INSERT that does not name it */
static bool
trigger_may_give(Oid table, const char *column)
{
	SgCatalog	triggers;
	HeapTuple	tuple;
	bool		gives = false;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while (!gives && HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		gives = !trigger->tgisinternal && !plan_filler_is_named(NameStr(trigger->tgname)) &&
			(trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN || trigger->tgenabled == TRIGGER_FIRES_ALWAYS) &&
			TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_INSERT) &&
			may_give(tuple, RelationGetDescr(triggers.rel), column);
	}
	sg_catalog_end(&triggers);
	return gives;
}

void
check_inserts(CheckStep *cs)
{
	const PlanStep *step = cs->step;
	Oid			table = sg_find_qualified(step->child_table);
	const char *column = step->kind == STEP_NOT_NULL ? linitial(step->child_columns) : NULL;
	const PlanStep *added = NULL;

	if (column == NULL || !OidIsValid(table) || step->state == STEP_VALIDATED)
		return;
	foreach_ptr(const PlanStep, other, plan_steps_named(cs->plan, step->child_table, column))
	{
		if (other->skipped_by)
			continue;
		if (other->kind == STEP_DEFAULT && other->definition)
			return;
		if (other->kind == STEP_COLUMN)
			added = other;
	}
	if (added == NULL || change_column_has_default(added, table) || trigger_may_give(table, column) ||
		((added->fills || added->state != STEP_VALIDATED) && (change_carries_until(added) || change_read_until(added))))
		return;
	check_row(cs, "inserts", CHECK_WARN,
			  psprintf("once %s is NOT NULL, no default and no trigger gives it a value: an INSERT that does not name it fails", quote_identifier(column)),
			  psprintf("Have the step wait until the application names the column:\n%s", plan_set_call(step, "phase", "later", NULL)));
}
