# 010_differential.pl: the audit against the server itself, on random foreign keys.
#
# Each case is a pair of tables with rows and a key between them: random types (also pairs of different ones), nulls,
# MATCH, up to 4 columns in any order, dropped and added columns, partitions on either side, inheritance children,
# collations, targets that are a primary key, a constraint or just an index, self references, several keys to one parent,
# names that need quoting, owners, and orphans: none, one, some.  Some parents have thousands of keys, so that they do not
# fit into the least memory at once.  Some keys are such that the server refuses them.  In one batch of eight all tables are
# temporary.  While the others are audited, another session keeps rows that it has inserted and deleted without a COMMIT.
# For each key:
#
#   1. as a planned key, sg_orphan_audit(plan => ...) says unknown exactly when ALTER TABLE ... ADD refuses the key;
#   2. planned, declared and judged in every way (a query, a query in parallel, a scan, a scan in several passes, with 0
#      to 4 workers, with settings drawn at random), it says pass exactly when VALIDATE CONSTRAINT succeeds (ADD FOREIGN KEY, where the server has no NOT
#      VALID for partitioned tables; ENFORCED, where it was not);
#   3. each time rows_checked, orphan_rows and orphan_keys agree with a query that is written another way (NOT EXISTS with
#      the operators of conpfeqop, by nested loop), sg_orphans lists just as many rows, and the sample has the right size,
#      and in it is nothing but keys of orphans.
#
# A failure prints the SQL that makes the tables.  SG_BATCH=n runs batch n alone, SG_CASES=n that many keys, SG_SEED=n
# starts elsewhere.
#
# rooms: audit
# takes: 45 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;
use SgCases;

my $per_batch = 40;
my $batches = int(($ENV{SG_CASES} || (long_run() ? 6_000 : 120)) / $per_batch);

my $node = new_node('diff', conf => "max_locks_per_transaction = 512\nautovacuum = off\nmax_worker_processes = 12\n");
my $major = major($node);

SgCases::prepare($node);

# ---------------------------------------------------------------------------------------------------------------------
# What the server says

my $judge = <<'SQL';
CREATE SCHEMA d;
CREATE TABLE d.kase (
    id int PRIMARY KEY, child text, parent text, fk text, ccols text[], pcols text[], match text, clause text,
    planned bool, enforced bool, not_valid bool,
    plan_error text, refused text, verdict text, declared bool, error text,
    n_rows bigint, n_orphans bigint, n_keys bigint, n_printed bigint, orphans jsonb, listed bigint);
CREATE TABLE d.seen AS SELECT ''::text AS round, * FROM sg_orphan_audit_details() WITH NO DATA;

CREATE FUNCTION d.plan() RETURNS void LANGUAGE plpgsql AS $$
DECLARE k d.kase;
BEGIN
    PERFORM sg_plan_create('diff', replace => true);
    FOR k IN SELECT * FROM d.kase WHERE planned ORDER BY id LOOP
        BEGIN
            PERFORM sg_plan_add_fk('diff', k.child, k.ccols, k.parent, k.pcols, k.fk,
                                   match => CASE WHEN k.match = 'FULL' THEN 'full' ELSE 'simple' END,
                                   period => k.clause LIKE '%PERIOD%');
        EXCEPTION WHEN OTHERS THEN
            UPDATE d.kase SET plan_error = SQLSTATE || ': ' || SQLERRM WHERE id = k.id;
        END;
    END LOOP;
END $$;

CREATE FUNCTION d.declare() RETURNS void LANGUAGE plpgsql AS $$
DECLARE k d.kase;
BEGIN
    FOR k IN SELECT * FROM d.kase ORDER BY id LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s%s', k.child, k.fk, k.clause,
                           CASE WHEN NOT k.enforced THEN ' NOT ENFORCED' WHEN k.not_valid THEN ' NOT VALID' ELSE '' END);
            UPDATE d.kase SET declared = true, verdict = CASE WHEN NOT k.not_valid THEN 'pass' END WHERE id = k.id;
        EXCEPTION
            WHEN foreign_key_violation THEN
                UPDATE d.kase SET declared = false, verdict = 'fail', error = SQLERRM WHERE id = k.id;
            WHEN OTHERS THEN
                UPDATE d.kase SET declared = false, refused = SQLSTATE, error = SQLERRM WHERE id = k.id;
        END;
    END LOOP;
