/*-------------------------------------------------------------------------
 *
 * script.h
 *	  A migration script: its statements, the meaning of its names, and the
 *	  steps that it makes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SCRIPT_H
#define SG_SCRIPT_H

#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"

#include "plan/plan.h"

/* ---- script_split.c ---- */

typedef struct ScriptStatement
{
	int			start;			/* byte offset in the script's text */
	int			length;			/* length; a null byte follows */
	List	   *cut_names;		/* identifiers that the scanner has truncated */
	bool		cut_unicode;	/* a U&"" name may have been truncated */
} ScriptStatement;

/* A command of psql: its name without the backslash, and its byte offset */
typedef struct ScriptCommand
{
	char	   *name;
	int			offset;
} ScriptCommand;

typedef struct Script
{
	char	   *sql;			/* text with COPY data and psql's commands
								 * blanked out */
	int			length;
	ScriptStatement *statements;
	int			nstatements;
	int64		copy_lines;
	List	   *commands;		/* of ScriptCommand */
	int64		unfollowed;		/* those among them that include files or
								 * branch */

	/*
	 * error at which the scanner gave up, as in an unterminated quote; else
	 * NULL
	 */
	ErrorData  *error;
	int			error_offset;
} Script;

/* Cuts a script into statements, in one pass */
extern Script *script_split(const char *script);

/*
 * For other scanners: script_keyword_codes() has a code for each keyword,
 * because gram.h, which has the server's codes, is not installed;
 * script_keyword() returns the code of a word, or -1 if it is no keyword.
 */
extern const uint16 *script_keyword_codes(void);
extern int	script_keyword(const char *word);

/* Returns the byte offset that an error of scanner or parser reports, or 0 */
extern int	script_error_offset(const char *sql, const ErrorData *error);

/* ---- script_path.c ---- */

/* Schemas of unqualified names at the current place of a script */
typedef struct ScriptPath ScriptPath;

/* Begins with the search_path of the caller */
extern ScriptPath *script_path_begin(void);

/* Returns a copy that what the script does later leaves alone */
extern ScriptPath *script_path_copy(const ScriptPath *path);

/* Applies a parsed statement's effect on the search_path, if any */
extern void script_path_follow(ScriptPath *path, Node *statement);

/* Returns the qualified name of the table that a name means; it need not exist */
extern char *script_path_table(ScriptPath *path, const RangeVar *name);

/*
 * Return the qualified name of a table that CREATE TABLE makes; behind
 * script_path_new_table(), later names may mean it
 */
extern char *script_path_new_name(ScriptPath *path, const RangeVar *name);
extern char *script_path_new_table(ScriptPath *path, const RangeVar *name);

/* CREATE SCHEMA makes the schema, and looks there first for its own elements */
extern void script_path_enter_schema(ScriptPath *path, const char *schema);
extern void script_path_leave_schema(ScriptPath *path);

/* Records a type that the script makes */
extern void script_path_new_type(ScriptPath *path, List *names);

/* Kinds of named objects */
typedef enum ScriptObject
{
	SCRIPT_TABLE,				/* or a view, index or sequence, which share
								 * names with tables */
	SCRIPT_FUNCTION,
	SCRIPT_TYPE,
	SCRIPT_OPERATOR,
	SCRIPT_COLLATION,
	SCRIPT_OPCLASS,				/* operator class of an access method */
	SCRIPT_OPFAMILY,			/* likewise */
	SCRIPT_STATISTICS,
	SCRIPT_CONVERSION,
	SCRIPT_TS_CONFIGURATION,
	SCRIPT_TS_DICTIONARY,
	SCRIPT_TS_PARSER,
	SCRIPT_TS_TEMPLATE
} ScriptObject;

/*
 * Returns the schema that an unqualified name needs once search_path is
 * pg_catalog alone: the first schema with such an object; NULL: none, or
 * unknown.
 */
extern const char *script_path_schema(ScriptPath *path, ScriptObject object, const char *name, Oid method);

