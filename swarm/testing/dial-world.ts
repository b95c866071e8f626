import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { Overlay, type OverlayOptions } from '../overlay.ts';
import { SimulatedScheduler } from './simulated-scheduler.ts';

/** Numbers from 0 to 1 that are the same in every run (a linear congruential generator). */
export function repeatableRandom(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/**
 * An overlay over connections in memory. A dial connects at once where `listen` put a peer. Anywhere else it
 * hears nothing until it is given up, or fails at once where `refuse` was called.
 */
export class DialWorld {
  readonly scheduler = new SimulatedScheduler();
  /** Every dial: its address, and when it began in milliseconds. */
  readonly dials: { readonly address: string; readonly at: number }[] = [];
  readonly overlay: Overlay;
  readonly #open = new Set<Connection>();
  readonly #listeners = new Map<string, string>();
  readonly #refusing = new Set<string>();
  readonly #shaking = new Set<string>();
  #under = 0;
  /** Most dials that were under way at once. */
  mostAtOnce = 0;

  constructor(self: string, options: Partial<Omit<OverlayOptions, 'libp2p' | 'scheduler'>> = {}) {
    this.overlay = new Overlay({
      random: repeatableRandom(),
      degree: 6,
      isRelay: () => false,
      rules: { tcp: true, loopback: false },
      ...options,
      scheduler: this.scheduler,
      libp2p: {
        peerId: peerIdFromString(self),
        getConnections: (peer) =>
          [...this.#open].filter(({ remotePeer }) => peer === undefined || peer.equals(remotePeer)),
        dial: (target, { signal, onProgress } = {}) => {
          const address = [target].flat().map(String).join(' ');
          this.dials.push({ address, at: this.scheduler.now() });
          this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#under);
          const tell = onProgress as ((event: { readonly type: string }) => void) | undefined;
          if (this.#shaking.has(address)) tell?.({ type: 'webrtc:open-signaling-stream' });
          return this.#answer(address, signal ?? undefined).finally(() => this.#under--);
        },
      },
    });
    this.overlay.start();
  }

  /** Puts a peer behind an address. */
  listen(address: string, peerId: string): void {
    this.#listeners.set(address, peerId);
  }

  /** Has nobody listen at an address. */
  refuse(address: string): void {
    this.#refusing.add(address);
  }

  /** Has somebody at an address show its key and then be silent. */
  onlyShakeHands(address: string): void {
    this.#shaking.add(address);
  }

  /** Opens a direct connection to a peer, as if either side had dialled. */
  connect(
    peerId: string,
    direction: Connection['direction'] = 'inbound',
    at = '/ip4/203.0.113.1/tcp/1',
  ): Connection {
    const connection = {
      remotePeer: peerIdFromString(peerId),
      remoteAddr: multiaddr(`${at}/p2p/${peerId}`),
      direct: true,
      direction,
      limits: undefined,
      timeline: { open: this.scheduler.now() },
      close: async () => {
        this.#open.delete(connection);
      },
      abort: () => {
        this.#open.delete(connection);
      },
    } as Partial<Connection> as Connection;
    this.#open.add(connection);
    this.overlay.opened(connection);
    return connection;
  }

  /** Times in ms at which the open connections to a peer were opened. */
  opened(peerId: string): readonly number[] {
    return [...this.#open]
      .filter(({ remotePeer }) => remotePeer.toString() === peerId)
      .map(({ timeline }) => timeline.open);
  }

  /** Advances until the condition holds, at most so many milliseconds. Returns the time that it took. */
  async until(condition: () => boolean, ms: number): Promise<number> {
    const start = this.scheduler.now();
    while (!condition() && this.scheduler.now() - start < ms) await this.scheduler.advance(100);
    return this.scheduler.now() - start;
  }

  async #answer(address: string, signal: AbortSignal | undefined): Promise<Connection> {
    const peerId = this.#listeners.get(address);
    if (peerId !== undefined) return this.connect(peerId, 'outbound');
    if (this.#refusing.has(address)) throw new Error('connection refused');
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}
