# 172_sync_load.pl: an application that does not notice that CALL sg_sync_apply makes another schema of the one it works on.
#
# - Clients read each view and function of a pair by named columns and write its tables meanwhile, both ways: none sees an
#   error. Those with prepared statements see 0A000 (a cached plan's columns have other types), and nothing else.
# - Killed with SIGKILL within what is dropped and made again, nothing is missing, and the next call ends it.
# - What has nothing to do with each other is not in one transaction.
#
# rooms: sync
# majors: one (transactions; what the statements are is in 142_sync)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgLoad qw(crash install_traps spring_traps wait_trapped);
use SgTest;
use Test::More;

my $node = new_node('sync_load', conf => "fsync = off\nschemaguard.workers = 1\n");
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $options = q{schemas => '{m}', allow_drop => true, renames => 'drop'};

sub query { my ($sql, $db) = @_; return $node->safe_psql($db // 'postgres', $sql); }

sub carry
{
	my ($from, $to) = @_;

	query("SELECT sg_snapshot_take('$from')", $from);
	append_to_file("$dir/$from.json", query("SELECT sg_snapshot_export('$from')", $from));
	query("SELECT sg_snapshot_drop('$from')", $from);
	query("\\set document `cat '$dir/$from.json'`\nSELECT sg_snapshot_import('$from', :'document')", $to);
	unlink "$dir/$from.json";
}

my $before = <<'SQL';
CREATE SCHEMA m;
CREATE TABLE m.customers (id bigint PRIMARY KEY, email varchar(100), name text, age int);
CREATE TABLE m.orders (id bigint PRIMARY KEY, customer_id bigint, status text, total numeric(10,2), created timestamp);
CREATE TABLE m.items (id bigint PRIMARY KEY, price numeric(10,2), note varchar(10));
CREATE TYPE m.mood AS ENUM ('a', 'b');
CREATE VIEW m.v AS SELECT id, email FROM m.customers;
CREATE VIEW m.of_both AS SELECT o.id, o.total, c.email FROM m.orders o JOIN m.customers c ON c.id = o.customer_id;
CREATE VIEW m.above AS SELECT id, email FROM m.v WHERE id > 0;
CREATE VIEW m.prices AS SELECT id, price FROM m.items;
CREATE VIEW m.longer AS SELECT id, note FROM m.items;
CREATE MATERIALIZED VIEW m.kept AS SELECT 1 AS id, count(*) AS n FROM m.items;
CREATE INDEX orders_status ON m.orders (status);
CREATE FUNCTION m.f(x int) RETURNS int LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION m.g(x int) RETURNS int LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION m.h(x int) RETURNS int LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION m.shown() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM m.v; END;
SQL
my $after = <<'SQL';
CREATE SCHEMA m;
CREATE TABLE m.customers (id bigint PRIMARY KEY, email varchar(200) NOT NULL, name text, age bigint, vip boolean NOT NULL DEFAULT false, CONSTRAINT email_uq UNIQUE (email));
CREATE TABLE m.orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL CONSTRAINT orders_customer REFERENCES m.customers (id), status text DEFAULT 'new', total numeric(12,2), created timestamp, CONSTRAINT total_pos CHECK (total >= 0));
CREATE TABLE m.items (id bigint PRIMARY KEY, price numeric(12,2), note varchar(10));
CREATE INDEX orders_customer ON m.orders (customer_id);
CREATE TYPE m.mood AS ENUM ('a', 'c', 'b');
CREATE VIEW m.v AS SELECT id, email, vip FROM m.customers;
CREATE VIEW m.of_both AS SELECT o.id, o.total, c.email FROM m.orders o JOIN m.customers c ON c.id = o.customer_id;
CREATE VIEW m.above AS SELECT id, email FROM m.v WHERE id > 0;
CREATE VIEW m.prices AS SELECT id, price FROM m.items;
CREATE VIEW m.longer AS SELECT id, note, 1 AS one FROM m.items;
CREATE MATERIALIZED VIEW m.kept AS SELECT 1 AS id, count(*) AS n, sum(price) AS price FROM m.items;
CREATE INDEX orders_status ON m.orders (status, created);
CREATE FUNCTION m.f(x int) RETURNS int LANGUAGE sql AS 'SELECT x + 1';
CREATE FUNCTION m.g(x int) RETURNS bigint LANGUAGE sql AS 'SELECT x::bigint';
CREATE FUNCTION m.h(x bigint) RETURNS bigint LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION m.shown() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM m.v; END;
SQL
my $rows = q{INSERT INTO m.customers SELECT i, 'e' || i, 'n' || i, i FROM generate_series(1, 500) i;
	INSERT INTO m.orders SELECT i, i, 'new', i, now() FROM generate_series(1, 500) i; INSERT INTO m.items SELECT i, i, 'n' FROM generate_series(1, 500) i;
	REFRESH MATERIALIZED VIEW m.kept};
my $reads = <<'SQL';
SELECT id, email FROM m.v WHERE id = :id;
SELECT id, total, email FROM m.of_both WHERE id = :id;
SELECT id, email FROM m.above WHERE id = :id;
SELECT id, price FROM m.prices WHERE id = :id;
SELECT id, note FROM m.longer WHERE id = :id;
SELECT id, n FROM m.kept;
SELECT m.f(1);
SQL
# PostgreSQL locks no function that a statement is about to call: one that is dropped in that moment is missing, whoever drops it
my $calls = 'SELECT m.g(1), m.h(1), m.shown();';

query("CREATE DATABASE $_") foreach 'there', 'here';
query("CREATE EXTENSION schemaguard; $after", 'there');
query("CREATE EXTENSION schemaguard; $before; $rows", 'here');
query("$before; $rows");
carry('there', $_) foreach 'here', 'postgres';
carry('here', 'here');

# ---- what is one transaction

my $units = query(q{WITH s AS (SELECT n, kind, object, what, unit
	FROM schemaguard.sg_sync_united((SELECT array_agg(p) FROM schemaguard.sg_sync_pairs('there', 'live', '{m}', 'drop') p), 'there', 'live', true, false) WITH ORDINALITY
		s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finder, unit, n))
	SELECT string_agg(DISTINCT kind || ' ' || object, ', ' ORDER BY kind || ' ' || object) FROM s WHERE unit IS NOT NULL GROUP BY unit ORDER BY 1}, 'here');
