-- traps.sql: a witness in every slot where code can stand. 047_traps.pl loads it and says what it is for.
--
-- Role mallory owns all planted code. A witness writes a line to the server's log, which survives a rollback: its slot
-- and the role that it runs as. Schema fixture lists the slots; each has a control: plain SQL that makes it speak.
-- Tables come in pairs, t.SLOT_c and t.SLOT_p: key p is declared and holds, key q is for plans and has an orphan.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE ROLE mallory LOGIN;
CREATE ROLE alice LOGIN;
SELECT sg_grant('mallory'), sg_grant('alice');
-- Has each role as a member, superusers without being told; a role that does not exist is none
CREATE ROLE everybody;
GRANT everybody TO mallory, alice;
CREATE SCHEMA t AUTHORIZATION mallory;
GRANT USAGE, CREATE ON SCHEMA t TO PUBLIC;
CREATE SCHEMA fixture;
GRANT USAGE ON SCHEMA fixture TO PUBLIC;

-- reachable: a build that does not switch roles must be caught with it, when a superuser calls
CREATE TABLE fixture.slot (name text PRIMARY KEY, control text NOT NULL, reachable boolean NOT NULL, caller text NOT NULL);
CREATE TABLE fixture.pair (name text PRIMARY KEY, slot text NOT NULL);
GRANT SELECT ON ALL TABLES IN SCHEMA fixture TO PUBLIC;

CREATE PROCEDURE fixture.slot(name text, control text, caller text DEFAULT current_user) LANGUAGE sql BEGIN ATOMIC
	INSERT INTO fixture.slot VALUES (name, control, true, caller);
END;

-- A pair of tables. Keys are literals of their type; the third has no parent.
CREATE PROCEDURE fixture.pair(slot text, type text DEFAULT 'int', keys text[] DEFAULT '{1,2,3}', owner text DEFAULT 'mallory',
	parent_type text DEFAULT NULL, parent_keys text[] DEFAULT NULL, action text DEFAULT 'CASCADE', payload text DEFAULT 'int',
	value text DEFAULT '7', clause text DEFAULT '')
LANGUAGE plpgsql AS $$
DECLARE
	name text := slot || CASE WHEN owner <> 'mallory' THEN '_' || owner ELSE '' END;
	c text := format('t.%I', name || '_c');
	p text := format('t.%I', name || '_p');
BEGIN
	EXECUTE format('CREATE TABLE %s (id %s PRIMARY KEY, n int DEFAULT 7)', p, coalesce(parent_type, type));
	EXECUTE format('CREATE TABLE %s (id int, p %s, q %2$s, n int DEFAULT 7, x %s DEFAULT %L) %s', c, type, payload, value, clause);
	IF clause LIKE 'PARTITION BY%' THEN
		EXECUTE format('CREATE TABLE %s PARTITION OF %s %s', 't.' || quote_ident(name || '_leaf'), c,
			CASE WHEN clause ~ 'HASH' THEN 'FOR VALUES WITH (MODULUS 1, REMAINDER 0)' ELSE 'DEFAULT' END);
		EXECUTE format('ALTER TABLE %s OWNER TO mallory', 't.' || quote_ident(name || '_leaf'));
	END IF;
	EXECUTE format('INSERT INTO %s VALUES (%L), (%L)', p, (coalesce(parent_keys, keys))[1], (coalesce(parent_keys, keys))[2]);
	EXECUTE format('INSERT INTO %s VALUES (1, %2$L, %2$L), (2, %2$L, %3$L), (3, %2$L, %4$L)', c, keys[1], keys[2], keys[3]);
	EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I FOREIGN KEY (p) REFERENCES %s ON DELETE %s ON UPDATE %4$s', c, name, p, action);
	IF owner <> 'super' THEN
		EXECUTE format('ALTER TABLE %s OWNER TO %I', c, owner);
		EXECUTE format('ALTER TABLE %s OWNER TO %I', p, owner);
	END IF;
	EXECUTE format('GRANT ALL ON %s, %s TO PUBLIC', c, p);
	INSERT INTO fixture.pair VALUES (name, slot);
END $$;

-- Of a slot in a type, with tables of each owner
CREATE PROCEDURE fixture.pairs(slot text, type text DEFAULT 'int', keys text[] DEFAULT '{1,2,3}', parent_type text DEFAULT NULL,
	parent_keys text[] DEFAULT NULL, payload text DEFAULT 'int', value text DEFAULT '7')
LANGUAGE plpgsql AS $$
DECLARE
	o text;
BEGIN
	FOREACH o IN ARRAY '{mallory,alice,super}'::text[] LOOP
		CALL fixture.pair(slot, type, keys, o, parent_type, parent_keys, 'CASCADE', payload, value);
	END LOOP;
END $$;

-- Everything that mallory plants
CREATE PROCEDURE fixture.plant(script text) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE mallory;
	EXECUTE script;
	RESET ROLE;
END $$;

-- ---- witnesses

