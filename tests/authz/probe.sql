-- What the authorization matrix judges by: which rows of whom a statement has touched. Made in the
-- database of one test; every attempt is undone, so that each begins from the same state.
create schema authz;
grant usage on schema authz to anon, authenticated;

-- Tables that were written in this transaction, or just before on this connection; a partition under
-- the name of its parent.
create function authz.written() returns setof regclass
language sql volatile as $$
  select distinct coalesce(i.inhparent, s.relid)::regclass
  from pg_stat_xact_user_tables s
  left join pg_inherits i on i.inhrelid = s.relid
  where s.schemaname in ('app', 'identity', 'realtime', 'auth')
    and s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
$$;

-- A hash of the rows of each account in a table; of a table without accounts, one under '*'.
create function authz.rows_of(p_table regclass) returns jsonb
language plpgsql volatile as $$
declare
  v_owner text;
  v_answer jsonb;
begin
  v_owner := case
    when p_table = 'app.accounts'::regclass then 't.id::text'
    when p_table = 'realtime.messages'::regclass then 't.topic'
    when exists (select from pg_attribute a
      where a.attrelid = p_table and a.attname = 'account_id' and not a.attisdropped)
      then $s$coalesce(t.account_id::text, '*')$s$
    else $s$'*'$s$ end;
  execute format(
    'select coalesce(jsonb_object_agg(owner, hash), ''{}'') from (
      select %s as owner,
        count(*) || '' '' || md5(string_agg(md5((to_jsonb(t) - ''last_used_at'')::text), ''''
          order by md5((to_jsonb(t) - ''last_used_at'')::text))) as hash
      from %s t group by 1) rows', v_owner, p_table) into v_answer;
  return v_answer;
end
$$;

-- All tables as they are.
create function authz.state() returns jsonb
language sql volatile as $$
  select jsonb_object_agg(c.oid::regclass::text, authz.rows_of(c.oid))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('app', 'identity', 'realtime') and c.relkind in ('r', 'p')
    and not c.relispartition
$$;

create table authz.before (state jsonb not null);

-- What this transaction has made different: [table, owner of the rows].
create function authz.touched() returns jsonb
language sql volatile as $$
  select coalesce(jsonb_agg(jsonb_build_array(w.name, k.owner) order by w.name, k.owner), '[]')
  from (select t::text as name, authz.rows_of(t) as now, b.state -> t::text as before
    from authz.written() t cross join authz.before b) w
  cross join lateral (
    select owner from jsonb_object_keys(w.now || coalesce(w.before, '{}')) owner) k
  where (w.now -> k.owner) is distinct from (w.before -> k.owner)
$$;

-- Runs a statement as somebody and undoes it; answers how it ended and what it touched.
create function authz.attempt(p_role text, p_claims jsonb, p_statement text) returns jsonb
language plpgsql volatile as $$
declare
  v_value text;
  v_state text;
  v_message text;
begin
  begin
    perform set_config('request.jwt.claims', p_claims::text, true), set_config('role', p_role, true);
    execute p_statement into v_value;
    perform set_config('role', 'none', true);
    raise exception using errcode = 'ZZ000',
      message = jsonb_build_object('state', '00000', 'value', v_value, 'touched', authz.touched())::text;
  exception when others then
    get stacked diagnostics v_state = returned_sqlstate, v_message = message_text;
  end;
  if v_state = 'ZZ000' then
    return v_message::jsonb;
  end if;
  return jsonb_build_object('state', v_state, 'value', v_message, 'touched', '[]'::jsonb);
end
$$;
