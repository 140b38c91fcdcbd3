/*-------------------------------------------------------------------------
 *
 * stamp_archive.c
 *	  Archived rows and the live ones that refer to them.
 *
 * A foreign key knows rows that are there and rows that are not; these
 * trigger functions know those that are archived: sg_refuse_archived_parent
 * on the child, sg_refuse_live_children or sg_archive_live_children on the
 * parent.  They are made after the server's own triggers of foreign keys
 * (ri_triggers.c):
 *
 * - The child locks the parent's row FOR SHARE.  FOR KEY SHARE, which the key
 *   itself takes, does not keep the UPDATE away that archives the row.
 * - The parent looks for children after its own row has been updated: one
 *   that came before has held the UPDATE up until it was committed, and one
 *   that comes later waits for us.  In a transaction with a snapshot of its
 *   own the latest one is used, or such a child would not be seen.
 * - The query runs as the owner of the table that it is about: who inserts a
 *   child need not read the parent.  The owner of the table that has the
 *   trigger, however, must have the rights himself, to all rows, since he chose
 *   what is looked at.
 *
 * What is found out about a trigger is kept for the session, with the plan of
 * its query, until a table or constraint in it is changed.  What code the query
 * could run is looked at once more after a change of any table: partitions and
 * what keys lead to have code, too.  The tables are locked as the query locks
 * them before, so that no trigger comes in between; and the partitions are the
 * owner's, or superusers', for others could give them an index at any time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "fk/fk.h"
#include "stamp/stamp.h"

SG_FUNCTION(sg_refuse_archived_parent);
SG_FUNCTION(sg_refuse_live_children);
SG_FUNCTION(sg_archive_live_children);

typedef enum RuleKind
{
	RULE_REFUSE_PARENT,			/* trigger of the child */
	RULE_REFUSE_CHILDREN,		/* trigger of the parent, as the next one */
	RULE_ARCHIVE_CHILDREN
} RuleKind;

/* Rule that a trigger enforces.  The trigger's table is one side of the key, or a partition of it. */
typedef struct Rule
{
	Oid			trigger;		/* key of the hash table */
	bool		valid;
	bool		looked;			/* the code was checked, and no table has
								 * changed since */
	int			running;		/* running calls that use the plan */
	SPIPlanPtr	plan;			/* query on the other table, or NULL */
	Oid			table;			/* table of the trigger */
	Oid			child;			/* child and parent of the key */
	Oid			parent;
	int			nkeys;
	AttrNumber	key[INDEX_MAX_KEYS];	/* key columns of the trigger's table */
	AttrNumber	archived;		/* archive column of the trigger's table, or 0 */
	bool		archived_bool;
	bool		with_path;		/* the query may run users' code */
	int			ncolumns;		/* columns of the other table that the query
								 * reads */
	AttrNumber	columns[INDEX_MAX_KEYS + 1];
} Rule;

static HTAB *rules = NULL;

static void
forget_table(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	Rule	   *rule;

	hash_seq_init(&scan, rules);
	while ((rule = hash_seq_search(&scan)) != NULL)
	{
		rule->looked = false;
		if (!OidIsValid(relid) || relid == rule->table || relid == rule->child || relid == rule->parent)
			rule->valid = false;
	}
}

/* Invalidates all rules: a constraint was changed, which the tables' entries do not show */
static void
forget_keys(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_table(arg, InvalidOid);
}

static Rule *
find_rule(Oid trigger)
{
	Rule	   *rule;
	bool		found;

	if (rules == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid),.entrysize = sizeof(Rule)};

		rules = hash_create("schemaguard triggers", 16, &ctl, HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(forget_table, (Datum) 0);
		CacheRegisterSyscacheCallback(CONSTROID, forget_keys, (Datum) 0);
	}
	rule = hash_search(rules, &trigger, HASH_ENTER, &found);
	if (!found)
		memset((char *) rule + sizeof(Oid), 0, sizeof(Rule) - sizeof(Oid));
	return rule;
}

/* Returns the table that the query reads: the other side of the key */
static Oid
other_table(const Rule *rule, RuleKind kind)
{
	return kind == RULE_REFUSE_PARENT ? rule->parent : rule->child;
}

