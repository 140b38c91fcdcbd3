/*-------------------------------------------------------------------------
 *
 * check_change.c
 *	  Steps that are no foreign keys: their obstacles, and the cost of their
 *	  next move.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "commands/tablespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "change/change_need.h"
#include "check/check.h"
#include "fix/fix.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_choice.h"
#include "plan/plan_drops.h"
#include "plan/plan_index.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"
#include "plan/plan_rows.h"
#include "run/run_rights.h"

static bool is_mended(const PlanCheck *check, const CheckStep *cs, const FkProblem *problem);

static char *
table_size(PlanCheck *check, Oid relid)
{
	return psprintf("%s (%s)", sg_relation_name(relid), check_bytes(check_table(check, relid)->blocks * BLCKSZ));
}

/*
 * Adds the room of an index build: an index is usually no larger than its
 * table, and sorting takes as much again
 */
static void
next_build(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	double		bytes = (double) check_table(check, move->table)->blocks * BLCKSZ;
	char	   *reason = NULL;
	const PlanIndex *build = linitial(move->builds);
	const char *place = plan_index_is_definition(build->columns) ? plan_index_parse(build->columns)->tableSpace : NULL;
	Oid			tablespace = place ? get_tablespace_oid(place, true) : GetDefaultTablespace(sg_rel_persistence(move->table), false);
	double		available = check_free_space(tablespace, &reason);

	if (sg_workers == 0)
		check_row(cs, "deployment", CHECK_WARN, pstrdup("no index is built, since schemaguard.workers is 0"),
				  pstrdup("SET schemaguard.workers = 1;"));
	else
		check_row(cs, "deployment", CHECK_OK,
				  psprintf("%s: a worker reads %s, which can be read and written meanwhile", move->action,
						   table_size(check, move->table)), NULL);
	if (available >= 0 && 2 * bytes > available)
		check_row(cs, "disk", CHECK_WARN,
				  psprintf("the index may take as much as the table, %s, and as much again while it is built; %s are free",
						   check_bytes(bytes), check_bytes(available)),
				  place ? psprintf("Make room in tablespace %s.", quote_identifier(place)) :
				  pstrdup("Make room, or set default_tablespace to build it elsewhere."));
}

/* Returns whether the problem is a name or a value in a statement that an earlier step may make */
static bool
may_be_mended(const PlanCheck *check, const CheckStep *cs, const FkProblem *problem)
{
	switch (problem->sqlerrcode)
	{
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_INVALID_TEXT_REPRESENTATION:
			return cs->step->kind == STEP_STATEMENT && check_step_before(check, cs) != NULL;
		default:
			return false;
	}
}

/*
 * Returns the earlier step, still to be run, that makes the table which a
 * problem names; else the first such step
 */
static const PlanStep *
mender(const PlanCheck *check, const CheckStep *cs, const FkProblem *problem)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		if (other == cs)
			break;
		if (other->makes && strstr(problem->reason, other->makes) && plan_step_is_ahead(other->step))
			return other->step;
	}
	return check_step_before(check, cs);
}

/* Reports the deployment's next move, its lock, and how long it holds that */
static void
next_move(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	/* a build waits for writers, and so does the trigger of a fill */
	if (OidIsValid(move->table) && move->kind != MOVE_NONE && move->kind != MOVE_PROBLEM)
		check_lock_of_move(check, cs, move->table, move->kind == MOVE_BUILD ? ShareLock : move->kind == MOVE_FILL ? ShareRowExclusiveLock : move->mode);
	switch (move->kind)
	{
		case MOVE_NONE:
			if (move->note && cs->step->kind == STEP_COLUMN)
				check_row(cs, "deployment", CHECK_WARN, move->note, change_default_hint(cs->step));
			else
				check_row(cs, "deployment", CHECK_OK, move->note ? move->note : pstrdup("it is there"), NULL);
			if (change_kept_text(cs->step))
				check_row(cs, "kept", CHECK_OK, change_kept_text(cs->step), pstrdup(sg_calls("To drop what is kept:\nCALL sg_prune(now(), 'attic');")));
			break;
		case MOVE_STATEMENT:
			check_row(cs, "deployment", CHECK_OK,
					  OidIsValid(move->table) && move->mode == AccessExclusiveLock ?
					  psprintf("%s: nobody uses %s %s", move->action, table_size(check, move->table),
							   move->rewrites ? "while it is written anew" : "for a moment") :
					  pstrdup(move->action), NULL);
			if (move->rewrites)
				check_row(cs, "rewrite", CHECK_WARN,
						  psprintf("the server computes the column for each row, or checks its domain: it writes %s anew, and nobody reads it meanwhile",
								   table_size(check, move->table)),
						  pstrdup("Leave that to a quiet hour, or add a plain column: one that a trigger or the application writes, or, of a domain, "
								  "one of its base type with a CHECK."));
			break;
		case MOVE_VALIDATE:
			check_row(cs, "deployment", CHECK_OK,
					  psprintf("%s: reads %s, which can be read and written meanwhile", move->action,
							   table_size(check, move->table)), NULL);
			break;
		case MOVE_BUILD:
			next_build(check, cs, move);
			break;
		case MOVE_FILL:
			check_row(cs, "deployment", CHECK_OK,
					  psprintf("%s: reads %s, and writes its rows in short batches", move->action,
							   table_size(check, move->table)), NULL);
			break;
		case MOVE_OUTSIDE:
			check_row(cs, "deployment", sg_workers > 0 ? CHECK_OK : CHECK_WARN,
					  pstrdup("a worker sends the statement, outside of a transaction"),
					  sg_workers > 0 ? NULL : pstrdup("Without one it is for you to run:\nSET schemaguard.workers = 1;"));
			break;
		case MOVE_PROBLEM:
			if (may_be_mended(check, cs, move->problem))
				check_row(cs, "definition", CHECK_WARN,
						  psprintf("looked at again when step %d is done: %s", mender(check, cs, move->problem)->step, move->problem->reason),
						  check_later(cs, move->problem->hint));
			else
				check_row(cs, "definition", CHECK_BLOCK, move->problem->reason, move->problem->hint);
			break;
	}
}

