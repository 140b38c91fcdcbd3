/*-------------------------------------------------------------------------
 *
 * script_facts.c
 *	  sg_script_facts(): what the statements of scripts do to which tables, and
 *	  the locks that they take, for rules that judge a script before it runs.
 *
 * Statements are parsed, and neither analysed nor run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

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
#include "fk/fk.h"
#include "plan/plan_change.h"
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
	List	   *heirs;			/* that it comes to: names of tables that
								 * inherit, not partitions */
	const char *deed;			/* of ALTER TABLE on its table, under all its
								 * locks, or NULL: none yet */
	bool		default_apart;	/* of a column that is added */
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
								 * one of the words of script.h; or NULL */
	const char *tables;			/* text of all that is locked for that deed,
								 * or NULL: the relation alone */
	const char *rows;			/* the table that the deed is about, or NULL:
								 * the relation */
	bool		with_heirs;		/* is it done with tables that inherit, too? */
	char	   *way;			/* statement that does the deed beforehand, or
								 * NULL: not known */
	char	   *undo;			/* statement that takes its CHECK away again,
								 * or NULL */
} Fact;

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
	const char *rows = fact->rows ? fact->rows : fact->relation;
	ScriptHold *hold = reader->holds ? llast(reader->holds) : NULL;

	if (fact->does == NULL || fact->lock < ShareLock || (fact->relation && !OidIsValid(sg_find_qualified(fact->relation))))
		return;
	if (hold && hold->ways && fact->way && hold->lock == fact->lock && strcmp(hold->does, fact->does) == 0 && strcmp(hold->relation, rows) == 0)
	{
		hold->ways = lappend(hold->ways, fact->way);
		return;
	}
	hold = palloc0(sizeof(ScriptHold));
	hold->relation = rows ? pstrdup(rows) : NULL;
	hold->lock = fact->lock;
	hold->does = fact->does;
	hold->tables = fact->tables ? fact->tables : fact->rows ? pstrdup(fact->relation) : NULL;
	hold->ways = fact->way ? list_make1(fact->way) : NIL;
	hold->undo = fact->undo;
	hold->heirs = fact->with_heirs ? reader->heirs : NIL;
	reader->holds = lappend(reader->holds, hold);
}

