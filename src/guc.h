/*-------------------------------------------------------------------------
 *
 * guc.h
 *	  The settings schemaguard.*, each with its unit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_GUC_H
#define SG_GUC_H

/* values of sg_validate_with */
enum
{
	SG_VALIDATE_CORE,
	SG_VALIDATE_SCAN
};

/* values of sg_audit_method */
enum
{
	SG_AUDIT_AUTO,
	SG_AUDIT_SCAN,
	SG_AUDIT_SQL
};

extern int	sg_lock_timeout;	/* ms, bound of one attempt to lock */
extern int	sg_max_attempts;	/* attempts to lock, for one step */
extern int	sg_retry_budget;	/* ms, all attempts of one step and their
								 * pauses */
extern int	sg_statement_timeout;	/* ms, one statement of a step; 0 is none */

extern int	sg_fix_pause;		/* ms, between two batches of orphans */
extern int	sg_validate_with;	/* SG_VALIDATE_* */
extern int	sg_audit_method;	/* SG_AUDIT_* */
extern int	sg_audit_workers;	/* -1: by the size of the table */
extern int	sg_audit_memory;	/* kB; -1: maintenance_work_mem */
extern bool sg_audit_use_index;
extern bool sg_audit_paranoid;

/* schemaguard.audit_memory in bytes, its default resolved */
extern int64 sg_audit_memory_bytes(void);

extern void sg_guc_init(void);

#endif							/* SG_GUC_H */
