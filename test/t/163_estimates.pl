# 163_estimates.pl: what sg_plan_check says that a plan writes, beside what it writes.
#
# Tables of many shapes, each after a CHECKPOINT: fills, indexes, orphans that are deleted, set to null and put into quarantine, values that are set.
# WAL, and what tables, indexes and copies grow by, are within a factor of 2, and so are temporary files.
#
# rooms: check
# majors: one (sizes are much the same)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('writes', conf => "schemaguard.fix_limit = -1\nshared_buffers = 64MB\nwal_level = logical\nmax_wal_size = 4GB\ncheckpoint_timeout = 1h\nschemaguard.fix_pause = 0\nlog_temp_files = 0\n");
my $s = SgTest::Session->new($node);

sub query
{
	my $out = $s->query($_[0]);
	die "$_[0]: $s->{err}" if $s->{err} =~ /ERROR|FATAL/;
	return $out;
}

my %unit = (bytes => 1, kB => 1024, MB => 1024**2, GB => 1024**3);
sub bytes { return $_[0] =~ /^([\d.]+) (\w+)$/ ? $1 * $unit{$2} : die "no size: $_[0]"; }

# Those of the server's log, where each comes to its end
sub temporary
{
	my $log = slurp_file($node->logfile);
	my $sum = 0;

	$sum += $1 while $log =~ /temporary file: .*, size (\d+)/g;
	return $sum;
}

query(q{
	SET client_min_messages = error;
	CREATE TABLE parent (code text PRIMARY KEY); INSERT INTO parent SELECT 'code ' || g FROM generate_series(1, 100) g;
	CREATE TABLE numbers (id int PRIMARY KEY); INSERT INTO numbers SELECT generate_series(1, 1000)});

my $fill = q{SELECT sg_plan_add_fk('p', 't', '{code}', 'parent', index => false, backfill => $$'code ' || (1 + id % 100)$$)};
my $orphans = q{SELECT sg_plan_add_fk('p', 't', '{id}', 'numbers', index => false, orphans => '%s')};
my $documents = q{CREATE TABLE t AS SELECT g AS id, CASE WHEN g % 2 = 0 THEN g + 1000 END AS half,
	(SELECT string_agg(md5(g::text || h), '') FROM generate_series(1, 100) h) AS doc FROM generate_series};
# 2,000 orphans of 4,000 rows; to how many of them 40,000 rows refer
my $referring = q{CREATE TABLE t AS SELECT g AS n, CASE WHEN g <= 2000 THEN 2000 END AS id FROM generate_series(1, 4000) g; ALTER TABLE t ADD PRIMARY KEY (n);
	CREATE TABLE r AS SELECT 1 + g %% %d AS n, repeat('x', 100) AS w FROM generate_series(1, 40000) g; CREATE INDEX ON r (n);
	ALTER TABLE r ADD FOREIGN KEY (n) REFERENCES t ON DELETE CASCADE; VACUUM ANALYZE r};
my $along = q{SELECT sg_plan_add_fk('p', 't', '{id}', 'numbers', index => false, orphans => 'quarantine', quarantine_cascades => true)};
# 500 orphans of 1,000 rows, to which 3,000 rows refer by a key with a step of its own
my $own = q{CREATE TABLE t AS SELECT g AS n, CASE WHEN g <= 500 THEN 2000 END AS id FROM generate_series(1, 1000) g; ALTER TABLE t ADD PRIMARY KEY (n);
	CREATE TABLE r AS SELECT 1 + g % 1000 AS n, repeat('x', 200) AS w FROM generate_series(1, 6000) g; CREATE INDEX ON r (n); VACUUM ANALYZE r};
my $along_own = q{SELECT sg_plan_add_fk('p', 'r', '{n}', 't', fk_name => 'r_n_fkey', orphans => 'quarantine'),
	sg_plan_add_fk('p', 't', '{id}', 'numbers', index => false, orphans => 'quarantine')};
