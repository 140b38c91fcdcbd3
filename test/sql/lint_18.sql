-- sg_lint(): keys that are not enforced
-- rooms: report
-- since: 18
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA lint_18;
SET search_path = lint_18, public;
CREATE TABLE p (id int PRIMARY KEY, p int UNIQUE REFERENCES p NOT ENFORCED);
SELECT severity, rule, object, message, fix FROM sg_lint_details('{lint_18}');
SELECT fix AS mend FROM sg_lint('{lint_18}') \gexec
SELECT * FROM sg_lint('{lint_18}');
DROP SCHEMA lint_18 CASCADE;
