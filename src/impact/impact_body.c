/*-------------------------------------------------------------------------
 *
 * impact_body.c
 *	  Functions whose bodies are kept as text, and what they name.
 *
 * PostgreSQL does not know what such a body depends on, and neither do we for
 * sure: a name without a schema may lead elsewhere, a string may be no SQL.
 * So what is found here is a mention.  SQL is parsed; of PL/pgSQL, and of SQL
 * that is not to be parsed, the server's own scanner tells the identifiers,
 * and strings are searched for the name as a word, for EXECUTE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "common/keywords.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "base/catalog.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/quote.h"
#include "impact/impact.h"

/* Codes of the scanner's tokens, from the comment in parser/scanner.h */
#define TOKEN_END 0
#define TOKEN_IDENT 258
#define TOKEN_UIDENT 259
#define TOKEN_SCONST 261

/* Code for every keyword: whether it is reserved does not matter here */
#define TOKEN_KEYWORD 10000

/* Name to search for */
typedef struct Wanted
{
	ImpactNode *node;
	const char *schema;
	const char *name;
	const char *column;			/* column; NULL: the table itself */
	Oid			classid;
} Wanted;

/* Function with the body to read */
typedef struct Body
{
	Oid			oid;
	bool		sql;
	char	   *text;
} Body;

typedef enum ReferenceKind
{
	REFERENCE_ANY,
	REFERENCE_TABLE,
	REFERENCE_COLUMN,
	REFERENCE_FUNCTION,
	REFERENCE_TYPE
} ReferenceKind;

/* State of reading one body */
typedef struct Reading
{
	const Body *body;
	List	   *wanted;			/* of Wanted * */
	List	   *ctes;			/* names of WITH queries in scope */
	bool	   *saw_table;		/* per number of the wanted name */
	bool	   *saw_column;
} Reading;

/* ---- what was seen ---- */

static bool
fits(const Wanted *wanted, ReferenceKind kind)
{
	switch (kind)
	{
		case REFERENCE_TABLE:
			return wanted->classid == RelationRelationId;
		case REFERENCE_FUNCTION:
			return wanted->classid == ProcedureRelationId;
		case REFERENCE_TYPE:
			return wanted->classid != ProcedureRelationId;
		default:
			return kind == REFERENCE_ANY;
	}
}

/* Notes a dotted name, of which at most three parts matter; call: a parenthesis follows */
static void
see_name(Reading *reading, ReferenceKind kind, char **parts, int n, bool call)
{
	int			i = 0;

	foreach_ptr(const Wanted, wanted, reading->wanted)
	{
		bool		named = strcmp(parts[0], wanted->name) == 0 ||
			(n > 1 && wanted->schema && strcmp(parts[0], wanted->schema) == 0 &&
			 strcmp(parts[1], wanted->name) == 0);

		if (named && fits(wanted, kind) &&
			(wanted->classid != ProcedureRelationId || call || kind != REFERENCE_ANY))
			reading->saw_table[i] = true;
		if (wanted->column && (kind == REFERENCE_COLUMN || kind == REFERENCE_ANY) &&
			strcmp(parts[n - 1], wanted->column) == 0)
			reading->saw_column[i] = true;
		i++;
	}
}

