import { expect, it } from 'vitest';
import { houseOf } from './house.ts';
import { checkReferences } from './references.ts';

it('finds a reference that no import of the room needs', () => {
  const config = (...paths: string[]) => JSON.stringify({ references: paths.map((path) => ({ path })) });
  const house = {
    'tsconfig.json': config('protocol', 'compute', 'models'),
    'protocol/tsconfig.json': config(),
    'protocol/hex.ts': '',
    'compute/tsconfig.json': config('../protocol'),
    'compute/a.ts': "import type { Hex } from '../protocol/hex.ts';\n",
    'models/tsconfig.json': config('../compute', '../protocol'),
    'models/b.ts': "import '../compute/a.ts';\n",
  };
  const { findings, summary } = checkReferences(houseOf(house));
  expect(findings).toEqual([
    {
      file: 'models/tsconfig.json',
      message: 'may import protocol, and no file of it does: remove the reference',
    },
  ]);
  expect(summary).toEqual(['3 arrows between rooms']);
});
