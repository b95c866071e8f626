import { fileURLToPath } from 'node:url';
import { preview } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface PageServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Serves the built page with the headers that vite.config.ts gives it, and ./network.json from `networkFile`. A busy port moves to
 * the next free one. Throws when the page was not built.
 */
export async function servePage(options: {
  readonly port: number;
  readonly networkFile: string;
}): Promise<PageServer> {
  process.env.STARLING_NETWORK = options.networkFile;
  const listeners = process.listeners('SIGTERM');
  const server = await preview({
    root,
    configFile: fileURLToPath(new URL('../../vite.config.ts', import.meta.url)),
    logLevel: 'silent',
    preview: { port: options.port, strictPort: false, host: 'localhost' },
  });
  // Vite ends the process by itself on SIGTERM, before anything else could be stopped.
  for (const listener of process.listeners('SIGTERM'))
    if (!listeners.includes(listener)) process.off('SIGTERM', listener);
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('The page server has no port.');
  return {
    url: `http://localhost:${address.port}/`,
    async stop() {
      const closed = server.close();
      // A tab keeps its connection open, for which a closing server would wait.
      if ('closeAllConnections' in server.httpServer) server.httpServer.closeAllConnections();
      await closed;
    },
  };
}
