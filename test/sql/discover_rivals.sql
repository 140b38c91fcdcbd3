-- Discovery: which of several tables a column means, and what of its name is the child's own
-- rooms: discover
\getenv test PG_ABS_SRCDIR
\set signals :test '/sql/include/discover_signals.sql'
\i :signals

-- Who made a row is told of people, too: that makes no copy of their table
CREATE SCHEMA maker;
CREATE TABLE maker.appuser (id int PRIMARY KEY, nick text, made_by int, region_id int);
CREATE TABLE maker.region (id int PRIMARY KEY, made_by int, title text);
CREATE TABLE maker.visit (id int PRIMARY KEY, made_by int, region_id int);
SELECT * FROM signals('maker', 'somebody who acts', 'parent has it too');

-- A key that is called like its own table refers to none that has a part of that name; the one of exactly that name may be meant
CREATE SCHEMA own;
CREATE TABLE own.product (product_id int PRIMARY KEY, title text);
CREATE TABLE own.product_review (product_review_id int PRIMARY KEY, product_id int, stars int);
CREATE TABLE own.parcelproduct (parcelproductid int, pieces int);
CREATE TABLE own.draft (product_review_id int PRIMARY KEY, body text);
SELECT * FROM signals('own', 'child''s name', 'key name');

-- What the parent has before the column's name is the child's family; but not in a link table's name
CREATE SCHEMA link;
CREATE TABLE link.singer (id int PRIMARY KEY, title text);
CREATE TABLE link.album (id int PRIMARY KEY, title text);
CREATE TABLE link.singer_kind (id int PRIMARY KEY, title text);
CREATE TABLE link.l_singer_singer (id int PRIMARY KEY, since date);
CREATE TABLE link.l_singer_album (id int PRIMARY KEY, since date);
CREATE TABLE link.singer_alias (singer int, kind int, spelling text);
CREATE TABLE link.singer_album (singer int, album int, pos int);
SELECT * FROM signals('link', 'own prefix', 'table name');

-- Of two tables of people the one with what they log in with is who acts; or the one that it is about
CREATE SCHEMA login;
CREATE TABLE login.users (id int PRIMARY KEY, title text, enabled bool);
CREATE TABLE login.usr (id int PRIMARY KEY, first_name text, email text, password text);
CREATE TABLE login.ticket (id int PRIMARY KEY, opened_by int);
SELECT * FROM signals('login', 'table of personal data');
ALTER TABLE login.usr ADD user_id int;
SELECT * FROM signals('login', 'table of personal data');

-- Letters before a key's name are the initials of one table, and not of the other
CREATE SCHEMA initial;
CREATE TABLE initial.client_profile (cp_prof_sk int PRIMARY KEY, cp_gender text, cp_rank int);
CREATE TABLE initial.house_profile (hp_prof_sk int PRIMARY KEY, hp_vehicles int, hp_rank int);
CREATE TABLE initial.receipt (r_cprof_sk int, r_hprof_sk int, r_paid numeric);
SELECT * FROM signals('initial', 'initials before key', 'shorter');

-- The same type, of another length
CREATE SCHEMA length;
CREATE TABLE length.depot (code varchar(8) PRIMARY KEY, title text);
CREATE TABLE length.pallet (id int PRIMARY KEY, depot varchar(200), depot_code varchar(8), old_depot_code text);
SELECT * FROM signals('length', 'other length', 'same type');

-- A key that bears another table's whole name and the end of its own table's is the other's
CREATE SCHEMA subtype;
CREATE TABLE subtype.zone (id int PRIMARY KEY, title text);
CREATE TABLE subtype.harbour_zone (zone int PRIMARY KEY, depth int);
CREATE TABLE subtype.cargo (id int PRIMARY KEY, last_zone int);
SELECT * FROM signals('subtype', 'borrowed key', 'parent''s own key');

-- A word of a role is short for nothing: some of its letters are those of a table
CREATE SCHEMA letter;
CREATE TABLE letter.part (id int PRIMARY KEY, title text);
CREATE TABLE letter.department (id int PRIMARY KEY, parent_id int, part_id int);
CREATE TABLE letter.desk (id int PRIMARY KEY, dept_id int);
SELECT * FROM signals('letter', 'abbreviation by letters');

