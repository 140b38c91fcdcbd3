/*-------------------------------------------------------------------------
 *
 * fkdiff_advice.c
 *	  Advice on a pair of keys: a recommendation, its reason, and the
 *	  effects and costs of its migration.
 *
 * The statements are sg_sync_sql()'s.  A migration is complete: run on the side that it is for, it makes the two
 * keys one.  New keys are added NOT VALID and validated by a statement of
 * their own, which holds up nobody; a key that changes never leaves its table
 * unprotected in between.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "base/compat.h"
#include "base/name.h"
#include "base/quote.h"
#include "fkdiff/fkdiff.h"

/* First version with NOT ENFORCED, PERIOD, and NOT VALID keys of partitioned tables */
#define VERSION_18 180000

static const char *const validate_reason = "VALIDATE fails while there are orphans, which sg_orphan_audit() counts";

/* ---- deeds ---- */

/*
 * Appends a step of sg_sync_rules() for an object, with pairs of field names
 * and values up to NULL; fields without a value are left out
 */
static void
append_deed(KeyPair *pair, const char *step, const char *kind, const char *name,...)
{
	StringInfoData json;
	const char *field;
	va_list		fields;

	initStringInfo(&json);
	appendStringInfo(&json, "%s%s{\"step\": \"%s\", \"kind\": \"%s\", \"name\": ",
					 pair->deeds ? pair->deeds : "", pair->deeds ? ", " : "", step, kind);
	escape_json(&json, name);
	va_start(fields, name);
	while ((field = va_arg(fields, const char *)) != NULL)
	{
		const char *value = va_arg(fields, const char *);

		if (value == NULL)
			continue;
		appendStringInfo(&json, ", \"%s\": ", field);
		escape_json(&json, value);
	}
	va_end(fields);
	appendStringInfoChar(&json, '}');
	pair->deeds = json.data;
}

static void
raise_risk(KeyPair *pair, DriftRisk risk)
{
	pair->risk = Max(pair->risk, risk);
}

static void
append_reason(KeyPair *pair, const char *reason)
{
	pair->reason = pair->reason ? psprintf("%s; %s", pair->reason, reason) : pstrdup(reason);
}

/* Returns a name that no constraint of the table has, and reserves it */
static char *
free_name(const KeySide *side, const char *identity, const char *wanted)
{
	KeyTable   *table = fkdiff_table(side, identity);
	char	   *name = pstrdup(wanted);

	for (int n = 1; table && sg_has_name(table->names, name); n++)
		name = sg_make_nth_name(wanted, NULL, NULL, n);
	if (table)
		table->names = lappend(table->names, name);
	return name;
}

/* Returns whether the side can create the key NOT VALID */
static bool
can_be_not_valid(const KeySide *side, const SideKey *key)
{
	KeyTable   *child = fkdiff_table(side, key->step->child_table);

	return key->step->enforced &&
		(side->version >= VERSION_18 || child == NULL || !child->partitioned);
}

/* Returns whether deletes or key updates of the parent change rows of the child */
static bool
changes_rows(const PlanStep *step)
{
	return (step->on_delete != FKCONSTR_ACTION_NOACTION && step->on_delete != FKCONSTR_ACTION_RESTRICT) ||
		(step->on_update != FKCONSTR_ACTION_NOACTION && step->on_update != FKCONSTR_ACTION_RESTRICT);
}

/*
 * Appends the statements that create a key on a side: under its name, or under
 * another name beside the key whose name it gets in the end
 */
static void
append_add(KeyPair *pair, const KeySide *side, const SideKey *key, const char *step, const char *name, const char *new_name)
{
	PlanStep   *make = key->step;
	bool		at_once = make->enforced && !can_be_not_valid(side, key);

	append_deed(pair, step, "constraint", name, "parent", make->child_table, "new_name", new_name, "properties", key->properties,
				"references", make->parent_table, "at_once", at_once ? "true" : NULL, NULL);
	if (at_once)
	{
		raise_risk(pair, DRIFT_BLOCKING);
		append_reason(pair, "on this server a partitioned table can't have the key NOT VALID first: its rows are read under a lock that holds up writers; sg_add_fks does it partition by partition");
	}
}

static void
append_drop(KeyPair *pair, const char *table, const char *name)
{
	append_deed(pair, "drop", "constraint", name, "parent", table, NULL);
}

/* Appends the ALTER CONSTRAINT that gives an existing key the wanted property */
static void
append_alter(KeyPair *pair, const char *property, const char *table, const char *name, const SideKey *there, const char *reason)
{
	append_deed(pair, "alter", "constraint", name, "parent", table, "property", property, "properties", there->properties, NULL);
	append_reason(pair, reason);
}

