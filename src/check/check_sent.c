/*-------------------------------------------------------------------------
 *
 * check_sent.c
 *	  Effects of a step on publications: new names of tables and columns,
 *	  tables that get published, and rows that the server then refuses to
 *	  change.
 *
 *	  Publications send by name, and a subscription stops at a name that the
 *	  subscriber does not have.  So each row has the statement for the
 *	  subscribers.  A statement that makes or changes a publication is run on
 *	  trial, so that the server itself decides its effect.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/depend.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "base/scope.h"
#include "base/spi.h"
#include "change/change.h"
#include "check/check.h"
#include "fk/fk.h"
#include "plan/plan_change.h"
#include "plan/plan_drops.h"

/* Warns of the name under which a dropped column is kept, which a subscriber's tables do not have */
static void
check_sent_kept(CheckStep *cs, const ChangeMove *move)
{
	char	   *publications = move->kept_as ? change_published(sg_all_inheritors(move->table), cs->step->fk_name, false) : NULL;

	if (publications)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends the column by its name, and a subscription stops where there is no %s",
						   publications, quote_identifier(move->kept_as)),
				  psprintf("Before the call, on each subscriber, add column %s.", quote_identifier(move->kept_as)));
}

/* Warns of a dropped table that publications send */
static void
say_unsent(CheckStep *cs, const char *publications, Oid relid)
{
	check_row(cs, "publication", CHECK_WARN,
			  psprintf("publication %s sends %s, which goes: subscribers keep the rows that they have, and get no more", publications, sg_relation_name(relid)),
			  pstrdup("Have subscribers do without the table, and refresh their subscriptions after the call."));
}

static void
check_sent_dropped(CheckStep *cs, const ChangeMove *move)
{
	char	   *publications = change_published(list_concat(sg_with_partitions(move->table), sg_partition_ancestors(move->table)), NULL, false);

	if (publications)
		say_unsent(cs, publications, move->table);
}

static char *
name_of(const RangeVar *var)
{
	return var->schemaname ? sg_qualified_name(var->schemaname, var->relname) : pstrdup(quote_identifier(var->relname));
}

/* ---- names that statements change ---- */

/* Tables that a statement renames, or moves to another schema, or a column of each */
typedef struct Renamed
{
	List	   *tables;			/* OIDs */
	const char *column;			/* renamed column; NULL: the table */
	const char *sent;			/* name that publications send */
	const char *name;			/* the new one */
	bool		comes;			/* see Coming, too */
} Renamed;

static List *
extension_relations(const char *extension)
{
	Oid			oid = get_extension_oid(extension, true);
	ObjectAddress address = {ExtensionRelationId, oid, 0};
	List	   *relids = NIL;

	foreach_ptr(const SgDependency, member, OidIsValid(oid) ? sg_dependencies(&address, true) : NIL)
	{
		if (member->type == DEPENDENCY_EXTENSION && member->object.classId == RelationRelationId)
			relids = lappend_oid(relids, member->object.objectId);
	}
	return relids;
}

/* Returns the typed tables of a type, with tables that inherit from them */
static List *
typed_tables(Oid type)
{
	List	   *relids = NIL;

	foreach_oid(typed, OidIsValid(type) ? sg_typed_tables(type) : NIL)
	{
		relids = list_concat_unique_oid(relids, sg_all_inheritors(typed));
	}
	return relids;
}

/*
 * Returns the tables that ALTER TABLE affects by a column of the relation that
 * it names; for a composite type, its typed tables
 */
static List *
tables_with_column(const RangeVar *name)
{
	Oid			relid = sg_find_qualified(name_of(name));

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		return typed_tables(relid);
	return name->inh ? sg_all_inheritors(relid) : list_make1_oid(relid);
}

/* Reads a rename by the kind of its object, because ALTER INDEX can rename a table as well */
static void
read_rename(const RenameStmt *rename, Renamed *renamed)
{
	Oid			relid = rename->relation ? sg_find_qualified(name_of(rename->relation)) : InvalidOid;

	renamed->name = rename->newname;
	if (rename->renameType == OBJECT_SCHEMA)
	{
		renamed->tables = sg_relations_in(get_namespace_oid(rename->subname, true));
		renamed->sent = "tables by the name of the schema";
	}
	else if (rename->renameType == OBJECT_COLUMN || rename->renameType == OBJECT_ATTRIBUTE)
	{
		renamed->tables = OidIsValid(relid) ? tables_with_column(rename->relation) : NIL;
		renamed->column = rename->subname;
		renamed->sent = "the column by its name";
	}
	else if (OidIsValid(relid) && rename->subname == NULL)
	{
		renamed->tables = list_make1_oid(relid);
		renamed->sent = "the table by its name";
	}
}