-- A table whose name is another's and words that say nothing is not meant where the other could be
CREATE SCHEMA bare;
CREATE TABLE bare.item (id int PRIMARY KEY, title text);
CREATE TABLE bare.base_item (id int PRIMARY KEY, title text);
CREATE TABLE bare.item_data (id int PRIMARY KEY, title text);
CREATE TABLE bare.crate (id int PRIMARY KEY, item_id int);
SELECT * FROM signals('bare', 'table name', 'decorated');

-- A parent that the child has a column for is not meant by a part of its name in another one
CREATE SCHEMA beside;
CREATE TABLE beside.task_run (id int PRIMARY KEY, title text);
CREATE TABLE beside.batch_task_run (id int PRIMARY KEY, title text);
CREATE TABLE beside.parcel (id int PRIMARY KEY, batch_task_run_id int, task_run_id int);
SELECT * FROM signals('beside', 'named by another column', 'end of table name');

-- A link between the child and another table is no kind of these
CREATE SCHEMA linking;
CREATE TABLE linking.subject (id int PRIMARY KEY, title text);
CREATE TABLE linking.album (id int PRIMARY KEY, default_subject_id int, colour_id int);
CREATE TABLE linking.album_subject (id int PRIMARY KEY, title text);
CREATE TABLE linking.album_colour (id int PRIMARY KEY, title text);
SELECT * FROM signals('linking', 'own prefix');

-- consent_notification begins with a word of its own, not with the con of consent
CREATE SCHEMA within;
CREATE TABLE within.consent (id int PRIMARY KEY, title text);
CREATE TABLE within.consent_letter (id int PRIMARY KEY, sent_id int);
CREATE TABLE within.salesorder (id int PRIMARY KEY, title text);
CREATE TABLE within.sales_letter (id int PRIMARY KEY, order_id int);
SELECT * FROM signals('within', 'own prefix', 'inside of the table''s word');

-- A key of two columns, both with the parent's name before them, although one of them is there without it, too
CREATE SCHEMA twice;
CREATE TABLE twice.owner (id int PRIMARY KEY, title text);
CREATE TABLE twice.depot (id int, owner_id int, PRIMARY KEY (id, owner_id));
CREATE TABLE twice.cargo (id int PRIMARY KEY, owner_id int, depot_id int, depot_owner_id int);
SELECT * FROM signals('twice', 'group');

SET client_min_messages = warning;
DROP SCHEMA maker, login CASCADE;
RESET client_min_messages;

-- No customer manages, but one buys
CREATE SCHEMA shop;
CREATE TABLE shop.employees (id int PRIMARY KEY, nick text);
CREATE TABLE shop.customers (id int PRIMARY KEY, nick text);
CREATE TABLE shop.branch (id int PRIMARY KEY, manager_id int, best_buyer_id int);
SELECT * FROM signals('shop', 'somebody from outside', 'somebody who acts');

-- A word for people that a table's name ends in means that table, and not whoever else acts
CREATE SCHEMA staff;
CREATE TABLE staff.users (id int PRIMARY KEY, login text);
CREATE TABLE staff.hr_employee (id int PRIMARY KEY, nick text);
CREATE TABLE staff.absence (id int PRIMARY KEY, employee_id int, approver_id int);
SELECT * FROM signals('staff', 'somebody who acts', 'end of table name');

-- Who has the name and the group of a job means that, and no group that is paused
CREATE SCHEMA wide;
CREATE TABLE wide.job (plan_name text, job_name text, job_group text, PRIMARY KEY (plan_name, job_name, job_group));
CREATE TABLE wide.paused (plan_name text, job_group text, PRIMARY KEY (plan_name, job_group));
CREATE TABLE wide.cron_job (plan_name text, job_name text, job_group text, line text);
CREATE TABLE wide.holiday (plan_name text, job_group text, day date);
SELECT * FROM signals('wide', 'group', 'within a wider group');

