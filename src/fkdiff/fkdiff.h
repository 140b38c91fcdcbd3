/*-------------------------------------------------------------------------
 *
 * fkdiff.h
 *	  Shared by the files of fkdiff: the foreign keys of two sides.
 *
 * fkdiff.c is the functions and their rows, fkdiff_read.c reads one
 * side, fkdiff_rename.c finds other names, fkdiff_match.c pairs the keys of both, fkdiff_advice.c says
 * what to do about a pair.
 *
 * "Here" is the target, "there" the reference.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FKDIFF_H
#define SG_FKDIFF_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "base/nametable.h"
#include "drift/drift.h"
#include "plan/plan.h"

/* Unique columns that a key can reference */
typedef struct KeyUnique
{
	List	   *columns;		/* of char * */
	bool		period;			/* the last column is WITHOUT OVERLAPS */
} KeyUnique;

typedef enum KeyRenamed
{
	RENAMED_COLUMN,
	RENAMED_TABLE,
	RENAMED_SCHEMA
} KeyRenamed;

/* Object with another name in the target */
typedef struct KeyRename
{
	KeyRenamed	what;
	char	   *table;			/* for a column: the table's name in the
								 * reference */
	char	   *from;			/* name in the target; for a table in a
								 * renamed schema, its name after that is
								 * renamed */
	char	   *to;				/* name in the reference */
	char	   *evidence;
	bool		guess;			/* may be two different objects that look
								 * alike */
	bool		stated;			/* a migration renames it */
} KeyRename;

typedef struct KeyTable
{
	char	   *identity;
	bool		present;		/* the side has a table of that name */
	char	   *unknown;		/* why the table or one of its keys could not
								 * be read, or NULL */
	bool		partitioned;
	bool		inherited;		/* partition or inheritance child */
	bool		extension;
	List	   *columns;		/* of char * */
	List	   *uniques;		/* KeyUnique * */
	List	   *names;			/* names of all its constraints */
	char	   *called;			/* target only: the table's own name if it
								 * differs, or NULL */
	List	   *renames;		/* KeyRename *: renames of its schema and of
								 * itself */
} KeyTable;

/* Key of one side; its clauses are held by a plan step */
typedef struct SideKey
{
	PlanStep   *step;
	bool		validated;
	bool		period;
	bool		automatic;		/* the name was generated */
	char	   *triggers;		/* how its triggers are disabled, or NULL */
	char	   *properties;		/* properties in the snapshot */
	char	   *definition;
	char	   *name;			/* name after the migrations so far */
	bool		paired;
} SideKey;

typedef struct KeySide
{
	const char *name;			/* name of the snapshot, or "live" */
	const char *word;			/* "reference" or "target" */
	int			version;		/* server_version_num */
	List	   *schemas;		/* schemas covered; NIL: all */
	SgNameTable *tables;		/* KeyTable by identity */
	List	   *keys;			/* SideKey *, sorted by table and name */
} KeySide;

typedef enum KeyPresence
{
	KEY_TABLE_PRESENT,
	KEY_TABLE_MISSING,
	KEY_TABLE_UNKNOWN,			/* could not be read */
	KEY_TABLE_OUTSIDE			/* outside of the compared schemas */
} KeyPresence;

/* Status of a pair, in the order of the counts */
typedef enum KeyStatus
{
	KEY_COMMON,
	KEY_ONLY_REFERENCE,
	KEY_ONLY_TARGET,
	KEY_RENAMED,				/* a column was renamed */
	KEY_CHANGED,
	KEY_UNKNOWN
} KeyStatus;

#define KEY_STATUSES (KEY_UNKNOWN + 1)

/* Advice for a pair, in the order of a summary */
typedef enum KeyAdvice
{
	ADVICE_NONE,
	ADVICE_ADD_HERE,
	ADVICE_ADD_THERE,
	ADVICE_CHANGE_HERE,
	ADVICE_VALIDATE_HERE,
	ADVICE_VALIDATE_THERE,
	ADVICE_RENAME,
	ADVICE_DROP,
	ADVICE_IGNORE
} KeyAdvice;

#define KEY_ADVICES (ADVICE_IGNORE + 1)

typedef struct KeyPair
{
	KeyStatus	status;
	SideKey    *reference;		/* one of the two may be NULL */
	SideKey    *target;
	SideKey    *twin;			/* key of the same side that this one
								 * duplicates */
	List	   *renames;		/* of KeyRename * */
	List	   *differences;	/* char *: names of properties */

	KeyAdvice	advice;
	char	   *reason;
	DriftRisk	risk;
	const char *run_on;			/* side that the migration is for, or NULL */
	char	   *deeds;			/* deeds of the migration as sync_write()
								 * takes them, or NULL */
	char	   *migration;		/* text of the migration, by sync_write() */
	char	   *beside;			/* name of the new key that replaces the
								 * target's, or NULL */
	bool		takes_name;		/* the new key gets the old one's name in the
								 * end */
} KeyPair;

/* Pairs of keys of one child table */
typedef struct KeyTablePair
{
	char	   *identity;
	List	   *pairs;			/* KeyPair * */
} KeyTablePair;

typedef struct KeyComparison
{
	KeySide		reference;
	KeySide		target;
	List	   *tables;			/* KeyTablePair *, sorted by identity */
	List	   *columns;		/* KeyRename *: renamed columns, found by
								 * sg_drift() */
	List	   *renames;		/* KeyRename *: renames that concern a key,
								 * each once */
} KeyComparison;

/* ---- fkdiff_read.c ---- */

/*
 * Reads both sides, each a stored snapshot or "live", in the schemas that both
 * cover.  Raises snapshot_open()'s errors, and 22023 if there is no such
 * schema.
 */
extern void fkdiff_read(KeyComparison *comparison, const char *reference, const char *target);

/* Returns the entry of a table, or NULL if the side does not know the table */
extern KeyTable *fkdiff_table(const KeySide *side, const char *identity);
extern KeyPresence fkdiff_presence(const KeySide *side, const char *identity);

/* Compares two SideKey * by table and name */
extern int	fkdiff_compare_keys(const ListCell *a, const ListCell *b);

/* ---- fkdiff_rename.c ---- */

/*
 * Gives tables of the target the reference's names if sg_drift() takes both for
 * the same table, and records renamed columns.  Reads both sides in full if a
 * table or column of a key is missing on one of them.
 */
extern void fkdiff_rename(KeyComparison *comparison);

/* Returns the name that a table has until the migrations rename it */
extern const char *fkdiff_called(const KeySide *side, const char *identity);

/* ---- fkdiff_match.c ---- */

/* Pairs the keys: fills tables and renames, and each pair up to its differences */
extern void fkdiff_match(KeyComparison *comparison);

/* ---- fkdiff_advice.c ---- */

/*
 * Fills in the rest of a pair: advice, reason, migration.  Called in the order
 * of the rows, because pairs share statements.
 */
extern void fkdiff_advise(KeyComparison *comparison, KeyPair *pair);

#endif							/* SG_FKDIFF_H */
