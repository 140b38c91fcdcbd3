/*-------------------------------------------------------------------------
 *
 * script_facts.c
 *	  sg_script_facts(): what the statements of scripts do to which tables, and
 *	  the locks that they take, for rules that judge a script before it runs.
 *
 * Statements are parsed, and neither analysed nor run.  Whether ALTER COLUMN
 * TYPE rewrites the table is judged as ATColumnChangeRequiresRewrite() does it
 * in tablecmds.c, for types of pg_catalog alone: the casts of other types are
 * somebody's code.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/args.h"
#include "base/calls.h"
#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/name.h"
#include "base/quote.h"
#include "base/rowsink.h"
#include "base/scope.h"
#include "plan/plan_input.h"
#include "script/script.h"

SG_FUNCTION(sg_script_facts);

/* A script as it is read, and the place in it */
typedef struct FactReader
{
	SgRowSink	sink;
	ScriptPath *path;
	Script	   *script;
	int			file;			/* of the scripts, from 1 */
	int			next;			/* statement to parse */
	Node	   *statement;		/* the current one, or NULL: it can't be
								 * parsed */
	char	   *text;			/* its text in one line, or NULL: not needed
								 * yet */
	bool		told;			/* has a row of it been given? */
	int			offset;			/* up to which lines are counted */
	int			line;			/* there */
	int			first;			/* lines of the statement */
	int			last;
	int			unit;			/* transaction, from 1 */
	bool		in_transaction; /* is every script within one? */
	bool		in_block;		/* has BEGIN been seen? */
	LOCKMODE	lock;			/* that ALTER TABLE takes on its table */
	bool		holds_only;		/* are facts wanted for script_holds()? */
	List	   *holds;			/* of ScriptHold * */
} FactReader;

/* Something that a statement does */
typedef struct Fact
{
	const char *command;
	const char *relation;		/* qualified, or NULL */
	const char *name;			/* of a part of it, or NULL */
	const char *other;			/* a second table, a new name or type, or NULL */
	const char *text;			/* of a part of the statement; NULL: of all */
	List	   *flags;			/* of char * */
	LOCKMODE	lock;
	const char *does;			/* what takes the longer the larger the table,
								 * one of the words below; or NULL */
} Fact;

/* What a statement does under its lock; a flag of the fact, which rules of lint look for */
#define BUILDS		"builds"
#define READS		"reads"
#define MAY_READ	"may read"	/* unless a CHECK spares that */
#define REWRITES	"rewrites"
#define MAY_REWRITE	"may rewrite"
#define COMPUTES	"computes"

static void
flag(Fact *fact, bool is_set, const char *word)
{
	if (is_set)
		fact->flags = lappend(fact->flags, (char *) word);
}

/* ---- rows ---- */

/* The number of the line that a place of the script is on; places come in order */
static int
line_at(FactReader *reader, int offset)
{
	for (; reader->offset < offset; reader->offset++)
		reader->line += reader->script->sql[reader->offset] == '\n';
	return reader->line;
}

/* Goes to a part of the script that is a statement, or is to be one */
static void
begin_statement(FactReader *reader, int start, int length)
{
	reader->statement = NULL;
	reader->told = false;
	reader->text = pnstrdup(reader->script->sql + start, length);
	reader->first = line_at(reader, start);
	reader->last = line_at(reader, start + length);
}

/* The statement with the schemas of its names and without comments, on one line but for literals */
static char *
statement_text(FactReader *reader)
{
	ScriptTokens *tokens;
	Node	   *statement = reader->statement;

	if (statement)
	{
		/* once: a statement that is too deep to be walked stays as it is */
		reader->statement = NULL;
		tokens = script_tokens(reader->text);
		script_qualify_statement(tokens, reader->path, statement);
		reader->text = script_cut(tokens, 0, tokens->n);
	}
	return reader->text;
}

/* A DROP of thousands of names has as many rows, and would have its text as often */
#define LONG_TEXT	8192

/* Keeps what others wait for as long as the table is large: nobody waits for a lock that lets them write */
static void
keep_hold(FactReader *reader, const Fact *fact)
{
	ScriptHold *hold;

	if (fact->does == NULL || fact->lock < ShareLock || (fact->relation && !OidIsValid(sg_find_qualified(fact->relation))))
		return;
	hold = palloc0(sizeof(ScriptHold));
	hold->relation = fact->relation ? pstrdup(fact->relation) : NULL;
	hold->lock = fact->lock;
	hold->does = fact->does;
	reader->holds = lappend(reader->holds, hold);
}

