-- Event types of an account's own (`custom:high_score`), and templates: events written beforehand,
-- with holes. The built-in types are the platforms' (src/lib/platforms/catalog.ts) and not here.

create table app.event_types (
  account_id uuid not null references app.accounts (id) on delete cascade,
  type text not null check (type ~ '^custom:[a-z][a-z0-9_]{0,49}$'),
  title text not null check (char_length(title) between 1 and 100),
  description text not null default '' check (char_length(description) <= 500),
  class text not null check (class in ('animated', 'data', 'alert', 'system')),
  duration_ms integer check (duration_ms between 500 and 120000),
  priority text not null check (priority in ('low', 'normal', 'high', 'critical')),
  -- JSON Schema of `data`, in the words that src/lib/server/event-schema.ts allows; judged there.
  schema jsonb check (pg_column_size(schema) <= 65536),
  sample jsonb not null default '{}' check (jsonb_typeof(sample) = 'object'),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (account_id, type)
);
alter table app.event_types enable row level security;
-- No policy and no grant: the functions decide.
alter table app.event_types force row level security;

create table app.event_templates (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 100),
  event_type text not null check (event_type ~ '^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$' and char_length(event_type) <= 100),
  -- Becomes data.text.
  text text check (char_length(text) <= 500),
  data jsonb not null default '{}' check (jsonb_typeof(data) = 'object'),
  -- Null: what the event type says.
  class text check (class in ('animated', 'data', 'alert', 'system')),
  duration_ms integer check (duration_ms between 500 and 120000),
  priority text check (priority in ('low', 'normal', 'high', 'critical')),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index event_templates_name on app.event_templates (account_id, name);
alter table app.event_templates enable row level security;
-- No policy and no grant: the functions decide.
alter table app.event_templates force row level security;

-- Types ----------------------------------------------------------------------------------------

-- Internal: {type, title, description, class, duration_ms, priority, schema, sample, created_at,
-- updated_at}, or null.
create function app.event_type_document(p_account uuid, p_type text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select to_jsonb(t) - 'account_id' from app.event_types t
    where t.account_id = p_account and t.type = p_type);
end
$$;

