/*-------------------------------------------------------------------------
 *
 * origin.c
 *	  DDL of our own, marked for who writes down where DDL comes from.
 *
 * The server hands a utility statement on with the text that it is part of.  So
 * a statement is known as ours by the address of its text: nobody else's has
 * it while the statement runs, whatever the statement leads to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"

#include "base/origin.h"

static SgOrigin origin = {NULL, NULL};

void
sg_origin_begin(SgOrigin *before, const char *plan)
{
	*before = origin;
	origin.plan = plan;
	origin.statement = NULL;
}

void
sg_origin_end(const SgOrigin *before)
{
	origin = *before;
}

const char *
sg_origin_of(const char *query)
{
	return query && query == origin.statement ? origin.plan : NULL;
}

/* Runs a text by SPI, or a statement of it if there is one; returns what SPI does */
static int
run(const char *text, PlannedStmt *statement, ProcessUtilityContext context)
{
	const char *before = origin.statement;
	int			rc = SPI_OK_UTILITY;

	PG_TRY();
	{
		origin.statement = text;

		if (statement)
			ProcessUtility(statement, text, false, context, NULL, NULL, None_Receiver, NULL);
		else
			rc = SPI_execute(text, false, 0);
	}
	PG_FINALLY();
	{
		origin.statement = before;
	}
	PG_END_TRY();
	return rc;
}

int
sg_origin_execute(const char *text)
{
	return run(text, NULL, PROCESS_UTILITY_QUERY);
}

void
sg_origin_utility(PlannedStmt *statement, const char *text, ProcessUtilityContext context)
{
	(void) run(text, statement, context);
}