static void
emit(FactReader *reader, Fact *fact)
{
	SgRowSink  *sink = &reader->sink;
	bool		is_new = fact->relation && script_path_has_made(reader->path, fact->relation);
	const char *text;

	if (reader->deed == NULL)
		reader->deed = fact->does;
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

/* Returns the table of a name, or InvalidOid if it is not here, or the script makes it */
static Oid
find_old(FactReader *reader, const char *name)
{
	return script_path_has_made(reader->path, name) ? InvalidOid : sg_find_qualified(name);
}

/* The tables that are locked while the foreign keys with a column that is rewritten are checked anew */
static void
emit_checked_keys(FactReader *reader, Oid relid, const char *column)
{
	foreach_ptr(const FkKey, key, script_keys_of_column(relid, column))
	{
		Oid			other = key->child == relid ? key->parent : key->child;
		Fact		fact = {.command = "also",.relation = sg_relation_name(other),.lock = AccessExclusiveLock};

		if (other == relid)
			continue;
		fact.does = key->validated && key->enforced ? DOES_CHECK : NULL;
		fact.rows = other == key->parent ? sg_relation_name(relid) : NULL;
		flag(&fact, true, "retyped");
		emit(reader, &fact);
	}
}

/* A new type of a column of a table, and what it has read, built or checked */
static void
emit_retyped(FactReader *reader, Fact *fact, Oid relid, const ColumnDef *def)
{
	ScriptTypeChange change = script_type_change(relid, fact->name, def);
	Fact		also = {.command = "also",.relation = fact->relation,.lock = fact->lock,.does = DOES_BUILD};
	bool		reads = false;
	bool		builds = false;

	fact->other = script_type_text(def->typeName);
	if (change == TYPE_REWRITES || change == TYPE_MAY_REWRITE)
		fact->does = change == TYPE_REWRITES ? DOES_REWRITE : DOES_MAYBE_REWRITE;
	else if (change == TYPE_KEEPS_ROWS)
	{
		foreach_oid(table, sg_all_inheritors(relid))
		{
			script_type_redo(table, fact->name, def, &reads, &builds);
		}
		fact->does = reads ? DOES_READ : builds ? DOES_BUILD : NULL;
	}
	flag(fact, change == TYPE_NO_CAST, "no cast");
	emit(reader, fact);
	if (reads && builds)
		emit(reader, &also);
	if (change == TYPE_REWRITES || change == TYPE_MAY_REWRITE)
		emit_checked_keys(reader, relid, fact->name);
}

/* ---- columns and constraints ---- */

static const char *const constraint_words[] = {
	[CONSTR_NOTNULL] = "not null",[CONSTR_DEFAULT] = "default",[CONSTR_IDENTITY] = "identity",[CONSTR_GENERATED] = "generated",
	[CONSTR_CHECK] = "check",[CONSTR_PRIMARY] = "primary key",[CONSTR_UNIQUE] = "unique",[CONSTR_EXCLUSION] = "exclude",
	[CONSTR_FOREIGN] = "foreign key"
};

static void
flag_constraint(FactReader *reader, Fact *fact, const Constraint *c)
{
	const char *word = c->contype < lengthof(constraint_words) ? constraint_words[c->contype] : NULL;

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
				return DOES_BUILD;
			return c->contype == CONSTR_PRIMARY && has_nullable(fact->relation, c->indexname) ? DOES_MAYBE_READ : NULL;
		case CONSTR_CHECK:
		case CONSTR_FOREIGN:
		case CONSTR_NOTNULL:
			return c->skip_validation || !SG_CONSTRAINT_ENFORCED(c) ? NULL : DOES_READ;
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

	foreach_ptr(const Constraint, c, column->constraints)
	{
		if (IsA(c, Constraint) && (c->contype == CONSTR_UNIQUE || c->contype == CONSTR_PRIMARY))
			return DOES_BUILD;
		if (IsA(c, Constraint) && (c->contype == CONSTR_CHECK || (c->contype == CONSTR_FOREIGN && has_default(column))))
			does = DOES_READ;
	}
	return does;
}

/* Returns the name of a type with the schema that it has by the script's path */
static List *
with_schema(FactReader *reader, List *names)
{
	const char *schema = list_length(names) == 1 ? script_path_schema(reader->path, SCRIPT_TYPE, strVal(linitial(names)), InvalidOid) : NULL;

	return schema ? lcons(makeString(pstrdup(schema)), list_copy(names)) : names;
}

/* Returns a column whose type has that schema; itself where nothing changes */
static const ColumnDef *
column_with_schema(FactReader *reader, const ColumnDef *column)
{
	List	   *names = column->typeName ? with_schema(reader, column->typeName->names) : NIL;
	ColumnDef  *copy;

	if (names == NIL || names == column->typeName->names)
		return column;
	copy = copyObject(unconstify(ColumnDef *, column));
	copy->typeName->names = names;
	return copy;
}

/* A column, with what is said about it */
static void
read_column(FactReader *reader, Fact *fact, const ColumnDef *column)
{
	char	   *type = script_type_text(column->typeName);
	bool		rewrites = script_column_rewrites(column_with_schema(reader, column), reader->default_apart);

	fact->name = column->colname;
	flag(fact, OidIsValid(script_serial_type(column->typeName)), "serial");
	fact->does = rewrites ? DOES_REWRITE : column_does(column);
	flag(fact, rewrites, "computed");
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
			emit_referenced(reader, c, has_default(column) ? DOES_READ : NULL);
	}
}

static void
read_constraint(FactReader *reader, Fact *fact, const Constraint *c)
{
	fact->name = c->conname;
	flag_constraint(reader, fact, c);
	fact->does = constraint_does(fact, c);
	emit(reader, fact);
	/* else it is locked for what the other commands do */
	if (!c->skip_validation)
		emit_referenced(reader, c, fact->does);
}

/* ---- statements ---- */

static char *
table_of_index(FactReader *reader, const RangeVar *name)
{
	return script_table_of_index(sg_find_qualified(script_path_table(reader->path, name)));
}

