import { must } from '../../../protocol/must.ts';
import type { DrawSequence } from '../../../protocol/philox.ts';
import { extractAnswer, WORD_RULES } from '../answer-extraction.ts';
import { type ExpectedAnswer, explainWrong } from '../checkers.ts';
import { listElements } from './expected-answers.ts';
import { defineWordTask } from './word-task.ts';

/** Words of three letters. */
const LADDER_WORDS = [
  ...[
    'bad',
    'bag',
    'ban',
    'bat',
    'bed',
    'beg',
    'bet',
    'big',
    'bit',
    'box',
    'boy',
    'bud',
    'bug',
    'bun',
    'bus',
  ],
  ...[
    'but',
    'can',
    'cap',
    'car',
    'cat',
    'cot',
    'cow',
    'cup',
    'cut',
    'dad',
    'day',
    'den',
    'did',
    'dig',
    'dim',
  ],
  ...[
    'dog',
    'dot',
    'dug',
    'fan',
    'far',
    'fat',
    'fig',
    'fin',
    'fit',
    'fog',
    'fox',
    'fun',
    'gap',
    'get',
    'gum',
  ],
  ...[
    'had',
    'hat',
    'hay',
    'hen',
    'her',
    'hid',
    'him',
    'hit',
    'hop',
    'hot',
    'how',
    'hug',
    'hut',
    'jam',
    'jet',
  ],
  ...[
    'job',
    'jog',
    'kid',
    'lap',
    'leg',
    'let',
    'lid',
    'lip',
    'log',
    'lot',
    'low',
    'man',
    'map',
    'mat',
    'may',
  ],
  ...[
    'men',
    'met',
    'mix',
    'mud',
    'mug',
    'nap',
    'net',
    'nod',
    'not',
    'now',
    'nut',
    'pad',
    'pan',
    'pat',
    'pay',
  ],
  ...[
    'pen',
    'pet',
    'pig',
    'pin',
    'pit',
    'pop',
    'pot',
    'put',
    'ran',
    'rat',
    'raw',
    'ray',
    'red',
    'rib',
    'rid',
  ],
  ...[
    'rim',
    'rip',
    'rod',
    'row',
    'rub',
    'rug',
    'run',
    'sad',
    'sat',
    'saw',
    'say',
    'set',
    'sip',
    'sit',
    'six',
  ],
  ...[
    'sun',
    'tap',
    'tar',
    'ten',
    'tin',
    'tip',
    'top',
    'toy',
    'tub',
    'tug',
    'van',
    'vet',
    'wag',
    'war',
    'was',
  ],
  ...['wax', 'way', 'web', 'wet', 'wig', 'win', 'yes', 'yet', 'zip'],
] as const;

const LEVELS = [
  { steps: 2, others: 1 },
  { steps: 3, others: 2 },
  { steps: 4, others: 4 },
] as const;

/** Words of the same length that differ in one letter. */
function isStep(from: string, to: string): boolean {
  if (from.length !== to.length) return false;
  let different = 0;
  for (let at = 0; at < from.length; at++) if (from.charAt(at) !== to.charAt(at)) different += 1;
  return different === 1;
}

/** A way of that many steps without a shortcut: only neighbours on it differ in one letter. */
function drawLadder(draws: DrawSequence, steps: number): readonly string[] {
  for (;;) {
    const ladder: string[] = [draws.pick(LADDER_WORDS)];
    while (ladder.length <= steps) {
      const last = must(ladder, ladder.length - 1);
      const before = ladder.slice(0, -1);
      const next = LADDER_WORDS.filter(
        (word) => isStep(last, word) && !ladder.includes(word) && !before.some((each) => isStep(each, word)),
      );
      if (next.length === 0) break;
      ladder.push(draws.pick(next));
    }
    if (ladder.length > steps) return ladder;
  }
}

/** Any way from the first word to the last over the allowed words, each step one letter. */
function ladderAnswer(answer: string, allowed: readonly string[]): ExpectedAnswer {
  const [first, last] = [listElements(answer)[0], listElements(answer).at(-1)];
  return {
    extract: (text) => listElements(extractAnswer(text, WORD_RULES)).join(' '),
    accepts(given) {
      const way = given.split(' ');
      return (
        way[0] === first &&
        way.at(-1) === last &&
        way.length <= allowed.length &&
        way.every((word, at) => allowed.includes(word) && (at === 0 || isStep(must(way, at - 1), word)))
      );
    },
    explain: (given) => explainWrong(given, answer),
  };
}

/**
 * `Go from cat to dog in steps of one letter. Use: cot dot bed` Every valid way is right. The same two ends
 * are one question.
 */
export const wordLadder = defineWordTask({
  id: 'word-ladder',
  title: 'Change a word letter by letter',
  difficulties: LEVELS.map(({ steps }) => `${steps} steps`),
  expect: (answer) => ladderAnswer(answer, listElements(answer)),
  draw(draws, difficulty) {
    const { steps, others } = must(LEVELS, difficulty);
    const ladder = drawLadder(draws, steps);
    const [first, last] = [must(ladder, 0), must(ladder, steps)];
    const spare = LADDER_WORDS.filter((word) => !ladder.includes(word));
    const offered = draws.shuffle([...ladder.slice(1, -1), ...draws.shuffle(spare).slice(0, others)]);
    const answer = ladder.join(' ');
    return {
      prompt: `Go from ${first} to ${last} in steps of one letter. Use: ${offered.join(' ')}`,
      answer,
      identity: [first, last].sort().join(' '),
      steps: ladder.slice(1).map((word, at) => `${must(ladder, at)} to ${word}.`),
      expected: ladderAnswer(answer, [first, ...offered, last]),
    };
  },
});
