-- Six tables, each of whose rows refers to a row of the one before, and the first one to a table that lacks a half of them; and a circle
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE TABLE owner (id int PRIMARY KEY);
INSERT INTO owner SELECT generate_series(1, 10000);
CREATE TABLE chain_1 (id int PRIMARY KEY, up int, note text);
INSERT INTO chain_1 SELECT i, CASE WHEN i <= :rows / 6 THEN i + 20000 ELSE i % 10000 + 1 END, 'a row' FROM generate_series(1, :rows / 3) i;
SELECT format('CREATE TABLE chain_%1$s (id int PRIMARY KEY, up int REFERENCES chain_%2$s, note text);'
              'INSERT INTO chain_%1$s SELECT i, i, ''a row'' FROM generate_series(1, %3$s) i; CREATE INDEX ON chain_%1$s (up)',
              k, k - 1, :rows / 3) FROM generate_series(2, 6) k \gexec
CREATE TABLE ring (id int PRIMARY KEY, next int REFERENCES ring DEFERRABLE, owner int);
INSERT INTO ring SELECT i, i % (:rows / 20) + 1, CASE i WHEN 1 THEN -1 END FROM generate_series(1, :rows / 20) i;
CREATE INDEX ON ring (next);
ANALYZE;
SELECT sg_plan_create(p) FROM unnest('{chains,circle}'::text[]) p;
SELECT sg_plan_add_fk('chains', 'chain_1', 'up', 'owner', orphans => 'quarantine'),
       sg_plan_add_fk('circle', 'ring', 'owner', 'owner', orphans => 'quarantine');
SELECT sg_plan_add_referencing(p) FROM unnest('{chains,circle}'::text[]) p;