static void
emit(FactReader *reader, Fact *fact)
{
	SgRowSink  *sink = &reader->sink;
	bool		is_new = fact->relation && script_path_has_made(reader->path, fact->relation);
	const char *text;

	if (reader->holds_only)
	{
		if (!is_new)
			keep_hold(reader, fact);
		return;
	}
	text = fact->text ? fact->text : statement_text(reader);

	flag(fact, is_new, "made");
	flag(fact, fact->other && script_path_has_made(reader->path, fact->other), "other made");
	flag(fact, fact->does != NULL, fact->does);
	sg_sink_int32(sink, reader->file);
	sg_sink_int32(sink, reader->next);
	sg_sink_int32(sink, reader->first);
	sg_sink_int32(sink, reader->last);
	sg_sink_int32(sink, reader->unit);
	sg_sink_text(sink, fact->command);
	sg_sink_text(sink, fact->relation);
	sg_sink_text(sink, fact->name);
	sg_sink_text(sink, fact->other);
	sg_sink_text(sink, fact->lock == NoLock ? NULL : GetLockmodeName(DEFAULT_LOCKMETHOD, fact->lock));
	if (fact->flags)
		sg_sink_names(sink, fact->flags);
	else
		sg_sink_datum(sink, PointerGetDatum(construct_empty_array(TEXTOID)));
	sg_sink_text(sink, reader->told && strlen(text) > LONG_TEXT ? NULL : text);
	sg_sink_emit(sink);
	reader->told = true;
	CHECK_FOR_INTERRUPTS();
}

/* ---- types and expressions ---- */

/* Sets the type, if it is one of pg_catalog */
static bool
is_builtin_type(const TypeName *name, Oid *type, int32 *typmod)
{
	*type = LookupTypeNameOid(NULL, name, true);
	if (!OidIsValid(*type) || *type >= FirstUnpinnedObjectId)
		return false;
	typenameTypeIdAndMod(NULL, name, type, typmod);
	return true;
}

static char *
type_text(const TypeName *name)
{
	Oid			type;
	int32		typmod;

	if (name == NULL)
		return NULL;
	return is_builtin_type(name, &type, &typmod) ? format_type_with_typemod(type, typmod) : TypeNameToString(name);
}

/* As in ATColumnChangeRequiresRewrite() */
static bool
keeps_bits(Node *expr)
{
	for (;;)
	{
		if (IsA(expr, Var))
			return true;
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else if (IsA(expr, FuncExpr) && !TimestampTimestampTzRequiresRewrite() &&
				 (((FuncExpr *) expr)->funcid == F_TIMESTAMPTZ_TIMESTAMP || ((FuncExpr *) expr)->funcid == F_TIMESTAMP_TIMESTAMPTZ))
			expr = linitial(((FuncExpr *) expr)->args);
		else
			return false;
	}
}

ScriptTypeChange
script_type_change(Oid relid, const char *column, const ColumnDef *def)
{
	FormData_pg_attribute attribute;
	AttrNumber	attnum = OidIsValid(relid) ? get_attnum(relid, column) : InvalidAttrNumber;
	Node	   *expr;
	Oid			type;
	int32		typmod;

	if (attnum <= 0 || !sg_read_column(relid, attnum, &attribute))
		return TYPE_NOT_HERE;
	if (def->raw_default || attribute.atttypid >= FirstUnpinnedObjectId || !is_builtin_type(def->typeName, &type, &typmod))
		return TYPE_MAY_REWRITE;
	expr = coerce_to_target_type(make_parsestate(NULL),
								 (Node *) makeVar(1, attnum, attribute.atttypid, attribute.atttypmod, attribute.attcollation, 0),
								 attribute.atttypid, type, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		return TYPE_NO_CAST;
	return keeps_bits((Node *) expression_planner((Expr *) expr)) ? TYPE_KEEPS_ROWS : TYPE_REWRITES;
}

static void
flag_type_change(Fact *fact, ScriptTypeChange change)
{
	if (change == TYPE_REWRITES || change == TYPE_MAY_REWRITE)
		fact->does = change == TYPE_REWRITES ? REWRITES : MAY_REWRITE;
	flag(fact, change == TYPE_NO_CAST, "no cast");
}

/* Could a function of that name be volatile?  One that is not here could. */
static bool
may_be_volatile(List *names)
{
	char	   *schema;
	char	   *name;
	CatCList   *functions;
	bool		found;

	DeconstructQualifiedName(names, &schema, &name);
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	found = functions->n_members == 0;
	for (int i = 0; i < functions->n_members && !found; i++)
		found = ((Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple))->provolatile == PROVOLATILE_VOLATILE;
	ReleaseSysCacheList(functions);
	return found;
}

static bool
calls_volatile(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncCall) && may_be_volatile(((FuncCall *) node)->funcname))
		return true;
	return raw_expression_tree_walker(node, calls_volatile, context);
}

/* ---- columns and constraints ---- */

Oid
script_serial_type(const TypeName *name)
{
	static const struct
	{
		const char *name;
		Oid			type;
	}			serials[] = {
		{"smallserial", INT2OID}, {"serial2", INT2OID}, {"serial", INT4OID}, {"serial4", INT4OID},
		{"bigserial", INT8OID}, {"serial8", INT8OID},
	};

	if (name == NULL || list_length(name->names) != 1 || name->pct_type || name->arrayBounds)
		return InvalidOid;
	for (int i = 0; i < lengthof(serials); i++)
	{
		if (strcmp(strVal(linitial(name->names)), serials[i].name) == 0)
			return serials[i].type;
	}
	return InvalidOid;
}

