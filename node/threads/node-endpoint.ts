import type { MessagePort } from 'node:worker_threads';
import type { Endpoint } from 'comlink';

/** A port of Node for Comlink. It is one of the browser's but for its types, which transfer other things. */
export function nodeEndpoint(port: MessagePort): Endpoint {
  return port as unknown as Endpoint;
}
