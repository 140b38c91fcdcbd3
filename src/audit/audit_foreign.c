/*-------------------------------------------------------------------------
 *
 * audit_foreign.c
 *	  Rows of foreign tables: who may read them, and the rest beside them.
 *
 * A foreign table's owner chose the server, its options and the table there;
 * the user mapping that counts is that of the role that reads.  Planning may
 * ask the server, too, so that nobody can't plan such a query.  Therefore a
 * query that reads a foreign table is planned and run as the foreign table's
 * owner, restricted, and never as the caller.  As the planner evaluates what
 * the owners of the query's other tables put into an index at that moment,
 * these are to be the same role, or superusers.
 *
 * A partition is read by itself if one beside it is foreign: the local ones as
 * any table is, and each foreign one as its owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xlog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_partitioned_table.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "audit/audit_rule_job.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"

/* ---- as whom ---- */

static List *
key_tables(const FkKey *key)
{
	return list_concat_unique_oid(sg_with_partitions(key->child), sg_with_partitions(key->parent));
}

static List *
rule_tables(const AuditKey *ak)
{
	return ak->rule->tree ? sg_all_inheritors(ak->key.child) : sg_with_partitions(ak->key.child);
}

static Oid
first_foreign(List *tables)
{
	foreach_oid(relid, tables)
	{
		if (get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE)
			return relid;
	}
	return InvalidOid;
}

bool
audit_key_is_foreign(const FkKey *key)
{
	return OidIsValid(first_foreign(key_tables(key)));
}

bool
audit_is_foreign(const AuditKey *ak)
{
	return ak->rule ? OidIsValid(first_foreign(rule_tables(ak))) : audit_key_is_foreign(&ak->key);
}

/* Returns why the owner of a foreign table must not read these tables, or NULL */
static char *
foreign_refusal(CodeReach *reach, List *tables, Oid foreign, Oid owner)
{
	char	   *name = sg_relation_name(foreign);
	char	   *who = sg_role_name(owner);

	if (superuser_arg(owner))
		return psprintf("foreign table %s is owned by a superuser, in whose name no server is asked; "
						"ALTER FOREIGN TABLE %s OWNER TO a role that is no superuser and has a user mapping", name, name);
	foreach_oid(relid, tables)
	{
		Oid			other = code_table_owner(relid);

		if (other != owner && !superuser_arg(other))
			return psprintf("code of role %s, who owns %s, could run as role %s, who owns foreign table %s",
							sg_role_name(other), sg_relation_name(relid), who, name);
	}
	foreach_oid(relid, tables)
	{
		foreach_oid(other, code_foreign_owners(relid))
		{
			if (other != owner && !superuser_arg(other))
				return psprintf("foreign table %s would be read with the user mapping of role %s, at a place that role %s has chosen",
								sg_relation_name(relid), who, sg_role_name(other));
		}
	}
	return code_refusal_alone(reach, owner);
}

static char *
role_of(CodeReach *reach, Oid owner, List *tables, Oid *role)
{
	Oid			foreign = first_foreign(tables);
	char	   *refusal;

	if (!OidIsValid(foreign))
		return code_role(reach, owner, role);
	*role = InvalidOid;
	owner = code_table_owner(foreign);
	refusal = foreign_refusal(reach, tables, foreign, owner);
	if (refusal == NULL)
		*role = owner;
	return refusal;
}

char *
audit_key_role(const FkKey *key, CodeReach *reach, Oid *role)
{
	return role_of(reach, code_table_owner(key->child), key_tables(key), role);
}

char *
audit_rule_owner(const AuditKey *ak, CodeReach *reach, Oid *role)
{
	return role_of(reach, code_table_owner(ak->key.child), rule_tables(ak), role);
}

/* ---- parts ---- */

/* Returns a column's number in a partition */
static AttrNumber
part_attnum(Oid part, Oid whole, AttrNumber attnum)
{
	return attnum > 0 ? sg_column_in(part, whole, attnum) : attnum;
}

static FkKey *
key_part(const FkKey *key, Oid part)
{
	FkKey	   *copy = palloc(sizeof(FkKey));

	*copy = *key;
	copy->child = part;
	for (int i = 0; i < key->nkeys; i++)
		copy->child_att[i] = part_attnum(part, key->child, key->child_att[i]);
	return copy;
}

static AuditRule *
rule_part(const AuditKey *ak, Oid part)
{
	AuditRule  *copy = palloc(sizeof(AuditRule));
	Relation	from = sg_relation_open(ak->key.child, AccessShareLock);
	Relation	to = sg_relation_open(part, AccessShareLock);

	*copy = *ak->rule;
	copy->tree = false;
	copy->condition = (Node *) map_partition_varattnos((List *) copy->condition, 1, to, from);
	copy->shown = NIL;
	foreach_int(attnum, ak->rule->shown)
		copy->shown = lappend_int(copy->shown, part_attnum(part, ak->key.child, attnum));
	table_close(to, AccessShareLock);
	table_close(from, AccessShareLock);
	return copy;
}

static List *
leaves_apart(List *tables)
{
	List	   *leaves = NIL;

	if (!OidIsValid(first_foreign(tables)))
		return NIL;
	foreach_oid(relid, tables)
	{
		if (!RELKIND_HAS_PARTITIONS(get_rel_relkind(relid)))
			leaves = lappend_oid(leaves, relid);
	}
	return leaves;
}

