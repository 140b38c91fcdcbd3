-- Every session that measures begins with this.
\set QUIET on
\set VERBOSITY terse
\o /dev/null
SET client_min_messages = warning;
