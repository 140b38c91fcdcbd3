# 168_clock.pl: the clock of the machine is set while calls run.
#
# The server's gettimeofday() adds what a file says.  A pause of a run lasts as long as throttle_budget says, and is looked at as
# often, whether the clock goes back or forth an hour; waits for locks and builds end all the same.
#
# rooms: run worker
# needs a compiler
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $cc = $ENV{CC} || 'cc';
append_to_file("$dir/clock.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	static int (*real)(struct timeval *, void *);
	static volatile long *offset;
	int r;
	if (!real) real = (int (*)(struct timeval *, void *)) dlsym(RTLD_NEXT, "gettimeofday");
	if (!offset)
	{
		void *p = mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, open(getenv("SG_CLOCK"), O_RDONLY), 0);
		if (p != MAP_FAILED) offset = p;
	}
	r = real(tv, tz);
	if (offset) tv->tv_sec += *offset;
	return r;
}
C
plan skip_all => 'NOT TESTED: a clock that is set: no compiler' if system("$cc -shared -fPIC -o $dir/clock.so $dir/clock.c -ldl > $dir/cc.log 2>&1") != 0;
sub set_clock { open(my $f, '+<', "$dir/offset") or die; syswrite($f, pack('l!', $_[0])); close $f; }
append_to_file("$dir/offset", pack('l!', 0));
chmod 0755, $dir;

my $node = PostgreSQL::Test::Cluster->new('clock');
{
	local $ENV{LD_PRELOAD} = "$dir/clock.so";
	local $ENV{SG_CLOCK} = "$dir/offset";
	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "autovacuum = off\nlog_statement = none\nshared_buffers = 32MB\n");
	$node->start;
}
sub query { return $node->safe_psql('postgres', $_[0]); }
query('CREATE EXTENSION schemaguard');
sub states { return query("SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }
sub throttled { my ($plan) = @_; return wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND phase = 'throttled'") eq '1' }); }

my $before = query("SELECT extract(epoch FROM clock_timestamp())::bigint");
set_clock(86400);
cmp_ok(query("SELECT extract(epoch FROM clock_timestamp())::bigint") - $before, '>', 80000, 'the clock can be set');
set_clock(0);

my $holder = SgTest::Session->new($node);
my $s = SgTest::Session->new($node);
foreach my $jump (-3600, 3600)
{
	my $plan = $jump < 0 ? 'back' : 'forth';
	query("CREATE TABLE $plan (id int PRIMARY KEY, a int); INSERT INTO $plan SELECT g, g FROM generate_series(1, 1000) g;
		SELECT sg_plan_create('$plan'); SELECT sg_plan_add_fk('$plan', '$plan', '{a}', '$plan')");

	# a pause that somebody ends
	$holder->query("BEGIN; LOCK TABLE $plan IN ROW EXCLUSIVE MODE");
	$s->send("CALL sg_add_fks('$plan')");
	wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND phase IN ('locking', 'waiting', 'building', 'working')") eq '1' });
	query("SELECT sg_plan_pause('$plan')");
	$holder->query('COMMIT');
	ok(throttled($plan), "$plan: a run pauses") or diag(($s->is_done ? "done" : "runs") . " $s->{stderr} " . query("SELECT string_agg(concat_ws(' ', action, phase, message), E'\n' ORDER BY id) FROM schemaguard.audit_log"));
	set_clock($jump);
	nap(1);
	is(query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND phase = 'throttled'"), '1', '... on, whatever the clock says');
	query("SELECT sg_plan_resume('$plan')");
	$s->collect;
	is(states($plan), '1 validated', '... and goes on when it is resumed');
	is($s->sqlstate, '', '... without an error');

	# a wait for a lock, and a build that waits for a transaction
	query("CALL sg_rollback_fks('$plan')");
	set_clock(0);
	$holder->query("BEGIN; INSERT INTO $plan VALUES (5000)");
	$s->send("CALL sg_add_fks('$plan')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND phase IN ('locking', 'waiting', 'building', 'working')") eq '1' }), "$plan: a run waits for a transaction");
	set_clock($jump);
	nap(1);
	$holder->query('COMMIT');
	$s->collect;
	is($s->sqlstate . states($plan), '1 validated', '... and goes on when that ends') or diag($s->{err});
	is(query("SELECT result FROM sg_orphan_audit_details('$plan')"), 'pass', '... and audits say what they said');
	set_clock(0);
}
$s->quit;
$holder->quit;
$node->stop;
done_testing();
