# 117_random_plans.pl: plans of any steps, of tables that are there and of some that are not, through every call that reads plans.
#
# A plan has up to eight steps of all kinds, with odd objects, policies, names, expressions and lists of what they come after; some
# are skipped or wait for a phase, and in between tables change or go. Whatever a function that adds steps takes, every reading
# call must survive: no crash, no XX000 and no "cache lookup failed". An export that is imported again is the same plan.
#
# 200 plans, 2,000 with SG_LONG=1; SG_SEED=n starts elsewhere, SG_PLAN=n runs plan n alone.
#
# rooms: plan check verify
# takes: 10 s
# majors: one (reads plans)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $plans = $ENV{SG_CASES} || (long_run() ? 2000 : 200);
my $node = new_node('random_plans', conf => "max_connections = 10\nfsync = off\n");

my $schema = q{SET client_min_messages = error;
CREATE SCHEMA r;
CREATE FUNCTION r.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION r.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE DOMAIN r.d AS int CHECK (VALUE > 0);
CREATE TYPE r.mood AS ENUM ('sad', 'glad');
CREATE TABLE r.p (id int PRIMARY KEY, code text UNIQUE, at date);
CREATE TABLE r.c (id int PRIMARY KEY, p_id int, q_id int CONSTRAINT c_q REFERENCES r.p ON DELETE CASCADE, a int DEFAULT 1, b text, m r.mood, e r.d, g int GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE r."We""ird t" ("a.b" int, "x;y" text);
CREATE TABLE r.parted (id int, k int, at date) PARTITION BY RANGE (at);
CREATE TABLE r.parted1 PARTITION OF r.parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE r.parted2 PARTITION OF r.parted DEFAULT PARTITION BY LIST (k);
CREATE TABLE r.heir (z int) INHERITS (r.c);
CREATE UNLOGGED TABLE r.unlogged (id int PRIMARY KEY, p_id int);
CREATE TABLE r.empty ();
CREATE VIEW r.v AS SELECT id, a FROM r.c;
CREATE MATERIALIZED VIEW r.mv AS SELECT id, a FROM r.c;
CREATE FOREIGN DATA WRAPPER fdw;
CREATE SERVER srv FOREIGN DATA WRAPPER fdw;
CREATE FOREIGN TABLE r.ft (id int, p_id int) SERVER srv;
CREATE SEQUENCE r.s;
CREATE INDEX c_a ON r.c (a); CREATE INDEX c_f ON r.c (r.f(a)) WHERE a > 0;
CREATE TRIGGER tr BEFORE INSERT ON r.c FOR EACH ROW EXECUTE FUNCTION r.tf();
INSERT INTO r.p VALUES (1, 'x', NULL), (2, 'y', NULL); INSERT INTO r.c (id, p_id, q_id, a, b) VALUES (1, 1, 1, NULL, 'x'), (2, 9, 2, -1, NULL), (3, NULL, NULL, 3, 'x');
};
$node->safe_psql('postgres', q{SET client_min_messages = error;
CREATE TABLE outcome (what text, state text, message text);
CREATE SEQUENCE added;
CREATE SEQUENCE read;

-- Makes, changes and reads; then all of it is as it was, but for what has failed
CREATE PROCEDURE run(plan int, making text[], trouble text[], reading text[]) LANGUAGE plpgsql AS $$
DECLARE
	failed outcome[] := '{}';
	call text;
BEGIN
	BEGIN
		PERFORM sg_plan_create('f');
		FOREACH call IN ARRAY making || trouble || reading LOOP
			BEGIN
				EXECUTE call;
				PERFORM nextval(CASE WHEN call = ANY (reading) THEN 'read' ELSE 'added' END);
			EXCEPTION WHEN OTHERS THEN
				failed := failed || (format('plan %s: %s', plan, call), SQLSTATE, left(SQLERRM, 300))::outcome;
			END;
		END LOOP;
		RAISE SQLSTATE 'SG000';
	EXCEPTION WHEN SQLSTATE 'SG000' THEN
	END;
	INSERT INTO outcome SELECT * FROM unnest(failed);
END $$;} . $schema);

# ---- what steps are made of

my @tables = (('r.c') x 40, ('r.p') x 4, qw(r.parted r.parted1 r.parted2 r.heir r.unlogged r.empty r.v r.mv r.ft r.s r.gone nowhere.t c r.c_a pg_catalog.pg_class schemaguard.plan), 'r."We""ird t"', '', '"', 'a.b.c', 'x' x 70);
my @parents = (('r.p') x 40, @tables);
my @columns = ((qw(p_id q_id a b)) x 12, qw(id m e g z at k code), 'a.b', 'x;y', 'gone', 'ctid', '', '"', 'y' x 70);
my @conditions = (('a > 0', 'b <> \'\'', 'a IS NOT NULL') x 3, 'a > 0 AND b <> \'x\'', 'r.f(a) = 1', 'true', 'NULL', 'a', 'gone > 1', 'a >', '1; SELECT 1', '(SELECT true)', 'count(*) > 0', 'a = ANY (ARRAY[1, 2])', '$1', 'a > 0) NOT VALID; --', 'id = random()', 'c IS NOT NULL', 'c.*::text = \'\'', 'm = \'sad\'', '');
my @expressions = ('1', 'a + 1', 'r.f(a)', 'now()', 'random()', 'nextval(\'r.s\')', '\'x\'', 'NULL', 'DEFAULT', 'gone', '(SELECT 1)', '1 +', '', '1::r.mood', 'current_user', 'clock_timestamp()::text', '$$x$$');
my @types = ('numeric(10,99)', qw(int text r.d r.mood gone.type int[] serial bigserial), 'int NOT NULL', 'int GENERATED ALWAYS AS IDENTITY', 'int GENERATED ALWAYS AS (1) STORED', 'int REFERENCES r.p', 'text COLLATE "C" DEFAULT \'x\'', '', 'int; DROP TABLE r.c', 'timestamp(3) with time zone');
my @definitions = ('(a)', '(a, b DESC NULLS LAST)', '(r.f(a)) WHERE a > 0', '(lower(b))', 'USING gin (b)', 'USING hash (a)', '(gone)', '(a) INCLUDE (b)', '', '(a', '(a) TABLESPACE gone', 'USING gone (a)', '((SELECT 1))', '(b text_pattern_ops) WITH (fillfactor = 70)', 'UNIQUE (a)');
my @statements = ('update r.no_such_table set a = 1', 'UPDATE r.c SET a = 1', 'CREATE TABLE r.made (id int)', 'DROP TABLE r.c', 'ALTER TABLE r.c ADD made int', 'CREATE INDEX CONCURRENTLY made ON r.c (a)', 'VACUUM r.c', 'SELECT 1', 'GRANT SELECT ON r.c TO PUBLIC', 'CREATE VIEW r.made_v AS SELECT * FROM r.gone',
	'COMMIT', 'DO $$BEGIN END$$', 'SET x.y = 1', 'SELECT 1; SELECT 2', '', 'nonsense', 'TRUNCATE r.p, r.c', 'COPY r.c FROM stdin', 'CREATE FUNCTION r.made() RETURNS int LANGUAGE sql AS \'SELECT 1\'', 'DROP SCHEMA r CASCADE', 'COMMENT ON TABLE r.c IS \'x\'', 'ALTER TYPE r.mood ADD VALUE \'mad\'', 'REFRESH MATERIALIZED VIEW r.mv', 'CREATE DATABASE made');
my @queries = ('SELECT true', 'SELECT false', 'SELECT NULL', 'SELECT EXISTS (SELECT FROM r.made)', 'SELECT count(*) FROM r.gone', 'UPDATE r.c SET a = 1', 'SELECT 1; SELECT 2', '', 'SELECT 1/0');
my @names = (('NULL') x 3, map { lit($_) } (qw(c_q c_pkey c_a made)) x 2, 'gone', '', 'We"ird', 'z' x 70);
my @policies = (('stop') x 3, 'leave', 'quarantine', 'delete', 'set null', 'set');

sub maybe { my ($name, $p, @values) = @_; return chance($p) ? ", $name => " . pick(@values) : ''; }

sub columns { return text_array(map { pick(@columns) } 1 .. pick((1) x 12, 2, 2, 3, 0)); }

# What any kind takes
sub common
{
	my ($n) = @_;
	my @before = map { pick(1 .. $n, 'later', 'gone', 0, -1) } 1 .. pick(1, 1, 2);
	return maybe('priority', 0.3, map { lit($_) } qw(critical high medium low)) . maybe('after', 0.2, text_array(@before), text_array($n), 'NULL')
	  . maybe('phase', 0.15, q{'later'}, q{''}, 'NULL');
}

my %makers = (
	fk => sub { my ($n) = @_; 'sg_plan_add_fk(PLAN, ' . lit(pick(@tables)) . ', ' . columns() . ', ' . lit(pick(@parents)) . maybe('parent_columns', 0.2, columns(), 'NULL') . maybe('fk_name', 0.5, @names)
		. maybe('on_delete', 0.4, map { lit($_) } 'cascade', 'set null', 'set default', 'restrict') . maybe('on_update', 0.2, q{'cascade'}, q{'set null'}) . maybe('orphans', 0.5, map { lit($_) } @policies)
		. maybe('"index"', 0.4, 'true', 'false') . maybe('replaces', 0.1, @names) . maybe('match', 0.1, q{'full'}, q{'simple'}) . maybe('"deferrable"', 0.2, 'true') . maybe('initially_deferred', 0.2, 'true')
		. maybe('on_delete_columns', 0.05, columns()) . maybe('enforced', 0.02, 'false') . maybe('priority', 0.2, q{'high'}, q{'low'}) . ')' },
	check => sub { 'sg_plan_add_check(PLAN, ' . lit(pick(@tables)) . ', ' . lit(pick(@conditions)) . maybe('name', 0.4, @names) . maybe('policy', 0.5, map { lit($_) } @policies) . maybe('child_column', 0.3, map { lit($_) } @columns) . maybe('fill', 0.3, map { lit($_) } @expressions) . common(@_) . ')' },
	'not null' => sub { 'sg_plan_add_not_null(PLAN, ' . lit(pick(@tables)) . ', ' . lit(pick(@columns)) . maybe('name', 0.4, @names) . maybe('policy', 0.5, map { lit($_) } @policies) . maybe('fill', 0.3, map { lit($_) } @expressions) . common(@_) . ')' },
	unique => sub { 'sg_plan_add_unique(PLAN, ' . lit(pick(@tables)) . ', ' . columns() . maybe('name', 0.4, @names) . maybe('primary_key', 0.3, 'true') . maybe('policy', 0.4, map { lit($_) } @policies) . maybe('keep_by', 0.3, q{'id'}, q{'id DESC'}, q{'gone'}, q{'random()'}, q{''}) . maybe('"deferrable"', 0.2, 'true') . common(@_) . ')' },
	column => sub { 'sg_plan_add_column(PLAN, ' . lit(pick(@tables)) . ', ' . lit(pick('made', 'made2', @columns)) . ', ' . lit(pick(@types)) . maybe('fill', 0.4, map { lit($_) } @expressions) . common(@_) . ')' },
	default => sub { 'sg_plan_add_default(PLAN, ' . lit(pick(@tables)) . ', ' . lit(pick(@columns)) . ', ' . pick('NULL', map { lit($_) } @expressions) . common(@_) . ')' },
	index => sub { 'sg_plan_add_index(PLAN, ' . lit(pick(@tables)) . ', ' . lit(pick(@definitions)) . maybe('name', 0.5, @names) . common(@_) . ')' },
	statement => sub { 'sg_plan_add_statement(PLAN, ' . lit(pick(@statements)) . maybe('undo', 0.4, map { lit($_) } @statements) . maybe('done_when', 0.4, map { lit($_) } @queries) . maybe('child_table', 0.3, map { lit($_) } @tables) . maybe('in_transaction', 0.3, 'false', 'true') . maybe('name', 0.3, @names) . common(@_) . ')' },
	drop => sub { 'sg_plan_add_drop(PLAN, ' . lit(pick(qw(table column constraint index view trigger odd))) . ', ' . lit(pick(@tables)) . maybe('name', 0.7, @names, map { lit($_) } @columns) . maybe('keep', 0.4, 'false', 'true') . common(@_) . ')' },
	rename => sub { 'sg_plan_add_rename(PLAN, ' . lit(pick(qw(table column constraint index odd))) . ', ' . lit(pick(@tables)) . ', ' . pick(map { lit($_) } qw(renamed c p a), '', 'n' x 70) . maybe('name', 0.7, @names, map { lit($_) } @columns) . common(@_) . ')' },
	script => sub { 'sg_plan_from_sql(PLAN, ' . lit(join '; ', map { pick(@statements, 'ALTER TABLE r.c ADD FOREIGN KEY (p_id) REFERENCES r.p', 'CREATE TABLE r.made3 (id int PRIMARY KEY, c_id int REFERENCES r.c, CHECK (id > 0))', 'CREATE UNIQUE INDEX made4 ON r.c (a)') } 1 .. 3) . ')' });
my @kinds = (('fk') x 4, ('statement') x 3, sort keys %makers);

# What happens to tables between the making of a plan and the reading; it is rolled back
my @troubles = ('', '', '', 'DROP TABLE r.c CASCADE', 'DROP TABLE r.p CASCADE', 'ALTER TABLE r.c RENAME TO c2', 'ALTER TABLE r.c DROP COLUMN a CASCADE', 'ALTER TABLE r.c RENAME a TO a2', 'DROP SCHEMA r CASCADE', 'ALTER TABLE r.parted DETACH PARTITION r.parted1',
	'DROP TABLE r.c CASCADE; CREATE VIEW r.c AS SELECT 1 AS a', 'ALTER TABLE r.c ALTER b TYPE varchar(10)', 'ALTER SCHEMA r RENAME TO r2', 'DROP FUNCTION r.f(int) CASCADE', 'ALTER TABLE r.c DROP CONSTRAINT c_q, DISABLE TRIGGER ALL', 'DROP TYPE r.mood CASCADE', 'ALTER TABLE r.p DROP CONSTRAINT p_pkey CASCADE');

my $same = q{DO $$ BEGIN PERFORM sg_plan_import('g', sg_plan_export('f')); ASSERT (sg_plan_export('g') - 'plan') = (sg_plan_export('f') - 'plan'); EXCEPTION WHEN assert_failure THEN RAISE division_by_zero; END $$};
my @readers = (q{SELECT count(*) FROM sg_plan_check_details('f')}, q{SELECT count(*) FROM sg_plan_sql('f')}, q{SELECT schemaguard.sg_plan_hash('f')}, q{SELECT sg_plan_export('f')}, q{SELECT count(*) FROM sg_verify_fks_details('f')},
	q{SELECT count(*) FROM sg_verify_fks_details('f', live => true)}, q{SELECT count(*) FROM sg_orphan_audit_details(plan => 'f')}, q{SELECT count(*) FROM sg_violations('f', 1)}, q{SELECT count(*) FROM sg_plan_check_details('f', '{1}')}, q{SELECT count(*) FROM sg_plan_sql('f', '{2,3}')},
	q{SELECT * FROM schemaguard.plan p, schemaguard.plan_step s, schemaguard.fk_trust, schemaguard.progress WHERE p.name = s.plan}, q{SELECT count(*) FROM sg_impact_details('r.c')}, q{SELECT count(*) FROM sg_discover_fks_details('r.c', verify => 'none')},
	q{SELECT count(*) FROM schemaguard.sg_measure_overhead('f', rounds => 1)}, q{SELECT sg_ok_keys_valid('{r}')}, q{SELECT sg_plan_approve('f')});

sub texts { return @_ ? 'ARRAY[' . join(', ', map { lit($_) } @_) . ']' : q{'{}'}; }

my @numbers = defined $ENV{SG_PLAN} ? $ENV{SG_PLAN} : 1 .. $plans;
while (my @some = splice @numbers, 0, 50)
{
	my $sql = "SET client_min_messages = error; SET statement_timeout = '120s';\n";

	foreach my $i (@some)
	{
		my (@making, @trouble, @reading);

		srand(seed() * 100_000 + $i);
		for my $n (1 .. int(rand(8)) + 1)
		{
			push @making, 'SELECT ' . $makers{ pick(@kinds) }->($n) =~ s/PLAN/'f'/r;
		}
		push @making, pick("SELECT sg_plan_skip('f', '{" . pick(1 .. 8) . "}', 'no')", q{SELECT sg_plan_set('f', '{1}', '{"orphans": "delete"}')}, q{SELECT sg_plan_set('f', '{2}', '{"index": "x"}')}, q{SELECT sg_plan_release('f', 'later')},
			q{SELECT sg_plan_option('f', 'lock_timeout', '5s')}) if chance(0.4);
		@trouble = grep { $_ } pick(@troubles);
		@reading = $i % 5 && !long_run() ? @readers[ 0 .. 9 ] : @readers;
		# what was exported is the same plan again, unless something of it has gone
		push @reading, $same if $i % 4 == 0 && !@trouble;
		$sql .= "CALL run($i, " . join(', ', texts(@making), texts(@trouble), texts(@reading)) . ");\n";
	}
	$node->safe_psql('postgres', $sql);
}

# ---- what came of it

is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' | ', state, message, left(what, 300)), E'\n') FROM (SELECT DISTINCT ON (message) * FROM outcome
	WHERE state !~ '^(0A|21|22|23|25|26|2B|3D|3F|42|53|54|55|SG)' OR message ~ 'cache lookup' ORDER BY message LIMIT 20) o}), '', 'each error has a SQLSTATE that says something');
is($node->safe_psql('postgres', 'SELECT string_agg(what || message, E' . "'\\n') FROM outcome WHERE what LIKE " . lit("%: $same") . q{ AND state = '22012'}), '', 'what is imported again is the same plan');
cmp_ok($node->safe_psql('postgres', 'SELECT last_value FROM added'), '>', 0.5 * $plans, 'steps are taken') unless defined $ENV{SG_PLAN};
note($node->safe_psql('postgres', 'SELECT (SELECT last_value FROM added), (SELECT last_value FROM read)') . ' steps taken, calls read without an error');
note(join "\n", map { join ' ', @$_ } rows($node, q{SELECT state, count(*), min(left(message, 100)) FROM outcome GROUP BY 1 ORDER BY 1}));
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP:|AddressSanitizer/, 'the server never crashed');

done_testing();
