/*-------------------------------------------------------------------------
 *
 * script_hold.c
 *	  Locks that others wait for, for as long as a table is large: what is said
 *	  of them, and the CHECK that spares the read of rows for a new partition.
 *
 * The bound of a partition is transformed here only if its values are plain
 * constants and the key has built-in types and operators: another type's
 * input, casts and operators are somebody's code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_type.h"
#include "parser/parse_utilcmd.h"
#include "partitioning/partbounds.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "expression/expression.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_input.h"
#include "script/script.h"

/* Says what is done under a lock, and what nobody can do meanwhile where it is not ACCESS EXCLUSIVE */
static const struct
{
	const char *word;
	const char *does;
	const char *also;			/* held besides, behind the table */
	const char *nobody;
}			deeds[] = {
	{DOES_BUILD, "builds an index"},
	{DOES_REBUILD, "builds them anew", " and ACCESS EXCLUSIVE on its indexes", "write there, nor begin to read there,"},
	{DOES_READ, "reads all rows"},
	{DOES_REWRITE, "writes all of it anew"},
	{DOES_COMPUTE, "computes its rows"},
	{DOES_MAYBE_REWRITE, "writes all of it anew, as it may have to"},
	{DOES_MAYBE_READ, "reads all rows, unless a valid CHECK tells enough of them"},
};

char *
script_hold_text(const ScriptHold *hold)
{
	static const char *const modes[] = {
		[ShareLock] = "SHARE",[ShareRowExclusiveLock] = "SHARE ROW EXCLUSIVE",
		[ExclusiveLock] = "EXCLUSIVE",[AccessExclusiveLock] = "ACCESS EXCLUSIVE"
	};
	char	   *table = hold->whole ? psprintf("%s and its default partition %s", hold->whole, hold->relation) :
		hold->relation ? hold->relation : "each table that it is about";
	int			i = 0;

	while (i < lengthof(deeds) - 1 && strcmp(deeds[i].word, hold->does) != 0)
		i++;
	return psprintf("it holds %s on %s%s while it %s: nobody can %s meanwhile", modes[hold->lock], table,
					deeds[i].also ? deeds[i].also : "", deeds[i].does,
					hold->lock == AccessExclusiveLock ? "read or write there" : deeds[i].nobody ? deeds[i].nobody : "write there");
}

char *
script_hold_hint(const ScriptHold *hold, const PlanStep *step)
{
	if (hold->spared)
		return psprintf(sg_calls("To have the rows read beforehand, while others write:\n"
								 "SELECT sg_plan_set(plan, ARRAY[step], jsonb_build_object('after', after || %s(plan, %s)::text[])) "
								 "FROM schemaguard.plan_step WHERE plan = %s AND step = %d;"), sg_call_name("sg_plan_add"),
						quote_literal_cstr(psprintf("ALTER TABLE %s ADD CHECK (%s)", hold->relation, hold->spared)),
						quote_literal_cstr(step->plan), step->step);
	return psprintf("To hold it back until a quiet hour, when you release the phase:\n%s", plan_set_call(step, "phase", "quiet hour", NULL));
}

/* ---- partitions ---- */

/* Is a value of a bound one that no code but the server's computes? */
static bool
is_constant(Node *value)
{
	if (IsA(value, TypeCast))
	{
		Oid			type = LookupTypeNameOid(NULL, ((TypeCast *) value)->typeName, true);

		return OidIsValid(type) && type < FirstUnpinnedObjectId && IsA(((TypeCast *) value)->arg, A_Const);
	}
	/* MINVALUE or MAXVALUE */
	return IsA(value, A_Const) || IsA(value, ColumnRef);
}

/* Are the columns, types and operators of a partition key such that no code but the server's runs? */
static bool
has_plain_key(Relation parent)
{
	PartitionKey key = RelationGetPartitionKey(parent);

	for (int i = 0; i < key->partnatts; i++)
	{
		if (key->partattrs[i] == 0 || key->parttypid[i] >= FirstUnpinnedObjectId || key->partopfamily[i] >= FirstUnpinnedObjectId ||
			key->partopcintype[i] >= FirstUnpinnedObjectId)
			return false;
	}
	return true;
}

