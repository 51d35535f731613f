import adapterNode from '@sveltejs/adapter-node';
import { copyFileSync } from 'node:fs';

/**
 * adapter-node builds an HTTP server only. Ours also upgrades WebSockets, so the entry that does it
 * is laid beside the built `index.js`, which it imports and extends.
 * @returns {import('@sveltejs/kit').Adapter}
 */
function adapter() {
	const node = adapterNode();
	return {
		...node,
		async adapt(builder) {
			await node.adapt(builder);
			copyFileSync('src/server/entry.js', 'build/server.js');
		}
	};
}

/** @type {import('@sveltejs/kit').Config} */
export default {
	kit: {
		adapter: adapter(),
		// One origin policy in hooks.server.ts decides: Kit's own gate acts in production only and
		// would refuse form-encoded webhooks there.
		csrf: { trustedOrigins: ['*'] },
		paths: { relative: false },
		serviceWorker: { register: false },
		csp: {
			mode: 'auto',
			directives: {
				'default-src': ['self'],
				'script-src': ['self'],
				// The one style attribute of ours: Kit's announcer of page changes, which must stay invisible.
				'style-src': [
					'self',
					'unsafe-hashes',
					'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='
				],
				// Viewers' pictures come from their platforms' hosts; the stage asks only hosts that the document names.
				'img-src': ['self', 'data:', 'blob:', 'https:'],
				'media-src': ['self', 'blob:'],
				'connect-src': ['self', 'ws:', 'wss:'],
				'font-src': ['self'],
				'worker-src': ['self', 'blob:'],
				'object-src': ['none'],
				'base-uri': ['none'],
				'form-action': ['self'],
				'frame-ancestors': ['none']
			}
		}
	}
};
