# 171_sync_pairs.pl: pairs of schemas that a script or CALL sg_sync_apply could not make one another, all in one database.
#
# rooms: sync
# majors: one (kinds of changes; 144_sync_roundtrip runs on each)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('sync_pairs', conf => "fsync = off\nschemaguard.workers = 1\n");
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $options = q{allow_drop => true, partitions => true, renames => 'drop'};

sub query { my ($sql, $db) = @_; return $node->safe_psql($db, $sql); }

# Each with what is there, what the reference has, and rows
my @pairs = (
	# a table or type that is another one, and has the names of what belongs to the old one
	[ 'CREATE TABLE a.orders (id serial PRIMARY KEY, x int)', 'CREATE TABLE a.orders (id serial PRIMARY KEY, x int); ALTER TABLE a.orders RENAME TO purchases' ],
	[ 'CREATE TYPE a.span AS RANGE (SUBTYPE = float8)', 'CREATE TYPE a.span AS RANGE (SUBTYPE = float8); ALTER TYPE a.span RENAME TO span2' ],
	[ 'CREATE TYPE a.empty AS ()', 'CREATE TYPE a.empty AS (a int)' ],
	# the table is another one, so is its constraint, whatever it says
	[ 'CREATE FOREIGN TABLE a.remote (a int, CONSTRAINT cs1 CHECK (a > 200) NO INHERIT) SERVER s1', 'CREATE FOREIGN TABLE a.remote (a int, CONSTRAINT cs2 CHECK (a > 200) NO INHERIT) SERVER s2' ],
	# a trigger waits for the table that it is made from
	[ q{CREATE FUNCTION a.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TABLE a.fired_from (id int); CREATE TABLE a.fired (id int); CREATE CONSTRAINT TRIGGER fires AFTER INSERT ON a.fired FROM a.fired_from FOR EACH ROW EXECUTE FUNCTION a.fires()},
		q{CREATE FUNCTION a.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TABLE a.fired_by (id int); CREATE TABLE a.fired (id int); CREATE CONSTRAINT TRIGGER fires AFTER INSERT ON a.fired FROM a.fired_by FOR EACH ROW EXECUTE FUNCTION a.fires()} ],
	# left out
	[ 'CREATE SERVER held FOREIGN DATA WRAPPER w1; CREATE FOREIGN TABLE a.of_held (a int) SERVER held', 'CREATE SERVER held FOREIGN DATA WRAPPER w2; CREATE FOREIGN TABLE a.of_held (a int) SERVER held' ],
	# what stands on columns of a range type that is made anew has no sense for the text that they are meanwhile
	[ 'CREATE TYPE a.own_range AS RANGE (SUBTYPE = int); CREATE TABLE a.ranged (id int, x a.own_range PRIMARY KEY, y a.own_range CHECK (lower(y) > 0), CONSTRAINT apart EXCLUDE USING gist (x WITH &&)); CREATE TABLE a.ranged_low (x a.own_range REFERENCES a.ranged); CREATE INDEX ranged_y ON a.ranged (y); CREATE INDEX ranged_g ON a.ranged USING gist (y); CREATE INDEX ranged_l ON a.ranged (lower(y))',
		'CREATE TYPE a.own_range AS RANGE (SUBTYPE = bigint); CREATE TABLE a.ranged (id int, x a.own_range PRIMARY KEY, y a.own_range CHECK (lower(y) > 0), CONSTRAINT apart EXCLUDE USING gist (x WITH &&)); CREATE TABLE a.ranged_low (x a.own_range REFERENCES a.ranged); CREATE INDEX ranged_y ON a.ranged (y); CREATE INDEX ranged_g ON a.ranged USING gist (y); CREATE INDEX ranged_l ON a.ranged (lower(y))',
		q{INSERT INTO a.ranged VALUES (1, '[1,2]', '[1,2]'); INSERT INTO a.ranged_low VALUES ('[1,2]')} ],
	# attributes go and come again, between views and functions that name them
	[ q{CREATE TYPE a.comp AS (a int, b text); CREATE TABLE a.of_comp (id int, x a.comp); CREATE VIEW a.sees_comp AS SELECT id, (x).b FROM a.of_comp; CREATE FUNCTION a.gives_comp() RETURNS a.comp LANGUAGE sql BEGIN ATOMIC SELECT x FROM a.of_comp LIMIT 1; END},
		q{CREATE TYPE a.comp AS (b text, a int); CREATE TABLE a.of_comp (id int, x a.comp); CREATE VIEW a.sees_comp AS SELECT id, (x).b FROM a.of_comp; CREATE FUNCTION a.gives_comp() RETURNS a.comp LANGUAGE sql BEGIN ATOMIC SELECT x FROM a.of_comp LIMIT 1; END},
		q{INSERT INTO a.of_comp VALUES (1, ROW(1, 'x'))} ],
	[ q{CREATE TYPE a.bare_comp AS (a int, b text); CREATE VIEW a.sees_bare AS SELECT id, (ROW(1, 'x')::a.bare_comp).a FROM generate_series(1, 2) id},
		q{CREATE TYPE a.bare_comp AS (b text, a bigint); CREATE VIEW a.sees_bare AS SELECT id, (ROW('x', 1)::a.bare_comp).a FROM generate_series(1, 2) id} ],
	# whose options no snapshot has
	[ 'SELECT 1', q{CREATE USER MAPPING FOR PUBLIC SERVER s1 OPTIONS ("user" 'bob')} ],
	[ 'CREATE TABLE a.filled (id int PRIMARY KEY)', 'CREATE TABLE a.filled (id int PRIMARY KEY, x text NOT NULL)', 'INSERT INTO a.filled SELECT generate_series(1, 10)' ],
	[ 'CREATE TABLE a.unfilled (id int PRIMARY KEY)', 'CREATE TABLE a.unfilled (id int PRIMARY KEY, x text NOT NULL)' ],
	# a type changes the bounds of its sequence, or can't have them
	[ 'CREATE TABLE a.ids (id int GENERATED ALWAYS AS IDENTITY, down smallint, x int)', 'CREATE TABLE a.ids (id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 5000000000), down smallint, x int)', 'INSERT INTO a.ids (x) VALUES (1), (2)' ],
	[ 'CREATE TABLE a.fewer_ids (id bigint GENERATED ALWAYS AS IDENTITY (MAXVALUE 5000000000))', 'CREATE TABLE a.fewer_ids (id int GENERATED ALWAYS AS IDENTITY)', 'INSERT INTO a.fewer_ids DEFAULT VALUES' ],
	[ 'CREATE TABLE a.ids_down (id smallint GENERATED ALWAYS AS IDENTITY (INCREMENT -1 MINVALUE -32768))', 'CREATE TABLE a.ids_down (id int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -1 MINVALUE -100000))' ],
	# a key that others lead to gets other columns, an order, or is another constraint
	[ 'CREATE TABLE a.led_to (x int, y int, z int, CONSTRAINT led_pk PRIMARY KEY (x, y), CONSTRAINT led_z UNIQUE (z)); CREATE TABLE a.leads (x int, y int, z int REFERENCES a.led_to (z), FOREIGN KEY (x, y) REFERENCES a.led_to)',
		'CREATE TABLE a.led_to (x int, y int, z int, CONSTRAINT led_pk PRIMARY KEY (y, x) INCLUDE (z), CONSTRAINT led_z UNIQUE NULLS NOT DISTINCT (z)); CREATE TABLE a.leads (x int, y int, z int REFERENCES a.led_to (z), FOREIGN KEY (x, y) REFERENCES a.led_to (x, y))',
		'INSERT INTO a.led_to VALUES (1, 2, 3); INSERT INTO a.leads VALUES (1, 2, 3)' ],
	# a default is a label that goes, and one that comes
	[ q{CREATE TYPE a.grade AS ENUM ('a', 'b', 'c'); CREATE TABLE a.graded (x a.grade[] DEFAULT '{a,c}', y a.grade DEFAULT 'c')},
		q{CREATE TYPE a.grade AS ENUM ('b', 'a', 'd'); CREATE TABLE a.graded (x a.grade[] DEFAULT '{a,d}', y a.grade DEFAULT 'd')}, q{INSERT INTO a.graded VALUES ('{a,b}', 'b')} ],
	# what a column has of a collation that is made anew is what it is to have; a script that has run changes nothing when it runs again
	[ q{CREATE COLLATION a.co (provider = libc, locale = 'C'); CREATE TABLE a.collated (t text COLLATE a.co); CREATE VIEW a.sees_collated AS SELECT t COLLATE "C" AS t FROM a.collated},
		q{CREATE COLLATION a.co (provider = libc, locale = 'POSIX'); CREATE TABLE a.collated (t text); CREATE VIEW a.sees_collated AS SELECT t COLLATE a.co AS t FROM a.collated} ],
	# a column comes to a table and to heirs or partitions that give it another default, or none, or have it for their own, too
	[ 'CREATE TABLE a.gives_default (x int); CREATE TABLE a.gets_default () INHERITS (a.gives_default); CREATE TABLE a.gets_last () INHERITS (a.gets_default)',
		'CREATE TABLE a.gives_default (x int, y int DEFAULT 1, z int); CREATE TABLE a.gets_default () INHERITS (a.gives_default); CREATE TABLE a.gets_last () INHERITS (a.gets_default); ALTER TABLE ONLY a.gets_default ALTER y DROP DEFAULT, ALTER z SET DEFAULT 4; ALTER TABLE a.gets_last ALTER y SET DEFAULT 3',
		'INSERT INTO a.gives_default VALUES (1); INSERT INTO a.gets_default VALUES (2)' ],
	[ 'CREATE TABLE a.giver (x int); CREATE TABLE a.taker () INHERITS (a.giver); CREATE TABLE a.last_taker () INHERITS (a.taker)',
		'CREATE TABLE a.giver (x int); CREATE TABLE a.taker (y int DEFAULT 2 NOT NULL) INHERITS (a.giver); CREATE TABLE a.last_taker () INHERITS (a.taker); ALTER TABLE a.last_taker ALTER y SET DEFAULT 3; ALTER TABLE a.giver ADD y int DEFAULT 1',
		'INSERT INTO a.giver VALUES (1); INSERT INTO a.taker VALUES (2)' ],
	[ 'CREATE TABLE a.parted (x int) PARTITION BY LIST (x); CREATE TABLE a.part_1 PARTITION OF a.parted FOR VALUES IN (1)',
		'CREATE TABLE a.parted (x int, y int DEFAULT 1) PARTITION BY LIST (x); CREATE TABLE a.part_1 PARTITION OF a.parted FOR VALUES IN (1); ALTER TABLE a.part_1 ALTER y SET DEFAULT 2', 'INSERT INTO a.parted VALUES (1)' ],
	# statistics go with a column that is made anew
	[ 'CREATE TABLE a.gen (x int, g int GENERATED ALWAYS AS (x * 2) STORED); CREATE STATISTICS a.gen_s ON x, g FROM a.gen', 'CREATE TABLE a.gen (x int, g int GENERATED ALWAYS AS (x * 3) STORED); CREATE STATISTICS a.gen_s (ndistinct) ON x, g FROM a.gen' ],
	# partitions that go have bounds that others get
	[ 'CREATE TABLE a.by_hash (k int) PARTITION BY HASH (k); CREATE TABLE a.hash_1 PARTITION OF a.by_hash FOR VALUES WITH (MODULUS 4, REMAINDER 1); CREATE TABLE a.hash_3 PARTITION OF a.by_hash FOR VALUES WITH (MODULUS 4, REMAINDER 3)',
		'CREATE TABLE a.by_hash (k int) PARTITION BY HASH (k); CREATE TABLE a.hash_1 PARTITION OF a.by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1)' ],
	# another sequence goes on where the one before is; the name of that is free for an identity's
	[ 'CREATE TABLE a.numbered (id serial PRIMARY KEY, x int)', 'CREATE TABLE a.numbered (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, x int)', 'INSERT INTO a.numbered (x) SELECT generate_series(1, 3)' ],
	[ q{CREATE SEQUENCE a.loose_id_seq INCREMENT BY 5; CREATE TABLE a.loose (id bigint DEFAULT nextval('a.loose_id_seq'), x int)}, 'CREATE TABLE a.loose (id int GENERATED BY DEFAULT AS IDENTITY, x int)', 'INSERT INTO a.loose (x) SELECT generate_series(1, 3)' ],
	[ 'CREATE TABLE a.unnumbered (id int GENERATED BY DEFAULT AS IDENTITY, x int)', q{CREATE SEQUENCE a.of_its_own START WITH 10 INCREMENT BY -1 MAXVALUE 10; CREATE TABLE a.unnumbered (id int NOT NULL DEFAULT nextval('a.of_its_own'), x int)}, 'INSERT INTO a.unnumbered (x) VALUES (1)' ],
	# rows out of a partition's range, in one that gets another range, and in the default partition: the other partitions come
	[ 'CREATE TABLE a.joins_to (k int) PARTITION BY RANGE (k); CREATE TABLE a.joins (k int)', 'CREATE TABLE a.joins_to (k int) PARTITION BY RANGE (k); CREATE TABLE a.joins PARTITION OF a.joins_to FOR VALUES FROM (0) TO (10); CREATE INDEX joins_k ON a.joins (k)',
		'INSERT INTO a.joins VALUES (5), (10), (NULL)' ],
	[ q{CREATE TABLE a.lists (k text) PARTITION BY LIST (k); CREATE TABLE a.lists_1 PARTITION OF a.lists FOR VALUES IN ('a', NULL); CREATE TABLE a.lists_2 PARTITION OF a.lists FOR VALUES IN ('b', 'c')},
		q{CREATE TABLE a.lists (k text) PARTITION BY LIST (k); CREATE TABLE a.lists_1 PARTITION OF a.lists FOR VALUES IN ('a', 'b', NULL); CREATE TABLE a.lists_2 PARTITION OF a.lists FOR VALUES IN ('c'); CREATE INDEX lists_k ON a.lists (k)},
		q{INSERT INTO a.lists VALUES ('a'), (NULL), ('b'), ('c')} ],
	[ 'CREATE TABLE a.other (k int, j text, PRIMARY KEY (k, j)) PARTITION BY RANGE (k, j); CREATE TABLE a.other_d PARTITION OF a.other DEFAULT',
		q{CREATE TABLE a.other (k int, j text, PRIMARY KEY (k, j)) PARTITION BY RANGE (k, j); CREATE TABLE a.other_d PARTITION OF a.other DEFAULT; CREATE TABLE a.other_1 PARTITION OF a.other FOR VALUES FROM (0, MINVALUE) TO (10, 'it''s') PARTITION BY LIST (j);
		CREATE TABLE a.other_1a PARTITION OF a.other_1 FOR VALUES IN ('x'); COMMENT ON COLUMN a.other_1a.k IS 'c'; CREATE TABLE a.other_2 PARTITION OF a.other FOR VALUES FROM (20, 'a') TO (MAXVALUE, MAXVALUE)},
		q{INSERT INTO a.other VALUES (10, 'a'), (10, 'it''s'), (-1, 'x')} ],
	# which the server alters for the index of a partition alone
	[ 'CREATE TABLE a.filled_by (k int) PARTITION BY RANGE (k); CREATE TABLE a.filled_1 PARTITION OF a.filled_by DEFAULT; CREATE INDEX filled_k ON a.filled_by (k) WITH (fillfactor = 60)',
		'CREATE TABLE a.filled_by (k int) PARTITION BY RANGE (k); CREATE TABLE a.filled_1 PARTITION OF a.filled_by DEFAULT; CREATE INDEX filled_k ON a.filled_by (k) WITH (fillfactor = 70)' ],
	# nobody writes to a materialized view
	[ 'CREATE MATERIALIZED VIEW a.shows AS SELECT 1 AS x', 'CREATE MATERIALIZED VIEW a.shows AS SELECT 1 AS x; CREATE INDEX shows_x ON a.shows (x) WHERE x > 0; CREATE UNIQUE INDEX shows_y ON a.shows ((x + 1))' ],
	# no cast makes the one the other
	[ 'CREATE TABLE a.ranges (r int4range)', 'CREATE TABLE a.ranges (r int8range)' ],
	# values that no cast makes those of the other type; what stands on them stays as it is
	[ 'CREATE TABLE a.cast_from (id text PRIMARY KEY, n bigint UNIQUE, m text, small int); CREATE TABLE a.cast_leads (n bigint REFERENCES a.cast_from (n), id text REFERENCES a.cast_from)',
		q{CREATE TYPE a.mood AS ENUM ('sad', 'o''k'); CREATE TABLE a.cast_from (id uuid PRIMARY KEY, n int UNIQUE, m a.mood, small numeric(3,1)); CREATE TABLE a.cast_leads (n int REFERENCES a.cast_from (n), id uuid REFERENCES a.cast_from)},
		q{INSERT INTO a.cast_from VALUES ('v1', 5000000000, 'sad', 1), ('v2', 1, 'o''k', 2), ('v3', 2, 'glad', 100); INSERT INTO a.cast_leads VALUES (1, 'v1')} ],
	# keys between columns of an enum that is made anew
	[ q{CREATE TYPE a.stage AS ENUM ('new', 'old'); CREATE TABLE a.stages (s a.stage PRIMARY KEY); CREATE TABLE a.staged (s a.stage REFERENCES a.stages)},
		q{CREATE TYPE a.stage AS ENUM ('new', 'open'); CREATE TABLE a.stages (s a.stage PRIMARY KEY); CREATE TABLE a.staged (s a.stage REFERENCES a.stages)}, q{INSERT INTO a.stages VALUES ('new'); INSERT INTO a.staged VALUES ('new')} ],
	# a partition that is partitioned itself, and has a column that the whole gets
	[ 'CREATE TABLE a.splits (x int, y int) PARTITION BY LIST (x); CREATE TABLE a.splits_1 PARTITION OF a.splits FOR VALUES IN (1)',
		'CREATE TABLE a.splits (x int, y int, z text) PARTITION BY LIST (x); CREATE TABLE a.splits_1 PARTITION OF a.splits FOR VALUES IN (1) PARTITION BY LIST (y); CREATE TABLE a.splits_1d PARTITION OF a.splits_1 DEFAULT' ],
	# nothing alters what a table is partitioned by; bounds are of its type
	[ 'CREATE TABLE a.keyed (k int, "K" text) PARTITION BY RANGE (k); CREATE TABLE a.keyed_1 PARTITION OF a.keyed FOR VALUES FROM (0) TO (10)',
		'CREATE TABLE a.keyed (k bigint, "K" varchar(9)) PARTITION BY RANGE (k); CREATE TABLE a.keyed_1 PARTITION OF a.keyed FOR VALUES FROM (0) TO (10)' ],
	# no cast makes the one column the other, so its key stays, and what that leads to
	[ 'CREATE TABLE a.swapped (id int PRIMARY KEY, u uuid NOT NULL); CREATE TABLE a.swaps (r int CONSTRAINT swaps_r REFERENCES a.swapped)',
		'CREATE TABLE a.swapped (id int NOT NULL, u uuid PRIMARY KEY); CREATE TABLE a.swaps (r uuid CONSTRAINT swaps_r REFERENCES a.swapped)' ],
	# a sequence goes on, or back
	[ 'CREATE TABLE a.goes_up (id int GENERATED ALWAYS AS IDENTITY, x int); CREATE SEQUENCE a.goes_down MAXVALUE 50', 'CREATE TABLE a.goes_up (id int GENERATED ALWAYS AS IDENTITY (MINVALUE 100 START 100), x int); CREATE SEQUENCE a.goes_down MAXVALUE 40',
		q{INSERT INTO a.goes_up (x) VALUES (1); SELECT setval('a.goes_down', 45)} ],
	# keys that are primary in turn
	[ 'CREATE TABLE a.turns (x int NOT NULL, y int NOT NULL, CONSTRAINT turns_1 UNIQUE (x), CONSTRAINT turns_2 PRIMARY KEY (y))', 'CREATE TABLE a.turns (x int NOT NULL, y int NOT NULL, CONSTRAINT turns_1 PRIMARY KEY (x), CONSTRAINT turns_2 UNIQUE (y))' ],
	# what is computed is null in no row
	[ 'CREATE TABLE a.computed (x int, y int GENERATED ALWAYS AS (x + 1) STORED)', 'CREATE TABLE a.computed (x int, y int GENERATED ALWAYS AS (x + 2) STORED PRIMARY KEY)', 'INSERT INTO a.computed VALUES (1), (2)' ],
	# who refers to a table is unlogged before it
	[ 'CREATE TABLE a.logged (id int PRIMARY KEY); CREATE TABLE a.logs (id int REFERENCES a.logged)', 'CREATE UNLOGGED TABLE a.logged (id int PRIMARY KEY); CREATE UNLOGGED TABLE a.logs (id int REFERENCES a.logged)' ],
	# the row type of a table has the name of a type that goes
	[ q{CREATE TYPE a.hue AS ENUM ('red'); CREATE TABLE a.hued (h a.hue)}, 'CREATE TABLE a.hue (id text); CREATE TABLE a.hued (h text)' ],
	# rows that keep a table from an expression's partition, and from the default one
	[ 'CREATE TABLE a.lowered (v text) PARTITION BY LIST (lower(v)); CREATE TABLE a.lowered_1 (v text)', q{CREATE TABLE a.lowered (v text) PARTITION BY LIST (lower(v)); CREATE TABLE a.lowered_1 PARTITION OF a.lowered FOR VALUES IN ('b')}, q{INSERT INTO a.lowered_1 VALUES ('B'), ('C')} ],
	[ 'CREATE TABLE a.rest (k int) PARTITION BY LIST (k); CREATE TABLE a.rest_1 PARTITION OF a.rest FOR VALUES IN (1); CREATE TABLE a.rest_d (k int)', 'CREATE TABLE a.rest (k int) PARTITION BY LIST (k); CREATE TABLE a.rest_1 PARTITION OF a.rest FOR VALUES IN (1); CREATE TABLE a.rest_d PARTITION OF a.rest DEFAULT',
		'INSERT INTO a.rest_d VALUES (1), (2), (NULL)' ],
	# a trigger is a partition's own; a key leads to rows that come with a partition
	[ 'CREATE TABLE a.fires_all (k int) PARTITION BY LIST (k); CREATE TABLE a.fires_1 PARTITION OF a.fires_all FOR VALUES IN (1); CREATE TRIGGER fires BEFORE INSERT ON a.fires_all FOR EACH ROW EXECUTE FUNCTION a.fires()',
		'CREATE TABLE a.fires_all (k int) PARTITION BY LIST (k); CREATE TABLE a.fires_1 PARTITION OF a.fires_all FOR VALUES IN (1); CREATE TRIGGER fires BEFORE INSERT ON a.fires_1 FOR EACH ROW EXECUTE FUNCTION a.fires()' ],
	[ 'CREATE TABLE a.gains (k int PRIMARY KEY) PARTITION BY RANGE (k); CREATE TABLE a.gains_1 (k int PRIMARY KEY); CREATE TABLE a.gained (k int CONSTRAINT gained_k REFERENCES a.gains_1)',
		'CREATE TABLE a.gains (k int PRIMARY KEY) PARTITION BY RANGE (k); CREATE TABLE a.gains_1 PARTITION OF a.gains FOR VALUES FROM (0) TO (100); CREATE TABLE a.gained (k int CONSTRAINT gained_k REFERENCES a.gains)', 'INSERT INTO a.gains_1 VALUES (1); INSERT INTO a.gained VALUES (1)' ],
	# a key with another action and another comment, whatever its name
	[ q{CREATE TABLE a.acts_on (id int PRIMARY KEY); CREATE TABLE a.acts (x int CONSTRAINT acts_1 REFERENCES a.acts_on ON DELETE CASCADE, y int CONSTRAINT acts_y REFERENCES a.acts_on ON DELETE CASCADE); COMMENT ON CONSTRAINT acts_1 ON a.acts IS 'old'; COMMENT ON CONSTRAINT acts_y ON a.acts IS 'old'},
		q{CREATE TABLE a.acts_on (id int PRIMARY KEY); CREATE TABLE a.acts (x int CONSTRAINT acts_2 REFERENCES a.acts_on ON DELETE SET NULL, y int CONSTRAINT acts_y REFERENCES a.acts_on ON DELETE SET NULL); COMMENT ON CONSTRAINT acts_2 ON a.acts IS 'new'} ],
	# keys that have each other's names
	[ 'CREATE TABLE a.named_1 (id int PRIMARY KEY); CREATE TABLE a.named_2 (id int PRIMARY KEY); CREATE TABLE a.names (x int CONSTRAINT a REFERENCES a.named_1, y int CONSTRAINT b REFERENCES a.named_2 ON DELETE CASCADE)',
		'CREATE TABLE a.named_1 (id int PRIMARY KEY); CREATE TABLE a.named_2 (id int PRIMARY KEY); CREATE TABLE a.names (x int CONSTRAINT b REFERENCES a.named_1, y int CONSTRAINT a REFERENCES a.named_2 ON DELETE CASCADE)',
		'INSERT INTO a.named_1 VALUES (1); INSERT INTO a.named_2 VALUES (2); INSERT INTO a.names VALUES (1, 2)' ],
	# a foreign key leads to another key of the same columns
	[ 'CREATE TABLE a.chosen (id int NOT NULL UNIQUE, u uuid PRIMARY KEY); CREATE TABLE a.chooses (r int REFERENCES a.chosen (id))', 'CREATE TABLE a.chosen (id int PRIMARY KEY, u uuid NOT NULL UNIQUE); CREATE TABLE a.chooses (r int REFERENCES a.chosen)',
		q{INSERT INTO a.chosen VALUES (1, '00000000-0000-0000-0000-000000000001'); INSERT INTO a.chooses VALUES (1)} ],
	# a domain over another one: what has it is neither meanwhile; and what stands on what is turned round
	[ 'CREATE DOMAIN a.below AS int CHECK (VALUE > 0); CREATE DOMAIN a.over AS a.below CHECK (VALUE < 100); CREATE TABLE a.has_over (x a.over DEFAULT 5)', 'CREATE DOMAIN a.below AS bigint CHECK (VALUE > 1); CREATE DOMAIN a.over AS a.below CHECK (VALUE < 1000); CREATE TABLE a.has_over (x a.over DEFAULT 6)',
		'INSERT INTO a.has_over VALUES (50)' ],
	[ 'CREATE DOMAIN a.round_1 AS int; CREATE DOMAIN a.round_2 AS a.round_1; CREATE TABLE a.rounds (x a.round_1, y a.round_2)', 'CREATE DOMAIN a.round_2 AS int; CREATE DOMAIN a.round_1 AS a.round_2; CREATE TABLE a.rounds (x a.round_1, y a.round_2)' ],
	# a key that is made anew has its old name until then
	[ 'CREATE TABLE a.anew_on (id int PRIMARY KEY); CREATE TABLE a.is_anew (x int CONSTRAINT anew_1 REFERENCES a.anew_on ON DELETE CASCADE)', 'CREATE TABLE a.anew_on (id bigint PRIMARY KEY); CREATE TABLE a.is_anew (x bigint CONSTRAINT anew_2 REFERENCES a.anew_on ON DELETE SET NULL)' ],
	# the type of a column that a publication names, to be had while there is none
	[ 'CREATE TABLE a.sent (id int, x int); CREATE PUBLICATION sends FOR TABLE a.sent WHERE (id > 1)', 'CREATE TABLE a.sent (id bigint, x int); CREATE PUBLICATION sends FOR TABLE a.sent WHERE (id > 1)', 'INSERT INTO a.sent VALUES (1, 2)' ],
	[ 'CREATE TABLE a.sent_in_part (id int PRIMARY KEY, x int); CREATE PUBLICATION sends_part FOR TABLE a.sent_in_part (id, x)', 'CREATE TABLE a.sent_in_part (id int PRIMARY KEY, x text); CREATE PUBLICATION sends_part FOR TABLE a.sent_in_part (id, x)',
		'INSERT INTO a.sent_in_part VALUES (1, 2)' ],
	# a check of a foreign table
	[ 'CREATE FOREIGN TABLE a.far (x int) SERVER s1', 'CREATE FOREIGN TABLE a.far (x int CHECK (x > 0)) SERVER s1' ],
	# a partition may be null once its whole may
	[ 'CREATE TABLE a.without_key (k int PRIMARY KEY) PARTITION BY RANGE (k); CREATE TABLE a.part_without PARTITION OF a.without_key DEFAULT', 'CREATE TABLE a.without_key (k int) PARTITION BY RANGE (k); CREATE TABLE a.part_without PARTITION OF a.without_key DEFAULT',
		'INSERT INTO a.without_key VALUES (1)' ],
	[ 'CREATE TABLE a.without_nulls (k int, x int NOT NULL) PARTITION BY RANGE (k); CREATE TABLE a.nulls_1 PARTITION OF a.without_nulls DEFAULT PARTITION BY LIST (k); CREATE TABLE a.nulls_0 PARTITION OF a.nulls_1 DEFAULT',
		'CREATE TABLE a.without_nulls (k int, x int) PARTITION BY RANGE (k); CREATE TABLE a.nulls_1 PARTITION OF a.without_nulls DEFAULT PARTITION BY LIST (k); CREATE TABLE a.nulls_0 PARTITION OF a.nulls_1 DEFAULT', 'INSERT INTO a.without_nulls VALUES (1, 2)' ],
	# no cast leads to an enum, nor from one, but by text; be it there or not
	[ q{CREATE TYPE a.speed AS ENUM ('slow'); CREATE TABLE a.speeds (x int, y a.speed, z text)}, q{CREATE TYPE a.speed AS ENUM ('slow'); CREATE TYPE a.pace AS ENUM ('slow'); CREATE TABLE a.speeds (x a.pace, y int, z a.pace)}, q{INSERT INTO a.speeds VALUES (1, 'slow', 'slow')} ],
	# rows of a materialized view go
	[ 'CREATE MATERIALIZED VIEW a.forgets AS SELECT 1 AS x', 'CREATE MATERIALIZED VIEW a.forgets AS SELECT 1 AS x WITH NO DATA' ],
	# what a table has from a parent that it leaves goes; what it has from one that it gets is its own, too
	[ 'CREATE TABLE a.leaves_1 (x int); CREATE TABLE a.leaves_2 (y int); CREATE TABLE a.leaves () INHERITS (a.leaves_1, a.leaves_2); CREATE TABLE a.leaves_below () INHERITS (a.leaves)',
		'CREATE TABLE a.leaves_1 (x int); CREATE TABLE a.leaves_2 (y int); CREATE TABLE a.leaves () INHERITS (a.leaves_1); CREATE TABLE a.leaves_below () INHERITS (a.leaves)', 'INSERT INTO a.leaves VALUES (1, 2)' ],
	# a column comes to a table and to those below it, of which some have it as their own or with another default, one NOT NULL
	[ 'CREATE TABLE a.gives (id int); CREATE TABLE a.given () INHERITS (a.gives); CREATE TABLE a.also_given () INHERITS (a.given); CREATE TABLE a.z_given (z int) INHERITS (a.given)',
		'CREATE TABLE a.gives (id int, c int DEFAULT 1); CREATE TABLE a.given (c int DEFAULT 2) INHERITS (a.gives); CREATE TABLE a.also_given (c int DEFAULT 3) INHERITS (a.given); CREATE TABLE a.z_given (z int) INHERITS (a.given); ALTER TABLE a.z_given ALTER c SET DEFAULT 4, ALTER c SET NOT NULL',
		'INSERT INTO a.gives VALUES (1); INSERT INTO a.given VALUES (2); INSERT INTO a.z_given VALUES (3, 3)' ],
	[ 'CREATE TABLE a.whole (id int) PARTITION BY RANGE (id); CREATE TABLE a.part PARTITION OF a.whole FOR VALUES FROM (0) TO (10)',
		'CREATE TABLE a.whole (id int, c int DEFAULT 1) PARTITION BY RANGE (id); CREATE TABLE a.part PARTITION OF a.whole FOR VALUES FROM (0) TO (10); ALTER TABLE a.part ALTER c DROP DEFAULT', 'INSERT INTO a.whole VALUES (1)' ],
	[ 'CREATE TABLE a.gets_1 (x int); CREATE TABLE a.gets_2 (y int); CREATE TABLE a.gets () INHERITS (a.gets_1)', 'CREATE TABLE a.gets_1 (x int); CREATE TABLE a.gets_2 (y int); CREATE TABLE a.gets () INHERITS (a.gets_1, a.gets_2)' ],
	# columns of the row type of a view that is made anew, and of a table whose column gets another type
	[ 'CREATE TABLE a.rows_of (id int, n int); CREATE VIEW a.view_of AS SELECT id FROM a.rows_of; CREATE TABLE a.has_rows (x a.view_of, y a.rows_of, z a.rows_of[])',
		'CREATE TABLE a.rows_of (id bigint, n int); CREATE VIEW a.view_of AS SELECT id FROM a.rows_of; CREATE TABLE a.has_rows (x a.view_of, y a.rows_of, z a.rows_of[])', 'INSERT INTO a.has_rows VALUES (ROW(1), ROW(1, 2), ARRAY[ROW(1, 2)::a.rows_of])' ],
	# the casts of a check and of an index are those of a column's type
	[ q{CREATE TYPE a.humour AS ENUM ('dry'); CREATE TABLE a.jokes (x text CONSTRAINT jokes_x CHECK (x::text <> 'x'), y a.humour CONSTRAINT jokes_y CHECK (y::text <> 'x')); CREATE INDEX jokes_i ON a.jokes ((x::text || 'a'))},
		q{CREATE TYPE a.humour AS ENUM ('dry'); CREATE TABLE a.jokes (x varchar(9) CONSTRAINT jokes_x CHECK (x::text <> 'x'), y text CONSTRAINT jokes_y CHECK (y::text <> 'x')); CREATE INDEX jokes_i ON a.jokes ((x::text || 'a'))}, q{INSERT INTO a.jokes VALUES ('dry', 'dry')} ],
	[ q{CREATE TYPE a.wit AS ENUM ('dry'); CREATE TABLE a.puns (x text CONSTRAINT puns_x CHECK (x::text <> 'x'))}, q{CREATE TYPE a.wit AS ENUM ('dry'); CREATE TABLE a.puns (x a.wit CONSTRAINT puns_x CHECK (x::text <> 'x'))}, q{INSERT INTO a.puns VALUES ('dry')} ],
	# so are they where nothing else of a check differs
	[ 'CREATE DOMAIN a.cast_to AS int; CREATE DOMAIN a.cast_over AS a.cast_to; CREATE TABLE a.casts (x int CONSTRAINT casts_x CHECK (x::a.cast_to > 0))',
		'CREATE DOMAIN a.cast_to AS int; CREATE DOMAIN a.cast_over AS a.cast_to; CREATE TABLE a.casts (x int CONSTRAINT casts_x CHECK (x::a.cast_over > 0))', 'INSERT INTO a.casts VALUES (1)' ],
	# and so do parentheses and blanks, also of an index and of what excludes
	[ q{CREATE TABLE a.printed (j jsonb, s text, x int, y int, CONSTRAINT printed_x EXCLUDE USING btree (((x + y) * x) WITH =)); CREATE UNIQUE INDEX printed_j ON a.printed (((j->>'a')::int) DESC); CREATE INDEX printed_s ON a.printed (s) WHERE s <> 'not  set'},
		q{CREATE TABLE a.printed (j jsonb, s text, x int, y int, CONSTRAINT printed_x EXCLUDE USING btree ((x + (y * x)) WITH =)); CREATE UNIQUE INDEX printed_j ON a.printed (((j->>'a')::numeric) DESC); CREATE INDEX printed_s ON a.printed (s) WHERE s <> 'not set'}, q{INSERT INTO a.printed VALUES ('{"a": 1}', 's', 1, 1)} ],
	[ q{CREATE DOMAIN a.print AS text DEFAULT 'a b'; CREATE TABLE a.prints (x int); CREATE VIEW a.prints_v AS SELECT (x + 1) * 2 AS x FROM a.prints; CREATE POLICY p ON a.prints USING (x > 0 AND (x < 9 OR x > 99))},
		q{CREATE DOMAIN a.print AS text DEFAULT 'ab'; CREATE TABLE a.prints (x int); CREATE VIEW a.prints_v AS SELECT x + (1 * 2) AS x FROM a.prints; CREATE POLICY p ON a.prints USING ((x > 0 AND x < 9) OR x > 99)} ],
	# as a script left them that ended before the new ones had taken the places of the old ones, whose names are of PostgreSQL's choice
	[ 'CREATE TABLE a.cut (x int CHECK (x > 0), y int CHECK (y > 0)); ALTER TABLE a.cut ADD CONSTRAINT cut_x_check_sync_new CHECK (x > 1) NOT VALID, ADD CONSTRAINT cut_y_check_sync_new CHECK (y > 1); CREATE INDEX ON a.cut (x); CREATE INDEX cut_x_idx_sync_new ON a.cut (x DESC)',
		'CREATE TABLE a.cut (x int CHECK (x > 1), y int CHECK (y > 1)); CREATE INDEX ON a.cut (x DESC)', 'INSERT INTO a.cut VALUES (2, 2)' ],
	# rows that lead to none of a table that is made: they have the default of a column that is made, too
	[ 'CREATE TABLE a.parent_1 (id int PRIMARY KEY); CREATE TABLE a.child (p int CONSTRAINT child_p REFERENCES a.parent_1, q int)', 'CREATE TABLE a.parent_1 (id int PRIMARY KEY); CREATE TABLE a.parent_2 (id int PRIMARY KEY, told date); CREATE TABLE a.child (p int CONSTRAINT child_p REFERENCES a.parent_2, q int CONSTRAINT child_q REFERENCES a.parent_2)',
		'INSERT INTO a.parent_1 VALUES (1); INSERT INTO a.child VALUES (1, NULL), (NULL, NULL)' ],
	[ 'CREATE TABLE a.speaks (id int PRIMARY KEY)', 'CREATE TABLE a.tongue (id int PRIMARY KEY); CREATE TABLE a.speaks (id int PRIMARY KEY, l int NOT NULL DEFAULT 0 CONSTRAINT speaks_l REFERENCES a.tongue, m int CONSTRAINT speaks_m REFERENCES a.tongue)', 'INSERT INTO a.speaks VALUES (1)' ],
	# nothing but a column's one default tells rows apart
	[ 'CREATE TABLE a.acted (id int PRIMARY KEY, x int)', q{CREATE TABLE a.acted (id int PRIMARY KEY, x int, actor text NOT NULL DEFAULT 'x', n text); CREATE UNIQUE INDEX acted_1 ON a.acted (lower(actor)); CREATE UNIQUE INDEX acted_2 ON a.acted (x, actor); CREATE UNIQUE INDEX acted_3 ON a.acted ((true));
		CREATE UNIQUE INDEX acted_4 ON a.acted (actor, id); CREATE UNIQUE INDEX acted_5 ON a.acted (n)}, 'INSERT INTO a.acted VALUES (1, 1), (2, 1)' ],
	# rows have labels that go
	[ q{CREATE TYPE a.shade AS ENUM ('a', 'b', 'c'); CREATE TABLE a.shaded (x a.shade, y a.shade[])}, q{CREATE TYPE a.shade AS ENUM ('a', 'b'); CREATE TABLE a.shaded (x a.shade, y a.shade[])}, q{INSERT INTO a.shaded VALUES ('c', '{a,NULL}'), ('a', '{b,c}')} ],
	# nothing makes the one the other, so its type stays
	[ q{CREATE TYPE a.size AS ENUM ('s'); CREATE TABLE a.sized (x a.size)}, 'CREATE TABLE a.sized (x smallint)', q{INSERT INTO a.sized VALUES ('s')} ],
	# a key that stays needs its column's NOT NULL; one of an index that rows are identified by goes after that
	[ 'CREATE TABLE a.moves (a int CONSTRAINT moves_key PRIMARY KEY, c int)', 'CREATE TABLE a.moves (a int, b int CONSTRAINT moves_key PRIMARY KEY, c int NOT NULL)', 'INSERT INTO a.moves VALUES (1, 1)' ],
	[ 'CREATE TABLE a.identified (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX identified_u ON a.identified (a, b); ALTER TABLE a.identified REPLICA IDENTITY USING INDEX identified_u',
		'CREATE TABLE a.identified (a int NOT NULL, b int); CREATE UNIQUE INDEX identified_u ON a.identified (a); ALTER TABLE a.identified REPLICA IDENTITY USING INDEX identified_u', 'INSERT INTO a.identified VALUES (1, 1)' ],
	# nothing makes a subscription, nor gives it to anybody
	[ 'SELECT 1', q{CREATE SUBSCRIPTION sub CONNECTION '' PUBLICATION p WITH (connect = false)} ]);
