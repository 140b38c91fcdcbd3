# 087_index.pl: audits that read indexes, against the heaps; and indexes that are really corrupt.
#
# Random tables, on which audit_use_index must not change a verdict; nondeterministic collations, where the server has ICU;
# tables that others write to, a standby; and indexes that are damaged in many ways, of which neither the plain nor the
# paranoid audit may make orphans, while the paranoid one names them.
#
# rooms: audit
# takes: 30 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

# checksums would find the damage before we do; 18 has them unless told otherwise
my $version = `$ENV{PG_REGRESS} --version` =~ /(\d+)/ ? $1 : 0;
my $node = new_node('index', conf => "autovacuum = off\nfsync = off\n", initdb => $version >= 18 ? ['--no-data-checksums'] : []);

srand(seed());

# ---------------------------------------------------------------------------------------------------------------------
# Random tables

# The cost rules can't be switched off, so the tables are such that they favour the index: a child of few keys on many
# pages (fillfactor 10) for the skip scan, a large parent of a small child for the probe of the parent's index.
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
	my $probe = chance(0.35);
	my $nparents = $probe ? 6000 : 5 + int(rand(60));
	my $nchildren = $probe ? int(rand(40)) : 1500 + int(rand(1500));
	# of a pair, the second column follows from the first: or the product of their statistics would be too large
	my $keys = $probe ? 8000 : 1 + int(rand($ncols == 2 ? 3 : 7));
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
	my @order = chance(0.5) ? (1 .. $ncols) : reverse(1 .. $ncols);
	my $index = '(' . join(', ', map { "c$_" . pick('', '', ' NULLS FIRST') } @order) . (chance(0.2) ? ', pad' : '') . ')'
	  . pick('', '', ' INCLUDE (pad)') . (chance(0.2) ? ' WHERE c1 IS NOT NULL' : '');
	my @parent_order = chance(0.5) ? (1 .. $ncols) : reverse(1 .. $ncols);

	return "SELECT setseed(" . rand() . ");
		CREATE TABLE p$k (" . join(', ', 'pad int', @parent_cols) . ", UNIQUE (" . join(', ', map { "p$_" } @parent_order) . ")) WITH (fillfactor = 10);
		CREATE TABLE c$k (" . join(', ', 'pad int', @child_cols) . ") WITH (fillfactor = 10);
		INSERT INTO p$k SELECT g, " . join(', ', @parent_values) . " FROM generate_series(1, $nparents) g;
		INSERT INTO c$k SELECT k, " . join(', ', @child_values) . " FROM (SELECT $first + (random() * $keys)::int FROM generate_series(1, $nchildren)) s(k);
		CREATE INDEX ON c$k $index;
		ALTER TABLE c$k ADD CONSTRAINT fk$k FOREIGN KEY (" . columns($ncols, 'c') . ") REFERENCES p$k (" . columns($ncols, 'p') . ')' . (chance(0.15) ? ' MATCH FULL' : '') . " NOT VALID;
		SET session_replication_role = replica;
		ANALYZE c$k, p$k;\n" . changes("c$k", 'c1', 0, $nchildren) . changes("p$k", 'p1', 0, $nparents) . "ANALYZE c$k, p$k;\n"
	  . "INSERT INTO c$k SELECT * FROM c$k LIMIT 3;\nRESET session_replication_role;\n";
}

