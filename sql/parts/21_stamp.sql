-- Trigger functions: who made and changed a row, and archived rows
CREATE FUNCTION schemaguard.sg_stamp_row() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_stamp_row';
COMMENT ON FUNCTION schemaguard.sg_stamp_row()
    IS 'trigger BEFORE INSERT OR UPDATE: who made, changed and archived a row, and when';

CREATE FUNCTION schemaguard.sg_refuse_archived_parent() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_refuse_archived_parent';
COMMENT ON FUNCTION schemaguard.sg_refuse_archived_parent()
    IS 'trigger AFTER INSERT OR UPDATE of a child: no live row refers to an archived one';

CREATE FUNCTION schemaguard.sg_refuse_live_children() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_refuse_live_children';
COMMENT ON FUNCTION schemaguard.sg_refuse_live_children()
    IS 'trigger AFTER UPDATE of a parent: no row is archived to which live ones refer';

CREATE FUNCTION schemaguard.sg_archive_live_children() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'sg_archive_live_children';
COMMENT ON FUNCTION schemaguard.sg_archive_live_children()
    IS 'trigger AFTER UPDATE of a parent: what refers to a row that is archived is archived with it';