my $before = 'CREATE FOREIGN DATA WRAPPER w1; CREATE FOREIGN DATA WRAPPER w2; CREATE SERVER s1 FOREIGN DATA WRAPPER w1; CREATE SERVER s2 FOREIGN DATA WRAPPER w1; CREATE SCHEMA a';

query("CREATE DATABASE $_", 'postgres') foreach 'there', 'scripted', 'applied';
query("CREATE EXTENSION schemaguard; $before", $_) foreach 'there', 'scripted', 'applied';
query(join(';', map { $_->[1] } @pairs), 'there');
query("SELECT sg_snapshot_take('taken')", 'there');
append_to_file("$dir/there.json", query("SELECT sg_snapshot_export('taken')", 'there'));
foreach my $db ('scripted', 'applied')
{
	query(join(';', map { ($_->[0], $_->[2] // ()) } @pairs), $db);
	query("\\set document `cat '$dir/there.json'`\nSELECT sg_snapshot_import('reference', :'document')", $db);
}

my $left = join "\n",
	'changed|type|a.shade|labels', 'extra|type|a.size|',
	'changed|table|a.joins|partition_bound', 'changed|table|a.joins|partition_of', 'changed|table|a.keyed_1|partition_bound', 'changed|table|a.lists_1|partition_bound',
	'changed|table|a.lists_2|partition_bound', 'changed|table|a.lowered_1|partition_bound', 'changed|table|a.lowered_1|partition_of', 'missing|table|a.other_1|', 'missing|table|a.other_1a|',
	'changed|table|a.rest_d|partition_bound', 'changed|table|a.rest_d|partition_of', 'missing|subscription|sub|', 'changed|sequence|a.goes_down|maximum', 'missing|index|a.acted_1|', 'missing|index|a.acted_2|', 'missing|index|a.acted_3|', 'changed|index|a.filled_k|options',
	'changed|foreign server|held|wrapper', 'changed|constraint|a.child.child_p|references', 'changed|constraint|a.moves.moves_key|columns', 'missing|constraint|a.speaks.speaks_l|', 'changed|constraint|a.swapped.swapped_pkey|columns', 'changed|constraint|a.swaps.swaps_r|referenced_columns', 'changed|column|a.cast_from.id|type',
	'changed|column|a.cast_from.m|type', 'changed|column|a.cast_from.n|type', 'changed|column|a.cast_from.small|type', 'changed|column|a.cast_leads.id|type',
	'changed|column|a.filled.x|not_null', 'changed|column|a.gets.y|inherited', 'changed|column|a.joins.k|inherited', 'changed|column|a.keyed.k|type', 'changed|column|a.keyed_1.k|type', 'changed|column|a.lowered_1.v|inherited',
	'changed|column|a.moves.a|not_null', 'changed|column|a.moves.b|not_null', 'changed|column|a.ranges.r|type', 'changed|column|a.rest_d.k|inherited', 'changed|column|a.sized.x|type', 'changed|column|a.speeds.x|type', 'changed|column|a.speeds.y|type', 'changed|column|a.swaps.r|type';
sub drift { return query(q{SELECT change, kind, object, property FROM sg_drift_details('reference') ORDER BY kind DESC, object, property}, $_[0]); }

my $script = query("SELECT sg_sync_sql('reference', $options)", 'scripted');
like($script, qr/^-- left out: foreign server held: type wrapper, foreign tables stand on it, and nothing moves them: a\.of_held$/m, 'a server with tables is left out');
like($script, qr/^-- left out: 10 rows are in the way: SELECT \* FROM public\.sg_rule_violations\('a\.filled', 'check', 'false'\)$/m, 'rows that a new column would be null in are counted');
unlike($script, qr/^-- left out: .*a\.unfilled/m, 'and none where there are none');
my ($head) = $script =~ /\A((?:-- .*\n)+)/;
like($head, qr/^-- left out: column a\.cast_from\.id: type collation, 3 rows are in the way: SELECT \* FROM public\.sg_rule_violations\('a\.cast_from', 'check', 'id ~\* .*'\)$/m, 'the head has values that no cast makes others, with their number');
query("SELECT 1 / (count(*) = 1)::int FROM ($1) x", 'scripted') while $head =~ /^-- left out: column a\.cast_from\.(?:n|m|small): type collation, 1 row is in the way: (SELECT .*)$/mg;
like($head, qr/^-- left out: column a\.cast_from\.$_: type collation, 1 row is in the way/m, "so it is with $_, and the query lists them") foreach 'n', 'm', 'small';
like($head, qr/^-- left out: $_$/m, 'so is what nothing alters, with what stands on it') foreach 'column a\.keyed\.k: type collation, the table is partitioned by it', 'constraint a\.swapped\.swapped_pkey: replaced, nothing makes integer uuid',
	'sequence a\.goes_down: type .*, it has given 45, and is to give no more than 40';
foreach (['joins', 2, 'joins'], ['lowered_1', 1, 'lowered_1'], ['rest_d', 1, 'rest_d'], ['lists_1', 1, 'lists_2'], ['lists_2', 1, 'lists_2'], ['other_1', 1, 'other_d'], ['other_1a', 1, 'other_d'])
{
	my ($table, $n, $of) = @$_;

	like($head, qr/^-- left out: table a\.$table: [a-z_ ]+, $n rows? (?:is|are) in the way: SELECT \* FROM public\.sg_rule_violations\('a\.$of', 'check', '.*'\)$/m, "rows that keep $table from its bound are counted");
	is(query("SELECT count(*) FROM ($1) x", 'scripted'), $n, 'and the query lists them') while $head =~ /^-- left out: table a\.$table: .* in the way: (SELECT .*)$/mg;
}
foreach (['type a.shade: labels', 1], ['index a.acted_1: created', 1], ['index a.acted_2: created', 2], ['index a.acted_3: created', 1], ['constraint a.child.child_p: replaced', 1], ['constraint a.speaks.speaks_l: created', 1])
{
	my ($what, $n) = @$_;

	like($head, qr/^-- left out: \Q$what\E, $n rows? (?:is|are) in the way: SELECT /m, "rows are counted for $what, whose other side the script makes");
	is(query("SELECT count(*) FROM ($1) x", 'scripted'), $n, 'and the query lists them') while $head =~ /^-- left out: \Q$what\E, .*? in the way: (SELECT .*?)(?:; .*)?$/mg;
}
like($head, qr/^-- left out: $_/m, 'what needs something that is left out is, too') foreach 'type a\.size: dropped, nothing makes', 'column a\.moves\.a: not_null, 1 row is in the way';
like($script, qr/^-- left out: index a\.filled_k: options, nothing alters those of an index of a partitioned table$/m, 'so are options of an index');
like($script, qr/^-- left out: column a\.gets\.y: inherited, it will be of a\.gets itself, too$/m, 'so is what no column becomes again');
like($script, qr/^-- left out: column a\.ranges\.r: type collation, nothing makes int4range int8range$/m, 'so is a type that no cast makes');
like($script, qr/^-- left out: user mapping s1\.PUBLIC: options, a snapshot hides the values of its options$/m, 'so are the options of a user mapping');
append_to_file("$dir/script.sql", $script);
query("\\i $dir/script.sql", 'scripted') foreach 1, 2;
is(drift('scripted'), $left, 'the script runs to its end, and what is left is what it says');
is(query("SELECT count(*) FROM sg_sync_sql('reference', $options) l WHERE l LIKE 'BEGIN;%'", 'scripted'), '0', 'and there is no more to be done');
my (undef, undef, $err) = $node->psql('applied', "CALL sg_sync_apply('reference', $options, fail => false)");
like($err, qr/WARNING:  user mapping s1\.PUBLIC is made without its options, which no snapshot has$/m, 'which sg_sync_apply says, too');
is(drift('applied') =~ s/^extra\|index\|a\.moves_key_sync_new\|\n//mr, $left, 'so it is with sg_sync_apply, but for the index that is to be a key when no row is null');
is(query('SELECT (SELECT count(*) FROM a.filled), (SELECT count(*) FROM a.joins), (SELECT count(*) FROM a.lists), (SELECT count(*) FROM a.other)', $_), '10|3|4|3', 'rows are there') foreach 'scripted', 'applied';
is(query(q{SELECT count(*) FROM pg_constraint WHERE contype <> 'n' AND conrelid IN ('a.cast_from'::regclass, 'a.cast_leads'::regclass)}, $_), '4', 'so are keys on what could not be cast') foreach 'scripted', 'applied';
foreach my $db ('scripted', 'applied')
{
	query("INSERT INTO a.$_ (x) VALUES (9)", $db) foreach 'numbered', 'loose', 'unnumbered';
	is(query('INSERT INTO a.goes_up (x) VALUES (9) RETURNING id', $db), '100', "$db: a sequence that may not go on where it is begins anew");
	is(query('SELECT (SELECT id FROM a.numbered WHERE x = 9), (SELECT id FROM a.loose WHERE x = 9), (SELECT id FROM a.unnumbered WHERE x = 9)', $db), '4|12|0', "$db: another sequence of a column goes on where the one before was");
	is(query(q{SELECT pg_get_serial_sequence('a.loose', 'id'), pg_get_serial_sequence('a.numbered', 'id')}, $db), 'a.loose_id_seq|a.numbered_id_seq', 'an identity has the name of the sequence that goes');
}
query('TRUNCATE a.filled, a.moves, a.acted, a.child, a.speaks', 'applied');
is(query(q{SELECT (SELECT count(*) FROM pg_constraint WHERE conname ~ '^cut_.*new') + (SELECT count(*) FROM pg_class WHERE relname ~ '^cut_.*new')}, $_), '0', 'nothing is left beside what it replaces') foreach 'scripted', 'applied';
(undef, undef, $err) = $node->psql('applied', "CALL sg_sync_apply('reference', $options)");
like($err, qr/ 1 wait, for 3 rows are in the way: SELECT/, 'which sg_sync_apply counts, too');

# ---- what may be renamed ----

my $common = 'CREATE SCHEMA r; CREATE TABLE r.teacher (id int PRIMARY KEY); CREATE TABLE r.other (a int)';
sub lesson { my ($column) = @_; return "CREATE TABLE r.lesson (id serial PRIMARY KEY, $column int NOT NULL REFERENCES r.teacher, room text); CREATE INDEX ON r.lesson ($column)"; }
my $is = join(';', $common, lesson('observer_id'), 'CREATE VIEW r.seen AS SELECT observer_id FROM r.lesson', 'ALTER TABLE r.other ADD b int',
	'CREATE TABLE r.orders (id serial PRIMARY KEY, x int, placed date)', 'ALTER TABLE r.orders RENAME TO purchases', 'CREATE TYPE r.span2 AS RANGE (SUBTYPE = float8)', 'CREATE TABLE r.spans (s r.span2, m r.span2_multirange)');
my $was = join(';', $common, lesson('teacher_id'), 'CREATE TABLE r.orders (id serial PRIMARY KEY, x int, placed date)', 'CREATE TYPE r.span AS RANGE (SUBTYPE = float8)', 'CREATE TABLE r.spans (s r.span, m r.span_multirange)',
	'INSERT INTO r.teacher SELECT generate_series(1, 500)', 'INSERT INTO r.lesson (teacher_id) SELECT generate_series(1, 500)', 'INSERT INTO r.orders (x) SELECT generate_series(1, 500)',
	q{INSERT INTO r.spans VALUES ('[1,2)', '{[1,2), [3,4)}')});
query('CREATE DATABASE renamed', 'postgres');
query("CREATE EXTENSION schemaguard; $is; SELECT sg_snapshot_take('renamed')", 'renamed');
append_to_file("$dir/renamed.json", query("SELECT sg_snapshot_export('renamed')", 'renamed'));

sub named
{
	my ($db) = @_;

	query("CREATE DATABASE $db", 'postgres');
	query("CREATE EXTENSION schemaguard; $was", $db);
	query("\\set document `cat '$dir/renamed.json'`\nSELECT sg_snapshot_import('reference', :'document')", $db);
	return;
}
sub left { return query(q{SELECT change, kind, object FROM sg_drift_details('reference') ORDER BY kind DESC, object}, $_[0]); }
my $rows = q{SELECT (SELECT count(DISTINCT observer_id) FROM r.lesson), (SELECT count(*) FROM r.purchases), (SELECT s::text || m FROM r.spans)};

# CALL sg_sync_apply() or the script
sub synchronise
{
	my ($db, $way, $arguments) = @_;

	return $node->psql($db, "CALL sg_sync_apply('reference', $arguments)") if $way eq 'apply';
	my $text = query("SELECT sg_sync_sql('reference', $arguments)", $db);
	unlink "$dir/$db.sql";
	append_to_file("$dir/$db.sql", $text);
	query("\\i $dir/$db.sql", $db);
	return $text;
}

foreach my $way ('script', 'apply')
{
	my $db = "asked_$way";
	named($db);
	synchronise($db, $way, 'allow_drop => true');
	is(query(q{SELECT count(*), count(teacher_id) FROM r.lesson}, $db) . query('SELECT count(*) FROM r.orders', $db), '500|500500', "$way: what may be renamed keeps its values, whatever may be dropped");
	is(query(q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'r.other'::regclass AND attname = 'b'}, $db), '1', "$way: and the rest is done");
	unlike(left($db), qr/r\.other/, "$way: as sg_drift() sees it");
	like($node->psql($db, "SELECT 1 FROM r.seen"), qr/^3$/, "$way: what stands on it waits");

	# each question is answered by its own statement
	my @asked = query(q{SELECT l FROM sg_sync_sql('reference') l WHERE l LIKE '%INSERT INTO schemaguard.rename%'}, $db) =~ /^-- it is renamed: (.*)$/mg;
	is(scalar @asked, 3, "$way: three are asked");
	query($_, $db) foreach @asked;
	synchronise($db, $way, 'allow_drop => false') foreach 1, 2;
	is(left($db), '', "$way: renamed: nothing differs");
	is(query($rows, $db), '500|500|[1,2){[1,2),[3,4)}', "$way: renamed: rows are there");

	named("two_$way");
	query($_, "two_$way") foreach query(q{SELECT l FROM sg_sync_sql('reference') l}, "two_$way") =~ /^-- they are two: (.*)$/mg;
	query('TRUNCATE r.spans, r.lesson', "two_$way");
	synchronise("two_$way", $way, 'allow_drop => true') foreach 1, 2;
	is(left("two_$way"), '', "$way: two: nothing differs");

	named("followed_$way");
	synchronise("followed_$way", $way, q{renames => 'follow'}) foreach 1, 2;
	is(query('SELECT count(DISTINCT observer_id) FROM r.lesson', "followed_$way"), '500', "$way: followed: the values stay where they are");
	unlike(left("followed_$way"), qr/column|type/, "$way: followed: what sg_drift() calls renamed is");
}
# what has to wait beside the two names, and what follows from an answer; each with what is there, what the reference has, and rows
my @together = (
	[ 'CREATE TABLE m (id int, logdate date) PARTITION BY RANGE (logdate); CREATE TABLE m1 PARTITION OF m DEFAULT', 'CREATE TABLE m (id int, log_date date) PARTITION BY RANGE (log_date); CREATE TABLE m1 PARTITION OF m DEFAULT', q{INSERT INTO m VALUES (1, '2020-01-01')} ],
	[ 'CREATE TABLE t (id int, nam text, p int)', 'CREATE TABLE t (id int, name text, p int); CREATE INDEX ON t (name); ALTER TABLE t ADD CHECK (name <> $$$$)', q{INSERT INTO t VALUES (1, 'a', 2)} ],
	[ 'CREATE TABLE heir_of (id int, nam text); CREATE TABLE heir (y int) INHERITS (heir_of)', 'CREATE TABLE heir_of (id int, name text); CREATE TABLE heir (y int) INHERITS (heir_of)', q{INSERT INTO heir VALUES (1, 'a', 2)} ],
	[ 'CREATE TABLE q (id int PRIMARY KEY, quantity int NOT NULL CHECK (quantity > 0))', 'CREATE TABLE q (id int PRIMARY KEY, quantities bigint NOT NULL CHECK (quantities > 0))', 'INSERT INTO q VALUES (1, 2)' ],
	[ 'CREATE TABLE whole (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); CREATE TABLE w_one PARTITION OF whole FOR VALUES FROM (0) TO (10); CREATE TABLE w_two PARTITION OF whole FOR VALUES FROM (10) TO (20)',
		'CREATE TABLE whole (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); CREATE TABLE w_first PARTITION OF whole FOR VALUES FROM (0) TO (10); CREATE TABLE w_second PARTITION OF whole FOR VALUES FROM (10) TO (20)', 'INSERT INTO whole VALUES (1, 1), (11, 1)' ],
	[ 'CREATE SCHEMA old_place; CREATE TABLE old_place.c (id serial PRIMARY KEY, a text, b date, d date); CREATE TABLE old_place.junk (z int)', 'CREATE SCHEMA new_place; CREATE TABLE new_place.c (id serial PRIMARY KEY, a text, b date, d date)', 'INSERT INTO old_place.c (a) VALUES (1)' ],
	[ 'CREATE TABLE moved (id serial PRIMARY KEY, k text, l date, n inet)', 'CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.moved (id serial PRIMARY KEY, k text, l date, n inet)', 'INSERT INTO moved (k) VALUES (1)' ],
	# the rename is asked again when it would be in another place
	[ 'CREATE TABLE task (id bigint PRIMARY KEY, queue_name text, task_identifier text NOT NULL, payload json)', 'CREATE TABLE task (id bigint PRIMARY KEY, job_queue_id int, task_id int, payload json)', q{INSERT INTO task SELECT g, 'q', g, '{}' FROM generate_series(1, 8) g} ]);
my $counted = q{SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM ONLY %s', oid::regclass), false, true, '')))[1]::text::int) FROM pg_class
	WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'old_place', 'new_place', 'elsewhere') AND oid NOT IN (SELECT objid FROM pg_depend WHERE deptype = 'e')};
# what stands under something that waits stays; a view that shows a column is another one when that is renamed: one more script
my $under = 'CREATE FUNCTION of_v(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT $1$$; CREATE TYPE mood AS ENUM ($$a$$, $$b$$); CREATE TABLE shown (id int, nam text, x int); CREATE VIEW v AS SELECT of_v(nam), x FROM shown; CREATE TABLE moody (m mood); CREATE TABLE gone (z text, m mood)';
my $above = 'CREATE TYPE feeling AS ENUM ($$a$$, $$b$$); CREATE TABLE shown (id int, name text, x bigint); CREATE VIEW v AS SELECT name, x FROM shown; CREATE TABLE moody (m feeling)';
query('CREATE DATABASE together', 'postgres');
query(join(';', 'CREATE EXTENSION schemaguard', $above, map { $_->[1] } @together) . "; SELECT sg_snapshot_take('reference')", 'together');
append_to_file("$dir/together.json", query("SELECT sg_snapshot_export('reference')", 'together'));
foreach my $way ('script', 'apply')
{
	my $db = "together_$way";
	my $options = 'allow_drop => true, partitions => true';

	query("CREATE DATABASE $db", 'postgres');
	query(join(';', 'CREATE EXTENSION schemaguard', $under, map { ($_->[0], $_->[2]) } @together), $db);
	query("\\set document `cat '$dir/together.json'`\nSELECT sg_snapshot_import('reference', :'document')", $db);
	my $before = query($counted, $db);
	synchronise($db, $way, $options);
	is(query($counted, $db), $before, "$way: whatever waits, no row is lost");
	unlike(query(q{SELECT sg_sync_sql('reference', allow_drop => true, partitions => true)}, $db), qr/^(?!--).*\bDROP (?:TABLE|COLUMN|FUNCTION|SCHEMA)\b/m, "$way: nor anything that is waited for");
	query($_, $db) foreach query(q{SELECT sg_sync_sql('reference', partitions => true)}, $db) =~ /^-- it is renamed: (.*)$/mg;
	# by script the view's statement comes in the next one
	$node->psql($db, query("SELECT sg_sync_sql('reference', $options)", $db)) if $way eq 'script';
	synchronise($db, $way, $options) foreach 1, 2;
	is(left($db), '', "$way: renamed: nothing differs");
	is(query($counted, $db), $before, "$way: renamed: the rows are there");
}
# what comes with a type of somebody else's is told of as that is
query('CREATE ROLE somebody; CREATE DATABASE typed', 'postgres');
query(q{CREATE EXTENSION schemaguard; CREATE TYPE y AS (a int, b text); CREATE TABLE t OF y; ALTER TYPE y OWNER TO somebody; SELECT sg_snapshot_take('reference'); ALTER TYPE y DROP ATTRIBUTE b CASCADE}, 'typed');
is(query(q{SELECT count(*) FROM sg_sync_sql('reference', partitions => true) l WHERE l ~ '^-- left out: (type public.y|column public.t.b): left out, it '}, 'typed'), '2', 'so is a column of a typed table whose type is left out');

# a drop whose values may go, as somebody has said of the step, is no other one when it is planned again
query('CREATE DATABASE sent', 'postgres');
query(q{CREATE EXTENSION schemaguard; CREATE TABLE t (id int PRIMARY KEY); SELECT sg_snapshot_take('reference'); ALTER TABLE t ADD more int; CREATE PUBLICATION p FOR TABLE t}, 'sent');
my $again = q{CALL sg_sync_apply('reference', ARRAY['public'], true)};
my (undef, undef, $sends) = $node->psql('sent', $again);
like($sends, qr/publication p would send the column as _sg_dropped_more/, 'a column that is kept is not sent');
query($_, 'sent') foreach $sends =~ /(SELECT public\.sg_plan_set\(.*"discard": true.*;)/, $again;
is(query(q{SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname ~ 'more'}, 'sent'), '0', 'and goes where its values may go with it');

my ($status, undef, $stderr) = $node->psql('followed_apply', q{CALL sg_sync_apply('reference', renames => 'perhaps')});
like($stderr, qr/ERROR:  invalid value for renames: "perhaps"\nHINT:  Use ask, follow or drop\./, 'another word is refused');

$node->stop;

done_testing();
