-- The queue as pages see it: order, lease, takeover, reports, time.
begin;
select no_plan();
select tests.set_scene();

-- Every move that may be made, and no other.
select is_empty($$
  select f, t from unnest(array['held', 'queued', 'playing', 'completed', 'cancelled', 'skipped', 'expired', 'failed']) f
  cross join unnest(array['held', 'queued', 'playing', 'completed', 'cancelled', 'skipped', 'expired', 'failed']) t
  where app.may_become(f, t) and f in ('completed', 'cancelled', 'skipped', 'expired', 'failed')
$$, 'What has ended stays ended');

-- Without a page everything waits; who comes first leads.
select tests.remember('low', tests.record('low', '{"priority": "low"}')::text),
  tests.remember('one', tests.record('one')::text), tests.remember('two', tests.record('two')::text),
  tests.remember('high', tests.record('high', '{"priority": "critical"}')::text),
  tests.remember('later', tests.record('later', jsonb_build_object('priority', 'critical', 'scheduled_at', tests.at(600)))::text);
select is(tests.status_of(tests.value('high')), 'queued', 'Without a page everything waits');
select throws_ok($$ update app.plays set status = 'completed', ended_at = now() where event_id = tests.value('one');
  update app.plays set status = 'queued', ended_at = null where event_id = tests.value('one') $$, 'CU409', null, 'A wrong move is refused by the table itself');

select tests.act_as_page();
select is(app.heartbeat(tests.overlay(), tests.id('p1'), '{"visible": true, "protocol": "1"}', tests.at(1)) ->> 'leads', 'true', 'The first page leads');
select is(tests.status_of(tests.value('high')), 'playing', 'and the most urgent play starts');
select is(app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(1)) ->> 'leads', 'false', 'The second follows');
select is(app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(1)) ->> 'next_in_ms', '5000', 'and need not call often');
select is(app.claim_next(tests.overlay(), tests.id('p2'), 'main', tests.at(1)), null, 'A follower claims nothing');
select is(app.claim_next(tests.overlay(), tests.id('p1'), 'main', tests.at(1)) #>> '{event,id}', tests.value('high')::text, 'The leader hears what plays');
select is(app.claim_next(tests.overlay(), tests.id('p1'), 'main', tests.at(2)) ->> 'elapsed_ms', '1000', 'and since when, as often as it asks');
select is(app.claim_next(tests.overlay(), tests.id('p1'), 'other', tests.at(2)), null, 'An empty lane has nothing');

-- Reports.
create temp table report as select (tests.play_of(tests.value('high'))).id as high, (tests.play_of(tests.value('one'))).id as one,
  (tests.play_of(tests.value('two'))).id as two, (tests.play_of(tests.value('low'))).id as low;
grant select on report to authenticated;
select is(app.report_play(tests.overlay(), high, tests.id('p1'), 1, 'started', null, tests.at(2)) ->> 'accepted', 'true', 'The leader reports the start') from report;
select is((tests.play_of(tests.value('high'))).started_at, tests.at(2), 'which is noted');
select is(app.report_play(tests.overlay(), high, tests.id('p1'), 1, 'started', null, tests.at(3)) ->> 'accepted', 'true', 'Said again it changes nothing') from report;
select is((tests.play_of(tests.value('high'))).started_at, tests.at(2), 'not even the time');
select is(app.report_play(tests.overlay(), high, tests.id('p2'), 1, 'ended', null, tests.at(3)) ->> 'reason', 'taken over', 'Who did not claim it is not believed') from report;
select is(app.report_play(tests.overlay(), one, tests.id('p1'), 1, 'ended', null, tests.at(3)) ->> 'reason', 'not claimed', 'What was never claimed cannot end') from report;
select is(app.report_play(tests.overlay(), tests.id('none'), tests.id('p1'), 1, 'ended', null, tests.at(3)) ->> 'reason', 'unknown', 'An unknown play is no error');
select throws_ok($$ select app.report_play(tests.overlay(), tests.id('none'), tests.id('p1'), 1, 'danced', null, tests.at(3)) $$, 'CU400', null, 'An unknown report is');
select is(app.report_play(tests.overlay(), high, tests.id('p1'), 1, 'ended', '{"delay_ms": 12}', tests.at(5.5)) ->> 'accepted', 'true', 'The leader reports the end') from report;
select is(tests.event_status(tests.value('high')), 'completed', 'The event is completed with its play');
select is(tests.status_of(tests.value('one')), 'playing', 'and the next in order starts: by priority, then by seq');
select is(app.report_play(tests.overlay(), high, tests.id('p1'), 1, 'ended', null, tests.at(5.5)) ->> 'reason', 'already completed', 'The end said twice is refused, kindly') from report;
select is(app.report_play(tests.overlay(), one, tests.id('p1'), 1, 'failed', '{"error": "no picture"}', tests.at(5.8)) ->> 'accepted', 'true', 'A play may fail') from report;
select is((tests.play_of(tests.value('one'))).outcome, 'no picture', 'with its reason');
select is(tests.event_status(tests.value('one')), 'cancelled', 'An event that was never shown is not completed');
select is(tests.status_of(tests.value('two')), 'playing', 'and the next starts');
select throws_ok($$ select app.report_play(tests.value('elsewhere_overlay'), tests.id('none'), tests.id('p1'), 1, 'ended', null, tests.at(7)) $$,
  'CU404', null, 'A page reports for its own overlay only');

-- Takeover: the page that leads is gone, another takes the play in hand.
select is(app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(5.9)) ->> 'leads', 'false', 'While the lease lives nobody takes over');
select is(app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(8)) ->> 'leads', 'true', 'A lapsed lease that nobody took is renewed');
select is(app.report_play(tests.overlay(), two, tests.id('p1'), 1, 'started', null, tests.at(8)) ->> 'accepted', 'true', 'p1 shows it') from report;
select is(app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(13.1)) ->> 'leads', 'true', 'A lapsed lease is taken over');
select is(tests.status_of(tests.value('two')), 'completed', 'A play that was seen to start and is over is settled');
select is((tests.play_of(tests.value('two'))).outcome, 'settled', 'and says so');
select is(tests.status_of(tests.value('low')), 'playing', 'the next one starts');
select is((tests.play_of(tests.value('low'))).instance_id, tests.id('p2'), 'under the new leader');

