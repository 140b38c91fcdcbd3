/*-------------------------------------------------------------------------
 *
 * check_tables.c
 *	  The tables of a step: partitions, replication, blocking sessions, and
 *	  the time that the step takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/twophase.h"
#include "access/xlog.h"
#include "base/calls.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_subscription.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "portability/instr_time.h"
#include "postmaster/autovacuum.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/guc.h"
#include "base/quote.h"
#include "check/check.h"
#include "deploy/deploy.h"
#include "fk/fk_subscription.h"
#include "plan/plan_key.h"

/* Bounds of the number of blocks on which the speed is measured */
#define MEASURE_BLOCKS 2000
#define MEASURE_BLOCKS_MIN 32

/* Factors by which VALIDATE, which joins both tables, and CREATE INDEX take longer than reading */
#define VALIDATE_FACTOR 4
#define INDEX_FACTOR 3

/* WAL of adding and validating one key: rows of the catalogs */
#define WAL_PER_KEY (20 * 1024)

/*
 * Time, before 18, to attach the key of one partition of a partitioned child,
 * under locks on all of it and the parent: 0.2 ms were measured for up to 1,000
 * partitions.  The server is allowed twice that.  A partitioned parent costs as
 * much again for each of its partitions.
 */
#define ATTACH_MS 0.4

/* ---- size ---- */

typedef struct SizeArg
{
	Oid			relid;
	double		blocks;
	double		rows;
} SizeArg;

/* Reads present blocks, and the density of rows when last counted */
static void
read_size(void *p)
{
	SizeArg    *arg = p;
	Relation	rel;

	if (!ConditionalLockRelationOid(arg->relid, AccessShareLock))
		return;
	rel = try_relation_open(arg->relid, NoLock);
	if (rel && RELKIND_HAS_STORAGE(rel->rd_rel->relkind) &&
		(rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT || !RecoveryInProgress()))
	{
		double		blocks = RelationGetNumberOfBlocks(rel);

		if (arg->rows >= 0 && arg->blocks > 0)
			arg->rows *= blocks / arg->blocks;
		else if (blocks == 0)
			arg->rows = 0;
		arg->blocks = blocks;
	}
	if (rel)
		relation_close(rel, NoLock);
	UnlockRelationOid(arg->relid, AccessShareLock);
}

static void
add_table_size(CheckTable *table, Oid relid)
{
	SizeArg		arg = {.relid = relid,.rows = -1};
	SizeArg		toast = {.rows = -1};
	FormData_pg_class class;

	if (!sg_read_class(relid, &class))
		return;
	arg.blocks = class.relpages;
	arg.rows = class.reltuples;

	(void) check_try(read_size, &arg);
	table->blocks += arg.blocks;
	toast.relid = class.reltoastrelid;
	if (OidIsValid(toast.relid))
		(void) check_try(read_size, &toast);
	table->toast += toast.blocks;
	if (arg.rows < 0 || table->rows < 0)
		table->rows = -1;
	else
		table->rows += arg.rows;
}

CheckTable *
check_table(PlanCheck *check, Oid relid)
{
	List	   *known = sg_lists_of(check->tables, relid);
	CheckTable *table;
	ListCell   *lc;

	if (known)
		return linitial(known);
	table = palloc0(sizeof(CheckTable));
	table->relid = relid;
	table->relids = sg_with_partitions(relid);
	foreach(lc, table->relids)
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_PARTITIONED_TABLE)
			continue;
		table->leaves = lappend_oid(table->leaves, lfirst_oid(lc));
		add_table_size(table, lfirst_oid(lc));
	}
	sg_lists_add(check->tables, relid, table);
	return table;
}

/* ---- persistence, partitions and inheritance ---- */

static void
check_unlogged(CheckStep *cs)
{
	if (sg_rel_persistence(cs->child->relid) == RELPERSISTENCE_UNLOGGED &&
		sg_rel_persistence(cs->parent->relid) == RELPERSISTENCE_PERMANENT)
		check_row(cs, "persistence", CHECK_WARN,
				  psprintf("child %s is unlogged, its parent is not: a crash empties the child, and a standby never has its rows",
						   cs->step->child_table),
				  fk_owner_hint("Make it permanent if the rows matter", cs->child->relid, InvalidOid,
								psprintf("ALTER TABLE %s SET LOGGED", cs->step->child_table)));
	else
		check_row(cs, "persistence", CHECK_OK, NULL, NULL);
}