static void
read_move(const AlterObjectSchemaStmt *move, Renamed *renamed)
{
	Oid			relid = move->relation ? sg_find_qualified(name_of(move->relation)) : InvalidOid;

	renamed->name = move->newschema;
	renamed->comes = OidIsValid(relid);
	if (renamed->comes)
		renamed->tables = list_make1_oid(relid);
	else if (move->objectType == OBJECT_EXTENSION)
	{
		renamed->tables = extension_relations(strVal(move->object));
		renamed->sent = "tables of the extension by the name of their schema";
	}
}

/*
 * Warns of a new name that publications send and a subscriber's tables do not
 * have, or of the old one by which a subscription finds a table
 */
static void
check_renamed(CheckStep *cs, Node *statement, const char *text, const char *lead)
{
	Renamed		renamed = {NIL};
	char	   *publications;
	Oid			written = InvalidOid;

	if (IsA(statement, RenameStmt))
		read_rename((RenameStmt *) statement, &renamed);
	else if (IsA(statement, AlterObjectSchemaStmt))
		read_move((AlterObjectSchemaStmt *) statement, &renamed);
	foreach_oid(relid, renamed.tables)
	{
		if (!OidIsValid(written) && check_subscription_name(list_make1_oid(relid)))
			written = relid;
	}
	if (OidIsValid(written))
	{
		const char *subscription = check_subscription_name(list_make1_oid(written));

		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("%ssubscription %s writes to %s, and stops if rows come for a %s that it does not find", lead, subscription,
						   sg_relation_name(written), renamed.column ? "column" : "table"),
				  psprintf("Before the call, stop the subscription, and start it again when the same is done where the rows come from:\nALTER SUBSCRIPTION %s DISABLE;", subscription));
	}
	publications = renamed.tables && !renamed.comes ? change_published(renamed.tables, renamed.column, false) : NULL;
	if (publications)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("%spublication %s sends %s, and a subscription stops where there is no %s", lead, publications, renamed.sent, quote_identifier(renamed.name)),
				  psprintf("On each subscriber, when it has applied what was written before:\n%s;", text));
}

/* ---- columns that come ---- */

/* Returns the GENERATED clause of a new column, or NULL */
static const Constraint *
computed_by(const ColumnDef *column)
{
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (c->contype == CONSTR_GENERATED)
			return c;
	}
	return NULL;
}

/*
 * Returns the publications among some that send stored generated columns, or
 * NULL; pubgencols exists from 18 on
 */
static char *
that_send_computed(const char *publications)
{
	Datum		names;

	return sg_owner_fetch("SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname) FROM pg_publication p"
						  " WHERE to_jsonb(p) ->> 'pubgencols' = 's' AND quote_ident(p.pubname) = ANY (string_to_array($1, ', ')) HAVING count(*) > 0",
						  publications, &names) ? TextDatumGetCString(names) : NULL;
}

/*
 * Warns of a column that publications send as soon as it exists; a subscriber
 * can't write a column that is generated there
 */
static void
check_sent_column(CheckStep *cs, List *tables, const ColumnDef *column, const char *text)
{
	char	   *publications = change_published(tables, column->colname, false);
	const Constraint *computed = computed_by(column);
	const char *name = quote_identifier(column->colname);

	if (publications && computed)
		publications = SG_IS_VIRTUAL(computed) ? NULL : that_send_computed(publications);
	if (publications)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends the new column, and a subscription stops where there is no %s", publications, name),
				  computed ? psprintf("Before the call, on each subscriber, add column %s, as one that is not generated.", name) :
				  fk_owner_hint("Add it before the call, on each subscriber", linitial_oid(tables), InvalidOid, text));
}

