# 178_each_commit.pl: a server that dies right behind any commit of a call, between two steps or two batches of one, goes on from there.
#
# A plan with steps of all kinds that work in batches runs once, and is taken back once. What the server would have on its disk
# after a commit of these two calls is what a base backup has when the WAL is replayed up to that commit. There no row is lost, each
# step that is done is true, and the call, made once more, ends with the same tables as the one that nobody disturbed.
#
# Each twelfth commit; all with SG_LONG=1.
#
# rooms: change fix undo deploy
# takes: 20 s
# majors: one (kills; what kinds do is in regression tests)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $conf = "schemaguard.workers = 1\nschemaguard.fix_limit = -1\nschemaguard.fix_pause = 0\nschemaguard.fill_batch = 100\nshared_buffers = 16MB\nwal_keep_size = 1GB\n";
my $node = new_node('each', streaming => 1, conf => $conf);

sub ask { my ($on, $sql) = @_; return $on->safe_psql('postgres', "SET client_min_messages = warning; $sql"); }

# Rows of all tables, and those in quarantine
sub rows_of
{
	my ($on) = @_;

	return ask($on, <<'SQL');
SELECT relname, (xpath('/row/d/text()', query_to_xml(format('SELECT md5(string_agg(j::text, '','' ORDER BY j)) AS d FROM (SELECT to_jsonb(t) j FROM s.%I t) x', relname), true, false, '')))[1]
FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1;
SELECT md5(string_agg(data::text, ',' ORDER BY data)) FROM schemaguard.quarantine;
SQL
}

# Keys that are neither in a table nor in quarantine, in both, or twice; but what the policy delete was to take
sub lost
{
	my ($on) = @_;

	return ask($on, <<'SQL');
WITH now AS (SELECT id FROM s.t UNION ALL SELECT (data ->> 'id')::int FROM schemaguard.quarantine)
SELECT 'id ' || id || ' ' || count(now.id) || ' times' FROM generate_series(1, 2000) id LEFT JOIN now USING (id)
WHERE id % 100 <> 0 GROUP BY id HAVING count(now.id) <> 1
SQL
}

# Steps that say to be done, and are not
sub untrue
{
	my ($on) = @_;

	return ask($on, <<'SQL');
SELECT format('step %s, %s: %s', step, kind, state) FROM schemaguard.plan_step
WHERE state = 'validated' AND NOT CASE kind
	WHEN 'drop' THEN CASE definition WHEN 'table' THEN to_regclass('s.gone') IS NULL ELSE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 's.t'::regclass AND attname = 'old') END
	WHEN 'not null' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = 's.t'::regclass AND attname = 'city' AND attnotnull)
	WHEN 'column' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = 's.t'::regclass AND attname = 'twice') AND NOT EXISTS (SELECT FROM s.t WHERE to_jsonb(t) ->> 'twice' IS NULL)
	WHEN 'index' THEN EXISTS (SELECT FROM pg_index WHERE indrelid = 's.t'::regclass AND pg_get_indexdef(indexrelid) LIKE '%(city)' AND indisvalid)
	WHEN 'rename' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = 's.p'::regclass AND attname = 'title')
	WHEN 'statement' THEN to_regclass('s.cheap') IS NOT NULL
	ELSE EXISTS (SELECT FROM pg_constraint WHERE conname = fk_name AND convalidated AND connamespace = 's'::regnamespace) END
SQL
}