/* Returns the qualified name of the table that DROP TABLE means; later names do not mean it */
extern char *script_path_drop_table(ScriptPath *path, const RangeVar *name);

/* Returns whether the script has made a table or type of that name */
extern bool script_path_has_made(ScriptPath *path, const char *qualified);

/* Returns whether the name is of a temporary table of the script */
extern bool script_path_is_temporary(const char *qualified);

/* ---- script_cut.c ---- */

/* The tokens of a statement, from which parts of its text are cut */
typedef struct ScriptToken
{
	int			code;			/* a character, or script_keyword() */
	int			start;			/* offset in the statement */
	int			end;
	int			depth;			/* depth of parentheses around it; a
								 * parenthesis itself counts as outside */
	const char *schema;			/* schema to write before it, or NULL */
	bool		left_out;		/* omitted from cut text */
} ScriptToken;

typedef struct ScriptTokens
{
	const char *sql;
	ScriptToken *token;
	int			n;
} ScriptTokens;

/* Returns the tokens of a statement that the parser has accepted; sql has to stay allocated */
extern ScriptTokens *script_tokens(const char *sql);

/* Returns the first token at an offset or after it, or n */
extern int	script_token_at(const ScriptTokens *tokens, int offset);

/* Returns the first token with this code between `from` and `end`, at the depth of `from`; or `end` */
extern int	script_token_find(const ScriptTokens *tokens, int from, int end, int code);

/*
 * Returns the text from one token to the one before `end`, without comments, on
 * one line except for literals
 */
extern char *script_cut(const ScriptTokens *tokens, int from, int end);

/* Returns the statement's own text of that length, with the schemas that names have been given */
extern char *script_text(const ScriptTokens *tokens, int length);

/*
 * Gives a schema, in cut text, to the names of a raw expression, query or type
 * that the script's search_path resolves and pg_catalog does not have.
 */
extern void script_qualify(ScriptTokens *tokens, ScriptPath *path, Node *node);

/*
 * Gives the name of a table its schema likewise, or with is_new that of the
 * table that the statement makes; name may be NULL
 */
extern void script_qualify_table(ScriptTokens *tokens, ScriptPath *path, const RangeVar *name, bool is_new);

/*
 * Gives an object its schema likewise: its name, the first of a list, is the
 * first equal token from `from` (at least 1) on
 */
extern void script_qualify_words(ScriptTokens *tokens, ScriptPath *path, ScriptObject object, List *names, Oid method, int from);

/* ---- script_name.c ---- */

/* Gives names in the keys and the WHERE of an index their schemas likewise */
extern void script_qualify_index(ScriptTokens *tokens, ScriptPath *path, const IndexStmt *statement);

/*
 * Give the tables, functions and types that a statement names their schemas;
 * script_qualified_statement() returns its text, of that length, with these
 */
extern void script_qualify_statement(ScriptTokens *tokens, ScriptPath *path, Node *statement);
extern char *script_qualified_statement(ScriptTokens *tokens, ScriptPath *path, Node *statement, int length);

/* ---- script.c: the reader ---- */

/* A step that a script makes */
typedef struct ScriptStep
{
	PlanStep   *step;			/* its fk_name may be NULL */
	int			offset;			/* offset in the script */
	bool		gone;			/* a later statement drops the step's object */
	char	   *unique;			/* definition of a unique index, or NULL */
	bool		index_only;		/* a unique index that no constraint uses so
								 * far */
	List	   *leading;		/* first columns of an index that it makes, up
								 * to the first that is not plain */
	bool		plain;			/* the index has nothing but these columns */
	bool		keys_own;		/* an index that a key's step builds itself */
} ScriptStep;

