SELECT count(sg_plan_set(plan, step, 'priority', 'critical')) AS critical FROM schemaguard.plan_step
WHERE plan = 'shop' AND parent_table = 'public.profiles';
SELECT count(sg_plan_set(plan, step, 'orphans', 'leave')) AS leave FROM schemaguard.plan_step
WHERE plan = 'shop' AND fk_name = 'order_items_order';
