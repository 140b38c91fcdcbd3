/*-------------------------------------------------------------------------
 *
 * code_node.c
 *	  Kinds of nodes in stored expressions: with a type, plain, or unknown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/nodes.h"

#include "base/code_internal.h"
#include "base/compat.h"

/* Returns whether a node is an expression whose type, by exprType(), may be a user's */
bool
code_node_has_type(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_Param:
		case T_Aggref:
		case T_WindowFunc:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_SubscriptingRef:
		case T_FieldSelect:
		case T_FieldStore:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ConvertRowtypeExpr:
		case T_CollateExpr:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_SQLValueFunction:
		case T_XmlExpr:
		case T_CoerceToDomain:
		case T_CoerceToDomainValue:
		case T_SetToDefault:
		case T_NextValueExpr:
			SG_TYPED_NODES
				return true;
		default:
			return false;
	}
}

/*
 * Returns whether a node's kind has no type of its own, or a built-in one, and
 * the tree walker visits all nodes below
 */
bool
code_node_is_plain(Node *node)
{
	switch (nodeTag(node))
	{
		case T_List:
		case T_IntList:
		case T_OidList:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_ScalarArrayOpExpr:
		case T_RowCompareExpr:
		case T_NamedArgExpr:
		case T_GroupingFunc:
		case T_SubLink:
		case T_CurrentOfExpr:
		case T_CaseWhen:
		case T_InferenceElem:
		case T_TargetEntry:
		case T_FromExpr:
		case T_JoinExpr:
		case T_RangeTblRef:
		case T_RangeTblFunction:
		case T_TableFunc:
		case T_TableSampleClause:
		case T_OnConflictExpr:
		case T_MergeAction:
		case T_SortGroupClause:
		case T_GroupingSet:
		case T_WindowClause:
		case T_RowMarkClause:
		case T_WithCheckOption:
		case T_CommonTableExpr:
		case T_CTESearchClause:
		case T_CTECycleClause:
		case T_SetOperationStmt:
			SG_PLAIN_NODES
				return true;
		default:
			return false;
	}
}
