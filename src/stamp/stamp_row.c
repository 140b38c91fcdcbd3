/*-------------------------------------------------------------------------
 *
 * stamp_row.c
 *	  sg_stamp_row: who made, changed and archived a row, and when.
 *
 * A trigger function that has to be fast: what a statement needs is found
 * out at its first row and kept with the trigger, values that are the same
 * for all rows are made once, and a row in which nothing changes but the time
 * is copied, not taken apart.
 *
 * "Who" is the session's role, by SET ROLE or else by login, and no role that
 * a function or a foreign key's action runs as meanwhile; or the value of a
 * setting, where the trigger names one and it is not empty.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/errors.h"
#include "stamp/stamp.h"

SG_FUNCTION(sg_stamp_row);

/* Keys of a trigger's arguments, which are "key=value" */
typedef enum StampKind
{
	STAMP_CREATED_AT,
	STAMP_CREATED_BY,
	STAMP_MODIFIED_AT,
	STAMP_MODIFIED_BY,
	STAMP_ARCHIVED_AT,			/* column that is read, not written */
	STAMP_ARCHIVED_BY,
	STAMP_USER					/* a setting instead of a column */
} StampKind;

static const char *const stamp_words[] = {
	[STAMP_CREATED_AT] = "created_at",
	[STAMP_CREATED_BY] = "created_by",
	[STAMP_MODIFIED_AT] = "modified_at",
	[STAMP_MODIFIED_BY] = "modified_by",
	[STAMP_ARCHIVED_AT] = "archived_at",
	[STAMP_ARCHIVED_BY] = "archived_by",
	[STAMP_USER] = "user",
};

#define STAMP_COLUMNS STAMP_USER

/* State for all rows of a statement */
typedef struct Stamp
{
	AttrNumber	column[STAMP_COLUMNS];	/* column numbers; 0: none */
	bool		archived_bool;	/* whether the archive column is a boolean */
	Datum		at[STAMP_COLUMNS];	/* values for the columns that end with
									 * _at */
	const char *setting;		/* setting that names the user; NULL: none */

	/* user of the rows before */
	Oid			role;			/* role; InvalidOid: named by the setting */
	char	   *name;			/* name; NULL: not known yet */
	Datum		by[STAMP_COLUMNS];
	MemoryContext names;
	MemoryContext context;		/* context of this struct */

	/* current row */
	Datum	   *values;
	bool	   *nulls;
} Stamp;

static bool
stamps_time(int kind)
{
	return kind == STAMP_CREATED_AT || kind == STAMP_MODIFIED_AT;
}

pg_noreturn static void
refuse_argument(const Trigger *trigger, const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("trigger \"%s\" has an argument that sg_stamp_row does not know: \"%s\"", trigger->tgname, argument),
			 errhint("Arguments are KEY=COLUMN with one of created_at, created_by, modified_at, modified_by, archived_at, archived_by; and user=SETTING.")));
}

/* Returns the key of an argument; *value is the text behind its "=" */
static StampKind
read_argument(const Trigger *trigger, const char *argument, const char **value)
{
	const char *equals = strchr(argument, '=');

	for (int i = 0; equals && i < lengthof(stamp_words); i++)
	{
		if (strlen(stamp_words[i]) == equals - argument &&
			strncmp(stamp_words[i], argument, equals - argument) == 0)
		{
			*value = equals + 1;
			return i;
		}
	}
	refuse_argument(trigger, argument);
}

/*
 * Raises an error unless the setting is an application's (its name contains a
 * dot): a setting of the server could be secret
 */
static void
check_setting(const Trigger *trigger, const char *setting)
{
	if (strchr(setting, '.') == NULL || (GetConfigOptionFlags(setting, true) & GUC_SUPERUSER_ONLY) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trigger \"%s\" can't read \"%s\"", trigger->tgname, setting),
				 errhint("Name a setting of the application's own, with a dot, as in user=app.username.")));
}

