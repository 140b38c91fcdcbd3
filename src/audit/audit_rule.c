/*-------------------------------------------------------------------------
 *
 * audit_rule.c
 *	  Rules: what they are, who may judge them, and whether they still stand.
 *
 * A condition is kept as the server stores it, so that names mean what they
 * meant when it was written.  Nothing of it is planned or run here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/clauses.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "audit/audit_distinct.h"
#include "audit/audit_internal.h"
#include "audit/audit_rule.h"
#include "audit/audit_rule_job.h"
#include "base/compat.h"
#include "base/quote.h"

#ifndef CONSTRAINT_NOTNULL
#define CONSTRAINT_NOTNULL 'n'
#endif

/* ---- what a rule is ---- */

static void
add_column(FkKey *key, AuditRule *rule, AttrNumber attnum)
{
	/*
	 * skip tableoid, the only system column in a condition, which says
	 * nothing about a row
	 */
	if (attnum < 0)
		return;
	if (attnum == 0 || key->nkeys == INDEX_MAX_KEYS)
	{
		rule->whole_row = true;
		return;
	}
	key->child_att[key->nkeys] = key->parent_att[key->nkeys] = attnum;
	key->nkeys++;
}

static void
add_condition_columns(FkKey *key, AuditRule *rule)
{
	Bitmapset  *columns = NULL;
	int			i = -1;

	pull_varattnos(rule->condition, 1, &columns);
	while ((i = bms_next_member(columns, i)) >= 0)
		add_column(key, rule, i + FirstLowInvalidHeapAttributeNumber);
}

static bool
is_virtual(Oid relid, AttrNumber attnum)
{
	return get_attgenerated(relid, attnum) == ATTRIBUTE_GENERATED_VIRTUAL;
}

static bool
may_read(Oid relid, AttrNumber attnum)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, attnum, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/*
 * Chooses the columns that a sample shows; the caller must be allowed to see
 * them, even if another role reads
 */
static void
choose_shown(AuditKey *ak)
{
	Oid			relid = ak->key.child;
	AuditRule  *rule = ak->rule;
	ListCell   *lc;

	if (rule->kind != AUDIT_UNIQUE)
	{
		foreach(lc, fk_primary_key(relid))
			rule->shown = lappend_int(rule->shown, get_attnum(relid, lfirst(lc)));
		rule->ctid = rule->shown == NIL;
		foreach(lc, rule->shown)
			rule->ctid = rule->ctid || !may_read(relid, lfirst_int(lc));
		if (rule->ctid)
			rule->shown = NIL;
	}
	for (int i = 0; i < ak->key.nkeys && list_length(rule->shown) < INDEX_MAX_KEYS; i++)
	{
		if (!is_virtual(relid, ak->key.child_att[i]))
			rule->shown = list_append_unique_int(rule->shown, ak->key.child_att[i]);
	}
}

static AuditKey *
new_rule(Oid relid, const char *name, const AuditRule *rule, List *attnums)
{
	FkKey		key = {.child = relid,.parent = relid,.match = FKCONSTR_MATCH_SIMPLE,.enforced = true};
	AuditRule  *copy = palloc(sizeof(AuditRule));
	AuditKey   *ak;
	ListCell   *lc;

	*copy = *rule;
	key.name = name ? pstrdup(name) : NULL;
	if (rule->condition)
		add_condition_columns(&key, copy);
	foreach(lc, attnums)
		add_column(&key, copy, lfirst_int(lc));

	ak = audit_key_new(&key, OidIsValid(rule->conid) ? AUDIT_CATALOG : AUDIT_PLAN, FK_MISSING);
	ak->rule = copy;
	choose_shown(ak);
	return ak;
}

AuditKey *
audit_rule_check(Oid relid, const char *name, Node *condition, bool tree, Oid author)
{
	AuditRule	rule = {.kind = AUDIT_CHECK,.condition = condition,.tree = tree,.author = author};

	return new_rule(relid, name, &rule, NIL);
}

AuditKey *
audit_rule_not_null(Oid relid, const char *name, AttrNumber attnum, bool tree)
{
	AuditRule	rule = {.kind = AUDIT_NOT_NULL,.tree = tree};

	return new_rule(relid, name, &rule, list_make1_int(attnum));
}

