-- Discovery: names that say little alone. Link tables told by order, letters, initials, kinds, roles of several languages.
-- rooms: discover
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION found(VARIADIC styles text[]) RETURNS TABLE (child text, columns name[], parent text, parent_columns name[])
LANGUAGE sql AS $$
  SELECT child_table, child_columns, parent_table, parent_columns FROM sg_discover_fks(verify => 'none')
  WHERE split_part(child_table, '.', 1) = ANY (styles) OR split_part(parent_table, '.', 1) = ANY (styles)
  ORDER BY child_table COLLATE "C", child_columns::text COLLATE "C", parent_table COLLATE "C"
$$;

-- What a signal says of which columns, whatever it weighs
CREATE FUNCTION said(signal text, VARIADIC styles text[]) RETURNS TABLE (child text, columns name[], parent text, parent_columns name[])
LANGUAGE sql AS $$
  SELECT child_table, child_columns, parent_table, parent_columns FROM schemaguard.sg_discovery_candidates()
  WHERE split_part(child_table, '.', 1) = ANY (styles) AND signal = ANY (signals)
  ORDER BY child_table COLLATE "C", child_columns::text COLLATE "C", parent_table COLLATE "C"
$$;

-- Link tables: of two columns that are only numbered, lettered or left and right, each means the table at its place; "A" and "B" go by the alphabet
CREATE SCHEMA link;
CREATE TABLE link.painter (id int PRIMARY KEY, title text);
CREATE TABLE link.gallery (id int PRIMARY KEY, title text);
CREATE TABLE link.sketch_book (id int PRIMARY KEY, title text);
CREATE TABLE link.l_painter_gallery (id int PRIMARY KEY, entity0 int NOT NULL, entity1 int NOT NULL);
CREATE TABLE link.l_painter_painter (id int PRIMARY KEY, entity0 int NOT NULL, entity1 int NOT NULL);
CREATE TABLE link."_PainterToSketchBook" ("A" int NOT NULL, "B" int NOT NULL, UNIQUE ("A", "B"));
CREATE TABLE link."_PainterGalleries" ("A" int NOT NULL, "B" int NOT NULL, UNIQUE ("A", "B"));
CREATE TABLE link."PGallery" (id int PRIMARY KEY, title text);
CREATE TABLE link."_PGalleryToPainter" ("A" int NOT NULL, "B" int NOT NULL, UNIQUE ("A", "B"));
CREATE TABLE link._painter_gallery (left_id int NOT NULL, right_id int NOT NULL);
CREATE TABLE link.gallery2gallery (parent_id int, child_id int, PRIMARY KEY (parent_id, child_id));
CREATE TABLE link.gallery_sketch_book_map (left_id int, right_id int, PRIMARY KEY (left_id, right_id));
SELECT * FROM found('link');
-- none of it: one column only, columns of different types, a table named after one, a quantity, what names a table
CREATE SCHEMA no_link;
CREATE TABLE no_link.violin (id int PRIMARY KEY, title text);
CREATE TABLE no_link.cello (id int PRIMARY KEY, title text);
CREATE TABLE no_link.violin_cello (id int PRIMARY KEY, part1 int, left_count int, right_count int, low1 int, low2 date);
CREATE TABLE no_link.violin_tuning (id int PRIMARY KEY, value1 int, value2 int);
CREATE TABLE no_link.cello_violin (id int PRIMARY KEY, cello1 int, cello2 int);
SELECT * FROM said('link table', 'no_link');
SELECT * FROM found('no_link');

-- What tells two columns apart may come after the table's name, or within the column's
CREATE SCHEMA side;
CREATE TABLE side.ledger (id int PRIMARY KEY, title text);
CREATE TABLE side.transfer (id int PRIMARY KEY, ledger_from_id int, ledger_to_id int, ledger_id_old int, ledger_id_new int,
                            ledger_a int, ledger_b int, valid_from int, valid_to int, ledger_note_from text, ledger_note_to text);
SELECT * FROM found('side');

