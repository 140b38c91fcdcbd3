# 132_drift_matrix.pl: several environments on one page: snapshots, databases of this server and of another one through dblink, and
# one that nobody answers for.
#
# rooms: drift
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $node = new_node('here');
plan skip_all => 'dblink is not installed here' unless has_extension($node, 'dblink');
my $other = new_node('there', without => 1);
my $gone = PostgreSQL::Test::Cluster::get_free_port();

my $schema = q{
	CREATE SCHEMA app;
	CREATE TABLE app.same (id int PRIMARY KEY, a int);
	CREATE TABLE app.differs (id int PRIMARY KEY, a int DEFAULT 1, b text);
	CREATE TABLE app.lacking (id int PRIMARY KEY);
	CREATE TABLE app."We""ird T" (id int PRIMARY KEY);
	CREATE TABLE app.orders (id int PRIMARY KEY, same_id int CONSTRAINT orders_same REFERENCES app.same);
};
$node->safe_psql('postgres', $schema);
$node->safe_psql('postgres', q{CREATE DATABASE test});
$node->safe_psql('test', $schema . q{
	ALTER TABLE app.differs ALTER a SET DEFAULT 2;
	CREATE TABLE app.new (id int PRIMARY KEY, a int);
	CREATE TABLE app.new_too (id int PRIMARY KEY);
});
$other->safe_psql('postgres', $schema . q{
	ALTER TABLE app.differs DROP b, ALTER a SET DEFAULT 1 + 1;
	DROP TABLE app.lacking, app."We""ird T";
	ALTER TABLE app.orders DROP CONSTRAINT orders_same;
	CREATE TABLE app.new (id int PRIMARY KEY, a bigint);
	CREATE TABLE app.new_too (id int PRIMARY KEY);
});

sub server
{
	my ($name, $port, $host, $database) = @_;

	return "CREATE SERVER " . ident($name) . " FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '$host', port '$port', dbname '$database');
		CREATE USER MAPPING FOR CURRENT_USER SERVER " . ident($name) . ";";
}
$node->safe_psql('postgres', 'CREATE EXTENSION dblink;'
	. server('test', $node->port, $node->host, 'test')
	. server('sta"ging', $other->port, $other->host, 'postgres')
	. server('production', $gone, $node->host, 'postgres'));
$node->safe_psql('postgres', q{SELECT sg_snapshot_take('dev', '{app}')});

