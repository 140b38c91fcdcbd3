/*-------------------------------------------------------------------------
 *
 * fk.h
 *	  Facts about foreign keys, declared and planned.
 *
 * Declared keys are read from pg_constraint and pg_trigger directly; planned
 * ones are resolved as ALTER TABLE would, without raising its errors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_FK_H
#define SG_FK_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"

#include "base/code.h"

typedef struct FkKey
{
	Oid			conid;			/* InvalidOid: planned only */
	char	   *name;
	Oid			child;			/* referencing table (conrelid) */
	Oid			parent;			/* referenced table (confrelid) */
	Oid			index;			/* unique index on the parent (conindid) */
	int			nkeys;
	AttrNumber	child_att[INDEX_MAX_KEYS];	/* conkey */
	AttrNumber	parent_att[INDEX_MAX_KEYS]; /* confkey, pairwise */
	Oid			pf_eq_op[INDEX_MAX_KEYS];	/* conpfeqop: parent = child */
	char		match;			/* FKCONSTR_MATCH_* */
	char		on_update;		/* FKCONSTR_ACTION_* */
	char		on_delete;
	int			ndelete_set;	/* columns of ON DELETE SET (...), or 0 */
	AttrNumber	delete_set[INDEX_MAX_KEYS];
	bool		deferrable;
	bool		initially_deferred;
	bool		validated;
	bool		enforced;
	bool		period;			/* last column compares by coverage (18+) */
	bool		armed;			/* all its triggers are there and enabled */
	char	   *unarmed_reason; /* why not, or NULL */
	char	   *doubt;			/* why all that is no proof, or NULL */
	char	   *replaces;		/* planned: the key whose place it takes */
} FkKey;

/* The tables that a query about a key names: the referenced one where there is any */
static inline List *
fk_tables(const FkKey *key)
{
	return OidIsValid(key->parent) ? list_make2_oid(key->child, key->parent) : list_make1_oid(key->child);
}

/* Obstacle of a planned key, in the order in which obstacles are looked for */
typedef enum FkProblemKind
{
	FK_PROBLEM_TABLE,			/* missing, or of a kind that has no keys */
	FK_PROBLEM_PERSISTENCE,		/* temporary or unlogged */
	FK_PROBLEM_COLUMN,
	FK_PROBLEM_TARGET,			/* no key of the parent to refer to */
	FK_PROBLEM_OPERATOR,
	FK_PROBLEM_COLLATION,
	FK_PROBLEM_ENFORCEMENT,
	FK_PROBLEM_NO_COLUMN,		/* a column that is not there (yet) */
	FK_PROBLEM_OTHER			/* of the database or the caller */
} FkProblemKind;

/* Why a planned key cannot be */
typedef struct FkProblem
{
	FkProblemKind kind;
	int			sqlerrcode;
	char	   *reason;			/* one line, lower case, no period */
	char	   *hint;			/* what to do next, or NULL */
	List	   *dependents;		/* identities (of char *) of what has to be
								 * dropped first; NIL: it is another problem */
} FkProblem;

extern FkProblem *fk_problem(FkProblemKind kind, int sqlerrcode, const char *reason, const char *hint);

/*
 * Every declared key, or those of one child table, by child OID and name;
 * clones for partitions are left out, and so is what fk_citus_hides() unless
 * its table is given.
 */
extern List *fk_declared(Oid child);

/* Read a declared key again, after a lock; NULL when it is gone */
extern FkKey *fk_by_oid(Oid conid);
extern FkKey *fk_by_name(Oid child, const char *name);

/* The key that an error names, by itself or by its part for a partition; InvalidOid: none that is there */
extern Oid	fk_of_error(const ErrorData *error);

/*
 * The declared key that does what a planned one is to do: on the same columns
 * and, where there are several, with the same clauses; or NULL.  The key that
 * the planned one replaces is none.
 */
extern FkKey *fk_declared_twin(const FkKey *planned);

/* ---- fk_partition.c ---- */

/* A partition of a planned key's child, and the key that it has to have */
typedef struct FkPartition
{
	Oid			relid;			/* InvalidOid: it is no partition any more */
	FkKey		planned;
	FkKey	   *own;			/* the key that a key of the whole table would
								 * attach once it is valid, or NULL */
} FkPartition;

