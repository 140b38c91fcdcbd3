SELECT count(sg_plan_set(plan, ARRAY[step], '{"priority": "critical"}')) AS critical FROM schemaguard.plan_step
WHERE plan = 'shop' AND parent_table = 'public.profiles';
SELECT count(sg_plan_set(plan, ARRAY[step], '{"orphans": "leave"}')) AS leave FROM schemaguard.plan_step
WHERE plan = 'shop' AND fk_name = 'order_items_order';
SELECT sg_plan_add_check('shop', 'order_items', 'amount > 0', policy => 'set', child_column => 'amount', fill => '1'),
       sg_plan_add_not_null('shop', 'workspaces', 'touched', policy => 'set', fill => 'now()'),
       sg_plan_add_unique('shop', 'payments', '{order_id}', policy => 'quarantine', keep_by => 'id');