/*
 * Warns of objects whose text has the name of the renamed or dropped object,
 * which they would not find any more
 */
static void
check_dependents(CheckStep *cs, const ChangeMove *move)
{
	StringInfoData names;

	if (move->kind != MOVE_STATEMENT || !OidIsValid(move->object.objectId) || change_dependents_hook == NULL)
		return;
	initStringInfo(&names);
	foreach_ptr(const ChangeDependent, dependent, change_dependents_hook(&move->object))
	{
		if (dependent->mentions)
			appendStringInfo(&names, "%s%s", names.len ? ", " : "", dependent->identity);
	}
	if (names.len)
		check_row(cs, "dependents", CHECK_WARN, psprintf("has the name in its text: %s", names.data),
				  pstrdup("Change that in the same window: it fails when it is next run."));
}

/*
 * Blocks a drop that the server refuses because a foreign key or a constraint
 * is made of the object
 */
static void
check_needed(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	ChangedObject what = plan_changed_object(cs->step);
	Oid			object = move->object.objectId;
	Oid			index = what == CHANGED_CONSTRAINT ? get_constraint_index(object) : InvalidOid;
	char	   *constraint = what == CHANGED_INDEX ? get_constraint_name(get_index_constraint(object)) : NULL;

	if (what == CHANGED_INDEX && get_rel_relispartition(object))
		check_row(cs, "dependents", CHECK_BLOCK, pstrdup("an index of the partitioned table needs the index"),
				  pstrdup("Drop that index in its place."));
	if (constraint)
		check_row(cs, "dependents", CHECK_BLOCK,
				  psprintf("constraint %s needs the index", quote_identifier(constraint)),
				  pstrdup("Drop the constraint in its place."));
	foreach_ptr(const FkKey, key, OidIsValid(index) ? check->declared : NIL)
	{
		FkProblem	problem = {.dependents = list_make1(psprintf("constraint %s on %s", quote_identifier(key->name), sg_relation_name(key->child)))};

		if (key->index == index && !is_mended(check, cs, &problem))
			check_row(cs, "dependents", CHECK_BLOCK,
					  psprintf("foreign key %s of %s needs it", quote_identifier(key->name), sg_relation_name(key->child)),
					  pstrdup("Drop the key first, by a step of its own."));
	}
}

/* Reports the foreign keys and rules that go with a dropped object */
static void
check_taken(CheckStep *cs, const ChangeMove *move)
{
	char	   *keys = change_keys_text(move->keys);
	char	   *rules = change_rules_text(move->rules);
	bool		for_good = cs->step->kind != STEP_DROP || cs->step->discard;

	/* a dropped key is no other's */
	if (keys && move->object.classId != ConstraintRelationId)
		check_row(cs, "keys", CHECK_WARN, psprintf("foreign keys go with it: %s", keys),
				  psprintf("A rollback brings them back with the %s.", cs->step->definition));
	if (rules)
		check_row(cs, "rules", CHECK_WARN, psprintf("rules go with it%s: %s", for_good ? " for good" : "", rules),
				  for_good ? pstrdup("Where the application needs them, add others in their place first.") :
				  pstrdup("A rollback brings them back with the column; of what needs an index, it gives the statement that makes it."));
}

/* Warns that a kept column stays in its place: statements that name no columns still see it */
static void
check_kept(CheckStep *cs, const ChangeMove *move)
{
	if (move->kept_as)
		check_row(cs, "kept", CHECK_WARN,
				  psprintf("until sg_prune() the column stays in its place as %s: SELECT *, and INSERT and COPY without a list of columns, still have it",
						   quote_identifier(move->kept_as)),
				  psprintf(sg_calls("Name the columns in what the application, views and functions run. What reads the table:\nSELECT * FROM sg_impact(%s);"),
						   quote_literal_cstr(plan_given(cs->step->child_table))));
}

/* Warns of a dropped object that a subscription needs to write rows */
static void
check_subscribed_drop(CheckStep *cs, const ChangeMove *move)
{
	ChangedObject what = plan_changed_object(cs->step);
	const char *subscription = what == CHANGED_COLUMN || what == CHANGED_TABLE ? check_subscription_name(sg_with_partitions(move->table)) : NULL;
	const char *hint = what == CHANGED_TABLE ?
		"Have the table taken out of the publication where the rows come from, and then:\nALTER SUBSCRIPTION %s REFRESH PUBLICATION;" :
		"Have the column dropped where the rows come from first.";

	if (subscription)
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s, and stops if rows come for a %s that it does not find", subscription,
						   sg_relation_name(move->table), cs->step->definition),
				  psprintf(hint, subscription));
}

/*
 * Reports a drop for good of something that a fill reads, where an earlier one
 * takes what the same fill reads, so that the values can't be compared any more
 */
