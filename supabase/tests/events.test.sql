-- The log: numbers, duplicates, what a batch answers.
begin;
select no_plan();
select tests.set_scene();

select is(
  jsonb_path_query_array(app.record_events(tests.account(), jsonb_build_array(tests.draft('a'), tests.draft('b'), tests.draft('c')), tests.at(0)), '$[*].seq'),
  '[1, 2, 3]', 'A batch is numbered in its order');
select is(
  (select jsonb_agg(o - 'event_id' order by o -> 'index') from jsonb_array_elements(app.record_events(tests.account(), jsonb_build_array(
    tests.draft('b'), tests.draft('d'), tests.draft('d'), tests.draft('e', '{"business_key": "fact"}'),
    tests.draft('f', '{"business_key": "fact"}'), tests.draft(null), tests.draft(null)), tests.at(1))) o),
  '[{"index": 0, "outcome": "duplicate", "seq": 2, "status": "pending"},
    {"index": 1, "outcome": "recorded", "seq": 4, "status": "pending"},
    {"index": 2, "outcome": "duplicate", "seq": 4, "status": "pending"},
    {"index": 3, "outcome": "recorded", "seq": 5, "status": "pending"},
    {"index": 4, "outcome": "duplicate", "seq": 5, "status": "pending"},
    {"index": 5, "outcome": "recorded", "seq": 6, "status": "pending"},
    {"index": 6, "outcome": "recorded", "seq": 7, "status": "pending"}]',
  'Duplicates by delivery or by fact, of the log or of the batch, name the first; without keys nothing is a duplicate');
select is(app.record_events(tests.account(), jsonb_build_array(tests.draft('g', '{"business_key": "fact"}')), tests.at(2)) #>> '{0,seq}', '5',
  'The same fact under another delivery is a duplicate');
-- "g" was left out, so it left no key: as a delivery of another fact it is new.
select is(app.record_events(tests.account(), jsonb_build_array(tests.draft('g', '{"business_key": "other"}')), tests.at(2)) #>> '{0,outcome}', 'recorded',
  'What was left out leaves no keys');
select is(app.record_events(tests.elsewhere(), jsonb_build_array(tests.draft('a')), tests.at(2)) #>> '{0,outcome}', 'recorded',
  'Keys belong to an account');
select is((select array_agg(seq order by seq) from app.platform_events where account_id = tests.account()),
  array[1, 2, 3, 4, 5, 6, 7, 8]::bigint[], 'The numbers have no holes');
select is((select next_seq from app.accounts where id = tests.account()), 9::bigint, 'and the next one follows');
select is(app.record_events(tests.account(), '[]', tests.at(3)), '[]', 'An empty batch is nothing');
select throws_ok($$ select app.record_events(tests.id('none'), '[{}]', tests.at(3)) $$, 'CU404', null, 'An unknown account is refused');
select throws_ok($$ select app.record_events(tests.account(), jsonb_build_array(tests.draft('x'), tests.draft('y', '{"class": "wrong"}')), tests.at(3)) $$,
  '23514', null, 'A batch with a wrong draft is refused');
select is((select count(*)::int from app.event_keys where key = 'x'), 0, 'as a whole');

-- Status at birth.
select is(tests.event_status(tests.record('data', '{"class": "data"}')), 'completed', 'What no overlay shows is completed at once');
select is(tests.event_status(tests.record('wait')), 'pending', 'What waits is pending');

-- Partitions come when they are needed, for any month.
select is(app.record_events(tests.account(), jsonb_build_array(tests.draft('later')), '2041-06-30 23:59:59Z') #>> '{0,outcome}', 'recorded',
  'A month nobody prepared is no obstacle');
select ok(to_regclass('app.platform_events_2041_06') is not null and to_regclass('app.platform_events_2041_07') is not null,
  'This month and the next have their partitions');
select is(app.ensure_event_partitions('2041-06-15Z', 2), 1, 'Ahead of time only what is missing is made');
select ok((select relrowsecurity and relforcerowsecurity from pg_class where oid = 'app.platform_events_2041_08'::regclass),
  'New partitions are closed like the rest');

-- Emitting: the same door, for who may.
select tests.act_as('moderator');
select is(app.emit_events(tests.account(), jsonb_build_array(tests.draft('m')), tests.at(4)) #>> '{0,outcome}', 'recorded', 'A moderator emits');
select throws_ok($$ select app.record_events(tests.account(), '[]') $$, '42501', null, 'but not past the permission');
select tests.act_as_api_key();
select is(app.emit_events(tests.account(), jsonb_build_array(tests.draft('m')), tests.at(4)) #>> '{0,outcome}', 'duplicate', 'A key emits');
select tests.act_as('stranger');
select throws_ok($$ select app.emit_events(tests.account(), '[]') $$, 'CU404', null, 'A stranger does not');
select tests.act_as_page();
select throws_ok($$ select app.emit_events(tests.account(), '[]') $$, 'CU404', null, 'nor does a page');
select tests.act_as_anonymous();
select throws_ok($$ select app.emit_events(tests.account(), '[]') $$, '42501', null, 'nor the anonymous');
select tests.act_as_server();
select is((select count(*)::int from app.audit_log where action = 'event.emit' and account_id = tests.account()), 2, 'Each emission is in the audit log');

-- Hints, exactly one to each topic.
select is(
  (select array_agg(split_part(topic, ':', 1) || ' ' || event order by n) from realtime.messages
    where (payload #>> '{event,seq}')::int = 1 and payload #>> '{event,account_id}' = tests.account()::text),
  array['account EVENT_BROADCAST', 'overlay EVENT_BROADCAST'], 'An event is told once to the account and once to the overlay');
select is(
  (select array_agg((payload ->> 'rev')::int order by n) from realtime.messages where topic = 'overlay:' || tests.overlay() and payload ? 'rev'),
  (select array_agg(r) from generate_series(1, tests.rev()::int) r), 'The overlay''s messages count its changes without holes');
select ok(
  (select payload ->> 'play' is null and not payload ? 'rev' from realtime.messages
    where topic = 'overlay:' || tests.overlay() and payload #>> '{event,class}' = 'data'),
  'A data event changes no queue');

-- What is kept for a time only.
select is(app.purge_expired(tests.at(31 * 86400)) ->> 'event_keys', '12', 'Keys of duplicates are forgotten after 30 days, those of the future kept');

select * from finish();
rollback;
