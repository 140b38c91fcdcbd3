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

/* A row of the result */
typedef struct VerifyTest
{
	const char *test;
	const char *expected;
	const char *observed;		/* NULL: nothing was */
	AuditResult result;
	const char *reason;			/* NULL where there is nothing to say */
} VerifyTest;

typedef struct SmokeTest SmokeTest;

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
	const SmokeTest *smoke;		/* no key, but a row of
								 * schemaguard.smoke_test; or NULL */
	int			tried;			/* live tests that have a verdict */
	double		live_ms;		/* that a worker took for them */
} VerifyKey;

/* ---- verify.c ---- */

extern void verify_add_test(VerifyKey *vk, const char *test, const char *expected,
							const char *observed, AuditResult result, const char *reason);

/* A step and a declared key, with the verdict of the catalogs */
extern VerifyKey *verify_step(const PlanStep *step);
extern VerifyKey *verify_declared(FkKey *key);

/* Returns a done step with the names that its table and columns have by now, by its deed of that kind, or NULL where there is none */
extern const PlanStep *verify_step_now(const PlanStep *step, DeedKind kind);

/* ---- verify_worker.c ---- */

/*
 * Has workers try keys, where these are many and a worker can.  A key whose
 * `tried` is 0 afterwards is left for the session; returns why some may be
 * left, or NULL.
 */
extern const char *verify_by_workers(const FkPlan *plan, List *keys);

/* ---- verify_change.c ---- */

/* The tests of a step that is no foreign key; live: its rows are read, under ACCESS SHARE */
extern void verify_change(VerifyKey *vk, const FkPlan *plan, bool live);

/* ---- verify_smoke.c ---- */

/* Returns the tests of a plan, or of the database if it is NULL, by name (a List of VerifyKey *, without a verdict) */
extern List *verify_smoke_tests(const FkPlan *plan);

/*
 * Adds the verdict of a test, which is run as its author, restricted; without live it
 * is skipped.  Changes nothing: an attempt is rolled back.  Cancels go through.
 */
extern void verify_smoke(VerifyKey *vk, bool live);

/* Appends what a report has to know of a test that has its verdict, as JSON */
extern void verify_smoke_figures(StringInfo json, const VerifyKey *vk);

/* ---- verify_live.c ---- */

/*
 * Try on the real tables what the key should refuse, accept and do; adds one
 * test for each attempt.  Changes nothing: every attempt is rolled back,
 * whatever happens.  Cancels go through.
 */
extern void verify_live(VerifyKey *vk, VerifyKeys *declared);

/*
 * Searches and attempts have transaction IDs of their own, and one transaction
 * has so many of them at most: begins to count them; is there room for the
 * tests of a key?
 */
extern void verify_live_begin(void);
extern bool verify_live_has_room(void);

/* Is a row of the key going to be tried? */
extern bool verify_live_tries(const VerifyKey *vk);

/* Add the n-th live test with a verdict that is known, and all that have none as unknown, for a reason */
extern void verify_add_live(VerifyKey *vk, int n, const char *observed, AuditResult result, const char *reason);
extern void verify_leave_live(VerifyKey *vk, const char *reason);

#endif							/* SG_VERIFY_H */
