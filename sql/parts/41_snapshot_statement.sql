-- The snapshot statement: ONE read-only statement, for this database, for another server (dblink) and for psql.
--
-- The statement stands in sql/snapshot/, the objects of each kind in a file, from where sql/join.awk brings it here and into
-- docs/snapshot.sql: run make docs/snapshot.sql after a change.
--
-- Its text has to work on servers from 12 to 19, as a role that can merely connect, in a read-only transaction and on a
-- standby. Hence: no function or cast of ours; a column that an old major lacks is looked up by name in a LATERAL
-- subquery with OFFSET 0, beside a table d of defaults; no backslash; no catalog column that PUBLIC may not read.
--
-- The prologue pins what changes deparsed text, and how long a lock may be waited for: pg_get_viewdef() and others lock
-- what they print. Two settings steer the statement, both may be absent: sg_snapshot.schemas, an array of names, and
-- sg_snapshot.skip_locked:
-- on makes it leave out, as "unknown", what it would have to wait for when it begins; all, whatever it might wait for.
-- A third one, sg_snapshot.unprintable, is what the probe found: reasons by object. sg_snapshot.sequences, on or off, asks for the
-- values of sequences.
--
-- "environment" gives the database's environment, in the same transaction; before it "system" is run, where the role may execute
-- its functions: which system that is.
--
-- Names that are a keyword in some of these majors only are always quoted, so that they are the same in all of them.
--
-- The planner knows nothing of CTEs: what joins two of them counts as many times as many rows, is then cut into batches or
-- hashed from the larger side. So what comes by the hundred thousand is joined with catalogs.
CREATE FUNCTION schemaguard.sg_snapshot_statement(OUT prologue text, OUT statement text, OUT environment text, OUT system text)
RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT $prologue$
\ir ../snapshot/00_prologue.sql
$prologue$, $statement$
\ir ../snapshot/01_statement.sql
$statement$, $environment$
\ir ../snapshot/91_environment.sql
$environment$, $system$
\ir ../snapshot/92_system.sql
$system$
$function$;
COMMENT ON FUNCTION schemaguard.sg_snapshot_statement()
    IS 'returns the statement by which a live snapshot is read, here, on another server, or in psql';

-- When the snapshot statement fails because something cannot be printed (its library is gone, what it refers to was deleted
-- by hand, somebody has just locked or dropped it), this finds out what: each object alone, in a subtransaction. What failed
-- is left in the setting sg_snapshot.unprintable, from where the statement takes it: {"relation 16401": "why"}. So one
-- object that cannot be read costs its own text, and not the snapshot. A table's texts are one object here.
--
-- The statement runs on other servers, too: what is said above of functions and old majors holds here. A branch that is not evaluated
-- may name a function that an old server does not have.
CREATE FUNCTION schemaguard.sg_snapshot_probe()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT $probe$
\ir ../snapshot/90_probe.sql
$probe$
$function$;
COMMENT ON FUNCTION schemaguard.sg_snapshot_probe()
    IS 'returns the statement that finds the objects that a snapshot cannot print, if sg_snapshot_statement fails';

-- Returns the text as statements, of which the last gives the lines of a document: for a database of ours without the extension
CREATE FUNCTION schemaguard.sg_snapshot_script()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT $script$
\ir ../snapshot/00_prologue.sql
SET LOCAL sg_snapshot.skip_locked = 'off';
\ir ../snapshot/93_lines.sql
$script$
$function$;
COMMENT ON FUNCTION schemaguard.sg_snapshot_script()
    IS 'returns the statements that print a snapshot of another database in lines';
