-- Graphs: tables and their keys, as Mermaid, DOT or SVG. A graph is a document {"tables": [{"id", "name", "module"}], "keys": [{"child",
-- "parent", "name", "state"}]}, ids being numbers from 1; what follows writes it in a format. Names are inert in each.

CREATE TABLE schemaguard.module (
    module   text NOT NULL CHECK (module OPERATOR(pg_catalog.<>) ''),
    pattern  text NOT NULL,
    added_by text NOT NULL DEFAULT CURRENT_USER,
    added_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (module, pattern)
);
COMMENT ON TABLE schemaguard.module
    IS 'groups of tables, for sg_graph() and sg_schema_doc(); any other table belongs to the group of its schema';
COMMENT ON COLUMN schemaguard.module.module IS 'name of the group';
COMMENT ON COLUMN schemaguard.module.pattern
    IS 'pattern for qualified names of tables: * is any text; the longest matching pattern counts';
COMMENT ON COLUMN schemaguard.module.added_by IS 'role that added the row';
COMMENT ON COLUMN schemaguard.module.added_at IS 'time at which the row was added';
ALTER TABLE schemaguard.module ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_own_name ON schemaguard.module USING (true)
    WITH CHECK (added_by OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text);
GRANT SELECT ON schemaguard.module TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.module TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.module', '');

CREATE FUNCTION schemaguard.sg_module_of(table_name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT m.module FROM schemaguard.module m WHERE schemaguard.sg_lint_like(table_name, m.pattern)
        ORDER BY length(m.pattern) DESC, m.module COLLATE "C" LIMIT 1);
COMMENT ON FUNCTION schemaguard.sg_module_of(text) IS 'returns the group of schemaguard.module to which a table belongs; null: none';

-- Returns the drawing style of each state of keys: colours of 4.5 to 1 on white and on black, and a line that tells it without them
CREATE FUNCTION schemaguard.sg_graph_styles(OUT state text, OUT colour text, OUT line text, OUT meaning text) RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES ('valid', '#767676', 'solid', 'valid'),
           ('not valid', '#2a7abf', 'dashed', 'not validated, or not enforced'),
           ('unarmed', '#a857a8', 'dashed', 'its triggers are disabled or missing'),
           ('orphans', '#d6403a', 'bold', 'the last audit has found orphans'),
           ('planned', '#a06a00', 'dotted', 'a step of a plan, not there yet');
END;
COMMENT ON FUNCTION schemaguard.sg_graph_styles() IS 'returns colour and line for each state of keys in a graph';

CREATE FUNCTION schemaguard.sg_graph_keys(OUT child oid, OUT parent oid, OUT name text, OUT state text) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH unarmed AS MATERIALIZED (
        SELECT u.oid FROM schemaguard.sg_unarmed_keys() u WHERE u.enforced),
    broken AS MATERIALIZED (
        SELECT DISTINCT p.constraint_oid AS oid FROM schemaguard.proof_here p WHERE p.result = 'fail')
    SELECT k.child, k.parent, k.fk_name::text,
           CASE WHEN k.oid IN (SELECT b.oid FROM broken b) THEN 'orphans'
                WHEN k.oid IN (SELECT u.oid FROM unarmed u) THEN 'unarmed'
                WHEN NOT k.validated OR NOT k.enforced THEN 'not valid' ELSE 'valid' END
    FROM schemaguard.lint_key k
    UNION ALL
    SELECT s.child, s.parent, s.fk_name, 'planned'
    FROM (SELECT schemaguard.sg_relation_oid(p.child_table) AS child, schemaguard.sg_relation_oid(p.parent_table) AS parent,
                 p.fk_name
          FROM schemaguard.plan_step p
          WHERE p.kind = 'foreign key' AND p.state <> 'validated' AND p.skipped_by IS NULL) s
    WHERE s.child IS NOT NULL AND s.parent IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = s.child AND c.conname = s.fk_name);
END;
COMMENT ON FUNCTION schemaguard.sg_graph_keys()
    IS 'returns keys that are declared or planned, with their state; keys of partitions are left out';

