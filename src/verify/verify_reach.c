/*-------------------------------------------------------------------------
 *
 * verify_reach.c
 *	  Side effects of a statement: tables, triggers, rows that it reaches.
 *
 * A statement that is rolled back leaves nothing in the tables, but what a
 * user's trigger, rule or function has done elsewhere stays done: sequences,
 * other connections, files.  So a statement is tried only where nothing of
 * that kind would run, on its own table or on any that ON DELETE and ON
 * UPDATE lead to.  Statement triggers fire without a row as well, therefore
 * tables are judged by the keys alone, and rows are counted afterwards.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteDefine.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "run/run_name.h"
#include "verify/verify_live.h"
#include "verify/verify_row.h"

/* Maximum length of a chain of cascades; longer ones are not tried */
#define MAX_DEPTH	10

/* Key and event at its parent, which is followed once */
typedef struct Followed
{
	const FkKey *key;
	CmdType		event;
} Followed;

static bool
is_reject(char action)
{
	return action == FKCONSTR_ACTION_NOACTION || action == FKCONSTR_ACTION_RESTRICT;
}

bool
verify_same_tree(Oid a, Oid b)
{
	return a == b || sg_partition_root(a) == sg_partition_root(b);
}

static const char *
event_word(CmdType event)
{
	return event == CMD_INSERT ? "INSERT" : event == CMD_UPDATE ? "UPDATE" : "DELETE";
}

