import type { PublicClient } from 'viem';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ClaimState, DisputesPort, GameView, Settings } from '../../chain/disputes/port.ts';
import { readCredit } from '../../chain/payments.ts';
import { Poller } from '../../chain/poller.ts';
import type { Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { type Market, MarketReader } from './market.ts';

export interface ClaimView extends ClaimState {
  readonly games: readonly GameView[];
}

/** Jobs, claims and disputes as of one look. Newest first. */
export interface ChainLook extends Market {
  /** Time of the newest block, Unix seconds. */
  readonly now: number;
  readonly disputes: Settings;
  readonly claims: readonly ClaimView[];
}

/** What this device knows of the chain. */
export interface ChainView {
  /** Null until the chain has answered for the first time. */
  readonly chain: ChainLook | null;
  /** Why the chain does not answer now. */
  readonly trouble: string | null;
  readonly device: {
    readonly address: Hex;
    /** Wei. */
    readonly balance: bigint;
    /** Credit in Payments, in wei. */
    readonly credit: bigint;
  } | null;
}

export const EMPTY_CHAIN_VIEW: ChainView = { chain: null, trouble: null, device: null };

export interface ChainWatchOptions {
  readonly client: PublicClient;
  readonly contracts: RollupContracts;
  readonly disputes: DisputesPort;
  /** The device's account. */
  readonly address: Hex;
  /** The clock that `pollMs` is counted on. Defaults to real time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Time between two looks at the chain, in ms. Defaults to 2,000. */
  readonly pollMs?: number;
}

/** Claims that are read at each look. An older one can be looked up by its number. */
const SHOWN_CLAIMS = 50;

/** Looks at jobs, claims and disputes again and again, for the screens and for the work of this device. */
export class ChainWatch {
  readonly store: StoreApi<ChainView> = createStore<ChainView>(() => EMPTY_CHAIN_VIEW);
  readonly #options: ChainWatchOptions;
  readonly #market: MarketReader;
  readonly #poller: Poller;

  constructor(options: ChainWatchOptions) {
    this.#options = options;
    this.#market = new MarketReader(options.client, options.contracts);
    this.#poller = new Poller({
      pass: () => this.#look(),
      intervalMs: options.pollMs ?? 2_000,
      onError: (error) => this.store.setState({ trouble: messageOf(error) }),
      sleep: options.sleep,
    });
  }

  /** Calls `listener` after each successful look. Returns a function that ends this. */
  onLook(listener: (look: ChainLook, device: NonNullable<ChainView['device']>) => void): () => void {
    return this.store.subscribe(({ chain, device }, before) => {
      if (chain !== null && device !== null && chain !== before.chain) listener(chain, device);
    });
  }

  start(): void {
    this.#poller.start();
  }

  stop(): Promise<void> {
    return this.#poller.stop();
  }

  /** Looks now rather than at the next turn. */
  refresh(): void {
    this.#poller.wake();
  }

  async #look(): Promise<void> {
    const { client, contracts, disputes, address } = this.#options;
    const [market, settings, now, made, games] = await Promise.all([
      this.#market.read(),
      disputes.settings(),
      disputes.now(),
      disputes.claims(0),
      disputes.games(0),
    ]);
    const claims = await Promise.all(
      made.slice(-SHOWN_CLAIMS).map(async ({ claim }) => ({
        ...(await disputes.claim(claim)),
        games: await Promise.all(
          games.filter((game) => game.claim === claim).map(({ game }) => disputes.look(game)),
        ),
      })),
    );
    const balance = await client.getBalance({ address });
    const credit = await readCredit(client, contracts.payments, address);
    this.store.setState({
      chain: { ...market, now, disputes: settings, claims: claims.toReversed() },
      device: { address, balance, credit },
      trouble: null,
    });
  }
}
