-- Commands: cancel, replay, skip, pause, resume; by whom, and what they leave.
begin;
select no_plan();
select tests.set_scene();
select tests.remember('a', tests.record('a')::text), tests.remember('b', tests.record('b')::text),
  tests.remember('c', tests.record('c')::text), tests.remember('fixed', tests.record('fixed', '{"cancelable": false, "replayable": false, "priority": "low"}')::text);
select tests.act_as_page();
select app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(1));
select tests.act_as_server();
update app.overlay_queues set lease_until = tests.at(10000) where overlay_id = tests.overlay();

-- Who may not.
select tests.act_as('stranger');
select throws_ok(format('select app.%s', verb), 'CU404', null, 'A stranger may not: ' || verb)
from unnest(array['cancel_event(tests.account(), tests.value(''a''))', 'replay_event(tests.account(), tests.value(''a''), null)',
  'cancel_play(tests.account(), (tests.play_of(tests.value(''a''))).id)', 'skip(tests.account(), tests.overlay(), null)',
  'pause(tests.account(), null)', 'resume(tests.account(), null)']) verb;
select throws_ok($$ select app.cancel_event(tests.elsewhere(), tests.value('a')) $$, 'CU404', null, 'nor through the own account');
select throws_ok($$ select app.cancel_play(tests.elsewhere(), (tests.play_of(tests.value('a'))).id) $$, 'CU404', null, 'nor its play');
select throws_ok($$ select app.skip(tests.elsewhere(), tests.overlay(), null) $$, 'CU404', null, 'nor skip');
select throws_ok($$ select app.pause(tests.elsewhere(), tests.overlay()) $$, 'CU404', null, 'nor pause');
select tests.act_as_page();
select throws_ok($$ select app.cancel_event(tests.account(), tests.value('a')) $$, 'CU404', null, 'A page commands nothing');
select tests.act_as_anonymous();
select throws_ok(format('select app.%s', verb), '42501', null, 'The anonymous may not: ' || verb)
from unnest(array['cancel_event(tests.account(), tests.value(''a''))', 'replay_event(tests.account(), tests.value(''a''), null)',
  'skip(tests.account(), tests.overlay(), null)', 'pause(tests.account(), null)', 'resume(tests.account(), null)']) verb;
select tests.act_as_server();
update app.keys set permissions = '{events:read}' where id = tests.value('api_key');
select tests.act_as_api_key();
select throws_ok($$ select app.cancel_event(tests.account(), tests.value('a')) $$, 'CU403', null, 'A key without the permission may not');
select tests.act_as_server();
update app.keys set permissions = '{events:read,queue:control}' where id = tests.value('api_key');

-- Cancel: what plays, what waits, what is over.
select tests.act_as('moderator');
select is(app.cancel_event(tests.account(), tests.value('a'), tests.at(2)) - 'cancelled',
  jsonb_build_object('event_id', tests.value('a'), 'already', false, 'status', 'cancelled'), 'A moderator cancels what plays');
select is(tests.status_of(tests.value('a')), 'cancelled', 'It is off the screen');
select is(tests.status_of(tests.value('b')), 'playing', 'and the next is on it');
select is(app.cancel_event(tests.account(), tests.value('a'), tests.at(3)) ->> 'already', 'true', 'Cancelled again it says so');
select tests.act_as_page();
select is(app.report_play(tests.overlay(), (tests.play_of(tests.value('a'))).id, tests.id('p1'), 1, 'started', null, tests.at(3)) ->> 'reason',
  'already cancelled', 'A start reported after the cancel is refused');
select tests.act_as_api_key();
select is(app.cancel_event(tests.account(), tests.value('c'), tests.at(4)) ->> 'already', 'false', 'A key cancels what waits');
select throws_ok($$ select app.cancel_event(tests.account(), tests.value('fixed')) $$, 'CU409', null, 'What is not cancelable stays');
select throws_ok($$ select app.cancel_play(tests.account(), (tests.play_of(tests.value('fixed'))).id) $$, 'CU409', null, 'and so does its play');
select throws_ok($$ select app.cancel_event(tests.account(), tests.id('none')) $$, 'CU404', null, 'What is not there is not found');
select tests.act_as_page();
select app.report_play(tests.overlay(), (tests.play_of(tests.value('b'))).id, tests.id('p1'), 1, 'ended', null, tests.at(5));
select tests.act_as('owner');
select is(app.cancel_event(tests.account(), tests.value('b'), tests.at(6)) - 'cancelled',
  jsonb_build_object('event_id', tests.value('b'), 'already', true, 'status', 'completed'), 'What is over stays completed');
select tests.act_as_server();
select tests.remember('scheduled', tests.record('scheduled', jsonb_build_object('scheduled_at', tests.at(500)), 6)::text);
select tests.act_as('owner');
select is(app.cancel_event(tests.account(), tests.value('scheduled'), tests.at(7)) ->> 'already', 'false', 'What is scheduled can be cancelled');
select tests.act_as_server();
select app.settle_plays(tests.at(501));
select is(tests.status_of(tests.value('scheduled')), 'cancelled', 'and never plays');
select tests.act_as('owner');