/*
 * The partitions that a key of the partitioned child will find, at all levels,
 * as a List of FkPartition *: those that hold rows, and a partitioned one in
 * their stead where that has the key itself.  Returns NULL, or why the child
 * can't have the key because of one of them.  Takes no lock.
 */
extern FkProblem *fk_partitions(const FkKey *planned, List **partitions);

/* Look at a partition again, after a lock */
extern FkProblem *fk_partition_look(const FkKey *planned, Oid relid, FkPartition *partition);

/*
 * Resolve a planned key: columns, target index, operators, collations, as
 * ALTER TABLE ... ADD FOREIGN KEY does.  parent_columns may be NIL for the
 * primary key.  Fills key (but for conid, name and the clauses, of which period
 * says what is wanted) and returns NULL, or returns what stands in the way.
 * Takes no lock that outlives the call.
 */
extern FkProblem *fk_resolve(Oid child, List *child_columns,
							 Oid parent, List *parent_columns, FkKey *key);

/*
 * The columns of a key of the parent, the primary one first, that the child's
 * could reference by their types; NIL: none, or those of the primary key already
 */
extern List *fk_fitting_key(const FkKey *key);

/*
 * Are the columns of two keys the same in pairs, by name and in any order?  Referenced
 * ones that are not known, which are fewer or none, count as the same.
 */
extern bool fk_same_pairs(List *child_a, List *parent_a, List *child_b, List *parent_b);

/* Have the first n pairs of columns one type each? */
extern bool fk_same_types(const FkKey *key, int n);

/* The columns of a table's primary key, or NIL when it has none */
extern List *fk_primary_key(Oid relid);

/* Is a partly null key a violation for one of them and none for the other? */
extern bool fk_same_match(const FkKey *a, const FkKey *b);

/*
 * Appends "parent = child" of the i-th pair of columns, as the server's own queries
 * for the key compare them: of two expressions of the columns' types
 */
extern void fk_append_equal(StringInfo buf, const FkKey *key, int i, const char *parent, const char *child);

/* Do two keys have the same columns in pairs, whatever their order? */
extern bool fk_same_columns(const FkKey *a, const FkKey *b);

/* How b differs from a in its clauses, in words, or NULL when it does not */
extern char *fk_clause_difference(const FkKey *a, const FkKey *b);

/* The worst that holds; that a key is missing only the caller knows */
typedef enum FkState
{
	FK_MISSING, FK_NOT_ENFORCED, FK_UNARMED, FK_NOT_VALID, FK_UNKNOWN, FK_VALID
} FkState;

extern FkState fk_state(const FkKey *key);
extern const char *fk_state_word(FkState state);

/* Adds the code that comparing or printing the key's columns could run: see code.h */
extern void fk_code_reach(CodeReach *reach, const FkKey *key);

/* Does a key lead from, or to, one of these tables, also as a partition of its table? */
extern bool fk_is_of(const FkKey *key, const List *tables);
extern bool fk_refers_to(const FkKey *key, const List *tables);

/*
 * Returns who is to run a statement of a hint that computes, reads or rewrites rows of
 * tables: whoever does it runs what their owners, or those of tables below or above, have
 * there, or put there meanwhile.  That is the caller where all these, and `type` unless it is
 * InvalidOid, are the caller's or superusers'; else the owner of the first table;
 * InvalidOid where that one is the caller or a superuser, with a reason.
 */
extern Oid	fk_hint_role(List *tables, Oid type, char **reason);

/*
 * Returns a hint with such a statement, without its semicolon, of one table; or without
 * one where it is nobody's to run.  `lead` says what it is for.  All hints with one are made
 * here; a drop, a GRANT, or a setting of a table runs nothing.
 */
extern char *fk_owner_hint(const char *lead, Oid table, Oid type, const char *statement);

/*
 * Adds what writing the tables runs whose rows go or change with those of a table,
 * by ON DELETE and ON UPDATE of keys, where its rows are changed by CMD_UPDATE,
 * CMD_DELETE, or, by any other, both.  Their AFTER triggers fire as whoever ran
 * the statement, before 18.  `mode` is as for code_tree().
 */
extern void fk_reach_actions(CodeReach *reach, Oid relid, CmdType event, LOCKMODE mode);

