import type { DrawSequence } from '../../../protocol/philox.ts';
import { numberAnswer } from '../checkers.ts';
import { NAMES, THINGS } from './vocabulary.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

interface Change {
  readonly sentence: string;
  readonly step: string;
  readonly after: number;
  readonly identity: string;
}

/** Gains or loses. Never below zero. */
function change(draws: DrawSequence, name: string, before: number, most: number): Change {
  const number = draws.integer(1, most);
  const gains = number > before || draws.uniform() < 0.5;
  const after = gains ? before + number : before - number;
  const verb = gains ? draws.pick(['gets', 'finds', 'buys']) : draws.pick(['loses', 'sells', 'gives away']);
  const sign = gains ? '+' : '-';
  return {
    sentence: `${name} ${verb} ${number}.`,
    step: `${before} ${sign} ${number} = ${after}.`,
    after,
    identity: `${sign}${number}`,
  };
}

function story(
  draws: DrawSequence,
  options: { readonly changes: number; readonly most: number },
): WordQuestion {
  const [name, things] = [draws.pick(NAMES), draws.pick(THINGS)];
  let has = draws.integer(2, options.most);
  const told = [`${name} has ${has} ${things}.`];
  const [steps, identity] = [[] as string[], [String(has)]];
  for (let at = 0; at < options.changes; at++) {
    const next = change(draws, name, has, options.most);
    told.push(next.sentence);
    steps.push(next.step);
    identity.push(next.identity);
    has = next.after;
  }
  return {
    prompt: `${told.join(' ')} How many ${things} does ${name} have?`,
    answer: String(has),
    identity: identity.join(''),
    steps,
  };
}

/** `Ann has 3 boxes with 4 coins each.` and a change. */
function boxes(draws: DrawSequence): WordQuestion {
  const [name, things] = [draws.pick(NAMES), draws.pick(THINGS)];
  const [count, each] = [draws.integer(2, 9), draws.integer(2, 9)];
  const next = change(draws, name, count * each, 30);
  return {
    prompt: `${name} has ${count} boxes with ${each} ${things} each. ${next.sentence} How many ${things} does ${name} have?`,
    answer: String(next.after),
    identity: `${Math.min(count, each)}*${Math.max(count, each)}${next.identity}`,
    steps: [`${count} * ${each} = ${count * each}.`, next.step],
  };
}

/** Arithmetic in words. Who has what makes no other question: the numbers do. */
export const stories = defineWordTask({
  id: 'stories',
  title: 'Arithmetic in words',
  difficulties: ['one change, numbers up to 20', 'two changes, numbers up to 30', 'boxes and a change'],
  expect: numberAnswer,
  draw(draws, difficulty) {
    if (difficulty === 2) return boxes(draws);
    return story(draws, difficulty === 0 ? { changes: 1, most: 20 } : { changes: 2, most: 30 });
  },
});