-- The tables within so many keys of the focus, in either direction; without one those of the schemas
CREATE FUNCTION schemaguard.sg_graph_document(schemas text[], focus oid, depth int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE key AS MATERIALIZED (
        SELECT k.* FROM schemaguard.sg_graph_keys() k),
    near (oid, steps) AS (
        SELECT f.oid, 0 FROM (SELECT focus AS oid) f WHERE f.oid IS NOT NULL
        UNION
        SELECT CASE WHEN k.child = n.oid THEN k.parent ELSE k.child END, n.steps + 1
        FROM near n JOIN key k ON n.oid IN (k.child, k.parent) WHERE n.steps < depth),
    shown AS (
        SELECT t.oid, t.name, row_number() OVER (ORDER BY t.name COLLATE "C") AS id,
               coalesce(schemaguard.sg_module_of(t.name), t.schema_name) AS module
        FROM schemaguard.lint_table t
        WHERE NOT t.is_partition AND (schemas IS NULL OR t.schema_name = ANY (schemas))
          AND (focus IS NULL OR t.oid IN (SELECT n.oid FROM near n)))
    SELECT jsonb_build_object(
        'tables', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name, 'module', s.module, 'focus', s.oid = focus)
                                             ORDER BY s.id), '[]') FROM shown s),
        'keys', (SELECT coalesce(jsonb_agg(jsonb_build_object('child', c.id, 'parent', p.id, 'name', k.name, 'state', k.state)
                                           ORDER BY c.id, p.id, k.name COLLATE "C", k.state), '[]')
                 FROM key k JOIN shown c ON c.oid = k.child JOIN shown p ON p.oid = k.parent));
END;
COMMENT ON FUNCTION schemaguard.sg_graph_document(text[], oid, int)
    IS 'returns the graph of some schemas, or around a table, as a document';

-- Mermaid ends a label at a quote and reads markup in it: all but letters, digits and points are entities.
CREATE FUNCTION schemaguard.sg_graph_mermaid_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(CASE WHEN u.c ~ '[[:alnum:]_. +]' THEN u.c ELSE format('#%s;', ascii(u.c)) END, '' ORDER BY u.n)
        FROM regexp_split_to_table(schemaguard.sg_page_plain(value), '') WITH ORDINALITY u (c, n));
COMMENT ON FUNCTION schemaguard.sg_graph_mermaid_text(text) IS 'returns a text as a label of Mermaid, in which nothing is markup';

