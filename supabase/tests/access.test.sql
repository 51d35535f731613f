-- Access: who may ask for consents, who may end them, and that tokens stay with the server.
begin;
select no_plan();
select tests.set_scene();

create function tests.begin_code(p_state text, p_at numeric default 0) returns uuid
language sql as $$
  select (app.begin_authorization(tests.account(), 'twitch', 'code', null, '{follows}', '{a:read}',
    'client', 'http://localhost/cb', sha256(p_state::bytea), null, null, 600, tests.at(p_at)) ->> 'id')::uuid
$$;
create function tests.begin_device(p_at numeric default 0) returns uuid
language sql as $$
  select (app.begin_authorization(tests.account(), 'twitch', 'device', null, '{follows,chat}', '{a:read}',
    'client', null, null, '\xdd', 5, 1800, tests.at(p_at)) ->> 'id')::uuid
$$;
create function tests.complete(p_authorization uuid, p_channel text, p_groups text[] default '{follows}', p_at numeric default 10)
returns jsonb
language sql as $$
  select app.complete_authorization(p_authorization,
    jsonb_build_object('channel_id', p_channel, 'login', 'ann', 'name', 'Ann', 'picture', 'https://p'),
    '{a:read}', p_groups, 'websocket', '\xaa', '\xbb', tests.at(14400), '\xcc', tests.at(p_at))
$$;
create function tests.tokens() returns bigint
language sql security definer as $$ select count(*) from app.connection_tokens $$;
create function tests.audited() returns text[]
language sql security definer as $$
  select array_agg(a.action order by a.id) from app.audit_log a
  where a.account_id = tests.account() and (a.action like 'connection.%' or a.action like 'client.%')
$$;

-- The code flow -----------------------------------------------------------------------------
select tests.act_as('administrator');
select tests.remember('code', tests.begin_code('one')::text);
select is(app.get_authorization(tests.account(), tests.value('code'), tests.at(1)) ->> 'status', 'pending', 'It waits');
select throws_ok($$ select tests.complete(tests.value('code'), '7') $$, 'CU410', null, 'Nothing is connected before the state came back');

select tests.act_as('owner');
select throws_ok($$ select app.take_authorization(sha256('one'), 'twitch', tests.at(2)) $$, 'CU404', null, 'Another member, even the owner, cannot bring the state');
select throws_ok($$ select app.get_authorization(tests.account(), tests.value('code'), tests.at(2)) $$, 'CU404', null, 'nor look');
select throws_ok($$ select tests.complete(tests.value('code'), '7') $$, 'CU404', null, 'nor end it');
select tests.act_as('stranger');
select throws_ok($$ select app.take_authorization(sha256('one'), 'twitch', tests.at(2)) $$, 'CU404', null, 'nor a stranger');