END $$;

CREATE FUNCTION d.validate() RETURNS void LANGUAGE plpgsql AS $$
DECLARE k d.kase;
BEGIN
    FOR k IN SELECT * FROM d.kase WHERE declared AND verdict IS NULL ORDER BY id LOOP
        BEGIN
            -- VALIDATE of a PERIOD key lets pass what overlaps some parent but is not covered (18.6, 19rc1); ADD does not
            IF k.clause LIKE '%PERIOD%' THEN
                EXECUTE format('ALTER TABLE %s ADD CONSTRAINT probe %s', k.child, k.clause);
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT probe', k.child);
            END IF;
            EXECUTE format('ALTER TABLE %s %s CONSTRAINT %I %s', k.child, CASE WHEN k.enforced THEN 'VALIDATE' ELSE 'ALTER' END,
                           k.fk, CASE WHEN k.enforced THEN '' ELSE 'ENFORCED' END);
            UPDATE d.kase SET verdict = 'pass' WHERE id = k.id;
        EXCEPTION
            WHEN foreign_key_violation THEN
                UPDATE d.kase SET verdict = 'fail' WHERE id = k.id;
            WHEN OTHERS THEN
                UPDATE d.kase SET verdict = 'error', error = SQLSTATE || ': ' || SQLERRM WHERE id = k.id;
        END;
    END LOOP;
END $$;

-- cast to the operator's input type unless that is polymorphic; compared in the parent's collation
CREATE FUNCTION d.operand(what text, type oid, parent oid, coll oid) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN t.typtype = 'p' THEN what ELSE format('CAST(%s AS %s)', what, format_type(type, -1)) END
           || CASE WHEN coll <> 0 AND (t.typcollation <> 0 OR t.typtype = 'p')
                   THEN (SELECT format(' COLLATE %I.%I', n.nspname, l.collname)
                           FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = coll) ELSE '' END
      FROM pg_type t WHERE t.oid = type
$$;

-- parent = child, by the operators of a constraint, one after the other
CREATE FUNCTION d.condition(con oid, ccols text[], pcols text[], n int) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(
             format('%s OPERATOR(%I.%s) %s',
                    d.operand(format('p.%I', a.attname), o.oprleft, c.confrelid, a.attcollation),
                    ns.nspname, o.oprname,
                    d.operand(format('c.k%s', i), o.oprright, c.confrelid, a.attcollation)), ' AND ' ORDER BY i)
      FROM pg_constraint c, generate_series(1, n) i, pg_operator o, pg_namespace ns, pg_attribute a
     WHERE c.oid = con AND o.oid = c.conpfeqop[i] AND ns.oid = o.oprnamespace
       AND a.attrelid = c.confrelid AND a.attnum = c.confkey[i]
$$;

CREATE FUNCTION d.only(rel regclass) RETURNS text LANGUAGE sql AS $$
    SELECT CASE relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || rel::text FROM pg_class WHERE oid = rel
$$;

CREATE FUNCTION d.count_one(k d.kase) RETURNS void LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_hashagg = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    con pg_constraint;
    n int := array_length(k.ccols, 1);
    cols text := (SELECT string_agg(format('x.%I AS k%s', name, i), ', ' ORDER BY i) FROM unnest(k.ccols) WITH ORDINALITY u(name, i));
    ks text := (SELECT string_agg('c.k' || i, ', ') FROM generate_series(1, n) i);
    checked text := CASE WHEN k.match = 'FULL' THEN 'num_nonnulls(%s) > 0' ELSE 'num_nulls(%s) = 0' END;
    covered text;
    -- a temporary table refers to temporary ones only
    probe text := CASE WHEN k.child LIKE 'pg_temp%' THEN 'pg_temp.probe' ELSE 'd.probe' END;
    object text := (SELECT string_agg(format('%L, c.k%s', name, i), ', ' ORDER BY i) FROM unnest(k.ccols) WITH ORDINALITY u(name, i));
    counts bigint[];
    objects jsonb;
    printed bigint;
