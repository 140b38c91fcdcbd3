/*-------------------------------------------------------------------------
 *
 * script_facts.c
 *	  sg_script_facts(): what the statements of scripts do to which tables,
 *	  and their locks, for rules that judge a script before it runs.
 *	  Statements are parsed, but neither analysed nor run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/heap.h"
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
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/guc.h"
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

/* A foreign key that the script adds */
typedef struct FactKey
{
	const char *child;			/* qualified */
	const char *parent;
	const char *name;			/* NULL: the server names it */
	List	   *columns;		/* char * */
} FactKey;

/* State that statements leave behind, and a rollback undoes */
typedef struct FactState
{
	ScriptPath *path;
	ScriptTouched touched;
	List	   *indexes;		/* IndexStmt * */
	List	   *keys;			/* FactKey *: keys that are added */
	List	   *changed;		/* char *: relations that are changed */
	List	   *related;		/* Oid: relations that depend on those from
								 * which something was taken, or on which
								 * those depend */
	List	   *detached;		/* Oid: partitions that are detached */
	bool		changed_other;	/* other objects are changed, or unknown ones */
	bool		timed;			/* lock_timeout is a minute or less */
	bool		session_timed;	/* so it will be after the transaction */
	bool		adds_value;		/* a statement has added a value to an enum */
} FactState;

/* A place to which ROLLBACK can return */
typedef struct FactSave
{
	const char *name;			/* of the savepoint; "" for BEGIN */
	int			statement;		/* number of the statement there */
	FactState	state;
} FactSave;

/* Reader of scripts, and its position */
typedef struct FactReader
{
	SgRowSink	sink;
	Script	   *script;
	int			file;			/* number of the script, from 1 */
	int			next;			/* number of the statement to parse next */
	Node	   *statement;		/* current statement, or NULL: it can't be
								 * parsed */
	char	   *text;			/* its text in one line, or NULL: not needed
								 * yet */
	bool		told;			/* a row of the statement has been emitted */
	int			offset;			/* offset up to which lines are counted */
	int			line;			/* line at that offset */
	int			first;			/* lines of the statement */
	int			last;
	int			unit;			/* number of the transaction, from 1 */
	bool		in_transaction; /* each script runs within a transaction */
	bool		in_block;		/* BEGIN has been seen */
	LOCKMODE	lock;			/* lock mode that ALTER TABLE takes on its
								 * table */
	List	   *heirs;			/* names of inheriting tables, not partitions,
								 * that the statement reaches */
	const char *deed;			/* deed of ALTER TABLE on its table, under all
								 * its locks; NULL: none yet */
	char	   *type;			/* text of a column's new type; NULL: none */
	char	   *using;			/* text of its USING */
	FactState	now;			/* state after the statements so far */
	List	   *saves;			/* FactSave *: of the transaction, the first
								 * one is its begin; NIL: no transaction */
	bool		default_apart;	/* a new column's volatile default is set
								 * later */
	bool		outside;		/* the statement can't run in a transaction */
	bool		holds_only;		/* only facts for script_holds() are wanted */
	List	   *holds;			/* ScriptHold * */
} FactReader;

/* A thing that a statement does */
typedef struct Fact
{
	const char *command;
	const char *relation;		/* qualified name, or NULL */
	const char *name;			/* name of a part of the relation, or NULL */
	const char *other;			/* second table, new name or type, or NULL */
	const char *text;			/* text of a part of the statement; NULL: of
								 * all */
	List	   *flags;			/* of char * */
	LOCKMODE	lock;
	const char *does;			/* deed that takes longer for a larger table,
								 * one of the words of script.h; or NULL */
	const char *tables;			/* text of all tables locked for that deed;
								 * NULL: the relation only */
	const char *rows;			/* table whose rows the deed is about; NULL:
								 * the relation */
	bool		with_heirs;		/* the deed is done to inheriting tables, too */
	char	   *way;			/* statement that does the deed beforehand;
								 * NULL: unknown */
	char	   *undo;			/* statement that drops that statement's CHECK
								 * again, or NULL */
} Fact;

static void
flag(Fact *fact, bool is_set, const char *word)
{
	if (is_set)
		fact->flags = lappend(fact->flags, (char *) word);
}

/* ---- rows ---- */

/* Returns the line number of a place in the script; places come in ascending order */
static int
line_at(FactReader *reader, int offset)
{
	for (; reader->offset < offset; reader->offset++)
		reader->line += reader->script->sql[reader->offset] == '\n';
	return reader->line;
}

/* Begins a part of the script that is, or should be, a statement */
static void
begin_statement(FactReader *reader, int start, int length)
{
	reader->statement = NULL;
	reader->told = false;
	reader->text = pnstrdup(reader->script->sql + start, length);
	reader->first = line_at(reader, start);
	reader->last = line_at(reader, start + length);
}

/*
 * Returns the statement with schemas for its names and without comments, on one
 * line except for literals
 */
static char *
statement_text(FactReader *reader)
{
	ScriptTokens *tokens;
	Node	   *statement = reader->statement;

	if (statement)
	{
		/*
		 * set to NULL meanwhile: a statement that is too deep for the walk
		 * stays as it is
		 */
		reader->statement = NULL;
		tokens = script_tokens(reader->text);
		script_qualify_statement(tokens, reader->now.path, statement);
		reader->text = script_cut(tokens, 0, tokens->n);
	}
	return reader->text;
}

/* Returns whether the script has made the table of that name, as names are by then */
static bool
has_made(FactReader *reader, const char *name)
{
	Oid			relid;

	return script_path_has_made(reader->now.path, name) && !(script_is_renamed(&reader->now.touched, name, &relid) && OidIsValid(relid));
}

/* Returns the table of a name, or InvalidOid if it does not exist, or the script makes it */
static Oid
find_old(FactReader *reader, const char *name)
{
	Oid			relid = InvalidOid;

	if (name == NULL || has_made(reader, name) || script_is_renamed(&reader->now.touched, name, &relid))
		return relid;
	return sg_find_qualified(name);
}

/* Length of a statement's text from which rows omit it: a DROP of thousands of names has as many rows */
#define LONG_TEXT	8192

/*
 * Records a lock that others wait for, held longer for a larger table; a lock
 * that allows writes is not recorded
 */
