# 071_deed.pl: nobody gets between a look at what a deed could run and the deed.
#
# In each room a superuser's call is held up between its look and the end of its deed, by something that only the test
# holds. Meanwhile the owner of a table that the deed reaches tries to plant code there. Each statement has to wait for the
# deed, and nothing may run as anybody but that owner.
#
# rooms: run change fix verify deploy undo
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

# what is held up waits for the test, not for a clock
my $node = new_node('deed', conf => "schemaguard.lock_timeout = '5min'\ndeadlock_timeout = '10min'\nmax_worker_processes = 16\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

query(q{
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA mal AUTHORIZATION mallory;
	CREATE TABLE witness (who text);
	GRANT INSERT ON witness TO PUBLIC;
	SET SESSION AUTHORIZATION mallory;
	CREATE FUNCTION mal.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.witness VALUES (current_user); RETURN new; END $$;
	CREATE FUNCTION mal.see(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
		IF current_user <> 'mallory' THEN RAISE LOG 'WITNESS as %', current_user; END IF; RETURN $1; END $$;
	CREATE FUNCTION mal.quiet(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
		IF current_user <> 'mallory' THEN RAISE LOG 'WITNESS as %', current_user; END IF; RETURN $1;
		EXCEPTION WHEN undefined_object THEN RETURN $1; END $$;
	CREATE TABLE mal.s (id int PRIMARY KEY, a int);
	CREATE TABLE mal.part (id int, a int) PARTITION BY RANGE (id);
	CREATE TABLE mal.part_1 PARTITION OF mal.part FOR VALUES FROM (0) TO (10);
	CREATE TABLE mal.p (id int PRIMARY KEY, name text);
	CREATE TABLE mal.c (id int PRIMARY KEY, p int CONSTRAINT c_p REFERENCES mal.p ON DELETE CASCADE);
	CREATE TABLE mal.orphan (id int PRIMARY KEY, p int);
	CREATE TABLE mal.heir () INHERITS (mal.s);
	CREATE TABLE mal.stray (id int NOT NULL, a int);
	INSERT INTO mal.s VALUES (1, 1);
	INSERT INTO mal.part VALUES (1, 1);
	INSERT INTO mal.p VALUES (1, 'one'), (2, 'two');
	INSERT INTO mal.c VALUES (1, 1);
	INSERT INTO mal.orphan VALUES (1, 1), (2, 7);
	CREATE DOMAIN mal.d AS int;
	RESET SESSION AUTHORIZATION;
	CREATE TABLE pause (id int);
	INSERT INTO pause VALUES (1);
	CREATE TABLE filled (id int PRIMARY KEY, title text);
	INSERT INTO filled VALUES (1, 'one'), (2, 'two');
	CREATE TABLE of_domain (d mal.d);
	INSERT INTO of_domain VALUES (1);
});

my $caller = SgTest::Session->new($node);
my $holder = SgTest::Session->new($node);
my $mallory = SgTest::Session->new($node, user => 'mallory');
$mallory->query(q{SET lock_timeout = '5ms'});

# What mallory tries on a table, within an instant
my %tries = (
	'TRIGGER' => 'CREATE TRIGGER see BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION mal.see()',
	'INDEX' => 'CREATE INDEX ON %s ((mal.see(1)))',
	'STATISTICS' => 'CREATE STATISTICS mal.planted ON (mal.see(1)), id FROM %s',
	'RULE' => q{CREATE RULE see AS ON UPDATE TO %s DO ALSO INSERT INTO public.witness VALUES (current_user)},
	'DEFAULT' => 'ALTER TABLE %s ALTER id SET DEFAULT mal.see(1)',
	'CHECK' => 'ALTER TABLE %s ADD CHECK (mal.see(id) > 0) NOT VALID',
	'RENAME' => 'ALTER TABLE %s RENAME TO away',
	'POLICY' => 'CREATE POLICY see ON %s USING (mal.see(1) = 1)');
my %more = (
	'mal.s' => { 'INHERITS' => 'ALTER TABLE mal.stray INHERIT mal.s' },
	'mal.part' => { 'PARTITION' => 'CREATE TABLE mal.part_2 PARTITION OF mal.part FOR VALUES FROM (10) TO (20)',
		'STATISTICS' => '', 'RULE' => '' });

# Those that did not have to wait
sub got_in
{
	my ($table) = @_;
	my %all = (%tries, %{ $more{$table} // {} });
	my @in;

	for my $what (sort keys %all)
	{
		next unless $all{$what};
		my $sql = $all{$what};
		$sql =~ s/%s/$table/;
		$mallory->query("BEGIN; $sql; ROLLBACK");
		push @in, $what . ' ' . $mallory->sqlstate unless $mallory->sqlstate eq '55P03';
	}
	return "@in";
}

# A call, held up until $release: when it waits for a lock, is nobody let in to these tables?
sub held
{
	my ($name, $call, $release, @tables) = @_;

	$caller->send($call);
	my $state = '';
	wait_for(sub { ($state = query("SELECT CASE WHEN wait_event_type = 'Lock' THEN 'waits' ELSE state END FROM pg_stat_activity WHERE pid = $caller->{pid}")) ne 'active' });
	is($state, 'waits', "$name: the call is held up") or diag($caller->collect, $caller->{err});
	is(got_in($_), '', "$name: nobody plants code on $_") for @tables;
	$holder->query($release);
	my $out = $caller->collect;
	is($caller->sqlstate, '', "$name: it is done then") or diag($caller->{err});
	return $out;
}

# ---- statements, and back

my $wait = 'UPDATE public.pause SET id = id';
query(qq{
	SELECT sg_plan_create('statement');
	SELECT sg_plan_add_statement('statement', '$wait; UPDATE mal.s SET a = a + 1; UPDATE mal.part SET a = a + 1; DELETE FROM mal.p WHERE id = 2',
		undo => '$wait; UPDATE mal.s SET a = a - 1');
});
$holder->query('BEGIN; SELECT FROM pause FOR UPDATE');
held('statement', q{CALL sg_apply('statement')}, 'COMMIT', 'mal.s', 'mal.heir', 'mal.part', 'mal.part_1', 'mal.c');
is(query('SELECT a FROM mal.s'), '2', 'statement: it was run');
$holder->query('BEGIN; SELECT FROM pause FOR UPDATE');
held('undo', q{CALL sg_rollback_fks('statement')}, 'COMMIT', 'mal.s');
is(query('SELECT a FROM mal.s'), '1', 'undo: it was run');

# A lock on the table does not keep away the check of a domain, so that is told by who owns the domain
query(q{
	SELECT sg_plan_create('domain');
	SELECT sg_plan_add_statement('domain', 'UPDATE public.of_domain SET d = 2');
});
$caller->query(q{CALL sg_apply('domain')});
like($caller->{err}, qr/checks of domain d of role mallory as a superuser/, 'domain: its owner could give it a check at any time');

# AFTER triggers of rows that go by a cascade fire as whoever ran the statement, before 18
query(q{
	SET SESSION AUTHORIZATION mallory;
	CREATE TRIGGER planted AFTER DELETE ON mal.c FOR EACH ROW EXECUTE FUNCTION mal.see();
	INSERT INTO mal.p VALUES (3, 'three');
	INSERT INTO mal.c VALUES (3, 3);
	RESET SESSION AUTHORIZATION;
	CREATE TABLE kept (id int PRIMARY KEY);
	GRANT REFERENCES ON kept TO mallory;
	INSERT INTO kept VALUES (1);
	ALTER TABLE mal.c ADD kept int REFERENCES kept ON DELETE CASCADE;
	SELECT sg_plan_create('cascade');
	SELECT sg_plan_add_statement('cascade', 'DELETE FROM mal.p WHERE id = 3'), sg_plan_add_statement('cascade', 'DELETE FROM public.kept');
});
$caller->query(q{CALL sg_apply('cascade', fail => false)});
is(query('SELECT string_agg(who, $$ $$) FROM witness'), 'mallory', 'cascade: what it leads to runs as the owner of both tables');
like($caller->{err}, qr/step 2.*trigger planted of role mallory/, '... and not as that of one');
query('ALTER TABLE mal.c DROP kept');
query('DROP TRIGGER planted ON mal.c');

# ... into a table, too, that whoever calls may neither read nor write
query(q{
	CREATE ROLE gina LOGIN;
	CREATE SCHEMA gin AUTHORIZATION gina;
	SELECT sg_grant('gina');
	SET SESSION AUTHORIZATION gina;
	CREATE TABLE gin.p (id int PRIMARY KEY);
	INSERT INTO gin.p VALUES (1);
	GRANT USAGE ON SCHEMA gin TO mallory;
	GRANT REFERENCES ON gin.p TO mallory;
	SELECT sg_plan_create('by key');
	SELECT sg_plan_add_statement('by key', 'DELETE FROM gin.p WHERE id = 1');
	SET SESSION AUTHORIZATION mallory;
	CREATE TABLE mal.k (id int PRIMARY KEY REFERENCES gin.p ON DELETE CASCADE);
	INSERT INTO mal.k VALUES (1);
});
$holder->query('BEGIN; SELECT FROM gin.p FOR UPDATE');
$caller->query('SET SESSION AUTHORIZATION gina');
held('by key', q{CALL sg_apply('by key')}, 'COMMIT', 'mal.k');
$caller->query('RESET SESSION AUTHORIZATION');
is(query('SELECT count(*) FROM mal.k'), '0', 'by key: the row went with its parent');

# ---- statements that are no queries: each reaches code of mallory's, which does not run as the superuser

query(q{
	SET SESSION AUTHORIZATION mallory;
	CREATE FUNCTION mal.truncated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM mal.quiet(1); RETURN NULL; END $$;
	CREATE DOMAIN mal.checked AS int CHECK (mal.quiet(VALUE) > 0);
	CREATE TABLE mal.own (id int);
	CREATE TRIGGER t BEFORE TRUNCATE ON mal.own EXECUTE FUNCTION mal.truncated();
	CREATE TABLE mal.indexed (id int PRIMARY KEY, a mal.checked[]);
	CREATE INDEX ON mal.indexed ((mal.quiet(1) + id));
	CREATE TABLE mal.whole (id int) PARTITION BY LIST (id);
	CREATE INDEX ON mal.whole ((mal.quiet(1) + id));
	CREATE TABLE mal.piece (id int NOT NULL CHECK (id < 100 AND mal.quiet(1) = 1));
	CREATE TABLE mal.lists (id int, a mal.checked[]);
	CREATE FUNCTION mal.takes(mal.checked[]) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
	CREATE FUNCTION mal.same(int, mal.checked[]) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
	CREATE OPERATOR mal.=== (FUNCTION = mal.same, LEFTARG = int, RIGHTARG = mal.checked[]);
	CREATE FUNCTION mal.gives(OUT d mal.checked[]) LANGUAGE sql AS 'SELECT NULL::mal.checked[]';
	RESET SESSION AUTHORIZATION;
	CREATE TYPE public.row_type AS (a int, b int);
	SET SESSION AUTHORIZATION mallory;
	CREATE TABLE mal.typed OF public.row_type (a WITH OPTIONS CHECK (mal.quiet(a) > 0));
	INSERT INTO mal.typed VALUES (1, 1);
	RESET SESSION AUTHORIZATION;
	CREATE TABLE top (id int PRIMARY KEY);
	GRANT REFERENCES ON top TO mallory;
	CREATE TABLE below (id int);
	CREATE TABLE below_2 (id int CONSTRAINT refers REFERENCES mal.indexed);
	UPDATE pg_constraint SET convalidated = false WHERE conname = 'refers';
	CREATE TABLE split (id int) PARTITION BY LIST (id);
	CREATE MATERIALIZED VIEW stored AS SELECT id FROM mal.indexed WITH NO DATA;
	SET SESSION AUTHORIZATION mallory;
	CREATE TABLE mal.kid (id int REFERENCES top);
	CREATE TRIGGER t BEFORE TRUNCATE ON mal.kid EXECUTE FUNCTION mal.truncated();
	RESET SESSION AUTHORIZATION;
});
my $seen = sub { return scalar(() = PostgreSQL::Test::Utils::slurp_file($node->logfile) =~ /WITNESS as/g); };
my $n = 0;
foreach (
	[ 'TRUNCATE mal.own', '' ],
	[ 'TRUNCATE public.top CASCADE', 'could run trigger t' ],
	[ 'ALTER TABLE public.below ADD FOREIGN KEY (id) REFERENCES mal.indexed', 'could run function mal.quiet' ],
	[ 'ALTER TABLE public.below ADD new int REFERENCES mal.indexed', 'could run function mal.quiet' ],
	[ 'ALTER TABLE public.below_2 VALIDATE CONSTRAINT refers', 'could run function mal.quiet' ],
	[ 'ALTER TABLE public.below_2 ALTER id TYPE int8', 'could run function mal.quiet' ],
	[ 'ALTER TABLE public.split ATTACH PARTITION mal.piece FOR VALUES IN (1)', 'could run function mal.quiet' ],
	[ 'CREATE TABLE public.new PARTITION OF mal.whole FOR VALUES IN (1)', 'could run function mal.quiet' ],
	[ 'CREATE TABLE public.new (LIKE mal.indexed INCLUDING ALL)', 'could run function mal.quiet' ],
	[ q{CREATE TABLE public.new (a mal.checked[] DEFAULT '{1}')}, 'could run function mal.quiet' ],
	[ q{CREATE VIEW public.new AS SELECT id FROM mal.lists WHERE a = '{1}'}, 'could run function mal.quiet' ],
	[ q{CREATE SCHEMA more CREATE VIEW new AS SELECT id FROM mal.lists WHERE a = '{1}'}, 'could run function mal.quiet' ],
	[ q{CREATE FUNCTION public.new() RETURNS bigint LANGUAGE sql AS $f$ SELECT count(*) FROM mal.lists WHERE a = '{1}' $f$}, 'could run function mal.quiet' ],
	# as the owner of the table
	[ q{CREATE POLICY new ON mal.lists USING (a = '{1}')}, '' ],
	[ q{CREATE STATISTICS public.new ON (a = '{1}'), id FROM mal.lists}, 'could run function mal.quiet' ],
	[ q{CREATE RULE new AS ON DELETE TO mal.lists WHERE old.a = '{1}' DO ALSO NOTHING}, '' ],
	[ 'REFRESH MATERIALIZED VIEW public.stored', 'could run function mal.quiet' ],
	[ 'ALTER TYPE public.row_type ALTER ATTRIBUTE a TYPE bigint CASCADE', 'could run function mal.quiet' ],
	(map { [ $_, 'could run function mal.quiet' ] } (
		q{CREATE VIEW public.new AS SELECT mal.takes('{1}')},
		q{CREATE VIEW public.new AS SELECT 1 OPERATOR(mal.===) '{1}' AS x},
		q{CREATE VIEW public.new AS SELECT * FROM mal.gives() WHERE d = '{1}'},
		q{CREATE MATERIALIZED VIEW public.new AS SELECT mal.takes('{1}') WITH NO DATA},
		q{CREATE FUNCTION public.new(x mal.checked[]) RETURNS boolean LANGUAGE sql AS $f$ SELECT x = '{1}' $f$},
		q{CREATE FUNCTION public.new(x mal.checked[]) RETURNS boolean LANGUAGE sql BEGIN ATOMIC SELECT x = '{1}'; END},
		q{CREATE FUNCTION public.new() RETURNS boolean LANGUAGE sql RETURN mal.takes('{1}')},
		q{CREATE FUNCTION public.new(x mal.checked[] DEFAULT '{1}') RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN 1; END $f$},
		q{CREATE TABLE public.new (a int, CHECK (mal.takes('{1}')))},
		q{CREATE TABLE public.new (a int DEFAULT 1 CHECK (a OPERATOR(mal.===) '{1}'))},
		q{CREATE STATISTICS public.new ON (mal.takes('{1}')), id FROM public.below},
		q{CREATE POLICY new ON public.below USING (mal.takes('{1}'))},
		q{CREATE RULE new AS ON UPDATE TO public.below WHERE mal.takes('{1}') DO ALSO NOTHING},
		q{CREATE DOMAIN public.new AS int CHECK (mal.takes('{1}'))},
		q{CREATE PUBLICATION new FOR TABLE public.below WHERE (mal.takes('{1}'))},
		'CREATE INDEX ON public.below ((id + mal.quiet(1)))',
		'CREATE INDEX ON public.below (id) WHERE id > mal.quiet(1)',
		'CREATE TABLE public.new (a int) PARTITION BY RANGE ((a + mal.quiet(1)))',
		'CREATE TABLE public.new PARTITION OF public.split FOR VALUES IN (mal.quiet(1))',
		'CREATE TABLE public.new (a int, g int GENERATED ALWAYS AS (a + mal.quiet(1)) STORED)',
		'CREATE TABLE public.new (a int, EXCLUDE USING btree ((a + mal.quiet(1)) WITH =) WHERE (a > mal.quiet(1)))',
		'ALTER TABLE public.below ADD EXCLUDE USING btree ((id + mal.quiet(1)) WITH =)',
		'CREATE SCHEMA more CREATE TABLE new (a int, g int GENERATED ALWAYS AS (a + mal.quiet(1)) STORED)',
		'CREATE SCHEMA more CREATE TABLE new (a int) CREATE INDEX ON new ((a + mal.quiet(1)))')),)
{
	my ($statement, $why) = @$_;
	my $before = $seen->();

	$n++;
	$caller->query("SELECT sg_plan_create('kind $n'); SELECT sg_plan_add_statement('kind $n', " . lit($statement) . ')');
	is($caller->sqlstate, '', "$statement: it can be planned") or diag($caller->{err});
	$caller->query("CALL sg_apply('kind $n')");
	like($caller->{err}, $why ? qr/left alone: .*\Q$why\E/ : qr/1 validated/, "$statement: " . ($why || 'it is done'));
	is($seen->(), $before, "$statement: none of her code runs as anybody else");
}
foreach my $statement ('DECLARE c CURSOR WITH HOLD FOR SELECT * FROM mal.indexed', 'FETCH c', 'IMPORT FOREIGN SCHEMA s FROM SERVER s INTO public')
{
	$caller->query("SELECT sg_plan_create('kind x', replace => true); SELECT sg_plan_add_statement('kind x', " . lit($statement) . ')');
	is($caller->sqlstate, '0A000', "$statement: nobody could look at what it does");
}

# ---- a schema in the place of another, while a statement's look waits for a second table of it

query(q{
	GRANT CREATE ON DATABASE postgres TO mallory;
	SET SESSION AUTHORIZATION mallory;
	CREATE SCHEMA swapped;
	CREATE TABLE swapped.s (id int, a int);
	CREATE TABLE swapped.p (id int);
	INSERT INTO swapped.s VALUES (1, 1);
	RESET SESSION AUTHORIZATION;
	SELECT sg_plan_create('swapped'), sg_plan_add_statement('swapped', 'UPDATE swapped.s SET a = 2 WHERE NOT EXISTS (SELECT FROM swapped.p)');
});
$holder->query('BEGIN; LOCK TABLE swapped.p IN ACCESS EXCLUSIVE MODE');
$caller->send(q{CALL sg_apply('swapped')});
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks l JOIN pg_locks w USING (pid) WHERE l.granted AND l.relation = 'swapped.s'::regclass AND NOT w.granted}) eq '1' }),
	'a schema: the look waits');
