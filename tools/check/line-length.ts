import type { Check, Finding, House } from './house.ts';
import { roomOf } from './house.ts';
import { commentsOf } from './source-text.ts';

/** Columns of a comment line: those of the code, which Biome and forge format. */
export const COMMENT_COLUMNS = 110;
/** Columns of a line of Markdown prose. */
export const PROSE_COLUMNS = 150;

const COMMENTED = /\.(ts|tsx|mts|mjs|js|wgsl|sol)$/;

/** Comment lines over 110 columns, and lines of prose over 150. */
export const checkLineLength: Check = (house) => {
  const findings = house.files.flatMap((file) => {
    if (COMMENTED.test(file)) return longComments(house, file);
    if (file.endsWith('.md')) return longProse(house, file);
    return [];
  });
  const counts = new Map<string, { comments: number; prose: number }>();
  for (const { file } of findings) {
    const count = counts.get(roomOf(file)) ?? { comments: 0, prose: 0 };
    if (file.endsWith('.md')) count.prose++;
    else count.comments++;
    counts.set(roomOf(file), count);
  }
  const rooms = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    findings,
    summary: rooms.map(
      ([room, { comments, prose }]) =>
        `${room.padEnd(10)} ${String(comments).padStart(4)} comment lines, ${prose} lines of prose`,
    ),
  };
};

function longComments(house: House, file: string): Finding[] {
  const text = house.read(file);
  // The parser is slow; most files have no long line at all.
  if (!text.split('\n').some((line) => columnsOf(line) > COMMENT_COLUMNS)) return [];
  const comments = commentsOf(file, text);
  const findings: Finding[] = [];
  let start = 0;
  let next = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const end = start + line.length;
    while (next < comments.length && (comments[next]?.end ?? 0) <= start) next++;
    const comment = comments[next];
    if (
      columnsOf(line) > COMMENT_COLUMNS &&
      comments.slice(next).some((range) => range.start < end && range.end > start) &&
      comment !== undefined &&
      !isUnbreakable(line)
    )
      findings.push({
        file,
        line: index + 1,
        message: `a comment line of ${columnsOf(line)} columns; at most ${COMMENT_COLUMNS}`,
      });
    start = end + 1;
  }
  return findings;
}

/** Tables and code blocks cannot be wrapped, and a line may be long because of one address or link. */
function longProse(house: House, file: string): Finding[] {
  const findings: Finding[] = [];
  let fenced = false;
  for (const [index, line] of house.read(file).split('\n').entries()) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    if (fenced || columnsOf(line) <= PROSE_COLUMNS) continue;
    if (/^\s*\|/.test(line) || /^( {4}|\t)/.test(line) || isUnbreakable(line)) continue;
    findings.push({
      file,
      line: index + 1,
      message: `a line of ${columnsOf(line)} columns; at most ${PROSE_COLUMNS}`,
    });
  }
  return findings;
}

/** One word and what leads up to it: an address, a path, a link, a digest. */
function isUnbreakable(line: string): boolean {
  const words = line
    .trim()
    .replace(/^(\/\/\/?|\/?\*+|[-*] |\d+\. )\s*/, '')
    .split(/\s+/);
  return words.length <= 2 && words.some((word) => word.length > 60);
}

/** Code points, so that an arrow or a Greek letter counts as one column. */
function columnsOf(line: string): number {
  return [...line].length;
}
