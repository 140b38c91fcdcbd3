/*-------------------------------------------------------------------------
 *
 * sync_write.h
 *	  Single statements as sg_sync_sql() writes them, for callers that have
 *	  decided what is to be done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_SYNC_WRITE_H
#define SG_SYNC_WRITE_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * Separates the statements of one text until sg_sync_portable(): a document's
 * values may not contain it, so a value cannot end its statement
 */
#define SYNC_JOINT ";\f\n"

/*
 * Returns the statements of each list of deeds, as one text each (char *).  A
 * list is JSON, as schemaguard.sg_sync_write() takes it.
 */
extern List *sync_write(List *lists);

#endif							/* SG_SYNC_WRITE_H */
