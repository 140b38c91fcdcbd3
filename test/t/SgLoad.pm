# SgLoad.pm: what the tests of crashes, load and trouble share, on top of SgTest.
#
#   crash($node)                       kill -9 of the whole server at once; the next $node->start is a crash recovery
#   flush_wal($node)                   what others have committed survives a crash, however they committed it
#   install_traps($node)               places where a deployment can be made to stand still, see there
#   set_trap($node, 'after add', 7);   spring_traps($node);   wait_trapped($node)
#   set_trap($node, 'done fix', 1, plan => 'a', skip => 2);   wait_all_trapped($node, 'a', 'b');   spring_trap($node, 'a')
#   make_tables($node, 'a', 20, ...)   child_a_01 ... with parents, and a plan of their keys
#   leftovers($node, 'plan', 1)        '' while nothing is left half done and the log lacks at most 1 outcome
#   half_done($node, 'plan')           '' while every step agrees with the catalog, else what does not
#   log_gaps($node, 'plan')            '' while every started row of the log has one outcome, else which has not
#   dump_of_schema($node, 'shop')      what pg_dump shows of it
#   everything($node, 'plan')          plan, log and keys as one text, to see whether anything changed
package SgLoad;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

our @EXPORT = qw(crash flush_wal install_traps set_trap spring_traps spring_trap wait_trapped wait_all_trapped make_tables add_steps
	leftovers half_done log_gaps dump_of_schema everything nap kill_client);

sub nap { select(undef, undef, undef, $_[0]); }

# ---------------------------------------------------------------------------------------------------------------------
# Crashes

# Does a process run?  A zombie does not: it holds no memory and no file any more.
sub running
{
	my ($pid) = @_;

	open my $stat, '<', "/proc/$pid/stat" or return 0;
	my $line = <$stat> // '';
	return $line =~ /\) ([A-Z]) / && $1 ne 'Z' && $1 ne 'X';
}

sub children_of
{
	my ($parent) = @_;
	my @pids;

	for my $dir (glob '/proc/[0-9]*')
	{
		open my $stat, '<', "$dir/stat" or next;
		my $line = <$stat> // '';
		push @pids, $1 if $line =~ /^(\d+) \(.*\) [A-Z] $parent /s;
	}
	return @pids;
}

# Is a System V segment still attached?
sub attached
{
	my ($segment) = @_;

	open my $list, '<', '/proc/sysvipc/shm' or return 0;
	while (my $line = <$list>)
	{
		my @field = split ' ', $line;
		return $field[6] > 0 if defined $segment && $field[1] eq $segment;
	}
	return 0;
}

# SIGKILL for the postmaster and everything it started.  The postmaster is stopped first, so that it can neither tell
# the others nor start new ones: no process of the server executes a single instruction of an orderly end.
sub crash
{
	my ($node) = @_;
	my @lines = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my $postmaster = $lines[0];
	my $segment = (split ' ', $lines[6] // '')[1];

	kill 'STOP', $postmaster;
	my @others = children_of($postmaster);
	die "the server has no processes\n" unless @others;
	kill 'KILL', @others;
	$node->kill9;
	wait_for(sub { !grep { running($_) } $postmaster, @others }) or die "processes survived SIGKILL\n";
	# one that was forked meanwhile holds the shared memory for a moment longer, and no server starts beside that
	wait_for(sub { !attached($segment) }) or die "shared memory is still in use\n";

	# A postmaster that nobody has reaped yet still counts as alive for the next one; we know better
	unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock'
		if kill 0, $postmaster;
}

# A commit that waits for the disk has all WAL before it written
sub flush_wal
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{SELECT pg_logical_emit_message(true, '', '')});
}

# kill -9 of the psql of a session: the server learns of it when it next writes to the client
sub kill_client
{
	my ($session) = @_;

	$session->{harness}->signal('KILL');
	eval { $session->{harness}->finish; };
	delete $session->{harness};
}