-- What a table's name has more than the column's is in the child's name, wherever; but not all of it, nor what only the child has
CREATE SCHEMA rest;
CREATE TABLE rest.crate (crate_id int PRIMARY KEY, name_id int, title text);
CREATE TABLE rest.crate_name (crate_id int PRIMARY KEY, spelling text);
CREATE TABLE rest.parcel_name (id int PRIMARY KEY, spelling text);
CREATE TABLE rest.parcel_type (id int PRIMARY KEY, title text);
CREATE TABLE rest.parcel_alias_type (id int PRIMARY KEY, title text);
CREATE TABLE rest.parcel_alias (id int PRIMARY KEY, type_id int, spelling text);
CREATE TABLE rest.van_parcel (id int PRIMARY KEY, name_id int, crate_name_id int);
CREATE TABLE rest.group_user (id int PRIMARY KEY, rank int);
CREATE TABLE rest.user_group (id int PRIMARY KEY, user_id int);
SELECT * FROM signals('rest', 'rest in child''s name', 'share of child''s name', 'end of table name');

-- A log of a table with the columns of that is a copy; a log with columns of its own is none
CREATE SCHEMA copied;
CREATE TABLE copied.pier (id int PRIMARY KEY, title text);
CREATE TABLE copied.barge (id int PRIMARY KEY, pier_id int, length_m int, built date);
CREATE TABLE copied.barge_archive (id int PRIMARY KEY, pier_id int, length_m int, built date, kept_until date);
CREATE TABLE copied.staging_barge (pier_id int, length_m int, built date);
CREATE TABLE copied.barge_log (id int PRIMARY KEY, barge_id int, pier_id int, line text);
CREATE TABLE copied.barge_crew (id int PRIMARY KEY, pier_id int, length_m int, built date);
SELECT * FROM signals('copied', 'copy', 'log', 'same type');

-- A path and a weight are none of those that have their name; an order that was bought is what two words say, or an id
CREATE SCHEMA measured;
CREATE TABLE measured.broken_paths (path text PRIMARY KEY, seen date);
CREATE TABLE measured.weights (id int PRIMARY KEY, title text);
CREATE TABLE measured.purchase_order (id int PRIMARY KEY, title text);
CREATE TABLE measured.output (id int PRIMARY KEY, path text, low_weight int, purchase_order int, weight_id int);
SELECT * FROM signals('measured', 'named as a quantity', 'same type');

-- The first row of a table can name no other one
CREATE SCHEMA first;
CREATE TABLE first.folder (id int PRIMARY KEY, parent_id int, shown_folder_id int NOT NULL, title text);
CREATE TABLE first.file (id int PRIMARY KEY, folder_id int NOT NULL);
SELECT * FROM signals('first', 'same table, not null', 'same type');

-- Rows are counted by their plural, even where tables have one
CREATE SCHEMA counted;
CREATE TABLE counted.volumes (id int PRIMARY KEY, title text);
CREATE TABLE counted.workers (id int PRIMARY KEY, active_volumes int, main_volume int, volumes int);
SELECT * FROM signals('counted', 'plural', 'same type');

-- Reports go to people where people report; a source and a yearly report are no other row
CREATE SCHEMA noun;
CREATE TABLE noun.employees (id int PRIMARY KEY, login text, reports_to int);
CREATE TABLE noun.documents (id int PRIMARY KEY, parent_id int, source_id int, yearly_report int);
SELECT * FROM signals('noun', 'another row');

-- Whose name is kept beside the id; another word that begins alike, a number or another id tells nothing
CREATE SCHEMA told;
CREATE TABLE told.vendors (id int PRIMARY KEY, title text);
CREATE TABLE told.bills (id int PRIMARY KEY, vendor_id int, vendor_name text);
CREATE TABLE told.bills_glued (id int PRIMARY KEY, vendorid int, vendorname text);
CREATE TABLE told.carts (id int PRIMARY KEY, vendor_id int, vendored_by text, vendor_rank int, vendor_group_id text);
CREATE TABLE told.signs (id int PRIMARY KEY, title text, vendor_id int, vendor text);
CREATE TABLE told.offers (id int PRIMARY KEY, vendor_id int, name text);
SELECT * FROM signals('told', 'told beside', 'same type');

