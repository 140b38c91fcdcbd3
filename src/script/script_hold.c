/*-------------------------------------------------------------------------
 *
 * script_hold.c
 *	  Locks that others wait for, held longer for a larger table: their texts,
 *	  and the statements that spare a new partition the deed: a CHECK, indexes
 *	  and keys of its own.
 *
 *	  The bound of a partition is transformed here only if its values are
 *	  plain constants and the key has built-in types and operators, because
 *	  another type's input function, casts and operators are their owners'
 *	  code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
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
#include "fk/fk.h"
#include "plan/plan_call.h"
#include "plan/plan_change.h"
#include "plan/plan_input.h"
#include "script/script.h"

/*
 * Texts of the deed under a lock, and of what others cannot do meanwhile, if
 * the lock is not ACCESS EXCLUSIVE
 */
static const struct
{
	const char *word;
	const char *does;
	const char *to;				/* text for a deed on another table; NULL:
								 * "of" it */
	const char *unless;			/* text after the deed's table */
	const char *also;			/* further lock held, after the table */
	const char *nobody;
	const char *before;			/* text of what to do beforehand */
}			deeds[] = {
	{DOES_BUILD, "builds an index",.before = "the indexes built"},
	{DOES_REBUILD, "builds them anew",.also = " and ACCESS EXCLUSIVE on its indexes",.nobody = "write there, nor begin to read there,"},
	{DOES_READ, "reads all rows"},
	{DOES_CHECK, "checks a foreign key in all rows",.before = "the keys checked"},
	{DOES_REWRITE, "writes all of it anew", "writes all of %s anew"},
	{DOES_COMPUTE, "computes its rows"},
	{DOES_MAYBE_REWRITE, "writes all of it anew", "writes all of %s anew",.unless = ", as it may have to"},
	{DOES_REFUSE, NULL},
	{DOES_MAYBE_READ, "reads all rows",.unless = ", unless a valid CHECK tells enough of them",.before = "the rows read"},
};

/* Returns the index of a deed in this list */
static int
deed_of(const ScriptHold *hold)
{
	int			i = 0;

	while (i < lengthof(deeds) - 1 && strcmp(deeds[i].word, hold->does) != 0)
		i++;
	return i;
}

static const char *
or_nothing(const char *text)
{
	return text ? text : "";
}

/* Number of inheriting tables that are named */
#define HEIRS_NAMED	5

/* Returns ", and on public.a and public.b, which inherit from it," or an empty text */
static const char *
heirs_text(const List *heirs)
{
	StringInfoData text;
	int			n = list_length(heirs);
	int			i = 0;

	if (n == 0)
		return "";
	initStringInfo(&text);
	foreach_ptr(const char, name, heirs)
	{
		if (i < HEIRS_NAMED)
			appendStringInfo(&text, "%s%s", i == 0 ? " and on " : ", ", name);
		i++;
	}
	if (n > HEIRS_NAMED)
		appendStringInfo(&text, " and %d more", n - HEIRS_NAMED);
	appendStringInfo(&text, ", which inherit%s from it,", n == 1 ? "s" : "");
	return text.data;
}

char *
script_hold_text(const ScriptHold *hold)
{
	static const char *const modes[] = {
		[ShareLock] = "SHARE",[ShareRowExclusiveLock] = "SHARE ROW EXCLUSIVE",
		[ExclusiveLock] = "EXCLUSIVE",[AccessExclusiveLock] = "ACCESS EXCLUSIVE"
	};
	int			i = deed_of(hold);
	const char *does = strcmp(hold->does, DOES_BUILD) == 0 && list_length(hold->ways) > 1 ?
		psprintf("builds %d indexes", list_length(hold->ways)) : deeds[i].does;

	if (strcmp(hold->does, DOES_REFUSE) == 0)
		return psprintf("until it is done, rows that it takes are refused (23514): the default partition %s has a CHECK against them", hold->relation);
	if (hold->tables)
		does = deeds[i].to ? psprintf(deeds[i].to, hold->relation) : psprintf("%s of %s", does, hold->relation);
	return psprintf("it holds %s on %s%s%s while it %s%s: nobody can %s meanwhile", modes[hold->lock],
					hold->tables ? hold->tables : hold->relation ? hold->relation : "each table that it is about",
					or_nothing(deeds[i].also), heirs_text(hold->heirs), does, or_nothing(deeds[i].unless),
					hold->lock == AccessExclusiveLock ? "read or write there" : deeds[i].nobody ? deeds[i].nobody : "write there");
}

