# 049_gaps.pl: whatever others do between a look and the deed that trusts it, no code of theirs runs as another role.
#
# A library of its own calls back in each gap: see test/gaps/gaps.c. There mallory, who owns the tables, or may put triggers on
# them, commits what the locks of that moment allow (test/gaps/gaps.sql has the kinds), once in each gap of each call, which
# then runs to its end. The calls are made by a superuser, by an owner, and by a role that has mallory's privileges.
#
#   - no witness runs as another role than mallory, whose code it is, nor can it leave that role
#   - a result is that of before or of after the attack, or unknown, or an error; an internal error is none of these
#   - no connection is lost
#   - a table that goes is the outcome of its step, and does not end sg_add_fks() or sg_apply()
#   - each function that people call is in a list of calls below, or of those that read and write no user's tables
#
# `make gaps` tries all kinds of attack in all gaps, and as a control a library whose deeds do not look anew, in which one is found;
# `make test` draws one by SG_SEED.
#   GAPS_CALLS, GAPS_KINDS, GAPS_CALLERS   patterns: what of the matrix is tried
#   GAPS_ONE_IN=N                          one in N gaps only (`make test`: 3)
#   GAPS_SHOW=1                            the result of each run is in the log
#
# rooms: base run
# takes: 45 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgGaps;
use SgTest;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $all = $ENV{SG_GAPS};
my ($calls_like, $kinds_like, $callers_like) = map { $ENV{$_} // '' } qw(GAPS_CALLS GAPS_KINDS GAPS_CALLERS);
my $gaps_dir = "$FindBin::RealBin/../gaps";

my $library = library_with('gaps.c');
my $node = new_node('gaps', without => 1,
	conf => "log_line_prefix = '%d '\ndynamic_library_path = '$library:\$libdir'\nmax_connections = 40\nfsync = off\nschemaguard.lock_timeout = 20s\n");
my $admin = $node->safe_psql('postgres', 'SELECT current_user');
my $socket = $node->host;
my $port = $node->port;

$node->safe_psql('postgres', q{CREATE ROLE mallory LOGIN; CREATE ROLE alice LOGIN; CREATE ROLE root SUPERUSER LOGIN; CREATE ROLE stooge;
	CREATE ROLE op LOGIN IN ROLE mallory; GRANT stooge TO mallory; CREATE DATABASE gaps});
$node->safe_psql('gaps', q{CREATE EXTENSION schemaguard; SELECT sg_grant('mallory'), sg_grant('alice'), sg_grant('op');
	UPDATE pg_proc SET probin = 'schemaguard' WHERE probin ~ 'schemaguard$'});
$node->psql('gaps', "\\i $gaps_dir/gaps.sql", on_error_die => 1);

# ---------------------------------------------------------------------------------------------------------------------
# The calls: name, preparation, call. Plan x has what they need.

my $plan = q{SELECT sg_plan_create('x'); };
my $key = $plan . q{SELECT sg_plan_add_fk('x', 't.c', '{q}', 't.p', fk_name => 'k', orphans => '%s'), sg_plan_add_fk('x', 't.d', '{q}', 't.p', fk_name => 'k', orphans => '%1$s')};
my $state = q{SELECT step, state FROM schemaguard.plan_step ORDER BY 1};

sub with { my ($sql, $word) = @_; return $sql =~ s/%(?:1\$)?s/$word/gr; }

my %steps = (
	statement => q{sg_plan_add_statement('x', 'UPDATE t.c SET n = n + 1; UPDATE t.d SET x = x + 1', child_table => 't.c')},
	check => q{sg_plan_add_check('x', 't.c', 'x > 0', 'check_1'), sg_plan_add_check('x', 't.d', 'x > 0', 'check_2')},
	check_rows => q{sg_plan_add_check('x', 't.c', 'q < 1000', 'x_1', policy => 'delete'), sg_plan_add_check('x', 't.d', 'q < 1000', 'x_2', policy => 'quarantine')},
	not_null => q{sg_plan_add_not_null('x', 't.c', 'x', 'null_1'), sg_plan_add_not_null('x', 't.d', 'x', 'null_2')},
	unique => q{sg_plan_add_unique('x', 't.c', '{x}', 'x_1', policy => 'quarantine', keep_by => 'id')},
	column => q{sg_plan_add_column('x', 't.c', 'added', 'int DEFAULT 7'), sg_plan_add_column('x', 't.d', 'added', 'int DEFAULT 7')},
	default => q{sg_plan_add_default('x', 't.c', 'x', '1 + 1')},
	index => q{sg_plan_add_index('x', 't.c', '(x) WHERE q > 0', 'x_1'), sg_plan_add_index('x', 't.d', '(x)', 'x_2')},
	drop => q{sg_plan_add_drop('x', 'column', 't.c', 'x'), sg_plan_add_drop('x', 'constraint', 't.d', 'd_p')},
	drop_table => q{sg_plan_add_drop('x', 'table', 't.c')},
	rename => q{sg_plan_add_rename('x', 'table', 't.c', 'c2')},);

my @calls = (
	[ sg_orphan_audit => '', 'SELECT child_table, fk_name, result, orphan_rows FROM sg_orphan_audit(samples => 1) ORDER BY 1, 2' ],
	[ sg_orphan_audit => with($key, 'stop'), q{SELECT child_table, fk_name, result, orphan_rows FROM sg_orphan_audit(plan => 'x') ORDER BY 1, 2} ],
	[ sg_orphan_audit => with($key, 'stop'), q{SET schemaguard.audit_method = sql; SELECT child_table, fk_name, result, orphan_rows FROM sg_orphan_audit(plan => 'x') ORDER BY 1, 2} ],
	[ sg_orphans => '', q{SELECT key FROM sg_orphans('t.c'::regclass, '{q}', 't.p'::regclass)} ],
	[ sg_fk_orphans => '', q{SELECT key FROM sg_fk_orphans('t.c'::regclass, 'c_p')} ],
	[ sg_rule_audit => '', q{SELECT result FROM sg_rule_audit('t.c', 'check', 'q < 1000')} ],
	[ sg_rule_audit => '', q{SELECT result FROM sg_rule_audit('t.d', 'unique', '(p)')} ],
	[ sg_rule_violations => '', q{SELECT count(*) FROM sg_rule_violations('t.c', 'check', 'q < 1000')} ],
	[ sg_tenant_audit => '', q{SELECT * FROM sg_tenant_audit('n', samples => 1)} ],
	[ sg_discover_fks => '', q{SELECT child_table, child_columns, parent_table, result FROM sg_discover_fks(min_score => 0, verify => 'full') ORDER BY 1, 2, 3} ],
	[ sg_discover_unmatched => '', q{SELECT table_name, columns FROM schemaguard.sg_discover_unmatched()} ],
	[ sg_plan_from_discovery => $plan, q{SELECT sg_plan_from_discovery('x', 0)} ],
	[ sg_impact => '', q{SELECT count(*) FROM sg_impact('t.p.id', true)} ],
	[ sg_audit_gate => '', q{CALL sg_audit_gate('{t}')} ],
	[ sg_ok_no_orphans => '', q{SELECT sg_ok_no_orphans()} ],
	[ sg_verify_fks => '', q{SELECT child_table, fk_name, test, result FROM sg_verify_fks(live => true) ORDER BY 1, 2, 3} ],
	[ sg_measure_overhead => with($key, 'leave'), q{SELECT count(*) FROM schemaguard.sg_measure_overhead('x', 3, 1)} ],
	[ sg_plan_check => with($key, 'stop') . '; SELECT ' . join(', ', @steps{qw(statement check not_null default index)}), q{SELECT count(*) FROM sg_plan_check('x')} ],
	[ sg_plan_sql => with($key, 'stop') . '; SELECT ' . join(', ', @steps{qw(statement check not_null default index)}), q{SELECT count(*) FROM sg_plan_sql('x')} ],
	[ sg_violations => "$plan SELECT $steps{check_rows}", q{SELECT count(*) FROM sg_violations('x', 1)} ],
	[ sg_add_fks => with($key, 'leave'), "CALL sg_add_fks('x'); $state" ],
	[ sg_add_fks => with($key, 'quarantine'), "CALL sg_add_fks('x', fix => true); $state" ],
	[ sg_add_fks => with($key, 'set null'), "SET schemaguard.validate_with = scan; CALL sg_add_fks('x', fix => true); $state" ],
	[ sg_add_fks => "ALTER TABLE t.c ADD f int; $plan SELECT sg_plan_add_fk('x', 't.c', '{f}', 't.p', fk_name => 'k', index => false, backfill => 'p')", "CALL sg_add_fks('x'); $state", 'c' ],
	[ sg_fix_orphans => with($key, 'delete'), "CALL sg_fix_orphans('x', dry_run => true); $state" ],
	[ sg_fix_orphans => with($key, 'delete'), "CALL sg_fix_orphans('x'); $state" ],
	[ sg_plan_referencing => with($key, 'delete'), "SELECT count(*) FROM sg_plan_referencing('x')" ],
	[ sg_plan_add_referencing => with($key, 'delete'), "SELECT count(sg_plan_add_referencing('x'))" ],
	[ sg_restore_quarantine => with($key, 'quarantine') . "; CALL sg_fix_orphans('x')", "CALL sg_restore_quarantine('x')" ],
	[ sg_rollback_fks => with($key, 'set null') . "; CALL sg_add_fks('x', fix => true)", "CALL sg_rollback_fks('x'); $state" ],
	(map { [ sg_apply => "$plan SELECT $steps{$_}", "CALL sg_apply('x', fix => true); $state" ] } sort keys %steps),
	(map { [ sg_rollback_fks => "$plan SELECT $steps{$_}; CALL sg_apply('x', fix => true)", "CALL sg_rollback_fks('x'); $state" ] } qw(check_rows column default drop rename not_null)),
	[ sg_verify_fks => with($key, 'leave') . "; CALL sg_add_fks('x')", q{SELECT child_table, fk_name, test, result FROM sg_verify_fks('x', live => true) ORDER BY 1, 2, 3} ],
	[ sg_snapshot_take => '', q{SELECT sg_snapshot_take('s ' || clock_timestamp(), '{t}')} ],
	[ sg_drift => q{SELECT sg_snapshot_take('s', '{t}')}, q{SELECT count(*) FROM sg_drift('s')} ],
	[ sg_drift_check => q{SELECT sg_snapshot_take('s', '{t}')}, q{SELECT sg_drift_check('s')} ],
	[ sg_sync_apply => q{ALTER TABLE t.c ADD CHECK (x > 0), ALTER x SET DEFAULT 3, ALTER n SET NOT NULL; CREATE INDEX x_i ON t.c (x);
		SELECT sg_snapshot_take('s', '{t}'); ALTER TABLE t.c DROP CONSTRAINT c_x_check, ALTER x DROP DEFAULT, ALTER n DROP NOT NULL; DROP INDEX t.x_i},
		q{CALL sg_sync_apply('s', '{t}', fail => false, plan => 'x')} ],
	[ sg_ensure => q{ALTER TABLE t.c ADD more int DEFAULT 3; CREATE INDEX x_i ON t.c (x);
		SELECT sg_snapshot_take('s', '{t}'); ALTER TABLE t.c DROP more; DROP INDEX t.x_i},
		q{CALL sg_ensure('s')} ],
	[ sg_sync_check => q{ALTER TABLE t.c ADD CHECK (x > 0), ALTER x SET DEFAULT 3, ALTER n SET NOT NULL; CREATE INDEX x_i ON t.c (x);
		SELECT sg_snapshot_take('s', '{t}'); ALTER TABLE t.c DROP CONSTRAINT c_x_check, ALTER x DROP DEFAULT, ALTER n DROP NOT NULL; DROP INDEX t.x_i},
		q{SELECT count(*) FROM sg_sync_check('s', '{t}')} ],);

# These work on plans, snapshots, settings and rights; sg_compare_fks and sg_drift_matrix read as sg_drift does, sg_drift_gate and sg_ok_* as
# what they call, and sg_sync_sql and sg_sync_files ask the catalogs alone
my @elsewhere = qw(sg_files_history sg_migration_history sg_audit_accept sg_audit_baseline sg_backup_record sg_plan_add sg_capture_ddl sg_compare_fks sg_dashboard sg_drift_gate sg_drift_matrix sg_findings_take sg_grant sg_graph sg_guard_ddl sg_health sg_lint sg_lint_gate sg_lint_sarif sg_lint_sql sg_lint_sql_sarif sg_lookup_drift sg_manual_changes sg_ok_keys_valid sg_ok_no_drift sg_plan_add_archive_columns
  sg_plan_add_audit_columns sg_plan_add_check sg_plan_add_column sg_plan_add_default sg_plan_add_drop sg_plan_add_fk sg_plan_add_index
  sg_plan_add_not_null sg_plan_add_rename sg_plan_add_rows sg_plan_add_statement sg_plan_add_unique sg_plan_allow sg_plan_approve sg_plan_create sg_plan_drop
  sg_plan_explain sg_plan_export sg_plan_from_snapshot sg_plan_from_sql sg_plan_hash sg_plan_import sg_plan_isolate sg_plan_option sg_plan_pause sg_plan_release sg_plan_resume
  sg_plan_retarget sg_plan_set sg_plan_skip sg_plan_steps sg_promote sg_promote_apply sg_promote_rollback sg_promotion_approve sg_promotion_check sg_promotion_status sg_prune sg_report sg_revoke sg_schema_doc sg_snapshot_drop sg_snapshot_export
  sg_snapshot_from_files sg_snapshot_import sg_snapshot_objects sg_status sg_sync_files sg_sync_sql sg_watch sg_watch_start sg_watch_subscriptions);
{
	my %listed = map { $_ => 1 } @elsewhere, map { $_->[0] } @calls;
	my @missing = grep { !$listed{$_} } map { $_->[0] } rows($node, q{SELECT DISTINCT proname FROM pg_depend JOIN pg_proc p ON p.oid = objid AND proname !~ '_details$'
		WHERE classid = 'pg_proc'::regclass AND deptype = 'e' AND refclassid = 'pg_extension'::regclass AND pronamespace = 'public'::regnamespace
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemaguard') ORDER BY 1}, dbname => 'gaps');

	is("@missing", '', 'each function that people call is listed');
}

# ---------------------------------------------------------------------------------------------------------------------
# One caller's share, in a database and a process of its own. Findings go to a file.

my @kinds = grep { !/that comes/ } map { $_->[0] } rows($node, 'SELECT name FROM gap.kind ORDER BY name', dbname => 'gaps');

# What is wrong with the result of a call.  A row of a query is one of before or of after the attack, or says that it cannot
# tell; a step that is done has its constraint.
sub wrong_result
{
	my ($sql, $boss, $victim, $kind, $before, $result) = @_;

	if ($sql =~ /CALL/)
	{
		my $lacking = $boss->query(q{SELECT format('%s is %s', fk_name, state) FROM schemaguard.plan_step
			WHERE kind IN ('foreign key', 'check', 'unique') AND (state = 'validated' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = fk_name AND convalidated)
				OR state = 'rolled back' AND EXISTS (SELECT FROM pg_constraint WHERE conname = fk_name))});
		return $lacking eq '' || $kind =~ /drop|^rename( schema)?$|view/ ? () : "WRONG $lacking";
	}
	# what is counted by name is then of neither
	return () if $kind =~ /schema/;
	my %after = map { $_ => 1 } split /\n/, $victim->query($sql) // '';
	return map { "WRONG $_" } grep { !$before->{$_} && !$after{$_} && !/unknown|skipped/ } split /\n/, $result;
}

sub attack_all
{
	my ($database, $caller, $file, @matrix) = @_;
	open my $out, '>', $file or die "$file: $!";
	$out->autoflush(1);
	my $read_to = -s $node->logfile;
	my $witnesses = sub {
		open my $handle, '<', $node->logfile or die $!;
		seek $handle, $read_to, 0;
		local $/ = undef;
		my $text = <$handle> // '';
		$text =~ s/[^\n]*\z//;
		$read_to += length $text;
		return $text;
	};
	my $boss = SgTest::Session->new($node, dbname => $database);
	my $victim;
	my ($runs, $seen, $start) = (0, 0, time);

	$boss->query('SET client_min_messages = error');
	foreach my $cell (@matrix)
	{
		my ($call, $kind, $one_in, $at) = @$cell;
		my ($name, $prepare, $sql) = @$call;
		my %sites;
		my $of = "$sql, after " . substr($prepare, -110);
		my $begin = time;
		my %before;

		$boss->query('TRUNCATE gap.tried, gap.met; UPDATE gap.state SET one_in = ' . ($ENV{GAPS_ONE_IN} // $one_in // ($ENV{SG_GAPS} || long_run() ? 1 : 3)) . qq{, at = '@{[ $at // '' ]}'});
		my $begin_anew = sub {
			my $owner = $caller eq 'alice' ? 'alice' : 'mallory';

			$boss->query(qq{CALL gap.reset('$owner'); SELECT sg_snapshot_drop(name) FROM schemaguard.snapshot});
			die $boss->{err} if $boss->{err} =~ /ERROR/;
			$victim //= do {
				my $new = SgTest::Session->new($node, dbname => $database, user => $caller);
				$new->query('SET client_min_messages = error; SET schemaguard.fix_pause = 0');
				$new;
			};
			$victim->query("RESET schemaguard.validate_with; RESET schemaguard.audit_method; $prepare");
			print $out "PREPARE $name: $victim->{err}\n" if $victim->{err} =~ /ERROR/ && !%sites;
		};
		$begin_anew->();
		%before = map { $_ => 1 } split /\n/, $victim->query($sql) // '';
		for (;;)
		{
			my @found;

			$begin_anew->();
			$witnesses->();
			$boss->query("SELECT gap.arm('$kind')");
			my $result = $victim->query($sql);
			my $err = $victim->{err};
			my $site = $boss->query('SELECT gap.arm(NULL)');
			my $lock = defined $result && $victim->query(q{SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = 4711 AND objid = 1 AND pid = pg_backend_pid()});
			$victim->query('SELECT pg_advisory_unlock_all()') if $lock;
			my $log = $witnesses->();

			$runs++;
			while ($log =~ /^\Q$database\E LOG:  WITNESS (.+?) AS (.+?)(?: at character \d+)?$/mg)
			{
				my ($slot, $role) = ($1, $2);
				$seen++;
				push @found, "WITNESS $slot as $role" unless $role eq 'mallory' || $role eq 'stooge';
			}
			push @found, "WITNESS a built-in function" if $lock;
			push @found, "CRASH $err" unless defined $result;
			push @found, "CRASH in the log" if $log =~ /terminated by signal|TRAP:|PANIC/;
			push @found, "INTERNAL $1" if $err =~ /(ERROR:  XX.*)/;
			push @found, "ENDED $1" if $kind eq 'drop' && $sql =~ /CALL sg_(?:add_fks|apply)\b/ && $err =~ /((?:ERROR|FATAL).*)/;
			push @found, wrong_result($sql, $boss, $victim, $kind, \%before, $result) if defined $result && $site ne '';
			# a time-out of 2 ms may strike behind the attack's own handler, which then has not come through
			push @found, "HARNESS $1" if $log =~ /LOG:  gap\.attack: (?!ERROR:  canceling statement due to lock timeout)(.*)/;
			undef $victim unless defined $result;
			my %once;
			print $out "FOUND $name | $kind | $caller | $_ | $site | $of\n" foreach grep { !$once{$_}++ } @found;
			print $out "RESULT $name | $kind | $caller | $site | " . join(' / ', split /\n/, $result // '') . " | " . ($err =~ /((?:ERROR|FATAL).*)/ ? $1 : '') . "\n" if $ENV{GAPS_SHOW};
			last if $site eq '' || $sites{$site}++;
		}
		print $out map { "REFUSED $_\n" } split /\n/, $boss->query(q{DELETE FROM gap.refused RETURNING kind || ': ' || message}) // '' if $ENV{GAPS_SHOW};
		printf $out "CELL %s | %s | %s | %d of %s gaps, %.1f s | %s\n", $name, $kind, $caller, scalar(keys %sites), $boss->query('SELECT count(*) FROM gap.met'), time - $begin, $of;
	}
	print $out "DONE $caller: $runs runs, $seen witnesses, " . int(time - $start) . " s\n";
	$boss->quit;
	$victim->quit if $victim;
}

srand(seed());
my @matrix;
foreach my $call (@calls)
{
	push @matrix, map { [ $call, $_ ] } grep { /$kinds_like/ } @kinds if "$call->[0] $call->[2] $call->[1]" =~ /$calls_like/;
}
for (my $i = @matrix; --$i > 0;)
{
	my $j = int(rand($i + 1));
	@matrix[ $i, $j ] = @matrix[ $j, $i ];
}
# some gaps of one cell; and those that were open once
my ($statement) = grep { $_->[0] eq 'sg_apply' && $_->[1] =~ /sg_plan_add_statement/ } @calls;
my ($scan) = grep { $_->[0] eq 'sg_add_fks' && $_->[2] =~ /validate_with = scan/ } @calls;
my ($back) = grep { $_->[0] eq 'sg_rollback_fks' && $_->[1] =~ /sg_plan_add_check/ } @calls;
if (!$all)
{
	@matrix = ([ $statement, 'trigger' ], [ $statement, 'rename schema' ], [ @{ $matrix[0] }, 4 ]);
}

# Starts a share of the matrix, in a database of its own
sub start_share
{
	my ($database, $caller, @cells) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$database";

	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE gaps; GRANT CREATE ON DATABASE $database TO mallory");
	$node->safe_psql($database, qq{ALTER ROLE $caller IN DATABASE $database SET gaps.attack =
		'host=$socket port=$port dbname=$database user=mallory application_name=attacker options=''-c lock_timeout=2 -c client_min_messages=error'''});
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		eval { attack_all($database, $caller, $file, @cells); 1 } or append_to_file($file, "DIED $@\n");
		POSIX::_exit(0);
	}
	return [ $caller, $file, $pid ];
}

# What it has found, when it is through
sub found_by
{
	my ($caller, $file, $pid) = @{ $_[0] };

	waitpid $pid, 0;
	my $text = slurp_file($file);
	note($text);
	diag($1) if $text =~ /^DONE (.*)$/m;
	return join "\n", $text =~ /^((?:FOUND|PREPARE|DIED) .*)$/mg;
}

my @shares = map { start_share("by_$_", $_, @matrix, $_ eq 'root' && !$all ? ([ $back, 'type of a key' ], [ $scan, 'drop', 1, '^(find_all_inheritors|pg_class_aclcheck|code_role) ' ]) : ()) }
  grep { /$callers_like/ } qw(root alice op);

is(found_by($_), '', "called by $_->[0]: no code of others runs as another role, nothing is lost") foreach @shares;

# The control. Each call locks the table of its step without a deed's help: so the statement is on another one.
my $hole = library_with('gaps.c', '-DGAPS_HOLE');
my $unlocked = [ sg_apply => "$plan SELECT sg_plan_add_statement('x', 'UPDATE t.d SET x = x + 1', child_table => 't.c')", "CALL sg_apply('x'); $state" ];

$node->safe_psql('postgres', qq{ALTER ROLE root SET dynamic_library_path = '$hole:\$libdir'});
like(found_by(start_share('hole', 'root', [ $unlocked, 'trigger', 1 ])), qr/WITNESS trigger as root/, 'where deeds do not look anew, code of others runs as the caller');

# ---------------------------------------------------------------------------------------------------------------------
# Names that lead elsewhere when the server reads them. What a type's check calls is built in, so the guard is on.

my $typed = q{'{1}'::m.plain[] IS NOT NULL};
my @named = (
	"sg_plan_add_check('x', 't.c', \$a\$$typed AND x > 0\$a\$, 'check_1')",
	"sg_plan_add_index('x', 't.c', \$a\$(x) WHERE $typed\$a\$, 'x_1')",
	"sg_plan_add_statement('x', \$a\$UPDATE t.c SET x = x + 1 WHERE $typed\$a\$)",
	"sg_plan_add_statement('x', \$a\$ALTER TABLE t.c ADD CHECK ($typed)\$a\$)",
	"sg_plan_add_column('x', 't.c', 'added', 'int', fill => \$a\$CASE WHEN $typed THEN 1 END\$a\$)",
	"sg_plan_add_default('x', 't.c', 'x', \$a\$CASE WHEN $typed THEN 1 END\$a\$)");
my @look_alikes = (
	(map { [ sg_plan_check => "$plan SELECT $_; DROP DOMAIN m.plain", q{SELECT count(*) FROM sg_plan_check('x', verify => 'full')} ] } @named),
	(map { [ sg_apply => "$plan SELECT $_; DROP DOMAIN m.plain", "CALL sg_apply('x', fix => true); $state" ] } @named));
my $operated = q{(4711 OPERATOR(o.##) (CASE current_user WHEN 'mallory' THEN 0 ELSE 1 END)) IS NOT NULL};
my @operated = (
	[ sg_apply => "$plan SELECT sg_plan_add_statement('x', \$a\$UPDATE o.t SET x = x + 1 WHERE $operated\$a\$)", "CALL sg_apply('x'); $state" ],
	[ sg_apply => "$plan SELECT sg_plan_add_statement('x', 'UPDATE o.t SET x = x + 1', done_when => \$a\$SELECT bool_or(NOT $operated) FROM o.t\$a\$)", "CALL sg_apply('x'); $state" ]);
my @readers = grep { $_->[0] =~ /^(?:sg_fk_orphans|sg_orphans|sg_discover_fks|sg_rule_violations)$/ || $_->[2] =~ /audit_method/ } @calls;
my $stop = with($key, 'stop') . "; SELECT $steps{check}";
push @readers, [ sg_plan_check => $stop, q{SELECT count(*) FROM sg_plan_check('x', verify => 'full')} ];
my @draw = $all ? @look_alikes : map { splice @look_alikes, int(rand(@look_alikes)), 1 } 1 .. ($ENV{GAPS_LOOK_ALIKES} // 4);
my @names = ((map { [ $_, 'type that comes' ] } @draw), (map { [ $_, 'operator that comes' ] } @operated), map { [ $_, 'schema of views' ] } $all ? @readers : $readers[ int(rand(@readers)) ]);
my $guarded = library_with('gaps.c', '-DGAPS_GUARD');
my $trusting = library_with('gaps.c', '-DGAPS_GUARD -DGAPS_NAMES');

$node->safe_psql('postgres', qq{ALTER ROLE root SET dynamic_library_path = '$guarded:\$libdir'});
is(found_by(start_share('names', 'root', @names)), '', 'no name leads to built-in functions, or to a view, of others');
$node->safe_psql('postgres', qq{ALTER ROLE root SET dynamic_library_path = '$trusting:\$libdir'});
my $heard = found_by(start_share('trusting', 'root', [ $look_alikes[0] // $draw[0], 'type that comes' ], [ $readers[1], 'schema of views' ], map { [ $_, 'operator that comes', 1 ] } @operated));
like($heard, qr/WITNESS a built-in function \| .*/, 'a name that is not asked about leads there');
like($heard, qr/operator that comes \| root \| WITNESS a built-in function .*\Q$_\E/, "so does an operator: $_") foreach '= x + 1 WHERE', 'or(NOT ';

$node->stop;
done_testing();
