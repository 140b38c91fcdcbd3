# SgFault.pm: what can go wrong in the middle of a plan, on top of SgLoad.  Used by 095_faults.pl.
#
# A case is one fault that strikes one step of a plan at one place: a trap (SgLoad.pm) holds the deployment there, the
# fault strikes, the call comes to whatever end it has, and then nothing may be left half done.
#
#   my $kind = { name => 'core', places => [...], settings => '...', workers => 0, index => 0 };
#   my @cases = cases($kind, 'cancelled', 'backend killed');      # each fault at some of the places; SG_LONG: at all
#   run_cases($node, $kind, @cases);                              # makes tables and plan, one step for each case
#   check_finished($node, $kind, scalar @cases);
#
# A kind of plan has a name, the places that its steps pass, the settings of the session that calls, its background workers
# (default 0), and options of make_tables for its steps.
package SgFault;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

our @EXPORT = qw(cases run_cases check_finished call_of state_of wait_restarted can_mount start_on_small_disk start_inside_small_disk);

sub child { my ($kind, $step) = @_; return sprintf 'child_%s_%02d', $kind->{name}, $step; }

sub state_of
{
	my ($node, $plan, $step) = @_;

	return $node->safe_psql('postgres', "SELECT state FROM schemaguard.plan_step WHERE plan = '$plan' AND step = $step");
}

