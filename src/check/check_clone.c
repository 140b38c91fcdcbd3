/*-------------------------------------------------------------------------
 *
 * check_clone.c
 *	  Statements about a table, run on trial on an empty table like it.
 *
 * The server refuses columns, types, expressions, indexes, triggers and
 * policies on an empty table as on any other one.  So a statement that adds or
 * changes such a thing is run on an empty table that is made like its own, in a
 * subtransaction that is rolled back; views and sequences are made as they are.
 * So are functions, types and privileges changed: these statements lock no
 * relation.  The table itself is locked for reading alone.  The empty table lacks its rows,
 * keys, triggers, rules and policies, and all that uses it.
 *
 * The statement is run once more behind the rules and indexes that earlier steps
 * of the plan add to the table, if there are any.
 *
 * The empty table has another name beside its own, or, where the text names the
 * table more than once, as for a column, the same name in a schema of its own.
 *
 * Nothing is run where the call would run it as another role, or where its
 * text names the table more than once and the role can't make schemas, or a
 * column has the table and its schema before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_database.h"
#include "catalog/pg_sequence.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/guard.h"
#include "base/quote.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/change_literal.h"
#include "check/check.h"
#include "plan/plan_choice.h"
#include "plan/plan_order.h"
#include "run/run_deed.h"

typedef struct Clone
{
	const ChangeMove *move;
	const char *sql;
	RawStmt    *statement;		/* changed to be about the clone */
	RangeVar   *name;			/* in it: of the table; or NULL */
	Oid			table;
	Oid			index;			/* of it, which the statement is about or
								 * names; or InvalidOid */
	char	  **index_name;		/* where it is named in the statement */
	Constraint *constraint;		/* that it becomes, or NULL */
	bool		apart;			/* the clone has the table's name, in
								 * TRIAL_SCHEMA */
	bool		made;			/* the clone: errors are the statement's */
	List	   *rules;			/* PlanStep *: to be made on the clone before */
	void		(*run) (void *clone);	/* what is run now */
} Clone;

/* More moves than any rule has */
#define MOST_MOVES 16

#define TRIAL_SCHEMA "~sg_trial"

/* Can the command be judged by an empty table with the columns, defaults, checks and indexes of this one? */
static bool
is_of_columns(const AlterTableCmd *command)
{
	switch (command->subtype)
	{
		case AT_AddColumn:
			foreach_ptr(const Constraint, own, ((ColumnDef *) command->def)->constraints)
			{
				if (own->contype == CONSTR_FOREIGN)
					return false;
			}
			return true;
		case AT_AddConstraint:
			return ((Constraint *) command->def)->contype != CONSTR_FOREIGN;
		case AT_ReplicaIdentity:
		case AT_ClusterOn:
		case AT_ColumnDefault:
		case AT_DropNotNull:
		case AT_SetNotNull:
		case AT_SetStatistics:
		case AT_SetCompression:
		case AT_SetStorage:
		case AT_SetOptions:
		case AT_SetRelOptions:
		case AT_AddIdentity:
		case AT_SetIdentity:
		case AT_DropIdentity:
		case AT_DropExpression:
		case AT_AlterColumnType:
			return true;
		default:
			return false;
	}
}

/* Does a statement about a domain read no table's rows? */
static bool
reads_no_rows(const AlterDomainStmt *statement)
{
	Oid			domain;

	switch (statement->subtype)
	{
		case 'T':
		case 'N':
		case 'X':
			return true;
		case 'V':
			domain = LookupTypeNameOid(NULL, makeTypeNameFromNameList(statement->typeName), true);
			return OidIsValid(domain) && !OidIsValid(get_domain_constraint_oid(domain, statement->name, true));
		default:
			return false;
	}
}

