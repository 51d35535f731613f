-- Idempotency keys: whose they are, what a repeat hears, when they are forgotten.
begin;
select no_plan();
select tests.set_scene();
select tests.act_as('owner');

select is(app.claim_idempotency_key(tests.account(), 'k', sha256('one'), tests.at(0)),
  '{"is_new": true, "same_request": true, "answer": null}'::jsonb, 'The first to come has the key');
select lives_ok($$ select app.keep_answer(tests.account(), 'k', 'sealed') $$, 'and keeps its answer');
select is(app.claim_idempotency_key(tests.account(), 'k', sha256('one'), tests.at(1)),
  jsonb_build_object('is_new', false, 'same_request', true, 'answer', encode('sealed', 'base64')),
  'The same request again hears the same answer');
select is(app.claim_idempotency_key(tests.account(), 'k', sha256('two'), tests.at(1)) -> 'same_request',
  'false', 'Another request under the same key is told so');
select throws_ok($$ select app.keep_answer(tests.account(), 'k', 'other') $$, 'CU409', null,
  'An answer is kept once');
select is(length(app.claim_idempotency_key(tests.account(), 'long', sha256('one')) ->> 'answer'), null,
  'A key in hand has no answer yet');
select lives_ok($$ select app.keep_answer(tests.account(), 'long', decode(repeat('ab', 300), 'hex')) $$);
select is(app.claim_idempotency_key(tests.account(), 'long', sha256('one')) ->> 'answer' ~ '\s', false,
  'A long answer is one line of base64');
select throws_ok($$ select app.claim_idempotency_key(tests.account(), repeat('k', 256), sha256('one')) $$,
  '23514', null, 'A key has at most 255 characters');

select tests.act_as('moderator');
select is(app.claim_idempotency_key(tests.account(), 'k', sha256('two'), tests.at(2)) -> 'is_new',
  'true', 'The same key of another member is another key');

-- Who may not.
select tests.act_as('stranger');
select throws_ok($$ select app.claim_idempotency_key(tests.account(), 'k', sha256('one')) $$, 'CU404', null,
  'A stranger learns nothing of a key');
select throws_ok($$ select app.keep_answer(tests.account(), 'k', 'x') $$, 'CU409', null,
  'nor changes an answer');
select tests.act_as_page();
select throws_ok($$ select app.claim_idempotency_key(tests.account(), 'k', sha256('one')) $$, 'CU404', null,
  'A page has no keys');
select tests.act_as_anonymous();
select throws_ok($$ select app.claim_idempotency_key(tests.account(), 'k', sha256('one')) $$, '42501', null,
  'The anonymous may not claim');
select throws_ok($$ select app.keep_answer(tests.account(), 'k', 'x') $$, '42501', null, 'nor keep');
select tests.act_as('owner');
select throws_ok($$ select app.purge_idempotency_keys() $$, '42501', null, 'Only the server purges');
select throws_ok($$ select * from app.idempotency_keys $$, '42501', null, 'Nobody reads the table');

-- They are kept for a day.
select tests.act_as_server();
select is(app.purge_idempotency_keys((select min(created_at) from app.idempotency_keys) + interval '24 hours'),
  0, 'After a day they are still there');
select ok(app.purge_idempotency_keys((select max(created_at) from app.idempotency_keys) + interval '25 hours') >= 3,
  'and then they are forgotten');
select is((select count(*) from app.idempotency_keys), 0::bigint, 'all of them');

select * from finish();
rollback;