static void
check_compared(PlanCheck *check, CheckStep *cs, const PlanStep *reader)
{
	CheckCompared *new;

	if (cs->step->kind != STEP_DROP || !cs->step->discard)
		return;
	foreach_ptr(const CheckCompared, compared, check->compared)
	{
		if (compared->filled->step != reader->step || !sg_same_text(compared->filled->plan, reader->plan))
			continue;
		check_row(cs, "order", CHECK_BLOCK,
				  psprintf("whether all values were carried over by step %d, %s, can't be said behind step %d, %s, which drops for good what the step reads, too",
						   reader->step, plan_step_object(reader), compared->drop->step, plan_step_object(compared->drop)),
				  psprintf("Keep them until they are pruned:\n%s\n%s", plan_set_call(compared->drop, "discard", "false", NULL),
						   plan_set_call(cs->step, "discard", "false", NULL)));
		return;
	}
	new = palloc(sizeof(CheckCompared));
	new->filled = reader;
	new->drop = cs->step;
	check->compared = lappend(check->compared, new);
}

/* Reports steps whose fill reads an object that a drop takes away, and that come before it */
static void
check_readers(PlanCheck *check, CheckStep *cs)
{
	List	   *told = NIL;

	foreach_ptr(const PlanStep, reader, plan_step_drops(cs->step) ? change_readers(check->graph, cs->step) : NIL)
	{
		if (list_member_int(told, reader->step))
			continue;
		told = lappend_int(told, reader->step);
		check_compared(check, cs, reader);
		if (plan_step_is_done(reader))
			continue;
		if (reader->kind == STEP_COLUMN && sg_same_text(reader->plan, cs->step->plan) && (cs->step->kind == STEP_STATEMENT || cs->step->discard))
			check_kept_for(check, reader, cs->step);
		check_row(cs, "order", CHECK_OK, psprintf("comes behind step %d, %s, which reads what it drops", reader->step, plan_step_object(reader)), NULL);
	}
}

/* Returns whether a statement makes an object that depends on what it reads */
static bool
makes_dependent(const PlanStep *step)
{
	foreach_ptr(const char, text, step->kind == STEP_STATEMENT ? plan_change_texts(step->definition) : NIL)
	{
		switch (nodeTag(linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt))
		{
			case T_ViewStmt:
			case T_CreateTableAsStmt:
			case T_RuleStmt:
			case T_CreatePolicyStmt:
				return true;
			default:
				break;
		}
	}
	return false;
}

/* Returns whether a key that the plan adds refers to the constraint or index that a step drops */
static bool
is_target(const PlanCheck *check, const PlanStep *key, const PlanStep *drop)
{
	ChangedObject what = plan_changed_object(drop);
	Oid			table = sg_find_qualified(drop->child_table);
	Oid			index = InvalidOid;

	if (key->kind != STEP_FOREIGN_KEY || (what != CHANGED_CONSTRAINT && what != CHANGED_INDEX))
		return false;
	foreach_ptr(const PlanEdge, edge, plan_needs(check->graph, key->step))
	{
		if (edge->needed->kind == STEP_UNIQUE && sg_same_text(edge->needed->child_table, drop->child_table) && sg_same_text(edge->needed->fk_name, drop->fk_name))
			return true;
	}
	if (OidIsValid(table))
		index = what == CHANGED_INDEX ? get_relname_relid(drop->fk_name, get_rel_namespace(table)) :
			get_constraint_index(get_relation_constraint_oid(table, drop->fk_name, true));
	foreach_ptr(const CheckStep, other, OidIsValid(index) ? check->steps : NIL)
	{
		if (other->step->step == key->step)
			return other->view.key.index == index;
	}
	return false;
}

/* Warns of a drop that frees the name of a rule which the plan adds, or takes its equal: until then the table has neither */
static void
check_gap(const PlanCheck *check, CheckStep *cs)
{
	const PlanStep *drop = cs->step;

	foreach_ptr(const CheckStep, other, drop->kind == STEP_DROP && !plan_step_is_done(drop) ? check->steps : NIL)
	{
		const PlanStep *rule = other->step;
		const PlanStep *freer = plan_step_adds_rule(rule) && plan_step_is_ahead(rule) ? plan_freer(check->graph, rule->step) : NULL;

		if (freer && freer->step == drop->step)
			check_row(cs, "order", CHECK_WARN,
					  psprintf("step %d, %s, comes behind it: until that is done, and if it fails, the table has neither", rule->step, plan_step_object(rule)),
					  rule->primary_key || !sg_same_text(rule->fk_name, drop->fk_name) ? NULL :
					  psprintf("To have one of the two all the time, give the new one another name, by which it comes first:\n%s", plan_rename_call(rule, "fk_name")));
	}
}

/* Warns of a drop behind a step that makes what depends on its object */
static void
check_new_dependents(const PlanCheck *check, CheckStep *cs)
{
	foreach_ptr(const PlanEdge, edge, cs->step->kind == STEP_DROP && !plan_step_is_done(cs->step) ? plan_needs(check->graph, cs->step->step) : NIL)
	{
		if (plan_step_is_ahead(edge->needed) &&
			((edge->kind == EDGE_READS && makes_dependent(edge->needed)) || is_target(check, edge->needed, cs->step)))
			check_row(cs, "dependents", CHECK_WARN,
					  psprintf("step %d, %s, makes what depends on it: the drop fails unless that is dropped first", edge->needed->step, plan_step_object(edge->needed)),
					  psprintf("Drop that by a step before this one, or leave it out:\n%s", check_skip(cs, "it is used by what the plan makes")));
	}
}

