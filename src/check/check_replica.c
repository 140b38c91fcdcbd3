/*-------------------------------------------------------------------------
 *
 * check_replica.c
 *	  Damage that a statement on one side of logical replication does to
 *	  the other side: rows that subscribers refuse, rows that are found by
 *	  other columns, and tables whose rows are not sent any more.
 *
 * A publisher sends what its own rules let in, and a subscriber's rules stop
 * the subscription.  So rules that a published table loses, and rules that a
 * table gets which a subscription writes, are told.  Names are for
 * check_sent.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/spi.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check.h"
#include "fk/fk.h"

/* ---- rows that one side takes and the other one does not ---- */

/* A table whose rules change */
typedef struct Ruled
{
	List	   *tables;			/* OIDs, with the named table first */
	const char *column;			/* column that the rule is about, or NULL */
	bool		looser;			/* the table accepts rows that it refused */
	bool		tighter;		/* the table refuses rows that it accepted */
} Ruled;

/* Returns the rank of a number type: each has all values of the types before it; 0: no number */
static int
number_rank(Oid type)
{
	static const Oid ranks[] = {INT2OID, INT4OID, INT8OID, NUMERICOID};

	for (int i = 0; i < lengthof(ranks); i++)
	{
		if (ranks[i] == type)
			return i + 1;
	}
	return 0;
}

/* Returns whether each value of one type, as printed, is a value of the other */
static bool
fits(Oid from, int32 from_typmod, Oid to, int32 to_typmod)
{
	bool		texts = to == TEXTOID || to == VARCHAROID;

	if (from == to && (to_typmod == from_typmod || to_typmod == -1))
		return true;
	if (texts && to_typmod == -1)
		return true;
	if (texts && from == VARCHAROID)
		return from_typmod != -1 && from_typmod <= to_typmod;
	return number_rank(from) && number_rank(from) < number_rank(to) && to_typmod == -1;
}

static void
read_type(const AlterTableCmd *command, Ruled *ruled)
{
	const ColumnDef *def = castNode(ColumnDef, command->def);
	AttrNumber	attnum = get_attnum(linitial_oid(ruled->tables), command->name);
	Oid			type = LookupTypeNameOid(NULL, def->typeName, true);
	FormData_pg_attribute column;
	int32		typmod;

	if (!OidIsValid(type) || attnum <= 0 || !sg_read_column(linitial_oid(ruled->tables), attnum, &column))
		return;
	typenameTypeIdAndMod(NULL, def->typeName, &type, &typmod);
	ruled->column = command->name;
	/* the values that the statement computes for existing rows are not sent */
	ruled->looser = def->raw_default != NULL || !fits(type, typmod, column.atttypid, column.atttypmod);
	ruled->tighter = !fits(column.atttypid, column.atttypmod, type, typmod);
}

static bool
is_rule(char contype)
{
	return contype != CONSTRAINT_FOREIGN && contype != CONSTRAINT_TRIGGER;
}

/* Returns whether there are rules that a row breaks which does not name the new column */
static bool
refuses_its_default(const ColumnDef *column)
{
	bool		has_default = column->typeName && list_length(column->typeName->names) == 1 && strstr(strVal(linitial(column->typeName->names)), "serial");
	bool		rule = false;
	bool		not_null = column->is_not_null;

	foreach_ptr(const Constraint, c, column->constraints)
	{
		has_default |= c->contype == CONSTR_DEFAULT || c->contype == CONSTR_IDENTITY || c->contype == CONSTR_GENERATED;
		not_null |= c->contype == CONSTR_NOTNULL || c->contype == CONSTR_PRIMARY;
		rule |= c->contype == CONSTR_CHECK;
	}
	foreach_ptr(const Constraint, c, column->constraints)
	{
		rule |= has_default && (c->contype == CONSTR_UNIQUE || c->contype == CONSTR_PRIMARY);
	}
	return rule || (not_null && !has_default);
}

static void
read_dropped_column(const AlterTableCmd *command, Ruled *ruled)
{
	Oid			relid = linitial_oid(ruled->tables);
	AttrNumber	attnum = get_attnum(relid, command->name);
	FormData_pg_attribute column;

	ruled->looser = attnum > 0 && sg_read_column(relid, attnum, &column) && column.attnotnull && !column.atthasdef && !column.attidentity;
	ruled->column = command->name;
}

static void
read_dropped_constraint(const AlterTableCmd *command, Ruled *ruled)
{
	HeapTuple	tuple = change_constraint(linitial_oid(ruled->tables), command->name);

	ruled->looser = tuple && is_rule(((Form_pg_constraint) GETSTRUCT(tuple))->contype);
}