/* Commands of ALTER TABLE; any other is "alter table" */
static const struct
{
	AlterTableType subtype;
	const char *command;
	const char *does;
}			alter_words[] = {
	{AT_AddColumn, "add column"},
	{AT_DropColumn, "drop column"},
	{AT_ColumnDefault, "alter default"},
	{AT_DropNotNull, "drop not null"},
	{AT_SetNotNull, "set not null"},
	{AT_AlterColumnType, "alter type"},
	{AT_AddConstraint, "add constraint"},
	{AT_DropConstraint, "drop constraint"},
	{AT_ValidateConstraint, "validate constraint"},
	{AT_AttachPartition, "attach partition"},
	{AT_DetachPartition, "detach partition"},
	{SG_AT_SET_EXPRESSION, "set expression", DOES_REWRITE},
	{AT_SetLogged, "move rows", DOES_REWRITE},
	{AT_SetUnLogged, "move rows", DOES_REWRITE},
	{AT_SetAccessMethod, "move rows", DOES_REWRITE},
	{AT_SetTableSpace, "move rows", DOES_REWRITE},
	{AT_DisableTrig, "disable trigger"},
	{AT_DisableTrigAll, "disable trigger"},
	{AT_DisableTrigUser, "disable trigger"},
	{AT_DisableRowSecurity, "disable row security"},
};

static void
set_alter_word(Fact *fact, AlterTableType subtype)
{
	for (int i = 0; i < lengthof(alter_words); i++)
	{
		if (alter_words[i].subtype == subtype)
		{
			fact->command = alter_words[i].command;
			fact->does = alter_words[i].does;
		}
	}
}

/* Returns the name of the default partition of a table, or NULL */
static char *
default_partition(Oid whole)
{
	Oid			partition = OidIsValid(whole) ? get_default_partition_oid(whole) : InvalidOid;

	return OidIsValid(partition) ? sg_relation_name(partition) : NULL;
}

/* Sets what has the rows of a table read that is attached, and how that is spared */
static void
set_inside_read(Fact *fact, Oid whole, PartitionBoundSpec *bound)
{
	char	   *condition;

	if (script_bound_check(whole, sg_find_qualified(fact->relation), bound, true, &condition))
		return;
	fact->does = DOES_MAYBE_READ;
	if (condition)
		fact->way = psprintf("ALTER TABLE %s ADD CHECK (%s)", fact->relation, condition);
}

/* Sets what has the rows of the default partition read when another one comes, and the CHECK that spares it, and refuses rows of that one until then */
static void
set_outside_read(Fact *fact, Oid whole, PartitionBoundSpec *bound, const char *partition)
{
	Oid			relid = sg_find_qualified(fact->relation);
	char	   *condition;
	char	   *check = script_bound_check(whole, relid, bound, false, &condition);

	fact->does = check ? DOES_REFUSE : DOES_MAYBE_READ;
	if (condition)
	{
		check = ChooseConstraintName(sg_rel_name(relid), partition, "check", get_rel_namespace(relid), NIL);
		fact->other = fact->way = psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s)", fact->relation, quote_identifier(check), condition);
	}
	if (check)
		fact->undo = psprintf("ALTER TABLE %s DROP CONSTRAINT %s", fact->relation, quote_identifier(check));
}

/*
 * The default partition of a table that gets a partition, or loses one; bound:
 * of one that it gets, which has the rows read.  Returns the fact.
 */
static Fact
emit_default(FactReader *reader, const RangeVar *table, PartitionBoundSpec *bound, const char *partition, bool whole_too)
{
	char	   *whole = script_path_table(reader->path, table);
	Oid			parent = find_old(reader, whole);
	Fact		fact = {.command = "also",.relation = default_partition(parent),.lock = AccessExclusiveLock};

	if (fact.relation == NULL)
		return fact;
	if (bound)
		set_outside_read(&fact, parent, bound, partition);
	if (whole_too)
		fact.tables = psprintf("%s and its default partition %s", whole, fact.relation);
	flag(&fact, bound && strcmp(fact.does, DOES_MAYBE_READ) == 0, "default partition");
	emit(reader, &fact);
	if (bound && strcmp(fact.does, DOES_REFUSE) == 0)
		fact.does = NULL;
	return fact;
}

/* The tables that foreign keys tie to a table that gets a partition: locked while a deed is done, if it is one */
static void
emit_tied(FactReader *reader, Oid whole, const Fact *deed)
{
	foreach_oid(table, OidIsValid(whole) ? script_tied_tables(whole) : NIL)
	{
		Fact		fact = {.command = "also",.relation = sg_relation_name(table),.lock = ShareRowExclusiveLock};

		fact.does = deed->does;
		fact.rows = deed->does ? deed->relation : NULL;
		emit(reader, &fact);
	}
}

/* A deed for each of the statements that would do it beforehand */
static void
emit_needs(FactReader *reader, Fact fact, const char *does, const List *ways)
{
	fact.does = does;
	foreach_ptr(char, way, ways)
	{
		fact.flags = list_make1("attached");
		fact.other = fact.way = way;
		emit(reader, &fact);
	}
}

