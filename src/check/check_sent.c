/*-------------------------------------------------------------------------
 *
 * check_sent.c
 *	  What publications send once a step is done: new names of tables and
 *	  columns, and tables that come among what they publish; and rows that the
 *	  server then refuses to change.
 *
 * Publications send by name, and a subscription stops at a name that the
 * subscriber does not have.  So each row has the statement for the subscribers.
 *
 * A statement that makes or changes a publication is run on trial, so that the
 * server itself says what it comes to.
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

/* Warns of the name that a dropped column is kept under, which a subscriber's tables do not have */
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

static char *
name_of(const RangeVar *var)
{
	return var->schemaname ? sg_qualified_name(var->schemaname, var->relname) : pstrdup(quote_identifier(var->relname));
}

/* ---- names that statements change ---- */

/* Tables that a statement gives another name, their schema, or a column of each */
typedef struct Renamed
{
	List	   *tables;			/* OIDs */
	const char *column;			/* NULL: no column is */
	const char *sent;			/* what publications send by that name */
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

/* The tables OF a type, with what inherits from them */
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

/* Which tables ALTER TABLE has for a column of the relation that it names; of a composite type, those OF it */
static List *
tables_with_column(const RangeVar *name)
{
	Oid			relid = sg_find_qualified(name_of(name));

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		return typed_tables(relid);
	return name->inh ? sg_all_inheritors(relid) : list_make1_oid(relid);
}

/* By what the names are of, whatever word the statement has for it: ALTER INDEX renames a table as well */
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

/* Warns of a name that publications send and a subscriber's tables do not have, or that a subscription finds a table by */
static void
check_renamed(CheckStep *cs, Node *statement, const char *text)
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
				  psprintf("subscription %s writes to %s, and stops if rows come for a %s that it does not find", subscription,
						   sg_relation_name(written), renamed.column ? "column" : "table"),
				  psprintf("Before the call, stop the subscription, and start it again when the same is done where the rows come from:\nALTER SUBSCRIPTION %s DISABLE;", subscription));
	}
	publications = renamed.tables && !renamed.comes ? change_published(renamed.tables, renamed.column, false) : NULL;
	if (publications)
		check_row(cs, "publication", CHECK_WARN,
				  psprintf("publication %s sends %s, and a subscription stops where there is no %s", publications, renamed.sent, quote_identifier(renamed.name)),
				  psprintf("On each subscriber, when it has applied what was written before:\n%s;", text));
}

/* ---- columns that come ---- */

/* Returns the GENERATED clause of a column that is added, or NULL */
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

/* Returns those of some publications that send stored computed columns, or NULL; pubgencols is there from 18 on */
static char *
that_send_computed(const char *publications)
{
	Datum		names;

	return sg_owner_fetch("SELECT string_agg(quote_ident(p.pubname), ', ' ORDER BY p.pubname) FROM pg_publication p"
						  " WHERE to_jsonb(p) ->> 'pubgencols' = 's' AND quote_ident(p.pubname) = ANY (string_to_array($1, ', ')) HAVING count(*) > 0",
						  publications, &names) ? TextDatumGetCString(names) : NULL;
}

/* Warns of a column that publications send from the moment it is there; a subscriber can't write one that is computed there */
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

/* A table that a statement makes, makes a logged one, or puts into another schema or under a partitioned table */
typedef struct Coming
{
	const char *name;			/* as it will be, qualified where the
								 * statement says so */
	Oid			schema;			/* that it comes to, or InvalidOid: it stays
								 * in its own */
	Oid			relid;			/* InvalidOid: a new one */
	Oid			whole;			/* the table that it becomes a partition of,
								 * or InvalidOid */
	bool		identified;		/* a new one that may have a replica identity */
} Coming;

/* Has a CREATE TABLE a primary key, or may it take over one? */
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

/* Sets the new table of a name; false if it is there, or sent nowhere */
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

/* Sets what becomes of a table that is there; false if there is none */
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

/* Unlogged tables are in no publication */
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
 * Returns the publications that will send it, or, if `changes`, those that will
 * send what is updated or deleted; as a text, or NULL.  prexcept is there from 19 on.
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

/* Does another step of the plan give the table a primary key, or may a statement give it a replica identity? */
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

/* Returns a table that has no replica identity: the new one, or one of those that come; or NULL */
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

/* Has a table one, and none after ALTER TABLE?  A constraint that another one replaces is none that goes. */
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

/* Warns of tables that become unlogged ones; the server refuses that for those that a publication names */
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

/* ---- publications that a statement makes or changes ---- */

/* Tables that are told of, at most */
#define MOST_SENT 10

typedef struct Publishing
{
	PlanCheck  *check;
	CheckStep  *cs;
	const char *name;
	const FkProblem *problem;
	List	   *sent;			/* of PublishedTable *, as the statement has
								 * it */
	List	   *refused;		/* of List * of CheckRow *: what is said of
								 * the writes of each */
	char	   *own;			/* what takes tables of schemaguard out, or
								 * NULL: it has none */
} Publishing;

static char *
own_statement(const char *publication)
{
	Datum		statement;

	return sg_owner_fetch("SELECT statement FROM schemaguard.sg_own_publications() WHERE publication = quote_ident($1)", publication, &statement) ?
		TextDatumGetCString(statement) : NULL;
}

/* Returns what is said of changed rows of a published table */
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
	check_read_published(publishing->check);
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
	if (kind != STEP_COLUMN && kind != STEP_RENAME && kind != STEP_TABLE && kind != STEP_STATEMENT)
		return;
	foreach_ptr(const char, text, move->statements)
	{
		Node	   *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
		Coming		coming;

		check_renamed(cs, statement, text);
		if (is_coming(statement, &coming))
			check_coming(check, cs, &coming, text);
		if (IsA(statement, AlterTableStmt))
		{
			check_sent_columns(cs, (AlterTableStmt *) statement, text);
			check_identity(check, cs, (AlterTableStmt *) statement);
			check_unsent(cs, (AlterTableStmt *) statement);
		}

		/*
		 * several are not run on trial, for any of them could lock what
		 * others use
		 */
		if (list_length(move->statements) > 1)
			continue;
		if (IsA(statement, CreatePublicationStmt))
			check_publishing(check, cs, ((CreatePublicationStmt *) statement)->pubname, false);
		else if (IsA(statement, AlterPublicationStmt))
			check_publishing(check, cs, ((AlterPublicationStmt *) statement)->pubname, true);
	}
}
