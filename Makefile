# schemaguard: foreign keys audited, planned and deployed without blocking the application.
#
#   make                 build for the server of PG_CONFIG (default: pg_config on the PATH)
#   make install         install it there
#   make installcheck    regression, isolation and TAP tests against the running server that PGHOST and PGPORT name
#
#   make test            everything at once: build and test in a private directory with a private server, install nothing
#   make test-long       the same with the counts and durations of a release
#   make demo            a guided tour on a private server
#   make bench           how fast it is, as ratios against what PostgreSQL does; SCALE=0.1 is a small run;
#                        and how much of what it discovers is right (ONLY=discover: nothing else);
#                        and snapshots beside pg_dump --schema-only (ONLY=drift)
#   make docs/snapshot.sql   the snapshot statement for psql, after a change of sql/snapshot/
#   make help            this text
#
# What steers `make test`: test/tools/run-tests.sh says it at its top; test/bench/run.sh does for `make bench`.

EXTENSION = schemaguard
MODULE_big = schemaguard
PGFILEDESC = "schemaguard - foreign key audit and deployment"

# .ci/check-repo compares these lists with the folders.
OBJS = \
	src/audit_access.o \
	src/audit_btree.o \
	src/audit_codec.o \
	src/audit_distinct.o \
	src/audit_index.o \
	src/audit_orphans.o \
	src/audit_parallel.o \
	src/audit_paranoid.o \
	src/audit_place.o \
	src/audit_probe.o \
	src/audit_proof.o \
	src/audit_result.o \
	src/audit_round.o \
	src/audit_rows.o \
	src/audit_sample.o \
	src/audit_scan.o \
	src/audit_set.o \
	src/audit_skip.o \
	src/audit_sorted.o \
	src/audit_sql.o \
	src/audit_table.o \
	src/audit_watch.o \
	src/code_reach.o \
	src/code_table.o \
	src/deploy_attach.o \
	src/deploy_audit.o \
	src/deploy_backfill.o \
	src/deploy_backfill_role.o \
	src/deploy_check.o \
	src/deploy_check_access.o \
	src/deploy_check_cascade.o \
	src/deploy_check_fix.o \
	src/deploy_check_index.o \
	src/deploy_check_key.o \
	src/deploy_check_load.o \
	src/deploy_check_server.o \
	src/deploy_check_tables.o \
	src/deploy_fix.o \
	src/deploy_fix_reach.o \
	src/deploy_fix_role.o \
	src/deploy_fix_sql.o \
	src/deploy_index.o \
	src/deploy_lock.o \
	src/deploy_overhead.o \
	src/deploy_parallel.o \
	src/deploy_partition.o \
	src/deploy_quarantine.o \
	src/deploy_replace.o \
	src/deploy_rights.o \
	src/deploy_rollback.o \
	src/deploy_run.o \
	src/deploy_step.o \
	src/deploy_throttle.o \
	src/deploy_undo.o \
	src/deploy_unit.o \
	src/deploy_validate.o \
	src/deploy_verify.o \
	src/deploy_verify_find.o \
	src/deploy_verify_live.o \
	src/deploy_verify_reach.o \
	src/deploy_verify_row.o \
	src/deploy_verify_try.o \
	src/deploy_yield.o \
	src/discover_about.o \
	src/discover_advice.o \
	src/discover_beyond.o \
	src/discover_facts.o \
	src/discover_feedback.o \
	src/discover_group.o \
	src/discover_link.o \
	src/discover_match.o \
	src/discover_names.o \
	src/discover_opposite.o \
	src/discover_probe.o \
	src/discover_rows.o \
	src/discover_run.o \
	src/discover_score.o \
	src/discover_signal.o \
	src/discover_sort.o \
	src/discover_split.o \
	src/discover_sql.o \
	src/discover_stats.o \
	src/discover_words.o \
	src/drift_check.o \
	src/drift_class.o \
	src/drift_compare.o \
	src/drift_ddl_capture.o \
	src/drift_ddl_control.o \
	src/drift_ddl_find.o \
	src/drift_ddl_origin.o \
	src/drift_ddl_write.o \
	src/drift_expression.o \
	src/drift_expression_body.o \
	src/drift_expression_raw.o \
	src/drift_expression_tree.o \
	src/drift_history.o \
	src/drift_ignore.o \
	src/drift_impact.o \
	src/drift_impact_body.o \
	src/drift_impact_graph.o \
	src/drift_impact_name.o \
	src/drift_impact_text.o \
	src/drift_keys.o \
	src/drift_keys_advice.o \
	src/drift_keys_match.o \
	src/drift_keys_read.o \
	src/drift_match.o \
	src/drift_matrix.o \
	src/drift_notify.o \
	src/drift_object.o \
	src/drift_property.o \
	src/drift_rename.o \
	src/drift_rename_column.o \
	src/errors.o \
	src/fk_cascade.o \
	src/fk_catalog.o \
	src/fk_check.o \
	src/fk_citus.o \
	src/fk_code.o \
	src/fk_index.o \
	src/fk_partition.o \
	src/fk_subscription.o \
	src/fk_target.o \
	src/fk_text.o \
	src/fk_trigger.o \
	src/fk_trust.o \
	src/guc.o \
	src/log_grant.o \
	src/log_write.o \
	src/origin.o \
	src/plan_approve.o \
	src/plan_backfill.o \
	src/plan_deed.o \
	src/plan_edit.o \
	src/plan_filler.o \
	src/plan_follow.o \
	src/plan_index.o \
	src/plan_input.o \
	src/plan_json.o \
	src/plan_key.o \
	src/plan_path.o \
	src/plan_rights.o \
	src/plan_script.o \
	src/plan_split.o \
	src/plan_sql.o \
	src/plan_statement.o \
	src/plan_store.o \
	src/progress.o \
	src/quote.o \
	src/report_audit.o \
	src/rowsink.o \
	src/schemaguard.o \
	src/scope.o \
	src/snapshot_json.o \
	src/snapshot_live.o \
	src/snapshot_property.o \
	src/snapshot_reader.o \
	src/snapshot_remote.o \
	src/snapshot_store.o \
	src/spi.o \
	src/worker_main.o \
	src/worker_pool.o