static void
emit_attached(FactReader *reader, const RangeVar *whole, const PartitionCmd *cmd)
{
	Oid			parent = find_old(reader, script_path_table(reader->path, whole));
	Fact		fact = {.command = "also",.relation = script_path_table(reader->path, cmd->name),.lock = AccessExclusiveLock};
	Oid			partition = find_old(reader, fact.relation);
	char	   *rest = default_partition(parent);
	List	   *keys;
	Fact		other;

	set_inside_read(&fact, parent, cmd->bound);
	if (rest)
		fact.tables = psprintf("%s and the default partition %s", fact.relation, rest);
	emit(reader, &fact);
	if (OidIsValid(partition) && get_rel_relkind(parent) == RELKIND_PARTITIONED_TABLE)
	{
		emit_needs(reader, fact, DOES_BUILD, script_missing_indexes(parent, partition));
		keys = script_missing_keys(parent, partition);
		emit_needs(reader, fact, DOES_CHECK, keys);
		if (keys)
			fact.does = DOES_CHECK;
	}
	other = emit_default(reader, whole, cmd->bound, cmd->name->relname, false);
	emit_tied(reader, parent, fact.does ? &fact : &other);
}

/* Has a table a generated column of that name that is not stored? */
static bool
is_virtual(Oid relid, const char *column)
{
	FormData_pg_attribute attribute;
	AttrNumber	attnum = OidIsValid(relid) ? get_attnum(relid, column) : InvalidAttrNumber;

	return attnum != InvalidAttrNumber && sg_read_column(relid, attnum, &attribute) && attribute.attgenerated != ATTRIBUTE_GENERATED_STORED;
}

/* A constraint that is enforced from now on: all rows are read, for a key while nobody can write the referenced table */
static void
emit_enforced(FactReader *reader, Fact *fact, const char *constraint)
{
	Oid			relid = find_old(reader, fact->relation);
	FkKey	   *key = OidIsValid(relid) ? fk_by_name(relid, constraint) : NULL;
	Fact		also = {.command = "also",.lock = ShareRowExclusiveLock,.does = DOES_CHECK,.rows = fact->relation};

	fact->command = "enforce constraint";
	fact->name = constraint;
	fact->does = key ? DOES_CHECK : DOES_READ;
	also.relation = key ? sg_relation_name(key->parent) : NULL;
	fact->other = also.relation;
	emit(reader, fact);
	if (key && key->parent != relid)
		emit(reader, &also);
}

Constraint *
script_added_constraint(const AlterTableStmt *statement, const char *name)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		if (cmd->subtype == AT_AddConstraint && sg_same_text(((Constraint *) cmd->def)->conname, name))
			return (Constraint *) cmd->def;
	}
	return NULL;
}

/* Returns what VALIDATE CONSTRAINT does to the rows under the lock of the statement, or NULL if others can write meanwhile, or it is valid */
static const char *
validation_does(FactReader *reader, const AlterTableStmt *statement, const Fact *fact)
{
	const Constraint *added = script_added_constraint(statement, fact->name);
	Oid			relid = find_old(reader, fact->relation);
	Oid			constraint = OidIsValid(relid) && !added ? get_relation_constraint_oid(relid, fact->name, true) : InvalidOid;
	HeapTuple	tuple = OidIsValid(constraint) ? SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint)) : NULL;
	const char *does = added && added->contype == CONSTR_FOREIGN ? DOES_CHECK : DOES_READ;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		does = form->convalidated ? NULL : form->contype == CONSTRAINT_FOREIGN ? DOES_CHECK : DOES_READ;
		ReleaseSysCache(tuple);
	}
	return reader->lock > ShareUpdateExclusiveLock ? does : NULL;
}

/* The tables that foreign keys refer to which ALTER TABLE adds NOT VALID: locked, too, while it does what takes long */
static void
emit_not_valid(FactReader *reader, const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		const Constraint *c = (Constraint *) cmd->def;
		Fact		fact = {.command = "also",.lock = ShareRowExclusiveLock,.does = reader->deed};

		if (cmd->subtype != AT_AddConstraint || c->contype != CONSTR_FOREIGN || !c->skip_validation)
			continue;
		fact.relation = script_path_table(reader->path, c->pktable);
		fact.rows = reader->deed ? script_path_table(reader->path, statement->relation) : NULL;
		if (fact.rows == NULL || strcmp(fact.rows, fact.relation) != 0)
			emit(reader, &fact);
	}
}

