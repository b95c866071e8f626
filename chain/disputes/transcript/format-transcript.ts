import type { Chapter, GameStory, Word } from './transcript.ts';

/** A game's story in sentences, for a terminal. */
export function tell(story: GameStory): string[] {
  const lines = [
    `Game ${story.game} about claim ${story.claim}: ${story.challenger} challenges ${story.claimant}.`,
    ...story.chapters.map(tellChapter),
  ];
  const { searching, turn, verdict } = story;
  if (searching !== undefined) {
    const { what, first, size } = searching;
    lines.push(`The difference is among ${size} ${what}, from number ${first} on.`);
  }
  if (turn !== undefined) {
    lines.push(`The ${turn.side} is to move, until ${new Date(turn.until * 1000).toISOString()}.`);
  }
  if (verdict !== undefined) lines.push(tellVerdict(verdict));
  return lines;
}

function tellChapter(chapter: Chapter): string {
  switch (chapter.kind) {
    case 'step':
      return `Step ${chapter.step} of ${chapter.of} is the first whose checkpoint differs.`;
    case 'slot': {
      const maker = chapter.operator === undefined ? chapter.what : `made by ${chapter.operator}`;
      return `In it, “${chapter.name}” (${maker}) is the first that differs, number ${chapter.slot} of ${chapter.of}.`;
    }
    case 'leaf':
      return `The difference begins in its part ${chapter.leaf} of ${chapter.of}.`;
    case 'element':
      return `Number ${chapter.element} of ${chapter.of} is claimed to be ${tellWord(chapter.claimed)}.`;
    case 'chunk':
      return `Of its sum, part ${chapter.chunk} of ${chapter.of} is claimed to lead from ${tellWord(chapter.before)} to ${tellWord(chapter.after)}.`;
  }
}

function tellVerdict({ winner, by, computed, claimed }: NonNullable<GameStory['verdict']>): string {
  if (by === 'judge' && computed !== undefined && claimed !== undefined) {
    return `The judge computed ${tellWord(computed)}; claimed was ${tellWord(claimed)}. The ${winner} won.`;
  }
  if (by === 'judge') return `The judge found another number of parts in the sum. The ${winner} won.`;
  if (by === 'shown') {
    return winner === 'claimant'
      ? 'The claimant showed that it is what was given. The claimant won.'
      : 'What the claimant showed does not fit together. The challenger won.';
  }
  return `The ${winner === 'claimant' ? 'challenger' : 'claimant'} did not answer. The ${winner} won.`;
}

function tellWord({ bits, value }: Word): string {
  return `${value} (0x${bits.toString(16).padStart(8, '0')})`;
}
