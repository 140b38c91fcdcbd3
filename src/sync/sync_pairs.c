/*-------------------------------------------------------------------------
 *
 * sync_pairs.c
 *	  The pairs of objects that a script is made of, in order.
 *
 *	  The order is that of creation: an object comes after all objects that it
 *	  depends on, by the side that has it (property depends), and otherwise by
 *	  kind and identity.  A cycle is cut at the object that was reached first;
 *	  drops are in reverse order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/args.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/nametable.h"
#include "base/rowsink.h"
#include "base/spi.h"
#include "drift/drift_pairs.h"
#include "snapshot/snapshot_property.h"

SG_FUNCTION(sg_sync_digest);
SG_FUNCTION(sg_sync_pairs);

/* Kinds in the order of creation, for objects without a dependency between them */
static const SnapshotKind ranks[] = {
	KIND_EXTENSION, KIND_SCHEMA, KIND_LANGUAGE, KIND_ACCESS_METHOD, KIND_COLLATION, KIND_FOREIGN_DATA_WRAPPER,
	KIND_FOREIGN_SERVER, KIND_USER_MAPPING, KIND_TYPE, KIND_DOMAIN, KIND_SEQUENCE, KIND_TEXT_SEARCH_TEMPLATE,
	KIND_TEXT_SEARCH_PARSER, KIND_TEXT_SEARCH_DICTIONARY, KIND_TEXT_SEARCH_CONFIGURATION, KIND_CONVERSION,
	KIND_FUNCTION, KIND_PROCEDURE, KIND_AGGREGATE, KIND_OPERATOR, KIND_OPERATOR_FAMILY, KIND_OPERATOR_CLASS,
	KIND_CAST, KIND_TRANSFORM, KIND_TABLE, KIND_COLUMN, KIND_CONSTRAINT, KIND_VIEW, KIND_MATERIALIZED_VIEW, KIND_INDEX,
	KIND_STATISTICS, KIND_RULE, KIND_TRIGGER, KIND_POLICY, KIND_DEFAULT_PRIVILEGE, KIND_PUBLICATION,
	KIND_SUBSCRIPTION, KIND_EVENT_TRIGGER
};

typedef struct SyncNode
{
	DriftPair  *pair;
	int			rank;
	int			at;				/* index in the list of pairs */
	int			side;			/* side whose dependencies count */
	List	   *parts;			/* SyncNode *: parts created together with it */
	struct SyncNode *whole;		/* node with which it is created, or NULL */
	bool		reached;
} SyncNode;

typedef struct SyncOrder
{
	SgNameTable *nodes[2];		/* nodes by kind and identity, of each side */
	SgNameTable *columns[2];	/* lists of nodes of columns, by table, of
								 * each side */
	List	   *ordered;		/* DriftPair * */
} SyncOrder;

static bool
has_property(Jsonb *properties, const char *key)
{
	SgJson		whole;
	SgJson		member;

	if (properties == NULL)
		return false;
	snapshot_properties(&whole, properties);
	return sg_json_find(&whole, key, &member);
}

/*
 * Returns the order within a kind: foreign keys after the keys that they refer
 * to, casts by a function after casts without one, which may make its result
 * fit, and a parent's checks after equal ones of its children.
 */
static int
rank_within(SnapshotKind kind, Jsonb *properties)
{
	if ((kind == KIND_CONSTRAINT && has_property(properties, "references")) ||
		(kind == KIND_CAST && has_property(properties, "function")))
		return 2;
	return kind == KIND_CONSTRAINT && has_property(properties, "inherited") ? 0 : 1;
}

static int
rank_of(const DriftPair *pair, int side)
{
	int			rank = 0;

	while (rank < lengthof(ranks) && ranks[rank] != pair->kind)
		rank++;
	return 3 * rank + rank_within(pair->kind, pair->properties[side]);
}

static int
compare_nodes(const ListCell *a, const ListCell *b)
{
	const SyncNode *x = lfirst(a);
	const SyncNode *y = lfirst(b);

	return x->rank != y->rank ? x->rank - y->rank : x->at - y->at;
}

static void reach(SyncOrder *order, SyncNode *node);

