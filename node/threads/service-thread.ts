/** A service of workers/ in a thread of its own, behind Comlink, as a page's workers are. */
import { MessageChannel, type MessagePort, workerData } from 'node:worker_threads';
import { type Endpoint, expose } from 'comlink';
import { nodeEndpoint } from './node-endpoint.ts';
import { startThread } from './typescript-thread.ts';

/** The thread ended by itself, as for want of memory. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';
}

export interface ServiceThreadOptions {
  /** The program's file, as `new URL('./name.worker.ts', import.meta.url)`. */
  readonly program: URL;
  /** What the program finds with `exposeInThread`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What the thread does, for the error: "trains", for example. */
  readonly work: string;
  /** Called when the thread ended by itself. */
  readonly onCrash: (error: ThreadError) => void;
}

export interface ServiceThread {
  /** Where the service answers. */
  readonly endpoint: Endpoint;
  /** Rejects with ThreadError when the thread ends by itself. */
  readonly ended: Promise<never>;
  /** Whether the thread has ended, by itself or by `terminate`. */
  hasEnded(): boolean;
  /** Ends the thread at once. */
  terminate(): Promise<void>;
}

/** Starts a thread with a program that calls `exposeInThread`. */
export function startServiceThread({ program, data, work, onCrash }: ServiceThreadOptions): ServiceThread {
  const { port1, port2 } = new MessageChannel();
  const thread = startThread(program, { ...data, port: port2 }, [port2]);
  let hasEnded = false;
  const ended = new Promise<never>((_, reject) => {
    const end = (why: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      const error = new ThreadError(`The thread that ${work} ended: ${why}. Start again.`);
      reject(error);
      onCrash(error);
    };
    thread.on('error', (error) => end(String(error)));
    thread.on('exit', (code) => end(`exit code ${code}`));
  });
  // `onCrash` reports it where no call is waiting.
  ended.catch(() => undefined);
  return {
    endpoint: nodeEndpoint(port1),
    ended,
    hasEnded: () => hasEnded,
    async terminate() {
      hasEnded = true;
      port1.close();
      await thread.terminate();
    },
  };
}

/** Serves in this thread, to whoever expects a thread of its own. It ends with `terminate` alone. */
export function serveHere(service: unknown): ServiceThread {
  const { port1, port2 } = new MessageChannel();
  expose(service, nodeEndpoint(port2));
  let hasEnded = false;
  return {
    endpoint: nodeEndpoint(port1),
    ended: new Promise<never>(() => undefined),
    hasEnded: () => hasEnded,
    async terminate() {
      hasEnded = true;
      port1.close();
    },
  };
}

/** Called by the thread's program: serves what `makeService` makes of the data that the thread began with. */
export function exposeInThread<Data>(makeService: (data: Data) => unknown): void {
  const { port, ...data } = workerData as { readonly port: MessagePort };
  expose(makeService(data as unknown as Data), nodeEndpoint(port));
}
