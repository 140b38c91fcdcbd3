# 048_no_memory.pl: there is no memory while the library is loaded.
#
# malloc() fails once, at each of its calls in turn.  The next call of that session loads the library, with the settings that it was
# given before, or refuses to run until they are SET again.
#
# rooms: base
# needs a compiler
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $cc = $ENV{CC} || 'cc';
append_to_file("$dir/fail.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* the process, and how many calls are left to it */
static volatile int *control;
static void *(*real_malloc)(size_t);
static void *(*real_realloc)(void *, size_t);
__attribute__((constructor)) static void begin(void)
{
	void *p = mmap(NULL, 2 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, open(getenv("SG_FAIL"), O_RDWR), 0);
	real_malloc = (void *(*)(size_t)) dlsym(RTLD_NEXT, "malloc");
	real_realloc = (void *(*)(void *, size_t)) dlsym(RTLD_NEXT, "realloc");
	if (p != MAP_FAILED) control = p;
}
static int fails(void)
{
	if (!control || control[1] <= 0 || control[0] != getpid() || --control[1] > 0) return 0;
	errno = ENOMEM;
	return 1;
}
void *malloc(size_t size)
{
	if (!real_malloc) real_malloc = (void *(*)(size_t)) dlsym(RTLD_NEXT, "malloc");
	return fails() ? NULL : real_malloc(size);
}
void *realloc(void *p, size_t size)
{
	if (!real_realloc) real_realloc = (void *(*)(void *, size_t)) dlsym(RTLD_NEXT, "realloc");
	return fails() ? NULL : real_realloc(p, size);
}
C
plan skip_all => 'NOT TESTED: malloc() that fails: no compiler' if system("$cc -shared -fPIC -o $dir/fail.so $dir/fail.c -ldl > $dir/cc.log 2>&1") != 0;
sub arm { my ($pid, $calls) = @_; open(my $f, '+<', "$dir/control") or die; syswrite($f, pack('ii', $pid, $calls)); close $f; }
sub left { open(my $f, '<', "$dir/control") or die; sysread($f, my $words, 8); close $f; return (unpack('ii', $words))[1]; }
append_to_file("$dir/control", pack('ii', 0, 0));
chmod 0755, $dir;
chmod 0666, "$dir/control";

my $node = PostgreSQL::Test::Cluster->new('no_memory');
{
	local $ENV{LD_PRELOAD} = "$dir/fail.so";
	local $ENV{SG_FAIL} = "$dir/control";
	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "autovacuum = off\nlog_statement = none\nshared_buffers = 32MB\n");
	$node->start;
}
$node->safe_psql('postgres', q{CREATE EXTENSION schemaguard; SELECT sg_plan_create('p')});

my ($failed, $ended, $refused, $settings, @wrong) = (0, 0, 0);
for (my $calls = 1; $calls < 3000; $calls++)
{
	my $s = SgTest::Session->new($node);
	my $given = q{SET schemaguard.fix_limit = 7; SET schemaguard.migration = 'one'};
	my $show = q{SELECT current_setting('schemaguard.fix_limit') || current_setting('schemaguard.migration'), count(*) FROM pg_settings WHERE name LIKE 'schemaguard.%'};

	$s->query($given);
	arm($s->query('SELECT pg_backend_pid()'), $calls);
	$s->query(q{LOAD 'schemaguard'});
	my $all = left() > 0;
	arm(0, 0);
	$failed++ if $s->sqlstate;
	$s->query(q{CALL sg_add_fks('p')});
	if ($s->sqlstate eq '22023')
	{
		$refused++;
		$s->query("$given; CALL sg_add_fks('p')");
	}
	my $error = $s->sqlstate;
	my $shown = $s->query($show);

	# the server ends a session where it has no memory for the default of a string
	$ended++ if !defined $shown;
	$settings = $shown if $all;
	push @wrong, [ $calls, $error, $shown ] if defined $shown;
	$s->quit;
	last if $all;
}
note("$failed failed, $ended ended, $refused refused");
like($settings, qr/^7one\|\d+$/, 'with memory, the library has its settings');
cmp_ok($failed - $ended, '>', 0, 'without, it could not be loaded');
is(join("\n", map { "@$_" } grep { $_->[1] || $_->[2] ne $settings } @wrong), '', '... and is by the next call, with all settings as they were given');
unlike(slurp_file($node->logfile), qr/TRAP:|terminated by signal|PANIC/, 'no process of the server crashed');

$node->stop;
done_testing();
