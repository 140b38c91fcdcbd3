-- Pages: what people read. A page is a document {"title", "verdict", "lead": [lines], "sections": [{"title", "note", "columns": [names],
-- "rows": [[values]]}]}; what follows writes any of them in a format. Names and data come from everywhere, and are inert in each.
--
-- A section without rows is a heading. Of a section may be said, too, its "level" as a heading, 2 by default; its "id", and the one that
-- it belongs to, "of", of whose name is "name". A value {"text", "to"} leads to the section of that id; on a page with a "base" to the file
-- of that id there, a point being a folder. A value {"text", "bar"} has a bar of so many per cent in HTML. A page with "search" has a field
-- that shows sections and rows by what is in them, and tables that can be sorted, in HTML.

CREATE FUNCTION schemaguard.sg_page_hidden() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN E'[\\u0001-\\u0008\\u000b-\\u001f\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f'
       '\\u200b-\\u200f\\u2028-\\u202f\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufffe\\uffff\\U000e0000-\\U000e0fff]';
COMMENT ON FUNCTION schemaguard.sg_page_hidden()
    IS 'returns the pattern for characters that are invisible, or that change the direction of a line';

CREATE FUNCTION schemaguard.sg_page_shown(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(CASE WHEN p.c ~ schemaguard.sg_page_hidden()
                               THEN 'U+' || upper(regexp_replace(lpad(to_hex(ascii(p.c)), 8, '0'), '^0{1,4}', ''))
                               ELSE p.c END, '' ORDER BY p.n)
        FROM regexp_split_to_table(value, '') WITH ORDINALITY p (c, n));
COMMENT ON FUNCTION schemaguard.sg_page_shown(text) IS 'returns a text in which code numbers replace the characters of sg_page_hidden()';

-- This, and what follows for a text, a value and a section, are expressions that the planner puts in place of their calls: of a large page
-- each of its values would else be a query.
CREATE FUNCTION schemaguard.sg_page_plain(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value ~ schemaguard.sg_page_hidden() THEN schemaguard.sg_page_shown(value) ELSE value END;
COMMENT ON FUNCTION schemaguard.sg_page_plain(text) IS 'returns a text in which all characters are visible';

-- Nothing in it is markup, a link or a mention. Underscores within words are none anyway, and stay readable.
CREATE FUNCTION schemaguard.sg_page_markdown_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    replace(replace(replace(replace(replace(replace(
        translate(schemaguard.sg_page_plain(value), E'\n\t', '  '),
        '&', '&amp;'), '#', '&#35;'), '<', '&lt;'), '>', '&gt;'), '@', '&#64;'), '://', '&#58;//'),
    '(www)[.]', E'\\1&#46;', 'gi'), E'([][\\\\`*|~$])', E'\\\\\\1', 'g'), '(?<![[:alnum:]])_', E'\\\\_', 'g'),
    E'(?<!\\\\)_(?![[:alnum:]])', E'\\\\_', 'g');
COMMENT ON FUNCTION schemaguard.sg_page_markdown_text(text) IS 'returns a text in one line of Markdown, in which nothing is markup';

