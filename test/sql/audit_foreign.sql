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

SET client_min_messages = warning;
SELECT sg_plan_drop('fgn');
DROP SCHEMA fgn CASCADE;
DROP EXTENSION file_fdw CASCADE;