BEGIN
    IF k.declared THEN
        SELECT * INTO STRICT con FROM pg_constraint WHERE conrelid = k.child::regclass AND conname = k.fk;
    ELSE
        -- the key can't stand; it can on an empty table of the same columns
        EXECUTE format('CREATE TABLE %1$s (LIKE %2$s); ALTER TABLE %1$s ADD CONSTRAINT probe %3$s', probe, k.child, k.clause);
        SELECT * INTO STRICT con FROM pg_constraint WHERE conrelid = probe::regclass AND conname = 'probe';
    END IF;

    IF k.clause LIKE '%PERIOD%' THEN
        covered := format('coalesce(NOT isempty(c.k%s) AND c.k%1$s <@ (SELECT range_agg(p.%I) FROM %s p WHERE %s AND p.%2$I && c.k%1$s), false)',
                          n, k.pcols[n], d.only(k.parent::regclass), d.condition(con.oid, k.ccols, k.pcols, n - 1));
    ELSE
        covered := format('EXISTS (SELECT FROM %s p WHERE %s)', d.only(k.parent::regclass), d.condition(con.oid, k.ccols, k.pcols, n));
    END IF;
    EXECUTE format($q$
        WITH c AS MATERIALIZED (SELECT %s FROM %s x),
             o AS MATERIALIZED (SELECT c.* FROM c WHERE %s AND NOT %s)
        SELECT ARRAY[(SELECT count(*) FROM c), (SELECT count(*) FROM o), (SELECT count(*) FROM (SELECT DISTINCT %s FROM o AS c) s)],
               (SELECT jsonb_agg(DISTINCT jsonb_build_object(%s)) FROM o AS c),
               (SELECT count(DISTINCT jsonb_build_object(%6$s)) FROM (SELECT DISTINCT %5$s FROM o AS c) c)
        $q$, cols, d.only(k.child::regclass), format(checked, ks), covered, ks, object)
      INTO counts, objects, printed;
    UPDATE d.kase SET n_rows = counts[1], n_orphans = counts[2], n_keys = counts[3], n_printed = printed, orphans = objects WHERE id = k.id;
    EXECUTE format('DROP TABLE IF EXISTS %s', probe);
END $$;

CREATE FUNCTION d.list_one(k d.kase) RETURNS void LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    IF k.declared THEN
        SELECT count(DISTINCT (row_table, row_id)) INTO n FROM sg_fk_orphans(k.child::regclass, k.fk, 100000);
    -- of temporary tables only what is declared is listed
    ELSIF k.match <> 'FULL' AND NOT starts_with(k.child, 'pg_temp') THEN
        SELECT count(DISTINCT (row_table, row_id)) INTO n FROM sg_orphans(k.child::regclass, k.ccols, k.parent::regclass, k.pcols, 100000);
    END IF;
    UPDATE d.kase SET listed = n WHERE id = k.id;
END $$;

CREATE FUNCTION d.count() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = warning;
    PERFORM d.count_one(k), d.list_one(k) FROM d.kase k WHERE refused IS NULL;
END $$;

