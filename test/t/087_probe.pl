# 087_probe.pl: keys looked up in the parent's index, against reading both tables; and indexes that are really corrupt.
#
# Random tables, on which the look-up must not change a verdict; nondeterministic collations, where the server has ICU;
# tables that others write to; a standby, where nothing is looked up; and indexes that are damaged in many ways, which must
# not make orphans, nor hide any, and are named.
#
# rooms: audit
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

# checksums would find the damage before we do; 18 has them unless told otherwise
my $version = `$ENV{PG_REGRESS} --version` =~ /(\d+)/ ? $1 : 0;
# any parent is large
my $node = new_node('index', conf => "autovacuum = off\nfsync = off\nmin_parallel_table_scan_size = 0\nschemaguard.audit_workers = 0\n",
	initdb => $version >= 18 ? ['--no-data-checksums'] : []);

srand(seed());

# ---------------------------------------------------------------------------------------------------------------------
# Random tables

my @types = (
	[ 'int', 'int', '%s' ], [ 'int', 'bigint', '%s' ], [ 'bigint', 'int', '%s' ], [ 'smallint', 'numeric', '%s' ],
	[ 'numeric', 'numeric', '(%s)::numeric * 1.00' ], [ 'text', 'text', q('t' || (%s)) ], [ 'varchar', 'text', q('t' || (%s)) ],
	[ 'text COLLATE "C"', 'text', q(chr(65 + (%s)::int %% 50) || (%s)) ], [ 'uuid', 'uuid', 'md5((%s)::text)::uuid' ],
	[ 'date', 'date', q(date '2000-01-01' + (%s)::int) ], [ 'char(8)', 'char(8)', q('c' || (%s)) ]);

sub value { my ($type, $expr) = @_; return $type->[2] =~ s/%s/$expr/gr =~ s/%%/%/gr; }

sub columns { my ($n, $prefix) = @_; return join(', ', map { "$prefix$_" } 1 .. $n); }

# Changes that leave dead and moved rows behind
sub changes
{
	my ($table, $column, $expr, $rows) = @_;
	my $some = "ctid IN (SELECT ctid FROM $table WHERE random() < " . pick(0.02, 0.3, 0.9) . ')';

	return join('', map { "$_;\n" } grep { chance(0.5) } (
		"DELETE FROM $table WHERE $some", "UPDATE $table SET pad = pad + 1 WHERE $some",
		"DELETE FROM $table WHERE ctid IN (SELECT ctid FROM $table ORDER BY $column LIMIT " . int(rand($rows / 2)) . ')',
		"BEGIN; DELETE FROM $table; ROLLBACK"));
}

