/*-------------------------------------------------------------------------
 *
 * plan_deed_follow.c
 *	  Finding the object of a deed under another name.
 *
 *	  A deed remembers OIDs and column numbers besides names, with the system
 *	  identifier and the OID of the database, without which they mean nothing:
 *	  after a restore they belong to other objects.  If they are valid, the
 *	  names of the deed are brought up to date; otherwise only the names are
 *	  known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/gone.h"
#include "base/quote.h"
#include "plan/plan_change.h"
#include "plan/plan_deed.h"
#include "plan/plan_store.h"

/* Identity of a deed's object */
typedef struct Identity
{
	Oid			table;
	Oid			object;			/* OID of a constraint, index or trigger, or
								 * InvalidOid */
	Oid			parent;			/* parent of a key, or InvalidOid */
	List	   *columns;		/* int: numbers of columns */
	List	   *parent_columns;
	const char *type;			/* type of a kept column, or "" */
	bool		has_parts;		/* the table's partitions then are known */
	List	   *parts;			/* int: their OIDs */
} Identity;

/* ---- marks ---- */

#define MARK UINT64_FORMAT " %u %u"

char *
plan_deed_mark(Oid oid)
{
	return psprintf(MARK, GetSystemIdentifier(), sg_database_mark(), oid);
}

bool
plan_deed_read_mark(const char **rest, Oid *oid)
{
	uint64		server;
	uint32		database;
	int			length = 0;

	*oid = InvalidOid;
	if (*rest == NULL || sscanf(*rest, MARK "%n", &server, &database, oid, &length) != 3)
		return false;
	*rest += length;
	return server == GetSystemIdentifier() && database == sg_database_mark();
}

/*
 * Returns whether another deed has a mark of this database in a field, whose
 * text is then like a pattern
 */
static bool
is_marked(const char *field, const char *pattern)
{
	StoreArgs	args = {0};

	store_arg_text(&args, field);
	store_arg_text(&args, pattern);
	return store_query("SELECT 'is' FROM schemaguard.plan_deed WHERE undone_at IS NULL AND after ->> $1 LIKE $2 LIMIT 1", &args, store_read_text) != NIL;
}

bool
plan_deed_keeps_relation(Oid relid)
{
	return is_marked("was", psprintf("%% %s %%", plan_deed_mark(relid)));
}

static bool
keeps_column(Oid table, AttrNumber attnum)
{
	return is_marked("identity", psprintf("%s %%{%d} %%", plan_deed_mark(table), attnum));
}

/*
 * A name is used once at a time: if a later deed has kept an object under it,
 * the earlier object is gone from there.  A deed of this database is known by
 * OID.
 */
bool
plan_deed_is_outdated(const PlanDeed *deed, const char *place, const char *name)
{
	StoreArgs	args = {0};

	store_arg_datum(&args, INT8OID, Int64GetDatum(deed->id), false);
	store_arg_text(&args, place);
	store_arg_text(&args, name);
	store_arg_text(&args, psprintf("%% " UINT64_FORMAT " %u %%", GetSystemIdentifier(), sg_database_mark()));
	return store_query("SELECT 'is' FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id"
					   " JOIN schemaguard.plan_step s ON s.plan = p.name AND s.step = d.step AND s.skipped_by IS NULL"
					   " WHERE d.id > $1 AND d.undone_at IS NULL AND d.after ->> 'kind' = 'drop' AND CASE d.after ->> 'definition'"
					   "   WHEN 'column' THEN d.after ->> 'child_table' = $2"
					   "     AND coalesce(d.after ->> 'new_name', '" SG_DROPPED "_' || (d.after ->> 'fk_name')) = $3"
					   "   ELSE coalesce(substring(d.after ->> 'was', '^[^ \n]+'), '" SG_ATTIC "') = $2 AND d.after ->> 'fk_name' = $3 END"
					   "   AND concat(' ', d.after ->> 'was', ' ', d.after ->> 'identity') NOT LIKE $4 LIMIT 1",
					   &args, store_read_text) != NIL;
}

/* ---- writing ---- */

