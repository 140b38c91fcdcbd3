/*-------------------------------------------------------------------------
 *
 * drift_compare.h
 *	  Declarations that the parts of a comparison share.
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

/* Object that only one side has by its identity */
typedef struct DriftObject
{
	DriftSide	side;
	SnapshotKind kind;
	char	   *identity;
	char	   *parent;
	Jsonb	   *properties;
	Oid			oid;			/* OID in its database, for a column that of
								 * its table; InvalidOid: unknown */
	char	   *unknown;		/* why it could not be read, or NULL */
	struct DriftObject *partner;	/* the same object under another name on
									 * the other side */
	struct DriftObject *within; /* object of the same side that explains it */
	bool		automatic_pair; /* partner found by structure, and one of the
								 * two names is generated */
	bool		guessed;		/* partner is the likeliest of several */
	char	   *perhaps;		/* object of the reference that it may be
								 * instead, which has another partner */
	double		score;			/* score of the partner; 1: certain */
	char	   *evidence;		/* evidence for the partner, or about
								 * candidates */
	List	   *candidates;		/* candidates for the partner, during the
								 * search for renames */
	List	   *folded;			/* DriftObject *: objects that it explains */
} DriftObject;

/* Property whose texts differ */
typedef struct DriftChange
{
	SnapshotKind kind;
	char	   *identity;		/* as in the reference */
	char	   *target_identity;
	char	   *parent;			/* as in the reference */
	char	   *target_parent;
	const SnapshotProperty *property;
	Jsonb	   *expected;		/* values; NULL: the property is missing */
	Jsonb	   *actual;
	Jsonb	   *reference;		/* all properties of both sides */
	Jsonb	   *target;
	char	   *reason;			/* remark about the comparison */
} DriftChange;

typedef struct DriftComparison
{
	const SnapshotInfo *info[2];
	bool		live;			/* the target is this database */
	Oid		   *tables;			/* OIDs of the reference's tables, sorted, if
								 * it was taken of this database */
	uint64		ntables;
	bool		cosmetic;
	bool		keep_same;		/* whether equal pairs are wanted */
	DriftRenames renames;		/* with keep_same */
	SgNameTable *refused;		/* refused renames by kind; NULL: not read yet */
	uint8		digest[SNAPSHOT_CHECKSUM_LENGTH];	/* digest of this
													 * database, with
													 * keep_same */
	List	   *same;			/* DriftPair *: equal pairs */
	SgNameTable *apart;			/* tables that are different objects on both
								 * sides, or NULL */
	bool		knows_apart;	/* apart is known from a first pass */
	SgNameTable *same_key;		/* tables of `apart` whose partition keys
								 * differ only by names of columns */
	SgNameTable *computed;		/* tables with generated columns, or columns
								 * of users' types, or NULL */
	List	   *objects[2];		/* DriftObject *, by side, in order */
	SgNameTable *by_name[2];	/* these by kind and identity */
	List	   *changes;		/* DriftChange * */
	List	   *names;			/* DriftName *: renames */
	SgNameTable *new_names;		/* renames by table or "" and old name */
	SgNameTable *used_types;	/* types of differing columns of the target */
	List	   *rows;			/* DriftRow * */
} DriftComparison;

/* drift_compare.c */
extern void drift_run(DriftComparison *c, const char *reference, const char *target, List *schemas,
					  void (*finish) (DriftComparison *c, void *arg), void *arg);

/* Pairs renamed schemas, tables, columns and sequences, and the objects that belong to them */
extern void drift_find_renamed(DriftComparison *c);

/* drift_left_out.c */
extern void drift_take_left_out(DriftComparison *c);	/* makes differences in
														 * objects unknown that
														 * a replay left out */

/* drift_pairs.c */
extern void drift_keep_same(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b);
extern bool drift_keep_apart(DriftComparison *c, const SnapshotObject *a, const SnapshotObject *b); /* returns whether the
																									 * table is taken as two
																									 * objects */

/* drift_property.c */
extern const SnapshotProperty drift_parent_property;
extern const SnapshotProperty *drift_property(SnapshotKind kind, const JsonbValue *key);
extern List *drift_differences(DriftComparison *c, const SnapshotObject *reference, const SnapshotObject *target);
extern bool drift_same_value(DriftComparison *c, DriftChange *change);
extern char *drift_string(Jsonb *properties, const char *key);	/* NULL: missing */
extern bool drift_flag(Jsonb *properties, const char *key);
extern List *drift_elements(Jsonb *array);	/* elements as texts, nulls as
											 * NULL */
extern List *drift_strings(Jsonb *properties, const char *key); /* of an array */
extern double drift_number(Jsonb *properties, const char *key);
extern Jsonb *drift_value(Jsonb *properties, const char *key);
extern char *drift_text(Jsonb *value);	/* text for users */

/* ---- drift_name.c ---- */

/* Return an identity without its schema, and its schema as printed; NULL if it has none */
extern char *drift_within_schema(const char *identity);
extern char *drift_schema(const char *identity);

/*
 * Register that a name in the reference is another one in the target: name, and
 * schema.name of two objects
 */
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

/* Returns whether the values of a change differ only by renamed objects */
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
extern char *drift_name(const char *identity);	/* returns the last part of an
												 * identity, not quoted */
extern char *drift_local_name(const DriftObject *object);
extern bool drift_has_trait(SnapshotKind kind, int trait);

/* ---- drift_here.c ---- */

typedef enum DriftAge
{
	DRIFT_AGELESS,				/* not known */
	DRIFT_OLDER,				/* existed when the reference was taken */
	DRIFT_NEWER
} DriftAge;

/*
 * Fills c->tables if the stored reference of this name was taken of this
 * database, which is the target
 */
extern void drift_look_here(DriftComparison *c, const char *name);

/*
 * Returns whether an OID denotes the same object on both sides.  Both must be
 * this database, now or when a snapshot was taken here (not imported), on one
 * timeline: a copy of a database assigns the following OIDs to objects of its
 * own.
 */
extern bool drift_one_history(DriftComparison *c);

/* Returns whether a snapshot was taken in this database, and not in another one or imported */
extern bool drift_taken_here(const SnapshotInfo *info);

/* Returns the age of a table of the target */
extern DriftAge drift_table_age(DriftComparison *c, const char *table);

/* Returns the present name of each column number, NULL for a dropped one; NIL if unknown. */
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

/* drift_risk.c: risk of making the target equal the reference */
extern DriftRisk drift_risk_of_making(const DriftObject *object);
extern DriftRisk drift_risk_of_dropping(DriftComparison *c, const DriftObject *object);
extern DriftRisk drift_risk_of_changing(const DriftChange *change);

/* ---- drift_ddl.c ---- */

/*
 * Appends to the details of rows (DriftRow *) the last logged command about the
 * object, or else about its table, as far as the caller may see it.
 */
extern void drift_name_ddl(List *rows);

/* Appends likewise the migration file that names the object of either snapshot last */
extern void drift_name_files(DriftComparison *c);

/* ---- drift_planned.c ---- */

/* Sets class planned for rows that plan steps have made since the reference was taken in this database */
extern void drift_mark_planned(DriftComparison *c);

#endif							/* SG_DRIFT_COMPARE_H */
