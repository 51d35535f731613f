import { rest } from '$lib/server/http/rest.ts';

export const fallback = rest;
