/*-------------------------------------------------------------------------
 *
 * fix_restore_hint.c
 *	  Hints about rows that are left in quarantine: what lets them go back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/calls.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "fix/fix.h"
#include "fix/fix_restore.h"
#include "plan/plan_call.h"
#include "plan/plan_deed.h"
#include "plan/plan_key.h"
#include "plan/plan_store.h"
#include "run/run.h"

#define MOST_KEYS 5				/* keys of a hint, after which no further
								 * table's are named */
#define MOST_TABLES 5			/* tables of gone owners in a hint */

/*
 * Returns the keys that have refused rows, and the keys of their tables that
 * are not valid, because a row that breaks several is refused by one at a time.
 */
static List *
refusing_keys(const PlanRun *run)
{
	List	   *conids = list_copy(run->refusing);
	List	   *keys = NIL;

	foreach_oid(conid, conids)
	{
		FkKey	   *key = fk_by_oid(conid);

		if (key == NULL)
			continue;
		keys = lappend(keys, key);
		foreach_ptr(const FkKey, other, fk_declared(key->child))
		{
			if (other->enforced && !other->validated)
				conids = list_append_unique_oid(conids, other->conid);
		}
	}
	return keys;
}

static bool
has_key(const List *keys, Oid conid)
{
	foreach_ptr(const FkKey, key, keys)
	{
		if (key->conid == conid)
			return true;
	}
	return false;
}

/*
 * Returns the statement that adds a key again, NOT VALID: before 18 to each
 * partition, because a partitioned table can't have such a key
 */
static char *
add_again(const FkKey *key, const char *definition)
{
	const char *table = sg_relation_name(key->child);
	char	   *added = psprintf(" ADD CONSTRAINT %s %s%s", quote_identifier(key->name), definition, key->validated ? " NOT VALID" : "");
	char	   *body;

	if (SG_PARTITIONED_NOT_VALID || get_rel_relkind(key->child) != RELKIND_PARTITIONED_TABLE)
		return psprintf("ALTER TABLE %s%s;", table, added);
	body = psprintf("DECLARE t regclass; BEGIN FOR t IN SELECT relid FROM pg_partition_tree(%s) WHERE isleaf LOOP EXECUTE 'ALTER TABLE ' || t || %s; END LOOP; END",
					quote_literal_cstr(table), quote_literal_cstr(added));
	return psprintf("DO %s;", strchr(body, '$') ? quote_literal_cstr(body) : psprintf("$$%s$$", body));
}

/*
 * Returns the keys of the first tables in the list, each with all of its keys,
 * because its rows could not go back otherwise, until they are as many as a
 * hint can have
 */
static List *
first_keys(const List *keys)
{
	List	   *first = NIL;

	foreach_ptr(const FkKey, key, keys)
	{
		if (list_length(first) >= MOST_KEYS)
			break;
		if (has_key(first, key->conid))
			continue;
		foreach_ptr(FkKey, other, keys)
		{
			if (other->child == key->child)
				first = lappend(first, other);
		}
	}
	return first;
}

/*
 * Returns the statements that restore rows although keys outside of the plan
 * refuse them: the keys come back NOT VALID.  If there are more keys than a
 * hint can have, or their tables have further ones, which could refuse rows as
 * well, a last call has the hint about all that are left.
 */
static char *
below_keys(const PlanRun *run, const List *all)
{
	char	   *call = run_call_text(run, "sg_restore_quarantine");
	List	   *keys = first_keys(all);
	int			more = list_length(all) - list_length(keys);
	bool		others = more > 0;
	StringInfoData hint;
	SgScope		scope;

	initStringInfo(&hint);
	if (more > 0)
		appendStringInfo(&hint, "%d keys that the plan has not added keep them out: column reason of schemaguard.quarantine has them. "
						 "To have back the rows of the first %d, and these keys NOT VALID, with the hint about the others:\n",
						 list_length(all), list_length(keys));
	else if (list_length(keys) == 1)
		appendStringInfo(&hint, "Key %s, which the plan has not added, keeps them out. To have them back, and the key NOT VALID:\n",
						 quote_identifier(((FkKey *) linitial(keys))->name));
	else
		appendStringInfoString(&hint, "Keys that the plan has not added keep them out. To have them back, and these keys NOT VALID:\n");
	foreach_ptr(const FkKey, key, keys)
		appendStringInfo(&hint, "%s;\n", plan_drop_statement(sg_relation_name(key->child), key->name));
	appendStringInfoString(&hint, call);
	foreach_ptr(const FkKey, key, keys)
	{
		Datum		definition;
		bool		found;

		sg_caller_begin(&scope);
		found = sg_ask(pg_get_constraintdef, key->conid, &definition);
		sg_scope_end(&scope);
		if (found)
			appendStringInfo(&hint, "\n%s", add_again(key, TextDatumGetCString(definition)));
		foreach_ptr(const FkKey, other, fk_declared(key->child))
			others |= other->enforced && !has_key(keys, other->conid);
	}
	if (others)
		appendStringInfo(&hint, "\n%s", call);
	return hint.data;
}

