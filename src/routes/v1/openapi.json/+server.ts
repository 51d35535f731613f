import { serveOpenApi } from '$lib/server/http/openapi.ts';

export const GET = serveOpenApi;
