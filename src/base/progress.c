/*-------------------------------------------------------------------------
 *
 * progress.c
 *	  Progress of running calls, for the view schemaguard.progress.
 *
 *	  A copy of the state is kept here and published as a whole, because the
 *	  end of a failed subtransaction clears the backend's progress slots, as a
 *	  command with a progress of its own does.  While a call makes another
 *	  one, such as a comparison that takes a snapshot, the inner call's
 *	  progress is shown, and the outer one's again after it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/syncscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "commands/progress.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/backend_progress.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/guc.h"
#include "base/progress.h"
#include "base/rowsink.h"

/*
 * Command number outside of core's ProgressCommandType, so that none of core's
 * views shows these rows; the same number reads them back here.
 */
#define SG_PROGRESS_COMMAND ((ProgressCommandType) 0x5347)

enum
{
	PARAM_ACTION,
	PARAM_PHASE,
	PARAM_PLAN,
	PARAM_STEP,
	PARAM_DONE,
	PARAM_TOTAL,
	PARAM_ORPHANS,
	PARAM_STARTED,
	PARAM_BLOCKS_DONE,			/* the current scan's blocks, with the three
								 * below */
	PARAM_BLOCKS_TOTAL,
	PARAM_SCAN_ORPHANS,
	PARAM_SCAN_STARTED,
	PARAM_TOTAL_SINCE,			/* when the total became known; the time
								 * before says nothing about the speed */
	PARAM_BEGUN,				/* part of the total that has begun but is not
								 * done; counts half */
	PARAM_OTHER,				/* table of sg_progress_silent(), with the two
								 * below */
	PARAM_TABLE_FROM,			/* blocks at which the scans begin */
	PARAM_OTHER_FROM,
	PARAM_COUNT
};

static const char *const action_names[] = {
	[SG_PROGRESS_AUDIT] = "audit",
	[SG_PROGRESS_ADD] = "add",
	[SG_PROGRESS_VALIDATE] = "validate",
	[SG_PROGRESS_ROLLBACK] = "rollback",
	[SG_PROGRESS_INDEX] = "index",
	[SG_PROGRESS_FIX] = "fix",
	[SG_PROGRESS_RESTORE] = "restore",
	[SG_PROGRESS_REPLACE] = "replace",
	[SG_PROGRESS_BACKFILL] = "backfill",
	[SG_PROGRESS_VERIFY] = "verify",
	[SG_PROGRESS_MEASURE] = "measure",
	[SG_PROGRESS_DISCOVER] = "discover",
	[SG_PROGRESS_SNAPSHOT] = "snapshot",
	[SG_PROGRESS_CHECK] = "check",
	[SG_PROGRESS_COMPARE] = "compare",
	[SG_PROGRESS_SYNC] = "sync check",
	[SG_PROGRESS_COUNT] = "count",
};

StaticAssertDecl(lengthof(action_names) == SG_PROGRESS_COUNT + 1, "an action has no name");

static const char *const phase_names[] = {
	[SG_PHASE_STARTING] = "starting",
	[SG_PHASE_LOCKING] = "locking",
	[SG_PHASE_SCANNING] = "scanning",
	[SG_PHASE_PAUSING] = "pausing",
	[SG_PHASE_EXECUTING] = "executing",
	[SG_PHASE_BUILDING] = "building",
	[SG_PHASE_COUNTING] = "counting",
	[SG_PHASE_THROTTLED] = "throttled",
	[SG_PHASE_WORKING] = "working",
	[SG_PHASE_WAITING] = "waiting",
};

StaticAssertDecl(lengthof(phase_names) == SG_PHASE_WAITING + 1, "a phase has no name");

static int64 params[PARAM_COUNT];

StaticAssertDecl(PARAM_COUNT <= SG_PROGRESS_PARAMS, "SgProgressPlace holds all");
static Oid	target = InvalidOid;

/* Depth of nested calls that are shown; deeper calls show up as the call that made them */
#define MAX_DEPTH	8

static int	depth = 0;
static int	levels[MAX_DEPTH];	/* subtransaction level at which each call
								 * began */