/* ---- what is missing ---- */

/*
 * Returns a text about the first of these columns that a table of a side lacks,
 * with its rename if it has one, or NULL
 */
static char *
missing_column(const KeyComparison *comparison, const KeySide *side, const char *identity, List *columns)
{
	KeyTable   *table = fkdiff_table(side, identity);

	foreach_ptr(char, name, columns)
	{
		if (sg_has_name(table->columns, name))
			continue;
		foreach_ptr(KeyRename, rename, comparison->renames)
		{
			bool		to_target = side == &comparison->target;

			if (strcmp(rename->table, identity) == 0 &&
				strcmp(to_target ? rename->to : rename->from, name) == 0)
				return psprintf("column %s of %s is called %s in the %s: rename it, then compare again",
								quote_identifier(name), identity,
								quote_identifier(to_target ? rename->from : rename->to), side->word);
		}
		return psprintf("column %s of %s does not exist in the %s",
						quote_identifier(name), identity, side->word);
	}
	return NULL;
}

/* Returns whether a unique key of the parent has exactly the referenced columns */
static bool
has_unique(const KeyTable *parent, const SideKey *key)
{
	ListCell   *lc2;

	foreach_ptr(KeyUnique, unique, parent->uniques)
	{
		bool		same = unique->period == key->period &&
			list_length(unique->columns) == list_length(key->step->parent_columns);

		foreach(lc2, key->step->parent_columns)
			same = same && sg_has_name(unique->columns, lfirst(lc2));
		if (same)
			return true;
	}
	return false;
}

/* Returns the advice to rename a table that has another name in the target, or NULL */
static char *
other_name(const KeySide *side, const char *identity)
{
	const char *called = fkdiff_called(side, identity);

	return strcmp(called, identity) == 0 ? NULL :
		psprintf("table %s is called %s in the %s: rename it, then compare again", identity, called, side->word);
}

/* Returns why a side can't have the key, or NULL.  Unknown facts are no reason. */
static char *
obstacle(const KeyComparison *comparison, const KeySide *side, const SideKey *key)
{
	const PlanStep *step = key->step;
	KeyPresence child = fkdiff_presence(side, step->child_table);
	KeyPresence parent = fkdiff_presence(side, step->parent_table);
	char	   *problem = NULL;

	problem = other_name(side, step->child_table);
	if (problem == NULL)
		problem = other_name(side, step->parent_table);
	if (problem)
		return problem;
	if (child == KEY_TABLE_MISSING || parent == KEY_TABLE_MISSING)
		return psprintf("table %s does not exist in the %s",
						child == KEY_TABLE_MISSING ? step->child_table : step->parent_table, side->word);

	if (!step->enforced && side->version < VERSION_18)
		return psprintf("the server of the %s knows no NOT ENFORCED keys", side->word);
	if (key->period && side->version < VERSION_18)
		return psprintf("the server of the %s knows no PERIOD keys", side->word);

	if (child == KEY_TABLE_PRESENT)
		problem = missing_column(comparison, side, step->child_table, step->child_columns);
	if (problem == NULL && parent == KEY_TABLE_PRESENT)
	{
		problem = missing_column(comparison, side, step->parent_table, step->parent_columns);
		if (problem == NULL && !has_unique(fkdiff_table(side, step->parent_table), key))
			problem = psprintf("%s has no unique key on (%s) in the %s", step->parent_table,
							   sg_quote_list(step->parent_columns), side->word);
	}
	return problem;
}

/* ---- one side only ---- */

static void
advise_ignore(KeyPair *pair, const char *reason)
{
	pair->advice = ADVICE_IGNORE;
	append_reason(pair, reason);
}

static void
advise_duplicate(KeyPair *pair, const KeySide *side, const SideKey *key)
{
	pair->advice = ADVICE_DROP;
	pair->run_on = side->word;
	append_reason(pair, psprintf("%s has the same columns and parent", quote_identifier(pair->twin->step->fk_name)));
	if (strcmp(pair->twin->definition, key->definition) != 0)
	{
		append_reason(pair, "its clauses differ, and both act: look which one is meant");
		raise_risk(pair, DRIFT_LOSSY);
	}
	append_drop(pair, fkdiff_called(side, key->step->child_table), key->step->fk_name);
}