char *
script_hold_hint(const ScriptHold *hold, const PlanStep *step)
{
	StringInfoData added;

	if (strcmp(hold->does, DOES_REFUSE) == 0)
		return psprintf("To let them in again, if the step does not follow soon:\n%s;", hold->undo);
	if (hold->ways == NIL)
		return psprintf("To hold it back until a quiet hour, when you release the phase:\n%s", plan_set_call(step, "phase", "quiet hour", NULL));
	initStringInfo(&added);
	foreach_ptr(const char, way, hold->ways)
	{
		appendStringInfo(&added, " || %s(plan, %s)::text[]", sg_call_name("sg_plan_add"), quote_literal_cstr(way));
	}
	return psprintf(sg_calls("To have %s beforehand, while others write%s:\n"
							 "SELECT sg_plan_set(plan, ARRAY[step], jsonb_build_object('after', after%s)) "
							 "FROM schemaguard.plan_step WHERE plan = %s AND step = %d;"), deeds[deed_of(hold)].before,
					hold->undo ? psprintf("; rows that the step takes are refused (23514) from then on until it is done, or until %s", hold->undo) : "",
					added.data,
					quote_literal_cstr(step->plan), step->step);
}

/* ---- partitions ---- */

/* Returns whether only the server's code computes a value of a bound */
static bool
is_constant(Node *value)
{
	if (IsA(value, TypeCast))
	{
		Oid			type = LookupTypeNameOid(NULL, ((TypeCast *) value)->typeName, true);

		return OidIsValid(type) && type < FirstUnpinnedObjectId && IsA(((TypeCast *) value)->arg, A_Const);
	}
	/* MINVALUE or MAXVALUE is a ColumnRef */
	return IsA(value, A_Const) || IsA(value, ColumnRef);
}

/* Returns whether the columns, types and operators of a partition key run only the server's code */
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

/*
 * Returns whether a CHECK can be written that the server takes for proof.
 * There is none if the key's collation differs from its column's and the server
 * relabels a type that has a length, or an array; nor for a list, whose values
 * have the column's collation then, unless that is the type's.
 */
