/*-------------------------------------------------------------------------
 *
 * origin.c
 *	  DDL of our own, marked for who writes down where DDL comes from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/origin.h"

const char *sg_origin_plan = NULL;
