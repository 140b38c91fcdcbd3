# 015_rules_differential.pl: what the audit says of a CHECK, a NOT NULL or a UNIQUE against what the server says of it.
#
# Random tables: plain, partitioned, with tables that inherit from them; columns that were dropped, added later with a fast
# default, generated (virtual ones from 18 on), of domains, arrays, composite types and jsonb; rows with nulls. Random rules:
# conditions of comparisons, LIKE, IN, IS DISTINCT, casts that raise, functions in SQL and plpgsql, NULL logic; NOT NULL of
# any column; UNIQUE over one or several, nulls distinct or not. For each of them
#
#   1. sg_rule_audit says pass where ALTER TABLE takes the rule, fail where it finds a row that breaks it, and unknown, or
#      fails with the same SQLSTATE, where it raises another error; by scan, by query, and in parallel;
#   2. violating_rows and groups are what a plain query counts, and so is the number of rows of sg_rule_violations;
#   3. the sample has the right size.
#
# SG_CASES=n that many rules, SG_SEED=n starts elsewhere.
#
# rooms: audit
# takes: 10 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use List::Util qw(shuffle);
use Test::More;
use SgTest;

my $cases = $ENV{SG_CASES} || (long_run() ? 2000 : 200);
my $per_table = 8;
srand(seed());
note('seed ' . seed() . ", $cases cases");

my $node = new_node('rules', conf => "max_worker_processes = 12\nautovacuum = off\n");
my $virtual = major($node) >= 18;

