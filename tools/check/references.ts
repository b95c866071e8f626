import { importGraph } from './circles.ts';
import { type Check, roomOf } from './house.ts';
import { roomReferences } from './rooms-picture.ts';

/**
 * A room's tsconfig.json refers to the rooms that its files import and to no other. The compiler refuses an
 * import without a reference; this check finds a reference without an import, which would permit what nobody
 * needs.
 */
export const checkReferences: Check = (house) => {
  const used = new Set<string>();
  for (const [file, targets] of importGraph(house))
    for (const target of targets) used.add(`${roomOf(file)} ${roomOf(target)}`);
  const references = [...roomReferences(house)].flatMap(([room, below]) => below.map((to) => ({ room, to })));
  return {
    findings: references
      .filter(({ room, to }) => !used.has(`${room} ${to}`))
      .map(({ room, to }) => ({
        file: `${room}/tsconfig.json`,
        message: `may import ${to}, and no file of it does: remove the reference`,
      })),
    summary: [`${references.length} arrows between rooms`],
  };
};
