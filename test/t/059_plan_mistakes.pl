# 059_plan_mistakes.pl: plausible mistakes in plans, each checked with verify => 'full', then run.
#
# A step of which the check says "block" must not come to its end, and one of which it says nothing but "ok" must.  "warn" is
# for what may go either way.  A call that adds a step may refuse it, too: such a case has no step.
# SG_CASE=name runs one case alone.
#
# rooms: check change
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

# Tables of each case, in a schema of its own, which is the search_path
my $tables = q{
	CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE, old_id int);
	CREATE TABLE c (id int PRIMARY KEY, p_id int, s text, n int, amount numeric, at timestamptz, data jsonb);
	INSERT INTO p SELECT g, 'c' || g, g FROM generate_series(1, 10) g;
	INSERT INTO c SELECT g, g, 's' || g, g, g, timestamptz '2020-01-01' + g * interval '1 day', '{}' FROM generate_series(1, 10) g;
};

# Steps that are statements
sub statements
{
	return join ', ', map { "sg_plan_add_statement('m', \$q\$$_\$q\$)" } @_;
}

my $returns_row = q{CREATE FUNCTION m.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';};

my $leaves = q{CREATE TABLE w (k int, n int) PARTITION BY RANGE (k); CREATE TABLE w1 PARTITION OF w FOR VALUES FROM (0) TO (10); CREATE TABLE w2 PARTITION OF w FOR VALUES FROM (10) TO (20);};

# name, what differs from these tables, the calls that add steps ('m' stands for the plan), and what is expected: fails, works, refused.
my @cases = (
	# CHECK
	[ check_broken => q{UPDATE c SET n = -1 WHERE id = 3}, q{sg_plan_add_check('m', 'c', 'n > 0')}, 'fails' ],
	[ check_holds => q{}, q{sg_plan_add_check('m', 'c', 'n > 0')}, 'works' ],
	[ check_null_passes => q{UPDATE c SET n = NULL}, q{sg_plan_add_check('m', 'c', 'n > 0')}, 'works' ],
	[ check_raises => q{}, q{sg_plan_add_check('m', 'c', 's::int > 0')}, 'fails' ],
	[ check_divides => q{UPDATE c SET n = 0 WHERE id = 1}, q{sg_plan_add_check('m', 'c', '10 / n > 0')}, 'fails' ],
	[ check_no_column => q{}, q{sg_plan_add_check('m', 'c', 'nn > 0')}, 'fails' ],
	[ check_no_function => q{}, q{sg_plan_add_check('m', 'c', 'positive(n)')}, 'fails' ],
	[ check_no_operator => q{}, q{sg_plan_add_check('m', 'c', 's > 0')}, 'fails' ],
	[ check_no_boolean => q{}, q{sg_plan_add_check('m', 'c', 'n + 1')}, 'fails' ],
	[ check_subquery => q{}, q{sg_plan_add_check('m', 'c', 'n IN (SELECT id FROM p)')}, 'fails' ],
	[ check_volatile => q{}, q{sg_plan_add_check('m', 'c', 'n > random()')}, 'fails' ],
	[ check_no_table => q{}, q{sg_plan_add_check('m', 'cc', 'n > 0')}, 'fails' ],
	[ check_of_view => q{CREATE VIEW v AS SELECT * FROM c}, q{sg_plan_add_check('m', 'v', 'n > 0')}, 'fails' ],
	[ check_name_taken => q{ALTER TABLE c ADD CONSTRAINT k CHECK (n < 99)}, q{sg_plan_add_check('m', 'c', 'n > 0', name => 'k')}, 'fails' ],
	[ check_there => q{ALTER TABLE c ADD CONSTRAINT k CHECK (n > 0)}, q{sg_plan_add_check('m', 'c', 'n > 0')}, 'works' ],
	[ check_not_valid => q{UPDATE c SET n = -1 WHERE id = 3; ALTER TABLE c ADD CONSTRAINT k CHECK (n > 0) NOT VALID}, q{sg_plan_add_check('m', 'c', 'n > 0', name => 'k')}, 'fails' ],
	[ check_leave => q{UPDATE c SET n = -1 WHERE id = 3}, q{sg_plan_add_check('m', 'c', 'n > 0', policy => 'leave')}, 'fails' ],
	[ check_regex => q{}, q{sg_plan_add_check('m', 'c', 's ~ ''^[a-z]*$''')}, 'fails' ],
	[ check_length => q{UPDATE c SET s = repeat('x', 50) WHERE id = 1}, q{sg_plan_add_check('m', 'c', 'length(s) < 20')}, 'fails' ],
	[ check_of_heir => q{CREATE TABLE below () INHERITS (c); INSERT INTO below (id, n) VALUES (1, -1)}, q{sg_plan_add_check('m', 'c', 'n > 0')}, 'fails' ],
	[ check_of_partition => q{CREATE TABLE w (k int, n int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w DEFAULT; INSERT INTO w VALUES (1, -1)}, q{sg_plan_add_check('m', 'w', 'n > 0')}, 'fails' ],
	[ check_json => q{UPDATE c SET data = '[]' WHERE id = 1}, q{sg_plan_add_check('m', 'c', $$jsonb_typeof(data) = 'object'$$)}, 'fails' ],
	[ check_date => q{}, q{sg_plan_add_check('m', 'c', $$at > timestamptz '2020-01-05 00:00+00'$$)}, 'fails' ],
	[ check_bad_literal => q{}, q{sg_plan_add_check('m', 'c', $$at > 'yesterdy'$$)}, 'fails' ],
	[ check_two_columns => q{UPDATE c SET amount = 0 WHERE id = 7}, q{sg_plan_add_check('m', 'c', 'amount >= n')}, 'fails' ],

	# NOT NULL
	[ null_there => q{UPDATE c SET n = NULL WHERE id = 3}, q{sg_plan_add_not_null('m', 'c', 'n')}, 'fails' ],
	[ null_none => q{}, q{sg_plan_add_not_null('m', 'c', 'n')}, 'works' ],
	[ null_no_column => q{}, q{sg_plan_add_not_null('m', 'c', 'nn')}, 'fails' ],
	[ null_no_table => q{}, q{sg_plan_add_not_null('m', 'cc', 'n')}, 'fails' ],
	[ null_empty => q{TRUNCATE c}, q{sg_plan_add_not_null('m', 'c', 'n')}, 'works' ],
	[ null_already => q{}, q{sg_plan_add_not_null('m', 'c', 'id')}, 'works' ],
	[ null_of_heir => q{CREATE TABLE below () INHERITS (c); INSERT INTO below (id) VALUES (1)}, q{sg_plan_add_not_null('m', 'c', 'n')}, 'fails' ],
	[ null_mended_before => q{UPDATE c SET n = NULL WHERE id = 3}, q{sg_plan_add_statement('m', 'UPDATE c SET n = 0 WHERE n IS NULL'), sg_plan_add_not_null('m', 'c', 'n')}, 'works' ],
	[ null_of_new_column => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int'), sg_plan_add_not_null('m', 'c', 'x')}, 'fails' ],
	[ null_of_new_default => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int DEFAULT 1'), sg_plan_add_not_null('m', 'c', 'x')}, 'works' ],
	[ null_of_new_fill => q{UPDATE c SET n = NULL WHERE id = 3}, q{sg_plan_add_column('m', 'c', 'x', 'int', fill => 'n'), sg_plan_add_not_null('m', 'c', 'x')}, 'fails' ],
	[ null_of_new_good_fill => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int', fill => 'n'), sg_plan_add_not_null('m', 'c', 'x')}, 'works' ],

	# UNIQUE and PRIMARY KEY
	[ unique_twice => q{UPDATE c SET n = 1}, q{sg_plan_add_unique('m', 'c', '{n}')}, 'fails' ],
	[ unique_once => q{}, q{sg_plan_add_unique('m', 'c', '{n}')}, 'works' ],
	[ unique_nulls => q{UPDATE c SET n = NULL}, q{sg_plan_add_unique('m', 'c', '{n}')}, 'works' ],
	[ unique_no_column => q{}, q{sg_plan_add_unique('m', 'c', '{nn}')}, 'fails' ],
	[ unique_no_table => q{}, q{sg_plan_add_unique('m', 'cc', '{n}')}, 'fails' ],
	[ unique_json => q{ALTER TABLE c ADD j json}, q{sg_plan_add_unique('m', 'c', '{j}')}, 'fails' ],
	[ unique_point => q{ALTER TABLE c ADD j point}, q{sg_plan_add_unique('m', 'c', '{j}')}, 'fails' ],
	[ unique_too_large => q{UPDATE c SET s = (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 500) g) WHERE id = 1}, q{sg_plan_add_unique('m', 'c', '{s}')}, 'fails' ],
	[ unique_large_enough => q{UPDATE c SET s = repeat('x', 20000) WHERE id = 1}, q{sg_plan_add_unique('m', 'c', '{s}')}, 'works' ],
	[ unique_name_taken => q{ALTER TABLE c ADD CONSTRAINT k CHECK (n < 99)}, q{sg_plan_add_unique('m', 'c', '{n}', name => 'k')}, 'fails' ],
	[ unique_two_columns => q{UPDATE c SET n = 1, p_id = 1 WHERE id < 3}, q{sg_plan_add_unique('m', 'c', '{p_id,n}')}, 'fails' ],
	[ unique_partitioned => q{CREATE TABLE w (k int, n int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w DEFAULT}, q{sg_plan_add_unique('m', 'w', '{n}')}, 'fails' ],
	[ primary_second => q{}, q{sg_plan_add_unique('m', 'c', '{n}', primary_key => true)}, 'fails' ],
	[ primary_nullable => q{CREATE TABLE w (k int)}, q{sg_plan_add_unique('m', 'w', '{k}', primary_key => true)}, 'fails' ],
	[ primary_twice => q{CREATE TABLE w (k int NOT NULL); INSERT INTO w VALUES (1), (1)}, q{sg_plan_add_unique('m', 'w', '{k}', primary_key => true)}, 'fails' ],
	[ primary_good => q{CREATE TABLE w (k int NOT NULL); INSERT INTO w VALUES (1), (2)}, q{sg_plan_add_unique('m', 'w', '{k}', primary_key => true)}, 'works' ],

	# indexes
	[ index_unique_twice => q{UPDATE c SET n = 1}, q{sg_plan_add_index('m', 'c', 'UNIQUE (n)')}, 'fails' ],
	[ index_good => q{}, q{sg_plan_add_index('m', 'c', '(n)')}, 'works' ],
	[ index_no_column => q{}, q{sg_plan_add_index('m', 'c', '(nn)')}, 'fails' ],
	[ index_too_large => q{UPDATE c SET s = (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 500) g) WHERE id = 1}, q{sg_plan_add_index('m', 'c', '(s)')}, 'fails' ],
	[ index_raises => q{}, q{sg_plan_add_index('m', 'c', '((s::int))')}, 'fails' ],
	[ index_predicate_raises => q{}, q{sg_plan_add_index('m', 'c', '(n) WHERE s::int > 0')}, 'fails' ],
	[ index_stable => q{}, q{sg_plan_add_index('m', 'c', '((at::date))')}, 'fails' ],
	[ index_no_class => q{ALTER TABLE c ADD j json}, q{sg_plan_add_index('m', 'c', '(j)')}, 'fails' ],
	[ index_gin_of_int => q{}, q{sg_plan_add_index('m', 'c', 'USING gin (n)')}, 'fails' ],
	[ index_gin => q{}, q{sg_plan_add_index('m', 'c', 'USING gin (data)')}, 'works' ],
	[ index_no_method => q{}, q{sg_plan_add_index('m', 'c', 'USING rtree (n)')}, 'fails' ],
	[ index_no_table => q{}, q{sg_plan_add_index('m', 'cc', '(n)')}, 'fails' ],
	[ index_name_taken => q{}, q{sg_plan_add_index('m', 'c', '(n)', name => 'p')}, 'fails' ],
	[ index_unique_partial => q{UPDATE c SET n = 1}, q{sg_plan_add_index('m', 'c', 'UNIQUE (n) WHERE id < 5')}, 'fails' ],
	[ index_unique_lower => q{UPDATE c SET s = CASE id WHEN 1 THEN 'A' WHEN 2 THEN 'a' ELSE s END}, q{sg_plan_add_index('m', 'c', 'UNIQUE (lower(s))')}, 'fails' ],

	# columns and defaults
	[ column_good => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int')}, 'works' ],
	[ column_no_type => q{}, q{sg_plan_add_column('m', 'c', 'x', 'integre')}, 'fails' ],
	[ column_there => q{}, q{sg_plan_add_column('m', 'c', 'n', 'text')}, 'fails' ],
	[ column_there_alike => q{}, q{sg_plan_add_column('m', 'c', 'n', 'int')}, 'works' ],
	[ column_bad_default => q{}, q{sg_plan_add_column('m', 'c', 'x', $$int DEFAULT 'a'$$)}, 'fails' ],
	[ column_no_table => q{}, q{sg_plan_add_column('m', 'cc', 'x', 'int')}, 'fails' ],
	[ column_fill_good => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int', fill => 'n + 1')}, 'works' ],
	[ column_fill_raises => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int', fill => 's::int')}, 'fails' ],
	[ column_fill_too_long => q{}, q{sg_plan_add_column('m', 'c', 'x', 'varchar(2)', fill => $$s || 'xyz'$$)}, 'fails' ],
	[ column_fill_type => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int', fill => 's')}, 'fails' ],
	[ column_fill_no_column => q{}, q{sg_plan_add_column('m', 'c', 'x', 'int', fill => 'nn')}, 'fails' ],
	[ column_fill_overflow => q{UPDATE c SET amount = 1e10 WHERE id = 1}, q{sg_plan_add_column('m', 'c', 'x', 'int', fill => 'amount')}, 'fails' ],
	[ column_fill_volatile => q{}, q{sg_plan_add_column('m', 'c', 'x', 'uuid', fill => 'gen_random_uuid()')}, 'works' ],
	[ default_good => q{}, q{sg_plan_add_default('m', 'c', 'n', '1')}, 'works' ],
	[ default_type => q{}, q{sg_plan_add_default('m', 'c', 'n', $$'a'$$)}, 'fails' ],
	[ default_no_column => q{}, q{sg_plan_add_default('m', 'c', 'nn', '1')}, 'fails' ],
	[ default_identity => q{ALTER TABLE c ADD x int GENERATED ALWAYS AS IDENTITY}, q{sg_plan_add_default('m', 'c', 'x', '1')}, 'fails' ],

	# drops and renames
	[ drop_column => q{}, q{sg_plan_add_drop('m', 'column', 'c', 'n')}, 'works' ],
	[ drop_column_of_primary => q{}, q{sg_plan_add_drop('m', 'column', 'c', 'id')}, 'fails' ],
	[ drop_column_of_view => q{CREATE VIEW v AS SELECT n FROM c}, q{sg_plan_add_drop('m', 'column', 'c', 'n')}, 'fails' ],
	[ drop_column_of_generated => q{ALTER TABLE c ADD x int GENERATED ALWAYS AS (n + 1) STORED}, q{sg_plan_add_drop('m', 'column', 'c', 'n')}, 'fails' ],
	[ drop_column_of_partition_key => q{CREATE TABLE w (k int, n int) PARTITION BY LIST (k)}, q{sg_plan_add_drop('m', 'column', 'w', 'k')}, 'fails' ],
	[ drop_column_misspelt => q{}, q{sg_plan_add_drop('m', 'column', 'c', 'nn')}, 'fails' ],
	[ drop_table => q{}, q{sg_plan_add_drop('m', 'table', 'c')}, 'works' ],
	[ drop_table_of_view => q{CREATE VIEW v AS SELECT n FROM c}, q{sg_plan_add_drop('m', 'table', 'c')}, 'fails' ],
	[ drop_table_misspelt => q{}, q{sg_plan_add_drop('m', 'table', 'cc')}, 'fails' ],
	[ drop_view_as_table => q{CREATE VIEW v AS SELECT n FROM c}, q{sg_plan_add_drop('m', 'table', 'v')}, 'fails' ],
	[ drop_unique_of_key => q{ALTER TABLE c ADD FOREIGN KEY (s) REFERENCES p (code) NOT VALID}, q{sg_plan_add_drop('m', 'constraint', 'p', 'p_code_key')}, 'fails' ],
	[ drop_index_of_constraint => q{}, q{sg_plan_add_drop('m', 'index', 'p', 'p_code_key')}, 'fails' ],
	[ drop_no_constraint => q{}, q{sg_plan_add_drop('m', 'constraint', 'c', 'c_check')}, 'fails' ],
	[ drop_no_trigger => q{}, q{sg_plan_add_drop('m', 'trigger', 'c', 'tr')}, 'fails' ],
	[ rename_column => q{}, q{sg_plan_add_rename('m', 'column', 'c', 'nr', 'n')}, 'works' ],
	[ rename_taken => q{}, q{sg_plan_add_rename('m', 'column', 'c', 's', 'n')}, 'fails' ],
	[ rename_misspelt => q{}, q{sg_plan_add_rename('m', 'column', 'c', 'nr', 'nn')}, 'fails' ],

	# statements
	[ statement_no_table => q{}, q{sg_plan_add_statement('m', 'UPDATE cc SET n = 0')}, 'fails' ],
	[ statement_no_column => q{}, q{sg_plan_add_statement('m', 'UPDATE c SET nn = 0')}, 'fails' ],
	[ statement_alter_no_table => q{}, q{sg_plan_add_statement('m', 'ALTER TABLE cc ENABLE ROW LEVEL SECURITY')}, 'fails' ],
	[ statement_no_trigger => q{}, q{sg_plan_add_statement('m', 'ALTER TABLE c DISABLE TRIGGER tr')}, 'fails' ],
	[ statement_drop_no_view => q{}, q{sg_plan_add_statement('m', 'DROP VIEW vv')}, 'fails' ],
	[ statement_drop_if_exists => q{}, q{sg_plan_add_statement('m', 'DROP VIEW IF EXISTS vv')}, 'works' ],
	[ statement_comment => q{}, q{sg_plan_add_statement('m', $$COMMENT ON TABLE cc IS 'x'$$)}, 'fails' ],
	[ statement_grant => q{}, q{sg_plan_add_statement('m', 'GRANT SELECT ON cc TO PUBLIC')}, 'fails' ],
	[ statement_truncate => q{}, q{sg_plan_add_statement('m', 'TRUNCATE cc')}, 'fails' ],
	[ statement_trigger_no_function => q{}, q{sg_plan_add_statement('m', 'CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION nowhere()')}, 'fails' ],
	[ statement_view_no_table => q{}, q{sg_plan_add_statement('m', 'CREATE VIEW v AS SELECT * FROM cc')}, 'fails' ],
	[ statement_type => q{}, q{sg_plan_add_statement('m', 'ALTER TABLE c ALTER COLUMN s TYPE int USING s::int')}, 'fails' ],
	[ statement_type_long => q{}, q{sg_plan_add_statement('m', 'ALTER TABLE c ALTER COLUMN s TYPE varchar(1)')}, 'fails' ],
	[ statement_type_good => q{}, q{sg_plan_add_statement('m', 'ALTER TABLE c ALTER COLUMN s TYPE varchar(9)')}, 'works' ],
	[ statement_type_no_cast => q{}, q{sg_plan_add_statement('m', 'ALTER TABLE c ALTER COLUMN s TYPE int')}, 'fails' ],
	[ statement_not_null => q{UPDATE c SET n = NULL WHERE id = 1}, q{sg_plan_add_statement('m', 'ALTER TABLE c ALTER n SET NOT NULL')}, 'fails' ],
	[ statement_check => q{UPDATE c SET n = -1 WHERE id = 1}, q{sg_plan_add_statement('m', 'ALTER TABLE c ADD CHECK (n > 0)')}, 'fails' ],
	[ statement_unique => q{UPDATE c SET n = 1}, q{sg_plan_add_statement('m', 'ALTER TABLE c ADD UNIQUE (n)')}, 'fails' ],
	[ statement_unique_good => q{}, q{sg_plan_add_statement('m', 'ALTER TABLE c ADD UNIQUE (n)')}, 'works' ],
	[ statement_database => q{}, q{sg_plan_add_statement('m', 'DROP DATABASE nowhere')}, 'refused' ],
	[ statement_system => q{}, q{sg_plan_add_statement('m', 'ALTER SYSTEM SET work_mem = 64')}, 'refused' ],
	[ statement_made_before => q{}, q{sg_plan_add_statement('m', 'CREATE TABLE w (k int)'), sg_plan_add_statement('m', 'ALTER TABLE w ADD x int')}, 'works' ],
	[ statement_published => q{CREATE TABLE w (k int); INSERT INTO w VALUES (1); CREATE PUBLICATION pub FOR TABLE w}, q{sg_plan_add_statement('m', 'UPDATE w SET k = 2')}, 'fails' ],
	[ statement_trigger_raises => q{CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'; CREATE TRIGGER no BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION no()}, q{sg_plan_add_statement('m', 'UPDATE c SET n = 2')}, 'fails' ],

	# tables that the plan makes
	[ t_no_type => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a integre)')}, 'fails' ],
	[ t_ref_none => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int REFERENCES m.nowhere)')}, 'fails' ],
	[ t_ref_col => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int REFERENCES m.p (codd))')}, 'fails' ],
	[ t_ref_notunique => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int REFERENCES m.c (n))')}, 'fails' ],
	[ t_ref_type => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a text REFERENCES m.p)')}, 'fails' ],
	[ t_good => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int REFERENCES m.p, b text DEFAULT $$x$$)')}, 'works' ],
	[ t_check_col => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int CHECK (b > 0))')}, 'fails' ],
	[ t_check_type => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int CHECK (a > $$z$$))')}, 'fails' ],
	[ t_default => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int DEFAULT $$z$$)')}, 'fails' ],
	[ t_twice_col => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int, a text)')}, 'fails' ],
	[ t_two_pk => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int PRIMARY KEY, b int PRIMARY KEY)')}, 'fails' ],
	[ t_no_schema => q{}, q{sg_plan_add('m', 'CREATE TABLE nowhere.x (a int)')}, 'fails' ],
	[ t_like => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (LIKE m.cc)')}, 'fails' ],
	[ t_inherits => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x () INHERITS (m.cc)')}, 'fails' ],
	[ t_inh_type => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (n text) INHERITS (m.c)')}, 'fails' ],
	[ t_part_of => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x PARTITION OF m.c DEFAULT')}, 'fails' ],
	[ t_part_col => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int) PARTITION BY LIST (b)')}, 'fails' ],
	[ t_part_pk => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int PRIMARY KEY, b int) PARTITION BY LIST (b)')}, 'fails' ],
	[ t_part_overlap => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1)}, q{sg_plan_add('m', 'CREATE TABLE m.x PARTITION OF m.w FOR VALUES IN (1)')}, 'fails' ],
	[ t_part_default_rows => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w DEFAULT; INSERT INTO w VALUES (5)}, q{sg_plan_add('m', 'CREATE TABLE m.x PARTITION OF m.w FOR VALUES IN (5)')}, 'fails' ],
	[ t_part_bound => q{CREATE TABLE w (k int) PARTITION BY LIST (k)}, q{sg_plan_add('m', 'CREATE TABLE m.x PARTITION OF m.w FOR VALUES FROM (1) TO (2)')}, 'fails' ],
	[ t_tablespace => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int) TABLESPACE nowhere')}, 'fails' ],
	[ t_collation => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a text COLLATE "nowhere")')}, 'fails' ],
	[ t_storage => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int) WITH (fillfaktor = 70)')}, 'fails' ],
	[ t_am => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int) USING columnar')}, 'fails' ],
	[ t_name_of_index => q{CREATE INDEX x ON c (n)}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)')}, 'fails' ],
	[ t_name_of_type => q{CREATE TYPE x AS (a int)}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)')}, 'fails' ],
	[ t_generated => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int, b timestamp GENERATED ALWAYS AS (now()) STORED)')}, 'fails' ],
	[ t_identity => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a text GENERATED ALWAYS AS IDENTITY)')}, 'fails' ],
	[ t_unique_type => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a json UNIQUE)')}, 'fails' ],
	[ t_excl => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int, EXCLUDE USING gist (a WITH =))')}, 'fails' ],
	[ t_then_check => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)'), sg_plan_add_check('m', 'm.x', 'b > 0')}, 'fails' ],
	[ t_then_index => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)'), sg_plan_add_index('m', 'm.x', '(b)')}, 'fails' ],
	[ t_then_null => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)'), sg_plan_add_not_null('m', 'm.x', 'b')}, 'fails' ],
	[ t_then_default => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)'), sg_plan_add_default('m', 'm.x', 'a', $$'z'$$)}, 'fails' ],
	[ t_then_good => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)'), sg_plan_add_index('m', 'm.x', '(a)'), sg_plan_add_not_null('m', 'm.x', 'a')}, 'works' ],
	[ t_then_fill => q{}, q{sg_plan_add('m', 'CREATE TABLE m.x (a int)'), sg_plan_add_column('m', 'm.x', 'y', 'int', fill => 'bb')}, 'fails' ],

	# foreign keys
	[ fk_match_full => q{ALTER TABLE p ADD UNIQUE (id, code); UPDATE c SET p_id = NULL WHERE id = 1}, q{sg_plan_add_fk('m', 'm.c', '{p_id,s}', 'm.p', '{id,code}', match => 'full')}, 'fails' ],
	[ fk_set_null_notnull => q{}, q{sg_plan_add_fk('m', 'm.c', '{id}', 'm.p', on_delete => 'set null')}, 'works' ],
	[ fk_orphan => q{UPDATE c SET p_id = 99 WHERE id = 1}, q{sg_plan_add_fk('m', 'm.c', '{p_id}', 'm.p')}, 'fails' ],
	[ fk_set_null_orphan => q{UPDATE c SET p_id = 99 WHERE id = 1; ALTER TABLE c ALTER p_id SET NOT NULL}, q{sg_plan_add_fk('m', 'm.c', '{p_id}', 'm.p', orphans => 'set null')}, 'fails' ],
	[ fk_count => q{}, q{sg_plan_add_fk('m', 'm.c', '{p_id,n}', 'm.p')}, 'fails' ],
	[ fk_view => q{CREATE VIEW v AS SELECT * FROM p}, q{sg_plan_add_fk('m', 'm.c', '{p_id}', 'm.v', '{id}')}, 'fails' ],
	[ fk_partial => q{ALTER TABLE p DROP CONSTRAINT p_code_key; CREATE UNIQUE INDEX ON p (code) WHERE id > 0}, q{sg_plan_add_fk('m', 'm.c', '{s}', 'm.p', '{code}')}, 'fails' ],
	[ fk_temp => q{CREATE TEMP TABLE tp (id int PRIMARY KEY)}, q{sg_plan_add_fk('m', 'm.c', '{p_id}', 'pg_temp.tp')}, 'refused' ],
	[ fk_unlogged => q{CREATE UNLOGGED TABLE u (id int PRIMARY KEY)}, q{sg_plan_add_fk('m', 'm.c', '{p_id}', 'm.u')}, 'fails' ],

	# what has an owner elsewhere, or a name of its own
	[ drop_keyed_table => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, q{sg_plan_add_drop('m', 'table', 'm.p')}, 'works' ],
	[ drop_seq_col => q{ALTER TABLE c ADD sq serial}, q{sg_plan_add_drop('m', 'column', 'm.c', 'sq')}, 'works' ],
	[ drop_col_policy => q{CREATE POLICY pp ON c USING (n > 0)}, q{sg_plan_add_drop('m', 'column', 'm.c', 'n')}, 'fails' ],
	[ drop_col_trigger => q{CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE UPDATE OF n ON c FOR EACH ROW EXECUTE FUNCTION f()}, q{sg_plan_add_drop('m', 'column', 'm.c', 'n')}, 'fails' ],
	[ drop_col_rule => q{CREATE RULE r AS ON UPDATE TO c WHERE NEW.n > 5 DO ALSO NOTHING}, q{sg_plan_add_drop('m', 'column', 'm.c', 'n')}, 'fails' ],
	[ drop_col_inh => q{CREATE TABLE below () INHERITS (c)}, q{sg_plan_add_drop('m', 'column', 'm.below', 'n')}, 'fails' ],
	[ drop_con_inh => q{ALTER TABLE c ADD CONSTRAINT k CHECK (n > 0); CREATE TABLE below () INHERITS (c)}, q{sg_plan_add_drop('m', 'constraint', 'm.below', 'k')}, 'fails' ],
	[ drop_pk_used => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, q{sg_plan_add_drop('m', 'constraint', 'm.p', 'p_pkey')}, 'fails' ],
	[ drop_ix_pk => q{}, q{sg_plan_add_drop('m', 'index', 'm.p', 'p_pkey')}, 'fails' ],
	[ ren_table_taken => q{}, q{sg_plan_add_rename('m', 'table', 'm.c', 'p')}, 'fails' ],
	[ ren_col_inh => q{CREATE TABLE below () INHERITS (c)}, q{sg_plan_add_rename('m', 'column', 'm.below', 'nn', 'n')}, 'fails' ],
	[ ren_con_taken => q{ALTER TABLE c ADD CONSTRAINT k CHECK (n > 0), ADD CONSTRAINT l CHECK (n > -1)}, q{sg_plan_add_rename('m', 'constraint', 'm.c', 'l', 'k')}, 'fails' ],
	[ ren_sys => q{}, q{sg_plan_add_rename('m', 'column', 'm.c', 'ctid', 'n')}, 'fails' ],

	# values of columns
	[ col_sys => q{}, q{sg_plan_add_column('m', 'm.c', 'xmin', 'int')}, 'fails' ],
	[ col_domain_check => q{CREATE DOMAIN d AS int CHECK (VALUE > 5)}, q{sg_plan_add_column('m', 'm.c', 'x', 'm.d', fill => 'n')}, 'fails' ],
	[ col_domain_default => q{CREATE DOMAIN d AS int CHECK (VALUE > 5)}, q{sg_plan_add_column('m', 'm.c', 'x', 'm.d DEFAULT 1')}, 'fails' ],
	[ col_gen_self => q{}, q{sg_plan_add_column('m', 'm.c', 'x', 'int GENERATED ALWAYS AS (y) STORED')}, 'fails' ],
	[ col_gen_div => q{UPDATE c SET n = 0 WHERE id = 1}, q{sg_plan_add_column('m', 'm.c', 'x', 'int GENERATED ALWAYS AS (10 / n) STORED')}, 'fails' ],
	[ col_default_div => q{}, q{sg_plan_add_column('m', 'm.c', 'x', 'int DEFAULT 1 / 0')}, 'fails' ],
	[ default_col => q{}, q{sg_plan_add_default('m', 'm.c', 'n', 'id')}, 'fails' ],
	[ default_sub => q{}, q{sg_plan_add_default('m', 'm.c', 'n', '(SELECT 1)')}, 'fails' ],
	[ default_gen => q{ALTER TABLE c ADD g int GENERATED ALWAYS AS (1) STORED}, q{sg_plan_add_default('m', 'm.c', 'g', '1')}, 'fails' ],

	# what a method or a plan does not allow
	[ ix_agg => q{}, q{sg_plan_add_index('m', 'm.c', '((max(n)))')}, 'fails' ],
	[ ix_hash_two => q{}, q{sg_plan_add_index('m', 'm.c', 'USING hash (n, id)')}, 'fails' ],
	[ ix_hash_unique => q{}, q{sg_plan_add_index('m', 'm.c', 'UNIQUE USING hash (n)')}, 'fails' ],
	[ ix_opclass => q{}, q{sg_plan_add_index('m', 'm.c', '(n text_ops)')}, 'fails' ],
	[ ix_param => q{}, q{sg_plan_add_index('m', 'm.c', '(n) WITH (fillfactor = 5)')}, 'fails' ],
	[ ix_ts => q{}, q{sg_plan_add_index('m', 'm.c', '(n) TABLESPACE nowhere')}, 'fails' ],
	[ ix_date_cast => q{ALTER TABLE c ADD d text; UPDATE c SET d = '2020-13-01'}, q{sg_plan_add_index('m', 'm.c', '((d::int))')}, 'fails' ],
	[ uq_deferred_fk => q{}, q{sg_plan_add_unique('m', 'm.p', '{old_id}', "deferrable" => true), sg_plan_add_fk('m', 'm.c', '{n}', 'm.p', '{old_id}')}, 'fails' ],

	# rows and rules that steps before change
	[ before_schema_then_table => q{}, q{sg_plan_add('m', $w$CREATE SCHEMA mm$w$), sg_plan_add('m', $w$CREATE TABLE mm.t (a int)$w$), sg_plan_add('m', $w$CREATE VIEW mm.v AS SELECT a FROM mm.t$w$)}, 'works' ],
	[ before_enum_add_then_def => q{CREATE TYPE e AS ENUM ('a'); ALTER TABLE c ADD v m.e;}, q{sg_plan_add('m', $w$ALTER TYPE m.e ADD VALUE 'b'$w$), sg_plan_add('m', $w$ALTER TABLE m.c ALTER v SET DEFAULT 'b'$w$)}, 'works' ],
	[ before_fn_then_index => q{}, q{sg_plan_add('m', $w$CREATE FUNCTION m.lf(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)'$w$), sg_plan_add('m', $w$CREATE INDEX ON m.c (m.lf(s))$w$)}, 'works' ],
	[ before_dom_then_col => q{}, q{sg_plan_add('m', $w$CREATE DOMAIN m.d AS int CHECK (VALUE > 0)$w$), sg_plan_add('m', $w$ALTER TABLE m.c ADD COLUMN d m.d DEFAULT 0$w$)}, 'fails' ],
	[ before_dom_then_col_ok => q{}, q{sg_plan_add('m', $w$CREATE DOMAIN m.d AS int CHECK (VALUE > 0)$w$), sg_plan_add('m', $w$ALTER TABLE m.c ADD COLUMN d m.d DEFAULT 1$w$)}, 'works' ],
	[ before_ins_then_fk => q{UPDATE c SET p_id = 99 WHERE id = 1;}, q{sg_plan_add('m', $w$INSERT INTO m.p (id) VALUES (99)$w$), sg_plan_add('m', $w$ALTER TABLE m.c ADD FOREIGN KEY (p_id) REFERENCES m.p$w$)}, 'works' ],
	[ before_del_then_fk => q{UPDATE c SET p_id = 99 WHERE id = 1;}, q{sg_plan_add('m', $w$DELETE FROM m.c WHERE p_id = 99$w$), sg_plan_add('m', $w$ALTER TABLE m.c ADD FOREIGN KEY (p_id) REFERENCES m.p$w$)}, 'works' ],
	[ before_upd_then_check => q{UPDATE c SET n = -1 WHERE id = 1;}, q{sg_plan_add('m', $w$UPDATE m.c SET n = 1 WHERE n < 0$w$), sg_plan_add('m', $w$ALTER TABLE m.c ADD CHECK (n > 0)$w$)}, 'works' ],
	[ before_upd_then_check_bad => q{}, q{sg_plan_add('m', $w$UPDATE m.c SET n = -1$w$), sg_plan_add('m', $w$ALTER TABLE m.c ADD CHECK (n > 0)$w$)}, 'fails' ],
	[ before_ins_other_table => q{}, q{sg_plan_add('m', $w$INSERT INTO m.c (id, n) VALUES (77, -1)$w$), sg_plan_add('m', $w$ALTER TABLE m.c ADD CHECK (n > 0)$w$)}, 'fails' ],
	[ before_nn_then_ins => q{}, q{sg_plan_add('m', $w$ALTER TABLE m.c ALTER n SET NOT NULL$w$), sg_plan_add('m', $w$INSERT INTO m.c (id) VALUES (77)$w$)}, 'fails' ],
	[ before_check_then_ins => q{}, q{sg_plan_add('m', $w$ALTER TABLE m.c ADD CHECK (n > 0)$w$), sg_plan_add('m', $w$INSERT INTO m.c (id, n) VALUES (77, -1)$w$)}, 'fails' ],
	[ before_uq_then_ins => q{}, q{sg_plan_add('m', $w$ALTER TABLE m.c ADD UNIQUE (n)$w$), sg_plan_add('m', $w$INSERT INTO m.c (id, n) VALUES (77, 3)$w$)}, 'fails' ],
	[ before_fk_then_ins => q{}, q{sg_plan_add('m', $w$ALTER TABLE m.c ADD FOREIGN KEY (p_id) REFERENCES m.p$w$), sg_plan_add('m', $w$INSERT INTO m.c (id, p_id) VALUES (77, 300)$w$)}, 'fails' ],
	[ before_trig_then_upd => q{CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';}, q{sg_plan_add('m', $w$CREATE TRIGGER t BEFORE UPDATE ON m.c FOR EACH ROW EXECUTE FUNCTION m.no()$w$), sg_plan_add('m', $w$UPDATE m.c SET n = 5$w$)}, 'fails' ],
	[ before_drop_def_then_ins => q{ALTER TABLE c ALTER n SET DEFAULT 5, ALTER n SET NOT NULL;}, q{sg_plan_add('m', $w$ALTER TABLE m.c ALTER n DROP DEFAULT$w$), sg_plan_add('m', $w$INSERT INTO m.c (id) VALUES (77)$w$)}, 'fails' ],
	[ before_pub_then_upd => q{CREATE TABLE w (k int); INSERT INTO w VALUES (1);}, q{sg_plan_add('m', $w$CREATE PUBLICATION pub FOR TABLE m.w$w$), sg_plan_add('m', $w$UPDATE m.w SET k = 2$w$)}, 'fails' ],
	[ before_type_then_ins => q{}, q{sg_plan_add('m', $w$ALTER TABLE m.c ALTER s TYPE varchar(4)$w$), sg_plan_add('m', $w$INSERT INTO m.c (id, s) VALUES (77, 'abcdef')$w$)}, 'fails' ],

	# policies
	[ policy_set_null => q{UPDATE c SET n = NULL WHERE id < 3; UPDATE c SET p_id = NULL WHERE id = 1}, q{sg_plan_add_not_null('m', 'c', 'n', policy => 'set', fill => 'p_id')}, 'fails' ],
	[ policy_set => q{UPDATE c SET n = NULL WHERE id < 3}, q{sg_plan_add_not_null('m', 'c', 'n', policy => 'set', fill => 'p_id')}, 'works' ],
	[ policy_set_raises => q{UPDATE c SET n = NULL WHERE id < 3}, q{sg_plan_add_not_null('m', 'c', 'n', policy => 'set', fill => 's::int')}, 'fails' ],

	# rows that statements insert
	[ ins_null => q{}, statements('INSERT INTO m.c (n) VALUES (1)'), 'fails' ],
	[ ins_null_given => q{}, statements('INSERT INTO m.c VALUES (NULL)'), 'fails' ],
	[ ins_type => q{}, statements(q{INSERT INTO m.c (id, n) VALUES (11, 'x')}), 'fails' ],
	[ ins_long => q{ALTER TABLE c ADD v varchar(3)}, statements(q{INSERT INTO m.c (id, v) VALUES (11, 'abcd')}), 'fails' ],
	[ ins_blanks => q{ALTER TABLE c ADD v varchar(3)}, statements(q{INSERT INTO m.c (id, v) VALUES (11, 'abc  ')}), 'works' ],
	[ ins_check => q{ALTER TABLE c ADD CHECK (n > 0)}, statements('INSERT INTO m.c (id, n) VALUES (11, 1), (12, -1)'), 'fails' ],
	[ ins_dup => q{}, statements('INSERT INTO m.c (id) VALUES (3)'), 'fails' ],
	[ ins_dup_self => q{}, statements('INSERT INTO m.c (id) VALUES (11), (11)'), 'fails' ],
	[ ins_key => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('INSERT INTO m.c (id, p_id) VALUES (11, 99)'), 'fails' ],
	[ ins_good => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('INSERT INTO m.c (id, p_id) VALUES (11, 3)'), 'works' ],
	[ ins_scale => q{ALTER TABLE c ADD v numeric(3,1)}, statements('INSERT INTO m.c (id, v) VALUES (11, 1000)'), 'fails' ],
	[ ins_overflow => q{}, statements('INSERT INTO m.c (id) VALUES (3000000000)'), 'fails' ],
	[ ins_domain => q{CREATE DOMAIN d AS int CHECK (VALUE > 5); ALTER TABLE c ADD v d}, statements('INSERT INTO m.c (id, v) VALUES (11, 1)'), 'fails' ],
	[ ins_domain_good => q{CREATE DOMAIN d AS int CHECK (VALUE > 5); ALTER TABLE c ADD v d}, statements('INSERT INTO m.c (id, v) VALUES (11, 6)'), 'works' ],
	[ ins_enum => q{CREATE TYPE e AS ENUM ('a'); ALTER TABLE c ADD v e}, statements(q{INSERT INTO m.c (id, v) VALUES (11, 'b')}), 'fails' ],
	[ ins_count => q{}, statements('INSERT INTO m.c (id, n) VALUES (11)'), 'fails' ],
	[ ins_identity => q{ALTER TABLE c ADD v int GENERATED ALWAYS AS IDENTITY}, statements('INSERT INTO m.c (id, v) VALUES (11, 1)'), 'fails' ],
	[ ins_identity_good => q{ALTER TABLE c ADD v int GENERATED ALWAYS AS IDENTITY}, statements('INSERT INTO m.c (id) VALUES (11)'), 'works' ],
	[ ins_serial_check => q{CREATE TABLE w (k serial PRIMARY KEY, n int CHECK (n > 0))}, statements('INSERT INTO m.w (n) VALUES (0)'), 'fails' ],
	[ ins_serial_null => q{CREATE TABLE w (k serial PRIMARY KEY, n int NOT NULL)}, statements('INSERT INTO m.w DEFAULT VALUES'), 'fails' ],
	[ ins_serial_good => q{CREATE TABLE w (k serial PRIMARY KEY, n int CHECK (n > 0), at timestamptz DEFAULT now())}, statements('INSERT INTO m.w (n) VALUES (1)'), 'works' ],
	[ ins_generated => q{ALTER TABLE c ADD v int GENERATED ALWAYS AS (n + 1) STORED}, statements('INSERT INTO m.c (id, v) VALUES (11, 1)'), 'fails' ],
	[ ins_computed => q{ALTER TABLE c ADD v int GENERATED ALWAYS AS (10 / n) STORED}, statements('INSERT INTO m.c (id, n) VALUES (11, 0)'), 'fails' ],
	[ ins_partition => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1)}, statements('INSERT INTO m.w VALUES (5)'), 'fails' ],
	[ ins_conflict_none => q{}, statements('INSERT INTO m.c (id, n) VALUES (11, 1) ON CONFLICT (n) DO NOTHING'), 'fails' ],
	[ ins_conflict => q{}, statements('INSERT INTO m.c (id) VALUES (3) ON CONFLICT DO NOTHING'), 'works' ],
	[ ins_conflict_twice => q{}, statements('INSERT INTO m.c (id, n) VALUES (3, 1), (3, 2) ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n'), 'fails' ],
	[ ins_conflict_null => q{ALTER TABLE c ALTER n SET NOT NULL}, statements('INSERT INTO m.c (id, n) VALUES (3, 1) ON CONFLICT (id) DO UPDATE SET n = NULL'), 'fails' ],
	[ ins_select_null => q{}, statements('INSERT INTO m.c (id, n) SELECT NULL, id FROM m.p'), 'fails' ],
	[ ins_select_dup => q{}, statements('INSERT INTO m.c (id) SELECT id FROM m.p'), 'fails' ],
	[ ins_select_good => q{}, statements('INSERT INTO m.c (id) SELECT id + 100 FROM m.p'), 'works' ],
	[ ins_exclude => q{ALTER TABLE c ADD r int4range, ADD EXCLUDE USING gist (r WITH &&); UPDATE c SET r = '[1,5)' WHERE id = 1}, statements(q{INSERT INTO m.c (id, r) VALUES (11, '[2,3)')}), 'fails' ],
	[ ins_view => q{CREATE VIEW v AS SELECT n, count(*) FROM c GROUP BY n}, statements('INSERT INTO m.v VALUES (1, 2)'), 'fails' ],
	[ ins_view_option => q{CREATE VIEW v AS SELECT * FROM c WHERE n > 0 WITH CHECK OPTION}, statements('INSERT INTO m.v (id, n) VALUES (11, -1)'), 'fails' ],
	[ ins_expression => q{}, statements('INSERT INTO m.c (id, n) VALUES (11, 1 / 0)'), 'fails' ],
	[ ins_trigger => $returns_row . q{CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION f()}, statements('INSERT INTO m.c (id) VALUES (11)'), 'works' ],
	[ ins_second => q{}, statements('INSERT INTO m.p (id) VALUES (20)', 'INSERT INTO m.c (id, p_id) VALUES (20, 20)'), 'works' ],
	[ ins_after_column => q{}, "sg_plan_add_column('m', 'c', 'x', 'int'), " . statements('INSERT INTO m.c (id, x) VALUES (11, 1)'), 'works' ],
	[ ins_after_delete => q{}, statements('DELETE FROM m.c WHERE id = 3', 'INSERT INTO m.c (id) VALUES (3)'), 'works' ],
	# rows that statements change
	[ upd_null => q{}, statements('UPDATE m.c SET id = NULL WHERE id = 3'), 'fails' ],
	[ upd_null_none => q{}, statements('UPDATE m.c SET id = NULL WHERE id = 99'), 'works' ],
	[ upd_check => q{ALTER TABLE c ADD CHECK (n > 0)}, statements('UPDATE m.c SET n = n - 5'), 'fails' ],
	[ upd_check_good => q{ALTER TABLE c ADD CHECK (n > 0)}, statements('UPDATE m.c SET n = n + 5'), 'works' ],
	[ upd_long => q{ALTER TABLE c ADD v varchar(3)}, statements(q{UPDATE m.c SET v = s || 'xyz'}), 'fails' ],
	[ upd_dup => q{}, statements(q{UPDATE m.p SET code = 'same'}), 'fails' ],
	[ upd_dup_one => q{}, statements(q{UPDATE m.p SET code = 'c2' WHERE id = 1}), 'fails' ],
	[ upd_unique_good => q{}, statements(q{UPDATE m.p SET code = 'same' WHERE id = 1}), 'works' ],
	[ upd_key => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('UPDATE m.c SET p_id = 99'), 'fails' ],
	[ upd_key_parent => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('UPDATE m.p SET id = id + 100'), 'fails' ],
	[ upd_div => q{}, statements('UPDATE m.c SET n = 10 / (n - 3)'), 'fails' ],
	[ upd_cast => q{}, statements('UPDATE m.c SET n = s::int'), 'fails' ],
	[ upd_where => q{}, statements('UPDATE m.c SET n = 1 WHERE s::int > 0'), 'fails' ],
	[ upd_type => q{}, statements('UPDATE m.c SET n = s'), 'fails' ],
	[ upd_overflow => q{}, statements('UPDATE m.c SET n = n * 1000000000'), 'fails' ],
	[ upd_two => q{}, statements('UPDATE m.c SET n = (SELECT id FROM m.p)'), 'fails' ],
	[ upd_from => q{}, statements('UPDATE m.c SET s = p.code FROM m.p WHERE p.id = c.p_id'), 'works' ],
	[ upd_from_null => q{ALTER TABLE c ALTER n SET NOT NULL; UPDATE p SET old_id = NULL WHERE id = 3}, statements('UPDATE m.c SET n = p.old_id FROM m.p WHERE p.id = c.p_id'), 'fails' ],
	[ upd_shift => q{}, statements('UPDATE m.c SET id = id + 1'), 'fails' ],
	[ upd_good => q{}, statements('UPDATE m.c SET n = n + 1'), 'works' ],
	[ upd_generated => q{ALTER TABLE c ADD v int GENERATED ALWAYS AS (n + 1) STORED}, statements('UPDATE m.c SET v = 1'), 'fails' ],
	[ upd_computed => q{ALTER TABLE c ADD v int GENERATED ALWAYS AS (10 / n) STORED}, statements('UPDATE m.c SET n = n - 5'), 'fails' ],
	[ upd_partition => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1); INSERT INTO w VALUES (1)}, statements('UPDATE m.w SET k = 5'), 'fails' ],
	[ upd_domain => q{CREATE DOMAIN d AS int CHECK (VALUE > 5); ALTER TABLE c ADD v d}, statements('UPDATE m.c SET v = n'), 'fails' ],
	[ del_key => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('DELETE FROM m.p WHERE id = 3'), 'fails' ],
	[ merge_null => q{}, statements('MERGE INTO m.c USING m.p ON c.id = p.id WHEN MATCHED THEN UPDATE SET id = NULL'), 'fails' ],
	# types of columns that something uses
	[ type_check => q{ALTER TABLE c ADD CHECK (s LIKE 's%')}, statements('ALTER TABLE m.c ALTER s TYPE int USING length(s)'), 'fails' ],
	[ type_check_good => q{ALTER TABLE c ADD CHECK (n > 0)}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'works' ],
	[ type_check_rows => q{ALTER TABLE c ADD CHECK (n > 0)}, statements('ALTER TABLE m.c ALTER n TYPE int USING -n'), 'fails' ],
	[ type_generated => q{ALTER TABLE c ADD g text GENERATED ALWAYS AS (s || 'x') STORED}, statements('ALTER TABLE m.c ALTER s TYPE varchar(20)'), 'fails' ],
	[ type_view => q{CREATE VIEW v AS SELECT n FROM c}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'fails' ],
	[ type_view_of_other => q{CREATE VIEW v AS SELECT id FROM c}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'works' ],
	[ type_index => q{CREATE INDEX ON c (lower(s))}, statements('ALTER TABLE m.c ALTER s TYPE int USING n'), 'fails' ],
	[ type_index_good => q{CREATE INDEX ON c (lower(s))}, statements('ALTER TABLE m.c ALTER s TYPE varchar(40)'), 'works' ],
	[ type_index_class => q{CREATE INDEX ON c (s text_pattern_ops)}, statements('ALTER TABLE m.c ALTER s TYPE int USING n'), 'fails' ],
	[ type_index_where => q{CREATE INDEX ON c (id) WHERE s > 'a'}, statements('ALTER TABLE m.c ALTER s TYPE int USING n'), 'fails' ],
	[ type_policy => q{CREATE POLICY pp ON c USING (n > 0)}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'fails' ],
	[ type_trigger => $returns_row . q{CREATE TRIGGER t BEFORE UPDATE OF n ON c FOR EACH ROW EXECUTE FUNCTION f()}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'fails' ],
	[ type_rule => q{CREATE RULE r AS ON UPDATE TO c WHERE NEW.n > 5 DO ALSO NOTHING}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'fails' ],
	[ type_default => q{ALTER TABLE c ALTER s SET DEFAULT 'abc'}, statements('ALTER TABLE m.c ALTER s TYPE int USING n'), 'fails' ],
	[ type_default_good => q{ALTER TABLE c ALTER n SET DEFAULT 1}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'works' ],
	[ type_partition => q{CREATE TABLE w (k int, n int) PARTITION BY LIST (k)}, statements('ALTER TABLE m.w ALTER k TYPE bigint'), 'fails' ],
	[ type_heir => q{CREATE TABLE below () INHERITS (c)}, statements('ALTER TABLE m.below ALTER n TYPE bigint'), 'fails' ],
	[ type_key => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('ALTER TABLE m.c ALTER p_id TYPE text'), 'fails' ],
	[ type_key_good => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('ALTER TABLE m.c ALTER p_id TYPE bigint'), 'works' ],
	[ type_key_rows => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('ALTER TABLE m.c ALTER p_id TYPE int USING p_id + 100'), 'fails' ],
	[ type_unique => q{}, statements(q{ALTER TABLE m.p ALTER code TYPE text USING 'x'}), 'fails' ],
	[ type_not_null => q{}, statements('ALTER TABLE m.c ALTER id TYPE int USING NULL::int'), 'fails' ],
	[ type_filter => q{CREATE PUBLICATION pub FOR TABLE c WHERE (n > 0)}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'fails' ],
	[ type_identity => q{ALTER TABLE c ADD g int GENERATED ALWAYS AS IDENTITY}, statements('ALTER TABLE m.c ALTER g TYPE text'), 'fails' ],
	[ type_serial_good => q{ALTER TABLE c ADD g serial}, statements('ALTER TABLE m.c ALTER g TYPE bigint'), 'works' ],
	[ type_function => q{CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT max(n) FROM c; END}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'fails' ],
	[ type_collation => q{}, statements('ALTER TABLE m.c ALTER n TYPE int COLLATE "C"'), 'fails' ],
	[ type_whole_row => q{CREATE FUNCTION g(c) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; CREATE INDEX ON c (g(c))}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'works' ],
	[ type_composite => q{CREATE TABLE w (k m.c)}, statements('ALTER TABLE m.c ALTER n TYPE bigint'), 'fails' ],
	[ type_step => q{CREATE VIEW v AS SELECT n FROM c}, q{sg_plan_add('m', 'ALTER TABLE m.c ALTER n TYPE bigint')}, 'fails' ],
	# fills
	[ fill_two => q{}, q{sg_plan_add_column('m', 'm.c', 'x', 'int', fill => '(SELECT id FROM m.p)')}, 'fails' ],
	[ fill_one => q{}, q{sg_plan_add_column('m', 'm.c', 'x', 'int', fill => '(SELECT id FROM m.p WHERE p.id = p_id)')}, 'works' ],
	[ fill_column => q{}, q{sg_plan_add_column('m', 'm.c', 'x', 'int', fill => '(SELECT nosuch FROM m.p)')}, 'fails' ],
	[ fill_type => q{}, q{sg_plan_add_column('m', 'm.c', 'x', 'int', fill => '(SELECT code FROM m.p WHERE p.id = p_id)')}, 'fails' ],
	[ fill_query_long => q{}, q{sg_plan_add_column('m', 'm.c', 'x', 'varchar(1)', fill => '(SELECT code FROM m.p WHERE p.id = p_id)')}, 'fails' ],
	[ fill_null => q{UPDATE c SET p_id = 99 WHERE id = 1}, q{sg_plan_add_column('m', 'm.c', 'x', 'int', fill => '(SELECT id FROM m.p WHERE p.id = p_id)'), sg_plan_add_not_null('m', 'm.c', 'x')}, 'fails' ],
	[ fill_set_two => q{UPDATE c SET n = NULL WHERE id = 3}, q{sg_plan_add_not_null('m', 'm.c', 'n', policy => 'set', fill => '(SELECT id FROM m.p)')}, 'fails' ],
	[ fill_set_null => q{UPDATE c SET n = NULL WHERE id = 3}, q{sg_plan_add_not_null('m', 'm.c', 'n', policy => 'set', fill => '(SELECT id FROM m.p WHERE id = 99)')}, 'fails' ],
	[ fill_check => q{ALTER TABLE c ADD CHECK (n > 0); UPDATE c SET n = NULL WHERE id = 3}, q{sg_plan_add_not_null('m', 'm.c', 'n', policy => 'set', fill => '-1')}, 'fails' ],
	[ fill_unique => q{UPDATE p SET code = NULL WHERE id < 3}, q{sg_plan_add_not_null('m', 'm.p', 'code', policy => 'set', fill => $$'x'$$)}, 'fails' ],
	[ fill_other_check => q{ALTER TABLE c ADD CHECK (n > 0) NOT VALID; UPDATE c SET n = 1; ALTER TABLE c DROP CONSTRAINT c_n_check; UPDATE c SET n = -1 WHERE id = 3; ALTER TABLE c ADD CHECK (n > 0) NOT VALID}, q{sg_plan_add_column('m', 'm.c', 'x', 'int', fill => '1')}, 'fails' ],
	[ fill_key_two => q{ALTER TABLE p ADD UNIQUE (old_id); ALTER TABLE c ADD new_id int}, q{sg_plan_add_fk('m', 'm.c', '{new_id}', 'm.p', '{id}', backfill => '(SELECT id FROM m.p)')}, 'fails' ],
	# other statements
	[ alt_default => q{}, statements(q{ALTER TABLE m.c ALTER n SET DEFAULT 'x'}), 'fails' ],
	[ alt_key => q{UPDATE c SET p_id = 99 WHERE id = 3}, statements('ALTER TABLE m.c ADD FOREIGN KEY (p_id) REFERENCES m.p'), 'fails' ],
	[ alt_key_type => q{}, statements('ALTER TABLE m.c ADD FOREIGN KEY (s) REFERENCES m.p'), 'fails' ],
	[ alt_column_null => q{}, statements('ALTER TABLE m.c ADD x int NOT NULL'), 'fails' ],
	[ alt_column_check => q{}, statements('ALTER TABLE m.c ADD x int DEFAULT -1 CHECK (x > 0)'), 'fails' ],
	[ alt_column_there => q{}, statements('ALTER TABLE m.c ADD n int'), 'fails' ],
	[ alt_column_type => q{}, statements('ALTER TABLE m.c ADD x integre'), 'fails' ],
	[ alt_index_name => q{CREATE INDEX i ON c (n)}, statements('CREATE INDEX i ON m.c (id)'), 'fails' ],
	[ alt_index_unique => q{UPDATE c SET n = 1}, statements('CREATE UNIQUE INDEX ON m.c (n)'), 'fails' ],
	[ alt_index_column => q{}, statements('CREATE INDEX ON m.c (nn)'), 'fails' ],
	[ alt_index_raises => q{}, statements('CREATE INDEX ON m.c ((s::int))'), 'fails' ],
	[ alt_constraint_there => q{ALTER TABLE c ADD CONSTRAINT k CHECK (n > 0)}, statements('ALTER TABLE m.c ADD CONSTRAINT k CHECK (n > 1)'), 'fails' ],
	[ alt_function_body => q{}, statements(q{CREATE FUNCTION m.g() RETURNS int LANGUAGE sql AS 'SELECT nosuch'}), 'fails' ],
	[ alt_function_type => q{}, statements(q{CREATE FUNCTION m.g() RETURNS integre LANGUAGE sql AS 'SELECT 1'}), 'fails' ],
	[ alt_function_language => q{}, statements(q{CREATE FUNCTION m.g() RETURNS int LANGUAGE nosuch AS 'SELECT 1'}), 'fails' ],
	[ alt_function_there => q{CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'}, statements(q{CREATE FUNCTION m.g() RETURNS int LANGUAGE sql AS 'SELECT 2'}), 'fails' ],
	[ alt_function_return => q{CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'}, statements(q{CREATE OR REPLACE FUNCTION m.g() RETURNS text LANGUAGE sql AS $$SELECT 'x'$$}), 'fails' ],
	[ alt_policy_column => q{}, statements('CREATE POLICY pp ON m.c USING (nn > 0)'), 'fails' ],
	[ alt_policy_there => q{CREATE POLICY pp ON c}, statements('CREATE POLICY pp ON m.c USING (n > 0)'), 'fails' ],
	[ alt_trigger_there => $returns_row . q{CREATE TRIGGER t BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f()}, statements('CREATE TRIGGER t BEFORE INSERT ON m.c FOR EACH ROW EXECUTE FUNCTION m.f()'), 'fails' ],
	[ alt_trigger_of => $returns_row, statements('CREATE TRIGGER t BEFORE UPDATE OF nn ON m.c FOR EACH ROW EXECUTE FUNCTION m.f()'), 'fails' ],
	[ alt_trigger_function => q{CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'}, statements('CREATE TRIGGER t BEFORE UPDATE ON m.c FOR EACH ROW EXECUTE FUNCTION m.g()'), 'fails' ],
	[ alt_trigger_when => $returns_row, statements('CREATE TRIGGER t BEFORE UPDATE ON m.c FOR EACH ROW WHEN (NEW.nn > 0) EXECUTE FUNCTION m.f()'), 'fails' ],
	[ alt_trigger_of_view => $returns_row . q{CREATE VIEW v AS SELECT * FROM c}, statements('CREATE TRIGGER t BEFORE UPDATE ON m.v FOR EACH ROW EXECUTE FUNCTION m.f()'), 'fails' ],
	[ alt_type_there => q{CREATE TYPE e AS ENUM ('a')}, statements(q{CREATE TYPE m.e AS ENUM ('b')}), 'fails' ],
	[ alt_domain_there => q{CREATE DOMAIN d AS int}, statements('CREATE DOMAIN m.d AS int'), 'fails' ],
	[ alt_domain_rows => q{CREATE DOMAIN d AS int; ALTER TABLE c ADD v d; UPDATE c SET v = -1}, statements('ALTER DOMAIN m.d ADD CHECK (VALUE > 0)'), 'fails' ],
	[ alt_domain_null => q{CREATE DOMAIN d AS int; ALTER TABLE c ADD v d}, statements('ALTER DOMAIN m.d SET NOT NULL'), 'fails' ],
	[ alt_sequence => q{}, statements('ALTER SEQUENCE m.nosq RESTART'), 'fails' ],
	[ alt_rename_taken => q{}, statements('ALTER TABLE m.c RENAME n TO s'), 'fails' ],
	[ alt_rename_table => q{}, statements('ALTER TABLE m.c RENAME TO p'), 'fails' ],
	[ alt_drop_viewed => q{CREATE VIEW v AS SELECT n FROM c}, statements('ALTER TABLE m.c DROP COLUMN n'), 'fails' ],
	[ alt_view_columns => q{CREATE VIEW v AS SELECT id, n FROM c}, statements('CREATE OR REPLACE VIEW m.v AS SELECT n, id FROM m.c'), 'fails' ],
	[ alt_refresh => q{CREATE MATERIALIZED VIEW v AS SELECT id FROM c}, statements('REFRESH MATERIALIZED VIEW CONCURRENTLY m.v'), 'fails' ],
	[ alt_refresh_table => q{}, statements('REFRESH MATERIALIZED VIEW m.c'), 'fails' ],
	[ alt_attach_rows => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 (k int); INSERT INTO w1 VALUES (2)}, statements('ALTER TABLE m.w ATTACH PARTITION m.w1 FOR VALUES IN (1)'), 'fails' ],
	[ alt_attach_overlap => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w0 PARTITION OF w FOR VALUES IN (1); CREATE TABLE w1 (k int)}, statements('ALTER TABLE m.w ATTACH PARTITION m.w1 FOR VALUES IN (1)'), 'fails' ],
	[ alt_attach_good => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 (k int); INSERT INTO w1 VALUES (1)}, statements('ALTER TABLE m.w ATTACH PARTITION m.w1 FOR VALUES IN (1)'), 'works' ],
	[ alt_detach => q{CREATE TABLE w (k int) PARTITION BY LIST (k); CREATE TABLE w1 (k int)}, statements('ALTER TABLE m.w DETACH PARTITION m.w1'), 'fails' ],
	[ alt_schema => q{}, statements('ALTER TABLE m.c SET SCHEMA nowhere'), 'fails' ],
	[ alt_statistics => q{}, statements('CREATE STATISTICS m.st ON n, nn FROM m.c'), 'fails' ],
	[ alt_statistics_join => q{}, statements('CREATE STATISTICS m.st ON id, n FROM m.p NATURAL JOIN m.c'), 'fails' ],
	[ alt_statistics_on => q{}, statements('CREATE STATISTICS m.st ON id, n FROM m.p JOIN m.c ON true'), 'fails' ],
	[ alt_statistics_alias => q{}, statements('CREATE STATISTICS m.st ON id, n FROM (m.p NATURAL JOIN m.c) AS y'), 'fails' ],
	[ alt_statistics_query => q{}, statements('CREATE STATISTICS m.st ON id, n FROM (SELECT 1 AS id, 2 AS n) b'), 'fails' ],
	[ alt_statistics_function => q{}, statements('CREATE STATISTICS m.st ON id, n FROM generate_series(1, 2) b'), 'fails' ],
	[ alt_statistics_sample => q{}, statements('CREATE STATISTICS m.st ON id, n FROM m.c TABLESAMPLE SYSTEM (1)'), 'fails' ],
	[ alt_statistics_two => q{}, statements('CREATE STATISTICS m.st ON id, n FROM m.c, m.p'), 'fails' ],
	[ alt_rule => q{}, statements('CREATE RULE r AS ON UPDATE TO m.c WHERE NEW.nn > 5 DO ALSO NOTHING'), 'fails' ],
	[ alt_option => q{}, statements('ALTER TABLE m.c SET (nofactor = 1)'), 'fails' ],
	[ alt_cluster => q{}, statements('ALTER TABLE m.c CLUSTER ON nosuch'), 'fails' ],
	[ alt_identity_index => q{CREATE INDEX i ON c (n)}, statements('ALTER TABLE m.c REPLICA IDENTITY USING INDEX i'), 'fails' ],
	[ alt_add_identity => q{}, statements('ALTER TABLE m.c ALTER n ADD GENERATED ALWAYS AS IDENTITY'), 'fails' ],
	[ alt_inherit => q{CREATE TABLE w (k int)}, statements('ALTER TABLE m.c INHERIT m.w'), 'fails' ],
	[ alt_publication => q{CREATE PUBLICATION pub FOR TABLE c}, statements('CREATE PUBLICATION pub FOR TABLE m.p'), 'fails' ],
	[ alt_publication_table => q{}, statements('CREATE PUBLICATION pub FOR TABLE m.cc'), 'fails' ],
	[ alt_validate => q{UPDATE c SET n = -1 WHERE id = 3; ALTER TABLE c ADD CONSTRAINT k CHECK (n > 0) NOT VALID}, statements('ALTER TABLE m.c VALIDATE CONSTRAINT k'), 'fails' ],
	[ alt_grant_column => q{}, statements('GRANT SELECT (nn) ON m.c TO PUBLIC'), 'fails' ],
	[ alt_comment_column => q{}, statements(q{COMMENT ON COLUMN m.c.nn IS 'x'}), 'fails' ],
	[ alt_schema_there => q{}, statements('CREATE SCHEMA m'), 'fails' ],
	[ alt_tablespace => q{}, statements('ALTER TABLE m.c SET TABLESPACE nowhere'), 'fails' ],
	[ alt_storage => q{}, statements('ALTER TABLE m.c ALTER n SET STORAGE external'), 'fails' ],
	[ alt_using_index => q{CREATE INDEX i ON c (n)}, statements('ALTER TABLE m.c ADD CONSTRAINT k UNIQUE USING INDEX i'), 'fails' ],
	[ alt_drop_not_null => q{}, statements('ALTER TABLE m.c ALTER id DROP NOT NULL'), 'fails' ],
	[ alt_drop_constraint_used => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('ALTER TABLE m.p DROP CONSTRAINT p_pkey'), 'fails' ],
	[ alt_drop_table_used => q{CREATE VIEW v AS SELECT n FROM c}, statements('DROP TABLE m.c'), 'fails' ],
	[ alt_drop_schema => q{CREATE SCHEMA mm; CREATE TABLE mm.t (a int)}, statements('DROP SCHEMA mm'), 'fails' ],
	[ alt_drop_role => q{}, statements('DROP ROLE nosuch'), 'fails' ],
	[ alt_truncate_key => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('TRUNCATE m.p'), 'fails' ],
	# rules of partitions, and of what inherits
	[ leaf_check => $leaves . q{ALTER TABLE w2 ADD CHECK (n > 0)}, statements('INSERT INTO m.w VALUES (15, -1)'), 'fails' ],
	[ leaf_check_other => $leaves . q{ALTER TABLE w2 ADD CHECK (n > 0)}, statements('INSERT INTO m.w VALUES (5, -1)'), 'works' ],
	[ leaf_check_moved => $leaves . q{ALTER TABLE w2 ADD CHECK (n > 0); INSERT INTO w VALUES (5, -1)}, statements('UPDATE m.w SET k = k + 10'), 'fails' ],
	[ leaf_null => $leaves . q{ALTER TABLE w2 ALTER n SET NOT NULL}, statements('INSERT INTO m.w (k) VALUES (15)'), 'fails' ],
	[ leaf_null_other => $leaves . q{ALTER TABLE w2 ALTER n SET NOT NULL}, statements('INSERT INTO m.w (k) VALUES (5)'), 'works' ],
	[ leaf_unique => $leaves . q{CREATE UNIQUE INDEX ON w2 (n); INSERT INTO w VALUES (15, 1)}, statements('INSERT INTO m.w VALUES (16, 1)'), 'fails' ],
	[ leaf_unique_twice => $leaves . q{CREATE UNIQUE INDEX ON w2 (n)}, statements('INSERT INTO m.w VALUES (15, 1), (16, 1)'), 'fails' ],
	[ leaf_unique_apart => $leaves . q{CREATE UNIQUE INDEX ON w2 (n)}, statements('INSERT INTO m.w VALUES (15, 1), (5, 1)'), 'works' ],
	[ leaf_unique_moved => $leaves . q{CREATE UNIQUE INDEX ON w2 (n); INSERT INTO w VALUES (15, 1), (5, 1)}, statements('UPDATE m.w SET k = k + 10 WHERE k = 5'), 'fails' ],
	[ leaf_key => $leaves . q{ALTER TABLE w2 ADD FOREIGN KEY (n) REFERENCES p}, statements('INSERT INTO m.w VALUES (15, 99)'), 'fails' ],
	[ leaf_key_other => $leaves . q{ALTER TABLE w2 ADD FOREIGN KEY (n) REFERENCES p}, statements('INSERT INTO m.w VALUES (5, 99)'), 'works' ],
	[ leaf_key_moved => $leaves . q{ALTER TABLE w2 ADD FOREIGN KEY (n) REFERENCES p; INSERT INTO w VALUES (5, 99)}, statements('UPDATE m.w SET k = k + 10'), 'fails' ],
	[ leaf_columns_differ => $leaves . q{CREATE TABLE w3 (n int, x int, k int); ALTER TABLE w3 DROP x; ALTER TABLE w ATTACH PARTITION w3 FOR VALUES FROM (20) TO (30); ALTER TABLE w3 ADD CHECK (n > 0)}, statements('INSERT INTO m.w VALUES (25, -1)'), 'fails' ],
	[ leaf_trigger => $leaves . q{ALTER TABLE w ALTER n SET NOT NULL; CREATE FUNCTION gives() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := 1; RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON w2 FOR EACH ROW EXECUTE FUNCTION gives()}, statements('INSERT INTO m.w (k) VALUES (15)'), 'works' ],
	[ leaf_referred => $leaves . q{ALTER TABLE w2 ADD UNIQUE (n); INSERT INTO w VALUES (15, 1); CREATE TABLE r (n int REFERENCES w2 (n)); INSERT INTO r VALUES (1)}, statements('DELETE FROM m.w'), 'fails' ],
	[ no_leaf_below => q{CREATE TABLE w (k int, n int) PARTITION BY RANGE (k); CREATE TABLE w1 PARTITION OF w FOR VALUES FROM (0) TO (10) PARTITION BY LIST (n)}, statements('INSERT INTO m.w VALUES (1, 1)'), 'fails' ],
	[ no_leaf_below_default => q{CREATE TABLE w (k int, n int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w DEFAULT PARTITION BY LIST (n); CREATE TABLE w11 PARTITION OF w1 FOR VALUES IN (1)}, statements('INSERT INTO m.w VALUES (1, 2)'), 'fails' ],
	[ leaf_below_default => q{CREATE TABLE w (k int, n int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w DEFAULT PARTITION BY LIST (n); CREATE TABLE w11 PARTITION OF w1 FOR VALUES IN (1)}, statements('INSERT INTO m.w VALUES (1, 1)'), 'works' ],
	[ leaf_by_serial => q{CREATE TABLE w (id serial, k int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1)}, statements('INSERT INTO m.w (k) VALUES (2)'), 'fails' ],
	[ heir_null => q{CREATE TABLE below () INHERITS (c); ALTER TABLE below ALTER n SET NOT NULL; INSERT INTO below (id, n) VALUES (20, 1)}, statements('UPDATE m.c SET n = NULL'), 'fails' ],
	[ heir_null_only => q{CREATE TABLE below () INHERITS (c); ALTER TABLE below ALTER n SET NOT NULL; INSERT INTO below (id, n) VALUES (20, 1)}, statements('UPDATE ONLY m.c SET n = NULL'), 'works' ],
	[ heir_check => q{CREATE TABLE below (CHECK (n > 0)) INHERITS (c); INSERT INTO below (id, n) VALUES (20, 1)}, statements('UPDATE m.c SET n = -1'), 'fails' ],
	[ heir_key => q{CREATE TABLE below () INHERITS (c); ALTER TABLE below ADD FOREIGN KEY (p_id) REFERENCES p; INSERT INTO below (id) VALUES (20)}, statements('UPDATE m.c SET p_id = 99'), 'fails' ],
	[ heir_is_no_parent => q{CREATE TABLE below () INHERITS (p); INSERT INTO below (id) VALUES (99); ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('INSERT INTO m.c (id, p_id) VALUES (20, 99)'), 'fails' ],
	[ heir_is_not_equal => q{CREATE TABLE below () INHERITS (c); INSERT INTO below (id) VALUES (99)}, statements('INSERT INTO m.c (id) VALUES (99)'), 'works' ],
	[ check_no_inherit => q{ALTER TABLE c ADD CHECK (n > 0) NO INHERIT; CREATE TABLE below () INHERITS (c); INSERT INTO below (id, n) VALUES (20, 1)}, statements('UPDATE m.c SET n = -1 WHERE id = 20'), 'works' ],
	# what makes a broken rule hold after all
	[ later_parent => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p DEFERRABLE INITIALLY DEFERRED}, statements('INSERT INTO m.c (id, p_id) VALUES (20, 20); INSERT INTO m.p (id) VALUES (20)'), 'works' ],
	[ later_parent_never => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p DEFERRABLE INITIALLY DEFERRED}, statements('INSERT INTO m.c (id, p_id) VALUES (20, 20)'), 'fails' ],
	[ later_unique => q{ALTER TABLE c ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED}, statements('INSERT INTO m.c (id, n) VALUES (20, 1); DELETE FROM m.c WHERE id = 1'), 'works' ],
	[ trigger_parent => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p DEFERRABLE INITIALLY DEFERRED; CREATE FUNCTION adds() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO m.p (id) VALUES (NEW.p_id); RETURN NULL; END'; CREATE TRIGGER t AFTER INSERT ON c FOR EACH ROW EXECUTE FUNCTION adds()}, statements('INSERT INTO m.c (id, p_id) VALUES (20, 20)'), 'works' ],
	[ key_unchanged => q{UPDATE c SET p_id = 99 WHERE id = 1; ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p NOT VALID}, statements('UPDATE m.c SET p_id = coalesce(p_id, 1), n = 0'), 'works' ],
	[ key_changed => q{UPDATE c SET p_id = 99 WHERE id = 1; ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p NOT VALID}, statements('UPDATE m.c SET p_id = p_id + 1'), 'fails' ],
	[ key_disabled => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p; ALTER TABLE c DISABLE TRIGGER ALL}, statements('INSERT INTO m.c (id, p_id) VALUES (20, 99)'), 'works' ],
	[ key_full => q{ALTER TABLE p ADD UNIQUE (id, old_id); ALTER TABLE c ADD FOREIGN KEY (p_id, n) REFERENCES p (id, old_id) MATCH FULL}, statements('INSERT INTO m.c (id, p_id) VALUES (20, 1)'), 'fails' ],
	[ key_full_good => q{ALTER TABLE p ADD UNIQUE (id, old_id); ALTER TABLE c ADD FOREIGN KEY (p_id, n) REFERENCES p (id, old_id) MATCH FULL}, statements('INSERT INTO m.c (id, p_id, n) VALUES (20, 1, 1), (21, NULL, NULL)'), 'works' ],
	[ conflict_no_parent => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('INSERT INTO m.c (id, p_id) VALUES (1, 99) ON CONFLICT DO NOTHING'), 'works' ],
	[ conflict_null => q{ALTER TABLE c ALTER n SET NOT NULL}, statements('INSERT INTO m.c (id) VALUES (1) ON CONFLICT DO NOTHING'), 'fails' ],
	[ index_unready => q{UPDATE c SET n = 1; CREATE UNIQUE INDEX CONCURRENTLY i ON c (n)}, statements('INSERT INTO m.c (id, n) VALUES (20, 1)'), 'works' ],
	# values
	[ nulls_equal => q{CREATE TABLE w (k int UNIQUE NULLS NOT DISTINCT); INSERT INTO w VALUES (NULL)}, statements('INSERT INTO m.w VALUES (NULL)'), 'fails' ],
	[ nulls_equal_twice => q{CREATE TABLE w (k int UNIQUE NULLS NOT DISTINCT)}, statements('INSERT INTO m.w VALUES (NULL), (NULL)'), 'fails' ],
	[ nulls_equal_pair => q{CREATE TABLE w (k int, n int, UNIQUE NULLS NOT DISTINCT (k, n)); INSERT INTO w VALUES (1, NULL)}, statements('INSERT INTO m.w VALUES (1, NULL)'), 'fails' ],
	[ element_long => q{CREATE TABLE w (k varchar(3)[])}, statements(q{INSERT INTO m.w SELECT array_agg(code || 'xyz') FROM m.p}), 'fails' ],
	[ element_fits => q{CREATE TABLE w (k varchar(3)[])}, statements(q{INSERT INTO m.w SELECT array_agg(code) FROM m.p}), 'works' ],
	[ element_bits => q{CREATE TABLE w (k bit(3)[])}, statements(q{INSERT INTO m.w SELECT ARRAY[B'10101'::varbit]}), 'fails' ],
	[ entry_large => q{CREATE INDEX ON c (s)}, statements(q{UPDATE m.c SET s = (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 500) g)}), 'fails' ],
	[ entry_expression => q{CREATE INDEX ON c ((10 / n))}, statements('INSERT INTO m.c (id, n) VALUES (20, 0)'), 'fails' ],
	[ entry_of_some => q{CREATE INDEX ON c ((10 / n)) WHERE n <> 0}, statements('INSERT INTO m.c (id, n) VALUES (20, 0)'), 'works' ],
	[ sequence_behind => q{CREATE TABLE w (k serial PRIMARY KEY, n int); INSERT INTO w VALUES (2, 2)}, statements('INSERT INTO m.w (n) VALUES (1), (2)'), 'fails' ],
	[ sequence_before => q{CREATE TABLE w (k serial PRIMARY KEY, n int); INSERT INTO w VALUES (3, 3)}, statements('INSERT INTO m.w (n) VALUES (1), (2)'), 'works' ],
	[ identity_behind => q{CREATE TABLE w (k int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -2) PRIMARY KEY, n int); INSERT INTO w VALUES (-3, 2)}, statements('INSERT INTO m.w (n) VALUES (1), (2)'), 'fails' ],
	[ domain_volatile => q{CREATE FUNCTION is_small(int) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT $1 < 5'; CREATE DOMAIN d AS int CHECK (is_small(VALUE)); CREATE TABLE w (k d)}, statements('INSERT INTO m.w VALUES (9)'), 'fails' ],
	[ check_volatile_there => q{CREATE FUNCTION is_small(int) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT $1 < 5'; CREATE TABLE w (k int CHECK (m.is_small(k)))}, statements('INSERT INTO m.w VALUES (9)'), 'fails' ],
	[ select_for_update => q{}, statements('INSERT INTO m.c (id) SELECT id + 20 FROM m.p FOR UPDATE'), 'works' ],
	# rows that go
	[ delete_along => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE CASCADE; CREATE TABLE w (k int REFERENCES c); INSERT INTO w VALUES (1)}, statements('DELETE FROM m.p'), 'fails' ],
	[ delete_along_free => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE CASCADE; CREATE TABLE w (k int REFERENCES c)}, statements('DELETE FROM m.p'), 'works' ],
	[ delete_along_set => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE CASCADE; CREATE TABLE w (k int NOT NULL REFERENCES c ON DELETE SET NULL); INSERT INTO w VALUES (1)}, statements('DELETE FROM m.p'), 'fails' ],
	[ delete_set_check => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE SET NULL, ADD CHECK (p_id IS NOT NULL)}, statements('DELETE FROM m.p'), 'fails' ],
	[ delete_set_default => q{ALTER TABLE c ALTER p_id SET DEFAULT 99, ADD FOREIGN KEY (p_id) REFERENCES p ON DELETE SET DEFAULT}, statements('DELETE FROM m.p WHERE id = 1'), 'fails' ],
	[ delete_with => q{ALTER TABLE c ADD FOREIGN KEY (p_id) REFERENCES p}, statements('WITH x AS (DELETE FROM m.p RETURNING id) INSERT INTO m.c (id) SELECT id + 20 FROM x'), 'fails' ],
	[ alt_enum_use => q{CREATE TYPE e AS ENUM ('a'); ALTER TABLE c ADD v e}, statements(q{ALTER TYPE m.e ADD VALUE 'b'}, q{UPDATE m.c SET v = 'b'}), 'works' ],
);

@cases = grep { $_->[0] eq $ENV{SG_CASE} } @cases if $ENV{SG_CASE};

my $node = new_node('mistakes', conf => "max_worker_processes = 12\nwal_level = logical\n");

# Each in one session that goes on after errors
my $script = "SET client_min_messages = error; CREATE TABLE said (name text, step int, check_name text, result text, detail text);\n"
  . "CREATE TABLE did (name text, step int, kind text, state text, reason text);\n";
for my $case (@cases)
{
	my ($name, $setup, $calls) = @$case;

	# names in a statement are looked up in pg_catalog alone
	$calls =~ s/(UPDATE|TABLE|ON|FROM|VIEW|EXISTS|TRUNCATE) (cc?|w|vv?)\b/$1 m.$2/g if $calls =~ /statement/;
	$calls =~ s/\('m'/('$name'/g;
	$script .= qq{CREATE SCHEMA m; SET search_path = m, public; $tables $setup;
		SELECT sg_plan_create('$name');
		} . join('', map { "SELECT $_;\n" } split /, (?=sg_plan)/, $calls) . qq{
		INSERT INTO said SELECT '$name', step, check_name, result, detail FROM sg_plan_check_details('$name', verify => 'full');
		CALL sg_apply('$name', fix => true);
		INSERT INTO did SELECT '$name', step, kind, state, reason FROM schemaguard.plan_step WHERE plan = '$name';
		DROP SCHEMA IF EXISTS schemaguard_attic CASCADE; DROP SCHEMA m CASCADE; DROP PUBLICATION IF EXISTS pub; DROP SCHEMA IF EXISTS mm CASCADE;\n};
}
my ($out, $err);
$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0);

my %did;
for my $row (rows($node, q{SELECT d.name, d.step, d.state, coalesce(translate(d.reason, E'\n', ' '), ''),
		coalesce((SELECT max(array_position('{ok,warn,block}', s.result)) FROM said s WHERE s.name = d.name AND s.step = d.step), 0),
		coalesce((SELECT string_agg(s.check_name || ': ' || coalesce(translate(s.detail, E'\n', ' '), ''), ' / ') FROM said s WHERE s.name = d.name AND s.step = d.step AND s.result <> 'ok'), '')
	FROM did d ORDER BY 1, 2}))
{
	push @{ $did{ $row->[0] } }, $row;
}
my %total;
for my $case (@cases)
{
	my ($name, undef, undef, $expected) = @$case;
	my @steps = @{ $did{$name} // [] };
	my $done = @steps && !grep { $_->[2] ne 'validated' } @steps;
	my @wrong = grep { my $done = $_->[2] eq 'validated'; $_->[4] == 0 || $_->[4] == 1 && !$done || $_->[4] == 3 && $done } @steps;

	$total{$expected}++;
	is($expected eq 'refused' ? (@steps ? 'added' : 'refused') : $done ? 'works' : 'fails', $expected, "$name: $expected");
	ok(!@wrong, "$name: and the check says so") or diag(join("\n", map { "step $_->[1] is $_->[2] ($_->[3]), the check says $_->[5]" } @wrong));
}
note join ', ', map { "$total{$_} $_" } sort keys %total;

$node->stop('immediate');
done_testing();