static int64 done_before = 0;	/* amount done by earlier parts of the same
								 * work */

/* Calls shorter than this send no NOTICE */
#define FIRST_TOLD_MS	2000

static TimestampTz due_at;		/* time of the next NOTICE */
static char target_name[NAMEDATALEN];

static bool keeping = false;
static bool tracks;				/* track_activities before sg_progress_keep() */

SG_FUNCTION(sg_progress);

static void
publish(void)
{
	static const int index[PARAM_COUNT] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

	pgstat_progress_start_command(SG_PROGRESS_COMMAND, target);
	pgstat_progress_update_multi_param(PARAM_COUNT, index, params);
}

/* Returns whether progress counts rows, over all phases, instead of blocks */
static bool
counts_rows(void)
{
	return params[PARAM_ACTION] == SG_PROGRESS_RESTORE || params[PARAM_ACTION] == SG_PROGRESS_FIX;
}

static const char *
unit_name(void)
{
	if (params[PARAM_ACTION] == SG_PROGRESS_SNAPSHOT)
		return "objects";
	return params[PARAM_PLAN] > 0 ? "steps" : "keys";
}

/*
 * Returns the seconds that the scan, or else the whole call, still takes at its
 * speed so far; negative: unknown
 */
static double
seconds_left(const int64 *p, TimestampTz now)
{
	bool		scan = p[PARAM_BLOCKS_TOTAL] > 0;
	double		total = scan ? p[PARAM_BLOCKS_TOTAL] : p[PARAM_TOTAL];
	double		done = scan ? p[PARAM_BLOCKS_DONE] : p[PARAM_DONE] + Min(p[PARAM_BEGUN], p[PARAM_TOTAL] - p[PARAM_DONE]) / 2.0;

	if (done <= 0 || total <= 0)
		return -1;
	return (now - p[scan ? PARAM_SCAN_STARTED : PARAM_TOTAL_SINCE]) / 1e6 * (total - done) / done;
}

/*
 * Sends the client a NOTICE about the call's progress, if one is due.  The
 * table's name is looked up when work on it begins, because rows are being read
 * here.
 */
static void
tell(void)
{
	TimestampTz now;
	StringInfoData text;
	double		left;

	if (depth == 0 || sg_progress_interval == 0 || MyBackendType != B_BACKEND || whereToSendOutput != DestRemote)
		return;
	now = GetCurrentTimestamp();
	if (now < due_at)
		return;
	due_at = now + sg_progress_interval * INT64CONST(1000);

	initStringInfo(&text);
	appendStringInfo(&text, "%s, %s", action_names[params[PARAM_ACTION]], phase_names[params[PARAM_PHASE]]);
	if (params[PARAM_STEP] > 0)
		appendStringInfo(&text, ", step " INT64_FORMAT, params[PARAM_STEP]);
	if (target_name[0])
		appendStringInfo(&text, ", table %s", quote_identifier(target_name));
	if (params[PARAM_BLOCKS_TOTAL] > 0)
		appendStringInfo(&text, ": " INT64_FORMAT " of " INT64_FORMAT " %s", params[PARAM_BLOCKS_DONE], params[PARAM_BLOCKS_TOTAL],
						 counts_rows() ? "rows" : "blocks");
	if (params[PARAM_TOTAL] > 0)
		appendStringInfo(&text, "; " INT64_FORMAT " of " INT64_FORMAT " %s are done", params[PARAM_DONE], params[PARAM_TOTAL], unit_name());
	left = seconds_left(params, now);
	if (left >= 1)
		appendStringInfo(&text, "; about %.0f s are left%s", left, params[PARAM_BLOCKS_TOTAL] > 0 ? " of this" : "");
	ereport(NOTICE,
			(errmsg("after %.0f s: %s", (now - params[PARAM_STARTED]) / 1e6, text.data),
			 errhidecontext(true)));
	pfree(text.data);
}

