/*-------------------------------------------------------------------------
 *
 * drift_notify.c
 *	  What listeners are told about a check: NOTIFY with a JSON document.
 *
 * A payload is limited to 8,000 bytes, and an error about that would be one
 * of the whole check; so names are cut, between characters, and items are
 * added while they fit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/async.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "base/guc.h"
#include "drift/drift_check.h"

#define PAYLOAD_MAX 7900		/* bytes of the document, all included */
#define PAYLOAD_TAIL 40			/* what comes behind the items */
#define NAME_MAX_BYTES 300		/* of one name in it */

char *
drift_clip(const char *text, int length)
{
	int			size = strlen(text);

	if (size <= length)
		return pstrdup(text);
	return psprintf("%.*s...", pg_mbcliplen(text, size, length - 3), text);
}

static void
append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\": ", json->data[json->len - 1] == '{' ? "" : ", ", name);
	if (value)
		escape_json(json, drift_clip(value, NAME_MAX_BYTES));
	else
		appendStringInfoString(json, "null");
}

static void
append_count(StringInfo json, const char *name, int64 value)
{
	appendStringInfo(json, ", \"%s\": " INT64_FORMAT, name, value);
}

static char *
item_json(const DriftRow *row)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_member(&json, "state", row->detail);
	append_member(&json, "kind", row->kind);
	append_member(&json, "object", row->object);
	append_member(&json, "change", row->change);
	append_member(&json, "property", row->property);
	append_member(&json, "class", row->class);
	append_member(&json, "risk", row->risk);
	appendStringInfoChar(&json, '}');
	return json.data;
}

static char *
payload(const DriftCheck *check)
{
	StringInfoData json;
	ListCell   *lc;
	int64		left = drift_check_count(check) + check->gone;
	bool		first = true;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"run\": " INT64_FORMAT, check->id);
	append_member(&json, "reference", check->reference);
	append_member(&json, "target", check->target);
	append_member(&json, "result", drift_check_result(check));
	append_count(&json, "drifts", drift_check_count(check));
	append_count(&json, "drift", check->drift);
	append_count(&json, "extra", check->extra);
	append_count(&json, "unknown", check->unknown);
	append_count(&json, "ignored", check->ignored);
	append_count(&json, "new", check->appeared);
	append_count(&json, "gone", check->gone);
	appendStringInfoString(&json, ", \"items\": [");
	foreach(lc, drift_history_items(check))
	{
		char	   *item = item_json(lfirst(lc));

		if (json.len + strlen(item) + PAYLOAD_TAIL >= PAYLOAD_MAX)
			break;
		appendStringInfo(&json, "%s%s", first ? "" : ", ", item);
		first = false;
		left--;
	}
	appendStringInfo(&json, "], \"more\": " INT64_FORMAT "}", left);
	return json.data;
}

void
drift_notify(const DriftCheck *check)
{
	Async_Notify(sg_notify_channel, payload(check));
}
