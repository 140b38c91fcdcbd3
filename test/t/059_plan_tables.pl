# 059_plan_tables.pl: is a table that the server makes "ok" for sg_plan_check, and one that it refuses not?
#
# Each CREATE TABLE of the regression tests (`make test`: of every third one, by SG_SEED) is the one statement of a plan.  The plan is checked, then the statement is run.
# A check with "block" must meet an error, and one with "ok" alone none; and nothing of the trial must be left.
#
# rooms: check change
# majors: one (the statements are the same)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

# Each statement with the file that it is in
sub statements
{
	my @found;

	my @files = sort glob("$FindBin::RealBin/../sql/*.sql");
	for my $file (@files[ grep { long_run() || ($_ + seed()) % 3 == 0 } 0 .. $#files ])
	{
		my $text = slurp_file($file);
		my ($name) = $file =~ m{([^/]+)\.sql$};

		while ($text =~ /^(CREATE (?:UNLOGGED )?TABLE (?:[^;']|'[^']*')*);/mg)
		{
			push @found, [ $name, $1 ];
		}
	}
	return @found;
}

my @statements = statements();
my $node = new_node('tables', conf => "autovacuum = off\nmax_locks_per_transaction = 256\nmax_prepared_transactions = 2\n");
my $script = "SET client_min_messages = error; CREATE TABLE said (n int, step int, check_name text, result text, detail text);\n"
  . "CREATE TABLE did (n int, error text);\n";
my $schema = '';

for my $n (0 .. $#statements)
{
	my ($file, $statement) = @{ $statements[$n] };

	$script .= qq{DROP SCHEMA IF EXISTS "$schema" CASCADE;\n} if $schema ne $file && $schema;
	$script .= qq{CREATE SCHEMA IF NOT EXISTS "$file"; SET search_path = "$file", public;\n} if $schema ne $file;
	$schema = $file;
	$script .= qq{SELECT sg_plan_create('m', replace => true);
		SELECT sg_plan_add('m', \$st\$$statement\$st\$);
		INSERT INTO public.said SELECT $n, step, check_name, result, detail FROM sg_plan_check_details('m') WHERE step > 0;
		DO \$do\$ BEGIN EXECUTE \$st\$$statement\$st\$; INSERT INTO public.did VALUES ($n, NULL);
		EXCEPTION WHEN OTHERS THEN INSERT INTO public.did VALUES ($n, SQLERRM); END \$do\$;\n};
}
my ($out, $err);
$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0);

my ($works, $fails) = (0, 0);
for my $row (rows($node, q{SELECT n, coalesce(error, ''), coalesce((SELECT max(array_position('{ok,warn,block}', result)) FROM said WHERE said.n = did.n), 0),
		coalesce((SELECT string_agg(step || ' ' || check_name || ': ' || detail, ' / ') FROM said WHERE said.n = did.n AND result <> 'ok'), '')
	FROM did ORDER BY 1}))
{
	my ($n, $error, $result, $said) = @$row;
	next if $result == 0;
	$error eq '' ? $works++ : $fails++;
	ok($error eq '' ? $result < 3 : $result > 1, "$statements[$n][0]: $statements[$n][1]") or diag("core: '$error', the check: '$said'");
}
note "$works work, $fails fail";
cmp_ok($works, '>', 300, 'most of the statements work');
# Whose locks it needs: a partition of a table that has a default partition, keys, and a parent that is written
$node->safe_psql('postgres', q{
	SET search_path = public;
	CREATE TABLE parent (id int PRIMARY KEY);
	CREATE TABLE parted (k int, parent_id int REFERENCES parent) PARTITION BY LIST (k);
	CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
	CREATE TABLE above (a int);
	INSERT INTO parent VALUES (1);
	INSERT INTO parted VALUES (1, 1);
	CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'fired'; END$$;
	CREATE ROLE author LOGIN;
	CREATE ROLE reader LOGIN SUPERUSER;
	GRANT CREATE ON SCHEMA public TO author;
	SELECT sg_grant('author');
	SELECT sg_plan_create('locks');
	SELECT sg_plan_add('locks', 'CREATE TABLE part2 PARTITION OF parted FOR VALUES IN (2)'),
		sg_plan_add('locks', 'CREATE TABLE below (b int REFERENCES parent) INHERITS (above)'),
		sg_plan_add('locks', 'CREATE TABLE other (LIKE parent INCLUDING ALL, p int REFERENCES parent)'),
		sg_plan_add_fk('locks', 'above', 'a', 'other', 'id');
	CREATE EVENT TRIGGER tell ON ddl_command_end EXECUTE FUNCTION tell()});

my $count = q{SELECT count(*) || ' ' || (SELECT count(*) FROM pg_depend) || ' ' || (SELECT count(*) FROM pg_type) FROM pg_class};
my $before = $node->safe_psql('postgres', $count);
my $trial = q{SELECT step, check_name, result FROM sg_plan_check_details('locks') WHERE check_name IN ('trial', 'definition', 'target') ORDER BY 1};
my $expected = join("\n", map { "$_|ok" } '1|trial', '2|trial', '3|target', '4|trial', '5|target', '6|target');
my $untried = join("\n", map { "$_|trial|warn" } 1, 2, 4);
my $writer = $node->background_psql('postgres');
$writer->query_safe(q{BEGIN; UPDATE parent SET id = id; UPDATE parted SET k = k; INSERT INTO above VALUES (1)});
is($node->safe_psql('postgres', $trial), $expected, 'tables are made on trial beside who writes those that they stand on, and no event trigger fires');
$writer->query_safe('ROLLBACK');
is($node->safe_psql('postgres', $count), $before, 'nothing of that is left');

is($node->safe_psql('postgres', 'BEGIN READ ONLY;' . $trial),
	$untried, 'in a read-only transaction nothing is made, and that is said');
is($node->safe_psql('postgres', $trial, extra_params => [ '-U', 'reader' ]),
	$untried, 'nor for another role than the author');
is($node->safe_psql('postgres', q{SELECT DISTINCT result FROM sg_plan_check_details('locks', verify => 'none') WHERE check_name = 'trial'}), 'ok', 'nor where nothing is to be read');

# A type that another session drops meanwhile: some versions wait for it, and find it gone
$node->safe_psql('postgres', q{DROP EVENT TRIGGER tell; CREATE DOMAIN soon AS int; SELECT sg_plan_create('typed'), sg_plan_add('typed', 'CREATE TABLE typed (a soon)')});
$writer->query_safe(q{BEGIN; DROP DOMAIN soon});
my $checker = SgTest::Session->new($node);
$checker->query(q{SET schemaguard.lock_timeout = '10min'});
$checker->send(q{SELECT result, detail FROM sg_plan_check_details('typed') WHERE step = 1 AND check_name IN ('trial', 'definition')});
my $waits = q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%plan_check_details(''typed''%' AND pid <> pg_backend_pid() AND };
ok(wait_for(sub { $node->safe_psql('postgres', "$waits (wait_event_type = 'Lock' OR state = 'idle')") eq '1' }), 'a type is being dropped');
$writer->query_safe('COMMIT');
like($checker->collect // '', qr/^(warn\|it could not be made on trial: another session dropped|ok\|)/, 'that is no fault of the plan');
$checker->quit;
$node->safe_psql('postgres', q{SELECT sg_plan_create('temporary'), sg_plan_add_statement('temporary', 'CREATE TEMPORARY TABLE tt (a int)'), sg_plan_add('temporary', 'CREATE TABLE beside (a int)')});
is($node->safe_psql('postgres', q{BEGIN; SELECT step, result FROM sg_plan_check_details('temporary') WHERE check_name = 'trial' ORDER BY 1; PREPARE TRANSACTION 'looked'; ROLLBACK PREPARED 'looked'}),
	"1|warn\n2|ok", 'a transaction that has checked a temporary table can be prepared');

# More tables than are made at once: what stands on one of the first is made with it again
$node->safe_psql('postgres', q{SELECT sg_plan_create('many');
	SELECT sg_plan_add('many', format('CREATE TABLE many%s (id int, n int)', g)) FROM generate_series(1, 60) g;
	SELECT sg_plan_add('many', 'ALTER TABLE many1 ADD UNIQUE (id)'), sg_plan_add('many', 'ALTER TABLE many60 ADD FOREIGN KEY (n) REFERENCES many1 (id)'),
		sg_plan_add('many', 'ALTER TABLE many60 ADD FOREIGN KEY (id) REFERENCES many1 (n)')});
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE check_name = 'trial' AND result = 'ok'), string_agg(step || ' ' || check_name, ', ') FILTER (WHERE result = 'block')
	FROM sg_plan_check_details('many')}), '61|63 target', 'sixty tables are made on trial, and keys between them judged');

$node->stop('immediate');
done_testing();
