/*-------------------------------------------------------------------------
 *
 * fk_code.c
 *	  Code that comparing the columns of a key could run.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"

#include "fk/fk.h"

static void
reach_pair(CodeReach *reach, const FkKey *key, int i)
{
	Oid			child_type = get_atttype(key->child, key->child_att[i]);
	Oid			left,
				right,
				castfunc;

	code_reach_operator(reach, key->pf_eq_op[i]);
	code_reach_type(reach, get_atttype(key->parent, key->parent_att[i]));
	code_reach_type(reach, child_type);
	if (!OidIsValid(key->pf_eq_op[i]))
		return;

	op_input_types(key->pf_eq_op[i], &left, &right);
	if (find_coercion_pathway(right, getBaseType(child_type), COERCION_IMPLICIT, &castfunc) == COERCION_PATH_FUNC)
		code_reach_function(reach, castfunc);
}

void
fk_code_reach(CodeReach *reach, const FkKey *key)
{
	for (int i = 0; i < key->nkeys; i++)
		reach_pair(reach, key, i);
	/* its operator classes are those of the parent's index */
	if (OidIsValid(key->index))
		code_reach_object(reach, RelationRelationId, key->index);
}
