# schemaguard: foreign keys audited, planned and deployed without blocking the application.
#
#   make                 build for the server of PG_CONFIG (default: pg_config on the PATH)
#   make install         install it there
#   make installcheck    regression, isolation and TAP tests against the running server that PGHOST and PGPORT name
#
#   make test            everything at once: build and test in a private directory with a private server, install nothing;
#                        ONLY=audit: the tests of one room of src/
#   make test-long       the same with the counts and durations of a release, what make deb does, and pg_upgrade to 18
#   make gaps            others change the tables in every gap between a look and the deed that trusts it; an hour or two
#   make test-memory     what is used after it is gone: debug_discard_caches, valgrind, AddressSanitizer, on the server with
#                        assertions that .ci/run makes; as root, an hour
#   make coverage        how much of each room's code the tests of ONLY_REGRESS and the like run, and which errors none of them raises
#   make demo            a guided tour on a private server
#   make bench           how fast it is, as ratios against what PostgreSQL does; SCALE=0.1 is a small run;
#                        and how much of what it discovers is right (ONLY=discover: nothing else);
#                        and snapshots beside pg_dump --schema-only (ONLY=drift); ONLY=against: against the last version
#   make dist            the zip for PGXN, of all files that git knows or could
#   make deb             the Debian package of that, for each major that this release of Debian has, and its tests; as root
#   make docs/snapshot.sql   the snapshot statement for psql, after a change of sql/snapshot/
#   make help            this text
#
# What steers `make test`: test/tools/run-tests.sh says it at its top; test/bench/run.sh does for `make bench`.

EXTENSION = schemaguard
MODULE_big = schemaguard
PGFILEDESC = "schemaguard - foreign key audit and deployment"

