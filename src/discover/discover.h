/*-------------------------------------------------------------------------
 *
 * discover.h
 *	  Foreign keys that are missing: candidates, their signals and scores.
 *
 * Names, types, keys and indexes of the whole database are read once
 * (discover_facts.c).  For each column the tables that its name may mean are
 * looked up by words (discover_words.c, discover_match.c), groups of columns
 * likewise (discover_group.c).  Each candidate gets a vector of signals
 * (discover_signal.c).  The candidates of one column compete with each other
 * and with "no reference at all": a candidate's score is its share of the sum
 * of exp(weighted signals), where "none" counts 1 (discover_score.c).  The
 * weights are in schemaguard.discovery_weight, fitted by
 * test/bench/discover/fit.pl.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DISCOVER_H
#define SG_DISCOVER_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "fk/fk.h"

/* ---- words of names (discover_words.c) ---- */

#define WORDS_MAX 16
#define WORD_KEY_SIZE 96		/* bytes of a looked up name; longer is cut */

typedef struct Words
{
	int			n;
	char	  **word;			/* lower case */
	char	  **stem;			/* the word without the marks of a plural */
	int		   *class;			/* WORD_* */
} Words;

/* Room for words that are being made: those of facts are shared by all that have the name */
typedef struct WordsRoom
{
	char	   *word[WORDS_MAX];
	char	   *stem[WORDS_MAX];
	int			class[WORDS_MAX];
} WordsRoom;

/* What the end of a column's name says about its kind */
typedef enum Suffix
{
	SUFFIX_NONE,
	SUFFIX_ID,					/* id, uuid, oid, ... */
	SUFFIX_KEY,					/* key, no, nr, sk, ... */
	SUFFIX_CODE,
	SUFFIX_NAME
} Suffix;

/* Classes of words; a word may be in several */
#define WORD_PERSON		0x01	/* names a table of people */
#define WORD_ACTOR		0x02	/* what people are called where they act */
#define WORD_SELF		0x04	/* another row of the same table */
#define WORD_EXTERNAL	0x08	/* another system */
#define WORD_GENERIC	0x10	/* says little alone: type, status, ... */
#define WORD_MEASURE	0x20	/* a quantity, a time, a text */
#define WORD_DECORATION 0x40	/* tbl, dim, master: part of no noun */
#define WORD_NUMBER		0x80	/* "number of", "most" */
#define WORD_LOG		0x100	/* a table that is written and not referred to */
#define WORD_TREE		0x200	/* of WORD_SELF: another row and nothing else */
#define WORD_ROLE		0x400	/* one of the two that a relation is between */
#define WORD_OUTSIDER	0x800	/* of WORD_PERSON: somebody from outside */
#define WORD_BUYER		0x1000	/* what somebody from outside may do */
#define WORD_STAFF		0x8000	/* names a table of those who work here */
#define WORD_JOB		0x10000 /* what these do */
#define WORD_SECRET		0x40000 /* what only one person knows */
#define WORD_MORE		0x80000 /* a table that tells more of another's rows */
#define WORD_PICTURE	0x100000	/* what a picture or a file is for */

extern Words words_split(const char *name, WordsRoom *room);
extern Words words_copy(const Words *words, WordsRoom *room);
extern bool words_is_number(const char *word);
extern int	words_class(const char *word, const char *stem);
extern Suffix words_suffix(const char *word);
extern bool words_personal(const Words *words);
extern int	words_secret(const Words *words);
extern bool words_is_agent(const char *word);
extern int	words_pictures(const char *stem);
extern bool words_reference_prefix(const char *word);

/* The part of a word before a glued suffix ("hostid"), or 0 */
extern int	words_glued_suffix(const char *word, Suffix *suffix);
extern char *words_stem(const char *word);

/* Is `a` short for `b`?  1: its beginning; 2: letters of it in order */
extern int	words_abbreviates(const char *a, const char *b);

/* Stems lo..hi joined, cut to WORD_KEY_SIZE */
extern void words_join(const Words *words, int lo, int hi, char *key);

/* Is a stem among lo..hi of them? */
extern bool words_have(const Words *words, int lo, int hi, const char *stem);

/* Is one of lo..hi of a class? */
extern bool words_any(const Words *words, int lo, int hi, int class);

/* Are n stems of a, from one on, those of b from another on? */
extern bool words_same(const Words *a, int from, const Words *b, int other, int n);

/* ---- facts (discover_facts.c) ---- */