-- A letter and id in many tables mean the only table that begins with it; in two tables, or with two such tables, they do not
CREATE SCHEMA letter;
CREATE TABLE letter.networks (id uuid PRIMARY KEY, title text);
CREATE TABLE letter.quays (id uuid PRIMARY KEY, nid uuid, qid uuid, wid uuid, yid uuid);
CREATE TABLE letter.wharves (id uuid PRIMARY KEY, nid uuid, qid uuid, wid uuid, yid uuid);
CREATE TABLE letter.weirs (id uuid PRIMARY KEY, nid uuid, wid uuid);
CREATE TABLE letter.yards (id uuid PRIMARY KEY, nid text);
SELECT * FROM said('first letter', 'letter');

-- Initials, and initials before the last words
CREATE SCHEMA initial;
CREATE TABLE initial.bulk_unit_grade (id int PRIMARY KEY, title text);
CREATE TABLE initial.bulk_unit (id int PRIMARY KEY, bu_grade_id int, title text);
CREATE TABLE initial.bulk_load (id int PRIMARY KEY, bu_id int, bu_grade int, bu text, id2 int);
SELECT * FROM said('initials', 'initial');
SELECT * FROM said('initials and words', 'initial');

-- Words before the last are abbreviated; a word that the database writes apart is no other one and rid
CREATE SCHEMA short;
CREATE TABLE short.organization_depots (id int PRIMARY KEY, title text);
CREATE TABLE short.usr (user_no int PRIMARY KEY, login text, use text);
CREATE TABLE short.shelf (id int PRIMARY KEY, org_depot_id int, approved_userid int, from_user int);
SELECT * FROM found('short');
SET client_min_messages = warning;
DROP SCHEMA link, no_link, side, letter, initial, short CASCADE;
RESET client_min_messages;

-- Kinds: the table of the values of a column, named after its table and itself
CREATE SCHEMA kind;
CREATE TABLE kind.crate_state_enum (value text PRIMARY KEY, remark text);
CREATE TABLE kind.crate_seal_values (name text PRIMARY KEY, remark text);
CREATE TABLE kind.crate_seal_history (name text PRIMARY KEY, remark text, at date, who text);
CREATE TABLE kind.crate (id int PRIMARY KEY, state text NOT NULL, seal text, crate_seal_number int);
SELECT * FROM said('kinds of the column', 'kind');

-- The whole of a key's name, with the letters that its table's columns begin with, behind the child's own
CREATE SCHEMA whole;
CREATE TABLE whole.security (s_symb text PRIMARY KEY, s_title text, s_rank int);
CREATE TABLE whole.daily_price (dp_symb text, dp_s_symb text, dp_close int);
SELECT * FROM said('whole key name', 'whole');

-- Rows above by their own name, correspondents, those who act in other languages, a module called like its first table
CREATE SCHEMA role;
CREATE TABLE role.users (id int PRIMARY KEY, login text UNIQUE);
CREATE TABLE role.pages (id int PRIMARY KEY, page_parent int, page_count int);
CREATE TABLE role.letters (id int PRIMARY KEY, from_id int, to_id int, from_date date, to_page int);
CREATE TABLE role.auftrag (id int PRIMARY KEY, erstellt_von int, bearbeiter int, geaendert_am date);
CREATE TABLE role.pipe_pipe (id int PRIMARY KEY, title text);
CREATE TABLE role.pipe_joint (id int PRIMARY KEY, pipe_id int);
SELECT * FROM said('row of the own name', 'role');
SELECT * FROM said('somebody who acts', 'role');
SELECT * FROM said('table name', 'role');

-- Names of marks alone, and in letters of other scripts
CREATE SCHEMA mark;
CREATE TABLE mark."_" (token_no int PRIMARY KEY, "__" int);
CREATE TABLE mark."$" ("$" int PRIMARY KEY, "_" int, user_id int);
CREATE TABLE mark."店" (id int PRIMARY KEY);
CREATE TABLE mark."--" ("店_id" int, post_parent int, "$" int, nid int, from_id int);
SELECT * FROM found('mark');

SET client_min_messages = warning;
DROP SCHEMA kind, whole, role, mark CASCADE;
RESET client_min_messages;

