/** What each group's copy of contracts/ holds; its tests have to notice the group's mutants. */
export const GROUPS = {
  disputes: ['src/disputes', 'src/judge', 'test/disputes'],
  judge: ['src/judge', 'test/judge'],
  market: ['src', 'test/market', 'test/disputes/Trees.sol'],
  handoffs: [
    'src',
    'test/handoffs',
    'test/Signing.sol',
    ...['DisputesFixture', 'SampleRun', 'Trees'].map((name) => `test/disputes/${name}.sol`),
  ],
  records: [
    ...[
      ...['Identity', 'IIdentity', 'Swarms', 'ISwarms', 'Participation', 'IParticipation'],
      ...['PackedBinding', 'Tally', 'Signed'],
    ].map((name) => `src/${name}.sol`),
    ...[
      ...['Identity.t', 'DevicePlaces.t', 'OwnerSignatures.t', 'KeyRotation.t'],
      ...[
        'Swarms.t',
        'Participation.t',
        'ParticipationInvariant.t',
        'RoundRoot.t',
        'RoundTree',
        'Signed.t',
        'Signing',
      ],
    ].map((name) => `test/${name}.sol`),
  ],
};

/** The contract that a group's tests deploy by name, so that it can be exchanged without compiling them. */
export const QUICK = { disputes: 'Disputes', judge: 'Judge' };

/**
 * The tests to try first, so that most mutants take a second: whatever they say, all others run where they do
 * not fail.
 */