my $heir = q{CREATE TABLE t (id int, w text); CREATE TABLE r () INHERITS (t); INSERT INTO r SELECT g, repeat('x', 60) FROM generate_series(1, 15000) g; VACUUM ANALYZE r};
my $set = q{SELECT sg_plan_add_check('p', 't', 'a >= 0', policy => 'set', child_column => 'a', fill => '0')};
my @shapes = (
	[ 'a fill of a narrow table', 'CREATE TABLE t AS SELECT g AS id, NULL::text AS code FROM generate_series(1, 40000) g', $fill ],
	[ 'a fill of a wide table', q{CREATE TABLE t AS SELECT g AS id, NULL::text AS code, repeat('x', 400) AS w FROM generate_series(1, 12000) g}, $fill ],
	[ 'a fill, beside a primary key', q{CREATE TABLE t AS SELECT g AS id, NULL::text AS code, repeat('x', 60) AS w FROM generate_series(1, 25000) g; ALTER TABLE t ADD PRIMARY KEY (id)}, $fill ],
	[ 'a fill, beside an index in another order', q{CREATE TABLE t AS SELECT g AS id, NULL::text AS code, md5(g::text) AS w FROM generate_series(1, 25000) g; CREATE INDEX ON t (w)}, $fill ],
	[ 'a fill of some rows', q{CREATE TABLE t AS SELECT g AS id, CASE WHEN g % 20 > 0 THEN 'code 1' END AS code, repeat('x', 60) AS w FROM generate_series(1, 150000) g}, $fill ],
	[ 'a fill that fillfactor has left room for', q{CREATE TABLE t (id int, code text, w text) WITH (fillfactor = 45); INSERT INTO t SELECT g, NULL, md5(g::text) FROM generate_series(1, 40000) g;
		CREATE INDEX ON t (w); CREATE INDEX ON t (id); CREATE INDEX ON t (md5(w))}, $fill ],
	[ 'a fill that vacuumed rows have left room for', q{CREATE TABLE t AS SELECT g AS id, NULL::text AS code, md5(g::text) AS w FROM generate_series(1, 80000) g; DELETE FROM t WHERE id % 2 = 0;
		CREATE INDEX ON t (w); CREATE INDEX ON t (id)}, $fill ],
	[ 'a fill that the first half of the table has room for', q{CREATE TABLE t AS SELECT g AS id, NULL::text AS code, md5(g::text) AS w FROM generate_series(1, 80000) g; DELETE FROM t WHERE id <= 40000;
		CREATE INDEX ON t (w)}, $fill ],
	[ 'a fill of an indexed column, with room', q{CREATE TABLE t (id int, code text, w text) WITH (fillfactor = 45); INSERT INTO t SELECT g, NULL, md5(g::text) FROM generate_series(1, 40000) g;
		CREATE INDEX ON t (w); CREATE INDEX ON t (id) WHERE code IS NULL}, $fill ],
	[ 'a new column', q{CREATE TABLE t AS SELECT g AS id, repeat('x', 30) AS w FROM generate_series(1, 25000) g},
		q{SELECT sg_plan_add_column('p', 't', 'n', 'int', fill => 'id + 1')} ],
	[ 'a new column with a value for few rows', q{CREATE TABLE t AS SELECT g AS id, CASE WHEN g % 50 = 0 THEN g END AS few, repeat('x', 100) AS w FROM generate_series(1, 200000) g},
		q{SELECT sg_plan_add_column('p', 't', 'n', 'int', fill => 'few + 1')} ],
	[ 'an index on numbers', 'CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 200000) g', q{SELECT sg_plan_add('p', 'CREATE INDEX t_i ON t (id)')} ],
	[ 'an index on few values', 'CREATE TABLE t AS SELECT g % 100 AS id FROM generate_series(1, 500000) g', q{SELECT sg_plan_add('p', 'CREATE INDEX t_i ON t (id)')} ],
	[ 'an index on texts', q{CREATE TABLE t AS SELECT g AS id, repeat(md5(g::text), 5) AS w FROM generate_series(1, 40000) g}, q{SELECT sg_plan_add('p', 'CREATE INDEX t_i ON t (w)')} ],
	[ 'a quarantine', q{CREATE TABLE t AS SELECT g + 1000 AS id, g AS n, repeat('x', 100) AS w FROM generate_series(1, 12000) g}, sprintf($orphans, 'quarantine') ],
	[ 'a quarantine of few rows', q{CREATE TABLE t AS SELECT CASE WHEN g % 50 = 0 THEN 2000 ELSE 1 END AS id, repeat('x', 200) AS note FROM generate_series(1, 100000) g}, sprintf($orphans, 'quarantine') ],
	[ 'a quarantine of rows side by side', q{CREATE TABLE t AS SELECT CASE WHEN g > 90000 THEN g + 1000 ELSE 1 END AS id, repeat('x', 300) AS note FROM generate_series(1, 100000) g}, sprintf($orphans, 'quarantine') ],
	[ 'a delete of rows side by side', q{CREATE TABLE t AS SELECT CASE WHEN g BETWEEN 20001 AND 30000 THEN g + 1000 ELSE 1 END AS id, repeat('x', 300) AS note FROM generate_series(1, 100000) g}, sprintf($orphans, 'delete') ],
	[ 'rows side by side set to null', q{CREATE TABLE t AS SELECT CASE WHEN g > 90000 THEN g + 1000 ELSE 1 END AS id, g AS n, repeat('x', 200) AS w FROM generate_series(1, 100000) g; CREATE INDEX ON t (n)}, sprintf($orphans, 'set null') ],
	[ 'a column with a default that is computed for each row', q{CREATE TABLE t AS SELECT g AS id, repeat('x', 60) AS w FROM generate_series(1, 30000) g; CREATE INDEX ON t (id)},
		q{SELECT sg_plan_add_column('p', 't', 'u', 'uuid DEFAULT gen_random_uuid()')} ],
	[ 'a fill with values that are stored apart', "$documents (1, 3000) g", q{SELECT sg_plan_add_column('p', 't', 'copy', 'text', fill => 'doc')} ],
	[ 'a fill by a query', 'CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 20000) g',
		q{SELECT sg_plan_add_column('p', 't', 'v', 'text', fill => $$(SELECT string_agg(md5(t.id::text || h), '') FROM generate_series(1, 10) h)$$)} ],
	[ 'a fill by a query with values that are stored apart', 'CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 3000) g',
		q{SELECT sg_plan_add_column('p', 't', 'v', 'text', fill => $$(SELECT string_agg(md5(t.id::text || h), '') FROM generate_series(1, 100) h)$$)} ],
	[ 'a fill by a function', 'CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 20000) g',
		q{SELECT sg_plan_add_column('p', 't', 'v', 'text', fill => 'repeat(md5(id::text), 12)')} ],
	[ 'a quarantine of rows with such values', "$documents (1, 3000) g", q{SELECT sg_plan_add_fk('p', 't', '{half}', 'numbers', index => false, orphans => 'quarantine')} ],
	[ 'a delete of rows with such values', "$documents (1, 3000) g", q{SELECT sg_plan_add_fk('p', 't', '{half}', 'numbers', index => false, orphans => 'delete')} ],
	[ 'a quarantine with rows that go along', sprintf($referring, 4000), $along, '', 'about 20000 rows that refer to those that go, by averages' ],
	[ 'a quarantine with rows that go along, counted', sprintf($referring, 2000), $along, q{, verify => 'full'}, '40000 rows that refer to those that go' ],
	[ 'a unique constraint', q{CREATE TABLE t AS SELECT g AS id, repeat(md5(g::text), 3) AS w FROM generate_series(1, 100000) g}, q{SELECT sg_plan_add_unique('p', 't', '{w,id}')} ],
	[ 'a fill of rows that are their own replica identity', "$documents (1, 3000) g; ALTER TABLE t REPLICA IDENTITY FULL", q{SELECT sg_plan_add_column('p', 't', 'n', 'int', fill => 'length(doc)')} ],
	[ 'a delete of such rows', "$documents (1, 3000) g; ALTER TABLE t REPLICA IDENTITY FULL", q{SELECT sg_plan_add_fk('p', 't', '{half}', 'numbers', index => false, orphans => 'delete')} ],
	[ 'rows that go along by a step of their key', "$own; ALTER TABLE r ADD FOREIGN KEY (n) REFERENCES t", $along_own, '', 'about 3000 rows that refer to those that go, by averages' ],
	[ 'rows that go along by a key that the plan adds', $own, $along_own, '', 'about 3000 rows that refer to those that go, by averages' ],
	[ 'a fill of rows in an heir', $heir, q{SELECT sg_plan_add_column('p', 't', 'n', 'int', fill => 'id + 1')} ],
	[ 'a computed default of rows in an heir', $heir, q{SELECT sg_plan_add_column('p', 't', 'u', 'uuid DEFAULT gen_random_uuid()')} ],
	[ 'values that are set', 'CREATE TABLE t AS SELECT g AS id, -1 AS a FROM generate_series(1, 10000) g; ALTER TABLE t ADD PRIMARY KEY (id)', $set ],
	[ 'values that are set, of which none is kept', 'CREATE TABLE t AS SELECT g AS id, -1 AS a FROM generate_series(1, 20000) g', $set ],
	[ 'a delete', q{CREATE TABLE t AS SELECT g + 1000 AS id, repeat('x', 200) AS w FROM generate_series(1, 40000) g}, sprintf($orphans, 'delete') ],
	[ 'a quarantine of few rows, without full-page images', q{ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf(); CREATE TABLE t AS SELECT CASE WHEN g % 50 = 0 THEN 2000 ELSE 1 END AS id,
		repeat('x', 200) AS w FROM generate_series(1, 100000) g}, sprintf($orphans, 'quarantine') ],
	[ 'orphans set to null', q{ALTER SYSTEM RESET full_page_writes; SELECT pg_reload_conf(); CREATE TABLE t AS SELECT g + 1000 AS id, repeat('x', 200) AS w FROM generate_series(1, 15000) g}, sprintf($orphans, 'set null') ],
);

