# 175_watch.pl: sg_watch_start(), sg_watch() and the samples of sg_stats_take(), with pg_stat_statements and without.
#
#   - rollbacks, deadlocks, waits for locks and slow statements since a plan ran are told beside those of before, with their time
#   - they count for go or no-go by rows of schemaguard.go_rule, and are in the report
#   - what was reset between is left out; a clock that was set back adds nothing
#   - what a role may not see is missing, never 0; a watch by somebody else does not count
#
# rooms: report
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $node = new_node('watch', conf => "shared_preload_libraries = 'pg_stat_statements'\ndeadlock_timeout = 100ms\npg_stat_statements.track_utility = off\nrestart_after_crash = on\n");

plan skip_all => 'pg_stat_statements is not here' unless has_extension($node, 'pg_stat_statements');

# The rows of sg_watch() about one figure
sub watch { my ($like, $columns, %opt) = @_; return $node->safe_psql('postgres', "SELECT $columns FROM sg_watch('shop') WHERE metric LIKE '$like'", extra_params => [ '-U', $opt{user} // 'postgres' ]); }

# Counters of sessions are there when these have ended
sub sample { my ($n) = @_; $node->safe_psql('postgres', 'SELECT pg_stat_force_next_flush(), schemaguard.sg_stats_take()'); return; }

sub works
{
	my ($n, $rollbacks, $seconds) = @_;

	$node->safe_psql('postgres', join '', map { "SELECT pg_sleep($seconds);" } 1 .. $n) if $seconds;
	$node->psql('postgres', "\\set ON_ERROR_STOP off\n" . 'SELECT 1/0;' x $rollbacks . 'SELECT 2;' x $n);
}

$node->safe_psql('postgres', q{
	CREATE TABLE p (id int PRIMARY KEY);
	CREATE TABLE c (id int PRIMARY KEY, p int);
	INSERT INTO p SELECT generate_series(1, 10);
	CREATE ROLE app LOGIN;
	CREATE ROLE author LOGIN;
	CREATE ROLE seer LOGIN;
	GRANT SELECT ON p, c TO author;
	SELECT sg_grant('author');
	SELECT sg_plan_create('shop');
	SELECT sg_plan_allow('shop', 'seer');
	SELECT sg_plan_add_fk('shop', 'c', 'p', 'p');
});

# Without the extension
is(error_of($node, q{SELECT * FROM sg_watch('shop')}), '42704', 'nobody watches');
like($SgTest::message, qr/sg_watch_start\('shop'\)/, 'the hint begins');
is(error_of($node, q{SELECT * FROM sg_watch()}), '42704', 'nor anything else');
is(error_of($node, q{SELECT * FROM sg_watch('nothing')}), '42704', 'there is no such plan');
is(error_of($node, q{SELECT sg_watch_start('nothing')}), '42704', 'to watch neither');
is(error_of($node, qq{SELECT sg_watch_start('shop', $_)}), '22023', "hours: $_") foreach 0, 721;
is(error_of($node, q{SELECT sg_watch_start('shop')}, user => 'app'), '42501', 'nor by anybody');
is(error_of($node, q{SELECT sg_watch_start('shop')}, user => 'author'), '42501', 'nor one that the role may not read');
unlike($node->safe_psql('postgres', q{SELECT metric FROM schemaguard.sg_go_rules('shop')}), qr/watch/, 'no rule asks for what nobody watches');
like($node->safe_psql('postgres', q{SELECT sg_report('shop')}), qr/The plan is not watched.*it is not watched \| SELECT public\.sg_watch_start\('shop'\)/s, 'the report says so');
$node->safe_psql('postgres', q{SELECT sg_watch_start('shop')});
sample();
is(watch('statements', 'result, reason'), 'unknown|extension pg_stat_statements is not in this database', 'without pg_stat_statements that is said');
unlike($node->safe_psql('postgres', q{SELECT metric FROM schemaguard.sg_go_rules('shop')}), qr/call|statement/, 'and not asked for');

# Before: a sample, and work
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
$node->safe_psql('postgres', 'SELECT pg_stat_reset(), pg_stat_statements_reset()');
works(1, 40);                # years ago
sample();
works(30, 0, 0.001);
sample();
$node->safe_psql('postgres', q{SELECT sg_watch_start('shop', 24)});
is(watch('errors of new keys', 'result'), 'unknown', 'what can not be known is said');
is(watch('rollbacks%', 'result, reason'), 'unknown|the plan has not run since the watch began', 'nor has the plan run');
sample();
is($node->safe_psql('postgres', q{SELECT DISTINCT reason FROM schemaguard.sg_go_rules('shop') WHERE reason LIKE 'no sample%'}, extra_params => [ '-U', 'seer' ]),
	'no sample since the watch began that this role may see: sg_stats_take() takes them', 'who may not see it is told so');
$node->safe_psql('postgres', q{CALL sg_apply('shop')});
is(watch('rollbacks%', 'result, reason'), 'unknown|no sample since the plan ran: sg_stats_take() takes them', 'nor is there a sample since');

# A day as before
works(30, 0, 0.001);
sample();
is(watch($_, 'result'), 'pass', "as before: $_") foreach 'rollbacks%', 'deadlocks%', 'longest wait%';
isnt(watch('a statement%', 'result'), 'fail', 'as before: no statement is slower');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.sg_go_rules('shop') WHERE metric LIKE 'watch:%' AND verdict = 'go'}) >= 3 ? 1 : 0, 1, 'the rules go');

