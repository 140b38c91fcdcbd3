-- schemaguard: the install script is made of sql/parts/*.sql, in the order that the Makefile lists them.

-- complain if the script is sourced in psql, rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION schemaguard" to load this file. \quit

-- CREATE SCHEMA without IF NOT EXISTS, here and below: were the schema there already, somebody else could own it.
CREATE SCHEMA schemaguard;
GRANT USAGE ON SCHEMA schemaguard TO PUBLIC;
COMMENT ON SCHEMA schemaguard IS 'tables, views and helpers of extension schemaguard; what people call is in the extension''s schema';
