# Fit.pm: a conditional logit, its calibration, and what precision and recall it has.
#
# A set is { truth => which candidate is right or -1, weight, x => [ [ [signal...], [value...] ] ... ], offset => [ ... ] }:
# of its candidates and "none of them" (which weighs 0) one is right, each with probability exp(sum) / (1 + all exp(sum)).
# A candidate's sum is its offset, where it has one, and the weighted values of its signals.
package Fit;

use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max min sum0);

our @EXPORT_OK = qw(shares fit_weights curvature solve calibration calibrated knots judged);

use constant LIMIT => 30;       # of a sum: exp() of it is still a number
use constant KNOTS => 11;       # of a calibration
use constant RISE => 0.02;      # of it that is what is put in

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
	foreach my $i (0 .. $#{ $set->{x} })
	{
		my ($signal, $value) = @{ $set->{x}[$i] };
		my $s = $set->{offset} ? $set->{offset}[$i] : 0;
		$s += $beta->[ $signal->[$_] ] * $value->[$_] foreach 0 .. $#$signal;
		push @e, exp($s > LIMIT ? LIMIT : $s < -LIMIT ? -LIMIT : $s);
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
		my ($signal, $value) = @{ $set->{x}[$i] };
		my $d = $weight * ($p[$i] - ($i == $right ? 1 : 0));
		my $wp = $weight * $p[$i];
		foreach my $a (0 .. $#$signal)
		{
			my $na = $signal->[$a];
			$gradient->[$na] += $d * $value->[$a];
			$mean{$na} += $p[$i] * $value->[$a];
			next if $wp < 1e-6;
			my $row = $hessian->[$na];
			my $v = $wp * $value->[$a];
			$row->[ $signal->[$_] ] += $v * $value->[$_] foreach 0 .. $#$signal;
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

# Gradient and Hessian of the loss of sets, without the penalty
sub curvature
{
	my ($sets, $beta) = @_;
	my @gradient = map { 0 } @$beta;
	my @hessian = map { [ map { 0 } @$beta ] } @$beta;
	add_set($_, $_->{weight}, $beta, \@gradient, \@hessian) foreach @$sets;
	return (\@gradient, \@hessian);
}

# The weights of n signals, drawn to 0 by a penalty. A signal with a direction (1 or -1, else 0) that would get a weight of the
# other sign gets none.
sub fit_weights
{
	my ($sets, $penalty, $direction, @start) = @_;
	my %none;
	for my $round (1 .. 6)
	{
		my @beta = newton($sets, $penalty, \%none, @start);
		my @wrong = grep { $beta[$_] * ($direction->[$_] // 0) < 0 } 0 .. $#beta;
		return @beta if !@wrong;
		$none{$_} = 1 foreach @wrong;
		@start = map { $none{$_} ? 0 : $beta[$_] } 0 .. $#beta;
	}
	return @start;
}

# Newton's method from `start` on; some signals stay at 0
sub newton
{
	my ($sets, $penalty, $none, @start) = @_;
	my $n = @start;
	my @beta = @start;
	my ($last, $step);
	for my $round (1 .. 30)
	{
		my @gradient = map { $penalty * $_ } @beta;
		my @hessian = map { my $i = $_; [ map { $_ == $i ? $penalty : 0 } 0 .. $n - 1 ] } 0 .. $n - 1;
		my $loss = 0.5 * $penalty * sum0(map { $_ * $_ } @beta);
		$loss += add_set($_, $_->{weight}, \@beta, \@gradient, \@hessian) foreach @$sets;
		foreach my $i (keys %$none)
		{
			$gradient[$i] = 0;
			$hessian[$i][$_] = $hessian[$_][$i] = $i == $_ ? 1 : 0 foreach 0 .. $n - 1;
		}
		if (defined $last && $loss > $last + 1e-9)
		{
			# too far: half the way back
			@$step = map { $_ / 2 } @$step;
			@beta = map { $beta[$_] + $step->[$_] } 0 .. $#beta;
			next;
		}
		last if defined $last && $last - $loss < 1e-6 * $last + 1e-3;
		$last = $loss;
		$step = solve(\@hessian, \@gradient);
		@beta = map { $beta[$_] - $step->[$_] } 0 .. $#beta;
	}
	return @beta;
}

# Between two knots, the line from one to the other: as discover_score.c has it
sub calibrated
{
	my ($p, $c) = @_;
	my $place = ($p < 0 ? 0 : $p > 1 ? 1 : $p) * (KNOTS - 1);
	my $knot = $place >= KNOTS - 1 ? KNOTS - 2 : int($place);
	return $c->[$knot] + ($place - $knot) * ($c->[ $knot + 1 ] - $c->[$knot]);
}

# What share is right at each knot 0.0, 0.1, ... 1.0, over predictions [ score, right, weight ]: each counts for the knots
# at its two sides, by how near it is. A knot that has less than the one before takes the mean with it; a little is
# added for each, so that a larger share never ties with a smaller one.
sub calibration
{
	my (@points) = @_;
	my @right = map { 0 } 1 .. KNOTS;
	my @all = map { 1e-3 } 1 .. KNOTS;
	$right[$_] = 1e-3 * $_ / (KNOTS - 1) foreach 0 .. KNOTS - 1;
	foreach my $point (@points)
	{
		my $place = $point->[0] * (KNOTS - 1);
		my $knot = min(int($place), KNOTS - 2);
		foreach my $side ([ $knot, 1 - $place + $knot ], [ $knot + 1, $place - $knot ])
		{
			$all[ $side->[0] ] += $point->[2] * $side->[1];
			$right[ $side->[0] ] += $point->[2] * $side->[1] * $point->[1];
		}
	}
	my @pools;    # [ right, all, knots ]
	foreach my $knot (0 .. KNOTS - 1)
	{
		push @pools, [ $right[$knot], $all[$knot], 1 ];
		while (@pools > 1 && $pools[-1][0] / $pools[-1][1] < $pools[-2][0] / $pools[-2][1])
		{
			my $last = pop @pools;
			$pools[-1][$_] += $last->[$_] foreach 0 .. 2;
		}
	}
	my @c = map { my $pool = $_; map { $pool->[0] / $pool->[1] } 1 .. $pool->[2] } @pools;
	return [ map { (1 - RISE) * $c[$_] + RISE * $_ / (KNOTS - 1) } 0 .. KNOTS - 1 ];
}

# The names of the knots in schemaguard.discovery_weight, of a level ('', ', statistics', ', rows')
sub knots
{
	my ($calibration, $level) = @_;
	return map { sprintf('calibration %.1f%s', $_ / (KNOTS - 1), $level) => $calibration->[$_] } 0 .. KNOTS - 1;
}

# Precision, recall, F1 of predictions [ score, right or not, what ] against all that is true; what was proposed => right
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

1;
