# 161_low_space.pl: a server that is low on space: plans pause, and end; the server lives on.
#
# First the words, by a floor that no disk reaches: who is told what, and what does not look at it (rollbacks, restores, drops).
# Then a server on a file system of its own, of 420 MB: a backfill that would fill it to the last byte stops at the floor, and so do the
# build of an index and a quarantine of very many rows that go along with one orphan; the rest is done when there is room.  An audit whose
# temporary files would fill it gives up with `unknown`.
# Then one with pg_wal and a tablespace on file systems of their own: each is looked at, also where the data directory has room,
# before a build and for its temporary files, too; preflight tells of it.
#
# rooms: base run deploy fix
# majors: one (the operating system's answer does not depend on them)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use SgTest;
use SgLoad;
use SgFault;
use Test::More;

my $small = PostgreSQL::Test::Cluster->new('small');
my ($ask, @small_pids);

sub query
{
	my $out = $ask->query($_[0]);
	die "$_[0]: $ask->{err}" if $ask->{err} =~ /ERROR|FATAL|PANIC/;
	return $out;
}

sub states { return query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }

# ---------------------------------------------------------------------------------------------------------------------
# A floor that is above every disk
my $node = new_node('words');
$ask = SgTest::Session->new($node);
query(<<'SQL');
SET client_min_messages = error;
CREATE ROLE deployer LOGIN;
SELECT sg_grant('deployer');
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (a int, b int);
INSERT INTO c VALUES (1, NULL);
GRANT SELECT, REFERENCES ON p TO deployer;
ALTER TABLE c OWNER TO deployer;
SELECT sg_plan_create('mine');
SELECT sg_plan_add_fk('mine', 'c', '{b}', 'p', index => false);
SELECT sg_plan_create('clean');
SELECT sg_plan_add_fk('clean', 'c', '{a}', 'p', index => false, orphans => 'quarantine');
SELECT sg_plan_create('drop');
SELECT sg_plan_add('drop', 'ALTER TABLE c DROP COLUMN b');
SELECT sg_plan_create('slow');
SELECT sg_plan_add('slow', 'COMMENT ON TABLE c IS ''x''', '{"undo": "UPDATE public.c SET a = a WHERE (SELECT pg_catalog.pg_sleep(0.5)) IS NULL"}');
CALL sg_apply('slow');
SET ROLE deployer;
SELECT sg_plan_create('his');
SELECT sg_plan_add_fk('his', 'c', '{b}', 'p', index => false);
RESET ROLE;
SET client_min_messages = notice;
SQL
my $floor = q{SET schemaguard.throttle_budget = '10ms'; SET schemaguard.min_free_disk = '1000TB'};
my $s = SgTest::Session->new($node);
$s->query("$floor; CALL sg_add_fks('mine')");
like($s->{err}, qr/plan "mine" stopped: paused for schemaguard\.throttle_budget, 10 ms: the data directory has \d+ [kMGT]B of free space, less than schemaguard\.min_free_disk, 1000 TB/,
	'a call pauses, says why, and ends');
is(states('mine'), 'pending', '... before its step');
is(query(q{SELECT string_agg(phase, ' ' ORDER BY id) FROM schemaguard.audit_log WHERE plan = 'mine' AND action = 'throttle'}), 'started failed', '... the log has it');
like($s->query(q{SELECT result, detail, hint FROM sg_plan_check_details('mine') WHERE check_name = 'load'}),
	qr/^warn\|the run would pause now, .*: the data directory has \d+ .*\nSET schemaguard\.min_free_disk = '524288000MB';$/, 'sg_plan_check says so');
query(q{SELECT sg_plan_option('mine', 'min_free_disk', '2000TB')});
my ($set) = $s->query(q{SELECT hint FROM sg_plan_check_details('mine') WHERE check_name = 'load'}) =~ /^(SELECT .*;)$/m;
is($set, q{SELECT public.sg_plan_option('mine', 'min_free_disk', '1048576000MB');}, '... with the line that changes the option, if the plan has one of its own');
query($set);
like($s->query(q{SELECT hint FROM sg_plan_check_details('mine') WHERE check_name = 'load'}), qr/'524288000MB'/, '... which it does');
query(q{SELECT sg_plan_option('mine', 'min_free_disk', NULL)});
my $his = SgTest::Session->new($node, user => 'deployer');
$his->query("$floor; CALL sg_add_fks('his')");
like($his->{err}, qr/: the server is low on space, by schemaguard\.min_free_disk$/m, 'who is not of pg_monitor hears of no figure');
$his->query(q{SELECT sg_plan_option('his', 'min_free_disk', '0'); CALL sg_add_fks('his')});
is(states('his'), 'validated', 'it is an option of a plan, and 0 is no limit');
$his->quit;

