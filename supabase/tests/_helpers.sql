-- What every test file starts from: a home account with its people and keys, an account elsewhere,
-- a clock that is told the time, and ways to act as each of them. Loaded once into a test database.

create schema tests;
grant usage on schema tests to anon, authenticated, service_role;

-- The same uuid for the same name, in every file.
create function tests.id(p_name text) returns uuid
language sql immutable as $$ select md5(p_name)::uuid $$;

-- Seconds after noon of a day far away: no test depends on today.
create function tests.at(p_seconds numeric) returns timestamptz
language sql immutable as $$
  select '2030-01-15 12:00:00+00'::timestamptz + p_seconds * interval '1 second'
$$;

create function tests.value(p_name text) returns uuid
language sql stable as $$ select current_setting('tests.' || p_name)::uuid $$;
create function tests.account() returns uuid language sql stable as $$ select tests.value('account') $$;
create function tests.overlay() returns uuid language sql stable as $$ select tests.value('overlay') $$;
create function tests.elsewhere() returns uuid language sql stable as $$ select tests.value('elsewhere') $$;

-- The trusted server.
create function tests.act_as_server() returns void
language plpgsql as $$
begin
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
end
$$;

create function tests.act(p_role text, p_claims jsonb) returns void
language plpgsql as $$
begin
  perform set_config('role', 'none', true);
  perform set_config('request.jwt.claims', p_claims::text, true), set_config('role', p_role, true);
end
$$;

-- 'owner', 'administrator', 'moderator', 'stranger' (who owns the account elsewhere), 'nobody'.
create function tests.act_as(p_name text) returns void
language sql as $$
  select tests.act('authenticated', jsonb_build_object('sub', tests.id(p_name),
    'role', 'authenticated', 'aud', 'authenticated', 'kind', 'member'))
$$;

create function tests.act_as_anonymous() returns void
language sql as $$ select tests.act('anon', '{"role": "anon"}') $$;

-- The account's API key, which may read and create events and control the queue.
create function tests.act_as_api_key() returns void
language sql as $$
  select tests.act('authenticated', jsonb_build_object('sub', tests.value('api_key'),
    'key_id', tests.value('api_key'), 'account_id', tests.account(), 'role', 'authenticated',
    'aud', 'authenticated', 'kind', 'api'))
$$;

-- The page at the overlay's address.
create function tests.act_as_page() returns void
language sql as $$
  select tests.act('authenticated', jsonb_build_object('sub', tests.value('overlay_key'),
    'key_id', tests.value('overlay_key'), 'account_id', tests.account(),
    'overlay_id', tests.overlay(), 'role', 'authenticated', 'aud', 'authenticated', 'kind', 'overlay'))
$$;

-- The page of another account's overlay.
create function tests.act_as_page_elsewhere() returns void
language sql as $$
  select tests.act('authenticated', jsonb_build_object('sub', tests.value('elsewhere_key'),
    'key_id', tests.value('elsewhere_key'), 'account_id', tests.elsewhere(),
    'overlay_id', tests.value('elsewhere_overlay'), 'role', 'authenticated', 'aud', 'authenticated',
    'kind', 'overlay'))
$$;

create function tests.remember(p_name text, p_value text) returns void
language plpgsql as $$
begin
  perform set_config('tests.' || p_name, p_value, true);
end
$$;

-- Makes everybody. Ends as the server.
create function tests.set_scene() returns void
language plpgsql as $$
declare
  v_made jsonb;
begin
  perform tests.act_as_server();
  v_made := app.create_account('Home', tests.id('owner'), '{"size": {"width": 1280, "height": 720}}', tests.at(-100));
  perform tests.remember('account', v_made ->> 'account_id'), tests.remember('overlay', v_made ->> 'overlay_id');
  insert into app.members (account_id, user_id, role)
  values (tests.account(), tests.id('administrator'), 'administrator'),
    (tests.account(), tests.id('moderator'), 'moderator');
  v_made := app.create_account('Elsewhere', tests.id('stranger'), '{}', tests.at(-100));
  perform tests.remember('elsewhere', v_made ->> 'account_id'),
    tests.remember('elsewhere_overlay', v_made ->> 'overlay_id');
  perform tests.act_as('owner');
  perform tests.remember('overlay_key', app.create_key(tests.account(), 'overlay', 'OBS',
    tests.overlay(), '{}', sha256('page'), 'page', tests.at(-90)) ->> 'id');
  perform tests.remember('api_key', app.create_key(tests.account(), 'api', 'Program', null,
    '{events:read,events:create,queue:control}', sha256('program'), 'prog', tests.at(-90)) ->> 'id');
  perform tests.act_as('stranger');
  perform tests.remember('elsewhere_key', app.create_key(tests.elsewhere(), 'overlay', 'OBS',
    tests.value('elsewhere_overlay'), '{}', sha256('elsewhere'), 'else', tests.at(-90)) ->> 'id');
  perform tests.act_as_server();
end
$$;

-- A draft with this transport key.
create function tests.draft(p_key text, p_overrides jsonb default '{}') returns jsonb
language sql immutable as $$
  select jsonb_build_object('event_type', 'twitch:follower', 'class', 'animated', 'platform', 'twitch',
    'transport_key', p_key, 'data', jsonb_build_object(
      'user', jsonb_build_object('id', '7', 'login', 'ann', 'name', 'Ann', 'picture', null),
      'message', 'hello ' || p_key),
    'raw', jsonb_build_object('secret_field', 'as it came'), 'duration_ms', 5000) || p_overrides
$$;

-- Records one draft as the server; answers its event's id.
create function tests.record(p_key text, p_overrides jsonb default '{}', p_at numeric default 0) returns uuid
language sql as $$
  select (app.record_events(tests.account(), jsonb_build_array(tests.draft(p_key, p_overrides)),
    tests.at(p_at)) -> 0 ->> 'event_id')::uuid
$$;

-- Read past row security, whoever acts. Volatile: they see what the same statement has just done.
create function tests.play_of(p_event uuid, p_no integer default 1) returns app.plays
language sql security definer as $$
  select p from app.plays p where p.event_id = p_event and p.play_no = p_no limit 1
$$;
create function tests.status_of(p_event uuid, p_no integer default 1) returns text
language sql security definer as $$ select (tests.play_of(p_event, p_no)).status $$;
create function tests.event_status(p_event uuid) returns text
language sql security definer as $$ select e.status from app.platform_events e where e.id = p_event $$;
create function tests.rev() returns bigint
language sql security definer as $$ select q.rev from app.overlay_queues q where q.overlay_id = tests.overlay() $$;
-- What the overlay's topic heard, in order.
create function tests.heard() returns text[]
language sql security definer as $$
  select array_agg(m.event order by m.n) from realtime.messages m where m.topic = 'overlay:' || tests.overlay()
$$;