my $ncases = $ENV{SG_CASES} || (long_run() ? 2000 : 100);
my %seen = (total => 0, 'skip scan' => 0, 'index probe' => 0, fail => 0, pass => 0);
for (my $batch = 0; $batch * 50 < $ncases; $batch++)
{
	my $sql = '';
	$sql .= make_case($_) for 1 .. 50;
	my ($out, $err);
	my $rc = $node->psql('postgres', "SET client_min_messages = warning; CREATE SCHEMA r$batch; SET search_path = r$batch, public;\n$sql", stderr => \$err, on_error_stop => 1);
	is("$rc$err", '0', "batch $batch: made") or last;

	my @rows = rows($node, "SET client_min_messages = warning; SET search_path = r$batch, public;
		CREATE TABLE heap AS SELECT * FROM sg_orphan_audit_details(samples => 10000);
		SET schemaguard.audit_use_index = on;
		CREATE TABLE by_index AS SELECT * FROM sg_orphan_audit_details(samples => 10000);
		SET schemaguard.audit_paranoid = on;
		CREATE TABLE paranoid AS SELECT * FROM sg_orphan_audit_details(samples => 10000);
		SELECT h.fk_name, i.method, i.result,
			h.result = i.result AND h.orphan_rows = i.orphan_rows AND h.orphan_keys = i.orphan_keys
				AND (h.sample IS NULL AND i.sample IS NULL OR h.sample @> i.sample AND i.sample @> h.sample)
				AND (i.rows_checked IS NULL) = (i.method IN ('skip scan', 'index probe'))
				AND (i.reason IS NULL) = (i.rows_checked IS NOT NULL),
			p.result = h.result AND p.orphan_rows = h.orphan_rows AND p.reason IS NULL AND p.method NOT IN ('skip scan', 'index probe'),
			concat_ws(' ', h.result, h.orphan_rows, h.orphan_keys, h.reason, '| index:', i.result, i.orphan_rows, i.orphan_keys, i.reason, '| paranoid:', p.result, p.orphan_rows, p.reason)
		FROM heap h JOIN by_index i USING (fk_name) JOIN paranoid p USING (fk_name)");
	is(scalar(@rows), 50, "batch $batch: all judged");
	my @wrong = grep { $_->[3] ne 't' || $_->[4] ne 't' } @rows;
	ok(!@wrong, "batch $batch: indexes agree with heaps") or diag(join("\n", map { "$_->[0] $_->[1]: $_->[5]" } @wrong), "\nSG_SEED=" . seed());
	for my $row (@rows)
	{
		$seen{total}++;
		$seen{ $row->[1] }++;
		$seen{ $row->[2] }++;
	}
	$node->safe_psql('postgres', "SET client_min_messages = warning; DROP SCHEMA r$batch CASCADE");
}
note(join(', ', map { "$_: $seen{$_}" } sort keys %seen));
cmp_ok($seen{'skip scan'}, '>', $seen{total} / 4, 'skip scans in a good share of the cases');
cmp_ok($seen{'index probe'}, '>', $seen{total} / 8, 'index probes in a good share of the cases');
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
	skip 'no ICU', 2 unless $icu;
	$node->safe_psql('postgres', q{
		CREATE TABLE pc (t text COLLATE "C" PRIMARY KEY, ci text COLLATE ci UNIQUE);
		CREATE TABLE cc (t text COLLATE ci, c text COLLATE "C") WITH (fillfactor = 10);
		INSERT INTO pc VALUES ('a', 'a'), ('b', 'b');
		INSERT INTO cc SELECT v, v FROM (SELECT (ARRAY['a', 'A', 'x', 'X'])[1 + g % 4] FROM generate_series(1, 2500) g) s(v);
		CREATE INDEX ON cc (t);
		CREATE INDEX ON cc (c);
		ANALYZE cc;
		ALTER TABLE cc ADD CONSTRAINT fk_same FOREIGN KEY (t) REFERENCES pc (ci) NOT VALID;
	});
	# 18 refuses them
	$node->psql('postgres', 'ALTER TABLE cc ADD CONSTRAINT fk_c_to_ci FOREIGN KEY (c) REFERENCES pc (ci) NOT VALID');
	$node->psql('postgres', 'ALTER TABLE cc ADD CONSTRAINT fk_ci_to_c FOREIGN KEY (t) REFERENCES pc (t) NOT VALID');
	my $on = 'SET schemaguard.audit_use_index = on; SELECT fk_name, method, orphan_rows, orphan_keys FROM sg_orphan_audit_details';
	is($node->safe_psql('postgres', "$on('cc') WHERE fk_name = 'fk_same'"), 'fk_same|skip scan|1250|1', 'both sides in one collation');
	my $others = "SELECT fk_name, orphan_rows, orphan_keys FROM sg_orphan_audit_details('cc') WHERE fk_name <> 'fk_same' ORDER BY 1";
	is($node->safe_psql('postgres', "SET schemaguard.audit_use_index = on; $others"), $node->safe_psql('postgres', $others), 'another collation on each side');
	is($node->safe_psql('postgres', "$on('cc') WHERE fk_name = 'fk_ci_to_c' AND method = 'skip scan'"), '', 'keys that are equal for the child only do not stand for each other');
	is($node->safe_psql('postgres', "SET schemaguard.audit_paranoid = on; SELECT fk_name, reason FROM sg_orphan_audit_details('cc') WHERE reason IS NOT NULL AND reason !~ 'was not compared'"), '', 'paranoid finds nothing wrong');
	$node->safe_psql('postgres', 'DROP TABLE cc, pc');
}