query(q{CALL sg_add_fks('clean', fix => true)});
is(query('SELECT count(*) FROM c'), '0', 'a row is in quarantine');
$s->query(q{CALL sg_add_fks('clean', fix => true); CALL sg_apply('slow')});
unlike($s->{err}, qr/stopped|pauses/, 'a finished plan can be called again');
$s->query(q{CALL sg_rollback_fks('his', author => 'deployer')});
is($s->{err} =~ /stopped|pauses/ ? $s->{err} : states('his'), 'rolled back', 'a rollback is not held up by it');
$s->query(q{CALL sg_rollback_fks('slow')});
is($s->{err} =~ /stopped|pauses|cancelled/ ? $s->{err} : states('slow'), 'rolled back', '... nor while a statement of it runs');
like($s->{err}, qr/WARNING:  53100: plan "slow": the data directory has .*\nDETAIL:  A rollback goes on nevertheless/m, '... and warns');
query('ALTER TABLE c DROP CONSTRAINT c_a_fkey');
$s->query(q{CALL sg_restore_quarantine('clean')});
is($s->{err} =~ /stopped|pauses/ ? $s->{err} : query('SELECT count(*) FROM c'), '1', 'nor does a restore');
$s->query(q{CALL sg_apply('drop')});
is($s->{err} =~ /stopped|pauses/ ? $s->{err} : states('drop'), 'validated', 'nor does a step that drops');

# A quarantine that stops between two batches
$s->query(q{RESET ALL; CREATE TABLE parts (id int); INSERT INTO parts SELECT generate_series(1, 1000);
	CREATE FUNCTION is_enough() RETURNS boolean LANGUAGE sql AS 'SELECT count(*) > 200 FROM schemaguard.quarantine';
	SELECT sg_plan_create('parts'), sg_plan_add_fk('parts', 'parts', '{id}', 'p', index => false, orphans => 'quarantine');
	SET schemaguard.throttle_function = 'public.is_enough'; SET schemaguard.throttle_budget = '10ms'; SET schemaguard.fill_batch = 100;
	SET schemaguard.fix_limit = -1});
$s->query(q{CALL sg_apply('parts', fix => true)});
cmp_ok(query('SELECT count(*) FROM parts'), '>', 500, 'a quarantine stops between two batches');
is(query(q{SELECT summary || ': ' || next_call FROM sg_status() WHERE subject = 'leftovers'}),
	"plan parts has left key parts_id_fkey ON public.parts not valid: CALL public.sg_apply('parts', fix => true);", '... and sg_status tells');
is(query(q{SELECT detail || ': ' || hint FROM sg_plan_check_details('parts') WHERE check_name = 'leftovers'}),
	"plan parts has left key parts_id_fkey ON public.parts not valid: CALL public.sg_apply('parts', fix => true);", '... and so does sg_plan_check');

# ... and of a key whose fix has failed
query(q{ALTER TABLE parts DROP CONSTRAINT parts_id_fkey; SELECT sg_plan_create('refused'), sg_plan_add_fk('refused', 'parts', '{id}', 'p', fk_name => 'refused', index => false, orphans => 'delete');
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
	CREATE TRIGGER refuse BEFORE DELETE ON parts FOR EACH ROW EXECUTE FUNCTION refuse()});
$s->query(q{RESET schemaguard.throttle_function; CALL sg_apply('refused', fix => true)});
my $refused = q{SELECT next_call FROM sg_status() WHERE subject = 'leftovers' AND summary = 'plan refused has left key refused ON public.parts not valid'};
is(query($refused), "SELECT * FROM public.sg_plan_check('refused') WHERE result <> 'ok';", 'sg_status tells of a key that is not valid because its fix has failed') or diag($s->{err});
query('DROP TRIGGER refuse ON parts');
$s->query(q{CALL sg_apply('refused', fix => true)});
is(states('refused') . query($refused), 'validated', '... until a call has fixed it') or diag($s->{err});

