/*-------------------------------------------------------------------------
 *
 * plan_filler.c
 *	  The trigger that fills the columns of a step, and its function.
 *
 *	  The function runs for every role that writes the table, which may not
 *	  read what the expressions read; so it is SECURITY DEFINER.  It belongs
 *	  to the owner of the table, who can run their own code in it at any time,
 *	  even by the types of the columns: it lends no other role's privileges.
 *	  When the table gets another owner, the function fills nothing until
 *	  deployment has made it again.  It is in schema schemaguard, where only
 *	  superusers can create or replace functions.
 *
 *	  The catalogs tell which functions exist, and for which tables:
 *	  superfluous ones are found there, whatever has happened in between.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/origin.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "log/log.h"
#include "plan/plan.h"
#include "plan/plan_backfill.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_key.h"
#include "plan/plan_order.h"
#include "plan/plan_relation.h"

#define FILLER_PREFIX	"~schemaguard_fill_"
#define FILLER_SCHEMA	"schemaguard"
#define FILLER_PATH		"pg_catalog, pg_temp"

SG_FUNCTION(sg_plan_mark);
SG_FUNCTION(sg_filler_ending);

/*
 * Returns a hash of a plan's name as text, the suffix of its triggers.  It is
 * of the name in UTF-8, so that a plan finds them in a database of another
 * encoding.  A name that can't be converted to UTF-8 counts as its bytes.
 */
static char *
plan_mark(const char *plan)
{
	int			encoding = GetDatabaseEncoding();
	int			len = strlen(plan);
	const char *name = plan;
	Oid			conversion = encoding == PG_UTF8 || encoding == PG_SQL_ASCII ? InvalidOid :
		FindDefaultConversionProc(encoding, PG_UTF8);

	if (OidIsValid(conversion))
	{
		int			room = len * MAX_CONVERSION_GROWTH + 1;
		char	   *utf8 = palloc(room);

		if (pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) unconstify(char *, plan), len,
										  (unsigned char *) utf8, room, true) == len)
			name = utf8;
	}
	return psprintf("%016llx", (unsigned long long) hash_bytes_extended((const unsigned char *) name, strlen(name), 0));
}

/*
 * schemaguard.sg_plan_mark(plan text)
 *
 * Returns plan_mark()
 */
static Datum
sg_plan_mark_entered(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(plan_mark(sg_arg_text(fcinfo, 0))));
}

/*
 * Returns a name that sorts last among triggers, so that the trigger sees the
 * effects of others; and among those of a plan by the number of their steps: a
 * letter encodes the number of digits.
 */
static char *
make_name(const PlanStep *step, const char *mark)
{
	int			digits = snprintf(NULL, 0, "%d", step->step);
	char		letter[] = {digits > 1 ? 'a' + digits - 2 : '\0', '\0'};

	return psprintf(FILLER_PREFIX "%s%d%s_%s", letter, step->step, mark, plan_mark(step->plan));
}

char *
plan_filler_name(const PlanStep *step)
{
	return make_name(step, "");
}

/* Returns the name of the second trigger, which carries updates over */
static char *
carrier_name(const PlanStep *step)
{
	return make_name(step, "u");
}

bool
plan_filler_is_named(const char *name)
{
	return strncmp(name, FILLER_PREFIX, strlen(FILLER_PREFIX)) == 0;
}

