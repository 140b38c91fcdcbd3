# 059_plan_check_differential.pl: does sg_plan_check say what deployment will do?
#
# Random keys (SgCases.pm: any types, targets, partitions, collations, self references, orphans, ...) with random actions,
# policies, owners and deploying roles are checked, then deployed by the same role.  A step without "block" must be done:
# its key there and valid, or NOT VALID where the check has counted orphans, or could not count them, and the policy is
# leave, or one that fixes them and other rows refer to them, or the check has said that the policy does not work.  A step with "block" must not be done: skipped, failed, or with a key that its VALIDATE has refused.
# 100 cases, 3,000 with SG_LONG=1.  SG_BATCH=n runs batch n alone, SG_CASES=n that many cases, SG_SEED=n starts elsewhere.
#
# rooms: check
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;
use SgCases;

my $per_batch = 20;
my $batches = int(($ENV{SG_CASES} || (long_run() ? 3000 : 100)) / $per_batch);

my $node = new_node('honest', conf => "max_locks_per_transaction = 512\nautovacuum = off\nmax_worker_processes = 12\n");
my $major = major($node);

SgCases::prepare($node);
$node->safe_psql('postgres', q{CREATE ROLE sg_deployer LOGIN; CREATE ROLE sg_other LOGIN; GRANT sg_owner TO sg_deployer;
	SELECT sg_grant('sg_owner'), sg_grant('sg_other')});

# Clauses that the check has something to say about
sub clauses
{
	my ($case) = @_;
	my $text = '';

	$text .= pick('', '', '', ' ON DELETE SET NULL', ' ON DELETE SET DEFAULT', ' ON DELETE CASCADE', ' ON DELETE RESTRICT');
	$text .= pick('', '', '', ' ON UPDATE CASCADE', ' ON UPDATE SET NULL');
	$text .= pick('', '', '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED');
	return $text;
}

# What makes a case harder: columns that are generated, keys that are there, names that are taken, privileges that lack
sub trouble
{
	my ($case, $role) = @_;
	my ($child, $parent) = ($case->{child}, $case->{parent});
	my $sql = '';

	if ($role)
	{
		$sql .= "ALTER TABLE $child OWNER TO $role;\n" if chance(0.85);
		$sql .= chance(0.5) ? "ALTER TABLE $parent OWNER TO $role;\n" : 'GRANT ' . pick('ALL', 'ALL', 'REFERENCES', 'SELECT') . " ON $parent TO $role;\n" if chance(0.9);
	}

	if (chance(0.08)) { $sql .= "ALTER TABLE $child ADD CONSTRAINT " . ident($case->{fk}) . " CHECK (true);\n"; }
	if (chance(0.08)) { $sql .= "ALTER TABLE $child ADD FOREIGN KEY (" . join(', ', map { ident($_) } @{ $case->{ccols} }) . ") REFERENCES $case->{target} NOT VALID;\n"; }
	if (chance(0.03)) { $sql .= "ALTER TABLE $child DISABLE TRIGGER ALL;\n"; }
	if (chance(0.05)) { $sql .= "ALTER TABLE $child RENAME COLUMN " . ident($case->{ccols}[0]) . " TO gone;\n"; }
	if (chance(0.05)) { $sql .= "ALTER TABLE $parent RENAME TO gone_$case->{id};\n"; }
	if (chance(0.05)) { $sql .= "ALTER TABLE $child SET UNLOGGED;\n"; }
	if (chance(0.05) && $child ne $parent) { $sql .= "ALTER TABLE $parent SET UNLOGGED;\n"; }
	if (chance(0.1)) { $sql .= "ALTER TABLE " . pick($child, $parent) . " OWNER TO " . pick('sg_owner', 'sg_deployer', 'sg_other') . ";\n"; }
	if (chance(0.1)) { $sql .= "ALTER TABLE " . pick($child, $parent) . " ENABLE ROW LEVEL SECURITY;\n"; }
	if (chance(0.1))
	{
		my $column = pick(@{ $case->{ccols} });
		$sql .= "DO \$gen\$ DECLARE t text; BEGIN SELECT format_type(atttypid, atttypmod) INTO t FROM pg_attribute WHERE attrelid = "
		  . lit($child) . '::regclass AND attname = ' . lit($column) . "; EXECUTE format('ALTER TABLE %s DROP COLUMN %I, ADD COLUMN %I %s GENERATED ALWAYS AS (NULL) "
		  . ($major >= 18 ? pick('STORED', 'VIRTUAL') : 'STORED') . "', " . lit($child) . ', ' . lit($column) . ', ' . lit($column) . ", t); END \$gen\$;\n";
	}
	if (chance(0.05)) { $sql .= "CREATE TABLE " . ident("inh $case->{id}") . " () INHERITS ($child);\n"; }
	return $sql;
}

# Steps of a role's plan as check and deployment see them
my $verdicts = q{
	SELECT s.step, bool_or(c.result = 'block'), bool_or(c.check_name = 'orphans' AND c.result = 'warn'),
		replace(string_agg(c.check_name || ': ' || coalesce(c.detail, ''), ' / ') FILTER (WHERE c.result <> 'ok'), E'\n', ' ')
	FROM schemaguard.plan_step s JOIN check_rows c ON c.step = s.step WHERE s.plan = 'honest' GROUP BY s.step ORDER BY s.step};

my %total = map { $_ => 0 } qw(steps blocked done left);

