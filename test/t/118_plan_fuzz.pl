# 118_plan_fuzz.pl: random plans over random tables, through every call in random order, beside an application and others' DDL, cancelled and
# killed.  No row is lost, doubled or changed but by a policy.
#
# Up to four tables, some partitioned, with orphans, nulls and duplicates; up to ten steps of all kinds, with policies, phases and `after`.
# Calls follow each other: apply, fix, roll back, skip, release, check; a third of the plans run beside sessions that write the tables, or
# alter them, and a third of the calls are cancelled, killed, or lose a process by SIGKILL.  Then the plan is applied to its end, and taken back.
#
# After each call: each row is in its table or in quarantine once, with its values but for those that a step may change; each validated
# constraint holds; each step that is called done is there; a statement has run as often as its step says; an error has a SQLSTATE.
# After the rollback: the catalog and the rows are those of the beginning, or the call or a step's reason names the table.
#
# 100 plans, 20,000 with SG_LONG=1, by four processes; SG_SEED=n starts elsewhere, SG_PLAN=n runs plan n alone and says what it does.
#
# rooms: change undo fix
# takes: 120 s
# majors: one (the longest; what kinds do is in regression tests)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $plans = $ENV{SG_CASES} || (long_run() ? 20_000 : 60);

# Four processes share a long run, each with a server of its own
my $lanes = long_run() && !defined $ENV{SG_PLAN} ? 4 : 1;
my $lane = $ENV{SG_LANE} // 0;
my %others;
for my $other ($lanes > 1 && !defined $ENV{SG_LANE} ? 1 .. $lanes - 1 : ())
{
	my $log = PostgreSQL::Test::Utils::tempdir() . "/lane";
	my $pid = fork // die 'no process';
	if (!$pid)
	{
		$ENV{SG_LANE} = $other;
		open(STDOUT, '>', $log) && open(STDERR, '>&', \*STDOUT) && exec $^X, (map { "-I$_" } @INC), $0;
		die "no lane $other";
	}
	$others{$other} = [ $pid, $log ];
}

my $node = new_node("plan_fuzz_$lane", conf => "max_connections = 30\nfsync = off\nschemaguard.workers = 1\nschemaguard.fix_limit = -1\nschemaguard.fix_pause = 0\nschemaguard.lock_budget = '2s'\nrestart_after_crash = on\n");

my ($s, $app, $ddl, $asked);

sub sessions
{
	$_->quit foreach grep { defined } $s, $app, $ddl, $asked;
	wait_for(sub { eval { $node->psql('postgres', 'SELECT 1') == 0 } }) or die 'the server does not come back';
	($s, $app, $ddl, $asked) = map { SgTest::Session->new($node) } 1 .. 4;
	$_->query('SET client_min_messages = notice') foreach $s;
}

# ---------------------------------------------------------------------------------------------------------------------
# Tables: columns are numbered as plan_fuzz.sql has them: id, r1, r2, a, b, c, d

my (@tables, @may);

