/** The folder that new platforms are copied from keeps the contract too. */
import { createHmac } from 'node:crypto';
import { template } from '../../src/lib/platforms/_template/index.ts';
import { testPlatform } from './platform.ts';

const channel = 'lumen';
const follow = (id: unknown, viewer: unknown = { id: '2001', name: 'Ann' }) =>
	JSON.stringify({ channel, kind: 'follow', event: { id, viewer } });

testPlatform({
	platform: template,
	channelId: channel,
	secret: 'a-secret-of-this-channel',
	fixtures: new URL('../../src/lib/platforms/_template/fixtures/', import.meta.url),
	windowMs: 300_000,
	header: { id: 'x-template-id', time: 'x-template-time', signature: 'x-template-signature' },
	sign: (body, { secret, id, time }) => ({
		'x-template-id': id,
		'x-template-time': time,
		'x-template-signature': createHmac('sha256', secret)
			.update(`${id}.${time}.`)
			.update(body)
			.digest('hex')
	}),
	time: (at) => String(at.getTime()),
	event: (n) => follow(`f-${n}`),
	challenge: (challenge) => JSON.stringify({ channel, kind: 'hello', challenge }),
	revocation: () => JSON.stringify({ channel, kind: 'follow', revoked: 'the owner said so' }),
	unknownKind: () => JSON.stringify({ channel, kind: 'something_new', event: {} }),
	badTimes: ['', 'soon', '0', '1795168800', '2026-11-20T10:00:00Z', '-1', '1e12', 'infinity'],
	forgeries: (signature) => ({
		'in capitals': signature.toUpperCase(),
		'that is empty': '',
		'one digit short': signature.slice(0, -1),
		'of 10 kB': 'a'.repeat(10_240),
		'sent twice': `${signature}, ${signature}`
	}),
	contradictions: {},
	incomplete: {
		'a follow by nobody': follow('f-x', {}),
		'a follow without id': follow(null)
	}
});