static bool
are_constants(const List *values)
{
	foreach_ptr(Node, value, values)
	{
		if (!is_constant(value))
			return false;
	}
	return true;
}

typedef struct Bound
{
	Relation	parent;
	PartitionBoundSpec *spec;
	bool		inside;
	List	   *conditions;
} Bound;

/* Sets the conditions of the rows that a bound takes, or of those that it leaves to the default partition */
static void
analyse_bound(void *arg)
{
	Bound	   *bound = arg;
	PartitionBoundSpec *spec = transformPartitionBound(make_parsestate(NULL), bound->parent, copyObject(bound->spec));

	bound->conditions = get_qual_from_partbound(bound->parent, spec);
	if (!bound->inside)
		bound->conditions = get_proposed_default_constraint(bound->conditions);
}

static char *
condition_text(const Bound *bound)
{
	Node	   *expr = list_length(bound->conditions) == 1 ? linitial(bound->conditions) : (Node *) make_andclause(bound->conditions);

	return deparse_expression(expr, deparse_context_for(RelationGetRelationName(bound->parent), RelationGetRelid(bound->parent)), false, false);
}

/* Has a table a valid CHECK that says the same as a condition?  The server has it print otherwise what it has read. */
static bool
has_check(Oid relid, const char *condition)
{
	SgCatalog	constraints;
	HeapTuple	tuple;
	bool		found = false;
	DriftScope	scope = {.kind = DRIFT_TEXT_EXPRESSION,.owner = sg_relation_name(relid)};

	sg_catalog_begin(&constraints, ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, relid, NULL);
	while (!found && HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
	{
		Form_pg_constraint c = (Form_pg_constraint) GETSTRUCT(tuple);
		char	   *reason;
		bool		is_null;
		Datum		bin = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(constraints.rel), &is_null);

		found = c->contype == CONSTRAINT_CHECK && c->convalidated && !is_null &&
			expression_compare_text(&scope, condition, sg_expression(bin, relid), &reason) == DRIFT_SAME;
	}
	sg_catalog_end(&constraints);
	return found;
}

bool
script_bound_holds(Oid parent, Oid partition, PartitionBoundSpec *spec, bool inside, char **condition)
{
	Bound		bound = {.spec = spec,.inside = inside};
	ErrorData  *error;
	SgScope		scope;
	bool		holds = false;

	*condition = NULL;
	if (!OidIsValid(parent) || !OidIsValid(partition) || get_rel_relkind(parent) != RELKIND_PARTITIONED_TABLE || spec->is_default ||
		spec->strategy == PARTITION_STRATEGY_HASH ||
		!are_constants(spec->listdatums) || !are_constants(spec->lowerdatums) || !are_constants(spec->upperdatums))
		return false;
	bound.parent = try_relation_open(parent, AccessShareLock);
	if (bound.parent == NULL)
		return false;
	error = has_plain_key(bound.parent) ? sg_try(analyse_bound, &bound) : NULL;
	if (error)
		sg_rethrow_cancel(error);
	if (bound.conditions)
	{
		/* values mean the same wherever the text is pasted */
		sg_caller_begin(&scope);
		sg_scope_pin_texts();
		*condition = condition_text(&bound);
		holds = has_check(partition, *condition);
		sg_scope_end(&scope);
	}
	relation_close(bound.parent, AccessShareLock);
	if (holds)
		*condition = NULL;
	return holds;
}

/* ---- plans ---- */

/* Does script_holds() of what a step runs, as plan_holds_hook: a text and a hint each */
static List *
hold_texts(const PlanStep *step)
{
	List	   *texts = NIL;

	foreach_ptr(const ScriptHold, hold, script_holds(plan_change_run(step)))
	{
		texts = lappend(texts, list_make2(script_hold_text(hold), script_hold_hint(hold, step)));
	}
	return texts;
}

void
script_hold_init(void)
{
	plan_holds_hook = hold_texts;
}