bool
script_column_rewrites(const ColumnDef *column)
{
	if (OidIsValid(script_serial_type(column->typeName)) || column->identity || (column->raw_default && calls_volatile(column->raw_default, NULL)))
		return true;
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint) &&
			(c->contype == CONSTR_IDENTITY || (c->contype == CONSTR_GENERATED && !SG_IS_VIRTUAL(c)) ||
			 (c->contype == CONSTR_DEFAULT && calls_volatile(c->raw_expr, NULL))))
			return true;
	}
	return false;
}

static const char *
constraint_word(const Constraint *c)
{
	switch (c->contype)
	{
		case CONSTR_NOTNULL:
			return "not null";
		case CONSTR_CHECK:
			return "check";
		case CONSTR_PRIMARY:
			return "primary key";
		case CONSTR_UNIQUE:
			return "unique";
		case CONSTR_EXCLUSION:
			return "exclude";
		case CONSTR_FOREIGN:
			return "foreign key";
		case CONSTR_DEFAULT:
			return "default";
		case CONSTR_IDENTITY:
			return "identity";
		case CONSTR_GENERATED:
			return "generated";
		default:
			return NULL;
	}
}

static void
flag_constraint(FactReader *reader, Fact *fact, const Constraint *c)
{
	const char *word = constraint_word(c);

	flag(fact, word != NULL, word);
	flag(fact, c->skip_validation && (c->contype == CONSTR_CHECK || c->contype == CONSTR_FOREIGN || c->contype == CONSTR_NOTNULL), "not valid");
	flag(fact, c->indexname != NULL, "using index");
	/* a step of a plan has no field for these */
	flag(fact, c->including || c->options || c->indexspace || SG_CONSTRAINT_PERIOD(c), "clauses");
	if (c->pktable)
		fact->other = script_path_table(reader->path, c->pktable);
}

static bool
is_nullable(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute attribute;

	return OidIsValid(relid) && sg_read_column(relid, attnum, &attribute) && !attribute.attnotnull;
}

/* Are columns of the index still nullable, so that a primary key USING it reads all rows? */
static bool
has_nullable(const char *table, const char *name)
{
	Oid			relid = sg_find_qualified(table);
	Oid			index = OidIsValid(relid) ? get_relname_relid(name, get_rel_namespace(relid)) : InvalidOid;

	HeapTuple	tuple = OidIsValid(index) ? SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index)) : NULL;
	bool		found = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	for (int i = 0; i < ((Form_pg_index) GETSTRUCT(tuple))->indnkeyatts; i++)
		found |= is_nullable(relid, ((Form_pg_index) GETSTRUCT(tuple))->indkey.values[i]);
	ReleaseSysCache(tuple);
	return found;
}

/* Returns what a constraint that is added to a table does to the rows that are there, or NULL */
static const char *
constraint_does(const Fact *fact, const Constraint *c)
{
	switch (c->contype)
	{
		case CONSTR_UNIQUE:
		case CONSTR_PRIMARY:
		case CONSTR_EXCLUSION:
			if (c->indexname == NULL)
				return BUILDS;
			return c->contype == CONSTR_PRIMARY && has_nullable(fact->relation, c->indexname) ? MAY_READ : NULL;
		case CONSTR_CHECK:
		case CONSTR_FOREIGN:
		case CONSTR_NOTNULL:
			return c->skip_validation || !SG_CONSTRAINT_ENFORCED(c) ? NULL : READS;
		default:
			return NULL;
	}
}

/* Another table that a statement locks besides its own */
static void
emit_also(FactReader *reader, const RangeVar *name, LOCKMODE lock, const char *does)
{
	Fact		fact = {.command = "also",.relation = script_path_table(reader->path, name),.lock = lock,.does = does};

	emit(reader, &fact);
}

static void
emit_referenced(FactReader *reader, const Constraint *c, const char *does)
{
	if (c->contype == CONSTR_FOREIGN)
		emit_also(reader, c->pktable, ShareRowExclusiveLock, does);
}

static bool
has_default(const ColumnDef *column)
{
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint) && c->contype == CONSTR_DEFAULT)
			return true;
	}
	return column->raw_default != NULL;
}

/* Returns what a column that is added does to the rows that are there; it is null in them, unless it has a default */
static const char *
column_does(const ColumnDef *column)
{
	const char *does = NULL;

	if (script_column_rewrites(column))
		return REWRITES;
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint) && (c->contype == CONSTR_UNIQUE || c->contype == CONSTR_PRIMARY))
			return BUILDS;
		if (IsA(c, Constraint) && (c->contype == CONSTR_CHECK || (c->contype == CONSTR_FOREIGN && has_default(column))))
			does = READS;
	}
	return does;
}

/* A column, with what is said about it */
static void
read_column(FactReader *reader, Fact *fact, const ColumnDef *column)
{
	char	   *type = type_text(column->typeName);

	fact->name = column->colname;
	flag(fact, OidIsValid(script_serial_type(column->typeName)), "serial");
	fact->does = column_does(column);
	flag(fact, script_column_rewrites(column), "computed");
	flag(fact, column->is_not_null, "not null");
	flag(fact, column->raw_default != NULL, "default");
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint))
			flag_constraint(reader, fact, c);
	}
	if (type)
		flag(fact, true, psprintf("type %s", type));
	emit(reader, fact);
	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint))
			emit_referenced(reader, c, has_default(column) ? READS : NULL);
	}
}

