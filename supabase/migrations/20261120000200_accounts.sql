-- Accounts, their members, and what each role may do.

-- A tenant. Its row is also the counter of its log and the lock that makes order of commit the
-- order of seq: whoever records takes numbers by updating this row and holds it until commit.
-- A sequence would not do: a number taken early and committed late is lost to a reader that has
-- moved past it.
create table app.accounts (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 100),
  -- The number the next event gets.
  next_seq bigint not null default 1,
  -- The life of this log. A restored database starts a new one (app.renew_epochs).
  epoch uuid not null default gen_random_uuid(),
  paused_at timestamptz,
  paused_by uuid,
  created_at timestamptz not null default now()
)
-- Room for the new version beside the old one: every event updates this row.
with (fillfactor = 50);
alter table app.accounts enable row level security;
alter table app.accounts force row level security;

create table app.permissions (
  name text primary key
);
alter table app.permissions enable row level security;
alter table app.permissions force row level security;

create table app.roles (
  name text primary key
);
alter table app.roles enable row level security;
alter table app.roles force row level security;

create table app.role_permissions (
  role text not null references app.roles (name),
  permission text not null references app.permissions (name),
  primary key (role, permission)
);
create index role_permissions_permission on app.role_permissions (permission);
alter table app.role_permissions enable row level security;
alter table app.role_permissions force row level security;

-- The same lists as src/lib/bus/permission.ts; a test compares them.
insert into app.permissions (name)
values ('events:read'), ('events:create'), ('events:delete'), ('events:userinfo'),
  ('queue:control'), ('plays:approve'),
  ('overlays:read'), ('overlays:edit'), ('overlays:keys'),
  ('spotify:read'), ('spotify:worker'),
  ('connections:read'), ('connections:edit'),
  ('members:read'), ('members:edit'),
  ('keys:edit'), ('audit:read'), ('account:manage');
insert into app.roles (name) values ('owner'), ('administrator'), ('moderator');
insert into app.role_permissions (role, permission)
select r.name, p.name
from app.roles r
cross join app.permissions p
where r.name = 'owner'
  or (r.name = 'administrator' and p.name <> 'account:manage')
  or (r.name = 'moderator' and p.name in ('events:read', 'events:create', 'events:userinfo',
    'queue:control', 'plays:approve', 'overlays:read', 'spotify:read', 'connections:read'));

create table app.members (
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- No foreign key: the users live with the identity service, which need not be in this database.
  user_id uuid not null,
  role text not null references app.roles (name),
  created_at timestamptz not null default now(),
  primary key (account_id, user_id)
);
create index members_user on app.members (user_id);
create index members_role on app.members (role);
alter table app.members enable row level security;
alter table app.members force row level security;

-- Permission helpers ------------------------------------------------------------------------

-- The permissions the token holds in an account: a member's by role; a key's own, less those that
-- its creator has lost since. A token never does more than its creator may do now.
create function app.permissions_in(p_account uuid)
returns text[]
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
  v_permissions text[];
begin
  case v_claims ->> 'kind'
    when 'member' then
      select array_agg(rp.permission order by rp.permission) into v_permissions
      from app.members m
      join app.role_permissions rp on rp.role = m.role
      where m.account_id = p_account and m.user_id = (v_claims ->> 'sub')::uuid;
    when 'api', 'remote' then
      select array_agg(rp.permission order by rp.permission) into v_permissions
      from app.keys k
      join app.members m on m.account_id = k.account_id and m.user_id = k.created_by
      join app.role_permissions rp on rp.role = m.role and rp.permission = any (k.permissions)
      where k.id = (v_claims ->> 'key_id')::uuid and k.account_id = p_account
        and k.kind = v_claims ->> 'kind' and k.revoked_at is null;
    else
      null;
  end case;
  return coalesce(v_permissions, '{}');
end
$$;

create function app.has_permission(p_account uuid, p_permission text)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return p_permission = any (app.permissions_in(p_account));
end
$$;

-- The accounts in which the token holds a permission. For policies: wrapped in a subselect it runs
-- once for a statement, not once for a row.
create function app.permitted_accounts(p_permission text)
returns uuid[]
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
begin
  return coalesce(
    case
      when v_claims ->> 'kind' = 'member' then (
        select array_agg(m.account_id)
        from app.members m
        join app.role_permissions rp on rp.role = m.role and rp.permission = p_permission
        where m.user_id = (v_claims ->> 'sub')::uuid)
      when v_claims ->> 'kind' in ('api', 'remote') then (
        select array_agg(k.account_id)
        from app.keys k
        where k.id = (v_claims ->> 'key_id')::uuid
          and app.has_permission(k.account_id, p_permission))
    end,
    '{}');