$mallory->query($_) foreach 'ALTER SCHEMA swapped RENAME TO away', 'CREATE SCHEMA swapped', 'CREATE TABLE swapped.s (id int, a int)', 'CREATE TABLE swapped.p (id int)',
	'INSERT INTO swapped.s VALUES (1, 1)', 'CREATE TRIGGER t BEFORE UPDATE ON swapped.s FOR EACH ROW EXECUTE FUNCTION mal.see()';
is($mallory->sqlstate, '', 'a schema: another takes its place');
$holder->query('COMMIT');
$caller->collect;
is(query("SELECT string_agg(DISTINCT who, ' ') FROM witness"), 'mallory', 'a schema: what the names lead to by then is looked at, and changed as its owner');
is(query("SELECT count(*) FROM witness WHERE who <> 'mallory'"), '0', 'a schema: none of her code runs as anybody else');

# the same of a table that is attached, whose CHECK is evaluated
query(q{
	CREATE TABLE parent (id int) PARTITION BY RANGE (id);
	SET SESSION AUTHORIZATION mallory;
	CREATE SCHEMA attached;
	CREATE TABLE attached.part (id int);
	RESET SESSION AUTHORIZATION;
	SELECT sg_plan_create('attached'), sg_plan_add_statement('attached', 'ALTER TABLE public.parent ATTACH PARTITION attached.part FOR VALUES FROM (1) TO (9)');
});
$holder->query('BEGIN; LOCK TABLE attached.part IN ACCESS EXCLUSIVE MODE');
$caller->send(q{CALL sg_apply('attached')});
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks l JOIN pg_locks w USING (pid) WHERE l.granted AND l.relation = 'public.parent'::regclass AND NOT w.granted}) eq '1' }),
	'a partition: the look waits');