static void
read_constraint(FactReader *reader, Fact *fact, const Constraint *c)
{
	fact->name = c->conname;
	flag_constraint(reader, fact, c);
	fact->does = constraint_does(fact, c);
	emit(reader, fact);
	emit_referenced(reader, c, fact->does);
}

/* ---- statements ---- */

static char *
table_of_index(FactReader *reader, const RangeVar *name)
{
	return script_table_of_index(sg_find_qualified(script_path_table(reader->path, name)));
}

static const char *
alter_word(AlterTableType subtype)
{
	switch (subtype)
	{
		case AT_AddColumn:
			return "add column";
		case AT_DropColumn:
			return "drop column";
		case AT_ColumnDefault:
			return "alter default";
		case AT_DropNotNull:
			return "drop not null";
		case AT_SetNotNull:
			return "set not null";
		case AT_AlterColumnType:
			return "alter type";
		case AT_AddConstraint:
			return "add constraint";
		case AT_DropConstraint:
			return "drop constraint";
		case AT_ValidateConstraint:
			return "validate constraint";
		case AT_AttachPartition:
			return "attach partition";
		case AT_DetachPartition:
			return "detach partition";
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetTableSpace:
			return "move rows";
		case AT_DisableTrig:
		case AT_DisableTrigAll:
		case AT_DisableTrigUser:
			return "disable trigger";
		case AT_DisableRowSecurity:
			return "disable row security";
		default:
			return "alter table";
	}
}

/* Reads a command of ALTER TABLE; text: the command as a statement of its own */
static void
read_command(FactReader *reader, const AlterTableStmt *statement, const AlterTableCmd *cmd, const char *text)
{
	Fact		fact = {.command = alter_word(cmd->subtype),.name = cmd->name,.lock = reader->lock};

	fact.text = text;

	fact.relation = statement->objtype == OBJECT_INDEX ? table_of_index(reader, statement->relation) :
		script_path_table(reader->path, statement->relation);
	flag(&fact, statement->missing_ok || cmd->missing_ok, "if exists");
	flag(&fact, cmd->behavior == DROP_CASCADE, "cascade");
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			read_column(reader, &fact, (ColumnDef *) cmd->def);
			return;
		case AT_AddConstraint:
			read_constraint(reader, &fact, (Constraint *) cmd->def);
			return;
		case AT_AlterColumnType:
			fact.other = type_text(((ColumnDef *) cmd->def)->typeName);
			flag_type_change(&fact, script_type_change(sg_find_qualified(fact.relation), cmd->name, (ColumnDef *) cmd->def));
			break;
		case AT_SetNotNull:
			if (is_nullable(sg_find_qualified(fact.relation), get_attnum(sg_find_qualified(fact.relation), cmd->name)))
				fact.does = MAY_READ;
			break;
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetAccessMethod:
		case AT_SetTableSpace:
			fact.does = REWRITES;
			break;
		case AT_DisableTrigAll:
			flag(&fact, true, "all");
			break;
		case AT_AttachPartition:
		case AT_DetachPartition:
			fact.other = script_path_table(reader->path, ((PartitionCmd *) cmd->def)->name);
			flag(&fact, ((PartitionCmd *) cmd->def)->concurrent, "concurrently");
			break;
		default:
			break;
	}
	emit(reader, &fact);
	/* DETACH locks the partition as it does the whole */
	if (cmd->subtype == AT_AttachPartition || cmd->subtype == AT_DetachPartition)
		emit_also(reader, ((PartitionCmd *) cmd->def)->name, cmd->subtype == AT_DetachPartition ? reader->lock : AccessExclusiveLock,
				  cmd->subtype == AT_AttachPartition ? MAY_READ : NULL);
}

/* Attributes that a composite type loses */
static void
read_alter_type(FactReader *reader, const AlterTableStmt *statement)
{
	char	   *type = sg_qualified_name(statement->relation->schemaname, statement->relation->relname);

	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		Fact		fact = {.command = "drop attribute",.name = type,.other = cmd->name};

		if (cmd->subtype == AT_DropColumn)
			emit(reader, &fact);
	}
}

static void
read_alter(FactReader *reader, const AlterTableStmt *statement)
{
	ScriptTokens *tokens;
	int			from = 0;

	if (statement->objtype == OBJECT_TYPE)
		read_alter_type(reader, statement);
	if (statement->objtype != OBJECT_TABLE && statement->objtype != OBJECT_FOREIGN_TABLE &&
		statement->objtype != OBJECT_MATVIEW && statement->objtype != OBJECT_INDEX)
		return;

	/*
	 * of an index, this alone takes long; its lock keeps everybody from
	 * planning a query of the table
	 */
	if (statement->objtype == OBJECT_INDEX && linitial_node(AlterTableCmd, statement->cmds)->subtype != AT_SetTableSpace)
		return;
	tokens = script_tokens(reader->text);
	script_qualify_statement(tokens, reader->path, (Node *) statement);
	reader->lock = AlterTableGetLockLevel(statement->cmds);
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		int			end = script_token_find(tokens, from, tokens->n, ',');
		char	   *text = script_cut(tokens, from, end);

		read_command(reader, statement, cmd, from == 0 ? text :
					 psprintf("ALTER TABLE %s %s", script_path_table(reader->path, statement->relation), text));
		from = Min(end + 1, tokens->n);
	}
}

