-- Viewers: what events make of them, who may see them, and how one is erased.
begin;
select no_plan();
select tests.set_scene();

create function tests.person(p_id text) returns jsonb
language sql as $$ select jsonb_build_object('id', p_id, 'login', lower(p_id), 'name', p_id, 'picture', null) $$;
-- Records one event of a viewer, that happened p_at seconds after noon.
create function tests.tell(p_type text, p_who text, p_at numeric, p_data jsonb default '{}', p_origin text default 'live') returns void
language sql as $$
  select app.record_events(tests.account(), jsonb_build_array(jsonb_build_object(
    'event_type', p_type, 'class', 'data', 'platform', 'twitch', 'origin', p_origin,
    'data', jsonb_build_object('user', tests.person(p_who)) || p_data, 'occurred_at', tests.at(p_at))), tests.at(10000))
$$;
create function tests.viewer(p_who text) returns uuid
language sql as $$ select id from app.viewers where platform_user_id = p_who $$;

-- Follows.
select tests.tell('twitch:follower', 'Ann', 10);
select tests.tell('twitch:follower', 'Ann', 10);
select is((select count(*) from app.follower_history), 1::bigint, 'The same follow is one');
select is((select array_agg(login) from app.current_followers), array['ann'], 'She follows');
select tests.tell('twitch:unfollower', 'Ann', 5);
select is((select array_agg(login) from app.current_followers), array['ann'], 'An older unfollow that comes late changes nothing');
select tests.tell('twitch:unfollower', 'Ann', 20);
select is((select array_agg(login) from app.current_followers), null, 'A newer one does');
select is((select first_seen_at from app.viewers), tests.at(5), 'She was seen first when it happened');
select is((select last_seen_at from app.viewers), tests.at(20), 'and last');
select tests.tell('twitch:follower', 'Tim', 10, '{}', 'test');
select tests.tell('twitch:follower', 'Tim', 10, '{}', 'manual');
select is(tests.viewer('Tim'), null, 'A test and a button make nobody');
select tests.tell('twitch:follower', 'Pol', 10, '{}', 'poll');
select isnt(tests.viewer('Pol'), null, 'What a poll found counts');

-- Roles.
select tests.tell('twitch:moderator_remove', 'Bo', 20);
select is((select count(*) from app.viewer_roles), 0::bigint, 'A role that ended before we knew it is none');
select tests.tell('twitch:moderator_add', 'Bo', 10);
select is((select (granted_at, revoked_at) from app.viewer_roles), (tests.at(10), tests.at(20)), 'The grant that comes late has its end');
select tests.tell('twitch:moderator_add', 'Bo', 30);
select tests.tell('twitch:moderator_add', 'Bo', 40);
select tests.tell('twitch:vip_add', 'Bo', 35);
select is((select array_agg((role, granted_at, revoked_at)::text order by granted_at) from app.viewer_roles where revoked_at is null),
  array[('moderator', tests.at(30), null::timestamptz)::text, ('vip', tests.at(35), null::timestamptz)::text], 'A grant that is repeated is one');

-- Subscriptions.
select tests.tell('twitch:subscription_end', 'Cy', 100, '{"tier": 1}');
select tests.tell('twitch:subscribe', 'Cy', 50, '{"tier": 1, "is_gift": false}');
select is((select (started_at, ended_at) from app.viewer_subscriptions), (tests.at(50), tests.at(100)), 'An end may come before its start');
select tests.tell('twitch:resub', 'Cy', 60, '{"tier": 2}');
select is((select tier from app.viewer_subscriptions), 2::smallint, 'A resub goes on, with its tier');
select tests.tell('twitch:resub', 'Cy', 200, '{"tier": 1}');
select is((select count(*) from app.viewer_subscriptions), 2::bigint, 'and proves a subscription that nobody told of');
delete from app.viewer_facts; delete from app.viewer_subscriptions;

-- Gifts.
select tests.tell('twitch:gift_sub', 'Bo', 300, jsonb_build_object('tier', 1, 'count', 2, 'recipients', jsonb_build_array(tests.person('Ann'), tests.person('Dee'))));
select tests.tell('twitch:subscribe', 'Dee', 298, '{"tier": 1, "is_gift": true}');
select is((select array_agg((r.login, s.is_gift, g.login)::text order by r.login) from app.viewer_subscriptions s
  join app.viewers r on r.id = s.viewer_id join app.viewers g on g.id = s.gifter_id),
  array['(ann,t,bo)', '(dee,t,bo)'], 'Recipients are subscribed, once, and know who gave it');
select tests.tell('twitch:sub_upgrade', 'Dee', 400, '{"from": "gift", "tier": 3}');
select is((select (tier, is_gift) from app.viewer_subscriptions where viewer_id = tests.viewer('Dee')), (3::smallint, false), 'One that is paid for from now on is no gift any more');

-- Nothing of it stops an event from being recorded.
select app.record_events(tests.account(), '[{"event_type": "twitch:follower", "class": "data", "platform": "twitch", "data": {"user": "nobody"}},
  {"event_type": "twitch:gift_sub", "class": "data", "platform": "twitch", "data": {"user": null, "recipients": "none", "tier": "x"}},
  {"event_type": "twitch:subscribe", "class": "data", "platform": "twitch", "data": {"user": {"id": "Odd"}, "tier": 1e300, "is_gift": "maybe"}}]', tests.at(10000));
