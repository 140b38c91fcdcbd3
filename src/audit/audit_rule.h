/*-------------------------------------------------------------------------
 *
 * audit_rule.h
 *	  Rules that rows are judged by beside foreign keys: CHECK, NOT NULL, UNIQUE.
 *
 *		AuditKey   *ak = audit_rule_not_null(relid, "a_not_null", attnum, true);
 *
 *		table.keys = lappend(table.keys, ak);
 *		audit_table(&table);
 *
 * A rule is an AuditKey with its table as child and parent.  Of the verdict,
 * orphan_rows are the rows that break the rule; for UNIQUE those are all rows
 * of groups of equal ones, and orphan_keys is the number of groups.  Values in
 * the sample are those of the rule's columns, with the primary key before
 * them, or the ctid where there is none to be read; of UNIQUE those that are
 * there more than once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SG_AUDIT_RULE_H
#define SG_AUDIT_RULE_H

#include "postgres.h"
#include "fmgr.h"
#include "nodes/nodes.h"

#include "audit/audit.h"

typedef enum AuditRuleKind
{
	AUDIT_CHECK,
	AUDIT_NOT_NULL,
	AUDIT_UNIQUE
} AuditRuleKind;

typedef struct AuditRule
{
	AuditRuleKind kind;
	Oid			conid;			/* a declared one, or InvalidOid */
	Oid			author;			/* who wrote the condition */
	Node	   *condition;		/* CHECK: as in pg_constraint.conbin */
	bool		tree;			/* rows of tables that inherit count, too */
	bool		nulls_equal;	/* UNIQUE NULLS NOT DISTINCT */
	bool		whole_row;		/* columns are not all in child_att */
	double		sample;			/* percent of the blocks to read; 0: all */
	List	   *shown;			/* numbers of the columns of the sample ... */
	bool		ctid;			/* ... with ctid before them */
} AuditRule;

/*
 * The condition is as in pg_constraint.conbin, with the table as range table
 * entry 1; author is who wrote it.  tree: as ALTER TABLE does it without ONLY
 * and without NO INHERIT.
 */
extern AuditKey *audit_rule_check(Oid relid, const char *name, Node *condition, bool tree, Oid author);
extern AuditKey *audit_rule_not_null(Oid relid, const char *name, AttrNumber attnum, bool tree);
extern AuditKey *audit_rule_unique(Oid relid, const char *name, List *attnums, bool nulls_equal);

/* The rule that a row of pg_constraint is, or NULL where it is none, or gone */
extern AuditKey *audit_rule_declared(Oid conid);

/*
 * A rule as text (audit_rule_parse.c): the condition of a CHECK; a column; what
 * stands after UNIQUE in ALTER TABLE ... ADD, with its brackets.  Names are
 * looked for in pg_catalog alone where the search_path is to be pinned, else by
 * that of who may run what the analysis can run: the caller, or the owner of the
 * table.  Raises what ALTER TABLE would, and 42501 where nobody may.
 */
extern AuditKey *audit_rule_parse(Oid relid, AuditRuleKind kind, const char *definition, Oid author, bool pinned);

/*
 * The rows that break a rule, as those of a set-returning function: row_table,
 * row_id, data.  Raises why they can't be listed.
 */
extern void audit_list_violations(FunctionCallInfo fcinfo, const AuditKey *rule, int64 max_rows);

/* Lists a key's orphans as rows of the function */
extern void audit_list_orphans(FunctionCallInfo fcinfo, const FkKey *key, int64 max_rows);

/*
 * A query for the rows that break the rule, for who audit_rule_scope_begin()
 * makes its caller: row_table, row_id, data; LIMIT $1
 */
extern char *audit_rule_rows(const AuditKey *ak);
extern void audit_rule_scope_begin(SgScope *scope, const AuditKey *ak, bool whole_row);

/* As audit_access_problem, audit_caller_problem and audit_lock; whole_row: rows are listed */
extern FkProblem *audit_rule_access(const AuditKey *ak, bool whole_row);
extern FkProblem *audit_rule_caller_problem(const AuditKey *ak, bool whole_row);
extern FkProblem *audit_rule_lock(const AuditKey *ak, bool wait, Oid *busy);

/* Why it can't be judged by anybody, or NULL */
extern const char *audit_rule_problem(const AuditKey *ak);

/* As whom rows are judged, and listed; why nobody may, or NULL */
extern FkProblem *audit_rule_role(const AuditKey *ak, bool whole_row, Oid *role);

/* Is there no code to run but what is built in, so that it does not matter who runs it? */
extern bool audit_rule_bare(const AuditKey *ak);

#endif							/* SG_AUDIT_RULE_H */