/* Returns the transaction's start as a value of the column's type */
static Datum
time_value(Relation rel, AttrNumber column)
{
	Oid			type = TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid;
	int32		typmod = TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypmod;
	Oid			base = getBaseTypeAndTypmod(type, &typmod);
	Datum		now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());

	switch (base)
	{
		case TIMESTAMPTZOID:
			now = DirectFunctionCall2(timestamptz_scale, now, Int32GetDatum(typmod));
			break;
		case TIMESTAMPOID:
			now = DirectFunctionCall2(timestamp_scale, DirectFunctionCall1(timestamptz_timestamp, now),
									  Int32GetDatum(typmod));
			break;
		case DATEOID:
			now = DirectFunctionCall1(timestamptz_date, now);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of table \"%s\" is of type %s, which can't hold a time",
							NameStr(TupleDescAttr(RelationGetDescr(rel), column - 1)->attname),
							RelationGetRelationName(rel), format_type_be(type)),
					 errhint("Types for it are timestamptz, timestamp and date.")));
	}
	if (type != base)
		domain_check(now, false, type, NULL, CurrentMemoryContext);
	return now;
}

/* Returns the number of a column that sg_stamp_row may write; raises an error otherwise */
static AttrNumber
find_column(Relation rel, const Trigger *trigger, const char *name)
{
	int			column = SPI_fnumber(RelationGetDescr(rel), name);

	if (column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\", which trigger \"%s\" names",
						RelationGetRelationName(rel), name, trigger->tgname),
				 errhint("After a column is renamed, create the trigger anew with its new name.")));
	if (TupleDescAttr(RelationGetDescr(rel), column - 1)->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" of table \"%s\" is generated, and trigger \"%s\" can't write it",
						name, RelationGetRelationName(rel), trigger->tgname)));
	return column;
}

/*
 * Finds the columns with the usual names, for a trigger without arguments;
 * returns whether there is one
 */
static bool
find_usual_columns(Stamp *stamp, Relation rel, const Trigger *trigger)
{
	bool		found = false;

	for (int i = 0; i < STAMP_ARCHIVED_AT; i++)
	{
		if (SPI_fnumber(RelationGetDescr(rel), stamp_words[i]) > 0)
		{
			stamp->column[i] = find_column(rel, trigger, stamp_words[i]);
			found = true;
		}
	}
	return found;
}

/* Sets up the state of a statement, in the context of its trigger */
static Stamp *
stamp_begin(const TriggerData *trigdata, MemoryContext context)
{
	Relation	rel = trigdata->tg_relation;
	const Trigger *trigger = trigdata->tg_trigger;
	MemoryContext old = MemoryContextSwitchTo(context);
	Stamp	   *stamp = palloc0(sizeof(Stamp));

	stamp->context = context;
	stamp->values = palloc(RelationGetDescr(rel)->natts * sizeof(Datum));
	stamp->nulls = palloc(RelationGetDescr(rel)->natts * sizeof(bool));
	for (int i = 0; i < trigger->tgnargs; i++)
	{
		const char *value;
		StampKind	kind = read_argument(trigger, trigger->tgargs[i], &value);

		if (kind == STAMP_USER)
		{
			check_setting(trigger, value);
			stamp->setting = pstrdup(value);
		}
		else
			stamp->column[kind] = find_column(rel, trigger, value);
	}
	if ((trigger->tgnargs == (stamp->setting ? 1 : 0) && !find_usual_columns(stamp, rel, trigger)) ||
		(stamp->column[STAMP_ARCHIVED_AT] == 0) != (stamp->column[STAMP_ARCHIVED_BY] == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trigger \"%s\" names no column of table \"%s\" to stamp", trigger->tgname, RelationGetRelationName(rel)),
				 errhint("Without arguments these are created_at, created_by, modified_at and modified_by; archived_at and archived_by are named together.")));

	for (int i = 0; i < STAMP_COLUMNS; i++)
	{
		if (stamps_time(i) && stamp->column[i])
			stamp->at[i] = time_value(rel, stamp->column[i]);
	}
	if (stamp->column[STAMP_ARCHIVED_AT])
		stamp->archived_bool = stamp_is_boolean(TupleDescAttr(RelationGetDescr(rel), stamp->column[STAMP_ARCHIVED_AT] - 1)->atttypid);
	MemoryContextSwitchTo(old);

	return stamp;
}

