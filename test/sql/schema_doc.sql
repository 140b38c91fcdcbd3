-- sg_schema_doc(): what a schema is, as pages that can be kept in git
-- rooms: report
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA doc;
COMMENT ON SCHEMA doc IS '- For the shop';
CREATE SCHEMA doc_empty;
SET search_path = doc, public;
\pset tuples_only on
\pset format unaligned
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL, since timestamptz DEFAULT '2020-01-02 00:00+00',
    twice int GENERATED ALWAYS AS (1 + 1) STORED, UNIQUE (name) DEFERRABLE);
COMMENT ON TABLE customers IS E'Who buys\nhere';
COMMENT ON COLUMN customers.name IS 'legal name';
CREATE TABLE orders (id bigint PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE, n int CHECK (n > 0), before bigint REFERENCES orders);
ALTER TABLE orders ADD CONSTRAINT later FOREIGN KEY (n) REFERENCES customers NOT VALID;
COMMENT ON CONSTRAINT later ON orders IS 'not yet';
CREATE UNIQUE INDEX small ON orders (n DESC, lower(n::text)) WHERE n < 9;
COMMENT ON INDEX small IS 'few';
CREATE INDEX ON orders (n);
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders FOR UPDATE USING (n > 1) WITH CHECK (n > 2);
COMMENT ON POLICY own ON orders IS 'mine';
CREATE POLICY all_of ON orders AS RESTRICTIVE TO pg_read_all_stats, pg_monitor USING (true);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.n > 5) EXECUTE FUNCTION touch();
ALTER TABLE orders DISABLE TRIGGER touched;
CREATE TABLE parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE UNLOGGED TABLE heir () INHERITS (customers);
CREATE VIEW seen AS SELECT id FROM orders;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM orders;

SELECT path, content FROM sg_schema_doc('{doc,doc_empty}');
SELECT path, content FROM sg_schema_doc('{doc}', 'files') WHERE path IN ('README.md', 'doc/orders.md');
SELECT path FROM sg_schema_doc('{doc}', 'files');
SELECT path, content ~ '^<!DOCTYPE html>', content ~ '<h3 id="doc.orders">doc.orders</h3>' FROM sg_schema_doc('{doc}', 'html');
-- nothing runs but the script whose digest the page has
SELECT encode(sha256((regexp_match(content, '<script>(.*)</script>'))[1]::bytea), 'base64') = (regexp_match(content, '''sha256-([^'']*)'''))[1],
       content !~* 'https?:|src=|url\(|@import|<link|fetch|XMLHttp' FROM sg_schema_doc('{doc}', 'html');

-- by module
INSERT INTO schemaguard.module (module, pattern) VALUES ('sales', 'doc.orders'), ('sales', 'doc.cust*');
SELECT m[1] FROM sg_schema_doc('{doc}'), regexp_matches(content, '^(###? .*)$', 'gn') m;
DELETE FROM schemaguard.module;

-- what does not change the schema does not change the pages
CREATE TEMPORARY TABLE before AS SELECT f, d.* FROM unnest('{markdown,files,html}'::text[]) f, sg_schema_doc('{doc}', f) d;
INSERT INTO customers (name) SELECT 'x' || g FROM generate_series(1, 100) g;
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
-- from 18 on that takes the heirs along
ANALYZE customers, heir;
SET DateStyle = 'German';
SET TimeZone = 'Asia/Tokyo';
SET quote_all_identifiers = on;
SET search_path = public;
SELECT count(*) FROM unnest('{markdown,files,html}'::text[]) f, sg_schema_doc('{doc,doc}', f) d WHERE ROW(f, d.*)::text NOT IN (SELECT ROW(b.*)::text FROM before b);
RESET DateStyle;
RESET TimeZone;
RESET quote_all_identifiers;
SET search_path = doc, public;