/* Does it make, change or give away something for which no table's lock is needed, and no code of others is run? */
static bool
is_light(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterFunctionStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_AlterEnumStmt:
		case T_AlterOperatorStmt:
		case T_AlterTypeStmt:
		case T_DefineStmt:
		case T_CreateCastStmt:
		case T_CreateOpClassStmt:
		case T_CreateOpFamilyStmt:
		case T_CreateConversionStmt:
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_AlterDatabaseSetStmt:
		case T_DropRoleStmt:
		case T_GrantRoleStmt:
		case T_CreateEventTrigStmt:
		case T_AlterEventTrigStmt:
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_AlterTSConfigurationStmt:
		case T_AlterTSDictionaryStmt:
			return true;
		case T_CreateForeignTableStmt:
			return ((CreateForeignTableStmt *) statement)->base.inhRelations == NIL;
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) statement)->schemaElts == NIL;
		case T_AlterOwnerStmt:
			return ((AlterOwnerStmt *) statement)->relation == NULL;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) statement)->relation == NULL;
		case T_AlterDomainStmt:
			return reads_no_rows((AlterDomainStmt *) statement);
		case T_GrantStmt:
			return true;
		case T_RenameStmt:
			/* a database's waits for all of its sessions */
			return ((RenameStmt *) statement)->relation == NULL && ((RenameStmt *) statement)->renameType != OBJECT_DATABASE;
		default:
			return false;
	}
}

/* Finds the name of the table in a statement that can be tried; false for others */
static bool
find_name(Node *statement, RangeVar **name)
{
	*name = NULL;
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			foreach_ptr(const AlterTableCmd, command, ((AlterTableStmt *) statement)->cmds)
			{
				if (!is_of_columns(command))
					return false;
			}
			*name = ((AlterTableStmt *) statement)->relation;
			return (((AlterTableStmt *) statement)->objtype == OBJECT_TABLE || ((AlterTableStmt *) statement)->objtype == OBJECT_INDEX) && (*name)->inh;
		case T_IndexStmt:
			*name = ((IndexStmt *) statement)->relation;
			((IndexStmt *) statement)->concurrent = false;
			return (*name)->inh;
		case T_CreateTrigStmt:
			*name = ((CreateTrigStmt *) statement)->relation;
			return ((CreateTrigStmt *) statement)->constrrel == NULL;
		case T_CreatePolicyStmt:
			*name = ((CreatePolicyStmt *) statement)->table;
			return true;
		case T_RuleStmt:
			*name = ((RuleStmt *) statement)->relation;
			return ((RuleStmt *) statement)->event != CMD_SELECT;
		case T_CreateStatsStmt:
			if (list_length(((CreateStatsStmt *) statement)->relations) != 1 || !IsA(linitial(((CreateStatsStmt *) statement)->relations), RangeVar))
				return false;
			*name = linitial(((CreateStatsStmt *) statement)->relations);
			return true;
		case T_ViewStmt:
			return (!((ViewStmt *) statement)->replace || !OidIsValid(change_find_named(((ViewStmt *) statement)->view))) && ((ViewStmt *) statement)->view->relpersistence == RELPERSISTENCE_PERMANENT;
		case T_AlterSeqStmt:
			*name = ((AlterSeqStmt *) statement)->sequence;
			return !((AlterSeqStmt *) statement)->for_identity;
		case T_CreateSeqStmt:
			return ((CreateSeqStmt *) statement)->sequence->relpersistence == RELPERSISTENCE_PERMANENT;
		default:
			return is_light(statement);
	}
}

/* Makes a sequence that stands where another one does */
static void
make_sequence(Oid sequence, const char *made)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	Form_pg_sequence form;
	Datum		last;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	change_run_on_trial(psprintf("CREATE SEQUENCE %s AS %s INCREMENT " INT64_FORMAT " MINVALUE " INT64_FORMAT " MAXVALUE " INT64_FORMAT " START " INT64_FORMAT " CACHE " INT64_FORMAT,
								 made, format_type_be(form->seqtypid), form->seqincrement, form->seqmin, form->seqmax, form->seqstart, form->seqcache));
	ReleaseSysCache(tuple);
	if (sg_ask(pg_sequence_last_value, sequence, &last))
		change_run_on_trial(psprintf("ALTER SEQUENCE %s RESTART " INT64_FORMAT, made, DatumGetInt64(last)));
}