/* Stores the current user, as a value of each column's type */
static void
remember_who(Stamp *stamp, Relation rel, Oid role, const char *setting)
{
	MemoryContext old;

	if (stamp->names)
		MemoryContextReset(stamp->names);
	else
		stamp->names = AllocSetContextCreate(stamp->context, "schemaguard stamp", ALLOCSET_SMALL_SIZES);
	stamp->name = NULL;
	old = MemoryContextSwitchTo(stamp->names);

	stamp->role = role;
	for (int i = 0; i < STAMP_COLUMNS; i++)
	{
		const char *who = OidIsValid(role) ? GetUserNameFromId(role, false) : setting;
		Form_pg_attribute attr;
		Oid			input;
		Oid			param;

		if (stamp->column[i] == 0 || i == STAMP_ARCHIVED_AT || stamps_time(i))
			continue;
		attr = TupleDescAttr(RelationGetDescr(rel), stamp->column[i] - 1);
		getTypeInputInfo(attr->atttypid, &input, &param);
		stamp->by[i] = OidInputFunctionCall(input, unconstify(char *, who), param, attr->atttypmod);
	}
	stamp->name = OidIsValid(role) ? GetUserNameFromId(role, false) : pstrdup(setting);
	MemoryContextSwitchTo(old);
}

static void
look_who(Stamp *stamp, Relation rel)
{
	const char *setting = stamp->setting ? GetConfigOption(stamp->setting, true, false) : NULL;
	Oid			role = setting && *setting ? InvalidOid : GetOuterUserId();

	if (stamp->name == NULL || stamp->role != role ||
		(!OidIsValid(role) && strcmp(stamp->name, setting) != 0))
		remember_who(stamp, rel, role, setting);
}

static void
set_column(Stamp *stamp, StampKind kind, Datum value, bool isnull)
{
	if (stamp->column[kind] == 0)
		return;
	stamp->values[stamp->column[kind] - 1] = value;
	stamp->nulls[stamp->column[kind] - 1] = isnull;
}

/* Restores a column's old value, if the statement sets another one */
static void
keep_column(Stamp *stamp, StampKind kind, const TriggerData *trigdata)
{
	AttrNumber	column = stamp->column[kind];

	if (column != 0 && bms_is_member(column - FirstLowInvalidHeapAttributeNumber, trigdata->tg_updatedcols))
		stamp->values[column - 1] = slot_getattr(trigdata->tg_trigslot, column, &stamp->nulls[column - 1]);
}

/*
 * Sets archived_by: the current user if the row is being archived, the old
 * value if it was archived before, null while it is live
 */
static void
stamp_archived(Stamp *stamp, const TriggerData *trigdata, bool update)
{
	AttrNumber	at = stamp->column[STAMP_ARCHIVED_AT];

	if (at == 0)
		return;
	if (stamp->nulls[at - 1] || (stamp->archived_bool && !DatumGetBool(stamp->values[at - 1])))
		set_column(stamp, STAMP_ARCHIVED_BY, (Datum) 0, true);
	else if (update && stamp_is_archived(trigdata->tg_trigslot, at, stamp->archived_bool))
		keep_column(stamp, STAMP_ARCHIVED_BY, trigdata);
	else
		set_column(stamp, STAMP_ARCHIVED_BY, stamp->by[STAMP_ARCHIVED_BY], false);
}

/* Returns whether the statement sets a column that must keep its value */
static bool
sets_created(const Stamp *stamp, const TriggerData *trigdata)
{
	for (int i = STAMP_CREATED_AT; i <= STAMP_CREATED_BY; i++)
	{
		if (stamp->column[i] != 0 &&
			bms_is_member(stamp->column[i] - FirstLowInvalidHeapAttributeNumber, trigdata->tg_updatedcols))
			return true;
	}
	return false;
}

/* Returns the address of a column in a row without nulls, or NULL */
static char *
find_value(HeapTuple row, TupleDesc desc, AttrNumber column)
{
	char	   *data = (char *) row->t_data + row->t_data->t_hoff;
	uint32		offset = 0;

	if (column > HeapTupleHeaderGetNatts(row->t_data) || heap_attisnull(row, column, desc))
		return NULL;
	for (int i = 0;; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (HeapTupleHasNulls(row) && att_isnull(i, row->t_data->t_bits))
			continue;
		offset = att_align_pointer(offset, attr->attalign, attr->attlen, data + offset);
		if (i == column - 1)
			return data + offset;
		offset = att_addlength_pointer(offset, attr->attlen, data + offset);
	}
}

