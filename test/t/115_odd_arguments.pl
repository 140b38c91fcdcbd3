# 115_odd_arguments.pl: every function that PUBLIC may call survives what nobody sane would give it.
#
# Each argument in turn is null, empty, too long, of another form, while the others are plain; and all of them at once. As a
# superuser, as a role with the grant and CREATEDB, and as one that may do nothing but connect. The server must not crash, and no
# error is XX000 or "cache lookup failed". Each call by each role with SG_LONG=1.
#
# rooms: base sync plan
# takes: 10 s
# majors: one (reads arguments)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('odd_arguments', without => 1, conf => "max_connections = 10\nfsync = off\nstatement_timeout = '30s'\nrestart_after_crash = on\n");

$node->safe_psql('postgres', q{SET client_min_messages = error; CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg;
	GRANT USAGE ON SCHEMA sg TO PUBLIC; CREATE ROLE granted LOGIN CREATEDB; CREATE ROLE stranger LOGIN;
	CREATE TABLE public.p (id int PRIMARY KEY); CREATE TABLE public.c (a int, b text, p_id int REFERENCES public.p);
	SET search_path = sg, pg_catalog;
	SELECT sg_grant('granted'), sg_snapshot_take('s'), sg_plan_create('x');
	SELECT sg_plan_add_fk('x', 'public.c', '{a}', 'public.p');});

# What each type can be; the first is plain
my @texts = (q{'x'}, q{'public.c'}, 'NULL', q{''}, q{'s'}, q{'live'}, q{'[{}]'}, q{'"'}, q{'a.b.c.d'}, q(E'\n\\! x'), q('%s {a} [b} ['), q{repeat('x', 70000)}, q{'SELECT 1'}, q{'; --'});
my %values = (
	text => \@texts,
	jsonb => [ q{'{}'}, 'NULL', q{'null'}, q{'1'}, q{'"x"'}, q{'[]'}, q{'[{}]'}, q{'[null]'}, q{'[[]]'}, q{'["x", 1]'}, q{'{"a": "b"}'}, q{'{"a": {"b": [null]}}'}, q{'[{"section": "x", "kind": null}]'}, q{'[{"section": 1, "step": []}]'} ],
	bytea => [ q{'\\x'}, 'NULL', q{'\\x00ff'} ],
	integer => [ '1', 'NULL', '0', '-1', '2147483647', '-2147483648' ],
	'jsonb[]' => [ q{'{}'}, 'NULL', q{'{NULL}'}, q{ARRAY['1', '{}', '[]', '{"name": 1}']::jsonb[]} ],
	numeric => [ '1', 'NULL', q{'NaN'}, q{'-infinity'}, '1e300' ],
	bigint => [ '1', 'NULL', '0', '-1', '9223372036854775807' ],
	boolean => [ 'true', 'false', 'NULL' ],
	'double precision' => [ '0.5', 'NULL', q{'NaN'}, q{'-infinity'}, '1e300' ],
	regclass => [ q{'public.c'}, 'NULL', '0', '4294967295', '1259', q{'public.p_pkey'}, q{'pg_class_oid_index'} ],
	'schemaguard.table_name' => [ q{'public.c'}, 'NULL', '0', '4294967295', '1259', q{'public.p_pkey'}, q{''}, q{'a.b.c.d'}, q{repeat('x', 70000)} ],
	'schemaguard.names' => [ q{'{a}'}, 'NULL', q{'{}'}, q{'{NULL}'}, q{'{""}'}, q{'{{a,b},{c,d}}'}, q{'[5:6]={a,b}'::text[]}, q{ARRAY[repeat('x', 70000)]}, q{'{a,a}'}, q{'a'}, q{repeat('x', 70000)} ],
	cstring => [ q{'public.c'}, 'NULL', q{''}, q{'{a}'}, q('{') ],
	'text[]' => [ q{'{a}'}, 'NULL', q{'{}'}, q{'{NULL}'}, q{'{""}'}, q{'{{a,b},{c,d}}'}, q{'[5:6]={a,b}'}, q{ARRAY[repeat('x', 70000)]}, q{'{a,a}'} ],
	'schemaguard.steps' => [ q{'{1}'}, '1', q{'[5:6]={1,2}'}, q{'1,2'}, q{'a'}, '4294967296', 'NULL', q{'{}'}, q{'{NULL}'}, q{'{{1,2},{3,4}}'}, q{'{-1}'} ],
	'integer[]' => [ q{'{1}'}, 'NULL', q{'{}'}, q{'{NULL}'}, q{'{{1,2},{3,4}}'}, q{'{-1}'} ],
	'smallint[]' => [ q{'{1}'}, 'NULL', q{'{}'}, q{'{NULL}'}, q{'{{1,2},{3,4}}'}, q{'{-1,32767}'} ],
	'bigint[]' => [ q{'{1}'}, 'NULL', q{'{}'}, q{'{NULL}'}, q{'{{1,2},{3,4}}'}, q{'{-1,9223372036854775807}'} ],
	'timestamp with time zone' => [ 'now()', 'NULL', q{'infinity'}, q{'-infinity'} ],
	'boolean[]' => [ q{'{t}'}, 'NULL', q{'{}'}, q{'{NULL}'}, q{'{{t,f},{f,t}}'} ],
	anycompatible => [ q{'public.c'::regclass}, 'NULL::int', '1', q{'x'::text}, q{'{a}'::text[]}, q{'{}'::jsonb} ],
	oid => [ '0', 'NULL', '1259', '4294967295' ],
	'oid[]' => [ q{'{1259}'}, 'NULL', q{'{}'}, q{'{NULL}'}, q{'{0,4294967295}'}, q{'{{1259,1259},{1249,1249}}'} ],
	'schemaguard.sync_pair[]' => [ q{'{}'}, 'NULL', q{'{NULL}'}, q{ARRAY[ROW(1,2,'table','a','b','c','{}','d','e','f','{}','{g}','h')]}, q{ARRAY[ROW(NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)]}, q{ARRAY[ROW(-1,-1,'x','','','','[]','','','','1','{NULL}','')]} ],
	'schemaguard.script_fact' => [ 'NULL', q{(SELECT f FROM schemaguard.sg_lint_sql_facts('ALTER TABLE public.c ALTER p SET NOT NULL', NULL, true) f LIMIT 1)} ],
	'schemaguard.script_fact[]' => [ q{'{}'}, 'NULL', q{'{NULL}'}, q{ARRAY(SELECT f FROM schemaguard.sg_lint_sql_facts('DROP TABLE public.c', NULL, true) f)} ],
	name => [ q{'x'}, 'NULL', q{''} ]);

