-- Idempotency keys: a write sent again with the key of its first sending is not done again.
--
-- The row, the effect and the kept answer are one transaction of the server's. Of several at once
-- the first inserts the row, and the others wait for its commit at the primary key and then read
-- the answer; when it rolls back, the next of them becomes the first.

create table app.idempotency_keys (
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Who sent it: a key of one client means nothing in the hands of another.
  actor_id uuid not null,
  key text not null check (char_length(key) between 1 and 255),
  -- SHA-256 of address and body.
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- Sealed by the server: some answers hold a secret that is shown once. Null only within the
  -- transaction that makes it.
  answer bytea,
  created_at timestamptz not null,
  primary key (account_id, actor_id, key)
);
-- The purge reads by age.
create index idempotency_keys_age on app.idempotency_keys using brin (created_at);
alter table app.idempotency_keys enable row level security;
-- No policy and no grant: only the functions below.
alter table app.idempotency_keys force row level security;

-- Takes a key for a request, or tells what came of it before:
-- {is_new, same_request, answer (base64) | null}. To be followed by app.keep_answer in the same
-- transaction when it is new.
create function app.claim_idempotency_key(
  p_account uuid, p_key text, p_request_hash bytea, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_actor uuid := app.actor_id();
  v_row app.idempotency_keys;
begin
  if v_actor is null or not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  insert into app.idempotency_keys (account_id, actor_id, key, request_hash, created_at)
  values (p_account, v_actor, p_key, p_request_hash, p_now)
  on conflict do nothing;
  if found then
    return jsonb_build_object('is_new', true, 'same_request', true, 'answer', null);
  end if;
  select * into v_row
  from app.idempotency_keys i
  where i.account_id = p_account and i.actor_id = v_actor and i.key = p_key;
  return jsonb_build_object('is_new', false, 'same_request', coalesce(v_row.request_hash = p_request_hash, false),
    'answer', translate(encode(v_row.answer, 'base64'), E'\n', ''));
end
$$;

-- Keeps the answer of a request whose key was new.
create function app.keep_answer(p_account uuid, p_key text, p_answer bytea)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.idempotency_keys i
  set answer = p_answer
  where i.account_id = p_account and i.actor_id = app.actor_id() and i.key = p_key
    and i.answer is null;
  if not found then
    perform app.refuse('CU409', 'This idempotency key has its answer already');
  end if;
end
$$;

-- Forgets keys older than a day; answers how many.
create function app.purge_idempotency_keys(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_purged integer;
begin
  delete from app.idempotency_keys i where i.created_at < p_now - interval '24 hours';
  get diagnostics v_purged = row_count;
  return v_purged;
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.claim_idempotency_key(uuid, text, bytea, timestamptz),
  app.keep_answer(uuid, text, bytea)
  to authenticated, service_role;
grant execute on function app.purge_idempotency_keys(timestamptz) to service_role;
