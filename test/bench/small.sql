-- One key between tables of 100 rows
CREATE TABLE small_parent (id int PRIMARY KEY, name text);
CREATE TABLE small_child (id int PRIMARY KEY, parent_id int CONSTRAINT small_fk REFERENCES small_parent);
INSERT INTO small_parent SELECT g, 'name ' || g FROM generate_series(1, 100) g;
INSERT INTO small_child SELECT g, g FROM generate_series(1, 100) g;
VACUUM ANALYZE small_parent, small_child;