typedef struct ScriptReader
{
	Script	   *script;
	const char *plan;
	ScriptPath *path;
	int			next;			/* number of the statement to parse next */
	ScriptStatement *statement; /* current statement */
	ScriptTokens *tokens;		/* its tokens, or NULL: not needed yet */

	MemoryContext context;		/* memory context of results */
	MemoryContext scratch;		/* memory context of one statement */
	List	   *steps;			/* ScriptStep * */
	List	   *remarks;		/* ScriptRemark * */
} ScriptReader;

/* Adds a remark about a place in the script; sqlerrcode 0: no problem, also in strict mode. */
extern void script_remark(ScriptReader *reader, int offset, int sqlerrcode, const char *message);

/* Adds a remark about a truncated name, if one of the names is; returns whether */
extern bool script_remark_cut(ScriptReader *reader, int offset, List *names);

/* Reads a script for the plan, with remarks about truncated names */
extern void script_read(ScriptReader *reader, const FkPlan *plan, const char *sql);

/* Adds the valid steps to the plan, and returns them (PlanStep *); the others get remarks. */
extern List *script_add_steps(ScriptReader *reader, const FkPlan *plan);

/*
 * Returns the remarks, by their places, as notes of the plan (PlanNote *); with
 * a hint, raises the first problem instead
 */
extern List *script_notes(ScriptReader *reader, const char *hint);

/* Returns whether the script is a single word that ends like a file name */
extern bool script_is_file_name(const char *script);

/* Adds a step of the current statement; the step is in reader->context */
extern ScriptStep *script_keep(ScriptReader *reader, PlanStep *step, int location);

/* ---- script_change.c ---- */

/* The table of the current statement */
typedef struct ScriptTable
{
	RangeVar   *name;
	char	   *qualified;
	const char *unsupported;	/* why it can't have foreign keys, or NULL */
} ScriptTable;

/* Adds the keys of a column's REFERENCES, with the attributes that follow */
extern void script_read_column_keys(ScriptReader *reader, const ScriptTable *table, ColumnDef *column);
extern void script_add_key(ScriptReader *reader, const ScriptTable *table, Constraint *c);

/* Reads a command of ALTER TABLE, from token `from` to before `end`; returns false if it makes no step */
extern bool script_read_command(ScriptReader *reader, const ScriptTable *table, AlterTableCmd *cmd, int from, int end);
extern void script_read_index(ScriptReader *reader, IndexStmt *stmt);

/*
 * Returns whether ON ONLY makes an index of a partitioned table without its
 * partitions; ONLY means nothing for another table.
 */
extern bool script_leaves_partitions_out(const IndexStmt *stmt, const char *table);

/* Reads CREATE TABLE without its keys, if the table does not exist */
extern void script_read_table(ScriptReader *reader, const ScriptTable *table, CreateStmt *stmt);

/* ---- script_follow.c ---- */

/*
 * Apply a statement's effects to the steps read so far (ScriptStep *);
 * script_follow_command() returns whether it has found any.
 */
extern void script_follow_statement(List *steps, ScriptPath *path, Node *statement);
extern bool script_follow_command(List *steps, const char *table, AlterTableCmd *cmd);

/*
 * Drops, with a remark, the step that creates a table if a later command
 * changes or attaches the table in a way that no step can
 */
extern void script_follow_unread(List *steps, ScriptPath *path, const char *table, AlterTableCmd *cmd);

/* ---- script_facts.c: what statements do ---- */

/* Words for the deed of a statement under its lock: a flag of the fact, which lint rules use */
#define DOES_BUILD			"builds"
#define DOES_REBUILD		"rebuilds"	/* rewrites the table, and builds its
										 * indexes again */
#define DOES_READ			"reads"
#define DOES_MAYBE_READ		"may read"	/* unless a CHECK makes the scan
										 * unnecessary */
#define DOES_CHECK			"checks"	/* checks the rows against a foreign
										 * key */
#define DOES_REFUSE			"refuses"	/* a CHECK refuses rows until the
										 * statement */
#define DOES_REWRITE		"rewrites"
#define DOES_MAYBE_REWRITE	"may rewrite"
#define DOES_COMPUTE		"computes"