CREATE FUNCTION schemaguard.sg_graph_mermaid(graph jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH node AS (
        SELECT t.* FROM jsonb_to_recordset(graph -> 'tables') t (id int, name text, module text, focus boolean)),
    edge AS (
        SELECT k.*, row_number() OVER (ORDER BY k.child, k.parent, k.name COLLATE "C", k.state) - 1 AS n, s.colour, s.line
        FROM jsonb_to_recordset(graph -> 'keys') k (child int, parent int, name text, state text)
             JOIN schemaguard.sg_graph_styles() s ON s.state = k.state)
    SELECT E'flowchart LR\n'
        || coalesce((SELECT string_agg(format(E'subgraph m%s["%s"]\n%send\n', g.n, schemaguard.sg_graph_mermaid_text(g.module), g.lines), ''
                                       ORDER BY g.n)
                     FROM (SELECT node.module, row_number() OVER (ORDER BY node.module COLLATE "C") AS n,
                                  string_agg(format(E't%s["%s"]\n', node.id, schemaguard.sg_graph_mermaid_text(node.name)), ''
                                             ORDER BY node.id) AS lines
                           FROM node GROUP BY node.module) g), '')
        || coalesce((SELECT string_agg(format(E't%s %s|"%s"| t%s\n', e.child,
                                              CASE e.line WHEN 'bold' THEN '==>' WHEN 'solid' THEN '-->' ELSE '-.->' END,
                                              schemaguard.sg_graph_mermaid_text(
                                                  e.name || CASE WHEN e.state = 'valid' THEN '' ELSE ' (' || e.state || ')' END),
                                              e.parent), '' ORDER BY e.n) FROM edge e), '')
        || coalesce((SELECT string_agg(format(E'linkStyle %s stroke:%s\n', l.numbers, l.colour), '' ORDER BY l.colour)
                     FROM (SELECT e.colour, string_agg(e.n::text, ',' ORDER BY e.n) AS numbers FROM edge e GROUP BY e.colour) l), '')
        || coalesce((SELECT string_agg(format(E'style t%s stroke-width:3px\n', node.id), '') FROM node WHERE node.focus), '');
END;
COMMENT ON FUNCTION schemaguard.sg_graph_mermaid(jsonb) IS 'returns a graph in Mermaid';

CREATE FUNCTION schemaguard.sg_graph_dot_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '"' || replace(replace(replace(translate(schemaguard.sg_page_plain(value), E'\n\t', '  '), '&', '&amp;'),
                              E'\\', E'\\\\'), '"', E'\\"') || '"';
COMMENT ON FUNCTION schemaguard.sg_graph_dot_text(text) IS 'returns a text as a quoted label of DOT, in which nothing is an escape';

CREATE FUNCTION schemaguard.sg_graph_dot(graph jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH node AS (
        SELECT t.* FROM jsonb_to_recordset(graph -> 'tables') t (id int, name text, module text, focus boolean))
    SELECT E'digraph schema {\nrankdir=LR;\nnode [shape=box, fontname="sans-serif"];\nedge [fontname="sans-serif", fontsize=10];\n'
        || coalesce((SELECT string_agg(format(E'subgraph cluster_%s {\nlabel=%s;\n%s}\n', g.n, schemaguard.sg_graph_dot_text(g.module),
                                              g.lines), '' ORDER BY g.n)
                     FROM (SELECT node.module, row_number() OVER (ORDER BY node.module COLLATE "C") AS n,
                                  string_agg(format(E't%s [label=%s%s];\n', node.id, schemaguard.sg_graph_dot_text(node.name),
                                                    CASE WHEN node.focus THEN ', penwidth=3' ELSE '' END), '' ORDER BY node.id) AS lines
                           FROM node GROUP BY node.module) g), '')
        || coalesce((SELECT string_agg(format(E't%s -> t%s [label=%s, color="%s", style=%s];\n', k.child, k.parent,
                                              schemaguard.sg_graph_dot_text(
                                                  k.name || CASE WHEN k.state = 'valid' THEN '' ELSE ' (' || k.state || ')' END),
                                              s.colour, s.line), '' ORDER BY k.child, k.parent, k.name COLLATE "C", k.state)
                     FROM jsonb_to_recordset(graph -> 'keys') k (child int, parent int, name text, state text)
                          JOIN schemaguard.sg_graph_styles() s ON s.state = k.state), '')
        || E'}\n';
END;
COMMENT ON FUNCTION schemaguard.sg_graph_dot(jsonb) IS 'returns a graph in DOT, for Graphviz';

-- Places for a drawing: parents above their children, by the longest path; keys within a circle do not count. Six to a line.
CREATE FUNCTION schemaguard.sg_graph_places(graph jsonb, OUT id int, OUT name text, OUT focus boolean, OUT x int, OUT y int)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE edge AS (
        SELECT DISTINCT k.child, k.parent FROM jsonb_to_recordset(graph -> 'keys') k (child int, parent int) WHERE k.child <> k.parent),
    reach AS (
        SELECT e.child, e.parent FROM edge e
        UNION SELECT r.child, e.parent FROM reach r JOIN edge e ON e.child = r.parent),
    downward AS (
        SELECT e.child, e.parent FROM edge e WHERE NOT EXISTS (SELECT FROM reach r WHERE r.child = e.parent AND r.parent = e.child)),
    ranked AS (
        SELECT t.id, 0 AS layer FROM jsonb_to_recordset(graph -> 'tables') t (id int)
        UNION SELECT d.child, r.layer + 1 FROM ranked r JOIN downward d ON d.parent = r.id),
    layered AS (
        SELECT t.id, t.name, t.focus, l.layer, row_number() OVER (PARTITION BY l.layer ORDER BY t.id) - 1 AS place
        FROM jsonb_to_recordset(graph -> 'tables') t (id int, name text, focus boolean)
             JOIN (SELECT r.id, max(r.layer) AS layer FROM ranked r GROUP BY r.id) l ON l.id = t.id),
    line AS (
        SELECT d.layer, d.part, row_number() OVER (ORDER BY d.layer, d.part) - 1 AS n
        FROM (SELECT DISTINCT l.layer, l.place / 6 AS part FROM layered l) d)
    SELECT l.id, l.name, l.focus, (20 + 210 * (l.place % 6))::int, (20 + 90 * i.n)::int
    FROM layered l JOIN line i ON i.layer = l.layer AND i.part = l.place / 6;
END;
COMMENT ON FUNCTION schemaguard.sg_graph_places(jsonb) IS 'returns the positions of the tables of a graph';

CREATE FUNCTION schemaguard.sg_graph_svg(graph jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH box AS MATERIALIZED (
        SELECT p.* FROM schemaguard.sg_graph_places(graph) p),
    size AS (
        SELECT coalesce(max(b.x), 0) + 220 AS width, coalesce(max(b.y), 0) + 80 AS height FROM box b),
    key AS (
        SELECT k.*, s.colour, s.line, c.x AS cx, c.y AS cy, p.x AS px, p.y AS py,
               row_number() OVER (PARTITION BY k.child, k.parent ORDER BY k.name COLLATE "C", k.state) - 1 AS twin,
               schemaguard.sg_page_html_text(format('%s: %s to %s, %s', k.name, c.name, p.name, k.state)) AS title
        FROM jsonb_to_recordset(graph -> 'keys') k (child int, parent int, name text, state text)
             JOIN schemaguard.sg_graph_styles() s ON s.state = k.state JOIN box c ON c.id = k.child JOIN box p ON p.id = k.parent)
    SELECT format(E'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%1$s" height="%2$s" role="img" '
                  'aria-label="tables and foreign keys">\n', s.width, s.height)
        || '<style>text{font:13px sans-serif;fill:#222}rect{fill:#fff;stroke:#767676}.f{stroke-width:3}path{fill:none;stroke-width:1.5}'
           '@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#222}}</style>' || E'\n'
        || coalesce((SELECT string_agg(format(E'<path d="%s" stroke="%s"%s><title>%s</title></path>\n',
               CASE WHEN k.child = k.parent
                    THEN format('M%s %s c30 -40 60 40 0 30', k.cx + 190, k.cy + 10)
                    ELSE format('M%s %s C%s %s %s %s %s %s', k.cx + 95 + 8 * k.twin, k.cy, k.cx + 95, k.cy - 40, k.px + 95, k.py + 80,
                                k.px + 95 + 8 * k.twin, k.py + 40) END,
               k.colour, CASE k.line WHEN 'dashed' THEN ' stroke-dasharray="7 4"' WHEN 'dotted' THEN ' stroke-dasharray="2 4"'
                                     WHEN 'bold' THEN ' style="stroke-width:3"' ELSE '' END, k.title), ''
               ORDER BY k.child, k.parent, k.name COLLATE "C", k.state) FROM key k), '')
        || coalesce((SELECT string_agg(format(
               E'<g><title>%s</title><rect x="%s" y="%s" width="190" height="40" rx="4"%s/><text x="%s" y="%s">%s</text></g>\n',
               schemaguard.sg_page_html_text(b.name), b.x, b.y, CASE WHEN b.focus THEN ' class="f"' ELSE '' END, b.x + 8, b.y + 25,
               schemaguard.sg_page_html_text(CASE WHEN length(b.name) > 24 THEN left(b.name, 23) || '...' ELSE b.name END)), ''
               ORDER BY b.id) FROM box b), '')
        || E'</svg>\n'
    FROM size s;
END;
COMMENT ON FUNCTION schemaguard.sg_graph_svg(jsonb) IS 'returns a graph as a drawing in SVG, which loads nothing and runs nothing';

CREATE FUNCTION schemaguard.sg_graph_body(format text, schemas schemaguard.names, focus schemaguard.table_name, depth int)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET jit = off SET row_security = on
AS $$
DECLARE
    graph jsonb;
    around regclass := focus::text::regclass;
BEGIN
    PERFORM schemaguard.sg_check_word('format', format, '{mermaid,dot,svg}');
    IF depth IS NULL OR depth NOT BETWEEN 0 AND 100 THEN
        RAISE EXCEPTION 'depth is % keys', coalesce(depth::text, 'NULL') USING ERRCODE = '22023', HINT = 'Give a number from 0 to 100.';
    ELSIF around IS NOT NULL AND NOT EXISTS (SELECT FROM schemaguard.lint_table t WHERE t.oid = around AND NOT t.is_partition) THEN
        RAISE EXCEPTION '% is not a table of a graph', around
            USING ERRCODE = '42809', HINT = 'The focus is a table: no partition, view or system catalog.';
    END IF;
    graph := schemaguard.sg_graph_document(schemaguard.sg_schemas(schemas), around, depth);
    IF format = 'svg' AND jsonb_array_length(graph -> 'tables') > 60 THEN
        RAISE EXCEPTION 'a drawing of % tables could not be read', jsonb_array_length(graph -> 'tables')
            USING ERRCODE = '54000', HINT = format(E'Draw what is around a table, or have Graphviz draw it:\n'
                'SELECT %s.sg_graph(''dot'');', schemaguard.sg_schema());
    END IF;
    RETURN CASE format WHEN 'dot' THEN schemaguard.sg_graph_dot(graph) WHEN 'svg' THEN schemaguard.sg_graph_svg(graph)
                       ELSE schemaguard.sg_graph_mermaid(graph) END;
END $$;
COMMENT ON FUNCTION schemaguard.sg_graph_body(text, schemaguard.names, schemaguard.table_name, int) IS 'does the work of sg_graph()';

CREATE FUNCTION sg_graph(
    format text DEFAULT 'mermaid', schemas schemaguard.names DEFAULT NULL, focus schemaguard.table_name DEFAULT NULL, depth int DEFAULT 1)
RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_graph(text, schemaguard.names, schemaguard.table_name, int)
    IS 'returns tables and their keys, by state, as Mermaid, DOT or SVG; of schemas, or around a table';
