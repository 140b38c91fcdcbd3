#!/usr/bin/perl
#
# deploy.pl TABLES ROWS SECONDS: adds two keys to each of TABLES tables of the database "live" while an application works,
# in several ways, one after the other. Prints a line of facts for each way.
#
# The application (test/t/SgLive.pm): pgbench with 8 clients at 400 transactions a second, of one statement, of three and of
# a dozen, on both sides of the keys; and one more client that has a transaction open for 3 s at a time, without a pause, in
# which it has written every table. Before the first way it runs for SECONDS alone.
#
# Latencies are pgbench's own, of the transactions that were under way while keys were added, with what they waited for their
# turn. The longest stall is the longest time for which an application's session waited for the one that adds keys, as seen
# every 5 ms.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../t";
use IPC::Open2;
use SgLive;
use Time::HiRes qw(sleep time);

my ($tables, $rows, $alone) = @ARGV;
my @keys = keys_of($tables);
my $add = 'ALTER TABLE %1$s ADD CONSTRAINT %4$s FOREIGN KEY (%2$s) REFERENCES %3$s';

# ---------------------------------------------------------------------------------------------------------------------
# psql sessions that stay. What fails is counted, not fatal: that is what is measured.

sub session
{
	my $self = {};
	$self->{pid} = open2($self->{from}, $self->{to}, "exec psql -qXAt -F ' ' -v ON_ERROR_STOP=0 -d live 2>&1")
		or die "deploy.pl: psql: $!\n";
	return $self;
}

sub post
{
	my ($self, $sql) = @_;
	print { $self->{to} } "$sql\n;\n\\echo -- done\n";
	$self->{to}->flush;
}

# The lines of the answer
sub answer
{
	my ($self) = @_;
	my @lines;
	while (defined(my $line = readline $self->{from}))
	{
		chomp $line;
		return @lines if $line eq '-- done';
		push @lines, $line;
	}
	die "deploy.pl: psql ended: @lines\n";
}

sub ask
{
	my ($self, $sql) = @_;
	post($self, $sql);
	return answer($self);
}

# The one line that is expected
sub value
{
	my ($self, $sql) = @_;
	my @lines = ask($self, $sql);
	die "deploy.pl: $sql\n@lines\n" if @lines != 1 || $lines[0] =~ /^(?:ERROR|FATAL)/;
	return $lines[0];
}

sub quit
{
	my ($self) = @_;
	close $self->{to};
	waitpid $self->{pid}, 0;
}

# ---------------------------------------------------------------------------------------------------------------------
# The application

my @application;

sub start_pgbench
{
	my ($name, @options) = @_;
	my $pid = fork // die "deploy.pl: fork: $!\n";
	if ($pid == 0)
	{
		$ENV{PGAPPNAME} = $name;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "live/$name.out";
		open STDERR, '>&', \*STDOUT;
		exec 'pgbench', '--no-vacuum', '--time=3600', '--random-seed=1', @options, 'live';
		die "deploy.pl: pgbench: $!\n";
	}
	push @application, { name => $name, pid => $pid };
}

sub start_application
{
	unlink glob 'live/latency*';
	start_pgbench('short', '--client=8', '--jobs=2', '--rate=400', '--log', '--log-prefix=live/latency',
		short_scripts('live', $tables, $rows, 1));
	start_pgbench('long', '--client=1', long_script('live', $tables));
	sleep 3;
}

# SIGALRM is how pgbench learns that its time is over. Returns how many transactions were lost.
sub stop_application
{
	my $lost = 0;
	kill 'ALRM', $_->{pid} foreach @application;
	foreach my $load (splice @application)
	{
		waitpid $load->{pid}, 0;
		my $status = $?;
		open my $file, '<', "live/$load->{name}.out" or die "deploy.pl: live/$load->{name}.out: $!\n";
		my $text = join '', <$file>;
		$lost += $text =~ /^number of failed transactions: (\d+)/m ? $1 : 0;
		# a client that gave up lost the transaction that it was in
		$lost += () = $text =~ /client \d+ (?:script \d+ )?aborted/g;
		die "deploy.pl: the application ended:\n$text\n" if $status && !$lost;
	}
	return $lost;
}