/* Warns of rows or values that a drop does not keep */
static void
check_lost(CheckStep *cs, const ChangeMove *move)
{
	/* check_statement() examines statements one by one */
	int64		lost = cs->step->kind == STEP_STATEMENT ? 0 : change_count_lost(cs->step, move, NULL);

	const PlanStep *step = cs->step;
	int64		away = step->kind == STEP_DROP && step->discard && plan_changed_object(step) == CHANGED_COLUMN && OidIsValid(move->table) ?
		fix_rows_with_column(move->table, step->fk_name) : 0;
	char	   *keep = psprintf("Keep them until they are pruned:\n%s", plan_set_call(step, "discard", "false", NULL));

	if (lost)
		check_row(cs, "rows", CHECK_WARN, change_lost_text(step, lost, false), keep);
	if (away > 0)
		check_row(cs, "rows", CHECK_WARN, psprintf(INT64_FORMAT " %s in quarantine %s a value in it, and can't go back without", away, away == 1 ? "row" : "rows",
												   away == 1 ? "has" : "have"), keep);
}

/* Returns the table of a trigger that a statement makes and leaves unchanged */
static Oid
table_of_trigger(const char *sql)
{
	Oid			table = InvalidOid;

	foreach_ptr(const char, text, plan_change_texts(sql))
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

		if (IsA(statement, CreateTrigStmt))
			table = change_find_named(((CreateTrigStmt *) statement)->relation);
		else if (IsA(statement, AlterTableStmt) &&
				 linitial_node(AlterTableCmd, ((AlterTableStmt *) statement)->cmds)->subtype == AT_EnableAlwaysTrig)
			table = InvalidOid;
	}
	return table;
}

void
check_subscribed(PlanCheck *check, CheckStep *cs)
{
	const PlanStep *step = cs->step;
	bool		is_rule = step->kind == STEP_CHECK || step->kind == STEP_NOT_NULL || step->kind == STEP_UNIQUE ||
		(step->kind == STEP_INDEX && plan_index_parse(plan_index_written(step->definition))->unique);
	bool		fills = step->fill || step->backfill;
	Oid			table = step->kind == STEP_STATEMENT ? table_of_trigger(step->definition) :
		is_rule || fills ? sg_find_qualified(step->child_table) : InvalidOid;
	const char *subscription = OidIsValid(table) ? check_subscription_name(sg_with_partitions(table)) : NULL;

	if (subscription && is_rule)
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s: a row from there that breaks the rule stops it",
						   subscription, sg_relation_name(table)),
				  pstrdup("Have it done where the rows come from first."));
	if (subscription && (step->kind == STEP_STATEMENT || (fills && !plan_filler_fires_always(step, table))))
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s, and the step's trigger does not fire for what it writes",
						   subscription, sg_relation_name(table)),
				  pstrdup("Have it done where the rows come from; a trigger that is ENABLE ALWAYS fires here, too."));
}

bool
check_is_authors(const PlanCheck *check)
{
	return check->plan->author_id == GetUserId();
}

/* Returns whether the step, or its problem, mentions a name */
static bool
mentions(const PlanStep *step, const FkProblem *problem, const char *name)
{
	const char *texts[] = {step->child_table, step->parent_table, step->definition, step->fill, step->backfill, problem->reason};

	for (int i = 0; name && i < lengthof(texts); i++)
	{
		if (texts[i] && (plan_has_word(texts[i], name) || (quote_identifier(name) != name && strstr(texts[i], quote_identifier(name)))))
			return true;
	}
	return name && (sg_same_text(step->fk_name, name) || sg_same_text(step->new_name, name) || sg_same_text(step->replaces, name) ||
					sg_has_name(step->child_columns, name) || sg_has_name(step->parent_columns, name));
}

/* Returns whether the problem is a name: a missing one, or (`taken`) one that another object has */
static bool
is_about_name(const FkProblem *problem, bool *taken)
{
	switch (problem->sqlerrcode)
	{
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_TABLE:
			*taken = false;
			return true;
		case ERRCODE_DUPLICATE_COLUMN:
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_DUPLICATE_TABLE:
			*taken = true;
			return true;
		default:
			return false;
	}
}

/* Returns whether the statement is only about rows, privileges or comments */
static bool
makes_nothing(const PlanStep *step)
{
	foreach_ptr(const char, text, plan_change_texts(step->definition))
	{
		switch (nodeTag(linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt))
		{
			case T_UpdateStmt:
			case T_DeleteStmt:
			case T_TruncateStmt:
			case T_CommentStmt:
			case T_GrantStmt:
			case T_VacuumStmt:
				continue;
			default:
				return false;
		}
	}
	return true;
}

/* Returns whether a statement makes an object, or rows, and changes nothing else */
static bool
drops_nothing(const PlanStep *step)
{
	foreach_ptr(const char, text, plan_change_texts(step->definition))
	{
		switch (nodeTag(linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt))
		{
			case T_InsertStmt:
			case T_CreateStmt:
			case T_CreateTableAsStmt:
			case T_CreateSchemaStmt:
			case T_CreateSeqStmt:
			case T_CreateEnumStmt:
			case T_CreateRangeStmt:
			case T_CreateDomainStmt:
			case T_CompositeTypeStmt:
			case T_IndexStmt:
				continue;
			case T_ViewStmt:
				if (((ViewStmt *) linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt)->replace)
					return false;
				continue;
			case T_CreateFunctionStmt:
				if (((CreateFunctionStmt *) linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt)->replace)
					return false;
				continue;
			default:
				return makes_nothing(step);
		}
	}
	return true;
}

/* Returns whether a name is in an identity as a whole word */
static bool
names(const char *identity, const char *name)
{
	size_t		length = strlen(name);

	for (const char *at = strstr(identity, name); at; at = strstr(at + 1, name))
	{
		if ((at == identity || at[-1] == ' ' || at[-1] == '.') && (at[length] == '\0' || strchr(" .(", at[length])))
			return true;
	}
	return false;
}

