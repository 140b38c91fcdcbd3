# 114_fake_server.pl: a snapshot of a server that is none.
#
# Something that speaks PostgreSQL's protocol gives nulls, wrong types, too many rows, too few columns, errors and nonsense, or
# says nothing at all: each is an error with its SQLSTATE, the session goes on, and a cancel ends it at once.
#
# rooms: snapshot
# majors: one (reads what another server says)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IO::Socket::UNIX;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use SgTest;

my $node = new_node('fake');
plan skip_all => 'dblink is not available' unless has_extension($node, 'dblink');

# ---- the other side: what it does is told by the database that is asked for

# Messages of the protocol; undef is a null
sub message { my ($type, $body) = @_; return $type . pack('N', 4 + length $body) . $body }
sub strings { return join '', map { "$_\0" } @_ }
sub ready { return message('Z', 'I') }
sub done { return message('C', strings($_[0])) }
sub refusal { return message('E', strings('SERROR', 'VERROR', "C$_[0]", "M$_[1]") . "\0") }

sub table
{
	my ($columns, @rows) = @_;

	return message('T', pack('n', $columns) . join '', map { pack('Z* N n N n N n', "c$_", 0, 0, 25, 0xffff, 0xffffffff, 0) } 1 .. $columns)
	  . join('', map { row(@$_) } @rows) . done('SELECT ' . @rows);
}
sub row { return message('D', pack('n', scalar @_) . join '', map { defined $_ ? pack('N/a*', $_) : pack('N', 0xffffffff) } @_) }

my @good = ([ 'schema', 'public', undef, '{"owner": "x"}', '1' ], [ 'table', 'public.t', 'public', '{"type": "table", "owner": "x"}', undef ]);
sub version { return table(2, @_) . ready() }
sub objects { my ($columns, @rows) = @_; return table($columns, @rows) . ready() }

# What is answered to the first question, for version and database, to the one for the environment, or to the one for objects
my %version = (
	'no database' => version([ '150000', undef ]),
	'no version' => version([ undef, 'd' ]),
	'a word as version' => version([ 'abc', 'd' ]),
	'a large version' => version([ '99999999999', 'd' ]),
	'a negative version' => version([ '-1', 'd' ]),
	'a long database' => version([ '150000', 'x' x 70000 ]),
	'no row' => version(),
	'two rows' => version([ '150000', 'd' ], [ '150000', 'd' ]),
	'one column' => table(1, ['150000']) . ready(),
	'three columns' => table(3, [ '150000', 'd', 'x' ]) . ready(),
	'a command' => done('SET') . ready(),
	'nothing to do' => message('I', '') . ready(),
	'an old version' => version([ '110022', 'd' ]),
	'an error' => refusal('42501', 'no') . ready(),
	'a cancel' => refusal('57014', 'canceling statement due to statement timeout') . ready(),
	'nonsense' => 'x' x 5000,
	'a good bye' => 'close',
	'silence' => '',
	'half a row' => substr(table(2, [ '150000', 'd' x 500 ]), 0, 200),
);
my %environment = (
	'environment: no row' => table(1) . ready(),
	'environment: null' => table(1, [undef]) . ready(),
	'environment: a word' => table(1, ['x']) . ready(),
	'environment: an array' => table(1, ['[]']) . ready(),
	'environment: two columns' => table(2, [ '{}', '{}' ]) . ready(),
	'environment: an error' => refusal('42501', 'no') . ready(),
	'environment: silence' => '',
	'environment: half a row' => substr(table(1, [ '{"encoding": "UTF8"}' ]), 0, 40),
);
my %objects = (
	'no kind' => objects(5, [ undef, 'public', undef, '{}', '1' ]),
	'no identity' => objects(5, [ 'schema', undef, undef, '{}', '1' ]),
	'no properties' => objects(5, [ 'schema', 'public', undef, undef, '1' ]),
	'all null' => objects(5, [ undef, undef, undef, undef, '1' ]),
	'a word as properties' => objects(5, [ 'schema', 'public', undef, 'x', '1' ]),
	'an array as properties' => objects(5, [ 'schema', 'public', undef, '[]', '1' ]),
	'null as properties' => objects(5, [ 'schema', 'public', undef, 'null', '1' ]),
	'a column without a type' => objects(5, [ 'column', 'public.t.a', 'public.t', '{}', '1' ]),
	'a body of null' => objects(5, [ 'function', 'public.f()', 'public', '{"language": "sql", "body": null}', '1' ]),
	'no parent' => objects(5, [ 'table', 'public.t', undef, '{"type": "table"}', '1' ]),
	'a column elsewhere' => objects(5, [ 'column', 'x', 'public.a_long_name', '{"type": "text"}', '1' ]),
	'an unknown kind' => objects(5, [ 'thing', 'x', undef, '{}', '1' ]),
	'a long kind' => objects(5, [ 'x' x 70000, 'x', undef, '{}', '1' ]),
	'a long identity' => objects(5, [ 'schema', 'x' x 70000, undef, '{}', '1' ]),
	'few columns' => objects(4, [ 'schema', 'public', undef, '{}' ]),
	'many columns' => objects(6, [ 'schema', 'public', undef, '{}', '1', 'x' ]),
	'many rows' => objects(5, map { [ 'schema', "s$_", undef, '{}', $_ ] } 1 .. 5001),
	'a word as OID' => objects(5, [ 'schema', 'public', undef, '{}', 'x' ]),
	'one row twice' => objects(5, @good, $good[1]),
	'objects: a command' => done('FETCH 0') . ready(),
	'objects: an error' => refusal('42501', 'no') . ready(),
	'objects: a good bye' => 'close',
	'objects: silence' => '',
	'objects: half a row' => substr(objects(5, @good), 0, 150),
);
# ... or to the question whether it can have a scratch database
my %role = ('role: no row' => table(1) . ready(), 'role: two rows' => table(1, [undef], [undef]) . ready());

