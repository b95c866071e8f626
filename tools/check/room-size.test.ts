import { describe, expect, it } from 'vitest';
import { houseOf } from './house.ts';
import { checkRoomSize, roomLines } from './room-size.ts';

const lines = (count: number) => 'x\n'.repeat(count);

describe('the size of rooms', () => {
  it('counts code and tests apart, and nothing else', () => {
    expect(
      roomLines(
        houseOf({
          'app/a.tsx': lines(3),
          'app/a.test.tsx': lines(2),
          'app/testing/b.ts': lines(4),
          'app/README.md': lines(100),
          'contracts/src/A.sol': lines(5),
          'contracts/test/A.t.sol': lines(6),
          'e2e/a.ts': lines(1),
          'vite.config.ts': 'one\ntwo',
        }),
      ),
    ).toEqual([
      { room: 'contracts', lines: 5, tests: 6 },
      { room: 'app', lines: 3, tests: 6 },
      { room: '.', lines: 2, tests: 0 },
      { room: 'e2e', lines: 0, tests: 1 },
    ]);
  });

  it('allows a fifth of the code and no more, with or without tests', () => {
    const four = Object.fromEntries(['b', 'c', 'd', 'e'].map((room) => [`${room}/x.ts`, lines(10)]));
    expect(checkRoomSize(houseOf({ ...four, 'a/x.ts': lines(10) })).findings).toEqual([]);
    expect(checkRoomSize(houseOf({ ...four, 'a/x.ts': lines(11) })).findings).toEqual([
      { file: 'a', message: 'holds 21.6 % of the code without tests; at most a fifth' },
      { file: 'a', message: 'holds 21.6 % of the code with tests; at most a fifth' },
    ]);
    expect(
      checkRoomSize(houseOf({ ...four, 'a/x.ts': lines(10), 'a/x.test.ts': lines(1) })).findings,
    ).toEqual([{ file: 'a', message: 'holds 21.6 % of the code with tests; at most a fifth' }]);
  });
});
