# 072_audit_concurrent.pl: audits while others write.  Every verdict is the truth of one snapshot.
#
# Some writers keep a promise: each of their transactions moves orphans about, but whenever one commits there are exactly
# as many orphans as before, so that an audit that mixed two snapshots would be off by one.  Others write at random; what
# an audit says about their tables is compared with a plain query in the same REPEATABLE READ transaction.  Parents are
# deleted and inserted again, get other keys and take their children along; whole ranges go and come back by ROLLBACK; and
# VACUUM clears up all the time.
#
# rooms: audit
# takes: 20 s
# majors: one (measures load)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;
use Time::HiRes 'time';

my $seconds = long_run() ? 20 : 1;    # for each way to audit, and each kind of transaction
my $orphans = 37;
my $rows = 12_000;

my $node = new_node('concurrent', conf => <<'CONF');
shared_buffers = 256MB
autovacuum = on
autovacuum_naptime = 1s
autovacuum_vacuum_cost_delay = 0
autovacuum_vacuum_scale_factor = 0.02
max_worker_processes = 12
max_parallel_workers = 8
CONF

sub query { return $node->safe_psql('postgres', $_[0]); }

# ---------------------------------------------------------------------------------------------------------------------
# The tables whose orphans stay as many: three keys that agree, stored as a bitmap, as words, as bytes.  An orphan refers
# to its own number, negative.
query(<<SQL);
CREATE TABLE parent (n serial UNIQUE, id int8 PRIMARY KEY, u uuid UNIQUE, t text UNIQUE);
INSERT INTO parent (id, u, t) SELECT g, md5(g::text)::uuid, 'key ' || g FROM generate_series(1, 4000) g;
CREATE TABLE child (id int PRIMARY KEY, r int8, u uuid, t text);
INSERT INTO child SELECT g, r, md5(r::text)::uuid, 'key ' || r
	FROM generate_series(1, $rows) g, LATERAL (SELECT CASE WHEN g <= $orphans THEN -g ELSE 1 + g % 4000 END AS r) s;
CREATE INDEX ON child (r);
ALTER TABLE child ADD CONSTRAINT by_id FOREIGN KEY (r) REFERENCES parent NOT VALID,
	ADD CONSTRAINT by_text FOREIGN KEY (t) REFERENCES parent (t) NOT VALID,
	ADD CONSTRAINT by_uuid FOREIGN KEY (u) REFERENCES parent (u) NOT VALID;
CREATE SEQUENCE commits;
CREATE TABLE stop ();

CREATE FUNCTION refer(child_id int, key int8) RETURNS void LANGUAGE sql AS
	'UPDATE child SET r = key, u = md5(key::text)::uuid, t = ''key '' || key WHERE id = child_id';
CREATE FUNCTION random_child() RETURNS int LANGUAGE sql AS
	'SELECT id FROM child WHERE id = (SELECT 1 + floor(random() * $rows)::int) AND r > 0 FOR UPDATE SKIP LOCKED';
-- a parent that nobody is about to delete, or one that nobody else may refer to from now on
CREATE FUNCTION random_parent() RETURNS int8 LANGUAGE sql AS
	'SELECT id FROM parent WHERE n >= (SELECT floor(random() * max(n))::int FROM parent) LIMIT 1 FOR KEY SHARE SKIP LOCKED';
CREATE FUNCTION own_parent() RETURNS int8 LANGUAGE sql AS
	'SELECT id FROM parent WHERE n >= (SELECT floor(random() * max(n))::int FROM parent) LIMIT 1 FOR UPDATE SKIP LOCKED';

