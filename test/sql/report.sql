-- sg_report(): what people read who decide
-- rooms: report
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA rep;
SET search_path = rep, public;
-- a section of the report as rows, without times and milliseconds
CREATE FUNCTION section(plan text, section text, kind text DEFAULT 'report') RETURNS SETOF text LANGUAGE sql AS $$
    WITH found AS (
        SELECT s FROM jsonb_array_elements(public.sg_report(plan, 'json', kind)::jsonb -> 'sections') s WHERE s ->> 'title' = section)
    SELECT l.line
    FROM (SELECT 0::bigint, coalesce(regexp_replace(replace(s ->> 'note', 'role ' || current_user, 'role me'),
                                          '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [-+]\d\d:\d\d', 'TIME', 'g'), '') FROM found
          UNION ALL
          SELECT r.n, (SELECT string_agg(CASE WHEN c.name IN ('Took ms', 'Without', 'With', 'More') AND v.value IS NOT NULL THEN 'N'
                                              WHEN v.value ~ '^\d{4}-\d\d-\d\d' THEN 'TIME'
                                              ELSE coalesce(replace(v.value, current_user, 'me'), '-') END, ' | ' ORDER BY v.n)
                       FROM jsonb_array_elements_text(r.cells) WITH ORDINALITY v (value, n)
                            JOIN jsonb_array_elements_text(s -> 'columns') WITH ORDINALITY c (name, n) USING (n))
          FROM found, jsonb_array_elements(s -> 'rows') WITH ORDINALITY r (cells, n)) l (n, line) ORDER BY l.n $$;
\pset tuples_only on
\pset format unaligned

CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer int, region int, seller int);
INSERT INTO customers SELECT generate_series(1, 10);
INSERT INTO orders SELECT g, CASE WHEN g > 2 THEN g ELSE g + 90 END, g, CASE g WHEN 1 THEN 77 ELSE g END FROM generate_series(1, 10) g;
SELECT sg_plan_create('rep', 'orders belong to customers');
SELECT sg_plan_add_fk('rep', 'orders', 'customer', 'customers', orphans => 'quarantine'),
       sg_plan_add_fk('rep', 'orders', 'region', 'customers', index => false), sg_plan_add_fk('rep', 'orders', 'seller', 'customers', orphans => 'leave');
SELECT sg_plan_add('rep', 'ANALYZE orders');
SELECT sg_plan_set('rep', 1, '{"rationale": "orders of nobody were shipped"}');
SELECT sg_plan_skip('rep', 2, 'regions go next year');
INSERT INTO schemaguard.go_rule (plan, metric, target, weight) VALUES ('rep', 'overhead, ms', 1e9, 'hold');

-- a plan that was never run
SELECT s FROM section('rep', 'Decision') s WHERE s !~ 'findings not accepted';
SELECT section('rep', 'Done');

SELECT s FROM section('rep', 'Not checked') s WHERE s !~ '^keys of the database';
SELECT section('rep', 'After', 'checklist');

-- a plan that was run, tested and measured
CALL sg_apply('rep', fix => true);
SELECT count(*) > 0 FROM sg_verify_fks('rep', live => true);
SELECT count(*) FROM schemaguard.sg_measure_overhead('rep', 10, 1);
SELECT s FROM section('rep', 'Decision') s WHERE s !~ 'overhead, ms|findings not accepted';
SELECT section('rep', 'Planned');
SELECT section('rep', 'Done');
SELECT section('rep', 'Orphans');
SELECT section('rep', 'Skipped');
SELECT section('rep', 'Proof');
SELECT section('rep', 'Tests');
SELECT regexp_replace(s, '\| (\d+) \| TIME', '| R | TIME') FROM section('rep', 'Overhead') s;
SELECT section('rep', 'Risks that are left');
SELECT regexp_replace(s, '^(foreign keys(, validated)?) \| (\d+) \| (\d+) \| \d+$', '\1') FROM section('rep', 'Figures') s WHERE s ~ '^foreign keys(, validated)? [|]';

SELECT s FROM section('rep', 'Before', 'checklist') s WHERE s !~ 'in the server|snapshot';

-- what is accepted
SET session_replication_role = replica;
UPDATE orders SET seller = 78 WHERE id = 5;
RESET session_replication_role;
CALL sg_audit_gate('rep', fail => false);
SELECT sg_audit_accept('orders_seller_fkey', 'sellers | come <later>', now() + interval '30 days');
SELECT section('rep', 'Accepted');

