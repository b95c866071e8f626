import { describe, expect, it } from 'vitest';
import { drawGrowth } from './draw-growth.ts';
import { curvesOf } from './results-text.ts';

describe('the picture of growth', () => {
  it('draws a figure as multiples of the first size, one line for each', () => {
    const sizes = [
      { peers: 10, messagesPerMember: 100, bytesPerMember: 1_000, cpuMsPerMember: 10, delayMs: 50 },
      { peers: 100, messagesPerMember: 1_000, bytesPerMember: 1_500, cpuMsPerMember: 10, delayMs: 75 },
    ];
    const curves = curvesOf(sizes, { suffix: ' before', isDashed: true });
    expect(curves.map(({ points }) => points.at(-1)?.times)).toEqual([10, 1.5, 1, 1.5]);
    const svg = drawGrowth('Costs', curves);
    expect(svg.match(/<polyline/g)).toHaveLength(4);
    expect(svg).toContain('messages before: 10 ×');
    expect(svg).toContain('stroke-dasharray');
  });
});
