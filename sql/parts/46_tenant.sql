-- Tenants: is each row kept among its tenant's?
CREATE FUNCTION sg_tenant_audit_details(
    tenant_column text,
    tenant_table  schemaguard.table_name DEFAULT NULL,
    schemas       schemaguard.names DEFAULT NULL,
    samples       int DEFAULT 5,
    OUT finding      text,
    OUT table_name   text,
    OUT fk_name      text,
    OUT columns      text[],
    OUT result       text,
    OUT rows_checked bigint,
    OUT leaking_rows bigint,
    OUT sample       jsonb,
    OUT reason       text,
    OUT hint         text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_tenant_audit';
COMMENT ON FUNCTION sg_tenant_audit_details(text, schemaguard.table_name, schemaguard.names, int)
    IS 'all columns of sg_tenant_audit()';
