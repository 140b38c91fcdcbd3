/*-------------------------------------------------------------------------
 *
 * script.h
 *	  A migration script: its statements, what its names mean, and the steps
 *	  that it makes.
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
	int			length;			/* a null byte follows */
	List	   *cut_names;		/* identifiers that the scanner has cut */
	bool		cut_unicode;	/* a U&"" name is so long that it may be cut */
} ScriptStatement;

typedef struct Script
{
	char	   *sql;			/* COPY data and psql's commands blanked out */
	int			length;
	ScriptStatement *statements;
	int			nstatements;
	int64		copy_lines;
	int64		commands;		/* backslash lines */
	int64		unfollowed;		/* those among them that include or choose */

	/* where the scanner gave up, as in a quote that never ends; else NULL */
	ErrorData  *error;
	int			error_offset;
} Script;

/* Cut a script into statements, in one pass */
extern Script *script_split(const char *script);

/*
 * For other scanners: a code of our own for each keyword, as gram.h, which has
 * core's, is not installed; and that of a word, or -1 where it is none.
 */
extern const uint16 *script_keyword_codes(void);
extern int	script_keyword(const char *word);

/* Byte offset of the place that an error of scanner or parser is about, or 0 */
extern int	script_error_offset(const char *sql, const ErrorData *error);

/* ---- script_path.c ---- */

/* Where unqualified names lead at the current place of a script */
typedef struct ScriptPath ScriptPath;

/* Starts with the search_path of the caller */
extern ScriptPath *script_path_begin(void);

/* Follow what a parsed statement does to the search_path, if anything */
extern void script_path_follow(ScriptPath *path, Node *statement);

/* The table that a name means, as qualified name; it need not exist */
extern char *script_path_table(ScriptPath *path, const RangeVar *name);

/* The one that CREATE TABLE makes; later names may mean it */
extern char *script_path_new_table(ScriptPath *path, const RangeVar *name);

/* CREATE SCHEMA makes it, and looks there first for its own elements */
extern void script_path_enter_schema(ScriptPath *path, const char *schema);
extern void script_path_leave_schema(ScriptPath *path);

/* A type that the script makes */
extern void script_path_new_type(ScriptPath *path, List *names);

/* Kinds of named objects */
typedef enum ScriptObject
{
	SCRIPT_TABLE,				/* or what shares its names: views, indexes,
								 * sequences */
	SCRIPT_FUNCTION,
	SCRIPT_TYPE,
	SCRIPT_COLLATION,
	SCRIPT_OPCLASS				/* of an access method */
} ScriptObject;

/*
 * The schema that an unqualified name needs once search_path is pg_catalog
 * alone: the first that has such an object; NULL: none, or not known.
 */
extern const char *script_path_schema(ScriptPath *path, ScriptObject object, const char *name, Oid method);

/* The table that DROP TABLE means; later names do not mean it */
extern char *script_path_drop_table(ScriptPath *path, const RangeVar *name);

/* Has the script made a table or type of that name? */
extern bool script_path_has_made(ScriptPath *path, const char *qualified);

/* Is it a temporary table of the script's? */
extern bool script_path_is_temporary(const char *qualified);

/* ---- script_cut.c ---- */

/* The tokens of a statement, from which parts of its text are cut */
typedef struct ScriptToken
{
	int			code;			/* a character, or script_keyword() */
	int			start;			/* in the statement */
	int			end;
	int			depth;			/* of parentheses around it; one that opens or
								 * closes counts as outside */
	const char *schema;			/* to be written before it, or NULL */
	bool		left_out;		/* of what is cut */
} ScriptToken;

typedef struct ScriptTokens
{
	const char *sql;
	ScriptToken *token;
	int			n;
} ScriptTokens;

/* Returns the tokens of a statement that the parser has accepted; sql has to stay allocated */
extern ScriptTokens *script_tokens(const char *sql);

/* The first token at an offset or after it, or n */
extern int	script_token_at(const ScriptTokens *tokens, int offset);

/* The first with this code from `from` on, before `end`, and as deep as `from`; or `end` */
extern int	script_token_find(const ScriptTokens *tokens, int from, int end, int code);

/* The text from one token to the one before `end`, without comments, on one line but for literals */
extern char *script_cut(const ScriptTokens *tokens, int from, int end);

/* The statement's own text of that length, with the schemas that names have got */
extern char *script_text(const ScriptTokens *tokens, int length);

/*
 * Names of a raw expression, query or type that its place in the script
 * resolves by search_path, and pg_catalog does not have, get their schema in
 * what is cut.
 */
extern void script_qualify(ScriptTokens *tokens, ScriptPath *path, Node *node);

