-- Our tables put aside, and filled again by names of columns once the objects are those of version :version, hence with whatever that
-- has. In one database, for proofs count where they were made. DDL is caught afterwards.
SET client_min_messages = error;
SELECT sg_capture_ddl(false);
CREATE SCHEMA aside;
CREATE TABLE aside.tables AS SELECT c.relname, c.relkind FROM pg_extension e, unnest(e.extconfig) k JOIN pg_class c ON c.oid = k WHERE extname = 'schemaguard';
DO $$ DECLARE t record; BEGIN
	FOR t IN SELECT * FROM aside.tables LOOP EXECUTE format('CREATE TABLE aside.%1$I AS SELECT * FROM schemaguard.%1$I', t.relname); END LOOP;
END $$;
DELETE FROM aside.discovery_weight WHERE source <> 'user';
DELETE FROM aside.discovery_word WHERE source <> 'user';
INSERT INTO aside.ddl_capture VALUES (now(), 'somebody');
DROP EXTENSION schemaguard CASCADE;
CREATE EXTENSION schemaguard VERSION :'version';
-- what came after that version is not kept
DELETE FROM aside.tables WHERE to_regclass(format('schemaguard.%I', relname)) IS NULL;
DO $$ DECLARE t record; BEGIN
	FOR t IN SELECT format('ALTER TABLE aside.%I DROP COLUMN %I', s.relname, a.attname) AS statement
		FROM aside.tables s JOIN pg_attribute a ON a.attrelid = to_regclass(format('aside.%I', s.relname)) AND a.attnum > 0
		WHERE NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = to_regclass(format('schemaguard.%I', s.relname)) AND o.attname = a.attname) LOOP
		EXECUTE t.statement;
	END LOOP;
END $$;
DO $$ DECLARE t record; BEGIN
	FOR t IN SELECT a.*, c.oid FROM aside.tables a JOIN pg_class c ON c.relname = a.relname AND c.relnamespace = 'schemaguard'::regnamespace LOOP
		IF t.relkind = 'S' THEN EXECUTE format('SELECT setval(%L, last_value, is_called) FROM aside.%I', 'schemaguard.' || t.relname, t.relname);
		ELSE EXECUTE (SELECT format('INSERT INTO schemaguard.%1$I (%2$s) SELECT %2$s FROM aside.%1$I', t.relname, string_agg(quote_ident(o.attname), ', '))
			FROM pg_attribute o JOIN pg_attribute n ON n.attname = o.attname AND n.attrelid = format('aside.%I', t.relname)::regclass
			WHERE o.attrelid = t.oid AND o.attnum > 0 AND NOT o.attisdropped);
		END IF;
	END LOOP;
END $$;