static void
read_create_table(FactReader *reader, const CreateStmt *statement)
{
	bool		is_here = OidIsValid(sg_find_qualified(script_path_table(reader->path, statement->relation)));
	Fact		fact = {.command = "create table"};

	if (is_here && statement->if_not_exists)
		return;
	fact.relation = script_path_new_table(reader->path, statement->relation);
	flag(&fact, statement->if_not_exists, "if not exists");
	flag(&fact, statement->relation->relpersistence == RELPERSISTENCE_TEMP, "temporary");
	emit(reader, &fact);
	if (statement->partbound)
		emit_also(reader, linitial(statement->inhRelations), AccessExclusiveLock, NULL);
	foreach_ptr(Node, element, statement->tableElts)
	{
		Fact		part = {.relation = fact.relation};

		if (IsA(element, ColumnDef))
		{
			part.command = "column";
			read_column(reader, &part, (ColumnDef *) element);
		}
		else if (IsA(element, Constraint))
		{
			part.command = "constraint";
			read_constraint(reader, &part, (Constraint *) element);
		}
	}
}

static void
read_index(FactReader *reader, const IndexStmt *statement)
{
	Fact		fact = {.command = "create index",.relation = script_path_table(reader->path, statement->relation),.name = statement->idxname,
	.lock = statement->concurrent ? ShareUpdateExclusiveLock : ShareLock};

	if (!script_leaves_partitions_out(statement, fact.relation))
		fact.does = BUILDS;
	flag(&fact, statement->concurrent, "concurrently");
	flag(&fact, statement->unique, "unique");
	flag(&fact, statement->if_not_exists, "if not exists");
	emit(reader, &fact);
}

/* A drop of what is no relation, nor a part of one; its name is without arguments */
static const char *
drop_word(ObjectType type)
{
	switch (type)
	{
		case OBJECT_SCHEMA:
			return "drop schema";
		case OBJECT_EXTENSION:
			return "drop extension";
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return "drop type";
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			return "drop function";
		case OBJECT_SEQUENCE:
			return "drop sequence";
		default:
			return "drop";
	}
}

/* Returns the name of an object as DROP has it, or NULL: it has another form */
static char *
dropped_name(Node *object)
{
	List	   *names = IsA(object, List) ? (List *) object : IsA(object, TypeName) ? ((TypeName *) object)->names :
		IsA(object, ObjectWithArgs) ? ((ObjectWithArgs *) object)->objname : NIL;

	if (IsA(object, String))
		return pstrdup(quote_identifier(strVal(object)));
	foreach_ptr(Node, name, names)
	{
		if (!IsA(name, String))
			return NULL;
	}
	return names && list_length(names) < 3 ? NameListToQuotedString(names) : NULL;
}

static void
read_drop_owned(FactReader *reader, const DropOwnedStmt *statement)
{
	foreach_ptr(const RoleSpec, role, statement->roles)
	{
		Fact		fact = {.command = "drop owned",.name = role->rolename ? role->rolename : "CURRENT_USER"};

		flag(&fact, statement->behavior == DROP_CASCADE, "cascade");
		emit(reader, &fact);
	}
}

static void
read_drop(FactReader *reader, const DropStmt *statement)
{
	foreach_ptr(Node, object, statement->objects)
	{
		Fact		fact = {.lock = AccessExclusiveLock};
		RangeVar   *name;

		flag(&fact, statement->missing_ok, "if exists");
		flag(&fact, statement->behavior == DROP_CASCADE, "cascade");
		flag(&fact, statement->concurrent, "concurrently");
		switch (statement->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
				name = makeRangeVarFromNameList((List *) object);
				fact.command = statement->removeType == OBJECT_TABLE ? "drop table" : "drop view";
				fact.relation = script_path_drop_table(reader->path, name);
				break;
			case OBJECT_INDEX:
				name = makeRangeVarFromNameList((List *) object);
				fact.command = "drop index";
				fact.relation = table_of_index(reader, name);
				fact.name = script_path_table(reader->path, name);
				if (statement->concurrent)
					fact.lock = ShareUpdateExclusiveLock;
				break;
			case OBJECT_TRIGGER:
			case OBJECT_POLICY:
			case OBJECT_RULE:
				name = makeRangeVarFromNameList(list_copy_head((List *) object, list_length((List *) object) - 1));
				fact.command = "drop part";
				fact.relation = script_path_table(reader->path, name);
				fact.name = strVal(llast((List *) object));
				break;
			default:
				fact.command = drop_word(statement->removeType);
				fact.name = dropped_name(object);
				fact.lock = NoLock;
				break;
		}
		emit(reader, &fact);
	}
}

