-- Promotion: the environments that a schema passes through, and when each may be changed

-- Returns when a window is open next: `at` itself while it is open. A window is like "Sat,Sun 22:00-04:00 Europe/Berlin; 03:00-03:30":
-- days, from, to, time zone, which is UTC where none is named; what ends before it begins ends on the next day. Raises 22023.
CREATE FUNCTION schemaguard.sg_window_opens("window" text, at timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    week  CONSTANT text[] := '{mon,tue,wed,thu,fri,sat,sun}';
    part  text;
    said  text[];
    zone  text;
    days  int[];
    opens timestamptz;
    opening timestamptz;
BEGIN
    FOREACH part IN ARRAY regexp_split_to_array("window", '\s*;\s*') LOOP
        said := regexp_match(lower(part), '^\s*(?:((?:mon|tue|wed|thu|fri|sat|sun)(?:[-,](?:mon|tue|wed|thu|fri|sat|sun))*)\s+)?'
            '((?:[01]?\d|2[0-3]):[0-5]\d)-((?:[01]?\d|2[0-3]):[0-5]\d|24:00)(?:\s+(\S+))?\s*$');
        zone := coalesce(substring(part FROM '\s([^\s:]+/\S+|[^\s:-]+)\s*$'), 'UTC');
        IF said IS NULL OR said[4] IS NOT NULL AND lower(zone) <> said[4]
                OR NOT EXISTS (SELECT FROM pg_timezone_names z WHERE lower(z.name) = lower(zone)) THEN
            RAISE invalid_parameter_value USING MESSAGE = format('%L is no window', part),
                HINT = 'Days, from, to, time zone, as in: Sat,Sun 22:00-04:00 Europe/Berlin; 03:00-03:30';
        END IF;
        days := ARRAY(
            SELECT d FROM regexp_split_to_table(coalesce(said[1], 'mon-sun'), ',') s (days)
            CROSS JOIN LATERAL (SELECT array_position(week, split_part(s.days, '-', 1)) AS first,
                array_position(week, coalesce(nullif(split_part(s.days, '-', 2), ''), split_part(s.days, '-', 1))) AS last) r,
                generate_series(1, 7) d
            WHERE CASE WHEN r.first <= r.last THEN d BETWEEN r.first AND r.last ELSE d >= r.first OR d <= r.last END);
        SELECT min(greatest(w.opens, at)) INTO opening
        FROM generate_series(-1, 8) n CROSS JOIN LATERAL (SELECT (at AT TIME ZONE zone)::date + n AS day) d
        CROSS JOIN LATERAL (SELECT (d.day + said[2]::time) AT TIME ZONE zone AS opens,
            (d.day + said[3]::interval + CASE WHEN said[3]::interval <= said[2]::interval THEN interval '1 day' ELSE '0' END)
                AT TIME ZONE zone AS closes) w
        WHERE extract(isodow FROM d.day) = ANY (days) AND w.closes > at;
        opens := least(opens, opening);
    END LOOP;
    RETURN opens;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_window_opens(text, timestamptz)
    IS 'returns the time at which a window is open next, which is the given one while it is open';

CREATE TABLE schemaguard.environment (
    name      text PRIMARY KEY CONSTRAINT "name has 1 to 24 bytes"
        CHECK (name OPERATOR(pg_catalog.<>) '' AND pg_catalog.octet_length(name) OPERATOR(pg_catalog.<=) 24),
    server    text,                             -- a foreign server; null: this database
    stage     text NOT NULL CONSTRAINT "stage is development, test, staging or production"
        CHECK (stage IN ('development', 'test', 'staging', 'production')),
    next      text CONSTRAINT "next is another environment" CHECK (next OPERATOR(pg_catalog.<>) name),
    protected boolean NOT NULL DEFAULT false,
    "window"  text,                             -- null: at any time
    approvers text[] NOT NULL DEFAULT '{}',
    added_by  text NOT NULL DEFAULT CURRENT_USER,
    added_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    UNIQUE NULLS NOT DISTINCT (server)
);
COMMENT ON TABLE schemaguard.environment IS 'databases that a schema passes through on its way to production, for sg_promote()';
COMMENT ON COLUMN schemaguard.environment.name IS 'name of the environment, of at most 24 bytes';
COMMENT ON COLUMN schemaguard.environment.server IS 'foreign server that leads to the database; null: this database';
COMMENT ON COLUMN schemaguard.environment.stage IS 'stage: development, test, staging or production';
COMMENT ON COLUMN schemaguard.environment.next IS 'environment that takes over what this one has; null: none';
COMMENT ON COLUMN schemaguard.environment.protected
    IS 'true if a bundle needs an approval there, and comes from the environment before it only';
COMMENT ON COLUMN schemaguard.environment."window"
    IS 'when plans may run there, as in Sat,Sun 22:00-04:00 Europe/Berlin; null: at any time';
COMMENT ON COLUMN schemaguard.environment.approvers IS 'roles that may read and approve bundles, beside the owner of the database';
COMMENT ON COLUMN schemaguard.environment.added_by IS 'role that added the row';
COMMENT ON COLUMN schemaguard.environment.added_at IS 'time at which the row was added';
-- Who says what is protected can say otherwise: for the owner of the database. Everybody writes in their own name.
ALTER TABLE schemaguard.environment ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON schemaguard.environment TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.environment TO pg_database_owner;
CREATE POLICY of_all ON schemaguard.environment FOR SELECT USING (true);
CREATE POLICY of_owner ON schemaguard.environment TO pg_database_owner USING (true) WITH CHECK (true);
CREATE POLICY in_own_name ON schemaguard.environment AS RESTRICTIVE FOR INSERT
    WITH CHECK (added_by OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text);
SELECT pg_catalog.pg_extension_config_dump('schemaguard.environment', '');

-- Returns an environment and those behind it, in order; a cycle, which two sessions could make at once, ends
CREATE FUNCTION schemaguard.sg_environment_path(environment text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE path AS (
        SELECT e.name, e.next, 1 AS n, ARRAY[e.name] AS seen FROM schemaguard.environment e WHERE e.name = sg_environment_path.environment
        UNION ALL
        SELECT e.name, e.next, p.n + 1, p.seen || e.name FROM path p JOIN schemaguard.environment e ON e.name = p.next
        WHERE e.name <> ALL (p.seen))
    SELECT array_agg(p.name ORDER BY p.n) FROM path p
$function$;
COMMENT ON FUNCTION schemaguard.sg_environment_path(text)
    IS 'returns an environment and those behind it, in order';

-- After the rows are there, so that a dump is restored in any order
CREATE FUNCTION schemaguard.sg_environment_check()
RETURNS trigger
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    around text[];
BEGIN
    PERFORM schemaguard.sg_window_opens(e."window", now()) FROM schemaguard.environment e;
    SELECT e.name || p.path INTO around FROM schemaguard.environment e CROSS JOIN LATERAL schemaguard.sg_environment_path(e.next) p (path)
    WHERE e.name = ANY (p.path) ORDER BY e.name LIMIT 1;
    IF around IS NOT NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'environments follow one another in a circle: ' || array_to_string(around, ', '),
            HINT = 'The last one, such as production, has no "next".';
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_environment_check()
    IS 'refuses circles of environments, and windows that are none';
REVOKE ALL ON FUNCTION schemaguard.sg_environment_check() FROM PUBLIC;
CREATE TRIGGER check_all AFTER INSERT OR UPDATE ON schemaguard.environment
    FOR EACH STATEMENT EXECUTE FUNCTION schemaguard.sg_environment_check();
