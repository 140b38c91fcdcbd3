/*-------------------------------------------------------------------------
 *
 * sync_write.h
 *	  Single statements as sg_sync_sql() writes them, for who has decided what
 *	  is to be done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SYNC_WRITE_H
#define SG_SYNC_WRITE_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * Stands between the statements of one text until sg_sync_portable(): no value of a
 * document may hold it, so whatever a value holds, it stays within its statement
 */
#define SYNC_JOINT ";\f\n"

/* What takes the place of another object is called so, until it does */
extern char *sync_new_name(const char *name);

/*
 * The statements of each list of deeds, as one text, of char *.  A list
 * is JSON, as schemaguard.sg_sync_write() takes it.
 */
extern List *sync_write(List *lists);

#endif							/* SG_SYNC_WRITE_H */