/* A name that tables or columns have, each once: the same ones recur */
typedef struct FactName
{
	char		name[NAMEDATALEN];	/* hash key */
	Words		words;
} FactName;

typedef struct FactTable
{
	Oid			oid;
	Oid			schema;
	char	   *name;
	Words		words;
	int			columns;		/* first of ncolumns in Facts.columns */
	int			ncolumns;
	int			column_prefix;	/* words that its columns' names begin with */
	int			prefix;			/* words of its name that many tables begin
								 * with */
	int			family;			/* tables whose name begins with the next word */
	List	   *keys;			/* of int: its unique keys in Facts.keys */
	List	   *references;		/* of int: declared ones that it is the child
								 * of */
	int			primary;		/* the primary one, or -1 */
	bool		partition;
	bool		unlogged;
	bool		denied;			/* the current role may read none of it */
	double		tuples;			/* reltuples: -1 is unknown */
	int			central;		/* columns whose name means this table */
	double		personal;		/* of the tables of people: columns about a
								 * person, as share of most in those that are
								 * no customers' */
	int			subject_end;	/* words of its name that are those of
								 * subjects; 0: none, -1: not looked for yet */
	List	   *subjects;		/* of int: tables whose rows it may be about */
	char	   *shown;			/* facts_table_name(), or NULL */
} FactTable;

typedef struct FactColumn
{
	int			table;
	AttrNumber	attnum;
	char	   *name;
	Oid			type;
	Oid			collation;
	Words		words;
	char	   *joined;			/* its stems, without the table's prefix */
	int32		typmod;
	bool		not_null;
	bool		sequence;		/* makes its own values */
	bool		leads_index;	/* first of an index, unique ones left out */
	bool		leads_any;		/* first of any index */
	bool		alone_primary;
	bool		alone_unique;
	bool		in_primary;
	bool		declared;		/* is a reference already, alone */
} FactColumn;

typedef struct FactKey
{
	int			table;
	int			n;
	int			columns[INDEX_MAX_KEYS];	/* in Facts.columns */
	bool		primary;
	bool		borrowed;		/* its name is that of another table's key */
	bool		owned;			/* its name has the table's name in it */
	int			sharing;		/* keys of the same name */
	bool		first;			/* owned; no table that owns one of that name
								 * has fewer words, none of its schema as few */
	double		usual;			/* share of the primary keys that have this
								 * name */
	double		unlike;			/* how much more usual another name is for
								 * primary keys, 0 to 1 */
} FactKey;

typedef struct FactReference
{
	int			child;			/* tables */
	int			parent;
	int			n;
	int			child_columns[INDEX_MAX_KEYS];
	int			parent_columns[INDEX_MAX_KEYS];
	char		on_delete;
} FactReference;

typedef struct Facts
{
	MemoryContext context;
	MemoryContext reasons;		/* where the candidates that are at hand keep
								 * theirs */
	FactTable  *tables;
	int			ntables;
	FactColumn *columns;
	int			ncolumns;
	HTAB	   *names;			/* of tables and columns: FactName */
	FactKey    *keys;
	int			nkeys;
	FactReference *references;	/* declared ones */
	int			nreferences;
	int			references_room;
	int			indexed;		/* columns that lead an index that is not
								 * unique */
	HTAB	   *by_whole_name;	/* joined stems of all words -> tables */
	HTAB	   *by_table_name;	/* joined stems of parts, too -> tables */
	HTAB	   *by_key_name;	/* joined stems -> keys */
	HTAB	   *by_key_word;	/* the names of primary keys of one word ->
								 * keys */
	HTAB	   *by_column_name; /* joined stems -> columns */
	List	   *vocabulary[256];	/* stems of the tables' names, by first
									 * byte */
	HTAB	   *expansions;		/* see names_expansions() */
	int			by_letter[256]; /* the only table of one word that begins so,
								 * or -1 */
	List	   *persons;		/* of int: the tables of people, best first */
	int			staff;			/* the one of those who work here, or -1 */
	int			pictures;		/* the table of pictures and files, or -1 */
	struct StatsCache *stats;
	HTAB	   *type_pairs;
	HTAB	   *shared_words;
	HTAB	   *table_index;	/* OID -> table */
	HTAB	   *possible;		/* what rows_possible() has found out */
	char	   *usual_delete;	/* what most declared keys do, by parent;
								 * NULL: not yet counted */
} Facts;

