-- Impact: what depends on an object
CREATE FUNCTION sg_impact_details(
    object    schemaguard.table_name,
    internals boolean DEFAULT false,
    OUT kind      text,
    OUT dependent text,
    OUT certainty text,
    OUT on_drop   text,
    OUT depth     int,
    OUT via       text,
    OUT on_change text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_impact';
COMMENT ON FUNCTION sg_impact_details(schemaguard.table_name, boolean)
    IS 'all columns of sg_impact()';