/* Returns whether a stored value equals the given one */
static bool
has_value(const char *stored, Form_pg_attribute attr, Datum value)
{
	struct varlena *other = (struct varlena *) DatumGetPointer(value);

	if (attr->attlen != -1)
		return !attr->attbyval && attr->attlen > 0 && memcmp(stored, DatumGetPointer(value), attr->attlen) == 0;
	return !VARATT_IS_EXTERNAL(stored) && !VARATT_IS_COMPRESSED(stored) &&
		VARSIZE_ANY_EXHDR(stored) == VARSIZE_ANY_EXHDR(other) &&
		memcmp(VARDATA_ANY(stored), VARDATA_ANY(other), VARSIZE_ANY_EXHDR(stored)) == 0;
}

/*
 * Fast path: copies a row and overwrites the time in place.  Returns NULL if
 * anything but the time changes, or the row has no room for it.
 */
static HeapTuple
stamp_copy(const Stamp *stamp, HeapTuple row, TupleDesc desc)
{
	AttrNumber	at = stamp->column[STAMP_MODIFIED_AT];
	AttrNumber	by = stamp->column[STAMP_MODIFIED_BY];
	Form_pg_attribute attr = at ? TupleDescAttr(desc, at - 1) : NULL;
	char	   *time;
	char	   *who;
	HeapTuple	result;

	if (at == 0 || stamp->column[STAMP_ARCHIVED_AT] != 0 || !attr->attbyval)
		return NULL;
	time = find_value(row, desc, at);
	if (time == NULL)
		return NULL;
	who = by ? find_value(row, desc, by) : NULL;
	if (by != 0 && (who == NULL || !has_value(who, TupleDescAttr(desc, by - 1), stamp->by[STAMP_MODIFIED_BY])))
		return NULL;
	result = heap_copytuple(row);
	store_att_byval((char *) result->t_data + (time - (char *) row->t_data), stamp->at[STAMP_MODIFIED_AT], attr->attlen);
	return result;
}

/*
 * sg_stamp_row('created_at=...', 'created_by=...', 'modified_at=...',
 * 'modified_by=...', 'archived_at=...', 'archived_by=...', 'user=SETTING')
 *
 * BEFORE INSERT OR UPDATE, FOR EACH ROW.  INSERT sets all of these except
 * archived_at; UPDATE sets modified_* and keeps created_*, even if the
 * statement sets them.  Times are the transaction's start.
 */
static Datum
sg_stamp_row_entered(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Stamp	   *stamp;
	bool		update;
	HeapTuple	row;
	HeapTuple	result;
	TupleDesc	desc;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) || TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("sg_stamp_row is for triggers BEFORE INSERT OR UPDATE, FOR EACH ROW")));

	stamp = fcinfo->flinfo->fn_extra;
	if (stamp == NULL)
		fcinfo->flinfo->fn_extra = stamp = stamp_begin(trigdata, fcinfo->flinfo->fn_mcxt);
	look_who(stamp, trigdata->tg_relation);

	update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	row = update ? trigdata->tg_newtuple : trigdata->tg_trigtuple;
	desc = RelationGetDescr(trigdata->tg_relation);
	result = update && !sets_created(stamp, trigdata) ? stamp_copy(stamp, row, desc) : NULL;
	if (result)
		return PointerGetDatum(result);
	heap_deform_tuple(row, desc, stamp->values, stamp->nulls);
	if (update)
	{
		keep_column(stamp, STAMP_CREATED_AT, trigdata);
		keep_column(stamp, STAMP_CREATED_BY, trigdata);
	}
	else
	{
		set_column(stamp, STAMP_CREATED_AT, stamp->at[STAMP_CREATED_AT], false);
		set_column(stamp, STAMP_CREATED_BY, stamp->by[STAMP_CREATED_BY], false);
	}
	set_column(stamp, STAMP_MODIFIED_AT, stamp->at[STAMP_MODIFIED_AT], false);
	set_column(stamp, STAMP_MODIFIED_BY, stamp->by[STAMP_MODIFIED_BY], false);
	stamp_archived(stamp, trigdata, update);

	/* keep the row's identity, as heap_modify_tuple() does */
	result = heap_form_tuple(desc, stamp->values, stamp->nulls);
	result->t_data->t_ctid = row->t_data->t_ctid;
	result->t_self = row->t_self;
	result->t_tableOid = row->t_tableOid;

	return PointerGetDatum(result);
}
