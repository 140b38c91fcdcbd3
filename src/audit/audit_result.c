/*-------------------------------------------------------------------------
 *
 * audit_result.c
 *	  The struct that an audit fills, and its words.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "audit/audit.h"
#include "base/compat.h"
#include "base/quote.h"

AuditKey *
audit_key_new(const FkKey *key, AuditSource source, FkState state)
{
	AuditKey   *ak = palloc0(sizeof(AuditKey));

	ak->key = *key;
	ak->source = source;
	ak->state = state;
	ak->fk_name = key->name;
	ak->child_table = sg_relation_name(key->child);
	ak->child_columns = sg_attribute_names(key->child, key->child_att, key->nkeys);
	ak->parent_table = sg_relation_name(key->parent);
	ak->parent_columns = sg_attribute_names(key->parent, key->parent_att, key->nkeys);
	ak->result = AUDIT_UNKNOWN;
	ak->rows_checked = ak->orphan_rows = ak->orphan_keys = -1;

	return ak;
}

const char *
audit_source_word(AuditSource source)
{
	switch (source)
	{
		case AUDIT_CATALOG:
			return "catalog";
		case AUDIT_PLAN:
			return "plan";
		case AUDIT_INFERRED:
			return "inferred";
	}
	pg_unreachable();
}

const char *
audit_result_word(AuditResult result)
{
	switch (result)
	{
		case AUDIT_PASS:
			return "pass";
		case AUDIT_FAIL:
			return "fail";
		case AUDIT_SKIPPED:
			return "skipped";
		case AUDIT_UNKNOWN:
			break;
	}
	return "unknown";
}

void
audit_sink_sample(SgRowSink *sink, const AuditKey *ak)
{
	StringInfoData json;

	if (ak->sample == NIL)
	{
		sg_sink_null(sink);
		return;
	}
	initStringInfo(&json);
	foreach_ptr(Jsonb, object, ak->sample)
	{
		appendStringInfoChar(&json, json.len ? ',' : '[');
		(void) JsonbToCString(&json, &object->root, VARSIZE(object));
	}
	appendStringInfoChar(&json, ']');
	sg_sink_datum(sink, DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