static void
keep_hold(FactReader *reader, const Fact *fact)
{
	const char *rows = fact->rows ? fact->rows : fact->relation;
	ScriptHold *hold = reader->holds ? llast(reader->holds) : NULL;

	if (fact->does == NULL || fact->lock < ShareLock || (fact->relation && !OidIsValid(find_old(reader, fact->relation))))
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

/* Returns whether an earlier statement could have the server judge this one in another way than now */
static bool
is_touched(FactReader *reader, const Fact *fact)
{
	const char *other = fact->other;

	if (strcmp(fact->command, "also") == 0)
		return false;
	if (reader->now.changed_other)
		return true;
	if (fact->relation == NULL || strcmp(fact->command, "create view") == 0)
		return reader->now.changed != NIL;
	if (strncmp(fact->command, "rename", 6) == 0 && other && !strchr(other, '.'))
		other = sg_qualified_name(sg_parse_table_name(fact->relation).schema, other);
	return sg_has_name(reader->now.changed, fact->relation) || (other && sg_has_name(reader->now.changed, other)) ||
		list_member_oid(reader->now.related, find_old(reader, fact->relation));
}

/* Records a relation that a statement changes; takes: something goes, or has another name or type */
static void
keep_changed(FactReader *reader, const char *relation, bool takes)
{
	Oid			relid = find_old(reader, relation);

	if (!sg_has_name(reader->now.changed, relation))
		reader->now.changed = lappend(reader->now.changed, pstrdup(relation));
	if (takes && OidIsValid(relid))
		reader->now.related = list_concat_unique_oid(reader->now.related, script_related(relid));
}

/* Records what a statement changes, for is_touched() */
static void
keep_change(FactReader *reader, const Fact *fact)
{
	static const char *const harmless[] = {
		"set", "set default", "begin", "commit", "open", "error", "insert", "update", "delete", "merge", "vacuum", "lock", "truncate",
		"refresh", "reindex", "also", "query", "undo"
	};

	for (int i = 0; i < lengthof(harmless); i++)
	{
		if (strcmp(fact->command, harmless[i]) == 0)
			return;
	}
	if (fact->relation == NULL || sg_has_name(fact->flags, "cascade"))
		reader->now.changed_other = true;
	else
		keep_changed(reader, fact->relation, strncmp(fact->command, "add ", 4) != 0 &&
					 (strncmp(fact->command, "create ", 7) != 0 || strcmp(fact->command, "create view") == 0));
	if (strcmp(fact->command, "attach partition") == 0 || strcmp(fact->command, "detach partition") == 0)
		keep_changed(reader, fact->other, true);
	else if (strcmp(fact->command, "drop index") == 0)
		keep_changed(reader, fact->name, false);
}

static void
emit(FactReader *reader, Fact *fact)
{
	SgRowSink  *sink = &reader->sink;
	bool		is_new = fact->relation && has_made(reader, fact->relation);
	Oid			relid;
	const char *text;

	if (reader->deed == NULL)
		reader->deed = fact->does;
	if (reader->holds_only)
	{
		if (!is_new)
			keep_hold(reader, fact);
		return;
	}
	/* the text of what makes a view has its name count as made */
	relid = find_old(reader, fact->relation);
	text = fact->text ? fact->text : statement_text(reader);

	flag(fact, is_touched(reader, fact), "touched");
	flag(fact, reader->outside && !reader->told, "outside");
	keep_change(reader, fact);
	flag(fact, is_new, "made");
	flag(fact, reader->now.timed, "timed");
	flag(fact, fact->other && has_made(reader, fact->other), "other made");
	flag(fact, fact->does != NULL, fact->does);
	flag(fact, fact->with_heirs, "heirs");
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
	if (OidIsValid(relid))
		sg_sink_datum(sink, ObjectIdGetDatum(relid));
	else
		sg_sink_null(sink);
	sg_sink_emit(sink);
	reader->told = true;
	CHECK_FOR_INTERRUPTS();
}

/*
 * Emits the tables that are locked while foreign keys of a column with a new
 * type are made anew, and, if it is rewritten, checked again
 */
static void
emit_remade_keys(FactReader *reader, Oid relid, const char *column, bool rewritten)
{
	foreach_ptr(const FkKey, key, script_keys_of_column(relid, column))
	{
		Oid			other = key->child == relid ? key->parent : key->child;
		Fact		fact = {.command = "also",.relation = sg_relation_name(other),.lock = AccessExclusiveLock};

		if (other == relid || sg_has_name(script_lost_constraints(&reader->now.touched, key->child), key->name))
			continue;
		fact.does = rewritten && key->validated && key->enforced ? DOES_CHECK : NULL;
		fact.rows = other == key->parent ? sg_relation_name(relid) : NULL;
		flag(&fact, true, "retyped");
		emit(reader, &fact);
	}
}

/*
 * Emits the tables at the other end of keys that the script has added to a
 * table, which lose their triggers with a column, a constraint or (both NULL)
 * the table
 */
static void
emit_added_keys(FactReader *reader, const char *table, const char *column, const char *constraint)
{
	foreach_ptr(const FactKey, key, reader->now.keys)
	{
		Fact		fact = {.command = "also",.relation = key->parent,.lock = AccessExclusiveLock};

		if (strcmp(key->child, table) == 0 && strcmp(key->parent, table) != 0 && (column == NULL || sg_has_name(key->columns, column)) &&
			(constraint == NULL || key->name == NULL || strcmp(key->name, constraint) == 0))
			emit(reader, &fact);
	}
}

/* Records a key that a statement adds, of a column or of the table (NULL) */
static void
keep_key(FactReader *reader, const Fact *fact, const Constraint *c, const char *column)
{
	FactKey    *key = palloc0(sizeof(FactKey));

	if (c->contype != CONSTR_FOREIGN)
		return;
	key->child = fact->relation;
	key->parent = script_path_table(reader->now.path, c->pktable);
	key->name = c->conname;
	key->columns = column ? list_make1(pstrdup(column)) : NIL;
	foreach_ptr(String, name, column ? NIL : c->fk_attrs)
	{
		key->columns = lappend(key->columns, strVal(name));
	}
	reader->now.keys = lappend(reader->now.keys, key);
}

static bool
names_column(Node *node, void *column)
{
	if (node && IsA(node, ColumnRef) && IsA(llast(((ColumnRef *) node)->fields), String))
		return strcmp(strVal(llast(((ColumnRef *) node)->fields)), column) == 0;
	return node && raw_expression_tree_walker(node, names_column, column);
}

/* Returns whether the script has made an index of the table that is built anew for a column's new type which keeps the rows */
static bool
rebuilds_made(FactReader *reader, const char *table, char *column, const ColumnDef *def)
{
	foreach_ptr(const IndexStmt, made, reader->now.indexes)
	{
		bool		rebuilt = names_column(made->whereClause, column);

		foreach_ptr(const IndexElem, element, made->indexParams)
		{
			rebuilt |= names_column(element->expr, column) || (def->collClause && sg_same_text(element->name, column));
		}
		if (rebuilt && strcmp(script_path_table(reader->now.path, made->relation), table) == 0)
			return true;
	}
	return false;
}

static bool
is_generated(Oid relid, const char *column)
{
	FormData_pg_attribute attribute;
	AttrNumber	attnum = OidIsValid(relid) ? get_attnum(relid, column) : InvalidAttrNumber;

	return attnum != InvalidAttrNumber && sg_read_column(relid, attnum, &attribute) && attribute.attgenerated;
}

static const ColumnDef *column_with_schema(FactReader *reader, const ColumnDef *column);

/* Emits a column's new type, with the reads, builds and checks that it causes */
static void
emit_retyped(FactReader *reader, Fact *fact, Oid relid, const ColumnDef *def)
{
	const char *column = script_column_now(&reader->now.touched, relid, fact->name);
	const ColumnDef *was = script_type_given(&reader->now.touched, relid, fact->name);
	const ColumnDef *given = column_with_schema(reader, def);
	ScriptTypeChange change = script_type_change(relid, column, was, given);
	Fact		also = {.command = "also",.relation = fact->relation,.lock = fact->lock,.does = DOES_BUILD};
	ColumnDef	added = {.type = T_ColumnDef};
	bool		computed;
	bool		reads = false;
	List	   *indexes = NIL;

	added.typeName = given->typeName;
	computed = script_column_rewrites(&added, true, &reader->now.touched);

	/*
	 * nothing is known of a column that an earlier statement has made, nor of
	 * a domain that it has altered
	 */
	if (change == TYPE_KEEPS_ROWS && computed)
		change = TYPE_MAY_REWRITE;
	if (change == TYPE_NOT_HERE && OidIsValid(relid) && sg_has_name(reader->now.touched.names, fact->name))
		change = TYPE_MAY_REWRITE;
	fact->other = reader->type ? reader->type : script_type_text(def->typeName);
	if (change == TYPE_REWRITES || change == TYPE_MAY_REWRITE)
		fact->does = change == TYPE_REWRITES ? DOES_REWRITE : DOES_MAYBE_REWRITE;
	else if (change == TYPE_KEEPS_ROWS)
	{
		foreach_oid(table, sg_all_inheritors(relid))
		{
			indexes = list_concat(indexes, script_type_redo(table, column, was, given, &reads));
		}
		fact->does = reads ? DOES_READ : indexes || rebuilds_made(reader, fact->relation, pstrdup(fact->name), def) ? DOES_BUILD : NULL;
	}
	flag(fact, change == TYPE_NO_CAST, "no cast");
	flag(fact, def->collClause != NULL, "collated");
	flag(fact, computed, "computed");
	flag(fact, is_generated(relid, column), "generated");
	if (def->raw_default && reader->using)
		flag(fact, true, psprintf("using %s", reader->using));
	emit(reader, fact);
	if (reads && indexes)
		emit(reader, &also);
	emit_remade_keys(reader, relid, column, change != TYPE_KEEPS_ROWS);
	emit_added_keys(reader, fact->relation, fact->name, NULL);
	script_touch_type(&reader->now.touched, relid, fact->name, given);
}

/* ---- columns and constraints ---- */

static const char *const constraint_words[] = {
	[CONSTR_NOTNULL] = "not null",[CONSTR_DEFAULT] = "default",[CONSTR_IDENTITY] = "identity",[CONSTR_GENERATED] = "generated",
	[CONSTR_CHECK] = "check",[CONSTR_PRIMARY] = "primary key",[CONSTR_UNIQUE] = "unique",[CONSTR_EXCLUSION] = "exclude",
	[CONSTR_FOREIGN] = "foreign key"
};

/* Returns whether an expression is NULL, with a cast or without */
static bool
is_null(Node *expr)
{
	while (expr && IsA(expr, TypeCast))
		expr = ((TypeCast *) expr)->arg;
	return expr && IsA(expr, A_Const) && ((A_Const *) expr)->isnull;
}

static void
flag_constraint(FactReader *reader, Fact *fact, const Constraint *c)
{
	const char *word = c->contype < lengthof(constraint_words) && !(c->contype == CONSTR_DEFAULT && is_null(c->raw_expr)) ?
		constraint_words[c->contype] : NULL;

	flag(fact, word != NULL, word);
	flag(fact, c->skip_validation && (c->contype == CONSTR_CHECK || c->contype == CONSTR_FOREIGN || c->contype == CONSTR_NOTNULL), "not valid");
	flag(fact, c->indexname != NULL, "using index");
	/* a step of a plan has no field for these clauses */
	flag(fact, c->is_no_inherit || c->including || c->options || c->indexspace || SG_CONSTRAINT_PERIOD(c), "clauses");
	if (c->pktable)
		fact->other = script_path_table(reader->now.path, c->pktable);
}

static bool
is_nullable(Oid relid, AttrNumber attnum)
{
	FormData_pg_attribute attribute;

	return OidIsValid(relid) && sg_read_column(relid, attnum, &attribute) && !attribute.attnotnull;
}

/* Returns the columns of a unique index, which may be the script's */
static List *
columns_of_index(FactReader *reader, Oid relid, const char *name)
{
	Oid			index = get_relname_relid(name, get_rel_namespace(relid));
	HeapTuple	tuple = OidIsValid(index) ? SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index)) : NULL;
	List	   *columns = NIL;

	foreach_ptr(const IndexStmt, made, HeapTupleIsValid(tuple) ? NIL : reader->now.indexes)
	{
		if (!sg_same_text(made->idxname, name) || sg_find_qualified(script_path_table(reader->now.path, made->relation)) != relid)
			continue;
		foreach_ptr(const IndexElem, element, made->indexParams)
		{
			columns = lappend_int(columns, element->name ? get_attnum(relid, element->name) : InvalidAttrNumber);
		}
	}
	if (HeapTupleIsValid(tuple))
	{
		for (int i = 0; i < ((Form_pg_index) GETSTRUCT(tuple))->indnkeyatts; i++)
			columns = lappend_int(columns, ((Form_pg_index) GETSTRUCT(tuple))->indkey.values[i]);
		ReleaseSysCache(tuple);
	}
	return columns;
}

