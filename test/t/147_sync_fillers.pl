# 147_sync_fillers.pl: the trigger by which a plan fills a column is in no snapshot, and nothing drops the column, or changes its type, while it
# stands there: so sg_sync_check does not pass, and the script and sg_sync_apply end before anything is done, with the call that ends it.
#
# rooms: sync plan
# majors: one (what stands on what is the same)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('sync_fillers', conf => "autovacuum = off\nfsync = off\n");
my $db = 'postgres';

sub query { my ($sql) = @_; return $node->safe_psql($db, "SET client_min_messages = error;\n$sql"); }

my $files = $PostgreSQL::Test::Utils::tmp_check;
my $args = "'taken', allow_drop => true";
my ($rollback, $second, $release) = ((map { "CALL public.sg_rollback_fks('waits', steps => '{$_}');" } 1, 2), "SELECT public.sg_plan_release('fills', 'fill');");
query(<<'SQL');
CREATE TYPE mood AS ENUM ('good', 'bad', 'gone');
CREATE TABLE t (id int PRIMARY KEY, d int, wide bigint, m mood);
CREATE TABLE heir () INHERITS (t);
CREATE TABLE "Part""s" (id int, x int) PARTITION BY RANGE (id);
CREATE TABLE "Part""s1" PARTITION OF "Part""s" FOR VALUES FROM (0) TO (10);
CREATE TABLE kept (id int);
INSERT INTO t VALUES (1, 1, 1, 'good'), (2, 2, NULL, NULL); INSERT INTO "Part""s" VALUES (1, 1);
SELECT sg_snapshot_take('taken');
DROP TABLE kept; CREATE TABLE made (id int);
ALTER TABLE t ALTER wide TYPE int; ALTER TYPE mood ADD VALUE 'later';
SELECT sg_plan_create('fills'), sg_plan_add_column('fills', 't', 'd2', 'int', fill => 'd * 2'), sg_plan_add_column('fills', '"Part""s"', 'X 2', 'int', fill => 'x * 2');
SELECT sg_plan_create('waits'), sg_plan_add_not_null('waits', 't', 'wide', policy => 'set', fill => 'd'),
    sg_plan_add_not_null('waits', 't', 'm', policy => 'set', fill => $$'bad'::public.mood$$);
CALL sg_apply('fills', fail => true);
SQL
# steps that are not done: somebody holds a row
my $holder = SgTest::Session->new($node);
$holder->query('BEGIN; SELECT FROM t WHERE id = 2 FOR UPDATE');
query("SET schemaguard.lock_timeout = '100ms'; CALL sg_apply('waits', fix => true, fail => false)");
$holder->query('COMMIT');
$holder->quit;
my $stands = join "\n", map { qq{a trigger of plan "$_->[0]", which fills rows, stands on $_->[1]} } [ fills => 'column public."Part""s"."X 2"' ],
  [ waits => 'a column of type public.mood' ], [ fills => 'column public.t.d2' ], [ waits => 'column public.t.wide' ];
my $script = query("SELECT * FROM sg_sync_sql($args)");
# what the script says at its end, and which of the two tables there are
my $run = sub {
	append_to_file("$files/filled.sql", $_[0]);
	my $said = `psql -XqAt -f '$files/filled.sql' '@{[ $node->connstr($db) ]}' 2>&1`;
	unlink "$files/filled.sql";
	return $said . query(q{SELECT string_agg(c::text, ' ') FROM unnest(ARRAY[to_regclass('kept'), to_regclass('made')]) c});
};
is(query("SELECT string_agg(substring(detail FROM 'the script will not begin: ([^;]*)'), E'\\n') FROM sg_sync_check_details($args) WHERE class = 'unknown' AND NOT left_out"),
	$stands, 'the check does not pass');
is(query("SELECT string_agg(object, ' ' ORDER BY object) FROM sg_sync_check_details('taken') WHERE detail LIKE '%will not begin%'"),
	'public.t.wide', 'without allow_drop, what is not dropped is in nobody\'s way');
like($script, qr/^-- a trigger of plan "waits"[^\n]* on column public\.t\.wide: the script will not begin before\n-- \Q$rollback\E\n/m, 'the head of the script tells');
my $ended = $run->($script);
like($ended, qr/ERROR:  nothing has been applied: \Q@{[ $stands =~ s{\n}{, }gr ]}\E\nHINT:  Run this first, then the script again:\n\Q$rollback\E\n\Q$second\E\n\Q$release\E\n.*\nmade$/s,
	'and ends before anything is done');
is_error($node, "CALL sg_sync_apply($args)", '55000', qr/this database is not made what "taken" is: a plan fills what is dropped, or gets another type\nDETAIL:  \Q$stands\E\n/,
	'so does sg_sync_apply', dbname => $db);
is_error($node, "CALL sg_sync_apply($args)", '55000', qr/make the same call again:\n\Q$release\E\n\Q$second\E\n\Q$rollback\E\n/, 'which says what ends that', dbname => $db);
is(query("SELECT count(*) FROM schemaguard.plan WHERE name LIKE 'sync %'"), '0', 'before it makes a plan');
query($_) for $release, $second, $rollback;
is(query("SELECT count(*) FROM sg_sync_check_details($args) WHERE NOT left_out"), '0', 'after these calls, the check passes');
is($run->($script), 'kept', 'the script that was written before runs');

