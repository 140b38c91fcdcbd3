# 084_replication_differential.pl: what preflight says of logical replication, held against two servers.
#
# Each case is a statement on the publisher or the subscriber of tables that are the same on both sides.  It is planned, looked at,
# and run; then rows are written.  Replication fails where the publisher refuses these writes, the apply worker stops, or the rows
# are others on the two sides.  A case that fails and was not told of is silent, one that works and was told of is noise: there is
# none of either.
#
# Every fourth case, on other majors every eighth, from SG_SEED on; with SG_LONG=1 all. SG_LIKE is a pattern for those that are
# tried alone.
#
# rooms: base log check
# takes: 60 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use SgTest;

my $publisher = new_node('publisher', without => 1, streaming => 1, conf => "wal_level = logical\nautovacuum = off\n");
my $subscriber = new_node('subscriber', without => 1, conf => "wal_retrieve_retry_interval = 200ms\nautovacuum = off\n");
my $address = 'host=' . $publisher->host . ' port=' . $publisher->port . ' dbname=postgres';
my $noise = 'SET client_min_messages = error; SET schemaguard.workers = 1;';

sub query { my ($node, $sql) = @_; return $node->safe_psql('postgres', "$noise SET search_path = c, d, public; $sql"); }

# Returns whether a statement ran
sub runs
{
	my ($node, $sql, $err) = @_;

	return $node->psql('postgres', "$noise SET search_path = c, d, public; $sql", stderr => $err // \my $unseen, on_error_die => 0, on_error_stop => 1) == 0;
}

query($_, 'CREATE EXTENSION schemaguard; CREATE TABLE public.mark (id int PRIMARY KEY)') for $publisher, $subscriber;

my $t = 'CREATE TABLE t (id int PRIMARY KEY, v int, w int NOT NULL, CONSTRAINT low CHECK (v < 1000));';
my $part = 'CREATE TABLE t (id int, v int, w int NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100); CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (100) TO (200);';
my $write = 'INSERT INTO t VALUES (11, 11, 11); UPDATE t SET v = v + 1 WHERE id = 1; DELETE FROM t WHERE id = 2';

# statement => side, what is made on both sides before, the publication, then the rows that are written; same: what is compared
my @cases;
sub of { my ($side, %all) = @_; push @cases, { side => $side, both => $t, publish => 'FOR TABLE t', write => $write, same => 'SELECT id, v, w FROM t ORDER BY 1', %all }; return; }


# ---- on the publisher: rows that the server then refuses to change

of('publisher', do => $_) for 'ALTER PUBLICATION pub SET TABLE t (v, w)', 'ALTER PUBLICATION pub SET TABLE t WHERE (v > 0)', 'CREATE PUBLICATION other FOR TABLE t (v, w)', 'CREATE PUBLICATION other FOR TABLE t WHERE (w > 0)',
	'ALTER TABLE t REPLICA IDENTITY NOTHING', 'ALTER TABLE t DROP CONSTRAINT t_pkey';
of('publisher', do => $_) for "CREATE PUBLICATION other FOR TABLE t WHERE (v > 0) WITH (publish = 'insert')", 'CREATE PUBLICATION other FOR TABLE t WHERE (id > 0)', 'CREATE PUBLICATION other FOR TABLE t (id, v)', 'ALTER TABLE t REPLICA IDENTITY FULL';
my $nokey = "$t CREATE TABLE k (id int, v int, w int NOT NULL);";
my $write_k = 'INSERT INTO k VALUES (1, 1, 1); UPDATE k SET v = 2';
of('publisher', do => $_, both => $nokey, write => "$write; $write_k") for 'CREATE PUBLICATION other FOR TABLE k', 'CREATE PUBLICATION other FOR ALL TABLES', 'CREATE PUBLICATION other FOR TABLES IN SCHEMA c', 'ALTER PUBLICATION pub ADD TABLE k';
of('publisher', do => q{ALTER PUBLICATION pub SET (publish = 'insert, update')}, both => $nokey, publish => q{FOR TABLE k WITH (publish = 'insert')}, write => $write_k, same => 'SELECT id, w FROM k ORDER BY 1');
my $unique = "$t CREATE UNIQUE INDEX u ON t (w);";
of('publisher', do => 'ALTER TABLE t REPLICA IDENTITY USING INDEX u', both => $unique, publish => $_) for 'FOR TABLE t WHERE (id > 0)', 'FOR TABLE t (id, v)';
of('publisher', do => 'ALTER TABLE t REPLICA IDENTITY USING INDEX u', both => "$unique ALTER TABLE t REPLICA IDENTITY USING INDEX u;");
of('publisher', do => 'ALTER TABLE t REPLICA IDENTITY FULL', publish => 'FOR TABLE t (id, v)', both => 'CREATE TABLE t (id int PRIMARY KEY, v int, w int NOT NULL DEFAULT 0)', same => 'SELECT id, v FROM t ORDER BY 1');
of('publisher', do => 'ALTER TABLE t REPLICA IDENTITY DEFAULT', both => "$unique ALTER TABLE t REPLICA IDENTITY USING INDEX u;", publish => 'FOR TABLE t WHERE (w > 0)');
of('publisher', do => 'DROP INDEX u', both => "$unique ALTER TABLE t REPLICA IDENTITY USING INDEX u;");

# ---- on the publisher: less is sent, or under other names

of('publisher', do => $_) for q{ALTER PUBLICATION pub SET (publish = 'insert')}, 'ALTER PUBLICATION pub DROP TABLE t', 'DROP PUBLICATION pub', 'ALTER PUBLICATION pub RENAME TO pub2', 'ALTER PUBLICATION pub SET TABLE t WHERE (id > 100), mark', 'ALTER PUBLICATION pub SET TABLE t (id, w), mark', 'ALTER PUBLICATION pub SET TABLE mark';
of('publisher', do => $_, publish => q{FOR TABLE t WITH (publish = 'insert')}, write => 'INSERT INTO t VALUES (11, 11, 11)') for q{ALTER PUBLICATION pub SET (publish = 'insert, update, delete')}, 'ALTER PUBLICATION pub OWNER TO CURRENT_USER';
of('publisher', do => 'ALTER PUBLICATION pub SET TABLE t, mark', publish => 'FOR TABLE t (id, w)', apart => { subscriber => 'ALTER TABLE t DROP COLUMN v' }, same => 'SELECT id, w FROM t ORDER BY 1');
of('publisher', do => $_) for 'ALTER TABLE t RENAME COLUMN v TO x', 'ALTER TABLE t RENAME TO x', 'ALTER SCHEMA c RENAME TO d', 'ALTER TABLE t SET SCHEMA public', 'DROP TABLE t', 'ALTER TABLE t ADD COLUMN x int';
of('publisher', do => 'ALTER TABLE t ADD COLUMN x int', publish => 'FOR TABLE t (id, v, w)');
of('publisher', do => 'ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (id + 1) STORED');
of('publisher', do => 'ALTER TABLE t ALTER COLUMN x DROP EXPRESSION', both => 'CREATE TABLE t (id int PRIMARY KEY, v int, w int NOT NULL, x int GENERATED ALWAYS AS (id + 1) STORED)', write => 'INSERT INTO t VALUES (11, 11, 11)');
of('publisher', do => 'ALTER TABLE t SET SCHEMA public', publish => 'FOR TABLES IN SCHEMA c', write => 'INSERT INTO t VALUES (11, 11, 11)');
of('publisher', do => 'ALTER TABLE k SET SCHEMA c', both => "$t CREATE TABLE public.k (id int PRIMARY KEY, v int, w int)", publish => 'FOR TABLES IN SCHEMA c', write => 'INSERT INTO k VALUES (1, 1, 1)', same => 'SELECT id, v FROM k');
of('publisher', do => 'ALTER TABLE t SET UNLOGGED', publish => 'FOR TABLES IN SCHEMA c');
of('publisher', do => 'CREATE TABLE k (id int PRIMARY KEY)', publish => 'FOR TABLES IN SCHEMA c', write => 'INSERT INTO k VALUES (1)');
of('publisher', do => 'CREATE TABLE k (id int PRIMARY KEY)', write => "$write; INSERT INTO k VALUES (1)");

# ---- on the publisher: what rows may hold that subscribers refuse

of('publisher', do => $_->[0], write => "$write; $_->[1]") for [ 'ALTER TABLE t ALTER COLUMN w DROP NOT NULL', 'INSERT INTO t (id) VALUES (12)' ], [ 'ALTER TABLE t DROP CONSTRAINT low', 'INSERT INTO t VALUES (12, 1000, 1)' ],
	[ 'ALTER TABLE t ALTER COLUMN w TYPE bigint', 'INSERT INTO t VALUES (12, 1, 3000000000)' ], [ 'ALTER TABLE t ALTER COLUMN w TYPE text', q{INSERT INTO t VALUES (12, 1, 'x')} ],
	[ 'ALTER TABLE t ALTER COLUMN w TYPE smallint', 'INSERT INTO t VALUES (12, 1, 3)' ],
	[ 'ALTER TABLE t ALTER COLUMN v SET NOT NULL', 'INSERT INTO t VALUES (12, 1, 3)' ], [ 'ALTER TABLE t ADD CHECK (v < 900)', 'INSERT INTO t VALUES (12, 1, 3)' ], [ 'ALTER TABLE t ALTER COLUMN v SET DEFAULT 7', 'INSERT INTO t (id, w) VALUES (12, 3)' ];
of('publisher', do => 'ALTER TABLE t ALTER COLUMN w TYPE int USING w * 2', rows => '(1, 1, 1), (2, 2, 2), (3, 3, 3)');
of('publisher', do => 'ALTER TABLE t DROP COLUMN v', write => 'INSERT INTO t VALUES (12, 1); DELETE FROM t WHERE id = 2', same => 'SELECT id, w FROM t ORDER BY 1');
of('publisher', do => 'ALTER TABLE t DROP COLUMN w', write => 'INSERT INTO t VALUES (12, 1)', same => 'SELECT id, v FROM t ORDER BY 1');
of('publisher', do => $_->[0], both => "$unique", write => "$write; $_->[1]") for [ 'DROP INDEX u', 'INSERT INTO t VALUES (12, 1, 11)' ];
my $types = q{CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN small AS int CONSTRAINT is_small CHECK (VALUE < 10); CREATE TABLE t (id int PRIMARY KEY, v mood, w small);};
my $typed = q{INSERT INTO t VALUES (11, 'a', 1)};
of('publisher', do => $_->[0], both => $types, write => "$typed; $_->[1]", rows => q{(1, 'a', 1), (2, 'b', 2)}) for [ q{ALTER TYPE mood RENAME VALUE 'b' TO 'c'}, q{INSERT INTO t VALUES (12, 'c', 1)} ], [ q{ALTER TYPE mood ADD VALUE 'c'}, q{INSERT INTO t VALUES (12, 'c', 1)} ],
	[ 'ALTER DOMAIN small DROP CONSTRAINT is_small', q{INSERT INTO t VALUES (12, 'a', 100)} ], [ 'ALTER DOMAIN small ADD CHECK (VALUE > 0)', 'UPDATE t SET w = 3' ];

# ---- on the publisher: inheritance and partitions

of('publisher', do => $_->[0], both => "$t $_->[1]", write => 'INSERT INTO h VALUES (11, 11, 11)') for [ 'CREATE TABLE h (PRIMARY KEY (id)) INHERITS (t)', '' ], [ 'ALTER TABLE h INHERIT t', 'CREATE TABLE h (LIKE t INCLUDING ALL)' ], [ 'ALTER TABLE h NO INHERIT t', 'CREATE TABLE h (PRIMARY KEY (id)) INHERITS (t)' ];
$cases[-1]{same} = 'SELECT id FROM h';
of('publisher', do => 'CREATE TABLE h (PRIMARY KEY (id)) INHERITS (t)', publish => 'FOR TABLES IN SCHEMA c', write => 'INSERT INTO h VALUES (11, 11, 11)');
my $more = 'INSERT INTO t VALUES (211, 11, 11)';
for my $root ('', ' WITH (publish_via_partition_root)')
{
	of('publisher', do => $_->[0], both => "$part $_->[1]", publish => "FOR TABLE t$root", write => "$write; $_->[2]") for [ 'CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (200) TO (300)', '', $more ],
		[ 'ALTER TABLE t ATTACH PARTITION t3 FOR VALUES FROM (200) TO (300)', 'CREATE TABLE t3 (LIKE t INCLUDING ALL);', $more ], [ 'ALTER TABLE t DETACH PARTITION t2', '', 'INSERT INTO t2 VALUES (112, 1, 1)' ], [ 'DROP TABLE t2', '', 'SELECT 1' ];
	$_->{rows} = '(1, 1, 1), (2, 2, 2), (111, 1, 1)' for @cases[-4 .. -1];
	$cases[-2]{same} = 'SELECT id FROM t2';
	of('publisher', do => 'ALTER TABLE t DROP CONSTRAINT t_pkey', both => $part, publish => "FOR TABLE t$root");
	of('publisher', do => 'ALTER TABLE t ADD COLUMN x int', both => $part, publish => "FOR TABLE t$root");
	of('publisher', do => 'ALTER TABLE t1 RENAME TO t0', both => $part, publish => "FOR TABLE t$root");
}
of('publisher', do => 'ALTER PUBLICATION pub SET (publish_via_partition_root = true)', both => $part, apart => { subscriber => 'ALTER TABLE t RENAME TO t_whole' }, same => 'SELECT id FROM t1');
of('publisher', do => 'ALTER PUBLICATION pub SET (publish_via_partition_root = false)', both => $part, publish => 'FOR TABLE t WITH (publish_via_partition_root)', apart => { subscriber => 'ALTER TABLE t1 RENAME TO u1' });
of('publisher', do => 'ALTER TABLE t DETACH PARTITION t2', both => $part, publish => 'FOR TABLE t2', write => 'INSERT INTO t2 VALUES (112, 1, 1)', same => 'SELECT id FROM t2');
of('publisher', do => 'ALTER TABLE t DETACH PARTITION t2', both => $part, publish => 'FOR TABLES IN SCHEMA c', write => 'INSERT INTO t2 VALUES (112, 1, 1)', same => 'SELECT id FROM t2');

# ---- on the subscriber

of('subscriber', do => $_->[0], write => "$write; $_->[1]") for [ 'ALTER TABLE t ADD CHECK (v < 500)', 'INSERT INTO t VALUES (12, 600, 1)' ], [ 'ALTER TABLE t ALTER COLUMN v SET NOT NULL', 'INSERT INTO t VALUES (12, NULL, 1)' ],
	[ 'ALTER TABLE t ADD UNIQUE (w)', 'INSERT INTO t VALUES (12, 1, 11)' ], [ 'CREATE UNIQUE INDEX ON t (w)', 'INSERT INTO t VALUES (12, 1, 11)' ], [ 'CREATE UNIQUE INDEX ON t ((w + 1))', 'INSERT INTO t VALUES (12, 1, 11)' ],
	[ 'ALTER TABLE t ADD EXCLUDE USING btree (w WITH =)', 'INSERT INTO t VALUES (12, 1, 11)' ], [ 'ALTER TABLE t ALTER COLUMN w TYPE smallint', 'INSERT INTO t VALUES (12, 1, 100000)' ], [ 'ALTER TABLE t ALTER COLUMN w TYPE date USING current_date', 'INSERT INTO t VALUES (12, 1, 1)' ],
	[ 'ALTER TABLE t DROP COLUMN v', 'UPDATE t SET v = 3' ], [ 'ALTER TABLE t RENAME COLUMN v TO x', 'UPDATE t SET v = 3' ], [ 'ALTER TABLE t RENAME TO x', 'UPDATE t SET v = 3' ],
	[ 'DROP TABLE t', 'UPDATE t SET v = 3' ], [ 'ALTER TABLE t SET SCHEMA public', 'UPDATE t SET v = 3' ], [ 'ALTER SCHEMA c RENAME TO d', 'UPDATE t SET v = 3' ], [ 'ALTER TABLE t DROP CONSTRAINT t_pkey', 'UPDATE t SET v = 3' ],
	[ 'ALTER TABLE t ALTER COLUMN w TYPE bigint', 'INSERT INTO t VALUES (12, 1, 5)' ], [ 'ALTER TABLE t ALTER COLUMN w TYPE text', 'INSERT INTO t VALUES (12, 1, 5)' ], [ 'ALTER TABLE t ALTER COLUMN w TYPE numeric', 'INSERT INTO t VALUES (12, 1, 5)' ], [ 'ALTER TABLE t ADD COLUMN x int', 'SELECT 1' ],
	[ 'ALTER TABLE t ADD COLUMN x int NOT NULL DEFAULT 5', 'SELECT 1' ], [ 'ALTER TABLE t ADD COLUMN x int GENERATED ALWAYS AS (id) STORED', 'SELECT 1' ], [ 'ALTER TABLE t DROP CONSTRAINT low', 'INSERT INTO t VALUES (12, 1, 5)' ], [ 'ALTER TABLE t ALTER COLUMN w DROP NOT NULL', 'SELECT 1' ],
	[ 'CREATE INDEX ON t (w)', 'SELECT 1' ], [ 'ALTER TABLE t SET UNLOGGED', 'SELECT 1' ], [ 'ALTER TABLE t REPLICA IDENTITY NOTHING', 'SELECT 1' ], [ 'ALTER TABLE t REPLICA IDENTITY FULL', 'SELECT 1' ], [ 'ALTER TABLE t ALTER COLUMN v SET DEFAULT 3', 'INSERT INTO t (id, w) VALUES (12, 3)' ], [ 'ALTER TABLE t ADD COLUMN x int NOT NULL GENERATED ALWAYS AS IDENTITY', 'SELECT 1' ],
	[ 'ALTER TABLE t ADD COLUMN x int UNIQUE', 'SELECT 1' ], [ 'ALTER TABLE t ADD COLUMN x int DEFAULT 3 CHECK (x > id)', 'SELECT 1' ];
of('subscriber', do => $_->[0], both => $types, write => "$typed; $_->[1]", rows => q{(1, 'a', 1), (2, 'b', 2)}) for [ q{ALTER TYPE mood RENAME VALUE 'b' TO 'c'}, q{INSERT INTO t VALUES (12, 'b', 1)} ], [ q{ALTER TYPE mood ADD VALUE 'c'}, q{INSERT INTO t VALUES (12, 'b', 1)} ],
	[ 'ALTER DOMAIN small DROP CONSTRAINT is_small', q{INSERT INTO t VALUES (12, 'a', 3)} ], [ 'ALTER DOMAIN small ADD CHECK (VALUE > 0)', q{INSERT INTO t VALUES (12, 'a', -3)} ], [ 'ALTER DOMAIN small SET NOT NULL', q{INSERT INTO t VALUES (12, 'a', NULL)} ], [ 'ALTER TABLE t ALTER COLUMN v TYPE text', q{INSERT INTO t VALUES (12, 'b', 1)} ];
for my $root ('', ' WITH (publish_via_partition_root)')
{
	of('subscriber', do => $_->[0], both => "$part $_->[1]", publish => "FOR TABLE t$root", write => "$write; $_->[2]") for [ 'CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (200) TO (300)', '', 'SELECT 1' ], [ 'ALTER TABLE t DETACH PARTITION t2', '', 'INSERT INTO t VALUES (111, 1, 1)' ], [ 'DROP TABLE t2', '', 'INSERT INTO t VALUES (111, 1, 1)' ],
		[ 'ALTER TABLE t1 ADD CHECK (v < 50)', '', 'INSERT INTO t VALUES (12, 60, 1)' ], [ 'ALTER TABLE t ADD CHECK (v < 50)', '', 'INSERT INTO t VALUES (12, 60, 1)' ];
	$cases[-4]{same} = 'SELECT id FROM t2' if $root eq '';
}
of('subscriber', do => 'ALTER TABLE t ADD COLUMN x int UNIQUE DEFAULT 3', rows => '(1, 1, 1)');
of('subscriber', do => 'ALTER TABLE t REPLICA IDENTITY USING INDEX u', both => $unique);
of('subscriber', do => 'DROP INDEX u', both => "$unique ALTER TABLE t REPLICA IDENTITY USING INDEX u;");
of('publisher', do => 'ALTER TABLE t REPLICA IDENTITY USING INDEX u', both => $unique);
of('publisher', do => 'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (w)');
of('publisher', do => 'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, w)', write => "$write; INSERT INTO t VALUES (11, 11, 12)");
of('subscriber', do => 'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, w)');
of($_->[0], do => $_->[1], step => 1, write => "$write; $_->[2]") for [ 'subscriber', 'ALTER TABLE t ADD CHECK (v < 500)', 'INSERT INTO t VALUES (12, 600, 1)' ], [ 'subscriber', 'CREATE UNIQUE INDEX u ON t (w)', 'INSERT INTO t VALUES (12, 1, 11)' ],
	[ 'subscriber', 'ALTER TABLE t ADD UNIQUE (w)', 'INSERT INTO t VALUES (12, 1, 11)' ], [ 'subscriber', 'ALTER TABLE t ALTER COLUMN v SET NOT NULL', 'INSERT INTO t VALUES (12, NULL, 1)' ], [ 'publisher', 'ALTER TABLE t DROP CONSTRAINT low', 'INSERT INTO t VALUES (12, 1000, 1)' ],
	[ 'subscriber', 'ALTER TABLE t ADD COLUMN x int', 'SELECT 1' ], [ 'subscriber', 'CREATE INDEX i ON t (w)', 'SELECT 1' ];
of('subscriber', do => 'ALTER TABLE t ATTACH PARTITION k FOR VALUES FROM (200) TO (300)', both => "$part CREATE TABLE k (LIKE t INCLUDING ALL);", publish => 'FOR TABLE k', write => 'INSERT INTO k VALUES (1, 1, 1)', same => 'SELECT id FROM k', apart => { subscriber => 'SELECT 1' });

# ---- run

my $slice = long_run() || $ENV{SG_LIKE} ? 1 : 16;
@cases = @cases[ grep { ($_ + seed()) % $slice == 0 } 0 .. $#cases ];
@cases = grep { "$_->{side}: $_->{do} [$_->{publish}]" =~ /$ENV{SG_LIKE}/ } @cases if $ENV{SG_LIKE};
my (@silent, @noise, @unclear, $count);

# Waits until what was written before is applied; false if it is not
sub arrives
{
	my ($n) = @_;
	my $end = time + 10;

	runs($publisher, "INSERT INTO public.mark VALUES ($n)");
	while (time < $end)
	{
		my $state = query($subscriber, "SELECT EXISTS (SELECT FROM public.mark WHERE id = $n), coalesce(sum(apply_error_count), 0) > 0 FROM pg_stat_subscription_stats");

		return 1 if $state =~ /^t/;
		return 0 if $state =~ /t$/;
		sleep 0.05;
	}
	return 0;
}

sub work
{
	my ($case, $n) = @_;
	my ($here) = $case->{side} eq 'publisher' ? $publisher : $subscriber;
	my ($told, $err, $failed) = ('', '', '');
	# plans look names up in pg_catalog
	my $do = $case->{do} =~ s/\b(TABLE(?: ONLY)?|ON|INHERITS \(|INHERIT|OF|PARTITION|(?<!USING )INDEX|TYPE|DOMAIN) ?(t\d?|k|h|u|mood|small)\b(?! TYPE)/$1 c.$2/gr =~ s/\bmark\b/public.mark/gr =~ s/c\.k SET SCHEMA c/public.k SET SCHEMA c/r;
	my ($what, $with) = $case->{publish} =~ /^(.*?)( WITH .*)?$/;

	query($_, "DROP SCHEMA IF EXISTS c, d CASCADE; DROP TABLE IF EXISTS public.t, public.k, public.x; CREATE SCHEMA c; TRUNCATE public.mark; $case->{both}") for $publisher, $subscriber;
	query($subscriber, $case->{apart}{subscriber}) if $case->{apart}{subscriber};
	if ($case->{both} =~ /CREATE TABLE t /)
	{
		my $rows = $case->{rows} // '(1, 1, 1), (2, 2, 2)';

		query($publisher, "INSERT INTO t VALUES $rows");
		runs($subscriber, "INSERT INTO t VALUES $rows") || runs($subscriber, 'INSERT INTO t (id, w) VALUES (1, 1), (2, 2)') || runs($subscriber, 'INSERT INTO t_whole VALUES (1, 1, 1), (2, 2, 2)');
	}
	$what .= $what =~ /^FOR TABLE / ? ', public.mark' : ', TABLE public.mark';
	query($publisher, "CREATE PUBLICATION pub $what" . ($with // ''));
	query($subscriber, "CREATE SUBSCRIPTION sub CONNECTION '$address' PUBLICATION pub WITH (copy_data = false)");
	arrives(2 * $n) or return 'never replicated';
	query($here, qq{SELECT sg_plan_create('n', replace => true); SELECT sg_plan_add} . ($case->{step} ? '' : '_statement') . qq{('n', \$q\$$do\$q\$)});
	$told = query($here, q{SELECT string_agg(check_name || ' ' || result || ': ' || detail, E'\n' ORDER BY 1) FROM sg_plan_check_details('n') WHERE result IN ('warn', 'block') AND (check_name IN ('publication', 'subscription') OR detail ~ 'publication|subscription|replica')});
	$case->{refused} = !runs($here, q{CALL sg_apply('n', fail => true)}, \$err);
	if (!$case->{refused})
	{
		for my $sql (split /; /, $case->{write})
		{
			$failed .= "publisher: $1 " if !runs($publisher, $sql, \$err) && $err =~ /ERROR:\s+(.*)/ && $err !~ /does not exist/;
		}
		$failed ||= 'apply stopped' if !arrives(2 * $n + 1);
		my ($p, $s) = map { my $out = ''; $_->psql('postgres', "SET search_path = c, d, public; $case->{same}", stdout => \$out); $out } $publisher, $subscriber;
		$failed ||= "differ: $p / $s" =~ s/\n/ /gr if $p ne $s;
	}
	$case->{told} = $told;
	$case->{failed} = $failed;
	$case->{err} = $err if $case->{refused};
	return '';
}

for my $case (@cases)
{
	my $name = "$case->{side}: $case->{do} [" . ($case->{publish}) . ']';
	my $trouble = work($case, ++$count);
	my $silent = !$case->{refused} && $case->{failed} ne '' && $case->{told} eq '';
	my $noisy = !$case->{refused} && $case->{failed} eq '' && $case->{told} ne '';

	runs($subscriber, 'ALTER SUBSCRIPTION sub DISABLE');
	runs($subscriber, 'DROP SUBSCRIPTION sub');
	runs($publisher, 'DROP PUBLICATION IF EXISTS pub, pub2, other');
	note(sprintf('%s | %s | %s | %s', $name, $case->{refused} ? 'refused' : $case->{failed} || 'works', $case->{told} eq '' ? '-' : $case->{told} =~ s/\n.*//sr, $trouble || ($silent ? 'SILENT' : $noisy ? 'NOISE' : 'ok')));
	push @silent, "$name: $case->{failed}" if $silent;
	push @noise, "$name: $case->{told}" if $noisy;
	push @unclear, "$name: $trouble" . ($case->{err} // '') if $trouble || ($case->{refused} && $case->{told} eq '' && $case->{err} !~ /publication|replica/);
}
is("@silent", '', "$count cases: none fails in silence");
is("@noise", '', 'none that works is told of');
is("@unclear", '', 'all were tried');

$_->stop('immediate') for $publisher, $subscriber;
done_testing();
