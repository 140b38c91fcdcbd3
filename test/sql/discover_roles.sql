-- Discovery: columns that say what somebody or something does in a row, and not which table that is in
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;

-- The candidates inside of one schema, and which of some signals they have; then the schema goes, for people are looked for everywhere
CREATE PROCEDURE show_signals(style text, VARIADIC wanted text[])
LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN
    SELECT r.reference || coalesce(': ' || string_agg(s || CASE WHEN v < 1 THEN ' ' || round(v::numeric, 2) ELSE '' END, ', ' ORDER BY s COLLATE "C"), '')
    FROM schemaguard.sg_discovery_candidates() d
         CROSS JOIN LATERAL (SELECT substr(child_table, length(style) + 2) || child_columns::text || ' > ' ||
                                    substr(parent_table, length(style) + 2) || parent_columns::text) r (reference)
         LEFT JOIN LATERAL unnest(d.signals, d."values") u (s, v) ON s = ANY (wanted)
    WHERE split_part(child_table, '.', 1) = style AND split_part(parent_table, '.', 1) = style
    GROUP BY r.reference ORDER BY r.reference COLLATE "C"
  LOOP
    RAISE INFO '%', line;
  END LOOP;
  SET LOCAL client_min_messages = warning;
  EXECUTE format('DROP SCHEMA %I CASCADE', style);
END $$;
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

DROP PROCEDURE show_signals;
