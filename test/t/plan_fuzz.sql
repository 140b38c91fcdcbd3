-- plan_fuzz.sql: what 118_plan_fuzz.pl asks about plans in schema z.  Tables are known by their OIDs and columns by their numbers, so that
-- renames change nothing.
CREATE SCHEMA fz;
CREATE SCHEMA z;
CREATE TABLE fz.tab (name text, oid oid PRIMARY KEY, columns int);      -- a table, and its partitions and heirs under its name
CREATE TABLE fz.row (tab text, id int, v jsonb, PRIMARY KEY (tab, id)); -- the rows that there have to be, by numbers of columns
-- What may happen: 'lose' rows, 'change' a column, 'drop' a column or (col 0) the table; 'dirty': others have altered the table.  A step that
-- can take it back has to, or to say why not.
CREATE TABLE fz.may (tab text, what text, col int, step int);
CREATE TABLE fz.once (step int);
CREATE SEQUENCE fz.ids;
CREATE TABLE fz.before (tab text, object text, def text);

CREATE FUNCTION fz.now(t text) RETURNS TABLE (id int, v jsonb, at text) LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT x.oid, string_agg(format('%L, %I::text', attnum, attname), ', ') AS list, min(attname) FILTER (WHERE attnum = 1) AS id
		FROM fz.tab x JOIN pg_class c USING (oid) JOIN pg_attribute a ON attrelid = x.oid AND attnum BETWEEN 1 AND x.columns AND NOT attisdropped
		WHERE name = t AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = x.oid AND inhparent IN (SELECT oid FROM fz.tab WHERE name = t))
		GROUP BY 1
	LOOP
		RETURN QUERY EXECUTE format('SELECT %I, jsonb_build_object(%s), tableoid::regclass::text FROM %s', r.id, r.list, r.oid::regclass);
	END LOOP;
END $$;

