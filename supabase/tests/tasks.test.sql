-- Tasks: who runs one, when it is due again, and who may say so.
begin;
select no_plan();
select tests.set_scene();
-- Home was made first, so its owner is the operator.
update app.accounts set created_at = tests.at(-50) where id = tests.elsewhere();
delete from app.tasks;

select app.register_tasks('[{"name": "fast", "title": "Fast", "interval_s": 60}, {"name": "slow", "title": "Slow", "interval_s": 7200}]', tests.at(0));
select is(app.claim_tasks(tests.id('p1'), array['fast', 'slow', 'unknown'], 1, 60, tests.at(0)), array['fast'], 'What is new is due at once, at most so many');
select is(app.claim_tasks(tests.id('p2'), array['fast', 'slow'], 5, 60, tests.at(1)), array['slow'], 'Another process gets the others');
select is(app.claim_tasks(tests.id('p2'), array['fast', 'slow'], 5, 60, tests.at(2)), '{}', 'and nothing twice');
select is(app.finish_task(tests.id('p2'), 'fast', null, 5, tests.at(3)), null, 'Only who has a task ends it');
select is(app.finish_task(tests.id('p1'), 'fast', null, 5, tests.at(3)), '{"failures_before": 0, "failures_in_row": 0}', 'Its process ends it');
select is(app.claim_tasks(tests.id('p1'), array['fast'], 5, 60, tests.at(62)), '{}', 'It is not due before its interval has passed');
select is(app.claim_tasks(tests.id('p1'), array['fast'], 5, 60, tests.at(63)), array['fast'], 'and then it is');

-- Leases.
select is(app.renew_tasks(tests.id('p1'), array['fast', 'slow'], 60, tests.at(100)), array['fast'], 'A lease is renewed by its process only');
select is(app.claim_tasks(tests.id('p2'), array['fast'], 5, 60, tests.at(159)), '{}', 'A renewed lease holds');
select is(app.claim_tasks(tests.id('p2'), array['fast'], 5, 60, tests.at(160)), array['fast'], 'A lease that ended frees the task');
select is(app.renew_tasks(tests.id('p1'), array['fast'], 60, tests.at(161)), '{}', 'The process that was silent hears that it lost it');
select is(app.finish_task(tests.id('p1'), 'fast', null, 5, tests.at(162)), null, 'and is not believed any more');
select is((select failures from app.tasks where name = 'fast'), 1::bigint, 'A run that died counts as a failure');
select is(app.finish_task(tests.id('p2'), 'fast', null, 5, tests.at(163)) -> 'failures_before', '1', 'which the next run hears');

-- Failures.
select app.claim_tasks(tests.id('p1'), array['fast'], 5, 60, tests.at(1000));
select is(app.finish_task(tests.id('p1'), 'fast', 'no network', 5, tests.at(1000)), '{"failures_before": 0, "failures_in_row": 1}', 'The first failure is told');
select is((select next_run_at from app.tasks where name = 'fast'), tests.at(1015), 'and tried again soon');
select app.claim_tasks(tests.id('p1'), array['fast'], 5, 60, tests.at(1015));
select is(app.finish_task(tests.id('p1'), 'fast', 'no network', 5, tests.at(1020)) -> 'failures_in_row', '2', 'The second is not news');
select is((select next_run_at from app.tasks where name = 'fast'), tests.at(1050), 'and waits longer');
update app.tasks set failures_in_row = 1000 where name = 'fast';
select app.claim_tasks(tests.id('p1'), array['fast'], 5, 60, tests.at(1050));
select app.finish_task(tests.id('p1'), 'fast', 'no network', 5, tests.at(1050));
select is((select next_run_at from app.tasks where name = 'fast'), tests.at(1950), 'but not without end');

-- A task that was broken off.
select app.release_task(tests.id('p2'), 'slow', tests.at(1100));
select is(app.claim_tasks(tests.id('p1'), array['slow'], 5, 60, tests.at(1100)), array['slow'], 'What was broken off is free at once');
select app.finish_task(tests.id('p1'), 'slow', null, 5, tests.at(1100));

-- A server with other intervals.
select app.register_tasks('[{"name": "slow", "title": "Slow", "interval_s": 60}]', tests.at(1200));
select is((select next_run_at from app.tasks where name = 'slow'), tests.at(1260), 'A shorter interval holds at once');
select app.register_tasks('[{"name": "slow", "title": "Slow", "interval_s": 7200}]', tests.at(1201));
select is((select next_run_at from app.tasks where name = 'slow'), tests.at(1260), 'A longer one after the next run');