select tests.act_as('administrator');
select throws_ok($$ select app.take_authorization(sha256('other'), 'twitch', tests.at(2)) $$, 'CU404', null, 'A state that was never given is nobody''s');
select throws_ok($$ select app.take_authorization(sha256('one'), 'kick', tests.at(2)) $$, 'CU404', null, 'and one of another platform');
select is(app.take_authorization(sha256('one'), 'twitch', tests.at(2)) ->> 'redirect_uri', 'http://localhost/cb', 'The one who began brings it back');
select throws_ok($$ select app.take_authorization(sha256('one'), 'twitch', tests.at(3)) $$, 'CU410', null, 'once');
select is(tests.complete(tests.value('code'), '7') ->> 'status', 'connected', 'and the channel is connected');
select throws_ok($$ select tests.complete(tests.value('code'), '8') $$, 'CU410', null, 'once');
select is(app.get_authorization(tests.account(), tests.value('code'), tests.at(4)) #>> '{connection,channel_id}', '7', 'It tells which');
select lives_ok($$ select tests.begin_code('late') $$, 'Another');
select throws_ok($$ select app.take_authorization(sha256('late'), 'twitch', tests.at(600)) $$, 'CU410', null, 'is too old after ten minutes');

-- Who may not -------------------------------------------------------------------------------
select tests.act_as('moderator');
select throws_ok($$ select tests.begin_code('m') $$, 'CU403', null, 'A moderator connects nothing');
select throws_ok($$ select app.save_client(tests.account(), 'twitch', 'x', null) $$, 'CU403', null, 'stores no client');
select throws_ok($$ select app.remove_client(tests.account(), 'twitch', null) $$, 'CU403', null, 'removes none');
select is(app.list_clients(tests.account()), '[]', 'but sees which there are');
select tests.remember('connection', app.list_connections(tests.account()) #>> '{0,id}');
select throws_ok($$ select app.update_connection(tests.account(), tests.value('connection'), 'poll', null, null) $$, 'CU403', null, 'changes no connection');
select throws_ok($$ select app.disconnect(tests.account(), tests.value('connection')) $$, 'CU403', null, 'and ends none');
select is(app.get_connection(tests.account(), tests.value('connection')) ->> 'login', 'ann', 'but sees it');
select tests.act_as('stranger');
select throws_ok($$ select tests.begin_code('s') $$, 'CU404', null, 'To a stranger nothing is there');
select throws_ok($$ select app.get_connection(tests.account(), tests.value('connection')) $$, 'CU404', null, 'no connection');
select throws_ok($$ select app.get_connection(tests.elsewhere(), tests.value('connection')) $$, 'CU404', null, 'also not by way of their own account');
select throws_ok($$ select app.update_connection(tests.elsewhere(), tests.value('connection'), 'poll', null, null) $$, 'CU404', null, 'to change');
select throws_ok($$ select app.disconnect(tests.elsewhere(), tests.value('connection')) $$, 'CU404', null, 'to end');
select throws_ok($$ select app.list_clients(tests.account()) $$, 'CU404', null, 'no client');
select tests.act_as_api_key();
select throws_ok($$ select tests.begin_device() $$, 'CU403', null, 'A key without the permission begins nothing');
select tests.act_as_page();
select throws_ok($$ select tests.begin_device() $$, 'CU404', null, 'nor a page');
select tests.act_as_anonymous();
select throws_ok($$ select tests.begin_device() $$, '42501', null, 'nor the anonymous');
select tests.act_as('owner');
select throws_ok($$ select app.find_access(tests.value('connection')) $$, '42501', null, 'Nobody reads tokens');
select throws_ok($$ select * from app.connection_tokens $$, '42501', null, 'in any way');
select throws_ok($$ select * from app.pending_authorizations $$, '42501', null, 'or codes');
select throws_ok($$ select * from app.platform_clients $$, '42501', null, 'or clients'' secrets');
select throws_ok($$ select * from app.app_tokens $$, '42501', null, 'or programs'' tokens');
select throws_ok($$ select * from app.fetch_log $$, '42501', null, 'or the fetch log');
select throws_ok($$ select app.require_reconnect(tests.value('connection'), null, 'x') $$, '42501', null, 'or ends a consent for the server');

-- A key with the permission: by device, not in a browser it does not have --------------------
select tests.remember('key', app.create_key(tests.account(), 'api', 'Connects', null,
  '{connections:read,connections:edit}', sha256('connects'), 'conn', tests.at(0)) ->> 'id');
select tests.act('authenticated', jsonb_build_object('sub', tests.value('key'), 'key_id', tests.value('key'),
  'account_id', tests.account(), 'role', 'authenticated', 'aud', 'authenticated', 'kind', 'api'));
select throws_ok($$ select tests.begin_code('k') $$, 'CU403', null, 'A key begins no consent in a browser');
select tests.remember('device', tests.begin_device()::text);
select is(app.get_authorization(tests.account(), tests.value('device'), tests.at(1)) ->> 'status', 'pending', 'but one by a device');
select tests.act_as_server();
select is(jsonb_array_length(app.claim_devices(null, 10, 60, tests.at(4))), 0, 'It is not asked about too early');
select is(jsonb_array_length(app.claim_devices(null, 10, 60, tests.at(5))), 1, 'but in time');
select is(jsonb_array_length(app.claim_devices(null, 10, 60, tests.at(6))), 0, 'by one at a time');
select app.await_device(tests.value('device'), true, tests.at(6));
select is(jsonb_array_length(app.claim_devices(tests.value('device'), 10, 60, tests.at(15))), 0, 'and when it was too often');
select is(app.claim_devices(tests.value('device'), 10, 60, tests.at(16)) #>> '{0,device_ciphertext}', '3Q==', 'five seconds later');
select tests.act('authenticated', jsonb_build_object('sub', tests.value('key'), 'key_id', tests.value('key'),
  'account_id', tests.account(), 'role', 'authenticated', 'aud', 'authenticated', 'kind', 'api'));
select is(tests.complete(tests.value('device'), '7', '{follows}', 20) ->> 'id', tests.value('connection')::text, 'The channel keeps its id');
select is(tests.tokens(), 1::bigint, 'and has the new tokens only');

-- Ways to end ------------------------------------------------------------------------------
select tests.act_as('owner');
select tests.remember('device', tests.begin_device()::text);
select tests.act_as_server();
select app.end_authorization(tests.value('device'), 'denied', 'access_denied', tests.at(30));
select app.end_authorization(tests.value('device'), 'failed', 'later', tests.at(31));
select is((select device_ciphertext from app.pending_authorizations where id = tests.value('device')), null, 'A code that was answered is forgotten');
select tests.act_as('owner');
select is(app.get_authorization(tests.account(), tests.value('device'), tests.at(32)) ->> 'status', 'denied', 'and ends once');
select tests.remember('device', tests.begin_device()::text);
select is(app.get_authorization(tests.account(), tests.value('device'), tests.at(1800)) ->> 'status', 'expired', 'One that nobody answers ends by itself');
select tests.act_as_server();
select is(jsonb_array_length(app.claim_devices(null, 10, 60, tests.at(1801))), 0, 'and is not asked about any more');
-- Whoever may no longer connect, does not.
insert into app.members (account_id, user_id, role) values (tests.account(), tests.id('leaver'), 'administrator');
select tests.act('authenticated', jsonb_build_object('sub', tests.id('leaver'), 'role', 'authenticated', 'aud', 'authenticated', 'kind', 'member'));
select tests.remember('device', tests.begin_device()::text);
select tests.act_as_server();
update app.members set role = 'moderator' where user_id = tests.id('leaver');
select tests.act('authenticated', jsonb_build_object('sub', tests.id('leaver'), 'role', 'authenticated', 'aud', 'authenticated', 'kind', 'member'));
select throws_ok($$ select tests.complete(tests.value('device'), '9') $$, 'CU403', null, 'A member who lost the permission meanwhile connects nothing');

-- A connection's life ------------------------------------------------------------------------
select tests.act_as('owner');
select is(app.update_connection(tests.account(), tests.value('connection'), 'webhook', null, '\xee', tests.at(40)) ->> 'mode', 'webhook', 'Its events may come another way');
select tests.act_as_server();
select is(app.find_connections('twitch', '7') #>> '{0,secret_ciphertext}', '7g==', 'with a secret for webhooks');
select tests.act_as('owner');
select app.update_connection(tests.account(), tests.value('connection'), 'webhook', '{chat}', '\xff', tests.at(41));
select tests.act_as_server();
select is(app.find_connections('twitch', '7') #>> '{0,secret_ciphertext}', '7g==', 'that stays');
select ok(not app.require_reconnect(tests.value('connection'), 1, 'refused', tests.at(42)), 'What was refused long ago ends nothing');
select ok(app.require_reconnect(tests.value('connection'), 2, 'refused', tests.at(42)), 'What is refused now does');
select ok(not app.require_reconnect(tests.value('connection'), null, 'again', tests.at(43)), 'once');
select is((select t.n from (select count(*) as n from app.connection_tokens) t), 0::bigint, 'and its tokens are gone');
select tests.act_as('owner');
select is(app.get_connection(tests.account(), tests.value('connection')) ->> 'status_reason', 'refused', 'which is shown');
select is(app.disconnect(tests.account(), tests.value('connection'), tests.at(44)) ->> 'status', 'disconnected', 'It is disconnected');
select is(app.disconnect(tests.account(), tests.value('connection'), tests.at(45)) ->> 'status', 'disconnected', 'as often as one likes');
select throws_ok($$ select app.update_connection(tests.account(), tests.value('connection'), 'poll', null, null) $$, 'CU409', null, 'and then has nothing to change');
select tests.act_as_server();
select is(app.find_connections('twitch', '7'), '[]', 'takes no webhooks');
select tests.act_as('owner');
select tests.remember('code', tests.begin_code('again', 50)::text);
select app.take_authorization(sha256('again'), 'twitch', tests.at(51));
select is(tests.complete(tests.value('code'), '7', '{follows}', 52) ->> 'id', tests.value('connection')::text, 'and comes back as what it was');
select is(app.get_connection(tests.account(), tests.value('connection')) ->> 'mode', 'websocket', 'in the usual way');

-- Clients ------------------------------------------------------------------------------------
select is(app.save_client(tests.account(), 'twitch', 'client', '\x01', tests.at(60)), '{"platform": "twitch", "client_id": "client", "has_secret": true}', 'An account has its own client');
select is(app.get_connection(tests.account(), tests.value('connection')) ->> 'status', 'connected', 'What was granted to it stays');
select app.save_client(tests.account(), 'twitch', 'another', null, tests.at(61));
select is(app.get_connection(tests.account(), tests.value('connection')) ->> 'status_reason', 'client_changed', 'and what was granted to another one ends');
select is(app.list_clients(tests.account()), '[{"platform": "twitch", "client_id": "another", "has_secret": false}]', 'No secret is told');
select ok(app.remove_client(tests.account(), 'twitch', null, tests.at(62)), 'It can be removed');
select ok(not app.remove_client(tests.account(), 'twitch', null, tests.at(63)), 'once');

select is(tests.audited(), array['connection.authorize', 'connection.connect', 'connection.authorize', 'connection.authorize',
  'connection.connect', 'connection.authorize', 'connection.authorize', 'connection.authorize', 'connection.update',
  'connection.update', 'connection.reconnect_needed', 'connection.disconnect', 'connection.authorize', 'connection.connect',
  'client.save', 'connection.reconnect_needed', 'client.save', 'client.remove'], 'Every deed is in the audit log');
select tests.act_as_server();
select is((select count(*) from realtime.messages m where m.topic = 'account:' || tests.account()
  and m.payload ->> 'subject' = 'connection'), 8::bigint, 'and every change was told');

-- Too many --------------------------------------------------------------------------------
select tests.act_as('owner');
select lives_ok($$ select tests.begin_device(100) from generate_series(1, 16) $$, 'Some may wait');
select throws_ok($$ select tests.begin_device(100) from generate_series(1, 21) $$, 'CU429', null, 'but not any number');

-- Forgetting --------------------------------------------------------------------------------
select tests.act_as_server();
select app.save_app_token(null, 'twitch', 'client', '\x01', tests.at(100), tests.at(0));
select app.save_app_token(null, 'twitch', 'client', '\x02', tests.at(200), tests.at(50));
select app.save_app_token(tests.account(), 'twitch', 'client', '\x03', tests.at(100), tests.at(0));
select is(app.find_app_token(null, 'twitch', 'client') ->> 'ciphertext', 'Ag==', 'A program has one token');
select is(app.purge_access(tests.at(150)) ->> 'app_tokens', '1', 'forgotten when it ends');
select app.record_fetch(tests.account(), null, 'twitch', 'twitch.users', 200, null, 12, 799, tests.at(0));
select app.record_fetch(tests.account(), tests.value('connection'), 'twitch', 'twitch.users', null, 'unavailable', 10000, null, tests.at(9));
select is(app.purge_fetch_log(tests.at(5)), 1, 'Requests are forgotten after a time');
select ok((app.purge_access(tests.at(2 * 86400)) ->> 'authorizations')::int > 20, 'and consents');
select is((select count(*) from app.pending_authorizations), 0::bigint, 'all of them');

select * from finish();
rollback;
