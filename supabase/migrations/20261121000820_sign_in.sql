-- Sign-in, further: one-time codes and passkeys, in the tables that better-auth 1.7.5's plugins
-- expect (names and types are theirs); an ended session ends what it holds open; and what members
-- do to their sign-in stands in the audit log of their accounts.

alter table identity."user" add column "twoFactorEnabled" boolean;

create table identity."twoFactor" (
  "id" uuid default pg_catalog.gen_random_uuid() not null primary key,
  "secret" text not null,
  "backupCodes" text not null,
  "userId" uuid not null references identity."user" ("id") on delete cascade,
  "verified" boolean,
  "failedVerificationCount" integer,
  "lockedUntil" timestamptz
);
create index "twoFactor_secret_idx" on identity."twoFactor" ("secret");
create index "twoFactor_userId_idx" on identity."twoFactor" ("userId");
alter table identity."twoFactor" enable row level security;
alter table identity."twoFactor" force row level security;

create table identity."passkey" (
  "id" uuid default pg_catalog.gen_random_uuid() not null primary key,
  "name" text,
  "publicKey" text not null,
  "userId" uuid not null references identity."user" ("id") on delete cascade,
  "credentialID" text not null,
  "counter" integer not null,
  "deviceType" text not null,
  "backedUp" boolean not null,
  "transports" text,
  "createdAt" timestamptz,
  "aaguid" text
);
create index "passkey_userId_idx" on identity."passkey" ("userId");
create index "passkey_credentialID_idx" on identity."passkey" ("credentialID");
alter table identity."passkey" enable row level security;
alter table identity."passkey" force row level security;

-- Sockets and streams that were opened by a session close with it: the server listens.
create function app.notify_session_end()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform pg_notify('cuelight_revoked', jsonb_build_object('session_id', old."id")::text);
  return null;
end
$$;
create trigger session_ended
  after delete on identity."session"
  for each row execute function app.notify_session_end();

-- Internal: one entry in the log of each account the person belongs to. Sessions know no account.
create function app.log_sign_in(p_user uuid, p_action text, p_detail jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.audit_log (account_id, at, actor_kind, actor_id, action, target_kind, target_id, detail)
  select m.account_id, clock_timestamp(), 'member', p_user, p_action, 'member', p_user, p_detail
  from app.members m
  where m.user_id = p_user;
end
$$;

-- Argument 1: what is spoken of. The rows are better-auth's, so their changes are where the log
-- can be written in the same transaction.
create function app.note_sign_in()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_row jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  v_user uuid := (v_row ->> 'userId')::uuid;
  v_what text := tg_argv[0];
begin
  case v_what
    when 'session' then
      -- One that ran out by itself is nobody's deed.
      if tg_op = 'INSERT' or (v_row ->> 'expiresAt')::timestamptz > clock_timestamp() then
        perform app.log_sign_in(v_user,
          case tg_op when 'INSERT' then 'session.start' else 'session.end' end,
          jsonb_build_object('session_id', v_row ->> 'id'));
      end if;
    when 'account' then
      if tg_op = 'UPDATE' then
        if old."password" is distinct from new."password" then
          perform app.log_sign_in(v_user, 'password.change', '{}');
        end if;
      else
        perform app.log_sign_in(v_user, case tg_op when 'INSERT' then 'sign_in.link' else 'sign_in.unlink' end,
          jsonb_build_object('provider', v_row ->> 'providerId'));
      end if;
    when 'totp' then
      if tg_op = 'DELETE' or (v_row ->> 'verified')::boolean and
        (tg_op = 'INSERT' or not coalesce(old."verified", false)) then
        perform app.log_sign_in(v_user, case tg_op when 'DELETE' then 'totp.disable' else 'totp.enable' end, '{}');
      elsif tg_op = 'UPDATE' and old."backupCodes" is distinct from new."backupCodes" then
        perform app.log_sign_in(v_user, 'totp.recovery_codes', '{}');
      end if;
    when 'passkey' then
      perform app.log_sign_in(v_user, case tg_op when 'INSERT' then 'passkey.add' else 'passkey.remove' end,
        jsonb_build_object('name', v_row ->> 'name'));
    else
      null;
  end case;
  return null;
end
$$;
create trigger session_noted after insert or delete on identity."session"
  for each row execute function app.note_sign_in('session');
create trigger account_noted after insert or delete or update of "password" on identity."account"
  for each row execute function app.note_sign_in('account');
create trigger totp_noted after insert or delete or update on identity."twoFactor"
  for each row execute function app.note_sign_in('totp');
create trigger passkey_noted after insert or delete on identity."passkey"
  for each row execute function app.note_sign_in('passkey');

revoke execute on all functions in schema app from public;
