# 101_discover_rows.pl: discovery with rows, on a primary and its standby.
#
#   - a generator makes schemas in which names mislead and rows tell: two tables of one name, columns that bear a table's
#     name and hold other numbers; the keys of all tables begin at 1
#   - a standby says the same as its primary and writes nothing
#   - the view progress shows a look at rows; a cancel ends it at once
#   - memory keeps to schemaguard.audit_memory: long values in a sample, more candidates than there is room for
#   - one table that can't be read does not take the others along
#
# rooms: discover
# majors: one (arithmetic on names and rows)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use SgTest;
use Test::More;
use Time::HiRes 'time';

my $rounds = long_run() ? 40 : 2;
my $conf = "autovacuum = off\nfsync = off\nmax_connections = 20\nshared_buffers = 32MB\njit = off\n";
my $node = new_node('primary', streaming => 1, conf => $conf);
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;

sub query { return $node->safe_psql('postgres', $_[0]); }

# ---- names mislead, rows tell ----

my @nouns = qw(barge crane dredger ferry gantry hopper jetty lighter mooring pontoon quay rudder sluice tender winch);

# Two schemas with tables of the same names, of different sizes; a third refers to one of them, or to none.  Returns the
# statements, which references there are ("table(column) > table"), and which columns are none.
sub make_schema
{
	my (%size, @sql, %known, %decoy);
	foreach my $schema (qw(old new))
	{
		push @sql, "CREATE SCHEMA $schema";
		foreach my $noun (@nouns)
		{
			# every tenth number is missing
			$size{$schema}{$noun} = ($schema eq 'old' ? 20 : 400) + int(rand($schema eq 'old' ? 200 : 2000));
			push @sql, "CREATE TABLE $schema.${noun}s (id int PRIMARY KEY)",
				"INSERT INTO $schema.${noun}s SELECT g * 10 / 9 FROM generate_series(1, $size{$schema}{$noun}) g";
		}
	}
	push @sql, 'CREATE SCHEMA use', 'SELECT setseed(0.5)';
	foreach my $i (1 .. 14)
	{
		my ($noun, $schema) = (pick(@nouns), pick('old', 'new'));
		my $value = "(1 + floor(" . pick('random()', 'random() ^ 2') . " * $size{$schema}{$noun}))::int * 10 / 9";

		if ($i > 10)
		{
			$value = '(random() * 1000000)::int';
			$decoy{"use.t$i"} = 1;
		}
		else { $known{"use.t$i(${noun}_id) > $schema.${noun}s"} = 1; }
		push @sql, "CREATE TABLE use.t$i (id int PRIMARY KEY, ${noun}_id int)",
			"INSERT INTO use.t$i SELECT g, CASE WHEN random() < 0.9 THEN $value END FROM generate_series(1, " . (300 + int(rand(3000))) . ') g';
	}
	return (\@sql, \%known, \%decoy);
}