export const LIKELY = {
  'a leaf is not bound to its tensor': 'test_openLeaf_revertsIfLeafIsNotInTensor',
  'a composed root is taken as it is': 'test_game_claimLosesIfRootIsNotComposedFromTrace',
  'a fixed tensor is taken as it is': 'test_game_claimLosesIfFixedTensorIsWrong',
  'a given tensor need not be given': 'test_game_claimLosesIfBatchIsSwapped',
  'data of any step pass for those of this': 'test_openSlot_revertsIfDataIsOfOtherStep',
  'inputs of the judge are not in the trace': 'test_judge_revertsIfOperandsAreNotInTrace',
  'opened leaves are not in their tensors': 'test_judge_revertsIfOperandsAreNotInTrace',
  'sums of a fold need not come to the element': 'test_postFold_revertsIfSumDiffersFromElement',
  'the verdict is turned round': 'test_game_claimLosesIfOneBitIsWrong',
  'the claimant wins every judgement': 'test_game_claimLosesIfOneBitIsWrong',
  'silence wins': 'test_timeout_claimLosesIfTraceIsWithheld',
  'time can be called while there is some': 'test_timeout_claimLosesIfTraceIsWithheld',
  'a second challenger ends the first one’s game': 'test_timeout_otherGamesContinueIfOneChallengerLoses',
  'a claim stands while games are played': 'test_timeout_otherGamesContinueIfOneChallengerLoses',
  'a claim stands before its window is over': 'test_settle_revertsUntilWindowIsOver',
  'challenges come after the window': 'test_settle_revertsUntilWindowIsOver',
  'a claim is settled again': 'test_settle_revertsUntilWindowIsOver',
  'a bond is paid twice': 'testFuzz_game_honestClaimBeatsAnyChallenger',
  'a bond is released twice': 'test_release_returnsBondIfClaimIsLost',
  'bonds are released before the end': 'test_release_returnsBondIfClaimIsLost',
  'a game ends twice': 'test_release_returnsBondIfClaimIsLost',
  'moves go on after the claim is lost': 'test_release_returnsBondIfClaimIsLost',
  'anyone moves for the claimant': 'test_revealAndPick_revertIfSenderIsNotToMove',
  'a lost claim loses nothing': 'test_timeout_claimLosesIfTraceIsWithheld',
  'nothing is burned': 'test_game_claimLosesIfFixedTensorIsWrong',
  'the winners get the whole bond': 'test_game_claimLosesIfFixedTensorIsWrong',
  'the loser’s bond stays': 'testFuzz_game_honestClaimBeatsAnyChallenger',
  'a challenge is cheaper': 'test_claimAndChallenge_revertIfBondIsNotExact',
  'the first winner takes the whole reward': 'test_release_paysOvertakenChallengerForItsMoves',
  'an overtaken challenger gets its bond only': 'test_release_paysOvertakenChallengerForItsMoves',
  'moves of games that are over dilute the reward': 'invariant_fundsOutcomesAndClocksHold',
  'only challenges count as moves': 'test_release_paysOvertakenChallengerForItsMoves',
  'no time for other games': 'test_clock_leavesTimeForManyGames',
  'time for other games has no end': 'test_clock_capsExtraTimeAtSecondBudget',
  'a judgement counts nothing': 'test_bonds_coverEveryMoveAndJudgement',
  'tensors of any size': 'test_openSlot_revertsIfOutputIsTooLarge',
  'a decided claim is challenged': 'test_release_returnsBondIfClaimIsLost',
  'a judgement after the time for it': 'test_judgeAndOpenSlot_revertIfOutOfTime',
  'a slot is shown after the time for it': 'test_judgeAndOpenSlot_revertIfOutOfTime',
  'a game of a lost claim is judged': 'test_judge_revertsIfClaimIsLost',
  'a fold may have too few chunks': 'test_judge_claimLosesIfChunksAreMissing',
  'a fold may have any number of chunks': 'test_postFold_revertsIfTooManyChunks',
  'a chunk begins at nothing': 'test_pickChunk_continuesFromPreviousChunk',
  'picked accumulators need not be those posted': 'test_postFold_revertsIfTooManyChunks',
  'a leaf may be short': 'test_openLeaf_revertsIfLeafIsTooShort',
  'operands come from anywhere in the trace': 'test_judge_revertsIfOperandIsNotBeforeSlot',
  'another slot of the program is judged': 'test_judge_revertsIfOperandIsNotBeforeSlot',
  'another slot of the program is opened': 'test_openSlot_revertsIfTensorIsOfOtherSlot',
  'no window': 'test_maxSeconds_boundsSlowestGame',
  'the window forgets the steps': 'test_claim_windowGrowsWithSteps',
  'runs of any length': 'test_claim_revertsIfRunTakesTooLongToRepeat',
  'budgets forget the steps': 'test_challenge_givesBothSidesTimeToRepeatRun',
  'the end forgets the steps': 'test_challenge_givesBothSidesTimeToRepeatRun',
  'a step takes no time': 'test_constructor_revertsIfBudgetIsTooLongOrStepsTakeNoTime',
  'any terms will do': 'test_challenge_revertsIfTermsDiffer',
  'the clock never ticks': 'test_clock_runsForSideToMove',
  'late moves count': 'test_reveal_revertsIfOutOfTime',
  'the wrong clock runs': 'test_clock_runsForSideToMove',
  'no extra time at the start': 'test_clock_leavesTimeForManyGames',
  'no extension for challengers': 'test_clock_extendsTimeAfterLastSecondMove',
  'no extension': 'test_clock_extendsTimeAfterLastSecondMove',
  'a leaf passes for a node': 'test_game_claimLosesIfFixedTensorIsWrong',
  'a proof may be short': 'test_openStep_revertsIfProofIsTooShort',
  'more nodes than the tree has': 'test_reveal_revertsIfNodeCountIsWrong',
  'children of a node are not hashed': 'test_reveal_revertsIfNodesDoNotHash',
  'picked nodes need not be those revealed': 'test_pick_revertsIfNodesWereNotRevealed',
  'a pick forgets where its subtree begins': 'testFuzz_pick_reachesChosenLeaf',
  'the root after the step is not bound to the step tree': 'test_openStep_revertsIfRootOrTraceDiffers',
  'the state before is not bound to the step before': 'test_openStep_revertsIfRootOrTraceDiffers',
  'the trace does not end in the claimed root': 'test_openStep_revertsIfRootOrTraceDiffers',
  'the tensor is not bound to the trace': 'test_openSlot_revertsIfTensorIsOfOtherSlot',
  'a round is spoken for twice': 'test_attest_revertsIfRoundIsRepeated',
  'a round stays open for ever': 'testFuzz_attest_acceptsOnlyOpenRounds',
  'an attestation without authority': 'test_attest_revertsIfDeviceIsRevoked',
  'a vote for oneself counts': 'test_vote_countsVote',
  'a vote for the same peer twice': 'test_vote_revertsIfVoterOrWinnersAreInvalid',
  'a vote signed by anybody': 'test_voteBatch_skipsBadEntriesAndCountsTheRest',
  'a device is bound without its consent': 'testFuzz_bind_revertsIfConsentIsToOtherTerms',
  'an old signature revives a revoked device': 'test_bind_revertsIfDeviceWasRevokedInEpoch',
  'another owner takes a device': 'testFuzz_bind_revertsIfDeviceHasOtherOwner',
  'a point off the curve': 'testFuzz_derive_revertsIfPointIsNotOnCurve',
  'a round of a later page without authority': 'test_attestFromRoot_skipsRevokedDeviceOnOtherPage',
  'a round of an earlier page without authority': 'test_attestFromRoot_skipsRevokedDeviceOnOtherPage',
  'a round of an earlier page is spoken for twice': 'testFuzz_attestFromRoot_countsEveryRoundInAnyOrder',
  'a later round takes those of earlier pages away': 'testFuzz_attestFromRoot_countsEveryRoundInAnyOrder',
  'a later round takes those of its page away': 'testFuzz_attestBatch_countsOpenRoundsInAnyOrder',
  'a new page forgets the one before': 'test_recordOf_keepsFieldsApart',
  'a page overwrites those beside it': 'test_recordOf_keepsFieldsApart',
  'a page is kept in the place of another': 'test_recordOf_keepsFieldsApart',
  'a vote counts twice': 'testFuzz_voteBatch_countsOpenRoundsInAnyOrder',
  'a contradiction takes a second round': 'testFuzz_contradict_takesRoundFromDevice',
  'a contradiction with one signature': 'test_contradict_revertsIfThereIsNoContradiction',
  'a contradiction with the other signature': 'test_contradict_revertsIfThereIsNoContradiction',
  'a contradiction of two devices': 'test_contradict_revertsIfThereIsNoContradiction',
  'a contradicted round counts': 'testFuzz_contradict_takesRoundFromDevice',
  'a contradiction of a round to come': 'test_contradict_revertsIfThereIsNoContradiction',
  'a vote forgets those before it': 'testFuzz_voteBatch_countsOpenRoundsInAnyOrder',
  'a vote before the latest is forgotten': 'testFuzz_voteBatch_countsOpenRoundsInAnyOrder',
  'a closed round looks open for votes': 'testFuzz_voteBatch_countsOpenRoundsInAnyOrder',
  'a new page has the rounds of the one before': 'test_recordOf_keepsFieldsApart',
  'a high s in a batch': 'testFuzz_attesters_skipsHighSNearHalfOrder',
  'an entry of a batch signed by anybody': 'test_attestBatch_skipsBadEntriesAndCountsTheRest',
  'the signature of another round': 'test_attestBatch_skipsBadEntriesAndCountsTheRest',
  'an older delegation takes the place of a newer one': 'testFuzz_bind_neverReplacesNewerDelegationByOlder',
  'a retired device comes back': 'test_bind_reusesPlaceOfRevokedBeforeThatOfExpired',
  'a delegation ends the device of another owner': 'test_bind_revertsIfReplacedDeviceIsNotOwners',
  'a replaced device goes on': 'test_bind_replacesDeviceInOneCall',
  'anybody ends the session of a device': 'testFuzz_endSessionFor_revertsIfSignatureIsOfOtherKeyOrDelegation',
  'a session goes on after its end': 'test_endSession_endsDelegation',
  'a device in force loses its place': 'test_bind_revertsIfEveryPlaceIsInForce',
  'an expired device loses its place first': 'test_bind_reusesPlaceOfRevokedBeforeThatOfExpired',
  'the record of a retired device is lost': 'test_recordOfOwner_keepsRecordOfRetiredDevice',
  'v of 0 or 1 is refused': 'testFuzz_bind_acceptsEveryFormOfKeySignature',
  'an epoch comes round again': 'test_revokeAll_revertsIfEpochsAreUsedUp',
  'a bond is taken back while it is locked': 'test_withdraw_revertsWhileBondIsLocked',
  'a bond is locked for a shorter time': 'test_deposit_revertsIfTimeIsOverOrEarlierOrTooLate',
  'a liar takes its bond back': 'test_contradict_forfeitsBonds',
  'a bond is taken back twice': 'test_withdraw_returnsBondOnceAfterItsTime',
  'other inputs make a contradiction': 'test_contradict_revertsIfThereIsNoContradiction',
  'the same result twice is a contradiction': 'test_contradict_revertsIfThereIsNoContradiction',
  'steps make a contradiction': 'test_contradict_revertsIfThereIsNoContradiction',
  'hops make a contradiction': 'test_contradict_revertsIfThereIsNoContradiction',
  'anybody signs for a device': 'test_convict_revertsIfDeviceDidNotSign',
  'the zero address signed it': 'test_convict_revertsIfDeviceDidNotSign',
  'a claim that does not stand convicts': 'test_convict_revertsUntilClaimStands',
  'a claim about anything convicts': 'test_convict_revertsIfClaimIsAboutOtherInputsOrHop',
  'a claim that agrees convicts': 'test_convict_revertsIfClaimSaysWhatHandoffSays',
  'a hop of another run convicts': 'test_convict_revertsIfTermsAreOfOtherRun',
  'other inputs than those signed': 'test_convict_revertsIfDeviceWasGivenFalseInputs',
  'other outputs than those signed': 'test_blame_revertsIfTensorsAreNotInTrace',
  'blame without conviction': 'test_blame_revertsIfHandoffIsNotConvicted',
  'blame for a claim that is not lost': 'test_blame_revertsIfClaimantWonGame',
  'blame for another run’s claim': 'test_blame_revertsIfTermsAreNotTheClaims',
  'blame in a game that goes on': 'test_blame_revertsIfClaimIsNotLostOrGameIsNotOver',
  'blame for another step': 'test_blame_revertsIfHandoffIsOfOtherStep',
  'blame for a slot that was never opened': 'test_blame_revertsIfSlotWasNotOpened',
  'a bond pays twice': 'test_blame_revertsIfBondHasPaid',
  'a claim is paid for twice': 'test_blame_revertsIfClaimIsPaidFor',
  'blame takes nothing': 'test_blame_passesLossToSigner',
  'what is left is not burned': 'test_blame_passesLossToSigner',
  'any slots pass for the program’s': 'test_hopTerms_revertIfSlotsAreNotTheProgramsOrReadOthers',
  'slots read what comes after them': 'test_hopTerms_revertIfSlotReadsLaterSlot',
  'a hop hands on what it does not have': 'test_hopTerms_revertIfSlotsAreNotTheProgramsOrReadOthers',
  'data of a hop are not bound': 'test_hopTerms_areTheHopsSlotsAndInputs',
  'any table passes for the program’s': 'test_hopTerms_revertIfSlotsAreNotTheProgramsOrReadOthers',
  'a hop is paid twice': 'test_collect_revertsIfHopIsPaid',
  'hops are paid before the claim stands': 'test_collect_revertsUntilClaimStands',
  'hops are paid after the time': 'test_giveBack_returnsWhatNobodyCollectedAfterItsTime',
  'a liar is paid': 'test_collect_revertsIfDeviceIsForfeited',
  'a handoff of another run is paid': 'test_collect_revertsIfRecordedHandoffIsOfOtherRun',
  'a hop beyond the step is paid': 'test_collect_revertsIfRecordedHopIsBeyondStep',
  'anybody records': 'test_record_revertsIfClaimIsForeignOrRecorded',
  'a record is replaced': 'test_record_revertsIfClaimIsForeignOrRecorded',
  'another’s claim is recorded': 'test_record_revertsIfClaimIsForeignOrRecorded',
  'a lost claim is recorded': 'test_record_replacesThatOfLostClaim',
  'the funder takes all at once': 'test_giveBack_returnsWhatNobodyCollectedAfterItsTime',
  'the funder takes it twice': 'test_giveBack_returnsWhatNobodyCollectedAfterItsTime',
};