/*
 * Returns the call that restores rows past all keys and triggers, for roles
 * that may; NULL if a table of these rows has a valid key, which would no
 * longer hold
 */
static char *
past_keys(const PlanRun *run, const List *keys)
{
	PlanRun		next = *run;

	foreach_ptr(const FkKey, key, keys)
	{
		foreach_ptr(const FkKey, other, fk_declared(key->child))
		{
			if (other->validated)
				return NULL;
		}
	}
	if (pg_parameter_aclcheck("session_replication_role", GetUserId(), ACL_SET) != ACLCHECK_OK)
		return NULL;
	next.past_keys = true;
	return psprintf("The rows that they refer to were missing before, or are gone since. To restore them anyway, past all keys and triggers:\n%s",
					run_call_text(&next, "sg_restore_quarantine"));
}

/* Reads a row of fix_kept_tables()'s query */
static void *
read_visible(HeapTuple row, TupleDesc desc)
{
	FixKept    *kept = palloc0(sizeof(FixKept));

	kept->table = sg_spi_text(row, desc, "row_table");
	kept->owner = sg_spi_text(row, desc, "table_owner");
	kept->identity = sg_spi_text(row, desc, "identity");
	kept->columns = sg_spi_text_array(row, desc, "columns");
	kept->readers = sg_spi_text_array(row, desc, "readers");
	return kept;
}

List *
fix_kept_tables(const PlanRun *run)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8OID, Int64GetDatum(fix_kept_by(run)), false);
	store_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	return store_query("SELECT DISTINCT ON (row_table, identity) row_table, table_owner, identity, columns, readers FROM schemaguard.quarantine"
					   " WHERE plan_id = $1 AND readers && (SELECT schemaguard.sg_roles_of($2)) ORDER BY row_table, identity, id DESC", &args, read_visible);
}

/* Returns how to restore rows whose partition is an independent table now; NULL if there are none */
static char *
to_partitions(const PlanRun *run)
{
	foreach_ptr(const FixKept, kept, fix_kept_tables(run))
	{
		Oid			relid = fix_table_of_rows(run, kept->table, kept->identity);
		Oid			leaf = OidIsValid(relid) ? fix_detached_from(relid, kept->identity) : InvalidOid;

		if (OidIsValid(leaf))
			return psprintf("Rows wait for their partition: attach %s to %s again, or drop it if its rows are to go elsewhere. Then:\n%s",
							sg_relation_name(leaf), sg_relation_name(relid), run_call_text(run, "sg_restore_quarantine"));
	}
	return NULL;
}

/* Returns how to restore rows of tables (FixKept *) whose former owners' roles are gone: they go back into tables of these only */
static char *
to_gone_owners(const PlanRun *run, const List *gone)
{
	StringInfoData before;
	StringInfoData between;
	StringInfoData after;
	List	   *roles = NIL;

	initStringInfo(&before);
	initStringInfo(&between);
	initStringInfo(&after);
	foreach_ptr(const FixKept, kept, gone)
	{
		const char *table = sg_relation_name(kept->relid);
		char	   *was = pstrdup(quote_identifier(kept->owner));

		if (!sg_has_name(roles, was))
		{
			appendStringInfo(&before, "CREATE ROLE %s;\n", was);
			roles = lappend(roles, was);
		}
		appendStringInfo(&between, "ALTER TABLE %s OWNER TO %s;\n", table, was);
		appendStringInfo(&after, "ALTER TABLE %s OWNER TO %s;\n", table, quote_identifier(GetUserNameFromId(code_table_owner(kept->relid), false)));
	}
	foreach_ptr(const char, role, roles)
	{
		appendStringInfo(&after, "DROP ROLE %s;\n", role);
	}
	return psprintf("Rows go back into a table if it belongs to the role that it had belonged to, which is gone. To make that so for a moment:\n"
					"%s%s%s\n%s%s", before.data, between.data, run_call_text(run, "sg_restore_quarantine"), after.data,
					run_call_text(run, run->procedure));
}

