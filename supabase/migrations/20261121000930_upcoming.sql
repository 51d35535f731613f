-- What is still to come: events that were recorded for a later time and wait for it.

create index plays_upcoming on app.plays (account_id, scheduled_at)
  where status = 'queued' and scheduled_at is not null;

-- Events with a play that waits for its time, the next one first. p_filter: {page, limit, types[],
-- platform[]}. The page that list_events answers; always counted exactly, and without a cursor.
create function app.list_upcoming(
  p_account uuid, p_filter jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_types text[] := app.read_list(p_filter -> 'types');
  v_platforms text[] := app.read_list(p_filter -> 'platform');
  v_limit integer := least(greatest(coalesce((p_filter ->> 'limit')::integer, 25), 1), 200);
  v_page integer := greatest(coalesce((p_filter ->> 'page')::integer, 1), 1);
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
begin
  perform app.require_permission(p_account, 'events:read');
  return (
    with waiting as materialized (
      select w.event_id, w.event_created_at, min(w.scheduled_at) as scheduled_at, min(w.seq) as seq
      from app.plays w
      where w.account_id = p_account and w.status = 'queued' and w.scheduled_at > p_now
      group by w.event_id, w.event_created_at
    ),
    wanted as materialized (
      select w.scheduled_at, w.seq, e.id, e.created_at
      from waiting w
      join app.platform_events e on e.id = w.event_id and e.created_at = w.event_created_at
      where (v_types is null or e.event_type = any (v_types))
        and (v_platforms is null or e.platform = any (v_platforms))
    ),
    page as (
      select w.* from wanted w
      order by w.scheduled_at, w.seq
      limit v_limit offset (v_page - 1)::bigint * v_limit
    )
    select jsonb_build_object('page', v_page, 'limit', v_limit,
      'total', (select count(*) from wanted), 'total_is_exact', true, 'next_cursor', null,
      'items', coalesce(
        jsonb_agg(app.redact(d.document, v_userinfo) order by page.scheduled_at, page.seq), '[]'))
    from page
    join app.event_documents d on d.id = page.id and d.created_at = page.created_at);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function app.list_upcoming(uuid, jsonb, timestamptz) to authenticated, service_role;
