# 063_verify_parents.pl: sg_verify_fks(live => true) where several keys refer to one parent.
#
# Random tables: a parent, keys of several children with every action, over one column or two, of partitioned tables, of the
# parent itself, and keys that refer to a child in turn.  Of the tests that delete or update a parent, few may remain
# without a verdict; no key that holds fails, and no key whose triggers at the parent are switched off passes.
#
# rooms: verify
# majors: one (how tests are chosen)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use SgTest;
use Test::More;

my $cases = long_run() ? 3000 : 60;
my $node = new_node('parents', conf => "fsync = off\nshared_buffers = 128MB\nmax_locks_per_transaction = 1024\n");

srand(seed());
sub query { return $node->safe_psql('postgres', "SET search_path = g, public; $_[0]"); }

my @actions = ('NO ACTION', 'NO ACTION', 'RESTRICT', 'CASCADE', 'CASCADE', 'SET NULL', 'SET DEFAULT');
my $keys = 0;

# A key of a table's columns; (clause, name)
sub key
{
	my ($parent, $columns, $referenced) = @_;
	my $name = 'k' . ++$keys;
	my $timing = chance(0.2) ? ' DEFERRABLE' . (chance(0.5) ? ' INITIALLY DEFERRED' : '') : '';

	return "CONSTRAINT $name FOREIGN KEY ($columns) REFERENCES $parent ($referenced) ON DELETE "
		. pick(@actions) . ' ON UPDATE ' . pick(@actions) . $timing;
}

sub make_case
{
	my ($n) = @_;
	my $parents = 3 + int rand 40;
	my $type = pick('int', 'bigint', 'text', 'numeric', 'uuid');
	my $of = sub { $type eq 'uuid' ? "md5(($_[0])::text)::uuid" : "($_[0])::$type" };
	my $self = chance(0.2);
	my $parent = "p$n";
	my @sql;

	# rows of parents that are filled, the value of a default last
	my $unique = chance(0.3);
	my $parts = chance(0.15) ? ' PARTITION BY HASH (id)' : '';
	push @sql, "CREATE TABLE $parent (id $type PRIMARY KEY, a int NOT NULL, code text"
		. ($unique && !$parts ? ' UNIQUE' : '') . ", up $type, UNIQUE (id, a))$parts";
	push @sql, map { "CREATE TABLE ${parent}_$_ PARTITION OF $parent FOR VALUES WITH (MODULUS 2, REMAINDER $_)" } 0, 1
		if $sql[0] =~ /PARTITION/;
	push @sql, "INSERT INTO $parent SELECT @{[$of->('g')]}, g % 3, 'c' || g, NULL FROM generate_series(0, $parents) g";
	if ($self && $sql[0] !~ /PARTITION/)
	{
		push @sql, "UPDATE $parent SET up = @{[$of->('a')]} WHERE a > 0";
		push @sql, "ALTER TABLE $parent ADD " . key($parent, 'up', 'id');
	}

	my @children;
	my @late;
	for my $c (1 .. 1 + int rand 4)
	{
		my $child = "c${n}_$c";
		my $parts = chance(0.15) ? ' PARTITION BY HASH (id)' : '';
		my $not_null = chance(0.3) ? ' NOT NULL' : '';
		my $rows = 1 + int rand(chance(0.2) ? 300 : 30);
		# children of all parents, of a few, of the first
		my $spread = pick($parents, $parents, 3, 1);

		push @sql, "CREATE TABLE $child (id int" . (chance(0.9) || $parts ? ' PRIMARY KEY' : '') . ", r $type$not_null DEFAULT @{[$of->('0')]}, s $type, a int"
			. (chance(0.3) ? ', n int GENERATED ALWAYS AS (id * 2) STORED' : '') . (chance(0.2) && !$parts ? ', u text UNIQUE' : '') . ")$parts";
		push @sql, map { "CREATE TABLE ${child}_$_ PARTITION OF $child FOR VALUES WITH (MODULUS 2, REMAINDER $_)" } 0, 1 if $parts;
		push @sql, "INSERT INTO $child (id, r, s, a) SELECT g, @{[$of->(\"1 + g % $spread\")]}, CASE WHEN g % 2 = 0 THEN @{[$of->(\"1 + g % $spread\")]} END,"
			. " (1 + g % $spread) % 3 FROM generate_series(1, $rows) g";
		push @sql, "CREATE INDEX ON $child (r)" if chance(0.7);
		push @late, "ALTER TABLE $child ADD " . (chance(0.2) ? key($parent, 'r, a', 'id, a') : key($parent, 'r', 'id'));
		push @late, "ALTER TABLE $child ADD " . key($parent, 's', 'id') if chance(0.4);
		push @children, $child if $sql[-2] =~ /PRIMARY KEY/ || "@sql" =~ /CREATE TABLE $child \(id int PRIMARY KEY/;
	}
	# what refers to a child
	for my $c (grep { chance(0.3) } @children)
	{
		push @sql, "CREATE TABLE g_$c (c int)", "INSERT INTO g_$c SELECT id FROM $c WHERE id % 2 = 0";
		push @late, "ALTER TABLE g_$c ADD " . key($c, 'c', 'id');
	}
	return (@sql, @late);
}

query('CREATE SCHEMA g');
query(join ";\n", map { make_case($_) } 1 .. $cases);
query('ANALYZE');

# A few keys with triggers off at the parent: none of them may pass
query(<<'SQL');
CREATE TABLE off AS SELECT oid AS key, conname AS name FROM pg_constraint k
WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'g'::regnamespace AND confrelid <> conrelid AND abs(hashtext(conname)) % 10 = 0
	AND NOT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid IN (conrelid, confrelid));
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT tgrelid::regclass AS rel, tgname FROM pg_trigger JOIN off ON key = tgconstraint WHERE tgrelid = tgconstrrelid IS NOT NULL AND tgfoid::regproc::text !~ 'check' LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', r.rel, r.tgname);
	END LOOP;