/*
 * Returns how to restore rows whose table has another owner, as after a restore
 * without owners; NULL if there are none.  The hint does not give an existing
 * role the table, not even for a moment, because what that role leaves there
 * would run as others.  If the plan ran in this very database, somebody has
 * given the table away, or it is another one of its name.
 */
static char *
to_new_owners(const PlanRun *run)
{
	char	   *hint = NULL;
	List	   *gone = NIL;
	List	   *relids = NIL;

	foreach_ptr(FixKept, kept, fix_kept_tables(run))
	{
		Oid			relid = fix_table_of_rows(run, kept->table, kept->identity);
		Oid			owner = OidIsValid(relid) ? code_table_owner(relid) : InvalidOid;

		if (!OidIsValid(owner) || strcmp(GetUserNameFromId(owner, false), kept->owner) == 0)
			continue;
		if (!plan_deed_is_elsewhere(fix_kept_by(run), kept->table))
		{
			kept->relid = relid;
			if (superuser() && !OidIsValid(get_role_oid(kept->owner, true)) && !list_member_oid(relids, relid) && list_length(gone) < MOST_TABLES &&
				!sg_has_name(kept->readers, psprintf("%s %u", kept->owner, owner)))
			{
				gone = lappend(gone, kept);
				relids = lappend_oid(relids, relid);
			}
			continue;
		}
		if (fix_takes_over(true, owner))
			continue;
		if (superuser_arg(owner))
			return psprintf("After a restore without owners, rows go back into a superuser's table by a superuser's call:\n%s",
							run_call_text(run, run->procedure));
		hint = psprintf("Rows go back into table %s if it belongs to role %s, or to a superuser and a superuser makes the call.",
						sg_relation_name(relid), quote_identifier(kept->owner));
	}
	return gone ? to_gone_owners(run, gone) : hint;
}

/* Returns the call that restores rows whose columns have another type now, and what to do afterwards */
static char *
as_they_were(const PlanRun *run)
{
	PlanRun		next = *run;

	next.retyped = true;
	return psprintf("Their values are those of before ALTER COLUMN ... TYPE. Take that back first, or convert them by an UPDATE of these rows alone after:\n%s",
					run_call_text(&next, "sg_restore_quarantine"));
}

/* Returns how to forget rows that are in a restored table already, or have them there twice */
static char *
there_already(const PlanRun *run)
{
	PlanRun		next = *run;

	next.past_keys = true;
	return psprintf("A row that the dump has brought back does not go back a second time. To have schemaguard forget it:\n"
					"DELETE FROM schemaguard.quarantine WHERE plan_id = " INT64_FORMAT " AND starts_with(reason, '" RESTORED_ALREADY "');\n"
					"To have it twice:\n%s", fix_kept_by(run), run_call_text(&next, "sg_restore_quarantine"));
}

/*
 * Returns how to restore rows with values in columns that are dropped, or
 * recreated; NULL if there are none
 */