# Latencies in ms of the transactions that were under way between two moments, sorted
sub latencies
{
	my ($from, $to) = @_;
	my @ms;
	foreach my $path (glob 'live/latency*')
	{
		open my $file, '<', $path or die "deploy.pl: $path: $!\n";
		while (my $line = <$file>)
		{
			my ($elapsed, $end) = $line =~ /^\d+ \d+ (\d+) \d+ (\d+ \d+)/ or next;
			$end =~ s/^(\d+) (\d+)$/$1 + $2 \/ 1e6/e;
			push @ms, $elapsed / 1000 if $end >= $from && $end - $elapsed / 1e6 <= $to;
		}
	}
	return sort { $a <=> $b } @ms;
}

sub percentile { my ($p, @sorted) = @_; return $sorted[ int($p / 100 * $#sorted + 0.5) ]; }

# ---------------------------------------------------------------------------------------------------------------------
# The ways. Each returns how many statements of its own failed.

sub statements
{
	my ($session, @templates) = @_;
	my $failed = 0;
	foreach my $key (@keys)
	{
		foreach my $template (@templates)
		{
			$failed++ if grep { /^ERROR/ } ask($session, sprintf $template, @$key);
		}
	}
	return $failed;
}

sub deploy
{
	my ($session) = @_;
	ask($session, "SELECT sg_plan_create('live', replace => true)");
	ask($session, "SELECT sg_plan_add_fk('live', '$_->[0]', ARRAY['$_->[1]'], '$_->[2]', fk_name => '$_->[3]', index => false)")
		foreach @keys;
	return sub {
		ask($session, "CALL sg_add_fks('live')");
		return value($session, "SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'live' AND state <> 'validated'");
	};
}

my @ways = (
	[ alone => sub { return sub { sleep $alone; return 0 } } ],
	[ schemaguard => \&deploy ],
	[ plain => sub { my ($session) = @_; return sub { statements($session, $add) } } ],
	[ 'not valid' => sub {
		my ($session) = @_;
		return sub { statements($session, "$add NOT VALID", 'ALTER TABLE %1$s VALIDATE CONSTRAINT %4$s') };
	} ],);

my $control = session();
ask($control, 'SET client_min_messages = warning');
ask($control, application_sql($tables, $rows));
ask($control, observer_sql());
ask($control, 'VACUUM ANALYZE');
ask($control, 'CHECKPOINT');

foreach my $way (@ways)
{
	my ($name, $prepare) = @$way;
	my ($session, $observer) = (session(), session());
	ask($control, "ALTER TABLE $_->[0] DROP CONSTRAINT IF EXISTS $_->[3]") foreach @keys;
	ask($control, 'TRUNCATE seen, stop_observer; CHECKPOINT');
	ask($session, 'SET client_min_messages = warning');
	my $act = $prepare->($session);
	my $pid = value($session, 'SELECT pg_backend_pid()');

	start_application();
	post($observer, "SET synchronous_commit = off; CALL observe($pid)");
	my $began = time;
	my $failed = $act->();
	my $ended = time;
	ask($control, stop_observer_sql());
	answer($observer);
	sleep 0.5;
	my $lost = stop_application();

	my @ms = latencies($began, $ended);
	my ($stall) = split / /, value($control, stalls_sql());
	my $valid = value($control, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
								 AND conrelid::regclass::text LIKE 'child%'");
	die "deploy.pl: check failed: $name: $valid keys are valid, $failed failed\n"
		if $name ne 'alone' && $name ne 'not valid' && $valid + $failed != @keys;
	print join("\t", 'live', $name, scalar @keys, $ended - $began, $lost, $failed, $stall, $ms[-1],
		percentile(99.9, @ms), @ms / ($ended - $began)), "\n";
	quit($_) foreach $session, $observer;
}
quit($control);
