/*-------------------------------------------------------------------------
 *
 * fix_restore_order.c
 *	  Order in which tables get their rows back from quarantine.
 *
 *	  Tables come in levels: those to which keys refer before those that refer
 *	  to them.  Tables of one level do not refer to each other, except in a
 *	  cycle.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/oidlist.h"
#include "fix/fix_restore.h"
#include "fk/fk.h"

/* A table with rows in quarantine */
typedef struct KeptTable
{
	char	   *name;			/* name when its rows were removed */
	List	   *parents;		/* KeptTable *: tables to which its keys refer */
	int			number;			/* order of the visit; 0: not visited yet */
	int			lowest;			/* smallest number to which its keys lead back */
	int			level;			/* 0: depends on no other table; -1: not known
								 * yet */
} KeptTable;

/* Visited tables whose level is not known yet */
typedef struct Visit
{
	List	   *open;			/* KeptTable *, the latest last */
	int			visited;
} Visit;

/* Gives one level to the tables that were visited from this one on: they are a cycle */
static void
close_cycle(Visit *visit, const KeptTable *table)
{
	List	   *cycle = NIL;
	KeptTable  *last;
	int			level = 0;

	do
	{
		last = llast(visit->open);
		visit->open = list_delete_last(visit->open);
		cycle = lappend(cycle, last);
		foreach_ptr(const KeptTable, parent, last->parents)
		{
			level = Max(level, parent->level + 1);
		}
	} while (last != table);
	foreach_ptr(KeptTable, member, cycle)
	{
		member->level = level;
	}
}

/*
 * Finds the level of a table, and of all to which its keys lead, by Tarjan's
 * algorithm for strongly connected components
 */
static void
visit_table(Visit *visit, KeptTable *table)
{
	check_stack_depth();
	table->number = table->lowest = ++visit->visited;
	visit->open = lappend(visit->open, table);
	foreach_ptr(KeptTable, parent, table->parents)
	{
		if (parent->number == 0)
			visit_table(visit, parent);
		if (parent->level < 0)
			table->lowest = Min(table->lowest, parent->lowest);
	}
	if (table->lowest == table->number)
		close_cycle(visit, table);
}

/* Records for each table the tables whose rows must exist before its own */
static void
find_parents(SgOidLists *by_root)
{
	foreach_ptr(const FkKey, key, fk_declared(InvalidOid))
	{
		List	   *children = key->enforced ? sg_lists_of(by_root, sg_partition_root(key->child)) : NIL;
		List	   *parents = children ? sg_lists_of(by_root, sg_partition_root(key->parent)) : NIL;

		/* a key to its own table does not order tables */
		if (children == parents)
			continue;
		foreach_ptr(KeptTable, child, children)
		{
			child->parents = list_concat_unique_ptr(child->parents, parents);
		}
	}
}

List *
fix_restore_levels(const PlanRun *run, List *names)
{
	SgOidLists *by_root = sg_lists_create();
	List	   *tables = NIL;
	List	   *levels = NIL;
	Visit		visit = {0};

	foreach_ptr(char, name, names)
	{
		KeptTable  *table = palloc0(sizeof(KeptTable));
		Oid			relid = fix_table_of_rows(run, name, NULL);

		table->name = name;
		table->level = -1;
		tables = lappend(tables, table);
		if (OidIsValid(relid))
			sg_lists_add(by_root, sg_partition_root(relid), table);
	}
	find_parents(by_root);
	sg_lists_free(by_root);
	foreach_ptr(KeptTable, table, tables)
	{
		if (table->number == 0)
			visit_table(&visit, table);
		while (list_length(levels) <= table->level)
			levels = lappend(levels, NIL);
		lfirst(list_nth_cell(levels, table->level)) = lappend(list_nth(levels, table->level), table->name);
	}
	return levels;
}
