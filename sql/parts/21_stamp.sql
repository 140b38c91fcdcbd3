-- Trigger functions: who made and changed a row, and archived rows
CREATE FUNCTION schemaguard.sg_stamp_row() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_stamp_row';
COMMENT ON FUNCTION schemaguard.sg_stamp_row()
    IS 'trigger BEFORE INSERT OR UPDATE: records the role or user, and the time, of a row''s creation, change and archiving';

CREATE FUNCTION schemaguard.sg_refuse_archived_parent() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_refuse_archived_parent';
COMMENT ON FUNCTION schemaguard.sg_refuse_archived_parent()
    IS 'trigger AFTER INSERT OR UPDATE of a child: refuses a live row that refers to an archived one';

CREATE FUNCTION schemaguard.sg_refuse_live_children() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_refuse_live_children';
COMMENT ON FUNCTION schemaguard.sg_refuse_live_children()
    IS 'trigger AFTER UPDATE of a parent: refuses to archive a row to which live rows refer';

CREATE FUNCTION schemaguard.sg_archive_live_children() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_archive_live_children';
COMMENT ON FUNCTION schemaguard.sg_archive_live_children()
    IS 'trigger AFTER UPDATE of a parent: archives the rows that refer to a row that is archived';