/* Blocks a partition that can't have the key */
static bool
check_foreign_partition(CheckStep *cs, const CheckTable *table)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, table->leaves)
	{
		Oid			parent;
		bool		leaving;

		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_FOREIGN_TABLE)
			continue;
		parent = sg_partition_parent(lfirst_oid(lc), &leaving);
		if (!OidIsValid(parent) || leaving)
			continue;
		found = true;
		check_row(cs, "partitions", CHECK_BLOCK,
				  psprintf("partition %s of %s is a foreign table, which can't have a key",
						   sg_relation_name(lfirst_oid(lc)), sg_relation_name(table->relid)),
				  fk_owner_hint("Detach it first", parent, InvalidOid,
								psprintf("ALTER TABLE %s DETACH PARTITION %s", sg_relation_name(parent), sg_relation_name(lfirst_oid(lc)))));
	}
	return found;
}

/* Checks that locks on all partitions of both sides fit into the lock table, besides those of others */
static bool
check_lock_table(CheckStep *cs)
{
	int			needed = 2 * (list_length(cs->child->relids) + list_length(cs->parent->relids));
	double		room = (double) max_locks_per_xact * (MaxBackends + max_prepared_xacts);

	if (needed < room / 2)
		return false;
	check_row(cs, "partitions", CHECK_WARN,
			  psprintf("one step locks %d tables and indexes at once, and the lock table has room for %.0f", needed, room),
			  psprintf("Make it larger, and restart the server:\nALTER SYSTEM SET max_locks_per_transaction = %d;",
					   max_locks_per_xact * 2 + needed / Max(MaxBackends, 1)));
	return true;
}

/* Warns if attaching many partitions would block others for longer than schemaguard.lock_timeout */
static bool
check_attaching(CheckStep *cs)
{
	int			partitions = list_length(cs->view.partitions);
	double		ms = ATTACH_MS * partitions * list_length(cs->parent->relids);

	if (!cs->view.by_partition || ms <= sg_lock_timeout + 50)
		return false;
	check_row(cs, "partitions", CHECK_WARN,
			  psprintf("%d partitions are attached in one statement, which takes up to about %s under locks that hold up everybody who reads or writes the parent, or writes the child",
					   partitions, check_duration(ms / 1000)),
			  psprintf(sg_calls("Add the keys now, and CALL without validate in a quiet hour, which attaches them:\nCALL sg_add_fks(%s, validate => false);"),
					   quote_literal_cstr(cs->plan)));
	return true;
}

/* Blocks a partition with a pending DETACH CONCURRENTLY, which the server does not alter */
static bool
check_leaving(CheckStep *cs)
{
	bool		leaving;
	Oid			whole = sg_partition_parent(cs->child->relid, &leaving);

	if (!leaving)
		return false;
	check_row(cs, "partitions", CHECK_BLOCK,
			  psprintf("a DETACH CONCURRENTLY of %s is pending", cs->step->child_table),
			  fk_owner_hint("End it", whole, InvalidOid,
							psprintf("ALTER TABLE %s DETACH PARTITION %s FINALIZE", sg_relation_name(whole), cs->step->child_table)));
	return true;
}

static void
check_partitions(CheckStep *cs)
{
	const FkKey *key = &cs->view.key;
	Oid			root = sg_partition_root(key->parent);
	bool		found = check_foreign_partition(cs, cs->child);
	int			n = list_length(cs->child->relids) + list_length(cs->parent->relids) - 2;

	found |= check_leaving(cs);
	found |= check_lock_table(cs);
	found |= check_attaching(cs);
	if (root != key->parent)
	{
		found = true;
		check_row(cs, "partitions", CHECK_WARN,
				  psprintf("parent %s is a partition: rows of other partitions are no parents", cs->step->parent_table),
				  psprintf("Reference the partitioned table:\n%s",
						   check_set(cs, "parent_table", sg_relation_name(root))));
	}
	if (!found)
		check_row(cs, "partitions", CHECK_OK,
				  n > 0 ? psprintf("%d partitions on both sides", n) : NULL, NULL);
}