static void
read_rename(FactReader *reader, const RenameStmt *statement)
{
	Fact		fact = {.command = "rename",.lock = AccessExclusiveLock,.other = statement->newname,.name = statement->subname};

	if (statement->relation == NULL)
		return;
	fact.relation = script_path_table(reader->path, statement->relation);
	switch (statement->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			fact.command = statement->renameType == OBJECT_TABLE ? "rename table" : "rename view";
			emit(reader, &fact);
			if (script_path_has_made(reader->path, fact.relation))
				(void) script_path_new_table(reader->path, makeRangeVar(statement->relation->schemaname, statement->newname, -1));
			return;
		case OBJECT_COLUMN:
			fact.command = "rename column";
			break;
		case OBJECT_INDEX:
			fact.relation = table_of_index(reader, statement->relation);
			fact.lock = NoLock;
			break;
		default:
			break;
	}
	emit(reader, &fact);
}

/* A statement about one table, or all of them (NULL), that needs no more words */
static void
read_simple(FactReader *reader, const char *command, const RangeVar *name, LOCKMODE lock, const char *word)
{
	Fact		fact = {.command = command,.relation = name ? script_path_table(reader->path, name) : NULL,.lock = lock};

	if (strcmp(command, "rewrite table") == 0 || strcmp(command, "refresh") == 0)
		fact.does = strcmp(command, "refresh") == 0 ? COMPUTES : REWRITES;
	flag(&fact, word != NULL, word);
	flag(&fact, name == NULL, "all tables");
	emit(reader, &fact);
}

static void
read_truncate(FactReader *reader, const TruncateStmt *statement)
{
	foreach_ptr(const RangeVar, name, statement->relations)
	{
		read_simple(reader, "truncate", name, AccessExclusiveLock, statement->behavior == DROP_CASCADE ? "cascade" : NULL);
	}
}

/* Is an option in parentheses on?  It is without a value, and with one that the server would refuse. */
static bool
is_on(const DefElem *option)
{
	bool		on = true;

	if (option->arg && IsA(option->arg, String))
		(void) parse_bool(strVal(option->arg), &on);
	else if (option->arg && IsA(option->arg, Integer))
		on = intVal(option->arg) != 0;
	return on;
}

static void
read_maintenance(FactReader *reader, const VacuumStmt *statement)
{
	bool		full = false;

	if (!statement->is_vacuumcmd)
		return;
	foreach_ptr(const DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "full") == 0)
			full = is_on(option);
	}
	foreach_ptr(const VacuumRelation, one, statement->rels)
	{
		read_simple(reader, full ? "rewrite table" : "vacuum", one->relation, full ? AccessExclusiveLock : ShareUpdateExclusiveLock, NULL);
	}
	if (statement->rels == NIL)
		read_simple(reader, full ? "rewrite table" : "vacuum", NULL, NoLock, NULL);
}

static void
read_reindex(FactReader *reader, const ReindexStmt *statement)
{
	bool		concurrently = false;
	Fact		fact = {.command = "reindex",.does = BUILDS};

	foreach_ptr(const DefElem, option, statement->params)
	{
		if (strcmp(option->defname, "concurrently") == 0)
			concurrently = is_on(option);
	}
	flag(&fact, concurrently, "concurrently");
	fact.lock = concurrently ? ShareUpdateExclusiveLock : ShareLock;
	if (statement->relation == NULL)
		flag(&fact, true, "all tables");
	else
		fact.relation = statement->kind == REINDEX_OBJECT_INDEX ? table_of_index(reader, statement->relation) :
			script_path_table(reader->path, statement->relation);
	emit(reader, &fact);
}

/* Settings that matter to whoever waits for a lock, or to keys and triggers */
static void
read_setting(FactReader *reader, const VariableSetStmt *statement)
{
	Fact		fact = {.command = "set",.name = statement->name};

	if (list_length(statement->args) == 1 && IsA(linitial(statement->args), A_Const) &&
		IsA(&((A_Const *) linitial(statement->args))->val.node, String))
		fact.other = strVal(&((A_Const *) linitial(statement->args))->val.node);
	if (statement->kind == VAR_SET_VALUE && statement->name)
		emit(reader, &fact);
}

static void
read_transaction(FactReader *reader, const TransactionStmt *statement)
{
	Fact		fact = {.command = "begin"};

	switch (statement->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			flag(&fact, reader->in_block || reader->in_transaction, "nested");
			reader->in_block = true;
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			fact.command = "commit";
			flag(&fact, !reader->in_block, reader->in_transaction ? "nested" : "alone");
			reader->in_block = false;
			reader->unit++;
			break;
		default:
			return;
	}
	emit(reader, &fact);
}

static void
read_query(FactReader *reader, const char *command, const RangeVar *name, const Node *where)
{
	read_simple(reader, command, name, RowExclusiveLock, where ? "where" : NULL);
}

