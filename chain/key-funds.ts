import {
  type Address,
  createWalletClient,
  getAbiItem,
  getContract,
  type Hex,
  type PublicClient,
  zeroAddress,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { RollupContracts } from '../protocol/rollup.ts';
import { firstBlockSince } from './attestations.ts';
import { PHASES } from './disputes/port.ts';
import { ChainError, toChainError } from './errors.ts';
import { disputesAbi, jobsAbi } from './generated/abi.ts';
import { readJob } from './jobs/job.ts';
import { type BlockRange, logsOfBlocks } from './logs.ts';
import { type ChainNetwork, type ConnectOptions, chainOf, connect, transportOf } from './network.ts';
import { COIN, readCredit, withdrawCredit } from './payments.ts';
import { TransactionQueue } from './transaction-queue.ts';

/** What a device's account has on the chain, in wei. Other tokens are not counted. */
export interface KeyFunds {
  /** Its coin. */
  readonly balance: bigint;
  /** What Payments and Disputes owe it, which it can draw. */
  readonly credit: bigint;
  /** Bonds of its claims, challenges and jobs that are not decided. Only this key can defend them. */
  readonly bonded: bigint;
}

export interface KeyFundsOptions {
  readonly client: PublicClient;
  /** Undefined for a network without paid training, where nothing is bonded. */
  readonly rollup: RollupContracts | undefined;
}

/**
 * What an account laid bonds down for, and up to which of its transactions and blocks that was looked for.
 */
interface LaidBonds {
  nonce: number;
  next: bigint;
  readonly claims: Set<bigint>;
  readonly games: Set<bigint>;
  readonly jobs: Set<bigint>;
}

/** Bonds that were laid down longer ago, in seconds, are not looked for: 30 days. */
const LOOK_BACK_SECONDS = 30 * 86_400;
/** Blocks that are read again, because a node may replace the newest. */
const REPLACEABLE = 64n;

/**
 * Reads what accounts have, are owed and have bonded. Only an account's own logs are asked for, and only
 * after it has sent a transaction since the last time: nobody else lays down its bonds.
 */
export class KeyFundsReader {
  readonly #client: PublicClient;
  readonly #rollup: RollupContracts | undefined;
  readonly #laid = new Map<Address, LaidBonds>();

  constructor({ client, rollup }: KeyFundsOptions) {
    this.#client = client;
    this.#rollup = rollup;
  }

  /** Throws ChainError. */
  async read(address: Address): Promise<KeyFunds> {
    const client = this.#client;
    const rollup = this.#rollup;
    try {
      const balance = await client.getBalance({ address });
      if (rollup === undefined) return { balance, credit: 0n, bonded: 0n };
      const [paid, won, bonded] = await Promise.all([
        readCredit(client, rollup.payments, address),
        disputesAt(client, rollup).read.credit([address]),
        this.#bonded(address, rollup),
      ]);
      return { balance, credit: paid + won, bonded };
    } catch (error) {
      throw toChainError(error);
    }
  }

  async #bonded(me: Address, rollup: RollupContracts): Promise<bigint> {
    const client = this.#client;
    const { claims, games, jobs } = await this.#laidBy(me, rollup);
    const contract = disputesAt(client, rollup);
    let bonded = 0n;
    for (const id of claims) {
      const { lost, settled, bond } = await contract.read.claimOf([id]);
      if (!lost && !settled) bonded += bond;
    }
    for (const id of games) {
      const { phase, bond } = await contract.read.gameOf([id]);
      if (PHASES[phase] !== 'over') bonded += bond;
    }
    for (const id of jobs) {
      const { state, worker, order } = await readJob(client, rollup.jobs, id);
      const isMine = worker?.toLowerCase() === me.toLowerCase();
      const isOpen = state === 'claimed' || state === 'delivered';
      if (isMine && isOpen && order.token === COIN) bonded += order.bond;
    }
    return bonded;
  }

  async #laidBy(me: Address, { disputes, jobs }: RollupContracts): Promise<LaidBonds> {
    const client = this.#client;
    const nonce = await client.getTransactionCount({ address: me, blockTag: 'latest' });
    const known = this.#laid.get(me);
    if (known?.nonce === nonce) return known;
    const laid = known ?? { nonce: 0, next: 0n, claims: new Set(), games: new Set(), jobs: new Set() };
    if (nonce === 0) return laid;
    const { number, timestamp } = await client.getBlock({ blockTag: 'latest' });
    const first = known?.next ?? (await firstBlockSince(client, Number(timestamp) - LOOK_BACK_SECONDS));
    const read = <Entry>(ask: (range: BlockRange) => Promise<readonly Entry[]>) =>
      logsOfBlocks(first, number, ask);
    const strict = true;
    const [made, challenged, worked] = await Promise.all([
      read((range) =>
        client.getLogs({ ...range, strict, address: disputes, event: CLAIMED, args: { claimant: me } }),
      ),
      read((range) =>
        client.getLogs({ ...range, strict, address: disputes, event: CHALLENGED, args: { challenger: me } }),
      ),
      read((range) =>
        client.getLogs({ ...range, strict, address: jobs, event: WORKED, args: { worker: me } }),
      ),
    ]);
    for (const { args } of made) laid.claims.add(args.claim);
    for (const { args } of challenged) laid.games.add(args.game);
    for (const { args } of worked) laid.jobs.add(args.job);
    laid.nonce = nonce;
    laid.next = number > REPLACEABLE ? number - REPLACEABLE : 0n;
    this.#laid.set(me, laid);
    return laid;
  }
}

