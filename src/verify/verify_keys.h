/*-------------------------------------------------------------------------
 *
 * verify_keys.h
 *	  Every key of the database, found by the tables that it joins.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_VERIFY_KEYS_H
#define SG_VERIFY_KEYS_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct VerifyKeys VerifyKeys;

/* Builds the index of the keys of fk_declared(), in the current memory context */
extern VerifyKeys *verify_keys(List *declared);

/*
 * Return the keys of a child; of a parent; of a parent or any other table of
 * its partition tree.  Keys that another session has dropped are left out,
 * because no statement is checked by them any more.
 */
extern List *verify_keys_of(const VerifyKeys *keys, Oid child);
extern List *verify_keys_to(const VerifyKeys *keys, Oid parent);
extern List *verify_keys_to_tree(const VerifyKeys *keys, Oid parent);

#endif							/* SG_VERIFY_KEYS_H */
