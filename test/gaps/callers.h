/*-------------------------------------------------------------------------
 *
 * callers.h
 *	  Names of the places in the library from which a wrapper is called.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_GAPS_CALLERS_H
#define SG_GAPS_CALLERS_H

#include "postgres.h"

#include <dlfcn.h>
#include <execinfo.h>

/* Callers in the library that tell one site from another */
#define SITE_CALLERS 3

/*
 * Appends the innermost callers of a wrapper, as offsets: those frames that are in
 * this library.  It is called by a function that the wrapper calls.
 */
static pg_noinline void
append_callers(char *site, size_t size)
{
	void	   *frames[32];
	int			n = backtrace(frames, lengthof(frames));
	Dl_info		here;
	int			callers = 0;

	if (!dladdr((void *) append_callers, &here))
		return;
	/* this function, the one that calls it, and the wrapper come first */
	for (int i = 3; i < n && callers < SITE_CALLERS; i++)
	{
		Dl_info		info;

		if (dladdr(frames[i], &info) && info.dli_fbase == here.dli_fbase)
		{
			snprintf(site + strlen(site), size - strlen(site), " %zx",
					 (size_t) ((char *) frames[i] - (char *) here.dli_fbase));
			callers++;
		}
	}
}

#endif							/* SG_GAPS_CALLERS_H */