bool
plan_filler_is_on(Oid table)
{
	SgCatalog	triggers;
	HeapTuple	tuple;
	bool		found = false;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while (!found && HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
		found = plan_filler_is_named(NameStr(((Form_pg_trigger) GETSTRUCT(tuple))->tgname));
	sg_catalog_end(&triggers);
	return found;
}

bool
plan_filler_has_identity(const char *identity)
{
	const char *name = identity;

	if (strncmp(name, FILLER_SCHEMA ".", strlen(FILLER_SCHEMA ".")) == 0)
		name += strlen(FILLER_SCHEMA ".");
	return strncmp(name, "\"" FILLER_PREFIX, strlen("\"" FILLER_PREFIX)) == 0;
}

bool
plan_filler_is_of(const char *identity, const char *plan)
{
	PlanStep	step = {.plan = unconstify(char *, plan)};
	const char *name = strstr(identity, "\"" FILLER_PREFIX);

	return name && strstr(name, strrchr(plan_filler_name(&step), '_')) != NULL;
}

static char *
function_name(const PlanStep *step)
{
	return sg_qualified_name(FILLER_SCHEMA, plan_filler_name(step));
}

/* Returns whether a function runs as its owner, with the search_path that make_function() gives it */
static bool
is_as_made(HeapTuple tuple)
{
	bool		isnull;
	Datum		settings = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	List	   *list = isnull ? NIL : sg_text_array_list(settings);

	return ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef && list_length(list) == 1 &&
		strcmp(linitial(list), "search_path=" FILLER_PATH) == 0;
}

/*
 * Returns the function, with its source and its owner, or InvalidOid if there
 * is none.  A function that its owner has altered has no source.
 */
static Oid
find_function(const PlanStep *step, char **source, Oid *owner)
{
	HeapTuple	tuple = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(plan_filler_name(step)),
										PointerGetDatum(buildoidvector(NULL, 0)),
										ObjectIdGetDatum(sg_schema_oid()));
	Oid			oid;
	Datum		datum;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	oid = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	*owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	*source = isnull || !is_as_made(tuple) ? pstrdup("") : TextDatumGetCString(datum);
	ReleaseSysCache(tuple);
	return oid;
}

/* ---- the tables that have the trigger ---- */

/* Returns a copy of a row of pg_trigger, or NULL */
static HeapTuple
find_trigger(Oid trigger)
{
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, trigger, NULL);
	tuple = sg_catalog_next(&scan);
	if (tuple)
		tuple = heap_copytuple(tuple);
	sg_catalog_end(&scan);
	return tuple;
}

/*
 * Returns the tables that need the trigger: a partitioned table's has clones on
 * its partitions; other inheriting tables need one of their own
 */
static List *
tables_to_arm(Oid child)
{
	List	   *tables = NIL;

	if (get_rel_relkind(child) == RELKIND_PARTITIONED_TABLE)
		return list_make1_oid(child);
	foreach_oid(table, sg_all_inheritors(child))
	{
		if (get_rel_relkind(table) == RELKIND_RELATION)
			tables = lappend_oid(tables, table);
	}
	return tables;
}

/* Finds the tables by the function, because a table may not inherit any more, or have another name */
static List *
triggered_tables(const PlanStep *step, char **source)
{
	Oid			owner;
	Oid			function = step->backfill || step->fill ? find_function(step, source, &owner) : InvalidOid;
	List	   *tables = NIL;
	SgCatalog	scan;
	HeapTuple	tuple;

	if (!OidIsValid(function))
		return NIL;
	sg_catalog_begin_depend(&scan, true, ProcedureRelationId, function, 0);
	while ((tuple = sg_catalog_next(&scan)) != NULL)
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		HeapTuple	trigger = depend->classid == TriggerRelationId ? find_trigger(depend->objid) : NULL;

		if (trigger && !OidIsValid(((Form_pg_trigger) GETSTRUCT(trigger))->tgparentid))
			tables = list_append_unique_oid(tables, ((Form_pg_trigger) GETSTRUCT(trigger))->tgrelid);
	}
	sg_catalog_end(&scan);
	return tables;
}

/*
 * Returns whether a step on that table never armed these: their function fills
 * otherwise, none of them is in its tree, or one is above it
 */
static bool
are_of_another(const PlanStep *step, List *tables, const char *source, Oid child)
{
	if (!plan_backfill_is_body(source, step) ||
		list_length(list_difference_oid(tables, tables_to_arm(child))) == list_length(tables))
		return true;
	foreach_oid(table, tables)
	{
		if (table != child && list_member_oid(sg_all_inheritors(table), child))
			return true;
	}
	return false;
}