/*
 * Returns the columns of the index (char *) that are still nullable, so that a
 * primary key USING it reads all rows
 */
static List *
nullable_columns(FactReader *reader, const char *table, const char *index)
{
	Oid			relid = sg_find_qualified(table);
	FormData_pg_attribute attribute;
	List	   *names = NIL;

	foreach_int(attnum, OidIsValid(relid) ? columns_of_index(reader, relid, index) : NIL)
	{
		if (sg_read_column(relid, attnum, &attribute) && !attribute.attnotnull)
			names = lappend(names, pstrdup(NameStr(attribute.attname)));
	}
	return names;
}

/* Returns the deed of adding a constraint to a table's existing rows, or NULL */
static const char *
constraint_does(FactReader *reader, const Fact *fact, const Constraint *c)
{
	switch (c->contype)
	{
		case CONSTR_UNIQUE:
		case CONSTR_PRIMARY:
		case CONSTR_EXCLUSION:
			if (c->indexname == NULL)
				return DOES_BUILD;
			return c->contype == CONSTR_PRIMARY && nullable_columns(reader, fact->relation, c->indexname) ? DOES_MAYBE_READ : NULL;
		case CONSTR_CHECK:
		case CONSTR_FOREIGN:
		case CONSTR_NOTNULL:
			return c->skip_validation || !SG_CONSTRAINT_ENFORCED(c) ? NULL : DOES_READ;
		default:
			return NULL;
	}
}

/* Emits another table that a statement locks besides its own */
static void
emit_also(FactReader *reader, const RangeVar *name, LOCKMODE lock, const char *does)
{
	Fact		fact = {.command = "also",.relation = script_path_table(reader->now.path, name),.lock = lock,.does = does};

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

/* Returns the deed of adding a column to existing rows, in which it is null unless it has a default */
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

/* Returns the name of a type with its schema by the script's path */
static List *
with_schema(FactReader *reader, List *names)
{
	const char *schema = list_length(names) == 1 ? script_path_schema(reader->now.path, SCRIPT_TYPE, strVal(linitial(names)), InvalidOid) : NULL;

	return schema ? lcons(makeString(pstrdup(schema)), list_copy(names)) : names;
}

/* Returns a copy of the column whose type has that schema; the column itself if nothing changes */
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

/* Emits a column, with its clauses */
static void
read_column(FactReader *reader, Fact *fact, const ColumnDef *column)
{
	char	   *type = script_type_text(column->typeName);
	bool		rewrites = script_column_rewrites(column_with_schema(reader, column), reader->default_apart, &reader->now.touched);

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
		if (!IsA(c, Constraint))
			continue;
		emit_referenced(reader, c, has_default(column) ? DOES_READ : NULL);
		keep_key(reader, fact, c, column->colname);
	}
}

/*
 * Flags the constraints of the table that no longer prove what the catalogs say
 * of them, and the column's name there
 */
static void
flag_lost(FactReader *reader, Fact *fact)
{
	const char *now = script_column_now(&reader->now.touched, find_old(reader, fact->relation), fact->name);

	flag(fact, strcmp(now, fact->name) != 0, psprintf("was %s", now));
	foreach_ptr(const char, name, script_lost_constraints(&reader->now.touched, find_old(reader, fact->relation)))
	{
		flag(fact, true, psprintf("without %s", name));
	}
}

/* Emits SET NOT NULL of the columns that a primary key finds nullable in its index */
static void
emit_not_null(FactReader *reader, const Fact *key, const char *index)
{
	foreach_ptr(const char, column, nullable_columns(reader, key->relation, index))
	{
		Fact		fact = {.command = "set not null",.relation = key->relation,.name = column,.lock = key->lock,.does = DOES_MAYBE_READ};

		fact.text = psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", key->relation, quote_identifier(column));
		flag_lost(reader, &fact);
		emit(reader, &fact);
	}
}

static void
read_constraint(FactReader *reader, Fact *fact, const Constraint *c)
{
	fact->name = c->conname;
	flag_constraint(reader, fact, c);
	fact->does = constraint_does(reader, fact, c);
	emit(reader, fact);
	if (c->contype == CONSTR_PRIMARY && c->indexname && !reader->holds_only)
		emit_not_null(reader, fact, c->indexname);
	/* otherwise it is locked for what the other commands do */
	if (!c->skip_validation)
		emit_referenced(reader, c, fact->does);
	keep_key(reader, fact, c, NULL);
}

/* ---- statements ---- */

/* Returns the table of an index, which the script may have made, or NULL */
static char *
table_of_index(FactReader *reader, const RangeVar *name)
{
	Oid			index = find_old(reader, script_path_table(reader->now.path, name));
	Oid			relid = OidIsValid(index) ? IndexGetRelation(index, true) : InvalidOid;
	char	   *table = OidIsValid(relid) ? script_name_by_then(&reader->now.touched, relid) : NULL;

	foreach_ptr(const IndexStmt, made, table ? NIL : reader->now.indexes)
	{
		if (sg_same_text(made->idxname, name->relname))
			table = script_path_table(reader->now.path, made->relation);
	}
	return table;
}

/* Words for commands of ALTER TABLE; any other is "alter table" */
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

/* Returns the name of the default partition of a table, unless the script has detached or dropped it, or NULL */
static char *
default_partition(FactReader *reader, Oid whole)
{
	Oid			partition = OidIsValid(whole) ? get_default_partition_oid(whole) : InvalidOid;
	char	   *name = OidIsValid(partition) ? sg_relation_name(partition) : NULL;

	return name && find_old(reader, name) == partition && !list_member_oid(reader->now.detached, partition) ? name : NULL;
}

