#!/usr/bin/perl
#
# rows.pl FACTS SEED > SQL: rows for a schema that is given as facts, such as its keys would leave behind.
#
# FACTS is a folder with tables.tsv, columns.tsv, keys.tsv, fks.tsv and types.tsv. What the SQL fills is the schema
# without its foreign keys, in a database of its own. Made to mislead:
#
#   - the numbers of every table's key begin near 1 and the sizes differ, so a small number is in nearly every key;
#   - what is no reference is drawn without a look at its name: numbers are states, counts, amounts, years, keys of other
#     systems, and now and then (MIMIC) the values of some table's key;
#   - references are drawn evenly, skewed, from the parents of the time or from a part of them, with nulls where the
#     column allows them, and 1 in 1,000 (ORPHANS) has no parent; 6 in 100 (ONE_TO_ONE, the share of those that schemas declare
#     to be unique) name no parent twice, though nothing says so;
#   - keys have gaps, as rows are deleted, or none; with SPARSE=1 they are drawn from all numbers of their type.
#
# Where child and parent both have a time of creation, the parent is older, 99 times in 100. The same seed gives the same
# rows. To stderr goes a line with what came out.

use strict;
use warnings;
use List::Util qw(first max min sum0);

use constant { ORPHANS => 0.001, MIMIC => 0.05, TRIES => 12, MISSES => 20, ONE_TO_ONE => 0.06 };

my ($facts, $seed) = @ARGV;
die "usage: rows.pl FACTS SEED\n" if @ARGV != 2;
srand($seed);

sub chance { my ($p) = @_; return rand() < $p; }
sub pick { return $_[ int(rand(@_)) ]; }
sub between { my ($lo, $hi) = @_; return $lo + int(rand($hi - $lo + 1)); }
sub log_uniform { my ($lo, $hi) = @_; return int(exp(log($lo) + rand() * log($hi / $lo))); }

# ---------------------------------------------------------------------------------------------------------------------
# Facts

sub tsv
{
	my ($name) = @_;
	open my $in, '<', "$facts/$name.tsv" or die "rows.pl: $facts/$name.tsv: $!\n";
	my @lines = map { chomp; [ map { $_ eq '\N' ? undef : $_ } split /\t/, $_, -1 ] } <$in>;
	close $in or die "rows.pl: $facts/$name.tsv: $!\n";
	return @lines;
}

# {a,"b c"} as a list
sub array
{
	my ($text) = @_;
	my @list;
	push @list, defined $1 ? $1 =~ s/\\(.)/$1/gr : $2 while $text =~ /\G[{,](?:"((?:[^"\\]|\\.)*)"|([^,{}]+))/g;
	return @list;
}