sub make_tables
{
	my $sql = '';

	@tables = map { { name => "t$_", parted => chance(0.2), rows => pick(5, 20, 60) } } 1 .. 2 + int(rand(3));
	for my $t (@tables)
	{
		my $n = $t->{name};
		$t->{key} = chance(0.85) || $t == $tables[0];
		$t->{parted} = 0 if $t == $tables[0];
		my $key = !$t->{key} ? '' : $t->{parted} ? ', PRIMARY KEY (id, d)' : ', PRIMARY KEY (id)';
		$sql .= "CREATE TABLE z.$n (id int, r1 int, r2 int, a int, b text, c numeric(9, 2), d int NOT NULL DEFAULT 0$key)" . ($t->{parted} ? ' PARTITION BY LIST (d)' : '') . ";\n";
		$sql .= "CREATE TABLE z.${n}_1 PARTITION OF z.$n FOR VALUES IN (0); CREATE TABLE z.${n}_2 PARTITION OF z.$n DEFAULT;\n" if $t->{parted};
		$t->{heir} = 1, $sql .= "CREATE TABLE z.${n}_1 () INHERITS (z.$n);\n" if !$t->{parted} && $t != $tables[0] && chance(0.1);
		for my $i (1 .. $t->{rows})
		{
			my $v = join ', ', $i, chance(0.1) ? 'NULL' : 1 + int(rand(chance(0.1) ? 99 : 5)), chance(0.2) ? 'NULL' : 1 + int(rand(5)), chance(0.1) ? 'NULL' : int(rand(30)) - (chance(0.2) ? 3 : 0),
			  chance(0.1) ? 'NULL' : lit('x' x int(rand(4))), chance(0.1) ? 'NULL' : sprintf('%.2f', rand(99)), int(rand(3));
			$sql .= "INSERT INTO z.$n" . ($t->{heir} && chance(0.3) ? '_1' : '') . " VALUES ($v);\n";
		}
		$sql .= "ALTER TABLE z.$n ADD CONSTRAINT ${n}_fk FOREIGN KEY (r2) REFERENCES z.t1" . pick('', ' ON DELETE CASCADE', ' ON DELETE SET NULL', ' DEFERRABLE') . ";\n", $t->{fk} = 1 if chance(0.4);
		$sql .= "ALTER TABLE z.$n ADD CONSTRAINT ${n}_ck CHECK (id > 0)" . ($t->{parted} || chance(0.7) ? '' : ' NOT VALID') . ";\n", $t->{ck} = 1 if chance(0.3);
		$sql .= "CREATE INDEX ${n}_idx ON z.$n (a);\n", $t->{idx} = 1 if chance(0.3);
		$sql .= "CREATE FUNCTION z.${n}_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.d := NEW.d + 10; RETURN NEW; END'; CREATE TRIGGER ${n}_tr BEFORE UPDATE ON z.$n FOR EACH ROW EXECUTE FUNCTION z.${n}_f();\n",
		  $t->{tr} = 1, push @may, [ $n, 'change', 7, undef ] if !$t->{parted} && chance(0.2);
		$sql .= "CREATE VIEW z.${n}_v AS SELECT id, b FROM z.$n;\n", $t->{view} = 1 if chance(0.15);
		$sql .= "ALTER TABLE z.$n ALTER a SET DEFAULT 3;\n" if chance(0.2);
		$sql .= "INSERT INTO fz.tab SELECT '$n', c.oid, 7 FROM pg_class c WHERE relnamespace = 'z'::regnamespace AND relname IN ('$n', '${n}_1', '${n}_2') AND relkind IN ('r', 'p');\n";
	}
	return $sql . "INSERT INTO fz.row SELECT name, id, v FROM (SELECT DISTINCT name FROM fz.tab) x, fz.now(name);\nINSERT INTO fz.before SELECT * FROM fz.catalog();\n";
}

# ---------------------------------------------------------------------------------------------------------------------
# Steps: what each may do to rows is on record

my %number = (id => 1, r1 => 2, r2 => 3, a => 4, b => 5, c => 6, d => 7);
my ($step, %mades);

sub may { my ($t, $what, $col) = @_; push @may, [ ref $t ? $t->{name} : $t, $what, $col, $step ]; return; }

# A policy, and what it may do: rows that refer to rows that go, go with them
sub policy
{
	my ($t, @columns) = @_;
	my $p = pick(qw(stop stop quarantine quarantine quarantine delete leave), @columns ? ('set') x 2 : ());

	policy_may($t, $p, @columns);
	return $p;
}

sub policy_may
{
	my ($t, $p, @columns) = @_;

	if ($p eq 'delete' || $p eq 'quarantine')
	{
		# keys with ON DELETE, and policies of other steps, reach rows elsewhere
		for my $o (@tables)
		{
			may($o, 'lose') if $p eq 'delete' && ($o == $t || $t == $tables[0]);
			may($o, 'change', $_) foreach $o != $t && $t == $tables[0] ? (2, 3) : ();
		}
	}
	may($t, 'change', $number{$_}) foreach $p =~ /^set/ ? @columns : ();
}

sub common
{
	my @before = map { pick(1 .. $step - 1) } 1 .. pick(1, 1, 2);

	return ($step > 1 && chance(0.15) ? ', after => ' . text_array(@before) : '') . (chance(0.12) ? q{, phase => 'later'} : '')
	  . (chance(0.2) ? ', priority => ' . lit(pick(qw(critical high low))) : '');
}

sub maybe { my ($name, $p, @values) = @_; return chance($p) ? ", $name => " . pick(@values) : ''; }