static void
check_sent_columns(CheckStep *cs, const AlterTableStmt *stmt, const char *text)
{
	foreach_ptr(const AlterTableCmd, command, stmt->cmds)
	{
		List	   *tables = command->subtype == AT_AddColumn ? tables_with_column(stmt->relation) : NIL;

		if (tables && get_attnum(linitial_oid(tables), castNode(ColumnDef, command->def)->colname) == InvalidAttrNumber)
			check_sent_column(cs, tables, (ColumnDef *) command->def, text);
	}
}

/* ---- tables ---- */

/*
 * A table that a statement creates, makes logged, or puts into another schema
 * or under a partitioned table
 */
typedef struct Coming
{
	const char *name;			/* its future name, qualified if the statement
								 * says so */
	Oid			schema;			/* its new schema, or InvalidOid: it stays */
	Oid			relid;			/* InvalidOid: a new table */
	Oid			whole;			/* the partitioned table above it, or
								 * InvalidOid */
	bool		identified;		/* a new table that may have a replica
								 * identity */
} Coming;

/* Returns whether a CREATE TABLE has a primary key, or may take one over */
static bool
has_primary_key(const CreateStmt *stmt, Oid whole)
{
	foreach_ptr(Node, element, list_concat_copy(stmt->tableElts, stmt->constraints))
	{
		if (IsA(element, TableLikeClause) || (IsA(element, Constraint) && ((Constraint *) element)->contype == CONSTR_PRIMARY))
			return true;
		foreach_ptr(Node, part, IsA(element, ColumnDef) ? ((ColumnDef *) element)->constraints : NIL)
		{
			if (IsA(part, Constraint) && ((Constraint *) part)->contype == CONSTR_PRIMARY)
				return true;
		}
	}
	return OidIsValid(whole) && fk_primary_key(whole) != NIL;
}

/* Sets the new table of a name; returns false if it exists, or is published nowhere */
static bool
new_table(const RangeVar *var, Coming *coming)
{
	if (var->relpersistence != RELPERSISTENCE_PERMANENT || OidIsValid(sg_find_qualified(name_of(var))))
		return false;
	coming->name = name_of(var);
	coming->schema = var->schemaname ? get_namespace_oid(var->schemaname, true) : InvalidOid;
	return true;
}

