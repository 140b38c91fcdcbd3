# 107_listings.pl: what people list fits a screen of 120 columns, without its last column, however long names are.
#
#   - each function of the reference that returns rows of columns, found in the catalog, is measured in a shop of our own, in one whose names all
#     have 20 characters, and in two real schemas where ../shared/corpus is; a function without a call here, or an excuse, fails
#   - at most 8 columns; texts are cut at 40 characters, but for a last column of sentences or whole rows, which may go on,
#     and a sentence of sg_status
#   - details have all that the listing has, as many rows, and nothing that is cut
#   - a listing is put in place of its call: no CONTEXT, a cancel ends it, conditions reach the details
#
# rooms: base report
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('listings', without => 1);
my $corpus = $ENV{CORPUS} || "$FindBin::RealBin/../../../shared/corpus";

# Calls for each function, of tables and a column of them that the database has
my %calls = (
	sg_status => ['()'],
	sg_orphan_audit => [ '()', q{(plan => 'p')}, '(inferred => true)' ],
	sg_plan_check => [ q{('p')}, q{('p', everything => true)} ],
	sg_plan_referencing => [q{('p')}],
	sg_discover_fks => [ '()', '(min_score => 0)' ],
	sg_drift => [ q{('base')}, q{('base', cosmetic => true)}, q{('live', 'base')} ],
	sg_compare_fks => [ q{('base')}, q{('base', everything => true)} ],
	sg_verify_fks => [ '()', q{('p')}, '(live => true)' ],
	sg_rule_audit => [q{('%1$s')}],
	sg_rule_violations => [q{('%1$s', 'not null', 'extra')}],
	sg_tenant_audit => [q{('%2$s')}],
	sg_sync_check => [q{('base')}],
	'schemaguard.sg_discover_unmatched' => ['()'],
	sg_snapshot_objects => [ q{('base')}, q{('live')} ],
	sg_drift_matrix => [q{('{base,live}')}],
	sg_manual_changes => [q{()}],
	sg_lookup_drift => [q{('base')}],
	sg_lint => ['()'],
	sg_lint_sql => [q{('ALTER TABLE %1$s ADD extra_too int UNIQUE; CREATE INDEX CONCURRENTLY ON %1$s (extra); DROP TABLE %2$s')}],
	sg_promotion_status => ['()'],
	sg_promotion_check => [q{('nowhere to here 1')}],
	sg_watch => [ '()', q{('p')} ],
	sg_impact => [ q{('%1$s')}, q{('%1$s', true)} ],
	sg_violations => [q{('p', (SELECT max(step) FROM schemaguard.plan_step))}],
	sg_orphans => [q{('%1$s', '{extra}', '%1$s', '{%3$s}')}],
	sg_fk_orphans => [q{('%1$s', 'extra_fkey')}]);
my %excused = (
	sg_plan_explain => 'sentences',
	sg_measure_overhead => 'figures for a spreadsheet',
	sg_own_publications => 'statements',
	sg_schema_doc => 'files',
	sg_sync_files => 'files',
	sg_migration_history => 'names of files',
	sg_go_figures => 'what a report prints, with how and when each was read',
	sg_go_rules => 'what a report prints, with how and when each was read');