/* ---- from a trigger's arguments to a rule ---- */

/*
 * Returns the n-th argument: child table (triggers of the parent only), key,
 * column of the parent, column of the child
 */
static const char *
argument(const Trigger *trigger, RuleKind kind, int n)
{
	if (kind == RULE_REFUSE_PARENT)
		n--;
	return n < trigger->tgnargs && trigger->tgargs[n][0] != '\0' ? trigger->tgargs[n] : NULL;
}

static void
check_arguments(const Trigger *trigger, RuleKind kind)
{
	int			first = kind == RULE_REFUSE_PARENT ? 0 : 1;
	bool		child_archives = kind == RULE_ARCHIVE_CHILDREN;

	if (trigger->tgnargs < first + (child_archives ? 3 : 2) || trigger->tgnargs > first + 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trigger \"%s\" has the wrong number of arguments: %d", trigger->tgname, trigger->tgnargs),
				 errhint("They are %sthe foreign key, the column that archives a row of the parent, and that of the child%s.",
						 first ? "the child table, qualified, " : "",
						 child_archives ? "" : ", if it has one")));
}

pg_noreturn static void
refuse_key(const Trigger *trigger, Oid child, const char *name, Oid table)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("trigger \"%s\" names a foreign key \"%s\" that table %s does not have",
					trigger->tgname, name, sg_relation_name(child)),
			 table == child ? 0 : errdetail("It is to be one that refers to %s.", sg_relation_name(table)),
			 errhint("After a key or a table is renamed, create the trigger anew with the new name.")));
}

/* Returns a key of the table, or of the partitioned table above it */
static FkKey *
own_key(const Trigger *trigger, Oid table, const char *name)
{
	foreach_oid(relid, lcons_oid(table, sg_partition_ancestors(table)))
	{
		FkKey	   *key = fk_by_name(relid, name);

		if (key)
			return key;
	}
	refuse_key(trigger, table, name, table);
}

/* Returns a key of child_table that references the table, or the partitioned table above it */
static FkKey *
referring_key(const Trigger *trigger, Oid table, const char *child_table, const char *name)
{
	SgTableName parsed = sg_parse_table_name(child_table);
	Oid			child = parsed.schema ? sg_find_qualified(sg_qualified_name(parsed.schema, parsed.name)) : InvalidOid;
	FkKey	   *key;

	if (!OidIsValid(child))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("trigger \"%s\" names a table that does not exist: %s", trigger->tgname, child_table),
				 parsed.schema ? errhint("After a table is renamed, create the trigger anew with its new name.") :
				 errhint("Name it with its schema.")));
	key = fk_by_name(child, name);
	if (key == NULL || !sg_is_within(table, key->parent))
		refuse_key(trigger, child, name, table);
	return key;
}

/* Returns the number of a column; raises an error if the table lacks it */
static AttrNumber
find_column(const Trigger *trigger, Oid table, const char *name)
{
	AttrNumber	column = get_attnum(table, name);

	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\", which trigger \"%s\" names",
						sg_relation_name(table), name, trigger->tgname),
				 errhint("After a column is renamed, create the trigger anew with its new name.")));
	return column;
}

/* Appends the condition that a row is archived (IS TRUE or IS NOT NULL) or, with live, that it is not */
static void
append_archived(StringInfo buf, const char *alias, Oid table, AttrNumber column, bool live)
{
	const char *test = stamp_is_boolean(get_atttype(table, column)) ? "TRUE" : "NULL";

	appendStringInfo(buf, "(%s.%s IS %s%s)", alias, quote_identifier(sg_column_name(table, column)),
					 live == (test[0] == 'T') ? "NOT " : "", test);
}

static void
append_table(StringInfo buf, Oid table, const char *alias)
{
	appendStringInfo(buf, "%s%s %s", get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 sg_relation_name(table), alias);
}

/* Appends the key's comparison, with the trigger's side as parameters */
static void
append_match(StringInfo buf, const FkKey *key, bool about_parent)
{
	for (int i = 0; i < key->nkeys; i++)
	{
		char	   *param = psprintf("$%d", i + 1);

		appendStringInfoString(buf, i ? " AND " : " WHERE ");
		if (about_parent)
			fk_append_equal(buf, key, i, psprintf("t.%s", quote_identifier(sg_column_name(key->parent, key->parent_att[i]))), param);
		else
			fk_append_equal(buf, key, i, param, psprintf("t.%s", quote_identifier(sg_column_name(key->child, key->child_att[i]))));
	}
}

