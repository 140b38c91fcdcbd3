# 012_validate_differential.pl: schemaguard.validate_with = scan against the server's own VALIDATE CONSTRAINT.
#
# Each case is a child with one key, or two to one parent (SgCases.pm: any types, partitions, collations, self references,
# ...), or with two to six, and it is made twice, with the same rows.  Both get the same keys, NOT VALID; then both see the
# same changes, some of them behind the keys' backs (session_replication_role), so that rows are dead, moved, in HOT
# chains, lost or mended; and while the keys are validated, a session that changed both has not committed.  One of the two
# is validated by ALTER TABLE ... VALIDATE CONSTRAINT, key by key, the other one by CALL sg_add_fks with validate_with =
# scan.
#
# For every key both must agree: is it there, is it valid, and what else pg_constraint says about it and its clones.
# 60 cases, 2,000 with SG_LONG=1.  SG_BATCH=n runs batch n alone, SG_CASES=n that many cases, SG_SEED=n starts elsewhere.
#
# rooms: deploy
# takes: 30 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;
use SgCases;

my $per_batch = 20;
my $batches = int(($ENV{SG_CASES} || (long_run() ? 2000 : 60)) / $per_batch);

my $node = new_node('twins', conf => "max_locks_per_transaction = 512\nautovacuum = off\nmax_worker_processes = 12\n");
my $major = major($node);

SgCases::prepare($node);
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA d;
CREATE TABLE d.kase (id int, twin text, child text, fk text, clause text, error text);

