-- Keys, further: overlap, pairing, ingest, and what a key is worth when its creator changes.
begin;
select no_plan();
select tests.set_scene();

select tests.act_as('owner');
select tests.remember('admin_key', app.create_key(tests.account(), 'api', 'A', null, '{keys:edit,events:read}', sha256('a'), 'a', tests.at(0)) ->> 'id');

-- Overlap.
select tests.remember('next', app.rotate_key(tests.account(), tests.value('api_key'), sha256('next'), 'n', interval '10 minutes', tests.at(0)) ->> 'id');
select throws_ok($$ select app.rotate_key(tests.account(), tests.value('api_key'), sha256('z'), 'z', interval '0', tests.at(1)) $$, 'CU409', null,
  'A key has one successor');
select throws_ok($$ select app.rotate_key(tests.account(), tests.value('next'), sha256('z'), 'z', interval '8 days', tests.at(1)) $$, 'CU400', null,
  'An overlap is a week at most');
select tests.act_as_server();
select is(app.find_key(sha256('program'), tests.at(599)) ->> 'id', tests.value('api_key')::text, 'The old secret works during the overlap');
select is(app.find_key(sha256('next'), tests.at(599)) ->> 'id', tests.value('next')::text, 'and the new one');
select is(app.find_key(sha256('program'), tests.at(600)), null, 'the old one not at its end');
select is(app.end_due_keys(tests.at(599)), 0, 'Nothing is due before');
select is(app.end_due_keys(tests.at(600)), 1, 'then it is ended');
select is(app.end_due_keys(tests.at(601)), 0, 'once');
select tests.act_as_api_key();
select is(app.has_permission(tests.account(), 'events:read'), false, 'and opens nothing');
select throws_ok($$ select app.end_due_keys(tests.at(0)) $$, '42501', null, 'Keys end no keys');

-- What a key is worth follows its creator.
select tests.act_as('administrator');
select tests.remember('theirs', app.create_key(tests.account(), 'api', 'T', null, '{keys:edit,events:read,events:delete}', sha256('t'), 't', tests.at(0)) ->> 'id');
select tests.act_as_server();
update app.members set role = 'moderator' where account_id = tests.account() and user_id = tests.id('administrator');
create function tests.act_as_theirs() returns void language sql as $$
  select tests.act('authenticated', jsonb_build_object('sub', tests.value('theirs'), 'key_id', tests.value('theirs'), 'kind', 'api'))
$$;
select tests.act_as_theirs();
select is(app.my_accounts() #> '{0,permissions}', '["events:read"]', 'A demoted creator''s key may less');
select tests.act_as('owner');
select is((select k -> 'effective_permissions' from jsonb_array_elements(app.list_keys(tests.account())) k where k ->> 'id' = tests.value('theirs')::text),
  '["events:read"]', 'and the list says so');
select tests.act_as_server();
delete from app.members where account_id = tests.account() and user_id = tests.id('administrator');
select tests.act_as_theirs();
select is(app.my_accounts() #> '{0,permissions}', '[]', 'A removed creator''s key may nothing');
select throws_ok($$ select app.list_events(tests.account(), '{}', tests.at(0)) $$, null, null, 'nothing at all');

-- Pairing.
select tests.act_as('moderator');
select throws_ok($$ select app.create_pairing(tests.account(), '{}', sha256('c'), tests.at(0)) $$, 'CU403', null, 'A moderator pairs no phones');
select throws_ok($$ select app.get_pairing(tests.account(), tests.id('none'), tests.at(0)) $$, 'CU403', null, 'nor looks at it');
select tests.act_as('stranger');
select throws_ok($$ select app.create_pairing(tests.account(), '{}', sha256('c'), tests.at(0)) $$, 'CU404', null, 'A stranger has nothing to pair with');
select throws_ok($$ select app.get_pairing(tests.account(), tests.id('none'), tests.at(0)) $$, 'CU404', null, 'nor to look at');
select tests.act_as_anonymous();
select throws_ok($$ select app.use_pairing(sha256('c'), 'P', sha256('p'), 'p', tests.at(0)) $$, '42501', null, 'The anonymous go through the server');
select tests.act('authenticated', jsonb_build_object('sub', tests.value('admin_key'), 'key_id', tests.value('admin_key'), 'kind', 'api'));
select throws_ok($$ select app.create_pairing(tests.account(), '{events:read}', sha256('c'), tests.at(0)) $$, 'CU403', null, 'A key pairs no phones');
select tests.act_as('owner');
select tests.remember('pairing', app.create_pairing(tests.account(), '{events:read,queue:control}', sha256('c'), tests.at(0)) ->> 'id');
select app.create_pairing(tests.account(), '{events:read}', sha256('late'), tests.at(0));
select is(app.get_pairing(tests.account(), tests.value('pairing'), tests.at(59)) ->> 'state', 'waiting', 'A code waits');
select is(app.get_pairing(tests.account(), tests.value('pairing'), tests.at(60)) ->> 'state', 'expired', 'for a minute');
select tests.act_as_server();
select throws_ok($$ select app.use_pairing(sha256('late'), 'P', sha256('p'), 'p', tests.at(60)) $$, 'CU410', null, 'Late is too late');
select throws_ok($$ select app.use_pairing(sha256('guess'), 'P', sha256('p'), 'p', tests.at(1)) $$, 'CU404', null, 'A guess is nothing');
select is(app.use_pairing(sha256('c'), 'Phone', sha256('p'), 'p', tests.at(59)) ->> 'kind', 'remote', 'In time it becomes a key');
select tests.act_as_server();
select is((select created_by from app.keys where token_hash = sha256('p')), tests.id('owner'), 'in the name of who made the code');
select throws_ok($$ select app.use_pairing(sha256('c'), 'Phone', sha256('q'), 'q', tests.at(59)) $$, 'CU410', null, 'once');

-- Ingest keys bring events, and nothing else may be given to them.
select tests.act_as('owner');
select throws_ok($$ select app.create_key(tests.account(), 'ingest', 'I', null, '{events:read}', sha256('i'), 'i', tests.at(0)) $$, '23514', null,
  'An ingest key may not read');
select tests.remember('ingest', app.create_key(tests.account(), 'ingest', 'I', null, '{events:create}', sha256('i'), 'i', tests.at(0)) ->> 'id');
select tests.act('authenticated', jsonb_build_object('sub', tests.value('ingest'), 'key_id', tests.value('ingest'), 'kind', 'ingest'));
select is(app.my_accounts() #> '{0,permissions}', '["events:create"]', 'An ingest key creates events');

select * from finish();
rollback;