static void
append_columns(StringInfo text, Oid table, List *names)
{
	const char *before = "";

	appendStringInfoString(text, " {");
	foreach_ptr(const char, name, OidIsValid(table) ? names : NIL)
	{
		appendStringInfo(text, "%s%d", before, get_attnum(table, name));
		before = ",";
	}
	appendStringInfoChar(text, '}');
}

static void
append_parts(StringInfo text, Oid table)
{
	const char *before = " {";

	foreach_oid(part, list_delete_first(sg_with_partitions(table)))
	{
		appendStringInfo(text, "%s%u", before, part);
		before = ",";
	}
	appendStringInfoString(text, before[0] == ',' ? "}" : " {}");
}

/* Returns the name of a constraint that a deed has made, or NULL if it makes none */
static const char *
constraint_name(const PlanDeed *deed)
{
	if (deed->kind == DEED_ADD)
		return deed->what->fk_name;
	if (deed->kind != DEED_CHANGE || deed->own)
		return NULL;
	switch (deed->what->kind)
	{
		case STEP_CHECK:
		case STEP_NOT_NULL:
		case STEP_UNIQUE:
			return deed->what->fk_name;
		case STEP_RENAME:
			return plan_changed_object(deed->what) == CHANGED_CONSTRAINT ? deed->what->new_name : NULL;
		default:
			return NULL;
	}
}

/* Returns whether a deed creates, renames or drops a relation as a whole */
static bool
is_of_relation(const PlanDeed *deed)
{
	return deed->kind == DEED_CHANGE && plan_step_is_of_relation(deed->what);
}

/* Returns whether a deed adds to a partitioned table what a table must have to become a partition of it */
static bool
partitions_must_have(const PlanDeed *deed)
{
	if (deed->kind == DEED_COLUMNS)
		return true;
	return deed->kind == DEED_CHANGE && !deed->own &&
		(deed->what->kind == STEP_COLUMN || deed->what->kind == STEP_CHECK || deed->what->kind == STEP_NOT_NULL);
}

/* Returns whether a deed is about one column that is renamed, or kept under another name */
static bool
is_of_column(const PlanDeed *deed)
{
	return deed->kind == DEED_CHANGE && (deed->what->kind == STEP_RENAME || deed->what->kind == STEP_DROP) &&
		plan_changed_object(deed->what) == CHANGED_COLUMN;
}

static bool
renames(const PlanDeed *deed, ChangedObject what)
{
	return deed->kind == DEED_CHANGE && deed->what->kind == STEP_RENAME && plan_changed_object(deed->what) == what;
}

/* Returns the table of a done deed by its present name, or InvalidOid */
static Oid
table_of(const PlanDeed *deed)
{
	const char *table = deed->what->child_table;

	if (table && is_of_relation(deed) && deed->what->kind == STEP_RENAME)
		table = quote_qualified_identifier(sg_parse_table_name(table).schema, deed->what->new_name);
	return sg_find_qualified(table);
}

/*
 * Returns the type of a column by a name that is valid in other databases, too;
 * "" if the column does not exist
 */
static const char *
type_of(Oid table, AttrNumber attnum)
{
	FormData_pg_attribute column;

	if (!sg_read_column(table, attnum, &column))
		return "";
	return format_type_extended(column.atttypid, column.atttypmod, FORMAT_TYPE_FORCE_QUALIFY | FORMAT_TYPE_TYPEMOD_GIVEN);
}