/* Returns the names of the tables that inherit from one and are no partitions */
static List *
heirs_of(Oid relid)
{
	List	   *names = NIL;

	foreach_oid(table, OidIsValid(relid) ? list_delete_first(sg_all_inheritors(relid)) : NIL)
	{
		if (!get_rel_relispartition(table))
			names = lappend(names, sg_relation_name(table));
	}
	return names;
}

/* Does a command of ALTER TABLE come to tables that inherit, with what takes long? */
static bool
comes_to_heirs(Oid relid, const AlterTableCmd *cmd)
{
	const Constraint *c = (Constraint *) cmd->def;

	switch (cmd->subtype)
	{
		case AT_AddColumn:
		case AT_AlterColumnType:
		case AT_SetNotNull:
			return true;
		case AT_AddConstraint:
			return (c->contype == CONSTR_CHECK || c->contype == CONSTR_NOTNULL) && !c->is_no_inherit;
		case AT_ValidateConstraint:
			return OidIsValid(relid) && fk_by_name(relid, cmd->name) == NULL;
		default:
			return cmd->subtype == SG_AT_SET_EXPRESSION;
	}
}

/* Reads a command of ALTER TABLE; text: the command as a statement of its own */
static void
read_command(FactReader *reader, const AlterTableStmt *statement, const AlterTableCmd *cmd, const char *text)
{
	Fact		fact = {.command = "alter table",.name = cmd->name,.lock = reader->lock};

	fact.text = text;

	fact.with_heirs = reader->heirs && comes_to_heirs(find_old(reader, script_path_table(reader->path, statement->relation)), cmd);

	set_alter_word(&fact, cmd->subtype);
	fact.relation = statement->objtype == OBJECT_INDEX ? table_of_index(reader, statement->relation) :
		script_path_table(reader->path, statement->relation);
	flag(&fact, statement->missing_ok || cmd->missing_ok, "if exists");
	flag(&fact, cmd->behavior == DROP_CASCADE, "cascade");
	if (cmd->subtype == SG_AT_SET_EXPRESSION && is_virtual(find_old(reader, fact.relation), cmd->name))
		fact.does = NULL;
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			read_column(reader, &fact, (ColumnDef *) cmd->def);
			return;
		case AT_AddConstraint:
			read_constraint(reader, &fact, (Constraint *) cmd->def);
			return;
		case AT_AlterColumnType:
			emit_retyped(reader, &fact, find_old(reader, fact.relation), (ColumnDef *) cmd->def);
			return;
		case AT_SetNotNull:
			foreach_oid(table, sg_all_inheritors(sg_find_qualified(fact.relation)))
			{
				if (is_nullable(table, get_attnum(table, cmd->name)))
					fact.does = DOES_MAYBE_READ;
			}
			break;
		case AT_AlterConstraint:
			if (SG_ENFORCED(cmd->def))
			{
				emit_enforced(reader, &fact, SG_ENFORCED(cmd->def));
				return;
			}
			break;
		case AT_ValidateConstraint:
			fact.does = validation_does(reader, statement, &fact);
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
	if (cmd->subtype == AT_AttachPartition)
		emit_attached(reader, statement->relation, (PartitionCmd *) cmd->def);
	else if (cmd->subtype == AT_DetachPartition)
	{
		/* locks the partition as it does the whole */
		emit_also(reader, ((PartitionCmd *) cmd->def)->name, reader->lock, NULL);
		(void) emit_default(reader, statement->relation, NULL, NULL, false);
	}
}

