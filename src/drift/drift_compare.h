/*-------------------------------------------------------------------------
 *
 * drift_compare.h
 *	  What the parts of a comparison share.
 *
 * The two streams of objects are merged; what agrees is forgotten at once.
 * What is on one side only, and what differs, is kept until the end, since a
 * rename found last explains differences seen first: the memory of a
 * comparison is that of its differences.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DRIFT_COMPARE_H
#define SG_DRIFT_COMPARE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "base/nametable.h"
#include "drift/drift.h"
#include "drift/drift_pairs.h"
#include "expression/expression.h"
#include "snapshot/snapshot_property.h"

typedef enum DriftSide
{
	DRIFT_REFERENCE,
	DRIFT_TARGET
} DriftSide;

/* An object that only one side has, at first sight */
typedef struct DriftObject
{
	DriftSide	side;
	SnapshotKind kind;
	char	   *identity;
	char	   *parent;
	Jsonb	   *properties;
	Oid			oid;			/* in its database, of a column its table's;
								 * InvalidOid: not known */
	char	   *unknown;		/* why it could not be read, or NULL */
	struct DriftObject *partner;	/* what it is called on the other side */
	struct DriftObject *within; /* an object on the same side that explains it */
	bool		automatic_pair; /* partner found by structure, and a name of
								 * the two is PostgreSQL's choice */
	bool		guessed;		/* partner found as the likeliest of several */
	char	   *perhaps;		/* what else it may be, in the reference,
								 * where that has another partner */
	double		score;			/* of the partner; 1 when it is certain */
	char	   *evidence;		/* for the partner, or about candidates */
	List	   *candidates;		/* for partner, while renames are sought */
	List	   *folded;			/* of DriftObject *: what it explains */
} DriftObject;

/* A property that differs, as far as text can tell */
typedef struct DriftChange
{
	SnapshotKind kind;
	char	   *identity;		/* in the reference */
	char	   *target_identity;
	char	   *parent;			/* in the reference */
	char	   *target_parent;
	const SnapshotProperty *property;
	Jsonb	   *expected;		/* NULL: the property is not there */
	Jsonb	   *actual;
	Jsonb	   *reference;		/* all properties of both sides */
	Jsonb	   *target;
	char	   *reason;			/* said about the comparison */
} DriftChange;

typedef struct DriftComparison
{
	const SnapshotInfo *info[2];
	bool		live;			/* is the target this database? */
	Oid		   *tables;			/* of the reference, sorted, if that was taken
								 * of this database */
	uint64		ntables;
	bool		cosmetic;
	bool		keep_same;		/* are pairs wanted that are the same? */
	DriftRenames renames;		/* with keep_same */
	SgNameTable *refused;		/* what somebody says to be two objects, by
								 * kind; NULL: not read yet */
	uint8		digest[SNAPSHOT_CHECKSUM_LENGTH];	/* of this database, with
													 * keep_same */
	List	   *same;			/* of DriftPair *: those */
	SgNameTable *apart;			/* tables that are to be two pairs, or NULL */
	bool		knows_apart;	/* from a first look */
	SgNameTable *same_key;		/* of these, tables whose keys of partitioning
								 * differ by names of columns alone */
	SgNameTable *computed;		/* tables with generated columns, or NULL */
	List	   *objects[2];		/* of DriftObject *, by side, in order */
	SgNameTable *by_name[2];	/* the same by kind and identity */
	List	   *changes;		/* of DriftChange * */
	List	   *names;			/* of DriftName *: what is renamed */
	SgNameTable *new_names;		/* the same by table or "" and old name */
	SgNameTable *used_types;	/* types of columns that differ, in the target */
	List	   *rows;			/* of DriftRow * */
} DriftComparison;

/* drift_compare.c */
extern void drift_run(DriftComparison *c, const char *reference, const char *target, List *schemas,
					  void (*finish) (DriftComparison *c, void *arg), void *arg);

/* Pairs schemas, tables, columns and sequences that are called something else, and what belongs to them */
extern void drift_find_renamed(DriftComparison *c);

/* drift_pairs.c */
extern void drift_keep_same(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b);
extern bool drift_keep_apart(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b); /* taken as two? */

