/*-------------------------------------------------------------------------
 *
 * discover_signal.h
 *	  Signals for and against a candidate, as numbers from 0 to 1.
 *
 * The list of signals is the contract with schemaguard.discovery_weight: a
 * signal without a row there weighs nothing.  Each has a direction, and the
 * fit gives it no weight of the other sign.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_SIGNAL_H
#define SG_DISCOVER_SIGNAL_H

/* Direction of a signal, which the fit preserves */
typedef enum SignalDirection
{
	AGAINST = -1,
	EITHER,
	FOR
} SignalDirection;

typedef struct SignalName
{
	const char *name;
	SignalDirection direction;
	const char *words;
} SignalName;

/* Signals of names, types and keys: name in discovery_weight, direction, words for people */
#define NAME_SIGNALS \
	X(CANDIDATE, "candidate", AGAINST, "most candidates are none") \
	X(TABLE, "table name", FOR, "named like the table") \
	X(TABLE_ROLE, "table name after role", FOR, "ends in the table's name") \
	X(PREFIX_LEFT, "prefix left out", FOR, "what is left out is a prefix of many tables") \
	X(OWN_FRONT, "own prefix", FOR, "what is left out is what the child's name begins with") \
	X(OWN_NAME, "own name", FOR, "the child's name with that is the table's name") \
	X(COVER, "share of table name", FOR, "how much of the table's name it has") \
	X(BEFORE, "words before", AGAINST, "words come before") \
	X(KEY_SHARED, "shared key name", AGAINST, "other tables' keys have that name, too") \
	X(ACTOR_BEST, "table of people", FOR, "no other table does better as that of people") \
	X(SELF_WORD, "another row", FOR, "says that it is another row of the same table") \
	X(SELF, "same table", AGAINST, "child and parent are one table") \
	X(SELF_NEEDED, "same table, not null", AGAINST, "and each row would need another one") \
	X(BARE_TEXT, "bare text", AGAINST, "a text without an ending") \
	X(PLURAL, "plural", AGAINST, "a number that is called by a plural") \
	X(MEASURE, "named as a quantity", AGAINST, "its last word is of a quantity, a time or a text") \
	X(SUFFIX_SAME, "same ending", FOR, "column and key end in the same word") \
	X(SUFFIX_OTHER, "other ending", AGAINST, "column and key end in different words") \
	X(TYPE_SAME, "same type", FOR, "the types are the same") \
	X(CHILD_PRIMARY, "child's primary key", AGAINST, "it is the child's primary key") \
	X(CHILD_IN_PRIMARY, "part of child's key", FOR, "it is part of the child's primary key") \
	X(NOT_NULL, "not null", FOR, "it is not null") \
	X(UNINDEXED, "not indexed", AGAINST, "no index begins with it, where others have one") \
	X(PARENT_PRIMARY, "parent's primary key", FOR, "the target is a primary key") \
	X(OTHER_SCHEMA, "other schema", AGAINST, "child and parent are in different schemas") \
	X(PARENT_HAS, "parent has it too", AGAINST, "the parent has a column of that name beside its key") \
	X(TAUGHT, "declared elsewhere", FOR, "columns of that name are declared to refer there") \
	X(TAUGHT_WORD, "declared by word", FOR, "columns that end in the same words are declared to refer there") \
	X(TAUGHT_ALONE, "only declared", FOR, "nothing else brings it up") \
	X(GROUP, "group", AGAINST, "a reference of several columns") \
	X(GROUP_LEAD, "group with a name", FOR, "one of them bears the parent's name") \
	X(GROUP_REDUNDANT, "key made for references", FOR, "the target is more than it needs to be unique, as only a reference needs")

/*
 * Signals of statistics and rows, behind those of names: the weights of names
 * are fitted without them, and theirs on top.
 */
#define EVIDENCE_SIGNALS \
	X(KNOWN, "rows or statistics", EITHER, "there are rows or statistics of both tables") \
	X(NAMES, "names beside rows", FOR, "what the names say, now that rows say something") \
	X(MISSING, "values missing", AGAINST, "values are not in the parent") \
	X(CHANCE, "as by chance", AGAINST, "no more values are in the parent than by chance") \
	X(FITS, "beyond chance", FOR, "more values are in the parent than by chance") \
	X(FEW, "few values", AGAINST, "it names far fewer parents than its rows could") \
	X(UNIQUE, "no value recurs", AGAINST, "no value recurs where those of a reference would") \
	X(COVERS, "share of parents", FOR, "many of the parent's rows are named")

enum
{
#define X(id, name, direction, words) SIGNAL_##id,
	NAME_SIGNALS
#undef X
	NAME_SIGNAL_COUNT
};

typedef enum EvidenceSignal
{
#define X(id, name, direction, words) EVIDENCE_##id,
	EVIDENCE_SIGNALS
#undef X
	EVIDENCE_COUNT
} EvidenceSignal;

#define SIGNAL_COUNT (NAME_SIGNAL_COUNT + EVIDENCE_COUNT)

extern const SignalName signal_names[];

#endif							/* SG_DISCOVER_SIGNAL_H */
