-- Audit: judge rows against foreign keys
CREATE FUNCTION sg_orphan_audit_details(
    child    schemaguard.table_name DEFAULT NULL,
    plan     text DEFAULT NULL,
    inferred boolean DEFAULT false,
    samples  int DEFAULT 5,
    schemas  schemaguard.names DEFAULT NULL,
    steps    schemaguard.steps DEFAULT NULL,
    OUT fk_name        name,
    OUT result         text,
    OUT state          text,
    OUT orphan_rows    bigint,
    OUT orphan_keys    bigint,
    OUT rows_checked   bigint,
    OUT child_table    text,
    OUT child_columns  text[],
    OUT parent_table   text,
    OUT parent_columns text[],
    OUT reason         text,
    OUT method         text,
    OUT elapsed_ms     float8,
    OUT source         text,
    OUT sample         jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_orphan_audit';
COMMENT ON FUNCTION sg_orphan_audit_details(schemaguard.table_name, text, boolean, int, schemaguard.names, schemaguard.steps)
    IS 'all columns of sg_orphan_audit()';

CREATE FUNCTION sg_orphans(
    child          schemaguard.table_name,
    columns        schemaguard.names,
    parent         schemaguard.table_name,
    parent_columns schemaguard.names DEFAULT NULL,
    max_rows       bigint DEFAULT 1000,
    OUT row_table regclass,
    OUT row_id    tid,
    OUT key       jsonb,
    OUT data      jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_orphans';
COMMENT ON FUNCTION sg_orphans(schemaguard.table_name, schemaguard.names, schemaguard.table_name, schemaguard.names, bigint)
    IS 'returns the rows of a table that refer to a parent that does not exist';

CREATE FUNCTION sg_fk_orphans(
    child    schemaguard.table_name,
    fk_name  text,
    max_rows bigint DEFAULT 1000,
    OUT row_table regclass,
    OUT row_id    tid,
    OUT key       jsonb,
    OUT data      jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_fk_orphans';
COMMENT ON FUNCTION sg_fk_orphans(schemaguard.table_name, text, bigint)
    IS 'returns the rows of a table that break one of its declared foreign keys';

CREATE FUNCTION sg_rule_violations(
    child      schemaguard.table_name,
    kind       text,
    definition text,
    max_rows   bigint DEFAULT 1000,
    OUT row_table regclass,
    OUT row_id    tid,
    OUT data      jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_rule_violations';
COMMENT ON FUNCTION sg_rule_violations(schemaguard.table_name, text, text, bigint)
    IS 'returns the rows of a table that violate a CHECK, a NOT NULL or a UNIQUE';

CREATE FUNCTION schemaguard.sg_nobodys_violations(
    child schemaguard.table_name, kind text, definition text, max_rows bigint DEFAULT 1000,
    OUT row_table regclass, OUT row_id tid, OUT data jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_nobodys_violations';
COMMENT ON FUNCTION schemaguard.sg_nobodys_violations(schemaguard.table_name, text, text, bigint)
    IS 'returns the rows of a table that violate a rule whose author is no role of this database';

CREATE FUNCTION sg_rule_audit_details(
    child      schemaguard.table_name,
    kind       text DEFAULT NULL,
    definition text DEFAULT NULL,
    samples    int DEFAULT 5,
    OUT rule_name      text,
    OUT rule_kind      text,
    OUT rule_columns   text[],
    OUT result         text,
    OUT rows_checked   bigint,
    OUT violating_rows bigint,
    OUT groups         bigint,
    OUT sample         jsonb,
    OUT reason         text,
    OUT method         text,
    OUT elapsed_ms     float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_rule_audit';
COMMENT ON FUNCTION sg_rule_audit_details(schemaguard.table_name, text, text, int)
    IS 'all columns of sg_rule_audit()';
