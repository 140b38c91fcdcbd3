# 135_compare_fks_sync.pl: what sg_compare_fks says in migration is what sg_sync_sql writes for the same keys, and what
# sg_plan_from_snapshot plans: one generator, three ways to ask it.
#
# Pairs of keys that differ in one thing each. The statements are compared without guards; then they are run, and neither
# function has anything left to say.
#
# rooms: fkdiff sync plan
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('one_generator', without => 1);
my $major = major($node);
my $long = 'k' x 60;
my $weird = q{"We""ird"."T a';--"};

# By what differs: the table, its columns and keys there, and the same here; then what sync calls it, if that is another table
my @cases = (
	[ 'is missing', 's.missing', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p ON DELETE CASCADE', 'a int' ],
	[ 'is missing, and deferred', 's.missing_deferred', 'a int, b int, CONSTRAINT k FOREIGN KEY (a, b) REFERENCES s.pair MATCH FULL ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED', 'a int, b int' ],
	[ 'is there twice', 's.twice', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p, CONSTRAINT l FOREIGN KEY (a) REFERENCES s.p' ],
	[ 'another ON DELETE', 's.on_delete', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p ON DELETE RESTRICT', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p ON DELETE CASCADE' ],
	[ 'ON DELETE SET NULL of one column', 's.on_delete_columns', 'a int, b int, CONSTRAINT k FOREIGN KEY (a, b) REFERENCES s.pair ON DELETE SET NULL (b)', 'a int, b int, CONSTRAINT k FOREIGN KEY (a, b) REFERENCES s.pair ON DELETE SET NULL' ],
	[ 'another ON UPDATE', 's.on_update', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p ON UPDATE CASCADE', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p' ],
	[ 'MATCH FULL', 's.matching', 'a int, b int, CONSTRAINT k FOREIGN KEY (a, b) REFERENCES s.pair MATCH FULL', 'a int, b int, CONSTRAINT k FOREIGN KEY (a, b) REFERENCES s.pair' ],
	[ 'deferrable', 's.timing', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p DEFERRABLE', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p' ],
	[ 'initially deferred', 's.deferred', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p DEFERRABLE INITIALLY DEFERRED', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p DEFERRABLE' ],
	[ 'not deferrable', 's.not_deferrable', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p DEFERRABLE INITIALLY DEFERRED' ],
	[ 'deferrable, and another ON DELETE', 's.timing_on_delete', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p ON DELETE SET NULL DEFERRABLE', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p' ],
	[ 'is not valid', 's.validated', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p', 'a int', 'ALTER TABLE s.validated ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p NOT VALID' ],
	[ 'is not valid, nor deferrable', 's.invalid_deferrable', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p DEFERRABLE', 'a int', 'ALTER TABLE s.invalid_deferrable ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p NOT VALID' ],
	[ 'leads elsewhere', 's.parent', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.q', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p' ],
	[ 'leads to another column', 's.parent_column', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.q (other)', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.q' ],
	[ 'leads to its own table', 's.self', 'a int PRIMARY KEY, b int, CONSTRAINT k FOREIGN KEY (b) REFERENCES s.self ON DELETE CASCADE', 'a int PRIMARY KEY, b int, CONSTRAINT k FOREIGN KEY (b) REFERENCES s.self' ],
	[ 'has another name', 's.named', 'a int, CONSTRAINT new_name FOREIGN KEY (a) REFERENCES s.p', 'a int, CONSTRAINT "Old ""name" FOREIGN KEY (a) REFERENCES s.p' ],
	[ 'has a long name', 's.long_name', "a int, CONSTRAINT $long FOREIGN KEY (a) REFERENCES s.p ON DELETE CASCADE", "a int, CONSTRAINT $long FOREIGN KEY (a) REFERENCES s.p" ],
	[ 'has a name that nobody would choose', $weird, q{"C; ol" int, CONSTRAINT "F'k"" $1 {name}" FOREIGN KEY ("C; ol") REFERENCES s.p ON DELETE CASCADE}, q{"C; ol" int, CONSTRAINT "F'k"" $1 {name}" FOREIGN KEY ("C; ol") REFERENCES s.p} ],
	[ 'is missing, of such a table', q{"We""ird"."T b"}, qq{"C; ol" int, CONSTRAINT "F'k"" \$1 {name}" FOREIGN KEY ("C; ol") REFERENCES s."P; a"}, q{"C; ol" int} ],
	[ 'its column has another name', 's.its_column', 'new_name int, CONSTRAINT k FOREIGN KEY (new_name) REFERENCES s.p', 'old_name int, CONSTRAINT k FOREIGN KEY (old_name) REFERENCES s.p' ],
	[ 'of a partitioned table is missing', 's.parted', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p) PARTITION BY LIST (a', 'a int) PARTITION BY LIST (a' ],
	[ 'of a partitioned table, another ON DELETE', 's.parted_on_delete', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p ON DELETE CASCADE) PARTITION BY LIST (a', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p) PARTITION BY LIST (a' ]);
push @cases,
  [ 'is not to be enforced', 's.not_enforced', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p NOT ENFORCED', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p' ],
  [ 'is to be enforced', 's.enforced', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p NOT ENFORCED' ],
  [ 'is missing, and not to be enforced', 's.missing_not_enforced', 'a int, CONSTRAINT k FOREIGN KEY (a) REFERENCES s.p NOT ENFORCED', 'a int' ]
  if $major >= 18;

# The same tables there and here but for these keys
sub tables
{
	my ($side) = @_;
	my $sql = q{CREATE SCHEMA s; CREATE SCHEMA "We""ird"; CREATE TABLE s.p (id int PRIMARY KEY); CREATE TABLE s.q (id int PRIMARY KEY, other int UNIQUE);
		CREATE TABLE s."P; a" (id int PRIMARY KEY); CREATE TABLE s.pair (a int, b int, PRIMARY KEY (a, b));};
	$sql .= "CREATE TABLE $_->[1] ($_->[$side]);" . ($side == 3 && $_->[4] ? "$_->[4];" : '') foreach @cases;
	return $sql . 'CREATE TABLE s.parted_1 PARTITION OF s.parted FOR VALUES IN (1); CREATE TABLE s.parted_on_delete_1 PARTITION OF s.parted_on_delete FOR VALUES IN (1);';
}

# What each says, by table, in one line
my %says = (
	sg_compare_fks => q{SELECT child_table, string_agg(replace(migration, E'\n', ' '), ' ' ORDER BY reference_name) FROM sg_compare_fks_details('there') WHERE run_on = 'target' GROUP BY 1},
	sg_sync_sql => q{SELECT t.name, string_agg(replace(s.statement, E'\n', ' ') || ';', ' ' ORDER BY section, place)
		FROM schemaguard.sg_sync_statements((SELECT array_agg(p) FROM schemaguard.sg_sync_pairs('there', 'live', NULL, 'drop') p), 'there', 'live', true, false) s
		JOIN (SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')) t
			ON s.object ^@ (t.name || '.')
		WHERE s.section > 0 GROUP BY 1},
	# of what makes a key; what a plan does to a partitioned table is partition by partition
	sg_plan_from_snapshot => q{SELECT DISTINCT substring(sql FROM '^ALTER TABLE ((?:"(?:[^"]|"")*"|[^" ])+)'), sql FROM sg_plan_sql('keys') sql WHERE sql ~ ' (ADD|VALIDATE) CONSTRAINT '});

sub say
{
	my ($who) = @_;
	return { map { $_->[0] => $_->[1] } rows($node, $says{$who}, dbname => 'here') };
}

$node->safe_psql('postgres', "CREATE DATABASE $_"), $node->safe_psql($_, 'CREATE EXTENSION schemaguard') foreach 'there', 'here';
$node->safe_psql('there', tables(2) . q{SELECT sg_snapshot_take('there', '{s,"We\"ird"}')});
$node->safe_psql('here', tables(3));
my $document = $node->safe_psql('there', q{SELECT sg_snapshot_export('there')});
$node->safe_psql('here', q{SELECT sg_snapshot_import('there', } . lit($document) . ')');
# nobody but a person knows that these are one
$node->safe_psql('here', q{INSERT INTO schemaguard.rename (kind, old, new) VALUES ('constraint', 's.named."Old ""name"', 's.named.new_name'), ('column', 's.its_column.old_name', 's.its_column.new_name')});

my ($compared, $synchronised) = map { say($_) } qw(sg_compare_fks sg_sync_sql);
foreach my $case (@cases)
{
	my ($name, $table) = @$case;
	isnt($compared->{$table} // '', '', "$name: there is a migration");
	is($compared->{$table}, $synchronised->{$table}, "$name: both write the same");
}
is_deeply([ sort keys %$synchronised ], [ sort keys %$compared ], 'and nothing else');

# what a plan adds and validates is among them
$node->safe_psql('here', q{SELECT sg_plan_create('keys'); SELECT sg_plan_from_snapshot('keys', 'there')});
my @planned = grep { $_->[0] !~ /parted/ } rows($node, $says{sg_plan_from_snapshot}, dbname => 'here');
my @others = grep { index($compared->{ $_->[0] } // '', $_->[1] =~ s/;?$/;/r) < 0 } @planned;
cmp_ok(scalar(@planned), '>', 20, 'a plan makes keys');
is(join("\n", map { $_->[1] } @others), '', 'as the others do');
$node->safe_psql('here', q{SELECT sg_plan_drop('keys')});

foreach my $table (sort keys %$compared)
{
	is($node->psql('here', $compared->{$table}, on_error_stop => 1), 0, "$table: it runs") or diag($compared->{$table});
}
is_deeply(say($_), {}, "$_ has nothing left to say") foreach qw(sg_compare_fks sg_sync_sql);

$node->stop('immediate');
done_testing();
