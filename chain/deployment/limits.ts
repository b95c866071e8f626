import { type Address, type Hex, type PublicClient, pad, size, toHex } from 'viem';
import { ChainError, toChainError } from '../errors.ts';
import type { PlannedContract } from './plan.ts';

/** Gas of the dearest judging transaction; contracts/test/judge/JudgeGas.t.sol fails above it. */
export const DISPUTE_GAS = 10_000_000n;
/**
 * Bytes of the longest judging transaction, of the operator embed.grad (docs/verde.md), and a little room.
 */
export const DISPUTE_CALLDATA = 90_000;
/** PUSH0, MCOPY and TSTORE (EIP-3855, EIP-5656, EIP-1153), then an empty return. */
const NEEDED_OPCODES: Hex = '0x5f5f5f5e5f5f5d5f5ff3';

/** A limit of the chain that disputes do not fit. */
export class ChainLimitError extends ChainError {
  override readonly name = 'ChainLimitError';

  constructor(sentence: string, options?: ErrorOptions) {
    super('refused', `${sentence} Disputes do not fit this chain: choose another one.`, options);
  }
}

/**
 * Asks the chain, without sending anything, whether whole disputes fit it: gas of a block, calldata of a
 * transaction, size of a contract, and the instructions that the contracts use. Throws ChainLimitError naming
 * the figure, and ChainError where the node does not answer.
 */
export async function checkLimits(options: {
  readonly client: PublicClient;
  readonly account: Address;
  readonly contracts: readonly PlannedContract[];
}): Promise<{ readonly blockGas: bigint }> {
  const { client, account, contracts } = options;
  const { gasLimit } = await client.getBlock({ blockTag: 'latest' }).catch((error: unknown) => {
    throw toChainError(error);
  });
  const most = Math.max(...contracts.map(({ gas }) => gas));
  const needed = BigInt(most) > DISPUTE_GAS ? BigInt(most) : DISPUTE_GAS;
  if (gasLimit < needed)
    throw new ChainLimitError(`A block has ${gasLimit} gas, and judging one step takes up to ${needed}.`);
  const attempt = async (sentence: string, ask: () => Promise<unknown>): Promise<void> => {
    try {
      await ask();
    } catch (error) {
      // A node that is gone says nothing about the chain.
      await client.getChainId().catch((gone: unknown) => {
        throw toChainError(gone);
      });
      throw new ChainLimitError(sentence, { cause: error });
    }
  };
  const longest = Math.max(...contracts.map(({ runtime }) => size(runtime.code)));
  // Creation code that leaves so many zero bytes: PUSH2 n, PUSH1 0, RETURN.
  const filler: Hex = `0x61${pad(toHex(longest), { size: 2 }).slice(2)}6000f3`;
  // Each byte costs the most there is, so that no chain takes it for less than a real one.
  const data: Hex = `0x${'11'.repeat(DISPUTE_CALLDATA)}`;
  await attempt(`It takes no contract of ${longest} bytes.`, () =>
    client.estimateGas({ account, data: filler, value: 0n }),
  );
  await attempt(`It takes no transaction with ${DISPUTE_CALLDATA} bytes of calldata.`, () =>
    client.estimateGas({ account, to: account, data }),
  );
  await attempt('It lacks an instruction of the Cancun fork (MCOPY or TSTORE).', () =>
    client.call({ account, data: NEEDED_OPCODES }),
  );
  return { blockGas: gasLimit };
}