CREATE PROCEDURE keep_promise() LANGUAGE plpgsql AS \$\$
DECLARE a int; b int; p int8; q int8;
BEGIN
	WHILE NOT EXISTS (SELECT FROM stop) LOOP
		a := NULL; b := NULL; p := NULL;
		CASE floor(random() * 7)
		WHEN 0, 1 THEN		-- one orphan less, one more
			SELECT id INTO a FROM child WHERE r < 0 ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED;
			b := random_child();
			p := random_parent();
			IF a IS NOT NULL AND b IS NOT NULL AND p IS NOT NULL THEN
				PERFORM refer(a, p), refer(b, -b);
			END IF;
		WHEN 2 THEN			-- a parent goes and is back
			p := own_parent();
			DELETE FROM parent WHERE id = p;
			INSERT INTO parent (id, u, t) SELECT p, md5(p::text)::uuid, 'key ' || p WHERE p IS NOT NULL;
		WHEN 3 THEN			-- a parent gets another key, for its children, too
			p := own_parent();
			q := 4000 + nextval('commits');
			DELETE FROM parent WHERE id = p;
			INSERT INTO parent (id, u, t) SELECT q, md5(q::text)::uuid, 'key ' || q WHERE p IS NOT NULL;
			-- looked at again when it is locked: somebody may have made an orphan of it
			UPDATE child SET r = q, u = md5(q::text)::uuid, t = 'key ' || q WHERE r = p;
		WHEN 4 THEN			-- a child goes and another one comes
			b := random_child();
			p := random_parent();
			IF b IS NOT NULL AND p IS NOT NULL THEN
				DELETE FROM child WHERE id = b;
				INSERT INTO child VALUES (b, p, md5(p::text)::uuid, 'key ' || p);
			END IF;
		WHEN 5 THEN			-- an orphan looks for another key that does not exist
			SELECT id INTO a FROM child WHERE r < 0 ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED;
			PERFORM refer(a, -(a + $rows * floor(random() * 1000)::int8));
		ELSE				-- never mind
			IF random() < 0.1 THEN
				DELETE FROM parent WHERE id IN (SELECT id FROM parent WHERE id % 50 = floor(random() * 50) FOR UPDATE SKIP LOCKED);
				ROLLBACK;
			END IF;
		END CASE;
		COMMIT;
		PERFORM nextval('commits'), pg_sleep(0.002);
	END LOOP;
END\$\$;
SQL

# The tables that are written at random: partitions, two columns, both kinds of MATCH
query(<<'SQL');
CREATE TABLE wild_parent (a int, b text, PRIMARY KEY (a, b));
INSERT INTO wild_parent SELECT g, 'b' || g FROM generate_series(1, 3000) g;
CREATE TABLE wild (id serial, a int, b text) PARTITION BY HASH (id);
CREATE TABLE wild_0 PARTITION OF wild FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE wild_1 PARTITION OF wild FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO wild (a, b) SELECT 1 + g % 3000, 'b' || 1 + g % 3000 FROM generate_series(1, 6000) g;
CREATE INDEX ON wild (id);
SELECT sg_plan_create('wild');
SELECT sg_plan_add_fk('wild', 'wild', '{a,b}', 'wild_parent', fk_name => 'simple', index => false);
SELECT sg_plan_create('whole');
SELECT sg_plan_add_fk('whole', 'wild', '{a,b}', 'wild_parent', fk_name => 'whole', match => 'full', index => false);
SET client_min_messages = error;

CREATE PROCEDURE run_wild() LANGUAGE plpgsql AS $$
DECLARE n int; m int;
BEGIN
	WHILE NOT EXISTS (SELECT FROM stop) LOOP
		n := 1 + floor(random() * 3000);
		SELECT floor(random() * last_value) INTO m FROM wild_id_seq;
		CASE floor(random() * 8)
			WHEN 0 THEN INSERT INTO wild (a, b) SELECT n, 'b' || n + g / 9 FROM generate_series(1, 10) g;
			WHEN 1 THEN DELETE FROM wild WHERE id BETWEEN m AND m + 9;
			WHEN 2 THEN UPDATE wild SET a = n, b = 'b' || n WHERE id = m;
			WHEN 3 THEN UPDATE wild SET a = NULL WHERE id = m;
			WHEN 4 THEN UPDATE wild SET a = NULL, b = NULL WHERE id BETWEEN m AND m + 3;
			WHEN 5 THEN DELETE FROM wild_parent WHERE a = n;
			WHEN 6 THEN INSERT INTO wild_parent SELECT g, 'b' || g FROM generate_series(n, n + 5) g ON CONFLICT DO NOTHING;
			ELSE UPDATE wild_parent SET a = a + 3000 * pick.s FROM (SELECT (ARRAY[-1, 1])[1 + (random() < 0.5)::int] AS s) pick
				 WHERE a = n AND NOT EXISTS (SELECT FROM wild_parent p WHERE p.b = wild_parent.b AND p.a = n + 3000 * pick.s);
		END CASE;
		COMMIT;
		PERFORM nextval('commits'), pg_sleep(0.002);
	END LOOP;
END $$;
ANALYZE;
SQL