# The rows about schema app and the environments, by "kind object"
my $json = JSON::PP->new;
sub matrix
{
	my (@names) = @_;
	my %rows;

	foreach my $row (rows($node, 'SELECT kind, object, result, states, detail FROM sg_drift_matrix(' . text_array(@names) . q{) WHERE object LIKE 'app%' OR kind = 'environment'}))
	{
		my ($kind, $object, $result, $states, $detail) = @$row;
		my $state = $json->decode($states);
		$rows{"$kind $object"} = { result => $result, states => join(' ', map { $state->{$_} // '-' } @names), order => $states, detail => $detail };
	}
	return \%rows;
}

my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM schemaguard.snapshot');
my $m = matrix('dev', 'test', 'sta"ging', 'live');
is(join(', ', map { "$_: $m->{$_}{states}" } sort keys %$m), join(', ', sort
	'column app.differs.a: present different different present',
	'column app.differs.b: present present missing present',
	'constraint app.orders.orders_same: present present missing present',
	'table app."We""ird T": present present missing present',
	'table app.lacking: present present missing present',
	'column app.new.a: missing present different missing',
	'table app.new: missing present present missing',
	'table app.new_too: missing present present missing'), 'objects by environment')
  or diag(explain($m));
is(join(' ', sort { $a cmp $b } keys %{ { map { $_->{result} => 1 } values %$m } }), 'fail', 'each of them fails');
is($m->{'column app.differs.a'}{order}, '{"dev": "present", "test": "different", "sta\\"ging": "different", "live": "present"}', 'in the order of the names');
like($m->{'column app.differs.a'}{detail}, qr/^test: default; sta"ging: default$/, 'and says in what');
is($node->safe_psql('postgres', 'SELECT count(*) FROM schemaguard.snapshot'), $before, 'no snapshot is left');

# one that does not answer is unknown, and so are all objects there
$m = matrix('dev', 'production', 'test');
is($m->{'environment production'}{result} . ' ' . $m->{'environment production'}{states}, 'unknown - unknown -', 'a server that does not answer is unknown');
like($m->{'environment production'}{detail}, qr/could not (?:establish connection|connect)/, 'with the reason');
is(join(', ', map { "$_: $m->{$_}{states}" } grep { !/^environment/ } sort keys %$m), join(', ', sort
	'column app.differs.a: present unknown different',
	'table app.new: missing unknown present',
	'table app.new_too: missing unknown present'), 'as is each object there');
$m = matrix('production', 'dev', 'test');
is($m->{'column app.differs.a'}{states}, 'unknown present different', 'where the first does not answer, the next takes its place');
$m = matrix('production', 'dev');
is(join(', ', map { "$_: $m->{$_}{result} $m->{$_}{states}" } sort keys %$m), 'environment production: unknown unknown -', 'alone, it is nothing but unknown');
is(scalar(keys %{ matrix('dev', 'live') }), 0, 'where all is the same there is nothing to show');

# in a transaction that is already on, and in one that may not write
is($node->safe_psql('postgres', q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM sg_drift_matrix('{dev,test}') WHERE object LIKE 'app%'; COMMIT}), '3', 'in a REPEATABLE READ transaction');
is($node->safe_psql('postgres', q{BEGIN READ ONLY; SELECT result, object FROM sg_drift_matrix('{dev,test,live}') WHERE object LIKE 'app%' OR kind = 'environment'; COMMIT}),
	'unknown|test', 'a server can not be read where nothing can be kept');

# functions of somebody's who may create some beside ours are not taken for ours
$node->safe_psql('postgres', q{
	CREATE ROLE mallory; GRANT CREATE ON SCHEMA public TO mallory; SET ROLE mallory;
	CREATE FUNCTION public.sg_snapshot_take(snapshot text, server text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called as %', current_user; END $$;
	CREATE FUNCTION public.sg_snapshot_drop(snapshot varchar) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called as %', current_user; END $$});
$m = matrix('dev', 'test');
is(join(', ', map { "$_: $m->{$_}{states}" } grep { /differs/ } sort keys %$m), 'column app.differs.a: present different', 'a function of the same name is not called');
$node->safe_psql('postgres', 'DROP OWNED BY mallory; DROP ROLE mallory');

# misuse
is_error($node, q{SELECT * FROM sg_drift_matrix(NULL)}, '22004', undef, 'no names');
is_error($node, q{SELECT * FROM sg_drift_matrix('{dev}')}, '22023', qr/2 to 100 environments, not 1/, 'one name');
is_error($node, q{SELECT * FROM sg_drift_matrix('{dev,dev}')}, '22023', qr/named twice/, 'the same name twice');
is_error($node, q{SELECT * FROM sg_drift_matrix('{dev,no such}')}, '42704', qr/"no such" is neither a snapshot nor a foreign server/, 'a name of nothing');
is_error($node, q{SELECT * FROM sg_drift_matrix('{dev,NULL}')}, '22004', undef, 'a null among the names');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.snapshot}), $before, 'and nothing is left');

# a misspelt name is told before a server is waited for
$other->append_conf('postgresql.conf', 'log_connections = on');
$other->restart;
my $log = -s $other->logfile;
is_error($node, q{SELECT * FROM sg_drift_matrix(ARRAY['sta"ging', 'no such'])}, '42704', undef, 'a name of nothing after that of a server');
unlike(slurp_file($other->logfile, $log), qr/dbname|connection authorized/, 'which was not asked');

# ---- a table that one has renamed, and another has under both names ----

$node->safe_psql('postgres', q{
	CREATE SCHEMA app2; CREATE TABLE app2.t (id int PRIMARY KEY, a int, b text, c date); SELECT sg_snapshot_take('one', '{app2}');
	ALTER TABLE app2.t RENAME TO t2; SELECT sg_snapshot_take('two', '{app2}');
	CREATE TABLE app2.t (id int PRIMARY KEY, a int, b text, c date); SELECT sg_snapshot_take('three', '{app2}')});
$m = matrix('one', 'two', 'three');
is(join(', ', map { "$_: $m->{$_}{states} $m->{$_}{detail}" } sort keys %$m),
	'table app2.t: present different present two: renamed to app2.t2, table app2.t2: missing different present two: renamed from app2.t',
	'what has another name is not missing under that');
$m = matrix('three', 'two', 'one');
is(join(', ', map { "$_: $m->{$_}{states}" } sort keys %$m), 'table app2.t: present missing present, table app2.t2: present present missing',
	'unless the first one has both');

$node->stop('immediate');
$other->stop('immediate');
done_testing();
