/**
 * The page's service worker: it keeps the page's files for visits without a connection, and isolates the page
 * and its workers on hosts that send no headers. The build puts the list of files in.
 */
import type { WorkboxPlugin } from 'workbox-core/types.js';
import {
  addPlugins,
  cleanupOutdatedCaches,
  PrecacheFallbackPlugin,
  precacheAndRoute,
} from 'workbox-precaching';
import { registerRoute } from 'workbox-routing';
import { NetworkOnly } from 'workbox-strategies';
import { isolate } from './isolate.ts';

declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: readonly { readonly url: string; readonly revision: string | null }[];
};

const isolating: WorkboxPlugin = { handlerWillRespond: async ({ response }) => isolate(response) };

// A new version waits until a person says so: a page that reloaded by itself would kill a training step.
self.addEventListener('message', ({ data }) => {
  if (data?.type === 'SKIP_WAITING') void self.skipWaiting();
});

cleanupOutdatedCaches();
addPlugins([isolating]);
precacheAndRoute([...self.__WB_MANIFEST], { directoryIndex: '' });
// The page itself comes from the server while that answers, since its headers name whom it may talk to, and
// that changes with the network file. Without a connection it comes from the cache.
registerRoute(
  ({ request }) => request.mode === 'navigate',
  new NetworkOnly({ plugins: [new PrecacheFallbackPlugin({ fallbackURL: 'index.html' }), isolating] }),
);
// Scripts of workers that are not kept, such as the engine of patterns.
registerRoute(
  ({ request, sameOrigin }) => sameOrigin && /worker$/.test(request.destination),
  new NetworkOnly({ plugins: [isolating] }),
);
