import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { type Connect, defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { contentPolicy, pageHeaders } from './node/devnet/page-headers.ts';
import { type Network, parseNetworkText } from './protocol/network-file.ts';

/** The built page carries its policy itself, so that any static file server will do. */
function policyInPage(): Plugin {
  return {
    name: 'starling:policy-in-page',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: {
          'http-equiv': 'Content-Security-Policy',
          content: contentPolicy({ network: 'unknown', inPage: true }),
        },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** Sends the security headers with every file. The network file is read each time: it may be written anew. */
function securityHeaders(): Plugin {
  const devNonce = randomBytes(16).toString('base64');
  const send =
    (dev: boolean): Connect.NextHandleFunction =>
    (_request, response, next) => {
      void knownNetwork().then((network) => {
        const headers = pageHeaders({ network, ...(dev ? { devNonce } : {}) });
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        next();
      });
    };
  return {
    name: 'starling:security-headers',
    config: (_config, { command, isPreview }) =>
      command === 'serve' && isPreview !== true ? { html: { cspNonce: devNonce } } : undefined,
    configureServer(server) {
      server.middlewares.use(send(true));
    },
    configurePreviewServer(server) {
      server.middlewares.use(send(false));
    },
  };
}

function networkFilePath(): string {
  return process.env.STARLING_NETWORK ?? '.starling/devnet.json';
}

/** The network that the page is served for; null while there is none. */
async function knownNetwork(): Promise<Network | null> {
  try {
    return parseNetworkText(await readFile(networkFilePath(), 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Serves ./network.json in dev and preview from the file that `npm start` writes (or from $STARLING_NETWORK),
 * read afresh each time because the network may be restarted while the page is served.
 */
function networkFile(): Plugin {
  const answer: Connect.NextHandleFunction = (request, response, next) => {
    if (request.url?.split('?')[0] !== '/network.json') return next();
    const file = networkFilePath();
    readFile(file, 'utf8').then(
      (text) => {
        response.setHeader('Content-Type', 'application/json');
        response.setHeader('Cache-Control', 'no-store');
        response.end(text);
      },
      () => {
        response.statusCode = 404;
        response.setHeader('Content-Type', 'application/json');
        response.end(
          JSON.stringify({ error: `No network is running here: ${file} does not exist. Run npm start.` }),
        );
      },
    );
  };
  return {
    name: 'starling:network-file',
    configureServer(server) {
      server.middlewares.use(answer);
    },
    configurePreviewServer(server) {
      server.middlewares.use(answer);
    },
  };
}

/** Bytes of the model that a click fetches, for the page's pre-flight to name before anything is fetched. */
function modelBytes(): number {
  const folder = 'public/models/nano';
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

export default defineConfig({
  base: './',
  define: { __MODEL_BYTES__: JSON.stringify(modelBytes()) },
  plugins: [
    react(),
    tailwindcss(),
    policyInPage(),
    securityHeaders(),
    networkFile(),
    VitePWA({
      // 'prompt': a page that reloaded by itself would kill a training step.
      registerType: 'prompt',
      injectRegister: false,
      includeAssets: ['icons/*.png', 'icon.svg', 'theme.js', 'loading.js'],
      manifest: {
        name: 'Starling',
        short_name: 'Starling',
        description: 'Lend this device to a swarm that trains language models together, in the browser.',
        lang: 'en',
        id: './',
        start_url: './',
        scope: './',
        display: 'standalone',
        background_color: '#fafaf8',
        theme_color: '#0b6b64',
        categories: ['science', 'education', 'utilities'],
        icons: [
          { src: 'icons/icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icons/icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: 'icons/maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
          { src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' },
        ],
      },
      strategies: 'injectManifest',
      srcDir: 'app/offline',
      filename: 'sw.ts',
      injectManifest: {
        globPatterns: ['**/*.{js,css,html,svg,wasm}'],
        // A wallet and the engine of patterns are optional and large, and models are fetched only after the
        // pre-flight said how large they are.
        globIgnores: ['assets/wallet-*', 'assets/pattern-*', 'models/**', 'network.json'],
        target: 'es2022',
        maximumFileSizeToCacheInBytes: 4 << 20,
      },
    }),
  ],
  resolve: {
    alias: {
      // WalletConnect's own window is a hundred chunks that fetch fonts and pictures from outside. The wallet
      // panel shows the pairing link itself (`showQrModal: false`), so that the window is never opened.
      '@reown/appkit/core': fileURLToPath(new URL('app/wallet/no-modal.ts', import.meta.url)),
    },
  },
  server: {
    cors: false,
    // What the local network, the checks and forge write is no source of the page.
    watch: { ignored: ['**/.starling/**', '**/test-results/**', '**/contracts/{out,cache,vectors}/**'] },
  },
  // The dev server looks here for packages before the first visit; one found later would reload a page that
  // trains.
  optimizeDeps: { entries: ['index.html', 'app/dev/index.html', 'workers/*.worker.ts'] },
  preview: { cors: false },
  worker: { format: 'es' },
  build: {
    target: ['chrome119', 'edge119', 'firefox128', 'safari18'],
    sourcemap: false,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // Told apart by name, so that the service worker need not fetch what most visitors never use.
        chunkFileNames: ({ moduleIds }) =>
          moduleIds.some((id) =>
            /node_modules\/(@wagmi|wagmi|@walletconnect|@reown)\/|\/app\/wallet\//.test(id),
          )
            ? 'assets/wallet-[name]-[hash].js'
            : 'assets/[name]-[hash].js',
      },
    },
  },
});
