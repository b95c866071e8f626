import { type Address, bytesToHex, type Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Anvil, anvilWallet, NO_ANVIL, startAnvil } from '../../devnet/anvil.ts';
import { judgeAbi } from '../../generated/abi.ts';
import { judgeBytecode } from '../../generated/bytecode.ts';
import { connect } from '../../network.ts';
import { OPERATOR_NAMES } from '../operator-names.ts';

describe.skipIf(NO_ANVIL !== undefined)(
  `The judge on anvil${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let anvil: Anvil;
    let judge: Address;
    beforeAll(async () => {
      anvil = await startAnvil();
      const wallet = anvilWallet(anvil, 0);
      const { account = null, chain } = wallet;
      const hash = await wallet.deployContract({ abi: judgeAbi, bytecode: judgeBytecode, account, chain });
      const receipt = await connect(anvil, { pollingInterval: 20 }).waitForTransactionReceipt({ hash });
      if (!receipt.contractAddress) throw new Error('The judge could not be deployed.');
      judge = receipt.contractAddress;
    });
    afterAll(() => anvil?.stop());

    /** The bits of an output's element, computed from whole operands of one leaf each. */
    async function element(
      op: (typeof OPERATOR_NAMES)[number],
      attributes: readonly number[],
      operands: readonly (readonly number[])[],
      index: number,
    ): Promise<number> {
      const node = {
        op: OPERATOR_NAMES.indexOf(op),
        output: 0,
        length: 4,
        attributes,
        lengths: operands.map((words) => words.length),
      };
      const leaves = operands.map((words, input) => ({ input, index: 0, data: littleEndian(words) }));
      const bits = await connect(anvil).readContract({
        address: judge,
        abi: judgeAbi,
        functionName: 'element',
        args: [node, leaves, BigInt(index)],
      });
      return Number(bits);
    }

    it.each([
      ['a NaN', 0x7fc00001, 0x7f7fffff],
      ['infinity', 0x7f800000, 0x7f7fffff],
      ['minus infinity', 0xff800000, 0xff7fffff],
      ['a subnormal number', 0x00000001, 0],
      ['-0', 0x80000000, 0],
    ])('[V-53] makes %s canonical', async (_, bits, canonical) => {
      expect(
        await element(
          'add',
          [4],
          [
            [0, bits, 0, 0],
            [0, 0, 0, 0],
          ],
          1,
        ),
      ).toBe(canonical);
    });

    it('[V-53] reads +0 past the end of a tensor', async () => {
      const table = [0x3f800000, 0x40000000, 0x40400000, 0x40800000];
      const shape = [2, 2, 2];
      expect(await element('embed', shape, [[1, 7], table], 1)).toBe(0x40800000);
      expect(await element('embed', shape, [[1, 7], table], 2)).toBe(0);
    });
  },
);

function littleEndian(words: readonly number[]): Hex {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
  return bytesToHex(bytes);
}