# A disk that is full before the floor is seen
query(<<'SQL');
CREATE FUNCTION full_disk(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE 'secret' USING ERRCODE = 'disk_full'; END$$;
SELECT sg_plan_create('full');
SELECT sg_plan_add('full', 'CREATE INDEX broken ON c (full_disk(a))');
SQL
$s->query(q{RESET ALL; CALL sg_apply('full')});
like($s->{err}, qr/index failed: error 53100 \(disk full\), whose message could hold values$/m, 'a build that finds the disk full says so in words');
$_->quit for $s, $ask;
$node->stop('immediate');

# ---------------------------------------------------------------------------------------------------------------------
# A small disk
SKIP:
{
	my $data = $small->data_dir;

	$small->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	skip 'NOT TESTED: a full disk: no private file system can be mounted here', 1 unless can_mount($data);
	$small->append_conf('postgresql.conf',
		"log_statement = none\nautovacuum = off\nshared_buffers = 32MB\nmin_wal_size = 32MB\nmax_wal_size = 4GB\ncheckpoint_timeout = 1h\njit = off\n");
	push @small_pids, start_inside_small_disk($small, 420);
	$ask = SgTest::Session->new($small);
	query('CREATE EXTENSION schemaguard; CREATE TABLE df (line text)');

	# MB that are free, as the server's own file system has it
	my $free = sub { return query(q{TRUNCATE df; COPY df FROM PROGRAM 'df -P -B1048576 . | tail -n 1'; SELECT split_part(regexp_replace(line, ' +', ' ', 'g'), ' ', 4) FROM df}); };
	my $leave = sub {
		my ($left) = @_;
		query('CREATE UNLOGGED TABLE ballast (x text); ALTER TABLE ballast ALTER x SET STORAGE PLAIN');
		query("INSERT INTO ballast SELECT repeat('x', 8000) FROM generate_series(1, " . ($free->() - $left) * 128 . ")");
	};

	query(<<'SQL');
CREATE TABLE parent (code text PRIMARY KEY);
INSERT INTO parent SELECT 'code ' || g FROM generate_series(1, 100) g;
CREATE TABLE filled (id int, code text, t text);
INSERT INTO filled SELECT g, NULL, repeat('x', 400) FROM generate_series(1, 110000) g;
CHECKPOINT;
CHECKPOINT;
SELECT sg_plan_create('fill');
SELECT sg_plan_add_fk('fill', 'filled', '{code}', 'parent', '{code}', index => false, backfill => $$'code ' || (1 + id % 100)$$);
SQL
	$leave->(90);
	$s = SgTest::Session->new($small);
	$s->query(q{SET schemaguard.throttle_budget = '10ms'; CALL sg_add_fks('fill')});
	like($s->{err}, qr/plan "fill" stopped: paused for .*: the data directory has \d+ [kM]B of free space, less than schemaguard\.min_free_disk, 64 MB/,
		'a backfill that would fill the disk stops at the floor');
	my ($done, $left) = (query('SELECT count(code) FROM filled'), $free->());
	cmp_ok($done, '>', 0, "... after some of its rows: $done");
	cmp_ok($done, '<', 110000, '... not all');
	cmp_ok($left, '>', 32, "... with room left: $left MB");
	like(query(q{SELECT reason FROM schemaguard.plan_step WHERE plan = 'fill'}),
		qr/^stopped: paused for .*: the data directory has \d+ [kM]B of free space, less than schemaguard\.min_free_disk, 64 MB; to go on: CALL public\.sg_add_fks\('fill'\);$/, '... its step says why, and how it goes on');
	is(query('SELECT 1'), '1', 'the server goes on');
	query('DROP TABLE ballast; CHECKPOINT');
	$s->query(q{CALL sg_add_fks('fill')});
	is(states('fill'), 'validated', 'with room, the next call does the rest') or diag($s->{err});
	is(query(q{SELECT count(*) FROM filled WHERE code IS DISTINCT FROM 'code ' || (1 + id % 100)}), '0', '... of all rows');

	# Three orphans, to one of which 150,000 rows refer, and rows to some of these
	query(<<'SQL');
DROP TABLE filled;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE w (id int PRIMARY KEY, pid int);
CREATE TABLE d (id int PRIMARY KEY, wid int REFERENCES w ON DELETE CASCADE, t text);
CREATE TABLE e (did int REFERENCES d ON DELETE SET NULL);
INSERT INTO w SELECT g, g FROM generate_series(1, 3) g;
INSERT INTO d SELECT g, 1, repeat('x', 100) FROM generate_series(1, 150000) g;
INSERT INTO e SELECT g FROM generate_series(1, 3000) g;
CREATE INDEX ON d (wid);
CREATE INDEX ON e (did);
ANALYZE;
CHECKPOINT;
CHECKPOINT;
SELECT sg_plan_create('many');
SELECT sg_plan_add_fk('many', 'w', '{pid}', 'p', index => false, orphans => 'quarantine', quarantine_cascades => true);
SQL
	$leave->(90);
	$s->query(q{SET schemaguard.fix_pause = 0; CALL sg_add_fks('many', fix => true, max_rows => 200000)});
	# between two batches, or in the middle of one
	like($s->{err}, qr/plan "many" stopped: (?:paused for .*|the statement was cancelled): the data directory has \d+ [kM]B of free space, less than schemaguard\.min_free_disk, 64 MB/,
		'a quarantine of very many rows that refer to one orphan stops at the floor');
	$done = query('SELECT count(*) FROM schemaguard.quarantine');
	$left = $free->();
	cmp_ok($done, '>', 0, "... after some of them: $done");
	cmp_ok($left, '>', 32, "... with room left: $left MB");
	cmp_ok(query('SELECT max(n) FROM (SELECT count(*) AS n FROM schemaguard.quarantine GROUP BY xmin::text) x'), '<=', 6000, '... by transactions of a limited size');
	is(query('SELECT count(*) FROM w'), '3', '... the orphans are there');
	is(query('SELECT count(*) FROM e LEFT JOIN d ON d.id = e.did WHERE d.id IS NULL'), '0', '... and whatever rows refer to');
	query('DROP TABLE ballast; CHECKPOINT');
	query(q{CALL sg_rollback_fks('many')});
	is(query('SELECT (SELECT count(*) FROM d) || \' \' || (SELECT count(*) FROM e WHERE did IS NOT NULL) || \' \' || (SELECT count(*) FROM schemaguard.quarantine)'),
		'150000 3000 0', 'with room, all come back');
	query(q{UPDATE d SET wid = NULL WHERE id > 5000; CALL sg_add_fks('many', fix => true, max_rows => 200000)});
	is(states('many') . ' ' . query('SELECT count(*) FROM schemaguard.quarantine'), 'validated 8003', '... or go, the orphans last');
	query(q{CALL sg_rollback_fks('many'); DROP TABLE w, d, e, p});

	# Rows that refer to each other in circles go in one transaction, which is not begun where it has no room
	query(<<'SQL');
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE, down int REFERENCES tree ON DELETE CASCADE, other int REFERENCES tree ON DELETE CASCADE, pid int);
INSERT INTO tree SELECT t + g, t + nullif(g / 2, 0), CASE WHEN g < 2500 THEN t + 2 * g END, CASE WHEN g < 2500 THEN t + 2 * g + 1 END, CASE WHEN g = 1 THEN 1 END
	FROM generate_series(0, 10000, 10000) t, generate_series(1, 4999) g;
CREATE INDEX ON tree (up);
CREATE INDEX ON tree (down);
CREATE INDEX ON tree (other);
ANALYZE tree;
SELECT sg_plan_create('circles');
SELECT sg_plan_add_fk('circles', 'tree', '{pid}', 'p', index => false, orphans => 'quarantine', quarantine_cascades => true);
CHECKPOINT;
SQL
	$s->query(sprintf q{SET schemaguard.fill_batch = 1000; SET schemaguard.min_free_disk = '%dMB'; CALL sg_add_fks('circles', fix => true, max_rows => 20000); RESET schemaguard.min_free_disk}, $free->() - 4);
	like($s->{err}, qr/plan "circles" stopped: 4999 rows have to go in one transaction, which takes about \d MB; then the file system of the tables has \d+ [kM]B of free space/, 'rows that go in one transaction need room for all of them');
	is(query('SELECT count(*) FROM schemaguard.quarantine'), '0', '... so that none goes');
	like(query(q{SELECT state || ' ' || reason FROM schemaguard.plan_step WHERE plan = 'circles'}), qr/^added stopped: 4999 rows have .*; to go on: CALL public\.sg_add_fks\('circles'/, '... and the next call goes on');
	like(query(q{SELECT message FROM schemaguard.audit_log WHERE plan = 'circles' AND action = 'fix' AND phase = 'skipped' ORDER BY id LIMIT 1}),
		qr/^half as many rows are next: \d+ rows have to go/, '... after smaller batches');
	$s->query(q{CALL sg_add_fks('circles', fix => true, max_rows => 20000)});
	is(states('circles') . query('SELECT count(*) FROM schemaguard.quarantine'), 'validated9998', '... to the end, where there is room') or diag($s->{err});
	query(q{DROP TABLE tree, p; TRUNCATE schemaguard.quarantine});

	# A batch of wide rows takes the room while it runs: it is undone, and its step has not failed
	query(<<'SQL');
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE broad (id int, t text);
ALTER TABLE broad ALTER t SET STORAGE EXTERNAL;
INSERT INTO broad SELECT g, (SELECT string_agg(md5(g::text || i), '') FROM generate_series(1, 30000) i) FROM generate_series(1, 20) g;
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.4); RETURN OLD; END$$;
CREATE TRIGGER slowly BEFORE DELETE ON broad FOR EACH ROW EXECUTE FUNCTION slowly();
SELECT sg_plan_create('broad');
SELECT sg_plan_add_fk('broad', 'broad', '{id}', 'p', index => false, orphans => 'quarantine');
CHECKPOINT;
SQL
	$s->query(sprintf q{SET schemaguard.min_free_disk = '%dMB'; CALL sg_add_fks('broad', fix => true); RESET schemaguard.min_free_disk}, $free->() - 6);
	like($s->{err}, qr/plan "broad" stopped: (?:paused for .*|the statement was cancelled): the data directory has/, 'a batch that takes the last room ends the call') or diag($s->{err});
	like(query(q{SELECT state || ' ' || reason FROM schemaguard.plan_step WHERE plan = 'broad'}), qr/^added stopped: /, '... resumable');
	like(query(q{SELECT string_agg(phase || ' ' || coalesce(message, ''), E'\n' ORDER BY id) FROM schemaguard.audit_log WHERE plan = 'broad' AND action = 'fix' AND phase <> 'started'}),
		qr/^skipped half as many rows are next: the statement was cancelled: the data directory has \d+ [kM]B/m, '... the next batch would have been half as large');
	query('DROP TRIGGER slowly ON broad');
	$s->query(q{CALL sg_add_fks('broad', fix => true)});
	is(states('broad'), 'validated', 'with room, the next call does the rest') or diag($s->{err});
	query(q{DROP TABLE broad, p; TRUNCATE schemaguard.quarantine});

	# A build waits for a transaction that has written to its table, while space runs low
	query(<<'SQL');
CHECKPOINT;
CREATE TABLE target (id int PRIMARY KEY);
CREATE TABLE indexed (ref int);
SELECT sg_plan_create('build');
SELECT sg_plan_add_fk('build', 'indexed', '{ref}', 'target');
SQL
	my $writer = SgTest::Session->new($small);
	$writer->query('BEGIN; INSERT INTO indexed VALUES (NULL)');
	$s->send(q{RESET schemaguard.throttle_budget; CALL sg_add_fks('build')});
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for%'") eq '1' }), 'an index is being built');
	$leave->(50);
	ok(wait_for(sub { query(q{SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'build' AND action = 'index' AND phase = 'failed'}) eq '1' }),
		'the build is cancelled when space is low');
	like(query(q{SELECT sqlstate || ' ' || message FROM schemaguard.audit_log WHERE plan = 'build' AND action = 'index' AND phase = 'failed'}),
		qr/^53100 the build was cancelled: the data directory has \d+ [kM]B of free space, less than schemaguard\.min_free_disk, 64 MB; to go on: CALL public\.sg_add_fks\('build'\);$/, '... the log says why');
	$writer->query('COMMIT');
	$s->collect;
	like($s->{err}, qr/plan "build" stopped: the data directory has \d+ [kM]B of free space/, '... and the call ends');
	is(query('SELECT count(*) FROM pg_index WHERE indrelid = \'indexed\'::regclass'), '0', '... leaving no index');
	query('DROP TABLE ballast; CHECKPOINT');
	$s->query(q{CALL sg_add_fks('build')});
	is(states('build') . ' ' . query('SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = \'indexed\'::regclass'), 'validated 1',
		'with room, the next call builds it') or diag($s->{err});
	$writer->quit;

	# The build of an index that has no room is not begun; one of unknown size is cancelled in time, whatever its speed
	query(<<'SQL');
DROP TABLE indexed;
CREATE UNLOGGED TABLE wide (id int, t text);
INSERT INTO wide SELECT g, repeat('x', 200) FROM generate_series(1, 400000) g;
VACUUM ANALYZE wide;
SELECT sg_plan_create('wide');
SELECT sg_plan_add('wide', 'CREATE INDEX wide_i ON wide (id) INCLUDE (t)');
SELECT sg_plan_create('some');
SELECT sg_plan_add('some', 'CREATE INDEX wide_i ON wide (id) INCLUDE (t) WHERE id > 0');
CHECKPOINT;
CHECKPOINT;
SQL
	$leave->(110);
	$s->query(q{CALL sg_apply('wide')});
	like($s->{err}, qr/step 1, [\w.]*wide_i: index failed: the build would take about \d+ MB, and the WAL of the index; then the file system of the tables has \d+ (?:bytes|[kM]B) of free space, less than schemaguard\.min_free_disk, 64 MB/,
		'the build of an index that has no room says so');
	like(query(q{SELECT state || ' ' || reason FROM schemaguard.plan_step WHERE plan = 'wide'}), qr/^failed .*the build would take about /, '... its step too');
	is(query(q{SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'wide' AND sqlstate = '53100'}), '1', '... and the log');
	is(query(q{SELECT count(*) FROM pg_class WHERE relname = 'wide_i'}), '0', '... no index is left');
	my $least = $free->();
	$s->send(q{SET maintenance_work_mem = '1MB'; CALL sg_apply('some')});
	until ($s->is_done) { my $now = $free->(); $least = $now if $now < $least; }
	$s->collect;
	like($s->{err}, qr/step 1, [\w.]*wide_i: index failed: the build was cancelled: the data directory has \d+ [kM]B of free space/, 'the build of one whose size is not known is cancelled in time');
	cmp_ok($least, '>', 0, "... with room left: $least MB");
	query('DROP TABLE ballast; TRUNCATE wide');
	$s->query(q{RESET maintenance_work_mem; CALL sg_apply('wide')});
	is(states('wide'), 'validated', 'with room, the next call builds it') or diag($s->{err});

	# A statement of a plan that writes a table anew, in the call's session or outside of a transaction, is cancelled in time
	query(<<'SQL');
DROP TABLE wide;
CREATE TABLE written (id int, t text);
INSERT INTO written SELECT g, repeat('x', 200) FROM generate_series(1, 90000) g;
CREATE INDEX written_t ON written (id, t);
VACUUM ANALYZE written;
SELECT sg_plan_create('rewrite');
SELECT sg_plan_add('rewrite', 'ALTER TABLE written ALTER COLUMN id TYPE bigint');
SELECT sg_plan_create('undone');
SELECT sg_plan_add('undone', 'COMMENT ON TABLE written IS ''x''', '{"undo": "UPDATE public.written SET id = id WHERE (SELECT pg_catalog.pg_sleep(60)) IS NULL"}');
CALL sg_apply('undone');
SELECT sg_plan_create('sum');
SELECT sg_plan_add('sum', 'CREATE INDEX written_i ON written (t, id)');
SELECT sg_plan_create('anew');
SELECT sg_plan_add('anew', 'REINDEX TABLE CONCURRENTLY written');
CHECKPOINT;
SELECT pg_switch_wal();
CHECKPOINT;
SQL
	# the index alone, its WAL and the files of its sort would leave enough, all together do not
	$leave->(100);
	$s->query(q{CALL sg_apply('sum')});
	like($s->{err}, qr/written_i: index failed: the build would take about \d+ MB, .* less than schemaguard\.min_free_disk, 64 MB/, 'what a build takes on one file system is added up');
	query('DROP TABLE ballast');
	foreach my $plan ('rewrite', 'anew')
	{
		$leave->(72);
		like(query("SELECT detail FROM sg_plan_check_details('$plan') WHERE check_name = 'disk' AND step = 0"), qr/writes [\d.]+ MB of WAL, and [\d.]+ MB of tables and indexes; [\d.]+ MB are free$/,
			"$plan: preflight says how much it writes");
		$least = $free->();
		$s->send("CALL sg_apply('$plan')");
		until ($s->is_done) { my $now = $free->(); $least = $now if $now < $least; }
		$s->collect;
		like($s->{err}, qr/statement failed: the statement was cancelled: the data directory has \d+ [kM]B of free space, less than/, '... it is cancelled, and says why');
		cmp_ok($least, '>', 8, "... with room left: $least MB");
		is(query(q{SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE NOT indisvalid}), '', '... its copies of indexes are gone') if $plan eq 'anew';
		if ($plan eq 'rewrite')
		{
			$s->send("CALL sg_rollback_fks('undone')");
			ok(wait_for(sub { query(q{SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'}) eq '1' }), 'a rollback in the same session is cancelled');
			$s->collect;
			like($s->{err}, qr/ERROR: +57014/, '... and ends by that, not for want of space');
		}
		query('DROP TABLE ballast; CHECKPOINT');
		query('CHECKPOINT');
		query('DROP INDEX IF EXISTS written_t_ccnew');
		$s->query("CALL sg_apply('$plan')");
		is(states($plan), 'validated', '... with room, the next call does it') or diag($s->{err});
	}

	# The temporary files of an audit stop at the floor; keys that need none are judged, also below it
	query(<<'SQL');
DROP TABLE written;
CREATE TABLE few (n int PRIMARY KEY);
INSERT INTO few VALUES (1);
CREATE UNLOGGED TABLE spilling (code text, n int);
INSERT INTO spilling SELECT md5(g::text), 1 FROM generate_series(1, 800000) g;
VACUUM ANALYZE spilling;
SELECT sg_plan_create('audit');
SELECT sg_plan_add_fk('audit', 'spilling', '{code}', 'parent', '{code}', index => false), sg_plan_add_fk('audit', 'spilling', '{n}', 'few', index => false);
CHECKPOINT;
SQL
	foreach my $method ('scan', 'sql')
	{
		$s->query("SET schemaguard.audit_memory = '1MB'; SET schemaguard.audit_method = '$method'");
		$leave->(86);
		$least = $free->();
		$s->send(q{SELECT result, reason FROM sg_orphan_audit_details(plan => 'audit') ORDER BY fk_name});
		until ($s->is_done) { my $now = $free->(); $least = $now if $now < $least; }
		like($s->collect, qr/^unknown\|it was cancelled because of its temporary files: the data directory has \d+ [kM]B of free space, less than schemaguard\.min_free_disk, 64 MB\npass\|$/,
			"audit ($method): a key whose temporary files would fill the disk is unknown, and says why; another one is judged") or diag($s->{err});
		cmp_ok($least, '>', 16, "... with room left: $least MB");
		query('DROP TABLE ballast');
		$leave->(50);
		is($s->query(q{SELECT result FROM sg_orphan_audit_details(plan => 'audit') WHERE fk_name = 'spilling_n_fkey'}), 'pass', '... below the floor, too');
		query('DROP TABLE ballast');
		is($s->query(q{SELECT result FROM sg_orphan_audit_details(plan => 'audit') WHERE fk_name <> 'spilling_n_fkey'}), 'fail', '... with room, all are') or diag($s->{err});
	}
	$_->quit for $s, $ask;
	unlike(PostgreSQL::Test::Utils::slurp_file($small->logfile), qr/PANIC/, 'no PANIC');

	# pg_wal has 72 MB, of which the segment that is written takes 16; so has the tablespace, of which a table takes some
	my $apart = PostgreSQL::Test::Cluster->new('apart');
	my $tablespace = $apart->basedir . '/tablespace';
	$apart->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	mkdir $tablespace;
	$apart->append_conf('postgresql.conf', "log_statement = none\nautovacuum = off\nmin_wal_size = 32MB\nmax_wal_size = 32MB\n");
	push @small_pids, start_inside_small_disk($apart, 72, $apart->data_dir . '/pg_wal', $tablespace);
	$_ = SgTest::Session->new($apart) for $ask, $s;
	query(<<"SQL");
CREATE EXTENSION schemaguard;
CREATE TABLESPACE apart LOCATION '$tablespace';
CREATE TABLE checked (id int);
SELECT sg_plan_create('apart');
SELECT sg_plan_add_check('apart', 'checked', 'id > 0');
CHECKPOINT;
SELECT pg_switch_wal();
CHECKPOINT;
SQL
	$s->query(q{SET schemaguard.throttle_budget = '10ms'; CALL sg_apply('apart')});
	like($s->{err}, qr/plan "apart" stopped: paused for .*: pg_wal has 5\d MB of free space, less than schemaguard\.min_free_disk, 64 MB/,
		'pg_wal on a file system of its own: segments ahead are room, the one that is written is not');
	query("COPY (SELECT repeat('x', 1000000) FROM generate_series(1, 32)) TO '$tablespace/ballast'");
	$s->query(q{SET schemaguard.min_free_disk = '48MB'; SET temp_tablespaces = apart; CALL sg_apply('apart')});
	like($s->{err}, qr/plan "apart" stopped: paused for .*: tablespace apart has \d+ [kM]B of free space, less than schemaguard\.min_free_disk, 48 MB/,
		'so is a tablespace of temporary files, without any of this database');
	query("COPY (SELECT 1) TO '$tablespace/ballast'");
	$s->query('RESET temp_tablespaces; RESET schemaguard.min_free_disk');

	# an index and its sort take more than 24 MB of the 72
	query(q{CREATE UNLOGGED TABLE wide (x text); INSERT INTO wide SELECT md5(g::text) FROM generate_series(1, 700000) g; ANALYZE wide;
		SELECT sg_plan_create('there'); SELECT sg_plan_add('there', 'CREATE INDEX wide_there ON wide (x) TABLESPACE apart');
		SELECT sg_plan_create('sorted'); SELECT sg_plan_add('sorted', 'CREATE INDEX wide_sorted ON wide (x)')});
	my $told = "SELECT result, detail FROM sg_plan_check_details('%s') WHERE check_name = 'disk' AND detail ~ 'apart'";
	my $low = qr/tablespace apart|the file system of the tables/;
	$s->query(q{SET schemaguard.min_free_disk = '48MB'});
	like($s->query(sprintf $told, 'there'), qr/^warn\|tablespace apart gets [\d.]+ MB of tables and indexes; [\d.]+ MB are free: then $low has \d+ MB of free space/,
		'preflight tells what a tablespace gets');
	$s->query(q{CALL sg_apply('there')});
	like($s->{err}, qr/the build would take about \d+ MB, .*then $low has/, '... and the build is not begun');
	query('ALTER DATABASE postgres SET temp_tablespaces = apart');
	query(q{ALTER DATABASE postgres SET maintenance_work_mem = '1MB'});
	$s->quit;
	$s = SgTest::Session->new($apart);
	$s->query(q{SET schemaguard.min_free_disk = '48MB'});
	like($s->query(sprintf $told, 'sorted'), qr/^warn\|temporary files take [\d.]+ MB: then tablespace apart has \d+ MB of free space/, 'and of temporary files');
	$s->query(q{CALL sg_apply('sorted')});
	like($s->{err}, qr/the build would take about \d+ MB, .*then tablespace apart has/, '... for which the build is not begun either');

	# values that the index may compress are no reason not to begin
	query(q{CREATE UNLOGGED TABLE long AS SELECT repeat(md5(g::text), 40) AS x FROM generate_series(1, 20000) g; ANALYZE long;
		SELECT sg_plan_create('shorter'); SELECT sg_plan_add('shorter', 'CREATE INDEX long_shorter ON long (x) TABLESPACE apart')});
	like($s->query(sprintf $told, 'shorter'), qr/^warn\|tablespace apart gets [\d.]+ MB of tables and indexes; [\d.]+ MB are free: then $low has/m, 'values that an index may compress');
	$s->query(q{CALL sg_apply('shorter')});
	is(states('shorter'), 'validated', '... are no reason not to build it') or diag($s->{err});
	query('DROP TABLE long');
	query('ALTER DATABASE postgres RESET ALL; DROP TABLE wide');
	$s->quit;
	$s = SgTest::Session->new($apart);
	$s->query(q{SET schemaguard.throttle_budget = '10ms'});

	query(q{CREATE UNLOGGED TABLE ballast (x text) TABLESPACE apart; ALTER TABLE ballast ALTER x SET STORAGE PLAIN; INSERT INTO ballast SELECT repeat('x', 8000) FROM generate_series(1, 4000)});
	$s->query(q{SET schemaguard.min_free_disk = '48MB'; CALL sg_apply('apart')});
	like($s->{err}, qr/plan "apart" stopped: paused for .*: tablespace apart has \d+ [kM]B of free space, less than schemaguard\.min_free_disk, 48 MB/,
		'so is a tablespace looked at');
	query('DROP TABLE ballast');
	$s->query(q{CALL sg_apply('apart')});
	is(states('apart'), 'validated', 'with room in both, the step is done') or diag($s->{err});
	$_->quit for $s, $ask;
}

# Cluster.pm does not see the postmaster.pid of these servers
END
{
	my $status = $?;
	kill 'QUIT', @small_pids;
	wait_for(sub { !kill 0, $_ }) for @small_pids;
	$? = $status;
}

done_testing();
