/** What every Scheduler must do, as tests. The rules stand with their ids in ../scheduler.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Scheduler } from '../scheduler.ts';

export interface SchedulerFixture {
  readonly scheduler: Scheduler;
  /** Lets at least `ms` milliseconds pass. Resolves when all timers due by then have run. */
  advance(ms: number): Promise<void>;
}

/** Timers of a host may run early by the resolution of its clock, in milliseconds. */
const RESOLUTION = 1;

/** Tests that a scheduler keeps the rules [SC-01] to [SC-05]. `create` makes a fresh one for each test. */
export function describeSchedulerContract(name: string, create: () => SchedulerFixture): void {
  describe(`${name} as a Scheduler`, () => {
    let fixture: SchedulerFixture;
    beforeEach(() => {
      fixture = create();
    });

    it('[SC-01] has a clock in milliseconds that never goes back', async () => {
      const { scheduler, advance } = fixture;
      const readings = [scheduler.now(), scheduler.now()];
      await advance(20);
      readings.push(scheduler.now());
      expect(readings).toEqual(readings.toSorted((a, b) => a - b));
      expect((readings[2] ?? 0) - (readings[0] ?? 0)).toBeGreaterThanOrEqual(20 - RESOLUTION);
    });

    it('[SC-02] runs a timer once, when its time has passed', async () => {
      const { scheduler, advance } = fixture;
      const set = scheduler.now();
      const ran: number[] = [];
      scheduler.after(30, () => ran.push(scheduler.now() - set));
      await advance(5);
      expect(ran).toEqual([]);
      await advance(60);
      await advance(60);
      expect(ran).toHaveLength(1);
      expect(ran[0]).toBeGreaterThanOrEqual(30 - RESOLUTION);
    });

    it('[SC-03] runs timers by their time, and those of one time in the order of setting', async () => {
      const { scheduler, advance } = fixture;
      const ran: string[] = [];
      scheduler.after(40, () => ran.push('late'));
      scheduler.after(10, () => ran.push('first'));
      scheduler.after(10, () => ran.push('second'));
      scheduler.after(0, () => ran.push('soon'));
      await advance(80);
      expect(ran).toEqual(['soon', 'first', 'second', 'late']);
    });

    it('[SC-04] does not run a cancelled timer, and takes a late cancellation', async () => {
      const { scheduler, advance } = fixture;
      let cancelled = 0;
      let ran = 0;
      const cancel = scheduler.after(10, () => cancelled++);
      const tooLate = scheduler.after(10, () => ran++);
      cancel();
      cancel();
      await advance(40);
      tooLate();
      await advance(40);
      expect([cancelled, ran]).toEqual([0, 1]);
    });

    it('[SC-05] never runs a timer within the call that sets it', async () => {
      const { scheduler, advance } = fixture;
      let ran = 0;
      for (const ms of [0, -5]) {
        // A busy machine may be late with the inner timer, so the test waits for it and not only for a time.
        const both = new Promise<void>((resolve) => {
          scheduler.after(ms, () => {
            ran++;
            scheduler.after(0, () => {
              ran++;
              resolve();
            });
            expect(ran % 2).toBe(1);
          });
        });
        expect(ran % 2).toBe(0);
        await Promise.all([both, advance(20)]);
      }
      expect(ran).toBe(4);
    });
  });
}