/* Sets the scan of an attached table's rows, and the CHECK that makes it unnecessary */
static void
set_inside_read(FactReader *reader, Fact *fact, Oid whole, PartitionBoundSpec *bound)
{
	char	   *condition;

	if (script_bound_check(whole, find_old(reader, fact->relation), bound, true, &condition))
		return;
	fact->does = DOES_MAYBE_READ;
	if (condition)
		fact->way = psprintf("ALTER TABLE %s ADD CHECK (%s)", fact->relation, condition);
}

/*
 * Sets the scan of the default partition's rows for a new partition, and the
 * CHECK that makes it unnecessary, and refuses rows of the new partition until
 * then
 */
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
 * Emits the default partition of a table that gets or loses a partition; bound:
 * bound of a new one, which causes the scan.  Returns the fact.
 */
static Fact
emit_default(FactReader *reader, const RangeVar *table, PartitionBoundSpec *bound, const char *partition, bool whole_too)
{
	char	   *whole = script_path_table(reader->now.path, table);
	Oid			parent = find_old(reader, whole);
	Fact		fact = {.command = "also",.relation = default_partition(reader, parent),.lock = AccessExclusiveLock};

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

/*
 * Emits the tables that foreign keys tie to a table that gets a partition: they
 * are locked during the deed, if any
 */
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

/* Emits a deed for each of the statements that would do it beforehand */
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
	Oid			parent = find_old(reader, script_path_table(reader->now.path, whole));
	Fact		fact = {.command = "also",.relation = script_path_table(reader->now.path, cmd->name),.lock = AccessExclusiveLock};
	Oid			partition = find_old(reader, fact.relation);
	char	   *rest = default_partition(reader, parent);
	List	   *keys;
	Fact		other;

	set_inside_read(reader, &fact, parent, cmd->bound);
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

/* Returns whether a table has a virtual generated column of that name */
static bool
is_virtual(Oid relid, const char *column)
{
	FormData_pg_attribute attribute;
	AttrNumber	attnum = OidIsValid(relid) ? get_attnum(relid, column) : InvalidAttrNumber;

	return attnum != InvalidAttrNumber && sg_read_column(relid, attnum, &attribute) && attribute.attgenerated != ATTRIBUTE_GENERATED_STORED;
}

/*
 * Emits a constraint that becomes enforced: all rows are read, for a key while
 * nobody can write the referenced table
 */
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

/* Emits the referenced table of a key that is dropped: its triggers go, too */
static void
emit_unreferenced(FactReader *reader, Oid relid, const char *constraint)
{
	FkKey	   *key = OidIsValid(relid) ? fk_by_name(relid, constraint) : NULL;
	Fact		also = {.command = "also",.lock = AccessExclusiveLock};

	if (key == NULL || key->parent == relid)
		return;
	also.relation = sg_relation_name(key->parent);
	emit(reader, &also);
}

/* Emits the table of that OID, which a statement locks along with its own, unless the script has dropped or renamed it */
static void
emit_along(FactReader *reader, Oid table)
{
	Fact		also = {.command = "also",.relation = sg_relation_name(table),.lock = AccessExclusiveLock};

	if (OidIsValid(find_old(reader, also.relation)))
		emit(reader, &also);
}

/* Emits the tables that keys of a dropped table refer to, and with CASCADE those whose keys refer to it: all lose triggers */
static void
emit_untied(FactReader *reader, Oid relid, bool cascade)
{
	List	   *tables = cascade ? script_tied_tables(relid) : NIL;

	foreach_ptr(const FkKey, key, fk_declared(relid))
	{
		tables = list_append_unique_oid(tables, key->parent);
	}
	foreach_oid(table, list_delete_oid(tables, relid))
	{
		emit_along(reader, table);
	}
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

/*
 * Returns the deed of VALIDATE CONSTRAINT under the statement's lock, or NULL
 * if others can write meanwhile, or it is valid
 */
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

/*
 * Emits the tables referenced by keys that ALTER TABLE adds NOT VALID: they are
 * locked, too, during its long deeds
 */
static void
emit_not_valid(FactReader *reader, const AlterTableStmt *statement)
{
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		const Constraint *c = (Constraint *) cmd->def;
		Fact		fact = {.command = "also",.lock = ShareRowExclusiveLock,.does = reader->deed};

		if (cmd->subtype != AT_AddConstraint || c->contype != CONSTR_FOREIGN || !c->skip_validation)
			continue;
		fact.relation = script_path_table(reader->now.path, c->pktable);
		fact.rows = reader->deed ? script_path_table(reader->now.path, statement->relation) : NULL;
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

/* Returns whether a command of ALTER TABLE reaches inheriting tables */
static bool
comes_to_heirs(Oid relid, const AlterTableCmd *cmd)
{
	const Constraint *c = (Constraint *) cmd->def;

	switch (cmd->subtype)
	{
		case AT_AddColumn:
		case AT_AlterColumnType:
		case AT_SetNotNull:
		case AT_DropNotNull:
		case AT_DropColumn:
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
	Oid			relid;

	fact.text = text;

	fact.with_heirs = reader->heirs && comes_to_heirs(find_old(reader, script_path_table(reader->now.path, statement->relation)), cmd);

	set_alter_word(&fact, cmd->subtype);
	fact.relation = statement->objtype == OBJECT_INDEX ? table_of_index(reader, statement->relation) :
		script_path_table(reader->now.path, statement->relation);
	flag(&fact, statement->missing_ok || cmd->missing_ok, "if exists");
	flag(&fact, cmd->behavior == DROP_CASCADE, "cascade");
	relid = find_old(reader, fact.relation);
	if (statement->objtype == OBJECT_INDEX && OidIsValid(relid))
		relid = find_old(reader, script_path_table(reader->now.path, statement->relation));
	flag(&fact, !statement->relation->inh && OidIsValid(relid) && sg_has_subclass(relid) && comes_to_heirs(relid, cmd), "only");
	if (OidIsValid(relid) && script_command_is_brief(relid, statement, cmd, &reader->now.touched))
	{
		fact.command = "alter table";
		fact.does = NULL;
		emit(reader, &fact);
		return;
	}
	if (cmd->subtype == SG_AT_SET_EXPRESSION && is_virtual(find_old(reader, fact.relation), cmd->name))
		fact.does = NULL;
	switch (cmd->subtype)
	{
		case AT_AddColumn:
			read_column(reader, &fact, (ColumnDef *) cmd->def);
			script_touch_type(&reader->now.touched, relid, fact.name, (ColumnDef *) cmd->def);
			return;
		case AT_AddConstraint:
			read_constraint(reader, &fact, (Constraint *) cmd->def);
			return;
		case AT_AlterColumnType:
			emit_retyped(reader, &fact, find_old(reader, fact.relation), (ColumnDef *) cmd->def);
			return;
		case AT_SetNotNull:
			flag_lost(reader, &fact);
			foreach_oid(table, sg_all_inheritors(relid))
			{
				if (is_nullable(table, get_attnum(table, script_column_now(&reader->now.touched, relid, cmd->name))))
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
			fact.other = script_path_table(reader->now.path, ((PartitionCmd *) cmd->def)->name);
			flag(&fact, ((PartitionCmd *) cmd->def)->concurrent, "concurrently");
			break;
		default:
			break;
	}
	emit(reader, &fact);
	if (cmd->subtype == AT_AttachPartition)
		emit_attached(reader, statement->relation, (PartitionCmd *) cmd->def);
	else if (cmd->subtype == AT_DropConstraint)
	{
		emit_unreferenced(reader, relid, cmd->name);
		emit_added_keys(reader, fact.relation, NULL, cmd->name);
	}
	else if (cmd->subtype == AT_DropColumn)
		emit_added_keys(reader, fact.relation, cmd->name, NULL);
	else if (cmd->subtype == AT_DetachPartition)
	{
		reader->now.detached = lappend_oid(reader->now.detached, find_old(reader, fact.other));
		/* DETACH locks the partition as it locks the partitioned table */
		emit_also(reader, ((PartitionCmd *) cmd->def)->name, reader->lock, NULL);
		(void) emit_default(reader, statement->relation, NULL, NULL, false);
	}
}

/* Emits attributes that a composite type loses, and changes of attributes in typed tables */
static void
read_alter_type(FactReader *reader, const AlterTableStmt *statement)
{
	char	   *type = sg_qualified_name(statement->relation->schemaname, statement->relation->relname);
	Oid			relid = sg_find_qualified(script_path_table(reader->now.path, statement->relation));

	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		Fact		fact = {.command = "drop attribute",.name = type,.other = cmd->name};

		if (cmd->subtype == AT_DropColumn)
			emit(reader, &fact);
		foreach_oid(table, cmd->subtype != AT_AlterColumnType && OidIsValid(relid) ? sg_typed_tables(relid) : NIL)
		{
			emit_along(reader, table);
			keep_changed(reader, sg_relation_name(table), true);
		}
		foreach_oid(table, cmd->subtype == AT_AlterColumnType && OidIsValid(relid) ? sg_typed_tables(relid) : NIL)
		{
			Fact		change = {.command = "alter type",.relation = sg_relation_name(table),.name = cmd->name,.lock = AccessExclusiveLock};

			flag(&change, true, "typed");
			emit_retyped(reader, &change, table, (ColumnDef *) cmd->def);
		}
	}
}

/* Returns the text of a column's new type, which ends before `end`, with its schema; NULL for another command */
static char *
new_type(const ScriptTokens *tokens, const AlterTableCmd *cmd, int end)
{
	int			from = cmd->subtype == AT_AlterColumnType ? script_token_at(tokens, ((ColumnDef *) cmd->def)->typeName->location) : end;

	return from < end ? script_cut(tokens, from, script_token_find(tokens, from, end, script_keyword("collate"))) : NULL;
}

static void
read_alter(FactReader *reader, const AlterTableStmt *statement)
{
	ScriptTokens *tokens;
	int			from = 0;

	if (statement->objtype == OBJECT_TYPE)
		read_alter_type(reader, statement);
	if (statement->objtype != OBJECT_TABLE && statement->objtype != OBJECT_FOREIGN_TABLE &&
		statement->objtype != OBJECT_VIEW && statement->objtype != OBJECT_MATVIEW && statement->objtype != OBJECT_INDEX)
		return;

	/*
	 * SET TABLESPACE is the only long command for an index; its lock blocks
	 * planning of any query of the table
	 */
	if (statement->objtype == OBJECT_INDEX && linitial_node(AlterTableCmd, statement->cmds)->subtype != AT_SetTableSpace)
		return;
	tokens = script_tokens(reader->text);
	script_qualify_statement(tokens, reader->now.path, (Node *) statement);
	reader->lock = AlterTableGetLockLevel(statement->cmds);
	reader->deed = NULL;
	/* the server drops before it reads rows, wherever the command stands */
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		Oid			relid = find_old(reader, script_path_table(reader->now.path, statement->relation));

		if (cmd->subtype == AT_DropConstraint)
			script_touch_constraint(&reader->now.touched, relid, cmd->name);
		else if (cmd->subtype == AT_DropColumn && OidIsValid(relid))
			script_touch_constraints_of(&reader->now.touched, relid, cmd->name);
	}
	reader->heirs = statement->relation->inh ? heirs_of(find_old(reader, script_path_table(reader->now.path, statement->relation))) : NIL;
	foreach_ptr(const AlterTableCmd, cmd, statement->cmds)
	{
		int			end = script_token_find(tokens, from, tokens->n, ',');
		int			using = script_token_find(tokens, from, end, script_keyword("using"));
		char	   *text = script_cut(tokens, from, end);

		reader->type = new_type(tokens, cmd, Min(using, end));
		reader->using = using < end ? script_cut(tokens, using + 1, end) : NULL;
		read_command(reader, statement, cmd, from == 0 ? text :
					 psprintf("ALTER TABLE %s %s", script_path_table(reader->now.path, statement->relation), text));
		from = Min(end + 1, tokens->n);
	}
	emit_not_valid(reader, statement);
}

static void
read_create_table(FactReader *reader, const CreateStmt *statement)
{
	bool		is_here = OidIsValid(find_old(reader, script_path_new_name(reader->now.path, statement->relation)));
	Fact		fact = {.command = "create table",.relation = script_path_new_table(reader->now.path, statement->relation)};

	flag(&fact, statement->if_not_exists, "if not exists");
	flag(&fact, statement->relation->relpersistence == RELPERSISTENCE_TEMP, "temporary");
	flag(&fact, is_here, "is here");
	emit(reader, &fact);
	if (statement->partbound)
	{
		const RangeVar *whole = linitial(statement->inhRelations);
		Fact		rest;

		emit_also(reader, whole, AccessExclusiveLock, NULL);
		rest = emit_default(reader, whole, statement->partbound, statement->relation->relname, true);
		emit_tied(reader, find_old(reader, script_path_table(reader->now.path, whole)), &rest);
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

/* Emits a view before its name counts as made, because an older one may be replaced */
static void
read_view(FactReader *reader, const RangeVar *name)
{
	/* the lock is on an older view */
	Fact		fact = {.command = "create view",.relation = script_path_table(reader->now.path, name),.lock = AccessExclusiveLock};

	if (name->relpersistence != RELPERSISTENCE_TEMP)
		emit(reader, &fact);
	(void) script_path_new_table(reader->now.path, name);
}

static void
read_index(FactReader *reader, const IndexStmt *statement)
{
	Fact		fact = {.command = "create index",.relation = script_path_table(reader->now.path, statement->relation),.name = statement->idxname,
	.lock = statement->concurrent ? ShareUpdateExclusiveLock : ShareLock};

	if (!script_leaves_partitions_out(statement, fact.relation))
		fact.does = DOES_BUILD;
	flag(&fact, statement->concurrent, "concurrently");
	flag(&fact, statement->unique, "unique");
	flag(&fact, statement->if_not_exists, "if not exists");
	emit(reader, &fact);
	reader->now.indexes = lappend(reader->now.indexes, unconstify(IndexStmt *, statement));
}

/*
 * Returns the word for a dropped object that is neither a relation nor a part
 * of one; its name is without arguments
 */
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

/* Returns the name of an object in DROP, or NULL for another form */
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
		Oid			relid;

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
				/* before its name is free again */
				flag(&fact, has_made(reader, script_path_table(reader->now.path, name)), "made");
				fact.relation = script_path_drop_table(reader->now.path, name);
				break;
			case OBJECT_INDEX:
				name = makeRangeVarFromNameList((List *) object);
				fact.command = "drop index";
				fact.relation = table_of_index(reader, name);
				fact.name = script_path_table(reader->now.path, name);
				if (statement->concurrent)
					fact.lock = ShareUpdateExclusiveLock;
				break;
			case OBJECT_TRIGGER:
			case OBJECT_POLICY:
			case OBJECT_RULE:
				name = makeRangeVarFromNameList(list_copy_head((List *) object, list_length((List *) object) - 1));
				fact.command = "drop part";
				fact.relation = script_path_table(reader->now.path, name);
				fact.name = strVal(llast((List *) object));
				break;
			default:
				fact.command = drop_word(statement->removeType);
				fact.name = dropped_name(object);
				fact.lock = NoLock;
				break;
		}
		relid = find_old(reader, fact.relation);
		emit(reader, &fact);
		if (strcmp(fact.command, "drop table") == 0)
			emit_added_keys(reader, fact.relation, NULL, NULL);
		if (OidIsValid(relid) && (strcmp(fact.command, "drop table") == 0 || strcmp(fact.command, "drop view") == 0))
		{
			script_touch_dropped(&reader->now.touched, fact.relation);
			emit_untied(reader, relid, statement->behavior == DROP_CASCADE);
		}
	}
}

/*
 * Returns the kind of object that a statement renames, because ALTER INDEX and
 * ALTER VIEW can rename a table, too
 */
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

/*
 * Records the new name or schema (or NULL: as it is) of a table, view or index,
 * which statements after this one may use
 */
static void
keep_name(FactReader *reader, RangeVar *from, Oid relid, const char *schema, const char *name)
{
	char	   *old = from->schemaname;

	if (old == NULL)
		old = OidIsValid(relid) ? sg_rel_schema(relid) :
			unconstify(char *, script_path_schema(reader->now.path, SCRIPT_TABLE, from->relname, InvalidOid));
	(void) script_path_drop_table(reader->now.path, from);
	name = script_path_new_table(reader->now.path, makeRangeVar(schema ? pstrdup(schema) : old, name ? pstrdup(name) : from->relname, -1));
	reader->now.changed = lappend(reader->now.changed, unconstify(char *, name));
	from->schemaname = old;
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
	fact.relation = script_path_table(reader->now.path, statement->relation);
	relid = find_old(reader, fact.relation);
	switch (statement->subname ? statement->renameType : renamed_type(relid, statement->renameType))
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
			fact.command = renamed_type(relid, statement->renameType) == OBJECT_TABLE ? "rename table" : "rename view";
			emit(reader, &fact);
			keep_name(reader, statement->relation, relid, NULL, statement->newname);
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
			emit(reader, &fact);
			keep_name(reader, statement->relation, relid, NULL, statement->newname);
			return;
		case OBJECT_TABCONSTRAINT:
			script_touch_constraint(&reader->now.touched, relid, statement->subname);
			break;
		default:
			break;
	}
	emit(reader, &fact);
}

/* Reads SET SCHEMA, which is a new name as well */
static void
read_set_schema(FactReader *reader, const AlterObjectSchemaStmt *statement)
{
	Fact		fact = {.lock = AccessExclusiveLock};
	RangeVar   *name = statement->relation;

	if (statement->objectType != OBJECT_TABLE && statement->objectType != OBJECT_VIEW && statement->objectType != OBJECT_MATVIEW)
		return;
	fact.command = statement->objectType == OBJECT_TABLE ? "rename table" : "rename view";
	fact.relation = script_path_table(reader->now.path, name);
	fact.other = quote_qualified_identifier(statement->newschema, name->relname);
	emit(reader, &fact);
	keep_name(reader, name, find_old(reader, fact.relation), statement->newschema, NULL);
}

/* Returns whether a statement of that kind reaches inheriting tables */
static bool
comes_below(const char *command)
{
	return strcmp(command, "update") == 0 || strcmp(command, "delete") == 0 || strcmp(command, "truncate") == 0 || strcmp(command, "lock") == 0;
}

/* Reads a statement about one table, or all tables (NULL), that needs no more words */
static void
read_simple(FactReader *reader, const char *command, const RangeVar *name, LOCKMODE lock, const char *word)
{
	Fact		fact = {.command = command,.relation = name ? script_path_table(reader->now.path, name) : NULL,.lock = lock};

	fact.with_heirs = name && name->inh && comes_below(command);
	if (strcmp(command, "rewrite table") == 0 || strcmp(command, "refresh") == 0)
		fact.does = strcmp(command, "refresh") == 0 ? DOES_COMPUTE : DOES_REWRITE;
	flag(&fact, word != NULL, word);
	flag(&fact, name == NULL, "all tables");
	emit(reader, &fact);
}

/* Returns the tables whose keys refer to those tables, directly or not, and that TRUNCATE ... CASCADE empties, too */
static List *
referring_tables(List *tables)
{
	List	   *all = list_copy(tables);

	for (List *more = tables; more != NIL;)
	{
		more = list_difference_oid(heap_truncate_find_FKs(more), all);
		all = list_concat_unique_oid(all, more);
	}
	return list_difference_oid(all, tables);
}

static void
read_truncate(FactReader *reader, const TruncateStmt *statement)
{
	List	   *tables = NIL;

	foreach_ptr(const RangeVar, name, statement->relations)
	{
		Oid			relid = find_old(reader, script_path_table(reader->now.path, name));

		read_simple(reader, "truncate", name, AccessExclusiveLock, statement->behavior == DROP_CASCADE ? "cascade" : NULL);
		if (OidIsValid(relid) && statement->behavior == DROP_CASCADE)
			tables = list_append_unique_oid(tables, relid);
	}
	foreach_oid(table, referring_tables(tables))
	{
		emit_along(reader, table);
	}
}

/*
 * Returns whether an option in parentheses is on: without a value, or with a
 * value that the server would refuse, too
 */
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
			script_path_table(reader->now.path, statement->relation);

	/*
	 * the server does the partitions one after the other, each in a
	 * transaction
	 */
	reader->outside |= statement->relation && OidIsValid(find_old(reader, fact.relation)) &&
		get_rel_relkind(find_old(reader, fact.relation)) == RELKIND_PARTITIONED_TABLE;
	emit(reader, &fact);
}

