/*-------------------------------------------------------------------------
 *
 * verify.h
 *	  Shared by the files of sg_verify_fks and sg_measure_overhead.
 *
 * verify.c is the function and what the catalogs tell.  Live tests:
 * verify_live.c makes attempts that are always rolled back and gives
 * the verdict, verify_find.c finds rows to try, verify_try.c
 * tries them and looks at what becomes of them, verify_reach.c finds
 * what a statement would set off, verify_row.c writes SQL for rows.
 * verify_overhead.c measures on copies.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_VERIFY_H
#define SG_VERIFY_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "audit/audit.h"
#include "fk/fk.h"
#include "plan/plan.h"

/* A row of the result */
typedef struct VerifyTest
{
	const char *test;
	const char *expected;
	const char *observed;		/* NULL: nothing was */
	AuditResult result;
	const char *reason;			/* NULL where there is nothing to say */
} VerifyTest;

/* A key that is verified */
typedef struct VerifyKey
{
	const char *fk_name;
	const char *child_table;
	const char *parent_table;
	int			step;			/* 0 without a plan */
	FkKey		expected;		/* as planned; without a plan, as declared */
	FkKey	   *key;			/* as declared; NULL: missing */
	List	   *tests;			/* of VerifyTest * */
	const PlanStep *change;		/* no key, but a step of another kind; or NULL */
} VerifyKey;

/* ---- verify.c ---- */

extern void verify_add_test(VerifyKey *vk, const char *test, const char *expected,
							const char *observed, AuditResult result, const char *reason);

/* ---- verify_change.c ---- */

/* The tests of a step that is no foreign key; live: its rows are read, under ACCESS SHARE */
extern void verify_change(VerifyKey *vk, const FkPlan *plan, bool live);

/* ---- verify_live.c ---- */

/*
 * Try on the real tables what the key should refuse, accept and do; adds one
 * test for each attempt.  `declared` is every key of this database.  Changes
 * nothing: every attempt is rolled back, whatever happens.  Cancels go through.
 */
extern void verify_live(VerifyKey *vk, List *declared);

#endif							/* SG_VERIFY_H */