-- What is wrong with the rows
CREATE FUNCTION fz.rows_wrong(said text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	t text;
	lost bigint = 0;
BEGIN
	FOR t IN SELECT DISTINCT name FROM fz.tab ORDER BY 1 LOOP
		IF NOT EXISTS (SELECT FROM fz.tab JOIN pg_class USING (oid) WHERE name = t) THEN
			RETURN QUERY SELECT format('table %s is gone', t) WHERE NOT EXISTS (SELECT FROM fz.may WHERE tab = t AND what = 'drop' AND col = 0);
			CONTINUE;
		END IF;
		DROP TABLE IF EXISTS pg_temp.found, pg_temp.kept;
		CREATE TEMP TABLE found AS SELECT * FROM fz.now(t);
		CREATE TEMP TABLE kept AS SELECT q.step, q.reason, coalesce(data ->> 'id', data ->> 'id_r')::int AS id, q.row_table, (SELECT jsonb_object_agg(n, coalesce(data ->> name, data ->> (name || '_r'), data ->> ('_sg_dropped_' || name)))
				FROM unnest('{id,r1,r2,a,b,c,d}'::text[]) WITH ORDINALITY AS x (name, n)) AS v
			FROM schemaguard.quarantine q WHERE plan = 'f' AND row_table ~ ('^(z|schemaguard_attic)\.' || t || '(_r|_[0-9])*$');
		RETURN QUERY SELECT format('%s: row %s is there %s times', t, id, count(*)) FROM (SELECT id FROM found UNION ALL SELECT id FROM kept) x GROUP BY id HAVING count(*) > 1;
		RETURN QUERY SELECT format('%s: row %s is new: %s', t, id, v) FROM found f WHERE NOT EXISTS (SELECT FROM fz.row r WHERE r.tab = t AND r.id = f.id);
		RETURN QUERY SELECT format('%s: row %s is lost', t, id) FROM fz.row r WHERE r.tab = t AND NOT EXISTS (SELECT FROM found f WHERE f.id = r.id) AND NOT EXISTS (SELECT FROM kept k WHERE k.id = r.id)
			AND NOT EXISTS (SELECT FROM fz.may WHERE tab = t AND (what = 'lose'
				-- a partition that is kept, of a table that was dropped for good
				OR (what = 'drop' AND col = 0 AND NOT EXISTS (SELECT FROM pg_class WHERE oid = (SELECT min(x.oid::bigint)::oid FROM fz.tab x WHERE x.name = t)))));
		lost := lost + (SELECT count(*) FROM fz.row r WHERE r.tab = t AND NOT EXISTS (SELECT FROM found f WHERE f.id = r.id) AND NOT EXISTS (SELECT FROM kept k WHERE k.id = r.id));
		RETURN QUERY SELECT format('%s: row %s%s: column %s is %L, not %L', t, r.id, f.which, e.key, f.v ->> e.key, e.value)
			FROM (SELECT id, v, '' AS which FROM found UNION ALL SELECT id, v, ' in quarantine' FROM kept) f JOIN fz.row r ON r.tab = t AND r.id = f.id, jsonb_each_text(r.v) e
			WHERE e.value IS DISTINCT FROM f.v ->> e.key
				AND NOT EXISTS (SELECT FROM fz.may m WHERE m.tab = t AND m.col = e.key::int AND m.what IN ('change', 'drop')
					AND (said IS NULL OR m.step IS NULL OR position('z.' || t IN said) > 0 OR (SELECT s.reason FROM schemaguard.plan_step s WHERE s.plan = 'f' AND s.step = m.step) IS NOT NULL));
		RETURN QUERY SELECT format('%s: row %s stays in quarantine without a reason', t, id) FROM kept WHERE said IS NOT NULL AND reason IS NULL;
	END LOOP;
	-- what is deleted without a copy is on record, row by row
	RETURN QUERY SELECT format('%s rows are lost, and %s on record', lost, d.n) FROM (SELECT coalesce(sum(rows_affected), 0) AS n FROM schemaguard.plan_deed WHERE kind = 'delete') d
		WHERE d.n <> lost AND NOT EXISTS (SELECT FROM schemaguard.plan_step WHERE definition ~ '^DELETE') AND NOT EXISTS (SELECT FROM fz.may WHERE what = 'drop' AND col = 0);
END $$;

-- What is in the schema: names and definitions, but for what others make beside the plan
CREATE FUNCTION fz.catalog() RETURNS TABLE (tab text, object text, def text) LANGUAGE sql BEGIN ATOMIC
	WITH c AS (SELECT c.oid, c.relname::text AS relname, c.relkind, c.relowner, c.relispartition, c.relpartbound FROM pg_class c
		WHERE c.relnamespace = to_regnamespace('z') AND c.relname NOT LIKE 'ddl\_%')
	SELECT * FROM (
		SELECT relname, relname, concat_ws(' ', 'table', relkind, relowner::regrole, relispartition, pg_get_expr(relpartbound, oid), CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END) FROM c WHERE relkind NOT IN ('i', 'I')
		UNION ALL SELECT relname, attname::text, concat_ws(' ', 'column', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, pg_get_expr(adbin, adrelid))
			FROM c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind IN ('r', 'p')
		UNION ALL SELECT relname, conname::text, 'constraint ' || pg_get_constraintdef(k.oid) FROM c JOIN pg_constraint k ON conrelid = c.oid WHERE contype <> 'n'
		UNION ALL SELECT relname, indexrelid::regclass::text, concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid) FROM c JOIN pg_index ON indrelid = c.oid
			WHERE NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = indexrelid AND i.inhparent::regclass::text LIKE 'z.ddl\_%')
		UNION ALL SELECT relname, tgname::text, concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), tgenabled) FROM c JOIN pg_trigger t ON tgrelid = c.oid WHERE NOT tgisinternal
		UNION ALL SELECT '', proname::text, 'function' FROM pg_proc WHERE pronamespace = to_regnamespace('z')) x (tab, object, def)
	WHERE object NOT LIKE 'ddl\_%' AND object NOT LIKE 'z.ddl\_%';
