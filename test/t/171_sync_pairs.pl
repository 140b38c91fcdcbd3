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
	# whose options no snapshot has
	[ 'SELECT 1', q{CREATE USER MAPPING FOR PUBLIC SERVER s1 OPTIONS ("user" 'bob')} ],
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
like($script, qr/^-- left out: user mapping s1\.PUBLIC: options, a snapshot hides the values of its options$/m, 'so are the options of a user mapping');
append_to_file("$dir/script.sql", $script);
query("\\i $dir/script.sql", 'scripted');
is(drift('scripted'), $left, 'the script runs to its end, and what is left is what it says');
my (undef, undef, $err) = $node->psql('applied', "CALL sg_sync_apply('reference', $options, fail => false)");
like($err, qr/WARNING:  user mapping s1\.PUBLIC is made without its options, which no snapshot has$/m, 'which sg_sync_apply says, too');
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
# what has to wait beside the two names, and what follows from an answer; each with what is there, what the reference has, and rows
my @together = (
	[ 'CREATE TABLE m (id int, logdate date) PARTITION BY RANGE (logdate); CREATE TABLE m1 PARTITION OF m DEFAULT', 'CREATE TABLE m (id int, log_date date) PARTITION BY RANGE (log_date); CREATE TABLE m1 PARTITION OF m DEFAULT', q{INSERT INTO m VALUES (1, '2020-01-01')} ],
	[ 'CREATE TABLE t (id int, nam text, p int)', 'CREATE TABLE t (id int, name text, p int); CREATE INDEX ON t (name); ALTER TABLE t ADD CHECK (name <> $$$$)', q{INSERT INTO t VALUES (1, 'a', 2)} ],
	[ 'CREATE TABLE heir_of (id int, nam text); CREATE TABLE heir (y int) INHERITS (heir_of)', 'CREATE TABLE heir_of (id int, name text); CREATE TABLE heir (y int) INHERITS (heir_of)', q{INSERT INTO heir VALUES (1, 'a', 2)} ],
	[ 'CREATE TABLE q (id int PRIMARY KEY, quantity int NOT NULL CHECK (quantity > 0))', 'CREATE TABLE q (id int PRIMARY KEY, quantities bigint NOT NULL CHECK (quantities > 0))', 'INSERT INTO q VALUES (1, 2)' ],
	[ 'CREATE TABLE whole (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); CREATE TABLE w_one PARTITION OF whole FOR VALUES FROM (0) TO (10); CREATE TABLE w_two PARTITION OF whole FOR VALUES FROM (10) TO (20)',
		'CREATE TABLE whole (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); CREATE TABLE w_first PARTITION OF whole FOR VALUES FROM (0) TO (10); CREATE TABLE w_second PARTITION OF whole FOR VALUES FROM (10) TO (20)', 'INSERT INTO whole VALUES (1, 1), (11, 1)' ],
	[ 'CREATE SCHEMA old_place; CREATE TABLE old_place.c (id serial PRIMARY KEY, a text, b date, d date); CREATE TABLE old_place.junk (z int)', 'CREATE SCHEMA new_place; CREATE TABLE new_place.c (id serial PRIMARY KEY, a text, b date, d date)', 'INSERT INTO old_place.c (a) VALUES (1)' ],
	[ 'CREATE TABLE moved (id serial PRIMARY KEY, k text, l date, n inet)', 'CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.moved (id serial PRIMARY KEY, k text, l date, n inet)', 'INSERT INTO moved (k) VALUES (1)' ]);
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
my ($status, undef, $stderr) = $node->psql('followed_apply', q{CALL sg_sync_apply('reference', renames => 'perhaps')});
like($stderr, qr/ERROR:  invalid value for renames: "perhaps"\nHINT:  Use ask, follow or drop\./, 'another word is refused');

$node->stop;

done_testing();
