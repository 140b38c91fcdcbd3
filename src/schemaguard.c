/*-------------------------------------------------------------------------
 *
 * schemaguard.c
 *	  Module entry; it stands above the rooms, which register here what those
 *	  below ask of them.
 *
 * schemaguard needs no preloading: everything is set up when a session calls
 * one of its functions for the first time.  The guard of direct DDL alone sees
 * a little more where the library is loaded when the session begins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/connection.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/made.h"
#include "base/meant.h"
#include "base/spi.h"
#include "change/change.h"
#include "check/check.h"
#include "ddl/ddl.h"
#include "deploy/deploy.h"
#include "drift/drift.h"
#include "drift/drift_check.h"
#include "fix/fix.h"
#include "impact/impact.h"
#include "log/log.h"
#include "log/log_backup.h"
#include "plan/plan_deed.h"
#include "promote/promote.h"
#include "report/report.h"
#include "script/script.h"
#include "sync/sync_scratch.h"

SG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	/* the one that may fail; the next call of the session then begins anew */
	sg_guc_init();

	/* the server's hooks */
	sg_plan_apart_init();
	sg_connection_init();
	sg_guard_init();
	sg_meant_init();
	sg_made_init();
	sync_sandbox_init();
	sync_session_init();
	ddl_reassign_init();

	/* the last one is asked first: before a lock, and before another look */
	ddl_guard_init();

	/* in the order in which sg_prune() asks and tells */
	audit_proof_init();
	log_backup_init();
	log_evidence_init();
	drift_history_init();
	ddl_write_init();
	plan_deed_init();
	report_gate_init();
	report_stats_init();
	promote_init();

	/* what these ask of rooms above them */
	deploy_init();
	change_init();
	fix_init();
	check_init();
	impact_init();
	drift_lookup_init();
	script_hold_init();
}
