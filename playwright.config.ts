import { defineConfig } from '@playwright/test';
import { CHROMIUM } from './protocol/testing/chromium.ts';

// Processes of workers, which read this file again, have other arguments and the same environment.
if (process.argv.some((argument) => argument.includes('blocks-large'))) process.env.STARLING_LARGE = '1';

/**
 * Journeys of real people in the system's own Chromium. Three files run at a time, each on a local network of
 * its own, because they mostly wait for rounds. The swarm runs alone after them: three training tabs fill two
 * cores.
 */
export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  projects: [
    // The longest of those that run side by side comes first, so that all end at about the same time.
    { name: 'page', testMatch: '**/page.spec.ts' },
    { name: 'journeys', testIgnore: ['**/page.spec.ts', '**/{swarm,nat,blocks-*}.spec.ts'] },
    // Nine browsers, one network after the other.
    { name: 'nat', testMatch: '**/nat.spec.ts', dependencies: ['page', 'journeys'] },
    { name: 'swarm', testMatch: '**/swarm.spec.ts', dependencies: ['nat'] },
    // Five training tabs would slow every journey beside them.
    { name: 'blocks', testMatch: '**/blocks-swarm.spec.ts', dependencies: ['swarm'] },
    // It takes ten minutes of a machine that does nothing else, so it runs by its name alone.
    ...(process.env.STARLING_LARGE === undefined
      ? []
      : [{ name: 'blocks-large', testMatch: '**/blocks-large.spec.ts' }]),
  ],
  workers: 3,
  fullyParallel: false,
  retries: 0,
  // These limits end what hangs. A busy machine takes twice as long as a quiet one.
  timeout: 720_000,
  expect: { timeout: 120_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/e2e.json' }]],
  outputDir: 'test-results/e2e',
  use: {
    browserName: 'chromium',
    headless: true,
    // A click or download that never comes then names itself, where the journey's own limit names no line.
    actionTimeout: 90_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
      args: [
        '--headless=new',
        '--no-sandbox',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Candidates are hidden behind mDNS names by default, which a machine without multicast cannot
        // resolve.
        '--disable-features=WebRtcHideLocalIpsWithMdns',
        '--allow-loopback-in-peer-connection',
        '--disable-background-timer-throttling',
        '--disable-renderer-backgrounding',
        '--disable-backgrounding-occluded-windows',
        '--enable-unsafe-webgpu',
        '--use-webgpu-adapter=swiftshader',
      ],
    },
  },
});