sub make_case
{
	my ($k) = @_;
	my $ncols = chance(0.3) ? 2 : 1;
	my @cols = map { pick(@types) } 1 .. $ncols;
	my $nparents = 4000;
	my $nchildren = int(rand(300));
	# of a pair, the product of the statistics counts
	my $keys = 1 + int(rand($ncols == 2 ? 8 : 75));
	my $first = int(rand($nparents + 3)) - 2;
	my $nulls = pick(0, 0, 0.1, 0.7);
	my (@parent_cols, @parent_values, @child_cols, @child_values);
	for my $i (1 .. $ncols)
	{
		my $type = $cols[ $i - 1 ];
		push @parent_cols, "p$i $type->[1]";
		push @parent_values, value($type, 'g');
		push @child_cols, "c$i $type->[0]";
		push @child_values, "CASE WHEN random() >= $nulls THEN " . value($type, 'k') . ' END';
	}
	my @parent_order = chance(0.5) ? (1 .. $ncols) : reverse(1 .. $ncols);
	my $parted = chance(0.2);

	return "SELECT setseed(" . rand() . ");
		CREATE TABLE p$k (" . join(', ', 'pad int', @parent_cols) . ", UNIQUE (" . join(', ', map { "p$_" } @parent_order) . '))'
	  . ($parted ? " PARTITION BY HASH (p1); CREATE TABLE p${k}_0 PARTITION OF p$k FOR VALUES WITH (modulus 2, remainder 0);
		CREATE TABLE p${k}_1 (" . join(', ', reverse(@parent_cols), 'pad int') . "); ALTER TABLE p$k ATTACH PARTITION p${k}_1 FOR VALUES WITH (modulus 2, remainder 1)" : '') . ";
		CREATE TABLE c$k (" . join(', ', 'pad int', @child_cols) . ");
		INSERT INTO p$k SELECT g, " . join(', ', @parent_values) . " FROM generate_series(1, $nparents) g;
		INSERT INTO c$k SELECT k, " . join(', ', @child_values) . " FROM (SELECT $first + (random() * $keys)::int FROM generate_series(1, $nchildren)) s(k);
		ALTER TABLE c$k ADD CONSTRAINT fk$k FOREIGN KEY (" . columns($ncols, 'c') . ") REFERENCES p$k (" . columns($ncols, 'p') . ')'
	  . (chance(0.15) ? ' MATCH FULL' : '') . " NOT VALID;
		SET session_replication_role = replica;
		ANALYZE c$k, p$k;\n" . changes("c$k", 'c1', 0, $nchildren) . changes("p$k", 'p1', 0, $nparents) . "ANALYZE p$k;\n"
	  . "INSERT INTO c$k SELECT * FROM c$k LIMIT 3;\nRESET session_replication_role;\n";
}

my $ncases = $ENV{SG_CASES} || (long_run() ? 2000 : 100);
my %seen = map { $_ => 0 } qw(total probe fail pass);
for (my $batch = 0; $batch * 50 < $ncases; $batch++)
{
	my $sql = '';
	$sql .= make_case($_) for 1 .. 50;
	my ($out, $err);
	my $rc = $node->psql('postgres', "SET client_min_messages = warning; CREATE SCHEMA r$batch; SET search_path = r$batch, public;\n$sql", stderr => \$err, on_error_stop => 1);
	is("$rc$err", '0', "batch $batch: made") or last;

	my $workers = pick(0, 2);
	my @rows = rows($node, "SET client_min_messages = warning; SET search_path = r$batch, public;
		SET schemaguard.audit_method = sql;
		CREATE TABLE sql AS SELECT * FROM sg_orphan_audit_details(samples => 10000);
		RESET schemaguard.audit_method;
		SET schemaguard.audit_workers = $workers;
		CREATE TABLE auto AS SELECT * FROM sg_orphan_audit_details(samples => 10000);
		SELECT s.fk_name, a.method, a.result,
			(s.result, s.orphan_rows, s.orphan_keys, s.rows_checked) = (a.result, a.orphan_rows, a.orphan_keys, a.rows_checked)
				AND (s.sample IS NULL AND a.sample IS NULL OR s.sample @> a.sample AND a.sample @> s.sample) AND a.reason IS NULL,
			concat_ws(' ', s.result, s.rows_checked, s.orphan_rows, s.orphan_keys, s.reason, '| auto:', a.result, a.rows_checked, a.orphan_rows, a.orphan_keys, a.reason)
		FROM sql s JOIN auto a USING (fk_name)");
	is(scalar(@rows), 50, "batch $batch: all judged");
	my @wrong = grep { $_->[3] ne 't' } @rows;
	ok(!@wrong, "batch $batch: the same as by queries, $workers workers") or diag(join("\n", map { "$_->[0] $_->[1]: $_->[4]" } @wrong), "\nSG_SEED=" . seed());
	for my $row (@rows)
	{
		$seen{total}++;
		$seen{ $row->[1] }++;
		$seen{ $row->[2] }++;
	}
	$node->safe_psql('postgres', "SET client_min_messages = warning; DROP SCHEMA r$batch CASCADE");
}
note(join(', ', map { "$_: $seen{$_}" } sort keys %seen));
cmp_ok($seen{probe}, '>', $seen{total} / 3, 'an index was asked in a good share of the cases');
cmp_ok($seen{fail}, '>', $seen{total} / 4, 'orphans in a good share of the cases');
cmp_ok($seen{pass}, '>', $seen{total} / 8, 'and none in many');

# ---------------------------------------------------------------------------------------------------------------------
# An equal key stands for others only if they have the same parents

my $icu = $node->psql('postgres', "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)") == 0;

# operators that contradict the order of their type: = of citext compares bytes, its order goes by the collation
SKIP:
{
	skip 'no ICU, or no citext', 3 unless $icu && $node->psql('postgres', 'CREATE EXTENSION citext') == 0;
	$node->safe_psql('postgres', q{
		CREATE COLLATION plain (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
		CREATE TABLE xp (id citext COLLATE plain PRIMARY KEY, ok citext UNIQUE, txt text COLLATE plain UNIQUE);
		INSERT INTO xp VALUES (U&'\00e9', 'e', U&'\00e9');
		CREATE TABLE xc (id citext COLLATE plain, ok citext CONSTRAINT x_ok REFERENCES xp (ok), txt text COLLATE plain CONSTRAINT x_txt REFERENCES xp (txt));
		INSERT INTO xc VALUES ('E', 'E', 'E');
		ALTER TABLE xc ADD CONSTRAINT x_id FOREIGN KEY (id) REFERENCES xp NOT VALID});
	my %plans = map { my $plan = $_; $plan => $node->safe_psql('postgres', join('', map { "SET enable_${_}join = " . ($_ eq $plan ? 'on; ' : 'off; ') } 'merge', 'hash') .
		q{SET enable_nestloop = off; SELECT count(*) FROM xc JOIN xp USING (id)}) } 'merge', 'hash';
	isnt($plans{merge}, $plans{hash}, 'the plan decides whether the row has a parent');
	is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(' ', fk_name, result), ', ' ORDER BY fk_name) FROM sg_orphan_audit_details('xc')}),
		'x_id unknown, x_ok pass, x_txt pass', 'so the audit does not judge it, and judges those whose operators agree');
	is($node->safe_psql('postgres', q{SELECT reason FROM sg_orphan_audit_details('xc') WHERE fk_name = 'x_id'}),
		'collation plain is nondeterministic, and operator = of type citext, which is not built in, may contradict the order of its values under it', 'with the reason');
}

SKIP:
{
	skip 'no ICU', 3 unless $icu;
	$node->safe_psql('postgres', q{
		CREATE TABLE pc (t text COLLATE "C" PRIMARY KEY, ci text COLLATE ci UNIQUE);
		CREATE TABLE cc (t text COLLATE ci, c text COLLATE "C");
		INSERT INTO pc VALUES ('a', 'a'), ('b', 'b');
		INSERT INTO pc SELECT 'p' || g, 'p' || g FROM generate_series(1, 1000) g;
		INSERT INTO cc SELECT v, v FROM (SELECT (ARRAY['a', 'A', 'x', 'X'])[1 + g % 4] FROM generate_series(1, 200) g) s(v);
		ANALYZE pc, cc;
		ALTER TABLE cc ADD CONSTRAINT fk_same FOREIGN KEY (t) REFERENCES pc (ci) NOT VALID;
	});
	# 18 refuses them
	$node->psql('postgres', 'ALTER TABLE cc ADD CONSTRAINT fk_c_to_ci FOREIGN KEY (c) REFERENCES pc (ci) NOT VALID');
	$node->psql('postgres', 'ALTER TABLE cc ADD CONSTRAINT fk_ci_to_c FOREIGN KEY (t) REFERENCES pc (t) NOT VALID');
	my $audit = "SELECT fk_name, orphan_rows, orphan_keys FROM sg_orphan_audit_details('cc') ORDER BY 1";
	is($node->safe_psql('postgres', "SELECT method FROM sg_orphan_audit_details('cc') WHERE fk_name = 'fk_same'"), 'probe', 'a nondeterministic collation is looked up');
	like($node->safe_psql('postgres', $audit), qr/^fk_same\|100\|1$/m, 'both sides in one collation');
	is($node->safe_psql('postgres', $audit), $node->safe_psql('postgres', "SET schemaguard.audit_method = scan; $audit"), 'and another one on each side');
	$node->safe_psql('postgres', 'DROP TABLE cc, pc');
}

# ---------------------------------------------------------------------------------------------------------------------
# Pages that are split, emptied, deleted and used again meanwhile are no damage

$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE TABLE busy_p (id int PRIMARY KEY);
	CREATE TABLE busy_c (id serial PRIMARY KEY, pid int);
	INSERT INTO busy_p SELECT generate_series(100001, 200000);
	INSERT INTO busy_c (pid) SELECT 100001 + g % 3 FROM generate_series(1, 3000) g;
	ANALYZE busy_p, busy_c;
	SELECT sg_plan_create('busy'), sg_plan_add_fk('busy', 'busy_c', '{pid}', 'busy_p', fk_name => 'fk');
});
my $seconds = long_run() ? 60 : 2;
my @writers = map { SgTest::Session->new($node, dbname => 'postgres') } 1 .. 2;
$node->safe_psql('postgres', 'CREATE TABLE busy_stop ()');
# each writer has its own blocks of keys
$writers[$_]->send("DO \$\$ DECLARE k int; BEGIN
	WHILE NOT EXISTS (SELECT FROM busy_stop) LOOP
		k := ((random() * 20)::int * 2 + $_) * 50;
		WITH p AS (INSERT INTO busy_p SELECT generate_series(k, k + 49) ON CONFLICT DO NOTHING RETURNING id)
			INSERT INTO busy_c (pid) SELECT id FROM p;
		COMMIT;
		k := ((random() * 20)::int * 2 + $_) * 50;
		WITH p AS (DELETE FROM busy_p WHERE id BETWEEN k AND k + 49 RETURNING id)
			DELETE FROM busy_c WHERE pid IN (SELECT id FROM p);
		COMMIT;
	END LOOP;
END \$\$") for 0 .. $#writers;
my %busy = (audits => 0, probes => 0);
my $until = time + $seconds;
while (time < $until || $busy{audits} < 6)
{
	$node->safe_psql('postgres', 'VACUUM busy_p; VACUUM busy_c');
	my $verdict = $node->safe_psql('postgres', "SELECT result, orphan_rows, coalesce(reason, ''), method FROM sg_orphan_audit_details(plan => 'busy')");
	$busy{audits}++;
	$busy{probes}++ if $verdict =~ s/\|probe$//;
	is($verdict, 'pass|0|', 'while others write') if $verdict !~ /^pass\|0\|(\|scan)?$/;
}
cmp_ok($busy{probes}, '>', 0, 'the index was asked meanwhile');
$node->safe_psql('postgres', 'INSERT INTO busy_stop DEFAULT VALUES');
is($_->collect, '', 'a writer is done') for @writers;
$_->quit for @writers;
note("$busy{audits} audits while others wrote");
$node->safe_psql('postgres', "SELECT sg_plan_drop('busy'); DROP TABLE busy_p, busy_c, busy_stop");

# ---------------------------------------------------------------------------------------------------------------------
# On a standby nothing is caught, so that no index is asked

{
	my $primary = new_node('primary', streaming => 1, conf => "autovacuum = off\nmin_parallel_table_scan_size = 0\nschemaguard.audit_workers = 0\n");
	$primary->safe_psql('postgres', q{
		CREATE TABLE p (id int PRIMARY KEY);
		CREATE TABLE c (pid int);
		INSERT INTO p SELECT generate_series(1, 1000);
		INSERT INTO c SELECT 999 + g % 3 FROM generate_series(1, 2500) g;
		ANALYZE c, p;
		ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (pid) REFERENCES p NOT VALID;
	});
	$primary->backup('b');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($primary, 'b', has_streaming => 1);
	$standby->start;
	my $audit = 'SELECT result, method, orphan_rows, orphan_keys, reason FROM sg_orphan_audit_details()';
	is($primary->safe_psql('postgres', $audit), 'fail|probe|833|1|', 'a primary: by index');
	is($standby->safe_psql('postgres', $audit), 'fail|scan|833|1|', 'a standby: by reading');
	$standby->stop;
	$primary->stop;
}

# ---------------------------------------------------------------------------------------------------------------------
# Indexes that are corrupt

my $columns = q(result, coalesce(orphan_rows, -1), method, coalesce(reason, ''));

# The verdict on one key in a session of its own: nobody has an index as it was in a cache
sub verdict
{
	my ($table, $settings) = @_;

	return $node->safe_psql('postgres', ($settings // '') . " SELECT $columns FROM sg_orphan_audit_details('$table')");
}

# What the audit has to say about a key without orphans
sub check_damage
{
	my ($what, $damage) = @_;

	for my $workers (0, 2)
	{
		like(verdict('c', "SET schemaguard.audit_workers = $workers;"),
			qr/^unknown\|0\|scan\|index public\.p_idx is corrupt: $damage; rebuild it with REINDEX INDEX public\.p_idx$/, "$what: the index is named, $workers workers");
	}
	is(verdict('c', 'SET schemaguard.audit_method = scan;'), 'pass|0|scan|', "$what: the tables alone pass");
}

# 4,000 parents, 39 of which have children
sub make_tables
{
	my ($type, $expr, $parent_index) = @_;

	$node->safe_psql('postgres', "
		DROP TABLE IF EXISTS c, p;
		CREATE TABLE p (id $type, pad text) WITH (autovacuum_enabled = off);
		CREATE TABLE c (pid $type) WITH (autovacuum_enabled = off);
		INSERT INTO p SELECT $expr, repeat('x', 40) FROM generate_series(1, 4000) g;
		INSERT INTO c SELECT $expr FROM generate_series(1, 390) n, LATERAL (SELECT 50 * (1 + n % 39)) s(g);
		CREATE UNIQUE INDEX p_idx ON p $parent_index;
		ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (pid) REFERENCES p (id);
		VACUUM p;
		VACUUM ANALYZE c;");
	# p has no statistics: with them, the planner looks at the ends of its index, whatever the plan
}

# A catalog that says of an index what it was not made for
sub lie
{
	my ($index, $set) = @_;

	$node->safe_psql('postgres', "UPDATE pg_index SET $set WHERE indexrelid = '$index'::regclass");
}

my $hide = 'indisready = false, indisvalid = false, indislive = false';
my $show = 'indisready = true, indisvalid = true, indislive = true';

make_tables('int', 'g', '(id)');
is(verdict('c'), 'pass|0|probe|', 'intact');

# rows that an index does not have
$node->safe_psql('postgres', 'SET session_replication_role = replica; DELETE FROM p WHERE id IN (50, 100, 150, 151)');
lie('p_idx', $hide);
$node->safe_psql('postgres', 'INSERT INTO p VALUES (50), (100), (150), (151)');
lie('p_idx', $show);
check_damage('rows missing in the index', 'it does not lead to 3 rows of public\.p');
$node->safe_psql('postgres', 'SET session_replication_role = replica; INSERT INTO c VALUES (5000), (5001)');
like(verdict('c'), qr/^fail\|2\|scan\|index public\.p_idx is corrupt: it does not lead to 3 rows/, 'real orphans stay orphans, and no more than they are');
$node->safe_psql('postgres', 'REINDEX INDEX p_idx');
like(verdict('c'), qr/^fail\|2\|probe\|rows came in past the valid key/, 'rebuilt: orphans alone');

# the index of one partition
$node->safe_psql('postgres', q{
	CREATE TABLE pp (id int PRIMARY KEY) PARTITION BY RANGE (id);
	CREATE TABLE pp1 PARTITION OF pp FOR VALUES FROM (0) TO (1000);
	CREATE TABLE pp2 PARTITION OF pp FOR VALUES FROM (1000) TO (3000);
	INSERT INTO pp SELECT generate_series(1, 2000);
	CREATE TABLE cp (pid int REFERENCES pp);
	INSERT INTO cp SELECT 998 + g % 4 FROM generate_series(1, 100) g;
	ANALYZE cp;
	SET session_replication_role = replica; DELETE FROM pp WHERE id = 1001});
lie('pp2_pkey', $hide);
$node->safe_psql('postgres', 'INSERT INTO pp2 VALUES (1001)');
lie('pp2_pkey', $show);
is(verdict('cp'), 'unknown|0|scan|index public.pp2_pkey is corrupt: it does not lead to 1 row of public.pp2; rebuild it with REINDEX INDEX public.pp2_pkey', "a partition's index");

# an order that is not that of the type any more
for my $type ([ 'int', 'g' ], [ 'text', "'t' || g" ], [ 'uuid', 'md5(g::text)::uuid' ])
{
	make_tables(@$type, '(id DESC)');
	lie('p_idx', "indoption = '0'");
	check_damage("an index of $type->[0] in another order", 'it does not lead to \d+ rows? of public\.p');
}
SKIP:
{
	skip 'no ICU', 2 unless $icu;
	# a byte order that became another one: a B b a in C is "B" "a" "b", elsewhere "a" "b" "B"
	make_tables('text COLLATE "und-x-icu"', q(CASE g % 3 WHEN 0 THEN 'k' ELSE 'K' END || g), '(id COLLATE "C")');
	lie('p_idx', q(indcollation = (SELECT oid::text FROM pg_collation WHERE collname = 'und-x-icu')::oidvector));
	check_damage('a changed collation', 'it does not lead to \d+ rows? of public\.p');
}

# Change the file of the index while the server is down.  Its pages: 0 describes it, 1, 2, 4, ... are leaves, 3 is the root.
sub damage
{
	my ($index, $how) = @_;
	my $path = $node->data_dir . '/' . $node->safe_psql('postgres', "CHECKPOINT; SELECT pg_relation_filepath('$index')");

	$node->stop;
	open my $file, '+<:raw', $path or die "$path: $!";
	local $/ = undef;
	my $bytes = <$file>;
	my $changed = $how->($bytes);
	seek $file, 0, 0;
	print $file $changed;
	truncate $file, length $changed;
	close $file;
	$node->start;
}

sub put { my ($bytes, $n, $page) = @_; substr($bytes, 8192 * $n, 8192) = $page; return $bytes; }

my %ways = (
	'a page of zeros' => sub { put($_[0], 2, "\0" x 8192) },
	'a page of noise' => sub { put($_[0], 2, join('', map { chr(int(rand(256))) } 1 .. 8192)) },
	'a root of zeros' => sub { put($_[0], 3, "\0" x 8192) },
	'the last pages cut off' => sub { substr($_[0], 0, 8192 * 3) },);
for my $way (sort keys %ways)
{
	make_tables('int', 'g', '(id)');
	damage('p_idx', $ways{$way});
	check_damage($way, '.*');
}

# one damaged index costs the other keys of its table nothing
$node->safe_psql('postgres', q{
	CREATE TABLE other (id int PRIMARY KEY);
	INSERT INTO other SELECT generate_series(1, 2000);
	ANALYZE other;
	SET session_replication_role = replica;
	ALTER TABLE c ADD COLUMN o int NOT NULL DEFAULT 7, ADD CONSTRAINT fk_other FOREIGN KEY (o) REFERENCES other NOT VALID;
	ANALYZE c});
like(verdict('c'), qr/^unknown\|0\|scan\|index public\.p_idx is corrupt: .*\npass\|0\|probe\|$/, 'the key beside it is still looked up');

$node->stop('immediate');
done_testing();
