#!/usr/bin/perl
#
# fit_rows.pl --sums FILE [--weights FILE] [--penalty N] [--verbose] CANDIDATES...
#
# Fits what statistics and rows weigh, on top of what the names say, and says how good that is on schemas that the weights
# have not seen.
#
# Each file SCHEMA.SEED.tsv holds the candidates of one schema with rows made up by rows.pl, as candidates.sql writes them
# after a look at the rows of every candidate. The sums are those of fit.pl --sums: what the names say of each candidate
# by weights that were fitted without its schema; they stand as they are. Statistics are fitted first, then rows on top of
# both. As in discover_rows.c, rows count only of candidates that the names give a score of WORTH_LOOKING.
#
# A schema is predicted by weights fitted on the others, with all seeds. The calibration is fitted on those predictions.

use strict;
use warnings;
use File::Basename qw(basename);
use FindBin;
use lib $FindBin::RealBin;
use Fit qw(shares fit_weights calibration calibrated judged knots);
use Getopt::Long qw(GetOptions);
use List::Util qw(max sum sum0);

use constant { WORTH_LOOKING => 0.02, TEACHING => 2000, NOTHING => -30 };

my ($weights_file, $sums_file, $penalty, $verbose) = (undef, undef, 1, 0);
GetOptions('weights=s' => \$weights_file, 'sums=s' => \$sums_file, 'penalty=f' => \$penalty, 'verbose' => \$verbose) or exit 2;
die "usage: fit_rows.pl --sums FILE CANDIDATES...\n" if !defined $sums_file || !@ARGV;

# As discover_score.h names them
my @statistics = ('statistics', 'too many values', 'values outside', 'values listed', 'numbers end early', 'few values', 'no value recurs');
my @rows = ('alone', 'rows, most', 'rows, together', 'rows, sparse own key', 'rows, sparse parent', 'rows', 'names beside rows', 'orphans', 'share of orphans', 'few orphans', 'rows, numbers', 'rows, no numbers', 'gaps are avoided',
	'rows, numbers end early', 'rows, few values', 'rows, share of parents', 'rows, no value recurs', 'rows of an own key', 'older than the parent', 'made in time');

# ---------------------------------------------------------------------------------------------------------------------
# Reading

my %names;    # schema => proposal => sum
open my $in, '<', $sums_file or die "fit_rows.pl: $sums_file: $!\n";
while (<$in>)
{
	chomp;
	my ($name, $proposed, $sum) = split /\t/;
	$names{$name}{$proposed} = $sum;
}
close $in or die "fit_rows.pl: $sums_file: $!\n";

sub signals_of
{
	my ($pairs, $number) = @_;
	my (@signal, @value);
	foreach my $pair (split /;/, $pairs)
	{
		my ($name, $value) = $pair =~ /^(.*)=(.*)$/;
		next if !defined $number->{$name};
		push @signal, $number->{$name};
		push @value, $value;
	}
	return [ \@signal, \@value ];
}

my %statistics = map { $statistics[$_] => $_ } 0 .. $#statistics;
my %rows = map { $rows[$_] => $_ } 0 .. $#rows;