static void
set_target(Oid relid)
{
	char	   *name = relid != target && OidIsValid(relid) ? get_rel_name(relid) : NULL;

	if (relid == target)
		return;
	target = relid;
	strlcpy(target_name, name ? name : "", NAMEDATALEN);
}

/* Turns track_activities on, because the server does not keep the slots while it is off */
void
sg_progress_keep(void)
{
	if (depth == 0 || keeping)
		return;
	keeping = true;
	tracks = pgstat_track_activities;
	pgstat_track_activities = false;
}

void
sg_progress_kept(void)
{
	if (keeping)
		pgstat_track_activities = tracks;
	keeping = false;
}

static void
forget(void)
{
	depth = 0;
	target = InvalidOid;
	target_name[0] = '\0';
	memset(params, 0, sizeof(params));
}

/*
 * Clears the progress of a call that ended with an error, so that the next
 * call's reads are not counted as its part
 */
static void
forget_at_abort(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_ABORT)
		return;
	forget();
	sg_progress_kept();
	pgstat_progress_end_command();
}

/*
 * Publishes again after the end of a failed subtransaction, which has cleared
 * the slots.  Calls that began in it have ended with it.
 */
static void
show_after_abort(SubXactEvent event, SubTransactionId mySubid,
				 SubTransactionId parentSubid, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	sg_progress_kept();
	while (depth > 0 && depth <= MAX_DEPTH && levels[depth - 1] >= GetCurrentTransactionNestLevel())
		depth--;
	if (depth == 0)
		forget();
	else
		publish();
}

void
sg_progress_begin(SgProgressAction action, int64 plan_id, int64 total)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(forget_at_abort, NULL);
		RegisterSubXactCallback(show_after_abort, NULL);
	}
	registered = true;

	if (depth < MAX_DEPTH)
		levels[depth] = GetCurrentTransactionNestLevel();
	if (depth++ == 0)
	{
		memset(params, 0, sizeof(params));
		set_target(InvalidOid);
		params[PARAM_PLAN] = plan_id;
		params[PARAM_STARTED] = GetCurrentTimestamp();
		due_at = params[PARAM_STARTED] + Min(sg_progress_interval, FIRST_TOLD_MS) * INT64CONST(1000);
	}
	/* a part of the same work continues the count */
	done_before = params[PARAM_ACTION] == action ? params[PARAM_DONE] : 0;
	params[PARAM_ACTION] = action;
	params[PARAM_PHASE] = SG_PHASE_STARTING;
	params[PARAM_DONE] = done_before;
	sg_progress_total(total > 0 ? done_before + total : 0);
}

void
sg_progress_total(int64 total)
{
	params[PARAM_TOTAL] = total;
	if (params[PARAM_DONE] == 0)
		params[PARAM_TOTAL_SINCE] = GetCurrentTimestamp();
	params[PARAM_BEGUN] = 0;
	publish();
}

void
sg_progress_begun(void)
{
	params[PARAM_BEGUN]++;
	publish();
}

static void
clear_scan(void)
{
	params[PARAM_BLOCKS_DONE] = params[PARAM_BLOCKS_TOTAL] = 0;
	params[PARAM_SCAN_ORPHANS] = params[PARAM_SCAN_STARTED] = 0;
	params[PARAM_OTHER] = params[PARAM_TABLE_FROM] = params[PARAM_OTHER_FROM] = 0;
}

void
sg_progress_step(SgProgressAction action, int step, Oid relid)
{
	params[PARAM_ACTION] = action;
	params[PARAM_PHASE] = SG_PHASE_STARTING;
	params[PARAM_STEP] = step;
	clear_scan();
	set_target(relid);
	publish();
	tell();
}

void
sg_progress_phase(SgProgressPhase phase)
{
	params[PARAM_PHASE] = phase;
	if (!counts_rows())
		clear_scan();
	publish();
	tell();
}

void
sg_progress_pause(SgProgressPlace *place, SgProgressPhase phase)
{
	place->since = GetCurrentTimestamp();
	memcpy(place->params, params, sizeof(params));
	sg_progress_phase(phase);
}