/* Returns the name of the index of the empty table that is made like this one */
static char *
index_of_clone(const Clone *clone, Oid made)
{
	ListCell   *own;
	ListCell   *other;

	forboth(own, fk_table_indexes(clone->table), other, fk_table_indexes(made))
	{
		if (lfirst_oid(own) == clone->index)
			return sg_rel_name(lfirst_oid(other));
	}
	return NULL;
}

/* Names the index of the empty table in the statement; a constraint that is to have the name that it has already has the new one, too */
static void
name_index(Clone *clone, char *name)
{
	if (clone->constraint && sg_same_text(clone->constraint->conname, *clone->index_name))
		clone->constraint->conname = name;
	*clone->index_name = name;
}

static void
make_clone(void *arg)
{
	Clone	   *clone = arg;
	char	   *name = clone->apart ? sg_rel_name(clone->table) : psprintf("~sg_%u", clone->table);
	char	   *schema = clone->apart ? TRIAL_SCHEMA : sg_rel_schema(clone->table);
	char	   *made = quote_qualified_identifier(schema, name);
	char		relkind = get_rel_relkind(clone->table);
	Datum		key;
	char	   *parted = "";

	if (clone->apart)
		change_run_on_trial(psprintf("CREATE SCHEMA %s", quote_identifier(schema)));
	if (relkind == RELKIND_SEQUENCE)
		make_sequence(clone->table, made);
	else
	{
		if (relkind == RELKIND_PARTITIONED_TABLE && sg_ask(pg_get_partkeydef, clone->table, &key))
			parted = psprintf(" PARTITION BY %s", TextDatumGetCString(key));
		change_run_on_trial(psprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)%s", made, sg_relation_name(clone->table), parted));
	}
	if (OidIsValid(clone->index))
		name_index(clone, index_of_clone(clone, get_relname_relid(name, get_namespace_oid(schema, false))));
	clone->name->schemaname = schema;
	if (clone->index_name != &clone->name->relname)
		clone->name->relname = name;
}

/* Makes a rule of an earlier step on the empty table */
static void
make_rule(void *arg)
{
	const PlanStep *rule = arg;
	ChangeMove	move;

	for (int i = 0; i < MOST_MOVES && change_try_move(rule, &move); i++)
		CHECK_FOR_INTERRUPTS();
}

static void
make_rules(const Clone *clone)
{
	foreach_ptr(const PlanStep, rule, clone->rules)
	{
		PlanStep	tried = *rule;
		ErrorData  *edata;

		tried.child_table = quote_qualified_identifier(clone->name->schemaname, clone->name->relname);
		tried.object_mark = NULL;
		edata = sg_try(make_rule, &tried);
		if (edata)
			sg_rethrow_cancel(edata);
	}
}

static void
run_all(void *arg)
{
	Clone	   *clone = arg;

	if (clone->name && clone->rules == NIL)
		make_clone(clone);
	clone->made = true;
	change_try_statement(clone->statement, clone->sql);
}

static void
look_and_run(void *arg)
{
	Clone	   *clone = arg;
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_set("client_min_messages", "error");
	code_analyse_as_meant(clone->move->reach, clone->run, clone);
	sg_scope_end(&scope);
}

static void
try_clone(void *arg)
{
	Clone	   *clone = arg;

	if (clone->rules)
	{
		clone->run = make_clone;
		run_deed_reading(look_and_run, clone);
		make_rules(clone);
	}
	clone->run = run_all;
	run_deed_reading(look_and_run, clone);
}