/*
 * Returns the rule's query: on the parent, which is one row; or on live
 * children, of which one row suffices
 */
static char *
rule_query(RuleKind kind, const FkKey *key, AttrNumber other)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (kind == RULE_ARCHIVE_CHILDREN)
	{
		appendStringInfoString(&buf, "UPDATE ");
		append_table(&buf, key->child, "t");
		appendStringInfo(&buf, " SET %s = $%d", quote_identifier(sg_column_name(key->child, other)), key->nkeys + 1);
	}
	else
	{
		appendStringInfoString(&buf, "SELECT ");
		if (kind == RULE_REFUSE_PARENT)
			append_archived(&buf, "t", key->parent, other, false);
		else
			appendStringInfoString(&buf, "true");
		appendStringInfoString(&buf, " FROM ");
		append_table(&buf, kind == RULE_REFUSE_PARENT ? key->parent : key->child, "t");
	}
	append_match(&buf, key, kind == RULE_REFUSE_PARENT);
	if (kind != RULE_REFUSE_PARENT && other != 0)
	{
		appendStringInfoString(&buf, " AND ");
		append_archived(&buf, "t", key->child, other, true);
	}
	appendStringInfoString(&buf, kind == RULE_REFUSE_PARENT ? " FOR SHARE OF t" :
						   kind == RULE_REFUSE_CHILDREN ? " LIMIT 1" : "");

	return buf.data;
}

/*
 * Prepares the query; its parameters are the key's columns of the trigger's
 * table, and the archive column
 */
static SPIPlanPtr
prepare(const Rule *rule, RuleKind kind, const char *query)
{
	Oid			types[INDEX_MAX_KEYS + 1];
	SPIPlanPtr	plan;

	for (int i = 0; i < rule->nkeys; i++)
		types[i] = get_atttype(rule->table, rule->key[i]);
	types[rule->nkeys] = rule->archived ? get_atttype(rule->table, rule->archived) : InvalidOid;

	plan = SPI_prepare(query, rule->nkeys + (kind == RULE_ARCHIVE_CHILDREN ? 1 : 0), types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for: %s", SPI_result_code_string(SPI_result), query);
	SPI_keepplan(plan);
	return plan;
}

/* Locks the table and its partitions in the mode that the query takes */
static void
lock_other(RuleKind kind, Oid other)
{
	LOCKMODE	mode = kind == RULE_ARCHIVE_CHILDREN ? RowExclusiveLock : kind == RULE_REFUSE_PARENT ? RowShareLock : AccessShareLock;

	LockRelationOid(other, mode);
	if (get_rel_relkind(other) == RELKIND_PARTITIONED_TABLE)
		(void) find_all_inheritors(other, mode, NULL);
}

/* Raises 42501 if a partition belongs to another role, whose code the query would run */
static void
check_partitions(const Trigger *trigger, Oid other)
{
	Oid			owner = code_table_owner(other);

	foreach_oid(part, get_rel_relkind(other) == RELKIND_PARTITIONED_TABLE ? code_tree(other, NoLock) : NIL)
	{
		Oid			part_owner = code_table_owner(part);

		if (part_owner != owner && !superuser_arg(part_owner))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("trigger \"%s\" can't follow %s, whose partition %s belongs to role %s", trigger->tgname,
							sg_relation_name(other), sg_relation_name(part), sg_role_name(part_owner)),
					 errhint("ALTER TABLE %s OWNER TO %s;", sg_relation_name(part), quote_identifier(sg_role_name(owner)))));
	}
}

/*
 * Returns whether the query could run code that is not built in; raises an
 * error if that is not the owner's own code
 */