static bool
is_sendable(Oid relid)
{
	char		relkind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

/* Sets the future of an existing table; returns false if there is none */
static bool
known_table(const RangeVar *var, const char *schema, Oid whole, Coming *coming)
{
	coming->relid = sg_find_qualified(name_of(var));
	if (!is_sendable(coming->relid) || sg_rel_persistence(coming->relid) != RELPERSISTENCE_PERMANENT)
		return false;
	coming->name = schema ? sg_qualified_name(schema, var->relname) : name_of(var);
	coming->schema = schema ? get_namespace_oid(schema, true) : InvalidOid;
	coming->whole = whole;
	return true;
}

/* Returns whether the table becomes logged: unlogged tables are in no publication */
static bool
becomes_logged(const AlterTableStmt *stmt, Coming *coming)
{
	Oid			relid = sg_find_qualified(name_of(stmt->relation));

	foreach_ptr(const AlterTableCmd, command, is_sendable(relid) && sg_rel_persistence(relid) == RELPERSISTENCE_UNLOGGED ? stmt->cmds : NIL)
	{
		if (command->subtype != AT_SetLogged)
			continue;
		coming->relid = relid;
		coming->name = name_of(stmt->relation);
		coming->schema = get_rel_namespace(relid);
		return true;
	}
	return false;
}

static bool
is_coming(Node *statement, Coming *coming)
{
	memset(coming, 0, sizeof(Coming));
	if (IsA(statement, CreateStmt))
	{
		CreateStmt *stmt = (CreateStmt *) statement;

		if (stmt->partbound)
			coming->whole = sg_find_qualified(name_of(linitial_node(RangeVar, stmt->inhRelations)));
		coming->identified = has_primary_key(stmt, coming->whole);
		return new_table(stmt->relation, coming);
	}
	if (IsA(statement, AlterObjectSchemaStmt) && ((AlterObjectSchemaStmt *) statement)->relation)
		return known_table(((AlterObjectSchemaStmt *) statement)->relation, ((AlterObjectSchemaStmt *) statement)->newschema, InvalidOid, coming);
	if (IsA(statement, AlterTableStmt))
	{
		AlterTableStmt *stmt = (AlterTableStmt *) statement;
		AlterTableCmd *command = linitial_node(AlterTableCmd, stmt->cmds);

		if (command->subtype == AT_AttachPartition)
			return known_table(((PartitionCmd *) command->def)->name, NULL, sg_find_qualified(name_of(stmt->relation)), coming);
		return becomes_logged(stmt, coming);
	}
	return false;
}

/*
 * Returns the publications that will send the table, or, with `changes`, its
 * updates or deletes; as a text, or NULL. prexcept exists from 19 on.
 */
static char *
will_publish(const Coming *coming, bool changes)
{
#define WILL_PUBLISH(WHICH) \
	"SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname) FROM pg_publication p," \
	" (SELECT split_part($1, ' ', 1)::oid[], split_part($1, ' ', 2)::oid, split_part($1, ' ', 3)::oid) t (relids, schema, coming) WHERE " WHICH " (" \
	"  p.puballtables AND NOT EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = ANY (t.relids))" \
	"  OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND NOT p.puballtables AND r.prrelid = ANY (t.relids))" \
	"  OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid AND (n.pnnspid = t.schema" \
	"    OR n.pnnspid IN (SELECT c.relnamespace FROM pg_class c WHERE c.oid = ANY (t.relids) AND c.oid <> t.coming)))" \
	") HAVING count(*) > 0"
	StringInfoData above;
	Datum		names;
	List	   *relids = OidIsValid(coming->relid) ? list_make1_oid(coming->relid) : NIL;

	if (OidIsValid(coming->relid))
		relids = list_concat(relids, sg_partition_ancestors(coming->relid));
	if (OidIsValid(coming->whole))
		relids = list_concat(lappend_oid(relids, coming->whole), sg_partition_ancestors(coming->whole));
	initStringInfo(&above);
	foreach_oid(relid, relids)
	{
		appendStringInfo(&above, "%s%u", above.len ? "," : "{", relid);
	}
	appendStringInfo(&above, "%s} %u %u", above.len ? "" : "{", coming->schema, coming->relid);
	return sg_owner_fetch(changes ? WILL_PUBLISH("(p.pubupdate OR p.pubdelete) AND") : WILL_PUBLISH(""), above.data, &names) ? TextDatumGetCString(names) : NULL;
#undef WILL_PUBLISH
}

/*
 * Returns whether another step of the plan gives the table a primary key, or a
 * statement may give it a replica identity
 */
static bool
gets_identity(const PlanCheck *check, const CheckStep *self, const char *name)
{
	foreach_ptr(const CheckStep, cs, check->steps)
	{
		const PlanStep *step = cs->step;

		if (step->kind == STEP_UNIQUE && step->primary_key && sg_same_text(step->child_table, name))
			return true;
		if (cs != self && step->kind == STEP_STATEMENT && step->definition && strcasestr(step->definition, "REPLICA IDENTITY") &&
			!strcasestr(step->definition, "REPLICA IDENTITY NOTHING") && strstr(step->definition, name))
			return true;
	}
	return false;
}

/* Returns a table without replica identity among the new one and those that get published; or NULL */
static char *
without_identity(const PlanCheck *check, const CheckStep *cs, const Coming *coming)
{
	if (gets_identity(check, cs, coming->name))
		return NULL;
	if (!OidIsValid(coming->relid))
		return coming->identified ? NULL : pstrdup(coming->name);
	foreach_oid(relid, sg_with_partitions(coming->relid))
	{
		if (get_rel_relkind(relid) == RELKIND_RELATION && !check_has_replica_identity(relid))
			return relid == coming->relid ? pstrdup(coming->name) : sg_relation_name(relid);
	}
	return NULL;
}

static void
say_lacking(const PlanCheck *check, CheckStep *cs, const char *publications, const char *table)
{
	check_row(cs, "publication", CHECK_WARN,
			  psprintf("publication %s will have %s, which has no replica identity: the server then refuses to update or delete its rows", publications, table),
			  psprintf(sg_calls("Give it a primary key, or have the plan add another one:\nSELECT sg_plan_add(%s, %s);"), quote_literal_cstr(check->plan->name),
					   quote_literal_cstr(psprintf("ALTER TABLE %s REPLICA IDENTITY FULL", table))));
}

static void
check_coming(PlanCheck *check, CheckStep *cs, const Coming *coming, const char *statement)
{
	char	   *publications = will_publish(coming, false);
	char	   *changes = publications ? will_publish(coming, true) : NULL;
	char	   *lacking = changes ? without_identity(check, cs, coming) : NULL;
	Oid			coded = OidIsValid(coming->whole) ? coming->whole : coming->relid;
	const char *lead = OidIsValid(coming->relid) ?
		"On each subscriber, when it has applied what was written before, after CREATE TABLE where it has none; refresh its subscription after the call" :
		"Make it before the call, on each subscriber, and refresh its subscription after the call";

	if (publications)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends %s, and a subscription stops where there is no %s", publications,
						   OidIsValid(coming->relid) ? "the table by its name" : "the new table", coming->name),
				  OidIsValid(coded) ? fk_owner_hint(lead, coded, InvalidOid, statement) : psprintf("%s:\n%s;", lead, statement));
	if (lacking)
		say_lacking(check, cs, changes, lacking);
}