SET ROLE mallory;
-- While a query is planned, current_user may be a role that does not exist, whose name raises an error. A handler for that
-- would begin a subtransaction: the server allows none where it runs code while it builds the entry of a type in its cache.
CREATE FUNCTION t.w(slot text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF pg_catalog.pg_has_role('everybody', 'MEMBER') THEN
		RAISE LOG 'WITNESS % AS %', slot, current_user;
	ELSE
		RAISE LOG 'WITNESS % AS nobody', slot;
	END IF;
	RETURN true;
END $$;
CREATE FUNCTION t.i(slot text, n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM t.w(slot); RETURN n; END $$;
CREATE FUNCTION t.b(slot text, n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN t.w(slot); END $$;
CREATE FUNCTION t.volatile(slot text, n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM t.w(slot); RETURN n; END $$;
CREATE FUNCTION t.trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM t.w(TG_ARGV[0]);
	RETURN coalesce(NEW, OLD);
END $$;
RESET ROLE;

-- ---- what the planner evaluates when it looks at a table

CALL fixture.pair('index_constant');
CALL fixture.plant($$CREATE INDEX ON t.index_constant_c ((n + t.i('index_constant', 1)))$$);
CALL fixture.slot('index_constant', 'EXPLAIN SELECT * FROM t.index_constant_c');
CALL fixture.pair('predicate_constant');
CALL fixture.plant($$CREATE INDEX ON t.predicate_constant_p (n) WHERE n > t.i('predicate_constant', 0)$$);
CALL fixture.slot('predicate_constant', 'EXPLAIN SELECT * FROM t.predicate_constant_p');
CALL fixture.pair('statistics_constant');
CALL fixture.plant($$CREATE STATISTICS t.statistics_constant ON (n + t.i('statistics_constant', 1)), p FROM t.statistics_constant_c$$);
INSERT INTO t.statistics_constant_c SELECT g, 1, 1, g FROM generate_series(10, 60) g;
ANALYZE t.statistics_constant_c;
CALL fixture.slot('statistics_constant', 'EXPLAIN SELECT * FROM t.statistics_constant_c');
CALL fixture.pair('check_constant');
CALL fixture.plant($$ALTER TABLE t.check_constant_c ADD CHECK (n > t.i('check_constant', 0))$$);
CALL fixture.slot('check_constant', 'SET LOCAL constraint_exclusion = on; EXPLAIN SELECT * FROM t.check_constant_c WHERE n > 1');
CALL fixture.pair('partition_constant', clause => $$PARTITION BY LIST ((n + t.i('partition_constant', 1)))$$);
CALL fixture.slot('partition_constant', 'EXPLAIN SELECT * FROM t.partition_constant_c');
CALL fixture.pair('leaf_index_constant', clause => 'PARTITION BY LIST (n)');
CALL fixture.plant($$CREATE INDEX ON t.leaf_index_constant_leaf ((n + t.i('leaf_index_constant', 1)))$$);
CALL fixture.slot('leaf_index_constant', 'EXPLAIN SELECT * FROM t.leaf_index_constant_c');
CALL fixture.pair('leaf_check_constant', clause => 'PARTITION BY LIST (n)');
CALL fixture.plant($$ALTER TABLE t.leaf_check_constant_leaf ADD CHECK (n > t.i('leaf_check_constant', 0))$$);
CALL fixture.slot('leaf_check_constant', 'EXPLAIN DELETE FROM t.leaf_check_constant_c WHERE n > 1');
CALL fixture.pair('inlined_constant');
CALL fixture.plant($$
	CREATE FUNCTION t.inlined(int) RETURNS int LANGUAGE sql IMMUTABLE AS $f$SELECT $1 + t.i('inlined_constant', 1)$f$;
	CREATE INDEX ON t.inlined_constant_c (t.inlined(n));
$$);
CALL fixture.slot('inlined_constant', 'EXPLAIN SELECT * FROM t.inlined_constant_c');
CALL fixture.pair('default_constant');
CALL fixture.plant($$ALTER TABLE t.default_constant_c ALTER x SET DEFAULT t.i('default_constant', 1)$$);
CALL fixture.slot('default_constant', 'EXPLAIN INSERT INTO t.default_constant_c (id) VALUES (9)');
CALL fixture.pair('generated_constant');
CALL fixture.plant($$ALTER TABLE t.generated_constant_c ADD g int GENERATED ALWAYS AS (t.i('generated_constant', 1)) STORED$$);
CALL fixture.slot('generated_constant', 'INSERT INTO t.generated_constant_c (id) VALUES (9)');
CALL fixture.pair('rule_constant');
CALL fixture.plant($$CREATE RULE r AS ON UPDATE TO t.rule_constant_c WHERE t.i('rule_constant', 1) > 1 DO ALSO SELECT 1$$);
CALL fixture.slot('rule_constant', 'EXPLAIN UPDATE t.rule_constant_c SET n = 1');
CALL fixture.pair('policy_constant');
CALL fixture.plant($$
	CREATE POLICY p ON t.policy_constant_c USING (n > t.i('policy_constant', 0));
	ALTER TABLE t.policy_constant_c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
$$);
CALL fixture.slot('policy_constant', 'EXPLAIN SELECT * FROM t.policy_constant_c', 'alice');
-- of a selectivity, which runs the operator on the values of the statistics
CALL fixture.pair('estimate', keys => '{1,2,3}');
CALL fixture.plant($$
	CREATE FUNCTION t.less(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM t.w(''estimate''); RETURN $1 < $2; END';
	CREATE OPERATOR t.#<# (LEFTARG = int, RIGHTARG = int, FUNCTION = t.less, RESTRICT = scalarltsel);
	ALTER TABLE t.estimate_c ADD CHECK (n OPERATOR(t.#<#) 1000000);
$$);
INSERT INTO t.estimate_c SELECT g, 1, 1, g FROM generate_series(10, 60) g;
ANALYZE t.estimate_c;
CALL fixture.slot('estimate', 'EXPLAIN SELECT * FROM t.estimate_c WHERE n OPERATOR(t.#<#) 30');

-- ---- what runs for a row that is written

CALL fixture.pair('index_row');
CALL fixture.plant($$CREATE INDEX ON t.index_row_c (t.i('index_row', n))$$);
CALL fixture.pair('predicate_row');
CALL fixture.plant($$CREATE INDEX ON t.predicate_row_c (n) WHERE t.b('predicate_row', n)$$);
CALL fixture.pair('statistics_row');
CALL fixture.plant($$CREATE STATISTICS t.statistics_row ON (t.i('statistics_row', n)) FROM t.statistics_row_c$$);
CALL fixture.pair('exclusion');
CALL fixture.plant($$ALTER TABLE t.exclusion_c ADD EXCLUDE USING btree (id WITH =) WHERE (t.b('exclusion', n))$$);
CALL fixture.pair('partition_row', clause => $$PARTITION BY LIST (t.i('partition_row', n))$$);
CALL fixture.pair('leaf_check', clause => 'PARTITION BY LIST (n)');
CALL fixture.plant($$ALTER TABLE t.leaf_check_leaf ADD CHECK (t.b('leaf_check', n))$$);
CALL fixture.pair('leaf_trigger', clause => 'PARTITION BY LIST (n)');
CALL fixture.plant($$CREATE TRIGGER leaf_trigger BEFORE INSERT OR UPDATE OR DELETE ON t.leaf_trigger_leaf
	FOR EACH ROW EXECUTE FUNCTION t.trigger('leaf_trigger')$$);
CALL fixture.pair('check_row');
CALL fixture.plant($$ALTER TABLE t.check_row_c ADD CHECK (t.b('check_row', n))$$);
CALL fixture.pair('check_parent');
CALL fixture.plant($$ALTER TABLE t.check_parent_p ADD CHECK (t.b('check_parent', n))$$);
CALL fixture.pair('default');
CALL fixture.plant($$ALTER TABLE t.default_c ALTER x SET DEFAULT t.volatile('default', 1)$$);
CALL fixture.pair('default_parent');
CALL fixture.plant($$ALTER TABLE t.default_parent_p ALTER n SET DEFAULT t.volatile('default_parent', 1)$$);
CALL fixture.pair('set_default', action => 'SET DEFAULT');
CALL fixture.plant($$ALTER TABLE t.set_default_c ALTER p SET DEFAULT t.volatile('set_default', 2)$$);
CALL fixture.pair('generated');
CALL fixture.plant($$ALTER TABLE t.generated_c ADD g int GENERATED ALWAYS AS (t.i('generated', n)) STORED$$);

-- built-in functions that take a relation, a query or any value
CALL fixture.plant($$
	CREATE VIEW t.spy AS SELECT t.w('check_table_to_xml');
	CREATE TYPE t.check_enum AS ENUM ('one', 'two');
	CREATE FUNCTION t.check_json(t.check_enum) RETURNS json LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM t.w(''check_to_jsonb''); RETURN ''1''; END';
	CREATE CAST (t.check_enum AS json) WITH FUNCTION t.check_json(t.check_enum);
	CREATE DOMAIN t.check_io AS int CHECK (t.b('check_io_cast', VALUE));
	CREATE DOMAIN t.check_array AS int CHECK (t.b('check_array_cast', VALUE));
	CREATE DOMAIN t.check_field AS int CHECK (t.b('check_populate', VALUE));
	CREATE TYPE t.check_row AS (f t.check_field);
	CREATE TYPE t.check_number AS ENUM ('one', 'two');
	CREATE FUNCTION t.check_number(t.check_number) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN t.i(''cast_explicit'', 1); END';
	CREATE CAST (t.check_number AS int) WITH FUNCTION t.check_number(t.check_number);
	CREATE FUNCTION t.plus(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN t.i(''operator'', $1 + $2); END';
	CREATE OPERATOR t.#@# (LEFTARG = int, RIGHTARG = int, FUNCTION = t.plus);
$$);
DO $do$
DECLARE
	check_name text;
	expression text;
BEGIN
	FOR check_name, expression IN VALUES
		('check_table_to_xml', $$table_to_xml('t.spy', true, true, '') IS NOT NULL$$),
		('check_query_to_xml', $$query_to_xml('SELECT t.w(''check_query_to_xml'')', true, true, '') IS NOT NULL$$),
		('check_ts_rewrite', $$ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery WHERE t.w(''check_ts_rewrite'')') IS NOT NULL$$),
		('check_to_jsonb', $$to_jsonb(CASE n WHEN 0 THEN 'one' ELSE 'two' END::t.check_enum) IS NOT NULL$$),
		('check_io_cast', $$n::text::t.check_io IS NOT NULL$$),
		('check_array_cast', $$(ARRAY[n]::t.check_array[])[1] > -1000$$),
		('check_populate', $$jsonb_populate_record(NULL::t.check_row, jsonb_build_object('f', n)) IS NOT NULL$$),
		('cast_explicit', $$CASE n WHEN 0 THEN 'one' ELSE 'two' END::t.check_number::int > 0$$),
		('operator', $$n OPERATOR(t.#@#) 1 > 0$$)
	LOOP
		CALL fixture.pair(check_name);
		CALL fixture.plant(format('ALTER TABLE t.%I ADD CHECK (%s)', check_name || '_c', expression));
	END LOOP;
END $do$;

-- ---- triggers and rules: on the child, on the parent, and on what a cascade reaches

DO $do$
DECLARE
	slot text;
	clause text;
BEGIN
	FOR slot, clause IN VALUES
		('trigger_before_row', 'TRIGGER %1$I BEFORE INSERT OR UPDATE OR DELETE ON t.%2$I FOR EACH ROW'),
		('trigger_after_row', 'TRIGGER %1$I AFTER INSERT OR UPDATE OR DELETE ON t.%2$I FOR EACH ROW'),
		('trigger_before_statement', 'TRIGGER %1$I BEFORE INSERT OR UPDATE OR DELETE ON t.%2$I FOR EACH STATEMENT'),
		('trigger_after_statement', 'TRIGGER %1$I AFTER INSERT OR UPDATE OR DELETE ON t.%2$I FOR EACH STATEMENT'),
		('trigger_deferred', 'CONSTRAINT TRIGGER %1$I AFTER INSERT OR UPDATE OR DELETE ON t.%2$I DEFERRABLE INITIALLY DEFERRED FOR EACH ROW'),
		('trigger_immediate', 'CONSTRAINT TRIGGER %1$I AFTER INSERT OR UPDATE OR DELETE ON t.%2$I DEFERRABLE FOR EACH ROW'),
		('trigger_parent_before', 'TRIGGER %1$I BEFORE INSERT OR UPDATE OR DELETE ON t.%3$I FOR EACH ROW'),
		('trigger_parent_after', 'TRIGGER %1$I AFTER INSERT OR UPDATE OR DELETE ON t.%3$I FOR EACH STATEMENT'),
		('trigger_parent_deferred', 'CONSTRAINT TRIGGER %1$I AFTER UPDATE OR DELETE ON t.%3$I DEFERRABLE INITIALLY DEFERRED FOR EACH ROW'),
		('trigger_truncate', 'TRIGGER %1$I BEFORE TRUNCATE ON t.%2$I FOR EACH STATEMENT')
	LOOP
		CALL fixture.pair(slot);
		CALL fixture.plant('CREATE ' || format(clause, 'x_' || slot, slot || '_c', slot || '_p') || format(' EXECUTE FUNCTION t.trigger(%L)', slot));
	END LOOP;
	FOREACH slot IN ARRAY '{trigger_when,rule_insert,rule_update,rule_delete,rule_parent_delete,rule_condition,policy_using,policy_check,policy_force,set_null_trigger}'::text[] LOOP
		CALL fixture.pair(slot, action => CASE slot WHEN 'set_null_trigger' THEN 'SET NULL' ELSE 'CASCADE' END);
	END LOOP;
	FOREACH slot IN ARRAY '{cascade_trigger,cascade_trigger_after,cascade_check}'::text[] LOOP
		CALL fixture.pair(slot);
		EXECUTE format('ALTER TABLE t.%I ADD UNIQUE (p, id)', slot || '_c');
		EXECUTE format('CREATE TABLE t.%I (p int, id int, n int, FOREIGN KEY (p, id) REFERENCES t.%I (p, id) ON DELETE CASCADE ON UPDATE CASCADE)',
			slot || '_g', slot || '_c');
		EXECUTE format('ALTER TABLE t.%I OWNER TO mallory', slot || '_g');
		EXECUTE format('INSERT INTO t.%I SELECT p, id FROM t.%I', slot || '_g', slot || '_c');
	END LOOP;
END $do$;
CALL fixture.slot('trigger_truncate', 'TRUNCATE t.trigger_truncate_c');
CALL fixture.slot('cascade_trigger', 'DELETE FROM t.cascade_trigger_p');
CALL fixture.slot('cascade_trigger_after', 'DELETE FROM t.cascade_trigger_after_p');
CALL fixture.slot('statistics_row', 'ANALYZE t.statistics_row_c');
CALL fixture.slot('cascade_check', 'UPDATE t.cascade_check_p SET id = id + 10');
CALL fixture.plant($$
	CREATE TRIGGER trigger_when BEFORE INSERT OR UPDATE ON t.trigger_when_c FOR EACH ROW WHEN (t.b('trigger_when', NEW.n))
		EXECUTE FUNCTION t.trigger('trigger_when');
	CREATE TRIGGER set_null_trigger AFTER UPDATE ON t.set_null_trigger_c FOR EACH ROW EXECUTE FUNCTION t.trigger('set_null_trigger');
	CREATE TRIGGER cascade_trigger BEFORE UPDATE OR DELETE ON t.cascade_trigger_g FOR EACH ROW EXECUTE FUNCTION t.trigger('cascade_trigger');
	CREATE TRIGGER cascade_trigger AFTER UPDATE OR DELETE ON t.cascade_trigger_after_g FOR EACH STATEMENT EXECUTE FUNCTION t.trigger('cascade_trigger_after');
	ALTER TABLE t.cascade_check_g ADD CHECK (t.b('cascade_check', n));
	CREATE TABLE t.noted (b boolean);
	GRANT INSERT ON t.noted TO PUBLIC;
	CREATE RULE r AS ON INSERT TO t.rule_insert_c DO ALSO INSERT INTO t.noted VALUES (t.w('rule_insert'));
	CREATE RULE r AS ON UPDATE TO t.rule_update_c DO ALSO INSERT INTO t.noted VALUES (t.w('rule_update'));
	CREATE RULE r AS ON DELETE TO t.rule_delete_c DO ALSO INSERT INTO t.noted VALUES (t.w('rule_delete'));
	CREATE RULE r AS ON DELETE TO t.rule_parent_delete_p DO ALSO INSERT INTO t.noted VALUES (t.w('rule_parent_delete'));
	CREATE RULE r AS ON INSERT TO t.rule_condition_c WHERE t.b('rule_condition', NEW.n) DO ALSO INSERT INTO t.noted VALUES (true);
	CREATE POLICY p ON t.policy_using_c USING (t.b('policy_using', n));
	CREATE POLICY p ON t.policy_check_c USING (true) WITH CHECK (t.b('policy_check', n));
	CREATE POLICY p ON t.policy_force_c USING (t.b('policy_force', n));
	ALTER TABLE t.policy_using_c ENABLE ROW LEVEL SECURITY;
	ALTER TABLE t.policy_check_c ENABLE ROW LEVEL SECURITY;
	ALTER TABLE t.policy_force_c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
$$);
CALL fixture.slot('rule_delete', 'DELETE FROM t.rule_delete_c');
CALL fixture.slot('policy_using', 'SELECT * FROM t.policy_using_c', 'alice');
CALL fixture.slot('policy_check', 'INSERT INTO t.policy_check_c VALUES (9, 1, 1)', 'alice');
CALL fixture.slot('policy_force', 'SELECT * FROM t.policy_force_c', 'mallory');

-- by who holds TRIGGER on another's table
CALL fixture.pair('trigger_on_alice', owner => 'alice');
CALL fixture.pair('trigger_on_super', owner => 'super');
CALL fixture.plant($$
	CREATE TRIGGER x BEFORE INSERT OR UPDATE OR DELETE ON t.trigger_on_alice_alice_c FOR EACH ROW EXECUTE FUNCTION t.trigger('trigger_on_alice');
	CREATE TRIGGER x BEFORE INSERT OR UPDATE OR DELETE ON t.trigger_on_super_super_c FOR EACH ROW EXECUTE FUNCTION t.trigger('trigger_on_super');
$$);
CALL fixture.slot('trigger_on_alice', 'UPDATE t.trigger_on_alice_alice_c SET n = 1');
CALL fixture.slot('trigger_on_super', 'UPDATE t.trigger_on_super_super_c SET n = 1');

-- an inheritance child is read without ONLY
CALL fixture.pair('inherited_constant');
CALL fixture.plant($$
	CREATE TABLE t.inherited_constant_child () INHERITS (t.inherited_constant_c);
	CREATE INDEX ON t.inherited_constant_child ((n + t.i('inherited_constant', 1)));
$$);
CALL fixture.slot('inherited_constant', 'EXPLAIN SELECT * FROM t.inherited_constant_c');

-- ---- types, as keys and beside them; tables of mallory, of another owner, and of the superuser

CALL fixture.plant($$
	CREATE DOMAIN t.key_domain AS int CHECK (t.b('key_domain', VALUE));
	CREATE DOMAIN t.base_domain AS int CHECK (t.b('key_domain_domain', VALUE));
	CREATE DOMAIN t.key_domain_domain AS t.base_domain;
	CREATE DOMAIN t.one_sided AS int CHECK (t.b('key_domain_child', VALUE));
	CREATE DOMAIN t.key_text AS text CHECK (t.w('key_domain_text'));
	CREATE DOMAIN t.element AS int CHECK (t.b('key_array_domain', VALUE));
	CREATE TYPE t.key_cast AS ENUM ('one', 'two', 'three');
	CREATE FUNCTION t.key_cast(t.key_cast) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		'BEGIN RETURN t.i(''key_cast'', array_position(''{one,two,three}''::text[], $1::text)); END';
	CREATE CAST (t.key_cast AS int) WITH FUNCTION t.key_cast(t.key_cast) AS IMPLICIT;
	CREATE TYPE t.key_json AS ENUM ('one', 'two', 'three');
	CREATE FUNCTION t.key_json(t.key_json) RETURNS json LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM t.w(''key_json''); RETURN ''1''; END';
	CREATE CAST (t.key_json AS json) WITH FUNCTION t.key_json(t.key_json);
	CREATE TYPE t.payload_json AS ENUM ('one', 'two');
	CREATE FUNCTION t.payload_json(t.payload_json) RETURNS json LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM t.w(''payload_json''); RETURN ''1''; END';
	CREATE CAST (t.payload_json AS json) WITH FUNCTION t.payload_json(t.payload_json);
	CREATE DOMAIN t.payload_domain AS int CHECK (t.b('payload_domain', VALUE));
	CREATE DOMAIN t.in_array AS int CHECK (t.b('payload_array', VALUE));
	CREATE DOMAIN t.in_composite AS int CHECK (t.b('payload_composite', VALUE));
	CREATE TYPE t.payload_composite AS (a t.in_composite, b text);
	CREATE DOMAIN t.in_range AS int CHECK (t.b('payload_range', VALUE));
	CREATE TYPE t.payload_range AS RANGE (SUBTYPE = t.in_range);
	CREATE DOMAIN t.in_multirange AS int CHECK (t.b('payload_multirange', VALUE));
	CREATE TYPE t.multi_element AS RANGE (SUBTYPE = t.in_multirange, MULTIRANGE_TYPE_NAME = t.multirange);
	CREATE DOMAIN t.of_array AS int[] CHECK (t.w('payload_domain_of_array'));
	CREATE TYPE t.pair AS (a int, b int);
	CREATE DOMAIN t.of_composite AS t.pair CHECK (t.w('payload_domain_of_composite'));
	CREATE DOMAIN t.of_range AS int4range CHECK (t.w('payload_domain_of_range'));
	CREATE DOMAIN t.deep AS int CHECK (t.b('payload_deep', VALUE));
	CREATE TYPE t.deep_1 AS (a t.deep);
	CREATE TYPE t.deep_2 AS (b t.deep_1[]);
	CREATE DOMAIN t.deep_3 AS t.deep_2[];
	CREATE DOMAIN t.with_default AS int DEFAULT t.volatile('domain_default', 1);
	CREATE TYPE t.assigned AS ENUM ('one', 'two');
	CREATE FUNCTION t.assigned(t.assigned) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN t.i(''cast_assignment'', 1); END';
	CREATE CAST (t.assigned AS int) WITH FUNCTION t.assigned(t.assigned) AS ASSIGNMENT;
	CREATE TYPE t.inout AS ENUM ('1', '2');
	CREATE DOMAIN t.inout_target AS text CHECK (t.w('cast_inout'));
	CREATE FUNCTION t.difference(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM t.w(''subtype_diff''); RETURN $1 - $2; END';
	CREATE TYPE t.with_difference AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = t.difference);
$$);
CALL fixture.pairs('key_domain', 't.key_domain');
CALL fixture.pairs('key_domain_domain', 't.key_domain_domain');
CALL fixture.pairs('key_domain_child', 't.one_sided', parent_type => 'int');
CALL fixture.pairs('key_domain_text', 't.key_text', '{a,b,c}');
CALL fixture.pairs('key_array_domain', 't.element[]', '{"{1}","{2}","{3}"}');
CALL fixture.pairs('key_cast', 't.key_cast', '{one,two,three}', 'int', '{1,2}');
CALL fixture.pairs('key_json', 't.key_json', '{one,two,three}');
CALL fixture.pairs('payload_json', payload => 't.payload_json', value => 'one');
CALL fixture.pairs('payload_domain', payload => 't.payload_domain');
CALL fixture.pairs('payload_array', payload => 't.in_array[]', value => '{1}');
CALL fixture.pairs('payload_composite', payload => 't.payload_composite', value => '(1,a)');
CALL fixture.pairs('payload_range', payload => 't.payload_range', value => '[1,2)');
CALL fixture.pairs('payload_multirange', payload => 't.multirange', value => '{[1,2)}');
CALL fixture.pairs('payload_domain_of_array', payload => 't.of_array', value => '{1}');
CALL fixture.pairs('payload_domain_of_composite', payload => 't.of_composite', value => '(1,2)');
CALL fixture.pairs('payload_domain_of_range', payload => 't.of_range', value => '[1,2)');
CALL fixture.pairs('payload_deep', payload => 't.deep_3', value => '{"(\"{\"\"(1)\"\"}\")"}');
CALL fixture.pairs('domain_default', payload => 't.with_default');
CALL fixture.pairs('cast_assignment');
CALL fixture.pairs('cast_inout', payload => 't.inout_target', value => '1');
CALL fixture.pairs('subtype_diff', payload => 't.with_difference', value => '[1,2)');
DO $do$
DECLARE
	pair text;
BEGIN
	FOR pair IN SELECT name FROM fixture.pair WHERE slot IN ('domain_default', 'cast_assignment', 'cast_inout', 'subtype_diff') LOOP
		EXECUTE format(CASE
			WHEN pair LIKE 'domain_default%' THEN 'ALTER TABLE t.%I ALTER x DROP DEFAULT'
			WHEN pair LIKE 'cast_assignment%' THEN 'ALTER TABLE t.%I ALTER x SET DEFAULT ''one''::t.assigned'
			WHEN pair LIKE 'cast_inout%' THEN 'ALTER TABLE t.%I ALTER x SET DEFAULT ''1''::t.inout'
			ELSE 'INSERT INTO t.%1$I SELECT g, %2$L, NULL, g, (''['' || g || '',9999)'')::t.with_difference FROM generate_series(10, 900) g;
				CREATE INDEX ON t.%1$I USING gist (x)' END, pair || '_c', '1');
	END LOOP;
END $do$;
CALL fixture.slot('key_array_domain', $$SELECT '{1}'::t.element[]$$);
CALL fixture.slot('key_json', 'SELECT to_jsonb(p) FROM t.key_json_c');
CALL fixture.slot('payload_json', 'SELECT to_jsonb(c) FROM t.payload_json_c c');
CALL fixture.slot('payload_array', $$SELECT '{1}'::t.in_array[]$$);
CALL fixture.slot('payload_composite', $$SELECT '(1,a)'::t.payload_composite$$);
CALL fixture.slot('payload_range', $$SELECT '[1,2)'::t.payload_range$$);
CALL fixture.slot('payload_multirange', $$SELECT '{[1,2)}'::t.multirange$$);
CALL fixture.slot('payload_deep', $$SELECT x::text::t.deep_3 FROM t.payload_deep_c$$);

-- an operator class of mallory's functions: of a key, of an index, of a partition key, of a range
CALL fixture.plant($$
	CREATE TYPE t.v AS (x int);
	CREATE FUNCTION t.v_cmp(t.v, t.v) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		'BEGIN PERFORM t.w(''key_opclass''); RETURN pg_catalog.btint4cmp($1.x, $2.x); END';
	CREATE FUNCTION t.v_lt(t.v, t.v) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT t.v_cmp($1, $2) OPERATOR(pg_catalog.<) 0';
	CREATE FUNCTION t.v_le(t.v, t.v) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT t.v_cmp($1, $2) OPERATOR(pg_catalog.<=) 0';
	CREATE FUNCTION t.v_eq(t.v, t.v) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN t.v_cmp($1, $2) OPERATOR(pg_catalog.=) 0; END';
	CREATE FUNCTION t.v_ge(t.v, t.v) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT t.v_cmp($1, $2) OPERATOR(pg_catalog.>=) 0';
	CREATE FUNCTION t.v_gt(t.v, t.v) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT t.v_cmp($1, $2) OPERATOR(pg_catalog.>) 0';
	CREATE OPERATOR t.<<< (LEFTARG = t.v, RIGHTARG = t.v, FUNCTION = t.v_lt);
	CREATE OPERATOR t.<<== (LEFTARG = t.v, RIGHTARG = t.v, FUNCTION = t.v_le);
	CREATE OPERATOR t.=== (LEFTARG = t.v, RIGHTARG = t.v, FUNCTION = t.v_eq, COMMUTATOR = OPERATOR(t.===), RESTRICT = eqsel, JOIN = eqjoinsel, MERGES);
	CREATE OPERATOR t.>>== (LEFTARG = t.v, RIGHTARG = t.v, FUNCTION = t.v_ge);
	CREATE OPERATOR t.>>> (LEFTARG = t.v, RIGHTARG = t.v, FUNCTION = t.v_gt);
	CREATE FUNCTION t.int_cmp(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		'BEGIN PERFORM t.w(''index_opclass''); RETURN pg_catalog.btint4cmp($1, $2); END';
	CREATE FUNCTION t.int_hash(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		'BEGIN PERFORM t.w(''hash_opclass''); RETURN pg_catalog.hashint4($1); END';
	CREATE FUNCTION t.int_hash_extended(int, int8) RETURNS int8 LANGUAGE plpgsql IMMUTABLE AS
		'BEGIN PERFORM t.w(''partition_opclass''); RETURN pg_catalog.hashint4extended($1, $2); END';
	CREATE FUNCTION t.range_cmp(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		'BEGIN PERFORM t.w(''range_opclass''); RETURN pg_catalog.btint4cmp($1, $2); END';
$$);
CREATE OPERATOR CLASS t.v_ops DEFAULT FOR TYPE t.v USING btree AS OPERATOR 1 t.<<<, OPERATOR 2 t.<<==, OPERATOR 3 t.===,
	OPERATOR 4 t.>>==, OPERATOR 5 t.>>>, FUNCTION 1 t.v_cmp(t.v, t.v);
CREATE OPERATOR CLASS t.int_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 t.int_cmp(int, int);
CREATE OPERATOR CLASS t.int_hash_ops FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 t.int_hash(int), FUNCTION 2 t.int_hash_extended(int, int8);
CREATE OPERATOR CLASS t.range_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 t.range_cmp(int, int);
CALL fixture.plant($$CREATE TYPE t.ordered AS RANGE (SUBTYPE = int, SUBTYPE_OPCLASS = t.range_ops)$$);
CALL fixture.pairs('key_opclass', 't.v', '{(1),(2),(3)}');
INSERT INTO t.key_opclass_c SELECT g, ROW(1)::t.v, ROW(1)::t.v FROM generate_series(10, 60) g;
ANALYZE t.key_opclass_c, t.key_opclass_p;
CALL fixture.pairs('range_opclass', 't.ordered', '{"[1,2]","[2,3]","[3,4]"}');
CALL fixture.pair('index_opclass');
CALL fixture.pair('hash_opclass');
CALL fixture.plant('CREATE INDEX ON t.index_opclass_c (n t.int_ops); CREATE INDEX ON t.hash_opclass_c USING hash (n t.int_hash_ops)');
CALL fixture.pair('partition_opclass', clause => 'PARTITION BY HASH (n t.int_hash_ops)');

-- ---- what stands beside the tables: views, functions, rules of views, comparisons of what a catalog prints

CALL fixture.plant($$
	CREATE VIEW t.a_view AS SELECT id, t.w('view') FROM t.key_domain_c;
	CREATE MATERIALIZED VIEW t.a_matview AS SELECT id, t.w('matview') FROM t.key_domain_c;
	CREATE VIEW t.writable AS SELECT id, p, n FROM t.check_row_c;
	CREATE FUNCTION t.instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM t.w(''instead_of''); RETURN NEW; END';
	CREATE TRIGGER instead_of INSTEAD OF INSERT ON t.writable FOR EACH ROW EXECUTE FUNCTION t.instead();
	CREATE FUNCTION t.function_body(a int DEFAULT t.i('function_default', 1)) RETURNS int BEGIN ATOMIC SELECT t.i('function_body', a); END;
	CREATE DOMAIN t.literal AS int CHECK (t.b('document_literal', VALUE));
	CREATE DOMAIN t.coalesced AS int CHECK (t.b('document_coalesce', VALUE));
	CREATE DOMAIN t.argument AS int CHECK (t.b('document_argument', VALUE));
	CREATE FUNCTION t.takes(x t.argument) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
	CREATE TABLE t.document (literal t.literal[] DEFAULT '{2}', coalesced t.coalesced DEFAULT NULL, argument int DEFAULT 1);
	CREATE FUNCTION t.throttle() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM t.w(''throttle_function''); RETURN false; END';
	CREATE FUNCTION t.equal(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM t.w(''search_path''); RETURN texteq($1, $2); END';
	CREATE OPERATOR t.= (LEFTARG = text, RIGHTARG = text, FUNCTION = t.equal);
	CREATE FUNCTION t.now() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN PERFORM t.w(''search_path''); RETURN pg_catalog.now(); END';
$$);
CALL fixture.slot('view', 'SELECT * FROM t.a_view');
CALL fixture.slot('matview', 'REFRESH MATERIALIZED VIEW t.a_matview');
CALL fixture.slot('instead_of', 'INSERT INTO t.writable VALUES (9, 1, 1)');
CALL fixture.slot('function_body', 'SELECT t.function_body(1)');
CALL fixture.slot('function_default', 'SELECT t.function_body()');
CALL fixture.slot('document_literal', $$SELECT '{2}'::t.literal[]$$);
CALL fixture.slot('document_coalesce', $$SELECT COALESCE(NULL::t.coalesced, '5')$$);
CALL fixture.slot('document_argument', $$SELECT t.takes(x => '5')$$);
CALL fixture.slot('throttle_function', 'SELECT t.throttle()');
CALL fixture.slot('search_path', $$SET LOCAL search_path = t, pg_catalog; SELECT 'a'::text = 'b'::text$$);

-- ---- what stands in plans and in deployments

-- an expression of mallory's plan, over a table of mallory's
CALL fixture.pair('plan_expression');
SET SESSION AUTHORIZATION mallory;
SELECT sg_plan_create('mallory');
SELECT sg_plan_add_fk('mallory', 't.plan_expression_c', '{filled}', 't.plan_expression_p', replaces => 'plan_expression', orphans => 'leave',
	backfill => $$t.i('plan_expression', q)$$);
SELECT sg_plan_allow('mallory', 'alice');
-- literals of a domain, which analysis turns into values
CREATE DOMAIN t.planned AS int CHECK (t.b('plan_literal', VALUE));
SELECT sg_plan_create('written');
SELECT sg_plan_add_check('written', 't.plan_expression_c', $$'{1}'::t.planned[] IS NOT NULL$$, 'planned_check'),
	sg_plan_add_default('written', 't.plan_expression_c', 'n', $$('{1}'::t.planned[])[1]$$),
	sg_plan_add_column('written', 't.plan_expression_c', 'planned', $$int DEFAULT ('{1}'::t.planned[])[1]$$),
	sg_plan_add_index('written', 't.plan_expression_c', $$(n) WHERE '{1}'::t.planned[] IS NOT NULL$$, 'planned_index'),
	sg_plan_add_statement('written', $$INSERT INTO t.plan_expression_c (n) VALUES (('{1}'::t.planned[])[1])$$, name => 'planned'),
	sg_plan_add_not_null('written', 't.plan_expression_c', 'n', policy => 'set', fill => $$('{1}'::t.planned[])[1]$$);
SELECT sg_plan_allow('written', 'alice');
RESET SESSION AUTHORIZATION;
CALL fixture.slot('plan_literal', $$SELECT '{1}'::t.planned[]$$);
CALL fixture.slot('plan_expression', $$SELECT t.i('plan_expression', q) FROM t.plan_expression_c$$);
-- a column that a plan fills gets another type while it is filled
CALL fixture.pair('retyped');
CALL fixture.plant($$CREATE DOMAIN t.retyped AS int CHECK (t.b('retyped', VALUE))$$);
CALL fixture.slot('retyped', 'SELECT 1::t.retyped');
-- a superuser has given a function of mallory's to an event trigger, so it is trusted: it runs as whoever runs DDL
CALL fixture.plant($$CREATE FUNCTION t.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM t.w(''event_trigger''); END'$$);
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION t.on_ddl();
CALL fixture.slot('event_trigger', 'ALTER EVENT TRIGGER on_ddl ENABLE; CREATE TABLE t.any_ddl ()');
ALTER EVENT TRIGGER on_ddl DISABLE;

-- A pair's slot without a control of its own: a row is written, changed, and goes with its parent
INSERT INTO fixture.slot
SELECT slot, format('INSERT INTO t.%1$I (id, p) SELECT 9, p FROM t.%1$I; UPDATE t.%1$I SET n = n + 1;
	INSERT INTO t.%2$I (id) SELECT q FROM t.%1$I WHERE id = 3; DELETE FROM t.%2$I',
	pair || '_c', pair || '_p'),
	true, current_user
FROM (SELECT slot, min(name) AS pair FROM fixture.pair WHERE slot NOT IN (SELECT name FROM fixture.slot) GROUP BY slot) s;

-- What no call of ours comes to as anybody's: it is never evaluated, or left to the caller, or to the table's owner by core,
-- or the work is left alone where it is
UPDATE fixture.slot SET reachable = false WHERE name = ANY ('{
	document_argument,document_coalesce,document_literal,function_body,function_default,instead_of,matview,view,search_path,statistics_row,
	default,default_constant,default_parent,domain_default,cast_assignment,set_default,policy_check,policy_constant,policy_force,policy_using,rule_update,
	trigger_truncate,event_trigger,throttle_function,plan_expression,retyped,inherited_constant,trigger_on_alice,trigger_on_super,
	cascade_trigger,cascade_trigger_after,set_null_trigger,rule_parent_delete,trigger_parent_before,trigger_parent_after,
	trigger_parent_deferred}'::text[]);

-- A statement for each pair, or one pair for each slot, as long as the child's owner is somebody whose rights one has;
-- %1$s is the pair, %2$s the slot. What fails is one warning.
CREATE PROCEDURE fixture.each(statement text, every boolean DEFAULT true, owned boolean DEFAULT false)
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
	pair fixture.pair;
	failures text[] = '{}';
BEGIN
	FOR pair IN SELECT * FROM fixture.pair p WHERE (every OR name = slot OR slot LIKE 'trigger_on%')
		AND (NOT owned OR (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = format('t.%I', p.name || '_c')::regclass))
	LOOP
		BEGIN
			EXECUTE format(statement, pair.name, pair.slot);
		EXCEPTION WHEN OTHERS THEN
			failures := failures || format('%s: %s', pair.name, SQLERRM);
		END;
	END LOOP;
	IF failures <> '{}' THEN
		RAISE WARNING '% failed, such as %', cardinality(failures), failures[1];
	END IF;
END $$;

-- What a snapshot holds as text says the same in other words, or it would not be looked at
CREATE PROCEDURE fixture.reword(name text) LANGUAGE sql SET search_path = pg_catalog BEGIN ATOMIC
	UPDATE schemaguard.snapshot_object o SET properties = properties || (
		SELECT coalesce(jsonb_object_agg(key, CASE
			WHEN key = 'expressions' AND jsonb_typeof(value) = 'array' THEN
				(SELECT jsonb_agg(format('(COALESCE(%s, NULL))', e)) FROM jsonb_array_elements_text(value) e)
			WHEN o.identity = 't.document.coalesced' THEN to_jsonb('COALESCE(NULL::t.coalesced, ''5'')'::text)
			WHEN o.identity = 't.document.argument' THEN to_jsonb('t.takes(x => ''5'')'::text)
			ELSE to_jsonb(format('COALESCE(%s, NULL)', value #>> '{}')) END), '{}')
		FROM jsonb_each(properties)
		WHERE key IN ('default', 'generated', 'expression', 'predicate', 'expressions', 'using', 'check', 'when'))
	WHERE snapshot = reword.name AND kind IN ('column', 'constraint', 'index', 'policy', 'trigger');
END;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA fixture TO PUBLIC;
