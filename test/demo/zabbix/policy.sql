SELECT count(sg_plan_set(plan, ARRAY[step], '{"priority": "critical"}')) AS critical FROM schemaguard.plan_step
WHERE plan = 'zabbix' AND parent_table IN ('public.users', 'public.hosts');
SELECT count(sg_plan_set(plan, ARRAY[step], '{"orphans": "leave"}')) AS leave FROM schemaguard.plan_step
WHERE plan = 'zabbix' AND child_table = 'public.event_tag';
SELECT sg_plan_add_check('zabbix', 'events', 'severity BETWEEN 0 AND 5', policy => 'set', child_column => 'severity', fill => '5'),
       sg_plan_add_not_null('zabbix', 'alerts', 'mediatypeid', policy => 'set', fill => (SELECT mediatypeid::text FROM demo.channel)),
       sg_plan_add_unique('zabbix', 'problem_tag', '{eventid,tag,value}', policy => 'quarantine', keep_by => 'problemtagid');