/*
 * In a copy without the extension's rows, another plan of the name may have had
 * a function for the same step number
 */
List *
plan_filler_tables(const PlanStep *step)
{
	char	   *source;
	List	   *tables = triggered_tables(step, &source);
	Oid			child = tables && !step->fills ? sg_find_qualified(step->child_table) : InvalidOid;

	return OidIsValid(child) && are_of_another(step, tables, source, child) ? NIL : tables;
}

bool
plan_filler_is_armed(const PlanStep *step)
{
	return plan_filler_tables(step) != NIL;
}

/* Returns whether sg_plan_release() drops the step's trigger: a column may be new, all else has to be done */
static bool
is_released(const PlanStep *step)
{
	return step->kind == STEP_COLUMN || step->state == STEP_VALIDATED;
}

/* Returns the trigger, or the one of a partitioned table that it is a clone of */
static Form_pg_trigger
find_root_trigger(Oid trigger)
{
	HeapTuple	tuple = find_trigger(trigger);
	Form_pg_trigger form = tuple ? (Form_pg_trigger) GETSTRUCT(tuple) : NULL;

	return form && OidIsValid(form->tgparentid) ? find_root_trigger(form->tgparentid) : form;
}

/* Returns the step whose trigger this is, of the plans that the current role may read, or NULL */
static PlanStep *
find_filling_step(Form_pg_trigger trigger)
{
	foreach_ptr(const FkPlan, plan, plan_readable())
	{
		if (strcmp(plan_mark(plan->name), strrchr(NameStr(trigger->tgname), '_') + 1) != 0)
			continue;
		foreach_ptr(PlanStep, step, plan_steps(plan->name))
		{
			char	   *source;
			Oid			owner;

			if (list_member_oid(plan_filler_tables(step), trigger->tgrelid) && find_function(step, &source, &owner) == trigger->tgfoid)
				return step;
		}
	}
	return NULL;
}

char *
plan_filler_ending(Oid trigger, const char **plan)
{
	Form_pg_trigger form = find_root_trigger(trigger);
	PlanStep   *step;

	*plan = NULL;
	if (form == NULL || !plan_filler_is_named(NameStr(form->tgname)))
		return NULL;
	step = find_filling_step(form);
	if (step == NULL)
		return psprintf("DROP FUNCTION %s CASCADE;", format_procedure_qualified(form->tgfoid));
	*plan = step->plan;
	return is_released(step) ? plan_release_call(step->plan) : plan_rollback_call(step);
}

/*
 * schemaguard.sg_filler_ending(trigger oid)
 *
 * Returns the plan of plan_filler_ending(), or an empty text, and its statement
 */
