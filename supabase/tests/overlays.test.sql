-- Overlays: who reads them, and which events they want.
begin;
select no_plan();
select tests.set_scene();

select tests.act_as('moderator');
select is(app.list_overlays(tests.account()) #>> '{0,name}', 'My alerts', 'A moderator lists overlays');
select is(app.get_overlay(tests.account(), tests.overlay()) #>> '{document,size,width}', '1280', 'and reads their documents');
select throws_ok($$ select app.get_overlay(tests.account(), tests.value('elsewhere_overlay')) $$, 'CU404', null,
  'Another account''s overlay is not found');
select throws_ok($$ select app.overlay_document(tests.overlay()) $$, 'CU404', null, 'The page''s door is for pages');

select tests.act_as('stranger');
select throws_ok($$ select app.list_overlays(tests.account()) $$, 'CU404', null, 'A stranger finds no account');
select throws_ok($$ select app.get_overlay(tests.account(), tests.overlay()) $$, 'CU404', null, 'and no overlay');
select is((select count(*)::int from app.overlays where account_id = tests.account()), 0, 'not even as a row');

select tests.act_as_api_key();
select throws_ok($$ select app.list_overlays(tests.account()) $$, 'CU403', null, 'A key without the permission is refused');

select tests.act_as_page();
select is(app.overlay_document(tests.overlay()) #>> '{document,size,height}', '720', 'A page reads its own document');
select throws_ok($$ select app.overlay_document(tests.value('elsewhere_overlay')) $$, 'CU404', null, 'and no other');
select throws_ok($$ select app.list_overlays(tests.account()) $$, 'CU404', null, 'nor the list');

select tests.act_as_anonymous();
select throws_ok($$ select app.overlay_document(tests.overlay()) $$, '42501', null, 'The anonymous may not ask');

-- Routing: the most specific pattern wins, and an underscore is an underscore.
select tests.act_as_server();
insert into app.event_subscriptions (overlay_id, account_id, pattern, lane)
values (tests.overlay(), tests.account(), 'twitch:*', 'corner'), (tests.overlay(), tests.account(), 'twitch:gift_sub', 'full');
select is((tests.play_of(tests.record('r1', '{"event_type": "twitch:gift_sub"}'))).lane, 'full', 'The exact pattern wins');
select is((tests.play_of(tests.record('r2', '{"event_type": "twitch:giftxsub"}'))).lane, 'corner', 'An underscore matches itself only');
select is((tests.play_of(tests.record('r3', '{"event_type": "kick:follow"}'))).lane, 'main', 'The star takes the rest');
select is(tests.status_of(tests.record('r4', '{"class": "system"}')), null, 'System events become no play');
select is(tests.status_of(tests.record('r5', '{"class": "data"}')), null, 'nor do data events');
delete from app.event_subscriptions where overlay_id = tests.overlay() and pattern = '*';
select is(tests.status_of(tests.record('r6', '{"event_type": "kick:follow"}')), null, 'What no pattern wants becomes no play');

select * from finish();
rollback;
