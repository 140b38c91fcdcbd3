-- Deployment: put a plan's keys into the catalog
CREATE PROCEDURE sg_add_fks(plan text, validate boolean DEFAULT true, fix boolean DEFAULT false,
                            author text DEFAULT NULL, fail boolean DEFAULT false, steps schemaguard.steps DEFAULT NULL,
                            max_rows bigint DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_add_fks';
COMMENT ON PROCEDURE sg_add_fks(text, boolean, boolean, text, boolean, schemaguard.steps, bigint)
    IS 'adds the foreign keys of a plan NOT VALID, then validates them, while the application keeps running';

CREATE PROCEDURE sg_apply(plan text, validate boolean DEFAULT true, fix boolean DEFAULT false, author text DEFAULT NULL,
                          fail boolean DEFAULT false, steps schemaguard.steps DEFAULT NULL, confirm text DEFAULT NULL,
                          max_rows bigint DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_apply';
COMMENT ON PROCEDURE sg_apply(text, boolean, boolean, text, boolean, schemaguard.steps, text, bigint)
    IS 'makes the changes of a plan, of all kinds, while the application keeps running';