-- on request
ANALYZE orders;
ANALYZE parts_1;
SELECT regexp_replace(m[1], '\d+ kB', '... kB') FROM sg_schema_doc('{doc}', figures => true), regexp_matches(content, '^(\| (?:Table|\[).*Size \|$|\| \[doc.*table.*|\| \[doc.*view.*|.*estimates.*)$', 'gn') m;
SELECT (regexp_match(content, '## Findings.*'))[1] ~ 'not-valid|unvalidated|table-without' FROM sg_schema_doc('{doc}', 'files', findings => true) WHERE path = 'README.md';
SELECT content ~ '## Findings' FROM sg_schema_doc('{doc_empty}', findings => NULL, figures => NULL);

-- what the role may not see is left out, and named
CREATE ROLE regress_doc;
GRANT USAGE ON SCHEMA doc TO regress_doc;
GRANT SELECT (id) ON customers TO regress_doc;
SET ROLE regress_doc;
SELECT path, content FROM sg_schema_doc('{doc}', 'files');
RESET ROLE;
REVOKE ALL ON SCHEMA doc FROM regress_doc;
SET ROLE regress_doc;
SELECT content ~ 'doc.customers\)', content ~ '\| doc.customers \|' FROM public.sg_schema_doc('{doc}');
RESET ROLE;
REVOKE ALL ON customers FROM regress_doc;
DROP ROLE regress_doc;

-- names and comments are inert
CREATE SCHEMA "<script>alert(1)</script>";
COMMENT ON SCHEMA "<script>alert(1)</script>" IS E'</main><img src=x onerror=alert(1)> | `x`\n# head\n[a](javascript:alert(1)) https://example.com @all';
SET search_path = "<script>alert(1)</script>", public;
CREATE TABLE "a|b""`']
../x" ("c|<b>""`
_d_" int PRIMARY KEY DEFAULT length('</script>' || E'|\n`'), CONSTRAINT "--> <!--" CHECK ("c|<b>""`
_d_" > 0));
COMMENT ON TABLE "a|b""`']
../x" IS U&'1. \05E9\05DC\05D5\05DD\202E<script>alert(2)</script>';
CREATE TABLE "Con" (id int REFERENCES "a|b""`']
../x");
CREATE TABLE con ();
CREATE TABLE "![a](javascript:b)\[" ();
CREATE TABLE aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_z ();
SELECT format('CREATE TABLE %I ()', repeat(U&'\05D0', 31) || '.') \gexec
SELECT path, content FROM sg_schema_doc('{<script>alert(1)</script>}', 'files');
SELECT path FROM sg_schema_doc('{<script>alert(1)</script>}', 'files') WHERE path !~ '^([a-z0-9_][a-z0-9_-]{0,71}/)?[A-Za-z0-9_][a-z0-9_A-Z-]{0,71}\.md$';
SELECT content AS html FROM sg_schema_doc('{<script>alert(1)</script>}', 'html') \gset
SELECT DISTINCT tag[1] COLLATE "C" FROM regexp_matches(:'html', '<(/?[a-z0-9!]+)', 'gi') tag ORDER BY 1;
SELECT count(*) FROM regexp_matches(:'html', '<script', 'g');
SELECT DISTINCT attribute[1] COLLATE "C" FROM regexp_matches(substring(:'html' FROM '<main>.*</main>'), '<[^>]*>', 'g') tag, regexp_matches(tag[1], ' ([a-z-]+)(?:="[^"]*")?', 'g') attribute ORDER BY 1;
SELECT :'html' ~ E'[\\u0001-\\u0009\\u000b-\\u001f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069]', substring(:'html' FROM '<main>.*</main>') ~ E'&(?!amp;|lt;|gt;|quot;|#39;)';
-- each link leads somewhere
SELECT link[1] FROM regexp_matches(:'html', 'href="#([^"]*)"', 'g') link WHERE strpos(:'html', format('id="%s"', link[1])) = 0;
SET search_path = doc, public;

-- bad input
\set VERBOSITY default
SELECT sg_schema_doc(format => 'pdf');
\echo :LAST_ERROR_SQLSTATE
SELECT sg_schema_doc(format => NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT sg_schema_doc('{doc_emtpy}');
\echo :LAST_ERROR_SQLSTATE
SELECT sg_schema_doc('{}');
\echo :LAST_ERROR_SQLSTATE

SET client_min_messages = error;
DROP SCHEMA doc, doc_empty, "<script>alert(1)</script>" CASCADE;
