-- Preflight: what could stop or hurt the steps of a plan
CREATE FUNCTION sg_plan_check(
    plan text,
    OUT step       int,
    OUT fk_name    name,
    OUT check_name text,
    OUT result     text,
    OUT detail     text,
    OUT hint       text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_check';
COMMENT ON FUNCTION sg_plan_check(text)
    IS 'everything that could stop or hurt a step of the plan, with what mends it; writes nothing, locks as SELECT does';
