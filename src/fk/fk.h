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
	bool		armed;			/* all of its triggers exist and are enabled */
	char	   *unarmed_reason; /* why it is not armed, or NULL */
	char	   *doubt;			/* why valid and armed prove nothing, or NULL */
	char	   *replaces;		/* planned: name of the key that it replaces */
} FkKey;

/* Returns the tables that a query about a key reads: the child, and the parent if it is known */
static inline List *
fk_tables(const FkKey *key)
{
	return OidIsValid(key->parent) ? list_make2_oid(key->child, key->parent) : list_make1_oid(key->child);
}

/* Kinds of obstacles to a planned key, in the order of the checks */
typedef enum FkProblemKind
{
	FK_PROBLEM_TABLE,			/* missing, or a relation that can't have keys */
	FK_PROBLEM_PERSISTENCE,		/* temporary or unlogged */
	FK_PROBLEM_COLUMN,
	FK_PROBLEM_TARGET,			/* the parent has no matching unique key */
	FK_PROBLEM_OPERATOR,
	FK_PROBLEM_COLLATION,
	FK_PROBLEM_ENFORCEMENT,
	FK_PROBLEM_NO_COLUMN,		/* a column does not exist (yet) */
	FK_PROBLEM_OTHER			/* the database's or the caller's */
} FkProblemKind;

/* Reason why a planned key can't be created */
typedef struct FkProblem
{
	FkProblemKind kind;
	int			sqlerrcode;
	char	   *reason;			/* one line, lower case, no period */
	char	   *hint;			/* next step for the user, or NULL */
	List	   *dependents;		/* identities (char *) of the objects to drop
								 * first, or NIL */
} FkProblem;

extern FkProblem *fk_problem(FkProblemKind kind, int sqlerrcode, const char *reason, const char *hint);

/*
 * Returns the declared keys (FkKey *) of one child table, or of all tables if
 * child is InvalidOid, sorted by child OID and name.  Clones of partitions are
 * left out; keys of tables that fk_citus_hides() are returned only if child
 * names the table.
 */
extern List *fk_declared(Oid child);

/* Return a declared key as it is now, for a new look after a lock; NULL if it was dropped */
extern FkKey *fk_by_oid(Oid conid);
extern FkKey *fk_by_name(Oid child, const char *name);

/*
 * Returns the key whose constraint, or whose clone on a partition, an error
 * names; InvalidOid if there is none
 */
extern Oid	fk_of_error(const ErrorData *error);

/*
 * Returns the declared key that already does what a planned one would do, or
 * NULL: a key on the same columns; if there are several, the one with the same
 * clauses.  The key that the planned one replaces is never returned.  For a
 * partition without one, it is the key of the partitioned table, if that is
 * valid, with the same clauses.
 */
extern FkKey *fk_declared_twin(const FkKey *planned);

/* ---- fk_partition.c ---- */

/* Partition of a planned key's child, with the key that it needs */
typedef struct FkPartition
{
	Oid			relid;			/* InvalidOid: no longer a partition */
	FkKey		planned;
	FkKey	   *own;			/* existing key that ADD FOREIGN KEY on the
								 * whole table would attach once it is valid,
								 * or NULL */
} FkPartition;

/*
 * Collects the partitions of a planned key's partitioned child, at all levels,
 * as a List of FkPartition *: the leaves, or instead of its leaves a
 * partitioned table that has the key itself.  Returns NULL, or the problem of a
 * partition that keeps the child from having the key.  Takes no lock.
 */
extern FkProblem *fk_partitions(const FkKey *planned, List **partitions);

/* Fills one FkPartition anew, after a lock; same result as fk_partitions() */
extern FkProblem *fk_partition_look(const FkKey *planned, Oid relid, FkPartition *partition);

/*
 * Resolves a planned key as ALTER TABLE ... ADD FOREIGN KEY does: columns,
 * index of the parent, operators, collations. parent_columns is NIL for the
 * primary key.  Fills key and returns NULL, or returns the problem. conid, name
 * and the clauses stay as the caller set them; key->period says whether PERIOD
 * is wanted.  Takes no lock that outlives the call.
 */
extern FkProblem *fk_resolve(Oid child, List *child_columns,
							 Oid parent, List *parent_columns, FkKey *key);