char *
plan_deed_identity(const PlanDeed *deed)
{
	const PlanStep *what = deed->what;
	Oid			table = what ? table_of(deed) : InvalidOid;
	bool		is_key = deed->kind == DEED_ADD || deed->kind == DEED_REPLACE;
	Oid			parent = is_key && what ? sg_find_qualified(what->parent_table) : InvalidOid;
	Oid			object = InvalidOid;
	char	   *column = NULL;
	StringInfoData text;

	if (!OidIsValid(table))
		return NULL;
	if (deed->kind == DEED_INDEX)
		object = sg_find_qualified(deed->object);
	else if (constraint_name(deed))
		object = get_relation_constraint_oid(table, constraint_name(deed), true);
	else if (deed->kind == DEED_CHANGE && what->kind == STEP_DEFAULT)
		object = GetAttrDefaultOid(table, get_attnum(table, linitial(what->child_columns)));
	else if (renames(deed, CHANGED_INDEX))
		object = get_relname_relid(what->new_name, get_rel_namespace(table));
	else if (renames(deed, CHANGED_TRIGGER))
		object = get_trigger_oid(table, what->new_name, true);
	initStringInfo(&text);
	appendStringInfo(&text, "%s %u %u", plan_deed_mark(table), object, parent);
	if (is_of_column(deed))
		column = what->new_name && get_attnum(table, what->new_name) > 0 ? what->new_name : what->fk_name;
	append_columns(&text, table, column ? list_make1(column) : what->child_columns);
	append_columns(&text, parent, is_key ? what->parent_columns : NIL);
	if (column && what->kind == STEP_DROP)
		appendStringInfo(&text, " %s", type_of(table, get_attnum(table, column)));
	else if (partitions_must_have(deed) && get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE)
		append_parts(&text, table);
	return text.data;
}

/* ---- reading ---- */

static List *
read_columns(const char **text)
{
	List	   *columns = NIL;

	*text = strchr(*text, '{');
	if (*text == NULL)
		return NIL;
	while (**text == '{' || **text == ',')
	{
		const char *start = &(*text)[1];
		char	   *end;
		long		attnum = strtol(start, &end, 10);

		if (end == start)
			break;
		columns = lappend_int(columns, (int) attnum);
		*text = end;
	}
	*text = strchr(*text, '}');
	return columns;
}

static bool
is_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE || relkind == RELKIND_VIEW ||
		relkind == RELKIND_MATVIEW;
}

/* Returns whether the deed dropped a rule along with a kept column */
static bool
goes_with_column(const PlanDeed *deed)
{
	return deed->own && deed->kind == DEED_CHANGE && deed->what && deed->what->kind == STEP_DROP;
}

/*
 * Reads a deed's identity; returns false if OIDs and numbers are of another
 * database.  A kept column is looked for by name and type, and its rules by
 * name, where its table is gone and another one has its name, as when a dump
 * was restored over it.
 */
static bool
read_identity(const PlanDeed *deed, Identity *id)
{
	const char *rest = deed->identity;
	bool		here;

	memset(id, 0, sizeof(Identity));
	id->type = "";
	here = plan_deed_read_mark(&rest, &id->table);
	if (rest == NULL || sscanf(rest, " %u %u", &id->object, &id->parent) != 2)
		return false;
	id->columns = read_columns(&rest);
	if (rest)
		id->parent_columns = read_columns(&rest);
	id->has_parts = rest && strncmp(rest, "} {", 3) == 0;
	if (id->has_parts)
		id->parts = read_columns(&rest);
	else if (rest && strncmp(rest, "} ", 2) == 0)
		id->type = rest + 2;
	return here && (is_table(id->table) || (id->type[0] == '\0' && !goes_with_column(deed)) ||
					deed->what == NULL || !OidIsValid(sg_find_qualified(deed->what->child_table)));
}

/* Returns the name of a constraint of the table by its OID, or NULL */
static char *
constraint_by_oid(Oid table, Oid conid)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conid));
	char	   *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (((Form_pg_constraint) GETSTRUCT(tuple))->conrelid == table)
		name = pstrdup(NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname));
	ReleaseSysCache(tuple);
	return name;
}