static bool
is_word_character(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* Returns whether the text contains the name as a word */
static bool
has_word(const char *text, const char *name)
{
	size_t		length = strlen(name);

	for (const char *p = text; *p; p++)
	{
		if (pg_strncasecmp(p, name, length) == 0 &&
			(p == text ||!is_word_character(p[-1])) &&!is_word_character(p[length]))
			return true;
	}
	return false;
}

static void
see_string(Reading *reading, const char *text)
{
	int			i = 0;

	foreach_ptr(const Wanted, wanted, reading->wanted)
	{
		if (has_word(text, wanted->name))
			reading->saw_table[i] = true;
		if (wanted->column && has_word(text, wanted->column))
			reading->saw_column[i] = true;
		i++;
	}
}

/* ---- by the scanner ---- */

static void
scan_body(Reading *reading)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		location;
	uint16	   *codes = palloc(sizeof(uint16) * ScanKeywords.num_keywords);
	char	   *parts[3];
	int			n = 0;
	bool		after_dot = false;
	bool		raises = false; /* within RAISE, whose strings are messages */
	int			token;

	for (int i = 0; i < ScanKeywords.num_keywords; i++)
		codes[i] = TOKEN_KEYWORD;
	scanner = scanner_init(reading->body->text, &extra, &ScanKeywords, codes);
	SG_SCANNER_QUIET(extra);

	do
	{
		token = core_yylex(&value, &location, scanner);
		if (token == TOKEN_IDENT || token == TOKEN_UIDENT || token == TOKEN_KEYWORD)
		{
			char	   *name = token == TOKEN_KEYWORD ? pstrdup(value.keyword) : value.str;

			raises = raises || (!after_dot && strcmp(name, "raise") == 0);
			if (!after_dot && n > 0)
			{
				see_name(reading, REFERENCE_ANY, parts, n, false);
				n = 0;
			}
			if (n < 3)
				parts[n++] = name;
			after_dot = false;
			continue;
		}
		if (token == '.' && n > 0)
		{
			after_dot = true;
			continue;
		}
		if (n > 0)
			see_name(reading, REFERENCE_ANY, parts, n, token == '(');
		n = 0;
		after_dot = false;
		if (token == TOKEN_SCONST && !raises)
			see_string(reading, value.str);
		if (token == ';')
			raises = false;
	} while (token != TOKEN_END);
	scanner_finish(scanner);
}

/* ---- by the parser ---- */

static void
see_list(Reading *reading, ReferenceKind kind, List *names)
{
	char	   *parts[3];
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
	{
		if (n < 3 && IsA(lfirst(lc), String))
			parts[n++] = strVal(lfirst(lc));
	}
	if (n > 0)
		see_name(reading, kind, parts, n, false);
}

/* Notes a string that a function or a cast takes as the name of a relation */
static void
see_relation_name(Reading *reading, Node *node)
{
	char	   *parts[3];
	List	   *names;
	int			n = 0;
	char	   *text;

	if (node && IsA(node, TypeCast))
		node = ((TypeCast *) node)->arg;
	text = node && IsA(node, A_Const) && IsA(&((A_Const *) node)->val.node, String) ? ((A_Const *) node)->val.sval.sval : NULL;

	if (text == NULL || !SplitIdentifierString(pstrdup(text), '.', &names) || names == NIL)
		return;
	foreach_ptr(char, name, names)
	{
		if (n < 3)
			parts[n++] = name;
	}
	see_name(reading, REFERENCE_TABLE, parts, n, false);
}

static bool
takes_relation(List *funcname)
{
	static const char *const names[] = {"nextval", "currval", "setval", "to_regclass", "pg_get_serial_sequence"};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(strVal(llast(funcname)), names[i]) == 0)
			return true;
	}
	return false;
}

static bool walk(Node *node, void *context);

/*
 * Walks a statement with its WITH queries in scope, which decide what a name
 * means in the rest of the statement
 */
static bool
walk_with(Node *node, WithClause *with, RangeVar *target, Reading *reading)
{
	List	   *outer = reading->ctes;

	(void) walk((Node *) target, reading);
	foreach_ptr(CommonTableExpr, cte, with ? with->ctes : NIL)
	{
		List	   *inner = lappend(list_copy(reading->ctes), cte->ctename);

		if (with->recursive)
			reading->ctes = inner;
		(void) walk(cte->ctequery, reading);
		reading->ctes = inner;
	}
	(void) raw_expression_tree_walker(node, walk, reading);
	reading->ctes = outer;
	return false;
}