sub run_batch
{
	my ($batch) = @_;
	my ($out, $err, @cases);
	my $role = ('', '', 'sg_deployer', 'sg_other')[ $batch % 4 ];
	my $as = $role ? "SET ROLE $role;\n" : '';
	my $quiet = "SET client_min_messages = error;\n";

	srand(seed() * 10_000 + $batch);
	for (my $id = 1; @cases < $per_batch; $id++)
	{
		my ($case) = make_case($id, 'hon"est');
		$case->{trouble} = trouble($case, $role);
		$case->{policy} = pick('', ' NOT VALID', $major >= 18 && chance(0.2) ? ' NOT ENFORCED' : '');
		push @cases, $case;
	}

	# a trouble that the server refuses, as SET UNLOGGED of a partition, is none
	$node->safe_psql('postgres', $quiet . q(CREATE SCHEMA "hon""est"; GRANT ALL ON SCHEMA "hon""est" TO PUBLIC;)
		. ($batch % 8 == 6 ? q(REVOKE USAGE ON SCHEMA "hon""est" FROM PUBLIC;) : '') . join('', map { $_->{setup} } @cases));
	$node->psql('postgres', $quiet . qq(SELECT sg_plan_create('honest', replace => EXISTS (SELECT FROM schemaguard.plan WHERE name = 'honest'));\n)
		. join('', map { 'SELECT sg_plan_from_sql(\'honest\', ' . lit("ALTER TABLE $_->{child} ADD CONSTRAINT " . ident($_->{fk})
			. ' FOREIGN KEY (' . join(', ', map { ident($_) } @{ $_->{ccols} }) . ") REFERENCES $_->{target}" . clauses($_) . $_->{policy}) . ");\n" } @cases), on_error_stop => 0);
	$node->psql('postgres', $quiet . join('', map { chance(0.5) ? "SELECT sg_plan_set('honest', '{$_}', '{\"orphans\": \"" . pick('quarantine', 'delete', 'set null') . "\"}');\n" : '' } 1 .. $per_batch), on_error_stop => 0);
	$node->psql('postgres', "SET client_min_messages = error;\n" . join('', map { $_->{trouble} } @cases), on_error_stop => 0);

	$node->safe_psql('postgres', "SELECT sg_plan_allow('honest', '$role')") if $role;
	my $rc = $node->psql('postgres', "$quiet CREATE TABLE check_rows (step int, fk_name name, check_name text, result text, detail text, hint text);"
		. "GRANT ALL ON check_rows TO PUBLIC; $as INSERT INTO check_rows SELECT * FROM sg_plan_check_details('honest')", stdout => \$out, stderr => \$err, on_error_stop => 1);
	is($rc, 0, "batch $batch: checked") or diag("$err\n-- SG_SEED=" . seed() . " SG_BATCH=$batch");
	my %said = map { $_->[0] => $_ } rows($node, $verdicts);

	# what the role lacks for a step ends the call before it begins: such steps are skipped
	my %lacks;
	do
	{
		$rc = $node->psql('postgres', "$quiet $as CALL sg_add_fks('honest', fix => true)", stdout => \$out, stderr => \$err, on_error_stop => 1);
	} while ($role && $err =~ /lacks privileges.*?DETAIL: +Step (\d+),/s && !$lacks{$1}++
		&& defined $node->safe_psql('postgres', "SET client_min_messages = error; SELECT sg_plan_skip('honest', '{$1}', 'lacking')"));
	is($rc, 0, "batch $batch: deployed") or diag("$err\n-- SG_SEED=" . seed() . " SG_BATCH=$batch");

	my @wrong;
	for my $row (rows($node, q{SELECT step, state, orphans, enforced, translate(coalesce(reason, ''), E'\n', ' '), translate(fk_name, E'\n', ' '), translate(child_table, E'\n', ' ')
			FROM schemaguard.plan_step WHERE plan = 'honest' ORDER BY step}))
	{
		my ($step, $state, $policy, $enforced, $reason, $fk, $child) = @$row;
		my (undef, $blocks, $orphans, $why) = @{ $said{$step} };
		my $done = $state eq 'validated' || $state eq 'added' && $enforced eq 'f';
		my $left = $state eq 'added' && $policy ne 'stop' && $orphans eq 't';

		$total{steps}++;
		$total{ $blocks eq 't' ? 'blocked' : $state eq 'added' ? 'left' : 'done' }++;
		push @wrong, "step $step, $fk ON $child, policy $policy: " . ($blocks eq 't' ? 'blocked' : 'not blocked') . " ($why), but $state: $reason"
		  if $blocks eq 't' ? $done : !($done || $left || $lacks{$step} && $orphans eq 't');
	}
	ok(!@wrong, "batch $batch: the check says what deployment does");
	diag(join("\n", map({ "\n$_->{setup}-- trouble\n$_->{trouble}-- key\n$_->{clause}" } grep { my $fk = $_->{fk}; grep { index($_, ", $fk ON ") >= 0 } @wrong } @cases),
		'-- SG_SEED=' . seed() . " SG_BATCH=$batch; role '$role'; SgCases.pm makes the types", @wrong))
	  if @wrong;
	$node->safe_psql('postgres', $quiet . q(DROP SCHEMA "hon""est" CASCADE; DROP TABLE check_rows));
}

for my $batch (defined $ENV{SG_BATCH} ? $ENV{SG_BATCH} : 1 .. $batches)
{
	run_batch($batch);
}
note join ', ', map { "$total{$_} $_" } sort keys %total;
unless (defined $ENV{SG_BATCH})
{
	cmp_ok($total{$_}, '>', 5, "cases of each kind: $_") for qw(blocked done);
}

$node->stop('immediate');
done_testing();