static void
read_domain(FactReader *reader, const char *command, bool is_used, List *names, List *constraints)
{
	Fact		fact = {.command = command,.name = NameListToQuotedString(names)};

	foreach_ptr(const Constraint, c, constraints)
	{
		flag_constraint(reader, &fact, c);
		fact.does = is_used ? constraint_does(&fact, c) : NULL;
	}
	if (fact.does)
		fact.lock = ShareLock;
	emit(reader, &fact);
}

static void
read_statement(FactReader *reader, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			read_alter(reader, (AlterTableStmt *) statement);
			break;
		case T_CreateStmt:
			read_create_table(reader, (CreateStmt *) statement);
			break;
		case T_CreateTableAsStmt:
			(void) script_path_new_table(reader->path, ((CreateTableAsStmt *) statement)->into->rel);
			break;
		case T_ViewStmt:
			(void) script_path_new_table(reader->path, ((ViewStmt *) statement)->view);
			break;
		case T_IndexStmt:
			read_index(reader, (IndexStmt *) statement);
			break;
		case T_DropStmt:
			read_drop(reader, (DropStmt *) statement);
			break;
		case T_DropOwnedStmt:
			read_drop_owned(reader, (DropOwnedStmt *) statement);
			break;
		case T_RenameStmt:
			read_rename(reader, (RenameStmt *) statement);
			break;
		case T_TruncateStmt:
			read_truncate(reader, (TruncateStmt *) statement);
			break;
		case T_CreateTrigStmt:
			read_simple(reader, "create trigger", ((CreateTrigStmt *) statement)->relation, ShareRowExclusiveLock, NULL);
			break;
		case T_CreatePolicyStmt:
			read_simple(reader, "create policy", ((CreatePolicyStmt *) statement)->table, AccessExclusiveLock, NULL);
			break;
		case T_RuleStmt:
			read_simple(reader, "create rule", ((RuleStmt *) statement)->relation, AccessExclusiveLock, NULL);
			break;
		case T_RepackStmt:
			read_simple(reader, "rewrite table", SG_REPACKED(statement), AccessExclusiveLock, NULL);
			break;
		case T_VacuumStmt:
			read_maintenance(reader, (VacuumStmt *) statement);
			break;
		case T_ReindexStmt:
			read_reindex(reader, (ReindexStmt *) statement);
			break;
		case T_RefreshMatViewStmt:
			read_simple(reader, "refresh", ((RefreshMatViewStmt *) statement)->relation,
						((RefreshMatViewStmt *) statement)->concurrent ? ExclusiveLock : AccessExclusiveLock,
						((RefreshMatViewStmt *) statement)->concurrent ? "concurrently" : NULL);
			break;
		case T_LockStmt:
			foreach_ptr(const RangeVar, name, ((LockStmt *) statement)->relations)
			{
				read_simple(reader, "lock", name, ((LockStmt *) statement)->mode, NULL);
			}
			break;
		case T_InsertStmt:
			read_query(reader, "insert", ((InsertStmt *) statement)->relation, NULL);
			break;
		case T_UpdateStmt:
			read_query(reader, "update", ((UpdateStmt *) statement)->relation, ((UpdateStmt *) statement)->whereClause);
			break;
		case T_MergeStmt:
			read_query(reader, "merge", ((MergeStmt *) statement)->relation, ((MergeStmt *) statement)->joinCondition);
			break;
		case T_DeleteStmt:
			read_query(reader, "delete", ((DeleteStmt *) statement)->relation, ((DeleteStmt *) statement)->whereClause);
			break;
		case T_CreateDomainStmt:
			read_domain(reader, "create domain", false, ((CreateDomainStmt *) statement)->domainname, ((CreateDomainStmt *) statement)->constraints);
			script_path_new_type(reader->path, ((CreateDomainStmt *) statement)->domainname);
			break;
		case T_AlterDomainStmt:
			read_domain(reader, "alter domain", true, ((AlterDomainStmt *) statement)->typeName,
						((AlterDomainStmt *) statement)->def && IsA(((AlterDomainStmt *) statement)->def, Constraint) ?
						list_make1(((AlterDomainStmt *) statement)->def) : NIL);
			break;
		case T_CreateEnumStmt:
			script_path_new_type(reader->path, ((CreateEnumStmt *) statement)->typeName);
			break;
		case T_DropdbStmt:
			read_simple(reader, "drop database", NULL, NoLock, NULL);
			break;
		case T_DoStmt:
		case T_CallStmt:
			read_simple(reader, "run code", NULL, NoLock, NULL);
			break;
		case T_VariableSetStmt:
			read_setting(reader, (VariableSetStmt *) statement);
			script_path_follow(reader->path, statement);
			break;
		case T_TransactionStmt:
			script_path_follow(reader->path, statement);
			read_transaction(reader, (TransactionStmt *) statement);
			break;
		default:
			script_path_follow(reader->path, statement);
			break;
	}
}

