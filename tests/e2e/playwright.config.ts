import { defineConfig, devices } from '@playwright/test';
import { existsSync } from 'node:fs';

const chromium = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
	(path) => path !== undefined && existsSync(path)
);

/** Each worker runs the built product with its own data folder: see product.ts. */
export default defineConfig({
	testDir: '.',
	outputDir: '../../artefacts/e2e',
	reporter: [['list']],
	workers: 2,
	retries: 1,
	timeout: 90_000,
	expect: { timeout: 15_000 },
	use: {
		...devices['Desktop Chrome'],
		viewport: { width: 1280, height: 800 },
		launchOptions: {
			...(chromium ? { executablePath: chromium } : {}),
			args: [
				'--no-sandbox',
				'--disable-gpu',
				'--disable-quic',
				'--no-first-run',
				'--disable-background-networking',
				'--disable-component-update',
				'--disable-sync',
				// OBS lets pages sound without a click; so does this.
				'--autoplay-policy=no-user-gesture-required'
			]
		}
	}
});