# ---------------------------------------------------------------------------------------------------------------------
# Pages that are split, emptied, deleted and used again meanwhile are no damage

$node->safe_psql('postgres', q{
	SET client_min_messages = warning;
	CREATE TABLE busy_p (id int PRIMARY KEY);
	CREATE TABLE busy_c (id serial PRIMARY KEY, pid int);
	CREATE INDEX busy_c_idx ON busy_c (pid);
	INSERT INTO busy_c (pid) SELECT 1 + g % 3 FROM generate_series(1, 30000) g;
	ANALYZE busy_c;
	DELETE FROM busy_c;
	SELECT sg_plan_create('busy'), sg_plan_add_fk('busy', 'busy_c', '{pid}', 'busy_p', fk_name => 'fk');
});
my $seconds = long_run() ? 60 : 2;
my @writers = map { SgTest::Session->new($node, dbname => 'postgres') } 1 .. 2;
$node->safe_psql('postgres', 'CREATE TABLE busy_stop ()');
# each writer has its own blocks of keys
$writers[$_]->send("DO \$\$ DECLARE k int; BEGIN
	WHILE NOT EXISTS (SELECT FROM busy_stop) LOOP
		k := ((random() * 20)::int * 2 + $_) * 500;
		WITH p AS (INSERT INTO busy_p SELECT generate_series(k, k + 499) ON CONFLICT DO NOTHING RETURNING id)
			INSERT INTO busy_c (pid) SELECT id FROM p;
		COMMIT;
		k := ((random() * 20)::int * 2 + $_) * 500;
		WITH p AS (DELETE FROM busy_p WHERE id BETWEEN k AND k + 499 RETURNING id)
			DELETE FROM busy_c WHERE pid IN (SELECT id FROM p);
		COMMIT;
	END LOOP;
END \$\$") for 0 .. $#writers;
my %busy = (audits => 0);
my $until = time + $seconds;
while (time < $until || $busy{audits} < 6)
{
	$node->safe_psql('postgres', 'VACUUM busy_p; VACUUM busy_c');
	for my $setting ('audit_paranoid', 'audit_use_index')
	{
		my $verdict = $node->safe_psql('postgres', "SET schemaguard.$setting = on; SELECT result, orphan_rows, coalesce(reason, '') FROM sg_orphan_audit_details(plan => 'busy')");
		$busy{audits}++;
		is($verdict =~ s/\|read by index .*/|/r, 'pass|0|', "$setting while others write") if $verdict !~ /^pass\|0\|(read by index .*)?$/;
	}
}
$node->safe_psql('postgres', 'INSERT INTO busy_stop DEFAULT VALUES');
is($_->collect, '', 'a writer is done') for @writers;
$_->quit for @writers;
note("$busy{audits} audits while others wrote");
$node->safe_psql('postgres', "SELECT sg_plan_drop('busy'); DROP TABLE busy_p, busy_c, busy_stop");

# ---------------------------------------------------------------------------------------------------------------------
# On a standby nothing is caught, but all is read

{
	my $primary = new_node('primary', streaming => 1, conf => "autovacuum = off\n");
	$primary->safe_psql('postgres', q{
		CREATE TABLE p (id int PRIMARY KEY);
		CREATE TABLE c (pid int) WITH (fillfactor = 10);
		INSERT INTO p VALUES (1), (2);
		INSERT INTO c SELECT 1 + g % 3 FROM generate_series(1, 2500) g;
		CREATE INDEX c_idx ON c (pid);
		ANALYZE c;
		ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (pid) REFERENCES p NOT VALID;
	});
	$primary->backup('b');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($primary, 'b', has_streaming => 1);
	$standby->start;
	my $audit = 'SELECT result, method, orphan_rows, orphan_keys, reason FROM sg_orphan_audit_details()';
	is($standby->safe_psql('postgres', "SET schemaguard.audit_use_index = on; $audit"), 'fail|skip scan|833|1|read by index public.c_idx and public.p_pkey', 'a standby: by index');
	like($standby->safe_psql('postgres', "SET schemaguard.audit_paranoid = on; $audit"), qr/^fail\|\w+\|833\|1\|$/, 'a standby: paranoid');
	$standby->stop;
	$primary->stop;
}

# ---------------------------------------------------------------------------------------------------------------------
# Indexes that are corrupt

my $columns = q(result, coalesce(orphan_rows, -1), coalesce(reason, ''));

# The verdict on one key in a session of its own: nobody has an index as it was in a cache
sub verdict
{
	my ($settings, $table) = @_;

	return $node->safe_psql('postgres', "$settings SELECT $columns FROM sg_orphan_audit_details('$table')");
}
my $paranoid = 'SET schemaguard.audit_paranoid = on;';
my $trusting = 'SET schemaguard.audit_use_index = on;';

# What both audits have to say about a key without orphans
sub check_damage
{
	my ($what, $index, $damage) = @_;

	is(verdict('', 'c'), 'pass|0|', "$what: heaps only pass");
	my $verdict = verdict($paranoid, 'c');
	like($verdict, qr/^unknown\|0\|(.*; )?index public\.$index is corrupt: $damage.*; rebuild it with REINDEX INDEX public\.$index/, "$what: paranoid names the index");
	unlike($verdict, qr/is corrupt.*index public\.(?!$index\b)\S+ is corrupt/, "$what: and no other one");
}

# 1,000 parents, 40 of which have children: on enough pages for the skip scan to be chosen
sub make_tables
{
	my ($type, $expr, $parent_index, $child_index) = @_;

	$node->safe_psql('postgres', "
		DROP TABLE IF EXISTS c, p;
		CREATE TABLE p (id $type, pad text) WITH (autovacuum_enabled = off);
		CREATE TABLE c (pid $type) WITH (fillfactor = 10, autovacuum_enabled = off);
		INSERT INTO p SELECT $expr, repeat('x', 40) FROM generate_series(1, 1000) g;
		INSERT INTO c SELECT $expr FROM generate_series(1, 12000) n, LATERAL (SELECT 25 * (1 + n % 40)) s(g);
		CREATE UNIQUE INDEX p_idx ON p $parent_index;
		CREATE INDEX c_idx ON c $child_index;
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

make_tables('int', 'g', '(id)', '(pid)');
is(verdict('', 'c'), 'pass|0|', 'intact: heaps only');
is(verdict($trusting, 'c'), 'pass|0|read by index public.c_idx and public.p_idx', 'intact: by index');
is(verdict($paranoid, 'c'), 'pass|0|', 'intact: paranoid');

# rows that an index does not have
$node->safe_psql('postgres', 'SET session_replication_role = replica; DELETE FROM p WHERE id IN (25, 50, 75)');
lie('p_idx', $hide);
$node->safe_psql('postgres', 'INSERT INTO p VALUES (25), (50), (75)');
lie('p_idx', $show);
check_damage('rows missing in the parent\'s index', 'p_idx', '3 of 1000 parent rows are not found through it');
$node->safe_psql('postgres', 'SET session_replication_role = replica; INSERT INTO c VALUES (5000), (5001)');
like(verdict($paranoid, 'c'), qr/^fail\|2\|.*index public\.p_idx is corrupt: 3 of/, 'real orphans stay orphans, and no more than they are');

make_tables('int', 'g', '(id)', '(pid)');
lie('c_idx', $hide);
$node->safe_psql('postgres', 'INSERT INTO c SELECT 25 FROM generate_series(1, 3); INSERT INTO c VALUES (26)');
lie('c_idx', $show);
check_damage('rows missing in the child\'s index', 'c_idx', 'for 2 of 41 child keys it has not the rows of the table');
lie('c_idx', $hide);
$node->safe_psql('postgres', 'SET session_replication_role = replica; INSERT INTO c VALUES (7777)');
lie('c_idx', $show);
is(verdict($trusting, 'c'), 'pass|0|read by index public.c_idx and public.p_idx', 'who trusts the index does not see the orphan it hides');
like(verdict($paranoid, 'c'), qr/^fail\|1\|index public\.c_idx is corrupt: for 3 of 42/, 'paranoid does');

# an order that is not that of the type any more
for my $type ([ 'int', 'g' ], [ 'text', "'t' || g" ], [ 'uuid', 'md5(g::text)::uuid' ])
{
	make_tables(@$type, '(id DESC)', '(pid)');
	lie('p_idx', "indoption = '0'");
	check_damage("parent's index of $type->[0] in another order", 'p_idx', 'page \d+: its entries are not in order');

	make_tables(@$type, '(id)', '(pid DESC)');
	lie('c_idx', "indoption = '0'");
	check_damage("child's index of $type->[0] in another order", 'c_idx', 'page \d+: its entries are not in order');
}
SKIP:
{
	skip 'no ICU', 2 unless $icu;
	# a byte order that became another one: a B b a in C is "B" "a" "b", elsewhere "a" "b" "B"
	for my $collated ([ 'COLLATE "C"', '', 'p_idx' ], [ '', 'COLLATE "C"', 'c_idx' ])
	{
		make_tables('text COLLATE "und-x-icu"', q(CASE g % 2 WHEN 0 THEN 'k' ELSE 'K' END || g), "(id $collated->[0])", "(pid $collated->[1])");
		lie($collated->[2], q(indcollation = (SELECT oid::text FROM pg_collation WHERE collname = 'und-x-icu')::oidvector));
		check_damage("a changed collation, $collated->[2]", $collated->[2], 'page \d+: its entries are not in order');
	}
}

# Change the file of an index while the server is down.  Its pages: 0 describes it, 1, 2, 4 are leaves, 3 is the root.
# Nobody trusts these indexes here: the links of such pages can hold the server's own code for ever.
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

sub page { my ($bytes, $n) = @_; return substr($bytes, 8192 * $n, 8192); }
sub put { my ($bytes, $n, $page) = @_; substr($bytes, 8192 * $n, 8192) = $page; return $bytes; }

my %ways = (
	'a page of zeros' => sub { put($_[0], 2, "\0" x 8192) },
	'a page of noise' => sub { put($_[0], 2, join('', map { chr(int(rand(256))) } 1 .. 8192)) },
	'a page from elsewhere' => sub { put($_[0], 2, page($_[0], 1)) },
	'a root of zeros' => sub { put($_[0], 3, "\0" x 8192) },
	'the last pages cut off' => sub { substr($_[0], 0, 8192 * 3) },);
for my $index ('p_idx', 'c_idx')
{
	for my $way (sort keys %ways)
	{
		make_tables('int', 'g', '(id)', '(pid)');
		damage($index, $ways{$way});
		check_damage("$index: $way", $index, '.*');
	}
}

# noise in many indexes: the paranoid audit neither crashes nor hangs nor makes up orphans
my $nfuzz = $ENV{SG_NOISE} || (long_run() ? 300 : 24);
my @kinds = ([ 'int', 'g' ], [ 'text', "repeat('t', g % 100) || g" ], [ 'uuid', 'md5(g::text)::uuid' ], [ 'name', "('n' || g)::name" ]);
my ($fuzz, @targets) = ('');
for my $i (1 .. $nfuzz)
{
	my ($type, $expr) = @{ pick(@kinds) };
	$fuzz .= "CREATE TABLE fp$i (id $type); CREATE UNIQUE INDEX fp${i}_idx ON fp$i (id); CREATE TABLE fc$i (pid $type); CREATE INDEX fc${i}_idx ON fc$i (pid);
		INSERT INTO fp$i SELECT $expr FROM generate_series(1, 2000) g; INSERT INTO fc$i SELECT $expr FROM generate_series(1, 6000) n, LATERAL (SELECT 1 + n % 2000) s(g);
		ALTER TABLE fc$i ADD CONSTRAINT f$i FOREIGN KEY (pid) REFERENCES fp$i (id) NOT VALID;\n";
	push @targets, pick('fp', 'fc') . "${i}_idx";
}
$node->safe_psql('postgres', "CREATE SCHEMA fuzz; SET search_path = fuzz; $fuzz CHECKPOINT");
my %path = map { $_->[0] => $node->data_dir . "/$_->[1]" } rows($node, "SELECT relname, pg_relation_filepath(oid) FROM pg_class WHERE relkind = 'i' AND relnamespace = 'fuzz'::regnamespace");
$node->stop;
for my $target (@targets)
{
	# an entry's place, a header, a link, or anything at all
	my @place = @{ pick([ 24, 400 ], [ 0, 24 ], [ 8176, 16 ], [ 0, 8192 ], [ 4096, 4096 ], [ 6000, 2192 ]) };
	my $pages = (-s $path{$target}) / 8192;
	open my $file, '+<:raw', $path{$target} or die "$path{$target}: $!";
	for (1 .. pick(1, 3, 40))
	{
		seek $file, 8192 * (1 + int(rand($pages - 1))) + $place[0] + int(rand($place[1])), 0;
		print $file chr(chance(0.3) ? pick(0, 1, 255) : int(rand(256)));
	}
	close $file;
}
$node->start;
my %fuzzed = (named => 0, kept => 0);
for my $i (1 .. $nfuzz)
{
	my $target = $targets[ $i - 1 ];
	my ($out, $err) = ('', '');
	$node->psql('postgres', "SET statement_timeout = '60s'; $paranoid SELECT $columns FROM sg_orphan_audit_details('fuzz.fc$i')", stdout => \$out, stderr => \$err);
	$out =~ /^unknown\|0\|index fuzz\.$target is corrupt: / ? $fuzzed{named}++ : $out eq 'pass|0|' ? $fuzzed{kept}++ : fail("noise in $target: $out$err");
}
note("noise: $fuzzed{named} of $nfuzz found, $fuzzed{kept} without consequence");
is($fuzzed{named} + $fuzzed{kept}, $nfuzz, 'noise in an index is that of the index');
cmp_ok($fuzzed{named}, '>', $nfuzz / 2, 'and is found where it matters');

# an index that leads to other rows: that of a table of the same keys in another order
make_tables('int', 'g', '(id)', '(pid)');
$node->safe_psql('postgres', 'CREATE TABLE q (id int, pad text); CREATE UNIQUE INDEX q_idx ON q (id);
	INSERT INTO q SELECT id, pad FROM p ORDER BY id DESC; CHECKPOINT');
my $other = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('q_idx')");
damage('p_idx', sub { open my $file, '<:raw', $other or die "$other: $!"; local $/ = undef; return <$file>; });
is(verdict('', 'c'), 'pass|0|', 'an index that leads to other rows: heaps only pass');
like(verdict($paranoid, 'c'), qr/^unknown\|0\|index public\.p_idx is corrupt: 1000 of 1000 parent rows.*leads to rows with other keys for 40 of 40 child keys/, 'paranoid names it');
like(verdict($trusting, 'c'), qr/^unknown\|-1\|index public\.p_idx is corrupt: it leads to a row with another key/, 'who trusts it finds out, too');

$node->safe_psql('postgres', 'REINDEX INDEX p_idx');
is(verdict($paranoid, 'c'), 'pass|0|', 'after REINDEX all is well');

$node->stop;
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/was terminated by signal|TRAP:|PANIC:/, 'no crash');
done_testing();