$mallory->query($_) foreach 'ALTER SCHEMA attached RENAME TO attached_away', 'CREATE SCHEMA attached', 'CREATE TABLE attached.part (id int CHECK (mal.see(1) > 0))';
is($mallory->sqlstate, '', 'a partition: another takes its place');
$holder->query('COMMIT');
$caller->collect;
like($caller->{err}, qr/left alone: .*could run/, 'a partition: what the names lead to by then is looked at');
is(query("SELECT count(*) FROM witness WHERE who <> 'mallory'"), '0', 'a partition: none of her code runs as anybody else');

# a batch that holds rows of the table keeps the name of its schema
query(q{SELECT sg_plan_create('kept'), sg_plan_add_statement('kept', 'UPDATE away.s SET a = 2')});
$holder->query('BEGIN; SELECT FROM away.s FOR UPDATE');
$caller->send(q{CALL sg_apply('kept')});
ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks l JOIN pg_locks w USING (pid) WHERE l.granted AND l.relation = 'away.s'::regclass AND l.mode = 'ShareUpdateExclusiveLock' AND NOT w.granted}) eq '1' }),
	'a schema: a deed waits for a row');
$mallory->query('ALTER SCHEMA away RENAME TO further');
is($mallory->sqlstate, '55P03', 'a schema: it keeps its name meanwhile');
$mallory->query('GRANT USAGE ON SCHEMA away TO PUBLIC');
is($mallory->sqlstate, '', 'a schema: a grant on it does not wait');
$holder->query('COMMIT');
$caller->collect;
is(query('SELECT a FROM away.s'), '2', 'a schema: the statement is done');
$mallory->query('ALTER SCHEMA away RENAME TO further');
is($mallory->sqlstate, '', 'a schema: its name is free again');