/* Does a statement only drop objects, without CASCADE, of which none is this one, or its table? */
static bool
drops_others(const PlanStep *step, const char *dependent)
{
	foreach_ptr(const char, text, plan_change_texts(step->definition))
	{
		DropStmt   *drop = (DropStmt *) linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;

		if (!IsA(drop, DropStmt) || drop->behavior == DROP_CASCADE)
			return false;
		foreach_ptr(const Node, object, drop->objects)
		{
			/*
			 * an extension takes its members along; functions and types are
			 * no lists
			 */
			if (!IsA(object, List) || names(dependent, quote_identifier(strVal(llast((const List *) object)))))
				return false;
		}
	}
	return true;
}

/*
 * Returns whether a step drops an object that depends on another step's; for a
 * column of the same table, dependents of both are reported there.  A generated
 * column that is kept still depends on its base.
 */
static bool
takes_dependent(const PlanStep *before, const PlanStep *step, const char *dependent)
{
	if (before->kind == STEP_STATEMENT)
		return !drops_nothing(before) && !drops_others(before, dependent);
	if (before->kind == STEP_FOREIGN_KEY)
		return before->replaces && names(dependent, quote_identifier(before->replaces)) && names(dependent, before->child_table);
	if (before->kind != STEP_DROP)
		return false;
	if (plan_step_is_of_relation(before))
		return names(dependent, before->child_table);
	if (plan_changed_object(before) == CHANGED_COLUMN && sg_same_text(before->child_table, step->child_table))
		return before->discard && sg_same_text(dependent, psprintf("column %s.%s", before->child_table, quote_identifier(before->fk_name)));
	if (plan_changed_object(before) == CHANGED_COLUMN)
		return names(dependent, before->child_table);
	return names(dependent, quote_identifier(before->fk_name)) &&
		(plan_changed_object(before) == CHANGED_INDEX || names(dependent, before->child_table));
}

/* How far an earlier step solves the problem of a later one */
typedef enum Mends
{
	MENDS_NOTHING,
	MENDS_PERHAPS,
	MENDS_SURELY				/* the problem is a name, which it gives or
								 * takes away */
} Mends;

/* Returns whether a step makes a unique index of the columns that a key refers to */
static bool
makes_target(const PlanStep *before, const PlanStep *key)
{
	bool		unique = before->kind == STEP_UNIQUE || (before->kind == STEP_INDEX && plan_index_parse(plan_index_written(before->definition))->unique);

	return unique && key->kind == STEP_FOREIGN_KEY && sg_same_text(before->child_table, key->parent_table);
}

/* Returns whether a step makes a column of a primary key NOT NULL */
static bool
makes_not_null(const PlanStep *before, const PlanStep *key)
{
	return before->kind == STEP_NOT_NULL && key->primary_key && sg_same_text(before->child_table, key->child_table) &&
		sg_common_names(before->child_columns, key->child_columns);
}

/* Returns what an earlier step can do about a missing name, or one that another object has */
static Mends
mends_name(const PlanStep *before, const PlanStep *step, const FkProblem *problem, bool taken)
{
	bool		mends;

	if (before->kind == STEP_RENAME)
		mends = mentions(step, problem, taken ? before->fk_name : before->new_name);
	/* names of constraints and indexes go with their table or column */
	else if (before->kind == STEP_DROP)
		mends = taken && (mentions(step, problem, before->fk_name) || plan_changed_object(before) == CHANGED_TABLE ||
						  (plan_changed_object(before) == CHANGED_COLUMN && problem->sqlerrcode != ERRCODE_DUPLICATE_COLUMN));
	else if (taken)
		mends = mentions(step, problem, before->replaces);
	else
	{
		/* the name of a default is its column's */
		mends = (before->kind == STEP_TABLE && mentions(step, problem, before->child_table)) ||
			(before->kind != STEP_DEFAULT && (mentions(step, problem, before->fk_name) || mentions(step, problem, before->index_name)));
		foreach_ptr(const char, column, before->kind == STEP_COLUMN || before->backfill ? before->child_columns : NIL)
		{
			mends |= mentions(step, problem, column);
		}
	}
	return mends ? MENDS_SURELY : MENDS_NOTHING;
}

static bool
only_drops(const PlanStep *step)
{
	foreach_ptr(const char, text, plan_change_texts(step->definition))
	{
		if (!IsA(linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt, DropStmt))
			return false;
	}
	return true;
}

/*
 * Returns what an earlier statement can do about a problem: one that only makes
 * something, if the problem names that; one that only drops gives no name
 */
static Mends
statement_mends(const PlanStep *before, const PlanStep *step, const FkProblem *problem)
{
	bool		taken;

	if (is_about_name(problem, &taken) && !taken && only_drops(before))
		return MENDS_NOTHING;
	if (!drops_nothing(before))
		return MENDS_PERHAPS;
	foreach_ptr(const char, made, plan_makes(before))
	{
		if (mentions(step, problem, made) && problem->sqlerrcode == ERRCODE_UNDEFINED_TABLE)
			return check_makes_table(before) ? MENDS_SURELY : MENDS_PERHAPS;
	}
	return check_makes_word(before, problem->reason) ? MENDS_PERHAPS : MENDS_NOTHING;
}

/*
 * Returns what an earlier step can do about a step's problem.  Rules, defaults,
 * columns and indexes that it adds change nothing about the types, dependents
 * and parts of what is there.
 */
