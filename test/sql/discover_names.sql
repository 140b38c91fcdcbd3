-- Discovery: what names say, and what is learned from the database at hand: prefixes, endings, markers, declared keys
-- rooms: discover
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION found(VARIADIC styles text[]) RETURNS TABLE (child text, columns name[], parent text, parent_columns name[])
LANGUAGE sql AS $$
  SELECT child_table, child_columns, parent_table, parent_columns FROM sg_discover_fks_details(verify => 'none')
  WHERE split_part(child_table, '.', 1) = ANY (styles)
  ORDER BY child_table COLLATE "C", child_columns::text COLLATE "C", parent_table COLLATE "C"
$$;
-- The best candidate of each column, whatever its score
CREATE FUNCTION best(style text) RETURNS TABLE (reference text, signals text[])
LANGUAGE sql AS $$
  SELECT DISTINCT ON (child_table COLLATE "C", child_columns::text COLLATE "C")
         format('%s%s > %s', child_table, child_columns, parent_table), signals
  FROM schemaguard.sg_discovery_candidates() WHERE split_part(child_table, '.', 1) = style
  ORDER BY child_table COLLATE "C", child_columns::text COLLATE "C", score DESC, parent_table COLLATE "C"
$$;

-- An application's tables begin with its name, in two levels, and columns leave that out
CREATE SCHEMA dj;
CREATE TABLE dj.billing_account (id int PRIMARY KEY, name text);
CREATE TABLE dj.billing_invoice (id int PRIMARY KEY, account_id int, total numeric);
CREATE TABLE dj.billing_payment (id int PRIMARY KEY, invoice_id int, payer_id int, note text);
CREATE TABLE dj.users_owner (id int PRIMARY KEY, name text);
CREATE TABLE dj.users_user (id int PRIMARY KEY, password text, email text, username text);
CREATE TABLE dj.users_session (id int PRIMARY KEY, user_id int, owner_id int);
CREATE TABLE dj.shop_stock_shelf (id int PRIMARY KEY, height int);
CREATE TABLE dj.shop_stock_crate (id int PRIMARY KEY, shelf_id int, created_by_id int);
CREATE TABLE dj.shop_stock_label (id int PRIMARY KEY, crate_id int, printed_by_id int);
CREATE TABLE dj.shop_till (id int PRIMARY KEY, account_id int, owner_id int);
SELECT * FROM found('dj');
-- ... each app's own table of a name
CREATE TABLE dj.billing_rate (id int PRIMARY KEY);
CREATE TABLE dj.shop_rate (id int PRIMARY KEY);
CREATE TABLE dj.users_rate (id int PRIMARY KEY);
CREATE TABLE dj.billing_discount (rate_id int);
CREATE TABLE dj.shop_discount (rate_id int);
SELECT child, columns, parent FROM found('dj') WHERE child ~ 'discount';

-- Endings that no list has, a word before all of them, a marker before an id
CREATE SCHEMA learnt;
CREATE TABLE learnt.barge (nyckel int PRIMARY KEY);
CREATE TABLE learnt.crane (nyckel int PRIMARY KEY, barge_zz int);
CREATE TABLE learnt.ferry (nyckel int PRIMARY KEY, crane_zz int, weight int);
CREATE TABLE learnt.hopper (nyckel int PRIMARY KEY, ferry_zz int, last_crane_zz int);
CREATE TABLE learnt.jetty (nyckel int PRIMARY KEY, hopper_zz int, id_barge int, id_crane_old int);
SELECT * FROM found('learnt');

-- Names written as one word, roles, who acts, a key's own name, a number at the end
CREATE SCHEMA ways;
CREATE TABLE ways.delivery_zone (id int PRIMARY KEY, title text);
CREATE TABLE ways.people (id int PRIMARY KEY, email text, surname text, password text);
CREATE TABLE ways.harbour (harbour_code text PRIMARY KEY, remark text);
CREATE TABLE ways.visit (id int PRIMARY KEY, deliveryzoneid int, last_delivery_zone_id int, assigned_to_id int,
                         approver_id int, harbour_code text, home_harbour_code text, previous_visit_id int, delivery_zone_2 int);
SELECT * FROM found('ways');

