-- Sources: one process at a time holds one, what it tells is counted once, and who may read of it.
begin;
select no_plan();
select tests.set_scene();

insert into app.platform_connections (id, account_id, platform, channel_id, mode, groups, scopes, created_at, updated_at)
values (tests.id('c1'), tests.account(), 'twitch', '1001', 'websocket', '{follows}', '{a}', tests.at(0), tests.at(0)),
  (tests.id('by hand'), tests.account(), 'twitch', '1002', 'webhook', '{}', '{}', tests.at(0), tests.at(0));
insert into app.connection_tokens (connection_id, client_id, access_ciphertext, obtained_at)
values (tests.id('c1'), 'client', '\x01', tests.at(0));

create function tests.held(p_owner text, p_at numeric) returns text language sql as $$
  select string_agg(h ->> 'channel_id', ',') from jsonb_array_elements(
    app.claim_sources(tests.id(p_owner), '{twitch}', 20, tests.at(p_at)) -> 'held') h
$$;
select is(tests.held('one', 0), '1001', 'A process takes what nobody holds, if it was connected by consent');
select is(tests.held('two', 10), null, 'Another one does not while the lease lasts');
select is(app.claim_sources(tests.id('two'), '{twitch}', 20, tests.at(10)) -> 'elsewhere', jsonb_build_array(tests.id('c1')), 'but knows who is held elsewhere');
select is(tests.held('one', 15), '1001', 'A heartbeat renews');
select is(tests.held('two', 34.9), null, 'for so long');
select is(tests.held('two', 35), '1001', 'A lease that ended is taken over');
select is(tests.held('one', 36), null, 'and the first one has lost it');
select is(app.claim_sources(tests.id('one'), '{kick}', 20, tests.at(36)) -> 'held', '[]', 'Only platforms that were asked for');

create function tests.report(p_owner text, p_state text, p_problems jsonb, p_counts jsonb, p_at numeric) returns boolean language sql as $$
  select app.report_source(tests.id('c1'), tests.id(p_owner), p_state, 1, p_problems, 's1', p_counts, tests.at(p_at))
$$;
select app.save_subscriptions(tests.id('c1'), '[{"type": "channel.follow", "version": "2", "status": "enabled", "reason": null, "platform_id": "x", "cost": 0}]',
  true, '{"total": 1, "total_cost": 0, "max_total_cost": 10}', tests.at(37));
select ok(tests.report('two', 'live', '[]', '{"channel.follow": {"received": 3, "last_event_at": "2030-01-15T12:00:38Z"}}', 38), 'The holder reports');
select ok(not tests.report('one', 'polling', '[]', '{"channel.follow": {"received": 1, "last_event_at": "2030-01-15T12:00:38Z"}}', 39), 'Another is told that it holds it no more');
select is((select s.state from app.sources s), 'live', 'and its state is not believed');
select is((select array[s.received, e.received] from app.sources s join app.eventsub_subscriptions e using (connection_id)), '{4,4}', 'though what it stored counts');
select is((select count(*) from realtime.messages m where m.topic = 'account:' || tests.account() and m.payload ->> 'subject' = 'source'), 1::bigint, 'A change is told to the account');
select ok(tests.report('two', 'live', '[]', '{}', 40), 'Nothing new');
select is((select count(*) from realtime.messages m where m.payload ->> 'subject' = 'source'), 1::bigint, 'is no message');
select tests.report('two', 'polling', '[{"code": "socket_lost", "detail": "a"}]', '{}', 41), tests.report('two', 'polling', '[{"code": "socket_lost", "detail": "b"}]', '{}', 42);
select is((select s.problems -> 0 ->> 'since' from app.sources s)::timestamptz, tests.at(41), 'A problem keeps since when it is there');
select is((select s.since from app.sources s), tests.at(41), 'and so does a state');

-- Polls.
create function tests.look(p_at numeric) returns jsonb language sql as $$
  select app.open_poll(tests.id('c1'), 'mods', '{twitch:moderator_add}', '{twitch:moderator_remove}', tests.at(p_at))
