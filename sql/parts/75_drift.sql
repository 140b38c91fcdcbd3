-- Drift: how two snapshots, or a snapshot and this database, differ
CREATE FUNCTION sg_drift_details(
    reference text,
    target    text DEFAULT 'live',
    schemas   schemaguard.names DEFAULT NULL,
    cosmetic  boolean DEFAULT false,
    OUT kind     text,
    OUT object   text,
    OUT change   text,
    OUT class    text,
    OUT risk     text,
    OUT property text,
    OUT expected text,
    OUT actual   text,
    OUT detail   text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_drift';
COMMENT ON FUNCTION sg_drift_details(text, text, schemaguard.names, boolean)
    IS 'all columns of sg_drift()';