/* A lock that others wait for, held longer for a larger table */
typedef struct ScriptHold
{
	char	   *relation;		/* the table of the deed, qualified; NULL: all
								 * of its tables */
	LOCKMODE	lock;			/* SHARE, or a stronger lock */
	const char *does;			/* deed under the lock, one of the words above */
	const char *tables;			/* text of the locked tables, or NULL: the
								 * relation only */
	List	   *heirs;			/* names of inheriting tables, to which the
								 * same is done */
	List	   *ways;			/* char *: statements that do the deed
								 * beforehand, or NIL */
	const char *undo;			/* statement that drops the CHECK which
								 * refuses rows until the deed, or NULL */
} ScriptHold;

/* Returns the constraint of that name that ALTER TABLE adds itself, or NULL */
extern Constraint *script_added_constraint(const AlterTableStmt *statement, const char *name);

/*
 * Returns the locks (ScriptHold *) that a statement or column step takes on
 * objects that it has not made
 */
extern List *script_holds(const PlanStep *step);

/* ---- script_hold.c ---- */

/*
 * Returns a text like "it holds SHARE on public.t while it builds an index:
 * nobody can write there meanwhile"
 */
extern char *script_hold_text(const ScriptHold *hold);

/* Returns a hint for a step of a plan: steps that do the deed before, else a phase */
extern char *script_hold_hint(const ScriptHold *hold, const PlanStep *step);

/*
 * Returns the valid CHECK of a partition that makes the scan for a bound
 * unnecessary: with `inside` all rows are within it; else none is, for the
 * default partition.  If there is none, sets the condition of such a CHECK, or
 * NULL if that could run code of types.  Locks the table ACCESS SHARE.
 */
extern char *script_bound_check(Oid parent, Oid partition, PartitionBoundSpec *spec, bool inside, char **condition);

/*
 * Return the statements (char *) that build a table's own index, or add its own
 * foreign key, for each of the partitioned table's that ATTACH PARTITION would
 * otherwise build or check.
 */
extern List *script_missing_indexes(Oid whole, Oid partition);
extern List *script_missing_keys(Oid whole, Oid partition);

/* Returns the foreign keys of a table, at either end, that have a column of it; FkKey * */
extern List *script_keys_of_column(Oid relid, const char *column);

/* Returns the other tables of the foreign keys of a table, at either end */
extern List *script_tied_tables(Oid relid);

/*
 * Returns the relations whose statements the server may judge in another way
 * once a relation is changed or gone: tables of its keys, partitions and heirs,
 * views over it, and tables of a view
 */
extern List *script_related(Oid relid);

/* Sets plan_holds_hook */
extern void script_hold_init(void);

/* ---- script_column.c ---- */

/* Effects of ALTER COLUMN TYPE on the rows of an existing table */
typedef enum ScriptTypeChange
{
	TYPE_KEEPS_ROWS,
	TYPE_REWRITES,
	TYPE_MAY_REWRITE,			/* unknown, because of USING, or of casts of
								 * types that are not the server's */
	TYPE_NO_CAST,				/* the statement fails for lack of a cast */
	TYPE_NOT_HERE				/* the column does not exist */
} ScriptTypeChange;

/*
 * script_type_text() returns the name of a type; a type that is not built-in as
 * it is written, NULL for none
 */
extern char *script_type_text(const TypeName *name);

/* was: the type that an earlier statement of the script gives the column; NULL: that of the catalogs */
extern ScriptTypeChange script_type_change(Oid relid, const char *column, const ColumnDef *was, const ColumnDef *def);

/*
 * Returns the indexes, OIDs, that a new type which keeps the rows makes the
 * server rebuild; sets whether it reads all rows for a CHECK again.
 */
extern List *script_type_redo(Oid relid, const char *column, const ColumnDef *was, const ColumnDef *def, bool *reads);

/* Returns the integer type behind a serial type, or InvalidOid */
extern Oid	script_serial_type(const TypeName *name);