List *
audit_key_parts(const FkKey *key)
{
	List	   *parts = NIL;

	foreach_oid(leaf, leaves_apart(sg_with_partitions(key->child)))
		parts = lappend(parts, key_part(key, leaf));
	return parts != NIL ? parts : list_make1((void *) key);
}

List *
audit_rule_parts(const AuditKey *ak)
{
	List	   *parts = NIL;

	/* UNIQUE can't be judged by parts: equal rows may be in different ones */
	foreach_oid(leaf, ak->rule->kind == AUDIT_UNIQUE ? NIL : leaves_apart(rule_tables(ak)))
	{
		AuditKey   *part = palloc(sizeof(AuditKey));

		*part = *ak;
		part->key = *key_part(&ak->key, leaf);
		part->key.parent = leaf;
		memcpy(part->key.parent_att, part->key.child_att, sizeof(part->key.parent_att));
		part->rule = rule_part(ak, leaf);
		parts = lappend(parts, part);
	}
	return parts != NIL ? parts : list_make1((void *) ak);
}

static List *
parts_of(const AuditKey *ak)
{
	List	   *parts = NIL;

	if (ak->rule)
		return audit_rule_parts(ak);
	foreach_ptr(const FkKey, key, audit_key_parts(&ak->key))
	{
		AuditKey   *part = palloc(sizeof(AuditKey));

		*part = *ak;
		part->key = *key;
		parts = lappend(parts, part);
	}
	return parts;
}

/* ---- verdicts ---- */

typedef struct Reading
{
	AuditKey   *part;
	int			samples;
	MemoryContext results;
	bool		parallel;
} Reading;

static void
read_part(void *arg)
{
	const Reading *reading = arg;

	if (reading->part->rule)
		audit_rule_sql(reading->part, reading->samples, reading->results, reading->parallel);
	else
		audit_sql(reading->part, reading->samples, reading->results, reading->parallel);
}

/*
 * Returns a text that says which part can't be read, as which role, and why:
 * for example no user mapping, or one without a password
 */
static char *
part_error(Oid part, const ErrorData *edata)
{
	const char *option = edata->sqlerrcode == ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED ?
		" (option password_required of the user mapping)" : "";

	if (get_rel_relkind(part) != RELKIND_FOREIGN_TABLE)
		return psprintf("%s: %s", sg_relation_name(part), sg_error_text(edata));
	return psprintf("foreign table %s, read as role %s: %s%s", sg_relation_name(part),
					sg_role_name(code_table_owner(part)), sg_error_text(edata), option);
}

/* Judges a part; returns why it can't be judged, or NULL.  On a standby errors are raised. */
static char *
judge_part(Reading *reading)
{
	AuditKey   *part = reading->part;
	FkProblem  *problem = part->rule ? audit_rule_access(part, false) : audit_access_problem(&part->key, false);
	ErrorData  *edata;

	if (problem)
		return problem->reason;
	if (RecoveryInProgress())
	{
		read_part(reading);
		return NULL;
	}
	edata = sg_try_undo(read_part, reading);
	if (edata == NULL)
		return NULL;
	sg_rethrow_cancel(edata);
	return part_error(part->key.child, edata);
}

/*
 * Returns whether a key's value is in one partition of each table only, because
 * both are partitioned by columns of the key
 */
static bool
parts_key_apart(const FkKey *key)
{
	foreach_oid(relid, sg_with_partitions(key->child))
	{
		HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(relid));
		Form_pg_partitioned_table form;
		bool		apart = true;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
		for (int i = 0; i < form->partnatts && apart; i++)
		{
			AttrNumber	attnum = form->partattrs.values[i];

			apart = false;
			for (int k = 0; k < key->nkeys && attnum > 0; k++)
				apart |= part_attnum(relid, key->child, key->child_att[k]) == attnum;
		}
		ReleaseSysCache(tuple);
		if (!apart)
			return false;
	}
	return true;
}

void
audit_apart(AuditKey *ak, int samples, MemoryContext results, bool parallel)
{
	List	   *sample = NIL;
	int64		rows = 0;
	int64		orphans = 0;
	int64		keys = 0;
	int			failing = 0;
	char	   *reason = NULL;

	foreach_ptr(AuditKey, part, parts_of(ak))
	{
		Reading		reading = {part, samples - list_length(sample), results, parallel};
		char	   *problem = judge_part(&reading);
		MemoryContext old = MemoryContextSwitchTo(results);

		if (problem == NULL)
		{
			rows += part->rows_checked;
			orphans += part->orphan_rows;
			keys = keys < 0 || part->orphan_keys < 0 ? -1 : keys + part->orphan_keys;
			failing += part->orphan_rows > 0;
			sample = list_concat(sample, part->sample);
		}
		if (reason == NULL && (problem || part->reason))
			reason = pstrdup(problem ? problem : part->reason);
		MemoryContextSwitchTo(old);
	}
	ak->method = "sql";
	ak->reason = reason;
	ak->result = orphans > 0 ? AUDIT_FAIL : reason ? AUDIT_UNKNOWN : AUDIT_PASS;
	if (ak->result == AUDIT_UNKNOWN)
		return;
	ak->rows_checked = rows;
	ak->orphan_rows = orphans;
	ak->orphan_keys = failing > 1 && ak->rule == NULL && !parts_key_apart(&ak->key) ? -1 : keys;
	ak->sample = sample;
}
