-- Topics: who may listen, and that nobody sends.
begin;
select no_plan();
select tests.set_scene();

select tests.act_as('moderator');
select ok(app.may_join('account:' || tests.account(), 'broadcast'), 'A moderator listens to the account');
select ok(app.may_join('overlay:' || tests.overlay(), 'broadcast'), 'and to its overlays');
select ok(not app.may_join('account:' || tests.account(), 'presence'), 'Nobody announces presence');
select ok(not app.may_join('account:' || tests.elsewhere(), 'broadcast'), 'not to another account');
select ok(not app.may_join('overlay:' || tests.value('elsewhere_overlay'), 'broadcast'), 'nor to its overlays');
select ok(not app.may_join(topic, 'broadcast'), 'nor to ' || coalesce(topic, 'nothing'))
from unnest(array['account:*', 'account:', 'room:1', '', null, 'account:' || tests.account() || ':x', upper('account:' || tests.account())]) topic;

select tests.act_as('stranger');
select ok(not app.may_join('account:' || tests.account(), 'broadcast'), 'A stranger does not listen');
select ok(not app.may_join('overlay:' || tests.overlay(), 'broadcast'), 'not to overlays either');
select tests.act_as_page();
select ok(app.may_join('overlay:' || tests.overlay(), 'broadcast'), 'A page listens to its overlay');
select ok(not app.may_join('account:' || tests.account(), 'broadcast'), 'not to the account');
select ok(not app.may_join('overlay:' || tests.value('elsewhere_overlay'), 'broadcast'), 'nor to another overlay');
select tests.act_as_api_key();
select ok(not app.may_join('account:' || tests.account(), 'broadcast'), 'A key that may not know viewers does not hear them');
select ok(not app.may_join('overlay:' || tests.overlay(), 'broadcast'), 'nor overlays that it may not read');

-- As the realtime server asks: by rows, through the policy.
select tests.act_as_server();
delete from realtime.messages;
insert into realtime.messages (topic, extension) values ('probe', 'broadcast'), ('probe', 'presence');
select tests.act_as_page();
select set_config('realtime.topic', 'overlay:' || tests.overlay(), true);
select is((select array_agg(extension) from realtime.messages), array['broadcast'], 'The policy lets the page read its topic');
select set_config('realtime.topic', 'account:' || tests.account(), true);
select is((select count(*)::int from realtime.messages), 0, 'and no other');
select throws_ok($$ insert into realtime.messages (topic, extension) values ('account:' || tests.account(), 'broadcast') $$, '42501', null, 'Nobody sends');
select throws_ok($$ select app.send_hint('account:' || tests.account(), 'X', '{}') $$, '42501', null, 'not by a function either');
select tests.act_as_anonymous();
select is((select count(*)::int from realtime.messages), 0, 'The anonymous hear nothing');

-- A hint that cannot be sent never stops the work.
select tests.act_as_server();
create function tests.refuse() returns trigger language plpgsql as $$ begin raise exception 'no partition'; end $$;
create trigger refuse before insert on realtime.messages for each row execute function tests.refuse();
select is(tests.event_status(tests.record('silent')), 'pending', 'Without hints the event is stored all the same');
drop trigger refuse on realtime.messages;
update realtime.messages set inserted_at = now() at time zone 'UTC' - interval '73 hours';
select tests.record('loud');
select is(app.purge_realtime_messages(now()), 2, 'Old messages are forgotten');

select * from finish();
rollback;