# .ci/check-repo compares these lists with the folders.
OBJS = \
	src/audit/audit_access.o \
	src/audit/audit_codec.o \
	src/audit/audit_distinct.o \
	src/audit/audit_items.o \
	src/audit/audit_lookup.o \
	src/audit/audit_orphans.o \
	src/audit/audit_parallel.o \
	src/audit/audit_foreign.o \
	src/audit/audit_place.o \
	src/audit/audit_probe.o \
	src/audit/audit_proof.o \
	src/audit/audit_result.o \
	src/audit/audit_round.o \
	src/audit/audit_rows.o \
	src/audit/audit_rule.o \
	src/audit/audit_rule_parse.o \
	src/audit/audit_rule_scan.o \
	src/audit/audit_rule_sql.o \
	src/audit/audit_sample.o \
	src/audit/audit_scan.o \
	src/audit/audit_set.o \
	src/audit/audit_sql.o \
	src/audit/audit_table.o \
	src/audit/audit_violations.o \
	src/audit/audit_watch.o \
	src/audit/audit_yield.o \
	src/base/args.o \
	src/base/body.o \
	src/base/calls.o \
	src/base/catalog.o \
	src/base/code_builtin.o \
	src/base/code_node.o \
	src/base/code_raw.o \
	src/base/code_reach.o \
	src/base/code_table.o \
	src/base/connection.o \
	src/base/cursor.o \
	src/base/depend.o \
	src/base/disk.o \
	src/base/errors.o \
	src/base/gone.o \
	src/base/guard.o \
	src/base/guc.o \
	src/base/guc_early.o \
	src/base/hold.o \
	src/base/json.o \
	src/base/made.o \
	src/base/meant.o \
	src/base/name.o \
	src/base/nametable.o \
	src/base/nearest.o \
	src/base/oidlist.o \
	src/base/origin.o \
	src/base/portable.o \
	src/base/progress.o \
	src/base/quote.o \
	src/base/rowsink.o \
	src/base/scope.o \
	src/base/secrets.o \
	src/base/spi.o \
	src/base/version.o \
	src/base/words.o \
	src/change/change.o \
	src/change/change_along.o \
	src/change/change_attic.o \
	src/change/change_check.o \
	src/change/change_column.o \
	src/change/change_identity.o \
	src/change/change_index.o \
	src/change/change_literal.o \
	src/change/change_maintain.o \
	src/change/change_need.o \
	src/change/change_not_null.o \
	src/change/change_object.o \
	src/change/change_own.o \
	src/change/change_prune.o \
	src/change/change_reach.o \
	src/change/change_rows.o \
	src/change/change_rule.o \
	src/change/change_statement.o \
	src/change/change_table.o \
	src/change/change_taken.o \
	src/change/change_trial.o \
	src/change/change_trigger.o \
	src/change/change_step.o \
	src/change/change_unique.o \
	src/check/check.o \
	src/check/check_access.o \
	src/check/check_before.o \
	src/check/check_cascade.o \
	src/check/check_change.o \
	src/check/check_clone.o \
	src/check/check_fill.o \
	src/check/check_fix.o \
	src/check/check_given.o \
	src/check/check_hold.o \
	src/check/check_index.o \
	src/check/check_key.o \
	src/check/check_load.o \
	src/check/check_refusal.o \
	src/check/check_replica.o \
	src/check/check_rows.o \
	src/check/check_sent.o \
	src/check/check_server.o \
	src/check/check_planned.o \
	src/check/check_query.o \
	src/check/check_stand_in.o \
	src/check/check_statement.o \
	src/check/check_tables.o \
	src/check/check_trial.o \
	src/check/check_twin.o \
	src/check/check_writes.o \
	src/check/check_written.o \
	src/check/check_written_key.o \
	src/ddl/ddl_capture.o \
	src/ddl/ddl_control.o \
	src/ddl/ddl_find.o \
	src/ddl/ddl_guard.o \
	src/ddl/ddl_origin.o \
	src/ddl/ddl_reassign.o \
	src/ddl/ddl_target.o \
	src/ddl/ddl_touched.o \
	src/ddl/ddl_write.o \
	src/deploy/deploy_attach.o \
	src/deploy/deploy_audit.o \
	src/deploy/deploy_backfill.o \
	src/deploy/deploy_backfill_role.o \
	src/deploy/deploy_index.o \
	src/deploy/deploy_parallel.o \
	src/deploy/deploy_partition.o \
	src/deploy/deploy_replace.o \
	src/deploy/deploy_rights.o \
	src/deploy/deploy_run.o \
	src/deploy/deploy_scan.o \
	src/deploy/deploy_step.o \
	src/deploy/deploy_validate.o \
	src/deploy/deploy_yield.o \
	src/discover/discover.o \
	src/discover/discover_facts.o \
	src/discover/discover_feedback.o \
	src/discover/discover_match.o \
	src/discover/discover_names.o \
	src/discover/discover_rows.o \
	src/discover/discover_score.o \
	src/discover/discover_stats.o \
	src/discover/discover_values.o \
	src/drift/drift_check.o \
	src/drift/drift_class.o \
	src/drift/drift_compare.o \
	src/drift/drift_ddl.o \
	src/drift/drift_here.o \
	src/drift/drift_left_out.o \
	src/drift/drift_lookup.o \
	src/drift/drift_history.o \
	src/drift/drift_ignore.o \
	src/drift/drift_match.o \
	src/drift/drift_matrix.o \
	src/drift/drift_move.o \
	src/drift/drift_name.o \
	src/drift/drift_pairs.o \
	src/drift/drift_planned.o \
	src/drift/drift_property.o \
	src/drift/drift_rename.o \
	src/drift/drift_rename_column.o \
	src/drift/drift_risk.o \
	src/expression/expression.o \
	src/expression/expression_body.o \
	src/expression/expression_raw.o \
	src/expression/expression_rule.o \
	src/expression/expression_tree.o \
	src/finding/finding.o \
	src/finding/finding_accept.o \
	src/finding/finding_relay.o \
	src/fix/fix.o \
	src/fix/fix_before.o \
	src/fix/fix_change.o \
	src/fix/fix_keep.o \
	src/fix/fix_limit.o \
	src/fix/fix_pass.o \
	src/fix/fix_quarantine.o \
	src/fix/fix_graph.o \
	src/fix/fix_reach.o \
	src/fix/fix_referring.o \
	src/fix/fix_restore.o \
	src/fix/fix_restore_hint.o \
	src/fix/fix_restore_order.o \
	src/fix/fix_restore_refused.o \
	src/fix/fix_role.o \
	src/fix/fix_since.o \
	src/fix/fix_sql.o \
	src/fix/fix_together.o \
	src/fk/fk_cascade.o \
	src/fk/fk_catalog.o \
	src/fk/fk_check.o \
	src/fk/fk_citus.o \
	src/fk/fk_citus_ask.o \
	src/fk/fk_code.o \
	src/fk/fk_index.o \
	src/fk/fk_partition.o \
	src/fk/fk_subscription.o \
	src/fk/fk_target.o \
	src/fk/fk_text.o \
	src/fk/fk_trigger.o \
	src/fk/fk_trust.o \
	src/fkdiff/fkdiff.o \
	src/fkdiff/fkdiff_advice.o \
	src/fkdiff/fkdiff_match.o \
	src/fkdiff/fkdiff_read.o \
	src/fkdiff/fkdiff_rename.o \
	src/impact/impact.o \
	src/impact/impact_body.o \
	src/impact/impact_graph.o \
	src/impact/impact_name.o \
	src/impact/impact_text.o \
	src/log/log_backup.o \
	src/log/log_evidence.o \
	src/log/log_grant.o \
	src/log/log_write.o \
	src/plan/plan_accept.o \
	src/plan/plan_approve.o \
	src/plan/plan_backfill.o \
	src/plan/plan_call.o \
	src/plan/plan_change.o \
	src/plan/plan_choice.o \
	src/plan/plan_deed.o \
	src/plan/plan_deed_follow.o \
	src/plan/plan_deprecate.o \
	src/plan/plan_drops.o \
	src/plan/plan_edit.o \
	src/plan/plan_field.o \
	src/plan/plan_filler.o \
	src/plan/plan_finding.o \
	src/plan/plan_hold.o \
	src/plan/plan_index.o \
	src/plan/plan_index_form.o \
	src/plan/plan_index_size.o \
	src/plan/plan_input.o \
	src/plan/plan_json.o \
	src/plan/plan_key.o \
	src/plan/plan_lock.o \
	src/plan/plan_name.o \
	src/plan/plan_option.o \
	src/plan/plan_pause.o \
	src/plan/plan_order.o \
	src/plan/plan_reads.o \
	src/plan/plan_relation.o \
	src/plan/plan_rights.o \
	src/plan/plan_rows.o \
	src/plan/plan_set.o \
	src/plan/plan_sql.o \
	src/plan/plan_statement.o \
	src/plan/plan_store.o \
	src/plan/plan_value.o \
	src/promote/promote.o \
	src/promote/promote_apply.o \
	src/report/report_audit.o \
	src/report/report_gate.o \
	src/report/report_lint.o \
	src/report/report_lint_gate.o \
	src/report/report_lint_sql.o \
	src/report/report_stats.o \
	src/report/report_tap.o \
	src/run/run_call.o \
	src/run/run_deed.o \
	src/run/run_end.o \
	src/run/run_follower.o \
	src/run/run_lock.o \
	src/run/run_name.o \
	src/run/run_rights.o \
	src/run/run_rows.o \
	src/run/run_step.o \
	src/run/run_throttle.o \
	src/run/run_unit.o \
	src/schemaguard.o \
	src/script/script.o \
	src/script/script_add.o \
	src/script/script_brief.o \
	src/script/script_change.o \
	src/script/script_column.o \
	src/script/script_cut.o \
	src/script/script_facts.o \
	src/script/script_follow.o \
	src/script/script_hold.o \
	src/script/script_name.o \
	src/script/script_path.o \
	src/script/script_split.o \
	src/snapshot/snapshot_export.o \
	src/snapshot/snapshot_json.o \
	src/snapshot/snapshot_live.o \
	src/snapshot/snapshot_object.o \
	src/snapshot/snapshot_property.o \
	src/snapshot/snapshot_reader.o \
	src/snapshot/snapshot_remote.o \
	src/snapshot/snapshot_store.o \
	src/snapshot/snapshot_upgrade.o \
	src/stamp/stamp_archive.o \
	src/stamp/stamp_row.o \
	src/sync/sync_apply.o \
	src/sync/sync_ensure.o \
	src/sync/sync_history.o \
	src/sync/sync_pairs.o \
	src/sync/sync_sandbox.o \
	src/sync/sync_replay.o \
	src/sync/sync_scratch.o \
	src/sync/sync_script.o \
	src/sync/sync_session.o \
	src/sync/sync_template.o \
	src/sync/sync_seen.o \
	src/sync/sync_text.o \
	src/sync/sync_unit.o \
	src/tenant/tenant_audit.o \
	src/undo/undo.o \
	src/undo/undo_change.o \
	src/undo/undo_column.o \
	src/undo/undo_hold.o \
	src/undo/undo_rollback.o \
	src/undo/undo_value.o \
	src/verify/verify.o \
	src/verify/verify_change.o \
	src/verify/verify_find.o \
	src/verify/verify_keys.o \
	src/verify/verify_live.o \
	src/verify/verify_overhead.o \
	src/verify/verify_reach.o \
	src/verify/verify_row.o \
	src/verify/verify_smoke.o \
	src/verify/verify_try.o \
	src/verify/verify_worker.o \
	src/worker/worker_main.o \
	src/worker/worker_pool.o