-- for whom an action waited
INSERT INTO schemaguard.audit_log (run_id, role, plan, step, action, phase, object, elapsed_ms, attempt, blockers)
VALUES (gen_random_uuid(), current_user, 'rep', 1, 'add', 'failed', 'orders_customer_fkey ON rep.orders', 7, 3,
        '[{"pid": 1, "role": "app", "application": "web", "backend": "client backend", "mode": "AccessShareLock", "table": "rep.orders"}, {"prepared": "two|phase"}, 7]');
SELECT s FROM section('rep', 'Done') s WHERE s ~ 'failed';

-- what the last check for drift says of objects
SELECT sg_snapshot_take('rep', '{rep}') > 0;
ALTER TABLE orders ADD COLUMN more int;
SELECT sg_drift_check('rep') > 0;
SELECT regexp_replace(s, '^column . \d+', 'column | N') FROM section('rep', 'Objects') s WHERE s ~ '^(The last|table|column) ';
SELECT sg_snapshot_drop('rep');

-- the database
SELECT s ->> 'title' FROM jsonb_array_elements(sg_report(format => 'json')::jsonb -> 'sections') s;
SELECT s FROM section(NULL, 'Plans') s WHERE s ~ '^rep ';
SELECT sg_report() LIKE '# Database %', sg_report(NULL, 'html') LIKE '<!DOCTYPE html>%';

-- a reason of blanks is none
BEGIN;
SELECT sg_plan_create('blanks'), sg_plan_add('blanks', 'ALTER TABLE rep.c ADD CHECK (true)', '{"rationale": " "}');
SELECT l FROM section('blanks', 'Before', 'checklist') l WHERE l LIKE '% each step says why %';
ROLLBACK;
-- characters that nobody sees
SELECT schemaguard.sg_page_plain(E'a\u00a0\u034f\u115f\u2800\u3164\ufe0f\U000e0041b\u00e9');

-- names and words from everywhere
CREATE TABLE "<script>alert(1)</script>" ("a|b" int PRIMARY KEY);
CREATE TABLE """><img src=x onerror=alert(1)>" (id int PRIMARY KEY, "c`d*_e_
f [x](http://x.y)" int);
SELECT sg_plan_create(E'<b>@team</b> ``x``\n# | \u202e www.x.org', E'</p><script>1</script> ![x](x) \u200b $x$');
SELECT sg_plan_add_fk(name, '"""><img src=x onerror=alert(1)>"', E'c`d*_e_\nf [x](http://x.y)', '"<script>alert(1)</script>"', fk_name => repeat('<', 63))
FROM schemaguard.plan WHERE name LIKE '<b>%';
SELECT sg_plan_set(name, 1, '{"rationale": "<a href=javascript:alert(1)>|\\|`</td></tr></table>\u2066"}') FROM schemaguard.plan WHERE name LIKE '<b>%';
SELECT sg_plan_skip(name, 1, E'&lt;\r\n- [ ] "''\\') FROM schemaguard.plan WHERE name LIKE '<b>%';
SELECT sg_report(name, 'markdown') AS md, sg_report(name, 'html') AS html, sg_report(name, 'json') AS json, name,
       sg_report(name, 'markdown', 'checklist') AS box FROM schemaguard.plan WHERE name LIKE '<b>%' \gset
-- Markdown: no tag, no link, no code, no turned line, each row of a table has the cells of its head
SELECT m.md ~ '<|>', m.md ~ E'(?<!\\\\)[][`*]', m.md ~ E'[\\u0001-\\u0009\\u000b-\\u001f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069]', m.md ~ '://|@|www[.]'
FROM (SELECT regexp_replace(v.md, E'\n[*]{2}([a-z-]+)[*]{2}\n', E'\n\\1\n') FROM (VALUES (:'md'), (:'box')) v (md)) m (md);
SELECT DISTINCT regexp_count = head FROM (
    SELECT (SELECT count(*) FROM regexp_matches(l.line, E'(?<!\\\\)(?:\\\\\\\\)*\\|', 'g')) AS regexp_count,
           (SELECT count(*) FROM regexp_matches(split_part(t.text, E'\n', 1), E'\\|', 'g')) AS head
    FROM regexp_split_to_table(:'md', E'\n\n') t (text), regexp_split_to_table(t.text, E'\n') l (line)
    WHERE t.text LIKE '| %' AND l.line <> '') c;