static Datum
sg_filler_ending_entered(PG_FUNCTION_ARGS)
{
	const char *plan;
	char	   *ending = plan_filler_ending(PG_GETARG_OID(0), &plan);

	if (ending == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(sg_text_array(list_make2(unconstify(char *, plan ? plan : ""), ending)));
}

bool
plan_filler_is_owners(const PlanStep *step, Oid child)
{
	char	   *source;
	Oid			owner;

	return OidIsValid(find_function(step, &source, &owner)) && owner == code_table_owner(child);
}

/* Returns whether a trigger fires for writes to a table, with `always` also for a subscription's */
static bool
fires_on(const char *name, Oid table, Oid function, bool always)
{
	Oid			oid = get_trigger_oid(table, name, true);
	HeapTuple	tuple = OidIsValid(oid) ? find_trigger(oid) : NULL;
	Form_pg_trigger trigger = tuple ? (Form_pg_trigger) GETSTRUCT(tuple) : NULL;

	return trigger && trigger->tgfoid == function &&
		((trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN && !always) || trigger->tgenabled == TRIGGER_FIRES_ALWAYS);
}

static bool
fires(const PlanStep *step, Oid child, Oid function, bool always)
{
	foreach_oid(table, sg_all_inheritors(child))
	{
		char		relkind = get_rel_relkind(table);

		if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
			continue;
		if (!fires_on(plan_filler_name(step), table, function, always) ||
			(step->carries && !fires_on(carrier_name(step), table, function, always)))
			return false;
	}
	return true;
}

bool
plan_filler_fires_always(const PlanStep *step, Oid child)
{
	char	   *source;
	Oid			owner;
	Oid			function = find_function(step, &source, &owner);

	return OidIsValid(function) && fires(step, child, function, true);
}

bool
plan_filler_is_current(const PlanStep *step, Oid child)
{
	char	   *source;
	Oid			owner;
	Oid			function = find_function(step, &source, &owner);

	return OidIsValid(function) && owner == code_table_owner(child) && strcmp(source, plan_backfill_body(step)) == 0 &&
		fires(step, child, function, false);
}

/*
 * Returns a step that drops or renames a column of the table that option
 * backfill reads, and that has done so, or has yet to; or NULL
 */
static PlanStep *
source_moved_by(const PlanStep *step, bool done)
{
	Oid			table = step->backfill ? sg_find_qualified(step->child_table) : InvalidOid;

	foreach_ptr(PlanStep, drop, step->backfill ? plan_steps_moving(step->plan, step->child_table) : NIL)
	{
		if (plan_changed_object(drop) != CHANGED_COLUMN || !plan_has_word(step->backfill, drop->fk_name) || drop->skipped_by)
			continue;

		/*
		 * after a rollback, the step may be validated although the column is
		 * back
		 */
		if (done ? drop->state == STEP_VALIDATED :
			drop->state != STEP_VALIDATED || (OidIsValid(table) && get_attnum(table, drop->fk_name) > 0))
			return drop;
	}
	return NULL;
}

/*
 * Returns the step whose source column is yet to be dropped, so that others may
 * write that column alone
 */
PlanStep *
plan_filler_ends_with(const PlanStep *step)
{
	return source_moved_by(step, false);
}

bool
plan_filler_left_rows(const PlanStep *step)
{
	return step->kind == STEP_FOREIGN_KEY && step->backfill && step->state == STEP_ADDED && !step->fills && !plan_step_is_done(step);
}

char *
plan_filler_ended_text(const PlanStep *step, const PlanStep *drop, char **hint)
{
	*hint = drop->discard ? psprintf("No rollback brings that back. Fill the rows by hand, then say so:\n%s", plan_skip_call(step, "filled by hand")) :
		psprintf(sg_calls("Take that back, and apply the plan again:\nCALL sg_rollback_fks(%s, steps => '{%d}');"),
				 quote_literal_cstr(drop->plan), drop->step);
	return psprintf("rows are left to be filled, and step %d, %s, has taken what its fill reads", drop->step, plan_step_object(drop));
}

char *
plan_filler_left_text(const PlanStep *step, char **hint)
{
	PlanStep   *drop = plan_filler_left_rows(step) ? source_moved_by(step, true) : NULL;

	return drop ? plan_filler_ended_text(step, drop, hint) : NULL;
}

/* ---- statements, to be run by hand ---- */

/*
 * Returns CREATE TRIGGER, once or twice.  For empty columns, a WHEN clause
 * tests for NULL, which is faster than a call of the function; a second
 * trigger, if updates are carried over, tests for changes of the source
 * columns.  That of a key is always true, which the planner sees: it makes the
 * trigger depend on the columns that it fills, so that nothing drops them.
 */
static List *
trigger_statements(const PlanStep *step, const char *table)
{
	bool		looks = step->kind == STEP_COLUMN || step->kind == STEP_NOT_NULL;
	const char *column = quote_identifier(linitial(step->child_columns));
	List	   *list;

	list = list_make1(psprintf("CREATE OR REPLACE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s%s) EXECUTE FUNCTION %s()",
							   quote_identifier(plan_filler_name(step)), table, looks ? "" : "true OR ",
							   plan_backfill_each(step, " OR ", "NEW.%c IS NULL"), function_name(step)));
	if (step->carries)
		list = lappend(list, psprintf("CREATE OR REPLACE TRIGGER %s BEFORE UPDATE ON %s FOR EACH ROW WHEN (NOT (NEW.%s IS NULL) AND %s) EXECUTE FUNCTION %s()",
									  quote_identifier(carrier_name(step)), table, column, plan_backfill_change(step), function_name(step)));
	return list;
}

static char *
drop_trigger_statement(const char *name, const char *table)
{
	return psprintf("DROP TRIGGER %s ON %s", quote_identifier(name), table);
}

/* Returns DROP TRIGGER for the ones of the two that a table has, or would have */
static List *
drop_trigger_statements(const PlanStep *step, Oid table)
{
	bool		carries = OidIsValid(get_trigger_oid(table, carrier_name(step), true));
	List	   *list = carries ? list_make1(drop_trigger_statement(carrier_name(step), sg_relation_name(table))) : NIL;

	if (carries && !OidIsValid(get_trigger_oid(table, plan_filler_name(step), true)))
		return list;
	return lappend(list, drop_trigger_statement(plan_filler_name(step), sg_relation_name(table)));
}

List *
plan_filler_arm_statements(const PlanStep *step)
{
	Oid			child = sg_find_qualified(step->child_table);
	char	   *name = function_name(step);
	List	   *list;

	list = list_make1(psprintf("CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql"
							   " SECURITY DEFINER SET search_path = " FILLER_PATH " AS %s",
							   name, quote_literal_cstr(plan_backfill_body(step))));
	if (OidIsValid(child))
		list = lappend(list, psprintf("ALTER FUNCTION %s() OWNER TO %s", name,
									  quote_identifier(GetUserNameFromId(code_table_owner(child), false))));
	list = lappend(list, psprintf("REVOKE ALL ON FUNCTION %s() FROM PUBLIC", name));
	if (!OidIsValid(child))
		return list_concat(list, trigger_statements(step, step->child_table));
	foreach_oid(table, tables_to_arm(child))
	{
		list = list_concat(list, trigger_statements(step, sg_relation_name(table)));
	}
	return list;
}

List *
plan_filler_disarm_statements(const PlanStep *step)
{
	Oid			child = sg_find_qualified(step->child_table);
	List	   *tables = plan_filler_tables(step);
	List	   *list = NIL;

	if (tables == NIL && OidIsValid(child))
		tables = tables_to_arm(child);
	foreach_oid(table, tables)
	{
		list = list_concat(list, drop_trigger_statements(step, table));
	}
	if (tables == NIL)
		list = list_make1(drop_trigger_statement(plan_filler_name(step), step->child_table));
	return lappend(list, psprintf("DROP FUNCTION %s()", function_name(step)));
}

/* ---- made and dropped ---- */

static void
run_utilities(List *statements)
{
	SPI_connect();
	foreach_ptr(const char, sql, statements)
	{
		int			rc = sg_origin_execute(sql);

		if (rc != SPI_OK_UTILITY)
			elog(ERROR, "SPI returned %s for: %s", SPI_result_code_string(rc), sql);
	}
	SPI_finish();
}

/* Revokes EXECUTE from PUBLIC, because only the owner may have triggers that call it */
static void
revoke_from_public(const PlanStep *step, Oid owner)
{
	GrantStmt  *stmt = makeNode(GrantStmt);
	ObjectWithArgs *function = makeNode(ObjectWithArgs);
	RoleSpec   *public = makeNode(RoleSpec);
	SgScope		scope;

	function->objname = list_make2(makeString("schemaguard"), makeString(plan_filler_name(step)));
	public->roletype = ROLESPEC_PUBLIC;
	public->location = -1;
	stmt->is_grant = false;
	stmt->targtype = ACL_TARGET_OBJECT;
	stmt->objtype = OBJECT_FUNCTION;
	stmt->objects = list_make1(function);
	stmt->grantees = list_make1(public);
	stmt->behavior = DROP_RESTRICT;

	sg_role_begin(&scope, owner);
	ExecuteGrantStmt(stmt);
	sg_scope_end(&scope);
}

static Datum
pinned_path(void)
{
	return PointerGetDatum(GUCArrayAdd(NULL, "search_path", FILLER_PATH));
}

/*
 * Creates the function without CREATE FUNCTION, which needs privileges on
 * schema schemaguard, and without ALTER FUNCTION, before which it would belong
 * to the deploying role for a moment.
 */
static void
make_function(const PlanStep *step, Oid owner)
{
	HeapTuple	tuple = SearchSysCache1(LANGNAME, CStringGetDatum("plpgsql"));
	Form_pg_language language;
	Oid			oid;
	Oid			validator;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("language plpgsql is not installed"),
				 errhint("CREATE EXTENSION plpgsql;")));
	language = (Form_pg_language) GETSTRUCT(tuple);
	oid = language->oid;
	validator = language->lanvalidator;
	ReleaseSysCache(tuple);

	(void) ProcedureCreate(plan_filler_name(step), sg_schema_oid(), true, false, TRIGGEROID, owner,
						   oid, validator, plan_backfill_body(step), NULL, NULL, PROKIND_FUNCTION,
						   true, false, false, PROVOLATILE_VOLATILE, PROPARALLEL_UNSAFE,
						   buildoidvector(NULL, 0), PointerGetDatum(NULL), PointerGetDatum(NULL),
						   PointerGetDatum(NULL), NIL, SG_NO_TRANSFORMS, pinned_path(), InvalidOid,
						   100, 0);
	CommandCounterIncrement();
	revoke_from_public(step, owner);
	CommandCounterIncrement();
}

