-- sg_lint(): keys that are not enforced
-- rooms: report
-- since: 18
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA lint_18;
SET search_path = lint_18, public;
CREATE TABLE p (id int PRIMARY KEY, p int UNIQUE REFERENCES p NOT ENFORCED);
SELECT severity, rule, object, message, fix FROM sg_lint_details('{lint_18}');
SELECT sg_plan_create('lint_18') \g /dev/null
SELECT replace(fix, 'schemaguard.sg_lint_plan()', '''lint_18''') AS mend FROM sg_lint('{lint_18}') \gexec
CALL sg_apply('lint_18');
SELECT * FROM sg_lint('{lint_18}');
SELECT sg_plan_drop('lint_18', force => true) \g /dev/null
DROP SCHEMA lint_18 CASCADE;
