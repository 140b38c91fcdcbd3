-- schemaguard: the install script is made of sql/parts/*.sql, in the order that the Makefile lists them.

-- complain if the script is sourced in psql, rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION schemaguard" to load this file. \quit

-- CREATE SCHEMA without IF NOT EXISTS, here and below: were the schema there already, somebody else could own it.
CREATE SCHEMA schemaguard;
GRANT USAGE ON SCHEMA schemaguard TO PUBLIC;
COMMENT ON SCHEMA schemaguard IS 'tables, views and helpers of extension schemaguard; what people call is in the extension''s schema';

-- Types of arguments. Values of drivers, of psql's variables and of catalogs become them without a cast.
CREATE TYPE schemaguard.regtable;
CREATE FUNCTION schemaguard.sg_regtable_in(cstring) RETURNS schemaguard.regtable
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'sg_regtable_in';
COMMENT ON FUNCTION schemaguard.sg_regtable_in(cstring) IS 'a table by its name, or its OID in digits';
CREATE FUNCTION schemaguard.sg_regtable_out(schemaguard.regtable) RETURNS cstring
LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'regclassout';
COMMENT ON FUNCTION schemaguard.sg_regtable_out(schemaguard.regtable) IS 'the name of a table';
CREATE TYPE schemaguard.regtable (INPUT = schemaguard.sg_regtable_in, OUTPUT = schemaguard.sg_regtable_out, LIKE = pg_catalog.regclass);
COMMENT ON TYPE schemaguard.regtable IS 'a regclass that says which table was meant where there is none of that name';
CREATE CAST (regclass AS schemaguard.regtable) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (schemaguard.regtable AS regclass) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (oid AS schemaguard.regtable) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (int4 AS schemaguard.regtable) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (int2 AS schemaguard.regtable) WITH INOUT AS IMPLICIT;
CREATE CAST (int8 AS schemaguard.regtable) WITH INOUT AS IMPLICIT;
CREATE CAST (text AS schemaguard.regtable) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar AS schemaguard.regtable) WITH INOUT AS IMPLICIT;
CREATE CAST (name AS schemaguard.regtable) WITH INOUT AS IMPLICIT;

CREATE TYPE schemaguard.names;
CREATE FUNCTION schemaguard.sg_names_in(cstring) RETURNS schemaguard.names
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sg_names_in';
COMMENT ON FUNCTION schemaguard.sg_names_in(cstring) IS 'names as an array literal, or one name';
CREATE FUNCTION schemaguard.sg_names_out(schemaguard.names) RETURNS cstring
LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'array_out';
COMMENT ON FUNCTION schemaguard.sg_names_out(schemaguard.names) IS 'names as an array literal';
CREATE TYPE schemaguard.names (INPUT = schemaguard.sg_names_in, OUTPUT = schemaguard.sg_names_out, LIKE = pg_catalog._text);
COMMENT ON TYPE schemaguard.names IS 'a text[] that takes one name for a list of one';
CREATE CAST (text[] AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (schemaguard.names AS text[]) WITH INOUT AS IMPLICIT;
CREATE CAST (text AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (name AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar[] AS schemaguard.names) WITH INOUT AS IMPLICIT;
CREATE CAST (name[] AS schemaguard.names) WITH INOUT AS IMPLICIT;

-- Publications that send tables of schema schemaguard to subscribers, which may lack them or hold rows of their own. The column
-- pubgencols came with 18, and is asked for by name.
CREATE FUNCTION schemaguard.sg_own_publications(OUT publication text, OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $own$
SELECT format('%I', p.pubname),
       CASE WHEN NOT p.puballtables THEN format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA schemaguard;', p.pubname)
            ELSE concat_ws(' ', 'BEGIN;', format('DROP PUBLICATION %I;', p.pubname),
                           format('CREATE PUBLICATION %I%s WITH (%s);', p.pubname, ' FOR TABLE ' || t.tables, o.options),
                           format('ALTER PUBLICATION %I OWNER TO %I;', p.pubname, pg_get_userbyid(p.pubowner)), 'COMMIT;') END
FROM pg_publication p
     CROSS JOIN LATERAL (
         SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY n.nspname, c.relname) AS tables
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' AND c.oid >= 16384
           AND n.nspname <> 'schemaguard') t
     CROSS JOIN LATERAL (
         SELECT concat_ws(', ',
                    format('publish = %L', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                                     CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)),
                    format('publish_via_partition_root = %s', p.pubviaroot::text),
                    CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'publish_generated_columns = stored' END) AS options) o
WHERE p.puballtables
   OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = to_regnamespace('schemaguard'))
ORDER BY p.pubname
$own$;
COMMENT ON FUNCTION schemaguard.sg_own_publications()
    IS 'publications that send the tables of schema schemaguard, each with what makes it one of the user''s tables alone';

CREATE FUNCTION schemaguard.sg_refuse_publications(publications text, statements text) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'sg_refuse_publications';
SELECT schemaguard.sg_refuse_publications(pg_catalog.string_agg(publication, ', '), pg_catalog.string_agg(statement, ' '))
FROM schemaguard.sg_own_publications();
DROP FUNCTION schemaguard.sg_refuse_publications(text, text);