SET client_min_messages = warning;
DROP SCHEMA rest, copied, measured, first, counted, noun, told CASCADE;
RESET client_min_messages;
-- A key with the end of another table's name is not the own one of a table that only begins so
CREATE SCHEMA borrow;
CREATE TABLE borrow.node_worker (public_id text PRIMARY KEY, title text);
CREATE TABLE borrow.worker_token (worker_id text PRIMARY KEY, body text);
CREATE TABLE borrow.hull_check (hull_id text PRIMARY KEY, body text);
CREATE TABLE borrow.session (id int PRIMARY KEY, worker_id text, hull_id text);
SELECT * FROM signals('borrow', 'parent''s own key', 'key name');

-- A word such as info after it takes less from a name than another one before it
CREATE SCHEMA ending;
CREATE TABLE ending.stow_plan_info (id int PRIMARY KEY, title text);
CREATE TABLE ending.re_stow_plan (id int PRIMARY KEY, title text);
CREATE TABLE ending.crane (id int PRIMARY KEY, stow_plan_id int);
SELECT * FROM signals('ending', 'shorter', 'table name', 'end of table name');

-- The child's name and then the column's is the parent's, more than a part of the child's and the column's
CREATE SCHEMA kinds;
CREATE TABLE kinds.barrel_alias (id int PRIMARY KEY, type int, title text);
CREATE TABLE kinds.barrel_alias_type (id int PRIMARY KEY, title text);
CREATE TABLE kinds.barrel_type (id int PRIMARY KEY, title text);
SELECT * FROM signals('kinds', 'own prefix');

-- What extends another table has its key, the more so if its name says no more than that
CREATE SCHEMA extend;
CREATE TABLE extend.vessel (id int PRIMARY KEY, title text);
CREATE TABLE extend.vessel_meta (id int PRIMARY KEY, rating int);
CREATE TABLE extend.vessel_crew (id int PRIMARY KEY, vessel_id int);
CREATE TABLE extend.vessel_flag (id int PRIMARY KEY, rating int);
SELECT * FROM signals('extend', 'extension', 'extension by its word');

-- Words after, beside a column without them
CREATE SCHEMA which;
CREATE TABLE which.partner (id int PRIMARY KEY, title text);
CREATE TABLE which.partner_bank (id int PRIMARY KEY, partner_id int);
CREATE TABLE which.sale (id int PRIMARY KEY, partner_id int, partner_invoice_id int, partner_bank_id int, default_partner_id int,
                         odd_partner_id int);
SELECT * FROM signals('which', 'words after a sibling''s', 'words before');

-- Words before the end of a table's name may be in that name, too
CREATE SCHEMA gap;
CREATE TABLE gap.barge_load_handling_plan (id int PRIMARY KEY, title text);
CREATE TABLE gap.barge_load (id int PRIMARY KEY, title text);
CREATE TABLE gap.tour (id int PRIMARY KEY, barge_load_plan_id int, spare_plan_id int);
SELECT * FROM signals('gap', 'shorter', 'words after');

-- A foreign key that is unique is nobody's key
CREATE SCHEMA fk;
CREATE TABLE fk.step (pk int PRIMARY KEY, doctor_name_fk int UNIQUE);
CREATE TABLE fk.visit (pk int PRIMARY KEY, doctor_name_fk int);
SELECT * FROM signals('fk', 'key name');

-- A template of what is in the table is another row of it; if there is a table of templates, it is one of these
CREATE SCHEMA model;
CREATE TABLE model.chart (id int PRIMARY KEY, template_id int);
SELECT * FROM signals('model', 'another row');
CREATE TABLE model.templates (id int PRIMARY KEY, title text);
SELECT * FROM signals('model', 'another row', 'table name');

SET client_min_messages = warning;
DROP SCHEMA own, link, initial, length, subtype, letter, shop, staff, wide, borrow, ending, kinds, extend, which, gap, fk, model,
  bare, beside, linking, within, twice CASCADE;
RESET client_min_messages;
DROP PROCEDURE show_signals;
DROP FUNCTION signals;
