import { describe, expect, it } from 'vitest';
import { simulate } from '../simulate.ts';
import { drawBars } from './draw-bars.ts';
import { drawGantt } from './draw-gantt.ts';

describe('drawBars', () => {
  it('draws a bar as long as its seconds are', () => {
    const svg = drawBars('Times', [
      { label: 'long', seconds: 20, group: 'published' },
      { label: 'short', seconds: 5, group: 'ours' },
    ]);
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths[0]! / widths[1]!).toBeCloseTo(4, 2);
    expect(svg).toContain('20.00 s');
    expect(svg).toContain('aria-label="Times"');
  });
});

describe('drawGantt', () => {
  it('draws every task in the row of its node, and a line each five seconds', () => {
    const links = [0, 1].map(() => [0, 1].map(() => ({ latency: 1_000_000, transfer: 0 })));
    const work = [0, 1].map(() => ({ forward: 1_000_000, loss: 500_000, backward: 2_000_000 }));
    const run = simulate({ slots: [1, 1], work, rest: 0, links, serialUplink: false }, [
      { route: [0, 1], at: 0 },
    ]);
    const svg = drawGantt({
      title: 'Plan',
      run,
      rows: [
        { node: 1, label: 'one' },
        { node: 0, label: 'zero' },
      ],
    });
    const tasks = [...svg.matchAll(/y="(\d+)"[^>]*><title>microbatch 0, (\w+)/g)].map(
      ([, y, kind]) => `${kind} ${y}`,
    );
    expect(tasks.sort()).toEqual(['backward 69', 'backward 89', 'forward 69', 'forward 89', 'loss 89']);
    // 1 + 1 + 1 + 1 + 0.5 + 1 + 2 + 1 + 2 seconds.
    expect(svg.match(/<line /g)).toHaveLength(3);
  });
});
