/*-------------------------------------------------------------------------
 *
 * fk_target.c
 *	  Resolving a key that is only planned, as ALTER TABLE would.
 *
 * The rules are those of PostgreSQL's own ATAddForeignKeyConstraint and
 * transformFkeyCheckAttrs: the target is the primary key, or a unique index
 * that is valid, immediate, neither partial nor on expressions, INCLUDE
 * allowed; the operator comes from that index' operator family for the base
 * type of the child's column, else from an implicit cast.  What they raise
 * as an error comes back here as an FkProblem, so that one bad key does not
 * stop a plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/nearest.h"
#include "base/quote.h"
#include "fk/fk.h"
#include "fk/fk_internal.h"

typedef struct TargetIndex
{
	bool		deferrable;		/* deferrable: unique at the end of a
								 * transaction only */
	bool		overlaps;		/* WITHOUT OVERLAPS (18+): only for PERIOD
								 * keys */
	Oid			index;
	int			nkeys;
	AttrNumber	attnums[INDEX_MAX_KEYS];
	Oid			opclass[INDEX_MAX_KEYS];
} TargetIndex;

FkProblem *
fk_problem(FkProblemKind kind, int sqlerrcode, const char *reason, const char *hint)
{
	FkProblem  *p = palloc0(sizeof(FkProblem));

	p->kind = kind;
	p->sqlerrcode = sqlerrcode;
	p->reason = pstrdup(reason);
	p->hint = hint ? pstrdup(hint) : NULL;
	return p;
}

static FkProblem *
check_table(Oid relid, const char *side)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE)
		return fk_problem(FK_PROBLEM_TABLE, ERRCODE_WRONG_OBJECT_TYPE,
						  psprintf("%s %s is not a table", side, sg_relation_name(relid)),
						  "A foreign key joins ordinary or partitioned tables.");
	if (IsCatalogRelationOid(relid) || IsToastNamespace(get_rel_namespace(relid)))
		return fk_problem(FK_PROBLEM_TABLE, ERRCODE_INSUFFICIENT_PRIVILEGE,
						  psprintf("%s %s is a system table", side, sg_relation_name(relid)),
						  "A foreign key can't have a system table on either side.");
	if (sg_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return fk_problem(FK_PROBLEM_PERSISTENCE, ERRCODE_INVALID_TABLE_DEFINITION,
						  psprintf("%s %s is a temporary table", side, sg_relation_name(relid)),
						  "Plans are for tables that stay; add keys of temporary tables where they are created.");
	return NULL;
}

FkProblem *
fk_check_tables(Oid child, Oid parent)
{
	FkProblem  *p = NULL;

	if (OidIsValid(child))
		p = check_table(child, "child");
	if (p == NULL && OidIsValid(parent))
		p = check_table(parent, "parent");
	if (p == NULL && OidIsValid(child) && OidIsValid(parent) &&
		sg_rel_persistence(child) == RELPERSISTENCE_PERMANENT &&
		sg_rel_persistence(parent) == RELPERSISTENCE_UNLOGGED)
		p = fk_problem(FK_PROBLEM_PERSISTENCE, ERRCODE_INVALID_TABLE_DEFINITION,
					   psprintf("child %s is permanent, but parent %s is unlogged",
								sg_relation_name(child), sg_relation_name(parent)),
					   fk_owner_hint("Make the parent permanent", parent, InvalidOid,
									 psprintf("ALTER TABLE %s SET LOGGED", sg_relation_name(parent))));
	return p;
}

/*
 * Resolves column names to numbers.  The problem names a column that is missing
 * or given twice; it has a hint only if a similar name exists.
 */
static FkProblem *
find_columns(Oid relid, List *names, const char *side, AttrNumber *attnums)
{
	int			n = 0;

	if (list_length(names) > INDEX_MAX_KEYS)
		return fk_problem(FK_PROBLEM_COLUMN, ERRCODE_TOO_MANY_COLUMNS,
						  psprintf("a key has at most %d columns", INDEX_MAX_KEYS),
						  NULL);

	foreach_ptr(char, name, names)
	{
		AttrNumber	attnum = get_attnum(relid, name);

		if (attnum == InvalidAttrNumber)
		{
			char	   *near = sg_nearest_column(relid, name);
			char	   *several = sg_several_names(name);

			return fk_problem(FK_PROBLEM_NO_COLUMN, ERRCODE_UNDEFINED_COLUMN,
							  psprintf("%s %s has no column %s", side,
									   sg_relation_name(relid), quote_identifier(name)),
							  several ? several : near ? psprintf("Perhaps you meant column %s.", quote_identifier(near)) : NULL);
		}
		if (attnum < 0)
			return fk_problem(FK_PROBLEM_COLUMN, ERRCODE_INVALID_COLUMN_REFERENCE,
							  psprintf("column %s of %s %s is a system column",
									   quote_identifier(name), side, sg_relation_name(relid)),
							  "System columns can't be in a key.");
		for (int i = 0; i < n; i++)
		{
			if (attnums[i] == attnum)
				return fk_problem(FK_PROBLEM_TARGET, ERRCODE_INVALID_FOREIGN_KEY,
								  psprintf("column %s of %s %s is listed twice",
										   quote_identifier(name), side, sg_relation_name(relid)),
								  NULL);
		}
		attnums[n++] = attnum;
	}

	return NULL;
}