static void
read_command(const AlterTableCmd *command, Ruled *ruled)
{
	const Constraint *constraint;

	switch (command->subtype)
	{
		case AT_SetNotNull:
		case AT_DropNotNull:
			ruled->column = command->name;
			ruled->tighter = command->subtype == AT_SetNotNull;
			ruled->looser = !ruled->tighter;
			break;
		case AT_AddConstraint:
			constraint = castNode(Constraint, command->def);
			ruled->tighter = constraint->contype != CONSTR_FOREIGN && constraint->indexname == NULL;
			break;
		case AT_DropConstraint:
			read_dropped_constraint(command, ruled);
			break;
		case AT_AlterColumnType:
			read_type(command, ruled);
			break;
		case AT_AddColumn:
			ruled->tighter = refuses_its_default(castNode(ColumnDef, command->def));
			break;
		case AT_DropColumn:
			read_dropped_column(command, ruled);
			break;
		case AT_AttachPartition:
			ruled->tables = list_make1_oid(change_find_named(((PartitionCmd *) command->def)->name));
			ruled->tighter = true;
			break;
		default:
			break;
	}
}

/* Returns the tables that have a column of a type, or of a domain over it, or arrays of one */
static List *
tables_with_type(Oid type)
{
	Datum		found;
	List	   *tables = NIL;
	char	   *numbers;

	if (!OidIsValid(type) ||
		!sg_owner_fetch("WITH RECURSIVE t (oid) AS (SELECT $1::oid UNION"
						" SELECT y.oid FROM pg_type y JOIN t ON y.typbasetype = t.oid OR y.typelem = t.oid)"
						" SELECT string_agg(DISTINCT a.attrelid::text, ' ') FROM pg_attribute a JOIN t ON t.oid = a.atttypid"
						" JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') WHERE NOT a.attisdropped AND a.attnum > 0 HAVING count(*) > 0",
						psprintf("%u", type), &found))
		return NIL;
	numbers = TextDatumGetCString(found);
	while (*numbers)
		tables = lappend_oid(tables, strtoul(numbers, &numbers, 10));
	return tables;
}

static Oid
type_named(List *names)
{
	return LookupTypeNameOid(NULL, makeTypeNameFromNameList(names), true);
}

static void
say_ruled(CheckStep *cs, const Ruled *ruled, const char *text)
{
	char	   *publications = ruled->looser ? change_published(ruled->tables, ruled->column, false) : NULL;

	if (publications)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends %s, and a subscription stops at a row that its own table still refuses", publications,
						   sg_relation_name(linitial_oid(ruled->tables))),
				  fk_owner_hint("Before the call, on each subscriber", linitial_oid(ruled->tables), InvalidOid, text));
	foreach_oid(relid, ruled->tighter ? ruled->tables : NIL)
	{
		const char *subscription = check_subscription_name(list_make1_oid(relid));

		if (subscription == NULL)
			continue;
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s: a row from there that the table then refuses stops it", subscription, sg_relation_name(relid)),
				  pstrdup("Have it done where the rows come from first."));
		return;
	}
}

static void
check_ruled(CheckStep *cs, List *tables, bool looser, bool tighter, const char *text)
{
	Ruled		ruled = {.tables = tables,.looser = looser,.tighter = tighter};

	if (tables)
		say_ruled(cs, &ruled, text);
}

static void
check_dropped_index(CheckStep *cs, const DropStmt *drop, const char *text)
{
	foreach_ptr(List, names, drop->removeType == OBJECT_INDEX ? drop->objects : NIL)
	{
		Oid			index = change_find_named(makeRangeVarFromNameList(names));
		HeapTuple	tuple = OidIsValid(index) ? SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index)) : NULL;
		Oid			table = InvalidOid;

		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_index) GETSTRUCT(tuple))->indisunique)
			table = ((Form_pg_index) GETSTRUCT(tuple))->indrelid;
		ReleaseSysCache(tuple);
		if (OidIsValid(table))
			check_ruled(cs, sg_with_partitions(table), true, false, text);
	}
}