/* Gives the name of a table its schema likewise, or that of one that the statement makes; NULL is none */
extern void script_qualify_table(ScriptTokens *tokens, ScriptPath *path, const RangeVar *name, bool is_new);

/* Gives an object its schema likewise, whose name, the first of a list, stands at the first token from `from` (at least 1) on that is like it */
extern void script_qualify_words(ScriptTokens *tokens, ScriptPath *path, ScriptObject object, List *names, int from);

/* ---- script_name.c ---- */

/* Gives the tables, functions and types that a statement names their schemas; returns its text, of that length, with these */
extern void script_qualify_statement(ScriptTokens *tokens, ScriptPath *path, Node *statement);
extern char *script_qualified_statement(ScriptTokens *tokens, ScriptPath *path, Node *statement, int length);

/* ---- script.c: the reader ---- */

/* A step that a script makes */
typedef struct ScriptStep
{
	PlanStep   *step;			/* fk_name may be NULL */
	int			offset;			/* in the script */
	bool		gone;			/* a later statement drops it */
	char	   *unique;			/* definition of a unique index, or NULL */
	bool		index_only;		/* a unique index that no constraint uses so
								 * far */
	List	   *leading;		/* first columns of an index that it makes, as
								 * far as they are plain */
	bool		plain;			/* an index that is nothing but those */
	bool		keys_own;		/* and that a key's step makes by itself */
} ScriptStep;

typedef struct ScriptReader
{
	Script	   *script;
	const char *plan;
	ScriptPath *path;
	int			next;			/* statement to parse */
	ScriptStatement *statement; /* the current one */
	ScriptTokens *tokens;		/* its tokens, or NULL: not needed yet */

	MemoryContext context;		/* of what is kept */
	MemoryContext scratch;		/* of one statement */
	List	   *steps;			/* of ScriptStep * */
	List	   *remarks;		/* of ScriptRemark * */
} ScriptReader;

/*
 * Say something about a place in the script; an SQLSTATE of 0: not a problem,
 * not even in strict mode.
 */
extern void script_remark(ScriptReader *reader, int offset, int sqlerrcode, const char *message);

/* A remark about a name that is longer than names can be, if there is one among those */
extern bool script_remark_cut(ScriptReader *reader, int offset, List *names);

/* Reads a script for the plan, whose notes about names that are cut are ours */
extern void script_read(ScriptReader *reader, const FkPlan *plan, const char *sql);

/*
 * Adds the steps that pass to the plan, and returns them (of PlanStep *); what
 * does not pass is remarked.
 */
extern List *script_add_steps(ScriptReader *reader, const FkPlan *plan);

/* The remarks, by their places, as notes of the plan (of PlanNote *); with a hint, the first problem is raised instead */
extern List *script_notes(ScriptReader *reader, const char *hint);

/* Is it one word, with the end of a file's name? */
extern bool script_is_file_name(const char *script);

/* Keep a step, which is in reader->context, of the current statement */
extern ScriptStep *script_keep(ScriptReader *reader, PlanStep *step, int location);

/* ---- script_change.c ---- */

/* The table of the current statement */
typedef struct ScriptTable
{
	RangeVar   *name;
	char	   *qualified;
	const char *unsupported;	/* why it can't have foreign keys, or NULL */
} ScriptTable;

/* REFERENCES of a column, with the attributes that come after it */
extern void script_read_column_keys(ScriptReader *reader, const ScriptTable *table, ColumnDef *column);
extern void script_add_key(ScriptReader *reader, const ScriptTable *table, Constraint *c);

/* Reads a command of ALTER TABLE, from token `from` to before `end`; returns false if it makes no step */
extern bool script_read_command(ScriptReader *reader, const ScriptTable *table, AlterTableCmd *cmd, int from, int end);
extern void script_read_index(ScriptReader *reader, IndexStmt *stmt);

/* Does ONLY make an index of a partitioned table without its partitions?  It means nothing for another table. */
extern bool script_leaves_partitions_out(const IndexStmt *stmt, const char *table);

/* CREATE TABLE without its keys, if the table is not there */
extern void script_read_table(ScriptReader *reader, const ScriptTable *table, CreateStmt *stmt);

/* ---- script_follow.c ---- */

/*
 * Carry over to the steps read so far (of ScriptStep *) what a statement does;
 * those of a command say whether they have found any.
 */
extern void script_follow_statement(List *steps, ScriptPath *path, Node *statement);
extern bool script_follow_command(List *steps, const char *table, AlterTableCmd *cmd);

/* Leaves out, and reports, the step that creates a table if a later command changes or attaches it in a way that no step has */
extern void script_follow_unread(List *steps, ScriptPath *path, const char *table, AlterTableCmd *cmd);

/* ---- script_add.c ---- */