/* drift_property.c */
extern const SnapshotProperty drift_parent_property;
extern const SnapshotProperty *drift_property(SnapshotKind kind, const JsonbValue *key);
extern List *drift_differences(DriftComparison *c, const SnapshotObject *reference, const SnapshotObject *target);
extern bool drift_same_value(DriftComparison *c, DriftChange *change);
extern char *drift_string(Jsonb *properties, const char *key);	/* NULL: not there */
extern bool drift_flag(Jsonb *properties, const char *key);
extern List *drift_elements(Jsonb *array);	/* as texts, nulls as NULL */
extern List *drift_strings(Jsonb *properties, const char *key); /* of an array */
extern double drift_number(Jsonb *properties, const char *key);
extern Jsonb *drift_value(Jsonb *properties, const char *key);
extern char *drift_text(Jsonb *value);	/* as a user reads it */

/* ---- drift_name.c ---- */

/* An identity without its schema, and the schema, as printed; NULL: it has none */
extern char *drift_within_schema(const char *identity);
extern char *drift_schema(const char *identity);

/* From now on, an old name in the reference is a new one in the target: name, and schema.name of two objects */
extern void drift_add_name(DriftComparison *c, DriftName *name);
extern void drift_add_object_name(DriftComparison *c, const DriftObject *reference, const DriftObject *target);

/*
 * Translate to the target's names, or return the argument unchanged: an
 * identity, a schema, a column of a table, all names in a text
 */
extern char *drift_new_identity(DriftComparison *c, char *identity);
extern char *drift_new_schema(DriftComparison *c, char *schema);
extern char *drift_new_column(DriftComparison *c, const char *table, char *column);
extern char *drift_new_text(DriftComparison *c, char *text);

/* Do the values of a change differ by nothing but names? */
extern bool drift_same_renamed(DriftComparison *c, const DriftChange *change);

/* drift_match.c */
extern DriftObject *drift_find(DriftComparison *c, DriftSide side, SnapshotKind kind, const char *identity);
extern DriftObject *drift_parent(DriftComparison *c, const DriftObject *object);
extern List *drift_pair_differences(DriftComparison *c, DriftObject *reference, DriftObject *target);
extern void drift_pair(DriftComparison *c, DriftObject *reference, DriftObject *target, double score, char *evidence);
extern void drift_match_automatic(DriftComparison *c);
extern void drift_match_children(DriftComparison *c);
extern void drift_match_same_names(DriftComparison *c);
extern void drift_fold(DriftComparison *c);
extern char *drift_name(const char *identity);	/* its last part, not quoted */
extern char *drift_local_name(const DriftObject *object);
extern bool drift_has_trait(SnapshotKind kind, int trait);

/* ---- drift_here.c ---- */

typedef enum DriftAge
{
	DRIFT_AGELESS,				/* not known */
	DRIFT_OLDER,				/* was there when the reference was taken */
	DRIFT_NEWER
} DriftAge;

/*
 * The target is this database: if the stored reference, which has this name,
 * was taken of it, fill c->tables
 */
extern void drift_look_here(DriftComparison *c, const char *name);

/*
 * Does an OID mean one object on both sides?  Both are this database, now or
 * when a snapshot was taken here, not elsewhere and brought here, on one
 * timeline: a copy of a database gives the OIDs that follow to objects of its
 * own.
 */
extern bool drift_one_history(DriftComparison *c);

/* Returns the age of a table of the target */
extern DriftAge drift_table_age(DriftComparison *c, const char *table);

/* Returns the present name of the column of each number, NULL for a dropped one; NIL if they are not known. */
extern List *drift_column_fates(DriftComparison *c, const char *table);

/* drift_rename.c, drift_rename_column.c */
extern void drift_find_renamed_schemas(DriftComparison *c);
extern void drift_find_renamed_tables(DriftComparison *c);
extern void drift_find_renamed_columns(DriftComparison *c);

/* drift_move.c */
extern void drift_find_moved(DriftComparison *c);
extern void drift_match_sequences(DriftComparison *c);

/* drift_class.c */
extern DriftVerdict drift_body_verdict(const DriftChange *change);
extern void drift_report(DriftComparison *c);

/* drift_risk.c: what making the target the reference takes */
extern DriftRisk drift_risk_of_making(const DriftObject *object);
extern DriftRisk drift_risk_of_dropping(DriftComparison *c, const DriftObject *object);
extern DriftRisk drift_risk_of_changing(const DriftChange *change);

/* ---- drift_ddl.c ---- */

/*
 * Append to the details of rows (of DriftRow *) the last command that the log
 * has about each object, or else about its table, as far as the caller may
 * see it.
 */
extern void drift_name_ddl(List *rows);

/* ---- drift_planned.c ---- */

/* Gives rows that steps of plans have made since the reference was taken, here, a class of their own */
extern void drift_mark_planned(DriftComparison *c);

#endif							/* SG_DRIFT_COMPARE_H */