static void
drop_function(Oid oid)
{
	ObjectAddress address;

	ObjectAddressSet(address, ProcedureRelationId, oid);
	performDeletion(&address, DROP_RESTRICT, 0);
}

void
plan_filler_disarm(const PlanStep *step)
{
	char	   *source;
	Oid			owner;
	Oid			oid;

	foreach_oid(table, plan_filler_tables(step))
	{
		run_utilities(drop_trigger_statements(step, table));
	}
	CommandCounterIncrement();
	oid = find_function(step, &source, &owner);
	if (OidIsValid(oid))
		drop_function(oid);
	plan_step_set_fills(step, false);
}

/* Raises 55000 if a function of the step's name fills another table: see plan_filler_tables() */
static void
check_is_own(const PlanStep *step)
{
	char	   *source;
	List	   *others = plan_filler_tables(step) ? NIL : triggered_tables(step, &source);

	if (others != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("function %s, which would fill %s, fills %s for another plan of that name, which is not here any more",
						function_name(step), step->child_table, sg_relation_name(linitial_oid(others))),
				 errhint("If nobody needs that, drop it with its triggers:\nDROP FUNCTION %s() CASCADE;", function_name(step))));
}

void
plan_filler_arm(const PlanStep *step, Oid child)
{
	check_is_own(step);
	if (!plan_filler_is_owners(step, child))
		plan_filler_disarm(step);
	make_function(step, code_table_owner(child));
	foreach_oid(table, tables_to_arm(child))
	{
		run_utilities(trigger_statements(step, sg_relation_name(table)));
	}
	plan_step_set_fills(step, true);
}

