#!/usr/bin/perl
#
# memory.pl DATADIR BOUND ROWS: runs the audit of the table "child", which has ROWS rows, with schemaguard.audit_memory =
# BOUND in the database "memory" of the server in DATADIR, and watches its memory every 50 ms. Prints a line of facts.
#
# Counted are RssAnon of the backend and of its parallel workers, and the dynamic shared memory of the server, which
# must be of type mmap: then it is the files in DATADIR/pg_dynshmem, and no other server's. What the backend and those
# files had before the audit is taken off; the workers count with all they have.

use strict;
use warnings;
use IO::Select;
use IPC::Open2;
use Time::HiRes 'time';

my ($datadir, $bound, $rows) = @ARGV;
my $interval = 0.05;

sub slurp
{
	my ($path) = @_;
	open my $file, '<', $path or return '';
	local $/ = undef;
	return <$file> // '';
}

# kB; 0 for a process that is gone
sub rss_anon
{
	my ($pid) = @_;
	return slurp("/proc/$pid/status") =~ /^RssAnon:\s*(\d+) kB/m ? $1 : 0;
}

# kB
sub dsm
{
	my $bytes = 0;
	$bytes += -s $_ // 0 foreach glob "$datadir/pg_dynshmem/mmap.*";
	return $bytes / 1024;
}

sub workers_of
{
	my ($leader) = @_;
	return grep { slurp("/proc/$_/cmdline") =~ /\bparallel worker for PID $leader\b/ }
		map { m,(\d+), } glob '/proc/[0-9]*';
}

# The number with its unit, such as 64MB, in kB
sub kilobytes
{
	my ($value) = @_;
	my %unit = (kB => 1, MB => 1024, GB => 1048576);
	my ($number, $unit) = $value =~ /^(\d+)(kB|MB|GB)$/ or die "memory.pl: not a size: $value\n";
	return $number * $unit{$unit};
}

# What the server has written to temporary files for this database
sub temp_bytes
{
	my $bytes = `psql -qXAt -d memory -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"`;
	die "memory.pl: psql ended with status $?\n" if $?;
	return $bytes;
}

my $temp_before = temp_bytes();
my $pid = open2(my $from, my $to, qw(psql -qXAt -F : -v ON_ERROR_STOP=1 -d memory)) or die "memory.pl: psql: $!\n";

# What a first call loads into the backend (the library, the catalogs) is there before the audit.
print $to <<SQL;
SET client_min_messages = warning;
SET schemaguard.audit_memory = '$bound';
CREATE TEMP TABLE no_child (id uuid);
SELECT count(*) FROM sg_orphan_audit_details('no_child') HAVING count(*) < 0;
SELECT pg_backend_pid();
SQL
$to->flush;
my $backend = <$from> // die "memory.pl: psql ended\n";
chomp $backend;
my ($own_before, $dsm_before) = (rss_anon($backend), dsm());

my $began = time;
print $to "SELECT coalesce(result, '-'), coalesce(orphan_rows, -1), coalesce(rows_checked, -1), coalesce(method, '-')\n"
	. "FROM sg_orphan_audit_details('child');\n";
$to->flush;

my %peak = (all => 0, anon => 0, dsm => 0, workers => 0);
my $answer = IO::Select->new($from);
until ($answer->can_read($interval))
{
	my @workers = workers_of($backend);
	my $anon = rss_anon($backend) - $own_before;
	$anon += rss_anon($_) foreach @workers;
	my $dsm = dsm() - $dsm_before;
	my %now = (all => $anon + $dsm, anon => $anon, dsm => $dsm, workers => scalar @workers);
	foreach my $what (keys %now) { $peak{$what} = $now{$what} if $now{$what} > $peak{$what} }
}
my $seconds = time - $began;
my $verdict = <$from> // '';
chomp $verdict;
close $to;
waitpid $pid, 0;
die "memory.pl: psql ended with status $?\n" if $?;

my ($result, $orphans, $checked, $method) = split /:/, $verdict;
die "memory.pl: check failed: the audit says $verdict\n"
	if ($result // '') ne 'pass' || $orphans != 0 || $checked != $rows;

# The backend reports its temporary files when it ends.
select undef, undef, undef, $interval while -e "/proc/$backend";
my $temp = temp_bytes() - $temp_before;

print join("\t", "memory", kilobytes($bound), @peak{qw(all anon dsm workers)}, $temp, $seconds, $method), "\n";