# ---- fix, and rows that come back: a batch waits for the quarantine

query(q{
	SELECT sg_plan_create('fix');
	SELECT sg_plan_add_fk('fix', 'mal.orphan', '{p}', 'mal.p', index => false, fk_name => 'fixed');
	SELECT sg_plan_set('fix', '{1}', '{"orphans": "quarantine"}');
});
query(q{CALL sg_add_fks('fix', validate => false)});
$holder->query('BEGIN; LOCK TABLE schemaguard.quarantine IN SHARE MODE');
held('fix', q{CALL sg_fix_orphans('fix')}, 'COMMIT', 'mal.orphan', 'mal.p');
is(query('SELECT count(*) FROM mal.orphan'), '1', 'fix: the orphan is gone');
query('ALTER TABLE mal.orphan DROP CONSTRAINT fixed');
$holder->query('BEGIN; LOCK TABLE schemaguard.quarantine IN SHARE MODE');
held('restore', q{CALL sg_restore_quarantine('fix')}, 'COMMIT', 'mal.orphan');
is(query('SELECT count(*) FROM mal.orphan'), '2', 'restore: the row is back');

# ---- backfill: a trigger would keep the name of another's table, in whose place that role could put a view

query(q{
	SELECT sg_plan_create('backfill');
	SELECT sg_plan_add_fk('backfill', 'filled', '{p}', 'mal.p', index => false);
	SELECT sg_plan_set('backfill', '{1}', '{"backfill": "(SELECT p.id FROM mal.p AS p WHERE p.name = title)"}');
	ALTER TABLE filled ADD p int;
});
like(($node->psql('postgres', q{CALL sg_add_fks('backfill', fail => false)}))[2], qr/in the place of table mal\.p/, "backfill: no trigger keeps the name of another's table");
is(query('SELECT count(p) FROM filled'), '0', 'backfill: nothing is filled');