static Mends
can_mend(const PlanStep *before, const PlanStep *step, const FkProblem *problem)
{
	bool		taken = true;
	char	   *waited = psprintf("step %d, ", before->step);

	/* a rename tells by itself which step it waits for */
	if (step->kind == STEP_RENAME && strncmp(problem->reason, waited, strlen(waited)) == 0)
		return MENDS_SURELY;
	if (before->kind == STEP_STATEMENT)
		return statement_mends(before, step, problem);
	if (problem->sqlerrcode == ERRCODE_SG_KEY_CONFLICT || is_about_name(problem, &taken))
		return mends_name(before, step, problem, taken);
	switch (before->kind)
	{
		case STEP_DROP:
			return plan_step_is_of_relation(before) || sg_same_text(before->child_table, step->child_table) ||
				sg_same_text(before->child_table, step->parent_table) || mentions(step, problem, before->fk_name) ? MENDS_PERHAPS : MENDS_NOTHING;
		case STEP_RENAME:
			return problem->sqlerrcode == ERRCODE_WRONG_OBJECT_TYPE && mentions(step, problem, before->fk_name) ? MENDS_PERHAPS : MENDS_NOTHING;
		default:
			if (makes_target(before, step) || makes_not_null(before, step))
				return MENDS_SURELY;
			return step->kind == STEP_ROWS && sg_same_text(before->child_table, step->child_table) ? MENDS_PERHAPS : MENDS_NOTHING;
	}
}

bool
check_may_mend(const PlanStep *before, const PlanStep *step, const FkProblem *problem, bool *sure)
{
	Mends		mends = problem->dependents == NIL ? can_mend(before, step, problem) : MENDS_NOTHING;

	foreach_ptr(const char, dependent, problem->dependents)
	{
		if (takes_dependent(before, step, dependent))
			mends = MENDS_PERHAPS;
	}
	if (sure)
		*sure = mends == MENDS_SURELY;
	return mends != MENDS_NOTHING;
}

/*
 * Returns whether a later step, which does not wait for it, may build on a step:
 * on a statement that names its table, or, as tables below inherit columns, on
 * a column's name
 */
static bool
may_build_on(const PlanStep *before, const PlanStep *step, const FkProblem *problem)
{
	const char *tables[] = {step->child_table, step->parent_table};
	bool		taken;

	if (before->kind != STEP_STATEMENT)
		return (before->kind == STEP_COLUMN || before->kind == STEP_RENAME || before->backfill) && is_about_name(problem, &taken) && !taken;
	for (int i = 0; i < lengthof(tables); i++)
	{
		if (tables[i] && plan_has_word(before->definition, sg_parse_table_name(tables[i]).name))
			return true;
	}
	return false;
}

/* Returns what earlier steps can do about the problem of a step, with the one that can do most */
static Mends
mends_before(const PlanCheck *check, const CheckStep *cs, const FkProblem *problem, const PlanStep **mender)
{
	Mends		most = MENDS_NOTHING;
	List	   *left = list_copy(problem->dependents);

	*mender = NULL;
	foreach_ptr(const CheckStep, other, check->steps)
	{
		Mends		mends;

		if (!check_comes_before(check, other, cs))
			continue;
		mends = problem->dependents == NIL && (cs->waits || may_build_on(other->step, cs->step, problem)) ? can_mend(other->step, cs->step, problem) : MENDS_NOTHING;
		if (mends > most)
		{
			most = mends;
			*mender = other->step;
		}
		foreach_ptr(const char, dependent, problem->dependents)
		{
			if (takes_dependent(other->step, cs->step, dependent))
				left = list_delete_ptr(left, unconstify(char *, dependent));
		}
	}
	return problem->dependents && left == NIL ? MENDS_SURELY : most;
}

/* Returns whether earlier steps solve the problem of a step */
static bool
is_mended(const PlanCheck *check, const CheckStep *cs, const FkProblem *problem)
{
	const PlanStep *mender;

	return mends_before(check, cs, problem, &mender) == MENDS_SURELY;
}

bool
check_waits(const PlanCheck *check, CheckStep *cs, const FkProblem *problem)
{
	const PlanStep *mender;
	Mends		mends = mends_before(check, cs, problem, &mender);

	cs->on_trial = mends == MENDS_SURELY && problem->dependents == NIL;
	if (mends == MENDS_PERHAPS)
		check_row(cs, "definition", CHECK_WARN, psprintf("unless step %d changes that: %s", mender->step, problem->reason), check_later(cs, problem->hint));
	else if (mends == MENDS_SURELY && cs->step->state != STEP_WAITING)
		check_row(cs, "deployment", CHECK_OK, cs->waits ? cs->waits :
				  mender ? psprintf("comes behind step %d, %s", mender->step, plan_step_object(mender)) : pstrdup("steps before it drop what depends on it"), NULL);
	return mends != MENDS_NOTHING;
}

/* Blocks a move that the call will leave alone because of code which would run; whether it is so */
static bool
check_code(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	FkProblem  *problem = change_refusal(move);
	const PlanStep *before = problem ? check_step_before(check, cs) : NULL;

	if (problem)
		check_row(cs, "privileges", before ? CHECK_WARN : CHECK_BLOCK,
				  before ? psprintf("%s, unless step %d changes that", problem->reason, before->step) : problem->reason,
				  problem->hint);
	return problem != NULL;
}

static void
look_for_refusal(void *arg)
{
	const ChangeMove *move = arg;
	SgScope		scope;

	sg_caller_begin(&scope);
	foreach_ptr(const char, text, move->statements)
	{
		check_refused(linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt);
	}
	sg_scope_end(&scope);
}