/* Attributes that a composite type loses, and those that change in the tables of the type */
static void
read_alter_type(FactReader *reader, const AlterTableStmt *statement)
{
	char	   *type = sg_qualified_name(statement->relation->schemaname, statement->relation->relname);
	Oid			relid = sg_find_qualified(script_path_table(reader->path, statement->relation));

	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		Fact		fact = {.command = "drop attribute",.name = type,.other = cmd->name};

		if (cmd->subtype == AT_DropColumn)
			emit(reader, &fact);
		foreach_oid(table, cmd->subtype == AT_AlterColumnType && OidIsValid(relid) ? sg_typed_tables(relid) : NIL)
		{
			Fact		change = {.command = "alter type",.relation = sg_relation_name(table),.name = cmd->name,.lock = AccessExclusiveLock};

			flag(&change, true, "typed");
			emit_retyped(reader, &change, table, (ColumnDef *) cmd->def);
		}
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
	reader->deed = NULL;
	reader->heirs = statement->relation->inh ? heirs_of(find_old(reader, script_path_table(reader->path, statement->relation))) : NIL;
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		int			end = script_token_find(tokens, from, tokens->n, ',');
		char	   *text = script_cut(tokens, from, end);

		read_command(reader, statement, cmd, from == 0 ? text :
					 psprintf("ALTER TABLE %s %s", script_path_table(reader->path, statement->relation), text));
		from = Min(end + 1, tokens->n);
	}
	emit_not_valid(reader, statement);
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
	{
		const RangeVar *whole = linitial(statement->inhRelations);
		Fact		rest;

		emit_also(reader, whole, AccessExclusiveLock, NULL);
		rest = emit_default(reader, whole, statement->partbound, statement->relation->relname, true);
		emit_tied(reader, find_old(reader, script_path_table(reader->path, whole)), &rest);
	}
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
		fact.does = DOES_BUILD;
	flag(&fact, statement->concurrent, "concurrently");
	flag(&fact, statement->unique, "unique");
	flag(&fact, statement->if_not_exists, "if not exists");
	emit(reader, &fact);
}

/* A drop of what is no relation, nor a part of one; its name is without arguments */
static const char *
drop_word(ObjectType type)
{
	static const struct
	{
		ObjectType	type;
		const char *command;
	}			words[] = {
		{OBJECT_SCHEMA, "drop schema"}, {OBJECT_EXTENSION, "drop extension"}, {OBJECT_TYPE, "drop type"}, {OBJECT_DOMAIN, "drop type"},
		{OBJECT_FUNCTION, "drop function"}, {OBJECT_PROCEDURE, "drop function"}, {OBJECT_ROUTINE, "drop function"},
		{OBJECT_AGGREGATE, "drop function"}, {OBJECT_SEQUENCE, "drop sequence"},
	};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (words[i].type == type)
			return words[i].command;
	}
	return "drop";
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

/* Returns the kind of object that a statement renames: ALTER INDEX and ALTER VIEW rename a table, too */
static ObjectType
renamed_type(Oid relid, ObjectType word)
{
	switch (OidIsValid(relid) ? get_rel_relkind(relid) : '\0')
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
			return OBJECT_TABLE;
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
			return OBJECT_VIEW;
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return OBJECT_INDEX;
		case RELKIND_SEQUENCE:
			return OBJECT_SEQUENCE;
		default:
			return word;
	}
}

static void
read_rename(FactReader *reader, const RenameStmt *statement)
{
	Fact		fact = {.command = "rename",.lock = AccessExclusiveLock,.other = statement->newname,.name = statement->subname};
	Oid			relid;

	if (statement->renameType == OBJECT_SCHEMA)
	{
		fact.command = "rename schema";
		fact.lock = NoLock;
		emit(reader, &fact);
	}
	if (statement->relation == NULL)
		return;
	fact.relation = script_path_table(reader->path, statement->relation);
	relid = find_old(reader, fact.relation);
	switch (statement->subname ? statement->renameType : renamed_type(relid, statement->renameType))
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			fact.command = renamed_type(relid, statement->renameType) == OBJECT_TABLE ? "rename table" : "rename view";
			emit(reader, &fact);
			if (script_path_has_made(reader->path, fact.relation))
				(void) script_path_new_table(reader->path, makeRangeVar(statement->relation->schemaname, statement->newname, -1));
			return;
		case OBJECT_COLUMN:
			fact.command = "rename column";
			break;
		case OBJECT_ATTRIBUTE:
			fact.command = "rename column";
			foreach_oid(table, OidIsValid(relid) ? sg_typed_tables(relid) : NIL)
			{
				fact.relation = sg_relation_name(table);
				emit(reader, &fact);
			}
			return;
		case OBJECT_INDEX:
			fact.relation = table_of_index(reader, statement->relation);
			fact.lock = NoLock;
			break;
		default:
			break;
	}
	emit(reader, &fact);
}