static bool
is_of_word(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/*
 * Is a name written once?  One that is a part of a longer word does not count.
 * *of_column: between two dots, with its schema
 */
static bool
is_once(const char *sql, const char *name, bool *of_column)
{
	size_t		len = strlen(name);
	int			n = 0;

	*of_column = false;

	for (const char *at = sql; *at; at++)
	{
		/* in quotes, case counts */
		if ((at > sql && at[-1] == '"' ? strncmp(at, name, len) : pg_strncasecmp(at, name, len)) == 0 && (at == sql || !is_of_word(at[-1])) && !is_of_word(at[len]))
		{
			const char *left = at;

			n++;
			while (left > sql && strchr("\" \t\r\n", left[-1]))
				left--;
			*of_column |= left > sql && left[-1] == '.' && at[len + strspn(at + len, "\" \t\r\n")] == '.';
		}
	}
	return n == 1;
}

/* May the clone stand beside its table, or apart from it?  Sets which */
static bool
find_place(Clone *clone, const char *relname)
{
	Oid			schema = get_rel_namespace(clone->table);
	bool		of_column;

	clone->apart = clone->index_name != &clone->name->relname && !is_once(clone->sql, relname, &of_column);
	if (!clone->apart)
		return object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_CREATE) == ACLCHECK_OK;
	return !of_column && object_aclcheck(DatabaseRelationId, MyDatabaseId, GetUserId(), ACL_CREATE) == ACLCHECK_OK;
}

/* Finds the index that a statement about a table names, if it is of that table */
static void
find_index(Clone *clone, const AlterTableStmt *statement)
{
	foreach_ptr(AlterTableCmd, command, statement->cmds)
	{
		char	  **name = command->subtype == AT_ClusterOn ? &command->name :
			command->subtype == AT_ReplicaIdentity ? &((ReplicaIdentityStmt *) command->def)->name :
			command->subtype == AT_AddConstraint ? &((Constraint *) command->def)->indexname : NULL;
		Oid			index = name && *name ? get_relname_relid(*name, get_rel_namespace(clone->table)) : InvalidOid;

		if (!OidIsValid(index) || !list_member_oid(fk_table_indexes(clone->table), index))
			continue;
		clone->index = index;
		clone->index_name = name;
		clone->constraint = command->subtype == AT_AddConstraint ? (Constraint *) command->def : NULL;
	}
}

/* Is the table one that a plain one can be made like? */
static bool
can_be_cloned(Clone *clone)
{
	char		relkind;
	char	   *relname;
	bool		of_column;
	SgScope		scope;

	sg_caller_begin(&scope);
	clone->table = change_find_named(clone->name);
	sg_scope_end(&scope);
	if (OidIsValid(clone->table) && IsA(clone->statement->stmt, AlterTableStmt) && ((AlterTableStmt *) clone->statement->stmt)->objtype == OBJECT_INDEX)
	{
		if (get_rel_relkind(clone->table) != RELKIND_INDEX)
			return false;
		clone->index = clone->table;
		clone->index_name = &clone->name->relname;
		clone->table = IndexGetRelation(clone->index, true);
		if (!is_once(clone->sql, clone->name->relname, &of_column))
			return false;
	}
	else if (OidIsValid(clone->table) && IsA(clone->statement->stmt, AlterTableStmt))
		find_index(clone, (AlterTableStmt *) clone->statement->stmt);
	relkind = OidIsValid(clone->table) ? get_rel_relkind(clone->table) : '\0';
	relname = OidIsValid(clone->table) ? get_rel_name(clone->table) : NULL;
	return (relkind == (IsA(clone->statement->stmt, AlterSeqStmt) ? RELKIND_SEQUENCE : RELKIND_RELATION) || relkind == RELKIND_PARTITIONED_TABLE) && relname &&
		sg_rel_persistence(clone->table) == RELPERSISTENCE_PERMANENT && find_place(clone, relname);
}

/* Returns a message with another name for the first of these */
static char *
renamed(char *message, const char *name, const char *wanted)
{
	char	   *at = name && wanted ? strstr(message, name) : NULL;

	return at ? psprintf("%.*s%s%s", (int) (at - message), message, wanted, at + strlen(name)) : message;
}

