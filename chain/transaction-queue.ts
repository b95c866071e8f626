import {
  type Abi,
  type Account,
  type Address,
  BaseError,
  encodeFunctionData,
  type Hex,
  type Log,
  NonceTooLowError,
  type PublicClient,
  type TransactionReceipt,
  type WalletClient,
} from 'viem';
import { SerialQueue } from '../protocol/serial-queue.ts';
import {
  ChainError,
  ContractRevertError,
  GasLimitError,
  toChainError,
  UnconfirmedTransactionError,
} from './errors.ts';
import * as abis from './generated/abi.ts';
import { sleep as realSleep } from './sleep.ts';
import { sendThroughWallet } from './wallet-transaction.ts';

export interface TransactionQueueOptions {
  readonly client: PublicClient;
  /** Signs and pays. Its account must be set, and no other queue or process may send from that account. */
  readonly wallet: WalletClient;
  /** The most to pay for a unit of gas, in wei. Defaults to whatever the chain asks. */
  readonly maxFeePerGas?: bigint;
  /**
   * How long a transaction may wait for a block before it is replaced by one with higher fees, in ms.
   * Defaults to 15,000.
   */
  readonly patienceMs?: number;
  /** Time between two questions whether a transaction is in a block, in ms. Defaults to 250. */
  readonly pollMs?: number;
  /** The clock that `patienceMs` and `pollMs` are counted on. Defaults to real time. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /**
   * The order in which the account sends. Defaults to one of its own; `TransactionQueues` shares one per
   * account.
   */
  readonly order?: SerialQueue;
}

export interface SendOptions {
  /** Stops waiting. A transaction that was sent before may still come to count. */
  readonly signal?: AbortSignal;
}

/** One call of a contract's function. Actions build it with the types of their ABI. */
export interface ContractCall {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: string;
  readonly args: readonly unknown[];
  /** Wei that go with the call. Defaults to 0. */
  readonly value?: bigint;
}

/** A payment, or a call that no ABI describes. */
export interface Transfer {
  readonly to: Address;
  /** In wei. */
  readonly value: bigint;
  /** Calldata. Defaults to none. */
  readonly data?: Hex;
}

/** A transaction that is in a block and did not revert. */
export interface IncludedTransaction {
  readonly transaction: Hex;
  readonly block: bigint;
  /** Gas that it used. */
  readonly gas: bigint;
  readonly logs: readonly Log[];
}

interface PreparedTransaction {
  readonly to: Address;
  readonly data: Hex;
  readonly value: bigint;
  /** What the node estimates on its newest block. */
  readonly estimate: bigint;
}

/**
 * How often one transaction is sent before the queue gives it up. Each attempt pays a quarter more than the
 * last.
 */
const ATTEMPTS = 6;
/**
 * How often the queue looks for a receipt once the nonce is used. A node can count a transaction before it
 * has its receipt, and a node behind the same address can be a block behind.
 */
const LOOKS_FOR_RECEIPT = 8;
/** The most gas that one transaction may have (EIP-7825). */
const GAS_CAP = 16_777_216n;
/** A contract may pass on the revert of another one, whose errors its own ABI does not list. */
const ALL_ERRORS: Abi = Object.values(abis).flatMap((abi: Abi) => abi.filter(({ type }) => type === 'error'));
const NEVER = new AbortController().signal;

/**
 * Sends the transactions of one account on one chain, one at a time, and sees each into a block. Whatever an
 * account does (jobs, payments, campaigns, disputes, batches of attestations) goes through its one queue, so
 * that no two transactions take the same nonce.
 *
 * Where the wallet holds the key (a viem local account), the queue sets nonce and fees itself. The nonce is
 * the chain's own count of the account's transactions in blocks: a restart goes on where the chain stands,
 * and a gap that a dropped transaction left is closed by the next one. A transaction that is dropped or stuck
 * is replaced under its nonce with higher fees, so that at most one of the attempts can count.
 *
 * Where the account signs elsewhere (a browser wallet behind EIP-1193), that wallet chooses nonce and fees,
 * and the person may replace a transaction there. The queue then only keeps the order: it sends once and
 * waits.
 */