END;

-- How the schema differs from the one before, where no step says so
CREATE FUNCTION fz.catalog_wrong(said text) RETURNS SETOF text LANGUAGE sql AS $$
	WITH d AS (SELECT 'left' AS what, * FROM (SELECT * FROM fz.catalog() EXCEPT SELECT * FROM fz.before) x
		UNION ALL SELECT 'gone', * FROM (SELECT * FROM fz.before EXCEPT SELECT * FROM fz.catalog()) x)
	SELECT format('%s: %s of %s: %s', what, object, tab, def) FROM d
	-- of a table that others have altered, or that refers to one
	WHERE NOT EXISTS (SELECT FROM fz.may m WHERE m.what = 'dirty' AND (d.tab ~ ('^(z\.)?' || m.tab || '(_|$)') OR d.def ~ ('REFERENCES z\.' || m.tab || '(_|\()')))
		-- a table that is named, or that another one refers to
		AND NOT EXISTS (SELECT FROM regexp_matches(tab || ' ' || def, '\mt[0-9]', 'g') AS named
			WHERE position(named[1] IN said || coalesce((SELECT string_agg(concat_ws(' ', child_table, reason), ' ') FROM schemaguard.plan_step WHERE plan = 'f' AND reason IS NOT NULL), '')) > 0)
$$;

-- Which constraints and indexes are not what they say
CREATE FUNCTION fz.truth_wrong() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	r record;
	n bigint;
BEGIN
	FOR r IN SELECT conrelid::regclass AS t, c.relkind, k.* FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = connamespace WHERE nspname IN ('z', 'schemaguard_attic') AND convalidated AND contype IN ('c', 'f')
		AND (confrelid = 0 OR (SELECT p.relkind FROM pg_class p WHERE p.oid = confrelid) = c.relkind) LOOP
		IF r.contype = 'c' THEN
			EXECUTE format('SELECT count(*) FROM ONLY %s WHERE NOT (%s)', r.t, pg_get_expr(r.conbin, r.conrelid)) INTO n;
		ELSE
			EXECUTE format('SELECT count(*) FROM %s %s c WHERE %s AND NOT EXISTS (SELECT FROM %1$s %s p WHERE %s)', CASE r.relkind WHEN 'r' THEN 'ONLY' ELSE '' END, r.t,
				(SELECT string_agg(format('c.%I IS NOT NULL', attname), ' AND ') FROM pg_attribute WHERE attrelid = r.conrelid AND attnum = ANY (r.conkey)), r.confrelid::regclass,
				(SELECT string_agg(format('p.%I = c.%I', p.attname, c.attname), ' AND ') FROM unnest(r.conkey, r.confkey) u (a, b) JOIN pg_attribute c ON c.attrelid = r.conrelid AND c.attnum = a JOIN pg_attribute p ON p.attrelid = r.confrelid AND p.attnum = b)) INTO n;
		END IF;
		IF n > 0 THEN
			RETURN NEXT format('%s of %s is validated, and %s rows break it', r.conname, r.t, n);
		END IF;
	END LOOP;
END $$;

