-- Discovery: what the names of keys say, and those of other keys
-- rooms: discover
\getenv test PG_ABS_SRCDIR
\set signals :test '/sql/include/discover_signals.sql'
\i :signals
\set VERBOSITY terse

-- Of keys with one name, the table with the fewest words has it first; and one that has all of its name, and more, adds to it
CREATE SCHEMA first;
CREATE TABLE first.eav_trait (trait_id int PRIMARY KEY, code text);
CREATE TABLE first.shop_eav_trait (trait_id int PRIMARY KEY, visible bool);
CREATE TABLE first.shop_page_trait (trait_id int PRIMARY KEY, visible bool);
CREATE TABLE first.item_int (id int PRIMARY KEY, trait_id int, value int);
CALL show_signals('first', 'first of that name', 'borrowed key', 'parent''s own key');

-- The same where the columns of one of the tables begin alike, so that its key is known by two names
CREATE SCHEMA alike;
CREATE TABLE alike.land_area (land_id int PRIMARY KEY, land_name text, land_code text);
CREATE TABLE alike.land (land_id int PRIMARY KEY, title text);
CREATE TABLE alike.visit (land_id int PRIMARY KEY, stars int);
CREATE TABLE alike.trip (id int PRIMARY KEY, land_id int);
CALL show_signals('alike', 'first of that name', 'borrowed key');

-- A table whose name ends like many others' is meant if its key is called like the column
CREATE SCHEMA crowd;
CREATE TABLE crowd.store_site (site_id int PRIMARY KEY, title text);
SELECT format('CREATE TABLE crowd.%s_site (id int PRIMARY KEY, body text)', name)
FROM unnest('{bank,coal,farm,lake,mine,moor,pond,rail,sand}'::text[]) name \gexec
CREATE TABLE crowd.rate (id int PRIMARY KEY, site_id int);
CALL show_signals('crowd', 'end of table name', 'key name', 'only one');

-- Where primary keys are called id, note_id is another table's; and a unique badge_id is no key to refer to
CREATE SCHEMA usual;
CREATE TABLE usual.note (id int PRIMARY KEY, body text);
CREATE TABLE usual.badge (id int PRIMARY KEY, title text);
CREATE TABLE usual.choice (note_id int PRIMARY KEY, badge_id int UNIQUE);
CREATE TABLE usual.wish (id int PRIMARY KEY, note_id int, badge_id int);
CALL show_signals('usual', 'unlike primary keys', 'target of another name', 'target unlike keys', 'target refers');

-- A parent's key of the same table, and that of a table with whose name the child's begins, though the key does not say so
CREATE SCHEMA tree;
CREATE TABLE tree.queue (id int PRIMARY KEY, title text);
CREATE TABLE tree.mail_queue (queue_id int PRIMARY KEY, title text);
CREATE TABLE tree.mail_queue_link (id int PRIMARY KEY, queue_id int);
CREATE TABLE tree.basket_item (item_id int PRIMARY KEY, parent_item_id int);
CALL show_signals('tree', 'child of the key''s table', 'key of the same table after role', 'key name');

-- The column that bears the beginning of its own table's name is no reference to that
CREATE SCHEMA head;
CREATE TABLE head.poll (id int PRIMARY KEY, title text);
CREATE TABLE head.survey_result (id int PRIMARY KEY, survey_id int);
CALL show_signals('head', 'beginning of table name', 'own name');

-- Words that say nothing at the end of a table's name, and of its keys' names: what is static of a host, details of a job
CREATE SCHEMA ending;
CREATE TABLE ending.host_static (id int PRIMARY KEY, address text);
CREATE TABLE ending.job_details (job_name text, job_group text, PRIMARY KEY (job_name, job_group));
CREATE TABLE ending.trigger (id int PRIMARY KEY, host_id int, job_name text, job_group text);
CALL show_signals('ending', 'table name', 'parent''s name in the group');

-- A database has nothing to do with data and base, nor have statuses with stats and uses, for these stand nowhere side by side
CREATE SCHEMA whole;
CREATE TABLE whole.core_database (id int PRIMARY KEY, data text, base int);
CREATE TABLE whole.query (id int PRIMARY KEY, database_id int, data_id int, base_id int);
CREATE TABLE whole.statuses (id int PRIMARY KEY, stats int, uses int);
CREATE TABLE whole.mark (id int PRIMARY KEY, status_id int);
CALL show_signals('whole', 'end of table name', 'another row', 'table name');

-- A word is cut where its parts stand side by side, in the plural or not, and where only a number or tbl stands beside it
CREATE SCHEMA cut;
CREATE TABLE cut.orders (id int PRIMARY KEY, item int);
CREATE TABLE cut.shop_orderitem (id int PRIMARY KEY, title text);
CREATE TABLE cut.order_items_log (id int PRIMARY KEY, order_item_id int);
CREATE TABLE cut.pages (id int PRIMARY KEY, mark int);
CREATE TABLE cut.tbl_pagemark (id int PRIMARY KEY, title text);
CREATE TABLE cut.reader (id int PRIMARY KEY, mark_id int);
CALL show_signals('cut', 'end of table name', 'inside of the table''s word');

-- Their plural has another form; what is said in another language adds to what it is of
CREATE SCHEMA plural;
CREATE TABLE plural.media (id int PRIMARY KEY, title text);
CREATE TABLE plural.media_i18n (id int, locale text, title text, PRIMARY KEY (id, locale));
CREATE TABLE plural.install (id int PRIMARY KEY, medium_id int);
CALL show_signals('plural', 'table name', 'extension', 'extension by its word');

DROP PROCEDURE show_signals;
DROP FUNCTION signals;