static bool
runs_code(const Trigger *trigger, RuleKind kind, const FkKey *key, Oid other)
{
	CodeReach  *reach = code_reach();
	char	   *refusal;

	check_partitions(trigger, other);
	fk_code_reach(reach, key);
	code_reach_read(reach, other);
	if (kind == RULE_ARCHIVE_CHILDREN)
	{
		code_reach_write(reach, other, CMD_UPDATE);
		fk_reach_actions(reach, other, CMD_UPDATE, NoLock);
	}
	refusal = code_refusal(reach, code_table_owner(other));
	if (refusal)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("trigger \"%s\" can't %s rows of %s: %s", trigger->tgname,
						kind == RULE_ARCHIVE_CHILDREN ? "archive" : "look at", sg_relation_name(other), refusal)));
	return kind == RULE_ARCHIVE_CHILDREN || code_found(reach);
}

/*
 * Fills in a rule and returns the text of its query; raises an error for wrong
 * arguments
 */
static char *
read_rule(Rule *rule, RuleKind kind, const TriggerData *trigdata)
{
	const Trigger *trigger = trigdata->tg_trigger;
	Oid			table = RelationGetRelid(trigdata->tg_relation);
	bool		on_child = kind == RULE_REFUSE_PARENT;
	const char *parent_column;
	const char *child_column;
	FkKey	   *key;
	AttrNumber	other;

	check_arguments(trigger, kind);
	key = on_child ? own_key(trigger, table, argument(trigger, kind, 1)) :
		referring_key(trigger, table, argument(trigger, kind, 0), argument(trigger, kind, 1));
	if (key->period)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("trigger \"%s\" can't follow foreign key \"%s\", which is one of periods", trigger->tgname, key->name)));
	parent_column = argument(trigger, kind, 2);
	child_column = argument(trigger, kind, 3);
	if (parent_column == NULL || (kind == RULE_ARCHIVE_CHILDREN && child_column == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trigger \"%s\" does not name the column that archives a row", trigger->tgname)));

	rule->table = table;
	rule->child = key->child;
	rule->parent = key->parent;
	rule->nkeys = rule->ncolumns = key->nkeys;
	for (int i = 0; i < key->nkeys; i++)
	{
		rule->key[i] = on_child ? sg_column_in(table, key->child, key->child_att[i]) :
			sg_column_in(table, key->parent, key->parent_att[i]);
		rule->columns[i] = on_child ? key->parent_att[i] : key->child_att[i];
	}
	if (on_child)
	{
		rule->archived = child_column ? find_column(trigger, table, child_column) : 0;
		other = find_column(trigger, key->parent, parent_column);
	}
	else
	{
		rule->archived = find_column(trigger, table, parent_column);
		other = child_column ? find_column(trigger, key->child, child_column) : 0;
	}
	rule->archived_bool = rule->archived && stamp_is_boolean(get_atttype(table, rule->archived));
	if (other)
		rule->columns[rule->ncolumns++] = other;
	lock_other(kind, other_table(rule, kind));
	rule->with_path = runs_code(trigger, kind, key, other_table(rule, kind));
	rule->looked = true;

	return rule_query(kind, key, other);
}

/* Checks that the owner of the trigger's table may do the same to the other table */
static void
check_rights(const Rule *rule, RuleKind kind, Oid other_owner)
{
	Oid			other = other_table(rule, kind);
	Oid			owner = code_table_owner(rule->table);
	AclResult	result = ACLCHECK_OK;

	if (owner == other_owner)
		return;
	if (pg_class_aclcheck(other, owner, ACL_SELECT) != ACLCHECK_OK)
	{
		for (int i = 0; i < rule->ncolumns && result == ACLCHECK_OK; i++)
			result = pg_attribute_aclcheck(other, rule->columns[i], owner, ACL_SELECT);
	}
	if (result == ACLCHECK_OK)
		result = object_aclcheck(NamespaceRelationId, get_rel_namespace(other), owner, ACL_USAGE);
	if (result == ACLCHECK_OK && kind == RULE_ARCHIVE_CHILDREN &&
		pg_class_aclcheck(other, owner, ACL_UPDATE) != ACLCHECK_OK)
		result = pg_attribute_aclcheck(other, rule->columns[rule->nkeys], owner, ACL_UPDATE);
	if (result != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role %s, the owner of %s, may not %s the rows of %s that its trigger is about",
						sg_role_name(owner), sg_relation_name(rule->table),
						kind == RULE_ARCHIVE_CHILDREN ? "read and update" : "read", sg_relation_name(other)),
				 errhint("GRANT SELECT%s ON %s TO %s;", kind == RULE_ARCHIVE_CHILDREN ? ", UPDATE" : "", sg_relation_name(other),
						 quote_identifier(sg_role_name(owner)))));
	if (check_enable_rls(other, owner, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of %s holds for role %s, the owner of %s, whose trigger is about all of its rows",
						sg_relation_name(other), sg_role_name(owner), sg_relation_name(rule->table)),
				 errhint("ALTER TABLE %s OWNER TO %s;", sg_relation_name(rule->table), quote_identifier(sg_role_name(other_owner)))));
}

