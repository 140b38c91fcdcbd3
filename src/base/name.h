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

/* Kinds of objects that get a name: each has a catalog that must not hold the name yet */
typedef enum SgNameKind
{
	SG_NAME_RELATION,
	SG_NAME_TYPE,
	SG_NAME_FUNCTION,
	SG_NAME_CONSTRAINT,
	SG_NAME_TRIGGER,
	SG_NAME_COLUMN
} SgNameKind;

/* The words of these kinds in SQL */
extern const SgWord sg_name_words[];

/* Do all objects of a schema share the names of this kind?  Else those of a table do. */
extern bool sg_name_is_schemas(SgNameKind kind);

/*
 * Returns how many bytes of a name fit into a limit, without the rest of a
 * character that does not.  A database of encoding SQL_ASCII is taken to
 * hold UTF-8.
 */
extern int	sg_clip_name(const char *name, int limit);

/*
 * Returns first_second_label of at most 63 bytes: the longer one of first and
 * second is shortened, as makeObjectName() of PostgreSQL does it, but by whole
 * characters in every database; second and label may be NULL.  Raises 42622
 * if the label leaves no room.
 */
extern char *sg_make_name(const char *first, const char *second, const char *label);

/* Like sg_make_name(), with n behind the label unless n is 0 */
extern char *sg_make_nth_name(const char *first, const char *second, const char *label, int n);

/* Returns names joined by "_", or NULL for NIL */
extern char *sg_join_names(List *names);

/*
 * Is the name taken in the catalog?  place is the OID of a table; names of
 * relations, types and functions are looked up in that table's schema.
 */
extern bool sg_name_is_used(SgNameKind kind, Oid place, const char *name);

#endif							/* SG_NAME_H */
