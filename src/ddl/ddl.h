/*-------------------------------------------------------------------------
 *
 * ddl.h
 *	  schemaguard.ddl_log: which DDL was run, by whom, where it came from.
 *
 * Event triggers note each command when it ends, in memory; the rows are
 * written when the transaction is about to commit, in one subtransaction.
 * Were each command to write its own rows, each would need a subtransaction
 * with an xid, and a script of more than 64 commands in one transaction would
 * slow down the snapshots of every other session.
 *
 * Nothing in here may let a user's DDL fail.  What goes wrong becomes a
 * warning, and the rows are lost; but a cancel stays a cancel.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_DDL_H
#define SG_DDL_H

#include "postgres.h"
#include "access/transam.h"
#include "commands/event_trigger.h"
#include "datatype/timestamp.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* Object that a command created, changed or dropped */
typedef struct DdlObject
{
	const char *kind;			/* kind as in snapshots; NULL: not about one
								 * object */
	char	   *identity;
	List	   *parts;			/* identities (char *) of its columns,
								 * constraints and indexes that the command
								 * created or changed */
	char	   *detail;			/* further text, or NULL */
} DdlObject;

/* Command, as one firing of an event trigger reports it */
typedef struct DdlCommand
{
	SubTransactionId subid;
	TimestampTz at;
	const char *event;			/* command, drop, rewrite; lost: commands are
								 * missing here */
	const char *tag;
	char	   *session_role;
	char	   *role;
	char	   *application;	/* NULL: none */
	Datum		client_addr;	/* inet, or 0 */
	char	   *statement;		/* NULL: unknown, or withheld */
	const char *withheld;		/* why the statement is withheld, or NULL */
	const char *origin;			/* direct, migration, extension, schemaguard */
	char	   *origin_name;	/* name of the migration, extension or plan,
								 * or NULL */
	List	   *objects;		/* DdlObject * */
} DdlCommand;

/* ---- ddl_capture.c ---- */

/* Adds an object as it is in the catalogs now; returns NULL for a temporary or dropped one */
extern DdlObject *ddl_add_address(DdlCommand *command, Oid classid, Oid objid, int objsubid);

/*
 * Completes a command with role, time, origin and statement, and keeps it;
 * without objects it is discarded
 */
extern void ddl_finish(DdlCommand *command, EventTriggerData *event);

/* ---- ddl_touched.c ---- */

/* Columns of pg_event_trigger_ddl_commands(), counted from 0 */
enum
{
	COMMAND_CLASSID = 0,
	COMMAND_OBJID,
	COMMAND_OBJSUBID,
	COMMAND_TAG,
	COMMAND_TYPE,
	COMMAND_IDENTITY = 6,
	COMMAND_COMMAND = 8,
	COMMAND_COLUMNS
};

/* Columns of pg_event_trigger_dropped_objects() */
enum
{
	DROPPED_CLASSID = 0,
	DROPPED_OBJID,
	DROPPED_ORIGINAL = 3,
	DROPPED_NORMAL,
	DROPPED_TEMPORARY,
	DROPPED_TYPE,
	DROPPED_SCHEMA,
	DROPPED_IDENTITY = 9,
	DROPPED_NAMES,
	DROPPED_ARGUMENTS,
	DROPPED_COLUMNS
};

typedef void (*DdlRowReader) (void *arg, EventTriggerData *event, Datum *values, bool *nulls);

/*
 * Passes core's rows about a command to a reader; within an event trigger on
 * ddl_command_end or sql_drop
 */
extern void ddl_read_rows(EventTriggerData *event, DdlRowReader reader, void *arg);

/* Returns the elements of a column of names (char *); NIL for null */
extern List *ddl_text_list(Datum array, bool isnull);

/* Returns the catalog of a kind of object that GRANT takes, or InvalidOid */
extern Oid	ddl_grant_class(ObjectType type);

/* ---- ddl_control.c ---- */

/* Returns whether DDL is captured; raises 42710 like sg_capture_ddl() */
extern bool ddl_is_caught(void);

/* ---- ddl_reassign.c ---- */

/* Makes this session record REASSIGN OWNED, for which no event trigger fires */
extern void ddl_reassign_init(void);

/* ---- ddl_origin.c ---- */