/* Warns of inheritance children, whose rows are neither checked nor parents */
static void
check_inheritance(CheckStep *cs)
{
	const CheckTable *tables[] = {cs->child, cs->parent};
	bool		found = false;

	for (int i = 0; i < lengthof(tables); i++)
	{
		List	   *heirs = get_rel_relkind(tables[i]->relid) == RELKIND_RELATION ?
			sg_children(tables[i]->relid) : NIL;

		if (heirs == NIL || (i == 1 && cs->child == cs->parent))
			continue;
		found = true;
		check_row(cs, "inheritance", CHECK_WARN,
				  psprintf("%s has tables that inherit from it, such as %s: their rows are %s",
						   sg_relation_name(tables[i]->relid), sg_relation_name(linitial_oid(heirs)),
						   i == 0 ? "not checked" : "no parents"),
				  i == 0 ? psprintf(sg_calls("Plan a key for it, too:\nSELECT sg_plan_add_fk(%s, %s, %s, %s%s);"),
									quote_literal_cstr(cs->plan),
									quote_literal_cstr(sg_relation_name(linitial_oid(heirs))),
									sg_names_literal(cs->step->child_columns),
									quote_literal_cstr(plan_given(cs->step->parent_table)),
									cs->step->parent_columns == NIL ? "" :
									psprintf(", %s", sg_names_literal(cs->step->parent_columns))) :
				  "Turn inheritance into partitions, or move these rows into the parent.");
	}
	if (!found)
		check_row(cs, "inheritance", CHECK_OK, NULL, NULL);
}

/* ---- replication ---- */

static const PublishedTable *
find_published(const PlanCheck *check, const CheckTable *table)
{
	List	   *ancestors = sg_partition_ancestors(table->relid);

	foreach_ptr(const PublishedTable, published, check->published)
	{
		if (list_member_oid(table->relids, published->relid) || list_member_oid(ancestors, published->relid))
			return published;
	}
	return NULL;
}

bool
check_has_replica_identity(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	char		identity = REPLICA_IDENTITY_FULL;
	SgCatalog	indexes;
	bool		found = false;

	if (HeapTupleIsValid(tuple))
	{
		identity = ((Form_pg_class) GETSTRUCT(tuple))->relreplident;
		ReleaseSysCache(tuple);
	}
	if (identity == REPLICA_IDENTITY_DEFAULT)
		return fk_primary_key(relid) != NIL;
	if (identity != REPLICA_IDENTITY_INDEX)
		return identity == REPLICA_IDENTITY_FULL;

	sg_catalog_begin(&indexes, IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, relid, NULL);
	while (!found && HeapTupleIsValid(tuple = sg_catalog_next(&indexes)))
		found = ((Form_pg_index) GETSTRUCT(tuple))->indisreplident;
	sg_catalog_end(&indexes);
	return found;
}

/* Rows of a table that are to be changed, and the server's own look at publications' requirements */
typedef struct ChangeArg
{
	Oid			relid;
	bool		updates;
	bool		deletes;
} ChangeArg;

static void
ask_server(void *p)
{
	const ChangeArg *arg = p;
	Relation	rel = try_table_open(arg->relid, AccessShareLock);

	if (rel == NULL)
		return;
	if (arg->updates)
		CheckCmdReplicaIdentity(rel, CMD_UPDATE);
	if (arg->deletes)
		CheckCmdReplicaIdentity(rel, CMD_DELETE);
	table_close(rel, AccessShareLock);
}

/* Adds a row if a filter or column list of a publication contradicts the replica identity */
static void
check_published_columns(CheckStep *cs, CheckResult result, ChangeArg *arg)
{
	ErrorData  *edata = RecoveryInProgress() ? NULL : check_try(ask_server, arg);

	if (edata && edata->sqlerrcode == ERRCODE_INVALID_COLUMN_REFERENCE)
		check_row(cs, "publication", result,
				  psprintf("%s (%s): %s", edata->message, sg_relation_name(arg->relid), edata->detail),
				  pstrdup("Have filters use nothing but columns of the replica identity, and column lists hold all of them: ALTER PUBLICATION ... SET TABLE, or ALTER TABLE ... REPLICA IDENTITY."));
}

