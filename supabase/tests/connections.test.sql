-- Connections: a secret goes in and comes out for the server only.
begin;
select no_plan();
select tests.set_scene();

select tests.act_as('administrator');
select is(app.save_connection(tests.account(), 'twitch', '123', 'Ann', '\x00ff10', tests.at(0)) ->> 'channel_name', 'Ann', 'An administrator connects a channel');
select is(app.save_connection(tests.account(), 'twitch', '123', null, '\xaa', tests.at(1)) ->> 'channel_name', 'Ann', 'A new secret keeps the rest');
select is(jsonb_array_length(app.list_connections(tests.account())), 1, 'It is one connection');
select is((select array_agg(k order by k) from jsonb_object_keys(app.list_connections(tests.account()) -> 0) k),
  array['channel_id', 'channel_name', 'created_at', 'groups', 'id', 'last_delivery_at', 'login', 'mode', 'picture', 'platform',
    'scopes', 'status', 'status_reason', 'token_expires_at', 'updated_at', 'validated_at'], 'The list holds no secret');
select throws_ok($$ select * from app.platform_connections $$, '42501', null, 'nor does anybody read the table');
select throws_ok($$ select app.find_connections('twitch', '123') $$, '42501', null, 'or find secrets');

select tests.act_as('moderator');
select is(jsonb_array_length(app.list_connections(tests.account())), 1, 'A moderator sees connections');
select throws_ok($$ select app.save_connection(tests.account(), 'twitch', '1', null, '\xaa') $$, 'CU403', null, 'but makes none');
select tests.act_as('stranger');
select throws_ok($$ select app.save_connection(tests.account(), 'twitch', '1', null, '\xaa') $$, 'CU404', null, 'A stranger makes none');
select throws_ok($$ select app.list_connections(tests.account()) $$, 'CU404', null, 'and sees none');
select tests.act_as_api_key();
select throws_ok($$ select app.list_connections(tests.account()) $$, 'CU403', null, 'nor does a key without the permission');
select tests.act_as_page();
select throws_ok($$ select app.list_connections(tests.account()) $$, 'CU404', null, 'nor a page');
select tests.act_as_anonymous();
select throws_ok($$ select app.list_connections(tests.account()) $$, '42501', null, 'nor the anonymous');
select throws_ok($$ select app.record_delivery(tests.id('x'), 'm', 'k', 'o') $$, '42501', null, 'who record nothing either');

select tests.act_as_server();
select is(app.find_connections('twitch', '123') #>> '{0,secret_ciphertext}', 'qg==', 'The server finds the secret');
select is(app.find_connections('twitch', 'other'), '[]', 'of this channel only');
select is(app.find_connections('kick', '123'), '[]', 'and of this platform');
select app.record_delivery((app.find_connections('twitch', '123') #>> '{0,id}')::uuid, 'm1', 'notification', 'recorded', tests.at(5));
select app.record_delivery((app.find_connections('twitch', '123') #>> '{0,id}')::uuid, 'm2', 'notification', 'duplicate', tests.at(5.5));
select is((select array_agg(outcome order by id) from app.webhook_deliveries), array['recorded', 'duplicate'], 'Deliveries are noted');
select is((select last_delivery_at from app.platform_connections), tests.at(5), 'and when the last one came');
select is(app.purge_expired(tests.at(31 * 86400)) ->> 'deliveries', '2', 'for 30 days');

select * from finish();
rollback;
