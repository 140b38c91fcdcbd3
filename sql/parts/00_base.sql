-- schemaguard: the install script is made of sql/parts/*.sql, in the order that the Makefile lists them.

-- complain if the script is sourced in psql, rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION schemaguard" to load this file. \quit

-- CREATE SCHEMA without IF NOT EXISTS, here and below: were the schema there already, somebody else could own it.
CREATE SCHEMA schemaguard;
GRANT USAGE ON SCHEMA schemaguard TO PUBLIC;
COMMENT ON SCHEMA schemaguard
    IS 'tables, views and helpers of extension schemaguard; functions that users call are in the extension''s schema';

-- Bodies kept as text name schemas as they were called when the script ran, and whoever may create schemas takes a name that ALTER
-- SCHEMA RENAME has freed. Such a body calls functions of schema schemaguard alone, and takes the name that it prints from here.
CREATE FUNCTION schemaguard.sg_schema() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN '@extschema@'::pg_catalog.regnamespace::pg_catalog.text;
COMMENT ON FUNCTION schemaguard.sg_schema() IS 'returns the current name, quoted, of the schema with the extension''s callable functions';

-- Whose figures, records and OIDs a row holds, where a dump or a copy carries it to another server or database
CREATE FUNCTION schemaguard.sg_place() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_place';
COMMENT ON FUNCTION schemaguard.sg_place()
    IS 'returns the server, by its system identifier, and the database, by a number that stays when it is renamed';

-- Where plans keep what they drop, as src/base/catalog.c has it: anybody can give the name, so that it is a superuser's
CREATE VIEW schemaguard.attic WITH (security_barrier = true) AS
SELECT n.oid, n.nspname
FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
WHERE n.nspname OPERATOR(pg_catalog.~) '^schemaguard_attic(_[0-9]+)?$' AND r.rolsuper;
GRANT SELECT ON schemaguard.attic TO PUBLIC;
COMMENT ON VIEW schemaguard.attic IS 'schemas in which plans keep tables and other objects that they have dropped';
COMMENT ON COLUMN schemaguard.attic.oid IS 'OID of the schema';
COMMENT ON COLUMN schemaguard.attic.nspname IS 'name of the schema';

-- Types of arguments. Values of drivers, of psql's variables and of catalogs become them without a cast.
CREATE TYPE schemaguard.table_name;
CREATE FUNCTION schemaguard.sg_table_name_in(cstring) RETURNS schemaguard.table_name
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
COMMENT ON FUNCTION schemaguard.sg_table_name_in(cstring) IS 'reads the name of a table';
CREATE FUNCTION schemaguard.sg_table_name_out(schemaguard.table_name) RETURNS cstring
LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
COMMENT ON FUNCTION schemaguard.sg_table_name_out(schemaguard.table_name) IS 'returns the name of a table as it was written';
CREATE TYPE schemaguard.table_name (INPUT = schemaguard.sg_table_name_in, OUTPUT = schemaguard.sg_table_name_out, LIKE = pg_catalog.text);
COMMENT ON TYPE schemaguard.table_name
    IS 'name of a table, or its OID in digits; resolved by the function that takes it';
CREATE CAST (text AS schemaguard.table_name) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (varchar AS schemaguard.table_name) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (schemaguard.table_name AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (name AS schemaguard.table_name) WITH INOUT AS IMPLICIT;
CREATE CAST (regclass AS schemaguard.table_name) WITH INOUT AS IMPLICIT;
CREATE CAST (oid AS schemaguard.table_name) WITH INOUT AS IMPLICIT;
CREATE CAST (int2 AS schemaguard.table_name) WITH INOUT AS IMPLICIT;
CREATE CAST (int4 AS schemaguard.table_name) WITH INOUT AS IMPLICIT;
CREATE CAST (int8 AS schemaguard.table_name) WITH INOUT AS IMPLICIT;
CREATE CAST (numeric AS schemaguard.table_name) WITH INOUT AS IMPLICIT;

CREATE TYPE schemaguard.names;
CREATE FUNCTION schemaguard.sg_names_in(cstring) RETURNS schemaguard.names
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sg_names_in';
COMMENT ON FUNCTION schemaguard.sg_names_in(cstring) IS 'reads names from an array literal, or a single name';
CREATE FUNCTION schemaguard.sg_names_out(schemaguard.names) RETURNS cstring
LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'array_out';
COMMENT ON FUNCTION schemaguard.sg_names_out(schemaguard.names) IS 'returns names as an array literal';
CREATE TYPE schemaguard.names (INPUT = schemaguard.sg_names_in, OUTPUT = schemaguard.sg_names_out, LIKE = pg_catalog._text);
COMMENT ON TYPE schemaguard.names IS 'list of names, a text[] that accepts a single name';
CREATE CAST (text[] AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (schemaguard.names AS text[]) WITH INOUT AS IMPLICIT;
CREATE CAST (text AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (name AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar[] AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (name[] AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (regclass AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (regclass[] AS schemaguard.names) WITH INOUT AS IMPLICIT;
-- Numbers of steps in "after"
CREATE CAST (int4 AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (int4[] AS schemaguard.names) WITH INOUT AS IMPLICIT;

CREATE TYPE schemaguard.steps;
CREATE FUNCTION schemaguard.sg_steps_in(cstring) RETURNS schemaguard.steps
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sg_steps_in';
COMMENT ON FUNCTION schemaguard.sg_steps_in(cstring) IS 'reads numbers of steps from an array literal, or a single number';
CREATE FUNCTION schemaguard.sg_steps_out(schemaguard.steps) RETURNS cstring
LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'array_out';
COMMENT ON FUNCTION schemaguard.sg_steps_out(schemaguard.steps) IS 'returns numbers of steps as an array literal';
CREATE TYPE schemaguard.steps (INPUT = schemaguard.sg_steps_in, OUTPUT = schemaguard.sg_steps_out, LIKE = pg_catalog._int4);
COMMENT ON TYPE schemaguard.steps IS 'list of numbers of steps, an int[] that accepts a single number';
CREATE CAST (int2 AS schemaguard.steps) WITH INOUT AS IMPLICIT;
CREATE CAST (int4 AS schemaguard.steps) WITH INOUT AS IMPLICIT;
CREATE CAST (int8 AS schemaguard.steps) WITH INOUT AS IMPLICIT;
CREATE CAST (int2[] AS schemaguard.steps) WITH INOUT AS IMPLICIT;
CREATE CAST (int4[] AS schemaguard.steps) WITH INOUT AS IMPLICIT;
CREATE CAST (int8[] AS schemaguard.steps) WITH INOUT AS IMPLICIT;

-- Publications that send tables or sequences of schema schemaguard to subscribers, which may lack them or hold rows of their own.
-- Columns that came with 18 and 19, pubgencols, puballsequences and prexcept, are asked for by name.
CREATE FUNCTION schemaguard.sg_own_publications(coming boolean DEFAULT false, OUT publication text, OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $own$
SELECT format('%I', p.pubname),
       concat_ws(' ', CASE WHEN w.sequences THEN '/* ALL SEQUENCES has no EXCEPT: it goes */' END,
           CASE WHEN NOT p.puballtables AND NOT w.sequences THEN
                concat_ws(' ', CASE WHEN o.by_schema THEN format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA schemaguard;', p.pubname) END,
                          CASE WHEN o.named IS NOT NULL THEN format('ALTER PUBLICATION %I DROP TABLE %s;', p.pubname, o.named) END)
            WHEN current_setting('server_version_num')::int >= 190000 AND p.puballtables AND NOT coming THEN
                format('ALTER PUBLICATION %I SET ALL TABLES EXCEPT (%s);', p.pubname, o.excepted)
            ELSE concat_ws(' ', 'BEGIN;', format('DROP PUBLICATION %I;', p.pubname),
                           format('CREATE PUBLICATION %I%s WITH (%s);', p.pubname,
                                  CASE WHEN p.puballtables THEN ' FOR TABLE ' || o.others END, w.options),
                           format('ALTER PUBLICATION %I OWNER TO %I;', p.pubname, pg_get_userbyid(p.pubowner)),
                           'COMMENT ON PUBLICATION ' || quote_ident(p.pubname) || ' IS '
                               || quote_literal(obj_description(p.oid, 'pg_publication')) || ';', 'COMMIT;') END)