/* Returns the message of an error with the names that the statement has */
static char *
message_of(const Clone *clone, const ErrorData *edata)
{
	char	   *message = pstrdup(sg_error_message(edata));

	if (OidIsValid(clone->index))
		message = renamed(message, *clone->index_name, sg_rel_name(clone->index));
	if (clone->apart)
		return renamed(message, TRIAL_SCHEMA, sg_rel_schema(clone->table));
	return clone->name ? renamed(message, psprintf("~sg_%u", clone->table), sg_rel_name(clone->table)) : message;
}

/* Returns the rules and indexes (PlanStep *) that earlier steps add to the table of the clone */
static List *
rules_before(const PlanCheck *check, const CheckStep *cs, const Clone *clone)
{
	const char *table = clone->name ? sg_relation_name(clone->table) : NULL;
	List	   *rules = NIL;

	foreach_ptr(const CheckStep, other, table && cs->step->kind == STEP_STATEMENT ? check->steps : NIL)
	{
		StepKind	kind = other->step->kind;

		if ((kind == STEP_CHECK || kind == STEP_DEFAULT || kind == STEP_UNIQUE || kind == STEP_INDEX) &&
			sg_same_text(other->step->child_table, table) && check_comes_before(check, other, cs))
			rules = lappend(rules, other->step);
	}
	return rules;
}

/* Returns an earlier step that may take such a rule away again, or NULL */
static const PlanStep *
may_take_away(const PlanCheck *check, const CheckStep *cs)
{
	foreach_ptr(const CheckStep, other, check->steps)
	{
		StepKind	kind = other->step->kind;

		if ((kind == STEP_DROP || kind == STEP_RENAME || kind == STEP_STATEMENT) && check_comes_before(check, other, cs))
			return other->step;
	}
	return NULL;
}

/* Returns "step 1 adds", "steps {1,2} add" */
static char *
adders_text(List *rules)
{
	List	   *numbers = NIL;

	foreach_ptr(const PlanStep, rule, rules)
	{
		numbers = lappend_int(numbers, rule->step);
	}
	return list_length(numbers) == 1 ? psprintf("step %d adds", linitial_int(numbers)) : psprintf("steps %s add", plan_steps_text(numbers));
}

/* Runs a statement behind these rules; returns its error, or NULL; sets *clone if it can be tried, and to what it names */
static ErrorData *
try_behind(const ChangeMove *move, const char *sql, List *rules, Clone *clone)
{
	ErrorData  *edata;

	*clone = (Clone)
	{
		.move = move,.sql = sql,.statement = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT)),.rules = rules
	};
	if (!find_name(clone->statement->stmt, &clone->name) || (clone->name && !can_be_cloned(clone)))
		return NULL;
	edata = sg_try_undo(try_clone, clone);
	if (edata)
		sg_rethrow_cancel(edata);
	return edata == NULL || !clone->made || sg_is_race(edata) || edata->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ? NULL : edata;
}

void
check_on_clone(const PlanCheck *check, CheckStep *cs, const ChangeMove *move, const char *sql)
{
	Clone		clone;
	const PlanStep *before = check_step_before(check, cs);
	ErrorData  *edata;
	List	   *rules;
	char	   *message;

	if (cs->blocked || move->kind != MOVE_STATEMENT || move->one_by_one || move->reach == NULL || !check_tries(check) || !change_is_callers(move))
		return;
	edata = try_behind(move, sql, NIL, &clone);
	rules = edata == NULL && clone.made ? rules_before(check, cs, &clone) : NIL;
	if (rules)
		edata = try_behind(move, sql, rules, &clone);
	if (edata == NULL || check_adds_column(check, cs, edata))
		return;
	message = message_of(&clone, edata);
	if (rules)
	{
		message = psprintf("with what %s to the table: %s", adders_text(rules), message);
		before = may_take_away(check, cs);
	}
	if (before)
		message = psprintf("%s, unless step %d changes that", message, before->step);
	check_row(cs, "trial", before ? CHECK_WARN : CHECK_BLOCK, message,
			  psprintf("Correct the statement, or leave the step out:\n%s", check_skip(cs, "the server refuses it")));
}
