-- schemaguard: the install script is made of sql/parts/*.sql, in the order that the Makefile lists them.

-- complain if the script is sourced in psql, rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION schemaguard" to load this file. \quit

-- CREATE SCHEMA without IF NOT EXISTS, here and below: were the schema there already, somebody else could own it.
CREATE SCHEMA schemaguard;
GRANT USAGE ON SCHEMA schemaguard TO PUBLIC;
COMMENT ON SCHEMA schemaguard IS 'tables, views and helpers of extension schemaguard; what people call is in the extension''s schema';

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