/* Visits the columns of a table: what has its row type comes after them, also where the table itself is the same on both sides */
static void
reach_columns(SyncOrder *order, const char *table, int side)
{
	foreach_ptr(SyncNode, column, (List *) sg_names_value(order->columns[side], table, ""))
		reach(order, column->whole ? column->whole : column);
}

/* Visits the objects in "depends" of one side, each [kind, identity] */
static void
reach_below(SyncOrder *order, Jsonb *properties, int side)
{
	SgJson		whole;
	SgJson		edges;

	if (properties == NULL)
		return;
	snapshot_properties(&whole, properties);
	if (!sg_json_find(&whole, "depends", &edges) || sg_json_is_null(&edges))
		return;
	for (uint32 i = 0; i < sg_json_size(&edges); i++)
	{
		SgJson		edge;
		List	   *names;
		SyncNode   *below;

		sg_json_element(&edges, i, &edge);
		names = sg_json_texts(&edge);
		below = list_length(names) == 2 ? sg_names_value(order->nodes[side], linitial(names), lsecond(names)) : NULL;
		if (below)
			reach(order, below->whole ? below->whole : below);
		if (list_length(names) == 2 && strcmp(linitial(names), "table") == 0)
			reach_columns(order, lsecond(names), side);
	}
}

static void
reach_named(SyncOrder *order, SnapshotKind kind, const char *identity, int side)
{
	SyncNode   *above = identity ? sg_names_value(order->nodes[side], snapshot_kinds[kind].word, identity) : NULL;

	if (above)
		reach(order, above);
}

static char *
text_property(Jsonb *properties, const char *key)
{
	SgJson		whole;

	if (properties == NULL)
		return NULL;
	snapshot_properties(&whole, properties);
	return sg_json_find_text(&whole, key);
}

/* Visits the partitioned table's index or key of a partition's, and the schema of an extension */
static void
reach_whole(SyncOrder *order, const DriftPair *pair, int side)
{
	char	   *schema = pair->kind == KIND_EXTENSION ? text_property(pair->properties[side], "schema") : NULL;

	reach_named(order, pair->kind, text_property(pair->properties[side], "partition_of"), side);
	if (schema)
		reach_named(order, KIND_SCHEMA, quote_identifier(schema), side);
}

static const SnapshotKind parents[] = {KIND_SCHEMA, KIND_TABLE, KIND_VIEW, KIND_MATERIALIZED_VIEW, KIND_DOMAIN};

/* Visits the table of a column, and the columns of a table: either needs the other */
static void
reach_parent(SyncOrder *order, const DriftPair *pair, int side)
{
	for (int i = 0; i < lengthof(parents); i++)
		reach_named(order, parents[i], pair->parent[side], side);
}

static void
reach(SyncOrder *order, SyncNode *node)
{
	int			side = node->side;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (node->reached)
		return;
	node->reached = true;
	reach_parent(order, node->pair, side);
	reach_whole(order, node->pair, side);
	foreach_ptr(SyncNode, part, node->parts)
		reach_below(order, part->pair->properties[side], side);
	reach_below(order, node->pair->properties[side], side);
	order->ordered = lappend(order->ordered, node->pair);
}

/*
 * Joins columns of a table and checks of a domain that one side lacks to their
 * table or domain, which creates them
 */
static void
join_whole(SyncOrder *order, SyncNode *part)
{
	int			side = part->side;
	SnapshotKind kind = part->pair->kind == KIND_COLUMN ? KIND_TABLE : KIND_DOMAIN;
	SyncNode   *whole;

	if ((part->pair->kind != KIND_COLUMN && part->pair->kind != KIND_CONSTRAINT) || part->pair->parent[side] == NULL)
		return;
	whole = sg_names_value(order->nodes[side], snapshot_kinds[kind].word, part->pair->parent[side]);
	if (whole && whole->pair->identity[1 - side] == NULL)
	{
		whole->parts = lappend(whole->parts, part);
		part->whole = whole;
	}
}