/* ---- replica identities that go ---- */

/*
 * Returns whether a table loses its replica identity by ALTER TABLE; a
 * constraint that is replaced by another one does not count.
 */
static bool
loses_identity(const AlterTableStmt *stmt, Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	Oid			index = rel ? RelationGetReplicaIndex(rel) : InvalidOid;
	char		form = rel ? rel->rd_rel->relreplident : REPLICA_IDENTITY_FULL;
	bool		has_key = fk_primary_key(relid) != NIL;
	bool		loses = false;

	if (rel)
		relation_close(rel, AccessShareLock);
	if (form != REPLICA_IDENTITY_FULL && !OidIsValid(index))
		return false;
	foreach_ptr(const AlterTableCmd, command, stmt->cmds)
	{
		if (command->subtype == AT_ReplicaIdentity)
		{
			form = ((ReplicaIdentityStmt *) command->def)->identity_type;
			loses = form == REPLICA_IDENTITY_NOTHING || (form == REPLICA_IDENTITY_DEFAULT && !has_key);
		}
		else if (command->subtype == AT_DropConstraint && form != REPLICA_IDENTITY_FULL)
			loses |= OidIsValid(index) && get_constraint_index(get_relation_constraint_oid(relid, command->name, true)) == index;
		else if (command->subtype == AT_AddIndexConstraint || (command->subtype == AT_AddConstraint && ((Constraint *) command->def)->contype == CONSTR_PRIMARY))
			loses &= form != REPLICA_IDENTITY_DEFAULT;
	}
	return loses;
}

static void
check_identity(PlanCheck *check, CheckStep *cs, const AlterTableStmt *stmt)
{
	Oid			relid = sg_find_qualified(name_of(stmt->relation));
	char	   *publications = OidIsValid(relid) ? change_published(sg_with_partitions(relid), NULL, true) : NULL;

	if (publications && !gets_identity(check, cs, sg_relation_name(relid)) && loses_identity(stmt, relid))
		say_lacking(check, cs, publications, sg_relation_name(relid));
}

/* ---- tables that are sent no more ---- */

/* Warns of tables that become unlogged; the server refuses that for tables that a publication names */
static void
check_unsent(CheckStep *cs, const AlterTableStmt *stmt)
{
	Oid			relid = sg_find_qualified(name_of(stmt->relation));
	char	   *publications = is_sendable(relid) && !cs->blocked ? change_published(list_make1_oid(relid), NULL, false) : NULL;

	foreach_ptr(const AlterTableCmd, command, publications ? stmt->cmds : NIL)
	{
		if (command->subtype == AT_SetUnLogged)
			check_row(cs, "publication", CHECK_WARN,
					  psprintf("publication %s does not send an unlogged table: subscribers keep the rows that they have, and get no more", publications),
					  pstrdup("Leave the table logged, or have subscribers do without it."));
	}
}

/*
 * Returns the publications that filter rows or columns of a table, or of an
 * inheriting one, by one of its columns, and lose the table with that; or NULL
 */
