import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it, test } from 'vitest';
import { TASKS } from './catalogue.ts';
import type { Task } from './task.ts';

/** Of items of every difficulty and share. A digest changes only together with the task's version. */
const DIGESTS: Readonly<Record<string, string>> = {
  'sums/1': '4550cd9d6813ac0e',
  'sorting/1': '5d467c01e9b51ed9',
  'gcd/1': '7b49819972e4bf4a',
  'reversing/1': '97ff25b3822e6892',
  'rotating/1': '96ae3950b0c47594',
  'shifting/1': '65ddfb9d507377d0',
  'swapping/1': 'cda37d46abcb3672',
  'complementing/1': '129e69a3fd61ff50',
  'chain-sums/1': '2ca381cfb65d878f',
  'stories/1': '7dc6e9df825075c8',
  'spell-backward/1': '72dcab3c25565b09',
  'letter-counting/1': 'e07e57ec9677e094',
  'sort-numbers/1': '8647e9559034e1b2',
  'sequences/1': 'c09a41ad168e40d1',
  'remainders/1': 'd30065f3fa40375a',
  'calendar/1': 'abbc04e9431af387',
  'equations/1': '016aa25276a62d4e',
  'divisors/1': '08cdced7ff777c28',
  'clock/1': 'c20e8759bf2affe5',
  'reverse-list/1': 'b728219176045890',
  'base-conversion/1': 'aa9cc355c80bc5c4',
  'boolean-logic/1': 'e9a3c0edd7d76df8',
  'matrix-rotation/1': '0ad764ac76894fba',
  'word-ladder/1': 'ee8347965aa146b8',
  'knights-and-knaves/1': 'bf39ad2f3461eff4',
};

function digestOf(task: Task): string {
  const hash = createHash('sha256');
  for (const difficulty of task.difficulties.keys()) {
    for (const share of ['training', 'held-out'] as const) {
      for (let index = 0; index < 20; index++) {
        const seed = new Uint8Array(32).fill(11);
        const { prompt, answer, identity, solution = '' } = task.sample({ seed, index, difficulty, share });
        hash.update(JSON.stringify([prompt, answer, identity, solution]));
      }
    }
  }
  return hash.digest('hex').slice(0, 16);
}

it.each(TASKS.map((task) => [`${task.id}/${task.version}`, task] as const))(
  'gives the same items as ever: %s',
  (name, task) => {
    expect(digestOf(task)).toBe(DIGESTS[name]);
  },
);

test('the documentation lists every task', async () => {
  const text = await readFile(new URL('../../docs/tasks.md', import.meta.url), 'utf8');
  for (const { id } of TASKS) expect(text).toContain(`\`${id}\``);
});