extern Facts *facts_read(void);
extern int	facts_find_table(const Facts *facts, Oid oid);
extern FactName *facts_find_name(const Facts *facts, const char *name);

/* Keep words in the facts, each of their strings once */
extern Words facts_keep_words(Facts *facts, const Words *words);

/* A table's name as it is shown, looked up once */
extern const char *facts_table_name(const Facts *facts, int table);

/* Could a key's column of one type refer to a key of another? */
extern bool facts_types_match(Facts *facts, Oid child, Oid parent);

/* TYPCATEGORY_* of a type, a domain's of what it is made of */
extern char facts_type_category(Oid type);
extern bool facts_is_text(Oid type);

/* ---- candidates (discover_match.c, discover_group.c) ---- */

#define GROUP_MAX 8				/* columns of a candidate */

/* What a score rests on: each level is calibrated apart */
typedef enum EvidenceLevel
{
	LEVEL_NAMES,
	LEVEL_STATISTICS,
	LEVEL_ROWS
} EvidenceLevel;

typedef enum NameMatch
{
	MATCH_NONE,
	MATCH_ACRONYM,
	MATCH_HEAD,					/* the name begins so */
	MATCH_TAIL,					/* the name ends so */
	MATCH_FULL
} NameMatch;

typedef struct Candidate
{
	int			set;			/* of candidates that compete */
	int			column;			/* the column that it is about, or the first */
	int			key;
	int			n;
	int			columns[GROUP_MAX]; /* pairwise with the key's */

	/* how the column's name meets the table's */
	NameMatch	table_match;
	int8		front;			/* words of the table's name left over */
	int8		back;
	int8		abbreviation;	/* as words_abbreviates */
	bool		glued;			/* begins inside of a word of the column's */
	bool		table_glued;	/* ... of the table's */
	int			sharing;		/* tables whose name ends like that */
	bool		counts;			/* the words before say "number of" */
	bool		self_before;	/* they are of another row */
	int8		before;			/* words of the column's name left over */
	int8		after;
	bool		sibling;		/* the child has a column without those */
	bool		own_front;		/* the words left over are the child's own */
	double		own_share;		/* how much of the child's name these words
								 * are, wherever they are in it */
	bool		decorated;		/* what is matched is all of another table's
								 * name */
	int8		roles_inside;	/* words before that are among those left over */
	double		cover;			/* share of the table's name that is matched */
	Suffix		suffix;
	bool		prefix;			/* id_, fk_ */
	bool		external;		/* the words before are another system's */
	bool		measure;		/* the words after are of a quantity or so */

	/* how it meets the key's */
	bool		key_match;
	int8		key_before;
	bool		key_glued;
	bool		key_initial;	/* what is before in that word abbreviates the
								 * parent */
	bool		key_short;		/* a word of it is abbreviated */
	bool		key_whole;		/* with what its table's columns begin with */

	bool		picture;		/* the name says what a picture is for, and
								 * this is their table */
	bool		self_word;
	bool		tree_word;		/* and it says nothing else */
	bool		self_named;		/* it comes after the child's own name */
	bool		actor_word;
	bool		buys;			/* who need not be of the house */
	bool		works;			/* as those do who are paid for it */
	bool		agent;			/* by its ending only */
	bool		about;			/* the child's name begins with the parent's,
								 * and the column is another row or the rest
								 * of that name */
	bool		kinds;			/* the parent's name is the child's, the
								 * column's, and one more word */
	bool		letter;			/* the column is the parent's first letter,
								 * and id */
	bool		linked;			/* the child is a link table, named after the
								 * parent at the column's place */
	bool		extends;		/* one to one: the child's name extends the
								 * parent's */
	double		rank;			/* for pruning */
	bool		polymorphic;	/* a sibling says of which table it is a key */
	bool		impossible;		/* only a user can want it */

	/* groups */
	bool		leads;			/* the column says the parent's name */
	int			lead;			/* its place in columns */
	bool		redundant;		/* what it refers to is unique already */
	int			rarity;			/* tables that have the rarest of its names */
	bool		within;			/* a wider group of the child has all its
								 * columns */

	/* what the rows say (discover_rows.c) */
	FkKey	   *fk;				/* resolved as ALTER TABLE would, or NULL;
								 * only while its rows are read */
	int64		rows_checked;	/* -1: none */
	int64		orphan_rows;
	bool		whole;			/* all rows were read, no sample */
	const char *reason;

	struct SignalValue *signals;	/* those that are not 0 */
	int			nsignals;
	EvidenceLevel level;
	bool		accepted;		/* by a user */
	double		sum;
	double		score;
	struct Candidate *rival;	/* the best other one of its set */
} Candidate;

