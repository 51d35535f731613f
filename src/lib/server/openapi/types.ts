/** The parts of an OpenAPI 3.1 document that this product writes, as types. */
import type { z } from 'zod';
import type { Permission } from '$lib/bus/permission.ts';

export type JsonValue = z.core.util.JSONType;

/** JSON Schema 2020-12, as far as zod writes it. */
export interface Schema {
	$ref?: string;
	type?: string | string[];
	format?: string;
	description?: string;
	properties?: Record<string, Schema>;
	required?: string[];
	additionalProperties?: Schema | boolean;
	propertyNames?: Schema;
	items?: Schema;
	prefixItems?: Schema[];
	anyOf?: Schema[];
	oneOf?: Schema[];
	allOf?: Schema[];
	enum?: JsonValue[];
	const?: JsonValue;
	default?: JsonValue;
	pattern?: string;
	minimum?: number;
	maximum?: number;
	exclusiveMinimum?: number;
	exclusiveMaximum?: number;
	minLength?: number;
	maxLength?: number;
	minItems?: number;
	maxItems?: number;
}

export interface Reference {
	$ref: string;
}

export interface Parameter {
	name: string;
	in: 'path' | 'query' | 'header';
	required: boolean;
	description?: string;
	schema: Schema;
	style?: 'form';
	explode?: boolean;
	example?: JsonValue;
}

export interface Content {
	schema: Schema;
	example?: JsonValue;
}

export interface Answer {
	description: string;
	headers?: Record<string, Reference | Header>;
	content?: Record<string, Content>;
}

export interface Header {
	description: string;
	schema: Schema;
}

export interface Operation {
	operationId: string;
	summary: string;
	description: string;
	tags: string[];
	security: Record<string, string[]>[];
	parameters?: (Parameter | Reference)[];
	requestBody?: { required: boolean; content: Record<string, Content> };
	responses: Record<string, Answer | Reference>;
	/** The permission that SQL asks for; absent where it is no permission that decides. */
	'x-permission'?: Permission;
}

export type Verb = 'get' | 'post' | 'put' | 'delete';

export interface OpenApiDocument {
	openapi: '3.1.1';
	info: { title: string; version: string; summary: string; description: string };
	servers: { url: string; description: string }[];
	tags: { name: string; description: string }[];
	paths: Record<string, Partial<Record<Verb, Operation>>>;
	components: {
		schemas: Record<string, Schema>;
		parameters: Record<string, Parameter>;
		headers: Record<string, Header>;
		responses: Record<string, Answer>;
		securitySchemes: Record<string, Record<string, string>>;
	};
}