-- Steps that are called done, and are not
CREATE FUNCTION fz.steps_wrong() RETURNS SETOF text LANGUAGE sql AS $$
	WITH s AS (SELECT s.*, to_regclass(child_table) AS t FROM schemaguard.plan_step s WHERE plan = 'f'),
	done AS (SELECT * FROM s WHERE state = 'validated' AND kind NOT IN ('drop', 'rename', 'statement')
		-- what a later step drops or renames is looked at by itself
		AND NOT EXISTS (SELECT FROM s o WHERE o.kind IN ('drop', 'rename') AND (o.state = 'validated' OR o.reason ~ 'it was dropped for good') AND (o.child_table = s.child_table OR o.child_table = s.parent_table
			OR split_part(o.child_table, '.', 2) IN (SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = s.t)))
		AND NOT EXISTS (SELECT FROM fz.may WHERE what = 'dirty' AND 'z.' || tab IN (child_table, coalesce(parent_table, child_table))))
	SELECT format('step %s (%s %s ON %s %s, %L) is validated, and not there', step, kind, fk_name, child_table, child_columns, definition) FROM done s WHERE NOT CASE kind
		WHEN 'foreign key' THEN EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = t AND confrelid = to_regclass(parent_table) AND convalidated
			AND ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY u (n, i), pg_attribute WHERE attrelid = t AND attnum = n ORDER BY i) = child_columns)
			OR EXISTS (SELECT FROM s o WHERE o.replaces = s.fk_name AND o.child_table = s.child_table AND o.state = 'validated')
		WHEN 'check' THEN EXISTS (SELECT FROM pg_constraint WHERE contype = 'c' AND conrelid = t AND convalidated)
		WHEN 'not null' THEN (SELECT attnotnull FROM pg_attribute WHERE attrelid = t AND attname = child_columns[1])
		WHEN 'unique' THEN EXISTS (SELECT FROM pg_index WHERE indrelid = t AND indisunique AND indisvalid
			AND ARRAY(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY u (n, i), pg_attribute WHERE attrelid = t AND attnum = n ORDER BY attname) = ARRAY(SELECT unnest(child_columns) ORDER BY 1))
		WHEN 'column' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = t AND attname = child_columns[1] AND NOT attisdropped)
		WHEN 'default' THEN (definition IS NOT NULL) = EXISTS (SELECT FROM pg_attribute WHERE attrelid = t AND attname = child_columns[1] AND atthasdef)
			OR EXISTS (SELECT FROM s o WHERE o.kind IN ('default', 'column') AND o.child_table = s.child_table AND o.child_columns = s.child_columns AND o.step <> s.step)
		WHEN 'index' THEN EXISTS (SELECT FROM pg_index WHERE indrelid = t AND indisvalid AND (indisunique OR definition !~ 'UNIQUE'))
		WHEN 'table' THEN t IS NOT NULL
	END
	UNION ALL SELECT format('step %s (%s %s of %s) is validated, and still there', step, definition, fk_name, child_table) FROM s
		WHERE state = 'validated' AND kind = 'drop' AND NOT missing AND coalesce(reason, '') !~ '^not taken back: ' AND CASE definition WHEN 'table' THEN t IS NOT NULL WHEN 'view' THEN t IS NOT NULL
			WHEN 'column' THEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = t AND attname = fk_name AND NOT attisdropped)
			WHEN 'constraint' THEN EXISTS (SELECT FROM pg_constraint WHERE conrelid = t AND conname = fk_name)
			WHEN 'trigger' THEN EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t AND tgname = fk_name) END
			AND NOT EXISTS (SELECT FROM s o WHERE o.kind IN ('column', 'rename', 'check', 'unique', 'foreign key') AND o.child_table = s.child_table AND (o.fk_name = s.fk_name OR o.new_name IN (s.fk_name, split_part(s.child_table, '.', 2))))
	UNION ALL SELECT format('statement of step %s ran %s times, and is %s', step, (SELECT count(*) FROM fz.once o WHERE o.step = s.step), state) FROM s
		WHERE definition LIKE 'INSERT INTO fz.once%' AND (SELECT count(*) FROM fz.once o WHERE o.step = s.step) <> CASE WHEN state = 'validated' OR reason ~ 'so its undo was not run' THEN 1 ELSE 0 END
	UNION ALL SELECT format('index %s is invalid', indexrelid::regclass) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = to_regnamespace('z') AND NOT indisvalid AND relname NOT LIKE 'ddl%'
		AND NOT EXISTS (SELECT FROM s WHERE state NOT IN ('validated', 'skipped', 'rolled back'))
	UNION ALL SELECT format('log row %s has no outcome', id) FROM schemaguard.audit_log s WHERE phase = 'started' AND plan = 'f' AND NOT EXISTS (SELECT FROM schemaguard.audit_log o WHERE o.started_id = s.id)
		AND NOT EXISTS (SELECT FROM fz.may WHERE what = 'open')