/* Returns the name of a trigger of the table by its OID, or NULL */
static char *
trigger_by_oid(Oid table, Oid trigger)
{
	char	   *name = NULL;
	SgCatalog	scan;
	HeapTuple	tuple;

	sg_catalog_begin(&scan, TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid, trigger, NULL);
	while (HeapTupleIsValid(tuple = sg_catalog_next(&scan)))
	{
		if (((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid == table)
			name = pstrdup(NameStr(((Form_pg_trigger) GETSTRUCT(tuple))->tgname));
	}
	return name;
}

/* Returns the name of an existing column by its number, or NULL */
static char *
column_by_number(Oid table, AttrNumber attnum)
{
	FormData_pg_attribute column;

	return sg_read_column(table, attnum, &column) ? pstrdup(NameStr(column.attname)) : NULL;
}

/* Returns the names of columns by their numbers; the old names if these are unknown */
static List *
columns_now(Oid table, List *attnums, List *names)
{
	List	   *now = NIL;

	if (list_length(attnums) != list_length(names))
		return names;
	for (int i = 0; i < list_length(names); i++)
	{
		AttrNumber	attnum = list_nth_int(attnums, i);
		char	   *name = attnum > 0 ? column_by_number(table, attnum) : NULL;

		now = lappend(now, name ? name : list_nth(names, i));
	}
	return now;
}

Oid
plan_deed_file(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			file;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	file = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	ReleaseSysCache(tuple);
	return file;
}

/*
 * Appends numbers and types of a composite type's attributes, by which its text
 * is read; nothing for other types
 */
static void
append_attributes(StringInfo text, Oid type)
{
	Oid			element;
	Oid			relation;
	HeapTuple	tuple;

	check_stack_depth();
	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
	{
		append_attributes(text, element);
		return;
	}
	relation = get_typ_typrelid(type);
	if (!OidIsValid(relation))
		return;
	appendStringInfoChar(text, '(');
	/* a dropped attribute keeps its row */
	for (int attnum = 1; HeapTupleIsValid(tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(attnum))); attnum++)
	{
		Form_pg_attribute attribute = (Form_pg_attribute) GETSTRUCT(tuple);

		if (!attribute->attisdropped)
		{
			appendStringInfo(text, "%s%d %s", text->data[text->len - 1] == '(' ? "" : ", ", attnum,
							 format_type_with_typemod(attribute->atttypid, attribute->atttypmod));
			append_attributes(text, attribute->atttypid);
		}
		ReleaseSysCache(tuple);
	}
	appendStringInfoChar(text, ')');
}

char *
plan_deed_column_state(Oid table, const char *name)
{
	AttrNumber	attnum = get_attnum(table, name);
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(attnum));
	StringInfoData state;
	StringInfoData attributes;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("0 ");
	initStringInfo(&state);
	appendStringInfo(&state, "%u %s", HeapTupleHeaderGetRawXmin(tuple->t_data), type_of(table, attnum));
	initStringInfo(&attributes);
	append_attributes(&attributes, ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid);
	if (attributes.len > 0)
		appendStringInfo(&state, DEED_ATTRIBUTES "%s", attributes.data);
	ReleaseSysCache(tuple);
	return state.data;
}

char *
plan_deed_type_in(const char *state)
{
	const char *type = strchr(state, ' ') + 1;

	return pnstrdup(type, strcspn(type, DEED_ATTRIBUTES));
}

char *
plan_deed_mark_columns(Oid table, Oid leaf, List *names)
{
	List	   *states = NIL;
	StringInfoData text;

	foreach_ptr(const char, name, names)
	{
		states = lappend(states, plan_deed_column_state(table, name));
	}
	initStringInfo(&text);
	appendStringInfoString(&text, plan_deed_mark(table));
	append_columns(&text, table, names);
	appendStringInfo(&text, " %u %u %s", leaf, plan_deed_file(leaf), OidOutputFunctionCall(F_ARRAY_OUT, sg_text_array(states)));
	return text.data;
}

bool
plan_deed_read_origin(const char *text, DeedOrigin *origin)
{
	Oid			table;
	List	   *attnums;
	int			length = 0;

	memset(origin, 0, sizeof(DeedOrigin));
	origin->here = plan_deed_read_mark(&text, &table);
	if (text == NULL)
		return false;
	attnums = read_columns(&text);
	if (text == NULL || sscanf(text, "} %u %u %n", &origin->leaf, &origin->file, &length) != 2 || length == 0)
		return false;
	origin->states = sg_text_array_list(OidInputFunctionCall(F_ARRAY_IN, unconstify(char *, text +length), TEXTOID, -1));

	/*
	 * checked against plan_deed_column_state()'s form: a text that others
	 * have written counts as unknown
	 */
	foreach_ptr(const char, state, origin->states)
	{
		if (state == NULL || strchr(state, ' ') == NULL)
			return false;
	}
	return list_length(origin->states) == list_length(attnums);
}

