#!/usr/bin/perl
#
# fit.pl [--weights FILE] [--sums FILE] [--penalty N] [--verbose] CANDIDATES...
#
# Fits the weights of discovery and says how good they are on schemas that they have not seen.
#
# Each file holds the candidates of one schema, as candidates.sql writes them: set, schema's reference or not (0 or 1),
# what is proposed, signals as name=value pairs; then lines "truth<TAB>reference", all references that the schema
# declares. Several files of one schema (with and without indexes, ...) are named SCHEMA.VARIANT; they are left out
# together, and the first variant alone is judged.
#
# The model is a conditional logit: of the candidates of one set and "none of them" (which weighs 0) one is right, each
# with probability exp(sum) / (1 + all exp(sum)). Newton's method, weights drawn to 0 by a penalty. Schemas count by the
# root of their number of references, or the largest would be all that counts. Every schema is predicted with weights
# fitted on the others; the calibration (two numbers on the log of odds) is fitted on those predictions.

use strict;
use warnings;
use File::Basename qw(basename);
use Getopt::Long qw(GetOptions);
use List::Util qw(max sum sum0);

my ($weights_file, $sums_file, $penalty, $power, $verbose) = (undef, undef, 2, 0.5, 0);
GetOptions('weights=s' => \$weights_file, 'sums=s' => \$sums_file, 'penalty=f' => \$penalty, 'power=f' => \$power, 'verbose' => \$verbose) or exit 2;
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
	my (%sets, %truth, @order);
	open my $in, '<', $path or die "fit.pl: $path: $!\n";
	while (<$in>)
	{
		chomp;
		my ($set, $right, $proposed, $pairs) = split /\t/;
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
	return { sets => [ @sets{@order} ], truth => \%truth };
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
	push @{ $schema{$name}{files} }, { %$file, merged => merged($file->{sets}) };
}

# ---------------------------------------------------------------------------------------------------------------------
# Fitting

# Solves a x = b for a positive definite matrix (Cholesky)
sub solve
{
	my ($a, $b) = @_;
	my $n = @$b;
	my @l;
	for my $i (0 .. $n - 1)
	{
		for my $j (0 .. $i)
		{
			my $s = $a->[$i][$j];
			$s -= $l[$i][$_] * $l[$j][$_] foreach 0 .. $j - 1;
			$l[$i][$j] = $i == $j ? sqrt(max($s, 1e-9)) : $s / $l[$j][$j];
		}
	}
	my @x = @$b;
	for my $i (0 .. $n - 1)
	{
		$x[$i] -= $l[$i][$_] * $x[$_] foreach 0 .. $i - 1;
		$x[$i] /= $l[$i][$i];
	}
	for my $i (reverse 0 .. $n - 1)
	{
		$x[$i] -= $l[$_][$i] * $x[$_] foreach $i + 1 .. $n - 1;
		$x[$i] /= $l[$i][$i];
	}
	return \@x;
}

sub shares
{
	my ($set, $beta) = @_;
	my @e;
	foreach my $x (@{ $set->{x} })
	{
		my ($number, $value) = @$x;
		my $s = 0;
		$s += $beta->[ $number->[$_] ] * $value->[$_] foreach 0 .. $#$number;
		push @e, exp($s > 30 ? 30 : $s < -30 ? -30 : $s);
	}
	my $total = 1 + sum0(@e);
	return map { $_ / $total } @e;
}

