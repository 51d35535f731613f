/** A secret for signing webhooks: 40 hexadecimal digits, 160 bits of chance. */
export const makeWebhookSecret = (): string =>
	[...crypto.getRandomValues(new Uint8Array(20))]
		.map((byte) => byte.toString(16).padStart(2, '0'))
		.join('');