bool
plan_deed_read_columns(const char *text, Oid *table, List **names)
{
	List	   *attnums;

	*names = NIL;
	if (!plan_deed_read_mark(&text, table))
		return false;
	if (!is_table(*table))
		*table = InvalidOid;
	attnums = OidIsValid(*table) ? read_columns(&text) : NIL;
	foreach_int(attnum, attnums)
	{
		*names = lappend(*names, column_by_number(*table, attnum));
	}
	return true;
}

DeedTable
plan_deed_follow(const PlanDeed *deed)
{
	PlanStep   *what = deed->what;
	Identity	id;
	char	   *name;

	if (!read_identity(deed, &id))
		return DEED_BY_NAME;
	if (OidIsValid(id.parent) && is_table(id.parent))
	{
		what->parent_table = sg_relation_name(id.parent);
		what->parent_columns = columns_now(id.parent, id.parent_columns, what->parent_columns);
	}
	if (!is_table(id.table))
		return DEED_TABLE_GONE;
	what->child_table = sg_relation_name(id.table);
	if (is_of_column(deed))
	{
		name = id.columns ? column_by_number(id.table, linitial_int(id.columns)) : NULL;
		if (name && what->kind == STEP_DROP && strcmp(name, what->fk_name) != 0)
			what->new_name = name;
		return DEED_BY_OID;
	}
	if (what->kind != STEP_DROP)
		what->child_columns = columns_now(id.table, id.columns, what->child_columns);
	name = constraint_name(deed) ? constraint_by_oid(id.table, id.object) : NULL;
	if (name && !(deed->kind == DEED_CHANGE && what->kind == STEP_RENAME))
		what->fk_name = name;
	return DEED_BY_OID;
}

/*
 * Reads the identity in the last deed on a table; NULL if no deed has one;
 * *here as read_identity() returns
 */
static char *
find_identity(int64 plan_id, const char *name, Identity *id, bool *here)
{
	StoreArgs	args = {0};
	PlanDeed	deed = {0};
	List	   *found;

	store_arg_datum(&args, INT8OID, Int64GetDatum(plan_id), false);
	store_arg_text(&args, name);
	found = store_query("SELECT w.document ->> 'identity' FROM schemaguard.plan_deed d, LATERAL (SELECT coalesce(d.before, d.after)) w (document)"
						" WHERE d.plan_id = $1 AND w.document ->> 'child_table' = $2 AND w.document ? 'identity' ORDER BY d.id DESC LIMIT 1",
						&args, store_read_text);
	deed.identity = found ? linitial(found) : NULL;
	*here = read_identity(&deed, id);
	return deed.identity;
}

Oid
plan_deed_table(int64 plan_id, const char *name)
{
	Identity	id;
	bool		here;

	(void) find_identity(plan_id, name, &id, &here);
	if (!here)
		return sg_find_qualified(name);
	return is_table(id.table) ? id.table : InvalidOid;
}

bool
plan_deed_is_elsewhere(int64 plan_id, const char *name)
{
	Identity	id;
	bool		here;

	return find_identity(plan_id, name, &id, &here) && !here;
}

AttrNumber
plan_deed_column(const PlanDeed *deed, int n, const char *name)
{
	Oid			table = sg_find_qualified(deed->what->child_table);
	AttrNumber	attnum;
	Identity	id;

	if (read_identity(deed, &id) && n < list_length(id.columns) && list_nth_int(id.columns, n) > 0)
		return column_by_number(id.table, list_nth_int(id.columns, n)) ? list_nth_int(id.columns, n) : InvalidAttrNumber;
	attnum = OidIsValid(table) ? get_attnum(table, name) : InvalidAttrNumber;

	/*
	 * known by its name, a kept column must have the recorded type, and must
	 * not be what another plan keeps here
	 */
	if (id.type[0] && attnum > 0 &&
		(strcmp(type_of(table, attnum), id.type) != 0 || keeps_column(table, attnum) ||
		 plan_deed_is_outdated(deed, deed->what->child_table, name)))
		return InvalidAttrNumber;
	return attnum;
}