END$$;
SQL

my $limits = "SET schemaguard.lock_timeout = '60s'; SET schemaguard.live_search = '60s'";
query("CREATE TABLE result AS SELECT * FROM sg_verify_fks_details() LIMIT 0");
query("$limits; INSERT INTO result SELECT * FROM sg_verify_fks_details(live => true) WHERE test ~ 'parent'");
my ($tests, $unknown) = split /\|/, query("SELECT count(*), count(*) FILTER (WHERE result IN ('unknown', 'skipped')) FROM result WHERE fk_name NOT IN (SELECT name FROM off)");
cmp_ok($tests, '>', 3 * $cases, 'parents were tried');
cmp_ok($unknown, '<=', 0.03 * $tests, 'at most 3 % of the tests have no verdict');
diag("$unknown of $tests are unknown:\n" . query("SELECT count(*), regexp_replace(regexp_replace(reason, 'g\\.\\w+', 'T', 'g'), '\\mk\\d+', 'K', 'g') FROM result WHERE result = 'unknown' GROUP BY 2 ORDER BY 1 DESC LIMIT 12"));
is(query("SELECT test, expected, observed, reason, conrelid::regclass, pg_get_constraintdef(oid) FROM result JOIN pg_constraint ON conname = fk_name AND conparentid = 0
	WHERE result = 'fail' AND fk_name NOT IN (SELECT name FROM off)"), '', 'no key that holds fails');
is(query("SELECT fk_name, test, expected, observed, reason FROM result WHERE result = 'pass' AND fk_name IN (SELECT name FROM off)"), '', 'no key without triggers passes');
cmp_ok(query("SELECT count(*) FROM result WHERE result = 'fail'"), '>', 0.05 * $cases, 'and some are found out');

$node->stop;
done_testing();