# types that are made anew, or that change below a table, and names that the script changes first
query(<<'SQL');
CREATE SCHEMA anew; SET search_path = anew, public;
CREATE DOMAIN d AS int; CREATE TABLE of_domain (id int PRIMARY KEY, s int, v d);
CREATE TYPE r AS RANGE (subtype = int4); CREATE TABLE of_range (id int PRIMARY KEY, s int, v r);
CREATE COLLATION c (provider = libc, locale = 'C'); CREATE TABLE collated (id int PRIMARY KEY, s text, v text COLLATE c);
CREATE TYPE ty AS (id int, s int, v int); CREATE TABLE typed OF ty; CREATE TABLE "to be" (id int PRIMARY KEY, s int, "a.b" int);
SELECT sg_snapshot_take('before');
ALTER TABLE of_domain ALTER v TYPE bigint; DROP DOMAIN d; CREATE DOMAIN d AS bigint; ALTER TABLE of_domain ALTER v TYPE d;
ALTER TABLE of_range DROP v; DROP TYPE r; CREATE TYPE r AS RANGE (subtype = int8); ALTER TABLE of_range ADD v r;
ALTER TABLE collated ALTER v TYPE text COLLATE "C"; DROP COLLATION c; CREATE COLLATION c (provider = libc, locale = 'POSIX'); ALTER TABLE collated ALTER v TYPE text COLLATE c;
ALTER TYPE ty ALTER ATTRIBUTE v TYPE bigint CASCADE;
ALTER TABLE "to be" RENAME TO was; ALTER TABLE was RENAME "a.b" TO "c""d"; ALTER TABLE was ALTER "c""d" TYPE bigint; INSERT INTO was VALUES (1, 1);
INSERT INTO of_domain VALUES (1, 1); INSERT INTO of_range VALUES (1, 1); INSERT INTO collated VALUES (1, 'a'); INSERT INTO typed VALUES (1, 1);
SELECT sg_plan_create('anew'), sg_plan_add_column('anew', 'of_domain', 'v', 'anew.d', fill => 's'), sg_plan_add_column('anew', 'of_range', 'v', 'anew.r', fill => 'anew.r(s, s + 1)'),
	sg_plan_add_column('anew', 'collated', 'v', 'text COLLATE anew.c', fill => 's'), sg_plan_add_column('anew', 'typed', 'v', 'bigint', fill => 's'), sg_plan_add_column('anew', 'was', 'c"d', 'bigint', fill => 's');
CALL sg_apply('anew', fail => true);
CREATE TABLE extra ();
SQL
my $anew = join ', ', map { qq{a trigger of plan "anew", which fills rows, stands on $_} } 'column anew.collated.v', 'column anew.of_domain.v', 'column anew.of_range.v', 'a table of type anew.ty', 'column anew.was."c""d"';
is(query("SELECT string_agg(substring(detail FROM 'the script will not begin: ([^;]*)'), ', ') FROM sg_sync_check_details('before', schemas => '{anew}', allow_drop => true, renames => 'follow') WHERE class = 'unknown' AND NOT left_out"),
	$anew, 'types that are made anew: the check does not pass');
is_error($node, "CALL sg_sync_apply('before', '{anew}', allow_drop => true, renames => 'follow')", '55000', qr/a plan fills what is dropped, or gets another type\n.*public\.sg_plan_release\('anew', 'fill'\);/s, '... and sg_sync_apply refuses', dbname => $db);
is(query(q{SELECT to_regclass('anew.extra')}), 'anew.extra', '... before it drops anything');
query(q{SELECT sg_plan_release('anew', 'fill')});
is(query("SELECT count(*) FROM sg_sync_check_details('before', schemas => '{anew}', allow_drop => true, renames => 'follow') WHERE NOT left_out"), '0', '... and after the call in the hint, it passes');
query('DROP SCHEMA anew CASCADE');

# the columns that a key's backfill fills, whose trigger looks at no column of its own accord
query(<<'SQL');
CREATE TABLE referenced (id int, id2 int, PRIMARY KEY (id, id2)); CREATE TABLE referencing (id int PRIMARY KEY, o int);
INSERT INTO referenced VALUES (1, 1); INSERT INTO referencing SELECT g, g FROM generate_series(1, 2) g;
SELECT sg_snapshot_take('unkeyed');
SELECT sg_plan_create('keyed'), sg_plan_add_fk('keyed', 'referencing', '{n,n2}', 'referenced', '{id,id2}', backfill => 'o, o');
CALL sg_apply('keyed', fail => false);
SQL
is_error($node, "CALL sg_sync_apply('unkeyed', '{public}', allow_drop => true)", '55000',
	qr/of plan "keyed", which fills rows, stands on column public\.referencing\.n\n.*on column public\.referencing\.n2\n.*sg_rollback_fks\('keyed', steps => '\{1\}'\)/s,
	'a column that a backfill fills is not dropped', dbname => $db);
is_error($node, 'ALTER TABLE referencing DROP COLUMN n2', '2BP01', qr/depends on column n2/, '... nor by a statement without CASCADE', dbname => $db);
query("CALL sg_rollback_fks('keyed'); INSERT INTO referencing VALUES (3, 3); DROP TABLE referencing, referenced; SELECT sg_plan_drop('keyed')");

# what is left is told by a call with the same arguments
query(q{ALTER TABLE t ADD more int; CREATE VIEW on_it AS SELECT more FROM t;
	INSERT INTO schemaguard.drift_ignore (kind, object, reason) VALUES ('view', 'public.on_it', 'stays')});
my (undef, undef, $left) = $node->psql($db, "CALL sg_sync_apply('taken', '{public}', allow_drop => true, renames => 'drop', fail => false)");
like($left, qr/this database is not yet what "taken" is\nHINT:  What is left:\nSELECT \* FROM public\.sg_sync_sql\('taken', schemas => '\{public\}', allow_drop => true, renames => 'drop'\);/,
	'what is left is told by a call with the same arguments');
$node->stop;
done_testing();