/* Blocks a move whose statements the server refuses, as it would those of the author's */
static void
check_move(PlanCheck *check, CheckStep *cs, ChangeMove *move)
{
	ErrorData  *edata = sg_try_undo(look_for_refusal, move);
	const PlanStep *before = edata ? check_step_before(check, cs) : NULL;

	if (edata)
		sg_rethrow_cancel(edata);
	if (edata && sg_is_race(edata))
		ReThrowError(edata);
	if (edata && edata->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE && edata->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
		check_row(cs, "definition", before ? CHECK_WARN : CHECK_BLOCK,
				  before ? psprintf("%s, unless step %d changes that", sg_error_message(edata), before->step) : sg_error_message(edata),
				  psprintf("Correct the step, or leave it out:\n%s", check_skip(cs, "the server refuses it")));
}

/*
 * Reports how many rows a step would insert, change or delete, and judges them
 * as those of statements; where there are several, one may let pass what breaks
 * a rule without the other
 */
static void
check_counted(PlanCheck *check, CheckStep *cs, Oid table)
{
	List	   *writes = NIL;
	char	   *hint;
	char	   *counts = change_rows_text(cs->step, &hint, &writes);
	bool		alone = list_length(writes) == 1;

	check_row(cs, "rows", hint ? CHECK_BLOCK : CHECK_OK, counts, hint);
	foreach_ptr(const PlanRowsPlain, plain, writes ? plan_rows_plain(cs->step) : NIL)
	{
		if (list_member_int(writes, plain->event))
			check_table_written(check, cs, table, plain->statement, alone, alone);
	}
}

/* Judges rows for a step that waits, as far as its columns and its object are there already */
static void
check_wait_for_rows(PlanCheck *check, CheckStep *cs, const ChangeMove *move, const PlanStep *giver)
{
	ChangeMove	drop = *move;

	drop.kind = MOVE_STATEMENT;
	if (cs->step->kind == STEP_DROP && giver == NULL)
		check_lost(cs, &drop);
	else if (check_ask_early(check, cs))
		return;
	else if (giver)
		check_unread(cs, giver);
	else if (move->problem->sqlerrcode == ERRCODE_SG_KEY_CONFLICT)
		check_ask_rows(check, cs, move);
}

/* Reports what a drop takes along, or is refused for */
static void
check_drop(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	check_dependents(cs, move);
	check_subscribed_drop(cs, move);
	check_sent(check, cs, move);
	check_lost(cs, move);
	check_needed(check, cs, move);
	check_kept(cs, move);
	check_taken(cs, move);
}

/*
 * Judges a drop or rename of an object that earlier steps rename, under its
 * present names: what depends on it is the same.  Returns false if there is no
 * such object.
 */
static bool
check_under_present_names(PlanCheck *check, CheckStep *cs)
{
	PlanStep   *step = cs->step;
	PlanStep   *present = check_present_step(check, cs);
	ChangeMove	move;

	if (present == NULL)
		return false;
	/* the name that it gets may be free by then */
	if (step->kind == STEP_RENAME)
		present->new_name = pstrdup("~sg_renamed");
	cs->step = present;
	change_look(present, &move);
	if (move.kind == MOVE_STATEMENT && step->kind == STEP_DROP)
		check_drop(check, cs, &move);
	else if (move.kind == MOVE_STATEMENT)
		check_move(check, cs, &move);
	else if (move.kind == MOVE_PROBLEM && !check_waits(check, cs, move.problem))
		check_row(cs, "definition", CHECK_BLOCK, move.problem->reason, move.problem->hint);
	cs->step = step;
	return true;
}

/* Reports a step about a table that an earlier step makes anew, in place of one that has the name until then */
static bool
check_made_anew(CheckStep *cs, const PlanStep *giver)
{
	const char *table = giver ? check_makes_table(giver) : NULL;

	if (!sg_same_text(table, cs->step->child_table) || !OidIsValid(sg_find_qualified(table)))
		return false;
	check_row(cs, "trial", CHECK_WARN,
			  psprintf("step %d, %s, comes first: its table was not looked at, because another one has the name until an earlier step takes it away",
					   giver->step, plan_step_object(giver)), check_later(cs, NULL));
	return true;
}

/* Blocks a drop that waits for a step of another plan, once what it waits for in its own is done */
static void
check_others(PlanCheck *check, CheckStep *cs, ChangeMove move)
{
	change_check_others(cs->step, &check->others, &move);
	if (move.kind == MOVE_PROBLEM)
		check_row(cs, "definition", CHECK_BLOCK, move.problem->reason, move.problem->hint);
}

void
check_change(PlanCheck *check, CheckStep *cs)
{
	ChangeMove	move;
	const PlanStep *giver = check_giver_before(check, cs);
	char	   *lack;
	bool		refused;

	if (cs->step->phase)
	{
		check_row(cs, "phase", CHECK_OK, psprintf("waits for phase %s", cs->step->phase),
				  psprintf(sg_calls("SELECT sg_plan_release(%s, %s);"), quote_literal_cstr(cs->plan),
						   quote_literal_cstr(cs->step->phase)));
		return;
	}
	check_inserts(cs);
	if (cs->step->done_when && !check_is_authors(check))
	{
		check_row(cs, "deployment", CHECK_WARN,
				  psprintf("whether it is done says a query of role %s, which was not run", check->plan->author),
				  psprintf("Read it in column done_when of schemaguard.plan_step, and the statement:\n%s", plan_sql_call(cs->plan)));
		return;
	}
	check_undo(cs);
	change_look(cs->step, &move);
	if (move.kind != MOVE_NONE && change_was_done(cs->step, &move))
	{
		check_row(cs, "deployment", CHECK_OK, "it was done, and is not done again", NULL);
		return;
	}
	if (check_made_anew(cs, giver))
		return;
	check_gap(check, cs);
	if (cs->waits && ((cs->step->kind == STEP_DROP && giver && (move.kind == MOVE_NONE || (move.kind == MOVE_STATEMENT && giver->kind == STEP_RENAME))) ||
					  (move.kind == MOVE_NONE && cs->step->kind == STEP_COLUMN && check_is_freed(check, cs))))
	{
		check_row(cs, "deployment", CHECK_OK, cs->waits, NULL);
		if (cs->step->kind == STEP_DROP)
		{
			bool		judged = check_under_present_names(check, cs);

			/* what the plan makes may depend on a part of a table, too */
			cs->on_trial = !judged || !(cs->blocked || plan_step_is_of_relation(cs->step));
			if (!judged)
				check_unread(cs, giver);
		}
		return;
	}
	check_new_dependents(check, cs);
	if (move.kind == MOVE_PROBLEM && !move.stands && !may_be_mended(check, cs, move.problem) && check_waits(check, cs, move.problem))
	{
		if (cs->on_trial && cs->step->kind == STEP_RENAME)
			(void) check_under_present_names(check, cs);
		check_subscribed(check, cs);
		check_wait_for_rows(check, cs, &move, giver);
		if (cs->step->kind == STEP_DROP)
			check_taken_object(check, cs);
		return;
	}
	if (move.kind == MOVE_PROBLEM && (move.stands ? check_may_be_made(check, cs, true) : check_is_made_before(check, cs, move.problem->reason)))
	{
		check_row(cs, "definition", CHECK_WARN, psprintf("unless an earlier statement changes that: %s", move.problem->reason),
				  check_later(cs, move.problem->hint));
		return;
	}
	if (move.kind == MOVE_STATEMENT && cs->waits == NULL && plan_step_drops(cs->step))
		change_check_needs(check->graph, cs->step, &check->others, &move);
	else if (move.kind == MOVE_STATEMENT && plan_step_drops(cs->step))
		check_others(check, cs, move);
	next_move(check, cs, &move);
	if (move.kind == MOVE_FILL && cs->step->kind == STEP_COLUMN && cs->step->state == STEP_PENDING)
		check_row(cs, "fill", CHECK_WARN, psprintf("column %s is there already: rows without a value in it get one, for good", quote_identifier(linitial(cs->step->child_columns))),
				  psprintf("If it is another one, leave the step out, and add one for a column of another name:\n%s", check_skip(cs, "the column is another one")));
	check_taken_object(check, cs);
	if (move.kind == MOVE_STATEMENT)
		check_readers(check, cs);
	if (move.kind == MOVE_STATEMENT && move.returns)
		check_counted(check, cs, move.table);
	if (giver && plan_step_adds_rule(cs->step))
		check_unread(cs, giver);
	else if (move.kind != MOVE_PROBLEM)
		check_ask_rows(check, cs, &move);
	if (cs->step->kind == STEP_STATEMENT && move.kind != MOVE_NONE && move.kind != MOVE_PROBLEM)
		check_statement(check, cs, &move);
	else if (move.kind == MOVE_STATEMENT && cs->step->kind != STEP_TABLE)
	{
		check_move(check, cs, &move);
		if (move.statements)
			check_on_clone(check, cs, &move, linitial(move.statements));
	}
	if ((cs->step->kind == STEP_TABLE || cs->step->kind == STEP_COLUMN) && move.kind == MOVE_STATEMENT)
		check_holds(check, cs);
	check_subscribed(check, cs);
	if (move.kind != MOVE_NONE && move.kind != MOVE_PROBLEM)
		check_filler(cs, cs->step->state == STEP_VALIDATED && move.kind == MOVE_FILL && !change_keeps_filling(cs->step, &move));
	if (cs->step->kind == STEP_DROP && move.kind == MOVE_STATEMENT)
		check_drop(check, cs, &move);
	else
	{
		check_dependents(cs, &move);
		check_sent(check, cs, &move);
		check_lost(cs, &move);
	}
	if (move.kind == MOVE_STATEMENT && cs->step->kind == STEP_STATEMENT)
		check_taken(cs, &move);
	lack = change_lacks(cs->step, &move);
	refused = lack == NULL && check_code(check, cs, &move);
	cs->on_trial |= move.kind == MOVE_STATEMENT && lack == NULL && !refused && (cs->makes || check_makes_other(cs->step));
	if (lack)
		check_row(cs, "privileges", CHECK_BLOCK, lack, cs->step->kind == STEP_TABLE ?
				  psprintf("GRANT CREATE ON SCHEMA %s TO %s;", quote_identifier(sg_parse_table_name(cs->step->child_table).schema),
						   quote_identifier(GetUserNameFromId(GetUserId(), false))) :
				  pstrdup("Run the plan as the owner of the table."));
}

void
check_plan_changes(PlanCheck *check)
{
	List	   *steps = plan_chosen_steps(check->plan);
	char	   *hint;
	char	   *circle = plan_circle(check->graph, &hint);
	bool		holds_sql = false;

	if (circle)
		check_row(&check->server, "order", CHECK_BLOCK, circle, hint);
	foreach_ptr(const PlanStep, step, steps)
	{
		holds_sql |= !step->skipped_by && plan_step_holds_sql(step);
	}
	if (!holds_sql)
		return;
	check_row(&check->server, "confirm", check_is_authors(check) ? CHECK_OK : CHECK_WARN,
			  psprintf("the plan holds SQL of role %s; its hash is %s", check->plan->author, plan_hash(check->plan)),
			  psprintf("Others than %s read it, and pass confirm => the hash:\n%s", check->plan->author, plan_sql_call(check->plan->name)));
}
