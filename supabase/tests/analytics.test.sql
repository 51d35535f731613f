-- Statistics: who may see them, what is in none, and that counting ahead changes no answer. And
-- what waits for its time.
begin;
select no_plan();
select tests.set_scene();
create function tests.span(p_more jsonb default '{}') returns jsonb
language sql as $$ select jsonb_build_object('from', tests.at(-86400), 'to', tests.at(86400 * 3)) || p_more $$;
create function tests.overlay_row() returns jsonb
language sql as $$ select app.overlay_analytics(tests.account(), tests.span(), tests.at(200)) #> '{items,0}' $$;

select tests.remember('a', tests.record('a', '{}', 0)::text);
select tests.remember('b', tests.record('b', '{"event_type": "twitch:cheer"}', 1)::text);
select tests.record('t', '{"origin": "test"}', 2);
select tests.act_as_page();
select app.heartbeat(tests.overlay(), tests.id('one'), '{}', tests.at(3));
select app.report_play(tests.overlay(), (tests.play_of(tests.value('a'))).id, tests.id('one'), 1, 'started', null, tests.at(4));
select app.report_play(tests.overlay(), (tests.play_of(tests.value('a'))).id, tests.id('one'), 1, 'ended', null, tests.at(9));
select tests.act_as('owner');
select app.cancel_event(tests.account(), tests.value('b'), tests.at(10));

select is(app.event_analytics(tests.account(), tests.span(), tests.at(20)) - 'series' - 'by_hour' - 'from' - 'to' - 'by_platform',
  '{"total": 2, "by_type": [{"event_type": "twitch:cheer", "count": 1}, {"event_type": "twitch:follower", "count": 1}], "time_zone": "UTC", "interval": "day"}',
  'Events are counted, tests are not');
select is(app.event_analytics(tests.account(), tests.span('{"time_zone": "Asia/Kathmandu"}'), tests.at(20)) -> 'by_hour', '[{"hour": 17, "count": 2}]', 'in the reader''s time');
select is((app.event_analytics(tests.account(), tests.span('{"time_zone": "Asia/Kathmandu"}'), tests.at(20)) #>> '{series,0,at}')::timestamptz, '2030-01-14 18:15:00+00', 'whose days begin when they do');
select is(tests.overlay_row() - 'series' - 'name' - 'overlay_id',
  '{"plays": 2, "shown": 1, "completed": 1, "cancelled": 1, "skipped": 0, "expired": 0, "failed": 0, "delay": {"plays": 1, "p50_ms": 3973, "p95_ms": 3973, "max_ms": 4000}}'::jsonb, 'Plays are counted by what became of them');
select tests.remember('before', tests.overlay_row()::text);
select tests.remember('events_before', app.event_analytics(tests.account(), tests.span(), tests.at(20))::text);
select tests.act_as_server();
select ok(app.roll_analytics(tests.at(7200)) >= 1, 'Counting ahead');
select is((select sum(r.events)::int from app.analytics_events r where r.account_id = tests.account()), 2, 'keeps what it counted');
select is(app.roll_analytics(tests.at(7200)), 0, 'once');
select tests.record('later', '{}', 7300);
select tests.act_as('owner');
select is(tests.overlay_row(), current_setting('tests.before')::jsonb, 'and changes no answer');
select is(app.event_analytics(tests.account(), tests.span(), tests.at(20)) ->> 'total', '3', 'to which the newest is added');
select tests.act_as_server();
select app.roll_analytics(tests.at(7400));
select tests.act_as('owner');
select is(app.event_analytics(tests.account(), tests.span(), tests.at(20)) ->> 'total', '3', 'and still is');
select is(app.event_analytics(tests.account(), tests.span('{"types": ["twitch:cheer"], "platform": ["twitch"]}'), tests.at(20)) ->> 'total', '1', 'Filters filter');
select throws_ok($$ select app.event_analytics(tests.account(), '{"time_zone": "Mars/North"}') $$, 'CU400', null, 'A time zone must be one');
select throws_ok($$ select app.event_analytics(tests.account(), '{"interval": "hour", "from": "2020-01-01T00:00:00Z"}') $$, 'CU400', null, 'By the hour not for years');

-- A replay of a test is a test.
select tests.act_as_server();
select tests.remember('test', (select e.id::text from app.platform_events e where e.account_id = tests.account() and e.origin = 'test'));
select tests.act_as('owner');
select app.cancel_event(tests.account(), tests.value('test'), tests.at(7500));
select app.replay_event(tests.account(), tests.value('test'), tests.overlay(), tests.at(7501));
select app.skip(tests.account(), tests.overlay(), null, tests.at(7502));
select is(tests.overlay_row() ->> 'plays', current_setting('tests.before')::jsonb ->> 'plays', 'A replay of a test is counted nowhere');

-- What is upcoming.
select tests.act_as_server();
select tests.remember('soon', tests.record('soon', jsonb_build_object('scheduled_at', tests.at(8000)), 7600)::text);
select tests.record('sooner', jsonb_build_object('scheduled_at', tests.at(7900), 'event_type', 'twitch:cheer'), 7601);
select tests.act_as('moderator');
select is(jsonb_path_query_array(app.list_upcoming(tests.account(), '{}', tests.at(7700)), '$.items[*].event_type'), '["twitch:cheer", "twitch:follower"]', 'What waits for its time is told, the next one first');
select is(app.list_upcoming(tests.account(), '{"types": ["twitch:cheer"]}', tests.at(7700)) ->> 'total', '1', 'by type');
select is(jsonb_path_query_array(app.list_upcoming(tests.account(), '{"limit": 1, "page": 2}', tests.at(7700)), '$.items[*].event_type'), '["twitch:follower"]', 'by page');
select is(app.list_upcoming(tests.account(), '{}', tests.at(7950)) ->> 'total', '1', 'One whose time has come is none');
select app.cancel_event(tests.account(), tests.value('soon'), tests.at(7700));
select is(app.list_upcoming(tests.account(), '{}', tests.at(7950)), '{"items": [], "page": 1, "limit": 25, "total": 0, "total_is_exact": true, "next_cursor": null}', 'nor is one that was cancelled');
select is(tests.event_status(tests.value('soon')), 'cancelled', 'which will never play');
select tests.act_as_api_key();
select is(app.list_upcoming(tests.account(), '{}', tests.at(7700)) #> '{items,0,data,user}', 'null'::jsonb, 'Viewers are for who may know them');
select lives_ok($$ select app.event_analytics(tests.account(), '{}') $$, 'A key that reads events may see statistics');

select tests.act_as('stranger');
select throws_ok(format('select app.%s', verb), 'CU404', null, 'A stranger may not: ' || verb)
from unnest(array['event_analytics(tests.account(), ''{}'')', 'overlay_analytics(tests.account(), ''{}'')', 'list_upcoming(tests.account(), ''{}'')']) verb;
select throws_ok($$ select app.roll_analytics() $$, '42501', null, 'nor count ahead');
select throws_ok($$ select * from app.analytics_events $$, '42501', null, 'nor read the counts');
select tests.act_as_page();
select throws_ok($$ select app.overlay_analytics(tests.account(), '{}') $$, 'CU404', null, 'Nor may a page');

select * from finish();
rollback;