/* A table's name, or a part of it */
typedef struct NameForm
{
	int			table;
	int8		front;			/* words left out; letters if glued */
	int8		back;
	bool		glued;			/* begins inside of a word */
	NameMatch	match;
	double		cover;			/* share of the whole name */
} NameForm;

/* How many tables go by one name, or a part of it, in each way */
typedef struct NameCrowd
{
	int			n[MATCH_FULL + 1];
	const NameForm *root;		/* of those that begin so, the one that all
								 * others extend, or NULL */
} NameCrowd;

/* Counted once for each name, which must be there */
extern const NameCrowd *names_crowd(Facts *facts, const char *name);

/* Is there a table whose name is just these words of another's? */
extern bool names_another(const Facts *facts, const FactTable *table, int lo, int hi);

/* Where a table's decorations at the end of its name begin: after its last noun */
extern int	names_end(const FactTable *table);

/* Is it a table of customers, or of a customer's users? */
extern bool names_outsiders(const FactTable *table);

/* Does the name of one table begin with all of another's? */
extern bool names_extended(const Facts *facts, int front, int table);

/* What is in one of the hash tables of Facts under a name, or NIL */
extern List *names_find(HTAB *hash, const char *key);

extern List *names_expansions(Facts *facts, const char *stem);

/* Hash tables of the same kind, of lists of int */
extern HTAB *names_hash(const char *name);
extern void names_add(HTAB *hash, const char *key, int value);

/* Cut names written as one word (discover_split.c) */
extern void split_names(Facts *facts);

/* Fill those hash tables */
extern void match_prepare(Facts *facts);
extern bool match_eligible(const Facts *facts, int column);
extern bool match_polymorphic(const Facts *facts, int column);

/*
 * Candidates of the columns from *next on, sets in one piece, ordered by
 * column.  After so many as there is room for, with those that the rows may
 * bring up, the table that is begun is the last one; *next is set to what
 * comes then.
 */
extern List *match_candidates(Facts *facts, int *next, int64 room);

/*
 * Groups, once it has been noted of all candidates of columns which of them
 * are groups as well.
 */
extern HTAB *match_led(void);
extern void match_note_led(const Facts *facts, HTAB *led, List *singles);
extern List *match_groups(Facts *facts, HTAB *led);

/*
 * The other columns that, with `lead`, refer to a key of several columns;
 * false unless each of them is in the child by the name it has in the parent.
 */
extern bool match_lead(Facts *facts, int lead, int key, int *columns);

/* Is a column alone a unique key of the table? */
extern bool match_is_key(const Facts *facts, int table, int column);

/* The columns of one name, the prefix of their table left out, as list of int */
extern List *match_columns_named(const Facts *facts, const char *joined);

/* The first such column of one table that is no partition, or -1 */
extern int	match_column_named(const Facts *facts, int table, const char *joined);
extern bool match_generic_name(const Facts *facts, int column);
extern bool match_columns_begin_alike(const Facts *facts, const FactColumn *column);

/* ---- link tables (discover_link.c) ---- */

/*
 * Of two columns that are only numbered or told by "from" and "to", which one is this?  1, 2, or 0: none;
 * *at is the word that says so.
 */
extern int	link_place(const Facts *facts, int column, int *at);

/* The two tables whose names make up that of another, in that order */
extern bool link_ends(const Facts *facts, int table, int ends[2]);

/* ---- signals and scores (discover_signal.c, discover_score.c) ---- */

typedef struct SignalName
{
	const char *name;
	const char *words;
} SignalName;

typedef struct SignalValue
{
	int			signal;
	float		value;
} SignalValue;

/*
 * The signals that statistics and rows give, after those of names: the fit of
 * those knows neither, and these are fitted on top of it.
 */