/**
 * One break each: a text that stands exactly once in a source, what replaces it, and the group whose tests
 * have to notice.
 *
 * @type {readonly { what: string, file: string, from: string, to: string, group: keyof typeof GROUPS }[]}
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
    ['nothing is burned', 'burned += c.bond - c.pot;', ''],
    ['the winners get the whole bond', 'c.pot = c.bond / 2;', 'c.pot = c.bond;'],
    ['the loser’s bond stays', 'credit[c.claimant] += g.bond;', ''],
    [
      'a challenge is cheaper',
      'uint256 due = challengeBond(terms);\n        if (msg.value != due) revert WrongBond(due);',
      'uint256 due = challengeBond(terms);',
    ],
    ['the first winner takes the whole reward', 'uint96(uint256(c.pot) * g.moves / c.moves)', 'c.pot'],
    [
      'an overtaken challenger gets its bond only',
      '_share(c, g);\n        emit GameOver(g.claim, id, false);',
      'credit[g.challenger] += g.bond;\n        emit GameOver(g.claim, id, false);',
    ],
    [
      'moves of games that are over dilute the reward',
      'c.moves -= g.moves;\n            credit[c.claimant]',
      'credit[c.claimant]',
    ],
    ['only challenges count as moves', '++g.moves;\n        ++c.moves;', ''],
    [
      'no time for other games',
      'g.clock.start(budget, _extra(c.liveGames, budget));',
      'g.clock.start(budget, 0);',
    ],
    [
      'time for other games has no end',
      'return time < budget ? uint32(time) : budget;',
      'return uint32(time);',
    ],
    ['a judgement counts nothing', '(maxMoves(terms) + JUDGEMENT)', 'maxMoves(terms)'],
    ['tensors of any size', 'leaves == 0 || leaves > MAX_LEAVES', 'leaves == 0'],
    [
      'a decided claim is challenged',
      'if (c.lost || c.settled) revert AlreadyDecided();\n        if (block.timestamp > c.windowEnd)',
      'if (block.timestamp > c.windowEnd)',
    ],
    [
      'a judgement after the time for it',
      'if (g.clock.isOver()) revert ChessClock.OutOfTime();\n        _checkTerms',
      '_checkTerms',
    ],
    [
      'a slot is shown after the time for it',
      'if (g.clock.isOver()) revert ChessClock.OutOfTime();\n        if (slot.kind',
      'if (slot.kind',
    ],
    [
      'a game of a lost claim is judged',
      'if (g.phase != Phase.Judge || _claims[g.claim].lost) revert NotYourMove();',
      'if (g.phase != Phase.Judge) revert NotYourMove();',
    ],
    ['a fold may have too few chunks', 'if (chunks != g.chunks) return (chunks, type(uint256).max);', ''],
    [
      'a fold may have any number of chunks',
      'if (accumulators.length > JUDGE.chunkLimit(slot.node)) revert DoesNotHash();',
      '',
    ],
    ['a chunk begins at nothing', 'if (chunk > 0) g.accumulatorBefore = accumulators[chunk - 1];', ''],
    [
      'picked accumulators need not be those posted',
      'if (keccak256(abi.encode(accumulators)) != g.accumulators) revert NotAsCommitted();',
      '',
    ],
    [
      'a leaf may be short',
      'if (data.length != Operands.leafBytes(g.length, g.first)) revert DoesNotHash();',
      '',
    ],
    ['operands come from anywhere in the trace', 'if (place >= g.slot) revert BadTerms();', ''],
    [
      'another slot of the program is judged',
      'if (keccak256(abi.encode(slot)) != g.slotHash) revert NotAsCommitted();',
      '',
    ],
    [
      'another slot of the program is opened',
      'if (!Merkle.verify(Merkle.leaf(encoded), g.slot, terms.slots, slotProof, terms.program)) {',
      'if (false) {',
    ],
    [
      'no window',
      'c.windowEnd = uint64(block.timestamp + window);',
      'c.windowEnd = uint64(block.timestamp);',
    ],
    [
      'the window forgets the steps',
      'return uint256(WINDOW) + _repeatSeconds(steps);',
      'return uint256(WINDOW);',
    ],
    ['runs of any length', 'if (steps == 0 || time > MAX_REPEAT_SECONDS) revert BadTerms();', ''],
    [
      'budgets forget the steps',
      'uint32 budget = BUDGET + _repeatSeconds(terms.steps);',
      'uint32 budget = BUDGET;',
    ],
    [
      'the end forgets the steps',
      'uint256 budget = uint256(BUDGET) + _repeatSeconds(terms.steps);',
      'uint256 budget = uint256(BUDGET);',
    ],
    [
      'a step takes no time',
      'if (stepSeconds == 0 || budget > type(uint32).max / 2 - MAX_REPEAT_SECONDS) revert BadTerms();',
      'if (budget > type(uint32).max / 2 - MAX_REPEAT_SECONDS) revert BadTerms();',
    ],
    ['any terms will do', 'if (keccak256(abi.encode(terms)) != c.terms) revert NotAsCommitted();', ''],
  ]),
  ...clocks([
    ['the clock never ticks', 'uint32 used = uint32(block.timestamp - clock.since);', 'uint32 used = 0;'],
    [
      'late moves count',
      'require(!isOver(clock), OutOfTime());\n        // The clock is not over, so the time used is below 2^32.\n        // forge-lint: disable-next-line(unsafe-typecast)\n        uint32 used = uint32(block.timestamp - clock.since);',
      'uint32 used = isOver(clock) ? 0 : uint32(block.timestamp - clock.since);',
    ],
    [
      'the wrong clock runs',
      'if (clock.claimantToMove) clock.claimantLeft -= used;',
      'if (!clock.claimantToMove) clock.claimantLeft -= used;',
    ],
    ['no extra time at the start', 'clock.claimantLeft = budget + extra;', 'clock.claimantLeft = budget;'],
    ['no extension for challengers', '} else if (clock.challengerLeft < extension) {', '} else if (false) {'],
    ['no extension', 'if (clock.claimantLeft < extension) clock.claimantLeft = extension;', ''],
  ]),
  ...merkle([
    [
      'a leaf passes for a node',
      'sha256(bytes.concat(hex"01", left, right))',
      'sha256(bytes.concat(hex"00", left, right))',
    ],
    ['a proof may be short', 'return last == 0 && hash == root;', 'return hash == root;'],
    ['more nodes than the tree has', 'require(used == nodes.length, WrongFrontier());', ''],
  ]),
  ...judge('CanonicalFloat', [
    ['ties round up', 'if (rest > half || (rest == half && significand & 1 == 1)) {', 'if (rest >= half) {'],
    ['the smallest exponent is kept', 'if (field <= 175) return 0;', 'if (field <= 174) return 0;'],
    ['far operands are dropped too soon', 'if (distance > 26) return a;', 'if (distance > 24) return a;'],
    ['a carry of rounding is lost', 'field += 1;', ''],
    [
      'the lattice rounds ties up',
      '(x + 0x7fff + ((x >> 16) & 1)) & 0xffff0000',
      '(x + 0x8000) & 0xffff0000',
    ],
    ['-0 stands', 'return x == 0 ? 0 : x ^ SIGN;', 'return x ^ SIGN;'],
  ]),
  ...judge('CanonicalFunctions', [
    ['exp has no end', 'if (F.gt(0xc2ae0000, x)) return 0;', 'if (F.gt(0xc2ac0000, x)) return 0;'],
    [
      'log of a power of two',
      'int256 e = (int256(x) - 0x3f3504f3) >> 23;',
      'int256 e = (int256(x) - 0x3f3504f4) >> 23;',
    ],
  ]),
  ...judge('Losses', [
    [
      'a draw takes the place at the threshold',
      'if (F.gt(F.add(before, within), threshold)) return i;',
      'if (!F.gt(threshold, F.add(before, within))) return i;',
    ],
    [
      'the first moment decays by the second one’s rate',
      'm = F.add(F.mul(a[1], x[2].f32(i)), F.mul(a[2], g));',
      'm = F.add(F.mul(a[3], x[2].f32(i)), F.mul(a[2], g));',
    ],
  ]),
  ...judge('Folds', [
    [
      'a block goes on where the last one ended',
      'if (chunk % (BLOCK / size) != 0) accumulator = before;',
      'accumulator = before;',
    ],
  ]),
  ...judge('Attention', [
    [
      'a row sees one key too few',
      'place.keys = (position < last ? position : last) + 1;',
      'place.keys = position < last ? position + 1 : last;',
    ],
  ]),
  ...judge('Boundaries', [
    ['a scaled tensor is not scaled', 'F.mul(a[1], x[1].f32(i))', 'x[1].f32(i)'],
    ['bf16 rounds ties up', '0x7fff + ((x >> 16) & 1)) & 0x7fff0000', '0x8000) & 0x7fff0000'],
    ['bf16 rounds to infinity', 'rounded > MAX_BF16 ? MAX_BF16 : rounded', 'rounded'],
    ['a scale is half of what it should be', 'return largest - 6;', 'return largest - 7;'],
    ['a row is one element short', 'for (uint256 i; i < count; ++i)', 'for (uint256 i = 1; i < count; ++i)'],
    ['the least scale is not canonical', 'uint256 largest = 8;', 'uint256 largest = 6;'],
    ['a word is scaled by another row', 'i / (a[1] / 4)', 'i / a[1]'],
    ['a word begins at its own number', '_bytes(x[0], 4 * i, field)', '_bytes(x[0], i, field)'],
    ['the first byte lies highest', '<< (8 * i);', '<< (24 - 8 * i);'],
    ['half a step is lost', 'if (shift > 24) return 0;', 'if (shift > 23) return 0;'],
    ['bytes round ties up', '(rest == half && whole & 1 == 1)', 'rest == half'],
    ['bytes do not saturate', 'if (whole > 127) whole = 127;', ''],
    [
      'a negative byte is written as positive',
      'whole == 0 ? whole : 256 - whole',
      'whole == 0 ? whole : whole',
    ],
    [
      'a byte is read without its sign',
      'return int8(uint8(word >> (8 * i)));',
      'return int256(uint256(uint8(word >> (8 * i))));',
    ],
    ['a byte is scaled by another row', 'x[1].f32(i / a[1])', 'x[1].f32(i % a[1])'],
  ]),
  ...judge('Philox', [['nine rounds', 'i < 10', 'i < 9']]),
  ...records('Participation', [
    ['a round is spoken for twice', 'if (tally.isMarked(round)) return Refusal.Repeated;', ''],
    [
      'a round stays open for ever',
      'return current - round > WINDOW ? Refusal.Closed : Refusal.None;',
      'return Refusal.None;',
    ],
    [
      'an attestation without authority',
      'if (!authorised) return Refusal.NoAuthority;\n        member.tally = tally.marked(round);',
      'member.tally = tally.marked(round);',
    ],
    ['a vote for oneself counts', 'if (winners[i] == device) continue;', ''],
    [
      'a vote for the same peer twice',
      'if (winner <= previous) return Refusal.Unordered;',
      'if (winner < previous) return Refusal.Unordered;',
    ],
    [
      'a vote signed by anybody',
      'if (Signed.signer(digest, entry.r, entry.vs) != entry.device) return Refusal.BadSignature;',
      '',
    ],
  ]),
  ...records('Identity', [
    [
      'a device is bound without its consent',
      'require(_signer(consent, consentSignature) == delegation.sessionKey, BadConsentSignature());',
      '',
    ],
    ['an old signature revives a revoked device', 'require(!held.isRevoked(), DeviceRevoked(device));', ''],
    ['another owner takes a device', 'require(held.owner() == owner, Taken(device, held.owner()));', ''],
    ['a point off the curve', 'require(_onCurve(uint256(x), uint256(y)), NotOnCurve());', ''],
  ]),
  ...records('Participation', [
    [
      'a round of a later page without authority',
      'if (!authorised) return Refusal.NoAuthority;\n            uint256 bits = tally.pageBits();',
      'uint256 bits = tally.pageBits();',
    ],
    [
      'a round of an earlier page without authority',
      'if (!authorised) return Refusal.NoAuthority;\n            earlier[round >> 8] = bits | bit;',
      'earlier[round >> 8] = bits | bit;',
    ],
    ['a round of an earlier page is spoken for twice', 'if (bits & bit != 0) return Refusal.Repeated;', ''],
    [
      'a later round takes those of earlier pages away',
      'if (bits & bit != 0) return Refusal.Repeated;',
      'if (bits | bit != 0) return Refusal.Repeated;',
    ],
    [
      'a later round takes those of its page away',
      'if (tally.isMarked(round)) return Refusal.Repeated;',
      'if (round < tally.nextRound()) return Refusal.Repeated;',
    ],
    ['a new page forgets the one before', 'if (bits != 0) earlier[', 'if (bits == 0) earlier['],
    ['a page overwrites those beside it', '|= bits << ((tally', '= bits << ((tally'],
    ['a page is kept in the place of another', '((tally.page() & 3) << 6)', '((tally.page() & 1) << 6)'],
    ['a vote counts twice', 'if (tally.hasVoted(round)) return Refusal.Repeated;', ''],
    [
      'a contradiction takes a second round',
      'require(!member.contradicted[round], AlreadyContradicted(swarm, device, round));',
      '',
    ],
    ['a contradiction with one signature', '&& _isSigned(swarm, round, one) && _isSigned', '&& _isSigned'],
    ['a contradiction with the other signature', ' && _isSigned(swarm, round, other)', ''],
    [
      'a contradiction of two devices',
      'device == other.device\n                && (one.checkpointRoot',
      '(one.checkpointRoot',
    ],
    ['a contradicted round counts', 'member.tally = member.tally.uncounted();', ''],
    [
      'a contradiction of a round to come',
      'require(round <= swarms.currentRound(swarm), Refused(Refusal.NotYet));\n        address device',
      'address device',
    ],
  ]),
  ...records('Participation', [
    [
      'a batch counts in another swarm',
      'members = _members[swarm];\n        uint256 size',
      'members = _members[0];\n        uint256 size',
    ],
    [
      'a vote counts in another swarm',
      'members = _members[swarm];\n        Member storage member',
      'members = _members[0];\n        Member storage member',
    ],
    [
      'a vote that was signed for another swarm',
      'abi.encode(VOTE_TYPEHASH, swarm, entry',
      'abi.encode(VOTE_TYPEHASH, uint64(0), entry',
    ],
    [
      'a root of another swarm',
      'require(postedAt[swarm][round][root] != 0',
      'require(postedAt[0][round][root] != 0',
    ],
    [
      'a contradiction about another swarm',
      'abi.encode(ATTESTATION_TYPEHASH, swarm',
      'abi.encode(ATTESTATION_TYPEHASH, uint64(0)',
    ],
    [
      'rounds of another swarm',
      'Refusal reason = _opening(round, swarms.currentRound(swarm));',
      'Refusal reason = _opening(round, swarms.currentRound(0));',
    ],
    [
      'the record of another swarm',
      'Tally tally = _members[swarm][device].tally;',
      'Tally tally = _members[0][device].tally;',
    ],
  ]),
  ...records('Swarms', [
    ['an unknown swarm has rounds', 'require(known.answerSeconds != 0, NoSwarm(swarm));', ''],
    ['a swarm takes the place of another', 'swarm = count++;', 'swarm = count;'],
    ['two swarms have one seed', 'address(this), swarm, blockhash', 'address(this), blockhash'],
    ['a stage of no length', 'return duration != 0 && duration <= 1 days;', 'return duration <= 1 days;'],
    [
      'a specification of any length',
      'require(spec.length != 0 && spec.length <= MAX_BYTES, BadLength(spec.length));',
      '',
    ],
    ['somebody else’s swarm', 'starter: msg.sender', 'starter: tx.origin'],
    ['a list beyond the last swarm', ': end - from < most ? end - from : most;', ': most;'],
  ]),
  ...records('Tally', [
    ['a vote forgets those before it', '((mask << (round - latest)) & 7) | 1', '1'],
    ['a vote before the latest is forgotten', 'mask |= uint256(1) << (latest - round);', ''],
    ['a closed round looks open for votes', 'return age > 2 || (mask', 'return (mask'],
    ['a new page has the rounds of the one before', '~uint256(2 ** 98 - 1)', '~uint256(0)'],
  ]),
  ...records('Signed', [
    ['a high s in a batch', 'if gt(s, HALF_ORDER) { continue }', ''],
    [
      'an entry of a batch signed by anybody',
      'if eq(mload(0x00), device) { mstore(place, device) }',
      'mstore(place, device)',
    ],
    ['the signature of another round', 'mstore(add(body, 0x40), round)', ''],
    ['the signature of another swarm', 'mstore(add(body, 0x20), swarm)', ''],
  ]),
  ...records('Identity', [
    [
      'an older delegation takes the place of a newer one',
      'require(delegation.nonce > held.nonce(), NotNewer(delegation.nonce, held.nonce()));',
      '',
    ],
    ['a retired device comes back', 'require(!held.isRetired(), DeviceRetired(device));', ''],
    [
      'a delegation ends the device of another owner',
      'require(old != device && held.owner() == owner, NotYours(old));',
      '',
    ],
    [
      'a replaced device goes on',
      '_bindings[old] = held.revoked();\n        emit Revoked(owner, old);',
      'emit Revoked(owner, old);',
    ],
    [
      'anybody ends the session of a device',
      'require(device != address(0) && _signer(end, signature) == device, BadEndSignature());',
      '',
    ],
    [
      'a session goes on after its end',
      '_bindings[device] = held.revoked();\n        emit SessionEnded(',
      'emit SessionEnded(',
    ],
    [
      'a device in force loses its place',
      'require(place < MAX_DEVICES, TooManyDevices());',
      'if (place == MAX_DEVICES) place = 0;',
    ],
    [
      'an expired device loses its place first',
      'if (held.isRevoked()) {\n                place',
      'if (!held.inForce(block.timestamp)) {\n                place',
    ],
    ['the record of a retired device is lost', '_retired[owner].push(old);', ''],
    ['v of 0 or 1 is refused', 'v < 2 ? v + 27 : v', 'v'],
    ['an epoch comes round again', 'require(epoch <= type(uint16).max, TooManyEpochs());', ''],
  ]),
  ...market('Jobs', [
    ['one claim is paid by several jobs', ' && !_delivered[claim_]', ''],
    ['the delivered claim is not noted', '_delivered[claim_] = true;', ''],
    ['bonds of any size', ' && order.bond <= MAX_BOND', ''],
    ['jobs that nobody can check in time', 'disputes.windowOf(order.steps);', ''],
    ['the terms have other steps than the order', ' && terms.steps == j.steps', ''],
    ['an old claim is delivered', '&& c.windowEnd >= j.claimedAt + disputes.windowOf(j.steps)', ''],
  ]),
  ...market('Payments', [
    ['deposits of any size', 'require(amount <= type(uint128).max, TooMuch(amount));', ''],
  ]),
  ...market('TrainingRecord', [
    [
      'who records first is the author',
      'if (isFirst || (claim != kept.claim && _rank(claim, c) < rankOf(kept.claim))) {',
      'if (isFirst) {',
    ],
    [
      'who records last is the author',
      'if (isFirst || (claim != kept.claim && _rank(claim, c) < rankOf(kept.claim))) {',
      'if (isFirst || claim != kept.claim) {',
    ],
    [
      'a commitment counts for nothing',
      'return committed != 0 && committed < own ? committed : own;',
      'return own;',
    ],
    [
      'a commitment after the claim counts against it',
      'return committed != 0 && committed < own ? committed : own;',
      'return committed != 0 ? committed : own;',
    ],
    [
      'a commitment counts for anybody',
      'return keccak256(abi.encode(claimant, run, claimRoot));',
      'return keccak256(abi.encode(run, claimRoot));',
    ],
    [
      'a commitment counts for any run',
      'return keccak256(abi.encode(claimant, run, claimRoot));',
      'return keccak256(abi.encode(claimant, claimRoot));',
    ],
    [
      'a commitment counts for any root',
      'return keccak256(abi.encode(claimant, run, claimRoot));',
      'return keccak256(abi.encode(claimant, run));',
    ],
    ['commitments have no order', '<< ORDER_BITS | ++_commitments;', '<< ORDER_BITS | 1;'],
    [
      'a later commitment replaces an earlier one',
      'require(_committed[commitment] == 0, AlreadyCommitted(commitment));',
      '',
    ],
    ['a contradiction is not noted', 'kept.contradicted = true;', ''],
    [
      'claims that do not stand are recorded',
      ' && disputes.stands(claim), NotStanding(claim)',
      ', NotStanding(claim)',
    ],
    ['a claim is counted twice', 'counted[claim] = true;', ''],
  ]),
  ...handoffs('Handoffs', [
    [
      'a bond is taken back while it is locked',
      'require(block.timestamp > bond.until, Locked(bond.until));',
      '',
    ],
    ['a bond is locked for a shorter time', '&& until >= bond.until ', ''],
    [
      'a liar takes its bond back',
      'require(!isForfeited[msg.sender][run], Forfeited());\n        Bond storage bond = _bonds[msg.sender][run][claimant];\n        uint256 amount = bond.amount;\n        require(amount != 0',
      'Bond storage bond = _bonds[msg.sender][run][claimant];\n        uint256 amount = bond.amount;\n        require(amount != 0',
    ],
    ['a bond is taken back twice', 'delete _bonds[msg.sender][run][claimant];', ''],
    ['other inputs make a contradiction', '&& first.inputs == second.inputs ', ''],
    ['the same result twice is a contradiction', '&& first.outputs != second.outputs', ''],
    ['steps make a contradiction', '&& first.step == second.step ', ''],
    ['hops make a contradiction', '&& first.hop == second.hop', ''],
    ['anybody signs for a device', '&& Signed.signer(digest, signature.r, signature.vs) == device', ''],
    ['the zero address signed it', 'device != address(0) && Signed', 'Signed'],
    ['a claim that does not stand convicts', 'disputes.stands(claim) && c.terms', 'c.terms'],
    [
      'a claim about anything convicts',
      ' && c.terms == keccak256(abi.encode(HopProgram.terms(terms, hop)))',
      '',
    ],
    ['a claim that agrees convicts', '&& c.root != claimRootOf(hop.outputs)', ''],
    ['a hop of another run convicts', 'require(runOf(terms) == handoff.run, OtherRun());', ''],
    ['other inputs than those signed', 'HopProgram.rootOver(inputs) == handoff.inputs && ', ''],
    ['other outputs than those signed', ' && HopProgram.rootOver(outputs) == handoff.outputs', ''],
    ['blame without conviction', 'require(isConvicted[device][digestOf(handoff)], NotConvicted());', ''],
    ['blame for a claim that is not lost', 'c.lost && c.terms == keccak', 'c.terms == keccak'],
    ['blame for another run’s claim', 'c.terms == keccak256(abi.encode(terms)) && runOf', 'runOf'],
    ['blame in a game that goes on', '&& g.phase == IDisputes.Phase.Over ', ''],
    ['blame for another step', '&& g.step == handoff.step', ''],
    ['blame for a slot that was never opened', '&& g.slotHash != 0 ', ''],
    ['a bond pays twice', 'bond.amount = 0;', ''],
    ['a claim is paid for twice', 'uint256 due = c.bond - paidFor[g.claim];', 'uint256 due = c.bond;'],
    ['blame takes nothing', 'uint256 paid = amount < due ? amount : due;', 'uint256 paid = 1;'],
    ['what is left is not burned', 'burned += amount - paid;', ''],
  ]),
  ...handoffs('HopProgram', [
    [
      'any slots pass for the program’s',
      'slot.kind == IDisputes.Kind.Output\n                && Merkle.verify',
      'slot.kind == IDisputes.Kind.Output\n                || Merkle.verify',
    ],
    ['slots read what comes after them', '&& slot - hop.first < i', ''],
    ['a hop hands on what it does not have', '&& place - hop.first < hop.slots.length', ''],
    ['data of a hop are not bound', 'made.data = Merkle.rootOf(data);', ''],
    [
      'any table passes for the program’s',
      'require(Merkle.verify(leaf, table.slot, run.slots, table.proof, run.program), IHandoffs.BadHop());',
      '',
    ],
  ]),
  ...handoffs('HopShares', [
    ['a hop is paid twice', '_paid[pot].set(place);', ''],
    ['hops are paid before the claim stands', 'p.isRecorded && disputes.stands(p.claim)', 'p.isRecorded'],
    ['hops are paid after the time', 'require(block.timestamp <= p.until, TooLate(p.until));', ''],
    ['a liar is paid', 'require(!handoffs.isForfeited(device, p.run), Forfeited());', ''],
    ['a handoff of another run is paid', 'entry.handoff.run == p.run && hop', 'hop'],
    ['a hop beyond the step is paid', '&& hop < p.hops ', ''],
    ['anybody records', 'require(msg.sender == p.claimant, OnlyBy(p.claimant));', ''],
    [
      'a record is replaced',
      'require(!p.isRecorded || disputes.claimOf(p.claim).lost, AlreadyRecorded());',
      '',
    ],
    ['another’s claim is recorded', 'c.claimant == p.claimant && c.terms', 'c.terms'],
    ['a lost claim is recorded', ' && !c.lost', ''],
    ['the funder takes all at once', 'require(block.timestamp > p.until, TooEarly(p.until));', ''],
    ['the funder takes it twice', 'p.left = 0;', ''],
  ]),
];

function disputes(list) {
  return inFile('disputes/Disputes.sol', 'disputes', list);
}

function clocks(list) {
  return inFile('disputes/ChessClock.sol', 'disputes', list);
}

function merkle(list) {
  return inFile('disputes/MerkleSha256.sol', 'disputes', list);
}

function judge(name, list) {
  return inFile(`judge/${name}.sol`, 'judge', list);
}

function records(name, list) {
  return inFile(`${name}.sol`, 'records', list);
}

function handoffs(name, list) {
  return inFile(`${name}.sol`, 'handoffs', list);
}

function market(name, list) {
  return inFile(`${name}.sol`, 'market', list);
}

function inFile(file, group, list) {
  return list.map(([what, from, to]) => ({ what, file, from, to, group }));
}