void
check_published_writes(PlanCheck *check, CheckStep *cs, Oid relid, CheckResult result, bool updates, bool deletes)
{
	CheckTable *table = check_table(check, relid);
	const PublishedTable *published = find_published(check, table);
	ChangeArg	arg = {.updates = updates,.deletes = deletes};

	foreach_oid(leaf, published ? table->leaves : NIL)
	{
		arg.relid = leaf;
		check_published_columns(cs, result, &arg);
	}
	updates &= published && published->updates;
	deletes &= published && published->deletes;
	if (!updates && !deletes)
		return;
	foreach_oid(leaf, table->leaves)
	{
		if (check_has_replica_identity(leaf))
			continue;
		check_row(cs, "publication", result,
				  psprintf("publication %s has %s, which has no replica identity: the server refuses to %s its rows",
						   quote_identifier(published->publication), sg_relation_name(leaf), updates ? "update" : "delete"),
				  psprintf("Give it one, or a primary key:\nALTER TABLE %s REPLICA IDENTITY FULL;", sg_relation_name(leaf)));
		return;
	}
}

void
check_published_step(PlanCheck *check, CheckStep *cs, Oid relid)
{
	const PlanStep *step = cs->step;
	bool		breaks = cs->audit ? cs->audit->result == AUDIT_FAIL : check_rows_broken(cs) > 0;
	bool		deletes = plan_policy_deletes(step->orphans);

	if (step->kind == STEP_COLUMN ? step->fill != NULL : step->backfill && cs->view.need == NEED_ADD)
		check_published_writes(check, cs, relid, CHECK_BLOCK, true, false);
	else if (plan_step_fixes(step))
		check_published_writes(check, cs, relid, breaks ? CHECK_BLOCK : CHECK_WARN, !deletes || step->sentinel, deletes);
}

static bool
changes_child(char action)
{
	return action == FKCONSTR_ACTION_CASCADE || action == FKCONSTR_ACTION_SETNULL || action == FKCONSTR_ACTION_SETDEFAULT;
}

/* Returns whether an action of the key would make the server change rows that it can't publish */
static bool
check_replica_identity(CheckStep *cs, const PublishedTable *published)
{
	const FkKey *key = &cs->view.key;
	bool		deletes = key->on_delete == FKCONSTR_ACTION_CASCADE;
	bool		updates = changes_child(key->on_update) || (changes_child(key->on_delete) && !deletes);
	ListCell   *lc;

	if (!(deletes && published->deletes) && !(updates && published->updates))
		return false;
	foreach(lc, cs->child->leaves)
	{
		if (check_has_replica_identity(lfirst_oid(lc)))
			continue;
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s has %s, which has no replica identity: an action of the key that changes its rows will fail",
						   quote_identifier(published->publication), sg_relation_name(lfirst_oid(lc))),
				  psprintf("Give it one, or a primary key:\nALTER TABLE %s REPLICA IDENTITY FULL;",
						   sg_relation_name(lfirst_oid(lc))));
		return true;
	}
	return false;
}

/* Warns that DDL is not replicated, and that a subscriber does not check rows that it applies */
static void
check_publication(PlanCheck *check, CheckStep *cs)
{
	const PublishedTable *child = find_published(check, cs->child);
	const PublishedTable *parent = find_published(check, cs->parent);
	bool		found = child && check_replica_identity(cs, child);

	if (check->unpublished_reason)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("the publications could not be looked at: %s", check->unpublished_reason),
				  psprintf(sg_calls("Remove the reason, and check again:\nSELECT * FROM sg_plan_check(%s);"),
						   quote_literal_cstr(cs->plan)));
	else if (child && parent == NULL)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s has child %s, but no publication has parent %s: a subscriber can't have the key",
						   quote_identifier(child->publication), cs->step->child_table, cs->step->parent_table),
				  psprintf("Publish both:\nALTER PUBLICATION %s ADD TABLE %s;",
						   quote_identifier(child->publication), cs->step->parent_table));
	else if (!found)
		check_row(cs, "publication", CHECK_OK,
				  child ? psprintf("publication %s has both; the key itself is not replicated, so add it on subscribers by a plan there",
								   quote_identifier(child->publication)) : NULL, NULL);
}

