# 120_drift_mutation.pl: each property of each kind of object is altered once: sg_drift finds that, and nothing else.
#
# The statements are in SgDrift.pm. Each is run in a transaction that is rolled back, since a comparison with the live
# database sees what its transaction has done. No rows are expected of what docs/snapshots.md leaves out.
#
# rooms: drift
# takes: 45 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgDrift;
use SgTest;
use Test::More;

my $node = new_node('mutation', conf => "autovacuum = off\nfsync = off\nwal_level = logical\n");

# a tablespace is made outside of a transaction
$node->safe_psql('postgres', "SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE sp LOCATION '';\n" . roles() . everything() . more($node) . "\nSELECT sg_snapshot_take('base')");

my @mutations = mutations($node);
@mutations = grep { $_->[0] !~ /^CREATE EXTENSION (\w+)/ || has_extension($node, $1) } @mutations;
cmp_ok(scalar @mutations, '>=', 450, 'at least 450 mutations');

# A comparison takes a while, most of it for the snapshot: what has nothing to do with each other is altered together,
# unless there is time
my (@batches, %alone);
foreach my $mutation (@mutations)
{
	my ($sql, $kind, $object, $change, $property) = @$mutation;
	my $free = !long_run() && ($change // '') =~ /^(changed|extra)$/ && $object ne '*' && $sql !~ /TABLE m\.parted|EXTENSION/;
	my ($batch) = $free ? grep { $_->{free} && !$_->{objects}{$object} && @{ $_->{mutations} } < 30 } @batches : ();
	if (!$batch)
	{
		$batch = { free => $free, mutations => [] };
		push @batches, $batch;
	}
	$batch->{objects}{$object} = 1;
	push @{ $batch->{mutations} }, $mutation;
}

# One session for all: a marker before each, the rows after it
my $script = '';
foreach my $i (0 .. $#batches)
{
	$script .= "\\echo === $i\n\\warn === $i\nBEGIN;\n" . join('', map { "$_->[0];\n" } @{ $batches[$i]{mutations} })
	  . "SELECT kind, object, change, coalesce(property, ''), class FROM sg_drift_details('base') ORDER BY 1, 2, 4;\nROLLBACK;\n";
}
my ($out, $err);
$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-q', '-F', ' ;; ' ]);

my (%rows, %errors);
$rows{$1} = $2 while $out =~ /^=== (\d+)\n(.*?)(?=^===|\z)/msg;
$errors{$1} = $2 while $err =~ /^=== (\d+)\n(.*?)(?=^===|\z)/msg;
foreach my $i (0 .. $#batches)
{
	my @found = split /\n/, $rows{$i} // '';
	my @all = @found;

	foreach my $mutation (@{ $batches[$i]{mutations} })
	{
		my ($sql, $kind, $object, $change, $property) = @$mutation;
		my $ok;

		if ($kind =~ /^(\d+) rows$/)
		{
			$ok = @found == $1;
			@found = ();
		}
		else
		{
			my $class = $change eq 'extra' ? 'extra' : 'drift';
			$ok = 1;
			foreach my $one ($property ? split /,/, $property : '')
			{
				my $pattern = quotemeta(join ' ;; ', $kind, $object, $change, $one, $class) =~ s/\\\*/.*/r;
				my @left = grep { !/^$pattern$/ } @found;
				$ok &&= @left == @found - 1;
				@found = @left;
			}
		}
		ok($ok, $sql) or diag(join "\n", 'found:', @all, $errors{$i} // '');
	}
	is("@found", '', 'and nothing else') or diag($errors{$i} // '');
}

# What is altered back is no drift
is($node->safe_psql('postgres', "SELECT count(*) FROM sg_drift_details('base', cosmetic => true)"), '0', 'nothing is left of all that');

done_testing();
