/** Templates: events written beforehand, with variables; `POST /events/emit` makes events of them. */
import { z } from 'zod';
import { EventClass, EventType, JsonObject, Priority, Text } from '$lib/bus/event.ts';
import * as own from '$lib/server/backend/statements/event-types.ts';
import { variablesOf } from '$lib/server/event-template.ts';
import { defineAction } from './define.ts';
import { Id, listed, Name } from './fields.ts';
import { accountOf } from './principal.ts';

const EventTemplate = own.Template.extend({
	/** The names in braces, in `text` and `data`: all are needed to make an event. */
	variables: z.array(z.string())
}).meta({ id: 'EventTemplate' });

const withVariables = (template: own.Template): z.infer<typeof EventTemplate> => ({
	...template,
	variables: variablesOf(template)
});

const Form = z.strictObject({
	name: Name,
	event_type: EventType,
	/** Becomes `data.text`; `{user}` is replaced by the variable, `{{` is a plain brace. */
	text: Text(500).min(1).nullable().default(null),
	/** In its texts too; `"{amount}"` alone becomes the variable's own value. */
	data: JsonObject.default({}),
	class: EventClass.nullable().default(null),
	duration_ms: z.int().min(500).max(120_000).nullable().default(null),
	priority: Priority.nullable().default(null)
});

const list = defineAction({
	id: 'event-templates.list',
	summary: 'Lists the templates, with the variables that each needs.',
	method: 'GET',
	path: '/event-templates',
	polled: true,
	permission: 'events:read',
	input: z.strictObject({}),
	output: listed(EventTemplate),
	run: async ({ as, principal }) => {
		const templates = await as((sql) => own.listTemplates(sql, accountOf(principal)));
		return { items: templates.map(withVariables) };
	}
});

const create = defineAction({
	id: 'event-templates.create',
	summary: 'Makes a template.',
	method: 'POST',
	path: '/event-templates',
	permission: 'overlays:edit',
	status: 201,
	input: Form,
	output: EventTemplate,
	run: async ({ as, principal }, form) =>
		withVariables(await as((sql) => own.saveTemplate(sql, accountOf(principal), null, form)))
});

const update = defineAction({
	id: 'event-templates.update',
	summary: 'Puts another template in place of one.',
	method: 'PUT',
	path: '/event-templates/{id}',
	permission: 'overlays:edit',
	input: Form.extend({ id: Id }),
	output: EventTemplate,
	run: async ({ as, principal }, { id, ...form }) =>
		withVariables(await as((sql) => own.saveTemplate(sql, accountOf(principal), id, form)))
});

const remove = defineAction({
	id: 'event-templates.delete',
	summary: 'Deletes a template; the events made of it stay.',
	method: 'DELETE',
	path: '/event-templates/{id}',
	permission: 'overlays:edit',
	input: z.strictObject({ id: Id }),
	output: z.object({ deleted: z.literal(true) }),
	run: ({ as, principal }, { id }) => as((sql) => own.deleteTemplate(sql, accountOf(principal), id))
});

export const eventTemplateActions = [list, create, update, remove];
