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
my $options = 'allow_drop => true';

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

$node->stop;

done_testing();