-- Declared keys: columns of the same name, then of the same last words, refer there; and bring up what no name says
CREATE SCHEMA taught;
CREATE TABLE taught.staff_file (id int PRIMARY KEY);
CREATE TABLE taught.a (warden int REFERENCES taught.staff_file, night_keeper int REFERENCES taught.staff_file);
CREATE TABLE taught.b (warden int REFERENCES taught.staff_file, day_keeper int REFERENCES taught.staff_file);
CREATE TABLE taught.c (warden int REFERENCES taught.staff_file);
CREATE TABLE taught.d (warden int, keeper int, hue int);
SELECT * FROM found('taught');
SELECT reference, 'declared elsewhere' = ANY (signals) AS by_name, 'declared by word' = ANY (signals) AS by_word FROM best('taught');
SELECT why FROM sg_discover_fks_details('taught.d', 0, 'none') WHERE child_columns = '{warden}';
-- ... and what was accepted does
CREATE SCHEMA told;
CREATE TABLE told.box (id int PRIMARY KEY);
CREATE TABLE told.a (gizmo int);
CREATE TABLE told.b (gizmo int);
SELECT count(*) FROM best('told');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table) VALUES ('accepted', 'told.a', 'gizmo', 'told.box');
SELECT reference, 'declared elsewhere' = ANY (signals) AS by_name FROM best('told');
DELETE FROM schemaguard.discovery_feedback;

-- Words are rows: a user's own count instead of those that are shipped
CREATE SCHEMA word;
CREATE TABLE word.kniha (id int PRIMARY KEY);
CREATE TABLE word.list (id int PRIMARY KEY, kniha_cislo int, kapitan int);
CREATE TABLE word.osoba (id int PRIMARY KEY, heslo text);
SELECT reference FROM best('word');
INSERT INTO schemaguard.discovery_word (word, class) VALUES ('cislo', 'id'), ('kapitan', 'actor'), ('osoba', 'person');
SELECT reference FROM best('word');
DELETE FROM schemaguard.discovery_word WHERE source = 'user';
INSERT INTO schemaguard.discovery_word (word, class) VALUES ('id', 'none'), ('', 'id'), ('-', 'plural'), (repeat('long', 30), 'id');
SELECT count(*) >= 0 AS runs FROM sg_discover_fks_details(verify => 'none');
DELETE FROM schemaguard.discovery_word WHERE source = 'user';

-- Plurals that only another name tells, and no others: a status is no plural of what is not there
CREATE SCHEMA plural;
CREATE TABLE plural.areas (id int PRIMARY KEY);
CREATE TABLE plural.menus (id int PRIMARY KEY);
CREATE TABLE plural.apis (id int PRIMARY KEY);
CREATE TABLE plural.lenses (id int PRIMARY KEY);
CREATE TABLE plural.buses (id int PRIMARY KEY);
CREATE TABLE plural.matrices (id int PRIMARY KEY);
CREATE TABLE plural.wolves (id int PRIMARY KEY);
CREATE TABLE plural.diagnoses (id int PRIMARY KEY);
CREATE TABLE plural.formulae (id int PRIMARY KEY);
CREATE TABLE plural.statuses (id int PRIMARY KEY);
CREATE TABLE plural.child (id int PRIMARY KEY, area_id int, menu_id int, api_id int, lens_id int, bus_id int, matrix_id int, wolf_id int,
                           diagnosis_id int, formula_id int, status_id int);
SELECT * FROM found('plural');

-- The child's name before the column's, however many tables end so; what most tables have, the parent may have, too
CREATE SCHEMA front;
SELECT format('CREATE TABLE front.%s_kind (id int PRIMARY KEY, realm_id int)', w)
FROM unnest('{bench,boat,book,box,brick,broom,brush,buoy,bulb,bridge}'::text[]) w \gexec
CREATE TABLE front.bench (id int PRIMARY KEY, realm_id int, kind int NOT NULL);
CREATE TABLE front.t_realm (id int PRIMARY KEY, realm_id int);
SELECT count(*) FILTER (WHERE reference LIKE '%t_realm%') AS realms, string_agg(reference, ', ') FILTER (WHERE reference LIKE '%kind}%') AS kinds
FROM best('front');

-- A table of several words is one of people only if it has columns of them
CREATE SCHEMA pipe;
CREATE TABLE pipe.pipe_profile (id int PRIMARY KEY, bore int);
CREATE TABLE pipe.valve (id int PRIMARY KEY, created_by int);
SELECT * FROM found('pipe');
ALTER TABLE pipe.pipe_profile ADD email text;
SELECT * FROM found('pipe');

-- A key of a table is taken for one of those that inherit from it
CREATE SCHEMA heir;
CREATE TABLE heir.city (city_id int PRIMARY KEY, name text);
CREATE TABLE heir.capital (state text) INHERITS (heir.city);
CREATE TABLE heir.street (city_id int);
SELECT * FROM found('heir');

SET client_min_messages = warning;
DROP SCHEMA dj, learnt, ways, taught, told, word, plural, front, pipe, heir CASCADE;
RESET client_min_messages;
DROP FUNCTION found, best;
