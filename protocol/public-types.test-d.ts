/** What the public types of this room infer and refuse. Checked by `tsc -b`; never run. */
import { expectTypeOf } from 'vitest';
import type { SlotKind } from './evidence.ts';
import { type DeviceAddress, fromHex, type Hex, toHex } from './hex.ts';
import { memoizePromise, PromiseMemo } from './memoize-promise.ts';
import { must } from './must.ts';
import { selectPeers } from './peer-selection.ts';
import { SerialQueue } from './serial-queue.ts';
import type { Standing } from './standing.ts';

// Hexadecimal is told from other strings, and an address is hexadecimal.
expectTypeOf(toHex).returns.toEqualTypeOf<Hex>();
expectTypeOf<DeviceAddress>().toExtend<Hex>();
expectTypeOf<'0x00'>().toExtend<Hex>();
expectTypeOf<string>().not.toExtend<Hex>();
expectTypeOf(fromHex).returns.toEqualTypeOf<Uint8Array>();

// An element is there or an error is thrown, so its type has no undefined.
expectTypeOf(must([1, 2], 0)).toEqualTypeOf<number>();
expectTypeOf(must('word', 0)).toEqualTypeOf<string>();
expectTypeOf(must(new Float32Array(2), 1)).toEqualTypeOf<number>();
// @ts-expect-error: an index is a number
must(['a'], 'a');

// Work keeps the type of what it resolves with.
expectTypeOf(new SerialQueue().run(() => 1)).toEqualTypeOf<Promise<number>>();
expectTypeOf(new SerialQueue().run(async () => 'a' as const)).toEqualTypeOf<Promise<'a'>>();
expectTypeOf(memoizePromise(async () => 1n)).toEqualTypeOf<() => Promise<bigint>>();
const memo = new PromiseMemo<Hex, number>({ keep: (value) => value > 0 });
expectTypeOf(memo.get('0x', async () => 1)).toEqualTypeOf<Promise<number>>();
// @ts-expect-error: a key is hexadecimal
memo.get('key', async () => 1);

// A slot's kind is one of the contract's numbers.
expectTypeOf<SlotKind>().toEqualTypeOf<0 | 1 | 2 | 3 | 4>();

// Whoever is chosen is what was offered, with all that it carried.
interface Offer {
  readonly author: DeviceAddress;
  readonly standing: Standing;
  readonly answers: number;
}
expectTypeOf(selectPeers<Offer>).returns.toEqualTypeOf<readonly Offer[]>();
// @ts-expect-error: a peer without a standing cannot be selected
selectPeers<{ readonly author: DeviceAddress }>;