/*
 * Emits settings that matter to sessions that wait for locks, or to keys and
 * triggers: of the session, or ("set default") of future sessions
 */
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

/*
 * Follows SET TIME ZONE, on which it depends whether a column's new type
 * rewrites the table; a zone that the server refuses changes nothing
 */
static void
follow_time_zone(const VariableSetStmt *statement)
{
	Node	   *arg = list_length(statement->args) == 1 ? linitial(statement->args) : NULL;
	const char *zone = NULL;

	if (statement->name == NULL || pg_strcasecmp(statement->name, "timezone") != 0)
		return;
	if (statement->kind == VAR_SET_DEFAULT || statement->kind == VAR_RESET)
		zone = GetConfigOptionResetString("timezone");
	else if (arg && IsA(arg, A_Const) && IsA(&((A_Const *) arg)->val, String))
		zone = strVal(&((A_Const *) arg)->val);
	else if (arg && IsA(arg, A_Const) && IsA(&((A_Const *) arg)->val, Integer))
		zone = psprintf("%d", intVal(&((A_Const *) arg)->val));
	if (zone)
		(void) set_config_option("timezone", zone, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG5, false);
}

/* Returns whether a condition holds for each row: TRUE, or a constant that equals itself */
static bool
is_always_true(Node *condition)
{
	A_Expr	   *expr = (A_Expr *) condition;
	A_Const    *constant = (A_Const *) (IsA(condition, TypeCast) ? ((TypeCast *) condition)->arg : condition);

	if (IsA(condition, A_Expr))
		return expr->kind == AEXPR_OP && list_length(expr->name) == 1 && strcmp(strVal(linitial(expr->name)), "=") == 0 &&
			expr->lexpr && IsA(expr->lexpr, A_Const) && !((A_Const *) expr->lexpr)->isnull && equal(expr->lexpr, expr->rexpr);
	return IsA(constant, A_Const) && !constant->isnull && IsA(&constant->val, Boolean) && boolVal(&constant->val);
}