static bool
walk(Node *node, void *context)
{
	Reading    *reading = context;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_SelectStmt:
			return walk_with(node, ((SelectStmt *) node)->withClause, NULL, reading);
		case T_InsertStmt:
			return walk_with(node, ((InsertStmt *) node)->withClause, ((InsertStmt *) node)->relation, reading);
		case T_UpdateStmt:
			return walk_with(node, ((UpdateStmt *) node)->withClause, ((UpdateStmt *) node)->relation, reading);
		case T_DeleteStmt:
			return walk_with(node, ((DeleteStmt *) node)->withClause, ((DeleteStmt *) node)->relation, reading);
		case T_MergeStmt:
			return walk_with(node, ((MergeStmt *) node)->withClause, ((MergeStmt *) node)->relation, reading);
		case T_A_Indirection:
			see_list(reading, REFERENCE_COLUMN, ((A_Indirection *) node)->indirection);
			break;
		case T_TypeCast:
			if (strcmp(strVal(llast(((TypeCast *) node)->typeName->names)), "regclass") == 0)
				see_relation_name(reading, ((TypeCast *) node)->arg);
			break;
		case T_RangeVar:
			{
				RangeVar   *range = (RangeVar *) node;
				char	   *parts[2] = {range->relname, NULL};

				if (range->schemaname)
				{
					parts[0] = range->schemaname;
					parts[1] = range->relname;
				}
				else if (sg_has_name(reading->ctes, range->relname))
					return false;
				see_name(reading, REFERENCE_TABLE, parts, range->schemaname ? 2 : 1, false);
				return false;
			}
		case T_ColumnRef:
			see_list(reading, REFERENCE_COLUMN, ((ColumnRef *) node)->fields);
			return false;
		case T_FuncCall:
			see_list(reading, REFERENCE_FUNCTION, ((FuncCall *) node)->funcname);
			if (takes_relation(((FuncCall *) node)->funcname) && ((FuncCall *) node)->args)
				see_relation_name(reading, linitial(((FuncCall *) node)->args));
			break;
		case T_TypeName:
			see_list(reading, REFERENCE_TYPE, ((TypeName *) node)->names);
			break;
		case T_ResTarget:
			if (((ResTarget *) node)->name)
				see_name(reading, REFERENCE_COLUMN, &((ResTarget *) node)->name, 1, false);
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, walk, context);
}

static void
parse_body(void *arg)
{
	Reading    *reading = arg;
	List	   *statements = raw_parser(reading->body->text, RAW_PARSE_DEFAULT);
	ListCell   *lc;

	foreach(lc, statements)
	{
		Node	   *statement = lfirst_node(RawStmt, lc)->stmt;

		if (code_is_query(statement))
			walk(statement, reading);
		else
		{
			scan_body(reading);
			return;
		}
	}
}

static void
scan_any_body(void *arg)
{
	scan_body(arg);
}

/* ---- all bodies ---- */

/* Returns users' functions whose bodies are stored as text, sorted by OID */
static List *
read_bodies(void)
{
	Relation	rel = table_open(ProcedureRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, ProcedureOidIndexId, true, NULL, 0, NULL);
	Oid			plpgsql = get_language_oid("plpgsql", true);
	Oid			ours = get_extension_oid("schemaguard", true);
	HeapTuple	tuple;
	List	   *bodies = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
		bool		isnull;
		Datum		source;
		Body	   *body;

		CHECK_FOR_INTERRUPTS();
		if (proc->oid < FirstNormalObjectId ||
			(proc->prolang != SQLlanguageId && proc->prolang != plpgsql) ||
			getExtensionOfObject(ProcedureRelationId, proc->oid) == ours)
			continue;
		(void) heap_getattr(tuple, Anum_pg_proc_prosqlbody, RelationGetDescr(rel), &isnull);
		if (!isnull)
			continue;
		source = heap_getattr(tuple, Anum_pg_proc_prosrc, RelationGetDescr(rel), &isnull);
		if (isnull)
			continue;
		body = palloc(sizeof(Body));
		body->oid = proc->oid;
		body->sql = proc->prolang == SQLlanguageId;
		body->text = TextDatumGetCString(source);
		bodies = lappend(bodies, body);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return bodies;
}