# ---- verify: an attempt waits for the parent's row

query(q{
	SELECT sg_plan_create('verify');
	SELECT sg_plan_add_fk('verify', 'mal.c', '{p}', 'mal.p', index => false, fk_name => 'c_p', on_delete => 'cascade');
});
$holder->query('BEGIN; SELECT FROM mal.p FOR UPDATE');
held('verify', q{SELECT test, result FROM sg_verify_fks_details('verify', live => true) WHERE test ~ 'valid'}, 'COMMIT', 'mal.c', 'mal.p');

# ---- VALIDATE: workers share the parent, so an index may come to it after the look; nobody plans the server's query

# ... also as the owner of the child, restricted, because of that owner's type
query(q{
	CREATE TABLE keyed (id int PRIMARY KEY, p int);
	INSERT INTO keyed VALUES (1, 1);
	CREATE ROLE carl;
	CREATE SCHEMA car AUTHORIZATION carl;
	GRANT USAGE ON SCHEMA mal TO carl;
	GRANT SELECT, REFERENCES ON mal.p TO carl;
	SET ROLE carl;
	CREATE DOMAIN car.number AS int;
	CREATE TABLE car.keyed (id int PRIMARY KEY, p car.number);
	INSERT INTO car.keyed VALUES (1, 1);
	RESET ROLE;
	CREATE FUNCTION hold() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(71); END $$;
});
foreach my $child ('public.keyed', 'car.keyed')
{
	query(qq{
		SELECT sg_plan_create('validate $child');
		SELECT sg_plan_add_fk('validate $child', '$child', '{p}', 'mal.p', index => false, fk_name => 'late', orphans => 'leave');
	});
	query(qq{CALL sg_add_fks('validate $child', validate => false)});
	query(q{CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION hold()});
	$holder->query('SELECT pg_advisory_lock(71)');
	$caller->send(qq{CALL sg_add_fks('validate $child')});
	wait_for(sub { query("SELECT wait_event_type || wait_event FROM pg_stat_activity WHERE pid = $caller->{pid}") eq 'Lockadvisory' });
	$mallory->query('CREATE INDEX late ON mal.p ((mal.quiet(1) + id)); CREATE STATISTICS mal.late ON (mal.quiet(1) + id), id FROM mal.p');
	is($mallory->sqlstate, '', "validate $child: an index and statistics come to the parent");
	$holder->query('SELECT pg_advisory_unlock(71)');
	$caller->collect;
	query('DROP EVENT TRIGGER hold; DROP INDEX mal.late; DROP STATISTICS mal.late');
	is(query("SELECT convalidated FROM pg_constraint WHERE conname = 'late' AND conrelid = '$child'::regclass"), 't', "validate $child: the key is valid then") or diag($caller->{err});
}