/*
 * Reads an index as a possible target; returns false if no key can reference
 * it, whatever its columns are
 */
static bool
read_target(Oid indexoid, bool want_primary, bool period, TargetIndex *target)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexoid));
	Form_pg_index form;
	bool		usable;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_index) GETSTRUCT(tuple);

	usable = (period ? form->indisexclusion : form->indisunique) && form->indisvalid &&
		(!want_primary || form->indisprimary) &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indexprs, NULL);
	if (usable)
	{
		bool		isnull;
		Datum		datum = SysCacheGetAttr(INDEXRELID, tuple,
											Anum_pg_index_indclass, &isnull);
		oidvector  *classes = (oidvector *) DatumGetPointer(datum);

		target->index = indexoid;
		target->nkeys = form->indnkeyatts;
		for (int i = 0; i < form->indnkeyatts; i++)
		{
			target->attnums[i] = form->indkey.values[i];
			target->opclass[i] = classes->values[i];
		}
		target->deferrable = !form->indimmediate;
		target->overlaps = form->indisexclusion;
	}
	ReleaseSysCache(tuple);

	return usable;
}

/* Returns whether the index has exactly these columns, and its operator classes in their order */
static bool
match_target(const TargetIndex *target, const AttrNumber *attnums, int n, Oid *opclass)
{
	if (target->nkeys != n)
		return false;
	for (int i = 0; i < n; i++)
	{
		bool		found = false;

		for (int j = 0; j < n && !found; j++)
		{
			if (target->attnums[j] == attnums[i])
			{
				opclass[i] = target->opclass[j];
				found = true;
			}
		}
		if (!found)
			return false;
	}
	return true;
}

List *
fk_table_indexes(Oid relid)
{
	SgCatalog	catalog;
	HeapTuple	tuple;
	List	   *indexes = NIL;

	sg_catalog_begin(&catalog, IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, relid, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&catalog)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		if (form->indislive)
			indexes = lappend_oid(indexes, form->indexrelid);
	}

	list_sort(indexes, list_oid_cmp);
	return indexes;
}

List *
fk_primary_key(Oid relid)
{
	ListCell   *lc;

	foreach(lc, fk_table_indexes(relid))
	{
		TargetIndex target;

		if (read_target(lfirst_oid(lc), true, false, &target))
			return sg_attribute_names(relid, target.attnums, target.nkeys);
	}
	return NIL;
}

/*
 * Returns the operator parent = child for one pair of columns, or parent &&
 * child for the period of a PERIOD key; InvalidOid if there is none
 */
static Oid
choose_operator(Oid opclass, Oid parent_type, Oid child_type, bool period, bool overlaps)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass form;
	Oid			family;
	Oid			input;
	Oid			method;
	Oid			base = getBaseType(child_type);
	Oid			pf;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_OBJECT, "an operator class");
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	family = form->opcfamily;
	input = form->opcintype;
	method = form->opcmethod;
	ReleaseSysCache(tuple);

	/*
	 * only PERIOD keys, over ranges and multiranges, use another access
	 * method than btree
	 */
	if (method != BTREE_AM_OID && !period)
		return InvalidOid;
	if (overlaps && input != ANYRANGEOID && input != ANYMULTIRANGEOID)
		return InvalidOid;

	pf = SG_KEY_OPERATOR(family, input, base, overlaps);
	if (OidIsValid(pf) && OidIsValid(SG_KEY_OPERATOR(family, base, base, overlaps)))
		return pf;

	/*
	 * If the family's input type is polymorphic, both columns must match it
	 * together: int[] must not meet point[].
	 */
	{
		Oid			inputs[2] = {parent_type, child_type};
		Oid			targets[2] = {input, input};

		if (can_coerce_type(2, inputs, targets, COERCION_IMPLICIT))
			return SG_KEY_OPERATOR(family, input, input, overlaps);
	}

	return InvalidOid;
}

/* ---- which key may be meant instead ---- */

