/*-------------------------------------------------------------------------
 *
 * drift_notify.c
 *	  What listeners are told about a check: NOTIFY with a JSON document.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"
#include "lib/stringinfo.h"

#include "base/guc.h"
#include "base/payload.h"
#include "drift/drift_check.h"

static char *
payload(const DriftCheck *check)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"run\": " INT64_FORMAT, check->id);
	sg_payload_text(&json, "reference", check->reference);
	sg_payload_text(&json, "target", check->target);
	sg_payload_text(&json, "result", drift_check_result(check));
	sg_payload_count(&json, "drifts", drift_check_count(check));
	sg_payload_count(&json, "drift", check->drift);
	sg_payload_count(&json, "extra", check->extra);
	sg_payload_count(&json, "unknown", check->unknown);
	sg_payload_count(&json, "ignored", check->ignored);
	sg_payload_count(&json, "new", check->appeared);
	sg_payload_count(&json, "gone", check->gone);
	sg_payload_end(&json, drift_history_items(check), drift_check_count(check) + check->gone);
	return json.data;
}

void
drift_notify(const DriftCheck *check)
{
	Async_Notify(sg_notify_channel, payload(check));
}
