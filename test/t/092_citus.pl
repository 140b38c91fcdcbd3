# 092_citus.pl: tables of Citus, whose rows, keys and triggers are on other nodes.
#
# One coordinator and two workers.  What the coordinator's catalog says about a key is no proof: the key may be there alone,
# a shard's trigger may be disabled, one replica of a reference table may hold an orphan.  Nothing of that may pass, stand or
# be called valid.  Rows that Citus' planner reads are counted, and listed under the name that the user knows.
#
# rooms: fk
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my %node = map { ($_ => new_node($_, without => 1)) } 'coordinator';
plan skip_all => 'NOT TESTED: the server has no Citus (tables on other nodes: see docs/citus.md)'
  unless has_extension($node{coordinator}, 'citus');
$node{$_} = new_node($_, without => 1) for qw(one two);
for my $node (values %node)
{
	$node->append_conf('postgresql.conf', join "\n", "shared_preload_libraries = 'citus'", 'max_prepared_transactions = 200',
		'citus.shard_count = 4', 'citus.enable_statistics_collection = off', "citus.node_conninfo = 'sslmode=disable'",
		"citus.local_hostname = '" . $node->host . "'", '');
	$node->restart;
	$node->safe_psql('postgres', 'CREATE EXTENSION citus; CREATE EXTENSION schemaguard');
}
my $node = $node{coordinator};

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub audit
{
	my ($where, $on) = @_;
	return ($on // $node)->safe_psql('postgres', "SELECT fk_name, state, result, rows_checked, orphan_rows, orphan_keys, method
		FROM sg_orphan_audit_details($where) ORDER BY 1");
}
sub reason { return sql("SELECT reason FROM sg_orphan_audit_details() WHERE fk_name = '$_[0]'"); }
# The rows and keys of shards, past the checks
sub on_shards { sql("SELECT run_command_on_placements('$_[0]', \$c\$$_[1]\$c\$)"); }

sql("SELECT citus_set_coordinator_host('" . $node->host . "', " . $node->port . ')');
sql("SELECT citus_add_node('" . $_->host . "', " . $_->port . ')') for @node{qw(one two)};
sql(q{
	CREATE TABLE ref (id int PRIMARY KEY);
	SELECT create_reference_table('ref');
	CREATE TABLE ref_child (id int PRIMARY KEY, ref int);
	SELECT create_reference_table('ref_child');
	CREATE TABLE customers (id int PRIMARY KEY);
	SELECT create_distributed_table('customers', 'id');
	CREATE TABLE orders (id int, customer int, ref int, PRIMARY KEY (id, customer));
	SELECT create_distributed_table('orders', 'customer', colocate_with => 'customers');
	CREATE TABLE here (id int PRIMARY KEY, customer int);
	INSERT INTO ref SELECT generate_series(1, 10);
	INSERT INTO ref_child SELECT g, g FROM generate_series(1, 10) g;
	INSERT INTO customers SELECT generate_series(1, 100);
	INSERT INTO orders SELECT g, g, 1 + g % 10 FROM generate_series(1, 100) g;
	INSERT INTO here SELECT g, g FROM generate_series(1, 10) g;
	ALTER TABLE ref_child ADD CONSTRAINT ref_child_ref FOREIGN KEY (ref) REFERENCES ref;
	ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers;
	ALTER TABLE orders ADD CONSTRAINT orders_ref FOREIGN KEY (ref) REFERENCES ref;
	ALTER TABLE here ADD CONSTRAINT here_customer FOREIGN KEY (customer) REFERENCES customers;
});

# ---- keys as Citus makes them

is(audit(''), join("\n", 'here_customer|not enforced|pass|10|0|0|sql', 'orders_customer|unknown|pass|100|0|0|sql',
		'orders_ref|unknown|pass|100|0|0|sql', 'ref_child_ref|unknown|pass|10|0|0|sql'),
	'no key is valid by the catalog, and copies that agree pass; shards and what belongs to Citus are left out');
like(reason('orders_customer'), qr/shards.*sg_verify_fks\(\) asks them/, 'the state has its reason, and what to do');
like(reason('here_customer'), qr/never looks into the local table public.here when/, 'so has the key that is half enforced');
is(sql("SELECT fk_name, state, armed, stands FROM schemaguard.fk_trust WHERE stale_reason <> '' ORDER BY 1"),
	join("\n", 'here_customer|not enforced|f|f', 'orders_customer|unknown||', 'orders_ref|unknown||', 'ref_child_ref|unknown||'),
	'no proof stands, each with a reason');
my $verified = q{SELECT fk_name, string_agg(test || ' ' || result, ', ' ORDER BY test) FROM sg_verify_fks_details() GROUP BY 1 ORDER BY 1};
is(sql($verified), join("\n", 'here_customer|armed fail, enforced fail, valid unknown', map { "$_|armed pass, enforced pass, valid pass" } qw(orders_customer orders_ref ref_child_ref)),
	'keys that all shards have are verified');

# a parent goes, and nobody looks
sql('DELETE FROM orders WHERE customer = 3; DELETE FROM customers WHERE id = 3');
is(audit("'here'"), 'here_customer|not enforced|fail|10|1|1|sql', 'Citus does not enforce it indeed');
is(sql("SELECT row_table, row_id, key FROM sg_fk_orphans('here', 'here_customer')"), 'here||{"customer": 3}',
	'the orphan is listed');

# ---- what the coordinator does not know

# Does the reason say on which nodes a key is not as it should be?
sub verified_on
{
	my ($key, @on) = @_;
	my $reason = sql("SELECT DISTINCT result || ' ' || reason FROM sg_verify_fks_details() WHERE fk_name = '$key'");
	my ($places) = $reason =~ /^unknown .*is missing, not valid or disabled on (.*); look/;
	return join(' ', sort split /, /, $places // $reason) eq join(' ', sort map { $_->host . ':' . $_->port } @on) ? 'those' : $reason;
}

sql(q{
	SET citus.enable_ddl_propagation = off;
	ALTER TABLE orders DROP CONSTRAINT orders_ref;
	RESET citus.enable_ddl_propagation;
});
on_shards('orders', 'ALTER TABLE %s DROP CONSTRAINT IF EXISTS orders_ref_' . $_)
  for split /\n/, sql("SELECT shardid FROM pg_dist_shard WHERE logicalrelid = 'orders'::regclass");
is(sql(q{SELECT DISTINCT result FROM run_command_on_shards('orders', $$
	SELECT count(*) FROM pg_constraint WHERE conrelid = '%s'::regclass AND confrelid::regclass::text LIKE 'ref%%'$$)}), '0', 'the shards have no key');
sql(q{
	SET citus.enable_ddl_propagation = off;
	ALTER TABLE orders ADD CONSTRAINT orders_ref FOREIGN KEY (ref) REFERENCES ref;
});
sql('INSERT INTO orders VALUES (1001, 1, 77), (1002, 2, 77), (1004, 4, 77), (1005, 5, 77), (1006, 6, 78)');
is(audit("'orders'"), "orders_customer|unknown|pass|104|0|0|sql\norders_ref|unknown|fail|104|5|2|sql",
	'a key that only the coordinator has: unknown; orphans of all shards are counted, and keys once');
is(verified_on('orders_ref', @node{qw(one two)}), 'those', 'and not verified, with the nodes that lack it');
is(sql("SELECT row_table, key, data ->> 'id' FROM sg_fk_orphans('orders', 'orders_ref') ORDER BY 3"),
	join("\n", (map { "orders|{\"ref\": 77}|100$_" } 1, 2, 4, 5), 'orders|{"ref": 78}|1006'), 'rows of shards are listed as those of the table');
sql('DELETE FROM orders WHERE id > 1000');
is(audit("'orders'"), "orders_customer|unknown|pass|99|0|0|sql\norders_ref|unknown|pass|99|0|0|sql", 'without orphans its rows pass, the key does not');

# one copy of the parent lacks rows, and so there are orphans on one node
my $ref = 'ref_' . sql("SELECT shardid FROM pg_dist_shard WHERE logicalrelid = 'ref'::regclass");
my $past = 'SET citus.enable_manual_changes_to_shards = on; SET session_replication_role = replica;';
$node{two}->safe_psql('postgres', "$past DELETE FROM $ref WHERE id = 10");
is(sql("SELECT result FROM sg_orphan_audit_details('ref_child')"), 'unknown', 'a copy of the parent lacks a row: unknown');
like(reason('ref_child_ref'), qr/${\$node{one}->host}:${\$node{one}->port} has 10 rows.*${\$node{two}->host}:${\$node{two}->port} has 9 rows/, 'with each node and what it has');
$node{two}->safe_psql('postgres', "$past INSERT INTO $ref VALUES (11)");
is(sql("SELECT result FROM sg_orphan_audit_details('ref_child')"), 'unknown', 'as many rows, but others');
$node{two}->safe_psql('postgres', "$past UPDATE $ref SET id = 10 WHERE id = 11");
is(sql("SELECT result FROM sg_orphan_audit_details('ref_child')"), 'pass', 'the same rows again');

my $shard = sql("SELECT min(shardid) FROM pg_dist_shard WHERE logicalrelid = 'customers'::regclass");
on_shards('customers', "DO \$d\$ BEGIN IF '%1\$s' LIKE '%%$shard%%' THEN ALTER TABLE %1\$s DISABLE TRIGGER ALL; END IF; END \$d\$");
is(sql(q{SELECT string_agg(DISTINCT result, '' ORDER BY result) FROM run_command_on_shards('customers', $$
	SELECT string_agg(DISTINCT tgenabled::text, '') FROM pg_trigger WHERE tgrelid = '%s'::regclass$$)}), 'DO', 'one shard has no triggers');
is(verified_on('orders_customer', (grep { $node{$_}->port == sql("SELECT nodeport FROM pg_dist_shard_placement WHERE shardid = $shard") } qw(one two))[0] eq 'one' ? $node{one} : $node{two}),
	'those', 'a disabled trigger on one shard: unknown, with the node');
is(sql("SELECT state, armed, stands FROM schemaguard.fk_trust WHERE fk_name = 'orders_customer'"), 'unknown||', 'and no proof');

my $copy = 'ref_child_' . sql("SELECT shardid FROM pg_dist_shard WHERE logicalrelid = 'ref_child'::regclass");
$node{two}->safe_psql('postgres', "SET citus.enable_manual_changes_to_shards = on; SET session_replication_role = replica; INSERT INTO $copy VALUES (99, 99)");
is(audit("'ref_child'"), 'ref_child_ref|unknown|unknown|10|0|0|sql', 'an orphan in one copy of a reference table: unknown');
like(reason('ref_child_ref'), qr/ has 10 rows.* has 11 rows/, 'with what each has');
is(sql("SELECT armed, stands FROM schemaguard.fk_trust WHERE fk_name = 'ref_child_ref'"), '|', 'and no proof stands');

# ---- plans

sql(q{
	CREATE TABLE items (id int, customer int, PRIMARY KEY (id, customer));
	SELECT create_distributed_table('items', 'customer', colocate_with => 'customers');
	INSERT INTO items SELECT g, g FROM generate_series(11, 60) g;
	CREATE TABLE here_too (id int PRIMARY KEY, customer int);
	SELECT sg_plan_create('p');
	SELECT sg_plan_add_fk('p', 'items', '{customer}', 'customers', fk_name => 'items_customer');
	SELECT sg_plan_add_fk('p', 'here_too', '{customer}', 'customers', fk_name => 'half');
	SELECT sg_plan_add_fk('p', 'orders', '{ref}', 'ref', fk_name => 'again');
	SELECT sg_plan_add_fk('p', 'items', '{id}', 'customers', fk_name => 'across');
});
is(sql("SELECT fk_name, check_name, result FROM sg_plan_check_details('p') WHERE result <> 'ok' AND step > 0 ORDER BY 1, 2"),
	join("\n", 'across|citus|warn', 'across|orphans|block', 'again|existing_key|block', 'half|deployment|block', 'items_customer|citus|warn'),
	'preflight: what is not bounded, what can\'t be counted, what is not proved, what is never enforced');
sql("SET schemaguard.validate_with = scan; CALL sg_add_fks('p')");
is(sql("SELECT fk_name, state FROM schemaguard.plan_step WHERE plan = 'p' ORDER BY 1"),
	join("\n", 'across|failed', 'again|skipped', 'half|skipped', 'items_customer|validated'),
	'deployment: validated is what the shards were asked for');
is(sql(q{SELECT DISTINCT result FROM run_command_on_shards('items', $$
	SELECT string_agg(convalidated::text, ' ') FROM pg_constraint WHERE conrelid = '%s'::regclass AND contype = 'f'$$)}),
	'true', 'all shards are validated, though a scan of the coordinator was asked for');
is(sql("SELECT state, armed, stands FROM schemaguard.fk_trust WHERE fk_name = 'items_customer'"), 'unknown||', 'its proof: unknown');
is(sql("SELECT string_agg(result, ' ') FROM sg_verify_fks_details('p') WHERE fk_name = 'items_customer' AND test IN ('armed', 'valid', 'enforced')"),
	'pass pass pass', 'and it is verified on all shards');

# ---- a worker, which has shards beside the tables

is($node{one}->safe_psql('postgres', "SELECT count(*) > 0 FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text ~ '_[0-9]+\$'"),
	't', 'a worker has keys of shards');
is(join(' ', map { $_->[0] } rows($node{one}, 'SELECT fk_name FROM sg_orphan_audit_details() ORDER BY 1')),
	'items_customer orders_customer orders_ref ref_child_ref', 'which its audit leaves out');
my $one = $node{one}->safe_psql('postgres', "SELECT min(conrelid::regclass::text) FROM pg_constraint WHERE conname ~ '^orders_customer_'");
like(audit("'$one'", $node{one}), qr/^orders_customer_\d+\|(valid|unarmed)\|pass\|\d+\|0\|0\|scan$/, 'a shard that is asked for is judged as the table that it is');
is($node{one}->safe_psql('postgres', q{
	SELECT count(*) FROM (SELECT child_table FROM sg_discover_fks_details(min_score => 0) UNION ALL SELECT parent_table FROM sg_discover_fks_details(min_score => 0)
		UNION ALL SELECT table_name FROM schemaguard.sg_discover_unmatched()) t WHERE child_table ~ '_[0-9]+$' OR child_table LIKE '%pg_dist%'}),
	'0', 'and discovery, too');

done_testing();