my %makers = (
	fk => sub {
		my ($t) = @_;
		my $col = pick('r1', 'r1', 'r2');
		my $p = pick(qw(stop leave quarantine quarantine delete), 'set null', 'set null');
		policy_may($t, $p, $col);
		my $parent = pick(grep { $_->{key} && !$_->{parted} } @tables);
		my $cascade = maybe('on_delete', 0.3, q{'cascade'}, q{'set null'});
		may($t, 'change', $number{$col}) if $cascade;
		return "sg_plan_add_fk('f', 'z.$t->{name}', '{$col}', 'z.$parent->{name}', orphans => '$p'" . $cascade . maybe('"index"', 0.5, 'false') . ($p =~ /quar|del/ ? maybe('quarantine_cascades', 0.5, 'true') : '')
		  . ($t->{fk} && $col eq 'r2' ? maybe('replaces', 0.3, "'$t->{name}_fk'") : '') . maybe('"deferrable"', 0.1, 'true') . maybe('priority', 0.2, q{'high'}, q{'low'}) . ')';
	},
	backfill => sub {
		my ($t) = @_;
		return "sg_plan_add_fk('f', 'z.$t->{name}', '{bf$step}', 'z.t1', backfill => 'r2'" . ($t->{fk} ? maybe('replaces', 0.7, "'$t->{name}_fk'") : '') . maybe('"index"', 0.5, 'false') . ')';
	},
	check => sub {
		my ($t) = @_;
		my ($cond, $col, $fill) = @{ pick([ 'a > 0', 'a', '1' ], [ 'a > 0', 'a', 'abs(a) + 1' ], [ q{b <> ''}, 'b', q{'none'} ], [ 'c < 90', 'c', 'c / 2' ], [ 'a IS NOT NULL AND id > 0', 'a', '0' ]) };
		my $p = policy($t, $col);
		return "sg_plan_add_check('f', 'z.$t->{name}', " . lit($cond) . ", 'k$step', policy => '$p'" . ($p eq 'set' ? ", child_column => '$col', fill => " . lit($fill) : '') . common() . ')';
	},
	'not null' => sub {
		my ($t) = @_;
		my ($col, $fill) = @{ pick([ 'a', '7' ], [ 'a', 'id' ], [ 'b', q{'?'} ], [ 'c', '0.5' ], [ 'r1', '1' ]) };
		my $p = policy($t, $col);
		return "sg_plan_add_not_null('f', 'z.$t->{name}', '$col', policy => '$p'" . ($p eq 'set' ? ', fill => ' . lit($fill) : '') . common() . ')';
	},
	unique => sub {
		my ($t) = @_;
		my $col = pick('a', 'b', 'c', 'a,b', $t->{parted} ? 'id,d' : 'id');
		my $p = pick(qw(stop quarantine));
		policy_may($t, $p);
		return "sg_plan_add_unique('f', 'z.$t->{name}', '{$col}', 'u$step', policy => '$p'" . ($p ne 'stop' ? ', keep_by => ' . lit(pick('id', 'id DESC', 'a NULLS FIRST, id')) : '') . maybe('primary_key', 0.1, 'true') . common() . ')';
	},
	column => sub {
		my ($t) = @_;
		$mades{"$t->{name}.n$step"} = 1;
		return "sg_plan_add_column('f', 'z.$t->{name}', 'n$step', " . pick(q{'int', fill => 'a + 1'}, q{'text', fill => $$coalesce(b, 'q')$$}, q{$$text DEFAULT 'w'$$}, q{'int'}, q{'float8 DEFAULT random()'}, q{'numeric', fill => 'c * 2'}) . common() . ')';
	},
	default => sub { my ($t) = @_; return "sg_plan_add_default('f', 'z.$t->{name}', '" . pick('a', 'r1') . "', " . pick(q{'5'}, 'NULL') . common() . ')' },
	index => sub { my ($t) = @_; return "sg_plan_add_index('f', 'z.$t->{name}', " . pick(q{'(b)'}, q{'(a, b)'}, q{'(lower(b)) WHERE a > 0'}, $t->{parted} ? () : q{'UNIQUE (id)'}) . ", 'i$step'" . common() . ')' },
	statement => sub {
		my ($t) = @_;
		my $sql = pick("INSERT INTO fz.once VALUES ($step)", "INSERT INTO fz.once VALUES ($step)", "UPDATE z.$t->{name} SET c = c + 1 WHERE id < 10", "DELETE FROM z.$t->{name} WHERE id = 3", "CREATE TABLE z.made$step (id int)",
			"ALTER TABLE z.$t->{name} ALTER b SET STATISTICS 100", "VACUUM z.$t->{name}", "UPDATE z.$t->{name} SET a = 1 / (id - 2) WHERE id = 2");
		my $undo = $sql =~ /once/ ? "DELETE FROM fz.once WHERE step = $step" : $sql =~ /made/ ? "DROP TABLE z.made$step" : $sql =~ /c \+ 1/ ? $sql =~ s/\+/-/r : undef;
		$undo = undef if $sql =~ /UPDATE/ && chance(0.3);
		may($t, 'change', 6) if $sql =~ /c \+ 1/;
		may($_, 'lose'), may($_, 'change', 2), may($_, 'change', 3) foreach $sql =~ /^DELETE/ ? @tables : ();
		return "sg_plan_add_statement('f', " . lit($sql) . ($undo ? ', undo => ' . lit($undo) : '') . ($sql =~ /VACUUM/ ? ', in_transaction => false' : '') . maybe('child_table', 0.4, "'z.$t->{name}'") . common() . ')';
	},
	drop => sub {
		my ($t) = @_;
		my $keep = chance(0.75);
		my @what = ([ 'column', pick(qw(a b c r1 r2)) ], [ 'column', pick(qw(a b c r1 r2)) ], [ 'table' ], $t->{fk} ? [ 'constraint', "$t->{name}_fk" ] : (), $t->{ck} ? [ 'constraint', "$t->{name}_ck" ] : (), $t->{idx} ? [ 'index', "$t->{name}_idx" ] : (),
			$t->{tr} ? [ 'trigger', "$t->{name}_tr" ] : (), $t->{view} ? [ 'view', undef, "$t->{name}_v" ] : (), $t->{parted} || $t->{heir} ? [ 'table', undef, "$t->{name}_1" ] : ());
		my ($what, $name, $table) = @{ pick(@what) };
		if (!$keep)
		{
			may($t, 'drop', $number{$name}) if $what eq 'column';
			may($t, 'drop', 0), $table && may($t, 'lose') if $what eq 'table';
		}
		return "sg_plan_add_drop('f', '$what', 'z." . ($table // $t->{name}) . "'" . ($name ? ", '$name'" : '') . ($keep ? '' : ', keep => false') . common() . ')';
	},
	rename => sub {
		my ($t) = @_;
		my $col = pick(qw(a b c r1));
		return chance(0.6) ? "sg_plan_add_rename('f', 'column', 'z.$t->{name}', '${col}_r', '$col'" . common() . ')' : "sg_plan_add_rename('f', 'table', 'z.$t->{name}', '$t->{name}_r'" . common() . ')';
	},
	sql => sub {
		my ($t) = @_;
		return "sg_plan_from_sql('f', " . lit(join '; ', map { pick("ALTER TABLE z.$t->{name} ADD FOREIGN KEY (r1) REFERENCES z.t1", "CREATE INDEX ON z.$t->{name} (c)", "ALTER TABLE z.$t->{name} ADD s${step}_$_ int DEFAULT 4",
			"CREATE TABLE z.script${step}_$_ (id int PRIMARY KEY, t_id int REFERENCES z.t1)", "ALTER TABLE z.$t->{name} ADD CONSTRAINT s${step}_$_ CHECK (a < 1000)") } 1 .. 2) . ')';
	});
my @kinds = (('fk') x 4, ('check') x 2, ('not null') x 2, ('drop') x 2, sort keys %makers);

# ---------------------------------------------------------------------------------------------------------------------
# Calls

my ($plan, $said, %errors, %counts, @wrong);

sub say_it { note("plan $plan: $_[0]") if defined $ENV{SG_PLAN}; }

sub wrong { my ($what) = @_; push @wrong, "plan $plan: $what"; diag("plan $plan: $what") if @wrong < 40; }

sub run_call
{
	my ($sql, $fault) = @_;

	$fault //= '';
	say_it("$fault $sql");
	$counts{calls}++;
	$s->query('SET statement_timeout = ' . (1 + int(rand(300)))), $counts{cancelled}++ if $fault eq 'cancel';
	if ($fault =~ /kill/)
	{
		# after so many rows of the log
		my $rows = $asked->query('SELECT coalesce(max(id), 0) FROM schemaguard.audit_log') + int(rand(12));
		$s->send($sql);
		$asked->query('SELECT 1') until $s->is_done || $asked->query('SELECT coalesce(max(id), 0) FROM schemaguard.audit_log') >= $rows;
		if ($fault eq 'kill') { $asked->query("SELECT pg_terminate_backend($s->{pid})"); }
		# the server ends all sessions as soon as it sees that: no new one begins before
		else { kill 'KILL', $s->{pid}; wait_for(sub { !defined $asked->query('SELECT 1') }); }
		$counts{killed}++;
		$s->collect;
		if ($fault ne 'kill') { sessions(); }
		else { $s->quit; wait_for(sub { $asked->query("SELECT count(*) FROM pg_stat_activity WHERE pid = $s->{pid}") eq '0' }); $s = SgTest::Session->new($node); }
		push @may, [ 't1', 'open' ];
		$asked->query("INSERT INTO fz.may VALUES ('t1', 'open')");
	}
	else
	{
		my $out = $s->query($sql);
		if (!defined $out) { wrong("the session ended: $sql: $s->{err}"); sessions(); return; }
		my $state = $s->sqlstate;
		$said .= $s->{err};
		say_it($s->{err} =~ s/^LOCATION.*\n//mgr) if $s->{err};
		$errors{"$state " . substr($s->{err} =~ /ERROR:\s+\S+ (.*)/ ? $1 : '', 0, 60)}++ if $state;
		wrong("$sql: $s->{err}") if $state =~ /^(XX|38|39|0[^A]|P0)/ || $s->{err} =~ /cache lookup|TRAP/;
		$s->query('SET statement_timeout = 0') if $fault eq 'cancel';
	}
}

# nothing takes this long
$SIG{ALRM} = sub { note($node->safe_psql('postgres', 'SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid), left(query, 200) FROM pg_stat_activity')); die "plan $plan hangs" };

sub looked
{
	my ($when, $query) = @_;

	my $out = $s->query("SET statement_timeout = '60s'; SET client_min_messages = warning; $query; SET client_min_messages = notice; SET statement_timeout = 0");
	wrong("$when: look: $s->{err}") if $s->sqlstate;
	wrong("$when: $_") foreach split /\n/, $out // 'the session is gone';
	return;
}

sub look
{
	my ($when, $back) = @_;

	looked($when, 'SELECT * FROM fz.rows_wrong(' . ($back ? lit($said) : 'NULL') . ')');
	looked($when, 'SELECT * FROM fz.truth_wrong()');
	looked($when, 'SELECT * FROM fz.steps_wrong()');
}

sub store_may
{
	return unless @may;
	# rows that refer to those that go, go along or lose their reference
	if (grep { $_->[1] eq 'lose' } @may) { for my $t (@tables) { push @may, [ $t->{name}, 'lose' ], map { [ $t->{name}, 'change', $_ ] } 2, 3; } }
	$asked->query('INSERT INTO fz.may VALUES ' . join ', ', map { '(' . join(', ', lit($_->[0]), lit($_->[1]), map { $_ // 'NULL' } @{$_}[ 2, 3 ]) . ')' } @may);
	@may = ();
}

sub run_plan
{
	my ($crash) = @_;
	my ($n, $beside) = (1 + int(rand(10)), pick('', '', '', 'app', 'app', 'ddl', 'both'));

	@may = ();
	$said = '';
	$s->query($_), $s->sqlstate && wrong("clear: $s->{err}") foreach q{SELECT sg_plan_drop(name, force => true) FROM schemaguard.plan}, 'CALL fz.clear()';
	$s->query(make_tables());
	wrong("tables: $s->{err}") if $s->sqlstate;
	say_it(join ' ', map { my $t = $_; join ',', map { "$_=" . ($t->{$_} // '') } sort keys %$t } @tables);
	$s->query(q{SELECT sg_plan_create('f')});
	for (1 .. $n)
	{
		$step = $s->query(q{SELECT coalesce(max(step), 0) + 1 FROM schemaguard.plan_step WHERE plan = 'f'});
		run_call('SELECT ' . $makers{ pick(@kinds) }->(pick(@tables)));
	}
	$n = $s->query(q{SELECT coalesce(max(step), 0) FROM schemaguard.plan_step WHERE plan = 'f'});
	$counts{steps} += $n;
	return if $n == 0;
	store_may();

	$app->send('CALL fz.app(' . rand() . ', ' . pick(20, 60) . ')') if $beside =~ /app|both/;
	$ddl->send('CALL fz.ddl(' . rand() . ', ' . pick(3, 10) . ')') if $beside =~ /ddl|both/;
	for (1 .. int(rand(5)))
	{
		my $some = '{' . join(',', map { 1 + int(rand($n)) } 1 .. pick(1, 2, 3)) . '}';
		my $fix = pick('', ', fix => true', ', fix => true');
		run_call(
			pick(("CALL sg_apply('f'$fix)") x 4, "CALL sg_apply('f', steps => '$some'$fix)", "CALL sg_apply('f', validate => false$fix)", "CALL sg_add_fks('f'$fix)", "CALL sg_fix_orphans('f')", "CALL sg_fix_orphans('f', batch => 3)",
				"CALL sg_fix_orphans('f', dry_run => true)", "SELECT sg_plan_release('f', 'later')", "SELECT sg_plan_skip('f', '$some', 'no')", "SELECT sg_plan_set('f', '$some', '{\"state\": \"pending\"}')", "CALL sg_rollback_fks('f')",
				"CALL sg_rollback_fks('f', steps => '$some')", "CALL sg_restore_quarantine('f')", q{SELECT count(*) FROM sg_plan_check_details('f', verify => 'full')}, q{SELECT count(*) FROM sg_verify_fks_details('f', live => true)},
				q{SELECT sg_plan_release('f', 'fill')}, q{SELECT count(sg_plan_export('f'))}),
			$crash && $_ == 1 ? 'sigkill' : pick('', '', '', '', 'cancel', 'kill'));
		look('between') unless $beside;
	}
	for ([ $app, 'application' ], [ $ddl, 'DDL' ])
	{
		$_->[0]->collect if $_->[0]->{n} && !$_->[0]->is_done;
		wrong("$_->[1]: $_->[0]{err}") if ($_->[0]->{stderr} // '') =~ /ERROR/;
	}
	look('after calls');
	run_call(q{SELECT sg_plan_release('f', 'later') FROM schemaguard.plan_step WHERE phase IS NOT NULL LIMIT 1});
	run_call(q{CALL sg_apply('f', fix => true)});
	look('in the end');
	say_it($s->query(q{SELECT string_agg(concat_ws(' ', step, kind, fk_name, child_table, state, reason), E'\n' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'f'}));
	$said = '';
	run_call(q{CALL sg_rollback_fks('f')});
	look('taken back', 1);
	looked('taken back', 'SELECT * FROM fz.catalog_wrong(' . lit($said) . ')');
	say_it($s->query(q{SELECT string_agg(concat_ws(' ', step, kind, fk_name, child_table, state, reason), E'\n' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'f'}));
}

$node->safe_psql('postgres', "\\i $FindBin::RealBin/plan_fuzz.sql");
sessions();
for my $i (defined $ENV{SG_PLAN} ? $ENV{SG_PLAN} : 1 .. $plans)
{
	next if $lanes > 1 && $i % $lanes != $lane;
	$plan = $i;
	alarm(300);
	srand(seed() * 1_000_000 + $plan);
	run_plan($plan % 20 == 0);
	last if @wrong > 100;
}
alarm(0);
is(scalar @wrong, 0, 'no row is lost, doubled or changed, nothing is called done that is not, and all is taken back or named') or diag(join "\n", @wrong[ 0 .. ($#wrong > 60 ? 60 : $#wrong) ]);
note(join ', ', map { "$counts{$_} $_" } sort keys %counts);
note(join "\n", map { "$errors{$_} times $_" } sort { $errors{$b} <=> $errors{$a} } keys %errors);
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|AddressSanitizer|terminated by signal (?!9:)/, 'the server never crashed by itself');
for my $other (sort keys %others)
{
	my ($pid, $log) = @{ $others{$other} };
	waitpid($pid, 0);
	is($?, 0, "process $other has found nothing either") or diag(slurp_file($log));
}

done_testing();
