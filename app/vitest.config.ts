import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { playwright } from '@vitest/browser-playwright';
import { defineProject } from 'vitest/config';
import { CHROMIUM } from '../protocol/testing/chromium.ts';

/** Components in the system's own Chromium. Without one, a single skipped test names the remedy. */
export default defineProject(
  CHROMIUM === undefined
    ? { test: { name: 'components', include: ['testing/without-chromium.ts'] } }
    : {
        cacheDir: '../node_modules/.vite/components',
        plugins: [react(), tailwindcss()],
        define: { __MODEL_BYTES__: '398000' },
        // A package that is found only when a test imports it makes Vite bundle anew and load the page again.
        optimizeDeps: {
          include: [
            '@ipld/dag-cbor',
            '@noble/hashes/sha2.js',
            '@tanstack/react-query',
            'axe-core',
            'idb',
            'lucide-react',
            'multiformats/cid',
            'multiformats/hashes/digest',
            'react',
            'react-dom/client',
            'react/jsx-dev-runtime',
            'uplot',
            'uqr',
            'viem',
            'viem/accounts',
            'wagmi',
            'wagmi/actions',
            'wagmi/connectors/injected',
            'zustand',
            'zustand/vanilla',
          ],
        },
        test: {
          name: 'components',
          include: ['**/*.test.tsx'],
          setupFiles: ['testing/page-styles.ts'],
          // As in the root's configuration: these limits only end what hangs.
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // A chunk that a component loads late has to be compiled first.
          expect: { poll: { timeout: 60_000 } },
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            viewport: { width: 1280, height: 800 },
            provider: playwright({
              launchOptions: { executablePath: CHROMIUM, args: ['--headless=new', '--no-sandbox'] },
              // Colours change at once, so that contrast is not measured halfway.
              contextOptions: { reducedMotion: 'reduce' },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
);