/* Returns a user's trigger that the event would fire, or NULL */
static char *
firing_trigger(Oid relid, CmdType event)
{
	int16		bit = event == CMD_INSERT ? TRIGGER_TYPE_INSERT :
		event == CMD_UPDATE ? TRIGGER_TYPE_UPDATE : TRIGGER_TYPE_DELETE;
	SgCatalog	rows;
	HeapTuple	tuple;
	char	   *name = NULL;

	sg_catalog_begin(&rows, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, relid, NULL);
	while (name == NULL && HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
	{
		Form_pg_trigger trig = (Form_pg_trigger) GETSTRUCT(tuple);

		if (trig->tgtype & bit &&
			(trig->tgenabled == TRIGGER_FIRES_ON_ORIGIN || trig->tgenabled == TRIGGER_FIRES_ALWAYS) &&
			RI_FKey_trigger_type(trig->tgfoid) == RI_TRIGGER_NONE &&
			trig->tgfoid != F_UNIQUE_KEY_RECHECK)
			name = pstrdup(NameStr(trig->tgname));
	}
	sg_catalog_end(&rows);

	return name;
}

static char *
firing_rule(Oid relid, CmdType event)
{
	SgCatalog	rows;
	HeapTuple	tuple;
	char	   *name = NULL;

	sg_catalog_begin(&rows, RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, relid, NULL);
	while (name == NULL && HeapTupleIsValid(tuple = sg_catalog_next(&rows)))
	{
		Form_pg_rewrite rule = (Form_pg_rewrite) GETSTRUCT(tuple);

		if (rule->ev_type - '0' == (int) event && rule->ev_enabled != RULE_DISABLED)
			name = pstrdup(NameStr(rule->rulename));
	}
	sg_catalog_end(&rows);

	return name;
}

/*
 * Returns why a volatile CHECK, for example one that counts its calls, keeps a
 * table from being written, or NULL
 */
static char *
volatile_problem(Oid relid)
{
	Relation	rel = sg_relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		found = false;

	for (int i = 0; desc->constr && i < desc->constr->num_check; i++)
		found |= contain_volatile_functions(stringToNode(desc->constr->check[i].ccbin));
	table_close(rel, AccessShareLock);

	return found ? psprintf("a CHECK constraint of %s calls a volatile function", sg_relation_name(relid)) : NULL;
}

/* Returns why a table or partition must not be written, or NULL */
static char *
member_problem(Oid relid, CmdType event)
{
	char	   *name;

	if (get_rel_relkind(relid) != RELKIND_RELATION && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return psprintf("partition %s is a foreign table", sg_relation_name(relid));
	name = firing_trigger(relid, event);
	if (name)
		return psprintf("trigger %s would fire on %s of %s", quote_identifier(name),
						event_word(event), sg_relation_name(relid));
	name = firing_rule(relid, event);
	if (name)
		return psprintf("rule %s would change what %s of %s does", quote_identifier(name),
						event_word(event), sg_relation_name(relid));
	return event == CMD_DELETE ? NULL : volatile_problem(relid);
}

char *
verify_read_problem(Oid relid, Oid role)
{
	if (pg_class_aclcheck(relid, role, ACL_SELECT) != ACLCHECK_OK)
		return psprintf("role %s has no SELECT on %s", sg_role_name(role),
						sg_relation_name(relid));
	if (check_enable_rls(relid, role, true) == RLS_ENABLED)
		return psprintf("row security of %s would hide rows from role %s", sg_relation_name(relid),
						sg_role_name(role));
	return NULL;
}

/*
 * Returns why a key's trigger must not run, or NULL: it reads or writes one of
 * the key's tables as that table's owner, whoever runs the statement.
 */
static char *
trigger_query_problem(const FkKey *key, Oid relid, CmdType event)
{
	CodeReach  *code = code_reach();
	char	   *refusal;

	fk_code_reach(code, key);
	if (event == CMD_SELECT)
		code_reach_read(code, relid);
	else
		code_reach_write(code, relid, event);
	refusal = code_refusal(code, code_table_owner(relid));
	return refusal ? psprintf("key %s would do it: %s", quote_identifier(key->name), refusal) : NULL;
}

/*
 * Adds the code that writing the table, and comparing by its keys, could run;
 * returns why the table must not be written, or NULL
 */
static char *
reach_written(VerifyReach *reach, Oid relid, CmdType event)
{
	AclMode		right = event == CMD_INSERT ? ACL_INSERT : event == CMD_UPDATE ? ACL_UPDATE : ACL_DELETE;
	char	   *problem = NULL;

	(void) code_tree(relid, pg_class_aclcheck(relid, GetUserId(), right) == ACLCHECK_OK ? code_write_lock(event) : NoLock);
	code_reach_write(reach->code, relid, event);
	if (event == CMD_DELETE)
		return NULL;
	foreach_ptr(const FkKey, key, verify_keys_of(reach->declared, relid))
	{
		fk_code_reach(reach->code, key);
		if (problem == NULL)
			problem = trigger_query_problem(key, key->parent, CMD_SELECT);
	}
	return problem;
}

static char *
table_problem(VerifyReach *reach, Oid relid, CmdType event)
{
	char	   *problem = verify_read_problem(relid, GetUserId());
	char	   *written = reach_written(reach, relid, event);

	if (problem == NULL)
		problem = written;
	foreach_oid(member, sg_with_partitions(relid))
	{
		if (problem == NULL)
			problem = member_problem(member, event);
	}
	return problem;
}

/* Returns the columns of the child that the key's action sets */
static Bitmapset *
columns_set_by(const FkKey *key, CmdType event)
{
	if (event == CMD_DELETE && key->ndelete_set > 0)
		return verify_column_set(key->delete_set, key->ndelete_set);
	return verify_column_set(key->child_att, key->nkeys);
}

/*
 * Returns whether SET DEFAULT would evaluate a volatile default, such as
 * nextval(), which a rollback does not undo
 */
static bool
default_is_volatile(const FkKey *key)
{
	Relation	rel = sg_relation_open(key->child, AccessShareLock);
	bool		found = false;

	for (int i = 0; i < key->nkeys && !found; i++)
		found = contain_volatile_functions(build_column_default(rel, key->child_att[i]));
	table_close(rel, AccessShareLock);
	return found;
}

/* Returns the key's action on an event at its parent; 0: none */
static char
action_for(const FkKey *key, CmdType event, const Bitmapset *columns)
{
	if (!key->enforced)
		return 0;
	if (event == CMD_DELETE)
		return key->on_delete;
	if (event == CMD_UPDATE && bms_overlap(columns, verify_column_set(key->parent_att, key->nkeys)))
		return key->on_update;
	return 0;
}

/* Returns whether the action would set a NOT NULL column to null */
static bool
sets_not_null(const FkKey *key, char action, CmdType event)
{
	Bitmapset  *columns;
	int			i = -1;

	if (action != FKCONSTR_ACTION_SETNULL)
		return false;
	columns = columns_set_by(key, event);
	while ((i = bms_next_member(columns, i)) >= 0)
	{
		FormData_pg_attribute column;

		if (sg_read_column(key->child, i, &column) && column.attnotnull)
			return true;
	}
	return false;
}

/*
 * Returns whether the key refuses the statement on a parent with children.  A
 * NOT NULL column that would be set to null refuses, too, except for the key
 * under test: there the attempt is to show it.
 */
static bool
refuses(const VerifyReach *reach, const FkKey *key, char action, CmdType event)
{
	return is_reject(action) || (key->conid != reach->key->conid && sets_not_null(key, action, event));
}

/* Returns the event of an action on the child: DELETE or UPDATE */
static CmdType
event_of_action(char action, CmdType event)
{
	return event == CMD_DELETE && action == FKCONSTR_ACTION_CASCADE ? CMD_DELETE : CMD_UPDATE;
}

/* Notes another key that leads to the rows by which the key under test is judged */
static void
note_path(VerifyReach *reach, const FkKey *key)
{
	if (key->conid == reach->key->conid || !verify_same_tree(key->child, reach->key->child))
		return;
	if (key->child == reach->key->child && key->parent == reach->relid)
		reach->beside = lappend(reach->beside, (void *) key);
	else
		reach->other_path = true;
}

/*
 * Returns why not to try, or NULL: the action of a key that references another
 * table of the partition tree is not followed
 */
static char *
level_problem(const VerifyReach *reach, Oid relid)
{
	foreach_ptr(FkKey, key, verify_keys_to_tree(reach->declared, relid))
	{
		if (key->enforced && key->parent != relid)
			return psprintf("key %s of %s references another level of the partitioned table %s",
							quote_identifier(key->name), sg_relation_name(key->child),
							sg_relation_name(sg_partition_root(relid)));
	}
	return NULL;
}

static char *
follow(VerifyReach *reach, Oid relid, CmdType event, const Bitmapset *columns, List **followed)
{
	char	   *problem = stack_is_too_deep() ? pstrdup("it cascades over too many keys") :
		table_problem(reach, relid, event);

	if (problem == NULL && event != CMD_INSERT)
		problem = level_problem(reach, relid);
	foreach_ptr(FkKey, key, verify_keys_to(reach->declared, relid))
	{
		char		action = action_for(key, event, columns);
		Followed   *step;
		ListCell   *lc2;
		bool		known = false;

		if (problem)
			return problem;
		if (action == 0)
			continue;
		fk_code_reach(reach->code, key);
		problem = trigger_query_problem(key, key->child, is_reject(action) ? CMD_SELECT : event_of_action(action, event));
		if (problem)
			return problem;
		if (refuses(reach, key, action, event))
		{
			/* the rows of its child decide whether it refuses */
			problem = verify_read_problem(key->child, GetUserId());
			code_reach_read(reach->code, key->child);
			if (relid == reach->relid && event == reach->event && key->conid != reach->key->conid)
				reach->rejecting = list_append_unique_ptr(reach->rejecting, key);
			continue;
		}

		foreach(lc2, *followed)
		{
			step = lfirst(lc2);
			known |= step->key == key && step->event == event;
		}
		if (known)
			continue;
		step = palloc(sizeof(Followed));
		step->key = key;
		step->event = event;
		*followed = lappend(*followed, step);

		note_path(reach, key);
		if (action == FKCONSTR_ACTION_SETDEFAULT && default_is_volatile(key))
			return psprintf("a column default of %s that key %s would set is volatile",
							sg_relation_name(key->child), quote_identifier(key->name));
		problem = follow(reach, key->child, event_of_action(action, event),
						 columns_set_by(key, event), followed);
	}
	return problem;
}

char *
verify_reach_tables(VerifyReach *reach)
{
	List	   *followed = NIL;
	char	   *problem;
	ListCell   *lc;

	reach->code = code_reach();
	fk_code_reach(reach->code, reach->key);
	code_reach_read(reach->code, reach->key->child);
	code_reach_read(reach->code, reach->key->parent);
	problem = follow(reach, reach->relid, reach->event, reach->columns, &followed);
	if (problem == NULL && reach->inserts)
		problem = table_problem(reach, reach->key->parent, CMD_INSERT);
	if (problem == NULL && reach->inserts)
		problem = table_problem(reach, reach->key->child, CMD_INSERT);

	/* a path back to the parent makes direct keys part of a detour, too */
	foreach(lc, followed)
	{
		const FkKey *key = ((Followed *) lfirst(lc))->key;

		if (reach->beside != NIL && verify_same_tree(key->child, reach->relid))
			reach->other_path = true;
	}
	return problem;
}

char *
verify_reach_role(const VerifyReach *reach, Oid *role)
{
	Oid			owner = code_table_owner(reach->relid);
	Oid			other = code_table_owner(reach->relid == reach->key->child ? reach->key->parent : reach->key->child);
	char	   *reason = code_role(reach->code, owner, role);

	if (reason && code_role(reach->code, other, role) == NULL)
		return NULL;
	return reason ? psprintf("trying it is left alone: %s", reason) : NULL;
}

char *
verify_reach_again(const VerifyReach *reach, Oid role)
{
	VerifyReach again = *reach;
	char	   *problem;
	Oid			now;

	again.beside = again.rejecting = NIL;
	problem = verify_reach_tables(&again);
	if (problem == NULL)
		problem = verify_reach_role(&again, &now);
	if (problem == NULL && now != role)
		problem = "the tables were changed meanwhile";
	return problem;
}

/* ---- rows ---- */

typedef struct Walk
{
	const VerifyReach *reach;
	int64		rows;			/* upper bound of the rows counted so far */
} Walk;

/* Returns the number of rows of a join, at most limit */
static int64
count_rows(const char *from, const char *where, int64 limit)
{
	char	   *sql = psprintf("SELECT pg_catalog.count(*) FROM (SELECT FROM %s WHERE %s LIMIT " INT64_FORMAT ") s",
							   from, where, limit);
	bool		isnull;
	int64		n;

	run_check_names(sql);
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not count the rows of: %s", sql);
	n = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return n;
}

/*
 * Counts the rows that are reached from the rows of alias t<depth>, which is
 * relid.  A row that is reached by several ways counts several times.
 */
static char *
walk_rows(Walk *walk, Oid relid, CmdType event, const Bitmapset *columns,
		  const char *from, const char *where, int depth)
{
	foreach_ptr(FkKey, key, verify_keys_to(walk->reach->declared, relid))
	{
		char		action = action_for(key, event, columns);
		char	   *child = psprintf("t%d", depth + 1);
		char	   *join_from;
		char	   *join_where;
		char	   *problem;
		int64		n;

		CHECK_FOR_INTERRUPTS();
		if (action == 0 || (is_reject(action) && key->conid == walk->reach->key->conid))
			continue;
		if (depth == MAX_DEPTH)
			return psprintf("it cascades over more than %d keys", MAX_DEPTH);

		join_from = psprintf("%s, %s", from, verify_table(key->child, child));
		join_where = psprintf("%s AND %s", where,
							  verify_match(key, psprintf("t%d", depth), child));
		if (refuses(walk->reach, key, action, event))
		{
			if (count_rows(join_from, join_where, 1) > 0)
				return psprintf("key %s of %s would refuse it first", quote_identifier(key->name),
								sg_relation_name(key->child));
			continue;
		}

		n = count_rows(join_from, join_where, VERIFY_REACH_ROWS + 1);
		walk->rows += n;
		if (walk->rows > VERIFY_REACH_ROWS)
			return psprintf("it reaches more than %d rows", VERIFY_REACH_ROWS);
		if (n == 0)
			continue;
		problem = walk_rows(walk, key->child, event_of_action(action, event),
							columns_set_by(key, event), join_from, join_where, depth + 1);
		if (problem)
			return problem;
	}
	return NULL;
}

char *
verify_reach_rows(const VerifyReach *reach, const RowId *row)
{
	Walk		walk = {reach, 0};

	return walk_rows(&walk, reach->relid, reach->event, reach->columns,
					 verify_table(reach->relid, "t0"), verify_is_row("t0", row), 0);
}