/* Numbers the pairs in the order of creation by side `first`; objects that it lacks by the other side */
static List *
in_order(List *pairs, int first)
{
	SyncOrder	order = {{sg_names_create(CurrentMemoryContext), sg_names_create(CurrentMemoryContext)},
	{sg_names_create(CurrentMemoryContext), sg_names_create(CurrentMemoryContext)}};
	List	   *nodes = NIL;
	int			number = 0;

	foreach_ptr(DriftPair, pair, pairs)
	{
		SyncNode   *node = palloc0(sizeof(SyncNode));

		node->pair = pair;
		node->side = pair->identity[first] ? first : 1 - first;
		node->rank = rank_of(pair, node->side);
		node->at = list_length(nodes);
		for (int side = 0; side < 2; side++)
		{
			if (pair->identity[side])
				sg_names_enter(order.nodes[side], snapshot_kinds[pair->kind].word, pair->identity[side])->value = node;
			if (pair->kind == KIND_COLUMN && pair->parent[side])
			{
				SgNameEntry *entry = sg_names_enter(order.columns[side], pair->parent[side], "");

				entry->value = lappend(entry->value, node);
			}
		}
		nodes = lappend(nodes, node);
	}
	foreach_ptr(SyncNode, node, nodes)
		join_whole(&order, node);
	list_sort(nodes, compare_nodes);
	foreach_ptr(SyncNode, node, nodes)
		reach(&order, node);
	for (int side = 0; side < 2; side++)
	{
		sg_names_destroy(order.nodes[side]);
		sg_names_destroy(order.columns[side]);
	}
	foreach_ptr(DriftPair, pair, order.ordered)
		pair->number[first] = ++number;
	return order.ordered;
}

/* ---- renames that nobody has confirmed ---- */

static bool
differs(const DriftPair *pair)
{
	return pair->identity[0] == NULL || pair->identity[1] == NULL || pair->changes != NIL;
}

static DriftPair *
withheld(SgNameTable *names, SnapshotKind kind, const char *identity)
{
	return identity ? sg_names_value(names, snapshot_kinds[kind].word, identity) : NULL;
}

static DriftPair *
depends_on_withheld(SgNameTable *names, Jsonb *properties)
{
	DriftPair  *found = NULL;
	SgJson		whole;
	SgJson		edges;

	snapshot_properties(&whole, properties);
	if (!sg_json_find(&whole, "depends", &edges) || sg_json_is_null(&edges))
		return NULL;
	for (uint32 i = 0; i < sg_json_size(&edges) && found == NULL; i++)
	{
		SgJson		edge;
		List	   *edge_names;

		sg_json_element(&edges, i, &edge);
		edge_names = sg_json_texts(&edge);
		if (list_length(edge_names) == 2)
			found = sg_names_value(names, linitial(edge_names), lsecond(edge_names));
	}
	return found;
}

/* Returns a withheld column among those that an index, a constraint or statistics has by name */
static DriftPair *
withheld_column(SgNameTable *names, Jsonb *properties, const char *property, const char *table)
{
	DriftPair  *found = NULL;
	SgJson		whole;
	SgJson		columns;

	if (properties == NULL || table == NULL)
		return NULL;
	snapshot_properties(&whole, properties);
	if (!sg_json_find(&whole, property, &columns) || sg_json_is_null(&columns))
		return NULL;
	for (uint32 i = 0; i < sg_json_size(&columns) && found == NULL; i++)
	{
		SgJson		column;
		char	   *name;

		sg_json_element(&columns, i, &column);
		name = sg_json_is_null(&column) ? NULL : sg_json_text(&column);
		if (name)
			found = withheld(names, KIND_COLUMN, psprintf("%s.%s", table, quote_identifier(name)));
	}
	return found;
}

static DriftPair *
has_withheld_columns(SgNameTable *names, const DriftPair *pair, int side)
{
	Jsonb	   *properties = pair->properties[side];
	DriftPair  *found;

	if (pair->kind != KIND_CONSTRAINT && pair->kind != KIND_INDEX && pair->kind != KIND_STATISTICS)
		return NULL;
	found = withheld_column(names, properties, "columns", pair->parent[side]);
	if (found == NULL)
		found = withheld_column(names, properties, "include", pair->parent[side]);
	return found ? found : withheld_column(names, properties, "referenced_columns", text_property(properties, "references"));
}

