-- What depends on an object. What sg_impact() says of a drop is compared with what DROP does.
-- rooms: impact
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
CREATE SCHEMA impact_test;
SET search_path = impact_test, public;
SET client_min_messages = error;

CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TYPE pair AS (x int, y int);
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE FUNCTION double(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
CREATE TABLE parent (
  id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a + 1) STORED, m mood DEFAULT 'a', d posint, r pair, s serial,
  i int GENERATED ALWAYS AS IDENTITY, CONSTRAINT positive CHECK (a > 0), CONSTRAINT pair_key UNIQUE (a, b));
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent, x int DEFAULT double(2) CHECK (double(x) > 0), y parent);
CREATE TABLE heir (own int) INHERITS (parent);
CREATE TABLE parts (k int, v int, PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
CREATE TABLE to_parts (k int REFERENCES parts);
CREATE VIEW v1 AS SELECT id, a FROM parent;
CREATE VIEW v2 AS SELECT * FROM v1;
CREATE MATERIALIZED VIEW mv AS SELECT double(a) AS a2 FROM v2;
CREATE INDEX mv_a2 ON mv (a2);
CREATE RULE nothing AS ON UPDATE TO child WHERE new.id IN (SELECT id FROM v1) DO INSTEAD NOTHING;
CREATE FUNCTION trigger_body() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN /* other.child */ PERFORM count(*) FROM impact_test.parent; RETURN new; END';
CREATE TRIGGER on_parent BEFORE UPDATE OF a ON parent FOR EACH ROW EXECUTE FUNCTION trigger_body();
CREATE TRIGGER on_child BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION trigger_body();
CREATE POLICY own ON parent USING (a > 1);
CREATE POLICY by_parent ON child USING (EXISTS (SELECT FROM parent p WHERE p.id = child.p AND p.a = 1));
CREATE INDEX parent_a ON parent (double(a)) WHERE m = 'a';
CREATE STATISTICS both_of ON a, id FROM parent;
CREATE FUNCTION sql_body() RETURNS bigint LANGUAGE sql AS 'SELECT count(a) FROM parent';
CREATE FUNCTION atomic_body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM parent; END;
CREATE FUNCTION dynamic_body() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'UPDATE parent SET a = 1'; PERFORM atomic_body(); END$$;
CREATE FUNCTION calls() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM impact_test.dynamic_body(); END$$;
CREATE FUNCTION unrelated() RETURNS text LANGUAGE plpgsql AS $$DECLARE parental int; BEGIN /* parent */ RETURN 'parents'; -- parent
END$$;
CREATE PUBLICATION impact_columns FOR TABLE parent (id, a);
CREATE PUBLICATION impact_schema FOR TABLES IN SCHEMA impact_test;
SELECT sg_plan_create('impact_plan');
SELECT sg_plan_add_fk('impact_plan', 'child', '{id}', 'parent', '{id}', fk_name => 'planned');
RESET client_min_messages;

SELECT * FROM sg_impact_details('parent');
SELECT * FROM sg_impact_details('impact_test.parent.a');
SELECT * FROM sg_impact_details('mood');
SELECT * FROM sg_impact_details('impact_test.pair');
SELECT * FROM sg_impact_details('domain posint');
SELECT * FROM sg_impact_details('double(int)');
SELECT kind, dependent, depth, via, on_drop FROM sg_impact_details('parts');
SELECT kind, dependent, depth, via, on_drop FROM sg_impact_details('parts.k');
SELECT dependent, on_change, on_drop FROM sg_impact_details('parent.s') WHERE kind <> 'function';
-- of the column that is asked about, the default has to suit a new type; a view does not outlive its column
SELECT kind, on_change FROM sg_impact_details('parent.m') WHERE dependent = 'impact_test.parent.m';
BEGIN;
ALTER TABLE parent ALTER m TYPE int USING 1;
ROLLBACK;
BEGIN;
CREATE TYPE shade AS ENUM ('a');
CREATE TABLE shades (s shade);
CREATE VIEW shades_v AS SELECT s FROM shades;
CREATE MATERIALIZED VIEW shades_m AS SELECT s FROM shades;
CREATE TYPE shade_pair AS (s shade, n int);
SELECT kind, dependent, on_drop FROM sg_impact_details('shade') WHERE kind = 'column';
SET LOCAL client_min_messages = warning;
DROP TYPE shade CASCADE;
SELECT c.relname, c.relkind, a.attname
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relname ~ '^shade' ORDER BY c.relname;
ROLLBACK;
SELECT count(*) FROM sg_impact_details('unrelated()');

-- names
CREATE SCHEMA "We""ird";
CREATE TABLE "We""ird"."T a" ("id;drop" int PRIMARY KEY);
CREATE TABLE impact_test."Heir" () INHERITS ("We""ird"."T a");
CREATE VIEW "We""ird"."V.b" AS SELECT * FROM "We""ird"."T a";
SELECT kind, dependent, via FROM sg_impact_details('"We""ird"."T a"."id;drop"');
SELECT sg_impact_details(NULL);
SELECT sg_impact_details('parent', NULL);
SELECT sg_impact_details('');
SELECT sg_impact_details('a b');
SELECT sg_impact_details('a.b.c.d');
SELECT sg_impact_details('nowhere.parent');
SELECT sg_impact_details('table nothing');
SELECT sg_impact_details('parent.nothing');
SELECT sg_impact_details('impact_test.parent.nothing');
SELECT sg_impact_details('nothing(int)');
SELECT sg_impact_details('double(nothing)');
SELECT sg_impact_details(repeat('x', 64));
CREATE FUNCTION double(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
SELECT sg_impact_details('double');
CREATE TABLE impact_test.impact_test (parent int);
SELECT sg_impact_details('impact_test.parent');
SELECT count(*) > 1 AS found FROM sg_impact_details('table impact_test.parent');
SELECT count(*) AS found FROM sg_impact_details('column impact_test.impact_test.parent');
SET quote_all_identifiers = on;
SELECT dependent, via FROM sg_impact_details('v1');
RESET quote_all_identifiers;
DROP TABLE impact_test.impact_test;
DROP FUNCTION double(text);

-- ---- what DROP does

-- what core dropped, in the words of sg_impact()
CREATE TABLE public.impact_dropped (kind text, object text);
CREATE FUNCTION public.impact_note_dropped() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.impact_dropped
  SELECT CASE WHEN object_type = 'default value' THEN 'default'
              WHEN object_type LIKE '% column' THEN 'column'
              WHEN object_type LIKE '%constraint' THEN 'constraint'
              WHEN object_type LIKE 'publication %' THEN 'publication'
              WHEN object_type = 'statistics object' THEN 'statistics'
              WHEN object_type IN ('foreign table', 'toast table') THEN 'table'
              WHEN object_type = 'composite type' THEN 'type'
              ELSE object_type END,
         CASE WHEN object_type LIKE 'publication %' THEN quote_ident(address_args[1])
              WHEN object_type = 'domain constraint' THEN address_names[1] || '.' || quote_ident(address_args[1])
              WHEN object_type IN ('default value', 'table constraint', 'trigger', 'policy', 'rule')
              THEN (SELECT string_agg(quote_ident(n), '.' ORDER BY o) FROM unnest(address_names) WITH ORDINALITY u(n, o))
              WHEN object_type IN ('function', 'procedure', 'aggregate')
              THEN regexp_replace(object_identity, '\([^(]*\)$', '') || '('
                || coalesce((SELECT string_agg(replace(n, 'pg_catalog.', ''), ', ' ORDER BY o) FROM unnest(address_args) WITH ORDINALITY u(n, o)), '') || ')'
              ELSE object_identity END
  FROM pg_event_trigger_dropped_objects();
END $$;
-- each difference between what sg_impact() says and what DROP does; the drop is undone
CREATE FUNCTION public.impact_differences(object text, identity text, statement text, OUT difference text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  restricted boolean := false;
BEGIN
  CREATE TEMP TABLE IF NOT EXISTS said (kind text, object text, on_drop text);
  TRUNCATE said, public.impact_dropped;
  INSERT INTO said
  SELECT DISTINCT CASE i.kind WHEN 'domain' THEN 'type' ELSE i.kind END, i.dependent, i.on_drop
  FROM sg_impact_details(object, internals => true) i WHERE i.kind <> 'event trigger';
  BEGIN
    EXECUTE statement || ' RESTRICT';
    RAISE EXCEPTION USING errcode = 'P0001';
  EXCEPTION WHEN dependent_objects_still_exist THEN restricted := true;
            WHEN raise_exception THEN NULL;
  END;
  IF restricted <> EXISTS (SELECT FROM said WHERE on_drop LIKE 'DROP fails%') THEN
    difference := format('%s: %s', object, CASE WHEN restricted THEN 'DROP fails' ELSE 'DROP does not fail' END);
    RETURN NEXT;
  END IF;
  BEGIN
    EXECUTE statement || ' CASCADE';
    -- out of the subtransaction
    difference := (SELECT string_agg(DISTINCT d.kind || E'\t' || d.object, E'\n') FROM public.impact_dropped d);
    RAISE EXCEPTION USING errcode = 'P0001';
  EXCEPTION WHEN raise_exception THEN NULL;
  END;
  INSERT INTO public.impact_dropped
  SELECT split_part(l, E'\t', 1), split_part(l, E'\t', 2) FROM unnest(string_to_array(difference, E'\n')) l;
  RETURN QUERY
  SELECT format('%s: dropped, and not said: %s %s', impact_differences.object, d.kind, d.object) FROM public.impact_dropped d
  WHERE NOT EXISTS (SELECT FROM said s WHERE s.kind = d.kind AND s.object = d.object AND s.on_drop NOT LIKE 'stays%')
    AND d.object <> identity
    -- the columns of what is dropped whole
    AND NOT (d.kind = 'column' AND EXISTS (SELECT FROM public.impact_dropped t WHERE t.kind = 'table' AND d.object LIKE t.object || '.%'))
  UNION ALL
  SELECT format('%s: said, and not dropped: %s %s', impact_differences.object, s.kind, s.object) FROM said s
  WHERE s.on_drop NOT LIKE 'stays%'
    AND NOT EXISTS (SELECT FROM public.impact_dropped d WHERE s.kind = d.kind AND s.object = d.object)
    AND NOT (s.kind = 'column' AND EXISTS (SELECT FROM public.impact_dropped t WHERE t.kind = 'table' AND s.object LIKE t.object || '.%'))
  ORDER BY 1;
END $$;
CREATE EVENT TRIGGER impact_note_dropped ON sql_drop EXECUTE FUNCTION public.impact_note_dropped();
SET client_min_messages = error;
SELECT d.* FROM (
  SELECT 'table ' || c.oid::regclass AS object, (pg_identify_object('pg_class'::regclass, c.oid, 0)).identity,
         format('DROP %s %s.%s', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'i' THEN 'INDEX' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                quote_ident(nspname), quote_ident(relname)) AS statement
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE nspname IN ('impact_test', 'We"ird') AND relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('i', 'P', 'S'))
  UNION ALL
  SELECT format('column %s.%s', c.oid::regclass, quote_ident(attname)), (pg_identify_object('pg_class'::regclass, c.oid, attnum)).identity,
         format('ALTER TABLE %s DROP COLUMN %s', c.oid::regclass, quote_ident(attname))
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
  WHERE nspname IN ('impact_test', 'We"ird') AND relkind IN ('r', 'p') AND NOT attisdropped AND attinhcount = 0
    AND (c.oid, attnum) NOT IN (SELECT partrelid, unnest(partattrs::int[]) FROM pg_partitioned_table)
  UNION ALL
  SELECT 'function ' || p.oid::regprocedure, (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity, format('DROP FUNCTION %s', p.oid::regprocedure)
  FROM pg_proc p WHERE pronamespace = 'impact_test'::regnamespace
  UNION ALL
  SELECT 'type ' || t.oid::regtype, (pg_identify_object('pg_type'::regclass, t.oid, 0)).identity, format('DROP TYPE %s', t.oid::regtype) FROM pg_type t
  WHERE typname IN ('mood', 'pair', 'posint')) o,
  public.impact_differences(o.object, o.identity, o.statement) d;
DROP EVENT TRIGGER impact_note_dropped;

-- ---- what ALTER COLUMN TYPE does: each claim that it fails, and that it does not
DO $$
DECLARE
  r record;
  said boolean;
BEGIN
  FOR r IN SELECT t, statement FROM (VALUES
    ('view', 'CREATE VIEW x AS SELECT n FROM changed'), ('policy', 'CREATE POLICY x ON changed USING (n > 0)'),
    ('trigger', 'CREATE TRIGGER x BEFORE UPDATE OF n ON changed FOR EACH ROW EXECUTE FUNCTION trigger_body()'),
    ('function', 'CREATE FUNCTION x() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT n FROM changed; END'),
    ('column', 'ALTER TABLE changed ADD g int GENERATED ALWAYS AS (n + 1) STORED'),
    ('publication', 'CREATE PUBLICATION x FOR TABLE changed (n)'), ('rule', 'CREATE RULE x AS ON INSERT TO child WHERE EXISTS (SELECT n FROM changed) DO INSTEAD NOTHING'),
    ('index', 'CREATE INDEX x ON changed (n)'), ('constraint', 'ALTER TABLE changed ADD CONSTRAINT x UNIQUE (n)'),
    ('constraint', 'ALTER TABLE changed ADD CONSTRAINT x CHECK (n > 0)'), ('statistics', 'CREATE STATISTICS x ON n, o FROM changed'),
    ('constraint', 'ALTER TABLE changed ADD CONSTRAINT x FOREIGN KEY (n) REFERENCES parent'),
    ('default', 'ALTER TABLE changed ALTER n SET DEFAULT 1')) v(t, statement)
  LOOP
    BEGIN
      CREATE TABLE changed (n int, o int);
      EXECUTE r.statement;
      said := EXISTS (SELECT FROM sg_impact_details('impact_test.changed.n', true) WHERE kind = r.t AND on_change LIKE '%TYPE fails for%');
      IF NOT EXISTS (SELECT FROM sg_impact_details('impact_test.changed.n', true) WHERE kind = r.t) THEN
        RAISE INFO '%: not found', r.statement;
      END IF;
      BEGIN
        ALTER TABLE changed ALTER n TYPE bigint;
        IF said THEN RAISE INFO '%: does not fail', r.statement; END IF;
      EXCEPTION WHEN feature_not_supported THEN
        IF NOT said THEN RAISE INFO '%: fails: %', r.statement, SQLERRM; END IF;
      END;
      RAISE EXCEPTION USING errcode = 'P0001';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
  END LOOP;
END $$;

-- rows of a table that a body has without naming it, names in strings, names that are another's
CREATE TABLE told (id int, price int);
CREATE SEQUENCE told_ids;
CREATE FUNCTION own_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.price := 1; RETURN NEW; END';
CREATE FUNCTION other_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.price := 1; RETURN NEW; END';
CREATE TRIGGER own_trigger BEFORE INSERT ON told FOR EACH ROW EXECUTE FUNCTION own_trigger();
CREATE TRIGGER other_trigger BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION other_trigger();
CREATE FUNCTION of_row(t told) RETURNS int LANGUAGE sql AS 'SELECT t.price';
CREATE FUNCTION of_first(told) RETURNS int LANGUAGE sql AS 'SELECT $1.price';
CREATE FUNCTION of_other(told) RETURNS int LANGUAGE sql AS 'SELECT $1.id';
CREATE FUNCTION of_with() RETURNS int LANGUAGE sql AS 'WITH told AS (SELECT 1 AS price) SELECT price FROM told';
CREATE FUNCTION in_with() RETURNS int LANGUAGE sql AS 'WITH told AS (SELECT price FROM told) SELECT price FROM told';
CREATE FUNCTION says() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'told has no price'; END$$;
CREATE FUNCTION says_and_does() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'x'; EXECUTE 'SELECT price FROM told'; END$$;
CREATE FUNCTION next_id() RETURNS bigint LANGUAGE sql AS $$SELECT nextval('impact_test.told_ids')$$;
CREATE FUNCTION this_id() RETURNS bigint LANGUAGE sql AS $$SELECT currval('told_ids'::regclass)$$;
CREATE FUNCTION no_id() RETURNS text LANGUAGE sql AS $$SELECT 'told_ids'$$;
SELECT dependent FROM sg_impact_details('impact_test.told.price') WHERE kind = 'function' ORDER BY 1;
SELECT dependent FROM sg_impact_details('told') WHERE kind = 'function' AND certainty = 'mentioned' ORDER BY 1;
SELECT dependent FROM sg_impact_details('told_ids') WHERE kind = 'function' ORDER BY 1;

-- A column that goes because another one does leaves that of an heir alone, which has its own of what it uses
CREATE TABLE computed (id int, a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE computes (a int) INHERITS (computed);
SELECT kind, dependent, on_drop FROM sg_impact_details('computed.a') ORDER BY 1, 2;
ALTER TABLE computed DROP COLUMN a CASCADE;
SELECT attname FROM pg_attribute WHERE attrelid = 'computes'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1;

SELECT sg_plan_drop('impact_plan');
DROP PUBLICATION impact_columns, impact_schema;
DROP SCHEMA impact_test, "We""ird" CASCADE;
DROP TABLE public.impact_dropped;
DROP FUNCTION public.impact_note_dropped(), public.impact_differences(text, text, text);
