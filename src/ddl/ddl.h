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

/* An object that a command made, changed or dropped */
typedef struct DdlObject
{
	const char *kind;			/* as in snapshots; NULL: not about one object */
	char	   *identity;
	List	   *parts;			/* identities of columns, constraints and
								 * indexes of it that the command made or
								 * changed (of char *) */
	char	   *detail;			/* more to say, or NULL */
} DdlObject;

/* Command, as one firing of an event trigger reports it */
typedef struct DdlCommand
{
	SubTransactionId subid;
	TimestampTz at;
	const char *event;			/* command, drop, rewrite; lost: what is
								 * missing here */
	const char *tag;
	char	   *session_role;
	char	   *role;
	char	   *application;	/* NULL: none */
	Datum		client_addr;	/* inet, or 0 */
	char	   *statement;		/* NULL: not known, or not to be written down */
	const char *withheld;		/* why, if it is not to be */
	const char *origin;			/* direct, migration, extension, schemaguard */
	char	   *origin_name;	/* of the migration, extension or plan, or
								 * NULL */
	List	   *objects;		/* of DdlObject * */
} DdlCommand;

/* ---- ddl_capture.c ---- */

/* Add an object as it is in the catalogs now; NULL for a temporary one, and one that is gone */
extern DdlObject *ddl_add_address(DdlCommand *command, Oid classid, Oid objid, int objsubid);

/* Who, when, where from and by which statement; then keep it.  Without objects there is nothing to keep. */
extern void ddl_finish(DdlCommand *command, EventTriggerData *event);

/* ---- ddl_touched.c ---- */

/* Columns of pg_event_trigger_ddl_commands(), from 0 */
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

/* Reads what a command did, within an event trigger on ddl_command_end or sql_drop: the rows that core has of it */
extern void ddl_read_rows(EventTriggerData *event, DdlRowReader reader, void *arg);

/* Returns the elements of such a column of names (of char *); NIL for a null */
extern List *ddl_text_list(Datum array, bool isnull);

/* Returns the catalog of what GRANT can be about, or InvalidOid */
extern Oid	ddl_grant_class(ObjectType type);

/* ---- ddl_control.c ---- */

/* Is DDL caught?  Raises 42710 as sg_capture_ddl() does. */
extern bool ddl_is_caught(void);

/* ---- ddl_reassign.c ---- */

/* From now on this session notes REASSIGN OWNED, for which no event trigger fires */
extern void ddl_reassign_init(void);

/* ---- ddl_origin.c ---- */

/*
 * The statement that is behind an event, cut out of what the client or a
 * function has sent, without its string constants, and where it comes from.
 * Statements whose other parts can carry secrets are withheld, and those that
 * ran with lent rights.
 */
extern void ddl_set_statement(DdlCommand *command, EventTriggerData *event);
extern void ddl_set_origin(DdlCommand *command);

/*
 * Is it run with rights that were lent to the session, as by a SECURITY DEFINER
 * function, or as the owner of what is maintained, as by ANALYZE and autovacuum?
 */
extern bool ddl_has_lent_rights(void);

/* Has the session a reason for DDL?  It counts for its own statements, not for what runs with lent rights. */
extern bool ddl_has_reason(void);

/* Does the session say that it runs a migration?  Any session can. */
extern bool ddl_says_migration(void);

/* ---- ddl_guard.c ---- */

/*
 * Is the statement that is run now one of a plan, of a call or worker of ours, or
 * of an extension's script, or one that an event trigger has added to such a one?
 * What a trigger or another function runs that it leads to is not.
 */
extern bool ddl_is_ours(void);

/* Returns its plan, or "" for one of a call or worker; NULL for others */
extern const char *ddl_plan(void);

/* Statements of sessions that have the library are judged from now on */
extern void ddl_guard_init(void);

/* Is it run by one of the roles that sg_guard_ddl() was given? */
extern bool ddl_is_migration_role(void);

/* Returns the mark of this server, database and extension, which schemaguard.ddl_guard keeps of where sg_guard_ddl() was called */
extern char *ddl_guard_mark(void);

/* ---- ddl_target.c ---- */

/* Objects that a statement is about */
typedef struct DdlTarget
{
	const char *name;			/* the first object, as the statement has it;
								 * NULL: none */
	List	   *schemas;		/* names of schemas (of char *); temporary
								 * ones do not count */
	bool		temporary;		/* one at least */
	bool		unknown;		/* one at least is in no schema, or in one
								 * that is not known */
	bool		part;			/* of CREATE SCHEMA, which makes what is not
								 * there */
} DdlTarget;

/*
 * Find that without a lock.  Raises what the statement itself would raise: 3F000
 * for the schema of a new object that is not there, 42725 for an ambiguous function.
 */
extern DdlTarget ddl_target(Node *statement);

/* Returns the objects that such a row is about, by their OIDs, which no other session's DDL changes any more */
extern DdlTarget ddl_touched(EventTriggerData *event, Datum *values, bool *nulls);

/* Adds a relation, and what inherits from it if the statement changes that, too; NULL: its partitions */
extern void ddl_target_add(DdlTarget *target, Oid relid, Node *statement);

/* Adds a schema; InvalidOid is unknown */
extern void ddl_target_add_schema(DdlTarget *target, Oid schema);

/* ---- ddl_write.c ---- */

/*
 * Keep a copy of a command until the transaction commits; it goes with its
 * subtransaction.  May raise errors.
 */
extern void ddl_keep(const DdlCommand *command);

/*
 * Note what a command did.  An error there must not become one of the
 * command's: it is remembered as lost, and false; but cancels are raised.
 */
extern bool ddl_try(void (*note) (void *arg), void *arg);

/* Write what is kept now, if that has become much.  Raises cancels only. */
extern void ddl_bound_memory(void);

/* Warn that something was not written, and remember it.  Raises no error. */
extern void ddl_lost(int commands, const ErrorData *error);

/* sg_prune() asks for the log, too */
extern void ddl_write_init(void);

/* ---- ddl_find.c ---- */

/*
 * For each of these identities (of char *) the last command in the log that
 * concerned it, in words, or NULL.  As the caller, who may not see everybody's.
 */
extern char **ddl_last(List *identities);

#endif							/* SG_DDL_H */
