/*-------------------------------------------------------------------------
 *
 * fix_since.c
 *	  Changes of a table while rows or values of it were away.
 *
 *	  A value is kept as text.  After ALTER COLUMN ... TYPE ... USING the type
 *	  would still read that text, with another meaning: 300 cents become 300
 *	  euros.  A value therefore goes back only if its column was not rewritten
 *	  by such a statement, or only by a plan's own statement without USING.  A
 *	  change of the type's name shows in any database.  A change that keeps
 *	  the type shows in the database where the value was taken: it leaves
 *	  another transaction in the column's row of pg_attribute, and another
 *	  file.  Both together have other causes, too: a plan's own statements
 *	  explain the former.
 *
 *	  A row whose partition was detached would go into the default partition,
 *	  and keep its own partition from being attached again.  A row that was
 *	  away while a column was filled has no value there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change_literal.h"
#include "fix/fix.h"
#include "plan/plan_deed.h"
#include "plan/plan_store.h"

/* Statements of plans that have changed a column since its value was taken */
typedef struct History
{
	bool		known;			/* the history was looked up */
	bool		uses;			/* a statement with USING */
	bool		converts;		/* a statement without USING */
	bool		other;			/* a statement that leaves values alone, or
								 * was taken back */
} History;

static const History *
look_up(History *history, Oid table, TimestampTz at, const char *then, const char *now)
{
	SgScope		scope;

	if (history->known)
		return history;
	history->known = true;
	sg_caller_begin(&scope);
	foreach_ptr(const DeedSince, since, plan_deed_since(table, at))
	{
		ChangeRetype retype = since->is_statement ? change_retype(since->statement, table, then, now) : RETYPE_OTHER;

		history->uses |= since->open && retype == RETYPE_USING;
		history->converts |= since->open && retype == RETYPE_CONVERTED;
		history->other |= retype == RETYPE_OTHER || (retype != RETYPE_NONE && !since->open);
	}
	sg_scope_end(&scope);
	return history;
}

/* Returns whether both marks are of the same definition of the column */
static bool
is_same_state(const char *a, const char *b)
{
	size_t		length = strcspn(a, DEED_ATTRIBUTES);

	return strncmp(a, b, length) == 0 && strcspn(b, DEED_ATTRIBUTES) == length;
}

/*
 * Raises 42804 if a value would be read with other attributes of the column
 * than it was written with; a mark older than the record of attributes passes
 */
static void
check_attributes(Oid table, const char *was, const char *is, const char *column)
{
	const char *then = strstr(was, DEED_ATTRIBUTES);
	const char *now = strstr(is, DEED_ATTRIBUTES);

	if (then && now && strcmp(plan_deed_type_in(was), plan_deed_type_in(is)) == 0 && strcmp(then, now) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type %s of column %s of table %s has other attributes than when a value was taken away: %s then, %s now",
						plan_deed_type_in(is), quote_identifier(column), sg_relation_name(table), then + 1, now + 1)));
}

/* Checks one column; `anew`: the column was recreated under its name */
static void
check_column(Oid table, const DeedOrigin *origin, const char *was, TimestampTz at, const char *then, const char *now, bool anew)
{
	const char *is = plan_deed_column_state(table, now);
	Oid			file = origin->here ? plan_deed_file(origin->leaf) : InvalidOid;
	History		history = {0};

	check_attributes(table, was, is, now);
	/* passes if no definition has changed, or no row was rewritten */
	if (origin->here && (is_same_state(was, is) || (OidIsValid(file) && file == origin->file)))
		return;
	look_up(&history, table, at, then, now);
	if (history.converts && !history.uses)
		return;
	if (strcmp(plan_deed_type_in(was), plan_deed_type_in(is)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %s of table %s had type %s when its value was taken away, and has type %s now",
						quote_identifier(now), sg_relation_name(table), plan_deed_type_in(was), plan_deed_type_in(is))));
	if (!anew && (history.uses || (OidIsValid(file) && !history.other)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg(history.uses ? "column %s of table %s was rewritten by ALTER COLUMN ... TYPE since its value was taken away" :
						"column %s of table %s, or another one, may have been rewritten by ALTER COLUMN ... TYPE since its value was taken away",
						quote_identifier(now), sg_relation_name(table))));
}

void
fix_check_retyped(Oid table, const char *identity, TimestampTz at, List *then, List *now)
{
	DeedOrigin	origin;
	ListCell   *name;
	ListCell   *state;
	ListCell   *old;
	List	   *names;
	Oid			unused;
	bool		numbers;

	if (!plan_deed_read_origin(identity, &origin))
		return;
	numbers = plan_deed_read_columns(identity, &unused, &names);
	forthree(name, now, state, origin.states, old, then)
	{
		bool		anew = numbers && names && list_nth(names, foreach_current_index(name)) == NULL;

		check_column(table, &origin, lfirst(state), at, lfirst(old), lfirst(name), anew);
	}
}

Oid
fix_detached_from(Oid table, const char *identity)
{
	DeedOrigin	origin;
	char		relkind;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE || !plan_deed_read_origin(identity, &origin) ||
		!origin.here || origin.leaf == table)
		return InvalidOid;
	relkind = get_rel_relkind(origin.leaf);
	if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
		sg_is_within(origin.leaf, table))
		return InvalidOid;
	return origin.leaf;
}

void
fix_leave_unfilled(Oid table, List *columns)
{
	foreach_ptr(const PlanStep, step, plan_deed_fills(table))
	{
		if (!sg_has_names(columns, step->child_columns))
			plan_step_set_state(step->plan, step->step, STEP_ADDED,
								"rows have come back from quarantine that were not filled", 0);
	}
}

int64
fix_rows_with_column(Oid table, const char *column)
{
	StoreArgs	args = {0};

	store_arg_text(&args, psprintf("%s {", plan_deed_mark(table)));
	store_arg_text(&args, psprintf("%d", get_attnum(table, column)));
	return pg_strtoint64(linitial(store_query("SELECT count(*)::text FROM schemaguard.quarantine WHERE starts_with(identity, $1)"
											  " AND $2 = ANY (string_to_array(split_part(substr(identity, length($1) + 1), '}', 1), ','))", &args, store_read_text)));
}
