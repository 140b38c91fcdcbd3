# 061_fix_differential.pl: random keys and rows; every orphan goes into quarantine, every key becomes valid, and without
# the keys everything comes back exactly.
#
# First, keys of SgCases.pm: any types, collations, partitions, self references, nulls, MATCH FULL.  Each step must become
# valid, unless it could not even be added, or schemaguard says that it may not judge the rows.  Then nets of tables that
# refer to each other in cycles, with all actions, some keys only in the database and not in the plan: rows that refer to
# orphans go along.  Then the same nets with random policies: whatever is deleted or set to null, keys that become valid
# hold, no row has changed but by nulls in its keys, and as many rows go as the call announces.
# SG_LONG=1 does more of each.  SG_SEED=n starts elsewhere, SG_NET=n,n does these nets only.
#
# rooms: fix
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;
use SgCases;

my $node = new_node('fixes', conf => "schemaguard.fix_limit = -1\nmax_locks_per_transaction = 512\nautovacuum = off\nschemaguard.fix_pause = 0\n");
my $major = major($node);

SgCases::prepare($node);
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE public.rows_before (tab text, sum text, n bigint);

-- what is in the tables of a schema, partitions with their roots
CREATE FUNCTION public.sums(s text) RETURNS TABLE (tab text, sum text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR tab IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = s::regnamespace AND c.relkind IN ('r', 'p')
			AND NOT c.relispartition ORDER BY c.relname LOOP
		RETURN QUERY EXECUTE format('SELECT %L::text, md5(string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C")), count(*) FROM %s%s t',
			tab, CASE WHEN (SELECT relkind FROM pg_class WHERE oid = tab::regclass) = 'r' THEN 'ONLY ' ELSE '' END, tab);
	END LOOP;
END$$;

CREATE FUNCTION public.drop_keys(s text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE k record;
BEGIN
	FOR k IN SELECT conrelid::regclass AS tab, conname FROM pg_constraint
			WHERE contype = 'f' AND conparentid = 0 AND connamespace = s::regnamespace LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.tab, k.conname);
	END LOOP;
END$$;
SQL

sub query { return $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]"); }

sub call
{
	my ($sql) = @_;
	my $err;

	$node->psql('postgres', $sql, stderr => \$err);
	return $err;
}

# The lines about rows that would go, or are gone
sub rows_told
{
	my ($said) = @_;

	return join "\n", map { s/^DETAIL:  //r =~ s/ (?:would be|was|were) / /r } $said =~ /^(?:DETAIL:  )?(?=\d+ rows? ).*(?:without a copy|quarantine).*$/mg;
}

sub differences
{
	my ($schema) = @_;

	return query("SELECT coalesce(string_agg(format('%s: %s rows, were %s', coalesce(b.tab, a.tab), a.n, b.n), E'\\n'), '')
		FROM rows_before b FULL JOIN sums('$schema') a ON a.tab = b.tab
		WHERE (a.sum, a.n) IS DISTINCT FROM (b.sum, b.n)");
}

sub remember { query("TRUNCATE rows_before; INSERT INTO rows_before SELECT * FROM sums('$_[0]')"); }

# Keys away, rows back; true when all is as before
sub give_back
{
	my ($schema, $what) = @_;

	query("SELECT drop_keys('$schema')");
	my $said = call("CALL sg_restore_quarantine('fixes')");
	my $left = query("SELECT coalesce(string_agg(format('%s: %s: %s', row_table, row_text, reason), E'\\n'), '') FROM
		(SELECT * FROM schemaguard.quarantine ORDER BY id LIMIT 3) q");
	my $wrong = $left . differences($schema);
	return is($wrong, '', "$what: everything is back as it was") || diag($said);
}

# ---------------------------------------------------------------------------------------------------------------------
# Keys of any kind
my $batches = long_run() ? 20 : 2;
my %states;

my @only = split /,/, $ENV{SG_NET} // '';

for my $batch (@only ? () : 1 .. $batches)
{
	my $made = 0;

	srand(seed() * 1000 + $batch);
	query("CREATE SCHEMA k; SELECT sg_plan_create('fixes', replace => true); DELETE FROM schemaguard.quarantine");
	for (my $id = 1; $made < 25; $id++)
	{
		my @cases = make_case($id, 'k');
		my ($out, $err);

		next unless $cases[0]{not_valid} && $cases[0]{enforced};
		next if $node->psql('postgres', $cases[0]{setup}, on_error_stop => 1) != 0;
		for my $case (@cases)
		{
			$node->psql('postgres', $case->{setup}, on_error_stop => 1) if $case != $cases[0];
			my $key = 'ALTER TABLE ' . $case->{child} . ' ADD CONSTRAINT ' . ident($case->{fk}) . " $case->{clause}";
			$node->psql('postgres', "SELECT sg_plan_from_sql('fixes', " . lit($key) . ')');
		}
		$made++;
	}
	query("SELECT sg_plan_set('fixes', ARRAY[step], '{\"orphans\": \"quarantine\", \"quarantine_cascades\": true}')
		   FROM schemaguard.plan_step WHERE plan = 'fixes' AND state <> 'skipped'");
	remember('k');
	my $said = call("CALL sg_add_fks('fixes', fix => true)");
	$states{ $_->[0] } += $_->[1]
	  for rows($node, "SELECT state, count(*) FROM schemaguard.plan_step WHERE plan = 'fixes' GROUP BY 1");
	is(query("SELECT string_agg(format('%s: %s', fk_name, reason), E'\\n') FROM schemaguard.plan_step
			  WHERE plan = 'fixes' AND state IN ('added', 'failed', 'pending')
				AND reason !~ 'an index or statistics object of|only the child''s owner may'"),
		'', "batch $batch: what can be added becomes valid") or diag($said);
	is(query("SELECT count(*) FROM sg_orphan_audit_details(plan => 'fixes') WHERE state = 'valid' AND result <> 'pass'"), '0', "batch $batch: and holds");
	note "batch $batch: " . query("SELECT count(*) FROM schemaguard.quarantine") . ' rows in quarantine';
	give_back('k', "batch $batch");
	query('DROP SCHEMA k CASCADE');
}
note join ', ', map { "$states{$_} $_" } sort keys %states;
cmp_ok($states{validated} // 0, '>', 10 * $batches, 'many of them become valid') unless @only;

# ---------------------------------------------------------------------------------------------------------------------
# Nets of tables

# Three to five tables; each has an id, another unique column, and up to three columns that refer to one of both
sub make_net
{
	my ($mixed) = @_;
	my $tables = 3 + int(rand(3));
	my $sql = "CREATE SCHEMA n;\n";
	my $steps = '';
	my $outside = '';

	for my $t (1 .. $tables)
	{
		$sql .= "CREATE TABLE n.t$t (id int PRIMARY KEY, u int UNIQUE, r1 int, r2 int, r3 int, note text DEFAULT 'x')"
		  . (chance(0.3) ? " PARTITION BY HASH (id);\n" : ";\n");
		if ($sql =~ /PARTITION BY HASH \(id\);\n\z/)
		{
			# a unique column beside the key is not possible there
			$sql =~ s/(CREATE TABLE n.t$t \(id int PRIMARY KEY, u int) UNIQUE/$1/;
			$sql .= "CREATE TABLE n.t${t}_$_ PARTITION OF n.t$t FOR VALUES WITH (MODULUS 2, REMAINDER $_);\n" for 0, 1;
		}
	}
	my %partitioned = map { $_ => ($sql =~ /t${_}_0/ ? 1 : 0) } 1 .. $tables;
	for my $t (1 .. $tables)
	{
		my $rows = int(rand(40));
		my $max = pick(30, 45, 80);
		$sql .= "INSERT INTO n.t$t SELECT g, g, " . join(', ', map { "CASE WHEN random() < 0.7 THEN (random() * $max)::int END" } 1 .. 3)
		  . " FROM generate_series(1, $rows) g;\n";
	}
	for my $t (1 .. $tables)
	{
		for my $r (1 .. 3)
		{
			my $to = 1 + int(rand($tables));
			my $column = $partitioned{$to} || chance(0.8) ? 'id' : 'u';
			my $action = pick('no action', 'restrict', 'cascade', 'set null', 'set default');
			next if chance(0.3);
			if (chance(0.2) && ($major >= 18 || !$partitioned{$t}))
			{
				$action = pick('cascade', 'set null');
				$outside .= "ALTER TABLE n.t$t ADD CONSTRAINT out_${t}_$r FOREIGN KEY (r$r) REFERENCES n.t$to ($column) ON DELETE $action NOT VALID;\n";
				next;
			}
			my $policy = $mixed ? pick('quarantine', 'delete', 'set null') : 'quarantine';
			$steps .= "SELECT sg_plan_add_fk('fixes', 'n.t$t', '{r$r}', 'n.t$to', '{$column}', on_delete => '$action', index => false,"
			  . " orphans => '$policy', quarantine_cascades => " . ($policy eq 'set null' ? 'false' : 'true')
			  . ', "deferrable" => ' . (chance(0.2) ? 'true' : 'false')
			  . ", priority => '" . pick('low', 'medium', 'high') . "');\n";
		}
	}
	query("SELECT setseed(" . rand() . ");\n$sql$outside");
	query("SELECT sg_plan_create('fixes', replace => true);\nDELETE FROM schemaguard.quarantine;\n$steps");
	remember('n');
}

my $nets = long_run() ? 200 : 6;
my ($gone, $validated, $blocked) = (0, 0, 0);

for my $net (@only ? @only : 1 .. $nets)
{
	my $mixed = $net % 3 == 0;

	srand(seed() * 100_000 + $net);
	make_net($mixed);
	my $said = '';
	my $way = pick('at once', 'one after the other', 'in batches');
	if ($mixed)
	{
		# a call does what it announces, and no more, however small its batches are
		my $told = call("SET schemaguard.fix_limit = 0;\nCALL sg_add_fks('fixes', fix => true)");
		my ($rows) = $told =~ /ERROR:.*max_rows => (\d+)\);/s;

		$way = 'as announced';
		$said = defined($rows) ? call("SET schemaguard.fill_target = 1;\nCALL sg_add_fks('fixes', fix => true, max_rows => $rows)") : $told;
		is(rows_told($said), rows_told($told), "net $net: as many rows as announced") or diag($told, $said);
	}
	elsif ($way eq 'at once') { $said = call("CALL sg_add_fks('fixes', fix => true)"); }
	else
	{
		$said = call("CALL sg_add_fks('fixes', validate => false)");
		$said .= call("CALL sg_fix_orphans('fixes', batch => " . ($way eq 'in batches' ? 3 : 10000) . ')');
		$said .= call("CALL sg_add_fks('fixes')");
	}

	# before 18, a partitioned child is skipped
	my $reason = $mixed ? "AND reason NOT LIKE 'orphans are referred to by%'" : '';
	is(query("SELECT string_agg(format('%s: %s', fk_name, reason), E'\\n') FROM schemaguard.plan_step
			  WHERE plan = 'fixes' AND state NOT IN ('validated', 'skipped') $reason"),
		'', "net $net, $way" . ($mixed ? ', any policy' : '') . ': keys become valid') or diag($said);
	is(query("SELECT count(*) FROM sg_orphan_audit_details(plan => 'fixes') WHERE state = 'valid' AND result <> 'pass'"), '0', "net $net: and hold");
	$gone += query('SELECT count(*) FROM schemaguard.quarantine');
	$validated += query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'fixes' AND state = 'validated'");
	$blocked += query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'fixes' AND reason LIKE 'orphans are%'");
	if ($mixed)
	{
		is(query("SELECT count(*) FROM schemaguard.audit_log l WHERE phase = 'started' AND plan = 'fixes'
				  AND NOT EXISTS (SELECT FROM schemaguard.audit_log o WHERE o.started_id = l.id)"), '0', "net $net: the log is complete");
	}
	else { give_back('n', "net $net"); }
	query('DROP SCHEMA n CASCADE');
}
note "$gone rows went into quarantine, $validated keys became valid, $blocked were blocked";
cmp_ok($gone, '>', 10 * $nets, 'rows went into quarantine') unless @only;

unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b|WARNING:  .*(?:leak|reference)/, 'no process of the server crashed, or leaked');
$node->stop;

done_testing();
