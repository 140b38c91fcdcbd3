-- Tables of Citus, told by its catalogs alone: these are made here, as Citus has them.  test/t/092_citus.pl has the real one.
-- rooms: fk
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
SET allow_system_table_mods = on;
BEGIN;
CREATE SCHEMA cit;
SET search_path = cit, public;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int CONSTRAINT child_parent REFERENCES parent);
CREATE TABLE copied (parent int CONSTRAINT copied_parent REFERENCES parent);
CREATE TABLE here (parent int CONSTRAINT here_parent REFERENCES parent);
CREATE TABLE a_table_with_a_name_that_is_so_long_that_no_number_fits_behind_ (parent int);
-- a shard, one of a long name, one without a key, and three that only look like one
CREATE TABLE child_102008 (parent int CONSTRAINT shard REFERENCES parent);
CREATE TABLE a_table_with_a_name_that_is_so_long_that_the_nu_1a2b3c4d_102009 (parent int CONSTRAINT long_shard REFERENCES parent);
CREATE TABLE child_102011 (parent int);
CREATE TABLE child_102010 (parent int CONSTRAINT no_such_number REFERENCES parent);
CREATE TABLE other_102008 (parent int CONSTRAINT another_name REFERENCES parent);
CREATE TABLE child_2 (parent int CONSTRAINT small_number REFERENCES parent);
INSERT INTO parent SELECT generate_series(1, 3);
INSERT INTO child VALUES (1, 1), (2, 2);
INSERT INTO copied VALUES (1);
SELECT fk_name, state, result FROM sg_orphan_audit_details() WHERE child_table LIKE 'cit.%' ORDER BY 1;

CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", partkey text, colocationid int, repmodel "char");
CREATE TABLE pg_catalog.pg_dist_shard (logicalrelid regclass, shardid bigint);
CREATE TABLE pg_catalog.pg_dist_list (parent int CONSTRAINT of_citus REFERENCES parent);
INSERT INTO pg_dist_partition VALUES ('parent', 'h', '', 1, 's'), ('child', 'h', '', 1, 's'), ('copied', 'n', NULL, 2, 't');
INSERT INTO pg_dist_shard VALUES ('child', 102008), ('child', 102011), ('a_table_with_a_name_that_is_so_long_that_no_number_fits_behind_', 102009);

SELECT fk_name, child_table, state, result, method, reason FROM sg_orphan_audit_details() WHERE parent_table = 'cit.parent' ORDER BY 1 \gx
SELECT fk_name, state, armed, stands, stale_reason FROM schemaguard.fk_trust WHERE child_table IN ('cit.child', 'cit.copied', 'cit.here') ORDER BY 1 \gx
SELECT fk_name, test, observed, result FROM sg_verify_fks_details() WHERE child_table IN ('cit.child', 'cit.here') ORDER BY 1, 2;
SELECT DISTINCT child_table FROM sg_discover_fks_details(min_score => 0) WHERE child_table ~ '^cit.*_[0-9]+$' ORDER BY 1;
-- what the catalog does deny is no doubt
ALTER TABLE child DISABLE TRIGGER ALL;
SELECT fk_name, state FROM sg_orphan_audit_details('child');
ALTER TABLE child ENABLE TRIGGER ALL;
-- the table that a user knows, not that of the row
ALTER TABLE child DROP CONSTRAINT child_parent;
INSERT INTO child VALUES (3, 99);
SELECT row_table, row_id, key, data FROM sg_orphans('child', '{parent}', 'parent');
ALTER TABLE child ADD CONSTRAINT child_parent FOREIGN KEY (parent) REFERENCES parent NOT VALID;
SELECT fk_name, state, result, orphan_rows FROM sg_orphan_audit_details('child');
-- plans
DELETE FROM child WHERE parent = 99;
ALTER TABLE child VALIDATE CONSTRAINT child_parent;
ALTER TABLE child ADD CONSTRAINT added FOREIGN KEY (id) REFERENCES parent NOT VALID;
SELECT sg_plan_create('cit');
SELECT sg_plan_add_fk('cit', 'child', '{parent}', 'parent', index => false);
SELECT sg_plan_add_fk('cit', 'child', '{id}', 'parent', index => false);
SELECT sg_plan_add_fk('cit', 'a_table_with_a_name_that_is_so_long_that_no_number_fits_behind_', '{parent}', 'parent', fk_name => 'half');
SELECT step, check_name, result, detail, regexp_replace(hint, 'ROLE [^ ]+', 'ROLE me') AS hint
FROM sg_plan_check_details('cit') WHERE check_name IN ('existing_key', 'citus', 'deployment') ORDER BY 1, 2 \gx (format=wrapped columns=160)

-- ---- the nodes are asked.  Each shard, and each copy of it, is a table here; the function is like that of Citus.
CREATE TABLE placement (logicalrelid regclass, shardid bigint, nodename text, shard text);
CREATE FUNCTION pg_catalog.run_command_on_placements(table_name regclass, command text, parallel boolean DEFAULT true,
    OUT nodename text, OUT nodeport int, OUT shardid bigint, OUT success boolean, OUT result text) RETURNS SETOF record