SQL_PARTS = \
	sql/parts/00_base.sql \
	sql/parts/10_fk_trust.sql \
	sql/parts/15_log.sql \
	sql/parts/16_log_backup.sql \
	sql/parts/16_log_evidence.sql \
	sql/parts/16_log_grant.sql \
	sql/parts/17_finding.sql \
	sql/parts/18_finding_rule.sql \
	sql/parts/20_audit.sql \
	sql/parts/21_stamp.sql \
	sql/parts/25_plan_tables.sql \
	sql/parts/26_plan.sql \
	sql/parts/27_plan_change.sql \
	sql/parts/28_plan_rows.sql \
	sql/parts/29_plan_rows_step.sql \
	sql/parts/30_base_progress.sql \
	sql/parts/40_snapshot.sql \
	sql/parts/41_snapshot_statement.sql \
	sql/parts/45_fix.sql \
	sql/parts/46_tenant.sql \
	sql/parts/50_deploy.sql \
	sql/parts/55_check.sql \
	sql/parts/60_undo.sql \
	sql/parts/65_verify.sql \
	sql/parts/70_discover.sql \
	sql/parts/71_discover_word.sql \
	sql/parts/72_discover_weight.sql \
	sql/parts/73_discover_rows_weight.sql \
	sql/parts/75_drift.sql \
	sql/parts/76_drift_check.sql \
	sql/parts/76_drift_lookup.sql \
	sql/parts/77_sync_document.sql \
	sql/parts/77_sync_printed.sql \
	sql/parts/77_sync_rule.sql \
	sql/parts/78_sync.sql \
	sql/parts/78_sync_kind.sql \
	sql/parts/78_sync_object.sql \
	sql/parts/78_sync_type.sql \
	sql/parts/79_sync_anew.sql \
	sql/parts/79_sync_call.sql \
	sql/parts/79_sync_change.sql \
	sql/parts/79_sync_code.sql \
	sql/parts/79_sync_guard.sql \
	sql/parts/79_sync_lookup.sql \
	sql/parts/79_sync_made.sql \
	sql/parts/79_sync_pair.sql \
	sql/parts/79_sync_remark.sql \
	sql/parts/79_sync_sent.sql \
	sql/parts/79_sync_sql.sql \
	sql/parts/79_sync_statement.sql \
	sql/parts/79_sync_unit.sql \
	sql/parts/80_fkdiff.sql \
	sql/parts/80_sync_apply.sql \
	sql/parts/80_sync_kept.sql \
	sql/parts/80_sync_line.sql \
	sql/parts/80_sync_script.sql \
	sql/parts/80_sync_undo.sql \
	sql/parts/81_sync_check.sql \
	sql/parts/82_sync_ensure.sql \
	sql/parts/82_sync_files_tool.sql \
	sql/parts/83_sync_files_write.sql \
	sql/parts/84_sync_files.sql \
	sql/parts/84_sync_history.sql \
	sql/parts/84_sync_replay.sql \
	sql/parts/85_ddl.sql \
	sql/parts/86_ddl_guard.sql \
	sql/parts/87_promote.sql \
	sql/parts/88_promote_bundle.sql \
	sql/parts/88_promote_check.sql \
	sql/parts/89_promote_status.sql \
	sql/parts/90_impact.sql \
	sql/parts/95_report_gate.sql \
	sql/parts/96_report_tap.sql \
	sql/parts/97_report_explain.sql \
	sql/parts/97_report_listing.sql \
	sql/parts/98_report_lint.sql \
	sql/parts/98_report_lint_rule.sql \
	sql/parts/98_report_lint_sql.sql \
	sql/parts/98_report_lint_sql_rule.sql \
	sql/parts/98_report_manual.sql \
	sql/parts/98_report_status.sql \
	sql/parts/98_report_trend.sql \
	sql/parts/98_report_trend_watch.sql \
	sql/parts/98_report_verdict.sql \
	sql/parts/98_report_vital.sql \
	sql/parts/98_report_what.sql \
	sql/parts/98_report_what_watch.sql \
	sql/parts/98_report_write.sql \
	sql/parts/98_report_write_dashboard.sql \
	sql/parts/98_report_write_graph.sql \
	sql/parts/98_report_write_schema_doc.sql \
	sql/parts/99_base_schema.sql

