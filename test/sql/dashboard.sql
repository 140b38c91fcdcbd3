-- sg_dashboard(): one page over environments; sg_stats_take(): its trend
-- rooms: report
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
-- In a database of its own: rows of other tests would count.
SELECT current_database() AS here \gset
DROP DATABASE IF EXISTS sg_dashboard_test;
CREATE DATABASE sg_dashboard_test;
\c sg_dashboard_test
\set VERBOSITY terse
SET client_min_messages = error;
SET DateStyle = ISO;
CREATE EXTENSION schemaguard;
\pset tuples_only on
\pset format unaligned
\pset null -
-- the cells of a section, without what changes from run to run; and the headings of a page
CREATE FUNCTION pg_temp.cells(page text, title text) RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC
    SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(replace(r.line, E'\n', ''), '<a href="(#[^"]*?)">', '\1 ', 'g'), '</td>|</th>', ' | ', 'g'),
        '<(?!/?img)[^>]*>', '', 'g'), '\d{4}-\d\d-\d\d( [0-9:.]+ ?[-+0-9:]*)?', '(time)', 'g'), '\d+ [kM]B', '(size)', 'g')
     FROM (SELECT 1) x, LATERAL regexp_split_to_table(substring(page FROM '<h2[^>]*?>' || title || '</h2>.*?</section>'), '<tr>') WITH ORDINALITY r (line, n) WHERE r.n > 1;
END;
CREATE FUNCTION pg_temp.headings(page text) RETURNS text LANGUAGE sql RETURN (SELECT string_agg(h[1], ', ') FROM regexp_matches(page, '<h2[^>]*?>(.*?)</h2>', 'g') h);
-- nothing yet
SELECT sg_dashboard() ~ '^<!DOCTYPE html>', pg_temp.cells(sg_dashboard(), 'Environments');
SELECT pg_temp.headings(sg_dashboard());

CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int);
INSERT INTO orders VALUES (1, 2), (2, 2), (3, NULL);
SELECT sg_snapshot_take('<b>before</b>');
SELECT sg_plan_create('</td><script>alert(1)</script>');
SELECT sg_plan_add_fk('</td><script>alert(1)</script>', 'orders', 'customer_id', 'customers', orphans => 'leave');
CALL sg_apply('</td><script>alert(1)</script>');
SELECT schemaguard.sg_stats_take() > 0;
UPDATE schemaguard.stats SET at = at - interval '1 day';
-- of a day the last sample counts
SELECT schemaguard.sg_stats_take() > 0, schemaguard.sg_stats_take() > 0;
SELECT sg_capture_ddl(true);
CREATE TABLE "<img src=x onerror=alert(2)>" (id int);
SELECT sg_drift_check('<b>before</b>');
CALL sg_audit_gate(fail => false);
CALL sg_lint_gate();
SELECT sg_snapshot_take('after');
SELECT sg_drift_check('<b>before</b>', 'after');

SELECT sg_dashboard() AS html \gset
SELECT pg_temp.headings(:'html');
SELECT pg_temp.cells(:'html', 'Environments');
SELECT pg_temp.cells(:'html', 'Trend');
SELECT pg_temp.cells(:'html', 'Audits');
SELECT pg_temp.cells(:'html', 'Plans');
SELECT pg_temp.cells(:'html', 'Plan [^<]*');
SELECT pg_temp.cells(:'html', 'Drift of live[^<]*');
SELECT pg_temp.cells(:'html', 'Findings of audit gates');
SELECT pg_temp.cells(:'html', 'Lint');

-- each link leads somewhere, no id is there twice; it runs nothing but its own script and asks for nothing
SELECT DISTINCT link[1] FROM regexp_matches(:'html', 'href="#([^"]*)"', 'g') link WHERE strpos(:'html', format(' id="%s"', link[1])) = 0;
SELECT id[1] FROM regexp_matches(:'html', ' id="([^"]*)"', 'g') id GROUP BY 1 HAVING count(*) > 1;
SELECT DISTINCT tag[1] COLLATE "C" FROM regexp_matches(:'html', '<(/?[a-z0-9!]+)', 'gi') tag ORDER BY 1;
SELECT encode(sha256((regexp_match(:'html', '<script>(.*)</script>'))[1]::bytea), 'base64') = (regexp_match(:'html', '''sha256-([^'']*)'''))[1],
       (SELECT count(*) FROM regexp_matches(:'html', '<script', 'g')), :'html' !~* 'https?:|src=[^x]|url\(|@import|<link|fetch|XMLHttp';

-- chosen ones, in their order
SELECT pg_temp.cells(sg_dashboard('{after,live}'), 'Environments');
-- comparisons with others are left out
SELECT sg_dashboard('{live}') ~ 'Drift of', sg_dashboard('{"<b>before</b>",live}') ~ 'Drift of live', sg_dashboard('{"<b>before</b>",live}') ~ 'Drift of after';

-- a role sees what it may, and is told
CREATE ROLE regress_dashboard;
SET ROLE regress_dashboard;
SELECT l[1] FROM regexp_matches(sg_dashboard(), '<p>(Role[^<]*)</p>', 'g') l;
SELECT pg_temp.cells(sg_dashboard(), t), t FROM unnest('{Environments,Trend,Audits,Plans,Lint}'::text[]) t;
SELECT schemaguard.sg_stats_figures() -> 'sees_all', count(*) FROM schemaguard.stats;
\set VERBOSITY default
SELECT schemaguard.sg_stats_take();
INSERT INTO schemaguard.stats (role, figures) VALUES ('regress_dashboard', '{}');
SELECT sg_dashboard('{after}');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
-- figures of who does not see all are no part of another role's trend
SELECT sg_grant('regress_dashboard');
SET ROLE regress_dashboard;
SELECT schemaguard.sg_stats_take() > 0, (SELECT count(*) FROM regexp_matches(sg_dashboard(), '</svg>', 'g'));
RESET ROLE;
SELECT (SELECT count(*) FROM schemaguard.stats), (SELECT count(*) FROM regexp_matches(substring(sg_dashboard() FROM '>Trend<.*?</section>'), '<tr>', 'g'));

-- what grows is pruned
CALL sg_prune(now() - interval '1 hour', 'stats');
SELECT count(*) FROM schemaguard.stats;

-- bad input
SELECT sg_dashboard('{live,nothing}');
\echo :LAST_ERROR_SQLSTATE
SELECT sg_dashboard('{live,NULL}');
SELECT sg_dashboard('{}');
\echo :LAST_ERROR_SQLSTATE
SELECT sg_dashboard(array_fill('live'::text, '{101}')::text::schemaguard.names);
BEGIN READ ONLY;
SELECT sg_dashboard() IS NULL;
SELECT schemaguard.sg_stats_take();
ROLLBACK;

SELECT sg_revoke('regress_dashboard');
DROP ROLE regress_dashboard;
\c :here
DROP DATABASE sg_dashboard_test;