/* Longest lock_timeout that is one, in ms */
#define LONGEST_TIMEOUT 60000

/* Returns whether a setting's value is such a timeout, or unknown */
static bool
is_timeout(Node *arg)
{
	Node	   *value = IsA(arg, A_Const) ? (Node *) &((A_Const *) arg)->val : NULL;
	int			timeout;

	if (value == NULL)
		return true;
	return parse_int(IsA(value, String) ? strVal(value) : IsA(value, Float) ? castNode(Float, value)->fval :
					 IsA(value, Integer) ? psprintf("%d", intVal(value)) : "", &timeout, GUC_UNIT_MS, NULL) &&
		timeout > 0 && timeout <= LONGEST_TIMEOUT;
}

/* Follows SET and RESET of lock_timeout */
static void
follow_lock_timeout(FactReader *reader, const VariableSetStmt *statement)
{
	if (statement->kind != VAR_RESET_ALL && (statement->name == NULL || pg_strcasecmp(statement->name, "lock_timeout") != 0))
		return;
	reader->now.timed = statement->kind == VAR_SET_VALUE && list_length(statement->args) == 1 && is_timeout(linitial(statement->args));
	if (!statement->is_local)
		reader->now.session_timed = reader->now.timed;
}

/* Begins the next transaction, to which SET LOCAL of the last one does not come */
static void
begin_unit(FactReader *reader)
{
	reader->unit++;
	reader->now.timed = reader->now.session_timed;
}

static FactState
copy_state(const FactState *state)
{
	FactState	copy = *state;

	copy.path = script_path_copy(state->path);
	copy.touched = script_touched_copy(&state->touched);
	copy.indexes = list_copy(state->indexes);
	copy.keys = list_copy(state->keys);
	copy.changed = list_copy(state->changed);
	copy.related = list_copy(state->related);
	copy.detached = list_copy(state->detached);
	return copy;
}

static void
save_state(FactReader *reader, const char *name)
{
	FactSave   *save = palloc(sizeof(FactSave));

	save->name = name;
	save->statement = reader->next;
	save->state = copy_state(&reader->now);
	reader->saves = lappend(reader->saves, save);
}

/* Begins a transaction, unless each statement is one */
static void
begin_saves(FactReader *reader)
{
	reader->saves = NIL;
	if (reader->in_transaction || reader->in_block)
		save_state(reader, "");
}