static char *
that_choose_by(Oid relid, const char *column)
{
	Datum		names;
	StringInfoData columns;

	initStringInfo(&columns);
	foreach_oid(heir, sg_all_inheritors(relid))
	{
		appendStringInfo(&columns, "%s%u.%d", columns.len ? "," : "{", heir, get_attnum(heir, column));
	}
	appendStringInfoChar(&columns, '}');
	return sg_owner_fetch("SELECT string_agg(DISTINCT quote_ident(p.pubname), ', ') FROM pg_depend d JOIN pg_publication_rel r ON r.oid = d.objid"
						  " JOIN pg_publication p ON p.oid = r.prpubid WHERE d.classid = 'pg_publication_rel'::regclass AND d.refclassid = 'pg_class'::regclass"
						  " AND concat(d.refobjid, '.', d.refobjsubid) = ANY ($1::text[]) HAVING count(*) > 0",
						  columns.data, &names) ? TextDatumGetCString(names) : NULL;
}

/*
 * Warns of dropped tables and columns that publications send and subscriptions
 * write; of each kind the first
 */
static void
check_going(CheckStep *cs, List *gone)
{
	Oid			unsent = InvalidOid;
	Oid			written = InvalidOid;
	const char *chosen_by = NULL;
	const char *without = NULL;
	char	   *publications = NULL;

	foreach_ptr(const PlanGone, going, gone)
	{
		List	   *tables = OidIsValid(going->table) && !going->attribute && !going->converted && !going->changed ? sg_with_partitions(going->table) : NIL;
		char	   *losing = tables == NIL || OidIsValid(unsent) ? NULL :
			going->column ? that_choose_by(going->table, going->column) :
			change_published(list_concat_copy(tables, sg_partition_ancestors(going->table)), NULL, false);

		if (losing)
		{
			unsent = going->table;
			chosen_by = going->column;
			publications = losing;
		}
		if (tables && !OidIsValid(written) && check_subscription_name(tables))
		{
			written = going->table;
			without = going->column ? "column" : "table";
		}
	}
	if (chosen_by)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s chooses what it sends of %s by %s, which goes: it sends no row of it then", publications,
						   sg_relation_name(unsent), quote_identifier(chosen_by)),
				  pstrdup("Have the publication choose by something else first, by ALTER PUBLICATION ... SET TABLE."));
	else if (OidIsValid(unsent))
		say_unsent(cs, publications, unsent);
	if (OidIsValid(written))
		check_row(cs, "subscription", CHECK_WARN,
				  psprintf("subscription %s writes to %s, and stops if rows come for a %s that it does not find",
						   check_subscription_name(sg_with_partitions(written)), sg_relation_name(written), without),
				  psprintf("Have the %s dropped, or taken out of the publication, where the rows come from first.", without));
}

/* Warns of a statement that drops something */
static void
check_dropping(CheckStep *cs, Node *statement)
{
	ChangeAlong along;

	if (!IsA(statement, DropStmt) && !IsA(statement, DropOwnedStmt) && !IsA(statement, AlterTableStmt))
		return;
	change_along(statement, &along);
	check_going(cs, along.gone);
}

/* Warns of the step's rollback, if that renames an existing object */
static void
check_sent_back(CheckStep *cs)
{
	foreach_ptr(const char, text, cs->step->kind == STEP_STATEMENT && cs->step->undo ? plan_change_texts(cs->step->undo) : NIL)
	{
		check_renamed(cs, linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt, text, "a rollback renames: ");
	}
}

/* ---- publications that a statement makes or changes ---- */

/* Number of tables that are reported */
#define MOST_SENT 10

typedef struct Publishing
{
	PlanCheck  *check;
	CheckStep  *cs;
	const char *name;
	const FkProblem *problem;
	List	   *sent;			/* PublishedTable *, by the statement */
	List	   *refused;		/* List * of CheckRow *: rows about the writes
								 * of each */
	char	   *own;			/* statement that removes schemaguard's own
								 * tables, or NULL: there are none */
} Publishing;

static char *
own_statement(const char *publication)
{
	Datum		statement;

	return sg_owner_fetch("SELECT statement FROM schemaguard.sg_own_publications() WHERE publication = quote_ident($1)", publication, &statement) ?
		TextDatumGetCString(statement) : NULL;
}

/* Returns the rows about changed rows of a published table */
static List *
refused_writes(PlanCheck *check, const CheckStep *cs, Oid relid)
{
	CheckStep	probe = {.plan = cs->plan,.step = cs->step};

	check_published_writes(check, &probe, relid, CHECK_WARN, true, true);
	return probe.rows;
}

