-- Members: who belongs to an account, how they come and go, and what a member's token is worth.
--
-- Whoever changes members first locks the account's row and then judges permissions afresh, so of
-- two owners who demote each other at once, one succeeds; an account always keeps an owner.

alter table app.members
  -- The account a person works in until they choose another.
  add column is_default boolean not null default false;
create unique index members_default on app.members (user_id) where is_default;

-- A door for one person, opened by a secret link. Hashed like a key.
create table app.invitations (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  role text not null references app.roles (name),
  -- Whom it is for, an e-mail for example: a note, nothing is sent and nothing is compared.
  note text check (char_length(note) between 1 and 254),
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  created_by uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by uuid,
  revoked_at timestamptz,
  check ((accepted_at is null) = (accepted_by is null)),
  check (accepted_at is null or revoked_at is null)
);
create index invitations_account on app.invitations (account_id, created_at desc);
create index invitations_role on app.invitations (role);
alter table app.invitations enable row level security;
-- No policy and no grant: hashes are nobody's to read.
alter table app.invitations force row level security;

-- What a token is worth --------------------------------------------------------------------

-- The person behind the token, or null. A token that names its session ends with it.
create function app.current_person()
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
begin
  if v_claims ->> 'kind' is distinct from 'member' then
    return null;
  end if;
  if v_claims ? 'session_id' and not exists (
    select from identity."session" s where s."id" = (v_claims ->> 'session_id')::uuid) then
    return null;
  end if;
  return (v_claims ->> 'sub')::uuid;
end
$$;

create or replace function app.permitted_accounts(p_permission text)
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
        where m.user_id = app.current_person())
      when v_claims ->> 'kind' in ('api', 'remote', 'ingest') then (
        select array_agg(k.account_id)
        from app.keys k
        where k.id = (v_claims ->> 'key_id')::uuid
          and app.has_permission(k.account_id, p_permission))
    end,
    '{}');
end
$$;

-- What a role may do.
create function app.permissions_of(p_role text)
returns text[]
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(array_agg(rp.permission order by rp.permission), '{}')
    from app.role_permissions rp
    where rp.role = p_role);
end
$$;

-- Internal: takes the account's row, so that members change one after another, and judges the
-- permission before (a stranger locks nothing) and after (it may have been lost while waiting).
create function app.lock_members(p_account uuid, p_permission text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, p_permission);
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot change members: sign in');
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  perform app.require_permission(p_account, p_permission);
end
$$;

-- Internal: nobody gives or takes what they do not have.
create function app.require_role_within(p_account uuid, p_role text)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if p_role is null or not exists (select from app.roles r where r.name = p_role) then
    perform app.refuse('CU400', format('role: there is no role %s', coalesce(p_role, 'null')));
  end if;
  if not app.permissions_of(p_role) <@ app.permissions_in(p_account) then
    perform app.refuse('CU403', format('You cannot give or take the role %s: it may more than you', p_role));
  end if;
end
$$;

-- Internal: the role of a member of the account; CU404 when there is no such member.
create function app.role_of(p_account uuid, p_user uuid)
returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_role text;
begin
  select m.role into v_role from app.members m where m.account_id = p_account and m.user_id = p_user;
  if not found then
    perform app.refuse('CU404', format('There is no member %s', p_user));
  end if;
  return v_role;
end
$$;

-- Internal: refuses when this member is the only owner. The caller holds the account's row.
create function app.require_other_owner(p_account uuid, p_user uuid)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not exists (select from app.members m
    where m.account_id = p_account and m.role = 'owner' and m.user_id <> p_user) then
    perform app.refuse('CU409', 'The last owner stays: give the ownership to somebody first, or delete the account');
  end if;
end
$$;

-- {user_id, name, email, role, is_you, created_at}; name and email null where the identity is elsewhere.
create function app.member_document(p_account uuid, p_user uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('user_id', m.user_id, 'name', u."name", 'email', u."email",
      'role', m.role, 'is_you', m.user_id is not distinct from app.current_person(),
      'created_at', m.created_at)
    from app.members m
    left join identity."user" u on u."id" = m.user_id
    where m.account_id = p_account and m.user_id = p_user);
end
$$;

-- Verbs of members -------------------------------------------------------------------------

-- Owners first, then by the day they came.
create function app.list_members(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'members:read');
  return (
    select coalesce(
      jsonb_agg(app.member_document(p_account, m.user_id)
        order by cardinality(app.permissions_of(m.role)) desc, m.created_at, m.user_id),
      '[]')
    from app.members m
    where m.account_id = p_account);
