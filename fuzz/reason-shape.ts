import type { Outcome } from './target.ts';

/** What an outcome is about: the plain words of its refusal, without numbers, names and quoted input. */
export function reasonShape(outcome: Outcome): string {
  if (outcome.kind === 'accepted') return 'accepted';
  const words = outcome.why
    .slice(0, 400)
    .replace(/"[^"]*("|$)/g, '')
    .match(/(?<![^\s(:[.])[A-Za-z][a-z]+(?![^\s),.;:\]])/g);
  return (words ?? []).slice(0, 24).join(' ');
}
