import type { GameTranscript, TranscriptSection, Verdict, Word } from './transcript.ts';

/** A game's transcript in sentences, one a line, for a terminal. */
export function formatTranscript(transcript: GameTranscript): string[] {
  const { game, claim, challenger, claimant, sections, searching, turn, verdict } = transcript;
  const lines = [
    `Game ${game} about claim ${claim}: ${challenger} challenges ${claimant}.`,
    ...sections.map(formatSection),
  ];
  if (searching !== undefined) {
    const { what, first, size } = searching;
    lines.push(`The difference is among ${size} ${what}, from number ${first} on.`);
  }
  if (turn !== undefined) {
    lines.push(`The ${turn.side} is to move, until ${new Date(turn.until * 1000).toISOString()}.`);
  }
  if (verdict !== undefined) lines.push(formatVerdict(verdict));
  return lines;
}

function formatSection(section: TranscriptSection): string {
  switch (section.kind) {
    case 'step':
      return `Step ${section.step} of ${section.of} is the first whose checkpoint differs.`;
    case 'slot': {
      const maker = section.operator === undefined ? section.what : `made by ${section.operator}`;
      return `In it, “${section.name}” (${maker}) is the first that differs, number ${section.slot} of ${section.of}.`;
    }
    case 'leaf':
      return `The difference begins in its part ${section.leaf} of ${section.of}.`;
    case 'element':
      return `Number ${section.element} of ${section.of} is claimed to be ${formatWord(section.claimed)}.`;
    case 'chunk':
      return `Of its sum, part ${section.chunk} of ${section.of} is claimed to lead from ${formatWord(section.before)} to ${formatWord(section.after)}.`;
  }
}

function formatVerdict({ winner, by, computed, claimed }: Verdict): string {
  if (by === 'judge' && computed !== undefined && claimed !== undefined) {
    return `The judge computed ${formatWord(computed)}; claimed was ${formatWord(claimed)}. The ${winner} won.`;
  }
  if (by === 'judge') return `The judge found another number of parts in the sum. The ${winner} won.`;
  if (by === 'shown') {
    return winner === 'claimant'
      ? 'The claimant showed that it is what was given. The claimant won.'
      : 'What the claimant showed does not fit together. The challenger won.';
  }
  return `The ${winner === 'claimant' ? 'challenger' : 'claimant'} did not answer. The ${winner} won.`;
}

function formatWord({ bits, value }: Word): string {
  return `${value} (0x${bits.toString(16).padStart(8, '0')})`;
}