/* Advises to add the key of one side to the other */
static void
advise_add(KeyComparison *comparison, KeyPair *pair, const KeySide *side, const SideKey *key)
{
	char	   *problem = obstacle(comparison, side, key);
	char	   *name;

	if (problem)
	{
		advise_ignore(pair, problem);
		return;
	}

	pair->advice = side == &comparison->target ? ADVICE_ADD_HERE : ADVICE_ADD_THERE;
	pair->run_on = side->word;
	append_reason(pair, psprintf("the %s has both tables, and no such key", side->word));
	if (key->step->enforced && key->validated)
		append_reason(pair, validate_reason);
	if (changes_rows(key->step))
	{
		raise_risk(pair, DRIFT_LOSSY);
		append_reason(pair, "from then on, changes of the parent's rows change or delete the child's");
	}
	name = free_name(side, key->step->child_table, key->step->fk_name);
	if (strcmp(name, key->step->fk_name) != 0)
		append_reason(pair, psprintf("the name %s is taken", quote_identifier(key->step->fk_name)));
	append_add(pair, side, key, "create", name, NULL);
}

static void
advise_single(KeyComparison *comparison, KeyPair *pair)
{
	bool		on_reference = pair->reference != NULL;
	const KeySide *own = on_reference ? &comparison->reference : &comparison->target;
	const KeySide *other = on_reference ? &comparison->target : &comparison->reference;
	const SideKey *key = on_reference ? pair->reference : pair->target;

	if (pair->twin)
		advise_duplicate(pair, own, key);
	else
		advise_add(comparison, pair, other, key);
}

/* ---- on both sides ---- */

static bool
differs(const KeyPair *pair, const char *property)
{
	return sg_has_name(pair->differences, property);
}

static bool
differs_only(const KeyPair *pair, const char *property)
{
	return list_length(pair->differences) == 1 && differs(pair, property);
}

/* Returns whether the key must be recreated because ALTER CONSTRAINT can't make the change */
static bool
needs_rebuild(const KeyPair *pair)
{
	return differs(pair, "match") || differs(pair, "on_update") || differs(pair, "on_delete") ||
		differs(pair, "on_delete_columns") || differs(pair, "period") ||
		(differs(pair, "enforced") && pair->reference->step->enforced) ||
		(differs(pair, "triggers") && pair->reference->triggers == NULL);
}

/* Returns the final name of the target's key */
static char *
wanted_name(const KeyPair *pair)
{
	return differs(pair, "name") ? pair->reference->step->fk_name : pair->target->name;
}

/*
 * Appends the replacement of a key, as sg_sync_sql() writes it: create a second
 * key, validate it, drop the old one, rename
 */
static void
replace(KeyPair *pair, const KeySide *side)
{
	const char *table = pair->target->step->child_table;
	char	   *name = wanted_name(pair);

	pair->takes_name = strcmp(name, pair->target->name) == 0;
	pair->beside = free_name(side, table, pair->takes_name ? sg_new_name(name) : name);
	if (pair->takes_name)
		append_add(pair, side, pair->reference, "beside", name, pair->beside);
	else
	{
		append_add(pair, side, pair->reference, "create", pair->beside, NULL);
		append_drop(pair, table, pair->target->name);
	}
	append_reason(pair, "the old key is dropped last, once the new one is valid");
}

/* Advises to rebuild a key with the same columns and parent, and other clauses */
static void
rebuild(KeyPair *pair, const KeySide *side)
{
	replace(pair, side);
	if (differs(pair, "triggers") && pair->target->triggers)
		append_reason(pair, psprintf("its triggers are switched off (%s): rows that came since were not checked",
									 pair->target->triggers));
	if (changes_rows(pair->reference->step) &&
		(differs(pair, "on_delete") || differs(pair, "on_update") || differs(pair, "on_delete_columns")))
	{
		raise_risk(pair, DRIFT_LOSSY);
		append_reason(pair, "from then on, changes of the parent's rows change or delete the child's");
	}
}

/* Advises to replace a key that refers to another parent */
static void
retarget(KeyPair *pair, const KeySide *side)
{
	replace(pair, side);
	if (changes_rows(pair->reference->step))
	{
		raise_risk(pair, DRIFT_LOSSY);
		append_reason(pair, "from then on, changes of the new parent's rows change or delete the child's");
	}
}

/* Returns the target's key that has this name and will be renamed, or NULL */
static SideKey *
leaves_name(const KeyComparison *comparison, const char *table, const char *name)
{
	foreach_ptr(KeyTablePair, tables, comparison->tables)
	{
		if (strcmp(tables->identity, table) != 0)
			continue;
		foreach_ptr(KeyPair, pair, tables->pairs)
		{
			if (pair->target && pair->reference && differs(pair, "name") && strcmp(pair->target->name, name) == 0)
				return pair->target;
		}
	}
	return NULL;
}