FROM pg_publication p
     CROSS JOIN LATERAL (
         SELECT EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid
             AND s.pnnspid = to_regnamespace('schemaguard')) AS by_schema,
                string_agg(x.name, ', ' ORDER BY x.name) FILTER (WHERE x.ours AND x.listed) AS named,
                string_agg(x.name, ', ' ORDER BY x.name) FILTER (WHERE NOT x.ours AND NOT x.excepted) AS others,
                string_agg('TABLE ' || x.name, ', ' ORDER BY x.name) FILTER (WHERE x.ours OR x.excepted) AS excepted,
                coalesce(bool_and(x.excepted) FILTER (WHERE x.ours), false) AS all_excepted
         FROM (SELECT format('%I.%I', n.nspname, c.relname) COLLATE "C" AS name, n.nspname = 'schemaguard' AS ours,
                      r.oid IS NOT NULL AS listed, coalesce((to_jsonb(r) ->> 'prexcept')::boolean, false) AS excepted
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
               WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND c.oid >= 16384
                 AND (r.oid IS NOT NULL OR n.nspname !~ '^schemaguard_attic(_[0-9]+)?$')) x) o
     CROSS JOIN LATERAL (
         SELECT concat_ws(', ',
                    format('publish = %L', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                                     CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)),
                    format('publish_via_partition_root = %s', p.pubviaroot::text),
                    CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'publish_generated_columns = stored' END) AS options,
                coalesce((to_jsonb(p) ->> 'puballsequences')::boolean, false) AS sequences) w
WHERE p.puballtables AND (coming OR NOT o.all_excepted)
   OR w.sequences
   OR NOT p.puballtables AND (o.by_schema OR o.named IS NOT NULL)
ORDER BY p.pubname
$own$;
COMMENT ON FUNCTION schemaguard.sg_own_publications(boolean)
    IS 'returns publications that send, or will send, tables or sequences of schemaguard, with the change that excludes these';

CREATE FUNCTION schemaguard.sg_refuse_publications(publications text, statements text) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'sg_refuse_publications';
SELECT schemaguard.sg_refuse_publications(pg_catalog.string_agg(publication, ', '), pg_catalog.string_agg(statement, ' '))
FROM schemaguard.sg_own_publications(coming => true);
DROP FUNCTION schemaguard.sg_refuse_publications(text, text);
