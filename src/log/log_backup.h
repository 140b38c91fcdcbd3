/*-------------------------------------------------------------------------
 *
 * log_backup.h
 *	  Backups that are recorded, and schemaguard.require_backup.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_LOG_BACKUP_H
#define SG_LOG_BACKUP_H

#include "postgres.h"

#include "base/compat.h"

/*
 * Returns why no recorded backup of this database is as young as
 * schemaguard.require_backup asks for and verified; NULL if one is, or if none
 * is asked for.  Connects SPI.
 */
extern char *log_backup_problem(void);

/* Returns what to do about that */
extern char *log_backup_hint(void);

/* Raises 55000, in the name of a procedure, with that problem and hint */
pg_noreturn extern void log_refuse_backup(const char *procedure, const char *problem);

/* Raises that error if there is such a problem */
extern void log_check_backup(const char *procedure);

/* Registers the records with sg_prune() */
extern void log_backup_init(void);

#endif							/* SG_LOG_BACKUP_H */
