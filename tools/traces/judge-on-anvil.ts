/** The real judge on a development node of its own, to be asked about slots of a real trace. */
import { type Address, bytesToHex, decodeFunctionResult, encodeFunctionData, type Hex } from 'viem';
import { anvilWallet, startAnvil } from '../../chain/devnet/anvil.ts';
import { tensorLeaf } from '../../chain/disputes/trees.ts';
import { judgeAbi } from '../../chain/generated/abi.ts';
import { judgeBytecode } from '../../chain/generated/bytecode.ts';
import { connect } from '../../chain/network.ts';
import type { Slot, StepTrace } from '../../protocol/evidence.ts';

/** A question to the judge: an element of an operator's output, or one chunk of its fold. */
export interface Question {
  readonly trace: StepTrace;
  readonly program: readonly Slot[];
  readonly slot: number;
  readonly element: number;
  readonly chunk?: number;
  /** The accumulator before the chunk. Defaults to 0. */
  readonly before?: number;
}

export interface JudgeOnAnvil {
  /** The bits of the element, or those of the accumulator after the chunk and the number of chunks. */
  ask(question: Question): Promise<{ readonly bits: number; readonly chunks?: number }>;
  /** The element whose fold has these accumulators. */
  total(op: number, accumulators: readonly number[]): Promise<number>;
  folds(op: number): Promise<boolean>;
  chunkLimit(slot: Slot): Promise<number>;
  /** The gas of a transaction that asks this, and the number of leaves and bytes that it carries. */
  cost(
    question: Question,
  ): Promise<{ readonly gas: number; readonly leaves: number; readonly bytes: number }>;
  stop(): Promise<void>;
}

/** Starts anvil and deploys the judge. Rejects as `startAnvil` does. */
export async function startJudge(): Promise<JudgeOnAnvil> {
  const anvil = await startAnvil();
  const client = connect(anvil, { pollingInterval: 20, timeout: 60_000 });
  const wallet = anvilWallet(anvil, 0);
  const { account = null, chain } = wallet;
  const hash = await wallet.deployContract({ abi: judgeAbi, bytecode: judgeBytecode, account, chain });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  if (!contractAddress) throw new Error('The judge could not be deployed.');
  const to: Address = contractAddress;

  async function leavesOf({ trace, program, slot, element, chunk }: Question) {
    const entry = program[slot];
    if (entry === undefined) throw new RangeError(`The program has no slot ${slot}.`);
    const leaves: { input: number; index: number; data: Hex }[] = [];
    for (const { input, leaf } of await trace.needed(slot, element, chunk)) {
      const tensor = await trace.tensor(entry.inputs[input] ?? -1);
      const data = bytesToHex(tensorLeaf(tensor, leaf));
      leaves.push({ input, index: leaf, data });
    }
    return { node: entry.node, leaves };
  }

  async function calldata(question: Question): Promise<{ data: Hex; leaves: number }> {
    const { node, leaves } = await leavesOf(question);
    const element = BigInt(question.element);
    const data =
      question.chunk === undefined
        ? encodeFunctionData({ abi: judgeAbi, functionName: 'element', args: [node, leaves, element] })
        : encodeFunctionData({
            abi: judgeAbi,
            functionName: 'chunkOf',
            args: [node, leaves, element, BigInt(question.chunk), BigInt(question.before ?? 0)],
          });
    return { data, leaves: leaves.length };
  }

  return {
    async ask(question) {
      const { data: request } = await calldata(question);
      const { data = '0x' } = await client.call({ to, data: request });
      if (question.chunk === undefined) {
        return { bits: Number(decodeFunctionResult({ abi: judgeAbi, functionName: 'element', data })) };
      }
      const [bits, chunks] = decodeFunctionResult({ abi: judgeAbi, functionName: 'chunkOf', data });
      return { bits: Number(bits), chunks: Number(chunks) };
    },
    total: async (op, accumulators) =>
      Number(
        await client.readContract({
          ...{ address: to, abi: judgeAbi, functionName: 'total' },
          args: [BigInt(op), [...accumulators]],
        }),
      ),
    folds: (op) =>
      client.readContract({ address: to, abi: judgeAbi, functionName: 'folds', args: [BigInt(op)] }),
    chunkLimit: async ({ node }) =>
      Number(
        await client.readContract({ address: to, abi: judgeAbi, functionName: 'chunkLimit', args: [node] }),
      ),
    async cost(question) {
      const { data, leaves } = await calldata(question);
      const gas = await client.estimateGas({ account: wallet.account ?? to, to, data });
      return { gas: Number(gas), leaves, bytes: (data.length - 2) / 2 };
    },
    stop: () => anvil.stop(),
  };
}
