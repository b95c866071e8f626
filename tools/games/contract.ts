/**
 * The real contract, played by a node: one call of eth_simulateV1 makes a whole match, with a block for each
 * second in which something happens. The call leaves nothing behind, so every match begins on the same chain.
 */
import {
  type Abi,
  type Address,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
  numberToHex,
  toFunctionSelector,
} from 'viem';
import { ANVIL_KEYS, type Anvil, anvilWallet, startAnvil } from '../../chain/devnet/anvil.ts';
import { callOf, type MoveCall } from '../../chain/disputes/onchain/calls.ts';
import { disputesAbi, judgeAbi } from '../../chain/generated/abi.ts';
import { disputesBytecode, judgeBytecode } from '../../chain/generated/bytecode.ts';
import { connect } from '../../chain/network.ts';
import { type Match, PLAYERS, SETTINGS } from './match.ts';

export interface Contract {
  /** How the contract differs from the reference game, in words; undefined if it does not. */
  difference(match: Match): Promise<string | undefined>;
  stop(): Promise<void>;
}

interface SimulatedCall {
  readonly status: Hex;
  readonly returnData: Hex;
  readonly error?: { readonly data?: Hex; readonly message?: string };
}

interface Call {
  readonly from: Address;
  readonly to: Address;
  readonly data: Hex;
  readonly value?: Hex;
  readonly gas?: Hex;
}

/** Names of the contract's errors by selector. */
const ERRORS = new Map<string, string>([
  ['0x4e487b71', 'Panic'],
  ...['OutOfTime()', 'WrongFrontier()'].map((each) => named(each)),
  ...[...disputesAbi, ...judgeAbi].flatMap((item) =>
    item.type === 'error' ? [named(`${item.name}(${item.inputs.map(({ type }) => type).join(',')})`)] : [],
  ),
]);

function named(signature: string): [string, string] {
  return [toFunctionSelector(`function ${signature}`), signature.slice(0, signature.indexOf('('))];
}

const GAS = numberToHex(30_000_000);

/** Starts a node of its own with a Judge and a Disputes. Rejects as `startAnvil` does. */
export async function startContract(): Promise<Contract> {
  const anvil = await startAnvil();
  const judge = await deployed(anvil, judgeAbi, judgeBytecode, []);
  const { window, stepSeconds, budget, extension, moveBond } = SETTINGS;
  const args = [judge, window, stepSeconds, budget, extension, moveBond];
  const disputes = await deployed(anvil, disputesAbi, disputesBytecode, args);
  return {
    stop: () => anvil.stop(),
    difference: (match) => differenceOf(match, disputes, anvil),
  };
}

async function deployed(anvil: Anvil, abi: Abi, bytecode: Hex, args: readonly unknown[]): Promise<Address> {
  const wallet = anvilWallet(anvil, ANVIL_KEYS[0] ?? 0);
  const { account = null, chain } = wallet;
  const data = encodeDeployData({ abi, bytecode, args });
  const hash = await wallet.sendTransaction({ account, chain, data });
  const { contractAddress } = await connect(anvil, { pollingInterval: 20 }).waitForTransactionReceipt({
    hash,
  });
  if (!contractAddress) throw new Error('The deployment failed.');
  return contractAddress;
}

async function differenceOf(match: Match, to: Address, anvil: Anvil): Promise<string | undefined> {
  const view = (data: Hex): Call => ({ from: PLAYERS[0] ?? to, to, data });
  const claimOf = view(encoded('claimOf', [0n]));
  const blocks: { readonly time: number; readonly calls: Call[] }[] = [];
  for (const { sender, now, move, game } of match.records) {
    if (blocks.at(-1)?.time !== now) blocks.push({ time: now, calls: [] });
    const { functionName, args, value } = callOf(move);
    const data = encoded(functionName, args);
    const calls = blocks.at(-1)?.calls;
    calls?.push({ from: sender, to, data, value: numberToHex(value), gas: GAS }, claimOf);
    if (game !== undefined) calls?.push(view(encoded('gameOf', [BigInt(game.id)])));
  }
  const ends = [...PLAYERS.map((who) => encoded('credit', [who])), encoded('burned', [])].map(view);
  blocks.push({ time: (blocks.at(-1)?.time ?? 0) + 1, calls: ends });
  const answers = (await simulated(anvil, blocks)).flatMap(({ calls }) => calls);
  let next = 0;
  const answer = (): SimulatedCall => answers[next++] ?? { status: '0x0', returnData: '0x' };
  for (const [i, { move, outcome, claim, game }] of match.records.entries()) {
    const at = `move ${i}, ${move.kind}`;
    const said = outcomeOf(answer());
    const expected = outcome.kind === 'done' ? 'done' : outcome.reason;
    if (said !== expected) return `${at}: the reference game says ${expected}, the contract ${said}`;
    if (answer().returnData !== claim) return `${at}: another claim afterwards`;
    if (game !== undefined && answer().returnData !== game.words) return `${at}: another game afterwards`;
  }
  for (const [i, expected] of [...match.credits, match.burned].entries()) {
    if (BigInt(answer().returnData) !== expected) return `another credit of player ${i}`;
  }
  return undefined;
}

function encoded(
  functionName: MoveCall['functionName'] | 'claimOf' | 'gameOf' | 'credit' | 'burned',
  args: readonly unknown[],
): Hex {
  return encodeFunctionData({ abi: disputesAbi as Abi, functionName, args });
}

function outcomeOf({ status, returnData, error }: SimulatedCall): string {
  if (BigInt(status) === 1n) return 'done';
  const data = error?.data ?? returnData;
  return ERRORS.get(data.slice(0, 10)) ?? `${error?.message ?? 'reverted'} ${data.slice(0, 10)}`;
}

async function simulated(
  anvil: Anvil,
  blocks: readonly { readonly time: number; readonly calls: readonly Call[] }[],
): Promise<readonly { readonly calls: readonly SimulatedCall[] }[]> {
  const rich = Object.fromEntries(PLAYERS.map((who) => [who, { balance: numberToHex(10n ** 21n) }]));
  const blockStateCalls = blocks.map(({ time, calls }, i) => ({
    blockOverrides: { time: numberToHex(time), gasLimit: numberToHex(2 ** 50) },
    ...(i === 0 ? { stateOverrides: rich } : {}),
    calls,
  }));
  const body = { jsonrpc: '2.0', id: 1, method: 'eth_simulateV1', params: [{ blockStateCalls }, 'latest'] };
  const response = await fetch(anvil.rpc, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (typeof answer === 'object' && answer !== null && 'result' in answer && Array.isArray(answer.result)) {
    return answer.result;
  }
  throw new Error(`The node answers ${JSON.stringify(answer).slice(0, 300)}.`);
}
