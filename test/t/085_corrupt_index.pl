# 085_corrupt_index.pl: an index that lies does not decide what is an orphan.
#
# The parent's unique index is made to miss a row (a row is inserted while the catalog says that the index is not to be
# maintained).  SQL that looks the parent up in that index reports its children as orphans, and does not see the row; the
# audit reads the heap and passes, whatever the session's planner settings are.
#
# rooms: audit
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('corrupt', conf => "autovacuum = off\n");

$node->safe_psql('postgres', q{
	CREATE TABLE p (id int PRIMARY KEY, pad text);
	CREATE TABLE c (id int, p int);
	INSERT INTO p SELECT g, repeat('x', 50) FROM generate_series(1, 20000) g WHERE g <> 777;
	INSERT INTO c SELECT g, 777 FROM generate_series(1, 5) g;
	INSERT INTO c SELECT g, g FROM generate_series(1, 50) g;
	VACUUM ANALYZE p, c;
});
is($node->safe_psql('postgres', q{SELECT sg_plan_create('plan'); SELECT sg_plan_add_fk('plan', 'c', '{p}', 'p', fk_name => 'fk');
	SELECT result, rows_checked, orphan_rows, orphan_keys FROM sg_orphan_audit_details(plan => 'plan')}), "\n1\nfail|55|5|1", 'before: five orphans');

# a new session each time, so that nobody has the index as it was in a cache
$node->safe_psql('postgres', q{UPDATE pg_index SET indisready = false, indisvalid = false, indislive = false WHERE indexrelid = 'p_pkey'::regclass});
$node->safe_psql('postgres', q{INSERT INTO p VALUES (777, 'only in the heap')});
$node->safe_psql('postgres', q{UPDATE pg_index SET indisready = true, indisvalid = true, indislive = true WHERE indexrelid = 'p_pkey'::regclass});

# what plain SQL makes of it, through the index and without
my $orphans = 'SELECT count(*) FROM c WHERE NOT EXISTS (SELECT FROM p WHERE p.id = c.p)';
my $by_index = 'SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;';
is($node->safe_psql('postgres', "$by_index $orphans"), '5', 'an anti join through the index reports orphans that are none');
is($node->safe_psql('postgres', "SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off; $orphans"), '0', 'in the heap all parents are there');

my $audit = q{SELECT result, rows_checked, orphan_rows FROM sg_orphan_audit_details(plan => 'plan')};
is($node->safe_psql('postgres', $audit), 'pass|55|0', 'the audit passes');
for my $settings ('SET enable_seqscan = off', 'SET enable_hashjoin = off', $by_index, 'SET enable_seqscan = off; SET enable_hashjoin = off',
	'SET random_page_cost = 0; SET seq_page_cost = 10000; SET cpu_tuple_cost = 1000')
{
	is($node->safe_psql('postgres', "$settings; $audit"), 'pass|55|0', "the audit passes with $settings");
	is($node->safe_psql('postgres', qq{$settings; SELECT count(*) FROM sg_orphans('c', ARRAY['p'], 'p')}), '0', "sg_orphans lists none with $settings");
}

$node->safe_psql('postgres', q{ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES p NOT VALID});
is($node->safe_psql('postgres', q{SELECT state, result, orphan_rows FROM sg_orphan_audit_details('c')}), 'not valid|pass|0', 'declared, the same');

# the other lie: convalidated
$node->safe_psql('postgres', q{
	CREATE TABLE p2 (id int PRIMARY KEY);
	CREATE TABLE c2 (p int);
	INSERT INTO p2 SELECT generate_series(1, 1000);
	INSERT INTO c2 SELECT generate_series(1, 1000);
	ALTER TABLE c2 ADD CONSTRAINT fk2 FOREIGN KEY (p) REFERENCES p2;
	SET session_replication_role = replica;
	DELETE FROM p2 WHERE id = 500;
});
is($node->safe_psql('postgres', q{SELECT state, result, orphan_rows, sample FROM sg_orphan_audit_details('c2')}), 'valid|fail|1|[{"p": 500}]',
	'an orphan made in a replica session, of a key that is valid');

$node->stop('immediate');
done_testing();
