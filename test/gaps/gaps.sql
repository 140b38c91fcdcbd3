-- gaps.sql: the tables that 049_gaps.pl works on, and the attack. gaps.c calls gap.attack() in each gap, by a session of mallory's.
--
-- Roles: mallory attacks; root, a superuser, alice, an owner of tables, and op, to whom mallory's privileges are granted, call.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE SCHEMA m AUTHORIZATION mallory;
GRANT ALL ON SCHEMA m TO PUBLIC;
-- a superuser's operator, and a schema where others may make a better match
CREATE SCHEMA o;
GRANT ALL ON SCHEMA o TO PUBLIC;
CREATE FUNCTION o.pair(int, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR o.## (LEFTARG = int, RIGHTARG = bigint, FUNCTION = o.pair);
CREATE TABLE o.t (x int);
INSERT INTO o.t VALUES (1);
CREATE SCHEMA gap;
GRANT USAGE ON SCHEMA gap TO PUBLIC;

-- ---- witnesses: each says as whom it runs, and tries to become the superuser

SET ROLE mallory;
CREATE FUNCTION m.w(slot text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
DECLARE
	me text := current_user;
BEGIN
	IF me <> session_user THEN
		BEGIN
			PERFORM set_config('role', 'none', true);
			IF current_user <> me THEN
				me := current_user || ' by RESET ROLE';
			END IF;
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END IF;
	RAISE LOG 'WITNESS % AS %', slot, me;
	RETURN true;
END $$;
CREATE FUNCTION m.i(slot text, n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM m.w(slot); RETURN n; END $$;
CREATE FUNCTION m.b(slot text, n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN m.w(slot); END $$;
CREATE FUNCTION m.default() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM m.w('default'); RETURN 7; END $$;
CREATE FUNCTION m.trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM m.w('trigger'); RETURN coalesce(NEW, OLD); END $$;
CREATE DOMAIN m.typed AS int CHECK (m.b('type', VALUE));
CREATE FUNCTION m.new_domains() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	DROP DOMAIN IF EXISTS m.plain, m.evil;
	CREATE DOMAIN m.plain AS int;
	-- built-in functions, which fmgr_hook does not see: the lock says as whom
	CREATE DOMAIN m.evil AS int CHECK (pg_try_advisory_lock(4711, CASE current_user WHEN 'mallory' THEN 0 ELSE 1 END) IS NOT NULL);
END $$;
CREATE TABLE m.noted (b boolean);
GRANT ALL ON m.noted TO PUBLIC;
RESET ROLE;

-- ---- kinds of attack; %1$s is a table, %2$s its name without schema

CREATE TABLE gap.kind (name text PRIMARY KEY, statements text[]);
INSERT INTO gap.kind VALUES
	('trigger', '{CREATE TRIGGER x BEFORE INSERT OR UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION m.trigger()}'),
	('trigger after', '{CREATE CONSTRAINT TRIGGER y AFTER INSERT OR UPDATE OR DELETE ON %1$s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION m.trigger()}'),
	('index', ARRAY[$$CREATE INDEX ON %1$s ((n + m.i('index', 1)))$$]),
	('index of rows', ARRAY[$$CREATE INDEX ON %1$s (m.i('index of rows', n)) WHERE m.b('predicate', n)$$]),
	('statistics', ARRAY[$$CREATE STATISTICS t.s_%2$s ON (n + m.i('statistics', 1)), id FROM %1$s$$, 'ANALYZE %1$s']),
	('rule', ARRAY[$$CREATE RULE r AS ON INSERT TO %1$s DO ALSO INSERT INTO m.noted VALUES (m.w('rule'))$$,
		$$CREATE RULE r2 AS ON UPDATE TO %1$s DO ALSO INSERT INTO m.noted VALUES (m.w('rule'))$$,
		$$CREATE RULE r3 AS ON DELETE TO %1$s DO ALSO INSERT INTO m.noted VALUES (m.w('rule'))$$]),
	('policy', ARRAY[$$CREATE POLICY p ON %1$s USING (m.b('policy', n))$$, 'ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY']),
	('type', '{ALTER TABLE %1$s ALTER x TYPE m.typed}'),
	('type of a key', '{ALTER TABLE %1$s ALTER q TYPE m.typed,ALTER TABLE %1$s ALTER id TYPE m.typed}'),
	('default', '{ALTER TABLE %1$s ALTER n SET DEFAULT m.default()}'),
	('check', ARRAY[$$ALTER TABLE %1$s ADD CHECK (m.b('check', n) AND n > m.i('check', 0) - 1000)$$]),
	('inherits', ARRAY[$$CREATE TABLE t.kid_%2$s () INHERITS (%1$s); CREATE INDEX ON t.kid_%2$s ((n + m.i('inherits', 1)));
		CREATE TRIGGER x BEFORE INSERT OR UPDATE OR DELETE ON t.kid_%2$s FOR EACH ROW EXECUTE FUNCTION m.trigger();
		INSERT INTO t.kid_%2$s (id, n) VALUES (900, 7)$$]),
	('attach', ARRAY[$$CREATE TABLE t.part_%2$s (LIKE %1$s); CREATE INDEX ON t.part_%2$s ((n + m.i('attach', 1)));
		CREATE TRIGGER x BEFORE INSERT OR UPDATE OR DELETE ON t.part_%2$s FOR EACH ROW EXECUTE FUNCTION m.trigger();
		INSERT INTO t.part_%2$s (id, n) VALUES (900, 8); ALTER TABLE %1$s ATTACH PARTITION t.part_%2$s FOR VALUES IN (8)$$]),
	('drop', '{DROP TABLE %1$s CASCADE}'),
	('rename', ARRAY[$$ALTER TABLE %1$s RENAME TO old_%2$s; CREATE TABLE %1$s (LIKE t.old_%2$s); GRANT ALL ON %1$s TO PUBLIC;
		INSERT INTO %1$s SELECT * FROM t.old_%2$s; CREATE INDEX ON %1$s ((n + m.i('rename', 1)));
		CREATE TRIGGER x BEFORE INSERT OR UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION m.trigger()$$]),
	('view', ARRAY[$$ALTER TABLE %1$s RENAME TO old_%2$s; CREATE VIEW %1$s AS SELECT * FROM t.old_%2$s WHERE m.w('view'); GRANT ALL ON %1$s TO PUBLIC$$]),
	('rename schema', ARRAY[$kind$DO $do$ DECLARE tab text; BEGIN IF '%2$s' <> 'c' THEN RETURN; END IF;
		ALTER SCHEMA t RENAME TO t_old; CREATE SCHEMA t; GRANT ALL ON SCHEMA t TO PUBLIC;
		FOREACH tab IN ARRAY '{p,c,d,d1}'::text[] LOOP
			EXECUTE format('CREATE TABLE t.%%1$s (LIKE t_old.%%1$s INCLUDING ALL); INSERT INTO t.%%1$s SELECT * FROM t_old.%%1$s; GRANT ALL ON t.%%1$s TO PUBLIC;
				CREATE INDEX ON t.%%1$s ((n + m.i(%%2$L, 1)));
				CREATE TRIGGER x BEFORE INSERT OR UPDATE OR DELETE ON t.%%1$s FOR EACH ROW EXECUTE FUNCTION m.trigger()', tab, 'rename schema');
		END LOOP; END $do$$kind$]),
	('schema of views', ARRAY[$kind$DO $do$ DECLARE tab text; BEGIN IF '%2$s' <> 'c' THEN RETURN; END IF;
		ALTER SCHEMA t RENAME TO t_old; CREATE SCHEMA t; GRANT ALL ON SCHEMA t TO PUBLIC;
		FOREACH tab IN ARRAY '{p,c,d,d1}'::text[] LOOP
			EXECUTE format('CREATE VIEW t.%%1$s AS SELECT tableoid, ctid, * FROM t_old.%%1$s WHERE pg_try_advisory_lock(4711,
				CASE current_user WHEN %%2$L THEN 0 ELSE 1 END) IS NOT NULL; GRANT ALL ON t.%%1$s TO PUBLIC', tab, 'mallory');
		END LOOP; END $do$$kind$]),
	('operator that comes', ARRAY['CREATE OPERATOR o.## (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_try_advisory_lock)']),
	('type that comes', '{ALTER DOMAIN m.evil RENAME TO plain}'),
	('rename column', '{ALTER TABLE %1$s RENAME n TO y; ALTER TABLE %1$s ADD n m.typed}'),
	('owner', ARRAY[$$CREATE INDEX ON %1$s ((n + m.i('owner', 1))); ALTER TABLE %1$s OWNER TO stooge$$]);
GRANT SELECT ON gap.kind TO PUBLIC;

-- ---- the attack: in the first gap that no attack of this kind has come through before

-- one_in: of so many gaps only one is tried; at: those whose site matches
CREATE UNLOGGED TABLE gap.state (armed text, site text, one_in int, at text);
INSERT INTO gap.state VALUES (NULL, NULL, 1, '');
CREATE UNLOGGED TABLE gap.tried (site text PRIMARY KEY);
CREATE UNLOGGED TABLE gap.refused (kind text, message text, PRIMARY KEY (kind, message));
CREATE UNLOGGED TABLE gap.met (site text PRIMARY KEY);
GRANT ALL ON gap.state, gap.tried, gap.refused, gap.met TO mallory;

CREATE FUNCTION gap.attack(here text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	attack text;
	every int;
	sites text;
	tab text;
	ddl text;
	done boolean := false;
BEGIN
	SELECT armed, one_in, at INTO attack, every, sites FROM gap.state;
	IF attack IS NULL THEN
		RETURN;
	END IF;
	INSERT INTO gap.met VALUES (here) ON CONFLICT DO NOTHING;
	IF hashtext(here || attack) % every <> 0 OR here !~ sites OR EXISTS (SELECT FROM gap.tried WHERE site = here) THEN
		RETURN;
	END IF;
	FOREACH tab IN ARRAY '{c,p,d,d1}'::text[] LOOP
		FOREACH ddl IN ARRAY (SELECT statements FROM gap.kind WHERE name = attack) LOOP
			BEGIN
				EXECUTE format(ddl, 't.' || tab, tab);
				done := true;
			EXCEPTION
				WHEN lock_not_available THEN NULL;
				WHEN OTHERS THEN INSERT INTO gap.refused VALUES (attack, tab || ': ' || SQLERRM) ON CONFLICT DO NOTHING;
			END;
		END LOOP;
	END LOOP;
	IF done THEN
		INSERT INTO gap.tried VALUES (here) ON CONFLICT DO NOTHING;
		UPDATE gap.state SET armed = NULL, site = here;
	END IF;
END $$;

-- Arms an attack of this kind, NULL: none; returns the gap in which the last one came through, or NULL
CREATE FUNCTION gap.arm(kind text) RETURNS text LANGUAGE sql AS $$
	WITH last AS (SELECT site FROM gap.state), new AS (UPDATE gap.state SET armed = kind, site = NULL) SELECT site FROM last;
$$;

-- ---- the tables: c and partitioned d refer to p; key p holds, and of key q one row is an orphan

CREATE PROCEDURE gap.reset(owner text) LANGUAGE plpgsql AS $$
DECLARE
	plan text;
	tab text;
BEGIN
	DROP SCHEMA IF EXISTS t, t_old CASCADE;
	DROP OPERATOR IF EXISTS o.## (int, int);
	FOR plan IN SELECT name FROM schemaguard.plan LOOP
		PERFORM sg_plan_drop(plan, true);
	END LOOP;
	DELETE FROM schemaguard.quarantine;
	CREATE SCHEMA t AUTHORIZATION mallory;
	GRANT ALL ON SCHEMA t TO PUBLIC;
	CREATE TABLE t.p (id int PRIMARY KEY, n int DEFAULT 7, x int, q int);
	CREATE TABLE t.c (id int PRIMARY KEY, p int CONSTRAINT c_p REFERENCES t.p ON DELETE CASCADE, q int, n int DEFAULT 7, x int);
	CREATE TABLE t.d (id int, p int CONSTRAINT d_p REFERENCES t.p ON DELETE CASCADE, q int, n int DEFAULT 7, x int) PARTITION BY LIST (n);
	CREATE TABLE t.d1 PARTITION OF t.d FOR VALUES IN (7);
	INSERT INTO t.p SELECT g, 7, g FROM generate_series(1, 30) g;
	INSERT INTO t.c SELECT g, g, CASE g WHEN 30 THEN 1000 ELSE g END, 7, g FROM generate_series(1, 30) g;
	INSERT INTO t.d SELECT * FROM t.c;
	FOREACH tab IN ARRAY '{p,c,d,d1}'::text[] LOOP
		EXECUTE format('GRANT ALL ON t.%s TO PUBLIC; ALTER TABLE t.%1$s OWNER TO %I', tab, CASE tab WHEN 'p' THEN 'mallory' ELSE owner END);
	END LOOP;
	TRUNCATE m.noted;
	SET LOCAL ROLE mallory;
	PERFORM m.new_domains();
	RESET ROLE;
END $$;

-- Constraints of the tables, whatever they are called now, and orphans of q, to compare one outcome with another
CREATE FUNCTION gap.orphans() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM t.c WHERE q IS NOT NULL AND q NOT IN (SELECT id FROM t.p));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
