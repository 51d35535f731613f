-- Gatherings: parts wait, and what was decided counts once. What the rules decide is not theirs.
begin;
select no_plan();
select tests.set_scene();

create function tests.part(p_key text, p_name text default 'stage:gifts:1') returns jsonb
language sql as $$
  select jsonb_build_object('name', p_name, 'about', '{"kind": "gift"}'::jsonb, 'draft', jsonb_build_object(
    'event_type', 'stage:gift', 'class', 'data', 'platform', 'stage', 'data', '{}'::jsonb,
    'transport_key', p_key, 'business_key', 'fact ' || p_key))
$$;
create function tests.room() returns jsonb
language sql as $$ select app.read_gathering(tests.account(), 'stage:gifts:1') $$;
create function tests.release(p_rev bigint, p_done jsonb) returns jsonb
language sql as $$
  select app.release_gathering(tests.account(), 'stage:gifts:1', p_rev, jsonb_build_array(tests.part('a') -> 'draft'),
    p_done, '[{"draft": 0, "until": 1, "what": {"who": "bo"}}]', tests.at(60), tests.at(1))
$$;
grant execute on function tests.part(text, text), tests.room(), tests.release(bigint, jsonb) to public;

select tests.act_as_server();
select is(app.read_gathering(tests.account(), 'stage:gifts:1'), null, 'Nothing was gathered yet');
select is(app.gather(tests.account(), jsonb_build_array(tests.part('a'), tests.part('b'), tests.part('a')), tests.at(0)),
  '["gathered", "gathered", "duplicate"]', 'Parts are stored, each message once');
select is(app.gather(tests.account(), jsonb_build_array(tests.part('b'), tests.part('c')), tests.at(0)),
  '["duplicate", "gathered"]', 'also when it comes again');
select is((tests.room() ->> 'rev')::integer, 2, 'Each arrival is counted');
select is(jsonb_array_length(tests.room() -> 'parts'), 3, 'and all of them wait');
select is(app.due_gatherings(tests.at(0)) #>> '{0,name}', 'stage:gifts:1', 'What arrived is to be judged at once');

select is(tests.release(1, '[]'), null, 'What was decided before the last arrival does not count');
select is((select count(*)::integer from app.event_keys k where k.account_id = tests.account() and k.key = 'a'), 0, 'and leaves nothing');
select is(
  tests.release(2, jsonb_build_array(
    jsonb_build_object('part', tests.room() #> '{parts,0,id}', 'event', '{"draft": 0}'::jsonb),
    jsonb_build_object('part', tests.room() #> '{parts,1,id}', 'event', '{"draft": 0}'::jsonb))) #>> '{0,outcome}',
  'recorded', 'What was decided after it is recorded');
select is(tests.release(2, '[]'), null, 'once');
select is(jsonb_array_length(tests.room() -> 'parts'), 1, 'What is done waits no longer');
select is(tests.room() #>> '{memory,0,what,who}', 'bo', 'What was released is remembered');
select is(
  (select count(distinct k.event_id)::integer from app.event_keys k where k.account_id = tests.account()
    and k.key in ('a', 'b', 'fact a', 'fact b') and k.event_id::text = tests.room() #>> '{memory,0,event_id}'),
  1, 'The keys of all its parts name the event');
select is(app.gather(tests.account(), jsonb_build_array(tests.part('b')), tests.at(2)), '["duplicate"]',
  'so that a message that comes again is known');
select is(app.due_gatherings(tests.at(0)), '[]', 'It is judged again when it is due');
select is(app.due_gatherings(tests.at(60)) #>> '{0,name}', 'stage:gifts:1', 'and not before');
select throws_ok($$ select app.gather(tests.id('nobody'), jsonb_build_array(tests.part('x'))) $$, 'CU404', null,
  'Nothing is gathered for an account that is not there');

select tests.act_as('owner');
select throws_ok($$ select app.gather(tests.account(), '[]') $$, '42501', null, 'Not even an owner gathers');
select throws_ok($$ select * from app.gathering_parts $$, '42501', null, 'or reads what waits');
select tests.act_as('moderator');
select throws_ok($$ select app.read_gathering(tests.account(), 'x') $$, '42501', null, 'nor a moderator');
select tests.act_as('stranger');
select throws_ok($$ select app.due_gatherings() $$, '42501', null, 'nor a stranger');

select * from finish();
rollback;
