-- Snapshots: what a database is made of, as rows that can be kept, taken elsewhere and compared
CREATE TABLE schemaguard.snapshot (
    name               text PRIMARY KEY,
    taken_at           timestamptz NOT NULL,
    role               text NOT NULL,           -- who took or imported it, and owns it
    server             text,                    -- the foreign server's name; null: here
    database           text NOT NULL,
    server_version_num int NOT NULL,
    schemas            text[],                  -- null: all
    format             int NOT NULL,            -- of the objects' properties: see docs/snapshots.md
    objects            bigint NOT NULL,
    unknown            bigint NOT NULL,         -- of these objects, how many could not be read in full
    checksum           bytea NOT NULL,          -- SHA-256 over the objects' checksums
    imported_at        timestamptz,             -- null: taken by this database
    environment        jsonb                    -- of the database: see docs/snapshots.md; null: not known
);
COMMENT ON TABLE schemaguard.snapshot IS 'snapshots: the objects of a database at a time';
COMMENT ON COLUMN schemaguard.snapshot.name IS 'name of the snapshot';
COMMENT ON COLUMN schemaguard.snapshot.taken_at IS 'time at which the snapshot was taken';
COMMENT ON COLUMN schemaguard.snapshot.role IS 'role that took or imported the snapshot, and owns it';
COMMENT ON COLUMN schemaguard.snapshot.server IS 'name of the foreign server; null: this database';
COMMENT ON COLUMN schemaguard.snapshot.database IS 'name of the database';
COMMENT ON COLUMN schemaguard.snapshot.server_version_num IS 'version of the database''s server';
COMMENT ON COLUMN schemaguard.snapshot.schemas IS 'schemas that the snapshot covers; null: all';
COMMENT ON COLUMN schemaguard.snapshot.format IS 'version of the objects'' properties';
COMMENT ON COLUMN schemaguard.snapshot.objects IS 'number of objects, including columns and the members of extensions';
COMMENT ON COLUMN schemaguard.snapshot.unknown IS 'number of objects that could not be read in full';
COMMENT ON COLUMN schemaguard.snapshot.checksum IS 'SHA-256 over the checksums of the objects';
COMMENT ON COLUMN schemaguard.snapshot.imported_at IS 'time at which the snapshot was imported; null: taken from here';
COMMENT ON COLUMN schemaguard.snapshot.environment IS 'system, database, encoding, locale, and objects used of the server; null: not known';

CREATE TABLE schemaguard.snapshot_object (
    snapshot   text NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    identity   text COLLATE "C" NOT NULL,
    parent     text COLLATE "C",
    properties jsonb NOT NULL,
    checksum   bytea NOT NULL,                  -- SHA-256 over kind, identity, parent and properties
    oid        oid,                             -- in that database, of a column its table's; null: not known
    file       text,                            -- migration file that names it last; null: not known
    PRIMARY KEY (snapshot, kind, identity)
);
COMMENT ON TABLE schemaguard.snapshot_object IS 'objects of snapshots; docs/snapshots.md lists their properties';
COMMENT ON COLUMN schemaguard.snapshot_object.snapshot IS 'name of the snapshot';
COMMENT ON COLUMN schemaguard.snapshot_object.kind IS 'kind of object: table, column, constraint, index and so on';
COMMENT ON COLUMN schemaguard.snapshot_object.identity IS 'name within the kind, qualified and quoted';
COMMENT ON COLUMN schemaguard.snapshot_object.parent IS 'identity of the object to which this one belongs';
COMMENT ON COLUMN schemaguard.snapshot_object.properties IS 'properties that are compared';
COMMENT ON COLUMN schemaguard.snapshot_object.checksum IS 'SHA-256 over kind, identity, parent and properties';
COMMENT ON COLUMN schemaguard.snapshot_object.oid
    IS 'OID of the object, or of the column''s table, in the snapshot''s database; null: not known';
COMMENT ON COLUMN schemaguard.snapshot_object.file IS 'migration file that names the object last; null: not known';

-- Nobody writes these tables but the functions below, and those never change a row.  A role reads its own snapshots,
-- pg_monitor all: they hold the text of functions, of other servers too.
ALTER TABLE schemaguard.snapshot ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_snapshots ON schemaguard.snapshot FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
ALTER TABLE schemaguard.snapshot_object ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_snapshots ON schemaguard.snapshot_object FOR SELECT
    USING (snapshot OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT s.name FROM schemaguard.snapshot s)));
GRANT SELECT ON schemaguard.snapshot, schemaguard.snapshot_object TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.snapshot', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.snapshot_object', '');

CREATE FUNCTION sg_snapshot_take(
    snapshot        text,
    schemas         schemaguard.names DEFAULT NULL,
    server          text DEFAULT NULL,
    sequence_values boolean DEFAULT false)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_take';
COMMENT ON FUNCTION sg_snapshot_take(text, schemaguard.names, text, boolean)
    IS 'stores a snapshot of this database, or of a foreign server''s; returns the number of objects';

CREATE FUNCTION sg_snapshot_export(snapshot text)
RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_export';
COMMENT ON FUNCTION sg_snapshot_export(text)
    IS 'returns a snapshot as the lines of a document, with one line in memory at a time';

CREATE FUNCTION sg_snapshot_import(snapshot text, document anycompatible)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_import';
COMMENT ON FUNCTION sg_snapshot_import(text, anycompatible)
    IS 'imports a document of sg_snapshot_export or docs/snapshot.sql, whose seal proves no author; returns the number of objects';

CREATE FUNCTION sg_snapshot_drop(snapshot text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_drop';
COMMENT ON FUNCTION sg_snapshot_drop(text)
    IS 'deletes a snapshot';

CREATE FUNCTION sg_snapshot_objects_details(
    snapshot text,
    schemas  schemaguard.names DEFAULT NULL,
    OUT kind       text,
    OUT identity   text,
    OUT parent     text,
    OUT properties jsonb,
    OUT checksum   bytea,
    OUT oid        oid)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_objects';
COMMENT ON FUNCTION sg_snapshot_objects_details(text, schemaguard.names)
    IS 'all columns of sg_snapshot_objects()';