static bool
has_proof(Relation parent, const PartitionBoundSpec *spec)
{
	PartitionKey key = RelationGetPartitionKey(parent);

	for (int i = 0; i < key->partnatts; i++)
	{
		if (key->partcollation[i] == key->parttypcoll[i])
			continue;
		if (IsPolymorphicType(key->partopcintype[i]) || (key->partopcintype[i] == key->parttypid[i] && key->parttypmod[i] >= 0) ||
			(list_length(spec->listdatums) > 1 && key->parttypcoll[i] != get_typcollation(key->parttypid[i])))
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

/*
 * Sets the conditions of the rows that belong into a bound, or of the rows that
 * stay in the default partition
 */
static void
analyse_bound(void *arg)
{
	Bound	   *bound = arg;
	PartitionBoundSpec *spec = transformPartitionBound(make_parsestate(NULL), bound->parent, copyObject(bound->spec));

	bound->conditions = get_qual_from_partbound(bound->parent, spec);
	if (!bound->inside)
		bound->conditions = get_proposed_default_constraint(bound->conditions);
}

/*
 * Returns a condition with COLLATE wherever the key's collation differs from
 * its column's: the server relabels the column, which its text does not show,
 * and takes only a condition that does so too for proof.
 */
static Node *
with_collate(Node *node, void *context)
{
	RelabelType *relabel = (RelabelType *) node;
	CollateExpr *collate;

	if (node == NULL)
		return NULL;
	if (!IsA(node, RelabelType) || relabel->resultcollid == exprCollation((Node *) relabel->arg))
		return expression_tree_mutator(node, with_collate, context);
	collate = makeNode(CollateExpr);
	collate->arg = relabel->resulttype == exprType((Node *) relabel->arg) ? relabel->arg : (Expr *) relabel;
	collate->collOid = relabel->resultcollid;
	collate->location = -1;
	return (Node *) collate;
}

static char *
condition_text(const Bound *bound)
{
	Node	   *expr = list_length(bound->conditions) == 1 ? linitial(bound->conditions) : (Node *) make_andclause(bound->conditions);

	expr = with_collate(expr, NULL);

	return deparse_expression(expr, deparse_context_for(RelationGetRelationName(bound->parent), RelationGetRelid(bound->parent)), false, false);
}

/*
 * Returns the valid CHECK of a table that equals a condition, or NULL.
 * Compares the server's own prints of both.
 */
static char *
find_check(Oid relid, const char *condition)
{
	SgCatalog	constraints;
	HeapTuple	tuple;
	char	   *found = NULL;
	DriftScope	scope = {.kind = DRIFT_TEXT_EXPRESSION,.owner = sg_relation_name(relid)};

	sg_catalog_begin(&constraints, ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, relid, NULL);
	while (!found && HeapTupleIsValid(tuple = sg_catalog_next(&constraints)))
	{
		Form_pg_constraint c = (Form_pg_constraint) GETSTRUCT(tuple);
		char	   *reason;
		bool		is_null;
		Datum		bin = heap_getattr(tuple, Anum_pg_constraint_conbin, RelationGetDescr(constraints.rel), &is_null);

		if (c->contype == CONSTRAINT_CHECK && c->convalidated && !is_null &&
			expression_compare_text(&scope, condition, sg_expression(bin, relid), &reason) == DRIFT_SAME)
			found = pstrdup(NameStr(c->conname));
	}
	sg_catalog_end(&constraints);
	return found;
}

char *
script_bound_check(Oid parent, Oid partition, PartitionBoundSpec *spec, bool inside, char **condition)
{
	Bound		bound = {.spec = spec,.inside = inside};
	ErrorData  *error;
	SgScope		scope;
	char	   *check = NULL;

	*condition = NULL;
	if (!OidIsValid(parent) || !OidIsValid(partition) || get_rel_relkind(parent) != RELKIND_PARTITIONED_TABLE || spec->is_default ||
		spec->strategy == PARTITION_STRATEGY_HASH ||
		!are_constants(spec->listdatums) || !are_constants(spec->lowerdatums) || !are_constants(spec->upperdatums))
		return NULL;
	bound.parent = try_relation_open(parent, AccessShareLock);
	if (bound.parent == NULL)
		return NULL;
	error = has_plain_key(bound.parent) && has_proof(bound.parent, spec) ? sg_try(analyse_bound, &bound) : NULL;
	if (error)
		sg_rethrow_cancel(error);
	if (bound.conditions)
	{
		/* pinned settings: values mean the same wherever the text is pasted */
		sg_caller_begin(&scope);
		sg_scope_pin_texts();
		*condition = condition_text(&bound);
		check = find_check(partition, *condition);
		sg_scope_end(&scope);
	}
	relation_close(bound.parent, AccessShareLock);
	if (check)
		*condition = NULL;
	return check;
}

/* ---- indexes and keys of a partition that is attached ---- */

/*
 * Returns the part of CREATE INDEX after the table, which is the same for the
 * table's partitions, or NULL.
 */
static char *
index_body(Oid index, Oid table, const FormData_pg_index *form)
{
	char	   *definition = sg_definition(pg_get_indexdef, index);
	char	   *head = psprintf("CREATE %sINDEX %s ON %s%s ", form->indisunique ? "UNIQUE " : "", quote_identifier(sg_rel_name(index)),
								get_rel_relkind(index) == RELKIND_PARTITIONED_INDEX ? "ONLY " : "", sg_relation_name(table));

	return strncmp(definition, head, strlen(head)) == 0 ? definition + strlen(head) : NULL;
}

/* Copies a row of pg_index; returns false if there is none */
static bool
read_index_form(Oid index, FormData_pg_index *form)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));

	if (!HeapTupleIsValid(tuple))
		return false;
	memcpy(form, GETSTRUCT(tuple), offsetof(FormData_pg_index, indkey));
	ReleaseSysCache(tuple);
	return true;
}

/* Returns the one of these indexes of a table that ATTACH PARTITION would take, or InvalidOid */
static Oid
index_like(Oid table, const List *indexes, const char *body, const FormData_pg_index *wanted, bool is_constraint)
{
	foreach_oid(index, indexes)
	{
		FormData_pg_index form;
		char	   *its;

		if (!read_index_form(index, &form) || form.indisunique != wanted->indisunique)
			continue;
		if (is_constraint && (!OidIsValid(get_index_constraint(index)) || form.indisprimary != wanted->indisprimary))
			continue;
		its = index_body(index, table, &form);
		if (its && body && strcmp(its, body) == 0)
			return index;
	}
	return InvalidOid;
}

/* Returns a free name, quoted, for an index of a partition that is to become part of another index */
static const char *
index_name(Oid partition, Oid index)
{
	return quote_identifier(ChooseRelationName(sg_rel_name(partition), sg_rel_name(index), "idx", get_rel_namespace(partition), false));
}

static char *
add_constraint_text(Oid table, Oid constraint)
{
	return psprintf("ALTER TABLE %s ADD %s", sg_relation_name(table), sg_definition(pg_get_constraintdef, constraint));
}

