-- Audit of tables whose rows are elsewhere: a foreign table is read by a query, as its owner, who is no superuser; what stands beside it apart from it
-- needs: file_fdw
-- rooms: audit
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE SCHEMA fgn;
CREATE ROLE regress_fgn LOGIN;
CREATE ROLE regress_fgn_other;
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

CREATE FUNCTION judge() RETURNS TABLE (fk_name text, "rows" bigint, orphans bigint, keys bigint, result text, method text, reason text) LANGUAGE sql AS $$
  SELECT fk_name, rows_checked, orphan_rows, orphan_keys, result, method, reason FROM sg_orphan_audit_details(plan => 'fgn') ORDER BY 1 $$;

-- A superuser's foreign table is not read; an orphan beside it is one all the same, and no orphan there is no pass
SELECT * FROM judge();
SELECT row_id, key FROM sg_orphans('child', '{r}', 'parent');
DELETE FROM child_here WHERE r = 99;
SELECT * FROM judge() WHERE fk_name = 'there';
INSERT INTO child VALUES (99);
-- The way out: an owner who is no superuser, and may read what the query reads
ALTER FOREIGN TABLE child_there OWNER TO regress_fgn;
SELECT * FROM judge() WHERE fk_name = 'there';
GRANT USAGE ON SCHEMA fgn TO regress_fgn;
GRANT SELECT ON parent TO regress_fgn;
SELECT * FROM judge();
SELECT row_table, key FROM sg_orphans('child', '{r}', 'parent') ORDER BY 1, 2;
SELECT count(*) FROM sg_orphans('child', '{r}', 'parent', max_rows => 2);
SET schemaguard.audit_method = scan;
SET schemaguard.audit_workers = 2;
SET min_parallel_table_scan_size = 0;
SELECT * FROM judge();
RESET schemaguard.audit_method;
-- Rules likewise; of UNIQUE, whose equal rows may be in different partitions, in one query
SELECT column_name, result, rows_checked, rows_wrong, reason FROM (SELECT * FROM sg_rule_audit_details('child', 'check', 'r < 50')) a (a, b, column_name, result, rows_checked, rows_wrong, g, s, reason);
SELECT result, rows_checked, rows_wrong, reason FROM (SELECT * FROM sg_rule_audit_details('child', 'unique', '(r)')) a (a, b, c, result, rows_checked, rows_wrong, g, s, reason);
SELECT row_table, data FROM sg_rule_violations('child', 'check', 'r < 50') ORDER BY 1, 2;
-- What can't be read there is not a pass
ALTER FOREIGN TABLE child_there OPTIONS (SET program 'exit 3');
DELETE FROM child_here WHERE r = 99;
SELECT fk_name, orphans, result, method, regexp_replace(reason, ':.*', '') AS reason FROM judge();
ALTER FOREIGN TABLE child_there OPTIONS (SET program 'echo 1');
-- Code of another owner of a table in the query could run as the foreign table's owner
ALTER TABLE parent OWNER TO regress_fgn_other;
SELECT * FROM judge() WHERE fk_name = 'there';
ALTER TABLE parent OWNER TO CURRENT_USER;
CREATE FUNCTION other() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION other() OWNER TO regress_fgn_other;
CREATE INDEX other ON parent ((id + other()));
SELECT * FROM judge() WHERE fk_name = 'there';
DROP INDEX other;
RESET ALL;

-- A server that is asked for estimates when the query is planned: the owner's user mapping is missing, has no password, is there
SET client_min_messages = warning;
CREATE EXTENSION postgres_fdw;
SET search_path = fgn, public;
DO $$ BEGIN EXECUTE format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, use_remote_estimate ''true'')',
  split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()); END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
CREATE TABLE store (r int);
INSERT INTO store VALUES (1), (2), (88);
GRANT SELECT ON store TO regress_fgn;
CREATE TABLE spread (r int) PARTITION BY LIST (r);
CREATE FOREIGN TABLE spread_there PARTITION OF spread FOR VALUES IN (1, 2, 88) SERVER loop OPTIONS (schema_name 'fgn', table_name 'store');
ALTER FOREIGN TABLE spread_there OWNER TO regress_fgn;
SELECT sg_plan_create('fgn', replace => true);
SELECT sg_plan_add_fk('fgn', 'spread', '{r}', 'parent', fk_name => 'spread', index => false);
SELECT result, regexp_replace(reason, '(not found for).*', '\1 ...') AS reason FROM judge();
CREATE USER MAPPING FOR regress_fgn SERVER loop;
SELECT result, regexp_replace(reason, 'password .*required \(', 'password required (') AS reason FROM judge();
ALTER USER MAPPING FOR regress_fgn SERVER loop OPTIONS (ADD password 'fgn_secret', ADD password_required 'false');
SELECT * FROM judge();
SELECT row_id IS NOT NULL AS found, key FROM sg_orphans('spread', '{r}', 'parent');
SELECT data FROM sg_rule_violations('spread', 'check', 'r < 50');
ALTER SERVER loop OPTIONS (SET port '1');
SELECT result, regexp_replace(reason, 'server.*', 'server ...') AS reason, reason LIKE '%fgn_secret%' AS told FROM judge();

SELECT sg_plan_drop('fgn');
DROP SCHEMA fgn CASCADE;
DROP EXTENSION file_fdw, postgres_fdw CASCADE;
DROP ROLE regress_fgn, regress_fgn_other;
