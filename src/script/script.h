/*-------------------------------------------------------------------------
 *
 * script.h
 *	  A migration script: its statements, what its names mean, and the keys
 *	  that it adds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SCRIPT_H
#define SG_SCRIPT_H

#include "plan/plan.h"

struct Node;
struct RangeVar;

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

/* Byte offset of the place that an error of scanner or parser is about, or 0 */
extern int	script_error_offset(const char *sql, const ErrorData *error);

/* ---- script_path.c ---- */

/* Where unqualified names lead at the current place of a script */
typedef struct ScriptPath ScriptPath;

/* Starts with the search_path of the caller */
extern ScriptPath *script_path_begin(void);

/* Follow what a parsed statement does to the search_path, if anything */
extern void script_path_follow(ScriptPath *path, struct Node *statement);

/* The table that a name means, as qualified name; it need not exist */
extern char *script_path_table(ScriptPath *path, const struct RangeVar *name);

/* The one that CREATE TABLE makes; later names may mean it */
extern char *script_path_new_table(ScriptPath *path, const struct RangeVar *name);

/* CREATE SCHEMA makes it, and looks there first for its own elements */
extern void script_path_enter_schema(ScriptPath *path, const char *schema);
extern void script_path_leave_schema(ScriptPath *path);

/* The table that DROP TABLE means; later names do not mean it */
extern char *script_path_drop_table(ScriptPath *path, const struct RangeVar *name);

/* Is it a temporary table of the script's? */
extern bool script_path_is_temporary(const char *qualified);

/* ---- script_follow.c ---- */

/* A key that a script adds */
typedef struct ScriptKey
{
	PlanStep   *step;			/* fk_name may be NULL */
	int			offset;			/* in the script */
	bool		gone;			/* a later statement drops it */
} ScriptKey;

/* Carry over to the keys read so far (of ScriptKey *) what a statement does */
extern void script_follow_statement(List *keys, ScriptPath *path, struct Node *statement);
extern void script_follow_drop_constraint(List *keys, const char *table, const char *name);
extern void script_follow_alter_constraint(List *keys, const char *table, struct Node *def);
extern void script_follow_drop_column(List *keys, const char *table, const char *column);

#endif							/* SG_SCRIPT_H */
