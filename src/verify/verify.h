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
 * verify_overhead.c measures on copies.  verify_smoke.c runs users' own tests.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_VERIFY_H
#define SG_VERIFY_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "audit/audit.h"
#include "fk/fk.h"
#include "plan/plan.h"
#include "plan/plan_deed.h"
#include "verify/verify_keys.h"

/* Reason of a test that is unknown */
#define VERIFY_MOVED	"a later step of the plan has renamed or dropped what it is on"

/* Row of the result */
typedef struct VerifyTest
{
	const char *test;
	const char *expected;
	const char *observed;		/* NULL: nothing was observed */
	AuditResult result;
	const char *reason;			/* NULL: no reason */
} VerifyTest;

typedef struct SmokeTest SmokeTest;

/* Key, step or test that is verified */
typedef struct VerifyKey
{
	const char *fk_name;
	const char *child_table;
	const char *parent_table;
	int			step;			/* 0: no plan */
	FkKey		expected;		/* key as planned; without a plan, as declared */
	FkKey	   *key;			/* key as declared; NULL: missing */
	List	   *tests;			/* VerifyTest * */
	const PlanStep *change;		/* step of another kind than key, or NULL */
	const SmokeTest *smoke;		/* row of schemaguard.smoke_test, or NULL */
	int			tried;			/* number of live tests with a verdict */
	double		live_ms;		/* time that a worker took for them */
} VerifyKey;

/* ---- verify.c ---- */

extern void verify_add_test(VerifyKey *vk, const char *test, const char *expected,
							const char *observed, AuditResult result, const char *reason);

/* Return a step's key, or a declared one, judged by the catalogs */
extern VerifyKey *verify_step(const PlanStep *step);
extern VerifyKey *verify_declared(FkKey *key);

/*
 * Returns a done step with the current names of its table and columns, by its
 * deed of that kind, or NULL if there is no such deed
 */
extern const PlanStep *verify_step_now(const PlanStep *step, DeedKind kind);

/* ---- verify_worker.c ---- */

/*
 * Lets workers try the keys, if there are many and workers can.  A key whose
 * `tried` is 0 afterwards is left for the session; returns the reason, or NULL.
 */
extern const char *verify_by_workers(const FkPlan *plan, List *keys);

/* ---- verify_change.c ---- */

/* Adds the tests of a step that is not a foreign key; live: reads its rows, under ACCESS SHARE */
extern void verify_change(VerifyKey *vk, const FkPlan *plan, bool live);

/* ---- verify_smoke.c ---- */

/*
 * Returns the tests of a plan, or of the database if plan is NULL, sorted by
 * name, as a List of VerifyKey * without a verdict
 */
extern List *verify_smoke_tests(const FkPlan *plan);

/*
 * Runs a test as its author, restricted, and adds its verdict; without live the
 * test is skipped.  Changes nothing: an attempt is rolled back.  Raises cancels
 * only.
 */
extern void verify_smoke(VerifyKey *vk, bool live);

/* Appends the figures of a judged test as JSON, for reports */
extern void verify_smoke_figures(StringInfo json, const VerifyKey *vk);

/* ---- verify_live.c ---- */

/*
 * Tries on the real tables what the key should refuse, accept and do; adds a
 * test for each attempt.  Changes nothing: every attempt is rolled back.
 * Raises cancels only.
 */
extern void verify_live(VerifyKey *vk, VerifyKeys *declared);

/*
 * Searches and attempts take transaction IDs of their own, whose number in one
 * transaction is limited. verify_live_begin() starts to count them;
 * verify_live_has_room() returns whether the tests of one more key fit.
 */
extern void verify_live_begin(void);
extern bool verify_live_has_room(void);

/* Returns whether the live tests of a key will try rows */
extern bool verify_live_tries(const VerifyKey *vk);

/* Add the n-th live test with a known verdict, and all tests without one as unknown for a reason */
extern void verify_add_live(VerifyKey *vk, int n, const char *observed, AuditResult result, const char *reason);
extern void verify_leave_live(VerifyKey *vk, const char *reason);

#endif							/* SG_VERIFY_H */
