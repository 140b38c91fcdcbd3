-- sg_tenant_audit: tables, keys and rows by which data of one tenant can be, or is, among another's
-- rooms: tenant
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE ROLE regress_sg_tenant;
CREATE SCHEMA tn;
CREATE SCHEMA tn2;
RESET client_min_messages;
SET search_path = tn, public;

CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE countries (code text PRIMARY KEY);
CREATE TABLE customers (id int PRIMARY KEY, tn_id int NOT NULL REFERENCES tenants, country text REFERENCES countries);
CREATE TABLE orders (id int PRIMARY KEY, tn_id int NOT NULL REFERENCES tenants,
    customer_id int CONSTRAINT customer REFERENCES customers, parent_id int CONSTRAINT parent REFERENCES orders,
    UNIQUE (tn_id, id));
CREATE TABLE lines (order_id int CONSTRAINT in_order REFERENCES orders, n int);
CREATE TABLE notes (id int, line int, tn_id bigint);
CREATE TABLE "Odd ""Notes" ("the line" int, "tn_id" bigint, kept int CONSTRAINT "Kept ""by" REFERENCES orders) PARTITION BY LIST ("the line");
CREATE TABLE odd_1 PARTITION OF "Odd ""Notes" DEFAULT;
CREATE TABLE tn2.isolated (tn_id int NOT NULL REFERENCES tenants, order_id int, invited_by int CONSTRAINT invited REFERENCES tenants,
    CONSTRAINT whole FOREIGN KEY (tn_id, order_id) REFERENCES orders (tn_id, id));
CREATE TABLE tn2.deep (isolated int);
CREATE TABLE invitations (who int CONSTRAINT who REFERENCES tenants);
INSERT INTO tenants VALUES (1), (2), (3);
INSERT INTO countries VALUES ('at');
INSERT INTO customers SELECT g, 1 + g % 3, 'at' FROM generate_series(1, 300) g;
-- each order is its customer's tenant's, but for three; one has no customer
INSERT INTO orders SELECT g, 1 + g % 3, CASE WHEN g % 2 = 0 THEN g END, CASE WHEN g > 100 THEN g - 99 END FROM generate_series(1, 300) g;
UPDATE orders SET tn_id = 1 + (tn_id + 1) % 3 WHERE id IN (6, 8);
INSERT INTO "Odd ""Notes" VALUES (1, 1 + 6 % 3, 7), (2, NULL, 7), (3, 2, NULL);
\x on
SELECT * FROM sg_tenant_audit_details('tn_id', 'tenants');
\x off
-- what is shown runs
SELECT hint FROM sg_tenant_audit_details('tn_id') WHERE result = 'fail' AND finding = 'rows' ORDER BY fk_name \gexec
SELECT DISTINCT ON (substring(hint FROM 'sg_plan\w+')) hint FROM sg_tenant_audit_details('tn_id', 'tenants') WHERE hint ~ 'sg_plan'
 ORDER BY substring(hint FROM 'sg_plan\w+'), table_name COLLATE "C" \gexec
SELECT kind, child_table, child_columns FROM schemaguard.plan_step WHERE plan = 'lint' ORDER BY step;
SELECT sg_plan_drop('lint');
-- some schemas; parents are anywhere
SELECT finding, table_name, fk_name, result FROM sg_tenant_audit_details('tn_id', 'tn.tenants', '{tn2}', 0);
-- a key that is not all it could be
ALTER TABLE tn2.isolated DROP CONSTRAINT whole;
ALTER TABLE tn2.isolated ADD CONSTRAINT whole FOREIGN KEY (tn_id, order_id) REFERENCES orders (tn_id, id) NOT VALID;
SELECT finding, fk_name, result, reason, hint FROM sg_tenant_audit_details('tn_id', NULL, '{tn2}');
-- who may not read, or not all
GRANT USAGE ON SCHEMA tn TO regress_sg_tenant;
GRANT SELECT (id, customer_id) ON orders TO regress_sg_tenant;
GRANT SELECT ON customers, "Odd ""Notes" TO regress_sg_tenant;
SET ROLE regress_sg_tenant;
SELECT table_name, fk_name, result, rows_checked, leaking_rows, reason FROM sg_tenant_audit_details('tn_id', NULL, '{tn}') WHERE finding = 'rows';
RESET ROLE;
GRANT SELECT (tn_id, parent_id) ON orders TO regress_sg_tenant;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
SET ROLE regress_sg_tenant;
SELECT table_name, fk_name, result, rows_checked, leaking_rows, reason FROM sg_tenant_audit_details('tn_id', NULL, '{tn}') WHERE finding = 'rows';
RESET ROLE;
-- columns that are not compared
ALTER TABLE customers ALTER tn_id TYPE text, DROP CONSTRAINT customers_tn_id_fkey;
SELECT table_name, fk_name, result, rows_checked, leaking_rows, reason FROM sg_tenant_audit_details('tn_id', NULL, '{tn}') WHERE finding = 'rows' AND fk_name = 'customer';
-- wrong arguments
SELECT * FROM sg_tenant_audit_details('no_such');
SELECT * FROM sg_tenant_audit_details(NULL);
SELECT * FROM sg_tenant_audit_details('tn_id', samples => -1);
\set VERBOSITY terse
SELECT * FROM sg_tenant_audit_details('tn_id', schemas => '{no_such}');
\set VERBOSITY default
SELECT * FROM sg_tenant_audit_details('tn_id', 1::regclass);