-- Nor does it begin a list, a line or code.
CREATE FUNCTION schemaguard.sg_page_markdown_line(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN E'\n' || regexp_replace(ltrim(schemaguard.sg_page_markdown_text(value)), '^([0-9]*)([-+=.)])', E'\\1\\\\\\2') || E'\n';
COMMENT ON FUNCTION schemaguard.sg_page_markdown_line(text) IS 'returns a text as a paragraph of Markdown, in which nothing is markup';

CREATE FUNCTION schemaguard.sg_page_html_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(
    schemaguard.sg_page_plain(value), '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION schemaguard.sg_page_html_text(text) IS 'returns a text in HTML, in which nothing is markup';

-- Some renderers take escaped brackets in the text of a link for those of another link
CREATE FUNCTION schemaguard.sg_page_markdown_cell(value jsonb, base text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value ->> 'to' IS NULL
            THEN coalesce(schemaguard.sg_page_markdown_text(coalesce(value ->> 'text', value #>> '{}')), '')
            ELSE '[' || replace(replace(schemaguard.sg_page_markdown_text(value ->> 'text'), E'\\[', '&#91;'), E'\\]', '&#93;') || ']('
                 || coalesce(base || replace(value ->> 'to', '.', '/') || '.md', '#' || (value ->> 'to')) || ')' END;
COMMENT ON FUNCTION schemaguard.sg_page_markdown_cell(jsonb, text) IS 'returns a value of a page in Markdown, as a link if it has a target';

CREATE FUNCTION schemaguard.sg_page_markdown_table(section jsonb, base text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN section -> 'rows' IS NULL THEN '' WHEN section -> 'rows' = '[]' THEN E'\nNone.\n' ELSE
    E'\n| ' || (SELECT string_agg(schemaguard.sg_page_markdown_text(c.name), ' | ' ORDER BY c.n)
               FROM jsonb_array_elements_text(section -> 'columns') WITH ORDINALITY c (name, n))
    || E' |\n|' || repeat(' --- |', jsonb_array_length(section -> 'columns')) || E'\n'
    || (SELECT string_agg('| ' || r.line || E' |\n', '' ORDER BY r.n)
        FROM (SELECT c.n, (SELECT string_agg(schemaguard.sg_page_markdown_cell(v.value, base), ' | ' ORDER BY v.n)
                           FROM jsonb_array_elements(c.cells) WITH ORDINALITY v (value, n)) AS line
              FROM jsonb_array_elements(section -> 'rows') WITH ORDINALITY c (cells, n)) r) END;
COMMENT ON FUNCTION schemaguard.sg_page_markdown_table(jsonb, text) IS 'returns the table of a section of a page, in Markdown';

CREATE FUNCTION schemaguard.sg_page_markdown(page jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '# ' || schemaguard.sg_page_markdown_text(page ->> 'title') || E'\n'
    || coalesce(E'\n**' || schemaguard.sg_page_markdown_text(page ->> 'verdict') || E'**\n', '')
    || coalesce((SELECT string_agg(schemaguard.sg_page_markdown_line(l.line), '' ORDER BY l.n)
                 FROM jsonb_array_elements_text(page -> 'lead') WITH ORDINALITY l (line, n)), '')
    || coalesce((SELECT string_agg(coalesce(E'\n<a id="' || (s.section ->> 'id') || E'"></a>\n', '')
                                   || E'\n' || repeat('#', coalesce((s.section -> 'level')::int, 2)) || ' '
                                   || schemaguard.sg_page_markdown_text(s.section ->> 'title') || E'\n'
                                   || coalesce(schemaguard.sg_page_markdown_line(s.section ->> 'note'), '')
                                   || schemaguard.sg_page_markdown_table(s.section, page ->> 'base'), '' ORDER BY s.n)
                 FROM jsonb_array_elements(page -> 'sections') WITH ORDINALITY s (section, n)), '');
COMMENT ON FUNCTION schemaguard.sg_page_markdown(jsonb) IS 'returns a page in Markdown';

-- Returns the class of a status word, for its colour; the word stays beside it
CREATE FUNCTION schemaguard.sg_page_class(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IN ('go', 'ok', 'pass', 'validated') THEN 'good'
            WHEN value IN ('no-go', 'failing', 'fail', 'failed') THEN 'bad'
            WHEN value IN ('hold', 'attention', 'unknown', 'pending', 'not run', 'added', 'waiting', 'skipped', 'rolled back', 'drift')
                THEN 'open' END;
COMMENT ON FUNCTION schemaguard.sg_page_class(text) IS 'returns the class of a status word: good, bad or open; null: another word';

CREATE FUNCTION schemaguard.sg_page_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ':root{color-scheme:light dark;--line:#ccc;--soft:#f4f4f4;--good:#17633a;--bad:#a3160e;--open:#7a4b00;--bar:#2a7abf}'
    '@media(prefers-color-scheme:dark){:root{--line:#444;--soft:#222;--good:#6fd39a;--bad:#ff9a92;--open:#ffc46b;--bar:#6db3e8}}'
    'html{background:Canvas;color:CanvasText}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:75rem;padding:1rem}'
    'h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}h3{font-size:1.1rem;margin-top:2rem}h4{font-size:1rem}'
    'h1,h2,h3{overflow-wrap:anywhere}section>p{white-space:pre-line}'
    '[role=search]{background:Canvas;position:sticky;top:0;padding:.5rem 0}input{font:inherit;padding:.2rem .4rem;max-width:100%}'
    '.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;width:100%}'
    'th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:start;vertical-align:top}'
    'th,td{min-width:5.5rem}td{overflow-wrap:anywhere}'
    'th{background:var(--soft)}th button{background:none;border:0;color:inherit;cursor:pointer;font:inherit;padding:0;text-align:start}'
    '[aria-sort] button::after{border:.3em solid transparent;content:"";display:inline-block;margin-inline-start:.4em}'
    '[aria-sort=ascending] button::after{border-bottom-color:currentColor;transform:translateY(-.2em)}'
    '[aria-sort=descending] button::after{border-top-color:currentColor;transform:translateY(.2em)}'
    'td svg{display:block;fill:var(--bar);height:.4rem;width:6rem}.verdict{font-size:1.4rem;font-weight:700}'
    '.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}.open{color:var(--open);font-weight:600}'
    'td[class]{overflow-wrap:normal}td[class] a{color:inherit}'
    '@media print{[role=search]{display:none}.scroll{overflow:visible}'
    'section{break-inside:auto}tr{break-inside:avoid}thead{display:table-header-group}}';
COMMENT ON FUNCTION schemaguard.sg_page_style() IS 'returns the style sheet of all pages: light, dark, narrow and print';

-- The script has no backslash and no quote of the kind around it, and is allowed by its digest. Tables can be sorted by a column, but for
-- the parts of a section, whose order says something; rows that lead to no part are shown by what is in them.
CREATE FUNCTION schemaguard.sg_page_script() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '"use strict";'
    'const box=document.querySelector("[role=search]"),input=box.querySelector("input"),told=box.querySelector("output");'
    'const all=[...document.querySelectorAll("section")],parts=new Map(),texts=new Map();'
    'const order=new Intl.Collator("en",{numeric:true});'
    'for(const s of all){const k=s.dataset.of;if(k){if(!parts.has(k))parts.set(k,[]);parts.get(k).push(s)}}'
    'function text(k){if(!texts.has(k))texts.set(k,parts.get(k).map(s=>s.textContent).join(" ").toLowerCase());return texts.get(k)}'
    'function find(){const words=input.value.toLowerCase().split(" ").filter(w=>w);let n=0,rows=0,shown=0;'
    'for(const[k,l]of parts){const hit=words.every(w=>text(k).includes(w));for(const s of l)s.hidden=!hit;if(hit)n++}'
    'for(const s of all)if(!s.dataset.of){let any=false;for(const r of s.querySelectorAll("tbody tr")){'
    'const a=r.querySelector("a"),l=a&&parts.get(a.hash.slice(1)),t=r.textContent.toLowerCase();rows++;'
    'r.hidden=l?l[0].hidden:!words.every(w=>t.includes(w));if(!r.hidden){any=true;shown++}}s.hidden=words.length>0&&!any}'
    'told.textContent=parts.size?n+" of "+parts.size:shown+" of "+rows}'
    'function go(){const e=document.getElementById(location.hash.slice(1)),s=e&&e.closest("section");'
    'if(s&&s.hidden){input.value="";find();s.scrollIntoView()}}'
    'function sort(h){const up=h.ariaSort!=="ascending",b=h.closest("table").tBodies[0];'
    'for(const c of h.parentNode.cells)c.removeAttribute("aria-sort");h.setAttribute("aria-sort",up?"ascending":"descending");'
    'const v=r=>r.cells[h.cellIndex].textContent;b.append(...[...b.rows].sort((x,y)=>order.compare(v(x),v(y))*(up?1:-1)))}'
    'for(const h of document.querySelectorAll("section:not([data-of]) th")){const b=document.createElement("button");b.type="button";'
    'b.append(...h.childNodes);b.addEventListener("click",()=>sort(h));h.append(b)}'
    'input.addEventListener("input",find);addEventListener("hashchange",go);'
    'addEventListener("keydown",e=>{if(e.key==="/"&&e.target!==input){e.preventDefault();input.focus()}'
    'else if(e.key==="Escape"&&e.target===input){input.value="";find()}});'
    'box.hidden=false;find();';
COMMENT ON FUNCTION schemaguard.sg_page_script()
    IS 'returns the script that filters the sections of a page and sorts tables; it loads nothing';

CREATE FUNCTION schemaguard.sg_page_html_cell(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value ->> 'to' IS NOT NULL
            THEN '<td' || coalesce(' class="' || schemaguard.sg_page_class(value ->> 'text') || '"', '') || '><a href="#'
                 || (value ->> 'to') || '"><bdi>' || schemaguard.sg_page_html_text(value ->> 'text') || '</bdi></a></td>'
            WHEN value -> 'bar' IS NOT NULL
            THEN '<td>' || schemaguard.sg_page_html_text(value ->> 'text') || '<svg aria-hidden="true"><rect height="100%" width="'
                 || (value ->> 'bar') || '%"/></svg></td>'
            ELSE '<td' || coalesce(' class="' || schemaguard.sg_page_class(value #>> '{}') || '"', '') || '>'
                 || coalesce('<bdi>' || schemaguard.sg_page_html_text(value #>> '{}') || '</bdi>', '') || '</td>' END;
COMMENT ON FUNCTION schemaguard.sg_page_html_cell(jsonb)
    IS 'returns a value of a page in HTML, as a link if it has a target, with a bar if it has one';

CREATE FUNCTION schemaguard.sg_page_html_table(section jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN section -> 'rows' IS NULL THEN '' WHEN section -> 'rows' = '[]' THEN '<p>None.</p>' ELSE
    '<div class="scroll" tabindex="0" role="region" aria-label="'
    || schemaguard.sg_page_html_text(concat_ws(' of ', section ->> 'title', section ->> 'name'))
    || '"><table><thead><tr>'
    || (SELECT string_agg('<th scope="col">' || schemaguard.sg_page_html_text(c.name) || '</th>', '' ORDER BY c.n)
        FROM jsonb_array_elements_text(section -> 'columns') WITH ORDINALITY c (name, n))
    || E'</tr></thead>\n<tbody>\n'
    || (SELECT string_agg('<tr>' || r.cells || E'</tr>\n', '' ORDER BY r.n)
        FROM (SELECT c.n, (SELECT string_agg(schemaguard.sg_page_html_cell(v.value), '' ORDER BY v.n)
                           FROM jsonb_array_elements(c.cells) WITH ORDINALITY v (value, n)) AS cells
              FROM jsonb_array_elements(section -> 'rows') WITH ORDINALITY c (cells, n)) r)
    || '</tbody></table></div>' END;
COMMENT ON FUNCTION schemaguard.sg_page_html_table(jsonb) IS 'returns the table of a section of a page, in HTML';

CREATE FUNCTION schemaguard.sg_page_html_section(section jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '<section' || coalesce(' data-of="' || (section ->> 'of') || '"', '') || E'>\n<h' || coalesce(section ->> 'level', '2')
    || coalesce(' id="' || (section ->> 'id') || '"', '') || '>' || schemaguard.sg_page_html_text(section ->> 'title')
    || '</h' || coalesce(section ->> 'level', '2') || E'>\n'
    || coalesce('<p>' || schemaguard.sg_page_html_text(section ->> 'note') || E'</p>\n', '')
    || schemaguard.sg_page_html_table(section) || E'\n</section>\n';
COMMENT ON FUNCTION schemaguard.sg_page_html_section(jsonb) IS 'returns a section of a page, in HTML';

CREATE FUNCTION schemaguard.sg_page_html(page jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN E'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline'''
    || CASE WHEN page ? 'search'
            THEN format('; script-src ''sha256-%s''', encode(sha256(schemaguard.sg_page_script()::bytea), 'base64')) ELSE '' END || E'">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">' || E'\n<title>'
        || schemaguard.sg_page_html_text(page ->> 'title')
    || E'</title>\n<style>' || schemaguard.sg_page_style() || E'</style>\n</head>\n<body>\n<main>\n<h1>'
    || schemaguard.sg_page_html_text(page ->> 'title') || E'</h1>\n'
    || coalesce('<p class="verdict ' || schemaguard.sg_page_class(page ->> 'verdict') || '">'
                || schemaguard.sg_page_html_text(page ->> 'verdict') || E'</p>\n', '')
    || coalesce((SELECT string_agg('<p>' || schemaguard.sg_page_html_text(l.line) || E'</p>\n', '' ORDER BY l.n)
                 FROM jsonb_array_elements_text(page -> 'lead') WITH ORDINALITY l (line, n)), '')
    || coalesce('<div role="search" hidden><label>' || schemaguard.sg_page_html_text(page ->> 'search')
                || E' <input type="search" aria-keyshortcuts="/"></label> <output></output></div>\n', '')
    || coalesce((SELECT string_agg(schemaguard.sg_page_html_section(s.section), '' ORDER BY s.n)
                 FROM jsonb_array_elements(page -> 'sections') WITH ORDINALITY s (section, n)), '')
    || E'</main>\n' || CASE WHEN page ? 'search' THEN '<script>' || schemaguard.sg_page_script() || E'</script>\n' ELSE '' END
    || E'</body>\n</html>\n';
COMMENT ON FUNCTION schemaguard.sg_page_html(jsonb)
    IS 'returns a page in HTML: one file that loads nothing, and runs nothing but its own search';

-- Before and after, each box by what is on record: yes, no or unknown, and the query that says so
CREATE FUNCTION schemaguard.sg_report_boxes(plan text, OUT part text, OUT place int, OUT box text, OUT done boolean, OUT query text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH this AS (
        SELECT p.* FROM schemaguard.plan p WHERE p.name = sg_report_boxes.plan),
    step AS (
        SELECT s.* FROM schemaguard.plan_step s WHERE s.plan = sg_report_boxes.plan),
    figure AS (
        SELECT f.* FROM schemaguard.sg_go_figures(sg_report_boxes.plan) f)
    SELECT 'Before', 1, 'somebody else has approved the plan', t.approved_by IS NOT NULL,
           format('SELECT approved_by, approved_at FROM schemaguard.plan WHERE name = %L;', t.name) FROM this t
    UNION ALL
    SELECT 'Before', 2, 'each step says why', NOT EXISTS (SELECT FROM step s WHERE nullif(btrim(s.rationale), '') IS NULL),
           format('SELECT step, fk_name, rationale FROM schemaguard.plan_step WHERE plan = %L;', t.name) FROM this t
    UNION ALL
    SELECT 'Before', 3, 'the orphans of each key were counted', NOT EXISTS (
               SELECT FROM step s
               WHERE s.kind = 'foreign key' AND s.state <> 'skipped'
                 AND s.step NOT IN (SELECT c.step FROM schemaguard.sg_go_counts(sg_report_boxes.plan) c)),
           format('SELECT * FROM %s.sg_orphan_audit(plan => %L);', schemaguard.sg_schema(), t.name) FROM this t
    UNION ALL
    SELECT 'Before', 4, 'the overhead of keys was measured', NULLIF(f.actual IS NOT NULL, false), f.next_call
    FROM figure f WHERE f.metric = 'overhead, ms'
    UNION ALL
    SELECT 'Before', 5, 'nothing in the server stands in the way now', NOT EXISTS (
               SELECT FROM schemaguard.sg_server_check() c WHERE c.result <> 'ok'),
           'SELECT check_name, result, detail FROM schemaguard.sg_server_check() WHERE result <> ''ok'';'
    UNION ALL
    SELECT 'Before', 6, 'a snapshot from before the first run is there', EXISTS (
               SELECT FROM schemaguard.snapshot s
               WHERE s.imported_at IS NULL AND s.database = current_database()
                 AND s.taken_at < coalesce((SELECT min(e.at) FROM schemaguard.evidence e WHERE e.plan_id = t.id AND e.kind = 'before'),
                     now())),
           'SELECT name, taken_at FROM schemaguard.snapshot ORDER BY taken_at;' FROM this t
    UNION ALL
    SELECT 'After', b.place, b.box, f.actual <= 0 AND (b.place NOT IN (3, 4) OR NULLIF(NOT EXISTS (
               SELECT FROM step s WHERE s.kind = 'foreign key' AND s.state IN ('pending', 'waiting', 'failed', 'rolled back')), false)),
           coalesce(f.next_call, 'SELECT * FROM schemaguard.sg_go_figures();')
    FROM (VALUES (1, 'no step has failed', 'steps failed'), (2, 'no step is open', 'steps open'), (3, 'all keys are valid',
        'keys not valid'),
                 (4, 'each key is proved', 'keys without proof'), (5, 'no row is an orphan', 'orphan rows'),
                 (6, 'no test has failed', 'tests failed'), (7, 'no test is unknown', 'tests unknown'),
                 (8, 'no row is gone or changed without a copy', 'rows gone or changed'),
                 (9, 'no row is in quarantine', 'rows in quarantine')) b (place, box, metric)
         JOIN figure f ON f.metric = b.metric
    UNION ALL
    SELECT 'After', 10, 'no call has left anything behind', NOT EXISTS (
               SELECT FROM schemaguard.sg_status_leftovers() s WHERE s.state <> 'ok'),
           format('SELECT summary, next_call FROM %s.sg_status() WHERE subject = ''leftovers'';', schemaguard.sg_schema());
END;
COMMENT ON FUNCTION schemaguard.sg_report_boxes(text) IS 'returns the checklist of a plan; done is null if nobody can tell';

CREATE FUNCTION schemaguard.sg_report_checklist(plan text, part text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section(sg_report_checklist.part, 'Yes, no or unknown by what is on record; the query says more.',
        '{Done,Box,Query}',
        jsonb_agg(jsonb_build_array(CASE b.done WHEN true THEN 'yes' WHEN false THEN 'no' ELSE 'unknown' END, b.box, b.query)
            ORDER BY b.place))
    FROM schemaguard.sg_report_boxes(sg_report_checklist.plan) b WHERE b.part = sg_report_checklist.part;
END;
COMMENT ON FUNCTION schemaguard.sg_report_checklist(text, text) IS 'section of a checklist: before or after';

CREATE FUNCTION schemaguard.sg_report_status() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Status', NULL, '{State,Subject,Since,Summary,Next call}',
        jsonb_agg(jsonb_build_array(s.state, s.subject, schemaguard.sg_page_time(s.since), s.summary, s.next_call) ORDER BY s.ordinality))
    FROM @extschema@.sg_status() WITH ORDINALITY s;
END;
COMMENT ON FUNCTION schemaguard.sg_report_status() IS 'section of a report: sg_status()';

CREATE FUNCTION schemaguard.sg_report_plans() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Plans', 'Those that this role may read.',
        '{Plan,Steps,Validated,Added,Failed,Skipped,Open,Rows deleted,Rows changed,Values gone,Rows in quarantine}',
        jsonb_agg(jsonb_build_array(p.plan, p.steps, p.validated, p.added, p.failed, p.skipped, p.open, p.rows_deleted, p.rows_changed,
                                    p.values_gone, p.rows_in_quarantine) ORDER BY p.plan COLLATE "C"))
    FROM schemaguard.plan_summary p;
END;
COMMENT ON FUNCTION schemaguard.sg_report_plans() IS 'section of a report: all plans, with their steps by state';

CREATE FUNCTION schemaguard.sg_report_lead(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT jsonb_agg(l.line ORDER BY l.place)
    FROM (SELECT 1 AS place, format('Database %s, %s, by role %s. No row of a user''s table was read for this.', current_database(),
                                    schemaguard.sg_page_time(now()), current_user) AS line
          UNION ALL
          SELECT 2, format('The plan is by role %s, of %s%s. %s', p.author, schemaguard.sg_page_time(p.created_at),
                           CASE WHEN p.description <> '' THEN ': ' || p.description ELSE '' END,
                           CASE WHEN p.approved_by IS NULL THEN 'Nobody has approved it as it stands.'
                                ELSE format('Approved by role %s, %s.', p.approved_by, schemaguard.sg_page_time(p.approved_at)) END)
          FROM schemaguard.plan p WHERE p.name = sg_report_lead.plan
          UNION ALL
          SELECT 3, format('Role %s is no member of pg_monitor: what other roles have run is not shown, and counts as unknown.',
              current_user)
          WHERE NOT schemaguard.sg_sees_all()) l;
END;
COMMENT ON FUNCTION schemaguard.sg_report_lead(text) IS 'returns the lines above the sections of a report';

CREATE FUNCTION schemaguard.sg_report_body(plan text, format text, kind text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off SET row_security = on AS $$
DECLARE
    sections jsonb;
    page jsonb;
    rules jsonb;
BEGIN
    PERFORM schemaguard.sg_check_word('format', format, '{markdown,html,json}'),
        schemaguard.sg_check_word('kind', kind, '{report,checklist}');
    IF kind = 'checklist' AND plan IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'a checklist is about a plan, and none is named',
            HINT = 'Plans are listed by:' || E'\n' || 'SELECT * FROM schemaguard.plan_summary;';
    END IF;
    SELECT jsonb_agg(to_jsonb(r) ORDER BY r.ordinality) INTO rules FROM schemaguard.sg_go_rules(plan) WITH ORDINALITY r;
    IF kind = 'checklist' THEN
        sections := jsonb_build_array(schemaguard.sg_report_checklist(plan, 'Before'), schemaguard.sg_report_checklist(plan, 'After'));
    ELSIF plan IS NULL THEN
        sections := jsonb_build_array(schemaguard.sg_report_decision(rules), schemaguard.sg_report_status(),
            schemaguard.sg_report_plans(),
            schemaguard.sg_report_proof(NULL), schemaguard.sg_report_tests(NULL), schemaguard.sg_report_smoke(NULL),
            schemaguard.sg_report_objects(),
            schemaguard.sg_report_accepted(NULL), schemaguard.sg_report_risks(NULL), schemaguard.sg_report_figures(NULL),
            schemaguard.sg_report_unchecked(NULL, rules));
    ELSE
        sections := jsonb_build_array(schemaguard.sg_report_decision(rules), schemaguard.sg_report_planned(plan),
            schemaguard.sg_report_done(plan), schemaguard.sg_report_orphans(plan), schemaguard.sg_report_skipped(plan),
            schemaguard.sg_report_proof(plan), schemaguard.sg_report_tests(plan), schemaguard.sg_report_smoke(plan),
            schemaguard.sg_report_overhead(plan), schemaguard.sg_report_watch(plan),
            schemaguard.sg_report_objects(), schemaguard.sg_report_figures(plan), schemaguard.sg_report_accepted(plan),
            schemaguard.sg_report_risks(plan), schemaguard.sg_report_unchecked(plan, rules));
    END IF;
    page := jsonb_build_object('title', coalesce('Plan ' || plan, 'Database ' || current_database()), 'verdict',
        schemaguard.sg_go_verdict(rules),
                               'lead', schemaguard.sg_report_lead(plan), 'sections', sections);
    RETURN CASE format WHEN 'html' THEN schemaguard.sg_page_html(page) WHEN 'json' THEN jsonb_pretty(page)
                       ELSE schemaguard.sg_page_markdown(page) END;
END $$;
COMMENT ON FUNCTION schemaguard.sg_report_body(text, text, text) IS 'does the work of sg_report()';

CREATE FUNCTION sg_report(plan text DEFAULT NULL, format text DEFAULT 'markdown', kind text DEFAULT 'report')
RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_report(text, text, text)
    IS 'returns a page for those who decide: plan, deeds, proof, go or no-go, and gaps; without a plan: of the database';
