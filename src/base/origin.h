/*-------------------------------------------------------------------------
 *
 * origin.h
 *	  DDL of our own, marked for who writes down where DDL comes from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_ORIGIN_H
#define SG_ORIGIN_H

/*
 * The plan whose statements this session runs right now, "" for statements of
 * ours that belong to no plan, or NULL.  Whoever sets it takes it away again,
 * also after an error.
 */
extern const char *sg_origin_plan;

#endif							/* SG_ORIGIN_H */