# ---------------------------------------------------------------------------------------------------------------------
# Traps
#
# A row in table trap makes a deployment stand still at a place of a step, inside its transaction, until the row goes:
#   'started ACTION', 'done ACTION'     that row of the log is written, not committed
#   'before ACTION'                     the started row is committed, the locks are held, the DDL has not begun
#   'after ACTION'                      the DDL is done, the outcome is not written yet
# with ACTION audit (log rows only), add, validate, 'rollback add' and the like; look is the scan of a fix, count that of a
# backfill which counts what is left.  Step 0 is the whole plan.  A trap may be for one plan only, and may let the first so
# many of its kind pass (`skip`).  Sessions that run plans at the same time say which in the setting trap.plan, for DDL.  The
# table is unlogged, so that a crash springs all traps.

sub install_traps
{
	my ($node, %opt) = @_;

	$node->safe_psql($opt{dbname} // 'postgres', <<'SQL');
CREATE UNLOGGED TABLE public.trap (place text, step int, plan text, skip int NOT NULL DEFAULT 0);

CREATE FUNCTION public.trap_here(place text, step int, plan text, nth bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	shown text;
BEGIN
	LOOP
		SELECT 'trapped' || coalesce(' ' || t.plan, '') INTO shown FROM public.trap t
		WHERE t.place = $1 AND t.step = $2 AND coalesce(t.plan, $3) = $3 AND t.skip <= $4;
		EXIT WHEN NOT FOUND;
		PERFORM set_config('application_name', shown, true), pg_sleep(0.005);
	END LOOP;
END$$;

-- not of type audit_log, which would hold up DROP EXTENSION
CREATE FUNCTION public.trap_action(action text, message text, phase text, affected bigint) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN message = 'looking for orphans' OR action = 'fix' AND phase = 'done' AND affected IS NULL THEN 'look'
		WHEN message = 'counts rows without values' OR action = 'backfill' AND phase = 'done' AND affected IS NULL THEN 'count'
		ELSE action END $$;

CREATE FUNCTION public.trap_in_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM public.trap) THEN
		PERFORM public.trap_here(NEW.phase || ' ' || public.trap_action(NEW.action, NEW.message, NEW.phase, NEW.rows_affected), coalesce(NEW.step, 0), NEW.plan,
			(SELECT count(*) FROM schemaguard.audit_log l WHERE l.id < NEW.id AND l.phase = NEW.phase
				AND (l.plan, coalesce(l.step, 0), public.trap_action(l.action, l.message, l.phase, l.rows_affected)) = (NEW.plan, coalesce(NEW.step, 0), public.trap_action(NEW.action, NEW.message, NEW.phase, NEW.rows_affected))));
	END IF;
	RETURN NULL;
END$$;
CREATE TRIGGER trap AFTER INSERT ON schemaguard.audit_log FOR EACH ROW EXECUTE FUNCTION public.trap_in_log();

CREATE FUNCTION public.trap_in_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM public.trap) THEN
		PERFORM public.trap_here(
			CASE TG_EVENT WHEN 'ddl_command_start' THEN 'before ' ELSE 'after ' END || l.action, l.step, l.plan,
			(SELECT count(*) FROM schemaguard.audit_log o
			 WHERE o.id < l.id AND o.phase = 'started' AND (o.plan, o.step, o.action) = (l.plan, l.step, l.action)))
		FROM (SELECT l.id, l.action, l.step, l.plan FROM schemaguard.audit_log l WHERE l.phase = 'started'
				AND l.plan = coalesce(nullif(current_setting('trap.plan', true), ''), l.plan)
			  ORDER BY l.id DESC LIMIT 1) l;
	END IF;
END$$;
CREATE EVENT TRIGGER trap_before ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'DROP INDEX', 'DROP TRIGGER')
	EXECUTE FUNCTION public.trap_in_ddl();
CREATE EVENT TRIGGER trap_after ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'DROP INDEX', 'DROP TRIGGER')
	EXECUTE FUNCTION public.trap_in_ddl();
SQL
}