static void
try_publication(void *arg)
{
	Publishing *publishing = arg;
	int			level = NewGUCNestLevel();
	ChangeMove	move;

	sg_scope_set("client_min_messages", "error");
	(void) change_try_move(publishing->cs->step, &move);
	publishing->problem = move.kind == MOVE_PROBLEM ? move.problem : NULL;
	/* a snapshot with the trial's objects, which the call's own does not show */
	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	check_read_published(publishing->check);
	PopActiveSnapshot();
	foreach_ptr(PublishedTable, published, publishing->check->published)
	{
		if (strcmp(published->publication, publishing->name) != 0)
			continue;
		publishing->sent = lappend(publishing->sent, published);
		publishing->refused = lappend(publishing->refused, published->updates || published->deletes ?
									  refused_writes(publishing->check, publishing->cs, published->relid) : NIL);
	}
	publishing->own = own_statement(publishing->name);
	AtEOXact_GUC(false, level);
}

static bool
is_sent_now(const PlanCheck *check, const PublishedTable *sent)
{
	foreach_ptr(const PublishedTable, published, check->published)
	{
		if (published->relid == sent->relid && strcmp(published->publication, sent->publication) == 0)
			return true;
	}
	return false;
}

static const PublishedTable *
find_sent(List *sent, Oid relid)
{
	foreach_ptr(const PublishedTable, one, sent)
	{
		if (one->relid == relid)
			return one;
	}
	return NULL;
}

/* Returns whether a table is sent as one of its partitions, or as the partitioned table above it */
static bool
is_sent_otherwise(List *sent, Oid relid)
{
	foreach_oid(other, list_concat(sg_with_partitions(relid), sg_partition_ancestors(relid)))
	{
		if (find_sent(sent, other))
			return true;
	}
	return false;
}

/* Returns names that are in one text, with commas, and not in the other; or NULL */
static char *
names_without(const char *names, const char *others)
{
	List	   *all;
	List	   *known;
	List	   *missing = NIL;

	(void) SplitIdentifierString(pstrdup(names ? names : ""), ',', &all);
	(void) SplitIdentifierString(pstrdup(others ? others : ""), ',', &known);
	foreach_ptr(char, name, all)
	{
		if (!sg_has_name(known, name))
			missing = lappend(missing, name);
	}
	return missing ? sg_quote_list(missing) : NULL;
}

/* Says how a table is sent then, if not as before */
static void
say_sent_otherwise(CheckStep *cs, const char *publication, const PublishedTable *was, const PublishedTable *is)
{
	char	   *table = sg_relation_name(was->relid);
	char	   *less = names_without(was->columns, is->columns);
	char	   *more = names_without(is->columns, was->columns);

	if (more)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends %s of %s, too, and a subscription stops where there is no such column", publication, more, table),
				  pstrdup("Before the call, see that each subscriber has the columns."));
	if (less)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s does not send %s of %s any more: subscribers keep the values that they have, and get no more", publication, less, table),
				  pstrdup("Have subscribers do without the columns."));
	if (!sg_same_text(was->filter, is->filter))
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s chooses other rows of %s: subscribers keep those that they have, and do not get those that were written before", publication, table),
				  pstrdup("Copy the table anew: on each subscriber, refresh the subscription without it, empty the table, and refresh it with the table."));
}

/* Says what a publication does not send any more, or sends otherwise; returns of how many tables */
static int
say_changed(PlanCheck *check, CheckStep *cs, const Publishing *publishing)
{
	const char *publication = quote_identifier(publishing->name);
	const PublishedTable *now = publishing->sent ? linitial(publishing->sent) : NULL;
	int			rows = list_length(cs->rows);
	bool		fewer = false;

	foreach_ptr(const PublishedTable, was, check->published)
	{
		const PublishedTable *is = find_sent(publishing->sent, was->relid);

		if (strcmp(was->publication, publishing->name) != 0 || list_length(cs->rows) - rows >= MOST_SENT)
			continue;
		fewer |= now && ((was->updates && !now->updates) || (was->deletes && !now->deletes) || names_without(was->sends, now->sends));
		if (is)
			say_sent_otherwise(cs, publication, was, is);
		else if (!is_sent_otherwise(publishing->sent, was->relid))
			check_row(cs, "publication", CHECK_WARN,
					  psprintf("publication %s does not send %s any more: subscribers keep the rows that they have, and get no more", publication, sg_relation_name(was->relid)),
					  pstrdup("Have subscribers do without the table, and refresh their subscriptions after the call."));
	}
	if (fewer)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends fewer kinds of changes: subscribers do not get the others", publication),
				  pstrdup("Have publish name all that subscribers are to follow."));
	return list_length(cs->rows) - rows;
}