/* ---- a row ---- */

static bool
same_key(const Rule *rule, TupleDesc desc, TupleTableSlot *before, TupleTableSlot *now)
{
	for (int i = 0; i < rule->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, rule->key[i] - 1);
		bool		null_before,
					null_now;
		Datum		value = slot_getattr(before, rule->key[i], &null_before);
		Datum		value_now = slot_getattr(now, rule->key[i], &null_now);

		if (null_before != null_now ||
			(!null_now && !datum_image_eq(value, value_now, attr->attbyval, attr->attlen)))
			return false;
	}
	return true;
}

/* Returns whether the trigger's row needs a check */
static bool
is_concerned(const Rule *rule, RuleKind kind, const TriggerData *trigdata)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	TupleTableSlot *before = update ? trigdata->tg_trigslot : NULL;
	TupleTableSlot *now = update ? trigdata->tg_newslot : trigdata->tg_trigslot;
	bool		archived = stamp_is_archived(now, rule->archived, rule->archived_bool);
	bool		turned = before == NULL || archived != stamp_is_archived(before, rule->archived, rule->archived_bool);

	if (archived != (kind != RULE_REFUSE_PARENT))
		return false;
	if (!turned && (kind != RULE_REFUSE_PARENT ||
					same_key(rule, RelationGetDescr(trigdata->tg_relation), before, now)))
		return false;

	/*
	 * a deferred trigger, or one that fires after another, may see a row that
	 * was changed since
	 */
	return table_tuple_satisfies_snapshot(trigdata->tg_relation, now, SnapshotSelf);
}

/*
 * Runs the rule's query for a row, and returns whether it finds a row.  A null
 * in the key references nothing.
 */
static bool
ask(Rule *rule, RuleKind kind, TupleTableSlot *row)
{
	Datum		values[INDEX_MAX_KEYS + 1];
	SPIPlanPtr	plan = rule->plan;
	Snapshot	latest = InvalidSnapshot;
	Snapshot	crosscheck = InvalidSnapshot;
	bool		isnull;
	bool		found = false;
	int			rc;

	for (int i = 0; i < rule->nkeys; i++)
	{
		values[i] = slot_getattr(row, rule->key[i], &isnull);
		if (isnull)
			return false;
	}
	if (kind == RULE_ARCHIVE_CHILDREN)
		values[rule->nkeys] = slot_getattr(row, rule->archived, &isnull);

	if (IsolationUsesXactSnapshot())
	{
		CommandCounterIncrement();
		latest = GetLatestSnapshot();
		crosscheck = GetTransactionSnapshot();
	}
	rule->running++;
	PG_TRY();
	{
		rc = SPI_execute_snapshot(plan, values, NULL, latest, crosscheck, false, true, 0);
	}
	PG_FINALLY();
	{
		rule->running--;
	}
	PG_END_TRY();

	if (rc != (kind == RULE_ARCHIVE_CHILDREN ? SPI_OK_UPDATE : SPI_OK_SELECT))
		elog(ERROR, "SPI returned %s", SPI_result_code_string(rc));
	if (kind != RULE_ARCHIVE_CHILDREN && SPI_processed > 0)
		found = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	return found;
}

/*
 * Returns the rule of a trigger, read again if it is outdated.  A plan that an
 * outer call is using is not replaced.
 */
