import {
  type Abi,
  type Address,
  createPublicClient,
  createWalletClient,
  custom,
  decodeFunctionData,
  encodeFunctionResult,
  type Hex,
  numberToHex,
  type PublicClient,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { TransactionQueue } from '../transaction-queue.ts';

/** A contract of a scripted node: what each function returns, or a function of its arguments. */
export interface ScriptedContract {
  readonly address: Address;
  readonly abi: Abi;
  readonly returns: Readonly<Record<string, unknown>>;
}

/** A log as JSON-RPC has it. */
export interface ScriptedLog {
  readonly topics: readonly unknown[];
}

export interface ScriptedNodeOptions {
  readonly contracts: readonly ScriptedContract[];
  /** Logs by which questions for logs are answered, whatever block they ask for. Defaults to none. */
  readonly logs?: readonly ScriptedLog[];
  /** Wei that every account holds. Defaults to 1 ETH. */
  readonly balance?: bigint;
}

/** A transaction that somebody asked the node to estimate, before it would have been sent. */
export interface AttemptedTransaction {
  readonly to: Address;
  readonly functionName: string;
  readonly args: readonly unknown[];
  readonly value: bigint;
}

export interface ScriptedNode {
  readonly client: PublicClient;
  readonly queue: TransactionQueue;
  /** In their order. None is carried out: each one is refused at its estimate. */
  readonly attempted: readonly AttemptedTransaction[];
  /** Methods of all requests, in their order. */
  readonly requests: readonly string[];
}

const APPROVE: Abi = [
  {
    type: 'function',
    name: 'approve',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'spender', type: 'address' },
      { name: 'amount', type: 'uint256' },
    ],
    outputs: [{ name: '', type: 'bool' }],
  },
];
const KEY: Hex = `0x${'07'.repeat(32)}`;
const GAS_PRICE = 1_000_000_000n;

/** Whether a topic of a log is the one asked for, or one of them. Null asks for any. */
function isAsked(topic: unknown, asked: null | Hex | readonly Hex[]): boolean {
  if (asked === null || topic === asked) return true;
  return typeof asked !== 'string' && asked.some((each) => each === topic);
}

/**
 * A node that answers reads from a script, for tests of what is asked and sent rather than of contracts. It
 * speaks JSON-RPC, so that encoding and decoding are the real ones.
 */
export function scriptedNode(options: ScriptedNodeOptions): ScriptedNode {
  const { contracts, logs = [], balance = 10n ** 18n } = options;
  const attempted: AttemptedTransaction[] = [];
  const requests: string[] = [];
  const contractAt = (to: Address): ScriptedContract => {
    const found = contracts.find(({ address }) => address.toLowerCase() === to.toLowerCase());
    if (found === undefined) throw new Error(`the script has no contract at ${to}`);
    return found;
  };
  const answer = (method: string, [first]: readonly unknown[]): unknown => {
    requests.push(method);
    switch (method) {
      case 'eth_call': {
        const { to, data } = first as { readonly to: Address; readonly data: Hex };
        const { abi, returns } = contractAt(to);
        const { functionName, args = [] } = decodeFunctionData({ abi, data });
        const scripted = returns[functionName];
        const result = typeof scripted === 'function' ? scripted(...args) : scripted;
        return encodeFunctionResult({ abi, functionName, result });
      }
      case 'eth_estimateGas': {
        const { to, data, value } = first as {
          readonly to: Address;
          readonly data: Hex;
          readonly value?: Hex;
        };
        const abi = [...contractAt(to).abi, ...APPROVE];
        const { functionName, args = [] } = decodeFunctionData({ abi, data });
        attempted.push({ to, functionName, args, value: BigInt(value ?? 0) });
        throw new Error('the scripted node sends nothing');
      }
      case 'eth_getLogs': {
        const { topics = [] } = first as { readonly topics?: readonly (null | Hex | readonly Hex[])[] };
        return logs.filter((log) => topics.every((asked, i) => isAsked(log.topics[i], asked)));
      }
      case 'eth_getBalance':
        return numberToHex(balance);
      case 'eth_blockNumber':
        return numberToHex(100);
      case 'eth_chainId':
        return numberToHex(31_337);
      case 'eth_gasPrice':
      case 'eth_maxPriorityFeePerGas':
        return numberToHex(GAS_PRICE);
      case 'eth_getBlockByNumber':
        return {
          ...{ number: numberToHex(100), timestamp: numberToHex(1_000), transactions: [] },
          ...{ baseFeePerGas: numberToHex(GAS_PRICE), gasLimit: numberToHex(30_000_000), gasUsed: '0x0' },
        };
      default:
        throw new Error(`the script has no answer to ${method}`);
    }
  };
  const transport = custom(
    { request: async ({ method, params }) => answer(method, Array.isArray(params) ? params : []) },
    { retryCount: 0 },
  );
  const client = createPublicClient({ transport });
  const wallet = createWalletClient({ account: privateKeyToAccount(KEY), transport });
  return { client, queue: new TransactionQueue({ client, wallet }), attempted, requests };
}