$$;
select is(tests.look(50) - 'opened_at' - 'seq', '{"version": 1, "known_until": null, "members": null, "delivered": []}', 'The first look knows nothing');
select app.settle_poll(tests.id('c1'), 'mods', 1, null, '[{"id": "1"}]', (tests.look(50) ->> 'seq')::bigint, '[]', tests.at(51));
select tests.record('m1', '{"event_type": "twitch:moderator_add", "class": "data", "data": {"user": {"id": "7", "login": "a", "name": "A"}}}', 52),
  tests.record('m2', '{"event_type": "twitch:moderator_remove", "class": "data", "data": {"user": {"id": "1", "login": "b", "name": "B"}}}', 52),
  tests.record('m3', '{"event_type": "twitch:moderator_add", "class": "data", "origin": "test", "data": {"user": {"id": "8"}}}', 52);
select is(tests.look(53) -> 'delivered', '[{"id": "1", "login": "b", "name": "B", "came": false}, {"id": "7", "login": "a", "name": "A", "came": true}]',
  'The next one knows who was there, and what was delivered since, drills aside');
select is(tests.look(99) ->> 'opened_at', tests.look(53) ->> 'opened_at', 'A look that is made again is the same look');
select app.settle_poll(tests.id('c1'), 'mods', 2, null, '[]', 9, '[{"type": "channel.follow", "missed": 2}]', tests.at(54)),
  app.settle_poll(tests.id('c1'), 'mods', 2, null, '[]', 9, '[{"type": "channel.follow", "missed": 2}]', tests.at(55));
select is((select array[s.missed, e.missed, p.missed] from app.sources s join app.eventsub_subscriptions e using (connection_id)
  join app.source_polls p using (connection_id)), '{2,2,2}', 'What it found is counted once');

-- Who may.
select tests.act_as('owner');
select is(app.get_source(tests.account(), tests.id('c1'), tests.at(50)) #>> '{quota,max_total_cost}', '10', 'The owner reads it');
select is(app.get_source(tests.account(), tests.id('c1'), tests.at(999)) ->> 'state', 'waiting', 'A state that nobody renews is not told');
select is(app.get_source(tests.account(), tests.id('by hand')) ->> 'state', 'waiting', 'A connection by hand has one too');
select throws_ok($$ select app.request_reconcile(tests.account(), tests.id('by hand')) $$, 'CU409', null, 'that cannot be reconciled');
select lives_ok($$ select app.request_reconcile(tests.account(), tests.id('c1'), tests.at(60)) $$, 'The owner asks for a reconcile');
select tests.act_as('moderator');
select lives_ok($$ select app.get_source(tests.account(), tests.id('c1')) $$, 'A moderator reads');
select throws_ok($$ select app.request_reconcile(tests.account(), tests.id('c1')) $$, 'CU403', null, 'and asks for nothing');
select tests.act_as('stranger');
select throws_ok($$ select app.get_source(tests.account(), tests.id('c1')) $$, 'CU404', null, 'A stranger reads nothing');
select throws_ok($$ select app.get_source(tests.elsewhere(), tests.id('c1')) $$, 'CU404', null, 'by no account');
select throws_ok($$ select app.request_reconcile(tests.elsewhere(), tests.id('c1')) $$, 'CU404', null, 'and asks for nothing');
select tests.act_as_api_key();
select throws_ok($$ select app.get_source(tests.account(), tests.id('c1')) $$, 'CU403', null, 'nor does a key without the permission');

select tests.act_as_server();
select is(app.claim_sources(tests.id('two'), '{twitch}', 20, tests.at(60)) #>> '{held,0,reconcile_wanted}', 'true', 'The holder hears of the request');
select app.save_subscriptions(tests.id('c1'), '[]', true, null, tests.at(61));
select is(app.claim_sources(tests.id('two'), '{twitch}', 20, tests.at(62)) #>> '{held,0,reconcile_wanted}', 'false', 'until it is done');
select is((select count(*) from app.eventsub_subscriptions), 0::bigint, 'What is wanted no more is forgotten');
select is(app.request_reconciles(tests.at(61), tests.at(0), tests.at(63)), 0, 'Nothing is due');
select is(app.request_reconciles(tests.at(62), tests.at(0), tests.at(63)), 1, 'until it is');
select is(app.request_reconciles(tests.at(0), tests.at(99), tests.at(64)), 1, 'or the quota is');
update app.platform_connections set status = 'disconnected' where id = tests.id('c1');
select is(tests.held('two', 65), null, 'What is connected no more is not held');
select is((select s.state from app.sources s), 'stopped', 'but stopped');
select is(app.purge_sources(tests.at(31 * 86400)), 1, 'Quotas are kept for 30 days');

select * from finish();
rollback;
