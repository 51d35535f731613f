/** An account's own event types, and templates. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import { EventClass, Priority } from '$lib/bus/event.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

const Json = z.record(z.string(), z.json());

export const OwnEventType = z.object({
	type: z.string(),
	title: z.string(),
	description: z.string(),
	class: EventClass,
	duration_ms: z.int().nullable(),
	priority: Priority,
	schema: Json.nullable(),
	sample: Json,
	created_at: z.string(),
	updated_at: z.string()
});
export type OwnEventType = z.infer<typeof OwnEventType>;
export type EventTypeForm = Omit<OwnEventType, 'created_at' | 'updated_at'>;

export const Template = z.object({
	id: z.uuid(),
	name: z.string(),
	event_type: z.string(),
	/** Becomes `data.text`. */
	text: z.string().nullable(),
	data: Json,
	/** Null: what the event type says. */
	class: EventClass.nullable(),
	duration_ms: z.int().nullable(),
	priority: Priority.nullable(),
	created_at: z.string(),
	updated_at: z.string()
});
export type Template = z.infer<typeof Template>;
export type TemplateForm = Omit<Template, 'id' | 'created_at' | 'updated_at'>;

const Deleted = z.object({ deleted: z.literal(true) });

export const listEventTypes = (
	sql: Sql | TransactionSql,
	accountId: string
): Promise<OwnEventType[]> =>
	ask(z.array(OwnEventType), sql`select app.list_event_types(${accountId}) as answer`);

/** Null when nobody wrote it down. For who may create events. */
export const findOwnEventType = (
	sql: Sql | TransactionSql,
	accountId: string,
	type: string
): Promise<OwnEventType | null> =>
	ask(OwnEventType.nullable(), sql`select app.find_event_type(${accountId}, ${type}) as answer`);

export const createEventType = (
	sql: Sql | TransactionSql,
	accountId: string,
	form: EventTypeForm
): Promise<OwnEventType> =>
	ask(
		OwnEventType,
		sql`select app.create_event_type(${accountId}, ${sql.json({ ...form })}) as answer`
	);

export const updateEventType = (
	sql: Sql | TransactionSql,
	accountId: string,
	form: EventTypeForm
): Promise<OwnEventType> =>
	ask(
		OwnEventType,
		sql`select app.update_event_type(${accountId}, ${sql.json({ ...form })}) as answer`
	);

export const deleteEventType = (
	sql: Sql | TransactionSql,
	accountId: string,
	type: string
): Promise<z.infer<typeof Deleted>> =>
	ask(Deleted, sql`select app.delete_event_type(${accountId}, ${type}) as answer`);

export const listTemplates = (sql: Sql | TransactionSql, accountId: string): Promise<Template[]> =>
	ask(z.array(Template), sql`select app.list_event_templates(${accountId}) as answer`);

/** For who may create events. */
export const findTemplate = (
	sql: Sql | TransactionSql,
	accountId: string,
	id: string
): Promise<Template> =>
	ask(Template, sql`select app.find_event_template(${accountId}, ${id}) as answer`);

/** Makes one (`id` null) or puts the form in place of what it said. */
export const saveTemplate = (
	sql: Sql | TransactionSql,
	accountId: string,
	id: string | null,
	form: TemplateForm
): Promise<Template> =>
	ask(
		Template,
		sql`select app.save_event_template(${accountId}, ${id}, ${sql.json({ ...form })}) as answer`
	);

export const deleteTemplate = (
	sql: Sql | TransactionSql,
	accountId: string,
	id: string
): Promise<z.infer<typeof Deleted>> =>
	ask(Deleted, sql`select app.delete_event_template(${accountId}, ${id}) as answer`);