/* Returns whether the types of the child's columns fit those of an index, in its order */
static bool
types_fit(const FkKey *key, const TargetIndex *target)
{
	for (int i = 0; i < target->nkeys; i++)
	{
		if (key->child_att[i] <= 0 ||
			!OidIsValid(choose_operator(target->opclass[i], get_atttype(key->parent, target->attnums[i]),
										get_atttype(key->child, key->child_att[i]), false, false)))
			return false;
	}
	return true;
}

List *
fk_fitting_key(const FkKey *key)
{
	ListCell   *lc;

	if (key->period)
		return NIL;
	for (int primary = 1; primary >= 0; primary--)
	{
		foreach(lc, fk_table_indexes(key->parent))
		{
			Oid			opclass[INDEX_MAX_KEYS];
			TargetIndex target;

			if (!read_target(lfirst_oid(lc), primary, false, &target) || target.nkeys != key->nkeys)
				continue;
			/* a key that references the primary key needs no proposal */
			if (primary && match_target(&target, key->parent_att, key->nkeys, opclass))
				return NIL;
			if (!target.deferrable && types_fit(key, &target))
				return sg_attribute_names(key->parent, target.attnums, target.nkeys);
		}
	}
	return NIL;
}

/* Returns a hint that proposes another key of the parent whose types fit, or NULL */
static char *
meant_key_hint(const FkKey *key)
{
	List	   *columns = fk_fitting_key(key);

	return columns ? psprintf("Perhaps you meant (%s) of %s, which the types go with.",
							  sg_quote_list(columns), sg_relation_name(key->parent)) : NULL;
}

/* Sets the hint of a missing column, unless a similar name is its hint already */
static FkProblem *
no_column_hint(FkProblem *problem, char *hint)
{
	if (problem && problem->kind == FK_PROBLEM_NO_COLUMN && problem->hint == NULL)
		problem->hint = hint ? hint : "Add the column, or correct the name.";
	return problem;
}

bool
fk_same_types(const FkKey *key, int n)
{
	for (int i = 0; i < Min(n, key->nkeys); i++)
	{
		if (getBaseType(get_atttype(key->child, key->child_att[i])) !=
			getBaseType(get_atttype(key->parent, key->parent_att[i])))
			return false;
	}
	return true;
}

/*
 * Finds the unique index that the key would reference.  If parent_columns is
 * NIL, that is the primary key, whose columns are stored in key->parent_att.
 */
static FkProblem *
find_target(FkKey *key, List *parent_columns, Oid *opclass, int *nparent)
{
	ListCell   *lc;
	bool		deferred_match = false;
	bool		overlaps_match = false;
	bool		primary = parent_columns == NIL;
	FkProblem  *p = NULL;
	char	   *hint;

	key->index = InvalidOid;

	if (!primary)
	{
		p = find_columns(key->parent, parent_columns, "parent", key->parent_att);
		if (p)
			return no_column_hint(p, meant_key_hint(key));
		*nparent = list_length(parent_columns);
	}

	foreach(lc, fk_table_indexes(key->parent))
	{
		TargetIndex target;

		if (!read_target(lfirst_oid(lc), primary, key->period, &target))
			continue;
		if (primary)
		{
			memcpy(key->parent_att, target.attnums, target.nkeys * sizeof(AttrNumber));
			*nparent = target.nkeys;
		}
		if (!match_target(&target, key->parent_att, *nparent, opclass) ||
			(key->period && target.attnums[target.nkeys - 1] != key->parent_att[*nparent - 1]))
			continue;
		if (target.deferrable || (target.overlaps && !key->period))
		{
			deferred_match |= target.deferrable;
			overlaps_match |= target.overlaps;
			continue;
		}
		key->index = target.index;
		return NULL;
	}

	if (overlaps_match)
		return fk_problem(FK_PROBLEM_TARGET, ERRCODE_INVALID_FOREIGN_KEY,
						  psprintf("the key of parent %s is WITHOUT OVERLAPS",
								   sg_relation_name(key->parent)),
						  "Only a foreign key with PERIOD can reference it: set period to true in the plan.");
	if (deferred_match)
		return fk_problem(FK_PROBLEM_TARGET, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						  psprintf("the unique constraint on parent %s is deferrable",
								   sg_relation_name(key->parent)),
						  "Make the constraint NOT DEFERRABLE, or add a unique index beside it.");
	if (key->period)
		return fk_problem(FK_PROBLEM_TARGET, ERRCODE_INVALID_FOREIGN_KEY,
						  psprintf("parent %s has no %s%s whose last column is WITHOUT OVERLAPS",
								   sg_relation_name(key->parent), primary ? "primary key" : "key on ",
								   primary ? "" : psprintf("(%s)", sg_quote_list(parent_columns))),
						  "Add a primary key or unique constraint with WITHOUT OVERLAPS first.");
	if (primary)
		return fk_problem(FK_PROBLEM_TARGET, ERRCODE_UNDEFINED_OBJECT,
						  psprintf("parent %s has no primary key",
								   sg_relation_name(key->parent)),
						  "Name the referenced columns, or add a primary key.");
	hint = fk_same_types(key, *nparent) ? NULL : meant_key_hint(key);
	return fk_problem(FK_PROBLEM_TARGET, ERRCODE_INVALID_FOREIGN_KEY,
					  psprintf("parent %s has no unique index on (%s)",
							   sg_relation_name(key->parent), sg_quote_list(parent_columns)),
					  hint ? hint :
					  get_rel_relkind(key->parent) != RELKIND_PARTITIONED_TABLE ? NULL :
					  psprintf("What is unique there has the columns of the partition key. What there is:\nSELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u');",
							   quote_literal_cstr(sg_relation_name(key->parent))));
}