# Adds one set's part to gradient and Hessian; returns its part of the loss
sub add_set
{
	my ($set, $weight, $beta, $gradient, $hessian) = @_;
	my @p = shares($set, $beta);
	my $right = $set->{truth};
	my %mean;
	foreach my $i (0 .. $#p)
	{
		my ($number, $value) = @{ $set->{x}[$i] };
		my $d = $weight * ($p[$i] - ($i == $right ? 1 : 0));
		my $wp = $weight * $p[$i];
		foreach my $a (0 .. $#$number)
		{
			my $na = $number->[$a];
			$gradient->[$na] += $d * $value->[$a];
			$mean{$na} += $p[$i] * $value->[$a];
			next if $wp < 1e-6;
			my $row = $hessian->[$na];
			my $v = $wp * $value->[$a];
			$row->[ $number->[$_] ] += $v * $value->[$_] foreach 0 .. $#$number;
		}
	}
	my @m = keys %mean;
	foreach my $a (@m)
	{
		my $row = $hessian->[$a];
		my $v = $weight * $mean{$a};
		$row->[$_] -= $v * $mean{$_} foreach @m;
	}
	return -$weight * log(max($right < 0 ? 1 - sum0(@p) : $p[$right], 1e-12));
}

sub fit
{
	my ($beta, @names) = @_;
	my $n = @signals;
	my @beta = @$beta;
	my @weight = map { max(scalar keys %{ $schema{$_}{files}[0]{truth} }, 1)**-$power } @names;
	my $total = sum0(map { $weight[$_] * keys %{ $schema{ $names[$_] }{files}[0]{truth} } } 0 .. $#names);
	my $scale = 2000 / $total;
	my ($last, $step);
	for my $round (1 .. 25)
	{
		my @gradient = map { $penalty * $_ } @beta;
		my @hessian = map { my $i = $_; [ map { $_ == $i ? $penalty : 0 } 0 .. $n - 1 ] } 0 .. $n - 1;
		my $loss = 0.5 * $penalty * sum0(map { $_ * $_ } @beta);
		foreach my $i (0 .. $#names)
		{
			my $files = $schema{ $names[$i] }{files};
			foreach my $file (@$files)
			{
				$loss += add_set($_, $scale * $weight[$i] * $_->{count} / @$files, \@beta, \@gradient, \@hessian)
					foreach @{ $file->{merged} };
			}
		}
		if (defined $last && $loss > $last + 1e-9)
		{
			# too far: half the way back
			@$step = map { $_ / 2 } @$step;
			@beta = map { $beta[$_] + $step->[$_] } 0 .. $#beta;
			next;
		}
		last if defined $last && $last - $loss < 1e-3 * ($last / 1000 + 1);
		$last = $loss;
		$step = solve(\@hessian, \@gradient);
		@beta = map { $beta[$_] - $step->[$_] } 0 .. $#beta;
	}
	return \@beta;
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

sub logit { my ($p) = @_; $p = 1e-9 if $p < 1e-9; $p = 1 - 1e-9 if $p > 1 - 1e-9; return log($p / (1 - $p)) }
sub calibrated { my ($p, $c) = @_; return 1 / (1 + exp(-($c->[0] * logit($p) + $c->[1]))) }

# Two numbers, by Newton's method, over predictions [ score, right, weight ]
sub calibration
{
	my (@points) = @_;
	my ($slope, $offset) = (1, 0);
	foreach my $round (1 .. 30)
	{
		my ($ga, $gb, $haa, $hab, $hbb) = (0, 0, 1e-6, 0, 1e-6);
		foreach my $point (@points)
		{
			my $x = logit($point->[0]);
			my $p = 1 / (1 + exp(-($slope * $x + $offset)));
			my $d = $point->[2] * ($p - $point->[1]);
			my $h = $point->[2] * $p * (1 - $p);
			$ga += $d * $x; $gb += $d;
			$haa += $h * $x * $x; $hab += $h * $x; $hbb += $h;
		}
		my $det = $haa * $hbb - $hab * $hab;
		last if abs($det) < 1e-12;
		$slope -= ($hbb * $ga - $hab * $gb) / $det;
		$offset -= ($haa * $gb - $hab * $ga) / $det;
	}
	return [ $slope, $offset ];
}

sub judged
{
	my ($found, $truth, $calibration, $threshold) = @_;
	my (%proposed, $right);
	foreach my $f (@$found)
	{
		next if calibrated($f->[0], $calibration) < $threshold;
		$proposed{ $f->[2] } = $f->[1];
	}
	$right = grep { $_ } values %proposed;
	my $precision = %proposed ? $right / keys %proposed : 1;
	my $recall = %$truth ? $right / keys %$truth : 1;
	return ($precision, $recall, $precision + $recall ? 2 * $precision * $recall / ($precision + $recall) : 0, \%proposed);
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
my $all = fit([ map { 0 } @signals ], @names, @styles);
my (%found, @points, $sums);
open $sums, '>', $sums_file or die "fit.pl: $sums_file: $!\n" if defined $sums_file;
foreach my $left_out (@names)
{
	my $beta = fit($all, grep { $_ ne $left_out } @names, @styles);
	my $file = $schema{$left_out}{files}[0];
	write_sums($sums, $left_out, $file, $beta) if $sums;
	$found{$left_out} = predictions($file, $beta);
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
	my ($p, $r, $f, $proposed) = judged($found{$name}, $truth, $calibration, 0.5);
	printf "%-16s %5d %9.2f %9.2f %9.2f\n", $name, scalar keys %$truth, $p, $r, $f;
	$f1{$name} = [ $f, $proposed ];
	$sum[0] += $p; $sum[1] += $r; $sum[2] += $f;
}
printf "%-16s %5s %9.3f %9.3f %9.3f\n", 'macro', '', map { $_ / @names } @sum;

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
	my $text = "-- What each signal of discovery weighs. Written by test/bench/discover/fit.pl: do not edit, fit again.\n"
	  . "INSERT INTO schemaguard.discovery_weight (signal, weight, source) VALUES\n";
	my %value = map { $signals[$_] => $all->[$_] } 0 .. $#signals;

	$value{'calibration slope'} = $calibration->[0];
	$value{'calibration offset'} = $calibration->[1];
	$text .= join(",\n", map { sprintf "    ('%s', %.4f, 'fitted')", $_ =~ s/'/''/gr, $value{$_} } sort keys %value) . ";\n";
	open my $out, '>', $weights_file or die "fit.pl: $weights_file: $!\n";
	print $out $text;
	close $out or die "fit.pl: $weights_file: $!\n";
}