select is((select name from app.viewers where platform_user_id = 'Odd'), 'Odd', 'Documents of another shape give what they can');

-- Reading.
select tests.act_as('moderator');
select is(jsonb_array_length(app.list_viewers(tests.account(), '{}') -> 'items'), 6, 'A moderator sees the viewers');
select is(app.list_viewers(tests.account(), '{"role": "follower"}') #>> '{items,0,login}', 'pol', 'by what they are');
select is(app.list_viewers(tests.account(), '{"role": "vip"}') #> '{items,0,roles}', '["moderator", "vip"]', 'with their roles');
select is(jsonb_array_length(app.list_viewers(tests.account(), '{"role": "subscriber"}') -> 'items'), 3, 'or subscription');
select is(jsonb_array_length(app.list_viewers(tests.account(), '{"role": "moderator", "platform": "kick"}') -> 'items'), 0, 'and platform');
select is(app.list_viewers(tests.account(), '{"search": "DE"}') #>> '{items,0,name}', 'Dee', 'by a part of a name');
select is(jsonb_array_length(app.list_viewers(tests.account(), '{"search": "%"}') -> 'items'), 0, 'as it is written');
select is(
  (with recursive page as (
    select app.list_viewers(tests.account(), '{"limit": 2}') as answer
    union all
    select app.list_viewers(tests.account(), jsonb_build_object('limit', 2, 'cursor', p.answer ->> 'next_cursor'))
    from page p where p.answer ->> 'next_cursor' is not null)
  select count(distinct i ->> 'id') || ' in ' || count(*) || ' on ' || count(distinct p.answer::text)
  from page p cross join jsonb_array_elements(p.answer -> 'items') i), '6 in 6 on 3', 'Pages hold each viewer once');
select throws_ok($$ select app.list_viewers(tests.account(), '{"cursor": "x"}') $$, 'CU400', null, 'A cursor is not made up');
select is(app.get_viewer(tests.account(), (select id from app.viewers where login = 'bo')) -> 'counts',
  '{"twitch:moderator_remove": 1, "twitch:moderator_add": 3, "twitch:vip_add": 1, "twitch:gift_sub": 1}', 'A card counts what they did');
select is(app.get_viewer(tests.account(), (select id from app.viewers where login = 'ann')) #> '{subscriptions,0,gifter,login}', '"bo"', 'and who gave what');
select is(app.get_viewer(tests.account(), (select id from app.viewers where login = 'ann')) #> '{follow_history,0,action}', '"unfollow"', 'newest first');
select is(app.get_viewer(tests.account(), (select id from app.viewers where login = 'bo')) #> '{last_events,0,event_type}', '"twitch:gift_sub"', 'down to the events');
select throws_ok($$ select app.get_viewer(tests.account(), tests.id('nobody')) $$, 'CU404', null, 'Nobody is nobody');
select throws_ok($$ select app.erase_viewer(tests.account(), (select id from app.viewers limit 1)) $$, 'CU403', null, 'A moderator erases nobody');
select tests.act_as('stranger');
select throws_ok($$ select app.list_viewers(tests.account(), '{}') $$, 'CU404', null, 'A stranger sees no list');
select throws_ok($$ select app.get_viewer(tests.account(), tests.id('x')) $$, 'CU404', null, 'no card');
select throws_ok($$ select app.erase_viewer(tests.account(), tests.id('x')) $$, 'CU404', null, 'and erases nothing');
select is((select count(*) from app.viewers), 0::bigint, 'nor is there a row');
select is((select count(*) from app.current_followers), 0::bigint, 'in any view');
select tests.act_as_api_key();
select throws_ok($$ select app.list_viewers(tests.account(), '{}') $$, 'CU403', null, 'A key without the permission sees nobody');
select tests.act_as_page();
select throws_ok($$ select app.list_viewers(tests.account(), '{}') $$, 'CU404', null, 'nor does a page');
select tests.act_as_anonymous();
select throws_ok($$ select app.list_viewers(tests.account(), '{}') $$, '42501', null, 'nor the anonymous');

-- Erasing.
select tests.act_as_server();
select tests.tell('twitch:cheer', 'Bo', 500, '{"bits": 5, "message": "I am Bo"}');
select tests.tell('twitch:chat', 'Bo', 500, '{"message": "Bo again", "fragments": [{"type": "text", "text": "Bo again"}]}');
select tests.remember('bo', tests.viewer('Bo')::text);
select tests.act_as('administrator');
select is((app.erase_viewer(tests.account(), tests.value('bo'), tests.at(10001)) ->> 'events')::integer, 8, 'An administrator erases a viewer');
select tests.act_as_server();
select is((select count(*) from app.platform_events where data::text ~* '\mbo\M'), 0::bigint, 'No event names them');
select is((select data #>> '{recipients,1,name}' from app.platform_events where event_type = 'twitch:gift_sub' and data #>> '{user,id}' = 'erased'), 'Dee', 'Others keep their names');
select is((select count(*) from app.viewer_subscriptions where viewer_id = tests.viewer('Ann') and gifter_id is null), 1::bigint, 'and what they were given');
select is((select count(*) from app.viewer_facts where detail::text like '%Bo%'), 0::bigint, 'by nobody');
select is((select count(*) from app.audit_log where action = 'viewer.erase' and target_id = tests.value('bo')), 1::bigint, 'It is in the audit log');

select * from finish();
rollback;