sub read_exactly
{
	my ($socket, $length) = @_;
	my $data = '';

	while (length $data < $length)
	{
		return undef unless sysread $socket, $data, $length - length $data, length $data;
	}
	return $data;
}

# Stay silent until the other side goes; the file says that it has come to this
sub stay_silent
{
	my ($socket, $file) = @_;

	open my $mark, '>', $file or die "$file: $!";
	close $mark;
	while (sysread $socket, my $rest, 8192) { }
	POSIX::_exit(0);
}

sub serve
{
	my ($socket, $directory) = @_;
	my ($length) = unpack 'N', read_exactly($socket, 4) // POSIX::_exit(0);
	my $startup = read_exactly($socket, $length - 4) // POSIX::_exit(0);
	my %parameters = split /\0/, substr($startup, 4);
	my $case = $parameters{database} // POSIX::_exit(0);
	my $fetched = 0;

	syswrite $socket, message('R', pack 'N', 0) . message('S', strings('client_encoding', 'UTF8')) . message('S', strings('server_version', '15.0'))
	  . message('S', strings('standard_conforming_strings', 'on')) . message('K', pack 'NN', 1, 1) . ready();
	while (defined(my $header = read_exactly($socket, 5)))
	{
		my ($type, $size) = unpack 'a N', $header;
		my $query = read_exactly($socket, $size - 4);
		my $answer;

		POSIX::_exit(0) if $type ne 'Q';
		if ($query =~ /unnest\('\{pg_control_system/) { $answer = table(1, ['f']) . ready() }
		elsif ($query =~ /database_oid/ && $query !~ /DECLARE/) { $answer = $environment{$case} // table(1, ['{"encoding": "UTF8"}']) . ready() }
		elsif ($query =~ /current_database/ && $query !~ /DECLARE/) { $answer = $version{$case} // version([ '150000', 'd' ]) }
		elsif ($query =~ /rolcreatedb/) { $answer = $role{$case} // table(1, [undef]) . ready() }
		elsif ($query =~ /^FETCH/) { $answer = $fetched++ ? objects(5) : $objects{$case} // objects(5, @good) }
		elsif ($query =~ /^BEGIN/ && $case eq 'answers without end')
		{
			open my $mark, '>', "$directory/$case" or die $!;
			1 while syswrite $socket, done('SET') x 1000;
			POSIX::_exit(0);
		}
		elsif ($query =~ /^DECLARE/) { $answer = done('DECLARE CURSOR') . ready() }
		else { $answer = done('BEGIN') . done('SET') . ready() }

		POSIX::_exit(0) if $answer eq 'close';
		syswrite $socket, $answer;
		stay_silent($socket, "$directory/$case") if $case =~ /silence|half/ && $answer !~ /\AT.*Z....I\z/s && $answer !~ /\AC.*Z/s;
	}
	POSIX::_exit(0);
}

my $directory = PostgreSQL::Test::Utils::tempdir_short();
my $path = "$directory/.s.PGSQL.1";
my $listener = IO::Socket::UNIX->new(Type => SOCK_STREAM(), Local => $path, Listen => 20) or die "$path: $!";
chmod 0777, $path;
chmod 0755, $directory;
my $server = fork() // die "fork: $!";
if ($server == 0)
{
	$SIG{CHLD} = 'IGNORE';
	$SIG{TERM} = 'DEFAULT';	# not Cluster.pm's, which stops the server
	while (my $socket = $listener->accept)
	{
		serve($socket, $directory) if fork == 0;
		close $socket;
	}
	POSIX::_exit(0);
}
close $listener;

# ---- this side

$node->safe_psql('postgres', 'CREATE EXTENSION dblink');
foreach my $case ('good', 'answers without end', keys %version, keys %environment, keys %objects, keys %role)
{
	$node->safe_psql('postgres', 'CREATE SERVER ' . ident($case) . " FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '$directory', port '1', dbname " . lit($case)
		. '); CREATE USER MAPPING FOR CURRENT_USER SERVER ' . ident($case));
}
my $session = SgTest::Session->new($node);
is($session->query(q{SELECT sg_snapshot_take('good', server => 'good')}), '2', 'two objects of a server that only knows what to say');
is($session->query(q{SELECT database, server_version_num, objects FROM schemaguard.snapshot}), 'd|150000|2', 'its header');

my %state = (
	'a word as version' => '22P02', 'one column' => '42804', 'three columns' => '42804', 'a command' => '42804', 'an old version' => '0A000',
	'an error' => '42501', 'a cancel' => '08006', 'nonsense' => '08006', 'nothing to do' => '08006', 'a good bye' => '08006',
	'a word as properties' => '22P02', 'a word as OID' => '22P02', 'environment: a word' => '22P02', 'environment: two columns' => '42804', 'environment: an error' => '42501', 'few columns' => '42804', 'many columns' => '42804', 'one row twice' => '23505',
	'objects: a command' => '42804', 'objects: an error' => '42501', 'objects: a good bye' => '08006');
foreach my $case (grep { !/silence|half/ } sort(keys %version, keys %environment, keys %objects))
{
	$session->query(q{SELECT sg_snapshot_take('x', server => } . lit($case) . ')');
	is($session->sqlstate, $state{$case} // '08P01', "$case: its SQLSTATE") or diag($session->{err});
	like($session->{err}, qr/ERROR:.*\Q$case\E/, "$case: the message names the server") unless $case eq 'one row twice';
}

foreach my $case (sort keys %role)
{
	$session->query(q{SELECT sg_sync_check('live', 'good', server => } . lit($case) . ')');
	is($session->sqlstate, '08P01', "$case: its SQLSTATE") or diag($session->{err});
	like($session->{err}, qr/server "\Q$case\E" gave \d rows to a question that has one answer/, "$case: the message names the server");
}

foreach my $case ('answers without end', grep { /silence|half/ } sort(keys %version, keys %environment, keys %objects))
{
	$session->send(q{SELECT sg_snapshot_take('x', server => } . lit($case) . ')');
	ok(wait_for(sub { -e "$directory/$case" }), "$case: it has come to this");
	my $start = time;
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($session->{pid})");
	$session->collect;
	is($session->sqlstate, '57014', "$case: is cancelled") or diag($session->{err});
	cmp_ok(time - $start, '<', bound(5, 60), "$case: at once");
}
is($session->query(q{SELECT count(*) FROM dblink_get_connections() c WHERE c IS NOT NULL}), '0', 'no connection stays');
is($session->query(q{SELECT count(*) FROM schemaguard.snapshot}), '1', 'and nothing was kept');

$session->quit;
kill 'TERM', $server;
waitpid $server, 0;
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP:|AddressSanitizer/, 'the server never crashed');
$node->stop;
done_testing();
