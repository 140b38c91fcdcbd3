#!/usr/bin/perl
#
# fit.pl [--directions FILE] [--weights FILE] [--sums FILE] [--penalty N] [--verbose] CANDIDATES...
#
# Fits the weights of discovery and says how good they are on schemas that they have not seen.
#
# Each file holds the candidates of one schema, as candidates.sql writes them: set, schema's reference or not (0 or 1),
# what is proposed, signals as name=value pairs; then lines "truth<TAB>reference", all references that the schema
# declares, and one line with the numbers of tables and of references that were declared. Several files of one schema
# (with and without indexes, ...) are named SCHEMA.VARIANT; they are left out together, and the first variant alone is
# judged; those whose variant is declared_N, of which N % of the references were declared, are judged as well, in a line each.
#
# FILE of --directions is src/discover/discover_signal.h: a signal that is FOR gets no weight below 0, one that is AGAINST none above. A
# schema is one family: of several of one application, give one.
#
# The model is a conditional logit: of the candidates of one set and "none of them" (which weighs 0) one is right, each
# with probability exp(sum) / (1 + all exp(sum)). Newton's method, weights drawn to 0 by a penalty. Schemas count by the
# fourth root of their number of references, or the largest would be all that counts. Every schema is predicted with weights
# fitted on the others; the calibration (a line with knots) is fitted on those predictions.

use strict;
use warnings;
use File::Basename qw(basename);
use Getopt::Long qw(GetOptions);
use FindBin qw($Bin);
use List::Util qw(max sum sum0);
use lib $Bin;
use Fit qw(shares fit_weights curvature solve calibration calibrated knots judged);

# The score from which on sg_discover_fks() proposes by default
my $threshold = 0.4;

my ($weights_file, $sums_file, $directions_file, $penalty, $power, $verbose) = (undef, undef, undef, 2, 0.75, 0);
GetOptions('directions=s' => \$directions_file, 'weights=s' => \$weights_file, 'sums=s' => \$sums_file, 'penalty=f' => \$penalty, 'power=f' => \$power, 'verbose' => \$verbose) or exit 2;
die "fit.pl: no file of candidates\n" if !@ARGV;

# ---------------------------------------------------------------------------------------------------------------------
# Reading

my (@signals, %signal);    # names by number, numbers by name
my (%schema);              # name => { file variants }

sub signal_number
{
	my ($name) = @_;
	return $signal{$name} //= do { push @signals, $name; $#signals };
}

# A set: { truth => index or -1, proposed => [...], x => [ [ [number...], [value...] ] ... ] }
sub read_file
{
	my ($path) = @_;
	my (%sets, %truth, @order, $tables, $declared);
	open my $in, '<', $path or die "fit.pl: $path: $!\n";
	while (<$in>)
	{
		chomp;
		my ($set, $right, $proposed, $pairs) = split /\t/;
		if ($set eq 'tables')
		{
			($tables, $declared) = ($right, $proposed);
			next;
		}
		if ($set eq 'truth')
		{
			$truth{$right} = 1;
			next;
		}
		push @order, $set if !$sets{$set};
		my (@number, @value);
		foreach my $pair (split /;/, $pairs)
		{
			my ($name, $value) = split /=/, $pair;
			push @number, signal_number($name);
			push @value, $value;
		}
		my $s = $sets{$set} //= { truth => -1, proposed => [], x => [] };
		$s->{truth} = @{ $s->{x} } if $right && $s->{truth} < 0;
		push @{ $s->{proposed} }, $proposed;
		push @{ $s->{right} }, $right;
		push @{ $s->{x} }, [ \@number, \@value ];
		push @{ $s->{pattern} }, $pairs;
	}
	return { sets => [ @sets{@order} ], truth => \%truth, tables => $tables, declared => $declared };
}

# The same set of signals with the same outcome counts as one with a weight
sub merged
{
	my ($sets) = @_;
	my %merged;
	foreach my $set (@$sets)
	{
		my @order = sort { $set->{pattern}[$a] cmp $set->{pattern}[$b] } 0 .. $#{ $set->{x} };
		my $truth = $set->{truth} < 0 ? '' : $set->{pattern}[ $set->{truth} ];
		my $m = $merged{ join "\n", $truth, @{ $set->{pattern} }[@order] } //= { %$set, count => 0 };
		$m->{count}++;
	}
	return [ values %merged ];
}

foreach my $path (@ARGV)
{
	my ($name, $variant) = basename($path) =~ /^([^.]+)\.?(.*?)\.tsv$/ or die "fit.pl: what is $path?\n";
	my $file = read_file($path);
	push @{ $schema{$name}{files} }, { %$file, merged => merged($file->{sets}), variant => $variant };
}

