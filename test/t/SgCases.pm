# SgCases.pm: random pairs of tables with a key between them, for tests that compare with what the server says.
#
#   SgCases::prepare($node);                    types and collations that the tables use
#   my @cases = make_case(1, 'schema');         one key, or a second one of the same child to the same parent with it
#   my $case = make_large_case(1, 'schema');    a parent of thousands of keys; id % 3 says how a scan stores them
#   my $case = make_period_case(1, 'schema');   a key over periods
#   my $case = make_wide_case(1, 'schema');     a child with 2 to 6 keys
#
# The same seed makes the same case, whatever the schema.  Random are: types (also pairs of different ones), nulls, MATCH,
# up to 4 columns in any order, dropped and added columns, partitions on either side, inheritance children, collations,
# targets that are a primary key, a constraint or just an index, self references, names that need quoting, owners, and
# orphans: none, one, some.  Some keys are such that the server refuses them.
package SgCases;
use strict;
use warnings;
use Exporter 'import';
use Test::More;
use SgTest;

our @EXPORT = qw(make_case make_large_case make_period_case make_wide_case hostile);

my ($major, $icu, $citext, $btree_gist, $hstore, $ltree);
my (@kinds, @same, @refused, @collations, @large);

# ---------------------------------------------------------------------------------------------------------------------
# What a key column can be.  c, p: types of child and parent.  g: groups of values; those in one group are equal, as a
# rule, so that a child's value may be written in another way than the parent's.  What is an orphan is not decided here.