/* Parses and reads statements until one raises an error, or the last has been read */
static void
read_statements(void *arg)
{
	FactReader *reader = arg;

	while (reader->next < reader->script->nstatements)
	{
		ScriptStatement *at = &reader->script->statements[reader->next++];
		List	   *parsed;

		CHECK_FOR_INTERRUPTS();
		begin_statement(reader, at->start, at->length);
		parsed = raw_parser(reader->text, RAW_PARSE_DEFAULT);
		if (parsed == NIL)
			continue;
		reader->statement = linitial_node(RawStmt, parsed)->stmt;
		read_statement(reader, reader->statement);
		if (!reader->in_transaction && !reader->in_block)
			reader->unit++;
	}
}

/* What can't be told of a statement is a fact of the script */
static void
emit_alone(FactReader *reader, const char *command, const char *message)
{
	Fact		fact = {.command = command,.other = message};

	reader->statement = NULL;
	emit(reader, &fact);
}

static void
read_script(FactReader *reader, const char *sql)
{
	Script	   *script = reader->script = script_split(sql);

	reader->next = 0;
	reader->offset = 0;
	reader->line = 1;
	reader->in_block = false;
	reader->unit++;
	while (reader->next < script->nstatements)
	{
		ErrorData  *error = sg_try(read_statements, reader);

		if (error == NULL)
			continue;
		sg_rethrow_cancel(error);
		if (!reader->holds_only)
			sg_sink_undo(&reader->sink);
		emit_alone(reader, "error", error->message);
	}
	if (script->error)
	{
		begin_statement(reader, script->error_offset, 0);
		emit_alone(reader, "error", psprintf("%s; the script is not read from there on", script->error->message));
	}
	if (reader->in_block)
		emit_alone(reader, "open", NULL);
	if (script->commands)
	{
		begin_statement(reader, script->length, 0);
		emit_alone(reader, "psql", NULL);
	}
}

List *
script_holds(const char *sql)
{
	FactReader	reader = {.path = script_path_begin(),.holds_only = true};
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_set("client_min_messages", "error");
	read_script(&reader, sql);
	sg_scope_end(&scope);
	return reader.holds;
}

char *
script_hold_text(const ScriptHold *hold)
{
	static const char *const modes[] = {
		[ShareLock] = "SHARE",[ShareRowExclusiveLock] = "SHARE ROW EXCLUSIVE",
		[ExclusiveLock] = "EXCLUSIVE",[AccessExclusiveLock] = "ACCESS EXCLUSIVE"
	};
	static const char *const words[][2] = {
		{BUILDS, "builds an index"}, {READS, "reads all rows"}, {REWRITES, "writes all of it anew"}, {COMPUTES, "computes its rows"},
		{MAY_REWRITE, "writes all of it anew, as it may have to"},
		{MAY_READ, "reads all rows, unless a valid CHECK tells enough of them"},
	};
	const char *does = NULL;

	for (int i = 0; i < lengthof(words); i++)
	{
		if (strcmp(words[i][0], hold->does) == 0)
			does = words[i][1];
	}
	return psprintf("it holds %s on %s while it %s: nobody can %s meanwhile", modes[hold->lock],
					hold->relation ? hold->relation : "each table that it is about", does,
					hold->lock == AccessExclusiveLock ? "read or write there" : "write there");
}

/* Does script_holds(), as plan_holds_hook */
static List *
hold_texts(const char *sql)
{
	List	   *texts = NIL;

	foreach_ptr(const ScriptHold, hold, script_holds(sql))
	{
		texts = lappend(texts, script_hold_text(hold));
	}
	return texts;
}

void
script_facts_init(void)
{
	plan_holds_hook = hold_texts;
}

/* Raises an error for what is no script */
static void
check_script(bool is_null, const char *script)
{
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a script must not be null")));
	if (script_is_file_name(script))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("script must be the text itself, not the name of a file: \"%s\"", sg_clip(script, 100)),
				 errhint(sg_calls("In psql, \\set script `cat %s` reads the file, and :'script' is its text. If the file is on the server:\nSELECT * FROM sg_lint_sql(pg_read_file(%s));"),
						 sg_clip(script, 100), quote_literal_cstr(script))));
}

/*
 * sg_script_facts(scripts text[], in_transaction boolean)
 *
 * Returns a row for each thing that a statement does, of scripts that run one
 * after the other; each runs within a transaction, if it is said so.  A
 * statement that can't be parsed is a row, too.  Everybody may call it; takes
 * no lock but on catalogs.  22004: a script is null; 22023: it is the name of a
 * file.
 */
static Datum
sg_script_facts_entered(PG_FUNCTION_ARGS)
{
	FactReader	reader = {.path = script_path_begin(),.in_transaction = sg_arg_bool(fcinfo, 1)};
	Datum	   *scripts;
	bool	   *nulls;
	int			n;
	SgScope		scope;

	sg_arg_check(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &scripts, &nulls, &n);
	sg_sink_begin(&reader.sink, fcinfo);
	sg_caller_begin(&scope);
	sg_scope_set("client_min_messages", "error");
	for (int i = 0; i < n; i++)
	{
		char	   *script = nulls[i] ? NULL : TextDatumGetCString(scripts[i]);

		check_script(nulls[i], script);
		reader.file = i + 1;
		read_script(&reader, script);
	}
	sg_scope_end(&scope);
	return (Datum) 0;
}