void
sg_progress_resume(const SgProgressPlace *place)
{
	int64		paused = GetCurrentTimestamp() - place->since;

	memcpy(params, place->params, sizeof(params));
	/* a pause does not count for the speed */
	params[PARAM_TOTAL_SINCE] += paused;
	if (params[PARAM_SCAN_STARTED] != 0)
		params[PARAM_SCAN_STARTED] += paused;
	publish();
	tell();
}

void
sg_progress_done(int64 done, int64 orphan_rows)
{
	params[PARAM_DONE] = done_before + done;
	params[PARAM_ORPHANS] = orphan_rows;
	clear_scan();
	publish();
	tell();
}

void
sg_progress_tables(SgProgressPhase phase, Oid relid, int64 blocks)
{
	/* the caller shows no progress */
	if (params[PARAM_ACTION] == 0)
		return;
	clear_scan();
	params[PARAM_PHASE] = phase;
	params[PARAM_BLOCKS_TOTAL] = blocks;
	params[PARAM_SCAN_STARTED] = GetCurrentTimestamp();
	if (OidIsValid(relid))
		set_target(relid);
	publish();
}

void
sg_progress_blocks(int64 blocks, int64 orphan_rows)
{
	if (params[PARAM_ACTION] == 0)
		return;
	params[PARAM_BLOCKS_DONE] = Min(blocks, params[PARAM_BLOCKS_TOTAL]);
	params[PARAM_SCAN_ORPHANS] = orphan_rows;
	publish();
	tell();
}

void
sg_progress_end(void)
{
	if (depth > 1)
	{
		depth--;
		done_before = 0;
		return;
	}
	forget();
	pgstat_progress_end_command();
}

/* ---- statements that say nothing ---- */

/*
 * Returns the block at which synchronized scans of a table are, and sets
 * *blocks to the table's size; 0 blocks: unknown
 */
static BlockNumber
find_location(Oid relid, BlockNumber *blocks)
{
	BlockNumber location = 0;
	Relation	rel;

	*blocks = 0;
	if (!synchronize_seqscans || !ConditionalLockRelationOid(relid, AccessShareLock))
		return 0;
	rel = try_relation_open(relid, NoLock);
	if (rel && RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind) && !RelationUsesLocalBuffers(rel))
	{
		*blocks = RelationGetNumberOfBlocks(rel);
		if (*blocks > NBuffers / 4)
			location = ss_get_location(rel, *blocks);
		else
			*blocks = 0;
	}
	if (rel)
		relation_close(rel, NoLock);
	UnlockRelationOid(relid, AccessShareLock);
	return location;
}

void
sg_progress_silent(Oid table, Oid other)
{
	BlockNumber blocks;

	clear_scan();
	params[PARAM_OTHER] = other;
	params[PARAM_TABLE_FROM] = find_location(table, &blocks);
	params[PARAM_OTHER_FROM] = find_location(other, &blocks);
	params[PARAM_SCAN_STARTED] = GetCurrentTimestamp();
	set_target(table);
	publish();
}

/*
 * Fills in the progress of a statement that reports none, and returns the table
 * that it reads.  The other table is read first.  At the end of a scan the
 * location is back at its start, and progress is unknown again.
 */
static Oid
look_at_silent(Oid table, int64 *p)
{
	for (int i = 0; i < 2; i++)
	{
		Oid			relid = i == 0 ? (Oid) p[PARAM_OTHER] : table;
		BlockNumber from = (BlockNumber) p[i == 0 ? PARAM_OTHER_FROM : PARAM_TABLE_FROM];
		BlockNumber blocks;
		BlockNumber at = find_location(relid, &blocks);

		if (blocks == 0 || from >= blocks || at == from)
			continue;
		p[PARAM_BLOCKS_TOTAL] = blocks;
		p[PARAM_BLOCKS_DONE] = at >= from ? at - from : blocks - from + at;
		return relid;
	}
	return table;
}