my $T = '"d. t"';    # a schema for types
my @ints = ([1], [2], [3], [5], [-7], [0], [127], [32000]);
# the ends of the types, which no bitmap spans
my @wide = ([0], [1], [-1], ['9223372036854775807'], ['-9223372036854775808'], ['4294967296'], ['4294967295'], ['-4294967296'], ['2147483647']);
my @nums = ([ '1', '1.0', '1.00' ], ['2'], [ '0', '-0', '0.000' ], ['1e3'], ['-7'], ['3.5'], ['12.25'], ['NaN']);
my @floats = ([ '0', '-0' ], ['NaN'], ['0.1'], ['0.5'], ['1'], ['-2.25'], ['Infinity'], ['16777217']);
my @texts = (['a'], ['A'], ['b'], [ 'c', 'c  ' ], [ "\xc3\xa4", "a\xcc\x88" ], ["\xc3\x84"], [''], ['ss'], ["\xc3\x9f"], ['10'], ['9'], [' x'], [q(q'\\")]);
# prefixes of one text, around the ends of words of 8 bytes; zeros at the end of bytea
my @slots = map { [ substr('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', 0, $_) ] } 0, 1, 6 .. 9, 15, 16, 23, 24, 31, 32, 36, 38 .. 41, 60;
my @zeros = map { [ '\\x' . '00' x $_ ], [ '\\x' . '00' x $_ . '01' ] } 0, 1, 6, 7, 8, 15, 38, 39, 40;
# SQL instead of a value: what an index holds compressed, and what none can hold
my @long = map { [ \"repeat('$_', 5000)" ] } 'ab', 'ba', 'a b', 'xyz';
my $longest = "(SELECT string_agg(md5(g::text), '') FROM generate_series(1, 3200) g)";
my @too_long = ([ \$longest ], [ \"$longest || 'x'" ], [ \"repeat('ab', 50000)" ]);
my @dates = (['2024-02-29'], ['1999-12-31'], [ 'infinity' ], ['-infinity'], ['2024-03-01'], ['0044-03-15 BC']);
my @times = (@dates, ['2024-02-29 12:00'], ['2024-02-29 23:59:59.999999']);
my @tz = (
	[ '2024-02-29 12:00+00', '2024-02-29 13:00+01', '2024-02-29 04:00-08' ],
	[ '2024-02-29 00:00+00', '2024-02-28 19:00-05' ],
	['infinity'], ['1999-12-31 00:00+00'], ['2024-03-01 00:00:00.000001+00']);
my @colours = (['red'], ['green'], ['blue'], ['not so blue']);

sub make_kinds
{
	@kinds = (
		# the same type on both sides
		(map { +{ c => $_, p => $_, g => \@ints } } qw(int2 int4 int8 int4 int4)),
		(map { +{ c => $_, p => $_, g => \@wide } } qw(int8 int8)),
		{ c => 'numeric', p => 'numeric', g => \@nums },
		{ c => 'numeric(10,3)', p => 'numeric(8,2)', g => \@nums },
		{ c => 'float8', p => 'float8', g => \@floats },
		{ c => 'float4', p => 'float4', g => \@floats },
		(map { +{ c => $_, p => $_, g => \@texts, collate => 1, pattern => 1 } } qw(text text varchar varchar(20))),
		(map { +{ c => $_, p => $_, g => \@slots, collate => 1, pattern => 1 } } qw(text text varchar)),
		{ c => 'text', p => 'text', g => [ @long, ['a'] ], o => \@too_long, collate => 1 },
		{ c => 'varchar', p => 'text', g => [ @long, ['a'] ], o => \@too_long, collate => 1 },
		{ c => 'char(5)', p => 'char(5)', g => \@texts, collate => 1 },
		{ c => 'uuid', p => 'uuid', g => [ map { [ uc "00000000-0000-0000-0000-0000000000${_}f", "00000000-0000-0000-0000-0000000000${_}f" ] } 0 .. 7 ] },
		{ c => 'date', p => 'date', g => \@dates },
		{ c => 'timestamp', p => 'timestamp', g => \@times },
		{ c => 'timestamptz', p => 'timestamptz', g => \@tz },
		{ c => 'time', p => 'time', g => [ ['00:00'], ['24:00'], ['12:34:56.7'], ['12:34:56.70001'] ] },
		{ c => 'interval', p => 'interval', g => [ [ '1 mon', '30 days', '720:00' ], [ '1 day', '24:00' ], ['1 year'], ['-1 sec'] ] },
		{ c => 'bytea', p => 'bytea', g => [ ['\\x'], ['\\x00'], ['\\x0001'], ['\\xff'], ['\\x61'] ] },
		{ c => 'bytea', p => 'bytea', g => \@zeros },
		{ c => 'timetz', p => 'timetz', g => [ [ '00:00+00', '00:00:00+00' ], ['00:00+01'], ['23:00-01'], ['12:34:56.7+02'] ] },
		{ c => 'macaddr', p => 'macaddr', g => [ [ '08:00:2b:01:02:03', '08002b:010203' ], ['08:00:2b:01:02:04'], ['00:00:00:00:00:00'] ] },
		{ c => 'macaddr8', p => 'macaddr8', g => [ ['08:00:2b:01:02:03:04:05'], ['00:00:00:00:00:00:00:00'], ['08:00:2b:01:02:03:04:06'] ] },
		{ c => 'pg_lsn', p => 'pg_lsn', g => [ ['0/0'], ['FFFFFFFF/FFFFFFFF'], ['1/0'] ] },
		{ c => 'xid8', p => 'xid8', g => [ ['0'], ['18446744073709551615'], ['4294967296'] ] },
		{ c => 'inet', p => 'inet', g => [ [ '10.0.0.1', '10.0.0.1/32' ], ['10.0.0.1/8'], ['::1'], [ '::ffff:1.2.3.4' ], ['10.0.0.0/8'] ] },
		{ c => 'bool', p => 'bool', g => [ [ 't', 'true', 'on' ], [ 'f', 'no' ] ] },
		{ c => 'oid', p => 'oid', g => [ ['0'], ['1'], ['4294967295'], ['26'] ] },
		{ c => '"char"', p => '"char"', g => [ ['a'], ['b'], ['C'], [' '] ] },
		{ c => 'name', p => 'name', g => \@texts, collate => 1 },
		{ c => 'jsonb', p => 'jsonb', g => [ [ '1', '1.0' ], [ '{"a":1,"b":[2]}', '{"b":[2],"a":1.00}' ], ['null'], ['"x"'], ['[]'] ] },
		{ c => 'int4[]', p => 'int4[]', g => [ ['{}'], ['{1,2}'], ['{2,1}'], ['{NULL}'], ['{{1},{2}}'], ['[2:3]={1,2}'] ] },
		{ c => 'text[]', p => 'text[]', g => [ ['{}'], ['{a,b}'], ['{NULL,"NULL"}'], ['{A,b}'] ], collate => 1 },
		{ c => 'uuid[]', p => 'uuid[]', g => [ ['{}'], ['{00000000-0000-0000-0000-00000000000f}'], ['{NULL}'] ] },
		{ c => 'numeric[]', p => 'numeric[]', g => [ [ '{1.0}', '{1}', '{1.00}' ], ['{}'], [ '{0,NaN}', '{-0,NaN}' ] ] },
		{ c => 'int4range', p => 'int4range', g => [ [ '[1,4]', '[1,5)', '(0,5)' ], [ 'empty', '(1,1)' ], ['(,)'], ['[5,)'] ] },
		{ c => 'int8multirange', p => 'int8multirange', g => [ [ '{[1,2),[2,3)}', '{[1,3)}' ], ['{}'], ['{(,)}'], ['{[7,9)}'] ] },
		# no hash joins for these
		{ c => 'bit(3)', p => 'bit(3)', g => [ ['000'], ['001'], ['101'], ['111'] ], nohash => 1 },
		{ c => 'varbit', p => 'varbit', g => [ [''], ['0'], ['00'], ['101'], ['1'] ], nohash => 1 },
		{ c => 'money', p => 'money', g => [ [ '1.00', '$1' ], ['2.50'], ['-3'], ['0'] ], nohash => 1 },
		{ c => 'tsvector', p => 'tsvector', g => [ [ 'a b', 'b a', 'a a b' ], [''], ['a:1'], ['c'] ], nohash => 1 },
		# types of the user's
		{ c => qq($T."e""num"), p => qq($T."e""num"), g => \@colours },
		{ c => qq($T."e""num"[]), p => qq($T."e""num"[]), g => [ ['{}'], ['{red}'], ['{red,green}'], ['{NULL}'] ] },
		# no field of a composite value is null: VALIDATE asks IS NULL and IS NOT NULL, which look into it, triggers do not
		{ c => "$T.pair", p => "$T.pair", g => [ [ '(1,a)', '( 1 ,a)' ], ['(1,b)'], ['(2,a)'], ['(0,"")'] ] },
		{ c => "$T.deep", p => "$T.deep", g => [ [ '(1.0,"{a}")', '(1,"{a}")' ], ['(1.0,"{A}")'], ['(0,"{NULL}")'], ['(2,"{}")'] ] },
		{ c => "$T.dpair", p => "$T.pair", g => [ [ '(1,a)', '( 1 ,a)' ], ['(1,b)'], ['(2,a)'] ] },
		{ c => "$T.drange", p => 'int4range', g => [ [ '[1,4]', '[1,5)' ], ['[5,)'], ['empty'] ] },
		{ c => "$T.drange", p => "$T.drange", g => [ [ '[1,4]', '[1,5)' ], ['[5,)'], ['empty'] ] },
		{ c => "$T.duuid", p => 'uuid', g => [ map { ["00000000-0000-0000-0000-0000000000${_}f"] } 0 .. 5 ] },
		{ c => "$T.dcolour", p => qq($T."e""num"), g => \@colours },
		{ c => "$T.posint", p => "$T.posint", g => [ [1], [2], [3], [77] ] },
		{ c => "$T.posint", p => 'int4', g => [ @ints[ 0 .. 3 ] ] },
		{ c => 'int4', p => "$T.posint", g => [ @ints[ 0 .. 3 ] ] },
		{ c => "$T.posint2", p => 'int8', g => [ @ints[ 0 .. 3 ] ] },
		{ c => "$T.word", p => 'text', g => \@texts, collate => 1 },
		{ c => "$T.cword", p => "$T.cword", g => \@texts, collate => 1 },
		{ c => "$T.cword", p => 'text', g => \@texts, collate => 1 },
		{ c => 'varchar', p => "$T.word", g => \@texts, collate => 1 },
		{ c => "$T.ints", p => 'int4[]', g => [ ['{}'], ['{1,2}'], ['{2,1}'] ] },
		($citext ? ({ c => "$T.citext", p => "$T.citext", g => [ [ 'a', 'A' ], [ 'bc', 'Bc', 'BC' ], ['d '], [''] ] },
		  { c => "$T.citext", p => 'text', g => [ ['a'], ['A'], ['Bc'] ] }) : ()),
		($hstore ? { c => "$T.hstore", p => "$T.hstore", g => [ [ 'a=>1,b=>2', 'b=>2,a=>1' ], [''], ['a=>NULL'], ['a=>1'] ] } : ()),
		($ltree ? { c => "$T.ltree", p => "$T.ltree", g => [ ['a.b'], ['a'], [''], ['A.b'], ['a.b.c'] ], nohash => $major < 17 } : ()),
		# different types that the server joins
		(map { my ($c, $p) = split /->/; +{ c => $c, p => $p, g => \@ints } }
			qw(int4->int8 int4->int8 int2->int8 int8->int4 int2->int4 int4->int2 int8->int2 int4->numeric int8->numeric int2->numeric)),
		{ c => 'int4', p => 'float8', g => \@ints },
		{ c => 'int8', p => 'float4', g => [ [1], [16777216], [16777217], [0] ] },
		{ c => 'numeric', p => 'float8', g => [ ['0.1'], ['0.5'], [ '0.50', '0.5' ], ['NaN'], ['2'] ] },
		{ c => 'float4', p => 'float8', g => \@floats },
		{ c => 'float8', p => 'float4', g => \@floats },
		(map { my ($c, $p) = split /->/; +{ c => $c, p => $p, g => \@texts, collate => 1 } }
			qw(varchar->text varchar(9)->text text->varchar char(5)->text text->char(5) char(5)->char(7) name->text text->name char(5)->varchar)),
		{ c => 'date', p => 'timestamp', g => \@dates },
		{ c => 'date', p => 'timestamptz', g => \@dates },
		{ c => 'timestamptz', p => 'date', g => [ @dates, ['2024-02-29 12:00+00'] ] },
		{ c => 'timestamp', p => 'timestamptz', g => \@times },
		{ c => 'cidr', p => 'inet', g => [ ['10.0.0.0/8'], [ '10.0.0.1', '10.0.0.1/32' ], ['::1'] ] },
		{ c => 'inet', p => 'cidr', g => [ ['10.0.0.0/8'], [ '10.0.0.1', '10.0.0.1/32' ], ['::1'] ] },
		{ c => 'int4', p => 'oid', g => [ [1], [2], [0] ] },
	);

	@same = grep { $_->{c} eq $_->{p} } @kinds;

	# These the server refuses.
	@refused = (
		(map { my ($c, $p) = split /->/; +{ c => $c, p => $p, g => [ ['1'] ] } }
			qw(numeric->int4 text->int4 int4->text float8->numeric bool->int4 varchar->int8)),
		{ c => 'text', p => 'uuid', g => [ ['00000000-0000-0000-0000-000000000001'] ] },
		{ c => 'text', p => 'date', g => [ ['2024-02-29'] ] },
		{ c => 'int4[]', p => 'text[]', g => [ ['{1}'] ] },
		{ c => 'int4[]', p => 'int8[]', g => [ ['{1}'] ] },
		{ c => qq($T."e""num"), p => "$T.enum2", g => [ ['red'] ] },
		{ c => qq($T."e""num"), p => 'text', g => [ ['red'] ] },
		{ c => 'int4range', p => 'int8range', g => [ ['[1,2)'] ] },
		{ c => 'json', p => 'jsonb', g => [ ['1'] ] },
		{ c => 'int2vector', p => 'int4', g => [ ['1'] ] },
		{ c => 'xid', p => 'int4', g => [ ['1'] ] },
		($citext ? ({ c => 'text', p => "$T.citext", g => [ ['a'] ] }) : ()),
	);
	@collations = ('"C"', '"POSIX"', '"default"', 'ucs_basic', '');
	push @collations, '"und-x-icu"', "$T.ci", "$T.ci", "$T.ci2" if $icu;
	push @collations, 'pg_c_utf8' if $major >= 17;

	@large = (
		{ shape => 'words', type => ['int8'], p => 'hashint8extended(G, 0)' },
		{ shape => 'words', type => [ 'int4', 'int8' ], p => 'G * 7919' },
		{ shape => 'words', type => ['uuid'], p => 'md5(G::text)::uuid' },
		{ shape => 'words', type => ['timestamp'], p => q(timestamp '2000-01-01' + G * interval '1 hour 1 second') },
		{ shape => 'bytes', type => ['text'], p => q('k' || G) },
		{ shape => 'bytes', type => ['text'], p => 'md5(G::text)' },
		{ shape => 'bytes', type => [ 'varchar', 'text' ], p => q(repeat(md5(G::text), 1 + G % 3)) },
		{ shape => 'bytes', type => ['bytea'], p => q(decode(md5(G::text), 'hex')) },
		{ shape => 'datums', type => ['numeric'], p => 'G * 1.01', c => 'G * 1.0100' },
		{ shape => 'datums', type => [ 'int4', 'numeric' ], p => 'G' },
		{ shape => 'datums', type => ['float8'], p => 'G * 0.1::float8' },
		{ shape => 'datums', type => [ 'char(9)', 'char(12)' ], p => q('k' || G) },
		{ shape => 'datums', type => ['int4range'], p => 'int4range(G, G + 3)', c => q(int4range(G, G + 2, '[]')) },
		{ shape => 'datums', type => ["$T.pair"], p => "ROW(G, 'x' || G)::$T.pair" },
		{ shape => 'datums', type => ['interval'], p => q(G * interval '30 days'), c => q(G * interval '1 mon') },
		($icu ? { shape => 'datums', type => ["text COLLATE $T.ci"], p => q('Key' || G), c => q('kEY' || G) } : ()),
	);
}

# ---------------------------------------------------------------------------------------------------------------------
# Random parts of a case

my @hostile = (
	'We"ird.T a', 'a"."id;drop', 'select', "\xc3\xbcn\xe2\x98\x83", "it's", '%s%1$I', '$1', 'a\\n', "tab\tnl\nx", ' lead ',
	'CamelCase', '/*', '--', 'x' x 63, '"', "''", '$$', 'pk.', 's');

# A name that is like no other one in its table, as base is
sub hostile
{
	my ($base, $p) = @_;

	return $base unless chance($p);
	my $name = $base . pick(@hostile);
	return substr($name, 0, 63) if $name =~ /x{60}/;
	return $name;
}

sub shuffled
{
	my @from = @_;
	my @to;

	push @to, splice(@from, int(rand(@from)), 1) while @from;
	return @to;
}

sub sql_value { my ($value) = @_; return ref $value ? $$value : lit($value); }

sub value { my ($group) = @_; return sql_value(pick(@$group)); }

# Columns as { name, type, collate, notnull }; those without a purpose are dropped later, which leaves gaps
sub column_sql
{
	my ($col) = @_;

	return ident($col->{name}) . " $col->{type}" . ($col->{collate} ? " COLLATE $col->{collate}" : '')
	  . ($col->{notnull} ? ' NOT NULL' : '');
}

sub create_table
{
	my ($name, $cols, $suffix) = @_;
	my @junk = map { { name => "junk$_", type => pick('int', 'text', 'numeric', 'int8'), junk => 1 } } 1 .. int(rand(3));
	my $sql = "CREATE TABLE $name (" . join(', ', map { column_sql($_) } shuffled(@$cols, @junk)) . ")$suffix;\n";

	$sql .= "ALTER TABLE $name DROP COLUMN $_->{name};\n" for @junk;
	return $sql;
}

# How a table that has no partitions keeps its rows, before it has any
sub storage
{
	my ($table, $is_child, @cols) = @_;
	my $sql = '';

	$sql .= "ALTER TABLE $table SET (fillfactor = " . pick(10, 50, 90) . ");\n" if chance(0.2);
	$sql .= "ALTER TABLE $table SET (toast_tuple_target = 128);\n" if chance(0.1);
	# what a type of fixed length can be is PLAIN alone, and an index takes no long value that is not compressed
	for my $col (grep { $_->{type} =~ /^(?:text|varchar|bytea|numeric|jsonb)/ && chance(0.2) } @cols)
	{
		$sql .= "ALTER TABLE $table ALTER " . ident($col->{name}) . ' SET STORAGE ' . pick($is_child ? 'EXTERNAL' : 'EXTENDED', 'EXTENDED', 'MAIN') . ";\n";
	}
	return $sql;
}

# Partitions of a table by one of its columns.  Some are made by themselves, with the columns in another order, and
# attached; some have partitions in turn.
sub partitions
{
	my ($table, $base, $cols, $kind, $column, $values) = @_;
	my @bounds;
	my $sql = '';

	if ($kind eq 'HASH')
	{
		my $n = 1 + int(rand(3));
		@bounds = map { "FOR VALUES WITH (MODULUS $n, REMAINDER $_)" } 0 .. $n - 1;
	}
	elsif ($kind eq 'LIST')
	{
		@bounds = ('FOR VALUES IN (' . sql_value($values->[0]) . ')', 'DEFAULT');
	}
	else
	{
		@bounds = ('FOR VALUES FROM (MINVALUE) TO (' . sql_value($values->[0]) . ')', 'DEFAULT');
	}

	my $n = 0;
	for my $bound (@bounds)
	{
		my $name = $base->('_' . ++$n);
		my $sub = chance(0.2) ? ' PARTITION BY ' . pick('LIST', 'RANGE') . ' (' . ident($column) . ')' : '';

		if (chance(0.5))
		{
			$sql .= "CREATE TABLE $name PARTITION OF $table $bound$sub;\n";
		}
		else
		{
			$sql .= create_table($name, $cols, $sub);
			$sql .= "ALTER TABLE $table ATTACH PARTITION $name $bound;\n";
		}
		$sql .= 'CREATE TABLE ' . $base->("_${n}_d") . " PARTITION OF $name DEFAULT;\n" if $sub;
	}
	return $sql;
}

sub insert
{
	my ($table, $names, $tuples, $conflict) = @_;

	return '' unless @$tuples;
	return "INSERT INTO $table (" . join(', ', map { ident($_) } @$names) . ") VALUES\n    "
	  . join(",\n    ", map { '(' . join(', ', @$_) . ')' } @$tuples) . ($conflict ? ' ON CONFLICT DO NOTHING' : '') . ";\n";
}

# ---------------------------------------------------------------------------------------------------------------------
# One case: { id, setup, child, parent, fk, ccols, pcols, match, clause, planned, enforced, not_valid }; large ones: shape

sub collations_of
{
	my ($kind) = @_;
	# the server itself finds no match between name and text under a nondeterministic collation when it hashes: hashname()
	# takes the bytes, whatever the collation
	my @choice = $kind->{c} eq 'name' || $kind->{p} eq 'name' ? grep { !/\.ci/ } @collations : @collations;
	my $parent = $kind->{collate} && chance(0.4) ? pick(@choice) : '';
	my $child = $kind->{collate} && chance(0.4) ? pick(@choice) : '';

	$child = $parent if chance(0.5) || !$kind->{collate};
	return ($child, $parent);
}

# How the parent's columns are made unique; returns SQL, and whether it is a primary key
sub target
{
	my ($table, $case, $cols, $kinds, $partitioned) = @_;
	my @names = map { ident($_->{name}) } @$cols;
	my $list = join(', ', shuffled(@names));
	my $r = rand();
	my $index = ident("ix$case->{id}");

	if ($r < 0.35) { return ("ALTER TABLE $table ADD PRIMARY KEY ($list);\n", 1); }
	if ($r < 0.55) { return ("ALTER TABLE $table ADD UNIQUE ($list);\n", 0); }
	if ($r < 0.60) { return ("ALTER TABLE $table ADD UNIQUE NULLS NOT DISTINCT ($list);\n", 0); }
	if ($r < 0.70) { return ("CREATE UNIQUE INDEX $index ON $table ($list) INCLUDE (id);\n", 0); }
	if ($r < 0.78)
	{
		# another operator class, another collation; the server takes such an index too
		my @parts;
		for my $i (0 .. $#$cols)
		{
			my $part = $names[$i];
			if ($kinds->[$i]{pattern} && ($cols->[$i]{collate} // '') !~ /\.ci/ && chance(0.5)) { $part .= ' ' . ($kinds->[$i]{p} =~ /^varchar/ ? 'varchar' : 'text') . '_pattern_ops'; }
			elsif ($kinds->[$i]{collate} && !$partitioned && chance(0.5)) { $part .= ' COLLATE "C"'; }
			push @parts, $part;
		}
		return ("CREATE UNIQUE INDEX $index ON $table (" . join(', ', shuffled(@parts)) . ");\n", 0);
	}
	if ($r < 0.80) { return ("ALTER TABLE $table ADD UNIQUE ($list) DEFERRABLE;\n", 0); }             # refused
	if ($r < 0.82) { return ("CREATE UNIQUE INDEX $index ON $table ($list) WHERE id > 0;\n", 0); }    # refused
	if ($r < 0.84) { return ("CREATE INDEX $index ON $table ($list);\n", 0); }                        # refused
	if ($r < 0.86) { return ("ALTER TABLE $table ADD UNIQUE ($list, id);\n", 0); }                    # refused
	# two that would do
	return ("ALTER TABLE $table ADD UNIQUE ($list);\nCREATE UNIQUE INDEX $index ON $table (" . join(', ', shuffled(@names)) . ");\n", 0);
}

# Rows for parent and child out of the groups of values
sub tuples
{
	my ($kinds, $match, $self, $parent_null) = @_;
	my $orphans = pick(0, 0, 0, 1, 'some');
	my $nparent = pick(0, 1, 5, 12);
	my @chosen;
	my @parent;
	my @child;

	for (1 .. $nparent)
	{
		my @groups = map { pick(@{ $_->{g} }) } @$kinds;
		push @chosen, \@groups;
		push @parent, [ map { $parent_null && chance(0.1) ? 'NULL' : value($_) } @groups ];
	}
	for (1 .. pick(0, 3, 20, 45))
	{
		my @groups = @chosen ? @{ pick(@chosen) } : ();
		@groups = map { pick(@{ $_->{g} }, @{ $_->{o} // [] }) } @$kinds if $orphans eq 'some' && (chance(0.3) || !@chosen);
		my @row = @groups ? map { value($_) } @groups : map { 'NULL' } @$kinds;

		# a null somewhere; for MATCH FULL, everywhere, unless there shall be orphans
		if (chance(0.2))
		{
			if ($match eq 'FULL' && !($orphans eq 'some' && chance(0.3))) { @row = map { 'NULL' } @row; }
			else { $row[ int(rand(@row)) ] = 'NULL'; }
		}
		push @child, \@row;
	}
	push @child, [ map { value(pick(@{ $_->{g} }, @{ $_->{o} // [] })) } @$kinds ] if $orphans eq '1';
	return (\@parent, \@child);
}

sub make_case
{
	my ($id, $schema) = @_;
	my %case = (id => $id, planned => 1, enforced => 1, not_valid => 1);
	my $hostility = pick(0, 0.4, 0.9);
	my $n = pick(1, 1, 1, 2, 2, 3, 4);
	my $self = chance(0.08);
	my @kinds = map { pick($self ? @same : @kinds) } 1 .. $n;
	$kinds[0] = pick(@refused) if !$self && chance(0.07);
	my $match = pick('', 'SIMPLE', 'FULL');
	my (@ccols, @pcols);
	my $sql = '';

	for my $i (0 .. $n - 1)
	{
		my ($ccoll, $pcoll) = collations_of($kinds[$i]);
		push @ccols, { name => hostile("c$i", $hostility), type => $kinds[$i]{c}, collate => $ccoll };
		push @pcols, { name => hostile("p$i", $hostility), type => $kinds[$i]{p}, collate => $pcoll };
	}
	my $parent_base = hostile("p$id", $hostility);
	my $child_base = $self ? $parent_base : hostile("c$id", $hostility);
	my $in = sub { my ($base) = @_; return sub { my $s = substr("$base", 0, 55) . $_[0]; return ident($schema) . '.' . ident($s); } };
	my $parent = ident($schema) . '.' . ident($parent_base);
	my $child = ident($schema) . '.' . ident($child_base);
	my @id = ({ name => 'id', type => 'int' });

	# the parent, then its rows
	my $part = chance(0.25) ? pick('LIST', 'RANGE', 'HASH') : '';
	# hashbpcharextended() hashes trailing blanks, too, where the collation is nondeterministic, so that the server lets equal
	# keys into two partitions
	$part = 'LIST' if $part eq 'HASH' && ($kinds[0]{nohash} || $kinds[0]{p} =~ /^char/ && $pcols[0]{collate} =~ /\.ci/);
	my ($target, $primary) = target($parent, \%case, \@pcols, \@kinds, $part);
	$_->{notnull} = $primary for @pcols;
	my @all = ($self ? @ccols : (), @pcols, @id);
	$sql .= create_table($parent, \@all, $part ? " PARTITION BY $part (" . ident($pcols[0]{name}) . ')' : '');
	$sql .= partitions($parent, $in->($parent_base), \@all, $part, $pcols[0]{name}, [ pick(@{ pick(@{ $kinds[0]{g} }) }) ]) if $part;
	$sql .= storage($parent, 0, @pcols) unless $part;
	$sql .= $target;
	my ($ptuples, $ctuples) = tuples(\@kinds, $match, $self, !$primary);
	# ON CONFLICT does not go with a deferrable constraint
	my $conflict = $target !~ /DEFERRABLE/;
	splice(@$ptuples, 1) if !$conflict && @$ptuples;
	my $serial = 0;
	if ($self)
	{
		my @rows = map { my $k = $_; my $ref = @$ctuples ? pick(@$ctuples) : [ map { 'NULL' } @kinds ]; [ @$k, @$ref, ++$serial ] } @$ptuples;
		$sql .= insert($parent, [ map({ $_->{name} } @pcols, @ccols), 'id' ], \@rows, $conflict);
	}
	else
	{
		$sql .= insert($parent, [ map({ $_->{name} } @pcols), 'id' ], [ map { [ @$_, ++$serial ] } @$ptuples ], $conflict);
	}
	if (!$part && chance(0.15))
	{
		# rows of an inheritance child are no parents
		my $inherits = $in->($parent_base)->('_inh');
		$sql .= "CREATE TABLE $inherits () INHERITS ($parent);\n";
		$sql .= insert($inherits, [ map({ $_->{name} } @pcols), 'id' ],
			[ map { my @row = map { value(pick(@{ $_->{g} })) } @kinds; [ @row, ++$serial ] } 1 .. 10 ], 0);
	}

	# the child
	if (!$self)
	{
		$part = chance(0.25) ? pick('LIST', 'RANGE', 'HASH') : '';
		my @all = (@ccols, @id);
		$sql .= create_table($child, \@all, $part ? " PARTITION BY $part (id)" : '');
		$sql .= partitions($child, $in->($child_base), \@all, $part, 'id', [ 1 + int(rand(20)) ]) if $part;
		$sql .= storage($child, 1, @ccols) unless $part;
		# a child that is not logged may have a parent that is
		$sql .= "ALTER TABLE $child SET UNLOGGED;\n" if !$part && chance(0.1);
		$sql .= insert($child, [ map({ $_->{name} } @ccols), 'id' ], [ map { [ @$_, ++$serial ] } @$ctuples ], 0);
		if (!$part && chance(0.15))
		{
			# nor is a key of the table about them
			my $inherits = $in->($child_base)->('_inh');
			$sql .= "CREATE TABLE $inherits () INHERITS ($child);\n";
			$sql .= insert($inherits, [ map({ $_->{name} } @ccols), 'id' ],
				[ map { my @row = map { value(pick(@{ $_->{g} })) } @kinds; [ @row, ++$serial ] } 1 .. 5 ], 0);
		}
		$sql .= "DELETE FROM $child WHERE id % 7 = 3;\n" if chance(0.2);
		if (chance(0.1))
		{
			$sql .= "ALTER TABLE $_ OWNER TO sg_owner;\n" for $child, $parent;
		}
	}

	# the key
	my @order = shuffled(0 .. $n - 1);
	$case{child} = $child;
	$case{parent} = $parent;
	$case{fk} = hostile("fk$id", $hostility);
	$case{ccols} = [ map { $ccols[$_]{name} } @order ];
	$case{pcols} = [ map { $pcols[$_]{name} } @order ];
	$case{match} = $match;
	$case{target} = "$parent (" . join(', ', map { ident($_) } @{ $case{pcols} }) . ')';
	if ($primary && chance(0.3) && $n == 1)
	{
		# the primary key need not be named
		$case{target} = $parent if $case{pcols}[0] !~ /[()]/;
		delete $case{pcols};
	}
	$case{target} .= " MATCH $match" if $match;
	$case{not_valid} = 0 if $part && $major < 18;
	$case{enforced} = 0 if $major >= 18 && chance(0.05);
	$case{clause} = 'FOREIGN KEY (' . join(', ', map { ident($_) } @{ $case{ccols} }) . ") REFERENCES $case{target}"
	  . pick('', '', '', ' ON DELETE CASCADE', ' ON UPDATE SET NULL', ' DEFERRABLE INITIALLY DEFERRED');
	$case{setup} = $sql;
	return (\%case, chance(0.2) ? make_sibling(\%case, \@kinds, \@pcols, $ptuples, \@order) : ());
}

# One more key of the same child to the same columns of its parent, on columns that are added now: rows that are there
# get their value from the default, which the table does not hold for each of them
sub make_sibling
{
	my ($case, $kinds, $pcols, $parent, $order) = @_;
	my %sibling = (%$case, id => $case->{id} + 500, fk => "second $case->{id}");
	my @targets = grep { "@$_" !~ /\bNULL\b/ } @$parent;
	my (@add, @cols);
	my $sql = '';
	my $row = sub { return @targets && chance(0.7) ? pick(@targets) : [ map { value(pick(@{ $_->{g} })) } @$kinds ]; };
	my $default = @targets && chance(0.8) ? pick(@targets) : $row->();

	for my $i (0 .. $#$kinds)
	{
		my ($ccoll) = collations_of($kinds->[$i]);
		push @cols, { name => "second $i", type => $kinds->[$i]{c}, collate => $pcols->[$i]{collate} ? $pcols->[$i]{collate} : $ccoll };
		# the default of a column is no query
		my $value = $default->[$i] =~ /SELECT/ ? "'x'" : $default->[$i];
		push @add, 'ADD ' . column_sql($cols[-1]) . " DEFAULT $value";
	}
	$sql .= "ALTER TABLE $case->{child} " . join(', ', @add) . ";\n";
	for my $n (1 .. pick(0, 0, 1, 2, 3))
	{
		my $values = chance(0.2) ? [ map { 'NULL' } @$kinds ] : $row->();
		$sql .= "UPDATE $case->{child} SET " . join(', ', map { ident($cols[$_]{name}) . " = $values->[$_]" } 0 .. $#cols) . " WHERE id % 5 = $n;\n";
	}
	$sibling{setup} = $sql;
	$sibling{ccols} = [ map { $cols[$_]{name} } @$order ];
	$sibling{clause} = 'FOREIGN KEY (' . join(', ', map { ident($_) } @{ $sibling{ccols} }) . ") REFERENCES $case->{target}";
	return \%sibling;
}

# A parent of thousands of keys, which least memory does not hold at once.  Each column is made from a number: by c for
# the child and p for the parent.  Shapes are how the scan stores a key: as words, as bytes, or as values.
sub make_large_case
{
	my ($id, $schema) = @_;
	my $shape = ('words', 'bytes', 'datums')[ $id % 3 ];
	my %rank = (words => 0, bytes => 1, datums => 2);
	my @first = grep { $_->{shape} eq $shape } @large;
	my @rest = grep { $rank{ $_->{shape} } <= $rank{$shape} } @large;
	my @kinds = shuffled(pick(@first), map { pick(@rest) } 2 .. pick(1, 1, 2, 3));
	my $n = pick(8000, 12000);
	my $match = pick('', 'FULL');
	my ($parent, $child) = map { ident($schema) . '.' . ident("large $_ $id") } 'p', 'c';
	my @pcols = map { { name => "p$_", type => $kinds[$_]{type}[-1] } } 0 .. $#kinds;
	my @ccols = map { { name => "c$_", type => $kinds[$_]{type}[0] } } 0 .. $#kinds;
	my $numbered = sub { my ($sql, $g) = @_; $sql =~ s/\bG\b/$g/g; return $sql; };
	my @order = shuffled(0 .. $#kinds);
	my $orphans = pick(0, 0, 1, $n / 20, $n);
	my $rows = pick(0, 1, 100, 100);
	my $sql;

	# partitions of the parent are those of its first column, which is hashed
	my $part = chance(0.25) ? ' PARTITION BY HASH (p0)' : '';
	$sql = create_table($parent, \@pcols, $part);
	$sql .= partitions($parent, sub { return ident($schema) . '.' . ident("large p $id$_[0]"); }, \@pcols, 'HASH', 'p0', []) if $part;
	$sql .= "INSERT INTO $parent (" . join(', ', map { $_->{name} } @pcols) . ') SELECT ' . join(', ', map { $numbered->($_->{p}, 'g') } @kinds)
	  . " FROM generate_series(1, $n) g;\n";
	$sql .= "ALTER TABLE $parent ADD PRIMARY KEY (" . join(', ', map { $_->{name} } shuffled(@pcols)) . ");\n";
	$sql .= "ANALYZE $parent;\n" if chance(0.5);
	$sql .= create_table($child, \@ccols, '');
	# every row another key, some twice; a null in the first column only is an orphan of MATCH FULL
	$sql .= "INSERT INTO $child (" . join(', ', map { $_->{name} } @ccols) . ') SELECT '
	  . join(', ', map { ($_ == 0 && @kinds == 1 || $_ == 0 && $orphans ? 'CASE WHEN r % 17 <> 0 THEN ' : '')
			. $numbered->($kinds[$_]{c} // $kinds[$_]{p}, 'g') . ($_ == 0 && @kinds == 1 || $_ == 0 && $orphans ? ' END' : '') } 0 .. $#kinds)
	  . " FROM generate_series(1, $rows) r, LATERAL (SELECT (1 + (r % 90) * 104729 % " . ($n + $orphans) . ")::int AS g) s;\n";

	my @cnames = map { $ccols[$_]{name} } @order;
	my @pnames = map { $pcols[$_]{name} } @order;
	return {
		id => $id, planned => 1, enforced => 1, not_valid => 1, shape => $shape, child => $child, parent => $parent,
		fk => "large$id", ccols => \@cnames, pcols => \@pnames, match => $match, setup => $sql,
		clause => 'FOREIGN KEY (' . join(', ', @cnames) . ") REFERENCES $parent (" . join(', ', @pnames) . ')' . ($match ? " MATCH $match" : '')
	};
}

# A key over periods, where the rows of a parent cover those of a child together (18 and later)
sub make_period_case
{
	my ($id, $schema) = @_;
	my %case = (id => $id, planned => 1, enforced => 1, not_valid => 1, match => '');
	my ($scalar, @ids) = $btree_gist && chance(0.5) ? ('int', 1 .. 4) : ('int4range', '[1,2)', '[2,3)', '[3,9)');
	my ($period, $mk) = pick(
		[ 'daterange', sub { "[2024-01-" . sprintf('%02d', $_[0]) . ",2024-01-" . sprintf('%02d', $_[1]) . ')' } ],
		[ 'int8range', sub { "[$_[0],$_[1])" } ],
		[ 'int4multirange', sub { "{[$_[0],$_[1])}" } ])->@*;
	my $parent = ident($schema) . '.' . ident("pp$id");
	my $child = ident($schema) . '.' . ident("pc$id");
	my $n = 0;
	my $sql = create_table($parent, [ { name => 'k"1', type => $scalar }, { name => 'v at', type => $period }, { name => 'id', type => 'int' } ], '')
	  . qq(ALTER TABLE $parent ADD ) . pick('PRIMARY KEY', 'UNIQUE') . qq( ("k""1", "v at" WITHOUT OVERLAPS);\n)
	  . create_table($child, [ { name => 'r', type => $scalar }, { name => 'during', type => $period }, { name => 'id', type => 'int' } ], '');
	my (@parent, @child);

	for my $key (@ids)
	{
		my $at = 1 + int(rand(4));
		while ($at < 20)
		{
			my $to = $at + 1 + int(rand(6));
			push @parent, [ lit($key), lit($mk->($at, $to)), ++$n ];
			$at = $to + (chance(0.3) ? 2 : 0);
		}
	}
	my $span = pick(2, 4, 18);
	for (1 .. pick(0, 4, 25))
	{
		my $at = 4 + int(rand(12));
		my $value = chance(0.08) ? ($period =~ /multi/ ? '{}' : 'empty') : $mk->($at, $at + 1 + int(rand($span)) % 15);
		push @child, [ chance(0.1) ? 'NULL' : lit(pick(@ids, $scalar eq 'int' ? 9 : '[50,51)')), chance(0.1) ? 'NULL' : lit($value), ++$n ];
	}
	if (chance(0.5))
	{
		# one period for each parent that covers everything
		@parent = map { [ lit($_), lit($mk->(1, 31)), ++$n ] } @ids;
		@child = grep { $_->[0] !~ /9|50/ || $_->[0] =~ /3,9/ } @child if chance(0.6);
	}
	$sql .= insert($parent, [ 'k"1', 'v at', 'id' ], \@parent, 0) . insert($child, [ 'r', 'during', 'id' ], \@child, 0);
	$case{setup} = $sql;
	$case{child} = $child;
	$case{parent} = $parent;
	$case{fk} = "period$id";
	$case{ccols} = [ 'r', 'during' ];
	$case{pcols} = [ 'k"1', 'v at' ];
	$case{clause} = qq(FOREIGN KEY (r, PERIOD during) REFERENCES $parent ("k""1", PERIOD "v at"));
	return \%case;
}

# A child with several keys, to a parent each, to one parent together, or to itself:
# { id, setup, child, parents => [ ... ], keys => [ { fk, clause }, ... ] }
sub make_wide_case
{
	my ($id, $schema) = @_;
	my $child_name = hostile("w$id", 0.3);
	my $child = ident($schema) . '.' . ident($child_name);
	my %case = (id => $id, child => $child, parents => [], keys => []);
	my (@cols, @targets, @pools);
	my $sql = '';
	my $serial = 0;

	for my $i (0 .. pick(1 .. 5))
	{
		if (@targets && chance(0.25))
		{
			# one more key to a parent that is there already
			push @targets, { %{ pick(@targets) } };
		}
		else
		{
			my @kinds = map { pick(@kinds) } 1 .. pick(1, 1, 1, 2);
			my $match = pick('', 'SIMPLE', 'FULL');
			my $parent = ident($schema) . '.' . ident(hostile("w${id}p$i", 0.3));
			my @pcols = map { { name => hostile("p$_", 0.3), type => $kinds[$_]{p}, collate => (collations_of($kinds[$_]))[1] } } 0 .. $#kinds;
			my $part = chance(0.08) ? ' PARTITION BY LIST (' . ident($pcols[0]{name}) . ')' : '';
			my ($target, $primary) = target($parent, { id => "${id}_$i" }, \@pcols, \@kinds, $part);
			my ($ptuples, $ctuples) = tuples(\@kinds, $match, 0, !$primary);

			$_->{notnull} = $primary for @pcols;
			# ON CONFLICT does not go with a deferrable constraint
			splice(@$ptuples, 1) if $target =~ /DEFERRABLE/ && @$ptuples;
			$sql .= create_table($parent, [ @pcols, { name => 'id', type => 'int' } ], $part);
			$sql .= 'CREATE TABLE ' . ident($schema) . '.' . ident("w${id}p${i}_d") . " PARTITION OF $parent DEFAULT;\n" if $part;
			$sql .= $target . insert($parent, [ map({ $_->{name} } @pcols), 'id' ], [ map { [ @$_, ++$serial ] } @$ptuples ], $target !~ /DEFERRABLE/);
			push @{ $case{parents} }, $parent;
			push @targets, { parent => $parent, kinds => \@kinds, pcols => \@pcols, match => $match, pool => $ctuples };
		}

		my $t = $targets[-1];
		my @names = map { hostile("c${i}_$_", 0.3) } 0 .. $#{ $t->{kinds} };
		push @cols, map { { name => $names[$_], type => $t->{kinds}[$_]{c}, collate => $t->{pcols}[$_]{collate} } } 0 .. $#names;
		push @pools, [ scalar(@names), $t->{pool} ];
		push @{ $case{keys} }, {
			fk => hostile("wk${id}_$i", 0.3),
			clause => 'FOREIGN KEY (' . join(', ', map { ident($_) } @names) . ") REFERENCES $t->{parent} ("
			  . join(', ', map { ident($_->{name}) } @{ $t->{pcols} }) . ')' . ($t->{match} ? " MATCH $t->{match}" : '')
			  . pick('', '', '', ' ON DELETE CASCADE', ' ON UPDATE SET NULL', ' DEFERRABLE INITIALLY DEFERRED') };
	}

	my $self = chance(0.3);
	my $rows = pick(0, 5, 40, 200);
	my @rows;
	for my $id (1 .. $rows)
	{
		my @row = map { my ($n, $pool) = @$_; @$pool ? @{ pick(@$pool) } : (('NULL') x $n) } @pools;
		push @rows, [ @row, $id, $self ? (chance(0.02) ? 9999 : pick('NULL', 1 + int(rand($rows)))) : () ];
	}
	push @cols, { name => 'id', type => 'int', notnull => $self };
	push @cols, { name => 'up', type => pick('int', 'bigint', 'smallint') } if $self;
	$sql .= create_table($child, \@cols, '');
	$sql .= "ALTER TABLE $child ADD PRIMARY KEY (id);\n" if $self;
	$sql .= insert($child, [ map { $_->{name} } @cols ], \@rows, 0);
	push @{ $case{keys} }, { fk => 'self', clause => "FOREIGN KEY (up) REFERENCES $child" } if $self;
	$case{setup} = $sql;
	return \%case;
}

# ---------------------------------------------------------------------------------------------------------------------

sub prepare
{
	my ($node) = @_;

	$major = major($node);
	# a server without ICU has a row of that provider, too, but none of its locales
	$icu = $node->safe_psql('postgres', "SELECT count(*) > 0 FROM pg_collation WHERE collname = 'und-x-icu'") eq 't';
	$citext = has_extension($node, 'citext');
	$btree_gist = has_extension($node, 'btree_gist');
	$hstore = has_extension($node, 'hstore');
	$ltree = has_extension($node, 'ltree');
	note "PostgreSQL $major, ICU: " . ($icu ? 'yes' : 'no') . ', citext: ' . ($citext ? 'yes' : 'no');
	note 'no ICU: nondeterministic collations are not covered' unless $icu;
	make_kinds();

	$node->safe_psql('postgres', qq(
		CREATE ROLE sg_owner;
		CREATE SCHEMA $T;
		GRANT USAGE ON SCHEMA $T TO PUBLIC;
		CREATE TYPE $T."e""num" AS ENUM ('red', 'green', 'blue', 'not so blue');
		CREATE TYPE $T.enum2 AS ENUM ('red', 'green');
		CREATE TYPE $T.pair AS (a int, b text);
		CREATE TYPE $T.deep AS (n numeric, t text[]);
		CREATE DOMAIN $T.dpair AS $T.pair;
		CREATE DOMAIN $T.drange AS int4range;
		CREATE DOMAIN $T.duuid AS uuid;
		CREATE DOMAIN $T.dcolour AS $T."e""num";
		CREATE DOMAIN $T.posint AS int CHECK (VALUE > 0);
		CREATE DOMAIN $T.posint2 AS $T.posint CHECK (VALUE < 1000);
		CREATE DOMAIN $T.word AS varchar(30);
		CREATE DOMAIN $T.cword AS text COLLATE "C";
		CREATE DOMAIN $T.ints AS int[];
		)
	  . ($citext ? "CREATE EXTENSION citext SCHEMA $T;\n" : '')
	  . ($btree_gist ? "CREATE EXTENSION btree_gist SCHEMA $T;\n" : '')
	  . ($hstore ? "CREATE EXTENSION hstore SCHEMA $T;\n" : '')
	  . ($ltree ? "CREATE EXTENSION ltree SCHEMA $T;\n" : '')
	  . ($icu ? "CREATE COLLATION $T.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
			CREATE COLLATION $T.ci2 (provider = icu, locale = 'und-u-ks-level1', deterministic = false);\n" : ''));
}

1;
