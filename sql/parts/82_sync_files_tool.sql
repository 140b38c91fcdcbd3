-- Files of migrations: what each tool wants of them. A row is a tool, or a file of a tool; no other place knows one.

-- Returns the tools. Width: digits of a number, where there are no files yet (13: milliseconds, 14: YYYYMMDDHHMMSS); name: of a file;
-- comment: how one begins; separator: between two statements; statement: how one stands in a file; escapes: what stands for what within
-- it, one after the other; taken: what the tool would take for its own, so that such a statement is sent as a text; alone: what says that
-- a file runs in no transaction, null: it always does; single: then a file is one statement; one_line: so is a statement of the way back
CREATE FUNCTION schemaguard.sg_files_tools(OUT tool text, OUT width int, OUT name text, OUT comment text, OUT separator text,
    OUT statement text, OUT escapes text[], OUT taken text, OUT alone text, OUT single boolean, OUT one_line boolean)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
VALUES
    ('psql', 4, '@class@', '-- ', '', E'@told@\n@statement@;\n', '{}'::text[], E'\\r', '', false, false),
    ('sqitch', 4, 'sync_@number@_@class@', '-- ', '', E'@told@\n@statement@;\n', '{}', E'\\r', '', false, false),
    ('flyway', 1, '@class@', '-- ', '', E'@told@\n@statement@;\n', '{}', E'\\r|[$][{]', '', false, false),
    ('liquibase', 4, '@class@', '-- ', '', E'@told@\n@statement@;\n', '{}',
        E'\\r|[$][{]|^\\s*(/[*]|--)\\s*(liquibase|changeset|rollback|comment|precondition|validchecksum|ignorelines|property)', 'false',
        true, true),
    ('goose', 14, '@class@', '-- ', '', E'-- +goose StatementBegin\n@told@\n@statement@;\n-- +goose StatementEnd\n', '{}',
        E'\\r|[+]goose', E'-- +goose NO TRANSACTION\n', false, false),
    ('atlas', 14, '@class@', '-- ', '', E'@told@\n@statement@\n-- end of statement\n', '{}', E'\\r|-- end of statement|atlas:',
        E'-- atlas:txmode none\n', false, false),
    ('prisma', 14, '@class@', '-- ', '', E'@told@\n@statement@;\n', '{}', E'\\r', '', true, false),
    ('drizzle', 4, '@class@', '-- ', E'--> statement-breakpoint\n', E'@told@\n@statement@;\n', '{}', E'\\r|--> statement-breakpoint',
        NULL, false, false),
    ('django', 4, '@class@', '# ', '', E'            """\n@told@\n@statement@;\n            """,\n',
        E'{"\\\\","\\\\\\\\","\\"\\"\\"","\\\\\\"\\\\\\"\\\\\\""}',
        E'\\r', E'    atomic = False\n', false, false),
    ('rails', 14, '@class@_@number@', '# ', '', E'    execute <<-"END_OF_SQL"\n@told@\n@statement@;\n    END_OF_SQL\n',
        E'{"\\\\","\\\\\\\\",#,"\\\\#",END_OF_SQL,"END\\\\x5FOF_SQL"}', E'\\r', E'  disable_ddl_transaction!\n\n', false, false),
    ('node-pg-migrate', 13, '@class@', '// ', '', E'  pgm.sql(`\n@told@\n@statement@;\n`);\n',
        E'{"\\\\","\\\\\\\\",`,"\\\\`",$,"\\\\$"}', E'\\r',
        E'  pgm.noTransaction();\n', false, false)
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_tools()
    IS 'returns the requirements of each tool on files of migrations';