const char *
check_subscription_name(List *tables)
{
	List	   *written = list_copy(tables);
	Oid			subscription;
	char	   *name;

	foreach_oid(relid, tables)
	{
		written = list_concat_unique_oid(written, sg_partition_ancestors(relid));
	}
	subscription = fk_subscription_of(written);
	if (!OidIsValid(subscription))
		return NULL;
	name = get_subscription_name(subscription, true);
	return quote_identifier(name ? name : "(dropped)");
}

static void
check_subscription(CheckStep *cs)
{
	const CheckTable *tables[] = {cs->child, cs->parent};
	bool		found = false;

	for (int i = 0; i < lengthof(tables); i++)
	{
		const char *name = check_subscription_name(tables[i]->relids);

		if (name == NULL || (i == 1 && cs->child == cs->parent))
			continue;
		found = true;
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s, and what it writes is not checked: orphans can come that way",
						   name, sg_relation_name(tables[i]->relid)),
				  psprintf(sg_calls("Add the key where the rows come from, and audit here:\nSELECT * FROM sg_orphan_audit(%s);"),
						   quote_literal_cstr(plan_given(cs->step->child_table))));
	}
	if (!found)
		check_row(cs, "subscription", CHECK_OK, NULL, NULL);
}

/* ---- blocking sessions ---- */

/* Sets the ages at which autovacuum insists, which a table may have lowered */
static void
freeze_max_ages(Oid relid, int *xid_max, int *multi_max)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Datum		options;
	bool		isnull;

	*xid_max = autovacuum_freeze_max_age;
	*multi_max = autovacuum_multixact_freeze_max_age;
	if (!HeapTupleIsValid(tuple))
		return;
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	if (!isnull)
	{
		ListCell   *lc;

		foreach(lc, sg_text_array_list(options))
		{
			int			age;

			if (sscanf(lfirst(lc), "autovacuum_freeze_max_age=%d", &age) == 1)
				*xid_max = Min(*xid_max, age);
			else if (sscanf(lfirst(lc), "autovacuum_multixact_freeze_max_age=%d", &age) == 1)
				*multi_max = Min(*multi_max, age);
		}
	}
	ReleaseSysCache(tuple);
}

/* Returns how near a table is to an anti-wraparound vacuum: 1 is due */
static double
wraparound_share(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	TransactionId frozen;
	MultiXactId minmulti;
	int			xid_max;
	int			multi_max;
	double		share = 0;

	if (!HeapTupleIsValid(tuple))
		return 0;
	frozen = ((Form_pg_class) GETSTRUCT(tuple))->relfrozenxid;
	minmulti = ((Form_pg_class) GETSTRUCT(tuple))->relminmxid;
	ReleaseSysCache(tuple);

	freeze_max_ages(relid, &xid_max, &multi_max);
	if (TransactionIdIsNormal(frozen))
		share = (double) (int32) (XidFromFullTransactionId(ReadNextFullTransactionId()) - frozen) / Max(xid_max, 1);
	if (MultiXactIdIsValid(minmulti))
		share = Max(share, (double) (int32) (ReadNextMultiXactId() - minmulti) / Max(multi_max, 1));
	return share;
}

static const LockHolder *
wraparound_vacuum(const PlanCheck *check, const CheckTable *table)
{
	foreach_ptr(const LockHolder, holder, check->holders)
	{
		if (holder->wraparound && list_member_oid(table->relids, holder->relid))
			return holder;
	}
	return NULL;
}

static bool
check_wraparound_of(PlanCheck *check, CheckStep *cs, const CheckTable *table)
{
	const LockHolder *vacuum = wraparound_vacuum(check, table);
	ListCell   *lc;

	if (vacuum)
	{
		check_row(cs, "wraparound", CHECK_BLOCK,
				  psprintf("a vacuum of %s to prevent wraparound is running (pid %d), and it does not give way",
						   sg_relation_name(vacuum->relid), vacuum->pid),
				  "Let it finish:\nSELECT * FROM pg_stat_progress_vacuum;");
		return true;
	}
	foreach(lc, table->leaves)
	{
		double		share = wraparound_share(lfirst_oid(lc));

		if (share < 0.9)
			continue;
		check_row(cs, "wraparound", CHECK_WARN,
				  psprintf("a vacuum of %s to prevent wraparound is %s, and it does not give way",
						   sg_relation_name(lfirst_oid(lc)), share < 1 ? "near" : "due"),
				  psprintf("Get it done before:\nVACUUM (FREEZE) %s;", sg_relation_name(lfirst_oid(lc))));
		return true;
	}
	return false;
}