$node->safe_psql('postgres', q{
	CREATE SCHEMA d;
	CREATE TYPE d.pair AS (x int, y text);
	CREATE DOMAIN d.small AS int CHECK (VALUE < 6);
	CREATE FUNCTION d.odd(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 1';
	CREATE FUNCTION d.fits(int, text) RETURNS boolean LANGUAGE plpgsql STABLE AS
		'BEGIN RETURN $1 > 1 OR $2 IS NULL; END';
	CREATE FUNCTION d.picky(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS
		'BEGIN IF $1 = 9 THEN RAISE EXCEPTION ''nine'' USING ERRCODE = ''SG999''; END IF; RETURN $1 > 0; END';
	CREATE FUNCTION d.restless(int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
	CREATE TABLE d.kase (id int PRIMARY KEY, tab text, kind text, definition text, only_itself boolean,
		core text, counted bigint, groups bigint, count_error text);
	CREATE TABLE d.seen (id int, round text, result text, violating bigint, groups bigint, checked bigint, sampled int, reason text, error text);

	-- what ALTER TABLE says: pass, fail, or the SQLSTATE of another error; nothing stays
	CREATE FUNCTION d.ask_core(k d.kase) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format(CASE k.kind WHEN 'check' THEN 'ALTER TABLE %s ADD CHECK (%s)'
			WHEN 'not null' THEN 'ALTER TABLE %s ALTER %s SET NOT NULL' ELSE 'ALTER TABLE %s ADD UNIQUE %s' END, k.tab, k.definition);
		RAISE EXCEPTION 'undo' USING ERRCODE = 'SG998';
	EXCEPTION WHEN OTHERS THEN
		RETURN CASE WHEN SQLSTATE = 'SG998' THEN 'pass'
			WHEN SQLSTATE = '23514' AND SQLERRM ~ 'violated by some row' OR SQLSTATE IN ('23502', '23505') THEN 'fail' ELSE SQLSTATE END;
	END $$;

	CREATE FUNCTION d.count(k d.kase) RETURNS d.kase LANGUAGE plpgsql AS $$
	DECLARE columns text = substring(k.definition from '\((.*)\)');
	BEGIN
		IF k.kind = 'unique' THEN
			EXECUTE format('SELECT coalesce(sum(n), 0), count(*) FROM (SELECT count(*) AS n FROM %s%s WHERE %s GROUP BY %s HAVING count(*) > 1) g',
				CASE WHEN k.only_itself THEN 'ONLY ' END, k.tab, CASE WHEN k.definition ~ 'NOT DISTINCT' THEN 'true'
					ELSE (SELECT string_agg(format('%s IS DISTINCT FROM NULL', c), ' AND ') FROM regexp_split_to_table(columns, ', ') c) END, columns)
				INTO k.counted, k.groups;
		ELSE
			EXECUTE format('SELECT count(*) FROM %s WHERE %s', k.tab, CASE k.kind WHEN 'check' THEN format('(%s) IS FALSE', k.definition)
				ELSE format('%s IS NOT DISTINCT FROM NULL', k.definition) END) INTO k.counted;
		END IF;
		RETURN k;
	EXCEPTION WHEN OTHERS THEN
		k.count_error := SQLSTATE;
		RETURN k;
	END $$;

	CREATE FUNCTION d.look(k d.kase, round text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO d.seen SELECT k.id, round, result, violating_rows, a.groups, rows_checked, jsonb_array_length(sample), reason
			FROM sg_rule_audit_details(k.tab::regclass, k.kind, k.definition, 3) a;
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO d.seen (id, round, error) VALUES (k.id, round, SQLSTATE);
	END $$;

	CREATE FUNCTION d.list(k d.kase) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO d.seen (id, round, violating) SELECT k.id, 'list', count(*)
			FROM sg_rule_violations(k.tab::regclass, k.kind, k.definition, 1000000);
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO d.seen (id, round, error) VALUES (k.id, 'list', SQLSTATE);
	END $$;
});
my $icu = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_collation WHERE collprovider = 'i'}) > 0;
$node->safe_psql('postgres', q{CREATE COLLATION d.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)}) if $icu;

# ---------------------------------------------------------------------------------------------------------------------
# Tables

my %type = (
	i => 'int', n => 'numeric', t => 'text', s => 'text' . ($icu ? ' COLLATE d.nocase' : ''), dt => 'date', a => 'int[]', j => 'jsonb',
	dom => 'd.small', c => 'd.pair', b => 'boolean', raw => 'json');

sub value
{
	my ($column, $nulls) = @_;

	return 'NULL' if chance($nulls);
	return pick(0 .. 9) if $column eq 'i' || $column eq 'k';
	return pick(0, '1.5', '2.50', '2.5', 3, -7) if $column eq 'n';
	return pick("'a'", "'abc'", "'7'", "'B'", "'12'", "''", "'x y'") if $column eq 't';
	return pick("'a'", "'A'", "'b'", "'\x{c3}\x{a4}'") if $column eq 's';
	return pick("'2020-02-29'", "'2026-01-01'", "'infinity'") if $column eq 'dt';
	return pick("'{}'", "'{1,2}'", "'{3,NULL}'", "'{9}'") if $column eq 'a';
	return pick(q('{}'), q('{"k": 1}'), q('{"k": "x"}'), q('[1]'), q('null')) if $column eq 'j';
	return pick(1 .. 5) if $column eq 'dom';
	return pick("'(1,a)'", "'(,)'", "'(2,)'", "'(9,b)'") if $column eq 'c';
	return pick('true', 'false') if $column eq 'b';
	return pick(1, 7) if $column eq 'late';
	return "'x'" if $column eq 'later';
	return q('{}');
}

# One table, filled; a list of its columns
sub make_table
{
	my ($name) = @_;
	my @columns = grep { chance(0.75) } sort keys %type;
	my $nulls = pick(0, 0, 0.1, 0.4);
	my $form = pick('plain', 'plain', 'parted', 'inherited');
	my (@sql, @shuffled);

	push @columns, 'i' unless grep { $_ eq 'i' } @columns;
	@shuffled = shuffle @columns;
	my @definitions = map { "$_ $type{$_}" } @shuffled;
	push @definitions, 'id int PRIMARY KEY' if $form eq 'plain' && chance(0.5);
	splice @definitions, int(rand(@definitions)), 0, 'gone text' if chance(0.4);
	my $gone = grep { /^gone/ } @definitions;
	my $id = grep { /^id/ } @definitions;
	splice @definitions, int(rand(@definitions)), 0, 'k int' if $form eq 'parted';

	push @sql, "CREATE TABLE $name (" . join(', ', @definitions) . ')' . ($form eq 'parted' ? ' PARTITION BY LIST (k)' : '');
	if ($form eq 'parted')
	{
		my @other = shuffle map { /^gone/ ? () : $_ } @definitions;

		push @sql, "CREATE TABLE ${name}_0 PARTITION OF $name DEFAULT PARTITION BY RANGE (i)", "CREATE TABLE ${name}_00 PARTITION OF ${name}_0 DEFAULT";
		push @sql, "CREATE TABLE ${name}_1 (x text, " . join(', ', @other) . ')', "ALTER TABLE ${name}_1 DROP COLUMN x";
	}
	push @sql, "ALTER TABLE $name DROP COLUMN gone" if $gone;
	push @sql, "ALTER TABLE $name ATTACH PARTITION ${name}_1 FOR VALUES IN (1)" if $form eq 'parted';
	push @sql, "CREATE TABLE ${name}_1 (more text) INHERITS ($name)",
		"CREATE TABLE ${name}_2 (" . join(', ', 'more int', reverse map { "$_ $type{$_}" } @columns) . ')', "ALTER TABLE ${name}_2 INHERIT $name"
		if $form eq 'inherited';

	my $row = 0;
	my $fill = sub {
		my ($table, $rows) = @_;
		my @into = (@columns, $id ? 'id' : (), $form eq 'parted' ? 'k' : ());
		my @rows = map { my $n = $row++; '(' . join(', ', map { $_ eq 'id' ? $n : $_ eq 'k' ? pick(1, 2, 'NULL') : value($_, $nulls) } @into) . ')' } 1 .. $rows;

		push @sql, "INSERT INTO $table (" . join(', ', @into) . ') VALUES ' . join(', ', @rows) if @rows;
	};
	$fill->($name, pick(0, 3, 20, 60));
	if (chance(0.5))
	{
		push @sql, "ALTER TABLE $name ADD late int DEFAULT 7, ADD later text";
		push @columns, 'late', 'later';
		$fill->($name, pick(0, 3));
		pop @columns, pop @columns;
		push @columns, 'late';
	}
	if (chance(0.3))
	{
		push @sql, "ALTER TABLE $name ADD g int GENERATED ALWAYS AS (i * 2) " . ($virtual && chance(0.6) ? 'VIRTUAL' : 'STORED');
		push @columns, 'g';
	}
	if ($form eq 'inherited')
	{
		my @all = @columns;
		@columns = grep { $_ ne 'g' && $_ ne 'late' } @columns;
		$fill->("${name}_1", pick(0, 5));
		$fill->("${name}_2", pick(0, 5));
		@columns = @all;
	}
	push @columns, 'k' if $form eq 'parted';
	return ($form, \@columns, join(";\n", @sql) . ';');
}

# ---------------------------------------------------------------------------------------------------------------------
# Rules

sub atom
{
	my ($table, %has) = @_;
	my $k = pick(0 .. 9);
	my @atoms = ("i > $k", "i <> $k", "i BETWEEN 1 AND $k", "i IN (1, 3, $k)", "i NOT IN (1, NULL)", "i IS DISTINCT FROM $k", 'i IS NOT NULL', 'd.odd(i)',
		'd.picky(i)', '10 / i > 1', "CASE WHEN i > 4 THEN i < $k END", "NULLIF(i, $k) IS NOT NULL", 'i::d.small > 0', 'coalesce(i, 3) < 8', 'tableoid <> 0',
		'true', 'NULL', "$table IS NOT NULL", "($table).i < $k", 'i::text LIKE \'1%\'');
	push @atoms, "n >= $k", 'n / NULLIF(i, 0) < 5', 'n = round(n)', "n::int <> $k" if $has{n};
	push @atoms, "t LIKE 'a%'", "t ~ '^[a-c]'", 'length(t) < 3', 't::int > 3', "t IN ('a', 'b', NULL)", "t < 'b' COLLATE \"C\"", 'd.fits(i, t)', "t || 'x' <> 'ax'" if $has{t};
	push @atoms, "s = 'a'", "s > 'a'" if $has{s};
	push @atoms, "dt > '2021-01-01'", "extract(year FROM dt) <> 2020", "dt < 'infinity'" if $has{dt};
	push @atoms, 'i = ANY (a)', 'cardinality(a) < 2', 'a @> ARRAY[1]', 'a[1] = i', 'a <> \'{}\'', 'array_position(a, NULL) IS NULL' if $has{a};
	push @atoms, "j ? 'k'", "(j->>'k')::int = 1", q(j @> '{"k": 1}'), 'jsonb_typeof(j) = \'object\'' if $has{j};
	push @atoms, "dom < $k", 'dom::int + i > 3', 'dom IS NOT NULL' if $has{dom};
	push @atoms, '(c).x < 5', 'c IS NOT NULL', 'c IS DISTINCT FROM NULL', "c <> ROW(1, 'a')::d.pair" if $has{c};
	push @atoms, 'b', 'NOT b', 'b IS NOT TRUE', 'b IS UNKNOWN' if $has{b};
	push @atoms, 'late > 3', 'late IS NOT NULL' if $has{late};
	push @atoms, "g < $k", 'g + i > 3' if $has{g};
	push @atoms, 'k IS NOT NULL', 'k = 1 OR i > 3' if $has{k};
	push @atoms, 'random() < 2', 'd.restless(i)' if chance(0.05);
	push @atoms, 'none > 1', 'i > (SELECT 1)', 'i + t' if chance(0.03);
	return pick(@atoms);
}

sub condition
{
	my ($table, $depth, %has) = @_;
	my $kind = rand();

	return atom($table, %has) if $depth == 0 || $kind < 0.4;
	return 'NOT (' . condition($table, $depth - 1, %has) . ')' if $kind < 0.5;
	return '(' . join(pick(' AND ', ' OR '), map { '(' . condition($table, $depth - 1, %has) . ')' } 1, 2) . ')';
}

sub rule
{
	my ($table, @columns) = @_;
	my $kind = pick('check', 'check', 'check', 'not null', 'unique');

	return ($kind, condition($table =~ s/.*\.//r, 2, map { $_ => 1 } @columns)) if $kind eq 'check';
	return ($kind, pick(@columns)) if $kind eq 'not null';
	my @some = (shuffle @columns)[ 0 .. pick(0, 1, 1, 2) ];
	@some = grep { defined } @some;
	return ($kind, (chance(0.3) ? 'NULLS NOT DISTINCT ' : '') . '(' . join(', ', @some) . ')');
}

my %ddl;
my @rows;
for (my $id = 0; $id < $cases;)
{
	my $name = 'd.t' . $id;
	my ($form, $columns, $sql) = make_table($name);

	$ddl{$name} = $sql;
	foreach (1 .. $per_table)
	{
		my ($kind, $definition) = rule($name, @$columns);
		push @rows, sprintf '(%d, %s, %s, %s, %s)', $id++, lit($name), lit($kind), lit($definition), $form eq 'inherited' ? 'true' : 'false';
	}
}
foreach my $name (sort keys %ddl)
{
	my ($status, $out, $err) = $node->psql('postgres', $ddl{$name});
	BAIL_OUT("$ddl{$name}\n$err") if $err =~ /ERROR/;
}
$node->safe_psql('postgres', 'INSERT INTO d.kase (id, tab, kind, definition, only_itself) VALUES ' . join(', ', @rows));

# ---------------------------------------------------------------------------------------------------------------------
# Verdicts

my %rounds = (
	scan => 'SET schemaguard.audit_method = scan; SET schemaguard.audit_workers = 0',
	sql => 'SET schemaguard.audit_method = sql; SET schemaguard.audit_workers = 0',
	parallel => 'SET min_parallel_table_scan_size = 0; SET schemaguard.audit_workers = 2',);
my @report = q{SET client_min_messages = error};
$node->safe_psql('postgres', "$report[0]; UPDATE d.kase k SET core = d.ask_core(k)");
$node->safe_psql('postgres', "$report[0]; UPDATE d.kase k SET (counted, groups, count_error) = (SELECT c.counted, c.groups, c.count_error FROM d.count(k) c)");
foreach my $round (sort keys %rounds)
{
	# workers take their time to start
	my $where = $round eq 'parallel' ? "WHERE id % ${\ (long_run() ? 4 : 8) } = 0" : '';
	$node->safe_psql('postgres', "SELECT sg_plan_create('load'); SELECT sg_plan_drop('load'); $report[0]; $rounds{$round}; SELECT count(d.look(k, '$round')) FROM d.kase k $where");
}
$node->safe_psql('postgres', "$report[0]; SELECT count(d.list(k)) FROM d.kase k");

# A row that breaks the rule stops the server before another one raises an error: then the audit, and the query, say so. What
# the server does not want for another reason than its rows is counted all the same.
sub is_none
{
	my ($what, $sql) = @_;
	my @wrong = rows($node, "SELECT k.id, k.tab, k.kind, k.definition, k.core, coalesce(k.counted::text, k.count_error), s.* FROM d.kase k JOIN d.seen s USING (id) WHERE $sql ORDER BY k.id, s.round LIMIT 10");

	is(scalar(@wrong), 0, $what) or diag(join "\n", map { join(' | ', map { $_ // '-' } @$_) . "\n$ddl{$_->[1]}" } @wrong);
}

# of whole rows of a tree, which the server refuses for no row, there is no verdict
my $whole = q{(k.core = '42703' AND s.result = 'unknown' AND s.reason ~ 'is about whole rows')};
my $volatile = q{s.reason IS NOT DISTINCT FROM 'its condition calls a volatile function, so that no verdict would last'};
is_none('pass is what the server takes', qq{s.round <> 'list' AND NOT $volatile AND k.core = 'pass' AND s.result IS DISTINCT FROM 'pass'});
is_none('fail is what it refuses for a row, unless a row raises another error', qq{s.round <> 'list' AND NOT $volatile AND k.core = 'fail'
	AND s.result IS DISTINCT FROM CASE WHEN k.count_error IS NULL THEN 'fail' ELSE 'unknown' END});
is_none('another error is unknown, or the same; what is refused for no row is judged', qq{s.round <> 'list' AND NOT $whole AND k.core NOT IN ('pass', 'fail')
	AND s.error IS DISTINCT FROM k.core AND s.result IS DISTINCT FROM CASE WHEN k.count_error IS NULL THEN CASE WHEN k.counted > 0 THEN 'fail' ELSE 'pass' END ELSE 'unknown' END
	AND s.reason !~ 'without a default btree|computed when it is read|volatile'});
is_none('rows and groups are what a query counts', q{s.round <> 'list' AND s.result IN ('pass', 'fail') AND (s.violating, s.groups) IS DISTINCT FROM (k.counted, k.groups)});
is_none('and what is listed', q{s.round = 'list' AND s.error IS NULL AND s.violating IS DISTINCT FROM k.counted});
is_none('the sample has the right size', q{s.result = 'fail' AND s.sampled IS DISTINCT FROM least(3, coalesce(k.groups, k.counted))});
is_none('nothing fails but what is no rule, and where it is not listed, why', q{s.error IS NOT NULL AND s.error <> k.core
	AND NOT (s.round = 'list' AND (s.error IN ('0A000', '42883') OR s.error = k.count_error))});

my ($tally) = rows($node, q{SELECT count(*) FILTER (WHERE core = 'pass'), count(*) FILTER (WHERE core = 'fail'), count(*) FILTER (WHERE core NOT IN ('pass', 'fail')),
	count(DISTINCT kind) FROM d.kase});
diag("the server: $tally->[0] pass, $tally->[1] fail, $tally->[2] other errors");
ok($tally->[0] > $cases / 8 && $tally->[1] > $cases / 8 && $tally->[3] == 3, 'all verdicts and kinds came up');

$node->stop;
done_testing();