const CLAIMED = getAbiItem({ abi: disputesAbi, name: 'Claimed' });
const CHALLENGED = getAbiItem({ abi: disputesAbi, name: 'Challenged' });
const WORKED = getAbiItem({ abi: jobsAbi, name: 'Claimed' });

export interface SweepOptions extends ConnectOptions {
  readonly network: ChainNetwork;
  /** 32 bytes of the key whose coin is sent. */
  readonly secret: Hex;
  /** Who gets it. */
  readonly to: Address;
}

/**
 * Draws what an account is owed, and sends all of its coin but the price of sending. Refuses while bonds are
 * at stake, because the key needs coin to defend them. Returns the wei that were sent. Throws ChainError.
 */
export async function sweepKey(options: SweepOptions): Promise<bigint> {
  const { network, secret, to, signal } = options;
  if (to === zeroAddress) throw new ChainError('invalid', 'Nobody owns the zero address. Name another one.');
  const { rollup } = network;
  const client = connect(network, options);
  const account = privateKeyToAccount(secret);
  const { address } = account;
  if (to.toLowerCase() === address.toLowerCase())
    throw new ChainError('invalid', 'That is the address of this key itself. Name another one.');
  const wallet = createWalletClient({
    account,
    chain: chainOf(network),
    transport: transportOf(network, options),
  });
  const queue = new TransactionQueue({ client, wallet });
  const { bonded, credit } = await new KeyFundsReader({ client, rollup }).read(address);
  if (bonded > 0n)
    throw new ChainError(
      'refused',
      'Bonds of this key are at stake, and it needs its coin to defend them. Send it once they are decided.',
    );
  try {
    if (rollup !== undefined && credit > 0n) {
      const won = await disputesAt(client, rollup).read.credit([address]);
      const call = { address: rollup.disputes, abi: disputesAbi, functionName: 'withdraw', args: [] };
      if (won > 0n) await queue.call(call, { signal });
      if (credit > won) await withdrawCredit({ queue, payments: rollup.payments });
    }
    const value = await sendable(client, address, to);
    await queue.transfer({ to, value }, { signal });
    return value;
  } catch (error) {
    throw toChainError(error);
  }
}

/**
 * What is left of an account's coin after a transfer at twice the present fees, with the quarter more gas
 * that TransactionQueue allows for.
 */
async function sendable(client: PublicClient, address: Address, to: Address): Promise<bigint> {
  const [balance, { maxFeePerGas }, gas] = await Promise.all([
    client.getBalance({ address }),
    client.estimateFeesPerGas(),
    client.estimateGas({ account: address, to, value: 1n }),
  ]);
  const price = ((gas * 5n) / 4n) * maxFeePerGas * 2n;
  if (balance <= price)
    throw new ChainError(
      'refused',
      'The key holds no more coin than sending it would cost. Nothing was sent.',
    );
  return balance - price;
}

function disputesAt(client: PublicClient, { disputes }: RollupContracts) {
  return getContract({ address: disputes, abi: disputesAbi, client });
}