/* SET SCHEMA is a new name as well */
static void
read_set_schema(FactReader *reader, const AlterObjectSchemaStmt *statement)
{
	Fact		fact = {.lock = AccessExclusiveLock};
	RangeVar   *name = statement->relation;

	if (statement->objectType != OBJECT_TABLE && statement->objectType != OBJECT_VIEW && statement->objectType != OBJECT_MATVIEW)
		return;
	fact.command = statement->objectType == OBJECT_TABLE ? "rename table" : "rename view";
	fact.relation = script_path_table(reader->path, name);
	fact.other = quote_qualified_identifier(statement->newschema, name->relname);
	emit(reader, &fact);
	if (script_path_has_made(reader->path, fact.relation))
		(void) script_path_new_table(reader->path, makeRangeVar(statement->newschema, name->relname, -1));
}

/* A statement about one table, or all of them (NULL), that needs no more words */
static void
read_simple(FactReader *reader, const char *command, const RangeVar *name, LOCKMODE lock, const char *word)
{
	Fact		fact = {.command = command,.relation = name ? script_path_table(reader->path, name) : NULL,.lock = lock};

	if (strcmp(command, "rewrite table") == 0 || strcmp(command, "refresh") == 0)
		fact.does = strcmp(command, "refresh") == 0 ? DOES_COMPUTE : DOES_REWRITE;
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
	Fact		fact = {.command = "reindex",.does = DOES_REBUILD};

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

/* Settings that matter to whoever waits for a lock, or to keys and triggers: of the session, or ("set default") of sessions to come */
static void
read_setting(FactReader *reader, const char *command, const VariableSetStmt *statement)
{
	Fact		fact = {.command = command,.name = statement->name};

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
read_domain(FactReader *reader, const char *command, List *names, List *constraints)
{
	Fact		fact = {.command = command,.name = NameListToQuotedString(names)};

	foreach_ptr(const Constraint, c, constraints)
	{
		flag_constraint(reader, &fact, c);
	}
	emit(reader, &fact);
}

/* Adds the tables that have a domain, as a column's type or below another domain */
static List *
add_tables_of_domain(List *tables, Oid domain)
{
	SgCatalog	dependents;
	HeapTuple	tuple;
	List	   *domains = NIL;

	sg_catalog_begin_depend(&dependents, true, TypeRelationId, domain, 0);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&dependents)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == TypeRelationId && get_typtype(depend->objid) == TYPTYPE_DOMAIN)
			domains = list_append_unique_oid(domains, depend->objid);
		else if (depend->classid == RelationRelationId && depend->objsubid > 0 && strchr("rm", get_rel_relkind(depend->objid)))
			tables = list_append_unique_oid(tables, depend->objid);
	}
	foreach_oid(other, domains)
	{
		tables = add_tables_of_domain(tables, other);
	}
	return tables;
}

static void
read_alter_domain(FactReader *reader, const AlterDomainStmt *statement)
{
	const Constraint *added = statement->def && IsA(statement->def, Constraint) ? (Constraint *) statement->def : NULL;
	bool		reads = statement->subtype == 'O' || statement->subtype == 'V' || (added && !added->skip_validation);
	Oid			domain = reads ? LookupTypeNameOid(NULL, makeTypeNameFromNameList(with_schema(reader, statement->typeName)), true) : InvalidOid;
	Fact		fact = {.command = "alter domain",.name = NameListToQuotedString(statement->typeName)};

	flag(&fact, reads, DOES_READ);
	fact.lock = !reads ? NoLock : statement->subtype == 'V' ? SG_VALIDATE_DOMAIN_LOCK : ShareLock;
	if (added)
		flag_constraint(reader, &fact, added);
	emit(reader, &fact);
	foreach_oid(table, OidIsValid(domain) ? add_tables_of_domain(NIL, domain) : NIL)
	{
		Fact		read = {.command = "also",.relation = sg_relation_name(table),.lock = fact.lock,.does = DOES_READ};

		emit(reader, &read);
	}
}

/* Statements about one table, or none, that need no more words; the places of the table and of WHERE in them */
static const struct
{
	NodeTag		tag;
	const char *command;
	LOCKMODE	lock;
	size_t		table;
	size_t		where;
}			simple_statements[] = {
	{T_CreateTrigStmt, "create trigger", ShareRowExclusiveLock, offsetof(CreateTrigStmt, relation)},
	{T_CreatePolicyStmt, "create policy", AccessExclusiveLock, offsetof(CreatePolicyStmt, table)},
	{T_RuleStmt, "create rule", AccessExclusiveLock, offsetof(RuleStmt, relation)},
	{T_InsertStmt, "insert", RowExclusiveLock, offsetof(InsertStmt, relation)},
	{T_UpdateStmt, "update", RowExclusiveLock, offsetof(UpdateStmt, relation), offsetof(UpdateStmt, whereClause)},
	{T_MergeStmt, "merge", RowExclusiveLock, offsetof(MergeStmt, relation), offsetof(MergeStmt, joinCondition)},
	{T_DeleteStmt, "delete", RowExclusiveLock, offsetof(DeleteStmt, relation), offsetof(DeleteStmt, whereClause)},
	{T_DropdbStmt, "drop database", NoLock},
	{T_DoStmt, "run code", NoLock},
	{T_CallStmt, "run code", NoLock},
};

