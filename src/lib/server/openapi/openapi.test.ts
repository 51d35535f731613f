/** The document lists every action, a validator finds it well formed, and its examples are true. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actions } from '$lib/server/actions/index.ts';
import { openApi } from './index.ts';

const { document } = openApi();
const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
	Object.entries(verbs).map(([verb, operation]) => ({ path, verb, operation }))
);
const operationOf = (id: string) =>
	operations.filter(({ operation }) => operation.operationId === id);

it('is valid OpenAPI 3.1', async () => {
	const validator = new Validator();
	const copy = z.record(z.string(), z.json()).parse(JSON.parse(openApi().text));
	const { valid, errors } = await validator.validate(copy);
	expect(errors).toBeUndefined();
	expect(valid).toBe(true);
	expect(validator.version).toBe('3.1');
	// Throws for a reference that leads nowhere.
	expect(validator.resolveRefs()).toBeDefined();
});

it('lists every action exactly once, and nothing else', () => {
	expect(operations.map(({ operation }) => operation.operationId).sort()).toEqual(
		actions.map(({ id }) => id).sort()
	);
	for (const { id, method, path } of actions)
		expect(operationOf(id)).toMatchObject([{ path: `/v1${path}`, verb: method.toLowerCase() }]);
});

it('has a note for every group and no schema without a use', () => {
	const text = JSON.stringify(document.paths) + JSON.stringify(document.components);
	for (const { name, description } of document.tags)
		expect([name, description]).not.toEqual([name, name]);
	const unused = Object.keys(document.components.schemas).filter(
		(name) => !text.includes(`"#/components/schemas/${name}"`)
	);
	expect(unused).toEqual([]);
});

describe.each(actions.map((action) => [action.id, action] as const))('%s', (id, action) => {
	const [{ operation }] = operationOf(id) as [ReturnType<typeof operationOf>[number]];

	it('has an example that it takes', () => {
		const parameters = (operation.parameters ?? []).flatMap((one) =>
			'name' in one && one.required ? [[one.name, one.example] as const] : []
		);
		const body = operation.requestBody?.content['application/json']?.example ?? {};
		const input = {
			...z.record(z.string(), z.json()).parse(body),
			...Object.fromEntries(parameters)
		};
		const { error } = action.input.safeParse(input);
		expect(error?.issues).toBeUndefined();
	});

	it('has an example that it could answer', () => {
		const answer = operation.responses[action.status];
		const content = answer !== undefined && 'content' in answer ? answer.content : undefined;
		const example = content?.[action.media]?.example;
		if (action.media === 'text/event-stream') {
			expect(example).toBeUndefined();
			return;
		}
		expect(action.output.safeParse(example).error?.issues).toBeUndefined();
	});

	it('says who may, and what it refuses', () => {
		expect(operation.description).not.toBe('');
		expect(operation.security.length > 0).toBe(action.permission !== 'public');
		expect(Object.keys(operation.responses)).toEqual(
			expect.arrayContaining([String(action.status), '401', '429', '500', '503'])
		);
		const isWrite = action.method !== 'GET';
		const keeps = isWrite && action.permission !== 'public' && action.permission !== 'overlay';
		expect('422' in operation.responses).toBe(keeps);
		expect('304' in operation.responses).toBe(action.polled);
	});
});
