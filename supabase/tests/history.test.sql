-- Reading the log: filters, pages, proof, cursor, and what is not told to everyone.
begin;
select no_plan();
select tests.set_scene();
select app.record_events(tests.account(), (
  select jsonb_agg(tests.draft('h' || i, jsonb_build_object(
    'event_type', case when i % 3 = 0 then 'twitch:cheer' else 'twitch:follower' end,
    'class', 'data', 'origin', case when i % 5 = 0 then 'test' else 'live' end)) order by i)
  from generate_series(1, 30) i), tests.at(0));
select app.record_events(tests.account(), jsonb_build_array(tests.draft('odd', '{"platform": "kick", "event_type": "kick:follow", "data": {"message": "50% off_\\ \"now\""}, "metadata": {"user_id": 3, "tags": ["x"]}, "external_id": "abc"}')), tests.at(60));

select tests.act_as('moderator');
select is(app.list_events(tests.account(), '{"limit": 5}') ->> 'total', '31', 'The history counts');
select is(jsonb_path_query_array(app.list_events(tests.account(), '{"limit": 3}'), '$.items[*].seq'), '[31, 30, 29]', 'newest first');
select is(jsonb_path_query_array(app.list_events(tests.account(), '{"limit": 3, "page": 2}'), '$.items[*].seq'), '[28, 27, 26]', 'by page');
select is(jsonb_path_query_array(app.list_events(tests.account(), '{"limit": 3, "cursor": 29}'), '$.items[*].seq'), '[28, 27, 26]', 'or by cursor');
select is(app.list_events(tests.account(), '{"limit": 3}') ->> 'next_cursor', '29', 'which it names');
select is(app.list_events(tests.account(), '{"limit": 3, "cursor": 2}') ->> 'next_cursor', null, 'until the end');
select is(jsonb_path_query_array(app.list_events(tests.account(), '{"types": ["twitch:cheer"], "limit": 3}'), '$.items[*].seq'), '[30, 27, 24]', 'by type');
select is(app.list_events(tests.account(), '{"types": ["twitch:cheer", "kick:follow"]}') ->> 'total', '11', 'by several');
select is(jsonb_path_query_array(app.list_events(tests.account(), '{"types": ["twitch:cheer", "kick:follow"], "limit": 3, "page": 2}'), '$.items[*].seq'), '[24, 21, 18]', 'page by page');
select is(app.list_events(tests.account(), '{"platform": ["kick"]}') ->> 'total', '1', 'by platform');
select is(app.list_events(tests.account(), '{"origin": "test"}') ->> 'total', '6', 'by origin');
select is(app.list_events(tests.account(), '{"status": "pending"}') ->> 'total', '1', 'by status');
select is(app.list_events(tests.account(), jsonb_build_object('from', tests.at(30))) ->> 'total', '1', 'from a time');
select is(app.list_events(tests.account(), jsonb_build_object('to', tests.at(30))) ->> 'total', '30', 'to a time');
select is(app.list_events(tests.account(), '{"search": "HELLO H7"}') ->> 'total', '1', 'by text, in any case');
select is(app.list_events(tests.account(), '{"search": "50% off_\\ \"now\""}') ->> 'total', '1', 'by text that is special to SQL and JSON');
select is(app.list_events(tests.account(), '{"search": "5_% off"}') ->> 'total', '0', 'which means itself only');
select is(app.list_events(tests.account(), '{"search": "h1", "types": ["twitch:cheer"], "origin": ["live"], "limit": 2}') ->> 'total', '2', 'and by all of them at once');

