#!/usr/bin/perl
#
# fit_rows.pl --directions FILE --sums FILE [--weights FILE] [--penalty N] CANDIDATES...
#
# Fits what statistics and rows weigh, on top of what the names say, and says how good that is on schemas that the weights
# have not seen.
#
# Each file SCHEMA.SEED.statistics.tsv or SCHEMA.SEED.rows.tsv holds the candidates of one schema with rows made up by rows.pl,
# as candidates.sql writes them without a look at rows, or after a look at those of every candidate. The sums are those of
# fit.pl --sums: what the names say of each candidate by weights that were fitted without its schema; they stand as they are.
# FILE of --directions is src/discover/discover_signal.h, as for fit.pl.
#
# A schema is predicted by weights fitted on the others, with all seeds. Each level has a calibration of its own.

use strict;
use warnings;
use File::Basename qw(basename);
use FindBin;
use lib $FindBin::RealBin;
use Fit qw(shares fit_weights calibration judged knots);
use Getopt::Long qw(GetOptions);
use List::Util qw(max sum sum0);

use constant { TEACHING => 2000, NOTHING => -30, BESIDE => 'names beside rows' };

my ($directions_file, $sums_file, $weights_file, $penalty) = (undef, undef, undef, 1);
GetOptions('directions=s' => \$directions_file, 'sums=s' => \$sums_file, 'weights=s' => \$weights_file, 'penalty=f' => \$penalty) or exit 2;
die "usage: fit_rows.pl --directions FILE --sums FILE CANDIDATES...\n" if !defined $directions_file || !defined $sums_file || !@ARGV;

sub lines
{
	my ($path) = @_;
	open my $in, '<', $path or die "fit_rows.pl: $path: $!\n";
	chomp(my @lines = <$in>);
	close $in or die "fit_rows.pl: $path: $!\n";
	return @lines;
}

# The signals after EVIDENCE_SIGNALS, with their directions
my (@signals, %signal, @direction);
my $evidence = 0;
foreach (lines($directions_file))
{
	$evidence ||= /define EVIDENCE_SIGNALS/;
	next if !$evidence || !/X\([A-Z_]+, "([^"]+)", (FOR|AGAINST|EITHER),/;
	$signal{$1} = @signals;
	push @signals, $1;
	push @direction, { FOR => 1, AGAINST => -1, EITHER => 0 }->{$2};
}

my %names;    # schema => proposal => sum
foreach (lines($sums_file))
{
	my ($name, $proposed, $sum) = split /\t/;
	$names{$name}{$proposed} = $sum;
}

sub read_file
{
	my ($path, $sums) = @_;
	my (%sets, %truth, @order);
	foreach (lines($path))
	{
		my ($set, $right, $proposed, $pairs) = split /\t/;
		next if $set eq 'tables';
		$truth{$right} = 1 if $set eq 'truth';
		next if $set eq 'truth';
		push @order, $set if !$sets{$set};
		my $s = $sets{$set} //= { truth => -1, proposed => [], right => [], offset => [], x => [] };
		my $offset = $sums->{$proposed} // NOTHING;
		my %value = map { /^(.*)=(.*)$/ && defined $signal{$1} ? ($1 => $2) : () } split /;/, $pairs;
		$value{ +BESIDE } = $offset / 10 if exists $value{ +BESIDE };
		$s->{truth} = @{ $s->{right} } if $right && $s->{truth} < 0;
		push @{ $s->{right} }, $right;
		push @{ $s->{proposed} }, $proposed;
		push @{ $s->{offset} }, $offset;
		push @{ $s->{x} }, [ [ map { $signal{$_} } keys %value ], [ values %value ] ];
	}
	return { sets => [ @sets{@order} ], truth => \%truth };
}

my %schema;    # name => level => [ { sets, truth } ... ]
foreach my $path (sort @ARGV)
{
	my ($name, $level) = basename($path) =~ /^([^.]+)\..*\.(statistics|rows)\.tsv$/ or die "fit_rows.pl: what is $path?\n";
	die "fit_rows.pl: $sums_file has no sums of $name\n" if !$names{$name};
	push @{ $schema{$name}{$level} }, read_file($path, $names{$name});
}
my @names = sort keys %schema;

sub fit
{
	my (@from) = @_;
	my (@sets, $total);
	foreach my $files (map { [ map { @$_ } values %{ $schema{$_} } ] } @from)
	{
		my $keys = max(scalar keys %{ $files->[0]{truth} }, 1);
		push @sets, map { { %$_, weight => TEACHING / sqrt($keys) / @$files } } map { @{ $_->{sets} } } @$files;
		$total += sqrt($keys);
	}
	$_->{weight} /= $total foreach @sets;
	return [ fit_weights(\@sets, $penalty, \@direction, map { 0 } @signals) ];
}

my (%found, %points);    # by level
foreach my $left_out (@names)
{
	my $beta = fit(grep { $_ ne $left_out } @names);
	foreach my $level ('statistics', 'rows')
	{
		foreach my $file (@{ $schema{$left_out}{$level} })
		{
			my @best;
			foreach my $set (@{ $file->{sets} })
			{
				my @p = shares($set, $beta);
				my $best = max(@p);
				push @best, map { [ $p[$_], $set->{right}[$_], $set->{proposed}[$_] ] } grep { $p[$_] > $best - 1e-9 } 0 .. $#p;
			}
			push @{ $found{$level}{$left_out} }, \@best;
			push @{ $points{$level} }, map { [ $_->[0], $_->[1] ? 1 : 0, 1 / sqrt(max(scalar keys %{ $file->{truth} }, 1)) ] } @best;
		}
	}
}
my %value = map { $_ => 0 } @signals;
@value{@signals} = @{ fit(@names) };
foreach my $level ('statistics', 'rows')
{
	my $calibration = calibration(@{ $points{$level} });
	my @macro = (0, 0, 0);
	foreach my $name (@names)
	{
		my @all = map { [ judged($found{$level}{$name}[$_], $schema{$name}{$level}[$_]{truth}, $calibration, 0.5) ] } 0 .. $#{ $found{$level}{$name} };
		my @mean = map { my $c = $_; sum(map { $_->[$c] } @all) / @all } 0 .. 2;
		printf "%-10s %-20s %.2f  %.2f  %.2f\n", $level, $name, @mean;
		$macro[$_] += $mean[$_] / @names foreach 0 .. 2;
	}
	printf "%-10s %-20s %.3f %.3f %.3f\n", $level, 'macro', @macro;
	%value = (%value, knots($calibration, ", $level"));
}

if ($weights_file)
{
	open my $out, '>', $weights_file or die "fit_rows.pl: $weights_file: $!\n";
	print $out "-- What statistics and rows weigh in discovery, on top of names. Written by test/bench/discover/fit_rows.pl: do not edit, fit again.\n"
	  . "INSERT INTO schemaguard.discovery_weight (signal, weight, source) VALUES\n"
	  . join(",\n", map { sprintf "    ('%s', %.4f, 'fitted')", $_ =~ s/'/''/gr, $value{$_} } sort keys %value) . ";\n";
	close $out or die "fit_rows.pl: $weights_file: $!\n";
}