-- What an open transaction does meanwhile; how many statements went through
CREATE FUNCTION d.write() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    done int := 0;
    statement text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR statement IN SELECT format(f, t) FROM d.kase k,
            LATERAL (VALUES ('INSERT INTO %1$s SELECT * FROM %1$s LIMIT 2', k.child),
                ('DELETE FROM %1$s WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM %1$s LIMIT 1)', k.parent),
                ('DELETE FROM %1$s WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM %1$s LIMIT 1)', k.child)) v (f, t) ORDER BY id LOOP
        BEGIN
            EXECUTE statement;
            done := done + 1;
        EXCEPTION WHEN OTHERS THEN
        END;
    END LOOP;
    RETURN done;
END $$;

-- All of them keys of orphans, and different ones.  Where different keys look alike, as arrays do that differ in their
-- bounds, the latter can't be seen.
CREATE FUNCTION d.true_sample(sample jsonb, k d.kase) RETURNS bool LANGUAGE sql AS $$
    SELECT (count(*) = count(DISTINCT e) OR k.n_printed < k.n_keys)
           AND coalesce(bool_and(EXISTS (SELECT FROM jsonb_array_elements(k.orphans) o WHERE o = e)), true)
      FROM jsonb_array_elements(sample) e
$$;
SQL
# The ways to judge a declared key, each with its settings.  To start workers takes longer than to read such tables: of the
# ways that have them, each batch tries one, or two in a long run, in turn.
my %scan = ('schemaguard.audit_method' => 'scan', 'schemaguard.audit_workers' => 0);
my %parallel = (%scan, min_parallel_table_scan_size => 0);
my %settings = (
	auto => {},
	sql => { 'schemaguard.audit_method' => 'sql' },
	scan => \%scan,
	passes => { %scan, 'schemaguard.audit_memory' => '64kB' },
	'1 worker' => { %parallel, 'schemaguard.audit_workers' => 1 },
	'2 workers' => { %parallel, 'schemaguard.audit_workers' => 2 },
	'3 workers, passes' => { %parallel, 'schemaguard.audit_workers' => 3, 'schemaguard.audit_memory' => '128kB' },
	'4 workers' => { %parallel, 'schemaguard.audit_workers' => 4 },
	'parallel sql' => {
		'schemaguard.audit_method' => 'sql', ($major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode') => 'on',
		map({ $_ => 0 } qw(parallel_setup_cost parallel_tuple_cost min_parallel_table_scan_size)), max_parallel_workers_per_gather => 3 });
my @ways = ('auto', 'sql', 'scan', 'passes');
my @parallel_ways = grep { /worker/ } sort keys %settings;

# ... and one with settings that each batch draws
sub draw_settings
{
	$settings{drawn} = {
		'schemaguard.audit_memory' => pick('64kB', '256kB', '8MB', '64MB'), 'schemaguard.audit_workers' => pick(0, 1, 3),
		min_parallel_table_scan_size => pick('0', '0', '8MB'), work_mem => pick('64kB', '1MB', '64MB') };
}

sub ways_of
{
	my ($batch) = @_;

	return (@ways, 'drawn', map { $parallel_ways[ ($batch + $_) % 4 ] } 0, 2);
}

# An audit of everything that is declared, into d.seen
sub audit_sql
{
	my ($way) = @_;
	my $set = $settings{$way};

	return 'BEGIN; ' . join('', map { "SET LOCAL $_ = " . lit($set->{$_}) . '; ' } sort keys %$set)
	  . "INSERT INTO d.seen SELECT " . lit($way) . ", * FROM sg_orphan_audit_details(samples => 3); COMMIT;\n";
}

# ---------------------------------------------------------------------------------------------------------------------
# Run

my %total = map { $_ => 0 } qw(pass fail error refused declared);
my $written = 0;    # statements of open transactions
my %judged;    # verdicts, by round and method; of large parents, those that took passes, by shape

sub array_or_null { my ($list) = @_; return $list ? text_array(@$list) : 'NULL::text[]'; }

sub reproduce
{
	my ($case, $batch) = @_;

	return "-- SG_SEED=" . seed() . " SG_BATCH=$batch; SgCases.pm makes the types\n"
	  . $case->{setup} . "ALTER TABLE $case->{child} ADD CONSTRAINT " . ident($case->{fk}) . " $case->{clause}"
	  . (!$case->{enforced} ? ' NOT ENFORCED' : $case->{not_valid} ? ' NOT VALID' : '') . ";\n";
}

# What is wrong with one verdict of the audit, or ''
sub judge_row
{
	my ($row, $k, $round) = @_;

	return "$round: $row->{n} rows instead of 1" if $row->{n} != 1;
	if ($k->{refused})
	{
		return "$round: $row->{result}, but the server refuses the key ($k->{refused} $k->{error})"
		  if $row->{result} ne 'unknown' || $row->{reason} eq '';
		return '';
	}
	my $state = $round eq 'plan' || !$k->{declared} ? 'missing' : $k->{state}{$round};
	return "$round: result $row->{result} ($row->{reason}), but core says $k->{verdict} $k->{error}" if $row->{result} ne $k->{verdict};
	return "$round: state $row->{state}, not $state" if $row->{state} ne $state;
	return "$round: source $row->{source}" if $row->{source} ne ($state eq 'missing' ? 'plan' : 'catalog');
	my @counts = ($row->{rows_checked}, $row->{orphan_rows}, $row->{orphan_keys});
	my @true_counts = split m{/}, $k->{counts};
	my $orphan_keys = $true_counts[2];
	return "$round: rows/orphans/keys @counts, not @true_counts" if "@counts" ne "@true_counts";
	my $sample = $orphan_keys > 3 ? 3 : $orphan_keys;
	return "$round: sample of $row->{sample}, not $sample" if $row->{sample} != $sample;
	return "$round: not a sample of orphans: $row->{keys}" if $row->{true_sample} ne 't';
	return "$round: method $row->{method}" if $row->{method} !~ ($round =~ /sql/ ? qr/^sql$/ :
		$round eq 'drawn' ? qr/^(?:scan(?: in \d+ passes)?|sql|probe)$/ : qr/^(?:scan(?: in \d+ passes)?|sql)$/);
	$judged{$round}{ $row->{method} =~ /passes/ ? 'passes' : $row->{method} }++;
	return '';
}

sub run_batch
{
	my ($batch) = @_;
	my $temporary = $batch % 8 == 3;
	my $schema = $temporary ? 'pg_temp' : hostile("s$batch", 0.3);
	my $session = SgTest::Session->new($node);
	my $writer = SgTest::Session->new($node);
	my $start = time;
	my @problems;

	srand(seed() * 10_000 + $batch);
	# three large ones, one of each shape
	my @cases = map { $_ <= 3 ? make_large_case($_, $schema) :
			$major >= 18 && chance(0.08) ? make_period_case($_, $schema) : make_case($_, $schema) } 1 .. $per_batch;

	for my $case ($temporary ? @cases : ())
	{
		# what is temporary can't become unlogged, nor be in a plan
		$case->{setup} =~ s/^ALTER TABLE \Q$case->{child}\E SET UNLOGGED;\n//mg;
		$case->{planned} = 0;
	}
	my $sql = ($temporary ? '' : 'CREATE SCHEMA ' . ident($schema) . ";\nGRANT USAGE ON SCHEMA " . ident($schema) . " TO PUBLIC;\n")
	  . "TRUNCATE d.kase, d.seen;\n";
	for my $case (@cases)
	{
		$sql .= $case->{setup} . "INSERT INTO d.kase VALUES ($case->{id}, "
		  . join(', ', map { lit($_) } $case->{child}, $case->{parent}, $case->{fk}) . ', '
		  . array_or_null($case->{ccols}) . ', ' . array_or_null($case->{pcols}) . ', '
		  . join(', ', map { lit($_) } $case->{match}, $case->{clause}, $case->{planned}, $case->{enforced}, $case->{not_valid}) . ");\n";
	}
	$sql .= q{UPDATE d.kase SET (child, parent, clause) = (SELECT replace(child, s, t), replace(parent, s, t), replace(clause, s, t)
		FROM (VALUES ('"pg_temp"', pg_my_temp_schema()::regnamespace::text)) v (s, t));} if $temporary;

	draw_settings();
	# or no key would be looked up in an index
	$sql .= join('', map { "ANALYZE $_->{child}, $_->{parent};\n" } grep { $_->{shape} } @cases) if $settings{drawn}{min_parallel_table_scan_size} eq '0';
	my $settings = pick('', 'SET enable_hashjoin = off;', 'SET enable_hashagg = off;', 'SET enable_mergejoin = off;', 'SET work_mem = 64; SET maintenance_work_mem = 1024;')
	  # none of these may make a difference
	  . pick('', 'SET row_security = off;')
	  . pick('', 'SET jit = on; SET jit_above_cost = 0;', 'SET enable_seqscan = off;', 'SET enable_indexscan = off; SET enable_bitmapscan = off;')
	  . pick('', "SET extra_float_digits = 0;", "SET bytea_output = 'escape';", "SET IntervalStyle = iso_8601;");
	my @rounds = ('plan', ways_of($batch), 'parallel sql');
	my $write = $temporary ? 'SELECT 0' : 'BEGIN; SELECT d.write()';
	for my $part (
		[ $session, "SET client_min_messages = error;\n$sql" ],
		[ $writer, $write ],
		[ $session, "$settings SELECT d.plan(); INSERT INTO d.seen SELECT 'plan', * FROM sg_orphan_audit_details(plan => 'diff', samples => 3)" ],
		[ $writer, 'ROLLBACK' ],
		[ $session, 'SELECT d.declare()' ],
		[ $writer, $write ],
		[ $session, join('', map { audit_sql($_) } ways_of($batch)) ],
		[ $writer, 'ROLLBACK' ],
		[ $session, 'SELECT d.count(); SELECT d.validate(); ' . audit_sql('parallel sql') ])
	{
		my ($who, $what) = @$part;
		my $out = $who->query($what);

		$written += $1 if $what eq $write && $out =~ /(\d+)/;
		next unless $who->sqlstate;
		# a case that can't even be set up would make the test smaller without a word
		fail("batch $batch");
		diag(substr($who->{err}, 0, 2000) . "\n-- SG_SEED=" . seed() . " SG_BATCH=$batch\n");
		$_->quit for $session, $writer;
		return;
	}

	my @names = qw(id plan_error refused verdict declared error counts listed);
	my %kase = map { my %k; @k{@names} = @$_; ($k{id} => \%k) } rows(
		$node, q(SELECT id, translate(plan_error, E'\n', ' '), refused, verdict, declared, translate(error, E'\n', ' '),
			n_rows || '/' || n_orphans || '/' || n_keys, listed FROM d.kase));
	@names = qw(id round n source state rows_checked orphan_rows orphan_keys sample true_sample keys result reason method);
	my %seen = map { my %r; @r{@names} = @$_; ("$r{id} $r{round}" => \%r) } rows(
		$node, q{SELECT k.id, r.round, count(s.round), min(source), min(state), min(rows_checked), min(orphan_rows),
				min(orphan_keys), min(coalesce(jsonb_array_length(sample), 0)), coalesce(bool_and(d.true_sample(sample, k)), true),
				left(min(sample::text), 300), min(result), min(translate(reason, E'\n', ' ')), min(method)
			FROM d.kase k CROSS JOIN unnest(} . text_array(@rounds) . q{) r(round)
				LEFT JOIN d.seen s ON s.round = r.round AND to_regclass(s.child_table) = to_regclass(k.child) AND s.fk_name = k.fk
			GROUP BY 1, 2});

	my ($extra) = @{ (rows($node, q(SELECT count(*) FROM d.seen s WHERE NOT EXISTS
		(SELECT FROM d.kase k WHERE to_regclass(s.child_table) = to_regclass(k.child) AND s.fk_name = k.fk))))[0] };
	push @problems, "$extra rows for keys that are none" if $extra;

	for my $case (@cases)
	{
		my $k = $kase{ $case->{id} };
		my @wrong;

		$k->{declared} = $k->{declared} eq 't';
		$k->{state}{$_} = !$case->{enforced} ? 'not enforced' : $case->{not_valid} ? 'not valid' : 'valid' for @rounds;
		$k->{state}{'parallel sql'} = 'valid' if $k->{verdict} eq 'pass';
		for my $round (@rounds)
		{
			my $row = $seen{"$case->{id} $round"};

			next if $round eq 'plan' && !$case->{planned};
			if ($k->{plan_error})
			{
				# refused when it was planned: then it is not in the plan, and the server refuses it too
				push @wrong, "sg_plan_add_fk: $k->{plan_error}, but the server takes the key" unless $k->{refused};
				next;
			}
			# a key that is neither declared nor planned is nowhere
			next if !$k->{declared} && !$case->{planned};
			my $wrong = judge_row($row, $k, $round);
			push @wrong, $wrong if $wrong;
			$judged{$round}{"$case->{shape} in passes"}++ if $case->{shape} && $row->{method} =~ /^scan in \d+ passes$/;
		}
		push @wrong, "sg_orphans: $k->{listed} rows, not of $k->{counts}"
		  if $k->{listed} ne '' && $k->{listed} != (split m{/}, $k->{counts})[1];
		$total{ $k->{refused} ? 'refused' : $k->{verdict} }++;
		$total{declared}++ if $k->{declared};
		push @problems, "case $case->{id}: " . join("\n  ", @wrong) . "\n" . reproduce($case, $batch) if @wrong;
	}

	$_->quit for $session, $writer;
	$node->safe_psql('postgres', 'SET client_min_messages = error; DROP SCHEMA ' . ident($schema) . ' CASCADE') unless $temporary;
	ok(!@problems, "batch $batch: " . @cases . ' keys, ' . (time - $start) . ' s');
	# one page of a failure is enough to begin with
	diag(join("\n", splice(@problems, 0, 4)) . (@problems ? "\n... and " . @problems . ' more' : '')) if @problems;
}

$node->safe_psql('postgres', $judge);
run_batch($_) for $ENV{SG_BATCH} ? $ENV{SG_BATCH} : 1 .. $batches;

diag("$total{pass} keys that hold, $total{fail} with orphans, $total{refused} that the server refuses");
for my $round (sort keys %judged)
{
	my $by = $judged{$round};
	note("$round: " . join(', ', map { "$by->{$_} $_" } sort keys %$by));
}
unless ($ENV{SG_BATCH} || $ENV{SG_CASES})
{
	# the generator has not lost its variety
	my $n = $batches * $per_batch;
	cmp_ok($total{pass} + $total{fail}, '>=', $n * 2 / 3, 'enough keys judged');
	cmp_ok($total{pass}, '>', $n / 4, 'enough keys that hold');
	cmp_ok($total{fail}, '>', $n / 5, 'enough keys that do not');
	cmp_ok($total{refused}, '>', $n / 30, 'enough keys that the server refuses');

	cmp_ok($written, '>', $n, 'enough rows written meanwhile');
	cmp_ok($judged{drawn}{probe} // 0, '>', 0, 'keys looked up in an index') if long_run();

	# every way of judging was tried
	for my $way (@ways, @parallel_ways)
	{
		my $scans = ($judged{$way}{scan} // 0) + ($judged{$way}{passes} // 0);

		cmp_ok($way eq 'sql' ? $judged{sql}{sql} : $scans, '>=', $n / 5, "enough keys judged: $way");
		next unless $way =~ /passes/;
		for my $shape ('words', 'bytes', 'datums')
		{
			cmp_ok($judged{$way}{"$shape in passes"} // 0, '>=', $batches / 5, "and large parents that took several passes: $way, $shape");
		}
	}
}
done_testing();
