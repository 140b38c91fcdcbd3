# 122_drift_identical.pl: databases that are the same and were made in different ways have no drift.
#
# The way: another role with other session settings, dump and restore (twice: what PostgreSQL prints it prints otherwise
# when it has read it), other names of automatic constraints, grants in another order and by others, columns dropped and
# added in between. Then the same for real schemas, where ../shared/corpus is (all with SG_LONG).
#
# rooms: drift expression
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgDrift;
use SgTest;
use Test::More;

my $node = new_node('identical', conf => "autovacuum = off\nfsync = off\nwal_level = logical\n");
my $major = major($node);

# Statements that are printed in more than one way
my $texts = <<'SQL';
CREATE TABLE m.spelt (id serial PRIMARY KEY, status varchar(10) DEFAULT 'new', kind "char", code char(3), n numeric DEFAULT 0, big bigint DEFAULT -1,
    at timestamptz DEFAULT CURRENT_TIMESTAMP, span interval DEFAULT '1 day 02:00', day date DEFAULT CURRENT_DATE, tags text[] DEFAULT '{a,b}',
    price real, ratio float8 DEFAULT 0.1, raw bytea DEFAULT '\x00ff', doc jsonb DEFAULT '{"a": 1}', who text DEFAULT CURRENT_USER, mood m.mood DEFAULT 'sad',
    CHECK (status IN ('new', 'old', 'paid')), CHECK (status NOT IN ('x', 'y') OR n BETWEEN 1 AND 5 AND big > 2), CHECK (code LIKE 'a%'),
    CHECK (n > 0 AND (big < 100 OR price = 1.5) AND length(status) <= 10), CHECK (kind = 'a' OR kind = ANY ('{b,c}')),
    CHECK (at > '2020-01-01' AND day < DATE '2030-01-01'), CHECK (NOT (n = 5 AND big <> 5)), CHECK (status ~* '^[a-z]+$' AND status !~ 'q'),
    CHECK (span > INTERVAL '1 hour'), CHECK (CASE WHEN n > 1 THEN big ELSE 0 END >= 0), CHECK (coalesce(status, 'x') <> 'y'), CHECK (mood <> 'mad'));
CREATE INDEX ON m.spelt (lower(status), (n + 1)) WHERE status IN ('new', 'old') AND n IS NOT NULL;
CREATE INDEX ON m.spelt USING gin (to_tsvector('english', status));
CREATE VIEW m.texts AS SELECT s.id, s.status AS st, count(*) OVER (PARTITION BY s.kind ORDER BY s.at DESC) AS c, extract(year FROM s.at) AS y
    FROM m.spelt s LEFT JOIN m.parent p ON p.id = s.id AND p.code IN ('a', 'b') WHERE s.status IN ('new', 'old') AND s.at > now() - INTERVAL '1 day';
