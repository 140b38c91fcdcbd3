/*-------------------------------------------------------------------------
 *
 * snapshot_property.h
 *	  Meaning of the kinds and properties of a snapshot's objects: the JSON
 *	  of a property, its comparison, the risk of a difference.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SNAPSHOT_PROPERTY_H
#define SG_SNAPSHOT_PROPERTY_H

#include "postgres.h"

#include "base/json.h"
#include "snapshot/snapshot.h"

/* Form of a property's JSON */
typedef enum PropertyForm
{
	FORM_STRING,
	FORM_BOOL,
	FORM_NUMBER,
	FORM_INTEGER,				/* of 32 bits */
	FORM_INTEGERS,				/* an array */
	FORM_STRINGS,				/* an array */
	FORM_HOLES,					/* array that may contain nulls */
	FORM_STRING_MAP,			/* object with values of one form */
	FORM_NUMBER_MAP,
	FORM_LIST_MAP,
	FORM_ACL_MAP,
	FORM_OBJECTS,				/* array of pairs: kind, identity */
	FORM_SEQUENCE				/* object of identity_sequence_properties */
} PropertyForm;

/*
 * Comparison of two values.  Texts that PostgreSQL has printed (the value, or
 * the elements of its array, or the values of its object) may differ and mean
 * the same.
 */
typedef enum PropertyCompare
{
	COMPARE_PLAIN,				/* as they are */
	COMPARE_EXPRESSION,			/* printed expression on the parent's columns,
								 * if it has any */
	COMPARE_DEFAULT,			/* printed default of a column or a domain */
	COMPARE_ARGUMENTS,			/* arguments of a function, printed with their
								 * defaults */
	COMPARE_QUERY,				/* printed statement */
	COMPARE_SQL_BODY,			/* printed RETURN or BEGIN ATOMIC */
	COMPARE_BODY,				/* source of a function */
	COMPARE_SEQUENCE,			/* sequence of an identity column */
	COMPARE_CLONE,				/* original of a partition's clone */
	COMPARE_COLUMNS,			/* column names of the parent */
	COMPARE_REFERENCED,			/* column names of the referenced table */
	COMPARE_OBJECT,				/* identity, or several in order */
	COMPARE_OBJECTS,			/* identities in any order */
	COMPARE_COSMETIC,			/* a difference is cosmetic */
	COMPARE_IGNORE
} PropertyCompare;

/* Risk of giving the target the reference's value */
typedef enum PropertyRisk
{
	RISK_OF_KIND,				/* blocking for a KIND_PART, else safe */
	RISK_SAFE,
	RISK_BLOCKING,
	RISK_LOSSY,					/* must be dropped and recreated, and columns
								 * use it */
	RISK_TYPE,					/* depends on the two types */
	RISK_DOMAIN,				/* like RISK_TYPE, through other columns'
								 * types */
	RISK_NOT_NULL,				/* blocking if NOT NULL is new */
	RISK_IDENTITY,				/* like RISK_NOT_NULL; lossy if the sequence
								 * is dropped */
	RISK_GENERATED,				/* lossy if a column has its own values */
	RISK_LABELS,				/* lossy if labels are dropped */
	RISK_ATTRIBUTES,			/* lossy unless attributes are only appended */
	RISK_TIMING,				/* safe for a foreign key, else blocking */
	RISK_STORED,				/* lossy for a materialized view */
	RISK_POPULATED,				/* blocking to fill, lossy to empty */
	RISK_TABLE					/* blocking; lossy if rows are elsewhere */
} PropertyRisk;

#define PROPERTY_REQUIRED	0x01	/* present in every object of the kind,
									 * even if not read in full */
#define PROPERTY_NULLABLE	0x02
#define PROPERTY_CORE		0x04	/* of a KIND_PART: part of its definition,
									 * which can't be altered in place */
#define PROPERTY_ASIDE		0x08	/* left out when an object is shown in
									 * short */
#define PROPERTY_FORMAT_2	0x10	/* missing in a snapshot of format 1,
									 * which is no difference */

typedef struct SnapshotProperty
{
	const char *name;
	PropertyForm form;
	PropertyCompare compare;
	PropertyRisk risk;
	int			flags;
	int			since;			/* first major that has it; missing before,
								 * which is no difference */
} SnapshotProperty;

/* Place of objects of a kind */
typedef enum KindPlace
{
	PLACE_NOWHERE,				/* without a parent */
	PLACE_WITHIN,				/* the identity is the parent's, a dot, and a
								 * name */
	PLACE_BESIDE,				/* parent is given apart from the identity */
	PLACE_ANYWHERE				/* with or without a parent */
} KindPlace;

#define KIND_RELATION	0x01	/* a table or a view */
#define KIND_PART		0x02	/* part of a table, built by reading its rows */
#define KIND_HOLDS_DATA 0x04	/* holds data, which is lost with the object */

typedef struct SnapshotKindRow
{
	const char *word;
	KindPlace	place;
	int			traits;
	const SnapshotProperty *properties;
	int			nproperties;
} SnapshotKindRow;

extern const SnapshotKindRow snapshot_kinds[];	/* indexed by SnapshotKind */

/* Returns why a JSON is not a valid environment of a database, or NULL */
extern char *snapshot_environment_problem(Jsonb *environment);

/* Opens the properties of an object for reading; readers raise 22023 for a member of another type */
extern void snapshot_properties(SgJson *whole, Jsonb *properties);

/* Returns a property of a kind; NULL if there is none */
extern const SnapshotProperty *snapshot_property(SnapshotKind kind, const char *name, int length);

#endif							/* SG_SNAPSHOT_PROPERTY_H */
