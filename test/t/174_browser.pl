# 174_browser.pl: the pages of sg_report(), sg_schema_doc() and sg_dashboard() in a real browser: Debian's chromium, where it is there.
#
#   - each asks for nothing, says nothing to the console, and runs nothing of what names and comments hold
#   - it fits a telephone, has its own colours in the dark, and on paper no search
#   - search, sorting and links, by the keyboard alone
#   - axe-core finds no violation: the file of SG_AXE, else fetched by npm, unless SG_NO_INSTALL is set
#
# rooms: report
# majors: one (a browser's, of the same pages)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgBrowser;
use SgTest;

plan skip_all => 'there is no chromium here: apt-get install chromium' unless SgBrowser::program();
my $folder = PostgreSQL::Test::Utils::tempdir();
my $browser = SgBrowser->new($folder) or plan skip_all => 'chromium does not start: ' . slurp_file("$folder/browser.log");

my $node = new_node('browser');
my $evil = q{<script>planted=1</script><img src=//x/y>};
$node->safe_psql('postgres', qq{
	CREATE TABLE customers (id int PRIMARY KEY);
	CREATE TABLE orders (id int PRIMARY KEY, customer_id int);
	CREATE TABLE "</td>$evil" (id int REFERENCES customers);
	COMMENT ON TABLE orders IS '$evil';
	INSERT INTO orders SELECT g, g FROM generate_series(1, 30) g;
	INSERT INTO customers SELECT generate_series(1, 10);
	SELECT sg_snapshot_take('</bdi>$evil');
	SELECT sg_plan_create('shop', '$evil');
	SELECT sg_plan_add_fk('shop', 'orders', 'customer_id', 'customers', orphans => 'leave');
	SELECT sg_plan_create('" onload="planted=3');
	CALL sg_apply('shop');
	SELECT schemaguard.sg_stats_take();
	ALTER TABLE orders ADD extra text;
	SELECT sg_drift_check('</bdi>$evil');
	CALL sg_audit_gate(fail => false);
	CALL sg_lint_gate()});
$node->safe_psql('postgres', "CREATE TABLE t_$_ (id int PRIMARY KEY, c int REFERENCES customers)") foreach 2 .. 12;
$node->safe_psql('postgres', "SELECT sg_plan_create('p$_')") foreach 1 .. 10;

my %page = (
	report => $node->safe_psql('postgres', q{SELECT sg_report('shop', 'html')}),
	checklist => $node->safe_psql('postgres', q{SELECT sg_report('shop', 'html', 'checklist')}),
	schema_doc => $node->safe_psql('postgres', q{SELECT content FROM sg_schema_doc(format => 'html', figures => true, findings => true)}),
	dashboard => $node->safe_psql('postgres', 'SELECT sg_dashboard()'));

my $axe = $ENV{SG_AXE} // '';
if (!$axe && !$ENV{SG_NO_INSTALL} && system("cd '$folder' && timeout 60 npm pack --silent axe-core\@4 > npm.log 2>&1 && tar xzf axe-core-*.tgz package/axe.min.js") == 0)
{
	$axe = "$folder/package/axe.min.js";
}

# What is of each page
foreach my $name (sort keys %page)
{
	$browser->look(1200);
	$browser->open($page{$name});
	is($browser->js('document.querySelectorAll("main h2").length > 1 && document.title !== ""'), 1, "$name: it is there");
	is("@{ $browser->{asked} }", '', "$name: it asks for nothing");
	is("@{ $browser->{said} }", '', "$name: it says nothing");
	is($browser->js('typeof planted + document.images.length'), 'undefined0', "$name: names are inert");
	is($browser->js('[...document.links].filter(a => !a.hash || !document.getElementById(a.hash.slice(1))).length'), 0, "$name: each link leads somewhere on the page");
	is($browser->js('new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size === document.querySelectorAll("[id]").length'), 1, "$name: no id is there twice");
	my $light = $browser->js('getComputedStyle(document.querySelector("th")).backgroundColor + getComputedStyle(document.body).color');

	$browser->look(1200, '', 'prefers-color-scheme' => 'dark');
	isnt($browser->js('getComputedStyle(document.querySelector("th")).backgroundColor + getComputedStyle(document.body).color'), $light, "$name: the dark has other colours");
	is(violations(), '', "$name: axe-core finds nothing in the dark") if $axe;
	$browser->look(375);
	cmp_ok($browser->js('document.documentElement.scrollWidth'), '<=', 375, "$name: it is as wide as a telephone");
	is(violations(), '', "$name: axe-core finds nothing") if $axe;
	$browser->look(1200, 'print');
	is($browser->js('[...document.querySelectorAll("[role=search]")].filter(e => getComputedStyle(e).display !== "none").length'), 0, "$name: on paper there is no search");
}
SKIP: { skip 'axe-core is not here: set SG_AXE, or let npm fetch it', 2 * keys %page unless $axe; }

sub violations
{
	$browser->js(slurp_file($axe) . '; 1');
	return $browser->js('axe.run().then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html + " " + n.any.map(a => a.message)).join("; ")).join("\n"))');
}

# As many headings of sections as are shown
my $shown = q{[...document.querySelectorAll("section")].filter(s => !s.hidden && s.offsetHeight > 0).map(s => s.querySelector("h2,h3,h4").textContent)};
my $focus = 'document.activeElement.tagName + " " + document.activeElement.textContent';
my $told = 'document.querySelector("output").textContent';

# Cells of the first column of a table that has the heading, and how it is sorted
sub column { my ($title, $n) = @_; return "[...[...document.querySelectorAll('h2')].find(h => h.textContent === '$title').closest('section').querySelectorAll('tbody tr')].filter(r => !r.hidden).map(r => r.cells[$n].textContent).join(' ')"; }

sub heading { my ($title, $n) = @_; return "[...document.querySelectorAll('h2')].find(h => h.textContent === '$title').closest('section').querySelectorAll('th')[$n]"; }

# The report runs nothing
$browser->look(1200);
$browser->open($page{report});
is($browser->js('document.scripts.length + document.querySelectorAll("button,input").length'), 0, 'the report has no script');

# Documentation: sections of tables
$browser->open($page{schema_doc});
is($browser->js($told), '14 of 14', 'all tables are shown');
$browser->key('/');
is($browser->js('document.activeElement.type'), 'search', 'the slash goes to the search');
$browser->type('t_11');
is($browser->js($told), '2 of 14', 'a word is searched for: the table, and the one that it refers to');
is($browser->js("$shown.includes('public.t_11') && !$shown.includes('public.t_2')"), 1, 'the other tables are hidden');
is($browser->js(column('public', 0)), 'public.customers public.t_11', 'and in the list');
$browser->js('location.hash = "#public.orders"');
is($browser->js('new Promise(r => setTimeout(() => r(document.getElementById("public.orders").closest("section").hidden || document.querySelector("input").value), 100))'), '', 'a link to what is hidden ends the search');
$browser->js('document.querySelector("input").focus()');
$browser->type('nothing at all');
is($browser->js($told), '0 of 14', 'nothing is found');
$browser->key('Escape');
is($browser->js("$told + document.querySelector('input').value"), '14 of 14', 'Escape ends the search');
$browser->js(heading('public', 0) . '.querySelector("button").focus()');
$browser->key('Enter') foreach 1 .. 2;
like($browser->js(column('public', 0)), qr/^public\.t_12 public\.t_11 .*public\.t_2 /, 'a list is sorted, numbers as such');
is($browser->js(heading('public', 0) . '.ariaSort'), 'descending', 'and says so');
is($browser->js('document.querySelectorAll("[data-of] button").length'), 0, 'columns stay in their order');

# Dashboard: rows
$browser->open($page{dashboard});
my $all = $browser->js($told) =~ /^(\d+) of \1$/ ? $1 : 0;
ok($all > 20, 'all rows are shown');
$browser->js(heading('Plans', 0) . '.querySelector("button").focus()');
is($browser->js($focus), 'BUTTON Plan', 'a heading takes the focus');
$browser->key('Enter');
like($browser->js(column('Plans', 0)), qr/p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 shop$/, 'Enter sorts by it');
is($browser->js(heading('Plans', 0) . '.ariaSort'), 'ascending', 'upwards first');
$browser->js(heading('Plans', 1) . '.querySelector("button").click()');
is($browser->js(heading('Plans', 0) . '.ariaSort + ' . heading('Plans', 1) . '.ariaSort'), 'nullascending', 'by one column at a time');
$browser->key('Tab') foreach 1 .. 2;
is($browser->js($focus), 'BUTTON Validated', 'Tab goes on to the headings beside');
$browser->key('/');
$browser->type('SHOP');
like($browser->js($told), qr/^[1-5] of $all$/, 'rows are searched for');
is($browser->js(column('Plans', 0)), 'shop', 'others are hidden');
is($browser->js("$shown.includes('Plans') && !$shown.includes('Figures')"), 1, 'so are tables that have none');
$browser->key('Escape');
is($browser->js($told), "$all of $all", 'Escape shows them again');
is($browser->js('(() => { const a = [...document.links].find(a => a.closest("td").cellIndex === 6); a.click(); return document.querySelector(":target").textContent })()'),
	"Drift of live from </bdi>$evil", 'a cell leads to its detail');
is("@{ $browser->{said} }@{ $browser->{asked} }", '', 'it has said and asked nothing meanwhile');

undef $browser;
done_testing();