srand(seed());
my ($right, $proposed, $known_all, $fooled) = (0, 0, 0, 0);
my $found_sql = q{SELECT child_table || '(' || array_to_string(child_columns, ',') || ') > ' || parent_table FROM sg_discover_fks_details() ORDER BY 1};
foreach my $round (1 .. $rounds)
{
	my ($sql, $known, $decoy) = make_schema();
	query(join ";\n", 'SET client_min_messages = warning; DROP SCHEMA IF EXISTS old, new, use CASCADE', @$sql, $round % 2 ? 'ANALYZE' : ());
	my @found = split /\n/, query($found_sql);
	$right += grep { $known->{$_} } @found;
	$fooled += grep { $decoy->{ s/\(.*//r } } @found;
	$proposed += @found;
	$known_all += keys %$known;
}
cmp_ok($right, '>=', 0.9 * $known_all, 'of two tables of one name the rows tell which it is') or diag("$right of $known_all");
cmp_ok($right, '>=', 0.9 * $proposed, 'and hardly anything else is proposed') or diag("$right of $proposed");
is($fooled, 0, 'a name alone does not stand against its rows');

# ---- a standby ----

query('CREATE TABLE strays (zeppelin_id int)');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
foreach my $verify (qw(none sample full))
{
	my $sql = "SELECT child_table, parent_table, round(score::numeric, 6), rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details(verify => '$verify') ORDER BY 1, 2";
	is($standby->safe_psql('postgres', $sql), query($sql), "$verify: a standby says the same as its primary");
}
is($standby->safe_psql('postgres', 'SELECT count(*) > 0 FROM schemaguard.sg_discover_unmatched()'), 't', 'sg_discover_unmatched there');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM schemaguard.audit_log'), query('SELECT count(*) FROM schemaguard.audit_log'), 'nothing is logged there');
$standby->stop;
query('DROP TABLE strays');

# ---- progress, cancel ----

query('CREATE TABLE hubs (id int PRIMARY KEY); INSERT INTO hubs SELECT generate_series(1, 50000)');
query('CREATE TABLE spokes (' . join(', ', map { "r${_}_hub_id int" } 1 .. 300) . ')');
query('INSERT INTO spokes SELECT ' . join(', ', map { "g * $_ % 50000 + 1" } 1 .. 300) . ' FROM generate_series(1, 3000) g');
foreach my $verify (qw(sample full))
{
	my $session = SgTest::Session->new($node, dbname => 'postgres');
	my $asker = SgTest::Session->new($node, dbname => 'postgres');
	my $call = "SELECT count(*) FROM sg_discover_fks_details('spokes', 0, '$verify')";
	my ($seen, $took) = ('', 0);

	# it may be over before anybody gets to cancel it
	for (1 .. 20)
	{
		$session->send($call);
		wait_for(sub {
			my ($now) = $asker->query("SELECT action, phase, total > 0, object FROM schemaguard.progress WHERE pid = $session->{pid}") =~ /^(discover\|.*)$/m;
			$seen = $now if defined $now;
			IPC::Run::pump_nb($session->{harness});
			return ($now // '') =~ /spokes|hubs/ || $session->{stdout} ne '';
		});
		my $start = time;
		$asker->query("SELECT pg_cancel_backend($session->{pid})");
		$session->collect;
		$took = time - $start;
		last if $session->sqlstate ne '';
	}
	$asker->quit;
	like($seen, qr/^discover\|\w+\|t\|/, "$verify: progress shows it");
	like($session->{err}, qr/canceling statement due to user request/, "$verify: a cancel ends it");
	cmp_ok($took, '<', bound(3, 30), "$verify: at once") or diag(sprintf '%.2f s', $took);
	is(query("SELECT count(*) FROM schemaguard.progress WHERE pid = $session->{pid}"), 0, "$verify: nothing is left in progress");
	is($session->query('SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = \'spokes\'::regclass'), 0, "$verify: no lock either");
}
query('DROP TABLE spokes, hubs');

# ---- memory ----

# RssAnon of a session, kB
sub rss
{
	my ($session) = @_;
	open my $file, '<', "/proc/$session->{pid}/status" or return 0;
	local $/ = undef;
	return <$file> =~ /^RssAnon:\s*(\d+) kB/m ? $1 : 0;
}

query(q{CREATE TABLE codes (code text PRIMARY KEY); INSERT INTO codes VALUES ('x')});
query(q{CREATE TABLE texts (} . join(', ', map { "r${_}_code text" } 1 .. 8) . q{)});
query(q{ALTER TABLE texts } . join(', ', map { "ALTER r${_}_code SET STORAGE EXTERNAL" } 1 .. 8));
query(q{INSERT INTO texts SELECT } . join(', ', map { "repeat(md5(g::text), 200)" } 1 .. 8) . q{ FROM generate_series(1, 1500) g});
my $session = SgTest::Session->new($node, dbname => 'postgres');
$session->query(q{SET schemaguard.audit_memory = '4MB'; SELECT count(*) FROM sg_discover_fks_details('codes', 0)});
my $before = rss($session);
is($session->query(q{SELECT count(*), max(rows_checked) BETWEEN 1 AND 1400, min(orphan_rows) > 0 FROM sg_discover_fks_details('texts', 0)}), '8|t|t',
	'75 MB of long texts: as many rows as there is room for');
cmp_ok(rss($session) - $before, '<', 16 * 1024, 'memory is bounded') or diag('kB: ' . (rss($session) - $before));
query(q{TRUNCATE texts; INSERT INTO texts SELECT } . join(', ', map { "repeat(md5(g::text), 300)" } 1 .. 8) . q{ FROM generate_series(1, 20) g});
is(query(q{SELECT DISTINCT rows_checked, orphan_rows, result FROM sg_discover_fks_details('texts', 0)}), '20|20|fail', 'what is too long for a key is an orphan');
query('DROP TABLE texts, codes');

foreach my $schema (1 .. 8)
{
	query("CREATE SCHEMA s$schema; CREATE TABLE s$schema.anchors (id int PRIMARY KEY); CREATE TABLE s$schema.buoys (id int PRIMARY KEY)");
}
query("CREATE TABLE many$_ (" . join(', ', map { "r${_}_" . ($_ % 2 ? 'anchor' : 'buoy') . '_id int' } 1 .. 300) . ')') foreach 1 .. 10;
is(query("SELECT count(*) FROM schemaguard.sg_discovery_candidates() WHERE child_table LIKE '%many%'"), 24_000, 'eight candidates for each of 3,000 columns');
query(q{CREATE UNIQUE INDEX ON many1 (r1_anchor_id, r2_buoy_id); ALTER TABLE many1 ADD one int, ADD two int; CREATE TABLE pairs (one int, two int, PRIMARY KEY (one, two))});
query(q{INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table) VALUES
	('accepted', 'public.many2', 'r3_anchor_id', 's4.buoys'), ('accepted', 'public.many2', 'r4_buoy_id', 's3.buoys'), ('accepted', 'public.many1', 'two', 's1.anchors'),
	('rejected', 'public.many1', 'r5_anchor_id', 's2.anchors')});
my (%took, %said);
foreach my $memory ('1GB', '1MB')
{
	my $other = SgTest::Session->new($node, dbname => 'postgres');
	$other->query("SET schemaguard.audit_memory = '$memory'; SET work_mem = '64kB'; SELECT count(*) FROM schemaguard.progress");
	my $empty = rss($other);
	$said{$memory} = $other->query(q{SELECT md5(string_agg(d::text, '|')) FROM sg_discover_fks_details(NULL, 0, 'none') d});
	$took{$memory} = rss($other) - $empty;
	$said{$memory} .= $other->query(q{SELECT md5(string_agg((to_jsonb(d) - 'competition')::text, '|' ORDER BY (to_jsonb(d) - 'competition')::text)) FROM schemaguard.sg_discovery_candidates() d});
	$said{$memory} .= $other->query(q{SELECT md5(string_agg(d::text, '|')) FROM schemaguard.sg_discover_unmatched() d});
	$said{$memory} .= $other->query(q{SELECT count(*) FROM sg_discover_fks_details('many2', 0, 'full')});
	$other->quit;
}
is(query(q{SELECT child_columns, parent_table FROM sg_discover_fks_details(NULL, 0.99, 'none') WHERE child_table LIKE 'public.many%' AND score = 1 ORDER BY 1}),
	"{r3_anchor_id}|s4.buoys\n{r4_buoy_id}|s3.buoys\n{two}|s1.anchors", 'what was accepted is proposed, whatever its name');
is($said{'1MB'}, $said{'1GB'}, 'all of them, in the same order, where memory has room for a part only');
cmp_ok($took{'1MB'}, '<', $took{'1GB'} / 2, "which it keeps to") or diag("kB: $took{'1MB'} of $took{'1GB'}");
query('TRUNCATE schemaguard.discovery_feedback; DROP TABLE pairs');
query('DROP TABLE ' . join(', ', map { "many$_" } 1 .. 10) . '; DROP SCHEMA ' . join(', ', map { "s$_" } 1 .. 8) . ' CASCADE');

# The same candidates where there is room for those of one table at a time, groups and what the rows may bring up as well
query('CREATE DATABASE small');
my $all = q{SELECT md5(string_agg(c::text, ' ' ORDER BY c::text)) FROM (SELECT child_table, child_columns, parent_table, parent_columns, score, signals, "values"
	FROM schemaguard.sg_discovery_candidates()) c};
$node->safe_psql('small', 'CREATE EXTENSION schemaguard; CREATE TABLE items (itemid int PRIMARY KEY); CREATE TABLE cranes (id int PRIMARY KEY, tenant int, UNIQUE (tenant, id)); CREATE TABLE slots (aisle int, place int, PRIMARY KEY (aisle, place));
	CREATE TABLE hauls (tenant int, aisle int, place int, ' . join(', ', map { "r${_}_crane_id int" } 1 .. 12) . '); CREATE TABLE lifts (crane_id int); CREATE TABLE item_state (itemid int PRIMARY KEY)');
is($node->safe_psql('small', "SET schemaguard.audit_memory = '64kB'; $all"), $node->safe_psql('small', $all), 'the same candidates in parts');

# Of two that could refer to each other one to one, the surer is proposed, though they are in different parts
my $opposites = q{SELECT child_table, parent_table FROM sg_discover_fks_details(min_score => 0, verify => 'none') WHERE child_table ~ 'item'};
is($node->safe_psql('small', "SET schemaguard.audit_memory = '$_'; $opposites"), 'public.item_state|public.items', "$_: one of two opposites") foreach '1GB', '64kB';
$node->safe_psql('small', "SET schemaguard.audit_memory = '64kB'; SELECT sg_plan_create('p'); SELECT sg_plan_from_discovery('p', 0)");
is($node->safe_psql('small', "SELECT child_table FROM schemaguard.plan_step WHERE child_table ~ 'item'"), 'public.item_state', 'a plan gets one of them');

# ---- what can't be read stands alone ----

query('CREATE TABLE slips (id int PRIMARY KEY); INSERT INTO slips SELECT generate_series(1, 100)');
query('CREATE TABLE berths (slip_id int, gone_slip_id int); INSERT INTO berths SELECT g, g FROM generate_series(1, 100) g');
query('CREATE TABLE docks (id int PRIMARY KEY); INSERT INTO docks SELECT generate_series(1, 5000)');
query('ALTER TABLE berths ADD dock_id int; UPDATE berths SET dock_id = slip_id');
query('CREATE TABLE piers (id int PRIMARY KEY, tenant int, UNIQUE (tenant, id)); INSERT INTO piers SELECT g, 1 FROM generate_series(1, 5000) g');
query('ALTER TABLE berths ADD tenant int, ADD pier_id int; UPDATE berths SET tenant = 2, pier_id = slip_id; VACUUM ANALYZE; CHECKPOINT');
my @paths = map { $node->data_dir . '/' . query("SELECT pg_relation_filepath('$_')") } qw(docks_pkey piers_pkey);
$node->stop;
foreach my $path (@paths)
{
	open my $file, '+<', $path or die "$path: $!";
	binmode $file;
	seek $file, 8192, 0;
	print $file 'x' x 8192;
	close $file or die "$path: $!";
}
$node->start;
is(query(q{SELECT child_columns, result, reason ~ 'invalid page|docks_pkey' FROM sg_discover_fks_details('berths', 0) ORDER BY 1}),
	"{dock_id}|unknown|t\n{gone_slip_id}|pass|\n{pier_id}|unknown|t\n{slip_id}|pass|",
	'a damaged parent leaves the other candidates of the table alone, one that the rows have brought up as well');

$node->stop;
done_testing();
