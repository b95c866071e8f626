import { describe, expect, it } from 'vitest';
import { HopEngine, type PipelineAction, type PipelineEvent, PipelineRuleError } from './hop-engine.ts';

function feed(engine: HopEngine, events: readonly PipelineEvent[]): PipelineAction[] {
  return events.flatMap((event) => engine.handle(event));
}

const computed = (node: number): PipelineEvent[] => [
  { kind: 'computed', node },
  { kind: 'free', node },
];

describe('HopEngine', () => {
  it('takes a microbatch forward, to its origin for the loss, and back', () => {
    const engine = new HopEngine({ slots: [1, 1], microbatches: [{ route: [0, 1] }] });
    const actions = feed(engine, [
      { kind: 'ready', microbatch: 0 },
      ...computed(0),
      { kind: 'arrived', microbatch: 0, step: 1 },
      ...computed(1),
      { kind: 'arrived', microbatch: 0, step: 2 },
      ...computed(0),
      { kind: 'arrived', microbatch: 0, step: 3 },
      ...computed(1),
      { kind: 'arrived', microbatch: 0, step: 4 },
      ...computed(0),
    ]);
    expect(
      actions.map((action) => (action.kind === 'compute' ? `${action.task} ${action.node}` : action.kind)),
    ).toEqual([
      'forward 0',
      'send',
      'forward 1',
      'send',
      'loss 0',
      'send',
      'backward 1',
      'send',
      'backward 0',
      'returned',
    ]);
    expect(actions.filter(({ kind }) => kind === 'send')).toEqual([
      { kind: 'send', from: 0, to: 1, microbatch: 0, step: 1 },
      { kind: 'send', from: 1, to: 0, microbatch: 0, step: 2 },
      { kind: 'send', from: 0, to: 1, microbatch: 0, step: 3 },
      { kind: 'send', from: 1, to: 0, microbatch: 0, step: 4 },
    ]);
    expect(engine.allReturned).toBe(true);
  });

  it('lets a forward pass without a slot wait, and what needs none overtake it', () => {
    const engine = new HopEngine({
      slots: [1, 1],
      microbatches: [{ route: [0, 1] }, { route: [0, 1] }],
    });
    feed(engine, [
      { kind: 'ready', microbatch: 0 },
      { kind: 'ready', microbatch: 1 },
    ]);
    expect(feed(engine, computed(0)).map(({ kind }) => kind)).toEqual(['send']);
    expect(engine.freeSlots(0)).toBe(0);
    expect(engine.waiting(0)).toBe(1);
    feed(engine, [{ kind: 'arrived', microbatch: 0, step: 1 }, ...computed(1)]);
    expect(engine.handle({ kind: 'arrived', microbatch: 0, step: 2 })).toMatchObject([
      { kind: 'compute', task: 'loss', microbatch: 0 },
    ]);
    feed(engine, [...computed(0), { kind: 'arrived', microbatch: 0, step: 3 }, ...computed(1)]);
    feed(engine, [
      { kind: 'arrived', microbatch: 0, step: 4 },
      { kind: 'computed', node: 0 },
    ]);
    expect(engine.freeSlots(0)).toBe(1);
    expect(engine.handle({ kind: 'free', node: 0 })).toMatchObject([{ task: 'forward', microbatch: 1 }]);
  });

  it('keeps a microbatch back until the one before it has returned and the origin is free', () => {
    const engine = new HopEngine({
      slots: [2, 2],
      microbatches: [{ route: [0, 1] }, { route: [0, 1], after: 0 }],
    });
    feed(engine, [{ kind: 'ready', microbatch: 0 }, ...computed(0)]);
    expect(engine.handle({ kind: 'ready', microbatch: 1 })).toEqual([]);
    feed(engine, [
      { kind: 'arrived', microbatch: 0, step: 1 },
      ...computed(1),
      { kind: 'arrived', microbatch: 0, step: 2 },
      ...computed(0),
      { kind: 'arrived', microbatch: 0, step: 3 },
      ...computed(1),
      { kind: 'arrived', microbatch: 0, step: 4 },
    ]);
    expect(engine.handle({ kind: 'computed', node: 0 })).toEqual([{ kind: 'returned', microbatch: 0 }]);
    expect(engine.handle({ kind: 'free', node: 0 })).toMatchObject([{ task: 'forward', microbatch: 1 }]);
  });

  it.each<[string, PipelineEvent[]]>([
    [
      'a microbatch that is ready twice',
      [
        { kind: 'ready', microbatch: 0 },
        { kind: 'ready', microbatch: 0 },
      ],
    ],
    ['a microbatch that nobody sent', [{ kind: 'arrived', microbatch: 0, step: 1 }]],
    [
      'the wrong step',
      [
        { kind: 'ready', microbatch: 0 },
        { kind: 'computed', node: 0 },
        { kind: 'arrived', microbatch: 0, step: 2 },
      ],
    ],
    [
      'the same arrival twice',
      [
        { kind: 'ready', microbatch: 0 },
        { kind: 'computed', node: 0 },
        { kind: 'arrived', microbatch: 0, step: 1 },
        { kind: 'arrived', microbatch: 0, step: 1 },
      ],
    ],
    ['a node that computed nothing', [{ kind: 'computed', node: 1 }]],
    [
      'a node that is free before its result is there',
      [
        { kind: 'ready', microbatch: 0 },
        { kind: 'free', node: 0 },
      ],
    ],
    ['a microbatch that is not there', [{ kind: 'ready', microbatch: 7 }]],
    ['a node that is not there', [{ kind: 'computed', node: 7 }]],
  ])('refuses %s', (_, events) => {
    const engine = new HopEngine({ slots: [1, 1], microbatches: [{ route: [0, 1] }] });
    expect(() => feed(engine, events)).toThrow(PipelineRuleError);
  });

  it.each([
    [[{ route: [0] }]],
    [[{ route: [0, 1, 0] }]],
    [[{ route: [0, 2] }]],
    [[{ route: [0, 1], after: 0 }]],
    [[{ route: [0, 1] }, { route: [1, 0], after: 0 }]],
  ])('refuses microbatches %j', (microbatches) => {
    expect(() => new HopEngine({ slots: [1, 1], microbatches })).toThrow(PipelineRuleError);
  });
});
