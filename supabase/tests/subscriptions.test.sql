-- Which events an overlay wants: who may say so, and what a condition does to the road of an event.
begin;
select no_plan();
select tests.set_scene();
create function tests.wants(variadic p_items jsonb[]) returns jsonb
language sql as $$ select app.set_subscriptions(tests.account(), tests.overlay(), to_jsonb(p_items), tests.at(0)) $$;
create function tests.wish(p_pattern text, p_lane text default 'main', p_condition jsonb default null) returns jsonb
language sql as $$ select jsonb_build_object('pattern', p_pattern, 'lane', p_lane, 'classes', '["animated", "data"]'::jsonb, 'condition', p_condition) $$;
create function tests.lane_of(p_bits integer) returns text
language sql security definer as $$
  select (tests.play_of(tests.record('bits' || p_bits, jsonb_build_object('event_type', 'twitch:cheer',
    'data', jsonb_build_object('bits', p_bits))))).lane
$$;

select tests.act_as('owner');
select is(app.get_subscriptions(tests.account(), tests.overlay()) #>> '{items,0,pattern}', '*', 'A new overlay wants everything');
select tests.wants(tests.wish('*'), tests.wish('twitch:cheer', 'full', '{"field": "data.bits", "op": "gte", "value": 100}'));
select is(jsonb_path_query_array(app.get_subscriptions(tests.account(), tests.overlay()), '$.items[*].pattern'), '["twitch:cheer", "*"]', 'They are told in the order in which they decide');
select tests.act_as_server();
select is(tests.lane_of(100), 'full', 'An event that meets the condition takes the lane');
select is(tests.lane_of(99), 'main', 'another is wanted by the wider pattern');
select tests.act_as('owner');
select tests.wants(tests.wish('*', 'main', '{"any": [{"not": {"field": "event_type", "op": "eq", "value": "twitch:cheer"}}, {"field": "data.bits", "op": "gt", "value": 10}]}'));
select tests.act_as_server();
select is(tests.lane_of(10), null, 'An event that meets no condition has no play');
select is(tests.event_status((select e.id from app.platform_events e where e.account_id = tests.account() order by e.seq desc limit 1)), 'completed', 'and is in the log all the same');
-- Data events have no plays: the message itself is what a condition decides.
select tests.record('quiet', '{"event_type": "twitch:cheer", "class": "data", "data": {"bits": 3}}');
select is((select count(*)::int from realtime.messages m where m.topic = 'overlay:' || tests.overlay() and m.payload #>> '{event,data,bits}' = '3'), 0, 'A data event that is not wanted is not sent');
select tests.record('loud', '{"event_type": "twitch:cheer", "class": "data", "data": {"bits": 30}}');
select is((select count(*)::int from realtime.messages m where m.topic = 'overlay:' || tests.overlay() and m.payload #>> '{event,data,bits}' = '30'), 1, 'one that is wanted is');
select tests.act_as_page();
select is(jsonb_path_query_array(app.pull_overlay(tests.overlay(), app.pull_overlay(tests.overlay(), null, null, 9) ->> 'epoch', 0, 99), '$.events[*].data.bits'), '[30]', 'nor is it pulled');

-- What is not a condition.
select tests.act_as('owner');
select throws_ok(format('select tests.wants(tests.wish(''*'', ''main'', %L))', condition), 'CU400', null, 'Not a condition: ' || condition)
from unnest(array['{}', '[]', '1', '{"all": []}', '{"all": [], "any": []}', '{"field": "data", "op": "eq", "value": 1}',
  '{"field": "raw.x", "op": "eq", "value": 1}', '{"field": "data.x", "op": "like", "value": "a"}', '{"field": "data.x", "op": "eq"}',
  '{"field": "data.x", "value": 1}', '{"field": "data.x", "op": "in", "value": 1}', '{"field": "data.x", "op": "eq", "value": null}',
  '{"field": "data.0", "op": "eq", "value": 1}', '{"not": {"not": {"not": {"not": {"not": {"field": "class", "op": "exists"}}}}}}',
  '{"field": "data.x", "op": "eq", "value": 1, "else": 2}']) condition;
select throws_ok($$ select tests.wants(tests.wish('*'), tests.wish('*')) $$, 'CU400', null, 'A pattern is there once');

-- Who may.
select tests.act_as('administrator');
select lives_ok($$ select tests.wants(tests.wish('twitch:*')) $$, 'An administrator may say what an overlay wants');
select tests.act_as('moderator');
select is(app.get_subscriptions(tests.account(), tests.overlay()) #>> '{items,0,pattern}', 'twitch:*', 'A moderator may look');
select throws_ok($$ select tests.wants(tests.wish('*')) $$, 'CU403', null, 'but not change it');
select tests.act_as_api_key();
select throws_ok($$ select app.get_subscriptions(tests.account(), tests.overlay()) $$, 'CU403', null, 'A key that may not read overlays may not');
select tests.act_as('stranger');
select throws_ok($$ select app.get_subscriptions(tests.account(), tests.overlay()) $$, 'CU404', null, 'A stranger finds nothing');
select throws_ok($$ select app.set_subscriptions(tests.elsewhere(), tests.overlay(), '[]') $$, 'CU404', null, 'also not by way of their own account');
select tests.act_as_page();
select throws_ok($$ select tests.wants(tests.wish('*')) $$, 'CU404', null, 'A page changes nothing');
select tests.act_as_server();
select is((select count(*)::int from app.audit_log a where a.account_id = tests.account() and a.action = 'subscriptions.set'), 3, 'Every change is in the audit log, and no refusal');

select * from finish();
rollback;