is($units, join("\n", 'column m.customers.email, column m.customers.vip, column m.orders.total, function m.shown(), view m.above, view m.of_both, view m.v',
		'column m.items.price, materialized view m.kept, view m.prices', 'function m.g(integer)', 'function m.h(bigint), function m.h(integer)'),
	'what is dropped and made again is one transaction with what is changed below it, and with nothing else');

# ---- under load

append_to_file("$dir/reads.sql", "\\set id random(1, 500)\n$reads");
append_to_file("$dir/writes.sql", <<'SQL');
\set id random(1, 500)
UPDATE m.customers SET age = age + 1, name = 'w' WHERE id = :id;
UPDATE m.orders SET total = total + 1 WHERE id = :id;
UPDATE m.items SET price = price + 1 WHERE id = :id;
SQL

sub start_load
{
	my ($name, $clients, @more) = @_;

	return IPC::Run::start(
		[ 'pgbench', '--no-vacuum', '--time=3600', "--client=$clients", '--random-seed=' . seed(), '--rate=400', @more,
			'-d', $node->connstr('here') . " application_name=$name" ],
		'<', '/dev/null', '>', "$dir/$name.out", '2>&1');
}

# Until each client of the load has ended another transaction
sub wait_for_load
{
	my ($name) = @_;
	my $at = query('SELECT clock_timestamp()');

	return wait_for(sub { query("SELECT count(*) > 0 AND bool_and(query_start > '$at') FROM pg_stat_activity WHERE application_name = '$name'") eq 't' });
}

sub errors { my ($name) = @_; return slurp_file($node->logfile) =~ /^.* $name (?:ERROR|FATAL|PANIC):  (.*)$/mg; }

sub end_load
{
	my ($load) = @_;

	$load->signal('ALRM');
	$load->finish;
}

{
	my $load = start_load('simple', 8, '--protocol=simple', '-f', "$dir/reads.sql\@3", '-f', "$dir/writes.sql");

	foreach my $to ('there', 'here')
	{
		ok(wait_for_load('simple'), 'eight clients work');
		query("CALL sg_sync_apply('$to', $options)", 'here');
		is(query("SELECT kind, object, change, property FROM sg_drift_details('$to', schemas => '{m}')", 'here'), '', "the schema is that of '$to'");
	}
	ok(wait_for_load('simple'), 'each client works afterwards');
	end_load($load);
	is($load->result(0), 0, 'the application ends') or diag(slurp_file("$dir/simple.out"));
	is(join("\n", errors('simple')), '', 'no client has seen an error');
}

{
	my $load = start_load('prepared', 4, '--protocol=prepared', '-f', "$dir/reads.sql");

	ok(wait_for_load('prepared'), 'clients with prepared statements work');
	query("CALL sg_sync_apply('there', $options)", 'here');
	# one whose plan's columns have other types ends
	end_load($load);
	is(join("\n", grep { $_ ne 'cached plan must not change result type' } errors('prepared')), '', 'they see 0A000 at most');
}

# ---- killed

install_traps($node);
{
	my @phases = ('started', 'before', 'after', 'done');
	my ($step, $kills) = (0, 0);

	for (my $n = 0; long_run() || $n < 8; $n++)
	{
		my $s = SgTest::Session->new($node);

		query("INSERT INTO trap SELECT '$phases[$n % 4] ' || action, step, NULL, 0 FROM generate_series($step + 1, $step + 100) step,
			unnest('{add,validate,replace,statement,drop,set default,index}'::text[]) action");
		$s->send("CALL sg_sync_apply('there', $options)");
		wait_trapped($node) or last;
		$kills++;
		my $at = query("SELECT step FROM schemaguard.audit_log WHERE phase = 'started' ORDER BY id DESC LIMIT 1");
		crash($node);
		$s->collect;
		$node->start;
		my ($status, undef, $error) = $node->psql('postgres', "\\set id 1\n$reads$calls", on_error_stop => 1);
		is($error, '', "killed in step $at at '$phases[$n % 4]': nothing is missing");
		# the same step again at its other places
		$step = $n % 4 == 3 ? $at : $at - 1;
	}
	cmp_ok($kills, '>=', 8, 'it was killed so often');
	spring_traps($node);
	query("CALL sg_sync_apply('there', $options)");
	is(query("SELECT kind, object, change, property FROM sg_drift_details('there', schemas => '{m}')"), '', 'the next call ends it');
}

$node->stop;

done_testing();
