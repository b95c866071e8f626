import { describe, expect, it } from 'vitest';
import type { Slot } from '../../protocol/evidence.ts';
import { unjudgeable } from './judgeable.ts';
import { SLOT, sampleRun } from './testing/sample-run.ts';

const { program } = sampleRun();

function changed(slot: number, change: (each: Slot) => Slot): Slot[] {
  return program.map((each, i) => (i === slot ? change(each) : each));
}

const withNode = (slot: number, node: Partial<Slot['node']>): Slot[] =>
  changed(slot, (each) => ({ ...each, node: { ...each.node, ...node } }));

describe('a program', () => {
  it('of which every slot can be judged', () => {
    expect(unjudgeable(program)).toBeUndefined();
  });

  it.each<readonly [string, readonly Slot[], string]>([
    ['an output of more than 4,096 leaves', withNode(SLOT.sum, { length: 4096 * 1024 + 1 }), 'elements'],
    ['an empty output', withNode(SLOT.norm, { length: 0 }), 'elements'],
    ['an input that large', withNode(SLOT.sum, { lengths: [2 ** 31, 1030] }), 'elements'],
    ['a sum of too many chunks', withNode(SLOT.norm, { attributes: [64 * 2048 + 1] }), 'chunks'],
    [
      'an input that comes later',
      changed(SLOT.sum, (each) => ({ ...each, inputs: [0, SLOT.next] })),
      'after',
    ],
    ['no lengths', withNode(SLOT.sum, { lengths: [1030] }), 'length for each'],
    ['two lengths of one tensor', withNode(SLOT.next, { lengths: [1029, 1, 1030] }), 'another length'],
    ['no composed root', program.slice(0, -1), 'wrong kind'],
    ['names missing', changed(SLOT.last, (each) => ({ ...each, names: [] })), 'names'],
  ])('[V-43] with %s cannot', (_, other, why) => {
    expect(unjudgeable(other)).toContain(why);
  });
});
