# SgTest.pm: what the TAP files share: servers with the extension, sessions that stay open, quoting, random choice.
#
#   my $node = new_node('primary', conf => "max_connections = 20\n");     # started; database postgres has schemaguard
#   my $s = SgTest::Session->new($node, dbname => 'postgres', user => 'alice');
#   my $out = $s->query('SELECT 1');        # waits for the answer; $s->{err} has notices and errors of this query
#   $s->send('SELECT pg_sleep(60)');        # does not wait; $s->collect() does
#
# Every random choice starts from SG_SEED, so that a failure can be repeated.
package SgTest;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node has_extension major long_run bound seed lit ident text_array pick chance
	error_of is_error is_text wait_for rows);

# The full counts of `make test-long`?
sub long_run { return ($ENV{SG_LONG} // '') =~ /^(1|yes|on|true)$/; }

sub seed { return $ENV{SG_SEED} || 1; }

# A started server; unless without => 1, with the extension in database postgres.  conf: lines for postgresql.conf;
# initdb: its options.  The first one of a file, where it takes no options, is a copy of the template that run-tests.sh
# has made: initdb would take a good part of the time.  Further ones are systems of their own.
my $servers = 0;

# Each start of a server preloads SG_PRELOAD, such as libasan for a build with COPT='-fsanitize=address'
if ($ENV{SG_PRELOAD})
{
	no warnings 'redefine';
	my ($start, $restart) = map { PostgreSQL::Test::Cluster->can($_) } qw(start restart);
	*PostgreSQL::Test::Cluster::start = sub { local $ENV{LD_PRELOAD} = $ENV{SG_PRELOAD}; return $start->(@_); };
	*PostgreSQL::Test::Cluster::restart = sub { local $ENV{LD_PRELOAD} = $ENV{SG_PRELOAD}; return $restart->(@_); };
}

sub new_node
{
	my ($name, %opt) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $template = $servers++ || $opt{initdb} ? undef : $ENV{SG_TEMPLATE};

	$template .= '.with' if $template && !$opt{without};

	{
		no warnings 'redefine';
		my $run = \&PostgreSQL::Test::Utils::system_or_bail;
		local *PostgreSQL::Test::Utils::system_or_bail = sub {
			return $run->($template && $_[0] eq 'initdb' ? ('cp', '-a', $template, $node->data_dir) : @_);
		};
		$node->init(
			allows_streaming => $opt{streaming} ? 1 : 0,
			extra => [ '--locale=C.UTF-8', '--encoding=UTF8', @{ $opt{initdb} // [] } ]);
	}
	# Cluster.pm logs every statement, which is most of the run time of some files.  What starts is committed without
	# waiting for the disk: with this delay it gets there soon, also where nobody calls flush_wal() (SgLoad.pm).  Many
	# sessions that wait in a loop of SQL would each compile it.  An autovacuum that comes by holds locks and changes
	# statistics: files that want it switch it on.  No verdict depends on how fast rows to try are found,
	# and what a slow call says on its way is in no expected output.
	$node->append_conf('postgresql.conf',
		"autovacuum = off\njit = off\nlog_statement = none\nlog_replication_commands = off\nwal_writer_delay = 1ms\nschemaguard.live_search = 60s\nschemaguard.progress_interval = 0\n" . ($opt{conf} // ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION schemaguard') unless $opt{without} || $template;

	return $node;
}

sub major
{
	my ($node) = @_;

	return int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
}

# Could the server CREATE EXTENSION this?
sub has_extension
{
	my ($node, $name) = @_;

	return $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = '$name'") eq '1';
}

# A string as a SQL literal, a name as a SQL identifier, names as a text[]
sub lit
{
	my ($s) = @_;
	my $prefix = $s =~ /\\/ ? ' E' : '';

	$s =~ s/'/''/g;
	$s =~ s/\\/\\\\/g;
	return "$prefix'$s'";
}

sub ident
{
	my ($s) = @_;

	$s =~ s/"/""/g;
	return qq("$s");
}

sub text_array { return 'ARRAY[' . join(', ', map { lit($_) } @_) . ']::text[]'; }

sub pick { return $_[ int(rand(@_)) ]; }

sub chance { my ($p) = @_; return rand() < $p; }

# Run SQL that should fail; the SQLSTATE, or '' when it does not.  The message is in $SgTest::message.
our $message;

sub error_of
{
	my ($node, $sql, %opt) = @_;
	my ($out, $err);
	my $rc = $node->psql(
		$opt{dbname} // 'postgres',
		"\\set VERBOSITY verbose\n$sql",
		stdout => \$out,
		stderr => \$err,
		on_error_stop => 1,
		($opt{user} ? (extra_params => [ '-U', $opt{user} ]) : ()));

	$message = $err;
	return '' if $rc == 0;
	return $1 if $err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}):/;
	return "rc $rc";
}

# As is(), of two long texts: a failure shows the lines that only one of them has, so that they are not lost among the rest
sub is_text
{
	my ($got, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return 1 if ok($got eq $expected, $name);
	my %count;
	$count{$_}++ foreach split /\n/, $got;
	$count{$_}-- foreach split /\n/, $expected;
	my @lines = map { ($count{$_} > 0 ? 'got only:      ' : 'expected only: ') . $_ } grep { $count{$_} } sort keys %count;
	diag(@lines ? join("\n", @lines) : 'the lines are the same, in another order');
	return 0;
}

# One assertion: the SQL fails with this SQLSTATE, and (where given) a message like this
sub is_error
{
	my ($node, $sql, $sqlstate, $like, $name, %opt) = @_;
	my $got = error_of($node, $sql, %opt);
	my $ok = $got eq $sqlstate && (!defined $like || $message =~ $like);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($ok, $name) or diag("expected $sqlstate" . (defined $like ? " like $like" : '') . ", got '$got': $message");
	return $ok;
}

# The rows of a query, as [ column, ... ] each; columns must hold no newline and no \x1f
sub rows
{
	my ($node, $sql, %opt) = @_;
	my ($out, $err);
	my $rc = $node->psql(
		$opt{dbname} // 'postgres', $sql,
		stdout => \$out,
		stderr => \$err,
		on_error_stop => 1,
		extra_params => [ '-F', "\x1f", ($opt{user} ? ('-U', $opt{user}) : ()) ]);

	die "psql failed: $err\nfor: $sql\n" if $rc;
	$message = $err;
	return map { [ split /\x1f/, $_, -1 ] } split /\n/, $out;
}

# Wait until a piece of Perl is true; false after so many seconds (default 180, for a machine may be busy with others)
sub wait_for
{
	my ($what, $seconds) = @_;

	my $end = time + ($seconds // 180);

	while (1)
	{
		return 1 if $what->();
		return 0 if time > $end;
		select(undef, undef, undef, 0.05);
	}
}

# An upper bound of what is measured, be it ms or s: that of the claim for `make test-long`, on a machine that does nothing
# else; a loose one beside other tests, which may hold up anything; none where nothing is judged by the clock
sub bound
{
	my ($strict, $loose) = @_;

	return $ENV{SG_UNTIMED} && $loose > $strict ? 1_000_000 : long_run() ? $strict : $loose;
}

# How many seconds a session waits for an answer, on a machine that may be busy with others; with debug_discard_caches that comes late
sub patience { return (long_run() ? 1200 : 900) * ($ENV{SG_DISCARD} ? 200 : 1); }

# A psql that stays, for sessions that hold something or wait for something.  BackgroundPsql exists from 16 on only.
package SgTest::Session;
use strict;
use warnings;
use IPC::Run ();

sub new
{
	my ($class, $node, %opt) = @_;
	my $self = bless { in => '', out => '', err => '', n => 0 }, $class;

	$self->{harness} = IPC::Run::start(
		[
			'psql', '-X', '-q', '-A', '-t', '-w', '-v', 'VERBOSITY=verbose', '-F', '|',
			'-d', $node->connstr($opt{dbname} // 'postgres') . ($opt{user} ? " user=$opt{user}" : ''),
			'-f', '-'
		],
		'<' => \$self->{in},
		'>' => \$self->{stdout},
		'2>' => \$self->{stderr},
		($self->{timeout} = IPC::Run::timeout(SgTest::patience())));
	$self->{pid} = $self->query('SELECT pg_backend_pid()');
	return $self;
}

sub send
{
	my ($self, $sql) = @_;

	$self->{n}++;
	$self->{stdout} = $self->{stderr} = '';
	$self->{in} .= "$sql\n;\n\\echo done-$self->{n}-\n\\warn done-$self->{n}-\n";
	# the connection may be gone: collect() tells
	eval { IPC::Run::pump_nb($self->{harness}); };
}

# Is there an answer to what was sent, or no connection any more? Does not wait.
sub is_done
{
	my ($self) = @_;
	my $mark = qr/^done-$self->{n}-\n/m;

	return 1 unless eval { IPC::Run::pump_nb($self->{harness}); IPC::Run::pumpable($self->{harness}); };
	return $self->{stdout} =~ $mark && $self->{stderr} =~ $mark;
}

# Wait for what was sent; its output, or undef when the connection is gone
sub collect
{
	my ($self) = @_;
	my $mark = qr/^done-$self->{n}-\n/m;
	my $alive = 1;

	$self->{timeout}->start(SgTest::patience());
	while ($alive && !($self->{stdout} =~ $mark && $self->{stderr} =~ $mark))
	{
		$alive = eval { IPC::Run::pump($self->{harness}); };
	}
	$self->{err} = $self->{stderr} . (!$alive && $@ =~ /timeout/ ? 'no answer for ' . SgTest::patience() . " s\n" : '');
	$self->{err} =~ s/$mark//;
	my $out = $self->{stdout};
	return undef unless $out =~ s/$mark//;
	chomp $out;
	return $out;
}

sub query
{
	my ($self, $sql) = @_;

	$self->send($sql);
	return $self->collect;
}

# The SQLSTATE of the last query, or ''
sub sqlstate
{
	my ($self) = @_;

	return $self->{err} =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}):/ ? $1 : '';
}

sub quit
{
	my ($self) = @_;

	return unless $self->{harness};
	$self->{in} .= "\\q\n";
	eval { IPC::Run::finish($self->{harness}); };
	delete $self->{harness};
}

1;
