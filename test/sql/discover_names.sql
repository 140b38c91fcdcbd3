-- Discovery: names that say little alone. Link tables told by order, letters, initials, kinds, roles of several languages.
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

-- Link tables: of two columns that are only numbered, lettered or left and right, each means the table at its place
CREATE SCHEMA link;
CREATE TABLE link.painter (id int PRIMARY KEY, title text);
CREATE TABLE link.gallery (id int PRIMARY KEY, title text);
CREATE TABLE link.sketch_book (id int PRIMARY KEY, title text);
CREATE TABLE link.l_painter_gallery (id int PRIMARY KEY, entity0 int NOT NULL, entity1 int NOT NULL);
CREATE TABLE link.l_painter_painter (id int PRIMARY KEY, entity0 int NOT NULL, entity1 int NOT NULL);
CREATE TABLE link."_PainterToSketchBook" ("A" int NOT NULL, "B" int NOT NULL, UNIQUE ("A", "B"));
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
DROP FUNCTION found, said;
