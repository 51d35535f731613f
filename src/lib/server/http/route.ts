/**
 * Finds the action for an address. A `{name}` or `{platform}` in a path takes a lower-case word, any
 * other parameter a UUID, and nothing else.
 */
import { AppError } from '$lib/bus/error.ts';
import type { Action } from '$lib/server/actions/define.ts';

const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';

const WORD = '[a-z][a-z0-9_]{0,49}';
const WORDS = new Set(['name', 'platform']);

interface Route {
	action: Action;
	pattern: RegExp;
}

export type Router = (
	method: string,
	path: string
) => { action: Action; params: Readonly<Record<string, string>> };

/**
 * A router over a list of actions. Throws `not_found`, or `method_not_allowed` with the methods
 * that the address takes as the message.
 */
export function createRouter(actions: readonly Action[]): Router {
	const routes: Route[] = actions.map((action) => ({
		action,
		pattern: new RegExp(
			`^${action.path.replace(/\{(\w+)\}/g, (_, name: string) => `(?<${name}>${WORDS.has(name) ? WORD : UUID})`)}$`
		)
	}));
	return (method, path) => {
		const here = routes.filter(({ pattern }) => pattern.test(path));
		if (here.length === 0) throw new AppError('not_found', `No address ${path}.`);
		const wanted = method === 'HEAD' ? 'GET' : method;
		const route = here.find(({ action }) => action.method === wanted);
		if (route === undefined) throw new MethodNotAllowed(here.map(({ action }) => action.method));
		const groups = route.pattern.exec(path)?.groups ?? {};
		const params = Object.entries(groups).map(([name, id]) => [name, id.toLowerCase()]);
		return { action: route.action, params: Object.fromEntries(params) };
	};
}

export class MethodNotAllowed extends AppError {
	/** The value of the `Allow` header. */
	readonly allow: string;

	constructor(methods: readonly string[]) {
		const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ');
		super('method_not_allowed', `This address takes ${allow}.`);
		this.allow = allow;
	}
}