sub set_trap
{
	my ($node, $place, $step, %opt) = @_;

	$node->safe_psql('postgres', sprintf "INSERT INTO trap VALUES ('%s', %d, %s, %d)", $place, $step,
		defined $opt{plan} ? "'$opt{plan}'" : 'NULL', $opt{skip} // 0);
}

sub spring_traps
{
	my ($node) = @_;

	$node->safe_psql('postgres', 'DELETE FROM trap');
}

sub spring_trap
{
	my ($node, $plan) = @_;

	$node->safe_psql('postgres', "DELETE FROM trap WHERE plan = '$plan'");
}

# Until each of these plans stands in its trap, and what was committed before is on disk: the process ID of who stands
# there, by plan; fewer when the time is over
sub wait_all_trapped
{
	my ($node, @plans) = @_;
	my %trapped;

	wait_for(sub {
		%trapped = map { split /\|/ } split /\n/, $node->safe_psql('postgres',
			"SELECT substr(application_name, 9), pid FROM pg_stat_activity WHERE application_name LIKE 'trapped %'");
		return !grep { !$trapped{$_} } @plans;
	});
	flush_wal($node);
	return %trapped;
}

# Until a deployment stands in a trap, and what was committed before is on disk; false when none comes
sub wait_trapped
{
	my ($node) = @_;

	# one session that looks every 2 ms, instead of one per look; it commits, or CREATE INDEX CONCURRENTLY would wait for it.
	# It leaves nothing to clean up, which it would do, and write WAL for, when it is long gone for us.
	return $node->safe_psql('postgres', <<'SQL') eq 'trapped';
DO $$
BEGIN
	FOR i IN 1..90000 LOOP
		PERFORM pg_stat_clear_snapshot();
		IF EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'trapped') THEN
			PERFORM set_config('trap.seen', 'trapped', false);
			EXIT;
		END IF;
		COMMIT;
		PERFORM pg_sleep(0.002);
	END LOOP;
END$$;
SELECT what FROM current_setting('trap.seen', true) what WHERE what = 'trapped' AND pg_logical_emit_message(true, '', '') IS NOT NULL;
SQL
}

# ---------------------------------------------------------------------------------------------------------------------
# Tables, a plan, and what must be true of it at any time

# Tables child_PREFIX_01 ..., spread over 5 parents, and the plan PREFIX with a key for each; no row is an orphan.
# Odd steps have the policy "stop", so that they are audited first, even ones "leave", unless orphans says it for all.
# index => 1: with their indexes.  more: further arguments of sg_plan_add_fk.  empty: no step yet, add_steps() adds them.
sub make_tables
{
	my ($node, $prefix, $count, %opt) = @_;
	my $rows = $opt{rows} // 2000;

	$node->safe_psql('postgres', <<SQL);
DO \$do\$
BEGIN
	PERFORM sg_plan_create('$prefix');
	FOR i IN 1..5 LOOP
		EXECUTE format('CREATE TABLE parent_${prefix}_%s (id int PRIMARY KEY, note text)', i);
		EXECUTE format('INSERT INTO parent_${prefix}_%s SELECT g, repeat(''x'', 20) FROM generate_series(1, 500) g', i);
	END LOOP;
	FOR i IN 1..$count LOOP
		EXECUTE format('CREATE TABLE child_${prefix}_%s (id int PRIMARY KEY, ref int)', to_char(i, 'FM00'));
		EXECUTE format('INSERT INTO child_${prefix}_%s SELECT g, nullif(g %% 501, 0) FROM generate_series(1, $rows) g',
					   to_char(i, 'FM00'));
	END LOOP;
END\$do\$;
ANALYZE;
SQL
	add_steps($node, $prefix, [ 1 .. $count ], %opt) unless $opt{empty};
}

sub add_steps
{
	my ($node, $prefix, $steps, %opt) = @_;
	my $more = ($opt{index} ? 'true' : 'false') . ($opt{more} ? ", $opt{more}" : '');

	$node->safe_psql('postgres', join ';', map {
		my $orphans = $opt{orphans} // ($_ % 2 ? 'stop' : 'leave');
		sprintf "SELECT sg_plan_add_fk('%s', 'child_%1\$s_%02d', ARRAY['ref'], 'parent_%1\$s_%d', fk_name => 'key_%2\$02d',
			orphans => '%s', index => %s)", $prefix, $_, 1 + $_ % 5, $orphans, $more;
	} @$steps);
}