# ---- locks are had by the right to what the deed does: INSERT holds up no VACUUM, and no right at all nothing

query(qq{
	CREATE ROLE ina LOGIN;
	SELECT sg_grant('ina');
	GRANT SELECT, UPDATE ON pause TO ina;
	GRANT USAGE ON SCHEMA mal TO ina;
	CREATE SCHEMA ina AUTHORIZATION ina;
	SET SESSION AUTHORIZATION mallory;
	CREATE TABLE mal.diary (id int, a int);
	CREATE TABLE mal.other (id int PRIMARY KEY);
	CREATE TABLE mal.other_kid (id int REFERENCES mal.other ON DELETE CASCADE);
	GRANT INSERT (id) ON mal.diary TO ina;
	GRANT INSERT ON mal.part TO ina;
	SET SESSION AUTHORIZATION ina;
	SELECT sg_plan_create('insert'), sg_plan_add_statement('insert', '$wait; INSERT INTO mal.diary (id) VALUES (1)');
	SELECT sg_plan_create('route'), sg_plan_add_statement('route', 'INSERT INTO mal.part VALUES (2, 2)');
	SELECT sg_plan_create('nothing 1'), sg_plan_add_statement('nothing 1', '$wait; DELETE FROM mal.other'),
		sg_plan_create('nothing 2'), sg_plan_add_statement('nothing 2', '$wait; CREATE TABLE ina.heir () INHERITS (mal.other)'),
		sg_plan_create('nothing 3'), sg_plan_add_statement('nothing 3', '$wait; ALTER TABLE mal.other ALTER id SET STATISTICS 10, VALIDATE CONSTRAINT other_pkey');
});