end
$$;

-- Whether the token belongs to the account at all.
create function app.is_related(p_account uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
begin
  return case
    when v_claims ->> 'kind' = 'member' then exists (
      select from app.members m
      where m.account_id = p_account and m.user_id = (v_claims ->> 'sub')::uuid)
    when v_claims ->> 'kind' in ('api', 'remote') then exists (
      select from app.keys k
      where k.id = (v_claims ->> 'key_id')::uuid and k.account_id = p_account
        and k.kind = v_claims ->> 'kind' and k.revoked_at is null)
    else false
  end;
end
$$;

-- What is not yours does not exist (CU404); what you may not do in your own account is CU403.
create function app.require_permission(p_account uuid, p_permission text)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if app.has_permission(p_account, p_permission) then
    return;
  end if;
  if app.is_related(p_account) then
    perform app.refuse('CU403', format('This needs the permission %s', p_permission));
  end if;
  perform app.refuse('CU404', format('There is no account %s', p_account));
end
$$;

-- Policies ----------------------------------------------------------------------------------

create policy "Accounts can be read by who may read something in them" on app.accounts
  for select to authenticated
  using (id = any ((select app.permitted_accounts('events:read'))::uuid[]));
create policy "Members can be read by who may read members" on app.members
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('members:read'))::uuid[]));
-- Reference data: the same for everybody and public in the documentation.
create policy "Permissions can be read by anyone with a token" on app.permissions
  for select to authenticated using (true);
create policy "Roles can be read by anyone with a token" on app.roles
  for select to authenticated using (true);
create policy "Role permissions can be read by anyone with a token" on app.role_permissions
  for select to authenticated using (true);
grant select on app.accounts, app.members, app.permissions, app.roles, app.role_permissions
  to authenticated;

-- Functions ---------------------------------------------------------------------------------

-- Whether the first account has been made: until then the setup page is open.
create function app.account_exists()
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return exists (select from app.accounts);
end
$$;

-- The token's accounts: a member's all, a key's one (role null).
-- [{id, name, role, permissions[]}], by name.
create function app.my_accounts()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
begin
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('id', a.id, 'name', a.name, 'role', mine.role,
          'permissions', to_jsonb(app.permissions_in(a.id)))
        order by a.name, a.id),
      '[]')
    from (
      select m.account_id, m.role
      from app.members m
      where v_claims ->> 'kind' = 'member' and m.user_id = (v_claims ->> 'sub')::uuid
      union all
      select k.account_id, null
      from app.keys k
      where v_claims ->> 'kind' in ('api', 'remote') and k.id = (v_claims ->> 'key_id')::uuid
        and k.kind = v_claims ->> 'kind' and k.revoked_at is null
    ) mine
    join app.accounts a on a.id = mine.account_id);
end
$$;

-- Starts a new life of every log. To be called once after a database was restored from a backup:
-- readers hold cursors of events that this database never had.
create function app.renew_epochs()
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_renewed integer;
begin
  update app.accounts set epoch = gen_random_uuid();
  get diagnostics v_renewed = row_count;
  return v_renewed;
end
$$;

-- A member who leaves or changes role loses open channels at once, and so do the keys they made
-- (a key may never do more than its creator). The realtime server listens.
create function app.notify_member_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform pg_notify('cuelight_revoked',
    jsonb_build_object('user_id', old.user_id, 'account_id', old.account_id)::text);
  perform pg_notify('cuelight_revoked', jsonb_build_object('key_id', k.id)::text)
  from app.keys k
  where k.account_id = old.account_id and k.created_by = old.user_id and k.revoked_at is null
    and k.kind <> 'overlay';
  return null;
end
$$;
create trigger members_changed
  after delete or update of role, user_id, account_id on app.members
  for each row execute function app.notify_member_change();

revoke execute on all functions in schema app from public;
grant execute on function app.has_permission(uuid, text), app.permitted_accounts(text),
  app.require_permission(uuid, text), app.my_accounts() to authenticated, service_role;
grant execute on function app.account_exists(), app.renew_epochs() to service_role;
