import { type ContractFunctionArgs, type Hex, parseEventLogs } from 'viem';
import {
  ChainError,
  ContractRevertError,
  toChainError,
  UnconfirmedTransactionError,
} from '../chain/errors.ts';
import { participationAbi } from '../chain/generated/abi.ts';
import { attestationDigest, MAX_WINNERS, voteDigest } from '../chain/ledger.ts';
import { Poller } from '../chain/poller.ts';
import { type ParticipationRecord, readHeard, readRecords } from '../chain/records.ts';
import { type RejectReason, rejectReasonOf } from '../chain/reject-reasons.ts';
import { compactSignature, isSignedBy } from '../chain/signatures.ts';
import type { SwarmLocation } from '../chain/swarm-location.ts';
import type { IncludedTransaction, TransactionQueue } from '../chain/transaction-queue.ts';
import { type DeviceAddress, toHex } from '../protocol/hex.ts';
import type { Attestation, RoundClock, Signed, Vote } from '../protocol/ledger.ts';
import { sha256Of } from '../protocol/sha256-of.ts';
import { accountOf, rankOf, type Standing } from '../protocol/standing.ts';
import { GasBudget, type SpentDay } from './gas-budget.ts';
import { ATTESTATION_GAS, type Planned, planGas, VOTE_GAS, WINNER_GAS } from './gas-plan.ts';
import { type Entry, type Queued, type RoundStatement, StatementQueue } from './submitter-queue.ts';

/** A statement as events name it. */
interface Named {
  readonly what: 'attestation' | 'vote';
  /** Lower case. */
  readonly device: Hex;
  readonly round: number;
}

export type SubmitterEvent =
  /** In a block, posted by this submitter. `gas` is an equal share of the transaction's. */
  | ({
      readonly kind: 'included';
      readonly block: number;
      readonly transaction: Hex;
      readonly gas: number;
      readonly batch: number;
    } & Named)
  /** The chain has heard the device on this round already, from this or another poster. */
  | ({ readonly kind: 'already' } & Named)
  /** It will never count. */
  | ({ readonly kind: 'refused'; readonly reason: RejectReason } & Named)
  /** There is no gas left for some of what waits. Told once for each standing and round. */
  | { readonly kind: 'spent'; readonly sentence: string }
  /** Nothing is lost; it is tried again. The sentence names the cause. */
  | { readonly kind: 'trouble'; readonly sentence: string };

export type Added = Queued | 'stale' | 'early' | 'invalid';

export interface SubmitterOptions {
  /** Of the account that pays. */
  readonly queue: TransactionQueue;
  readonly chainId: number;
  /** The swarm whose statements it posts. */
  readonly location: SwarmLocation;
  readonly clock: RoundClock;
  /** What the chain says of a device. Never rejects. */
  readonly standingOf: (device: DeviceAddress) => Promise<Standing>;
  /** Gas that is spent in one round at most. Defaults to 8 million. */
  readonly gasPerRound?: number;
  /** Gas that is spent in 24 hours at most. Defaults to 4 billion. */
  readonly gasPerDay?: number;
  /**
   * Gas that one owner, or one device without owner, may cost in 24 hours. Defaults to no limit of its own.
   */
  readonly gasPerAccount?: number;
  /** 32 bytes that order accounts where gas runs out. Nobody else may know them. Defaults to random ones. */
  readonly secret?: Uint8Array;
  /** What an earlier process spent, on the same clock. Defaults to nothing. */
  readonly before?: SpentDay;
  /** A clock in ms, for the day. Defaults to `performance.now`. */
  readonly now?: () => number;
  readonly onEvent?: (event: SubmitterEvent) => void;
  /** Time between two looks at the waiting statements, in ms. Defaults to 1000, a block of a local chain. */
  readonly intervalMs?: number;
  /** Most attestations that wait, and as many votes. Default 4096. */
  readonly queueLimit?: number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The events that say what became of an entry. */
const SETTLING = ['Attested', 'AttestationSkipped', 'Voted', 'VoteSkipped'] as const;
/** `WINDOW` of the contract. */
const WINDOW = 2;
/** Entries of one transaction; about 1.1 million gas of attestations. */
const BATCH = 64;
/** Winners of one transaction of votes, each 5,000 gas. */
const WINNERS_A_BATCH = 400;
/** Whom a budget is spent for, by rank. */
const WHOM = ['all devices', 'devices without an owner', 'devices without an owner or a record'] as const;

/**
 * Posts what devices signed, for devices that have no coin. Anybody may run one, and several may run at once:
 * what counts is in the signatures. It holds no truth of its own: before each batch it asks the chain what is
 * there already, so dropped transactions, other posters and restarts only repeat questions.
 *
 * It pays by a budget. Devices of owners come first, devices with a record next, and keys that the chain does
 * not know have a small share of gas and lose their places to the others.
 */
export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #attestations: StatementQueue<Attestation>;
  readonly #votes: StatementQueue<Vote>;
  readonly #poller: Poller;
  readonly #budget: GasBudget;
  readonly #secret: Uint8Array;
  /** Of which budgets `spent` was told, and when. */
  readonly #told = new Map<string, number>();