my @ways = (
	[ 'scan', 0, '64MB' ], [ 'scan', 2, '64MB' ], [ 'scan', 0, '64kB' ], [ 'scan', 2, '64kB' ], [ 'sql', 2, '64MB' ]);

my $a = SgTest::Session->new($node);
$a->query('SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0');
my $promise = join "\n", map { "$_|$rows|$orphans|$orphans|fail|" } 'by_id', 'by_text', 'by_uuid';
my $audit = "SELECT fk_name, rows_checked, orphan_rows, orphan_keys, result, reason FROM sg_orphan_audit_details('child') ORDER BY 1";
my $wild_audit = "SELECT fk_name, rows_checked, orphan_rows, orphan_keys FROM sg_orphan_audit_details('wild') ORDER BY 1";
my $wild_truth = <<'SQL';
WITH c AS MATERIALIZED (SELECT a, b, NOT EXISTS (SELECT FROM wild_parent p WHERE (p.a, p.b) = (w.a, w.b)) AS lost FROM wild w),
	o AS (SELECT 'simple' AS k, a, b FROM c WHERE lost AND num_nulls(a, b) = 0
		  UNION ALL SELECT 'whole', a, b FROM c WHERE lost AND num_nulls(a, b) < 2)
SELECT k, (SELECT count(*) FROM c), (SELECT count(*) FROM o WHERE o.k = s.k), (SELECT count(*) FROM (SELECT DISTINCT a, b FROM o WHERE o.k = s.k) d)
FROM (VALUES ('simple'), ('whole')) s(k) ORDER BY 1
SQL

is($a->query($audit), $promise, 'before it begins there are as many orphans as promised');
my $quiet = $a->query($wild_audit);
is($quiet, $a->query($wild_truth), 'and the query agrees about the other tables') or diag($quiet);

my @writers = map { SgTest::Session->new($node) } 1 .. 3;
$_->query('SET session_replication_role = replica; SET synchronous_commit = off') for @writers;
$writers[$_]->send($_ < 2 ? 'CALL keep_promise()' : 'CALL run_wild()') for 0 .. 2;

my %seen;
my $commits = sub { return query('SELECT last_value FROM commits'); };
my $first = $commits->();
for my $way (@ways)
{
	my ($method, $workers, $memory) = @$way;
	my $name = "$method, $workers workers, $memory";
	my ($audits, $wrong, $before) = (0, '', $commits->());

	$a->query("SET schemaguard.audit_method = $method; SET schemaguard.audit_workers = $workers; SET schemaguard.audit_memory = '$memory'");
	for (my $start = time; ($audits < 3 || time - $start < $seconds) && !$wrong; $audits++)
	{
		my $got = $a->query($audit) // 'no connection';
		$wrong = "$got $a->{err}" if $got ne $promise;
	}
	ok(!$wrong, "$name: the promise is kept in every snapshot of $audits audits") or diag("not\n$promise\nbut\n$wrong");

	my $truths = 0;
	for (my $start = time; ($truths < 3 || time - $start < $seconds) && !$wrong; $truths++)
	{
		$a->query('BEGIN ISOLATION LEVEL REPEATABLE READ');
		my $got = $a->query($wild_audit) // 'no connection';
		my $truth = $a->query($wild_truth) // 'no connection';
		$a->query($audit) eq $promise or $wrong = "$a->{err} not the promised orphans";
		$a->query('COMMIT');
		$wrong = "$got\nnot\n$truth" if $got ne $truth;
		$seen{$truth}++;
	}
	ok(!$wrong, "$name: $truths times the query of the same transaction agrees") or diag($wrong);
	cmp_ok($commits->() - $before, '>', 20, "$name: while others committed");
}
note($commits->() - $first . ' transactions meanwhile');
cmp_ok(scalar(keys %seen), '>', 5, 'the truth was not always the same');

query('INSERT INTO stop DEFAULT VALUES');
for my $writer (@writers)
{
	$writer->collect;
	is($writer->sqlstate, '', 'a writer came to its end') or diag($writer->{err});
	$writer->quit;
}
is($a->query($audit), $promise, 'at the end there are still as many orphans as promised');
is(query("SELECT count(*) FROM parent p WHERE u <> md5(id::text)::uuid OR t <> 'key ' || id"), '0', 'and the parents are whole');
$a->quit;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|was terminated by signal/, 'no process of the server crashed');
$node->stop;
done_testing();