/* For sg_try */
static void
sweep_function(void *arg)
{
	drop_function(*(Oid *) arg);
}

void
plan_filler_sweep(void)
{
	static const char *query =
		"SELECT p.oid::bigint AS oid FROM pg_proc p"
		" WHERE p.pronamespace = 'schemaguard'::regnamespace AND starts_with(p.proname::text, $1)"
		"   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)";
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(FILLER_PREFIX)};
	SgScope		scope;
	uint64		n;

	sg_owner_begin(&scope);
	sg_scope_bound_waits();
	SPI_connect();
	n = sg_owner_execute(SPI_OK_SELECT, query, 1, types, values, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		Oid			oid = (Oid) sg_spi_int64(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, "oid");
		ErrorData  *error = sg_try(sweep_function, &oid);

		/*
		 * anybody can have a view that depends on it, and its owner a lock:
		 * sg_status() reports what is left
		 */
		if (error)
			sg_rethrow_cancel(error);
	}
	SPI_finish();
	sg_scope_end(&scope);
}

/* ---- a plan goes ---- */

/* Drops a filler within sg_try(), with the usual bound on the wait for its lock */
static void
remove_filler(void *arg)
{
	const PlanStep *step = arg;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_bound_waits();
	plan_filler_disarm(step);
	sg_scope_end(&scope);
}