SQL_PARTS = \
	sql/parts/00_guard.sql \
	sql/parts/10_tables.sql \
	sql/parts/15_grant.sql \
	sql/parts/20_audit.sql \
	sql/parts/25_trust.sql \
	sql/parts/30_plan.sql \
	sql/parts/35_check.sql \
	sql/parts/40_deploy.sql \
	sql/parts/45_fix.sql \
	sql/parts/46_rollback.sql \
	sql/parts/50_verify.sql \
	sql/parts/60_discover.sql \
	sql/parts/61_discovery_weight.sql \
	sql/parts/62_discovery_rows_weight.sql \
	sql/parts/70_snapshot.sql \
	sql/parts/71_snapshot_statement.sql \
	sql/parts/72_drift.sql \
	sql/parts/74_drift_check.sql \
	sql/parts/76_ddl.sql \
	sql/parts/77_impact.sql \
	sql/parts/90_schema.sql

REGRESS = \
	approve \
	audit \
	audit_foreign \
	audit_index \
	audit_scan \
	bodies \
	citus \
	compare_fks \
	ddl_capture \
	deploy \
	deploy_backfill \
	deploy_index \
	deploy_partition \
	deploy_replace \
	discover \
	discover_keys \
	discover_names \
	discover_rivals \
	discover_roles \
	discover_rows \
	drift \
	drift_check \
	fix \
	impact \
	interface \
	plan \
	plan_18 \
	plan_check \
	plan_roles \
	plan_script \
	rollback \
	snapshot \
	surface \
	throttle \
	trust \
	validate_scan \
	verify \
	verify_18 \
	verify_code

ISOLATION = \
	iso_add_fks_concurrent \
	iso_audit_lock \
	iso_lock_add \
	iso_lock_core \
	iso_lock_drop \
	iso_lock_validate \
	iso_validate_scan

PROVE_TESTS = test/t/*.pl

# The folder of this file, which is another one than the current in a VPATH build.
HERE := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

# These targets find or install a server themselves, so they work where there is no pg_config yet.
STANDALONE = test test-long demo bench docs/snapshot.sql help
.PHONY: $(STANDALONE)

# What plain `make` does; PGXS says how.
all:

test:
	@exec bash "$(HERE)/test/tools/run-tests.sh"

test-long:
	@SG_LONG=1 exec bash "$(HERE)/test/tools/run-tests.sh"

demo:
	@exec bash "$(HERE)/test/demo/run.sh"

bench:
	@[ "$$ONLY" = discover ] || [ "$$ONLY" = drift ] || bash "$(HERE)/test/bench/run.sh"
	@[ "$${ONLY:-discover}" != discover ] || bash "$(HERE)/test/bench/discover/run.sh"
	@[ "$${ONLY:-drift}" != drift ] || bash "$(HERE)/test/bench/drift/run.sh"

docs/snapshot.sql:
	@cd "$(HERE)" && awk -f sql/join.awk sql/snapshot/99_psql.sql > $@.tmp
	@mv "$(HERE)/$@.tmp" "$(HERE)/$@"

help:
	@sed -n -e '/^#/!q' -e 's/^# \{0,1\}//p' "$(HERE)/Makefile"

ifneq ($(filter-out $(STANDALONE),$(or $(MAKECMDGOALS),all)),)

# The version's only home is the control file.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(HERE)/$(EXTENSION).control)
SCRIPT = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA_built = $(SCRIPT)

PG_CPPFLAGS = -I$(srcdir)/src -DSG_VERSION='"$(EXTVERSION)"'

# Specs and regression tests share expected/, hence the names iso_*.
REGRESS_OPTS = --inputdir=$(srcdir)/test
ISOLATION_OPTS = --inputdir=$(srcdir)/test --outputdir=.
TAP_TESTS := $(shell perl -MIPC::Run -e 'print 1' 2> /dev/null)

# Not every server's PGXS finds out by itself that this is a VPATH build.
ifneq ($(HERE),.)
VPATH ?= $(HERE)
endif

# Such a build needs the folders of what it builds, and pg_regress looks for expected/ where it runs.
ENSURE_FOLDERS := $(shell mkdir -p src sql; [ -e expected ] || ln -s "$(abspath $(HERE))/expected" expected)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks no headers; the control file is where the version in the library comes from.
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(srcdir)/src/*.h) $(srcdir)/$(EXTENSION).control

# Through a temporary file, or an interrupted build would leave half a script that looks finished.
$(SCRIPT): $(addprefix $(srcdir)/,$(SQL_PARTS)) $(wildcard $(srcdir)/sql/snapshot/*) $(srcdir)/sql/join.awk \
		$(srcdir)/$(EXTENSION).control $(srcdir)/Makefile
	awk -f $(srcdir)/sql/join.awk $(addprefix $(srcdir)/,$(SQL_PARTS)) > $@.tmp
	mv $@.tmp $@

# For scripts: the value of a variable.
print-%:
	@echo $($*)

endif