char *
plan_deed_moved_column(const PlanDeed *deed)
{
	ListCell   *lc;
	ListCell   *number;
	Identity	id;

	if (!read_identity(deed, &id))
		return NULL;
	forboth(lc, deed->what->child_columns, number, id.columns)
	{
		const char *name = lfirst(lc);
		char	   *now = column_by_number(id.table, lfirst_int(number));

		if (!sg_same_text(now, name))
			return now ? psprintf("column %s is called %s by now", pstrdup(quote_identifier(name)), quote_identifier(now)) :
				psprintf("column %s is gone", quote_identifier(name));
	}
	return NULL;
}

PlanStep *
plan_deed_keeper(const PlanDeed *deed)
{
	StoreArgs	args = {0};
	Identity	id;
	List	   *found;
	PlanStep   *keeper;

	if (!read_identity(deed, &id) || !is_of_column(deed) || id.columns == NIL)
		return NULL;
	store_arg_text(&args, psprintf("%s %%{%d} %%", plan_deed_mark(id.table), linitial_int(id.columns)));
	found = store_query("SELECT d.step || ' ' || p.name FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id"
						" WHERE d.undone_at IS NULL AND d.after ->> 'kind' = 'drop' AND d.after ->> 'identity' LIKE $1 LIMIT 1", &args, store_read_text);
	if (found == NIL)
		return NULL;
	keeper = plan_step_default(strchr(linitial(found), ' ') + 1);
	keeper->step = atoi(linitial(found));
	return keeper;
}

/* Returns the transaction that has made a relation: the rows of its system columns never change */
static TransactionId
made_by(Oid relid)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(TableOidAttributeNumber));
	TransactionId xid;

	if (!HeapTupleIsValid(tuple))
		sg_gone(ERRCODE_UNDEFINED_TABLE, "a partition");
	xid = HeapTupleHeaderGetRawXmin(tuple->t_data);
	ReleaseSysCache(tuple);
	return xid;
}

/* Returns whether a partition was attached after it had been made as a table of its own */
static bool
is_attached(Oid part)
{
	SgCatalog	scan;
	HeapTuple	tuple;
	bool		attached;

	sg_catalog_begin(&scan, InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, part, NULL);
	tuple = sg_catalog_next(&scan);
	attached = HeapTupleIsValid(tuple) && HeapTupleHeaderGetRawXmin(tuple->t_data) != made_by(part);
	sg_catalog_end(&scan);
	return attached;
}

char *
plan_deed_attached_since(const PlanDeed *deed)
{
	Identity	id;

	if (!partitions_must_have(deed) || !read_identity(deed, &id) || !id.has_parts)
		return NULL;
	foreach_oid(part, sg_with_partitions(id.table))
	{
		if (part != id.table && !list_member_int(id.parts, (int) part) && is_attached(part))
			return psprintf("partition %s, which was attached since, had it itself", sg_relation_name(part));
	}
	return NULL;
}

/*
 * Returns the object that now has the name of a deed's constraint or index that
 * is gone, or InvalidObjectAddress
 */
static ObjectAddress
namesake(const PlanDeed *deed)
{
	ObjectAddress object = InvalidObjectAddress;
	Identity	id;

	if (!read_identity(deed, &id) || !OidIsValid(id.object))
		return object;
	if (deed->kind == DEED_INDEX && !OidIsValid(plan_deed_index_oid(deed)))
		ObjectAddressSet(object, RelationRelationId, sg_find_qualified(deed->object));
	else if (deed->kind != DEED_INDEX && constraint_name(deed) && !constraint_by_oid(id.table, id.object))
		ObjectAddressSet(object, ConstraintRelationId, get_relation_constraint_oid(id.table, constraint_name(deed), true));
	return object;
}

/*
 * Returns true for any namesake: ALTER TYPE and REINDEX CONCURRENTLY of others
 * leave the same traces as DROP and CREATE do.
 */
bool
plan_deed_is_made_anew(const PlanDeed *deed)
{
	PlanDeed	anew = *deed;
	StoreArgs	args = {0};
	List	   *found;

	if (!OidIsValid(namesake(deed).objectId))
		return false;
	/* this call may have transferred the deed since it read it */
	store_arg_datum(&args, INT8OID, Int64GetDatum(deed->id), false);
	found = store_query("SELECT after ->> 'identity' FROM schemaguard.plan_deed WHERE id = $1", &args, store_read_text);
	if (found)
		anew.identity = linitial(found);
	return OidIsValid(namesake(&anew).objectId);
}