static void
check_wraparound(PlanCheck *check, CheckStep *cs)
{
	bool		found = check_wraparound_of(check, cs, cs->child);

	if (cs->parent != cs->child)
		found |= check_wraparound_of(check, cs, cs->parent);
	if (!found)
		check_row(cs, "wraparound", CHECK_OK, NULL, NULL);
}

/* Checks a holder of a lock that ADD conflicts with; returns whether there is a row about it */
static bool
check_holder(CheckStep *cs, const LockHolder *holder)
{
	char	   *table = sg_relation_name(holder->relid);

	if (holder->wraparound)
		return false;
	if (holder->pid == 0)
		check_row(cs, "locks", CHECK_BLOCK,
				  psprintf("prepared transaction %s has locked %s (%s)", quote_literal_cstr(holder->gid), table, holder->mode),
				  psprintf("Have whoever prepared it say COMMIT PREPARED, or ROLLBACK PREPARED:\nSELECT * FROM pg_prepared_xacts WHERE gid = %s;",
						   quote_literal_cstr(holder->gid)));
	else if (holder->autovacuum)
		check_row(cs, "locks", CHECK_WARN,
				  psprintf("pid %d, an autovacuum of %s, has locked it (%s)%s: it gives way to a lock that is waited for, and a batch of a fill or a fix waits for it",
						   holder->pid, table, holder->mode,
						   holder->seconds < 0 ? "" : psprintf(" for %s", check_duration(holder->seconds))),
				  psprintf("Let it end, or cancel it; it comes again later:\nSELECT pg_cancel_backend(%d);", holder->pid));
	else if (holder->seconds < 0)
		check_row(cs, "locks", CHECK_WARN,
				  psprintf("pid %d has locked %s (%s); for how long could not be looked at", holder->pid, table, holder->mode),
				  psprintf("To see it:\nGRANT pg_read_all_stats TO %s;",
						   quote_identifier(GetUserNameFromId(GetUserId(), false))));
	else if (holder->seconds >= check_long_seconds())
		check_row(cs, "locks", CHECK_WARN,
				  psprintf("pid %d has locked %s (%s) in a transaction that has lasted %s", holder->pid, table,
						   holder->mode, check_duration(holder->seconds)),
				  psprintf("Let it end, or end it:\nSELECT pg_terminate_backend(%d);", holder->pid));
	else
		return false;
	return true;
}

/* Rows about the holders of locks on one table, at most */
#define HOLDERS_TOLD 5

/*
 * Returns whether a holder of a lock is worth a row, whatever the table: a
 * prepared transaction, or a long one.  How long a reader of whom the caller may
 * see nothing has been there is not known, and most are brief.
 */
static bool
is_notable(const LockHolder *holder)
{
	return holder->pid == 0 || holder->seconds >= check_long_seconds() || (holder->seconds < 0 && holder->lock > AccessShareLock);
}

/* Checks the holders of locks on a table that conflict with a lock; returns whether there is a row about one */
static bool
check_holders(PlanCheck *check, CheckStep *cs, const CheckTable *table, LOCKMODE mode)
{
	int			found = 0;

	foreach_ptr(const LockHolder, holder, check->holders)
	{
		if (!is_notable(holder) || !DoLockModesConflict(mode, holder->lock) || !list_member_oid(table->relids, holder->relid))
			continue;
		if (found < HOLDERS_TOLD || holder->pid == 0)
			found += check_holder(cs, holder);
		else
			found++;
	}
	if (found > HOLDERS_TOLD)
		check_row(cs, "locks", CHECK_WARN,
				  psprintf("%s is locked %d times in all, so that the step has to wait", sg_relation_name(table->relid), found),
				  psprintf("To see by whom:\nSELECT * FROM pg_locks WHERE relation = %s::regclass;", quote_literal_cstr(sg_relation_name(table->relid))));
	return found > 0;
}

