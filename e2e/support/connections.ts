import type { BrowserContext, Page } from '@playwright/test';

/**
 * Keeps a list of the page's RTCPeerConnections, so that a test can ask the browser itself which paths carry
 * data.
 */
export async function watchConnections(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const made: RTCPeerConnection[] = [];
    Object.defineProperty(globalThis, 'seenConnections', { value: made });
    globalThis.RTCPeerConnection = new Proxy(globalThis.RTCPeerConnection, {
      construct(target, parameters, newTarget) {
        const connection = Reflect.construct(target, parameters, newTarget) as RTCPeerConnection;
        made.push(connection);
        return connection;
      },
    });
  });
}

/**
 * How many of the page's connections have a selected candidate pair with DTLS up, as the browser's own
 * statistics say.
 */
export function liveConnections(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const made = (globalThis as unknown as { readonly seenConnections: readonly RTCPeerConnection[] })
      .seenConnections;
    let live = 0;
    for (const connection of made) {
      if (connection.connectionState !== 'connected') continue;
      const report = await connection.getStats();
      for (const entry of report.values())
        if (entry.type === 'transport' && entry.dtlsState === 'connected') live++;
    }
    return live;
  });
}