/*
 * Returns the columns of a unique key of the parent, preferably the primary
 * one, whose types fit the child's columns.  NIL if there is none, or if the key
 * references the primary key already.
 */
extern List *fk_fitting_key(const FkKey *key);

/*
 * Returns whether two keys have the same pairs of column names, in any order.
 * A referenced column that is not given (the list is shorter, or NIL) matches
 * any.
 */
extern bool fk_same_pairs(List *child_a, List *parent_a, List *child_b, List *parent_b);

/* Returns whether both columns have the same type in each of the first n pairs */
extern bool fk_same_types(const FkKey *key, int n);

/* Returns the column names of a table's primary key, or NIL if it has none */
extern List *fk_primary_key(Oid relid);

/* Returns whether both keys treat a partly null row alike (MATCH FULL refuses it) */
extern bool fk_same_match(const FkKey *a, const FkKey *b);

/*
 * Appends the condition "parent = child" for the i-th pair of columns, with the
 * operator and casts of the server's own foreign-key queries. parent and child
 * are expressions of the columns' types.
 */
extern void fk_append_equal(StringInfo buf, const FkKey *key, int i, const char *parent, const char *child);

/* Returns whether two keys have the same pairs of columns, in any order */
extern bool fk_same_columns(const FkKey *a, const FkKey *b);

/* Returns in words how the clauses of b differ from those of a, or NULL if they agree */
extern char *fk_clause_difference(const FkKey *a, const FkKey *b);

/* State of a key, worst first. FK_MISSING is for callers: fk_state() never returns it. */
typedef enum FkState
{
	FK_MISSING, FK_NOT_ENFORCED, FK_UNARMED, FK_NOT_VALID, FK_UNKNOWN, FK_VALID
} FkState;

extern FkState fk_state(const FkKey *key);
extern const char *fk_state_word(FkState state);

/* Adds to reach the code that comparing or printing the key's columns could run (code.h) */
extern void fk_code_reach(CodeReach *reach, const FkKey *key);

/*
 * Return whether the child (or the parent) of a key is one of these tables or a
 * partitioned table above one
 */
extern bool fk_is_of(const FkKey *key, const List *tables);
extern bool fk_refers_to(const FkKey *key, const List *tables);

/*
 * Returns the role that should run a hint's statement which computes, reads or
 * rewrites rows of tables.  Such a statement runs code that the owners of the
 * tables, and of tables below or above them, have planted or may plant
 * meanwhile.  The role is the caller if all of these tables, and `type` unless
 * it is InvalidOid, belong to the caller or to superusers; else the owner of
 * the first table.  InvalidOid, with a reason, if that owner is the caller or a
 * superuser.
 */
extern Oid	fk_hint_role(List *tables, Oid type, char **reason);

/*
 * Returns a hint that begins with `lead`, the statement's purpose, and gives
 * the statement (without semicolon) to the role of fk_hint_role(); if there is
 * no such role, the hint gives the reason instead of the statement.  Each hint
 * with a statement that runs a table's code is made here; DROP, GRANT and
 * settings of a table run none.
 */
extern char *fk_owner_hint(const char *lead, Oid table, Oid type, const char *statement);

/*
 * Adds to reach the code that runs on the referencing tables when rows of relid
 * change and keys carry that on by ON DELETE or ON UPDATE. event is CMD_UPDATE
 * or CMD_DELETE; any other value means both.  Before PostgreSQL 18 their AFTER
 * triggers fire as the role that ran the statement. `mode` is as for
 * code_tree().
 */
extern void fk_reach_actions(CodeReach *reach, Oid relid, CmdType event, LOCKMODE mode);

/*
 * Returns why a statement of kind event on rows of a table must not run, or
 * NULL. The server's own queries, which check and follow keys, run in the name
 * of the other tables' owners, whoever runs the statement.
 */
extern char *fk_query_refusal(Oid relid, CmdType event);

/* ---- fk_citus.c ---- */

/* Returns whether Citus keeps the table's rows in shards */
extern bool fk_citus_table(Oid relid);

/* Returns whether Citus keeps several copies of the table's rows, of which a query reads one */
extern bool fk_citus_has_copies(Oid relid);

/* Returns whether a table is a shard or one of Citus' own catalogs, which users do not know */
extern bool fk_citus_hides(Oid relid);

/* Returns why Citus would accept a key but not enforce it, or NULL */
extern FkProblem *fk_citus_problem(const FkKey *key);