/* The name of the table of an index that is here, or NULL */
extern char *script_table_of_index(Oid index);

/* ---- script_facts.c: what statements do ---- */

/* Words for the deed of a statement under its lock: a flag of the fact, which rules of lint look for */
#define DOES_BUILD			"builds"
#define DOES_REBUILD		"rebuilds"	/* with its indexes locked */
#define DOES_READ			"reads"
#define DOES_MAYBE_READ		"may read"	/* unless a CHECK spares that */
#define DOES_CHECK			"checks"	/* the rows against a foreign key */
#define DOES_REFUSE			"refuses"	/* not the statement: a CHECK, until
										 * then */
#define DOES_REWRITE		"rewrites"
#define DOES_MAYBE_REWRITE	"may rewrite"
#define DOES_COMPUTE		"computes"

/* A lock that others wait for, held for the longer the larger the table is */
typedef struct ScriptHold
{
	char	   *relation;		/* the table of the deed, qualified, or NULL:
								 * all that it is about */
	LOCKMODE	lock;			/* SHARE, or one that more waits for */
	const char *does;			/* meanwhile, one of the words above */
	const char *tables;			/* text of the tables that are locked, or
								 * NULL: that one alone */
	List	   *heirs;			/* names of tables that inherit from it, with
								 * which the same is done */
	List	   *ways;			/* statements that do the deed beforehand, of
								 * char *, or NIL */
	const char *undo;			/* statement that takes away the CHECK which
								 * refuses rows until the deed, or NULL */
} ScriptHold;

/* Returns the constraint of that name that ALTER TABLE adds itself, or NULL */
extern Constraint *script_added_constraint(const AlterTableStmt *statement, const char *name);

/* Returns such locks (of ScriptHold *) that a step which runs as it is written, or adds a column, takes on what it has not made */
extern List *script_holds(const PlanStep *step);

/* ---- script_hold.c ---- */

/* Returns "it holds SHARE on public.t while it builds an index: nobody can write there meanwhile" */
extern char *script_hold_text(const ScriptHold *hold);

/* Returns the way out for a step of a plan: steps that do the deed before, else a phase */
extern char *script_hold_hint(const ScriptHold *hold, const PlanStep *step);

/*
 * Returns the valid CHECK of a partition that spares the read of its rows for a
 * bound: inside, all of them are within it; else none is, of the default
 * partition.  If there is none, sets the condition of such a CHECK, or NULL if
 * that could run code of types.  Locks the table ACCESS SHARE.
 */
extern char *script_bound_check(Oid parent, Oid partition, PartitionBoundSpec *spec, bool inside, char **condition);

/*
 * Return what ATTACH PARTITION builds and checks on a table that is here: the
 * statements, of char *, that make its own of each index, or of each foreign
 * key, of the partitioned table that it lacks.
 */
extern List *script_missing_indexes(Oid whole, Oid partition);
extern List *script_missing_keys(Oid whole, Oid partition);

/* Returns the foreign keys of a table, at either end, that have a column of it; of FkKey * */
extern List *script_keys_of_column(Oid relid, const char *column);

/* Returns the other tables of the foreign keys of a table, at either end */
extern List *script_tied_tables(Oid relid);

/* Sets plan_holds_hook */
extern void script_hold_init(void);

/* ---- script_column.c ---- */

/* Effects of ALTER COLUMN TYPE on the rows of a table that is here */
typedef enum ScriptTypeChange
{
	TYPE_KEEPS_ROWS,
	TYPE_REWRITES,
	TYPE_MAY_REWRITE,			/* by USING, or casts of other types than the
								 * server's */
	TYPE_NO_CAST,				/* the statement fails */
	TYPE_NOT_HERE				/* there is no such column */
} ScriptTypeChange;

/* The name of a type; one that is not built-in as it is written, NULL for none */
extern char *script_type_text(const TypeName *name);

extern ScriptTypeChange script_type_change(Oid relid, const char *column, const ColumnDef *def);

/*
 * Sets what a new type that keeps the rows has the server do for what depends on
 * the column: read all rows for a CHECK again, or build an index anew.
 */
extern void script_type_redo(Oid relid, const char *column, const ColumnDef *def, bool *reads, bool *builds);

/* The integer type that a serial one stands for, or InvalidOid */
extern Oid	script_serial_type(const TypeName *name);

/* Has each row a value by itself when the column is added: of an identity, a sequence, or generated and stored? */
extern bool script_column_computes(const ColumnDef *column);

/*
 * Is the table written anew when the column is added?  default_apart: a volatile
 * default comes later, as in a step of that kind.
 */
extern bool script_column_rewrites(const ColumnDef *column, bool default_apart);

#endif							/* SG_SCRIPT_H */
