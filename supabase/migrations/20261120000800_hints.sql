-- Hints: what travels on realtime topics. The row is the truth; a hint may be lost, and a reader
-- that sees a hole in seq or rev pulls. Messages exactly as src/lib/bus/message.ts.

-- Internal: sends messages, in order, to private topics. One statement for all of them:
-- realtime.send opens a subtransaction for each message, and a batch would open hundreds. What it
-- does beyond this insert is to swallow errors (a missing partition on hosted), so when the insert
-- fails each message goes that way. Either way the caller's work stands.
create function app.send_hints(p_topics text[], p_types text[], p_payloads jsonb[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into realtime.messages (topic, event, payload, extension, private)
  select m.topic, m.type, m.payload, 'broadcast', true
  from unnest(p_topics, p_types, p_payloads) as m (topic, type, payload);
exception when others then
  perform realtime.send(m.payload, m.type, m.topic, true)
  from unnest(p_topics, p_types, p_payloads) as m (topic, type, payload);
end
$$;

create function app.send_hint(p_topic text, p_type text, p_payload jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.send_hints(array[p_topic], array[p_type], array[p_payload]);
end
$$;

-- Internal: makes changes of plays known: the events' status first, then a message for each play,
-- with the next rev of its overlay, to the overlay's topic and the account's. p_types are the
-- overlay's names; the account hears ANIMATION_CANCELLED for ANIMATION_CANCEL. The caller holds
-- the queues' locks.
create function app.publish_plays(p_plays uuid[], p_types text[], p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_topics text[];
  v_types text[];
  v_payloads jsonb[];
begin
  if cardinality(p_plays) = 0 then
    return;
  end if;
  perform app.refresh_event_status(p_plays);
  update app.overlay_queues q
  set rev = q.rev + changed.number
  from (
    select p.overlay_id, count(*) as number
    from unnest(p_plays) as wanted (id)
    join app.plays p on p.id = wanted.id
    group by p.overlay_id
  ) changed
  where q.overlay_id = changed.overlay_id;
  with change as (
    select d.ord, d.account_id, d.overlay_id, t.type,
      jsonb_build_object('epoch', a.epoch, 'at', p_now, 'overlay_id', d.overlay_id, 'play', d.play,
        'rev', q.rev - count(*) over (partition by d.overlay_id)
          + row_number() over (partition by d.overlay_id order by d.ord)) as body
    from app.describe_plays(p_plays, p_now) d
    join unnest(p_types) with ordinality as t (type, ord) on t.ord = d.ord
    join app.overlay_queues q on q.overlay_id = d.overlay_id
    join app.accounts a on a.id = d.account_id
  ),
  message as (
    select c.ord, 1 as place, 'overlay:' || c.overlay_id as topic, c.type, c.body from change c
    union all
    select c.ord, 2, 'account:' || c.account_id,
      case when c.type = 'ANIMATION_CANCEL' then 'ANIMATION_CANCELLED' else c.type end, c.body
    from change c
  )
  select array_agg(m.topic order by m.ord, m.place), array_agg(m.type order by m.ord, m.place),
    array_agg(m.body || jsonb_build_object('type', m.type) order by m.ord, m.place)
  into v_topics, v_types, v_payloads
  from message m;
  perform app.send_hints(v_topics, v_types, v_payloads);
end
$$;

-- Internal: makes a change of an overlay's state known to its topic and the account's. p_counts:
-- whether the queue changed, which takes the next rev (the caller holds its lock), or something
-- beside it (rev null).
create function app.publish_status(
  p_account uuid, p_overlay uuid, p_subject text, p_counts boolean, p_state jsonb, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_rev bigint;
  v_payload jsonb;
begin
  if p_counts then
    update app.overlay_queues q set rev = q.rev + 1 where q.overlay_id = p_overlay
    returning q.rev into v_rev;
  end if;
  select jsonb_build_object('type', 'STATUS_CHANGED', 'epoch', a.epoch, 'at', p_now,
    'subject', p_subject, 'overlay_id', p_overlay, 'rev', v_rev, 'state', p_state)
  into v_payload
  from app.accounts a where a.id = p_account;
  perform app.send_hints(
    case when p_overlay is null then array['account:' || p_account]
      else array['overlay:' || p_overlay, 'account:' || p_account] end,
    case when p_overlay is null then array['STATUS_CHANGED']
      else array['STATUS_CHANGED', 'STATUS_CHANGED'] end,
    case when p_overlay is null then array[v_payload] else array[v_payload, v_payload] end);
end
$$;

-- Whether the token may listen to a topic. account:{id} carries whole events, viewers included, so
-- it needs the permission for both. overlay:{id} opens to a live key of that overlay, or to a
-- member who may read overlays and what plays on them. Only broadcast: nobody announces presence.
create function app.may_join(p_topic text, p_extension text)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_id uuid;
  v_account uuid;
begin
  if p_extension is distinct from 'broadcast'
    or p_topic is null
    or p_topic !~ '^(account|overlay):[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    return false;
  end if;
  v_id := split_part(p_topic, ':', 2)::uuid;
  if p_topic like 'account:%' then
    return app.has_permission(v_id, 'events:read') and app.has_permission(v_id, 'events:userinfo');
  end if;
  if auth.jwt() ->> 'kind' = 'overlay' then
    return exists (
      select from app.keys k
      where k.id = (auth.jwt() ->> 'key_id')::uuid and k.kind = 'overlay' and k.overlay_id = v_id
        and k.revoked_at is null);
  end if;
  select o.account_id into v_account from app.overlays o where o.id = v_id;
  return v_account is not null and app.has_permission(v_account, 'overlays:read')
    and app.has_permission(v_account, 'events:userinfo');
end
$$;

-- The only policy: clients listen, they never send.
create policy "Topics can be heard by who may join them" on realtime.messages
  for select to authenticated
  using ((select app.may_join((select realtime.topic()), extension)));

-- Forgets messages older than the 72 hours that may be replayed. Hosted Supabase does it itself
-- by dropping partitions and lets nobody delete: then there is nothing to do.
create function app.purge_realtime_messages(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_purged integer := 0;
begin
  if has_table_privilege('realtime.messages', 'delete') then
    delete from realtime.messages m
    where m.inserted_at < (p_now - interval '72 hours') at time zone 'UTC';
    get diagnostics v_purged = row_count;
  end if;
  return v_purged;
end
$$;

revoke execute on all functions in schema app from public;
-- The policy above calls it as the one who asks.
grant execute on function app.may_join(text, text) to authenticated, service_role;
grant execute on function app.purge_realtime_messages(timestamptz) to service_role;
