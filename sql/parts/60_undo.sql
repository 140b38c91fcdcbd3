-- Taking back what a plan has done
CREATE PROCEDURE sg_rollback_fks(plan text, author text DEFAULT NULL, fail boolean DEFAULT false, steps schemaguard.steps DEFAULT NULL,
                                 confirm text DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_rollback_fks';
COMMENT ON PROCEDURE sg_rollback_fks(text, text, boolean, schemaguard.steps, text)
    IS 'takes back a plan''s deeds, in reverse: keys, rows, indexes; leaves alone objects that others have changed since';