/* Returns the place of the last save of that name, from 0, or -1 */
static int
find_save(const FactReader *reader, const char *name)
{
	for (int i = list_length(reader->saves) - 1; i >= 0; i--)
	{
		if (strcmp(((FactSave *) list_nth(reader->saves, i))->name, name) == 0)
			return i;
	}
	return -1;
}

/* Undoes what statements have left behind since a save, for this reader and for readers of the facts */
static void
undo_since(FactReader *reader, int place)
{
	const FactSave *save = place < 0 ? NULL : list_nth(reader->saves, place);
	Fact		fact = {.command = "undo"};

	if (save == NULL)
		return;
	reader->now = copy_state(&save->state);
	reader->saves = list_truncate(reader->saves, place + 1);
	fact.other = psprintf("%d", save->statement);
	if (!reader->holds_only)
		emit(reader, &fact);
}

/* Reads SELECT set_config('...', '...', ...) as the SET that it is */
static void
read_set_config(FactReader *reader, const SelectStmt *statement)
{
	foreach_ptr(const ResTarget, target, statement->targetList)
	{
		FuncCall   *call = (FuncCall *) target->val;
		VariableSetStmt set = {.type = T_VariableSetStmt,.kind = VAR_SET_VALUE};
		A_Const    *name;

		if (call == NULL || !IsA(call, FuncCall) || strcmp(strVal(llast(call->funcname)), "set_config") != 0 || list_length(call->args) != 3)
			continue;
		name = linitial(call->args);
		if (!IsA(name, A_Const) || !IsA(&name->val, String))
			continue;
		set.name = asc_tolower(strVal(&name->val), strlen(strVal(&name->val)));
		set.args = list_make1(lsecond(call->args));
		set.is_local = is_always_true(lthird(call->args));
		read_setting(reader, "set", &set);
		follow_lock_timeout(reader, &set);
		follow_time_zone(&set);
	}
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
			if (reader->saves == NIL)
				begin_saves(reader);
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			fact.command = "commit";
			flag(&fact, !reader->in_block, reader->in_transaction ? "nested" : "alone");
			if (statement->kind == TRANS_STMT_ROLLBACK)
				undo_since(reader, find_save(reader, ""));
			reader->in_block = false;
			begin_unit(reader);
			begin_saves(reader);
			break;
		case TRANS_STMT_SAVEPOINT:
			if (reader->saves)
				save_state(reader, statement->savepoint_name);
			return;
		case TRANS_STMT_ROLLBACK_TO:
			undo_since(reader, find_save(reader, statement->savepoint_name));
			return;
		case TRANS_STMT_RELEASE:
			reader->saves = list_truncate(reader->saves, Max(find_save(reader, statement->savepoint_name), 1));
			return;
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

/* Adds the tables with a column of the domain, or of a domain over it */
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

/*
 * Statements about one table, or none, that need no more words, with the
 * offsets of their table and WHERE fields
 */
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
	{T_AlterPolicyStmt, "alter policy", AccessExclusiveLock, offsetof(AlterPolicyStmt, table)},
	{T_RuleStmt, "create rule", AccessExclusiveLock, offsetof(RuleStmt, relation)},
	{T_InsertStmt, "insert", RowExclusiveLock, offsetof(InsertStmt, relation)},
	{T_UpdateStmt, "update", RowExclusiveLock, offsetof(UpdateStmt, relation), offsetof(UpdateStmt, whereClause)},
	{T_MergeStmt, "merge", RowExclusiveLock, offsetof(MergeStmt, relation), offsetof(MergeStmt, joinCondition)},
	{T_DeleteStmt, "delete", RowExclusiveLock, offsetof(DeleteStmt, relation), offsetof(DeleteStmt, whereClause)},
	{T_DropdbStmt, "drop database", NoLock},
	{T_DoStmt, "run code", NoLock},
	{T_CallStmt, "run code", NoLock},
};

/* Returns whether a MERGE whose condition always holds leaves rows alone by other conditions */
static bool
has_conditions(const MergeStmt *statement)
{
	foreach_ptr(const MergeWhenClause, clause, statement->mergeWhenClauses)
	{
		if ((clause->commandType == CMD_UPDATE || clause->commandType == CMD_DELETE) && clause->condition == NULL)
			return false;
	}
	return true;
}

static bool
is_simple(FactReader *reader, Node *statement)
{
	for (int i = 0; i < lengthof(simple_statements); i++)
	{
		size_t		table = simple_statements[i].table;
		size_t		where = simple_statements[i].where;
		Node	   *condition;

		if (simple_statements[i].tag != nodeTag(statement))
			continue;
		condition = where ? *(Node **) ((char *) statement + where) : NULL;
		if (condition && is_always_true(condition) && !(IsA(statement, MergeStmt) && has_conditions((MergeStmt *) statement)))
			condition = NULL;
		read_simple(reader, simple_statements[i].command, table ? *(RangeVar **) ((char *) statement + table) : NULL, simple_statements[i].lock,
					condition ? "where" : NULL);
		return true;
	}
	return false;
}

/* Reads the statements in WITH, which can write only at the top level */
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

/* Records the table that SELECT ... INTO makes, and settings by set_config() */
static void
read_select(FactReader *reader, const SelectStmt *statement)
{
	while (statement->larg)
		statement = statement->larg;
	if (statement->intoClause)
		(void) script_path_new_table(reader->now.path, statement->intoClause->rel);
	read_set_config(reader, statement);
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
		case T_SelectStmt:
			read_select(reader, (SelectStmt *) statement);
			script_path_follow(reader->now.path, statement);
			break;
		case T_CreateTableAsStmt:
			(void) script_path_new_table(reader->now.path, ((CreateTableAsStmt *) statement)->into->rel);
			break;
		case T_ViewStmt:
			read_view(reader, ((ViewStmt *) statement)->view);
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
		case T_AlterTableMoveAllStmt:
			read_simple(reader, "rewrite table", NULL, AccessExclusiveLock, NULL);
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
			script_path_new_type(reader->now.path, ((CreateDomainStmt *) statement)->domainname);
			break;
		case T_AlterDomainStmt:
			read_alter_domain(reader, (AlterDomainStmt *) statement);
			break;
		case T_CreateEnumStmt:
			script_path_new_type(reader->now.path, ((CreateEnumStmt *) statement)->typeName);
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
			follow_time_zone((VariableSetStmt *) statement);
			follow_lock_timeout(reader, (VariableSetStmt *) statement);
			script_path_follow(reader->now.path, statement);
			break;
		case T_DiscardStmt:
			script_path_follow(reader->now.path, statement);
			if (((DiscardStmt *) statement)->target == DISCARD_ALL)
				reader->now.timed = reader->now.session_timed = false;
			break;
		case T_TransactionStmt:
			script_path_follow(reader->now.path, statement);
			read_transaction(reader, (TransactionStmt *) statement);
			break;
		default:
			script_path_follow(reader->now.path, statement);
			break;
	}
}

/* Returns whether PostgreSQL refuses the statement within a transaction; CONCURRENTLY is told apart */
static bool
is_outside(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_VacuumStmt:
			return ((const VacuumStmt *) statement)->is_vacuumcmd;
		case T_ReindexStmt:
			return ((const ReindexStmt *) statement)->relation == NULL;
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
		case T_AlterSystemStmt:
			return true;
		default:
			return false;
	}
}

/* Emits a statement about which there is no other fact, for what the server says of it */
static void
emit_other(FactReader *reader, const Node *statement)
{
	Fact		fact = {.command = "other"};

	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_ExplainStmt:
		case T_PrepareStmt:
		case T_ExecuteStmt:
		case T_CopyStmt:

			/*
			 * it may use the value, which is for the reader of its text to
			 * see
			 */
			if (!reader->now.adds_value)
				return;
			fact.command = "query";
			break;
		case T_VacuumStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
		case T_TransactionStmt:
		case T_CheckPointStmt:
		case T_NotifyStmt:
		case T_ListenStmt:
		case T_UnlistenStmt:
			return;
		case T_CommentStmt:
		case T_GrantStmt:
		case T_GrantRoleStmt:
			fact.command = "query";
			break;
		case T_AlterEnumStmt:
			fact.command = "add value";
			fact.name = NameListToQuotedString(((AlterEnumStmt *) statement)->typeName);
			fact.other = ((AlterEnumStmt *) statement)->newVal;
			reader->now.adds_value = ((AlterEnumStmt *) statement)->oldVal == NULL;
			flag(&fact, has_made(reader, script_path_table(reader->now.path, makeRangeVarFromNameList(((AlterEnumStmt *) statement)->typeName))), "made");
			break;
		default:
			break;
	}
	emit(reader, &fact);
}