export class TransactionQueue {
  readonly client: PublicClient;
  /** The account that pays. */
  readonly address: Address;
  readonly #wallet: WalletClient;
  readonly #account: Account;
  readonly #order: SerialQueue;
  readonly #maxFeePerGas: bigint | undefined;
  readonly #patienceMs: number;
  readonly #pollMs: number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;

  /** Throws ChainError `invalid` for a wallet without an account. */
  constructor(options: TransactionQueueOptions) {
    const { client, wallet, maxFeePerGas, patienceMs = 15_000, pollMs = 250, sleep = realSleep } = options;
    this.client = client;
    this.#wallet = wallet;
    this.#account = accountOf(wallet);
    this.address = this.#account.address;
    this.#order = options.order ?? new SerialQueue();
    this.#maxFeePerGas = maxFeePerGas;
    this.#patienceMs = patienceMs;
    this.#pollMs = pollMs;
    this.#sleep = sleep;
  }

  /**
   * Makes a call in its turn and resolves once it is in a block. The call is tried on the newest block first,
   * so what the contract would refuse costs nothing. Rejects with
   * - ContractRevertError: the contract refused it, before it was sent or in a block;
   * - GasLimitError: it needs more gas than one transaction may have;
   * - UnconfirmedTransactionError: it was sent and is not known to count; read the chain again before
   *   repeating it;
   * - ReplacedTransactionError: the person cancelled or replaced it in the wallet, so it never counts;
   * - WalletError: the wallet did not send it;
   * - ChainError for everything else, and the signal's reason once that fires.
   */
  call(call: ContractCall, options: SendOptions = {}): Promise<IncludedTransaction> {
    return this.#inTurn(options, async () => {
      const { address, abi, functionName, args, value = 0n } = call;
      // Not against pending transactions: what waits may be an earlier attempt that never comes to count.
      const estimate = await this.client.estimateContractGas({
        address,
        abi: [...abi, ...ALL_ERRORS],
        functionName,
        args,
        value,
        account: this.#account,
        blockTag: 'latest',
      });
      return { to: address, data: encodeFunctionData({ abi, functionName, args }), value, estimate };
    });
  }

  /** Pays in its turn and resolves once the payment is in a block. Rejects as `call` does. */
  transfer({ to, value, data = '0x' }: Transfer, options: SendOptions = {}): Promise<IncludedTransaction> {
    return this.#inTurn(options, async () => {
      const estimate = await this.client.estimateGas({ account: this.#account, to, value, data });
      return { to, data, value, estimate };
    });
  }

  #inTurn(
    { signal = NEVER }: SendOptions,
    prepare: () => Promise<PreparedTransaction>,
  ): Promise<IncludedTransaction> {
    return this.#order.run(async () => {
      try {
        signal.throwIfAborted();
        const prepared = await prepare();
        signal.throwIfAborted();
        const { client } = this;
        const [wallet, account] = [this.#wallet, this.#account];
        const receipt =
          account.type === 'local'
            ? await this.#sendSigned(prepared, signal)
            : await sendThroughWallet({ ...prepared, client, wallet, account, signal });
        return included(receipt);
      } catch (error) {
        signal.throwIfAborted();
        throw toChainError(error);
      }
    });
  }

  async #sendSigned(
    { to, data, value, estimate }: PreparedTransaction,
    signal: AbortSignal,
  ): Promise<TransactionReceipt> {
    const gas = (estimate * 5n) / 4n;
    if (gas > GAS_CAP) throw new GasLimitError(gas, GAS_CAP);
    const nonce = await this.client.getTransactionCount({ address: this.address, blockTag: 'latest' });
    const sent: Hex[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      signal.throwIfAborted();
      const fees = await this.#fees(attempt);
      const { chain } = this.#wallet;
      const hash = await this.#wallet
        .sendTransaction({ account: this.#account, chain, to, data, value, nonce, gas, ...fees })
        .catch((error: unknown) => {
          // After the first attempt a refusal may only mean that an earlier attempt is in a block by now.
          if (attempt > 0 || isNonceTaken(error)) return undefined;
          throw error;
        });
      if (hash !== undefined) sent.push(hash);
      // The node holds a pending transaction with this nonce, perhaps from an earlier process. Retry with a
      // higher fee.
      else if (attempt + 1 < ATTEMPTS && sent.length === 0) continue;
      const receipt = await this.#waitFor(sent, nonce, signal);
      if (receipt !== 'pending') return receipt;
    }
    throw new UnconfirmedTransactionError(sent);
  }

  /** The fees that the node suggests, a quarter more for each earlier attempt. */
  async #fees(attempt: number) {
    const most = this.#maxFeePerGas;
    const fees = await this.client.estimateFeesPerGas();
    if (most !== undefined && fees.maxPriorityFeePerGas > most) {
      const gwei = most / 1_000_000_000n;
      throw new ChainError('refused', `Gas costs more than the limit of ${gwei} gwei. Raise it, or wait.`);
    }
    const raise = (fee: bigint): bigint => {
      const raised = (fee * 5n ** BigInt(attempt)) / 4n ** BigInt(attempt) + 1n;
      return most !== undefined && raised > most ? most : raised;
    };
    return {
      maxFeePerGas: raise(fees.maxFeePerGas),
      maxPriorityFeePerGas: raise(fees.maxPriorityFeePerGas),
    };
  }

  /**
   * The receipt of whichever attempt is in a block, or 'pending' after `patienceMs` without one. Throws
   * UnconfirmedTransactionError when something else used the nonce.
   */
  async #waitFor(
    sent: readonly Hex[],
    nonce: number,
    signal: AbortSignal,
  ): Promise<TransactionReceipt | 'pending'> {
    const { client, address } = this;
    let looksSinceUsed = 0;
    for (let waited = 0; waited < this.#patienceMs || looksSinceUsed > 0; waited += this.#pollMs) {
      const used = (await client.getTransactionCount({ address, blockTag: 'latest' })) > nonce;
      for (const hash of sent) {
        const receipt = await client.getTransactionReceipt({ hash }).catch(() => undefined);
        if (receipt !== undefined) return receipt;
      }
      looksSinceUsed = used ? looksSinceUsed + 1 : 0;
      if (looksSinceUsed > LOOKS_FOR_RECEIPT) throw new UnconfirmedTransactionError(sent);
      await this.#sleep(this.#pollMs, signal);
      signal.throwIfAborted();
    }
    return 'pending';
  }
}

