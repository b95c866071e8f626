/**
 * One break each: a text that stands exactly once in a source, what replaces it, and the folder of the tests that have to notice.
 *
 * @type {readonly { what: string, file: string, from: string, to: string, tests: 'disputes' | 'judge' }[]}
 */
export const MUTANTS = [
  ...disputes([
    [
      'children of a node are not hashed',
      'if (Merkle.rootOfFrontier(nodes, g.size, LEVELS) != g.node) revert DoesNotHash();',
      '',
    ],
    [
      'picked nodes need not be those revealed',
      'if (keccak256(abi.encode(nodes)) != g.revealed) revert NotAsCommitted();',
      '',
    ],
    [
      'a pick forgets where its subtree begins',
      '(g.first + uint64(first), uint64(size))',
      '(uint64(first), uint64(size))',
    ],
    [
      'the root after the step is not bound to the step tree',
      'if (Merkle.leaf(afterwards) != g.node) revert DoesNotHash();',
      '',
    ],
    [
      'the state before is not bound to the step before',
      'if (!_isBefore(g, terms, before, beforeProof)) revert DoesNotHash();',
      '',
    ],
    [
      'the trace does not end in the claimed root',
      'if (!Merkle.verify(g.node, terms.slots - 1, terms.slots, lastProof, trace)) revert DoesNotHash();',
      '',
    ],
    ['the tensor is not bound to the trace', 'if (Merkle.leaf(tensor) != g.node) revert DoesNotHash();', ''],
    [
      'a leaf is not bound to its tensor',
      'if (Merkle.leaf(data) != g.node) revert DoesNotHash();\n        g.phase = Phase.Element;',
      'g.phase = Phase.Element;',
    ],
    [
      'a composed root is taken as it is',
      'if (_composed(g, terms, slot, inputs) != tensor) return _end(id, g, false);',
      '',
    ],
    [
      'a fixed tensor is taken as it is',
      'if (keccak256(slot.name) != keccak256(abi.encodePacked(tensor))) return _end(id, g, false);',
      '',
    ],
    [
      'a given tensor need not be given',
      '} else if (!_isGiven(g, terms, slot, tensor, inputs[0].proof)) {',
      '} else if (false) {',
    ],
    [
      'data of any step pass for those of this',
      'uint256(g.step) * terms.dataSlots + slot.place',
      'slot.place',
    ],
    [
      'inputs of the judge are not in the trace',
      'if (!Merkle.verify(Merkle.leaf(input.root), place, terms.slots, input.proof, g.trace)) {',
      'if (false) {',
    ],
    [
      'opened leaves are not in their tensors',
      'if (!Merkle.verify(Merkle.leaf(leaf.data), leaf.index, size, opening.proof, root)) {',
      'if (false) {',
    ],
    [
      'sums of a fold need not come to the element',
      'if (JUDGE.total(slot.node.op, accumulators) != g.value) revert DoesNotHash();',
      '',
    ],
    ['the verdict is turned round', '_end(id, g, got == claimed);', '_end(id, g, got != claimed);'],
    ['the claimant wins every judgement', '_end(id, g, got == claimed);', '_end(id, g, true);'],
    ['silence wins', '_end(id, g, !g.clock.claimantToMove);', '_end(id, g, g.clock.claimantToMove);'],
    ['time can be called while there is some', 'if (!g.clock.isOver()) revert StillInTime();', ''],
    ['a second challenger ends the first one’s game', '++c.liveGames;', 'c.liveGames = 1;'],
    ['a claim stands while games are played', 'if (c.liveGames != 0) revert GamesLive();', ''],
    [
      'a claim stands before its window is over',
      'if (block.timestamp <= c.windowEnd) revert WindowOpen();',
      '',
    ],
    ['challenges come after the window', 'if (block.timestamp > c.windowEnd) revert WindowClosed();', ''],
    [
      'a claim is settled again',
      'if (c.lost || c.settled) revert AlreadyDecided();\n        if (block.timestamp <= c.windowEnd)',
      'if (block.timestamp <= c.windowEnd)',
    ],
    ['a bond is paid twice', 'credit[msg.sender] = 0;', ''],
    [
      'a bond is released twice',
      'if (g.phase == Phase.Over || !c.lost) revert NotYourMove();',
      'if (!c.lost) revert NotYourMove();',
    ],
    [
      'bonds are released before the end',
      'if (g.phase == Phase.Over || !c.lost) revert NotYourMove();',
      'if (g.phase == Phase.Over) revert NotYourMove();',
    ],
    ['a game ends twice', 'if (g.phase == Phase.Over || _claims[g.claim].lost) revert NotYourMove();', ''],
    [
      'moves go on after the claim is lost',
      'if (c.lost || msg.sender != c.claimant || !g.clock.claimantToMove) revert NotYourMove();',
      'if (msg.sender != c.claimant || !g.clock.claimantToMove) revert NotYourMove();',
    ],
    [
      'anyone moves for the claimant',
      'if (c.lost || msg.sender != c.claimant || !g.clock.claimantToMove) revert NotYourMove();',
      'if (c.lost || !g.clock.claimantToMove) revert NotYourMove();',
    ],
    ['a lost claim loses nothing', 'c.lost = true;', ''],
    ['nothing is burned', 'burned += c.bond - reward;', ''],
    ['the winner gets the whole bond', 'uint256 reward = c.bond / 2;', 'uint256 reward = c.bond;'],
    ['the loser’s bond stays', 'credit[c.claimant] += g.bond;', ''],
    [
      'a challenge is cheaper',
      'uint256 due = challengeBond(terms);\n        if (msg.value != due) revert WrongBond(due);',
      'uint256 due = challengeBond(terms);',
    ],
    ['any terms will do', 'if (keccak256(abi.encode(terms)) != c.terms) revert NotAsCommitted();', ''],
  ]),
  ...clocks([
    ['the clock never ticks', 'uint32 used = uint32(block.timestamp - clock.since);', 'uint32 used = 0;'],
    ['late moves count', 'if (isOver(clock)) revert OutOfTime();', ''],
    [
      'the wrong clock runs',
      'if (clock.claimantToMove) clock.claimantLeft -= used;',
      'if (!clock.claimantToMove) clock.claimantLeft -= used;',
    ],
    ['no extension', 'if (clock.claimantLeft < extension) clock.claimantLeft = extension;', ''],
  ]),
];

function disputes(list) {
  return list.map(([what, from, to]) => ({
    what,
    file: 'disputes/Disputes.sol',
    from,
    to,
    tests: 'disputes',
  }));
}

function clocks(list) {
  return list.map(([what, from, to]) => ({
    what,
    file: 'disputes/ChessClock.sol',
    from,
    to,
    tests: 'disputes',
  }));
}
