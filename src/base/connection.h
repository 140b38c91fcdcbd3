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
 * Does a function come to other servers by connections that are the session's, whoever
 * has opened them?  C is written by superusers, and known by its library.
 */
extern bool sg_uses_connections(Oid function);

/*
 * Raises 42501 for the handler of a wrapper by which code of others could come to a
 * server so: for a table that the server comes to in the middle of a statement, such
 * as a partition that was attached since that began
 */
extern void sg_check_wrapper(Oid handler);

/*
 * Closes the connections that are open by mappings which postgres_fdw lets superusers
 * use alone, but for those in use in this transaction: then none is there for others
 */
extern void sg_close_connections(void);

/* Raises 42501 for a statement, beside queries, that would come to other servers so as another role than the caller; before it runs */
extern void sg_refuse_connections(Node *statement);

/* Installs the server's hooks, which raise 42501 for such a query; once, when the library is loaded */
extern void sg_connection_init(void);

#endif							/* SG_CONNECTION_H */
