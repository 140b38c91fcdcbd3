#!/usr/bin/perl
#
# report.pl FACTS SAMPLES [FOLDER]: what was measured, against the targets. Prints a table; with FOLDER, writes
# benchmarks.md and benchmarks.svg there.
#
# FACTS has lines NAME<tab>VALUE..., SAMPLES lines VARIANT<tab>ROUND<tab>SECONDS<tab>METHOD. Ratios are of medians; the
# range is that of the single rounds.

use strict;
use warnings;
use List::Util qw(max min);

my ($facts_file, $samples_file, $folder) = @ARGV;
my (%fact, %seconds, %method);

sub lines
{
	my ($path) = @_;
	open my $file, '<', $path or die "report.pl: $path: $!\n";
	chomp(my @lines = <$file>);
	return map { [ split /\t/, $_ ] } @lines;
}

push @{ $fact{ $_->[0] } }, [ @$_[ 1 .. $#$_ ] ] foreach lines($facts_file);
foreach my $sample (lines($samples_file))
{
	my ($variant, $round, $seconds, $method) = @$sample;
	$seconds{$variant}[ $round - 1 ] = $seconds;
	$method{$variant} = $method if defined $method && $method ne '';
}

sub fact { return $fact{ $_[0] }[0][0] }

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

# 5,000,000
sub number
{
	my ($n) = @_;
	1 while $n =~ s/^(\d+)(\d{3})/$1,$2/;
	return $n;
}

# 5 million
sub millions
{
	my ($n) = @_;
	return $n >= 1e6 ? sprintf('%.3g million', $n / 1e6) : number($n);
}

# Three digits that count, with the unit that suits
sub duration
{
	my ($seconds) = @_;
	foreach my $unit ([ 1, 's' ], [ 1e-3, 'ms' ], [ 1e-6, 'us' ])
	{
		return sprintf('%s %s', three_digits($seconds / $unit->[0]), $unit->[1]) if $seconds >= $unit->[0];
	}
	return sprintf('%s ns', three_digits($seconds / 1e-9));
}

sub three_digits
{
	my ($n) = @_;
	return sprintf $n >= 100 ? '%.0f' : $n >= 10 ? '%.1f' : '%.2f', $n;
}

# ----------------------------------------------------------------------------------------------------------------------
# What is compared. `ours` against the best of `theirs`; the target is how many times as long ours takes at `most`, or
# how many times faster it is at `least`.

my ($small, $middle, $large) = (fact('rows_1'), fact('child_rows'), fact('rows_20'));
my $keys = number(3 * fact('tables'));

# Time per row: of a whole table, and of the rows that one table has more than the other
if ($seconds{growth_20})
{
	foreach my $round (0 .. $#{ $seconds{growth_20} })
	{
		my ($one, $five, $twenty) = map { $seconds{"growth_$_"}[$round] } 1, 5, 20;
		push @{ $seconds{row_1} }, $one / $small;
		push @{ $seconds{row_5} }, $five / $middle;
		push @{ $seconds{row_20} }, $twenty / $large;
		push @{ $seconds{more_5} }, ($five - $one) / ($middle - $small);
		push @{ $seconds{more_20} }, ($twenty - $five) / ($large - $middle);
	}
	$method{$_} = $method{growth_20} foreach qw(row_5 row_20 more_20);
}

# Time per step of preflight
foreach my $round (0 .. $#{ $seconds{check_whole} || [] })
{
	push @{ $seconds{step_whole} }, $seconds{check_whole}[$round] / (5 * int(fact('rollback_keys') / 5));
	push @{ $seconds{step_fifth} }, $seconds{check_fifth}[$round] / (5 * int(fact('rollback_keys') / 25));
}

my @measures = (
	{ what => 'audit of six keys', ours => 'audit', most => 1.5,
		theirs => { read => 'reading those columns with count()' } },
	{ what => 'audit of six keys', ours => 'audit', least => 15,
		theirs => { core => "core's six VALIDATEs" } },
	{ what => 'audit of six keys', ours => 'audit', least => 6,
		theirs => { antijoins => 'six parallel anti-joins', combined => 'one combined query' } },
	{ what => 'validation of six keys in one pass', ours => 'scan', least => 10,
		theirs => { core => "core's six VALIDATEs" } },
	{ what => 'time per row, ' . millions($middle) . ' rows', ours => 'row_5', most => 1.15,
		theirs => { row_1 => 'the same, ' . millions($small) . ' rows' } },
	{ what => 'time per row, ' . millions($large) . ' rows', ours => 'row_20', most => 1.15,
		theirs => { row_1 => 'the same, ' . millions($small) . ' rows' } },
	{ what => 'each further row to ' . millions($large), ours => 'more_20', most => 1.15,
		theirs => { more_5 => 'each further row to ' . millions($middle) } },
	{ what => "100 keys in " . millions(fact('probe_rows')) . ' parents', ours => 'probe_few', most => 2,
		theirs => { probe_few_sql => 'an anti-join' } },
	{ what => '... one of them an orphan', ours => 'probe_orphan', most => 2,
		theirs => { probe_orphan_sql => 'an anti-join, and reading the parent' } },
	{ what => millions(fact('probe_keys')) . ' keys in ' . millions(fact('probe_rows')) . ' parents', ours => 'probe_many', most => 2,
		theirs => { probe_many_sql => 'an anti-join' } },
	{ what => 'one key, tables of 100 rows', ours => 'small_audit', most => 1,
		theirs => { small_sql => 'the generated SQL' } },
	{ what => 'the same, verdict recorded', ours => 'small_recorded', most => 1,
		theirs => { small_method => 'method sql, recorded' } },
	{ what => 'UPDATE of 100,000 rows, stamped (processor)', ours => 'stamp_c', most => 1.1,
		theirs => { stamp_none => 'the same without the trigger' } },
	{ what => 'the same', ours => 'stamp_c', most => 1.05,
		theirs => { stamp_core => "a trigger of the server's that leaves the row as it is" } },
	{ what => 'the same', ours => 'stamp_c', most => 0.9,
		theirs => { stamp_plpgsql => 'a trigger in PL/pgSQL' } },
	{ what => number(fact('tables')) . ' tables, 3 keys each, 100 rows each', ours => 'many_audit', least => 2,
		theirs => { many_sql => "$keys anti-joins in one DO block" } },
	{ what => 'sg_status, ' . number(10 * fact('tables')) . ' tables, 2 keys each', ours => 'many_status', most => 2,
		theirs => { many_count => 'a count of the keys in pg_constraint' } },
	{ what => 'sg_health, the same', ours => 'many_health', most => 2,
		theirs => { many_join => 'one join of pg_constraint and grouped pg_trigger' } },
	{ what => 'sg_plan_check per step, ' . number(fact('rollback_keys')) . ' steps', ours => 'step_whole', most => 1.3,
		theirs => { step_fifth => 'the same, a fifth of the steps' } },
	{ what => number(fact('rollback_keys')) . ' keys taken back', ours => 'rollback_back', most => 2,
		theirs => { rollback_add => 'adding and validating them' } },
	{ what => '226 keys deployed', ours => 'deploy_core', most => 1.1,
		theirs => { deploy_plain => 'ADD FOREIGN KEY one by one' } },
	{ what => '... validated by scans', ours => 'deploy_scan', most => 1.1,
		theirs => { deploy_plain => 'ADD FOREIGN KEY one by one' } },
	{ what => '... by two workers', ours => 'deploy_workers', most => 1,
		theirs => { deploy_plain => 'ADD FOREIGN KEY one by one' } },);

# What the samples say about a measure; empty if it was not taken.
sub judge
{
	my ($measure) = @_;
	my ($ours, @theirs) = ($seconds{ $measure->{ours} }, grep { $seconds{$_} } sort keys %{ $measure->{theirs} });
	return () if !$ours || @theirs != keys %{ $measure->{theirs} };

	my ($best) = sort { median(@{ $seconds{$a} }) <=> median(@{ $seconds{$b} }) } @theirs;
	my $faster = defined $measure->{least};
	my $ratio = sub { $faster ? $_[0] / $_[1] : $_[1] / $_[0] };
	my @rounds = map { $ratio->($seconds{$best}[$_], $ours->[$_]) } 0 .. $#$ours;
	my $target = $measure->{least} // $measure->{most};
	my %row = (
		what => $measure->{what},
		baseline => $measure->{theirs}{$best} . (@theirs > 1 ? ' (the best of two ways)' : ''),
		theirs => median(@{ $seconds{$best} }),
		ours => median(@$ours),
		range => join(' to ', map { three_digits($_) } min(@rounds), max(@rounds)),
		method => $method{ $measure->{ours} } // '',);
	my $got = $ratio->($row{theirs}, $row{ours});
	$row{met} = $faster ? $got >= $target : $got <= $target;
	$row{verdict} = $row{met} ? 'met' : 'MISSED';
	$row{ratio} = three_digits($got) . (!$faster ? ' times as long' : $got < 1 ? ' times as fast' : ' times faster');
	$row{target} = ($faster ? 'at least ' : 'at most ') . $target;
	$row{allowed} = $faster ? $row{theirs} / $target : $row{theirs} * $target;
	return \%row;
}

my @rows = map { judge($_) } @measures;

# The memory of an audit, one row for each bound
my @memory = map {
	my ($bound, $peak, $anon, $dsm, $workers, $temp, $seconds, $method) = @$_;
	{
		bound => $bound, peak => $peak, anon => $anon, dsm => $dsm, workers => $workers, temp => $temp,
		seconds => $seconds, method => $method, verdict => $peak <= $bound + 32 * 1024 ? 'met' : 'MISSED'
	}
} @{ $fact{memory} // [] };

# What an application feels, one row for each way to add the keys; the targets are ours alone
my %live = map { $_->[0] => { keys => $_->[1], seconds => $_->[2], lost => $_->[3], failed => $_->[4], stall => $_->[5],
	longest => $_->[6], p999 => $_->[7], tps => $_->[8] } } @{ $fact{live} // [] };
my @live = map {
	my ($name, $title, $judged) = @$_;
	my $row = $live{$name};
	my $ratio = $row->{p999} / $live{alone}{p999};
	my @missed = !$judged ? () : ($row->{lost} || $row->{failed} ? 'failures' : (), $row->{stall} > 150 ? 'stall' : (),
		$ratio > 3 ? '99.9 %' : ());
	+{ %$row, title => $title, ratio => $ratio, verdict => !$judged ? '' : @missed ? 'MISSED: ' . join(', ', @missed) : 'met' }
} grep { $live{ $_->[0] } } (
	[ 'alone', 'the application alone', 0 ],
	[ 'schemaguard', 'CALL sg_add_fks', 1 ],
	[ 'plain', 'ADD FOREIGN KEY', 0 ],
	[ 'not valid', 'ADD ... NOT VALID, VALIDATE', 0 ]);

# ----------------------------------------------------------------------------------------------------------------------
# Tables: the header and the rows, as lists of cells

sub ratio_table
{
	return [ 'what', 'baseline', 'baseline takes', 'schemaguard', 'ratio', 'rounds', 'target', '', 'method' ],
		map { [ $_->{what}, $_->{baseline}, duration($_->{theirs}), duration($_->{ours}), @$_{qw(ratio range target verdict method)} ] }
		@rows;
}

sub megabytes { return sprintf('%.1f MB', $_[0] / 1024) }

sub memory_table
{
	return [ 'bound', 'peak', 'RssAnon', 'DSM', 'target', '', 'workers', 'temporary files', 'time', 'method' ],
		map {
			[ megabytes($_->{bound}), megabytes($_->{peak}), megabytes($_->{anon}), megabytes($_->{dsm}),
				'at most ' . megabytes($_->{bound} + 32 * 1024), $_->{verdict}, $_->{workers},
				megabytes($_->{temp} / 1024), duration($_->{seconds}), $_->{method} ]
		} @memory;
}

sub live_table
{
	return [ 'what', 'keys', 'time', 'transactions lost', 'own failures', 'longest stall', '99.9 % of latencies below', 'against alone',
		'longest', '' ],
		map {
			[ $_->{title}, $_->{title} =~ /alone/ ? '' : $_->{keys}, duration($_->{seconds}), @$_{qw(lost failed)},
				"$_->{stall} ms", duration($_->{p999} / 1000), three_digits($_->{ratio}), duration($_->{longest} / 1000), $_->{verdict} ]
		} @live;
}

sub aligned
{
	my @table = @_;
	my @width = map { my $column = $_; max(map { length $_->[$column] } @table) } 0 .. $#{ $table[0] };
	splice @table, 1, 0, [ map { '-' x $_ } @width ];
	return join '', map {
		my $line = $_;
		join('  ', map { sprintf '%-*s', $width[$_], $line->[$_] } 0 .. $#width) =~ s/ +$//r . "\n"
	} @table;
}

sub markdown
{
	my ($header, @table) = @_;
	return join '', map { '| ' . join(' | ', @$_) . " |\n" } $header, [ map { '---' } @$header ], @table;
}

sub memory_title
{
	return 'memory of an audit: ' . number(fact('memory_keys')) . ' uuid keys, and as many child rows';
}

print aligned(ratio_table()), "\n" if @rows;
print memory_title(), "\n", aligned(memory_table()), "\n" if @memory;
print "the application while keys are added\n", aligned(live_table()), "\n" if @live;
print "The targets are for SCALE=1, this was SCALE=" . fact('scale') . ".\n" if @rows && fact('scale') != 1;
my @judged = grep { $_->{verdict} ne '' } @rows, @memory, @live;
printf "%d of %d targets met\n", scalar(grep { $_->{verdict} eq 'met' } @judged), scalar @judged;
exit if !defined $folder;

# ----------------------------------------------------------------------------------------------------------------------
# The page

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "report.pl: $path: $!\n";
	print $file $text;
	close $file or die "report.pl: $path: $!\n";
	print "written: $path\n";
}

sub page
{
	my $settings = join ', ', map { "`$_->[0]`" } @{ $fact{setting} // [] };
	my $page = <<MD;
# Benchmarks

Ratios, from one run of `make bench` on one machine; absolute times say little about another one. This page and its
picture are written by `make bench BENCH_DOCS=1`.

MD
	$page .= <<MD . markdown(ratio_table()) . <<MD if @rows;
![How long each takes, beside its baseline](benchmarks.svg)

MD

Times are medians of @{[ fact('rounds') ]} rounds, ratios are of these medians, "rounds" is the range of the ratio in the single rounds. In each
round every variant runs once, one after the other, after a round that is not counted. Each result is checked: the number of keys,
the rows that were read, no orphans; and beforehand each way must find orphans that were planted.

- **Data**: a child of @{[ millions($middle) ]} rows with six foreign keys: bigint to @{[ scaled_rows(1e6) ]} rows, the same again with 70 % nulls,
  uuid to 500, text to @{[ scaled_rows(2e5) ]}, int to 3,000, (bigint, int) to @{[ scaled_rows(1e5) ]}. Everything in shared_buffers, hint bits set by VACUUM.
- **Workers**: @{[ fact('workers') ]} besides the leader, for every parallel query and for every audit. VALIDATE is never parallel.
- **Anti-joins**: six times `SELECT count(*) ... WHERE NOT EXISTS`. **Combined query**: one scan with a LEFT JOIN for each key.
- **Growth**: the same six keys and parents, and children of @{[ millions($small) ]}, @{[ millions($middle) ]} and @{[ millions($large) ]} rows. Parents are read
  once whatever the child's size, so "each further row" leaves that out: the rows from @{[ millions($middle) ]} to @{[ millions($large) ]}, against those
  from @{[ millions($small) ]} to @{[ millions($middle) ]}.
- **Few keys**: a child of 100 rows, and one of @{[ millions(fact('probe_keys')) ]}, both against a parent of @{[ millions(fact('probe_rows')) ]} rows, uuid.
  An anti-join is a nested loop over the parent's index where that is faster. What the index does not lead to costs one read of the parent.
- **Small tables**: repeated within one statement on both sides; the SQL is parsed and planned each time, as in an audit. In a
  read-only transaction an audit records nothing, as a query does not; "recorded" writes log and ledger on both sides.
- **Deployment**: of 226 keys between 114 tables of @{[ scaled_rows(1e7) ]} rows in total, with fsync on and no indexes built; audited first, as is the
  default.
- **Validation**: of keys that `CALL sg_add_fks` has added, with `schemaguard.validate_with = scan`, the whole CALL.

MD
	$page .= "## The application while keys are added\n\n" . markdown(live_table()) . <<MD if @live;

A run of its own, with fsync on: 8 pgbench clients at 400 transactions a second, of one statement, of three and of a dozen, read and
write both sides of the keys; one more has a transaction open for 3 s at a time, without a pause, in which it has written every
table. Latencies are pgbench's, of the transactions that were under way while keys were added, with what they waited for their turn. A
stall is the time for which a session waited for the one that adds keys, seen every 5 ms; the target is 150 ms (lock_timeout and 50 ms),
no transaction lost, none of our own statements failed, and 3 times the latencies of the application alone.

MD
	$page .= "## Memory\n\n" . ucfirst(memory_title()) . ".\n\n" . markdown(memory_table()) . <<MD if @memory;

Bound is `schemaguard.audit_memory`. Peak is RssAnon of the backend and its parallel workers plus the server's dynamic shared memory
(`dynamic_shared_memory_type = mmap`, its files counted), every 50 ms, less what the backend had before the audit.

MD
	return $page . <<MD;
Snapshots and comparisons beside pg_dump, migra, apgdiff and check_postgres, and what catching DDL costs: [measurements](internals/measurements.md).

## Machine

@{[ fact('cpu') ]}, @{[ fact('cores') ]} cores, @{[ fact('ram') ]} RAM; @{[ fact('postgresql') ]}, schemaguard @{[ fact('schemaguard') ]}.
@{[ $settings ? "Settings that are not the default: $settings." : '' ]}
MD
}

sub scaled_rows { return number(int($_[0] * fact('scale'))) }

# ----------------------------------------------------------------------------------------------------------------------
# The picture: for each measure the baseline's bar, ours, and the length that ours may have

sub escaped
{
	my ($text) = @_;
	my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;');
	return $text =~ s/([&<>])/$entity{$1}/gr;
}

sub picture
{
	my ($width, $left, $length, $pitch, $top) = (860, 24, 500, 78, 56);
	my $height = $top + $pitch * @rows + 8;
	# It brings its own background, so that it can be read on any page.
	my $svg = <<SVG;
<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" viewBox="0 0 $width $height" role="img">
<title>schemaguard beside its baselines</title>
<style>
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .strong { font-weight: 600 }
  .soft { fill: #59636e }
  .page { fill: #ffffff } .theirs { fill: #afb8c1 } .ours { fill: #0969da } .missed { fill: #cf222e }
  .allowed { stroke: #1f2328; stroke-width: 2 }
  \@media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .soft { fill: #9198a1 }
    .page { fill: #0d1117 } .theirs { fill: #59636e } .ours { fill: #4493f8 } .missed { fill: #ff7b72 }
    .allowed { stroke: #e6edf3 }
  }
</style>
<rect class="page" width="$width" height="$height" rx="8"/>
<rect class="theirs" x="$left" y="19" width="12" height="12"/><text x="42" y="30">baseline</text>
<rect class="ours" x="122" y="19" width="12" height="12"/><text x="140" y="30">schemaguard</text>
<line class="allowed" x1="246" y1="17" x2="246" y2="33"/><text x="254" y="30">the longest that meets the target</text>
SVG
	my $y = $top;
	foreach my $row (@rows)
	{
		my $unit = $length / max(@$row{qw(theirs ours allowed)});
		my ($theirs, $ours, $allowed) = map { sprintf '%.1f', max(1, $row->{$_} * $unit) } qw(theirs ours allowed);
		my ($title, $bars, $right) = ($y + 13, $y + 21, $left + $length + 90);

		# The label stands behind the bar, and behind the mark where that is near.
		my $label = $left + 6 + ($allowed > $ours && $allowed - $ours < 60 ? $allowed : $ours);
		$svg .= sprintf <<SVG, escaped($row->{what}), escaped($row->{baseline}), escaped($row->{ratio}), escaped($row->{target});
<text x="$left" y="$title"><tspan class="strong">%s</tspan><tspan class="soft" dx="5">against %s</tspan></text>
<rect class="theirs" x="$left" y="$bars" width="$theirs" height="14"/>
<text class="soft" x="@{[ $left + $theirs + 6 ]}" y="@{[ $bars + 11 ]}">@{[ duration($row->{theirs}) ]}</text>
<rect class="ours" x="$left" y="@{[ $bars + 17 ]}" width="$ours" height="14"/>
<line class="allowed" x1="@{[ $left + $allowed ]}" y1="@{[ $bars + 14 ]}" x2="@{[ $left + $allowed ]}" y2="@{[ $bars + 34 ]}"/>
<text x="$label" y="@{[ $bars + 28 ]}">@{[ duration($row->{ours}) ]}</text>
<text class="strong" x="$right" y="@{[ $bars + 11 ]}">%s</text>
<text x="$right" y="@{[ $bars + 28 ]}"><tspan class="soft">%s:</tspan><tspan class="@{[ $row->{met} ? 'soft' : 'missed strong' ]}" dx="5">$row->{verdict}</tspan></text>
SVG
		$y += $pitch;
	}
	return "$svg</svg>\n";
}

write_file("$folder/benchmarks.md", page());
write_file("$folder/benchmarks.svg", picture()) if @rows;