CREATE VIEW m.nested AS WITH w AS (SELECT id FROM m.spelt WHERE n BETWEEN 1 AND 2) SELECT * FROM w UNION ALL SELECT id FROM m.parent WHERE EXISTS (SELECT 1 FROM w WHERE w.id = parent.id);
CREATE VIEW m.single AS SELECT id, n FROM m.spelt WHERE kind = 'a';
CREATE POLICY sub ON m.spelt USING (id IN (SELECT parent.id FROM m.parent WHERE parent.code = 'x')) WITH CHECK (status = CURRENT_USER);
CREATE RULE ins AS ON INSERT TO m.single DO INSTEAD INSERT INTO m.spelt (n) VALUES (new.n) RETURNING spelt.id, spelt.n;
CREATE FUNCTION m.defaults(a int DEFAULT 5, b text DEFAULT 'x', VARIADIC c text[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$ SELECT b $$;
CREATE TABLE m.ref (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE m.ref_b PARTITION OF m.ref FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE m.to_ref (id int, CONSTRAINT chosen FOREIGN KEY (id) REFERENCES m.ref ON DELETE CASCADE);
CREATE TABLE m.ref_a PARTITION OF m.ref FOR VALUES FROM (0) TO (10);
CREATE TABLE m.ref_d PARTITION OF m.ref FOR VALUES FROM (20) TO (30);
CREATE TABLE m.ref_c PARTITION OF m.ref_b FOR VALUES FROM (10) TO (20);
GRANT USAGE ON SCHEMA m TO other; GRANT SELECT, INSERT ON m.parent TO other, third; GRANT UPDATE ON m.parent TO other WITH GRANT OPTION;
SQL

sub database
{
	my ($name, $sql, %settings) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	$node->safe_psql($name, 'CREATE EXTENSION schemaguard');
	$node->safe_psql($name, join('', map { "SET $_ = $settings{$_};\n" } sort keys %settings) . $sql);
}

# The rows of drift and of unknown in $target against $reference; the others with cosmetic => true are counted, too
sub differences
{
	my ($reference, $target, $cosmetic) = @_;
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/$reference.json";

	$node->safe_psql($reference, "SELECT sg_snapshot_drop('r') FROM schemaguard.snapshot WHERE name = 'r'");
	$node->safe_psql($target, "SELECT sg_snapshot_drop('r') FROM schemaguard.snapshot WHERE name = 'r'");
	$node->safe_psql($reference, "SELECT sg_snapshot_take('r')");
	open my $handle, '>', $file or die "$file: $!";
	print $handle $node->safe_psql($reference, "SELECT sg_snapshot_export('r')");
	close $handle;
	$node->safe_psql($target, "\\set document `cat $file`\nSELECT sg_snapshot_import('r', :'document')");
	return $node->safe_psql($target, "SELECT kind, object, change, property, expected, actual, class, detail FROM sg_drift_details('r'"
		  . ($cosmetic ? ", cosmetic => true) WHERE class = 'cosmetic'" : ") WHERE class <> 'unmanaged'"));
}

sub dump_and_restore
{
	my ($from, $to) = @_;
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/$to.sql";
	$node->command_ok([ 'pg_dump', '-s', '-f', $file, '-d', $node->connstr($from) ], "pg_dump of $from");
	$node->safe_psql('postgres', "CREATE DATABASE $to TEMPLATE template0");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr($to) ], "... restored as $to");

	# a dump without data leaves them empty
	$node->safe_psql($to, 'REFRESH MATERIALIZED VIEW m.mv') if $from !~ /^corpus/;
}

$node->safe_psql('postgres', roles() . 'CREATE ROLE maker SUPERUSER LOGIN');
database('one', everything() . $texts);

# ---- another role and other settings; objects belong to the same role in the end ----

my $owner = $node->safe_psql('postgres', 'SELECT quote_ident(CURRENT_USER)');
database(
	'two', "SET SESSION AUTHORIZATION maker;" . everything() . $texts,
	search_path => 'm2, pg_temp', quote_all_identifiers => 'on', DateStyle => "'German'", IntervalStyle => "'iso_8601'", TimeZone => "'UTC'",
	bytea_output => "'escape'", extra_float_digits => 0, backslash_quote => 'on', default_toast_compression => "'pglz'", check_function_bodies => 'off');
is($node->safe_psql('two', "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'm'::regnamespace"), 'maker', 'made by another role');
like(differences('one', 'two'), qr/owner/, 'which is drift');
$node->safe_psql('two', "REASSIGN OWNED BY maker TO $owner; ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA m REVOKE SELECT ON TABLES FROM other;
	ALTER DEFAULT PRIVILEGES FOR ROLE $owner IN SCHEMA m GRANT SELECT ON TABLES TO other");
is(differences('one', 'two'), '', 'made by another role, in a session with other settings');

# ---- dump and restore ----

dump_and_restore('one', 'three');
is(differences('one', 'three'), '', 'dump and restore');
dump_and_restore('three', 'four');
is(differences('one', 'four'), '', 'dump and restore of that');
is(differences('four', 'one'), '', 'the other way round');

# ---- names, grants, comings and goings ----

$node->safe_psql('two', <<'SQL');
ALTER TABLE m.other_parent RENAME CONSTRAINT other_parent_pkey TO another_name;
ALTER INDEX m.spelt_to_tsvector_idx RENAME TO words;
ALTER TABLE m.spelt RENAME CONSTRAINT spelt_code_check TO code_check;
ALTER TABLE m.spelt DROP CONSTRAINT spelt_check, DROP CONSTRAINT spelt_check1,
    ADD CHECK (n > 0 AND (big < 100 OR price = 1.5) AND length(status) <= 10),
    ADD CHECK (status NOT IN ('x', 'y') OR n BETWEEN 1 AND 5 AND big > 2);
REVOKE ALL ON m.parent FROM other, third;
GRANT UPDATE ON m.parent TO other WITH GRANT OPTION; GRANT SELECT ON m.parent TO third; GRANT INSERT ON m.parent TO third, other; GRANT SELECT ON m.parent TO other;
SET ROLE other; GRANT UPDATE ON m.parent TO third; RESET ROLE;
ALTER TABLE m.plain ADD gone int; ALTER TABLE m.plain DROP gone;
ALTER TABLE m.plain DROP y CASCADE; ALTER TABLE m.plain ADD y int;
ALTER TABLE m.heir ADD q int; ALTER TABLE m.heir DROP q;
SQL
$node->safe_psql('one', 'GRANT UPDATE ON m.parent TO third');
is(differences('one', 'two'), '', 'names that PostgreSQL chose, the order and grantor of grants, columns that came and went');
like(differences('one', 'two', 1), qr/another_name/, 'names of automatic constraints are cosmetic');

# ---- real schemas ----

my $corpus = $ENV{CORPUS} || "$FindBin::RealBin/../../../shared/corpus";
SKIP:
{
	skip "no corpus in $corpus", 1 if !-e "$corpus/load_facts.sh";
	my @names = map { m,([^/]+)/tables.tsv$, ? $1 : () } sort glob "$corpus/*/tables.tsv";
	@names = qw(kea) if !long_run();
	foreach my $name (@names)
	{
		local $ENV{PGHOST} = $node->host;
		local $ENV{PGPORT} = $node->port;
		is(system("bash '$corpus/load_facts.sh' '$corpus/$name' corpus_$name > /dev/null 2>&1"), 0, "$name is loaded");
		$node->safe_psql("corpus_$name", 'CREATE EXTENSION schemaguard');
		dump_and_restore("corpus_$name", "again_$name");
		is(differences("corpus_$name", "again_$name"), '', "$name after dump and restore");
		$node->safe_psql('postgres', "DROP DATABASE corpus_$name; DROP DATABASE again_$name");
	}
}

done_testing();