/* Returns whether the table does not exist, so that IF EXISTS skips the statement */
static bool
is_missing(FactReader *reader, const AlterTableStmt *statement)
{
	char	   *name = statement->missing_ok && statement->objtype != OBJECT_TYPE ? script_path_table(reader->now.path, statement->relation) : NULL;

	return name && !has_made(reader, name) && !OidIsValid(find_old(reader, name));
}

/* Returns whether IF EXISTS or IF NOT EXISTS skips the statement */
static bool
is_left_out(FactReader *reader, Node *statement)
{
	const RangeVar *made = NULL;

	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			made = ((CreateStmt *) statement)->if_not_exists ? ((CreateStmt *) statement)->relation : NULL;
			break;
		case T_CreateTableAsStmt:
			made = ((CreateTableAsStmt *) statement)->if_not_exists ? ((CreateTableAsStmt *) statement)->into->rel : NULL;
			break;
		case T_CreateSeqStmt:
			made = ((CreateSeqStmt *) statement)->if_not_exists ? ((CreateSeqStmt *) statement)->sequence : NULL;
			break;
		case T_IndexStmt:
			if (!script_index_is_there(find_old(reader, script_path_table(reader->now.path, ((IndexStmt *) statement)->relation)),
									   (IndexStmt *) statement, &reader->now.touched))
				return false;
			/* the table is locked before its index is found */
			emit_also(reader, ((IndexStmt *) statement)->relation, ((IndexStmt *) statement)->concurrent ? ShareUpdateExclusiveLock : ShareLock, NULL);
			return true;
		case T_AlterTableStmt:
			return is_missing(reader, (AlterTableStmt *) statement);
		default:
			break;
	}
	return made && OidIsValid(find_old(reader, script_path_new_name(reader->now.path, made)));
}

/* Returns whether ALTER with this word can be of a domain */
static bool
is_domain_word(ObjectType word)
{
	return word == OBJECT_DOMAIN || word == OBJECT_TYPE;
}

/* Gives the names of a statement that script_touch() looks up the schemas that the script's path finds */
static void
give_schemas(FactReader *reader, Node *statement)
{
	RangeVar   *table = IsA(statement, RenameStmt) ? ((RenameStmt *) statement)->relation : NULL;
	TypeName   *base = IsA(statement, CreateDomainStmt) ? ((CreateDomainStmt *) statement)->typeName : NULL;

	if (table && table->schemaname == NULL)
		table->schemaname = sg_parse_table_name(script_path_table(reader->now.path, table)).schema;
	if (base)
		base->names = with_schema(reader, base->names);
	if (IsA(statement, RenameStmt) && is_domain_word(((RenameStmt *) statement)->renameType))
		((RenameStmt *) statement)->object = (Node *) with_schema(reader, (List *) ((RenameStmt *) statement)->object);
	if (IsA(statement, AlterObjectSchemaStmt) && is_domain_word(((AlterObjectSchemaStmt *) statement)->objectType))
		((AlterObjectSchemaStmt *) statement)->object = (Node *) with_schema(reader, (List *) ((AlterObjectSchemaStmt *) statement)->object);
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
		Node	   *statement;

		CHECK_FOR_INTERRUPTS();
		begin_statement(reader, at->start, at->length);
		parsed = raw_parser(reader->text, RAW_PARSE_DEFAULT);
		if (parsed == NIL)
			continue;
		statement = reader->statement = linitial_node(RawStmt, parsed)->stmt;
		reader->outside = is_outside(statement);
		if (!is_left_out(reader, statement))
		{
			read_statement(reader, statement);
			if (!reader->told && !reader->holds_only)
				emit_other(reader, statement);
			give_schemas(reader, statement);
			script_touch(&reader->now.touched, statement);
		}
		if (!reader->in_transaction && !reader->in_block)
			begin_unit(reader);
	}
}

/* Emits a fact of the script that no statement reports */
static void
emit_alone(FactReader *reader, const char *command, const char *message)
{
	Fact		fact = {.command = command,.other = message};

	reader->statement = NULL;
	reader->outside = false;
	emit(reader, &fact);
}

/* Comments that leave rules out, as LINE_ASIDE RULE, ... */
#define LINE_COMMENT	"--"
#define LINE_ASIDE		"sg-ignore"

/* A statement that may have such a comment, and its tokens */
typedef struct AsideSearch
{
	const char *text;
	ScriptTokens *tokens;		/* NULL: it has none */
} AsideSearch;

static void
find_tokens(void *arg)
{
	AsideSearch *search = arg;

	search->tokens = script_tokens(search->text);
}

/*
 * Returns whether that place is in a token, such as a literal, and so in no
 * comment; in a statement that the scanner refuses, nothing is a comment
 */
static bool
is_in_token(const Script *script, int offset)
{
	for (int i = 0; i < script->nstatements; i++)
	{
		const ScriptStatement *at = &script->statements[i];
		AsideSearch search = {.text = pnstrdup(script->sql + at->start, at->length)};
		ErrorData  *error;
		int			n;

		if (offset < at->start || offset >= at->start + at->length)
			continue;
		error = sg_try(find_tokens, &search);
		if (error)
			sg_rethrow_cancel(error);
		if (search.tokens == NULL)
			return true;
		n = script_token_at(search.tokens, offset - at->start + 1);
		return n > 0 && search.tokens->token[n - 1].end > offset - at->start;
	}
	return script->error && offset >= script->error_offset;
}

/* Emits the comments of the script that leave rules out, each with its line and its rules */
static void
emit_asides(FactReader *reader)
{
	Script	   *script = reader->script;
	int			start = 0;

	reader->statement = NULL;
	reader->text = "";
	reader->told = true;
	for (int line = 1; start < script->length; line++)
	{
		int			end = start;
		int			word;

		while (end < script->length && script->sql[end] != '\n')
			end++;
		for (int at = start; at + 1 < end; at++)
		{
			Fact		fact = {.command = "aside"};

			if (strncmp(script->sql + at, LINE_COMMENT, strlen(LINE_COMMENT)) != 0)
				continue;
			word = at + strlen(LINE_COMMENT);
			while (word < end && isspace((unsigned char) script->sql[word]))
				word++;
			if (end - word < strlen(LINE_ASIDE) || strncmp(script->sql + word, LINE_ASIDE, strlen(LINE_ASIDE)) != 0 || is_in_token(script, at))
				continue;
			reader->first = reader->last = line;
			fact.other = pnstrdup(script->sql + word + strlen(LINE_ASIDE), end - word - strlen(LINE_ASIDE));
			flag(&fact, strspn(script->sql + start, " \t\r") == at - start, "alone");
			emit(reader, &fact);
			break;
		}
		start = end + 1;
	}
}

static void
read_script(FactReader *reader, const char *sql)
{
	Script	   *script = reader->script = script_split(sql);

	reader->next = 0;
	reader->offset = 0;
	reader->line = 1;
	reader->in_block = false;
	reader->now.session_timed = false;
	begin_unit(reader);
	begin_saves(reader);
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
	if (!reader->holds_only)
		emit_asides(reader);
}

List *
script_holds(const PlanStep *step)
{
	bool		is_column = step->kind == STEP_COLUMN;
	FactReader	reader = {.now.path = script_path_begin(),.default_apart = is_column,.holds_only = true};
	const char *sql = is_column ? linitial(plan_change_statements(step)) : plan_change_run(step);
	SgScope		scope;

	sg_caller_begin(&scope);
	sg_scope_set("client_min_messages", "error");
	read_script(&reader, sql);
	sg_scope_end(&scope);
	return reader.holds;
}

/* Raises an error for a script that is null, or a file's name */
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
 * after the other; with in_transaction, each script runs within a transaction.
 * A statement that can't be parsed is a row, too.  Everybody may call it; locks
 * only catalogs. 22004: a script is null; 22023: a script is a file's name.
 */
static Datum
sg_script_facts_entered(PG_FUNCTION_ARGS)
{
	FactReader	reader = {.now.path = script_path_begin(),.in_transaction = sg_arg_bool(fcinfo, 1)};
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
