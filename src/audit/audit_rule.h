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
	Oid			conid;			/* OID of a declared constraint, or InvalidOid */
	Oid			author;			/* author of the condition */
	Node	   *condition;		/* CHECK: condition as in pg_constraint.conbin */
	const char *definition;		/* text of the step that it is of, or NULL */
	bool		tree;			/* rows of inheriting tables count, too */
	bool		nulls_equal;	/* UNIQUE NULLS NOT DISTINCT */
	bool		whole_row;		/* child_att does not list all columns */
	double		sample;			/* percent of blocks to read; 0: all */
	List	   *shown;			/* numbers of the sample's columns */
	bool		ctid;			/* the sample begins with ctid */
} AuditRule;

/*
 * Make rules.  The condition is as in pg_constraint.conbin, with the table as
 * range table entry 1; author is its author. tree: as ALTER TABLE without ONLY
 * and without NO INHERIT.
 */
extern AuditKey *audit_rule_check(Oid relid, const char *name, Node *condition, bool tree, Oid author);
extern AuditKey *audit_rule_not_null(Oid relid, const char *name, AttrNumber attnum, bool tree);
extern AuditKey *audit_rule_unique(Oid relid, const char *name, List *attnums, bool nulls_equal);

/* Returns the rule of a row of pg_constraint, or NULL if it is none or was dropped */
extern AuditKey *audit_rule_declared(Oid conid);

/*
 * Parses a rule (audit_rule_parse.c): the condition of a CHECK; a column; the
 * text after UNIQUE in ALTER TABLE ... ADD, with parentheses.  With `pinned`
 * names are looked up only in pg_catalog, else by the search_path of the role
 * that may run what the analysis can run: the caller, or the owner of the
 * table.  Raises ALTER TABLE's errors, and 42501 if no role may.
 */
extern AuditKey *audit_rule_parse(Oid relid, AuditRuleKind kind, const char *definition, Oid author, bool pinned);

/*
 * Returns the rows that break a rule as the result of a set-returning function:
 * row_table, row_id, data.  Raises an error if they can't be listed.
 */
extern void audit_list_violations(FunctionCallInfo fcinfo, const AuditKey *rule, int64 max_rows);

/* Returns a key's orphans as the result of a set-returning function */
extern void audit_list_orphans(FunctionCallInfo fcinfo, const FkKey *key, int64 max_rows);

/*
 * Returns a query for the rows that break the rule, to run within
 * audit_rule_scope_begin(): row_table, row_id, data; LIMIT $1
 */
extern char *audit_rule_rows(const AuditKey *ak);
extern void audit_rule_scope_begin(SgScope *scope, const AuditKey *ak, bool whole_row);

/* Like audit_access_problem(), audit_caller_problem() and audit_lock(); whole_row: rows are listed */
extern FkProblem *audit_rule_access(const AuditKey *ak, bool whole_row);
extern FkProblem *audit_rule_caller_problem(const AuditKey *ak, bool whole_row);
extern FkProblem *audit_rule_lock(const AuditKey *ak, bool wait, Oid *busy);

/* Returns why no role can judge the rule, or NULL */
extern const char *audit_rule_problem(const AuditKey *ak);

/* Sets *role to the role that judges, or with whole_row lists, rows; returns why no role may, or NULL */
extern FkProblem *audit_rule_role(const AuditKey *ak, bool whole_row, Oid *role);

/* Returns whether only built-in code would run, so that any role may run it */
extern bool audit_rule_bare(const AuditKey *ak);

#endif							/* SG_AUDIT_RULE_H */