my @routines = rows($node, q{
	SELECT p.oid::regproc, p.prokind, p.prorettype::regtype, array_to_string(ARRAY(SELECT t::regtype FROM unnest(p.proargtypes) t), ';'), p.provariadic <> 0
	FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
	WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemaguard') AND d.deptype = 'e'
		AND p.proname NOT IN ('sg_capture_ddl', 'sg_watch_subscriptions')      -- they change what all that follow do
	ORDER BY 1::text});
cmp_ok(scalar @routines, '>', 150, 'routines');

# Of the extension's own composite types, none of their rows, and one of nulls
foreach my $row (rows($node, q{SELECT oid::regtype FROM pg_type WHERE typnamespace = 'schemaguard'::regnamespace AND typtype = 'c'}))
{
	my ($type) = @$row;

	$values{$type} //= [ 'NULL', "jsonb_populate_record(NULL::$type, '{}')" ];
	$values{"$type\[]"} //= [ q{'{}'}, 'NULL', q{'{NULL}'}, "ARRAY[jsonb_populate_record(NULL::$type, '{}')]" ];
}

my @calls;
foreach my $routine (@routines)
{
	my ($name, $kind, $returns, $types, $variadic) = @$routine;
	my @types = split /;/, $types;
	my %unknown = map { $_ => 1 } grep { !$values{$_} } @types;

	is(join(' ', keys %unknown), '', "$name: types are known");
	next if %unknown;
	my $cast = sub { my ($v, $type) = @_; return $type =~ /^any/ ? $v : "${v}::$type" };
	my @plain = map { $cast->($values{$_}[0], $_) } @types;
	my $call = sub {
		my @arguments = @_;
		$arguments[-1] = "VARIADIC $arguments[-1]" if $variadic eq 't';
		push @calls, ($kind eq 'p' ? 'CALL ' : 'SELECT ') . "$name(" . join(', ', @arguments) . ')';
	};
	$call->(@plain);
	for my $i (0 .. $#types)
	{
		$call->(@plain[ 0 .. $i - 1 ], $cast->($_, $types[$i]), @plain[ $i + 1 .. $#plain ]) for @{ $values{ $types[$i] } }[ 1 .. $#{ $values{ $types[$i] } } ];
	}
	# all at once
	for my $n (1 .. 4) { $call->(map { my $v = $values{$_}; $cast->($v->[ $n % @$v ], $_) } @types) if @types > 1; }
}

my (%states, @wrong);
foreach my $role ('', 'granted', 'stranger')
{
	# procedures can't be called within another one: one by one, in one session
	my $session = SgTest::Session->new($node, $role ? (user => $role) : ());
	# nulls and empty objects always, of the others a share
	my $turn = $role eq '' ? 0 : $role eq 'granted' ? 1 : 2;
	my @some = grep { long_run() || !$role && $calls[$_] =~ /NULL|\[\{\}\]/ || $_ % 4 == $turn } 0 .. $#calls;
	my $pack = 50;

	$session->query(q{SET client_min_messages = error; SET search_path = sg, pg_catalog});
	while (my @pack = splice @some, 0, $pack)
	{
		# the answer is of no interest, and may be long
		my $out = $session->query('\o /dev/null' . "\n" . join(";\n", map { "\\warn call $_\n$calls[$_]" } @pack) . ";\n\\o\n");

		my $err = $session->{err};
		my $call = '';
		foreach my $line (split /\n/, $err // '')
		{
			$call = $calls[$1] if $line =~ /^call (\d+)$/;
			next unless $line =~ /(?:ERROR|FATAL|PANIC):\s+([0-9A-Z]{5}): (.*)/;
			$states{$1}++;
			push @wrong, "$role: $call: $1 $2" if $1 =~ /^(XX|58)/ || $2 =~ /cache lookup/;
		}
		if (!defined $session->query('SELECT 1'))
		{
			push @wrong, "$role: the server has gone: $call";
			wait_for(sub { eval { $node->psql('postgres', 'SELECT 1') == 0 } });
			$session = SgTest::Session->new($node, $role ? (user => $role) : ());
			$session->query(q{SET client_min_messages = error; SET search_path = sg, pg_catalog});
		}
	}
	$session->quit;
}
is(join("\n", @wrong), '', 'each error has a SQLSTATE that says something');
note(scalar(@calls) . ' calls: ' . join ', ', map { "$_ $states{$_}" } sort keys %states);

is($node->safe_psql('postgres', q{SELECT schemaguard.sg_make_name('x', NULL, repeat('y', 61))}), 'x_' . 'y' x 61, 'a label that leaves room for a byte');
is_error($node, q{SELECT schemaguard.sg_make_name('x', NULL, repeat('y', 62))}, '42622', qr/no room for the label/, 'one that leaves none');

# Literals within literals: names below what the stack bears would be seen by nobody
my $nested = join('', map { "\$a$_\$ " } 1 .. 400) . 'sg.f()' . join('', map { " \$a$_\$" } reverse 1 .. 400);

is($node->safe_psql('postgres', 'SELECT names FROM schemaguard.sg_sync_seen($x$DO $a$ $b$ sg.f() $b$ $a$ $x$)'), '{sg.f}', 'a name in a literal of a block is seen');
is_error($node, "SET max_stack_depth = '100kB'; SELECT schemaguard.sg_sync_seen(\$x\$DO $nested\$x\$)", '54001', undef, 'a block whose literals are nested too deeply is refused');

unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP:|AddressSanitizer/, 'the server never crashed');

done_testing();