-- ---- against plain SQL: types, nulls, orphans, partitions, inheritance, keys of one and two columns

CREATE DOMAIN org AS uuid;
CREATE TYPE shape AS ENUM ('a', 'b', 'c', 'd', 'e');
CREATE TABLE found (case_number int, counted bigint, expected bigint, checked bigint, sampled int);
CREATE PROCEDURE one_case(n int, child_type text, parent_type text, value text) LANGUAGE plpgsql AS $$
DECLARE
    pairs text := CASE WHEN n % 2 = 0 THEN 'a, b' ELSE 'a' END;
    clause text := (ARRAY['', 'PARTITION BY HASH (id)', ''])[1 + n % 3];
BEGIN
    EXECUTE format('CREATE TABLE one_p (a int, b int, owner_org %s, UNIQUE (a, b), UNIQUE (a))', parent_type);
    EXECUTE format('CREATE TABLE one_c (owner_org %s, id int, a bigint, b int) %s', child_type, clause);
    IF clause <> '' THEN
        CREATE TABLE one_c1 PARTITION OF one_c FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE one_c2 PARTITION OF one_c FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    ELSE
        -- rows of one that inherits are none of the key's
        CREATE TABLE one_c3 () INHERITS (one_c);
    END IF;
    EXECUTE format('ALTER TABLE one_c ADD CONSTRAINT one FOREIGN KEY (%s) REFERENCES one_p (%1$s) MATCH %s', pairs,
        CASE WHEN n % 4 = 1 THEN 'FULL' ELSE 'SIMPLE' END);
    -- past the key
    SET LOCAL session_replication_role = replica;
    EXECUTE format('INSERT INTO one_p SELECT g, g, %s FROM (SELECT g, (random() * 4)::int AS v FROM generate_series(1, 50) g) s', value);
    EXECUTE format('INSERT INTO one_c SELECT %s, g, r, CASE WHEN random() < 0.9 THEN r END
        FROM (SELECT g, (random() * 60)::int AS r, (random() * 4)::int AS v FROM generate_series(1, 300) g) s', value);
    IF clause = '' THEN
        INSERT INTO one_c3 SELECT * FROM one_c;
    END IF;
    SET LOCAL session_replication_role = origin;
    INSERT INTO found SELECT n, a.leaking_rows, e.leaks, a.rows_checked, jsonb_array_length(a.sample)
    FROM sg_tenant_audit_details('owner_org', samples => 1) a,
        (SELECT count(*) AS leaks FROM one_c c JOIN one_p p ON c.a = p.a AND (n % 2 = 1 OR c.b = p.b)
         WHERE c.owner_org IS DISTINCT FROM p.owner_org AND (c.tableoid = 'one_c'::regclass OR clause <> '')) e
    WHERE a.finding = 'rows';
    DROP TABLE one_c, one_p CASCADE;
END $$;
SET client_min_messages = warning;
SELECT setseed(0.19) \g /dev/null
SELECT format('CALL one_case(%s, %L, %L, %L)', row_number() OVER (), t[1], t[2], t[3])
FROM generate_series(1, 4) g, (VALUES ('{int,int,v}'::text[]), ('{int,bigint,"nullif(v, 0)"}'), ('{uuid,org,md5(v::text)::uuid}'),
    ('{text,varchar(5),"chr(96 + nullif(v, 2))"}'), ('{shape,shape,"chr(97 + v)::shape"}'), ('{smallint,bigint,v}'), ('{date,timestamp,"''2026-01-01''::date + v"}')) AS v(t) \gexec
SELECT count(*) AS cases, count(*) FILTER (WHERE counted = expected AND checked = 300 AND sampled = 1) AS the_same, bool_and(expected > 100) AS with_leaks FROM found;
SELECT * FROM found WHERE (counted = expected AND checked = 300) IS NOT TRUE;
-- a partition with keys of its own has the column, too, and is judged by itself
CREATE TABLE own_p (id int PRIMARY KEY, squad int);
CREATE TABLE own_c (id int, p int, squad int) PARTITION BY LIST (squad);
CREATE TABLE own_c1 PARTITION OF own_c FOR VALUES IN (1);
ALTER TABLE own_c1 ADD CONSTRAINT own_fk FOREIGN KEY (p) REFERENCES own_p;
INSERT INTO own_p VALUES (1, 2); INSERT INTO own_c VALUES (1, 1, 1);
SELECT result, finding, table_name, fk_name, leaking_rows, reason FROM sg_tenant_audit('squad');
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA tn, tn2 CASCADE;
DROP ROLE regress_sg_tenant;