sub modes
{
	my ($table) = @_;
	return query("SELECT string_agg(DISTINCT mode, ' ' ORDER BY mode) FROM pg_locks WHERE pid = $caller->{pid} AND relation = '$table'::regclass");
}
sub waits { return query("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $caller->{pid}") eq 't'; }

$caller->query('SET SESSION AUTHORIZATION ina');
$holder->query('BEGIN; SELECT FROM pause FOR UPDATE');
$caller->send(q{CALL sg_apply('insert')});
wait_for(\&waits);
unlike(modes('mal.diary'), qr/Share(Update|Row)|(^| )Exclusive|AccessExclusive/, 'INSERT on a column: no lock but what INSERT takes anyway');
$mallory->query('VACUUM mal.diary');
is($mallory->sqlstate, '', 'INSERT on a column: VACUUM does not wait');
is(got_in('mal.diary'), 'STATISTICS ', 'INSERT on a column: nothing but statistics come in');
$holder->query('COMMIT');
$caller->collect;
is(query('SELECT count(*) FROM mal.diary'), '1', 'INSERT on a column: the row is there') or diag($caller->{err});
$caller->query(q{CALL sg_apply('route')});
like($caller->{err}, qr/role ina may not keep partitions away from table mal\.part/, 'INSERT into a partitioned table: its owner could attach one with a trigger');
is(query('SELECT count(*) FROM mal.part WHERE id = 2'), '0', 'so no row goes there');
foreach my $n (1 .. 3)
{
	$holder->query('BEGIN; SELECT FROM pause FOR UPDATE');
	$caller->send(qq{CALL sg_apply('nothing $n')});
	my $state = '';
	wait_for(sub { ($state = query("SELECT CASE WHEN wait_event_type = 'Lock' THEN 'waits' ELSE state END FROM pg_stat_activity WHERE pid = $caller->{pid}")) ne 'active' });
	is($state, 'waits', "no right, $n: the call is held up") or diag($caller->{err});
	# PostgreSQL takes ROW EXCLUSIVE before it asks for rights
	unlike(modes($_), qr/Share(Update|Row)|(^| )Exclusive|AccessExclusive/, "no right, $n: no lock on $_ that holds up others") foreach 'mal.other', 'mal.other_kid';
	$holder->query('COMMIT');
	$caller->collect;
}