-- Back again, when p2 is gone: not at once, for p2 may have shown what is in hand and not been heard.
select is(app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(18.2)) ->> 'leads', 'false', 'A lapsed lead with a play in hand is not taken at once');
select is(app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(18.2)) ->> 'lease_ms', '5000', 'but five seconds later');
select is(app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(18.2)) ->> 'next_in_ms', '1000', 'by a page that is heard all the while');
select is(app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(23.3)) ->> 'leads', 'false', 'which begins anew after a silence');
select app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(23.3 + i * 1.2)) from generate_series(1, 4) i;
select tests.act_as_server();
select is(app.settle_plays(tests.at(28.2)), 0, 'Meanwhile nobody takes the play for unshown');
select tests.act_as_page();
select is((tests.play_of(tests.value('low'))).attempt, 1, 'nor begins it');
select is(app.heartbeat(tests.overlay(), tests.id('p1'), '{}', tests.at(28.3)) ->> 'leads', 'true', 'Then it leads');
select is((tests.play_of(tests.value('low'))).instance_id, tests.id('p1'), 'A play that was not shown yet goes to the new leader');
select is((tests.play_of(tests.value('low'))).attempt, 2, 'as another attempt');
select is((tests.play_of(tests.value('low'))).claimed_at, tests.at(28.3), 'from its beginning');
select is(app.report_play(tests.overlay(), low, tests.id('p2'), 1, 'ended', null, tests.at(29)) ->> 'reason', 'taken over', 'The page that lost it is not believed') from report;
select is(app.report_play(tests.overlay(), low, tests.id('p1'), 2, 'started', null, tests.at(28.5)) ->> 'accepted', 'true', 'The new one shows it') from report;
select is(app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(33.4)) ->> 'leads', 'true', 'What was seen to start is no reason to wait');
select is((tests.play_of(tests.value('low'))).status, 'completed', 'and when it is gone and the time is over too, it is settled');

