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

/* Columns that a key can refer to */
typedef struct KeyUnique
{
	List	   *columns;		/* of char * */
	bool		period;			/* the last one WITHOUT OVERLAPS */
} KeyUnique;

typedef enum KeyRenamed
{
	RENAMED_COLUMN,
	RENAMED_TABLE,
	RENAMED_SCHEMA
} KeyRenamed;

/* Object that the target calls otherwise */
typedef struct KeyRename
{
	KeyRenamed	what;
	char	   *table;			/* of a column: the reference's name */
	char	   *from;			/* the target's name; of a table in a renamed
								 * schema, once that has its name */
	char	   *to;				/* the reference's */
	char	   *evidence;
	bool		guess;			/* they may be two things that look alike */
	bool		stated;			/* a migration does it */
} KeyRename;

typedef struct KeyTable
{
	char	   *identity;
	bool		present;		/* a table of that name was found */
	char	   *unknown;		/* why it, or a key of it, could not be read;
								 * or NULL */
	bool		partitioned;
	bool		inherited;		/* a partition or an inheritance child */
	bool		extension;
	List	   *columns;		/* of char * */
	List	   *uniques;		/* of KeyUnique * */
	List	   *names;			/* of all its constraints */
	char	   *called;			/* of the target: its own name, where that is
								 * another one; or NULL */
	List	   *renames;		/* of KeyRename *: of its schema, of itself */
} KeyTable;

/* Key of one side; the clauses are a step's */
typedef struct SideKey
{
	PlanStep   *step;
	bool		validated;
	bool		period;
	bool		automatic;		/* nobody chose the name */
	char	   *triggers;		/* how they are switched off, or NULL */
	char	   *properties;		/* as the snapshot has them */
	char	   *definition;
	char	   *name;			/* once the migrations so far have run */
	bool		paired;
} SideKey;

typedef struct KeySide
{
	const char *name;			/* of the snapshot, or "live" */
	const char *word;			/* "reference" or "target" */
	int			version;		/* server_version_num */
	List	   *schemas;		/* it covers; NIL: all */
	SgNameTable *tables;		/* of KeyTable, by identity */
	List	   *keys;			/* of SideKey *, by table and name */
} KeySide;

typedef enum KeyPresence
{
	KEY_TABLE_PRESENT,
	KEY_TABLE_MISSING,
	KEY_TABLE_UNKNOWN,			/* could not be read */
	KEY_TABLE_OUTSIDE			/* of the schemas that are compared */
} KeyPresence;

/* In the order of the counts; what a pair is */
typedef enum KeyStatus
{
	KEY_COMMON,
	KEY_ONLY_REFERENCE,
	KEY_ONLY_TARGET,
	KEY_RENAMED,				/* a column has another name */
	KEY_CHANGED,
	KEY_UNKNOWN
} KeyStatus;

#define KEY_STATUSES (KEY_UNKNOWN + 1)

/* Advice for a pair, in the order in which a summary names it */
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
	SideKey    *twin;			/* of the same side: this is its duplicate */
	List	   *renames;		/* of KeyRename * */
	List	   *differences;	/* of char *, names of properties */

	KeyAdvice	advice;
	char	   *reason;
	DriftRisk	risk;
	const char *run_on;			/* where the migration is for, or NULL */
	char	   *deeds;			/* what that does, or NULL, as sync_write()
								 * takes it ... */
	char	   *migration;		/* ... and gives it */
	char	   *beside;			/* the name of the key that it makes in place
								 * of the target's, or NULL ... */
	bool		takes_name;		/* ... whose name that gets in the end */
} KeyPair;

/* The keys of one child table */
typedef struct KeyTablePair
{
	char	   *identity;
	List	   *pairs;			/* of KeyPair * */
} KeyTablePair;

typedef struct KeyComparison
{
	KeySide		reference;
	KeySide		target;
	List	   *tables;			/* of KeyTablePair *, by identity */
	List	   *columns;		/* of KeyRename *: those that sg_drift() finds */
	List	   *renames;		/* of KeyRename *, each once, that a key has */
} KeyComparison;

/* ---- fkdiff_read.c ---- */

/*
 * Read both sides, each a stored snapshot or "live", in the schemas that both
 * cover.  Raises as snapshot_open() does, and 22023 when there is no such
 * schema.
 */
extern void fkdiff_read(KeyComparison *comparison, const char *reference, const char *target);

/* The entry of a table, or NULL when the side has not seen it */
extern KeyTable *fkdiff_table(const KeySide *side, const char *identity);
extern KeyPresence fkdiff_presence(const KeySide *side, const char *identity);

/* By table and name */
extern int	fkdiff_compare_keys(const ListCell *a, const ListCell *b);

/* ---- fkdiff_rename.c ---- */

/*
 * Give tables of the target the reference's names, if both are one table as
 * sg_drift() sees it, and note its renamed columns.  Reads both sides again
 * where a name of a key is not on both.
 */
extern void fkdiff_rename(KeyComparison *comparison);

/* Returns the name that a table has until the migrations rename it */
extern const char *fkdiff_called(const KeySide *side, const char *identity);

/* ---- fkdiff_match.c ---- */

/* Pair the keys: fills tables and renames, each pair up to its differences */
extern void fkdiff_match(KeyComparison *comparison);

/* ---- fkdiff_advice.c ---- */

/* Fill in the rest of a pair, up to what is to be done; in the order of the rows, since they share statements */
extern void fkdiff_advise(KeyComparison *comparison, KeyPair *pair);

#endif							/* SG_FKDIFF_H */
