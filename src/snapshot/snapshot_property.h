/*-------------------------------------------------------------------------
 *
 * snapshot_property.h
 *	  What the kinds and properties of a snapshot's objects mean: what JSON
 *	  a property may be, how it is compared, what a difference costs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SNAPSHOT_PROPERTY_H
#define SG_SNAPSHOT_PROPERTY_H

#include "postgres.h"

#include "base/json.h"
#include "snapshot/snapshot.h"

/* The JSON that a property may be */
typedef enum PropertyForm
{
	FORM_STRING,
	FORM_BOOL,
	FORM_NUMBER,
	FORM_INTEGER,				/* of 32 bits */
	FORM_INTEGERS,				/* an array */
	FORM_STRINGS,				/* an array */
	FORM_HOLES,					/* an array, where null stands for nothing */
	FORM_STRING_MAP,			/* an object, and what its values are */
	FORM_NUMBER_MAP,
	FORM_LIST_MAP,
	FORM_ACL_MAP,
	FORM_OBJECTS,				/* an array of pairs: kind, identity */
	FORM_SEQUENCE				/* an object of identity_sequence_properties */
} PropertyForm;

/*
 * How two values are compared.  Where it is text that PostgreSQL has printed
 * (the value, or the elements of its array or the values of its object), two
 * texts may differ and mean the same.
 */
typedef enum PropertyCompare
{
	COMPARE_PLAIN,				/* as they are */
	COMPARE_EXPRESSION,			/* printed, of the parent's columns, if it has
								 * any */
	COMPARE_DEFAULT,			/* the same, of a column or a domain */
	COMPARE_ARGUMENTS,			/* of a function, printed with their defaults */
	COMPARE_QUERY,				/* a whole statement, printed */
	COMPARE_SQL_BODY,			/* RETURN or BEGIN ATOMIC, printed */
	COMPARE_BODY,				/* the source of a function */
	COMPARE_SEQUENCE,			/* of an identity column */
	COMPARE_CLONE,				/* what a partition's part is a clone of */
	COMPARE_COLUMNS,			/* names of columns of the parent */
	COMPARE_REFERENCED,			/* names of columns of the table referred to */
	COMPARE_OBJECT,				/* an identity, or several in order */
	COMPARE_OBJECTS,			/* identities in any order */
	COMPARE_COSMETIC,			/* a difference is one of looks */
	COMPARE_IGNORE
} PropertyCompare;

/* Cost of giving the target the reference's value */
typedef enum PropertyRisk
{
	RISK_OF_KIND,				/* blocking for a KIND_PART, else safe */
	RISK_SAFE,
	RISK_BLOCKING,
	RISK_LOSSY,					/* it has to be dropped and made again, and
								 * columns use it */
	RISK_TYPE,					/* as the two types say */
	RISK_DOMAIN,				/* the same, through other columns' types */
	RISK_NOT_NULL,				/* blocking where NOT NULL is new */
	RISK_IDENTITY,				/* the same; lossy where the sequence goes */
	RISK_GENERATED,				/* lossy where a column has its own values */
	RISK_LABELS,				/* lossy where labels go away */
	RISK_ATTRIBUTES,			/* lossy but where some are appended */
	RISK_TIMING,				/* safe for a foreign key, else blocking */
	RISK_STORED,				/* lossy for a materialized view */
	RISK_POPULATED,				/* blocking to fill, lossy to empty */
	RISK_TABLE					/* blocking, lossy where rows are elsewhere */
} PropertyRisk;

#define PROPERTY_REQUIRED	0x01	/* in every object of the kind, read in
									 * full or not */
#define PROPERTY_NULLABLE	0x02
#define PROPERTY_CORE		0x04	/* of a KIND_PART: what it is, rather than
									 * what can be altered in place */
#define PROPERTY_ASIDE		0x08	/* not told of an object that is shown in
									 * short */
#define PROPERTY_FORMAT_2	0x10	/* a snapshot of format 1 has none, and
									 * that is no difference */

typedef struct SnapshotProperty
{
	const char *name;
	PropertyForm form;
	PropertyCompare compare;
	PropertyRisk risk;
	int			flags;
	int			since;			/* a server before has none, and that is no
								 * difference */
} SnapshotProperty;

/* Where objects of a kind are */
typedef enum KindPlace
{
	PLACE_NOWHERE,				/* without a parent */
	PLACE_WITHIN,				/* the identity is the parent's, a dot, and a
								 * name */
	PLACE_BESIDE,				/* the parent is another object's */
	PLACE_ANYWHERE				/* there may be a parent */
} KindPlace;

#define KIND_RELATION	0x01	/* a table or a view */
#define KIND_PART		0x02	/* of a table, built by reading its rows */
#define KIND_HOLDS_DATA 0x04	/* which goes when the object goes */

typedef struct SnapshotKindRow
{
	const char *word;
	KindPlace	place;
	int			traits;
	const SnapshotProperty *properties;
	int			nproperties;
} SnapshotKindRow;

extern const SnapshotKindRow snapshot_kinds[];	/* by SnapshotKind */

/* Returns the reason why the JSON is no environment of a database, or NULL */
extern char *snapshot_environment_problem(Jsonb *environment);

/* The properties of an object, for reading: 22023 for one of another type than it is read as */
extern void snapshot_properties(SgJson *whole, Jsonb *properties);

/* NULL: objects of this kind have no such property */
extern const SnapshotProperty *snapshot_property(SnapshotKind kind, const char *name, int length);

#endif							/* SG_SNAPSHOT_PROPERTY_H */
