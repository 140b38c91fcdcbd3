SELECT count(sg_plan_set(plan, step, 'priority', 'critical')) AS critical FROM schemaguard.plan_step
WHERE plan = 'zabbix' AND parent_table IN ('public.users', 'public.hosts');
SELECT count(sg_plan_set(plan, step, 'orphans', 'leave')) AS leave FROM schemaguard.plan_step
WHERE plan = 'zabbix' AND child_table = 'public.event_tag';