static void
check_publishing(PlanCheck *check, CheckStep *cs, const char *name, bool changes)
{
	Publishing	publishing = {.check = check,.cs = cs,.name = name};
	List	   *published = check->published;
	bool		may_try = check->verify != CHECK_READ_NONE && !XactReadOnly && check_is_authors(check) && !OidIsValid(get_extension_oid("citus", true));
	ErrorData  *edata = may_try ? check_try(try_publication, &publishing) : NULL;
	int			told = 0;

	check->published = published;
	if (!may_try || edata || publishing.problem)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("what publication %s then sends, and which writes the server refuses, was not looked at: %s", quote_identifier(name),
						   edata ? sg_error_message(edata) : publishing.problem ? publishing.problem->reason : "the statement was not run on trial"), NULL);
	else if (changes)
		told = say_changed(check, cs, &publishing);
	for (int i = 0; i < list_length(publishing.sent) && told < MOST_SENT; i++)
	{
		const PublishedTable *sent = list_nth(publishing.sent, i);
		List	   *refused = list_nth(publishing.refused, i);
		char	   *table = sg_relation_name(sent->relid);
		bool		comes = changes && !is_sent_now(check, sent);

		if (comes)
			check_row(cs, "publication", CHECK_WARN,
					  psprintf("publication %s sends the table by its name, and a subscription stops where there is no %s", quote_identifier(name), table),
					  psprintf("On each subscriber, see that there is one before the call, and refresh its subscription after the call:\nSELECT pg_catalog.to_regclass(%s);",
							   quote_literal_cstr(table)));
		if (gets_identity(check, cs, table) || (refused && refused_writes(check, cs, sent->relid)))
			refused = NIL;
		cs->rows = list_concat(cs->rows, refused);
		told += comes || refused;
	}
	if (publishing.own && own_statement(name) == NULL)
		check_row(cs, "publication", CHECK_WARN, psprintf("publication %s replicates tables or sequences of schema schemaguard", quote_identifier(name)),
				  psprintf("A subscriber that lacks them, or writes them itself, stops. Publish the others after the call:\n%s", publishing.own));
}

void
check_sent(PlanCheck *check, CheckStep *cs, const ChangeMove *move)
{
	StepKind	kind = cs->step->kind;

	if (move->kind != MOVE_STATEMENT)
		return;
	if (kind == STEP_DROP)
		check_sent_kept(cs, move);
	if (kind == STEP_DROP && plan_changed_object(cs->step) == CHANGED_TABLE)
		check_sent_dropped(cs, move);
	check_sent_back(cs);
	if (kind != STEP_COLUMN && kind != STEP_RENAME && kind != STEP_TABLE && kind != STEP_STATEMENT)
	{
		bool		rule = kind == STEP_DROP && (plan_changed_object(cs->step) == CHANGED_CONSTRAINT || plan_changed_object(cs->step) == CHANGED_INDEX);

		foreach_ptr(const char, text, rule ? move->statements : NIL)
		{
			check_replica(cs, linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt, text);
		}
		return;
	}
	foreach_ptr(const char, text, move->statements)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		Coming		coming;

		check_replica(cs, statement, text);
		check_renamed(cs, statement, text, "");
		check_dropping(cs, statement);
		if (is_coming(statement, &coming))
			check_coming(check, cs, &coming, text);
		if (IsA(statement, AlterTableStmt))
		{
			check_sent_columns(cs, (AlterTableStmt *) statement, text);
			check_identity(check, cs, (AlterTableStmt *) statement);
			check_unsent(cs, (AlterTableStmt *) statement);
		}

		/*
		 * several statements are not run on trial, because any could lock
		 * objects that others use
		 */
		if (list_length(move->statements) > 1)
			continue;
		if (IsA(statement, CreatePublicationStmt))
			check_publishing(check, cs, ((CreatePublicationStmt *) statement)->pubname, false);
		else if (IsA(statement, AlterPublicationStmt))
			check_publishing(check, cs, ((AlterPublicationStmt *) statement)->pubname, true);
	}
}
