-- Discovery: the foreign keys that are missing

CREATE TABLE schemaguard.discovery_weight (
    signal text NOT NULL,
    weight float8 NOT NULL,
    -- a row of the user's own counts instead of the one that was fitted
    source text NOT NULL DEFAULT 'user' CHECK (source IN ('fitted', 'user')),
    PRIMARY KEY (signal, source)
);
COMMENT ON TABLE schemaguard.discovery_weight
    IS 'what each signal of discovery weighs; add a row of source user to change one';
GRANT SELECT ON schemaguard.discovery_weight TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_weight', 'WHERE source = ''user''');

CREATE FUNCTION schemaguard.sg_discovery_candidates(
    OUT competition    int,
    OUT child_table    text,
    OUT child_columns  name[],
    OUT parent_table   text,
    OUT parent_columns name[],
    OUT score          float8,
    OUT signals        text[],
    OUT "values"       float4[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discovery_candidates';
COMMENT ON FUNCTION schemaguard.sg_discovery_candidates()
    IS 'every candidate of discovery with its signals, as the weights are fitted from them';
