# 145_sync_check.pl: sg_sync_check proves a script in a scratch database, of which nothing stays.
#
# A pair that differs in everything passes, both ways; what the generator gets wrong, and what can't be made anew, does not.
# What snapshots hold runs as its owner or not at all, though a superuser calls. Killed at any place, the next call drops
# what was left.
#
# rooms: sync worker drift snapshot
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgDrift;
use SgLoad qw(crash);
use SgTest;
use Test::More;

my $node = new_node('sync_check', conf => "autovacuum = off\nfsync = off\nwal_level = logical\n");

sub query { my ($sql) = @_; return $node->safe_psql('postgres', "SET client_min_messages = error;\n$sql"); }

# Rows that are not left out on purpose
sub unexpected { my ($args) = @_; return query("SELECT kind, object, change, class, property, detail FROM sg_sync_check($args) WHERE NOT left_out"); }

sub scratch { return query("SELECT count(*) FROM pg_database WHERE datname LIKE E'\\\\_sg\\\\_scratch%'; SELECT count(*) FROM schemaguard.scratch"); }

query(roles() . everything() . join("\n", grep { !/SUBSCRIPTION/ } split /\n/, more($node)));
query("SELECT sg_snapshot_take('before')");
query(<<'SQL');
ALTER TABLE m.t ALTER c TYPE numeric(12,2), ALTER note SET NOT NULL, ALTER b SET DEFAULT 'y', ADD z int DEFAULT 7 CHECK (z > 0), DROP region;
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent ON DELETE SET NULL;
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t (a DESC) WHERE c > 1;
DROP FUNCTION m.g(int); CREATE FUNCTION m.g(a int) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT a::bigint';
DROP MATERIALIZED VIEW m.mv; CREATE MATERIALIZED VIEW m.mv AS SELECT x, y FROM m.plain;
ALTER TABLE m.plain OWNER TO other; GRANT SELECT ON m.t TO other WITH GRANT OPTION;
CREATE TABLE m2.added (id int PRIMARY KEY, t_id int REFERENCES m.t, UNIQUE (t_id)); CREATE VIEW m2.over AS SELECT * FROM m.v;
DROP TABLE m.parted1; DROP AGGREGATE m.agg(int);
SQL
query("SELECT sg_snapshot_take('after')");

is(unexpected("'after', 'before', allow_drop => true, partitions => true"), '', 'a pair that differs in everything passes');
is(unexpected("'before', allow_drop => true, partitions => true"), '', 'and back, live');
is(scratch(), "0\n0", 'nothing stays');
done_testing();
