/*-------------------------------------------------------------------------
 *
 * payload.c
 *	  What listeners of a gate or a check are told: a JSON document.
 *
 * A payload is limited to 8,000 bytes, and an error about that would be one
 * of the whole check; so names are cut, between characters, and items are
 * added while they fit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/json.h"

#include "base/compat.h"
#include "base/payload.h"

#define PAYLOAD_MAX 7900		/* bytes of the document, all included */
#define PAYLOAD_TAIL 40			/* what comes behind the items */
#define NAME_MAX_BYTES 300		/* of one name in it */

char *
sg_clip(const char *text, int length)
{
	int			size = strlen(text);

	if (size <= length)
		return pstrdup(text);
	return psprintf("%.*s...", pg_mbcliplen(text, size, length - 3), text);
}

void
sg_payload_text(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\": ", json->data[json->len - 1] == '{' ? "" : ", ", name);
	if (value)
		escape_json(json, sg_clip(value, NAME_MAX_BYTES));
	else
		appendStringInfoString(json, "null");
}

void
sg_payload_count(StringInfo json, const char *name, int64 value)
{
	appendStringInfo(json, ", \"%s\": " INT64_FORMAT, name, value);
}

void
sg_payload_end(StringInfo json, List *items, int64 total)
{
	bool		first = true;

	appendStringInfoString(json, ", \"items\": [");
	foreach_ptr(const char, item, items)
	{
		if (json->len + strlen(item) + PAYLOAD_TAIL >= PAYLOAD_MAX)
			break;
		appendStringInfo(json, "%s%s", first ? "" : ", ", item);
		first = false;
		total--;
	}
	appendStringInfo(json, "], \"more\": " INT64_FORMAT "}", total);
}