REGRESS = \
	arguments \
	approve \
	audit \
	audit_18 \
	audit_foreign \
	audit_gate \
	audit_probe \
	audit_rules \
	audit_scan \
	backup \
	bodies \
	change_checks \
	change_index \
	change_object \
	change_rows \
	change_table \
	changes \
	citus \
	column_values \
	compare_fks \
	dashboard \
	ddl_capture \
	deploy \
	deploy_backfill \
	deploy_index \
	deploy_partition \
	deploy_replace \
	discover \
	discover_names \
	discover_rows \
	drift \
	drift_check \
	drift_rename \
	evidence \
	explain \
	fail \
	fix \
	fix_limit \
	fix_together \
	go \
	gone \
	graph \
	health \
	impact \
	interface \
	lint \
	lookup \
	lookup_sync \
	lint_18 \
	lint_sql \
	pgtap \
	migration_history \
	plan \
	plan_18 \
	plan_add \
	plan_check \
	plan_check_before \
	plan_check_refusal \
	plan_check_set \
	plan_check_silent \
	plan_graph \
	plan_roles \
	plan_rows \
	plan_script \
	promote \
	publication \
	referencing \
	report \
	rollback \
	schema_doc \
	script_changes \
	smoke \
	snapshot \
	snapshot_files \
	stamp \
	status \
	surface \
	tenant \
	throttle \
	told \
	trust \
	validate_scan \
	verify \
	verify_18 \
	verify_code

