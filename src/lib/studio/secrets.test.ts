import { describe, expect, it } from 'vitest';
import { Secrets } from './secrets.ts';
import { makeWebhookSecret } from './webhook-secret.ts';

function tab() {
	const kept = new Map<string, string>();
	const store = {
		getItem: (name: string) => kept.get(name) ?? null,
		setItem: (name: string, value: string) => void kept.set(name, value),
		removeItem: (name: string) => void kept.delete(name)
	};
	return { kept, secrets: new Secrets(() => store) };
}
const welcome = { overlay_url: 'http://x/overlay#k', api_key: 'ck_api_x', webhook_url: 'http://x' };

describe('secrets shown once', () => {
	it('are kept over a reload of the tab until they are put away', () => {
		const { kept, secrets } = tab();
		secrets.keepWelcome(welcome);
		secrets.keepKey('k1', 'ck_overlay_x');
		expect([secrets.readWelcome(), secrets.readKey('k1')]).toEqual([welcome, 'ck_overlay_x']);
		secrets.dropWelcome();
		secrets.dropKey('k1');
		expect(kept.size).toBe(0);
		expect(secrets.readKey('k1')).toBeNull();
	});

	it('are no more than what was agreed: nothing else of the answer is stored', () => {
		const { kept, secrets } = tab();
		secrets.keepWelcome({ ...welcome, password: 'x' } as typeof welcome);
		expect([...kept.values()].join()).not.toContain('password');
	});

	it('do no harm when the browser refuses storage or it holds nonsense', () => {
		const refusing = new Secrets(() => {
			throw new DOMException('denied', 'SecurityError');
		});
		refusing.keepKey('k1', 'x');
		expect(refusing.readKey('k1')).toBeNull();
		const { kept, secrets } = tab();
		kept.set('cuelight.shown-once.welcome', '{');
		expect(secrets.readWelcome()).toBeNull();
	});
});

it('a webhook secret is 40 hexadecimal digits, and never the same', () => {
	expect(makeWebhookSecret()).toMatch(/^[0-9a-f]{40}$/);
	expect(makeWebhookSecret()).not.toBe(makeWebhookSecret());
});
