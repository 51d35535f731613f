-- Keys: made by members, held by programs and pages, ended at once.
begin;
select no_plan();
select tests.set_scene();

select tests.act_as('administrator');
select lives_ok($$ select app.create_key(tests.account(), 'api', 'A', null, '{events:read}', sha256('a'), 'a', tests.at(0)) $$,
  'An administrator makes API keys');
select throws_ok($$ select app.create_key(tests.account(), 'api', 'B', null, '{account:manage}', sha256('b'), 'b', tests.at(0)) $$,
  'CU403', null, 'Nobody gives what they do not have');
select throws_ok($$ select app.create_key(tests.account(), 'api', 'B', null, '{no:such}', sha256('b'), 'b', tests.at(0)) $$,
  'CU400', null, 'Nor what there is not');
select throws_ok($$ select app.create_key(tests.account(), 'overlay', 'B', tests.value('elsewhere_overlay'), '{}', sha256('b'), 'b', tests.at(0)) $$,
  'CU404', null, 'Nor a key to another account''s overlay');
select throws_ok($$ select app.create_key(tests.account(), 'api', 'B', null, '{}', 'short', 'b', tests.at(0)) $$,
  'CU400', null, 'A hash is 32 bytes');
select throws_ok($$ select * from app.keys $$, '42501', null, 'Nobody reads hashes');

select tests.act_as('moderator');
select throws_ok($$ select app.create_key(tests.account(), 'api', 'B', null, '{}', sha256('b'), 'b', tests.at(0)) $$,
  'CU403', null, 'A moderator makes no keys');
select throws_ok($$ select app.create_key(tests.account(), 'overlay', 'B', tests.overlay(), '{}', sha256('b'), 'b', tests.at(0)) $$,
  'CU403', null, 'nor overlay addresses');
select throws_ok($$ select app.list_keys(tests.account()) $$, 'CU403', null, 'nor sees them');
select throws_ok($$ select app.revoke_key(tests.account(), tests.value('api_key')) $$, 'CU403', null, 'nor revokes them');
select throws_ok($$ select app.rotate_key(tests.account(), tests.value('api_key'), sha256('b'), 'b', interval '0') $$, 'CU403', null, 'nor rotates them');

select tests.act_as('stranger');
select throws_ok($$ select app.create_key(tests.account(), 'api', 'B', null, '{}', sha256('b'), 'b', tests.at(0)) $$,
  'CU404', null, 'For a stranger there is no account to make keys in');
select throws_ok($$ select app.list_keys(tests.account()) $$, 'CU404', null, 'nor to list');
select throws_ok($$ select app.revoke_key(tests.account(), tests.value('api_key')) $$, 'CU404', null, 'nor to revoke in');
select throws_ok($$ select app.rotate_key(tests.account(), tests.value('api_key'), sha256('b'), 'b', interval '0') $$, 'CU404', null, 'nor to rotate in');
select throws_ok($$ select app.revoke_key(tests.elsewhere(), tests.value('api_key')) $$, 'CU404', null,
  'A key of another account is not found in the own one');

select tests.act_as_anonymous();
select throws_ok($$ select app.list_keys(tests.account()) $$, '42501', null, 'The anonymous may not ask');
select throws_ok($$ select app.find_key(sha256('page')) $$, '42501', null, 'nor try keys');

select tests.act_as('owner');
select throws_ok($$ select app.find_key(sha256('page')) $$, '42501', null, 'Not even the owner tries keys');
select lives_ok($$ select app.create_key(tests.account(), 'api', 'All', null, '{keys:edit,events:read}', sha256('all'), 'all', tests.at(0)) $$,
  'The owner makes a key that may edit keys');
select is(jsonb_array_length(app.list_keys(tests.account(), 'overlay', tests.overlay())), 1, 'The owner lists the keys of an overlay');
select is(app.list_keys(tests.account(), 'overlay') #> '{0,token_hash}', null, 'without their hashes');

select tests.act_as_server();
select tests.remember('all_key', app.find_key(sha256('all'), tests.at(0)) ->> 'id');
select tests.act('authenticated', jsonb_build_object('sub', tests.value('all_key'), 'key_id', tests.value('all_key'), 'role', 'authenticated', 'kind', 'api'));
select throws_ok($$ select app.create_key(tests.account(), 'api', 'B', null, '{}', sha256('b'), 'b', tests.at(0)) $$,
  'CU403', null, 'A key cannot make keys, whatever it holds');
select throws_ok($$ select app.rotate_key(tests.account(), tests.value('all_key'), sha256('b'), 'b', interval '0') $$, 'CU403', null, 'nor renew itself');
select tests.act_as_api_key();
select throws_ok($$ select app.list_keys(tests.account()) $$, 'CU403', null, 'A key without the permission sees none');
select tests.act_as_page();
select throws_ok($$ select app.list_keys(tests.account()) $$, 'CU404', null, 'A page sees no account');

-- The trusted server finds keys, and notes their use once a minute.
select tests.act_as_server();
select is(app.find_key(sha256('page'), tests.at(0)) ->> 'kind', 'overlay', 'The server finds a key by its hash');
select is((select last_used_at from app.keys where id = tests.value('overlay_key')), tests.at(0), 'and notes the use');
select app.find_key(sha256('page'), tests.at(30));
select is((select last_used_at from app.keys where id = tests.value('overlay_key')), tests.at(0), 'not more often than once a minute');
select app.find_key(sha256('page'), tests.at(61));
select is((select last_used_at from app.keys where id = tests.value('overlay_key')), tests.at(61), 'but after a minute');
select is(app.find_key(sha256('unknown'), tests.at(0)), null, 'An unknown secret is nobody''s');

-- Rotation: the new one at once, the old one never again.
select tests.act_as('owner');
select tests.remember('new_key', app.rotate_key(tests.account(), tests.value('overlay_key'), sha256('fresh'), 'fresh', interval '0', tests.at(70)) ->> 'id');
select tests.act_as_server();
select is(app.find_key(sha256('page'), tests.at(71)), null, 'A rotated secret opens nothing');
select is(app.find_key(sha256('fresh'), tests.at(71)) ->> 'id', tests.value('new_key')::text, 'the new one does');
select tests.act_as_page();
select throws_ok($$ select app.pull_overlay(tests.overlay(), null, null, 10, tests.at(71)) $$, 'CU410', null,
  'A page that was opened with the old secret hears that it is gone');
select throws_ok($$ select app.heartbeat(tests.overlay(), tests.id('page'), '{}', tests.at(71)) $$, 'CU410', null, 'and cannot go on');
select is(app.may_join('overlay:' || tests.overlay(), 'broadcast'), false, 'nor listen');
select tests.act_as_server();
select is(tests.heard(), array['STATUS_CHANGED'], 'The overlay''s topic heard of it');

select tests.act_as('owner');
select ok((app.revoke_key(tests.account(), tests.value('api_key'), tests.at(80)) ->> 'revoked_at')::timestamptz = tests.at(80), 'Revoking says when');
select ok((app.revoke_key(tests.account(), tests.value('api_key'), tests.at(90)) ->> 'revoked_at')::timestamptz = tests.at(80), 'and is idempotent');
select throws_ok($$ select app.rotate_key(tests.account(), tests.value('api_key'), sha256('c'), 'c', interval '0', tests.at(91)) $$, 'CU410', null,
  'A revoked key cannot be renewed');
select tests.act_as_api_key();
select throws_ok($$ select app.get_queue(tests.account(), tests.at(92)) $$, 'CU404', null, 'A revoked key is a stranger');

select * from finish();
rollback;
