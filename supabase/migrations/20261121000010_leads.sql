-- A leader that could not be heard is not yet gone. While the server or its database is away no
-- page can renew its lease or report; the first page to come back must not take a play in hand
-- for unshown and show it again, when the leader has shown it and is a moment later to say so.

alter table app.overlay_queues
  -- Since when the present leader leads without a gap.
  add column led_since timestamptz,
  -- When another page first found the lease lapsed with a play in hand that nobody was seen to start.
  add column lead_wanted_at timestamptz;

-- Internal: gives the lead to an instance, with the plays in hand. A play whose time is over and
-- that was seen to start is settled; any other goes on with the new leader (attempt + 1), from
-- where it was if it had started. The caller holds the queue's lock.
create or replace function app.take_lead(
  p_account uuid, p_overlay uuid, p_instance uuid, p_lease_until timestamptz, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_lease bigint;
  v_over uuid[];
  v_adopted uuid[];
  v_started uuid[];
begin
  update app.overlay_queues q
  set leader_id = p_instance, lease_version = q.lease_version + 1, lease_until = p_lease_until,
    led_since = p_now, lead_wanted_at = null
  where q.overlay_id = p_overlay
  returning q.lease_version into v_lease;
  perform app.publish_status(p_account, p_overlay, 'leader', true,
    jsonb_build_object('leader_id', p_instance, 'lease_version', v_lease), p_now);

  v_over := array(
    select p.id from app.plays p
    where p.overlay_id = p_overlay and p.status = 'playing' and p.instance_id <> p_instance
      and p.started_at is not null
      and p.claimed_at + p.duration_ms * interval '1 millisecond' <= p_now
    order by p.lane);
  perform app.move_plays(v_over, 'completed', 'settled', 'leader gone', p_now);
  with adopted as (
    update app.plays p
    set instance_id = p_instance, lease_version = v_lease, attempt = p.attempt + 1,
      claimed_at = case when p.started_at is null then p_now else p.claimed_at end
    where p.overlay_id = p_overlay and p.status = 'playing' and p.instance_id <> p_instance
    returning p.id, p.lane
  )
  select coalesce(array_agg(a.id order by a.lane), '{}') into v_adopted from adopted a;
  v_started := app.advance(p_overlay, p_now);
  perform app.publish_plays(v_over || v_adopted || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_over)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_adopted) + cardinality(v_started)]),
    p_now);
end
$$;

-- Internal: whether a page that wants the lead has wanted it long enough. It has to be heard all the
-- while, for the server may have gone away again; the waiting then begins anew. Notes the beginning.
create function app.has_waited(
  p_overlay uuid, p_instance uuid, p_wanted_at timestamptz, p_patience interval, p_now timestamptz)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_is_heard boolean := exists (
    select from app.overlay_instances i
    where i.overlay_id = p_overlay and i.id = p_instance and i.last_seen_at >= p_now - interval '3 seconds');
begin
  if p_wanted_at is null or not v_is_heard then
    update app.overlay_queues q set lead_wanted_at = p_now where q.overlay_id = p_overlay;
    return false;
  end if;
  return p_wanted_at + p_patience <= p_now;
end
$$;