# Calls of schemaguard are none of the application's, nor is what runs in them, nor what names its tables; a name that is like one is
{
	local $ENV{PGOPTIONS} = '-c pg_stat_statements.track=all -c pg_stat_statements.track_utility=on';
	my $calls = sub { return $node->safe_psql('postgres', q{SELECT schemaguard.sg_stats_statements(1) ->> 'calls'}) };
	my $before = $calls->();

	$node->safe_psql('postgres', q{CALL sg_fix_orphans('shop', dry_run => true); SELECT count(*) FROM sg_watch('shop'); SELECT count(*) FROM schemaguard.stats});
	is($calls->() - $before, 0, 'calls of schemaguard do not count');
	$node->safe_psql('postgres', "/* a ** comment **/ alter table p add column more int; -- and\n\nALTER TABLE p DROP more; CREATE INDEX CONCURRENTLY p_more ON p (id); DROP INDEX p_more; ANALYZE p");
	is($calls->() - $before, 0, 'nor does what defines or maintains objects');
	$node->safe_psql('postgres', q{CREATE FUNCTION pg_temp.sg_other() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM p); END'; SELECT pg_temp.sg_other(); SELECT pg_temp.sg_other()});
	is($calls->() - $before, 2, 'those of the application do, once a call');
}

# A bad one
my $worse = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
works(30, 50, 0.03);
{
	my ($a, $b) = map { SgTest::Session->new($node) } 1 .. 2;

	$a->query('BEGIN; UPDATE p SET id = id WHERE id = 1');
	$b->query('BEGIN; UPDATE p SET id = id WHERE id = 2');
	$a->send('UPDATE p SET id = id WHERE id = 2');
	$b->query('UPDATE p SET id = id WHERE id = 1');
	$a->collect();
	$_->query('ROLLBACK') foreach $a, $b;
	$_->query('SELECT pg_stat_force_next_flush()') foreach $a, $b;
	$a->query('BEGIN; LOCK TABLE c');
	$b->send('SELECT count(*) FROM c');
	ok(wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE NOT granted AND waitstart < clock_timestamp() - interval '1100 ms'}) eq '1' }, 60), 'somebody waits');
	sample();
	$a->query('COMMIT');
	$b->collect();
}
is(watch('rollbacks%', "result, change > 10, since >= date_trunc('second', '$worse'::timestamptz)"), 'fail|t|t', 'rollbacks, and since when');
is(watch('deadlocks%', "result, before, now > 0, since >= date_trunc('second', '$worse'::timestamptz)"), 'fail|0.000|t|t', 'a deadlock');
is(watch('longest wait%', 'result, change > 1000'), 'fail|t', 'a wait for a lock');
is(watch('a statement%', "result, change > 50"), 'fail|t', 'a statement');
is(watch('statement %', "count(*), min(change) > 50, min(since) >= date_trunc('second', '$worse'::timestamptz), min(now) > 10, min(before) < 10"), '1|t|t|t|t', 'which one, and since when');
is($node->safe_psql('postgres', q{SELECT schemaguard.sg_go('shop')}), 'hold', 'so the plan is on hold at best');
like($node->safe_psql('postgres', q{SELECT sg_report('shop')}), qr/## 24 hours after\n.*Samples since: 2; before: \d+\..*\| fail \| deadlocks, a day more/s, 'the report has it');

# A rule of one's own counts in place of what is shipped
$node->safe_psql('postgres', q{INSERT INTO schemaguard.go_rule (plan, metric, target, weight) VALUES ('shop', 'watch: rollbacks, points more', 100, 'no-go')});
is(watch('rollbacks%', 'result, "limit"'), 'pass|<= 100', 'limits are rows of go_rule');

# Who may not see the samples is told nothing, nor does somebody else's watch count
$node->safe_psql('postgres', q{SELECT sg_plan_allow('shop', 'author')});
is(watch('rollbacks%', 'result, now', user => 'author'), 'unknown|', 'what a role may not see is unknown');
$node->safe_psql('postgres', q{SELECT sg_watch_start('shop')}, extra_params => [ '-U', 'author' ]);
is(watch('deadlocks%', 'result'), 'fail', 'a watch that another role begins does not hide it');
# Without a plan it is the last one of the caller, or of a superuser: never the one that anybody else has begun since
$node->safe_psql('postgres', q{SELECT sg_plan_create('theirs'); SELECT sg_watch_start('theirs')}, extra_params => [ '-U', 'author' ]);
my $followed = q{SELECT w.name, (SELECT count(*) FROM sg_watch() r WHERE r.metric LIKE 'deadlocks%' AND r.result = 'fail') FROM schemaguard.sg_watch_last(NULL) w};
is($node->safe_psql('postgres', $followed), 'shop|1', 'sg_watch() follows no watch that another role has begun');
is($node->safe_psql('postgres', q{SELECT name FROM schemaguard.sg_watch_last(NULL)}, extra_params => [ '-U', 'author' ]), 'theirs', '... but the own one');
$node->safe_psql('postgres', q{SELECT sg_plan_drop('theirs')}, extra_params => [ '-U', 'author' ]);
is(watch('a statement%', q{result, reason ~ 'a member of pg_monitor sees'}, user => 'author'), 'unknown|t', 'statements of others are hidden, and that is said')
	if $node->safe_psql('postgres', q{SELECT schemaguard.sg_stats_take()}, extra_params => [ '-U', 'author' ]);

# Reset in between: that pair does not count
$node->safe_psql('postgres', 'SELECT pg_stat_statements_reset(), pg_stat_reset()');
sample();
is(watch('a statement%', 'result, reason'), 'unknown|pg_stat_statements was reset since the watch began', 'statements were reset');
is(watch('deadlocks%', 'result'), 'fail', 'what was counted before the statistics were reset stays counted');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.sg_watch_pairs('shop') WHERE after AND hours IS NULL}), '1', 'the time across it is left out');