/*
 * Returns whether each row gets a value of its own when the column is added: of
 * an identity, a sequence, or generated and stored
 */
extern bool script_column_computes(const ColumnDef *column);

/* ---- script_brief.c: what is built, and what is not ---- */

/*
 * Returns the index that a constraint builds for itself, or NULL; column is set
 * for a column's constraint
 */
extern IndexStmt *script_constraint_index(const Constraint *c, const char *column);

/*
 * Names that statements of a script change, for which the catalogs have another
 * answer than for later statements
 */
typedef struct ScriptTouched
{
	List	   *names;			/* char *: names that are added, dropped,
								 * renamed or changed */
	List	   *tables;			/* tables with another name by then, and names
								 * that are free, the last one first */
	List	   *columns;		/* names of columns, likewise */
	List	   *schemas;
	List	   *types;			/* types that columns are given, the last one
								 * first */
	List	   *constraints;	/* constraints that lose their names */
	List	   *domains;		/* List *: names of domains that rewrite a
								 * table which gets a column of them */
} ScriptTouched;

/* Adds the names that a statement changes */
extern void script_touch(ScriptTouched *touched, Node *statement);

/* Adds the name of a table or view that a statement drops */
extern void script_touch_dropped(ScriptTouched *touched, const char *qualified);

/* Records the type of a column that is added or altered; the definition has to stay allocated */
extern void script_touch_type(ScriptTouched *touched, Oid relid, const char *column, const ColumnDef *def);

/* Returns the last one by the column's name at that time, or NULL */
extern const ColumnDef *script_type_given(const ScriptTouched *touched, Oid relid, const char *column);

/* Records a table's constraint that is dropped or renamed */
extern void script_touch_constraint(ScriptTouched *touched, Oid relid, const char *name);

/* Records those that go with a column */
extern void script_touch_constraints_of(ScriptTouched *touched, Oid relid, const char *column);

/* Returns a copy that later calls leave alone */
extern ScriptTouched script_touched_copy(const ScriptTouched *touched);

/* Returns the names of the table's constraints that were (char *) */
extern List *script_lost_constraints(const ScriptTouched *touched, Oid relid);

/* Returns the existing table that a name means by then; or InvalidOid */
extern Oid	script_table_by_then(const ScriptTouched *touched, const RangeVar *name);

/* Returns the qualified name that a table of this database has by then */
extern char *script_name_by_then(const ScriptTouched *touched, Oid relid);

/*
 * Return the present names of columns that were renamed in the script; "" for a
 * name that its column has lost
 */
extern const char *script_column_now(const ScriptTouched *touched, Oid relid, const char *name);
extern List *script_columns_now(const ScriptTouched *touched, Oid relid, const List *names);

/* Returns an index statement with the present names of its columns */
extern const IndexStmt *script_index_now(const ScriptTouched *touched, Oid relid, const IndexStmt *statement);

/* Returns whether a name leads to another table by then; sets that, or InvalidOid for a free name */
extern bool script_is_renamed(const ScriptTouched *touched, const char *qualified, Oid *relid);

/*
 * Returns whether adding the column rewrites the table. default_apart: a
 * volatile default is set later, as in a column step.
 */
extern bool script_column_rewrites(const ColumnDef *column, bool default_apart, const ScriptTouched *touched);

/* Records a domain that a statement makes or alters, if it rewrites a table which gets a column of it */
extern void script_touch_domain(ScriptTouched *touched, Node *statement);

/*
 * Return whether, in the database's present state and for an existing table
 * (relid), the statement does nothing, or the command changes only catalogs,
 * although it would otherwise take longer for a larger table.
 */
extern bool script_index_is_there(Oid relid, const IndexStmt *statement, const ScriptTouched *touched);
extern bool script_command_is_brief(Oid relid, const AlterTableStmt *statement, const AlterTableCmd *cmd, const ScriptTouched *touched);

#endif							/* SG_SCRIPT_H */