-- One event and its proof.
select tests.act_as_server();
select tests.remember('odd', (select id::text from app.platform_events where external_id = 'abc'));
select tests.act_as('owner');
select app.cancel_event(tests.account(), tests.value('odd'), tests.at(61));
select is(app.get_event(tests.account(), tests.value('odd')) #>> '{raw,secret_field}', 'as it came', 'One event comes with what the platform sent');
select is(app.get_event(tests.account(), tests.value('odd')) #>> '{plays,0,transitions,0,to_status}', 'cancelled', 'and with the moves of its plays');
select is(app.get_event(tests.account(), tests.value('odd')) #>> '{plays,0,transitions,0,actor_id}', tests.id('owner')::text, 'and who made them');

-- The cursor.
select tests.remember('epoch', app.pull_events(tests.account(), null, null, 10) ->> 'epoch');
select is(app.pull_events(tests.account(), null, null, 10) ->> 'recovered', 'false', 'Without a cursor a reader starts at the top');
select is(app.pull_events(tests.account(), null, null, 10) ->> 'cursor', '31', 'which is told');
select is(jsonb_path_query_array(app.pull_events(tests.account(), current_setting('tests.epoch'), 27, 3), '$.events[*].seq'), '[28, 29, 30]', 'With one it gets what came after, oldest first');
select is(app.pull_events(tests.account(), current_setting('tests.epoch'), 27, 3) ->> 'more', 'true', 'and hears that there is more');
select is(app.pull_events(tests.account(), current_setting('tests.epoch'), 31, 3) - 'epoch', '{"recovered": true, "top_seq": 31, "cursor": 31, "more": false, "events": []}', 'At the top there is nothing');
select is(app.pull_events(tests.account(), current_setting('tests.epoch'), 32, 3) ->> 'recovered', 'false', 'A cursor from the future is not one of ours');
select tests.act_as_server();
delete from app.platform_events where account_id = tests.account() and seq <= 10;
select tests.act_as('owner');
select is(app.pull_events(tests.account(), current_setting('tests.epoch'), 5, 3) ->> 'recovered', 'false', 'A cursor before what is kept does not recover, and never partly');
select is(app.pull_events(tests.account(), current_setting('tests.epoch'), 10, 3) ->> 'recovered', 'true', 'the last one before it does');
select tests.act_as_server();
select app.renew_epochs();
select tests.act_as('owner');
select is(app.pull_events(tests.account(), current_setting('tests.epoch'), 31, 3) ->> 'recovered', 'false', 'After a restore no cursor of the old life recovers');

-- Viewers are for who may know them.
select tests.act_as_api_key();
select is(app.list_events(tests.account(), '{"limit": 1, "types": ["twitch:cheer"]}') #> '{items,0,data}', '{"user": null, "message": "hello h30"}', 'Without the permission the viewer is left out');
select is(app.get_event(tests.account(), tests.value('odd')) -> 'raw', 'null'::jsonb, 'and what the platform sent');
select is(app.get_event(tests.account(), tests.value('odd')) -> 'metadata', '{"tags": ["x"]}', 'and the user''s id');
select throws_ok($$ select app.list_events(tests.account(), '{"search": "ann"}') $$, 'CU403', null, 'and the search, which would tell by counting');
select is(app.get_queue(tests.account(), tests.at(70)) #>> '{overlays,0,recent,0,event,data,user}', null, 'also in the queue');
select throws_ok($$ select app.without_viewers('{}') $$, '42501', null, 'Internal functions are not for keys');
select tests.act_as_server();
select is(app.without_viewers('{"user": {"login": "ann"}, "gifts": [{"to": {"login": "bob"}, "tier": 1}], "user_name": "ann", "amount": 3}'),
  '{"user": null, "gifts": [{"to": null, "tier": 1}], "amount": 3}', 'Viewers are found wherever they are');

-- Who may not.
select tests.act_as('stranger');
select throws_ok(format('select app.%s', verb), 'CU404', null, 'A stranger may not: ' || verb)
from unnest(array['list_events(tests.account(), ''{}'')', 'get_event(tests.account(), tests.value(''odd''))',
  'get_event(tests.elsewhere(), tests.value(''odd''))', 'pull_events(tests.account(), null, null, 1)', 'get_queue(tests.account())']) verb;
select throws_ok($$ select * from app.platform_events $$, '42501', null, 'nor read the table');
select is((select count(*)::int from app.plays), 0, 'nor see plays');
select is((select count(*)::int from app.play_transitions), 0, 'nor their moves');
select tests.act_as_page();
select throws_ok($$ select app.list_events(tests.account(), '{}') $$, 'CU404', null, 'A page reads no history');
select throws_ok($$ select app.get_queue(tests.account()) $$, 'CU404', null, 'and no other queues');
select tests.act_as_anonymous();
select throws_ok($$ select app.list_events(tests.account(), '{}') $$, '42501', null, 'The anonymous may not ask');
select throws_ok($$ select app.get_queue(tests.account()) $$, '42501', null, 'for the queue either');

select * from finish();
rollback;