#define EVIDENCE_SIGNALS \
	X(STATS_KNOWN, "statistics", "there are statistics of both tables") \
	X(STATS_DISTINCT, "too many values", "by the statistics, the column has more different values than the parent has rows") \
	X(STATS_OUTSIDE, "values outside", "by the statistics, values of the column are none of the parent's") \
	X(STATS_LISTED, "values listed", "by the statistics, all values of the column are the parent's, and are no numbers") \
	X(STATS_SHORT, "numbers end early", "by the statistics, the column's numbers end far before the parent's") \
	X(STATS_FEW, "few values", "by the statistics, the column names far fewer parents than its rows could") \
	X(STATS_UNIQUE, "no value recurs", "by the statistics, no value recurs where those of a reference would") \
	X(ALONE, "alone", "the rows refute that the column is a part of a reference of several") \
	X(ROWS_LOOKED, "rows", "rows were looked at") \
	X(ROWS_NAMES, "names beside rows", "what the names say, now that rows say something") \
	X(ROWS_ORPHANS, "orphans", "values that were looked at are not in the parent") \
	X(ROWS_ORPHAN_SHARE, "share of orphans", "the share of these") \
	X(ROWS_FEW_ORPHANS, "few orphans", "nearly all values that were looked at are in the parent") \
	X(ROWS_NUMBER, "rows, numbers", "the numbers that were looked at are in the parent; more of them say more") \
	X(ROWS_OTHER, "rows, no numbers", "the values that were looked at are in the parent, and are no numbers") \
	X(ROWS_MOST, "rows, most", "more than half of the values that were looked at are in the parent, and are no numbers") \
	X(ROWS_TOGETHER, "rows, together", "the parent has them together, and would lack them if each came from another row") \
	X(ROWS_GAPS, "gaps are avoided", "the parent lacks numbers between those that were looked at, and they hit none of these gaps") \
	X(ROWS_SHORT, "rows, numbers end early", "the numbers that were looked at end far before the parent's") \
	X(ROWS_FEW, "rows, few values", "they name far fewer parents than they could") \
	X(ROWS_COVER, "rows, share of parents", "the share of the parent's rows that they name") \
	X(ROWS_UNIQUE, "rows, no value recurs", "no value recurs where those of a reference would") \
	X(ROWS_OWN_KEY, "rows of an own key", "the column is a key of its own, whose numbers begin like those of any other") \
	X(ROWS_SPARSE, "rows, sparse own key", "its numbers leave out so many that they are hardly its own") \
	X(ROWS_PARENT_SPARSE, "rows, sparse parent", "the parent's numbers leave out so many that they are hardly its own") \
	X(ROWS_OLDER, "older than the parent", "the share of rows that were made before their parent") \
	X(ROWS_IN_TIME, "made in time", "rows were made after their parent more often than by chance")

typedef enum EvidenceSignal
{
#define X(id, name, words) EVIDENCE_##id,
	EVIDENCE_SIGNALS
#undef X
	EVIDENCE_COUNT
} EvidenceSignal;

extern const SignalName signal_names[];
extern int	signal_count(void);

/* What all candidates together say of how columns are called here; each is counted once */
typedef struct Habits Habits;

extern Habits *habits_begin(const Facts *facts);
extern void habits_count(Facts *facts, Habits *habits, List *candidates);
extern void habits_end(const Facts *facts, Habits *habits);

extern void signals_fill(Facts *facts, const Habits *habits, List *candidates);

/* For the candidates of discover_beyond.c */
extern void signals_alone(Facts *facts, Candidate *cand, const Candidate *group);

/* Replace one of these; 0 takes it away */
extern void signals_set(Candidate *cand, EvidenceSignal signal, float value);

#define CALIBRATION_KNOTS 11

/* What share of proposals is right where the candidate's is 0.0, 0.1, ... 1.0 */
typedef struct Calibration
{
	double		right[CALIBRATION_KNOTS];
} Calibration;

typedef struct Weights
{
	double	   *signal;
	Calibration calibration[LEVEL_ROWS + 1];
	double		density;		/* log of the references per table that are
								 * usual */
	double		density_spread; /* of that log; 0: not considered */
	struct NumericData **printed;	/* by signal, as evidence has them; NULL:
									 * not yet */
} Weights;

/* What the candidates of each set come to, of the whole database */
typedef struct SetOdds
{
	double	   *odds;
	int			n;
	int			room;
} SetOdds;

extern Weights *weights_read(void);
extern void odds_add(SetOdds *odds, const Weights *weights, List *candidates);
extern double odds_shift(const SetOdds *odds, const Facts *facts, const Weights *weights);

/* Whole sets; sorts them, too */
extern void score_all(const Weights *weights, double shift, List *candidates);

/* ---- discover_stats.c ---- */

extern void stats_begin(Facts *facts);

/*
 * Fill in what the statistics say of a candidate, in the places of
 * EvidenceSignal; false if they say nothing.  The candidates of one column
 * should follow each other.
 */
extern bool stats_fill(Facts *facts, const Candidate *cand, float *evidence);

