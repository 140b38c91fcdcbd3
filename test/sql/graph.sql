-- sg_graph(): tables and keys as Mermaid, DOT and SVG
-- rooms: report
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA graph;
CREATE SCHEMA graph_too;
SET search_path = graph, public;
\pset tuples_only on
\pset format unaligned
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p, q int, r int REFERENCES c);
ALTER TABLE c ADD CONSTRAINT late FOREIGN KEY (q) REFERENCES p NOT VALID;
CREATE TABLE off (id int PRIMARY KEY REFERENCES c);
ALTER TABLE off DISABLE TRIGGER ALL;
CREATE TABLE parts (id int, c int REFERENCES c) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE graph_too.far (id int, p int);
CREATE TABLE broken (id int, p int REFERENCES p);
SET session_replication_role = replica;
INSERT INTO broken VALUES (1, 1);
RESET session_replication_role;
SELECT count(*) FROM sg_orphan_audit('broken');
SELECT sg_plan_create('graph') \g /dev/null
SELECT sg_plan_add_fk('graph', 'graph_too.far', 'p', 'p');

-- each state of a key
SELECT sg_graph(schemas => '{graph,graph_too}');
SELECT sg_graph('dot', '{graph,graph_too}');
SELECT sg_graph('svg', '{graph_too}', depth => 0);

-- around a table
SELECT sg_graph(focus => 'off');
SELECT count(*) FROM regexp_matches(sg_graph(focus => 'off', depth => 2), '^t\d+\[', 'gn');
SELECT count(*) FROM regexp_matches(sg_graph(focus => 'off', depth => 0), '^t\d+\[', 'gn');

-- by module: the longest pattern
INSERT INTO schemaguard.module (module, pattern) VALUES ('core', 'graph.*'), ('the "off"', 'graph.off'), ('none', 'graph%'), ('one', 'graph.of_');
SELECT m[1] FROM regexp_matches(sg_graph(schemas => '{graph,graph_too}'), '^subgraph (.*)$', 'gn') m;
CREATE ROLE regress_graph;
GRANT INSERT ON schemaguard.module TO regress_graph;
SET ROLE regress_graph;
INSERT INTO schemaguard.module (module, pattern, added_by) VALUES ('x', 'y', 'postgres');
RESET ROLE;
REVOKE INSERT ON schemaguard.module FROM regress_graph;
DROP ROLE regress_graph;
DELETE FROM schemaguard.module;

-- names are inert
CREATE SCHEMA graph_odd;
CREATE TABLE graph_odd."</title><script>alert(1)</script>" (id int PRIMARY KEY);
CREATE TABLE graph_odd."a\N""];--> x|y" (id int CONSTRAINT "k"" -->|b| &amp;
`#" REFERENCES graph_odd."</title><script>alert(1)</script>");
SELECT sg_graph(f, '{graph_odd}') FROM unnest('{mermaid,dot}'::text[]) f;
CREATE TABLE graph_odd.U&"no XML: \FFFF" ();
SELECT xpath('//s:text/text()', sg_graph('svg', '{graph_odd}')::xml, '{{s,http://www.w3.org/2000/svg}}') IS NOT NULL, sg_graph('svg', '{graph_odd}') !~ '<script|onload|href';

-- a circle, and layers
CREATE SCHEMA graph_round;
CREATE TABLE graph_round.a (id int PRIMARY KEY, b int);
CREATE TABLE graph_round.b (id int PRIMARY KEY REFERENCES graph_round.a);
ALTER TABLE graph_round.a ADD FOREIGN KEY (b) REFERENCES graph_round.b;
CREATE TABLE graph_round.c (id int REFERENCES graph_round.b);
SELECT name, x, y FROM schemaguard.sg_graph_places(schemaguard.sg_graph_document('{graph_round}', NULL, 1)) ORDER BY id;

-- bad input
SELECT sg_graph('png');
SELECT sg_graph(NULL);
SELECT sg_graph(schemas => '{nowhere}');
SELECT sg_graph(focus => 'parts_1');
SELECT sg_graph(focus => 'prats');
SELECT count(DISTINCT sg_graph('mermaid', NULL, 'off', 2)), max(length(repeat('P', g * 300))) FROM generate_series(1, 40) g;
SELECT sg_graph(focus => 'pg_class');
SELECT sg_graph(depth => -1);
SELECT sg_graph(depth => NULL);
DO $$ BEGIN FOR n IN 1 .. 61 LOOP EXECUTE format('CREATE TABLE graph_too.t%s ()', n); END LOOP; END $$;
SELECT sg_graph('svg', '{graph_too}');

SET client_min_messages = error;
SELECT sg_plan_drop('graph') \g /dev/null
DROP SCHEMA graph, graph_too, graph_odd, graph_round CASCADE;