sub quoted { return join '.', map { '"' . s/"/""/gr . '"' } @_; }

my (%base, %table, @order, %leaf);
$base{"$_->[0].$_->[1]"} = ($_->[2] // '') eq 'domain' ? $_->[3] : 'text' foreach tsv('types');
foreach my $t (tsv('tables'))
{
	my ($schema, $name, $kind, $parent, $partkey) = @$t;
	my $id = "$schema.$name";
	$leaf{$id} = $parent =~ s/"//gr if defined $parent;
	$table{$id} = { id => $id, name => quoted($schema, $name), partitioned => defined $partkey, columns => [], keys => [], fks => [] };
	$table{$id}{number_of_table} = push @order, $id if !defined $parent;
}

# The table that a partition belongs to
sub root
{
	my ($id) = @_;
	$id = $leaf{$id} while $leaf{$id};
	return $id;
}

foreach my $c (tsv('columns'))
{
	my ($schema, $name, undef, $column, $type, $not_null) = @$c;
	my $bare = $type =~ s/"//gr;
	$type = $base{$bare} if $base{$bare};
	my ($limit) = $type =~ /^(?:character varying|character|bit|bit varying)\((\d+)\)/;
	my ($digits, $scale) = $type =~ /^numeric\((\d+),(\d+)\)/;
	push @{ $table{"$schema.$name"}{columns} }, {
		name => $column, type => $type =~ s/\(.*?\)//r, limit => $limit // ($type eq 'character' ? 1 : undef),
		max => defined $digits ? 10**($digits - $scale) - 1 : undef, null => $not_null ne 't' };
}
foreach my $id (@order)
{
	my $t = $table{$id};
	$t->{number}{ $t->{columns}[$_]{name} } = $_ foreach 0 .. $#{ $t->{columns} };
}
foreach my $k (tsv('keys'))
{
	my $t = $table{ root("$k->[0].$k->[1]") };
	my @columns = map { $t->{number}{$_} } array($k->[4]);
	push @{ $t->{keys} }, \@columns;
	$t->{columns}[$_]{in_primary} = 1 foreach $k->[3] eq 'primary' ? @columns : ();
	$t->{columns}[ $columns[0] ]{key} = 1 if @columns == 1;
}
my %seen;
foreach my $f (tsv('fks'))
{
	my ($child, $parent) = (root("$f->[0].$f->[1]"), root("$f->[3].$f->[4]"));
	next if $seen{ join '|', $child, $f->[2], $parent, $f->[5] }++ || !$table{$child}{number} || !$table{$parent}{number};
	my @columns = map { $table{$child}{number}{$_} } array($f->[2]);
	my @keys = map { $table{$parent}{number}{$_} } array($f->[5]);
	push @{ $table{$child}{fks} }, { once => @columns == 1 && chance(ONE_TO_ONE), columns => \@columns, parent => $parent, keys => \@keys, mode => pick(qw(even skewed recent part)),
		nulls => pick(0, 0, 0.1, 0.5, 0.9), rows => 0, orphans => 0 };
	$table{$child}{columns}[$_]{reference} = 1 foreach @columns;
}

# ---------------------------------------------------------------------------------------------------------------------
# Values of one column that refers to nothing: a function of the row's number

my @letters = map { [ split // ] } qw(bcdfglmnprstv aeiou);
sub word { return join '', map { pick(@{ $letters[0] }) . pick(@{ $letters[1] }) } 1 .. ($_[0] // between(2, 5)); }
sub letters { my ($n) = @_; return join '', map { chr(65 + int(rand(26))) } 1 .. $n; }
sub hex_digits { my ($n) = @_; return join '', map { sprintf '%x', int(rand(16)) } 1 .. $n; }
sub uuid { return join '-', map { hex_digits($_) } 8, 4, 4, 4, 12; }

my %largest = (smallint => 32767, integer => 2147483647, bigint => 9e15, numeric => 1e9);

sub number_maker
{
	my ($column) = @_;
	my $max = min($largest{ $column->{type} }, $column->{max} // 1e15);
	my $make = pick(
		(sub { my $k = between(2, 8); my $from = between(0, 1); sub { between($from, $k) } }) x 5,
		(sub { my $mean = log_uniform(2, 60); sub { int(-$mean * log(1 - rand())) } }) x 4,
		(sub { my $most = log_uniform(10, 1_000_000); sub { between(1, $most) } }) x 4,
		(sub { my $mean = log_uniform(100, 100_000); sub { int($mean * exp(1.2 * (rand() + rand() + rand() - 1.5))) } }) x 3,
		(sub { sub { between(1950, 2026) } }),
		(sub { sub { 1_500_000_000 + int(rand(250_000_000)) } }),
		(sub { my $from = log_uniform(10_000, 100_000_000); sub { $from + int(rand($from)) } }) x 2,
		(sub { my $only = between(0, 1); sub { $only } }))->();
	return sub { min($make->(), $max) };
}

sub text_maker
{
	my ($column) = @_;
	my $limit = $column->{limit} // 40;
	my @words = map { word() } 1 .. between(3, 12);
	my $make = $limit < 4 ? sub { letters($limit) } : pick(
		(sub { pick(@words) }) x 4,
		(sub { join ' ', map { word() } 1 .. between(1, 6) }) x 6,
		(sub { letters(between(2, 3)) }),
		(sub { between(1, 500) }),
		(sub { hex_digits(32) }));
	return sub { substr($make->(), 0, $limit) };
}

# Seconds of a table's life, in order of its rows, as a time
sub timestamp
{
	my ($seconds) = @_;
	my @t = gmtime(1_420_000_000 + $seconds);
	return sprintf '%04d-%02d-%02d %02d:%02d:%02d', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ];
}

sub maker
{
	my ($column) = @_;
	my $type = $column->{type};
	return sub { '{}' } if $type =~ /\[\]$/ || $type =~ /^json/;
	return number_maker($column) if $largest{$type};
	return text_maker($column) if $type =~ /^(?:character|text|name)/;
	return \&uuid if $type eq 'uuid';
	return sub { pick('t', 'f') } if $type eq 'boolean';
	return sub { timestamp(rand(360_000_000)) } if $type =~ /^timestamp/;
	return sub { substr(timestamp(rand(360_000_000)), 0, 10) } if $type eq 'date';
	return sub { substr(timestamp(rand(86_400)), 11) } if $type =~ /^time /;
	return sub { sprintf '%.3f', rand(1000) } if $type =~ /^(?:real|double precision|money)/;
	return sub { '10.' . join '.', map { between(0, 255) } 1 .. 3 } if $type =~ /^(?:inet|cidr)/;
	return sub { '1' x ($column->{limit} // 1) } if $type =~ /^bit/;
	return sub { '0101' } if $type =~ /^bit varying/;
	return sub { between(1, 90) . ' days' } if $type =~ /^interval/;
	return sub { '\\\\x' . hex_digits(8) } if $type eq 'bytea';
	return sub { word() } if $type =~ /^(?:tsvector|xml)/;
	return sub { '(1,2)' } if $type eq 'point';
	return sub { undef };
}

# ---------------------------------------------------------------------------------------------------------------------
# Keys of their own: numbers from near 1 on, with gaps or without; short codes; words; uuids

# Numbers drawn from all that a column, and those that refer to it, may have
sub sparse_key
{
	my ($column, $n) = @_;
	my @columns = ($column);
	foreach my $t (values %table)
	{
		foreach my $f (@{ $t->{fks} })
		{
			my @keys = map { $table{ $f->{parent} }{columns}[$_] } @{ $f->{keys} };
			push @columns, map { $t->{columns}[ $f->{columns}[$_] ] } grep { $keys[$_] == $column } 0 .. $#keys;
		}
	}
	my $max = min(map { ($largest{ $_->{type} } // 1e15, $_->{max} // 1e15) } @columns);
	my %drawn;
	$drawn{ between(1, $max) } = 1 while keys %drawn < min($n, $max / 2);
	return [ sort { $a <=> $b } keys %drawn ];
}

sub own_key
{
	my ($column, $n) = @_;
	my (@values, %taken);
	if ($largest{ $column->{type} })
	{
		my $gaps = pick(0, 0, 0.02, 0.1, 0.3);
		my $id = between(0, 3);
		return sparse_key($column, $n) if $ENV{SPARSE};
		while (@values < $n)
		{
			last if $id >= $largest{ $column->{type} } || $id >= ($column->{max} // 1e15);
			$id++;
			push @values, $id if !chance($gaps);
		}
		return \@values;
	}
	my $make = $column->{type} eq 'uuid' ? \&uuid
	  : $column->{type} !~ /^(?:character|text|name)/ ? maker($column)
	  : do {
		my $limit = $column->{limit} // 40;
		my $kind = $limit < 4 ? 0 : pick(0, 1, 1, 2, 3);
		my $short = min($limit, max(2, int(log($n) / log(20) + 1)));
		my $next = 0;
		$kind == 0 ? sub { letters($short) } : $kind == 1 ? sub { substr(word() . '-' . word(), 0, $limit) }
		  : $kind == 2 ? sub { $ENV{SPARSE} ? between(1, 10**min($limit, 9) - 1) : ++$next } : sub { substr(hex_digits(32), 0, $limit) };
	  };
	for (1 .. 4 * $n)
	{
		my $value = $make->();
		last if !defined $value || @values == $n;
		push @values, $value if !$taken{$value}++;
	}
	return \@values;
}

# ---------------------------------------------------------------------------------------------------------------------
# References

# The parents' rows by the values of some columns of the key, as a hash of lists of row numbers
sub parents_by
{
	my ($parent, @keys) = @_;
	return $parent->{by}{"@keys"} //= do {
		my %by;
		foreach my $r (0 .. $#{ $parent->{rows} })
		{
			my @value = @{ $parent->{rows}[$r] }[@keys];
			push @{ $by{ join "\0", @value } }, $r if !grep { !defined } @value;
		}
		\%by;
	};
}

# One of the first n
sub draw
{
	my ($fk, $n, $position) = @_;
	return int(rand($n)) if $fk->{mode} eq 'even';
	return int($n * rand()**3) if $fk->{mode} eq 'skewed';
	return int(rand(max(1, $n / 4))) if $fk->{mode} eq 'part';
	return max(0, min($n - 1, int($n * $position - abs(rand() + rand() - 1) * $n / 10)));
}

# How many of the parents are older?
sub older
{
	my ($parent, $seconds) = @_;
	my $times = $parent->{times};
	my ($lo, $hi) = (0, scalar @$times);
	while ($lo < $hi)
	{
		my $middle = int(($lo + $hi) / 2);
		if ($times->[$middle] < $seconds) { $lo = $middle + 1 } else { $hi = $middle }
	}
	return $lo;
}

# Fills the columns of a reference; false if there is no parent to be had
sub refer
{
	my ($t, $fk, $row, $position, $seconds) = @_;
	my $parent = $table{ $fk->{parent} };
	my @columns = @{ $fk->{columns} };
	my @set = grep { defined $row->[ $columns[$_] ] } 0 .. $#columns;
	my @free = grep { !defined $row->[ $columns[$_] ] && $t->{columns}[ $columns[$_] ]{null} } 0 .. $#columns;

	return 1 if @free && chance($fk->{nulls});
	if (!@set)
	{
		my $n = @{ $parent->{rows} };
		return @free > 0 if !$n;
		$n = max(1, older($parent, $seconds)) if defined $seconds && $parent->{times} && chance(0.99);
		my $drawn = $fk->{once} ? first { !$fk->{named}{$_}++ } map { int(rand($n)) } 1 .. TRIES : draw($fk, $n, $position);
		return @free > 0 if !defined $drawn;
		my $found = $parent->{rows}[$drawn];
		my @value = @$found[ @{ $fk->{keys} } ];
		return @free > 0 if grep { !defined } @value;
		@$row[@columns] = @value;
		$fk->{rows}++;
		return 1;
	}
	my $by = parents_by($parent, @{ $fk->{keys} }[@set]);
	my $rows = $by->{ join "\0", map { $row->[ $columns[$_] ] } @set };
	return @free > 0 if !$rows;
	my $found = $parent->{rows}[ pick(@$rows) ];
	$row->[ $columns[$_] ] = $found->[ $fk->{keys}[$_] ] foreach 0 .. $#columns;
	$fk->{rows}++;
	return 1;
}

# ---------------------------------------------------------------------------------------------------------------------
# Tables, parents first; what can't be had in that order, and references to the table itself, come at the end

sub fresh_key
{
	my ($taken, $t, $row, $note) = @_;
	foreach my $k (0 .. $#{ $t->{keys} })
	{
		my @value = @$row[ @{ $t->{keys}[$k] } ];
		next if grep { !defined } @value;
		return 0 if !$note && $taken->[$k]{ join "\0", @value };
		$taken->[$k]{ join "\0", @value } = 1 if $note;
	}
	return 1;
}

# Of the rows that are there now, a few lose their parent
sub lose_parents
{
	my ($t, @fks) = @_;
	foreach my $fk (@fks)
	{
		my ($c, @more) = @{ $fk->{columns} };
		my $type = $t->{columns}[$c]{type};
		next if @more || !($largest{$type} || $type eq 'uuid');
		foreach my $row (@{ $t->{rows} })
		{
			next if !defined $row->[$c] || !chance(ORPHANS);
			$row->[$c] = $type eq 'uuid' ? uuid() : min(900_000 + between(1, 90_000), $largest{$type});
			$fk->{orphans}++;
		}
	}
	return;
}

sub fill
{
	my ($t, $done) = @_;
	my $n = log_uniform(4, 3000);
	my @columns = @{ $t->{columns} };
	my @now = sort { @{ $b->{columns} } <=> @{ $a->{columns} } } grep { $done->{ $_->{parent} } && $_->{parent} ne $t->{id} } @{ $t->{fks} };
	my %later = map { $_ => 1 } map { @{ $_->{columns} } } grep { !$done->{ $_->{parent} } || $_->{parent} eq $t->{id} } @{ $t->{fks} };
	my (@maker, @taken);
	my $created = first { $columns[$_]{type} =~ /^(?:timestamp|date)/ && $columns[$_]{name} =~ /creat|insert|regist|added/i } 0 .. $#columns;
	my @times = sort { $a <=> $b } map { rand(360_000_000) } 1 .. $n;

	foreach my $c (0 .. $#columns)
	{
		next if $columns[$c]{reference} && !($later{$c} && !$columns[$c]{null});
		if ($columns[$c]{key} || (@{ $t->{keys} } && grep { @$_ == 1 && $_->[0] == $c } @{ $t->{keys} }))
		{
			my $values = own_key($columns[$c], $n);
			$n = @$values if @$values && !$columns[$c]{null};
			$maker[$c] = sub { $values->[ $_[0] ] };
		}
		else
		{
			my @mimic = grep { my $p = $table{$_}; $done->{$_} && $p->{single} } keys %$done;
			my $make = maker($columns[$c]);
			my $nulls = !$columns[$c]{null} ? 0 : chance(0.05) ? 1 : pick(0, 0, 0.2, 0.7);
			if (@mimic && chance(MIMIC))
			{
				my $p = $table{ pick(sort @mimic) };
				my $k = $p->{single};
				my $type = $p->{columns}[$k]{type};
				$make = sub { $p->{rows}[ int(rand(@{ $p->{rows} })) ][$k] }
				  if @{ $p->{rows} } && $type eq $columns[$c]{type} && ($type eq 'uuid' || $largest{$type});
			}
			$maker[$c] = sub { chance($nulls) ? undef : $make->() };
		}
	}
	$maker[$created] = sub { substr(timestamp($times[ $_[0] ]), 0, $columns[$created]{type} eq 'date' ? 10 : 19) } if defined $created;

	$t->{rows} = [];
	$t->{times} = defined $created ? [] : undef;
	my $misses = 0;
	foreach my $i (0 .. $n - 1)
	{
		# a table that extends a small one is full sooner than it was to be
		last if $misses++ == MISSES;
		foreach (1 .. TRIES)
		{
			my @row = map { $maker[$_] && !$columns[$_]{reference} ? $maker[$_]->($i) : undef } 0 .. $#columns;
			my $good = 1;
			$good &&= refer($t, $_, \@row, $i / $n, defined $created ? $times[$i] : undef) foreach @now;
			$row[$_] //= $maker[$_]->($i) foreach grep { $maker[$_] && $columns[$_]{reference} } 0 .. $#columns;
			$good &&= !grep { !defined $row[$_] && !$columns[$_]{null} } 0 .. $#columns;
			next if !$good || !fresh_key(\@taken, $t, \@row, 0);
			fresh_key(\@taken, $t, \@row, 1);
			push @{ $t->{rows} }, \@row;
			push @{ $t->{times} }, $times[$i] if defined $created;
			$misses = 0;
			last;
		}
	}
	lose_parents($t, @now);
	$t->{late} = [ grep { !$done->{ $_->{parent} } || $_->{parent} eq $t->{id} } @{ $t->{fks} } ];
	$t->{single} = (map { $_->[0] } grep { @$_ == 1 } @{ $t->{keys} })[0];
	return;
}

sub fill_late
{
	my ($t) = @_;
	foreach my $fk (@{ $t->{late} })
	{
		my $parent = $table{ $fk->{parent} };
		my $n = @{ $t->{rows} };
		my $part = grep { my $c = $_; grep { my $f = $_; $f != $fk && grep { $_ == $c } @{ $f->{columns} } } @{ $t->{fks} } } @{ $fk->{columns} };
		foreach my $i (0 .. $n - 1)
		{
			my $row = $t->{rows}[$i];
			my @was = @$row;
			$row->[$_] = undef foreach $part ? () : @{ $fk->{columns} };
			if (!refer($t, $fk, $row, $i / $n, $t->{times} && $t->{times}[$i]) || grep { !defined $row->[$_] && defined $was[$_] && !$t->{columns}[$_]{null} } @{ $fk->{columns} })
			{
				@$row = @was;
			}
		}
	}
	lose_parents($t, @{ $t->{late} });
	return;
}

# A late value may break a unique key: such rows go
sub keep_unique
{
	my ($t) = @_;
	my (@kept, @gone, @taken);
	foreach my $row (@{ $t->{rows} })
	{
		my $fresh = fresh_key(\@taken, $t, $row, 0);
		fresh_key(\@taken, $t, $row, 1) if $fresh;
		push @{ $fresh ? \@kept : \@gone }, $row;
	}
	$t->{rows} = \@kept;
	drop_children($t, @gone);
	return;
}

# The rows that refer to those go as well: orphans are only what lose_parents() made
sub drop_children
{
	my ($parent, @gone) = @_;
	return if !@gone;
	foreach my $t (map { $table{$_} } @order)
	{
		foreach my $fk (grep { $_->{parent} eq $parent->{id} } @{ $t->{fks} })
		{
			my %gone = map { join("\0", map { $_ // '' } @{$_}[ @{ $fk->{keys} } ]) => 1 } @gone;
			delete $gone{ join("\0", map { $_ // '' } @{$_}[ @{ $fk->{keys} } ]) } foreach @{ $parent->{rows} };
			my $refers = sub { my ($row) = @_; my @values = @{$row}[ @{ $fk->{columns} } ]; !(grep { !defined } @values) && $gone{ join("\0", @values) } };
			my @lost = grep { $refers->($_) } @{ $t->{rows} };
			next if !@lost;
			$t->{rows} = [ grep { !$refers->($_) } @{ $t->{rows} } ];
			drop_children($t, @lost);
		}
	}
	return;
}

my %done;
my @left = @order;
while (@left)
{
	my ($next) = sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] }
	  map { my $t = $table{ $left[$_] }; [ scalar(grep { !$done{ $_->{parent} } && $_->{parent} ne $t->{id} } @{ $t->{fks} }), $_ ] } 0 .. $#left;
	my ($id) = splice @left, $next->[1], 1;
	fill($table{$id}, \%done);
	$done{$id} = 1;
}
fill_late($table{$_}) foreach @order;
keep_unique($table{$_}) foreach @order;

sub cell
{
	my ($value) = @_;
	return '\N' if !defined $value;
	return $value;
}

print "SET client_min_messages = error;\n";
foreach my $id (@order)
{
	my $t = $table{$id};
	next if !@{ $t->{columns} };
	print "DO \$\$ BEGIN CREATE TABLE rest_$t->{number_of_table} PARTITION OF $t->{name} DEFAULT;\n",
	  "EXCEPTION WHEN invalid_object_definition THEN NULL; END \$\$;\n" if $t->{partitioned};
	print "COPY $t->{name} (", join(', ', map { quoted($_->{name}) } @{ $t->{columns} }), ") FROM STDIN;\n";
	print join("\t", map { cell($_) } @$_), "\n" foreach @{ $t->{rows} };
	print "\\.\n";
}
my @fks = map { @{ $_->{fks} } } values %table;
printf STDERR "rows.pl: %s: %d tables, %d rows, %d references, %d of them without a row, %d orphans\n", $facts =~ s,/$,,r =~ s,.*/,,r, scalar @order,
  sum0(map { scalar @{ $table{$_}{rows} } } @order), scalar @fks, scalar(grep { $_->{rows} == 0 } @fks), sum0(map { $_->{orphans} } @fks);
