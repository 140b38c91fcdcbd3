/*-------------------------------------------------------------------------
 *
 * origin.c
 *	  Marks DDL of schemaguard's own for the record of where DDL comes from.
 *
 *	  The server hands a utility statement on with the text that it is part
 *	  of.  So schemaguard's statement is recognised by the address of its
 *	  text: no other statement has that text while it runs, whatever it leads
 *	  to.
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

/* Runs a text by SPI, or one statement of it if given; returns SPI's result code */
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