LANGUAGE plpgsql AS $$
DECLARE
  p record;
BEGIN
  FOR p IN SELECT * FROM cit.placement WHERE logicalrelid = table_name LOOP
    nodename := p.nodename; nodeport := 5432; shardid := p.shardid;
    BEGIN
      EXECUTE format(command, p.shard) INTO result;
      success := true;
    EXCEPTION WHEN OTHERS THEN
      success := false; result := SQLERRM;
    END;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE TABLE country (id int PRIMARY KEY, "na%me" text);
CREATE TABLE city (id int PRIMARY KEY, country int CONSTRAINT city_country REFERENCES country ON DELETE CASCADE);
INSERT INTO country SELECT generate_series(1, 3), 'x';
INSERT INTO city VALUES (1, 1), (2, 2);
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.country_102100 AS SELECT * FROM country;
CREATE TABLE two.country_102100 AS SELECT * FROM country ORDER BY id DESC;
CREATE TABLE city_102201 (LIKE city);
CREATE TABLE city_102202 (LIKE city);
INSERT INTO pg_dist_partition VALUES ('country', 'n', NULL, 3, 't'), ('city', 'h', '', 4, 's');
INSERT INTO pg_dist_shard VALUES ('country', 102100), ('city', 102201), ('city', 102202);
CREATE VIEW audited AS SELECT state, result, reason FROM sg_orphan_audit_details('city');
CREATE VIEW verified AS SELECT test, result, observed, reason FROM sg_verify_fks_details() WHERE child_table = 'cit.city' ORDER BY 1;
-- nobody answers
SELECT * FROM audited \gx
SELECT * FROM verified \gx
INSERT INTO placement VALUES ('country', 102100, 'one', 'one.country_102100'), ('country', 102100, 'two', 'two.country_102100'),
  ('city', 102201, 'one', 'cit.city_102201');
-- both copies of the parent agree, in whatever order; one shard of the child does not answer, the other has no key
SELECT * FROM audited \gx
SELECT * FROM verified WHERE test = 'valid' \gx
INSERT INTO placement VALUES ('city', 102202, 'two', 'cit.city_102202');
SELECT * FROM verified WHERE test = 'valid' \gx
-- keys of shards: all are there; one is not valid, disabled, with another action, or of another table
ALTER TABLE one.country_102100 ADD PRIMARY KEY (id);
CREATE TABLE country_102100 (LIKE country);
ALTER TABLE country_102100 ADD PRIMARY KEY (id);
ALTER TABLE city_102201 ADD CONSTRAINT k FOREIGN KEY (country) REFERENCES country_102100 ON DELETE CASCADE;
ALTER TABLE city_102202 ADD CONSTRAINT k FOREIGN KEY (country) REFERENCES country_102100 ON DELETE CASCADE;
SELECT * FROM verified;
CREATE PROCEDURE instead(clause text) LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  ALTER TABLE cit.city_102202 DROP CONSTRAINT k;
  EXECUTE 'ALTER TABLE cit.city_102202 ADD CONSTRAINT k FOREIGN KEY (country) REFERENCES ' || clause;
  FOR r IN SELECT * FROM cit.verified WHERE test = 'valid' LOOP
    RAISE WARNING '%: % %', clause, r.result, r.reason;
  END LOOP;
END $$;
CALL instead('cit.country_102100 ON DELETE CASCADE NOT VALID');
CALL instead('cit.country_102100');
CALL instead('one.country_102100 ON DELETE CASCADE');
CALL instead('cit.parent ON DELETE CASCADE');
CALL instead('cit.country_102100 ON DELETE CASCADE');
ALTER TABLE city_102202 DISABLE TRIGGER ALL;
SELECT * FROM verified WHERE test IN ('armed', 'enforced', 'valid');
ALTER TABLE city_102202 ENABLE TRIGGER ALL;
-- a copy lacks a row; has as many, but others; can't be read
DELETE FROM two.country_102100 WHERE id = 3;
SELECT * FROM audited \gx
INSERT INTO two.country_102100 VALUES (4, 'x');
SELECT * FROM audited \gx
UPDATE two.country_102100 SET id = 3 WHERE id = 4;
SELECT result FROM audited;
DROP TABLE two.country_102100;
SELECT * FROM audited \gx
-- orphans are orphans, whichever copy was read
INSERT INTO placement SELECT 'country', 102100, 'three', 'cit.country_102100';
ALTER TABLE city DROP CONSTRAINT city_country;
INSERT INTO city VALUES (3, 99);
ALTER TABLE city ADD CONSTRAINT city_country FOREIGN KEY (country) REFERENCES country NOT VALID;
SELECT state, result FROM audited;

-- a version that is not known: nothing passes
ALTER TABLE pg_catalog.pg_dist_partition RENAME COLUMN logicalrelid TO relid;
SELECT fk_name, state, result FROM sg_orphan_audit_details('here');
ROLLBACK;
SELECT count(*) FROM pg_class WHERE relname LIKE 'pg_dist%';