  constructor(options: SubmitterOptions) {
    const { queueLimit = 4096, intervalMs = 1000, sleep } = options;
    const { gasPerRound = 8e6, gasPerDay = 4e9, now = () => performance.now() } = options;
    this.#options = options;
    this.#secret = options.secret ?? crypto.getRandomValues(new Uint8Array(32));
    this.#budget = new GasBudget({
      gasPerRound,
      gasPerDay,
      ...(options.gasPerAccount === undefined ? {} : { gasPerAccount: options.gasPerAccount }),
      now,
      ...(options.before === undefined ? {} : { before: options.before }),
      round: () => options.clock.read().round,
    });
    this.#attestations = new StatementQueue(queueLimit);
    this.#votes = new StatementQueue(queueLimit);
    this.#poller = new Poller({
      pass: async (signal) => {
        await this.#postAttestations(signal);
        await this.#postVotes(signal);
      },
      onError: (error) => this.#trouble(error),
      intervalMs,
      sleep,
    });
  }

  get #swarm(): bigint {
    return BigInt(this.#options.location.swarm);
  }

  /** How many statements wait. */
  get waiting(): { readonly attestations: number; readonly votes: number } {
    return { attestations: this.#attestations.size, votes: this.#votes.size };
  }

  /** What the day has cost so far, for the next process. */
  get spentToday(): SpentDay {
    return this.#budget.day;
  }

  /** Gas of the day's budget that is left. */
  get gasLeftToday(): number {
    return this.#budget.leftToday();
  }

  /** Verifies an attestation and queues it. What it does not take costs nothing and changes nothing. */
  async addAttestation(signed: Signed<Attestation>): Promise<Added> {
    const { chainId, location } = this.#options;
    return this.#add(
      this.#attestations,
      signed,
      () => attestationDigest(chainId, location, signed.value),
      async (rank) => rank,
    );
  }

  /** Verifies a vote and queues it until the chain knows the voter and every winner, or the round closes. */
  async addVote(signed: Signed<Vote>): Promise<Added> {
    const { chainId, location } = this.#options;
    const { winners } = signed.value;
    if (winners.length === 0 || winners.length > MAX_WINNERS || !ascends(winners)) return 'invalid';
    return this.#add(
      this.#votes,
      signed,
      () => voteDigest(chainId, location, signed.value),
      // A vote that cannot be posted yet, and perhaps never, waits behind those that can.
      async (rank) => (rank < 2 && !(await this.#areKnown([signed.device, ...winners])) ? rank + 1 : rank),
    );
  }

  /** Posts from now on. Does nothing when it does already. */
  start(): void {
    this.#poller.start();
  }

  /** Stops posting and resolves when nothing is under way. What waits stays queued. */
  async stop(): Promise<void> {
    await this.#poller.stop();
  }

  async #add<T extends { readonly round: number }>(
    queue: StatementQueue<T>,
    signed: Signed<T>,
    digest: () => Hex,
    rankFrom: (rank: number) => Promise<number>,
  ): Promise<Added> {
    const { round } = signed.value;
    const current = this.#options.clock.read().round;
    if (round < current - WINDOW) return 'stale';
    // One ahead, because a device's clock may be ahead of this one.
    if (round > current + 1) return 'early';
    if (queue.has(signed.device, round)) return 'duplicate';
    try {
      if (!(await isSignedBy(signed.device, digest(), signed.signature))) return 'invalid';
    } catch {
      return 'invalid';
    }
    const standing = await this.#options.standingOf(signed.device);
    const rank = await rankFrom(rankOf(standing));
    return queue.add({ signed, rank, account: accountOf(signed.device, standing) });
  }

  /** Whether the chain has heard all of them; false while the node is out of reach. */
  async #areKnown(devices: readonly Hex[]): Promise<boolean> {
    try {
      const records = await this.#records(devices.map(lower));
      return [...records.values()].every(({ lastRound }) => lastRound !== undefined);
    } catch {
      return false;
    }
  }

  async #postAttestations(signal: AbortSignal): Promise<void> {
    this.#dropClosed(this.#attestations, 'attestation');
    const rounds = this.#attestations.waiting().map(({ signed }) => signed.value.round);
    for (const round of [...new Set(rounds)].sort((a, b) => a - b)) {
      if (round > this.#options.clock.read().round) continue;
      const open = await this.#unheard(this.#attestations, 'attestation');
      const due = open.filter(({ signed }) => signed.value.round === round);
      const batch = this.#affordable(due, () => ATTESTATION_GAS).slice(0, BATCH);
      if (batch.length === 0 || signal.aborted) continue;
      const entries = batch.map(({ entry }) => attestationEntry(entry.signed));
      await this.#post('attestBatch', [this.#swarm, BigInt(round), entries], batch, signal);
    }
  }

  async #postVotes(signal: AbortSignal): Promise<void> {
    this.#dropClosed(this.#votes, 'vote');
    const current = this.#options.clock.read().round;
    const open = await this.#unheard(this.#votes, 'vote');
    const due = open.filter(({ signed }) => signed.value.round <= current);
    const named = new Set(due.flatMap(({ signed }) => namesIn(signed).map(lower)));
    const known = await this.#records([...named]);
    // Voters and winners become known by attesting, which most do later in the round; until then the vote can
    // wait.
    const ready = due.filter(({ signed }) =>
      namesIn(signed).every((each) => known.get(lower(each))?.lastRound !== undefined),
    );
    const affordable = this.#affordable(ready, ({ value }) => VOTE_GAS + WINNER_GAS * value.winners.length);
    const batch: Planned<Vote>[] = [];
    let winners = 0;
    for (const planned of affordable.slice(0, BATCH)) {
      winners += planned.entry.signed.value.winners.length;
      if (batch.length > 0 && winners > WINNERS_A_BATCH) break;
      // Two rounds of one device in one batch are fine: the lower comes first.
      batch.push(planned);
    }
    if (batch.length === 0 || signal.aborted) return;
    await this.#post(
      'voteBatch',
      [this.#swarm, batch.map(({ entry }) => voteEntry(entry.signed))],
      batch,
      signal,
    );
  }

  /** The entries for which there is gas, in the order of service. Says once where there is none. */
  #affordable<T extends RoundStatement>(
    entries: readonly Entry<T>[],
    gasOf: (signed: Signed<T>) => number,
  ): readonly Planned<T>[] {
    const { round } = this.#options.clock.read();
    return planGas({
      entries,
      gasOf,
      budget: this.#budget,
      placeOf: (account) => toHex(sha256Of(this.#secret, new TextEncoder().encode(`${round} ${account}`))),
      onSpent: (rank) => this.#tellSpent(rank),
    });
  }

  #tellSpent(rank: number): void {
    const period = this.#budget.spent(rank);
    const { round } = this.#options.clock.read();
    const key = `${rank} ${period}`;
    if (this.#told.get(key) === round) return;
    this.#told.set(key, round);
    const sentence = `The gas of this ${period} for ${WHOM[rank]} is spent. What waits goes on with the next ${period}; raise the budget to post more.`;
    this.#emit({ kind: 'spent', sentence });
  }

  /** Sends a batch, charges what it took and settles every entry that its receipt names. */
  async #post<Name extends 'attestBatch' | 'voteBatch'>(
    functionName: Name,
    args: ContractFunctionArgs<typeof participationAbi, 'nonpayable', Name> & readonly unknown[],
    batch: readonly Planned<RoundStatement>[],
    signal: AbortSignal,
  ): Promise<void> {
    const { queue, location } = this.#options;
    const address = location.participation;
    const planned = batch.reduce((sum, { gas }) => sum + gas, 0);
    const charge = (gas: number): void => {
      for (const { entry, gas: part } of batch)
        this.#budget.spend(entry.rank, (gas * part) / planned, entry.account);
    };
    try {
      const included = await queue.call({ address, abi: participationAbi, functionName, args }, { signal });
      charge(Number(included.gas));
      this.#settle(included);
    } catch (error) {
      const unconfirmed = error instanceof UnconfirmedTransactionError;
      // It was paid for, or may have been.
      if (unconfirmed || (error instanceof ContractRevertError && error.transaction !== undefined))
        charge(planned);
      // The next look at the queue asks the chain what became of it.
      if (unconfirmed) return;
      throw error;
    }
  }

  #settle(included: IncludedTransaction): void {
    const { participation } = this.#options.location;
    const own = included.logs.filter(({ address }) => lower(address) === lower(participation));
    const logs = parseEventLogs({ abi: participationAbi, logs: own, eventName: [...SETTLING] });
    const counted = logs.filter(({ eventName }) => eventName === 'Attested' || eventName === 'Voted').length;
    for (const { eventName, args } of logs) {
      const what = eventName === 'Attested' || eventName === 'AttestationSkipped' ? 'attestation' : 'vote';
      const name: Named = { what, device: lower(args.device), round: Number(args.round) };
      const queue = what === 'attestation' ? this.#attestations : this.#votes;
      queue.remove(name.device, name.round);
      if ('reason' in args) {
        const reason = rejectReasonOf(args.reason);
        this.#emit(
          reason.name === 'repeated' ? { kind: 'already', ...name } : { kind: 'refused', reason, ...name },
        );
      } else {
        this.#emit({
          kind: 'included',
          ...name,
          block: Number(included.block),
          transaction: included.transaction,
          gas: Math.round(Number(included.gas) / counted),
          batch: counted,
        });
      }
    }
  }

  #dropClosed<T extends { readonly round: number }>(queue: StatementQueue<T>, what: Named['what']): void {
    const current = this.#options.clock.read().round;
    for (const { signed } of queue.waiting()) {
      const { device, value } = signed;
      if (value.round >= current - WINDOW) continue;
      queue.remove(device, value.round);
      this.#emit({
        kind: 'refused',
        what,
        device: lower(device),
        round: value.round,
        reason: rejectReasonOf(3),
      });
    }
  }

  /** What waits and the chain has not heard; what it has heard is settled on the way. */
  async #unheard<T extends { readonly round: number }>(
    queue: StatementQueue<T>,
    what: Named['what'],
  ): Promise<readonly Entry<T>[]> {
    const { queue: transactions, location } = this.#options;
    const { client } = transactions;
    const waiting = queue.waiting();
    const settled = new Set<Entry<T>>();
    for (const round of new Set(waiting.map(({ signed }) => signed.value.round))) {
      const entries = waiting.filter(({ signed }) => signed.value.round === round);
      for (let i = 0; i < entries.length; i += 256) {
        const some = entries.slice(i, i + 256);
        const devices = some.map(({ signed }) => lower(signed.device));
        const heard = await readHeard({ client, location, what, devices, round });
        for (const entry of some) if (heard.has(lower(entry.signed.device))) settled.add(entry);
      }
    }
    for (const { signed } of settled) {
      const { round } = signed.value;
      queue.remove(signed.device, round);
      this.#emit({ kind: 'already', what, device: lower(signed.device), round });
    }
    return waiting.filter((entry) => !settled.has(entry));
  }

  async #records(devices: readonly Hex[]): Promise<ReadonlyMap<Hex, ParticipationRecord>> {
    const { queue, location } = this.#options;
    const unique = [...new Set(devices)];
    const found = new Map<Hex, ParticipationRecord>();
    for (let i = 0; i < unique.length; i += 256) {
      const some = unique.slice(i, i + 256);
      const records = await readRecords(queue.client, location, some);
      for (const [j, record] of records.entries()) found.set(some[j] ?? '0x', record);
    }
    return found;
  }

  #trouble(error: unknown): void {
    // A batch that came a moment before its round, or after its window, is no trouble: the next look at the
    // queue settles it.
    if (error instanceof ContractRevertError && ['Refused', 'Reverted'].includes(error.reason)) return;
    this.#emit({ kind: 'trouble', sentence: toChainError(error).message });
  }

  #emit(event: SubmitterEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** Everybody whom the chain must know before it takes a vote. */
function namesIn({ device, value }: Signed<Vote>): readonly Hex[] {
  return [device, ...value.winners];
}

function attestationEntry({ value, device, signature }: Signed<Attestation>) {
  const { checkpointRoot, rolloutDigest } = value;
  return { device, checkpointRoot, rolloutDigest, ...compact(signature) };
}

function voteEntry({ value, device, signature }: Signed<Vote>) {
  return { device, round: BigInt(value.round), winners: value.winners, ...compact(signature) };
}

/** Only verified signatures are queued, and those have a compact form. */
function compact(signature: Hex) {
  const found = compactSignature(signature);
  if (found === undefined) throw new ChainError('invalid', 'A queued signature is damaged. Report this.');
  return found;
}

function ascends(addresses: readonly Hex[]): boolean {
  return addresses.every((each, i) => i === 0 || lower(addresses[i - 1] ?? '0x') < lower(each));
}

function lower(address: Hex): Hex {
  return `0x${address.slice(2).toLowerCase()}`;
}