foreach my $shape (@shapes)
{
	my ($name, $table, $steps, $verify, $goes_along) = @$shape;
	my $size = q{SELECT pg_current_wal_insert_lsn() - '0/0', coalesce(pg_total_relation_size(to_regclass('t')), 0) + coalesce(pg_total_relation_size(to_regclass('r')), 0) +
		pg_total_relation_size('schemaguard.quarantine') + pg_total_relation_size('schemaguard.plan_value')};

	query(qq{DROP TABLE IF EXISTS r, t; DO \$\$ BEGIN PERFORM sg_plan_drop('p', force => true); EXCEPTION WHEN undefined_object THEN NULL; END \$\$;
		TRUNCATE schemaguard.quarantine; $table; VACUUM ANALYZE t; SELECT sg_plan_create('p'); $steps});
	my $said = query(sprintf q{SELECT string_agg(detail, '; ' ORDER BY step DESC) FROM sg_plan_check_details('p'%s) WHERE step IS NOT NULL AND check_name = 'estimate'}, $verify // '');
	like($said, qr/, with $goes_along(; |$)/, "$name: says how many") if $goes_along;
	my ($wal) = $said =~ /writes (?:at most )?([\d.]+ \w+) of WAL/;
	my ($growth) = $said =~ /and ([\d.]+ \w+) of tables/;
	my ($temp) = $said =~ /meanwhile ([\d.]+ \w+) of temporary/;
	my $temp_before = temporary();
	query('CHECKPOINT');
	my ($wal_before, $size_before) = split /\|/, query($size);
	query(q{CALL sg_apply('p', fix => true)});
	my ($wal_after, $size_after) = split /\|/, query($size);
	is(query(q{SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step WHERE plan = 'p'}), 'validated', "$name is done") or diag($s->{err});
	foreach ([ 'WAL', $wal, $wal_after - $wal_before ], [ 'growth', $growth, $size_after - $size_before ],
		[ 'temporary files', $temp, temporary() - $temp_before ])
	{
		my ($what, $text, $is) = @$_;

		# what stays below 1 MB is not told
		next if $what ne 'WAL' && !defined $text && $is < 2 * 1024**2;
		my $ratio = defined $text ? bytes($text) / $is : 0;
		ok($ratio >= 0.5 && $ratio <= 2, sprintf("$name: $what: said %s, is %.1f MB, ratio %.2f", $text // 'nothing', $is / 1024**2, $ratio)) or diag($said);
	}
}

# WAL and tables are on one file system: what is free has to do for both, and for files of sorts
like(query(q{SELECT sg_plan_drop('p', force => true), sg_plan_create('p');
	SELECT sg_plan_add('p', 'CREATE INDEX t_i ON t (w, id)');
	SELECT detail FROM sg_plan_check_details('p') WHERE step = 0 AND check_name = 'disk'}),
	qr/the plan writes [\d.]+ MB of WAL, and [\d.]+ MB of tables and indexes; .* are free/, 'what tables grow by is added to WAL');

# What can't be told is said: what a trigger writes elsewhere, whether a value will be compressed, and how long it takes
query(q{DROP TABLE IF EXISTS r, t; CREATE TABLE t AS SELECT g AS id, g AS at FROM generate_series(1, 5000) g; CREATE TABLE history (at timestamptz, was jsonb);
	CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO history VALUES (now(), to_jsonb(OLD)); RETURN NEW; END';
	CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := 1; RETURN NEW; END';
	CREATE TRIGGER keeps BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION keep(); CREATE TRIGGER touches BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
	CREATE TRIGGER other BEFORE UPDATE OF id ON t FOR EACH ROW EXECUTE FUNCTION keep();
	CREATE TABLE x (id int, doc text); ALTER TABLE x ALTER doc SET STORAGE EXTERNAL; INSERT INTO x SELECT g, repeat('y', 8000) FROM generate_series(1, 1200) g; VACUUM ANALYZE t, x;
	SELECT sg_plan_drop('p', force => true), sg_plan_create('p');
	SELECT sg_plan_add_column('p', 't', 'n', 'int', fill => 'id + 1'), sg_plan_add_column('p', 'x', 'copy', 'text', fill => 'doc'),
	sg_plan_add_column('p', 'x', 'any', 'text', fill => 'repeat(md5(random()::text), 100)')});
my $told = query(q{SELECT string_agg(detail, E'\n' ORDER BY step) FROM sg_plan_check_details('p') WHERE check_name IN ('estimate', 'disk') AND step < 4});
like($told, qr/^writes .*, besides what trigger keeps writes, which is not known; how long it takes is not known here$/m, 'what a trigger writes is not counted');
like($told, qr/^writes at most [\d.]+ MB of WAL, and [\d.]+ MB of tables and indexes; how long/m, 'a value may be compressed where it goes');
like($told, qr/^writes .*, besides values of a fill, whose size is not known; how long/m, 'the size of values that are not computed is not known');
like($told, qr/^the plan writes at most .*, besides values of a fill, whose size is not known,/m, '... nor for the plan');
like($told, qr/^the plan writes at most .*, besides what trigger keeps writes, which is not known; .* are free$/m, '... and the same for the plan') or diag($told);
# An index compresses long values, and so does quarantine those that a table has as they are
query(q{CREATE TABLE long AS SELECT g AS id, repeat(md5(g::text), 40) AS w FROM generate_series(1, 2000) g; VACUUM ANALYZE long;
	SELECT sg_plan_drop('p', force => true), sg_plan_create('p');
	SELECT sg_plan_add('p', 'CREATE INDEX ON long (w)'), sg_plan_add_fk('p', 'x', '{id}', 'numbers', index => false, orphans => 'quarantine')});
is(query(q{SELECT string_agg(substring(detail FROM 'writes at most .* of WAL') IS NOT NULL || '', ' ') FROM sg_plan_check_details('p') WHERE check_name = 'estimate' AND step > 0}),
	'true true', 'what may be compressed where it goes is an upper bound');

# Rows that were not counted are said to be unknown, and the plan's figure is no "ok"
sub uncounted
{
	my ($name, $verify, $hint) = @_;
	my $rows = query(qq{SELECT step || ' ' || result || ' ' || detail || ' ' || coalesce(hint, '') FROM sg_plan_check_details('p', verify => '$verify') WHERE check_name IN ('disk', 'estimate') ORDER BY step, check_name});

	like($rows, qr/^0 warn the plan writes rows, of which it is not known how many; [\d.]+ \w+ are free Have the rows counted:$/m, "$name: what the plan writes is not known");
	like($rows, qr/^SELECT \* FROM public\.sg_plan_check\('p', verify => 'full'\);$/m, '... with the call that counts them');
	like($rows, qr/^1 \w+ .*writes rows, of which it is not known how many; how long .*not known.*$hint/m, '... nor what the step writes');
	like($rows, qr/^0 ok about .*, without mending rows, /m, '... nor the time') if $rows =~ /^0 ok about/m;
}
query(q{SELECT sg_plan_drop('p', force => true), sg_plan_create('p');
	SELECT sg_plan_add_fk('p', 'long', '{id}', 'numbers', index => false, orphans => 'quarantine')});
uncounted('a key whose rows are not read', 'none', ' Have rows read:');
my $holder = SgTest::Session->new($node);
$holder->query('BEGIN; LOCK TABLE long IN ACCESS EXCLUSIVE MODE');
uncounted('a key of a locked table', 'sample', ' Find out who:');
$holder->query('ROLLBACK');
$holder->quit;
query(q{SELECT sg_plan_drop('p', force => true), sg_plan_create('p'); SELECT sg_plan_add_check('p', 'long', 'id < 100', policy => 'quarantine')});
uncounted('a CHECK whose rows are not read', 'none', '');
$s->quit;
$node->stop('immediate');
done_testing();