$$;

-- A table's name, as it is now, and a column's
CREATE FUNCTION fz.called(t text) RETURNS text LANGUAGE sql AS $$
	SELECT min(oid::regclass::text) FROM fz.tab JOIN pg_class USING (oid) WHERE name = t AND relnamespace = 'z'::regnamespace AND oid NOT IN (SELECT inhrelid FROM pg_inherits)
$$;

-- An application: rows come, change and go, and fz.row in the same transactions.  Rows of its own alone are deleted: nobody refers to them.
CREATE PROCEDURE fz.app(seed float8, n int) LANGUAGE plpgsql AS $$
DECLARE
	t text;
	c text;
	i int;
	r record;
	given jsonb;
BEGIN
	PERFORM setseed(seed);
	FOR k IN 1 .. n LOOP
		BEGIN
			SELECT name INTO t FROM fz.tab ORDER BY random() LIMIT 1;
			c := fz.called(t);
			IF random() < 0.5 THEN
				i := nextval('fz.ids');
				SELECT string_agg(format('%I', attname), ', ') AS names, string_agg(format('%L', v), ', ') AS vals, jsonb_object_agg(attnum, v) AS given INTO r
				FROM (SELECT attname, attnum, CASE WHEN attnum = 1 THEN i::text WHEN random() < 0.2 AND attnum <> 7 THEN NULL WHEN attnum IN (2, 3) THEN (1 + floor(random() * 30))::int::text WHEN attnum = 4 THEN (floor(random() * 30) - 3)::int::text
						WHEN attnum = 5 THEN repeat('x', (random() * 4)::int) WHEN attnum = 6 THEN (random() * 100)::numeric(9, 2)::text ELSE floor(random() * 3)::int::text END AS v
					FROM fz.tab x JOIN pg_attribute ON attrelid = x.oid AND attnum BETWEEN 1 AND columns AND NOT attisdropped WHERE x.oid = c::regclass) x;
				EXECUTE format('INSERT INTO %s (%s) VALUES (%s)', c, r.names, r.vals);
				INSERT INTO fz.row VALUES (t, i, r.given);
			ELSIF random() < 0.7 THEN
				SELECT attname, attnum, CASE WHEN random() < 0.2 THEN NULL WHEN attnum IN (2, 3) THEN (1 + floor(random() * 30))::int::text WHEN attnum = 4 THEN (floor(random() * 30) - 3)::int::text
						WHEN attnum = 5 THEN repeat('y', (random() * 4)::int) ELSE (random() * 100)::numeric(9, 2)::text END AS v, x.id INTO r
				FROM (SELECT id FROM fz.row WHERE tab = t ORDER BY random() LIMIT 1) x, pg_attribute WHERE attrelid = c::regclass AND attnum BETWEEN 2 AND 6 AND NOT attisdropped ORDER BY random() LIMIT 1;
				EXECUTE format('UPDATE %s SET %I = %L WHERE %I = %s', c, r.attname, r.v, (SELECT attname FROM pg_attribute WHERE attrelid = c::regclass AND attnum = 1), r.id);
				GET DIAGNOSTICS i = ROW_COUNT;
				UPDATE fz.row SET v = v || jsonb_build_object(r.attnum, r.v) WHERE i > 0 AND tab = t AND id = r.id;
			ELSE
				SELECT id INTO i FROM fz.row WHERE tab = t AND id >= 1000 ORDER BY random() LIMIT 1;
				EXECUTE format('WITH d AS (DELETE FROM %s WHERE %I = %s RETURNING 1) DELETE FROM fz.row WHERE tab = %L AND id = %3$s AND EXISTS (SELECT FROM d)', c,
					(SELECT attname FROM pg_attribute WHERE attrelid = c::regclass AND attnum = 1), coalesce(i, 0), t);
			END IF;
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE ~ '^XX' OR SQLERRM ~ 'cache lookup' THEN
				RAISE;
			END IF;
		END;
		COMMIT;
	END LOOP;