/* Sets enforced, armed and doubt of a declared key on a Citus table */
extern void fk_citus_judge(FkKey *key);

/* ---- fk_citus_ask.c ---- */

/*
 * Compares all copies of a table's rows, on the nodes that hold them.  Returns
 * how they differ, so that what a query read proves nothing, or NULL.
 */
extern char *fk_citus_copies(Oid relid);

/*
 * Asks the nodes about a declared key.  Clears key->doubt if each shard has the
 * key, valid and enabled; else the doubt names the nodes where it is not.
 */
extern void fk_citus_ask(FkKey *key);

/* ---- fk_check.c ---- */

/*
 * Returns why the server's check of a resolved key always fails, so that no row
 * could be inserted into the child; or NULL.  Reads no row and waits for no
 * lock; returns NULL if a lock is not available.
 */
extern char *fk_check_error(const FkKey *key);

/*
 * Returns the error that the server's check raises for one valid row, and thus
 * for every INSERT. NULL if there is no error, or one that may be temporary.
 */
extern ErrorData *fk_check_one_row(const FkKey *key);

/*
 * Hashes of everything that a verdict about a declared key's rows depends on.
 * If a fingerprint that was taken before the rows were read is unchanged, no
 * row has been added or removed without the key's check since.
 */
typedef struct FkFingerprint
{
	uint64		columns;		/* columns of the key, and their operators */
	uint64		partitions;		/* partitions attached on both sides */
	uint64		triggers;		/* of the key and its clones;
								 * fk_cascade_doubt()'s mark */
	uint64		files;			/* files of both tables and their partitions */
	uint64		subscriptions;	/* subscriptions that write to the tables */
} FkFingerprint;

/*
 * Returns the fingerprint as of now if snapshot is NULL, else as of the
 * snapshot; files are always as of now.  A fingerprint vouches for rows only if
 * it is taken under locks on both tables, and before or in the snapshot that
 * reads the rows.
 */
extern FkFingerprint fk_fingerprint(const FkKey *key, Snapshot snapshot);

/*
 * Returns the name of a user's trigger or rule on the child that can suppress
 * ON DELETE or ON UPDATE actions, which leaves orphans without an error; or
 * NULL. *mark is a hash of all such triggers and rules, as of now or of the
 * snapshot.
 */
extern char *fk_cascade_doubt(const FkKey *key, Snapshot snapshot, uint64 *mark);

/*
 * Returns a valid index of the child that lets the server find the rows which
 * reference a parent's row.  Its leading columns are the key's, or their casts,
 * in any order, with the key's operators and collations; a partial index may
 * leave out only rows with a null in the key.  InvalidOid if no index provably
 * serves.
 */
extern Oid	fk_serving_index(const FkKey *key);

/*
 * Returns the type that a column of the child is cast to when a change of the
 * parent is checked; InvalidOid if it is not cast
 */
extern Oid	fk_child_cast(const FkKey *key, int i);

/* Returns why a btree index on the key's columns would not serve the key, or NULL */
extern char *fk_index_obstacle(const FkKey *key);

/*
 * Return the column list for CREATE INDEX: of the index that the key needs, and
 * of an existing index.  The latter returns NULL unless the index is what CREATE
 * INDEX makes of a plain column list.
 */
extern char *fk_index_columns(const FkKey *key);
extern char *fk_plain_index_columns(Oid index);

/* Returns the column list like fk_index_columns(), but with casts; NULL if no index can serve, and says why */
extern char *fk_index_elements(const FkKey *key, char **obstacle);

/*
 * Returns a valid plain index on exactly the key's columns, which CREATE INDEX
 * on the partitioned table above would attach; or InvalidOid
 */
extern Oid	fk_plain_index(const FkKey *key);
extern List *fk_table_indexes(Oid relid);	/* live indexes, sorted by OID */

/* Returns whether an index on the columns of one key would serve another key of the same child */
extern bool fk_index_covers(const FkKey *indexed, const FkKey *key);

/* Returns a copy of the key with a partition instead of the child */
extern FkKey *fk_on_partition(const FkKey *key, Oid partition);

/* Checks both tables as ALTER TABLE does. Returns why one of them can't be part of a key, or NULL. */
extern FkProblem *fk_check_tables(Oid child, Oid parent);

#endif							/* SG_FK_H */