# A session that calls, with the settings of the kind of plan; nobody waits for it
sub call_of
{
	my ($node, $kind, $settings) = @_;
	my $s = SgTest::Session->new($node);

	$s->query("SET $_") foreach 'schemaguard.workers = ' . ($kind->{workers} // 0), grep { defined } $kind->{settings}, $settings;
	$s->send("CALL sg_add_fks('$kind->{name}')");
	return $s;
}

# The server restarts by itself after one of its processes was killed
sub wait_restarted
{
	my ($node) = @_;

	# a psql that is refused before it has read its input breaks the pipe, which is an exception
	return wait_for(sub { eval { $node->psql('postgres', 'SELECT 1') == 0 } });
}

# ---------------------------------------------------------------------------------------------------------------------
# Faults: `strike` gets the node, the kind, the step, the session that calls, and the process ID of who is trapped: that
# session, or its worker.  It comes back when the call is over, with what is wrong about that, or ''.  `open` is how many outcomes the log may lack afterwards,
# until the next call; `places` restricts where the fault makes sense; `settings` are more of the session that calls.

# What a session said when it should have ended with this SQLSTATE ('': without an error)
sub ended_with
{
	my ($session, $sqlstate) = @_;

	$session->collect;
	return $session->sqlstate eq $sqlstate ? '' : "expected '$sqlstate': $session->{err}";
}

# ... and when its connection was cut
sub was_cut
{
	my ($session) = @_;

	return defined $session->collect ? 'the call outlived it' : '';
}

# Somebody takes a lock on the child that is in the way of whatever the step wants next
sub hold_child
{
	my ($node, $kind, $step) = @_;
	my $holder = SgTest::Session->new($node);

	$holder->query('BEGIN; LOCK TABLE ' . child($kind, $step) . ' IN SHARE UPDATE EXCLUSIVE MODE');
	return $holder;
}

# The outcome of the action that somebody held up must name him
sub blamed
{
	my ($node, $kind, $step, $holder, $phase) = @_;
	my $blamed = $node->safe_psql('postgres', "SELECT blockers -> 0 ->> 'pid' FROM schemaguard.audit_log
		WHERE plan = '$kind->{name}' AND step = $step AND phase = '$phase' AND blockers IS NOT NULL ORDER BY id DESC LIMIT 1");

	return $blamed eq $holder->{pid} ? '' : "blamed: '$blamed', not $holder->{pid}";
}

sub hold_up
{
	my ($node, $kind, $step, $session) = @_;
	my $holder = hold_child($node, $kind, $step);

	spring_traps($node);
	wait_for(sub { $node->safe_psql('postgres', "SELECT count(*) FROM schemaguard.progress
		WHERE plan = '$kind->{name}' AND phase = 'pausing'") ne '0' }) or return 'nobody pauses for the lock';
	nap(long_run() ? 60 : 0.5);
	my $early = state_of($node, $kind->{name}, $step);
	$holder->query('COMMIT');
	my $wrong = ended_with($session, '') || blamed($node, $kind, $step, $holder, 'done');
	$holder->quit;
	return "done although the child was locked" if $early eq 'validated';
	return $wrong || (state_of($node, $kind->{name}, $step) eq 'validated' ? '' : "not done: $session->{err}");
}

sub use_up_budget
{
	my ($node, $kind, $step, $session) = @_;
	my $holder = hold_child($node, $kind, $step);

	spring_traps($node);
	my $wrong = ended_with($session, '') || blamed($node, $kind, $step, $holder, 'failed');
	$holder->query('COMMIT');
	$holder->quit;
	return $wrong || (state_of($node, $kind->{name}, $step) =~ /^(?:failed|added)$/ ? '' : 'the step did not fail');
}

# The column goes, before the step locks its table or after it; the step must say so, and take the column when it is back
sub drop_column
{
	my ($node, $kind, $step, $session) = @_;
	my $child = child($kind, $step);
	my $other = SgTest::Session->new($node);

	$other->send("ALTER TABLE $child DROP COLUMN ref");
	wait_for(sub {
		$node->safe_psql('postgres', "SELECT NOT EXISTS (SELECT FROM pg_attribute
				WHERE attrelid = '$child'::regclass AND attname = 'ref')
			OR EXISTS (SELECT FROM pg_stat_activity WHERE pid = $other->{pid} AND wait_event IN ('relation', 'PgSleep'))") eq 't';
	}) or return 'nobody drops the column';
	spring_traps($node);
	my $wrong = ended_with($session, '') || ended_with($other, '');
	my $again = call_of($node, $kind);
	$wrong ||= ended_with($again, '');
	$_->quit foreach $other, $again;
	return $wrong if $wrong;

	my $reason = $node->safe_psql('postgres',
		"SELECT state || ': ' || reason FROM schemaguard.plan_step WHERE plan = '$kind->{name}' AND step = $step");
	$node->safe_psql('postgres', "ALTER TABLE $child ADD COLUMN ref int; UPDATE $child SET ref = nullif(id % 501, 0)");
	return $reason =~ /^skipped: child .* has no column ref$/ ? '' : "the step says '$reason'";
}

# The next write of WAL fails, be it by the WAL writer: what cannot be written there ends the server
sub fill_wal
{
	my ($node, $kind, $step, $session, $trapped) = @_;
	my $writer = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");

	# where a worker is trapped, the session that waits for it may be first to write; 0, for it may be the first page of a file
	foreach my $pid ($trapped, $session->{pid}, $writer)
	{
		system('prlimit', "--pid=$pid", '--fsize=0:') == 0 or return 'no prlimit';
	}
	# it may have ended by now
	eval { spring_traps($node) };
	if (defined $session->collect)
	{
		# who comes to a page before he comes to the WAL ends with an error; nobody else is to meet the limit later on
		system('prlimit', "--pid=$_", '--fsize=unlimited:') foreach $trapped, $session->{pid}, $writer;
		return $session->{err} =~ /File too large/ ? '' : "the call outlived it: $session->{err}";
	}
	return wait_restarted($node) ? '' : 'the server does not come back';
}

# Not one more page: the table space of the database is full (start_on_small_disk)
our $disk_full_errors = 0;

sub fill_disk
{
	my ($node, $kind, $step, $session) = @_;
	my $filler = SgTest::Session->new($node);

	# rows too short to be compressed: much at once, then page by page
	$filler->query('CREATE TABLE filler (x text)');
	$filler->query("INSERT INTO filler SELECT repeat('x', 1900) FROM generate_series(1, $_) g") foreach 100000, 500, 50;
	$filler->query("DO 'BEGIN LOOP INSERT INTO filler VALUES (repeat(''x'', 1900)); COMMIT; END LOOP; END'");
	my $full = $filler->sqlstate;
	spring_traps($node);
	$session->collect;
	my $ended = $session->sqlstate;
	$disk_full_errors++ if $ended eq '53100' || $node->safe_psql('postgres',
		"SELECT count(*) FROM schemaguard.audit_log WHERE plan = '$kind->{name}' AND step = $step AND sqlstate = '53100'");
	$filler->query('DROP TABLE filler; CHECKPOINT');
	my $wrong = $filler->sqlstate;
	$filler->quit;
	return "the disk is not full, but $full" if $full ne '53100';
	return "the space can't be freed: $wrong" if $wrong ne '';
	return $ended =~ /^(?:53100)?$/ ? '' : $session->{err};
}

my @waits = ('started add', 'started validate');
# The trap goes as soon as the fault is there: who cleans up after it writes to the log, too.
our %faults = (
	'cancelled' => { open => 0, strike => sub {
		my ($node, $kind, $step, $session) = @_;
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($session->{pid})");
		spring_traps($node);
		return ended_with($session, '57014');
	} },
	'terminated' => { open => 1, strike => sub {
		my ($node, $kind, $step, $session) = @_;
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($session->{pid})");
		spring_traps($node);
		return was_cut($session);
	} },
	'backend killed' => { open => 1, strike => sub {
		my ($node, $kind, $step, $session, $trapped) = @_;
		kill 'KILL', $trapped;
		return was_cut($session) || (wait_restarted($node) ? '' : 'the server does not come back');
	} },
	'server killed' => { open => 1, strike => sub {
		my ($node, $kind, $step, $session) = @_;
		crash($node);
		my $wrong = was_cut($session);
		$node->start;
		return $wrong;
	} },
	'WAL can not be written' => { open => 1, strike => \&fill_wal },
	'disk full' => { open => 1, strike => \&fill_disk },
	'column dropped' => { open => 0, strike => \&drop_column },
	'locked for a while' => { open => 0, strike => \&hold_up, places => \@waits },
	'locked for too long' => { open => 0, strike => \&use_up_budget, places => \@waits,
		settings => q{schemaguard.lock_budget = '300ms'} },
	# the others strike the session, or whichever process is trapped
	'worker terminated' => { open => 0, strike => sub {
		my ($node, $kind, $step, $session, $trapped) = @_;
		return 'no worker is trapped' if $trapped == $session->{pid};
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($trapped)");
		spring_traps($node);
		return ended_with($session, '');
	} });

# ---------------------------------------------------------------------------------------------------------------------
# Cases

# Faults, each at some of the places of a kind of plan.  Another fault begins at another place, so that every place has
# its turn.
sub cases
{
	my ($kind, @names) = @_;
	my @cases;
	my $turn = 0;

	foreach my $name (@names)
	{
		my %possible = map { $_ => 1 } @{ $faults{$name}{places} // $kind->{places} };
		my @places = grep { $possible{$_} } @{ $kind->{places} };
		my @chosen = @places;

		if (!long_run() && @places > 2)
		{
			@chosen = $places[ $turn++ % @places ];
		}
		push @cases, map { { fault => $name, place => $_ } } @chosen;
	}
	return @cases;
}

sub run_cases
{
	my ($node, $kind, @cases) = @_;
	my $plan = $kind->{name};
	my $step = 0;

	# a call that survives its fault goes on to later steps: there are none yet
	make_tables($node, $plan, scalar @cases, empty => 1);
	foreach my $case (@cases)
	{
		my $fault = $faults{ $case->{fault} };
		my $what = "$plan, step " . ++$step . ", $case->{fault} at '$case->{place}'";

		add_steps($node, $plan, [$step], orphans => 'stop', %$kind);
		set_trap($node, $case->{place}, $step);
		my $session = call_of($node, $kind, $fault->{settings});
		ok(wait_trapped($node), "$what: reached") or last;
		my $trapped = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'trapped'");
		my $wrong = $fault->{strike}->($node, $kind, $step, $session, $trapped);
		is($wrong, '', "$what: the call ends as it must");
		spring_traps($node);
		$session->quit;
		# each worker may have been at something
		is(leftovers($node, $plan, $fault->{open} * ($kind->{workers} || 1)), '', "$what: nothing is left half done");
	}
}

# The next call does the rest; then all is there, once, and nothing else
sub check_finished
{
	my ($node, $kind, $count) = @_;
	my $plan = $kind->{name};
	my $s = call_of($node, $kind);

	is(ended_with($s, ''), '', "$plan: the last call ends");
	like($s->{err}, qr/plan "$plan": $count validated\b/, "$plan: and says that all $count steps are validated");
	$s->quit;
	is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE state = 'valid' AND result = 'pass'), count(*)
									 FROM sg_orphan_audit_details(plan => '$plan')"),
		"$count|$count", "$plan: all keys are valid, armed, and hold");
	is(leftovers($node, $plan, 0), '', "$plan: nothing is left over, and every start in the log has its outcome");
	my $before = everything($node, $plan);
	$s = call_of($node, $kind);
	$s->collect;
	$s->quit;
	ok(everything($node, $plan) eq $before, "$plan: running it again changes nothing");
}

# ---------------------------------------------------------------------------------------------------------------------
# A disk that can be filled: the table spaces of a server that sees a file system of its own, a small one, in memory.
# It takes a user and a mount namespace, which not every machine grants.

my @namespace = qw(unshare --user --map-current-user --mount --keep-caps sh -c);

sub can_mount
{
	my ($dir) = @_;

	return system(join(' ', @namespace[ 0 .. 4 ]) . " sh -c 'mount -t tmpfs -o size=1m none $dir' > /dev/null 2>&1") == 0;
}

# Start a node that is set up, with a file system of so many MB at a place
sub start_on_small_disk
{
	my ($node, $dir, $size) = @_;

	# what happens below the floor
	$node->append_conf('postgresql.conf', "schemaguard.min_free_disk = 0\n");
	system(@namespace,
		'mount -t tmpfs -o mode=700,size="$2"m none "$1" && exec pg_ctl --pgdata="$3" --log="$4" --wait --silent start',
		'sh', $dir, $size, $node->data_dir, $node->logfile) == 0
		or die "the server does not start\n";
	$node->_update_pid(1);
}

# Start a node that is set up with all that it has on such a file system, or with each of these directories on one of its own.  Their files
# are seen by the server alone, so Cluster.pm can't stop it: returns the process ID of the postmaster.
sub start_inside_small_disk
{
	my ($node, $size, @directories) = @_;

	@directories = $node->data_dir unless @directories;
	system(@namespace,
		'data="$1" size="$2" log="$3" pid="$4"; shift 4; for dir in "$@"; do '
		  . 'cp -a "$dir" "$dir.all" && mount -t tmpfs -o mode=700,size="$size"m none "$dir" && cp -a "$dir.all/." "$dir" || exit 1; done; '
		  . 'pg_ctl --pgdata="$data" --log="$log" --wait --silent start && head -n 1 "$data/postmaster.pid" > "$pid"',
		'sh', $node->data_dir, $size, $node->logfile, $node->basedir . '/pid', @directories) == 0
		or die "the server does not start\n";
	my $pid = slurp_file($node->basedir . '/pid');
	chomp $pid;
	return $pid;
}

1;