-- Who may.
select tests.act_as('owner');
select is(app.list_tasks(tests.account(), tests.at(1300)) #>> '{0,last_error}', 'no network', 'The operator reads the error');
select is(app.set_task_enabled(tests.account(), 'slow', false, tests.at(1300)) ->> 'is_enabled', 'false', 'and stops a task');
select is(app.run_task(tests.account(), 'slow', tests.at(1300)) ->> 'is_enabled', 'false', 'and runs it once all the same');
select throws_ok($$ select app.run_task(tests.account(), 'nothing') $$, 'CU404', null, 'if there is one');
select throws_ok($$ select app.set_task_enabled(tests.account(), 'nothing', true) $$, 'CU404', null, 'to enable, too');
select tests.act_as('administrator');
select throws_ok($$ select app.run_task(tests.account(), 'slow') $$, 'CU403', null, 'An administrator runs nothing');
select tests.act_as('moderator');
select is(jsonb_array_length(app.list_tasks(tests.account(), tests.at(1300))), 2, 'A moderator sees the tasks');
select throws_ok($$ select app.run_task(tests.account(), 'slow') $$, 'CU403', null, 'and runs none');
select throws_ok($$ select app.set_task_enabled(tests.account(), 'slow', false) $$, 'CU403', null, 'nor stops one');
select tests.act_as('stranger');
select throws_ok($$ select app.list_tasks(tests.account()) $$, 'CU404', null, 'A stranger has no business here');
select throws_ok($$ select app.run_task(tests.account(), 'slow') $$, 'CU404', null, 'none at all');
select throws_ok($$ select app.run_task(tests.elsewhere(), 'slow') $$, 'CU403', null, 'An owner of a later account runs nothing');
select is(app.list_tasks(tests.elsewhere(), tests.at(1300)) #>> '{0,last_error}', 'It failed; the operator of this server can read why', 'and reads no error');
select throws_ok($$ select app.claim_tasks(tests.id('p1'), array['slow'], 1, 60) $$, '42501', null, 'Tokens claim nothing');
select throws_ok($$ select * from app.tasks $$, '42501', null, 'and read no table');
select tests.act_as_anonymous();
select throws_ok($$ select app.list_tasks(tests.account()) $$, '42501', null, 'nor do the anonymous');

select tests.act_as_server();
select is(app.claim_tasks(tests.id('p1'), array['slow'], 5, 60, tests.at(1301)), array['slow'], 'What was asked for runs');
select app.finish_task(tests.id('p1'), 'slow', null, 5, tests.at(1302));
select is(app.claim_tasks(tests.id('p1'), array['slow'], 5, 60, tests.at(99999)), '{}', 'once');
select is((select array_agg(action order by id) from app.audit_log where target_kind = 'task'), array['task.disable', 'task.run'], 'Both are in the audit log');

-- What the tasks do.
insert into identity."user" (id, name, email, "emailVerified") values (tests.id('u'), 'U', 'u@example.com', true);
insert into identity."session" ("expiresAt", token, "updatedAt", "userId")
values (tests.at(0), 'old', tests.at(0), tests.id('u')), (tests.at(100), 'new', tests.at(0), tests.id('u'));
insert into identity."verification" (identifier, value, "expiresAt") values ('v', 'v', tests.at(0));
select is(app.purge_sessions(tests.at(50)), '{"sessions": 1, "verifications": 1}', 'Sessions that have ended are forgotten');
select is((select array_agg(token) from identity."session" where "userId" = tests.id('u')), array['new'], 'the others stay');

select app.ensure_event_partitions('2001-01-15 00:00+00', 1);
select app.record_events(tests.account(), '[{"event_type": "custom:a", "class": "data", "platform": "custom", "data": {}}]', '2001-01-20 00:00+00');
select is(app.drop_event_partitions('2001-01-31 23:00+00', '2030-01-01 00:00+00'), 0, 'A month is dropped when all of it is too old');
select is(app.drop_event_partitions('2030-01-01 00:00+00', '2001-01-31 23:00+00'), 0, 'but never the one that is now');
select is(app.drop_event_partitions('2001-02-01 00:00+00', '2030-01-01 00:00+00'), 1, 'One month is dropped');
select is((select count(*) from app.platform_events where created_at < '2002-01-01'), 0::bigint, 'with its events');
select ok(to_regclass('app.platform_events_2001_02') is not null, 'The next stays');

select * from finish();
rollback;