AuditKey *
audit_rule_unique(Oid relid, const char *name, List *attnums, bool nulls_equal)
{
	AuditRule	rule = {.kind = AUDIT_UNIQUE,.nulls_equal = nulls_equal};

	return new_rule(relid, name, &rule, attnums);
}

static List *
constraint_columns(HeapTuple tuple)
{
	List	   *attnums = NIL;
	bool		isnull;
	Datum		datum = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_conkey, &isnull);
	ArrayType  *array;

	if (isnull)
		return NIL;
	array = DatumGetArrayTypeP(datum);
	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)); i++)
		attnums = lappend_int(attnums, ((int16 *) ARR_DATA_PTR(array))[i]);
	return attnums;
}

static bool
index_nulls_equal(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_index) GETSTRUCT(tuple))->indnullsnotdistinct;
	ReleaseSysCache(tuple);
	return result;
}

/* Reads the rule of a row of pg_constraint; returns false if it is none */
static bool
read_constraint(HeapTuple tuple, AuditRule *rule)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	Datum		datum;
	bool		isnull;

	if (!OidIsValid(form->conrelid) || SG_CON_PERIOD(form))
		return false;
	rule->conid = form->oid;
	rule->tree = !form->connoinherit;
	switch (form->contype)
	{
		case CONSTRAINT_CHECK:
			datum = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_conbin, &isnull);
			if (isnull)
				return false;
			rule->kind = AUDIT_CHECK;
			rule->condition = stringToNode(TextDatumGetCString(datum));
			rule->author = code_table_owner(form->conrelid);
			return true;
		case CONSTRAINT_NOTNULL:
			rule->kind = AUDIT_NOT_NULL;
			return true;
		case CONSTRAINT_PRIMARY:
		case CONSTRAINT_UNIQUE:
			rule->kind = AUDIT_UNIQUE;
			rule->tree = false;
			rule->nulls_equal = index_nulls_equal(form->conindid);
			return true;
		default:
			return false;
	}
}

AuditKey *
audit_rule_declared(Oid conid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));
	AuditRule	rule = {0};
	AuditKey   *ak = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (read_constraint(tuple, &rule))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		ak = new_rule(form->conrelid, NameStr(form->conname), &rule,
					  rule.condition ? NIL : constraint_columns(tuple));
	}
	ReleaseSysCache(tuple);
	return ak;
}

/* ---- does it still stand? ---- */

/* Returns whether a column of the condition was dropped or has another type by now */
static bool
var_changed(Node *node, void *context)
{
	Oid			relid = *(Oid *) context;

	if (node == NULL)
		return false;
	if (IsA(node, Var) && ((Var *) node)->varattno > 0)
	{
		Var		   *var = (Var *) node;
		Oid			type,
					collation;
		int32		typmod;

		get_atttypetypmodcoll(relid, var->varattno, &type, &typmod, &collation);
		return type != var->vartype || typmod != var->vartypmod || collation != var->varcollid;
	}
	return expression_tree_walker(node, var_changed, context);
}

static void
declared_again(AuditKey *ak, AuditKey *now)
{
	*ak->rule = *now->rule;
	ak->key = now->key;
	ak->child_columns = now->child_columns;
}

const char *
audit_rule_changed(AuditKey *ak)
{
	if (OidIsValid(ak->rule->conid))
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(ak));
		AuditKey   *now = audit_rule_declared(ak->rule->conid);

		if (now && now->key.child == ak->key.child)
			declared_again(ak, now);
		MemoryContextSwitchTo(old);
		return now ? NULL : "the constraint was dropped meanwhile";
	}
	for (int i = 0; i < ak->key.nkeys; i++)
	{
		if (!OidIsValid(get_atttype(ak->key.child, ak->key.child_att[i])))
			return "a column of the rule was dropped meanwhile";
	}
	return var_changed(ak->rule->condition, &ak->key.child) ? "a column of the rule has another type by now" : NULL;
}

/* ---- can it be judged? ---- */

static bool
has_virtual(const AuditKey *ak)
{
	for (int i = 0; i < ak->key.nkeys; i++)
	{
		if (is_virtual(ak->key.child, ak->key.child_att[i]))
			return true;
	}
	return ak->rule->whole_row;
}