# What the names say of a column alone is what they say of the group that it leads, which the rows refute
sub sum_of_group
{
	my ($sums, $proposed, @set) = @_;
	my ($child, $column, $parent) = $proposed =~ /^(.*)\((.*)\) > (.*)\(/;
	my ($group) = grep { /^\Q$child\E\((.*,)?\Q$column\E(,.*)?\) > \Q$parent\E\(/ && /,/ } @set;
	return $sums->{ $group // '' } // NOTHING;
}

sub read_file
{
	my ($path, $sums) = @_;
	my (%sets, %truth, @order);
	open my $file, '<', $path or die "fit_rows.pl: $path: $!\n";
	while (<$file>)
	{
		chomp;
		my ($set, $right, $proposed, $pairs) = split /\t/;
		next if $set eq 'tables';
		if ($set eq 'truth')
		{
			$truth{$right} = 1;
			next;
		}
		push @order, $set if !$sets{$set};
		my $s = $sets{$set} //= { truth => -1, proposed => [], right => [], late => [], names => [], statistics => [], rows => [], pairs => [] };
		$s->{truth} = @{ $s->{right} } if $right && $s->{truth} < 0;
		push @{ $s->{right} }, $right;
		push @{ $s->{proposed} }, $proposed;
		push @{ $s->{late} }, $pairs =~ /(?:^|;)alone=1(?:;|$)/ ? 1 : 0;
		push @{ $s->{names} }, $sums->{$proposed} // NOTHING;
		push @{ $s->{statistics} }, signals_of($pairs, \%statistics);
		push @{ $s->{rows} }, signals_of($pairs, \%rows);
		push @{ $s->{pairs} }, $pairs;
	}
	close $file or die "fit_rows.pl: $path: $!\n";
	foreach my $s (values %sets)
	{
		# before the rows, there are none of those that only rows can speak for
		my ($late, $names, $proposed) = @$s{qw(late names proposed)};
		$s->{known} = [ map { $late->[$_] ? NOTHING : $names->[$_] } 0 .. $#$late ];
		$s->{names} = [ map { $late->[$_] ? sum_of_group($sums, $proposed->[$_], @$proposed) : $names->[$_] } 0 .. $#$late ];
	}
	return { sets => [ @sets{@order} ], truth => \%truth };
}

my %schema;    # name => [ { sets, truth } by seed ]
foreach my $path (sort @ARGV)
{
	my ($name) = basename($path) =~ /^([^.]+)\..*\.tsv$/ or die "fit_rows.pl: what is $path?\n";
	die "fit_rows.pl: $sums_file has no sums of $name\n" if !$names{$name};
	push @{ $schema{$name} }, read_file($path, $names{$name});
}
my @names = sort keys %schema;

# ---------------------------------------------------------------------------------------------------------------------
# The three levels of a set: names; statistics on top of them; rows on top of both

sub known { my ($set) = @_; return ($set->{truth} >= 0 && $set->{late}[ $set->{truth} ] ? (truth => -1) : (), offset => $set->{known}) }
sub by_names { my ($set) = @_; return { %$set, x => [ map { [ [], [] ] } @{ $set->{names} } ], known($set) } }
sub by_statistics { my ($set) = @_; return { %$set, x => [ map { $set->{late}[$_] ? [ [], [] ] : $set->{statistics}[$_] } 0 .. $#{ $set->{late} } ], known($set) } }

sub weighted
{
	my ($x, $beta) = @_;
	return sum0(map { $beta->[ $x->[0][$_] ] * $x->[1][$_] } 0 .. $#{ $x->[0] });
}

sub by_rows
{
	my ($set, $beta) = @_;
	my @offset = map { $set->{names}[$_] + weighted($set->{statistics}[$_], $beta) } 0 .. $#{ $set->{names} };
	my @score = shares({ x => [ map { [ [], [] ] } @offset ], offset => \@offset });
	my @x = map { $score[$_] >= WORTH_LOOKING || $set->{late}[$_] ? $set->{rows}[$_] : [ [], [] ] } 0 .. $#offset;
	foreach my $i (0 .. $#x)
	{
		my ($signal, $value) = @{ $x[$i] };
		$x[$i] = [ $signal, [ map { $signal->[$_] == $rows{'names beside rows'} ? $offset[$i] / 10 : $value->[$_] } 0 .. $#$value ] ];
	}
	return { %$set, x => \@x, offset => \@offset };
}

sub teachers
{
	my ($of, @from) = @_;
	my @weight = map { 1 / sqrt(max(scalar keys %{ $schema{$_}[0]{truth} }, 1)) } @from;
	my $total = sum0(map { $weight[$_] * keys %{ $schema{ $from[$_] }[0]{truth} } } 0 .. $#from);
	my @sets;
	foreach my $i (0 .. $#from)
	{
		my $files = $schema{ $from[$i] };
		my $weight = TEACHING / $total * $weight[$i] / @$files;
		push @sets, map { { %{ $of->($_) }, weight => $weight } } map { @{ $_->{sets} } } @$files;
	}
	return \@sets;
}

sub fit
{
	my (@from) = @_;
	my @statistics_beta = fit_weights(teachers(\&by_statistics, @from), $penalty, map { 0 } @statistics);
	my @rows_beta = fit_weights(teachers(sub { by_rows($_[0], \@statistics_beta) }, @from), $penalty, map { 0 } @rows);
	return (\@statistics_beta, \@rows_beta);
}

# ---------------------------------------------------------------------------------------------------------------------
# Judging

my %note;    # seed => proposal => what the last level makes of it

sub predictions
{
	my ($sets, $beta, $seed) = @_;
	my @found;
	foreach my $set (@$sets)
	{
		my @p = shares($set, $beta);
		my $best = max(@p);
		push @found, map { [ $p[$_], $set->{right}[$_], $set->{proposed}[$_] ] } grep { $p[$_] > $best - 1e-9 } 0 .. $#p;
		$note{$seed}{ $set->{proposed}[$_] } = sprintf '%.2f of %.2f, names %.1f: %s', $p[$_], $best, $set->{names}[$_], $set->{pairs}[$_] =~ s/.*?(statistics|rows)=/$1=/r foreach 0 .. $#p;
	}
	return \@found;
}

# Of two proposals that would have two tables refer to each other one to one, the surer: as discover_opposite.c
sub without_opposites
{
	my ($found) = @_;
	my %chance = map { $_->[2] => $_->[0] } @$found;
	return [ grep { $_->[2] =~ /,/ || $_->[0] >= ($chance{ $_->[2] =~ s/^(.*) > (.*)$/$2 > $1/r } // 0) } @$found ];
}

my @levels = ('names', 'names and statistics', 'names, statistics and rows');
my (@found, @points);    # by level: schema => predictions of each seed; for the calibration
foreach my $left_out (@names)
{
	my ($statistics_beta, $rows_beta) = fit(grep { $_ ne $left_out } @names);
	foreach my $seed (0 .. $#{ $schema{$left_out} })
	{
		my $file = $schema{$left_out}[$seed];
		my @sets = @{ $file->{sets} };
		my @by = (predictions([ map { by_names($_) } @sets ], [], $seed), predictions([ map { by_statistics($_) } @sets ], $statistics_beta, $seed),
			predictions([ map { by_rows($_, $statistics_beta) } @sets ], $rows_beta, $seed));
		my $weight = 1 / sqrt(max(scalar keys %{ $file->{truth} }, 1)) / @{ $schema{$left_out} };
		foreach my $level (0 .. $#levels)
		{
			push @{ $found[$level]{$left_out} }, without_opposites($by[$level]);
			push @{ $points[$level] }, map { [ $_->[0], $_->[1] ? 1 : 0, $weight ] } @{ $by[$level] };
		}
	}
}
my @calibration = map { calibration(@$_) } @points;

my (%figures, @macro);
foreach my $name (@names)
{
	foreach my $level (0 .. $#levels)
	{
		my @all = map { [ judged($found[$level]{$name}[$_], $schema{$name}[$_]{truth}, $calibration[$level], 0.5) ] } 0 .. $#{ $schema{$name} };
		$figures{$name}[$level] = [ map { my $c = $_; sum(map { $_->[$c] } @all) / @all } 0 .. 2 ];
		$figures{$name}[$level][3] = [ map { $_->[3] } @all ];
		$macro[$level][$_] += $figures{$name}[$level][$_] / @names foreach 0 .. 2;
	}
}
printf "%-16s %5s  %s\n", 'precision, recall, F1', 'keys', join '', map { sprintf ' %-28s', $_ } @levels;
printf "%-21s %5d  %s\n", $_, scalar keys %{ $schema{$_}[0]{truth} }, join '', map { sprintf ' %-28s', sprintf '%.2f  %.2f  %.2f', @$_[ 0 .. 2 ] } @{ $figures{$_} } foreach @names;
printf "%-21s %5s  %s\n", 'macro', '', join '', map { sprintf ' %-28s', sprintf '%.3f %.3f %.3f', @$_ } @macro;

print "\ncalibration with rows: the share of proposals that are right, of those with a score of\n";
for my $low (0 .. 9)
{
	my @in = grep { my $p = calibrated($_->[0], $calibration[2]); $p >= $low / 10 && ($p < ($low + 1) / 10 || $low == 9) } @{ $points[2] };
	next if !@in;
	printf "  %.1f to %.1f  %5d proposals  %.2f\n", $low / 10, ($low + 1) / 10, scalar @in, sum(map { $_->[1] * $_->[2] } @in) / sum(map { $_->[2] } @in);
}

foreach my $name ((sort { $figures{$a}[2][2] <=> $figures{$b}[2][2] } @names)[ 0 .. ($verbose ? $#names : 2) ])
{
	my $most = $verbose ? 999 : 11;
	foreach my $seed ($verbose ? 0 .. $#{ $schema{$name} } : 0)
	{
		my $proposed = $figures{$name}[2][3][$seed];
		my @missed = sort grep { !$proposed->{$_} } keys %{ $schema{$name}[$seed]{truth} };
		my @wrong = sort grep { !$proposed->{$_} } keys %$proposed;
		print "\n$name, with rows", $verbose ? ', seed ' . ($seed + 1) : '', "\n";
		print map { "  missed  $_" . ($verbose ? '  (' . ($note{$seed}{$_} // 'no candidate') . ')' : '') . "\n" } @missed[ 0 .. ($#missed < $most ? $#missed : $most) ];
		print map { "  wrong   $_" . ($verbose ? "  ($note{$seed}{$_})" : '') . "\n" } @wrong[ 0 .. ($#wrong < $most ? $#wrong : $most) ];
	}
}

# ---------------------------------------------------------------------------------------------------------------------

my ($statistics_beta, $rows_beta) = fit(@names);
my %value = ((map { $statistics[$_] => $statistics_beta->[$_] } 0 .. $#statistics), (map { $rows[$_] => $rows_beta->[$_] } 0 .. $#rows));
%value = (%value, knots($calibration[1], ', statistics'), knots($calibration[2], ', rows'));
if ($verbose)
{
	printf "%-32s %8.3f\n", $_, $value{$_} foreach sort keys %value;
}
if ($weights_file)
{
	open my $out, '>', $weights_file or die "fit_rows.pl: $weights_file: $!\n";
	print $out "-- What statistics and rows weigh in discovery. Written by test/bench/discover/fit_rows.pl: do not edit, fit again.\n",
	  "INSERT INTO schemaguard.discovery_weight (signal, weight, source) VALUES\n",
	  join(",\n", map { sprintf "    ('%s', %.4f, 'fitted')", $_ =~ s/'/''/gr, $value{$_} } sort keys %value), ";\n";
	close $out or die "fit_rows.pl: $weights_file: $!\n";
}