/* Returns the withheld pair that an object of one side has to wait for; NULL: none */
static DriftPair *
question_of(const DriftPair *pair, int side, SgNameTable **all)
{
	SgNameTable *names = all[side];
	Jsonb	   *properties = pair->properties[side];
	DriftPair  *found = NULL;

	if (pair->identity[side] == NULL)
		return NULL;
	found = withheld(all[0], pair->kind, pair->perhaps);
	for (int i = 0; i < lengthof(parents) && found == NULL; i++)
		found = withheld(names, parents[i], pair->parent[side]);
	if (found == NULL)
		found = withheld(names, KIND_TABLE, text_property(properties, "references"));
	if (found == NULL)
		found = withheld(names, pair->kind, text_property(properties, "partition_of"));
	if (found == NULL)
		found = withheld(names, KIND_COLUMN, text_property(properties, "owned_by"));
	if (found == NULL && text_property(properties, "owned_by"))
		found = withheld(names, KIND_TABLE, drift_owner(text_property(properties, "owned_by")));
	if (found == NULL)
		found = has_withheld_columns(names, pair, side);

	/*
	 * an object that only the target has, in a schema that was probably
	 * renamed, has the schema's new name
	 */
	if (found == NULL)
		found = withheld(all[0], KIND_SCHEMA, pair->parent[1]);
	return found || properties == NULL ? found : depends_on_withheld(names, properties);
}

static void
withhold(SgNameTable **names, DriftPair *pair, DriftPair *question)
{
	pair->waits_for = question;
	for (int side = 0; side < 2; side++)
	{
		if (pair->identity[side])
			sg_names_enter(names[side], snapshot_kinds[pair->kind].word, pair->identity[side])->value = question;
	}
}

/*
 * Returns whether an object of the target that depends on this one keeps it
 * from being dropped or altered
 */
static bool
is_held_below(const DriftPair *pair)
{
	if (pair->identity[0] == NULL)
		return true;
	switch (pair->kind)
	{
		case KIND_SCHEMA:
		case KIND_TABLE:
		case KIND_SEQUENCE:
		case KIND_INDEX:
		case KIND_CONSTRAINT:
			return false;
		default:
			return differs(pair);
	}
}

/* Withholds an object of the target on which a waiting one depends; returns whether that was to change */
static bool
withhold_below(SgNameTable **names, SgNameTable *pairs, const char *kind, const char *identity, DriftPair *question)
{
	DriftPair  *below = identity ? sg_names_value(pairs, kind, identity) : NULL;

	if (below == NULL || below->waits_for || !is_held_below(below))
		return false;
	withhold(names, below, question);
	return true;
}

/* Withholds the objects of the target that a waiting object depends on, or is in */
static bool
withhold_under(SgNameTable **names, SgNameTable *pairs, const DriftPair *pair)
{
	Jsonb	   *properties = pair->properties[1];
	bool		found = false;
	SgJson		whole;
	SgJson		edges;

	if (pair->identity[1] == NULL || properties == NULL)
		return false;
	for (int i = 0; i < lengthof(parents); i++)
		found |= withhold_below(names, pairs, snapshot_kinds[parents[i]].word, pair->parent[1], pair->waits_for);
	snapshot_properties(&whole, properties);
	if (!sg_json_find(&whole, "depends", &edges) || sg_json_is_null(&edges))
		return found;
	for (uint32 i = 0; i < sg_json_size(&edges); i++)
	{
		SgJson		edge;
		List	   *edge_names;

		sg_json_element(&edges, i, &edge);
		edge_names = sg_json_texts(&edge);
		if (list_length(edge_names) == 2)
			found |= withhold_below(names, pairs, linitial(edge_names), lsecond(edge_names), pair->waits_for);
		/* a dependency on a column counts for its table, too */
		if (list_length(edge_names) == 2 && strcmp(linitial(edge_names), "column") == 0)
			found |= withhold_below(names, pairs, "table", drift_owner(lsecond(edge_names)), pair->waits_for);
	}
	return found;
}