static char *
into_columns(const PlanRun *run)
{
	char	   *call = run_call_text(run, "sg_restore_quarantine");
	bool		anew = false;
	StringInfoData added;

	initStringInfo(&added);
	foreach_ptr(FixKept, kept, fix_kept_tables(run))
	{
		List	   *names;
		ListCell   *name;
		ListCell   *then;
		ListCell   *state;
		Oid			table;
		DeedOrigin	origin;

		kept->relid = fix_table_of_rows(run, kept->table, kept->identity);
		if (!OidIsValid(kept->relid) || !plan_deed_read_columns(kept->identity, &table, &names) || table != kept->relid || !plan_deed_read_origin(kept->identity, &origin))
			continue;
		forthree(name, names, then, kept->columns, state, origin.states)
		{
			bool		there = get_attnum(kept->relid, lfirst(then)) > 0;
			char	   *line;

			anew |= lfirst(name) == NULL && there && run->urgent;
			if (lfirst(name) || there)
				continue;
			line = psprintf("ALTER TABLE %s ADD COLUMN %s %s;\n", sg_relation_name(kept->relid), quote_identifier(lfirst(then)),
							plan_deed_type_in(lfirst(state)));
			if (strstr(added.data, line) == NULL)
				appendStringInfoString(&added, line);
		}
	}
	if (added.len > 0)
		return psprintf("They have values in columns that are gone. To put them back, with these columns, which can be dropped again then:\n%s%s",
						added.data, call);
	return anew ? psprintf("One of their columns was recreated. To put their values into it:\n%s", call) : NULL;
}

/* Reads a row of steps_that_keep()'s query */
static void *
read_step(HeapTuple row, TupleDesc desc)
{
	int		   *step = palloc(sizeof(int));

	*step = (int) sg_spi_int64(row, desc, "step");
	return step;
}

/* Returns the numbers of the steps with rows in quarantine */
static List *
steps_that_keep(const PlanRun *run)
{
	StoreArgs	args = {0};
	List	   *steps = NIL;

	store_arg_datum(&args, INT8OID, Int64GetDatum(run->plan->id), false);
	foreach_ptr(const int, step, store_query("SELECT DISTINCT step::bigint AS step FROM schemaguard.quarantine WHERE plan_id = $1", &args, read_step))
		steps = lappend_int(steps, *step);
	return steps;
}

char *
fix_restore_hint(const PlanRun *run)
{
	FkKey	   *existing = NULL;
	List	   *keys;
	List	   *added = NIL;
	List	   *keeping = run->kept_by ? NIL : steps_that_keep(run);
	StringInfoData drops;		/* of the plan's keys on restored tables */
	bool		own = false;
	char	   *hint = NULL;

	initStringInfo(&drops);
	PushActiveSnapshot(GetTransactionSnapshot());
	keys = refusing_keys(run);
	foreach_ptr(const PlanDeed, deed, run->kept_by ? NIL : plan_deeds(run->plan, DEED_BIT(DEED_ADD)))
	{
		added = lappend_int(added, deed->step);
		if (plan_deed_follow(deed) == DEED_TABLE_GONE)
			appendStringInfo(&drops, "ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s;\n%s\n", deed->what->child_table, quote_identifier(deed->what->fk_name),
							 plan_skip_call(plan_step_get(run->plan->name, deed->step, false), "its table was restored"));
	}
	foreach_ptr(PlanStep, step, run->kept_by ? NIL : plan_key_steps(run->plan->name))
	{
		bool		adds = list_member_int(added, step->step);
		bool		keeps = list_member_int(keeping, step->step);
		StepView	view;

		if (!keeps && !(adds && keys))
			continue;
		deploy_look(step, &view);
		if (view.existing && adds)
			own |= keeps || list_member_oid(run->refusing, view.existing->conid);
		else if (view.existing && existing == NULL)
			existing = view.existing;
	}
	hint = run->by_type ? as_they_were(run) : run->doubled ? there_already(run) : to_partitions(run);
	if (hint == NULL)
		hint = into_columns(run);
	if (hint == NULL && own && drops.len)
		hint = psprintf("The plan's own key keeps them out, on a table that was dropped and restored. If it is the same one, drop the key:\n%s%s", drops.data,
						run_call_text(run, "sg_restore_quarantine"));
	else if (hint == NULL && own)
		hint = psprintf("The plan's own key keeps them out. To take it back, and have them back:\n%s",
						run_call_text(run, "sg_rollback_fks"));
	else if (hint == NULL && list_length(run->refusing) > (existing ? 1 : 0))
		hint = past_keys(run, keys);
	if (hint == NULL && (keys || existing))
		hint = below_keys(run, keys ? keys : list_make1(existing));
	if (hint == NULL)
		hint = to_new_owners(run);
	PopActiveSnapshot();
	return hint;
}
