-- Audit of tables whose rows are elsewhere: a partition that is a foreign table is left to queries, whatever the settings
-- needs: file_fdw
-- rooms: audit
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE SCHEMA fgn;
SET search_path = fgn, public;
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 10);
CREATE TABLE child (r int) PARTITION BY LIST (r);
CREATE FOREIGN TABLE child_there PARTITION OF child FOR VALUES IN (1, 2, 77) SERVER files OPTIONS (program 'printf "1\n2\n77\n77\n"');
CREATE TABLE child_here PARTITION OF child DEFAULT;
INSERT INTO child VALUES (3), (99), (NULL);
CREATE TABLE plain (r int);
INSERT INTO plain VALUES (5), (55);
SELECT sg_plan_create('fgn');
SELECT sg_plan_add_fk('fgn', 'child', '{r}', 'parent', fk_name => 'there', index => false);
SELECT sg_plan_add_fk('fgn', 'plain', '{r}', 'parent', fk_name => 'here', index => false);

SELECT fk_name, rows_checked, orphan_rows, orphan_keys, result, reason, method FROM sg_orphan_audit(plan => 'fgn') ORDER BY 1;
SET schemaguard.audit_method = scan;
SET schemaguard.audit_workers = 2;
SET min_parallel_table_scan_size = 0;
SELECT fk_name, rows_checked, orphan_rows, orphan_keys, result, reason, method FROM sg_orphan_audit(plan => 'fgn') ORDER BY 1;
-- what can't be read there is not a pass
ALTER FOREIGN TABLE child_there OPTIONS (SET program 'exit 3');
SELECT fk_name, orphan_rows, result, method, reason <> '' AS has_reason FROM sg_orphan_audit(plan => 'fgn') ORDER BY 1;
RESET ALL;

-- The caller plans what reads foreign tables: nobody else has a mapping, which a server that is asked for estimates wants
SET client_min_messages = warning;
CREATE EXTENSION postgres_fdw;
SET search_path = fgn, public;
DO $$ BEGIN EXECUTE format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, use_remote_estimate ''true'')',
  split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()); END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
CREATE TABLE store (r int);
INSERT INTO store VALUES (1), (2), (88);
CREATE TABLE spread (r int) PARTITION BY LIST (r);
CREATE FOREIGN TABLE spread_there PARTITION OF spread FOR VALUES IN (1, 2, 88) SERVER loop OPTIONS (schema_name 'fgn', table_name 'store');
SELECT row_id IS NOT NULL AS found, key FROM sg_orphans('spread', '{r}', 'parent');

SELECT sg_plan_drop('fgn');
DROP SCHEMA fgn CASCADE;
DROP EXTENSION file_fdw, postgres_fdw CASCADE;
