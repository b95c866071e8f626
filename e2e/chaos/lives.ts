import { must } from '../../protocol/must.ts';
import { CHEATS, type Cheat } from './settings.ts';

/** Seconds of one key of a hostile member. Then it comes again as a stranger, with another kind of cheat. */
export const LIFE = 75;

/** The kind of a hostile member's life, so that all kinds have their turn. */
export function cheatOfLife(options: {
  /** Which of the hostile members. */
  readonly place: number;
  readonly hostile: number;
  readonly life: number;
}): Cheat {
  return must(CHEATS, (options.place + options.hostile * options.life) % CHEATS.length);
}