# Of schema schemaguard, those that the reference has
my $documented = join '|', map { slurp_file($_) =~ /^### schemaguard\.(sg_\w+)$/mg } glob "$FindBin::RealBin/../../docs/reference-*.md";

# The last column where it has more to say than a screen is wide
my $goes_on = qr/^(?:reason|why|hint|fix|next_call|on_change|data|states|file|safe_form)$/;

# Returns the width of what psql prints, without the last column; and the cells that are too long
sub measure
{
	my ($db, $call) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XqA', '-P', 'footer=off', '-F', "\x1f", '-R', "\x1e", '-d', $node->connstr($db), '-c', "SELECT * FROM $call" ], '>', \$out, '2>', \$err)
	  or die "$call: $err";
	chomp $out;
	my ($head, @rows) = map { [ split /\x1f/, $_, -1 ] } split /\x1e/, $out;
	my ($width, @long) = (3 * $#$head - 1);
	foreach my $n (0 .. $#$head)
	{
		my $most = length $head->[$n];
		foreach my $cell ($n < $#$head || $head->[$n] !~ $goes_on ? map { $_->[$n] } @rows : ())
		{
			my $length = length $cell;
			push @long, "$head->[$n]: $cell" if $length > ($head->[$n] eq 'summary' ? 60 : 40) || $cell =~ /\n/;
			$most = $length if $length > $most;
		}
		$width += $most if $n < $#$head;
	}
	return ($width, scalar(@$head), scalar(@rows), @long);
}

# Measures each function in a database where $table has a column $key
sub check_database
{
	my ($db, $table, $column, $key) = @_;
	my $q = $node->safe_psql($db, "SELECT '$table'::regclass::text");

	$node->safe_psql($db, qq{
		SET client_min_messages = error;
		ALTER TABLE $q ADD extra int, ADD mended text NOT NULL DEFAULT 'a default that is longer than what a column of a listing shows';
		SELECT sg_capture_ddl(true);
		SELECT sg_snapshot_take('base');
		SELECT sg_plan_create('p'), sg_plan_from_discovery('p', 0.4), sg_plan_add_fk('p', '$q', '{extra}', '$q', '{$key}'), sg_watch_start('p');
		SELECT sg_plan_add_not_null('p', '$q', 'extra');
		ALTER TABLE $q ALTER mended SET DEFAULT 'another default that is longer than what a column of a listing shows', ALTER extra TYPE bigint;
		ALTER TABLE $q ADD CONSTRAINT extra_fkey FOREIGN KEY (extra) REFERENCES $q ($key) NOT VALID, ADD CONSTRAINT extra_check CHECK (extra > 0) NOT VALID;
		INSERT INTO schemaguard.environment (name, server, stage, next) VALUES ('nowhere', 'x', 'test', 'here'), ('here', NULL, 'production', NULL);
		SELECT sg_promote('nowhere', 'here', 'base')});
	foreach my $function (map { $_->[0] } rows($node, qq{SELECT CASE WHEN p.pronamespace <> e.extnamespace THEN 'schemaguard.' ELSE '' END || p.proname
		FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'schemaguard'
		WHERE (p.pronamespace = e.extnamespace OR p.proname ~ '^($documented)\$') AND p.proretset AND p.proargmodes IS NOT NULL AND p.proname !~ '_details\$' ORDER BY 1}, dbname => $db))
	{
		next if $excused{ $function =~ s/^schemaguard\.//r };
		fail("$function: a listing that is not measured"), next if !$calls{$function};
		foreach my $arguments (@{ $calls{$function} })
		{
			my $call = $function . sprintf $arguments, $table, $column, $key;
			my ($width, $columns, $rows, @long) = measure($db, $call);

			ok($width <= 120 && $columns <= 8 && !@long, "$db: $call: $width wide, $columns columns, $rows rows") or diag("width $width, columns $columns\n", join "\n", @long);
		}
	}
}

$node->safe_psql('postgres', 'CREATE DATABASE shop');
run_log([ 'psql', '-X', '-q', '-w', '-d', $node->connstr('shop'), '-f', "$FindBin::RealBin/../../docs/shop.sql" ]) or BAIL_OUT('docs/shop.sql');
check_database('shop', 'orders', 'customer_id', 'id');
my $details = q{SELECT DISTINCT replace(proname, '_details', '') FROM pg_proc WHERE proname ~ '^sg_.*_details$' ORDER BY 1};
is(join(' ', grep { !$calls{$_} && !$excused{$_} } map { $_->[0] } rows($node, $details, dbname => 'shop')), '', 'details belong to a listing');

# Names of 20 characters
$node->safe_psql('postgres', 'CREATE DATABASE twenty');
$node->safe_psql('twenty', q{
	SET client_min_messages = error;
	CREATE EXTENSION schemaguard;
	CREATE TABLE customers_of_a_shop_ (customer_identifier_ int CONSTRAINT customers_of_shop_pk PRIMARY KEY, name_of_the_customer text);
	CREATE TABLE orders_of_customers_ (order_of_a_customer_ int CONSTRAINT orders_of_shops_pkey PRIMARY KEY, customer_identifier_ int, other_customer_of_it int,
		CONSTRAINT orders_other_one_key FOREIGN KEY (other_customer_of_it) REFERENCES customers_of_a_shop_);
	INSERT INTO customers_of_a_shop_ SELECT g, 'x' FROM generate_series(1, 500) g;
	INSERT INTO orders_of_customers_ SELECT g, 1 + g % 510, 1 + g % 500 FROM generate_series(1, 2000) g;
	SET session_replication_role = replica;
	UPDATE orders_of_customers_ SET other_customer_of_it = 1000000 WHERE order_of_a_customer_ < 4});
check_database('twenty', 'orders_of_customers_', 'customer_identifier_', 'order_of_a_customer_');

# Texts that are longer than a listing shows
$node->safe_psql('shop', 'CREATE TABLE ' . 'long_' x 12 . 'c (p int CONSTRAINT ' . 'key_' x 15 . ' REFERENCES products)');
is($node->safe_psql('shop', q{SELECT max(length(fk_name)), max(length(child_table)) FROM sg_orphan_audit()}), '22|21', 'names are cut');
is($node->safe_psql('shop', q{SELECT max(length(fk_name::text)) > 40, max(length(child_table)) > 40, count(*) = (SELECT count(*) FROM sg_orphan_audit()) FROM sg_orphan_audit_details()}), 't|t|t',
	'but not in the details, which have as many rows');
$node->safe_psql('shop', 'ALTER TABLE ' . 'long_' x 12 . 'c ADD q int CONSTRAINT ' . 'key_' x 14 . 'q REFERENCES products');
is($node->safe_psql('shop', q{SELECT count(DISTINCT object), max(length(object)), max(length(message)) <= 30 FROM sg_lint() WHERE rule = 'key-without-index' AND object LIKE 'public.long_%'}), '2|38|t',
	'keys of one table are told apart by their ends');
is($node->safe_psql('shop', q{SELECT schemaguard.sg_cut(repeat('x', 40)) = repeat('x', 40), schemaguard.sg_cut(repeat('x', 41)) = repeat('x', 37) || '...', schemaguard.sg_cut(E'a\nb\tc'),
	schemaguard.sg_cut(NULL) IS NULL, schemaguard.sg_cut('', 3), schemaguard.sg_cut('events_2024_01_eu events_2024_02_eu', 20, 8)}), 't|t|a b c|t||events_20...24_02_eu', 'how a text is cut');
is($node->safe_psql('shop', q{SELECT count(*) FILTER (WHERE step = 0 AND check_name = 'summary'), count(*) FILTER (WHERE result = 'ok'), (SELECT result FROM sg_plan_check('p') LIMIT 1) FROM sg_plan_check('p')}),
	'1|0|block', 'a check lists what is not ok, below its sum');
is($node->safe_psql('shop', q{SELECT count(*) FROM sg_plan_check('p', everything => true)}), $node->safe_psql('shop', q{SELECT count(*) + 1 FROM sg_plan_check_details('p')}), 'or everything');
is($node->safe_psql('shop', q{SELECT detail FROM sg_plan_check('p') LIMIT 1}),
	$node->safe_psql('shop', q{SELECT format('%s of %s checks are ok, steps: %s', count(*) FILTER (WHERE result = 'ok'), count(*), (SELECT count(*) FROM schemaguard.plan_step)) FROM sg_plan_check_details('p')}),
	'with how many there are');

# Each is put in place of its call: an error of it has no CONTEXT, and a condition is on the details
my %other = (sg_drift => q{('none')}, sg_compare_fks => q{('none')}, sg_plan_check => q{('none')}, sg_verify_fks => q{('none')}, sg_impact => q{('none')}, sg_snapshot_objects => q{('none')},
	sg_sync_check => q{('none')}, sg_tenant_audit => q{('none')}, sg_orphan_audit => q{('none')}, sg_discover_fks => q{(verify => 'none of these')}, sg_rule_audit => q{('orders', 'none')},
	sg_lint => q{('{none}')}, sg_lint_sql => '(NULL)');
foreach my $function (map { $_->[0] } rows($node, $details, dbname => 'shop'))
{
	my $state = error_of($node, "SELECT * FROM $function$other{$function}", dbname => 'shop');

	ok($state ne '' && $SgTest::message !~ /SQL function "$function"/, "$function: an error has no CONTEXT of the listing") or diag($SgTest::message);
}
like($node->safe_psql('shop', q{EXPLAIN (COSTS OFF) SELECT * FROM sg_orphan_audit('orders') WHERE result = 'fail'}), qr/\bFunction Scan on sg_orphan_audit_details d\n +Filter: \(result = 'fail'::text\)$/,
	'a condition reaches the details');
is($node->safe_psql('shop', q{SELECT count(*) > 1 FROM sg_orphan_audit(schemas => (SELECT ARRAY['public'])); BEGIN READ ONLY; SELECT count(*) > 1 FROM (SELECT sg_orphan_audit()) x; COMMIT}), "t\nt",
	'a listing whose arguments are asked for, and one that is no table, work as well');

# What is not well comes first
$node->safe_psql('shop', q{CREATE TABLE bad (a int CONSTRAINT a_holds REFERENCES products, b int CONSTRAINT b_fails REFERENCES products);
	SET session_replication_role = replica; INSERT INTO bad VALUES (1, 1000000)});
is($node->safe_psql('shop', q{SELECT fk_name, result FROM sg_orphan_audit('bad')}), "b_fails|fail\na_holds|pass", 'an audit begins with what fails');
is($node->safe_psql('shop', q{SELECT string_agg(result, ',' ORDER BY n) = string_agg(result, ',' ORDER BY array_position('{fail,unknown,skipped,pass}', result)), count(DISTINCT result) > 1
	FROM sg_verify_fks() WITH ORDINALITY v (result, child_table, fk_name, test, expected, observed, reason, n)}), 't|t', 'and so does a proof');
is_error($node, q{CREATE ROLE nobody; REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sg FROM PUBLIC; GRANT EXECUTE ON FUNCTION sg.sg_orphan_audit TO nobody; SET ROLE nobody; SELECT * FROM sg.sg_orphan_audit()},
	'42501', qr/permission denied for function sg_orphan_audit_details/, 'who may not call the details may not call the listing', dbname => 'shop');

SKIP:
{
	skip "no corpus in $corpus", 1 if !-e "$corpus/load_facts.sh";
	local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
	foreach ([ 'chinook', 'track', 'genre_id', 'track_id' ], [ 'pagila', 'film', 'language_id', 'film_id' ])
	{
		my ($name, @rest) = @$_;

		is(system("bash '$corpus/load_facts.sh' '$corpus/$name' $name > /dev/null 2>&1"), 0, "$name is loaded");
		$node->safe_psql($name, 'SET client_min_messages = error; CREATE EXTENSION schemaguard; DROP SCHEMA IF EXISTS _f CASCADE');
		check_database($name, @rest);
	}
}

$node->stop;
done_testing();