is(watch('time that does not count', 'result, now'), 'unknown|1', 'and that is said');

# So does a crash: the recovery throws statistics away, and stats_reset of the database is null behind it as before it
my $mark;
foreach (1 .. 2)
{
	my $victim = SgTest::Session->new($node);
	my $pid = $victim->query('SELECT pg_backend_pid()');

	sample();
	$mark = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
	kill 'KILL', $pid;
	ok(wait_for(sub { !defined $victim->query('SELECT 1') }, 60) && wait_for(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 60), "crash $_");
}
works(100, 0, 0.001);
sample();
is($node->safe_psql('postgres', 'SELECT stats_reset IS NULL FROM pg_stat_database WHERE datname = current_database()'), 't', 'stats_reset does not tell');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.sg_watch_pairs('shop') WHERE after AND hours IS NULL}), '3', 'the time across each crash is left out');
# Nor are tables unused since the server's start by a rule of sg_lint()
sub unused { my ($than) = @_; return $node->safe_psql('postgres', qq{BEGIN;
	INSERT INTO schemaguard.lint_rule (name, query) SELECT name, replace(query, \$\$now() - interval '7 days'\$\$, \$\$'$than'\$\$) FROM schemaguard.lint_rule WHERE name = 'table-unused';
	SELECT count(*) FROM sg_lint_details() WHERE rule = 'table-unused' AND object = 'public.c'; ROLLBACK}); }
