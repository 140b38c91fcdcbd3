/*-------------------------------------------------------------------------
 *
 * name.h
 *	  Names that are made of other names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_NAME_H
#define SG_NAME_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "base/words.h"

/* Kinds of objects that get a name, each with its catalog of used names */
typedef enum SgNameKind
{
	SG_NAME_RELATION,
	SG_NAME_TYPE,
	SG_NAME_FUNCTION,
	SG_NAME_CONSTRAINT,
	SG_NAME_TRIGGER,
	SG_NAME_COLUMN
} SgNameKind;

/* Words of these kinds in SQL */
extern const SgWord sg_name_words[];

/* Returns whether names of this kind are unique within a schema; otherwise within a table */
extern bool sg_name_is_schemas(SgNameKind kind);

/*
 * Returns the number of bytes of a name that fit a limit, by whole characters.
 * A database of encoding SQL_ASCII is assumed to contain UTF-8.
 */
extern int	sg_clip_name(const char *name, int limit);

/*
 * Returns first_second_label in at most 63 bytes: shortens the longer one of
 * first and second, like PostgreSQL's makeObjectName(), but by whole characters
 * in every database; second and label may be NULL.  Raises 42622 if the label
 * leaves no room.
 */
extern char *sg_make_name(const char *first, const char *second, const char *label);

/* Like sg_make_name(), with n behind the label unless n is 0 */
extern char *sg_make_nth_name(const char *first, const char *second, const char *label, int n);

/* Returns the temporary name of an object that sync builds beside the one of this name, which it replaces */
extern char *sg_new_name(const char *name);

/* Returns names joined by "_", or NULL for NIL */
extern char *sg_join_names(List *names);

/*
 * Returns whether a name is used in the catalog. place is the OID of a table;
 * names of relations, types and functions are looked up in that table's schema.
 */
extern bool sg_name_is_used(SgNameKind kind, Oid place, const char *name);

#endif							/* SG_NAME_H */