/* What a value is as a number, where it is one or a date */
extern bool stats_number(Oid type, Datum value, double *number);
extern double stats_expected(double rows, double parents);
extern double stats_short(double highest, double parent_lowest, double parent_highest);
extern double stats_few(double distinct, double rows, double parents);
extern bool stats_never_recurs(bool all_differ, double rows, double parents);

/* ---- discover_rows.c ---- */

/* Can a foreign key be? */
extern bool rows_possible(Facts *facts, Candidate *cand);

/* Read the tables of proposals, all of one table in one pass */
extern void rows_audit(Facts *facts, List *proposals);

/* ---- discover_feedback.c ---- */

extern List *feedback_read(void);
extern List *feedback_apply(Facts *facts, List *rules, List *candidates, bool learns);
extern List *feedback_beyond(Facts *facts, List *rules, int last_set);

/* ---- discover_run.c ---- */

/*
 * A discovery.  The candidates of the whole database may be more than
 * schemaguard.audit_memory has room for: then they are made again, for some
 * tables at a time, whenever they are asked for.
 */
typedef struct Discovery
{
	Facts	   *facts;
	Weights    *weights;
	Habits	   *habits;
	List	   *rules;
	List	   *others;			/* groups, and what users have accepted beyond
								 * all candidates */
	HTAB	   *led;			/* see match_note_led() */
	HTAB	   *opposites;		/* see opposites_note() */
	double		shift;			/* of the odds, see odds_shift() */
	int64		room;			/* for candidates at a time */
	bool		whole;			/* all candidates fit into memory */
	bool		begun;			/* run_next() has been called */

	/* the candidates at hand, by set, with scores: those of columns from.. */
	MemoryContext context;
	int			from;
	int			next;			/* ..the one before next */
	List	   *candidates;
} Discovery;

/* Everything that has to be known before the first score */
extern void run_begin(Discovery *d);

/*
 * Fetch the candidates of the next tables, with scores by names and
 * statistics; what the ones before took is gone.  False: there are no more.
 */
extern bool run_next(Discovery *d);

/*
 * Look at a sample of the rows of candidates worth it, of one child and their
 * opposites or of all; they are in the order of column and key.  Worth it is what has
 * min_score, and most of what has less.  Nothing waits for a lock.  What
 * can't be read keeps the reason.  At the end come those that the rows have
 * brought up.
 */
extern void rows_sample(Discovery *d, double min_score, Oid child_only);

/* ---- discover_beyond.c ---- */

/* Is it a group of which, if the rows refute it, one column may refer to the same parent? */
extern bool beyond_may_follow(const Candidate *cand);

/*
 * The candidate of one column that comes of a refuted group, scored by its
 * name, or NULL: there is none, it is made already, or a user has rejected it.
 */
extern Candidate *beyond_group(const Discovery *d, const Candidate *group, const List *made);

/* ---- discover_sort.c ---- */

typedef struct ProposalSort ProposalSort;
struct SgRowSink;

/* Rows of a sink, by the score that is one of their columns, the greatest first */
extern ProposalSort *sort_begin(const struct SgRowSink *sink, AttrNumber score);

/* The row that is in the sink, of a candidate: those of one score go by column and key */
extern void sort_put(ProposalSort *sort, struct SgRowSink *sink, const Candidate *cand);

/* All of them, but those that have a surer opposite */
extern void sort_end(ProposalSort *sort, struct SgRowSink *sink, const Discovery *d);

/* ---- discover_opposite.c ---- */

/* Is it a candidate of this child, or may be the opposite of one?  Of any, without child. */
extern bool opposites_concern(const Facts *facts, const Candidate *cand, Oid child);
extern HTAB *opposites_begin(void);

/* Note what is to be proposed, before it is asked of any which is the surer */
extern void opposites_note(const Discovery *d, List *proposals);

/* Is a proposal noted that would have the parent of this one refer to its child, with a greater score? */
extern bool opposites_surer(const Discovery *d, int column, int key, double score);

/* ---- discover_advice.c ---- */

extern Datum advice_evidence(Facts *facts, Weights *weights, const Candidate *cand);
extern char *advice_reason(Facts *facts, const Weights *weights, const Candidate *cand);
extern const char *advice_on_delete(Facts *facts, const Candidate *cand, const char **reason);
extern bool advice_index(const Facts *facts, const Candidate *cand, const char **reason);

#endif							/* SG_DISCOVER_H */
