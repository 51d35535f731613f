-- Channel status and the manual Spotify connect.
begin;
select no_plan();
select tests.set_scene();

select is(app.is_any_online(tests.account()), false, 'At first nothing is live');
select app.set_online(tests.account(), 'twitch', '{"title": "Hello", "category": "Art", "category_id": "7", "viewer_count": 5, "started_at": "2030-01-15T11:59:00Z"}', tests.at(0));
select app.set_online(tests.account(), 'kick', '{}', tests.at(1));
select is(app.is_any_online(tests.account()), true, 'Then something is');
select is(app.get_all_online_accounts(), jsonb_build_array(jsonb_build_object('account_id', tests.account(), 'platforms', '["kick", "twitch"]'::jsonb)), 'A restart knows what');
select is((select payload ->> 'subject' from realtime.messages where topic = 'account:' || tests.account() and event = 'STATUS_CHANGED' limit 1), 'channel', 'The studio hears it');

select tests.act_as('moderator');
select is((app.get_status(tests.account()) -> 1) - 'started_at' - 'updated_at', '{"platform": "twitch", "is_online": true, "stream_title": "Hello", "category": "Art", "category_picture": null, "viewer_count": 5}', 'A moderator reads it, by platform');
select is((app.get_status(tests.account()) #>> '{0,started_at}')::timestamptz, tests.at(1), 'A start that is not told is now');
select tests.act_as('stranger');
select throws_ok($$ select app.get_status(tests.account()) $$, 'CU404', null, 'A stranger does not');
select tests.act_as_api_key();
select throws_ok($$ select app.get_status(tests.account()) $$, 'CU403', null, 'nor a key without the permission');
select tests.act_as('owner');
select throws_ok($$ select app.set_online(tests.account(), 'twitch', '{}') $$, '42501', null, 'and nobody writes it');
select throws_ok($$ select * from app.channel_status $$, '42501', null, 'or reads the table');
select tests.act_as_anonymous();
select throws_ok($$ select app.get_status(tests.account()) $$, '42501', null, 'The anonymous do not');
select tests.act_as_server();

select is(app.update_stream_data(tests.account(), 'twitch', '{"viewer_count": 9}', tests.at(2)), true, 'Numbers change');
select is(app.update_stream_data(tests.account(), 'twitch', '{"viewer_count": 9}', tests.at(3)), false, 'or do not');
select is((select (stream_title, viewer_count, updated_at) from app.channel_status where platform = 'twitch'), ('Hello'::text, 9, tests.at(2)), 'The rest stays');
select is(app.save_categories('twitch', '[{"id": "7", "name": "Art", "picture": "https://example.com/7.jpg"}]', tests.at(3)), 1, 'Categories have pictures');
select is(app.save_categories('twitch', '[{"id": "7", "name": "Art", "picture": "https://example.com/7.jpg"}]', tests.at(4)), 0, 'that rarely change');
select is(app.status_document(tests.account(), 'twitch') ->> 'category_picture', 'https://example.com/7.jpg', 'and are shown');
select is(app.find_categories('twitch', tests.at(4), 10), '[]', 'What is known is not asked for');
select is(app.find_categories('twitch', tests.at(5), 10), '["7"]', 'until it is old');
select app.set_offline(tests.account(), 'twitch', tests.at(5));
select is((select (is_online, started_at, stream_title) from app.channel_status where platform = 'twitch'), (false, null::timestamptz, 'Hello'::text), 'Offline has no start');
select is(app.update_stream_data(tests.account(), 'twitch', '{"viewer_count": 1}', tests.at(6)), false, 'and takes no numbers');

-- What events tell waits for the machine.
select app.record_events(tests.account(), '[{"event_type": "twitch:stream_online", "class": "system", "platform": "twitch", "data": {"id": "s1", "kind": "live", "started_at": "2030-01-15T12:00:00Z"}, "occurred_at": "2030-01-15T12:00:00Z"}]', tests.at(10));
select app.record_events(tests.account(), '[{"event_type": "twitch:stream_offline", "class": "system", "platform": "twitch", "data": {}, "origin": "test"},
  {"event_type": "twitch:stream_offline", "class": "system", "platform": "twitch", "data": {}, "origin": "poll"}]', tests.at(11));
select is(app.find_told(), jsonb_build_array(jsonb_build_object('account_id', tests.account(), 'platform', 'twitch')), 'What an event told waits');
select is(jsonb_array_length(app.get_watch(tests.account(), 'twitch') -> 'told'), 1, 'but neither a test nor what was polled');
select is(app.apply_watch(tests.account(), 'twitch', 0, '{}', '[{"kind": "online", "stream": {}}]', '[]', tests.at(12)), false, 'Who judged an older version does nothing');
select is(app.is_any_online(tests.account()) and (select not is_online from app.channel_status where platform = 'twitch'), true, 'really nothing');
select is(app.apply_watch(tests.account(), 'twitch', (app.get_watch(tests.account(), 'twitch') ->> 'version')::integer, '{"a": 1}', '[{"kind": "online", "stream": {"title": "T"}}]',
  '[{"event_type": "twitch:stream_online", "class": "system", "platform": "twitch", "origin": "poll", "data": {"id": "s1"}}]', tests.at(12)), true, 'Who judged this one does all');
select is(app.get_watch(tests.account(), 'twitch') - 'version', '{"watch": {"a": 1}, "told": []}', 'and what was told is judged');
select is((select (is_online, stream_title) from app.channel_status where platform = 'twitch'), (true, 'T'::text), 'It is live');
select is((select count(*) from app.platform_events where event_type = 'twitch:stream_online' and account_id = tests.account()), 2::bigint, 'and in the log');
select is(app.find_told(), '[]', 'Nothing waits');

-- Connections.
insert into app.platform_connections (account_id, platform, channel_id, secret_ciphertext, mode, created_at, updated_at, status)
values (tests.account(), 'twitch', 'second', '\x00', 'webhook', tests.at(1), tests.at(1), 'connected'),
  (tests.account(), 'twitch', 'first', '\x00', 'webhook', tests.at(0), tests.at(0), 'connected'),
  (tests.elsewhere(), 'twitch', 'gone', '\x00', 'webhook', tests.at(0), tests.at(0), 'disconnected');
select is((select array_agg(w ->> 'channel_id') from jsonb_array_elements(app.find_watched('twitch')) w), array['first'], 'The first channel of an account is watched, while connected');

-- Spotify.
select tests.act_as('moderator');
select is(app.get_spotify_manual(tests.account(), tests.at(0)), '{"active": false, "remaining_seconds": null}', 'At first it is not active');
select throws_ok($$ select app.start_spotify_manual(tests.account()) $$, 'CU403', null, 'A moderator does not start it');
select throws_ok($$ select app.stop_spotify_manual(tests.account()) $$, 'CU403', null, 'or stop it');
select tests.act_as('administrator');
select is(app.start_spotify_manual(tests.account(), tests.at(0)), '{"active": true, "remaining_seconds": 1800}', 'An administrator does, for half an hour');
select tests.act_as('moderator');
select is(app.get_spotify_manual(tests.account(), tests.at(1799.5)), '{"active": true, "remaining_seconds": 1}', 'It lasts');
select is(app.get_spotify_manual(tests.account(), tests.at(1800)), '{"active": false, "remaining_seconds": null}', 'and ends by itself');
select tests.act_as('owner');
select app.start_spotify_manual(tests.account(), tests.at(2000));
select is(app.stop_spotify_manual(tests.account(), tests.at(2001)), '{"active": false, "remaining_seconds": null}', 'or by hand');
select is(app.stop_spotify_manual(tests.account(), tests.at(2002)), '{"active": false, "remaining_seconds": null}', 'twice');
select tests.act_as('stranger');
select throws_ok($$ select app.start_spotify_manual(tests.account()) $$, 'CU404', null, 'A stranger starts nothing');
select throws_ok($$ select app.stop_spotify_manual(tests.account()) $$, 'CU404', null, 'stops nothing');
select throws_ok($$ select app.get_spotify_manual(tests.account()) $$, 'CU404', null, 'sees nothing');
select tests.act_as_server();
select is((select array_agg(action order by id) from app.audit_log where action like 'spotify%'), array['spotify.manual_start', 'spotify.manual_start', 'spotify.manual_stop'], 'It is in the audit log');

select * from finish();
rollback;