static void
drop_one(const FkPlan *plan, PlanStep *step, Oid table)
{
	ErrorData  *error = NULL;
	bool		in_block = IsTransactionBlock();
	SgOrigin	origin;

	/* in a transaction block the lock would last until the user ends it */
	if (!in_block)
	{
		sg_origin_begin(&origin, plan->name);
		error = sg_try(remove_filler, step);
		sg_origin_end(&origin);
	}
	if (error)
		sg_rethrow_cancel(error);
	if (error || in_block)
		ereport(ERROR,
				(errcode(error ? error->sqlerrcode : ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("step %d of plan \"%s\" is filling columns of %s", step->step, plan->name,
						step->child_table),
				 errdetail("The trigger %s, which does so, was not dropped: %s.",
						   quote_identifier(plan_filler_name(step)), error ? sg_error_message(error) :
						   "in a transaction block its lock would last until the end"),
				 !error ? errhint("Try again outside of a transaction block.") :
				 error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ?
				 errhint("Find out who has locked the table, and try again:\n" SG_LOCKED_BY, quote_literal_cstr(sg_relation_name(table))) : 0));
	plan_log(plan, step->step, "drop trigger", plan_step_object(step), NULL);
	ereport(NOTICE,
			(errmsg("trigger of step %d dropped: rows are not filled any more",
					step->step)));
}

/* Raises 42501 if the caller can't drop the triggers of a step */
static void
check_may_drop(const FkPlan *plan, const PlanStep *step, List *tables)
{
	foreach_oid(table, tables)
	{
		if (!sg_owns_relation(table, GetUserId()))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("step %d of plan \"%s\" is filling columns of %s, which role %s does not own",
							step->step, plan->name, sg_relation_name(table), GetUserNameFromId(GetUserId(), false)),
					 errhint("Have its owner run:\n%s;", (char *) llast(drop_trigger_statements(step, table)))));
	}
}

/* Drops the triggers of all steps, or those that have outlived their purpose */
static int
drop_fillers(const FkPlan *plan, bool of_done)
{
	int			dropped = 0;

	foreach_ptr(PlanStep, step, plan_steps(plan->name))
	{
		List	   *tables = plan_filler_tables(step);

		if ((tables == NIL && !step->fills) ||
			(of_done && !is_released(step)))
			continue;
		check_may_drop(plan, step, tables);
		if (tables == NIL)
			plan_step_set_fills(step, false);
		else
			drop_one(plan, step, linitial_oid(tables));
		if (of_done)
			plan_step_set_state(plan->name, step->step, STEP_AS_IT_IS, NULL, 0);
		dropped++;
	}
	plan_filler_sweep();
	return dropped;
}

int
plan_filler_release(const FkPlan *plan)
{
	return drop_fillers(plan, true);
}

void
plan_filler_drop_all(const FkPlan *plan)
{
	(void) drop_fillers(plan, false);
}
