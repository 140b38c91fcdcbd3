/*-------------------------------------------------------------------------
 *
 * guc.h
 *	  The settings schemaguard.*, each with its unit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_GUC_H
#define SG_GUC_H

extern int	sg_lock_timeout;	/* ms, bound of one attempt to lock */
extern int	sg_max_attempts;	/* attempts to lock, for one step */
extern int	sg_retry_budget;	/* ms, all attempts of one step and their
								 * pauses */
extern int	sg_statement_timeout;	/* ms, one statement of a step; 0 is none */

extern void sg_guc_init(void);

#endif							/* SG_GUC_H */
