-- Sync: the rows that go from one function to the next on the way from pairs to statements

-- An object between a pair and its statements: sg_sync_changes() gives what a pair says, sg_sync_managed() the line from "managed"
-- on, sg_sync_described() the last one, and flags in "properties"
CREATE TYPE schemaguard.sync_object AS (
    number int, kind text, state text, changes text[],
    identity text, parent text, name text, properties jsonb,
    target_identity text, target_parent text, target_name text, target_properties jsonb,
    unknown text, score float8, withheld text,
    managed boolean, parent_state text, leafwise boolean, bare boolean, root text, whole text,
    of_domain boolean, of_partitioned boolean, joins text,
    old jsonb, new jsonb, back int);
COMMENT ON TYPE schemaguard.sync_object IS 'object that a script may be about, with its properties in the reference and in the target';

-- A rule for what has changed of an object
CREATE TYPE schemaguard.sync_fired AS (
    number int, step text, section int, anew boolean, statement text, state text, loss text, rule bigint, property text);
COMMENT ON TYPE schemaguard.sync_fired IS 'rule of sg_sync_rules() that a change of an object calls for';

-- An object that is made anew, or touched: again tells whether it is dropped and made, differs whether it is to be another one, cause for
-- which object
CREATE TYPE schemaguard.sync_anew AS (number int, kind text, target_identity text, again boolean, differs boolean, cause int);
COMMENT ON TYPE schemaguard.sync_anew IS 'object that is dropped and recreated, with the object that causes this';

-- Temporary state of a column or domain until the object on which it depends is recreated: without its default, or of another type
CREATE TYPE schemaguard.sync_meanwhile AS (number int, no_default boolean, type text);
COMMENT ON TYPE schemaguard.sync_meanwhile IS 'temporary state of a column or domain while an object on which it depends is recreated';

-- An object with what it is made of: "old" and "new" with columns of tables and constraints of domains; fresh: what it is when it is
-- made anew; late_at, late: a section in which it comes late, and how late; joins_late: as a partition, when surplus columns are gone
CREATE TYPE schemaguard.sync_made AS (
    number int, kind text, state text, changes text[], parent_state text,
    identity text, target_identity text, parent text, target_parent text,
    old jsonb, new jsonb, fresh jsonb, again boolean, beside boolean, lost text, late_at int, late bigint,
    joins_late boolean, back int);
COMMENT ON TYPE schemaguard.sync_made IS 'object for which statements are made, with the values of which they are made';

-- A statement without its guard. Section as in sg_sync_rules(), place: the order within; step: create, drop, alter, validate or fresh,
-- which is what a new object has beyond CREATE; context: the object for templates; olds, news: the object before and after, for the guard
CREATE TYPE schemaguard.sync_step AS (
    section int, place bigint, kind text, object text, what text, statement text, step text,
    context jsonb, olds jsonb, news jsonb, state text, property text, loss text);
COMMENT ON TYPE schemaguard.sync_step IS 'statement that a rule gives for an object';

-- A statement with its guard
CREATE TYPE schemaguard.sync_statement AS (
    number bigint, section int, place bigint, kind text, object text, what text, statement text, step text,
    context jsonb, property text, loss text, guard text, before text, after text);
COMMENT ON TYPE schemaguard.sync_statement IS 'statement of a script, with its guard';

-- A dependency of an object of either side. Way: depends, part, text (a statement names it), or check (of a domain)
CREATE TYPE schemaguard.sync_need AS (kind text, object text, on_kind text, on_object text, way text);
COMMENT ON TYPE schemaguard.sync_need IS 'dependency of one object on another';

-- Names in a statement, and the owners of the code that it meets here: sg_sync_seen()
CREATE TYPE schemaguard.sync_seen AS (
    number bigint, kind text, object text, names text[], types text[], untyped boolean, reader text, runner text, builder text);
COMMENT ON TYPE schemaguard.sync_seen IS 'names in a statement, and the owners of the code that they meet';

-- An object with a role whose code it is, or leads to
CREATE TYPE schemaguard.sync_owned AS (kind text, object text, owner text);
COMMENT ON TYPE schemaguard.sync_owned IS 'object with a role whose code it runs';

-- A verdict on a statement: the role whose code it would run, and the reason why it is left out
CREATE TYPE schemaguard.sync_fit AS (number bigint, kind text, object text, owner text, problem text);
COMMENT ON TYPE schemaguard.sync_fit IS 'role whose code a statement would run, and reason why the statement is left out';

-- An object that is left out: its own problem, or below, which of those that it stands on have one; native: it is not tried
CREATE TYPE schemaguard.sync_left_over AS (kind text, object text, problem text, below text, native boolean);
COMMENT ON TYPE schemaguard.sync_left_over IS 'object whose statements are left out';

-- A query for rows that may block a change of an object; what: the change, null: every change of it
CREATE TYPE schemaguard.sync_found AS (kind text, object text, what text, finder text);
COMMENT ON TYPE schemaguard.sync_found IS 'query for the rows that would make a statement fail';

-- A line of a script beside its statements; before and after: of what may have been renamed, its two names
CREATE TYPE schemaguard.sync_remark AS (
    place bigint, kind text, object text, what text, told text, before text, after text, note text);
COMMENT ON TYPE schemaguard.sync_remark IS 'remark of a script beside its statements';

-- A statement on the way to steps of a plan: as of sg_sync_united(), n with room between two; step: how the note begins; blocked: the rows
-- in its way; lost: it is left out
CREATE TYPE schemaguard.sync_act AS (
    section int, kind text, object text, what text, statement text, guard text, before text, after text, note text, unit int, n bigint,
    step text, blocked text, lost boolean);
COMMENT ON TYPE schemaguard.sync_act IS 'statement that becomes a step of a plan, or part of one';

-- A statement with its object as the reference (new) and this database (old) have it. Form: the kind of step that does it, "statement", or
-- "with", which is done by another one; part: drop, renamed, announced, or nothing; firm: it is asked of all rows; plain: a key that such
-- a step can make; freed: stays when that of the whole goes; in_new: made with its table, so nothing is in the way
CREATE TYPE schemaguard.sync_line AS (
    section int, kind text, object text, what text, statement text, guard text, before text, after text, note text, unit int, n bigint,
    step text, target_identity text, parent text, name text, target_name text, new jsonb, old jsonb, changes text[], twin boolean,
    gone_at bigint, type text, new_name text, in_new boolean, firm boolean, plain boolean, freed boolean, relkind "char",
    form text, part text, index_name text);
COMMENT ON TYPE schemaguard.sync_line IS 'statement with its object, and the kind of step that carries it out';

-- A statement as a plan can hold it, by its n; text is null for what a script alone can do. At: its place; run: between which other steps
CREATE TYPE schemaguard.sync_spoken AS (n bigint, text text, at bigint, run bigint);
COMMENT ON TYPE schemaguard.sync_spoken IS 'statement as a plan can hold it';

-- A statement of the way back, by the name that the reference has; told: by the one that the statement has
CREATE TYPE schemaguard.sync_back AS (
    kind text, object text, told text, parent text, what text, drops boolean, n bigint, statement text);
COMMENT ON TYPE schemaguard.sync_back IS 'statement that makes the reference like this database';

-- A statement of a step. Island: the step; at: its place
CREATE TYPE schemaguard.sync_member AS (
    island bigint, at bigint, kind text, object text, target_identity text, parent text, what text, part text, step text, text text,
    attaches boolean, in_new boolean, relkind "char", guard text, before text, after text, depends jsonb);
COMMENT ON TYPE schemaguard.sync_member IS 'statement of a step that consists of statements';