static SgNameTable *
by_target_name(List *pairs)
{
	SgNameTable *result = sg_names_create(CurrentMemoryContext);

	foreach_ptr(DriftPair, pair, pairs)
	{
		if (pair->identity[1])
			sg_names_enter(result, snapshot_kinds[pair->kind].word, pair->identity[1])->value = pair;
	}
	return result;
}

/* ---- inherited parts ---- */

/* Returns not inherited columns of both sides, by both of their names; the first of each */
static SgNameTable *
own_columns(List *pairs)
{
	SgNameTable *result = sg_names_create(CurrentMemoryContext);

	foreach_ptr(DriftPair, pair, pairs)
	{
		SgNameEntry *entry;

		if (pair->kind != KIND_COLUMN || pair->identity[0] == NULL || pair->identity[1] == NULL ||
			has_property(pair->properties[1], "inherited"))
			continue;
		entry = sg_names_enter(result, pair->name[0], pair->name[1]);
		if (entry->value == NULL)
			entry->value = pair;
	}
	return result;
}

/*
 * Returns the question about a guessed rename; NULL: the rename follows from
 * one that somebody has confirmed
 */
static DriftPair *
question_about(SgNameTable *columns, DriftPair *pair)
{
	DriftPair  *above = NULL;

	if (pair->kind == KIND_COLUMN && has_property(pair->properties[1], "inherited"))
		above = sg_names_value(columns, pair->name[0], pair->name[1]);
	if (above == NULL)
		above = pair;
	return above->score > 0 ? above : NULL;
}

static double
position_of(const DriftPair *column)
{
	SgJson		whole;
	SgJson		position;

	snapshot_properties(&whole, column->properties[0]);
	return sg_json_find(&whole, "position", &position) ? sg_json_float8(&position) : 0;
}

/*
 * Withholds new columns that the reference has before a withheld one: they
 * would be the last of their table, so the next comparison would find the two
 * names of the withheld column in different places, and ask no more
 */
static void
withhold_columns_before(SgNameTable **names, List *pairs)
{
	SgNameTable *questions = sg_names_create(CurrentMemoryContext);

	foreach_ptr(DriftPair, pair, pairs)
	{
		SgNameEntry *entry;

		if (pair->kind != KIND_COLUMN || pair->score <= 0 || pair->waits_for == NULL)
			continue;
		entry = sg_names_enter(questions, pair->parent[0], "");
		if (entry->value == NULL || position_of(pair) > position_of(entry->value))
			entry->value = pair;
	}
	foreach_ptr(DriftPair, pair, pairs)
	{
		DriftPair  *behind;

		if (pair->kind != KIND_COLUMN || pair->identity[1] || pair->waits_for)
			continue;
		behind = sg_names_value(questions, pair->parent[0], "");
		if (behind && position_of(pair) < position_of(behind))
			withhold(names, pair, behind->waits_for);
	}
	sg_names_destroy(questions);
}

/*
 * Withholds guessed renames, the objects that depend on them, and the target's
 * objects that they depend on.  Because pairs are in the order of creation, the
 * first pass finds nearly all.
 */
static void
withhold_renames(List *pairs)
{
	SgNameTable *names[2] = {sg_names_create(CurrentMemoryContext), sg_names_create(CurrentMemoryContext)};
	SgNameTable *targets = by_target_name(pairs);
	SgNameTable *columns = own_columns(pairs);
	bool		found = false;

	foreach_ptr(DriftPair, pair, pairs)
	{
		DriftPair  *question = pair->score > 0 ? question_about(columns, pair) : NULL;

		if (question == NULL)
			continue;
		withhold(names, pair, question);
		found = true;
	}
	withhold_columns_before(names, pairs);
	while (found)
	{
		found = false;
		foreach_ptr(DriftPair, pair, pairs)
		{
			DriftPair  *question = NULL;

			CHECK_FOR_INTERRUPTS();
			for (int side = 0; side < 2 && question == NULL && pair->waits_for == NULL && differs(pair); side++)
				question = question_of(pair, side, names);
			if (question)
			{
				withhold(names, pair, question);
				found = true;
			}
			if (pair->waits_for)
				found |= withhold_under(names, targets, pair);
		}
	}
	sg_names_destroy(targets);
	sg_names_destroy(columns);
	sg_names_destroy(names[0]);
	sg_names_destroy(names[1]);
}