-- People are where passwords are, if no table is called by a word for them: not in a mailbox, nor where there are users
CREATE SCHEMA people;
CREATE TABLE people.subs (id int PRIMARY KEY, login text, pass_hash text, first_name text, email text);
CREATE TABLE people.mailbox (id int PRIMARY KEY, host text, login text, mail_password text);
CREATE TABLE people.show (id int PRIMARY KEY, owner_id int, mailbox_id int, is_owner int, title text);
CREATE TABLE people.vote (id int PRIMARY KEY, seconder int, proposer_1 int, sortorder int, box_drawer int, boxnumber int);
SELECT * FROM said('somebody who acts', 'people');
CREATE TABLE people.users (id int PRIMARY KEY, password text);
SELECT * FROM said('somebody who acts', 'people');
SET client_min_messages = warning;
DROP SCHEMA people CASCADE;
RESET client_min_messages;

-- Who works here is in the table of those who do; who made a row is in that of users
CREATE SCHEMA work;
CREATE TABLE work.users (id int PRIMARY KEY, login text, password text);
CREATE TABLE work.hr_staff (id int PRIMARY KEY, nick text);
CREATE TABLE work.loan (id int PRIMARY KEY, loan_officer_id int, made_by int);
SELECT * FROM said('somebody who works', 'work');
SELECT * FROM said('somebody else works', 'work');
SET client_min_messages = warning;
DROP SCHEMA work CASCADE;
RESET client_min_messages;

-- A word with which many names begin is short for the one that the others extend, and for what the child extends
CREATE SCHEMA root;
CREATE TABLE root.hold (code text PRIMARY KEY);
CREATE TABLE root.hold_request (id int PRIMARY KEY, title text);
CREATE TABLE root.hold_request_note (id int PRIMARY KEY, hold int);
CREATE TABLE root.hold_request_stop (id int PRIMARY KEY, hold int);
CREATE TABLE root.hold_request_kind (id int PRIMARY KEY, title text);
CREATE TABLE root.hold_request_rule (id int PRIMARY KEY, title text);
CREATE TABLE root.hold_request_list (id int PRIMARY KEY, title text);
CREATE TABLE root.hold_request_area (id int PRIMARY KEY, title text);
CREATE TABLE root.hold_request_move (id int PRIMARY KEY, title text);
CREATE TABLE root.hold_request_sign (id int PRIMARY KEY, title text);
CREATE TABLE root.hold_request_mark (id int PRIMARY KEY, title text);
CREATE TABLE root.shelf (id int PRIMARY KEY, hold int);
SELECT * FROM said('beginning of table name', 'root') WHERE columns = '{hold}';
-- what one of them does not extend is no such name
CREATE TABLE root.hold_area (id int PRIMARY KEY, title text);
SELECT * FROM said('beginning of table name', 'root') WHERE columns = '{hold}';

-- In a family of tables, the beginning of another one's name without the family's
CREATE SCHEMA family;
CREATE TABLE family.kx_clock_of_day (key int PRIMARY KEY, title text);
CREATE TABLE family.kx_seat_dimension (key int PRIMARY KEY, title text);
CREATE TABLE family.kx_sale (id int PRIMARY KEY, sold_clock_key int, seat_key int);
CREATE TABLE family.stray (id int PRIMARY KEY, sold_clock_key int);
SELECT * FROM said('beginning of table name', 'family');
SELECT * FROM said('end of table name', 'family');

-- A link table refers to the key of the type that its columns have
CREATE SCHEMA fit;
CREATE TABLE fit.crew (crew_no int PRIMARY KEY, uuid uuid UNIQUE, title text);
CREATE TABLE fit.crew2crew (parent_id uuid, child_id uuid, PRIMARY KEY (parent_id, child_id));
SELECT * FROM said('link table', 'fit');
-- but to none of two such keys
ALTER TABLE fit.crew ADD tag uuid UNIQUE;
SELECT * FROM said('link table', 'fit');

-- A word that is the name of a table alone is no mere decoration before another's
CREATE SCHEMA plain;
CREATE TABLE plain.entity (id int PRIMARY KEY, title text);
CREATE TABLE plain.entity_grade (id int PRIMARY KEY, title text);
CREATE TABLE plain.bulk_unit_grade (id int PRIMARY KEY, title text);
CREATE TABLE plain.bulk_unit_item (id int PRIMARY KEY, grade_id int);
SELECT * FROM said('table name', 'plain');
SELECT * FROM said('own prefix', 'plain');
SET client_min_messages = warning;
DROP SCHEMA root, family, fit, plain CASCADE;
RESET client_min_messages;
DROP FUNCTION found, said;