# rows that come back by INSERT, while the table's owner keeps others of that mode away
query(q{GRANT mallory TO ina; SET ROLE ina; SELECT sg_plan_create('back');
	SELECT sg_plan_add_fk('back', 'mal.orphan', '{p}', 'mal.p', index => false, fk_name => 'fixed', orphans => 'quarantine')});
$caller->query(q{CALL sg_add_fks('back', fix => true)});
query(q{ALTER TABLE mal.orphan DROP CONSTRAINT fixed; REVOKE mallory FROM ina; GRANT INSERT, SELECT ON mal.orphan TO ina});
my $left = query('SELECT count(*) FROM mal.orphan');
$mallory->query('BEGIN; LOCK TABLE mal.orphan IN SHARE UPDATE EXCLUSIVE MODE');
$caller->query(q{SET schemaguard.lock_attempts = 1; CALL sg_restore_quarantine('back')});
is(query('SELECT count(*) FROM mal.orphan'), $left + 1, 'INSERT: restoring rows asks for no lock but what INSERT takes anyway') or diag($caller->{err});
$mallory->query('ROLLBACK');
$caller->query('RESET SESSION AUTHORIZATION');

is(query("SELECT string_agg(DISTINCT who, ' ') FROM witness WHERE who <> 'mallory'"), '', 'no code of hers has run as anybody else');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/WITNESS/, 'nor while a query was planned');

$_->quit for $caller, $holder, $mallory;
done_testing();