# Steps that say something else than the catalog, and triggers that belong to no key
sub half_done
{
	my ($node, $plan) = @_;

	return $node->safe_psql('postgres', <<SQL);
SELECT format('step %s is %s, the key is %s', s.step, s.state,
			  CASE WHEN c.oid IS NULL THEN 'not there' WHEN c.convalidated THEN 'valid' ELSE 'not valid' END)
FROM schemaguard.plan_step s
	LEFT JOIN pg_constraint c ON c.contype = 'f' AND c.conname = s.fk_name AND c.conrelid = to_regclass(s.child_table)
WHERE s.plan = '$plan'
	AND s.state <> CASE WHEN c.oid IS NULL THEN 'pending' WHEN c.convalidated THEN 'validated' ELSE 'added' END
	AND NOT (s.state IN ('failed', 'skipped', 'rolled back') AND c.oid IS NULL)
UNION ALL
SELECT format('constraint %s has %s triggers', c.conname, count(t.oid))
FROM pg_constraint c LEFT JOIN pg_trigger t ON t.tgconstraint = c.oid AND t.tgenabled = 'O'
WHERE c.contype = 'f' AND c.conname LIKE 'key%' AND c.conparentid = 0 GROUP BY c.oid, c.conname HAVING count(t.oid) <> 4
UNION ALL
SELECT format('trigger %s belongs to no constraint', t.tgname)
FROM pg_trigger t WHERE t.tgconstraint <> 0 AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.oid = t.tgconstraint)
SQL
}

# Started rows without exactly one outcome, and outcomes without a started row
sub log_gaps
{
	my ($node, $plan) = @_;

	return $node->safe_psql('postgres', <<SQL);
SELECT format('%s of step %s (row %s) was started and has %s outcomes', s.action, s.step, s.id, count(o.id))
FROM schemaguard.audit_log s LEFT JOIN schemaguard.audit_log o ON o.started_id = s.id AND o.phase <> 'started'
WHERE s.plan = '$plan' AND s.phase = 'started' GROUP BY s.id HAVING count(o.id) <> 1
UNION ALL
SELECT format('%s %s of step %s (row %s) belongs to no started row of the same action', o.action, o.phase, o.step, o.id)
FROM schemaguard.audit_log o LEFT JOIN schemaguard.audit_log s
	ON s.id = o.started_id AND s.phase = 'started' AND s.id < o.id
		AND (s.plan, s.step, s.action, s.object) = (o.plan, o.step, o.action, o.object)
WHERE o.plan = '$plan' AND (o.action IN ('audit', 'add', 'validate', 'restore key') OR o.action LIKE 'rollback %')
	AND o.phase IN ('done', 'failed', 'interrupted')
	AND o.step IS NOT NULL AND s.id IS NULL
SQL
}

# All of that, with the number of outcomes that the log may lack: where one may, a build may have been cut off, too, and
# the next call has to drop its index; else none may be invalid.
sub leftovers
{
	my ($node, $plan, $open) = @_;
	my @gaps = split /\n/, log_gaps($node, $plan);
	my $invalid = $open ? '' : $node->safe_psql('postgres', "SELECT format('index %s is not valid', indexrelid::regclass)
		FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)");

	return join "\n", grep { $_ ne '' } half_done($node, $plan), @gaps > $open ? @gaps : (), $invalid;
}

# The schema as a dump shows it, without comments; columns sorted within a table, since those that come back are last
sub dump_of_schema
{
	my ($node, $schema) = @_;
	my ($out, $err);

	IPC::Run::run([ 'pg_dump', '-h', $node->host, '-p', $node->port, '--schema-only', '-n', $schema, 'postgres' ], '>', \$out, '2>', \$err)
	  or die $err;
	$out =~ s/^(?:--|SET |SELECT pg_catalog|\\(?:un)?restrict).*\n//mg;
	$out =~ s{^(CREATE TABLE \S+ \(\n)(.*?)(\n\);)}{ my ($a, $b, $c) = ($1, $2, $3); $a . join("\n", sort map { s/,$//r } split /\n/, $b) . $c }smge;
	return $out =~ s/\n{2,}/\n/gr;
}

sub everything
{
	my ($node, $plan) = @_;

	return $node->safe_psql('postgres', <<SQL);
SELECT p::text FROM schemaguard.plan p WHERE p.name = '$plan';
SELECT s::text FROM schemaguard.plan_step s WHERE s.plan = '$plan' ORDER BY s.step;
SELECT l::text FROM schemaguard.audit_log l ORDER BY l.id;
SELECT c.xmin, c::text FROM pg_constraint c WHERE c.oid >= 16384 ORDER BY c.oid;
SELECT t.xmin, t::text FROM pg_trigger t WHERE t.oid >= 16384 ORDER BY t.oid;
SQL
}

1;