END $$;

-- Others' DDL
CREATE PROCEDURE fz.ddl(seed float8, n int) LANGUAGE plpgsql AS $$
DECLARE
	t text;
	s text;
	o text;
BEGIN
	PERFORM setseed(seed);
	SET lock_timeout = '300ms';
	FOR k IN 1 .. n LOOP
		BEGIN
			SELECT name INTO t FROM fz.tab ORDER BY random() LIMIT 1;
			o := (ARRAY['r1', 'a', 'b', 'c'])[1 + floor(random() * 4)];
			s := (ARRAY['CREATE INDEX ddl_%3$s_%4$s ON %1$s (%2$I)', 'ALTER TABLE %1$s ADD ddl_%4$s int DEFAULT 1', 'CREATE TRIGGER ddl_%4$s BEFORE INSERT OR UPDATE ON %1$s FOR EACH ROW EXECUTE FUNCTION fz.same()',
				'CREATE VIEW z.ddl_v%4$s AS SELECT * FROM %1$s', 'ALTER TABLE %1$s ADD CONSTRAINT ddl_%4$s CHECK (%2$I IS DISTINCT FROM NULL OR true)', 'ANALYZE %1$s', 'REINDEX TABLE %1$s', 'COMMENT ON TABLE %1$s IS ''x''',
				'ALTER TABLE %1$s ALTER %2$I SET STATISTICS 10', 'LOCK TABLE %1$s', 'TRUNCATE z.nowhere', 'ALTER TABLE %1$s RENAME %2$I TO %2$s_r', 'ALTER TABLE %1$s RENAME TO %3$s_r', 'ALTER TABLE %1$s DROP COLUMN %2$I CASCADE',
				'ALTER TABLE %1$s DROP CONSTRAINT IF EXISTS %3$s_fk', 'DROP INDEX IF EXISTS z.%3$s_idx', 'DROP INDEX IF EXISTS z.%3$s_a_idx, z.%3$s_r1_idx', 'ALTER TABLE %1$s DISABLE TRIGGER USER'])[1 + floor(random() * CASE WHEN random() < 0.7 THEN 11 ELSE 18 END)];
			EXECUTE format(s, fz.called(t), o, t, k);
			IF s ~ '\m(RENAME|DROP|DISABLE)\M' THEN
				INSERT INTO fz.may VALUES (t, 'dirty', NULL, NULL);
				INSERT INTO fz.may SELECT t, 'drop', attnum, NULL FROM pg_attribute, fz.tab WHERE attrelid = oid AND name = t AND attisdropped AND s ~ 'DROP COLUMN';
			END IF;
		EXCEPTION WHEN OTHERS THEN
			IF SQLSTATE ~ '^XX' OR SQLERRM ~ 'cache lookup' THEN
				RAISE;
			END IF;
		END;
		COMMIT;
	END LOOP;
END $$;
CREATE FUNCTION fz.same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

-- All as before the first plan
CREATE PROCEDURE fz.clear() LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL client_min_messages = error;
	DROP SCHEMA IF EXISTS z CASCADE;
	DROP SCHEMA IF EXISTS schemaguard_attic CASCADE;
	DELETE FROM schemaguard.quarantine;
	DELETE FROM schemaguard.plan_value;
	DELETE FROM schemaguard.plan_deed;
	TRUNCATE fz.tab, fz.row, fz.may, fz.once, fz.before;
	PERFORM setval('fz.ids', 1000);
	CREATE SCHEMA z;
END $$;