ask($node, <<'SQL');
CREATE SCHEMA s;
CREATE TABLE s.p (id int PRIMARY KEY, code text UNIQUE, name text);
CREATE TABLE s.t (id int PRIMARY KEY, p int, q int, p_id int, code text, price int, city text, old text NOT NULL DEFAULT 'o', mail text);
CREATE TABLE s.gone (id int PRIMARY KEY, x text);
INSERT INTO s.p SELECT g, 'c' || g, 'n' FROM generate_series(1, 100) g;
INSERT INTO s.gone SELECT g, 'x' FROM generate_series(1, 50) g;
INSERT INTO s.t SELECT g, 1 + g % 110, nullif(1 + g % 105, 103), NULL, 'c' || 1 + g % 100, g % 100, CASE WHEN g % 3 > 0 THEN 'c' END, 'o' || g, 'm' || g / 2 FROM generate_series(1, 2000) g;
SELECT sg_plan_create('a'),
	sg_plan_add_check('a', 's.t', 'price > 0', 'positive', policy => 'delete'),
	sg_plan_add_not_null('a', 's.t', 'city', policy => 'set', fill => '''none'''),
	sg_plan_add_unique('a', 's.t', '{mail}', policy => 'quarantine', keep_by => 'id'),
	sg_plan_add_fk('a', 's.t', '{p}', 's.p', fk_name => 'p_fk', orphans => 'quarantine', index => false),
	sg_plan_add_fk('a', 's.t', '{q}', 's.p', fk_name => 'q_fk', orphans => 'set null', index => false),
	sg_plan_add_fk('a', 's.t', '{p_id}', 's.p', '{id}', fk_name => 'code_fk', index => false, backfill => 'substr(code, 2)::int'),
	sg_plan_add_column('a', 's.t', 'twice', 'int', fill => 'price * 2'),
	sg_plan_add('a', 'ALTER TABLE s.t DROP COLUMN old'),
	sg_plan_add('a', 'DROP TABLE s.gone'),
	sg_plan_add('a', 'ALTER TABLE s.p RENAME name TO title'),
	sg_plan_add('a', 'CREATE VIEW s.cheap AS SELECT id FROM s.t WHERE price < 10', '{"undo": "DROP VIEW s.cheap"}'),
	sg_plan_add('a', 'CREATE INDEX ON s.t (city)');
SQL
$node->backup('base');
my $start = ask($node, 'SELECT pg_current_wal_insert_lsn()');
my $s = SgTest::Session->new($node);

# Makes a call; returns where it ends in the WAL, and what there is then
sub run
{
	my ($call) = @_;

	$s->query($call);
	is($s->sqlstate, '', "$call, undisturbed") or diag($s->{err});
	flush_wal($node);
	return (ask($node, 'SELECT pg_current_wal_insert_lsn()'), dump_of_schema($node, 's') . rows_of($node));
}

my @calls = ("CALL sg_apply('a', fix => true, fail => true)", "CALL sg_rollback_fks('a', fail => true)");
my @ends = map { my ($lsn, $all) = run($_); { call => $_, lsn => $lsn, all => $all, from => $_ eq $calls[0] ? $start : undef } } @calls;
$ends[1]{from} = $ends[0]{lsn};
$s->quit;
$node->stop;

# The transactions that a call has committed, in their order
sub commits
{
	my ($end) = @_;
	my $out;

	IPC::Run::run([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-s', $end->{from}, '-e', $end->{lsn}, '-r', 'Transaction' ], '>', \$out, '2>', \my $err);
	return $out =~ /tx:\s+(\d+), lsn: \S+ prev \S+ desc: COMMIT/g;
}

my $n = 0;
sub from_there
{
	my ($end, $xid, $which) = @_;
	my $copy = PostgreSQL::Test::Cluster->new('copy_' . ++$n);

	$copy->init_from_backup($node, 'base', standby => 0);
	$copy->append_conf('postgresql.conf', "restore_command = 'cp " . $node->data_dir . "/pg_wal/%f %p'\nrecovery_target_xid = $xid\nrecovery_target_action = promote\n");
	$copy->set_recovery_mode;
	$copy->start;
	$copy->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
	my @wrong = grep { $_ ne '' } lost($copy), $end == $ends[0] ? untrue($copy) : ();
	my ($ret, undef, $err) = $copy->psql('postgres', $end->{call});
	push @wrong, $err if $ret;
	push @wrong, grep { $_ ne '' && !/^rollback fix done/ } lost($copy), split /\n/, log_gaps($copy, 'a');
	is(join("\n", @wrong), '', "$which: no row is lost, what is done is true, and the call goes on");
	is_text(dump_of_schema($copy, 's') . rows_of($copy), $end->{all}, '... to the same end');
	$copy->stop('immediate');
	$copy->clean_node;
}

for my $end (@ends)
{
	my @commits = commits($end);
	my $turn = 0;

	cmp_ok(scalar @commits, '>', 40, "$end->{call}: commits");
	for my $i (0 .. $#commits)
	{
		from_there($end, $commits[$i], "$end->{call}, dead behind commit " . ($i + 1) . ' of ' . @commits) if long_run() || $i % 12 == seed() % 12;
	}
}
done_testing();