/* Returns the name to search for on behalf of a node, or NULL if no body can name it */
static Wanted *
wanted_for(ImpactNode *node)
{
	const ObjectAddress *address = &node->address;
	Wanted	   *wanted;
	Oid			schema;

	if (node->stays || impact_is_internal(node) ||
		(address->objectSubId != 0 && node->depth > 0))
		return NULL;

	wanted = palloc0(sizeof(Wanted));
	wanted->node = node;
	wanted->classid = address->classId;
	switch (address->classId)
	{
		case RelationRelationId:
			if (get_rel_relkind(address->objectId) == RELKIND_INDEX ||
				get_rel_relkind(address->objectId) == RELKIND_PARTITIONED_INDEX)
				return NULL;
			wanted->name = get_rel_name(address->objectId);
			schema = get_rel_namespace(address->objectId);
			if (address->objectSubId != 0)
				wanted->column = get_attname(address->objectId, address->objectSubId, true);
			break;
		case ProcedureRelationId:
			wanted->name = get_func_name(address->objectId);
			schema = get_func_namespace(address->objectId);
			break;
		case TypeRelationId:
			{
				HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(address->objectId));

				if (!HeapTupleIsValid(tuple))
					return NULL;
				wanted->name = pstrdup(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname));
				schema = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
				ReleaseSysCache(tuple);
				break;
			}
		default:
			return NULL;
	}
	if (wanted->name == NULL)
		return NULL;
	wanted->schema = get_namespace_name(schema);
	return wanted;
}

/*
 * Returns whether the function receives rows of the table without naming it: as
 * its trigger, or as an argument
 */
static bool
has_rows(const Body *body, Oid table)
{
	Oid			row_type = get_rel_type_id(table);
	SgCatalog	triggers;
	HeapTuple	tuple;
	Oid		   *types;
	int			n;
	bool		found = false;

	sg_catalog_begin(&triggers, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, table, NULL);
	while (!found && HeapTupleIsValid(tuple = sg_catalog_next(&triggers)))
		found = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid == body->oid;
	sg_catalog_end(&triggers);
	(void) get_func_signature(body->oid, &types, &n);
	for (int i = 0; i < n; i++)
		found = found || (OidIsValid(row_type) && types[i] == row_type);
	return found;
}

/* Returns the first wanted name that the body contains, or NULL */
static const Wanted *
read_body(const Body *body, List *wanted, MemoryContext scratch)
{
	Reading		reading = {.body = body,.wanted = wanted};
	MemoryContext old = MemoryContextSwitchTo(scratch);
	const Wanted *found = NULL;
	ErrorData  *error = NULL;
	int			i = 0;

	reading.saw_table = palloc0(sizeof(bool) * list_length(wanted));
	reading.saw_column = palloc0(sizeof(bool) * list_length(wanted));

	if (body->sql)
		error = sg_try(parse_body, &reading);
	if (error)
		sg_rethrow_cancel(error);
	if (!body->sql || error)
	{
		error = sg_try(scan_any_body, &reading);
		if (error)
			sg_rethrow_cancel(error);
	}

	foreach_ptr(const Wanted, candidate, wanted)
	{
		if (found == NULL && (candidate->column == NULL || reading.saw_column[i]) &&
			(reading.saw_table[i] || (candidate->column && has_rows(body, candidate->node->address.objectId))))
			found = candidate;
		i++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(scratch);
	return found;
}

void
impact_read_bodies(Impact *impact)
{
	List	   *bodies = read_bodies();
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "schemaguard bodies",
												  ALLOCSET_DEFAULT_SIZES);
	int			done = 0;

	/* functions that are found may be named by others */
	while (bodies && done < list_length(impact->order))
	{
		List	   *wanted = NIL;
		ListCell   *lc;

		for (; done < list_length(impact->order); done++)
		{
			Wanted	   *name = wanted_for(list_nth(impact->order, done));

			if (name)
				wanted = lappend(wanted, name);
		}
		if (wanted == NIL)
			break;

		foreach(lc, bodies)
		{
			Body	   *body = lfirst(lc);
			const Wanted *found;
			ObjectAddress address;

			CHECK_FOR_INTERRUPTS();
			found = read_body(body, wanted, scratch);
			if (found == NULL || found->node->address.objectId == body->oid)
				continue;
			ObjectAddressSet(address, ProcedureRelationId, body->oid);
			impact_add_mentioned(impact, &address, found->node);
			bodies = foreach_delete_current(bodies, lc);
		}
	}
	MemoryContextDelete(scratch);
}
