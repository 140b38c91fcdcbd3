-- schemaguard: the install script is made of sql/parts/*.sql, in the order that the Makefile lists them.

-- complain if the script is sourced in psql, rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION schemaguard" to load this file. \quit
