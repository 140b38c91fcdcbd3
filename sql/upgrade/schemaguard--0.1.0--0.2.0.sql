-- What is done by hand to the objects of 0.1.0, such as ALTER TABLE ... ADD COLUMN beside the column's line in sql/parts/.
-- sql/upgrade.awk puts the rest behind it: functions, views, new tables, comments. test/t/082_upgrade.pl compares.
-- Steps of other kinds than foreign keys
ALTER TABLE schemaguard.plan_step
    ALTER COLUMN child_table DROP NOT NULL,
    ALTER COLUMN child_columns DROP NOT NULL,
    ALTER COLUMN parent_table DROP NOT NULL,
    DROP CONSTRAINT plan_step_orphans_check,
    ADD CONSTRAINT plan_step_orphans_check
        CHECK (orphans IN ('stop', 'leave', 'quarantine', 'delete', 'set null', 'set')),
    ADD COLUMN kind text NOT NULL DEFAULT 'foreign key'
        CHECK (kind IN ('foreign key', 'check', 'not null', 'unique', 'column', 'default', 'index', 'statement',
                        'drop', 'rename')),
    ADD COLUMN definition text,
    ADD COLUMN new_name text,
    ADD COLUMN fill text,
    ADD COLUMN undo text,
    ADD COLUMN done_when text,
    ADD COLUMN keep_by text,
    ADD COLUMN primary_key boolean NOT NULL DEFAULT false,
    ADD COLUMN discard boolean NOT NULL DEFAULT false,
    ADD COLUMN outside boolean NOT NULL DEFAULT false,
    ADD COLUMN after text[],
    ADD COLUMN phase text,
    ADD CONSTRAINT plan_step_check
        CHECK (kind OPERATOR(pg_catalog.<>) 'foreign key' OR
               child_table IS NOT NULL AND child_columns IS NOT NULL AND parent_table IS NOT NULL);
ALTER TABLE schemaguard.plan_deed
    DROP CONSTRAINT plan_deed_kind_check,
    ADD CONSTRAINT plan_deed_kind_check
        CHECK (kind IN ('add', 'replace', 'index', 'columns', 'change', 'delete', 'set null', 'set')),
    DROP CONSTRAINT plan_deed_undo_check,
    ADD CONSTRAINT plan_deed_undo_check
        CHECK (undo IN ('drop key', 'restore key', 'drop index', 'drop columns', 'change back', 'nothing'));

ALTER TABLE schemaguard.snapshot ADD COLUMN environment jsonb;
ALTER TABLE schemaguard.snapshot_object ADD COLUMN oid oid;

-- fitted anew; a user's own stay
DELETE FROM schemaguard.discovery_weight WHERE source = 'fitted';