/* Warns of rules that a table, or the type of its columns, gets or loses */
static void
check_rules(CheckStep *cs, Node *statement, const char *text)
{
	if (IsA(statement, IndexStmt) && ((IndexStmt *) statement)->unique)
	{
		Oid			table = change_find_named(((IndexStmt *) statement)->relation);

		check_ruled(cs, OidIsValid(table) ? sg_with_partitions(table) : NIL, false, true, text);
	}
	else if (IsA(statement, DropStmt))
		check_dropped_index(cs, (DropStmt *) statement, text);
	else if (IsA(statement, AlterEnumStmt))
	{
		AlterEnumStmt *stmt = (AlterEnumStmt *) statement;

		check_ruled(cs, tables_with_type(type_named(stmt->typeName)), true, stmt->oldVal != NULL, text);
	}
	else if (IsA(statement, AlterDomainStmt))
	{
		AlterDomainStmt *stmt = (AlterDomainStmt *) statement;

		/* the apply worker checks no domain for nulls */
		if (stmt->subtype == 'C' || stmt->subtype == 'X')
			check_ruled(cs, tables_with_type(type_named(stmt->typeName)), stmt->subtype == 'X', stmt->subtype == 'C', text);
	}
}

/* ---- columns by which rows are found ---- */

/* Replica identity of a table: columns by which changed rows are found */
typedef struct Identity
{
	bool		full;			/* REPLICA IDENTITY FULL */
	List	   *columns;		/* names of columns; NIL: none */
} Identity;

static List *
index_columns(Oid index)
{
	HeapTuple	tuple = OidIsValid(index) ? SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index)) : NULL;
	Form_pg_index form;
	List	   *names = NIL;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] > 0)
			names = lappend(names, sg_column_name(form->indrelid, form->indkey.values[i]));
	}
	ReleaseSysCache(tuple);
	return names;
}

/* Sets the index that is the replica identity, or InvalidOid; returns false if the table is gone */
static bool
read_identity(Oid relid, Identity *identity, Oid *index)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		return false;
	*index = RelationGetReplicaIndex(rel);
	identity->full = rel->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
	relation_close(rel, AccessShareLock);
	identity->columns = index_columns(*index);
	return true;
}

static List *
keys_of(const Constraint *constraint)
{
	List	   *names = NIL;

	foreach_ptr(String, key, constraint->keys)
	{
		names = lappend(names, strVal(key));
	}
	return names;
}

/*
 * Returns whether ALTER TABLE gives the table another replica identity; sets
 * it, and the new primary key
 */
static bool
changes_identity(const AlterTableStmt *stmt, Oid relid, Oid index, Identity *after, List **primary)
{
	bool		by_key = OidIsValid(index) && list_length(fk_primary_key(relid)) > 0;
	bool		changes = false;

	foreach_ptr(const AlterTableCmd, command, stmt->cmds)
	{
		if (command->subtype == AT_ReplicaIdentity)
		{
			const ReplicaIdentityStmt *identity = (ReplicaIdentityStmt *) command->def;

			after->full = identity->identity_type == REPLICA_IDENTITY_FULL;
			after->columns = identity->identity_type == REPLICA_IDENTITY_DEFAULT ? *primary :
				identity->identity_type == REPLICA_IDENTITY_INDEX ? index_columns(get_relname_relid(identity->name, get_rel_namespace(relid))) : NIL;
			changes = true;
		}
		else if (command->subtype == AT_DropConstraint && !after->full)
		{
			HeapTuple	tuple = change_constraint(relid, command->name);

			if (tuple == NULL)
				continue;
			if (((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_PRIMARY)
				*primary = NIL;
			if (OidIsValid(index) && ((Form_pg_constraint) GETSTRUCT(tuple))->conindid == index)
			{
				after->columns = NIL;
				changes = true;
			}
		}
		else if (command->subtype == AT_AddConstraint && ((Constraint *) command->def)->contype == CONSTR_PRIMARY)
		{
			*primary = keys_of((Constraint *) command->def);
			if (changes && by_key && !after->full && after->columns == NIL)
				after->columns = *primary;
		}
	}
	return changes;
}

/*
 * Returns the publications whose filters use columns outside of the replica
 * identity, or whose column lists lack a part of it, or NULL; with REPLICA
 * IDENTITY FULL, there can be no list
 */
static char *
that_refuse(Oid relid, const Identity *identity)
{
	Datum		names;
	StringInfoData argument;

	initStringInfo(&argument);
	appendStringInfo(&argument, "%u %s", relid, identity->full ? "" : sg_names_text(identity->columns));
	return sg_owner_fetch("SELECT string_agg(DISTINCT quote_ident(p.pubname), ', ')"
						  " FROM (SELECT split_part($1, ' ', 1)::oid, nullif(substr($1, strpos($1, ' ') + 1), '')::text[]) i (relid, names)"
						  " CROSS JOIN LATERAL (SELECT i.relid UNION SELECT a.relid FROM pg_partition_ancestors(i.relid) a) l"
						  " JOIN pg_publication_rel r ON r.prrelid = l.relid JOIN pg_publication p ON p.oid = r.prpubid"
						  " CROSS JOIN LATERAL (SELECT"
						  "   ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) AS listed,"
						  "   ARRAY(SELECT a.attname::text FROM regexp_matches(r.prqual::text, ':varattno (\\d+)', 'g') m JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = m[1]::int) AS chosen) c"
						  " WHERE (p.pubupdate OR p.pubdelete) AND (r.prattrs IS NOT NULL AND (i.names IS NULL OR NOT i.names <@ c.listed)"
						  "   OR i.names IS NOT NULL AND NOT c.chosen <@ i.names) HAVING count(*) > 0",
						  argument.data, &names) ? TextDatumGetCString(names) : NULL;
}

static void
say_found_otherwise(CheckStep *cs, Oid relid, const Identity *before, const Identity *after, List *key, List *key_after, const char *text)
{
	List	   *tables = sg_with_partitions(relid);
	const char *subscription = check_subscription_name(tables);
	char	   *publications = after->full || after->columns ? change_published(tables, NULL, true) : NULL;
	char	   *refusing = publications ? that_refuse(relid, after) : NULL;
	List	   *found_by = before->columns ? before->columns : key;

	if (refusing)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s chooses rows or columns of %s by others than its replica identity then: the server refuses to update or delete its rows", refusing, sg_relation_name(relid)),
				  pstrdup("Have filters use nothing but columns of the replica identity, and column lists hold all of them, by ALTER PUBLICATION ... SET TABLE first."));
	else if (publications && !after->full && (found_by == NIL || !sg_has_names(after->columns, found_by)))
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends updates and deletes of %s by (%s) then: a subscription stops where its table has another replica identity or primary key",
						   publications, sg_relation_name(relid), sg_quote_list(after->columns)),
				  psprintf("On each subscriber, when it has applied what was written before:\n%s;", text));

	/*
	 * the subscriber finds rows by its replica identity, else by its primary
	 * key, which the publisher has to send completely
	 */
	key_after = after->columns ? after->columns : key_after;
	if (subscription && found_by && (key_after == NIL || !sg_has_names(found_by, key_after)))
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s, and stops if a row is updated or deleted that it finds by (%s) alone", subscription, sg_relation_name(relid), sg_quote_list(found_by)),
				  pstrdup("Have it done where the rows come from first."));
}