-- Returns the files of a migration. Part: up, or what takes it back, or what looks whether it is there; alone: for what runs in no
-- transaction, null: for both. @up@, @down@ and @verify@ are statements.
CREATE FUNCTION schemaguard.sg_files_forms(OUT tool text, OUT part text, OUT alone boolean, OUT path text, OUT body text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
VALUES
    ('psql', 'up', false, 'migrations/@number@_@name@.sql', E'@head@\n\\set ON_ERROR_STOP on\nBEGIN;\n@up@COMMIT;\n'),
    ('psql', 'up', true, 'migrations/@number@_@name@.sql', E'@head@\n\\set ON_ERROR_STOP on\n@up@'),
    ('psql', 'down', NULL, 'migrations/@number@_@name@.down.sql', E'@head@\n\\set ON_ERROR_STOP on\nBEGIN;\n@down@COMMIT;\n'),
    ('sqitch', 'up', false, 'deploy/@name@.sql', E'-- Deploy @project@:@name@ to pg\n@head@\n\nBEGIN;\n@up@COMMIT;\n'),
    ('sqitch', 'up', true, 'deploy/@name@.sql', E'-- Deploy @project@:@name@ to pg\n@head@\n\n@up@'),
    ('sqitch', 'down', NULL, 'revert/@name@.sql', E'-- Revert @project@:@name@ from pg\n\nBEGIN;\n@down@COMMIT;\n'),
    ('sqitch', 'verify', NULL, 'verify/@name@.sql', E'-- Verify @project@:@name@ on pg\n\nBEGIN;\n@verify@ROLLBACK;\n'),
    ('flyway', 'up', NULL, 'db/migration/V@number@__@name@.sql', E'@head@\n@up@'),
    ('flyway', 'up', true, 'db/migration/V@number@__@name@.sql.conf', E'executeInTransaction=false\n'),
    ('flyway', 'down', NULL, 'db/migration/U@number@__@name@.sql', E'@head@\n@down@'),
    ('liquibase', 'up', NULL, 'changelog/@number@_@name@.sql', E'--liquibase formatted sql\n\n'
        '--changeset @project@:@number@_@name@ splitStatements:false stripComments:false rollbackSplitStatements:false '
        'runInTransaction:@transaction@\n@head@\n@up@@down@'),
    ('goose', 'up', NULL, 'migrations/@number@_@name@.sql', E'@head@\n@alone@-- +goose Up\n@up@\n-- +goose Down\n@down@'),
    ('atlas', 'up', NULL, 'migrations/@number@_@name@.sql', E'@alone@-- atlas:delimiter -- end of statement\n\n@head@\n@up@'),
    ('prisma', 'up', NULL, 'prisma/migrations/@number@_@name@/migration.sql', E'@head@\n@up@'),
    ('drizzle', 'up', NULL, 'drizzle/@number@_@name@.sql', E'@head@\n@up@'),
    ('django', 'up', NULL, '@project@/migrations/@number@_@name@.py', E'@head@\nfrom django.db import migrations\n\n\n'
        'class Migration(migrations.Migration):\n@alone@    dependencies = [@previous@]\n    operations = [\n'
        '        migrations.RunSQL([\n@up@        ], [\n@down@        ]),\n    ]\n'),
    ('rails', 'up', NULL, 'db/migrate/@number@_@name@.rb', E'@head@\nclass @Class@@number@ < ActiveRecord::Migration[6.1]\n@alone@'
        '  def up\n@up@  end\n\n  def down\n@down@  end\nend\n'),
    ('node-pg-migrate', 'up', NULL, 'migrations/@number@_@name@.js', E'@head@\nexports.up = (pgm) => {\n@alone@@up@};\n\n'
        'exports.down = (pgm) => {\n@alone@@down@};\n')
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_forms()
    IS 'returns the files of which a migration of each tool consists';

-- Fills a template: @word@ is what the values say of that word
CREATE FUNCTION schemaguard.sg_files_fill(template text, "values" jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT string_agg(coalesce("values" ->> trim(m[1], '@'), m[1], m[2]), '' ORDER BY n)
    FROM regexp_matches(template, '(@[A-Za-z]+@)|([^@]+|@)', 'g') WITH ORDINALITY x (m, n));
COMMENT ON FUNCTION schemaguard.sg_files_fill(text, jsonb)
    IS 'fills a template with values';

-- Returns what may stand in a comment of any tool: on one line, also for JavaScript, without what Python takes for the file's encoding, and
-- without what a tool takes for its own
CREATE FUNCTION schemaguard.sg_files_told(line text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(regexp_replace(replace(replace(translate(line, E'\r\n\t$`{}\\@', '         '), '--', '- '), '*/', '* '),
    E'[\\u0001-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]', ' ', 'g'), E'(coding)(\\s*[:=])', E'\\1 -\\2', 'gi');
COMMENT ON FUNCTION schemaguard.sg_files_told(text)
    IS 'returns a text as a line of a comment';

-- Returns a statement as a text that the server runs, on one line
CREATE FUNCTION schemaguard.sg_files_sent(statement text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT format('DO %1$s BEGIN EXECUTE %2$s; END %1$s', schemaguard.sg_sync_tag(q.text, 'text'), q.text)
    FROM (SELECT 'E''' || replace(replace(replace(replace(replace(replace(replace(statement, E'\\', E'\\\\'), '''', ''''''), E'\n', E'\\n'),
        E'\r', E'\\r'), '$', E'\\x24'), '--', E'\\x2D\\x2D'), '/*', E'/\\x2A') || '''' AS text) q);
COMMENT ON FUNCTION schemaguard.sg_files_sent(text)
    IS 'returns a statement as a text that the server runs';

-- Returns the statement that builds an index in a transaction; any other one as it is
CREATE FUNCTION schemaguard.sg_files_at_once(statement text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN regexp_replace(statement, '^(CREATE (UNIQUE )?INDEX) CONCURRENTLY ', E'\\1 ');
COMMENT ON FUNCTION schemaguard.sg_files_at_once(text)
    IS 'returns a CREATE INDEX statement without CONCURRENTLY; any other statement as it is';

-- Returns a statement as it stands in a file of a tool, with what is said of it
CREATE FUNCTION schemaguard.sg_files_stated(tool text, told text, statement text, back boolean)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    rule   record;
    line   text := '-- ' || schemaguard.sg_files_told(told);
    stated text := statement;
BEGIN
    SELECT t.* INTO STRICT rule FROM schemaguard.sg_files_tools() t WHERE t.tool = sg_files_stated.tool;
    back := back AND rule.one_line;
    IF stated ~* ('(?w)' || rule.taken) OR back AND stated ~ E'\\n' THEN
        stated := schemaguard.sg_files_sent(schemaguard.sg_files_at_once(stated));
    END IF;
    FOR i IN 1 .. cardinality(rule.escapes) BY 2 LOOP
        stated := replace(stated, rule.escapes[i], rule.escapes[i + 1]);
        line := replace(line, rule.escapes[i], rule.escapes[i + 1]);
    END LOOP;
    IF back THEN
        RETURN format(E'--rollback %s;\n', stated);
    END IF;
    RETURN schemaguard.sg_files_fill(rule.statement, jsonb_build_object('told', line, 'statement', stated));
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_stated(text, text, text, boolean)
    IS 'returns a statement in the form of a tool''s file';
