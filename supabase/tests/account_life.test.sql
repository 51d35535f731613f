-- The log read, an account exported and deleted: by whom, and that nothing is left.
begin;
select no_plan();
select tests.set_scene();
select tests.record('one');

create function tests.refuses_life(p_code text, p_who text, p_verbs text[]) returns setof text
language plpgsql as $$
declare
  v_verb text;
begin
  foreach v_verb in array p_verbs loop
    return next throws_ok('select ' || v_verb, p_code, null, format('%s: %s', p_who, v_verb));
  end loop;
end
$$;
create function tests.log_verbs() returns text[] language sql as $$
  select array[$v$ app.list_audit(tests.account(), null, null, null, null, null, null, 10) $v$,
    $v$ app.note_export(tests.account(), 'audit', tests.at(0)) $v$]
$$;
create function tests.life_verbs() returns text[] language sql as $$
  select array[$v$ app.note_export(tests.account(), 'account', tests.at(0)) $v$,
    $v$ app.export_tables(tests.account()) $v$,
    $v$ app.export_rows(tests.account(), 'keys', null, 10) $v$,
    $v$ app.delete_account(tests.account(), 'Home', tests.at(0)) $v$]
$$;
select tests.act_as('moderator');
select tests.refuses_life('CU403', 'A moderator may not', tests.log_verbs() || tests.life_verbs());
select tests.act_as_api_key();
select tests.refuses_life('CU403', 'A key without the permission may not', tests.log_verbs() || tests.life_verbs());
select tests.act_as('stranger');
select tests.refuses_life('CU404', 'For a stranger there is no account', tests.log_verbs() || tests.life_verbs());
select tests.act_as_page();
select tests.refuses_life('CU404', 'For a page there is no account', tests.log_verbs() || tests.life_verbs());
select tests.act_as_anonymous();
select tests.refuses_life('42501', 'The anonymous may not ask', tests.log_verbs() || tests.life_verbs());
select tests.act_as('administrator');
select tests.refuses_life('CU403', 'An administrator may not', tests.life_verbs());
select lives_ok($$ select app.note_export(tests.account(), 'audit', tests.at(0)) $$, 'but takes the log along');
select is(app.list_audit(tests.account(), null, null, 'audit', null, null, null, 1) #>> '{items,0,action}', 'audit.export', 'which it says itself');
select is(jsonb_array_length(app.list_audit(tests.account(), '100%', null, null, null, null, null, 10) -> 'items'), 0, 'Signs of patterns are letters');

-- The log does not change, not by its owner either.
select tests.act_as_server();
select throws_ok($$ delete from app.audit_log where account_id = tests.account() $$, 'CU409', null, 'Nothing is taken out of the log');
select throws_ok($$ update app.audit_log set action = 'x' $$, 'CU409', null, 'nor changed in it');

select tests.act_as('owner');
select throws_ok($$ select app.export_rows(tests.account(), 'tasks', null, 10) $$, 'CU404', null, 'What is no account''s is not exported');
select is(app.export_rows(tests.account(), 'keys', null, 10) #> '{rows,0,token_hash}', null, 'Hashes are not exported');
select is(jsonb_array_length(app.export_rows(tests.account(), 'keys', null, 1) -> 'rows'), 1, 'Rows come in pages');
select is(jsonb_array_length(app.export_rows(tests.account(), 'keys', app.export_rows(tests.account(), 'keys', null, 1) -> 'after', 10) -> 'rows'), 1,
  'the next where the last ended');
select isnt(app.export_rows(tests.account(), 'keys', null, 1) #> '{rows,0,id}',
  app.export_rows(tests.account(), 'keys', app.export_rows(tests.account(), 'keys', null, 1) -> 'after', 10) #> '{rows,0,id}', 'with others');

select throws_ok($$ select app.delete_account(tests.account(), 'home', tests.at(1)) $$, 'CU400', null, 'The name is typed exactly');
select throws_ok($$ select app.purge_accounts(10) $$, '42501', null, 'Nobody purges');
select lives_ok($$ select app.delete_account(tests.account(), 'Home', tests.at(1)) $$, 'The owner deletes the account');
select throws_ok($$ select app.list_members(tests.account()) $$, 'CU404', null, 'and is a stranger to it');
select tests.act_as_page();
select is(app.may_join('overlay:' || tests.overlay(), 'broadcast'), false, 'Its pages hear nothing');
select tests.act_as_server();
select throws_ok($$ delete from app.audit_log $$, 'CU409', null, 'The log still refuses who names no account');
do $$ begin while app.purge_accounts(1) > 0 loop end loop; end $$;
create function tests.left_of_account() returns setof text language plpgsql as $$
declare
  v_table text;
  v_found boolean;
begin
  for v_table in select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('app', 'realtime') and c.relkind = 'r'
  loop
    execute format('select exists (select from %s t where to_jsonb(t)::text like %L or to_jsonb(t)::text like %L)',
      v_table, '%' || tests.account() || '%', '%' || tests.overlay() || '%') into v_found;
    if v_found then return next v_table; end if;
  end loop;
end
$$;
select is_empty($$ select tests.left_of_account() $$, 'Nothing is left anywhere');
select is((select count(*) from app.members where account_id = tests.elsewhere()), 1::bigint, 'The account elsewhere is untouched');
select ok((select count(*) from app.audit_log where account_id = tests.elsewhere()) > 0, 'with its log');
select is(app.purge_accounts(1), 0, 'and nothing more is to be done');

select * from finish();
rollback;