bool
sg_progress_index(int pid)
{
	int			n;

	pgstat_clear_backend_activity_snapshot();
	n = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= n; i++)
	{
		PgBackendStatus *be = &pgstat_get_local_beentry_by_index(i)->backendStatus;

		if (be->st_procpid != pid || be->st_progress_command != PROGRESS_COMMAND_CREATE_INDEX)
			continue;
		set_target(be->st_progress_command_target);
		switch (be->st_progress_param[PROGRESS_CREATEIDX_PHASE])
		{
			case PROGRESS_CREATEIDX_PHASE_WAIT_1:
			case PROGRESS_CREATEIDX_PHASE_WAIT_2:
			case PROGRESS_CREATEIDX_PHASE_WAIT_3:
			case PROGRESS_CREATEIDX_PHASE_WAIT_4:
			case PROGRESS_CREATEIDX_PHASE_WAIT_5:
				sg_progress_phase(SG_PHASE_WAITING);
				break;
			default:
				sg_progress_phase(SG_PHASE_BUILDING);
		}
		return true;
	}
	return false;
}

/*
 * sg_progress()
 *
 * Returns one row per backend of this database that runs a call of schemaguard.
 * As in pg_stat_activity, its activity is null unless the caller has the
 * privileges of the backend's role or of pg_read_all_stats.
 */
static Datum
sg_progress_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	int			n = pgstat_fetch_stat_numbackends();
	TimestampTz now = GetCurrentTimestamp();

	sg_sink_begin(&sink, fcinfo);
	for (int i = 1; i <= n; i++)
	{
		PgBackendStatus *be = &pgstat_get_local_beentry_by_index(i)->backendStatus;
		int64		p[PARAM_COUNT];
		Oid			relid = be->st_progress_command_target;
		double		left;

		memcpy(p, be->st_progress_param, sizeof(p));
		if (be->st_progress_command != SG_PROGRESS_COMMAND ||
			be->st_databaseid != MyDatabaseId)
			continue;

		sg_sink_int32(&sink, be->st_procpid);
		if (has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
			has_privs_of_role(GetUserId(), be->st_userid))
		{
			if (p[PARAM_OTHER] != 0)
				relid = look_at_silent(relid, p);
			if (p[PARAM_PLAN] > 0)
				sg_sink_int64(&sink, p[PARAM_PLAN]);
			else
				sg_sink_null(&sink);
			if (p[PARAM_STEP] > 0)
				sg_sink_int32(&sink, (int32) p[PARAM_STEP]);
			else
				sg_sink_null(&sink);
			sg_sink_text(&sink, p[PARAM_ACTION] > 0 && p[PARAM_ACTION] < lengthof(action_names) ?
						 action_names[p[PARAM_ACTION]] : NULL);
			sg_sink_text(&sink, p[PARAM_PHASE] > 0 && p[PARAM_PHASE] < lengthof(phase_names) ?
						 phase_names[p[PARAM_PHASE]] : NULL);
			sg_sink_datum(&sink, ObjectIdGetDatum(relid));
			sg_sink_int64(&sink, p[PARAM_DONE]);
			sg_sink_int64(&sink, p[PARAM_TOTAL]);
			sg_sink_int64(&sink, p[PARAM_ORPHANS] + p[PARAM_SCAN_ORPHANS]);
			sg_sink_datum(&sink, TimestampTzGetDatum(p[PARAM_STARTED]));
			sg_sink_int64(&sink, p[PARAM_BLOCKS_DONE]);
			sg_sink_int64(&sink, p[PARAM_BLOCKS_TOTAL]);
			if (p[PARAM_SCAN_STARTED] != 0)
				sg_sink_datum(&sink, TimestampTzGetDatum(p[PARAM_SCAN_STARTED]));
			else
				sg_sink_null(&sink);
			left = seconds_left(p, now);
			if (left >= 0)
				sg_sink_datum(&sink, TimestampTzGetDatum(now + (TimestampTz) (left * 1e6)));
			else
				sg_sink_null(&sink);
		}
		else
		{
			for (int column = 1; column < 14; column++)
				sg_sink_null(&sink);
		}
		sg_sink_emit(&sink);
	}

	PG_RETURN_NULL();
}
