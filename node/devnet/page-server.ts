import { fileURLToPath } from 'node:url';
import { createServer, preview } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const configFile = fileURLToPath(new URL('../../vite.config.ts', import.meta.url));

export interface PageServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Serves the page with the headers that vite.config.ts gives it, and ./network.json from `networkFile`: as it
 * was built, or with `dev` from its sources, with hot reload. A busy port moves to the next free one. Throws
 * when the built page is asked for and was not built.
 */
export async function servePage(options: {
  readonly port: number;
  readonly networkFile: string;
  readonly dev: boolean;
  /** Where the built page is served. Defaults to localhost. */
  readonly host?: string;
}): Promise<PageServer> {
  const { host = 'localhost' } = options;
  process.env.STARLING_NETWORK = options.networkFile;
  const listeners = process.listeners('SIGTERM');
  const server = options.dev ? await startDevServer(options.port) : await startPreview(options.port, host);
  // Vite ends the process by itself on SIGTERM, before anything else could be stopped.
  for (const listener of process.listeners('SIGTERM'))
    if (!listeners.includes(listener)) process.off('SIGTERM', listener);
  const address = server.httpServer?.address();
  if (address === null || address === undefined || typeof address === 'string')
    throw new Error('The page server has no port.');
  return {
    url: `http://${options.dev ? 'localhost' : host}:${address.port}/`,
    async stop() {
      const closed = server.close();
      // A tab keeps its connection open, for which a closing server would wait.
      if (server.httpServer !== null && 'closeAllConnections' in server.httpServer)
        server.httpServer.closeAllConnections();
      await closed;
    },
  };
}

function startPreview(port: number, host: string) {
  return preview({
    root,
    configFile,
    logLevel: 'silent',
    preview: { port, strictPort: false, host },
  });
}

/** Says on the terminal what was reloaded, and where a module does not compile. */
async function startDevServer(port: number) {
  const server = await createServer({
    root,
    configFile,
    clearScreen: false,
    server: { port, strictPort: false, host: 'localhost' },
  });
  return server.listen();
}
