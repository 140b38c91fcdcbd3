-- The foreign keys of two environments
CREATE FUNCTION sg_compare_fks_details(
    reference text,
    target    text DEFAULT 'live',
    OUT child_table          text,
    OUT reference_name       text,
    OUT target_name          text,
    OUT status               text,
    OUT recommendation       text,
    OUT risk                 text,
    OUT differences          text[],
    OUT reason               text,
    OUT run_on               text,
    OUT level                text,
    OUT counts               jsonb,
    OUT reference_definition text,
    OUT target_definition    text,
    OUT migration            text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_compare_fks';
COMMENT ON FUNCTION sg_compare_fks_details(text, text)
    IS 'all columns of sg_compare_fks()';

CREATE FUNCTION sg_plan_from_snapshot(plan text, reference text)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_from_snapshot';
COMMENT ON FUNCTION sg_plan_from_snapshot(text, text)
    IS 'adds the foreign keys that a snapshot has and this database lacks to a plan; returns the number of steps';
