import { describe, expect, it } from 'vitest';
import { metricsText } from './metrics.ts';

describe('metricsText', () => {
  it('writes help, type and values, and escapes what a label may hold', () => {
    const text = metricsText([
      { name: 'a_total', help: 'Counted.', kind: 'counter', values: [{ value: 3 }] },
      {
        ...{ name: 'b', help: 'One\nline.', kind: 'gauge' },
        values: [
          { labels: { swarm: '0', cause: 'say "no"\\' }, value: 1.5 },
          { labels: { swarm: '1', cause: '\n' }, value: 0 },
        ],
      },
    ]);
    expect(text).toBe(
      [
        '# HELP a_total Counted.',
        '# TYPE a_total counter',
        'a_total 3',
        '',
        '# HELP b One\\nline.',
        '# TYPE b gauge',
        'b{swarm="0",cause="say \\"no\\"\\\\"} 1.5',
        'b{swarm="1",cause="\\n"} 0',
        '',
      ].join('\n'),
    );
  });
});