/**
 * The queues of one process or tab: whoever opens one for the same account of the same chain waits in the
 * same order.
 */
export class TransactionQueues {
  readonly #orders = new Map<string, SerialQueue>();

  /** A queue for the wallet's account. Throws ChainError `invalid` for a wallet without an account. */
  open(options: Omit<TransactionQueueOptions, 'order'>): TransactionQueue {
    const { wallet, client } = options;
    const key = `${wallet.chain?.id ?? client.chain?.id} ${accountOf(wallet).address.toLowerCase()}`;
    const order = this.#orders.get(key) ?? new SerialQueue();
    this.#orders.set(key, order);
    return new TransactionQueue({ ...options, order });
  }
}

function accountOf({ account }: WalletClient): Account {
  if (account !== undefined) return account;
  throw new ChainError('invalid', 'The wallet has no account to pay from. Connect one.');
}

function included({
  status,
  transactionHash,
  blockNumber,
  gasUsed,
  logs,
}: TransactionReceipt): IncludedTransaction {
  if (status === 'success') return { transaction: transactionHash, block: blockNumber, gas: gasUsed, logs };
  throw new ContractRevertError('Something else came first on the chain. Look again and repeat.', {
    reason: 'Reverted',
    transaction: transactionHash,
  });
}

/** Whether the node refused a transaction because of another one with its nonce, pending or in a block. */
function isNonceTaken(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  if (error.walk((cause) => cause instanceof NonceTooLowError) !== null) return true;
  return /underpriced|already (known|imported)|nonce too low/i.test(`${error.details} ${error.shortMessage}`);
}
