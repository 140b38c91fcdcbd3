-- Proof: do the keys that are there do what they should, and what do they cost?
CREATE FUNCTION sg_verify_fks_details(
    plan text DEFAULT NULL,
    live boolean DEFAULT false,
    steps schemaguard.steps DEFAULT NULL,
    OUT fk_name      name,
    OUT test         text,
    OUT result       text,
    OUT expected     text,
    OUT observed     text,
    OUT child_table  text,
    OUT parent_table text,
    OUT reason       text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_verify_fks';
COMMENT ON FUNCTION sg_verify_fks_details(text, boolean, schemaguard.steps)
    IS 'all columns of sg_verify_fks()';

CREATE FUNCTION schemaguard.sg_measure_overhead(
    plan   text,
    sample int DEFAULT 1000,
    rounds int DEFAULT 9,
    steps  schemaguard.steps DEFAULT NULL,
    OUT step          int,
    OUT fk_name       name,
    OUT operation     text,
    OUT ratio         float8,
    OUT rows          bigint,
    OUT without_us    float8,
    OUT without_q1_us float8,
    OUT without_q3_us float8,
    OUT with_us       float8,
    OUT with_q1_us    float8,
    OUT with_q3_us    float8,
    OUT child_table   text,
    OUT parent_table  text,
    OUT reason        text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_measure_overhead';
COMMENT ON FUNCTION schemaguard.sg_measure_overhead(text, int, int, schemaguard.steps)
    IS 'microseconds per row without and with each key of a plan, measured on temporary copies';