/*
 * Returns why a pair is withheld: the evidence for a rename, or the question
 * that has to be answered first
 */
static char *
why_withheld(const DriftPair *pair)
{
	const DriftPair *question = pair->waits_for;

	if (question == NULL)
		return NULL;
	return question == pair ? pair->evidence : psprintf("%s %s", snapshot_kinds[question->kind].word, question->identity[0]);
}

/* ---- the call ---- */

static void
emit_jsonb(SgRowSink *sink, Jsonb *value)
{
	if (value)
		sg_sink_datum(sink, JsonbPGetDatum(value));
	else
		sg_sink_null(sink);
}

/* Digest of this database, by the last call */
static uint8 digest[SNAPSHOT_CHECKSUM_LENGTH];
static bool has_digest;

/* Returns the value of a word; raises 22023 for an unknown one */
static DriftRenames
renames_of(const char *word)
{
	static const char *const words[] = {"drop", "follow", "ask"};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for renames: \"%s\"", word),
			 errhint("Use ask, follow or drop.")));
}

/*
 * schemaguard.sg_sync_pairs(reference text, target text, schemas text[],
 * renames text)
 *
 * Returns the objects that differ, and those that may have to be recreated with
 * them, in the order of creation; withheld ones with the reason.  Raises
 * sg_drift()'s errors.
 */
static Datum
sg_sync_pairs_entered(PG_FUNCTION_ARGS)
{
	SgRowSink	sink;
	char	   *reference = sg_arg_text(fcinfo, 0);
	char	   *target = sg_arg_text(fcinfo, 1);
	List	   *schemas = sg_arg_is_null(fcinfo, 2) ? NIL : sg_text_array_list(PG_GETARG_DATUM(2));
	DriftRenames renames = renames_of(sg_arg_text(fcinfo, 3));
	List	   *pairs;

	sg_check_version();
	has_digest = false;
	/* held, because later statements read its objects again */
	snapshot_hold(reference);
	snapshot_hold(target);
	pairs = drift_pairs(reference, target, schemas, renames, digest);
	has_digest = strcmp(reference, SNAPSHOT_LIVE) == 0 || strcmp(target, SNAPSHOT_LIVE) == 0;
	(void) in_order(pairs, 1);
	pairs = in_order(pairs, 0);
	if (renames == RENAMES_ASK)
		withhold_renames(pairs);
	sg_sink_begin(&sink, fcinfo);
	foreach_ptr(DriftPair, pair, pairs)
	{
		sg_sink_int32(&sink, pair->number[0]);
		sg_sink_int32(&sink, pair->number[1]);
		sg_sink_text(&sink, snapshot_kinds[pair->kind].word);
		for (int side = 0; side < 2; side++)
		{
			sg_sink_text(&sink, pair->identity[side]);
			sg_sink_text(&sink, pair->parent[side]);
			sg_sink_text(&sink, pair->name[side]);
			emit_jsonb(&sink, pair->properties[side]);
		}
		sg_sink_names(&sink, pair->changes);
		sg_sink_text(&sink, pair->unknown);
		if (pair->score > 0 && (pair->waits_for == NULL || pair->waits_for == pair))
			sg_sink_datum(&sink, Float8GetDatum(pair->score));
		else
			sg_sink_null(&sink);
		sg_sink_text(&sink, why_withheld(pair));
		sg_sink_emit(&sink);
	}
	return (Datum) 0;
}

/*
 * schemaguard.sg_sync_digest()
 *
 * Returns the digest of this database by this session's last sg_sync_pairs()
 */
static Datum
sg_sync_digest_entered(PG_FUNCTION_ARGS)
{
	bytea	   *result;

	if (!has_digest)
		PG_RETURN_NULL();
	result = palloc(VARHDRSZ + sizeof(digest));
	SET_VARSIZE(result, VARHDRSZ + sizeof(digest));
	memcpy(VARDATA(result), digest, sizeof(digest));
	PG_RETURN_BYTEA_P(result);
}