/*
 * Set a command's statement and origin.  The statement is cut from the text
 * that the client or a function has sent, without its string constants; it is
 * withheld if its other parts can carry secrets, or if it ran with lent rights.
 */
extern void ddl_set_statement(DdlCommand *command, EventTriggerData *event);
extern void ddl_set_origin(DdlCommand *command);

/*
 * Returns whether code runs with rights lent to the session, as in a SECURITY
 * DEFINER function, or as a table's owner, as in ANALYZE and autovacuum
 */
extern bool ddl_has_lent_rights(void);

/*
 * Returns whether schemaguard.reason is set.  A reason counts for the session's
 * own statements, not for code with lent rights.
 */
extern bool ddl_has_reason(void);

/* Returns whether the session declares a migration, which any session can do */
extern bool ddl_says_migration(void);

/* ---- ddl_guard.c ---- */

/*
 * Returns whether the running statement belongs to a plan, to a call or worker
 * of schemaguard, or to an extension's script, or was added to such a statement
 * by an event trigger.  Statements of triggers and other functions that it
 * fires do not belong to it.
 */
extern bool ddl_is_ours(void);

/*
 * Returns the plan of such a statement, "" if it belongs to a call or worker;
 * NULL for other statements
 */
extern const char *ddl_plan(void);

/* Installs the hook that judges the statements of sessions with the library loaded */
extern void ddl_guard_init(void);

/* Returns whether the statement is run by a role that was given to sg_guard_ddl() */
extern bool ddl_is_migration_role(void);

/*
 * Returns the mark of this server, database and extension, which
 * schemaguard.ddl_guard stores to tell where sg_guard_ddl() was called
 */
extern char *ddl_guard_mark(void);

/* ---- ddl_target.c ---- */

/* Objects that a statement concerns */
typedef struct DdlTarget
{
	const char *name;			/* the first object as the statement names it;
								 * NULL: none */
	List	   *schemas;		/* names (char *) of schemas, temporary ones
								 * left out */
	bool		temporary;		/* whether one of them is temporary */
	bool		unknown;		/* whether one of them has no schema, or an
								 * unknown one */
	bool		part;			/* element of CREATE SCHEMA, which creates
								 * missing objects */
	bool		may_lack;		/* whether the statement leaves alone what is
								 * not there */
	bool		guessed;		/* whether what it touches has to be looked at
								 * when it is done */
	List	   *statistics;		/* OIDs of statistics of temporary tables */
} DdlTarget;

/*
 * Returns the objects of a statement, without a lock.  Raises the statement's
 * own errors: 3F000 for a missing schema of a new object, 42725 for an
 * ambiguous function.
 */
extern DdlTarget ddl_target(Node *statement);

/*
 * Returns the objects that a row of core's concerns, by their OIDs, which no
 * other session's DDL can change any more
 */
extern DdlTarget ddl_touched(EventTriggerData *event, Datum *values, bool *nulls);

/*
 * Adds a relation, and its inheriting tables if the statement changes them,
 * too; if statement is NULL, only its partitions
 */
extern void ddl_target_add(DdlTarget *target, Oid relid, Node *statement);

/* Returns whether extended statistics are of a temporary table */
extern bool ddl_is_of_temporary(Oid statistics);

/* Adds a schema; InvalidOid: unknown */
extern void ddl_target_add_schema(DdlTarget *target, Oid schema);

/* ---- ddl_write.c ---- */

/*
 * Keeps a copy of a command until the transaction commits; it is discarded with
 * its subtransaction.  May raise errors.
 */
extern void ddl_keep(const DdlCommand *command);

/*
 * Runs a function that records a command, so that an error does not fail the
 * user's command: it is counted as lost, and false is returned.  Raises cancels
 * only.
 */
extern bool ddl_try(void (*note) (void *arg), void *arg);

/* Writes the kept commands now, if they exceed PENDING_MAX.  Raises cancels only. */
extern void ddl_bound_memory(void);

/* Warns that commands were not written, and counts them.  Raises no error. */
extern void ddl_lost(int commands, const ErrorData *error);

/* Registers the log of DDL with sg_prune() */
extern void ddl_write_init(void);

/* ---- ddl_find.c ---- */

/*
 * Returns for each identity (char *) a text about the last command in the log
 * that concerned it, or NULL.  Reads as the caller, who may not see every row.
 */
extern char **ddl_last(List *identities);

#endif							/* SG_DDL_H */
