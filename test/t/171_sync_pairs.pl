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
my $options = q{allow_drop => true, renames => 'drop'};

sub query { my ($sql, $db) = @_; return $node->safe_psql($db, $sql); }

# Each with what is there, what the reference has, and rows
my @pairs = (
	# a table or type that is another one, and has the names of what belongs to the old one
	[ 'CREATE TABLE a.orders (id serial PRIMARY KEY, x int)', 'CREATE TABLE a.orders (id serial PRIMARY KEY, x int); ALTER TABLE a.orders RENAME TO purchases' ],
	[ 'CREATE TYPE a.span AS RANGE (SUBTYPE = float8)', 'CREATE TYPE a.span AS RANGE (SUBTYPE = float8); ALTER TYPE a.span RENAME TO span2' ],
	[ 'CREATE TYPE a.empty AS ()', 'CREATE TYPE a.empty AS (a int)' ],
	# the table is another one, so is its constraint, whatever it says
	[ 'CREATE FOREIGN TABLE a.remote (a int, CONSTRAINT cs1 CHECK (a > 200) NO INHERIT) SERVER s1', 'CREATE FOREIGN TABLE a.remote (a int, CONSTRAINT cs2 CHECK (a > 200) NO INHERIT) SERVER s2' ],
	# left out
	[ 'CREATE SERVER held FOREIGN DATA WRAPPER w1; CREATE FOREIGN TABLE a.of_held (a int) SERVER held', 'CREATE SERVER held FOREIGN DATA WRAPPER w2; CREATE FOREIGN TABLE a.of_held (a int) SERVER held' ],
	[ 'CREATE TABLE a.filled (id int PRIMARY KEY)', 'CREATE TABLE a.filled (id int PRIMARY KEY, x text NOT NULL)', 'INSERT INTO a.filled SELECT generate_series(1, 10)' ],
	[ 'CREATE TABLE a.unfilled (id int PRIMARY KEY)', 'CREATE TABLE a.unfilled (id int PRIMARY KEY, x text NOT NULL)' ]);
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

my $left = "changed|foreign server|held|wrapper\nchanged|column|a.filled.x|not_null";
sub drift { return query(q{SELECT change, kind, object, property FROM sg_drift_details('reference') ORDER BY kind DESC}, $_[0]); }

my $script = query("SELECT sg_sync_sql('reference', $options)", 'scripted');
like($script, qr/^-- left out: foreign server held: type wrapper, foreign tables stand on it, and nothing moves them: a\.of_held$/m, 'a server with tables is left out');
like($script, qr/^-- left out: 10 rows are in the way: SELECT \* FROM public\.sg_rule_violations\('a\.filled', 'check', 'false'\)$/m, 'rows that a new column would be null in are counted');
unlike($script, qr/^-- left out: .*a\.unfilled/m, 'and none where there are none');
append_to_file("$dir/script.sql", $script);
query("\\i $dir/script.sql", 'scripted');
is(drift('scripted'), $left, 'the script runs to its end, and what is left is what it says');
query("CALL sg_sync_apply('reference', $options, fail => false)", 'applied');
is(drift('applied'), $left, 'so it is with sg_sync_apply');
is(query('SELECT count(*) FROM a.filled', $_), '10', 'rows are there') foreach 'scripted', 'applied';

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
my ($status, undef, $stderr) = $node->psql('followed_apply', q{CALL sg_sync_apply('reference', renames => 'perhaps')});
like($stderr, qr/ERROR:  invalid value for renames: "perhaps"\nHINT:  Use ask, follow or drop\./, 'another word is refused');

$node->stop;

done_testing();