const char *
audit_rule_problem(const AuditKey *ak)
{
	const AuditRule *rule = ak->rule;

	if (rule->condition && contain_volatile_functions(rule->condition))
		return "its condition calls a volatile function, so that no verdict would last";
	if (rule->whole_row && rule->tree && sg_children(ak->key.child) != NIL)
		return "its condition is about whole rows, and tables that inherit have other ones: the server would refuse such a CHECK";
	if (rule->kind == AUDIT_UNIQUE && has_virtual(ak))
		return "a column of it is computed when it is read";
	if (rule->kind == AUDIT_UNIQUE && !audit_distinct_possible(&ak->key))
		return "a column of it has a type without a default btree operator class";
	return NULL;
}

const char *
audit_rule_scan_problem(const AuditKey *ak, List *leaves)
{
	if (ak->rule->sample > 0)
		return "a sample of it is read";
	return audit_table_problem(ak->key.child, ak->rule->tree, leaves);
}

bool
audit_rule_parallel_safe(const AuditKey *ak)
{
	Query	   *query;

	if (ak->rule->condition == NULL)
		return ak->rule->kind == AUDIT_UNIQUE || !has_virtual(ak);
	query = makeNode(Query);
	query->commandType = CMD_SELECT;
	query->targetList = list_make1(makeTargetEntry((Expr *) ak->rule->condition, 1, NULL, false));
	return !has_virtual(ak) && max_parallel_hazard(query) == PROPARALLEL_SAFE;
}

/* ---- who may? ---- */

static CodeReach *
rule_reach(const AuditKey *ak, bool whole_row)
{
	CodeReach  *reach = code_reach();
	ListCell   *lc;

	if (ak->rule->condition)
		code_reach_expression(reach, ak->rule->condition, ak->rule->author);
	foreach(lc, ak->rule->shown)
		code_reach_type(reach, get_atttype(ak->key.child, lfirst_int(lc)));
	foreach(lc, ak->rule->tree ? sg_all_inheritors(ak->key.child) : list_make1_oid(ak->key.child))
	{
		code_reach_read(reach, lfirst_oid(lc));
		if (whole_row || has_virtual(ak))
			code_reach_row(reach, lfirst_oid(lc));
	}
	return reach;
}

FkProblem *
audit_rule_role(const AuditKey *ak, bool whole_row, Oid *role)
{
	char	   *reason = audit_rule_owner(ak, rule_reach(ak, whole_row), role);

	if (reason == NULL)
		return NULL;
	return fk_problem(FK_PROBLEM_OTHER, ERRCODE_INSUFFICIENT_PRIVILEGE,
					  psprintf("judging the rows is left alone: %s", reason), NULL);
}

bool
audit_rule_bare(const AuditKey *ak)
{
	return !code_found(rule_reach(ak, false));
}

static FkProblem *
role_problem(const AuditKey *ak, Oid role, bool whole_row)
{
	return audit_readable(ak->key.child, role, ak->key.child_att, ak->key.nkeys,
						  whole_row || ak->rule->whole_row);
}

FkProblem *
audit_rule_caller_problem(const AuditKey *ak, bool whole_row)
{
	FkProblem  *p;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(ak->key.child)))
		return fk_problem(FK_PROBLEM_OTHER, ERRCODE_UNDEFINED_TABLE, "the table was dropped meanwhile", NULL);
	p = audit_placed(ak->key.child);
	if (p == NULL)
		p = role_problem(ak, GetUserId(), whole_row);
	return p;
}

FkProblem *
audit_rule_access(const AuditKey *ak, bool whole_row)
{
	FkProblem  *p = audit_rule_caller_problem(ak, whole_row);
	Oid			owner = InvalidOid;

	if (p == NULL)
		p = audit_rule_role(ak, whole_row, &owner);
	if (p == NULL && OidIsValid(owner))
	{
		p = role_problem(ak, owner, whole_row);
		if (p)
			p->reason = psprintf("%s may do it, but %s", audit_is_foreign(ak) ?
								 "judging the rows asks a foreign server, so only the foreign table's owner" :
								 "judging the rows runs code that is not built in, so only the table's owner", p->reason);
	}
	return p;
}

FkProblem *
audit_rule_lock(const AuditKey *ak, bool wait, Oid *busy)
{
	*busy = InvalidOid;
	return audit_lock_rows(ak->key.child, ak->rule->tree, wait, busy);
}