-- Time: settling, late truth, schedule.
select is(app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(34)) ->> 'leads', 'true', 'p2 leads');
select tests.act_as_server();
select tests.remember('lost', tests.record('lost', '{}', 34)::text);
select is(tests.status_of(tests.value('lost')), 'playing', 'An event that meets an idle lane is born playing');
select is((select payload #>> '{play,status}' from realtime.messages where topic = 'overlay:' || tests.overlay()
    and payload #>> '{event,id}' = tests.value('lost')::text and event = 'EVENT_BROADCAST'), 'playing', 'and its first message says so');
select is(app.settle_plays(tests.at(44.1)), 0, 'While nobody leads it is not known whether it was shown');
select tests.act_as_page();
select app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(36 + i * 4)) from generate_series(0, 1) i;
select tests.act_as_server();
select is(app.settle_plays(tests.at(43)), 0, 'A play has its time and 5 s more');
update app.overlay_queues set paused_at = tests.at(44) where overlay_id = tests.overlay();
select is(app.settle_plays(tests.at(44.1)), 1, 'then it is settled');
select is(tests.status_of(tests.value('lost')), 'queued', 'Never started, it waits again');
update app.overlay_queues set paused_at = null where overlay_id = tests.overlay();
select tests.act_as_page();
select is(app.report_play(tests.overlay(), (tests.play_of(tests.value('lost'))).id, tests.id('p2'), 1, 'ended', null, tests.at(45)) ->> 'accepted', 'true',
  'A page that was slow to tell is believed');
select is((tests.play_of(tests.value('lost'))).outcome, 'shown late', 'It was shown, so it is never shown again');
select tests.act_as_server();
select tests.remember('shown', tests.record('shown', '{}', 46)::text);
select tests.act_as_page();
select app.heartbeat(tests.overlay(), tests.id('p2'), '{}', tests.at(46));
select app.report_play(tests.overlay(), (tests.play_of(tests.value('shown'))).id, tests.id('p2'), 1, 'started', null, tests.at(46));
select tests.act_as_server();
select is(app.settle_plays(tests.at(56.1)), 1, 'Seen to start, it is settled');
select is(tests.status_of(tests.value('shown')), 'completed', 'as completed');
update app.overlay_queues set lease_until = tests.at(1000) where overlay_id = tests.overlay();
select tests.remember('never', tests.record('never', '{}', 60)::text);
select is((select array_agg(app.settle_plays(tests.at(60 + i * 11))) from generate_series(0, 5) i), array[0, 2, 2, 2, 2, 1],
  'A play that never starts is tried again');
select is((tests.play_of(tests.value('never'))).status || ' ' || (tests.play_of(tests.value('never'))).attempt, 'failed 5', 'five times');
select is(tests.status_of(tests.value('later')), 'queued', 'What is scheduled waits for its time');
select is(app.settle_plays(tests.at(601)), 1, 'and starts when it has come');
select is(tests.status_of(tests.value('later')), 'playing', 'by the clock, without anybody asking');

-- Pull: whole again.
select tests.act_as_page();
select tests.remember('epoch', app.pull_overlay(tests.overlay(), null, null, 10, tests.at(602)) ->> 'epoch');
select is(app.pull_overlay(tests.overlay(), null, null, 10, tests.at(602)) ->> 'recovered', 'false', 'A fresh page recovers nothing');
select is(app.pull_overlay(tests.overlay(), null, null, 10, tests.at(602)) #>> '{plays,0,event,id}', tests.value('later')::text, 'but learns what plays');
select is(app.pull_overlay(tests.overlay(), current_setting('tests.epoch'), 3, 10, tests.at(602)) ->> 'recovered', 'true', 'A known cursor recovers');
select is(app.pull_overlay(tests.overlay(), tests.id('restored')::text, 3, 10, tests.at(602)) ->> 'recovered', 'false', 'one of another life does not');
select is(app.pull_overlay(tests.overlay(), current_setting('tests.epoch'), 1000, 10, tests.at(602)) ->> 'recovered', 'false', 'nor one from the future');
select is((app.pull_overlay(tests.overlay(), null, null, 10, tests.at(602)) ->> 'rev')::bigint, tests.rev(), 'It knows the queue''s rev');
select tests.act_as_server();
select app.record_events(tests.account(), (select jsonb_agg(tests.draft('d' || i, '{"class": "data", "event_type": "chat:message"}')) from generate_series(1, 5) i), tests.at(603));
select tests.act_as_page();
select is(
  (select jsonb_build_array(s -> 'more', s -> 'cursor', jsonb_path_query_array(s, '$.events[*].seq'))
    from app.pull_overlay(tests.overlay(), current_setting('tests.epoch'), 8, 3, tests.at(603)) s),
  '[true, 11, [9, 10, 11]]', 'Data events come after the cursor, page by page');
select is(
  (select jsonb_build_array(s -> 'more', s -> 'cursor', jsonb_path_query_array(s, '$.events[*].seq'))
    from app.pull_overlay(tests.overlay(), current_setting('tests.epoch'), 11, 3, tests.at(603)) s),
  '[false, 13, [12, 13]]', 'to the top');
select throws_ok($$ select app.pull_overlay(tests.value('elsewhere_overlay'), null, null, 10, tests.at(604)) $$, 'CU404', null, 'A page pulls its own overlay only');
select tests.act_as('moderator');
select lives_ok($$ select app.pull_overlay(tests.overlay(), null, null, 10, tests.at(604)) $$, 'A moderator may watch an overlay');
select throws_ok($$ select app.heartbeat(tests.overlay(), tests.id('p9'), '{}', tests.at(604)) $$, 'CU404', null, 'but is no page');
select throws_ok($$ select app.claim_next(tests.overlay(), tests.id('p9'), 'main', tests.at(604)) $$, 'CU404', null, 'and claims nothing');
select throws_ok($$ select app.report_play(tests.overlay(), tests.id('none'), tests.id('p9'), 1, 'ended', null, tests.at(604)) $$, 'CU404', null, 'and reports nothing');
select tests.act_as('stranger');
select throws_ok($$ select app.pull_overlay(tests.overlay(), null, null, 10, tests.at(604)) $$, 'CU404', null, 'For a stranger there is no overlay');
select tests.act_as_page_elsewhere();
select throws_ok($$ select app.pull_overlay(tests.overlay(), null, null, 10, tests.at(604)) $$, 'CU404', null, 'nor for another account''s page');
select throws_ok($$ select app.heartbeat(tests.overlay(), tests.id('p9'), '{}', tests.at(604)) $$, 'CU404', null, 'which cannot lead here');
select tests.act_as_api_key();
select throws_ok($$ select app.pull_overlay(tests.overlay(), null, null, 10, tests.at(604)) $$, 'CU403', null, 'nor for a key without the permission');
select tests.act_as_anonymous();
select throws_ok($$ select app.pull_overlay(tests.overlay(), null, null, 10, tests.at(604)) $$, '42501', null, 'The anonymous may not ask');
select throws_ok($$ select app.settle_plays(tests.at(604)) $$, '42501', null, 'nor settle');
select tests.act_as('owner');
select throws_ok($$ select app.settle_plays(tests.at(604)) $$, '42501', null, 'Only the server settles');

-- The proof: the moves are written down, all of them allowed.
select tests.act_as_server();
select is_empty($$ select * from app.play_transitions where not app.may_become(from_status, to_status) $$, 'Every move on record was an allowed one');
select is(
  (select array_agg((payload ->> 'rev')::int order by n) from realtime.messages where topic = 'overlay:' || tests.overlay() and payload ->> 'rev' is not null),
  (select array_agg(r) from generate_series(1, tests.rev()::int) r), 'The overlay''s messages count its changes without holes');

select * from finish();
rollback;