/* Appends RENAME CONSTRAINT, and updates the names in use */
static void
append_rename_key(KeyPair *pair, const KeySide *side, SideKey *key, char *name)
{
	KeyTable   *table = fkdiff_table(side, key->step->child_table);
	List	   *names = NIL;
	ListCell   *lc;

	append_deed(pair, "alter", "constraint", name, "parent", table->identity, "property", "name", "old_name", key->name, NULL);
	foreach(lc, table->names)
	{
		if (strcmp(lfirst(lc), key->name) != 0)
			names = lappend(names, lfirst(lc));
	}
	table->names = sg_has_name(names, name) ? names : lappend(names, name);
	key->name = name;
}

/*
 * Appends a rename to the reference's name, unless another constraint keeps
 * that; a key that is renamed itself is renamed first
 */
static void
alter_name(const KeyComparison *comparison, KeyPair *pair, const KeySide *side)
{
	const char *table = pair->target->step->child_table;
	char	   *name = pair->reference->step->fk_name;
	List	   *taken = fkdiff_table(side, table)->names;
	SideKey    *holder = sg_has_name(taken, name) ? leaves_name(comparison, table, name) : NULL;

	if (holder)
	{
		append_reason(pair, psprintf("another key has the name %s, and gets its own by its own migration", quote_identifier(name)));
		append_rename_key(pair, side, holder, free_name(side, table, name));
	}
	else if (sg_has_name(taken, name))
	{
		append_reason(pair, psprintf("another constraint has the name %s", quote_identifier(name)));
		if (pair->deeds == NULL)
			pair->advice = ADVICE_IGNORE;
		return;
	}
	append_rename_key(pair, side, pair->target, name);
	append_reason(pair, "both names were chosen, and scripts may say them");
}

/* Advises ALTER CONSTRAINT, VALIDATE CONSTRAINT or a new name */
static void
alter(const KeyComparison *comparison, KeyPair *pair, const KeySide *side)
{
	const SideKey *reference = pair->reference;
	const char *table = pair->target->step->child_table;
	const char *name = pair->target->name;

	if (differs(pair, "deferrable") || differs(pair, "initially_deferred"))
		append_alter(pair, "deferrable", table, name, reference, "ALTER CONSTRAINT reads no rows");
	if (differs(pair, "enforced"))
	{
		append_alter(pair, "enforced", table, name, reference, "nothing keeps orphans out any more");
		raise_risk(pair, DRIFT_LOSSY);
	}
	if (differs(pair, "validated") && reference->validated)
		append_alter(pair, "validated", table, name, reference, validate_reason);
	if (differs(pair, "name"))
		alter_name(comparison, pair, side);
}

/* Appends the renames of a table: SET SCHEMA, RENAME TO */
static void
append_table_rename(KeyPair *pair, const KeyRename *rename)
{
	SgTableName from = sg_parse_table_name(rename->from);
	SgTableName to = sg_parse_table_name(rename->to);

	if (rename->what == RENAMED_SCHEMA)
	{
		append_deed(pair, "rename", "schema", to.name, "old_name", from.name, NULL);
		return;
	}
	if (strcmp(from.schema, to.schema) != 0)
		append_deed(pair, "rename", "table", from.name, "parent", quote_identifier(to.schema), "property", "parent",
					"old_parent", quote_identifier(from.schema), NULL);
	if (strcmp(from.name, to.name) != 0)
		append_deed(pair, "rename", "table", to.name, "parent", quote_identifier(to.schema), "property", "name", "old_name", from.name, NULL);
}

/* Appends the renames of tables and columns that no earlier pair has stated */
static void
append_renames(KeyComparison *comparison, KeyPair *pair)
{
	foreach_ptr(KeyRename, rename, pair->renames)
	{
		bool		is_column = rename->what == RENAMED_COLUMN;

		if (!is_column)
			append_reason(pair, psprintf("%s is %s there: %s", rename->from, rename->to, rename->evidence));
		else
			append_reason(pair, psprintf("%s of %s is %s there: %s", quote_identifier(rename->from), rename->table,
										 quote_identifier(rename->to), rename->evidence));
		raise_risk(pair, rename->guess ? DRIFT_LOSSY : DRIFT_BLOCKING);
		if (rename->guess)
			append_reason(pair, "which is a guess: look whether the rows are the same");
		if (rename->stated)
			append_reason(pair, "another key's migration renames it");
		else if (!is_column)
		{
			append_table_rename(pair, rename);
			append_reason(pair, "what says the old name fails from then on");
		}
		else if (fkdiff_table(&comparison->target, rename->table)->inherited)
			append_reason(pair, "the table inherits the column: rename it in the table that has it first");
		else
		{
			append_deed(pair, "rename", "column", rename->to, "parent", rename->table, "old_name", rename->from, NULL);
			append_reason(pair, "what says the old name fails from then on");
		}
		rename->stated = true;
	}
}