-- Replay.
select is(tests.status_of(tests.value('fixed')), 'playing', 'The last one plays');
select is(app.replay_event(tests.account(), tests.value('a'), null, tests.at(8)) #>> '{plays,0,play_no}', '2', 'A replay is a new play');
select is(app.replay_event(tests.account(), tests.value('a'), tests.overlay(), tests.at(8)) #>> '{plays,0,play_no}', '3', 'each time');
select is(tests.status_of(tests.value('a'), 2) || ' ' || tests.event_status(tests.value('a')), 'queued pending', 'It waits its turn, also when it was cancelled before');
select throws_ok($$ select app.replay_event(tests.account(), tests.value('fixed'), null) $$, 'CU409', null, 'What is not replayable is not replayed');
select throws_ok($$ select app.replay_event(tests.account(), tests.value('a'), tests.value('elsewhere_overlay')) $$, 'CU404', null, 'nor on another account''s overlay');
select tests.act_as_server();
select tests.remember('data', tests.record('data', '{"class": "data"}', 9)::text);
select tests.act_as('owner');
select throws_ok($$ select app.replay_event(tests.account(), tests.value('data'), tests.overlay()) $$, 'CU409', null, 'nor what has nothing to show');
select is(app.cancel_play(tests.account(), (tests.play_of(tests.value('a'), 3)).id, tests.at(10)) ->> 'status', 'pending', 'One play is cancelled, the other waits on');

-- Skip.
select is(app.skip(tests.account(), tests.overlay(), 'other', tests.at(11)) -> 'skipped', '[]'::jsonb, 'A lane that shows nothing has nothing to skip');
select is(jsonb_array_length(app.skip(tests.account(), tests.overlay(), 'main', tests.at(11)) -> 'skipped'), 1, 'Skip ends what plays');
select is(tests.status_of(tests.value('fixed')), 'skipped', 'as skipped');
select is(tests.status_of(tests.value('a'), 2), 'playing', 'and the next starts');

-- Pause: the current one ends, nothing starts, everything is counted.
select is(app.pause(tests.account(), tests.overlay(), tests.at(12)) ->> 'changed', 'true', 'An overlay is paused');
select is(app.pause(tests.account(), tests.overlay(), tests.at(12)) ->> 'changed', 'false', 'Paused again nothing changes');
select is(tests.status_of(tests.value('a'), 2), 'playing', 'What plays goes on');
select tests.act_as_server();
select tests.remember('d', tests.record('d', '{}', 13)::text);
select tests.act_as_page();
select app.report_play(tests.overlay(), (tests.play_of(tests.value('a'), 2)).id, tests.id('p1'), 1, 'ended', null, tests.at(14));
select is(tests.status_of(tests.value('d')), 'queued', 'Nothing new starts');
select is(app.claim_next(tests.overlay(), tests.id('p1'), 'main', tests.at(14)), null, 'not even when asked for');
select tests.act_as('owner');
select is(app.get_queue(tests.account(), tests.at(14)) #>> '{overlays,0,paused}', 'true', 'The queue says so');
select app.pause(tests.account(), null, tests.at(15));
select app.resume(tests.account(), tests.overlay(), tests.at(16));
select is(tests.status_of(tests.value('d')), 'queued', 'The account''s pause holds, though the overlay''s is over');
select app.resume(tests.account(), null, tests.at(17));
select is(tests.status_of(tests.value('d')), 'playing', 'With both over it goes on');

-- Told to both topics, and recorded.
select tests.act_as_server();
select is((select array_agg(event order by n) from realtime.messages where topic = 'account:' || tests.account() and event like 'ANIMATION_CANCEL%'),
  array['ANIMATION_CANCELLED', 'ANIMATION_CANCELLED', 'ANIMATION_CANCELLED', 'ANIMATION_CANCELLED'], 'The account hears what was cancelled');
select is((select count(*)::int from realtime.messages where topic = 'overlay:' || tests.overlay() and event = 'ANIMATION_CANCEL'), 4, 'the overlay what to take off');
select is(
  (select array_agg((payload ->> 'rev')::int order by n) from realtime.messages where topic = 'overlay:' || tests.overlay() and payload ->> 'rev' is not null),
  (select array_agg(r) from generate_series(1, tests.rev()::int) r), 'The overlay''s messages count its changes without holes');
select is((select count(*)::int from app.audit_log where account_id = tests.account() and action in ('event.cancel', 'event.replay', 'play.cancel', 'queue.skip', 'queue.pause', 'queue.resume')),
  15, 'Every command is in the audit log, also those that changed nothing');
select is((select distinct actor_id from app.audit_log where action = 'queue.skip'), tests.id('owner'), 'with who gave it');

select * from finish();
rollback;