-- HTML: these are all tags and attributes that there are
SELECT DISTINCT tag[1] COLLATE "C" FROM regexp_matches(:'html', '<([^>]*)>', 'g') tag ORDER BY 1;
SELECT :'html' ~ E'[\\u0001-\\u0009\\u000b-\\u001f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069]', :'html' ~ E'&(?!amp;|lt;|gt;|quot;|#39;)';
-- JSON: as they are
SELECT :'json'::jsonb ->> 'title' = 'Plan ' || :'name';
SELECT jsonb_path_query(:'json', '$.sections[*] ? (@.title == "Planned").rows[0][2]') #>> '{}' = repeat('<', 63);
SELECT sg_plan_drop(:'name');

-- bad input
SELECT sg_report('gone');
SELECT sg_report('rep', 'pdf');
SELECT sg_report('rep', NULL);
SELECT sg_report('rep', E'a\nb"c');
SELECT sg_report('rep', kind => 'letter');
SELECT sg_report(kind => 'checklist');
BEGIN READ ONLY;
SELECT sg_report('rep') LIKE '# Plan rep%';
COMMIT;

-- another role: a plan that it may not read; then one of whose runs it sees nothing
CREATE ROLE regress_report;
GRANT USAGE ON SCHEMA rep TO regress_report;
SET ROLE regress_report;
SELECT sg_report('rep');
\set VERBOSITY default
SELECT * FROM sg_watch();
\set VERBOSITY terse
RESET ROLE;
SELECT sg_plan_allow('rep', 'regress_report');
SET ROLE regress_report;
SELECT sg_report('rep', 'json')::jsonb #>> '{lead,2}';
SELECT section('rep', 'Done');
SELECT section('rep', 'Tests');
SELECT sg_report('rep', 'json')::jsonb ->> 'verdict';
SELECT s FROM section('rep', 'Not checked') s WHERE s ~ '^runs';
RESET ROLE;
GRANT pg_monitor TO regress_report;
SET ROLE regress_report;
SELECT count(*) > 5 FROM section('rep', 'Done');
RESET ROLE;

-- more rows than anybody reads
SELECT schemaguard.sg_page_section('t', 'Note.', '{n}', (SELECT jsonb_agg(jsonb_build_array(n)) FROM generate_series(1, 1001) n)) ->> 'note';
SELECT jsonb_array_length(schemaguard.sg_page_section('t', NULL, '{n}', (SELECT jsonb_agg(jsonb_build_array(n)) FROM generate_series(1, 1001) n)) -> 'rows');

DELETE FROM schemaguard.go_rule WHERE plan = 'rep';
CALL sg_rollback_fks('rep');
SELECT sg_plan_drop('rep', force => true);

-- rows that refer to nothing, and a key that was rolled back: a risk that is left, with the last count
CREATE TABLE rep.gone (p int);
CREATE TABLE rep.kept (id int PRIMARY KEY);
INSERT INTO rep.gone VALUES (1), (2), (3);
SELECT sg_plan_create('rep'), sg_plan_add_fk('rep', 'rep.gone', 'p', 'rep.kept');
CALL sg_add_fks('rep');
CALL sg_rollback_fks('rep');
SELECT r - 4 - 5 AS orphans FROM jsonb_array_elements(sg_report('rep', 'json')::jsonb -> 'sections') s, jsonb_array_elements(s -> 'rows') r WHERE s ->> 'title' = 'Orphans';
SELECT r AS risk FROM jsonb_array_elements(sg_report('rep', 'json')::jsonb -> 'sections') s, jsonb_array_elements(s -> 'rows') r WHERE s ->> 'title' ~ '^Risks';
SELECT sg_plan_drop('rep', force => true);
-- more calls than before are not fewer
SELECT schemaguard.sg_watch_change('fewer', b, n) FROM (VALUES (4, 1), (4, 4), (1, 1200), (0, 1), (NULL, 1), (1, NULL)) v (b, n);
DROP OWNED BY regress_report;
DROP ROLE regress_report;
DROP SCHEMA rep CASCADE;