List *
script_missing_indexes(Oid whole, Oid partition)
{
	List	   *own = list_copy(fk_table_indexes(partition));
	List	   *missing = NIL;
	SgScope		scope;

	/* a foreign table gets no index */
	if (get_rel_relkind(partition) == RELKIND_FOREIGN_TABLE)
		return NIL;
	sg_caller_begin(&scope);
	sg_scope_pin_texts();
	foreach_oid(index, fk_table_indexes(whole))
	{
		FormData_pg_index form;
		Oid			constraint = get_index_constraint(index);
		char	   *body = read_index_form(index, &form) ? index_body(index, whole, &form) : NULL;
		Oid			found = body ? index_like(partition, own, body, &form, OidIsValid(constraint)) : InvalidOid;

		if (OidIsValid(found))
			own = list_delete_oid(own, found);
		else if (OidIsValid(constraint))
			missing = lappend(missing, add_constraint_text(partition, constraint));
		else if (body)
			missing = lappend(missing, psprintf("CREATE %sINDEX %s ON %s %s", form.indisunique ? "UNIQUE " : "", index_name(partition, index),
												sg_relation_name(partition), body));
	}
	sg_scope_end(&scope);
	return missing;
}

/*
 * Returns whether a partition has a valid key equal to a key of the partitioned
 * table; also true if it lacks a column, which ATTACH refuses.
 */
static bool
has_key(Oid partition, const FkKey *key)
{
	FkKey	   *wanted;
	FkKey	   *own;

	for (int i = 0; i < key->nkeys; i++)
	{
		if (get_attnum(partition, sg_column_name(key->child, key->child_att[i])) == InvalidAttrNumber)
			return true;
	}
	wanted = fk_on_partition(key, partition);
	own = fk_declared_twin(wanted);
	return own && own->validated && fk_clause_difference(wanted, own) == NULL;
}

List *
script_missing_keys(Oid whole, Oid partition)
{
	List	   *missing = NIL;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_pin_texts();
	foreach_oid(table, lcons_oid(whole, list_copy(sg_partition_ancestors(whole))))
	{
		foreach_ptr(const FkKey, key, fk_declared(table))
		{
			if (key->enforced && !has_key(partition, key))
				missing = lappend(missing, add_constraint_text(partition, key->conid));
		}
	}
	sg_scope_end(&scope);
	return missing;
}

List *
script_tied_tables(Oid relid)
{
	List	   *tables = NIL;
	SgCatalog	triggers;
	HeapTuple	tuple;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
	{
		Oid			other = ((Form_pg_trigger) GETSTRUCT(tuple))->tgconstrrelid;

		if (OidIsValid(other) && other != relid)
			tables = list_append_unique_oid(tables, other);
	}
	sg_catalog_end(&triggers);
	return tables;
}

/* Adds the relations among the objects that depend on an object, or on which it depends */
static List *
add_relations(List *relations, bool dependents, Oid classid, Oid objid)
{
	SgCatalog	depends;
	HeapTuple	tuple;

	sg_catalog_begin_depend(&depends, dependents, classid, objid, 0);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&depends)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if ((dependents ? depend->classid : depend->refclassid) == RelationRelationId)
			relations = list_append_unique_oid(relations, dependents ? depend->objid : depend->refobjid);
	}
	sg_catalog_end(&depends);
	return relations;
}

List *
script_related(Oid relid)
{
	List	   *relations = list_concat_unique_oid(sg_all_inheritors(relid), sg_partition_ancestors(relid));
	SgCatalog	parts;
	HeapTuple	tuple;

	relations = add_relations(relations, true, RelationRelationId, relid);
	relations = add_relations(relations, false, RelationRelationId, relid);
	sg_catalog_begin_depend(&parts, true, RelationRelationId, relid, 0);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&parts)))
		relations = add_relations(relations, false, ((Form_pg_depend) GETSTRUCT(tuple))->classid, ((Form_pg_depend) GETSTRUCT(tuple))->objid);
	sg_catalog_end(&parts);
	return relations;
}

static bool
has_column(const AttrNumber *columns, int n, AttrNumber column)
{
	for (int i = 0; i < n; i++)
	{
		if (columns[i] == column)
			return true;
	}
	return false;
}

List *
script_keys_of_column(Oid relid, const char *column)
{
	AttrNumber	attnum = OidIsValid(relid) ? get_attnum(relid, column) : InvalidAttrNumber;
	List	   *keys = NIL;

	foreach_oid(table, attnum == InvalidAttrNumber ? NIL : lcons_oid(relid, script_tied_tables(relid)))
	{
		foreach_ptr(FkKey, key, fk_declared(table))
		{
			if ((key->child == relid && has_column(key->child_att, key->nkeys, attnum)) ||
				(key->parent == relid && has_column(key->parent_att, key->nkeys, attnum)))
				keys = lappend(keys, key);
		}
	}
	return keys;
}

/* ---- plans ---- */

/* plan_holds_hook: returns a text and a hint for each of script_holds() */
static List *
hold_texts(const PlanStep *step)
{
	List	   *texts = NIL;

	foreach_ptr(const ScriptHold, hold, script_holds(step))
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
