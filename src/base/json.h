/*-------------------------------------------------------------------------
 *
 * json.h
 *	  The reader of JSON documents.
 *
 * Documents come from anywhere.  Each value is read by a function that names
 * the type it must have; any other type raises 22023, and the detail says
 * where in the document the value is, such as objects[3].properties.checksum.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_JSON_H
#define SG_JSON_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "base/compat.h"

/*
 * Value of a document.  It points into the document and to the value that
 * contains it, which must live as long.
 */
typedef struct SgJson
{
	const struct SgJson *above; /* NULL: the whole document */
	const char *name;			/* name of a member, NULL for an element; for
								 * the whole, the document's name in errors */
	const char *hint;			/* for the whole: hint of errors, or NULL */
	uint32		index;			/* index of an element */
	JsonbValue	value;
} SgJson;

/* Iterator over the members of an object, in jsonb's order */
typedef struct SgJsonMembers
{
	const SgJson *object;
	JsonbIterator *it;
} SgJsonMembers;

extern void sg_json_begin(SgJson *whole, Jsonb *document, const char *name, const char *hint);

/* ---- parts; 22023 where the value is no object or no array ---- */

/* Finds a member, which may be null; returns false if it is absent */
extern bool sg_json_find(const SgJson *object, const char *name, SgJson *member);

/* Returns whether there is a member of that name, null included */
extern bool sg_json_has(const SgJson *object, const char *name);

/* Finds a member; raises 22023 if it is absent */
extern void sg_json_get(const SgJson *object, const char *name, SgJson *member);

extern void sg_json_members(SgJsonMembers *members, const SgJson *object);
extern bool sg_json_next(SgJsonMembers *members, SgJson *member);
extern uint32 sg_json_size(const SgJson *array);

/* Gets an element; raises 22023 if the array has fewer */
extern void sg_json_element(const SgJson *array, uint32 i, SgJson *element);

/* ---- values; 22023 for one of another type ---- */

extern bool sg_json_is_null(const SgJson *json);
extern char *sg_json_text(const SgJson *json);
extern bool sg_json_bool(const SgJson *json);
extern int64 sg_json_integer(const SgJson *json, int64 smallest, int64 largest);
extern double sg_json_float8(const SgJson *json);
extern List *sg_json_texts(const SgJson *json); /* of char * */
extern Jsonb *sg_json_object(const SgJson *json);

/*
 * Read a member of that type; raise 22023 if it is absent. sg_json_find_*:
 * NULL, or the given default, if it is absent or null.
 */
extern char *sg_json_get_text(const SgJson *object, const char *name);
extern char *sg_json_find_text(const SgJson *object, const char *name);
extern bool sg_json_find_bool(const SgJson *object, const char *name, bool absent);

/* Returns a scalar as text, a container as JSON; NULL for null */
extern char *sg_json_scalar(const JsonbValue *value);

/* ---- errors ---- */

/* Raises 22023 about a value; the format says what is wrong ("must be ...") */
pg_noreturn extern void sg_json_refuse(const SgJson *json, const char *format,...) pg_attribute_printf(2, 3);

#endif							/* SG_JSON_H */