/*
 * Returns why a statement that changes rows of a table so must not run, or NULL: the
 * server checks and follows keys by queries in the name of the owners of their
 * other tables, whoever runs it.
 */
extern char *fk_query_refusal(Oid relid, CmdType event);

/* ---- fk_citus.c ---- */

/* Does Citus keep the table's rows in shards? */
extern bool fk_citus_table(Oid relid);

/* Has it several copies of its rows, of which a query reads one? */
extern bool fk_citus_has_copies(Oid relid);

/* A shard, or one of Citus' own catalogs: no table that a user knows */
extern bool fk_citus_hides(Oid relid);

/* Why Citus would take a key and not enforce it, or NULL */
extern FkProblem *fk_citus_problem(const FkKey *key);

/* Set enforced, armed and doubt of a declared key on a table of Citus' */
extern void fk_citus_judge(FkKey *key);

/* ---- fk_citus_ask.c ---- */

/*
 * Returns why what a query has read of the table's rows is not what all copies
 * have, or NULL.  Reads all copies, on the nodes that have them.
 */
extern char *fk_citus_copies(Oid relid);

/*
 * Asks the nodes about a declared key: ends its doubt if each shard has the
 * key, valid and enabled, else the doubt names the nodes.
 */
extern void fk_citus_ask(FkKey *key);

/* ---- fk_check.c ---- */

/*
 * Why the server could never check a key that is resolved, so that every
 * INSERT into the child would fail; or NULL.  Reads no row, and waits for no
 * lock: who holds one leaves it open.
 */
extern char *fk_check_error(const FkKey *key);

/*
 * The error that the server's check of one valid row raises, as every INSERT
 * would; NULL where there is none, or one that may pass by itself.
 */
extern ErrorData *fk_check_one_row(const FkKey *key);

/*
 * A hash of all that a verdict about a declared key's rows rests on: one that was
 * taken before the rows were read and is the same today says that no row has
 * come or gone past the key since.
 */
typedef struct FkFingerprint
{
	uint64		columns;		/* of the key, and how they compare */
	uint64		partitions;		/* attached on either side */
	uint64		triggers;		/* of the key, its clones; fk_cascade_doubt() */
	uint64		files;			/* of both tables and their partitions */
	uint64		subscriptions;	/* that write to them */
} FkFingerprint;

/*
 * The fingerprint as of now, or of a snapshot (files are always as of now).
 * For rows read under it to be vouched for, take it under locks on the
 * tables and before, or in, the snapshot that reads them.
 */
extern FkFingerprint fk_fingerprint(const FkKey *key, Snapshot snapshot);

/*
 * Returns a trigger or rule of a user's, on the child, that can keep ON DELETE or
 * ON UPDATE from its rows, so that they become orphans unseen; or NULL.  *mark
 * sums up all there is of that kind, as of now or of a snapshot.
 */
extern char *fk_cascade_doubt(const FkKey *key, Snapshot snapshot, uint64 *mark);

/*
 * A valid index of the child by which the server finds the rows of a parent's
 * key: its leading columns are the key's, in any order, comparable by the
 * key's operators and collations, and it leaves out no row but those with a
 * null in the key.  InvalidOid where none is proved to serve.
 */
extern Oid	fk_serving_index(const FkKey *key);

/* Why a btree index on the key's columns would not serve it, or NULL */
extern char *fk_index_obstacle(const FkKey *key);

/*
 * The columns of such an index as CREATE INDEX wants them; and those of an
 * index, if that is what CREATE INDEX makes of columns alone, else NULL.
 */
extern char *fk_index_columns(const FkKey *key);
extern char *fk_plain_index_columns(Oid index);

/*
 * A valid index of the child that is just that, and that one made on the
 * partitioned table above would take for its own; or InvalidOid.
 */
extern Oid	fk_plain_index(const FkKey *key);
extern List *fk_table_indexes(Oid relid);	/* live ones, by OID */

/* Would an index on the columns of one key serve another one of the same child? */
extern bool fk_index_covers(const FkKey *indexed, const FkKey *key);

/* Returns the key with a partition in place of its child */
extern FkKey *fk_on_partition(const FkKey *key, Oid partition);

/* The two tables as ALTER TABLE sees them: reason why one can't be in a key */
extern FkProblem *fk_check_tables(Oid child, Oid parent);

#endif							/* SG_FK_H */
