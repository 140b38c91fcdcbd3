-- Discovery: columns that say what somebody or something does in a row, and not which table that is in
-- rooms: discover
\getenv test PG_ABS_SRCDIR
\set signals :test '/sql/include/discover_signals.sql'
\i :signals
\set VERBOSITY terse

-- Somebody who acts is told of people, however many tables begin with that word
CREATE SCHEMA school;
CREATE TABLE school.users (id int PRIMARY KEY, email text);
SELECT format('CREATE TABLE school.mentor_%s (id int PRIMARY KEY, body text)', name)
FROM unnest('{request,lock,note,talk,post,view,mark,sign}'::text[]) name \gexec
SELECT format('CREATE TABLE school.%s (id int PRIMARY KEY, body text)', name)
FROM unnest('{bell,board,chair,clock,desk,door,floor,hall,lamp,roof,stair,wall,window}'::text[]) name \gexec
CREATE TABLE school.lesson (id int PRIMARY KEY, mentor_id int, interviewee_id int, guide_id int, guid int, committee_id int, indicator_id int,
                            diaperid int);
CALL show_signals('school', 'somebody who acts', 'doer');

-- What links posts with authors is no table of people
CREATE SCHEMA press;
CREATE TABLE press.users (id int PRIMARY KEY, email text);
CREATE TABLE press.post (id int PRIMARY KEY, author_id int);
CREATE TABLE press.post_author (id int PRIMARY KEY, post_id int, author_id int);
CALL show_signals('press', 'somebody who acts', 'end of table name');

-- Rows are superseded by rows, and changed by people; what answers another row is of the same table
CREATE SCHEMA claim;
CREATE TABLE claim.users (id int PRIMARY KEY, email text);
CREATE TABLE claim.decision (id int PRIMARY KEY, superseded_by_id int, changed_by_id int, in_response_to_id int);
CREATE TABLE claim.datatype (id int PRIMARY KEY, supertype_id int);
CALL show_signals('claim', 'somebody who acts', 'another row', 'row before or above');

-- People log in where a password is beside their names, not where a link has one and flags
CREATE SCHEMA share;
CREATE TABLE share.link (id int PRIMARY KEY, password text, email_protected boolean, login_needed boolean, owner_id int);
CREATE TABLE share.members (id int PRIMARY KEY, email text, first_name text);
CALL show_signals('share', 'somebody who acts', 'table of people');

-- The users of a customer are no customers
CREATE SCHEMA rent;
CREATE TABLE rent.customer (id int PRIMARY KEY, email text);
CREATE TABLE rent.users (id int PRIMARY KEY, customer_id int, email text, first_name text, last_name text);
CREATE TABLE rent.alarm (id int PRIMARY KEY, assignee_id int);
CALL show_signals('rent', 'somebody who acts', 'table of personal data', 'table of people');

-- A profile's person is in the table of users
CREATE SCHEMA face;
CREATE TABLE face.users (id int PRIMARY KEY, email text);
CREATE TABLE face.profile (id int PRIMARY KEY, user_id int, phone text, first_name text, last_name text);
CREATE TABLE face.remark (id int PRIMARY KEY, author_id int);
CALL show_signals('face', 'somebody who acts', 'table of personal data');

-- What a picture is for: the table of pictures, unless there is one for just that; a text is an address. Who bans is somebody
CREATE SCHEMA media;
CREATE TABLE media.upload (id int PRIMARY KEY, path text);
CREATE TABLE media.image (id int PRIMARY KEY, path text);
CREATE TABLE media.icon (id int PRIMARY KEY, path text);
CREATE TABLE media.users (id int PRIMARY KEY, email text);
CREATE TABLE media.ban (id int PRIMARY KEY, banner_id int);
CREATE TABLE media.club (id int PRIMARY KEY, avatar_id int, icon_id int, cover int, logo text);
CALL show_signals('media', 'picture', 'doer');

-- Who holds a password and hardly anything else is no table of people beside one that is called otherwise and has their names
CREATE SCHEMA library;
CREATE TABLE library.borrowers (id int PRIMARY KEY, password text, first_name text, last_name text, email text, phone text, birthdate date);
CREATE TABLE library.vendor_account (id int PRIMARY KEY, password text, username text, flag_email boolean);
CREATE TABLE library.shelf (id int PRIMARY KEY, owner_id int, host_id int, contact int, operator int);
CALL show_signals('library', 'somebody who acts', 'table of people', 'table of personal data');

-- Of tables that do alike as those of people, the first two by name count, whichever was made first; without a key none does
CREATE SCHEMA made;
SELECT format('CREATE TABLE made.%s_user (id int, title text)', name) FROM unnest('{acre,bank,camp}'::text[]) name \gexec
SELECT format('CREATE TABLE made.%s_user (id int PRIMARY KEY, title text)', name) FROM unnest('{glen,farm,dune}'::text[]) name \gexec
CREATE TABLE made.thing (id int PRIMARY KEY, owner_id int);
CALL show_signals('made', 'somebody who acts', 'table of people');

-- Who works here, and who is a customer's
CREATE SCHEMA desk;
CREATE TABLE desk.users (id int PRIMARY KEY, pw text, first_name text);
CREATE TABLE desk.customer_user (id int PRIMARY KEY, pw text, first_name text, last_name text, email text, phone text, mobile text);
CREATE TABLE desk.ticket (id int PRIMARY KEY, created_by int);
CALL show_signals('desk', 'somebody who acts', 'table of people', 'table of personal data', 'somebody from outside');

-- The manager of an office is somebody; that of an employee is another one. How many there are says of no row; parents do
CREATE SCHEMA office;
CREATE TABLE office.employee (id int PRIMARY KEY, email text, manager_id int, father_id int, total_children int, previous_id int, source_id int);
CREATE TABLE office.building (id int PRIMARY KEY, manager_id int, report_id int, reports_to int);
CALL show_signals('office', 'somebody who acts', 'another row', 'row before or above');

DROP PROCEDURE show_signals;
DROP FUNCTION signals;
