-- Commands: what people press. Attributed, idempotent, recorded in the audit log by the
-- transaction that carries them out.

-- Internal: the account's event for a command, as (id, created_at, …). CU404 when there is none.
create function app.find_event(p_account uuid, p_event uuid)
returns app.platform_events
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_event app.platform_events;
begin
  select * into v_event from app.platform_events e where e.id = p_event and e.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no event %s', p_event));
  end if;
  return v_event;
end
$$;

-- Internal: cancels plays, lets the next ones start, tells everyone. The caller holds the locks.
create function app.cancel_plays(p_plays uuid[], p_overlays uuid[], p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_started uuid[];
begin
  perform app.move_plays(p_plays, 'cancelled', 'cancelled', 'cancel', p_now);
  v_started := array(select unnest(app.advance(o, p_now)) from unnest(p_overlays) as o order by o);
  perform app.publish_plays(p_plays || v_started,
    array_fill('ANIMATION_CANCEL'::text, array[cardinality(p_plays)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
end
$$;

-- Takes an event off every screen and out of every line, for good: only an explicit replay shows
-- it again. {event_id, cancelled: [play ids], already, status}; `already` when nothing was open.
create function app.cancel_event(
  p_account uuid, p_event uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_event app.platform_events;
  v_overlays uuid[];
  v_plays uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  v_event := app.find_event(p_account, p_event);
  if not v_event.cancelable then
    perform app.refuse('CU409', 'This event cannot be cancelled');
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  v_overlays := array(select distinct p.overlay_id from app.plays p
    where p.event_id = p_event and p.ended_at is null);
  perform app.lock_queues(v_overlays);
  v_plays := array(select p.id from app.plays p
    where p.event_id = p_event and p.ended_at is null and p.overlay_id = any (v_overlays)
    order by p.overlay_id, p.play_no);
  perform app.cancel_plays(v_plays, v_overlays, p_now);
  update app.platform_events e
  set cancelled_at = coalesce(e.cancelled_at, p_now)
  where e.id = p_event and e.created_at = v_event.created_at
    and (cardinality(v_plays) > 0 or v_event.scheduled_at > p_now);
  perform app.log_command(p_account, 'event.cancel', 'event', p_event,
    jsonb_build_object('plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('event_id', p_event, 'cancelled', to_jsonb(v_plays),
    'already', cardinality(v_plays) = 0,
    'status', (select e.status from app.platform_events e
      where e.id = p_event and e.created_at = v_event.created_at));
end
$$;

-- The same for one play on one overlay; the answer names the play too.
create function app.cancel_play(
  p_account uuid, p_play uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_play app.plays;
  v_event app.platform_events;
  v_plays uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  select * into v_play from app.plays p where p.id = p_play and p.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no play %s', p_play));
  end if;
  v_event := app.find_event(p_account, v_play.event_id);
  if not v_event.cancelable then
    perform app.refuse('CU409', 'This event cannot be cancelled');
  end if;
  perform app.lock_queues(array[v_play.overlay_id]);
  v_plays := array(select p.id from app.plays p where p.id = p_play and p.ended_at is null);
  perform app.cancel_plays(v_plays, array[v_play.overlay_id], p_now);
  perform app.log_command(p_account, 'play.cancel', 'play', p_play,
    jsonb_build_object('plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('event_id', v_play.event_id, 'play_id', p_play,
    'cancelled', to_jsonb(v_plays), 'already', cardinality(v_plays) = 0,
    'status', (select e.status from app.platform_events e
      where e.id = v_event.id and e.created_at = v_event.created_at));
end
$$;

-- Shows an event again, on one overlay or on every one that had it: a new play for each.
-- {event_id, plays: [PlayWithEvent], status}
create function app.replay_event(
  p_account uuid, p_event uuid, p_overlay uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_event app.platform_events;
  v_overlays uuid[];
  v_plays uuid[];
  v_started uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  v_event := app.find_event(p_account, p_event);
  if not v_event.replayable or v_event.class not in ('animated', 'alert') then
    perform app.refuse('CU409', 'This event cannot be replayed');
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  v_overlays := array(
    select o.id from app.overlays o
    where o.account_id = p_account and case when p_overlay is null
      then exists (select from app.plays p where p.event_id = p_event and p.overlay_id = o.id)
      else o.id = p_overlay end
    order by o.id);
  if p_overlay is not null and cardinality(v_overlays) = 0 then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  if cardinality(v_overlays) = 0 then
    perform app.refuse('CU409', 'This event was on no overlay: name the one to replay it on');
  end if;
  perform app.lock_queues(v_overlays);
  with made as (
    insert into app.plays (account_id, overlay_id, event_id, event_created_at, seq, priority, lane,
      status, reason, play_no, duration_ms, requested_by, created_at)
    select p_account, o.id, p_event, v_event.created_at, v_event.seq, v_event.priority,
      -- The lane it had here, else the one its subscription gives.
      coalesce(
        (select p.lane from app.plays p where p.event_id = p_event and p.overlay_id = o.id
          order by p.play_no desc limit 1),
        (select s.lane from app.event_subscriptions s
          where s.overlay_id = o.id and v_event.event_type like s.like_pattern
          order by length(s.pattern) desc, s.pattern limit 1),
        'main'),
      'queued', 'replay',
      1 + coalesce((select max(p.play_no) from app.plays p
        where p.event_id = p_event and p.overlay_id = o.id), 0),
      coalesce(v_event.duration_ms, 6000), app.actor_id(), p_now
    from unnest(v_overlays) as o (id)
    returning id, overlay_id
  )
  select array_agg(m.id order by m.overlay_id) into v_plays from made m;
  v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_overlays) as o order by o);
  -- What started is either the replay itself, whose message says so already, or an older one.
  v_started := array(select s from unnest(v_started) as s where not s = any (v_plays));
  perform app.publish_plays(v_plays || v_started,
    array_fill('ANIMATION_REPLAY'::text, array[cardinality(v_plays)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
  perform app.log_command(p_account, 'event.replay', 'event', p_event,
    jsonb_build_object('plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('event_id', p_event,
    'plays', (select jsonb_agg(d.play order by d.ord) from app.describe_plays(v_plays, p_now) d),
    'status', (select e.status from app.platform_events e
      where e.id = p_event and e.created_at = v_event.created_at));
end
$$;

-- Internal: the overlay belongs to the account, or CU404.
create function app.require_overlay(p_account uuid, p_overlay uuid)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not exists (
    select from app.overlays o where o.id = p_overlay and o.account_id = p_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
end
$$;

-- Ends what an overlay shows, on one lane or on all (p_lane null), and goes on with the next.
-- {overlay_id, skipped: [play ids]}
create function app.skip(
  p_account uuid, p_overlay uuid, p_lane text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_plays uuid[];
  v_started uuid[];
begin
  perform app.require_permission(p_account, 'queue:control');
  perform app.require_overlay(p_account, p_overlay);
  perform app.lock_queues(array[p_overlay]);
  v_plays := array(select p.id from app.plays p
    where p.overlay_id = p_overlay and p.status = 'playing' and (p_lane is null or p.lane = p_lane)
    order by p.lane);
  perform app.move_plays(v_plays, 'skipped', 'skipped', 'skip', p_now);
  v_started := app.advance(p_overlay, p_now);
  perform app.publish_plays(v_plays || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_plays)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
  perform app.log_command(p_account, 'queue.skip', 'overlay', p_overlay,
    jsonb_build_object('lane', p_lane, 'plays', to_jsonb(v_plays)), p_now);
  return jsonb_build_object('overlay_id', p_overlay, 'skipped', to_jsonb(v_plays));
end
$$;

-- Internal: pause and resume, of one overlay or of the whole account. A pause of the account takes
-- the lock of every queue before it is acknowledged: after that nothing starts anywhere.
-- {overlay_id, paused, changed}
create function app.set_paused(p_account uuid, p_overlay uuid, p_paused boolean, p_now timestamptz)
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_changed boolean;
  v_overlays uuid[];
  v_started uuid[] := '{}';
begin
  perform app.require_permission(p_account, 'queue:control');
  if p_overlay is not null then
    perform app.require_overlay(p_account, p_overlay);
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  v_overlays := array(select q.overlay_id from app.overlay_queues q
    where q.account_id = p_account and (p_overlay is null or q.overlay_id = p_overlay));
  perform app.lock_queues(v_overlays);
  if p_overlay is null then
    update app.accounts a
    set paused_at = case when p_paused then p_now end,
      paused_by = case when p_paused then app.actor_id() end
    where a.id = p_account and (a.paused_at is not null) <> p_paused;
  else
    update app.overlay_queues q
    set paused_at = case when p_paused then p_now end,
      paused_by = case when p_paused then app.actor_id() end
    where q.overlay_id = p_overlay and (q.paused_at is not null) <> p_paused;
  end if;
  v_changed := found;
  if v_changed then
    if p_overlay is null then
      perform app.publish_status(p_account, null, 'queue', false,
        jsonb_build_object('paused', p_paused, 'account_paused', p_paused), p_now);
    end if;
    -- Each overlay's state is what both pauses together make of it.
    perform app.publish_status(p_account, q.overlay_id, 'queue', true,
      jsonb_build_object('paused', q.paused_at is not null or a.paused_at is not null,
        'account_paused', a.paused_at is not null), p_now)
    from app.overlay_queues q
    join app.accounts a on a.id = q.account_id
    where q.overlay_id = any (v_overlays)
    order by q.overlay_id;
    if not p_paused then
      v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_overlays) as o order by o);
      perform app.publish_plays(v_started,
        array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    end if;
  end if;
  perform app.log_command(p_account, case when p_paused then 'queue.pause' else 'queue.resume' end,
    case when p_overlay is null then 'account' else 'overlay' end, coalesce(p_overlay, p_account),
    jsonb_build_object('changed', v_changed), p_now);
  return jsonb_build_object('overlay_id', p_overlay, 'paused', p_paused, 'changed', v_changed);
end
$$;

-- Lets the current plays end; nothing new starts. p_overlay null: on every overlay.
create function app.pause(
  p_account uuid, p_overlay uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  return app.set_paused(p_account, p_overlay, true, p_now);
end
$$;

-- Goes on, in order. Ends its own kind of pause only: an overlay that was paused by itself stays
-- paused when the account resumes.
create function app.resume(
  p_account uuid, p_overlay uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  return app.set_paused(p_account, p_overlay, false, p_now);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.cancel_event(uuid, uuid, timestamptz),
  app.cancel_play(uuid, uuid, timestamptz),
  app.replay_event(uuid, uuid, uuid, timestamptz),
  app.skip(uuid, uuid, text, timestamptz),
  app.pause(uuid, uuid, timestamptz),
  app.resume(uuid, uuid, timestamptz)
  to authenticated, service_role;
