/*-------------------------------------------------------------------------
 *
 * fk_internal.h
 *	  Shared by the files of fk_*: which triggers a key has, and lacks; indexes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FK_INTERNAL_H
#define SG_FK_INTERNAL_H

#include "postgres.h"
#include "catalog/pg_constraint.h"
#include "nodes/pg_list.h"

#include "fk/fk.h"

typedef struct FkArming FkArming;

extern FkArming *fk_arming_create(void);

/* Adds a row of pg_constraint, key or clone, whose triggers are to be read */
extern void fk_arming_add(FkArming *arming, Form_pg_constraint con);

/* Reads pg_trigger: as a whole, or by index for the rows that were added */
extern void fk_arming_read_triggers(FkArming *arming, bool whole);

/* Sets armed and unarmed_reason of a key from its own and its clones' triggers */
extern void fk_arming_judge(FkArming *arming, FkKey *key);
extern void fk_arming_destroy(FkArming *arming);

/* Returns whether ON DELETE or ON UPDATE changes rows of the child */
extern bool fk_acts_on_child(const FkKey *key);

#endif							/* SG_FK_INTERNAL_H */