static void
check_found(CheckStep *cs, const AlterTableStmt *stmt, const char *text)
{
	Oid			relid = change_find_named(stmt->relation);
	Identity	before;
	Identity	after;
	Oid			index;
	List	   *key = OidIsValid(relid) ? fk_primary_key(relid) : NIL;
	List	   *key_after = key;

	if (!OidIsValid(relid) || !read_identity(relid, &before, &index))
		return;
	after = before;
	if (changes_identity(stmt, relid, index, &after, &key_after))
		say_found_otherwise(cs, relid, &before, &after, key, key_after, text);
}

/* ---- tables that are not sent, or not written, any more ---- */

static void
say_not_sent(CheckStep *cs, const char *publications, const char *table, const char *reason)
{
	check_row(cs, "publication", CHECK_WARN,
			  psprintf("publication %s does not send %s then%s", publications, table, reason),
			  psprintf("If subscribers need them, when the call is done:\nALTER PUBLICATION %s ADD TABLE %s;", publications, table));
}

/* Warns of a table that leaves a schema whose tables are published */
static void
check_leaving(CheckStep *cs, const AlterObjectSchemaStmt *move)
{
	Oid			relid = move->relation ? change_find_named(move->relation) : InvalidOid;
	char	   *publications = OidIsValid(relid) ? change_published_in(get_rel_namespace(relid), relid) : NULL;
	char	   *still = publications ? change_published_in(get_namespace_oid(move->newschema, true), relid) : NULL;

	if (publications && !sg_same_text(publications, still))
		say_not_sent(cs, publications, sg_qualified_name(move->newschema, move->relation->relname), ": subscribers keep the rows that they have, and get no more");
}

/* Warns of an inheriting table of a published one, which is not published with it */
static void
say_heir(CheckStep *cs, const RangeVar *heir, Oid parent)
{
	Oid			relid = change_find_named(heir);
	char	   *sent = OidIsValid(parent) ? change_published(list_make1_oid(parent), NULL, false) : NULL;
	Oid			schema = heir->schemaname ? get_namespace_oid(heir->schemaname, true) : InvalidOid;
	char	   *own = OidIsValid(relid) ? change_published(list_make1_oid(relid), NULL, false) : change_published_in(schema, InvalidOid);

	if (sent && own == NULL)
		say_not_sent(cs, sent, heir->schemaname ? sg_qualified_name(heir->schemaname, heir->relname) : pstrdup(quote_identifier(heir->relname)),
					 psprintf(", whose rows are among those of %s", sg_relation_name(parent)));
}