end
$$;

create function app.change_role(
  p_account uuid, p_user uuid, p_role text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_before text;
begin
  perform app.lock_members(p_account, 'members:edit');
  v_before := app.role_of(p_account, p_user);
  if p_user = app.actor_id() then
    perform app.refuse('CU403', 'Nobody changes their own role: another member has to');
  end if;
  perform app.require_role_within(p_account, v_before);
  perform app.require_role_within(p_account, p_role);
  if v_before = 'owner' and p_role <> 'owner' then
    perform app.require_other_owner(p_account, p_user);
  end if;
  update app.members m
  set role = p_role
  where m.account_id = p_account and m.user_id = p_user and m.role <> p_role;
  perform app.log_command(p_account, 'member.role', 'member', p_user,
    jsonb_build_object('from', v_before, 'to', p_role), p_now);
  return app.member_document(p_account, p_user);
end
$$;

-- Internal: takes a member out. What they opened, and their keys, end by trigger.
create function app.drop_member(p_account uuid, p_user uuid, p_action text, p_now timestamptz)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_role text := app.role_of(p_account, p_user);
begin
  if v_role = 'owner' then
    perform app.require_other_owner(p_account, p_user);
  end if;
  delete from app.members m where m.account_id = p_account and m.user_id = p_user;
  perform app.log_command(p_account, p_action, 'member', p_user, jsonb_build_object('role', v_role), p_now);
  return jsonb_build_object('user_id', p_user, 'role', v_role);
end
$$;

create function app.remove_member(
  p_account uuid, p_user uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.lock_members(p_account, 'members:edit');
  if p_user = app.actor_id() then
    perform app.refuse('CU409', 'To go yourself, leave the account');
  end if;
  perform app.require_role_within(p_account, app.role_of(p_account, p_user));
  return app.drop_member(p_account, p_user, 'member.remove', p_now);
end
$$;

create function app.leave_account(p_account uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  if app.current_person() is null or not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  perform from app.accounts a where a.id = p_account for no key update;
  return app.drop_member(p_account, app.actor_id(), 'member.leave', p_now);
end
$$;

-- Makes another member the owner and oneself an administrator, in one step.
create function app.transfer_ownership(
  p_account uuid, p_user uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.lock_members(p_account, 'account:manage');
  perform app.role_of(p_account, p_user);
  if p_user = app.actor_id() then
    perform app.refuse('CU409', 'The account is yours already: name another member');
  end if;
  update app.members m
  set role = case m.user_id when p_user then 'owner' else 'administrator' end
  where m.account_id = p_account and m.user_id in (p_user, app.actor_id());
  perform app.log_command(p_account, 'member.transfer', 'member', p_user, null, p_now);
  return app.member_document(p_account, p_user);
end
$$;

-- Where a person works when they come next.
create function app.set_default_account(p_account uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  if app.current_person() is null or not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  -- First the old, then the new: the index allows one at any moment.
  update app.members m set is_default = false
  where m.user_id = app.actor_id() and m.is_default and m.account_id <> p_account;
  update app.members m set is_default = true
  where m.user_id = app.actor_id() and m.account_id = p_account and not m.is_default;
  perform app.log_command(p_account, 'member.default', 'member', app.actor_id(), null, p_now);
  return app.my_accounts();
end
$$;

-- Verbs of invitations ---------------------------------------------------------------------

-- {id, role, note, created_by, created_at, expires_at, accepted_at, accepted_by, revoked_at}
create function app.invitation_document(p_invitation uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select to_jsonb(i) - 'token_hash' - 'account_id'
    from app.invitations i
    where i.id = p_invitation);
end
$$;

create function app.create_invitation(
  p_account uuid, p_role text, p_note text, p_token_hash bytea, p_expires_at timestamptz,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform app.lock_members(p_account, 'members:edit');
  perform app.require_role_within(p_account, p_role);
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    perform app.refuse('CU400', 'token_hash: must be a SHA-256, 32 bytes');
  end if;
  if p_expires_at is null or p_expires_at not between p_now and p_now + interval '31 days' then
    perform app.refuse('CU400', 'expires_at: an invitation is good for 31 days at most');
  end if;
  insert into app.invitations (account_id, role, note, token_hash, created_by, created_at, expires_at)
  values (p_account, p_role, p_note, p_token_hash, app.actor_id(), p_now, p_expires_at)
  returning id into v_id;
  perform app.log_command(p_account, 'invitation.create', 'invitation', v_id,
    jsonb_build_object('role', p_role), p_now);
  return app.invitation_document(v_id);
end
$$;

-- Newest first.
create function app.list_invitations(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'members:read');
  return (
    select coalesce(jsonb_agg(app.invitation_document(i.id) order by i.created_at desc, i.id), '[]')
    from app.invitations i
    where i.account_id = p_account);
end
$$;

-- Ends an invitation; idempotent, but what was accepted stays accepted.
create function app.revoke_invitation(
  p_account uuid, p_invitation uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_invitation app.invitations;
begin
  perform app.lock_members(p_account, 'members:edit');
  select * into v_invitation from app.invitations i
  where i.id = p_invitation and i.account_id = p_account
  for update;
  if not found then
    perform app.refuse('CU404', format('There is no invitation %s', p_invitation));
  end if;
  if v_invitation.accepted_at is not null then
    perform app.refuse('CU409', 'This invitation was accepted: remove the member instead');
  end if;
  update app.invitations i set revoked_at = p_now where i.id = p_invitation and i.revoked_at is null;
  perform app.log_command(p_account, 'invitation.revoke', 'invitation', p_invitation,
    jsonb_build_object('already', v_invitation.revoked_at is not null), p_now);
  return app.invitation_document(p_invitation);
end
$$;

-- Internal: what has become of an invitation. It is worth no more than who made it may give now.
create function app.invitation_state(p_invitation app.invitations, p_now timestamptz)
returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return case
    when p_invitation.accepted_at is not null then 'accepted'
    when p_invitation.revoked_at is not null then 'revoked'
    when p_invitation.expires_at <= p_now then 'expired'
    when not exists (
      select from app.members m
      where m.account_id = p_invitation.account_id and m.user_id = p_invitation.created_by
        and app.permissions_of(m.role) @> app.permissions_of(p_invitation.role)
        and 'members:edit' = any (app.permissions_of(m.role))) then 'revoked'
    else 'open'
  end;
end
$$;

-- What the holder of a link is told before they accept: {account, role, expires_at, state}; null
-- when there is no such invitation. Nothing of who is there. For the server.
create function app.find_invitation(p_token_hash bytea, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('account', a.name, 'role', i.role, 'expires_at', i.expires_at,
      'state', app.invitation_state(i, p_now))
    from app.invitations i
    join app.accounts a on a.id = i.account_id
    where i.token_hash = p_token_hash);
end
$$;

-- Makes the person who asks a member: {account_id, role}. The link is the permission, once.
create function app.accept_invitation(
  p_token_hash bytea, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_person uuid := app.current_person();
  v_account uuid;
  v_invitation app.invitations;
  v_state text;
begin
  if v_person is null then
    perform app.refuse('CU403', 'An invitation is for a person: sign in');
  end if;
  select i.account_id into v_account from app.invitations i where i.token_hash = p_token_hash;
  if not found then
    perform app.refuse('CU404', 'There is no such invitation: ask for a new link');
  end if;
  perform from app.accounts a where a.id = v_account for no key update;
  select * into v_invitation from app.invitations i where i.token_hash = p_token_hash for update;
  if exists (select from app.members m where m.account_id = v_account and m.user_id = v_person) then
    perform app.refuse('CU409', 'You are a member of this account already');
  end if;
  v_state := app.invitation_state(v_invitation, p_now);
  if v_state <> 'open' then
    perform app.refuse('CU410', format('This invitation is %s: ask for a new link', v_state));
  end if;
  update app.invitations i set accepted_at = p_now, accepted_by = v_person where i.id = v_invitation.id;
  insert into app.members (account_id, user_id, role, created_at)
  values (v_account, v_person, v_invitation.role, p_now);
  perform app.log_command(v_account, 'invitation.accept', 'invitation', v_invitation.id,
    jsonb_build_object('role', v_invitation.role), p_now);
  return jsonb_build_object('account_id', v_account, 'role', v_invitation.role);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.list_members(uuid),
  app.change_role(uuid, uuid, text, timestamptz),
  app.remove_member(uuid, uuid, timestamptz),
  app.leave_account(uuid, timestamptz),
  app.transfer_ownership(uuid, uuid, timestamptz),
  app.set_default_account(uuid, timestamptz),
  app.create_invitation(uuid, text, text, bytea, timestamptz, timestamptz),
  app.list_invitations(uuid),
  app.revoke_invitation(uuid, uuid, timestamptz),
  app.accept_invitation(bytea, timestamptz)
  to authenticated, service_role;
grant execute on function app.find_invitation(bytea, timestamptz) to service_role;