is(unused($mark), '0', 'a table of which nobody knows is not unused');
is(unused('infinity'), '1', '... but since the crash');

# A clock that was set back
$node->safe_psql('postgres', q{UPDATE schemaguard.stats SET at = (SELECT min(started_at) + interval '1 ms' FROM schemaguard.watch) WHERE id = (SELECT max(id) FROM schemaguard.stats)});
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.sg_watch_pairs('shop') WHERE hours < 0 OR commits < 0 OR calls < 0 OR ms < 0}), '0', 'a clock that was set back adds nothing');

# Samples that are made up: a statement of 2 ms, and of 10 ms in the last two
my $late = q{
	BEGIN;
	SELECT sg_plan_create('late'), sg_watch_start('late');
	DELETE FROM schemaguard.stats;
	INSERT INTO schemaguard.evidence (at, role, run_id, plan, plan_id, kind, figures)
		SELECT w.started_at + interval '30 s', w.role, gen_random_uuid(), w.plan, w.plan_id, 'before', '{}' FROM schemaguard.watch w WHERE w.plan = 'late';
	INSERT INTO schemaguard.stats (at, role, figures)
		SELECT w.started_at + n * interval '1 minute', w.role, jsonb_build_object('sees_all', true, 'locks', jsonb_build_object('longest_ms', 0),
			'server', jsonb_build_object('commits', calls, 'rollbacks', 0, 'deadlocks', 0, 'since', 'start'),
			'statements', jsonb_build_object('calls', calls, 'ms', ms, 'hidden', 0, 'reset', now() - interval '1 day', 'top', jsonb_build_array(jsonb_build_array(7, calls, ms))))
		FROM schemaguard.watch w, generate_series(-1, 12) n, LATERAL (SELECT 1000 * (least(n, 10) + 2) + 200 * greatest(n - 10, 0) AS calls) c,
			LATERAL (SELECT 2000 * (least(n, 10) + 2) + 2000 * greatest(n - 10, 0) AS ms) m
		WHERE w.plan = 'late' ORDER BY n;
};
sub late { my ($then, $like) = @_; return $node->safe_psql('postgres', "$late $then; SELECT string_agg(concat_ws(' ', metric, result, round(change), reason), E'\\n' ORDER BY metric COLLATE \"C\") FROM sg_watch('late') WHERE metric ~ '$like'", extra_params => ['-q']) =~ s/^\|?\n//r; }
like(late('', '^a '), qr/a call, per cent slower fail 1\d\d in the last samples; all along it is 2\.\d+.*a statement, per cent slower fail 1\d\d/s, 'what got worse lately is not averaged away');
# The clock was set back before it got worse, and was wrong until then
my $back = q{UPDATE schemaguard.stats s SET at = s.at + interval '1 hour' FROM schemaguard.watch w WHERE w.plan = 'late' AND s.at BETWEEN w.started_at + interval '3 minutes' AND w.started_at + interval '10 minutes'};
like(late($back, '^(a |calls|time)'), qr/a call, per cent slower fail.*a statement, per cent slower fail.*calls, per cent fewer unknown the clock was set back.*time that does not count unknown/s, 'nor is it hidden by a clock that was set back');
$back =~ s/\+ interval '1 hour'.*/- interval '1 hour' FROM schemaguard.watch w WHERE w.plan = 'late' AND s.at > w.started_at + interval '10.5 minutes'/;
like(late($back, '^a '), qr/a call, per cent slower fail.*a statement, per cent slower fail/s, '... to before the watch began');
# The extension is gone, though it was there
my $gone = q{INSERT INTO schemaguard.stats (role, figures) SELECT role, figures || '{"statements": {"missing": "gone", "absent": true}}' FROM schemaguard.stats ORDER BY id DESC LIMIT 1};
like(late($gone, '^(a|calls)'), qr/a call, per cent slower unknown gone.*a statement, per cent slower unknown gone.*calls, per cent fewer unknown gone/s, 'figures of which the source goes away are unknown');

# An older version lacks a function, and whoever may create something where it is could make that
$node->safe_psql('postgres', 'CREATE ROLE planter; CREATE DATABASE old OWNER planter');
$node->safe_psql('old', q{CREATE EXTENSION schemaguard; CREATE EXTENSION pg_stat_statements VERSION '1.8'; SET ROLE planter;
	CREATE FUNCTION public.pg_stat_statements_info(OUT dealloc bigint, OUT stats_reset timestamptz) LANGUAGE plpgsql AS $$BEGIN RAISE 'ran as %', current_user; END$$});
is($node->safe_psql('old', q{SELECT schemaguard.sg_stats_figures() #>> '{statements,missing}'}), 'extension pg_stat_statements is older than 1.9, or not as it was made',
	'a function of another role under the name of the extension\'s does not run');

# Not loaded, or unreadable
$node->safe_psql('postgres', 'REVOKE USAGE ON SCHEMA public FROM PUBLIC');
like($node->safe_psql('postgres', q{SET ROLE app; SELECT schemaguard.sg_stats_statements(1)}), qr/^\{"missing": "permission denied/, 'unreadable');
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA public TO PUBLIC');
$node->append_conf('postgresql.conf', q{shared_preload_libraries = ''});
$node->restart;
like($node->safe_psql('postgres', q{SELECT schemaguard.sg_stats_statements(1)}), qr/"missing": ".*shared_preload_libraries/, 'not loaded');
sample();
like(watch('a call%', 'result, reason'), qr/^unknown\|.*shared_preload_libraries/, 'and the watch says so');

# A role that may read the plan, and has no USAGE on the schema of its tables
$node->safe_psql('postgres', q{
	SET client_min_messages = error;
	CREATE SCHEMA shut; CREATE TABLE shut.p (id int PRIMARY KEY); CREATE TABLE shut.c (id int REFERENCES shut.p, p int);
	SELECT sg_plan_create('shut'), sg_plan_add_fk('shut', 'shut.c', 'p', 'shut.p'); CALL sg_apply('shut');
	SELECT sg_plan_add_fk('shut', 'shut.c', 'id', 'shut.p', fk_name => 'planned'), sg_watch_start('shut'), sg_plan_allow('shut', 'app');
	CREATE ROLE monitor LOGIN IN ROLE pg_monitor});
is($node->safe_psql('postgres', q{SELECT schemaguard.sg_go('shut'), sg_report('shut') ~ 'shut', sg_report('shut', kind => 'checklist') ~ 'shut', sg_graph() ~ 'planned',
	(SELECT count(*) > 0 FROM sg_watch('shut'))}, extra_params => [ '-U', $_ ]), 'hold|t|t|t|t', "without USAGE: $_") foreach qw(monitor app);
$node->safe_psql('postgres', q{SELECT sg_plan_drop('shut', force => true)});

# Pruned, and with the plan no more
$node->safe_psql('postgres', q{UPDATE schemaguard.watch SET ends_at = now() - interval '1 day'; CALL sg_prune(now(), 'stats')});
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM schemaguard.watch), (SELECT count(*) FROM schemaguard.stats)'), '0|0', 'watches and samples are pruned');
$node->safe_psql('postgres', q{SELECT sg_watch_start('shop'), sg_plan_create('shop', replace => true)});
is(error_of($node, q{SELECT * FROM sg_watch('shop')}), '42704', 'a plan that is made anew is not watched');
$node->safe_psql('postgres', q{SELECT sg_plan_drop('shop')});
is($node->safe_psql('postgres', q{SELECT sg_plan_create('shop'); SELECT count(*) FROM schemaguard.watch}, extra_params => [ '-qU', 'author' ]) =~ s/^\n//r, '0', 'nor does who takes the name of one that is gone see who watched it');

done_testing();