-- The account's own types, by name. For who may read events or create them.
create function app.list_event_types(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not app.has_permission(p_account, 'events:create') then
    perform app.require_permission(p_account, 'events:read');
  end if;
  return (
    select coalesce(jsonb_agg(to_jsonb(t) - 'account_id' order by t.type), '[]')
    from app.event_types t
    where t.account_id = p_account);
end
$$;

-- What the type of an event to be created says; null when nobody wrote it down.
create function app.find_event_type(p_account uuid, p_type text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'events:create');
  return app.event_type_document(p_account, p_type);
end
$$;

-- p_type: {type, title, description, class, duration_ms, priority, schema, sample}.
create function app.create_event_type(
  p_account uuid, p_type jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'overlays:edit');
  -- The account's lock: the count below holds.
  perform from app.accounts a where a.id = p_account for no key update;
  if (select count(*) from app.event_types t where t.account_id = p_account) >= 200 then
    perform app.refuse('CU409', 'An account has at most 200 event types of its own: delete one first');
  end if;
  insert into app.event_types (account_id, type, title, description, class, duration_ms, priority,
    schema, sample, created_at, updated_at)
  values (p_account, p_type ->> 'type', p_type ->> 'title', coalesce(p_type ->> 'description', ''),
    p_type ->> 'class', (p_type ->> 'duration_ms')::integer, p_type ->> 'priority',
    nullif(p_type -> 'schema', 'null'), coalesce(p_type -> 'sample', '{}'), p_now, p_now)
  on conflict do nothing;
  if not found then
    perform app.refuse('CU409', format('type: there is %s already', p_type ->> 'type'));
  end if;
  perform app.log_command(p_account, 'event_type.create', 'account', p_account,
    jsonb_build_object('event_type', p_type - 'sample'), p_now);
  return app.event_type_document(p_account, p_type ->> 'type');
end
$$;

-- Puts all of p_type in place of what the type of that name said. Events of the past stay as they are.
create function app.update_event_type(
  p_account uuid, p_type jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'overlays:edit');
  update app.event_types t
  set title = p_type ->> 'title', description = coalesce(p_type ->> 'description', ''),
    class = p_type ->> 'class', duration_ms = (p_type ->> 'duration_ms')::integer,
    priority = p_type ->> 'priority', schema = nullif(p_type -> 'schema', 'null'),
    sample = coalesce(p_type -> 'sample', '{}'), updated_at = p_now
  where t.account_id = p_account and t.type = p_type ->> 'type';
  if not found then
    perform app.refuse('CU404', format('There is no event type %s', p_type ->> 'type'));
  end if;
  perform app.log_command(p_account, 'event_type.update', 'account', p_account,
    jsonb_build_object('event_type', p_type - 'sample'), p_now);
  return app.event_type_document(p_account, p_type ->> 'type');
end
$$;

-- {type, deleted: true}
create function app.delete_event_type(
  p_account uuid, p_type text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'overlays:edit');
  delete from app.event_types t where t.account_id = p_account and t.type = p_type;
  if not found then
    perform app.refuse('CU404', format('There is no event type %s', p_type));
  end if;
  perform app.log_command(p_account, 'event_type.delete', 'account', p_account,
    jsonb_build_object('type', p_type), p_now);
  return jsonb_build_object('type', p_type, 'deleted', true);
end
$$;

-- Templates ------------------------------------------------------------------------------------

-- By name. For who may read events or create them.
create function app.list_event_templates(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not app.has_permission(p_account, 'events:create') then
    perform app.require_permission(p_account, 'events:read');
  end if;
  return (
    select coalesce(jsonb_agg(to_jsonb(t) - 'account_id' order by t.name), '[]')
    from app.event_templates t
    where t.account_id = p_account);
end
$$;

-- The template that an event is to be made from.
create function app.find_event_template(p_account uuid, p_template uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_template jsonb;
begin
  perform app.require_permission(p_account, 'events:create');
  select to_jsonb(t) - 'account_id' into v_template
  from app.event_templates t
  where t.id = p_template and t.account_id = p_account;
  if v_template is null then
    perform app.refuse('CU404', format('There is no template %s', p_template));
  end if;
  return v_template;
end
$$;

-- Makes a template (p_template null) or puts all of p_form in place of what it said.
-- p_form: {name, event_type, text, data, class, duration_ms, priority}.
create function app.save_event_template(
  p_account uuid, p_template uuid, p_form jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid := coalesce(p_template, gen_random_uuid());
  v_template jsonb;
begin
  perform app.require_permission(p_account, 'overlays:edit');
  -- The account's lock: what is looked at below holds.
  perform from app.accounts a where a.id = p_account for no key update;
  if p_template is not null and not exists (
    select from app.event_templates t where t.id = p_template and t.account_id = p_account) then
    perform app.refuse('CU404', format('There is no template %s', p_template));
  end if;
  if exists (
    select from app.event_templates t
    where t.account_id = p_account and t.name = p_form ->> 'name' and t.id <> v_id) then
    perform app.refuse('CU409', format('name: there is a template %s already', p_form ->> 'name'));
  end if;
  if p_template is null
    and (select count(*) from app.event_templates t where t.account_id = p_account) >= 500 then
    perform app.refuse('CU409', 'An account has at most 500 templates: delete one first');
  end if;
  insert into app.event_templates as t (id, account_id, name, event_type, text, data, class,
    duration_ms, priority, created_at, updated_at)
  values (v_id, p_account, p_form ->> 'name', p_form ->> 'event_type', p_form ->> 'text',
    coalesce(p_form -> 'data', '{}'), p_form ->> 'class', (p_form ->> 'duration_ms')::integer,
    p_form ->> 'priority', p_now, p_now)
  on conflict (id) do update
  set name = excluded.name, event_type = excluded.event_type, text = excluded.text,
    data = excluded.data, class = excluded.class, duration_ms = excluded.duration_ms,
    priority = excluded.priority, updated_at = excluded.updated_at
  returning to_jsonb(t) - 'account_id' into v_template;
  perform app.log_command(p_account,
    case when p_template is null then 'event_template.create' else 'event_template.update' end,
    'event_template', v_id, jsonb_build_object('template', p_form - 'data'), p_now);
  return v_template;
end
$$;

-- {id, deleted: true}
create function app.delete_event_template(
  p_account uuid, p_template uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_name text;
begin
  perform app.require_permission(p_account, 'overlays:edit');
  delete from app.event_templates t where t.id = p_template and t.account_id = p_account
  returning t.name into v_name;
  if not found then
    perform app.refuse('CU404', format('There is no template %s', p_template));
  end if;
  perform app.log_command(p_account, 'event_template.delete', 'event_template', p_template,
    jsonb_build_object('name', v_name), p_now);
  return jsonb_build_object('id', p_template, 'deleted', true);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.list_event_types(uuid),
  app.find_event_type(uuid, text),
  app.create_event_type(uuid, jsonb, timestamptz),
  app.update_event_type(uuid, jsonb, timestamptz),
  app.delete_event_type(uuid, text, timestamptz),
  app.list_event_templates(uuid),
  app.find_event_template(uuid, uuid),
  app.save_event_template(uuid, uuid, jsonb, timestamptz),
  app.delete_event_template(uuid, uuid, timestamptz)
  to authenticated, service_role;
