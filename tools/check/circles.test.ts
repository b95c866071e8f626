import { describe, expect, it } from 'vitest';
import { checkCircles, circlesIn, importGraph } from './circles.ts';
import { houseOf } from './house.ts';

describe('the graph of imports', () => {
  it('holds every way of naming another file, type-only ones included, and no package', () => {
    const graph = importGraph(
      houseOf({
        'a/a.ts':
          "import type { B } from './b.ts';\nimport { c } from '../c.ts';\nexport { d } from './d.ts';\n" +
          "export * from './e.ts';\nconst f = await import('./f.ts');\ntype G = import('./g.ts').G;\n" +
          "import 'viem';\n// import './h.ts';\n/* type H = import('./h.ts').H */\n",
        ...Object.fromEntries(
          ['a/b.ts', 'c.ts', 'a/d.ts', 'a/e.ts', 'a/f.ts', 'a/g.ts', 'a/h.ts'].map((file) => [file, '']),
        ),
      }),
    );
    expect(graph.get('a/a.ts')?.sort()).toEqual(['a/b.ts', 'a/d.ts', 'a/e.ts', 'a/f.ts', 'a/g.ts', 'c.ts']);
  });

  it('reads assembly, whose functions are decorated and whose imports have no ending', () => {
    const graph = importGraph(
      houseOf({
        'x/assembly/a.ts': "import { b } from './b';\n@inline\nexport function f(): i32 {\n  return b;\n}\n",
        'x/assembly/b.ts': '',
      }),
    );
    expect(graph.get('x/assembly/a.ts')).toEqual(['x/assembly/b.ts']);
  });
});

describe('circles', () => {
  it('are found once each, however long, and apart from what leads to them', () => {
    const graph = new Map([
      ['start', ['a', 'x']],
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a', 'end']],
      ['x', ['y']],
      ['y', ['x']],
      ['self', ['self']],
      ['end', []],
    ]);
    expect(circlesIn(graph).sort()).toEqual([['a', 'b', 'c'], ['self'], ['x', 'y']]);
  });

  it('are none where two ways lead to one file', () => {
    expect(
      circlesIn(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['d']],
          ['c', ['d']],
          ['d', []],
        ]),
      ),
    ).toEqual([]);
  });

  it('of types alone count too', () => {
    const { findings } = checkCircles(
      houseOf({
        'a.ts': "import type { B } from './b.ts';\nexport type A = B;\n",
        'b.ts': "import type { A } from './a.ts';\nexport type B = A;\n",
      }),
    );
    expect(findings).toEqual([{ file: 'a.ts', message: 'imports itself in a circle of 2: a.ts, b.ts' }]);
  });
});