-- the keys of one twin, as anybody would add and validate them
CREATE FUNCTION d.by_hand(step text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE k d.kase;
BEGIN
    FOR k IN SELECT * FROM d.kase WHERE twin = 'core' AND error IS NULL ORDER BY id, fk LOOP
        BEGIN
            EXECUTE format(CASE step WHEN 'add' THEN 'ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID'
                                     ELSE 'ALTER TABLE %s VALIDATE CONSTRAINT %I' END, k.child, k.fk, k.clause);
        EXCEPTION WHEN OTHERS THEN
            UPDATE d.kase SET error = step || ': ' || SQLERRM WHERE (child, fk) = (k.child, k.fk);
        END;
    END LOOP;
END $$;

-- a plan of the keys of the other one; what no plan takes, the server refuses
CREATE FUNCTION d.plan() RETURNS void LANGUAGE plpgsql AS $$
DECLARE k d.kase;
BEGIN
    PERFORM sg_plan_create('twins', replace => true);
    FOR k IN SELECT * FROM d.kase WHERE twin = 'scan' ORDER BY id, fk LOOP
        PERFORM sg_plan_from_sql('twins', format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', k.child, k.fk, k.clause));
    END LOOP;
    -- tables by the hundred: their indexes are the matter of others
    UPDATE schemaguard.plan_step SET index = false WHERE plan = 'twins';
END $$;

-- every key and clone of one twin, with what pg_constraint says about it but for OIDs
CREATE FUNCTION d.keys(schema text) RETURNS TABLE (tab name, fk name, up name, about text) LANGUAGE sql AS $$
    SELECT r.relname, CASE WHEN u.oid IS NULL THEN c.conname END, u.conname,
           (to_jsonb(c) - '{oid,conname,connamespace,conrelid,confrelid,conindid,conparentid,confdelsetcols}'::text[] ||
            jsonb_build_object('parent', f.relname, 'index', i.relname, 'set', c.confdelsetcols))::text
    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid JOIN pg_class i ON i.oid = c.conindid
         LEFT JOIN pg_constraint u ON u.oid = c.conparentid
    WHERE c.contype = 'f' AND r.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = schema)
$$;
SQL

# Changes to a table that has a column id; the same for both twins, as they come from the same random numbers
sub churn
{
	my ($table) = @_;
	my $n = 2 + int(rand(9));
	my $k = int(rand($n));

	return pick(
		# new versions of rows, on the same page where there is room; one of them is aborted
		"UPDATE $table SET id = id WHERE id % $n = $k;\nUPDATE $table SET id = id WHERE id % 2 = 0;\n",
		"BEGIN;\nUPDATE $table SET id = id WHERE id % $n = $k;\nROLLBACK;\n",
		"BEGIN;\nDELETE FROM $table WHERE id % $n = $k;\nROLLBACK;\n",
		"DELETE FROM $table WHERE id % $n = $k;\n",
		"DELETE FROM $table WHERE id % $n = $k;\nVACUUM $table;\n",
		"BEGIN;\nSAVEPOINT s;\nDELETE FROM $table;\nROLLBACK TO s;\nUPDATE $table SET id = id WHERE id % $n = $k;\nCOMMIT;\n",
		"SELECT FROM $table FOR UPDATE;\n");
}

# What a session does that has not committed when the keys are validated; it may roll back or commit afterwards
sub unfinished
{
	my ($table) = @_;

	return pick("UPDATE $table SET id = id WHERE id % 2 = 1", "DELETE FROM $table WHERE id % 3 = 1", "DELETE FROM $table",
		"INSERT INTO $table SELECT * FROM $table WHERE id % 4 = 0 ON CONFLICT DO NOTHING");
}

sub cases
{
	my ($schema, $batch) = @_;
	my @cases;

	# the same for both
	srand(seed() * 10_000 + $batch);
	for (my $id = 1; @cases < $per_batch; $id++)
	{
		my $case;
		if (chance(0.5)) { $case = make_wide_case($id, $schema); }
		else
		{
			# a second key, if there is one, is of the same child
			($case, my @second) = make_case($id, $schema);
			# before 18 neither a plan nor the server can add these NOT VALID
			next unless $case->{not_valid};
			$case->{keys} = [ map { { fk => $_->{fk}, clause => $_->{clause} . ($_->{enforced} ? '' : ' NOT ENFORCED') } } $case, @second ];
			$case->{parents} = [ $case->{parent} ];
			$case->{setup} .= $_->{setup} for @second;
		}
		my @tables = ($case->{child}, @{ $case->{parents} });
		$case->{churn} = join '', map { churn(pick(@tables)) } 1 .. int(rand(5));
		$case->{unfinished} = [ map { unfinished(pick(@tables)) } 1 .. int(rand(3)) ];
		$case->{finish} = pick('COMMIT', 'ROLLBACK');
		push @cases, $case;
	}
	return @cases;
}

sub setup_sql
{
	my ($schema, $twin, @cases) = @_;
	my $sql = 'CREATE SCHEMA ' . ident($schema) . ";\nGRANT USAGE ON SCHEMA " . ident($schema) . " TO PUBLIC;\n";

	for my $case (@cases)
	{
		$sql .= $case->{setup};
		$sql .= "INSERT INTO d.kase VALUES ($case->{id}, " . join(', ', map { lit($_) } $twin, $case->{child}, $_->{fk}, $_->{clause}) . ");\n"
		  for @{ $case->{keys} };
	}
	return $sql;
}

my %total = map { $_ => 0 } qw(keys valid scanned left);

sub run_batch
{
	my ($batch) = @_;
	my %schema = (core => 'core"s', scan => 'scan"s');
	my %cases = map { $_ => [ cases($schema{$_}, $batch) ] } keys %schema;
	my $start = time;
	my $quiet = "SET client_min_messages = error;\n";
	my ($out, $err);
	my $run = sub {
		my ($what, $sql) = @_;
		return 1 if $node->psql('postgres', $quiet . $sql, stdout => \$out, stderr => \$err, on_error_stop => 1) == 0;
		fail("batch $batch: $what");
		diag("$err\n-- SG_SEED=" . seed() . " SG_BATCH=$batch");
		return 0;
	};

	$run->('set up', 'TRUNCATE d.kase;' . join '', map { setup_sql($schema{$_}, $_, @{ $cases{$_} }) } sort keys %schema) or return;
	$run->('add', "SELECT d.by_hand('add'); SELECT d.plan(); CALL sg_add_fks('twins', validate => false);") or return;
	$run->('change', "SET session_replication_role = replica;\n" . join '', map { map { $_->{churn} } @{ $cases{$_} } } keys %cases) or return;

	# sessions that are not done yet
	my @open;
	for my $twin (sort keys %schema)
	{
		for my $case (grep { @{ $_->{unfinished} } } @{ $cases{$twin} })
		{
			next if @open >= 40;
			my $session = SgTest::Session->new($node);
			$session->query('BEGIN; SET LOCAL session_replication_role = replica; ' . join('; ', @{ $case->{unfinished} }));
			push @open, [ $session, $case->{finish} ];
		}
	}
	my $last = $node->safe_psql('postgres', 'SELECT max(id) FROM schemaguard.audit_log');
	my $parallel = pick(0, 1) ? ($major >= 16 ? 'SET debug_parallel_query = on;' : 'SET force_parallel_mode = on;') : '';
	my $ok = $run->('validate', "$parallel SET schemaguard.validate_with = scan; CALL sg_add_fks('twins'); RESET ALL; SELECT d.by_hand('validate');");
	for (@open) { $_->[0]->query($_->[1]); $_->[0]->quit; }
	return unless $ok;

	my @wrong = rows($node, qq(
		WITH core AS (SELECT * FROM d.keys(@{[ lit($schema{core}) ]})), scan AS (SELECT * FROM d.keys(@{[ lit($schema{scan}) ]}))
		SELECT translate(side || ': ' || tab || ' ' || coalesce(fk, 'clone of ' || up) || ': ' || about, E'\\n', ' ') FROM (
			(SELECT 'core' AS side, * FROM core EXCEPT ALL SELECT 'core', * FROM scan)
			UNION ALL
			(SELECT 'scan', * FROM scan EXCEPT ALL SELECT 'scan', * FROM core)) x ORDER BY tab, fk, side));
	my ($counts) = rows($node, qq(
		SELECT count(*), count(*) FILTER (WHERE convalidated),
			(SELECT count(*) FROM schemaguard.audit_log WHERE id > $last AND message LIKE 'validated by one scan%'),
			(SELECT count(*) FROM schemaguard.audit_log WHERE id > $last AND phase = 'skipped' AND action = 'validate')
		FROM pg_constraint c WHERE contype = 'f' AND conparentid = 0
			AND connamespace = (SELECT oid FROM pg_namespace WHERE nspname = @{[ lit($schema{scan}) ]})));
	$total{$_} += shift @$counts for qw(keys valid scanned left);

	ok(!@wrong, "batch $batch: " . @{ $cases{scan} } . ' cases, ' . (time - $start) . ' s');
	diag(join("\n", "-- SG_SEED=" . seed() . " SG_BATCH=$batch; SgCases.pm makes the types", map { $_->[0] } @wrong[ 0 .. ($#wrong > 9 ? 9 : $#wrong) ]),
		map { "\n$_->{setup}-- changes\n$_->{churn}" . join(";\n", @{ $_->{unfinished} }) }
		grep { my $child = $_->{child} =~ s/^.*?"\.//r; $wrong[0][0] =~ /\Q@{[ $child =~ s{^"|"$}{}gr =~ s{""}{"}gr ]}\E/ } @{ $cases{scan} })
	  if @wrong;
	$node->safe_psql('postgres', $quiet . join '', map { 'DROP SCHEMA ' . ident($_) . ' CASCADE;' } values %schema);
}

# Where equality says that there is a parent, and VALIDATE may say that there is none: it hashes names by their bytes,
# also under a collation for which other bytes are the same name
SKIP:
{
	skip 'no ICU', 2 if $node->safe_psql('postgres', q(SELECT to_regcollation('"d. t".ci') IS NULL)) eq 't';
	$node->safe_psql('postgres', 'SET client_min_messages = error;' . join '', map { <<SQL } 'by_core', 'by_scan');
CREATE TABLE p_$_ (t text COLLATE "d. t".ci PRIMARY KEY);
CREATE TABLE c_$_ (n name COLLATE "d. t".ci);
INSERT INTO p_$_ SELECT 'Name' || g FROM generate_series(1, 2000) g;
INSERT INTO c_$_ SELECT 'nAME' || g FROM generate_series(1, 2000) g;
ANALYZE;
SELECT sg_plan_create('$_');
SELECT sg_plan_add_fk('$_', 'c_$_', ARRAY['n'], 'p_$_', orphans => 'leave');
SET schemaguard.validate_with = @{[ substr($_, 3) ]};
SET enable_mergejoin = off; SET enable_nestloop = off;
CALL sg_add_fks('$_');
SQL
	my ($core, $scan) = map { $node->safe_psql('postgres', "SELECT string_agg(state, ' ') FROM schemaguard.plan_step WHERE plan = '$_'") } 'by_core', 'by_scan';
	is($core, 'added', 'VALIDATE refuses names that are equal but for their bytes');
	is($scan, $core, 'and they are left to it');
}

run_batch($_) for $ENV{SG_BATCH} ? $ENV{SG_BATCH} : 1 .. $batches;

diag("$total{keys} keys, $total{valid} of them valid, $total{scanned} by a scan; a scan left $total{left} to VALIDATE");
unless ($ENV{SG_BATCH} || $ENV{SG_CASES})
{
	# the generator has not lost its variety
	cmp_ok($total{keys}, '>', 2 * $per_batch * $batches, 'enough keys');
	cmp_ok($total{scanned}, '>', $total{keys} / 5, 'enough keys that a scan validates');
	cmp_ok($total{left}, '>', $total{keys} / 10, 'enough keys that do not hold');
	cmp_ok($total{valid} - $total{scanned}, '>', $total{keys} / 20, 'enough keys that only VALIDATE can judge');
}
$node->stop;
done_testing();
