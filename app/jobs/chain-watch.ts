import type { PublicClient } from 'viem';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { DisputesPort, Settings } from '../../chain/disputes/port.ts';
import { readCredit } from '../../chain/payments.ts';
import { Poller } from '../../chain/poller.ts';
import type { Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { type Market, MarketReader } from './market.ts';
import { type ClaimView, ShownClaims } from './shown-claims.ts';

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

/** What a screen shows beside the newest tasks and those of this device. */
export interface WatchFocus {
  /** The connected wallet's account, lower case. */
  readonly account: Hex | null;
  /** Number of a campaign. */
  readonly campaign: bigint | null;
}

/** Tasks that are shown at first, and how many more each time that older ones are asked for. */
const SHOWN_TASKS = 32;
/** Older tasks can be shown up to so many; one of them alone by its number. */
const MOST_TASKS = 512;

/** Looks at jobs, claims and disputes again and again, for the screens and for the work of this device. */
export class ChainWatch {
  readonly store: StoreApi<ChainView> = createStore<ChainView>(() => EMPTY_CHAIN_VIEW);
  readonly #options: ChainWatchOptions;
  readonly #market: MarketReader;
  readonly #claims: ShownClaims;
  #focus: WatchFocus = { account: null, campaign: null };
  #newest = SHOWN_TASKS;
  readonly #poller: Poller;

  constructor(options: ChainWatchOptions) {
    this.#options = options;
    this.#market = new MarketReader(options.client, options.contracts);
    this.#claims = new ShownClaims(options.disputes);
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

  /** Shows the tasks of a wallet, and one task by its number, from the next look on. */
  follow(focus: WatchFocus): void {
    const { account, campaign } = this.#focus;
    if (account === focus.account && campaign === focus.campaign) return;
    this.#focus = focus;
    this.refresh();
  }

  /** Shows more of the older tasks from the next look on. */
  showOlder(): void {
    this.#newest = Math.min(MOST_TASKS, this.#newest + SHOWN_TASKS);
    this.refresh();
  }

  async #look(): Promise<void> {
    const { client, contracts, disputes, address } = this.#options;
    const { account, campaign } = this.#focus;
    const device = address.toLowerCase() as Hex;
    const [market, settings, now, balance, credit] = await Promise.all([
      this.#market.read({
        accounts: account === null || account === device ? [device] : [device, account],
        campaign: campaign ?? undefined,
        newest: this.#newest,
      }),
      disputes.settings(),
      disputes.now(),
      client.getBalance({ address }),
      readCredit(client, contracts.payments, address),
    ]);
    const delivered = market.jobs.flatMap(({ delivery }) => (delivery === undefined ? [] : [delivery.claim]));
    const claims = await this.#claims.read(settings, now, delivered);
    const hasOlder = market.hasOlder && this.#newest < MOST_TASKS;
    this.store.setState({
      chain: { ...market, hasOlder, now, disputes: settings, claims },
      device: { address, balance, credit },
      trouble: null,
    });
  }
}
