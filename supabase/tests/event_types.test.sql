-- Event types of one's own, and templates: who may write, use and see them.
begin;
select no_plan();
select tests.set_scene();
create function tests.form(p_more jsonb default '{}') returns jsonb
language sql as $$ select '{"type": "custom:score", "title": "Score", "class": "animated", "priority": "high", "duration_ms": 3000, "schema": {"type": "object"}, "sample": {"n": 1}}' || p_more $$;
create function tests.template(p_more jsonb default '{}') returns jsonb
language sql as $$ select '{"name": "Hello", "event_type": "custom:score", "text": "Hi {user}", "data": {"n": "{n}"}}' || p_more $$;

select tests.act_as('owner');
select is(app.create_event_type(tests.account(), tests.form(), tests.at(0)) ->> 'priority', 'high', 'A type is made');
select throws_ok($$ select app.create_event_type(tests.account(), tests.form()) $$, 'CU409', null, 'once');
select throws_ok($$ select app.create_event_type(tests.account(), tests.form('{"type": "twitch:follower"}')) $$, '23514', null, 'and only of one''s own platform');
select is(app.update_event_type(tests.account(), tests.form('{"title": "High score", "schema": null}'), tests.at(1)) -> 'schema', 'null'::jsonb, 'It can be changed');
select is(app.list_event_types(tests.account()) #>> '{0,title}', 'High score', 'and is listed so');
select throws_ok($$ select app.update_event_type(tests.account(), tests.form('{"type": "custom:none"}')) $$, 'CU404', null, 'One that is not there cannot');
select tests.remember('template', app.save_event_template(tests.account(), null, tests.template(), tests.at(0)) ->> 'id');
select is(app.find_event_template(tests.account(), tests.value('template')) ->> 'text', 'Hi {user}', 'A template is made');
select throws_ok($$ select app.save_event_template(tests.account(), null, tests.template()) $$, 'CU409', null, 'one of each name');
select is(app.save_event_template(tests.account(), tests.value('template'), tests.template('{"text": null}')) -> 'text', 'null'::jsonb, 'and can be changed');

select tests.act_as('administrator');
select lives_ok($$ select app.create_event_type(tests.account(), tests.form('{"type": "custom:other"}')) $$, 'An administrator may make types');
select lives_ok($$ select app.delete_event_type(tests.account(), 'custom:other') $$, 'and delete them');
-- Those who create events use what there is.
select tests.act_as('moderator');
select is(app.find_event_type(tests.account(), 'custom:score') ->> 'title', 'High score', 'A moderator may use a type');
select is(app.find_event_template(tests.account(), tests.value('template')) ->> 'name', 'Hello', 'and a template');
select throws_ok(format('select app.%s', verb), 'CU403', null, 'but may not: ' || verb)
from unnest(array['create_event_type(tests.account(), tests.form())', 'update_event_type(tests.account(), tests.form())',
  'delete_event_type(tests.account(), ''custom:score'')', 'save_event_template(tests.account(), null, tests.template())',
  'delete_event_template(tests.account(), tests.value(''template''))']) verb;
select tests.act_as_api_key();
select is(jsonb_array_length(app.list_event_types(tests.account())), 1, 'A key that creates events sees the types');
select is(jsonb_array_length(app.list_event_templates(tests.account())), 1, 'and the templates');
select tests.act_as('stranger');
select throws_ok(format('select app.%s', verb), 'CU404', null, 'A stranger may not: ' || verb)
from unnest(array['list_event_types(tests.account())', 'find_event_type(tests.account(), ''custom:score'')', 'create_event_type(tests.account(), tests.form())',
  'list_event_templates(tests.account())', 'find_event_template(tests.account(), tests.value(''template''))',
  'find_event_template(tests.elsewhere(), tests.value(''template''))',
  'save_event_template(tests.elsewhere(), tests.value(''template''), tests.template())',
  'delete_event_template(tests.elsewhere(), tests.value(''template''))', 'delete_event_type(tests.elsewhere(), ''custom:score'')']) verb;
select throws_ok($$ select * from app.event_types $$, '42501', null, 'nor read the table');
select tests.act_as('owner');
select is(app.delete_event_template(tests.account(), tests.value('template')) ->> 'deleted', 'true', 'A template can be deleted');
select is(app.delete_event_type(tests.account(), 'custom:score') ->> 'deleted', 'true', 'and a type');
select tests.act_as_server();
select set_eq($$ select a.action from app.audit_log a where a.account_id = tests.account() and a.action like 'event_t%' $$,
  array['event_type.create', 'event_type.update', 'event_type.delete', 'event_template.create', 'event_template.update', 'event_template.delete'],
  'All of it is in the audit log');

select * from finish();
rollback;
