-- Assertions for pgTAP: lines that count in its plan
CREATE FUNCTION sg_ok_no_orphans(schemas schemaguard.names DEFAULT NULL, description text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_ok_no_orphans';
COMMENT ON FUNCTION sg_ok_no_orphans(schemaguard.names, text)
    IS 'runs a pgTAP test: no declared key has orphans, none is unknown';

CREATE FUNCTION sg_ok_keys_valid(schemas schemaguard.names DEFAULT NULL, description text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_ok_keys_valid';
COMMENT ON FUNCTION sg_ok_keys_valid(schemaguard.names, text)
    IS 'runs a pgTAP test: all declared keys are enforced, armed and validated';

CREATE FUNCTION sg_ok_no_drift(reference text, target text DEFAULT 'live', description text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_ok_no_drift';
COMMENT ON FUNCTION sg_ok_no_drift(text, text, text)
    IS 'runs a pgTAP test: nothing counts as drift, as in sg_drift_check(), but no history is written';