/* Warns of a partition that leaves a published table, or one that a subscription writes */
static void
say_detached(CheckStep *cs, Oid whole, const RangeVar *name)
{
	Oid			relid = change_find_named(name);
	List	   *tables = OidIsValid(relid) ? sg_with_partitions(relid) : NIL;
	const char *subscription = OidIsValid(whole) ? check_subscription_name(list_make1_oid(whole)) : NULL;
	Datum		left;

	if (tables &&
		sg_owner_fetch("SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname) FROM pg_publication p CROSS JOIN (SELECT oid, relnamespace FROM pg_class WHERE oid = $1::oid) c"
					   " WHERE NOT p.puballtables AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a JOIN pg_class w ON w.oid = a.relid WHERE a.relid <> c.oid"
					   "   AND (EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = w.oid)"
					   "        OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = w.relnamespace)))"
					   " AND (p.pubviaroot OR NOT EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)"
					   "   AND NOT EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND n.pnnspid = c.relnamespace)) HAVING count(*) > 0",
					   psprintf("%u", relid), &left))
		say_not_sent(cs, TextDatumGetCString(left), sg_relation_name(relid), " as it was: subscribers keep the rows that they have, and get no more");
	if (subscription)
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s, and stops if rows come for a partition that it does not find", subscription, sg_relation_name(whole)),
				  pstrdup("Have the partition detached where the rows come from first."));
}

static void
check_command(CheckStep *cs, const AlterTableStmt *stmt, const AlterTableCmd *command, const char *text)
{
	Oid			relid = change_find_named(stmt->relation);
	Ruled		ruled = {.tables = OidIsValid(relid) ? sg_all_inheritors(relid) : NIL};

	if (ruled.tables == NIL)
		return;
	if (command->subtype == AT_AddInherit)
		say_heir(cs, stmt->relation, change_find_named((RangeVar *) command->def));
	else if (command->subtype == AT_DetachPartition)
		say_detached(cs, relid, ((PartitionCmd *) command->def)->name);
	else if (command->subtype == AT_DropExpression)
	{
		char	   *publications = change_published(ruled.tables, NULL, false);

		if (publications)
			check_row(cs, "publication", CHECK_WARN,
					  psprintf("publication %s sends column %s then, and a subscription stops where it is computed", publications, quote_identifier(command->name)),
					  fk_owner_hint("Before the call, on each subscriber", relid, InvalidOid, text));
	}
	else
	{
		read_command(command, &ruled);
		if (ruled.tables && OidIsValid(linitial_oid(ruled.tables)))
			say_ruled(cs, &ruled, text);
	}
}

void
check_replica(CheckStep *cs, Node *statement, const char *text)
{
	check_rules(cs, statement, text);
	if (IsA(statement, AlterTableStmt))
	{
		foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
		{
			check_command(cs, (AlterTableStmt *) statement, command, text);
		}
		check_found(cs, (AlterTableStmt *) statement, text);
	}
	else if (IsA(statement, CreateStmt) && ((CreateStmt *) statement)->partbound == NULL)
	{
		foreach_ptr(const RangeVar, parent, ((CreateStmt *) statement)->inhRelations)
		{
			say_heir(cs, ((CreateStmt *) statement)->relation, change_find_named(parent));
		}
	}
	else if (IsA(statement, AlterObjectSchemaStmt))
		check_leaving(cs, (AlterObjectSchemaStmt *) statement);
	else if (IsA(statement, DropStmt) && ((DropStmt *) statement)->removeType == OBJECT_PUBLICATION)
	{
		foreach_ptr(String, name, ((DropStmt *) statement)->objects)
		{
			check_row(cs, "publication", CHECK_WARN, psprintf("publication %s goes: a subscription to it stops, or gets no more rows", quote_identifier(strVal(name))),
					  pstrdup("On each subscriber, take it out of the subscription first, by ALTER SUBSCRIPTION ... DROP PUBLICATION."));
		}
	}
	else if (IsA(statement, RenameStmt) && ((RenameStmt *) statement)->renameType == OBJECT_PUBLICATION)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s gets another name: a subscription to it stops, or gets no more rows", quote_identifier(strVal(((RenameStmt *) statement)->object))),
				  psprintf("On each subscriber, have the subscription name it as %s when the call is done, by ALTER SUBSCRIPTION ... SET PUBLICATION.",
						   quote_identifier(((RenameStmt *) statement)->newname)));
}