-- A page says that it lives. Renews its lease when it leads (also a lapsed one that nobody took),
-- takes a free or lapsed lead, or follows. A lapsed lead with a play in hand that nobody was seen
-- to start is taken only after five seconds more: a server that was away heard no leader, and the
-- leader may have shown that play and be about to say so. p_facts: {visible, muted, protocol, user_agent}.
-- {leads, leader_id, lease_version, lease_ms, rev, next_in_ms}
create or replace function app.heartbeat(
  p_overlay uuid, p_instance uuid, p_facts jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_patience constant interval := interval '5 seconds';
  v_account uuid := app.require_overlay_key(p_overlay);
  v_lease_until timestamptz := p_now + interval '5 seconds';
  v_queue app.overlay_queues;
  v_started uuid[];
begin
  if p_instance is null then
    perform app.refuse('CU400', 'instance_id: a page needs an id');
  end if;
  select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
  if v_queue.leader_id = p_instance and v_queue.lease_until > p_now then
    -- Again in the condition: between the look and this update somebody may have taken over.
    update app.overlay_queues q
    set lease_until = greatest(q.lease_until, v_lease_until)
    where q.overlay_id = p_overlay and q.leader_id = p_instance
    returning * into v_queue;
    if not found then
      select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
    end if;
  elsif v_queue.leader_id is null or v_queue.lease_until < p_now or v_queue.leader_id = p_instance then
    select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay for no key update;
    if v_queue.leader_id = p_instance then
      update app.overlay_queues q
      set lease_until = greatest(q.lease_until, v_lease_until), led_since = p_now, lead_wanted_at = null
      where q.overlay_id = p_overlay;
      v_started := app.advance(p_overlay, p_now);
      perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    elsif v_queue.lease_until < p_now
      and exists (
        select from app.plays p
        where p.overlay_id = p_overlay and p.status = 'playing' and p.started_at is null)
      and not app.has_waited(p_overlay, p_instance, v_queue.lead_wanted_at, v_patience, p_now) then
      null;
    elsif v_queue.leader_id is null or v_queue.lease_until < p_now then
      perform app.take_lead(v_account, p_overlay, p_instance, v_lease_until, p_now);
    end if;
    select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
  end if;

  insert into app.overlay_instances (overlay_id, id, account_id, first_seen_at, last_seen_at, visible,
    muted, protocol, user_agent)
  values (p_overlay, p_instance, v_account, p_now, p_now, (p_facts ->> 'visible')::boolean,
    (p_facts ->> 'muted')::boolean, left(p_facts ->> 'protocol', 40), left(p_facts ->> 'user_agent', 300))
  on conflict (overlay_id, id) do update
  set last_seen_at = excluded.last_seen_at, visible = excluded.visible, muted = excluded.muted,
    protocol = excluded.protocol, user_agent = excluded.user_agent;

  return jsonb_build_object('leads', v_queue.leader_id = p_instance, 'leader_id', v_queue.leader_id,
    'lease_version', v_queue.lease_version,
    -- Until when the lead is not to be had.
    'lease_ms', app.elapsed_ms(p_now, greatest(v_queue.lease_until, v_queue.lead_wanted_at + v_patience)), 'rev', v_queue.rev,
    'next_in_ms', case
      when v_queue.leader_id = p_instance then 2000
      when v_queue.lead_wanted_at is not null then 1000
      else 5000 end);
end
$$;

-- Once a second, by the server: ends what pages left behind, and starts what was scheduled.
-- A play past its time by 5 s is completed if it was seen to start; else it waits again, and after
-- the fifth time it has failed. Waiting again is for a page that leads, and has led for 5 s, and
-- says nothing of it; while nobody leads, what was shown is not known yet, and nothing else could
-- start anyway. Answers how many plays it moved.
create or replace function app.settle_plays(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_patience constant interval := interval '5 seconds';
  v_overlays uuid[];
  v_late uuid[];
  v_completed uuid[];
  v_failed uuid[];
  v_requeued uuid[];
  v_started uuid[];
begin
  v_overlays := array(
    select p.overlay_id from app.plays p
    join app.overlay_queues q on q.overlay_id = p.overlay_id
    where p.status = 'playing'
      and p.claimed_at + (p.duration_ms + 5000) * interval '1 millisecond' < p_now
      and (p.started_at is not null or (q.lease_until > p_now and q.led_since + v_patience < p_now))
    union
    select p.overlay_id from app.plays p
    where p.status = 'queued' and p.scheduled_at <= p_now
    limit 500);
  if cardinality(v_overlays) = 0 then
    return 0;
  end if;
  -- A queue that is busy at this moment is looked at a second later.
  v_overlays := array(
    select q.overlay_id from app.overlay_queues q
    where q.overlay_id = any (v_overlays)
    order by q.overlay_id
    for no key update skip locked);
  -- Read again under the locks.
  v_late := array(
    select p.id from app.plays p
    join app.overlay_queues q on q.overlay_id = p.overlay_id
    where p.overlay_id = any (v_overlays) and p.status = 'playing'
      and p.claimed_at + (p.duration_ms + 5000) * interval '1 millisecond' < p_now
      and (p.started_at is not null or (q.lease_until > p_now and q.led_since + v_patience < p_now)));
  v_completed := array(select p.id from app.plays p where p.id = any (v_late) and p.started_at is not null);
  v_failed := array(select p.id from app.plays p
    where p.id = any (v_late) and p.started_at is null and p.attempt >= 5);
  v_requeued := array(select p.id from app.plays p
    where p.id = any (v_late) and p.started_at is null and p.attempt < 5);
  perform app.move_plays(v_completed, 'completed', 'settled', 'time over', p_now);
  perform app.move_plays(v_failed, 'failed', 'never started', 'time over', p_now);
  perform app.move_plays(v_requeued, 'queued', null, 'never started', p_now);
  v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_overlays) as o order by o);
  perform app.publish_plays(v_completed || v_failed || v_requeued || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_completed) + cardinality(v_failed)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_requeued) + cardinality(v_started)]),
    p_now);
  return cardinality(v_late) + cardinality(v_started);
end
$$;

revoke execute on all functions in schema app from public;