/* ADD CONSTRAINT locks both tables SHARE ROW EXCLUSIVE */
static void
check_locks(PlanCheck *check, CheckStep *cs)
{
	bool		found = check_holders(check, cs, cs->child, ShareRowExclusiveLock);

	if (cs->parent != cs->child)
		found |= check_holders(check, cs, cs->parent, ShareRowExclusiveLock);
	if (!found)
		check_row(cs, "locks", CHECK_OK, NULL, NULL);
}

void
check_lock_of_move(PlanCheck *check, CheckStep *cs, Oid relid, LOCKMODE mode)
{
	const CheckTable *table = check_table(check, relid);

	if (DoLockModesConflict(mode, ShareUpdateExclusiveLock))
		(void) check_wraparound_of(check, cs, table);
	(void) check_holders(check, cs, table, mode);
}

/* Warns that Citus' shards lock on other nodes, and no catalog here records their keys */
static void
check_citus(CheckStep *cs)
{
	if (!fk_citus_table(cs->view.key.child))
		return;
	check_row(cs, "citus", CHECK_WARN,
			  psprintf("Citus keeps %s in shards: schemaguard.lock_timeout does not bound the waits for locks on them, and a key that is added there stays without a proof",
					   cs->step->child_table),
			  psprintf("Bound them first, for connections that are new on all nodes:\nALTER ROLE %s SET lock_timeout = '%dms';",
					   quote_identifier(GetUserNameFromId(GetUserId(), false)), sg_lock_timeout));
}

void
check_tables(PlanCheck *check, CheckStep *cs)
{
	check_citus(cs);
	check_unlogged(cs);
	check_partitions(cs);
	check_inheritance(cs);
	check_publication(check, cs);
	check_subscription(cs);
	check_wraparound(check, cs);
	check_locks(check, cs);
}

/* ---- time ---- */

typedef struct MeasureArg
{
	PlanCheck  *check;
	Oid			relid;
} MeasureArg;

/* Reads the first blocks of a table, and takes the time */
static void
measure(void *p)
{
	MeasureArg *arg = p;
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	instr_time	start;
	instr_time	duration;
	BlockNumber blocks;

	if (!ConditionalLockRelationOid(arg->relid, AccessShareLock))
		return;
	rel = try_relation_open(arg->relid, NoLock);
	if (rel && rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relam == HEAP_TABLE_AM_OID &&
		(rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT || !RecoveryInProgress()) &&
		(blocks = Min(RelationGetNumberOfBlocks(rel), MEASURE_BLOCKS)) >= MEASURE_BLOCKS_MIN)
	{
		INSTR_TIME_SET_CURRENT(start);
		slot = table_slot_create(rel, NULL);
		scan = table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true, false);
		heap_setscanlimits(scan, 0, blocks);
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
			slot_getallattrs(slot);
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
		INSTR_TIME_SET_CURRENT(duration);
		INSTR_TIME_SUBTRACT(duration, start);
		arg->check->ms_per_block = INSTR_TIME_GET_MILLISEC(duration) / blocks;
		arg->check->measured_on = psprintf("%u blocks of %s", blocks, sg_relation_name(arg->relid));
	}
	if (rel)
		relation_close(rel, NoLock);
	UnlockRelationOid(arg->relid, AccessShareLock);
}

/* Measures on the largest table whose rows the caller may read and that is read anyway */
void
check_measure(PlanCheck *check)
{
	MeasureArg	arg = {check, InvalidOid};
	MemoryContext context = CurrentMemoryContext;
	double		largest = MEASURE_BLOCKS_MIN;

	foreach_ptr(CheckStep, cs, check->steps)
	{
		CheckTable *tables[] = {cs->child, cs->parent};

		/* its audit has judged it, so its rows can be read */
		if (cs->audit == NULL || cs->audit->result == AUDIT_UNKNOWN)
			continue;
		for (int i = 0; i < lengthof(tables); i++)
		{
			if (tables[i]->blocks >= largest && get_rel_relkind(tables[i]->relid) == RELKIND_RELATION)
			{
				largest = tables[i]->blocks;
				arg.relid = tables[i]->relid;
			}
		}
	}
	if (!OidIsValid(arg.relid))
		return;
	(void) check_try(measure, &arg);
	MemoryContextSwitchTo(context);
}

/*
 * Returns how many rows a policy has mended per second, pauses included, by the
 * end of the log; -1: none, or too few
 */