static bool
is_simple(FactReader *reader, Node *statement)
{
	for (int i = 0; i < lengthof(simple_statements); i++)
	{
		size_t		table = simple_statements[i].table;
		size_t		where = simple_statements[i].where;

		if (simple_statements[i].tag != nodeTag(statement))
			continue;
		read_simple(reader, simple_statements[i].command, table ? *(RangeVar **) ((char *) statement + table) : NULL, simple_statements[i].lock,
					where && *(Node **) ((char *) statement + where) ? "where" : NULL);
		return true;
	}
	return false;
}

/* Reads what WITH has a statement write, which it can at the top alone */
static void
read_with(FactReader *reader, Node *statement)
{
	WithClause *with = IsA(statement, SelectStmt) ? ((SelectStmt *) statement)->withClause :
		IsA(statement, InsertStmt) ? ((InsertStmt *) statement)->withClause :
		IsA(statement, UpdateStmt) ? ((UpdateStmt *) statement)->withClause :
		IsA(statement, DeleteStmt) ? ((DeleteStmt *) statement)->withClause :
		IsA(statement, MergeStmt) ? ((MergeStmt *) statement)->withClause : NULL;

	foreach_ptr(const CommonTableExpr, part, with ? with->ctes : NIL)
	{
		(void) is_simple(reader, part->ctequery);
	}
}

static bool
is_analyzed(const ExplainStmt *statement)
{
	bool		analyzed = false;

	foreach_ptr(DefElem, option, statement->options)
	{
		if (strcmp(option->defname, "analyze") == 0)
			analyzed = defGetBoolean(option);
	}
	return analyzed;
}

static void
read_statement(FactReader *reader, Node *statement)
{
	read_with(reader, statement);
	if (is_simple(reader, statement))
		return;
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
		case T_AlterObjectSchemaStmt:
			read_set_schema(reader, (AlterObjectSchemaStmt *) statement);
			break;
		case T_TruncateStmt:
			read_truncate(reader, (TruncateStmt *) statement);
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
		case T_CreateDomainStmt:
			read_domain(reader, "create domain", ((CreateDomainStmt *) statement)->domainname, ((CreateDomainStmt *) statement)->constraints);
			script_path_new_type(reader->path, ((CreateDomainStmt *) statement)->domainname);
			break;
		case T_AlterDomainStmt:
			read_alter_domain(reader, (AlterDomainStmt *) statement);
			break;
		case T_CreateEnumStmt:
			script_path_new_type(reader->path, ((CreateEnumStmt *) statement)->typeName);
			break;
		case T_ExplainStmt:
			if (is_analyzed((ExplainStmt *) statement))
				read_statement(reader, ((ExplainStmt *) statement)->query);
			break;
		case T_PrepareStmt:
			read_statement(reader, ((PrepareStmt *) statement)->query);
			break;
		case T_CopyStmt:
			if (((CopyStmt *) statement)->query)
				read_statement(reader, ((CopyStmt *) statement)->query);
			break;
		case T_AlterDatabaseSetStmt:
			read_setting(reader, "set default", ((AlterDatabaseSetStmt *) statement)->setstmt);
			break;
		case T_AlterRoleSetStmt:
			read_setting(reader, "set default", ((AlterRoleSetStmt *) statement)->setstmt);
			break;
		case T_VariableSetStmt:
			read_setting(reader, "set", (VariableSetStmt *) statement);
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
script_holds(const PlanStep *step)
{
	bool		is_column = step->kind == STEP_COLUMN;
	FactReader	reader = {.path = script_path_begin(),.default_apart = is_column,.holds_only = true};
	const char *sql = is_column ? linitial(plan_change_statements(step)) : plan_change_run(step);
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_set("client_min_messages", "error");
	read_script(&reader, sql);
	sg_scope_end(&scope);
	return reader.holds;
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
