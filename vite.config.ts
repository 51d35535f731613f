import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { playwright } from '@vitest/browser-playwright';
import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { cuelightDev } from './src/server/dev.ts';

/** The browser to test with: the one asked for, else the system's, else Playwright's own (undefined). */
const chromium = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
	(path) => path !== undefined && existsSync(path)
);

/** Node's own choice for packages that import it: with Vite's there would be two of it in a test. */
const graphql = { find: /^graphql$/, replacement: 'graphql/index.js' };

export default defineConfig({
	plugins: [tailwindcss(), sveltekit(), cuelightDev()],
	server: { port: 4517, host: '127.0.0.1' },
	build: { target: 'chrome127' },
	test: {
		expect: { requireAssertions: true },
		projects: [
			{
				extends: './vite.config.ts',
				test: {
					name: 'unit',
					environment: 'node',
					alias: [graphql],
					// A time-out finds what hangs; a busy machine must not fail what is merely slow.
					testTimeout: 30_000,
					include: ['src/**/*.test.ts', 'tests/*.test.ts', 'tests/chaos/*.test.ts'],
					exclude: ['src/**/*.svelte.test.ts', 'src/**/*.browser.test.ts']
				}
			},
			{
				extends: './vite.config.ts',
				test: {
					name: 'db',
					environment: 'node',
					alias: [graphql],
					include: ['tests/{contract,flow,database}/**/*.test.ts'],
					globalSetup: ['tests/harness/cluster.ts'],
					testTimeout: 30_000,
					hookTimeout: 60_000,
					// They wait for sockets and for the database more than they compute.
					maxWorkers: 3,
					retry: 1
				}
			},
			{
				extends: './vite.config.ts',
				// Found only while a test runs, they would make Vite reload it half-way on a cold cache.
				optimizeDeps: { include: ['axe-core', 'uplot', 'vitest-browser-svelte'] },
				test: {
					name: 'browser',
					retry: 1,
					include: ['src/**/*.svelte.test.ts', 'src/**/*.browser.test.ts'],
					browser: {
						enabled: true,
						headless: true,
						screenshotFailures: false,
						instances: [{ browser: 'chromium' }],
						provider: playwright({
							launchOptions: {
								...(chromium ? { executablePath: chromium } : {}),
								args: [
									'--no-sandbox',
									'--disable-gpu',
									'--disable-quic',
									'--no-first-run',
									'--disable-background-networking',
									'--disable-component-update',
									'--disable-sync'
								]
							}
						})
					}
				}
			}
		]
	}
});