static double
mending_pace(PlanCheck *check, OrphanPolicy policy)
{
	Datum		pace;

	if (check->paces[policy] == 0 &&
		sg_owner_fetch("SELECT coalesce(sum(r.n) / nullif(sum(r.seconds), 0), -1)::text"
					   " FROM (SELECT sum(l.rows_affected) AS n,"
					   "  extract(epoch FROM max(l.at) - min(l.at)) + max(l.elapsed_ms) / 1000 AS seconds"
					   "  FROM (SELECT * FROM schemaguard.audit_log ORDER BY id DESC LIMIT 10000) l"
					   "  JOIN schemaguard.plan_step s ON s.plan = l.plan AND s.step = l.step AND s.orphans = $1"
					   "  WHERE l.action = 'fix' AND l.phase = 'done' AND l.rows_affected > 0"
					   "  GROUP BY l.run_id, l.step HAVING sum(l.rows_affected) >= 1000) r",
					   plan_policy_word(policy), &pace))
		check->paces[policy] = strtod(TextDatumGetCString(pace), NULL);
	return check->paces[policy];
}

/* Adds the time to mend the rows of a step; returns it as a text, or that it is unknown */
static char *
mending_text(PlanCheck *check, const CheckStep *cs, double *seconds)
{
	int64		rows = cs->audit ? cs->audit->orphan_rows : 0;
	double		pace = mending_pace(check, cs->step->orphans);

	if (cs->writes.uncounted)
	{
		check->mends = true;
		return pstrdup("; how long mending rows takes is not known here");
	}
	if (pace <= 0)
	{
		check->mends = true;
		return psprintf("; how long mending " INT64_FORMAT " rows takes is not known here", rows);
	}
	*seconds += rows / pace;
	return psprintf("; mending " INT64_FORMAT " rows takes about %s, by this server's log", rows, check_duration(rows / pace));
}

void
check_estimate(PlanCheck *check, CheckStep *cs)
{
	double		blocks = cs->child->blocks + (cs->parent == cs->child ? 0 : cs->parent->blocks);
	double		rows = cs->child->rows;
	double		seconds;
	double		mending = 0;	/* in batches, which no timeout bounds */
	bool		counted = cs->audit && cs->audit->result != AUDIT_UNKNOWN;
	int64		orphans = counted && cs->audit->result == AUDIT_FAIL ? cs->audit->orphan_rows : counted ? 0 : -1;
	char	   *size;

	cs->writes.wal += WAL_PER_KEY;
	if (cs->index_bytes > 0)
		check_writes_build(cs->child, cs->view.key.child_att, cs->view.key.nkeys, &cs->writes);
	check_writes_mend(check, cs, cs->child, orphans, orphans > 0 ? cs->audit->orphan_pages : 0);
	size = psprintf("reads %s, writes %s%s", check_bytes(blocks * BLCKSZ), check_writes_text(&cs->writes),
					orphans != 0 && plan_step_fixes(cs->step) ? mending_text(check, cs, &mending) : "");

	if (!cs->step->enforced)
		blocks = 0;
	if (check->ms_per_block == 0 && blocks >= 2 * MEASURE_BLOCKS_MIN)
	{
		check_row(cs, "estimate", CHECK_WARN,
				  psprintf("%s; how long it takes is not known, as no table could be read to measure it; the planner's cost of reading them is %.0f",
						   size, blocks * seq_page_cost + Max(rows, 0) * cpu_tuple_cost), check_count_hint(cs));
		return;
	}
	seconds = (blocks * VALIDATE_FACTOR + (cs->index_bytes > 0 ? cs->child->blocks * INDEX_FACTOR : 0)) *
		check->ms_per_block / 1000;
	check->seconds += seconds + mending;
	check->longest = Max(check->longest, seconds);
	size = psprintf("about %s: %s", check_duration(seconds + mending), size);
	if (sg_statement_timeout > 0 && seconds * 1000 > sg_statement_timeout)
		check_row(cs, "estimate", CHECK_WARN,
				  psprintf("%s; schemaguard.statement_timeout is %d ms", size, sg_statement_timeout),
				  psprintf("Raise it:\nSET schemaguard.statement_timeout = '%.0fs';", seconds * 3 + 1));
	else
		check_row(cs, "estimate", CHECK_OK, size, NULL);
}