ISOLATION = \
	iso_add_fks_concurrent \
	iso_archive \
	iso_audit_lock \
	iso_lock_add \
	iso_lock_core \
	iso_lock_drop \
	iso_lock_validate \
	iso_snapshot_drop \
	iso_validate_scan

PROVE_TESTS = test/t/*.pl

# The folder of this file, which is another one than the current in a VPATH build.
HERE := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))

# These targets find or install a server themselves, so they work where there is no pg_config yet.
STANDALONE = test test-long gaps test-memory coverage demo bench dist deb docs/snapshot.sql help
.PHONY: $(STANDALONE)

# What plain `make` does; PGXS says how.
all:

test:
	@exec bash "$(HERE)/test/tools/run-tests.sh"

test-long:
	@SG_LONG=1 bash "$(HERE)/test/tools/run-tests.sh"
	@bash "$(HERE)/test/tools/deb.sh" || [ $$? = 3 ]
	@bash "$(HERE)/test/tools/pg-upgrade.sh" || [ $$? = 3 ]

gaps:
	@SG_GAPS=1 SG_TIMEOUT=$${SG_TIMEOUT:-36000} ONLY_TAP="047_traps 049_gaps 049_missing" bash "$(HERE)/test/tools/run-tests.sh"

test-memory:
	@bash "$(HERE)/test/tools/memory.sh"

coverage:
	@exec bash "$(HERE)/test/tools/coverage.sh"

demo:
	@exec bash "$(HERE)/test/demo/run.sh"

bench:
	@[ "$$ONLY" = discover ] || [ "$$ONLY" = drift ] || [ "$$ONLY" = against ] || bash "$(HERE)/test/bench/run.sh"
	@[ "$${ONLY:-}" != against ] || bash "$(HERE)/test/bench/against.sh"
	@[ "$${ONLY:-discover}" != discover ] || bash "$(HERE)/test/bench/discover/run.sh"
	@[ "$${ONLY:-drift}" != drift ] || bash "$(HERE)/test/bench/drift/run.sh"

dist:
	@exec bash "$(HERE)/test/tools/dist.sh"

deb:
	@exec bash "$(HERE)/test/tools/deb.sh"

docs/snapshot.sql:
	@cd "$(HERE)" && awk -f sql/join.awk sql/snapshot/99_psql.sql > $@.tmp
	@mv "$(HERE)/$@.tmp" "$(HERE)/$@"

help:
	@sed -n -e '/^#/!q' -e 's/^# \{0,1\}//p' "$(HERE)/Makefile"

ifneq ($(filter-out $(STANDALONE),$(or $(MAKECMDGOALS),all)),)

# The version's only home is the control file.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(HERE)/$(EXTENSION).control)
SCRIPT = sql/$(EXTENSION)--$(EXTVERSION).sql

# The version before: the file that has what is done to its tables says which. Its own script is in sql/frozen/.
BY_HAND := $(patsubst $(HERE)/%,%,$(wildcard $(HERE)/sql/upgrade/$(EXTENSION)--*--$(EXTVERSION).sql))
LASTVERSION := $(or $(patsubst sql/upgrade/$(EXTENSION)--%--$(EXTVERSION).sql,%,$(BY_HAND)),$(EXTVERSION))
UPDATE = $(addprefix sql/,$(notdir $(BY_HAND)))
DATA = $(patsubst $(HERE)/%,%,$(wildcard $(HERE)/sql/frozen/*.sql))
DATA_built = $(SCRIPT) $(UPDATE)

PG_CPPFLAGS = -I$(patsubst %/,%,$(srcdir))/src -DSG_VERSION='"$(EXTVERSION)"' -DSG_LAST_VERSION='"$(LASTVERSION)"'

SHLIB_EXPORTS = exports.txt
EXTRA_CLEAN = exports.txt exports.list

# Specs and regression tests share expected/, hence the names iso_*.
REGRESS_OPTS = --inputdir=$(srcdir)/test
ISOLATION_OPTS = --inputdir=$(srcdir)/test --outputdir=.
TAP_TESTS := $(shell perl -MIPC::Run -e 'print 1' 2> /dev/null)

# Not every server's PGXS finds out by itself that this is a VPATH build.
ifneq ($(HERE),.)
VPATH ?= $(HERE)
endif

# Such a build needs the folders of what it builds, and pg_regress looks for expected/ where it runs.
ENSURE_FOLDERS := $(shell mkdir -p sql $(sort $(dir $(OBJS))); [ -e expected ] || ln -s "$(abspath $(HERE))/expected" expected)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The manual with its folder, for its pages refer to one another; DOCS of PGXS knows no folders.
DOCFOLDER = $(DESTDIR)$(docdir)/extension/$(EXTENSION)
install: install-manual
uninstall: uninstall-manual
.PHONY: install-manual uninstall-manual
install-manual:
	$(MKDIR_P) '$(DOCFOLDER)'
	cp -R $(addprefix $(srcdir)/,README.md CHANGELOG.md LICENSE docs) '$(DOCFOLDER)/'
	chmod -R u=rwX,go=rX '$(DOCFOLDER)'
uninstall-manual:
	rm -rf '$(DOCFOLDER)'

# Which server the objects are for: for another one all of them are made anew.
BUILT_FOR := $(shell echo '$(VERSION) $(libdir) $(CC)' > .built-for.now; \
	cmp -s .built-for.now .built-for && rm .built-for.now || mv .built-for.now .built-for)

# What the server looks up is all that the library exports, on every major.
exports.txt: $(addprefix $(srcdir)/,$(OBJS:.o=.c)) $(srcdir)/Makefile
	sed -n -e 's/^SG_FUNCTION(\(.*\));/\1 pg_finfo_\1/p' -e 's/^PGDLLEXPORT .* \(.*\)(.*;/\1/p' \
		$(filter %.c,$^) | tr ' ' '\n' > $@.tmp
	printf '%s\n' _PG_init Pg_magic_func >> $@.tmp
	mv $@.tmp $@

# PGXS tracks no headers; the control file is where the version in the library comes from.
$(OBJS) $(OBJS:.o=.bc): .built-for $(wildcard $(srcdir)/src/*/*.h) $(srcdir)/$(EXTENSION).control

# Through a temporary file, or an interrupted build would leave half a script that looks finished.
$(SCRIPT): $(addprefix $(srcdir)/,$(SQL_PARTS)) $(wildcard $(srcdir)/sql/snapshot/* $(srcdir)/sql/sync/*) $(srcdir)/sql/join.awk \
		$(srcdir)/$(EXTENSION).control $(srcdir)/Makefile
	awk -f $(srcdir)/sql/join.awk $(addprefix $(srcdir)/,$(SQL_PARTS)) > $@.tmp
	mv $@.tmp $@

ifneq ($(UPDATE),)
OLD_SCRIPT = $(srcdir)/sql/frozen/$(EXTENSION)--$(LASTVERSION).sql
$(UPDATE): $(OLD_SCRIPT) $(SCRIPT) $(srcdir)/$(BY_HAND) $(srcdir)/sql/upgrade/ask.sql $(srcdir)/sql/upgrade.awk
	awk -f $(srcdir)/sql/upgrade.awk $(OLD_SCRIPT) $(SCRIPT) $(srcdir)/$(BY_HAND) $(srcdir)/sql/upgrade/ask.sql > $@.tmp
	mv $@.tmp $@
endif

# For scripts: the value of a variable.
print-%:
	@echo $($*)

endif