my @direction;
if (defined $directions_file)
{
	open my $in, '<', $directions_file or die "fit.pl: $directions_file: $!\n";
	my %word = (FOR => 1, AGAINST => -1, EITHER => 0);
	while (<$in>)
	{
		$direction[ $signal{$1} ] = $word{$2} if /X\([A-Z_]+, "([^"]+)", (FOR|AGAINST|EITHER),/ && defined $signal{$1};
	}
}

# ---------------------------------------------------------------------------------------------------------------------
# Fitting

# How much the sets of a schema count together: by the fourth root of its number of references, divided among its files
sub weigh_sets
{
	my (@names) = @_;
	my %weight = map { $_ => max(scalar keys %{ $schema{$_}{files}[0]{truth} }, 1)**-$power } @names;
	my $total = sum0(map { $weight{$_} * keys %{ $schema{$_}{files}[0]{truth} } } @names);
	foreach my $name (@names)
	{
		my $files = $schema{$name}{files};
		foreach my $set (map { @{ $_->{merged} } } @$files)
		{
			$set->{weight} = 2000 / $total * $weight{$name} * $set->{count} / @$files;
		}
	}
	return;
}

sub sets_of { return map { map { @{ $_->{merged} } } @{ $schema{$_}{files} } } @_ }

# For each schema, the weights without it: one step of Newton's method away from those fitted on all, for the exact ones
# take as long as all schemas together, once for each
sub fit_without
{
	my ($all, @names) = @_;
	my %part = map { $_ => [ curvature([ sets_of($_) ], $all) ] } @names;
	my $n = @$all;
	my @gradient = map { $penalty * $_ } @$all;
	my @hessian = map { my $i = $_; [ map { $_ == $i ? $penalty : 0 } 0 .. $n - 1 ] } 0 .. $n - 1;
	foreach my $part (values %part)
	{
		$gradient[$_] += $part->[0][$_] foreach 0 .. $n - 1;
		foreach my $i (0 .. $n - 1)
		{
			my ($row, $more) = ($hessian[$i], $part->[1][$i]);
			$row->[$_] += $more->[$_] foreach 0 .. $n - 1;
		}
	}
	my %without;
	foreach my $name (@names)
	{
		my ($g, $h) = @{ $part{$name} };
		my @less = map { $gradient[$_] - $g->[$_] } 0 .. $n - 1;
		my @matrix = map { my ($row, $own) = ($hessian[$_], $h->[$_]); [ map { $row->[$_] - $own->[$_] } 0 .. $n - 1 ] } 0 .. $n - 1;
		my $step = solve(\@matrix, \@less);
		$without{$name} = [ map { my $w = $all->[$_] - $step->[$_]; $w * ($direction[$_] // 0) < 0 ? 0 : $w } 0 .. $n - 1 ];
	}
	return \%without;
}

# ---------------------------------------------------------------------------------------------------------------------
# Judging

my %note;    # what there is to say about a candidate

# The best of each set: [ score, right or not, what ]; of equal ones all
sub predictions
{
	my ($file, $beta) = @_;
	my @found;
	foreach my $set (@{ $file->{sets} })
	{
		my @p = shares($set, $beta);
		my $best = max(@p);
		push @found, map { [ $p[$_], $set->{right}[$_], $set->{proposed}[$_] ] } grep { $p[$_] > $best - 1e-9 } 0 .. $#p;
		if ($verbose)
		{
			my ($first) = grep { $p[$_] == $best } 0 .. $#p;
			$note{ $set->{proposed}[$_] } = sprintf "%.2f, %s %.2f: %s", $p[$_], $set->{proposed}[$first] =~ s/.*> //r, $best, $set->{pattern}[$_]
				foreach grep { $set->{right}[$_] } 0 .. $#p;
			$note{ $set->{proposed}[$first] } //= sprintf "%.2f: %s", $best, $set->{pattern}[$first];
		}
	}
	return \@found;
}

# For fit_rows.pl: the sum of each candidate of a schema, by weights that have not seen it
sub write_sums
{
	my ($out, $name, $file, $beta) = @_;
	foreach my $set (@{ $file->{sets} })
	{
		foreach my $i (0 .. $#{ $set->{x} })
		{
			my ($number, $value) = @{ $set->{x}[$i] };
			printf $out "%s\t%s\t%.4f\n", $name, $set->{proposed}[$i], sum0(map { $beta->[ $number->[$_] ] * $value->[$_] } 0 .. $#$number);
		}
	}
	return;
}

# Schemas made up for the styles of naming teach, too, but prove nothing: they are no part of the figures.
my @styles = sort grep { /^style_/ } keys %schema;
my @names = sort grep { !/^style_/ } keys %schema;
weigh_sets(@names, @styles);
my $all = [ fit_weights([ sets_of(@names, @styles) ], $penalty, \@direction, map { 0 } @signals) ];
my $without = fit_without($all, @names, @styles);
my (%found, @points, $sums);
open $sums, '>', $sums_file or die "fit.pl: $sums_file: $!\n" if defined $sums_file;
foreach my $left_out (@names)
{
	my $file = $schema{$left_out}{files}[0];
	write_sums($sums, $left_out, $file, $without->{$left_out}) if $sums;
	$found{$left_out} = predictions($file, $without->{$left_out});
	my $weight = 1 / sqrt(max(scalar keys %{ $file->{truth} }, 1));
	push @points, map { [ $_->[0], $_->[1] ? 1 : 0, $weight ] } @{ $found{$left_out} };
}
my $calibration = calibration(@points);

my @sum = (0, 0, 0);
printf "%-16s %5s %9s %9s %9s\n", 'schema', 'keys', 'precision', 'recall', 'F1';
my %f1;
foreach my $name (@names)
{
	my $truth = $schema{$name}{files}[0]{truth};
	my ($p, $r, $f, $proposed) = judged($found{$name}, $truth, $calibration, $threshold);
	printf "%-16s %5d %9.2f %9.2f %9.2f\n", $name, scalar keys %$truth, $p, $r, $f;
	$f1{$name} = [ $f, $proposed ];
	$sum[0] += $p; $sum[1] += $r; $sum[2] += $f;
}
printf "%-16s %5s %9.3f %9.3f %9.3f\n", 'macro', '', map { $_ / @names } @sum;

foreach my $variant (sort map { $_->{variant} =~ /^declared_/ ? $_->{variant} : () } map { @{ $_->{files} } } $schema{ $names[0] })
{
	my ($f1, $n) = (0, 0);
	foreach my $name (@names)
	{
		my ($file) = grep { $_->{variant} eq $variant } @{ $schema{$name}{files} };
		next if !$file;
		my $found = predictions($file, $without->{$name});
		$f1 += (judged($found, $file->{truth}, $calibration, $threshold))[2];
		$n++;
	}
	printf "%-16s F1 of the others %.3f\n", $variant, $f1 / $n;
}

print "\ncalibration: the share of proposals that are right, of those with a score of\n";
for my $low (0 .. 9)
{
	my @in = grep { my $p = calibrated($_->[0], $calibration); $p >= $low / 10 && ($p < ($low + 1) / 10 || $low == 9) } @points;
	next if !@in;
	my $w = sum(map { $_->[2] } @in);
	printf "  %.1f to %.1f  %5d proposals  %.2f\n", $low / 10, ($low + 1) / 10, scalar @in, sum(map { $_->[1] * $_->[2] } @in) / $w;
}

foreach my $name ((sort { $f1{$a}[0] <=> $f1{$b}[0] } @names)[ 0 .. ($verbose ? $#names : 2) ])
{
	my ($f, $proposed) = @{ $f1{$name} };
	my $truth = $schema{$name}{files}[0]{truth};
	my @missed = sort grep { !$proposed->{$_} } keys %$truth;
	my @wrong = sort grep { !$proposed->{$_} } keys %$proposed;
	print "\n$name\n";
	print map { "  missed  $_" . ($verbose ? "  (" . ($note{$_} // 'no candidate') . ')' : '') . "\n" } @missed[ 0 .. ($verbose || @missed < 12 ? $#missed : 11) ];
	print map { "  wrong   $_" . ($verbose ? "  ($note{$_})" : '') . "\n" } @wrong[ 0 .. ($verbose || @wrong < 12 ? $#wrong : 11) ];
}

# ---------------------------------------------------------------------------------------------------------------------

if ($weights_file)
{
	my $text = "-- What each signal of discovery weighs, by the model of test/bench/discover/fit.pl: do not edit, fit again.\n"
	  . "INSERT INTO schemaguard.discovery_weight (signal, weight, source) VALUES\n";
	my %value = ((map { $signals[$_] => $all->[$_] } 0 .. $#signals), knots($calibration, ''));
	$text .= join(",\n", map { sprintf "    ('%s', %.4f, 'fitted')", $_ =~ s/'/''/gr, $value{$_} } sort keys %value) . ";\n";
	open my $out, '>', $weights_file or die "fit.pl: $weights_file: $!\n";
	print $out $text;
	close $out or die "fit.pl: $weights_file: $!\n";
}