/* Advises to validate the reference's key, its only difference */
static void
advise_validate_there(KeyPair *pair)
{
	pair->advice = ADVICE_VALIDATE_THERE;
	pair->run_on = "reference";
	append_reason(pair, "the target's key is valid, the reference's is not");
	append_alter(pair, "validated", pair->reference->step->child_table, pair->reference->step->fk_name, pair->target, validate_reason);
}

static void
advise_changed(KeyComparison *comparison, KeyPair *pair)
{
	const KeySide *side = &comparison->target;
	bool		only_validated = differs_only(pair, "validated");
	bool		elsewhere = differs(pair, "parent") || differs(pair, "parent_columns");
	bool		off_there = differs(pair, "triggers") && pair->reference->triggers;
	char	   *problem = NULL;

	if (off_there)
		append_reason(pair, psprintf("the reference's triggers are switched off (%s), which nobody should copy:"
									 " make the key anew there", pair->reference->triggers));
	if (off_there && differs_only(pair, "triggers"))
	{
		pair->advice = ADVICE_IGNORE;
		return;
	}

	if (only_validated && !pair->reference->validated)
	{
		advise_validate_there(pair);
		return;
	}
	if (pair->status == KEY_CHANGED &&
		(elsewhere || differs(pair, "enforced") || differs(pair, "period")))
		problem = obstacle(comparison, side, pair->reference);
	if (problem)
	{
		advise_ignore(pair, problem);
		return;
	}

	pair->run_on = side->word;
	if (pair->status == KEY_RENAMED)
	{
		pair->advice = ADVICE_RENAME;
		append_renames(comparison, pair);
	}
	else if (only_validated)
		pair->advice = ADVICE_VALIDATE_HERE;
	else if (differs_only(pair, "name"))
		pair->advice = ADVICE_RENAME;
	else
		pair->advice = ADVICE_CHANGE_HERE;

	if (elsewhere)
		retarget(pair, side);
	else if (needs_rebuild(pair))
		rebuild(pair, side);
	else
		alter(comparison, pair, side);
}

/* Advises on a key that both sides have, and on its duplicates */
static void
advise_common(KeyPair *pair)
{
	const PlanStep *reference = pair->reference->step;
	const PlanStep *target = pair->target->step;

	if (pair->twin == NULL)
	{
		pair->advice = ADVICE_NONE;
		return;
	}

	pair->advice = ADVICE_DROP;
	append_reason(pair, psprintf("%s has the same columns and parent, on both sides",
								 quote_identifier(pair->twin->step->fk_name)));
	if (strcmp(pair->twin->definition, pair->target->definition) != 0)
	{
		append_reason(pair, "its clauses differ, and both act: look which one is meant");
		raise_risk(pair, DRIFT_LOSSY);
	}
	if (strcmp(reference->fk_name, target->fk_name) == 0)
	{
		pair->run_on = "both";
		append_drop(pair, target->child_table, target->fk_name);
	}
	else
		append_reason(pair, psprintf("it is called %s there", quote_identifier(reference->fk_name)));
}

void
fkdiff_advise(KeyComparison *comparison, KeyPair *pair)
{
	switch (pair->status)
	{
		case KEY_COMMON:
			advise_common(pair);
			break;
		case KEY_ONLY_REFERENCE:
		case KEY_ONLY_TARGET:
			advise_single(comparison, pair);
			break;
		case KEY_RENAMED:
		case KEY_CHANGED:
			advise_changed(comparison, pair);
			break;
		case KEY_UNKNOWN:
			pair->advice = ADVICE_NONE;
			append_reason(pair, psprintf("the %s's table %s could not be read in full: %s",
										 pair->reference ? "target" : "reference",
										 (pair->reference ? pair->reference : pair->target)->step->child_table,
										 fkdiff_table(pair->reference ? &comparison->target : &comparison->reference,
													  (pair->reference ? pair->reference : pair->target)->step->child_table)->unknown));
			break;
	}
}