/* Checks types and collations of one pair of columns; sets key->pf_eq_op[i] */
static FkProblem *
resolve_pair(FkKey *key, int i, Oid opclass)
{
	Oid			parent_type,
				child_type,
				parent_coll,
				child_coll;
	int32		typmod;

	get_atttypetypmodcoll(key->parent, key->parent_att[i], &parent_type, &typmod, &parent_coll);
	get_atttypetypmodcoll(key->child, key->child_att[i], &child_type, &typmod, &child_coll);

	key->pf_eq_op[i] = choose_operator(opclass, parent_type, child_type, key->period,
									   key->period && i == key->nkeys - 1);
	if (!OidIsValid(key->pf_eq_op[i]))
	{
		char	   *hint = meant_key_hint(key);
		Oid			cast;

		/*
		 * an explicit cast can fail for any value: ALTER TYPE would be tried
		 * in vain
		 */
		if (hint == NULL && find_coercion_pathway(parent_type, child_type, COERCION_ASSIGNMENT, &cast) == COERCION_PATH_NONE)
			hint = "No assignment cast leads from the one type to the other: name columns that go together.";

		return fk_problem(FK_PROBLEM_OPERATOR, ERRCODE_DATATYPE_MISMATCH,
						  psprintf("no operator joins %s %s to %s %s",
								   quote_identifier(sg_column_name(key->child, key->child_att[i])),
								   format_type_be(child_type),
								   quote_identifier(sg_column_name(key->parent, key->parent_att[i])),
								   format_type_be(parent_type)),
						  hint ? hint :
						  fk_owner_hint("Give the child's column the parent's type, which rewrites the table under a lock", key->child, parent_type,
										psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s USING %s::%s",
												 sg_relation_name(key->child), quote_identifier(sg_column_name(key->child, key->child_att[i])),
												 format_type_be(parent_type), quote_identifier(sg_column_name(key->child, key->child_att[i])),
												 format_type_be(parent_type))));
	}

	if (SG_NONDETERMINISTIC_MUST_AGREE &&
		OidIsValid(parent_coll) && OidIsValid(child_coll) &&
		parent_coll != child_coll &&
		(!get_collation_isdeterministic(parent_coll) ||
		 !get_collation_isdeterministic(child_coll)))
		return fk_problem(FK_PROBLEM_COLLATION, ERRCODE_COLLATION_MISMATCH,
						  psprintf("columns %s and %s have incompatible collations \"%s\" and \"%s\"",
								   quote_identifier(sg_column_name(key->child, key->child_att[i])),
								   quote_identifier(sg_column_name(key->parent, key->parent_att[i])),
								   sg_collation_name(child_coll), sg_collation_name(parent_coll)),
						  "Where either collation is nondeterministic, both columns need the same one.");
	return NULL;
}

FkProblem *
fk_resolve(Oid child, List *child_columns, Oid parent, List *parent_columns, FkKey *key)
{
	Oid			opclass[INDEX_MAX_KEYS];
	int			nparent = 0;
	FkProblem  *p;

	key->child = child;
	key->parent = parent;
	key->nkeys = list_length(child_columns);

	p = fk_check_tables(child, parent);
	if (p == NULL)
		p = no_column_hint(find_columns(child, child_columns, "child", key->child_att), NULL);
	if (p == NULL)
		p = find_target(key, parent_columns, opclass, &nparent);
	if (p)
		return p;

	if (nparent != key->nkeys)
		return fk_problem(FK_PROBLEM_TARGET, ERRCODE_INVALID_FOREIGN_KEY,
						  psprintf("%d columns of %s can't reference %d columns of %s",
								   key->nkeys, sg_relation_name(child),
								   nparent, sg_relation_name(parent)),
						  "Name as many referenced columns as referencing ones.");

	for (int i = 0; i < key->nkeys && p == NULL; i++)
		p = resolve_pair(key, i, opclass[i]);

	return p;
}