/*
 * Returns whether this transaction has created a constraint or index, rather
 * than changed an existing one's row
 */
static bool
is_made_here(const ObjectAddress *object)
{
	HeapTuple	tuple = SearchSysCache1(object->classId == ConstraintRelationId ? CONSTROID : INDEXRELID, ObjectIdGetDatum(object->objectId));
	bool		made = false;

	if (HeapTupleIsValid(tuple))
	{
		made = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(tuple->t_data)) && (tuple->t_data->t_infomask & HEAP_UPDATED) == 0;
		ReleaseSysCache(tuple);
	}
	return made;
}

/*
 * Returns the plans with open deeds of this database whose objects are gone.
 * In one query, because a plan may have a thousand deeds, and as many
 * statements.
 */
static List *
plans_that_lack(void)
{
	StoreArgs	args = {0};

	store_arg_text(&args, psprintf(UINT64_FORMAT " %u %%", GetSystemIdentifier(), sg_database_mark()));
	return store_query("SELECT DISTINCT p.name FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id"
					   " CROSS JOIN LATERAL (SELECT split_part(d.after ->> 'identity', ' ', 4)::oid) o (oid)"
					   " WHERE d.undone_at IS NULL AND d.after ->> 'identity' LIKE $1 AND o.oid <> 0"
					   "   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.oid = o.oid)"
					   "   AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = o.oid)"
					   "   AND d.after ->> 'kind' IS DISTINCT FROM 'default'", &args, store_read_text);
}

void
plan_deeds_follow_anew(void)
{
	CommandCounterIncrement();
	foreach_ptr(const char, name, plans_that_lack())
	{
		FkPlan	   *plan = plan_find(name);

		foreach_ptr(PlanDeed, deed, plan ? plan_deeds(plan, DEEDS_OF_CATALOG) : NIL)
		{
			ObjectAddress object;

			plan_deed_follow(deed);
			object = namesake(deed);
			if (OidIsValid(object.objectId) && is_made_here(&object))
				plan_deed_identify(plan, deed);
		}
	}
}

bool
plan_deed_made(const PlanDeed *deed, const ObjectAddress *object)
{
	Identity	id;

	if (!read_identity(deed, &id))
		return true;
	if (is_of_relation(deed))
		return object->objectId == id.table;
	if (is_of_column(deed))
		return id.columns == NIL || object->objectSubId == linitial_int(id.columns);
	return !OidIsValid(id.object) || object->objectId == id.object;
}

bool
plan_deed_has_constraint(const PlanDeed *deed)
{
	Identity	id;

	return read_identity(deed, &id) && constraint_by_oid(id.table, id.object) != NULL;
}

bool
plan_deed_is_of(const PlanDeed *deed, Oid object)
{
	Identity	id;

	return read_identity(deed, &id) && OidIsValid(object) && id.object == object;
}

Oid
plan_deed_index_oid(const PlanDeed *deed)
{
	Identity	id;

	if (read_identity(deed, &id) && OidIsValid(id.object) &&
		(get_rel_relkind(id.object) == RELKIND_INDEX || get_rel_relkind(id.object) == RELKIND_PARTITIONED_INDEX) &&
		IndexGetRelation(id.object, true) == id.table)
		return id.object;
	return InvalidOid;
}

char *
plan_deed_renamed(const PlanDeed *deed)
{
	Identity	id;

	if (!read_identity(deed, &id) || !is_table(id.table))
		return NULL;
	if (is_of_relation(deed))
		return get_rel_name(id.table);
	if (is_of_column(deed))
		return id.columns ? column_by_number(id.table, linitial_int(id.columns)) : NULL;
	if (renames(deed, CHANGED_INDEX))
		return get_rel_name(id.object);
	if (renames(deed, CHANGED_TRIGGER))
		return trigger_by_oid(id.table, id.object);
	return constraint_name(deed) ? constraint_by_oid(id.table, id.object) : NULL;
}
