/*-------------------------------------------------------------------------
 *
 * connection.h
 *	  Connections to other servers that a session has open.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_CONNECTION_H
#define SG_CONNECTION_H

#include "postgres.h"

#include "nodes/nodes.h"

/*
 * Returns whether a function uses the session's connections to other servers,
 * whoever opened them.  C functions are written by superusers, and known by
 * their library.
 */
extern bool sg_uses_connections(Oid function);

/*
 * Raises 42501 for the handler of a foreign-data wrapper by which other roles'
 * code could use such a connection: for a table that the server reaches in the
 * middle of a statement, such as a partition attached since it began
 */
extern void sg_check_wrapper(Oid handler);

/*
 * Closes open connections by mappings that postgres_fdw allows only to
 * superusers, except those in use in this transaction, so that other roles'
 * code finds none
 */
extern void sg_close_connections(void);

/*
 * Raises 42501 before a statement, other than a query, runs that would reach
 * other servers so as another role than the caller
 */
extern void sg_refuse_connections(Node *statement);

/* Installs hooks that raise 42501 for such a query; called once, when the library is loaded */
extern void sg_connection_init(void);

#endif							/* SG_CONNECTION_H */