static Rule *
get_rule(RuleKind kind, const TriggerData *trigdata)
{
	Rule	   *rule = find_rule(trigdata->tg_trigger->tgoid);
	MemoryContext scratch;
	MemoryContext old;
	SgScope		scope;
	char	   *query;

	/* lock before asking whether anything has changed */
	if (rule->valid && rule->plan)
		lock_other(kind, other_table(rule, kind));
	if (rule->valid && rule->looked && rule->plan)
		return rule;

	scratch = AllocSetContextCreate(CurrentMemoryContext, "schemaguard trigger", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(scratch);
	if (rule->plan && rule->running == 0)
		SPI_freeplan(rule->plan);
	rule->plan = NULL;
	rule->valid = true;
	query = read_rule(rule, kind, trigdata);
	sg_key_role_begin(&scope, code_table_owner(other_table(rule, kind)), rule->with_path);
	SPI_connect();
	rule->plan = prepare(rule, kind, query);
	SPI_finish();
	sg_scope_end(&scope);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);

	return rule;
}

/* Returns whether the row that fired the trigger is to be refused; common to the trigger functions */
static bool
look(FunctionCallInfo fcinfo, RuleKind kind, const char *function, const char *events)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Rule	   *rule;
	Oid			owner;
	SgScope		scope;
	bool		found;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) || TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ||
		(kind != RULE_REFUSE_PARENT && TRIGGER_FIRED_BY_INSERT(trigdata->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s is for triggers AFTER %s, FOR EACH ROW", function, events)));

	rule = get_rule(kind, trigdata);
	if (!is_concerned(rule, kind, trigdata))
		return false;

	owner = code_table_owner(other_table(rule, kind));
	check_rights(rule, kind, owner);
	sg_key_role_begin(&scope, owner, rule->with_path);
	SPI_connect();
	found = ask(rule, kind, TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? trigdata->tg_newslot : trigdata->tg_trigslot);
	SPI_finish();
	sg_scope_end(&scope);

	return found;
}

/*
 * sg_refuse_archived_parent(key, parent column [, column])
 *
 * AFTER INSERT OR UPDATE of a child.  Raises 23514 for a live row whose parent
 * is archived.  Locks the parent's row FOR SHARE until the transaction ends.
 * Without a column of the child each of its rows is live.
 */
static Datum
sg_refuse_archived_parent_entered(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (look(fcinfo, RULE_REFUSE_PARENT, "sg_refuse_archived_parent", "INSERT OR UPDATE"))
	{
		const Rule *rule = find_rule(trigdata->tg_trigger->tgoid);

		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a live row of table %s can't refer to an archived one of table %s",
						sg_relation_name(rule->table), sg_relation_name(rule->parent)),
				 errdetail("Foreign key \"%s\" leads to a row that is archived.", argument(trigdata->tg_trigger, RULE_REFUSE_PARENT, 1)),
				 errhint("Refer to another row, or take that one out of the archive first."),
				 errtableconstraint(trigdata->tg_relation, argument(trigdata->tg_trigger, RULE_REFUSE_PARENT, 1))));
	}
	return PointerGetDatum(NULL);
}

/*
 * sg_refuse_live_children(child table, key, column [, child column])
 *
 * AFTER UPDATE of a parent.  Raises 23001 if a row is archived that live rows
 * reference.
 */
static Datum
sg_refuse_live_children_entered(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (look(fcinfo, RULE_REFUSE_CHILDREN, "sg_refuse_live_children", "UPDATE"))
	{
		const Rule *rule = find_rule(trigdata->tg_trigger->tgoid);

		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("a row of table %s can't be archived: live rows of table %s refer to it",
						sg_relation_name(rule->table), sg_relation_name(rule->child)),
				 errdetail("They do by foreign key \"%s\".", argument(trigdata->tg_trigger, RULE_REFUSE_CHILDREN, 1)),
				 errhint("Archive these first."),
				 errtableconstraint(trigdata->tg_relation, argument(trigdata->tg_trigger, RULE_REFUSE_CHILDREN, 1))));
	}
	return PointerGetDatum(NULL);
}

/*
 * sg_archive_live_children(child table, key, column, child column)
 *
 * AFTER UPDATE of a parent.  If a row is archived, gives the live rows that
 * reference it the same value.
 */
static Datum
sg_archive_live_children_entered(PG_FUNCTION_ARGS)
{
	(void) look(fcinfo, RULE_ARCHIVE_CHILDREN, "sg_archive_live_children", "UPDATE");
	return PointerGetDatum(NULL);
}
