-- Rules over columns that are computed when they are read, which exist from PostgreSQL 18 on
-- since: 18
-- rooms: audit
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA audit18;
SET search_path = audit18, public;
CREATE FUNCTION judged(rule text) RETURNS TABLE (way text, result text, violating_rows bigint, sample jsonb) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH way IN ARRAY '{scan, sql}'::text[] LOOP
        PERFORM set_config('schemaguard.audit_method', way, false);
        RETURN QUERY SELECT way, a.result, a.violating_rows, a.sample FROM sg_rule_audit_details('t', 'check', rule, 3) a;
    END LOOP;
END $$;

-- A whole row with a dropped column, in a table and in one that inherits: the same by scan and by query
CREATE TABLE t (id int PRIMARY KEY, gone text, i int);
ALTER TABLE t DROP COLUMN gone;
CREATE TABLE heir (more text) INHERITS (t);
INSERT INTO t VALUES (1, 1), (2, NULL);
INSERT INTO heir VALUES (3, 1, 'x'), (4, NULL, NULL);
SELECT * FROM judged('t IS NOT NULL');
ALTER TABLE t ADD twice int GENERATED ALWAYS AS (i * 2) VIRTUAL;
SELECT * FROM judged('t IS NOT NULL');
-- as the server itself says of the table alone
ALTER TABLE heir NO INHERIT t;
DELETE FROM t WHERE i IS NULL;
\set VERBOSITY terse
ALTER TABLE t ADD CHECK (t IS NOT NULL);
SELECT * FROM judged('t IS NOT NULL');
SELECT * FROM judged('twice < 3');
DROP SCHEMA audit18 CASCADE;
