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

/* Of what fk_declared() has found; in the current memory context */
extern VerifyKeys *verify_keys(List *declared);

/*
 * Those of the child; of the parent; and of the parent or any other table of
 * its partition tree.  Without keys that another session has dropped, by which
 * no statement is judged any more.
 */
extern List *verify_keys_of(const VerifyKeys *keys, Oid child);
extern List *verify_keys_to(const VerifyKeys *keys, Oid parent);
extern List *verify_keys_to_tree(const VerifyKeys *keys, Oid parent);

#endif							/* SG_VERIFY_KEYS_H */
