-- The audit log: every command, written in the transaction that carried it out.

create table app.audit_log (
  id bigint generated always as identity primary key,
  -- No foreign key: the log outlives what it speaks of.
  account_id uuid not null,
  at timestamptz not null,
  actor_kind text not null,
  actor_id uuid,
  -- e.g. 'event.cancel', 'queue.pause', 'key.revoke'
  action text not null,
  target_kind text,
  target_id uuid,
  -- Never a secret.
  detail jsonb not null default '{}'
);
create index audit_log_account on app.audit_log (account_id, id desc);
alter table app.audit_log enable row level security;
alter table app.audit_log force row level security;
create trigger audit_log_append_only
  before update or delete or truncate on app.audit_log
  for each statement execute function app.refuse_change();

create policy "The audit log can be read by who may read it" on app.audit_log
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('audit:read'))::uuid[]));
grant select on app.audit_log to authenticated;

-- Internal: the commands call it.
create function app.log_command(
  p_account uuid, p_action text, p_target_kind text, p_target uuid, p_detail jsonb, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.audit_log (account_id, at, actor_kind, actor_id, action, target_kind, target_id, detail)
  values (p_account, p_now, app.actor_kind(), app.actor_id(), p_action, p_target_kind, p_target,
    coalesce(p_detail, '{}'));
end
$$;

revoke execute on all functions in schema app from public;
