# 067_plans_at_once.pl: two plans over the same tables at the same time.
#
# They build no index twice and leave none invalid, and when both calls have ended, the state of each step is what the
# catalog says, with a reason where it is not validated.
#
# rooms: run
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use SgTest;
use SgLoad;
use Test::More;

my $node = new_node('pairs', conf => "max_worker_processes = 24\nmax_connections = 60\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

# What a pair of plans has in common, and how the two run: settings of each, the steps of each by key
my $both = [ 1 .. 4 ];
my @pairs = (
	{ name => 'the same keys' },
	{ name => 'the same keys, one worker', set => 'SET schemaguard.workers = 1' },
	{ name => 'the same keys, four workers', set => 'SET schemaguard.workers = 4' },
	{ name => 'the same keys, by scan', set => 'SET schemaguard.validate_with = scan' },
	{ name => 'one by scan', sets => [ 'SET schemaguard.validate_with = scan', '' ] },
	{ name => 'one without workers', sets => [ 'SET schemaguard.workers = 0', '' ] },
	{ name => 'in another order', steps => [ $both, [ reverse @$both ] ] },
	{ name => 'other names', names => [ 'a', 'b' ] },
	{ name => 'a part of the keys', steps => [ $both, [ 2, 3 ] ] },
	{ name => 'policy leave', orphans => 'leave' },
	{ name => 'large tables', rows => 60_000 },
	{ name => 'large tables, by scan', rows => 60_000, set => 'SET schemaguard.validate_with = scan' },
	{ name => 'partitioned', partitioned => 1 },
	{ name => 'partitioned, other names', partitioned => 1, names => [ 'a', 'b' ], set => 'SET schemaguard.workers = 4' });
my (@duplicates, @missing, @invalid, @untrue, @errors);

for my $n (0 .. $#pairs)
{
	my $pair = $pairs[$n];
	my $rows = ($pair->{rows} // 3000) * (long_run() ? 10 : 1);
	my $partitioned = $pair->{partitioned};

	query("CREATE TABLE parent_$n (id int PRIMARY KEY); INSERT INTO parent_$n SELECT generate_series(1, 500)");
	for my $k (@$both)
	{
		query("CREATE TABLE child_${n}_$k (id int, ref int)" . ($partitioned ? ' PARTITION BY HASH (id)' : ''));
		query("CREATE TABLE child_${n}_${k}_$_ PARTITION OF child_${n}_$k FOR VALUES WITH (MODULUS 3, REMAINDER $_)")
		  for $partitioned ? 0 .. 2 : ();
		query("INSERT INTO child_${n}_$k SELECT g, 1 + g % 500 FROM generate_series(1, $rows) g; ANALYZE child_${n}_$k");
	}
	for my $p (0, 1)
	{
		my $name = $pair->{names} ? "key_$pair->{names}[$p]" : 'key';
		query("SELECT sg_plan_create('pair_${n}_$p')");
		query(join ';', map { "SELECT sg_plan_add_fk('pair_${n}_$p', 'child_${n}_$_', '{ref}', 'parent_$n', fk_name => '$name',
			orphans => '" . ($pair->{orphans} // 'stop') . "')" } @{ ($pair->{steps} // [ $both, $both ])->[$p] });
	}

	my @sessions = map { SgTest::Session->new($node) } 0, 1;
	$sessions[$_]->query($pair->{sets} ? $pair->{sets}[$_] : $pair->{set} // 'SELECT') for 0, 1;
	# both know what is missing before either has built anything; of half of them one has begun, so that its index is
	# there, not valid yet
	my $writer = SgTest::Session->new($node);
	$writer->query('BEGIN; LOCK TABLE ' . join(', ', map { "child_${n}_$_" } @$both) . ' IN ROW EXCLUSIVE MODE');
	for my $p (0, 1)
	{
		$sessions[$p]->send("CALL sg_add_fks('pair_${n}_$p')");
		next if $p || $n % 2 == 0 || ($pair->{sets} && $pair->{sets}[0] =~ /workers = 0/);
		wait_for(sub { query('SELECT count(*) FROM pg_index WHERE NOT indisvalid') ne '0' }) or diag('no index is begun');
	}
	my $builders = grep { !/workers = 0/ } $pair->{sets} ? @{ $pair->{sets} } : ('', '');
	wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan LIKE 'pair_${n}_%' AND action = 'index'") eq $builders })
		or diag('no two plans build');
	nap(0.2);
	$writer->quit;
	$_->collect for @sessions;
	push @errors, map { "$pair->{name}: $_->{err}" } grep { $_->{err} =~ /ERROR/ } @sessions;

	my $ours = "c.relname LIKE 'child_${n}_%'";
	push @duplicates, map { "$pair->{name}: $_->[0]" } rows($node, "SELECT c.relname || ' ' || string_agg(indexrelid::regclass::text, ' ')
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE $ours GROUP BY c.relname, indkey::text HAVING count(*) > 1");
	push @missing, map { "$pair->{name}: $_->[0]" } rows($node, "SELECT c.relname FROM pg_class c WHERE $ours AND relkind = 'r'
		AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND indisvalid)");
	push @invalid, map { "$pair->{name}: $_->[0]" } rows($node, "SELECT indexrelid::regclass
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE $ours AND NOT indisvalid");
	push @untrue, map { "$pair->{name}: " . join(' ', @$_) } rows($node, "SELECT s.plan, s.step, s.state, s.reason, k.n, k.valid
		FROM schemaguard.plan_step s, LATERAL (SELECT count(*) AS n, coalesce(bool_and(convalidated), false) AS valid FROM pg_constraint
			WHERE conrelid = s.child_table::regclass AND contype = 'f') k
		WHERE s.plan LIKE 'pair_${n}_%' AND (k.n <> 1 OR NOT k.valid OR s.state <> 'validated')");
	if (@errors || @untrue || @missing || @duplicates || @invalid)
	{
		note("$pair->{name}, plan $_:\n$sessions[$_]{err}") for 0, 1;
	}
	$_->quit for @sessions;
}

my $pairs = @pairs;
is(join("\n", @errors), '', "$pairs pairs of plans at once: no error");
is(join("\n", @duplicates), '', '... no index twice');
is(join("\n", @missing), '', '... none missing');
is(join("\n", @invalid), '', '... no invalid index');
is(join("\n", @untrue), '', '... each key is there and valid, once, and the steps of both plans say so');
is(query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', '... no turn is kept');

done_testing();
