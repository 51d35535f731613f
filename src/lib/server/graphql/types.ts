/**
 * GraphQL types from the JSON Schemas of the actions: objects by their component's name, fields in
 * camelCase, everything that GraphQL cannot say as `JSON`. Nothing is declared twice, so that a
 * field an action answers is there on this face too.
 */
import type { InputRef, InputShapeFromFields, OutputRef } from '@pothos/core';
import { pascal } from '../openapi/names.ts';
import { nameOf, resolve } from '../openapi/schema.ts';
import type { Schema } from '../openapi/types.ts';
import type { Builder, Row } from './builder.ts';

export type { InputShapeFromFields };

/** `event_type` as `eventType`. */
export const camel = (name: string): string =>
	name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

type ScalarName = 'String' | 'Int' | 'Float' | 'Boolean' | 'DateTime' | 'UUID' | 'SafeInt' | 'JSON';
export type Output = ScalarName | OutputRef<unknown>;
export type Input = ScalarName | InputRef<unknown>;

/** A schema taken apart: whether null is allowed, whether it is a list, and of what. */
export interface Shape {
	nullable: boolean;
	isList: boolean;
	item: Schema;
	itemNullable: boolean;
}

/** Positions in logs and sums over years: they may pass 32 bits. */
const LARGE = /(^|_)(seq|cursor|total)$/;
/** The words that GraphQL takes as enum values. */
const WORD = /^[A-Za-z][A-Za-z0-9_]*$/;

export class Types {
	readonly #builder: Builder;
	readonly #schemas: Readonly<Record<string, Schema>>;
	readonly #outputs = new Map<string, Output>();
	readonly #inputs = new Map<string, Input>();

	constructor(builder: Builder, schemas: Readonly<Record<string, Schema>>) {
		this.#builder = builder;
		this.#schemas = schemas;
	}

	shapeOf(schema: Schema): Shape {
		const [bare, nullable] = this.#withoutNull(schema);
		const whole = resolve(bare, this.#schemas);
		if (whole.type !== 'array' || whole.items === undefined)
			return { nullable, isList: false, item: bare, itemNullable: false };
		const [item, itemNullable] = this.#withoutNull(whole.items);
		return { nullable, isList: true, item, itemNullable };
	}

	/** The type of one value; `hint` names an object that has no name of its own. */
	output(schema: Schema, field: string, hint: string): Output {
		const name = nameOf(schema) ?? hint;
		const known = this.#outputs.get(name);
		if (known !== undefined) return known;
		const whole = resolve(schema, this.#schemas);
		const scalar = scalarOf(whole, field);
		if (scalar !== null && !(whole.enum !== undefined && nameOf(schema) !== null)) return scalar;
		const made =
			whole.enum === undefined ? this.#object(name, whole) : this.#enumeration(name, whole);
		this.#outputs.set(name, made);
		return made;
	}

	#object(name: string, { properties = {}, required = [] }: Schema): Output {
		if (Object.keys(properties).length === 0) return 'JSON';
		const ref = this.#builder.objectRef<Row>(name);
		this.#outputs.set(name, ref);
		ref.implement({
			fields: (t) =>
				Object.fromEntries(
					Object.entries(properties).map(([key, schema]) => {
						const { nullable, isList, item, itemNullable } = this.shapeOf(schema);
						const type = this.output(item, key, name + pascal(key));
						const isNull = nullable || !required.includes(key);
						return [
							camel(key),
							isList
								? t.field({
										type: [type],
										nullable: { list: isNull, items: itemNullable },
										resolve: (row) => listOf(row[key])
									})
								: t.field({ type, nullable: isNull, resolve: (row) => row[key] })
						];
					})
				)
		});
		return ref;
	}

	#enumeration(name: string, schema: Schema): Output {
		const values = wordsOf(schema);
		return values === null ? 'String' : this.#builder.enumType(name, { values });
	}

	/** The type that a value is sent as. */
	input(schema: Schema, field: string, hint: string): Input {
		const whole = resolve(schema, this.#schemas);
		const scalar = scalarOf(whole, field);
		if (scalar !== null) return scalar;
		const known = this.#inputs.get(hint);
		if (known !== undefined) return known;
		const made = this.inputObject(hint, whole, {});
		this.#inputs.set(hint, made);
		return made;
	}

	/** An input object; `as` gives fields another type than their schema would. */
	inputObject(
		name: string,
		{ properties = {}, required = [] }: Schema,
		as: Readonly<Record<string, ScalarName>>
	): Input {
		return this.#builder.inputType(name, {
			fields: (t) =>
				Object.fromEntries(
					Object.entries(properties).map(([key, schema]) => {
						const { isList, item } = this.shapeOf(schema);
						const isRequired = required.includes(key);
						const type = as[key] ?? this.input(item, key, name + pascal(key));
						return [
							camel(key),
							isList && as[key] === undefined
								? t.field({ type: [type], required: { list: isRequired, items: true } })
								: t.field({ type, required: isRequired })
						];
					})
				)
		});
	}

	#withoutNull(schema: Schema): [Schema, boolean] {
		if (Array.isArray(schema.type) && schema.type.includes('null')) {
			const [type = 'string', ...more] = schema.type.filter((one) => one !== 'null');
			return [{ ...schema, type: more.length === 0 ? type : [type, ...more] }, true];
		}
		if (schema.anyOf === undefined) return [schema, false];
		const rest = schema.anyOf.filter(({ type }) => type !== 'null');
		const [first, ...more] = rest;
		const bare = first !== undefined && more.length === 0 ? first : { ...schema, anyOf: rest };
		return [bare, rest.length < schema.anyOf.length];
	}
}

/** The scalar that a schema is, or null for an object with fields. */
function scalarOf(schema: Schema, field: string): ScalarName | null {
	if (schema.anyOf !== undefined || schema.oneOf !== undefined) return 'JSON';
	if (schema.enum !== undefined || typeof schema.const === 'string') return 'String';
	switch (schema.type) {
		case 'string':
			if (schema.format === 'uuid') return 'UUID';
			return schema.format === 'date-time' || /(^|_)at$/.test(field) ? 'DateTime' : 'String';
		case 'integer':
			return LARGE.test(field) ? 'SafeInt' : 'Int';
		case 'number':
			return 'Float';
		case 'boolean':
			return 'Boolean';
		case 'object':
			return schema.properties === undefined ? 'JSON' : null;
		default:
			return 'JSON';
	}
}

function wordsOf({ enum: values = [] }: Schema): string[] | null {
	const words = values.filter((value): value is string => typeof value === 'string');
	return words.length === values.length && words.every((word) => WORD.test(word)) ? words : null;
}

export const listOf = (value: unknown): readonly unknown[] | null =>
	Array.isArray(value) ? value : null;
