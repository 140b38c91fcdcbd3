-- link tables whose columns are told by their order alone: numbered, lettered, left and right
CREATE TABLE painter (id int PRIMARY KEY, name text, born date);
CREATE TABLE gallery (id int PRIMARY KEY, name text, town text);
CREATE TABLE sketch_book (id int PRIMARY KEY, title text, pages int);
CREATE TABLE link_kind (id int PRIMARY KEY, label text);
CREATE TABLE l_painter_gallery (id int PRIMARY KEY, kind int REFERENCES link_kind, entity0 int NOT NULL REFERENCES painter,
    entity1 int NOT NULL REFERENCES gallery, link_order int);
CREATE TABLE l_painter_painter (id int PRIMARY KEY, kind int REFERENCES link_kind, entity0 int NOT NULL REFERENCES painter,
    entity1 int NOT NULL REFERENCES painter, link_order int);
CREATE TABLE l_gallery_sketch_book (id int PRIMARY KEY, kind int REFERENCES link_kind, entity0 int NOT NULL REFERENCES gallery,
    entity1 int NOT NULL REFERENCES sketch_book, link_order int);
CREATE TABLE "Topic" (id text PRIMARY KEY, name text, slug text UNIQUE);
CREATE TABLE "Essay" (id text PRIMARY KEY, title text, body text);
CREATE TABLE "Reader" (id text PRIMARY KEY, email text UNIQUE, "favouriteEssayId" text REFERENCES "Essay");
CREATE TABLE "_EssayToTopic" ("A" text NOT NULL REFERENCES "Essay", "B" text NOT NULL REFERENCES "Topic", UNIQUE ("A", "B"));
CREATE TABLE "_EssayToReader" ("A" text NOT NULL REFERENCES "Essay", "B" text NOT NULL REFERENCES "Reader", UNIQUE ("A", "B"));
CREATE TABLE club (id int PRIMARY KEY, name text);
CREATE TABLE club2club (id int PRIMARY KEY, parent_id int REFERENCES club, child_id int REFERENCES club);
CREATE TABLE venue (id int PRIMARY KEY, name text, seats int);
CREATE TABLE club_venue_map (left_id int REFERENCES club, right_id int REFERENCES venue, PRIMARY KEY (left_id, right_id));
-- of two numbers, and no link
CREATE TABLE venue_measure (id int PRIMARY KEY, venue_id int REFERENCES venue, value1 int, value2 int, range_from int, range_to int);
