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

	# policies
	[ policy_set_null => q{UPDATE c SET n = NULL WHERE id < 3; UPDATE c SET p_id = NULL WHERE id = 1}, q{sg_plan_add_not_null('m', 'c', 'n', policy => 'set', fill => 'p_id')}, 'fails' ],
	[ policy_set => q{UPDATE c SET n = NULL WHERE id < 3}, q{sg_plan_add_not_null('m', 'c', 'n', policy => 'set', fill => 'p_id')}, 'works' ],
	[ policy_set_raises => q{UPDATE c SET n = NULL WHERE id < 3}, q{sg_plan_add_not_null('m', 'c', 'n', policy => 'set', fill => 's::int')}, 'fails' ],
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
		DROP SCHEMA IF EXISTS schemaguard_attic CASCADE; DROP SCHEMA m CASCADE; DROP PUBLICATION IF EXISTS pub;\n};
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
